/* A small network of the fused list (graph/fused.h): affine, a 3x3 stride 2 convolution with relu6, a
 * depthwise one with multiplier 2, global average, classifier of 5, softmax.  Element i of every weight is i.
 */
#ifndef SUPPORT_FUSED_NETWORK_H
#define SUPPORT_FUSED_NETWORK_H

#include "graph/graph.h"

typedef struct network {
    rt_graph *graph;
    rt_edge input, output;
    rt_shape shape; /* of the input: [1,32,48,3] */
} network;

/* pads: of both convolutions, top, bottom, left, right.  Aborts when memory is out. */
void network_build(network *net, const int64_t pads[4]);

#endif
