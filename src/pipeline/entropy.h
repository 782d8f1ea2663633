/* Which range 8 bits should cover: wide enough for what matters, narrow enough for fine steps.
 *
 * Of all ranges that end at a bin of a histogram of magnitudes, the one whose 128 steps keep most of the
 * distribution, by Kullback-Leibler divergence: values beyond it become its end.
 * Source: S. Migacz, 8-bit inference with TensorRT, GTC 2017. */
#ifndef RT_PIPELINE_ENTROPY_H
#define RT_PIPELINE_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

enum { RT_ENTROPY_BINS = 2048, RT_ENTROPY_LEVELS = 128 };

/* How many of the bins, from the first on, the range takes: RT_ENTROPY_LEVELS .. RT_ENTROPY_BINS.  Bin 0 does
 * not count: zero has no error in any range. */
size_t rt__entropy_bins(const uint64_t histogram[RT_ENTROPY_BINS]);

#endif
