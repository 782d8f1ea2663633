/* Neighbouring nodes that one kernel does: an affine op, a convolution, a depthwise one, another one; the
 * kernel library says which of them it takes. */
#include "builder.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 4 };

/* Convolutions, each the only reader of the one before. */
typedef struct chain {
    uint32_t nodes[MOST], n;
    rt_op ops[MOST];
    rt_grid tensors[MOST][RT_BIND_TENSORS];
    rt_conv_spec specs[MOST];
    rt_affine_spec affine;
    uint32_t inputs[RT_BIND_TENSORS], n_inputs; /* values: what the first reads, and the last one's addend */
    rt_bound bound;
} chain;

static bool is_op(const rt_builder *b, uint32_t node, const char *op)
{
    return strcmp(rt__graph_node(b->graph, node)->op, op) == 0;
}

/* The needed node behind `node` if it is the only one that reads it, and reads it first; RT_NO_VALUE
 * otherwise. */
static uint32_t next_of(const rt_builder *b, uint32_t node)
{
    uint32_t next = node + 1;
    const rt_node *reader;
    const rt_bind_row *row;
    while (next <= b->output.node && !b->is_needed[next])
        next++;
    if (b->n_readers[node] != 1 || b->last_use[node] != next)
        return RT_NO_VALUE;
    reader = rt__graph_node(b->graph, next);
    row = rt__bind_find(reader->op);
    return row && rt__bind_tensor(row, reader, 0).node == node ? next : RT_NO_VALUE;
}

/* The nodes of a chain that begins with `first`: n is less than 2 if there is none. */
static void find(const rt_builder *b, uint32_t first, chain *c)
{
    static const char *const ops[MOST] = {"rt.Affine", "rt.Conv", "rt.Depthwise", "rt.Conv"};
    uint32_t node = first;
    c->n = 0;
    for (int i = 0; i < MOST && node != RT_NO_VALUE; i++) {
        if (!is_op(b, node, ops[i])) {
            if (i > 1)
                return;
            continue;
        }
        c->nodes[c->n++] = node;
        node = next_of(b, node);
    }
}

/* The spec of number i, whose source is `src`; its result is what c->bound.out says. */
static rt_code specify(const rt_builder *b, chain *c, uint32_t i, const rt_grid *src, rt_error *err)
{
    const uint32_t node = c->nodes[i];
    rt_op *op = &c->ops[i];
    rt_bound bound = {0};
    rt_code code;
    *op = (rt_op){.graph = b->graph,
                  .node = rt__graph_node(b->graph, node),
                  .kernels = &b->plan->kernels,
                  .tensors = c->tensors[i]};
    c->tensors[i][0] = *src;
    if (is_op(b, node, "rt.Affine"))
        return rt__bind_affine_spec(op, &c->affine, &c->bound, err);
    if ((code = rt__count_tensors(rt__bind_find(op->node->op), op->node, &op->n_tensors, err)) != RT_OK)
        return code;
    if (op->n_tensors > 1) {
        c->inputs[1] = b->value[rt__bind_tensor(rt__bind_find(op->node->op), op->node, 1).node];
        c->tensors[i][1] = b->plan->values[c->inputs[1]].grid;
        c->n_inputs = 2;
    }
    code = (is_op(b, node, "rt.Conv") ? rt__bind_conv_spec : rt__bind_depthwise_spec)(op, &c->specs[i],
                                                                                      &bound, err);
    c->bound.accumulates = bound.accumulates;
    c->bound.out = bound.out;
    c->bound.flops += bound.flops;
    return code;
}

/* Only the last may have an addend, which must be there already. */
static bool has_addends(const rt_builder *b, const chain *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        const rt_node *node = rt__graph_node(b->graph, c->nodes[i]);
        const rt_bind_row *row = rt__bind_find(node->op);
        if (node->n_inputs <= row->n_constants + 1)
            continue;
        if (i + 1 < c->n || b->value[rt__bind_tensor(row, node, 1).node] == RT_NO_VALUE)
            return false;
    }
    return true;
}

static rt_code make(const rt_builder *b, chain *c, rt_error *err)
{
    rt_chain_spec spec = {0};
    rt_grid src = b->plan->values[c->inputs[0]].grid;
    for (uint32_t i = 0; i < c->n; i++) {
        rt_code code = specify(b, c, i, &src, err);
        if (code != RT_OK)
            return code;
        src = c->bound.out;
        if (is_op(b, c->nodes[i], "rt.Affine"))
            spec.affine = &c->affine;
        else if (is_op(b, c->nodes[i], "rt.Depthwise"))
            spec.depthwise = &c->specs[i];
        else if (!spec.depthwise)
            spec.before = &c->specs[i];
        else
            spec.after = &c->specs[i];
    }
    return b->plan->kernels.chain(&b->plan->kernels, &spec, &c->bound.kernel, err);
}

rt_code rt__add_chain(rt_builder *b, uint32_t first, uint32_t *last, rt_error *err)
{
    const rt_node *node = rt__graph_node(b->graph, first);
    chain c;
    rt_code code;
    if (!b->plan->kernels.chain || b->in_order)
        return RT_OK;
    find(b, first, &c);
    if (c.n < 2 || !has_addends(b, &c))
        return RT_OK;
    c.bound = (rt_bound){.role = RT_ROLE_KERNEL};
    c.inputs[0] = b->value[rt__bind_tensor(rt__bind_find(node->op), node, 0).node];
    c.n_inputs = 1;
    memset(c.ops, 0, sizeof c.ops);
    code = make(b, &c, err);
    if (code != RT_OK && code != RT_ENOMEM)
        code = RT_OK; /* what is wrong with a node is said of that node */
    if (code == RT_OK && c.bound.kernel) {
        *last = c.nodes[c.n - 1];
        code = rt__add_kernel(b, *last, &c.bound, c.inputs, c.n_inputs, err);
    }
    for (uint32_t i = 0; i < c.n; i++)
        for (int j = 0; j < RT_BIND_CONSTANTS; j++)
            free(c.ops[i].copies[j]);
    return code;
}
