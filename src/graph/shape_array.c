/* Shapes of ops that compute element by element, or move elements about. */
#include "op_rules.h"

#include <string.h>

rt_code rt__shape_same(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    (void)err;
    *shape = call->in[0].shape;
    return RT_OK;
}

rt_code rt__shape_broadcast(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    return rt__op_broadcast(call->node, &call->in[0].shape, &call->in[1].shape, shape, err);
}

rt_code rt__shape_equal_inputs(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    for (uint32_t i = 1; i < call->node->n_inputs; i++)
        if (!rt__shape_equal(&call->in[0].shape, &call->in[i].shape))
            return rt__node_fail(err, RT_EFORMAT, call->node, "input %u has another shape than the first", i);
    *shape = call->in[0].shape;
    return RT_OK;
}

rt_code rt__shape_const(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    (void)err;
    *shape = rt__op_attr(call->node, "value")->value.tensor.shape;
    return RT_OK;
}

rt_code rt__shape_placeholder(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    *shape = rt__op_attr(call->node, "shape")->value.shape;
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] < 0)
            shape->rank = RT_UNKNOWN;
    if (shape->rank < 0)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "a value must be fed here besides the image");
    return RT_OK;
}

rt_code rt__shape_scalar(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    (void)call;
    (void)err;
    *shape = (rt_shape){.rank = 0};
    return RT_OK;
}

rt_code rt__reduce_axes(const rt_op_call *call, bool reduced[RT_MAX_RANK], rt_error *err)
{
    int64_t axes[RT_MAX_RANK];
    size_t count;
    int axis;
    rt_code code = rt__op_const_ints(call, 1, axes, RT_MAX_RANK, &count, err);
    memset(reduced, 0, RT_MAX_RANK * sizeof *reduced);
    for (size_t i = 0; code == RT_OK && i < count; i++)
        if ((code = rt__op_axis(call->node, axes[i], call->in[0].shape.rank, &axis, err)) == RT_OK)
            reduced[axis] = true;
    return code;
}

rt_code rt__shape_reduce(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    bool reduced[RT_MAX_RANK], keep = rt__op_bool(call->node, "keep_dims");
    rt_code code = rt__reduce_axes(call, reduced, err);
    *shape = (rt_shape){.rank = 0};
    for (int i = 0; code == RT_OK && i < in->rank; i++)
        if (!reduced[i] || keep)
            shape->dim[shape->rank++] = reduced[i] ? 1 : in->dim[i];
    return code;
}

/* Without a list every axis of one element goes, but for the batch, which is only 1 because we run one photo
 * at a time. */
rt_code rt__shape_squeeze(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    bool gone[RT_MAX_RANK] = {false};
    size_t count;
    const int64_t *axes = rt__op_ints(call->node, "squeeze_dims", &count);
    bool constant = call->constant[0] != NULL;
    for (size_t i = 0; i < count; i++) {
        int axis;
        rt_code code = rt__op_axis(call->node, axes[i], in->rank, &axis, err);
        if (code != RT_OK)
            return code;
        if (in->dim[axis] != 1)
            return rt__node_fail(err, RT_EFORMAT, call->node, "axis %d has %lld elements, want 1", axis,
                                 (long long)in->dim[axis]);
        gone[axis] = true;
    }
    for (int i = constant ? 0 : 1; count == 0 && i < in->rank; i++)
        gone[i] = in->dim[i] == 1;
    *shape = (rt_shape){.rank = 0};
    for (int i = 0; i < in->rank; i++)
        if (!gone[i])
            shape->dim[shape->rank++] = in->dim[i];
    return RT_OK;
}

rt_code rt__shape_reshape(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    size_t rank, elements, known = 1;
    int free_axis = -1;
    rt_code code = rt__op_const_ints(call, 1, shape->dim, RT_MAX_RANK, &rank, err);
    char text[160];
    if (code == RT_OK)
        code = rt__shape_elements(&call->in[0].shape, &elements, err);
    if (code != RT_OK)
        return code;
    shape->rank = (int)rank;
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] == -1 && free_axis < 0) {
            free_axis = i;
            shape->dim[i] = 1;
        }
    if (rt__shape_elements(shape, &known, err) != RT_OK)
        return rt__node_fail(err, RT_EFORMAT, call->node, "its shape input holds no shape");
    if (free_axis >= 0 && known > 0) {
        shape->dim[free_axis] = (int64_t)(elements / known);
        known *= elements / known;
    }
    if (known != elements)
        return rt__node_fail(err, RT_EFORMAT, call->node, "%zu elements do not make up shape %s", elements,
                             rt__shape_text(shape, text, sizeof text));
    return RT_OK;
}

rt_code rt__shape_expand_dims(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    int64_t wanted;
    int axis;
    rt_code code = rt__op_const_int(call, 1, &wanted, err);
    if (code == RT_OK && in->rank == RT_MAX_RANK)
        code = rt__node_fail(err, RT_ELIMIT, call->node, "more than %d axes", RT_MAX_RANK);
    if (code == RT_OK)
        code = rt__op_axis(call->node, wanted, in->rank + 1, &axis, err);
    if (code != RT_OK)
        return code;
    *shape = (rt_shape){.rank = in->rank + 1};
    for (int i = 0; i < shape->rank; i++)
        shape->dim[i] = i == axis ? 1 : in->dim[i < axis ? i : i - 1];
    return RT_OK;
}

rt_code rt__shape_transpose(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    int64_t perm[RT_MAX_RANK];
    unsigned seen = 0;
    size_t count;
    rt_code code = rt__op_const_ints(call, 1, perm, RT_MAX_RANK, &count, err);
    if (code != RT_OK)
        return code;
    *shape = (rt_shape){.rank = in->rank};
    for (size_t i = 0; i < count; i++) {
        if (perm[i] < 0 || perm[i] >= in->rank || seen >> perm[i] & 1)
            break;
        seen |= 1u << perm[i];
        shape->dim[i] = in->dim[perm[i]];
    }
    if (count != (size_t)in->rank || seen != (1u << in->rank) - 1)
        return rt__node_fail(err, RT_EFORMAT, call->node, "its second input is no permutation of %d axes",
                             in->rank);
    return RT_OK;
}

rt_code rt__shape_pad(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    int64_t pads[2 * RT_MAX_RANK];
    size_t count;
    rt_code code = rt__op_const_ints(call, 1, pads, 2 * RT_MAX_RANK, &count, err);
    if (code != RT_OK)
        return code;
    if (count != 2 * (size_t)in->rank)
        return rt__node_fail(err, RT_EFORMAT, call->node, "%zu paddings for rank %d", count, in->rank);
    *shape = *in;
    for (int i = 0; i < in->rank; i++) {
        if (pads[2 * i] < 0 || pads[2 * i + 1] < 0 || pads[2 * i] > INT32_MAX || pads[2 * i + 1] > INT32_MAX)
            return rt__node_fail(err, RT_EFORMAT, call->node, "a padding outside 0 .. 2^31");
        shape->dim[i] += pads[2 * i] + pads[2 * i + 1];
    }
    return RT_OK;
}

rt_code rt__concat_parts(const rt_op_call *call, int *axis, uint32_t *first, uint32_t *n, rt_error *err)
{
    bool axis_first = strcmp(call->node->op, "Concat") == 0;
    int64_t wanted;
    rt_code code;
    *first = axis_first ? 1 : 0;
    *n = call->node->n_inputs - 1;
    code = rt__op_const_int(call, axis_first ? 0 : *n, &wanted, err);
    return code == RT_OK ? rt__op_axis(call->node, wanted, call->in[*first].shape.rank, axis, err) : code;
}

rt_code rt__shape_concat(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    uint32_t first, n;
    int axis;
    rt_code code = rt__concat_parts(call, &axis, &first, &n, err);
    if (code != RT_OK)
        return code;
    *shape = call->in[first].shape;
    for (uint32_t i = first + 1; i < first + n; i++) {
        rt_shape part = call->in[i].shape;
        int64_t extent = part.dim[axis];
        part.dim[axis] = shape->dim[axis];
        if (!rt__shape_equal(&part, shape))
            return rt__node_fail(err, RT_EFORMAT, call->node, "input %u does not fit the first", i);
        if (shape->dim[axis] > INT64_MAX / 2 || extent > INT64_MAX / 2)
            return rt__node_fail(err, RT_ELIMIT, call->node, "axis %d overflows", axis);
        shape->dim[axis] += extent;
    }
    return RT_OK;
}

rt_code rt__shape_pack(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    int axis;
    rt_code code;
    for (uint32_t i = 1; i < call->node->n_inputs; i++)
        if (!rt__shape_equal(in, &call->in[i].shape))
            return rt__node_fail(err, RT_EFORMAT, call->node, "input %u has another shape than the first", i);
    if (in->rank == RT_MAX_RANK)
        return rt__node_fail(err, RT_ELIMIT, call->node, "more than %d axes", RT_MAX_RANK);
    if ((code = rt__op_axis(call->node, rt__op_int(call->node, "axis"), in->rank + 1, &axis, err)) != RT_OK)
        return code;
    *shape = (rt_shape){.rank = in->rank + 1};
    for (int i = 0; i < shape->rank; i++)
        shape->dim[i] = i == axis ? call->node->n_inputs : in->dim[i < axis ? i : i - 1];
    return RT_OK;
}

rt_code rt__shape_unpack(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    int axis;
    rt_code code = rt__op_axis(call->node, rt__op_int(call->node, "axis"), in->rank, &axis, err);
    if (code != RT_OK)
        return code;
    if (in->dim[axis] != rt__op_int(call->node, "num"))
        return rt__node_fail(err, RT_EFORMAT, call->node, "'num' is not the %lld elements of axis %d",
                             (long long)in->dim[axis], axis);
    *shape = (rt_shape){.rank = 0};
    for (int i = 0; i < in->rank; i++)
        if (i != axis)
            shape->dim[shape->rank++] = in->dim[i];
    return RT_OK;
}

rt_code rt__shape_split(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    int64_t wanted, parts = rt__op_int(call->node, "num_split");
    int axis;
    rt_code code = rt__op_const_int(call, 0, &wanted, err);
    if (code == RT_OK)
        code = rt__op_axis(call->node, wanted, call->in[1].shape.rank, &axis, err);
    if (code != RT_OK)
        return code;
    *shape = call->in[1].shape;
    if (parts < 1 || shape->dim[axis] % parts != 0)
        return rt__node_fail(err, RT_EFORMAT, call->node, "%lld elements in %lld parts",
                             (long long)shape->dim[axis], (long long)parts);
    shape->dim[axis] /= parts;
    return RT_OK;
}
