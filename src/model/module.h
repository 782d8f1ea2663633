/* What an open module is inside.  Read by feature/ and pipeline/ through the const pointer. */
#ifndef RT_MODEL_MODULE_H
#define RT_MODEL_MODULE_H

#include "graph/graph.h"
#include "retrain/module.h"

struct rt_module {
    rt_module_info info;
    /* Frozen: each variable is a Const of the variable's name and each read of it an Identity; pruned to
     * what the feature needs, in topological order; dtypes and attributes as in the file.  Where the file's
     * network wants other pixels than [0, 1], a Mul and a Sub stand between the Placeholder and it. */
    rt_graph *graph;
    rt_edge input;   /* the Placeholder, float [?, height, width, 3] in [0, 1] */
    rt_edge feature; /* float [?, feature_size] */
    /* Nodes that came from variables: in retrain.py's graph they are named module/..., all others
     * module_apply_default/... */
    const bool *is_variable; /* one for each node of graph */
};

#endif
