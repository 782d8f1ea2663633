#include "flat.h"

#include <string.h>

/* Remembers what leads out. */
static bool inside(rt_flat *flat, size_t at, size_t size)
{
    if (at <= flat->size && size <= flat->size - at)
        return true;
    if (!flat->damaged)
        flat->offset = at < flat->size ? at : flat->size;
    flat->damaged = true;
    return false;
}

static uint32_t load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static size_t load_u16(const uint8_t *p)
{
    return (size_t)(p[0] | p[1] << 8);
}

static rt_flat_table table_at(rt_flat *flat, size_t at)
{
    const rt_flat_table absent = {NULL, 0, 0, 0};
    rt_flat_table t = {flat, at, 0, 0};
    int64_t vtable;
    if (!inside(flat, at, 4))
        return absent;
    vtable = (int64_t)at - (int32_t)load_u32(flat->bytes + at);
    if (!inside(flat, vtable < 0 ? SIZE_MAX : (size_t)vtable, 4))
        return absent;
    t.vtable = (size_t)vtable;
    t.vtable_size = load_u16(flat->bytes + t.vtable);
    return inside(flat, t.vtable, t.vtable_size) ? t : absent;
}

/* Where a field of size bytes stands; NULL when absent. */
static const uint8_t *field_at(const rt_flat_table *t, unsigned field, size_t size)
{
    size_t entry = 4 + 2 * (size_t)field, place;
    if (!t->flat || entry + 2 > t->vtable_size)
        return NULL;
    place = load_u16(t->flat->bytes + t->vtable + entry);
    return place && inside(t->flat, t->at + place, size) ? t->flat->bytes + t->at + place : NULL;
}

/* What the reference at p points to. */
static size_t follow(const rt_flat *flat, const uint8_t *p)
{
    return (size_t)(p - flat->bytes) + load_u32(p);
}

rt_flat_table rt__flat_root(rt_flat *flat)
{
    if (!inside(flat, 0, 8))
        return (rt_flat_table){NULL, 0, 0, 0};
    return table_at(flat, load_u32(flat->bytes));
}

rt_flat_table rt__flat_sub(const rt_flat_table *table, unsigned field)
{
    const uint8_t *p = field_at(table, field, 4);
    return p ? table_at(table->flat, follow(table->flat, p)) : (rt_flat_table){NULL, 0, 0, 0};
}

rt_flat_vector rt__flat_list(const rt_flat_table *table, unsigned field, size_t size)
{
    const uint8_t *p = field_at(table, field, 4);
    rt_flat_vector v = {table->flat, NULL, 0};
    size_t at, count;
    if (!p)
        return v;
    at = follow(table->flat, p);
    if (!inside(table->flat, at, 4))
        return v;
    count = load_u32(table->flat->bytes + at);
    if (!inside(table->flat, at + 4, count * size)) /* 32 bits by 8 at most: no overflow */
        return v;
    v.count = count;
    v.elements = count ? table->flat->bytes + at + 4 : NULL;
    return v;
}

rt_flat_table rt__flat_item(const rt_flat_vector *vector, size_t i)
{
    if (i >= vector->count)
        return (rt_flat_table){NULL, 0, 0, 0};
    return table_at(vector->flat, follow(vector->flat, vector->elements + 4 * i));
}

uint8_t rt__flat_u8(const rt_flat_table *table, unsigned field, uint8_t otherwise)
{
    const uint8_t *p = field_at(table, field, 1);
    return p ? *p : otherwise;
}

int32_t rt__flat_i32(const rt_flat_table *table, unsigned field, int32_t otherwise)
{
    const uint8_t *p = field_at(table, field, 4);
    return p ? (int32_t)load_u32(p) : otherwise;
}

float rt__flat_f32(const rt_flat_table *table, unsigned field, float otherwise)
{
    const uint8_t *p = field_at(table, field, 4);
    if (p)
        memcpy(&otherwise, p, sizeof otherwise);
    return otherwise;
}

int32_t rt__flat_i32_at(const rt_flat_vector *vector, size_t i)
{
    return (int32_t)load_u32(vector->elements + 4 * i);
}

int64_t rt__flat_i64_at(const rt_flat_vector *vector, size_t i)
{
    int64_t value;
    memcpy(&value, vector->elements + 8 * i, sizeof value);
    return value;
}

float rt__flat_f32_at(const rt_flat_vector *vector, size_t i)
{
    float value;
    memcpy(&value, vector->elements + 4 * i, sizeof value);
    return value;
}
