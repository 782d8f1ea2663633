/* What readers of TensorFlow's graphs take: operators, one column a target in the order of target.c, and what
 * is wanted of a node besides.
 *
 * Sources: column U, NVIDIA's uff 0.6.9, uff/converters/tensorflow/converter_functions.py (the ops it
 * registers); column O, github.com/opencv/opencv, 4.x, modules/dnn/src/tensorflow/: tf_importer.cpp,
 * buildDispatchMap(), with BatchToSpaceND, which parseConvolution() takes together with SpaceToBatchND;
 * tf_graph_simplifier.cpp, where RemoveIdentityOps() drops Dropout and PlaceholderWithDefault, and patterns
 * take Rsqrt (of a batch norm that is spelled out), Minimum and Maximum (a clip). */
#include "graph/ops.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>

enum { N_COLUMNS = 2 };
enum { UFF = 1 << 0, OPENCV = 1 << 1 };

static const struct row {
    const char *op;
    const char takes[N_COLUMNS + 1];
} rows[] = {
    /* clang-format off */
    {"Abs", "UO"},
    {"Acos", "U-"},
    {"Acosh", "U-"},
    {"Add", "UO"},
    {"AddN", "-O"},
    {"AddV2", "-O"},
    {"ArgMax", "U-"},
    {"ArgMin", "U-"},
    {"Asin", "U-"},
    {"Asinh", "U-"},
    {"Atan", "U-"},
    {"Atanh", "U-"},
    {"AvgPool", "UO"},
    {"AvgPool3D", "-O"},
    {"BatchToSpaceND", "-O"},
    {"BiasAdd", "UO"},
    {"BlockLSTM", "-O"},
    {"Ceil", "U-"},
    {"ClipByValue", "-O"},
    {"Concat", "-O"},
    {"ConcatV2", "UO"},
    {"Const", "UO"},
    {"Conv2D", "UO"},
    {"Conv2DBackpropInput", "UO"},
    {"Conv3D", "-O"},
    {"Cos", "U-"},
    {"Cosh", "U-"},
    {"CropAndResize", "-O"},
    {"DepthwiseConv2dNative", "UO"},
    {"Div", "U-"},
    {"Dropout", "-O"},
    {"Elu", "UO"},
    {"Exp", "UO"},
    {"ExpandDims", "UO"},
    {"Flatten", "-O"},
    {"Floor", "U-"},
    {"FusedBatchNorm", "UO"},
    {"FusedBatchNormV3", "-O"},
    {"FusedResizeAndPadConv2D", "-O"},
    {"Gather", "U-"},
    {"GatherV2", "U-"},
    {"Identity", "UO"},
    {"L2Normalize", "-O"},
    {"LRN", "UO"},
    {"LeakyRelu", "UO"},
    {"Log", "U-"},
    {"MatMul", "UO"},
    {"Max", "UO"},
    {"MaxPool", "UO"},
    {"MaxPool3D", "-O"},
    {"MaxPoolGrad", "-O"},
    {"Maximum", "UO"},
    {"Mean", "UO"},
    {"Min", "U-"},
    {"Minimum", "UO"},
    {"MirrorPad", "-O"},
    {"Mul", "UO"},
    {"Neg", "U-"},
    {"Pack", "UO"},
    {"Pad", "UO"},
    {"Placeholder", "UO"},
    {"PlaceholderWithDefault", "-O"},
    {"Pow", "U-"},
    {"PriorBox", "-O"},
    {"Prod", "U-"},
    {"RealDiv", "UO"},
    {"Relu", "UO"},
    {"Relu6", "UO"},
    {"Reshape", "UO"},
    {"ResizeBilinear", "-O"},
    {"ResizeNearestNeighbor", "-O"},
    {"ResourceGather", "U-"},
    {"Rsqrt", "UO"},
    {"Selu", "U-"},
    {"Shape", "U-"},
    {"Sigmoid", "UO"},
    {"Sin", "U-"},
    {"Sinh", "U-"},
    {"Slice", "-O"},
    {"Softmax", "UO"},
    {"Softplus", "U-"},
    {"Softsign", "U-"},
    {"SpaceToBatchND", "-O"},
    {"Split", "-O"},
    {"Sqrt", "U-"},
    {"Square", "U-"},
    {"Squeeze", "UO"},
    {"StridedSlice", "UO"},
    {"Sub", "UO"},
    {"Sum", "UO"},
    {"Tan", "U-"},
    {"Tanh", "UO"},
    {"Transpose", "UO"},
    /* clang-format on */
};

/* What takes the place of an op that a column lacks. */
static const struct replacement {
    const char *op, *remedy;
} replacements[] = {
    {"AddV2", "retrain export --format frozen --for uff writes Add"},
    {"FusedBatchNormV2", "retrain export --format frozen --for uff folds it into the convolution"},
    {"FusedBatchNormV3", "retrain export --format frozen --for uff folds it into the convolution"},
    {"PlaceholderWithDefault", "retrain export --format frozen --for uff leaves it out"},
    {"FakeQuantWithMinMaxVars", "retrain export --format frozen --for uff writes a clip to its range"},
    {"FakeQuantWithMinMaxArgs", "retrain export --format frozen --for uff writes a clip to its range"},
};

static int by_name(const void *name, const void *row)
{
    return strcmp(name, ((const struct row *)row)->op);
}

static bool takes(unsigned column, const char *op)
{
    const struct row *row = bsearch(op, rows, sizeof rows / sizeof *rows, sizeof *rows, by_name);
    return row && column < N_COLUMNS && row->takes[column] != '-';
}

static const char *remedy_for(const char *op)
{
    for (size_t i = 0; i < sizeof replacements / sizeof *replacements; i++)
        if (strcmp(replacements[i].op, op) == 0)
            return replacements[i].remedy;
    return "";
}

/* ---- rules ---- */

static bool text_is(const rt_node *node, const char *name, const char *value)
{
    const rt_attr *attr = rt__node_attr(node, name);
    return attr && attr->kind == RT_ATTR_STRING && strcmp(attr->value.s.bytes, value) == 0;
}

static bool computes_second(const rt_graph *graph, const rt_node *node)
{
    return node->n_inputs > 1 && !rt__graph_const(graph, node->inputs[1]);
}

static bool computes_last(const rt_graph *graph, const rt_node *node)
{
    return node->n_inputs > 1 && !rt__graph_const(graph, node->inputs[node->n_inputs - 1]);
}

static bool pads_explicitly(const rt_graph *graph, const rt_node *node)
{
    (void)graph;
    return text_is(node, "padding", "EXPLICIT");
}

static bool pads_unevenly(const rt_graph *graph, const rt_node *node)
{
    const rt_tensor *t = node->n_inputs > 1 ? rt__graph_const(graph, node->inputs[1]) : NULL;
    size_t n = t && (t->dtype == RT_INT32 || t->dtype == RT_INT64) ? rt__tensor_count(t) : 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        if (rt__tensor_int(t, i) != rt__tensor_int(t, i + 1))
            return true;
    return false;
}

static bool dilates(const rt_graph *graph, const rt_node *node)
{
    const rt_attr *attr = rt__node_attr(node, "dilations");
    (void)graph;
    for (size_t i = 0; attr && attr->kind == RT_ATTR_LIST_INT && i < attr->count; i++)
        if (attr->value.ints[i] != 1)
            return true;
    return false;
}

static bool trains(const rt_graph *graph, const rt_node *node)
{
    const rt_attr *attr = rt__node_attr(node, "is_training");
    (void)graph;
    return !attr || attr->value.b;
}

static bool takes_no_floats(const rt_graph *graph, const rt_node *node)
{
    const rt_attr *attr = rt__node_attr(node, "dtype");
    (void)graph;
    return attr && attr->kind == RT_ATTR_TYPE && attr->value.type != RT_FLOAT;
}

static bool masks_axes(const rt_graph *graph, const rt_node *node)
{
    const rt_attr *ellipsis = rt__node_attr(node, "ellipsis_mask"),
                  *axis = rt__node_attr(node, "new_axis_mask");
    (void)graph;
    return (ellipsis && ellipsis->value.i) || (axis && axis->value.i);
}

/* Sources: the function of the op in the column's source; apply_fused_padding() in uff's converter.py. */
static const struct rule {
    const char *op;
    int targets;
    bool (*breaks)(const rt_graph *graph, const rt_node *node);
    const char *reason, *remedy;
} rules[] = {
    {"Conv2D", UFF | OPENCV, computes_second, "its weights are computed, want a constant",
     "freeze the graph"},
    {"DepthwiseConv2dNative", UFF | OPENCV, computes_second, "its weights are computed, want a constant",
     "freeze the graph"},
    {"BiasAdd", UFF | OPENCV, computes_second, "its bias is computed, want a constant", "freeze the graph"},
    {"MatMul", OPENCV, computes_second, "its weights are computed, want a constant", "freeze the graph"},
    {"Conv2D", UFF, pads_explicitly, "padding EXPLICIT is not taken",
     "retrain export --format frozen --for uff writes a Pad"},
    {"DepthwiseConv2dNative", UFF, pads_explicitly, "padding EXPLICIT is not taken",
     "retrain export --format frozen --for uff writes a Pad"},
    {"MaxPool", UFF, pads_explicitly, "padding EXPLICIT is not taken", ""},
    {"Pad", UFF, pads_unevenly, "padding must be alike on both sides",
     "an image size for which SAME pads as much, or retrain export --format onnx"},
    {"Conv2D", OPENCV, dilates, "its dilations are ignored, results would be wrong",
     "retrain export --format onnx, and readNetFromONNX"},
    {"DepthwiseConv2dNative", OPENCV, dilates, "its dilations are ignored, results would be wrong",
     "retrain export --format onnx, and readNetFromONNX"},
    {"FusedBatchNorm", UFF, trains, "it computes means while it runs (is_training)", "freeze for inference"},
    {"Placeholder", UFF | OPENCV, takes_no_floats, "its type is not float", "feed floats: retrain export"},
    {"StridedSlice", UFF, masks_axes, "ellipsis_mask and new_axis_mask are not taken", ""},
    {"Transpose", UFF, computes_second, "its permutation is computed, want a constant", ""},
    {"ConcatV2", UFF, computes_last, "its axis is computed, want a constant", ""},
    {"ExpandDims", UFF, computes_second, "its axis is computed, want a constant", ""},
};

static rt_code check_rules(const rt_target *t, const rt_graph *graph, const rt_node *node,
                           rt_target_report *report, rt_error *err)
{
    rt_code code = RT_OK;
    for (size_t i = 0; code == RT_OK && i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].op, node->op) == 0 && rules[i].targets >> t->column & 1 &&
            rules[i].breaks(graph, node))
            code = rt__target_add(report, node->name, node->op, rules[i].remedy, err, "%s", rules[i].reason);
    return code;
}

rt_code rt__target_check_graph(const rt_target *target, const rt_graph *graph, const bool *needed,
                               rt_target_report *report, rt_error *err)
{
    rt_code code = RT_OK;
    for (uint32_t i = 0; code == RT_OK && i < rt__graph_count(graph); i++) {
        const rt_node *node = rt__graph_node(graph, i);
        if (needed && !needed[i])
            continue;
        report->n_nodes++;
        if (takes(target->column, node->op))
            code = check_rules(target, graph, node, report, err);
        else
            code = rt__target_add(report, node->name, node->op, remedy_for(node->op), err,
                                  "not among the operators it takes");
    }
    return code;
}
