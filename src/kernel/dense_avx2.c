/* The dense kernels in AVX2: a lane group of 16 is two registers.  Compiled with -mavx2. */
#include "dense_parts.h"

#include <immintrin.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

enum { HALF = 8, DOT_ROWS = 2, DOT_OUTPUTS = 3, SUM_OUTPUTS = 5 };

/* A lane group: elements 0 .. 7 and 8 .. 15. */
typedef struct lanes {
    __m256 low, high;
} lanes;

INLINE lanes load(const float *from)
{
    return (lanes){_mm256_loadu_ps(from), _mm256_loadu_ps(from + HALF)};
}

/* The first of n elements only: all bits set in their place, none behind. */
INLINE __m256i first_of(size_t n)
{
    const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n < HALF ? (int)n : HALF), place);
}

/* n < 16 elements, 0 behind; nothing behind is read. */
INLINE lanes load_part(const float *from, size_t n)
{
    size_t rest = n > HALF ? n - HALF : 0;
    return (lanes){_mm256_maskload_ps(from, first_of(n)),
                   rest == 0 ? _mm256_setzero_ps() : _mm256_maskload_ps(from + HALF, first_of(rest))};
}

INLINE void store_part(float *to, lanes v, size_t n)
{
    _mm256_maskstore_ps(to, first_of(n), v.low);
    if (n > HALF)
        _mm256_maskstore_ps(to + HALF, first_of(n - HALF), v.high);
}

/* Product and sum rounded one by one. */
INLINE lanes add_product(lanes sum, lanes a, lanes b)
{
    return (lanes){_mm256_add_ps(sum.low, _mm256_mul_ps(a.low, b.low)),
                   _mm256_add_ps(sum.high, _mm256_mul_ps(a.high, b.high))};
}

INLINE float lane_sum(lanes v)
{
    __m256 eight = _mm256_add_ps(v.low, v.high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* n_rows x n_outputs dot products side by side, both numbers known to the compiler: the sums stay in
 * registers and each value loaded is used several times. */
INLINE void dot_tile(const float *const *x, size_t length, const float *w, size_t w_stride, float *out,
                     size_t out_stride, size_t n_rows, size_t n_outputs)
{
    lanes sum[DOT_ROWS][DOT_OUTPUTS], weight[DOT_OUTPUTS];
    size_t whole = length - length % RT_DENSE_LANES;
    for (size_t i = 0; i < n_rows; i++)
        for (size_t k = 0; k < n_outputs; k++)
            sum[i][k] = (lanes){_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t j = 0; j < whole; j += RT_DENSE_LANES) {
        for (size_t k = 0; k < n_outputs; k++)
            weight[k] = load(w + k * w_stride + j);
        for (size_t i = 0; i < n_rows; i++) {
            lanes value = load(x[i] + j);
            for (size_t k = 0; k < n_outputs; k++)
                sum[i][k] = add_product(sum[i][k], value, weight[k]);
        }
    }
    if (whole < length)
        for (size_t i = 0; i < n_rows; i++)
            for (size_t k = 0; k < n_outputs; k++)
                sum[i][k] = add_product(sum[i][k], load_part(x[i] + whole, length - whole),
                                        load_part(w + k * w_stride + whole, length - whole));
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
    if (i < rows->n)
        dot_tile(rows->x + i, rows->length, w, w_stride, out + i * out_stride, out_stride, 1, n_outputs);
}

static void avx2_dot(const rt_dense_rows *rows, const float *w, size_t w_stride, float *out,
                     size_t out_stride)
{
    for (size_t k = 0, n; k < rows->n_outputs; k += n) {
        size_t left = rows->n_outputs - k;
        if (left >= DOT_OUTPUTS && left != 4)
            dot_outputs(rows, w + k * w_stride, w_stride, out + k, out_stride, n = DOT_OUTPUTS);
        else if (left >= 2) /* four are two twice */
            dot_outputs(rows, w + k * w_stride, w_stride, out + k, out_stride, n = 2);
        else
            dot_outputs(rows, w + k * w_stride, w_stride, out + k, out_stride, n = 1);
    }
}

/* 16 elements (n of them where part is set) of n_outputs sums over all rows, kept in registers. */
INLINE void sum_tile(const rt_dense_rows *rows, size_t j, const float *d, size_t d_stride, float *sum,
                     size_t sum_stride, size_t n_outputs, bool part)
{
    lanes total[SUM_OUTPUTS];
    size_t n = rows->length - j;
    for (size_t k = 0; k < n_outputs; k++)
        total[k] = part ? load_part(sum + k * sum_stride + j, n) : load(sum + k * sum_stride + j);
    for (size_t i = 0; i < rows->n; i++) {
        lanes value = part ? load_part(rows->x[i] + j, n) : load(rows->x[i] + j);
        for (size_t k = 0; k < n_outputs; k++) {
            __m256 scale = _mm256_broadcast_ss(d + i * d_stride + k);
            total[k] = add_product(total[k], (lanes){scale, scale}, value);
        }
    }
    for (size_t k = 0; k < n_outputs; k++) {
        if (part) {
            store_part(sum + k * sum_stride + j, total[k], n);
        } else {
            _mm256_storeu_ps(sum + k * sum_stride + j, total[k].low);
            _mm256_storeu_ps(sum + k * sum_stride + j + HALF, total[k].high);
        }
    }
}

INLINE void sum_outputs(const rt_dense_rows *rows, const float *d, size_t d_stride, float *sum,
                        size_t sum_stride, size_t n_outputs)
{
    size_t j = 0;
    for (; j + RT_DENSE_LANES <= rows->length; j += RT_DENSE_LANES)
        sum_tile(rows, j, d, d_stride, sum, sum_stride, n_outputs, false);
    if (j < rows->length)
        sum_tile(rows, j, d, d_stride, sum, sum_stride, n_outputs, true);
}

static void avx2_accumulate(const rt_dense_rows *rows, const float *d, size_t d_stride, float *sum,
                            size_t sum_stride)
{
    size_t k = 0, left;
    for (; k + SUM_OUTPUTS <= rows->n_outputs; k += SUM_OUTPUTS)
        sum_outputs(rows, d + k, d_stride, sum + k * sum_stride, sum_stride, SUM_OUTPUTS);
    left = rows->n_outputs - k;
    if (left >= 3) {
        sum_outputs(rows, d + k, d_stride, sum + k * sum_stride, sum_stride, 3);
        k += 3;
        left -= 3;
    }
    if (left == 2)
        sum_outputs(rows, d + k, d_stride, sum + k * sum_stride, sum_stride, 2);
    else if (left == 1)
        sum_outputs(rows, d + k, d_stride, sum + k * sum_stride, sum_stride, 1);
}

static void avx2_descend(float *w, const float *step, float rate, size_t n)
{
    const __m256 rates = _mm256_set1_ps(rate);
    size_t j = 0;
    for (; j + HALF <= n; j += HALF)
        _mm256_storeu_ps(
            w + j, _mm256_sub_ps(_mm256_loadu_ps(w + j), _mm256_mul_ps(rates, _mm256_loadu_ps(step + j))));
    for (; j < n; j++)
        w[j] -= rate * step[j];
}

INLINE __m256 exp_eight(__m256 v)
{
    const __m256 round = _mm256_set1_ps(RT_EXP_ROUND);
    const float coefficients[] = {RT_EXP_C1, RT_EXP_C2, RT_EXP_C3, RT_EXP_C4, RT_EXP_C5};
    __m256 k = _mm256_sub_ps(_mm256_add_ps(_mm256_mul_ps(v, _mm256_set1_ps(RT_EXP_LOG2E)), round), round);
    __m256 r = _mm256_sub_ps(_mm256_sub_ps(v, _mm256_mul_ps(k, _mm256_set1_ps(RT_EXP_LN2_HIGH))),
                             _mm256_mul_ps(k, _mm256_set1_ps(RT_EXP_LN2_LOW)));
    __m256 p = _mm256_set1_ps(RT_EXP_C0);
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127));
    for (size_t c = 0; c < sizeof coefficients / sizeof *coefficients; c++)
        p = _mm256_add_ps(_mm256_mul_ps(p, r), _mm256_set1_ps(coefficients[c]));
    p = _mm256_add_ps(_mm256_add_ps(_mm256_mul_ps(p, _mm256_mul_ps(r, r)), r), _mm256_set1_ps(1.0F));
    p = _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
    p = _mm256_and_ps(p, _mm256_cmp_ps(v, _mm256_set1_ps(RT_EXP_LEAST), _CMP_GE_OQ));
    return _mm256_blendv_ps(p, v, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
}

static void avx2_exp(float *v, size_t n)
{
    size_t j = 0;
    for (; j + HALF <= n; j += HALF)
        _mm256_storeu_ps(v + j, exp_eight(_mm256_loadu_ps(v + j)));
    if (j < n)
        _mm256_maskstore_ps(v + j, first_of(n - j), exp_eight(_mm256_maskload_ps(v + j, first_of(n - j))));
}

void rt__dense_fill_avx2(rt_dense *dense)
{
    *dense = (rt_dense){"AVX2", avx2_dot, avx2_accumulate, avx2_descend, avx2_exp};
}
