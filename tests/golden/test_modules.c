/* Every module and float graph of the reference opens, and what it says of itself is right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "model/module.h"
#include "support/shared.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct expected {
    const char *path;
    const char *kind, *input, *feature;
    int32_t side, feature_size;
    float mean, std;
    uint64_t weights; /* 0: not looked at */
} expected;

#define HUB        "TF1 Hub module"
#define FROZEN     "frozen GraphDef"
#define CHECKPOINT "checkpoint"
#define POOL       "MobilenetV1/Logits/global_pool:0"
#define IMAGES     "hub_input/images:0"
#define VECTOR     "hub_output/feature_vector/SpatialSqueeze:0"

static const expected models[] = {
    {"reference/modules/efficientnet_lite0_feature_vector", HUB, "images:0",
     "efficientnet-lite0/head/feature_vector:0", 224, 1280, 0, 255, 3413027},
    {"reference/modules/mobilenet_v1_025_128_feature_vector", HUB, IMAGES, VECTOR, 128, 256, 0, 255, 0},
    {"reference/modules/mobilenet_v1_025_128_feature_vector.tar.gz", HUB, IMAGES, VECTOR, 128, 256, 0, 255,
     0},
    {"reference/modules/mobilenet_v1_025_128_quantops", HUB, IMAGES, VECTOR, 128, 256, 0, 255, 0},
    {"reference/modules/mobilenet_v1_025_128_quantops.tar.gz", HUB, IMAGES, VECTOR, 128, 256, 0, 255, 0},
    {"reference/modules/mobilenet_v1_025_224_feature_vector", HUB, IMAGES, VECTOR, 224, 256, 0, 255, 218546},
    {"reference/modules/mobilenet_v1_025_224_feature_vector.tar.gz", HUB, IMAGES, VECTOR, 224, 256, 0, 255,
     218546},
    {"reference/modules/mobilenet_v1_025_224_quantops", HUB, IMAGES, VECTOR, 224, 256, 0, 255, 0},
    {"reference/modules/mobilenet_v1_025_224_quantops.tar.gz", HUB, IMAGES, VECTOR, 224, 256, 0, 255, 0},
    {"reference/modules/mobilenet_v2_100_224_feature_vector", HUB, IMAGES, VECTOR, 224, 1280, 0, 255,
     2257986},
    {"models/mobilenet_v1_0.25_128_frozen.pb", FROZEN, "input:0", "MobilenetV1/Logits/AvgPool_1a/AvgPool:0",
     128, 256, 127.5f, 127.5f, 0},
    {"models/mobilenet_v1_0.25_224_frozen.pb", FROZEN, "input:0", "MobilenetV1/Logits/AvgPool_1a/AvgPool:0",
     224, 256, 127.5f, 127.5f, 0},
    {"models/mobilenet_v1_0.50_224_quantized_weights.pb", FROZEN, "input:0",
     "MobilenetV1/Logits/AvgPool_1a/AvgPool:0", 224, 512, 127.5f, 127.5f, 0},
    {"models/retrained_glasses_graph.pb", FROZEN, "input:0", "MobilenetV1/Predictions/Reshape:0", 224, 1001,
     127.5f, 127.5f, 0},
    {"reference/retrain_run/defaults/output_graph.pb", FROZEN, "Placeholder:0",
     "module_apply_default/hub_output/feature_vector/SpatialSqueeze:0", 224, 256, 0, 255, 218546},
    /* Their heads are cut off, and with them a training step that wants to be fed; the module's own logits
     * are not taken for the end of the network. */
    {"reference/retrain_run/defaults", "checkpoint", "Placeholder:0",
     "module_apply_default/hub_output/feature_vector/SpatialSqueeze:0", 224, 256, 0, 255, 218546},
    {"reference/retrain_run/saved/saved_model", "SavedModel", "Placeholder:0",
     "module_apply_default/hub_output/feature_vector/SpatialSqueeze:0", 224, 256, 0, 255, 218546},
    {"reference/retrain_run/saved/intermediate_graph/intermediate_10.pb", FROZEN, "Placeholder:0",
     "module_apply_default/hub_output/feature_vector/SpatialSqueeze:0", 224, 256, 0, 255, 218546},
    {"reference/saved_models/v1_builder", "SavedModel", "hub_input/images:0",
     "MobilenetV1/Logits/global_pool:0", 224, 256, 0, 255, 218546},
    {"reference/saved_models/v1_simple_save", "SavedModel", "hub_input/images:0",
     "MobilenetV1/Logits/global_pool:0", 224, 256, 0, 255, 218546},
    {"reference/checkpoints/v1", CHECKPOINT, "input:0", POOL, 224, 256, 127.5f, 127.5f, 218546},
    {"reference/checkpoints/v1/model.ckpt-4000", CHECKPOINT, "input:0", POOL, 224, 256, 127.5f, 127.5f,
     218546},
    {"reference/checkpoints/v1/checkpoint", CHECKPOINT, "input:0", POOL, 224, 256, 127.5f, 127.5f, 218546},
    {"reference/checkpoints/v1/model.ckpt-4000.meta", CHECKPOINT, "input:0", POOL, 224, 256, 127.5f, 127.5f,
     218546},
    {"reference/checkpoints/v2", CHECKPOINT, "input:0", POOL, 224, 256, 127.5f, 127.5f, 218546},
    {"reference/checkpoints/v2/model.ckpt-4000", CHECKPOINT, "input:0", POOL, 224, 256, 127.5f, 127.5f,
     218546},
    {"reference/checkpoints/v2/model.ckpt-4000.index", CHECKPOINT, "input:0", POOL, 224, 256, 127.5f, 127.5f,
     218546},
    {"reference/checkpoints/v2/model.ckpt-4000.data-00000-of-00001", CHECKPOINT, "input:0", POOL, 224, 256,
     127.5f, 127.5f, 218546},
    {"reference/checkpoints/v2_sharded/checkpoint", CHECKPOINT, "input:0", POOL, 224, 256, 127.5f, 127.5f,
     218546},
    {"reference/checkpoints/v2_sharded/model.ckpt-4000", CHECKPOINT, "input:0", POOL, 224, 256, 127.5f,
     127.5f, 218546},
};

static bool is_op(const rt_node *node, const char *op)
{
    return strcmp(node->op, op) == 0;
}

/* What exec/ and export/ build on. */
static void check_graph(const rt_module *m)
{
    uint32_t placeholders = 0;
    const rt_node *input = rt__graph_node(m->graph, m->input.node);
    const rt_attr *shape = rt__node_attr(input, "shape");
    assert_non_null(shape);
    assert_int_equal(shape->value.shape.rank, 4);
    assert_int_equal(shape->value.shape.dim[0], RT_UNKNOWN);
    assert_int_equal(shape->value.shape.dim[1], m->info.height);
    assert_int_equal(shape->value.shape.dim[2], m->info.width);
    assert_int_equal(shape->value.shape.dim[3], 3);
    for (uint32_t i = 0; i < rt__graph_count(m->graph); i++) {
        const rt_node *node = rt__graph_node(m->graph, i);
        placeholders += is_op(node, "Placeholder");
        assert_int_equal(node->n_controls, 0);
        for (uint32_t k = 0; k < node->n_inputs; k++)
            assert_true(node->inputs[k].node < i);
        assert_false(is_op(node, "VarHandleOp") || is_op(node, "ReadVariableOp"));
        assert_true(!m->is_variable[i] || is_op(node, "Const"));
    }
    assert_int_equal(placeholders, 1);
}

static void check_model(const expected *e)
{
    char path[1024];
    rt_module *module;
    const rt_module_info *info;
    rt_error err;
    char text[1024];
    shared_path(path, sizeof path, e->path);
    if (rt_module_open(path, NULL, &module, &err) != RT_OK)
        fail_msg("%s", rt_error_text(&err, text, sizeof text));
    info = rt_module_describe(module);
    assert_string_equal(info->path, path);
    assert_string_equal(info->kind, e->kind);
    assert_string_equal(info->input, e->input);
    assert_string_equal(info->feature, e->feature);
    assert_int_equal(info->height, e->side);
    assert_int_equal(info->width, e->side);
    assert_int_equal(info->feature_size, e->feature_size);
    assert_true(info->input_mean == e->mean && info->input_std == e->std);
    if (e->weights)
        assert_int_equal(info->weight_count, e->weights);
    check_graph(module);
    rt_module_close(module);
}

static void every_model_opens(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        check_model(&models[i]);
}

static void a_missing_data_file_is_named(void **state)
{
    char path[1024];
    rt_module *module;
    rt_error err;
    (void)state;
    shared_path(path, sizeof path, "reference/modules/inception_v3_feature_vector");
    assert_int_equal(rt_module_open(path, NULL, &module, &err), RT_ENOTFOUND);
    assert_non_null(strstr(err.path, "variables/variables.data-00000-of-00001"));
}

/* One scalar constant of a node that was put in front of a bare graph. */
static float constant(const rt_module *module, const char *name)
{
    rt_edge edge = {0, 0};
    const rt_tensor *tensor;
    float value;
    assert_true(rt__graph_find(module->graph, name, &edge.node));
    tensor = rt__graph_const(module->graph, edge);
    assert_non_null(tensor);
    memcpy(&value, tensor->data, sizeof value);
    return value;
}

static void the_user_overrides_what_is_found(void **state)
{
    const rt_module_options options = {.input_tensor = "input:0",
                                       .input_height = 256,
                                       .input_width = 250,
                                       .input_mean = 100,
                                       .input_std = 50};
    char path[1024];
    rt_module *module;
    rt_error err;
    (void)state;
    shared_path(path, sizeof path, "models/mobilenet_v1_0.25_224_frozen.pb");
    assert_int_equal(
        rt_module_open(path, &(rt_module_options){.bottleneck_tensor = "no/such"}, &module, &err),
        RT_ENOTFOUND);
    assert_int_equal(rt_module_open(path, &(rt_module_options){.input_tensor = "no/such"}, &module, &err),
                     RT_ENOTFOUND);
    assert_int_equal(
        rt_module_open(path, &(rt_module_options){.input_mean = NAN, .input_std = 1}, &module, &err),
        RT_EARG);
    assert_int_equal(rt_module_open(path, &(rt_module_options){.input_height = -1}, &module, &err), RT_EARG);
    assert_int_equal(rt_module_open(path, &options, &module, &err), RT_OK);
    assert_int_equal(module->info.height, 256);
    assert_int_equal(module->info.width, 250);
    assert_true(fabsf(constant(module, "retrain_input/Mul/y") - 5.1f) < 1e-6f);
    assert_true(constant(module, "retrain_input/Sub/y") == 2);
    rt_module_close(module);
}

static void a_feature_map_is_averaged(void **state)
{
    const rt_module_options options = {
        .bottleneck_tensor = "module_apply_default/MobilenetV1/MobilenetV1/Conv2d_12_pointwise/Relu6"};
    char path[1024];
    rt_module *module;
    rt_error err;
    (void)state;
    shared_path(path, sizeof path, "reference/retrain_run/defaults/output_graph.pb");
    assert_int_equal(rt_module_open(path, &options, &module, &err), RT_OK);
    assert_int_equal(module->info.feature_size, 256);
    assert_string_equal(rt__graph_node(module->graph, module->feature.node)->op, "Mean");
    assert_non_null(strstr(module->info.notice, "averaged over 49 places"));
    check_graph(module);
    rt_module_close(module);
}

static void what_is_no_vector_is_refused(void **state)
{
    const rt_module_options options = {.bottleneck_tensor = "module/MobilenetV1/Conv2d_0/BatchNorm/gamma"};
    char path[1024];
    rt_module *module;
    rt_error err;
    (void)state;
    shared_path(path, sizeof path, "reference/retrain_run/defaults/output_graph.pb");
    assert_int_equal(rt_module_open(path, &options, &module, &err), RT_EUNSUPPORTED);
    assert_non_null(strstr(err.cause, "gamma"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_opens),
        cmocka_unit_test(a_missing_data_file_is_named),
        cmocka_unit_test(a_feature_map_is_averaged),
        cmocka_unit_test(what_is_no_vector_is_refused),
        cmocka_unit_test(the_user_overrides_what_is_found),
    };
    shared_or_skip("reference/modules", "the reference modules");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
