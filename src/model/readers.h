/* Who reads what: the edges of a graph turned round. */
#ifndef RT_MODEL_READERS_H
#define RT_MODEL_READERS_H

#include "graph/graph.h"

/* The nodes that read node i with a data input are nodes[first[i]] to before nodes[first[i + 1]], one entry
 * an edge. */
typedef struct rt_readers {
    uint32_t *first; /* [graph's nodes + 1] */
    uint32_t *nodes;
} rt_readers;

/* Owned by the caller, also after RT_ENOMEM. */
rt_code rt__readers_find(const rt_graph *graph, rt_readers *readers, rt_error *err);
void rt__readers_clear(rt_readers *readers);

#endif
