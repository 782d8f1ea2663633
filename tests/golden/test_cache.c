/* Bottleneck files that the real retrain.py wrote: read as numpy reads them, and written back byte for byte.
 */
#include "base/buffer.h"
#include "base/file.h"
#include "feature/cache_text.h"
#include "support/npy.h"
#include "support/shared.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

#define DEFAULTS "reference/retrain_run/defaults/bottleneck"
#define RECORDED "recorded/bottlenecks_mobilenet_0.50_224"
#define MODULE   "modules/mobilenet_v1_025_224_feature_vector"

static const char *const folders[] = {"daisy", "dandelion", "roses", "sunflowers", "tulips"};

/* As Python and numpy do it: float() to a double, then to float32. */
static void assert_numpys_floats(const char *text, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *end;
        float expected = (float)strtod(text, &end);
        assert_memory_equal(&values[i], &expected, sizeof expected);
        text = end + 1;
    }
}

static void check_file(const char *path, size_t n)
{
    rt_buffer text = {0}, again = {0};
    float *values = malloc(n * sizeof *values);
    rt_error err;
    assert_int_equal(rt__file_read(&text, path, 0, NULL, &err), RT_OK);
    if (rt__cache_parse(text.bytes, text.size, values, n, &err) != RT_OK)
        fail_msg("%s: %s", path, err.cause);
    assert_numpys_floats(text.bytes, values, n);
    rt__cache_format(values, n, &again);
    assert_int_equal(again.size, text.size);
    assert_memory_equal(again.bytes, text.bytes, text.size);
    rt__buffer_clear(&text);
    rt__buffer_clear(&again);
    free(values);
}

static size_t check_folder(const char *root, const char *folder, size_t n)
{
    char path[1024], file[2048];
    const struct dirent *entry;
    size_t count = 0;
    DIR *dir;
    shared_path(path, sizeof path, root);
    strcat(strcat(path, "/"), folder);
    assert_non_null(dir = opendir(path));
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        check_file(file, n);
        count++;
    }
    closedir(dir);
    return count;
}

static void files_of_retrain_py_come_back_byte_for_byte(void **state)
{
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < 5; i++)
        count += check_folder(DEFAULTS, folders[i], 256);
    assert_int_equal(count, 10); /* as many as were kept */
    if (!shared_has(RECORDED)) {
        print_message("skipped: %s\n", RECORDED);
        return;
    }
    count = 0;
    for (size_t i = 0; i < 5; i++)
        count += check_folder(RECORDED, folders[i], 1001);
    assert_int_equal(count, 750);
}

static void names_are_retrain_pys(void **state)
{
    char names[1024], line[512], path[1024], shared[1024];
    struct npy golden;
    FILE *list;
    float values[256];
    size_t n_found = 0;
    (void)state;
    shared_path(shared, sizeof shared, DEFAULTS);
    assert_true(npy_read(
        shared_path(path, sizeof path, "reference/golden/bottlenecks_mobilenet_v1_025_224.npy"), &golden));
    list =
        fopen(shared_path(names, sizeof names, "reference/golden/bottlenecks_mobilenet_v1_025_224.txt"), "r");
    assert_non_null(list);
    for (size_t i = 0; i < golden.dims[0]; i++) {
        rt_buffer text = {0};
        char *slash;
        assert_non_null(fgets(line, sizeof line, list));
        line[strcspn(line, "\n")] = 0;
        assert_non_null(slash = strchr(line, '/'));
        *slash = 0;
        assert_int_equal(rt__cache_path(shared, line, slash + 1, MODULE, path, sizeof path, NULL), RT_OK);
        if (!rt__file_exists(path))
            continue;
        n_found++;
        assert_int_equal(rt__file_read(&text, path, 0, NULL, NULL), RT_OK);
        assert_int_equal(rt__cache_parse(text.bytes, text.size, values, 256, NULL), RT_OK);
        for (size_t k = 0; k < 256; k++) /* TensorFlow with 2 threads and with 1 differ by 8.4e-6 */
            assert_true(fabsf(values[k] - ((const float *)golden.data)[256 * i + k]) < 1e-5f);
        rt__buffer_clear(&text);
    }
    assert_int_equal(n_found, 10);
    fclose(list);
    npy_free(&golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_retrain_py_come_back_byte_for_byte),
        cmocka_unit_test(names_are_retrain_pys),
    };
    shared_or_skip(DEFAULTS, "bottleneck files of the real retrain.py");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
