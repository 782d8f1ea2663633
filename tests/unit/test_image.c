#include "base/buffer.h"
#include "base/file.h"
#include "base/rng.h"
#include "image/resize.h"
#include "retrain/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static const char *const files[] = {
    "baseline_420.jpg", "progressive_444.jpg", "gray.jpg",       "cmyk.jpg", "rgb.png",
    "rgba.png",         "plain.gif",           "transparent.gif"};
enum { N_FILES = sizeof files / sizeof files[0], WIDTH = 18, HEIGHT = 13 };

/* A drawn image of WIDTH x HEIGHT. */
static void read_file(const char *name, rt_buffer *file)
{
    const char *source = getenv("RETRAIN_SOURCE");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/image/%s", source != NULL ? source : ".", name);
    rt__buffer_reset(file);
    assert_int_equal(rt__file_read(file, path, 0, NULL, NULL), RT_OK);
}

static rt_code decode(const rt_buffer *file, size_t max_pixels, rt_image *image, rt_error *err)
{
    return rt_image_decode((const uint8_t *)file->bytes, file->size, max_pixels, image, err);
}

static void memory_is_kept_between_photos(void **state)
{
    rt_buffer file = {0};
    rt_image image = {0};
    const uint8_t *pixels = NULL;
    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        read_file(files[i], &file);
        assert_int_equal(decode(&file, 0, &image, NULL), RT_OK);
        assert_int_equal(image.width, WIDTH);
        assert_int_equal(image.height, HEIGHT);
        if (pixels == NULL)
            pixels = image.pixels;
        assert_ptr_equal(image.pixels, pixels);
    }
    rt_image_clear(&image);
    assert_null(image.pixels);
    rt__buffer_clear(&file);
}

static void too_many_pixels_are_refused_before_memory_is_taken(void **state)
{
    rt_buffer file = {0};
    rt_image image = {0};
    rt_error err;
    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        read_file(files[i], &file);
        assert_int_equal(decode(&file, WIDTH * HEIGHT - 1, &image, &err), RT_ELIMIT);
        assert_non_null(strstr(err.cause, "18 x 13"));
        assert_null(image.pixels);
        assert_int_equal(decode(&file, WIDTH * HEIGHT, &image, &err), RT_OK);
        rt_image_clear(&image);
    }
    rt__buffer_clear(&file);
}

/* 20000 x 20000 pixels in the headers of otherwise small files. */
static void headers_that_promise_too_much(void **state)
{
    static const uint8_t png[] =
        "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x4e\x20\0\0\x4e\x20\x08\x02\0\0\0\x6c\x12\xd1\x6e"
        "\0\0\0\x01IDAT\0";
    static const uint8_t gif[] = "GIF89a\x20\x4e\x20\x4e\x80\0\0\1\2\3\4\5\6,\0\0\0\0\x20\x4e\x20\x4e\0\x02";
    rt_image image = {0};
    rt_buffer jpeg = {0};
    (void)state;
    assert_int_equal(rt_image_decode(gif, sizeof gif - 1, 0, &image, NULL), RT_ELIMIT);
    assert_int_equal(rt_image_decode(png, sizeof png - 1, 0, &image, NULL), RT_ELIMIT);
    read_file("progressive_444.jpg", &jpeg);
    for (size_t i = 2; i + 9 < jpeg.size; i++)
        if ((uint8_t)jpeg.bytes[i] == 0xff && (uint8_t)jpeg.bytes[i + 1] == 0xc2) {
            memcpy(jpeg.bytes + i + 5, "\x4e\x20\x4e\x20", 4);
            break;
        }
    assert_int_equal(decode(&jpeg, 0, &image, NULL), RT_ELIMIT);
    assert_null(image.pixels);
    rt__buffer_clear(&jpeg);
}

/* Every way to cut a file short is told, with a cause, and the image can be used again. */
static void every_cut_is_an_error(void **state)
{
    rt_buffer file = {0};
    rt_image image = {0};
    rt_error err;
    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        read_file(files[i], &file);
        size_t whole = file.size, most = strstr(files[i], ".gif") != NULL ? whole - 2 : whole - 1;
        for (file.size = 0; file.size <= most; file.size++) {
            assert_int_equal(decode(&file, 0, &image, &err), RT_EFORMAT);
            assert_string_not_equal(err.cause, "");
        }
        file.size = whole;
        assert_int_equal(decode(&file, 0, &image, &err), RT_OK);
    }
    rt_image_clear(&image);
    rt__buffer_clear(&file);
}

static void formats_we_do_not_read_are_named(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        rt_code code;
        const char *name;
    } rows[] = {
        {"BM\x36\0\0\0\0\0\0\0\x36\0", 12, RT_EUNSUPPORTED, "BMP"},
        {"RIFF\x10\0\0\0WEBPVP8 ", 16, RT_EUNSUPPORTED, "WebP"},
        {"II*\0\x08\0\0\0", 8, RT_EUNSUPPORTED, "TIFF"},
        {"\0\0\0\x18"
         "ftypheic\0\0\0\0",
         16, RT_EUNSUPPORTED, "HEIF"},
        {"\0\0\0\x18"
         "ftypavif\0\0\0\0",
         16, RT_EUNSUPPORTED, "AVIF"},
        {"hello", 5, RT_EFORMAT, "68 65 6c 6c"},
        {"\xff\xd8", 2, RT_EFORMAT, "ff d8"},
        {"\xff\xd8\0\xff", 4, RT_EFORMAT, "ff d8 00 ff"},
        {"", 0, RT_EFORMAT, "empty"},
    };
    rt_image image = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rt_error err;
        assert_int_equal(rt_image_decode((const uint8_t *)rows[i].bytes, rows[i].size, 0, &image, &err),
                         rows[i].code);
        if (strstr(err.cause, rows[i].name) == NULL)
            print_error("%s\n", err.cause);
        assert_non_null(strstr(err.cause, rows[i].name));
    }
    rt_buffer file = {0};
    rt_error err;
    read_file("animated.gif", &file);
    assert_int_equal(decode(&file, 0, &image, &err), RT_EUNSUPPORTED);
    assert_non_null(strstr(err.cause, "animated GIF"));
    rt__buffer_clear(&file);
    rt_image_clear(&image);
}

/* An image in memory of just its size. */
static rt_image noise(int32_t width, int32_t height, rt_rng *rng)
{
    size_t bytes = (size_t)width * (size_t)height * 3;
    rt_image image = {.width = width, .height = height, .pixels = malloc(bytes), .capacity = bytes};
    assert_non_null(image.pixels);
    for (size_t i = 0; i < bytes; i++)
        image.pixels[i] = (uint8_t)rt__rng_next(rng);
    return image;
}

enum { GUARD = 32 };
static const float guard_value = -7.0f;

/* Resizes into guarded memory, checks the guards; owned by the caller, the first value at GUARD. */
static float *resized(const rt_resize_loops *loops, const rt_image *image, int32_t height, int32_t width,
                      rt_pixel_layout layout)
{
    size_t n = 3 * (size_t)height * (size_t)width,
           scratch_bytes = rt_image_resize_scratch(image, height, width);
    float *out = malloc((n + 2 * GUARD) * sizeof *out);
    void *scratch = aligned_alloc(64, scratch_bytes);
    assert_true(out != NULL && scratch != NULL);
    memset(scratch, 0xa5, scratch_bytes);
    for (size_t i = 0; i < n + 2 * GUARD; i++)
        out[i] = guard_value;
    assert_int_equal(rt__image_resize(loops, image, height, width, layout, scratch, out + GUARD, NULL),
                     RT_OK);
    for (size_t i = 0; i < GUARD; i++)
        assert_true(out[i] == guard_value && out[GUARD + n + i] == guard_value);
    free(scratch);
    return out;
}

/* The formula once more, value by value and in the order TensorFlow computes it. */
static float expected(const rt_image *image, int32_t height, int32_t width, int32_t y, int32_t x, size_t c)
{
    float at_y = (float)y * ((float)image->height / (float)height);
    float at_x = (float)x * ((float)image->width / (float)width);
    size_t top = (size_t)at_y, left = (size_t)at_x, row = (size_t)image->width * 3;
    size_t bottom = top + 1 < (size_t)image->height ? top + 1 : top;
    size_t right = left + 1 < (size_t)image->width ? left + 1 : left;
    float across = at_x - (float)left, down = at_y - (float)top;
    float corner[4];
    const size_t at[4] = {top * row + 3 * left, top * row + 3 * right, bottom * row + 3 * left,
                          bottom * row + 3 * right};
    for (int i = 0; i < 4; i++)
        corner[i] = (float)image->pixels[at[i] + c] * (1.0f / 255.0f);
    float upper = corner[0] + (corner[1] - corner[0]) * across;
    float lower = corner[2] + (corner[3] - corner[2]) * across;
    return upper + (lower - upper) * down;
}

static void check_resize(const rt_resize_loops *loops, const rt_image *image, int32_t height, int32_t width)
{
    float *interleaved = resized(loops, image, height, width, RT_INTERLEAVED);
    float *planar = resized(loops, image, height, width, RT_PLANAR);
    size_t plane = (size_t)height * (size_t)width;
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++)
            for (size_t c = 0; c < 3; c++) {
                float want = expected(image, height, width, y, x, c);
                size_t pixel = (size_t)y * (size_t)width + (size_t)x;
                assert_memory_equal(&interleaved[GUARD + pixel * 3 + c], &want, sizeof want);
                assert_memory_equal(&planar[GUARD + c * plane + pixel], &want, sizeof want);
            }
    free(interleaved);
    free(planar);
}

static void every_loop_gives_the_formulas_bits(void **state)
{
    static const int32_t from[][2] = {{1, 1}, {1, 9}, {9, 1}, {2, 2}, {31, 17}, {64, 48}, {5, 300}};
    static const int32_t to[][2] = {{1, 1}, {7, 7}, {8, 8}, {9, 15}, {16, 16}, {17, 33}, {40, 3}};
    const rt_resize_loops *list[RT_RESIZE_MOST_LOOPS];
    rt_rng rng;
    (void)state;
    rt__rng_seed(&rng, 5, 0);
    rt__resize_loops(list);
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) {
        rt_image image = noise(from[i][0], from[i][1], &rng);
        for (size_t j = 0; j < sizeof to / sizeof to[0]; j++)
            for (size_t k = 0; list[k] != NULL; k++)
                check_resize(list[k], &image, to[j][0], to[j][1]);
        rt_image_clear(&image);
    }
}

static void senseless_sizes_are_refused(void **state)
{
    uint8_t pixel[3] = {0};
    rt_image image = {.width = 1, .height = 1, .pixels = pixel}, empty = {0};
    float out[3];
    rt_error err;
    (void)state;
    assert_int_equal(rt_image_resize_scratch(&image, 0, 1), 0);
    assert_int_equal(rt_image_resize(&image, 0, 1, RT_PLANAR, NULL, out, &err), RT_EARG);
    assert_int_equal(rt_image_resize(&image, 1, -1, RT_PLANAR, NULL, out, &err), RT_EARG);
    assert_int_equal(rt_image_resize(&image, 1, INT32_MAX, RT_PLANAR, NULL, out, &err), RT_EARG);
    assert_int_equal(rt_image_resize(&empty, 1, 1, RT_PLANAR, NULL, out, &err), RT_EARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_kept_between_photos),
        cmocka_unit_test(too_many_pixels_are_refused_before_memory_is_taken),
        cmocka_unit_test(headers_that_promise_too_much),
        cmocka_unit_test(every_cut_is_an_error),
        cmocka_unit_test(formats_we_do_not_read_are_named),
        cmocka_unit_test(every_loop_gives_the_formulas_bits),
        cmocka_unit_test(senseless_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
