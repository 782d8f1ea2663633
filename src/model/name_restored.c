/* Which variable is restored from which key of the checkpoint: the graph says it itself. */
#include "saved_objects.h"

#include <string.h>

enum { MOST_STEPS = 64 };

static bool is_op(const rt_node *node, const char *op)
{
    return strcmp(node->op, op) == 0;
}

/* Looks through Identity. */
static rt_edge origin(const rt_graph *graph, rt_edge edge)
{
    for (uint32_t steps = 0; edge.output == 0 && steps < MOST_STEPS; steps++) {
        const rt_node *node = rt__graph_node(graph, edge.node);
        if (!is_op(node, "Identity") || node->n_inputs == 0)
            break;
        edge = node->inputs[0];
    }
    return edge;
}

/* The name that output of a RestoreV2(prefix, names, slices) is stored under. */
static bool restored_name(const rt_graph *graph, rt_edge value, rt_string *name)
{
    const rt_node *node = rt__graph_node(graph, value.node);
    const rt_tensor *names;
    if (!is_op(node, "RestoreV2") || node->n_inputs != 3 || value.output < 0)
        return false;
    names = rt__graph_const(graph, node->inputs[1]);
    if (!names || names->dtype != RT_STRING || names->shape.rank != 1 || value.output >= names->shape.dim[0])
        return false;
    *name = names->strings[value.output];
    return true;
}

rt_code rt__name_restored(rt_graph *graph, rt_error *err)
{
    rt_code code = RT_OK;
    for (uint32_t i = 0; code == RT_OK && i < rt__graph_count(graph); i++) {
        const rt_node *node = rt__graph_node(graph, i);
        rt_attr attr = {.name = "shared_name", .kind = RT_ATTR_STRING};
        uint32_t variable;
        if (!is_op(node, "AssignVariableOp") || node->n_inputs < 2)
            continue;
        variable = origin(graph, node->inputs[0]).node;
        if (is_op(rt__graph_node(graph, variable), "VarHandleOp") &&
            restored_name(graph, origin(graph, node->inputs[1]), &attr.value.s))
            code = rt__graph_set_attr(graph, variable, &attr, err);
    }
    return code;
}
