/* Pools and zero borders, in any layout: [blocks][h][w][inner]. */
#include "ref.h"

#include <float.h>
#include <string.h>

typedef struct pool {
    rt_kernel base;
    rt_window window;
    bool average;
} pool;

/* One output pixel of one block: out [inner] from plane [h, w, inner], window corner at (top, left). */
static void pool_pixel(const pool *k, const float *plane, int32_t top, int32_t left, float *out)
{
    const rt_grid *in = &k->base.src[0];
    int32_t inner = rt__grid_inner(in), count = 0;
    for (int32_t i = 0; i < inner; i++)
        out[i] = k->average ? 0 : -FLT_MAX;
    for (int32_t y = top; y < top + k->window.size[0]; y++)
        for (int32_t x = left; x < left + k->window.size[1]; x++) {
            const float *pixel;
            if (y < 0 || y >= in->h || x < 0 || x >= in->w)
                continue;
            pixel = plane + ((size_t)y * (size_t)in->w + (size_t)x) * (size_t)inner;
            for (int32_t i = 0; i < inner; i++)
                out[i] = k->average ? out[i] + pixel[i] : pixel[i] > out[i] ? pixel[i] : out[i];
            count++;
        }
    for (int32_t i = 0; k->average && i < inner; i++)
        out[i] /= (float)count;
}

static rt_code pool_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const pool *k = (const pool *)kernel;
    const rt_grid *in = &kernel->src[0], *out = &kernel->dst;
    size_t inner = (size_t)rt__grid_inner(in);
    size_t plane = (size_t)in->h * (size_t)in->w * inner;
    const float *src = args->src[0], *end = src + rt__grid_floats(in);
    float *dst = args->dst;
    (void)bound;
    (void)err;
    for (; src < end; src += plane)
        for (int32_t y = 0; y < out->h; y++)
            for (int32_t x = 0; x < out->w; x++, dst += inner)
                pool_pixel(k, src, y * k->window.stride[0] - k->window.front[0],
                           x * k->window.stride[1] - k->window.front[1], dst);
    return RT_OK;
}

rt_code rt__ref_pool(const rt_kernels *kernels, const rt_pool_spec *spec, rt_kernel **kernel, rt_error *err)
{
    pool *k = rt__ref_kernel_new(sizeof *k, 0, NULL, err);
    (void)kernels;
    if (!k)
        return RT_ENOMEM;
    k->window = spec->window;
    k->average = spec->average;
    k->base.run = pool_run;
    k->base.src[0] = spec->src;
    k->base.dst =
        (rt_grid){(int32_t)rt__window_out(&spec->window, 0, spec->src.h),
                  (int32_t)rt__window_out(&spec->window, 1, spec->src.w), spec->src.c, spec->src.layout};
    *kernel = &k->base;
    return RT_OK;
}

rt_code rt__ref_global_average(const rt_kernels *kernels, const rt_grid *src, rt_kernel **kernel,
                               rt_error *err)
{
    const rt_pool_spec spec = {
        .src = *src,
        .average = true,
        .window = {.size = {src->h, src->w}, .stride = {1, 1}, .dilation = {1, 1}},
    };
    return rt__ref_pool(kernels, &spec, kernel, err);
}

typedef struct pad {
    rt_kernel base;
    int32_t top, left;
} pad;

static rt_code pad_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const pad *k = (const pad *)kernel;
    const rt_grid *in = &kernel->src[0], *out = &kernel->dst;
    size_t inner = (size_t)rt__grid_inner(in);
    size_t row = (size_t)in->w * inner;
    const float *src = args->src[0], *end = src + rt__grid_floats(in);
    float *dst = args->dst;
    (void)bound;
    (void)err;
    memset(dst, 0, rt__grid_floats(out) * sizeof *dst);
    for (; src < end; dst += (size_t)out->h * (size_t)out->w * inner)
        for (int32_t y = 0; y < in->h; y++, src += row)
            memcpy(dst + ((size_t)(y + k->top) * (size_t)out->w + (size_t)k->left) * inner, src,
                   row * sizeof *dst);
    return RT_OK;
}

rt_code rt__ref_pad(const rt_kernels *kernels, const rt_pad_spec *spec, rt_kernel **kernel, rt_error *err)
{
    pad *k = rt__ref_kernel_new(sizeof *k, 0, NULL, err);
    (void)kernels;
    if (!k)
        return RT_ENOMEM;
    k->top = spec->front[0];
    k->left = spec->front[1];
    k->base.run = pad_run;
    k->base.src[0] = k->base.dst = spec->src;
    k->base.dst.h += spec->front[0] + spec->back[0];
    k->base.dst.w += spec->front[1] + spec->back[1];
    *kernel = &k->base;
    return RT_OK;
}
