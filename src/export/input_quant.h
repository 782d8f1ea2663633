/* FakeQuant behind what a network does to its pixels before its first convolution: without it a converter
 * leaves those steps and that convolution in floats. */
#ifndef RT_EXPORT_INPUT_QUANT_H
#define RT_EXPORT_INPUT_QUANT_H

#include "graph/graph.h"

/* Follows the pixels, 0 .. 1 at node input, through Mul, Sub, Add and AddV2 with one scalar constant, and
 * puts a FakeQuantWithMinMaxVars of the exact range behind each; what else is there stays as it is. */
rt_code rt__quantise_input(rt_graph *graph, uint32_t input, rt_error *err);

#endif
