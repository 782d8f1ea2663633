/* Steps of training: retrain.py's defaults (batches of 100, validation each 10 steps) on made-up vectors,
 * with the fastest kernels and with plain C. */
#include "base/rng.h"
#include "head/train.h"
#include "head/trainer.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>

enum { PHOTOS = 3000, BATCH = 100 };

typedef struct bench {
    size_t n_features, n_classes;
    float *values;
    uint32_t rows[PHOTOS], labels[PHOTOS];
    rt_sampler photos;
    rt_train_state state;
    uint64_t steps;
    rt_trainer *trainer; /* of one level, for single steps */
} bench;

static void stop(const char *what)
{
    fprintf(stderr, "bench_train: %s\n", what);
    exit(1);
}

static bench *bench_new(size_t n_features, size_t n_classes)
{
    bench *b = calloc(1, sizeof *b);
    rt_rng rng;
    rt__rng_seed(&rng, 1, 1);
    if (b == NULL || (b->values = malloc(PHOTOS * n_features * sizeof *b->values)) == NULL)
        stop("no memory");
    for (size_t i = 0; i < PHOTOS * n_features; i++)
        b->values[i] = (float)rt__rng_unit(&rng);
    for (uint32_t i = 0; i < PHOTOS; i++) {
        b->rows[i] = i;
        b->labels[i] = i % (uint32_t)n_classes;
    }
    b->n_features = n_features;
    b->n_classes = n_classes;
    if (rt__sampler_init(&b->photos, b->rows, b->labels, PHOTOS, n_classes, NULL) != RT_OK ||
        rt__train_state_init(&b->state, n_features, n_classes, 1, NULL) != RT_OK)
        stop("no memory");
    return b;
}

static void bench_free(bench *b)
{
    rt__sampler_clear(&b->photos);
    rt__train_state_clear(&b->state);
    free(b->values);
    free(b);
}

static void whole_run(void *context)
{
    bench *b = context;
    rt_train_options options = {b->state.step + b->steps, 0.01F, BATCH, BATCH, 10};
    rt_train_data data = {b->values, &b->photos, &b->photos, NULL};
    if (rt__train(&options, &data, NULL, &b->state, NULL) != RT_OK)
        stop("training failed");
}

static void bare_steps(void *context)
{
    bench *b = context;
    uint32_t rows[BATCH], labels[BATCH];
    for (uint64_t i = 0; i < b->steps; i++) {
        rt__sampler_draw(&b->photos, &b->state.training, BATCH, rows, labels);
        rt_trainer_step(b->trainer, &(rt_batch){b->values, rows, labels, BATCH, NULL}, 0.01F);
    }
}

static double steps_at(bench *b, rt_cpu_level level)
{
    double seconds;
    if (rt__trainer_new(&b->state.head, level, &b->trainer, NULL) != RT_OK)
        stop("no memory");
    seconds = timing_median(5, bare_steps, b);
    rt_trainer_free(b->trainer);
    return seconds;
}

static void measure(size_t n_features, size_t n_classes)
{
    bench *b = bench_new(n_features, n_classes);
    char name[100];
    double plain, fast;
    b->steps = n_features * n_classes > 100000 ? 20 : 400;
    plain = steps_at(b, RT_CPU_PLAIN);
    fast = steps_at(b, RT_CPU_AVX512);
    snprintf(name, sizeof name, "%zu x %zu, plain C", n_features, n_classes);
    timing_row(name, plain, (double)b->steps, 0);
    snprintf(name, sizeof name, "%zu x %zu, fastest", n_features, n_classes);
    timing_row(name, fast, (double)b->steps, plain);
    snprintf(name, sizeof name, "%zu x %zu, with validation", n_features, n_classes);
    timing_row(name, timing_median(5, whole_run, b), (double)b->steps, plain);
    bench_free(b);
}

int main(void)
{
    static const size_t features[] = {256, 1280, 2048}, classes[] = {5, 20, 100, 1000};
    timing_head("training, batches of 100", "steps");
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        for (size_t k = 0; k < sizeof classes / sizeof *classes; k++)
            measure(features[i], classes[k]);
    return 0;
}
