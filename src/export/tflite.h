/* A TensorFlow Lite file of a folded classifier, float32 or 8-bit.
 *
 * Builtin operators only, schema version 3.  8-bit is TensorFlow Lite's own scheme: activations int8 with one
 * scale and zero point a tensor, convolution weights int8 with a scale a channel and zero point 0, biases
 * int32; every runtime and the Edge TPU compiler take it.
 * Source: TensorFlow's schema.fbs and its 8-bit quantization specification. */
#ifndef RT_EXPORT_TFLITE_H
#define RT_EXPORT_TFLITE_H

#include "base/buffer.h"
#include "graph/graph.h"

/* What an 8-bit file takes and gives: pixels and probabilities as 0 .. 255, or less 128.  MediaPipe and the
 * Task Library take the former only, microcontrollers the latter. */
typedef enum rt_tflite_bytes { RT_TFLITE_UINT8, RT_TFLITE_INT8 } rt_tflite_bytes;

typedef struct rt_tflite_range {
    float low, high; /* of a node's output over sample photos; low <= high */
} rt_tflite_range;

typedef struct rt_tflite_options {
    const char *description; /* of the model; NULL: none */
    /* One a line; NULL: none.  With labels comes the metadata that says what input and output are. */
    const char *labels;
    /* NULL: a float32 file.  Else one for each node of fused (of the input's node: the pixels'), and fused
     * must have no additions inside convolutions (rt__graph_fuse_plain), since these have no range of their
     * own. */
    const rt_tflite_range *ranges;
    rt_tflite_bytes bytes; /* of an 8-bit file */
} rt_tflite_options;

/* fused: what rt__graph_fuse() made, with input [?,h,w,3] in [0, 1] of input_shape and output [?,n]; appends
 * the file to *file.  The input tensor is "input", the output "output", batch 1. RT_EUNSUPPORTED names node
 * and op */
rt_code rt__tflite_write(const rt_graph *fused, rt_edge input, rt_edge output, const rt_shape *input_shape,
                         const rt_tflite_options *options, rt_buffer *file, rt_error *err);

#endif
