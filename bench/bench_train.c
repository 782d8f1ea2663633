/* Steps of training: retrain.py's defaults (batches of 100, validation each 10 steps) on made-up vectors,
 * with the fastest kernels and with plain C; before that one thread and one for each core on
 * batches of several sizes (--threads: nothing else). */
#include "base/pool.h"
#include "base/rng.h"
#include "head/train.h"
#include "head/trainer.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    rt_train_options options = {b->state.step + b->steps, 0.01F, BATCH, BATCH, 10, 1};
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

/* ---- threads ---- */

typedef struct size {
    size_t n_features, n_classes, batch;
} size;

/* Seconds of a step, alone and shared in turns: the least of each.  A shared step finds out for itself
 * whether it is better off alone. */
static void ratio(const size *z)
{
    bench *b = bench_new(z->n_features, z->n_classes);
    double least[2] = {1e9, 1e9}, products = (double)z->n_features * (double)z->n_classes * (double)z->batch;
    uint64_t steps = (uint64_t)(2e8 / products) + 8;
    const rt_batch batch = {b->values, b->photos.rows, b->photos.labels, z->batch, NULL};
    rt_trainer *trainers[2];
    for (size_t i = 0; i < 2; i++)
        if (rt_trainer_new(&b->state.head, &trainers[i], NULL) != RT_OK ||
            rt__trainer_share(trainers[i], i ? rt__cpu_count() : 1, z->batch, NULL) != RT_OK)
            stop("no memory");
    for (size_t round = 0; round < 2 * 7; round++) {
        double start = timing_now();
        for (uint64_t i = 0; i < steps; i++)
            rt_trainer_step(trainers[round % 2], &batch, 0.01F);
        start = (timing_now() - start) / (double)steps;
        least[round % 2] = start < least[round % 2] ? start : least[round % 2];
    }
    printf("%6zu x %4zu, %5zu photos: %9.3f ms alone, %9.3f ms on %zu threads, ratio %.2f\n", z->n_features,
           z->n_classes, z->batch, least[0] * 1e3, least[1] * 1e3, rt__cpu_count(), least[0] / least[1]);
    for (size_t i = 0; i < 2; i++)
        rt_trainer_free(trainers[i]);
    bench_free(b);
}

static void ratios(void)
{
    static const size sizes[] = {{1280, 5, 100},    {1280, 20, 100},   {2048, 20, 100}, {1280, 100, 100},
                                 {1280, 1000, 100}, {2048, 1000, 100}, {1280, 5, 3000}, {256, 5, 3000},
                                 {1280, 20, 3000},  {1280, 1000, 1000}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        ratio(&sizes[i]);
}

int main(int argc, char **argv)
{
    static const size_t features[] = {256, 1280, 2048}, classes[] = {5, 20, 100, 1000};
    ratios();
    if (argc > 1 && strcmp(argv[1], "--threads") == 0)
        return 0;
    timing_head("training, batches of 100", "steps");
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        for (size_t k = 0; k < sizeof classes / sizeof *classes; k++)
            measure(features[i], classes[k]);
    return 0;
}
