/* Everything that scales and shifts channels by constants: biases, batch norms, arithmetic. */
#include "lower.h"

#include <math.h>
#include <string.h>

/* Scale and shift of a node, to be filled. */
typedef struct affine {
    size_t channels;
    rt_edge scale_edge, shift_edge;
    double *scale, *shift;
} affine;

static rt_code affine_new(rt_rewrite *r, uint32_t node, rt_edge x, affine *a, rt_error *err)
{
    rt_shape shape = rt__rewrite_value(r, x).shape;
    int axis = rt__lower_channel_axis(r, x);
    rt_code code;
    if (shape.rank < 2)
        return rt__node_fail(err, RT_EUNSUPPORTED, rt__graph_node(r->graph, node), "on a tensor of rank %d",
                             shape.rank);
    a->channels = (size_t)shape.dim[axis];
    code = rt__rewrite_vector(r, node, a->channels, &a->scale_edge, &a->scale, err);
    if (code == RT_OK)
        code = rt__rewrite_vector(r, node, a->channels, &a->shift_edge, &a->shift, err);
    return code;
}

static rt_code check_vector(const rt_op_call *call, uint32_t input, size_t channels, rt_error *err)
{
    const rt_tensor *tensor = call->constant[input];
    if (!tensor)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "input %u is computed, want a constant",
                             input);
    if (tensor->dtype != RT_FLOAT || rt__tensor_count(tensor) != channels)
        return rt__node_fail(err, RT_EFORMAT, call->node,
                             "input %u does not have a float for each of %zu channels", input, channels);
    return RT_OK;
}

rt_code rt__lower_bias(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    affine a;
    rt_op_call call;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code == RT_OK && call.in[0].shape.rank == 4 &&
        rt__op_planar(call.node) != rt__lower_is_planar(rewrite, call.node->inputs[0]))
        code = rt__node_fail(err, RT_EUNSUPPORTED, call.node, "its data_format is not the one of its input");
    if (code == RT_OK)
        code = affine_new(rewrite, node, call.node->inputs[0], &a, err);
    if (code == RT_OK)
        code = rt__rewrite_call(rewrite, node, &call, err);
    if (code == RT_OK)
        code = check_vector(&call, 1, a.channels, err);
    if (code != RT_OK)
        return code;
    for (size_t i = 0; i < a.channels; i++) {
        a.scale[i] = 1;
        a.shift[i] = rt__tensor_double(call.constant[1], i);
    }
    return rt__lower_affine(rewrite, node, call.node->inputs[0], a.scale_edge, a.shift_edge, err);
}

/* Where a batch norm finds its vectors; gamma may be unused. */
typedef struct norm_inputs {
    uint32_t gamma, beta, mean, variance;
    bool scaled;
    double epsilon;
} norm_inputs;

static rt_code lower_norm(rt_rewrite *r, uint32_t node, const norm_inputs *in, rt_error *err)
{
    affine a;
    rt_op_call call;
    rt_code code = rt__lower_begin(r, node, 0, &call, err);
    if (code == RT_OK)
        code = affine_new(r, node, call.node->inputs[0], &a, err);
    if (code == RT_OK)
        code = rt__rewrite_call(r, node, &call, err);
    for (uint32_t i = 1; code == RT_OK && i < 5; i++)
        code = check_vector(&call, i, a.channels, err);
    if (code != RT_OK)
        return code;
    for (size_t i = 0; i < a.channels; i++) {
        double gamma = in->scaled ? rt__tensor_double(call.constant[in->gamma], i) : 1;
        a.scale[i] = gamma / sqrt(rt__tensor_double(call.constant[in->variance], i) + in->epsilon);
        a.shift[i] = rt__tensor_double(call.constant[in->beta], i) -
                     rt__tensor_double(call.constant[in->mean], i) * a.scale[i];
    }
    return rt__lower_affine(r, node, call.node->inputs[0], a.scale_edge, a.shift_edge, err);
}

rt_code rt__lower_batch_norm(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node);
    const norm_inputs in = {1, 2, 3, 4, true, (double)rt__op_float(n, "epsilon")};
    if (rt__op_bool(n, "is_training"))
        return rt__node_fail(err, RT_EUNSUPPORTED, n, "is_training is true: this is a graph for training");
    if (rt__op_planar(n) != rt__lower_is_planar(rewrite, n->inputs[0]))
        return rt__node_fail(err, RT_EUNSUPPORTED, n, "its data_format is not the one of its input");
    return lower_norm(rewrite, node, &in, err);
}

rt_code rt__lower_global_norm(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node);
    const norm_inputs in = {
        4, 3, 1, 2, rt__op_bool(n, "scale_after_normalization"), (double)rt__op_float(n, "variance_epsilon")};
    if (rt__lower_is_planar(rewrite, n->inputs[0]))
        return rt__node_fail(err, RT_EUNSUPPORTED, n, "on channels first");
    return lower_norm(rewrite, node, &in, err);
}

rt_code rt__lower_neg(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    affine a;
    rt_op_call call;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code == RT_OK)
        code = affine_new(rewrite, node, call.node->inputs[0], &a, err);
    if (code != RT_OK)
        return code;
    for (size_t i = 0; i < a.channels; i++)
        a.scale[i] = -1;
    return rt__lower_affine(rewrite, node, rt__graph_node(rewrite->graph, node)->inputs[0], a.scale_edge,
                            a.shift_edge, err);
}

/* How far apart the constant's elements for two channels stand (0 or 1); it may not vary along other axes. */
static rt_code channel_step(const rt_op_call *call, uint32_t constant, int channel, size_t *step,
                            rt_error *err)
{
    const rt_shape *c = &call->in[constant].shape, *x = &call->in[1 - constant].shape;
    char tc[160], tx[160];
    bool fits = c->rank <= x->rank;
    *step = 0;
    for (int i = 0; fits && i < c->rank; i++) {
        int axis = i + x->rank - c->rank;
        if (c->dim[i] == 1)
            continue;
        fits = axis == channel && c->dim[i] == x->dim[axis];
        *step = 1;
    }
    if (!fits)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node,
                             "a constant %s with %s: only one number a channel",
                             rt__shape_text(c, tc, sizeof tc), rt__shape_text(x, tx, sizeof tx));
    return RT_OK;
}

/* scale and shift of `x op c`, or of `c op x` when the constant is first */
static void add(double c, bool first, double *scale, double *shift)
{
    (void)first;
    *scale = 1;
    *shift = c;
}

static void sub(double c, bool first, double *scale, double *shift)
{
    *scale = first ? -1 : 1;
    *shift = first ? c : -c;
}

static void mul(double c, bool first, double *scale, double *shift)
{
    (void)first;
    *scale = c;
    *shift = 0;
}

static void divide(double c, bool first, double *scale, double *shift)
{
    (void)first; /* refused before */
    *scale = 1 / c;
    *shift = 0;
}

static const struct arith {
    const char *op;
    void (*affine)(double c, bool first, double *scale, double *shift);
    bool commutes_or_negates; /* the constant may be first */
    int sum;                  /* of two computed tensors: b's sign, 0: it is none */
    bool product;             /* likewise */
} ariths[] = {
    {"Add", add, true, 1, false},  {"AddV2", add, true, 1, false},       {"Mul", mul, true, 0, true},
    {"Sub", sub, true, -1, false}, {"RealDiv", divide, false, 0, false},
};

static rt_code with_constant(rt_rewrite *r, uint32_t node, const struct arith *row, uint32_t constant,
                             rt_error *err)
{
    affine a;
    rt_op_call call;
    size_t step;
    rt_code code = rt__lower_begin(r, node, 1 - constant, &call, err);
    rt_edge x = rt__graph_node(r->graph, node)->inputs[1 - constant];
    if (code == RT_OK && constant == 0 && !row->commutes_or_negates)
        code = rt__node_fail(err, RT_EUNSUPPORTED, call.node, "of a constant by a computed value");
    if (code == RT_OK)
        code = channel_step(&call, constant, rt__lower_channel_axis(r, x), &step, err);
    if (code == RT_OK)
        code = affine_new(r, node, x, &a, err);
    if (code == RT_OK)
        code = rt__rewrite_call(r, node, &call, err);
    if (code == RT_OK && call.constant[constant]->dtype != RT_FLOAT)
        code = rt__node_fail(err, RT_EFORMAT, call.node, "one input is float, the other is not");
    if (code != RT_OK)
        return code;
    for (size_t i = 0; i < a.channels; i++)
        row->affine(rt__tensor_double(call.constant[constant], i * step), constant == 0, &a.scale[i],
                    &a.shift[i]);
    return rt__lower_affine(r, node, x, a.scale_edge, a.shift_edge, err);
}

static rt_code negated(rt_rewrite *r, uint32_t node, rt_edge *x, rt_error *err)
{
    affine a;
    rt_code code = affine_new(r, node, *x, &a, err);
    if (code != RT_OK)
        return code;
    for (size_t i = 0; i < a.channels; i++)
        a.scale[i] = -1;
    *x = (rt_edge){x->node, 0};
    const rt_edge inputs[] = {*x, a.scale_edge, a.shift_edge};
    return rt__rewrite_add(r, node, "rt.Affine", inputs, 3, NULL, 0, &x->node, err);
}

static rt_code of_two(rt_rewrite *r, uint32_t node, const struct arith *row, rt_error *err)
{
    rt_op_call call;
    rt_edge inputs[2];
    rt_code code;
    if (row->product)
        return rt__lower_product(r, node, err);
    code = rt__lower_begin(r, node, 0, &call, err);
    if (code != RT_OK)
        return code;
    inputs[0] = call.node->inputs[0];
    inputs[1] = call.node->inputs[1];
    if (row->sum == 0)
        return rt__node_fail(err, RT_EUNSUPPORTED, call.node, "of two computed values");
    if (!rt__shape_equal(&call.in[0].shape, &call.in[1].shape) ||
        rt__lower_is_planar(r, inputs[0]) != rt__lower_is_planar(r, inputs[1])) {
        char ta[160], tb[160];
        return rt__node_fail(err, RT_EUNSUPPORTED, call.node, "of computed values %s and %s",
                             rt__shape_text(&call.in[0].shape, ta, sizeof ta),
                             rt__shape_text(&call.in[1].shape, tb, sizeof tb));
    }
    if (row->sum < 0 && (code = negated(r, node, &inputs[1], err)) != RT_OK)
        return code;
    return rt__rewrite_replace(r, node, "rt.Add", inputs, 2, NULL, 0, err);
}

rt_code rt__lower_arith(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node);
    const struct arith *row = ariths;
    while (strcmp(row->op, n->op) != 0)
        row++; /* ops.c gives this rule to no op without a row here */
    for (uint32_t i = 0; i < 2; i++)
        if (rt__graph_const(rewrite->graph, n->inputs[i]))
            return with_constant(rewrite, node, row, i, err);
    return of_two(rewrite, node, row, err);
}

rt_code rt__lower_add_n(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_op_call call;
    rt_edge sum = {0, 0};
    uint32_t n = rt__graph_node(rewrite->graph, node)->n_inputs;
    bool planar = rt__lower_is_planar(rewrite, rt__graph_node(rewrite->graph, node)->inputs[0]);
    rt_code code = RT_OK;
    for (uint32_t i = n; code == RT_OK && i-- > 0;) {
        code = rt__lower_begin(rewrite, node, i, &call, err);
        if (code == RT_OK && rewrite->planar[node] != planar)
            code = rt__node_fail(err, RT_EUNSUPPORTED, call.node, "of tensors in different layouts");
    }
    if (code != RT_OK || n == 1)
        return code == RT_OK ? rt__lower_identity(rewrite, node, err) : code;
    sum = rt__graph_node(rewrite->graph, node)->inputs[0];
    for (uint32_t i = 1; code == RT_OK && i < n; i++) {
        const rt_edge terms[2] = {sum, rt__graph_node(rewrite->graph, node)->inputs[i]};
        if (i + 1 == n)
            return rt__rewrite_replace(rewrite, node, "rt.Add", terms, 2, NULL, 0, err);
        sum.output = 0;
        code = rt__rewrite_add(rewrite, node, "rt.Add", terms, 2, NULL, 0, &sum.node, err);
    }
    return code;
}
