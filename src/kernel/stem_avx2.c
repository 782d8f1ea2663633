/* First convolutions, 3 x 3 by 2 on few channels in planes, in AVX2: tiles of pixels times panels of channels
 * whose sums stay in registers.  Compiled with -mavx2 -mfma. */
#include "separable_parts.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { LANES = RT_SEPARABLE_LANES, ROWS = 12 };

/* One row of the result, one panel. */
typedef struct panel {
    const float
        *taps[RT_STEM_TAPS * RT_STEM_TAPS * RT_STEM_CHANNELS]; /* what each reads for the first output */
    int32_t n_taps;
    const float *weights; /* [RT_STEM_TAPS][c][RT_STEM_TAPS][vectors * LANES] */
    float *out;
    size_t out_block;
    __m256 bias[2], low, high;
} panel;

/* Sums stand in variables of their own: compilers keep an array of sums in memory. */
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)

#define ROW_BEGIN(r) __m256 a##r = p->bias[0], b##r = p->bias[1];

#define ROW_ADD(r)                                                         \
    if (rows > r) {                                                        \
        const __m256 value = _mm256_broadcast_ss(at + r * RT_STEM_STRIDE); \
        a##r = _mm256_fmadd_ps(value, w0, a##r);                           \
        if (vectors > 1)                                                   \
            b##r = _mm256_fmadd_ps(value, w1, b##r);                       \
    }

#define STORE(to, sum) _mm256_storeu_ps(to, _mm256_min_ps(_mm256_max_ps(sum, p->low), p->high));

#define ROW_STORE(r)                                    \
    if (rows > r) {                                     \
        STORE(out + r * LANES, a##r)                    \
        if (vectors > 1)                                \
            STORE(out + p->out_block + r * LANES, b##r) \
    }

/* Pixels x .. x + rows - 1 times `vectors` vectors of channels; these two are known to the compiler. */
INLINE void product(const panel *p, size_t x, size_t rows, size_t vectors)
{
    float *out = p->out + x * LANES;
    const float *weights = p->weights;
    EACH_ROW(ROW_BEGIN)
#pragma GCC unroll 3
    for (int32_t i = 0; i < p->n_taps; i++, weights += vectors * LANES) {
        const float *at = p->taps[i] + x * RT_STEM_STRIDE;
        const __m256 w0 = _mm256_loadu_ps(weights);
        const __m256 w1 = vectors > 1 ? _mm256_loadu_ps(weights + LANES) : w0;
        EACH_ROW(ROW_ADD)
    }
    EACH_ROW(ROW_STORE)
}

typedef void product_function(const panel *p, size_t x);

/* clang-format off */
#define PRODUCT(vectors, rows) \
    static void product_##vectors##_##rows(const panel *p, size_t x) { product(p, x, rows, vectors); }
PRODUCT(1, 1) PRODUCT(1, 2) PRODUCT(1, 3) PRODUCT(1, 4) PRODUCT(1, 5) PRODUCT(1, 6)
PRODUCT(1, 7) PRODUCT(1, 8) PRODUCT(1, 9) PRODUCT(1, 10) PRODUCT(1, 11) PRODUCT(1, 12)
PRODUCT(2, 1) PRODUCT(2, 2) PRODUCT(2, 3) PRODUCT(2, 4) PRODUCT(2, 5) PRODUCT(2, 6)

/* by vectors and rows */
static const struct {
    size_t rows; /* at most */
    product_function *run[ROWS + 1];
} products[] = {
    {0, {0}},
    {12, {0, product_1_1, product_1_2, product_1_3, product_1_4, product_1_5, product_1_6, product_1_7,
          product_1_8, product_1_9, product_1_10, product_1_11, product_1_12}},
    {6, {0, product_2_1, product_2_2, product_2_3, product_2_4, product_2_5, product_2_6}},
};
/* clang-format on */

/* A row of all pixels, in tiles as even as can be. */
static void multiply(const panel *p, size_t n, size_t vectors)
{
    const size_t tiles = (n + products[vectors].rows - 1) / products[vectors].rows;
    for (size_t tile = 0, x = 0; tile < tiles; tile++) {
        const size_t rows = (n - x) / (tiles - tile);
        products[vectors].run[rows](p, x);
        x += rows;
    }
}

/* Row y of src as its window sees it: scaled, shifted, and zeros around. */
static void widen(const rt_stem *s, const float *src, int32_t y, float *to)
{
    const int32_t front = s->front[1], room = s->width - front, n = s->src.w < room ? s->src.w : room;
    if (y < 0 || y >= s->src.h) {
        memset(to, 0, (size_t)s->src.c * (size_t)s->width * sizeof *to);
        return;
    }
    for (int32_t c = 0; c < s->src.c; c++, to += s->width) {
        const float *from = src + ((size_t)c * (size_t)s->src.h + (size_t)y) * (size_t)s->src.w;
        const __m256 scale = _mm256_set1_ps(s->scale[c]), shift = _mm256_set1_ps(s->shift[c]);
        int32_t x = 0;
        for (; x < front; x++)
            to[x] = 0;
        for (x = 0; x + LANES <= n; x += LANES)
            _mm256_storeu_ps(to + front + x, _mm256_fmadd_ps(_mm256_loadu_ps(from + x), scale, shift));
        for (; x < n; x++)
            to[front + x] = __builtin_fmaf(from[x], s->scale[c], s->shift[c]);
        for (x += front; x < s->width; x++)
            to[x] = 0;
    }
}

/* All panels of a row; p has what they share. */
static void multiply_row(const rt_stem *s, panel *p, float *dst, size_t dst_block)
{
    const int32_t all = s->dst.c / LANES;
    const int32_t depth = p->n_taps * LANES;
    p->weights = s->weights;
    for (int32_t first = 0, width; first < all; first += width) {
        width = rt__stem_panel(first, all);
        p->out = dst + (size_t)first * dst_block;
        for (int32_t i = 0; i < width; i++)
            p->bias[i] = _mm256_loadu_ps(s->bias + (first + i) * LANES);
        multiply(p, (size_t)s->dst.w, (size_t)width);
        p->weights += depth * width;
    }
}

void rt__stem_avx2(const rt_stem *s, const float *src, float *scratch, float *dst, const rt_rows *rows,
                   int32_t first, int32_t n)
{
    const int32_t begin = first * RT_STEM_STRIDE - s->front[0];
    const size_t row = (size_t)s->src.c * (size_t)s->width;
    int32_t widened = begin; /* rows before are there */
    panel p = {.n_taps = RT_STEM_TAPS * RT_STEM_TAPS * s->src.c,
               .out_block = rows->block,
               .low = _mm256_set1_ps(s->low),
               .high = _mm256_set1_ps(s->high)};
    for (int32_t y = first; y < first + n; y++) {
        const int32_t top = y * RT_STEM_STRIDE - s->front[0];
        for (; widened < top + RT_STEM_TAPS; widened++)
            widen(s, src, widened, scratch + (size_t)((widened - begin) % RT_STEM_TAPS) * row);
        for (int32_t i = 0; i < p.n_taps; i++) {
            const int32_t down = i / RT_STEM_TAPS / s->src.c, c = i / RT_STEM_TAPS % s->src.c;
            p.taps[i] = scratch + (size_t)((top - begin + down) % RT_STEM_TAPS) * row +
                        (size_t)c * (size_t)s->width + i % RT_STEM_TAPS;
        }
        multiply_row(s, &p, dst + (size_t)(y % rows->n_ring) * (size_t)s->dst.w * LANES, rows->block);
    }
}
