#include "net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *next_name(net *n)
{
    char name[24];
    snprintf(name, sizeof name, "n%d", n->named++);
    return rt__arena_string(rt__graph_arena(n->graph), name);
}

void net_init(net *n, uint64_t seed, int64_t height, int64_t width)
{
    memset(n, 0, sizeof *n);
    rt__rng_seed(&n->rng, seed, 0);
    assert_int_equal(rt__graph_new(&n->graph, NULL), RT_OK);
    n->input = net_op(n, "Placeholder", &NET_END);
    net_set_type(n, n->input, "dtype", RT_FLOAT);
    if (height)
        net_set_shape(n, n->input, "shape", &(rt_shape){.rank = 4, .dim = {RT_UNKNOWN, height, width, 3}});
}

void net_clear(net *n)
{
    rt__graph_free(n->graph);
    n->graph = NULL;
}

double net_random(net *n, double low, double high)
{
    return low + (high - low) * rt__rng_unit(&n->rng);
}

int net_pick(net *n, int choices)
{
    return (int)rt__rng_below(&n->rng, (uint64_t)choices);
}

static rt_edge add_const(net *n, rt_dtype dtype, const rt_shape *shape, const void *data, size_t bytes)
{
    rt_tensor tensor = {.dtype = dtype, .shape = *shape, .bytes = bytes};
    rt_edge edge = {0, 0};
    tensor.data = rt__arena_copy(rt__graph_arena(n->graph), data, bytes);
    assert_int_equal(rt__graph_add_const(n->graph, next_name(n), &tensor, &edge.node, NULL), RT_OK);
    return edge;
}

rt_edge net_floats(net *n, int rank, const int64_t *dims, double low, double high)
{
    rt_shape shape = {.rank = rank};
    size_t count = 1;
    float *data;
    for (int i = 0; i < rank; i++) {
        shape.dim[i] = dims[i];
        count *= (size_t)dims[i];
    }
    data = rt__arena_array(rt__graph_arena(n->graph), count, sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++)
        data[i] = (float)net_random(n, low, high);
    return add_const(n, RT_FLOAT, &shape, data, count * sizeof *data);
}

rt_edge net_number(net *n, float value)
{
    return add_const(n, RT_FLOAT, &(rt_shape){.rank = 0}, &value, sizeof value);
}

rt_edge net_ints(net *n, size_t count, const int32_t *ints)
{
    rt_shape shape = {.rank = 1, .dim = {(int64_t)count}};
    return add_const(n, RT_INT32, &shape, ints, count * sizeof *ints);
}

rt_edge net_op(net *n, const char *op, const rt_edge *inputs)
{
    rt_edge edge = {0, 0};
    uint32_t count = 0;
    while (inputs[count].output >= 0)
        count++;
    assert_int_equal(rt__graph_add(n->graph, next_name(n), op, &edge.node, NULL), RT_OK);
    assert_int_equal(rt__graph_set_inputs(n->graph, edge.node, inputs, count, NULL, 0, NULL), RT_OK);
    return edge;
}

static void set(net *n, rt_edge node, const rt_attr *attr)
{
    assert_int_equal(rt__graph_set_attr(n->graph, node.node, attr, NULL), RT_OK);
}

void net_set_string(net *n, rt_edge node, const char *name, const char *text)
{
    set(n, node, &(rt_attr){.name = name, .kind = RT_ATTR_STRING, .value.s = {text, strlen(text)}});
}

void net_set_int(net *n, rt_edge node, const char *name, int64_t value)
{
    set(n, node, &(rt_attr){.name = name, .kind = RT_ATTR_INT, .value.i = value});
}

void net_set_float(net *n, rt_edge node, const char *name, float value)
{
    set(n, node, &(rt_attr){.name = name, .kind = RT_ATTR_FLOAT, .value.f = value});
}

void net_set_bool(net *n, rt_edge node, const char *name, bool value)
{
    set(n, node, &(rt_attr){.name = name, .kind = RT_ATTR_BOOL, .value.b = value});
}

void net_set_type(net *n, rt_edge node, const char *name, rt_dtype value)
{
    set(n, node, &(rt_attr){.name = name, .kind = RT_ATTR_TYPE, .value.type = value});
}

void net_set_ints(net *n, rt_edge node, const char *name, size_t count, const int64_t *ints)
{
    int64_t *copy = rt__arena_array(rt__graph_arena(n->graph), count, sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, ints, count * sizeof *copy);
    set(n, node, &(rt_attr){.name = name, .kind = RT_ATTR_LIST_INT, .count = count, .value.ints = copy});
}

void net_set_shape(net *n, rt_edge node, const char *name, const rt_shape *shape)
{
    set(n, node, &(rt_attr){.name = name, .kind = RT_ATTR_SHAPE, .value.shape = *shape});
}

#define IN(...) ((const rt_edge[]){__VA_ARGS__, NET_END})

rt_edge net_conv(net *n, rt_edge x, int64_t in, int64_t out, int64_t k, int64_t stride, const char *padding)
{
    rt_edge filter = net_floats(n, 4, (int64_t[]){k, k, in, out}, -0.5, 0.5);
    rt_edge y = net_op(n, "Conv2D", IN(x, filter));
    net_set_ints(n, y, "strides", 4, (int64_t[]){1, stride, stride, 1});
    net_set_string(n, y, "padding", padding);
    return y;
}

rt_edge net_norm(net *n, const char *op, rt_edge x, int64_t c)
{
    rt_edge gamma = net_floats(n, 1, &c, 0.5, 2), beta = net_floats(n, 1, &c, -1, 1);
    rt_edge mean = net_floats(n, 1, &c, -1, 1), variance = net_floats(n, 1, &c, 0.01, 3);
    rt_edge y = net_op(n, op, IN(x, gamma, beta, mean, variance));
    net_set_bool(n, y, "is_training", false);
    return y;
}

rt_edge net_spelled_norm(net *n, rt_edge x, int64_t c)
{
    rt_edge gamma = net_floats(n, 1, &c, 0.5, 2), beta = net_floats(n, 1, &c, -1, 1);
    rt_edge mean = net_floats(n, 1, &c, -1, 1), variance = net_floats(n, 1, &c, 0.01, 3);
    rt_edge sum = net_op(n, "Add", IN(variance, net_number(n, 0.001f)));
    rt_edge scale = net_op(n, "Mul", IN(net_op(n, "Rsqrt", IN(sum)), net_op(n, "Identity", IN(gamma))));
    rt_edge shift = net_op(n, "Sub", IN(beta, net_op(n, "Mul", IN(mean, scale))));
    return net_op(n, "Add", IN(net_op(n, "Mul", IN(x, scale)), shift));
}

rt_edge net_keras_norm(net *n, rt_edge x, int64_t c)
{
    const int64_t dims[] = {1, 1, 1, c};
    rt_edge centred = net_op(n, "Sub", IN(x, net_floats(n, 4, dims, -1, 1)));
    rt_edge scaled = net_op(n, "RealDiv", IN(centred, net_floats(n, 4, dims, 0.3, 3)));
    return net_op(n, "AddV2", IN(net_floats(n, 4, dims, -1, 1), scaled));
}

rt_edge net_mean(net *n, rt_edge x)
{
    return net_op(n, "Mean", IN(x, net_ints(n, 2, (int32_t[]){1, 2})));
}
