/* A growing byte buffer, for text and file formats that are written in memory first.
 * A failed growth is remembered: write all you like, then ask rt__buffer_ok() once. */
#ifndef RT_BASE_BUFFER_H
#define RT_BASE_BUFFER_H

#include "retrain/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rt_buffer {
    char *bytes; /* owned; a 0 stands behind the last byte once anything was written */
    size_t size, capacity;
    bool failed;
} rt_buffer;

void rt__buffer_clear(rt_buffer *b); /* frees; the buffer can be used again */
void rt__buffer_reset(rt_buffer *b); /* keeps the memory, forgets the bytes and a failure */
/* Room for count more bytes behind size; NULL when memory is out. */
char *rt__buffer_reserve(rt_buffer *b, size_t count);
void rt__buffer_add(rt_buffer *b, const void *bytes, size_t count);
void rt__buffer_text(rt_buffer *b, const char *text);
void rt__buffer_format(rt_buffer *b, const char *format, ...) RT_PRINTF(2, 3);
void rt__buffer_u32(rt_buffer *b, uint32_t value);        /* little-endian */
void rt__buffer_u64(rt_buffer *b, uint64_t value);        /* little-endian */
void rt__buffer_varint(rt_buffer *b, uint64_t value);     /* protobuf's */
rt_code rt__buffer_ok(const rt_buffer *b, rt_error *err); /* RT_ENOMEM after a failed growth */

#endif
