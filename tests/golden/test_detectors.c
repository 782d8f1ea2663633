/* Detectors as base networks: the cut is found from structure, and the vectors are those of TensorFlow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/file.h"
#include "hub/unpack.h"
#include "model/candidates.h"
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

static rt_module *open_module(const char *path, const rt_module_options *options)
{
    rt_module *module = NULL;
    rt_error err;
    char text[1200];
    if (rt_module_open(path, options, &module, &err) != RT_OK)
        fail_msg("%s", rt_error_text(&err, text, sizeof text));
    return module;
}

/* TensorFlow's vectors of the ten photos: [n_parts] files, a row of each behind that of the one before. */
static void read_golden(const char *golden, const char *const *parts, size_t n_parts, struct npy *all)
{
    char path[1200], relative[1200];
    for (size_t i = 0; i < n_parts; i++) {
        snprintf(relative, sizeof relative, "reference/ssd/golden/%s/%s.npy", golden, parts[i]);
        assert_true(npy_read(shared_path(path, sizeof path, relative), &all[i]));
        assert_int_equal(all[i].dims[0], all[0].dims[0]);
    }
}

/* The largest difference of a row from the golden one, by the row's largest value. */
static float difference(const struct npy *parts, size_t n_parts, size_t row, const float *feature)
{
    float largest = 0, worst = 0;
    for (size_t p = 0; p < n_parts; p++) {
        size_t size = (size_t)parts[p].dims[1];
        const float *wanted = (const float *)parts[p].data + row * size;
        for (size_t i = 0; i < size; i++) {
            largest = fmaxf(largest, fabsf(wanted[i]));
            worst = fmaxf(worst, fabsf(wanted[i] - *feature++));
        }
    }
    return worst / largest;
}

/* The photo of each row, as images.txt lists them. */
static void check_rows(const rt_module *module, const char *golden, const char *const *files, size_t n_files)
{
    char path[1200], relative[1200];
    rt_buffer names = {0}, photo = {0};
    rt_extractor *extractor = NULL;
    struct npy parts[2];
    size_t row = 0;
    float *feature = calloc((size_t)rt_module_describe(module)->feature_size, sizeof *feature), worst = 0;
    assert_non_null(feature);
    read_golden(golden, files, n_files, parts);
    assert_int_equal(rt_module_describe(module)->feature_size,
                     parts[0].dims[1] + (n_files > 1 ? parts[1].dims[1] : 0));
    snprintf(relative, sizeof relative, "reference/ssd/golden/%s/images.txt", golden);
    assert_int_equal(rt__file_read(&names, shared_path(path, sizeof path, relative), 0, NULL, NULL), RT_OK);
    assert_int_equal(rt_extractor_new(module, &(rt_extraction){0}, &extractor, NULL), RT_OK);
    for (char *rest = names.bytes, *name; (name = strtok_r(rest, "\n", &rest)); row++) {
        snprintf(relative, sizeof relative, "data/flower_photos/%s", name);
        rt__buffer_reset(&photo);
        assert_int_equal(rt__file_read(&photo, shared_path(path, sizeof path, relative), 0, NULL, NULL),
                         RT_OK);
        assert_int_equal(rt_extractor_run(extractor, (const uint8_t *)photo.bytes, photo.size, feature, NULL),
                         RT_OK);
        worst = fmaxf(worst, difference(parts, n_files, row, feature));
    }
    assert_int_equal(row, parts[0].dims[0]);
    printf("%s, %s: largest difference %.2g of the row's largest\n", rt_module_describe(module)->path,
           files[0], (double)worst);
    assert_true(worst <= 2e-5F);
    rt_extractor_free(extractor);
    for (size_t i = 0; i < n_files; i++)
        npy_free(&parts[i]);
    rt__buffer_clear(&names);
    rt__buffer_clear(&photo);
    free(feature);
}

/* TensorFlow's vectors of the default cut, by the graph's own preprocessing and by retrain.py's. */
static void check_both(const rt_module *module, const char *golden)
{
    check_rows(module, golden, (const char *const[]){"features_0"}, 1);
    check_rows(module, golden, (const char *const[]){"features_retrain_0"}, 1);
}

static void vectors_are_tensorflows_from_every_form(void **state)
{
    char path[1200];
    (void)state;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        rt_module *module = open_module(shared_path(path, sizeof path, sources[i].path), NULL);
        const rt_module_info *info = rt_module_describe(module);
        assert_string_equal(info->kind, sources[i].kind);
        assert_string_equal(info->feature, sources[i].feature);
        assert_int_equal(info->height, 300);
        assert_int_equal(info->width, 300);
        check_both(module, sources[i].golden);
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
    module = open_module(folder, NULL);
    assert_string_equal(rt_module_describe(module)->kind, "checkpoint");
    check_both(module, sources[0].golden);
    rt_module_close(module);
    assert_int_equal(rt__folder_remove(folder, NULL), RT_OK);
    rt__buffer_clear(&link);
    free(folder);
}

/* --bottleneck_tensor with two names: each map averaged, one vector behind the other. */
static void vectors_of_several_maps_are_put_together(void **state)
{
    static const char shallow[] = "FeatureExtractor/InceptionV2/InceptionV2/Mixed_4c/concat";
    static const char both[] = "FeatureExtractor/InceptionV2/InceptionV2/Mixed_4c/concat,"
                               "FeatureExtractor/InceptionV2/InceptionV2/Mixed_5c/concat:0";
    static const char module_both[] = "FeatureExtractor/MobilenetV2/expanded_conv_13/expand/"
                                      "Relu6,FeatureExtractor/MobilenetV2/Conv_1/Relu6";
    char path[1200];
    rt_module *module;
    (void)state;
    for (size_t i = 0; i < 4; i++) { /* all forms of the first detector */
        module = open_module(shared_path(path, sizeof path, sources[i].path),
                             &(rt_module_options){.bottleneck_tensor = both});
        assert_non_null(strstr(rt_module_describe(module)->feature, "Mixed_4c/concat:0,FeatureExtractor/"));
        assert_non_null(strstr(rt_module_describe(module)->notice, "averaged over 361 and 100 places"));
        check_rows(module, sources[i].golden, (const char *const[]){"features_1", "features_0"}, 2);
        rt_module_close(module);
    }
    module = open_module(shared_path(path, sizeof path, sources[0].path),
                         &(rt_module_options){.bottleneck_tensor = shallow});
    check_rows(module, sources[0].golden, (const char *const[]){"features_retrain_1"}, 1);
    rt_module_close(module);
    module = open_module(shared_path(path, sizeof path, sources[4].path),
                         &(rt_module_options){.bottleneck_tensor = module_both});
    check_rows(module, sources[4].golden, (const char *const[]){"features_retrain_1", "features_retrain_0"},
               2);
    rt_module_close(module);
}

/* The tensor behind the graph's own scaling takes the pixels: then the user says which it wants. */
static void the_input_may_be_named(void **state)
{
    const rt_module_options scaled = {
        .input_tensor = "Preprocessor/sub:0", .input_height = 300, .input_width = 300};
    const rt_module_options raw = {.input_tensor = "Preprocessor/map/TensorArrayStack/TensorArrayGatherV3",
                                   .input_height = 300,
                                   .input_width = 300};
    char path[1200];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        rt_module *module = open_module(shared_path(path, sizeof path, sources[1].path), i ? &raw : &scaled);
        const rt_module_info *info = rt_module_describe(module);
        assert_string_equal(info->feature, sources[1].feature);
        assert_true(i ? info->input_mean == 0 && info->input_std == 1
                      : info->input_mean == 127.5f && info->input_std == 127.5f);
        check_rows(module, sources[1].golden, (const char *const[]){"features_retrain_0"}, 1);
        rt_module_close(module);
    }
}

/* What inspect lists: the costs are those that were counted when the detector was made. */
static void the_cuts_there_are_cost_what_was_counted(void **state)
{
    static const struct {
        const char *tensor;
        int64_t side, channels;
        double millions;
        bool chosen;
    } known[] = {
        {"FeatureExtractor/InceptionV2/InceptionV2/Conv2d_1a_7x7/Relu6", 150, 16, 21.9, false},
        {"FeatureExtractor/InceptionV2/InceptionV2/Mixed_3b/concat", 38, 72, 82.5, false},
        {"FeatureExtractor/InceptionV2/InceptionV2/Mixed_4c/concat", 19, 144, 151.9, false},
        {"FeatureExtractor/InceptionV2/InceptionV2/Mixed_5c/concat", 10, 256, 244.1, true},
        {"FeatureExtractor/InceptionV2/Mixed_5c_2_Conv2d_2_3x3_s2_512/Relu6", 5, 128, 247.5, false},
        {"FeatureExtractor/InceptionV2/Mixed_5c_2_Conv2d_5_3x3_s2_128/Relu6", 1, 32, 247.9, false},
    };
    const rt_module_options options = {.input_std = 0};
    char path[1200];
    rt_arena *arena = rt__arena_new();
    rt_network network;
    rt_candidate *list;
    size_t n, k = 0;
    (void)state;
    assert_int_equal(
        rt__network_open(shared_path(path, sizeof path, sources[0].path), &options, &network, NULL), RT_OK);
    assert_int_equal(rt__network_cut(&network, &options, NULL), RT_OK);
    assert_int_equal(rt__network_candidates(&network, arena, &list, &n, NULL), RT_OK);
    for (size_t i = 0; i < n && k < sizeof known / sizeof *known; i++) {
        if (strcmp(list[i].cut.name, known[k].tensor) != 0)
            continue;
        assert_int_equal(list[i].cut.shape.dim[1], known[k].side);
        assert_int_equal(list[i].features, known[k].channels);
        assert_true(fabs((double)list[i].cut.multiply_adds / 1e6 - known[k].millions) < 0.06);
        assert_true(list[i].chosen == known[k].chosen);
        k++;
    }
    assert_int_equal(k, sizeof known / sizeof *known);
    rt__network_clear(&network);
    rt__arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_tensorflows_from_every_form),
        cmocka_unit_test(a_checkpoint_alone_is_enough),
        cmocka_unit_test(vectors_of_several_maps_are_put_together),
        cmocka_unit_test(the_input_may_be_named),
        cmocka_unit_test(the_cuts_there_are_cost_what_was_counted),
    };
    shared_or_skip("reference/ssd", "detectors as base networks");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
