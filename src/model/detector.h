/* Where to cut a network that has no classifier at its end: a detector, or a backbone alone. */
#ifndef RT_MODEL_DETECTOR_H
#define RT_MODEL_DETECTOR_H

#include "graph/graph.h"

enum { RT_MOST_HEADS = 32 };

typedef struct rt_detector {
    rt_edge input;                /* the tensor that holds the pixels, before the graph scales them     */
    rt_edge feature;              /* a feature map: the one with the most channels that a head reads    */
    rt_edge shallower;            /* the next best one, or feature again                                */
    rt_edge heads[RT_MOST_HEADS]; /* [n_heads] the maps that heads read, or end the backbone     */
    size_t n_heads;
    int32_t height, width; /* of the images; 0 where the graph leaves them free                  */
    bool planar;           /* the input wants [n,3,h,w]                                          */
} rt_detector;

/* Looks at structure alone.  The backbone is what the first convolution leads to through ops that keep a
 * feature map one; heads begin where something else reads such a map.  Loops, assertions, string tables and
 * control inputs around it do not matter.
 *   RT_EUNSUPPORTED  no convolution with constant weights, or no feature map behind it */
rt_code rt__find_detector(rt_graph *graph, rt_detector *found, rt_error *err);

#endif
