/* Draws photos as retrain.py does: a class first, each with the same chance, then a photo of it, with
 * replacement.  So every class is seen equally often, however many photos it has.
 * A class without photos in the set is never drawn (retrain.py ends the run there).
 * Source: get_random_cached_bottlenecks() in hub's retrain.py. */
#ifndef RT_HEAD_SAMPLER_H
#define RT_HEAD_SAMPLER_H

#include "base/rng.h"
#include "retrain/head.h"

/* The photos of one set; all memory is its own. */
typedef struct rt_sampler {
    uint32_t *rows, *labels; /* every photo once, class by class, in a class as they were given */
    size_t n;
    size_t *first;   /* [n_filled + 1]: where in rows each class that has photos begins */
    size_t n_filled; /* classes that have photos */
} rt_sampler;

/* rows[i] is a row of the matrix of vectors, labels[i] its class; n may be 0.  Borrowed for the call.
 *   RT_EARG  a label that is no class        RT_ELIMIT, RT_ENOMEM */
rt_code rt__sampler_init(rt_sampler *sampler, const uint32_t *rows, const uint32_t *labels, size_t n,
                         size_t n_classes, rt_error *err);
void rt__sampler_clear(rt_sampler *sampler);

/* n photos; none when the set has none.  Returns how many were drawn. */
size_t rt__sampler_draw(const rt_sampler *sampler, rt_rng *rng, size_t n, uint32_t *rows, uint32_t *labels);

#endif
