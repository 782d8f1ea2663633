#include "distort.h"

static rt_code check_percent(const char *name, int32_t percent, int32_t most, rt_error *err)
{
    if (percent < 0 || percent > most)
        return rt_fail(err, RT_EARG, "%s: %d is no percentage from 0 to %d", name, (int)percent, (int)most);
    return RT_OK;
}

rt_code rt_distortion_check(const rt_distortion *d, rt_error *err)
{
    rt_code code = check_percent("random_crop", d->random_crop, RT_MOST_CROP, err);
    if (code == RT_OK)
        code = check_percent("random_scale", d->random_scale, RT_MOST_SCALE, err);
    if (code == RT_OK)
        code = check_percent("random_brightness", d->random_brightness, RT_MOST_BRIGHTNESS, err);
    return code;
}

bool rt_distortion_any(const rt_distortion *d)
{
    return d->flip_left_right || d->random_crop != 0 || d->random_scale != 0 || d->random_brightness != 0;
}

/* A float32 in [0, 1) with 24 random bits: none rounds up to 1. */
static float fraction(rt_rng *rng)
{
    return (float)(rt__rng_next(rng) >> 40) * 0x1p-24F;
}

rt_distortion_dice rt__distortion_roll(rt_rng *rng)
{
    rt_distortion_dice dice;
    dice.scale = fraction(rng);
    dice.row = (uint32_t)(rt__rng_next(rng) >> 32);
    dice.column = (uint32_t)(rt__rng_next(rng) >> 32);
    dice.flip = fraction(rng);
    dice.brightness = fraction(rng);
    return dice;
}

/* tf.random_uniform's: the ends as Python rounds them to float32. */
static float between(double low, double high, float at)
{
    return at * ((float)high - (float)low) + (float)low;
}

rt_distortion_draw rt__distortion_draw(const rt_distortion *d, int32_t height, int32_t width,
                                       const rt_distortion_dice *dice)
{
    float margin = (float)(1.0 + d->random_crop / 100.0);
    float scale = margin * between(1.0, 1.0 + d->random_scale / 100.0, dice->scale);
    rt_distortion_draw draw = {
        .full_height = (int32_t)(scale * (float)height),
        .full_width = (int32_t)(scale * (float)width),
        .flipped = d->flip_left_right && dice->flip < 0.5F,
        .brightness =
            between(1.0 - d->random_brightness / 100.0, 1.0 + d->random_brightness / 100.0, dice->brightness),
    };
    draw.top = (int32_t)(dice->row % (uint32_t)(draw.full_height - height + 1));
    draw.left = (int32_t)(dice->column % (uint32_t)(draw.full_width - width + 1));
    return draw;
}

rt_code rt__image_distort(const rt_resize_loops *loops, const rt_image *image, const rt_distortion_draw *draw,
                          int32_t height, int32_t width, rt_pixel_layout layout, void *scratch, float *out,
                          rt_error *err)
{
    const rt_window window = {draw->full_height, draw->full_width, draw->top, draw->left, height, width,
                              draw->flipped};
    rt_code code = rt__image_resize_window(loops, image, &window, layout, scratch, out, err);
    size_t n = code == RT_OK ? 3 * (size_t)height * (size_t)width : 0;
    for (size_t i = 0; i < n; i++)
        out[i] *= draw->brightness;
    return code;
}

rt_code rt_image_distort(const rt_image *image, const rt_distortion_draw *draw, int32_t height, int32_t width,
                         rt_pixel_layout layout, void *scratch, float *out, rt_error *err)
{
    return rt__image_distort(rt__resize_best_loops(), image, draw, height, width, layout, scratch, out, err);
}
