/* Matrix product and softmax: rows of channels. */
#include "ref.h"

#include <math.h>
#include <string.h>

typedef struct matmul {
    rt_kernel base;
    rt_activation activation;
    const float *weights, *bias;
} matmul;

static rt_code matmul_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const matmul *k = (const matmul *)kernel;
    size_t inputs = (size_t)kernel->src[0].c, outputs = (size_t)kernel->dst.c;
    double *sum = args->scratch;
    (void)bound;
    (void)err;
    for (size_t o = 0; o < outputs; o++)
        sum[o] = (double)k->bias[o];
    for (size_t i = 0; i < inputs; i++)
        for (size_t o = 0; o < outputs; o++)
            sum[o] += (double)args->src[0][i] * (double)k->weights[i * outputs + o];
    for (size_t o = 0; o < outputs; o++)
        args->dst[o] = (float)sum[o];
    rt__ref_activate(k->activation, args->dst, outputs);
    return RT_OK;
}

rt_code rt__ref_matmul(const rt_kernels *kernels, const rt_matmul_spec *spec, rt_kernel **kernel,
                       rt_error *err)
{
    size_t n = (size_t)spec->inputs * (size_t)spec->outputs;
    float *floats;
    matmul *k = rt__ref_kernel_new(sizeof *k, n + (size_t)spec->outputs, &floats, err);
    (void)kernels;
    if (!k)
        return RT_ENOMEM;
    memcpy(floats, spec->weights, n * sizeof *floats);
    memcpy(floats + n, spec->bias, (size_t)spec->outputs * sizeof *floats);
    k->weights = floats;
    k->bias = floats + n;
    k->activation = spec->activation;
    k->base.run = matmul_run;
    k->base.scratch_bytes = (size_t)spec->outputs * sizeof(double);
    k->base.src[0] = (rt_grid){1, 1, spec->inputs, RT_LAYOUT_ROWS};
    k->base.dst = (rt_grid){1, 1, spec->outputs, RT_LAYOUT_ROWS};
    *kernel = &k->base;
    return RT_OK;
}

static rt_code softmax_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    size_t c = (size_t)kernel->dst.c, n = rt__grid_floats(&kernel->dst);
    (void)bound;
    (void)err;
    for (size_t at = 0; at < n; at += c) {
        const float *x = args->src[0] + at;
        float *y = args->dst + at;
        float largest = x[0];
        double sum = 0;
        for (size_t i = 1; i < c; i++)
            largest = x[i] > largest ? x[i] : largest;
        for (size_t i = 0; i < c; i++) {
            y[i] = expf(x[i] - largest);
            sum += (double)y[i];
        }
        for (size_t i = 0; i < c; i++)
            y[i] = (float)((double)y[i] / sum);
    }
    return RT_OK;
}

rt_code rt__ref_softmax(const rt_kernels *kernels, const rt_grid *src, rt_kernel **kernel, rt_error *err)
{
    rt_kernel *k = rt__ref_kernel_new(sizeof *k, 0, NULL, err);
    (void)kernels;
    if (!k)
        return RT_ENOMEM;
    k->run = softmax_run;
    k->in_place = true;
    k->src[0] = k->dst = *src;
    k->src[0].layout = k->dst.layout = RT_LAYOUT_ROWS;
    *kernel = k;
    return RT_OK;
}
