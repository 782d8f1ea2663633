#include "retrain/head.h"

#include "base/checked.h"
#include "base/rng.h"
#include "streams.h"

#include <stdlib.h>

rt_code rt_head_init(rt_head *head, size_t n_features, size_t n_classes, uint64_t seed, rt_error *err)
{
    size_t count, bytes;
    float *weights, *biases;
    rt_rng rng;
    if (n_features == 0 || n_classes == 0)
        return rt_fail(err, RT_EARG, "a head of %zu features and %zu classes", n_features, n_classes);
    if (!rt_mul(&count, n_features, n_classes) || !rt_mul(&bytes, count, sizeof *weights))
        return rt_fail(err, RT_ELIMIT, "%zu features times %zu classes overflow", n_features, n_classes);
    weights = malloc(bytes);
    biases = calloc(n_classes, sizeof *biases);
    if (weights == NULL || biases == NULL) {
        free(weights);
        free(biases);
        return rt_fail(err, RT_ENOMEM, "no memory for %zu weights", count);
    }
    rt__rng_seed(&rng, seed, RT_STREAM_WEIGHTS);
    for (size_t i = 0; i < count; i++)
        weights[i] = (float)(0.001 * rt__rng_truncated_normal(&rng));
    *head = (rt_head){n_features, n_classes, weights, biases};
    return RT_OK;
}

void rt_head_clear(rt_head *head)
{
    free(head->weights);
    free(head->biases);
    *head = (rt_head){0};
}
