/* ONNX's changes of shape on what is computed from the image. */
#include "onnx_import.h"

#include "base/checked.h"

#include <string.h>

/* The same numbers under another shape. */
static rt_code alias(rt_onnx_call *call, const rt_shape *shape)
{
    call->out->edge = call->in[0]->edge;
    call->out->shape = *shape;
    call->out->channels_last = call->in[0]->channels_last && shape->rank == 4;
    call->out->quantised = call->in[0]->quantised;
    if (shape->rank == 2)
        memcpy(call->out->map, call->in[0]->map, sizeof call->out->map);
    return call->o->im.b.code;
}

/* To [1,n] */
static rt_code to_vector(rt_onnx_call *call)
{
    const rt_onnx_value *x = call->in[0];
    size_t n;
    rt_code code;
    if (x->shape.rank == 2)
        return alias(call, &x->shape);
    if ((code = rt__shape_elements(&x->shape, &n, call->o->im.b.err)) != RT_OK)
        return call->o->im.b.code = code;
    call->out->shape = (rt_shape){.rank = 2, .dim = {1, (int64_t)n}};
    call->out->edge = rt__import_reshape(&call->o->im, call->name, x->edge, call->out->shape.dim, 2);
    call->out->quantised = x->quantised;
    if (x->channels_last && x->shape.dim[2] * x->shape.dim[3] > 1)
        memcpy(call->out->map, x->shape.dim + 1, sizeof call->out->map);
    return call->o->im.b.code;
}

/* A vector to [1,c,1,1]. */
static rt_code to_map(rt_onnx_call *call, const rt_shape *shape)
{
    const rt_onnx_value *x = call->in[0];
    const int64_t pixel[] = {1, 1, 1, x->shape.dim[1]};
    char text[160];
    bool first = shape->dim[2] == 1 && shape->dim[3] == 1;
    if ((!first && (shape->dim[1] != 1 || shape->dim[2] != 1)) || x->map[0])
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "a vector to %s",
                                  rt__shape_text(shape, text, sizeof text));
    call->out->edge = rt__import_reshape(&call->o->im, call->name, x->edge, pixel, 4);
    call->out->shape = *shape;
    call->out->channels_last = first;
    return call->o->im.b.code;
}

/* To a shape of as many elements. */
static rt_code to_shape(rt_onnx_call *call, const rt_shape *shape)
{
    const rt_onnx_value *x = call->in[0];
    size_t from, to;
    char a[160], b[160];
    if (rt__shape_elements(&x->shape, &from, NULL) != RT_OK ||
        rt__shape_elements(shape, &to, NULL) != RT_OK || from != to)
        return rt__onnx_call_fail(call, RT_EFORMAT, "from %s to %s", rt__shape_text(&x->shape, a, sizeof a),
                                  rt__shape_text(shape, b, sizeof b));
    if (rt__shape_equal(&x->shape, shape))
        return alias(call, shape);
    if (shape->rank == 2 && shape->dim[0] == 1 && (x->shape.rank == 4 || x->shape.rank == 2))
        return to_vector(call);
    if (shape->rank == 4 && shape->dim[0] == 1 && x->shape.rank == 2)
        return to_map(call, shape);
    return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "from %s to %s", rt__shape_text(&x->shape, a, sizeof a),
                              rt__shape_text(shape, b, sizeof b));
}

rt_code rt__onnx_flatten(rt_onnx_call *call)
{
    int64_t axis = rt__onnx_get_int(call, "axis", 1);
    if (axis != 1 && axis + call->in[0]->shape.rank != 1)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "along axis %lld, only along 1", (long long)axis);
    return to_vector(call);
}

/* 0 stands for the dimension as it is, -1 for what is left. */
rt_code rt__onnx_reshape(rt_onnx_call *call)
{
    const rt_onnx_value *x = call->in[0];
    const int64_t *wanted;
    rt_shape shape = {.rank = 0};
    size_t n, left, known = 1;
    int open = -1;
    rt_code code = rt__onnx_ints(call, 1, "shape", &wanted, &n);
    if (code != RT_OK || (code = rt__shape_elements(&x->shape, &left, call->o->im.b.err)) != RT_OK)
        return call->o->im.b.code = code;
    if (n < 1 || n > RT_MAX_RANK)
        return rt__onnx_call_fail(call, RT_EFORMAT, "to %zu dimensions", n);
    shape.rank = (int)n;
    for (int i = 0; i < (int)n; i++) {
        shape.dim[i] = wanted[i] == 0 && i < x->shape.rank ? x->shape.dim[i] : wanted[i];
        if (wanted[i] == -1 && open < 0)
            open = i;
        else if (shape.dim[i] < 1 || !rt_mul(&known, known, (size_t)shape.dim[i]))
            return rt__onnx_call_fail(call, RT_EFORMAT, "dimension %d is %lld", i, (long long)wanted[i]);
    }
    if (open >= 0 && left % known == 0)
        shape.dim[open] = (int64_t)(left / known);
    else if (open >= 0)
        return rt__onnx_call_fail(call, RT_EFORMAT, "%zu elements by %zu", left, known);
    return to_shape(call, &shape);
}

/* Marks the axes named of rank; false for an impossible or doubled one. */
static bool mark_axes(const int64_t *axes, size_t n, int rank, bool *marked)
{
    for (size_t i = 0; i < n; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank || marked[axis])
            return false;
        marked[axis] = true;
    }
    return true;
}

rt_code rt__onnx_squeeze(rt_onnx_call *call)
{
    const rt_shape *from = &call->in[0]->shape;
    const int64_t *axes;
    bool gone[RT_MAX_RANK] = {false};
    rt_shape shape = {.rank = 0};
    size_t n;
    rt_code code = rt__onnx_ints(call, 1, "axes", &axes, &n);
    if (code != RT_OK)
        return code;
    if (!mark_axes(axes, n, from->rank, gone))
        return rt__onnx_call_fail(call, RT_EFORMAT, "its axes are impossible");
    for (int i = 0; i < from->rank; i++) {
        bool drop = n ? gone[i] : i > 0 && from->dim[i] == 1;
        if (drop && from->dim[i] != 1)
            return rt__onnx_call_fail(call, RT_EFORMAT, "axis %d has %lld elements", i,
                                      (long long)from->dim[i]);
        if (!drop)
            shape.dim[shape.rank++] = from->dim[i];
    }
    return to_shape(call, &shape);
}

rt_code rt__onnx_unsqueeze(rt_onnx_call *call)
{
    const rt_shape *from = &call->in[0]->shape;
    const int64_t *axes;
    bool new[RT_MAX_RANK] = {false};
    rt_shape shape = {.rank = 0};
    int at = 0;
    size_t n;
    rt_code code = rt__onnx_ints(call, 1, "axes", &axes, &n);
    if (code != RT_OK)
        return code;
    if (n > (size_t)(RT_MAX_RANK - from->rank) || !mark_axes(axes, n, from->rank + (int)n, new))
        return rt__onnx_call_fail(call, RT_EFORMAT, "its axes are impossible");
    shape.rank = from->rank + (int)n;
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = new[i] ? 1 : from->dim[at++];
    return to_shape(call, &shape);
}

/* Between [n,c,h,w] and [n,h,w,c] nothing moves: only what the file calls it changes. */
rt_code rt__onnx_transpose(rt_onnx_call *call)
{
    static const int64_t to_first[] = {0, 3, 1, 2}, to_last[] = {0, 2, 3, 1};
    const rt_onnx_value *x = call->in[0];
    size_t n;
    const int64_t *perm = rt__onnx_get_ints(call, "perm", &n);
    if (!perm || n != 4 || x->shape.rank != 4 ||
        memcmp(perm, x->channels_last ? to_last : to_first, sizeof to_last) != 0)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "only between [n,c,h,w] and [n,h,w,c]");
    call->out->edge = x->edge;
    call->out->quantised = x->quantised;
    call->out->channels_last = !x->channels_last;
    call->out->shape.rank = 4;
    for (int i = 0; i < 4; i++)
        call->out->shape.dim[i] = x->shape.dim[perm[i]];
    return call->o->im.b.code;
}

static rt_code check_part(const rt_onnx_call *call, size_t i, int axis)
{
    const rt_onnx_value *first = call->in[0], *part = call->in[i];
    if (!part || part->constant || part->shape.rank != first->shape.rank || part->map[0] ||
        part->channels_last != first->channels_last)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "input %zu is not computed, or not like input 0", i);
    for (int d = 0; d < first->shape.rank; d++)
        if (d != axis && part->shape.dim[d] != first->shape.dim[d])
            return rt__onnx_call_fail(call, RT_EFORMAT, "input %zu has another dimension %d", i, d);
    return RT_OK;
}

/* Along the channels. */
rt_code rt__onnx_concat(rt_onnx_call *call)
{
    const rt_onnx_value *first = call->in[0];
    int rank = first->shape.rank, channel = first->channels_last ? 1 : rank - 1;
    int64_t axis = rt__onnx_get_int(call, "axis", 1), sum = 0;
    rt_edge *parts = rt__arena_array(call->o->scratch, call->n_in, sizeof *parts);
    axis = axis < 0 ? axis + rank : axis;
    if (!parts)
        return call->o->im.b.code = rt_fail(call->o->im.b.err, RT_ENOMEM, "out of memory");
    if (rank < 2 || axis != channel)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "along axis %lld, only along the channels",
                                  (long long)axis);
    for (size_t i = 0; i < call->n_in; i++) {
        rt_code code = check_part(call, i, channel);
        if (code != RT_OK)
            return code;
        if (!rt_add_i64(&sum, sum, call->in[i]->shape.dim[channel]))
            return rt__onnx_call_fail(call, RT_ELIMIT, "its channels overflow");
        parts[i] = call->in[i]->edge;
    }
    call->out->shape = first->shape;
    call->out->shape.dim[channel] = sum;
    call->out->channels_last = first->channels_last;
    call->out->edge = rt__import_concat(&call->o->im, call->name, parts, call->n_in, rank - 1);
    return call->o->im.b.code;
}

/* With zeros, of height and width. */
rt_code rt__onnx_pad(rt_onnx_call *call)
{
    enum { MOST = 1 << 16 };
    const rt_onnx_value *x = call->in[0];
    char text[16];
    const char *mode = rt__onnx_get_text(call, "mode", text, sizeof text);
    const int64_t *all;
    const float *value;
    float zero = rt__onnx_get_float(call, "value", 0);
    size_t n;
    rt_code code = rt__onnx_ints(call, 1, "pads", &all, &n);
    if (code == RT_OK && call->n_in > 2 && call->in[2]) {
        if ((code = rt__onnx_floats(call, 2, 1, &value)) == RT_OK)
            zero = *value;
    }
    if (code != RT_OK)
        return code;
    if ((*mode && strcmp(mode, "constant") != 0) || zero != 0 || n != 8 || x->shape.rank != 4 || x->constant)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "only of maps and with zeros");
    {
        int h = x->channels_last ? 2 : 1;
        const int64_t pads[] = {all[h], all[h + 4], all[h + 1], all[h + 5]};
        for (int i = 0; i < 8; i++)
            if (all[i] < 0 || all[i] > MOST || (all[i] && i % 4 != h && i % 4 != h + 1))
                return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "by %lld in axis %d", (long long)all[i],
                                          i % 4);
        call->out->shape = x->shape;
        call->out->shape.dim[h] += pads[0] + pads[1];
        call->out->shape.dim[h + 1] += pads[2] + pads[3];
        call->out->channels_last = x->channels_last;
        call->out->edge = rt__import_pad(&call->o->im, call->name, "", x->edge, pads);
    }
    return call->o->im.b.code;
}
