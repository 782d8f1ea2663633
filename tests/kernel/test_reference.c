/* The plain C kernels against TensorFlow. */
#include "kernel_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

typedef enum case_op { OP_CONV, OP_DEPTHWISE, OP_MAX_POOL, OP_AVERAGE_POOL } case_op;

typedef struct tensorflow_case {
    case_op op;
    rt_grid src;
    int32_t last; /* dimension of the filter */
    rt_window window;
    int32_t shape[3]; /* of the result */
    const float *result;
} tensorflow_case;

#include "tensorflow_cases.h"

static rt_kernel *conv_new(const rt_kernels *kernels, const tensorflow_case *c)
{
    bool is_dense = c->op == OP_CONV;
    rt_conv_spec spec = {.src = c->src,
                         .window = c->window,
                         .channels = is_dense ? c->last : c->last * c->src.c,
                         .multiplier = is_dense ? 0 : c->last};
    size_t n = (size_t)c->window.size[0] * (size_t)c->window.size[1] * (size_t)c->src.c * (size_t)c->last;
    float *weights = pattern_new(n, 2), *bias = pattern_new((size_t)spec.channels, 3);
    rt_kernel *kernel = NULL;
    spec.weights = weights;
    spec.bias = bias;
    assert_int_equal((is_dense ? kernels->conv : kernels->depthwise)(kernels, &spec, &kernel, NULL), RT_OK);
    free(weights);
    free(bias);
    return kernel;
}

static rt_kernel *pool_new(const rt_kernels *kernels, const tensorflow_case *c)
{
    const rt_pool_spec spec = {.src = c->src, .average = c->op == OP_AVERAGE_POOL, .window = c->window};
    rt_kernel *kernel = NULL;
    assert_int_equal(kernels->pool(kernels, &spec, &kernel, NULL), RT_OK);
    return kernel;
}

static void windows_give_tensorflows_values(void **state)
{
    rt_kernels *kernels = *state;
    for (size_t i = 0; i < sizeof tensorflow_cases / sizeof *tensorflow_cases; i++) {
        const tensorflow_case *c = &tensorflow_cases[i];
        size_t n = (size_t)c->shape[0] * (size_t)c->shape[1] * (size_t)c->shape[2];
        rt_kernel *kernel = c->op <= OP_DEPTHWISE ? conv_new(kernels, c) : pool_new(kernels, c);
        float *x = pattern_new(rt__grid_floats(&c->src), 1), *y;
        char what[40];
        assert_int_equal(kernel->dst.h, c->shape[0]);
        assert_int_equal(kernel->dst.w, c->shape[1]);
        assert_int_equal(kernel->dst.c, c->shape[2]);
        y = kernel_call(kernels, kernel, (const float *[]){x}, NULL);
        snprintf(what, sizeof what, "TensorFlow's case %zu", i);
        check_close(what, y, c->result, n, 2e-7);
        free(x);
        free(y);
    }
}

static void activations_give_tensorflows_values(void **state)
{
    const float *const wanted[RT_ACTIVATION_COUNT] = {
        [RT_ACTIVATION_RELU] = relu_of,        [RT_ACTIVATION_RELU6] = relu6_of,
        [RT_ACTIVATION_SIGMOID] = sigmoid_of,  [RT_ACTIVATION_TANH] = tanh_of,
        [RT_ACTIVATION_SWISH] = swish_of,      [RT_ACTIVATION_HARD_SWISH] = hard_swish_of,
        [RT_ACTIVATION_LEAKY_RELU] = leaky_of, [RT_ACTIVATION_ELU] = elu_of};
    rt_kernels *kernels = *state;
    float *x = pattern_new(9, 1);
    for (int i = 0; i < 9; i++)
        x[i] *= 4;
    for (int i = RT_ACTIVATION_NONE + 1; i < RT_ACTIVATION_COUNT; i++) {
        const rt_activation_spec spec = {{1, 1, 9, RT_LAYOUT_ROWS}, {(rt_activation_kind)i, 0.1F}};
        rt_kernel *kernel = NULL;
        char what[40];
        float *y;
        assert_int_equal(kernels->activation(kernels, &spec, &kernel, NULL), RT_OK);
        y = kernel_call(kernels, kernel, (const float *[]){x}, NULL);
        snprintf(what, sizeof what, "activation %d", i);
        check_close(what, y, wanted[i], 9, 2e-7); /* TensorFlow's tanh is a rational one */
        free(y);
    }
    free(x);
}

static void rows_give_tensorflows_values(void **state)
{
    rt_kernels *kernels = *state;
    float *x = pattern_new(9, 1), *weights = pattern_new(20, 2), *bias = pattern_new(4, 3), *y;
    const rt_matmul_spec spec = {.inputs = 5, .outputs = 4, .weights = weights, .bias = bias};
    const rt_grid row = {1, 1, 9, RT_LAYOUT_ROWS};
    rt_kernel *kernel = NULL;
    assert_int_equal(kernels->matmul(kernels, &spec, &kernel, NULL), RT_OK);
    y = kernel_call(kernels, kernel, (const float *[]){x}, NULL);
    check_close("matmul", y, product, 4, 1e-7);
    free(y);
    for (int i = 0; i < 9; i++)
        x[i] *= 4;
    assert_int_equal(kernels->softmax(kernels, &row, &kernel, NULL), RT_OK);
    y = kernel_call(kernels, kernel, (const float *[]){x}, NULL);
    check_close("softmax", y, softmax_of, 9, 2e-7);
    free(y);
    free(x);
    free(weights);
    free(bias);
}

/* No slot may be left empty, whatever library fills some of them. */
static void no_slot_is_empty(void **state)
{
    rt_kernels reference = *(rt_kernels *)*state, fast;
    const rt_kernels *both[] = {&reference, &fast};
    assert_int_equal(rt__kernels_init(&fast, NULL), RT_OK);
    for (int i = 0; i < 2; i++) {
        const rt_kernels *k = both[i];
        assert_non_null(k->name);
        assert_true(k->conv && k->depthwise && k->ordered_conv && k->ordered_depthwise && k->matmul &&
                    k->pool && k->global_average && k->place);
        assert_true(k->add && k->affine && k->fake_quant && k->activation && k->softmax && k->pad);
        assert_true(k->session_new && k->session_enter && k->session_free && k->clear);
    }
    rt__kernels_clear(&fast);
}

static int set_up(void **state)
{
    static rt_kernels kernels;
    rt__kernels_init_reference(&kernels);
    *state = &kernels;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_slot_is_empty),
        cmocka_unit_test(windows_give_tensorflows_values),
        cmocka_unit_test(activations_give_tensorflows_values),
        cmocka_unit_test(rows_give_tensorflows_values),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
