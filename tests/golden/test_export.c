/* The graph that retrain.py wrote for a module and a trained layer, against ours for the same two. */
#include "base/file.h"
#include "export/classifier.h"
#include "export/frozen.h"
#include "export/graphdef_write.h"
#include "model/classifier_info.h"
#include "model/graphdef.h"
#include "model/module.h"
#include "support/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

static const char *const labels[] = {"daisy", "dandelion", "roses", "\xe7\x8e\xab\xe7\x91\xb0", "tulips"};

typedef struct fixture {
    rt_module *module;
    rt_graph *theirs;                  /* output_graph.pb of the real retrain.py */
    rt_graph *ours;                    /* written and read again */
    const rt_tensor *weights, *biases; /* the layer that retrain.py trained, in theirs */
    rt_buffer bytes;
} fixture;

static rt_graph *read_graph(const void *bytes, size_t size)
{
    rt_graphdef def;
    rt_error err;
    if (rt__graphdef_read(bytes, size, &def, &err) != RT_OK)
        fail_msg("%s", err.cause);
    return def.graph;
}

static const rt_tensor *constant(const rt_graph *graph, const char *name)
{
    rt_edge edge = {0, 0};
    const rt_tensor *tensor;
    assert_true(rt__graph_find(graph, name, &edge.node));
    tensor = rt__graph_const(graph, edge);
    assert_non_null(tensor);
    return tensor;
}

static rt_classifier_parts parts_of(const fixture *f)
{
    return (rt_classifier_parts){.graph = f->module->graph,
                                 .input = f->module->input,
                                 .feature = f->module->feature,
                                 .is_variable = f->module->is_variable,
                                 .height = f->module->info.height,
                                 .width = f->module->info.width,
                                 .weights = f->weights->data,
                                 .biases = f->biases->data,
                                 .n_features = 256,
                                 .n_classes = 5,
                                 .labels = labels,
                                 .variable_scope = "module",
                                 .op_scope = "module_apply_default",
                                 .final_tensor = "final_result"};
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    char path[1024];
    rt_classifier_parts parts;
    rt_graph *graph;
    rt_map *map;
    rt_error err;
    shared_path(path, sizeof path, "reference/retrain_run/defaults/output_graph.pb");
    assert_int_equal(rt__map_open(&map, path, &err), RT_OK);
    f->theirs = read_graph(map->bytes, map->size);
    rt__map_close(map);
    f->weights = constant(f->theirs, "final_retrain_ops/weights/final_weights");
    f->biases = constant(f->theirs, "final_retrain_ops/biases/final_biases");
    shared_path(path, sizeof path, "reference/modules/mobilenet_v1_025_224_feature_vector");
    assert_int_equal(rt_module_open(path, NULL, &f->module, &err), RT_OK);
    parts = parts_of(f);
    if (rt__classifier_graph(&parts, &graph, &err) != RT_OK)
        fail_msg("%s", err.cause);
    assert_int_equal(rt__graphdef_write(graph, RT_GRAPH_PRODUCER, &f->bytes, &err), RT_OK);
    rt__graph_free(graph);
    f->ours = read_graph(f->bytes.bytes, f->bytes.size);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    rt_module_close(f->module);
    rt__graph_free(f->theirs);
    rt__graph_free(f->ours);
    rt__buffer_clear(&f->bytes);
    free(f);
    return 0;
}

static void nodes_are_named_and_wired_as_retrain_py_does(void **state)
{
    const fixture *f = *state;
    assert_int_equal(rt__graph_count(f->ours), rt__graph_count(f->theirs));
    for (uint32_t i = 0; i < rt__graph_count(f->ours); i++) {
        const rt_node *a = rt__graph_node(f->ours, i), *b = rt__graph_node(f->theirs, i);
        assert_string_equal(a->name, b->name);
        assert_string_equal(a->op, b->op);
        assert_string_equal(a->device, b->device);
        assert_int_equal(a->n_inputs, b->n_inputs);
        assert_int_equal(a->n_controls, 0);
        for (uint32_t k = 0; k < a->n_inputs; k++) {
            assert_int_equal(a->inputs[k].node, b->inputs[k].node);
            assert_int_equal(a->inputs[k].output, b->inputs[k].output);
        }
    }
}

static bool same_ints(const rt_attr *a, const rt_attr *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = a->value.ints[i] == b->value.ints[i];
    return same;
}

static bool same_strings(const rt_attr *a, const rt_attr *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->value.strings[i].bytes, b->value.strings[i].bytes) == 0;
    return same;
}

static bool same_tensors(const rt_tensor *a, const rt_tensor *b)
{
    return a->dtype == b->dtype && rt__shape_equal(&a->shape, &b->shape) && a->bytes == b->bytes &&
           memcmp(a->data, b->data, a->bytes) == 0;
}

static bool same_attr(const rt_attr *a, const rt_attr *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case RT_ATTR_STRING:
        return strcmp(a->value.s.bytes, b->value.s.bytes) == 0;
    case RT_ATTR_INT:
        return a->value.i == b->value.i;
    case RT_ATTR_FLOAT:
        return a->value.f == b->value.f;
    case RT_ATTR_BOOL:
        return a->value.b == b->value.b;
    case RT_ATTR_TYPE:
        return a->value.type == b->value.type;
    case RT_ATTR_SHAPE:
        return rt__shape_equal(&a->value.shape, &b->value.shape);
    case RT_ATTR_TENSOR:
        return same_tensors(&a->value.tensor, &b->value.tensor);
    case RT_ATTR_LIST_INT:
        return same_ints(a, b);
    case RT_ATTR_LIST_STRING:
        return same_strings(a, b);
    default:
        return false;
    }
}

/* Ours has what theirs has but for what only newer readers know; the values are the same. */
static void attributes_and_weights_are_those_of_retrain_py(void **state)
{
    static const char *const newer[] = {"explicit_paddings", "exponential_avg_factor", "dilations"};
    const fixture *f = *state;
    for (uint32_t i = 0; i < rt__graph_count(f->theirs); i++) {
        const rt_node *a = rt__graph_node(f->ours, i), *b = rt__graph_node(f->theirs, i);
        for (uint32_t k = 0; k < b->n_attrs; k++) {
            const rt_attr *attr = rt__node_attr(a, b->attrs[k].name);
            bool may_miss = false;
            for (size_t n = 0; n < sizeof newer / sizeof *newer; n++)
                may_miss = may_miss || strcmp(newer[n], b->attrs[k].name) == 0;
            if (!attr && !may_miss)
                fail_msg("%s (%s) has no %s", a->name, a->op, b->attrs[k].name);
            if (attr && !same_attr(attr, &b->attrs[k]))
                fail_msg("%s (%s): %s differs", a->name, a->op, attr->name);
        }
        for (uint32_t k = 0; k < a->n_attrs; k++)
            if (a->attrs[k].name[0] != '_')
                assert_non_null(rt__node_attr(b, a->attrs[k].name));
    }
}

static void the_graph_says_how_to_use_it(void **state)
{
    const fixture *f = *state;
    rt_arena *arena = rt__arena_new();
    rt_classifier_info info;
    rt_error err;
    assert_int_equal(rt__classifier_info_find(f->ours, arena, &info, &err), RT_OK);
    assert_string_equal(info.input, "Placeholder:0");
    assert_string_equal(info.output, "final_result:0");
    assert_int_equal(info.height, 224);
    assert_int_equal(info.width, 224);
    assert_true(info.input_mean == 0 && info.input_std == 255);
    assert_int_equal(info.n_labels, 5);
    for (size_t i = 0; i < info.n_labels; i++)
        assert_string_equal(info.labels[i], labels[i]);
    assert_int_equal(rt__classifier_info_find(f->theirs, arena, &info, &err), RT_ENOTFOUND);
    rt__arena_free(arena);
}

static void the_final_tensor_is_named_by_the_user(void **state)
{
    const fixture *f = *state;
    rt_classifier_parts parts = parts_of(f);
    rt_graph *graph;
    rt_error err;
    uint32_t index;
    static const char *const bad[] = {
        "", "a b", "x:0", "_x", "/x", "Placeholder", "input/BottleneckInputPlaceholder"};
    parts.final_tensor = "my/result";
    assert_int_equal(rt__classifier_graph(&parts, &graph, &err), RT_OK);
    assert_true(rt__graph_find(graph, "my/result", &index));
    assert_int_equal(index, rt__graph_count(graph) - 1);
    rt__graph_free(graph);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        parts.final_tensor = bad[i];
        assert_int_not_equal(rt__classifier_graph(&parts, &graph, &err), RT_OK);
    }
}

static void the_file_opens_as_a_module_again(void **state)
{
    const fixture *f = *state;
    char path[] = "/tmp/retrain-export-XXXXXX";
    rt_module *module;
    rt_error err;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(rt__frozen_write(f->ours, path, &err), RT_OK);
    assert_int_equal(rt_module_open(path, NULL, &module, &err), RT_OK);
    assert_string_equal(module->info.feature,
                        "module_apply_default/hub_output/feature_vector/SpatialSqueeze:0");
    assert_int_equal(module->info.weight_count, f->module->info.weight_count);
    assert_true(module->info.input_mean == 0 && module->info.input_std == 255);
    rt_module_close(module);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_named_and_wired_as_retrain_py_does),
        cmocka_unit_test(attributes_and_weights_are_those_of_retrain_py),
        cmocka_unit_test(the_graph_says_how_to_use_it),
        cmocka_unit_test(the_final_tensor_is_named_by_the_user),
        cmocka_unit_test(the_file_opens_as_a_module_again),
    };
    shared_or_skip("reference/retrain_run/defaults/output_graph.pb", "the retrained graph");
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
