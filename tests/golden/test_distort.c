/* Photos distorted as retrain.py's ops distort them, the random numbers given: distort_cases.txt, made by
 * tools/golden/distort_cases.py.  By every kind of loop this processor can run. */
#include "base/buffer.h"
#include "base/file.h"
#include "base/hash.h"
#include "image/distort.h"
#include "support/shared.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

enum { N_SAMPLES = 3 };

typedef struct row {
    char photo[128], sha256[2 * RT_SHA256_BYTES + 1];
    int32_t height, width;
    rt_distortion distortion;
    rt_distortion_dice dice;
    rt_distortion_draw draw; /* but flipped and brightness, which the values tell */
    float sample[N_SAMPLES];
} row;

static void read_row(const char *line, row *r)
{
    int flip,
        n = sscanf(line, "%127s %d %d %d %d %d %d %f %f %f %u %u %d %d %d %d %f %f %f %64s", r->photo,
                   &r->height, &r->width, &flip, &r->distortion.random_crop, &r->distortion.random_scale,
                   &r->distortion.random_brightness, &r->dice.scale, &r->dice.flip, &r->dice.brightness,
                   &r->dice.row, &r->dice.column, &r->draw.full_height, &r->draw.full_width, &r->draw.top,
                   &r->draw.left, &r->sample[0], &r->sample[1], &r->sample[2], r->sha256);
    assert_int_equal(n, 20);
    r->distortion.flip_left_right = flip != 0;
}

static void decode(const char *name, rt_image *image)
{
    char relative[512], path[4096];
    rt_buffer file = {0};
    snprintf(relative, sizeof relative, "data/flower_photos/%s", name);
    assert_int_equal(rt__file_read(&file, shared_path(path, sizeof path, relative), 0, NULL, NULL), RT_OK);
    assert_int_equal(rt_image_decode((const uint8_t *)file.bytes, file.size, 0, image, NULL), RT_OK);
    rt__buffer_clear(&file);
}

/* values are [height, width, 3]. */
static void check_values(const row *r, const float *values)
{
    size_t n = 3 * (size_t)r->height * (size_t)r->width;
    const size_t at[N_SAMPLES] = {0, n / 2, n - 1};
    uint8_t digest[RT_SHA256_BYTES];
    char text[2 * RT_SHA256_BYTES + 1];
    for (size_t i = 0; i < N_SAMPLES; i++)
        if (fabsf(values[at[i]] - r->sample[i]) > 1e-6F)
            fail_msg("%s at %d: value %zu is %.9g, not %.9g", r->photo, r->height, at[i],
                     (double)values[at[i]], (double)r->sample[i]);
    assert_int_equal(rt__sha256(values, n * sizeof *values, digest, NULL), RT_OK);
    rt__hex(digest, sizeof digest, text);
    assert_string_equal(text, r->sha256);
}

static void distort(const rt_resize_loops *loops, rt_pixel_layout layout, const rt_image *image, const row *r,
                    const rt_distortion_draw *draw)
{
    size_t plane = (size_t)r->height * (size_t)r->width;
    float *out = malloc(3 * plane * sizeof *out), *turned = malloc(3 * plane * sizeof *out);
    void *scratch = aligned_alloc(64, rt_image_resize_scratch(image, r->height, r->width));
    assert_true(out != NULL && turned != NULL && scratch != NULL);
    assert_int_equal(rt__image_distort(loops, image, draw, r->height, r->width, layout, scratch, out, NULL),
                     RT_OK);
    for (size_t i = 0; i < 3 * plane; i++)
        turned[i] = layout == RT_INTERLEAVED ? out[i] : out[i % 3 * plane + i / 3];
    check_values(r, turned);
    free(scratch);
    free(turned);
    free(out);
}

static void check_row(const row *r)
{
    const rt_resize_loops *list[RT_RESIZE_MOST_LOOPS];
    rt_distortion_draw draw = rt__distortion_draw(&r->distortion, r->height, r->width, &r->dice);
    rt_image image = {0};
    assert_int_equal(draw.full_height, r->draw.full_height);
    assert_int_equal(draw.full_width, r->draw.full_width);
    assert_int_equal(draw.top, r->draw.top);
    assert_int_equal(draw.left, r->draw.left);
    decode(r->photo, &image);
    rt__resize_loops(list);
    for (size_t i = 0; list[i] != NULL; i++)
        for (int layout = RT_INTERLEAVED; layout <= RT_PLANAR; layout++)
            distort(list[i], (rt_pixel_layout)layout, &image, r, &draw);
    rt_image_clear(&image);
}

static void every_photo_is_distorted_as_tensorflow_does(void **state)
{
    char path[4096];
    rt_buffer text = {0};
    size_t n = 0;
    (void)state;
    snprintf(path, sizeof path, "%s/tests/golden/distort_cases.txt", getenv("RETRAIN_SOURCE"));
    assert_int_equal(rt__file_read(&text, path, 0, NULL, NULL), RT_OK);
    for (char *rest = text.bytes, *line; (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        row r = {0};
        if (line[0] == '#')
            continue;
        read_row(line, &r);
        check_row(&r);
        n++;
    }
    assert_int_equal(n, 12);
    rt__buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_photo_is_distorted_as_tensorflow_does),
    };
    shared_or_skip("data/flower_photos", "distorting as TensorFlow does");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
