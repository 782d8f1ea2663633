/* Activations, softmax, fake quantisation. */
#include "lower.h"

#include "quantize.h"

#include <math.h>
#include <string.h>

static const struct named {
    const char *op, *activation;
} activations[] = {
    {"Relu", "relu"},
    {"Relu6", "relu6"},
    {"Sigmoid", "sigmoid"},
    {"Tanh", "tanh"},
};

static rt_code replace(rt_rewrite *r, uint32_t node, rt_edge x, const char *activation, rt_error *err)
{
    const rt_attr attr = rt__attr_string("activation", activation);
    return rt__rewrite_replace(r, node, "rt.Activation", &x, 1, &attr, 1, err);
}

rt_code rt__lower_activation(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const struct named *row = activations;
    rt_op_call call;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code != RT_OK)
        return code;
    while (strcmp(row->op, call.node->op) != 0)
        row++; /* ops.c gives this rule to no op without a row here */
    return replace(rewrite, node, call.node->inputs[0], row->activation, err);
}

rt_code rt__lower_leaky_relu(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_op_call call;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code != RT_OK)
        return code;
    const rt_edge x = call.node->inputs[0];
    const rt_attr attrs[] = {
        rt__attr_string("activation", "leaky_relu"),
        rt__attr_float("alpha", rt__op_float(call.node, "alpha")),
    };
    return rt__rewrite_replace(rewrite, node, "rt.Activation", &x, 1, attrs, 2, err);
}

/* x * sign + shift on all channels */
static rt_code mirrored(rt_rewrite *r, uint32_t node, rt_edge x, double sign, double shift, bool last,
                        rt_edge *y, rt_error *err)
{
    size_t channels = (size_t)r->values[node].shape.dim[rt__lower_channel_axis(r, (rt_edge){node, 0})];
    rt_edge inputs[3] = {x};
    double *scales, *shifts;
    rt_code code = rt__rewrite_vector(r, node, channels, &inputs[1], &scales, err);
    if (code == RT_OK)
        code = rt__rewrite_vector(r, node, channels, &inputs[2], &shifts, err);
    for (size_t i = 0; code == RT_OK && i < channels; i++) {
        scales[i] = sign;
        shifts[i] = shift;
    }
    if (code != RT_OK)
        return code;
    return last ? rt__lower_affine(r, node, inputs[0], inputs[1], inputs[2], err)
                : rt__rewrite_add(r, node, "rt.Affine", inputs, 3, NULL, 0, &y->node, err);
}

/* Source: the constants of Selu in TensorFlow's relu_op_functor.h. */
rt_code rt__lower_elu(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const double scale = 1.0507009873554804934193349852946, alpha = 1.7580993408473768599402175208123;
    rt_op_call call;
    bool selu;
    rt_edge x, inner = {0, 0};
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code != RT_OK)
        return code;
    x = call.node->inputs[0];
    selu = strcmp(call.node->op, "Selu") == 0;
    const rt_attr attrs[] = {rt__attr_string("activation", "elu"),
                             rt__attr_float("alpha", selu ? (float)(alpha / scale) : 1)};
    if (!selu)
        return rt__rewrite_replace(rewrite, node, "rt.Activation", &x, 1, attrs, 2, err);
    if (call.in[0].shape.rank < 2)
        return rt__node_fail(err, RT_EUNSUPPORTED, call.node, "on a tensor of rank %d",
                             call.in[0].shape.rank);
    code = rt__rewrite_add(rewrite, node, "rt.Activation", &x, 1, attrs, 2, &inner.node, err);
    return code == RT_OK ? mirrored(rewrite, node, inner, scale, 0, true, NULL, err) : code;
}

/* max(x, c) = relu(x - c) + c, min(x, c) = c - relu(c - x); *y, or where last is set the node itself. */
static rt_code bend(rt_rewrite *r, uint32_t node, rt_edge x, bool max, double bound, bool last, rt_edge *y,
                    rt_error *err)
{
    const rt_attr relu = rt__attr_string("activation", "relu");
    double sign = max ? 1 : -1;
    rt_edge inner = {0, 0};
    rt_code code;
    if (r->values[node].shape.rank < 2)
        return rt__node_fail(err, RT_EUNSUPPORTED, rt__graph_node(r->graph, node), "on a tensor of rank %d",
                             r->values[node].shape.rank);
    code = mirrored(r, node, x, sign, -sign * bound, false, &inner, err);
    if (code == RT_OK)
        code = rt__rewrite_add(r, node, "rt.Activation", &inner, 1, &relu, 1, &inner.node, err);
    return code == RT_OK ? mirrored(r, node, inner, sign, bound, last, y, err) : code;
}

/* max(x, 0) is a relu, and min(relu(x), 6) a relu6. */
rt_code rt__lower_bound(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node);
    uint32_t constant = rt__graph_const(rewrite->graph, n->inputs[0]) ? 0 : 1, relu;
    bool max = strcmp(n->op, "Maximum") == 0;
    rt_op_call call;
    double bound;
    rt_edge x;
    rt_code code = rt__lower_begin(rewrite, node, 1 - constant, &call, err);
    if (code == RT_OK)
        code = rt__lower_scalar(&call, constant, &bound, err);
    if (code != RT_OK)
        return code;
    x = call.node->inputs[1 - constant];
    if (max && bound == 0)
        return replace(rewrite, node, x, "relu", err);
    if (max || bound != 6 || !rt__rewrite_sole(rewrite, x, "rt.Activation", &relu) ||
        !rt__attr_is(rt__graph_node(rewrite->graph, relu), "activation", "relu"))
        return bend(rewrite, node, x, max, bound, true, NULL, err);
    rt__rewrite_forward(rewrite, node, relu);
    return replace(rewrite, relu, rt__graph_node(rewrite->graph, relu)->inputs[0], "relu6", err);
}

rt_code rt__lower_clip(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_op_call call;
    double low, high;
    rt_edge x, below = {0, 0};
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code == RT_OK)
        code = rt__lower_scalar(&call, 1, &low, err);
    if (code == RT_OK)
        code = rt__lower_scalar(&call, 2, &high, err);
    if (code != RT_OK)
        return code;
    x = call.node->inputs[0];
    if (low == 0 && high == 6)
        return replace(rewrite, node, x, "relu6", err);
    code = bend(rewrite, node, x, false, high, false, &below, err);
    return code == RT_OK ? bend(rewrite, node, below, true, low, true, NULL, err) : code;
}

/* Over the last axis; all others must be 1, so that it is one row. */
rt_code rt__lower_softmax(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_shape shape = rewrite->values[node].shape, flat;
    rt_edge x, inner = {0, 0};
    rt_op_call call;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code != RT_OK)
        return code;
    x = call.node->inputs[0];
    for (int i = 0; i + 1 < shape.rank; i++)
        if (shape.dim[i] != 1 || shape.rank < 2 || rt__lower_is_planar(rewrite, x))
            return rt__node_fail(err, RT_EUNSUPPORTED, call.node, "over more than one row");
    if (shape.rank == 2)
        return rt__rewrite_replace(rewrite, node, "rt.Softmax", &x, 1, NULL, 0, err);
    flat = (rt_shape){.rank = 2, .dim = {1, shape.dim[shape.rank - 1]}};
    const rt_attr attr = rt__attr_ints(rewrite, "shape", flat.dim + 1, 1);
    code = rt__rewrite_add(rewrite, node, "rt.Reshape", &x, 1, &attr, 1, &inner.node, err);
    if (code == RT_OK)
        code = rt__rewrite_add(rewrite, node, "rt.Softmax", &inner, 1, NULL, 0, &inner.node, err);
    return code == RT_OK ? rt__lower_reshape(rewrite, node, inner, &shape, err) : code;
}

static rt_code read_range(const rt_op_call *call, double *min, double *max, rt_error *err)
{
    rt_code code;
    if (call->node->n_inputs == 1) {
        *min = (double)rt__op_float(call->node, "min");
        *max = (double)rt__op_float(call->node, "max");
        return RT_OK;
    }
    code = rt__lower_scalar(call, 1, min, err);
    return code == RT_OK ? rt__lower_scalar(call, 2, max, err) : code;
}

rt_code rt__lower_fake_quant(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    double min, max;
    rt_quant quant;
    rt_op_call call;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    int64_t bits;
    if (code == RT_OK)
        code = read_range(&call, &min, &max, err);
    if (code != RT_OK)
        return code;
    bits = rt__op_int(call.node, "num_bits");
    if (!rt__quant_valid((float)min, (float)max, bits))
        return rt__node_fail(err, RT_EFORMAT, call.node, "%lld bits for %g .. %g", (long long)bits, min, max);
    rt__quant_init(&quant, (float)min, (float)max, bits, rt__op_bool(call.node, "narrow_range"),
                   call.node->n_inputs == 3);
    const rt_edge x = call.node->inputs[0];
    const rt_attr attrs[] = {
        rt__attr_float("low", quant.low),         rt__attr_float("high", quant.high),
        rt__attr_float("scale", quant.scale),     rt__attr_float("inverse", quant.inverse),
        rt__attr_float("divisor", quant.divisor), rt__attr_float("zero", quant.zero),
    };
    return rt__rewrite_replace(rewrite, node, "rt.FakeQuant", &x, 1, attrs, 6, err);
}
