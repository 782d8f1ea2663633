/* Training on distorted photos, two ways: each step distorts its photos anew, as retrain.py does; or so many
 * distortions of each photo are made once, and steps draw among them. */
#include "base/checked.h"
#include "feature/distorter.h"
#include "feature/photo_store.h"
#include "head/streams.h"
#include "image/distort.h"
#include "retrain_job.h"

#include <stdlib.h>

struct rt_retrain_distorted {
    rt_feature_source source;
    rt_distortion distortion;
    int32_t height, width; /* what the network takes */
    size_t n_cached;       /* distortions of each photo; 0: anew in each step */
    /* Anew: */
    rt_distorter *distorter;
    rt_distortion_draw *draws; /* room for a batch */
    /* Made once: */
    uint32_t *places; /* of each photo of the data set: its number among the training photos */
    uint32_t *rows;   /* room for a batch */

    float *values; /* a batch, or [training photos, n_cached, feature_size] */
};

static const char out_of_memory[] = "out of memory for %zu vectors of %zu floats of distorted photos";

static rt_distortion_draw roll(const rt_retrain_distorted *d, rt_rng *rng)
{
    rt_distortion_dice dice = rt__distortion_roll(rng);
    return rt__distortion_draw(&d->distortion, d->height, d->width, &dice);
}

/* Owned by the caller; NULL when memory is out. */
static float *vectors(const rt_retrain_job *job, size_t n)
{
    size_t n_values;
    if (!rt_mul(&n_values, n, job->features.feature_size))
        return NULL;
    return calloc(n_values + 1, sizeof(float));
}

/* Numbers of the training photos, owned by the caller, *n of them. */
static uint32_t *training_photos(const rt_retrain_job *job, size_t *n)
{
    uint32_t *photos = calloc(job->dataset->n_photos, sizeof *photos);
    *n = 0;
    for (size_t i = 0; photos && i < job->dataset->n_photos; i++)
        if (job->dataset->photos[i].set == RT_TRAINING)
            photos[(*n)++] = (uint32_t)i;
    return photos;
}

static size_t batch_size(const rt_retrain_job *job, size_t n_photos)
{
    return job->options->train_batch_size < 0 ? n_photos : (size_t)job->options->train_batch_size;
}

static rt_code open_distorter(rt_retrain_job *job, size_t budget_bytes, rt_error *err)
{
    rt_retrain_distorted *d = job->distorted;
    const rt_distorter_options options = {
        .how = job->options->extraction,
        .n_threads = (size_t)job->options->threads,
        .budget_bytes = budget_bytes,
        .strict = job->options->strict,
        .progress = job->progress,
    };
    return rt__distorter_new(job->module, &d->source, &options, &d->distorter, err);
}

/* ---- anew in each step ---- */

static void explain(const rt_retrain_job *job, size_t n_photos)
{
    size_t n_kept = rt__distorter_kept(job->distorted->distorter);
    rt_log_line(job->log, RT_INFO,
                "Each step distorts its photos anew and runs the network on them; --distortion_cache 8 would "
                "train on 8 distortions of each photo, made once.");
    if (n_kept < n_photos)
        rt_log_line(job->log, RT_INFO,
                    "%zu of %zu training photos stay in memory, the others are decoded at each use.", n_kept,
                    n_photos);
}

static rt_code prepare_steps(rt_retrain_job *job, const uint32_t *photos, size_t n, rt_error *err)
{
    rt_retrain_distorted *d = job->distorted;
    size_t n_batch = batch_size(job, n), n_skipped = job->features.n_skipped;
    const rt_distorted all = {.photos = photos, .n = n, .what = "photos"};
    rt_skips skips = {0};
    rt_code code;
    d->draws = calloc(n_batch + 1, sizeof *d->draws);
    d->values = vectors(job, n_batch);
    if (!d->draws || !d->values)
        return rt_fail(err, RT_ENOMEM, out_of_memory, n_batch, job->features.feature_size);
    if ((code = open_distorter(job, rt__photo_store_budget(), err)) != RT_OK)
        return code;
    code = rt__distorter_run(d->distorter, &all, &skips, err);
    if (code == RT_OK)
        code = rt__features_add_skips(&job->features, &skips, err);
    rt__skips_clear(&skips);
    if (code == RT_OK)
        explain(job, n - (job->features.n_skipped - n_skipped));
    return code;
}

static rt_code distort_batch(rt_retrain_job *job, rt_rng *rng, rt_batch *batch, rt_error *err)
{
    rt_retrain_distorted *d = job->distorted;
    const rt_distorted wanted = {
        .photos = batch->rows, .draws = d->draws, .values = d->values, .n = batch->n, .n_each = 1};
    for (size_t i = 0; i < batch->n; i++)
        d->draws[i] = roll(d, rng);
    batch->vectors = NULL;
    batch->values = d->values;
    batch->rows = NULL;
    return rt__distorter_run(d->distorter, &wanted, NULL, err);
}

/* ---- made once ---- */

static rt_code make_all(rt_retrain_job *job, const uint32_t *photos, size_t n, rt_distortion_draw *draws,
                        rt_error *err)
{
    rt_retrain_distorted *d = job->distorted;
    const rt_distorted all = {photos, draws, d->values, n, d->n_cached, "distorted photos"};
    rt_skips skips = {0};
    rt_rng rng;
    rt_code code = open_distorter(job, 0, err);
    if (code != RT_OK)
        return code;
    rt__rng_seed(&rng, job->options->seed, RT_STREAM_DISTORTION);
    for (size_t i = 0; i < n * d->n_cached; i++)
        draws[i] = roll(d, &rng);
    rt_log_line(job->log, RT_INFO, "Distorting each of %zu training photos %zu times.", n, d->n_cached);
    code = rt__distorter_run(d->distorter, &all, &skips, err);
    if (code == RT_OK)
        code = rt__features_add_skips(&job->features, &skips, err);
    rt__skips_clear(&skips);
    rt__distorter_free(d->distorter);
    d->distorter = NULL;
    return code;
}

static rt_code prepare_cache(rt_retrain_job *job, const uint32_t *photos, size_t n, rt_error *err)
{
    rt_retrain_distorted *d = job->distorted;
    size_t n_vectors;
    rt_distortion_draw *draws;
    rt_code code;
    if (!rt_mul(&n_vectors, n, d->n_cached) || n_vectors >= UINT32_MAX)
        return rt_fail(err, RT_ELIMIT, "%zu distortions of each of %zu photos are too many", d->n_cached, n);
    d->places = calloc(job->dataset->n_photos, sizeof *d->places);
    d->rows = calloc(batch_size(job, n) + 1, sizeof *d->rows);
    d->values = vectors(job, n_vectors);
    draws = calloc(n_vectors + 1, sizeof *draws);
    if (d->places && d->rows && d->values && draws) {
        for (size_t i = 0; i < n; i++)
            d->places[photos[i]] = (uint32_t)i;
        code = make_all(job, photos, n, draws, err);
    } else {
        code = rt_fail(err, RT_ENOMEM, out_of_memory, n_vectors, job->features.feature_size);
    }
    free(draws);
    return code;
}

static void draw_batch(const rt_retrain_distorted *d, rt_rng *rng, rt_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        size_t first = d->places[batch->rows[i]] * d->n_cached;
        d->rows[i] = (uint32_t)(first + (size_t)rt__rng_below(rng, d->n_cached));
    }
    batch->vectors = NULL;
    batch->values = d->values;
    batch->rows = d->rows;
}

/* ---- both ---- */

rt_code rt__retrain_distort(rt_retrain_job *job, rt_error *err)
{
    const rt_module_info *info = rt_module_describe(job->module);
    rt_retrain_distorted *d = calloc(1, sizeof *d);
    size_t n = 0;
    uint32_t *photos = training_photos(job, &n);
    rt_code code;
    job->distorted = d;
    if (d && photos) {
        d->source = rt__retrain_photos(job);
        d->distortion = rt__retrain_distortion(job->options);
        d->height = info->height;
        d->width = info->width;
        d->n_cached = (size_t)job->options->distortion_cache;
        code = d->n_cached ? prepare_cache(job, photos, n, err) : prepare_steps(job, photos, n, err);
    } else {
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    }
    free(photos);
    return code;
}

void rt__retrain_distort_clear(rt_retrain_job *job)
{
    rt_retrain_distorted *d = job->distorted;
    if (!d)
        return;
    rt__distorter_free(d->distorter);
    free(d->draws);
    free(d->places);
    free(d->rows);
    free(d->values);
    free(d);
    job->distorted = NULL;
}

rt_code rt__retrain_distorted_batch(rt_retrain_job *job, rt_rng *rng, rt_batch *batch, rt_error *err)
{
    if (!job->distorted->n_cached)
        return distort_batch(job, rng, batch, err);
    draw_batch(job->distorted, rng, batch);
    return RT_OK;
}
