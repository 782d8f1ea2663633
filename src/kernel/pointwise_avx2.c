/* Convolutions of 1 x 1 in AVX2: tiles of pixels times panels of channels whose sums stay in registers.
 * Compiled with -mavx2 -mfma. */
#include "separable_parts.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { LANES = RT_SEPARABLE_LANES };

/* A panel and part of the channels of src. */
typedef struct panel {
    const float *in; /* first pixel */
    size_t in_block, n_blocks;
    const float *weights; /* [n_blocks * LANES][vectors * LANES] */
    float *out;
    size_t out_block;
    __m256 bias[RT_SEPARABLE_VECTORS], low, high;
    bool adds; /* to what out holds */
} panel;

/* Sums stand in variables of their own: compilers keep an array of sums in memory. */
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)

#define ROW_BEGIN(r) __m256 a##r = p->bias[0], b##r = p->bias[1], c##r = p->bias[2];

#define ROW_LOAD(r)                                                        \
    if (rows > r) {                                                        \
        a##r = _mm256_add_ps(a##r, _mm256_loadu_ps(out + r * LANES));      \
        if (vectors > 1)                                                   \
            b##r = _mm256_add_ps(b##r, _mm256_loadu_ps(out1 + r * LANES)); \
        if (vectors > 2)                                                   \
            c##r = _mm256_add_ps(c##r, _mm256_loadu_ps(out2 + r * LANES)); \
    }

#define ROW_ADD(r)                                                    \
    if (rows > r) {                                                   \
        const __m256 value = _mm256_broadcast_ss(at + r * LANES + i); \
        a##r = _mm256_fmadd_ps(value, w0, a##r);                      \
        if (vectors > 1)                                              \
            b##r = _mm256_fmadd_ps(value, w1, b##r);                  \
        if (vectors > 2)                                              \
            c##r = _mm256_fmadd_ps(value, w2, c##r);                  \
    }

#define STORE(to, sum) _mm256_storeu_ps(to, _mm256_min_ps(_mm256_max_ps(sum, p->low), p->high));

#define ROW_STORE(r)                      \
    if (rows > r) {                       \
        STORE(out + r * LANES, a##r)      \
        if (vectors > 1)                  \
            STORE(out1 + r * LANES, b##r) \
        if (vectors > 2)                  \
            STORE(out2 + r * LANES, c##r) \
    }

/* n tiles of `rows` pixels times `vectors` vectors of channels; these two are known to the compiler. */
INLINE void product(const panel *p, size_t first, size_t n, size_t rows, size_t vectors)
{
    const float *in = p->in + first * LANES;
    float *out = p->out + first * LANES;
    for (; n > 0; n--, in += rows * LANES, out += rows * LANES) {
        const float *at = in, *weights = p->weights;
        float *out1 = out + p->out_block, *out2 = out1 + p->out_block;
        EACH_ROW(ROW_BEGIN)
        if (p->adds) {
            EACH_ROW(ROW_LOAD)
        }
        for (size_t block = p->n_blocks; block > 0; block--, at += p->in_block) {
#pragma GCC unroll 8
            for (size_t i = 0; i < LANES; i++, weights += vectors * LANES) {
                const __m256 w0 = _mm256_loadu_ps(weights);
                const __m256 w1 = vectors > 1 ? _mm256_loadu_ps(weights + LANES) : w0;
                const __m256 w2 = vectors > 2 ? _mm256_loadu_ps(weights + 2 * LANES) : w0;
                EACH_ROW(ROW_ADD)
            }
        }
        EACH_ROW(ROW_STORE)
    }
}

typedef void product_function(const panel *p, size_t first, size_t n);

#define PRODUCT(vectors, rows)                                                     \
    static void product_##vectors##_##rows(const panel *p, size_t first, size_t n) \
    {                                                                              \
        product(p, first, n, rows, vectors);                                       \
    }
/* clang-format off */
PRODUCT(1, 1) PRODUCT(1, 2) PRODUCT(1, 3) PRODUCT(1, 4) PRODUCT(1, 5) PRODUCT(1, 6)
PRODUCT(1, 7) PRODUCT(1, 8) PRODUCT(1, 9) PRODUCT(1, 10) PRODUCT(1, 11) PRODUCT(1, 12)
PRODUCT(2, 1) PRODUCT(2, 2) PRODUCT(2, 3) PRODUCT(2, 4) PRODUCT(2, 5) PRODUCT(2, 6)
PRODUCT(3, 1) PRODUCT(3, 2) PRODUCT(3, 3) PRODUCT(3, 4)

/* by vectors and rows */
static const struct {
    size_t rows; /* at most */
    product_function *run[13];
} products[RT_SEPARABLE_VECTORS + 1] = {
    {0, {0}},
    {12, {0, product_1_1, product_1_2, product_1_3, product_1_4, product_1_5, product_1_6, product_1_7,
          product_1_8, product_1_9, product_1_10, product_1_11, product_1_12}},
    {6, {0, product_2_1, product_2_2, product_2_3, product_2_4, product_2_5, product_2_6}},
    {4, {0, product_3_1, product_3_2, product_3_3, product_3_4}},
};
/* clang-format on */

/* All n pixels, in tiles as even as can be. */
static void multiply(const panel *p, size_t n, size_t vectors)
{
    const size_t tiles = (n + products[vectors].rows - 1) / products[vectors].rows;
    const size_t rows = n / tiles, n_larger = n % tiles;
    if (n_larger > 0)
        products[vectors].run[rows + 1](p, 0, n_larger);
    products[vectors].run[rows](p, n_larger * (rows + 1), tiles - n_larger);
}

/* The channels of src in parts: of a panel the weights of one part stay in the first-level cache, and the
 * sums of the others wait in dst. */
void rt__pointwise_avx2(const rt_pointwise *p, const float *src, size_t src_block, float *dst,
                        size_t dst_block, size_t n)
{
    const int32_t all = p->k / LANES, parts = (p->c + RT_SEPARABLE_DEPTH - 1) / RT_SEPARABLE_DEPTH;
    const int32_t depth = (p->c / LANES + parts - 1) / parts * LANES;
    for (int32_t c = 0; c < p->c; c += depth) {
        const bool is_last = c + depth >= p->c;
        const float *weights = p->weights;
        for (int32_t first = 0, width; first < all; first += width) {
            panel t = {.in = src + (size_t)(c / LANES) * src_block,
                       .in_block = src_block,
                       .n_blocks = (size_t)(is_last ? p->c - c : depth) / LANES,
                       .out = dst + (size_t)first * dst_block,
                       .out_block = dst_block,
                       .low = _mm256_set1_ps(is_last ? p->low : -__builtin_inff()),
                       .high = _mm256_set1_ps(is_last ? p->high : __builtin_inff()),
                       .adds = p->accumulate || c > 0};
            width = rt__pointwise_panel(first, all);
            t.weights = weights + c * width * LANES;
            for (int32_t i = 0; i < width; i++)
                t.bias[i] = c == 0 ? _mm256_loadu_ps(p->bias + (first + i) * LANES) : _mm256_setzero_ps();
            multiply(&t, n, (size_t)width);
            weights += p->c * width * LANES;
        }
    }
}
