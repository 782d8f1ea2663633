/* An ONNX graph under construction: private to onnx*.c. */
#ifndef RT_EXPORT_ONNX_MODEL_H
#define RT_EXPORT_ONNX_MODEL_H

#include "onnx.h"
#include "onnx.pb-c.h"
#include "shapes.h"

typedef struct rt_onnx_build {
    rt_arena *arena; /* all messages and their parts */
    const rt_graph *graph;
    const rt_onnx_options *options;
    rt_edge input;
    int opset;
    rt_value *values;    /* type and shape of each node */
    const char **names;  /* the ONNX tensor of each node, once it is emitted */
    bool *is_map;        /* whether that tensor is [n,c,1,1] though the node is a vector */
    bool affine_pending; /* the options' affine goes into the first rt.Affine instead of a node of its own */
    size_t n_fake_quant, n_refused;
    Onnx__Node **nodes;
    uint32_t *sources; /* the node of graph that each came from */
    uint32_t emitting; /* the one at work */
    Onnx__Tensor **tensors;
    size_t n_nodes, n_tensors, max_nodes, max_tensors;
    rt_error *err;
    rt_code code; /* of the first failed call: the building calls do nothing after it */
} rt_onnx_build;

/* The building calls return NULL after a failure, which stands in build->code. */
Onnx__Node *rt__onnx_node(rt_onnx_build *build, const char *op, const char *name, const char *const *inputs,
                          size_t n_inputs);
void rt__onnx_attr_ints(rt_onnx_build *build, Onnx__Node *node, const char *name, const int64_t *values,
                        size_t n);
void rt__onnx_attr_int(rt_onnx_build *build, Onnx__Node *node, const char *name, int64_t value);
void rt__onnx_attr_float(rt_onnx_build *build, Onnx__Node *node, const char *name, float value);
/* An initializer "name" + suffix; data of n floats is taken over from the arena, or made there for the caller
 * to fill when data is NULL.  Returns the tensor's name. */
const char *rt__onnx_tensor(rt_onnx_build *build, const char *name, const char *suffix, const int64_t *dims,
                            size_t n_dims, float **data);
const char *rt__onnx_name(rt_onnx_build *build, const char *name, const char *suffix);
void rt__onnx_fail(rt_onnx_build *build, rt_code code);

/* Emits one node of the fused list (onnx_ops.c). */
rt_code rt__onnx_emit(rt_onnx_build *build, uint32_t node);
/* Zeros before max pools (onnx_pad.c): whether the pools can say them, and what a pool then pads. */
bool rt__onnx_pad_joins(const rt_onnx_build *build, uint32_t pad);
rt_code rt__onnx_pool_pads(const rt_onnx_build *build, uint32_t pool, int64_t pads[4]);
/* x * scale + shift per channel as a BatchNormalization; scale and shift hold n floats. */
const char *rt__onnx_affine(rt_onnx_build *build, const char *name, const char *x, const float *scale,
                            const float *shift, size_t n);

#endif
