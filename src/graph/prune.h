/* The part of a graph that some tensors need. */
#ifndef RT_GRAPH_PRUNE_H
#define RT_GRAPH_PRUNE_H

#include "graph.h"

/* Derives a graph of only the nodes that outputs need through data inputs; control inputs are dropped.  The
 * order is topological, and the source's own where that is topological already (as in TensorFlow's
 * extract_sub_graph).
 *   outputs      [n_outputs] tensors of graph to keep
 *   pruned       written on success; free with rt__graph_free()
 *   new_outputs  [n_outputs] the same tensors in pruned; NULL if not wanted
 *   RT_EFORMAT   names a node on a cycle, or one whose input does not exist */
rt_code rt__graph_prune(rt_graph *graph, const rt_edge *outputs, size_t n_outputs, rt_graph **pruned,
                        rt_edge *new_outputs, rt_error *err);

/* As above, with the tensor `cut` taken as given: nothing behind it is needed.  In pruned it is output 0 of a
 * Placeholder that has the name of cut's node.  *new_cut is written even when no output needs it. */
rt_code rt__graph_prune_from(rt_graph *graph, rt_edge cut, const rt_edge *outputs, size_t n_outputs,
                             rt_graph **pruned, rt_edge *new_cut, rt_edge *new_outputs, rt_error *err);

#endif
