/* A folded classifier as the TensorFlow graph that tools of TensorFlow 1.x read.
 *
 * NVIDIA's UFF converter, OpenCV's readNetFromTensorflow and the TensorFlow Lite converters of 1.x know
 * neither PlaceholderWithDefault nor AddV2 nor FusedBatchNormV3.  So: one Placeholder, weights as Const that
 * the ops read themselves (no Identity between), batch norms and biases folded into Conv2D + BiasAdd, NHWC,
 * paddings SAME or VALID, Pad before a VALID convolution for all others.  Ops: Placeholder, Const, Conv2D,
 * DepthwiseConv2dNative, BiasAdd, Add, Mul, Relu, Relu6, Sigmoid, Tanh, LeakyRelu, MaxPool, AvgPool,
 * ConcatV2, Mean, Squeeze, Reshape, Pad, MatMul, Softmax, and for FakeQuant what stands below. Source: the
 * UFF converter's converter_functions.py and its apply_fused_padding(); OpenCV's tf_importer.cpp. */
#ifndef RT_EXPORT_TF1_H
#define RT_EXPORT_TF1_H

#include "graph/graph.h"

typedef enum rt_tf1_for {
    RT_TF1_PLAIN, /* converters of TensorFlow 1.x: FakeQuant stays, as FakeQuantWithMinMaxArgs */
    RT_TF1_UFF    /* UFF and OpenCV: FakeQuant becomes Minimum and Maximum, a clip to its range */
} rt_tf1_for;

typedef struct rt_tf1_options {
    rt_tf1_for purpose;
    const char *const *labels; /* n_labels, go into the graph as _retrain_labels; NULL: none */
    size_t n_labels;
} rt_tf1_options;

/* fused: what rt__graph_fuse() made, with input [?,h,w,3] in [0, 1] of input_shape and output [?,n].
 *   graph            written on success; free with rt__graph_free()
 *   n_clipped        FakeQuant nodes that became a clip; may be NULL
 *   RT_EUNSUPPORTED  names node and op */
rt_code rt__tf1_graph(rt_graph *fused, rt_edge input, rt_edge output, const rt_shape *input_shape,
                      const rt_tf1_options *options, rt_graph **graph, size_t *n_clipped, rt_error *err);

#endif
