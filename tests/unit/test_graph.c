#include "graph/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static uint32_t add(rt_graph *graph, const char *name, const char *op, const rt_edge *inputs, uint32_t n)
{
    uint32_t index = 0;
    rt_error err;
    assert_int_equal(rt__graph_add(graph, name, op, &index, &err), RT_OK);
    assert_int_equal(rt__graph_set_inputs(graph, index, inputs, n, NULL, 0, &err), RT_OK);
    return index;
}

static void nodes_are_found_by_name(void **state)
{
    rt_graph *graph = NULL;
    uint32_t index;
    rt_error err;
    (void)state;
    assert_int_equal(rt__graph_new(&graph, &err), RT_OK);
    assert_false(rt__graph_find(graph, "n0", &index));
    for (int i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        add(graph, rt__arena_string(rt__graph_arena(graph), name), "NoOp", NULL, 0);
    }
    for (int i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        assert_true(rt__graph_find(graph, name, &index));
        assert_int_equal(index, i);
    }
    assert_false(rt__graph_find(graph, "n5000", &index));
    assert_int_equal(rt__graph_add(graph, "n7", "NoOp", &index, &err), RT_EFORMAT);
    rt__graph_free(graph);
}

static void constants_are_seen_through_identity(void **state)
{
    rt_graph *graph = NULL;
    static const float value = 3;
    const rt_tensor tensor = {.dtype = RT_FLOAT, .shape = {.rank = 0}, .bytes = 4, .data = &value};
    uint32_t constant, first, second, loop;
    (void)state;
    assert_int_equal(rt__graph_new(&graph, NULL), RT_OK);
    assert_int_equal(rt__graph_add_const(graph, "c", &tensor, &constant, NULL), RT_OK);
    first = add(graph, "i", "Identity", &(rt_edge){constant, 0}, 1);
    second = add(graph, "j", "Identity", &(rt_edge){first, 0}, 1);
    assert_ptr_equal(rt__graph_const(graph, (rt_edge){second, 0})->data, &value);
    loop = add(graph, "loop", "Identity", &(rt_edge){second + 1, 0}, 1);
    assert_null(rt__graph_const(graph, (rt_edge){loop, 0}));
    rt__graph_free(graph);
}

static void count_release(void *thing)
{
    ++*(int *)thing;
}

static void what_is_held_outlives_the_source(void **state)
{
    rt_graph *source = NULL, *derived = NULL;
    int released = 0;
    (void)state;
    assert_int_equal(rt__graph_new(&source, NULL), RT_OK);
    assert_int_equal(rt__graph_hold(source, &released, count_release, NULL), RT_OK);
    assert_int_equal(rt__graph_derive(source, &derived, NULL), RT_OK);
    rt__graph_free(source);
    assert_int_equal(released, 0);
    rt__graph_free(derived);
    assert_int_equal(released, 1);
}

static void attributes_are_replaced_by_name(void **state)
{
    rt_graph *graph = NULL;
    rt_attr attr = {.name = "N", .kind = RT_ATTR_INT, .value.i = 1};
    uint32_t node;
    (void)state;
    assert_int_equal(rt__graph_new(&graph, NULL), RT_OK);
    node = add(graph, "x", "ConcatV2", NULL, 0);
    assert_int_equal(rt__graph_set_attr(graph, node, &attr, NULL), RT_OK);
    attr.value.i = 2;
    assert_int_equal(rt__graph_set_attr(graph, node, &attr, NULL), RT_OK);
    assert_int_equal(rt__graph_node(graph, node)->n_attrs, 1);
    assert_int_equal(rt__node_attr(rt__graph_node(graph, node), "N")->value.i, 2);
    assert_null(rt__node_attr(rt__graph_node(graph, node), "T"));
    rt__graph_free(graph);
}

static void shapes_are_checked(void **state)
{
    rt_shape shape = {.rank = 4, .dim = {RT_UNKNOWN, 224, 224, 3}};
    char text[64];
    size_t n;
    (void)state;
    assert_string_equal(rt__shape_text(&shape, text, sizeof text), "[?,224,224,3]");
    assert_int_equal(rt__shape_elements(&shape, &n, NULL), RT_EFORMAT);
    shape.dim[0] = INT64_MAX;
    assert_int_equal(rt__shape_elements(&shape, &n, NULL), RT_ELIMIT);
    shape.dim[0] = 0;
    assert_int_equal(rt__shape_elements(&shape, &n, NULL), RT_OK);
    assert_int_equal(n, 0);
    assert_string_equal(rt__shape_text(&(rt_shape){.rank = 0}, text, sizeof text), "[]");
    assert_string_equal(rt__shape_text(&(rt_shape){.rank = RT_UNKNOWN}, text, sizeof text), "unknown rank");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_found_by_name),
        cmocka_unit_test(constants_are_seen_through_identity),
        cmocka_unit_test(what_is_held_outlives_the_source),
        cmocka_unit_test(attributes_are_replaced_by_name),
        cmocka_unit_test(shapes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
