#include "buffer.h"

#include "checked.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rt__buffer_clear(rt_buffer *b)
{
    free(b->bytes);
    *b = (rt_buffer){0};
}

void rt__buffer_reset(rt_buffer *b)
{
    b->size = 0;
    b->failed = false;
}

char *rt__buffer_reserve(rt_buffer *b, size_t count)
{
    size_t needed, capacity;
    char *bytes;
    if (b->failed || !rt_add(&needed, b->size, count) || !rt_add(&needed, needed, 1)) {
        b->failed = true;
        return NULL;
    }
    if (needed <= b->capacity)
        return b->bytes + b->size;
    capacity = b->capacity < 256 ? 256 : b->capacity + b->capacity / 2;
    if (capacity < needed)
        capacity = needed;
    if (!(bytes = realloc(b->bytes, capacity))) {
        b->failed = true;
        return NULL;
    }
    b->bytes = bytes;
    b->capacity = capacity;
    return b->bytes + b->size;
}

void rt__buffer_add(rt_buffer *b, const void *bytes, size_t count)
{
    char *to = rt__buffer_reserve(b, count);
    if (!to)
        return;
    if (count)
        memcpy(to, bytes, count);
    b->size += count;
    b->bytes[b->size] = 0;
}

void rt__buffer_text(rt_buffer *b, const char *text)
{
    rt__buffer_add(b, text, strlen(text));
}

void rt__buffer_format(rt_buffer *b, const char *format, ...)
{
    va_list arguments;
    int length;
    char *to;
    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !(to = rt__buffer_reserve(b, (size_t)length))) {
        b->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(to, (size_t)length + 1, format, arguments);
    va_end(arguments);
    b->size += (size_t)length;
}

static void little_endian(rt_buffer *b, uint64_t value, size_t count)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    rt__buffer_add(b, bytes, count);
}

void rt__buffer_u32(rt_buffer *b, uint32_t value)
{
    little_endian(b, value, 4);
}

void rt__buffer_u64(rt_buffer *b, uint64_t value)
{
    little_endian(b, value, 8);
}

void rt__buffer_varint(rt_buffer *b, uint64_t value)
{
    uint8_t bytes[10];
    size_t count = 0;
    do {
        bytes[count] = (uint8_t)(value & 0x7f);
        value >>= 7;
        if (value)
            bytes[count] |= 0x80;
        count++;
    } while (value);
    rt__buffer_add(b, bytes, count);
}

rt_code rt__buffer_ok(const rt_buffer *b, rt_error *err)
{
    return b->failed ? rt_fail(err, RT_ENOMEM, "out of memory at %zu bytes of output", b->size) : RT_OK;
}
