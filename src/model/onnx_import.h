/* An ONNX graph on its way to TensorFlow's nodes: private to onnx_*.c.
 *
 * What depends on the image becomes nodes; all else (weights, shapes and the arithmetic on them) is computed
 * at once.  ONNX's images are [n,c,h,w], ours [n,h,w,c]: each value says which of the two its edge holds. */
#ifndef RT_MODEL_ONNX_IMPORT_H
#define RT_MODEL_ONNX_IMPORT_H

#include "import.h"
#include "onnx.pb-c.h"

/* TensorProto.DataType */
enum {
    RT_ONNX_FLOAT = 1,
    RT_ONNX_UINT8 = 2,
    RT_ONNX_INT8 = 3,
    RT_ONNX_INT32 = 6,
    RT_ONNX_INT64 = 7,
    RT_ONNX_BOOL = 9,
    RT_ONNX_HALF = 10,
    RT_ONNX_DOUBLE = 11
};

/* Floats (of any width in the file) or integers, aligned. */
typedef struct rt_onnx_const {
    int32_t type; /* as in the file */
    rt_shape shape;
    size_t n;
    float *floats; /* NULL for integers */
    int64_t *ints; /* NULL for floats   */
} rt_onnx_const;

/* A tensor of the file. */
typedef struct rt_onnx_value {
    const char *name;
    size_t maker;                  /* number of the node that makes it, from 1; 0: given */
    bool known;                    /* made already */
    const rt_onnx_const *constant; /* NULL: computed from the image */
    rt_edge edge;
    rt_shape shape;     /* as the file has it; a batch of 1 */
    bool channels_last; /* of rank 4: the edge holds [n,h,w,c] where the file has [n,c,h,w] */
    int64_t map[3];     /* of rank 2: flattened from [c,h,w], but the edge has its numbers in the order h,w,c;
                           else 0 */
    bool quantised;     /* integers in the file; the edge holds what they stand for */
} rt_onnx_value;

typedef struct rt_onnx_import {
    rt_import im;
    rt_arena *scratch; /* for what is gone after reading */
    const Onnx__Graph *graph;
    int64_t opset;
    rt_onnx_value *values; /* in rising order of their names */
    size_t n_values;
    size_t most_bytes; /* that constants and weights may take, in proportion to the file */
} rt_onnx_import;

/* A node being turned. */
typedef struct rt_onnx_call {
    rt_onnx_import *o;
    const Onnx__Node *node;
    const char *name;   /* of its first output */
    rt_onnx_value **in; /* NULL for one left out */
    size_t n_in;
    rt_onnx_value *out;
} rt_onnx_call;

rt_code rt__onnx_call_fail(const rt_onnx_call *call, rt_code code, const char *format, ...) RT_PRINTF(3, 4);
int64_t rt__onnx_get_int(const rt_onnx_call *call, const char *name, int64_t otherwise);
float rt__onnx_get_float(const rt_onnx_call *call, const char *name, float otherwise);
/* "" when it is not there */
const char *rt__onnx_get_text(const rt_onnx_call *call, const char *name, char *text, size_t size);
/* NULL, *n 0 when it is not there */
const int64_t *rt__onnx_get_ints(const rt_onnx_call *call, const char *name, size_t *n);
const Onnx__Attribute *rt__onnx_get(const rt_onnx_call *call, const char *name);

/* Zeroed memory of the graph for weights; NULL after a failure, RT_ELIMIT among them. */
float *rt__onnx_room(rt_onnx_call *call, size_t count);

/* Turns one node, whose inputs are known (onnx_ops table in onnx_rows.c). */
rt_code rt__onnx_turn(rt_onnx_call *call);

/* ---- constants: onnx_const.c ---- */

rt_code rt__onnx_const_read(rt_onnx_import *o, const Onnx__Tensor *tensor, const rt_onnx_const **constant);
/* A new one to be filled; NULL after a failure. */
rt_onnx_const *rt__onnx_const_new(rt_onnx_import *o, int32_t type, const rt_shape *shape);
/* The integers of input i, or of the attribute of that name, which older opsets have instead; *n 0 for
 * neither. */
rt_code rt__onnx_ints(const rt_onnx_call *call, size_t i, const char *attribute, const int64_t **ints,
                      size_t *n);
/* Input i as that many floats (0: any number). */
rt_code rt__onnx_floats(const rt_onnx_call *call, size_t i, size_t wanted, const float **floats);
/* Computes a node of constants only, or one that asks for a shape. */
rt_code rt__onnx_fold(rt_onnx_call *call, bool *folded);

/* ---- layers: onnx_layers.c, onnx_shapes.c ---- */

rt_code rt__onnx_conv(rt_onnx_call *call);
rt_code rt__onnx_gemm(rt_onnx_call *call);
rt_code rt__onnx_matmul(rt_onnx_call *call);
rt_code rt__onnx_batch_norm(rt_onnx_call *call);
rt_code rt__onnx_max_pool(rt_onnx_call *call);
rt_code rt__onnx_average_pool(rt_onnx_call *call);
rt_code rt__onnx_global_average(rt_onnx_call *call);
rt_code rt__onnx_global_max(rt_onnx_call *call);
rt_code rt__onnx_reduce_mean(rt_onnx_call *call);
rt_code rt__onnx_flatten(rt_onnx_call *call);
rt_code rt__onnx_reshape(rt_onnx_call *call);
rt_code rt__onnx_squeeze(rt_onnx_call *call);
rt_code rt__onnx_unsqueeze(rt_onnx_call *call);
rt_code rt__onnx_transpose(rt_onnx_call *call);
rt_code rt__onnx_concat(rt_onnx_call *call);
rt_code rt__onnx_pad(rt_onnx_call *call);

#endif
