/* Winograd's convolutions against the plain C ones: shapes of real networks and odd ones. */
#include "base/cpu.h"
#include "kernel/winograd.h"
#include "kernel_call.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

typedef struct layer {
    const char *from;
    int32_t h, w, c, out;
    int32_t size[2], front[2], back[2];
    rt_activation_kind activation;
    bool accumulate;
} layer;

#define NONE  RT_ACTIVATION_NONE
#define RELU  RT_ACTIVATION_RELU
#define RELU6 RT_ACTIVATION_RELU6

static const layer layers[] = {
    {"Inception V3 2b", 41, 41, 32, 64, {3, 3}, {1, 1}, {1, 1}, RELU, false},
    {"Inception V3 4a", 21, 21, 80, 192, {3, 3}, {0, 0}, {0, 0}, RELU, false},
    {"Inception V3 5b", 35, 35, 96, 96, {3, 3}, {1, 1}, {1, 1}, RELU, false},
    {"Inception V3 5b, 5x5", 35, 35, 48, 64, {5, 5}, {2, 2}, {2, 2}, RELU, false},
    {"Inception V3 6e, 1x7", 17, 17, 192, 192, {1, 7}, {0, 3}, {0, 3}, RELU, false},
    {"Inception V3 6e, 7x1", 17, 17, 192, 192, {7, 1}, {3, 0}, {3, 0}, RELU, false},
    {"Inception V3 7b, 1x3", 8, 8, 384, 384, {1, 3}, {0, 1}, {0, 1}, RELU, false},
    {"Inception V3 7b, 3x1", 8, 8, 384, 384, {3, 1}, {1, 0}, {1, 0}, RELU, false},
    {"SSD Inception V2 3b", 38, 38, 64, 96, {3, 3}, {1, 1}, {1, 1}, RELU6, false},
    {"SSD Inception V2 5b", 10, 10, 192, 320, {3, 3}, {1, 1}, {1, 1}, RELU6, false},
    {"residual", 14, 14, 64, 64, {3, 3}, {1, 1}, {1, 1}, RELU, true},
    {"no activation", 13, 14, 48, 16, {3, 3}, {1, 1}, {1, 1}, NONE, false},
    {"one value", 1, 1, 16, 16, {3, 3}, {1, 1}, {1, 1}, NONE, false},
    {"smaller than a tile", 3, 2, 16, 32, {3, 3}, {1, 1}, {1, 1}, NONE, false},
    {"nothing but the taps", 7, 5, 16, 16, {7, 1}, {0, 0}, {0, 0}, NONE, false},
    {"uneven padding", 9, 6, 32, 16, {3, 3}, {0, 2}, {2, 0}, NONE, true},
    {"padding wider than a tile", 5, 5, 16, 16, {3, 3}, {9, 7}, {8, 11}, NONE, false},
    {"a thread", 1, 200, 16, 16, {1, 7}, {0, 3}, {0, 3}, NONE, false},
    {"a tower", 97, 1, 16, 48, {5, 5}, {2, 2}, {2, 2}, RELU, false},
};

static rt_conv_spec spec_of(const layer *l)
{
    return (rt_conv_spec){
        .src = {l->h, l->w, l->c, RT_LAYOUT_ROWS},
        .channels = l->out,
        .window = {.size = {l->size[0], l->size[1]},
                   .stride = {1, 1},
                   .dilation = {1, 1},
                   .front = {l->front[0], l->front[1]},
                   .back = {l->back[0], l->back[1]}},
        .activation = {l->activation, 0},
        .accumulate = l->accumulate,
    };
}

/* Random filters of a size that makes sums of about 3, so that activations are used on both sides of their
 * bends. */
static void compare(const rt_kernels *kernels, const layer *l, uint64_t seed)
{
    const size_t taps = (size_t)(l->size[0] * l->size[1]) * (size_t)l->c, n_weights = taps * (size_t)l->out;
    float *weights = random_new(n_weights, seed), *bias = random_new((size_t)l->out, seed + 1);
    float *x = random_new((size_t)(l->h * l->w) * (size_t)l->c, seed + 2), *before = NULL, *is, *wanted;
    rt_conv_spec spec = spec_of(l);
    rt_kernel *plain, *fast;
    size_t n;
    for (size_t i = 0; i < n_weights; i++)
        weights[i] *= 9 / sqrtf((float)taps);
    spec.weights = weights;
    spec.bias = bias;
    assert_true(rt__winograd_fits(&spec));
    assert_int_equal(kernels->conv(kernels, &spec, &plain, NULL), RT_OK);
    assert_int_equal(rt__winograd_conv(&spec, &fast, NULL), RT_OK);
    /* packed weights are the kernel's own */
    memset(weights, 0x7F, n_weights * sizeof *weights);
    n = rt__grid_floats(&plain->dst);
    if (l->accumulate)
        before = random_new(n, seed + 3);
    wanted = kernel_call(kernels, plain, (const float *[]){x}, before);
    is = kernel_call(kernels, fast, (const float *[]){x}, before);
    check_close(l->from, is, wanted, n, 1e-5);
    free(weights);
    free(bias);
    free(x);
    free(before);
    free(is);
    free(wanted);
}

static void layers_of_networks_agree(void **state)
{
    rt_kernels kernels;
    (void)state;
    rt__kernels_init_reference(&kernels);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        compare(&kernels, &layers[i], i);
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
    static const int32_t sizes[][2] = {{3, 3}, {5, 5}, {1, 3}, {3, 1}, {1, 7}, {7, 1}};
    uint64_t seed = 11;
    rt_kernels kernels;
    (void)state;
    rt__kernels_init_reference(&kernels);
    for (int i = 0; i < 120; i++) {
        const int32_t *size = sizes[i % 6];
        char name[100];
        layer l = {.from = name, .h = 1 + draw(&seed, 23), .w = 1 + draw(&seed, 23)};
        l.c = 16 * (1 + draw(&seed, 4));
        l.out = 16 * (1 + draw(&seed, 5));
        for (int axis = 0; axis < 2; axis++) {
            l.size[axis] = size[axis];
            l.front[axis] = size[axis] - 1 - draw(&seed, size[axis]);
            l.back[axis] = size[axis] - 1; /* so that any image is large enough */
        }
        l.activation = (rt_activation_kind)draw(&seed, 3);
        l.accumulate = draw(&seed, 2) == 1;
        snprintf(name, sizeof name, "%dx%d on [%d,%d,%d]", size[0], size[1], l.h, l.w, l.c);
        compare(&kernels, &l, seed);
    }
    rt__kernels_clear(&kernels);
}

static void other_convolutions_are_left_alone(void **state)
{
    const layer plain = {"", 12, 12, 32, 32, {3, 3}, {1, 1}, {1, 1}, RELU, false};
    rt_conv_spec spec = spec_of(&plain);
    rt_kernel *kernel = NULL;
    (void)state;
    assert_true(rt__winograd_fits(&spec));
    spec.window.stride[1] = 2;
    assert_false(rt__winograd_fits(&spec));
    assert_int_equal(rt__winograd_conv(&spec, &kernel, NULL), RT_EUNSUPPORTED);
    spec = spec_of(&plain);
    spec.window.dilation[0] = 2;
    assert_false(rt__winograd_fits(&spec));
    spec = spec_of(&plain);
    spec.src.c = 36;
    assert_false(rt__winograd_fits(&spec));
    spec = spec_of(&plain);
    spec.channels = 3;
    assert_false(rt__winograd_fits(&spec));
    spec = spec_of(&plain);
    spec.window.size[0] = 2;
    assert_false(rt__winograd_fits(&spec));
    spec = spec_of(&plain);
    spec.window.size[0] = spec.window.size[1] = 7;
    assert_false(rt__winograd_fits(&spec));
    spec = spec_of(&plain);
    spec.activation.kind = RT_ACTIVATION_TANH;
    assert_false(rt__winograd_fits(&spec));
    spec = spec_of(&plain);
    spec.multiplier = 1;
    assert_false(rt__winograd_fits(&spec));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_of_networks_agree),
        cmocka_unit_test(odd_shapes_agree),
        cmocka_unit_test(other_convolutions_are_left_alone),
    };
    if (rt__cpu_level() == RT_CPU_PLAIN) {
        printf("skipped: Winograd's convolutions need AVX2, which this processor has not\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
