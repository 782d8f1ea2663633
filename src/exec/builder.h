/* A plan being made.  Nodes are taken in the graph's order; a node's index is its time. */
#ifndef RT_EXEC_BUILDER_H
#define RT_EXEC_BUILDER_H

#include "bind.h"
#include "plan_state.h"

typedef struct rt_builder {
    rt_plan *plan;
    const rt_graph *graph;
    rt_edge input, output;
    uint32_t *value;     /* by node; RT_NO_VALUE if it is not needed or not made yet */
    uint32_t *last_use;  /* by node: the last one that reads it */
    uint32_t *n_readers; /* by node: how many times it is read */
    bool *is_needed;     /* by node */
    bool in_order;       /* as in rt_op */
} rt_builder;

/* Tensors among the node's inputs. */
rt_code rt__count_tensors(const rt_bind_row *row, const rt_node *node, uint32_t *n, rt_error *err);
/* Makes bound's kernel the step of node `now`.  Takes its kernels over, also when it fails. */
rt_code rt__add_kernel(rt_builder *b, uint32_t now, const rt_bound *bound, const uint32_t *inputs,
                       uint32_t n_inputs, rt_error *err);

/* ---- chain.c ---- */

/* Makes one step of node `first` and those behind it up to *last, where there is a kernel that is faster than
 * theirs one by one; *last stays as it is otherwise.  What lies between has no value then. */
rt_code rt__add_chain(rt_builder *b, uint32_t first, uint32_t *last, rt_error *err);

#endif
