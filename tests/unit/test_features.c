/* The pass over many photos and its cache.  The network is the smallest there is: the mean colour of a photo.
 */
#include "base/hash.h"
#include "feature/cache_text.h"
#include "model/module.h"
#include "retrain/feature.h"
#include "support/starve.h"
#include "support/tree.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* after the headers it needs */
#include <cmocka.h>

enum { SIDE = 4, COLOURS = 3 };

typedef struct scene {
    rt_module module;
    char *tree;
    size_t n_photos;
    size_t n_tries;
    bool no_cache;
    char log[60000];
    uint64_t done, total; /* of the last progress */
    rt_features features; /* of the last run */
    rt_error err;
} scene;

/* ---- the network ---- */

static void set_type(rt_graph *graph, uint32_t node, const char *name, rt_dtype type)
{
    const rt_attr attr = {.name = name, .kind = RT_ATTR_TYPE, .value.type = type};
    assert_int_equal(rt__graph_set_attr(graph, node, &attr, NULL), RT_OK);
}

static void make_module(rt_module *module)
{
    static const int32_t axes[2] = {1, 2};
    const rt_tensor tensor = {.dtype = RT_INT32, .shape = {1, {2}}, .bytes = sizeof axes, .data = axes};
    const rt_attr shape = {
        .name = "shape", .kind = RT_ATTR_SHAPE, .value.shape = {4, {RT_UNKNOWN, SIDE, SIDE, COLOURS}}};
    uint32_t input, axis, mean;
    rt_graph *graph;
    assert_int_equal(rt__graph_new(&graph, NULL), RT_OK);
    assert_int_equal(rt__graph_add(graph, "images", "Placeholder", &input, NULL), RT_OK);
    set_type(graph, input, "dtype", RT_FLOAT);
    assert_int_equal(rt__graph_set_attr(graph, input, &shape, NULL), RT_OK);
    assert_int_equal(rt__graph_add_const(graph, "axes", &tensor, &axis, NULL), RT_OK);
    assert_int_equal(rt__graph_add(graph, "colour", "Mean", &mean, NULL), RT_OK);
    set_type(graph, mean, "T", RT_FLOAT);
    set_type(graph, mean, "Tidx", RT_INT32);
    assert_int_equal(rt__graph_set_inputs(graph, mean, (rt_edge[]){{input, 0}, {axis, 0}}, 2, NULL, 0, NULL),
                     RT_OK);
    *module = (rt_module){.info = {.path = "colour",
                                   .kind = "test",
                                   .input = "images:0",
                                   .feature = "colour:0",
                                   .height = SIDE,
                                   .width = SIDE,
                                   .feature_size = COLOURS,
                                   .input_std = 255},
                          .graph = graph,
                          .input = {input, 0},
                          .feature = {mean, 0}};
}

/* ---- the photos: GIFs of one pixel ---- */

static void put_photo(scene *s, size_t i, uint8_t red, uint8_t green, uint8_t blue)
{
    uint8_t gif[] = {'G', 'I',  'F', '8', '9', 'a', 1, 0, 1, 0, 0x80, 0, 0, red,  green, blue, 0,   0,
                     0,   0x2c, 0,   0,   0,   0,   1, 0, 1, 0, 0,    2, 2, 0x44, 1,     0,    0x3b};
    char name[64];
    snprintf(name, sizeof name, "photos/%zu/%03zu.jpg", i % 3, i);
    tree_file(s->tree, name, gif, sizeof gif);
}

static char *photo_path(const scene *s, size_t i, char *path)
{
    snprintf(path, 600, "%s/photos/%zu/%03zu.jpg", s->tree, i % 3, i);
    return path;
}

static char *cache_path(const scene *s, size_t i, char *path)
{
    snprintf(path, 600, "%s/cache/%zu/%03zu.jpg_hub~colour.txt", s->tree, i % 3, i);
    return path;
}

static rt_code paths(const void *user, size_t i, char *photo, char *cache, size_t size, rt_error *err)
{
    const scene *s = user;
    (void)size, (void)err;
    photo_path(s, i, photo);
    if (cache)
        cache_path(s, i, cache);
    if (cache && s->no_cache)
        cache[0] = 0;
    return RT_OK;
}

/* Sets the time of the photo's last change, seconds since 1970. */
static void set_time(const scene *s, size_t i, time_t seconds)
{
    char path[600];
    const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    assert_int_equal(utimensat(AT_FDCWD, photo_path(s, i, path), times, 0), 0);
}

static int set_up(void **state)
{
    scene *s = calloc(1, sizeof *s);
    s->tree = tree_new();
    s->n_photos = 12;
    make_module(&s->module);
    for (size_t i = 0; i < s->n_photos; i++) {
        put_photo(s, i, (uint8_t)(10 * i), 128, 255);
        set_time(s, i, 1000000);
    }
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    scene *s = *state;
    rt_features_clear(&s->features);
    rt__graph_free(s->module.graph);
    tree_remove(s->tree);
    free(s);
    return 0;
}

/* ---- running and looking ---- */

static void keep_line(void *user, rt_level level, const char *text)
{
    scene *s = user;
    size_t length = strlen(s->log);
    if (level >= RT_INFO)
        snprintf(s->log + length, sizeof s->log - length, "%s\n", text);
}

static void keep_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    scene *s = user;
    assert_string_equal(what, "bottlenecks");
    assert_true(done > s->done);
    s->done = done;
    s->total = total;
}

static rt_code compute(scene *s, size_t n_threads, bool strict)
{
    const rt_log log = {keep_line, s};
    const rt_progress progress = {keep_progress, s};
    const rt_feature_source source = {.user = s, .paths = paths, .n_photos = s->n_photos};
    const rt_feature_options options = {{0}, n_threads, strict, &log, &progress, NULL, false, NULL, NULL};
    rt_features_clear(&s->features);
    s->log[0] = 0;
    s->done = 0;
    return rt_features_compute(&s->module, &source, &options, &s->features, &s->err);
}

/* Runs and expects so many vectors to have been made, the others to come from the cache. */
static void run(scene *s, size_t n_computed)
{
    char text[1200];
    if (compute(s, 2, false) != RT_OK)
        fail_msg("%s", rt_error_text(&s->err, text, sizeof text));
    assert_int_equal(s->features.n_photos, s->n_photos);
    assert_int_equal(s->features.feature_size, COLOURS);
    assert_int_equal(s->features.n_skipped, 0);
    assert_int_equal(s->features.n_computed, n_computed);
    assert_int_equal(s->features.n_cached, s->n_photos - n_computed);
    assert_int_equal(s->done, s->n_photos);
    assert_int_equal(s->total, s->n_photos);
}

static void assert_red(const scene *s, size_t i, unsigned red)
{
    const float *row = s->features.values + i * COLOURS;
    assert_true(fabsf(row[0] - (float)red / 255) < 1e-6f);
    assert_true(fabsf(row[1] - 128.0f / 255) < 1e-6f);
    assert_true(fabsf(row[2] - 1) < 1e-6f);
}

static void put_cache(const scene *s, size_t i, const char *text)
{
    char path[600];
    assert_int_equal(rt__file_write(cache_path(s, i, path), text, strlen(text), false, NULL), RT_OK);
}

static void assert_warned(const scene *s, const char *what, size_t i, const char *cause)
{
    char path[600], line[1200];
    snprintf(line, sizeof line, "%s, recreating bottleneck %s%s\n", what, cache_path(s, i, path), cause);
    if (!strstr(s->log, line))
        fail_msg("not in the log: %sbut:\n%s", line, s->log);
}

/* ---- tests ---- */

static void vectors_are_made_once(void **state)
{
    scene *s = *state;
    char path[600];
    rt_buffer text = {0}, expected = {0};
    run(s, 12);
    assert_string_equal(s->log, "");
    for (size_t i = 0; i < 12; i++) {
        assert_red(s, i, (unsigned)(10 * i));
        rt__buffer_reset(&text);
        rt__buffer_reset(&expected);
        assert_int_equal(rt__file_read(&text, cache_path(s, i, path), 0, NULL, NULL), RT_OK);
        rt__cache_format(s->features.values + i * COLOURS, COLOURS, &expected);
        assert_string_equal(text.bytes, expected.bytes);
    }
    rt__buffer_clear(&text);
    rt__buffer_clear(&expected);
    run(s, 0);
    assert_string_equal(s->log, "");
    for (size_t i = 0; i < 12; i++)
        assert_red(s, i, (unsigned)(10 * i));
}

static void every_hundredth_file_is_told(void **state)
{
    scene *s = *state;
    s->n_photos = 250;
    for (size_t i = 12; i < s->n_photos; i++)
        put_photo(s, i, 1, 128, 255);
    run(s, 250);
    assert_string_equal(s->log, "100 bottleneck files created.\n200 bottleneck files created.\n");
    run(s, 0);
    assert_string_equal(s->log, "100 bottleneck files created.\n200 bottleneck files created.\n");
}

static void files_of_retrain_py_are_trusted_until_their_photo_changes(void **state)
{
    scene *s = *state;
    tree_text(s->tree, "cache/1/001.jpg_hub~colour.txt", "0.25,0.5,-1e-08");
    tree_text(s->tree, "cache/2/002.jpg_hub~colour.txt", "0.25,0.5,-1e-08");
    run(s, 10);
    assert_true(s->features.values[COLOURS] == 0.25f);
    assert_true(s->features.values[COLOURS + 2] == -1e-8f);
    run(s, 0);
    set_time(s, 1, 1000001);
    run(s, 1);
    assert_warned(s, "Photo changed", 1, "");
    assert_red(s, 1, 10);
    assert_true(s->features.values[2 * COLOURS] == 0.25f);
}

static void bad_files_are_made_again(void **state)
{
    scene *s = *state;
    tree_text(s->tree, "cache/0/000.jpg_hub~colour.txt", "");
    tree_text(s->tree, "cache/1/001.jpg_hub~colour.txt", "0.25,0.5,");
    tree_text(s->tree, "cache/2/002.jpg_hub~colour.txt", "0.25,0.5");
    tree_text(s->tree, "cache/0/003.jpg_hub~colour.txt", "0.25,0.5,1.0,2.0");
    tree_text(s->tree, "cache/1/004.jpg_hub~colour.txt", "0.25,oops,1.0");
    tree_text(s->tree, "cache/2/005.jpg_hub~colour.txt", "0.25,nan,1.0");
    run(s, 12);
    assert_warned(s, "Invalid float found", 0, " (value 1 of 3 is no finite number)");
    assert_warned(s, "Invalid float found", 1, " (value 3 of 3 is no finite number)");
    assert_warned(s, "Invalid float found", 2, " (2 values, 3 are needed)");
    assert_warned(s, "Invalid float found", 3, " (more than 3 values)");
    assert_warned(s, "Invalid float found", 4, " (value 2 of 3 is no finite number)");
    assert_warned(s, "Invalid float found", 5, " (value 2 of 3 is no finite number)");
    for (size_t i = 0; i < 12; i++)
        assert_red(s, i, (unsigned)(10 * i));
    run(s, 0);
}

static void changed_photos_are_noticed(void **state)
{
    scene *s = *state;
    char path[600];
    run(s, 12);
    put_photo(s, 4, 77, 128, 255);
    set_time(s, 4, 1000001); /* newer */
    assert_int_equal(rt__file_write(photo_path(s, 5, path), "", 0, false, NULL), RT_OK);
    put_photo(s, 5, 88, 128, 255);
    set_time(s, 5, 999999); /* an older one was put in its place */
    run(s, 2);
    assert_warned(s, "Photo changed", 4, "");
    assert_warned(s, "Photo changed", 5, "");
    assert_red(s, 4, 77);
    assert_red(s, 5, 88);
    run(s, 0);
}

static void another_network_of_that_name_is_noticed(void **state)
{
    scene *s = *state;
    run(s, 12);
    s->module.info.input_mean = 1;
    assert_int_equal(compute(s, 1, false), RT_OK); /* one thread: which ten are named is certain */
    assert_int_equal(s->features.n_computed, 12);
    assert_warned(s, "Bottleneck of another network", 0, "");
    assert_non_null(strstr(s->log, "\n2 more bottlenecks were recreated.\n"));
    run(s, 0);
}

static void a_file_changed_behind_our_back_is_not_trusted(void **state)
{
    scene *s = *state;
    run(s, 12);
    put_cache(s, 3, "0.1,0.2,0.3"); /* as well formed as it is wrong, or cut inside its last number */
    run(s, 1);
    assert_warned(s, "Bottleneck changed since it was recorded", 3, "");
    assert_red(s, 3, 30);
}

/* A run is killed after it wrote a vector and before it wrote the record; then the photo comes back as it was
 * when the record was written. */
static void a_killed_run_never_makes_a_wrong_vector_trusted(void **state)
{
    scene *s = *state;
    char record[600];
    rt_buffer before = {0};
    run(s, 12);
    tree_path(record, sizeof record, s->tree, "cache/1/.retrain_hub~colour.txt");
    assert_int_equal(rt__file_read(&before, record, 0, NULL, NULL), RT_OK);
    put_photo(s, 1, 200, 128, 255);
    set_time(s, 1, 1000001);
    run(s, 1);
    assert_red(s, 1, 200);
    assert_int_equal(rt__file_write(record, before.bytes, before.size, false, NULL), RT_OK);
    put_photo(s, 1, 10, 128, 255);
    set_time(s, 1, 1000000);
    run(s, 1);
    assert_red(s, 1, 10);
    run(s, 0);
    rt__buffer_clear(&before);
}

static void a_damaged_record_costs_its_folder(void **state)
{
    scene *s = *state;
    run(s, 12);
    tree_text(s->tree, "cache/2/.retrain_hub~colour.txt", "retrain bottlenecks 1\n");
    run(s, 4);
    assert_warned(s, "Damaged record of bottlenecks", 2, "");
    run(s, 0);
}

static void bad_photos_are_skipped_and_listed(void **state)
{
    scene *s = *state;
    char path[600], text[1200];
    tree_text(s->tree, "photos/1/001.jpg", "");
    tree_text(s->tree, "photos/2/002.jpg", "no photo at all");
    assert_int_equal(remove(photo_path(s, 3, path)), 0);
    tree_folder(s->tree, "photos/0/003.jpg");
    assert_int_equal(remove(photo_path(s, 11, path)), 0);
    assert_int_equal(compute(s, 2, false), RT_OK);
    assert_int_equal(s->features.n_skipped, 4);
    assert_int_equal(s->features.n_computed, 8);
    assert_int_equal(s->done, 12);
    for (size_t i = 0; i < 4; i++) {
        static const size_t expected[] = {1, 2, 3, 11};
        size_t photo = s->features.skipped[i].photo;
        assert_int_equal(photo, expected[i]);
        assert_non_null(strstr(s->features.skipped[i].reason, photo_path(s, photo, path)));
        assert_null(strchr(s->features.skipped[i].reason, '\n'));
        assert_true(s->features.values[photo * COLOURS] == 0 && s->features.values[photo * COLOURS + 2] == 0);
        assert_false(rt__file_exists(cache_path(s, photo, path)));
    }
    assert_int_not_equal(compute(s, 2, true), RT_OK); /* strict */
    assert_null(s->features.values);
    rt_error_text(&s->err, text, sizeof text);
    assert_true(strstr(text, photo_path(s, 1, path)) || strstr(text, photo_path(s, 2, path)) ||
                strstr(text, photo_path(s, 3, path)) || strstr(text, photo_path(s, 11, path)));
}

static void without_a_cache_nothing_is_written(void **state)
{
    scene *s = *state;
    char path[600];
    s->no_cache = true;
    run(s, 12);
    assert_red(s, 11, 110);
    assert_false(rt__file_exists(tree_path(path, sizeof path, s->tree, "cache")));
}

static void threads_change_no_bit(void **state)
{
    scene *s = *state;
    float one[12 * COLOURS];
    s->no_cache = true;
    assert_int_equal(compute(s, 1, false), RT_OK);
    memcpy(one, s->features.values, sizeof one);
    assert_int_equal(compute(s, 7, false), RT_OK);
    assert_memory_equal(one, s->features.values, sizeof one);
    s->n_photos = 0;
    assert_int_equal(compute(s, 2, false), RT_OK);
    assert_int_equal(s->features.n_photos, 0);
}

static void a_cache_that_cannot_be_written_is_named(void **state)
{
    scene *s = *state;
    char path[600];
    tree_text(s->tree, "cache", "a file"); /* where a folder is needed */
    assert_int_equal(compute(s, 1, false), RT_EIO);
    assert_string_equal(s->err.path, tree_path(path, sizeof path, s->tree, "cache"));
    assert_string_equal(s->err.cause, "is a file, a folder is needed");
}

static rt_code compute_alone(void *context, rt_error *err)
{
    scene *s = context;
    rt_code code = compute(s, 1, true);
    *err = s->err;
    return code;
}

/* What was cached before memory ran out is used by the next try, so the folder is renamed each time. */
static rt_code compute_cold(void *context, rt_error *err)
{
    scene *s = context;
    char from[600], to[600];
    tree_path(from, sizeof from, s->tree, "cache");
    snprintf(to, sizeof to, "%s/old%zu", s->tree, s->n_tries++);
    rename(from, to);
    return compute_alone(s, err);
}

static void memory_that_runs_out_is_told(void **state)
{
    scene *s = *state;
    assert_true(starve(compute_cold, s) > 100);
    assert_true(starve(compute_alone, s) > 20);
    s->n_photos = 2;
    put_photo(s, 1, 1, 2, 3); /* one to be made, one cached */
    assert_true(starve(compute_alone, s) > 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(vectors_are_made_once),
        TEST(every_hundredth_file_is_told),
        TEST(files_of_retrain_py_are_trusted_until_their_photo_changes),
        TEST(bad_files_are_made_again),
        TEST(changed_photos_are_noticed),
        TEST(another_network_of_that_name_is_noticed),
        TEST(a_file_changed_behind_our_back_is_not_trusted),
        TEST(a_killed_run_never_makes_a_wrong_vector_trusted),
        TEST(a_damaged_record_costs_its_folder),
        TEST(bad_photos_are_skipped_and_listed),
        TEST(without_a_cache_nothing_is_written),
        TEST(threads_change_no_bit),
        TEST(a_cache_that_cannot_be_written_is_named),
        TEST(memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
