/* The table of kernels: what each op does to memory, for a graph already folded (graph/fused.h).  Batch is 1.
 *
 * rt__kernels_init() fills every slot with the plain C of ref_*.c, which is the meaning of each op, then lets
 * the fast library of this machine overwrite the slots it does better.  A slot makes a kernel from a spec;
 * the kernel says which layouts it wants and gives, and has packed its weights.  Kernels never change once
 * made: threads share them, each with a session and bindings of its own.
 *
 *   spec -> kernel (plan time, once) -> bind to pointers (once a workspace) -> run (once a photo) */
#ifndef RT_KERNEL_KERNEL_H
#define RT_KERNEL_KERNEL_H

#include "retrain/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How [h, w, c] floats lie in memory: as [ceil(c / inner)][h][w][inner]. */
typedef enum rt_layout {
    RT_LAYOUT_ROWS,    /* inner = c: TensorFlow's NHWC */
    RT_LAYOUT_PLANES,  /* inner = 1: NCHW              */
    RT_LAYOUT_BLOCK8,  /* inner = 8: oneDNN's nChw8c   */
    RT_LAYOUT_BLOCK16, /* inner = 16: nChw16c          */
    RT_LAYOUT_COUNT
} rt_layout;

/* One image of activations.  A matrix row [1, c] has h = w = 1.  Where inner does not divide c the last block
 * is filled up with channels nobody reads but multiplies by 0: they must be finite. */
typedef struct rt_grid {
    int32_t h, w, c; /* > 0 */
    rt_layout layout;
} rt_grid;

int32_t rt__grid_inner(const rt_grid *grid);
/* Floats with the filled-up channels. */
size_t rt__grid_floats(const rt_grid *grid);
/* Whether memory laid out as `from` may be read as `to` (same h, w, c) without moving anything. */
bool rt__grid_reads_as(const rt_grid *from, const rt_grid *to);
/* Whether channels offset .. offset + part->c - 1 of `whole` (same layout) are one run of memory exactly as
 * long as `part`; *floats is where it starts. */
bool rt__grid_window(const rt_grid *whole, const rt_grid *part, int32_t offset, size_t *floats);

typedef enum rt_activation_kind {
    RT_ACTIVATION_NONE,
    RT_ACTIVATION_RELU,
    RT_ACTIVATION_RELU6,
    RT_ACTIVATION_SIGMOID,
    RT_ACTIVATION_TANH,
    RT_ACTIVATION_SWISH,      /* x * sigmoid(x)               */
    RT_ACTIVATION_HARD_SWISH, /* x * relu6(x + 3) / 6         */
    RT_ACTIVATION_LEAKY_RELU, /* x < 0 ? alpha * x : x        */
    RT_ACTIVATION_ELU,        /* x < 0 ? alpha * (e^x - 1) : x */
    RT_ACTIVATION_COUNT
} rt_activation_kind;

typedef struct rt_activation {
    rt_activation_kind kind;
    float alpha;
} rt_activation;

/* What slides over an image.  Pairs are [height, width]; pads are zeros in front and behind. */
typedef struct rt_window {
    int32_t size[2], stride[2], dilation[2]; /* >= 1 */
    int32_t front[2], back[2];               /* >= 0 */
} rt_window;

/* ---- specs: pointers are borrowed for the call ---- */

/* y = activation(sum over the window + bias (+ what dst held before, if accumulate)). */
typedef struct rt_conv_spec {
    rt_grid src;
    int32_t channels; /* of dst; src.c * multiplier for a depthwise one, channel i * multiplier + j */
    int32_t multiplier;
    rt_window window;
    const float *weights; /* [kh, kw, src.c, channels], depthwise [kh, kw, src.c, multiplier] */
    const float *bias;    /* [channels] */
    rt_activation activation;
    bool accumulate;
} rt_conv_spec;

typedef struct rt_matmul_spec {
    int32_t inputs, outputs;
    const float *weights; /* [inputs, outputs] */
    const float *bias;    /* [outputs] */
    rt_activation activation;
} rt_matmul_spec;

/* Padding is never counted: not as a maximum, not in the divisor of an average. */
typedef struct rt_pool_spec {
    rt_grid src;
    bool average; /* else maximum */
    rt_window window;
} rt_pool_spec;

/* dst[.., offset + i] = src[.., i]: a reorder when offset is 0, an input of a concat otherwise.  The other
 * channels of dst stay, but the one that writes the last channel also clears what fills up its block. */
typedef struct rt_place_spec {
    rt_grid src, dst;
    int32_t offset;
} rt_place_spec;

/* activation(x * scale[c] + shift[c]) */
typedef struct rt_affine_spec {
    rt_grid src;
    const float *scale, *shift; /* [c] */
    rt_activation activation;
} rt_affine_spec;

/* One after the other, each of the result of the one before; what lies between is not kept.  NULL: not there.
 * Only the last may accumulate. */
typedef struct rt_chain_spec {
    const rt_affine_spec *affine;
    const rt_conv_spec *before, *depthwise, *after;
} rt_chain_spec;

/* activation(a * b): b has a's shape, or is one pixel whose channels multiply those of all of a's. */
typedef struct rt_mul_spec {
    rt_grid src; /* a */
    bool gate;   /* b is one pixel */
    rt_activation activation;
} rt_mul_spec;

/* floor((clamp(x, low, high) - low) * inverse / divisor - zero + 0.5) * scale in float32, each step rounded.
 * inverse or divisor is 1: x / s and x * (1 / s) put values between two steps on different sides.
 * Source: FakeQuantWithMinMaxVars of TensorFlow. */
typedef struct rt_fake_quant_spec {
    rt_grid src;
    float low, high, inverse, divisor, zero, scale;
} rt_fake_quant_spec;

/* activation(x), or activation(a + b) for the slot add. */
typedef struct rt_activation_spec {
    rt_grid src;
    rt_activation activation;
} rt_activation_spec;

/* Zeros around the image: front and back are [height, width]. */
typedef struct rt_pad_spec {
    rt_grid src;
    int32_t front[2], back[2];
} rt_pad_spec;

/* ---- kernels ---- */

enum { RT_KERNEL_SOURCES = 2, RT_KERNEL_ALIGN = 64 };

typedef struct rt_kernel_args {
    const float *src[RT_KERNEL_SOURCES]; /* aligned to a float; the second one for add and mul only */
    float *dst;
    void *scratch; /* kernel->scratch_bytes, aligned to RT_KERNEL_ALIGN; content is lost */
} rt_kernel_args;

typedef struct rt_kernel rt_kernel;
struct rt_kernel {
    rt_grid src[RT_KERNEL_SOURCES]; /* as it wants them: shapes are the spec's, layouts may be others */
    rt_grid dst;
    uint32_t n_src;
    bool in_place; /* dst may be exactly one of the sources as large as it; else they never overlap */
    size_t scratch_bytes;
    size_t weight_bytes; /* owned: packed weights */

    /* Ties args to what the library needs to run; NULL when it needs nothing.  *bound is given to run and
     * unbind; the pointers in args stay the same from bind to unbind. */
    rt_code (*bind)(const rt_kernel *kernel, const rt_kernel_args *args, void *session, void **bound,
                    rt_error *err);
    rt_code (*run)(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err);
    void (*unbind)(const rt_kernel *kernel, void *bound);
    void (*free)(rt_kernel *kernel);
};

typedef struct rt_kernels rt_kernels;
struct rt_kernels {
    const char *name; /* "reference", "oneDNN" */
    rt_layout input;  /* what the network's first kernel likes an RGB image to be */
    void *context;    /* the library's; owned, freed by clear */

    rt_code (*conv)(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err);
    /* The same, but every result is a sum of products of what is there: no transforms that add roundings. */
    rt_code (*direct_conv)(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                           rt_error *err);
    rt_code (*depthwise)(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                         rt_error *err);
    /* What the slots direct_conv and depthwise leave to the library. */
    rt_code (*library_conv)(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                            rt_error *err);
    rt_code (*library_depthwise)(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                                 rt_error *err);
    /* Sets *kernel to NULL where single kernels are faster; the slot may be NULL.  One that accumulates in
     * place reads its source from dst. */
    rt_code (*chain)(const rt_kernels *kernels, const rt_chain_spec *spec, rt_kernel **kernel, rt_error *err);
    /* The same rounded step by step as TensorFlow does, for networks that round on purpose (ref_ordered.c);
     * not for accumulate or a multiplier other than 1.  A dense one is slow: for few input channels. */
    rt_code (*ordered_conv)(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                            rt_error *err);
    rt_code (*ordered_depthwise)(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                                 rt_error *err);
    rt_code (*matmul)(const rt_kernels *kernels, const rt_matmul_spec *spec, rt_kernel **kernel,
                      rt_error *err);
    rt_code (*pool)(const rt_kernels *kernels, const rt_pool_spec *spec, rt_kernel **kernel, rt_error *err);
    rt_code (*global_average)(const rt_kernels *kernels, const rt_grid *src, rt_kernel **kernel,
                              rt_error *err);
    rt_code (*place)(const rt_kernels *kernels, const rt_place_spec *spec, rt_kernel **kernel, rt_error *err);
    rt_code (*add)(const rt_kernels *kernels, const rt_activation_spec *spec, rt_kernel **kernel,
                   rt_error *err);
    rt_code (*mul)(const rt_kernels *kernels, const rt_mul_spec *spec, rt_kernel **kernel, rt_error *err);
    rt_code (*affine)(const rt_kernels *kernels, const rt_affine_spec *spec, rt_kernel **kernel,
                      rt_error *err);
    rt_code (*fake_quant)(const rt_kernels *kernels, const rt_fake_quant_spec *spec, rt_kernel **kernel,
                          rt_error *err);
    rt_code (*activation)(const rt_kernels *kernels, const rt_activation_spec *spec, rt_kernel **kernel,
                          rt_error *err);
    /* Over the channels of each pixel. */
    rt_code (*softmax)(const rt_kernels *kernels, const rt_grid *src, rt_kernel **kernel, rt_error *err);
    rt_code (*pad)(const rt_kernels *kernels, const rt_pad_spec *spec, rt_kernel **kernel, rt_error *err);

    /* What a thread needs to run kernels. */
    rt_code (*session_new)(const rt_kernels *kernels, void **session, rt_error *err);
    /* Call before a row of kernels is run, on the thread that runs them: the session may have been made, and
     * used, on others. */
    void (*session_enter)(void *session);
    void (*session_free)(void *session);
    void (*clear)(rt_kernels *kernels);
};

/* The fastest kernels here.  Give back with rt__kernels_clear() when no kernel made by them is left. */
rt_code rt__kernels_init(rt_kernels *kernels, rt_error *err);
/* Plain C only: slow, and what the others are compared with. */
void rt__kernels_init_reference(rt_kernels *kernels);
void rt__kernels_clear(rt_kernels *kernels);
void rt__kernel_free(rt_kernel *kernel); /* NULL is allowed */

/* Size of one side of the result of a window; <= 0 when the window does not fit.  axis: 0 height, 1 width. */
int64_t rt__window_out(const rt_window *window, int axis, int32_t in);
/* The result of a window that fits, in src's layout. */
rt_grid rt__window_grid(const rt_window *window, const rt_grid *src, int32_t channels);

#endif
