/* One row an ONNX operator, and the element by element ones. */
#include "onnx_import.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- what a node says ---- */

rt_code rt__onnx_call_fail(const rt_onnx_call *call, rt_code code, const char *format, ...)
{
    char reason[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return rt__import_fail(&call->o->im, code, *call->node->name ? call->node->name : call->name,
                           call->node->op_type, "%s", reason);
}

const Onnx__Attribute *rt__onnx_get(const rt_onnx_call *call, const char *name)
{
    for (size_t i = 0; i < call->node->n_attribute; i++)
        if (strcmp(call->node->attribute[i]->name, name) == 0)
            return call->node->attribute[i];
    return NULL;
}

int64_t rt__onnx_get_int(const rt_onnx_call *call, const char *name, int64_t otherwise)
{
    const Onnx__Attribute *a = rt__onnx_get(call, name);
    return a ? a->i : otherwise;
}

float rt__onnx_get_float(const rt_onnx_call *call, const char *name, float otherwise)
{
    const Onnx__Attribute *a = rt__onnx_get(call, name);
    return a ? a->f : otherwise;
}

const char *rt__onnx_get_text(const rt_onnx_call *call, const char *name, char *text, size_t size)
{
    const Onnx__Attribute *a = rt__onnx_get(call, name);
    snprintf(text, size, "%.*s", a ? (int)(a->s.len < size ? a->s.len : size - 1) : 0,
             a && a->s.len ? (const char *)a->s.data : "");
    return text;
}

const int64_t *rt__onnx_get_ints(const rt_onnx_call *call, const char *name, size_t *n)
{
    const Onnx__Attribute *a = rt__onnx_get(call, name);
    *n = a ? a->n_ints : 0;
    return *n ? a->ints : NULL;
}

float *rt__onnx_room(rt_onnx_call *call, size_t count)
{
    rt_onnx_import *o = call->o;
    if (o->im.b.code == RT_OK && (count > o->most_bytes / sizeof(float) ||
                                  rt__arena_bytes(rt__graph_arena(o->im.b.graph)) > o->most_bytes))
        rt__onnx_call_fail(call, RT_ELIMIT, "the weights so far take more than %zu bytes", o->most_bytes);
    return rt__builder_array(&o->im.b, count, sizeof(float));
}

/* ---- element by element ---- */

/* The node's output is like input x in all but its numbers. */
static rt_code like(rt_onnx_call *call, const rt_onnx_value *x, rt_edge edge)
{
    call->out->edge = edge;
    call->out->shape = x->shape;
    call->out->channels_last = x->channels_last;
    call->out->quantised = x->quantised;
    memcpy(call->out->map, x->map, sizeof x->map);
    return call->o->im.b.code;
}

static rt_code identity(rt_onnx_call *call)
{
    return like(call, call->in[0], call->in[0]->edge);
}

static rt_code unary(rt_onnx_call *call, const char *op)
{
    return like(call, call->in[0], rt__import_unary(&call->o->im, call->name, op, call->in[0]->edge));
}

static rt_code relu(rt_onnx_call *call)
{
    return unary(call, "Relu");
}

static rt_code sigmoid(rt_onnx_call *call)
{
    return unary(call, "Sigmoid");
}

static rt_code hyperbolic(rt_onnx_call *call)
{
    return unary(call, "Tanh");
}

static rt_code negate(rt_onnx_call *call)
{
    return unary(call, "Neg");
}

static rt_code leaky_relu(rt_onnx_call *call)
{
    float alpha = rt__onnx_get_float(call, "alpha", 0.01f);
    return like(call, call->in[0], rt__import_leaky_relu(&call->o->im, call->name, call->in[0]->edge, alpha));
}

static rt_code hard_swish(rt_onnx_call *call)
{
    return like(call, call->in[0], rt__import_hard_swish(&call->o->im, call->name, call->in[0]->edge));
}

/* clip(a x + b, 0, 1) = relu6(6 a x + 6 b) / 6 */
static rt_code hard_sigmoid(rt_onnx_call *call)
{
    rt_import *im = &call->o->im;
    float alpha = 6 * rt__onnx_get_float(call, "alpha", 0.2f),
          beta = 6 * rt__onnx_get_float(call, "beta", 0.5f);
    rt_edge x = call->in[0]->edge;
    if (fabsf(alpha - 1) > 1e-6f)
        x = rt__import_binary(im, call->name, "/steep", "Mul", x,
                              rt__import_scalar(im, call->name, "/alpha", alpha));
    x = rt__import_binary(im, call->name, "/add", "AddV2", x,
                          rt__import_scalar(im, call->name, "/beta", beta));
    x = rt__import_op(im, call->name, "/relu6", "Relu6", &x, 1);
    return like(call, call->in[0],
                rt__import_binary(im, call->name, "", "Mul", x,
                                  rt__import_scalar(im, call->name, "/sixth", 1.0f / 6)));
}

static rt_code read_bound(const rt_onnx_call *call, size_t input, const char *name, float *bound)
{
    const float *value;
    rt_code code;
    *bound = rt__onnx_get_float(call, name, *bound);
    if (input >= call->n_in || !call->in[input])
        return RT_OK;
    if ((code = rt__onnx_floats(call, input, 1, &value)) == RT_OK)
        *bound = *value;
    return code;
}

static rt_code clip(rt_onnx_call *call)
{
    float low = -INFINITY, high = INFINITY;
    rt_code code = read_bound(call, 1, "min", &low);
    if (code == RT_OK)
        code = read_bound(call, 2, "max", &high);
    low = low <= -FLT_MAX ? -INFINITY : low;
    high = high >= FLT_MAX ? INFINITY : high;
    if (code == RT_OK && !(low < high))
        code = rt__onnx_call_fail(call, RT_EFORMAT, "to %g .. %g", (double)low, (double)high);
    if (code != RT_OK)
        return code;
    return like(call, call->in[0], rt__import_clip(&call->o->im, call->name, call->in[0]->edge, low, high));
}

static rt_code softmax(rt_onnx_call *call)
{
    const rt_onnx_value *x = call->in[0];
    int channel = x->channels_last ? 1 : x->shape.rank - 1;
    int64_t axis = rt__onnx_get_int(call, "axis", call->o->opset < 13 ? 1 : -1);
    axis = axis < 0 ? axis + x->shape.rank : axis;
    if (axis != channel || x->map[0])
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "along axis %lld, only along the classes",
                                  (long long)axis);
    return unary(call, "Softmax");
}

static rt_code cast(rt_onnx_call *call)
{
    int64_t to = rt__onnx_get_int(call, "to", 0);
    if (to != RT_ONNX_FLOAT && to != RT_ONNX_HALF && to != RT_ONNX_DOUBLE)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "to type %lld, only to floats", (long long)to);
    return identity(call);
}

/* ---- arithmetic ---- */

static const struct arithmetic_row {
    const char *op, *ours;
} arithmetics[] = {{"Add", "AddV2"}, {"Sum", "AddV2"}, {"Sub", "Sub"}, {"Mul", "Mul"}, {"Div", "RealDiv"}};

/* A constant that has one number, or one a channel. */
static rt_code constant_operand(rt_onnx_call *call, const rt_onnx_value *x, size_t input, rt_edge *edge)
{
    const rt_onnx_const *c = call->in[input]->constant;
    int channel = x->channels_last ? 1 : x->shape.rank - 1;
    int64_t n = (int64_t)c->n;
    char a[160], b[160];
    bool fits = c->floats && c->shape.rank <= x->shape.rank && !(x->map[0] && c->n > 1);
    float *copy;
    for (int i = 0; fits && i < c->shape.rank; i++) {
        int axis = i + x->shape.rank - c->shape.rank;
        fits = c->shape.dim[i] == 1 || (axis == channel && c->shape.dim[i] == x->shape.dim[axis]);
    }
    if (!fits)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "a constant %s with %s: only one number a channel",
                                  rt__shape_text(&c->shape, a, sizeof a),
                                  rt__shape_text(&x->shape, b, sizeof b));
    if (!(copy = rt__onnx_room(call, c->n)))
        return call->o->im.b.code;
    memcpy(copy, c->floats, c->n * sizeof *copy);
    *edge = rt__import_floats(&call->o->im, call->name, "/constant", copy, &n, c->n == 1 ? 0 : 1);
    return call->o->im.b.code;
}

/* Which of two computed values has the shape of the result; the other has it too, or one number a channel. */
static const rt_onnx_value *wider(const rt_onnx_value *a, const rt_onnx_value *b)
{
    int channel = a->channels_last ? 1 : a->shape.rank - 1;
    const rt_onnx_value *wide = a;
    if (a->shape.rank != b->shape.rank || a->channels_last != b->channels_last ||
        memcmp(a->map, b->map, sizeof a->map) != 0)
        return NULL;
    for (int i = 0; i < a->shape.rank; i++)
        if (i != channel && a->shape.dim[i] == 1 && b->shape.dim[i] > 1)
            wide = b;
    for (int i = 0; i < a->shape.rank; i++) {
        int64_t narrow = (wide == a ? b : a)->shape.dim[i];
        if (narrow != wide->shape.dim[i] && (narrow != 1 || i == channel))
            return NULL;
    }
    return wide;
}

static rt_code arithmetic(rt_onnx_call *call)
{
    const rt_onnx_value *a = call->in[0], *b = call->in[1], *x = a->constant ? b : a;
    rt_edge edges[2] = {a->edge, b->edge};
    const char *ours = "AddV2";
    char ta[160], tb[160];
    rt_code code = RT_OK;
    for (size_t i = 0; i < sizeof arithmetics / sizeof *arithmetics; i++)
        ours = strcmp(arithmetics[i].op, call->node->op_type) == 0 ? arithmetics[i].ours : ours;
    if (x->constant)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "of constants");
    if (a->constant || b->constant)
        code = constant_operand(call, x, a->constant ? 0 : 1, &edges[a->constant ? 0 : 1]);
    else if (!(x = wider(a, b)))
        code = rt__onnx_call_fail(call, RT_EUNSUPPORTED, "of %s and %s",
                                  rt__shape_text(&a->shape, ta, sizeof ta),
                                  rt__shape_text(&b->shape, tb, sizeof tb));
    if (code != RT_OK)
        return code;
    return like(call, x, rt__import_binary(&call->o->im, call->name, "", ours, edges[0], edges[1]));
}

/* ---- 8 bits ---- */

static rt_code quantize(rt_onnx_call *call)
{
    const rt_onnx_const *zero = call->n_in > 2 && call->in[2] ? call->in[2]->constant : NULL;
    const float *scale;
    rt_code code = rt__onnx_floats(call, 1, 1, &scale);
    bool is_signed = zero && zero->type == RT_ONNX_INT8;
    int64_t z = zero && zero->ints && zero->n == 1 ? zero->ints[0] : 0, lowest = is_signed ? -128 : 0;
    if (code != RT_OK)
        return code;
    if (!(*scale > 0) || isinf(*scale) || z < lowest || z > lowest + 255 || (zero && zero->n != 1))
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "a scale of %g and zero point %lld", (double)*scale,
                                  (long long)z);
    like(call, call->in[0],
         rt__import_fake_quant(&call->o->im, call->name, call->in[0]->edge, (float)(lowest - z) * *scale,
                               (float)(lowest + 255 - z) * *scale));
    call->out->quantised = true;
    return call->o->im.b.code;
}

static rt_code dequantize(rt_onnx_call *call)
{
    if (!call->in[0]->quantised)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "of what is not quantised");
    identity(call);
    call->out->quantised = false;
    return call->o->im.b.code;
}

/* ---- the table ---- */

static const struct row {
    const char *op;
    size_t least, most; /* inputs; most 0: any number */
    rt_code (*turn)(rt_onnx_call *call);
} rows[] = {
    {"Add", 2, 2, arithmetic},
    {"AveragePool", 1, 1, rt__onnx_average_pool},
    {"BatchNormalization", 5, 5, rt__onnx_batch_norm},
    {"Cast", 1, 1, cast},
    {"Clip", 1, 3, clip},
    {"Concat", 1, 0, rt__onnx_concat},
    {"Conv", 2, 3, rt__onnx_conv},
    {"DequantizeLinear", 2, 3, dequantize},
    {"Div", 2, 2, arithmetic},
    {"Dropout", 1, 3, identity},
    {"Flatten", 1, 1, rt__onnx_flatten},
    {"Gemm", 2, 3, rt__onnx_gemm},
    {"GlobalAveragePool", 1, 1, rt__onnx_global_average},
    {"GlobalMaxPool", 1, 1, rt__onnx_global_max},
    {"HardSigmoid", 1, 1, hard_sigmoid},
    {"HardSwish", 1, 1, hard_swish},
    {"Identity", 1, 1, identity},
    {"LeakyRelu", 1, 1, leaky_relu},
    {"MatMul", 2, 2, rt__onnx_matmul},
    {"MaxPool", 1, 1, rt__onnx_max_pool},
    {"Mul", 2, 2, arithmetic},
    {"Neg", 1, 1, negate},
    {"Pad", 1, 3, rt__onnx_pad},
    {"QuantizeLinear", 2, 3, quantize},
    {"ReduceMean", 1, 2, rt__onnx_reduce_mean},
    {"Relu", 1, 1, relu},
    {"Reshape", 1, 2, rt__onnx_reshape},
    {"Sigmoid", 1, 1, sigmoid},
    {"Softmax", 1, 1, softmax},
    {"Squeeze", 1, 2, rt__onnx_squeeze},
    {"Sub", 2, 2, arithmetic},
    {"Sum", 2, 2, arithmetic},
    {"Tanh", 1, 1, hyperbolic},
    {"Transpose", 1, 1, rt__onnx_transpose},
    {"Unsqueeze", 1, 2, rt__onnx_unsqueeze},
};

static rt_code check_inputs(const rt_onnx_call *call, const struct row *row)
{
    if (call->n_in < row->least || (row->most && call->n_in > row->most))
        return rt__onnx_call_fail(call, RT_EFORMAT, "%zu inputs, want %zu to %zu", call->n_in, row->least,
                                  row->most);
    for (size_t i = 0; i < row->least; i++)
        if (!call->in[i])
            return rt__onnx_call_fail(call, RT_EFORMAT, "input %zu is missing", i);
    if (call->in[0]->constant && row->turn != arithmetic)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "of a constant");
    return RT_OK;
}

static rt_code check_output(const rt_onnx_call *call)
{
    size_t n;
    rt_code code = rt__shape_elements(&call->out->shape, &n, call->o->im.b.err);
    if (code == RT_OK && (n < 1 || n > INT32_MAX))
        return rt__onnx_call_fail(call, RT_ELIMIT, "its result has %zu elements", n);
    return code == RT_OK ? call->o->im.b.code : (call->o->im.b.code = code);
}

rt_code rt__onnx_turn(rt_onnx_call *call)
{
    bool folded;
    rt_code code = rt__onnx_fold(call, &folded);
    if (code != RT_OK || folded)
        return code;
    if (*call->node->domain && strcmp(call->node->domain, "ai.onnx") != 0)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "an operator of '%s', not of ONNX",
                                  call->node->domain);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].op, call->node->op_type) != 0)
            continue;
        code = check_inputs(call, &rows[i]);
        if (code == RT_OK)
            code = rows[i].turn(call);
        return code == RT_OK ? check_output(call) : code;
    }
    return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "this operator is not supported on computed values");
}
