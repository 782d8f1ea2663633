/* Cuts of detectors nobody has seen: no names, only structure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "model/detector.h"
#include "support/net.h"

#include <string.h>

#include <cmocka.h>

static const int32_t flat[] = {1, -1};

static rt_edge relu(net *n, rt_edge x)
{
    return net_op(n, "Relu", (rt_edge[]){x, NET_END});
}

/* A predictor: a convolution whose map is flattened, as box coders want it. */
static void head(net *n, rt_edge x, int64_t channels)
{
    rt_edge y = net_conv(n, x, channels, 4, 1, 1, "SAME");
    net_op(n, "Reshape", (rt_edge[]){y, net_ints(n, 2, flat), NET_END});
}

/* Backbone of 6, 12 channels; heads on 12 and on an extra layer of 8.  Returns the map that is wanted. */
static rt_edge backbone(net *n, rt_edge x)
{
    rt_edge wide, extra;
    x = relu(n, net_conv(n, x, 3, 6, 3, 2, "SAME"));
    wide = relu(n, net_norm(n, "FusedBatchNorm", net_conv(n, x, 6, 12, 3, 1, "SAME"), 12));
    extra = relu(n, net_conv(n, wide, 12, 8, 3, 2, "SAME"));
    head(n, wide, 12);
    head(n, wide, 12);
    head(n, extra, 8);
    head(n, extra, 8);
    return wide;
}

static rt_detector find(net *n)
{
    rt_detector found;
    rt_error err;
    if (rt__find_detector(n->graph, &found, &err) != RT_OK)
        fail_msg("%s", err.cause);
    return found;
}

static void assert_edge(rt_edge found, rt_edge wanted)
{
    assert_int_equal(found.node, wanted.node);
    assert_int_equal(found.output, wanted.output);
}

static void the_widest_map_that_a_head_reads_is_taken(void **state)
{
    net n;
    rt_edge wide;
    rt_detector found;
    (void)state;
    net_init(&n, 1, 32, 48);
    wide = backbone(&n, n.input);
    found = find(&n);
    assert_edge(found.feature, wide);
    assert_edge(found.input, n.input);
    assert_int_equal(found.height, 32);
    assert_int_equal(found.width, 48);
    net_clear(&n);
}

static void scaling_by_constants_belongs_to_the_network(void **state)
{
    static const int32_t size[] = {40, 56};
    net n;
    rt_edge pixels, x, wide;
    rt_detector found;
    (void)state;
    net_init(&n, 2, 0, 0);
    net_set_type(&n, n.input, "dtype", RT_UINT8);
    pixels = net_op(&n, "Cast", (rt_edge[]){n.input, NET_END});
    pixels = net_op(&n, "ResizeBilinear", (rt_edge[]){pixels, net_ints(&n, 2, size), NET_END});
    x = net_op(&n, "Mul", (rt_edge[]){net_number(&n, 2.0F / 255), pixels, NET_END});
    x = net_op(&n, "Sub", (rt_edge[]){x, net_number(&n, 1), NET_END});
    wide = backbone(&n, x);
    found = find(&n);
    assert_edge(found.input, pixels);
    assert_edge(found.feature, wide);
    assert_int_equal(found.height, 40);
    assert_int_equal(found.width, 56);
    net_clear(&n);
}

/* A keep-aspect resizer computes its size: there is none to find, and the user is asked for it. */
static void a_size_that_is_computed_is_left_open(void **state)
{
    net n;
    rt_edge sides, pixels, wide;
    rt_detector found;
    (void)state;
    net_init(&n, 3, 0, 0);
    sides = net_op(&n, "Shape", (rt_edge[]){n.input, NET_END});
    pixels = net_op(&n, "ResizeBilinear", (rt_edge[]){n.input, sides, NET_END});
    wide = backbone(&n, pixels);
    found = find(&n);
    assert_edge(found.feature, wide);
    assert_int_equal(found.height, 0);
    net_clear(&n);
}

static void loops_and_strings_around_the_network_do_not_matter(void **state)
{
    static const int32_t labels[] = {1, 2};
    net n;
    rt_edge enter, merge, next, wide;
    (void)state;
    net_init(&n, 4, 32, 32);
    enter = net_op(&n, "Enter", (rt_edge[]){n.input, NET_END});
    merge = net_op(&n, "Merge", (rt_edge[]){enter, NET_END});
    next = net_op(&n, "NextIteration", (rt_edge[]){merge, NET_END});
    assert_int_equal(rt__graph_set_inputs(n.graph, merge.node, (rt_edge[]){enter, next}, 2, NULL, 0, NULL),
                     RT_OK);
    net_op(&n, "LookupTableFindV2", (rt_edge[]){net_ints(&n, 2, labels), NET_END});
    wide = backbone(&n, n.input);
    net_op(&n, "NonMaxSuppressionV2", (rt_edge[]){merge, NET_END});
    assert_edge(find(&n).feature, wide);
    net_clear(&n);
}

/* Of equally wide maps the deepest. */
static void a_backbone_alone_gives_its_deepest_map(void **state)
{
    net n;
    rt_edge x;
    (void)state;
    net_init(&n, 5, 32, 32);
    x = relu(&n, net_conv(&n, n.input, 3, 8, 3, 2, "SAME"));
    head(&n, x, 8);
    x = relu(&n, net_conv(&n, x, 8, 8, 3, 2, "SAME"));
    x = relu(&n, net_conv(&n, x, 8, 8, 3, 1, "SAME"));
    assert_edge(find(&n).feature, x);
    net_clear(&n);
}

static void channels_first_is_understood(void **state)
{
    static const int64_t strides[] = {1, 1, 1, 1}, dims[] = {3, 3, 3, 10};
    net n;
    rt_edge conv;
    rt_detector found;
    (void)state;
    net_init(&n, 6, 32, 32);
    net_set_shape(&n, n.input, "shape", &(rt_shape){.rank = 4, .dim = {RT_UNKNOWN, 3, 20, 28}});
    conv = net_op(&n, "Conv2D", (rt_edge[]){n.input, net_floats(&n, 4, dims, -1, 1), NET_END});
    net_set_ints(&n, conv, "strides", 4, strides);
    net_set_string(&n, conv, "padding", "SAME");
    net_set_string(&n, conv, "data_format", "NCHW");
    conv = relu(&n, conv);
    found = find(&n);
    assert_edge(found.feature, conv);
    assert_true(found.planar);
    assert_int_equal(found.height, 20);
    assert_int_equal(found.width, 28);
    net_clear(&n);
}

/* A residual backbone whose heads have towers of their own, which part into boxes and classes. */
static void heads_of_two_branches_are_no_backbone(void **state)
{
    net n;
    rt_edge x, y, tower;
    (void)state;
    net_init(&n, 8, 32, 32);
    x = relu(&n, net_conv(&n, n.input, 3, 16, 3, 2, "SAME"));
    y = net_conv(&n, relu(&n, net_conv(&n, x, 16, 16, 3, 1, "SAME")), 16, 16, 3, 1, "SAME");
    x = relu(&n, net_op(&n, "Add", (rt_edge[]){x, y, NET_END}));
    y = relu(&n, net_conv(&n, x, 16, 12, 3, 2, "SAME")); /* an extra layer */
    tower = relu(&n, net_conv(&n, x, 16, 8, 3, 1, "SAME"));
    head(&n, tower, 8);
    head(&n, tower, 8);
    tower = relu(&n, net_conv(&n, y, 12, 8, 3, 1, "SAME"));
    head(&n, tower, 8);
    head(&n, tower, 8);
    assert_edge(find(&n).feature, x);
    net_clear(&n);
}

/* A size check that the first convolution waits for, as old detectors have it, runs nowhere here. */
static void control_inputs_do_not_matter(void **state)
{
    net n;
    rt_edge shape, check, wide;
    (void)state;
    net_init(&n, 9, 32, 32);
    shape = net_op(&n, "Shape", (rt_edge[]){n.input, NET_END});
    check = net_op(&n, "Assert", (rt_edge[]){shape, NET_END});
    wide = backbone(&n, n.input);
    for (uint32_t i = 0; i < rt__graph_count(n.graph); i++) {
        const rt_node *node = rt__graph_node(n.graph, i);
        const rt_edge waits = {check.node, RT_CONTROL};
        rt_edge inputs[2];
        if (strcmp(node->op, "Conv2D") != 0)
            continue;
        memcpy(inputs, node->inputs, sizeof inputs);
        assert_int_equal(rt__graph_set_inputs(n.graph, i, inputs, 2, &waits, 1, NULL), RT_OK);
    }
    assert_edge(find(&n).feature, wide);
    net_clear(&n);
}

static void a_graph_without_a_convolution_is_refused(void **state)
{
    net n;
    rt_detector found;
    rt_error err;
    (void)state;
    net_init(&n, 7, 32, 32);
    relu(&n, n.input);
    assert_int_equal(rt__find_detector(n.graph, &found, &err), RT_EUNSUPPORTED);
    assert_non_null(strstr(err.cause, "--bottleneck_tensor"));
    net_clear(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_widest_map_that_a_head_reads_is_taken),
        cmocka_unit_test(scaling_by_constants_belongs_to_the_network),
        cmocka_unit_test(a_size_that_is_computed_is_left_open),
        cmocka_unit_test(loops_and_strings_around_the_network_do_not_matter),
        cmocka_unit_test(a_backbone_alone_gives_its_deepest_map),
        cmocka_unit_test(channels_first_is_understood),
        cmocka_unit_test(heads_of_two_branches_are_no_backbone),
        cmocka_unit_test(control_inputs_do_not_matter),
        cmocka_unit_test(a_graph_without_a_convolution_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
