#include "prune.h"

#include <stdlib.h>
#include <string.h>

enum { NEW, OPEN, DONE };

/* A depth-first walk with its own stack: graphs may be deeper than the C stack. */
typedef struct walk {
    rt_graph *graph, *pruned;
    const rt_edge *cut; /* or NULL */
    uint8_t *needed, *state;
    uint32_t *stack, *next_input; /* stack of nodes; the next input to look at for each */
    uint32_t *new_index;
    uint32_t depth;
} walk;

static void walk_clear(walk *w)
{
    free(w->needed);
    free(w->state);
    free(w->stack);
    free(w->next_input);
    free(w->new_index);
}

static rt_code walk_init(walk *w, rt_graph *graph, const rt_edge *cut, rt_error *err)
{
    size_t n = (size_t)rt__graph_count(graph) + 1; /* calloc(0) may be NULL */
    *w = (walk){.graph = graph, .cut = cut};
    w->needed = calloc(n, 1);
    w->state = calloc(n, 1);
    w->stack = calloc(n, sizeof *w->stack);
    w->next_input = calloc(n, sizeof *w->next_input);
    w->new_index = calloc(n, sizeof *w->new_index);
    if (!w->needed || !w->state || !w->stack || !w->next_input || !w->new_index)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    return RT_OK;
}

static bool is_cut(const walk *w, rt_edge edge)
{
    return w->cut && w->cut->node == edge.node && w->cut->output == edge.output;
}

/* The inputs of a node that count: none for the node that is cut off. */
static uint32_t input_count(const walk *w, uint32_t node)
{
    return w->cut && w->cut->node == node ? 0 : rt__graph_node(w->graph, node)->n_inputs;
}

static rt_code check_edge(const walk *w, rt_edge edge, const char *reader, rt_error *err)
{
    if (edge.node >= rt__graph_count(w->graph) || edge.output < 0)
        return rt_fail(err, RT_EFORMAT, "node '%s': an input does not exist", reader);
    if (w->cut && w->cut->node == edge.node && !is_cut(w, edge))
        return rt_fail(err, RT_EUNSUPPORTED, "node '%s' needs another output of the input's node '%s'",
                       reader, rt__graph_node(w->graph, edge.node)->name);
    return RT_OK;
}

static void mark(walk *w, uint32_t node)
{
    if (!w->needed[node]) {
        w->needed[node] = 1;
        w->stack[w->depth++] = node;
    }
}

static rt_code mark_needed(walk *w, const rt_edge *outputs, size_t n_outputs, rt_error *err)
{
    rt_code code;
    for (size_t i = 0; i < n_outputs; i++) {
        if ((code = check_edge(w, outputs[i], "(output)", err)) != RT_OK)
            return code;
        mark(w, outputs[i].node);
    }
    while (w->depth) {
        uint32_t index = w->stack[--w->depth];
        const rt_node *node = rt__graph_node(w->graph, index);
        for (uint32_t i = 0; i < input_count(w, index); i++) {
            if ((code = check_edge(w, node->inputs[i], node->name, err)) != RT_OK)
                return code;
            mark(w, node->inputs[i].node);
        }
    }
    return RT_OK;
}

static rt_code add_placeholder(walk *w, uint32_t index, rt_error *err)
{
    rt_attr dtype = {.name = "dtype", .kind = RT_ATTR_TYPE, .value.type = RT_FLOAT};
    const char *name = rt__graph_node(w->graph, index)->name;
    rt_code code = rt__graph_add(w->pruned, name, "Placeholder", &w->new_index[index], err);
    return code == RT_OK ? rt__graph_set_attr(w->pruned, w->new_index[index], &dtype, err) : code;
}

static rt_edge translate(const walk *w, rt_edge edge)
{
    return (rt_edge){w->new_index[edge.node], is_cut(w, edge) ? 0 : edge.output};
}

/* All inputs of the node are in the new graph already. */
static rt_code emit(walk *w, uint32_t index, rt_error *err)
{
    const rt_node *node = rt__graph_node(w->graph, index);
    bool keep = !w->cut || w->cut->node != index || strcmp(node->op, "Placeholder") == 0;
    rt_edge *inputs;
    rt_code code;
    if (!keep)
        return add_placeholder(w, index, err);
    if ((code = rt__graph_add_copy(w->pruned, node, &w->new_index[index], err)) != RT_OK)
        return code;
    if (node->n_inputs == 0)
        return RT_OK;
    if (!(inputs = malloc(node->n_inputs * sizeof *inputs)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < node->n_inputs; i++)
        inputs[i] = translate(w, node->inputs[i]);
    code = rt__graph_set_inputs(w->pruned, w->new_index[index], inputs, node->n_inputs, NULL, 0, err);
    free(inputs);
    return code;
}

/* Emits root after everything it needs. */
static rt_code visit(walk *w, uint32_t root, rt_error *err)
{
    w->depth = 0;
    w->stack[w->depth++] = root;
    w->state[root] = OPEN;
    while (w->depth) {
        uint32_t index = w->stack[w->depth - 1];
        const rt_node *node = rt__graph_node(w->graph, index);
        if (w->next_input[index] < input_count(w, index)) {
            uint32_t input = node->inputs[w->next_input[index]++].node;
            if (w->state[input] == OPEN)
                return rt_fail(err, RT_EFORMAT, "node '%s' needs its own output (a cycle)", node->name);
            if (w->state[input] == NEW) {
                w->state[input] = OPEN;
                w->stack[w->depth++] = input;
            }
        } else {
            rt_code code = emit(w, index, err);
            if (code != RT_OK)
                return code;
            w->state[index] = DONE;
            w->depth--;
        }
    }
    return RT_OK;
}

static rt_code prune(walk *w, const rt_edge *outputs, size_t n_outputs, rt_error *err)
{
    rt_code code = mark_needed(w, outputs, n_outputs, err);
    if (w->cut && code == RT_OK)
        w->needed[w->cut->node] = 1;
    /* Visiting in the source's order keeps that order wherever it is topological. */
    for (uint32_t i = 0; code == RT_OK && i < rt__graph_count(w->graph); i++)
        if (w->needed[i] && w->state[i] == NEW)
            code = visit(w, i, err);
    return code;
}

static rt_code run(rt_graph *graph, const rt_edge *cut, const rt_edge *outputs, size_t n_outputs,
                   rt_graph **pruned, rt_edge *new_cut, rt_edge *new_outputs, rt_error *err)
{
    walk w;
    rt_code code = walk_init(&w, graph, cut, err);
    if (code == RT_OK)
        code = rt__graph_derive(graph, &w.pruned, err);
    if (code == RT_OK)
        code = prune(&w, outputs, n_outputs, err);
    if (code == RT_OK) {
        *pruned = w.pruned;
        for (size_t i = 0; new_outputs && i < n_outputs; i++)
            new_outputs[i] = translate(&w, outputs[i]);
        if (new_cut)
            *new_cut = translate(&w, *cut);
    } else {
        rt__graph_free(w.pruned);
    }
    walk_clear(&w);
    return code;
}

rt_code rt__graph_prune(rt_graph *graph, const rt_edge *outputs, size_t n_outputs, rt_graph **pruned,
                        rt_edge *new_outputs, rt_error *err)
{
    return run(graph, NULL, outputs, n_outputs, pruned, NULL, new_outputs, err);
}

rt_code rt__graph_prune_from(rt_graph *graph, rt_edge cut, const rt_edge *outputs, size_t n_outputs,
                             rt_graph **pruned, rt_edge *new_cut, rt_edge *new_outputs, rt_error *err)
{
    if (cut.node >= rt__graph_count(graph) || cut.output < 0)
        return rt_fail(err, RT_EARG, "the input tensor does not exist");
    return run(graph, &cut, outputs, n_outputs, pruned, new_cut, new_outputs, err);
}
