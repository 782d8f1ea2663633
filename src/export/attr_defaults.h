/* Attributes that TensorFlow writes out even at their defaults, and hub modules leave out. */
#ifndef RT_EXPORT_ATTR_DEFAULTS_H
#define RT_EXPORT_ATTR_DEFAULTS_H

#include "graph/graph.h"

/* Adds to a node what its op has had since TensorFlow 1.4 (later ones would keep older readers from taking
 * the graph); what is there stays. Source: TensorFlow's op registry. */
rt_code rt__attr_add_defaults(rt_graph *graph, uint32_t node, rt_error *err);

#endif
