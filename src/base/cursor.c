#include "cursor.h"

static bool little_endian(rt_cursor *c, size_t count, uint64_t *value)
{
    uint64_t sum = 0;
    if (rt__cursor_left(c) < count)
        return false;
    for (size_t i = 0; i < count; i++)
        sum |= (uint64_t)c->bytes[c->at + i] << (8 * i);
    c->at += count;
    *value = sum;
    return true;
}

bool rt__cursor_u8(rt_cursor *c, uint8_t *value)
{
    uint64_t v;
    if (!little_endian(c, 1, &v))
        return false;
    *value = (uint8_t)v;
    return true;
}

bool rt__cursor_u16(rt_cursor *c, uint16_t *value)
{
    uint64_t v;
    if (!little_endian(c, 2, &v))
        return false;
    *value = (uint16_t)v;
    return true;
}

bool rt__cursor_u32(rt_cursor *c, uint32_t *value)
{
    uint64_t v;
    if (!little_endian(c, 4, &v))
        return false;
    *value = (uint32_t)v;
    return true;
}

bool rt__cursor_u64(rt_cursor *c, uint64_t *value)
{
    return little_endian(c, 8, value);
}

bool rt__cursor_varint(rt_cursor *c, uint64_t *value)
{
    uint64_t sum = 0;
    size_t at = c->at;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte;
        if (at >= c->size)
            return false;
        byte = c->bytes[at++];
        if (shift == 63 && byte > 1)
            return false;
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            c->at = at;
            *value = sum;
            return true;
        }
    }
    return false;
}

bool rt__cursor_bytes(rt_cursor *c, size_t count, const uint8_t **bytes)
{
    if (rt__cursor_left(c) < count)
        return false;
    *bytes = c->bytes + c->at;
    c->at += count;
    return true;
}

bool rt__cursor_skip(rt_cursor *c, size_t count)
{
    const uint8_t *ignored;
    return rt__cursor_bytes(c, count, &ignored);
}
