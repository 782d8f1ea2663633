/* rt_image_read() with loops of choice. */
#ifndef RT_IMAGE_READ_H
#define RT_IMAGE_READ_H

#include "resize.h"

rt_code rt__image_read(const rt_resize_loops *loops, const uint8_t *bytes, size_t size,
                       const rt_image_target *target, rt_image_room *room, float *out, rt_error *err);

/* Makes room->scratch at least so large. */
rt_code rt__image_room_scratch(rt_image_room *room, size_t bytes, rt_error *err);

#endif
