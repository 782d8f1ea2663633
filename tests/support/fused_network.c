#include "fused_network.h"

#include <stdlib.h>
#include <string.h>

static void must(bool good)
{
    if (!good)
        abort();
}

static rt_edge add(network *net, const char *name, const char *op, const rt_edge *inputs, uint32_t n)
{
    uint32_t index = 0;
    must(rt__graph_add(net->graph, name, op, &index, NULL) == RT_OK);
    must(rt__graph_set_inputs(net->graph, index, inputs, n, NULL, 0, NULL) == RT_OK);
    return (rt_edge){index, 0};
}

static rt_edge weights(network *net, const char *name, int rank, const int64_t *dims)
{
    rt_tensor tensor = {.dtype = RT_FLOAT, .shape.rank = rank};
    size_t n = 1;
    uint32_t index = 0;
    float *data;
    for (int i = 0; i < rank; i++) {
        tensor.shape.dim[i] = dims[i];
        n *= (size_t)dims[i];
    }
    data = rt__arena_array(rt__graph_arena(net->graph), n, sizeof *data);
    must(data != NULL);
    for (size_t i = 0; i < n; i++)
        data[i] = (float)i;
    tensor.bytes = n * sizeof *data;
    tensor.data = data;
    must(rt__graph_add_const(net->graph, name, &tensor, &index, NULL) == RT_OK);
    return (rt_edge){index, 0};
}

static void set_ints(network *net, rt_edge node, const char *name, const int64_t *values, size_t n)
{
    int64_t *copy = rt__arena_array(rt__graph_arena(net->graph), n, sizeof *copy);
    must(copy != NULL);
    memcpy(copy, values, n * sizeof *copy);
    must(
        rt__graph_set_attr(net->graph, node.node,
                           &(rt_attr){.name = name, .kind = RT_ATTR_LIST_INT, .count = n, .value.ints = copy},
                           NULL) == RT_OK);
}

static void set_text(network *net, rt_edge node, const char *name, const char *text)
{
    must(rt__graph_set_attr(net->graph, node.node,
                            &(rt_attr){.name = name, .kind = RT_ATTR_STRING, .value.s = {text, strlen(text)}},
                            NULL) == RT_OK);
}

static rt_edge add_conv(network *net, const char *name, const char *op, rt_edge x, rt_edge w, rt_edge b,
                        int64_t stride, const int64_t pads[4])
{
    rt_edge node = add(net, name, op, (rt_edge[]){x, w, b}, 3);
    set_ints(net, node, "strides", (int64_t[]){stride, stride}, 2);
    set_ints(net, node, "dilations", (int64_t[]){1, 1}, 2);
    set_ints(net, node, "pads", pads, 4);
    set_text(net, node, "activation", "relu6");
    return node;
}

void network_build(network *net, const int64_t pads[4])
{
    rt_edge x, scale, shift, w, b;
    must(rt__graph_new(&net->graph, NULL) == RT_OK);
    net->shape = (rt_shape){.rank = 4, .dim = {1, 32, 48, 3}};
    net->input = add(net, "Placeholder", "Placeholder", NULL, 0);
    scale = weights(net, "scale", 1, (int64_t[]){3});
    shift = weights(net, "shift", 1, (int64_t[]){3});
    x = add(net, "affine", "rt.Affine", (rt_edge[]){net->input, scale, shift}, 3);
    w = weights(net, "w", 4, (int64_t[]){3, 3, 3, 4});
    b = weights(net, "b", 1, (int64_t[]){4});
    x = add_conv(net, "conv", "rt.Conv", x, w, b, 2, pads);
    w = weights(net, "dw", 4, (int64_t[]){3, 3, 4, 2});
    b = weights(net, "db", 1, (int64_t[]){8});
    x = add_conv(net, "depthwise", "rt.Depthwise", x, w, b, 1, pads);
    x = add(net, "pool", "rt.GlobalAverage", &x, 1);
    w = weights(net, "head", 2, (int64_t[]){8, 5});
    b = weights(net, "head_bias", 1, (int64_t[]){5});
    x = add(net, "logits", "rt.MatMul", (rt_edge[]){x, w, b}, 3);
    net->output = add(net, "final_result", "rt.Softmax", &x, 1);
}
