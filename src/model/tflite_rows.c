/* One row an operator of TensorFlow Lite, and the small ones among them. */
#include "tflite_import.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

rt_code rt__tfl_call_fail(const rt_tfl_call *call, rt_code code, const char *format, ...)
{
    char reason[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return rt__import_fail(&call->t->im, code, call->name, call->op, "%s", reason);
}

/* ---- element by element ---- */

static rt_code unary(rt_tfl_call *call, const char *op)
{
    rt_edge y = rt__import_unary(&call->t->im, rt__tfl_inner(call, 0), op, call->in[0]->edge);
    return rt__tfl_finish(call, y, &call->in[0]->shape, 0);
}

static rt_code logistic(rt_tfl_call *call)
{
    return unary(call, "Sigmoid");
}

static rt_code hyperbolic(rt_tfl_call *call)
{
    return unary(call, "Tanh");
}

static rt_code elu(rt_tfl_call *call)
{
    return unary(call, "Elu");
}

static rt_code clipped(rt_tfl_call *call, float low, float high)
{
    rt_edge y = rt__import_clip(&call->t->im, rt__tfl_inner(call, 0), call->in[0]->edge, low, high);
    return rt__tfl_finish(call, y, &call->in[0]->shape, 0);
}

static rt_code relu(rt_tfl_call *call)
{
    return clipped(call, 0, INFINITY);
}

static rt_code relu_n1_to_1(rt_tfl_call *call)
{
    return clipped(call, -1, 1);
}

static rt_code relu6(rt_tfl_call *call)
{
    return clipped(call, 0, 6);
}

static rt_code relu_0_to_1(rt_tfl_call *call)
{
    return clipped(call, 0, 1);
}

static rt_code leaky_relu(rt_tfl_call *call)
{
    float alpha = rt__flat_f32(&call->options, 0, 0);
    rt_edge y = rt__import_leaky_relu(&call->t->im, rt__tfl_inner(call, 0), call->in[0]->edge, alpha);
    return rt__tfl_finish(call, y, &call->in[0]->shape, 0);
}

static rt_code hard_swish(rt_tfl_call *call)
{
    rt_edge y = rt__import_hard_swish(&call->t->im, rt__tfl_inner(call, 0), call->in[0]->edge);
    return rt__tfl_finish(call, y, &call->in[0]->shape, 0);
}

static rt_code softmax(rt_tfl_call *call)
{
    rt_import *im = &call->t->im;
    float beta = rt__flat_f32(&call->options, 0, 1);
    rt_edge x = call->in[0]->edge;
    const char *inner = rt__tfl_inner(call, 0);
    if (beta != 1)
        x = rt__import_binary(im, inner, "/scaled", "Mul", x, rt__import_scalar(im, inner, "/beta", beta));
    return rt__tfl_finish(call, rt__import_unary(im, inner, "Softmax", x), &call->in[0]->shape, 0);
}

static rt_code fake_quant(rt_tfl_call *call)
{
    float low = rt__flat_f32(&call->options, 0, 0), high = rt__flat_f32(&call->options, 1, 0);
    if (rt__flat_i32(&call->options, 2, 0) != 8 || rt__flat_u8(&call->options, 3, 0) || !(low < high))
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "but for 8 bits, all of them");
    return rt__tfl_finish(
        call, rt__import_fake_quant(&call->t->im, rt__tfl_inner(call, 0), call->in[0]->edge, low, high),
        &call->in[0]->shape, 0);
}

static rt_code moved(rt_tfl_call *call)
{
    return rt__tfl_finish_moved(call, call->in[0]->edge, &call->in[0]->shape);
}

/* ---- arithmetic ---- */

/* A constant that has one number, or one a channel. */
static rt_code constant_operand(rt_tfl_call *call, const rt_tfl_value *x, size_t input, rt_edge *edge)
{
    const rt_shape *c = &call->in[input]->shape;
    int64_t channels = x->shape.rank ? x->shape.dim[x->shape.rank - 1] : 1, n;
    float *values;
    size_t count;
    rt_code code = rt__tfl_floats(call, input, 0, &values, &count);
    if (code != RT_OK)
        return code;
    n = (int64_t)count;
    if (n != 1 && (n != channels || c->dim[c->rank - 1] != n || c->rank > x->shape.rank))
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED,
                                 "with a constant of %zu values: only one number a channel", count);
    *edge = rt__import_floats(&call->t->im, call->name, "/constant", values, &n, n == 1 ? 0 : 1);
    return call->t->im.b.code;
}

/* Whether b is one number a channel of the map a. */
static bool is_gate(const rt_shape *a, const rt_shape *b)
{
    return a->rank == 4 && b->rank == 4 && a->dim[0] == b->dim[0] && b->dim[1] == 1 && b->dim[2] == 1 &&
           a->dim[3] == b->dim[3];
}

static rt_code arithmetic(rt_tfl_call *call, const char *op)
{
    const rt_tfl_value *a = call->in[0], *b = call->in[1], *x = a->constant ? b : a;
    uint8_t activation = rt__flat_u8(&call->options, 0, 0);
    rt_edge edges[2] = {a->edge, b->edge};
    char ta[160], tb[160];
    rt_code code = RT_OK;
    if (x->constant)
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "of constants");
    if (a->constant || b->constant)
        code = constant_operand(call, x, a->constant ? 0 : 1, &edges[a->constant ? 0 : 1]);
    else if (is_gate(&b->shape, &a->shape))
        x = b;
    else if (!rt__shape_equal(&a->shape, &b->shape) && !is_gate(&a->shape, &b->shape))
        code =
            rt__tfl_call_fail(call, RT_EUNSUPPORTED, "of %s and %s", rt__shape_text(&a->shape, ta, sizeof ta),
                              rt__shape_text(&b->shape, tb, sizeof tb));
    if (code != RT_OK)
        return code;
    return rt__tfl_finish(
        call, rt__import_binary(&call->t->im, rt__tfl_inner(call, activation), "", op, edges[0], edges[1]),
        &x->shape, activation);
}

static rt_code add(rt_tfl_call *call)
{
    return arithmetic(call, "AddV2");
}

static rt_code sub(rt_tfl_call *call)
{
    return arithmetic(call, "Sub");
}

static rt_code mul(rt_tfl_call *call)
{
    return arithmetic(call, "Mul");
}

static rt_code divide(rt_tfl_call *call)
{
    return arithmetic(call, "RealDiv");
}

/* ---- shapes ---- */

static rt_code view(rt_tfl_call *call, const rt_shape *shape)
{
    const rt_tfl_value *x = call->in[0];
    size_t from, to;
    char a[160], b[160];
    if (rt__shape_elements(&x->shape, &from, NULL) != RT_OK ||
        rt__shape_elements(shape, &to, NULL) != RT_OK || from != to || shape->rank < 1 || shape->dim[0] != 1)
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "from %s to %s",
                                 rt__shape_text(&x->shape, a, sizeof a), rt__shape_text(shape, b, sizeof b));
    if (rt__shape_equal(&x->shape, shape))
        return moved(call);
    return rt__tfl_finish_moved(
        call, rt__import_reshape(&call->t->im, rt__tfl_inner(call, 0), x->edge, shape->dim, shape->rank),
        shape);
}

/* The shape is the second input, else the option's; -1 stands for what is left. */
static rt_code reshape(rt_tfl_call *call)
{
    rt_flat_vector said = rt__flat_list(&call->options, 0, 4);
    rt_shape shape = {.rank = 0};
    const int64_t *ints = NULL;
    size_t n, all, known = 1;
    int open = -1;
    rt_code code = rt__tfl_ints(call, 1, &ints, &n);
    if (code != RT_OK)
        return code;
    n = ints ? n : said.count;
    if (n > RT_MAX_RANK || rt__shape_elements(&call->in[0]->shape, &all, NULL) != RT_OK)
        return rt__tfl_call_fail(call, RT_EFORMAT, "to %zu dimensions", n);
    for (int i = 0; i < (int)n; i++) {
        int64_t d = ints ? ints[i] : rt__flat_i32_at(&said, (size_t)i);
        shape.dim[shape.rank++] = d;
        if (d == -1 && open < 0)
            open = i;
        else if (d < 1 || d > INT32_MAX || known > INT32_MAX)
            return rt__tfl_call_fail(call, RT_EFORMAT, "dimension %d is %lld", i, (long long)d);
        else
            known *= (size_t)d;
    }
    if (open >= 0)
        shape.dim[open] = (int64_t)(all / known);
    return view(call, &shape);
}

static rt_code squeeze(rt_tfl_call *call)
{
    rt_flat_vector axes = rt__flat_list(&call->options, 0, 4);
    const rt_shape *from = &call->in[0]->shape;
    bool gone[RT_MAX_RANK] = {false};
    rt_shape shape = {.rank = 0};
    for (size_t i = 0; i < axes.count; i++) {
        int32_t axis = rt__flat_i32_at(&axes, i);
        axis = axis < 0 ? axis + from->rank : axis;
        if (axis < 0 || axis >= from->rank || from->dim[axis] != 1)
            return rt__tfl_call_fail(call, RT_EFORMAT, "axis %d has not one element", axis);
        gone[axis] = true;
    }
    for (int i = 0; i < from->rank; i++)
        if (axes.count ? !gone[i] : i == 0 || from->dim[i] != 1)
            shape.dim[shape.rank++] = from->dim[i];
    return view(call, &shape);
}

static rt_code expand_dims(rt_tfl_call *call)
{
    const rt_shape *from = &call->in[0]->shape;
    rt_shape shape = {.rank = 0};
    const int64_t *axis;
    size_t n;
    rt_code code = rt__tfl_ints(call, 1, &axis, &n);
    if (code != RT_OK)
        return code;
    if (n != 1 || from->rank >= RT_MAX_RANK || axis[0] < -from->rank - 1 || axis[0] > from->rank)
        return rt__tfl_call_fail(call, RT_EFORMAT, "its axis is impossible");
    for (int i = 0; i <= from->rank; i++) {
        if (i == (axis[0] < 0 ? axis[0] + from->rank + 1 : axis[0]))
            shape.dim[shape.rank++] = 1;
        if (i < from->rank)
            shape.dim[shape.rank++] = from->dim[i];
    }
    return view(call, &shape);
}

static rt_code mean(rt_tfl_call *call)
{
    const rt_shape *from = &call->in[0]->shape;
    bool keep = rt__flat_u8(&call->options, 0, 0) != 0, seen[4] = {false};
    rt_shape shape = {.rank = keep ? 4 : 2, .dim = {1, 1, 1, 1}};
    const int64_t *axes;
    size_t n;
    rt_code code = rt__tfl_ints(call, 1, &axes, &n);
    if (code != RT_OK)
        return code;
    for (size_t i = 0; i < n; i++)
        if (axes[i] >= -4 && axes[i] < 4)
            seen[axes[i] < 0 ? axes[i] + 4 : axes[i]] = true;
    if (from->rank != 4 || seen[0] || !seen[1] || !seen[2] || seen[3])
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "only over height and width");
    shape.dim[shape.rank - 1] = from->dim[3];
    return rt__tfl_finish(
        call, rt__import_mean(&call->t->im, rt__tfl_inner(call, 0), call->in[0]->edge, keep), &shape, 0);
}

static rt_code concatenate(rt_tfl_call *call)
{
    const rt_shape *first = &call->in[0]->shape;
    int32_t axis = rt__flat_i32(&call->options, 0, 0);
    rt_edge *parts = rt__builder_array(&call->t->im.b, call->n_in, sizeof *parts);
    rt_shape shape = *first;
    if (!parts)
        return call->t->im.b.code;
    axis = axis < 0 ? axis + first->rank : axis;
    if (first->rank < 2 || axis != first->rank - 1)
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "along axis %d, only along the channels", axis);
    shape.dim[axis] = 0;
    for (size_t i = 0; i < call->n_in; i++) {
        const rt_tfl_value *part = call->in[i];
        if (!part || part->constant || part->shape.rank != first->rank)
            return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "input %zu is not computed, or not like input 0",
                                     i);
        for (int d = 0; d < axis; d++)
            if (part->shape.dim[d] != first->dim[d])
                return rt__tfl_call_fail(call, RT_EFORMAT, "input %zu has another dimension %d", i, d);
        if (part->shape.dim[axis] > INT32_MAX - shape.dim[axis])
            return rt__tfl_call_fail(call, RT_ELIMIT, "its channels overflow");
        shape.dim[axis] += part->shape.dim[axis];
        parts[i] = part->edge;
    }
    return rt__tfl_finish(call,
                          rt__import_concat(&call->t->im,
                                            rt__tfl_inner(call, rt__flat_u8(&call->options, 1, 0)), parts,
                                            call->n_in, axis),
                          &shape, rt__flat_u8(&call->options, 1, 0));
}

static rt_code pad(rt_tfl_call *call)
{
    enum { MOST = 1 << 16 };
    rt_shape shape = call->in[0]->shape;
    const int64_t *all;
    size_t n, n_value = 0;
    float *value = NULL;
    rt_code code = rt__tfl_ints(call, 1, &all, &n);
    if (code == RT_OK && call->n_in > 2 && call->in[2])
        code = rt__tfl_floats(call, 2, 1, &value, &n_value);
    if (code != RT_OK)
        return code;
    if (shape.rank != 4 || n != 8 || (value && *value != 0))
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "only of maps and with zeros");
    for (int i = 0; i < 8; i++)
        if (all[i] < 0 || all[i] > MOST || (all[i] && i / 2 != 1 && i / 2 != 2))
            return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "by %lld in axis %d", (long long)all[i], i / 2);
    shape.dim[1] += all[2] + all[3];
    shape.dim[2] += all[4] + all[5];
    return rt__tfl_finish_moved(
        call, rt__import_pad(&call->t->im, rt__tfl_inner(call, 0), "", call->in[0]->edge, all + 2), &shape);
}

/* ---- the table ---- */

static const struct row {
    int32_t code; /* BuiltinOperator */
    const char *op;
    size_t least;                       /* inputs */
    rt_code (*turn)(rt_tfl_call *call); /* NULL: known by name only */
} rows[] = {
    {0, "ADD", 2, add},
    {1, "AVERAGE_POOL_2D", 1, rt__tfl_average_pool},
    {2, "CONCATENATION", 1, concatenate},
    {3, "CONV_2D", 2, rt__tfl_conv},
    {4, "DEPTHWISE_CONV_2D", 2, rt__tfl_depthwise},
    {5, "DEPTH_TO_SPACE", 1, NULL},
    {6, "DEQUANTIZE", 1, moved},
    {9, "FULLY_CONNECTED", 2, rt__tfl_fully_connected},
    {11, "L2_NORMALIZATION", 1, NULL},
    {13, "LOCAL_RESPONSE_NORMALIZATION", 1, NULL},
    {14, "LOGISTIC", 1, logistic},
    {17, "MAX_POOL_2D", 1, rt__tfl_max_pool},
    {18, "MUL", 2, mul},
    {19, "RELU", 1, relu},
    {20, "RELU_N1_TO_1", 1, relu_n1_to_1},
    {21, "RELU6", 1, relu6},
    {22, "RESHAPE", 1, reshape},
    {23, "RESIZE_BILINEAR", 1, NULL},
    {25, "SOFTMAX", 1, softmax},
    {28, "TANH", 1, hyperbolic},
    {32, "CUSTOM", 1, NULL},
    {34, "PAD", 2, pad},
    {36, "GATHER", 1, NULL},
    {39, "TRANSPOSE", 1, NULL},
    {40, "MEAN", 2, mean},
    {41, "SUB", 2, sub},
    {42, "DIV", 2, divide},
    {43, "SQUEEZE", 1, squeeze},
    {45, "STRIDED_SLICE", 1, NULL},
    {49, "SPLIT", 1, NULL},
    {53, "CAST", 1, NULL},
    {56, "ARG_MAX", 1, NULL},
    {60, "PADV2", 3, pad},
    {70, "EXPAND_DIMS", 2, expand_dims},
    {80, "FAKE_QUANT", 1, fake_quant},
    {83, "PACK", 1, NULL},
    {98, "LEAKY_RELU", 1, leaky_relu},
    {111, "ELU", 1, elu},
    {114, "QUANTIZE", 1, moved},
    {117, "HARD_SWISH", 1, hard_swish},
    {152, "RELU_0_TO_1", 1, relu_0_to_1},
};

static rt_code check_inputs(const rt_tfl_call *call, const struct row *row)
{
    if (call->n_in < row->least)
        return rt__tfl_call_fail(call, RT_EFORMAT, "%zu inputs, want %zu", call->n_in, row->least);
    for (size_t i = 0; i < row->least; i++)
        if (!call->in[i])
            return rt__tfl_call_fail(call, RT_EFORMAT, "input %zu is missing", i);
    if (call->in[0]->constant && row->turn != add && row->turn != sub && row->turn != mul &&
        row->turn != divide)
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "of a constant");
    return RT_OK;
}

static rt_code check_output(const rt_tfl_call *call)
{
    size_t n;
    if (rt__shape_elements(&call->out->shape, &n, NULL) != RT_OK || n < 1 || n > INT32_MAX)
        return rt__tfl_call_fail(call, RT_ELIMIT, "its result is empty or too large");
    return call->t->im.b.code;
}

rt_code rt__tfl_turn(rt_tfl_call *call, int32_t code)
{
    char number[32];
    bool folded;
    rt_code done = rt__tfl_fold(call, code, &folded);
    if (done != RT_OK || folded)
        return done;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].code != code)
            continue;
        call->op = rows[i].op;
        if (!rows[i].turn)
            break;
        done = check_inputs(call, &rows[i]);
        if (done == RT_OK)
            done = rows[i].turn(call);
        return done == RT_OK ? check_output(call) : done;
    }
    if (!call->op) {
        snprintf(number, sizeof number, "operator %d", code);
        call->op = number;
    }
    done = rt__tfl_call_fail(call, RT_EUNSUPPORTED, "this operator is not supported on computed values");
    call->op = "";
    return done;
}
