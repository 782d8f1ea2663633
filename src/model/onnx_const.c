/* ONNX tensors that do not depend on the image: weights, and the arithmetic exporters leave on shapes. */
#include "onnx_import.h"

#include "base/checked.h"

#include <math.h>
#include <string.h>

enum { MOST_FOLDED = 1 << 16 }; /* elements: shapes are short */

rt_onnx_const *rt__onnx_const_new(rt_onnx_import *o, int32_t type, const rt_shape *shape)
{
    bool floats = type == RT_ONNX_FLOAT || type == RT_ONNX_HALF || type == RT_ONNX_DOUBLE;
    rt_onnx_const *c = rt__arena_alloc(o->scratch, sizeof *c);
    size_t n;
    if (o->im.b.code == RT_OK)
        o->im.b.code = rt__shape_elements(shape, &n, o->im.b.err);
    if (o->im.b.code == RT_OK &&
        (n > o->most_bytes / sizeof(int64_t) || rt__arena_bytes(o->scratch) > o->most_bytes))
        o->im.b.code =
            rt_fail(o->im.b.err, RT_ELIMIT, "its constants take more than %zu bytes", o->most_bytes);
    if (o->im.b.code != RT_OK)
        return NULL;
    if (c) {
        *c = (rt_onnx_const){.type = type, .shape = *shape, .n = n};
        if (floats)
            c->floats = rt__arena_array(o->scratch, n, sizeof(float));
        else
            c->ints = rt__arena_array(o->scratch, n, sizeof(int64_t));
    }
    if (!c || (!c->floats && !c->ints)) {
        o->im.b.code = rt_fail(o->im.b.err, RT_ENOMEM, "out of memory");
        return NULL;
    }
    return c;
}

/* ---- reading ---- */

static float load_float(const uint8_t *p)
{
    float value;
    memcpy(&value, p, sizeof value);
    return value;
}

static float load_double(const uint8_t *p)
{
    double value;
    memcpy(&value, p, sizeof value);
    return (float)value;
}

static float load_half(const uint8_t *p)
{
    return rt__import_half((uint16_t)(p[0] | p[1] << 8));
}

static int64_t load_i32(const uint8_t *p)
{
    int32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

static int64_t load_i64(const uint8_t *p)
{
    int64_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

static int64_t load_i8(const uint8_t *p)
{
    return *p < 128 ? *p : *p - 256;
}

static int64_t load_u8(const uint8_t *p)
{
    return *p;
}

/* Where a type's elements stand when they are not raw. */
typedef enum place { IN_FLOATS, IN_INT32, IN_INT64, IN_DOUBLES } place;

static const struct type_row {
    int32_t type;
    size_t bytes;
    place place;
    float (*load_float)(const uint8_t *p);
    int64_t (*load_int)(const uint8_t *p);
} types[] = {
    {RT_ONNX_FLOAT, 4, IN_FLOATS, load_float, NULL},    {RT_ONNX_HALF, 2, IN_INT32, load_half, NULL},
    {RT_ONNX_DOUBLE, 8, IN_DOUBLES, load_double, NULL}, {RT_ONNX_INT32, 4, IN_INT32, NULL, load_i32},
    {RT_ONNX_INT64, 8, IN_INT64, NULL, load_i64},       {RT_ONNX_INT8, 1, IN_INT32, NULL, load_i8},
    {RT_ONNX_UINT8, 1, IN_INT32, NULL, load_u8},        {RT_ONNX_BOOL, 1, IN_INT32, NULL, load_u8},
};

static const struct type_row *find_type(int32_t type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type == type)
            return &types[i];
    return NULL;
}

static size_t count_of(const Onnx__Tensor *t, const struct type_row *row)
{
    const size_t counts[] = {t->n_float_data, t->n_int32_data, t->n_int64_data, t->n_double_data};
    return counts[row->place];
}

static rt_code tensor_fail(rt_onnx_import *o, rt_code code, const Onnx__Tensor *t, const char *reason)
{
    return o->im.b.code = rt_fail(o->im.b.err, code, "tensor '%.100s': %s", t->name, reason);
}

static void take_raw(const Onnx__Tensor *t, const struct type_row *row, rt_onnx_const *c)
{
    for (size_t i = 0; i < c->n; i++) {
        const uint8_t *p = t->raw_data.data + i * row->bytes;
        if (c->floats)
            c->floats[i] = row->load_float(p);
        else
            c->ints[i] = row->load_int(p);
    }
}

static void take_listed(const Onnx__Tensor *t, const struct type_row *row, rt_onnx_const *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (row->place == IN_FLOATS)
            c->floats[i] = t->float_data[i];
        else if (row->place == IN_DOUBLES)
            c->floats[i] = (float)t->double_data[i];
        else if (c->floats)
            c->floats[i] = rt__import_half((uint16_t)t->int32_data[i]);
        else
            c->ints[i] = row->place == IN_INT64 ? t->int64_data[i] : t->int32_data[i];
    }
}

rt_code rt__onnx_const_read(rt_onnx_import *o, const Onnx__Tensor *t, const rt_onnx_const **constant)
{
    const struct type_row *row = find_type(t->data_type);
    rt_shape shape = {.rank = (int)t->n_dims};
    rt_onnx_const *c;
    size_t n, bytes;
    bool raw = t->raw_data.len > 0;
    if (t->data_location != 0)
        return tensor_fail(o, RT_EUNSUPPORTED, t,
                           "its values are in another file: save the model as one file");
    if (!row || t->n_dims > RT_MAX_RANK)
        return tensor_fail(o, RT_EUNSUPPORTED, t, "its type or rank is not one we read");
    if (t->n_dims) /* a scalar has none */
        memcpy(shape.dim, t->dims, t->n_dims * sizeof *shape.dim);
    if ((o->im.b.code = rt__shape_elements(&shape, &n, o->im.b.err)) != RT_OK)
        return o->im.b.code;
    if (!rt_mul(&bytes, n, row->bytes) || (raw ? bytes != t->raw_data.len : n != count_of(t, row)))
        return tensor_fail(o, RT_EFORMAT, t, "its shape and the number of its values disagree");
    if (!(c = rt__onnx_const_new(o, t->data_type, &shape)))
        return o->im.b.code;
    if (raw)
        take_raw(t, row, c);
    else
        take_listed(t, row, c);
    *constant = c;
    return RT_OK;
}

rt_code rt__onnx_ints(const rt_onnx_call *call, size_t i, const char *attribute, const int64_t **ints,
                      size_t *n)
{
    *ints = NULL;
    *n = 0;
    if (i < call->n_in && call->in[i]) {
        const rt_onnx_const *c = call->in[i]->constant;
        if (!c || !c->ints)
            return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "input %zu is no constant of integers", i);
        *ints = c->ints;
        *n = c->n;
    } else if (attribute) {
        *ints = rt__onnx_get_ints(call, attribute, n);
    }
    return RT_OK;
}

rt_code rt__onnx_floats(const rt_onnx_call *call, size_t i, size_t wanted, const float **floats)
{
    const rt_onnx_const *c = i < call->n_in && call->in[i] ? call->in[i]->constant : NULL;
    if (!c || !c->floats)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "input %zu is no constant of floats", i);
    if (wanted && c->n != wanted)
        return rt__onnx_call_fail(call, RT_EFORMAT, "input %zu has %zu values, want %zu", i, c->n, wanted);
    *floats = c->floats;
    return RT_OK;
}

/* ---- folding ---- */

static rt_code keep(rt_onnx_call *call, const rt_onnx_const *c)
{
    call->out->constant = c;
    return call->o->im.b.code;
}

static rt_onnx_const *new_ints(rt_onnx_call *call, int64_t n)
{
    const rt_shape shape = {.rank = 1, .dim = {n}};
    return rt__onnx_const_new(call->o, RT_ONNX_INT64, &shape);
}

static void copy_element(rt_onnx_const *to, size_t i, const rt_onnx_const *from, size_t k)
{
    if (to->floats)
        to->floats[i] = from->floats[k];
    else
        to->ints[i] = from->ints[k];
}

static rt_code fold_constant(rt_onnx_call *call)
{
    const Onnx__Attribute *a = rt__onnx_get(call, "value");
    const int64_t *ints;
    size_t n;
    rt_onnx_const *c;
    if (a && a->t)
        return rt__onnx_const_read(call->o, a->t, &call->out->constant);
    if ((a = rt__onnx_get(call, "value_float"))) {
        if ((c = rt__onnx_const_new(call->o, RT_ONNX_FLOAT, &(rt_shape){.rank = 0})))
            c->floats[0] = a->f;
        return keep(call, c);
    }
    if ((a = rt__onnx_get(call, "value_int"))) {
        if ((c = rt__onnx_const_new(call->o, RT_ONNX_INT64, &(rt_shape){.rank = 0})))
            c->ints[0] = a->i;
        return keep(call, c);
    }
    ints = rt__onnx_get_ints(call, "value_ints", &n);
    if (!ints)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "a value that is no tensor and no number");
    if ((c = new_ints(call, (int64_t)n)))
        memcpy(c->ints, ints, n * sizeof *ints);
    return keep(call, c);
}

static rt_code fold_shape(rt_onnx_call *call)
{
    const rt_shape *shape = call->in[0]->constant ? &call->in[0]->constant->shape : &call->in[0]->shape;
    rt_onnx_const *c = new_ints(call, shape->rank);
    for (int i = 0; c && i < shape->rank; i++)
        c->ints[i] = shape->dim[i];
    return keep(call, c);
}

static rt_code fold_gather(rt_onnx_call *call)
{
    const rt_onnx_const *from = call->in[0]->constant, *at = call->in[1]->constant;
    rt_onnx_const *c;
    if (from->shape.rank != 1 || !at->ints || rt__onnx_get_int(call, "axis", 0) != 0)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "of more than a vector");
    if (!(c = rt__onnx_const_new(call->o, from->type, &at->shape)))
        return call->o->im.b.code;
    for (size_t i = 0; i < at->n; i++) {
        int64_t k = at->ints[i] < 0 ? at->ints[i] + (int64_t)from->n : at->ints[i];
        if (k < 0 || k >= (int64_t)from->n)
            return rt__onnx_call_fail(call, RT_EFORMAT, "element %lld of %zu", (long long)at->ints[i],
                                      from->n);
        copy_element(c, i, from, (size_t)k);
    }
    return keep(call, c);
}

static rt_code fold_concat(rt_onnx_call *call)
{
    const rt_onnx_const *first = call->in[0]->constant;
    rt_onnx_const *c;
    size_t n = 0, at = 0;
    for (size_t i = 0; i < call->n_in; i++) {
        const rt_onnx_const *part = call->in[i] ? call->in[i]->constant : NULL;
        if (!part || part->shape.rank != 1 || !part->ints != !first->ints)
            return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "of constants that are no vectors of one type");
        n += part->n;
    }
    if (n > MOST_FOLDED)
        return rt__onnx_call_fail(call, RT_ELIMIT, "%zu elements computed from constants", n);
    c = rt__onnx_const_new(call->o, first->type, &(rt_shape){.rank = 1, .dim = {(int64_t)n}});
    for (size_t i = 0; c && i < call->n_in; i++)
        for (size_t k = 0; k < call->in[i]->constant->n; k++)
            copy_element(c, at++, call->in[i]->constant, k);
    return keep(call, c);
}

static int64_t clamp_index(int64_t index, int64_t n)
{
    index = index < 0 ? index + n : index;
    return index < 0 ? 0 : index > n ? n : index;
}

static rt_code fold_slice(rt_onnx_call *call)
{
    const rt_onnx_const *from = call->in[0]->constant;
    const int64_t *starts, *ends, *steps;
    size_t n_starts, n_ends, n_steps;
    rt_onnx_const *c;
    rt_code code;
    if ((code = rt__onnx_ints(call, 1, "starts", &starts, &n_starts)) != RT_OK ||
        (code = rt__onnx_ints(call, 2, "ends", &ends, &n_ends)) != RT_OK ||
        (code = rt__onnx_ints(call, 4, NULL, &steps, &n_steps)) != RT_OK)
        return code;
    if (from->shape.rank != 1 || n_starts != 1 || n_ends != 1 || (n_steps && steps[0] != 1))
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "of more than a vector, or in steps");
    {
        int64_t begin = clamp_index(starts[0], (int64_t)from->n),
                end = clamp_index(ends[0], (int64_t)from->n);
        int64_t n = end > begin ? end - begin : 0;
        c = rt__onnx_const_new(call->o, from->type, &(rt_shape){.rank = 1, .dim = {n}});
        for (int64_t i = 0; c && i < n; i++)
            copy_element(c, (size_t)i, from, (size_t)(begin + i));
    }
    return keep(call, c);
}

static rt_code fold_cast(rt_onnx_call *call)
{
    const rt_onnx_const *from = call->in[0]->constant;
    const struct type_row *to = find_type((int32_t)rt__onnx_get_int(call, "to", 0));
    rt_onnx_const *c;
    if (!to)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "to a type we do not read");
    if (!(c = rt__onnx_const_new(call->o, to->type, &from->shape)))
        return call->o->im.b.code;
    for (size_t i = 0; i < c->n; i++) {
        double value = from->floats ? (double)from->floats[i] : (double)from->ints[i];
        if (c->floats)
            c->floats[i] = (float)value;
        else if (!(fabs(value) < 9e18))
            return rt__onnx_call_fail(call, RT_EFORMAT, "of %g to an integer", value);
        else
            c->ints[i] = from->floats ? (int64_t)value : from->ints[i];
    }
    return keep(call, c);
}

/* Squeeze, Unsqueeze, Flatten of shapes: the same elements, a vector or a number. */
static rt_code fold_view(rt_onnx_call *call)
{
    const rt_onnx_const *from = call->in[0]->constant;
    bool to_number = strcmp(call->node->op_type, "Squeeze") == 0 && from->n == 1;
    rt_onnx_const *c;
    if (from->shape.rank > 1)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "of a constant of rank %d", from->shape.rank);
    if (!(c = rt__arena_alloc(call->o->scratch, sizeof *c)))
        return call->o->im.b.code = rt_fail(call->o->im.b.err, RT_ENOMEM, "out of memory");
    *c = *from;
    c->shape = to_number ? (rt_shape){.rank = 0} : (rt_shape){.rank = 1, .dim = {(int64_t)from->n}};
    return keep(call, c);
}

static rt_code fold_same(rt_onnx_call *call)
{
    return keep(call, call->in[0]->constant);
}

/* Weights of a product may be kept the other way round. */
static rt_code fold_transpose(rt_onnx_call *call)
{
    const rt_onnx_const *from = call->in[0]->constant;
    const rt_shape turned = {.rank = 2, .dim = {from->shape.dim[1], from->shape.dim[0]}};
    size_t rows = (size_t)from->shape.dim[0], columns = (size_t)from->shape.dim[1], n;
    const int64_t *perm = rt__onnx_get_ints(call, "perm", &n);
    rt_onnx_const *c;
    if (from->shape.rank != 2 || (perm && (n != 2 || perm[0] != 1 || perm[1] != 0)))
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "of a constant that is no matrix");
    c = rt__onnx_const_new(call->o, from->type, &turned);
    for (size_t i = 0; c && i < rows; i++)
        for (size_t k = 0; k < columns; k++)
            copy_element(c, k * rows + i, from, i * columns + k);
    return keep(call, c);
}

static double apply(char op, double a, double b)
{
    return op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b;
}

/* Numbers, or vectors of one length. */
static rt_code fold_arithmetic(rt_onnx_call *call)
{
    static const struct {
        const char *op;
        char sign;
    } signs[] = {{"Add", '+'}, {"Sub", '-'}, {"Mul", '*'}, {"Div", '/'}};
    const rt_onnx_const *a = call->in[0]->constant, *b = call->in[1]->constant, *longer = a->n < b->n ? b : a;
    rt_onnx_const *c;
    char sign = '+';
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        sign = strcmp(signs[i].op, call->node->op_type) == 0 ? signs[i].sign : sign;
    if ((a->n != b->n && a->n != 1 && b->n != 1) || !a->ints != !b->ints || longer->n > MOST_FOLDED)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "of constants of unlike shapes or types");
    c = rt__onnx_const_new(call->o, a->type, &longer->shape);
    for (size_t i = 0; c && i < c->n; i++) {
        size_t ia = a->n == 1 ? 0 : i, ib = b->n == 1 ? 0 : i;
        double value = c->floats ? apply(sign, (double)a->floats[ia], (double)b->floats[ib])
                                 : apply(sign, (double)a->ints[ia], (double)b->ints[ib]);
        if (!c->floats && !(fabs(value) < 9e15))
            return rt__onnx_call_fail(call, RT_EFORMAT, "gives %g", value);
        if (c->floats)
            c->floats[i] = (float)value;
        else
            c->ints[i] = (int64_t)value;
    }
    return keep(call, c);
}

/* Weights kept in 8 bits: (q - zero) * scale, one scale or one for each index of axis. */
static rt_code fold_dequantize(rt_onnx_call *call)
{
    const rt_onnx_const *q = call->in[0]->constant, *scale = call->in[1]->constant;
    const rt_onnx_const *zero = call->n_in > 2 && call->in[2] ? call->in[2]->constant : NULL;
    int64_t axis = rt__onnx_get_int(call, "axis", 1);
    rt_onnx_const *c;
    size_t inner = 1;
    axis = axis < 0 ? axis + q->shape.rank : axis;
    if (!q->ints || !scale->floats || scale->n == 0 || (zero && (!zero->ints || zero->n != scale->n)) ||
        (scale->n != 1 && (axis < 0 || axis >= q->shape.rank || (size_t)q->shape.dim[axis] != scale->n)))
        return rt__onnx_call_fail(call, RT_EFORMAT, "its scales do not fit its values");
    for (int i = (int)axis + 1; i < q->shape.rank; i++)
        inner *= (size_t)q->shape.dim[i];
    c = rt__onnx_const_new(call->o, RT_ONNX_FLOAT, &q->shape);
    for (size_t i = 0; c && i < c->n; i++) {
        size_t k = scale->n == 1 ? 0 : i / inner % scale->n;
        c->floats[i] = (float)(q->ints[i] - (zero ? zero->ints[k] : 0)) * scale->floats[k];
    }
    return keep(call, c);
}

static const struct fold_row {
    const char *op;
    size_t least;
    rt_code (*fold)(rt_onnx_call *call);
} folds[] = {
    {"Add", 2, fold_arithmetic},    {"Cast", 1, fold_cast},      {"Concat", 1, fold_concat},
    {"Constant", 0, fold_constant}, {"Div", 2, fold_arithmetic}, {"DequantizeLinear", 2, fold_dequantize},
    {"Flatten", 1, fold_view},      {"Gather", 2, fold_gather},  {"Identity", 1, fold_same},
    {"Mul", 2, fold_arithmetic},    {"Shape", 1, fold_shape},    {"Slice", 1, fold_slice},
    {"Squeeze", 1, fold_view},      {"Sub", 2, fold_arithmetic}, {"Transpose", 1, fold_transpose},
    {"Unsqueeze", 1, fold_view},
};

rt_code rt__onnx_fold(rt_onnx_call *call, bool *folded)
{
    bool shape = strcmp(call->node->op_type, "Shape") == 0;
    *folded = false;
    for (size_t i = 0; i < call->n_in; i++)
        if (call->in[i] && !call->in[i]->constant && !shape)
            return RT_OK;
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
        if (strcmp(folds[i].op, call->node->op_type) != 0)
            continue;
        *folded = true;
        for (size_t k = 0; k < folds[i].least; k++)
            if (k >= call->n_in || !call->in[k])
                return rt__onnx_call_fail(call, RT_EFORMAT, "input %zu is missing", k);
        return folds[i].fold(call);
    }
    return RT_OK;
}
