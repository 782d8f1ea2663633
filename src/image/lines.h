/* A photo's lines, one after the other from the top: what the resize takes, so that a photo need not be in
 * memory as a whole. */
#ifndef RT_IMAGE_LINES_H
#define RT_IMAGE_LINES_H

#include "retrain/image.h"

/* Behind the last pixel of a line so many bytes may be read. */
enum { RT_LINE_SPARE = 5 };

typedef struct rt_lines {
    void *user;
    int32_t width, height;
    /* Line y, which lies below the one asked for before: 3 * width bytes, red, green, blue.  Good until the
     * next call. */
    rt_code (*line)(void *user, int32_t y, const uint8_t **line, rt_error *err);
    /* Judges what lies below the last line that was asked for: the file is good if this is RT_OK. */
    rt_code (*finish)(void *user, rt_error *err);
    void (*close)(void *user);
} rt_lines;

#endif
