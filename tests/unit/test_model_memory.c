/* Memory that runs out anywhere while a model is opened or a graph is written is told as such, and leaks
 * nothing (the sanitizer build looks for that). */
#include "base/file.h"
#include "export/classifier.h"
#include "export/graphdef_write.h"
#include "model/classifier_info.h"
#include "model/graphdef.h"
#include "model/module.h"
#include "model/saved_model_functions.h"
#include "support/starve.h"
#include "support/tiny_module.h"
#include "support/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

enum { PATH = 600 };

static rt_code open_and_close(void *path, rt_error *err)
{
    const rt_module_options options = {.input_mean = 100, .input_std = 50};
    rt_module *module;
    rt_code code = rt_module_open(path, &options, &module, err);
    if (code == RT_OK)
        rt_module_close(module);
    return code;
}

static rt_graph *classifier_graph(void)
{
    rt_graph *graph = tiny_graph(false);
    rt_edge in[2] = {{0, 0}, {tiny_const(graph, "head/weights", 2, (int64_t[]){TINY_FEATURES, 2}), 0}};
    assert_true(rt__graph_find(graph, "net/features", &in[0].node));
    tiny_type(graph, tiny_node(graph, "head/MatMul", "MatMul", in, 2), "T", RT_FLOAT);
    return graph;
}

static void opening_a_hub_module(void **state)
{
    char *tree = tree_new();
    (void)state;
    tiny_module_write(tree, NULL, &(tiny_options){.no_signature = false});
    assert_true(starve(open_and_close, tree) > 10);
    tree_remove(tree);
}

static void opening_a_bare_graph(void **state)
{
    char *tree = tree_new(), path[PATH];
    rt_graph *graph = classifier_graph();
    rt_buffer bytes = {0};
    (void)state;
    assert_int_equal(rt__graphdef_write(graph, RT_GRAPH_PRODUCER, &bytes, NULL), RT_OK);
    tree_file(tree, "x.pb", bytes.bytes, bytes.size);
    assert_true(starve(open_and_close, tree_path(path, sizeof path, tree, "x.pb")) > 10);
    rt__graph_free(graph);
    rt__buffer_clear(&bytes);
    tree_remove(tree);
}

/* A SavedModel of TensorFlow 2: its functions are read and inlined. */
static rt_code expand(void *bytes, rt_error *err)
{
    static const rt_module_options options;
    const rt_buffer *file = bytes;
    rt_network network = {.options = &options, .kind = ""};
    rt_edge vector;
    rt_meta_graph meta;
    rt_code code = rt__saved_model_read_nearest(file->bytes, file->size, "serve", &meta, err);
    if (code != RT_OK)
        return code;
    code = rt__saved_model_expand(&meta, NULL, &network, &vector, err);
    rt__graph_free(meta.def.graph);
    rt__network_clear(&network);
    return code;
}

static void inlining_functions(void **state)
{
    static const char *const names[] = {"functions", "tf2_signature", "tf2_without_signature"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH];
        rt_buffer file = {0};
        snprintf(path, sizeof path, "%s/tests/fuzz/corpus/saved_model/%s", getenv("RETRAIN_SOURCE"),
                 names[i]);
        assert_int_equal(rt__file_read(&file, path, 0, NULL, NULL), RT_OK);
        assert_true(starve(expand, &file) > 10);
        rt__buffer_clear(&file);
    }
}

/* The retrained graph is made, written, read, and asked what it is. */
static rt_code retrained_graph(void *module, rt_error *err)
{
    static const float weights[2 * TINY_FEATURES] = {1, 2}, biases[2] = {3, 4};
    static const char *const labels[2] = {"cat", "dog"};
    const rt_module *m = module;
    const rt_classifier_parts parts = {.graph = m->graph,
                                       .input = m->input,
                                       .feature = m->feature,
                                       .is_variable = m->is_variable,
                                       .height = m->info.height,
                                       .width = m->info.width,
                                       .weights = weights,
                                       .biases = biases,
                                       .n_features = TINY_FEATURES,
                                       .n_classes = 2,
                                       .labels = labels,
                                       .variable_scope = "module",
                                       .op_scope = "module_apply_default",
                                       .final_tensor = "final_result"};
    rt_graph *graph;
    rt_graphdef def = {.graph = NULL};
    rt_classifier_info info;
    rt_buffer bytes = {0};
    rt_arena *arena = rt__arena_new();
    rt_code code =
        arena ? rt__classifier_graph(&parts, &graph, err) : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK) {
        code = rt__graphdef_write(graph, RT_GRAPH_PRODUCER, &bytes, err);
        rt__graph_free(graph);
    }
    if (code == RT_OK)
        code = rt__graphdef_read(bytes.bytes, bytes.size, &def, err);
    if (code == RT_OK) {
        code = rt__classifier_info_find(def.graph, arena, &info, err);
        rt__graph_free(def.graph);
    }
    rt__buffer_clear(&bytes);
    if (arena)
        rt__arena_free(arena);
    return code;
}

static void writing_the_retrained_graph(void **state)
{
    char *tree = tree_new();
    rt_module *module;
    (void)state;
    tiny_module_write(tree, NULL, &(tiny_options){.no_signature = false});
    assert_int_equal(rt_module_open(tree, NULL, &module, NULL), RT_OK);
    assert_true(starve(retrained_graph, module) > 10);
    rt_module_close(module);
    tree_remove(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_a_hub_module),
        cmocka_unit_test(opening_a_bare_graph),
        cmocka_unit_test(inlining_functions),
        cmocka_unit_test(writing_the_retrained_graph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
