/* Resize by picking one pixel, as jetson-inference feeds its networks.
 *
 * Output pixel (x, y) is the photo's pixel ((int)(x * w), (int)(y * h)), w and h being the photo's size over
 * the output's in float32.  Source: jetson-inference's c/tensorConvert.cu. */
#ifndef RT_IMAGE_NEAREST_H
#define RT_IMAGE_NEAREST_H

#include "retrain/image.h"

/* As rt_image_resize(), without scratch: 3 * height * width floats pixel * float32(1/255). */
rt_code rt__image_nearest(const rt_image *image, int32_t height, int32_t width, rt_pixel_layout layout,
                          float *out, rt_error *err);

#endif
