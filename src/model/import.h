/* Building TensorFlow nodes out of another format's: what the readers of ONNX and TensorFlow Lite share.
 *
 * Images are [n,h,w,c] throughout, whatever the file has: weights are turned while they are read.  After the
 * first failure nothing more is added; look at import->b.code. */
#ifndef RT_MODEL_IMPORT_H
#define RT_MODEL_IMPORT_H

#include "graph/graph_builder.h"

typedef struct rt_import {
    rt_graph_builder b;
} rt_import;

/* A window that slides over an image; pairs are height, width. */
typedef struct rt_import_window {
    int64_t kernel[2], stride[2], dilation[2];
    int64_t pads[4]; /* top, bottom, left, right */
    int64_t in[2];   /* pixels */
} rt_import_window;

/* Whether the numbers are possible, and the pixels that come out. */
bool rt__import_window_out(const rt_import_window *window, int64_t out[2]);

/* name and suffix as a name that TensorFlow takes and no node has yet. */
const char *rt__import_name(rt_import *import, const char *name, const char *suffix);

/* float [?,height,width,3] */
rt_edge rt__import_placeholder(rt_import *import, const char *name, int64_t height, int64_t width);
/* Constants; data lives as long as the graph. */
rt_edge rt__import_floats(rt_import *import, const char *name, const char *suffix, const float *data,
                          const int64_t *dims, int rank);
rt_edge rt__import_ints(rt_import *import, const char *name, const char *suffix, const int64_t *values,
                        const int64_t *dims, int rank);
rt_edge rt__import_scalar(rt_import *import, const char *name, const char *suffix, float value);

/* A node of floats: attribute T. */
rt_edge rt__import_op(rt_import *import, const char *name, const char *suffix, const char *op,
                      const rt_edge *inputs, size_t n_inputs);
rt_edge rt__import_unary(rt_import *import, const char *name, const char *op, rt_edge x);
rt_edge rt__import_binary(rt_import *import, const char *name, const char *suffix, const char *op, rt_edge x,
                          rt_edge y);
/* filter [kh,kw,c,m]; bias [m] or, depthwise, [c*m], NULL for none. */
rt_edge rt__import_conv(rt_import *import, const char *name, rt_edge x, const float *filter,
                        const int64_t dims[4], const float *bias, const rt_import_window *window,
                        bool depthwise);
/* weights [k,m]; bias [m] or NULL */
rt_edge rt__import_matmul(rt_import *import, const char *name, rt_edge x, const float *weights, int64_t k,
                          int64_t m, const float *bias);
/* op: "MaxPool" or "AvgPool"; padding is not counted. */
rt_edge rt__import_pool(rt_import *import, const char *name, const char *op, rt_edge x,
                        const rt_import_window *window);
/* Over height and width: [n,1,1,c], or [n,c] when not kept. */
rt_edge rt__import_mean(rt_import *import, const char *name, rt_edge x, bool keep);
/* To [?, dims[1], ..]: the batch stays. */
rt_edge rt__import_reshape(rt_import *import, const char *name, rt_edge x, const int64_t *dims, int rank);
/* pads: top, bottom, left, right, with zeros */
rt_edge rt__import_pad(rt_import *import, const char *name, const char *suffix, rt_edge x,
                       const int64_t pads[4]);
rt_edge rt__import_concat(rt_import *import, const char *name, const rt_edge *parts, size_t n, int axis);
rt_edge rt__import_clip(rt_import *import, const char *name, rt_edge x, float low, float high);
rt_edge rt__import_leaky_relu(rt_import *import, const char *name, rt_edge x, float alpha);
/* The values that eight bits can hold of low .. high. */
rt_edge rt__import_fake_quant(rt_import *import, const char *name, rt_edge x, float low, float high);
/* x * relu6(x + 3) / 6 */
rt_edge rt__import_hard_swish(rt_import *import, const char *name, rt_edge x);
/* x * scale + shift, by numbers or by a vector of n for the channels. */
rt_edge rt__import_affine(rt_import *import, const char *name, rt_edge x, const float *scale,
                          const float *shift, int64_t n);

/* A failure for the file's node: "node 'a' (Conv): ..." */
rt_code rt__import_fail(rt_import *import, rt_code code, const char *name, const char *op, const char *format,
                        ...) RT_PRINTF(5, 6);
/* A failure for the file as a whole. */
rt_code rt__import_stop(rt_import *import, rt_code code, const char *format, ...) RT_PRINTF(3, 4);

/* A 16-bit float of IEEE 754. */
float rt__import_half(uint16_t half);

#endif
