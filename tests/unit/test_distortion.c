/* What is drawn for a distorted photo stays in retrain.py's ranges and reaches their ends; a window of a
 * resized photo is that part of the whole. */
#include "image/distort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

enum { DRAWS = 20000, HEIGHT = 128, WIDTH = 192 };

typedef struct range {
    double low, high, sum;
} range;

static void widen(range *r, double value)
{
    r->low = value < r->low ? value : r->low;
    r->high = value > r->high ? value : r->high;
    r->sum += value;
}

/* That values drawn uniformly from [low, high] stay inside, come near both ends, and have the middle as mean:
 * within 5 deviations of the mean of DRAWS values. */
static void assert_uniform(const range *r, double low, double high)
{
    double width = high - low, mean = r->sum / DRAWS, deviation = width / 3.4641 / 141.4;
    assert_true(r->low >= low && r->low <= low + 0.002 * width);
    assert_true(r->high <= high && r->high >= high - 0.002 * width);
    assert_true(mean > (low + high) / 2 - 5 * deviation && mean < (low + high) / 2 + 5 * deviation);
}

static const range nothing = {1e9, -1e9, 0};

static void draws_fill_their_ranges(void **state)
{
    const rt_distortion d = {true, 25, 50, 30};
    range scale = nothing, brightness = nothing, top = nothing, left = nothing;
    size_t flipped = 0;
    rt_rng rng;
    (void)state;
    rt__rng_seed(&rng, 1, 2);
    for (size_t i = 0; i < DRAWS; i++) {
        rt_distortion_dice dice = rt__distortion_roll(&rng);
        rt_distortion_draw draw = rt__distortion_draw(&d, HEIGHT, WIDTH, &dice);
        assert_in_range(draw.full_height, HEIGHT * 125 / 100, HEIGHT * 125 * 150 / 10000);
        assert_in_range(draw.full_width, WIDTH * 125 / 100, WIDTH * 125 * 150 / 10000);
        assert_in_range(draw.top, 0, draw.full_height - HEIGHT);
        assert_in_range(draw.left, 0, draw.full_width - WIDTH);
        widen(&scale, draw.full_width + 0.5);
        widen(&top, (draw.top + 0.5) / (draw.full_height - HEIGHT + 1));
        widen(&left, (draw.left + 0.5) / (draw.full_width - WIDTH + 1));
        widen(&brightness, (double)draw.brightness);
        flipped += draw.flipped;
    }
    assert_true(scale.low < WIDTH * 1.25 + 1 && scale.high > WIDTH * 1.25 * 1.5 - 1);
    assert_uniform(&brightness, (double)0.7F, (double)1.3F);
    assert_true(top.low < 0.02 && top.high > 0.98 && left.low < 0.02 && left.high > 0.98);
    assert_in_range(flipped, DRAWS / 2 - 354, DRAWS / 2 + 354); /* 5 deviations */
}

/* Each place of the crop is as likely as the others, the last one too. */
static void every_place_of_the_crop_is_drawn(void **state)
{
    const rt_distortion d = {.random_crop = 7};
    uint32_t seen[64] = {0};
    rt_rng rng;
    (void)state;
    rt__rng_seed(&rng, 4, 2);
    for (size_t i = 0; i < DRAWS; i++) {
        rt_distortion_dice dice = rt__distortion_roll(&rng);
        rt_distortion_draw draw = rt__distortion_draw(&d, 100, 100, &dice);
        assert_int_equal(draw.full_height, 107);
        seen[draw.top * 8 + draw.left]++;
    }
    for (size_t i = 0; i < 64; i++)
        assert_in_range(seen[i], 312 - 88, 312 + 88); /* 5 deviations */
}

static void no_distortion_draws_the_photo_itself(void **state)
{
    const rt_distortion none = {0}, most = {true, RT_MOST_CROP, RT_MOST_SCALE, RT_MOST_BRIGHTNESS};
    rt_rng rng;
    (void)state;
    rt__rng_seed(&rng, 1, 2);
    for (size_t i = 0; i < 1000; i++) {
        rt_distortion_dice dice = rt__distortion_roll(&rng);
        rt_distortion_draw draw = rt__distortion_draw(&none, HEIGHT, WIDTH, &dice);
        assert_int_equal(draw.full_height, HEIGHT);
        assert_int_equal(draw.full_width, WIDTH);
        assert_true(draw.top == 0 && draw.left == 0 && !draw.flipped && draw.brightness == 1.0F);
        draw = rt__distortion_draw(&most, 16384, 16384, &dice);
        assert_in_range(draw.full_height, 16384 * 11, 16384 * 121);
        assert_in_range(draw.left, 0, draw.full_width - 16384);
        assert_true(draw.brightness >= 0.0F && draw.brightness <= 2.0F);
    }
    assert_false(rt_distortion_any(&none));
    assert_true(rt_distortion_any(&(rt_distortion){.random_scale = 1}));
    assert_true(rt_distortion_any(&(rt_distortion){.flip_left_right = true}));
}

static void percentages_out_of_range_are_named(void **state)
{
    static const struct {
        rt_distortion distortion;
        const char *cause; /* NULL: fine */
    } rows[] = {
        {{false, 0, 0, 0}, NULL},
        {{true, RT_MOST_CROP, RT_MOST_SCALE, RT_MOST_BRIGHTNESS}, NULL},
        {{false, -1, 0, 0}, "random_crop: -1"},
        {{false, RT_MOST_CROP + 1, 0, 0}, "random_crop: 1001"},
        {{false, 0, -5, 0}, "random_scale: -5"},
        {{false, 0, INT32_MAX, 0}, "random_scale: 2147483647"},
        {{false, 0, 0, 101}, "random_brightness: 101"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rt_error err;
        rt_code code = rt_distortion_check(&rows[i].distortion, &err);
        assert_int_equal(code, rows[i].cause == NULL ? RT_OK : RT_EARG);
        if (rows[i].cause != NULL)
            assert_non_null(strstr(err.cause, rows[i].cause));
    }
}

static rt_image noise(int32_t width, int32_t height)
{
    size_t bytes = (size_t)width * (size_t)height * 3;
    rt_image image = {.width = width, .height = height, .pixels = malloc(bytes), .capacity = bytes};
    rt_rng rng;
    assert_non_null(image.pixels);
    rt__rng_seed(&rng, 6, 6);
    for (size_t i = 0; i < bytes; i++)
        image.pixels[i] = (uint8_t)rt__rng_next(&rng);
    return image;
}

/* Owned by the caller: 3 * window->height * window->width floats. */
static float *cut(const rt_resize_loops *loops, const rt_image *image, const rt_window *window,
                  rt_pixel_layout layout)
{
    float *out = malloc(3 * (size_t)window->height * (size_t)window->width * sizeof *out);
    void *scratch = aligned_alloc(64, rt_image_resize_scratch(image, window->height, window->width));
    assert_true(out != NULL && scratch != NULL);
    assert_int_equal(rt__image_resize_window(loops, image, window, layout, scratch, out, NULL), RT_OK);
    free(scratch);
    return out;
}

static void check_window(const rt_resize_loops *loops, const rt_image *image, const rt_window *w)
{
    const rt_window all = {w->full_height, w->full_width, 0, 0, w->full_height, w->full_width, false};
    float *whole = cut(loops, image, &all, RT_INTERLEAVED);
    float *interleaved = cut(loops, image, w, RT_INTERLEAVED), *planar = cut(loops, image, w, RT_PLANAR);
    size_t height = (size_t)w->height, width = (size_t)w->width;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            for (size_t c = 0; c < 3; c++) {
                size_t column = (size_t)w->left + (w->mirrored ? width - 1 - x : x);
                size_t row = (size_t)w->top + y;
                float want = whole[(row * (size_t)w->full_width + column) * 3 + c];
                assert_memory_equal(&interleaved[(y * width + x) * 3 + c], &want, sizeof want);
                assert_memory_equal(&planar[(c * height + y) * width + x], &want, sizeof want);
            }
    free(planar);
    free(interleaved);
    free(whole);
}

static void a_window_is_a_part_of_the_whole(void **state)
{
    static const int32_t photos[][2] = {{1, 1}, {5, 3}, {64, 48}, {47, 90}};
    static const rt_window windows[] = {
        {33, 41, 0, 0, 33, 41, true},    {33, 41, 5, 9, 17, 19, false}, {33, 41, 32, 40, 1, 1, true},
        {80, 100, 16, 36, 64, 64, true}, {7, 300, 3, 100, 4, 33, true}, {20, 20, 0, 19, 20, 1, false},
    };
    const rt_resize_loops *list[RT_RESIZE_MOST_LOOPS];
    (void)state;
    rt__resize_loops(list);
    for (size_t i = 0; i < sizeof photos / sizeof *photos; i++) {
        rt_image image = noise(photos[i][0], photos[i][1]);
        for (size_t j = 0; j < sizeof windows / sizeof *windows; j++)
            for (size_t k = 0; list[k] != NULL; k++)
                check_window(list[k], &image, &windows[j]);
        rt_image_clear(&image);
    }
}

static void a_window_outside_is_refused(void **state)
{
    static const rt_distortion_draw draws[] = {
        {8, 8, -1, 0, false, 1},        {8, 8, 0, -1, false, 1},        {8, 8, 1, 0, false, 1},
        {8, 8, 0, INT32_MAX, false, 1}, {7, 8, 0, 0, false, 1},         {8, 7, 0, 0, false, 1},
        {INT32_MIN, 8, 0, 0, false, 1}, {8, INT32_MAX, 0, 0, false, 1},
    };
    rt_image image = noise(4, 4);
    float out[3 * 8 * 8];
    void *scratch = aligned_alloc(64, rt_image_resize_scratch(&image, 8, 8));
    rt_error err;
    (void)state;
    assert_non_null(scratch);
    for (size_t i = 0; i < sizeof draws / sizeof *draws; i++)
        assert_int_equal(rt_image_distort(&image, &draws[i], 8, 8, RT_PLANAR, scratch, out, &err), RT_EARG);
    assert_int_equal(rt_image_distort(&image, &(rt_distortion_draw){8, 8, 0, 0, false, 1}, 8, 8, RT_PLANAR,
                                      scratch, out, &err),
                     RT_OK);
    free(scratch);
    rt_image_clear(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_fill_their_ranges),
        cmocka_unit_test(every_place_of_the_crop_is_drawn),
        cmocka_unit_test(no_distortion_draws_the_photo_itself),
        cmocka_unit_test(percentages_out_of_range_are_named),
        cmocka_unit_test(a_window_is_a_part_of_the_whole),
        cmocka_unit_test(a_window_outside_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
