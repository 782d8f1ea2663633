/* Nodes put behind a module's graph or in front of it. */
#ifndef RT_MODEL_APPEND_H
#define RT_MODEL_APPEND_H

#include "module.h"
#include "network.h"

/* Adds a node of that op, its name or one like it that nobody has; *y is its output 0. */
rt_code rt__append_op(rt_graph *graph, const char *op, const char *name, const rt_edge *inputs, uint32_t n,
                      rt_edge *y, rt_error *err);

/* Adds op(x, a constant) and the constant; *y is its output. */
rt_code rt__append_with_const(rt_graph *graph, const char *op, const char *op_name, const char *const_name,
                              rt_edge x, const rt_tensor *constant, rt_edge *y, rt_error *err);

/* The same for a vector of int32, the type of which stands in the attribute type_name; *x becomes the output.
 */
rt_code rt__append_with_ints(rt_graph *graph, const char *op, const char *op_name, const char *const_name,
                             const char *type_name, const int32_t *values, size_t count, rt_edge *x,
                             rt_error *err);

/* What rt__make_vector() appends at most. */
enum { RT_MOST_APPENDED = 2 * RT_MOST_FEATURES + 2 };

/* Makes m->feature and its size of the network's features in m->graph: what has one place only is reshaped, a
 * map is averaged over its places, several are put together.  The notice says so.
 *   features  [1 + network->n_more]
 *   RT_EUNSUPPORTED  one that is neither a vector nor a map */
rt_code rt__make_vector(rt_network *network, const rt_edge *features, rt_module *m, rt_error *err);

#endif
