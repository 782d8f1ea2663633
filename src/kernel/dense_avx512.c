/* The dense kernels in AVX-512: a lane group of 16 is one register.  Compiled with -mavx512f. */
#include "dense_parts.h"

#include <immintrin.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

enum { LANES = RT_DENSE_LANES, DOT_ROWS = 4, DOT_OUTPUTS = 5, SUM_OUTPUTS = 8 };

/* A bit for each of the first n elements; all 16 from 16 on.  What a mask leaves out is never touched. */
INLINE __mmask16 first_of(size_t n)
{
    return (__mmask16)(0xffffU >> (n < LANES ? LANES - n : 0));
}

/* Product and sum rounded one by one. */
INLINE __m512 add_product(__m512 sum, __m512 a, __m512 b)
{
    return _mm512_add_ps(sum, _mm512_mul_ps(a, b));
}

INLINE float lane_sum(__m512 v)
{
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1));
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* n_rows x n_outputs dot products side by side, both numbers known to the compiler: the sums stay in
 * registers and each value loaded is used several times. */
INLINE void dot_tile(const float *const *x, size_t length, const float *w, size_t w_stride, float *out,
                     size_t out_stride, size_t n_rows, size_t n_outputs)
{
    __m512 sum[DOT_ROWS][DOT_OUTPUTS], weight[DOT_OUTPUTS];
    for (size_t i = 0; i < n_rows; i++)
        for (size_t k = 0; k < n_outputs; k++)
            sum[i][k] = _mm512_setzero_ps();
    for (size_t j = 0; j < length; j += LANES) {
        __mmask16 mask = first_of(length - j); /* adding 0 to a lane that began at +0 changes no bit */
        for (size_t k = 0; k < n_outputs; k++)
            weight[k] = _mm512_maskz_loadu_ps(mask, w + k * w_stride + j);
        for (size_t i = 0; i < n_rows; i++) {
            __m512 value = _mm512_maskz_loadu_ps(mask, x[i] + j);
            for (size_t k = 0; k < n_outputs; k++)
                sum[i][k] = add_product(sum[i][k], value, weight[k]);
        }
    }
    for (size_t i = 0; i < n_rows; i++)
        for (size_t k = 0; k < n_outputs; k++)
            out[i * out_stride + k] += lane_sum(sum[i][k]);
}

INLINE void dot_outputs(const rt_dense_rows *rows, const float *w, size_t w_stride, float *out,
                        size_t out_stride, size_t n_outputs)
{
    size_t i = 0;
    for (; i + DOT_ROWS <= rows->n; i += DOT_ROWS)
        dot_tile(rows->x + i, rows->length, w, w_stride, out + i * out_stride, out_stride, DOT_ROWS,
                 n_outputs);
    for (; i < rows->n; i++)
        dot_tile(rows->x + i, rows->length, w, w_stride, out + i * out_stride, out_stride, 1, n_outputs);
}

static void avx512_dot(const rt_dense_rows *rows, const float *w, size_t w_stride, float *out,
                       size_t out_stride)
{
    for (size_t k = 0, n; k < rows->n_outputs; k += n) {
        size_t left = rows->n_outputs - k;
        if (left >= DOT_OUTPUTS)
            dot_outputs(rows, w + k * w_stride, w_stride, out + k, out_stride, n = DOT_OUTPUTS);
        else if (left >= 2)
            dot_outputs(rows, w + k * w_stride, w_stride, out + k, out_stride, n = 2);
        else
            dot_outputs(rows, w + k * w_stride, w_stride, out + k, out_stride, n = 1);
    }
}

/* Up to 32 elements of n_outputs sums over all rows, kept in registers. */
INLINE void sum_tile(const rt_dense_rows *rows, size_t j, const float *d, size_t d_stride, float *sum,
                     size_t sum_stride, size_t n_outputs)
{
    __m512 low[SUM_OUTPUTS], high[SUM_OUTPUTS];
    size_t n = rows->length - j;
    __mmask16 low_mask = first_of(n), high_mask = first_of(n > LANES ? n - LANES : 0);
    for (size_t k = 0; k < n_outputs; k++) {
        low[k] = _mm512_maskz_loadu_ps(low_mask, sum + k * sum_stride + j);
        high[k] = _mm512_maskz_loadu_ps(high_mask, sum + k * sum_stride + j + LANES);
    }
    for (size_t i = 0; i < rows->n; i++) {
        __m512 low_value = _mm512_maskz_loadu_ps(low_mask, rows->x[i] + j);
        __m512 high_value = _mm512_maskz_loadu_ps(high_mask, rows->x[i] + j + LANES);
        for (size_t k = 0; k < n_outputs; k++) {
            __m512 scale = _mm512_set1_ps(d[i * d_stride + k]);
            low[k] = add_product(low[k], scale, low_value);
            high[k] = add_product(high[k], scale, high_value);
        }
    }
    for (size_t k = 0; k < n_outputs; k++) {
        _mm512_mask_storeu_ps(sum + k * sum_stride + j, low_mask, low[k]);
        _mm512_mask_storeu_ps(sum + k * sum_stride + j + LANES, high_mask, high[k]);
    }
}

INLINE void sum_outputs(const rt_dense_rows *rows, const float *d, size_t d_stride, float *sum,
                        size_t sum_stride, size_t n_outputs)
{
    for (size_t j = 0; j < rows->length; j += 2 * LANES)
        sum_tile(rows, j, d, d_stride, sum, sum_stride, n_outputs);
}

static void avx512_accumulate(const rt_dense_rows *rows, const float *d, size_t d_stride, float *sum,
                              size_t sum_stride)
{
    for (size_t k = 0, n; k < rows->n_outputs; k += n) {
        size_t left = rows->n_outputs - k;
        if (left >= SUM_OUTPUTS)
            sum_outputs(rows, d + k, d_stride, sum + k * sum_stride, sum_stride, n = SUM_OUTPUTS);
        else if (left >= 5)
            sum_outputs(rows, d + k, d_stride, sum + k * sum_stride, sum_stride, n = 5);
        else if (left >= 2)
            sum_outputs(rows, d + k, d_stride, sum + k * sum_stride, sum_stride, n = 2);
        else
            sum_outputs(rows, d + k, d_stride, sum + k * sum_stride, sum_stride, n = 1);
    }
}

static void avx512_descend(float *w, const float *step, float rate, size_t n)
{
    const __m512 rates = _mm512_set1_ps(rate);
    for (size_t j = 0; j < n; j += LANES) {
        __mmask16 mask = first_of(n - j);
        __m512 product = _mm512_mul_ps(rates, _mm512_maskz_loadu_ps(mask, step + j));
        _mm512_mask_storeu_ps(w + j, mask, _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, w + j), product));
    }
}

INLINE __m512 exp_sixteen(__m512 v)
{
    const __m512 round = _mm512_set1_ps(RT_EXP_ROUND);
    const float coefficients[] = {RT_EXP_C1, RT_EXP_C2, RT_EXP_C3, RT_EXP_C4, RT_EXP_C5};
    __m512 k = _mm512_sub_ps(_mm512_add_ps(_mm512_mul_ps(v, _mm512_set1_ps(RT_EXP_LOG2E)), round), round);
    __m512 r = _mm512_sub_ps(_mm512_sub_ps(v, _mm512_mul_ps(k, _mm512_set1_ps(RT_EXP_LN2_HIGH))),
                             _mm512_mul_ps(k, _mm512_set1_ps(RT_EXP_LN2_LOW)));
    __m512 p = _mm512_set1_ps(RT_EXP_C0);
    __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(k), _mm512_set1_epi32(127));
    for (size_t c = 0; c < sizeof coefficients / sizeof *coefficients; c++)
        p = _mm512_add_ps(_mm512_mul_ps(p, r), _mm512_set1_ps(coefficients[c]));
    p = _mm512_add_ps(_mm512_add_ps(_mm512_mul_ps(p, _mm512_mul_ps(r, r)), r), _mm512_set1_ps(1.0F));
    p = _mm512_mul_ps(p, _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23)));
    p = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(v, _mm512_set1_ps(RT_EXP_LEAST), _CMP_GE_OQ), p);
    return _mm512_mask_mov_ps(p, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), v);
}

static void avx512_exp(float *v, size_t n)
{
    for (size_t j = 0; j < n; j += LANES) {
        __mmask16 mask = first_of(n - j);
        _mm512_mask_storeu_ps(v + j, mask, exp_sixteen(_mm512_maskz_loadu_ps(mask, v + j)));
    }
}

void rt__dense_fill_avx512(rt_dense *dense)
{
    *dense = (rt_dense){"AVX-512", avx512_dot, avx512_accumulate, avx512_descend, avx512_exp};
}
