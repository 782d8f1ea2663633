/* From a photo's file to a network's input.  A JPEG is resized while it is decoded: its lines stay in the
 * processor's cache, those that no row of the output needs are not made, and however large a photo is, it
 * takes the memory of some lines. */
#include "read.h"

#include "decode.h"
#include "nearest.h"

#include <stdlib.h>

enum { ALIGNMENT = 64 };

rt_code rt__image_room_scratch(rt_image_room *room, size_t bytes, rt_error *err)
{
    if (bytes <= room->scratch_bytes)
        return RT_OK;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    free(room->scratch);
    room->scratch = aligned_alloc(ALIGNMENT, bytes);
    room->scratch_bytes = room->scratch ? bytes : 0;
    return room->scratch ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory for %zu bytes to resize in", bytes);
}

void rt_image_room_clear(rt_image_room *room)
{
    rt_image_clear(&room->image);
    free(room->scratch);
    *room = (rt_image_room){0};
}

static rt_code resize_lines(const rt_resize_loops *loops, const rt_lines *lines,
                            const rt_image_target *target, rt_image_room *room, float *out, rt_error *err)
{
    const rt_window whole = {target->height, target->width, 0, 0, target->height, target->width, false};
    rt_code code = rt__image_room_scratch(room, rt__resize_lines_scratch(target->width), err);
    if (code == RT_OK)
        code = rt__image_resize_lines(loops, lines, &whole, target->layout, room->scratch, out, err);
    return code == RT_OK ? lines->finish(lines->user, err) : code;
}

static rt_code read_whole(const rt_resize_loops *loops, const uint8_t *bytes, size_t size,
                          const rt_image_target *target, rt_image_room *room, float *out, rt_error *err)
{
    rt_code code = rt_image_decode_for(bytes, size, target, &room->image, err);
    if (code != RT_OK)
        return code;
    if (target->resize == RT_NEAREST)
        return rt__image_nearest(&room->image, target->height, target->width, target->layout, out, err);
    code = rt__image_room_scratch(room, rt_image_resize_scratch(&room->image, target->height, target->width),
                                  err);
    return code == RT_OK ? rt__image_resize(loops, &room->image, target->height, target->width,
                                            target->layout, room->scratch, out, err)
                         : code;
}

rt_code rt__image_read(const rt_resize_loops *loops, const uint8_t *bytes, size_t size,
                       const rt_image_target *target, rt_image_room *room, float *out, rt_error *err)
{
    rt_lines lines;
    bool opened = false;
    rt_code code = RT_OK;
    if (target->resize == RT_BILINEAR)
        code = rt__image_open_lines(bytes, size, target, &lines, &opened, err);
    if (code != RT_OK)
        return code;
    if (!opened)
        return read_whole(loops, bytes, size, target, room, out, err);
    code = resize_lines(loops, &lines, target, room, out, err);
    lines.close(lines.user);
    return code;
}

rt_code rt_image_read(const uint8_t *bytes, size_t size, const rt_image_target *target, rt_image_room *room,
                      float *out, rt_error *err)
{
    return rt__image_read(rt__resize_best_loops(), bytes, size, target, room, out, err);
}
