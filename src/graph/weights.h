/* Scaling the weights of rt.Conv, rt.Depthwise and rt.MatMul.  Private to graph/. */
#ifndef RT_GRAPH_WEIGHTS_H
#define RT_GRAPH_WEIGHTS_H

#include "rewrite.h"

/* The elements of a constant vector of doubles (rt__rewrite_vector), at input `input` of node. */
const double *rt__vector_of(const rt_rewrite *rewrite, uint32_t node, uint32_t input, size_t *count);
/* rt.Conv, rt.Depthwise or rt.MatMul. */
bool rt__has_weights(const rt_node *node);
/* output channel o of node becomes old * scale[o] + shift[o]. */
rt_code rt__weights_postscale(rt_rewrite *rewrite, uint32_t node, const double *scale, const double *shift,
                              rt_error *err);
/* Makes node take x where it took x * scale[i] + shift[i] for input channel i.  Where shift is not 0 the node
 * must not pad. */
rt_code rt__weights_prescale(rt_rewrite *rewrite, uint32_t node, const double *scale, const double *shift,
                             rt_error *err);

#endif
