/* The state of a training on disk: what was written comes back, and nothing damaged is taken for a state. */
#include "base/file.h"
#include "head/state_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

enum { FEATURES = 7, CLASSES = 3, SEED = 5 };

static char path[] = "/tmp/test_state_file_XXXXXX";

static rt_saved_run some_run(void)
{
    rt_saved_run run = {.identity = "--seed=5\nphotos=12\n",
                        .steps = 4000,
                        .training = {0.25F, 0.875F, 100},
                        .validation = {0.5F, 0.75F, 64}};
    assert_int_equal(rt__train_state_init(&run.state, FEATURES, CLASSES, SEED, NULL), RT_OK);
    run.state.step = 1234;
    run.state.head.biases[1] = -0.125F;
    return run;
}

static void what_was_written_comes_back(void **state)
{
    rt_saved_run run = some_run(), read;
    const rt_head *head = &read.state.head;
    (void)state;
    assert_int_equal(rt__run_write(path, &run, false, NULL), RT_OK);
    assert_int_equal(rt__run_read(path, &read, NULL), RT_OK);
    assert_string_equal(read.identity, run.identity);
    assert_int_equal(read.steps, 4000);
    assert_int_equal(read.state.step, 1234);
    assert_memory_equal(&read.state.training, &run.state.training, sizeof(rt_rng));
    assert_memory_equal(&read.state.validation, &run.state.validation, sizeof(rt_rng));
    assert_float_equal(read.training.accuracy, 0.875F, 0);
    assert_float_equal(read.validation.cross_entropy, 0.5F, 0);
    assert_int_equal(read.validation.n, 64);
    assert_int_equal(head->n_features, FEATURES);
    assert_int_equal(head->n_classes, CLASSES);
    assert_memory_equal(head->weights, run.state.head.weights, FEATURES * CLASSES * sizeof(float));
    assert_memory_equal(head->biases, run.state.head.biases, CLASSES * sizeof(float));
    rt__run_clear(&read);
    rt__train_state_clear(&run.state);
}

static void damaged_files_are_refused(void **state)
{
    rt_saved_run run = some_run(), read;
    rt_buffer file = {0};
    (void)state;
    assert_int_equal(rt__run_write(path, &run, false, NULL), RT_OK);
    assert_int_equal(rt__file_read(&file, path, 0, NULL, NULL), RT_OK);
    for (size_t size = 0; size < file.size; size++) {
        assert_int_equal(rt__file_write(path, file.bytes, size, false, NULL), RT_OK);
        assert_int_equal(rt__run_read(path, &read, NULL), RT_EFORMAT);
    }
    for (size_t i = 0; i < file.size; i++) {
        file.bytes[i] = (char)(file.bytes[i] ^ 0x10);
        assert_int_equal(rt__file_write(path, file.bytes, file.size, false, NULL), RT_OK);
        assert_int_equal(rt__run_read(path, &read, NULL), RT_EFORMAT);
        file.bytes[i] = (char)(file.bytes[i] ^ 0x10);
    }
    rt__buffer_clear(&file);
    rt__train_state_clear(&run.state);
    unlink(path);
    assert_int_equal(rt__run_read(path, &read, NULL), RT_ENOTFOUND);
}

static void the_first_difference_is_named(void **state)
{
    char key[20], now[20], then[20];
    (void)state;
    assert_false(rt__run_differs("a=1\nb=2\n", "a=1\nb=2\n", key, now, then, sizeof key));
    assert_true(rt__run_differs("a=1\nb=2\nc=3\n", "a=1\nb=22\nc=3\n", key, now, then, sizeof key));
    assert_string_equal(key, "b");
    assert_string_equal(now, "2");
    assert_string_equal(then, "22");
    assert_true(rt__run_differs("a=1\n", "a=1\nb=x=y\n", key, now, then, sizeof key));
    assert_string_equal(key, "b");
    assert_string_equal(now, "");
    assert_string_equal(then, "x=y");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_comes_back),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(the_first_difference_is_named),
    };
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
