/* retrain/image.h - photo files to pixels, and pixels to the size a network wants; bit-equal to TensorFlow.
 *
 * Source of the arithmetic: tf.image.decode_jpeg (libjpeg-turbo, JDCT_IFAST, fancy upsampling),
 * tf.image.convert_image_dtype, tf.compat.v1.image.resize_bilinear. */
#ifndef RETRAIN_IMAGE_H
#define RETRAIN_IMAGE_H

#include "retrain/error.h"

/* Decoded pixels: red, green, blue; row-major; width * height * 3 bytes, 0 .. 255.  Start from {0}; the
 * memory is kept from one decode to the next and given back by rt_image_clear(). */
typedef struct rt_image {
    int32_t width, height;
    uint8_t *pixels;
    size_t capacity;
} rt_image;

/* Decodes JPEG, PNG or a one-frame GIF, told apart by its first bytes, whatever the file is called.
 * image      its pixels are undefined after an error, its memory stays usable
 * EXIF orientation, colour profiles and gamma are ignored, alpha is dropped, 16 bits are cut to 8.
 *   RT_EFORMAT       not such a file, or damaged (TensorFlow refuses it too)
 *   RT_EUNSUPPORTED  BMP, WebP, an animated GIF ... : err->cause names it
 *   RT_ELIMIT        more than max_pixels (0 and the most: 178,956,970, TensorFlow's own limit)
 *   RT_ENOMEM */
rt_code rt_image_decode(const uint8_t *bytes, size_t size, size_t max_pixels, rt_image *image, rt_error *err);
void rt_image_clear(rt_image *image);

typedef enum rt_pixel_layout {
    RT_INTERLEAVED, /* [height, width, 3]: TensorFlow's NHWC */
    RT_PLANAR       /* [3, height, width]: NCHW              */
} rt_pixel_layout;

/* Resizes to height x width floats in [0, 1]: pixel * float32(1/255), then bilinear with
 * align_corners = half_pixel_centers = false, aspect not kept.
 *   scratch  owned by the caller, rt_image_resize_scratch() bytes, aligned to 64; used for the call only
 *   out      3 * height * width floats */
size_t rt_image_resize_scratch(const rt_image *image, int32_t height, int32_t width);
rt_code rt_image_resize(const rt_image *image, int32_t height, int32_t width, rt_pixel_layout layout,
                        void *scratch, float *out, rt_error *err);

#endif
