#include "fuzz.h"
#include "retrain/image.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PIXELS = 1 << 18, SIDE = 9 };

static void check_range(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(values[i] >= 0 && values[i] <= 1))
            abort();
}

/* In one go it is the same. */
static void read_at_once(const uint8_t *bytes, size_t size, rt_pixel_layout layout, const float *want)
{
    const rt_image_target target = {SIDE, SIDE, layout, RT_BILINEAR, false};
    float out[3 * SIDE * SIDE];
    rt_image_room room = {0};
    if (rt_image_read(bytes, size, &target, &room, out, NULL) != RT_OK || memcmp(out, want, sizeof out) != 0)
        abort();
    rt_image_room_clear(&room);
}

static void fail_at_once(const uint8_t *bytes, size_t size, const rt_error *want)
{
    const rt_image_target target = {SIDE, SIDE, RT_PLANAR, RT_BILINEAR, false};
    float out[3 * SIDE * SIDE];
    rt_image_room room = {0};
    rt_error err;
    if (rt_image_read(bytes, size, &target, &room, out, &err) != want->code || err.offset != want->offset ||
        strcmp(err.cause, want->cause) != 0)
        abort();
    rt_image_room_clear(&room);
}

static void resize(const uint8_t *bytes, size_t size, const rt_image *image, rt_pixel_layout layout)
{
    float out[3 * SIDE * SIDE];
    void *scratch = aligned_alloc(64, rt_image_resize_scratch(image, SIDE, SIDE));
    if (scratch == NULL || rt_image_resize(image, SIDE, SIDE, layout, scratch, out, NULL) != RT_OK)
        abort();
    check_range(out, sizeof out / sizeof out[0]);
    free(scratch);
    read_at_once(bytes, size, layout, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    rt_image image = {0};
    rt_error err;
    rt_code code = rt_image_decode(bytes, size, MOST_PIXELS, &image, &err);
    if (code == RT_OK) {
        if (image.width <= 0 || image.height <= 0 || (int64_t)image.width * image.height > MOST_PIXELS)
            abort();
        resize(bytes, size, &image, RT_INTERLEAVED);
        resize(bytes, size, &image, RT_PLANAR);
    } else if (err.code != code || err.cause[0] == 0) {
        abort();
    } else if (code != RT_ELIMIT && size > 2 && memcmp(bytes, "\xff\xd8\xff", 3) == 0) {
        fail_at_once(bytes, size, &err);
    }
    rt_image_clear(&image);
    return 0;
}
