/* Three spellings of one network give one vector: channels last, channels first, and a 1x1 convolution as
 * classifier behind a graph that scales its input itself.  They are the corpus of fuzz_graphdef. */
#include "base/file.h"
#include "retrain/feature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

enum { FEATURES = 2, SIDE = 8 };

static void features_of(const char *graph, const rt_buffer *photo, float *features)
{
    char path[1024], text[1024];
    rt_extractor *extractor;
    rt_module *module;
    rt_error err;
    rt_code code;
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/graphdef/%s", getenv("RETRAIN_SOURCE"), graph);
    if (rt_module_open(path, NULL, &module, &err) != RT_OK)
        fail_msg("%s", rt_error_text(&err, text, sizeof text));
    assert_int_equal(rt_module_describe(module)->height, SIDE);
    assert_int_equal(rt_module_describe(module)->width, SIDE);
    assert_int_equal(rt_module_describe(module)->feature_size, FEATURES);
    code = rt_extractor_new(module, &(rt_extraction){0}, &extractor, &err);
    if (code == RT_OK)
        code = rt_extractor_run(extractor, (const uint8_t *)photo->bytes, photo->size, features, &err);
    if (code != RT_OK)
        fail_msg("%s", rt_error_text(&err, text, sizeof text));
    rt_extractor_free(extractor);
    rt_module_close(module);
}

static void spellings_of_a_network_give_one_vector(void **state)
{
    static const char *const others[] = {"channels_first", "conv_head"};
    float expected[FEATURES], got[FEATURES];
    rt_buffer photo = {0};
    char path[1024];
    (void)state;
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/image/baseline_420.jpg", getenv("RETRAIN_SOURCE"));
    assert_int_equal(rt__file_read(&photo, path, 0, NULL, NULL), RT_OK);
    features_of("matmul_head", &photo, expected);
    assert_true(expected[0] > 0 && expected[1] > expected[0]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        features_of(others[i], &photo, got);
        for (int k = 0; k < FEATURES; k++)
            assert_float_equal(got[k], expected[k], 1e-5f);
    }
    rt__buffer_clear(&photo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(spellings_of_a_network_give_one_vector)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
