/* A TensorFlow Lite graph on its way to TensorFlow's nodes: private to tflite_*.c of this folder.
 *
 * 8-bit tensors become floats that hold what the integers stand for; behind each operator whose result is
 * rounded stands a FakeQuantWithMinMaxVars with the steps of its tensor.  So a result may differ from an
 * interpreter's by a step where that rounds in integers. */
#ifndef RT_MODEL_TFLITE_IMPORT_H
#define RT_MODEL_TFLITE_IMPORT_H

#include "flat.h"
#include "import.h"

/* TensorType of schema.fbs */
enum {
    RT_TFLR_FLOAT32 = 0,
    RT_TFLR_FLOAT16 = 1,
    RT_TFLR_INT32 = 2,
    RT_TFLR_UINT8 = 3,
    RT_TFLR_INT64 = 4,
    RT_TFLR_INT8 = 9
};

typedef struct rt_tfl_value {
    const char *name;
    uint8_t type;
    rt_shape shape;      /* as the file has it, of constants; of what was computed, with a batch of 1 */
    rt_flat_vector data; /* constants: their bytes */
    rt_flat_vector scales, zeros;
    int axis;            /* of scales, where there are several */
    const int64_t *ints; /* computed from shapes: shape.dim[0] of them */
    size_t maker;        /* number of the operator that makes it, from 1; 0: given */
    bool constant, known;
    rt_edge edge;
} rt_tfl_value;

typedef struct rt_tfl_import {
    rt_import im;
    rt_arena *scratch; /* for what is gone after reading */
    rt_flat *flat;
    rt_flat_table subgraph;
    rt_flat_vector operators;
    const int32_t *codes; /* of each opcode_index */
    size_t n_codes;
    rt_tfl_value *values;
    size_t n_values;
    size_t most_bytes; /* that weights may take, in proportion to the file */
} rt_tfl_import;

typedef struct rt_tfl_call {
    rt_tfl_import *t;
    rt_flat_table options;
    const char *op;    /* for messages */
    const char *name;  /* of its output */
    rt_tfl_value **in; /* NULL for one left out */
    size_t n_in;
    rt_tfl_value *out;
} rt_tfl_call;

rt_code rt__tfl_call_fail(const rt_tfl_call *call, rt_code code, const char *format, ...) RT_PRINTF(3, 4);

/* Whether a tensor's numbers are steps of 8 bits, and the least and the greatest of them. */
bool rt__tfl_range(const rt_tfl_value *value, float *low, float *high);

/* Turns operator `code`, whose inputs are known (tflite_rows.c). */
rt_code rt__tfl_turn(rt_tfl_call *call, int32_t code);

/* ---- constants: tflite_const.c ---- */

/* Input i as that many floats in the graph's arena (0: any number; *n tells). */
rt_code rt__tfl_floats(const rt_tfl_call *call, size_t i, size_t wanted, float **floats, size_t *n);
/* Input i as integers; *n 0 when it was left out. */
rt_code rt__tfl_ints(const rt_tfl_call *call, size_t i, const int64_t **ints, size_t *n);
/* Computes SHAPE, STRIDED_SLICE, PACK and the like of shapes, and DEQUANTIZE of weights. */
rt_code rt__tfl_fold(rt_tfl_call *call, int32_t code, bool *folded);

/* ---- tflite_layers.c ---- */

/* What stands behind the operator's own arithmetic: the fused activation, then the steps of its output.
 * inner: its name is to be taken by the last of these, if there is one. */
const char *rt__tfl_inner(const rt_tfl_call *call, uint8_t activation);
rt_code rt__tfl_finish(rt_tfl_call *call, rt_edge y, const rt_shape *shape, uint8_t activation);
/* The same for operators that only move numbers, which are rounded only where in and out have other steps. */
rt_code rt__tfl_finish_moved(rt_tfl_call *call, rt_edge y, const rt_shape *shape);

rt_code rt__tfl_conv(rt_tfl_call *call);
rt_code rt__tfl_depthwise(rt_tfl_call *call);
rt_code rt__tfl_fully_connected(rt_tfl_call *call);
rt_code rt__tfl_average_pool(rt_tfl_call *call);
rt_code rt__tfl_max_pool(rt_tfl_call *call);

/* ---- what the file says of itself: tflite_facts.c ---- */

/* A float input's normalisation, (pixel - mean) / std of pixels in 0 .. 255; false when nothing is said. */
bool rt__tfl_normalization(const rt_flat_table *model, rt_flat_vector *means, rt_flat_vector *stds);
/* The file of labels in the archive behind the model, lines as they are; false when there is none. */
bool rt__tfl_labels(const void *bytes, size_t size, const uint8_t **labels, size_t *n);

#endif
