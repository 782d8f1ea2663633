/* A bounded reader over bytes that are not trusted.  Every call checks that the bytes are there; none moves
 * the cursor when it fails.  Numbers are little-endian; varints are protobuf's and LevelDB's. */
#ifndef RT_BASE_CURSOR_H
#define RT_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rt_cursor {
    const uint8_t *bytes; /* borrowed */
    size_t size, at;      /* at <= size */
} rt_cursor;

static inline rt_cursor rt__cursor(const void *bytes, size_t size)
{
    return (rt_cursor){bytes, size, 0};
}

static inline size_t rt__cursor_left(const rt_cursor *c)
{
    return c->size - c->at;
}

bool rt__cursor_u8(rt_cursor *c, uint8_t *value);
bool rt__cursor_u16(rt_cursor *c, uint16_t *value);
bool rt__cursor_u32(rt_cursor *c, uint32_t *value);
bool rt__cursor_u64(rt_cursor *c, uint64_t *value);
/* At most ten bytes; false when cut off or longer than 64 bits. */
bool rt__cursor_varint(rt_cursor *c, uint64_t *value);
/* Borrows count bytes. */
bool rt__cursor_bytes(rt_cursor *c, size_t count, const uint8_t **bytes);
bool rt__cursor_skip(rt_cursor *c, size_t count);

#endif
