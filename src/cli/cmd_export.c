#include "classifier_options.h"
#include "commands.h"
#include "retrain/export.h"
#include "terminal.h"

#include <stdio.h>
#include <string.h>

typedef enum export_target { TARGET_NONE, TARGET_JETSON } export_target;

typedef struct export_arguments {
    rt_export_options export;
    rt_export_format format; /* of --format */
    export_target target;
    rt_split split;
} export_arguments;

#define AT(field)     offsetof(export_arguments, field)
#define EXPORT(field) offsetof(export_arguments, export.field)
#define SOURCE(field) offsetof(export_arguments, export.source.field)

static const rt_option options[] = {
    {"format", "Result", RT_OPTION_CHOICE, "onnx|tflite|frozen|saved_model|hub_module|checkpoint", 0, 0,
     AT(format), NULL, "What OUT is to be."},
    {"target", NULL, RT_OPTION_CHOICE, "none|jetson", 0, 0, AT(target), NULL,
     "Instead of a format: all that a device needs, in a folder OUT."},
    {"for", NULL, RT_OPTION_CHOICE, "none|uff|tf1", 0, 0, EXPORT(frozen_for), NULL,
     "A frozen graph that older tools take: TensorRT's UFF converter and OpenCV, or converters of "
     "TensorFlow 1.x."},
    {"int8_calibration", NULL, RT_OPTION_TEXT, "PHOTOS", 0, 0, EXPORT(int8_photos), "none",
     "With --target jetson: a table for TensorRT's INT8, which a Nano does not have, from photos of this "
     "folder."},
    {"opset", NULL, RT_OPTION_INT, "N", 9, 13, EXPORT(opset), "9, which every TensorRT from 5.1 on parses",
     "Version of ONNX's operators."},
    {"dynamic_batch", NULL, RT_OPTION_SWITCH, NULL, 0, 0, EXPORT(dynamic_batch), NULL,
     "ONNX for any number of photos at once; TensorRT before 7 does not take it."},
    {"quantize", NULL, RT_OPTION_TEXT, "PHOTOS", 0, 0, EXPORT(sample_photos), "float32",
     "TensorFlow Lite in 8 bits, with the ranges that photos of this folder give; name your training "
     "photos. Both kinds are measured on the run's test photos, which the next three flags tell."},
    RT_SPLIT_ROWS(EXPORT(split), AT(split)),
    {"quantized_type", NULL, RT_OPTION_CHOICE, "uint8|int8", 0, 0, EXPORT(bytes), NULL,
     "What the 8-bit file takes and gives: uint8 for phones, int8 for microcontrollers."},
    {"probe_photos", NULL, RT_OPTION_TEXT, "PHOTOS", 0, 0, EXPORT(probe_photos),
     "those of --quantize, else drawings",
     "What was written is read back and must give the source's probabilities for photos of this folder."},
    RT_CLASSIFIER_ROWS("Source", SOURCE),
};

static void defaults(void *arguments)
{
    export_arguments *a = arguments;
    rt_export_defaults(&a->export);
}

static rt_code take_operands(const export_arguments *a, char **operands, size_t n_operands,
                             rt_export_options *o, rt_error *err)
{
    *o = a->export;
    o->split.legacy_split = a->split == RT_SPLIT_LEGACY;
    o->format = a->target == TARGET_JETSON ? RT_EXPORT_JETSON : a->format;
    if (n_operands != 2)
        return rt_fail(err, RT_EARG,
                       "name a graph and what to write: retrain export --format onnx "
                       "/tmp/output_graph.pb model.onnx");
    o->source.graph = operands[0];
    o->output = operands[1];
    return RT_OK;
}

static int run(const void *arguments, char **operands, size_t n_operands)
{
    rt_terminal terminal = rt__terminal(RT_INFO);
    rt_export_options o;
    rt_error err;
    rt_code code = take_operands(arguments, operands, n_operands, &o, &err);
    o.log = rt__terminal_log(&terminal);
    o.progress = rt__terminal_progress(&terminal);
    if (code == RT_OK)
        code = rt_export(&o, &err);
    rt__terminal_clear(&terminal);
    return code == RT_OK ? RT_DONE : rt__complain(&err);
}

const rt_command rt__cmd_export = {
    .name = "export",
    .summary = "Write a classifier for TensorFlow, TensorFlow Lite, ONNX Runtime, TensorRT or a Jetson.",
    .usage = "[flags] GRAPH OUT",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .arguments_size = sizeof(export_arguments),
    .defaults = defaults,
    .takes_operands = true,
    .run = run,
};
