/* Photos decoded and resized as TensorFlow does, by every kind of loop this processor can run. */
#include "base/buffer.h"
#include "base/file.h"
#include "base/hash.h"
#include "image/read.h"
#include "retrain/image.h"
#include "support/npy.h"
#include "support/shared.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static const int32_t sizes[] = {224, 128, 299};

static void read_file(const char *name, rt_buffer *file)
{
    char relative[512], path[4096];
    snprintf(relative, sizeof relative, "data/flower_photos/%s", name);
    assert_int_equal(rt__file_read(file, shared_path(path, sizeof path, relative), 0, NULL, NULL), RT_OK);
}

static void decode(const char *name, rt_image *image)
{
    rt_buffer file = {0};
    read_file(name, &file);
    assert_int_equal(rt_image_decode((const uint8_t *)file.bytes, file.size, 0, image, NULL), RT_OK);
    rt__buffer_clear(&file);
}

/* Pixels of that layout as [side, side, 3]; frees pixels, the result is the caller's. */
static float *turn(float *pixels, rt_pixel_layout layout, int32_t side)
{
    size_t plane = (size_t)side * (size_t)side;
    float *turned = malloc(3 * plane * sizeof *turned);
    assert_non_null(turned);
    for (size_t i = 0; i < 3 * plane; i++)
        turned[i] = layout == RT_INTERLEAVED ? pixels[i] : pixels[i % 3 * plane + i / 3];
    free(pixels);
    return turned;
}

/* [side, side, 3], whatever the layout was on the way; owned by the caller. */
static float *resized(const rt_resize_loops *loops, rt_pixel_layout layout, const rt_image *image,
                      int32_t side)
{
    size_t n = 3 * (size_t)side * (size_t)side, scratch_bytes = rt_image_resize_scratch(image, side, side);
    float *out = malloc(n * sizeof *out);
    void *scratch = aligned_alloc(64, scratch_bytes);
    assert_true(out != NULL && scratch != NULL);
    assert_int_equal(rt__image_resize(loops, image, side, side, layout, scratch, out, NULL), RT_OK);
    free(scratch);
    return turn(out, layout, side);
}

/* The same in one go. */
static float *read_at_once(const rt_resize_loops *loops, rt_pixel_layout layout, const char *name,
                           int32_t side)
{
    const rt_image_target target = {side, side, layout, RT_BILINEAR, false};
    float *out = malloc(3 * (size_t)side * (size_t)side * sizeof *out);
    rt_image_room room = {0};
    rt_buffer file = {0};
    read_file(name, &file);
    assert_non_null(out);
    assert_int_equal(rt__image_read(loops, (const uint8_t *)file.bytes, file.size, &target, &room, out, NULL),
                     RT_OK);
    rt_image_room_clear(&room);
    rt__buffer_clear(&file);
    return turn(out, layout, side);
}

typedef void check(const char *name, const float *pixels, int32_t side, const void *want);

/* Runs a check over all loops and layouts. */
static void with_all(const char *name, const rt_image *image, int32_t side, check *check_one,
                     const void *want)
{
    const rt_resize_loops *list[RT_RESIZE_MOST_LOOPS];
    rt__resize_loops(list);
    for (size_t i = 0; list[i] != NULL; i++)
        for (int layout = RT_INTERLEAVED; layout <= RT_PLANAR; layout++) {
            float *pixels = resized(list[i], (rt_pixel_layout)layout, image, side);
            check_one(name, pixels, side, want);
            free(pixels);
            pixels = read_at_once(list[i], (rt_pixel_layout)layout, name, side);
            check_one(name, pixels, side, want);
            free(pixels);
        }
}

static void check_sha256(const char *name, const float *pixels, int32_t side, const void *want)
{
    uint8_t digest[RT_SHA256_BYTES];
    char text[2 * RT_SHA256_BYTES + 1];
    size_t bytes = (size_t)side * (size_t)side * 3 * sizeof *pixels;
    assert_int_equal(rt__sha256(pixels, bytes, digest, NULL), RT_OK);
    rt__hex(digest, sizeof digest, text);
    if (strcmp(text, want) != 0)
        print_error("%s at %d\n", name, side);
    assert_string_equal(text, want);
}

static void check_values(const char *name, const float *pixels, int32_t side, const void *want)
{
    (void)name;
    assert_memory_equal(pixels, want, (size_t)side * (size_t)side * 3 * sizeof *pixels);
}

static cJSON *read_images(void)
{
    char path[4096];
    rt_buffer text = {0};
    shared_path(path, sizeof path, "reference/golden/images.json");
    assert_int_equal(rt__file_read(&text, path, 0, NULL, NULL), RT_OK);
    cJSON *images = cJSON_ParseWithLength(text.bytes, text.size);
    assert_non_null(images);
    rt__buffer_clear(&text);
    return images;
}

static void every_checksum_is_tensorflows(void **state)
{
    cJSON *images = read_images();
    rt_image image = {0};
    (void)state;
    assert_int_equal(cJSON_GetArraySize(images), 20);
    for (const cJSON *entry = images->child; entry != NULL; entry = entry->next) {
        uint8_t digest[RT_SHA256_BYTES];
        char text[2 * RT_SHA256_BYTES + 1], key[32];
        decode(entry->string, &image);
        assert_int_equal(
            rt__sha256(image.pixels, (size_t)image.width * (size_t)image.height * 3, digest, NULL), RT_OK);
        rt__hex(digest, sizeof digest, text);
        assert_string_equal(text, cJSON_GetObjectItem(entry, "sha256")->valuestring);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            snprintf(key, sizeof key, "resized%d", sizes[i]);
            const cJSON *made = cJSON_GetObjectItem(entry, key);
            with_all(entry->string, &image, sizes[i], check_sha256,
                     cJSON_GetObjectItem(made, "sha256")->valuestring);
        }
    }
    rt_image_clear(&image);
    cJSON_Delete(images);
}

static void every_value_is_tensorflows(void **state)
{
    static const int numbers[] = {0, 7, 14};
    cJSON *images = read_images();
    rt_image image = {0};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char relative[64], path[4096];
        struct npy want;
        snprintf(relative, sizeof relative, "reference/golden/resized224_%d.npy", numbers[i]);
        assert_true(npy_read(shared_path(path, sizeof path, relative), &want));
        assert_string_equal(want.dtype, "<f4");
        assert_int_equal(want.count, 224 * 224 * 3);
        const char *name = cJSON_GetArrayItem(images, numbers[i])->string;
        decode(name, &image);
        with_all(name, &image, 224, check_values, want.data);
        npy_free(&want);
    }
    rt_image_clear(&image);
    cJSON_Delete(images);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_checksum_is_tensorflows),
        cmocka_unit_test(every_value_is_tensorflows),
    };
    shared_or_skip("reference/golden/images.json", "resizing as TensorFlow does");
    shared_or_skip("data/flower_photos", "resizing as TensorFlow does");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
