/* What the lowering rules share.  They turn a node of TensorFlow's into rt.* ops; the last one keeps the
 * node's name.  values[] stays the shape of TensorFlow's graph; where planar[] is set, the rt.* graph's
 * tensor has the channels last all the same.  Private to graph/. */
#ifndef RT_GRAPH_LOWER_H
#define RT_GRAPH_LOWER_H

#include "op_rules.h"
#include "rewrite.h"

/* The node's call; input `data` must be a computed float tensor. */
rt_code rt__lower_begin(rt_rewrite *rewrite, uint32_t node, uint32_t data, rt_op_call *call, rt_error *err);
bool rt__lower_is_planar(const rt_rewrite *rewrite, rt_edge edge);
/* The axis of the channels of a tensor in TensorFlow's graph. */
int rt__lower_channel_axis(const rt_rewrite *rewrite, rt_edge edge);
/* The shape that TensorFlow's becomes with the channels last. */
rt_shape rt__lower_physical(const rt_shape *shape, bool planar);
/* The node becomes rt.Reshape of x to this shape (with the batch). */
rt_code rt__lower_reshape(rt_rewrite *rewrite, uint32_t node, rt_edge x, const rt_shape *shape,
                          rt_error *err);
/* The node becomes x * scale + shift; the vectors have one double a channel. */
rt_code rt__lower_affine(rt_rewrite *rewrite, uint32_t node, rt_edge x, rt_edge scale, rt_edge shift,
                         rt_error *err);
/* The node becomes the product of its two inputs, both computed. */
rt_code rt__lower_product(rt_rewrite *rewrite, uint32_t node, rt_error *err);
rt_code rt__lower_scalar(const rt_op_call *call, uint32_t input, double *value, rt_error *err);

#endif
