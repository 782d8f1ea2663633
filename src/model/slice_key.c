#include "slice_key.h"

#include <string.h>

/* A count of bytes, then the number's bytes without leading zeros, the highest first. */
static void add_number(rt_buffer *key, uint64_t value)
{
    uint8_t bytes[9];
    size_t count = 0;
    while (count < 8 && value >> (8 * count))
        count++;
    bytes[0] = (uint8_t)count;
    for (size_t i = 0; i < count; i++)
        bytes[1 + i] = (uint8_t)(value >> (8 * (count - 1 - i)));
    rt__buffer_add(key, bytes, 1 + count);
}

/* 00 is written 00 FF and FF is written FF 00; 00 01 ends the text. */
static void add_text(rt_buffer *key, const char *text)
{
    static const char escaped_high[2] = {'\xff', 0}, end[2] = {0, 1};
    for (; *text; text++) {
        if (*text == '\xff')
            rt__buffer_add(key, escaped_high, 2);
        else
            rt__buffer_add(key, text, 1);
    }
    rt__buffer_add(key, end, 2);
}

/* The first bits say how many bytes follow (as in UTF-8), inverted for negative numbers: seven bits of value
 * to a byte. */
static void add_signed(rt_buffer *key, int64_t value)
{
    uint64_t magnitude = value < 0 ? ~(uint64_t)value : (uint64_t)value;
    uint8_t bytes[10];
    size_t bits = 0, length;
    while (bits < 63 && magnitude >> bits)
        bits++;
    length = bits / 7 + 1;
    memset(bytes, value < 0 ? 0xff : 0, 2);
    for (size_t i = 0; i < 8; i++)
        bytes[2 + i] = (uint8_t)((uint64_t)value >> (8 * (7 - i)));
    for (size_t i = 0; i < length; i++) {
        uint8_t *byte = &bytes[sizeof bytes - length + i / 8];
        *byte = (uint8_t)(*byte ^ (0x80 >> i % 8));
    }
    rt__buffer_add(key, bytes + sizeof bytes - length, length);
}

void rt__slice_key(rt_buffer *key, const char *name, size_t rank, const int64_t *start, const int64_t *length)
{
    rt__buffer_reset(key);
    add_number(key, 0);
    add_text(key, name);
    add_number(key, rank);
    for (size_t i = 0; i < rank; i++) {
        add_signed(key, start[i]);
        add_signed(key, length[i]);
    }
}
