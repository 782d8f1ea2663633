#include "feature/cache_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

typedef struct bad_text {
    const char *text; /* three values are wanted */
    const char *cause;
    int64_t offset;
} bad_text;

static void bad_files_are_told_apart(void **state)
{
    static const bad_text cases[] = {
        {"", "value 1 of 3 is no finite number", 0},
        {"1.0,2.0,", "value 3 of 3 is no finite number", 8},
        {"1.0,2.0", "2 values, 3 are needed", 7},
        {"1.0", "1 values, 3 are needed", 3},
        {"1.0,2.0,3.0,4.0", "more than 3 values", 11},
        {"1.0,2.0,3.0,", "more than 3 values", 11},
        {"1.0 2.0,3.0", "no comma behind value 1 of 3", 4},
        {"1.0,abc,3.0", "value 2 of 3 is no finite number", 4},
        {"1.0,nan,3.0", "value 2 of 3 is no finite number", 4},
        {"1.0,inf,3.0", "value 2 of 3 is no finite number", 4},
        {"1.0,1e39,3.0", "value 2 of 3 is no finite number", 4},
        {"1.0,,3.0", "value 2 of 3 is no finite number", 4},
        {"1.0;2.0;3.0", "no comma behind value 1 of 3", 3},
        {"1.0,0x2,3.0", "no comma behind value 2 of 3", 5},
    };
    float values[3];
    rt_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(rt__cache_parse(cases[i].text, strlen(cases[i].text), values, 3, &err), RT_EFORMAT);
        assert_string_equal(err.cause, cases[i].cause);
        assert_int_equal(err.offset, cases[i].offset);
    }
    assert_int_equal(rt__cache_parse("1,2,3\0004", 7, values, 3, &err), RT_EFORMAT); /* a 0 byte inside */
}

static void every_cut_of_a_file_is_bad_or_shorter_in_its_last_value(void **state)
{
    const char text[] = "0.5,-1.25,3e-08";
    (void)state;
    for (size_t size = 0; size < sizeof text - 1; size++) {
        char cut[sizeof text];
        float values[3];
        bool whole_values =
            size > 10 && size != 12 && size != 13; /* "3", "3e-0" are numbers, "3e", "3e-" are not */
        memcpy(cut, text, size);
        cut[size] = 0;
        assert_int_equal(rt__cache_parse(cut, size, values, 3, NULL), whole_values ? RT_OK : RT_EFORMAT);
    }
}

static void spaces_are_as_pythons_float_takes_them(void **state)
{
    const char text[] = " 1.0 ,\t-2,\n+3e0\r\n";
    float values[3];
    (void)state;
    assert_int_equal(rt__cache_parse(text, sizeof text - 1, values, 3, NULL), RT_OK);
    assert_true(values[0] == 1 && values[1] == -2 && values[2] == 3);
}

static void text_is_retrain_pys(void **state)
{
    const float values[] = {0.1f, 1e-8f, 0.0f, 123456.79f};
    rt_buffer text = {0};
    (void)state;
    rt__cache_format(values, 4, &text);
    assert_string_equal(text.bytes, "0.1,1e-08,0.0,123456.79");
    assert_int_equal(text.size, strlen(text.bytes));
    rt__cache_format(values, 0, &text);
    assert_int_equal(text.size, strlen(text.bytes));
    rt__buffer_clear(&text);
}

static void paths_are_retrain_pys(void **state)
{
    char path[1024], photo[300], module[400], expected[1024];
    rt_error err;
    (void)state;
    assert_int_equal(rt__cache_path("/tmp/bottleneck", "daisy", "a.jpg",
                                    "https://tfhub.dev/google/imagenet/inception_v3/feature_vector/3", path,
                                    sizeof path, &err),
                     RT_OK);
    assert_string_equal(path, "/tmp/bottleneck/daisy/"
                              "a.jpg_https~tfhub.dev~google~imagenet~inception_v3~feature_vector~3.txt");
    assert_int_equal(rt__cache_path("b/", "玫瑰", "新.jpg", "C:\\m\\net:1", path, sizeof path, &err), RT_OK);
    assert_string_equal(path, "b/玫瑰/新.jpg_C~~m~net~1.txt");
    memset(module, 'm', sizeof module);
    module[sizeof module - 1] = 0;
    assert_int_equal(rt__cache_path("b", "c", "a.jpg", module, path, sizeof path, &err), RT_OK);
    snprintf(expected, sizeof expected, "b/c/a.jpg_~"); /* then the SHA-1 */
    assert_memory_equal(path, expected, strlen(expected));
    assert_int_equal(strlen(path), strlen(expected) + 40 + 4);
    memset(photo, 'p', sizeof photo);
    photo[250] = 0;
    assert_int_equal(rt__cache_path("b", "c", photo, module, path, sizeof path, &err), RT_ELIMIT);
    assert_int_equal(rt__cache_path("b", "c", "a.jpg", "m", path, 10, &err), RT_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_files_are_told_apart),
        cmocka_unit_test(every_cut_of_a_file_is_bad_or_shorter_in_its_last_value),
        cmocka_unit_test(spaces_are_as_pythons_float_takes_them),
        cmocka_unit_test(text_is_retrain_pys),
        cmocka_unit_test(paths_are_retrain_pys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
