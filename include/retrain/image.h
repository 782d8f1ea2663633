/* retrain/image.h - photo files to pixels, and pixels to the size a network wants; bit-equal to TensorFlow.
 *
 * Source of the arithmetic: tf.image.decode_jpeg (libjpeg-turbo, JDCT_IFAST, fancy upsampling),
 * tf.image.convert_image_dtype, tf.compat.v1.image.resize_bilinear; for distortions add_input_distortions()
 * in hub's retrain.py. */
#ifndef RETRAIN_IMAGE_H
#define RETRAIN_IMAGE_H

#include "retrain/error.h"

#include <stdbool.h>

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

/* How a photo gets a network's size. */
typedef enum rt_resize {
    RT_BILINEAR, /* as TensorFlow: rt_image_resize()                       */
    RT_NEAREST   /* one pixel of the photo for each, as jetson-inference   */
} rt_resize;

/* Resizes to height x width floats in [0, 1]: pixel * float32(1/255), then bilinear with
 * align_corners = half_pixel_centers = false, aspect not kept.
 *   scratch  owned by the caller, rt_image_resize_scratch() bytes, aligned to 64; used for the call only
 *   out      3 * height * width floats */
size_t rt_image_resize_scratch(const rt_image *image, int32_t height, int32_t width);
rt_code rt_image_resize(const rt_image *image, int32_t height, int32_t width, rt_pixel_layout layout,
                        void *scratch, float *out, rt_error *err);

/* ---- from a photo's file to a network's input ---- */

/* What a network takes of a photo. */
typedef struct rt_image_target {
    int32_t height, width;
    rt_pixel_layout layout;
    rt_resize resize;
    /* A JPEG photo at least 2, 4 or 8 times as high and as wide is decoded at 1/2, 1/4 or 1/8 of its size:
     * quicker, and each pixel is the mean of those it stands for; but not what TensorFlow decodes. */
    bool fast_decode;
} rt_image_target;

/* Memory that is kept from photo to photo.  Start from {0}. */
typedef struct rt_image_room {
    rt_image image; /* a photo that had to be decoded as a whole */
    void *scratch;
    size_t scratch_bytes;
} rt_image_room;

/* The bits and the errors of rt_image_decode() and rt_image_resize() in one go, without a whole JPEG photo in
 * memory.
 *   out  3 * height * width floats; undefined after an error */
rt_code rt_image_read(const uint8_t *bytes, size_t size, const rt_image_target *target, rt_image_room *room,
                      float *out, rt_error *err);
void rt_image_room_clear(rt_image_room *room);

/* The photo that rt_image_read() resizes: where target->fast_decode does not count, that of
 * rt_image_decode() without limit. */
rt_code rt_image_decode_for(const uint8_t *bytes, size_t size, const rt_image_target *target, rt_image *image,
                            rt_error *err);

/* ---- random distortions, to train on more than the photos there are ---- */

/* Percentages, each from 0 (none) to the most given here. */
enum { RT_MOST_CROP = 1000, RT_MOST_SCALE = 1000, RT_MOST_BRIGHTNESS = 100 };

typedef struct rt_distortion {
    bool flip_left_right; /* half of the photos */
    int32_t random_crop;  /* the photo is resized to 1 + random_crop / 100 of the size, the rest cut off */
    int32_t random_scale; /* up to 1 + random_scale / 100 of that */
    int32_t random_brightness; /* times 1 - random_brightness / 100 up to 1 + random_brightness / 100 */
} rt_distortion;

/* RT_EARG names the percentage that is out of range. */
rt_code rt_distortion_check(const rt_distortion *distortion, rt_error *err);
/* Whether it does anything. */
bool rt_distortion_any(const rt_distortion *distortion);

/* What one photo gets: resized to full_height x full_width, cut to the network's size from row top and column
 * left on, flipped, multiplied. */
typedef struct rt_distortion_draw {
    int32_t full_height, full_width, top, left;
    bool flipped;
    float brightness;
} rt_distortion_draw;

/* Like rt_image_resize(), which it equals for a draw of the plain size and brightness 1.  Values go up to the
 * brightness: like retrain.py's they are not clipped to 1.
 *   scratch  rt_image_resize_scratch(image, height, width) bytes, aligned to 64
 *   RT_EARG  height x width is not inside the full size at top and left */
rt_code rt_image_distort(const rt_image *image, const rt_distortion_draw *draw, int32_t height, int32_t width,
                         rt_pixel_layout layout, void *scratch, float *out, rt_error *err);

#endif
