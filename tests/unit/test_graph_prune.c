#include "graph/prune.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static uint32_t add(rt_graph *graph, const char *name, const char *op)
{
    uint32_t index = 0;
    assert_int_equal(rt__graph_add(graph, name, op, &index, NULL), RT_OK);
    return index;
}

static void connect(rt_graph *graph, uint32_t node, uint32_t a, uint32_t b)
{
    const rt_edge inputs[] = {{a, 0}, {b, 0}};
    assert_int_equal(rt__graph_set_inputs(graph, node, inputs, a == b ? 1 : 2, NULL, 0, NULL), RT_OK);
}

static const char *name_of(const rt_graph *graph, uint32_t index)
{
    return rt__graph_node(graph, index)->name;
}

static void tensor_names_are_resolved(void **state)
{
    rt_graph *graph = NULL;
    rt_edge edge;
    rt_error err;
    (void)state;
    assert_int_equal(rt__graph_new(&graph, NULL), RT_OK);
    assert_int_equal(rt__graph_find_tensor(graph, "x", &edge, &err), RT_ENOTFOUND);
    add(graph, "MobilenetV1/Logits/AvgPool_1a", "AvgPool");
    add(graph, "MobilenetV1/Logits/SpatialSqueeze", "Squeeze");
    assert_int_equal(rt__graph_find_tensor(graph, "MobilenetV1/Logits/SpatialSqueeze:12", &edge, &err),
                     RT_OK);
    assert_int_equal(edge.node, 1);
    assert_int_equal(edge.output, 12);
    assert_int_equal(rt__graph_find_tensor(graph, "MobilenetV1/Logits/AvgPool_1a", &edge, &err), RT_OK);
    assert_int_equal(edge.output, 0);
    assert_int_equal(rt__graph_find_tensor(graph, "MobilenetV1/Logits/SpatialSqeeze:0", &edge, &err),
                     RT_ENOTFOUND);
    assert_string_equal(err.cause, "no node 'MobilenetV1/Logits/SpatialSqeeze' in the graph; the nearest is "
                                   "'MobilenetV1/Logits/SpatialSqueeze'");
    assert_int_equal(rt__graph_find_tensor(graph, "a:", &edge, &err), RT_EARG);
    assert_int_equal(rt__graph_find_tensor(graph, "a:x", &edge, &err), RT_EARG);
    assert_int_equal(rt__graph_find_tensor(graph, "a:99999999999999999999", &edge, &err), RT_EARG);
    rt__graph_free(graph);
}

/* c is used by d, which stands before it; side and its cycle are not needed. */
static void only_what_is_needed_stays(void **state)
{
    rt_graph *graph = NULL, *pruned = NULL;
    rt_attr attr = {.name = "N", .kind = RT_ATTR_INT, .value.i = 7};
    uint32_t a, b, c, d, side, other;
    rt_edge output;
    (void)state;
    assert_int_equal(rt__graph_new(&graph, NULL), RT_OK);
    side = add(graph, "side", "Enter");
    a = add(graph, "a", "Placeholder");
    d = add(graph, "d", "Add");
    b = add(graph, "b", "Relu");
    c = add(graph, "c", "Relu");
    other = add(graph, "other", "Merge");
    connect(graph, side, other, a);
    connect(graph, other, side, side);
    connect(graph, b, a, a);
    connect(graph, c, b, b);
    connect(graph, d, b, c);
    assert_int_equal(rt__graph_set_attr(graph, c, &attr, NULL), RT_OK);
    assert_int_equal(
        rt__graph_set_inputs(graph, b, &(rt_edge){a, 0}, 1, &(rt_edge){side, RT_CONTROL}, 1, NULL), RT_OK);
    assert_int_equal(rt__graph_prune(graph, &(rt_edge){d, 1}, 1, &pruned, &output, NULL), RT_OK);
    rt__graph_free(graph);
    assert_int_equal(rt__graph_count(pruned), 4);
    assert_string_equal(name_of(pruned, 0), "a");
    assert_string_equal(name_of(pruned, 1), "b");
    assert_int_equal(rt__graph_node(pruned, 1)->n_controls, 0);
    assert_string_equal(name_of(pruned, 2), "c");
    assert_int_equal(rt__node_attr(rt__graph_node(pruned, 2), "N")->value.i, 7);
    assert_string_equal(name_of(pruned, 3), "d");
    assert_int_equal(output.node, 3);
    assert_int_equal(output.output, 1);
    assert_int_equal(rt__graph_node(pruned, 3)->inputs[1].node, 2);
    rt__graph_free(pruned);
}

static void a_topological_order_is_kept(void **state)
{
    rt_graph *graph = NULL, *pruned = NULL;
    uint32_t node[5];
    (void)state;
    assert_int_equal(rt__graph_new(&graph, NULL), RT_OK);
    for (int i = 0; i < 5; i++) {
        static const char *const names[] = {"late", "x", "unused", "early", "sum"};
        node[i] = add(graph, names[i], "Const");
    }
    connect(graph, node[4], node[3], node[1]);
    connect(graph, node[3], node[0], node[0]);
    assert_int_equal(rt__graph_prune(graph, &(rt_edge){node[4], 0}, 1, &pruned, NULL, NULL), RT_OK);
    assert_string_equal(name_of(pruned, 0), "late");
    assert_string_equal(name_of(pruned, 1), "x");
    assert_string_equal(name_of(pruned, 2), "early");
    assert_string_equal(name_of(pruned, 3), "sum");
    rt__graph_free(pruned);
    rt__graph_free(graph);
}

static void a_cycle_is_named(void **state)
{
    rt_graph *graph = NULL, *pruned = NULL;
    uint32_t a, b;
    rt_error err;
    (void)state;
    assert_int_equal(rt__graph_new(&graph, NULL), RT_OK);
    a = add(graph, "loop/a", "Merge");
    b = add(graph, "loop/b", "NextIteration");
    connect(graph, a, b, b);
    connect(graph, b, a, a);
    assert_int_equal(rt__graph_prune(graph, &(rt_edge){b, 0}, 1, &pruned, NULL, &err), RT_EFORMAT);
    assert_non_null(strstr(err.cause, "'loop/"));
    assert_int_equal(rt__graph_prune(graph, &(rt_edge){7, 0}, 1, &pruned, NULL, &err), RT_EFORMAT);
    rt__graph_free(graph);
}

static void a_tensor_can_be_taken_as_the_input(void **state)
{
    rt_graph *graph = NULL, *pruned = NULL;
    uint32_t decode, split, conv;
    rt_edge cut, output;
    rt_error err;
    (void)state;
    assert_int_equal(rt__graph_new(&graph, NULL), RT_OK);
    decode = add(graph, "decode", "DecodeJpeg");
    split = add(graph, "split", "Split");
    conv = add(graph, "conv", "Conv2D");
    connect(graph, split, decode, decode);
    assert_int_equal(rt__graph_set_inputs(graph, conv, &(rt_edge){split, 1}, 1, NULL, 0, NULL), RT_OK);
    assert_int_equal(rt__graph_prune_from(graph, (rt_edge){split, 1}, &(rt_edge){conv, 0}, 1, &pruned, &cut,
                                          &output, NULL),
                     RT_OK);
    assert_int_equal(rt__graph_count(pruned), 2);
    assert_string_equal(rt__graph_node(pruned, cut.node)->op, "Placeholder");
    assert_int_equal(cut.output, 0);
    assert_int_equal(rt__graph_node(pruned, output.node)->inputs[0].output, 0);
    rt__graph_free(pruned);
    assert_int_equal(rt__graph_prune_from(graph, (rt_edge){split, 0}, &(rt_edge){conv, 0}, 1, &pruned, &cut,
                                          &output, &err),
                     RT_EUNSUPPORTED);
    rt__graph_free(graph);
}

/* Deeper than any C stack would bear with recursion, and ordered backwards. */
static void depth_does_not_matter(void **state)
{
    enum { N = 300000 };
    rt_graph *graph = NULL, *pruned = NULL;
    (void)state;
    assert_int_equal(rt__graph_new(&graph, NULL), RT_OK);
    for (uint32_t i = 0; i < N; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%u", i);
        add(graph, rt__arena_string(rt__graph_arena(graph), name), "Identity");
    }
    for (uint32_t i = 0; i + 1 < N; i++)
        connect(graph, i, i + 1, i + 1);
    assert_int_equal(rt__graph_prune(graph, &(rt_edge){0, 0}, 1, &pruned, NULL, NULL), RT_OK);
    assert_int_equal(rt__graph_count(pruned), N);
    assert_string_equal(name_of(pruned, N - 1), "n0");
    rt__graph_free(pruned);
    rt__graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensor_names_are_resolved),          cmocka_unit_test(only_what_is_needed_stays),
        cmocka_unit_test(a_topological_order_is_kept),        cmocka_unit_test(a_cycle_is_named),
        cmocka_unit_test(a_tensor_can_be_taken_as_the_input), cmocka_unit_test(depth_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
