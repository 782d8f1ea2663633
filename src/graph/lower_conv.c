/* Convolutions, products and pools. */
#include "lower.h"

#include <string.h>

static rt_code check_layout(rt_rewrite *r, const rt_op_call *call, rt_error *err)
{
    if (rt__lower_is_planar(r, call->node->inputs[0]) != rt__op_planar(call->node))
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "its data_format is not the one of its input");
    return RT_OK;
}

static rt_code check_weights(const rt_op_call *call, rt_error *err)
{
    if (!call->constant[1])
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "its weights are computed, want a constant");
    if (call->constant[1]->dtype != RT_FLOAT)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "weights of type %s, only float is supported",
                             rt__dtype_name(call->constant[1]->dtype));
    return RT_OK;
}

/* Filters of groups of channels as filters of all channels: zeros where another group's channels are. */
static rt_code ungroup(rt_rewrite *r, uint32_t node, const rt_tensor *filter, int64_t channels, rt_edge *edge,
                       rt_error *err)
{
    const int64_t *d = filter->shape.dim, most = 1 << 26;
    int64_t taps = d[0] * d[1], members = d[3] / (channels / d[2]); /* of a group, among the outputs */
    rt_shape shape = {.rank = 4, .dim = {d[0], d[1], channels, d[3]}};
    void *data;
    rt_code code;
    if (d[0] > 255 || d[1] > 255 || channels > most / (taps * d[3]))
        return rt__node_fail(err, RT_EUNSUPPORTED, rt__graph_node(r->graph, node), "in groups this large");
    if ((code = rt__rewrite_const(r, node, RT_FLOAT, &shape, edge, &data, err)) != RT_OK)
        return code;
    for (int64_t t = 0; t < taps; t++)
        for (int64_t i = 0; i < d[2]; i++)
            for (int64_t o = 0; o < d[3]; o++)
                ((float *)data)[(t * channels + o / members * d[2] + i) * d[3] + o] =
                    rt__tensor_float(filter, (size_t)((t * d[2] + i) * d[3] + o));
    return RT_OK;
}

static rt_code lower_filter(rt_rewrite *r, uint32_t node, const char *op, int64_t channels, rt_error *err)
{
    rt_op_call call;
    rt_op_window w;
    rt_edge inputs[3];
    int64_t in;
    double *zeros;
    rt_code code = rt__lower_begin(r, node, 0, &call, err);
    if (code == RT_OK)
        code = check_layout(r, &call, err);
    if (code == RT_OK)
        code = check_weights(&call, err);
    if (code == RT_OK)
        code = rt__op_window(&call, call.in[1].shape.dim, &w, err);
    if (code != RT_OK)
        return code;
    inputs[0] = call.node->inputs[0];
    inputs[1] = call.node->inputs[1];
    in = call.in[0].shape.dim[rt__op_planar(call.node) ? 1 : 3];
    if (call.in[1].shape.dim[2] != in) {
        const rt_tensor filter = *call.constant[1];
        code = ungroup(r, node, &filter, in, &inputs[1], err);
    }
    if (code != RT_OK)
        return code;
    if ((code = rt__rewrite_vector(r, node, (size_t)channels, &inputs[2], &zeros, err)) != RT_OK)
        return code;
    const rt_attr attrs[] = {
        rt__attr_ints(r, "strides", w.stride, 2),
        rt__attr_ints(r, "dilations", w.dilation, 2),
        rt__attr_ints(r, "pads", w.pads, 4),
        rt__attr_string("activation", ""),
    };
    return rt__rewrite_replace(r, node, op, inputs, 3, attrs, 4, err);
}

/* The channels of a node's output. */
static int64_t channels_of(const rt_rewrite *r, uint32_t node)
{
    const rt_node *n = rt__graph_node(r->graph, node);
    return r->values[node].shape.dim[rt__op_planar(n) ? 1 : 3];
}

rt_code rt__lower_conv(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    return lower_filter(rewrite, node, "rt.Conv", channels_of(rewrite, node), err);
}

rt_code rt__lower_depthwise(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    return lower_filter(rewrite, node, "rt.Depthwise", channels_of(rewrite, node), err);
}

static rt_code transposed(rt_rewrite *r, uint32_t node, const rt_tensor *weights, rt_edge *edge,
                          rt_error *err)
{
    size_t rows = (size_t)weights->shape.dim[0], columns = (size_t)weights->shape.dim[1];
    rt_shape shape = {.rank = 2, .dim = {weights->shape.dim[1], weights->shape.dim[0]}};
    void *data;
    rt_code code = rt__rewrite_const(r, node, RT_FLOAT, &shape, edge, &data, err);
    for (size_t i = 0; code == RT_OK && i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            ((float *)data)[j * rows + i] = rt__tensor_float(weights, i * columns + j);
    return code;
}

rt_code rt__lower_matmul(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_attr attr = rt__attr_string("activation", "");
    rt_op_call call;
    rt_edge inputs[3];
    double *zeros;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code == RT_OK)
        code = check_weights(&call, err);
    if (code == RT_OK && rt__op_bool(call.node, "transpose_a"))
        code = rt__node_fail(err, RT_EUNSUPPORTED, call.node, "with transpose_a");
    if (code != RT_OK)
        return code;
    inputs[0] = call.node->inputs[0];
    inputs[1] = call.node->inputs[1];
    if (rt__op_bool(call.node, "transpose_b")) {
        const rt_tensor weights = *call.constant[1];
        code = transposed(rewrite, node, &weights, &inputs[1], err);
    }
    if (code == RT_OK)
        code = rt__rewrite_vector(rewrite, node, (size_t)rewrite->values[node].shape.dim[1], &inputs[2],
                                  &zeros, err);
    return code == RT_OK ? rt__rewrite_replace(rewrite, node, "rt.MatMul", inputs, 3, &attr, 1, err) : code;
}

/* Whether the one window that there is covers the whole image. */
static bool covers(const rt_op_window *w, const rt_shape *in, bool planar)
{
    for (int i = 0; i < 2; i++)
        if (w->out[i] != 1 || w->kernel[i] - w->pads[2 * i] < in->dim[(planar ? 2 : 1) + i])
            return false;
    return true;
}

rt_code rt__lower_pool(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_shape shape = rewrite->values[node].shape;
    rt_op_call call;
    rt_op_window w;
    rt_edge x, average = {0, 0};
    bool max, planar;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code == RT_OK)
        code = check_layout(rewrite, &call, err);
    if (code == RT_OK)
        code = rt__op_pool_window(&call, &w, err);
    if (code != RT_OK)
        return code;
    planar = rt__op_planar(call.node);
    max = strcmp(call.node->op, "MaxPool") == 0;
    x = call.node->inputs[0];
    if (!max && covers(&w, &call.in[0].shape, planar)) {
        shape = rt__lower_physical(&shape, planar);
        code = rt__rewrite_add(rewrite, node, "rt.GlobalAverage", &x, 1, NULL, 0, &average.node, err);
        return code == RT_OK ? rt__lower_reshape(rewrite, node, average, &shape, err) : code;
    }
    const rt_attr attrs[] = {
        rt__attr_string("kind", max ? "max" : "average"),
        rt__attr_ints(rewrite, "ksize", w.kernel, 2),
        rt__attr_ints(rewrite, "strides", w.stride, 2),
        rt__attr_ints(rewrite, "pads", w.pads, 4),
    };
    return rt__rewrite_replace(rewrite, node, "rt.Pool", &x, 1, attrs, 4, err);
}
