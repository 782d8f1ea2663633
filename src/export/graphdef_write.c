#include "graphdef_write.h"

#include "attr_write.h"
#include "proto/message.h"
#include "proto/tf_graph.pb-c.h"

#include <stdio.h>
#include <string.h>

static rt_code no_memory(rt_error *err)
{
    return rt_fail(err, RT_ENOMEM, "out of memory for a graph's message");
}

/* "name", "name:1" for later outputs, "^name" for a control input: as TensorFlow spells them. */
static char *input_text(const rt_graph *graph, rt_edge edge, rt_arena *arena)
{
    enum { OUTPUT_DIGITS = 16 };
    const char *name = rt__graph_node(graph, edge.node)->name;
    size_t size = strlen(name) + OUTPUT_DIGITS;
    char *text;
    if (edge.output == 0)
        return (char *)(uintptr_t)name;
    if (!(text = rt__arena_alloc(arena, size)))
        return NULL;
    if (edge.output == RT_CONTROL)
        snprintf(text, size, "^%s", name);
    else
        snprintf(text, size, "%s:%d", name, (int)edge.output);
    return text;
}

static rt_code fill_node(const rt_graph *graph, const rt_node *node, rt_arena *arena, Tf__NodeDef *def,
                         rt_error *err)
{
    tf__node_def__init(def);
    def->name = (char *)(uintptr_t)node->name;
    def->op = (char *)(uintptr_t)node->op;
    def->device = (char *)(uintptr_t)node->device;
    def->n_input = (size_t)node->n_inputs + node->n_controls;
    def->input = rt__arena_array(arena, def->n_input, sizeof *def->input);
    def->n_attr = node->n_attrs;
    def->attr = rt__arena_array(arena, def->n_attr, sizeof *def->attr);
    if (!def->input || !def->attr)
        return no_memory(err);
    for (size_t i = 0; i < def->n_input; i++)
        if (!(def->input[i] = input_text(graph, node->inputs[i], arena)))
            return no_memory(err);
    for (size_t i = 0; i < def->n_attr; i++) {
        rt_code code = rt__attr_write(&node->attrs[i], arena, &def->attr[i], err);
        if (code != RT_OK)
            return code;
    }
    return RT_OK;
}

rt_code rt__graphdef_message(const rt_graph *graph, int32_t producer, rt_arena *arena, Tf__GraphDef **message,
                             rt_error *err)
{
    size_t count = rt__graph_count(graph);
    Tf__GraphDef *def = rt__arena_alloc(arena, sizeof *def);
    Tf__VersionDef *versions = rt__arena_alloc(arena, sizeof *versions);
    Tf__NodeDef *nodes = rt__arena_array(arena, count, sizeof *nodes);
    Tf__NodeDef **pointers = rt__arena_array(arena, count, sizeof *pointers);
    if (!def || !versions || !nodes || !pointers)
        return no_memory(err);
    tf__graph_def__init(def);
    tf__version_def__init(versions);
    versions->producer = producer;
    def->versions = versions;
    def->n_node = count;
    def->node = pointers;
    for (uint32_t i = 0; i < count; i++) {
        rt_code code = fill_node(graph, rt__graph_node(graph, i), arena, &nodes[i], err);
        if (code != RT_OK)
            return code;
        pointers[i] = &nodes[i];
    }
    *message = def;
    return RT_OK;
}

rt_code rt__graphdef_write(const rt_graph *graph, int32_t producer, rt_buffer *bytes, rt_error *err)
{
    rt_arena *arena = rt__arena_new();
    Tf__GraphDef *message;
    rt_code code = arena ? rt__graphdef_message(graph, producer, arena, &message, err) : no_memory(err);
    if (code == RT_OK)
        code = rt__proto_pack(&message->base, bytes, err);
    rt__arena_free(arena);
    return code;
}
