/* Ops that change the shape. */
#include "lower.h"

#include <string.h>

/* Over height and width; *x is the map. */
static rt_code spatial(rt_rewrite *r, uint32_t node, rt_edge *x, rt_error *err)
{
    bool reduced[RT_MAX_RANK], fits;
    rt_op_call call;
    int channel;
    rt_code code = rt__lower_begin(r, node, 0, &call, err);
    if (code == RT_OK)
        code = rt__reduce_axes(&call, reduced, err);
    if (code != RT_OK)
        return code;
    *x = call.node->inputs[0];
    channel = rt__lower_channel_axis(r, *x);
    fits = call.in[0].shape.rank == 4;
    for (int i = 0; i < 4; i++)
        fits = fits && reduced[i] == (i != 0 && i != channel);
    return fits ? RT_OK : rt__node_fail(err, RT_EUNSUPPORTED, call.node, "only over height and width");
}

rt_code rt__lower_mean(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_edge x, average = {0, 0};
    rt_shape shape = rewrite->values[node].shape;
    rt_code code = spatial(rewrite, node, &x, err);
    if (code != RT_OK)
        return code;
    if (shape.rank == 2) {
        rewrite->planar[node] = false;
        return rt__rewrite_replace(rewrite, node, "rt.GlobalAverage", &x, 1, NULL, 0, err);
    }
    shape = rt__lower_physical(&shape, rt__lower_is_planar(rewrite, x));
    code = rt__rewrite_add(rewrite, node, "rt.GlobalAverage", &x, 1, NULL, 0, &average.node, err);
    return code == RT_OK ? rt__lower_reshape(rewrite, node, average, &shape, err) : code;
}

/* The one window of a pool covers the whole map. */
rt_code rt__lower_max(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    static const int64_t ones[2] = {1, 1}, none[4] = {0};
    rt_shape shape = rewrite->values[node].shape, map;
    rt_edge x, most = {0, 0};
    rt_code code = spatial(rewrite, node, &x, err);
    if (code != RT_OK)
        return code;
    map = rt__rewrite_value(rewrite, x).shape;
    map = rt__lower_physical(&map, rt__lower_is_planar(rewrite, x));
    shape = rt__lower_physical(&shape, shape.rank == 4 && rt__lower_is_planar(rewrite, x));
    const rt_attr attrs[] = {
        rt__attr_string("kind", "max"),
        rt__attr_ints(rewrite, "ksize", map.dim + 1, 2),
        rt__attr_ints(rewrite, "strides", ones, 2),
        rt__attr_ints(rewrite, "pads", none, 4),
    };
    rewrite->planar[node] = rewrite->planar[node] && shape.rank == 4;
    code = rt__rewrite_add(rewrite, node, "rt.Pool", &x, 1, attrs, 4, &most.node, err);
    return code == RT_OK ? rt__lower_reshape(rewrite, node, most, &shape, err) : code;
}

/* An image that has the size already. */
rt_code rt__lower_resize(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_op_call call;
    char from[160], to[160];
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code != RT_OK)
        return code;
    if (rewrite->planar[node] || !rt__shape_equal(&call.in[0].shape, &rewrite->values[node].shape))
        return rt__node_fail(
            err, RT_EUNSUPPORTED, call.node,
            "from %s to %s inside the network; with --input_size of the latter nothing is resized",
            rt__shape_text(&call.in[0].shape, from, sizeof from),
            rt__shape_text(&rewrite->values[node].shape, to, sizeof to));
    return rt__lower_identity(rewrite, node, err);
}

/* Reshape, Squeeze, ExpandDims: the batch stays where it is, and the order of the floats too. */
rt_code rt__lower_view(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_shape shape = rewrite->values[node].shape;
    rt_op_call call;
    char text[160], before[160];
    const rt_shape *in;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code != RT_OK)
        return code;
    in = &call.in[0].shape;
    if (shape.rank < 1 || in->rank < 1 || shape.dim[0] != in->dim[0])
        return rt__node_fail(
            err, RT_EUNSUPPORTED, call.node, "from %s to %s: the first axis must stay the batch",
            rt__shape_text(in, before, sizeof before), rt__shape_text(&shape, text, sizeof text));
    if (rewrite->planar[node] && in->dim[1] != 1 && in->dim[2] * in->dim[3] != 1)
        return rt__node_fail(err, RT_EUNSUPPORTED, call.node, "from %s with the channels first",
                             rt__shape_text(in, text, sizeof text));
    rewrite->planar[node] = false;
    return rt__lower_reshape(rewrite, node, call.node->inputs[0], &shape, err);
}

/* The same floats in the same order: only axes of one element move. */
static bool moves_nothing(const rt_op_call *call, const int64_t *perm)
{
    int64_t last = -1;
    for (int i = 0; i < call->in[0].shape.rank; i++) {
        if (call->in[0].shape.dim[perm[i]] == 1)
            continue;
        if (perm[i] < last)
            return false;
        last = perm[i];
    }
    return true;
}

/* A change between channels last and channels first changes nothing here: our tensors have them last. */
rt_code rt__lower_transpose(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    static const int64_t to_planar[4] = {0, 3, 1, 2}, from_planar[4] = {0, 2, 3, 1};
    int64_t perm[RT_MAX_RANK] = {0};
    size_t rank;
    bool planar;
    rt_op_call call;
    rt_shape shape;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code == RT_OK)
        code = rt__op_const_ints(&call, 1, perm, RT_MAX_RANK, &rank, err);
    if (code != RT_OK)
        return code;
    planar = rewrite->planar[node];
    if (rank == 4 && memcmp(perm, planar ? from_planar : to_planar, sizeof to_planar) == 0) {
        rewrite->planar[node] = !planar;
        shape = rt__lower_physical(&call.in[0].shape, planar);
    } else if (!planar && perm[0] == 0 && moves_nothing(&call, perm)) {
        shape = rewrite->values[node].shape;
    } else {
        return rt__node_fail(err, RT_EUNSUPPORTED, call.node, "this order of axes");
    }
    return rt__lower_reshape(rewrite, node, call.node->inputs[0], &shape, err);
}

rt_code rt__lower_pad(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    int64_t pads[2 * RT_MAX_RANK];
    double value = 0;
    size_t count;
    int height;
    rt_op_call call;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code == RT_OK)
        code = rt__op_const_ints(&call, 1, pads, 2 * RT_MAX_RANK, &count, err);
    if (code == RT_OK && call.node->n_inputs == 3)
        code = rt__lower_scalar(&call, 2, &value, err);
    if (code != RT_OK)
        return code;
    height = rewrite->planar[node] ? 2 : 1;
    for (size_t i = 0; i < count; i++)
        if (pads[i] != 0 && (count != 8 || i / 2 < (size_t)height || i / 2 > (size_t)height + 1))
            return rt__node_fail(err, RT_EUNSUPPORTED, call.node, "of other axes than height and width");
    if (count != 8)
        return rt__lower_identity(rewrite, node, err);
    if (value != 0)
        return rt__node_fail(err, RT_EUNSUPPORTED, call.node, "with %g, only with 0", value);
    const rt_edge x = call.node->inputs[0];
    const rt_attr attr = rt__attr_ints(rewrite, "pads", pads + 2 * height, 4);
    return rt__rewrite_replace(rewrite, node, "rt.Pad", &x, 1, &attr, 1, err);
}

rt_code rt__lower_concat(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    uint32_t first = 0, n = 0;
    int axis;
    rt_op_call call;
    rt_code code = rt__rewrite_call(rewrite, node, &call, err);
    if (code == RT_OK)
        code = rt__concat_parts(&call, &axis, &first, &n, err);
    for (uint32_t i = first; code == RT_OK && i < first + n; i++) {
        bool planar = rt__lower_is_planar(rewrite, call.node->inputs[first]);
        code = rt__lower_begin(rewrite, node, i, &call, err);
        if (code == RT_OK && (rewrite->planar[node] != planar ||
                              axis != rt__lower_channel_axis(rewrite, call.node->inputs[i]) || axis == 0))
            code = rt__node_fail(err, RT_EUNSUPPORTED, call.node, "along axis %d, only along the channels",
                                 axis);
    }
    if (code != RT_OK)
        return code;
    return rt__rewrite_replace(rewrite, node, "rt.Concat", call.node->inputs + first, n, NULL, 0, err);
}
