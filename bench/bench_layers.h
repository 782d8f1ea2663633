/* The layers of real networks, for benchmarks. */
#ifndef BENCH_LAYERS_H
#define BENCH_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bench_conv {
    int32_t k; /* channels of the result, 0: no convolution */
    int32_t taps[2], stride;
    bool depthwise, valid, relu6; /* valid: no padding */
} bench_conv;

typedef struct bench_layer {
    const char *network, *name;
    int32_t h, w, c;
    bench_conv convs[3]; /* one after the other */
} bench_layer;

extern const bench_layer bench_layers[];
extern const size_t bench_n_layers;

#endif
