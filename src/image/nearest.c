#include "nearest.h"

/* Rounding may carry the product up to the size itself. */
static size_t source(int32_t position, int32_t in, int32_t out)
{
    int32_t at = (int32_t)((float)position * ((float)in / (float)out));
    return (size_t)(at < in ? at : in - 1);
}

rt_code rt__image_nearest(const rt_image *image, int32_t height, int32_t width, rt_pixel_layout layout,
                          float *out, rt_error *err)
{
    const float unit = 1.0F / 255.0F;
    size_t plane = (size_t)height * (size_t)width;
    size_t pixel_step = layout == RT_PLANAR ? 1 : 3, channel_step = layout == RT_PLANAR ? plane : 1;
    if (!image->pixels || image->width <= 0 || image->height <= 0 || height <= 0 || width <= 0)
        return rt_fail(err, RT_EARG, "cannot resize %d x %d pixels to %d x %d", (int)image->width,
                       (int)image->height, (int)width, (int)height);
    for (int32_t y = 0; y < height; y++) {
        const uint8_t *line = image->pixels + source(y, image->height, height) * 3 * (size_t)image->width;
        for (int32_t x = 0; x < width; x++) {
            const uint8_t *pixel = line + 3 * source(x, image->width, width);
            for (size_t c = 0; c < 3; c++)
                out[c * channel_step] = (float)pixel[c] * unit;
            out += pixel_step;
        }
    }
    return RT_OK;
}
