/* One row an op of the fused list, and how it reads in TensorFlow Lite, which is NHWC as well. */
#include "tflite_model.h"

#include <string.h>

typedef struct emission {
    rt_tfl_build *b;
    const rt_node *n;
    uint32_t node;
} emission;

static int32_t input_tensor(const emission *e, uint32_t input)
{
    return e->b->tensor_of[e->n->inputs[input].node];
}

static const rt_shape *shape_of(const emission *e, uint32_t input)
{
    return &e->b->values[e->n->inputs[input].node].shape;
}

static rt_tflite_range range_of(const emission *e)
{
    return e->b->options->ranges ? e->b->options->ranges[e->node] : (rt_tflite_range){0, 0};
}

static const int64_t *ints(const emission *e, const char *name)
{
    size_t count;
    return rt__op_ints(e->n, name, &count);
}

/* A constant input as aligned floats in the arena. */
static const float *constant(const emission *e, uint32_t input, const rt_tensor **tensor)
{
    float *copy;
    *tensor = input < e->n->n_inputs ? rt__graph_const(e->b->graph, e->n->inputs[input]) : NULL;
    if (!*tensor || (*tensor)->dtype != RT_FLOAT) {
        rt__tfl_fail(e->b,
                     rt__node_fail(e->b->err, RT_EUNSUPPORTED, e->n, "input %u is no float constant", input));
        return NULL;
    }
    if ((copy = rt__tfl_room(e->b, (*tensor)->bytes, 1)) && (*tensor)->bytes)
        memcpy(copy, (*tensor)->data, (*tensor)->bytes);
    return copy;
}

/* ---- activations: fused into the operator before, or one of their own ---- */

static const struct activation {
    const char *name;
    uint8_t fused; /* ActivationFunctionType, 0: cannot be fused */
    rt_tfl_op op;
    uint8_t options_type;
    bool fixed; /* an int8 output has the range below by definition */
    rt_tflite_range range;
    bool gates; /* x times that */
} activations[] = {
    {"relu", RT_TFL_FUSED_RELU, RT_TFL_RELU, RT_TFL_NO_OPTIONS, false, {0, 0}, false},
    {"relu6", RT_TFL_FUSED_RELU6, RT_TFL_RELU6, RT_TFL_NO_OPTIONS, false, {0, 0}, false},
    {"sigmoid", 0, RT_TFL_LOGISTIC, RT_TFL_NO_OPTIONS, true, {0, 255.0f / 256}, false},
    {"tanh", 0, RT_TFL_TANH, RT_TFL_NO_OPTIONS, true, {-1, 127.0f / 128}, false},
    {"leaky_relu", 0, RT_TFL_LEAKY_RELU, RT_TFL_LEAKY_RELU_OPTIONS, false, {0, 0}, false},
    {"hard_swish", 0, RT_TFL_HARD_SWISH, RT_TFL_HARD_SWISH_OPTIONS, false, {0, 0}, false},
    {"elu", 0, RT_TFL_ELU, RT_TFL_NO_OPTIONS, false, {0, 0}, false},
    {"swish", 0, RT_TFL_LOGISTIC, RT_TFL_NO_OPTIONS, true, {0, 255.0f / 256}, true},
};

static const struct activation *find_activation(const emission *e, const char *name)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (strcmp(activations[i].name, name) == 0)
            return &activations[i];
    rt__tfl_fail(e->b, rt__node_fail(e->b->err, RT_EUNSUPPORTED, e->n,
                                     "TensorFlow Lite has no operator for the activation %s", name));
    return NULL;
}

/* The output tensor of the node's own operator, and which activation that fuses. What cannot be fused gets an
 * operator behind it; its input has no range of its own, so that is for float files only. */
static int32_t output_tensor(const emission *e, uint8_t *fused)
{
    const rt_attr *attr = rt__node_attr(e->n, "activation");
    const char *name = attr && attr->kind == RT_ATTR_STRING ? attr->value.s.bytes : "";
    const rt_shape *shape = &e->b->values[e->node].shape;
    const struct activation *a = *name ? find_activation(e, name) : NULL;
    *fused = a ? a->fused : RT_TFL_NO_ACTIVATION;
    if (!a || a->fused)
        return e->b->tensor_of[e->node] = rt__tfl_activation(e->b, e->n->name, "", shape, range_of(e));
    if (e->b->options->ranges)
        rt__tfl_fail(e->b, rt__node_fail(e->b->err, RT_EUNSUPPORTED, e->n,
                                         "the activation %s has no 8-bit form here", name));
    return rt__tfl_activation(e->b, e->n->name, "/before", shape, range_of(e));
}

/* The node's output is the activation of x. */
static rt_code activate(const emission *e, const struct activation *a, int32_t x)
{
    const rt_attr *alpha = rt__node_attr(e->n, "alpha");
    const rt_shape *shape = &e->b->values[e->node].shape;
    rt_tflite_range range = a->fixed ? a->range : range_of(e);
    int32_t y = rt__tfl_activation(e->b, e->n->name, a->gates ? "/gate" : "", shape, range);
    const int32_t factors[] = {x, y};
    rt_tfl_node *node = rt__tfl_node(e->b, a->op, a->options_type, &x, 1, y);
    if (a->op == RT_TFL_ELU && (!alpha || alpha->value.f != 1))
        return rt__node_fail(e->b->err, RT_EUNSUPPORTED, e->n, "an elu whose alpha is not 1");
    if (a->op == RT_TFL_LEAKY_RELU)
        rt__tfl_option_f32(node, 0, alpha ? alpha->value.f : 0);
    if (a->gates) {
        y = rt__tfl_activation(e->b, e->n->name, "", shape, range_of(e));
        rt__tfl_option_u8(rt__tfl_node(e->b, RT_TFL_MUL, RT_TFL_MUL_OPTIONS, factors, 2, y), 0,
                          RT_TFL_NO_ACTIVATION);
    }
    e->b->tensor_of[e->node] = y;
    return e->b->code;
}

/* The operator behind, where output_tensor() left one to do. */
static rt_code finish(const emission *e, int32_t raw)
{
    const rt_attr *attr = rt__node_attr(e->n, "activation");
    const char *name = attr && attr->kind == RT_ATTR_STRING ? attr->value.s.bytes : "";
    const struct activation *a = *name ? find_activation(e, name) : NULL;
    return e->b->code != RT_OK || !a || a->fused ? e->b->code : activate(e, a, raw);
}

/* ---- padding ---- */

typedef struct padding {
    uint8_t kind;
    int32_t x; /* the input, behind a PAD operator where neither SAME nor VALID says it */
} padding;

static bool is_same(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t before,
                    int64_t after)
{
    int64_t out = (in + stride - 1) / stride;
    int64_t all = (out - 1) * stride + (kernel - 1) * dilation + 1 - in;
    all = all > 0 ? all : 0;
    return before == all / 2 && after == all - all / 2;
}

static int32_t pad_input(const emission *e, const int64_t pads[4])
{
    const rt_shape *in = shape_of(e, 0);
    const int64_t dims[] = {4, 2};
    rt_shape out = *in;
    int32_t *amounts = rt__tfl_room(e->b, 8, sizeof *amounts);
    int32_t inputs[2], padded;
    if (!amounts)
        return -1;
    for (int i = 0; i < 4; i++)
        amounts[2 + i] = (int32_t)pads[i];
    out.dim[1] += pads[0] + pads[1];
    out.dim[2] += pads[2] + pads[3];
    inputs[0] = input_tensor(e, 0);
    inputs[1] =
        rt__tfl_tensor(e->b, e->n->name, "/pads", RT_TFL_INT32, dims, 2, amounts, 8 * sizeof *amounts);
    padded = rt__tfl_like(e->b, e->n->name, "/padded", &out, inputs[0]);
    rt__tfl_node(e->b, RT_TFL_PAD, RT_TFL_PAD_OPTIONS, inputs, 2, padded);
    return padded;
}

static padding pad_for(const emission *e, const int64_t *kernel, const int64_t *strides,
                       const int64_t *dilations, const int64_t *pads)
{
    const rt_shape *in = shape_of(e, 0);
    if (pads[0] == 0 && pads[1] == 0 && pads[2] == 0 && pads[3] == 0)
        return (padding){RT_TFL_VALID, input_tensor(e, 0)};
    if (is_same(in->dim[1], kernel[0], strides[0], dilations[0], pads[0], pads[1]) &&
        is_same(in->dim[2], kernel[1], strides[1], dilations[1], pads[2], pads[3]))
        return (padding){RT_TFL_SAME, input_tensor(e, 0)};
    return (padding){RT_TFL_VALID, pad_input(e, pads)};
}

/* ---- convolutions ---- */

/* HWIO -> OHWI */
static const float *turn_filter(const emission *e, const float *w, const int64_t *d)
{
    size_t area = (size_t)(d[0] * d[1] * d[2]), outputs = (size_t)d[3];
    float *turned = rt__tfl_room(e->b, area * outputs, sizeof *turned);
    for (size_t o = 0; turned && o < outputs; o++)
        for (size_t i = 0; i < area; i++)
            turned[o * area + i] = w[i * outputs + o];
    return turned;
}

static void conv_options(rt_tfl_node *node, uint8_t kind, const int64_t *strides, const int64_t *dilations,
                         uint8_t fused, unsigned shift)
{
    rt__tfl_option_u8(node, 0, kind);
    rt__tfl_option_u32(node, 1, (uint32_t)strides[1]);
    rt__tfl_option_u32(node, 2, (uint32_t)strides[0]);
    rt__tfl_option_u8(node, 3 + shift, fused);
    rt__tfl_option_u32(node, 4 + shift, (uint32_t)dilations[1]);
    rt__tfl_option_u32(node, 5 + shift, (uint32_t)dilations[0]);
}

/* The addend of a convolution is an ADD behind it; between the two there is no range, so that is for float
 * files only. */
static rt_code emit_sum(const emission *e, int32_t conv)
{
    const int32_t inputs[] = {conv, input_tensor(e, 3)};
    uint8_t fused;
    int32_t raw;
    if (e->b->options->ranges)
        return rt__node_fail(e->b->err, RT_EUNSUPPORTED, e->n, "an addition inside a convolution");
    raw = output_tensor(e, &fused);
    rt__tfl_option_u8(rt__tfl_node(e->b, RT_TFL_ADD, RT_TFL_ADD_OPTIONS, inputs, 2, raw), 0, fused);
    return finish(e, raw);
}

static rt_code emit_conv(const emission *e)
{
    const int64_t *strides = ints(e, "strides"), *dilations = ints(e, "dilations");
    const rt_tensor *wt, *bt;
    const float *w = constant(e, 1, &wt), *bias = constant(e, 2, &bt);
    bool sum = e->n->n_inputs > 3;
    int32_t inputs[3], raw;
    uint8_t fused = RT_TFL_NO_ACTIVATION;
    padding p;
    rt_tfl_node *node;
    if (!w || !bias)
        return e->b->code;
    {
        const int64_t *d = wt->shape.dim, turned[] = {d[3], d[0], d[1], d[2]};
        p = pad_for(e, d, strides, dilations, ints(e, "pads"));
        inputs[0] = p.x;
        inputs[1] = rt__tfl_weights(e->b, e->n->name, turned, 4, turn_filter(e, w, d), 0);
        inputs[2] = rt__tfl_bias(e->b, e->n->name, bias, (size_t)d[3], inputs[0], inputs[1]);
    }
    raw = sum ? rt__tfl_activation(e->b, e->n->name, "/conv", &e->b->values[e->node].shape, range_of(e))
              : output_tensor(e, &fused);
    if (!(node = rt__tfl_node(e->b, RT_TFL_CONV_2D, RT_TFL_CONV_OPTIONS, inputs, 3, raw)))
        return e->b->code;
    conv_options(node, p.kind, strides, dilations, fused, 0);
    return sum ? emit_sum(e, raw) : finish(e, raw);
}

/* [kh,kw,c,m] is [1,kh,kw,c*m] byte for byte. */
static rt_code depthwise(const emission *e, const float *w, const int64_t *d, const float *bias, padding p,
                         const int64_t *strides, const int64_t *dilations)
{
    const int64_t shape[] = {1, d[0], d[1], d[2] * d[3]};
    int32_t inputs[3], raw;
    uint8_t fused;
    rt_tfl_node *node;
    inputs[0] = p.x;
    inputs[1] = rt__tfl_weights(e->b, e->n->name, shape, 4, w, 3);
    inputs[2] = rt__tfl_bias(e->b, e->n->name, bias, (size_t)shape[3], inputs[0], inputs[1]);
    raw = output_tensor(e, &fused);
    if (!(node = rt__tfl_node(e->b, RT_TFL_DEPTHWISE_CONV_2D, RT_TFL_DEPTHWISE_OPTIONS, inputs, 3, raw)))
        return e->b->code;
    conv_options(node, p.kind, strides, dilations, fused, 1);
    rt__tfl_option_u32(node, 3, (uint32_t)d[3]);
    return finish(e, raw);
}

static rt_code emit_depthwise(const emission *e)
{
    const int64_t *strides = ints(e, "strides"), *dilations = ints(e, "dilations");
    const rt_tensor *wt, *bt;
    const float *w = constant(e, 1, &wt), *bias = constant(e, 2, &bt);
    if (!w || !bias)
        return e->b->code;
    return depthwise(e, w, wt->shape.dim, bias,
                     pad_for(e, wt->shape.dim, strides, dilations, ints(e, "pads")), strides, dilations);
}

/* x * scale + shift per channel is a depthwise 1x1 convolution: exact in 8 bits too, where a multiplication
 * and an addition would round twice. */
static rt_code emit_affine(const emission *e)
{
    static const int64_t one[] = {1, 1};
    const rt_tensor *st, *tt;
    const float *scale = constant(e, 1, &st), *shift = constant(e, 2, &tt);
    if (!scale || !shift)
        return e->b->code;
    if (shape_of(e, 0)->rank != 4)
        return rt__node_fail(e->b->err, RT_EUNSUPPORTED, e->n, "a scale and shift of a vector");
    {
        const int64_t d[] = {1, 1, st->shape.dim[0], 1};
        return depthwise(e, scale, d, shift, (padding){RT_TFL_VALID, input_tensor(e, 0)}, one, one);
    }
}

/* ---- the others ---- */

static rt_code emit_matmul(const emission *e)
{
    const rt_tensor *wt, *bt;
    const float *w = constant(e, 1, &wt), *bias = constant(e, 2, &bt);
    int32_t inputs[3], raw;
    uint8_t fused;
    rt_tfl_node *node;
    if (!w || !bias)
        return e->b->code;
    {
        const int64_t k = wt->shape.dim[0], m = wt->shape.dim[1], turned[] = {m, k}, filter[] = {1, 1, k, m};
        inputs[0] = input_tensor(e, 0);
        inputs[1] = rt__tfl_weights(e->b, e->n->name, turned, 2, turn_filter(e, w, filter), -1);
        inputs[2] = rt__tfl_bias(e->b, e->n->name, bias, (size_t)m, inputs[0], inputs[1]);
    }
    raw = output_tensor(e, &fused);
    node = rt__tfl_node(e->b, RT_TFL_FULLY_CONNECTED, RT_TFL_FULLY_CONNECTED_OPTIONS, inputs, 3, raw);
    rt__tfl_option_u8(node, 0, fused);
    return finish(e, raw);
}

static rt_code emit_pool(const emission *e)
{
    static const int64_t undilated[] = {1, 1};
    const int64_t *ksize = ints(e, "ksize"), *strides = ints(e, "strides");
    bool average = strcmp(rt__op_string(e->n, "kind"), "average") == 0;
    padding p = pad_for(e, ksize, strides, undilated, ints(e, "pads"));
    rt_tfl_node *node;
    if (p.x != input_tensor(e, 0))
        return rt__node_fail(e->b->err, RT_EUNSUPPORTED, e->n, "its padding is neither SAME nor VALID");
    e->b->tensor_of[e->node] = rt__tfl_like(e->b, e->n->name, "", &e->b->values[e->node].shape, p.x);
    node = rt__tfl_node(e->b, average ? RT_TFL_AVERAGE_POOL_2D : RT_TFL_MAX_POOL_2D, RT_TFL_POOL_OPTIONS,
                        &p.x, 1, e->b->tensor_of[e->node]);
    rt__tfl_option_u8(node, 0, p.kind);
    rt__tfl_option_u32(node, 1, (uint32_t)strides[1]);
    rt__tfl_option_u32(node, 2, (uint32_t)strides[0]);
    rt__tfl_option_u32(node, 3, (uint32_t)ksize[1]);
    rt__tfl_option_u32(node, 4, (uint32_t)ksize[0]);
    return e->b->code;
}

static rt_code emit_global_average(const emission *e)
{
    static const int32_t axes[] = {1, 2};
    const int64_t dims = 2;
    int32_t inputs[2] = {input_tensor(e, 0), -1};
    inputs[1] = rt__tfl_tensor(e->b, e->n->name, "/axes", RT_TFL_INT32, &dims, 1, axes, sizeof axes);
    e->b->tensor_of[e->node] =
        rt__tfl_activation(e->b, e->n->name, "", &e->b->values[e->node].shape, range_of(e));
    rt__tfl_node(e->b, RT_TFL_MEAN, RT_TFL_REDUCER_OPTIONS, inputs, 2, e->b->tensor_of[e->node]);
    return e->b->code;
}

/* All parts of an int8 concatenation have the scale of the whole: the others are requantised. */
static rt_code emit_concat(const emission *e)
{
    const rt_shape *shape = &e->b->values[e->node].shape;
    int32_t out = rt__tfl_activation(e->b, e->n->name, "", shape, range_of(e));
    int32_t *inputs = rt__tfl_room(e->b, e->n->n_inputs, sizeof *inputs);
    rt_tfl_node *node;
    for (uint32_t i = 0; inputs && e->b->code == RT_OK && i < e->n->n_inputs; i++) {
        int32_t part = input_tensor(e, i), same;
        inputs[i] = part;
        if (rt__tfl_same_quant(e->b, part, out))
            continue;
        same = rt__tfl_like(e->b, e->b->tensors[part].name, "/requantised", shape_of(e, i), out);
        rt__tfl_node(e->b, RT_TFL_QUANTIZE, RT_TFL_QUANTIZE_OPTIONS, &part, 1, same);
        inputs[i] = same;
    }
    if (!inputs)
        return e->b->code;
    node = rt__tfl_node(e->b, RT_TFL_CONCATENATION, RT_TFL_CONCAT_OPTIONS, inputs, e->n->n_inputs, out);
    rt__tfl_option_u32(node, 0, (uint32_t)(shape->rank - 1));
    e->b->tensor_of[e->node] = out;
    return e->b->code;
}

static rt_code of_two(const emission *e, rt_tfl_op op, uint8_t options_type)
{
    const int32_t inputs[] = {input_tensor(e, 0), input_tensor(e, 1)};
    uint8_t fused;
    int32_t raw = output_tensor(e, &fused);
    rt__tfl_option_u8(rt__tfl_node(e->b, op, options_type, inputs, 2, raw), 0, fused);
    return finish(e, raw);
}

static rt_code emit_add(const emission *e)
{
    return of_two(e, RT_TFL_ADD, RT_TFL_ADD_OPTIONS);
}

static rt_code emit_mul(const emission *e)
{
    return of_two(e, RT_TFL_MUL, RT_TFL_MUL_OPTIONS);
}

static rt_code emit_activation(const emission *e)
{
    const struct activation *a = find_activation(e, rt__op_string(e->n, "activation"));
    return a ? activate(e, a, input_tensor(e, 0)) : e->b->code;
}

static rt_code emit_softmax(const emission *e)
{
    int32_t x = input_tensor(e, 0);
    /* Its int8 output is 1/256 a step by definition. */
    e->b->tensor_of[e->node] = rt__tfl_activation(e->b, e->n->name, "", &e->b->values[e->node].shape,
                                                  (rt_tflite_range){0, 255.0f / 256});
    rt__tfl_option_f32(
        rt__tfl_node(e->b, RT_TFL_SOFTMAX, RT_TFL_SOFTMAX_OPTIONS, &x, 1, e->b->tensor_of[e->node]), 0, 1);
    return e->b->code;
}

static rt_code emit_reshape(const emission *e)
{
    const rt_shape *shape = &e->b->values[e->node].shape;
    const int64_t dims = shape->rank;
    int32_t *wanted = rt__tfl_room(e->b, (size_t)dims, sizeof *wanted), inputs[2];
    if (!wanted)
        return e->b->code;
    for (int i = 0; i < shape->rank; i++)
        wanted[i] = (int32_t)shape->dim[i];
    inputs[0] = input_tensor(e, 0);
    inputs[1] = rt__tfl_tensor(e->b, e->n->name, "/shape", RT_TFL_INT32, &dims, 1, wanted,
                               (size_t)dims * sizeof *wanted);
    e->b->tensor_of[e->node] = rt__tfl_like(e->b, e->n->name, "", shape, inputs[0]);
    rt__tfl_node(e->b, RT_TFL_RESHAPE, RT_TFL_RESHAPE_OPTIONS, inputs, 2, e->b->tensor_of[e->node]);
    return e->b->code;
}

static rt_code emit_pad(const emission *e)
{
    e->b->tensor_of[e->node] = pad_input(e, ints(e, "pads"));
    return e->b->code;
}

/* In 8 bits the tensor itself is what FakeQuant imitates: it takes over the range. */
static rt_code emit_fake_quant(const emission *e)
{
    const rt_shape *shape = &e->b->values[e->node].shape;
    rt_tflite_range range = {rt__op_float(e->n, "low"), rt__op_float(e->n, "high")};
    int32_t x = input_tensor(e, 0);
    rt_tfl_node *node;
    e->b->tensor_of[e->node] = rt__tfl_activation(e->b, e->n->name, "", shape, range);
    if (e->b->options->ranges) {
        rt__tfl_node(e->b, RT_TFL_QUANTIZE, RT_TFL_QUANTIZE_OPTIONS, &x, 1, e->b->tensor_of[e->node]);
        return e->b->code;
    }
    node = rt__tfl_node(e->b, RT_TFL_FAKE_QUANT, RT_TFL_FAKE_QUANT_OPTIONS, &x, 1, e->b->tensor_of[e->node]);
    rt__tfl_option_f32(node, 0, range.low);
    rt__tfl_option_f32(node, 1, range.high);
    rt__tfl_option_u32(node, 2, 8);
    return e->b->code;
}

/* Pixels: floats in [0, 1]; in an 8-bit file the bytes themselves (step 1/255), which the network sees less
 * 128.
 */
static rt_code emit_input(const emission *e)
{
    const rt_shape *shape = &e->b->values[e->node].shape;
    bool moved = e->b->options->ranges && e->b->options->bytes == RT_TFLITE_UINT8;
    int32_t x = rt__tfl_activation(e->b, "input", moved ? "/int8" : "", shape, (rt_tflite_range){0, 1});
    e->b->tensor_of[e->node] = e->b->input_tensor = x;
    if (!moved)
        return e->b->code;
    e->b->input_tensor = rt__tfl_unsigned(e->b, "input", shape, x);
    rt__tfl_node(e->b, RT_TFL_QUANTIZE, RT_TFL_QUANTIZE_OPTIONS, &e->b->input_tensor, 1, x);
    return e->b->code;
}

static const struct row {
    const char *op;
    rt_code (*emit)(const emission *e);
} rows[] = {
    {"Placeholder", emit_input},
    {"rt.Conv", emit_conv},
    {"rt.Depthwise", emit_depthwise},
    {"rt.MatMul", emit_matmul},
    {"rt.Pool", emit_pool},
    {"rt.GlobalAverage", emit_global_average},
    {"rt.Concat", emit_concat},
    {"rt.Add", emit_add},
    {"rt.Mul", emit_mul},
    {"rt.Affine", emit_affine},
    {"rt.Softmax", emit_softmax},
    {"rt.Reshape", emit_reshape},
    {"rt.Activation", emit_activation},
    {"rt.Pad", emit_pad},
    {"rt.FakeQuant", emit_fake_quant},
};

rt_code rt__tfl_emit(rt_tfl_build *build, uint32_t node)
{
    const emission e = {build, rt__graph_node(build->graph, node), node};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].op, e.n->op) == 0)
            return rows[i].emit(&e);
    return rt__node_fail(build->err, RT_EUNSUPPORTED, e.n, "no TensorFlow Lite form");
}
