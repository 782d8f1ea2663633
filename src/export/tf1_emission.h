/* One node of the fused list on its way into a graph of TensorFlow 1.x: private to tf1*.c.  Where a call
 * fails, build.b.code says so; what it gave is then not to be used. */
#ifndef RT_EXPORT_TF1_EMISSION_H
#define RT_EXPORT_TF1_EMISSION_H

#include "tf1_model.h"

typedef struct rt_tf1_emission {
    rt_tf1_build *t;
    const rt_node *n;
    uint32_t node; /* its index in t->fused */
} rt_tf1_emission;

rt_code rt__tf1_fail(const rt_tf1_emission *e, const char *why);

/* Where input k comes out in the new graph, and its shape. */
rt_edge rt__tf1_input(const rt_tf1_emission *e, uint32_t k);
const rt_shape *rt__tf1_shape(const rt_tf1_emission *e, uint32_t k);

/* An op `name` under "node/part", or under another name where that is taken.  part: NULL for the node's own
 * name. */
rt_edge rt__tf1_op(const rt_tf1_emission *e, const char *part, const char *name, const rt_edge *inputs,
                   size_t n);

/* An attribute of n integers, and one that is [1,h,w,1]. */
void rt__tf1_ints(const rt_tf1_emission *e, rt_edge node, const char *name, const int64_t *values, size_t n);
void rt__tf1_window(const rt_tf1_emission *e, rt_edge node, const char *name, const int64_t *hw);

rt_edge rt__tf1_int_const(const rt_tf1_emission *e, const char *part, int rank, const int64_t *dims,
                          const int32_t *values, size_t n);

/* A vector, or a scalar when all of it is the same. */
rt_edge rt__tf1_float_const(const rt_tf1_emission *e, const char *part, const float *values, size_t n);

/* A constant input as it is, in the new graph.  NULL: it is none. */
const rt_tensor *rt__tf1_weights(const rt_tf1_emission *e, uint32_t k, const char *part, rt_edge *made);

/* A copy of a constant input's n floats, which the build owns.  NULL: it is none. */
float *rt__tf1_floats(const rt_tf1_emission *e, uint32_t k, size_t *n);

/* The part that the op before the activation gets: NULL, the node's own name, when no activation follows. */
const char *rt__tf1_before(const rt_tf1_emission *e, const char *part);

/* Ends the node in x, behind which its activation comes (tf1_activations.c). */
rt_code rt__tf1_finish(const rt_tf1_emission *e, rt_edge x);

#endif
