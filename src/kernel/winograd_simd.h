/* Winograd's convolutions for any width of vectors: the body of winograd_LEVEL.c, which defines before
 *
 * LANES: floats in a vector, and channels in a block;
 *
 * VEC and VEC_OP(): the vector, and what _mmN_OP_ps does; VEC_BROADCAST(): all lanes from one float in
 * memory;
 *
 * ROWS and EACH_ROW(): tiles side by side in a product, as many as keep their sums in registers;
 *
 * FIND: the name of the function at the end. */
#include "winograd_parts.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { INS = RT_WINOGRAD_INS, OUTS = RT_WINOGRAD_OUTS, PANEL = 2 * LANES };

/* What the compiler knows of an axis. */
typedef struct fixed {
    int outs, pairs, ins;
} fixed;

/* ---- from values to points ---- */

/* sum + factor * x, factor standing in memory */
INLINE VEC add(VEC sum, const float *factor, VEC x)
{
    return VEC_OP(fmadd)(VEC_BROADCAST(factor), x, sum);
}

/* y = B' x.  At p the other points' polynomial is x (x + p) rest(x^2): what is even in it is the same at -p.
 */
INLINE void evaluate(const VEC *x, VEC *y, const rt_winograd_axis *axis, int pairs)
{
    if (pairs == 0) {
        y[0] = x[0];
        return;
    }
    y[0] = x[2 * pairs];
    y[2 * pairs + 1] = x[2 * pairs + 1];
    for (int k = 0; k < pairs; k++) {
        y[0] = add(y[0], &axis->all[k], x[2 * k]);
        y[2 * pairs + 1] = add(y[2 * pairs + 1], &axis->all[k], x[2 * k + 1]);
    }
    for (int p = 0; p < pairs; p++) {
        const VEC point = VEC_BROADCAST(&axis->power[p][1]);
        VEC even = x[2 * pairs], odd = x[2 * pairs - 1];
        for (int k = 0; k < pairs - 1; k++) {
            even = add(even, &axis->rest[p][k], x[2 * k + 2]);
            odd = add(odd, &axis->rest[p][k], x[2 * k + 1]);
        }
        y[1 + 2 * p] = VEC_OP(fmadd)(point, odd, even);
        y[2 + 2 * p] = VEC_OP(fnmadd)(point, odd, even);
    }
}

/* LANES channels of one tile: rows of values, `row` floats apart, to the points `plane` floats apart. */
INLINE void transform_in(const rt_winograd *w, const float *src, size_t row, float *to, fixed down,
                         fixed across)
{
    VEC columns[INS * INS], x[INS], y[INS];
    for (int j = 0; j < across.ins; j++) {
        for (int i = 0; i < down.ins; i++)
            x[i] = VEC_OP(loadu)(src + (size_t)i * row + j * LANES);
        evaluate(x, y, &w->axis[0], down.pairs);
        for (int i = 0; i < down.ins; i++)
            columns[i * across.ins + j] = y[i];
    }
    for (int i = 0; i < down.ins; i++) {
        evaluate(columns + i * across.ins, y, &w->axis[1], across.pairs);
        for (int j = 0; j < across.ins; j++, to += w->in_plane)
            VEC_OP(storeu)(to, y[j]);
    }
}

/* What part of `side` values from `first` on lies inside 0 .. size - 1: begin .. end - 1. */
typedef struct range {
    int32_t begin, end;
} range;

INLINE range inside(int32_t first, int32_t side, int32_t size)
{
    int32_t begin = first < 0 ? -first : 0, end = size - first;
    return (range){begin, end < side ? end : side};
}

/* The values of a tile at the image's edge, with zeros around them. */
INLINE void copy_edge(const rt_winograd *w, const float *channels, int32_t y, int32_t x, float *to,
                      fixed down, fixed across)
{
    const range rows = inside(y, down.ins, w->src.h), columns = inside(x, across.ins, w->src.w);
    memset(to, 0, (size_t)(down.ins * across.ins) * LANES * sizeof *to);
    if (columns.begin >= columns.end)
        return;
    for (int32_t i = rows.begin; i < rows.end; i++)
        memcpy(to + (i * across.ins + columns.begin) * LANES,
               channels + ((ptrdiff_t)(y + i) * w->src.w + x + columns.begin) * LANES,
               (size_t)(columns.end - columns.begin) * LANES * sizeof *to);
}

INLINE void transform_tile(const rt_winograd *w, const float *src, int32_t tile, float *to, fixed down,
                           fixed across)
{
    const int32_t y = tile / w->across * down.outs - w->front[0];
    const int32_t x = tile % w->across * across.outs - w->front[1];
    const size_t area = (size_t)w->src.h * (size_t)w->src.w * LANES, row = (size_t)w->src.w * LANES;
    const bool edge = y < 0 || x < 0 || y + down.ins > w->src.h || x + across.ins > w->src.w;
    float values[INS * INS * LANES];
    for (int32_t c = 0; c < w->src.c; c += LANES, src += area) {
        if (edge) {
            copy_edge(w, src, y, x, values, down, across);
            transform_in(w, values, (size_t)across.ins * LANES, to + c, down, across);
        } else {
            transform_in(w, src + ((size_t)y * (size_t)w->src.w + (size_t)x) * LANES, row, to + c, down,
                         across);
        }
    }
}

/* ---- products ---- */

/* The sums of a row of tiles stand in variables of their own: compilers keep an array of sums in memory. */
#define ROW_BEGIN(r) VEC left##r = VEC_OP(setzero)(), right##r = VEC_OP(setzero)();

#define ROW_ADD(r)                                            \
    if (rows > r) {                                           \
        const VEC value = VEC_BROADCAST(in + r * c + i);      \
        left##r = VEC_OP(fmadd)(value, left, left##r);        \
        if (vectors > 1)                                      \
            right##r = VEC_OP(fmadd)(value, right, right##r); \
    }

#define ROW_STORE(r)                                       \
    if (rows > r) {                                        \
        VEC_OP(storeu)(out + r * k, left##r);              \
        if (vectors > 1)                                   \
            VEC_OP(storeu)(out + r * k + LANES, right##r); \
    }

/* rows tiles times `vectors` vectors of channels of dst, both known to the compiler. */
INLINE void product(const float *in, size_t c, const float *filter, float *out, size_t k, size_t rows,
                    size_t vectors)
{
    EACH_ROW(ROW_BEGIN)
    for (size_t i = 0; i < c; i++, filter += vectors * LANES) {
        const VEC left = VEC_OP(loadu)(filter);
        const VEC right = vectors > 1 ? VEC_OP(loadu)(filter + LANES) : left;
        EACH_ROW(ROW_ADD)
    }
    EACH_ROW(ROW_STORE)
}

typedef void product_function(const float *in, size_t c, const float *filter, float *out, size_t k);

#define PRODUCT(r)                                                                                  \
    static void product_1_##r(const float *in, size_t c, const float *filter, float *out, size_t k) \
    {                                                                                               \
        product(in, c, filter, out, k, r + 1, 1);                                                   \
    }                                                                                               \
    static void product_2_##r(const float *in, size_t c, const float *filter, float *out, size_t k) \
    {                                                                                               \
        product(in, c, filter, out, k, r + 1, 2);                                                   \
    }
EACH_ROW(PRODUCT)

#define NAME_1(r) product_1_##r,
#define NAME_2(r) product_2_##r,
/* by vectors - 1 and rows - 1 */
static product_function *const products[2][ROWS] = {{EACH_ROW(NAME_1)}, {EACH_ROW(NAME_2)}};

/* One point: [n, c] times the filters [c, k]. */
static void multiply(const float *in, size_t n, size_t c, const float *filters, float *out, size_t k)
{
    const size_t groups = (n + ROWS - 1) / ROWS;
    for (size_t o = 0; o < k; o += PANEL) {
        const size_t vectors = k - o >= PANEL ? 2 : 1;
        for (size_t g = 0, row = 0; g < groups; g++) {
            const size_t rows = (n - row) / (groups - g); /* as even as can be */
            products[vectors - 1][rows - 1](in + row * c, c, filters + o * c, out + row * k + o, k);
            row += rows;
        }
    }
}

/* ---- from points to results ---- */

/* y = A' x */
INLINE void interpolate(const VEC *x, VEC *y, const rt_winograd_axis *axis, int pairs, int outs)
{
    VEC part[2][RT_WINOGRAD_PAIRS]; /* even and odd powers of the points */
    y[0] = x[0];
    for (int p = 0; p < pairs; p++) {
        part[0][p] = VEC_OP(add)(x[1 + 2 * p], x[2 + 2 * p]);
        part[1][p] = VEC_OP(sub)(x[1 + 2 * p], x[2 + 2 * p]);
        y[0] = VEC_OP(add)(y[0], part[0][p]);
    }
    for (int i = 1; i < outs; i++) {
        y[i] = i == outs - 1 ? x[2 * pairs + 1] : VEC_OP(setzero)();
        for (int p = 0; p < pairs; p++)
            y[i] = add(y[i], &axis->power[p][i], part[i % 2][p]);
    }
}

/* LANES channels of one tile, from the points to rows of results. */
INLINE void transform_out(const rt_winograd *w, const float *from, VEC *results, fixed down, fixed across)
{
    VEC columns[OUTS * INS], x[INS], y[OUTS];
    for (int j = 0; j < across.ins; j++) {
        for (int i = 0; i < down.ins; i++)
            x[i] = VEC_OP(loadu)(from + (size_t)(i * across.ins + j) * w->out_plane);
        interpolate(x, y, &w->axis[0], down.pairs, down.outs);
        for (int i = 0; i < down.outs; i++)
            columns[i * across.ins + j] = y[i];
    }
    for (int i = 0; i < down.outs; i++)
        interpolate(columns + i * across.ins, results + i * across.outs, &w->axis[1], across.pairs,
                    across.outs);
}

INLINE void write_tile(const rt_winograd *w, const float *from, int32_t tile, float *dst, fixed down,
                       fixed across)
{
    const int32_t y = tile / w->across * down.outs, x = tile % w->across * across.outs;
    const int32_t rows = w->dst.h - y < down.outs ? w->dst.h - y : down.outs;
    const int32_t columns = w->dst.w - x < across.outs ? w->dst.w - x : across.outs;
    const size_t area = (size_t)w->dst.h * (size_t)w->dst.w * LANES;
    const VEC low = VEC_OP(set1)(w->low), high = VEC_OP(set1)(w->high);
    dst += ((size_t)y * (size_t)w->dst.w + (size_t)x) * LANES;
    for (int32_t c = 0; c < w->dst.c; c += LANES, dst += area) {
        const VEC bias = VEC_OP(loadu)(w->bias + c);
        VEC results[OUTS * OUTS];
        transform_out(w, from + c, results, down, across);
        for (int32_t i = 0; i < rows; i++)
            for (int32_t j = 0; j < columns; j++) {
                float *to = dst + ((size_t)i * (size_t)w->dst.w + (size_t)j) * LANES;
                VEC value = VEC_OP(add)(results[i * across.outs + j], bias);
                if (w->accumulate)
                    value = VEC_OP(add)(value, VEC_OP(loadu)(to));
                VEC_OP(storeu)(to, VEC_OP(min)(VEC_OP(max)(value, low), high));
            }
    }
}

#include "winograd_pack.h"

/* ---- kernels ---- */

INLINE void run(const rt_winograd *w, const float *src, float *dst, float *scratch, fixed down, fixed across)
{
    const size_t c = (size_t)w->src.c, k = (size_t)w->dst.c, points = (size_t)(down.ins * across.ins);
    float *in = scratch, *out = scratch + points * w->in_plane;
    for (int32_t first = 0; first < w->tiles; first += w->block) {
        const int32_t n = w->tiles - first < w->block ? w->tiles - first : w->block;
        for (int32_t i = 0; i < n; i++)
            transform_tile(w, src, first + i, in + (size_t)i * c, down, across);
        for (size_t point = 0; point < points; point++)
            multiply(in + point * w->in_plane, (size_t)n, c, w->filters + point * c * k,
                     out + point * w->out_plane, k);
        for (int32_t i = 0; i < n; i++)
            write_tile(w, out + (size_t)i * k, first + i, dst, down, across);
    }
}

/* by taps: outs, pairs, ins */
#define AXIS_1 ((fixed){1, 0, 1})
#define AXIS_3 ((fixed){4, 2, 6})
#define AXIS_5 ((fixed){2, 2, 6})
#define AXIS_7 ((fixed){4, 4, 10})

#define KIND(down, across)                                                                                \
    static void run_##down##_##across(const rt_winograd *w, const float *src, float *dst, float *scratch) \
    {                                                                                                     \
        run(w, src, dst, scratch, AXIS_##down, AXIS_##across);                                            \
    }                                                                                                     \
    static void pack_##down##_##across(const rt_winograd *w, const float *weights, float *filters)        \
    {                                                                                                     \
        pack_filters(w, weights, filters, AXIS_##down, AXIS_##across);                                    \
    }
KIND(3, 3)
KIND(5, 5)
KIND(1, 3)
KIND(3, 1)
KIND(1, 7)
KIND(7, 1)

#define ROW(down, across)                                           \
    {                                                               \
        down, across, run_##down##_##across, pack_##down##_##across \
    }

const rt_winograd_kind *FIND(const rt_winograd_axis *down, const rt_winograd_axis *across)
{
    static const rt_winograd_kind rows[] = {ROW(3, 3), ROW(5, 5), ROW(1, 3), ROW(3, 1), ROW(1, 7), ROW(7, 1)};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].down == down->taps && rows[i].across == across->taps)
            return &rows[i];
    return NULL;
}
