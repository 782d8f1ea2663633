/* Detectors as base networks: the cut is found from structure, and the vectors are those of TensorFlow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/file.h"
#include "hub/unpack.h"
#include "retrain/feature.h"
#include "retrain/module.h"
#include "support/npy.h"
#include "support/shared.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char INCEPTION[] = "reference/ssd/ssd_inception_v2_coco_2017_11_17";

static const struct source {
    const char *path; /* below the shared folder */
    const char *kind;
    const char *golden; /* folder of values */
    const char *feature;
} sources[] = {
    {"reference/ssd/ssd_inception_v2_coco_2017_11_17", "Object Detection archive", "ssd_inception_v2",
     "FeatureExtractor/InceptionV2/InceptionV2/Mixed_5c/concat:0"},
    {"reference/ssd/ssd_inception_v2_coco_2017_11_17/frozen_inference_graph.pb", "frozen GraphDef",
     "ssd_inception_v2", "FeatureExtractor/InceptionV2/InceptionV2/Mixed_5c/concat:0"},
    {"reference/ssd/ssd_inception_v2_coco_2017_11_17/saved_model", "SavedModel", "ssd_inception_v2",
     "FeatureExtractor/InceptionV2/InceptionV2/Mixed_5c/concat:0"},
    {"reference/ssd/ssd_inception_v2_coco_2017_11_17/model.ckpt.meta", "checkpoint", "ssd_inception_v2",
     "FeatureExtractor/InceptionV2/InceptionV2/Mixed_5c/concat:0"},
    {"reference/ssd/ssd_mobilenet_v2_module", "TF1 Hub module", "ssd_mobilenet_v2_module",
     "FeatureExtractor/MobilenetV2/Conv_1/Relu6:0"},
};

static rt_module *open_module(const char *path)
{
    rt_module *module = NULL;
    rt_error err;
    char text[1200];
    if (rt_module_open(path, NULL, &module, &err) != RT_OK)
        fail_msg("%s", rt_error_text(&err, text, sizeof text));
    return module;
}

/* The photo of each row, as images.txt lists them. */
static void check_rows(const rt_module *module, const struct source *s)
{
    char path[1200], relative[1200];
    rt_buffer names = {0}, photo = {0};
    rt_extractor *extractor = NULL;
    struct npy golden;
    size_t size = (size_t)rt_module_describe(module)->feature_size, row = 0;
    float *feature = calloc(size, sizeof *feature), worst = 0;
    assert_non_null(feature);
    snprintf(relative, sizeof relative, "reference/ssd/golden/%s/features_0.npy", s->golden);
    assert_true(npy_read(shared_path(path, sizeof path, relative), &golden));
    assert_int_equal(golden.dims[1], size);
    snprintf(relative, sizeof relative, "reference/ssd/golden/%s/images.txt", s->golden);
    assert_int_equal(rt__file_read(&names, shared_path(path, sizeof path, relative), 0, NULL, NULL), RT_OK);
    assert_int_equal(rt_extractor_new(module, &extractor, NULL), RT_OK);
    for (char *rest = names.bytes, *name; (name = strtok_r(rest, "\n", &rest)); row++) {
        const float *wanted = (const float *)golden.data + row * size;
        float largest = 0, difference = 0;
        snprintf(relative, sizeof relative, "data/flower_photos/%s", name);
        rt__buffer_reset(&photo);
        assert_int_equal(rt__file_read(&photo, shared_path(path, sizeof path, relative), 0, NULL, NULL),
                         RT_OK);
        assert_int_equal(rt_extractor_run(extractor, (const uint8_t *)photo.bytes, photo.size, feature, NULL),
                         RT_OK);
        for (size_t i = 0; i < size; i++) {
            largest = fmaxf(largest, fabsf(wanted[i]));
            difference = fmaxf(difference, fabsf(wanted[i] - feature[i]));
        }
        worst = fmaxf(worst, difference / largest);
    }
    assert_int_equal(row, golden.dims[0]);
    printf("%s: largest difference %.2g of the row's largest\n", s->path, (double)worst);
    assert_true(worst <= 2e-5F);
    rt_extractor_free(extractor);
    npy_free(&golden);
    rt__buffer_clear(&names);
    rt__buffer_clear(&photo);
    free(feature);
}

static void vectors_are_tensorflows_from_every_form(void **state)
{
    char path[1200];
    (void)state;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        rt_module *module = open_module(shared_path(path, sizeof path, sources[i].path));
        const rt_module_info *info = rt_module_describe(module);
        assert_string_equal(info->kind, sources[i].kind);
        assert_string_equal(info->feature, sources[i].feature);
        assert_int_equal(info->height, 300);
        assert_int_equal(info->width, 300);
        check_rows(module, &sources[i]);
        rt_module_close(module);
    }
}

/* The folder of a checkpoint alone: no frozen graph, no SavedModel, no pipeline.config. */
static void a_checkpoint_alone_is_enough(void **state)
{
    static const char *const files[] = {"checkpoint", "model.ckpt.meta", "model.ckpt.index",
                                        "model.ckpt.data-00000-of-00001"};
    char *folder = NULL, path[1200], relative[1200];
    rt_buffer link = {0};
    rt_module *module;
    (void)state;
    assert_int_equal(rt__folder_temporary(&folder, NULL), RT_OK);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        rt_buffer content = {0};
        snprintf(relative, sizeof relative, "%s/%s", INCEPTION, files[i]);
        assert_int_equal(rt__file_read(&content, shared_path(path, sizeof path, relative), 0, NULL, NULL),
                         RT_OK);
        rt__path_join(&link, folder, files[i]);
        assert_int_equal(rt__file_write(link.bytes, content.bytes, content.size, false, NULL), RT_OK);
        rt__buffer_clear(&content);
    }
    module = open_module(folder);
    assert_string_equal(rt_module_describe(module)->kind, "checkpoint");
    check_rows(module, &sources[0]);
    rt_module_close(module);
    assert_int_equal(rt__folder_remove(folder, NULL), RT_OK);
    rt__buffer_clear(&link);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_tensorflows_from_every_form),
        cmocka_unit_test(a_checkpoint_alone_is_enough),
    };
    shared_or_skip("reference/ssd", "detectors as base networks");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
