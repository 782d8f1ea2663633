/* Shapes of the rt.* ops of fused.h. */
#include "op_rules.h"

#include <string.h>

/* out[axis] of an image after a window, for height (0) and width (1). */
static rt_code slide(const rt_op_call *call, const int64_t *kernel, bool dilated, int64_t out[2],
                     rt_error *err)
{
    size_t n_strides, n_pads, n_dilations = 2;
    const int64_t *strides = rt__op_ints(call->node, "strides", &n_strides);
    const int64_t *pads = rt__op_ints(call->node, "pads", &n_pads);
    const int64_t *dilations = dilated ? rt__op_ints(call->node, "dilations", &n_dilations) : NULL;
    if (call->in[0].shape.rank != 4 || n_strides != 2 || n_pads != 4 || n_dilations != 2)
        return rt__node_fail(err, RT_EFORMAT, call->node, "malformed window");
    for (int i = 0; i < 2; i++) {
        int64_t extent = (kernel[i] - 1) * (dilated ? dilations[i] : 1) + 1;
        int64_t room = call->in[0].shape.dim[1 + i] + pads[2 * i] + pads[2 * i + 1] - extent;
        if (kernel[i] < 1 || strides[i] < 1 || room < 0)
            return rt__node_fail(err, RT_EFORMAT, call->node, "a window of %lld does not fit",
                                 (long long)extent);
        out[i] = room / strides[i] + 1;
    }
    return RT_OK;
}

static rt_code conv(const rt_op_call *call, int64_t channels, rt_shape *shape, rt_error *err)
{
    int64_t out[2];
    rt_code code = slide(call, call->in[1].shape.dim, true, out, err);
    if (code != RT_OK)
        return code;
    if (call->in[1].shape.rank != 4 || call->in[0].shape.dim[3] != call->in[1].shape.dim[2])
        return rt__node_fail(err, RT_EFORMAT, call->node, "the filter does not fit the input");
    *shape = (rt_shape){.rank = 4, .dim = {call->in[0].shape.dim[0], out[0], out[1], channels}};
    if (call->node->n_inputs == 4 && !rt__shape_equal(shape, &call->in[3].shape))
        return rt__node_fail(err, RT_EFORMAT, call->node, "the addend has another shape than the output");
    return RT_OK;
}

rt_code rt__shape_rt_conv(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    return conv(call, call->in[1].shape.dim[3], shape, err);
}

rt_code rt__shape_rt_depthwise(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    return conv(call, call->in[1].shape.dim[2] * call->in[1].shape.dim[3], shape, err);
}

rt_code rt__shape_rt_pool(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    size_t count;
    const int64_t *ksize = rt__op_ints(call->node, "ksize", &count);
    int64_t out[2];
    rt_code code;
    if (count != 2)
        return rt__node_fail(err, RT_EFORMAT, call->node, "'ksize' has %zu elements", count);
    if ((code = slide(call, ksize, false, out, err)) != RT_OK)
        return code;
    *shape = call->in[0].shape;
    shape->dim[1] = out[0];
    shape->dim[2] = out[1];
    return RT_OK;
}

rt_code rt__shape_rt_global_average(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    if (in->rank != 4)
        return rt__node_fail(err, RT_EFORMAT, call->node, "its input has rank %d, want 4", in->rank);
    *shape = (rt_shape){.rank = 2, .dim = {in->dim[0], in->dim[3]}};
    return RT_OK;
}

rt_code rt__shape_rt_concat(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    *shape = call->in[0].shape;
    for (uint32_t i = 1; i < call->node->n_inputs; i++) {
        const rt_shape *part = &call->in[i].shape;
        bool fits = part->rank == shape->rank && shape->rank > 0;
        for (int axis = 0; fits && axis + 1 < shape->rank; axis++)
            fits = part->dim[axis] == shape->dim[axis];
        if (!fits)
            return rt__node_fail(err, RT_EFORMAT, call->node, "input %u does not fit the first", i);
        shape->dim[shape->rank - 1] += part->dim[shape->rank - 1];
    }
    return RT_OK;
}

rt_code rt__shape_rt_reshape(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    size_t count, before = 0, after = 0;
    const int64_t *dims = rt__op_ints(call->node, "shape", &count);
    if (call->in[0].shape.rank < 1 || count + 1 > RT_MAX_RANK)
        return rt__node_fail(err, RT_EFORMAT, call->node, "malformed reshape");
    *shape = (rt_shape){.rank = (int)count + 1, .dim = {call->in[0].shape.dim[0]}};
    for (size_t i = 0; i < count; i++)
        shape->dim[i + 1] = dims[i];
    if (rt__shape_elements(&call->in[0].shape, &before, err) != RT_OK ||
        rt__shape_elements(shape, &after, err) != RT_OK || before != after)
        return rt__node_fail(err, RT_EFORMAT, call->node, "%zu elements in, %zu out", before, after);
    return RT_OK;
}

rt_code rt__shape_rt_pad(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    size_t count;
    const int64_t *pads = rt__op_ints(call->node, "pads", &count);
    if (call->in[0].shape.rank != 4 || count != 4)
        return rt__node_fail(err, RT_EFORMAT, call->node, "malformed pad");
    *shape = call->in[0].shape;
    shape->dim[1] += pads[0] + pads[1];
    shape->dim[2] += pads[2] + pads[3];
    return RT_OK;
}

rt_code rt__shape_rt_add(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    if (!rt__shape_equal(&call->in[0].shape, &call->in[1].shape))
        return rt__node_fail(err, RT_EFORMAT, call->node, "its inputs have different shapes");
    *shape = call->in[0].shape;
    return RT_OK;
}

rt_code rt__shape_rt_mul(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *a = &call->in[0].shape, *b = &call->in[1].shape;
    bool gate = a->rank == 4 && b->rank == 4 && a->dim[0] == b->dim[0] && b->dim[1] == 1 && b->dim[2] == 1 &&
                a->dim[3] == b->dim[3];
    if (!gate && !rt__shape_equal(a, b))
        return rt__node_fail(err, RT_EFORMAT, call->node, "its inputs do not fit each other");
    *shape = *a;
    return RT_OK;
}
