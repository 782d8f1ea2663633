#include "variables.h"

#include "graph/graph_builder.h"

#include <stdlib.h>
#include <string.h>

static bool is_op(const rt_graph *graph, uint32_t node, const char *op)
{
    return strcmp(rt__graph_node(graph, node)->op, op) == 0;
}

static int by_name(const void *a, const void *b)
{
    const rt_unfrozen_variable *x = a, *y = b;
    return strcmp(x->stored.name, y->stored.name);
}

/* The variables of the frozen graph, by name. */
static rt_code list(const rt_graph *frozen, const rt_variable_kind *kinds, rt_variables *v, rt_error *err)
{
    uint32_t count = rt__graph_count(frozen);
    if (!(v->variables = calloc((size_t)count + 1, sizeof *v->variables)))
        return rt_fail(err, RT_ENOMEM, "out of memory for a graph's variables");
    for (uint32_t i = 0; i < count; i++) {
        const rt_tensor *value = rt__graph_const(frozen, (rt_edge){i, 0});
        if (kinds[i] == RT_NO_VARIABLE)
            continue;
        if (!value || !is_op(frozen, i, "Const"))
            return rt_fail(err, RT_EARG, "node '%s' is not a constant", rt__graph_node(frozen, i)->name);
        v->variables[v->n++] = (rt_unfrozen_variable){
            .stored = {rt__graph_node(frozen, i)->name, *value},
            .is_resource = kinds[i] == RT_RESOURCE_VARIABLE,
            .is_trained = kinds[i] == RT_REF_VARIABLE,
            .variable = i,
            .read = i,
        };
    }
    qsort(v->variables, v->n, sizeof *v->variables, by_name);
    return RT_OK;
}

static void describe_variable(rt_graph_builder *b, uint32_t node, const rt_tensor *value, const char *shared)
{
    rt__builder_text(b, node, "container", "");
    rt__builder_type(b, node, "dtype", value->dtype);
    rt__builder_shape(b, node, "shape", &value->shape);
    rt__builder_text(b, node, "shared_name", shared);
}

/* An Identity of a resource is its read: the type stands in dtype, not in T. */
static void copy_read(rt_graph_builder *b, const rt_node *from)
{
    rt_attr *attrs = rt__builder_array(b, from->n_attrs, sizeof *attrs);
    uint32_t node = rt__builder_node(b, from->name, "ReadVariableOp", NULL, 0);
    if (b->code != RT_OK)
        return;
    for (uint32_t i = 0; i < from->n_attrs; i++) {
        attrs[i] = from->attrs[i];
        if (strcmp(attrs[i].name, "T") == 0)
            attrs[i].name = "dtype";
    }
    rt__graph_set_device(b->graph, node, from->device);
    rt__graph_set_attrs(b->graph, node, attrs, from->n_attrs);
}

static bool reads_resource(const rt_graph *frozen, const rt_variable_kind *kinds, uint32_t node)
{
    const rt_node *n = rt__graph_node(frozen, node);
    return is_op(frozen, node, "Identity") && n->n_inputs == 1 &&
           kinds[n->inputs[0].node] == RT_RESOURCE_VARIABLE;
}

/* Every node under its old number, no inputs yet. */
static void copy_nodes(rt_graph_builder *b, const rt_graph *frozen, const rt_variable_kind *kinds)
{
    for (uint32_t i = 0; b->code == RT_OK && i < rt__graph_count(frozen); i++) {
        const rt_node *from = rt__graph_node(frozen, i);
        uint32_t node;
        if (kinds[i] != RT_NO_VARIABLE) {
            bool resource = kinds[i] == RT_RESOURCE_VARIABLE;
            node = rt__builder_node(b, from->name, resource ? "VarHandleOp" : "VariableV2", NULL, 0);
            describe_variable(b, node, rt__graph_const(frozen, (rt_edge){i, 0}), resource ? from->name : "");
        } else if (reads_resource(frozen, kinds, i)) {
            copy_read(b, from);
        } else {
            b->code = rt__graph_add_copy(b->graph, from, &node, b->err);
        }
    }
}

/* NAME/Initializer/zeros, NAME/Assign and, for a resource, NAME/Read/ReadVariableOp. */
static void add_companions(rt_graph_builder *b, rt_unfrozen_variable *v)
{
    enum { WIDEST_ELEMENT = 16 };
    const char *name = v->stored.name;
    const rt_tensor *value = &v->stored.tensor;
    int32_t *dims = rt__builder_array(b, RT_MAX_RANK, sizeof *dims);
    const rt_tensor shape = {.dtype = RT_INT32,
                             .shape = {.rank = 1, .dim = {value->shape.rank}},
                             .bytes = (size_t)value->shape.rank * sizeof *dims,
                             .data = dims};
    const rt_tensor zero = {.dtype = value->dtype,
                            .bytes = rt__dtype_size(value->dtype),
                            .data = rt__builder_array(b, WIDEST_ELEMENT, 1)};
    rt_edge fill[2] = {{0, 0}, {0, 0}}, assign[2] = {{v->variable, 0}, {0, 0}};
    for (int i = 0; dims && i < value->shape.rank; i++)
        dims[i] = (int32_t)value->shape.dim[i];
    fill[0].node =
        rt__builder_const(b, rt__builder_name(b, name, "Initializer/zeros/shape_as_tensor"), &shape);
    fill[1].node = rt__builder_const(b, rt__builder_name(b, name, "Initializer/zeros/Const"), &zero);
    v->initial = rt__builder_node(b, rt__builder_name(b, name, "Initializer/zeros"), "Fill", fill, 2);
    rt__builder_type(b, v->initial, "T", value->dtype);
    rt__builder_type(b, v->initial, "index_type", RT_INT32);
    assign[1].node = v->initial;
    v->assign = rt__builder_node(b, rt__builder_name(b, name, "Assign"),
                                 v->is_resource ? "AssignVariableOp" : "Assign", assign, 2);
    rt__builder_type(b, v->assign, v->is_resource ? "dtype" : "T", value->dtype);
    if (!v->is_resource)
        return;
    v->read =
        rt__builder_node(b, rt__builder_name(b, name, "Read/ReadVariableOp"), "ReadVariableOp", assign, 1);
    rt__builder_type(b, v->read, "dtype", value->dtype);
}

/* reads[i]: what a node gets that read variable i without an Identity between. */
static rt_code connect(rt_graph *graph, const rt_graph *frozen, const rt_variable_kind *kinds,
                       const uint32_t *reads, rt_error *err)
{
    rt_code code = RT_OK;
    for (uint32_t i = 0; code == RT_OK && i < rt__graph_count(frozen); i++) {
        const rt_node *from = rt__graph_node(frozen, i);
        size_t n = (size_t)from->n_inputs + from->n_controls;
        rt_edge *inputs = malloc((n + 1) * sizeof *inputs);
        if (!inputs)
            return rt_fail(err, RT_ENOMEM, "out of memory for a graph's edges");
        for (size_t k = 0; k < n; k++) {
            inputs[k] = from->inputs[k];
            if (kinds[inputs[k].node] == RT_RESOURCE_VARIABLE && inputs[k].output == 0 &&
                !reads_resource(frozen, kinds, i))
                inputs[k].node = reads[inputs[k].node];
        }
        code = rt__graph_set_inputs(graph, i, inputs, from->n_inputs, inputs + from->n_inputs,
                                    from->n_controls, err);
        free(inputs);
    }
    return code;
}

rt_code rt__variables_unfreeze(rt_graph *frozen, const rt_variable_kind *kinds, rt_variables *variables,
                               rt_error *err)
{
    rt_graph_builder b = {.err = err};
    rt_variables v = {0};
    uint32_t *reads = calloc((size_t)rt__graph_count(frozen) + 1, sizeof *reads);
    rt_code code = reads ? list(frozen, kinds, &v, err) : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt__graph_derive(frozen, &v.graph, err);
    b.graph = v.graph;
    b.code = code;
    if (code == RT_OK)
        copy_nodes(&b, frozen, kinds);
    for (size_t i = 0; b.code == RT_OK && i < v.n; i++) {
        add_companions(&b, &v.variables[i]);
        reads[v.variables[i].variable] = v.variables[i].read;
    }
    if (b.code == RT_OK)
        b.code = connect(v.graph, frozen, kinds, reads, err);
    free(reads);
    if (b.code == RT_OK)
        *variables = v;
    else
        rt__variables_clear(&v);
    return b.code;
}

rt_code rt__variables_write(const rt_variables *variables, const char *prefix, rt_error *err)
{
    rt_named_tensor *tensors = calloc(variables->n + 1, sizeof *tensors);
    rt_code code;
    if (!tensors)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < variables->n; i++)
        tensors[i] = variables->variables[i].stored;
    code = rt__bundle_write(prefix, tensors, variables->n, err);
    free(tensors);
    return code;
}

void rt__variables_clear(rt_variables *variables)
{
    rt__graph_free(variables->graph);
    free(variables->variables);
    *variables = (rt_variables){0};
}
