/* Adding nodes to a graph one behind the other: after the first failure nothing more is added, and one look
 * at code at the end is enough. */
#ifndef RT_GRAPH_GRAPH_BUILDER_H
#define RT_GRAPH_GRAPH_BUILDER_H

#include "graph.h"

typedef struct rt_graph_builder {
    rt_graph *graph;
    rt_error *err;
    rt_code code;
} rt_graph_builder;

/* "scope/name" in the graph's arena; NULL after a failure. */
const char *rt__builder_name(rt_graph_builder *b, const char *scope, const char *name);
/* A node without attributes; its number, 0 after a failure.  name, op: borrowed for as long as the graph
 * lives. */
uint32_t rt__builder_node(rt_graph_builder *b, const char *name, const char *op, const rt_edge *inputs,
                          size_t n_inputs);
void rt__builder_controls(rt_graph_builder *b, uint32_t node, const rt_edge *inputs, size_t n_inputs,
                          const rt_edge *controls, size_t n_controls);
uint32_t rt__builder_const(rt_graph_builder *b, const char *name, const rt_tensor *tensor);
/* What is in arrays of attributes is borrowed for as long as the graph lives. */
void rt__builder_attr(rt_graph_builder *b, uint32_t node, const rt_attr *attr);
void rt__builder_type(rt_graph_builder *b, uint32_t node, const char *name, rt_dtype type);
void rt__builder_bool(rt_graph_builder *b, uint32_t node, const char *name, bool value);
void rt__builder_shape(rt_graph_builder *b, uint32_t node, const char *name, const rt_shape *shape);
void rt__builder_text(rt_graph_builder *b, uint32_t node, const char *name, const char *text);
/* Memory of the graph's arena; NULL after a failure. */
void *rt__builder_array(rt_graph_builder *b, size_t count, size_t size);

#endif
