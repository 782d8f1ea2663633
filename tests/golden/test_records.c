/* Checkpoint and SavedModel of a classifier, read by our own readers; the trained layer of a network that
 * imitates 8 bits. */
#include "base/file.h"
#include "export/checkpoint.h"
#include "export/classifier.h"
#include "export/saved_model_write.h"
#include "model/bundle.h"
#include "model/module.h"
#include "model/saved_model.h"
#include "support/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

enum { FEATURES = 256, CLASSES = 2 };

static const char *const labels[CLASSES] = {"green", "red"};
static char folder[] = "/tmp/test_records_XXXXXX";

static float weights[FEATURES * CLASSES], biases[CLASSES] = {0.5F, -0.5F};

static rt_graph *classifier(const char *module_name, const rt_head_ranges *ranges)
{
    char path[1024];
    rt_module *module;
    rt_classifier_parts parts;
    rt_graph *graph;
    rt_error err;
    shared_path(path, sizeof path, module_name);
    if (rt_module_open(path, NULL, &module, &err) != RT_OK)
        fail_msg("%s", err.cause);
    parts = (rt_classifier_parts){.graph = module->graph,
                                  .input = module->input,
                                  .feature = module->feature,
                                  .is_variable = module->is_variable,
                                  .height = module->info.height,
                                  .width = module->info.width,
                                  .weights = weights,
                                  .biases = biases,
                                  .ranges = ranges,
                                  .n_features = FEATURES,
                                  .n_classes = CLASSES,
                                  .labels = labels,
                                  .variable_scope = "module",
                                  .op_scope = "module_apply_default",
                                  .final_tensor = "save/final"};
    for (size_t i = 0; i < FEATURES * CLASSES; i++)
        weights[i] = (float)i / 100 - 1;
    if (rt__classifier_graph(&parts, &graph, &err) != RT_OK)
        fail_msg("%s", err.cause);
    rt_module_close(module); /* the graph keeps what it needs */
    return graph;
}

static const char *in_folder(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", folder, name);
    return path;
}

static void checkpoint_holds_every_variable(void **state)
{
    rt_graph *graph = classifier("reference/modules/mobilenet_v1_025_128_feature_vector", NULL);
    rt_variables variables;
    rt_bundle *bundle;
    rt_arena *arena = rt__arena_new();
    rt_tensor value;
    rt_error err;
    char path[256];
    (void)state;
    assert_int_equal(rt__classifier_variables(graph, "module", &variables, &err), RT_OK);
    assert_int_equal(variables.n, 137);
    assert_string_equal(rt__graph_node(variables.graph, variables.restore)->name, "save_1/restore_all");
    assert_int_equal(rt__checkpoint_write(&variables, in_folder(path, "ck"), &err), RT_OK);
    assert_int_equal(rt__bundle_open(path, &bundle, &err), RT_OK);
    assert_int_equal(rt__bundle_count(bundle), variables.n);
    for (size_t i = 0; i < variables.n; i++) {
        const rt_named_tensor *stored = &variables.variables[i].stored;
        const rt_variable *found = rt__bundle_find(bundle, stored->name);
        assert_non_null(found);
        assert_int_equal(rt__bundle_read(bundle, found, arena, &value, &err), RT_OK);
        assert_int_equal(value.bytes, stored->tensor.bytes);
        assert_memory_equal(value.data, stored->tensor.data, value.bytes);
    }
    rt__bundle_close(bundle);
    rt__variables_clear(&variables);
    rt__graph_free(graph);
    rt__arena_free(arena);
}

static void saved_model_says_where_photos_go_in(void **state)
{
    rt_graph *graph = classifier("reference/modules/mobilenet_v1_025_128_feature_vector", NULL);
    static const char *const tags[] = {"serve"};
    rt_variables variables;
    rt_buffer file = {0};
    rt_meta_graph meta;
    rt_port port;
    rt_error err;
    char path[256];
    (void)state;
    assert_int_equal(rt__classifier_variables(graph, "module", &variables, &err), RT_OK);
    assert_int_equal(rt__saved_model_write(&variables, "Placeholder", "save/final", CLASSES,
                                           in_folder(path, "model/"), &err),
                     RT_OK);
    assert_int_equal(rt__file_read(&file, in_folder(path, "model/saved_model.pb"), 0, NULL, &err), RT_OK);
    assert_int_equal(rt__saved_model_read(file.bytes, file.size, tags, 1, &meta, &err), RT_OK);
    assert_int_equal(rt__meta_graph_input(&meta, "serving_default", "image", &port, &err), RT_OK);
    assert_string_equal(port.name, "Placeholder:0");
    assert_int_equal(port.shape.dim[1], 128);
    assert_int_equal(rt__meta_graph_output(&meta, "serving_default", "prediction", &port, &err), RT_OK);
    assert_string_equal(port.name, "save/final:0");
    rt__graph_free(meta.def.graph);
    rt__buffer_clear(&file);
    rt__variables_clear(&variables);
    rt__graph_free(graph);
}

/* A second one does not replace it, nor does it leave anything beside it. */
static void saved_model_stays_as_it_is(void **state)
{
    rt_graph *graph = classifier("reference/modules/mobilenet_v1_025_128_feature_vector", NULL);
    rt_variables variables;
    rt_error err;
    char path[256];
    (void)state;
    assert_int_equal(rt__classifier_variables(graph, "module", &variables, &err), RT_OK);
    assert_int_equal(rt__saved_model_write(&variables, "Placeholder", "save/final", CLASSES,
                                           in_folder(path, "model"), &err),
                     RT_EIO);
    snprintf(path, sizeof path, "%s/model.%ld.tmp", folder, (long)getpid());
    assert_false(rt__file_exists(path));
    rt__variables_clear(&variables);
    rt__graph_free(graph);
}

static const char *input_op(const rt_graph *graph, const char *name, uint32_t input)
{
    uint32_t node;
    assert_true(rt__graph_find(graph, name, &node));
    return rt__graph_node(graph, rt__graph_node(graph, node)->inputs[input].node)->op;
}

static float constant(const rt_graph *graph, const char *name)
{
    uint32_t node;
    float value;
    assert_true(rt__graph_find(graph, name, &node));
    memcpy(&value, rt__graph_const(graph, (rt_edge){node, 0})->data, sizeof value);
    return value;
}

static void layer_of_an_8_bit_network_has_ranges(void **state)
{
    static const rt_head_ranges ranges = {-1, 4.11F, 0, 6, -30, 40};
    rt_graph *graph = classifier("reference/modules/mobilenet_v1_025_128_quantops", &ranges);
    const char *const sub = "module_apply_default/hub_input/Sub";
    (void)state;
    assert_string_equal(input_op(graph, "final_retrain_ops/Wx_plus_b/MatMul", 0), "FakeQuantWithMinMaxVars");
    assert_string_equal(input_op(graph, "final_retrain_ops/Wx_plus_b/MatMul", 1), "FakeQuantWithMinMaxVars");
    assert_string_equal(input_op(graph, "save/final", 0), "FakeQuantWithMinMaxVars");
    assert_float_equal(constant(graph, "final_retrain_ops/Wx_plus_b/act_quant/max"), 40, 0);
    assert_float_equal(constant(graph, "final_retrain_ops/Wx_plus_b/weights_quant/min"), -1, 0);
    /* The pixels are scaled to -1 .. 1, in 8 bits as well. */
    assert_string_equal(input_op(graph, sub, 0), "FakeQuantWithMinMaxVars");
    assert_float_equal(constant(graph, "module_apply_default/hub_input/Sub/act_quant/min"), -1, 0);
    assert_float_equal(constant(graph, "module_apply_default/hub_input/Sub/act_quant/max"), 1, 0);
    assert_float_equal(constant(graph, "module_apply_default/hub_input/Mul/act_quant/max"), 2, 0);
    rt__graph_free(graph);
}

static int remove_folder(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoint_holds_every_variable),
        cmocka_unit_test(saved_model_says_where_photos_go_in),
        cmocka_unit_test(saved_model_stays_as_it_is),
        cmocka_unit_test(layer_of_an_8_bit_network_has_ranges),
    };
    shared_or_skip("reference/modules/mobilenet_v1_025_128_quantops", "checkpoints and SavedModels");
    if (!mkdtemp(folder))
        return 1;
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
