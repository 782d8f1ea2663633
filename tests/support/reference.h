/* Runs graphs as plainly as can be, in double: TensorFlow's ops and those of graph/fused.h.  It shares no
 * code with the library beyond reading nodes, so that it can tell whether a rewritten graph still means the
 * same. */
#ifndef TESTS_SUPPORT_REFERENCE_H
#define TESTS_SUPPORT_REFERENCE_H

#include "graph/graph.h"

typedef struct ref_value {
    rt_shape shape;
    size_t count;
    double *data; /* owned; row-major */
} ref_value;

/* A zeroed value.  Ends the program when memory is out. */
ref_value ref_new(const rt_shape *shape);
void ref_free(ref_value *value);

/* Feeds `fed` to input and computes output; graph is in topological order.  Ends the test that runs with a
 * message for an op it does not know. */
ref_value ref_run(const rt_graph *graph, rt_edge input, const ref_value *fed, rt_edge output);

/* The largest difference, as a part of the largest magnitude in expected. */
double ref_difference(const ref_value *expected, const ref_value *got);

/* ---- between reference.c and its families of ops ---- */

typedef struct ref_node {
    const rt_node *node;
    const ref_value *in[16];
} ref_node;

typedef struct ref_op {
    const char *name;
    ref_value (*run)(const ref_node *n);
} ref_op;

extern const ref_op ref_image_ops[], ref_fused_ops[]; /* ended by a NULL name */

int64_t ref_int(const ref_node *n, const char *attr, int64_t otherwise);
double ref_float(const ref_node *n, const char *attr, double otherwise);
const char *ref_string(const ref_node *n, const char *attr, const char *otherwise);
/* Element i of a list of integers. */
int64_t ref_at(const ref_node *n, const char *attr, size_t i, int64_t otherwise);
double ref_activate(const char *activation, double alpha, double x);

/* A convolution or pool over [n,h,w,c]. */
typedef struct ref_window {
    int64_t kernel[2], stride[2], dilation[2], before[2], after[2];
} ref_window;
ref_value ref_conv(const ref_value *x, const ref_value *filter, const ref_window *w, bool depthwise);
ref_value ref_pool(const ref_value *x, const ref_window *w, bool max);
ref_value ref_matmul(const ref_value *a, const ref_value *b, bool transpose_b);
ref_value ref_softmax(const ref_value *x);
/* [n,c,h,w] to [n,h,w,c], or back. */
ref_value ref_channels_last(const ref_value *x);
ref_value ref_channels_first(const ref_value *x);

#endif
