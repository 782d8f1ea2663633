/* A TensorFlow 1.x graph under construction: private to tf1*.c. */
#ifndef RT_EXPORT_TF1_MODEL_H
#define RT_EXPORT_TF1_MODEL_H

#include "graph/graph_builder.h"
#include "graph/ops.h"
#include "tf1.h"

typedef struct rt_tf1_build {
    rt_graph_builder b; /* the graph that is made; b.code is that of the first failed call */
    const rt_graph *fused;
    const rt_tf1_options *options;
    rt_value *values; /* type and shape of each node of fused */
    rt_edge *made;    /* where each node of fused comes out */
    bool *is_map;     /* whether that is [n,1,1,c] though the node is a vector */
    size_t n_clipped;
} rt_tf1_build;

/* Emits one node of the fused list (tf1_ops.c). */
rt_code rt__tf1_emit(rt_tf1_build *build, uint32_t node);

#endif
