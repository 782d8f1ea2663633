#include "zip_append.h"

#include "base/hash.h"

#include <string.h>

enum { VERSION = 20, FIRST_DAY = (1 << 5) | 1 /* of January 1980 */ };

static void add_u16(rt_buffer *out, unsigned value)
{
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8)};
    rt__buffer_add(out, bytes, sizeof bytes);
}

/* What local header and central entry have in common. */
static void add_facts(rt_buffer *out, const char *name, uint32_t crc, size_t size)
{
    add_u16(out, VERSION);
    add_u16(out, 0); /* flags */
    add_u16(out, 0); /* stored */
    add_u16(out, 0); /* midnight */
    add_u16(out, FIRST_DAY);
    rt__buffer_u32(out, crc);
    rt__buffer_u32(out, (uint32_t)size);
    rt__buffer_u32(out, (uint32_t)size);
    add_u16(out, (unsigned)strlen(name));
    add_u16(out, 0); /* extra fields */
}

static void add_central(rt_buffer *out, const char *name, uint32_t crc, size_t size, size_t place)
{
    rt__buffer_add(out, "PK\1\2", 4);
    add_u16(out, VERSION);
    add_facts(out, name, crc, size);
    add_u16(out, 0); /* comment */
    add_u16(out, 0); /* disk */
    add_u16(out, 0); /* attributes */
    rt__buffer_u32(out, 0);
    rt__buffer_u32(out, (uint32_t)place);
    rt__buffer_text(out, name);
}

rt_code rt__zip_append(rt_buffer *file, const char *name, const void *bytes, size_t size, rt_error *err)
{
    uint32_t crc = rt__crc32(0, bytes, size);
    size_t place = file->size, central;
    if (place > INT32_MAX || size > INT32_MAX - place || strlen(name) > UINT8_MAX)
        return rt_fail(err, RT_ELIMIT, "'%s' with %zu bytes does not fit behind %zu bytes", name, size,
                       place);
    rt__buffer_add(file, "PK\3\4", 4);
    add_facts(file, name, crc, size);
    rt__buffer_text(file, name);
    rt__buffer_add(file, bytes, size);
    central = file->size;
    add_central(file, name, crc, size, place);
    size = file->size - central;
    rt__buffer_add(file, "PK\5\6", 4);
    rt__buffer_u32(file, 0); /* disks */
    add_u16(file, 1);
    add_u16(file, 1);
    rt__buffer_u32(file, (uint32_t)size);
    rt__buffer_u32(file, (uint32_t)central);
    add_u16(file, 0); /* comment */
    return rt__buffer_ok(file, err);
}
