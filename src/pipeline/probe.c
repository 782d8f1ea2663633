#include "probe.h"

#include "base/file.h"
#include "base/rng.h"
#include "retrain/image.h"

enum { PHOTO_BYTES = 256 << 20, PATCHES = 7 };

/* Drawing 0: ramps, and a disc of their opposites. */
static uint8_t ramp_pixel(int32_t y, int32_t x, int c, int32_t height, int32_t width)
{
    int64_t ramp = c == 0 ? x * (int64_t)255 / width : c == 1 ? y * (int64_t)255 / height : (x + y) % 256;
    int64_t dy = y - height / 2, dx = x - width / 2;
    bool disc = dy * dy + dx * dx < (int64_t)height * height / 9;
    return (uint8_t)(disc ? 255 - ramp / (c + 1) : ramp);
}

/* The others: patches of colour that shade off to their right lower corner. */
static uint8_t patch_pixel(const uint8_t *colours, int32_t y, int32_t x, int c, int32_t height, int32_t width)
{
    int64_t row = (int64_t)y * PATCHES / height, column = (int64_t)x * PATCHES / width;
    int64_t shade =
        ((int64_t)y * PATCHES % height) * 64 / height + ((int64_t)x * PATCHES % width) * 64 / width;
    int64_t value = colours[(row * PATCHES + column) * 3 + c] - shade;
    return (uint8_t)(value > 0 ? value : 0);
}

void rt__probe_draw(unsigned drawing, int32_t height, int32_t width, bool planar, float *input,
                    rt_buffer *ppm)
{
    uint8_t colours[PATCHES * PATCHES * 3];
    rt_rng rng;
    rt__rng_seed(&rng, drawing, 0);
    for (size_t i = 0; i < sizeof colours; i++)
        colours[i] = (uint8_t)rt__rng_below(&rng, 256);
    if (ppm)
        rt__buffer_format(ppm, "P6\n%d %d\n255\n", (int)width, (int)height);
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                uint8_t value = drawing ? patch_pixel(colours, y, x, c, height, width)
                                        : ramp_pixel(y, x, c, height, width);
                size_t at = planar ? ((size_t)c * (size_t)height + (size_t)y) * (size_t)width + (size_t)x
                                   : ((size_t)y * (size_t)width + (size_t)x) * 3 + (size_t)c;
                input[at] = (float)value * (1.0F / 255.0F);
                if (ppm)
                    rt__buffer_add(ppm, &value, 1);
            }
}

rt_code rt__probe_photo(const char *path, int32_t height, int32_t width, bool planar, float *input,
                        rt_error *err)
{
    const rt_image_target target = {
        .height = height, .width = width, .layout = planar ? RT_PLANAR : RT_INTERLEAVED};
    rt_image_room room = {0};
    rt_buffer bytes = {0};
    rt_code code = rt__file_read(&bytes, path, PHOTO_BYTES, NULL, err);
    if (code == RT_OK)
        code = rt_image_read((const uint8_t *)bytes.bytes, bytes.size, &target, &room, input, err);
    if (code != RT_OK)
        rt_doing(err, path, "cannot read photo");
    rt_image_room_clear(&room);
    rt__buffer_clear(&bytes);
    return code;
}
