/* The folded op list: what the passes make of a frozen graph and what exec/ understands.
 *
 * It is an rt_graph in topological order with one Placeholder (float [?,h,w,3]) and only these ops.  All
 * tensors are float, NHWC ([n,h,w,c]) or matrices ([n,c]); weights, biases and ranges are Const inputs.
 *
 *   rt.Conv       x, filter [kh,kw,cin,cout], bias [cout] (, addend)
 *                 attrs strides, dilations: list(int) [h,w]; pads: list(int) [top,bottom,left,right];
 *                 activation: string.  y = activation(conv(x) + bias + addend); addend has y's shape.
 *   rt.Depthwise  x, filter [kh,kw,c,m], bias [c*m]; attrs as rt.Conv.  Output channel i*m + j.
 *   rt.MatMul     x [n,k], weights [k,m], bias [m]; attr activation
 *   rt.Pool       x; attrs kind "max" | "average", ksize [h,w], strides, pads.  Padding is never counted.
 *   rt.GlobalAverage  x [n,h,w,c] -> [n,c]
 *   rt.Concat     x0 .. xk along the last axis
 *   rt.Add        a, b of equal shape; attr activation
 *   rt.Mul        a, b of equal shape, or b [n,1,1,c] for a's [n,h,w,c]; attr activation
 *   rt.Affine     x, scale [c], shift [c]: x * scale + shift per channel; attr activation
 *   rt.FakeQuant  x; attrs low, high (nudged), inverse, divisor, zero, scale: float.
 *                 y = floor((clamp(x, low, high) - low) * inverse / divisor - zero + 0.5) * scale
 *   rt.Activation x; attr activation
 *   rt.Softmax    x [n,c]
 *   rt.Reshape    x; attr shape list(int) without the batch: same floats, other shape
 *   rt.Pad        x; attr pads
 *
 * activation: "", "relu", "relu6", "sigmoid", "tanh", "swish", "hard_swish", "leaky_relu" (attr alpha), "elu"
 * (attr alpha). */
#ifndef RT_GRAPH_FUSED_H
#define RT_GRAPH_FUSED_H

#include "graph.h"

/* Prunes graph to what output needs and rewrites it into the list above: folds constants, FakeQuant on
 * weights, batch norms (in double), biases, input scaling where padding allows it, activations, residual
 * additions.
 *   *fused, *output_edge  written on success; free with rt__graph_free()
 *   RT_EUNSUPPORTED       names node and op */
rt_code rt__graph_fuse(rt_graph *graph, rt_edge input, rt_edge output, int32_t height, int32_t width,
                       rt_graph **fused, rt_edge *fused_input, rt_edge *fused_output, rt_error *err);

/* The same, but sums stay rt.Add nodes of their own: rt.Conv has no addend.  For formats without one. */
rt_code rt__graph_fuse_plain(rt_graph *graph, rt_edge input, rt_edge output, int32_t height, int32_t width,
                             rt_graph **fused, rt_edge *fused_input, rt_edge *fused_output, rt_error *err);

/* The shape of a tensor for one image of height x width, fully known, as the source's graph has it.
 *   RT_EUNSUPPORTED  names node and op */
rt_code rt__graph_output_shape(rt_graph *graph, rt_edge input, rt_edge output, int32_t height, int32_t width,
                               rt_shape *shape, rt_error *err);

#endif
