/* Distortions from random numbers, and with loops of choice. */
#ifndef RT_IMAGE_DISTORT_H
#define RT_IMAGE_DISTORT_H

#include "base/rng.h"
#include "resize.h"

/* The random numbers of one photo: fractions are uniform in [0, 1), row and column are reduced to the range
 * of places the crop can have. */
typedef struct rt_distortion_dice {
    float scale, flip, brightness;
    uint32_t row, column;
} rt_distortion_dice;

rt_distortion_dice rt__distortion_roll(rt_rng *rng);

/* What these numbers do to a photo for a network that takes height x width pixels, in float32 as TensorFlow:
 * margin = 1 + random_crop / 100, scale in [1, 1 + random_scale / 100), full size = int(size * margin *
 * scale).  Percentages that rt_distortion_check() refuses give nothing that can be used. */
rt_distortion_draw rt__distortion_draw(const rt_distortion *distortion, int32_t height, int32_t width,
                                       const rt_distortion_dice *dice);

/* rt_image_distort() with loops of choice. */
rt_code rt__image_distort(const rt_resize_loops *loops, const rt_image *image, const rt_distortion_draw *draw,
                          int32_t height, int32_t width, rt_pixel_layout layout, void *scratch, float *out,
                          rt_error *err);

#endif
