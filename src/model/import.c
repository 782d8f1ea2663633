#include "import.h"

#include "base/buffer.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SIDE = 1 << 20, MAX_FRAME = 1 << 20 };

rt_code rt__import_fail(rt_import *import, rt_code code, const char *name, const char *op, const char *format,
                        ...)
{
    char reason[160];
    va_list arguments;
    if (import->b.code != RT_OK)
        return import->b.code;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return import->b.code = rt_fail(import->b.err, code, "node '%.80s' (%.40s): %s", name, op, reason);
}

rt_code rt__import_stop(rt_import *import, rt_code code, const char *format, ...)
{
    char reason[200];
    va_list arguments;
    if (import->b.code != RT_OK)
        return import->b.code;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return import->b.code = rt_fail(import->b.err, code, "%s", reason);
}

float rt__import_half(uint16_t half)
{
    int exponent = half >> 10 & 31, mantissa = half & 1023;
    float value =
        exponent == 0 ? ldexpf((float)mantissa, -24) : ldexpf((float)(mantissa + 1024), exponent - 25);
    if (exponent == 31)
        value = mantissa ? NAN : INFINITY;
    return half >> 15 ? -value : value;
}

/* ---- names ---- */

/* What TensorFlow takes: [A-Za-z0-9.][A-Za-z0-9_.\\/>-]* */
static void copy_name(char *to, const char *from)
{
    while (*from && !isalnum((unsigned char)*from) && *from != '.')
        from++;
    for (; *from; from++)
        *to++ = (char)(isalnum((unsigned char)*from) || strchr("_./-", *from) ? *from : '_');
    *to = 0;
}

const char *rt__import_name(rt_import *import, const char *name, const char *suffix)
{
    enum { NUMBER = 12 };
    size_t size = strlen(name) + strlen(suffix) + sizeof "tensor" + NUMBER, length;
    char *text = rt__builder_array(&import->b, size, 1);
    uint32_t taken;
    if (!text)
        return NULL;
    copy_name(text, name);
    if (!*text)
        strcpy(text, "tensor");
    strcat(text, suffix);
    length = strlen(text);
    for (unsigned i = 1; rt__graph_find(import->b.graph, text, &taken); i++)
        snprintf(text + length, size - length, "_%u", i);
    return text;
}

/* ---- nodes ---- */

static void attr_int(rt_import *im, uint32_t node, const char *name, int64_t value)
{
    const rt_attr attr = {.name = name, .kind = RT_ATTR_INT, .value.i = value};
    rt__builder_attr(&im->b, node, &attr);
}

static void attr_float(rt_import *im, uint32_t node, const char *name, float value)
{
    const rt_attr attr = {.name = name, .kind = RT_ATTR_FLOAT, .value.f = value};
    rt__builder_attr(&im->b, node, &attr);
}

static void attr_ints(rt_import *im, uint32_t node, const char *name, const int64_t *values, size_t n)
{
    int64_t *copy = rt__builder_array(&im->b, n, sizeof *copy);
    rt_attr attr = {.name = name, .kind = RT_ATTR_LIST_INT, .count = n, .value.ints = copy};
    if (!copy)
        return;
    memcpy(copy, values, n * sizeof *copy);
    rt__builder_attr(&im->b, node, &attr);
}

static rt_edge add(rt_import *im, const char *name, const char *suffix, const char *op, const rt_edge *inputs,
                   size_t n)
{
    const char *given = rt__import_name(im, name, suffix);
    return (rt_edge){given ? rt__builder_node(&im->b, given, op, inputs, n) : 0, 0};
}

rt_edge rt__import_op(rt_import *import, const char *name, const char *suffix, const char *op,
                      const rt_edge *inputs, size_t n_inputs)
{
    rt_edge y = add(import, name, suffix, op, inputs, n_inputs);
    rt__builder_type(&import->b, y.node, "T", RT_FLOAT);
    return y;
}

rt_edge rt__import_unary(rt_import *import, const char *name, const char *op, rt_edge x)
{
    return rt__import_op(import, name, "", op, &x, 1);
}

rt_edge rt__import_binary(rt_import *import, const char *name, const char *suffix, const char *op, rt_edge x,
                          rt_edge y)
{
    const rt_edge inputs[] = {x, y};
    return rt__import_op(import, name, suffix, op, inputs, 2);
}

rt_edge rt__import_placeholder(rt_import *import, const char *name, int64_t height, int64_t width)
{
    const rt_shape shape = {.rank = 4, .dim = {RT_UNKNOWN, height, width, 3}};
    rt_edge y = add(import, name, "", "Placeholder", NULL, 0);
    rt__builder_type(&import->b, y.node, "dtype", RT_FLOAT);
    rt__builder_shape(&import->b, y.node, "shape", &shape);
    return y;
}

/* ---- constants ---- */

static rt_edge constant(rt_import *im, const char *name, const char *suffix, rt_dtype dtype, const void *data,
                        const int64_t *dims, int rank)
{
    rt_tensor tensor = {.dtype = dtype, .shape = {.rank = rank}, .data = data};
    const char *given = rt__import_name(im, name, suffix);
    size_t n;
    for (int i = 0; i < rank; i++)
        tensor.shape.dim[i] = dims[i];
    if (!given || (im->b.code = rt__shape_elements(&tensor.shape, &n, im->b.err)) != RT_OK)
        return (rt_edge){0, 0};
    tensor.bytes = n * sizeof(float); /* float and int32 only */
    return (rt_edge){rt__builder_const(&im->b, given, &tensor), 0};
}

rt_edge rt__import_floats(rt_import *import, const char *name, const char *suffix, const float *data,
                          const int64_t *dims, int rank)
{
    return constant(import, name, suffix, RT_FLOAT, data, dims, rank);
}

rt_edge rt__import_ints(rt_import *import, const char *name, const char *suffix, const int64_t *values,
                        const int64_t *dims, int rank)
{
    size_t n = 1;
    int32_t *copy;
    for (int i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    if (!(copy = rt__builder_array(&import->b, n, sizeof *copy)))
        return (rt_edge){0, 0};
    for (size_t i = 0; i < n; i++)
        copy[i] = (int32_t)values[i];
    return constant(import, name, suffix, RT_INT32, copy, dims, rank);
}

rt_edge rt__import_scalar(rt_import *import, const char *name, const char *suffix, float value)
{
    float *copy = rt__builder_array(&import->b, 1, sizeof *copy);
    if (!copy)
        return (rt_edge){0, 0};
    *copy = value;
    return rt__import_floats(import, name, suffix, copy, NULL, 0);
}

/* ---- windows ---- */

bool rt__import_window_out(const rt_import_window *w, int64_t out[2])
{
    for (int i = 0; i < 2; i++) {
        int64_t extent, padded;
        if (w->kernel[i] < 1 || w->kernel[i] > MAX_SIDE || w->stride[i] < 1 || w->stride[i] > MAX_SIDE ||
            w->dilation[i] < 1 || w->dilation[i] > MAX_SIDE || w->in[i] < 1 || w->in[i] > MAX_SIDE)
            return false;
        for (int k = 0; k < 2; k++)
            if (w->pads[2 * i + k] < 0 || w->pads[2 * i + k] > MAX_FRAME)
                return false;
        extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
        padded = w->in[i] + w->pads[2 * i] + w->pads[2 * i + 1];
        if (padded < extent)
            return false;
        out[i] = (padded - extent) / w->stride[i] + 1;
    }
    return true;
}

static bool is_same(const rt_import_window *w)
{
    for (int i = 0; i < 2; i++) {
        int64_t out = (w->in[i] + w->stride[i] - 1) / w->stride[i];
        int64_t all = (out - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1 - w->in[i];
        all = all > 0 ? all : 0;
        if (w->pads[2 * i] != all / 2 || w->pads[2 * i + 1] != all - all / 2)
            return false;
    }
    return true;
}

static bool is_valid(const rt_import_window *w)
{
    return w->pads[0] == 0 && w->pads[1] == 0 && w->pads[2] == 0 && w->pads[3] == 0;
}

static void window_attrs(rt_import *im, uint32_t node, const rt_import_window *w)
{
    const int64_t strides[] = {1, w->stride[0], w->stride[1], 1};
    const int64_t pads[] = {0, 0, w->pads[0], w->pads[1], w->pads[2], w->pads[3], 0, 0};
    bool valid = is_valid(w), same = !valid && is_same(w);
    attr_ints(im, node, "strides", strides, 4);
    rt__builder_text(&im->b, node, "padding", valid ? "VALID" : same ? "SAME" : "EXPLICIT");
    if (!valid && !same)
        attr_ints(im, node, "explicit_paddings", pads, 8);
    rt__builder_text(&im->b, node, "data_format", "NHWC");
}

static rt_edge add_bias(rt_import *im, const char *name, rt_edge x, const float *bias, int64_t n)
{
    const rt_edge inputs[] = {x, rt__import_floats(im, name, "/bias", bias, &n, 1)};
    rt_edge y = rt__import_op(im, name, "", "BiasAdd", inputs, 2);
    rt__builder_text(&im->b, y.node, "data_format", "NHWC");
    return y;
}

rt_edge rt__import_conv(rt_import *import, const char *name, rt_edge x, const float *filter,
                        const int64_t dims[4], const float *bias, const rt_import_window *window,
                        bool depthwise)
{
    const int64_t dilations[] = {1, window->dilation[0], window->dilation[1], 1};
    const rt_edge inputs[] = {x, rt__import_floats(import, name, "/weights", filter, dims, 4)};
    rt_edge y = rt__import_op(import, name, bias ? "/Conv2D" : "",
                              depthwise ? "DepthwiseConv2dNative" : "Conv2D", inputs, 2);
    window_attrs(import, y.node, window);
    attr_ints(import, y.node, "dilations", dilations, 4);
    return bias ? add_bias(import, name, y, bias, depthwise ? dims[2] * dims[3] : dims[3]) : y;
}

rt_edge rt__import_matmul(rt_import *import, const char *name, rt_edge x, const float *weights, int64_t k,
                          int64_t m, const float *bias)
{
    const int64_t dims[] = {k, m};
    const rt_edge inputs[] = {x, rt__import_floats(import, name, "/weights", weights, dims, 2)};
    rt_edge y = rt__import_op(import, name, bias ? "/MatMul" : "", "MatMul", inputs, 2);
    rt__builder_bool(&import->b, y.node, "transpose_a", false);
    rt__builder_bool(&import->b, y.node, "transpose_b", false);
    return bias ? add_bias(import, name, y, bias, m) : y;
}

rt_edge rt__import_pool(rt_import *import, const char *name, const char *op, rt_edge x,
                        const rt_import_window *window)
{
    const int64_t ksize[] = {1, window->kernel[0], window->kernel[1], 1};
    rt_edge y = rt__import_unary(import, name, op, x);
    window_attrs(import, y.node, window);
    attr_ints(import, y.node, "ksize", ksize, 4);
    return y;
}

rt_edge rt__import_mean(rt_import *import, const char *name, rt_edge x, bool keep)
{
    static const int64_t axes[] = {1, 2}, two = 2;
    const rt_edge inputs[] = {x, rt__import_ints(import, name, "/axes", axes, &two, 1)};
    rt_edge y = rt__import_op(import, name, "", "Mean", inputs, 2);
    rt__builder_type(&import->b, y.node, "Tidx", RT_INT32);
    rt__builder_bool(&import->b, y.node, "keep_dims", keep);
    return y;
}

rt_edge rt__import_reshape(rt_import *import, const char *name, rt_edge x, const int64_t *dims, int rank)
{
    int64_t wanted[RT_MAX_RANK], n = rank;
    rt_edge inputs[2] = {x, {0, 0}}, y;
    for (int i = 0; i < rank; i++)
        wanted[i] = i ? dims[i] : RT_UNKNOWN;
    inputs[1] = rt__import_ints(import, name, "/shape", wanted, &n, 1);
    y = rt__import_op(import, name, "", "Reshape", inputs, 2);
    rt__builder_type(&import->b, y.node, "Tshape", RT_INT32);
    return y;
}

rt_edge rt__import_pad(rt_import *import, const char *name, const char *suffix, rt_edge x,
                       const int64_t pads[4])
{
    static const int64_t dims[] = {4, 2};
    const int64_t all[] = {0, 0, pads[0], pads[1], pads[2], pads[3], 0, 0};
    const rt_edge inputs[] = {x, rt__import_ints(import, name, "/paddings", all, dims, 2)};
    rt_edge y = rt__import_op(import, name, suffix, "Pad", inputs, 2);
    rt__builder_type(&import->b, y.node, "Tpaddings", RT_INT32);
    return y;
}

rt_edge rt__import_concat(rt_import *import, const char *name, const rt_edge *parts, size_t n, int axis)
{
    const int64_t value = axis;
    rt_edge *inputs = rt__builder_array(&import->b, n + 1, sizeof *inputs), y;
    if (!inputs)
        return (rt_edge){0, 0};
    memcpy(inputs, parts, n * sizeof *inputs);
    inputs[n] = rt__import_ints(import, name, "/axis", &value, NULL, 0);
    y = rt__import_op(import, name, "", "ConcatV2", inputs, n + 1);
    rt__builder_type(&import->b, y.node, "Tidx", RT_INT32);
    attr_int(import, y.node, "N", (int64_t)n);
    return y;
}

/* ---- activations and arithmetic ---- */

rt_edge rt__import_clip(rt_import *import, const char *name, rt_edge x, float low, float high)
{
    if (low == 0 && high == 6)
        return rt__import_unary(import, name, "Relu6", x);
    if (low == 0 && isinf(high))
        return rt__import_unary(import, name, "Relu", x);
    if (!isinf(low))
        x = rt__import_binary(import, name, isinf(high) ? "" : "/low", "Maximum", x,
                              rt__import_scalar(import, name, "/min", low));
    if (!isinf(high))
        x = rt__import_binary(import, name, "", "Minimum", x, rt__import_scalar(import, name, "/max", high));
    return x;
}

rt_edge rt__import_leaky_relu(rt_import *import, const char *name, rt_edge x, float alpha)
{
    rt_edge y = rt__import_unary(import, name, "LeakyRelu", x);
    attr_float(import, y.node, "alpha", alpha);
    return y;
}

rt_edge rt__import_fake_quant(rt_import *import, const char *name, rt_edge x, float low, float high)
{
    const rt_edge inputs[] = {x, rt__import_scalar(import, name, "/min", low),
                              rt__import_scalar(import, name, "/max", high)};
    rt_edge y = add(import, name, "", "FakeQuantWithMinMaxVars", inputs, 3);
    attr_int(import, y.node, "num_bits", 8);
    rt__builder_bool(&import->b, y.node, "narrow_range", false);
    return y;
}

rt_edge rt__import_hard_swish(rt_import *import, const char *name, rt_edge x)
{
    rt_edge gate =
        rt__import_binary(import, name, "/add", "AddV2", x, rt__import_scalar(import, name, "/three", 3));
    const rt_edge clipped = rt__import_op(import, name, "/relu6", "Relu6", &gate, 1);
    gate = rt__import_binary(import, name, "/mul", "Mul", x, clipped);
    return rt__import_binary(import, name, "", "Mul", gate,
                             rt__import_scalar(import, name, "/sixth", 1.0f / 6));
}

rt_edge rt__import_affine(rt_import *import, const char *name, rt_edge x, const float *scale,
                          const float *shift, int64_t n)
{
    rt_edge y = rt__import_binary(import, name, "/mul", "Mul", x,
                                  rt__import_floats(import, name, "/scale", scale, &n, 1));
    return rt__import_binary(import, name, "", "AddV2", y,
                             rt__import_floats(import, name, "/shift", shift, &n, 1));
}
