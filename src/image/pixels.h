/* What the decoders of image/ share: one function a format, all with the same contract. */
#ifndef RT_IMAGE_PIXELS_H
#define RT_IMAGE_PIXELS_H

#include "lines.h"
#include "retrain/image.h"

typedef struct rt_decoding {
    size_t max_pixels;
    /* A photo that is n = 2, 4 or 8 times as high and as wide as this may come out at 1/n of its size,
     * rounded up, where the format makes that cheap.  0: never. */
    int32_t least_height, least_width;
} rt_decoding;

/* Decodes a whole file of one format into image; on failure the pixels are undefined. */
typedef rt_code rt_image_decoder(const uint8_t *bytes, size_t size, const rt_decoding *how, rt_image *image,
                                 rt_error *err);

rt_image_decoder rt__jpeg_decode, rt__png_decode, rt__gif_decode;

/* The same line by line, for a format whose lines come from the top down: line() and finish() give the pixels
 * and the errors of the decoder.  bytes are borrowed until close(), which is due on success only. */
typedef rt_code rt_lines_opener(const uint8_t *bytes, size_t size, const rt_decoding *how, rt_lines *lines,
                                rt_error *err);

rt_lines_opener rt__jpeg_open;

/* RT_EFORMAT for an empty image, RT_ELIMIT. */
rt_code rt__image_check(uint32_t width, uint32_t height, size_t max_pixels, rt_error *err);

/* Sets the size and makes room for width * height * 3 bytes; decoders call it before they let their library
 * allocate anything that grows with the size.  As rt__image_check(), and RT_ENOMEM. */
rt_code rt__image_reserve(rt_image *image, uint32_t width, uint32_t height, size_t max_pixels, rt_error *err);

#endif
