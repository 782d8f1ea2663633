/* TensorFlow's TensorProto and TensorShapeProto -> rt_tensor and rt_shape. */
#ifndef RT_MODEL_TENSOR_PROTO_H
#define RT_MODEL_TENSOR_PROTO_H

#include "graph/graph.h"

struct Tf__TensorProto;
struct Tf__TensorShapeProto;

/* Memory for what a file writes short: "one value fills the shape" may turn ten bytes into a gigabyte. */
typedef struct rt_expansion {
    rt_arena *arena;
    size_t left; /* bytes that may still be taken */
} rt_expansion;

#define RT_EXPANSION_BYTES ((size_t)1 << 30) /* for one file */

/* *fits: false for a shape of more than RT_MAX_RANK dimensions, which is legal but not held.
 * RT_EFORMAT for a dimension below -1. */
rt_code rt__shape_read(const struct Tf__TensorShapeProto *message, rt_shape *shape, bool *fits,
                       rt_error *err);

/* The tensor borrows the message's bytes where it can.  *fits: false for what an rt_tensor does not hold
 * (resources, variants, more than RT_MAX_RANK dimensions, strings in tensor_content).
 *   RT_EFORMAT  size of the content does not match shape and type
 *   RT_ELIMIT   expansion->left is used up
 * Source: Tensor::FromProto() in TensorFlow's tensor.cc: values may be fewer than the shape wants, then the
 * last one goes on; none means zeros. */
rt_code rt__tensor_read(const struct Tf__TensorProto *message, rt_expansion *expansion, rt_tensor *tensor,
                        bool *fits, rt_error *err);

/* The values of a message for a tensor whose dtype and shape are set from elsewhere: exactly as many as the
 * shape wants, in the field of that type.  RT_EFORMAT for another number, RT_EUNSUPPORTED for a type without
 * a size. */
rt_code rt__tensor_fill(const struct Tf__TensorProto *message, rt_arena *arena, rt_tensor *tensor,
                        rt_error *err);

#endif
