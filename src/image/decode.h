/* Photo files, line by line where their format allows that. */
#ifndef RT_IMAGE_DECODE_H
#define RT_IMAGE_DECODE_H

#include "pixels.h"

#include <stdbool.h>

/* *opened is false where the format gives whole images only.  Errors of rt_image_decode(). */
rt_code rt__image_open_lines(const uint8_t *bytes, size_t size, const rt_image_target *target,
                             rt_lines *lines, bool *opened, rt_error *err);

#endif
