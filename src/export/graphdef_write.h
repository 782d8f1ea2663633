/* rt_graph -> TensorFlow's GraphDef. */
#ifndef RT_EXPORT_GRAPHDEF_WRITE_H
#define RT_EXPORT_GRAPHDEF_WRITE_H

#include "base/buffer.h"
#include "graph/graph.h"

struct Tf__GraphDef;

/* Version of the graph format that TensorFlow 1.0 wrote: every reader since then takes it. */
enum { RT_GRAPH_PRODUCER = 21 };

/* The message borrows the graph's bytes; what it needs besides comes from arena.  For those who put a graph
 * into a larger message. */
rt_code rt__graphdef_message(const rt_graph *graph, int32_t producer, rt_arena *arena,
                             struct Tf__GraphDef **message, rt_error *err);

/* Appends the graph as a GraphDef: names, ops, devices, inputs, attributes as they are, in the graph's order.
 */
rt_code rt__graphdef_write(const rt_graph *graph, int32_t producer, rt_buffer *bytes, rt_error *err);

#endif
