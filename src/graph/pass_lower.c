/* TensorFlow's ops become rt.* ops, each by the rule in its row. */
#include "lower.h"

#include <string.h>

rt_code rt__pass_lower(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node);
    const rt_op *op = rt__op_find(n->op);
    if (strncmp(n->op, "rt.", 3) == 0) {
        rewrite->planar[node] = rt__lower_is_planar(rewrite, n->inputs[0]);
        return RT_OK;
    }
    if (!op || !op->lower)
        return rt__node_fail(err, RT_EUNSUPPORTED, n, "this op is not supported on computed values");
    return op->lower(rewrite, node, err);
}

bool rt__lower_is_planar(const rt_rewrite *rewrite, rt_edge edge)
{
    return edge.node < rewrite->count && rewrite->planar[edge.node];
}

int rt__lower_channel_axis(const rt_rewrite *rewrite, rt_edge edge)
{
    return rt__lower_is_planar(rewrite, edge) ? 1 : rt__rewrite_value(rewrite, edge).shape.rank - 1;
}

rt_shape rt__lower_physical(const rt_shape *shape, bool planar)
{
    rt_shape result = *shape;
    for (int i = 1; planar && i < shape->rank; i++)
        result.dim[i] = shape->dim[i + 1 < shape->rank ? i + 1 : 1];
    return result;
}

rt_code rt__lower_begin(rt_rewrite *rewrite, uint32_t node, uint32_t data, rt_op_call *call, rt_error *err)
{
    rt_code code = rt__rewrite_call(rewrite, node, call, err);
    if (code != RT_OK)
        return code;
    if (call->constant[data])
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node,
                             "input %u is a constant, want a computed value", data);
    if (call->in[data].dtype != RT_FLOAT)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "on type %s, only float is supported",
                             rt__dtype_name(call->in[data].dtype));
    rewrite->planar[node] = rt__lower_is_planar(rewrite, call->node->inputs[data]);
    return RT_OK;
}

rt_code rt__lower_reshape(rt_rewrite *rewrite, uint32_t node, rt_edge x, const rt_shape *shape, rt_error *err)
{
    rt_attr attr = rt__attr_ints(rewrite, "shape", shape->dim + 1, (size_t)(shape->rank - 1));
    return rt__rewrite_replace(rewrite, node, "rt.Reshape", &x, 1, &attr, 1, err);
}

rt_code rt__lower_affine(rt_rewrite *rewrite, uint32_t node, rt_edge x, rt_edge scale, rt_edge shift,
                         rt_error *err)
{
    const rt_edge inputs[] = {x, scale, shift};
    return rt__rewrite_replace(rewrite, node, "rt.Affine", inputs, 3, NULL, 0, err);
}

rt_code rt__lower_scalar(const rt_op_call *call, uint32_t input, double *value, rt_error *err)
{
    const rt_tensor *tensor = call->constant[input];
    if (!tensor || tensor->dtype != RT_FLOAT || rt__tensor_count(tensor) != 1)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "input %u is no constant number", input);
    *value = rt__tensor_double(tensor, 0);
    return RT_OK;
}

rt_code rt__lower_keep(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    (void)rewrite;
    (void)node;
    (void)err;
    return RT_OK;
}

rt_code rt__lower_identity(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    (void)err;
    rt__rewrite_forward(rewrite, node, rt__graph_node(rewrite->graph, node)->inputs[0].node);
    return RT_OK;
}

rt_code rt__lower_placeholder(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_shape shape = rt__lower_physical(&rewrite->input_value.shape, rewrite->input_planar);
    rt_attr attrs[2] = {
        {.name = "dtype", .kind = RT_ATTR_TYPE, .value.type = RT_FLOAT},
        {.name = "shape", .kind = RT_ATTR_SHAPE},
    };
    if (node != rewrite->input.node)
        return rt__node_fail(err, RT_EUNSUPPORTED, rt__graph_node(rewrite->graph, node),
                             "a value must be fed here besides the image");
    shape.dim[0] = RT_UNKNOWN;
    attrs[1].value.shape = shape;
    rewrite->planar[node] = rewrite->input_planar;
    rewrite->input_planar = false; /* from the next pass on it is [n,h,w,c] */
    rewrite->input_value =
        (rt_value){RT_FLOAT, rt__lower_physical(&rewrite->values[node].shape, rewrite->planar[node])};
    return rt__rewrite_set_attrs(rewrite, node, attrs, 2, err);
}

/* Pixels of any type are fed as floats, so a cast of the image does nothing. */
rt_code rt__lower_cast(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node);
    rt_dtype from = rt__rewrite_value(rewrite, n->inputs[0]).dtype, to = rewrite->values[node].dtype;
    if (to != RT_FLOAT || (from != RT_FLOAT && n->inputs[0].node != rewrite->input.node))
        return rt__node_fail(err, RT_EUNSUPPORTED, n, "from %s to %s", rt__dtype_name(from),
                             rt__dtype_name(to));
    return rt__lower_identity(rewrite, node, err);
}
