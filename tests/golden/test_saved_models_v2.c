/* SavedModels of TensorFlow 2: functions inlined, object-based checkpoints; results are those of TensorFlow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "exec/plan.h"
#include "graph/fused.h"
#include "model/module.h"
#include "support/npy.h"
#include "support/shared.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct row {
    const char *path, *golden; /* below the shared folder */
    const char *tensor;        /* --bottleneck_tensor, or NULL */
    const char *feature;       /* what is taken then */
} rows[] = {
    {"reference/saved_models/v2_module", "reference/golden/saved_models/v2_module.npy", NULL,
     "StatefulPartitionedCall:0"},
    {"reference/saved_models/v2_keras", "reference/golden/saved_models/v2_keras.npy",
     "StatefulPartitionedCall:0", "StatefulPartitionedCall:0"},
};

static rt_module *open_module(const char *relative, const char *tensor)
{
    const rt_module_options options = {.bottleneck_tensor = tensor};
    rt_module *module = NULL;
    rt_error err;
    char text[1200], path[1200];
    if (rt_module_open(shared_path(path, sizeof path, relative), &options, &module, &err) != RT_OK)
        fail_msg("%s", rt_error_text(&err, text, sizeof text));
    return module;
}

/* One image [h,w,3] in [0,1] -> n floats. */
static void run_image(const rt_module *module, const rt_plan *plan, rt_run *run, const float *image, size_t n,
                      float *result)
{
    size_t pixels = (size_t)module->info.height * (size_t)module->info.width;
    float *input = rt__run_input(run);
    const float *output;
    rt_error err;
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++)
            input[rt__plan_wants_planar(plan) ? c * pixels + i : 3 * i + c] = image[3 * i + c];
    assert_int_equal(rt__run_execute(run, &output, &err), RT_OK);
    memcpy(result, output, n * sizeof *result);
}

/* The largest difference of any row to the golden one, as a part of the row's largest value. */
static float worst_difference(const rt_module *module, const struct npy *images, const struct npy *golden)
{
    size_t n = (size_t)golden->dims[1];
    float *result = calloc(n, sizeof *result), worst = 0;
    rt_graph *fused;
    rt_plan *plan;
    rt_run *run;
    rt_edge in, out;
    assert_non_null(result);
    assert_int_equal(rt__graph_fuse(module->graph, module->input, module->feature, module->info.height,
                                    module->info.width, &fused, &in, &out, NULL),
                     RT_OK);
    assert_int_equal(rt__plan_new(fused, in, out, &plan, NULL), RT_OK);
    assert_int_equal(rt__plan_output_size(plan), n);
    assert_int_equal(rt__run_new(plan, &run, NULL), RT_OK);
    for (size_t i = 0; i < (size_t)images->dims[0]; i++) {
        const float *wanted = (const float *)golden->data + i * n;
        float largest = 0, difference = 0;
        run_image(module, plan, run, (const float *)images->data + i * rt__plan_input_size(plan), n, result);
        for (size_t k = 0; k < n; k++) {
            largest = fmaxf(largest, fabsf(wanted[k]));
            difference = fmaxf(difference, fabsf(wanted[k] - result[k]));
        }
        worst = fmaxf(worst, difference / largest);
    }
    rt__run_free(run);
    rt__plan_free(plan);
    rt__graph_free(fused);
    free(result);
    return worst;
}

static void results_are_tensorflows(void **state)
{
    char path[1200];
    struct npy images;
    (void)state;
    assert_true(npy_read(shared_path(path, sizeof path, "reference/golden/saved_models/input.npy"), &images));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rt_module *module = open_module(rows[i].path, rows[i].tensor);
        struct npy golden;
        float worst;
        assert_string_equal(module->info.kind, "SavedModel");
        assert_string_equal(module->info.input, "serving_default_images:0");
        assert_string_equal(module->info.feature, rows[i].feature);
        assert_int_equal(module->info.height, 64);
        assert_int_equal(module->info.width, 64);
        assert_true(npy_read(shared_path(path, sizeof path, rows[i].golden), &golden));
        worst = worst_difference(module, &images, &golden);
        printf("%s: largest difference %.2g of the row's largest\n", rows[i].path, (double)worst);
        assert_true(worst <= 1e-5F);
        npy_free(&golden);
        rt_module_close(module);
    }
    npy_free(&images);
}

/* Not the result, but what its classifier reads. */
static void a_classifier_is_cut_in_front_of_its_head(void **state)
{
    rt_module *module = open_module("reference/saved_models/v2_keras", NULL);
    (void)state;
    assert_string_equal(
        module->info.feature,
        "StatefulPartitionedCall/StatefulPartitionedCall/model/global_average_pooling2d/Mean:0");
    assert_int_equal(module->info.feature_size, 32);
    assert_non_null(strstr(module->info.notice, "signature 'serving_default'"));
    assert_non_null(strstr(module->info.notice, "MatMul to 10 classes"));
    assert_true(module->info.input_mean == 0 && module->info.input_std == 255);
    rt_module_close(module);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_tensorflows),
        cmocka_unit_test(a_classifier_is_cut_in_front_of_its_head),
    };
    shared_or_skip("reference/saved_models", "SavedModels of TensorFlow 2");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
