/* What is known of each op: one row of one table (ops.c).
 *
 * TensorFlow's ops carry its attribute defaults, since hub modules and SavedModels strip attributes that
 * stand at them; the rt.* ops are those of fused.h.  An op that is added gets a row, a shape rule, and as far
 * as it makes sense a rule that computes it from constants (eval_*.c) and one that turns it into rt.* ops
 * (lower_*.c).
 * Source: TensorFlow's core/ops (attributes, defaults, shape functions). */
#ifndef RT_GRAPH_OPS_H
#define RT_GRAPH_OPS_H

#include "graph.h"

/* One output of a node. */
typedef struct rt_value {
    rt_dtype dtype;
    rt_shape shape; /* fully known once inferred */
} rt_value;

/* What a rule sees of a node; all of it borrowed. */
typedef struct rt_op_call {
    const rt_node *node;
    const rt_value *in;               /* [n_inputs] */
    const rt_tensor *const *constant; /* [n_inputs] NULL where the input is not constant */
    bool rounds;                      /* the network has FakeQuant: a last bit may become a whole step */
} rt_op_call;

typedef struct rt_attr_spec {
    rt_attr fallback; /* name, kind, default */
    bool required;    /* there is no default */
} rt_attr_spec;

typedef struct rt_rewrite rt_rewrite;
typedef struct rt_op rt_op;

/* *shape is the shape of each output.  Inputs are fully known; the arity is checked. */
typedef rt_code rt_shape_rule(const rt_op_call *call, rt_shape *shape, rt_error *err);
/* Fills out[0 .. n_outputs-1].data, allocated by the caller; dtype and shape are set.  All inputs are
 * constant (but for ops that read shapes only). */
typedef rt_code rt_eval_rule(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err);
/* Replaces the node by rt.* ops. */
typedef rt_code rt_lower_rule(rt_rewrite *rewrite, uint32_t node, rt_error *err);

enum { RT_ANY_INPUTS = 1000000 };

struct rt_op {
    const char *name;
    uint32_t min_inputs, max_inputs;
    const rt_attr_spec *attrs;
    size_t n_attrs;
    const char *type_attr; /* the attribute with the output's type; NULL: that of input type_input */
    uint32_t type_input;
    rt_dtype type; /* the output's when it is always the same; RT_DTYPE_NONE otherwise */
    rt_shape_rule *shape;
    rt_eval_rule *eval;     /* or NULL */
    rt_lower_rule *lower;   /* or NULL */
    bool shape_only;        /* the value depends on the shapes of the inputs alone */
    const char *count_attr; /* the attribute with the number of outputs; NULL: only output 0 may be used */
};

/* NULL for an op that is not known. */
const rt_op *rt__op_find(const char *name);
/* Rows, in rising order of names. */
const rt_op *rt__op_table(size_t *count);

/* Known op, number of inputs, attributes of the right kind: after it the accessors below cannot fail.
 *   RT_EUNSUPPORTED unknown op, RT_EFORMAT the others; both name the node */
rt_code rt__op_check(const rt_node *node, rt_error *err);
/* RT_UNSUPPORTED and friends in the words "node 'a/b' (Conv2D): ...". */
rt_code rt__node_fail(rt_error *err, rt_code code, const rt_node *node, const char *format, ...)
    RT_PRINTF(4, 5);

/* An attribute or its default; name must be in the op's row. */
const rt_attr *rt__op_attr(const rt_node *node, const char *name);
int64_t rt__op_int(const rt_node *node, const char *name);
float rt__op_float(const rt_node *node, const char *name);
bool rt__op_bool(const rt_node *node, const char *name);
rt_dtype rt__op_type(const rt_node *node, const char *name);
const char *rt__op_string(const rt_node *node, const char *name);
const int64_t *rt__op_ints(const rt_node *node, const char *name, size_t *count);

/* A window that slides over an image, for convolutions and pools. */
typedef struct rt_op_window {
    int64_t kernel[2], stride[2], dilation[2]; /* height, width           */
    int64_t pads[4];                           /* top, bottom, left, right */
    int64_t out[2];
} rt_op_window;

/* Whether the node's data_format is NCHW. */
bool rt__op_planar(const rt_node *node);
/* Reads strides, dilations, padding, explicit_paddings; kernel is [height, width]. */
rt_code rt__op_window(const rt_op_call *call, const int64_t kernel[2], rt_op_window *window, rt_error *err);
/* The kernel of a pool: its attribute ksize. */
rt_code rt__op_pool_window(const rt_op_call *call, rt_op_window *window, rt_error *err);

/* Output type and shape of a node, from its row. */
rt_code rt__op_infer(const rt_op_call *call, rt_value *value, rt_error *err);

/* An axis that may count from the end; RT_EFORMAT when it is none of rank's. */
rt_code rt__op_axis(const rt_node *node, int64_t axis, int rank, int *result, rt_error *err);
/* numpy's broadcasting. */
rt_code rt__op_broadcast(const rt_node *node, const rt_shape *a, const rt_shape *b, rt_shape *out,
                         rt_error *err);

/* ---- elements of constants (which may be unaligned) ---- */

float rt__tensor_float(const rt_tensor *tensor, size_t i);   /* RT_FLOAT only */
double rt__tensor_double(const rt_tensor *tensor, size_t i); /* float, double, half, bfloat16, integers */
int64_t rt__tensor_int(const rt_tensor *tensor, size_t i);   /* integers and bool */
size_t rt__tensor_count(const rt_tensor *tensor);
/* Writes element i of an array of integers (cut to the type's width) or bools. */
void rt__store_int(rt_dtype dtype, void *data, size_t i, int64_t value);
/* Integers of a scalar or vector constant with at most `most` elements; RT_EUNSUPPORTED when input is not
 * constant. */
rt_code rt__op_const_int(const rt_op_call *call, uint32_t input, int64_t *value,
                         rt_error *err); /* just one */
rt_code rt__op_const_ints(const rt_op_call *call, uint32_t input, int64_t *ints, size_t most, size_t *count,
                          rt_error *err);

#endif
