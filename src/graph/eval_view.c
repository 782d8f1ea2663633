/* Constants whose elements stand at regular steps in another one. */
#include "op_rules.h"

#include <math.h>
#include <string.h>

/* Walks an index over `extent` in row-major order and keeps the place it stands at in the other array. */
typedef struct view {
    int rank;
    int64_t extent[RT_MAX_RANK], index[RT_MAX_RANK];
    int64_t step[RT_MAX_RANK], at; /* elements */
} view;

static void steps_of(const rt_shape *shape, int64_t step[RT_MAX_RANK])
{
    int64_t product = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        step[i] = product;
        product *= shape->dim[i];
    }
}

static void view_next(view *v)
{
    for (int i = v->rank - 1; i >= 0; i--) {
        v->at += v->step[i];
        if (++v->index[i] < v->extent[i])
            return;
        v->at -= v->step[i] * v->extent[i];
        v->index[i] = 0;
    }
}

static rt_code gather_view(const rt_op_call *call, view *v, void *to, const rt_value *out, rt_error *err)
{
    size_t size = rt__dtype_size(out->dtype), count;
    rt_code code = rt__shape_elements(&out->shape, &count, err);
    if (code != RT_OK || size == 0)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "on constants of type %s",
                             rt__dtype_name(out->dtype));
    for (size_t i = 0; i < count; i++, view_next(v))
        memcpy((char *)to + i * size, (const char *)call->constant[0]->data + (size_t)v->at * size, size);
    return RT_OK;
}

rt_code rt__eval_transpose(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    int64_t step[RT_MAX_RANK];
    view v = {.rank = out->shape.rank};
    steps_of(&call->in[0].shape, step);
    for (int i = 0; i < v.rank; i++) {
        v.extent[i] = out->shape.dim[i];
        v.step[i] = step[rt__tensor_int(call->constant[1], (size_t)i)];
    }
    return gather_view(call, &v, data[0], out, err);
}

static rt_code eval_slice(const rt_op_call *call, const rt_slice *slice, void *to, const rt_value *out,
                          rt_error *err)
{
    int64_t step[RT_MAX_RANK];
    view v = {.rank = slice->rank};
    steps_of(&call->in[0].shape, step);
    for (int i = 0; i < v.rank; i++) {
        v.extent[i] = slice->count[i];
        v.step[i] = step[i] * slice->step[i];
        v.at += step[i] * slice->start[i];
    }
    return gather_view(call, &v, to, out, err);
}

rt_code rt__eval_slice(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    rt_slice slice;
    rt_code code = rt__slice_of_slice(call, &slice, err);
    return code == RT_OK ? eval_slice(call, &slice, data[0], out, err) : code;
}

rt_code rt__eval_strided_slice(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    rt_slice slice;
    rt_code code = rt__slice_of_strided_slice(call, &slice, err);
    return code == RT_OK ? eval_slice(call, &slice, data[0], out, err) : code;
}

rt_code rt__eval_tile(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    int64_t step[RT_MAX_RANK];
    view v = {.rank = 2 * in->rank};
    if (v.rank > RT_MAX_RANK)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "on constants of rank %d", in->rank);
    steps_of(in, step);
    for (int i = 0; i < in->rank; i++) {
        v.extent[2 * i] = in->dim[i] ? out->shape.dim[i] / in->dim[i] : 0;
        v.extent[2 * i + 1] = in->dim[i];
        v.step[2 * i + 1] = step[i];
    }
    return gather_view(call, &v, data[0], out, err);
}

rt_code rt__eval_gather(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    const rt_tensor *in = call->constant[0], *indices = call->constant[1];
    size_t run = rt__dtype_size(out->dtype), times = 1, n = rt__tensor_count(indices);
    int axis = 0;
    rt_code code = RT_OK;
    char *to = data[0];
    if (call->node->n_inputs > 2)
        code = rt__op_axis(call->node, rt__tensor_int(call->constant[2], 0), in->shape.rank, &axis, err);
    if (code != RT_OK || run == 0)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "on constants of type %s",
                             rt__dtype_name(out->dtype));
    for (int i = 0; i < in->shape.rank; i++)
        *(i < axis ? &times : i > axis ? &run : &(size_t){0}) *= (size_t)in->shape.dim[i];
    for (size_t t = 0; t < times; t++)
        for (size_t i = 0; i < n; i++, to += run) {
            int64_t index = rt__tensor_int(indices, i);
            if (index < 0 || index >= in->shape.dim[axis])
                return rt__node_fail(err, RT_EFORMAT, call->node, "element %lld of %lld", (long long)index,
                                     (long long)in->shape.dim[axis]);
            if (run)
                memcpy(to, (const char *)in->data + (t * (size_t)in->shape.dim[axis] + (size_t)index) * run,
                       run);
        }
    return RT_OK;
}

static double sum(double total, double x)
{
    return total + x;
}

static double product(double total, double x)
{
    return total * x;
}

static double greater(double total, double x)
{
    return x > total ? x : total;
}

static double smaller(double total, double x)
{
    return x < total ? x : total;
}

static const struct reduction {
    const char *op;
    double start;
    double (*add)(double, double);
} reductions[] = {
    {"Max", -INFINITY, greater}, {"Mean", 0, sum}, {"Min", INFINITY, smaller},
    {"Prod", 1, product},        {"Sum", 0, sum},
};

/* One output element: everything that v walks over. */
static double reduce(const rt_op_call *call, const struct reduction *row, view *v, size_t count)
{
    double total = row->start;
    for (size_t i = 0; i < count; i++, view_next(v))
        total = row->add(total, rt__tensor_double(call->constant[0], (size_t)v->at));
    return strcmp(row->op, "Mean") == 0 ? total / (double)count : total;
}

/* Sums are kept in double, which is exact for the sizes and counts that this is for. */
rt_code rt__eval_reduce(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    const rt_shape *in = &call->in[0].shape;
    const struct reduction *row = reductions;
    bool reduced[RT_MAX_RANK];
    int64_t step[RT_MAX_RANK];
    view kept = {0}, inner = {0};
    size_t outputs = 1, count = 1;
    rt_code code = rt__reduce_axes(call, reduced, err);
    if (code != RT_OK)
        return code;
    if (out->dtype != RT_FLOAT && out->dtype != RT_INT32 && out->dtype != RT_INT64)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "on constants of type %s",
                             rt__dtype_name(out->dtype));
    while (strcmp(row->op, call->node->op) != 0)
        row++;
    steps_of(in, step);
    for (int i = 0; i < in->rank; i++) {
        view *v = reduced[i] ? &inner : &kept;
        v->extent[v->rank] = in->dim[i];
        v->step[v->rank++] = step[i];
        *(reduced[i] ? &count : &outputs) *= (size_t)in->dim[i];
    }
    for (size_t i = 0; i < outputs; i++, view_next(&kept)) {
        double value;
        inner.at = kept.at;
        value = reduce(call, row, &inner, count);
        if (out->dtype == RT_FLOAT)
            ((float *)data[0])[i] = (float)value;
        else
            rt__store_int(out->dtype, data[0], i, fabs(value) < 9e18 ? (int64_t)value : 0);
    }
    return RT_OK;
}
