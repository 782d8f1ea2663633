/* The retrained graph: a network and a trained layer as the one graph that retrain.py writes, node by node.
 *
 * It carries what is needed to use it, in attributes whose names begin with "_", which TensorFlow ignores:
 *   on the Placeholder  _retrain_height, _retrain_width: int; _retrain_range: list(float), the values of the
 *                       darkest and the lightest pixel
 *   on the final op     _retrain_labels: list(string), one for each class
 * Source of the names: add_final_retrain_ops() in hub's retrain.py, hub.Module and
 * convert_variables_to_constants() under it. */
#ifndef RT_EXPORT_CLASSIFIER_H
#define RT_EXPORT_CLASSIFIER_H

#include "graph/graph.h"

/* For a network that imitates 8 bits: the trained layer does so too, as tf.contrib.quantize rewrites it,
 * and its input, without which TensorFlow Lite's converter leaves the layer in floats. */
typedef struct rt_head_ranges {
    float weights_min, weights_max;   /* min <= 0 <= max, not both 0; narrow: -127 .. 127 */
    float features_min, features_max; /* likewise, 0 .. 255; converters keep the mean before it in floats */
    float logits_min, logits_max;
} rt_head_ranges;

typedef struct rt_classifier_parts {
    rt_graph *graph;              /* a module's: frozen, pruned, in topological order */
    rt_edge input, feature;       /* its Placeholder in [0, 1]; float [?, n_features]  */
    const bool *is_variable;      /* for each node: goes under variable_scope; others under op_scope */
    int32_t height, width;        /* of the images */
    const float *weights;         /* [n_features, n_classes], row-major */
    const float *biases;          /* [n_classes] */
    const rt_head_ranges *ranges; /* NULL: the trained layer computes in floats */
    size_t n_features, n_classes;
    const char *const *labels;  /* [n_classes] UTF-8 */
    const char *variable_scope; /* "module" */
    const char *op_scope;       /* "module_apply_default" */
    const char *final_tensor;   /* "final_result" */
} rt_classifier_parts;

/* All of parts but the graph is borrowed for the call; the new graph keeps alive what parts->graph holds.
 *   graph       written on success; free with rt__graph_free()
 *   RT_EARG     final_tensor is no name TensorFlow takes, or that of another node; scopes likewise */
rt_code rt__classifier_graph(const rt_classifier_parts *parts, rt_graph **graph, rt_error *err);

#endif
