/* The forward pass of networks, one thread: photos a second of processor time, and how near to what the core
 * can do at all.
 *   bench_network [--steps] [--exact] [module ...]      default: the reference modules
 * --steps also lists the steps that take longest; --exact plans direct convolutions only. */
#include "exec/plan_state.h"
#include "fma_peak.h"
#include "graph/fused.h"
#include "model/module.h"
#include "support/shared.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 2, MOST_STEPS = 12, PLANS = 5 };

static const char *const modules[] = {
    "mobilenet_v1_025_128_feature_vector", "mobilenet_v1_025_224_feature_vector",
    "mobilenet_v2_100_224_feature_vector", "efficientnet_lite0_feature_vector",
    "mobilenet_v1_025_224_quantops",       "inception_v3_feature_vector",
};

static bool say(rt_code code, const rt_error *err)
{
    char text[1024];
    if (code != RT_OK)
        fprintf(stderr, "%s\n", rt_error_text(err, text, sizeof text));
    return code == RT_OK;
}

/* What it takes until a network can run: reading its file, folding its graph, making its kernels. */
typedef struct starting {
    double open, fuse, plan;
} starting;

static void keep_least(double *least, double *since)
{
    double now = timing_processor_now();
    *least = *least == 0 || now - *since < *least ? now - *since : *least;
    *since = now;
}

static bool plan_once(const char *path, bool exact, rt_plan **plan, starting *least)
{
    rt_module *module = NULL;
    rt_graph *fused = NULL;
    rt_edge input, output;
    rt_error err;
    double since = timing_processor_now();
    bool done = say(rt_module_open(path, NULL, &module, &err), &err);
    keep_least(&least->open, &since);
    if (done)
        done = say(rt__graph_fuse(module->graph, module->input, module->feature, module->info.height,
                                  module->info.width, &fused, &input, &output, &err),
                   &err);
    keep_least(&least->fuse, &since);
    if (done)
        done = say((exact ? rt__plan_new_exact : rt__plan_new)(fused, input, output, plan, &err), &err);
    keep_least(&least->plan, &since);
    rt__graph_free(fused);
    rt_module_close(module);
    return done;
}

/* The least time of several; the library keeps code that it compiled, so the first plan takes longer. */
static bool plan_module(const char *path, bool exact, rt_plan **plan, starting *first, starting *least)
{
    bool done = plan_once(path, exact, plan, first);
    for (int i = 0; i < PLANS && done; i++) {
        rt__plan_free(*plan);
        done = plan_once(path, exact, plan, least);
    }
    return done;
}

/* The same numbers each time, of both signs. */
static void fill(const rt_plan *plan, float *input)
{
    for (size_t i = 0; i < rt__plan_input_size(plan); i++)
        input[i] = (float)(i * 2654435761u % 1000) / 1000;
}

/* Best time of a photo: other jobs only ever add to it. */
static double photo_seconds(const rt_plan *plan, rt_run *run)
{
    double best = 1e9, until = timing_now() + SECONDS;
    int n = 0;
    while (timing_now() < until || n++ < 5) {
        const float *output;
        rt_error err;
        double start;
        fill(plan, rt__run_input(run));
        start = timing_processor_now();
        if (!say(rt__run_execute(run, &output, &err), &err))
            exit(1);
        start = timing_processor_now() - start;
        best = start < best ? start : best;
    }
    return best;
}

/* ---- the steps that take longest ---- */

typedef struct timed {
    const rt_step *step;
    double seconds;
} timed;

static int longest_first(const void *a, const void *b)
{
    double x = ((const timed *)a)->seconds, y = ((const timed *)b)->seconds;
    return (x < y) - (x > y);
}

static void print_steps(const rt_plan *plan, rt_run *run)
{
    timed *steps = calloc(plan->n_steps, sizeof *steps);
    double all = 0;
    if (!steps)
        exit(1);
    for (int round = 0; round < 50; round++) {
        fill(plan, rt__run_input(run));
        for (uint32_t i = 0; i < plan->n_steps; i++) {
            double start = timing_processor_now();
            if (!say(rt__run_step(run, i, NULL), NULL))
                exit(1);
            start = timing_processor_now() - start;
            if (round == 0 || start < steps[i].seconds)
                steps[i] = (timed){&plan->steps[i], start};
        }
    }
    for (uint32_t i = 0; i < plan->n_steps; i++)
        all += steps[i].seconds;
    qsort(steps, plan->n_steps, sizeof *steps, longest_first);
    for (uint32_t i = 0; i < plan->n_steps && i < MOST_STEPS; i++)
        printf("    %5.1f%% %8.1f us %7.1f GFLOP/s  %-8s %s\n", 100 * steps[i].seconds / all,
               steps[i].seconds * 1e6, steps[i].step->flops / steps[i].seconds / 1e9,
               steps[i].step->kernel->weight_bytes > 0 ? "weights" : "", steps[i].step->name);
    free(steps);
}

/* How to plan and what to print. */
typedef struct options {
    bool with_steps, exact;
    double peak;
} options;

static void bench_module(const char *path, const options *o)
{
    const char *name = strrchr(path, '/');
    starting first = {0}, least = {0};
    double seconds;
    rt_plan *plan = NULL;
    rt_run *run = NULL;
    rt_plan_stats stats;
    rt_error err;
    if (!plan_module(path, o->exact, &plan, &first, &least))
        return;
    if (!say(rt__run_new(plan, &run, &err), &err))
        exit(1);
    seconds = photo_seconds(plan, run);
    stats = rt__plan_stats(plan);
    printf("%-38s %7.1f %7.1f %7.1f %7.1f %8.1f %9.3f %8.1f %6.0f%% %6u %6u %8.1f %8.1f\n",
           name ? name + 1 : path, least.open * 1e3, least.fuse * 1e3, first.plan * 1e3, least.plan * 1e3,
           1 / seconds, stats.flops / 1e9, stats.flops / seconds / 1e9, 100 * stats.flops / seconds / o->peak,
           (unsigned)stats.n_steps, (unsigned)stats.n_moves, (double)stats.workspace_bytes / 1e6,
           (double)stats.weight_bytes / 1e6);
    if (o->with_steps)
        print_steps(plan, run);
    rt__run_free(run);
    rt__plan_free(plan);
}

int main(int argc, char **argv)
{
    options o = {.peak = fma_peak()};
    char path[512], relative[128];
    int first = 1;
    for (; first < argc && strncmp(argv[first], "--", 2) == 0; first++) {
        o.with_steps |= strcmp(argv[first], "--steps") == 0;
        o.exact |= strcmp(argv[first], "--exact") == 0;
    }
    printf("multiply-add peak of this core: %.1f GFLOP/s\n", o.peak / 1e9);
    printf("%-38s %7s %7s %7s %7s %8s %9s %8s %7s %6s %6s %8s %8s\n", "network", "open ms", "fuse ms",
           "plan ms", "again", "photos/s", "GFLOP", "GFLOP/s", "of peak", "steps", "moves", "MB work",
           "MB wght");
    for (int i = first; i < argc; i++)
        bench_module(argv[i], &o);
    if (argc > first)
        return 0;
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        snprintf(relative, sizeof relative, "reference/modules/%s", modules[i]);
        if (shared_has(relative))
            bench_module(shared_path(path, sizeof path, relative), &o);
    }
    return 0;
}
