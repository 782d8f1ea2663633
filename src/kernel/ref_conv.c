/* Convolutions on NHWC. */
#include "ref.h"

#include <string.h>

typedef struct conv {
    rt_kernel base;
    rt_window window;
    rt_activation activation;
    int32_t multiplier;
    bool accumulate;
    const float *weights, *bias;
} conv;

/* y[x.c = cin] -> [cout]: adds the pixel under one weight row of a dense convolution. */
static void add_dense(const conv *k, const float *pixel, const float *weights, double *sum)
{
    int32_t cin = k->base.src[0].c, cout = k->base.dst.c;
    for (int32_t i = 0; i < cin; i++)
        for (int32_t o = 0; o < cout; o++)
            sum[o] += (double)pixel[i] * (double)weights[i * cout + o];
}

static void add_depthwise(const conv *k, const float *pixel, const float *weights, double *sum)
{
    for (int32_t i = 0; i < k->base.src[0].c; i++)
        for (int32_t j = 0; j < k->multiplier; j++)
            sum[i * k->multiplier + j] += (double)pixel[i] * (double)weights[i * k->multiplier + j];
}

/* sum [cout] over the window whose top left corner stands at (top, left) of src, padding left out. */
static void window_sum(const conv *k, const float *src, int32_t top, int32_t left, double *sum)
{
    const rt_grid *in = &k->base.src[0];
    const rt_window *window = &k->window;
    size_t tap = (size_t)in->c * (size_t)(k->multiplier ? k->multiplier : k->base.dst.c);
    for (int32_t r = 0; r < window->size[0]; r++)
        for (int32_t s = 0; s < window->size[1]; s++) {
            int32_t y = top + r * window->dilation[0], x = left + s * window->dilation[1];
            const float *weights = k->weights + (size_t)(r * window->size[1] + s) * tap;
            const float *pixel;
            if (y < 0 || y >= in->h || x < 0 || x >= in->w)
                continue;
            pixel = src + ((size_t)y * (size_t)in->w + (size_t)x) * (size_t)in->c;
            if (k->multiplier)
                add_depthwise(k, pixel, weights, sum);
            else
                add_dense(k, pixel, weights, sum);
        }
}

static rt_code conv_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const conv *k = (const conv *)kernel;
    const rt_grid *out = &kernel->dst;
    double *sum = args->scratch;
    float *dst = args->dst;
    (void)bound;
    (void)err;
    for (int32_t y = 0; y < out->h; y++)
        for (int32_t x = 0; x < out->w; x++, dst += out->c) {
            for (int32_t o = 0; o < out->c; o++)
                sum[o] = (double)k->bias[o] + (k->accumulate ? (double)dst[o] : 0);
            window_sum(k, args->src[0], y * k->window.stride[0] - k->window.front[0],
                       x * k->window.stride[1] - k->window.front[1], sum);
            for (int32_t o = 0; o < out->c; o++)
                dst[o] = (float)sum[o];
            rt__ref_activate(k->activation, dst, (size_t)out->c);
        }
    return RT_OK;
}

static rt_code conv_new(const rt_conv_spec *spec, int32_t multiplier, rt_kernel **kernel, rt_error *err)
{
    size_t taps = (size_t)spec->window.size[0] * (size_t)spec->window.size[1];
    size_t n = taps * (size_t)spec->src.c * (size_t)(multiplier ? multiplier : spec->channels);
    float *floats;
    conv *k = rt__ref_kernel_new(sizeof *k, n + (size_t)spec->channels, &floats, err);
    if (!k)
        return RT_ENOMEM;
    memcpy(floats, spec->weights, n * sizeof *floats);
    memcpy(floats + n, spec->bias, (size_t)spec->channels * sizeof *floats);
    k->weights = floats;
    k->bias = floats + n;
    k->window = spec->window;
    k->activation = spec->activation;
    k->multiplier = multiplier;
    k->accumulate = spec->accumulate;
    k->base.run = conv_run;
    k->base.scratch_bytes = (size_t)spec->channels * sizeof(double);
    k->base.src[0] = spec->src;
    k->base.src[0].layout = RT_LAYOUT_ROWS;
    k->base.dst =
        (rt_grid){(int32_t)rt__window_out(&spec->window, 0, spec->src.h),
                  (int32_t)rt__window_out(&spec->window, 1, spec->src.w), spec->channels, RT_LAYOUT_ROWS};
    *kernel = &k->base;
    return RT_OK;
}

rt_code rt__ref_conv(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err)
{
    (void)kernels;
    return conv_new(spec, 0, kernel, err);
}

rt_code rt__ref_depthwise(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                          rt_error *err)
{
    (void)kernels;
    return conv_new(spec, spec->multiplier, kernel, err);
}
