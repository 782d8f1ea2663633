#include "reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

ref_value ref_new(const rt_shape *shape)
{
    ref_value value = {.shape = *shape, .count = 1};
    for (int i = 0; i < shape->rank; i++)
        value.count *= (size_t)shape->dim[i];
    value.data = calloc(value.count + 1, sizeof *value.data);
    if (!value.data)
        exit(2);
    return value;
}

void ref_free(ref_value *value)
{
    free(value->data);
    value->data = NULL;
}

int64_t ref_int(const ref_node *n, const char *attr, int64_t otherwise)
{
    const rt_attr *a = rt__node_attr(n->node, attr);
    return !a ? otherwise : a->kind == RT_ATTR_BOOL ? a->value.b : a->value.i;
}

double ref_float(const ref_node *n, const char *attr, double otherwise)
{
    const rt_attr *a = rt__node_attr(n->node, attr);
    return a ? (double)a->value.f : otherwise;
}

const char *ref_string(const ref_node *n, const char *attr, const char *otherwise)
{
    const rt_attr *a = rt__node_attr(n->node, attr);
    return a ? a->value.s.bytes : otherwise;
}

int64_t ref_at(const ref_node *n, const char *attr, size_t i, int64_t otherwise)
{
    const rt_attr *a = rt__node_attr(n->node, attr);
    return a && i < a->count ? a->value.ints[i] : otherwise;
}

double ref_activate(const char *activation, double alpha, double x)
{
    double gate = fmin(fmax(x + 3, 0), 6) / 6;
    if (strcmp(activation, "relu") == 0)
        return fmax(x, 0);
    if (strcmp(activation, "relu6") == 0)
        return fmin(fmax(x, 0), 6);
    if (strcmp(activation, "sigmoid") == 0)
        return 1 / (1 + exp(-x));
    if (strcmp(activation, "tanh") == 0)
        return tanh(x);
    if (strcmp(activation, "swish") == 0)
        return x / (1 + exp(-x));
    if (strcmp(activation, "hard_swish") == 0)
        return x * gate;
    if (strcmp(activation, "leaky_relu") == 0)
        return x > 0 ? x : alpha * x;
    if (strcmp(activation, "elu") == 0)
        return x > 0 ? x : alpha * expm1(x);
    if (strcmp(activation, "") != 0)
        fail_msg("reference: activation '%s'", activation);
    return x;
}

static ref_value copy_as(const ref_value *x, const rt_shape *shape)
{
    ref_value y = ref_new(shape);
    assert_int_equal(y.count, x->count);
    memcpy(y.data, x->data, x->count * sizeof *x->data);
    return y;
}

static ref_value run_identity(const ref_node *n)
{
    return copy_as(n->in[0], &n->in[0]->shape);
}

static ref_value run_const(const ref_node *n)
{
    const rt_tensor *t = &rt__node_attr(n->node, "value")->value.tensor;
    ref_value y = ref_new(&t->shape);
    for (size_t i = 0; i < y.count; i++) {
        const char *at = (const char *)t->data + i * rt__dtype_size(t->dtype);
        float f;
        int32_t k;
        if (t->dtype == RT_FLOAT) {
            memcpy(&f, at, sizeof f);
            y.data[i] = (double)f;
        } else if (t->dtype == RT_DOUBLE) {
            memcpy(&y.data[i], at, sizeof(double));
        } else {
            assert_int_equal(t->dtype, RT_INT32);
            memcpy(&k, at, sizeof k);
            y.data[i] = k;
        }
    }
    return y;
}

static ref_value run_unary(const ref_node *n)
{
    const char *op = n->node->op;
    ref_value y = run_identity(n);
    for (size_t i = 0; i < y.count; i++) {
        double x = y.data[i];
        y.data[i] = strcmp(op, "Relu") == 0      ? ref_activate("relu", 0, x)
                    : strcmp(op, "Relu6") == 0   ? ref_activate("relu6", 0, x)
                    : strcmp(op, "Sigmoid") == 0 ? ref_activate("sigmoid", 0, x)
                    : strcmp(op, "Tanh") == 0    ? tanh(x)
                    : strcmp(op, "Rsqrt") == 0   ? 1 / sqrt(x)
                    : strcmp(op, "Neg") == 0     ? -x
                                                 : ref_activate("leaky_relu", ref_float(n, "alpha", 0.2), x);
    }
    return y;
}

/* The element of x that stands where element i of a tensor of shape out does. */
static size_t place(const ref_value *x, const rt_shape *out, size_t i)
{
    size_t at = 0, step = 1, left = i;
    for (int axis = out->rank - 1; axis >= 0; axis--) {
        size_t index = left % (size_t)out->dim[axis];
        int own = axis - (out->rank - x->shape.rank);
        left /= (size_t)out->dim[axis];
        if (own >= 0) {
            at += x->shape.dim[own] == 1 ? 0 : index * step;
            step *= (size_t)x->shape.dim[own];
        }
    }
    return at;
}

static ref_value run_binary(const ref_node *n)
{
    const char *op = n->node->op;
    const ref_value *a = n->in[0], *b = n->in[1];
    rt_shape shape = a->shape.rank >= b->shape.rank ? a->shape : b->shape;
    const ref_value *other = a->shape.rank >= b->shape.rank ? b : a;
    ref_value y;
    for (int i = 1; i <= other->shape.rank; i++)
        if (other->shape.dim[other->shape.rank - i] != 1)
            shape.dim[shape.rank - i] = other->shape.dim[other->shape.rank - i];
    y = ref_new(&shape);
    for (size_t i = 0; i < y.count; i++) {
        double p = a->data[place(a, &shape, i)], q = b->data[place(b, &shape, i)];
        y.data[i] = strncmp(op, "Add", 3) == 0   ? p + q
                    : strcmp(op, "Sub") == 0     ? p - q
                    : strcmp(op, "Mul") == 0     ? p * q
                    : strcmp(op, "RealDiv") == 0 ? p / q
                    : strcmp(op, "Maximum") == 0 ? fmax(p, q)
                                                 : fmin(p, q);
    }
    return y;
}

static ref_value run_reshape(const ref_node *n)
{
    rt_shape shape = {.rank = (int)n->in[1]->count};
    int64_t known = 1;
    for (int i = 0; i < shape.rank; i++) {
        shape.dim[i] = (int64_t)n->in[1]->data[i];
        known *= shape.dim[i] < 0 ? 1 : shape.dim[i];
    }
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] < 0)
            shape.dim[i] = (int64_t)n->in[0]->count / known;
    return copy_as(n->in[0], &shape);
}

static ref_value run_squeeze(const ref_node *n)
{
    rt_shape shape = {.rank = 0};
    for (int i = 0; i < n->in[0]->shape.rank; i++) {
        bool listed = false;
        for (size_t k = 0; k < RT_MAX_RANK; k++)
            listed = listed || ref_at(n, "squeeze_dims", k, -1) == i;
        if (!listed)
            shape.dim[shape.rank++] = n->in[0]->shape.dim[i];
    }
    return copy_as(n->in[0], &shape);
}

static ref_value run_transpose(const ref_node *n)
{
    bool first = n->in[1]->data[1] == 3;
    return first ? ref_channels_first(n->in[0]) : ref_channels_last(n->in[0]);
}

static ref_value run_concat(const ref_node *n)
{
    uint32_t parts = n->node->n_inputs - 1;
    int axis = (int)n->in[parts]->data[0];
    rt_shape shape = n->in[0]->shape;
    size_t outer = 1, at = 0;
    ref_value y;
    axis = axis < 0 ? axis + shape.rank : axis;
    for (uint32_t i = 1; i < parts; i++)
        shape.dim[axis] += n->in[i]->shape.dim[axis];
    for (int i = 0; i < axis; i++)
        outer *= (size_t)shape.dim[i];
    y = ref_new(&shape);
    for (size_t o = 0; o < outer; o++)
        for (uint32_t i = 0; i < parts; i++) {
            size_t run = n->in[i]->count / outer;
            memcpy(y.data + at, n->in[i]->data + o * run, run * sizeof(double));
            at += run;
        }
    return y;
}

static const ref_op array_ops[] = {
    {"Identity", run_identity},
    {"StopGradient", run_identity},
    {"CheckNumerics", run_identity},
    {"PlaceholderWithDefault", run_identity},
    {"Const", run_const},
    {"Relu", run_unary},
    {"Relu6", run_unary},
    {"Sigmoid", run_unary},
    {"Tanh", run_unary},
    {"Rsqrt", run_unary},
    {"Neg", run_unary},
    {"LeakyRelu", run_unary},
    {"Add", run_binary},
    {"AddV2", run_binary},
    {"Sub", run_binary},
    {"Mul", run_binary},
    {"RealDiv", run_binary},
    {"Maximum", run_binary},
    {"Minimum", run_binary},
    {"Reshape", run_reshape},
    {"Squeeze", run_squeeze},
    {"Transpose", run_transpose},
    {"ConcatV2", run_concat},
    {NULL, NULL},
};

static ref_value run_node(const ref_node *n)
{
    static const ref_op *const families[] = {array_ops, ref_image_ops, ref_fused_ops};
    for (size_t f = 0; f < 3; f++)
        for (const ref_op *op = families[f]; op->name; op++)
            if (strcmp(op->name, n->node->op) == 0)
                return op->run(n);
    fail_msg("reference: op '%s' is not known", n->node->op);
    return (ref_value){0};
}

ref_value ref_run(const rt_graph *graph, rt_edge input, const ref_value *fed, rt_edge output)
{
    uint32_t count = rt__graph_count(graph);
    ref_value *values = calloc(count, sizeof *values), result;
    if (!values)
        exit(2);
    for (uint32_t i = 0; i < count; i++) {
        ref_node n = {.node = rt__graph_node(graph, i)};
        if (i == input.node) {
            values[i] = copy_as(fed, &fed->shape);
            continue;
        }
        assert_true(n.node->n_inputs <= 16);
        for (uint32_t k = 0; k < n.node->n_inputs; k++) {
            assert_true(n.node->inputs[k].node < i);
            n.in[k] = &values[n.node->inputs[k].node];
        }
        values[i] = run_node(&n);
    }
    result = copy_as(&values[output.node], &values[output.node].shape);
    for (uint32_t i = 0; i < count; i++)
        ref_free(&values[i]);
    free(values);
    return result;
}

double ref_difference(const ref_value *expected, const ref_value *got)
{
    double largest = 0, difference = 0;
    assert_int_equal(expected->count, got->count);
    for (size_t i = 0; i < expected->count; i++) {
        double d = fabs(expected->data[i] - got->data[i]);
        largest = fmax(largest, fabs(expected->data[i]));
        if (!(d <= difference))
            difference = d; /* NaN too */
    }
    return difference == 0 ? 0 : difference / largest;
}
