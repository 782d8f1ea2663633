/* Winograd's 3x3 convolutions beside oneDNN's direct ones, one thread, layer by layer of real networks: the
 * best processor time of interleaved runs, the ratio, the share of the core's peak counted in the direct
 * convolution's operations, and the distance of the results.
 *   bench_conv [runs]      default 20 */
#include "fma_peak.h"
#include "kernel/kernel.h"
#include "kernel/winograd.h"
#include "timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct layer {
    const char *network, *name;
    int32_t side, c, k, pad; /* pad: SAME */
    int32_t taps[2];
} layer;

static const layer layers[] = {
    {"Inception V3", "2b", 147, 32, 64, 1, {3, 3}},
    {"Inception V3", "4a", 73, 80, 192, 0, {3, 3}},
    {"Inception V3", "5b 3x3 a", 35, 64, 96, 1, {3, 3}},
    {"Inception V3", "5b 3x3 b", 35, 96, 96, 1, {3, 3}},
    {"Inception V3", "7b 3x3", 8, 448, 384, 1, {3, 3}},
    {"Inception V3", "5b 5x5", 35, 48, 64, 1, {5, 5}},
    {"Inception V3", "6b 1x7", 17, 128, 128, 1, {1, 7}},
    {"Inception V3", "6b 7x1", 17, 128, 128, 1, {7, 1}},
    {"Inception V3", "6e 1x7", 17, 192, 192, 1, {1, 7}},
    {"Inception V3", "6e 7x1", 17, 192, 192, 1, {7, 1}},
    {"Inception V3", "7b 1x3", 8, 384, 384, 1, {1, 3}},
    {"Inception V3", "7b 3x1", 8, 384, 384, 1, {3, 1}},
    {"Inception V2", "2c", 75, 64, 192, 1, {3, 3}},
    {"Inception V2", "3b 3x3", 38, 64, 64, 1, {3, 3}},
    {"Inception V2", "3b a", 38, 64, 96, 1, {3, 3}},
    {"Inception V2", "3b b", 38, 96, 96, 1, {3, 3}},
    {"Inception V2", "4b 3x3", 19, 64, 96, 1, {3, 3}},
    {"Inception V2", "4b a", 19, 96, 128, 1, {3, 3}},
    {"Inception V2", "4b b", 19, 128, 128, 1, {3, 3}},
    {"Inception V2", "4d 3x3", 19, 128, 160, 1, {3, 3}},
    {"Inception V2", "4d b", 19, 160, 160, 1, {3, 3}},
    {"Inception V2", "4e b", 19, 192, 192, 1, {3, 3}},
    {"Inception V2", "5b 3x3", 10, 192, 320, 1, {3, 3}},
    {"Inception V2", "5b a", 10, 160, 224, 1, {3, 3}},
    {"Inception V2", "5b b", 10, 224, 224, 1, {3, 3}},
    {"ResNet 50", "2", 56, 64, 64, 1, {3, 3}},
    {"ResNet 50", "3", 28, 128, 128, 1, {3, 3}},
    {"ResNet 50", "4", 14, 256, 256, 1, {3, 3}},
    {"ResNet 50", "5", 7, 512, 512, 1, {3, 3}},
    {"VGG 16", "1_2", 224, 64, 64, 1, {3, 3}},
    {"small", "", 12, 16, 16, 1, {3, 3}},
    {"small", "", 12, 32, 32, 1, {3, 3}},
    {"small", "", 24, 16, 16, 1, {3, 3}},
    {"small", "", 24, 24, 24, 1, {3, 3}},
    {"small", "", 48, 16, 16, 1, {3, 3}},
    {"small", "", 6, 64, 64, 1, {3, 3}},
    {"small", "", 4, 64, 64, 1, {3, 3}},
    {"small", "", 8, 64, 64, 1, {3, 3}},
    {"small", "", 8, 128, 128, 1, {3, 3}},
};

enum { RUNS = 20 };

/* A kernel ready to run. */
typedef struct ready {
    rt_kernel *kernel;
    void *bound;
    rt_kernel_args args;
    double best;
} ready;

static float *floats_new(size_t n)
{
    float *floats =
        aligned_alloc(RT_KERNEL_ALIGN, (n + 16) * sizeof(float) / RT_KERNEL_ALIGN * RT_KERNEL_ALIGN);
    if (!floats)
        abort();
    for (size_t i = 0; i < n; i++)
        floats[i] = (float)((i + 1) * 2654435761u % 2000) / 1000 - 1;
    return floats;
}

static void prepare(ready *r, void *session)
{
    rt_error err;
    r->best = INFINITY;
    r->args = (rt_kernel_args){.src = {floats_new(rt__grid_floats(&r->kernel->src[0]))},
                               .dst = floats_new(rt__grid_floats(&r->kernel->dst)),
                               .scratch = floats_new(r->kernel->scratch_bytes / sizeof(float) + 16)};
    if (r->kernel->bind)
        timing_check(r->kernel->bind(r->kernel, &r->args, session, &r->bound, &err), &err);
}

static void run(ready *r)
{
    rt_error err;
    double start = timing_processor_now(), took;
    timing_check(r->kernel->run(r->kernel, &r->args, r->bound, &err), &err);
    took = timing_processor_now() - start;
    r->best = took < r->best ? took : r->best;
}

static void give_back(ready *r)
{
    if (r->kernel->unbind)
        r->kernel->unbind(r->kernel, r->bound);
    rt__kernel_free(r->kernel);
    free((void *)r->args.src[0]);
    free(r->args.dst);
    free(r->args.scratch);
}

/* Largest difference as a part of the largest value. */
static double distance(const ready *a, const ready *b)
{
    double most = 0, largest = 0;
    for (size_t i = 0; i < rt__grid_floats(&a->kernel->dst); i++) {
        double difference = fabs((double)a->args.dst[i] - (double)b->args.dst[i]);
        most = difference > most ? difference : most;
        largest = fabs((double)a->args.dst[i]) > largest ? fabs((double)a->args.dst[i]) : largest;
    }
    return most / largest;
}

static void bench_layer(const rt_kernels *kernels, void *session, const layer *l, int runs, double peak)
{
    const int32_t c = l->c, k = l->k, down = l->taps[0], across = l->taps[1];
    const int32_t pads[2] = {l->pad ? down / 2 : 0, l->pad ? across / 2 : 0};
    float *weights = floats_new((size_t)(down * across * c * k)), *bias = floats_new((size_t)k);
    const rt_conv_spec spec = {
        .src = {l->side, l->side, c, RT_LAYOUT_BLOCK8},
        .channels = k,
        .window = {{down, across}, {1, 1}, {1, 1}, {pads[0], pads[1]}, {pads[0], pads[1]}},
        .weights = weights,
        .bias = bias,
    };
    ready direct = {0}, fast = {0};
    double flops;
    rt_error err;
    if (!rt__winograd_fits(&spec))
        return;
    timing_check(kernels->direct_conv(kernels, &spec, &direct.kernel, &err), &err);
    timing_check(rt__winograd_conv(&spec, &fast.kernel, &err), &err);
    prepare(&direct, session);
    prepare(&fast, session);
    for (int i = 0; i < runs; i++) {
        run(&direct);
        run(&fast);
    }
    flops = 2.0 * down * across * c * k * direct.kernel->dst.h * direct.kernel->dst.w;
    printf("%-14s %-8s %4d %4d %4d %9.3f %9.3f %7.2f %6.0f%% %6.0f%% %9.1e %s\n", l->network, l->name,
           l->side, c, k, 1e3 * direct.best, 1e3 * fast.best, direct.best / fast.best,
           100 * flops / direct.best / peak, 100 * flops / fast.best / peak, distance(&direct, &fast),
           rt__winograd_pays(&spec) ? "taken" : "");
    give_back(&direct);
    give_back(&fast);
    free(weights);
    free(bias);
}

int main(int argc, char **argv)
{
    const int runs = argc > 1 ? atoi(argv[1]) : RUNS;
    const double peak = fma_peak();
    rt_kernels kernels;
    rt_error err;
    void *session;
    timing_check(rt__kernels_init(&kernels, &err), &err);
    timing_check(kernels.session_new(&kernels, &session, &err), &err);
    kernels.session_enter(session);
    printf("%-14s %-8s %4s %4s %4s %9s %9s %7s %7s %7s %9s\n", "network", "layer", "side", "in", "out",
           "direct ms", "Winogr ms", "ratio", "peak", "peak", "distance");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        bench_layer(&kernels, session, &layers[i], runs, peak);
    kernels.session_free(session);
    rt__kernels_clear(&kernels);
    return 0;
}
