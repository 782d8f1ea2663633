/* TensorFlow Lite's layers with weights or windows, and what stands behind every operator. */
#include "tflite_import.h"

#include "base/checked.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ActivationFunctionType */
enum { NO_ACTIVATION = 0, RELU = 1, RELU_N1_TO_1 = 2, RELU6 = 3, TANH = 4 };
/* Padding */
enum { SAME = 0, VALID = 1 };

/* ---- behind an operator ---- */

bool rt__tfl_range(const rt_tfl_value *v, float *low, float *high)
{
    double scale, zero, least = v->type == RT_TFLR_INT8 ? -128 : 0;
    if ((v->type != RT_TFLR_UINT8 && v->type != RT_TFLR_INT8) || v->scales.count != 1)
        return false;
    scale = (double)rt__flat_f32_at(&v->scales, 0);
    zero = v->zeros.count == 1 ? (double)rt__flat_i64_at(&v->zeros, 0) : 0;
    if (!(scale > 0) || !(scale < 1e30) || zero < least || zero > least + 255)
        return false;
    *low = (float)((least - zero) * scale);
    *high = (float)((least + 255 - zero) * scale);
    return true;
}

/* Clamping to the steps that there are does what the activation would. */
static bool is_within(uint8_t activation, bool stepped, float low, float high)
{
    return stepped && low >= 0 && (activation == RELU || (activation == RELU6 && high <= 6));
}

const char *rt__tfl_inner(const rt_tfl_call *call, uint8_t activation)
{
    float low, high;
    size_t size = strlen(call->name) + sizeof "/inner";
    char *text;
    if (!rt__tfl_range(call->out, &low, &high) && activation == NO_ACTIVATION)
        return call->name;
    if (!(text = rt__builder_array(&call->t->im.b, size, 1)))
        return call->name;
    snprintf(text, size, "%s/inner", call->name);
    return text;
}

static rt_code activate(const rt_tfl_call *call, const char *name, uint8_t activation, rt_edge *y)
{
    rt_import *im = &call->t->im;
    if (activation == RELU)
        *y = rt__import_clip(im, name, *y, 0, INFINITY);
    else if (activation == RELU6)
        *y = rt__import_clip(im, name, *y, 0, 6);
    else if (activation == RELU_N1_TO_1)
        *y = rt__import_clip(im, name, *y, -1, 1);
    else if (activation == TANH)
        *y = rt__import_unary(im, name, "Tanh", *y);
    else if (activation != NO_ACTIVATION)
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "with the activation %u", activation);
    return im->b.code;
}

static rt_code check_type(const rt_tfl_call *call, bool stepped)
{
    if (!stepped && call->out->type != RT_TFLR_FLOAT32)
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED,
                                 "its result has type %u or no scale, want floats or 8 bits",
                                 call->out->type);
    return RT_OK;
}

static rt_code set_result(rt_tfl_call *call, rt_edge y, const rt_shape *shape)
{
    call->out->edge = y;
    call->out->shape = *shape;
    return call->t->im.b.code;
}

rt_code rt__tfl_finish(rt_tfl_call *call, rt_edge y, const rt_shape *shape, uint8_t activation)
{
    float low = 0, high = 0;
    bool stepped = rt__tfl_range(call->out, &low, &high);
    rt_code code = check_type(call, stepped);
    if (code == RT_OK && !is_within(activation, stepped, low, high))
        code = activate(call, stepped ? rt__tfl_inner(call, activation) : call->name, activation, &y);
    if (code == RT_OK && stepped)
        y = rt__import_fake_quant(&call->t->im, call->name, y, low, high);
    return code == RT_OK ? set_result(call, y, shape) : code;
}

rt_code rt__tfl_finish_moved(rt_tfl_call *call, rt_edge y, const rt_shape *shape)
{
    float low, high, low_in, high_in;
    bool stepped = rt__tfl_range(call->out, &low, &high);
    rt_code code = check_type(call, stepped);
    if (code == RT_OK && stepped &&
        !(rt__tfl_range(call->in[0], &low_in, &high_in) && low_in == low && high_in == high))
        y = rt__import_fake_quant(&call->t->im, call->name, y, low, high);
    return code == RT_OK ? set_result(call, y, shape) : code;
}

/* ---- windows ---- */

static rt_code want_map(const rt_tfl_call *call)
{
    char text[160];
    if (call->in[0]->constant || call->in[0]->shape.rank != 4)
        return rt__tfl_call_fail(
            call, RT_EUNSUPPORTED, "its input is %s, want a computed map [1,h,w,c]",
            call->in[0]->constant ? "a constant" : rt__shape_text(&call->in[0]->shape, text, sizeof text));
    return RT_OK;
}

static void same_pads(rt_import_window *w)
{
    for (int i = 0; i < 2; i++) {
        int64_t out = (w->in[i] + w->stride[i] - 1) / w->stride[i];
        int64_t all = (out - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1 - w->in[i];
        all = all > 0 ? all : 0;
        w->pads[2 * i] = all / 2;
        w->pads[2 * i + 1] = all - all / 2;
    }
}

/* kernel, strides and dilations are set */
static rt_code place_window(const rt_tfl_call *call, rt_import_window *w, int64_t out[2])
{
    uint8_t padding = rt__flat_u8(&call->options, 0, SAME);
    for (int i = 0; i < 2; i++) {
        w->in[i] = call->in[0]->shape.dim[1 + i];
        if (w->stride[i] < 1 || w->dilation[i] < 1 || w->kernel[i] < 1 || w->kernel[i] > INT16_MAX ||
            w->stride[i] > INT16_MAX || w->dilation[i] > INT16_MAX)
            return rt__tfl_call_fail(call, RT_EFORMAT, "a window of %lld in steps of %lld, dilated by %lld",
                                     (long long)w->kernel[i], (long long)w->stride[i],
                                     (long long)w->dilation[i]);
    }
    if (padding == SAME)
        same_pads(w);
    else if (padding != VALID)
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "padding %u", padding);
    if (!rt__import_window_out(w, out))
        return rt__tfl_call_fail(call, RT_EFORMAT, "a window of %lldx%lld does not fit %lldx%lld pixels",
                                 (long long)w->kernel[0], (long long)w->kernel[1], (long long)w->in[0],
                                 (long long)w->in[1]);
    return RT_OK;
}

/* ---- convolutions ---- */

/* [m,..,c] -> [..,c,m] */
static rt_code turn_weights(const rt_tfl_call *call, const float *w, size_t outputs, size_t area,
                            float **turned)
{
    if (!(*turned = rt__builder_array(&call->t->im.b, outputs * area, sizeof **turned)))
        return call->t->im.b.code;
    for (size_t o = 0; o < outputs; o++)
        for (size_t i = 0; i < area; i++)
            (*turned)[i * outputs + o] = w[o * area + i];
    return RT_OK;
}

static rt_code read_bias(const rt_tfl_call *call, int64_t outputs, float **bias)
{
    size_t n;
    *bias = NULL;
    if (call->n_in < 3 || !call->in[2])
        return RT_OK;
    return rt__tfl_floats(call, 2, (size_t)outputs, bias, &n);
}

/* dims: of the filter in our order; shift: of the options behind the depth multiplier */
static rt_code convolution(rt_tfl_call *call, const float *filter, const int64_t dims[4], bool depthwise,
                           unsigned shift)
{
    rt_import_window w = {
        .kernel = {dims[0], dims[1]},
        .stride = {rt__flat_i32(&call->options, 2, 0), rt__flat_i32(&call->options, 1, 0)},
        .dilation = {rt__flat_i32(&call->options, 5 + shift, 1), rt__flat_i32(&call->options, 4 + shift, 1)},
    };
    uint8_t activation = rt__flat_u8(&call->options, 3 + shift, NO_ACTIVATION);
    int64_t out[2], outputs = depthwise ? dims[2] * dims[3] : dims[3];
    float *bias;
    rt_edge y;
    rt_code code = place_window(call, &w, out);
    if (code != RT_OK || (code = read_bias(call, outputs, &bias)) != RT_OK)
        return code;
    y = rt__import_conv(&call->t->im, rt__tfl_inner(call, activation), call->in[0]->edge, filter, dims, bias,
                        &w, depthwise);
    return rt__tfl_finish(call, y, &(rt_shape){.rank = 4, .dim = {1, out[0], out[1], outputs}}, activation);
}

/* The weights' shape, of rank 4 and for the channels of the input. */
static rt_code check_filter(const rt_tfl_call *call, const rt_shape **shape)
{
    int64_t channels = call->in[0]->shape.dim[3];
    rt_code code = want_map(call);
    if (code != RT_OK)
        return code;
    *shape = &call->in[1]->shape;
    if (!call->in[1]->constant || (*shape)->rank != 4 || channels < 1 || (*shape)->dim[3] < 1 ||
        (*shape)->dim[3] % channels != 0)
        return rt__tfl_call_fail(call, RT_EUNSUPPORTED, "its weights are no constant for %lld channels",
                                 (long long)channels);
    return RT_OK;
}

rt_code rt__tfl_conv(rt_tfl_call *call)
{
    const rt_shape *shape;
    float *w, *turned;
    size_t n;
    rt_code code = check_filter(call, &shape);
    if (code == RT_OK && shape->dim[3] != call->in[0]->shape.dim[3])
        code = rt__tfl_call_fail(call, RT_EFORMAT, "weights for %lld channels, but its input has %lld",
                                 (long long)shape->dim[3], (long long)call->in[0]->shape.dim[3]);
    if (code == RT_OK)
        code = rt__tfl_floats(call, 1, 0, &w, &n);
    if (code == RT_OK && n == 0)
        code = rt__tfl_call_fail(call, RT_EFORMAT, "it has no weights");
    if (code == RT_OK)
        code = turn_weights(call, w, (size_t)shape->dim[0], n / (size_t)shape->dim[0], &turned);
    if (code != RT_OK)
        return code;
    {
        const int64_t dims[] = {shape->dim[1], shape->dim[2], shape->dim[3], shape->dim[0]};
        return convolution(call, turned, dims, false, 0);
    }
}

rt_code rt__tfl_depthwise(rt_tfl_call *call)
{
    const rt_shape *shape;
    int64_t channels = call->in[0]->shape.dim[3];
    float *w;
    size_t n;
    rt_code code = check_filter(call, &shape);
    if (code == RT_OK && shape->dim[0] != 1)
        code = rt__tfl_call_fail(call, RT_EFORMAT, "its weights are not [1,h,w,c]");
    if (code == RT_OK)
        code = rt__tfl_floats(call, 1, 0, &w, &n);
    if (code != RT_OK)
        return code;
    {
        const int64_t dims[] = {shape->dim[1], shape->dim[2], channels, shape->dim[3] / channels};
        return convolution(call, w, dims, true, 1);
    }
}

/* ---- products ---- */

rt_code rt__tfl_fully_connected(rt_tfl_call *call)
{
    const rt_tfl_value *x = call->in[0];
    const rt_shape *shape = &call->in[1]->shape;
    uint8_t activation = rt__flat_u8(&call->options, 0, NO_ACTIVATION);
    rt_edge y = x->edge;
    size_t n, k;
    float *w, *turned, *bias;
    rt_code code = rt__tfl_floats(call, 1, 0, &w, &n);
    if (code == RT_OK && (shape->rank != 2 || n == 0 || x->constant ||
                          rt__shape_elements(&x->shape, &k, NULL) != RT_OK || k != (size_t)shape->dim[1]))
        code = rt__tfl_call_fail(call, RT_EFORMAT, "its weights do not fit its input");
    if (code == RT_OK && rt__flat_u8(&call->options, 2, 0) && x->shape.rank != 2)
        code = rt__tfl_call_fail(call, RT_EUNSUPPORTED, "with keep_num_dims");
    if (code == RT_OK)
        code = turn_weights(call, w, (size_t)shape->dim[0], (size_t)shape->dim[1], &turned);
    if (code == RT_OK)
        code = read_bias(call, shape->dim[0], &bias);
    if (code != RT_OK)
        return code;
    {
        const char *inner = rt__tfl_inner(call, activation);
        if (x->shape.rank != 2)
            y = rt__import_reshape(&call->t->im, inner, y, (int64_t[]){1, shape->dim[1]}, 2);
        y = rt__import_matmul(&call->t->im, inner, y, turned, shape->dim[1], shape->dim[0], bias);
    }
    return rt__tfl_finish(call, y, &(rt_shape){.rank = 2, .dim = {1, shape->dim[0]}}, activation);
}

/* ---- pools ---- */

static rt_code pool(rt_tfl_call *call, const char *op)
{
    rt_import_window w = {
        .kernel = {rt__flat_i32(&call->options, 4, 0), rt__flat_i32(&call->options, 3, 0)},
        .stride = {rt__flat_i32(&call->options, 2, 0), rt__flat_i32(&call->options, 1, 0)},
        .dilation = {1, 1},
    };
    uint8_t activation = rt__flat_u8(&call->options, 5, NO_ACTIVATION);
    bool moves = strcmp(op, "MaxPool") == 0 && activation == NO_ACTIVATION;
    rt_shape shape = {.rank = 4, .dim = {1, 0, 0, call->in[0]->shape.dim[3]}};
    rt_edge y;
    rt_code code = want_map(call);
    if (code == RT_OK)
        code = place_window(call, &w, shape.dim + 1);
    if (code != RT_OK)
        return code;
    y = rt__import_pool(&call->t->im, rt__tfl_inner(call, activation), op, call->in[0]->edge, &w);
    return moves ? rt__tfl_finish_moved(call, y, &shape) : rt__tfl_finish(call, y, &shape, activation);
}

rt_code rt__tfl_average_pool(rt_tfl_call *call)
{
    return pool(call, "AvgPool");
}

rt_code rt__tfl_max_pool(rt_tfl_call *call)
{
    return pool(call, "MaxPool");
}
