/* The split of 750 real photos against the one the real retrain.py made of them (retrain_run/splits.json). */
#include "base/file.h"
#include "retrain/dataset.h"
#include "support/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

/* The next quoted string of the file, cut out in place (none holds an escape); *is_key when a colon follows.
 */
static char *next_string(char **at, bool *is_key)
{
    char *start = strchr(*at, '"'), *end;
    if (!start)
        return NULL;
    end = strchr(start + 1, '"');
    assert_non_null(end);
    *end = 0;
    *at = end + 1;
    *is_key = **at == ':';
    return start + 1;
}

static int set_number(const char *key)
{
    static const char *const names[RT_N_SETS] = {
        [RT_TRAINING] = "training", [RT_VALIDATION] = "validation", [RT_TESTING] = "testing"};
    for (int i = 0; i < RT_N_SETS; i++)
        if (strcmp(key, names[i]) == 0)
            return i;
    return -1;
}

static const rt_photo *find_photo(const rt_dataset *dataset, const char *folder, const char *name)
{
    for (size_t i = 0; i < dataset->n_photos; i++)
        if (strcmp(dataset->photos[i].name, name) == 0 &&
            strcmp(dataset->classes[dataset->photos[i].class_index].folder, folder) == 0)
            return &dataset->photos[i];
    return NULL;
}

static void legacy_split_is_retrain_pys(void **state)
{
    static const rt_dataset_options options = {10, 10, true, true};
    rt_dataset *dataset;
    rt_buffer json = {0};
    rt_error err;
    char path[600], *at, *text, *folder = NULL;
    bool is_key, in_dir = false;
    size_t counts[RT_N_SETS] = {0};
    int set = -1;
    (void)state;
    assert_int_equal(rt__file_read(&json, shared_path(path, sizeof path, "reference/retrain_run/splits.json"),
                                   0, NULL, &err),
                     RT_OK);
    assert_int_equal(chdir(shared_path(path, sizeof path, "data")), 0);
    assert_int_equal(rt_dataset_open("flower_photos", &options, NULL, &dataset, &err), RT_OK);
    for (at = json.bytes; (text = next_string(&at, &is_key));) {
        if (is_key) {
            in_dir = strcmp(text, "dir") == 0;
            set = set_number(text);
        } else if (in_dir) {
            folder = text;
        } else {
            const rt_photo *photo = find_photo(dataset, folder, text);
            assert_non_null(photo);
            assert_int_equal(photo->set, set);
            counts[set]++;
        }
    }
    assert_int_equal(counts[RT_TRAINING], 599);
    assert_int_equal(counts[RT_TESTING], 84);
    assert_int_equal(counts[RT_VALIDATION], 67);
    assert_int_equal(dataset->n_photos, 750);
    rt_dataset_close(dataset);
    rt__buffer_clear(&json);
}

/* Sets of photo i under an image_dir spelled this way. */
static void read_sets(const char *image_dir, uint8_t sets[750])
{
    static const rt_dataset_options options = {10, 10, false, false};
    rt_dataset *dataset;
    assert_int_equal(rt_dataset_open(image_dir, &options, NULL, &dataset, NULL), RT_OK);
    assert_int_equal(dataset->n_photos, 750);
    for (size_t i = 0; i < 750; i++)
        sets[i] = dataset->photos[i].set;
    rt_dataset_close(dataset);
}

static void default_split_depends_on_the_photos_alone(void **state)
{
    uint8_t a[750], b[750];
    char path[600];
    size_t counts[RT_N_SETS] = {0};
    (void)state;
    read_sets(shared_path(path, sizeof path, "data/flower_photos"), a);
    assert_int_equal(chdir(shared_path(path, sizeof path, "data/flower_photos/daisy")), 0);
    read_sets("../../flower_photos/", b);
    assert_memory_equal(a, b, sizeof a);
    read_sets("../..", b); /* the folder around it, as an archive would unpack */
    assert_memory_equal(a, b, sizeof a);
    for (size_t i = 0; i < 750; i++)
        counts[a[i]]++;
    assert_in_range(counts[RT_VALIDATION], 50, 100);
    assert_in_range(counts[RT_TESTING], 50, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(legacy_split_is_retrain_pys),
        cmocka_unit_test(default_split_depends_on_the_photos_alone),
    };
    shared_or_skip("data/flower_photos", "the split of real photos");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
