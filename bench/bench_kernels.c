/* Our kernels beside the library's, one thread, layer by layer of real networks: the best processor time of
 * interleaved runs, the ratio, the share of the core's peak counted in the direct convolution's operations,
 * and the distance of the results. bench_kernels [--runs N] [name ...]      default: 20 runs of each row;
 * names: networks that begin so */
#include "bench_layers.h"
#include "fma_peak.h"
#include "kernel/onednn.h"
#include "kernel/separable.h"
#include "kernel/winograd.h"
#include "timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 20, KERNELS = 3 };

/* Kernels one after the other, ready to run. */
typedef struct ready {
    rt_kernel *kernel[KERNELS];
    void *bound[KERNELS];
    rt_kernel_args args[KERNELS];
    int n;
    double best;
} ready;

typedef struct bench {
    rt_kernels library; /* without ours */
    void *session;
    int runs;
    double peak;
} bench;

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
    for (int i = 0; i < r->n; i++) {
        rt_kernel *kernel = r->kernel[i];
        r->args[i] = (rt_kernel_args){.dst = floats_new(rt__grid_floats(&kernel->dst)),
                                      .scratch = floats_new(kernel->scratch_bytes / sizeof(float) + 16)};
        r->args[i].src[0] = i > 0 ? r->args[i - 1].dst : floats_new(rt__grid_floats(&kernel->src[0]));
        if (kernel->bind)
            timing_check(kernel->bind(kernel, &r->args[i], session, &r->bound[i], &err), &err);
    }
}

static void run(ready *r)
{
    rt_error err;
    double start = timing_processor_now(), took;
    for (int i = 0; i < r->n; i++)
        timing_check(r->kernel[i]->run(r->kernel[i], &r->args[i], r->bound[i], &err), &err);
    took = timing_processor_now() - start;
    r->best = took < r->best ? took : r->best;
}

static void give_back(ready *r)
{
    free((void *)r->args[0].src[0]);
    for (int i = 0; i < r->n; i++) {
        if (r->kernel[i]->unbind)
            r->kernel[i]->unbind(r->kernel[i], r->bound[i]);
        rt__kernel_free(r->kernel[i]);
        free(r->args[i].dst);
        free(r->args[i].scratch);
    }
}

/* Largest difference as a part of the largest value. */
static double distance(const ready *a, const ready *b)
{
    const float *x = a->args[a->n - 1].dst, *y = b->args[b->n - 1].dst;
    double most = 0, largest = 0;
    for (size_t i = 0; i < rt__grid_floats(&a->kernel[a->n - 1]->dst); i++) {
        double difference = fabs((double)x[i] - (double)y[i]);
        most = difference > most ? difference : most;
        largest = fabs((double)x[i]) > largest ? fabs((double)x[i]) : largest;
    }
    return most / largest;
}

/* ---- layers ---- */

static rt_conv_spec spec_of(const bench_conv *c, rt_grid src)
{
    rt_conv_spec spec = {.src = src, .channels = c->depthwise ? src.c : c->k, .multiplier = c->depthwise};
    size_t per = c->depthwise ? 1 : (size_t)src.c;
    for (int i = 0; i < 2; i++) {
        rt_window *w = &spec.window;
        const int32_t in = i == 0 ? src.h : src.w, out = (in + c->stride - 1) / c->stride;
        int32_t pad = (out - 1) * c->stride + c->taps[i] - in;
        w->size[i] = c->taps[i];
        w->stride[i] = c->stride;
        w->dilation[i] = 1;
        pad = c->valid || pad < 0 ? 0 : pad;
        w->front[i] = pad / 2;
        w->back[i] = pad - pad / 2;
    }
    spec.weights = floats_new((size_t)(c->taps[0] * c->taps[1]) * per * (size_t)spec.channels);
    spec.bias = floats_new((size_t)spec.channels);
    if (c->relu6)
        spec.activation.kind = RT_ACTIVATION_RELU6;
    return spec;
}

static double flops_of(const rt_conv_spec *spec)
{
    rt_grid dst = rt__window_grid(&spec->window, &spec->src, spec->channels);
    return 2.0 * spec->window.size[0] * spec->window.size[1] * (spec->multiplier ? 1 : spec->src.c) * dst.h *
           dst.w * dst.c;
}

static void kernel_of(const bench *b, const rt_conv_spec *spec, rt_kernel **kernel)
{
    rt_error err;
    rt_code (*slot)(const rt_kernels *, const rt_conv_spec *, rt_kernel **, rt_error *) =
        spec->multiplier ? b->library.depthwise : b->library.conv;
    timing_check(slot(&b->library, spec, kernel, &err), &err);
}

/* Ours: a chain, or the single kernel that fits; NULL if there is none. */
static rt_kernel *own_of(const rt_conv_spec *specs, int n)
{
    rt_kernel *kernel = NULL;
    rt_error err;
    rt_chain_spec chain = {0};
    if (n == 1 && specs->multiplier && rt__depthwise_fits(specs))
        timing_check(rt__depthwise_conv(specs, &kernel, &err), &err);
    else if (n == 1 && rt__pointwise_fits(specs))
        timing_check(rt__pointwise_conv(specs, &kernel, &err), &err);
    else if (n == 1 && rt__stem_fits(specs))
        timing_check(rt__stem_conv(specs, &kernel, &err), &err);
    else if (n == 1 && rt__winograd_fits(specs))
        timing_check(rt__winograd_conv(specs, &kernel, &err), &err);
    if (n == 1)
        return kernel;
    for (int i = 0; i < n; i++)
        *(specs[i].multiplier ? &chain.depthwise
          : !chain.depthwise  ? &chain.before
                              : &chain.after) = &specs[i];
    if (chain.depthwise && rt__chain_fits(&chain))
        timing_check(rt__chain_conv(&chain, &kernel, &err), &err);
    return kernel;
}

static void bench_row(const bench *b, const bench_layer *l)
{
    rt_conv_spec specs[KERNELS];
    ready library = {0}, own = {.n = 1};
    rt_grid src = {l->h, l->w, l->c, l->c < 8 ? RT_LAYOUT_PLANES : RT_LAYOUT_BLOCK8};
    double flops = 0;
    for (; library.n < KERNELS && l->convs[library.n].k > 0; library.n++) {
        specs[library.n] = spec_of(&l->convs[library.n], src);
        kernel_of(b, &specs[library.n], &library.kernel[library.n]);
        flops += flops_of(&specs[library.n]);
        src = rt__window_grid(&specs[library.n].window, &src, specs[library.n].channels);
        src.layout = RT_LAYOUT_BLOCK8;
    }
    own.kernel[0] = own_of(specs, library.n);
    prepare(&library, b->session);
    if (own.kernel[0])
        prepare(&own, b->session);
    for (int i = 0; i < b->runs; i++) {
        run(&library);
        if (own.kernel[0])
            run(&own);
    }
    printf("%-18s %-22s %4d %5d %5d %9.1f %6.0f%%", l->network, l->name, l->h, l->c, src.c,
           1e6 * library.best, 100 * flops / library.best / b->peak);
    if (own.kernel[0]) {
        printf(" %9.1f %6.0f%% %7.2f %9.1e\n", 1e6 * own.best, 100 * flops / own.best / b->peak,
               own.best / library.best, distance(&library, &own));
        give_back(&own);
    } else {
        printf("\n");
    }
    for (int i = 0; i < library.n; i++) {
        free((void *)specs[i].weights);
        free((void *)specs[i].bias);
    }
    give_back(&library);
}

int main(int argc, char **argv)
{
    bench b = {.runs = RUNS, .peak = fma_peak()};
    int first = 1;
    rt_error err;
    if (argc > 2 && strcmp(argv[1], "--runs") == 0) {
        b.runs = atoi(argv[2]);
        first = 3;
    }
    rt__kernels_init_reference(&b.library);
    timing_check(rt__onednn_fill(&b.library, &err), &err);
    timing_check(b.library.session_new(&b.library, &b.session, &err), &err);
    b.library.session_enter(b.session);
    printf("%-18s %-22s %4s %5s %5s %9s %7s %9s %7s %7s %9s\n", "network", "layer", "side", "in", "out",
           "oneDNN us", "peak", "ours us", "peak", "ratio", "distance");
    for (size_t i = 0; i < bench_n_layers; i++) {
        bool wanted = first == argc;
        for (int a = first; a < argc; a++)
            wanted |= strncmp(bench_layers[i].network, argv[a], strlen(argv[a])) == 0;
        if (wanted)
            bench_row(&b, &bench_layers[i]);
    }
    b.library.session_free(b.session);
    rt__kernels_clear(&b.library);
    return 0;
}
