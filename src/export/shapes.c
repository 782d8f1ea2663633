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

bool rt__pads_same(const rt_shape *in, const int64_t kernel[2], const int64_t strides[2],
                   const int64_t dilations[2], const int64_t pads[4])
{
    for (int i = 0; i < 2; i++) {
        int64_t size = in->dim[1 + i], out = (size + strides[i] - 1) / strides[i];
        int64_t all = (out - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - size;
        all = all > 0 ? all : 0;
        if (pads[2 * i] != all / 2 || pads[2 * i + 1] != all - all / 2)
            return false;
    }
    return true;
}
