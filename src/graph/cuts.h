/* Where a network can be cut in two: tensors from which alone all that follows is computed. */
#ifndef RT_GRAPH_CUTS_H
#define RT_GRAPH_CUTS_H

#include "graph.h"

typedef struct rt_cut {
    const char *name, *op;  /* of the node; its output 0 */
    rt_shape shape;         /* for one image */
    uint64_t multiply_adds; /* of convolutions and matrix products, from the image up to here */
} rt_cut;

/* The cuts between input and output, in the order of the computation.  Of a chain that changes values one by
 * one (bias, batch norm, activation) only the end counts, and no cut stands before the first convolution.
 *   cuts  lives in arena, which also gets the names
 *   RT_EUNSUPPORTED  names a node and its op on the way that is not known */
rt_code rt__graph_cuts(rt_graph *graph, rt_edge input, rt_edge output, int32_t height, int32_t width,
                       rt_arena *arena, rt_cut **cuts, size_t *n_cuts, rt_error *err);

#endif
