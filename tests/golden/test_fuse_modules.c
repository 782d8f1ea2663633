/* Real modules are fused into the op list that exec/ runs: nothing is left over that could be folded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/fused.h"
#include "model/module.h"
#include "support/npy.h"
#include "support/reference.h"
#include "support/shared.h"

#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct fused_case {
    const char *path;
    int conv, depthwise, quant, addends, nodes; /* nodes: without constants */
} fused_case;

static const fused_case cases[] = {
    {"reference/modules/efficientnet_lite0_feature_vector", 33, 16, 0, 9, 52},
    {"reference/modules/mobilenet_v1_025_128_feature_vector", 14, 13, 0, 0, 30},
    {"reference/modules/mobilenet_v1_025_224_feature_vector", 14, 13, 0, 0, 30},
    {"reference/modules/mobilenet_v1_025_128_quantops", 14, 13, 27, 0, 57},
    {"reference/modules/mobilenet_v1_025_224_quantops", 14, 13, 27, 0, 57},
    {"reference/modules/mobilenet_v2_100_224_feature_vector", 35, 17, 0, 10, 55},
    {"models/mobilenet_v1_0.25_128_frozen.pb", 14, 13, 0, 0, 30},
    {"models/mobilenet_v1_0.25_224_frozen.pb", 14, 13, 0, 0, 30},
    {"reference/retrain_run/defaults/output_graph.pb", 14, 13, 0, 0, 30},
};

static int count_op(const rt_graph *graph, const char *op)
{
    int count = 0;
    for (uint32_t i = 0; i < rt__graph_count(graph); i++)
        count += strcmp(rt__graph_node(graph, i)->op, op) == 0;
    return count;
}

/* Topological, only ops of the list, constants float. */
static void check_form(const rt_graph *graph)
{
    for (uint32_t i = 0; i < rt__graph_count(graph); i++) {
        const rt_node *node = rt__graph_node(graph, i);
        for (uint32_t k = 0; k < node->n_inputs; k++) {
            const rt_tensor *constant = rt__graph_const(graph, node->inputs[k]);
            assert_true(node->inputs[k].node < i);
            assert_true(!constant || constant->dtype == RT_FLOAT);
        }
        if (strcmp(node->op, "Const") != 0 && strcmp(node->op, "Placeholder") != 0)
            assert_int_equal(strncmp(node->op, "rt.", 3), 0);
    }
}

static void check_case(const fused_case *c)
{
    char path[512];
    rt_module *module = NULL;
    rt_graph *fused = NULL;
    rt_edge input, output;
    rt_error err;
    int addends = 0;
    if (rt_module_open(shared_path(path, sizeof path, c->path), NULL, &module, &err) != RT_OK)
        fail_msg("%s: %s", c->path, err.cause);
    if (rt__graph_fuse(module->graph, module->input, module->feature, module->info.height, module->info.width,
                       &fused, &input, &output, &err) != RT_OK)
        fail_msg("%s: %s", c->path, err.cause);
    check_form(fused);
    for (uint32_t i = 0; i < rt__graph_count(fused); i++) {
        const rt_node *node = rt__graph_node(fused, i);
        addends += strcmp(node->op, "rt.Conv") == 0 && node->n_inputs == 4;
    }
    assert_int_equal(count_op(fused, "rt.Conv"), c->conv);
    assert_int_equal(count_op(fused, "rt.Depthwise"), c->depthwise);
    assert_int_equal(count_op(fused, "rt.FakeQuant"), c->quant);
    assert_int_equal(addends, c->addends);
    assert_int_equal((int)rt__graph_count(fused) - count_op(fused, "Const"), c->nodes);
    rt__graph_free(fused);
    rt_module_close(module);
}

static void modules_are_fused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i]);
}

/* The fused graph, run in double, gives TensorFlow's features of golden image 7. */
static void fused_module_gives_the_features(void **state)
{
    static const char *const name = "reference/modules/mobilenet_v1_025_224_feature_vector";
    char path[512];
    struct npy image = {0}, features = {0};
    rt_module *module = NULL;
    rt_graph *fused = NULL;
    rt_edge input, output;
    ref_value x = ref_new(&(rt_shape){.rank = 4, .dim = {1, 224, 224, 3}}), y, expected;
    (void)state;
    assert_true(npy_read(shared_path(path, sizeof path, "reference/golden/resized224_7.npy"), &image));
    assert_true(npy_read(
        shared_path(path, sizeof path, "reference/golden/features_mobilenet_v1_025_224_feature_vector.npy"),
        &features));
    assert_int_equal(image.count, x.count);
    for (size_t i = 0; i < x.count; i++)
        x.data[i] = (double)((const float *)image.data)[i];
    assert_int_equal(rt_module_open(shared_path(path, sizeof path, name), NULL, &module, NULL), RT_OK);
    assert_int_equal(rt__graph_fuse(module->graph, module->input, module->feature, 224, 224, &fused, &input,
                                    &output, NULL),
                     RT_OK);
    y = ref_run(fused, input, &x, output);
    expected = ref_new(&y.shape);
    assert_int_equal(features.dims[1], y.count);
    for (size_t i = 0; i < y.count; i++)
        expected.data[i] = (double)((const float *)features.data)[7 * y.count + i];
    assert_true(ref_difference(&expected, &y) <= 1e-5);
    ref_free(&expected);
    ref_free(&y);
    ref_free(&x);
    rt__graph_free(fused);
    rt_module_close(module);
    npy_free(&image);
    npy_free(&features);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_are_fused),
        cmocka_unit_test(fused_module_gives_the_features),
    };
    shared_or_skip("reference/modules", "fusing the reference modules");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
