/* Builds small graphs for tests. */
#ifndef TESTS_SUPPORT_NET_H
#define TESTS_SUPPORT_NET_H

#include "base/rng.h"
#include "graph/graph.h"

typedef struct net {
    rt_graph *graph; /* owned */
    rt_edge input;   /* a Placeholder, float [?,h,w,3] */
    rt_rng rng;
    int named; /* nodes so far: "n0", "n1", ... */
} net;

/* height 0: a Placeholder without a shape. */
void net_init(net *n, uint64_t seed, int64_t height, int64_t width);
void net_clear(net *n);

double net_random(net *n, double low, double high);
int net_pick(net *n, int choices); /* 0 .. choices - 1 */

/* Constants: floats drawn from [low, high); integers as listed. */
rt_edge net_floats(net *n, int rank, const int64_t *dims, double low, double high);
rt_edge net_number(net *n, float value);
rt_edge net_ints(net *n, size_t count, const int32_t *ints);
/* A node with these inputs, which end at an edge with output < 0. */
rt_edge net_op(net *n, const char *op, const rt_edge *inputs);
#define NET_END ((rt_edge){0, -9})

void net_set_string(net *n, rt_edge node, const char *name, const char *text);
void net_set_int(net *n, rt_edge node, const char *name, int64_t value);
void net_set_float(net *n, rt_edge node, const char *name, float value);
void net_set_bool(net *n, rt_edge node, const char *name, bool value);
void net_set_type(net *n, rt_edge node, const char *name, rt_dtype value);
void net_set_ints(net *n, rt_edge node, const char *name, size_t count, const int64_t *ints);
void net_set_shape(net *n, rt_edge node, const char *name, const rt_shape *shape);

/* ---- layers with random weights ---- */

rt_edge net_conv(net *n, rt_edge x, int64_t in, int64_t out, int64_t k, int64_t stride, const char *padding);
/* op: FusedBatchNorm, ...V2, ...V3 */
rt_edge net_norm(net *n, const char *op, rt_edge x, int64_t c);
/* As tf.nn.batch_normalization spells it: x * (gamma * rsqrt(variance + epsilon)) + (beta - mean * that). */
rt_edge net_spelled_norm(net *n, rt_edge x, int64_t c);
/* As an older Keras spells it: (x - mean) / deviation + beta, the vectors as [1,1,1,c]. */
rt_edge net_keras_norm(net *n, rt_edge x, int64_t c);
/* Over height and width. */
rt_edge net_mean(net *n, rt_edge x);

#endif
