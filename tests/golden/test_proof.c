/* Each format of an export gives the source's probabilities for golden photos; another network's does not
 * pass. */
#include "pipeline/export_proof.h"
#include "pipeline/label_graph.h"
#include "retrain/export.h"
#include "support/shared.h"
#include "support/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

enum { PHOTOS = 3, CLASSES = 5 };

static const char *const names[PHOTOS] = {"data/flower_photos/roses/10090824183_d02c613f10_m.jpg",
                                          "data/flower_photos/daisy/100080576_f52e8ee070_n.jpg",
                                          "data/flower_photos/tulips/100930342_92e8746431_n.jpg"};
static char graph[1024], labels[1024];

static void score(const char *path, float scores[PHOTOS * CLASSES])
{
    char photos[PHOTOS][1024];
    const char *paths[PHOTOS];
    rt_label_outcome outcomes[PHOTOS];
    rt_label_options options;
    rt_labeller *labeller;
    rt_error err;
    rt_label_defaults(&options);
    options.graph = path;
    options.labels = labels;
    for (int i = 0; i < PHOTOS; i++) {
        shared_path(photos[i], sizeof photos[i], names[i]);
        paths[i] = photos[i];
    }
    if (rt_labeller_open(&options, &labeller, &err) != RT_OK)
        fail_msg("%s: %s", path, err.cause);
    assert_int_equal(rt_labeller_run(labeller, paths, PHOTOS, scores, outcomes, &err), RT_OK);
    for (int i = 0; i < PHOTOS; i++)
        assert_int_equal(outcomes[i].code, RT_OK);
    rt_labeller_close(labeller);
}

static void every_format_gives_the_same(void **state)
{
    static const struct {
        rt_export_format format;
        const char *output, *read;
    } cases[] = {
        {RT_EXPORT_ONNX, "m.onnx", "m.onnx"},
        {RT_EXPORT_TFLITE, "m.tflite", "m.tflite"},
        {RT_EXPORT_FROZEN, "m.pb", "m.pb"},
        {RT_EXPORT_SAVED_MODEL, "saved", "saved"},
        {RT_EXPORT_HUB_MODULE, "hub", "hub"},
        {RT_EXPORT_CHECKPOINT, "ck", "ck.meta"},
        {RT_EXPORT_JETSON, "jetson", "jetson/model.onnx"},
    };
    float wanted[PHOTOS * CLASSES], got[PHOTOS * CLASSES];
    char *folder = tree_new(), output[1100], read[1100];
    (void)state;
    score(graph, wanted);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rt_export_options options;
        rt_error err;
        snprintf(output, sizeof output, "%s/%s", folder, cases[i].output);
        snprintf(read, sizeof read, "%s/%s", folder, cases[i].read);
        rt_export_defaults(&options);
        options.source.graph = graph;
        options.source.labels = labels;
        options.format = cases[i].format;
        options.output = output;
        if (rt_export(&options, &err) != RT_OK)
            fail_msg("%s: %s", output, err.cause);
        score(read, got);
        for (int k = 0; k < PHOTOS * CLASSES; k++)
            if (!(got[k] - wanted[k] < 1e-5f && wanted[k] - got[k] < 1e-5f))
                fail_msg("%s: %g, want %g", cases[i].output, (double)got[k], (double)wanted[k]);
    }
    tree_remove(folder);
}

/* What else a classifier's file could be, if a writer were wrong. */
static void another_network_does_not_pass(void **state)
{
    const char *const five[] = {"daisy", "dandelion", "roses", "sunflowers", "tulips"};
    const char *texts[CLASSES];
    char other[1024];
    rt_export_options options;
    rt_label_options source;
    rt_buffer ignored = {0};
    rt_export_job job = {.options = &options};
    rt_error err;
    (void)state;
    rt_export_defaults(&options);
    options.output = "m.pb";
    rt_label_defaults(&source);
    source.graph = graph;
    assert_int_equal(rt__label_graph_open(&source, &job.module, &ignored, &err), RT_OK);
    job.info = rt_module_describe(job.module);
    memcpy(texts, five, sizeof texts);
    job.labels.names = texts;
    job.labels.n = CLASSES;
    assert_int_equal(rt__export_prove(&job, graph, false, false, &err), RT_OK);
    shared_path(other, sizeof other, "reference/retrain_run/saved/intermediate_graph/intermediate_10.pb");
    assert_int_equal(rt__export_prove(&job, other, false, false, &err), RT_EUNSUPPORTED);
    assert_non_null(strstr(err.cause, "differs from the source"));
    shared_path(other, sizeof other, "models/mobilenet_v1_0.25_224_frozen.pb");
    assert_int_equal(rt__export_prove(&job, other, false, false, &err), RT_EUNSUPPORTED);
    assert_non_null(strstr(err.cause, "224x224 pixels to 1001 probabilities"));
    assert_int_not_equal(rt__export_prove(&job, labels, false, false, &err), RT_OK);
    assert_non_null(strstr(err.cause, "cannot be read back"));
    rt_module_close(job.module);
    rt__buffer_clear(&ignored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_gives_the_same),
        cmocka_unit_test(another_network_does_not_pass),
    };
    shared_or_skip("reference/retrain_run/defaults/output_graph.pb", "a graph of the real retrain.py");
    shared_path(graph, sizeof graph, "reference/retrain_run/defaults/output_graph.pb");
    shared_path(labels, sizeof labels, "reference/retrain_run/defaults/output_labels.txt");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
