/* TensorFlow's fake quantisation.  Source: core/kernels/fake_quant_ops_functor.h, as written down by
 * quantize.c and checked against recorded values. */
#ifndef RT_GRAPH_QUANTIZE_H
#define RT_GRAPH_QUANTIZE_H

#include "retrain/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct rt_quant {
    float low, high; /* the range, nudged so that 0 is one of the steps */
    float scale;     /* the size of a step                              */
    float inverse;   /* steps from low are (x - low) * inverse / divisor: */
    float divisor;   /* 1/scale and 1, or 1 and scale, which round apart */
    float zero;      /* the step that stands for 0                       */
} rt_quant;

/* What TensorFlow can compute with: 2 .. 16 bits, and min < max or [0, 0]. */
bool rt__quant_valid(float min, float max, int64_t num_bits);
/* FakeQuantWithMinMaxVars divides; its relatives multiply by 1/scale.  A range of [0, 0]
 * gives scale 0, and every value becomes 0. */
void rt__quant_init(rt_quant *quant, float min, float max, int64_t num_bits, bool narrow_range, bool divides);
float rt__quant_apply(const rt_quant *quant, float x);

#endif
