/* One row an op of the fused list, and how it reads in ONNX.  TensorFlow's NHWC becomes NCHW: only weights
 * have to be turned, activations are four-dimensional until the global pool. */
#include "onnx_model.h"

#include <string.h>

typedef struct float_view {
    const float *data;
    rt_shape shape;
    size_t n;
} float_view;

/* A constant input as aligned floats in the arena. */
static rt_code constant(rt_onnx_build *b, uint32_t node, uint32_t input, float_view *view)
{
    const rt_node *n = rt__graph_node(b->graph, node);
    const rt_tensor *tensor = input < n->n_inputs ? rt__graph_const(b->graph, n->inputs[input]) : NULL;
    float *copy;
    if (!tensor || tensor->dtype != RT_FLOAT)
        return rt_fail(b->err, RT_EUNSUPPORTED, "node '%s' (%s): input %u is no float constant", n->name,
                       n->op, input);
    if (!(copy = rt__arena_alloc(b->arena, tensor->bytes)))
        return rt_fail(b->err, RT_ENOMEM, "out of memory");
    if (tensor->bytes)
        memcpy(copy, tensor->data, tensor->bytes);
    *view = (float_view){copy, tensor->shape, tensor->bytes / sizeof(float)};
    return RT_OK;
}

static rt_code ints(rt_onnx_build *b, uint32_t node, const char *name, size_t count, const int64_t **values)
{
    const rt_node *n = rt__graph_node(b->graph, node);
    const rt_attr *attr = rt__node_attr(n, name);
    if (!attr || attr->kind != RT_ATTR_LIST_INT || attr->count != count)
        return rt_fail(b->err, RT_EUNSUPPORTED, "node '%s' (%s): attribute %s is missing", n->name, n->op,
                       name);
    *values = attr->value.ints;
    return RT_OK;
}

static const char *input_name(const rt_onnx_build *b, uint32_t node, uint32_t input)
{
    return b->names[rt__graph_node(b->graph, node)->inputs[input].node];
}

/* ---- activations ---- */

static const char *clip(rt_onnx_build *b, const char *name, const char *x, float low, float high)
{
    const char *inputs[3] = {x, NULL, NULL};
    Onnx__Node *node;
    if (b->opset < 11) {
        if ((node = rt__onnx_node(b, "Clip", name, inputs, 1))) {
            rt__onnx_attr_float(b, node, "min", low);
            rt__onnx_attr_float(b, node, "max", high);
        }
        return name;
    }
    for (int i = 0; i < 2; i++) { /* from opset 11 the bounds are inputs, scalars */
        float *bound = NULL;
        inputs[i + 1] = rt__onnx_tensor(b, name, i ? "/max" : "/min", NULL, 0, &bound);
        if (bound)
            *bound = i ? high : low;
    }
    rt__onnx_node(b, "Clip", name, inputs, 3);
    return name;
}

static const char *plain(rt_onnx_build *b, const char *name, const char *x, const char *op, float alpha)
{
    Onnx__Node *node = rt__onnx_node(b, op, name, &x, 1);
    if (node && alpha != 0)
        rt__onnx_attr_float(b, node, "alpha", alpha);
    return name;
}

static const char *relu(rt_onnx_build *b, const char *name, const char *x, float alpha)
{
    (void)alpha;
    return plain(b, name, x, "Relu", 0);
}

static const char *relu6(rt_onnx_build *b, const char *name, const char *x, float alpha)
{
    (void)alpha;
    return clip(b, name, x, 0, 6);
}

static const char *sigmoid(rt_onnx_build *b, const char *name, const char *x, float alpha)
{
    (void)alpha;
    return plain(b, name, x, "Sigmoid", 0);
}

static const char *hyperbolic(rt_onnx_build *b, const char *name, const char *x, float alpha)
{
    (void)alpha;
    return plain(b, name, x, "Tanh", 0);
}

static const char *leaky_relu(rt_onnx_build *b, const char *name, const char *x, float alpha)
{
    return plain(b, name, x, "LeakyRelu", alpha);
}

static const char *elu(rt_onnx_build *b, const char *name, const char *x, float alpha)
{
    return plain(b, name, x, "Elu", alpha);
}

static const char *swish(rt_onnx_build *b, const char *name, const char *x, float alpha)
{
    const char *gate = rt__onnx_name(b, name, "/gate");
    const char *inputs[2] = {x, gate};
    (void)alpha;
    if (gate && rt__onnx_node(b, "Sigmoid", gate, &x, 1))
        rt__onnx_node(b, "Mul", name, inputs, 2);
    return name;
}

/* x * clip(x / 6 + 1 / 2, 0, 1) */
static const char *hard_swish(rt_onnx_build *b, const char *name, const char *x, float alpha)
{
    const char *gate = rt__onnx_name(b, name, "/gate");
    const char *inputs[2] = {x, gate};
    Onnx__Node *node = gate ? rt__onnx_node(b, "HardSigmoid", gate, &x, 1) : NULL;
    (void)alpha;
    if (node) {
        rt__onnx_attr_float(b, node, "alpha", 1.0F / 6);
        rt__onnx_attr_float(b, node, "beta", 0.5F);
        rt__onnx_node(b, "Mul", name, inputs, 2);
    }
    return name;
}

static const struct activation {
    const char *name;
    const char *(*emit)(rt_onnx_build *b, const char *name, const char *x, float alpha);
} activations[] = {
    {"relu", relu},       {"relu6", relu6},           {"sigmoid", sigmoid},
    {"tanh", hyperbolic}, {"leaky_relu", leaky_relu}, {"elu", elu},
    {"swish", swish},     {"hard_swish", hard_swish},
};

/* The node's activation behind the tensor `raw`; raw itself where there is none. */
static rt_code finish(rt_onnx_build *b, uint32_t node, const char *raw)
{
    const rt_node *n = rt__graph_node(b->graph, node);
    const rt_attr *attr = rt__node_attr(n, "activation"), *alpha = rt__node_attr(n, "alpha");
    const char *wanted = attr && attr->kind == RT_ATTR_STRING ? attr->value.s.bytes : "";
    b->names[node] = raw;
    if (!*wanted)
        return b->code;
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (strcmp(activations[i].name, wanted) == 0) {
            const char *name = rt__onnx_name(b, n->name, "/activation");
            if (name)
                b->names[node] = activations[i].emit(b, name, raw, alpha ? alpha->value.f : 0);
            return b->code;
        }
    return rt_fail(b->err, RT_EUNSUPPORTED, "node '%s' (%s): no ONNX operator for the activation %s", n->name,
                   n->op, wanted);
}

/* ---- convolutions ---- */

/* HWIO -> OIHW; a depthwise [kh,kw,c,m] -> [c*m,1,kh,kw]: its output channel is i*m + j. */
static const char *filter(rt_onnx_build *b, uint32_t node, const float_view *w, bool depthwise)
{
    const rt_node *n = rt__graph_node(b->graph, node);
    const int64_t *d = w->shape.dim;
    int64_t outputs = depthwise ? d[2] * d[3] : d[3], inputs = depthwise ? 1 : d[2];
    const int64_t dims[] = {outputs, inputs, d[0], d[1]};
    size_t area = (size_t)(d[0] * d[1]), channels = (size_t)(d[2] * d[3]);
    float *turned = NULL;
    const char *name = rt__onnx_tensor(b, n->name, "/weights", dims, 4, &turned);
    if (!turned)
        return NULL;
    for (size_t k = 0; k < area; k++)
        for (size_t i = 0; i < (size_t)d[2]; i++)
            for (size_t o = 0; o < (size_t)d[3]; o++) {
                size_t to = depthwise ? (i * (size_t)d[3] + o) * area + k : (o * (size_t)d[2] + i) * area + k;
                turned[to] = w->data[k * channels + i * (size_t)d[3] + o];
            }
    return name;
}

/* [top,bottom,left,right] -> [top,left,bottom,right] */
static void attr_pads(rt_onnx_build *b, Onnx__Node *node, const int64_t *pads)
{
    const int64_t turned[] = {pads[0], pads[2], pads[1], pads[3]};
    rt__onnx_attr_ints(b, node, "pads", turned, 4);
}

static rt_code convolution(rt_onnx_build *b, uint32_t node, bool depthwise)
{
    const rt_node *n = rt__graph_node(b->graph, node);
    const int64_t *strides, *dilations, *pads;
    float_view w, bias;
    const char *inputs[3], *sum[2];
    Onnx__Node *conv;
    rt_code code;
    if ((code = constant(b, node, 1, &w)) != RT_OK || (code = constant(b, node, 2, &bias)) != RT_OK ||
        (code = ints(b, node, "strides", 2, &strides)) != RT_OK ||
        (code = ints(b, node, "dilations", 2, &dilations)) != RT_OK ||
        (code = ints(b, node, "pads", 4, &pads)) != RT_OK)
        return code;
    {
        const int64_t kernel[] = {w.shape.dim[0], w.shape.dim[1]}, n_bias = (int64_t)bias.n;
        float *values = (float *)(uintptr_t)bias.data;
        inputs[0] = input_name(b, node, 0);
        inputs[1] = filter(b, node, &w, depthwise);
        inputs[2] = rt__onnx_tensor(b, n->name, "/bias", &n_bias, 1, &values);
        if (!(conv = rt__onnx_node(b, "Conv", rt__onnx_name(b, n->name, ""), inputs, 3)))
            return b->code;
        rt__onnx_attr_ints(b, conv, "kernel_shape", kernel, 2);
    }
    rt__onnx_attr_ints(b, conv, "strides", strides, 2);
    rt__onnx_attr_ints(b, conv, "dilations", dilations, 2);
    attr_pads(b, conv, pads);
    rt__onnx_attr_int(b, conv, "group", depthwise ? w.shape.dim[2] : 1);
    if (n->n_inputs < 4)
        return finish(b, node, conv->output[0]);
    sum[0] = conv->output[0];
    sum[1] = input_name(b, node, 3);
    conv = rt__onnx_node(b, "Add", rt__onnx_name(b, n->name, "/sum"), sum, 2);
    return conv ? finish(b, node, conv->output[0]) : b->code;
}

static rt_code emit_conv(rt_onnx_build *b, uint32_t node)
{
    return convolution(b, node, false);
}

static rt_code emit_depthwise(rt_onnx_build *b, uint32_t node)
{
    return convolution(b, node, true);
}

/* ---- the others ---- */

static rt_code emit_matmul(rt_onnx_build *b, uint32_t node)
{
    const rt_node *n = rt__graph_node(b->graph, node);
    float_view w, bias;
    rt_code code;
    if ((code = constant(b, node, 1, &w)) != RT_OK || (code = constant(b, node, 2, &bias)) != RT_OK)
        return code;
    {
        const int64_t n_bias = (int64_t)bias.n;
        float *weights = (float *)(uintptr_t)w.data, *biases = (float *)(uintptr_t)bias.data;
        const char *inputs[] = {input_name(b, node, 0),
                                rt__onnx_tensor(b, n->name, "/weights", w.shape.dim, 2, &weights),
                                rt__onnx_tensor(b, n->name, "/bias", &n_bias, 1, &biases)};
        Onnx__Node *gemm = rt__onnx_node(b, "Gemm", rt__onnx_name(b, n->name, ""), inputs, 3);
        return gemm ? finish(b, node, gemm->output[0]) : b->code;
    }
}

static rt_code emit_pool(rt_onnx_build *b, uint32_t node)
{
    const rt_node *n = rt__graph_node(b->graph, node);
    const rt_attr *kind = rt__node_attr(n, "kind");
    const int64_t *ksize, *strides;
    int64_t pads[4];
    const char *x = input_name(b, node, 0);
    bool average = kind && kind->kind == RT_ATTR_STRING && strcmp(kind->value.s.bytes, "average") == 0;
    Onnx__Node *pool;
    rt_code code;
    if ((code = ints(b, node, "ksize", 2, &ksize)) != RT_OK ||
        (code = ints(b, node, "strides", 2, &strides)) != RT_OK ||
        (code = rt__onnx_pool_pads(b, node, pads)) != RT_OK)
        return code;
    if (!(pool = rt__onnx_node(b, average ? "AveragePool" : "MaxPool", rt__onnx_name(b, n->name, ""), &x, 1)))
        return b->code;
    rt__onnx_attr_ints(b, pool, "kernel_shape", ksize, 2);
    rt__onnx_attr_ints(b, pool, "strides", strides, 2);
    attr_pads(b, pool, pads);
    if (average)
        rt__onnx_attr_int(b, pool, "count_include_pad", 0);
    return finish(b, node, pool->output[0]);
}

static rt_code emit_pad(rt_onnx_build *b, uint32_t node)
{
    const rt_node *n = rt__graph_node(b->graph, node);
    if (!rt__onnx_pad_joins(b, node))
        return rt_fail(b->err, RT_EUNSUPPORTED,
                       "node '%s' (%s): zeros that are no convolution's padding have no ONNX form that every "
                       "TensorRT takes",
                       n->name, n->op);
    b->names[node] = input_name(b, node, 0);
    return RT_OK;
}

static rt_code emit_flatten(rt_onnx_build *b, uint32_t node, const char *x)
{
    Onnx__Node *flat =
        rt__onnx_node(b, "Flatten", rt__onnx_name(b, rt__graph_node(b->graph, node)->name, ""), &x, 1);
    if (!flat)
        return b->code;
    rt__onnx_attr_int(b, flat, "axis", 1);
    b->names[node] = flat->output[0];
    return b->code;
}

/* Whether all that reads the node turns its vector into a map of one pixel again, which is what a pool gives.
 */
static bool read_as_pixel(const rt_onnx_build *b, uint32_t node)
{
    bool any = false;
    for (uint32_t i = 0; i < rt__graph_count(b->graph); i++) {
        const rt_node *n = rt__graph_node(b->graph, i);
        for (uint32_t k = 0; k < n->n_inputs; k++) {
            if (n->inputs[k].node != node)
                continue;
            if (strcmp(n->op, "rt.Reshape") != 0 || b->values[i].shape.rank != 4)
                return false;
            any = true;
        }
    }
    return any;
}

static rt_code emit_global_average(rt_onnx_build *b, uint32_t node)
{
    const char *x = input_name(b, node, 0);
    const char *name = rt__onnx_name(b, rt__graph_node(b->graph, node)->name, "/pool");
    if (!name || !rt__onnx_node(b, "GlobalAveragePool", name, &x, 1))
        return b->code;
    if (!read_as_pixel(b, node))
        return emit_flatten(b, node, name);
    b->names[node] = name;
    b->is_map[node] = true;
    return b->code;
}

/* Only what Flatten can say, or nothing: a map of one pixel to a vector and back, where the order of the
 * numbers is that of TensorFlow's; TensorRT's older parsers stumble over Reshape. */
static rt_code emit_reshape(rt_onnx_build *b, uint32_t node)
{
    const rt_node *n = rt__graph_node(b->graph, node);
    uint32_t source = n->inputs[0].node;
    const rt_shape *from = &b->values[source].shape, *to = &b->values[node].shape;
    bool pixel_from = from->rank == 4 && from->dim[1] == 1 && from->dim[2] == 1;
    bool pixel_to = to->rank == 4 && to->dim[1] == 1 && to->dim[2] == 1;
    bool same = rt__shape_equal(from, to);
    if (pixel_from && to->rank == 2)
        return emit_flatten(b, node, b->names[source]);
    if (!same && !(pixel_to && b->is_map[source]))
        return rt_fail(b->err, RT_EUNSUPPORTED,
                       "node '%s' (%s): a reshape of a feature map has no safe ONNX form", n->name, n->op);
    b->names[node] = b->names[source];
    b->is_map[node] = same && b->is_map[source];
    return b->code;
}

static rt_code emit_concat(rt_onnx_build *b, uint32_t node)
{
    const rt_node *n = rt__graph_node(b->graph, node);
    const char **inputs = rt__arena_array(b->arena, n->n_inputs, sizeof *inputs);
    Onnx__Node *concat;
    if (!inputs)
        return rt_fail(b->err, RT_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n->n_inputs; i++)
        inputs[i] = input_name(b, node, i);
    if (!(concat = rt__onnx_node(b, "Concat", rt__onnx_name(b, n->name, ""), inputs, n->n_inputs)))
        return b->code;
    rt__onnx_attr_int(b, concat, "axis", 1);
    b->names[node] = concat->output[0];
    return b->code;
}

static rt_code of_two(rt_onnx_build *b, uint32_t node, const char *op)
{
    const char *inputs[] = {input_name(b, node, 0), input_name(b, node, 1)};
    Onnx__Node *result =
        rt__onnx_node(b, op, rt__onnx_name(b, rt__graph_node(b->graph, node)->name, ""), inputs, 2);
    return result ? finish(b, node, result->output[0]) : b->code;
}

static rt_code emit_add(rt_onnx_build *b, uint32_t node)
{
    return of_two(b, node, "Add");
}

static rt_code emit_mul(rt_onnx_build *b, uint32_t node)
{
    return of_two(b, node, "Mul");
}

const char *rt__onnx_affine(rt_onnx_build *b, const char *name, const char *x, const float *scale,
                            const float *shift, size_t n)
{
    const int64_t dims = (int64_t)n;
    float *parts[4] = {NULL};
    const char *suffixes[] = {"/scale", "/shift", "/mean", "/variance"};
    const char *inputs[5] = {x};
    Onnx__Node *node;
    for (size_t k = 0; k < 4; k++)
        inputs[k + 1] = rt__onnx_tensor(b, name, suffixes[k], &dims, 1, &parts[k]);
    for (size_t i = 0; b->code == RT_OK && i < n; i++) {
        parts[0][i] = scale[i];
        parts[1][i] = shift[i];
        parts[3][i] = 1; /* mean 0, variance 1, epsilon 0: the affine alone is left */
    }
    if ((node = rt__onnx_node(b, "BatchNormalization", name, inputs, 5)))
        rt__onnx_attr_float(b, node, "epsilon", 0);
    return name;
}

static rt_code emit_affine(rt_onnx_build *b, uint32_t node)
{
    const rt_node *n = rt__graph_node(b->graph, node);
    float_view scale, shift;
    float *s, *t;
    rt_code code;
    if ((code = constant(b, node, 1, &scale)) != RT_OK || (code = constant(b, node, 2, &shift)) != RT_OK)
        return code;
    s = (float *)(uintptr_t)scale.data; /* our own copies, made by constant() */
    t = (float *)(uintptr_t)shift.data;
    /* (x * a + c) * s + t = x * (a s) + (c s + t) */
    if (b->affine_pending && n->inputs[0].node == b->input.node)
        for (size_t i = 0; i < scale.n && i < 3; i++) {
            t[i] += b->options->input_shift[i] * s[i];
            s[i] *= b->options->input_scale[i];
        }
    return finish(b, node,
                  rt__onnx_affine(b, rt__onnx_name(b, n->name, ""), input_name(b, node, 0), s, t, scale.n));
}

static rt_code emit_fake_quant(rt_onnx_build *b, uint32_t node)
{
    const rt_node *n = rt__graph_node(b->graph, node);
    const rt_attr *low = rt__node_attr(n, "low"), *high = rt__node_attr(n, "high");
    if (!low || !high)
        return rt_fail(b->err, RT_EUNSUPPORTED, "node '%s' (%s): no range", n->name, n->op);
    b->n_fake_quant++;
    b->names[node] =
        clip(b, rt__onnx_name(b, n->name, ""), input_name(b, node, 0), low->value.f, high->value.f);
    return b->code;
}

static rt_code emit_activation(rt_onnx_build *b, uint32_t node)
{
    return finish(b, node, input_name(b, node, 0));
}

static rt_code emit_softmax(rt_onnx_build *b, uint32_t node)
{
    const char *x = input_name(b, node, 0);
    Onnx__Node *softmax =
        rt__onnx_node(b, "Softmax", rt__onnx_name(b, rt__graph_node(b->graph, node)->name, ""), &x, 1);
    if (!softmax)
        return b->code;
    rt__onnx_attr_int(b, softmax, "axis", 1);
    b->names[node] = softmax->output[0];
    return b->code;
}

static const struct row {
    const char *op;
    rt_code (*emit)(rt_onnx_build *b, uint32_t node);
} rows[] = {
    {"rt.Conv", emit_conv},
    {"rt.Depthwise", emit_depthwise},
    {"rt.MatMul", emit_matmul},
    {"rt.Pool", emit_pool},
    {"rt.Concat", emit_concat},
    {"rt.GlobalAverage", emit_global_average},
    {"rt.Add", emit_add},
    {"rt.Affine", emit_affine},
    {"rt.FakeQuant", emit_fake_quant},
    {"rt.Softmax", emit_softmax},
    {"rt.Reshape", emit_reshape},
    {"rt.Activation", emit_activation},
    {"rt.Mul", emit_mul},
    {"rt.Pad", emit_pad},
};

rt_code rt__onnx_emit(rt_onnx_build *build, uint32_t node)
{
    const rt_node *n = rt__graph_node(build->graph, node);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].op, n->op) == 0)
            return rows[i].emit(build, node);
    return rt_fail(build->err, RT_EUNSUPPORTED, "node '%s' (%s): no ONNX form that every TensorRT takes",
                   n->name, n->op);
}
