/* Depthwise convolutions in AVX2.  Compiled with -mavx2 -mfma. */
#include "separable_parts.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { LANES = RT_SEPARABLE_LANES, TAPS = 5, OUTPUTS = 8 };

/* One row of one block: the rows of src under it that are inside, and their weights. */
typedef struct line {
    const float *rows[TAPS]; /* at the column under the first tap of output 0, which may be outside */
    const float *weights;    /* [n_rows][taps][LANES] */
    int32_t n_rows;
    float *out;
    __m256 bias, low, high;
} line;

#define EACH_OUTPUT(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)

/* Sums stand in variables of their own: compilers keep an array of sums in memory. */
#define OUTPUT_BEGIN(o) __m256 sum##o = bias;
#define OUTPUT_ADD(o) \
    if (outputs > o)  \
        sum##o = _mm256_fmadd_ps(_mm256_loadu_ps(at + (o * stride + k) * LANES), weight, sum##o);
#define OUTPUT_STORE(o) \
    if (outputs > o)    \
        _mm256_storeu_ps(out + o * LANES, _mm256_min_ps(_mm256_max_ps(sum##o, low), high));

/* Neighbouring outputs from x on.  The columns under their taps begin .. end - 1 are inside; others count as
 * 0. What does not change from one output to the next stands in registers: it is given by value. */
INLINE void convolve(const line *l, int32_t x, __m256 bias, __m256 low, __m256 high, int32_t n_rows,
                     int32_t outputs, int32_t taps, int32_t stride, int32_t begin, int32_t end)
{
    float *out = l->out + x * LANES;
    EACH_OUTPUT(OUTPUT_BEGIN)
    for (int32_t r = 0; r < n_rows; r++) {
        const float *at = l->rows[r] + (ptrdiff_t)x * stride * LANES;
#pragma GCC unroll 5
        for (int32_t k = begin; k < end; k++) {
            const __m256 weight = _mm256_loadu_ps(l->weights + (r * taps + k) * LANES);
            EACH_OUTPUT(OUTPUT_ADD)
        }
    }
    EACH_OUTPUT(OUTPUT_STORE)
}

/* ---- outputs at an edge: one of them ---- */

typedef void edge_function(const line *l, int32_t x, int32_t stride);

#define EDGE(taps, begin, end)                                                            \
    static void edge_##taps##_##begin##_##end(const line *l, int32_t x, int32_t stride)   \
    {                                                                                     \
        convolve(l, x, l->bias, l->low, l->high, l->n_rows, 1, taps, stride, begin, end); \
    }
/* clang-format off */
EDGE(3, 0, 1) EDGE(3, 0, 2) EDGE(3, 1, 3) EDGE(3, 2, 3)
EDGE(5, 0, 1) EDGE(5, 0, 2) EDGE(5, 0, 3) EDGE(5, 0, 4) EDGE(5, 1, 5) EDGE(5, 2, 5) EDGE(5, 3, 5) EDGE(5, 4, 5)

/* by taps / 4 and begin; by taps / 4 and end */
static edge_function *const left_edges[2][TAPS] = {{0, edge_3_1_3, edge_3_2_3},
                                                   {0, edge_5_1_5, edge_5_2_5, edge_5_3_5, edge_5_4_5}};
static edge_function *const right_edges[2][TAPS] = {{0, edge_3_0_1, edge_3_0_2},
                                                    {0, edge_5_0_1, edge_5_0_2, edge_5_0_3, edge_5_0_4}};
/* clang-format on */

/* ---- outputs in the middle ---- */

typedef void middle_function(const line *l, int32_t begin, int32_t end);

/* All of begin .. end - 1, `outputs` at a time; the last ones may be made twice. */
INLINE void middle_rows(const line *l, int32_t begin, int32_t end, int32_t n_rows, int32_t outputs,
                        int32_t taps, int32_t stride)
{
    const line own = *l;
    for (int32_t x = begin; x < end; x += outputs) {
        x = x + outputs <= end ? x : end - outputs;
        convolve(&own, x, own.bias, own.low, own.high, n_rows, outputs, taps, stride, 0, taps);
    }
}

/* The usual number of rows is known to the compiler. */
INLINE void middle(const line *l, int32_t begin, int32_t end, int32_t outputs, int32_t taps, int32_t stride)
{
    if (l->n_rows == taps)
        middle_rows(l, begin, end, taps, outputs, taps, stride);
    else
        middle_rows(l, begin, end, l->n_rows, outputs, taps, stride);
}

#define MIDDLE(taps, stride, outputs)                                                           \
    static void middle_##taps##_##stride##_##outputs(const line *l, int32_t begin, int32_t end) \
    {                                                                                           \
        middle(l, begin, end, outputs, taps, stride);                                           \
    }
/* clang-format off */
#define MIDDLES(taps, stride)                                                                       \
    MIDDLE(taps, stride, 1) MIDDLE(taps, stride, 2) MIDDLE(taps, stride, 3) MIDDLE(taps, stride, 4) \
    MIDDLE(taps, stride, 5) MIDDLE(taps, stride, 6) MIDDLE(taps, stride, 7) MIDDLE(taps, stride, 8)
#define MIDDLE_NAMES(taps, stride)                                                                    \
    {                                                                                                 \
        0, middle_##taps##_##stride##_1, middle_##taps##_##stride##_2, middle_##taps##_##stride##_3,  \
        middle_##taps##_##stride##_4, middle_##taps##_##stride##_5, middle_##taps##_##stride##_6,     \
        middle_##taps##_##stride##_7, middle_##taps##_##stride##_8                                    \
    }
MIDDLES(3, 1) MIDDLES(3, 2) MIDDLES(5, 1) MIDDLES(5, 2)

/* by taps / 4, stride - 1 and outputs */
static middle_function *const middles[2][2][OUTPUTS + 1] = {
    {MIDDLE_NAMES(3, 1), MIDDLE_NAMES(3, 2)},
    {MIDDLE_NAMES(5, 1), MIDDLE_NAMES(5, 2)},
};
/* clang-format on */

/* How many of n outputs at a time: as few made twice as can be, then as many as can be. */
static int32_t outputs_of(int32_t n)
{
    int32_t best = n < 1 ? 1 : n < OUTPUTS ? n : OUTPUTS;
    for (int32_t outputs = best - 1; outputs >= OUTPUTS / 2; outputs--)
        if ((n + outputs - 1) / outputs * outputs < (n + best - 1) / best * best)
            best = outputs;
    return best;
}

/* ---- rows ---- */

/* The outputs begin .. end - 1 touch no column outside. */
typedef struct row_plan {
    int32_t begin, end;
    middle_function *middle;
} row_plan;

static void convolve_row(const rt_depthwise *d, const line *l, const row_plan *plan)
{
    for (int32_t x = 0; x < plan->begin; x++)
        left_edges[d->taps / 4][d->front[1] - x * d->stride](l, x, d->stride);
    plan->middle(l, plan->begin, plan->end);
    for (int32_t x = plan->end; x < d->dst.w; x++)
        right_edges[d->taps / 4][d->src.w + d->front[1] - x * d->stride](l, x, d->stride);
}

/* The rows of src under row y of dst. */
static void find_rows(const rt_depthwise *d, const rt_rows *rows, const float *src, const float *weights,
                      int32_t y, line *l)
{
    const int32_t top = y * d->stride - d->front[0], begin = top < 0 ? -top : 0;
    int32_t at = (top + begin) % rows->n_ring;
    l->n_rows = (d->src.h - top < d->taps ? d->src.h - top : d->taps) - begin;
    l->weights = weights + begin * d->taps * LANES;
    for (int32_t r = 0; r < l->n_rows; r++) {
        l->rows[r] = src + (at * d->src.w - d->front[1]) * LANES;
        at = at + 1 < rows->n_ring ? at + 1 : 0;
    }
}

void rt__depthwise_avx2(const rt_depthwise *d, const float *src, const rt_rows *rows, float *dst,
                        size_t dst_block, int32_t first, int32_t n)
{
    const float *weights = d->weights;
    row_plan plan = {.begin = (d->front[1] + d->stride - 1) / d->stride,
                     .end = (d->src.w + d->front[1] - d->taps) / d->stride + 1};
    line l = {.low = _mm256_set1_ps(d->low), .high = _mm256_set1_ps(d->high)};
    plan.middle = middles[d->taps / 4][d->stride - 1][outputs_of(plan.end - plan.begin)];
    for (int32_t b = 0; b < d->src.c; b += LANES) {
        l.bias = _mm256_loadu_ps(d->bias + b);
        l.out = dst;
        for (int32_t y = first; y < first + n; y++, l.out += d->dst.w * LANES) {
            find_rows(d, rows, src, weights, y, &l);
            convolve_row(d, &l, &plan);
        }
        src += rows->block;
        dst += dst_block;
        weights += d->taps * d->taps * LANES;
    }
}
