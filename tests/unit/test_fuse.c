/* Every rewrite keeps what the graph computes: a graph and what rt__graph_fuse() makes of it are both run in
 * double by tests/support/reference.c, which shares no code with the library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/fused.h"
#include "support/net.h"
#include "support/reference.h"

#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { HEIGHT = 11, WIDTH = 14 };
#define IN(...) ((const rt_edge[]){__VA_ARGS__, NET_END})

/* Weights are rounded to float once or twice on the way. */
static const double bound = 2e-6;

/* ---- comparing ---- */

typedef struct result {
    rt_graph *graph;
    rt_edge input, output;
    ref_value expected;
} result;

static ref_value random_image(net *n)
{
    ref_value image = ref_new(&(rt_shape){.rank = 4, .dim = {1, HEIGHT, WIDTH, 3}});
    for (size_t i = 0; i < image.count; i++)
        image.data[i] = net_random(n, -1, 1);
    return image;
}

/* Fuses and asserts that nothing changed but the roundings. */
static result fuse(net *n, rt_edge output)
{
    rt_error err;
    result r;
    ref_value image = random_image(n), got;
    double difference;
    if (rt__graph_fuse(n->graph, n->input, output, HEIGHT, WIDTH, &r.graph, &r.input, &r.output, &err) !=
        RT_OK)
        fail_msg("%s", err.cause);
    r.expected = ref_run(n->graph, n->input, &image, output);
    got = ref_run(r.graph, r.input, &image, r.output);
    difference = ref_difference(&r.expected, &got);
    if (!(difference <= bound))
        fail_msg("differs by %g of the largest value", difference);
    ref_free(&got);
    ref_free(&image);
    return r;
}

static void done(net *n, result *r)
{
    rt__graph_free(r->graph);
    ref_free(&r->expected);
    net_clear(n);
}

/* "rt.Conv relu, rt.Pool": the ops in order, without Const and Placeholder. */
static void assert_ops(const result *r, const char *expected)
{
    char text[1000] = "";
    size_t at = 0;
    for (uint32_t i = 0; i < rt__graph_count(r->graph); i++) {
        const rt_node *node = rt__graph_node(r->graph, i);
        const rt_attr *activation = rt__node_attr(node, "activation");
        bool active = activation && activation->value.s.size > 0, adds = strcmp(node->op, "rt.Conv") == 0;
        if (strncmp(node->op, "rt.", 3) != 0)
            continue;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s%s%s%s", at ? ", " : "", node->op + 3,
                               adds && node->n_inputs == 4 ? " +" : "", active ? " " : "",
                               active ? activation->value.s.bytes : "");
    }
    assert_string_equal(text, expected);
}

static void assert_refused(net *n, rt_edge output, rt_code code, const char *cause)
{
    rt_graph *graph = NULL;
    rt_edge a, b;
    rt_error err;
    assert_int_equal(rt__graph_fuse(n->graph, n->input, output, HEIGHT, WIDTH, &graph, &a, &b, &err), code);
    if (!strstr(err.cause, cause))
        fail_msg("'%s' is not in '%s'", cause, err.cause);
    net_clear(n);
}

/* ---- the rewrites ---- */

static void batch_norms_fold(void **state)
{
    static const char *const fused[] = {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"};
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        net n;
        result r;
        rt_edge x;
        net_init(&n, (uint64_t)kind, HEIGHT, WIDTH);
        x = net_conv(&n, n.input, 3, 5, 3, 2, "SAME");
        if (kind < 3)
            x = net_norm(&n, fused[kind], x, 5);
        else if (kind == 3)
            x = net_spelled_norm(&n, x, 5);
        else if (kind == 4)
            x = net_keras_norm(&n, x, 5);
        else
            x = net_op(&n, "BiasAdd", IN(x, net_floats(&n, 1, (int64_t[]){5}, -1, 1)));
        r = fuse(&n, net_op(&n, "Relu6", IN(x)));
        assert_ops(&r, "Conv relu6");
        done(&n, &r);
    }
}

static void old_batch_norm_folds(void **state)
{
    (void)state;
    for (int scaled = 0; scaled < 2; scaled++) {
        const int64_t c = 4;
        net n;
        result r;
        rt_edge x;
        net_init(&n, 7, HEIGHT, WIDTH);
        x = net_conv(&n, n.input, 3, c, 1, 1, "VALID");
        x = net_op(&n, "BatchNormWithGlobalNormalization",
                   IN(x, net_floats(&n, 1, &c, -1, 1), net_floats(&n, 1, &c, 0.1, 2),
                      net_floats(&n, 1, &c, -1, 1), net_floats(&n, 1, &c, 0.5, 2)));
        net_set_float(&n, x, "variance_epsilon", 0.001f);
        net_set_bool(&n, x, "scale_after_normalization", scaled);
        r = fuse(&n, x);
        assert_ops(&r, "Conv");
        done(&n, &r);
    }
}

static void depthwise_and_products_take_scales(void **state)
{
    net n;
    result r;
    rt_edge x;
    (void)state;
    net_init(&n, 11, HEIGHT, WIDTH);
    x = net_op(&n, "DepthwiseConv2dNative", IN(n.input, net_floats(&n, 4, (int64_t[]){3, 3, 3, 2}, -1, 1)));
    net_set_ints(&n, x, "strides", 4, (int64_t[]){1, 2, 2, 1});
    net_set_string(&n, x, "padding", "SAME");
    x = net_op(&n, "Relu", IN(net_norm(&n, "FusedBatchNormV3", x, 6)));
    x = net_op(&n, "MatMul", IN(net_mean(&n, x), net_floats(&n, 2, (int64_t[]){4, 6}, -1, 1)));
    net_set_bool(&n, x, "transpose_b", true);
    x = net_op(&n, "Mul", IN(net_number(&n, 0.7f), x));
    x = net_op(&n, "Softmax", IN(net_op(&n, "Add", IN(x, net_floats(&n, 1, (int64_t[]){4}, -1, 1)))));
    r = fuse(&n, x);
    assert_ops(&r, "Depthwise relu, GlobalAverage, MatMul, Softmax");
    done(&n, &r);
}

/* (x * 2 - 1) goes into a convolution that does not pad, and stays in front of one that does. */
static void input_scaling_folds_where_padding_allows(void **state)
{
    (void)state;
    for (int same = 0; same < 3; same++) {
        net n;
        result r;
        rt_edge x;
        net_init(&n, 13, HEIGHT, WIDTH);
        x = net_op(&n, "Mul", IN(n.input, net_number(&n, 2)));
        if (same < 2)
            x = net_op(&n, "Sub", IN(x, net_floats(&n, 1, (int64_t[]){3}, 0.5, 1)));
        x = net_conv(&n, x, 3, 4, 3, 2, same ? "SAME" : "VALID");
        r = fuse(&n, x);
        assert_ops(&r, same == 1 ? "Affine, Conv" : "Conv");
        done(&n, &r);
    }
}

static void residual_sums_become_addends(void **state)
{
    net n;
    result r;
    rt_edge a, b, sum;
    (void)state;
    net_init(&n, 17, HEIGHT, WIDTH);
    a = net_op(&n, "Relu", IN(net_conv(&n, n.input, 3, 4, 1, 1, "SAME")));
    b = net_norm(&n, "FusedBatchNorm", net_conv(&n, a, 4, 4, 3, 1, "SAME"), 4);
    sum = net_op(&n, "Relu", IN(net_op(&n, "AddV2", IN(a, b))));
    /* Both terms are convolutions here: the later one takes the sum. */
    a = net_conv(&n, sum, 4, 5, 1, 1, "SAME");
    b = net_conv(&n, net_op(&n, "Relu", IN(net_conv(&n, sum, 4, 2, 1, 1, "SAME"))), 2, 5, 1, 1, "SAME");
    sum = net_op(&n, "Add", IN(b, a));
    r = fuse(&n, net_op(&n, "Tanh", IN(net_op(&n, "Add", IN(sum, sum)))));
    assert_ops(&r, "Conv relu, Conv + relu, Conv, Conv relu, Conv +, Add tanh");
    done(&n, &r);
}

static void a_difference_is_a_sum(void **state)
{
    net n;
    result r;
    rt_edge a, b;
    (void)state;
    net_init(&n, 19, HEIGHT, WIDTH);
    a = net_op(&n, "Relu", IN(net_conv(&n, n.input, 3, 4, 1, 1, "SAME")));
    b = net_op(&n, "Sigmoid", IN(net_conv(&n, n.input, 3, 4, 1, 1, "SAME")));
    r = fuse(&n, net_op(&n, "Neg", IN(net_op(&n, "Sub", IN(a, b)))));
    assert_ops(&r, "Conv relu, Conv sigmoid, Affine, Add, Affine");
    done(&n, &r);
}

/* What several nodes read stays what it is. */
static void shared_values_are_left_alone(void **state)
{
    net n;
    result r;
    rt_edge x, a, b;
    (void)state;
    net_init(&n, 23, HEIGHT, WIDTH);
    x = net_conv(&n, n.input, 3, 4, 1, 1, "SAME");
    a = net_op(&n, "Mul", IN(x, net_number(&n, 3)));
    b = net_op(&n, "Relu", IN(x));
    r = fuse(&n, net_op(&n, "ConcatV2", IN(a, b, x, net_ints(&n, 1, (int32_t[]){3}))));
    done(&n, &r);
}

static void other_bounds_hold(void **state)
{
    net n;
    result r;
    rt_edge x, low;
    (void)state;
    net_init(&n, 31, HEIGHT, WIDTH);
    x = net_conv(&n, n.input, 3, 4, 3, 1, "SAME");
    low = net_op(&n, "Maximum", IN(net_number(&n, -0.25f), x));
    x = net_op(&n, "Minimum", IN(low, net_number(&n, 0.5f)));
    r = fuse(&n, net_op(&n, "Minimum", IN(net_mean(&n, x), net_number(&n, 0.01f))));
    done(&n, &r);
}

static void spelled_activations_are_found(void **state)
{
    static const char *const expected[] = {"Conv swish",      "Conv hard_swish", "Conv hard_swish",
                                           "Conv hard_swish", "Conv leaky_relu", "Conv relu6",
                                           "Conv leaky_relu"};
    (void)state;
    for (int kind = 0; kind < 7; kind++) {
        net n;
        result r;
        rt_edge x, gate, y;
        net_init(&n, 29, HEIGHT, WIDTH);
        x = net_conv(&n, n.input, 3, 4, 3, 1, "SAME");
        gate = net_op(&n, "Relu6", IN(net_op(&n, "Add", IN(x, net_number(&n, 3)))));
        if (kind == 0)
            y = net_op(&n, "Mul", IN(x, net_op(&n, "Sigmoid", IN(x))));
        else if (kind == 1)
            y = net_op(&n, "Mul", IN(x, net_op(&n, "Mul", IN(gate, net_number(&n, 1.0f / 6)))));
        else if (kind == 2)
            y = net_op(&n, "Mul", IN(net_op(&n, "Mul", IN(gate, x)), net_number(&n, 1.0f / 6)));
        else if (kind == 3)
            y = net_op(&n, "Mul", IN(net_op(&n, "RealDiv", IN(gate, net_number(&n, 6))), x));
        else if (kind == 4)
            y = net_op(&n, "Maximum", IN(net_op(&n, "Mul", IN(net_number(&n, 0.1f), x)), x));
        else if (kind == 5)
            y = net_op(&n, "Minimum", IN(net_op(&n, "Maximum", IN(x, net_number(&n, 0))), net_number(&n, 6)));
        else
            y = net_op(&n, "LeakyRelu", IN(x)); /* alpha at its default, 0.2 */
        r = fuse(&n, y);
        assert_ops(&r, expected[kind]);
        done(&n, &r);
    }
}

static void pads_go_into_convolutions(void **state)
{
    net n;
    result r;
    rt_edge x, pads;
    (void)state;
    net_init(&n, 31, HEIGHT, WIDTH);
    pads = net_ints(&n, 8, (int32_t[]){0, 0, 1, 2, 3, 0, 0, 0});
    x = net_op(&n, "Pad", IN(n.input, pads));
    r = fuse(&n, net_conv(&n, x, 3, 4, 3, 2, "SAME"));
    assert_ops(&r, "Conv");
    done(&n, &r);
}

static void shapes_of_one_pixel_go(void **state)
{
    net n;
    result r;
    rt_edge x;
    (void)state;
    net_init(&n, 37, HEIGHT, WIDTH);
    x = net_conv(&n, n.input, 3, 4, 3, 2, "SAME"); /* 6 x 7 */
    x = net_op(&n, "AvgPool", IN(x));
    net_set_ints(&n, x, "ksize", 4, (int64_t[]){1, 6, 7, 1});
    net_set_ints(&n, x, "strides", 4, (int64_t[]){1, 1, 1, 1});
    net_set_string(&n, x, "padding", "VALID");
    x = net_op(&n, "Squeeze", IN(x));
    net_set_ints(&n, x, "squeeze_dims", 2, (int64_t[]){1, 2});
    x = net_op(&n, "Reshape", IN(x, net_ints(&n, 2, (int32_t[]){-1, 4})));
    x = net_op(&n, "StopGradient", IN(net_op(&n, "Identity", IN(x))));
    r = fuse(&n, x);
    assert_ops(&r, "Conv, GlobalAverage");
    done(&n, &r);
}

/* Channels first, as graphs trained on GPUs are written. */
static void channels_first_is_followed(void **state)
{
    net n;
    result r;
    rt_edge x, y;
    const int64_t c = 4;
    (void)state;
    net_init(&n, 41, HEIGHT, WIDTH);
    x = net_op(&n, "Transpose", IN(n.input, net_ints(&n, 4, (int32_t[]){0, 3, 1, 2})));
    x = net_op(&n, "Conv2D", IN(x, net_floats(&n, 4, (int64_t[]){3, 3, 3, 4}, -1, 1)));
    net_set_ints(&n, x, "strides", 4, (int64_t[]){1, 1, 2, 2});
    net_set_string(&n, x, "padding", "SAME");
    net_set_string(&n, x, "data_format", "NCHW");
    x = net_norm(&n, "FusedBatchNormV3", x, c);
    net_set_string(&n, x, "data_format", "NCHW");
    x = net_op(&n, "Mul", IN(x, net_floats(&n, 3, (int64_t[]){4, 1, 1}, 0.5, 1)));
    y = net_op(&n, "MaxPool", IN(x));
    net_set_ints(&n, y, "ksize", 4, (int64_t[]){1, 1, 3, 3});
    net_set_ints(&n, y, "strides", 4, (int64_t[]){1, 1, 1, 1});
    net_set_string(&n, y, "padding", "SAME");
    net_set_string(&n, y, "data_format", "NCHW");
    x = net_op(&n, "ConcatV2", IN(x, y, net_ints(&n, 1, (int32_t[]){1})));
    x = net_op(&n, "Mean", IN(x, net_ints(&n, 2, (int32_t[]){2, 3})));
    r = fuse(&n, x);
    assert_ops(&r, "Conv, Pool, Concat, GlobalAverage");
    done(&n, &r);
}

/* ---- what is refused, and how ---- */

static void refusals_name_node_and_op(void **state)
{
    net n;
    rt_edge x, y;
    (void)state;
    net_init(&n, 1, HEIGHT, WIDTH);
    x = net_op(&n, "Fourier", IN(n.input));
    assert_refused(&n, net_op(&n, "Relu", IN(x)), RT_EUNSUPPORTED,
                   "'n1' (Fourier): this op is not supported");
    net_init(&n, 1, HEIGHT, WIDTH);
    assert_refused(&n, net_op(&n, "Exp", IN(n.input)), RT_EUNSUPPORTED, "'n1' (Exp): this op");
    net_init(&n, 1, HEIGHT, WIDTH);
    x = net_conv(&n, n.input, 4, 4, 3, 1, "SAME");
    assert_refused(&n, x, RT_EFORMAT, "(Conv2D): input [1,11,14,3] does not fit filter [3,3,4,4]");
    net_init(&n, 1, HEIGHT, WIDTH);
    x = net_conv(&n, n.input, 3, 4, 15, 1, "VALID");
    assert_refused(&n, x, RT_EFORMAT, "a window of 15 over 11 pixels");
    net_init(&n, 1, HEIGHT, WIDTH);
    x = net_norm(&n, "FusedBatchNormV3", n.input, 3);
    net_set_bool(&n, x, "is_training", true);
    assert_refused(&n, x, RT_EUNSUPPORTED, "is_training");
    net_init(&n, 1, HEIGHT, WIDTH);
    x = net_op(&n, "Conv2D", IN(n.input, n.input));
    net_set_ints(&n, x, "strides", 4, (int64_t[]){1, 1, 1, 1});
    assert_refused(&n, x, RT_EFORMAT, "attribute 'padding' is missing");
    net_init(&n, 1, HEIGHT, WIDTH);
    x = net_op(&n, "Relu", IN(n.input, n.input));
    assert_refused(&n, x, RT_EFORMAT, "'n1' (Relu): 2 inputs");
    net_init(&n, 1, HEIGHT, WIDTH);
    y = net_op(&n, "Placeholder", &NET_END);
    net_set_type(&n, y, "dtype", RT_FLOAT);
    assert_refused(&n, net_op(&n, "Mul", IN(n.input, y)), RT_EUNSUPPORTED,
                   "'n1' (Placeholder): a value must be fed");
    net_init(&n, 1, HEIGHT, WIDTH);
    x = net_op(&n, "Mul", IN(n.input, net_floats(&n, 3, (int64_t[]){HEIGHT, WIDTH, 3}, 0, 1)));
    assert_refused(&n, x, RT_EUNSUPPORTED, "a constant [11,14,3] with [1,11,14,3]");
    /* A file of a few bytes may ask for any amount of memory. */
    net_init(&n, 1, HEIGHT, WIDTH);
    x = net_op(&n, "Fill", IN(net_ints(&n, 2, (int32_t[]){16384, 16385}), net_number(&n, 1)));
    assert_refused(&n, x, RT_ELIMIT, "'n3' (Fill)");
    net_init(&n, 1, HEIGHT, WIDTH);
    x = net_norm(&n, "FusedBatchNormV3", n.input, 3);
    x.output = 1;
    assert_refused(&n, net_op(&n, "Relu", IN(x)), RT_EUNSUPPORTED, "its output 1 is needed by");
}

/* ---- random networks ---- */

static rt_edge random_norm(net *n, rt_edge x, int64_t c)
{
    switch (net_pick(n, 4)) {
    case 0:
        return net_norm(n, "FusedBatchNormV3", x, c);
    case 1:
        return net_spelled_norm(n, x, c);
    case 2:
        return net_keras_norm(n, x, c);
    default:
        return net_op(n, "BiasAdd", IN(x, net_floats(n, 1, &c, -1, 1)));
    }
}

static rt_edge random_activation(net *n, rt_edge x)
{
    static const char *const ops[] = {"Relu", "Relu6", "Sigmoid", "Tanh", "Identity"};
    return net_op(n, ops[net_pick(n, 5)], IN(x));
}

static rt_edge random_pool(net *n, rt_edge x)
{
    int64_t k = 2 + net_pick(n, 2), stride = 1 + net_pick(n, 2);
    rt_edge y = net_op(n, net_pick(n, 2) ? "MaxPool" : "AvgPool", IN(x));
    net_set_ints(n, y, "ksize", 4, (int64_t[]){1, k, k, 1});
    net_set_ints(n, y, "strides", 4, (int64_t[]){1, stride, stride, 1});
    net_set_string(n, y, "padding", "SAME");
    return y;
}

static rt_edge random_layer(net *n, rt_edge x, int64_t *c)
{
    bool same = net_pick(n, 3) > 0;
    int64_t out = 1 + net_pick(n, 6), in = *c;
    rt_edge y;
    switch (net_pick(n, 5)) {
    case 0:
        return random_pool(n, x);
    case 1: /* a residual block */
        y = random_norm(n, net_conv(n, x, in, in, 1 + 2 * net_pick(n, 2), 1, "SAME"), in);
        return random_activation(n, net_op(n, "AddV2", net_pick(n, 2) ? IN(x, y) : IN(y, x)));
    case 2: /* two branches */
        y = random_activation(n, net_conv(n, x, in, out, 3, 1, "SAME"));
        *c = in + out;
        return net_op(n, "ConcatV2", IN(x, y, net_ints(n, 1, (int32_t[]){3})));
    default:
        *c = out;
        y = net_conv(n, x, in, out, 1 + net_pick(n, 2), same ? 1 + net_pick(n, 2) : 1,
                     same ? "SAME" : "VALID");
        return random_activation(n, random_norm(n, y, out));
    }
}

static void random_networks_stay_what_they_are(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        net n;
        result r;
        int64_t c = 3;
        rt_edge x;
        net_init(&n, seed, HEIGHT, WIDTH);
        x = random_activation(&n, random_norm(&n, n.input, 3));
        for (int layer = 0; layer < 4; layer++)
            x = random_layer(&n, x, &c);
        r = fuse(&n, net_pick(&n, 2) ? net_mean(&n, x) : x);
        done(&n, &r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_norms_fold),
        cmocka_unit_test(old_batch_norm_folds),
        cmocka_unit_test(depthwise_and_products_take_scales),
        cmocka_unit_test(input_scaling_folds_where_padding_allows),
        cmocka_unit_test(residual_sums_become_addends),
        cmocka_unit_test(a_difference_is_a_sum),
        cmocka_unit_test(shared_values_are_left_alone),
        cmocka_unit_test(other_bounds_hold),
        cmocka_unit_test(spelled_activations_are_found),
        cmocka_unit_test(pads_go_into_convolutions),
        cmocka_unit_test(shapes_of_one_pixel_go),
        cmocka_unit_test(channels_first_is_followed),
        cmocka_unit_test(refusals_name_node_and_op),
        cmocka_unit_test(random_networks_stay_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
