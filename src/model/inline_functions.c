#include "inline_functions.h"

#include "base/array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 100, MOST_NODES = 1000000, MOST_ATTEMPTS = 100, MOST_CHAIN = 1000, NO_PARENT = -1 };
static const size_t most_name_bytes = (size_t)256 << 20;

/* A call that is inlined or will be. */
typedef struct call {
    uint32_t node;
    ptrdiff_t parent; /* the call in whose function this one stands, or NO_PARENT */
    uint32_t depth;
    const rt_function *function; /* NULL until it is inlined */
} call;

typedef struct inliner {
    rt_graph *graph;
    rt_functions *functions;
    call *calls;
    size_t n_calls, room;
    size_t name_bytes;
} inliner;

bool rt__calls_function(const rt_functions *functions, const rt_node *node, const char **name)
{
    const rt_attr *f = rt__node_attr(node, "f");
    *name = node->op;
    if (rt__functions_have(functions, node->op))
        return true;
    if (strcmp(node->op, "PartitionedCall") != 0 && strcmp(node->op, "StatefulPartitionedCall") != 0)
        return false;
    if (f && f->kind == RT_ATTR_FUNC)
        *name = f->value.s.bytes;
    return true;
}

static rt_code push(inliner *in, uint32_t node, ptrdiff_t parent, rt_error *err)
{
    uint32_t depth = parent == NO_PARENT ? 1 : in->calls[parent].depth + 1;
    if (depth > MOST_DEPTH)
        return rt_fail(err, RT_ELIMIT, "node '%.150s': functions call each other more than %d deep",
                       rt__graph_node(in->graph, node)->name, MOST_DEPTH);
    if (in->n_calls == in->room) {
        call *calls = rt__array_grow(in->calls, &in->room, 64, sizeof *calls);
        if (!calls)
            return rt_fail(err, RT_ENOMEM, "out of memory");
        in->calls = calls;
    }
    in->calls[in->n_calls++] = (call){node, parent, depth, NULL};
    return RT_OK;
}

/* Calls that outputs need, as the graph stands. */
static rt_code push_needed(inliner *in, const rt_edge *outputs, size_t n_outputs, rt_error *err)
{
    uint32_t n = rt__graph_count(in->graph), top = 0;
    uint32_t *stack = calloc((size_t)n + 1, sizeof *stack);
    bool *seen = calloc((size_t)n + 1, sizeof *seen);
    rt_code code = stack && seen ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; code == RT_OK && i < n_outputs; i++)
        if (!seen[outputs[i].node]) {
            seen[outputs[i].node] = true;
            stack[top++] = outputs[i].node;
        }
    while (code == RT_OK && top > 0) {
        uint32_t at = stack[--top];
        const rt_node *node = rt__graph_node(in->graph, at);
        const char *name;
        if (rt__calls_function(in->functions, node, &name))
            code = push(in, at, NO_PARENT, err);
        for (uint32_t k = 0; k < node->n_inputs; k++)
            if (!seen[node->inputs[k].node]) {
                seen[node->inputs[k].node] = true;
                stack[top++] = node->inputs[k].node;
            }
    }
    free(stack);
    free(seen);
    return code;
}

/* ---- one call ---- */

static rt_code find_function(inliner *in, call *c, rt_error *err)
{
    const rt_node *node = rt__graph_node(in->graph, c->node);
    const char *name;
    rt_code code;
    rt__calls_function(in->functions, node, &name);
    if ((code = rt__functions_read(in->functions, name, &c->function, err)) != RT_OK) {
        rt_doing(err, NULL, "cannot follow node '%.150s' (%s)", node->name, node->op);
        return code;
    }
    for (ptrdiff_t p = c->parent; p != NO_PARENT; p = in->calls[p].parent)
        if (in->calls[p].function == c->function)
            return rt_fail(err, RT_EUNSUPPORTED, "node '%.100s' (%s): function '%.80s' calls itself",
                           node->name, node->op, c->function->name);
    if (node->n_inputs != c->function->n_args)
        return rt_fail(err, RT_EFORMAT, "node '%.100s' (%s): %u inputs, and function '%.60s' takes %u",
                       node->name, node->op, node->n_inputs, c->function->name, c->function->n_args);
    return RT_OK;
}

/* CALL/NODE, with a number where that is taken. */
static rt_code new_name(inliner *in, const char *caller, const char *node, const char **name, rt_error *err)
{
    size_t size = strlen(caller) + strlen(node) + sizeof "/_4294967295";
    char *text = NULL;
    uint32_t taken;
    in->name_bytes += size;
    if (in->name_bytes > most_name_bytes || rt__graph_count(in->graph) >= MOST_NODES)
        return rt_fail(err, RT_ELIMIT,
                       "the graph has more than %d nodes, or too long names, once its functions are put in "
                       "the place of their calls",
                       MOST_NODES);
    if (!(text = rt__arena_alloc(rt__graph_arena(in->graph), size)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    snprintf(text, size, "%s/%s", caller, node);
    for (uint32_t i = 1; i < MOST_ATTEMPTS && rt__graph_find(in->graph, text, &taken); i++)
        snprintf(text, size, "%s/%s_%u", caller, node, i);
    *name = text;
    return RT_OK;
}

/* A tensor of the function's body as one of the graph: an argument is what the call reads. */
static rt_edge placed(const rt_function *f, const rt_edge *arguments, uint32_t first, rt_edge edge)
{
    if (edge.node < f->n_args)
        return arguments[edge.node];
    return (rt_edge){first + edge.node - f->n_args, edge.output};
}

/* Adds the body's nodes; *first is where they begin. */
static rt_code add_body(inliner *in, size_t index, uint32_t *first, rt_error *err)
{
    const rt_function *f = in->calls[index].function;
    const char *caller = rt__graph_node(in->graph, in->calls[index].node)->name, *called;
    uint32_t count = rt__graph_count(f->body);
    rt_code code = RT_OK;
    *first = rt__graph_count(in->graph);
    for (uint32_t i = f->n_args; code == RT_OK && i < count; i++) {
        const rt_node *node = rt__graph_node(f->body, i);
        uint32_t added;
        rt_node copy = *node;
        code = new_name(in, caller, node->name, &copy.name, err);
        if (code == RT_OK)
            code = rt__graph_add_copy(in->graph, &copy, &added, err);
        if (code == RT_OK && rt__calls_function(in->functions, node, &called))
            code = push(in, added, (ptrdiff_t)index, err);
    }
    return code;
}

static rt_code connect_body(inliner *in, const rt_function *f, const rt_edge *arguments, uint32_t first,
                            rt_error *err)
{
    uint32_t count = rt__graph_count(f->body), most = 1;
    rt_edge *edges;
    rt_code code = RT_OK;
    for (uint32_t i = 0; i < count; i++)
        if (rt__graph_node(f->body, i)->n_inputs > most)
            most = rt__graph_node(f->body, i)->n_inputs;
    if (!(edges = calloc(most, sizeof *edges)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (uint32_t i = f->n_args; code == RT_OK && i < count; i++) {
        const rt_node *node = rt__graph_node(f->body, i);
        for (uint32_t k = 0; k < node->n_inputs; k++)
            edges[k] = placed(f, arguments, first, node->inputs[k]);
        code = rt__graph_set_inputs(in->graph, first + i - f->n_args, edges, node->n_inputs, NULL, 0, err);
    }
    free(edges);
    return code;
}

/* The call becomes the results' name. */
static rt_code end_call(inliner *in, const call *c, uint32_t first, rt_error *err)
{
    const rt_function *f = c->function;
    const rt_edge *arguments = rt__graph_node(in->graph, c->node)->inputs;
    rt_edge *results = calloc((size_t)f->n_outputs + 1, sizeof *results);
    rt_attr *attr = rt__arena_alloc(rt__graph_arena(in->graph), sizeof *attr);
    rt_code code;
    if (!results || !attr) {
        free(results);
        return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < f->n_outputs; i++)
        results[i] = placed(f, arguments, first, f->outputs[i]);
    *attr = (rt_attr){.name = "T", .kind = RT_ATTR_LIST_TYPE, .count = f->n_outputs};
    attr->value.types = f->output_types;
    if (f->n_outputs == 1)
        *attr = (rt_attr){.name = "T", .kind = RT_ATTR_TYPE, .value.type = f->output_types[0]};
    rt__graph_set_op(in->graph, c->node, f->n_outputs == 1 ? "Identity" : "IdentityN");
    rt__graph_set_attrs(in->graph, c->node, attr, 1);
    code = rt__graph_set_inputs(in->graph, c->node, results, f->n_outputs, NULL, 0, err);
    free(results);
    return code;
}

static rt_code inline_call(inliner *in, size_t index, rt_error *err)
{
    const rt_function *f;
    uint32_t first = 0;
    rt_code code = find_function(in, &in->calls[index], err);
    if (code != RT_OK)
        return code;
    f = in->calls[index].function;
    code = add_body(in, index, &first, err);
    if (code == RT_OK)
        code = connect_body(in, f, rt__graph_node(in->graph, in->calls[index].node)->inputs, first, err);
    return code == RT_OK ? end_call(in, &in->calls[index], first, err) : code;
}

/* ---- afterwards ---- */

static bool passes_all(const rt_node *node)
{
    return strcmp(node->op, "IdentityN") == 0;
}

rt_edge rt__edge_behind(const rt_graph *graph, rt_edge edge)
{
    for (uint32_t steps = 0; steps < MOST_CHAIN && edge.output >= 0; steps++) {
        const rt_node *node = rt__graph_node(graph, edge.node);
        if (!passes_all(node) || (uint32_t)edge.output >= node->n_inputs)
            break;
        edge = node->inputs[edge.output];
    }
    return edge;
}

/* Edges through calls lead to what the calls gave. */
static rt_edge behind_calls(const rt_graph *graph, const bool *was_call, rt_edge edge)
{
    for (uint32_t steps = 0; steps < MOST_CHAIN; steps++) {
        const rt_node *node = rt__graph_node(graph, edge.node);
        if ((!was_call[edge.node] && !passes_all(node)) || (uint32_t)edge.output >= node->n_inputs)
            break;
        edge = node->inputs[edge.output];
    }
    return edge;
}

static rt_code no_result(const rt_graph *graph, rt_edge edge, const rt_node *reader, rt_error *err)
{
    const rt_node *source = rt__graph_node(graph, edge.node);
    return rt_fail(err, RT_EFORMAT, "node '%.80s' reads output %d of '%.80s', which has %u", reader->name,
                   (int)edge.output, source->name, source->n_inputs);
}

/* scratch: as long as the longest list of inputs. */
static rt_code reconnect(const inliner *in, uint32_t index, const bool *was_call, rt_edge *scratch,
                         rt_error *err)
{
    const rt_node *node = rt__graph_node(in->graph, index);
    bool changed = false;
    for (uint32_t k = 0; k < node->n_inputs; k++) {
        rt_edge to = behind_calls(in->graph, was_call, node->inputs[k]);
        if (was_call[to.node] || passes_all(rt__graph_node(in->graph, to.node)))
            return no_result(in->graph, to, node, err);
        changed = changed || to.node != node->inputs[k].node || to.output != node->inputs[k].output;
        scratch[k] = to;
    }
    return changed ? rt__graph_set_inputs(in->graph, index, scratch, node->n_inputs,
                                          node->inputs + node->n_inputs, node->n_controls, err)
                   : RT_OK;
}

static rt_code reconnect_all(const inliner *in, rt_error *err)
{
    uint32_t n = rt__graph_count(in->graph), most = 1;
    bool *was_call = calloc((size_t)n + 1, sizeof *was_call);
    rt_edge *scratch = NULL;
    rt_code code = RT_OK;
    for (uint32_t i = 0; i < n; i++)
        if (rt__graph_node(in->graph, i)->n_inputs > most)
            most = rt__graph_node(in->graph, i)->n_inputs;
    scratch = calloc(most, sizeof *scratch);
    if (!was_call || !scratch)
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; code == RT_OK && i < in->n_calls; i++)
        was_call[in->calls[i].node] = true;
    for (uint32_t i = 0; code == RT_OK && i < n; i++)
        code = reconnect(in, i, was_call, scratch, err);
    free(was_call);
    free(scratch);
    return code;
}

rt_code rt__inline_functions(rt_graph *graph, rt_functions *functions, const rt_edge *outputs,
                             size_t n_outputs, rt_error *err)
{
    inliner in = {.graph = graph, .functions = functions};
    rt_code code = push_needed(&in, outputs, n_outputs, err);
    for (size_t i = 0; code == RT_OK && i < in.n_calls; i++)
        code = inline_call(&in, i, err);
    if (code == RT_OK)
        code = reconnect_all(&in, err);
    free(in.calls);
    return code;
}

rt_code rt__inline_library(rt_graph *graph, rt_string library, rt_error *err)
{
    uint32_t n = rt__graph_count(graph);
    rt_functions *functions = NULL;
    rt_edge *all = NULL;
    rt_code code = RT_OK;
    if (library.size == 0)
        return RT_OK;
    if (!(all = calloc((size_t)n + 1, sizeof *all)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++)
        all[i].node = i;
    code = rt__functions_new(library, rt__graph_arena(graph), &functions, err);
    if (code == RT_OK)
        code = rt__inline_functions(graph, functions, all, n, err);
    rt__functions_free(functions);
    free(all);
    return code;
}
