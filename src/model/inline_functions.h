/* Puts the functions that a graph calls in the place of the calls, as TensorFlow 2's models need it. */
#ifndef RT_MODEL_INLINE_FUNCTIONS_H
#define RT_MODEL_INLINE_FUNCTIONS_H

#include "functions.h"

/* Whether a node calls a function (PartitionedCall, StatefulPartitionedCall, or the function's own name as
 * op); a node that chooses between functions or repeats one (If, Case, While) does not.  *name is borrowed
 * from the node. */
bool rt__calls_function(const rt_functions *functions, const rt_node *node, const char **name);

/* Inlines all calls that outputs need, and those inside what is inlined.  A function's nodes are named
 * CALL/NODE as TensorFlow's own inliner does; the call stays as an Identity (IdentityN) of the results.  What
 * read a call, or an IdentityN of the file, reads the result itself afterwards.
 *   RT_ENOTFOUND, RT_EFORMAT  a function that is not there; a wrong number of arguments or results
 *   RT_EUNSUPPORTED           a function that calls itself
 *   RT_ELIMIT                 calls nested deeper than 100, more than 1,000,000 nodes or 256 MiB of names */
rt_code rt__inline_functions(rt_graph *graph, rt_functions *functions, const rt_edge *outputs,
                             size_t n_outputs, rt_error *err);

/* The same for all calls of a graph that says nothing of its outputs; library: a FunctionDefLibrary. */
rt_code rt__inline_library(rt_graph *graph, rt_string library, rt_error *err);

/* The tensor behind an edge, looked through IdentityN. */
rt_edge rt__edge_behind(const rt_graph *graph, rt_edge edge);

#endif
