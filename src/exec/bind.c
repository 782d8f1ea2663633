#include "bind.h"

#include <stdlib.h>
#include <string.h>

static const rt_bind_row rows[] = {
    {"rt.Activation", 0, 1, 1, rt__bind_activation},
    {"rt.Add", 0, 2, 2, rt__bind_add},
    {"rt.Affine", 2, 1, 1, rt__bind_affine},
    {"rt.Concat", 0, 1, UINT32_MAX, rt__bind_concat},
    {"rt.Conv", 2, 1, 2, rt__bind_conv},
    {"rt.Depthwise", 2, 1, 2, rt__bind_depthwise},
    {"rt.FakeQuant", 0, 1, 1, rt__bind_fake_quant},
    {"rt.GlobalAverage", 0, 1, 1, rt__bind_global_average},
    {"rt.MatMul", 2, 1, 1, rt__bind_matmul},
    {"rt.Mul", 0, 2, 2, rt__bind_mul},
    {"rt.Pad", 0, 1, 1, rt__bind_pad},
    {"rt.Pool", 0, 1, 1, rt__bind_pool},
    {"rt.Reshape", 0, 1, 1, rt__bind_reshape},
    {"rt.Softmax", 0, 1, 1, rt__bind_softmax},
};

const rt_bind_row *rt__bind_find(const char *op)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].op, op) == 0)
            return &rows[i];
    return NULL;
}

rt_edge rt__bind_tensor(const rt_bind_row *row, const rt_node *node, uint32_t i)
{
    return node->inputs[i == 0 ? 0 : i + row->n_constants];
}

rt_code rt__arg_constant_shape(const rt_op *op, uint32_t i, int rank, rt_shape *shape, rt_error *err)
{
    const rt_tensor *tensor = rt__graph_const(op->graph, op->node->inputs[1 + i]);
    char text[128];
    if (!tensor)
        return rt_fail(err, RT_EUNSUPPORTED, "input %u is not a constant", (unsigned)i + 1);
    if (tensor->dtype != RT_FLOAT || tensor->shape.rank != rank)
        return rt_fail(err, RT_EUNSUPPORTED, "input %u is %s %s; wanted floats of rank %d", (unsigned)i + 1,
                       rt__dtype_name(tensor->dtype), rt__shape_text(&tensor->shape, text, sizeof text),
                       rank);
    *shape = tensor->shape;
    return RT_OK;
}

rt_code rt__arg_constant(rt_op *op, uint32_t i, int rank, const int64_t *dim, const float **floats,
                         rt_error *err)
{
    const rt_tensor *tensor;
    rt_shape shape, wanted = {.rank = rank};
    char is[128], should[128];
    size_t n = 0;
    rt_code code = rt__arg_constant_shape(op, i, rank, &shape, err);
    if (code != RT_OK)
        return code;
    memcpy(wanted.dim, dim, (size_t)rank * sizeof *dim);
    tensor = rt__graph_const(op->graph, op->node->inputs[1 + i]);
    if (!rt__shape_equal(&shape, &wanted))
        return rt_fail(err, RT_EFORMAT, "input %u has shape %s; wanted %s", (unsigned)i + 1,
                       rt__shape_text(&shape, is, sizeof is), rt__shape_text(&wanted, should, sizeof should));
    if ((code = rt__shape_elements(&shape, &n, err)) != RT_OK)
        return code;
    if (n == 0 || tensor->bytes / sizeof **floats != n)
        return rt_fail(err, RT_EFORMAT, "input %u holds %zu bytes for %zu floats", (unsigned)i + 1,
                       tensor->bytes, n);
    *floats = tensor->data;
    if ((uintptr_t)tensor->data % sizeof **floats != 0) {
        if (!(op->copies[i] = malloc(tensor->bytes)))
            return rt_fail(err, RT_ENOMEM, "out of memory");
        memcpy(op->copies[i], tensor->data, tensor->bytes);
        *floats = op->copies[i];
    }
    return RT_OK;
}

rt_code rt__arg_integers(const rt_op *op, const char *name, size_t n, int32_t low, int32_t absent,
                         int32_t *out, rt_error *err)
{
    const rt_attr *attr = rt__node_attr(op->node, name);
    if (!attr) {
        for (size_t i = 0; i < n; i++)
            out[i] = absent;
        return RT_OK;
    }
    if (attr->kind != RT_ATTR_LIST_INT || attr->count != n)
        return rt_fail(err, RT_EFORMAT, "attribute %s is not a list of %zu integers", name, n);
    for (size_t i = 0; i < n; i++) {
        int64_t value = attr->value.ints[i];
        if (value < low || value > 1 << 16)
            return rt_fail(err, RT_EUNSUPPORTED, "attribute %s has the value %lld", name, (long long)value);
        out[i] = (int32_t)value;
    }
    return RT_OK;
}

rt_code rt__arg_float(const rt_op *op, const char *name, float *out, rt_error *err)
{
    const rt_attr *attr = rt__node_attr(op->node, name);
    if (!attr || attr->kind != RT_ATTR_FLOAT)
        return rt_fail(err, RT_EFORMAT, "no float attribute %s", name);
    *out = attr->value.f;
    return RT_OK;
}

rt_code rt__arg_string(const rt_op *op, const char *name, rt_string *out, rt_error *err)
{
    const rt_attr *attr = rt__node_attr(op->node, name);
    *out = (rt_string){"", 0};
    if (!attr)
        return RT_OK;
    if (attr->kind != RT_ATTR_STRING)
        return rt_fail(err, RT_EFORMAT, "attribute %s is not a string", name);
    *out = attr->value.s;
    return RT_OK;
}

rt_code rt__arg_activation(const rt_op *op, rt_activation *out, rt_error *err)
{
    static const char *const names[RT_ACTIVATION_COUNT] = {
        [RT_ACTIVATION_NONE] = "",
        [RT_ACTIVATION_RELU] = "relu",
        [RT_ACTIVATION_RELU6] = "relu6",
        [RT_ACTIVATION_SIGMOID] = "sigmoid",
        [RT_ACTIVATION_TANH] = "tanh",
        [RT_ACTIVATION_SWISH] = "swish",
        [RT_ACTIVATION_HARD_SWISH] = "hard_swish",
        [RT_ACTIVATION_LEAKY_RELU] = "leaky_relu",
        [RT_ACTIVATION_ELU] = "elu",
    };
    rt_string name;
    rt_code code = rt__arg_string(op, "activation", &name, err);
    if (code != RT_OK)
        return code;
    out->alpha = 0;
    for (int i = 0; i < RT_ACTIVATION_COUNT; i++)
        if (strlen(names[i]) == name.size && memcmp(names[i], name.bytes, name.size) == 0) {
            out->kind = (rt_activation_kind)i;
            return i == RT_ACTIVATION_LEAKY_RELU || i == RT_ACTIVATION_ELU
                       ? rt__arg_float(op, "alpha", &out->alpha, err)
                       : RT_OK;
        }
    return rt_fail(err, RT_EUNSUPPORTED, "activation '%.*s'", (int)name.size, name.bytes);
}

rt_code rt__arg_window(const rt_op *op, const rt_grid *grid, rt_window *window, rt_error *err)
{
    int32_t pads[4];
    rt_code code = rt__arg_integers(op, "strides", 2, 1, 1, window->stride, err);
    if (code == RT_OK)
        code = rt__arg_integers(op, "dilations", 2, 1, 1, window->dilation, err);
    if (code == RT_OK)
        code = rt__arg_integers(op, "pads", 4, 0, 0, pads, err);
    if (code != RT_OK)
        return code;
    for (int axis = 0; axis < 2; axis++) {
        window->front[axis] = pads[2 * axis];
        window->back[axis] = pads[2 * axis + 1];
    }
    if (rt__window_out(window, 0, grid->h) < 1 || rt__window_out(window, 1, grid->w) < 1)
        return rt_fail(err, RT_EFORMAT, "a window of %d x %d does not fit into %d x %d", window->size[0],
                       window->size[1], grid->h, grid->w);
    return RT_OK;
}

rt_code rt__grid_new(int64_t h, int64_t w, int64_t c, rt_grid *grid, rt_error *err)
{
    const int64_t limit = (int64_t)1 << 31;
    if (h < 1 || w < 1 || c < 1)
        return rt_fail(err, RT_EFORMAT, "an image of %lld x %lld with %lld channels", (long long)h,
                       (long long)w, (long long)c);
    if (h >= limit || w >= limit || c >= limit || h * w > limit || h * w * c > limit)
        return rt_fail(err, RT_ELIMIT, "an image of %lld x %lld with %lld channels", (long long)h,
                       (long long)w, (long long)c);
    *grid = (rt_grid){(int32_t)h, (int32_t)w, (int32_t)c, RT_LAYOUT_ROWS};
    return RT_OK;
}
