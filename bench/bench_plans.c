/* The forward pass of networks planned in several ways, one thread, interleaved in random order: the best
 * processor time of each and its ratio to the library alone.
 *   bench_plans [--rounds N] [module ...]      default: 200 rounds, the reference modules */
#include "exec/plan_state.h"
#include "graph/fused.h"
#include "kernel/onednn.h"
#include "kernel/separable.h"
#include "kernel/winograd.h"
#include "model/module.h"
#include "support/shared.h"
#include "timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 200, WAYS = 4 };

static const char *const modules[] = {
    "mobilenet_v1_025_224_feature_vector",
    "mobilenet_v2_100_224_feature_vector",
    "efficientnet_lite0_feature_vector",
};

static const char *const names[WAYS] = {"library", "Winograd", "single", "chains"};

typedef struct planned {
    rt_plan *plan;
    rt_run *run;
    double best, *all;
} planned;

static void kernels_of(int way, rt_kernels *kernels)
{
    rt_error err;
    rt__kernels_init_reference(kernels);
    timing_check(rt__onednn_fill(kernels, &err), &err);
    if (way >= 2)
        rt__separable_fill(kernels);
    if (way >= 1)
        rt__winograd_fill(kernels);
    if (way == 2)
        kernels->chain = NULL;
}

static void plan_all(const char *path, planned *plans)
{
    rt_module *module = NULL;
    rt_graph *fused = NULL;
    rt_edge input, output;
    rt_error err;
    timing_check(rt_module_open(path, NULL, &module, &err), &err);
    timing_check(rt__graph_fuse(module->graph, module->input, module->feature, module->info.height,
                                module->info.width, &fused, &input, &output, &err),
                 &err);
    for (int i = 0; i < WAYS; i++) {
        rt_kernels kernels;
        kernels_of(i, &kernels);
        timing_check(rt__plan_new_on(&kernels, fused, input, output, &plans[i].plan, &err), &err);
        timing_check(rt__run_new(plans[i].plan, &plans[i].run, &err), &err);
        plans[i].best = INFINITY;
    }
    rt__graph_free(fused);
    rt_module_close(module);
}

static void run_once(planned *p, int round)
{
    float *pixels = rt__run_input(p->run);
    const float *output;
    double start;
    rt_error err;
    for (size_t i = 0; i < rt__plan_input_size(p->plan); i++)
        pixels[i] = (float)(i * 2654435761u % 1000) / 1000;
    start = timing_processor_now();
    timing_check(rt__run_execute(p->run, &output, &err), &err);
    p->all[round] = timing_processor_now() - start;
    p->best = p->all[round] < p->best ? p->all[round] : p->best;
}

static void bench_module(const char *path, int rounds)
{
    const char *name = strrchr(path, '/');
    planned plans[WAYS];
    double library = 0;
    plan_all(path, plans);
    for (int i = 0; i < WAYS; i++)
        if (!(plans[i].all = calloc((size_t)rounds, sizeof(double))))
            exit(1);
    for (int round = 0; round < rounds; round++) {
        const int first = rand() % WAYS, step = rand() % 2 ? 1 : WAYS - 1;
        for (int i = 0; i < WAYS; i++)
            run_once(&plans[(first + i * step) % WAYS], round);
    }
    for (int i = 0; i < WAYS; i++) {
        double median = timing_median_of(plans[i].all, (size_t)rounds);
        library = i == 0 ? median : library;
        printf("%-38s %-8s %9.3f %9.3f %9.1f %6.3f %6.3f\n", name ? name + 1 : path, names[i],
               1e3 * plans[i].best, 1e3 * median, 1 / plans[i].best, plans[0].best / plans[i].best,
               library / median);
        free(plans[i].all);
        rt__run_free(plans[i].run);
        rt__plan_free(plans[i].plan);
    }
}

int main(int argc, char **argv)
{
    int rounds = ROUNDS, first = 1;
    char path[512], relative[128];
    if (argc > 2 && strcmp(argv[1], "--rounds") == 0) {
        rounds = atoi(argv[2]);
        first = 3;
    }
    printf("%-38s %-8s %9s %9s %9s %6s %6s\n", "network", "plan", "best ms", "median ms", "photos/s", "best",
           "median");
    for (int i = first; i < argc; i++)
        bench_module(argv[i], rounds);
    for (size_t i = 0; argc == first && i < sizeof modules / sizeof *modules; i++) {
        snprintf(relative, sizeof relative, "reference/modules/%s", modules[i]);
        if (shared_has(relative))
            bench_module(shared_path(path, sizeof path, relative), rounds);
    }
    return 0;
}
