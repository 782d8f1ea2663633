#include "ops.h"

#include "op_rules.h"

#include <stdlib.h>
#include <string.h>

/* ---- attributes and their defaults, from TensorFlow's op registry ---- */

#define INT(attr, number)                                               \
    {                                                                   \
        {.name = attr, .kind = RT_ATTR_INT, .value.i = (number)}, false \
    }
#define FLOAT(attr, number)                                               \
    {                                                                     \
        {.name = attr, .kind = RT_ATTR_FLOAT, .value.f = (number)}, false \
    }
#define BOOL(attr, truth)                                               \
    {                                                                   \
        {.name = attr, .kind = RT_ATTR_BOOL, .value.b = (truth)}, false \
    }
#define TYPE(attr, dtype)                                                  \
    {                                                                      \
        {.name = attr, .kind = RT_ATTR_TYPE, .value.type = (dtype)}, false \
    }
#define STRING(attr, text)                                                                \
    {                                                                                     \
        {.name = attr, .kind = RT_ATTR_STRING, .value.s = {text, sizeof text - 1}}, false \
    }
#define INTS(attr, n, array)                                                                 \
    {                                                                                        \
        {.name = attr, .kind = RT_ATTR_LIST_INT, .count = (n), .value.ints = (array)}, false \
    }
#define REQUIRED(attr, k)                 \
    {                                     \
        {.name = attr, .kind = (k)}, true \
    }

static const int64_t ones[4] = {1, 1, 1, 1};
static const int64_t no_pads[4] = {0, 0, 0, 0};

static const rt_attr_spec conv_attrs[] = {
    REQUIRED("strides", RT_ATTR_LIST_INT),
    REQUIRED("padding", RT_ATTR_STRING),
    INTS("explicit_paddings", 0, NULL),
    STRING("data_format", "NHWC"),
    INTS("dilations", 4, ones),
};
static const rt_attr_spec pool_attrs[] = {
    REQUIRED("ksize", RT_ATTR_LIST_INT), REQUIRED("strides", RT_ATTR_LIST_INT),
    REQUIRED("padding", RT_ATTR_STRING), INTS("explicit_paddings", 0, NULL),
    STRING("data_format", "NHWC"),
};
static const rt_attr_spec layout_attrs[] = {STRING("data_format", "NHWC")};
static const rt_attr_spec batch_norm_attrs[] = {
    FLOAT("epsilon", 0.0001f),
    STRING("data_format", "NHWC"),
    BOOL("is_training", true),
};
static const rt_attr_spec global_norm_attrs[] = {
    REQUIRED("variance_epsilon", RT_ATTR_FLOAT),
    REQUIRED("scale_after_normalization", RT_ATTR_BOOL),
};
static const rt_attr_spec matmul_attrs[] = {BOOL("transpose_a", false), BOOL("transpose_b", false)};
static const rt_attr_spec leaky_attrs[] = {FLOAT("alpha", 0.2f)};
static const rt_attr_spec const_attrs[] = {REQUIRED("dtype", RT_ATTR_TYPE),
                                           REQUIRED("value", RT_ATTR_TENSOR)};
static const rt_attr_spec placeholder_attrs[] = {
    REQUIRED("dtype", RT_ATTR_TYPE),
    {{.name = "shape", .kind = RT_ATTR_SHAPE, .value.shape = {.rank = RT_UNKNOWN}}, false},
};
static const rt_attr_spec default_attrs[] = {REQUIRED("dtype", RT_ATTR_TYPE)};
static const rt_attr_spec cast_attrs[] = {REQUIRED("DstT", RT_ATTR_TYPE)};
static const rt_attr_spec reduce_attrs[] = {BOOL("keep_dims", false)};
static const rt_attr_spec squeeze_attrs[] = {INTS("squeeze_dims", 0, NULL)};
static const rt_attr_spec shape_attrs[] = {TYPE("out_type", RT_INT32)};
static const rt_attr_spec pack_attrs[] = {INT("axis", 0)};
static const rt_attr_spec unpack_attrs[] = {INT("axis", 0), REQUIRED("num", RT_ATTR_INT)};
static const rt_attr_spec split_attrs[] = {REQUIRED("num_split", RT_ATTR_INT)};
static const rt_attr_spec gather_attrs[] = {INT("batch_dims", 0)};
static const rt_attr_spec mirror_attrs[] = {REQUIRED("mode", RT_ATTR_STRING)};
static const rt_attr_spec slice_attrs[] = {
    INT("begin_mask", 0),    INT("end_mask", 0),         INT("ellipsis_mask", 0),
    INT("new_axis_mask", 0), INT("shrink_axis_mask", 0),
};
static const rt_attr_spec quant_vars_attrs[] = {INT("num_bits", 8), BOOL("narrow_range", false)};
static const rt_attr_spec quant_args_attrs[] = {
    INT("num_bits", 8),
    BOOL("narrow_range", false),
    FLOAT("min", -6),
    FLOAT("max", 6),
};
static const rt_attr_spec dequantize_attrs[] = {
    REQUIRED("T", RT_ATTR_TYPE), STRING("mode", "MIN_COMBINED"), BOOL("narrow_range", false), INT("axis", -1),
    TYPE("dtype", RT_FLOAT),
};
static const rt_attr_spec rt_conv_attrs[] = {
    INTS("strides", 2, ones), INTS("dilations", 2, ones), INTS("pads", 4, no_pads),
    STRING("activation", ""), FLOAT("alpha", 0),
};
static const rt_attr_spec rt_pool_attrs[] = {
    REQUIRED("kind", RT_ATTR_STRING),
    REQUIRED("ksize", RT_ATTR_LIST_INT),
    INTS("strides", 2, ones),
    INTS("pads", 4, no_pads),
};
static const rt_attr_spec rt_activation_attrs[] = {STRING("activation", ""), FLOAT("alpha", 0)};
static const rt_attr_spec rt_reshape_attrs[] = {REQUIRED("shape", RT_ATTR_LIST_INT)};
static const rt_attr_spec rt_pad_attrs[] = {INTS("pads", 4, no_pads)};
static const rt_attr_spec rt_quant_attrs[] = {
    REQUIRED("low", RT_ATTR_FLOAT),     REQUIRED("high", RT_ATTR_FLOAT),    REQUIRED("scale", RT_ATTR_FLOAT),
    REQUIRED("inverse", RT_ATTR_FLOAT), REQUIRED("divisor", RT_ATTR_FLOAT), REQUIRED("zero", RT_ATTR_FLOAT),
};

/* ---- the kinds of rows that are many ---- */

#define UNARY(op, lowering)                                                                            \
    {                                                                                                  \
        .name = op, .min_inputs = 1, .max_inputs = 1, .shape = rt__shape_same, .eval = rt__eval_unary, \
        .lower = (lowering)                                                                            \
    }
#define BINARY(op, lowering)                                                                                 \
    {                                                                                                        \
        .name = op, .min_inputs = 2, .max_inputs = 2, .shape = rt__shape_broadcast, .eval = rt__eval_binary, \
        .lower = (lowering)                                                                                  \
    }
#define IDENTITY(op)                                                                                  \
    {                                                                                                 \
        .name = op, .min_inputs = 1, .max_inputs = 1, .shape = rt__shape_same, .eval = rt__eval_copy, \
        .lower = rt__lower_identity                                                                   \
    }
#define REDUCE(op, lowering)                                                               \
    {                                                                                      \
        .name = op, .min_inputs = 2, .max_inputs = 2, .attrs = reduce_attrs, .n_attrs = 1, \
        .shape = rt__shape_reduce, .eval = rt__eval_reduce, .lower = (lowering)            \
    }
#define BATCH_NORM(op)                                                                         \
    {                                                                                          \
        .name = op, .min_inputs = 5, .max_inputs = 5, .attrs = batch_norm_attrs, .n_attrs = 3, \
        .shape = rt__shape_batch_norm, .lower = rt__lower_batch_norm                           \
    }
#define POOL(op)                                                                         \
    {                                                                                    \
        .name = op, .min_inputs = 1, .max_inputs = 1, .attrs = pool_attrs, .n_attrs = 5, \
        .shape = rt__shape_pool, .lower = rt__lower_pool                                 \
    }
#define PAD(op, n)                                                                                       \
    {                                                                                                    \
        .name = op, .min_inputs = (n), .max_inputs = (n), .shape = rt__shape_pad, .lower = rt__lower_pad \
    }

#define ROW(op, least, most) .name = op, .min_inputs = (least), .max_inputs = (most)
#define ATTRS(array)         .attrs = array, .n_attrs = sizeof array / sizeof *array

static const rt_op table[] = {
    BINARY("Add", rt__lower_arith),
    {ROW("AddN", 1, RT_ANY_INPUTS), .shape = rt__shape_equal_inputs, .lower = rt__lower_add_n},
    BINARY("AddV2", rt__lower_arith),
    POOL("AvgPool"),
    {ROW("BatchNormWithGlobalNormalization", 5, 5), ATTRS(global_norm_attrs), .shape = rt__shape_same,
     .lower = rt__lower_global_norm},
    {ROW("BiasAdd", 2, 2), ATTRS(layout_attrs), .shape = rt__shape_bias, .lower = rt__lower_bias},
    {ROW("Cast", 1, 1), ATTRS(cast_attrs), .type_attr = "DstT", .shape = rt__shape_same,
     .eval = rt__eval_cast, .lower = rt__lower_cast},
    IDENTITY("CheckNumerics"),
    {ROW("ClipByValue", 3, 3), .shape = rt__shape_same, .lower = rt__lower_clip},
    {ROW("Concat", 2, RT_ANY_INPUTS), .type_input = 1, .shape = rt__shape_concat, .eval = rt__eval_concat,
     .lower = rt__lower_concat},
    {ROW("ConcatV2", 2, RT_ANY_INPUTS), .shape = rt__shape_concat, .eval = rt__eval_concat,
     .lower = rt__lower_concat},
    {ROW("Const", 0, 0), ATTRS(const_attrs), .type_attr = "dtype", .shape = rt__shape_const,
     .lower = rt__lower_keep},
    {ROW("Conv2D", 2, 2), ATTRS(conv_attrs), .shape = rt__shape_conv, .lower = rt__lower_conv},
    {ROW("DepthwiseConv2dNative", 2, 2), ATTRS(conv_attrs), .shape = rt__shape_depthwise,
     .lower = rt__lower_depthwise},
    {ROW("Dequantize", 3, 3), ATTRS(dequantize_attrs), .type_attr = "dtype", .shape = rt__shape_same,
     .eval = rt__eval_dequantize},
    UNARY("Elu", rt__lower_elu),
    UNARY("Exp", NULL),
    {ROW("ExpandDims", 2, 2), .shape = rt__shape_expand_dims, .eval = rt__eval_copy, .lower = rt__lower_view},
    {ROW("FakeQuantWithMinMaxArgs", 1, 1), ATTRS(quant_args_attrs), .shape = rt__shape_same,
     .eval = rt__eval_fake_quant_args, .lower = rt__lower_fake_quant},
    {ROW("FakeQuantWithMinMaxVars", 3, 3), ATTRS(quant_vars_attrs), .shape = rt__shape_same,
     .eval = rt__eval_fake_quant_vars, .lower = rt__lower_fake_quant},
    {ROW("FakeQuantWithMinMaxVarsPerChannel", 3, 3), ATTRS(quant_vars_attrs), .shape = rt__shape_same,
     .eval = rt__eval_fake_quant_channels},
    {ROW("Fill", 2, 2), .type_input = 1, .shape = rt__shape_fill, .eval = rt__eval_fill},
    BINARY("FloorDiv", NULL),
    BINARY("FloorMod", NULL),
    BATCH_NORM("FusedBatchNorm"),
    BATCH_NORM("FusedBatchNormV2"),
    BATCH_NORM("FusedBatchNormV3"),
    {ROW("Gather", 2, 2), .shape = rt__shape_gather, .eval = rt__eval_gather, .lower = rt__lower_gather},
    {ROW("GatherV2", 3, 3), ATTRS(gather_attrs), .shape = rt__shape_gather, .eval = rt__eval_gather,
     .lower = rt__lower_gather},
    IDENTITY("Identity"),
    {ROW("LeakyRelu", 1, 1), ATTRS(leaky_attrs), .shape = rt__shape_same, .lower = rt__lower_leaky_relu},
    UNARY("Log", NULL),
    {ROW("LogSoftmax", 1, 1), .shape = rt__shape_same},
    {ROW("MatMul", 2, 2), ATTRS(matmul_attrs), .shape = rt__shape_matmul, .lower = rt__lower_matmul},
    REDUCE("Max", rt__lower_max),
    POOL("MaxPool"),
    BINARY("Maximum", rt__lower_bound),
    REDUCE("Mean", rt__lower_mean),
    REDUCE("Min", NULL),
    BINARY("Minimum", rt__lower_bound),
    {ROW("MirrorPad", 2, 2), ATTRS(mirror_attrs), .shape = rt__shape_pad},
    BINARY("Mul", rt__lower_arith),
    UNARY("Neg", rt__lower_neg),
    {ROW("Pack", 1, RT_ANY_INPUTS), ATTRS(pack_attrs), .shape = rt__shape_pack, .eval = rt__eval_pack},
    PAD("Pad", 2),
    PAD("PadV2", 3),
    {ROW("Placeholder", 0, 0), ATTRS(placeholder_attrs), .type_attr = "dtype", .shape = rt__shape_placeholder,
     .lower = rt__lower_placeholder},
    {ROW("PlaceholderWithDefault", 1, 1), ATTRS(default_attrs), .shape = rt__shape_same,
     .eval = rt__eval_copy, .lower = rt__lower_identity},
    BINARY("Pow", NULL),
    IDENTITY("PreventGradient"),
    REDUCE("Prod", NULL),
    {ROW("Range", 3, 3), .shape = rt__shape_range, .eval = rt__eval_range},
    {ROW("Rank", 1, 1), .type = RT_INT32, .shape = rt__shape_scalar, .eval = rt__eval_rank,
     .shape_only = true},
    BINARY("RealDiv", rt__lower_arith),
    UNARY("Relu", rt__lower_activation),
    UNARY("Relu6", rt__lower_activation),
    {ROW("Reshape", 2, 2), .shape = rt__shape_reshape, .eval = rt__eval_copy, .lower = rt__lower_view},
    {ROW("ResizeBilinear", 2, 2), .type = RT_FLOAT, .shape = rt__shape_resize, .lower = rt__lower_resize},
    {ROW("ResizeNearestNeighbor", 2, 2), .shape = rt__shape_resize, .lower = rt__lower_resize},
    {ROW("ReverseV2", 2, 2), .shape = rt__shape_same, .lower = rt__lower_reverse},
    UNARY("Round", NULL),
    UNARY("Rsqrt", NULL),
    {ROW("Select", 3, 3), .type_input = 1, .shape = rt__shape_select, .eval = rt__eval_select},
    {ROW("Selu", 1, 1), .shape = rt__shape_same, .lower = rt__lower_elu},
    {ROW("Shape", 1, 1), ATTRS(shape_attrs), .type_attr = "out_type", .shape = rt__shape_shape,
     .eval = rt__eval_shape, .shape_only = true},
    UNARY("Sigmoid", rt__lower_activation),
    {ROW("Size", 1, 1), ATTRS(shape_attrs), .type_attr = "out_type", .shape = rt__shape_scalar,
     .eval = rt__eval_size, .shape_only = true},
    {ROW("Slice", 3, 3), .shape = rt__shape_slice, .eval = rt__eval_slice, .lower = rt__lower_slice},
    IDENTITY("Snapshot"),
    {ROW("Softmax", 1, 1), .shape = rt__shape_same, .lower = rt__lower_softmax},
    {ROW("Split", 2, 2), ATTRS(split_attrs), .type_input = 1, .shape = rt__shape_split,
     .eval = rt__eval_split, .count_attr = "num_split"},
    UNARY("Sqrt", NULL),
    UNARY("Square", NULL),
    BINARY("SquaredDifference", NULL),
    {ROW("Squeeze", 1, 1), ATTRS(squeeze_attrs), .shape = rt__shape_squeeze, .eval = rt__eval_copy,
     .lower = rt__lower_view},
    IDENTITY("StopGradient"),
    {ROW("StridedSlice", 4, 4), ATTRS(slice_attrs), .shape = rt__shape_strided_slice,
     .eval = rt__eval_strided_slice, .lower = rt__lower_strided_slice},
    BINARY("Sub", rt__lower_arith),
    REDUCE("Sum", NULL),
    UNARY("Tanh", rt__lower_activation),
    {ROW("Tile", 2, 2), .shape = rt__shape_tile, .eval = rt__eval_tile},
    {ROW("Transpose", 2, 2), .shape = rt__shape_transpose, .eval = rt__eval_transpose,
     .lower = rt__lower_transpose},
    {ROW("Unpack", 1, 1), ATTRS(unpack_attrs), .shape = rt__shape_unpack, .eval = rt__eval_unpack,
     .count_attr = "num"},
    {ROW("rt.Activation", 1, 1), ATTRS(rt_activation_attrs), .shape = rt__shape_same},
    {ROW("rt.Add", 2, 2), ATTRS(rt_activation_attrs), .shape = rt__shape_rt_add},
    {ROW("rt.Affine", 3, 3), ATTRS(rt_activation_attrs), .shape = rt__shape_same},
    {ROW("rt.Concat", 1, RT_ANY_INPUTS), .shape = rt__shape_rt_concat},
    {ROW("rt.Conv", 3, 4), ATTRS(rt_conv_attrs), .shape = rt__shape_rt_conv},
    {ROW("rt.Depthwise", 3, 4), ATTRS(rt_conv_attrs), .shape = rt__shape_rt_depthwise},
    {ROW("rt.FakeQuant", 1, 1), ATTRS(rt_quant_attrs), .shape = rt__shape_same},
    {ROW("rt.GlobalAverage", 1, 1), .shape = rt__shape_rt_global_average},
    {ROW("rt.MatMul", 3, 3), ATTRS(rt_activation_attrs), .shape = rt__shape_matmul},
    {ROW("rt.Mul", 2, 2), ATTRS(rt_activation_attrs), .shape = rt__shape_rt_mul},
    {ROW("rt.Pad", 1, 1), ATTRS(rt_pad_attrs), .shape = rt__shape_rt_pad},
    {ROW("rt.Pool", 1, 1), ATTRS(rt_pool_attrs), .shape = rt__shape_rt_pool},
    {ROW("rt.Reshape", 1, 1), ATTRS(rt_reshape_attrs), .shape = rt__shape_rt_reshape},
    {ROW("rt.Softmax", 1, 1), .shape = rt__shape_same},
};

static int compare(const void *name, const void *row)
{
    return strcmp(name, ((const rt_op *)row)->name);
}

const rt_op *rt__op_find(const char *name)
{
    return bsearch(name, table, sizeof table / sizeof *table, sizeof *table, compare);
}

const rt_op *rt__op_table(size_t *count)
{
    *count = sizeof table / sizeof *table;
    return table;
}
