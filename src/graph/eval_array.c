/* Constants made of the elements of other constants. */
#include "op_rules.h"

#include <string.h>

/* Elements of the inputs first .. first + n - 1 go to the output as they are. */
static rt_code check_movable(const rt_op_call *call, uint32_t first, uint32_t n, const rt_value *out,
                             rt_error *err)
{
    if (rt__dtype_size(out->dtype) == 0)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "on constants of type %s",
                             rt__dtype_name(out->dtype));
    for (uint32_t i = first; i < first + n; i++)
        if (call->in[i].dtype != out->dtype)
            return rt__node_fail(err, RT_EFORMAT, call->node, "input %u is of type %s, want %s", i,
                                 rt__dtype_name(call->in[i].dtype), rt__dtype_name(out->dtype));
    return RT_OK;
}

/* Bytes of a constant from an offset on; an empty one has no data at all. */
static void copy(void *to, const rt_tensor *from, size_t offset, size_t bytes)
{
    if (bytes)
        memcpy(to, (const char *)from->data + offset, bytes);
}

/* The same elements in another shape. */
rt_code rt__eval_copy(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    rt_code code = check_movable(call, 0, 1, out, err);
    if (code == RT_OK)
        copy(data[0], call->constant[0], 0, call->constant[0]->bytes);
    return code;
}

/* Bytes of everything from an axis on. */
static size_t bytes_from(const rt_value *value, int axis)
{
    size_t bytes = rt__dtype_size(value->dtype);
    for (int i = axis; i < value->shape.rank; i++)
        bytes *= (size_t)value->shape.dim[i];
    return bytes;
}

static size_t count_before(const rt_shape *shape, int axis)
{
    size_t count = 1;
    for (int i = 0; i < axis; i++)
        count *= (size_t)shape->dim[i];
    return count;
}

/* Lays n inputs side by side: each gives a run of run[i] bytes in turn, `times` times over. */
static void interleave(const rt_op_call *call, uint32_t first, uint32_t n, size_t times, int axis, char *to)
{
    for (size_t t = 0; t < times; t++)
        for (uint32_t i = first; i < first + n; i++) {
            size_t run = bytes_from(&call->in[i], axis);
            copy(to, call->constant[i], t * run, run);
            to += run;
        }
}

rt_code rt__eval_concat(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    uint32_t first, n;
    int axis;
    rt_code code = rt__concat_parts(call, &axis, &first, &n, err);
    if (code == RT_OK)
        code = check_movable(call, first, n, out, err);
    if (code == RT_OK)
        interleave(call, first, n, count_before(&out->shape, axis), axis, data[0]);
    return code;
}

rt_code rt__eval_pack(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    int axis;
    rt_code code = rt__op_axis(call->node, rt__op_int(call->node, "axis"), out->shape.rank, &axis, err);
    if (code == RT_OK)
        code = check_movable(call, 0, call->node->n_inputs, out, err);
    if (code == RT_OK)
        interleave(call, 0, call->node->n_inputs, count_before(&out->shape, axis), axis, data[0]);
    return code;
}

/* The opposite: parts of `run` bytes go to the outputs in turn. */
static void deal(const rt_tensor *in, size_t times, size_t run, size_t n, void *const *data)
{
    for (size_t t = 0; t < times; t++)
        for (size_t i = 0; i < n; i++)
            copy((char *)data[i] + t * run, in, (t * n + i) * run, run);
}

rt_code rt__eval_unpack(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    int axis;
    rt_code code =
        rt__op_axis(call->node, rt__op_int(call->node, "axis"), call->in[0].shape.rank, &axis, err);
    if (code == RT_OK)
        code = check_movable(call, 0, 1, out, err);
    if (code == RT_OK)
        deal(call->constant[0], count_before(&call->in[0].shape, axis), bytes_from(&call->in[0], axis + 1),
             (size_t)rt__op_int(call->node, "num"), data);
    return code;
}

rt_code rt__eval_split(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    int axis;
    rt_code code = rt__op_axis(call->node, rt__tensor_int(call->constant[0], 0), out->shape.rank, &axis, err);
    if (code == RT_OK)
        code = check_movable(call, 1, 1, out, err);
    if (code == RT_OK)
        deal(call->constant[1], count_before(&out->shape, axis), bytes_from(out, axis),
             (size_t)rt__op_int(call->node, "num_split"), data);
    return code;
}

rt_code rt__eval_shape(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    (void)err;
    for (int i = 0; i < in->rank; i++)
        rt__store_int(out->dtype, data[0], (size_t)i, in->dim[i]);
    return RT_OK;
}

rt_code rt__eval_rank(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    (void)err;
    rt__store_int(out->dtype, data[0], 0, call->in[0].shape.rank);
    return RT_OK;
}

rt_code rt__eval_size(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    size_t count;
    rt_code code = rt__shape_elements(&call->in[0].shape, &count, err);
    if (code == RT_OK)
        rt__store_int(out->dtype, data[0], 0, (int64_t)count);
    return code;
}

rt_code rt__eval_fill(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    size_t size = rt__dtype_size(out->dtype), count;
    rt_code code = check_movable(call, 1, 1, out, err);
    if (code == RT_OK)
        code = rt__shape_elements(&out->shape, &count, err);
    if (code == RT_OK && rt__tensor_count(call->constant[1]) != 1)
        code = rt__node_fail(err, RT_EFORMAT, call->node, "the value to fill with is no scalar");
    for (size_t i = 0; code == RT_OK && i < count; i++)
        memcpy((char *)data[0] + i * size, call->constant[1]->data, size);
    return code;
}

rt_code rt__eval_range(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    rt_code code = check_movable(call, 0, 3, out, err);
    for (int64_t i = 0; code == RT_OK && i < out->shape.dim[0]; i++) {
        if (out->dtype == RT_FLOAT)
            ((float *)data[0])[i] =
                rt__tensor_float(call->constant[0], 0) + (float)i * rt__tensor_float(call->constant[2], 0);
        else if (out->dtype == RT_INT32 || out->dtype == RT_INT64)
            rt__store_int(out->dtype, data[0], (size_t)i,
                          rt__tensor_int(call->constant[0], 0) + i * rt__tensor_int(call->constant[2], 0));
        else
            code = rt__node_fail(err, RT_EUNSUPPORTED, call->node, "of type %s", rt__dtype_name(out->dtype));
    }
    return code;
}

rt_code rt__eval_select(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    size_t size = rt__dtype_size(out->dtype), count;
    bool scalar = call->in[0].shape.rank == 0;
    rt_code code = check_movable(call, 1, 2, out, err);
    if (code == RT_OK)
        code = rt__shape_elements(&out->shape, &count, err);
    for (size_t i = 0; code == RT_OK && i < count; i++) {
        const rt_tensor *from = call->constant[rt__tensor_int(call->constant[0], scalar ? 0 : i) ? 1 : 2];
        memcpy((char *)data[0] + i * size, (const char *)from->data + i * size, size);
    }
    return code;
}
