/* Graphs that the real retrain.py made, and their probabilities as TensorFlow computes them. */
#include "base/buffer.h"
#include "base/file.h"
#include "retrain/label.h"
#include "support/npy.h"
#include "support/shared.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

enum { N_PHOTOS = 20, MAX_PATH = 4096 };
static const float tolerance =
    2e-5F; /* that of feature vectors: processors that add in another order, 1.6e-5 */

/* Full paths of the golden photos; owned by the caller, one block each. */
static void golden_photos(char *paths[N_PHOTOS])
{
    char list[MAX_PATH], *line;
    rt_buffer text = {0};
    assert_int_equal(
        rt__file_read(&text, shared_path(list, sizeof list, "reference/golden/images.txt"), 0, NULL, NULL),
        RT_OK);
    line = text.bytes;
    for (size_t i = 0; i < N_PHOTOS; i++) {
        char relative[512];
        size_t length = strcspn(line, "\n");
        snprintf(relative, sizeof relative, "data/flower_photos/%.*s", (int)length, line);
        paths[i] = malloc(MAX_PATH);
        shared_path(paths[i], MAX_PATH, relative);
        line += length + 1;
    }
    rt__buffer_clear(&text);
}

/* Labels all golden photos and compares each score. */
static void compare(const rt_label_options *options, const char *golden)
{
    char path[MAX_PATH], *photos[N_PHOTOS];
    rt_label_outcome outcomes[N_PHOTOS];
    rt_labeller *labeller = NULL;
    struct npy want = {.data = NULL};
    rt_error err;
    float *scores, worst = 0;
    assert_true(npy_read(shared_path(path, sizeof path, golden), &want));
    golden_photos(photos);
    if (rt_labeller_open(options, &labeller, &err) != RT_OK)
        fail_msg("%s: %s", err.path, err.cause);
    assert_int_equal(want.count, N_PHOTOS * rt_labeller_describe(labeller)->n_labels);
    scores = calloc(want.count, sizeof *scores);
    assert_int_equal(rt_labeller_run(labeller, (const char *const *)photos, N_PHOTOS, scores, outcomes, &err),
                     RT_OK);
    for (size_t i = 0; i < N_PHOTOS; i++)
        assert_int_equal(outcomes[i].code, RT_OK);
    for (size_t i = 0; i < want.count; i++)
        worst = fmaxf(worst, fabsf(scores[i] - ((const float *)want.data)[i]));
    print_message("largest difference %g\n", (double)worst);
    assert_true(worst <= tolerance);
    for (size_t i = 0; i < N_PHOTOS; i++)
        free(photos[i]);
    free(scores);
    npy_free(&want);
    rt_labeller_close(labeller);
}

static void a_graph_of_retrain_py_needs_no_flags(void **state)
{
    char graph[MAX_PATH], labels[MAX_PATH];
    rt_label_options options;
    (void)state;
    rt_label_defaults(&options);
    options.graph = shared_path(graph, sizeof graph, "reference/retrain_run/defaults/output_graph.pb");
    options.labels = shared_path(labels, sizeof labels, "reference/retrain_run/defaults/output_labels.txt");
    compare(&options, "reference/golden/predictions/retrain_run_output_graph.npy");
}

static void flags_of_label_image_py_are_followed(void **state)
{
    char graph[MAX_PATH], labels[MAX_PATH];
    const rt_label_options options = {
        .graph = shared_path(graph, sizeof graph, "models/retrained_glasses_graph.pb"),
        .labels = shared_path(labels, sizeof labels, "models/retrained_glasses_labels.txt"),
        .input_layer = "input",
        .output_layer = "final_result",
        .input_height = 224,
        .input_width = 224,
        .input_mean = 127.5F,
        .input_std = 127.5F,
        .threads = 2,
    };
    (void)state;
    compare(&options, "reference/golden/predictions/retrained_glasses_graph.npy");
}

/* Every form in which TensorFlow ran a classifier on the photos, opened without being told anything of it. */
static const struct form {
    const char *graph, *labels, *golden;
} forms[] = {
    {"models/mobilenet_v1_0.25_224_frozen.pb", "models/imagenet_labels_1001.txt",
     "mobilenet_v1_0.25_224_frozen"},
    {"models/mobilenet_v1_0.25_128_frozen.pb", "models/imagenet_labels_1001.txt",
     "mobilenet_v1_0.25_128_frozen"},
    {"models/mobilenet_v1_0.25_224_quantized_weights.pb", "models/imagenet_labels_1001.txt",
     "mobilenet_v1_0.25_224_quantized_weights"},
    {"models/mobilenet_v1_0.50_224_quantized_weights.pb", "models/imagenet_labels_1001.txt",
     "mobilenet_v1_0.50_224_quantized_weights"},
    {"models/retrained_glasses_graph.pb", "models/retrained_glasses_labels.txt", "retrained_glasses_graph"},
    {"reference/retrain_run/saved/saved_model", "reference/retrain_run/saved/output_labels.txt",
     "retrain_run_saved_model"},
    {"reference/saved_models/v1_simple_save", "models/imagenet_labels_1001.txt", "v1_simple_save"},
    {"reference/saved_models/v1_builder", "models/imagenet_labels_1001.txt", "v1_builder"},
    /* The checkpoint of the same training as output_graph.pb, its training step and its feeds still in. */
    {"reference/retrain_run/defaults/_retrain_checkpoint.meta",
     "reference/retrain_run/defaults/output_labels.txt", "retrain_run_output_graph"},
    {"reference/retrain_run/defaults", "reference/retrain_run/defaults/output_labels.txt",
     "retrain_run_output_graph"},
};

static void every_form_of_a_classifier_gives_tensorflows_scores(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char graph[MAX_PATH], labels[MAX_PATH], golden[MAX_PATH];
        const rt_label_options options = {
            .graph = shared_path(graph, sizeof graph, forms[i].graph),
            .labels = shared_path(labels, sizeof labels, forms[i].labels),
        };
        print_message("%s: ", forms[i].graph);
        snprintf(golden, sizeof golden, "reference/golden/predictions/%s.npy", forms[i].golden);
        compare(&options, golden);
    }
}

static void a_bad_photo_does_not_stop_the_others(void **state)
{
    char graph[MAX_PATH], labels[MAX_PATH], good[MAX_PATH];
    const char *photos[] = {"no/such/photo.jpg", NULL, NULL};
    rt_label_options options;
    rt_label_outcome outcomes[3];
    rt_labeller *labeller = NULL;
    float scores[3][5];
    rt_error err;
    (void)state;
    rt_label_defaults(&options);
    options.graph = shared_path(graph, sizeof graph, "reference/retrain_run/defaults/output_graph.pb");
    options.labels = shared_path(labels, sizeof labels, "reference/retrain_run/defaults/output_labels.txt");
    photos[1] = options.labels;
    photos[2] = shared_path(good, sizeof good, "data/flower_photos/daisy/100080576_f52e8ee070_n.jpg");
    assert_int_equal(rt_labeller_open(&options, &labeller, &err), RT_OK);
    assert_int_equal(rt_labeller_run(labeller, photos, 3, scores[0], outcomes, &err), RT_OK);
    assert_int_equal(outcomes[0].code, RT_ENOTFOUND);
    assert_non_null(strstr(outcomes[0].reason, "no/such/photo.jpg"));
    assert_int_equal(outcomes[1].code, RT_EFORMAT);
    assert_non_null(strstr(outcomes[1].reason, options.labels));
    assert_int_equal(outcomes[2].code, RT_OK);
    for (size_t k = 0; k < 5; k++)
        assert_true(scores[0][k] == 0 && scores[1][k] == 0 && scores[2][k] > 0);
    rt_labeller_close(labeller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_graph_of_retrain_py_needs_no_flags),
        cmocka_unit_test(flags_of_label_image_py_are_followed),
        cmocka_unit_test(every_form_of_a_classifier_gives_tensorflows_scores),
        cmocka_unit_test(a_bad_photo_does_not_stop_the_others),
    };
    shared_or_skip("reference/golden/predictions", "probabilities that TensorFlow computed");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
