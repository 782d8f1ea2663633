/* Shapes of ops that take their sizes from constants: slices, fills, gathers. */
#include "op_rules.h"

#include <math.h>
#include <string.h>

rt_code rt__shape_shape(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    (void)err;
    *shape = (rt_shape){.rank = 1, .dim = {call->in[0].shape.rank}};
    return RT_OK;
}

rt_code rt__shape_fill(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    size_t rank, elements;
    rt_code code = rt__op_const_ints(call, 0, shape->dim, RT_MAX_RANK, &rank, err);
    if (code != RT_OK)
        return code;
    shape->rank = (int)rank;
    if (rt__shape_elements(shape, &elements, err) != RT_OK)
        return rt__node_fail(err, RT_EFORMAT, call->node, "its first input holds no shape");
    return RT_OK;
}

rt_code rt__shape_range(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    double value[3], count;
    for (uint32_t i = 0; i < 3; i++) {
        if (!call->constant[i] || rt__tensor_count(call->constant[i]) != 1)
            return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "input %u is no constant number", i);
        value[i] = rt__tensor_double(call->constant[i], 0);
    }
    count = value[2] != 0 ? ceil((value[1] - value[0]) / value[2]) : -1;
    if (!(count < INT32_MAX) || value[2] == 0)
        return rt__node_fail(err, RT_EFORMAT, call->node, "from %g to %g in steps of %g", value[0], value[1],
                             value[2]);
    *shape = (rt_shape){.rank = 1, .dim = {count > 0 ? (int64_t)count : 0}};
    return RT_OK;
}

rt_code rt__shape_gather(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape, *indices = &call->in[1].shape;
    int64_t wanted = 0;
    int axis;
    rt_code code = RT_OK;
    if (call->node->n_inputs > 2)
        code = rt__op_const_int(call, 2, &wanted, err);
    if (code == RT_OK)
        code = rt__op_axis(call->node, wanted, in->rank, &axis, err);
    if (code != RT_OK)
        return code;
    if (rt__op_int(call->node, "batch_dims") != 0 || in->rank + indices->rank - 1 > RT_MAX_RANK)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "batched, or more than %d axes", RT_MAX_RANK);
    *shape = (rt_shape){.rank = 0};
    for (int i = 0; i < axis; i++)
        shape->dim[shape->rank++] = in->dim[i];
    for (int i = 0; i < indices->rank; i++)
        shape->dim[shape->rank++] = indices->dim[i];
    for (int i = axis + 1; i < in->rank; i++)
        shape->dim[shape->rank++] = in->dim[i];
    return RT_OK;
}

rt_code rt__shape_tile(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    int64_t times[RT_MAX_RANK];
    size_t count;
    rt_code code = rt__op_const_ints(call, 1, times, RT_MAX_RANK, &count, err);
    if (code != RT_OK)
        return code;
    *shape = call->in[0].shape;
    for (size_t i = 0; i < count; i++) {
        if (count != (size_t)shape->rank || times[i] < 0 || times[i] > INT32_MAX || shape->dim[i] > INT32_MAX)
            return rt__node_fail(err, RT_EFORMAT, call->node, "malformed multiples");
        shape->dim[i] *= times[i];
    }
    return RT_OK;
}

rt_code rt__shape_select(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    if (!rt__shape_equal(&call->in[1].shape, &call->in[2].shape) ||
        (call->in[0].shape.rank != 0 && !rt__shape_equal(&call->in[0].shape, &call->in[1].shape)))
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "its inputs have different shapes");
    *shape = call->in[1].shape;
    return RT_OK;
}

rt_code rt__shape_slice(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    rt_slice slice;
    rt_code code = rt__slice_of_slice(call, &slice, err);
    *shape = slice.out;
    return code;
}

rt_code rt__shape_strided_slice(const rt_op_call *call, rt_shape *shape, rt_error *err)
{
    rt_slice slice;
    rt_code code = rt__slice_of_strided_slice(call, &slice, err);
    *shape = slice.out;
    return code;
}

rt_code rt__slice_of_slice(const rt_op_call *call, rt_slice *slice, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    int64_t begin[RT_MAX_RANK], size[RT_MAX_RANK];
    size_t n_begin = 0, n_size = 0;
    rt_code code = rt__op_const_ints(call, 1, begin, RT_MAX_RANK, &n_begin, err);
    *slice = (rt_slice){.rank = in->rank, .out = {.rank = in->rank}};
    if (code == RT_OK)
        code = rt__op_const_ints(call, 2, size, RT_MAX_RANK, &n_size, err);
    if (code != RT_OK)
        return code;
    if (n_begin != (size_t)in->rank || n_size != n_begin)
        return rt__node_fail(err, RT_EFORMAT, call->node, "%zu axes of a tensor of rank %d", n_begin,
                             in->rank);
    for (int i = 0; i < in->rank; i++) {
        if (begin[i] < 0 || begin[i] > in->dim[i] || size[i] < -1 || size[i] > in->dim[i] - begin[i])
            return rt__node_fail(err, RT_EFORMAT, call->node, "axis %d is cut outside its %lld elements", i,
                                 (long long)in->dim[i]);
        slice->start[i] = begin[i];
        slice->step[i] = 1;
        slice->count[i] = size[i] < 0 ? in->dim[i] - begin[i] : size[i];
        slice->out.dim[i] = slice->count[i];
    }
    return RT_OK;
}

typedef struct strided {
    const rt_op_call *call;
    int64_t begin[RT_MAX_RANK], end[RT_MAX_RANK], step[RT_MAX_RANK];
    size_t n;
} strided;

static rt_code read_strided(const rt_op_call *call, strided *s, rt_error *err)
{
    size_t counts[3] = {0};
    rt_code code = rt__op_const_ints(call, 1, s->begin, RT_MAX_RANK, &counts[0], err);
    if (code == RT_OK)
        code = rt__op_const_ints(call, 2, s->end, RT_MAX_RANK, &counts[1], err);
    if (code == RT_OK)
        code = rt__op_const_ints(call, 3, s->step, RT_MAX_RANK, &counts[2], err);
    if (code == RT_OK && (counts[0] != counts[1] || counts[0] != counts[2]))
        code = rt__node_fail(err, RT_EFORMAT, call->node, "begin, end and strides differ in length");
    s->call = call;
    s->n = counts[0];
    return code;
}

static bool mask(const strided *s, const char *name, size_t i)
{
    return rt__op_int(s->call->node, name) >> i & 1;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* Entry i of the specification cuts one axis of the input. */
static rt_code cut_axis(const strided *s, size_t i, int axis, rt_slice *slice, rt_error *err)
{
    int64_t extent = s->call->in[0].shape.dim[axis], step = s->step[i], begin = s->begin[i], end = s->end[i];
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1, span;
    begin = begin < 0 ? begin + extent : begin;
    end = end < 0 ? end + extent : end;
    if (step == 0 || step == INT64_MIN)
        return rt__node_fail(err, RT_EFORMAT, s->call->node, "a stride of %lld", (long long)step);
    if (mask(s, "shrink_axis_mask", i)) {
        if (begin < 0 || begin >= extent)
            return rt__node_fail(err, RT_EFORMAT, s->call->node, "element %lld of %lld", (long long)begin,
                                 (long long)extent);
        slice->start[axis] = begin;
        slice->step[axis] = slice->count[axis] = 1;
        return RT_OK;
    }
    begin = mask(s, "begin_mask", i) ? (step > 0 ? 0 : extent - 1) : clamp(begin, low, high);
    end = mask(s, "end_mask", i) ? (step > 0 ? extent : -1) : clamp(end, low, high);
    span = step > 0 ? end - begin : begin - end;
    slice->start[axis] = begin;
    slice->step[axis] = step;
    step = step > 0 ? step : -step;
    slice->count[axis] = span > 0 ? (span - 1) / step + 1 : 0;
    slice->out.dim[slice->out.rank++] = slice->count[axis];
    return RT_OK;
}

/* Axes that the specification leaves alone. */
static void keep_axes(const rt_shape *in, int from, int to, rt_slice *slice)
{
    for (int axis = from; axis < to; axis++) {
        slice->start[axis] = 0;
        slice->step[axis] = 1;
        slice->count[axis] = in->dim[axis];
        slice->out.dim[slice->out.rank++] = in->dim[axis];
    }
}

rt_code rt__slice_of_strided_slice(const rt_op_call *call, rt_slice *slice, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    strided s;
    int axis = 0, left = 0; /* entries behind an ellipsis that cut an axis */
    rt_code code = read_strided(call, &s, err);
    bool ellipsis = false;
    *slice = (rt_slice){.rank = in->rank, .out = {.rank = 0}};
    for (size_t i = 0; code == RT_OK && i < s.n; i++) {
        if (mask(&s, "ellipsis_mask", i)) {
            left = 0;
            for (size_t j = i + 1; j < s.n; j++)
                left += !mask(&s, "new_axis_mask", j);
            if (ellipsis || in->rank - left < axis || slice->out.rank + in->rank - left - axis > RT_MAX_RANK)
                return rt__node_fail(err, RT_EFORMAT, call->node, "too many axes");
            ellipsis = true;
            keep_axes(in, axis, in->rank - left, slice);
            axis = in->rank - left;
        } else if (mask(&s, "new_axis_mask", i)) {
            if (slice->out.rank == RT_MAX_RANK)
                return rt__node_fail(err, RT_ELIMIT, call->node, "more than %d axes", RT_MAX_RANK);
            slice->out.dim[slice->out.rank++] = 1;
        } else if (axis == in->rank || slice->out.rank == RT_MAX_RANK) {
            return rt__node_fail(err, RT_EFORMAT, call->node, "more axes than the %d of its input", in->rank);
        } else {
            code = cut_axis(&s, i, axis++, slice, err);
        }
    }
    if (code != RT_OK)
        return code;
    if (slice->out.rank + in->rank - axis > RT_MAX_RANK)
        return rt__node_fail(err, RT_ELIMIT, call->node, "more than %d axes", RT_MAX_RANK);
    keep_axes(in, axis, in->rank, slice);
    return RT_OK;
}
