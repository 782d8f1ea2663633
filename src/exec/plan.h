/* A fused graph bound to kernels: buffers assigned by lifetime, weights packed, ready to run. */
#ifndef RT_EXEC_PLAN_H
#define RT_EXEC_PLAN_H

#include "graph/graph.h"
#include "retrain/error.h"

typedef struct rt_plan rt_plan; /* immutable; threads share it */
typedef struct rt_run rt_run;   /* one thread's workspace for a plan */

/* fused: what rt__graph_fuse() made (graph/fused.h), borrowed for the call; batch is 1.
 *   RT_EUNSUPPORTED names node and op */
rt_code rt__plan_new(const rt_graph *fused, rt_edge input, rt_edge output, rt_plan **plan, rt_error *err);
/* The same without algorithms that add roundings of their own (kernel/winograd.h): nearer to TensorFlow,
 * slower. */
rt_code rt__plan_new_exact(const rt_graph *fused, rt_edge input, rt_edge output, rt_plan **plan,
                           rt_error *err);
/* The same on plain C kernels: slow, for comparison. */
rt_code rt__plan_new_reference(const rt_graph *fused, rt_edge input, rt_edge output, rt_plan **plan,
                               rt_error *err);
void rt__plan_free(rt_plan *plan);

/* Whether the input is wanted as planes [3,h,w] rather than [h,w,3]. */
bool rt__plan_wants_planar(const rt_plan *plan);
size_t rt__plan_input_size(const rt_plan *plan);  /* floats */
size_t rt__plan_output_size(const rt_plan *plan); /* floats, in TensorFlow's order */

typedef struct rt_plan_stats {
    const char *kernels;    /* name of the kernel library */
    uint32_t n_steps;       /* kernels run for a photo    */
    uint32_t n_moves;       /* of these only move memory  */
    size_t workspace_bytes; /* of each run                */
    size_t weight_bytes;    /* packed, shared by all runs */
    double flops;           /* of a photo: multiplications and additions of convolutions and products */
} rt_plan_stats;

rt_plan_stats rt__plan_stats(const rt_plan *plan);

/* The plan must outlive its runs.  One thread at a time uses a run, but not always the same. */
rt_code rt__run_new(const rt_plan *plan, rt_run **run, rt_error *err);
void rt__run_free(rt_run *run);
/* The input buffer to fill, owned by the run, aligned to 64; its content is gone after rt__run_execute(). */
float *rt__run_input(rt_run *run);
/* Runs; *output is borrowed until the next call.  Allocates nothing.  An error comes from the kernel library
 * only (RT_ENOMEM, RT_EUNSUPPORTED) and names the node. */
rt_code rt__run_execute(rt_run *run, const float **output, rt_error *err);

/* Told of each node's output right after it is made: n floats in the kernels' own order, where blocks may be
 * filled up with further values.  A node whose work was folded into another's is not seen. */
typedef void rt_run_seen(void *user, const char *node, const float *values, size_t n);
rt_code rt__run_observe(rt_run *run, rt_run_seen *seen, void *user, const float **output, rt_error *err);

#endif
