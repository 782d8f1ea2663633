/* The vectors of doubles become floats, once nothing is folded into them any more. */
#include "rewrite.h"

#include <string.h>

rt_code rt__pass_round(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    uint32_t n_inputs = rt__graph_node(rewrite->graph, node)->n_inputs;
    rt_code code = RT_OK;
    for (uint32_t i = 0; code == RT_OK && i < n_inputs; i++) {
        const rt_tensor *vector =
            rt__graph_const(rewrite->graph, rt__graph_node(rewrite->graph, node)->inputs[i]);
        rt_edge edge;
        void *data;
        if (!vector || vector->dtype != RT_DOUBLE)
            continue;
        code = rt__rewrite_const(rewrite, node, RT_FLOAT, &vector->shape, &edge, &data, err);
        for (size_t k = 0; code == RT_OK && k < rt__tensor_count(vector); k++)
            ((float *)data)[k] = (float)rt__tensor_double(vector, k);
        if (code == RT_OK)
            code = rt__rewrite_set_input(rewrite, node, i, edge, err);
    }
    return code;
}
