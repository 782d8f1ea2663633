/* What the separable kernels of an instruction set are given.  All maps are in blocks of RT_SEPARABLE_LANES
 * channels, which divide their number; a block is rows of pixels. */
#ifndef RT_KERNEL_SEPARABLE_PARTS_H
#define RT_KERNEL_SEPARABLE_PARTS_H

#include "kernel.h"

enum {
    RT_SEPARABLE_LANES = 8,
    RT_SEPARABLE_VECTORS = 3, /* of a panel, at most */
    RT_STEM_CHANNELS = 4,     /* at most */
    RT_STEM_TAPS = 3,
    RT_STEM_STRIDE = 2,
    RT_SEPARABLE_DEPTH = 256 /* channels whose weights of one panel stay in a first-level cache */
};

/* A convolution of 1 x 1: n pixels [n, c] times weights [c, k]. */
typedef struct rt_pointwise {
    int32_t c, k;
    const float *weights; /* [panel][c][width]: panels as rt__pointwise_panel() cuts k */
    const float *bias;    /* [k] */
    float low, high;      /* the activation: clamped to these */
    bool accumulate;      /* adds to what dst holds */
} rt_pointwise;

/* Vectors of the panel that starts at vector `first` of `all`: two, but three for the last three, so that
 * only a single vector is ever alone. */
static inline int32_t rt__pointwise_panel(int32_t first, int32_t all)
{
    return all - first == 3 ? 3 : all - first == 1 ? 1 : 2;
}

/* Blocks of src and dst are src_block and dst_block floats apart. */
typedef void rt_pointwise_run(const rt_pointwise *p, const float *src, size_t src_block, float *dst,
                              size_t dst_block, size_t n);

/* A depthwise convolution of 3 x 3 or 5 x 5, by 1 or 2 on both axes. */
typedef struct rt_depthwise {
    rt_grid src, dst;
    int32_t taps, stride, front[2];
    const float *weights; /* [block][taps][taps][lanes] */
    const float *bias;    /* [c] */
    float low, high;
} rt_depthwise;

/* Where a map's rows are: all of them, or the last few of them in a ring. */
typedef struct rt_rows {
    size_t block;   /* floats from one block to the next */
    int32_t n_ring; /* row y is the ring's y % n_ring */
} rt_rows;

/* Rows first .. first + n - 1 of dst, which `dst` points at the first of. */
typedef void rt_depthwise_run(const rt_depthwise *d, const float *src, const rt_rows *rows, float *dst,
                              size_t dst_block, int32_t first, int32_t n);

/* A convolution of few channels in planes, RT_STEM_TAPS x RT_STEM_TAPS by RT_STEM_STRIDE: the first one of a
 * network. */
typedef struct rt_stem {
    rt_grid src, dst;
    int32_t front[2];
    int32_t width; /* of the part of a row that the windows see, with what is around it */
    float scale[RT_STEM_CHANNELS], shift[RT_STEM_CHANNELS]; /* of src before zeros are put around */
    const float *weights; /* [panel][tap down][c][tap across][width]: panels as rt__stem_panel() cuts */
    const float *bias;    /* [dst.c] */
    float low, high;
} rt_stem;

static inline int32_t rt__stem_panel(int32_t first, int32_t all)
{
    return all - first > 1 ? 2 : 1;
}

/* Rows first .. first + n - 1, which dst has where `rows` says.
 *   scratch  RT_STEM_TAPS * src.c * width floats */
typedef void rt_stem_run(const rt_stem *s, const float *src, float *scratch, float *dst, const rt_rows *rows,
                         int32_t first, int32_t n);

rt_pointwise_run rt__pointwise_avx2;
rt_stem_run rt__stem_avx2;
rt_depthwise_run rt__depthwise_avx2;

#endif
