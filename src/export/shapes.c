#include "shapes.h"

#include <stdlib.h>

static uint32_t most_inputs(const rt_graph *graph)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < rt__graph_count(graph); i++)
        if (rt__graph_node(graph, i)->n_inputs > most)
            most = rt__graph_node(graph, i)->n_inputs;
    return most;
}

rt_code rt__fused_shapes(const rt_graph *fused, rt_edge input, const rt_shape *input_shape, rt_value *values,
                         rt_error *err)
{
    uint32_t count = rt__graph_count(fused), most = most_inputs(fused);
    rt_value *in = calloc(most, sizeof *in);
    const rt_tensor **constants = calloc(most, sizeof(*constants));
    rt_code code = in && constants ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    for (uint32_t i = 0; code == RT_OK && i < count; i++) {
        const rt_node *node = rt__graph_node(fused, i);
        const rt_op_call call = {node, in, constants, false};
        for (uint32_t k = 0; k < node->n_inputs; k++) {
            in[k] = values[node->inputs[k].node];
            constants[k] = rt__graph_const(fused, node->inputs[k]);
        }
        if (i == input.node)
            values[i] = (rt_value){RT_FLOAT, *input_shape};
        else
            code = rt__op_infer(&call, &values[i], err);
    }
    free(in);
    free(constants);
    return code;
}
