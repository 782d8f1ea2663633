/* What the kernels of each instruction set are given. */
#ifndef RT_KERNEL_WINOGRAD_PARTS_H
#define RT_KERNEL_WINOGRAD_PARTS_H

#include "kernel.h"

enum {
    RT_WINOGRAD_PAIRS = 4,                      /* at most                          */
    RT_WINOGRAD_OUTS = 4,                       /* at most                          */
    RT_WINOGRAD_TAPS = 7,                       /* at most                          */
    RT_WINOGRAD_INS = 2 * RT_WINOGRAD_PAIRS + 2 /* at most */
};

/* One axis.  Its points are 0, p and -p for each of the pairs, and infinity; with no pairs there is one
 * value, which is its own point.  Polynomials in y = x^2, lowest power first. */
typedef struct rt_winograd_axis {
    int32_t taps, outs, pairs;
    int32_t ins;                                      /* taps + outs - 1: values under a tile, and points */
    float power[RT_WINOGRAD_PAIRS][RT_WINOGRAD_OUTS]; /* p^i                                     */
    float rest[RT_WINOGRAD_PAIRS][RT_WINOGRAD_PAIRS]; /* product of y - q^2 over the other pairs */
    float all[RT_WINOGRAD_PAIRS + 1];                 /* the same over all pairs                 */
    double filter[RT_WINOGRAD_INS][RT_WINOGRAD_TAPS]; /* G                                       */
} rt_winograd_axis;

typedef struct rt_winograd {
    rt_grid src, dst;         /* in blocks of `lanes` channels, which divide both numbers of channels */
    rt_winograd_axis axis[2]; /* down, across */
    int32_t front[2];         /* padding above and to the left */
    int32_t points;           /* of both axes: matrix products */
    int32_t across;           /* tiles in a row of tiles */
    int32_t tiles;            /* in all */
    int32_t block;            /* tiles from reading to writing, so that they stay in the cache */
    size_t in_plane;  /* floats from one point of a block's transformed tiles [block, src.c] to the next */
    size_t out_plane; /* the same for their products [block, dst.c] */
    float low, high;  /* the activation: clamped to these */
    bool accumulate;
    /* [points][panel][src.c][2 lanes]: a panel is 2 * lanes channels of dst, the last one perhaps lanes */
    const float *filters;
    const float *bias; /* [dst.c] */
} rt_winograd;

/* weights [taps down, taps across, src.c, dst.c] to w->filters, w otherwise complete. */
typedef void rt_winograd_pack(const rt_winograd *w, const float *weights, float *filters);

/* scratch: points * (in_plane + out_plane) floats, aligned to RT_KERNEL_ALIGN. */
typedef void rt_winograd_run(const rt_winograd *w, const float *src, float *dst, float *scratch);

/* What an instruction set has for convolutions of so many taps. */
typedef struct rt_winograd_kind {
    int32_t down, across;
    rt_winograd_run *run;
    rt_winograd_pack *pack;
} rt_winograd_kind;

/* That for these axes, or NULL. */
typedef const rt_winograd_kind *rt_winograd_find(const rt_winograd_axis *down,
                                                 const rt_winograd_axis *across);

rt_winograd_find rt__winograd_find_avx2, rt__winograd_find_avx512;

#endif
