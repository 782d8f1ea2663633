/* Builds a FlatBuffer, back to front, as the format wants it: what is pointed to is written before what
 * points to it.
 *
 *   table:  4 bytes distance back to its vtable, then its fields
 *   vtable: 2 bytes its size, 2 bytes the table's size, 2 bytes for each field: place in the table, 0 if
 * absent vector: 4 bytes count, then the elements; string: the same of bytes with a 0 behind reference: 4
 * bytes distance forward A failed growth is remembered; ask rt__fb_finish(). Source: flatbuffers'
 * internals.md. */
#ifndef RT_EXPORT_FLATBUFFER_H
#define RT_EXPORT_FLATBUFFER_H

#include "base/buffer.h"

enum { RT_FB_MAX_FIELDS = 16 };

/* Distance of an object from the buffer's end; 0: none. */
typedef uint32_t rt_fb_ref;

typedef struct rt_fb {
    uint8_t *bytes; /* the last `used` bytes are filled */
    size_t capacity, used, largest_alignment;
    bool failed;
    /* the table under construction */
    uint32_t fields[RT_FB_MAX_FIELDS]; /* distance of each field from the end; 0: absent */
    uint32_t n_fields, table_end;
} rt_fb;

void rt__fb_clear(rt_fb *fb);

rt_fb_ref rt__fb_string(rt_fb *fb, const char *text);
/* count elements of size bytes each (1, 2, 4, 8), little-endian; aligned to at least alignment. */
rt_fb_ref rt__fb_vector(rt_fb *fb, const void *elements, size_t count, size_t size, size_t alignment);
rt_fb_ref rt__fb_refs(rt_fb *fb, const rt_fb_ref *refs, size_t count);

/* Fields in any order, none of them twice; nothing else may be written between begin and end.  A scalar field
 * equal to its default may be left out by not adding it. */
void rt__fb_table_begin(rt_fb *fb);
void rt__fb_add_u8(rt_fb *fb, unsigned field, uint8_t value);
void rt__fb_add_u32(rt_fb *fb, unsigned field, uint32_t value);
void rt__fb_add_f32(rt_fb *fb, unsigned field, float value);
void rt__fb_add_ref(rt_fb *fb, unsigned field, rt_fb_ref ref); /* 0: left out */
rt_fb_ref rt__fb_table_end(rt_fb *fb);

/* Puts root and the four-letter identifier in front and appends the whole to out. */
rt_code rt__fb_finish(rt_fb *fb, rt_fb_ref root, const char identifier[4], rt_buffer *out, rt_error *err);

#endif
