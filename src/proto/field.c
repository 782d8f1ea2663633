#include "field.h"

enum { MAX_TAG_BYTES = 5, MAX_LENGTH = INT32_MAX };

static bool read_bytes(rt_cursor *c, rt_field *field)
{
    uint64_t length;
    if (!rt__cursor_varint(c, &length) || length > MAX_LENGTH)
        return false;
    field->size = (size_t)length;
    return rt__cursor_bytes(c, field->size, &field->bytes);
}

static bool read_value(rt_cursor *c, rt_field *field)
{
    uint32_t word;
    switch (field->wire) {
    case RT_WIRE_VARINT:
        return rt__cursor_varint(c, &field->value);
    case RT_WIRE_64:
        return rt__cursor_u64(c, &field->value);
    case RT_WIRE_32:
        if (!rt__cursor_u32(c, &word))
            return false;
        field->value = word;
        return true;
    case RT_WIRE_BYTES:
        return read_bytes(c, field);
    default:
        return false;
    }
}

bool rt__field_next(rt_cursor *cursor, rt_field *field)
{
    rt_cursor c = *cursor;
    uint64_t tag;
    if (!rt__cursor_varint(&c, &tag) || tag > UINT32_MAX || c.at - cursor->at > MAX_TAG_BYTES)
        return false;
    *field = (rt_field){.number = (uint32_t)tag >> 3, .wire = (unsigned)tag & 7};
    if (field->number == 0 || !read_value(&c, field))
        return false;
    *cursor = c;
    return true;
}

bool rt__field_find(const void *bytes, size_t size, uint32_t number, rt_field *field)
{
    rt_cursor c = rt__cursor(bytes, size);
    rt_field next;
    bool found = false;
    while (rt__field_next(&c, &next))
        if (next.number == number) {
            *field = next;
            found = true;
        }
    return found;
}
