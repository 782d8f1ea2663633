/* Vectors of distorted photos: what they depend on and what not, photos in memory, photos that cannot be
 * read.  The photos are those of the fuzz corpus, the network is support/tiny_module.h's. */
#include "feature/distorter.h"
#include "feature/extractor.h"
#include "feature/photo_store.h"
#include "image/distort.h"
#include "support/tiny_module.h"
#include "support/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

enum { N_PHOTOS = 6, PHOTO_PIXELS = 18 * 13 * 3, N_EACH = 7, ROOM = 1 << 20 };

typedef struct scene {
    rt_module *module;
    char *tree;
    rt_feature_source source;
    uint64_t done, total; /* of the last progress */
    rt_error err;
} scene;

static const uint32_t all_photos[N_PHOTOS] = {0, 1, 2, 3, 4, 5};

static rt_code paths(const void *user, size_t i, char *photo, char *cache, size_t size, rt_error *err)
{
    const scene *s = user;
    (void)err;
    snprintf(photo, size, "%s/photos/%zu", s->tree, i);
    if (cache)
        cache[0] = 0;
    return RT_OK;
}

static int set_up(void **state)
{
    static const char *const files[N_PHOTOS] = {
        "baseline_420.jpg", "progressive_444.jpg", "gray.jpg", "rgb.png", "rgba.png", "plain.gif"};
    scene *s = calloc(1, sizeof *s);
    char path[4096];
    rt_buffer file = {0};
    assert_non_null(s);
    s->tree = tree_new();
    for (size_t i = 0; i < N_PHOTOS; i++) {
        snprintf(path, sizeof path, "%s/tests/fuzz/corpus/image/%s", getenv("RETRAIN_SOURCE"), files[i]);
        rt__buffer_reset(&file);
        assert_int_equal(rt__file_read(&file, path, 0, NULL, NULL), RT_OK);
        snprintf(path, sizeof path, "photos/%zu", i);
        tree_file(s->tree, path, file.bytes, file.size);
    }
    rt__buffer_clear(&file);
    snprintf(path, sizeof path, "%s/module", s->tree);
    assert_int_equal(rt__folder_make(path, NULL), RT_OK);
    tiny_module_write(path, NULL, &(tiny_options){0});
    assert_int_equal(rt_module_open(path, NULL, &s->module, &s->err), RT_OK);
    s->source = (rt_feature_source){.user = s, .paths = paths, .n_photos = N_PHOTOS};
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    scene *s = *state;
    rt_module_close(s->module);
    tree_remove(s->tree);
    free(s);
    return 0;
}

static void keep_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    scene *s = user;
    (void)what;
    assert_true(done > s->done);
    s->done = done;
    s->total = total;
}

static rt_distorter *open_distorter(scene *s, size_t n_threads, size_t budget_bytes, bool strict,
                                    const rt_progress *progress)
{
    const rt_distorter_options options = {{0}, n_threads, budget_bytes, strict, progress};
    rt_distorter *d = NULL;
    assert_int_equal(rt__distorter_new(s->module, &s->source, &options, &d, &s->err), RT_OK);
    return d;
}

static void draw(rt_distortion_draw *draws, size_t n)
{
    const rt_distortion distortion = {true, 30, 40, 50};
    rt_rng rng;
    rt__rng_seed(&rng, 3, 0);
    for (size_t i = 0; i < n; i++) {
        rt_distortion_dice dice = rt__distortion_roll(&rng);
        draws[i] = rt__distortion_draw(&distortion, TINY_HEIGHT, TINY_WIDTH, &dice);
    }
}

static const rt_distortion_draw plain = {TINY_HEIGHT, TINY_WIDTH, 0, 0, false, 1.0F};

/* The vector of a photo without distortion. */
static void plain_vector(const scene *s, size_t i, float *values)
{
    rt_extractor *extractor;
    rt_buffer file = {0};
    char path[4096];
    snprintf(path, sizeof path, "%s/photos/%zu", s->tree, i);
    assert_int_equal(rt__file_read(&file, path, 0, NULL, NULL), RT_OK);
    assert_int_equal(rt_extractor_new(s->module, &(rt_extraction){0}, &extractor, NULL), RT_OK);
    assert_int_equal(rt_extractor_run(extractor, (const uint8_t *)file.bytes, file.size, values, NULL),
                     RT_OK);
    rt_extractor_free(extractor);
    rt__buffer_clear(&file);
}

static void the_plain_draw_gives_the_plain_vector(void **state)
{
    scene *s = *state;
    rt_distorter *d = open_distorter(s, 2, ROOM, false, NULL);
    for (uint32_t i = 0; i < N_PHOTOS; i++) {
        rt_distortion_draw draws[2] = {plain, plain};
        float values[2 * TINY_FEATURES], want[TINY_FEATURES];
        rt_distorted wanted = {.photos = &i, .draws = draws, .values = values, .n = 1, .n_each = 2};
        draws[1].brightness = 0.5F;
        plain_vector(s, i, want);
        assert_int_equal(rt__distorter_run(d, &wanted, NULL, &s->err), RT_OK);
        assert_memory_equal(values, want, sizeof want);
        for (size_t k = 0; k < TINY_FEATURES; k++) /* the network is linear in its pixels, none is negative */
            assert_true(values[TINY_FEATURES + k] > 0.499F * want[k] - 1e-6F &&
                        values[TINY_FEATURES + k] < 0.501F * want[k] + 1e-6F);
    }
    rt__distorter_free(d);
}

static void bytes_depend_on_photo_and_draw_alone(void **state)
{
    static const struct {
        size_t n_threads, budget_bytes;
    } ways[] = {{1, 0}, {2, 0}, {1, ROOM}, {5, ROOM}, {3, 2 * PHOTO_PIXELS}, {0, 1}};
    enum { N = N_PHOTOS * N_EACH };
    scene *s = *state;
    rt_distortion_draw draws[N];
    float values[N * TINY_FEATURES], want[N * TINY_FEATURES], one[TINY_FEATURES];
    rt_distorted wanted = {
        .photos = all_photos, .draws = draws, .values = want, .n = N_PHOTOS, .n_each = N_EACH};
    draw(draws, N);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        rt_distorter *d = open_distorter(s, ways[i].n_threads, ways[i].budget_bytes, false, NULL);
        wanted.values = i == 0 ? want : values;
        for (int again = 0; again < 2; again++) {
            memset(values, 0, sizeof values);
            assert_int_equal(rt__distorter_run(d, &wanted, NULL, &s->err), RT_OK);
            if (i > 0)
                assert_memory_equal(values, want, sizeof want);
        }
        for (size_t k = 0; k < N; k++) {
            uint32_t photo = (uint32_t)(k / N_EACH);
            const rt_distorted alone = {
                .photos = &photo, .draws = &draws[k], .values = one, .n = 1, .n_each = 1};
            assert_int_equal(rt__distorter_run(d, &alone, NULL, &s->err), RT_OK);
            assert_memory_equal(one, want + k * TINY_FEATURES, sizeof one);
        }
        rt__distorter_free(d);
    }
}

static void remove_photo(const scene *s, size_t i)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/photos/%zu", s->tree, i);
    assert_int_equal(unlink(path), 0);
}

static void photos_in_memory_are_not_read_again(void **state)
{
    scene *s = *state;
    const rt_progress progress = {keep_progress, s};
    const rt_distorted load = {.photos = all_photos, .n = N_PHOTOS, .what = "photos"};
    rt_distorter *d = open_distorter(s, 1, 4 * PHOTO_PIXELS + PHOTO_PIXELS / 2, false, &progress);
    float value[TINY_FEATURES];
    assert_int_equal(rt__distorter_run(d, &load, NULL, &s->err), RT_OK);
    assert_true(s->done == N_PHOTOS && s->total == N_PHOTOS);
    assert_int_equal(rt__distorter_kept(d), 4);
    for (uint32_t i = 0; i < N_PHOTOS; i++) {
        const rt_distorted one = {.photos = &i, .draws = &plain, .values = value, .n = 1, .n_each = 1};
        remove_photo(s, i);
        assert_int_equal(rt__distorter_run(d, &one, NULL, &s->err), i < 4 ? RT_OK : RT_ENOTFOUND);
    }
    assert_non_null(strstr(s->err.path, "photos/5"));
    rt__distorter_free(d);
}

static void photos_that_cannot_be_read_are_listed(void **state)
{
    scene *s = *state;
    rt_distortion_draw draws[2 * N_PHOTOS];
    float values[2 * N_PHOTOS * TINY_FEATURES];
    const float zero[2 * TINY_FEATURES] = {0};
    const rt_distorted wanted = {
        .photos = all_photos, .draws = draws, .values = values, .n = N_PHOTOS, .n_each = 2};
    rt_distorter *d = open_distorter(s, 2, ROOM, false, NULL), *strict = open_distorter(s, 2, 0, true, NULL);
    rt_skips skips = {0};
    draw(draws, 2 * N_PHOTOS);
    tree_text(s->tree, "photos/1", "no photo");
    remove_photo(s, 4);
    assert_int_equal(rt__distorter_run(d, &wanted, &skips, &s->err), RT_OK);
    assert_int_equal(skips.n, 2);
    assert_int_equal(skips.list[0].photo, 1);
    assert_int_equal(skips.list[1].photo, 4);
    assert_non_null(strstr(skips.list[0].reason, "photos/1"));
    assert_memory_equal(values + 2 * TINY_FEATURES, zero, sizeof zero);
    assert_memory_equal(values + 8 * TINY_FEATURES, zero, sizeof zero);
    assert_memory_not_equal(values, zero, sizeof zero);
    rt__skips_clear(&skips);
    assert_int_equal(rt__distorter_run(d, &wanted, NULL, &s->err), RT_EFORMAT);
    assert_int_equal(rt__distorter_run(strict, &wanted, &skips, &s->err), RT_EFORMAT);
    assert_non_null(strstr(s->err.path, "photos/1"));
    assert_int_equal(skips.n, 0);
    rt__distorter_free(strict);
    rt__distorter_free(d);
}

/* The plain vectors of some photos, and the skips of the others, are one list. */
static bool is_even(const void *user, size_t i)
{
    (void)user;
    return i % 2 == 0;
}

static void photos_not_wanted_are_left_out_of_features(void **state)
{
    scene *s = *state;
    const rt_progress progress = {keep_progress, s};
    const rt_feature_options options = {.n_threads = 2, .progress = &progress};
    const uint32_t odd[] = {1, 3, 5}, bad[] = {1, 2, 5};
    const rt_distorted load = {.photos = odd, .n = 3};
    const float zero[TINY_FEATURES] = {0};
    rt_distorter *d = open_distorter(s, 2, ROOM, false, NULL);
    rt_features features;
    rt_skips skips = {0};
    tree_text(s->tree, "photos/2", "no photo");
    tree_text(s->tree, "photos/1", "no photo");
    tree_text(s->tree, "photos/5", "no photo");
    s->source.wanted = is_even;
    assert_int_equal(rt_features_compute(s->module, &s->source, &options, &features, &s->err), RT_OK);
    assert_int_equal(features.n_computed, 2);
    assert_int_equal(features.n_skipped, 1);
    assert_true(s->done == 3 && s->total == 3);
    assert_memory_equal(features.values + 3 * TINY_FEATURES, zero, sizeof zero);
    assert_memory_not_equal(features.values, zero, sizeof zero);
    assert_int_equal(rt__features_add_skips(&features, &skips, &s->err), RT_OK);
    assert_int_equal(rt__distorter_run(d, &load, &skips, &s->err), RT_OK);
    assert_int_equal(rt__features_add_skips(&features, &skips, &s->err), RT_OK);
    assert_int_equal(skips.n, 0);
    assert_int_equal(features.n_skipped, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(features.skipped[i].photo, bad[i]);
    rt_features_clear(&features);
    rt__distorter_free(d);
}

static rt_image blank(int32_t side, size_t capacity)
{
    return (rt_image){side, side, calloc(1, capacity), capacity};
}

static void a_store_keeps_what_came_first(void **state)
{
    rt_photo_store *store;
    rt_image image = blank(10, 1000), second = blank(10, 300);
    const rt_image *kept;
    (void)state;
    assert_int_equal(rt__photo_store_new(4, 650, &store, NULL), RT_OK);
    assert_null(rt__photo_store_find(store, 2));
    rt__photo_store_keep(store, 2, &image);
    assert_null(image.pixels);
    assert_non_null(kept = rt__photo_store_find(store, 2));
    assert_int_equal(kept->capacity, 300); /* what the decoder had beyond is given back */
    rt__photo_store_keep(store, 2, &second);
    assert_non_null(second.pixels);
    rt__photo_store_keep(store, 0, &second);
    image = blank(5, 75);
    rt__photo_store_keep(store, 1, &image);
    assert_non_null(image.pixels);
    assert_null(rt__photo_store_find(store, 1));
    assert_ptr_equal(rt__photo_store_find(store, 2), kept);
    assert_int_equal(rt__photo_store_count(store), 2);
    assert_true(rt__photo_store_budget() > 0 && rt__photo_store_budget() <= (size_t)1 << 30);
    rt_image_clear(&image);
    rt__photo_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_plain_draw_gives_the_plain_vector, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_depend_on_photo_and_draw_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(photos_in_memory_are_not_read_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(photos_that_cannot_be_read_are_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(photos_not_wanted_are_left_out_of_features, set_up, tear_down),
        cmocka_unit_test(a_store_keeps_what_came_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
