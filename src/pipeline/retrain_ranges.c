/* Networks that imitate 8 bits (mobilenet_v1_..._quantops): the trained layer on top of them does so too.
 * Source: tf.contrib.quantize, which hub's retrain.py calls for them. */
#include "base/checked.h"
#include "graph/quantize.h"
#include "model/module.h"
#include "retrain_job.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 256, BITS = 8 };

bool rt__retrain_imitates_8_bits(const rt_retrain_job *job)
{
    const rt_graph *graph = job->module->graph;
    for (uint32_t i = 0; i < rt__graph_count(graph); i++)
        if (strncmp(rt__graph_node(graph, i)->op, "FakeQuantWithMinMaxVars", 23) == 0)
            return true;
    return false;
}

/* Widens a range, which holds 0 from the start. */
static void widen(const float *values, size_t n, float *min, float *max)
{
    for (size_t i = 0; i < n; i++) {
        *min = values[i] < *min ? values[i] : *min;
        *max = values[i] > *max ? values[i] : *max;
    }
}

static bool round_weights(const rt_head *head, rt_head_ranges *ranges, float *rounded)
{
    size_t n = head->n_features * head->n_classes;
    rt_quant quant;
    widen(head->weights, n, &ranges->weights_min, &ranges->weights_max);
    if (!rt__quant_valid(ranges->weights_min, ranges->weights_max, BITS))
        return false;
    rt__quant_init(&quant, ranges->weights_min, ranges->weights_max, BITS, true, true);
    for (size_t i = 0; i < n; i++)
        rounded[i] = rt__quant_apply(&quant, head->weights[i]);
    return true;
}

/* *rounded: a copy of head with weights of 8 bits, owned by the caller also after an error. */
static rt_code round_head(const rt_head *head, rt_head_ranges *ranges, rt_head *rounded, rt_error *err)
{
    size_t weights, bytes;
    if (!rt_mul(&weights, head->n_features, head->n_classes) || !rt_mul(&bytes, weights, sizeof(float)))
        return rt_fail(err, RT_ELIMIT, "%zu features by %zu classes are too many", head->n_features,
                       head->n_classes);
    *rounded =
        (rt_head){head->n_features, head->n_classes, malloc(bytes), malloc(head->n_classes * sizeof(float))};
    if (!rounded->weights || !rounded->biases)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    memcpy(rounded->biases, head->biases, head->n_classes * sizeof(float));
    if (!round_weights(head, ranges, rounded->weights))
        return rt_fail(err, RT_ELIMIT,
                       "the weights became too large for 8 bits: a lower --learning_rate keeps them small");
    return RT_OK;
}

typedef struct scratch {
    float *logits; /* [ROWS, n_classes] */
    float *values; /* [n_features]      */
} scratch;

/* What goes into the layer and comes out of it, for the photos of a set. */
static void measure_set(const rt_retrain_job *job, const rt_sampler *set, rt_trainer *trainer,
                        const scratch *s, rt_head_ranges *ranges)
{
    const rt_features *f = &job->features;
    const rt_vectors vectors = rt__retrain_vectors(job);
    for (size_t at = 0; at < set->n; at += ROWS) {
        const rt_batch batch = {NULL, set->rows + at, NULL, set->n - at < ROWS ? set->n - at : ROWS,
                                &vectors};
        for (size_t i = 0; i < batch.n; i++) {
            rt_features_fetch(f, f->vectors[batch.rows[i]], s->values);
            widen(s->values, f->feature_size, &ranges->features_min, &ranges->features_max);
        }
        rt_trainer_predict(trainer, &batch, s->logits, NULL);
        widen(s->logits, batch.n * job->dataset->n_classes, &ranges->logits_min, &ranges->logits_max);
    }
}

static bool usable(float min, float max)
{
    return rt__quant_valid(min, max, BITS) && min < max;
}

/* Over all photos, since those of a single set may have no vectors. */
static rt_code measure(const rt_retrain_job *job, const rt_head *rounded, rt_head_ranges *ranges,
                       rt_error *err)
{
    const scratch s = {calloc(rounded->n_classes, ROWS * sizeof(float)),
                       calloc(job->features.feature_size, sizeof(float))};
    rt_trainer *trainer = NULL;
    rt_code code = s.logits && s.values ? rt_trainer_new(rounded, &trainer, err)
                                        : rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t set = 0; code == RT_OK && set < RT_N_SETS; set++)
        measure_set(job, &job->sets[set], trainer, &s, ranges);
    rt_trainer_free(trainer);
    free(s.logits);
    free(s.values);
    if (code == RT_OK && (!usable(ranges->features_min, ranges->features_max) ||
                          !usable(ranges->logits_min, ranges->logits_max)))
        code = rt_fail(
            err, RT_ELIMIT,
            "this network computes in 8 bits, and the trained layer's values have no range for that: they "
            "are all 0 or too large; a lower --learning_rate keeps them small");
    return code;
}

rt_code rt__retrain_ranges(const rt_retrain_job *job, const rt_head *head, rt_head_ranges *ranges,
                           bool *wanted, rt_error *err)
{
    rt_head rounded = {0};
    rt_code code;
    *ranges = (rt_head_ranges){0};
    if (!(*wanted = rt__retrain_imitates_8_bits(job)))
        return RT_OK;
    code = round_head(head, ranges, &rounded, err);
    if (code == RT_OK)
        code = measure(job, &rounded, ranges, err);
    rt_head_clear(&rounded);
    return code;
}

rt_code rt__retrain_rounded_head(const rt_retrain_job *job, rt_head *rounded, rt_error *err)
{
    rt_head_ranges ranges = {0};
    rt_code code;
    *rounded = (rt_head){0};
    if (!rt__retrain_imitates_8_bits(job))
        return RT_OK;
    code = round_head(&job->state.head, &ranges, rounded, err);
    if (code != RT_OK)
        rt_head_clear(rounded);
    return code;
}
