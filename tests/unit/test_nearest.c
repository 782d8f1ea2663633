#include "image/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* after the headers it needs */
#include <cmocka.h>

enum { MOST = 130 };

/* Which of `in` pixels stands at place `at` of `out`: in float32, cut off.  No neighbour is looked at. */
static int picked(int at, int in, int out)
{
    float ratio = (float)in / (float)out;
    return (int)((float)at * ratio);
}

/* Every pixel has colours of its own place, so that a neighbour is told from it. */
static void fill(uint8_t *pixels, int width, int height)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *pixel = pixels + 3 * (y * width + x);
            pixel[0] = (uint8_t)x;
            pixel[1] = (uint8_t)y;
            pixel[2] = (uint8_t)(7 * x + 11 * y + ((x ^ y) & 3));
        }
}

static void compare(const rt_image *image, int width, int height)
{
    size_t plane = (size_t)width * (size_t)height;
    float *planar = malloc(3 * plane * sizeof *planar), *mixed = malloc(3 * plane * sizeof *mixed);
    assert_non_null(planar);
    assert_non_null(mixed);
    assert_int_equal(rt__image_nearest(image, height, width, RT_PLANAR, planar, NULL), RT_OK);
    assert_int_equal(rt__image_nearest(image, height, width, RT_INTERLEAVED, mixed, NULL), RT_OK);
    for (size_t i = 0; i < plane; i++) {
        int x = picked((int)i % width, image->width, width),
            y = picked((int)i / width, image->height, height);
        const uint8_t *pixel = image->pixels + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
        for (size_t c = 0; c < 3; c++) {
            float expected = (float)pixel[c] * (1.0F / 255.0F);
            if (planar[c * plane + i] != expected || mixed[3 * i + c] != expected)
                fail_msg("%d x %d to %d x %d: channel %zu of pixel %zu differs", (int)image->width,
                         (int)image->height, width, height, c, i);
        }
    }
    free(planar);
    free(mixed);
}

static void it_picks_the_pixels_of_jetson_inference(void **state)
{
    static const int sizes[] = {1, 2, 3, 5, 7, 17, 31, 64, 97, 127, MOST};
    enum { N = sizeof sizes / sizeof *sizes };
    uint8_t *pixels = malloc((size_t)3 * MOST * MOST);
    (void)state;
    assert_non_null(pixels);
    for (size_t a = 0; a < N; a++)
        for (size_t b = 0; b < N; b++) {
            rt_image image = {.pixels = pixels, .width = sizes[a], .height = sizes[b]};
            fill(pixels, sizes[a], sizes[b]);
            for (size_t c = 0; c < N; c++)
                compare(&image, sizes[c], sizes[(b + 3 * c + a) % N]);
        }
    free(pixels);
}

/* Sizes of cameras and networks, as they meet on a board. */
static void it_does_so_at_the_sizes_of_photos(void **state)
{
    static const int cases[][4] = {{1280, 720, 224, 224},
                                   {1919, 1079, 299, 299},
                                   {640, 481, 300, 300},
                                   {333, 499, 225, 127},
                                   {60, 45, 224, 224}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int *c = cases[i];
        rt_image image = {.width = c[0], .height = c[1]};
        assert_non_null(image.pixels = malloc((size_t)3 * (size_t)c[0] * (size_t)c[1]));
        fill(image.pixels, c[0], c[1]);
        compare(&image, c[2], c[3]);
        free(image.pixels);
    }
}

/* Where a product is a whole number but for rounding, float32 falls on the pixel before: the columns that
 * NumPy's float32 gives, (np.arange(out) * (f32(in) / f32(out))).astype(int). */
static void rounding_is_that_of_float32(void **state)
{
    static const int cases[][4] = {{480, 224, 119, 254},  {480, 224, 118, 252},   {720, 224, 154, 494},
                                   {720, 224, 153, 491},  {1920, 224, 119, 1019}, {4032, 300, 75, 1007},
                                   {4032, 300, 299, 4018}};
    static const float unit = 1.0F / 255.0F;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int *c = cases[i];
        uint8_t *pixels = calloc((size_t)c[0], 3);
        float *out = malloc(3 * (size_t)c[1] * sizeof *out);
        assert_non_null(pixels);
        assert_non_null(out);
        pixels[3 * c[3]] = 200;
        assert_int_equal(rt__image_nearest(&(rt_image){.pixels = pixels, .width = c[0], .height = 1}, 1, c[1],
                                           RT_INTERLEAVED, out, NULL),
                         RT_OK);
        if (out[3 * c[2]] != 200 * unit)
            fail_msg("%d to %d: pixel %d is not the photo's %d", c[0], c[1], c[2], c[3]);
        free(pixels);
        free(out);
    }
}

static void no_size_is_an_error(void **state)
{
    uint8_t pixel[3] = {0};
    float out[3];
    rt_error err;
    (void)state;
    assert_int_equal(
        rt__image_nearest(&(rt_image){.pixels = pixel, .width = 1, .height = 1}, 0, 1, RT_PLANAR, out, &err),
        RT_EARG);
    assert_int_equal(rt__image_nearest(&(rt_image){0}, 1, 1, RT_PLANAR, out, &err), RT_EARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_picks_the_pixels_of_jetson_inference),
        cmocka_unit_test(it_does_so_at_the_sizes_of_photos),
        cmocka_unit_test(rounding_is_that_of_float32),
        cmocka_unit_test(no_size_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
