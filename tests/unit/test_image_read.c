/* A photo read line by line gives the bits and the errors of the photo decoded as a whole. */
#include "base/file.h"
#include "base/rng.h"
#include "image/read.h"
#include "support/jpeg_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static const jpeg_kind kinds[] = {
    {"4:2:0", JPEG_COLOURS, 2, 2, false, 0},
    {"4:2:2", JPEG_COLOURS, 2, 1, false, 0},
    {"4:4:0", JPEG_COLOURS, 1, 2, false, 0},
    {"4:4:4", JPEG_COLOURS, 1, 1, false, 0},
    {"4:1:1", JPEG_COLOURS, 4, 1, false, 0},
    {"4:1:0", JPEG_COLOURS, 4, 2, false, 0},
    {"1 x 4", JPEG_COLOURS, 1, 4, false, 0},
    {"2 x 4", JPEG_COLOURS, 2, 4, false, 0},
    {"gray", JPEG_GRAY, 1, 1, false, 0},
    {"gray, sampled 2 x 2", JPEG_GRAY, 2, 2, false, 0},
    {"ink", JPEG_INK, 1, 1, false, 0},
    {"ink, sampled 2 x 2", JPEG_INK, 2, 2, false, 0},
    {"4:2:0, progressive", JPEG_COLOURS, 2, 2, true, 0},
    {"4:4:4, progressive", JPEG_COLOURS, 1, 1, true, 0},
    {"4:2:0, restarts", JPEG_COLOURS, 2, 2, false, 3},
    {"4:2:2, progressive, restarts", JPEG_COLOURS, 2, 1, true, 5},
    {"gray, restarts", JPEG_GRAY, 1, 1, false, 1},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds, GUARDS = 64 };
static const uint8_t guard = 0xa5;

typedef struct outcome {
    rt_code code;
    rt_error err;
    float *values; /* [n] floats between guards */
    size_t n;
} outcome;

static void start_outcome(outcome *o, const rt_image_target *target)
{
    o->n = 3 * (size_t)target->height * (size_t)target->width;
    uint8_t *memory = malloc(o->n * sizeof *o->values + 2 * GUARDS);
    assert_non_null(memory);
    memset(memory, guard, o->n * sizeof *o->values + 2 * GUARDS);
    o->values = (float *)(void *)(memory + GUARDS);
    memset(&o->err, 0, sizeof o->err);
}

static void free_outcome(outcome *o)
{
    const uint8_t *before = (const uint8_t *)o->values - GUARDS;
    const uint8_t *behind = (const uint8_t *)(o->values + o->n);
    for (size_t i = 0; i < GUARDS; i++) {
        assert_int_equal(before[i], guard);
        assert_int_equal(behind[i], guard);
    }
    free((uint8_t *)o->values - GUARDS);
}

/* What reading is to give: the photo as a whole, resized by the plain loops. */
static void read_whole(const uint8_t *bytes, size_t size, const rt_image_target *target, outcome *o)
{
    const rt_resize_loops *list[RT_RESIZE_MOST_LOOPS];
    rt_image image = {0};
    rt__resize_loops(list);
    start_outcome(o, target);
    o->code = rt_image_decode_for(bytes, size, target, &image, &o->err);
    if (o->code == RT_OK) {
        size_t scratch_bytes = rt_image_resize_scratch(&image, target->height, target->width);
        void *scratch = aligned_alloc(64, (scratch_bytes + 63) / 64 * 64);
        assert_non_null(scratch);
        o->code = rt__image_resize(list[0], &image, target->height, target->width, target->layout, scratch,
                                   o->values, &o->err);
        free(scratch);
    }
    rt_image_clear(&image);
}

static bool same(const outcome *a, const outcome *b)
{
    if (a->code != b->code)
        return false;
    if (a->code == RT_OK)
        return memcmp(a->values, b->values, a->n * sizeof *a->values) == 0;
    return a->err.code == b->err.code && a->err.offset == b->err.offset &&
           strcmp(a->err.cause, b->err.cause) == 0;
}

/* By every kind of loops, with memory that another photo left behind. */
static void check(const uint8_t *bytes, size_t size, const rt_image_target *target, rt_image_room *room,
                  const char *what)
{
    const rt_resize_loops *list[RT_RESIZE_MOST_LOOPS];
    outcome want, got;
    rt__resize_loops(list);
    read_whole(bytes, size, target, &want);
    for (size_t i = 0; list[i]; i++) {
        start_outcome(&got, target);
        got.code = rt__image_read(list[i], bytes, size, target, room, got.values, &got.err);
        if (!same(&want, &got))
            fail_msg("%s to %d x %d, %s: %d %s, not %d %s", what, target->width, target->height,
                     list[i]->name, got.code, got.err.cause, want.code, want.err.cause);
        free_outcome(&got);
    }
    free_outcome(&want);
}

static void check_photo(const jpeg_kind *kind, int32_t width, int32_t height, const rt_image_target *targets,
                        size_t n, rt_image_room *room)
{
    size_t size;
    char what[100];
    uint8_t *bytes = jpeg_make(kind, width, height, (uint64_t)width * 1000 + (uint64_t)height, &size);
    snprintf(what, sizeof what, "%s of %d x %d", kind->name, width, height);
    for (size_t i = 0; i < n; i++) {
        rt_image_target target = targets[i];
        for (int fast = 0; fast < 2; fast++) {
            target.fast_decode = fast;
            check(bytes, size, &target, room, what);
        }
    }
    free(bytes);
}

static void every_kind_and_size(void **state)
{
    static const rt_image_target targets[] = {{1, 1, RT_PLANAR, RT_BILINEAR, false},
                                              {2, 3, RT_INTERLEAVED, RT_BILINEAR, false},
                                              {17, 16, RT_PLANAR, RT_BILINEAR, false},
                                              {50, 41, RT_INTERLEAVED, RT_BILINEAR, false}};
    static const int32_t heights[] = {1, 2, 7, 16, 17, 40};
    rt_image_room room = {0};
    (void)state;
    for (size_t k = 0; k < N_KINDS; k++)
        for (int32_t width = 1; width <= 40; width += k < 4 ? 1 : 5)
            for (size_t i = 0; i < sizeof heights / sizeof *heights; i++)
                check_photo(&kinds[k], width, heights[i], targets, sizeof targets / sizeof *targets, &room);
    rt_image_room_clear(&room);
}

/* Of these most lines are passed over, some by whole rows of blocks. */
static void every_kind_of_tall_photo(void **state)
{
    enum { MOST_ROWS = 90 };
    rt_image_target targets[MOST_ROWS];
    rt_image_room room = {0};
    (void)state;
    for (int32_t i = 0; i < MOST_ROWS; i++)
        targets[i] = (rt_image_target){i + 1, 5, i % 2 ? RT_PLANAR : RT_INTERLEAVED, RT_BILINEAR, false};
    for (size_t k = 0; k < N_KINDS; k++)
        for (int32_t height = 395; height <= 400; height += k < 4 ? 1 : 5)
            check_photo(&kinds[k], 21, height, targets, MOST_ROWS, &room);
    rt_image_room_clear(&room);
}

static void other_formats_and_ways(void **state)
{
    static const uint8_t gif[] = "GIF89a\2\0\1\0\x80\0\0\1\2\3\4\5\6,\0\0\0\0\2\0\1\0\0\2\2\x44\x0a\0;";
    static const rt_image_target target = {3, 4, RT_PLANAR, RT_BILINEAR, true};
    rt_image_room room = {0};
    rt_error err;
    float values[36];
    rt_image_target nearest = target;
    (void)state;
    check(gif, sizeof gif - 1, &target, &room, "GIF");
    check(gif, 9, &target, &room, "half a GIF");
    check((const uint8_t *)"", 0, &target, &room, "nothing");
    check((const uint8_t *)"BM\x36\0\0\0", 6, &target, &room, "BMP");
    nearest.resize = RT_NEAREST;
    assert_int_equal(rt_image_read(gif, sizeof gif - 1, &nearest, &room, values, &err), RT_OK);
    assert_true(values[0] == 1.0F * (1.0F / 255.0F));
    rt_image_room_clear(&room);
}

/* ---- damage ---- */

static void every_cut(void **state)
{
    static const rt_image_target few = {2, 3, RT_PLANAR, RT_BILINEAR, false};
    rt_image_room room = {0};
    (void)state;
    for (size_t k = 0; k < N_KINDS; k++) {
        size_t size;
        uint8_t *bytes = jpeg_make(&kinds[k], 9, 90, k, &size);
        for (size_t n = 0; n < size; n++) {
            uint8_t *cut = malloc(n + 1); /* of this size, so that reading behind it is found */
            assert_non_null(cut);
            memcpy(cut, bytes, n);
            check(cut, n, &few, &room, kinds[k].name);
            free(cut);
        }
        free(bytes);
    }
    rt_image_room_clear(&room);
}

static void random_damage(void **state)
{
    enum { TRIES = 150 };
    rt_image_target target = {4, 3, RT_INTERLEAVED, RT_BILINEAR, false};
    rt_image_room room = {0};
    rt_rng rng;
    (void)state;
    rt__rng_seed(&rng, 7, 0);
    for (size_t k = 0; k < N_KINDS; k++) {
        size_t size;
        uint8_t *bytes = jpeg_make(&kinds[k], 20, 200, k, &size);
        for (size_t i = 0; i < TRIES; i++) {
            uint8_t *damaged = malloc(size);
            assert_non_null(damaged);
            memcpy(damaged, bytes, size);
            for (uint64_t n = rt__rng_below(&rng, 3); n < 3; n++)
                damaged[rt__rng_below(&rng, size)] = (uint8_t)rt__rng_next(&rng);
            target.fast_decode = i % 4 == 0;
            check(damaged, size, &target, &room, kinds[k].name);
            free(damaged);
        }
        free(bytes);
    }
    rt_image_room_clear(&room);
}

/* ---- fast decoding ---- */

static void sizes_of_fast_decoding(void **state)
{
    static const struct {
        int32_t width, height, least_width, least_height, want_width, want_height;
    } rows[] = {
        {447, 448, 224, 224, 447, 448}, /* not twice as wide */
        {448, 448, 224, 224, 224, 224}, {449, 450, 224, 224, 225, 225},   {895, 896, 224, 224, 448, 448},
        {896, 897, 224, 224, 224, 225}, {1793, 1792, 224, 224, 225, 224}, {3000, 2500, 20, 20, 375, 313},
        {300, 900, 100, 300, 150, 450}, /* three times */
        {10, 900, 20, 20, 10, 900},
    };
    rt_image image = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rt_image_target target = {rows[i].least_height, rows[i].least_width, RT_PLANAR, RT_BILINEAR, true};
        size_t size;
        uint8_t *bytes = jpeg_make(&kinds[0], rows[i].width, rows[i].height, i, &size);
        assert_int_equal(rt_image_decode_for(bytes, size, &target, &image, NULL), RT_OK);
        assert_int_equal(image.width, rows[i].want_width);
        assert_int_equal(image.height, rows[i].want_height);
        target.fast_decode = false;
        assert_int_equal(rt_image_decode_for(bytes, size, &target, &image, NULL), RT_OK);
        assert_int_equal(image.width, rows[i].width);
        assert_int_equal(image.height, rows[i].height);
        free(bytes);
    }
    rt_image_clear(&image);
}

/* ---- memory ---- */

/* Of this program: getrusage()'s begins with that of the program that started it. */
static long peak_kilobytes(void)
{
    static const char name[] = "VmHWM:";
    rt_buffer status = {0};
    assert_int_equal(rt__file_read(&status, "/proc/self/status", 0, NULL, NULL), RT_OK);
    const char *peak = strstr(status.bytes, name);
    assert_non_null(peak);
    long kilobytes = strtol(peak + sizeof name - 1, NULL, 10);
    rt__buffer_clear(&status);
    return kilobytes;
}

/* 24 million pixels, 72 MB as a whole. */
static void a_large_photo_takes_little_memory(void **state)
{
    static const rt_image_target target = {224, 224, RT_PLANAR, RT_BILINEAR, false};
    rt_image_room room = {0};
    size_t size;
    uint8_t *bytes = jpeg_make(&kinds[0], 6000, 4000, 0, &size);
    float *values = calloc((size_t)3 * 224 * 224, sizeof *values);
    long before = peak_kilobytes();
    (void)state;
    assert_non_null(values);
    assert_int_equal(rt_image_read(bytes, size, &target, &room, values, NULL), RT_OK);
    print_message("24 million pixels in %zu bytes: %ld kB and %ld kB more\n", size, before,
                  peak_kilobytes() - before);
    assert_true(peak_kilobytes() - before < 4096);
    assert_null(room.image.pixels);
    assert_int_equal(rt_image_decode(bytes, size, 0, &room.image, NULL), RT_OK);
    assert_true(peak_kilobytes() - before > 60000); /* so that it is known to be measured */
    rt_image_room_clear(&room);
    free(values);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_photo_takes_little_memory), /* the first: it measures a peak */
        cmocka_unit_test(every_kind_and_size),
        cmocka_unit_test(every_kind_of_tall_photo),
        cmocka_unit_test(other_formats_and_ways),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(random_damage),
        cmocka_unit_test(sizes_of_fast_decoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
