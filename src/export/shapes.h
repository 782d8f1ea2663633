/* Types and shapes of a folded graph's nodes. */
#ifndef RT_EXPORT_SHAPES_H
#define RT_EXPORT_SHAPES_H

#include "graph/ops.h"

/* values: one for each node of fused, which is in topological order; input_shape is the input's, fully known.
 */
rt_code rt__fused_shapes(const rt_graph *fused, rt_edge input, const rt_shape *input_shape, rt_value *values,
                         rt_error *err);

#endif
