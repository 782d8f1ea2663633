#include "attr_defaults.h"

#include <string.h>

#define NHWC                                                                    \
    {                                                                           \
        .name = "data_format", .kind = RT_ATTR_STRING, .value.s = { "NHWC", 4 } \
    }
#define BOOL(attr, truth)                                      \
    {                                                          \
        .name = attr, .kind = RT_ATTR_BOOL, .value.b = (truth) \
    }
#define INT32_TYPE(attr)                                           \
    {                                                              \
        .name = attr, .kind = RT_ATTR_TYPE, .value.type = RT_INT32 \
    }

static const struct {
    const char *op;
    rt_attr attr;
} defaults[] = {
    {"AvgPool", NHWC},
    {"BiasAdd", NHWC},
    {"ConcatV2", INT32_TYPE("Tidx")},
    {"Conv2D", NHWC},
    {"Conv2D", BOOL("use_cudnn_on_gpu", true)},
    {"DepthwiseConv2dNative", NHWC},
    {"FakeQuantWithMinMaxVars", {.name = "num_bits", .kind = RT_ATTR_INT, .value.i = 8}},
    {"FakeQuantWithMinMaxVars", BOOL("narrow_range", false)},
    {"FusedBatchNorm", NHWC},
    {"FusedBatchNorm", {.name = "epsilon", .kind = RT_ATTR_FLOAT, .value.f = 0.0001f}},
    {"FusedBatchNorm", BOOL("is_training", true)},
    {"FusedBatchNormV2", NHWC},
    {"FusedBatchNormV2", {.name = "epsilon", .kind = RT_ATTR_FLOAT, .value.f = 0.0001f}},
    {"FusedBatchNormV2", BOOL("is_training", true)},
    {"FusedBatchNormV3", NHWC},
    {"FusedBatchNormV3", {.name = "epsilon", .kind = RT_ATTR_FLOAT, .value.f = 0.0001f}},
    {"FusedBatchNormV3", BOOL("is_training", true)},
    {"MatMul", BOOL("transpose_a", false)},
    {"MatMul", BOOL("transpose_b", false)},
    {"Max", BOOL("keep_dims", false)},
    {"Max", INT32_TYPE("Tidx")},
    {"MaxPool", NHWC},
    {"Mean", BOOL("keep_dims", false)},
    {"Mean", INT32_TYPE("Tidx")},
    {"Pad", INT32_TYPE("Tpaddings")},
    {"Reshape", INT32_TYPE("Tshape")},
    {"Squeeze", {.name = "squeeze_dims", .kind = RT_ATTR_LIST_INT}},
    {"Sum", BOOL("keep_dims", false)},
    {"Sum", INT32_TYPE("Tidx")},
};

rt_code rt__attr_add_defaults(rt_graph *graph, uint32_t node, rt_error *err)
{
    const char *op = rt__graph_node(graph, node)->op;
    rt_code code = RT_OK;
    for (size_t i = 0; code == RT_OK && i < sizeof defaults / sizeof *defaults; i++)
        if (strcmp(defaults[i].op, op) == 0 &&
            !rt__node_attr(rt__graph_node(graph, node), defaults[i].attr.name))
            code = rt__graph_set_attr(graph, node, &defaults[i].attr, err);
    return code;
}
