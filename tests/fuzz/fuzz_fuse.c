/* Makes a graph of any bytes and fuses it: ops, attributes, constants and edges are drawn from them, so that
 * the passes see graphs that are nearly right. */
#include "fuzz.h"

#include "base/cursor.h"
#include "graph/fused.h"
#include "graph/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NODES = 60 };

typedef struct draw {
    rt_cursor bytes;
    rt_graph *graph;
    rt_arena *arena;
    rt_edge data[MOST_NODES]; /* nodes so far */
    uint32_t n;
} draw;

static uint8_t next(draw *d)
{
    uint8_t byte = 0;
    rt__cursor_u8(&d->bytes, &byte);
    return byte;
}

static void need(int truth)
{
    if (!truth)
        abort();
}

static int64_t draw_number(draw *d)
{
    static const int64_t numbers[] = {0, 1, 1, 1, 2,  2,  3,         3,         4,
                                      5, 6, 7, 8, -1, -2, INT32_MAX, INT64_MAX, INT64_MIN};
    return numbers[next(d) % (sizeof numbers / sizeof *numbers)];
}

static rt_edge draw_edge(draw *d)
{
    /* The latest nodes are the likeliest, and output 0. */
    uint8_t byte = next(d);
    uint32_t back = byte % 8 < 5 ? 0 : byte / 8u;
    rt_edge edge = d->data[d->n - 1 - back % d->n];
    if (byte == 255)
        edge.output = next(d) % 4;
    return edge;
}

static rt_tensor draw_tensor(draw *d)
{
    static const rt_dtype types[] = {RT_FLOAT,  RT_FLOAT, RT_FLOAT,  RT_INT32,    RT_INT32,
                                     RT_INT64,  RT_UINT8, RT_BOOL,   RT_HALF,     RT_DOUBLE,
                                     RT_QUINT8, RT_QINT8, RT_STRING, RT_COMPLEX64};
    static const int64_t dims[] = {1, 1, 2, 2, 3, 3, 3, 4, 5, 6, 8, 0};
    rt_tensor t = {.dtype = types[next(d) % (sizeof types / sizeof *types)], .shape = {.rank = next(d) % 5}};
    size_t count = 1;
    char *data;
    for (int i = 0; i < t.shape.rank; i++) {
        t.shape.dim[i] = dims[next(d) % (sizeof dims / sizeof *dims)];
        count *= (size_t)t.shape.dim[i];
    }
    t.bytes = count * rt__dtype_size(t.dtype);
    need((data = rt__arena_alloc(d->arena, t.bytes + 8)) != NULL);
    data += next(d) % 8; /* not aligned */
    for (size_t i = 0; i < count && t.dtype != RT_STRING; i++) {
        int64_t number = draw_number(d);
        float real = (float)number / 2;
        if (t.dtype == RT_FLOAT)
            memcpy(data + i * sizeof real, &real, sizeof real);
        else
            memcpy(data + i * rt__dtype_size(t.dtype), &number, rt__dtype_size(t.dtype));
    }
    t.data = t.bytes ? data : NULL;
    if (t.dtype == RT_STRING) {
        rt_string *strings = rt__arena_array(d->arena, count + 1, sizeof *strings);
        need(strings != NULL);
        for (size_t i = 0; i < count; i++)
            strings[i] = (rt_string){"x", 1};
        t.strings = strings;
    }
    return t;
}

static rt_attr draw_attr(draw *d, const rt_attr_spec *spec)
{
    static const char *const texts[] = {"SAME",      "VALID",  "EXPLICIT", "NHWC", "NCHW",
                                        "MIN_FIRST", "SCALED", "REFLECT",  "",     "max"};
    rt_attr attr = spec->fallback;
    uint8_t byte = next(d);
    int64_t *ints;
    if (byte == 250)
        attr.kind = (rt_attr_kind)(next(d) % (RT_ATTR_RAW + 1));
    if (byte < 100 && !spec->required)
        return attr;
    attr.count = 0;
    if (attr.kind == RT_ATTR_STRING) {
        const char *text = texts[next(d) % (sizeof texts / sizeof *texts)];
        attr.value.s = (rt_string){text, strlen(text)};
    } else if (attr.kind == RT_ATTR_LIST_INT) {
        attr.count = byte % 16 < 12 ? 4 : next(d) % 10;
        need((ints = rt__arena_array(d->arena, attr.count, sizeof *ints)) != NULL);
        for (size_t i = 0; i < attr.count; i++)
            ints[i] = byte % 16 < 10 && (i == 0 || i == 3) ? 1 : draw_number(d);
        attr.value.ints = ints;
    } else if (attr.kind == RT_ATTR_TENSOR) {
        attr.value.tensor = draw_tensor(d);
    } else {
        attr.value.i = 0;
        if (attr.kind == RT_ATTR_FLOAT)
            attr.value.f = (float)draw_number(d);
        else if (attr.kind == RT_ATTR_BOOL)
            attr.value.b = byte & 1;
        else if (attr.kind == RT_ATTR_TYPE)
            attr.value.type = (rt_dtype)(next(d) % 24);
        else if (attr.kind == RT_ATTR_SHAPE)
            attr.value.shape = (rt_shape){.rank = 2, .dim = {draw_number(d), 3}};
        else
            attr.value.i = draw_number(d);
    }
    return attr;
}

static void add_node(draw *d)
{
    size_t n_rows;
    const rt_op *table = rt__op_table(&n_rows);
    uint8_t byte = next(d);
    const rt_op *op = byte >= 180 ? rt__op_find("Const") : &table[byte % n_rows];
    uint32_t index, n_inputs = op->min_inputs;
    rt_edge inputs[8];
    char *name = rt__arena_alloc(d->arena, 16);
    need(name != NULL);
    snprintf(name, 16, "n%u", d->n);
    need(rt__graph_add(d->graph, name, op->name, &index, NULL) == RT_OK);
    if (n_inputs < op->max_inputs && n_inputs < 5)
        n_inputs += next(d) % 3;
    if (op->min_inputs == 0)
        n_inputs = 0;
    for (uint32_t i = 0; i < n_inputs; i++)
        inputs[i] = draw_edge(d);
    need(rt__graph_set_inputs(d->graph, index, inputs, n_inputs, NULL, 0, NULL) == RT_OK);
    for (size_t i = 0; i < op->n_attrs; i++) {
        rt_attr attr = draw_attr(d, &op->attrs[i]);
        if (next(d) != 77)
            need(rt__graph_set_attr(d->graph, index, &attr, NULL) == RT_OK);
    }
    if (strcmp(op->name, "Const") == 0) {
        rt_tensor tensor = draw_tensor(d);
        rt_attr dtype = {.name = "dtype", .kind = RT_ATTR_TYPE, .value.type = tensor.dtype};
        rt_attr value = {.name = "value", .kind = RT_ATTR_TENSOR, .value.tensor = tensor};
        need(rt__graph_set_attr(d->graph, index, &dtype, NULL) == RT_OK);
        need(rt__graph_set_attr(d->graph, index, &value, NULL) == RT_OK);
    }
    d->data[d->n++] = (rt_edge){index, 0};
}

/* Layers as networks have them, on three channels; a letter an input, see draw_input. */
static const struct layer {
    const char *op, *inputs;
} layers[] = {
    {"Conv2D", "xw"},
    {"Conv2D", "xw"},
    {"DepthwiseConv2dNative", "xd"},
    {"FusedBatchNorm", "x3333"},
    {"FusedBatchNormV3", "x3333"},
    {"BatchNormWithGlobalNormalization", "x3333"},
    {"BiasAdd", "x3"},
    {"Mul", "x3"},
    {"Add", "4x"},
    {"Sub", "xs"},
    {"Sub", "3x"},
    {"RealDiv", "x3"},
    {"AddV2", "xx"},
    {"Sub", "xx"},
    {"Relu", "x"},
    {"Relu6", "x"},
    {"Sigmoid", "x"},
    {"Mul", "xx"},
    {"MaxPool", "x"},
    {"AvgPool", "x"},
    {"Pad", "xp"},
    {"Mean", "xm"},
    {"ConcatV2", "xxa"},
    {"FakeQuantWithMinMaxVars", "xnn"},
    {"Softmax", "x"},
    {"Squeeze", "x"},
    {"Reshape", "xr"},
    {"MatMul", "xq"},
    {"Transpose", "xt"},
    {"Transpose", "xu"},
    {"Identity", "x"},
    {"Maximum", "xs"},
    {"Minimum", "xs"},
    {"Rsqrt", "3"},
    {"LeakyRelu", "x"},
    {"Dequantize", "3ss"},
};

static rt_edge add_const(draw *d, rt_dtype dtype, int rank, const int64_t *dims, const int32_t *ints)
{
    rt_tensor t = {.dtype = dtype, .shape = {.rank = rank}, .bytes = 4};
    rt_edge edge = {0, 0};
    char *name = rt__arena_alloc(d->arena, 16), *data;
    for (int i = 0; i < rank; i++) {
        t.shape.dim[i] = dims[i];
        t.bytes *= (size_t)dims[i];
    }
    need(name && (data = rt__arena_alloc(d->arena, t.bytes)));
    for (size_t i = 0; i < t.bytes / 4; i++) {
        float real = dtype == RT_FLOAT ? (float)draw_number(d) / 2 : 0;
        memcpy(data + 4 * i, ints ? (const void *)&ints[i] : &real, 4);
    }
    t.data = data;
    snprintf(name, 16, "c%u", rt__graph_count(d->graph));
    need(rt__graph_add_const(d->graph, name, &t, &edge.node, NULL) == RT_OK);
    return edge;
}

static rt_edge draw_input(draw *d, char letter)
{
    const int64_t k = 1 + next(d) % 3, pads[] = {4, 2};
    const int32_t some = next(d) % 3;
    switch (letter) {
    case 'w':
        return add_const(d, RT_FLOAT, 4, (int64_t[]){k, k, 3, 3}, NULL);
    case 'd':
        return add_const(d, RT_FLOAT, 4, (int64_t[]){k, k, 3, 1}, NULL);
    case 'q':
        return add_const(d, RT_FLOAT, 2, (int64_t[]){3, 3}, NULL);
    case '3':
        return add_const(d, RT_FLOAT, 1, (int64_t[]){3}, NULL);
    case '4':
        return add_const(d, RT_FLOAT, 4, (int64_t[]){1, 1, 1, 3}, NULL);
    case 's':
    case 'n':
        return add_const(d, RT_FLOAT, 0, NULL, NULL);
    case 'p':
        return add_const(d, RT_INT32, 2, pads, (int32_t[]){0, 0, some, 1, 1, some, 0, 0});
    case 'm':
        return add_const(d, RT_INT32, 1, pads + 1, (int32_t[]){1, 2});
    case 'a':
        return add_const(d, RT_INT32, 0, NULL, (int32_t[]){some == 0 ? 1 : 3});
    case 'r':
        return add_const(d, RT_INT32, 1, pads + 1, (int32_t[]){1, -1});
    case 't':
        return add_const(d, RT_INT32, 1, pads, (int32_t[]){0, 3, 1, 2});
    case 'u':
        return add_const(d, RT_INT32, 1, pads, (int32_t[]){0, 2, 3, 1});
    default:
        return draw_edge(d);
    }
}

static void set_layer_attrs(draw *d, uint32_t index, const rt_op *op)
{
    static const int64_t lists[3][4] = {{1, 1, 1, 1}, {1, 2, 2, 1}, {1, 3, 3, 1}};
    for (size_t i = 0; i < op->n_attrs; i++) {
        const rt_attr_spec *spec = &op->attrs[i];
        rt_attr attr = spec->fallback;
        bool same = next(d) & 1;
        if (attr.kind == RT_ATTR_LIST_INT && spec->required) {
            attr.count = 4;
            attr.value.ints = lists[next(d) % 3];
        } else if (strcmp(attr.name, "padding") == 0) {
            attr.value.s = same ? (rt_string){"SAME", 4} : (rt_string){"VALID", 5};
        } else if (strcmp(attr.name, "is_training") == 0) {
            attr.value.b = false;
        } else if (next(d) > 200) {
            attr = draw_attr(d, spec);
        } else if (!spec->required) {
            continue;
        }
        need(rt__graph_set_attr(d->graph, index, &attr, NULL) == RT_OK);
    }
}

static void add_layer(draw *d)
{
    const struct layer *layer = &layers[next(d) % (sizeof layers / sizeof *layers)];
    uint32_t index, n = 0;
    rt_edge inputs[8];
    char *name = rt__arena_alloc(d->arena, 16);
    need(name != NULL);
    for (const char *letter = layer->inputs; *letter; letter++)
        inputs[n++] = draw_input(d, *letter);
    snprintf(name, 16, "l%u", d->n);
    need(rt__graph_add(d->graph, name, layer->op, &index, NULL) == RT_OK);
    need(rt__graph_set_inputs(d->graph, index, inputs, n, NULL, 0, NULL) == RT_OK);
    set_layer_attrs(d, index, rt__op_find(layer->op));
    d->data[d->n++] = (rt_edge){index, 0};
}

/* What was fused is of the form that fused.h promises, and its shapes go together. */
static void check(const rt_graph *fused, rt_edge input, rt_edge output)
{
    static rt_value values[40 * MOST_NODES], in[8];
    const rt_tensor *constants[8];
    need(rt__graph_count(fused) <= sizeof values / sizeof *values && output.node < rt__graph_count(fused));
    for (uint32_t i = 0; i < rt__graph_count(fused); i++) {
        const rt_node *node = rt__graph_node(fused, i);
        rt_op_call call = {node, in, constants, false};
        if (i == input.node) {
            values[i] = (rt_value){RT_FLOAT, rt__op_attr(node, "shape")->value.shape};
            values[i].shape.dim[0] = 1;
            continue;
        }
        need(strncmp(node->op, "rt.", 3) == 0 || strcmp(node->op, "Const") == 0);
        need(rt__op_check(node, NULL) == RT_OK && node->n_inputs <= 8);
        for (uint32_t k = 0; k < node->n_inputs; k++) {
            need(node->inputs[k].node < i && node->inputs[k].output == 0);
            in[k] = values[node->inputs[k].node];
            constants[k] = rt__graph_const(fused, node->inputs[k]);
            need(!constants[k] || constants[k]->dtype == RT_FLOAT);
        }
        need(rt__op_infer(&call, &values[i], NULL) == RT_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    draw d = {.bytes = rt__cursor(bytes, size)};
    rt_attr dtype = {.name = "dtype", .kind = RT_ATTR_TYPE, .value.type = RT_FLOAT};
    rt_graph *fused = NULL;
    rt_edge input = {0, 0}, output, new_input, new_output;
    rt_error err;
    need(rt__graph_new(&d.graph, NULL) == RT_OK);
    d.arena = rt__graph_arena(d.graph);
    need(rt__graph_add(d.graph, "image", "Placeholder", &input.node, NULL) == RT_OK);
    need(rt__graph_set_attr(d.graph, input.node, &dtype, NULL) == RT_OK);
    d.data[d.n++] = input;
    while (rt__cursor_left(&d.bytes) > 1 && d.n < MOST_NODES)
        if (next(&d) % 4)
            add_layer(&d);
        else
            add_node(&d);
    output = d.data[d.n - 1];
    if (rt__graph_fuse(d.graph, input, output, 5, 6, &fused, &new_input, &new_output, &err) == RT_OK) {
        if (!rt__graph_const(fused, new_output))
            check(fused, new_input, new_output);
        rt__graph_free(fused);
    } else {
        need(err.cause[0] != 0);
    }
    rt__graph_free(d.graph);
    return 0;
}
