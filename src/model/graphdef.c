#include "graphdef.h"

#include "attr_proto.h"
#include "proto/message.h"
#include "proto/tf_graph.pb-c.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NODES = 1000000 };

typedef struct builder {
    rt_graph *graph;
    rt_expansion expansion;
    rt_edge *edges; /* scratch, as many as the longest input list */
} builder;

static rt_code read_attrs(rt_graph *graph, uint32_t index, const Tf__NodeDef *def, rt_expansion *expansion,
                          rt_error *err)
{
    rt_attr *attrs;
    if (def->n_attr > MAX_NODES)
        return rt_fail(err, RT_ELIMIT, "node '%s' has %zu attributes", def->name, def->n_attr);
    if (!(attrs = rt__arena_array(expansion->arena, def->n_attr, sizeof *attrs)))
        return rt_fail(err, RT_ENOMEM, "out of memory for attributes");
    for (size_t i = 0; i < def->n_attr; i++) {
        rt_code code = rt__attr_read(def->attr[i], expansion, &attrs[i], err);
        if (code != RT_OK) {
            rt_doing(err, NULL, "cannot read attribute '%s' of node '%s'", def->attr[i]->key, def->name);
            return code;
        }
    }
    rt__graph_set_attrs(graph, index, attrs, (uint32_t)def->n_attr);
    return RT_OK;
}

rt_code rt__graphdef_add(rt_graph *graph, const Tf__NodeDef *def, rt_expansion *expansion, uint32_t *index,
                         rt_error *err)
{
    rt_code code;
    if (!*def->name || !*def->op)
        return rt_fail(err, RT_EFORMAT, "node number %u ('%s') has no %s", rt__graph_count(graph), def->name,
                       *def->name ? "op" : "name");
    code = rt__graph_add(graph, def->name, def->op, index, err);
    if (code == RT_OK)
        code = read_attrs(graph, *index, def, expansion, err);
    if (code == RT_OK)
        rt__graph_set_device(graph, *index, def->device);
    return code;
}

static rt_code add_nodes(builder *b, const Tf__GraphDef *message, rt_error *err)
{
    if (message->n_node > MAX_NODES)
        return rt_fail(err, RT_ELIMIT, "%zu nodes, at most %d are read", message->n_node, MAX_NODES);
    for (size_t i = 0; i < message->n_node; i++) {
        uint32_t index;
        rt_code code = rt__graphdef_add(b->graph, message->node[i], &b->expansion, &index, err);
        if (code != RT_OK)
            return code;
    }
    return RT_OK;
}

/* "name", "name:2" or "^name".  Cuts the text at the colon for the time of the look-up. */
static bool find_input(const rt_graph *graph, char *text, rt_edge *edge)
{
    char *colon = strrchr(text, ':');
    uint32_t output = 0;
    bool found;
    if (*text == '^') {
        edge->output = RT_CONTROL;
        return rt__graph_find(graph, text + 1, &edge->node);
    }
    if (colon) {
        const char *digit = colon + 1;
        do {
            if (*digit < '0' || *digit > '9' || output > MAX_NODES)
                return false;
            output = output * 10 + (uint32_t)(*digit - '0');
        } while (*++digit);
        *colon = 0;
    }
    edge->output = (int32_t)output;
    found = rt__graph_find(graph, text, &edge->node);
    if (colon)
        *colon = ':';
    return found;
}

static rt_code set_inputs(builder *b, uint32_t index, const Tf__NodeDef *def, rt_error *err)
{
    uint32_t n_data = 0, n_controls = 0;
    for (size_t i = 0; i < def->n_input; i++) {
        rt_edge edge;
        if (!find_input(b->graph, def->input[i], &edge))
            return rt_fail(err, RT_EFORMAT, "node '%s': there is no node for its input '%s'", def->name,
                           def->input[i]);
        if (edge.output != RT_CONTROL && n_controls > 0)
            return rt_fail(err, RT_EFORMAT, "node '%s': input '%s' stands behind a control input", def->name,
                           def->input[i]);
        b->edges[i] = edge;
        if (edge.output == RT_CONTROL)
            n_controls++;
        else
            n_data++;
    }
    return rt__graph_set_inputs(b->graph, index, b->edges, n_data, b->edges + n_data, n_controls, err);
}

static rt_code set_all_inputs(builder *b, const Tf__GraphDef *message, rt_error *err)
{
    rt_code code = RT_OK;
    size_t most = 1;
    for (size_t i = 0; i < message->n_node; i++)
        if (message->node[i]->n_input > most)
            most = message->node[i]->n_input;
    if (most > UINT32_MAX)
        return rt_fail(err, RT_ELIMIT, "a node with %zu inputs", most);
    if (!(b->edges = calloc(most, sizeof *b->edges)))
        return rt_fail(err, RT_ENOMEM, "out of memory for %zu inputs", most);
    for (size_t i = 0; code == RT_OK && i < message->n_node; i++)
        code = set_inputs(b, (uint32_t)i, message->node[i], err);
    free(b->edges);
    return code;
}

static rt_code keep_library(rt_graph *graph, const Tf__FunctionDefLibrary *library, rt_graphdef *def,
                            rt_error *err)
{
    rt_buffer bytes = {0};
    rt_code code = rt__proto_pack(&library->base, &bytes, err);
    if (code == RT_OK) {
        def->library =
            (rt_string){rt__arena_copy(rt__graph_arena(graph), bytes.bytes, bytes.size), bytes.size};
        if (!def->library.bytes)
            code = rt_fail(err, RT_ENOMEM, "out of memory for %zu bytes of functions", bytes.size);
    }
    rt__buffer_clear(&bytes);
    return code;
}

rt_code rt__graphdef_fill(rt_graph *graph, Tf__GraphDef *message, rt_graphdef *def, rt_error *err)
{
    builder b = {.graph = graph, .expansion = {rt__graph_arena(graph), RT_EXPANSION_BYTES}};
    rt_code code;
    *def = (rt_graphdef){.graph = graph, .producer = message->version, .library = {"", 0}};
    if (message->versions) {
        def->producer = message->versions->producer;
        def->min_consumer = message->versions->min_consumer;
    }
    code = add_nodes(&b, message, err);
    if (code == RT_OK)
        code = set_all_inputs(&b, message, err);
    if (code == RT_OK && message->library)
        code = keep_library(graph, message->library, def, err);
    return code;
}

rt_code rt__graphdef_read(const void *bytes, size_t size, rt_graphdef *def, rt_error *err)
{
    ProtobufCMessage *message;
    rt_graph *graph;
    rt_code code = rt__graph_new(&graph, err);
    if (code != RT_OK)
        return code;
    code = rt__proto_unpack(&tf__graph_def__descriptor, bytes, size, rt__graph_arena(graph), &message, err);
    if (code == RT_OK)
        code = rt__graphdef_fill(graph, (Tf__GraphDef *)message, def, err);
    if (code != RT_OK)
        rt__graph_free(graph);
    return code;
}
