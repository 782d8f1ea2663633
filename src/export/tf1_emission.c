/* What every row of tf1_ops.c builds with: names, ops, constants. */
#include "tf1_emission.h"

#include "attr_defaults.h"

#include <string.h>

rt_code rt__tf1_fail(const rt_tf1_emission *e, const char *why)
{
    return rt__node_fail(e->t->b.err, RT_EUNSUPPORTED, e->n, "%s", why);
}

rt_edge rt__tf1_input(const rt_tf1_emission *e, uint32_t k)
{
    return e->t->made[e->n->inputs[k].node];
}

const rt_shape *rt__tf1_shape(const rt_tf1_emission *e, uint32_t k)
{
    return &e->t->values[e->n->inputs[k].node].shape;
}

/* "node/part", or another name where that is taken. */
static const char *part_name(const rt_tf1_emission *e, const char *part)
{
    const char *name = rt__builder_name(&e->t->b, e->n->name, part);
    uint32_t found;
    while (name && (rt__graph_find(e->t->b.graph, name, &found) || rt__graph_find(e->t->fused, name, &found)))
        name = rt__builder_name(&e->t->b, name, "0");
    return name;
}

rt_edge rt__tf1_op(const rt_tf1_emission *e, const char *part, const char *name, const rt_edge *inputs,
                   size_t n)
{
    rt_graph_builder *b = &e->t->b;
    uint32_t node = rt__builder_node(b, part ? part_name(e, part) : e->n->name, name, inputs, n);
    rt__builder_type(b, node, "T", RT_FLOAT);
    if (b->code == RT_OK)
        b->code = rt__attr_add_defaults(b->graph, node, b->err);
    return (rt_edge){node, 0};
}

void rt__tf1_ints(const rt_tf1_emission *e, rt_edge node, const char *name, const int64_t *values, size_t n)
{
    int64_t *copy = rt__builder_array(&e->t->b, n, sizeof *copy);
    rt_attr attr = {.name = name, .kind = RT_ATTR_LIST_INT, .count = n, .value.ints = copy};
    if (!copy)
        return;
    memcpy(copy, values, n * sizeof *copy);
    rt__builder_attr(&e->t->b, node.node, &attr);
}

void rt__tf1_window(const rt_tf1_emission *e, rt_edge node, const char *name, const int64_t *hw)
{
    rt__tf1_ints(e, node, name, (int64_t[]){1, hw[0], hw[1], 1}, 4);
}

rt_edge rt__tf1_int_const(const rt_tf1_emission *e, const char *part, int rank, const int64_t *dims,
                          const int32_t *values, size_t n)
{
    rt_tensor tensor = {.dtype = RT_INT32, .shape.rank = rank, .bytes = n * sizeof *values};
    int32_t *copy = rt__builder_array(&e->t->b, n, sizeof *copy);
    const char *name = part_name(e, part);
    if (!copy || !name)
        return (rt_edge){0, 0};
    memcpy(copy, values, tensor.bytes);
    for (int i = 0; i < rank; i++)
        tensor.shape.dim[i] = dims[i];
    tensor.data = copy;
    return (rt_edge){rt__builder_const(&e->t->b, name, &tensor), 0};
}

rt_edge rt__tf1_float_const(const rt_tf1_emission *e, const char *part, const float *values, size_t n)
{
    rt_tensor tensor = {.dtype = RT_FLOAT, .shape = {.rank = 1, .dim = {(int64_t)n}}, .data = values};
    const char *name = part_name(e, part);
    size_t same = 1;
    while (same < n && values[same] == values[0])
        same++;
    if (same == n)
        tensor.shape.rank = 0;
    tensor.bytes = (same == n ? 1 : n) * sizeof *values;
    return (rt_edge){name ? rt__builder_const(&e->t->b, name, &tensor) : 0, 0};
}

const rt_tensor *rt__tf1_weights(const rt_tf1_emission *e, uint32_t k, const char *part, rt_edge *made)
{
    const rt_tensor *tensor = k < e->n->n_inputs ? rt__graph_const(e->t->fused, e->n->inputs[k]) : NULL;
    const char *name = part_name(e, part);
    *made = (rt_edge){0, 0};
    if (!tensor || tensor->dtype != RT_FLOAT) {
        e->t->b.code = rt__tf1_fail(e, "its weights are no float constant");
        return NULL;
    }
    if (name)
        made->node = rt__builder_const(&e->t->b, name, tensor);
    return e->t->b.code == RT_OK ? tensor : NULL;
}

float *rt__tf1_floats(const rt_tf1_emission *e, uint32_t k, size_t *n)
{
    const rt_tensor *tensor = k < e->n->n_inputs ? rt__graph_const(e->t->fused, e->n->inputs[k]) : NULL;
    float *copy;
    if (!tensor || tensor->dtype != RT_FLOAT) {
        e->t->b.code = rt__tf1_fail(e, "its weights are no float constant");
        return NULL;
    }
    *n = tensor->bytes / sizeof(float);
    if ((copy = rt__builder_array(&e->t->b, *n, sizeof *copy)) && *n)
        memcpy(copy, tensor->data, tensor->bytes);
    return copy;
}
