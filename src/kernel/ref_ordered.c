/* Convolutions that round every step as TensorFlow does on a CPU with FMA.
 *
 * Networks with FakeQuant turn a difference in the last bit into a step of 1/255 wherever a value stands
 * between two steps, and each layer doubles the number of values that differ: after 27 layers 15% of them
 * do, whatever the precision.  So here the order matters:
 *   depthwise  float, 0 + w * x tap by tap (row by row), product and sum rounded apart: Eigen's packets are
 *              compiled without FMA
 *   dense      one fused multiply-add after the other, taps row by row and in each all channels.  TensorFlow
 *              multiplies matrices with oneDNN's sgemm, which takes output channels by 16; for those left
 *              over it has two sums, of even and of odd terms
 * The bias is added last, rounded apart.  Found by comparing TensorFlow 2.15.1's bits. */
#include "ref.h"

#include <string.h>

enum { LANES = 8 }; /* channels side by side: what compilers make vectors of */

typedef struct ordered {
    rt_kernel base;
    rt_window window;
    rt_activation activation;
    const float *weights, *bias; /* [taps (, src.c), channels filled up to LANES], [the same] */
    int32_t stride;              /* channels filled up to LANES */
} ordered;

/* The part of a window that lies inside the image, for one output pixel. */
typedef struct inside {
    int32_t y, x;              /* of its top left corner, maybe outside */
    int32_t row[2], column[2]; /* first and behind the last tap         */
} inside;

static void clip_taps(int32_t start, int32_t size, int32_t dilation, int32_t limit, int32_t taps[2])
{
    taps[0] = start < 0 ? (-start + dilation - 1) / dilation : 0;
    taps[1] = size;
    while (taps[1] > taps[0] && start + (taps[1] - 1) * dilation >= limit)
        taps[1]--;
}

static inside clip_window(const ordered *k, int32_t y, int32_t x)
{
    const rt_window *w = &k->window;
    inside at = {.y = y * w->stride[0] - w->front[0], .x = x * w->stride[1] - w->front[1]};
    clip_taps(at.y, w->size[0], w->dilation[0], k->base.src[0].h, at.row);
    clip_taps(at.x, w->size[1], w->dilation[1], k->base.src[0].w, at.column);
    return at;
}

static void add_bias(const ordered *k, float *lanes, int32_t channel)
{
    for (int i = 0; i < LANES; i++)
        lanes[i] += k->bias[channel + i];
}

/* ---- depthwise ---- */

/* out [LANES] of one pixel; plane [h, w] of pixels `inner` floats apart. */
static void depthwise_lanes(const ordered *k, const float *plane, size_t inner, const inside *at,
                            const float *weights, float *out)
{
    const rt_window *window = &k->window;
    size_t width = (size_t)k->base.src[0].w, step = (size_t)window->dilation[1] * inner;
    float sum[LANES] = {0};
    for (int32_t r = at->row[0]; r < at->row[1]; r++) {
        size_t y = (size_t)(at->y + r * window->dilation[0]);
        size_t x = (size_t)(at->x + at->column[0] * window->dilation[1]);
        const float *w = weights + (r * window->size[1] + at->column[0]) * k->stride;
        const float *pixel = plane + (y * width + x) * inner;
        for (int32_t s = at->column[0]; s < at->column[1]; s++, pixel += step, w += k->stride)
            for (int i = 0; i < LANES; i++)
                sum[i] += pixel[i] * w[i];
    }
    memcpy(out, sum, sizeof sum);
}

static rt_code depthwise_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const ordered *k = (const ordered *)kernel;
    const rt_grid *in = &kernel->src[0], *out = &kernel->dst;
    size_t inner = (size_t)rt__grid_inner(in), plane = (size_t)in->h * (size_t)in->w * inner;
    size_t out_plane = (size_t)out->h * (size_t)out->w * inner;
    (void)bound;
    (void)err;
    for (int32_t c = 0; c < k->stride; c += LANES) {
        size_t block = (size_t)c / inner, lane = (size_t)c % inner;
        const float *src = args->src[0] + block * plane + lane;
        float *dst = args->dst + block * out_plane + lane;
        for (int32_t y = 0; y < out->h; y++)
            for (int32_t x = 0; x < out->w; x++, dst += inner) {
                inside at = clip_window(k, y, x);
                depthwise_lanes(k, src, inner, &at, k->weights + c, dst);
                add_bias(k, dst, c);
            }
    }
    rt__ref_activate(k->activation, args->dst, rt__grid_floats(out));
    return RT_OK;
}

/* ---- dense ---- */

/* sum [LANES] = fma(x, w, sum): the product is exact in double, and so is nearly every sum. */
static void fused_add(float *sum, float x, const float *w)
{
    for (int i = 0; i < LANES; i++)
        sum[i] = (float)((double)sum[i] + (double)x * (double)w[i]);
}

static void dense_lanes(const ordered *k, const float *src, const inside *at, int32_t channel, float *out)
{
    const rt_grid *in = &k->base.src[0];
    const rt_window *window = &k->window;
    size_t pixels = (size_t)in->h * (size_t)in->w;
    int32_t odd = channel < k->base.dst.c / 16 * 16 ? 0 : 1; /* terms at odd places have a sum of their own */
    float sums[2][LANES] = {{0}};
    for (int32_t r = at->row[0]; r < at->row[1]; r++)
        for (int32_t s = at->column[0]; s < at->column[1]; s++) {
            size_t y = (size_t)(at->y + r * window->dilation[0]),
                   x = (size_t)(at->x + s * window->dilation[1]);
            int32_t term = (r * window->size[1] + s) * in->c;
            for (int32_t c = 0; c < in->c; c++, term++)
                fused_add(sums[term & odd], src[(size_t)c * pixels + y * (size_t)in->w + x],
                          k->weights + (size_t)term * (size_t)k->stride + channel);
        }
    for (int i = 0; i < LANES; i++)
        out[i] = odd ? sums[0][i] + sums[1][i] : sums[0][i];
}

static rt_code dense_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const ordered *k = (const ordered *)kernel;
    const rt_grid *out = &kernel->dst;
    float *dst = args->dst;
    (void)bound;
    (void)err;
    for (int32_t c = 0; c < k->stride; c += LANES)
        for (int32_t y = 0; y < out->h; y++)
            for (int32_t x = 0; x < out->w; x++, dst += LANES) {
                inside at = clip_window(k, y, x);
                dense_lanes(k, args->src[0], &at, c, dst);
                add_bias(k, dst, c);
            }
    rt__ref_activate(k->activation, args->dst, rt__grid_floats(out));
    return RT_OK;
}

/* ---- both ---- */

/* Weights [rows, channels] and the bias, each row filled up with zeros. */
static ordered *ordered_new(const rt_conv_spec *spec, size_t rows, rt_error *err)
{
    size_t channels = (size_t)spec->channels, stride = (channels + LANES - 1) / LANES * LANES;
    float *floats;
    ordered *k = rt__ref_kernel_new(sizeof *k, (rows + 1) * stride, &floats, err);
    if (!k)
        return NULL;
    for (size_t i = 0; i < rows; i++)
        memcpy(floats + i * stride, spec->weights + i * channels, channels * sizeof *floats);
    memcpy(floats + rows * stride, spec->bias, channels * sizeof *floats);
    k->weights = floats;
    k->bias = floats + rows * stride;
    k->stride = (int32_t)stride;
    k->window = spec->window;
    k->activation = spec->activation;
    k->base.src[0] = spec->src;
    return k;
}

rt_code rt__ref_ordered_depthwise(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                                  rt_error *err)
{
    ordered *k = ordered_new(spec, (size_t)spec->window.size[0] * (size_t)spec->window.size[1], err);
    (void)kernels;
    if (!k)
        return RT_ENOMEM;
    if (rt__grid_inner(&spec->src) % LANES != 0)
        k->base.src[0].layout = RT_LAYOUT_BLOCK8;
    k->base.dst = rt__window_grid(&spec->window, &k->base.src[0], spec->channels);
    k->base.run = depthwise_run;
    *kernel = &k->base;
    return RT_OK;
}

rt_code rt__ref_ordered_conv(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                             rt_error *err)
{
    size_t taps = (size_t)spec->window.size[0] * (size_t)spec->window.size[1];
    ordered *k = ordered_new(spec, taps * (size_t)spec->src.c, err);
    (void)kernels;
    if (!k)
        return RT_ENOMEM;
    k->base.src[0].layout = RT_LAYOUT_PLANES;
    k->base.dst = rt__window_grid(&spec->window, &k->base.src[0], spec->channels);
    k->base.dst.layout = RT_LAYOUT_BLOCK8;
    k->base.run = dense_run;
    *kernel = &k->base;
    return RT_OK;
}
