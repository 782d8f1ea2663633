/* Variables become constants, as convert_variables_to_constants() in TensorFlow does it. */
#include "network.h"

#include <string.h>

static bool is_op(const rt_node *node, const char *op)
{
    return strcmp(node->op, op) == 0;
}

/* The name a variable has in the checkpoint. */
static const char *checkpoint_name(const rt_node *node)
{
    const rt_attr *shared = rt__node_attr(node, "shared_name");
    bool resource = is_op(node, "VarHandleOp");
    return resource && shared && shared->kind == RT_ATTR_STRING && shared->value.s.size > 0
               ? shared->value.s.bytes
               : node->name;
}

static bool shapes_agree(const rt_shape *declared, const rt_shape *stored)
{
    if (declared->rank == RT_UNKNOWN)
        return true;
    if (declared->rank != stored->rank)
        return false;
    for (int i = 0; i < declared->rank; i++)
        if (declared->dim[i] != RT_UNKNOWN && declared->dim[i] != stored->dim[i])
            return false;
    return true;
}

static rt_code check_declared(const rt_node *node, const rt_variable *v, rt_error *err)
{
    const rt_attr *dtype = rt__node_attr(node, "dtype"), *shape = rt__node_attr(node, "shape");
    char declared[128], stored[128];
    if (dtype && dtype->kind == RT_ATTR_TYPE && dtype->value.type != v->dtype)
        return rt_fail(err, RT_EFORMAT, "variable '%s' is %s in the graph and %s in the checkpoint", v->name,
                       rt__dtype_name(dtype->value.type), rt__dtype_name(v->dtype));
    if (shape && shape->kind == RT_ATTR_SHAPE && !shapes_agree(&shape->value.shape, &v->shape))
        return rt_fail(err, RT_EFORMAT, "variable '%s' is %s in the graph and %s in the checkpoint", v->name,
                       rt__shape_text(&shape->value.shape, declared, sizeof declared),
                       rt__shape_text(&v->shape, stored, sizeof stored));
    return RT_OK;
}

static rt_code freeze_variable(rt_graph *graph, uint32_t index, const rt_bundle *bundle, rt_error *err)
{
    const rt_node *node = rt__graph_node(graph, index);
    const char *name = checkpoint_name(node);
    const rt_variable *v = bundle ? rt__bundle_find(bundle, name) : NULL;
    rt_arena *arena = rt__graph_arena(graph);
    rt_attr *attrs = rt__arena_array(arena, 2, sizeof *attrs);
    rt_code code;
    if (!bundle)
        return rt_fail(err, RT_EUNSUPPORTED,
                       "node '%s' is a variable (%s) without a value: the graph is not frozen", node->name,
                       node->op);
    if (!v)
        return rt_fail(err, RT_EFORMAT, "variable '%s' of node '%s' is not in the checkpoint", name,
                       node->name);
    if (!attrs)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    attrs[0] = (rt_attr){.name = "dtype", .kind = RT_ATTR_TYPE, .value.type = v->dtype};
    attrs[1] = (rt_attr){.name = "value", .kind = RT_ATTR_TENSOR};
    code = check_declared(node, v, err);
    if (code == RT_OK)
        code = rt__bundle_read(bundle, v, arena, &attrs[1].value.tensor, err);
    if (code != RT_OK)
        return code;
    rt__graph_set_op(graph, index, "Const");
    rt__graph_set_attrs(graph, index, attrs, 2);
    return rt__graph_set_inputs(graph, index, NULL, 0, NULL, 0, err);
}

/* A ReadVariableOp says its type in dtype, an Identity in T; the rest of its attributes stays. */
static rt_code freeze_read(rt_graph *graph, uint32_t index, rt_error *err)
{
    const rt_node *node = rt__graph_node(graph, index);
    rt_attr *attrs = rt__arena_array(rt__graph_arena(graph), node->n_attrs, sizeof *attrs);
    if (!attrs)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        attrs[i] = node->attrs[i];
        if (strcmp(attrs[i].name, "dtype") == 0)
            attrs[i].name = "T";
    }
    rt__graph_set_op(graph, index, "Identity");
    rt__graph_set_attrs(graph, index, attrs, node->n_attrs);
    return RT_OK;
}

static bool is_variable_op(const rt_node *node)
{
    return is_op(node, "VarHandleOp") || is_op(node, "VariableV2") || is_op(node, "Variable");
}

static rt_code freeze_node(rt_graph *graph, uint32_t index, bool variable, const rt_bundle *bundle,
                           rt_error *err)
{
    if (variable)
        return freeze_variable(graph, index, bundle, err);
    return is_op(rt__graph_node(graph, index), "ReadVariableOp") ? freeze_read(graph, index, err) : RT_OK;
}

rt_code rt__freeze(rt_graph *graph, const rt_bundle *bundle, bool *is_variable, rt_error *err)
{
    rt_code code = RT_OK;
    for (uint32_t i = 0; code == RT_OK && i < rt__graph_count(graph); i++) {
        is_variable[i] = is_variable_op(rt__graph_node(graph, i));
        code = freeze_node(graph, i, is_variable[i], bundle, err);
    }
    return code;
}

rt_code rt__freeze_stored(rt_graph *graph, const rt_bundle *bundle, rt_error *err)
{
    rt_code code = RT_OK;
    for (uint32_t i = 0; code == RT_OK && i < rt__graph_count(graph); i++) {
        const rt_node *node = rt__graph_node(graph, i);
        if (!is_variable_op(node) || rt__bundle_find(bundle, checkpoint_name(node)))
            code = freeze_node(graph, i, is_variable_op(node), bundle, err);
    }
    return code;
}
