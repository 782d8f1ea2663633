/* Convolutions of 1 x 1, depthwise ones and chains of them against the plain C ones, one after the other:
 * shapes of real networks and odd ones. */
#include "base/cpu.h"
#include "kernel/separable.h"
#include "kernel_call.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

enum { MOST = 3 };

/* (c -> expanded by 1 x 1,) taps x taps by stride on expanded (, -> out by 1 x 1).  0: not there. */
typedef struct layer {
    const char *from;
    int32_t h, w, c, expanded, taps, stride, out;
    int32_t front[2], back[2];
    bool accumulate;
    rt_activation_kind activation; /* of all but the last of three, or of all of fewer */
} layer;

#define SAME3 \
    {1, 1},   \
    {         \
        1, 1  \
    }
#define SAME5 \
    {2, 2},   \
    {         \
        2, 2  \
    }
#define HALF3 \
    {0, 0},   \
    {         \
        1, 1  \
    }
#define HALF5 \
    {1, 1},   \
    {         \
        2, 2  \
    }
#define POINT \
    {0, 0},   \
    {         \
        0, 0  \
    }
#define RELU6 RT_ACTIVATION_RELU6

/* clang-format off */
static const layer layers[] = {
    {"MobileNet V1 0.25 1", 112, 112, 8, 0, 3, 1, 16, SAME3, false, RELU6},
    {"MobileNet V1 0.25 2", 112, 112, 16, 0, 3, 2, 32, HALF3, false, RELU6},
    {"MobileNet V1 0.25 3", 56, 56, 32, 0, 3, 1, 32, SAME3, false, RELU6},
    {"MobileNet V1 0.25 4", 56, 56, 32, 0, 3, 2, 64, HALF3, false, RELU6},
    {"MobileNet V1 0.25 5", 28, 28, 64, 0, 3, 1, 64, SAME3, false, RELU6},
    {"MobileNet V1 0.25 6", 28, 28, 64, 0, 3, 2, 128, HALF3, false, RELU6},
    {"MobileNet V1 0.25 7", 14, 14, 128, 0, 3, 1, 128, SAME3, false, RELU6},
    {"MobileNet V1 0.25 12", 14, 14, 128, 0, 3, 2, 256, HALF3, false, RELU6},
    {"MobileNet V1 0.25 13", 7, 7, 256, 0, 3, 1, 256, SAME3, false, RELU6},
    {"MobileNet V1 13", 7, 7, 1024, 0, 3, 1, 1024, SAME3, false, RELU6},
    {"MobileNet V2 0", 112, 112, 32, 0, 3, 1, 16, SAME3, false, RELU6},
    {"MobileNet V2 1", 112, 112, 16, 96, 3, 2, 24, HALF3, false, RELU6},
    {"MobileNet V2 2", 56, 56, 24, 144, 3, 1, 24, SAME3, true, RELU6},
    {"MobileNet V2 3", 56, 56, 24, 144, 3, 2, 32, HALF3, false, RELU6},
    {"MobileNet V2 4", 28, 28, 32, 192, 3, 1, 32, SAME3, true, RELU6},
    {"MobileNet V2 6", 28, 28, 32, 192, 3, 2, 64, HALF3, false, RELU6},
    {"MobileNet V2 7", 14, 14, 64, 384, 3, 1, 64, SAME3, true, RELU6},
    {"MobileNet V2 10", 14, 14, 64, 384, 3, 1, 96, SAME3, false, RELU6},
    {"MobileNet V2 13", 14, 14, 96, 576, 3, 2, 160, HALF3, false, RELU6},
    {"MobileNet V2 14", 7, 7, 160, 960, 3, 1, 160, SAME3, true, RELU6},
    {"MobileNet V2 16", 7, 7, 160, 960, 3, 1, 320, SAME3, false, RELU6},
    {"EfficientNet-Lite0 3", 56, 56, 24, 144, 5, 2, 40, HALF5, false, RELU6},
    {"EfficientNet-Lite0 4", 28, 28, 40, 240, 5, 1, 40, SAME5, true, RELU6},
    {"EfficientNet-Lite0 8", 14, 14, 80, 480, 5, 1, 112, SAME5, false, RELU6},
    {"EfficientNet-Lite0 9", 14, 14, 112, 672, 5, 1, 112, SAME5, true, RELU6},
    {"EfficientNet-Lite0 11", 14, 14, 112, 672, 5, 2, 192, HALF5, false, RELU6},
    {"EfficientNet-Lite0 12", 7, 7, 192, 1152, 5, 1, 192, SAME5, true, RELU6},
    {"depthwise", 14, 14, 32, 0, 3, 1, 0, SAME3, false, RELU6},
    {"depthwise, 5 x 5", 9, 11, 16, 0, 5, 2, 0, SAME5, false, RT_ACTIVATION_NONE},
    {"expand and depthwise", 13, 9, 8, 24, 3, 1, 0, SAME3, false, RT_ACTIVATION_RELU},
    {"1 x 1, all panels", 5, 7, 16, 0, 0, 1, 40, POINT, false, RELU6},
    {"1 x 1, one vector", 19, 7, 24, 0, 0, 1, 8, POINT, true, RT_ACTIVATION_NONE},
    {"1 x 1, deep", 7, 7, 1032, 0, 0, 1, 24, POINT, true, RT_ACTIVATION_RELU},
    {"1 x 1, a pixel", 1, 1, 264, 0, 0, 1, 56, POINT, false, RT_ACTIVATION_RELU},
    {"as small as the taps", 3, 3, 8, 8, 3, 2, 8, {1, 1}, {0, 0}, false, RELU6},
    {"all edge", 5, 5, 8, 8, 5, 2, 16, {4, 3}, {4, 4}, false, RELU6},
};
/* clang-format on */

/* The convolutions of a layer; weights and biases are owned by whoever asked. */
typedef struct convs {
    rt_conv_spec specs[MOST];
    int n;
    rt_chain_spec chain; /* points into specs */
} convs;

typedef enum conv_kind { POINTWISE, DEPTHWISE, DENSE } conv_kind;

/* Random filters of a size that makes sums of about 3, so that activations are used on both sides. */
static void add_conv(convs *all, rt_grid src, int32_t channels, const layer *l, conv_kind kind, uint64_t seed)
{
    rt_conv_spec *spec = &all->specs[all->n];
    const bool depthwise = kind == DEPTHWISE;
    const int32_t taps = kind == POINTWISE ? 1 : l->taps;
    const size_t sums = (size_t)(taps * taps) * (depthwise ? 1 : (size_t)src.c);
    float *weights = random_new(sums * (size_t)channels, seed + (size_t)all->n);
    for (size_t i = 0; i < sums * (size_t)channels; i++)
        weights[i] *= 9 / sqrtf((float)sums);
    *spec = (rt_conv_spec){
        .src = src,
        .channels = channels,
        .multiplier = depthwise,
        .window = {{taps, taps}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
        .weights = weights,
        .bias = random_new((size_t)channels, seed + 10 + (size_t)all->n),
        .activation = {all->n == 2 ? RT_ACTIVATION_NONE : l->activation, 0},
    };
    for (int i = 0; kind != POINTWISE && i < 2; i++) {
        spec->window.stride[i] = l->stride;
        spec->window.front[i] = l->front[i];
        spec->window.back[i] = l->back[i];
    }
    *(depthwise              ? &all->chain.depthwise
      : all->chain.depthwise ? &all->chain.after
                             : &all->chain.before) = spec;
    all->n++;
}

static rt_grid last_grid(const convs *all)
{
    const rt_conv_spec *last = &all->specs[all->n - 1];
    return rt__window_grid(&last->window, &last->src, last->channels);
}

static void convs_fill(convs *all, const layer *l, uint64_t seed)
{
    rt_grid src = {l->h, l->w, l->c, RT_LAYOUT_ROWS};
    *all = (convs){.n = 0};
    if (l->expanded > 0) {
        add_conv(all, src, l->expanded, l, POINTWISE, seed);
        src = last_grid(all);
    }
    if (l->taps > 0) {
        add_conv(all, src, src.c, l, DEPTHWISE, seed);
        src = last_grid(all);
    }
    if (l->out > 0)
        add_conv(all, src, l->out, l, POINTWISE, seed);
    all->specs[all->n - 1].accumulate = l->accumulate;
}

static void convs_clear(convs *all)
{
    for (int i = 0; i < all->n; i++) {
        free((void *)all->specs[i].weights);
        free((void *)all->specs[i].bias);
    }
}

/* The plain kernels one after the other. */
static float *call_plain(const rt_kernels *kernels, const convs *all, const float *x, const float *before)
{
    float *y = NULL;
    for (int i = 0; i < all->n; i++) {
        const rt_conv_spec *spec = &all->specs[i];
        rt_kernel *kernel = NULL;
        float *last = y;
        assert_int_equal(
            (spec->multiplier ? kernels->depthwise : kernels->conv)(kernels, spec, &kernel, NULL), RT_OK);
        y = kernel_call(kernels, kernel, (const float *[]){last ? last : x},
                        spec->accumulate ? before : NULL);
        free(last);
    }
    return y;
}

static rt_kernel *fast_new(const convs *all)
{
    rt_kernel *kernel = NULL;
    if (all->n > 1) {
        assert_true(rt__chain_fits(&all->chain));
        assert_int_equal(rt__chain_conv(&all->chain, &kernel, NULL), RT_OK);
    } else if (all->chain.depthwise) {
        assert_true(rt__depthwise_fits(all->specs));
        assert_int_equal(rt__depthwise_conv(all->specs, &kernel, NULL), RT_OK);
    } else {
        assert_true(rt__pointwise_fits(all->specs));
        assert_int_equal(rt__pointwise_conv(all->specs, &kernel, NULL), RT_OK);
    }
    return kernel;
}

/* Source and result in one place, as the plan does for a residual block. */
static void check_in_place(const char *name, const rt_kernels *kernels, rt_kernel *kernel, const convs *all,
                           const float *x)
{
    rt_grid rows = kernel->dst;
    const size_t n = rt__grid_floats(&rows);
    float *wanted = kernel_call(kernels, fast_new(all), (const float *[]){x}, x), *y, *is;
    float *scratch = random_new(kernel->scratch_bytes / sizeof(float), 1);
    rows.layout = RT_LAYOUT_ROWS;
    y = relayout(kernels, x, &rows, &kernel->dst, 0);
    assert_int_equal(
        kernel->run(kernel, &(rt_kernel_args){.src = {y}, .dst = y, .scratch = scratch}, NULL, NULL), RT_OK);
    is = relayout(kernels, y, &kernel->dst, &rows, 0);
    check_close(name, is, wanted, n, 0);
    free(wanted);
    free(scratch);
    free(y);
    free(is);
}

static void compare(const rt_kernels *kernels, const layer *l, uint64_t seed)
{
    float *x = random_new((size_t)(l->h * l->w) * (size_t)l->c, seed), *before = NULL, *is, *wanted;
    rt_kernel *kernel;
    rt_grid dst;
    convs all;
    convs_fill(&all, l, seed + 20);
    dst = last_grid(&all);
    if (l->accumulate)
        before = random_new(rt__grid_floats(&dst), seed + 3);
    wanted = call_plain(kernels, &all, x, before);
    is = kernel_call(kernels, fast_new(&all), (const float *[]){x}, before);
    check_close(l->from, is, wanted, rt__grid_floats(&dst), 1e-5);
    kernel = fast_new(&all);
    if (kernel->in_place)
        check_in_place(l->from, kernels, kernel, &all, x);
    rt__kernel_free(kernel);
    convs_clear(&all);
    free(x);
    free(before);
    free(is);
    free(wanted);
}

/* ---- stems ---- */

/* 3 x 3 by 2 on c channels, behind an affine op, before depthwise 3 x 3 and 1 x 1: 0: not there. */
typedef struct stem {
    const char *from;
    int32_t h, w, c, channels, out; /* out: of all three convolutions, 0 for the first alone */
    int32_t front[2], back[2];
    bool affine;
} stem;

static const stem stems[] = {
    {"MobileNet V1 0.25", 224, 224, 3, 8, 16, HALF3, true},
    {"MobileNet V1 0.25, 128", 128, 128, 3, 8, 16, HALF3, true},
    {"MobileNet V1 0.5", 160, 160, 3, 16, 32, HALF3, false},
    {"first alone", 64, 64, 3, 16, 0, HALF3, true},
    {"first alone, without affine", 65, 63, 3, 8, 0, SAME3, false},
    {"one channel", 31, 40, 1, 8, 8, POINT, true},
    {"four channels, padding", 9, 7, 4, 16, 8, {2, 2}, {2, 2}, true},
    {"one pixel", 1, 1, 3, 8, 0, SAME3, true},
    {"one row", 3, 50, 3, 16, 0, POINT, true},
};

/* The plain kernels: affine, then the convolutions. */
static float *call_plain_stem(const rt_kernels *kernels, const rt_affine_spec *affine, const convs *all,
                              const float *x)
{
    rt_kernel *kernel = NULL;
    float *scaled, *y;
    if (!affine)
        return call_plain(kernels, all, x, NULL);
    assert_int_equal(kernels->affine(kernels, affine, &kernel, NULL), RT_OK);
    scaled = kernel_call(kernels, kernel, (const float *[]){x}, NULL);
    y = call_plain(kernels, all, scaled, NULL);
    free(scaled);
    return y;
}

static void compare_stem(const rt_kernels *kernels, const stem *t, uint64_t seed)
{
    static const float scale[] = {2, 0.5F, -3, 1}, shift[] = {-1, 0.25F, 0, 1};
    const layer first = {.taps = 3,
                         .stride = 2,
                         .front = {t->front[0], t->front[1]},
                         .back = {t->back[0], t->back[1]},
                         .activation = RELU6};
    const layer second = {.taps = 3, .stride = 1, .front = {1, 1}, .back = {1, 1}, .activation = RELU6};
    const rt_grid src = {t->h, t->w, t->c, RT_LAYOUT_ROWS};
    const rt_affine_spec affine = {src, scale, shift, {RT_ACTIVATION_NONE, 0}};
    float *x = random_new((size_t)(t->h * t->w) * (size_t)t->c, seed), *is, *wanted;
    convs all = {.n = 0};
    rt_kernel *kernel = NULL;
    rt_grid dst;
    add_conv(&all, src, t->channels, &first, DENSE, seed);
    if (t->out > 0) {
        add_conv(&all, last_grid(&all), t->channels, &second, DEPTHWISE, seed);
        add_conv(&all, last_grid(&all), t->out, &second, POINTWISE, seed);
    }
    all.chain.affine = t->affine ? &affine : NULL;
    dst = last_grid(&all);
    wanted = call_plain_stem(kernels, all.chain.affine, &all, x);
    assert_true(rt__stem_fits(all.specs));
    if (!t->affine && t->out == 0) {
        assert_int_equal(rt__stem_conv(all.specs, &kernel, NULL), RT_OK);
    } else {
        assert_true(rt__chain_fits(&all.chain));
        assert_int_equal(rt__chain_conv(&all.chain, &kernel, NULL), RT_OK);
    }
    is = kernel_call(kernels, kernel, (const float *[]){x}, NULL);
    check_close(t->from, is, wanted, rt__grid_floats(&dst), 1e-5);
    convs_clear(&all);
    free(x);
    free(is);
    free(wanted);
}

static void need_avx2(void)
{
    if (rt__cpu_level() == RT_CPU_AVX2)
        return;
    printf("skipped: these kernels are for processors with AVX2 and without AVX-512\n");
    skip();
}

static void layers_of_networks_agree(void **state)
{
    rt_kernels kernels;
    (void)state;
    need_avx2();
    rt__kernels_init_reference(&kernels);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        compare(&kernels, &layers[i], 100 * i);
    rt__kernels_clear(&kernels);
}

/* 0 .. below - 1 */
static int32_t draw(uint64_t *seed, int32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (int32_t)((*seed >> 33) % (uint64_t)below);
}

static void odd_shapes_agree(void **state)
{
    uint64_t seed = 5;
    rt_kernels kernels;
    (void)state;
    need_avx2();
    rt__kernels_init_reference(&kernels);
    for (int i = 0; i < 300; i++) {
        char name[100];
        layer l = {.from = name, .taps = 3 + 2 * draw(&seed, 2), .stride = 1 + draw(&seed, 2)};
        l.h = l.taps + draw(&seed, 40);
        l.w = l.taps + draw(&seed, 40);
        l.c = 8 * (1 + draw(&seed, 6));
        l.expanded = draw(&seed, 3) > 0 ? 8 * (1 + draw(&seed, 9)) : 0;
        l.out = draw(&seed, 4) > 0 ? 8 * (1 + draw(&seed, 9)) : 0;
        for (int axis = 0; axis < 2; axis++) {
            l.front[axis] = draw(&seed, l.taps);
            l.back[axis] = draw(&seed, l.taps);
        }
        l.activation = (rt_activation_kind)draw(&seed, 3);
        l.accumulate = l.out > 0 && draw(&seed, 2) == 1;
        snprintf(name, sizeof name, "%d: %dx%d by %d on [%d,%d,%d], %d, %d", i, l.taps, l.taps, l.stride, l.h,
                 l.w, l.c, l.expanded, l.out);
        compare(&kernels, &l, seed);
    }
    rt__kernels_clear(&kernels);
}

static void stems_agree(void **state)
{
    rt_kernels kernels;
    (void)state;
    need_avx2();
    rt__kernels_init_reference(&kernels);
    for (size_t i = 0; i < sizeof stems / sizeof *stems; i++)
        compare_stem(&kernels, &stems[i], 100 * i);
    rt__kernels_clear(&kernels);
}

static void others_are_left_alone(void **state)
{
    const layer usual = {"", 9, 9, 16, 16, 3, 1, 16, SAME3, false, RELU6};
    convs all;
    (void)state;
    need_avx2();
    convs_fill(&all, &usual, 1);
    assert_true(rt__chain_fits(&all.chain));
    all.specs[1].window.dilation[0] = 2;
    assert_false(rt__chain_fits(&all.chain));
    all.specs[1].window.dilation[0] = 1;
    all.specs[1].window.stride[1] = 2;
    assert_false(rt__depthwise_fits(&all.specs[1]));
    all.specs[1].window.stride[1] = 1;
    all.specs[1].window.size[0] = 5;
    assert_false(rt__depthwise_fits(&all.specs[1]));
    all.specs[1].window.size[0] = 3;
    all.specs[1].window.back[1] = 3;
    assert_false(rt__depthwise_fits(&all.specs[1]));
    all.specs[1].window.back[1] = 1;
    all.specs[0].accumulate = true;
    assert_false(rt__chain_fits(&all.chain));
    all.specs[0].accumulate = false;
    all.specs[0].activation.kind = RT_ACTIVATION_SWISH;
    assert_false(rt__pointwise_fits(&all.specs[0]));
    all.specs[0].activation.kind = RT_ACTIVATION_NONE;
    all.specs[0].window.front[0] = 1;
    assert_false(rt__pointwise_fits(&all.specs[0]));
    all.specs[0].window.front[0] = 0;
    all.specs[0].src.c = 12;
    assert_false(rt__pointwise_fits(&all.specs[0]));
    convs_clear(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_of_networks_agree),
        cmocka_unit_test(odd_shapes_agree),
        cmocka_unit_test(stems_agree),
        cmocka_unit_test(others_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
