/* The inner loops of the resize, once in plain C (their meaning) and once for each instruction set; all give
 * the same bits: a multiply and an add each round, never fused.
 *
 * lerp(a, b, t) = a + (b - a) * t in float32, where a and b are pixel * float32(1/255). */
#ifndef RT_IMAGE_RESIZE_H
#define RT_IMAGE_RESIZE_H

#include "lines.h"
#include "retrain/image.h"

#include <stdbool.h>

/* Columns are worked on in groups of so many; what a line lacks to a whole group is made up. */
enum { RT_RESIZE_GROUP = 16 };

/* Where the columns of the output come from: byte offset of the left pixel in a line of the photo, and the
 * weight of the pixel right of it, 0 <= t < 1.  On the photo's edge, where there is none, the weight is 0:
 * whatever b is, a + (b - a) * 0 has the bits of a. */
typedef struct rt_columns {
    const int32_t *left;
    const float *weight;
    size_t n; /* a multiple of RT_RESIZE_GROUP */
} rt_columns;

typedef struct rt_resize_loops {
    const char *name;
    /* Resizes one line of the photo, RT_LINE_SPARE bytes behind it included.  out: [3][n], or [n][3] floats.
     */
    void (*across_planar)(const uint8_t *line, const rt_columns *columns, float *out);
    void (*across_interleaved)(const uint8_t *line, const rt_columns *columns, float *out);
    /* out[i] = lerp(top[i], bottom[i], weight); out need not be aligned, writes exactly n. */
    void (*down)(const float *top, const float *bottom, float weight, float *out, size_t n);
} rt_resize_loops;

/* Those this processor can run: the plain ones first, the fastest last.  Ends with NULL. */
enum { RT_RESIZE_MOST_LOOPS = 4 };
void rt__resize_loops(const rt_resize_loops *list[RT_RESIZE_MOST_LOOPS]);

/* The best beyond plain C, or NULL.  One file a processor family. */
const rt_resize_loops *rt__resize_fast_loops(void);

/* The fastest of them. */
const rt_resize_loops *rt__resize_best_loops(void);

/* A part of a resized photo: of full_height x full_width pixels, height x width from row top and column left
 * on. */
typedef struct rt_window {
    int32_t full_height, full_width;
    int32_t top, left;
    int32_t height, width;
    bool mirrored; /* its columns from right to left */
} rt_window;

/* The bits of resizing to the full size and cutting the window out of it; only the window is computed.
 *   scratch  rt_image_resize_scratch(image, window->height, window->width) bytes
 *   out      3 * height * width floats
 *   RT_EARG  sizes that cannot be, or a window that is not inside */
rt_code rt__image_resize_window(const rt_resize_loops *loops, const rt_image *image, const rt_window *window,
                                rt_pixel_layout layout, void *scratch, float *out, rt_error *err);

/* The same of a photo that comes line by line; each line is asked for once, and only those that are needed.
 *   scratch  rt__resize_lines_scratch(window->width) bytes, aligned to 64; 0: no such width can be */
size_t rt__resize_lines_scratch(int32_t width);
rt_code rt__image_resize_lines(const rt_resize_loops *loops, const rt_lines *lines, const rt_window *window,
                               rt_pixel_layout layout, void *scratch, float *out, rt_error *err);

/* rt_image_resize() with loops of choice. */
rt_code rt__image_resize(const rt_resize_loops *loops, const rt_image *image, int32_t height, int32_t width,
                         rt_pixel_layout layout, void *scratch, float *out, rt_error *err);

#endif
