/* The fast kernels against the plain C ones, over shapes of real networks and odd ones, from every layout.
 * Winograd's convolutions have a test of their own. */
#include "kernel_call.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static const char *const layout_names[RT_LAYOUT_COUNT] = {"rows", "planes", "blocks of 8", "blocks of 16"};

typedef struct pair {
    rt_kernels reference, fast;
} pair;

/* ---- convolutions ---- */

typedef struct conv_case {
    const char *from;     /* network and layer the shape is cut from */
    int32_t h, w, c, out; /* out is the multiplier of a depthwise one */
    bool depthwise;
    rt_window window;
    rt_activation activation;
    bool accumulate;
    double tolerance;
} conv_case;

#define SAME1                           \
    {                                   \
        {3, 3}, {1, 1}, {1, 1}, {1, 1}, \
        {                               \
            1, 1                        \
        }                               \
    }
#define SAME2                           \
    {                                   \
        {3, 3}, {2, 2}, {1, 1}, {0, 0}, \
        {                               \
            1, 1                        \
        }                               \
    }
#define POINT                           \
    {                                   \
        {1, 1}, {1, 1}, {1, 1}, {0, 0}, \
        {                               \
            0, 0                        \
        }                               \
    }
#define NONE                  \
    {                         \
        RT_ACTIVATION_NONE, 0 \
    }
#define RELU                  \
    {                         \
        RT_ACTIVATION_RELU, 0 \
    }
#define RELU6                  \
    {                          \
        RT_ACTIVATION_RELU6, 0 \
    }

static const conv_case conv_cases[] = {
    {"MobileNet V1 0.25 first", 32, 32, 3, 8, false, SAME2, RELU6, false, 1e-6},
    {"MobileNet V2 first", 30, 30, 3, 32, false, SAME2, RELU6, false, 1e-6},
    {"Inception V3 first", 31, 31, 3, 32, false, {{3, 3}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}, RELU, false, 1e-6},
    {"MobileNet V1 0.25 depthwise 1", 14, 14, 8, 1, true, SAME1, RELU6, false, 1e-6},
    {"MobileNet V1 0.25 pointwise 1", 14, 14, 8, 16, false, POINT, RELU6, false, 1e-6},
    {"MobileNet V1 0.25 logits", 1, 1, 256, 1001, false, POINT, NONE, false, 2e-6},
    {"MobileNet V2 expand", 14, 14, 24, 144, false, POINT, RELU6, false, 1e-6},
    {"MobileNet V2 depthwise, stride 2", 14, 14, 144, 1, true, SAME2, RELU6, false, 1e-6},
    {"MobileNet V2 project", 14, 14, 144, 24, false, POINT, NONE, false, 1e-6},
    {"MobileNet V2 project, residual", 14, 14, 144, 24, false, POINT, NONE, true, 1e-6},
    {"MobileNet V2 last", 7, 7, 320, 1280, false, POINT, RELU6, false, 2e-6},
    {"EfficientNet-Lite0 5x5, stride 2",
     14,
     14,
     72,
     1,
     true,
     {{5, 5}, {2, 2}, {1, 1}, {1, 1}, {2, 2}},
     RELU6,
     false,
     1e-6},
    {"EfficientNet-Lite0 5x5",
     14,
     14,
     240,
     1,
     true,
     {{5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}},
     RELU6,
     false,
     1e-6},
    {"EfficientNet-Lite0 project", 14, 14, 240, 40, false, POINT, NONE, true, 1e-6},
    {"Inception V3 3b", 17, 17, 80, 192, false, {{3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, RELU, false, 2e-6},
    {"Inception V3 5x5", 9, 9, 48, 64, false, {{5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}}, RELU, false, 2e-6},
    {"Inception V3 1x7",
     17,
     17,
     128,
     128,
     false,
     {{1, 7}, {1, 1}, {1, 1}, {0, 3}, {0, 3}},
     RELU,
     false,
     2e-6},
    {"Inception V3 7x1",
     17,
     17,
     160,
     192,
     false,
     {{7, 1}, {1, 1}, {1, 1}, {3, 0}, {3, 0}},
     RELU,
     false,
     2e-6},
    {"Inception V3 1x3", 8, 8, 384, 384, false, {{1, 3}, {1, 1}, {1, 1}, {0, 1}, {0, 1}}, RELU, false, 2e-6},
    {"SSD Inception V2 first",
     40,
     40,
     3,
     8,
     true,
     {{7, 7}, {2, 2}, {1, 1}, {2, 2}, {3, 3}},
     NONE,
     false,
     1e-6},
    {"SSD Inception V2 first pointwise", 20, 20, 24, 64, false, POINT, RELU6, false, 1e-6},
    {"SSD Inception V2 3x3", 10, 10, 96, 128, false, SAME1, RELU6, false, 2e-6},
    {"multiplier 5", 9, 7, 6, 5, true, SAME1, RELU, false, 1e-6},
    {"multiplier 8 on 16 channels", 9, 9, 16, 8, true, SAME1, NONE, false, 1e-6},
    {"odd channels", 9, 11, 5, 7, false, SAME1, RELU, false, 1e-6},
    {"odd channels, pointwise", 6, 5, 100, 36, false, POINT, RELU6, false, 1e-6},
    {"odd depthwise", 11, 9, 13, 1, true, SAME2, RELU6, false, 1e-6},
    {"odd residual", 6, 7, 13, 11, false, SAME1, RELU, true, 1e-6},
    {"depthwise residual", 6, 7, 24, 1, true, SAME1, RELU, true, 1e-6},
    {"dilated", 15, 15, 16, 24, false, {{3, 3}, {1, 1}, {2, 2}, {2, 2}, {2, 2}}, RELU, false, 1e-6},
    {"dilated unevenly", 15, 12, 8, 8, false, {{3, 2}, {1, 1}, {2, 3}, {0, 0}, {0, 0}}, NONE, false, 1e-6},
    {"dilated depthwise", 15, 15, 32, 1, true, {{3, 3}, {1, 1}, {2, 2}, {2, 2}, {2, 2}}, RELU6, false, 1e-6},
    {"rows left over", 10, 10, 8, 8, false, {{1, 1}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}, NONE, false, 1e-6},
    {"strides differ", 12, 9, 8, 16, false, {{3, 3}, {2, 1}, {1, 1}, {1, 1}, {1, 1}}, NONE, false, 1e-6},
    {"wide padding", 5, 5, 8, 8, false, {{3, 3}, {1, 1}, {1, 1}, {4, 4}, {3, 5}}, NONE, false, 1e-6},
    {"one channel", 12, 12, 1, 16, false, SAME1, RELU, false, 1e-6},
    {"sigmoid", 6, 6, 16, 16, false, POINT, {RT_ACTIVATION_SIGMOID, 0}, false, 2e-6},
    {"tanh", 6, 6, 16, 16, false, POINT, {RT_ACTIVATION_TANH, 0}, false, 2e-6},
    {"swish", 6, 6, 16, 20, false, SAME1, {RT_ACTIVATION_SWISH, 0}, false, 2e-6},
    {"hard swish", 6, 6, 16, 16, false, POINT, {RT_ACTIVATION_HARD_SWISH, 0}, false, 2e-6},
    {"leaky", 6, 6, 16, 16, false, POINT, {RT_ACTIVATION_LEAKY_RELU, 0.2F}, false, 1e-6},
    {"elu", 6, 6, 16, 16, false, POINT, {RT_ACTIVATION_ELU, 1}, false, 2e-6},
    {"sigmoid, depthwise, odd", 6, 6, 10, 1, true, SAME1, {RT_ACTIVATION_SIGMOID, 0}, false, 2e-6},
};

static rt_kernel *conv_new(const rt_kernels *kernels, const conv_case *c, rt_layout layout)
{
    rt_conv_spec spec = {.src = {c->h, c->w, c->c, layout},
                         .window = c->window,
                         .channels = c->depthwise ? c->c * c->out : c->out,
                         .multiplier = c->depthwise ? c->out : 0,
                         .activation = c->activation,
                         .accumulate = c->accumulate};
    size_t taps = (size_t)c->window.size[0] * (size_t)c->window.size[1];
    float *weights = random_new(taps * (size_t)c->c * (size_t)c->out, 2);
    float *bias = random_new((size_t)spec.channels, 3);
    rt_kernel *kernel = NULL;
    rt_error err;
    /* Sums of about 3, so that activations are used on both sides of their bends. */
    for (size_t i = 0; i < taps * (size_t)c->c * (size_t)c->out; i++)
        weights[i] *= 9 / sqrtf((float)(taps * (size_t)(c->depthwise ? 1 : c->c)));
    spec.weights = weights;
    spec.bias = bias;
    rt_error_clear(&err);
    if ((c->depthwise ? kernels->depthwise : kernels->direct_conv)(kernels, &spec, &kernel, &err) != RT_OK)
        fail_msg("%s from %s: %s", c->from, layout_names[layout], err.cause);
    /* Packed weights are the kernel's own. */
    memset(weights, 0x7F, taps * (size_t)c->c * (size_t)c->out * sizeof(float));
    free(weights);
    free(bias);
    return kernel;
}

static void convolutions_agree(void **state)
{
    const pair *both = *state;
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++) {
        const conv_case *c = &conv_cases[i];
        rt_kernel *kernel = conv_new(&both->reference, c, RT_LAYOUT_ROWS);
        size_t n = rt__grid_floats(&kernel->dst);
        float *x = random_new((size_t)c->h * (size_t)c->w * (size_t)c->c, i);
        float *before = c->accumulate ? random_new(n, i + 100) : NULL;
        float *wanted = kernel_call(&both->reference, kernel, (const float *[]){x}, before);
        for (int layout = 0; layout < RT_LAYOUT_COUNT; layout++) {
            char what[100];
            float *is = kernel_call(&both->fast, conv_new(&both->fast, c, (rt_layout)layout),
                                    (const float *[]){x}, before);
            snprintf(what, sizeof what, "%s from %s", c->from, layout_names[layout]);
            check_close(what, is, wanted, n, c->tolerance);
            free(is);
        }
        free(x);
        free(before);
        free(wanted);
    }
}

/* ---- pools ---- */

typedef struct pool_case {
    const char *from;
    int32_t h, w, c;
    bool average;
    rt_window window;
    double tolerance;
} pool_case;

static const pool_case pool_cases[] = {
    {"Inception V3 maximum", 17, 17, 64, false, {{3, 3}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}, 0},
    {"Inception V3 average", 9, 9, 192, true, SAME1, 5e-7},
    {"Inception V3 global", 8, 8, 2048, true, {{8, 8}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, 5e-7},
    {"MobileNet global", 7, 7, 1280, true, {{7, 7}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, 5e-7},
    {"SSD Inception V2 uneven", 10, 10, 64, false, SAME2, 0},
    {"uneven average", 10, 8, 20, true, SAME2, 5e-7},
    {"odd", 7, 5, 3, false, {{2, 3}, {2, 1}, {1, 1}, {0, 1}, {1, 1}}, 0},
    {"odd average", 9, 6, 11, true, {{5, 2}, {2, 2}, {1, 1}, {2, 0}, {2, 1}}, 5e-7},
    {"rows left over", 8, 8, 16, false, {{2, 2}, {3, 3}, {1, 1}, {0, 0}, {0, 0}}, 0},
};

static rt_kernel *pool_new(const rt_kernels *kernels, const pool_case *c, rt_layout layout)
{
    const rt_pool_spec spec = {{c->h, c->w, c->c, layout}, c->average, c->window};
    rt_kernel *kernel = NULL;
    bool is_global = c->average && c->window.size[0] == c->h && c->window.size[1] == c->w;
    rt_code code = is_global ? kernels->global_average(kernels, &spec.src, &kernel, NULL)
                             : kernels->pool(kernels, &spec, &kernel, NULL);
    assert_int_equal(code, RT_OK);
    return kernel;
}

static void pools_agree(void **state)
{
    const pair *both = *state;
    for (size_t i = 0; i < sizeof pool_cases / sizeof *pool_cases; i++) {
        const pool_case *c = &pool_cases[i];
        rt_kernel *kernel = pool_new(&both->reference, c, RT_LAYOUT_ROWS);
        size_t n = rt__grid_floats(&kernel->dst);
        float *x = random_new((size_t)c->h * (size_t)c->w * (size_t)c->c, i);
        float *wanted = kernel_call(&both->reference, kernel, (const float *[]){x}, NULL);
        for (int layout = 0; layout < RT_LAYOUT_COUNT; layout++)
            for (int is_fast = 0; is_fast < 2; is_fast++) {
                const rt_kernels *kernels = is_fast ? &both->fast : &both->reference;
                float *is =
                    kernel_call(kernels, pool_new(kernels, c, (rt_layout)layout), (const float *[]){x}, NULL);
                char what[100];
                snprintf(what, sizeof what, "%s from %s, %s", c->from, layout_names[layout], kernels->name);
                check_close(what, is, wanted, n, c->tolerance);
                free(is);
            }
        free(x);
        free(wanted);
    }
}

/* ---- matrix products ---- */

static void products_agree(void **state)
{
    static const struct {
        int32_t inputs, outputs;
        rt_activation activation;
    } cases[] = {{256, 5, NONE}, {1280, 1000, NONE}, {2048, 17, RELU},
                 {7, 3, NONE},   {1, 1, NONE},       {100, 101, {RT_ACTIVATION_SIGMOID, 0}}};
    const pair *both = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t inputs = (size_t)cases[i].inputs, outputs = (size_t)cases[i].outputs;
        float *weights = random_new(inputs * outputs, 2), *bias = random_new(outputs, 3);
        float *x = random_new(inputs, 1), *results[2];
        const rt_kernels *tables[2] = {&both->reference, &both->fast};
        char what[40];
        for (int t = 0; t < 2; t++) {
            const rt_matmul_spec spec = {cases[i].inputs, cases[i].outputs, weights, bias,
                                         cases[i].activation};
            rt_kernel *kernel = NULL;
            assert_int_equal(tables[t]->matmul(tables[t], &spec, &kernel, NULL), RT_OK);
            results[t] = kernel_call(tables[t], kernel, (const float *[]){x}, NULL);
        }
        snprintf(what, sizeof what, "[%zu] x [%zu,%zu]", inputs, inputs, outputs);
        check_close(what, results[1], results[0], outputs, 2e-6);
        free(weights);
        free(bias);
        free(x);
        free(results[0]);
        free(results[1]);
    }
}

/* ---- ops that work in any layout ---- */

static const rt_grid odd_grids[] = {{5, 7, 13, RT_LAYOUT_ROWS},
                                    {1, 1, 20, RT_LAYOUT_ROWS},
                                    {6, 3, 24, RT_LAYOUT_ROWS},
                                    {4, 4, 1, RT_LAYOUT_ROWS}};

/* What a kernel gives from each layout must be what it gives from rows, bit for bit. */
typedef rt_kernel *kernel_maker(const rt_kernels *kernels, const rt_grid *src);

static rt_kernel *make_add(const rt_kernels *kernels, const rt_grid *src)
{
    const rt_activation_spec spec = {*src, RELU};
    rt_kernel *kernel = NULL;
    assert_int_equal(kernels->add(kernels, &spec, &kernel, NULL), RT_OK);
    return kernel;
}

static rt_kernel *make_affine(const rt_kernels *kernels, const rt_grid *src)
{
    float *scale = random_new((size_t)src->c, 4), *shift = random_new((size_t)src->c, 5);
    const rt_affine_spec spec = {*src, scale, shift, NONE};
    rt_kernel *kernel = NULL;
    assert_int_equal(kernels->affine(kernels, &spec, &kernel, NULL), RT_OK);
    free(scale);
    free(shift);
    return kernel;
}

static rt_kernel *make_swish(const rt_kernels *kernels, const rt_grid *src)
{
    const rt_activation_spec spec = {*src, {RT_ACTIVATION_SWISH, 0}};
    rt_kernel *kernel = NULL;
    assert_int_equal(kernels->activation(kernels, &spec, &kernel, NULL), RT_OK);
    return kernel;
}

static rt_kernel *make_pad(const rt_kernels *kernels, const rt_grid *src)
{
    const rt_pad_spec spec = {*src, {1, 0}, {2, 3}};
    rt_kernel *kernel = NULL;
    assert_int_equal(kernels->pad(kernels, &spec, &kernel, NULL), RT_OK);
    return kernel;
}

static rt_kernel *make_softmax(const rt_kernels *kernels, const rt_grid *src)
{
    rt_kernel *kernel = NULL;
    assert_int_equal(kernels->softmax(kernels, src, &kernel, NULL), RT_OK);
    return kernel;
}

static rt_kernel *make_mul(const rt_kernels *kernels, const rt_grid *src)
{
    const rt_mul_spec spec = {*src, false, RELU};
    rt_kernel *kernel = NULL;
    assert_int_equal(kernels->mul(kernels, &spec, &kernel, NULL), RT_OK);
    return kernel;
}

/* The second input's first pixel is the gate. */
static rt_kernel *make_gate(const rt_kernels *kernels, const rt_grid *src)
{
    const rt_mul_spec spec = {*src, true, NONE};
    rt_kernel *kernel = NULL;
    assert_int_equal(kernels->mul(kernels, &spec, &kernel, NULL), RT_OK);
    return kernel;
}

static void layouts_change_no_bit(void **state)
{
    static kernel_maker *const makers[] = {make_add,     make_affine, make_swish, make_pad,
                                           make_softmax, make_mul,    make_gate};
    const pair *both = *state;
    for (size_t m = 0; m < sizeof makers / sizeof *makers; m++)
        for (size_t g = 0; g < sizeof odd_grids / sizeof *odd_grids; g++) {
            rt_grid grid = odd_grids[g];
            float *a = random_new(rt__grid_floats(&grid), 6), *b = random_new(rt__grid_floats(&grid), 7);
            const float *inputs[] = {a, b};
            rt_kernel *kernel = makers[m](&both->reference, &grid);
            size_t n = rt__grid_floats(&kernel->dst);
            float *wanted = kernel_call(&both->reference, kernel, inputs, NULL);
            for (int layout = 0; layout < RT_LAYOUT_COUNT; layout++) {
                float *is;
                grid.layout = (rt_layout)layout;
                is = kernel_call(&both->fast, makers[m](&both->fast, &grid), inputs, NULL);
                assert_memory_equal(is, wanted, n * sizeof *is);
                free(is);
            }
            free(a);
            free(b);
            free(wanted);
        }
}

static void elementwise_ops_are_what_they_say(void **state)
{
    const pair *both = *state;
    const rt_grid grid = odd_grids[0];
    size_t n = rt__grid_floats(&grid);
    float *a = random_new(n, 6), *b = random_new(n, 7), *wanted = random_new(n, 0);
    float *scale = random_new((size_t)grid.c, 4), *shift = random_new((size_t)grid.c, 5), *is;
    for (size_t i = 0; i < n; i++)
        wanted[i] = a[i] + b[i] > 0 ? a[i] + b[i] : 0;
    is = kernel_call(&both->fast, make_add(&both->fast, &grid), (const float *[]){a, b}, NULL);
    assert_memory_equal(is, wanted, n * sizeof *is);
    free(is);
    for (size_t i = 0; i < n; i++) {
        float product = a[i] * scale[i % (size_t)grid.c];
        wanted[i] = product + shift[i % (size_t)grid.c];
    }
    is = kernel_call(&both->fast, make_affine(&both->fast, &grid), (const float *[]){a}, NULL);
    assert_memory_equal(is, wanted, n * sizeof *is);
    free(is);
    for (size_t i = 0; i < n; i++)
        wanted[i] = a[i] * b[i % (size_t)grid.c];
    is = kernel_call(&both->fast, make_gate(&both->fast, &grid), (const float *[]){a, b}, NULL);
    assert_memory_equal(is, wanted, n * sizeof *is);
    free(is);
    for (size_t i = 0; i < n; i++)
        wanted[i] = a[i] * b[i] > 0 ? a[i] * b[i] : 0;
    is = kernel_call(&both->fast, make_mul(&both->fast, &grid), (const float *[]){a, b}, NULL);
    assert_memory_equal(is, wanted, n * sizeof *is);
    free(is);
    free(a);
    free(b);
    free(wanted);
    free(scale);
    free(shift);
}

/* Two images side by side in channels, from any layout into any other. */
static void places_put_channels_where_they_belong(void **state)
{
    const pair *both = *state;
    const rt_grid a = {3, 5, 16, RT_LAYOUT_ROWS}, b = {3, 5, 11, RT_LAYOUT_ROWS};
    float *x = random_new(rt__grid_floats(&a), 1), *y = random_new(rt__grid_floats(&b), 2);
    for (int layouts = 0; layouts < RT_LAYOUT_COUNT * RT_LAYOUT_COUNT; layouts++) {
        rt_layout from = (rt_layout)(layouts % RT_LAYOUT_COUNT), to = (rt_layout)(layouts / RT_LAYOUT_COUNT);
        for (int swapped = 0; swapped < 2; swapped++) {
            const rt_grid *first = swapped ? &b : &a, *second = swapped ? &a : &b;
            const float *values[2] = {swapped ? y : x, swapped ? x : y};
            rt_place_spec specs[2] = {{*first, {3, 5, 27, to}, 0}, {*second, {3, 5, 27, to}, first->c}};
            rt_kernel *kernels[2];
            float *half, *whole;
            for (int i = 0; i < 2; i++) {
                specs[i].src.layout = from;
                assert_int_equal(both->fast.place(&both->fast, &specs[i], &kernels[i], NULL), RT_OK);
            }
            half = random_new(3 * 5 * 27, 3); /* what is not written must stay */
            whole = kernel_call(&both->fast, kernels[0], &values[0], half);
            free(half);
            half = whole;
            whole = kernel_call(&both->fast, kernels[1], &values[1], half);
            for (int32_t p = 0; p < 15; p++)
                for (int32_t c = 0; c < 27; c++) {
                    float wanted =
                        c < first->c ? values[0][p * first->c + c] : values[1][p * second->c + c - first->c];
                    assert_true(whole[p * 27 + c] == wanted);
                }
            free(half);
            free(whole);
        }
    }
    free(x);
    free(y);
}

/* ---- the order of TensorFlow ---- */

/* One output value, term by term; x [h, w, c] and weights [kh, kw, c, out]. */
static float dense_value(const rt_conv_spec *spec, const float *x, int32_t y0, int32_t x0, int32_t o)
{
    bool is_left_over = o >= spec->channels / 16 * 16;
    float sums[2] = {0};
    int32_t term = 0;
    for (int32_t r = 0; r < spec->window.size[0]; r++)
        for (int32_t s = 0; s < spec->window.size[1]; s++)
            for (int32_t c = 0; c < spec->src.c; c++, term++) {
                int32_t at_y = y0 + r, at_x = x0 + s;
                bool is_inside = at_y >= 0 && at_y < spec->src.h && at_x >= 0 && at_x < spec->src.w;
                float value = is_inside ? x[(at_y * spec->src.w + at_x) * spec->src.c + c] : 0;
                float *sum = &sums[is_left_over ? term % 2 : 0];
                *sum = fmaf(value, spec->weights[term * spec->channels + o], *sum);
            }
    return (is_left_over ? sums[0] + sums[1] : sums[0]) + spec->bias[o];
}

static float depthwise_value(const rt_conv_spec *spec, const float *x, int32_t y0, int32_t x0, int32_t o)
{
    float sum = 0;
    for (int32_t tap = 0; tap < spec->window.size[0] * spec->window.size[1]; tap++) {
        int32_t at_y = y0 + tap / spec->window.size[1], at_x = x0 + tap % spec->window.size[1];
        bool is_inside = at_y >= 0 && at_y < spec->src.h && at_x >= 0 && at_x < spec->src.w;
        float product = is_inside ? x[(at_y * spec->src.w + at_x) * spec->src.c + o] : 0;
        product *= spec->weights[tap * spec->channels + o];
        sum += product;
    }
    return sum + spec->bias[o];
}

typedef float value_function(const rt_conv_spec *spec, const float *x, int32_t y0, int32_t x0, int32_t o);

/* All layouts, bit for bit; the spec's weights and bias are made here. */
static void check_order(const rt_kernels *kernels, rt_conv_spec spec, bool depthwise)
{
    value_function *value = depthwise ? depthwise_value : dense_value;
    size_t taps =
        (size_t)spec.window.size[0] * (size_t)spec.window.size[1] * (depthwise ? 1 : (size_t)spec.src.c);
    float *weights = random_new(taps * (size_t)spec.channels, 1),
          *bias = random_new((size_t)spec.channels, 2);
    float *x = random_new((size_t)spec.src.h * (size_t)spec.src.w * (size_t)spec.src.c, 3);
    spec.weights = weights;
    spec.bias = bias;
    for (int layout = 0; layout < RT_LAYOUT_COUNT; layout++) {
        rt_kernel *kernel = NULL;
        rt_grid out = rt__window_grid(&spec.window, &spec.src, spec.channels);
        float *is;
        spec.src.layout = (rt_layout)layout;
        assert_int_equal(
            (depthwise ? kernels->ordered_depthwise : kernels->ordered_conv)(kernels, &spec, &kernel, NULL),
            RT_OK);
        is = kernel_call(kernels, kernel, (const float *[]){x}, NULL);
        for (int32_t i = 0; i < out.h * out.w * out.c; i++) {
            int32_t o = i % out.c, column = i / out.c % out.w, row = i / out.c / out.w;
            float wanted = value(&spec, x, row * spec.window.stride[0] - spec.window.front[0],
                                 column * spec.window.stride[1] - spec.window.front[1], o);
            if (is[i] != wanted)
                fail_msg("[%d,%d,%d] from %s is %.9g, not %.9g", row, column, o, layout_names[layout],
                         (double)is[i], (double)wanted);
        }
        free(is);
    }
    free(x);
    free(weights);
    free(bias);
}

static void ordered_convolutions_round_every_step(void **state)
{
    const pair *both = *state;
    const rt_window even = {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, uneven = SAME2;
    check_order(&both->fast, (rt_conv_spec){.src = {16, 16, 3, 0}, .channels = 8, .window = uneven}, false);
    check_order(&both->fast, (rt_conv_spec){.src = {15, 16, 3, 0}, .channels = 40, .window = uneven}, false);
    check_order(&both->fast, (rt_conv_spec){.src = {7, 6, 1, 0}, .channels = 13, .window = even}, false);
    check_order(&both->fast, (rt_conv_spec){.src = {14, 12, 16, 0}, .channels = 16, .window = uneven}, true);
    check_order(&both->fast, (rt_conv_spec){.src = {9, 9, 8, 0}, .channels = 8, .window = even}, true);
    check_order(&both->fast, (rt_conv_spec){.src = {6, 7, 13, 0}, .channels = 13, .window = even}, true);
}

static int set_up(void **state)
{
    static pair both;
    rt__kernels_init_reference(&both.reference);
    *state = &both;
    return rt__kernels_init(&both.fast, NULL) == RT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    rt__kernels_clear(&((pair *)*state)->fast);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_agree),
        cmocka_unit_test(pools_agree),
        cmocka_unit_test(products_agree),
        cmocka_unit_test(layouts_change_no_bit),
        cmocka_unit_test(elementwise_ops_are_what_they_say),
        cmocka_unit_test(ordered_convolutions_round_every_step),
        cmocka_unit_test(places_put_channels_where_they_belong),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
