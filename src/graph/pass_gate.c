/* Activations that are spelled out: x * sigmoid(x) is swish, x * relu6(x + 3) / 6 hard swish, max(a * x, x)
 * leaky relu.  Works on TensorFlow's ops, before lowering. */
#include "rewrite.h"

#include <math.h>
#include <string.h>

static const rt_node *source_of(const rt_rewrite *r, rt_edge edge)
{
    return rt__graph_node(r->graph, edge.node);
}

static bool same(rt_edge a, rt_edge b)
{
    return a.node == b.node && a.output == b.output;
}

/* edge is `op` of two tensors, one of them a constant number: *x the other one. */
static bool with_number(const rt_rewrite *r, rt_edge edge, const char *op, rt_edge *x, float *number)
{
    const rt_node *node = source_of(r, edge);
    if (strcmp(node->op, op) != 0 || node->n_inputs != 2)
        return false;
    for (int i = 0; i < 2; i++) {
        const rt_tensor *constant = rt__graph_const(r->graph, node->inputs[i]);
        if (constant && constant->dtype == RT_FLOAT && rt__tensor_count(constant) == 1) {
            *number = rt__tensor_float(constant, 0);
            *x = node->inputs[1 - i];
            return true;
        }
    }
    return false;
}

static bool is_sum(const rt_rewrite *r, rt_edge edge, rt_edge x)
{
    rt_edge term;
    float number;
    return (with_number(r, edge, "Add", &term, &number) || with_number(r, edge, "AddV2", &term, &number)) &&
           same(term, x) && number == 3;
}

/* relu6(x + 3) */
static bool is_gate(const rt_rewrite *r, rt_edge edge, rt_edge x)
{
    const rt_node *node = source_of(r, edge);
    return strcmp(node->op, "Relu6") == 0 && is_sum(r, node->inputs[0], x);
}

static bool is_sixth(const rt_rewrite *r, rt_edge edge, rt_edge *whole)
{
    float number;
    if (with_number(r, edge, "Mul", whole, &number))
        return fabsf(number - 1.0f / 6) < 1e-6f;
    return with_number(r, edge, "RealDiv", whole, &number) && number == 6 &&
           same(source_of(r, edge)->inputs[0], *whole);
}

/* x * (relu6(x + 3) / 6) or (x * relu6(x + 3)) / 6 */
static bool is_hard_swish(const rt_rewrite *r, uint32_t node, rt_edge *x)
{
    const rt_node *n = rt__graph_node(r->graph, node);
    rt_edge whole = {node, 0}, gate;
    bool divided = is_sixth(r, whole, &whole);
    n = source_of(r, whole);
    if (strcmp(n->op, "Mul") != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        *x = n->inputs[i];
        gate = n->inputs[1 - i];
        if (!divided && !is_sixth(r, gate, &gate))
            continue;
        if (is_gate(r, gate, *x))
            return true;
    }
    return false;
}

/* Keras writes x * sigmoid(beta * x) with beta 1. */
static bool is_same_times_1(const rt_rewrite *r, rt_edge edge, rt_edge x)
{
    rt_edge scaled;
    float beta;
    return with_number(r, edge, "Mul", &scaled, &beta) && beta == 1 && same(scaled, x);
}

static bool is_swish(const rt_rewrite *r, uint32_t node, rt_edge *x)
{
    const rt_node *n = rt__graph_node(r->graph, node);
    if (strcmp(n->op, "Mul") != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        const rt_node *gate = source_of(r, n->inputs[i]);
        *x = n->inputs[1 - i];
        if (strcmp(gate->op, "Sigmoid") == 0 &&
            (same(gate->inputs[0], *x) || is_same_times_1(r, gate->inputs[0], *x)))
            return true;
    }
    return false;
}

static bool is_leaky(const rt_rewrite *r, uint32_t node, rt_edge *x, float *alpha)
{
    const rt_node *n = rt__graph_node(r->graph, node);
    rt_edge scaled;
    if (strcmp(n->op, "Maximum") != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        *x = n->inputs[1 - i];
        if (with_number(r, n->inputs[i], "Mul", &scaled, alpha) && same(scaled, *x) && *alpha > 0 &&
            *alpha < 1)
            return true;
    }
    return false;
}

rt_code rt__pass_gate(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_attr attrs[2] = {rt__attr_string("activation", ""), rt__attr_float("alpha", 0)};
    rt_edge x;
    float alpha = 0;
    if (is_swish(rewrite, node, &x))
        attrs[0] = rt__attr_string("activation", "swish");
    else if (is_hard_swish(rewrite, node, &x))
        attrs[0] = rt__attr_string("activation", "hard_swish");
    else if (is_leaky(rewrite, node, &x, &alpha))
        attrs[0] = rt__attr_string("activation", "leaky_relu");
    else
        return RT_OK;
    attrs[1].value.f = alpha;
    return rt__rewrite_replace(rewrite, node, "rt.Activation", &x, 1, attrs, alpha != 0 ? 2 : 1, err);
}
