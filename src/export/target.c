#include "target.h"

#include "base/array.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of target_onnx_ops.c and, for graphs, of target_graph.c. */
enum { TRT_5_0, TRT_5_1, TRT_6, TRT_7, TRT_8_0, TRT_8_2, TRT_8_4, TRT_8_5, TRT_10, OPENCV_ONNX };
enum { UFF, OPENCV_GRAPH };

#define DOCUMENT "github.com/onnx/onnx-tensorrt: "
#define OPENCV   "github.com/opencv/opencv, 4.x: modules/dnn/src/"

/* That IR 4 needs initializers among the inputs: dusty-nv/jetson-inference issue 702, NVIDIA/TensorRT issue
 * 148. That the batch is static: the parsers before 7 make no optimisation profile, nor does
 * jetson-inference. JetPack's versions: NVIDIA's JetPack release notes. */
static const rt_target targets[] = {
    {"tensorrt-5.0", "TensorRT 5.0, ONNX parser (JetPack 4.2)", RT_FORM_ONNX, TRT_5_0, 7, 9, true, true,
     DOCUMENT "operators.md for 5.1, less what it marks as new in 5.1"},
    {"tensorrt-5.1", "TensorRT 5.1, ONNX parser (JetPack 4.2.1 to 4.2.3)", RT_FORM_ONNX, TRT_5_1, 7, 9, true,
     true, DOCUMENT "operators.md, commit 062f4bee"},
    {"tensorrt-6", "TensorRT 6.0, ONNX parser (JetPack 4.3)", RT_FORM_ONNX, TRT_6, 7, 10, true, true,
     DOCUMENT "operators.md, commit 2db2ae9c"},
    {"tensorrt-7", "TensorRT 7.0 to 7.2, ONNX parser (JetPack 4.4 to 4.5.1)", RT_FORM_ONNX, TRT_7, 7, 11,
     false, false, DOCUMENT "operators.md for 7.2"},
    {"tensorrt-8.0", "TensorRT 8.0, ONNX parser (JetPack 4.6)", RT_FORM_ONNX, TRT_8_0, 7, 13, false, false,
     DOCUMENT "docs/operators.md for 8.0"},
    {"tensorrt-8.2", "TensorRT 8.2, ONNX parser (JetPack 4.6.1 and later 4.6.x, the last on a Jetson Nano)",
     RT_FORM_ONNX, TRT_8_2, 7, 13, false, false,
     DOCUMENT "docs/operators.md for 8.0 and what docs/Changelog.md adds for 8.2"},
    {"tensorrt-8.4", "TensorRT 8.4, ONNX parser (JetPack 5.0)", RT_FORM_ONNX, TRT_8_4, 7, 13, false, false,
     DOCUMENT "docs/operators.md, commit 009d6541"},
    {"tensorrt-8.5", "TensorRT 8.5, ONNX parser (JetPack 5.1)", RT_FORM_ONNX, TRT_8_5, 7, 17, false, false,
     DOCUMENT "docs/operators.md, commit 6d0ab7be"},
    {"tensorrt-10", "TensorRT 10.0 and later, ONNX parser (JetPack 6.1 and later)", RT_FORM_ONNX, TRT_10, 9,
     20, false, false, DOCUMENT "docs/operators.md for 10.15; operator sets 9 to 20 as for 10.0"},
    {"uff", "TensorRT 5.0 to 8.x, UFF converter and parser", RT_FORM_GRAPH, UFF, 0, 0, false, false,
     "uff 0.6.9: uff/converters/tensorflow/converter_functions.py, converter.py"},
    {"tflite", "TensorFlow Lite and LiteRT, builtin operators", RT_FORM_TFLITE, 0, 0, 0, false, false,
     "github.com/tensorflow/tensorflow: lite/schema/schema.fbs, lite/tools/versioning/runtime_version.cc"},
    {"opencv-onnx", "OpenCV's DNN module, readNetFromONNX (4.5.4 and later 4.x)", RT_FORM_ONNX, OPENCV_ONNX,
     7, 17, false, false, OPENCV "onnx/onnx_importer.cpp, buildDispatchMap()"},
    {"opencv-tf", "OpenCV's DNN module, readNetFromTensorflow (4.x)", RT_FORM_GRAPH, OPENCV_GRAPH, 0, 0,
     false, false, OPENCV "tensorflow/tf_importer.cpp, buildDispatchMap()"},
};

const rt_target *rt__targets(size_t *n)
{
    *n = sizeof targets / sizeof *targets;
    return targets;
}

const rt_target *rt__target_find(const char *name)
{
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}

rt_code rt__target_report_init(rt_target_report *report, rt_error *err)
{
    *report = (rt_target_report){.arena = rt__arena_new()};
    return report->arena ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

void rt__target_report_clear(rt_target_report *report)
{
    rt__arena_free(report->arena);
    free(report->problems);
    *report = (rt_target_report){0};
}

static bool grow(rt_target_report *r)
{
    rt_target_problem *larger;
    if (r->n < r->capacity)
        return true;
    if (!(larger = rt__array_grow(r->problems, &r->capacity, 16, sizeof *larger)))
        return false;
    r->problems = larger;
    return true;
}

rt_code rt__target_add(rt_target_report *report, const char *node, const char *op, const char *remedy,
                       rt_error *err, const char *format, ...)
{
    char reason[400];
    rt_target_problem p;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    p.node = rt__arena_string(report->arena, node);
    p.op = rt__arena_string(report->arena, op);
    p.reason = rt__arena_string(report->arena, reason);
    p.remedy = rt__arena_string(report->arena, remedy);
    if (!p.node || !p.op || !p.reason || !p.remedy || !grow(report))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    report->problems[report->n++] = p;
    return RT_OK;
}
