/* Types and shapes of a folded graph's nodes. */
#ifndef RT_EXPORT_SHAPES_H
#define RT_EXPORT_SHAPES_H

#include "graph/ops.h"

/* values: one for each node of fused, which is in topological order; input_shape is the input's, fully known.
 */
rt_code rt__fused_shapes(const rt_graph *fused, rt_edge input, const rt_shape *input_shape, rt_value *values,
                         rt_error *err);

/* Whether pads (top, bottom, left, right) are those of TensorFlow's SAME for a window over in [n,h,w,c]. */
bool rt__pads_same(const rt_shape *in, const int64_t kernel[2], const int64_t strides[2],
                   const int64_t dilations[2], const int64_t pads[4]);

#endif
