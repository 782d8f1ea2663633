/* Kernels of a fully connected layer with few outputs, for training it.
 *
 * The weights stand transposed, [n_outputs, length]: both products then run along a row of x, however few
 * classes there are.  Every level gives the same bits: products and sums are rounded one by one (no fused
 * multiply-add), in the order stated here, which is that of the plain C in dense_ref.c. */
#ifndef RT_KERNEL_DENSE_H
#define RT_KERNEL_DENSE_H

#include "base/cpu.h"

#include <stddef.h>

enum { RT_DENSE_LANES = 16 };

typedef struct rt_dense_rows {
    const float *const *x; /* n pointers to rows of `length` floats each, any alignment */
    size_t n, length;
    size_t n_outputs;
} rt_dense_rows;

typedef struct rt_dense {
    const char *name;

    /* out[i * out_stride + k] += dot(x[i], w + k * w_stride).  A dot product is summed in 16 lanes, element j
     * in lane j % 16 by rising j, and the lanes in halves: l += l + 8, l + 4, l + 2, l + 1. */
    void (*dot)(const rt_dense_rows *rows, const float *w, size_t w_stride, float *out, size_t out_stride);

    /* sum[k * sum_stride + j] += d[i * d_stride + k] * x[i][j], by rising i. */
    void (*accumulate)(const rt_dense_rows *rows, const float *d, size_t d_stride, float *sum,
                       size_t sum_stride);

    /* w[j] -= rate * step[j] */
    void (*descend)(float *w, const float *step, float rate, size_t n);

    /* v[j] = exp(v[j]) for v[j] <= 88: within 2 units in the last place; 0 below -87; NaN stays. */
    void (*exp)(float *v, size_t n);
} rt_dense;

/* Fills the table with the fastest kernels this processor runs, of level `most` at most (which is for tests
 * and benchmarks: RT_CPU_AVX512 is everything). */
void rt__dense_init(rt_dense *dense, rt_cpu_level most);

#endif
