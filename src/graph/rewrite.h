/* A graph that is being rewritten, and the passes over it.
 *
 * A pass visits the nodes in topological order.  A visit may change its node, change nodes that only its node
 * reads, add nodes (they are not visited in this pass) and make the readers of its node read something else.
 * At the end of the pass what nobody needs any more is dropped and the order is topological again. */
#ifndef RT_GRAPH_REWRITE_H
#define RT_GRAPH_REWRITE_H

#include "ops.h"

struct rt_rewrite {
    rt_graph *graph; /* owned */
    rt_edge input, output;
    rt_value input_value;  /* of the Placeholder                  */
    bool input_planar;     /* its shape is [n,c,h,w] in the source */
    rt_value output_value; /* of output, after a pass              */
    bool rounds;           /* as in rt_op_call                     */

    /* During a pass, for the `count` nodes that were there at its start: */
    uint32_t count;
    rt_value *values;            /* each output of the node; known once the node was reached */
    uint32_t *readers;           /* edges that point to it */
    uint32_t *forward;           /* read this node instead, output by output ... */
    bool *spread;                /* ... or, for output i, output 0 of the node i further on */
    bool *planar;                /* lowering: in the source's graph its value is [n,c,h,w] */
    const rt_tensor **constants; /* [n_constants] room for the inputs of one node */
    rt_value *in;
    uint32_t room;
    uint32_t made; /* names given to new nodes so far */
    size_t folded; /* bytes of constants computed so far */
};

typedef rt_code rt_visit(rt_rewrite *rewrite, uint32_t node, rt_error *err);

/* Prunes graph to what output needs for one image of height x width; nothing is to be cleared after an error.
 */
rt_code rt__rewrite_begin(rt_rewrite *rewrite, rt_graph *graph, rt_edge input, rt_edge output, int32_t height,
                          int32_t width, rt_error *err);
/* Before a node is visited, its inputs are brought up to date, it is checked against its op's row, and type
 * and shape of its output are inferred. */
rt_code rt__rewrite_run(rt_rewrite *rewrite, rt_visit *visit, rt_error *err);
void rt__rewrite_clear(rt_rewrite *rewrite);

/* The call of a node during its visit or a later one; valid until the next call of this. */
rt_code rt__rewrite_call(rt_rewrite *rewrite, uint32_t node, rt_op_call *call, rt_error *err);
/* Type and shape of a tensor that was visited, or that is a constant. */
rt_value rt__rewrite_value(const rt_rewrite *rewrite, rt_edge edge);

/* Readers of node read `edge.node` from now on, output by output. */
void rt__rewrite_forward(rt_rewrite *rewrite, uint32_t node, uint32_t to);
/* How many edges read the node; for nodes of this pass. */
uint32_t rt__rewrite_readers(const rt_rewrite *rewrite, uint32_t node);
/* `edge` is read by one node alone and is output 0 of a node of that op: *node. */
bool rt__rewrite_sole(const rt_rewrite *rewrite, rt_edge edge, const char *op, uint32_t *node);

/* Adds a node whose name is that of `near` and a suffix nobody has. */
rt_code rt__rewrite_add(rt_rewrite *rewrite, uint32_t near, const char *op, const rt_edge *inputs, uint32_t n,
                        const rt_attr *attrs, uint32_t n_attrs, uint32_t *node, rt_error *err);
/* Makes node this op, keeping its name. */
rt_code rt__rewrite_replace(rt_rewrite *rewrite, uint32_t node, const char *op, const rt_edge *inputs,
                            uint32_t n, const rt_attr *attrs, uint32_t n_attrs, rt_error *err);
/* Replaces all attributes; the array is copied. */
rt_code rt__rewrite_set_attrs(rt_rewrite *rewrite, uint32_t node, const rt_attr *attrs, uint32_t n_attrs,
                              rt_error *err);
/* Sets one input. */
rt_code rt__rewrite_set_input(rt_rewrite *rewrite, uint32_t node, uint32_t input, rt_edge edge,
                              rt_error *err);
/* Adds a constant; *data is to be filled by the caller, count elements of dtype. */
rt_code rt__rewrite_const(rt_rewrite *rewrite, uint32_t near, rt_dtype dtype, const rt_shape *shape,
                          rt_edge *edge, void **data, rt_error *err);
/* A vector of doubles: the precision in which scales, shifts and biases are kept until the last pass. */
rt_code rt__rewrite_vector(rt_rewrite *rewrite, uint32_t near, size_t count, rt_edge *edge, double **data,
                           rt_error *err);

/* Attributes for rt__rewrite_add and _replace. */
rt_attr rt__attr_string(const char *name, const char *text);
rt_attr rt__attr_float(const char *name, float value);
/* The integers are copied into the graph's arena; NULL ints in the result when memory is out. */
rt_attr rt__attr_ints(rt_rewrite *rewrite, const char *name, const int64_t *ints, size_t count);
bool rt__attr_is(const rt_node *node, const char *name, const char *text);

/* ---- the passes, in the order of fuse.c ---- */

rt_visit rt__pass_fold;     /* what can be computed from constants becomes one */
rt_visit rt__pass_gate;     /* x * sigmoid(x) and x * relu6(x + 3) / 6 become activations */
rt_visit rt__pass_lower;    /* TensorFlow's ops become rt.* ops */
rt_visit rt__pass_reshape;  /* reshapes of reshapes, and to the same shape, go */
rt_visit rt__pass_pad;      /* zeros round a convolution's input become its own padding */
rt_visit rt__pass_affine;   /* scales and shifts behind each other, and behind a product, become part of it */
rt_visit rt__pass_prescale; /* ... and those in front of one */
rt_visit rt__pass_activation; /* activations become part of what makes their input */
rt_visit rt__pass_residual;   /* so do sums */
rt_visit rt__pass_round;      /* vectors of doubles become floats */

#endif
