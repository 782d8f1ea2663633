#include "graph.h"

#include "base/checked.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* What a graph and all graphs derived from it keep alive. */
typedef struct held {
    struct held *next;
    void *thing;
    void (*release)(void *);
} held;

struct rt_graph {
    atomic_uint references; /* 1 for the owner, 1 for each derived graph that still lives */
    rt_graph *source;       /* what it was derived from, or NULL */
    rt_arena *arena;
    held *holds;
    rt_node *nodes;
    uint32_t n_nodes, capacity;
    uint32_t *buckets;  /* node index + 1, 0 for empty; open addressing */
    uint32_t n_buckets; /* a power of two, or 0 */
};

rt_code rt__graph_new(rt_graph **graph, rt_error *err)
{
    rt_graph *g = calloc(1, sizeof *g);
    if (!g || !(g->arena = rt__arena_new())) {
        free(g);
        return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    atomic_init(&g->references, 1);
    *graph = g;
    return RT_OK;
}

rt_code rt__graph_derive(rt_graph *source, rt_graph **graph, rt_error *err)
{
    rt_code code = rt__graph_new(graph, err);
    if (code == RT_OK) {
        atomic_fetch_add(&source->references, 1);
        (*graph)->source = source;
    }
    return code;
}

void rt__graph_free(rt_graph *graph)
{
    while (graph && atomic_fetch_sub(&graph->references, 1) == 1) {
        rt_graph *source = graph->source;
        for (held *h = graph->holds, *next; h; h = next) {
            next = h->next;
            h->release(h->thing);
            free(h);
        }
        rt__arena_free(graph->arena);
        free(graph->nodes);
        free(graph->buckets);
        free(graph);
        graph = source;
    }
}

rt_code rt__graph_hold(rt_graph *graph, void *thing, void (*release)(void *), rt_error *err)
{
    held *h = malloc(sizeof *h);
    if (!h) {
        release(thing);
        return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    *h = (held){graph->holds, thing, release};
    graph->holds = h;
    return RT_OK;
}

rt_arena *rt__graph_arena(rt_graph *graph)
{
    return graph->arena;
}

/* FNV-1a, 64 bits. */
static uint64_t name_hash(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash ^ (hash >> 32);
}

/* The bucket that holds name, or the empty one where it would go; n_buckets > n_nodes. */
static uint32_t *find_bucket(const rt_graph *graph, const char *name)
{
    uint32_t mask = graph->n_buckets - 1;
    uint32_t at = (uint32_t)name_hash(name) & mask;
    while (graph->buckets[at] && strcmp(graph->nodes[graph->buckets[at] - 1].name, name) != 0)
        at = (at + 1) & mask;
    return &graph->buckets[at];
}

static rt_code grow(rt_graph *graph, rt_error *err)
{
    uint32_t capacity = graph->capacity ? graph->capacity * 2 : 256;
    rt_node *nodes;
    uint32_t *buckets;
    if (graph->capacity > UINT32_MAX / 16)
        return rt_fail(err, RT_ELIMIT, "more than %u nodes", graph->capacity);
    if (!(nodes = realloc(graph->nodes, capacity * sizeof *nodes)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    graph->nodes = nodes;
    if (!(buckets = calloc(2 * (size_t)capacity, sizeof *buckets)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    free(graph->buckets);
    graph->buckets = buckets;
    graph->n_buckets = 2 * capacity;
    graph->capacity = capacity;
    for (uint32_t i = 0; i < graph->n_nodes; i++)
        *find_bucket(graph, nodes[i].name) = i + 1;
    return RT_OK;
}

rt_code rt__graph_add(rt_graph *graph, const char *name, const char *op, uint32_t *index, rt_error *err)
{
    uint32_t *bucket;
    if (graph->n_nodes == graph->capacity) {
        rt_code code = grow(graph, err);
        if (code != RT_OK)
            return code;
    }
    bucket = find_bucket(graph, name);
    if (*bucket)
        return rt_fail(err, RT_EFORMAT, "two nodes are named '%s'", name);
    *bucket = graph->n_nodes + 1;
    graph->nodes[graph->n_nodes] = (rt_node){.name = name, .op = op, .device = ""};
    *index = graph->n_nodes++;
    return RT_OK;
}

rt_code rt__graph_add_copy(rt_graph *graph, const rt_node *node, uint32_t *index, rt_error *err)
{
    const rt_node copy = *node; /* node may stand in the array that grows */
    rt_code code = rt__graph_add(graph, copy.name, copy.op, index, err);
    if (code == RT_OK) {
        rt_node *added = &graph->nodes[*index];
        added->device = copy.device;
        added->attrs = copy.attrs; /* never changed in place: rt__graph_set_attr makes a new array */
        added->n_attrs = copy.n_attrs;
    }
    return code;
}

rt_code rt__graph_set_inputs(rt_graph *graph, uint32_t node, const rt_edge *data, uint32_t n_data,
                             const rt_edge *controls, uint32_t n_controls, rt_error *err)
{
    rt_edge *inputs = rt__arena_array(graph->arena, (size_t)n_data + n_controls, sizeof *inputs);
    rt_node *n = &graph->nodes[node];
    if (!inputs)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if (n_data)
        memcpy(inputs, data, n_data * sizeof *inputs);
    if (n_controls)
        memcpy(inputs + n_data, controls, n_controls * sizeof *inputs);
    n->inputs = inputs;
    n->n_inputs = n_data;
    n->n_controls = n_controls;
    return RT_OK;
}

rt_code rt__graph_set_attr(rt_graph *graph, uint32_t node, const rt_attr *attr, rt_error *err)
{
    rt_node *n = &graph->nodes[node];
    rt_attr *attrs = rt__arena_array(graph->arena, (size_t)n->n_attrs + 1, sizeof *attrs);
    uint32_t at = 0;
    if (!attrs)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if (n->n_attrs)
        memcpy(attrs, n->attrs, n->n_attrs * sizeof *attrs);
    while (at < n->n_attrs && strcmp(attrs[at].name, attr->name) != 0)
        at++;
    attrs[at] = *attr;
    n->attrs = attrs;
    if (at == n->n_attrs)
        n->n_attrs++;
    return RT_OK;
}

void rt__graph_set_attrs(rt_graph *graph, uint32_t node, const rt_attr *attrs, uint32_t n_attrs)
{
    graph->nodes[node].attrs = attrs;
    graph->nodes[node].n_attrs = n_attrs;
}

void rt__graph_set_op(rt_graph *graph, uint32_t node, const char *op)
{
    graph->nodes[node].op = op;
}

void rt__graph_set_device(rt_graph *graph, uint32_t node, const char *device)
{
    graph->nodes[node].device = device;
}

rt_code rt__graph_add_const(rt_graph *graph, const char *name, const rt_tensor *tensor, uint32_t *index,
                            rt_error *err)
{
    rt_attr dtype = {.name = "dtype", .kind = RT_ATTR_TYPE, .value.type = tensor->dtype};
    rt_attr value = {.name = "value", .kind = RT_ATTR_TENSOR, .value.tensor = *tensor};
    rt_code code = rt__graph_add(graph, name, "Const", index, err);
    if (code == RT_OK)
        code = rt__graph_set_attr(graph, *index, &dtype, err);
    if (code == RT_OK)
        code = rt__graph_set_attr(graph, *index, &value, err);
    return code;
}

uint32_t rt__graph_count(const rt_graph *graph)
{
    return graph->n_nodes;
}

const rt_node *rt__graph_node(const rt_graph *graph, uint32_t index)
{
    return &graph->nodes[index];
}

bool rt__graph_find(const rt_graph *graph, const char *name, uint32_t *index)
{
    uint32_t *bucket;
    if (graph->n_nodes == 0)
        return false;
    bucket = find_bucket(graph, name);
    if (!*bucket)
        return false;
    *index = *bucket - 1;
    return true;
}

bool rt__op_is_one_of(const char *op, const char *const *ops)
{
    while (*ops && strcmp(op, *ops) != 0)
        ops++;
    return *ops != NULL;
}

const rt_attr *rt__node_attr(const rt_node *node, const char *name)
{
    for (uint32_t i = 0; i < node->n_attrs; i++)
        if (strcmp(node->attrs[i].name, name) == 0)
            return &node->attrs[i];
    return NULL;
}

const rt_tensor *rt__graph_const(const rt_graph *graph, rt_edge edge)
{
    /* Bounded by the node count, so that a cycle of Identity nodes ends too. */
    for (uint32_t steps = 0; edge.output == 0 && steps <= graph->n_nodes; steps++) {
        const rt_node *node = &graph->nodes[edge.node];
        if (strcmp(node->op, "Const") == 0) {
            const rt_attr *value = rt__node_attr(node, "value");
            return value && value->kind == RT_ATTR_TENSOR ? &value->value.tensor : NULL;
        }
        if (strcmp(node->op, "Identity") != 0 || node->n_inputs != 1)
            return NULL;
        edge = node->inputs[0];
    }
    return NULL;
}
