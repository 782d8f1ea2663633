/* Photos a second, one thread: decoding, resizing to 224 x 224 with each kind of loop, and both in one go as
 * the trainer does, "times" as often as libjpeg decodes alone.  Processor time, rounds interleaved.
 *   bench_image [folder of class folders]      default: the reference photos */
#include "base/file.h"
#include "base/hash.h"
#include "image/read.h"
#include "retrain/dataset.h"
#include "retrain/image.h"
#include "support/shared.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>

enum { RUNS = 7, SIDE = 224, MOST_PIXELS = 0 };

/* Decoded photos stay in memory only while they are resized: a run over them all would measure the memory. */
typedef struct bench {
    rt_buffer *files;
    size_t n;
    rt_image image;
    rt_image_room room;
    const rt_resize_loops *loops;
    rt_pixel_layout layout;
    void *scratch;
    float *out;
} bench;

static void *need(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    return memory;
}

static void read_photos(const char *folder, bench *b)
{
    rt_dataset *dataset;
    rt_dataset_options options = {.testing_percentage = 10, .validation_percentage = 10};
    rt_error err;
    timing_check(rt_dataset_open(folder, &options, NULL, &dataset, &err), &err);
    b->files = need(calloc(dataset->n_photos, sizeof *b->files));
    for (b->n = 0; b->n < dataset->n_photos; b->n++) {
        char *path = need(rt_dataset_path(dataset, b->n));
        timing_check(rt__file_read(&b->files[b->n], path, 0, NULL, &err), &err);
        free(path);
    }
    rt_dataset_close(dataset);
}

static void decode_all(void *context)
{
    bench *b = context;
    rt_error err;
    for (size_t i = 0; i < b->n; i++)
        timing_check(rt_image_decode((const uint8_t *)b->files[i].bytes, b->files[i].size, MOST_PIXELS,
                                     &b->image, &err),
                     &err);
}

/* ---- the whole way ---- */

typedef struct way {
    const char *name;
    timing_work *work;
    double seconds[RUNS];
} way;

static void read_all(bench *b, bool fast)
{
    const rt_image_target target = {SIDE, SIDE, RT_PLANAR, RT_BILINEAR, fast};
    rt_error err;
    for (size_t i = 0; i < b->n; i++)
        timing_check(rt_image_read((const uint8_t *)b->files[i].bytes, b->files[i].size, &target, &b->room,
                                   b->out, &err),
                     &err);
}

static void read_exactly(void *context)
{
    read_all(context, false);
}

static void read_fast(void *context)
{
    read_all(context, true);
}

static void decode_and_resize(void *context)
{
    bench *b = context;
    rt_error err;
    for (size_t i = 0; i < b->n; i++) {
        timing_check(
            rt_image_decode((const uint8_t *)b->files[i].bytes, b->files[i].size, 0, &b->image, &err), &err);
        timing_check(rt__image_room_scratch(&b->room, rt_image_resize_scratch(&b->image, SIDE, SIDE), &err),
                     &err);
        timing_check(rt_image_resize(&b->image, SIDE, SIDE, RT_PLANAR, b->room.scratch, b->out, &err), &err);
    }
}

static void hash_all(void *context)
{
    bench *b = context;
    uint8_t digest[RT_SHA256_BYTES];
    rt_error err;
    for (size_t i = 0; i < b->n; i++)
        timing_check(rt__sha256(b->files[i].bytes, b->files[i].size, digest, &err), &err);
}

static void bench_ways(bench *b)
{
    way ways[] = {{.name = "decode", .work = decode_all},
                  {.name = "decode, then resize", .work = decode_and_resize},
                  {.name = "read: both at once", .work = read_exactly},
                  {.name = "read, --fast_decode", .work = read_fast},
                  {.name = "SHA-256 of the files", .work = hash_all}};
    enum { N_WAYS = sizeof ways / sizeof *ways };
    double decode = 0;
    for (int run = -1; run < RUNS; run++) /* the first does not count */
        for (size_t i = 0; i < N_WAYS; i++) {
            double start = timing_processor_now();
            ways[i].work(b);
            if (run >= 0)
                ways[i].seconds[run] = timing_processor_now() - start;
        }
    for (size_t i = 0; i < N_WAYS; i++) {
        double seconds = timing_median_of(ways[i].seconds, RUNS);
        if (i == 0)
            decode = seconds;
        timing_row(ways[i].name, seconds, (double)b->n, decode);
    }
}

/* ---- the resize alone ---- */

static void resize_one(void *context)
{
    bench *b = context;
    rt_error err;
    timing_check(rt__image_resize(b->loops, &b->image, SIDE, SIDE, b->layout, b->scratch, b->out, &err),
                 &err);
}

/* Seconds to resize all photos, each decoded before the clock starts. */
static double resize_all(bench *b)
{
    double seconds = 0;
    rt_error err;
    for (size_t i = 0; i < b->n; i++) {
        timing_check(rt_image_decode((const uint8_t *)b->files[i].bytes, b->files[i].size, MOST_PIXELS,
                                     &b->image, &err),
                     &err);
        size_t bytes = rt_image_resize_scratch(&b->image, SIDE, SIDE);
        b->scratch = need(aligned_alloc(64, bytes));
        seconds += timing_median(RUNS, resize_one, b);
        free(b->scratch);
    }
    return seconds;
}

static void bench_resize(bench *b)
{
    static const char *const layouts[] = {"interleaved", "planar"};
    const rt_resize_loops *list[RT_RESIZE_MOST_LOOPS];
    rt__resize_loops(list);
    for (int layout = RT_INTERLEAVED; layout <= RT_PLANAR; layout++) {
        double plain = 0;
        b->layout = (rt_pixel_layout)layout;
        for (size_t i = 0; list[i] != NULL; i++) {
            char name[64];
            b->loops = list[i];
            double seconds = resize_all(b);
            if (i == 0)
                plain = seconds;
            snprintf(name, sizeof name, "resize, %s, %s", layouts[layout], list[i]->name);
            timing_row(name, seconds, (double)b->n, plain);
        }
    }
}

int main(int argc, char **argv)
{
    char path[4096];
    bench b = {0};
    read_photos(argc > 1 ? argv[1] : shared_path(path, sizeof path, "data/flower_photos"), &b);
    b.out = need(malloc(sizeof(float) * 3 * SIDE * SIDE));
    printf("%zu photos\n", b.n);
    timing_head("one thread", "photos");
    bench_ways(&b);
    bench_resize(&b);
    free(b.out);
    for (size_t i = 0; i < b.n; i++)
        rt__buffer_clear(&b.files[i]);
    free(b.files);
    rt_image_clear(&b.image);
    rt_image_room_clear(&b.room);
    return 0;
}
