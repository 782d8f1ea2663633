/* The loops of resize.h for AVX2, eight columns at a time.  Multiply and add stay apart: FMA would round
 * once. */
#include "resize_x86.h"

#include <immintrin.h>

enum { LANES = 8 };

static const float unit = 1.0f / 255.0f;

/* Eight pixels and their right neighbours, a 32-bit lane each. */
typedef struct pixel_pairs {
    __m256i low;  /* bytes: red, green, blue, red of the neighbour */
    __m256i high; /* bytes: green and blue of the neighbour, two more */
} pixel_pairs;

/* Eight bytes from each of two places. */
static inline __m128i load_two(const uint8_t *line, int32_t first, int32_t second)
{
    __m128i a = _mm_loadl_epi64((const __m128i *)(const void *)(line + first));
    __m128i b = _mm_loadl_epi64((const __m128i *)(const void *)(line + second));
    return _mm_unpacklo_epi64(a, b);
}

/* Plain loads: with the gather instruction the whole resize takes 1.7 times as long on Zen. */
static inline pixel_pairs load_pixels(const uint8_t *line, const int32_t *at)
{
    __m256i a = _mm256_set_m128i(load_two(line, at[4], at[5]), load_two(line, at[0], at[1]));
    __m256i b = _mm256_set_m128i(load_two(line, at[6], at[7]), load_two(line, at[2], at[3]));
    __m256 x = _mm256_castsi256_ps(a), y = _mm256_castsi256_ps(b);
    return (pixel_pairs){_mm256_castps_si256(_mm256_shuffle_ps(x, y, 0x88)),
                         _mm256_castps_si256(_mm256_shuffle_ps(x, y, 0xdd))};
}

/* One byte of each lane as float32 times 1/255. */
static inline __m256 byte_of(__m256i lanes, int byte)
{
    const __m256i pick = _mm256_set1_epi32(byte);
    const __m256i place = _mm256_setr_epi8(0, -1, -1, -1, 4, -1, -1, -1, 8, -1, -1, -1, 12, -1, -1, -1, 0, -1,
                                           -1, -1, 4, -1, -1, -1, 8, -1, -1, -1, 12, -1, -1, -1);
    __m256i value = _mm256_shuffle_epi8(lanes, _mm256_or_si256(place, pick));
    return _mm256_mul_ps(_mm256_cvtepi32_ps(value), _mm256_set1_ps(unit));
}

static inline __m256 lerp(__m256 a, __m256 b, __m256 weight)
{
    return _mm256_add_ps(a, _mm256_mul_ps(_mm256_sub_ps(b, a), weight));
}

/* One channel of eight columns. */
static inline __m256 red_of(pixel_pairs p, __m256 weight)
{
    return lerp(byte_of(p.low, 0), byte_of(p.low, 3), weight);
}

static inline __m256 green_of(pixel_pairs p, __m256 weight)
{
    return lerp(byte_of(p.low, 1), byte_of(p.high, 0), weight);
}

static inline __m256 blue_of(pixel_pairs p, __m256 weight)
{
    return lerp(byte_of(p.low, 2), byte_of(p.high, 1), weight);
}

static void across_planar(const uint8_t *line, const rt_columns *columns, float *out)
{
    size_t n = columns->n;
    for (size_t x = 0; x < n; x += LANES) {
        pixel_pairs pixels = load_pixels(line, columns->left + x);
        __m256 weight = _mm256_load_ps(columns->weight + x);
        _mm256_store_ps(out + x, red_of(pixels, weight));
        _mm256_store_ps(out + n + x, green_of(pixels, weight));
        _mm256_store_ps(out + 2 * n + x, blue_of(pixels, weight));
    }
}

/* Three registers of one channel each to 8 pixels of three channels. */
static inline void store_interleaved(__m256 red, __m256 green, __m256 blue, float *out)
{
    __m256 rg = _mm256_shuffle_ps(red, green, 0x88);  /* r0 r2 g0 g2, and the same of pixels 4 .. 7 */
    __m256 gb = _mm256_shuffle_ps(green, blue, 0xdd); /* g1 g3 b1 b3 */
    __m256 br = _mm256_shuffle_ps(blue, red, 0xd8);   /* b0 b2 r1 r3 */
    __m256 first = _mm256_shuffle_ps(rg, br, 0x88);   /* r0 g0 b0 r1 */
    __m256 second = _mm256_shuffle_ps(gb, rg, 0xd8);  /* g1 b1 r2 g2 */
    __m256 third = _mm256_shuffle_ps(br, gb, 0xdd);   /* b2 r3 g3 b3 */
    _mm256_store_ps(out, _mm256_permute2f128_ps(first, second, 0x20));
    _mm256_store_ps(out + LANES, _mm256_permute2f128_ps(third, first, 0x30));
    _mm256_store_ps(out + 2 * LANES, _mm256_permute2f128_ps(second, third, 0x31));
}

static void across_interleaved(const uint8_t *line, const rt_columns *columns, float *out)
{
    for (size_t x = 0; x < columns->n; x += LANES) {
        pixel_pairs pixels = load_pixels(line, columns->left + x);
        __m256 weight = _mm256_load_ps(columns->weight + x);
        store_interleaved(red_of(pixels, weight), green_of(pixels, weight), blue_of(pixels, weight),
                          out + 3 * x);
    }
}

static void down(const float *top, const float *bottom, float weight, float *out, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        _mm256_storeu_ps(out + i,
                         lerp(_mm256_loadu_ps(top + i), _mm256_loadu_ps(bottom + i), _mm256_set1_ps(weight)));
    for (; i < n; i++)
        out[i] = top[i] + (bottom[i] - top[i]) * weight;
}

const rt_resize_loops rt__resize_avx2 = {"AVX2", across_planar, across_interleaved, down};
