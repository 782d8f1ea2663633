#include "flatbuffer.h"

#include <stdlib.h>
#include <string.h>

void rt__fb_clear(rt_fb *fb)
{
    free(fb->bytes);
    *fb = (rt_fb){0};
}

/* Room for size bytes in front of what is there; NULL when memory is out or 2 GiB are passed. */
static uint8_t *take(rt_fb *fb, size_t size)
{
    if (!fb->failed && fb->capacity - fb->used < size) {
        size_t capacity = fb->capacity ? 2 * fb->capacity : 64 * 1024;
        uint8_t *bytes = NULL;
        while (capacity < fb->used + size && capacity <= INT32_MAX)
            capacity *= 2;
        if (fb->used + size > INT32_MAX || !(bytes = malloc(capacity))) {
            fb->failed = true;
            return NULL;
        }
        if (fb->used)
            memcpy(bytes + capacity - fb->used, fb->bytes + fb->capacity - fb->used, fb->used);
        free(fb->bytes);
        fb->bytes = bytes;
        fb->capacity = capacity;
    }
    if (fb->failed)
        return NULL;
    fb->used += size;
    return fb->bytes + fb->capacity - fb->used;
}

/* Zeros in front, so that an object of size bytes written next is aligned. */
static void align(rt_fb *fb, size_t size, size_t alignment)
{
    size_t padding = (alignment - (fb->used + size) % alignment) % alignment;
    uint8_t *at = take(fb, padding);
    if (at && padding)
        memset(at, 0, padding);
    if (alignment > fb->largest_alignment)
        fb->largest_alignment = alignment;
}

static void put(rt_fb *fb, uint64_t value, size_t size)
{
    uint8_t *at = take(fb, size);
    for (size_t i = 0; at && i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* A reference counts from its own place to the object. */
static void put_ref(rt_fb *fb, rt_fb_ref ref)
{
    put(fb, (uint32_t)fb->used + 4 - ref, 4);
}

rt_fb_ref rt__fb_vector(rt_fb *fb, const void *elements, size_t count, size_t size, size_t alignment)
{
    uint8_t *at;
    size_t wanted = alignment > size ? alignment : size;
    if (wanted < 4)
        wanted = 4;
    align(fb, count * size, wanted); /* the elements, behind the count */
    if ((at = take(fb, count * size)) && count)
        memcpy(at, elements, count * size);
    put(fb, count, 4);
    return (rt_fb_ref)fb->used;
}

rt_fb_ref rt__fb_string(rt_fb *fb, const char *text)
{
    size_t length = strlen(text);
    uint8_t *at;
    align(fb, length + 1, 4);
    if ((at = take(fb, length + 1)))
        memcpy(at, text, length + 1);
    put(fb, length, 4);
    return (rt_fb_ref)fb->used;
}

rt_fb_ref rt__fb_refs(rt_fb *fb, const rt_fb_ref *refs, size_t count)
{
    align(fb, 4 * count, 4);
    for (size_t i = count; i > 0; i--)
        put_ref(fb, refs[i - 1]);
    put(fb, count, 4);
    return (rt_fb_ref)fb->used;
}

void rt__fb_table_begin(rt_fb *fb)
{
    memset(fb->fields, 0, sizeof fb->fields);
    fb->n_fields = 0;
    fb->table_end = (uint32_t)fb->used;
}

static void note_field(rt_fb *fb, unsigned field)
{
    fb->fields[field] = (uint32_t)fb->used;
    if (field + 1 > fb->n_fields)
        fb->n_fields = field + 1;
}

void rt__fb_add_u8(rt_fb *fb, unsigned field, uint8_t value)
{
    put(fb, value, 1);
    note_field(fb, field);
}

void rt__fb_add_u32(rt_fb *fb, unsigned field, uint32_t value)
{
    align(fb, 4, 4);
    put(fb, value, 4);
    note_field(fb, field);
}

void rt__fb_add_f32(rt_fb *fb, unsigned field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    rt__fb_add_u32(fb, field, bits);
}

void rt__fb_add_ref(rt_fb *fb, unsigned field, rt_fb_ref ref)
{
    if (!ref)
        return;
    align(fb, 4, 4);
    put_ref(fb, ref);
    note_field(fb, field);
}

/* The vtable stands right in front of its table. */
rt_fb_ref rt__fb_table_end(rt_fb *fb)
{
    uint32_t vtable_bytes = 4 + 2 * fb->n_fields, table;
    align(fb, 4, 4);
    put(fb, vtable_bytes, 4); /* distance back to the vtable, which is written next */
    table = (uint32_t)fb->used;
    for (uint32_t i = fb->n_fields; i > 0; i--)
        put(fb, fb->fields[i - 1] ? table - fb->fields[i - 1] : 0, 2);
    put(fb, table - fb->table_end, 2);
    put(fb, vtable_bytes, 2);
    return table;
}

rt_code rt__fb_finish(rt_fb *fb, rt_fb_ref root, const char identifier[4], rt_buffer *out, rt_error *err)
{
    uint8_t *at;
    align(fb, 8, fb->largest_alignment > 4 ? fb->largest_alignment : 4);
    if ((at = take(fb, 4)))
        memcpy(at, identifier, 4);
    put_ref(fb, root);
    if (fb->failed)
        return rt_fail(err, fb->used > INT32_MAX / 2 ? RT_ELIMIT : RT_ENOMEM,
                       "a FlatBuffer holds 2 GiB at most, or memory is out");
    rt__buffer_add(out, fb->bytes + fb->capacity - fb->used, fb->used);
    return rt__buffer_ok(out, err);
}
