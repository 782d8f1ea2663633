#include "rewrite.h"

#include "prune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void end_pass(rt_rewrite *r)
{
    free(r->values);
    free(r->readers);
    free(r->forward);
    free(r->spread);
    free(r->planar);
    free(r->constants);
    free(r->in);
    r->values = NULL;
    r->readers = r->forward = NULL;
    r->spread = r->planar = NULL;
    r->constants = NULL;
    r->in = NULL;
    r->count = r->room = 0;
}

void rt__rewrite_clear(rt_rewrite *rewrite)
{
    end_pass(rewrite);
    rt__graph_free(rewrite->graph);
    rewrite->graph = NULL;
}

static rt_code begin_pass(rt_rewrite *r, rt_error *err)
{
    uint32_t n = rt__graph_count(r->graph);
    r->count = n;
    r->room = 4;
    for (uint32_t i = 0; i < n; i++)
        if (rt__graph_node(r->graph, i)->n_inputs > r->room)
            r->room = rt__graph_node(r->graph, i)->n_inputs;
    r->values = calloc(n, sizeof *r->values);
    r->readers = calloc(n, sizeof *r->readers);
    r->forward = calloc(n, sizeof *r->forward);
    r->spread = calloc(n, sizeof *r->spread);
    r->planar = calloc(n, sizeof *r->planar);
    r->constants = calloc(r->room, sizeof *r->constants);
    r->in = calloc(r->room, sizeof *r->in);
    if (!r->values || !r->readers || !r->forward || !r->spread || !r->planar || !r->constants || !r->in)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        const rt_node *node = rt__graph_node(r->graph, i);
        r->forward[i] = i;
        for (uint32_t k = 0; k < node->n_inputs; k++)
            r->readers[node->inputs[k].node]++;
    }
    r->readers[r->output.node]++;
    return RT_OK;
}

/* Nodes are forwarded to nodes that stand before them or are new, so the chain ends. */
static rt_edge resolve(const rt_rewrite *r, rt_edge edge)
{
    while (edge.node < r->count && r->forward[edge.node] != edge.node) {
        bool spread = r->spread[edge.node];
        edge.node = r->forward[edge.node];
        if (spread) {
            edge.node += (uint32_t)edge.output;
            edge.output = 0;
        }
    }
    return edge;
}

static rt_code resolve_inputs(rt_rewrite *r, uint32_t index, rt_error *err)
{
    const rt_node *node = rt__graph_node(r->graph, index);
    rt_code code = RT_OK;
    for (uint32_t i = 0; code == RT_OK && i < node->n_inputs; i++) {
        rt_edge edge = resolve(r, node->inputs[i]);
        if (edge.node != node->inputs[i].node || edge.output != node->inputs[i].output)
            code = rt__rewrite_set_input(r, index, i, edge, err);
    }
    return code;
}

rt_value rt__rewrite_value(const rt_rewrite *rewrite, rt_edge edge)
{
    const rt_tensor *tensor = rt__graph_const(rewrite->graph, edge);
    if (tensor)
        return (rt_value){tensor->dtype, tensor->shape};
    return edge.node < rewrite->count ? rewrite->values[edge.node]
                                      : (rt_value){.shape = {.rank = RT_UNKNOWN}};
}

rt_code rt__rewrite_call(rt_rewrite *rewrite, uint32_t node, rt_op_call *call, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node);
    rt_code code = rt__op_check(n, err);
    if (code != RT_OK)
        return code;
    if (n->n_inputs > rewrite->room)
        return rt__node_fail(err, RT_ELIMIT, n, "%u inputs", n->n_inputs);
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        rewrite->constants[i] = rt__graph_const(rewrite->graph, n->inputs[i]);
        rewrite->in[i] = rt__rewrite_value(rewrite, n->inputs[i]);
    }
    *call = (rt_op_call){n, rewrite->in, rewrite->constants, rewrite->rounds};
    return RT_OK;
}

/* Only ops that say how many outputs they have may be read beyond the first. */
static rt_code check_output(const rt_rewrite *r, rt_edge edge, const char *reader, rt_error *err)
{
    const rt_node *source = rt__graph_node(r->graph, edge.node);
    const rt_op *op = rt__op_find(source->op);
    int64_t count = op && op->count_attr ? rt__op_int(source, op->count_attr) : 1;
    if (edge.output >= count)
        return rt__node_fail(err, RT_EUNSUPPORTED, source, "its output %d is needed by '%s'", edge.output,
                             reader);
    return RT_OK;
}

static rt_code check_outputs(const rt_rewrite *r, const rt_node *node, rt_error *err)
{
    rt_code code = RT_OK;
    for (uint32_t i = 0; code == RT_OK && i < node->n_inputs; i++)
        code = check_output(r, node->inputs[i], node->name, err);
    return code;
}

static rt_code reach(rt_rewrite *r, rt_visit *visit, uint32_t index, rt_error *err)
{
    rt_op_call call;
    rt_code code = check_outputs(r, rt__graph_node(r->graph, index), err);
    if (code == RT_OK)
        code = resolve_inputs(r, index, err);
    if (code == RT_OK)
        code = rt__rewrite_call(r, index, &call, err);
    if (code == RT_OK && index == r->input.node)
        r->values[index] = r->input_value;
    else if (code == RT_OK)
        code = rt__op_infer(&call, &r->values[index], err);
    return code == RT_OK ? visit(r, index, err) : code;
}

rt_code rt__rewrite_run(rt_rewrite *rewrite, rt_visit *visit, rt_error *err)
{
    rt_graph *pruned = NULL;
    rt_code code = begin_pass(rewrite, err);
    if (code == RT_OK)
        code = check_output(rewrite, rewrite->output, "(output)", err);
    for (uint32_t i = 0; code == RT_OK && i < rewrite->count; i++)
        code = reach(rewrite, visit, i, err);
    if (code == RT_OK) {
        rt_edge output = resolve(rewrite, rewrite->output), input;
        rewrite->output_value = rt__rewrite_value(rewrite, output);
        code =
            rt__graph_prune_from(rewrite->graph, rewrite->input, &output, 1, &pruned, &input, &output, err);
        if (code == RT_OK) {
            rt__graph_free(rewrite->graph);
            rewrite->graph = pruned;
            rewrite->input = input;
            rewrite->output = output;
        }
    }
    end_pass(rewrite);
    return code;
}

void rt__rewrite_forward(rt_rewrite *rewrite, uint32_t node, uint32_t to)
{
    rewrite->forward[node] = to;
    if (to < rewrite->count)
        rewrite->readers[to] += rewrite->readers[node] - 1;
}

uint32_t rt__rewrite_readers(const rt_rewrite *rewrite, uint32_t node)
{
    return node < rewrite->count ? rewrite->readers[node] : 1;
}

bool rt__rewrite_sole(const rt_rewrite *rewrite, rt_edge edge, const char *op, uint32_t *node)
{
    *node = edge.node;
    return edge.output == 0 && strcmp(rt__graph_node(rewrite->graph, edge.node)->op, op) == 0 &&
           rt__rewrite_readers(rewrite, edge.node) == 1;
}

rt_code rt__rewrite_set_attrs(rt_rewrite *rewrite, uint32_t node, const rt_attr *attrs, uint32_t n_attrs,
                              rt_error *err)
{
    rt_attr *copy = rt__arena_array(rt__graph_arena(rewrite->graph), n_attrs, sizeof *copy);
    if (!copy)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if (n_attrs)
        memcpy(copy, attrs, n_attrs * sizeof *copy);
    rt__graph_set_attrs(rewrite->graph, node, copy, n_attrs);
    return RT_OK;
}

rt_code rt__rewrite_replace(rt_rewrite *rewrite, uint32_t node, const char *op, const rt_edge *inputs,
                            uint32_t n, const rt_attr *attrs, uint32_t n_attrs, rt_error *err)
{
    rt_code code = RT_OK;
    for (uint32_t i = 0; i < n_attrs; i++)
        if (attrs[i].kind == RT_ATTR_LIST_INT && attrs[i].count && !attrs[i].value.ints)
            code = rt_fail(err, RT_ENOMEM, "out of memory");
    rt__graph_set_op(rewrite->graph, node, op);
    if (code == RT_OK)
        code = rt__rewrite_set_attrs(rewrite, node, attrs, n_attrs, err);
    if (code == RT_OK)
        code = rt__graph_set_inputs(rewrite->graph, node, inputs, n, NULL, 0, err);
    return code;
}

static rt_code new_name(rt_rewrite *r, uint32_t near, const char **name, rt_error *err)
{
    const char *stem = rt__graph_node(r->graph, near)->name;
    size_t size = strlen(stem) + 24;
    uint32_t taken;
    char *text = rt__arena_alloc(rt__graph_arena(r->graph), size);
    if (!text)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    do
        snprintf(text, size, "%s/rt_%u", stem, ++r->made);
    while (rt__graph_find(r->graph, text, &taken));
    *name = text;
    return RT_OK;
}

rt_code rt__rewrite_add(rt_rewrite *rewrite, uint32_t near, const char *op, const rt_edge *inputs, uint32_t n,
                        const rt_attr *attrs, uint32_t n_attrs, uint32_t *node, rt_error *err)
{
    const char *name;
    uint32_t added; /* *node may be one of the inputs */
    rt_code code = new_name(rewrite, near, &name, err);
    if (code == RT_OK)
        code = rt__graph_add(rewrite->graph, name, op, &added, err);
    if (code == RT_OK)
        code = rt__rewrite_replace(rewrite, added, op, inputs, n, attrs, n_attrs, err);
    if (code == RT_OK)
        *node = added;
    return code;
}

rt_code rt__rewrite_set_input(rt_rewrite *rewrite, uint32_t node, uint32_t input, rt_edge edge, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node);
    rt_edge *inputs = rt__arena_array(rt__graph_arena(rewrite->graph), n->n_inputs, sizeof *inputs);
    if (!inputs)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    memcpy(inputs, n->inputs, n->n_inputs * sizeof *inputs);
    inputs[input] = edge;
    return rt__graph_set_inputs(rewrite->graph, node, inputs, n->n_inputs, NULL, 0, err);
}

rt_code rt__rewrite_const(rt_rewrite *rewrite, uint32_t near, rt_dtype dtype, const rt_shape *shape,
                          rt_edge *edge, void **data, rt_error *err)
{
    rt_tensor tensor = {.dtype = dtype, .shape = *shape};
    const char *name;
    size_t count;
    rt_code code = rt__shape_elements(shape, &count, err);
    if (code != RT_OK)
        return code;
    if (!(*data = rt__arena_array(rt__graph_arena(rewrite->graph), count, rt__dtype_size(dtype))))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    tensor.bytes = count * rt__dtype_size(dtype);
    tensor.data = *data;
    if ((code = new_name(rewrite, near, &name, err)) != RT_OK)
        return code;
    edge->output = 0;
    return rt__graph_add_const(rewrite->graph, name, &tensor, &edge->node, err);
}

rt_code rt__rewrite_vector(rt_rewrite *rewrite, uint32_t near, size_t count, rt_edge *edge, double **data,
                           rt_error *err)
{
    rt_shape shape = {.rank = 1, .dim = {(int64_t)count}};
    void *bytes = NULL;
    rt_code code = rt__rewrite_const(rewrite, near, RT_DOUBLE, &shape, edge, &bytes, err);
    *data = bytes;
    return code;
}

rt_attr rt__attr_string(const char *name, const char *text)
{
    return (rt_attr){.name = name, .kind = RT_ATTR_STRING, .value.s = {text, strlen(text)}};
}

rt_attr rt__attr_float(const char *name, float value)
{
    return (rt_attr){.name = name, .kind = RT_ATTR_FLOAT, .value.f = value};
}

rt_attr rt__attr_ints(rt_rewrite *rewrite, const char *name, const int64_t *ints, size_t count)
{
    int64_t *copy = rt__arena_array(rt__graph_arena(rewrite->graph), count, sizeof *copy);
    if (copy && count)
        memcpy(copy, ints, count * sizeof *copy);
    return (rt_attr){.name = name, .kind = RT_ATTR_LIST_INT, .count = count, .value.ints = copy};
}

bool rt__attr_is(const rt_node *node, const char *name, const char *text)
{
    return strcmp(rt__op_string(node, name), text) == 0;
}
