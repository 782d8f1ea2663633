/* An ONNX file of a folded classifier.
 *
 * The default is what every TensorRT from 5.1 to 10 and every ONNX Runtime parses: opset 9, IR version 3 with
 * each initializer also listed as an input, static shapes, batch 1, NCHW float32, no Shape, Reshape, Cast,
 * Pad or Mul by a constant: an affine of the pixels is a BatchNormalization, since zero padding comes behind
 * it. Ops: Conv, BatchNormalization, Relu, Clip, Sigmoid, HardSigmoid, Tanh, LeakyRelu, Mul, MaxPool,
 * AveragePool, GlobalAveragePool, Concat, Add, Flatten, Gemm, Softmax; each stands in one row of a table in
 * onnx_ops.c. Source: ONNX's onnx.proto and Operators.md; onnx-tensorrt's operators.md. */
#ifndef RT_EXPORT_ONNX_H
#define RT_EXPORT_ONNX_H

#include "base/buffer.h"
#include "graph/graph.h"

typedef struct rt_onnx_options {
    int opset;                            /* 0: 9; up to 13 */
    bool dynamic_batch;                   /* the first dimension is "N" instead of 1 */
    const char *input_name, *output_name; /* NULL: "input_0", "output_0" */
    /* What the runtime feeds is x; the network gets x * input_scale[c] + input_shift[c].  All 0: x as it is.
     */
    float input_scale[3], input_shift[3];
    const char *const *metadata; /* n_metadata pairs key, value for metadata_props; may be NULL */
    size_t n_metadata;
    /* May be NULL: told of each tensor of the file that is no constant, the input first, and of the node of
     * fused that it belongs to. */
    void (*told)(void *user, const char *tensor, uint32_t node);
    void *user;
    /* May be NULL: told of every node that has no ONNX form, where otherwise the first ends the call. */
    void (*refused)(void *refused_user, const char *cause);
    void *refused_user;
} rt_onnx_options;

/* fused: what rt__graph_fuse() made, with input [?,h,w,3] of input_shape and output [?,output_size]; appends
 * the file to *file.
 * FakeQuant of an activation becomes a Clip to its range; *n_fake_quant (may be NULL) counts them.
 *   RT_EARG         opset out of range
 *   RT_EUNSUPPORTED names node and op, or says how many were refused */
rt_code rt__onnx_write(const rt_graph *fused, rt_edge input, rt_edge output, const rt_shape *input_shape,
                       int64_t output_size, const rt_onnx_options *options, rt_buffer *file,
                       size_t *n_fake_quant, rt_error *err);

#endif
