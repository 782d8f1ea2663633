/* What each instruction-set level fills in, and the numbers they share. */
#ifndef RT_KERNEL_DENSE_PARTS_H
#define RT_KERNEL_DENSE_PARTS_H

#include "dense.h"

#include <stdbool.h>

void rt__dense_fill_ref(rt_dense *dense);
void rt__dense_fill_avx2(rt_dense *dense);
void rt__dense_fill_avx512(rt_dense *dense);

/* exp(v) = 2^k * exp(r): k = v / ln 2 rounded to nearest even by adding and taking away RT_EXP_ROUND,
 * r = v - k ln 2 with ln 2 in two parts so that k * RT_EXP_LN2_HIGH is exact, exp(r) a polynomial on
 * |r| <= ln 2 / 2.  Coefficients: Cephes' expf. */
#define RT_EXP_LEAST    (-87.0F)
#define RT_EXP_LOG2E    1.44269504F
#define RT_EXP_ROUND    12582912.0F /* 1.5 * 2^23 */
#define RT_EXP_LN2_HIGH 0.693359375F
#define RT_EXP_LN2_LOW  (-2.12194440e-4F)
#define RT_EXP_C0       1.9875691500e-4F
#define RT_EXP_C1       1.3981999507e-3F
#define RT_EXP_C2       8.3334519073e-3F
#define RT_EXP_C3       4.1665795894e-2F
#define RT_EXP_C4       1.6666665459e-1F
#define RT_EXP_C5       5.0000001201e-1F

#endif
