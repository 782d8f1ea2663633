/* Reshapes of reshapes, and reshapes to the shape that is there already, go. */
#include "rewrite.h"

#include <string.h>

rt_code rt__pass_reshape(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node), *source;
    rt_edge x;
    rt_value before;
    rt_code code = RT_OK;
    if (strcmp(n->op, "rt.Reshape") != 0)
        return RT_OK;
    x = n->inputs[0];
    source = rt__graph_node(rewrite->graph, x.node);
    if (strcmp(source->op, "rt.Reshape") == 0) {
        rewrite->readers[x.node]--;
        x = source->inputs[0];
        rewrite->readers[x.node]++;
        code = rt__rewrite_set_input(rewrite, node, 0, x, err);
    }
    before = rt__rewrite_value(rewrite, x);
    if (code == RT_OK && rt__shape_equal(&before.shape, &rewrite->values[node].shape))
        rt__rewrite_forward(rewrite, node, x.node);
    return code;
}
