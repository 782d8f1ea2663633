/* Ops on each float, whatever the layout; plain loops a compiler turns into vector code.  They work in place:
 * between two pointers that may be equal a compiler does not. */
#include "ref.h"

#include <math.h>
#include <string.h>

enum { LANES = 8 };

static void none(float *x, size_t n, float alpha)
{
    (void)x;
    (void)n;
    (void)alpha;
}

static void relu(float *x, size_t n, float alpha)
{
    (void)alpha;
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] > 0 ? x[i] : 0;
}

static float clip6(float x)
{
    x = x > 0 ? x : 0;
    return x < 6 ? x : 6;
}

static void relu6(float *x, size_t n, float alpha)
{
    (void)alpha;
    for (size_t i = 0; i < n; i++)
        x[i] = clip6(x[i]);
}

static void sigmoid(float *x, size_t n, float alpha)
{
    (void)alpha;
    for (size_t i = 0; i < n; i++)
        x[i] = 1 / (1 + expf(-x[i]));
}

static void hyperbolic_tangent(float *x, size_t n, float alpha)
{
    (void)alpha;
    for (size_t i = 0; i < n; i++)
        x[i] = tanhf(x[i]);
}

static void swish(float *x, size_t n, float alpha)
{
    (void)alpha;
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] / (1 + expf(-x[i]));
}

static void hard_swish(float *x, size_t n, float alpha)
{
    (void)alpha;
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] * clip6(x[i] + 3) * (1.0F / 6);
}

static void leaky_relu(float *x, size_t n, float alpha)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] < 0 ? alpha * x[i] : x[i];
}

static void elu(float *x, size_t n, float alpha)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] < 0 ? alpha * expm1f(x[i]) : x[i];
}

void rt__ref_activate(rt_activation activation, float *x, size_t n)
{
    static void (*const functions[RT_ACTIVATION_COUNT])(float *, size_t, float) = {
        [RT_ACTIVATION_NONE] = none,
        [RT_ACTIVATION_RELU] = relu,
        [RT_ACTIVATION_RELU6] = relu6,
        [RT_ACTIVATION_SIGMOID] = sigmoid,
        [RT_ACTIVATION_TANH] = hyperbolic_tangent,
        [RT_ACTIVATION_SWISH] = swish,
        [RT_ACTIVATION_HARD_SWISH] = hard_swish,
        [RT_ACTIVATION_LEAKY_RELU] = leaky_relu,
        [RT_ACTIVATION_ELU] = elu,
    };
    functions[activation.kind](x, n, activation.alpha);
}

typedef struct elementwise {
    rt_kernel base;
    rt_activation activation;
    rt_fake_quant_spec quant;
    const float *scale, *shift; /* [c filled up to whole blocks] */
} elementwise;

typedef rt_code run_function(const rt_kernel *, const rt_kernel_args *, void *, rt_error *);

static elementwise *elementwise_new(const rt_grid *src, rt_activation activation, size_t n_floats,
                                    float **floats, run_function *run, rt_error *err)
{
    elementwise *k = rt__ref_kernel_new(sizeof *k, n_floats, floats, err);
    if (!k)
        return NULL;
    k->activation = activation;
    k->base.run = run;
    k->base.in_place = true;
    k->base.src[0] = k->base.src[1] = k->base.dst = *src;
    return k;
}

/* dst holds source 0. */
static void bring(const rt_kernel *kernel, const rt_kernel_args *args)
{
    if (args->dst != args->src[0])
        memcpy(args->dst, args->src[0], rt__grid_floats(&kernel->dst) * sizeof(float));
}

/* dst holds one source, and may be it; the other one, which may be the same. */
static const float *bring_one(const rt_kernel *kernel, const rt_kernel_args *args)
{
    if (args->dst == args->src[1])
        return args->src[0];
    bring(kernel, args);
    return args->src[1];
}

static rt_code activation_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const elementwise *k = (const elementwise *)kernel;
    (void)bound;
    (void)err;
    bring(kernel, args);
    rt__ref_activate(k->activation, args->dst, rt__grid_floats(&kernel->dst));
    return RT_OK;
}

rt_code rt__ref_activation(const rt_kernels *kernels, const rt_activation_spec *spec, rt_kernel **kernel,
                           rt_error *err)
{
    elementwise *k = elementwise_new(&spec->src, spec->activation, 0, NULL, activation_run, err);
    (void)kernels;
    if (!k)
        return RT_ENOMEM;
    *kernel = &k->base;
    return RT_OK;
}

static rt_code add_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const elementwise *k = (const elementwise *)kernel;
    const float *b = bring_one(kernel, args);
    size_t n = rt__grid_floats(&kernel->dst);
    float *y = args->dst;
    (void)bound;
    (void)err;
    for (size_t i = 0; i < n; i++)
        y[i] += b[i];
    rt__ref_activate(k->activation, y, n);
    return RT_OK;
}

rt_code rt__ref_add(const rt_kernels *kernels, const rt_activation_spec *spec, rt_kernel **kernel,
                    rt_error *err)
{
    elementwise *k = elementwise_new(&spec->src, spec->activation, 0, NULL, add_run, err);
    (void)kernels;
    if (!k)
        return RT_ENOMEM;
    k->base.n_src = 2;
    *kernel = &k->base;
    return RT_OK;
}

/* y [pixels] of one channel */
static void affine_plane(float *y, size_t pixels, float scale, float shift)
{
    for (size_t p = 0; p < pixels; p++)
        y[p] = y[p] * scale + shift;
}

/* y [pixels, LANES], every inner floats */
static void affine_lanes(float *y, size_t pixels, size_t inner, const float *scale, const float *shift)
{
    float by[LANES], plus[LANES];
    memcpy(by, scale, sizeof by);
    memcpy(plus, shift, sizeof plus);
    for (size_t p = 0; p < pixels; p++, y += inner)
        for (size_t i = 0; i < LANES; i++)
            y[i] = y[i] * by[i] + plus[i];
}

static rt_code affine_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const elementwise *k = (const elementwise *)kernel;
    size_t inner = (size_t)rt__grid_inner(&kernel->dst), n = rt__grid_floats(&kernel->dst);
    size_t pixels = (size_t)kernel->dst.h * (size_t)kernel->dst.w;
    float *y = args->dst;
    (void)bound;
    (void)err;
    bring(kernel, args);
    for (size_t c = 0; c < n / pixels; c += inner, y += pixels * inner) {
        size_t i = 0;
        for (; inner > 1 && i + LANES <= inner; i += LANES)
            affine_lanes(y + i, pixels, inner, k->scale + c + i, k->shift + c + i);
        for (; inner == 1 && i < inner; i++)
            affine_plane(y, pixels, k->scale[c], k->shift[c]);
        for (; i < inner; i++)
            for (size_t p = i; p < pixels * inner; p += inner)
                y[p] = y[p] * k->scale[c + i] + k->shift[c + i];
    }
    rt__ref_activate(k->activation, args->dst, n);
    return RT_OK;
}

rt_code rt__ref_affine(const rt_kernels *kernels, const rt_affine_spec *spec, rt_kernel **kernel,
                       rt_error *err)
{
    size_t c = (size_t)spec->src.c, filled = rt__grid_floats(&(rt_grid){1, 1, spec->src.c, spec->src.layout});
    float *floats;
    elementwise *k = elementwise_new(&spec->src, spec->activation, 2 * filled, &floats, affine_run, err);
    (void)kernels;
    if (!k)
        return RT_ENOMEM;
    memcpy(floats, spec->scale, c * sizeof *floats);
    memcpy(floats + filled, spec->shift, c * sizeof *floats);
    k->scale = floats;
    k->shift = floats + filled;
    *kernel = &k->base;
    return RT_OK;
}

static rt_code mul_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const elementwise *k = (const elementwise *)kernel;
    const float *b = bring_one(kernel, args);
    size_t n = rt__grid_floats(&kernel->dst);
    float *y = args->dst;
    (void)bound;
    (void)err;
    for (size_t i = 0; i < n; i++)
        y[i] *= b[i];
    rt__ref_activate(k->activation, y, n);
    return RT_OK;
}

/* y [pixels, inner] by a row of inner floats */
static void gate_rows(float *y, size_t pixels, size_t inner, const float *gate)
{
    float by[LANES];
    size_t i = 0;
    for (; i + LANES <= inner; i += LANES) {
        memcpy(by, gate + i, sizeof by);
        for (size_t p = 0; p < pixels; p++)
            for (size_t k = 0; k < LANES; k++)
                y[p * inner + i + k] *= by[k];
    }
    for (; i < inner; i++)
        for (size_t p = 0; p < pixels; p++)
            y[p * inner + i] *= gate[i];
}

static rt_code gate_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const elementwise *k = (const elementwise *)kernel;
    size_t inner = (size_t)rt__grid_inner(&kernel->dst), n = rt__grid_floats(&kernel->dst);
    size_t pixels = (size_t)kernel->dst.h * (size_t)kernel->dst.w;
    float *y = args->dst;
    (void)bound;
    (void)err;
    bring(kernel, args);
    for (size_t c = 0; c < n / pixels; c += inner, y += pixels * inner)
        gate_rows(y, pixels, inner, args->src[1] + c);
    rt__ref_activate(k->activation, args->dst, n);
    return RT_OK;
}

rt_code rt__ref_mul(const rt_kernels *kernels, const rt_mul_spec *spec, rt_kernel **kernel, rt_error *err)
{
    elementwise *k =
        elementwise_new(&spec->src, spec->activation, 0, NULL, spec->gate ? gate_run : mul_run, err);
    (void)kernels;
    if (!k)
        return RT_ENOMEM;
    k->base.n_src = 2;
    if (spec->gate)
        k->base.src[1] = (rt_grid){1, 1, spec->src.c, spec->src.layout};
    *kernel = &k->base;
    return RT_OK;
}

/* floorf for |x| < 2^31 that a compiler vectorises without SSE 4.1. */
static inline float floor_small(float x)
{
    float whole = (float)(int32_t)x;
    return whole - (whole > x ? 1.0F : 0.0F);
}

static rt_code fake_quant_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const rt_fake_quant_spec q = ((const elementwise *)kernel)->quant;
    size_t n = rt__grid_floats(&kernel->dst);
    float *y = args->dst;
    (void)bound;
    (void)err;
    bring(kernel, args);
    for (size_t i = 0; i < n; i++) {
        float v = y[i] > q.low ? y[i] : q.low;
        v = v < q.high ? v : q.high;
        y[i] = floor_small((v - q.low) * q.inverse / q.divisor - q.zero + 0.5F) * q.scale;
    }
    return RT_OK;
}

rt_code rt__ref_fake_quant(const rt_kernels *kernels, const rt_fake_quant_spec *spec, rt_kernel **kernel,
                           rt_error *err)
{
    elementwise *k = elementwise_new(&spec->src, (rt_activation){0}, 0, NULL, fake_quant_run, err);
    (void)kernels;
    if (!k)
        return RT_ENOMEM;
    k->quant = *spec;
    *kernel = &k->base;
    return RT_OK;
}
