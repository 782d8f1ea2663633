/* What grows with the number of photos: memory a photo, and what is read, written and looked at. */
#include "base/buffer.h"
#include "retrain/pipeline.h"
#include "support/heap.h"
#include "support/tiny_module.h"
#include "support/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

enum { FEW = 1000, MANY = 11000, NAME = 16 /* bytes of a photo's name, with the 0 */, MOST_A_PHOTO = 100 };

typedef struct world {
    char *tree;
    char photos[600], module[600], cache[600], graph[600], labels[600];
    rt_retrain_options options;
} world;

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    w->tree = tree_new();
    tree_path(w->photos, sizeof w->photos, w->tree, "photos");
    tree_path(w->module, sizeof w->module, w->tree, "module");
    tree_path(w->cache, sizeof w->cache, w->tree, "cache");
    tree_path(w->graph, sizeof w->graph, w->tree, "graph.pb");
    tree_path(w->labels, sizeof w->labels, w->tree, "labels.txt");
    tree_folder(w->tree, "module");
    tree_folder(w->tree, "photos/0");
    tree_folder(w->tree, "photos/1");
    tiny_module_write(w->module, NULL, &(tiny_options){.no_signature = false});
    rt_retrain_defaults(&w->options);
    w->options.image_dir = w->photos;
    w->options.tfhub_module = w->module;
    w->options.bottleneck_dir = w->cache;
    w->options.output_graph = w->graph;
    w->options.output_labels = w->labels;
    w->options.checkpoint_path = w->options.summaries_dir = "";
    w->options.how_many_training_steps = 20;
    w->options.threads = 2;
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    tree_remove(w->tree);
    free(w);
    return 0;
}

/* GIFs of one pixel, no two alike, in two classes. */
static void add_photos(const world *w, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const uint8_t gif[] = {
            'G', 'I',  'F', '8', '9',  'a', 1, 0, 1, 0, 0x80, 0, 0, (uint8_t)i, (uint8_t)(i >> 8),
            7,   0,    0,   0,   0x2c, 0,   0, 0, 0, 1, 0,    1, 0, 0,          2,
            2,   0x44, 1,   0,   0x3b};
        char path[700];
        FILE *file;
        snprintf(path, sizeof path, "%s/%zu/photo-%05zu.gif", w->photos, i % 2, i);
        assert_non_null(file = fopen(path, "wb"));
        assert_int_equal(fwrite(gif, 1, sizeof gif, file), sizeof gif);
        fclose(file);
    }
}

/* Runs, and gives the most memory that was in use. */
static size_t run(const world *w, size_t n_photos)
{
    rt_retrain_result result = {0};
    size_t peak;
    rt_error err;
    char text[1200];
    heap_begin();
    if (rt_retrain(&w->options, NULL, NULL, &result, &err) != RT_OK)
        fail_msg("%s", rt_error_text(&err, text, sizeof text));
    peak = heap_peak();
    assert_int_equal(result.n_photos, n_photos);
    assert_int_equal(result.n_skipped, 0);
    rt_retrain_result_clear(&result);
    return peak;
}

static void a_photo_takes_its_name_and_100_bytes(void **state)
{
    world *w = *state;
    size_t few, many;
    if (!heap_is_measured())
        skip();
    add_photos(w, 0, FEW);
    run(w, FEW);
    few = run(w, FEW);
    add_photos(w, FEW, MANY);
    run(w, MANY);
    many = run(w, MANY);
    print_message("%zu bytes at %d photos, %zu at %d: %.1f a photo and its name of %d\n", few, FEW, many,
                  MANY, (double)(many - few) / (MANY - FEW), NAME);
    assert_true(many - few <= (size_t)(MOST_A_PHOTO + NAME) * (MANY - FEW));
}

/* A file that changed a moment ago is read again: it could have changed since. */
static void age(void)
{
    const struct timespec moment = {.tv_nsec = 100000000};
    nanosleep(&moment, NULL);
}

/* How often files were opened whose names end so. */
static size_t count_opened(int watch, const char *ending)
{
    _Alignas(struct inotify_event) char events[1 << 16];
    size_t count = 0;
    ssize_t got;
    while ((got = read(watch, events, sizeof events)) > 0)
        for (const char *at = events; at < events + got;) {
            const struct inotify_event *e = (const void *)at;
            size_t length = strlen(e->len ? e->name : ""), n = strlen(ending);
            assert_false(e->mask & IN_Q_OVERFLOW);
            count += length >= n && strcmp(e->name + length - n, ending) == 0;
            at += sizeof *e + e->len;
        }
    return count;
}

static int watch_folders(const world *w, const char *parent)
{
    int watch = inotify_init1(IN_NONBLOCK);
    for (int class = 0; class < 2; class ++) {
        char path[700];
        snprintf(path, sizeof path, "%s/%s/%d", w->tree, parent, class);
        assert_true(inotify_add_watch(watch, path, IN_OPEN) >= 0);
    }
    return watch;
}

static void each_file_is_read_once(void **state)
{
    world *w = *state;
    int watch;
    add_photos(w, 0, 400);
    age();
    watch = watch_folders(w, "photos");
    run(w, 400);
    assert_int_equal(count_opened(watch, ".gif"), 400);
    run(w, 400); /* nothing is new */
    assert_int_equal(count_opened(watch, ".gif"), 0);
    close(watch);
}

static void each_text_file_is_parsed_once(void **state)
{
    world *w = *state;
    int photos, texts;
    w->options.bottleneck_cache = RT_CACHE_TEXT;
    add_photos(w, 0, 400);
    age();
    run(w, 400);
    photos = watch_folders(w, "photos");
    texts = watch_folders(w, "cache");
    run(w, 400);
    assert_int_equal(count_opened(texts, ".txt"), 400 + 2); /* and each folder's record of them */
    assert_int_equal(count_opened(photos, ".gif"), 0);
    close(photos);
    close(texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_photo_takes_its_name_and_100_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_file_is_read_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_text_file_is_parsed_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
