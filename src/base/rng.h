/* Seeded random numbers: the same on every machine.  Source: xoshiro256** and splitmix64, Blackman and Vigna.
 */
#ifndef RT_BASE_RNG_H
#define RT_BASE_RNG_H

#include <stdint.h>

typedef struct rt_rng {
    uint64_t state[4];
} rt_rng;

/* Streams of one seed are independent: stream 0 may draw batches, stream 1 weights, and so on. */
void rt__rng_seed(rt_rng *rng, uint64_t seed, uint64_t stream);
uint64_t rt__rng_next(rt_rng *rng);
/* Uniform in [0, bound), without bias; bound > 0. */
uint64_t rt__rng_below(rt_rng *rng, uint64_t bound);
/* Uniform in [0, 1), 53 random bits. */
double rt__rng_unit(rt_rng *rng);
/* Normal with mean 0 and deviation 1, redrawn beyond two deviations as tf.truncated_normal does. */
double rt__rng_truncated_normal(rt_rng *rng);

#endif
