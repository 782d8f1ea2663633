/* Shapes of convolutions, pools and products. */
#include "op_rules.h"

#include <string.h>

/* An image of `channels` channels and the window's size, laid out as the node's. */
static void image_shape(const rt_op_call *call, const rt_op_window *w, int64_t channels, rt_shape *shape)
{
    bool planar = rt__op_planar(call->node);
    *shape = (rt_shape){.rank = 4, .dim = {call->in[0].shape.dim[0]}};
    shape->dim[planar ? 1 : 3] = channels;
    shape->dim[planar ? 2 : 1] = w->out[0];
    shape->dim[planar ? 3 : 2] = w->out[1];
}

/* grouped: the channels may fall into groups, each with filters of its own. */
static rt_code check_filter(const rt_op_call *call, bool grouped, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape, *filter = &call->in[1].shape;
    int channel = rt__op_planar(call->node) ? 1 : 3;
    char ti[160], tf[160];
    if (in->rank != 4 || filter->rank != 4)
        return rt__node_fail(err, RT_EFORMAT, call->node, "input %s and filter %s, want rank 4 for both",
                             rt__shape_text(in, ti, sizeof ti), rt__shape_text(filter, tf, sizeof tf));
    for (int i = 0; i < 4; i++)
        if (filter->dim[i] < 1 || filter->dim[i] > INT32_MAX)
            return rt__node_fail(err, RT_EFORMAT, call->node, "filter %s",
                                 rt__shape_text(filter, tf, sizeof tf));
    if (grouped && in->dim[channel] > 0 && in->dim[channel] % filter->dim[2] == 0 &&
        filter->dim[3] % (in->dim[channel] / filter->dim[2]) == 0)
        return RT_OK;
    if (in->dim[channel] != filter->dim[2])
        return rt__node_fail(err, RT_EFORMAT, call->node, "input %s does not fit filter %s",
                             rt__shape_text(in, ti, sizeof ti), rt__shape_text(filter, tf, sizeof tf));
    return RT_OK;
}

rt_code rt__shape_conv(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    rt_op_window w;
    rt_code code = check_filter(call, true, err);
    if (code == RT_OK)
        code = rt__op_window(call, call->in[1].shape.dim, &w, err);
    if (code == RT_OK)
        image_shape(call, &w, call->in[1].shape.dim[3], shape);
    return code;
}

rt_code rt__shape_depthwise(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *filter = &call->in[1].shape;
    rt_op_window w;
    rt_code code = check_filter(call, false, err);
    if (code == RT_OK)
        code = rt__op_window(call, filter->dim, &w, err);
    if (code == RT_OK)
        image_shape(call, &w, filter->dim[2] * filter->dim[3], shape);
    return code;
}

rt_code rt__shape_pool(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    rt_op_window w;
    rt_code code = rt__op_pool_window(call, &w, err);
    if (code == RT_OK)
        image_shape(call, &w, call->in[0].shape.dim[rt__op_planar(call->node) ? 1 : 3], shape);
    return code;
}

rt_code rt__shape_matmul(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *a = &call->in[0].shape, *b = &call->in[1].shape;
    int ta = rt__op_bool(call->node, "transpose_a"), tb = rt__op_bool(call->node, "transpose_b");
    char text_a[160], text_b[160];
    if (a->rank != 2 || b->rank != 2 || a->dim[!ta] != b->dim[tb] || b->dim[0] < 1 || b->dim[1] < 1)
        return rt__node_fail(err, RT_EFORMAT, call->node, "matrices %s and %s do not go together",
                             rt__shape_text(a, text_a, sizeof text_a),
                             rt__shape_text(b, text_b, sizeof text_b));
    *shape = (rt_shape){.rank = 2, .dim = {a->dim[ta], b->dim[!tb]}};
    return RT_OK;
}

rt_code rt__shape_bias(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape, *bias = &call->in[1].shape;
    int channel = rt__op_planar(call->node) ? 1 : in->rank - 1;
    if (in->rank < 2 || bias->rank != 1 || bias->dim[0] != in->dim[channel]) {
        char ti[160], tb[160];
        return rt__node_fail(err, RT_EFORMAT, call->node, "bias %s does not fit %s",
                             rt__shape_text(bias, tb, sizeof tb), rt__shape_text(in, ti, sizeof ti));
    }
    *shape = *in;
    return RT_OK;
}

rt_code rt__shape_batch_norm(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    int channel = rt__op_planar(call->node) ? 1 : 3;
    if (in->rank != 4)
        return rt__node_fail(err, RT_EFORMAT, call->node, "its input has rank %d, want 4", in->rank);
    for (uint32_t i = 1; i < 5; i++) {
        const rt_shape *v = &call->in[i].shape;
        /* mean and variance may be empty while training */
        if (v->rank != 1 || (v->dim[0] != in->dim[channel] && !(i > 2 && v->dim[0] == 0)))
            return rt__node_fail(err, RT_EFORMAT, call->node, "input %u does not fit %lld channels", i,
                                 (long long)in->dim[channel]);
    }
    *shape = *in;
    return RT_OK;
}

rt_code rt__shape_resize(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    int64_t size[2];
    size_t count;
    rt_code code = rt__op_const_ints(call, 1, size, 2, &count, err);
    if (code != RT_OK)
        return code;
    *shape = call->in[0].shape;
    if (shape->rank != 4 || count != 2 || size[0] < 1 || size[1] < 1 || size[0] > INT32_MAX ||
        size[1] > INT32_MAX)
        return rt__node_fail(err, RT_EFORMAT, call->node, "no image, or no size for one");
    shape->dim[1] = size[0];
    shape->dim[2] = size[1];
    return RT_OK;
}
