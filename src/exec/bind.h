/* From a node of the fused list (graph/fused.h) to a kernel.  One table (bind.c), a family of ops a file. */
#ifndef RT_EXEC_BIND_H
#define RT_EXEC_BIND_H

#include "graph/graph.h"
#include "kernel/kernel.h"

enum { RT_BIND_CONSTANTS = 2, RT_BIND_TENSORS = 2 };

/* A node whose inputs are known. */
typedef struct rt_op {
    const rt_graph *graph;
    const rt_node *node;
    const rt_kernels *kernels;
    const rt_grid *tensors; /* the inputs that are not constants */
    uint32_t n_tensors;
    bool in_order;                   /* the network rounds (FakeQuant): sums must round as TensorFlow's do */
    void *copies[RT_BIND_CONSTANTS]; /* owned by whoever made the rt_op; see rt__arg_constant() */
} rt_op;

typedef enum rt_role {
    RT_ROLE_KERNEL, /* kernel makes out                                      */
    RT_ROLE_VIEW,   /* out is the input's floats, laid out as rows           */
    RT_ROLE_JOIN    /* out is the inputs' channels one behind the other      */
} rt_role;

typedef struct rt_bound {
    rt_role role;
    rt_kernel *kernel; /* owned by the receiver; NULL for the other roles */
    rt_kernel *after;  /* likewise: run in place on kernel's result, or NULL */
    rt_grid out;
    bool accumulates; /* the last tensor must be in dst before kernel runs, and is no source of it */
    double flops;
} rt_bound;

typedef rt_code rt_bind_function(rt_op *op, rt_bound *bound, rt_error *err);

/* A node's inputs are: a tensor, n_constants constants, further tensors. */
typedef struct rt_bind_row {
    const char *op;
    uint32_t n_constants, min_tensors, max_tensors;
    rt_bind_function *bind;
} rt_bind_row;

const rt_bind_row *rt__bind_find(const char *op); /* NULL if there is none */
/* Input of node that is its tensor i. */
rt_edge rt__bind_tensor(const rt_bind_row *row, const rt_node *node, uint32_t i);

rt_bind_function rt__bind_conv, rt__bind_depthwise, rt__bind_matmul;
/* All of bound but its kernel; spec borrows from op. */
rt_code rt__bind_conv_spec(rt_op *op, rt_conv_spec *spec, rt_bound *bound, rt_error *err);
rt_code rt__bind_depthwise_spec(rt_op *op, rt_conv_spec *spec, rt_bound *bound, rt_error *err);
rt_code rt__bind_affine_spec(rt_op *op, rt_affine_spec *spec, rt_bound *bound, rt_error *err);
rt_bind_function rt__bind_pool, rt__bind_global_average, rt__bind_pad;
rt_bind_function rt__bind_add, rt__bind_affine, rt__bind_fake_quant, rt__bind_activation, rt__bind_softmax;
rt_bind_function rt__bind_mul;
rt_bind_function rt__bind_concat, rt__bind_reshape;

/* ---- for the bind functions ---- */

/* Constant i as floats of exactly that shape; borrowed while op lives. */
rt_code rt__arg_constant(rt_op *op, uint32_t i, int rank, const int64_t *dim, const float **floats,
                         rt_error *err);
/* The shape of constant i; RT_EUNSUPPORTED if it is not a constant of floats of that rank. */
rt_code rt__arg_constant_shape(const rt_op *op, uint32_t i, int rank, rt_shape *shape, rt_error *err);

/* n integers in [low, 2^16]; each is `absent` when the node has no such attribute. */
rt_code rt__arg_integers(const rt_op *op, const char *name, size_t n, int32_t low, int32_t absent,
                         int32_t *out, rt_error *err);
rt_code rt__arg_float(const rt_op *op, const char *name, float *out, rt_error *err);
/* "" when absent. */
rt_code rt__arg_string(const rt_op *op, const char *name, rt_string *out, rt_error *err);
rt_code rt__arg_activation(const rt_op *op, rt_activation *out, rt_error *err);
/* strides, dilations and pads; size is set by the caller before.  Checks that it fits into grid. */
rt_code rt__arg_window(const rt_op *op, const rt_grid *grid, rt_window *window, rt_error *err);
/* h * w * c floats at most 2^31; dimensions are positive. */
rt_code rt__grid_new(int64_t h, int64_t w, int64_t c, rt_grid *grid, rt_error *err);

#endif
