#include "retrain/export.h"

#include "base/file.h"
#include "export_job.h"
#include "export_place.h"
#include "export_proof.h"
#include "label_graph.h"

#include <stdio.h>
#include <string.h>

/* A format, and what of it is read back. */
static const struct format {
    rt_place_kind kind;
    rt_code (*write)(const rt_export_job *job, rt_error *err);
    const char *proven[2]; /* behind the place: "", ".meta", "/model.onnx" */
    bool says;             /* which pixels it wants */
    bool steps;            /* FakeQuant is kept as it is */
    const char *then;      /* for the log */
} formats[] = {
    [RT_EXPORT_ONNX] = {RT_PLACE_FILE, rt__export_onnx, {""}, true, false, ""},
    [RT_EXPORT_TFLITE] = {RT_PLACE_FILE, rt__export_tflite, {""}, true, false, ""},
    [RT_EXPORT_FROZEN] = {RT_PLACE_FILE, rt__export_frozen, {""}, false, true, ""},
    [RT_EXPORT_SAVED_MODEL] = {RT_PLACE_FOLDER, rt__export_saved_model, {""}, false, true, ""},
    [RT_EXPORT_HUB_MODULE] = {RT_PLACE_FOLDER, rt__export_hub_module, {""}, false, true, ""},
    [RT_EXPORT_CHECKPOINT] = {RT_PLACE_PREFIX, rt__export_checkpoint, {".meta"}, false, true, ""},
    [RT_EXPORT_JETSON] = {RT_PLACE_FOLDER,
                          rt__export_jetson,
                          {"/model_01.onnx", "/model.onnx"},
                          true,
                          false,
                          "; copy it to the board and run: sh run.sh"},
};

void rt_export_defaults(rt_export_options *options)
{
    *options = (rt_export_options){.format = RT_EXPORT_ONNX,
                                   .split = {.testing_percentage = 10, .validation_percentage = 10}};
    rt_label_defaults(&options->source);
}

static rt_code check(const rt_export_options *o, rt_error *err)
{
    bool onnx = o->format == RT_EXPORT_ONNX;
    if (!o->output || !*o->output)
        return rt_fail(err, RT_EARG, "name the file to write: retrain export --format onnx GRAPH OUT");
    if (o->sample_photos && o->format != RT_EXPORT_TFLITE)
        return rt_fail(err, RT_EARG, "--quantize goes with --format tflite only");
    if (o->int8_photos && o->format != RT_EXPORT_JETSON)
        return rt_fail(err, RT_EARG, "--int8_calibration goes with --target jetson only");
    if (!o->sample_photos && o->bytes != RT_BYTES_UINT8)
        return rt_fail(err, RT_EARG, "--quantized_type goes with --quantize only");
    if (!onnx && (o->opset || o->dynamic_batch))
        return rt_fail(err, RT_EARG, "--opset and --dynamic_batch go with --format onnx only");
    if (o->frozen_for && o->format != RT_EXPORT_FROZEN)
        return rt_fail(err, RT_EARG, "--for goes with --format frozen only");
    return rt__place_check(formats[o->format].kind, o->output, err);
}

static bool holds_fake_quant(const rt_graph *graph)
{
    static const char name[] = "FakeQuant";
    for (uint32_t i = 0; i < rt__graph_count(graph); i++)
        if (strncmp(rt__graph_node(graph, i)->op, name, sizeof name - 1) == 0)
            return true;
    return false;
}

/* Before it has its name. */
static rt_code prove(const rt_export_job *job, const struct format *format, rt_error *err)
{
    bool stepped = holds_fake_quant(job->module->graph);
    bool loose = job->options->sample_photos || (stepped && (!format->steps || job->options->frozen_for));
    rt_buffer path = {0};
    rt_code code = RT_OK;
    for (size_t i = 0; code == RT_OK && i < 2 && format->proven[i]; i++) {
        rt__buffer_reset(&path);
        rt__buffer_format(&path, "%s%s", job->place, format->proven[i]);
        code = rt__buffer_ok(&path, err);
        if (code == RT_OK)
            code = rt__export_prove(job, path.bytes, format->says, loose, err);
    }
    rt__buffer_clear(&path);
    return code;
}

/* A fault of what stands there is one of what was asked for. */
static void name_as_wanted(const rt_export_job *job, rt_error *err)
{
    const char *place = job->place ? job->place : "", *output = job->options->output;
    char rest[sizeof err->path];
    size_t length = strlen(place);
    if (!err || !length || strncmp(err->path, place, length) != 0)
        return;
    memcpy(rest, err->path, sizeof rest);
    snprintf(err->path, sizeof err->path, "%.160s%.90s", output, rest + length);
}

static rt_code write_proven(rt_export_job *job, rt_error *err)
{
    const rt_export_options *o = job->options;
    const struct format *format = &formats[o->format];
    rt_file_info info;
    rt_place place;
    rt_code code = rt__place_open(&place, format->kind, o->output, err);
    job->place = place.path.bytes;
    if (code == RT_OK && (code = format->write(job, err)) == RT_OK)
        code = prove(job, format, err);
    if (code != RT_OK)
        name_as_wanted(job, err);
    if ((code = rt__place_close(&place, code, err)) != RT_OK)
        return code;
    if (format->kind == RT_PLACE_FILE && rt__file_info(o->output, &info, NULL) == RT_OK)
        rt_log_line(&o->log, RT_INFO, "wrote %s, %llu bytes", o->output, (unsigned long long)info.size);
    else
        rt_log_line(&o->log, RT_INFO, "wrote %s%s", o->output, format->then);
    return RT_OK;
}

rt_code rt_export(const rt_export_options *options, rt_error *err)
{
    rt_export_job job = {.options = options};
    rt_code code = check(options, err);
    if (code != RT_OK)
        return code;
    code = rt__label_graph_open(&options->source, &job.module, &job.labels.text, err);
    if (code == RT_OK) {
        job.info = rt_module_describe(job.module);
        rt_log_line(&options->log, RT_INFO, "%s: %dx%d pixels to %d probabilities%s%s", job.info->path,
                    (int)job.info->width, (int)job.info->height, (int)job.info->feature_size,
                    *job.info->notice ? "; " : "", job.info->notice);
        code = rt__label_names_find(&job.labels, &options->source, (size_t)job.info->feature_size, err);
    }
    if (code == RT_OK)
        code = write_proven(&job, err);
    rt__label_names_clear(&job.labels);
    rt_module_close(job.module);
    return code;
}
