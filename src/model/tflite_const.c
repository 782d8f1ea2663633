/* TensorFlow Lite's weights as floats, and the arithmetic on shapes that converters leave in. */
#include "tflite_import.h"

#include "base/checked.h"

#include <string.h>

static size_t bytes_of(uint8_t type)
{
    static const uint8_t sizes[] = {
        [RT_TFLR_FLOAT32] = 4, [RT_TFLR_FLOAT16] = 2, [RT_TFLR_INT32] = 4,
        [RT_TFLR_UINT8] = 1,   [RT_TFLR_INT64] = 8,   [RT_TFLR_INT8] = 1,
    };
    return type < sizeof sizes ? sizes[type] : 0;
}

/* How many elements a constant has, all of them there. */
static rt_code check_constant(const rt_tfl_call *call, size_t i, size_t *n)
{
    const rt_tfl_value *v = i < call->n_in ? call->in[i] : NULL;
    size_t size, bytes;
    if (!v || !v->constant)
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "input %zu is no constant", i);
    if ((size = bytes_of(v->type)) == 0)
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "input %zu has type %u", i, v->type);
    if (rt__shape_elements(&v->shape, n, NULL) != RT_OK || !rt_mul(&bytes, *n, size) ||
        bytes != v->data.count)
        return rt__tfl_call_fail(call, RT_EFORMAT, "input %zu: its shape and its %zu bytes disagree", i,
                                 v->data.count);
    return RT_OK;
}

static int64_t integer_at(const rt_tfl_value *v, size_t i)
{
    const uint8_t *p = v->data.elements;
    if (v->type == RT_TFLR_UINT8)
        return p[i];
    if (v->type == RT_TFLR_INT8)
        return p[i] < 128 ? p[i] : p[i] - 256;
    return v->type == RT_TFLR_INT32 ? rt__flat_i32_at(&v->data, i) : rt__flat_i64_at(&v->data, i);
}

static rt_code check_scales(const rt_tfl_call *call, size_t i, size_t *inner)
{
    const rt_tfl_value *v = call->in[i];
    *inner = 1;
    if (v->scales.count == 0 || (v->zeros.count != 0 && v->zeros.count != v->scales.count) ||
        (v->scales.count > 1 &&
         (v->axis < 0 || v->axis >= v->shape.rank || (size_t)v->shape.dim[v->axis] != v->scales.count)))
        return rt__tfl_call_fail(call, RT_EFORMAT, "input %zu: its scales do not fit its shape", i);
    for (int k = v->axis + 1; v->scales.count > 1 && k < v->shape.rank; k++)
        *inner *= (size_t)v->shape.dim[k];
    return RT_OK;
}

rt_code rt__tfl_floats(const rt_tfl_call *call, size_t i, size_t wanted, float **floats, size_t *n)
{
    const rt_tfl_value *v = i < call->n_in ? call->in[i] : NULL;
    rt_tfl_import *t = call->t;
    size_t inner = 1;
    bool is_float = v && (v->type == RT_TFLR_FLOAT32 || v->type == RT_TFLR_FLOAT16);
    rt_code code = check_constant(call, i, n);
    if (code == RT_OK && wanted && *n != wanted)
        code = rt__tfl_call_fail(call, RT_EFORMAT, "input %zu has %zu values, want %zu", i, *n, wanted);
    if (code == RT_OK && !is_float)
        code = check_scales(call, i, &inner);
    if (code == RT_OK && (*n > t->most_bytes / sizeof **floats ||
                          rt__arena_bytes(rt__graph_arena(t->im.b.graph)) > t->most_bytes))
        code =
            rt__tfl_call_fail(call, RT_ELIMIT, "the weights so far take more than %zu bytes", t->most_bytes);
    if (code != RT_OK)
        return code;
    if (!(*floats = rt__builder_array(&t->im.b, *n, sizeof **floats)))
        return t->im.b.code;
    for (size_t k = 0; k < *n; k++) {
        size_t channel = v->scales.count > 1 ? k / inner % v->scales.count : 0;
        if (v->type == RT_TFLR_FLOAT32)
            (*floats)[k] = rt__flat_f32_at(&v->data, k);
        else if (v->type == RT_TFLR_FLOAT16)
            (*floats)[k] =
                rt__import_half((uint16_t)(v->data.elements[2 * k] | v->data.elements[2 * k + 1] << 8));
        else
            (*floats)[k] = (float)((double)(integer_at(v, k) -
                                            (v->zeros.count ? rt__flat_i64_at(&v->zeros, channel) : 0)) *
                                   (double)rt__flat_f32_at(&v->scales, channel));
    }
    return RT_OK;
}

rt_code rt__tfl_ints(const rt_tfl_call *call, size_t i, const int64_t **ints, size_t *n)
{
    enum { MOST = 1 << 12 }; /* axes, shapes, paddings */
    const rt_tfl_value *v = i < call->n_in ? call->in[i] : NULL;
    int64_t *copy;
    rt_code code;
    *n = 0;
    *ints = NULL;
    if (!v)
        return RT_OK;
    if (v->ints) {
        *ints = v->ints;
        *n = (size_t)(v->shape.rank ? v->shape.dim[0] : 1);
        return RT_OK;
    }
    if ((code = check_constant(call, i, n)) != RT_OK)
        return code;
    if ((v->type != RT_TFLR_INT32 && v->type != RT_TFLR_INT64) || *n > MOST)
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "input %zu is no short list of integers", i);
    if (!(copy = rt__arena_array(call->t->scratch, *n, sizeof *copy)))
        return call->t->im.b.code = rt_fail(call->t->im.b.err, RT_ENOMEM, "out of memory");
    for (size_t k = 0; k < *n; k++)
        copy[k] = integer_at(v, k);
    *ints = copy;
    return RT_OK;
}

/* ---- folding ---- */

static rt_code keep(rt_tfl_call *call, const int64_t *ints, size_t n, bool number)
{
    int64_t *copy = rt__arena_array(call->t->scratch, n, sizeof *copy);
    if (!copy)
        return call->t->im.b.code = rt_fail(call->t->im.b.err, RT_ENOMEM, "out of memory");
    if (n)
        memcpy(copy, ints, n * sizeof *copy);
    call->out->ints = copy;
    call->out->constant = true;
    call->out->type = RT_TFLR_INT64;
    call->out->shape = number ? (rt_shape){.rank = 0} : (rt_shape){.rank = 1, .dim = {(int64_t)n}};
    return RT_OK;
}

static rt_code fold_shape(rt_tfl_call *call)
{
    const rt_shape *shape = &call->in[0]->shape;
    return keep(call, shape->dim, (size_t)shape->rank, false);
}

static int64_t clamp_index(int64_t index, int64_t n)
{
    index = index < 0 ? index + n : index;
    return index < 0 ? 0 : index > n ? n : index;
}

/* StridedSliceOptions: begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask */
static rt_code fold_slice(rt_tfl_call *call)
{
    const int64_t *from, *begin, *end, *step;
    size_t n, n_begin, n_end, n_step;
    bool shrink = rt__flat_i32(&call->options, 4, 0) & 1;
    int64_t first, last;
    rt_code code;
    if ((code = rt__tfl_ints(call, 0, &from, &n)) != RT_OK ||
        (code = rt__tfl_ints(call, 1, &begin, &n_begin)) != RT_OK ||
        (code = rt__tfl_ints(call, 2, &end, &n_end)) != RT_OK ||
        (code = rt__tfl_ints(call, 3, &step, &n_step)) != RT_OK)
        return code;
    if (n_begin != 1 || n_end != 1 || n_step != 1 || step[0] != 1)
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "of more than a vector, or in steps");
    first = rt__flat_i32(&call->options, 0, 0) & 1 ? 0 : clamp_index(begin[0], (int64_t)n);
    last = rt__flat_i32(&call->options, 1, 0) & 1 ? (int64_t)n : clamp_index(end[0], (int64_t)n);
    last = shrink ? first + 1 : last;
    if (last > (int64_t)n || (shrink && n == 0))
        return rt__tfl_call_fail(call, RT_EFORMAT, "element %lld of %zu", (long long)first, n);
    return keep(call, from + first, last > first ? (size_t)(last - first) : 0, shrink);
}

/* PACK of numbers, CONCATENATION of vectors. */
static rt_code fold_join(rt_tfl_call *call)
{
    int64_t joined[RT_MAX_RANK];
    size_t at = 0;
    for (size_t i = 0; i < call->n_in; i++) {
        const int64_t *part;
        size_t n;
        rt_code code = rt__tfl_ints(call, i, &part, &n);
        if (code != RT_OK)
            return code;
        if (n > RT_MAX_RANK - at)
            return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "of more than %d numbers", RT_MAX_RANK);
        if (n)
            memcpy(joined + at, part, n * sizeof *joined);
        at += n;
    }
    return keep(call, joined, at, false);
}

/* Weights kept in fewer bits: what reads them takes them as they are kept. */
static rt_code fold_dequantize(rt_tfl_call *call)
{
    const rt_tfl_value *x = call->in[0];
    rt_tfl_value *y = call->out;
    y->type = x->type;
    y->shape = x->shape;
    y->data = x->data;
    y->scales = x->scales;
    y->zeros = x->zeros;
    y->axis = x->axis;
    y->constant = true;
    return RT_OK;
}

static const struct fold_row {
    int32_t code; /* BuiltinOperator */
    const char *op;
    size_t least;
    rt_code (*fold)(rt_tfl_call *call);
    bool of_computed; /* asks only for a shape */
} folds[] = {
    {2, "CONCATENATION", 1, fold_join, false},   {6, "DEQUANTIZE", 1, fold_dequantize, false},
    {45, "STRIDED_SLICE", 4, fold_slice, false}, {77, "SHAPE", 1, fold_shape, true},
    {83, "PACK", 1, fold_join, false},
};

rt_code rt__tfl_fold(rt_tfl_call *call, int32_t code, bool *folded)
{
    *folded = false;
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
        if (folds[i].code != code)
            continue;
        for (size_t k = 0; k < call->n_in; k++)
            if (call->in[k] && !call->in[k]->constant && !folds[i].of_computed)
                return RT_OK;
        *folded = true;
        call->op = folds[i].op;
        for (size_t k = 0; k < folds[i].least; k++)
            if (k >= call->n_in || !call->in[k])
                return rt__tfl_call_fail(call, RT_EFORMAT, "input %zu is missing", k);
        return folds[i].fold(call);
    }
    return RT_OK;
}
