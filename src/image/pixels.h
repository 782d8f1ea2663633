/* What the decoders of image/ share: one function a format, all with the same contract. */
#ifndef RT_IMAGE_PIXELS_H
#define RT_IMAGE_PIXELS_H

#include "retrain/image.h"

/* Decodes a whole file of one format into image; on failure the pixels are undefined. */
typedef rt_code rt_image_decoder(const uint8_t *bytes, size_t size, size_t max_pixels, rt_image *image,
                                 rt_error *err);

rt_image_decoder rt__jpeg_decode, rt__png_decode, rt__gif_decode;

/* Sets the size and makes room for width * height * 3 bytes; decoders call it before they let their library
 * allocate anything that grows with the size.  RT_EFORMAT for an empty image, RT_ELIMIT, RT_ENOMEM. */
rt_code rt__image_reserve(rt_image *image, uint32_t width, uint32_t height, size_t max_pixels, rt_error *err);

#endif
