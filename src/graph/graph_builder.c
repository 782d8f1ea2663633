#include "graph_builder.h"

#include <stdio.h>
#include <string.h>

void *rt__builder_array(rt_graph_builder *b, size_t count, size_t size)
{
    void *memory = b->code == RT_OK ? rt__arena_array(rt__graph_arena(b->graph), count, size) : NULL;
    if (b->code == RT_OK && !memory)
        b->code = rt_fail(b->err, RT_ENOMEM, "out of memory for a graph");
    return memory;
}

const char *rt__builder_name(rt_graph_builder *b, const char *scope, const char *name)
{
    size_t size = strlen(scope) + strlen(name) + 2;
    char *text = rt__builder_array(b, size, 1);
    if (text)
        snprintf(text, size, "%s/%s", scope, name);
    return text;
}

uint32_t rt__builder_node(rt_graph_builder *b, const char *name, const char *op, const rt_edge *inputs,
                          size_t n_inputs)
{
    uint32_t node = 0;
    if (b->code == RT_OK)
        b->code = rt__graph_add(b->graph, name, op, &node, b->err);
    rt__builder_controls(b, node, inputs, n_inputs, NULL, 0);
    return node;
}

void rt__builder_controls(rt_graph_builder *b, uint32_t node, const rt_edge *inputs, size_t n_inputs,
                          const rt_edge *controls, size_t n_controls)
{
    if (b->code == RT_OK)
        b->code = rt__graph_set_inputs(b->graph, node, inputs, (uint32_t)n_inputs, controls,
                                       (uint32_t)n_controls, b->err);
}

uint32_t rt__builder_const(rt_graph_builder *b, const char *name, const rt_tensor *tensor)
{
    uint32_t node = 0;
    if (b->code == RT_OK)
        b->code = rt__graph_add_const(b->graph, name, tensor, &node, b->err);
    return node;
}

void rt__builder_attr(rt_graph_builder *b, uint32_t node, const rt_attr *attr)
{
    if (b->code == RT_OK)
        b->code = rt__graph_set_attr(b->graph, node, attr, b->err);
}

void rt__builder_type(rt_graph_builder *b, uint32_t node, const char *name, rt_dtype type)
{
    const rt_attr attr = {.name = name, .kind = RT_ATTR_TYPE, .value.type = type};
    rt__builder_attr(b, node, &attr);
}

void rt__builder_bool(rt_graph_builder *b, uint32_t node, const char *name, bool value)
{
    const rt_attr attr = {.name = name, .kind = RT_ATTR_BOOL, .value.b = value};
    rt__builder_attr(b, node, &attr);
}

void rt__builder_shape(rt_graph_builder *b, uint32_t node, const char *name, const rt_shape *shape)
{
    const rt_attr attr = {.name = name, .kind = RT_ATTR_SHAPE, .value.shape = *shape};
    rt__builder_attr(b, node, &attr);
}

void rt__builder_text(rt_graph_builder *b, uint32_t node, const char *name, const char *text)
{
    const rt_attr attr = {.name = name, .kind = RT_ATTR_STRING, .value.s = {text, strlen(text)}};
    rt__builder_attr(b, node, &attr);
}
