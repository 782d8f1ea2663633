/* An activation becomes part of what makes its input. */
#include "rewrite.h"

#include <string.h>

static bool takes_activation(const rt_node *node)
{
    static const char *const ops[] = {"rt.Conv", "rt.Depthwise", "rt.MatMul",
                                      "rt.Add",  "rt.Mul",       "rt.Affine"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (strcmp(node->op, ops[i]) == 0)
            return true;
    return false;
}

rt_code rt__pass_activation(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node), *source;
    rt_edge x;
    rt_code code = RT_OK;
    if (strcmp(n->op, "rt.Activation") != 0)
        return RT_OK;
    x = n->inputs[0];
    source = rt__graph_node(rewrite->graph, x.node);
    if (!takes_activation(source) || rt__rewrite_readers(rewrite, x.node) != 1 ||
        !rt__attr_is(source, "activation", ""))
        return RT_OK;
    for (uint32_t i = 0; code == RT_OK && i < n->n_attrs; i++)
        code = rt__graph_set_attr(rewrite->graph, x.node, &n->attrs[i], err);
    rt__rewrite_forward(rewrite, node, x.node);
    return code;
}
