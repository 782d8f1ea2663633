#include "jetson_text.h"

#include "json_text.h"

#include <string.h>

/* jetson-inference reads a line that begins with "n" and has a space at its tenth character as an ImageNet
 * synset "n01440764 tench" and keeps only what follows: LoadClassLabels() in its c/tensorNet.cpp. */
enum { SYNSET_LETTERS = 9, LABEL_BYTES = 511 };

static bool looks_like_synset(const char *label)
{
    return label[0] == 'n' && strlen(label) > SYNSET_LETTERS && label[SYNSET_LETTERS] == ' ';
}

rt_code rt__jetson_check_labels(const char *const *labels, size_t n, rt_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (strchr(labels[i], ';'))
            return rt_fail(err, RT_EARG,
                           "label '%.200s' has a ';', which ends a label in DeepStream: rename the class",
                           labels[i]);
        if (strlen(labels[i]) > LABEL_BYTES - 10)
            return rt_fail(err, RT_EARG, "label '%.60s...' has %zu bytes: jetson-inference reads %d at most",
                           labels[i], strlen(labels[i]), LABEL_BYTES - 10);
    }
    return RT_OK;
}

static void write_labels(const rt_jetson_facts *facts, rt_buffer *text)
{
    for (size_t i = 0; i < facts->n_labels; i++)
        rt__buffer_format(text, "%s%s\n", looks_like_synset(facts->labels[i]) ? "n00000000 " : "",
                          facts->labels[i]);
}

static void write_labels_deepstream(const rt_jetson_facts *facts, rt_buffer *text)
{
    for (size_t i = 0; i < facts->n_labels; i++)
        rt__buffer_format(text, "%s%s", i ? ";" : "", facts->labels[i]);
    rt__buffer_text(text, "\n");
}

/* process_mode 1: whole frames; 2: objects that another detector found. */
static void write_config(rt_buffer *text, int id, int process_mode)
{
    rt__buffer_format(text,
                      "[property]\n"
                      "gpu-id=0\n"
                      "onnx-file=model_01.onnx\n"
                      "model-engine-file=model_01.onnx_b1_gpu0_fp16.engine\n"
                      "labelfile-path=labels_deepstream.txt\n"
                      "batch-size=1\n"
                      "# 0 FP32, 1 INT8 (not on a Nano), 2 FP16\n"
                      "network-mode=2\n"
                      "# classifier\n"
                      "network-type=1\n"
                      "process-mode=%d\n"
                      "# pixels / 255\n"
                      "net-scale-factor=0.0039215697906911373\n"
                      "# RGB\n"
                      "model-color-format=0\n"
                      "maintain-aspect-ratio=0\n"
                      "output-blob-names=output_0\n"
                      "classifier-threshold=0.5\n"
                      "gie-unique-id=%d\n"
                      "interval=0\n",
                      process_mode, id);
}

static void write_config_primary(const rt_jetson_facts *facts, rt_buffer *text)
{
    (void)facts;
    write_config(text, 1, 1);
}

static void write_config_secondary(const rt_jetson_facts *facts, rt_buffer *text)
{
    (void)facts;
    write_config(text, 2, 2);
    rt__buffer_text(text, "# objects of the detector with this gie-unique-id are classified\n"
                          "operate-on-gie-id=1\n");
}

static void write_app_config(const rt_jetson_facts *facts, rt_buffer *text)
{
    (void)facts;
    rt__buffer_text(text, "# deepstream-app -c deepstream_app_config.txt\n"
                          "[application]\n"
                          "enable-perf-measurement=1\n"
                          "perf-measurement-interval-sec=5\n"
                          "[tiled-display]\n"
                          "enable=0\n"
                          "[source0]\n"
                          "enable=1\n"
                          "# 3: a file or a network address\n"
                          "type=3\n"
                          "uri=file:///opt/nvidia/deepstream/deepstream/samples/streams/sample_720p.mp4\n"
                          "num-sources=1\n"
                          "[sink0]\n"
                          "enable=1\n"
                          "# 5: overlay on a Jetson's display; 1: none\n"
                          "type=5\n"
                          "sync=0\n"
                          "[osd]\n"
                          "enable=1\n"
                          "text-size=15\n"
                          "text-color=1;1;1;1;\n"
                          "text-bg-color=0.3;0.3;0.3;1\n"
                          "font=Serif\n"
                          "[streammux]\n"
                          "batch-size=1\n"
                          "batched-push-timeout=40000\n"
                          "width=1280\n"
                          "height=720\n"
                          "[primary-gie]\n"
                          "enable=1\n"
                          "config-file=config_infer_primary.txt\n");
}

static void write_run(const rt_jetson_facts *facts, rt_buffer *text)
{
    (void)facts;
    rt__buffer_text(
        text,
        "#!/bin/sh\n"
        "# On the board: builds the TensorRT engine and times it.  With photos as arguments it classifies "
        "them\n"
        "# with jetson-inference where that is installed:  sh run.sh photo.jpg ...\n"
        "set -eu\n"
        "cd \"$(dirname \"$0\")\"\n"
        "version=$(dpkg-query -W -f '${Version}' libnvinfer8 2>/dev/null ||\n"
        "    dpkg-query -W -f '${Version}' libnvinfer7 2>/dev/null ||\n"
        "    dpkg-query -W -f '${Version}' libnvinfer6 2>/dev/null ||\n"
        "    dpkg-query -W -f '${Version}' libnvinfer5 2>/dev/null || echo unknown)\n"
        "echo \"TensorRT $version\"\n"
        "flags='--fp16 --workspace=256'\n"
        "case $version in\n"
        "7.*) flags=\"$flags --explicitBatch\" ;;\n"
        "esac\n"
        "trtexec=$(command -v trtexec || echo /usr/src/tensorrt/bin/trtexec)\n"
        "if [ ! -x \"$trtexec\" ]; then\n"
        "    echo 'trtexec is not there: install the packages of TensorRT (part of JetPack)' >&2\n"
        "    exit 1\n"
        "fi\n"
        "[ -f model_01.engine ] || \"$trtexec\" --onnx=model_01.onnx $flags --saveEngine=model_01.engine\n"
        "imagenet=$(command -v imagenet || command -v imagenet-console || true)\n"
        "if [ -z \"$imagenet\" ]; then\n"
        "    echo 'jetson-inference is not installed: only the engine was built'\n"
        "    exit 0\n"
        "fi\n"
        "[ $# -gt 0 ] || set -- probe.ppm\n"
        "for photo; do\n"
        "    \"$imagenet\" --model=model.onnx --labels=labels.txt --input_blob=input_0 "
        "--output_blob=output_0 \\\n"
        "        \"$photo\" \"labelled_$(basename \"$photo\" | sed 's/\\.[^.]*$//').jpg\"\n"
        "done\n"
        "echo 'probe.ppm must give what probe.txt says, but for the last digit or two'\n");
}

static void write_preprocess(const rt_jetson_facts *facts, rt_buffer *text)
{
    rt__buffer_format(
        text,
        "{\n"
        "  \"model_01.onnx\": {\"layout\": \"NCHW\", \"colors\": \"RGB\", \"height\": %d, \"width\": %d,\n"
        "    \"input\": \"input_0\", \"output\": \"output_0\", \"scale\": 0.00392156862745098,\n"
        "    \"mean\": [0, 0, 0], \"std\": [1, 1, 1], \"resize\": \"bilinear, aspect not kept\"},\n"
        "  \"model.onnx\": {\"layout\": \"NCHW\", \"colors\": \"RGB\", \"height\": %d, \"width\": %d,\n"
        "    \"input\": \"input_0\", \"output\": \"output_0\", \"scale\": 0.00392156862745098,\n"
        "    \"mean\": [0.485, 0.456, 0.406], \"std\": [0.229, 0.224, 0.225],\n"
        "    \"resize\": \"nearest, aspect not kept\"},\n"
        "  \"labels\": [",
        (int)facts->height, (int)facts->width, (int)facts->height, (int)facts->width);
    for (size_t i = 0; i < facts->n_labels; i++) {
        rt__buffer_text(text, i ? ", " : "");
        rt__json_string(text, facts->labels[i]);
    }
    rt__buffer_text(text, "]\n}\n");
}

static void write_readme(const rt_jetson_facts *facts, rt_buffer *text)
{
    rt__buffer_format(
        text,
        "A classifier for an NVIDIA Jetson, made from %s by retrain.\n"
        "It was not run on a Jetson: the ONNX files hold only what TensorRT 5.1 to 10 parse (opset 9, IR "
        "version 3).\n"
        "\n"
        "  sh run.sh                  builds the engine with trtexec, classifies probe.ppm where "
        "jetson-inference is\n"
        "  sh run.sh a.jpg b.jpg      classifies photos\n"
        "\n"
        "model.onnx              for jetson-inference (imagenet): takes its ImageNet normalisation\n"
        "labels.txt              its labels\n"
        "model_01.onnx           for DeepStream and trtexec: takes pixels / 255, RGB, 1x3x%dx%d\n"
        "labels_deepstream.txt   its labels, on one line\n"
        "config_infer_primary.txt, config_infer_secondary.txt, deepstream_app_config.txt\n"
        "                        DeepStream: whole frames; objects of a detector; a sample application\n"
        "preprocess.json         the same facts for your own program\n"
        "probe.ppm, probe.txt    an image and the probabilities it must give\n"
        "\n"
        "probe.ppm is '%s' with probability %.5f; with FP16 the third digit may differ.\n",
        facts->source, (int)facts->height, (int)facts->width, facts->expected, (double)facts->score);
    if (facts->has_table)
        rt__buffer_text(
            text,
            "\n" RT_JETSON_TABLE
            "       ranges of model_01.onnx for INT8, by entropy.  A Nano has no INT8; on a Xavier or\n"
            "Orin: trtexec --onnx=model_01.onnx --fp16 --int8 --calib=" RT_JETSON_TABLE "\n"
            "or, in DeepStream's configurations, network-mode=1 and int8-calib-file=" RT_JETSON_TABLE ".\n"
            "It was never read by a TensorRT: only its arithmetic was imitated on a PC.  If yours does not "
            "take\n"
            "the version in its first line, write your own there (TRT-8201-EntropyCalibration2 for "
            "8.2.1).\n");
}

const rt_jetson_file rt__jetson_files[] = {
    {"labels.txt", write_labels, false},
    {"labels_deepstream.txt", write_labels_deepstream, false},
    {"config_infer_primary.txt", write_config_primary, false},
    {"config_infer_secondary.txt", write_config_secondary, false},
    {"deepstream_app_config.txt", write_app_config, false},
    {"run.sh", write_run, true},
    {"preprocess.json", write_preprocess, false},
    {"README.txt", write_readme, false},
    {NULL, NULL, false},
};
