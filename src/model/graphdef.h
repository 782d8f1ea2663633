/* TensorFlow's GraphDef -> rt_graph. */
#ifndef RT_MODEL_GRAPHDEF_H
#define RT_MODEL_GRAPHDEF_H

#include "graph/graph.h"

struct Tf__GraphDef;
struct Tf__NodeDef;
struct rt_expansion;

/* What a GraphDef holds beside its nodes. */
typedef struct rt_graphdef {
    rt_graph *graph;                /* owned: rt__graph_free() */
    int32_t producer, min_consumer; /* version of TensorFlow's graph format */
    rt_string library; /* a FunctionDefLibrary message, "" without functions; lives in the graph */
} rt_graphdef;

/* Reads the bytes of a GraphDef; nothing of them is needed afterwards.
 *   RT_EFORMAT  err->offset says where in bytes; or err->cause names the node: a name used twice, an input
 * that does not exist, a tensor of the wrong size RT_ELIMIT, RT_ENOMEM Source: graph.proto, node_def.proto.
 */
rt_code rt__graphdef_read(const void *bytes, size_t size, rt_graphdef *def, rt_error *err);

/* The same, but large tensors point into bytes, which must live as long as the graph. */
rt_code rt__graphdef_borrow(const void *bytes, size_t size, rt_graphdef *def, rt_error *err);

/* The same for a message unpacked into graph's arena, where graph is still empty. */
rt_code rt__graphdef_fill(rt_graph *graph, struct Tf__GraphDef *message, rt_graphdef *def, rt_error *err);

/* Adds one node with its attributes and no inputs; graph borrows the message and the expansion's arena.
 *   RT_EFORMAT  no name or op, a name used twice */
rt_code rt__graphdef_add(rt_graph *graph, const struct Tf__NodeDef *def, struct rt_expansion *expansion,
                         uint32_t *index, rt_error *err);

#endif
