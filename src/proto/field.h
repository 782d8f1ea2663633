/* Field by field through a protobuf message, without unpacking it. */
#ifndef RT_PROTO_FIELD_H
#define RT_PROTO_FIELD_H

#include "base/cursor.h"

/* The wire types that are still written; groups (3 and 4) are refused. */
enum { RT_WIRE_VARINT = 0, RT_WIRE_64 = 1, RT_WIRE_BYTES = 2, RT_WIRE_32 = 5 };

typedef struct rt_field {
    uint32_t number;      /* > 0 */
    unsigned wire;        /* one of RT_WIRE_... */
    uint64_t value;       /* of a number: its bits */
    const uint8_t *bytes; /* of RT_WIRE_BYTES: borrowed */
    size_t size;
} rt_field;

/* Reads one field and moves on.  False at the end, and where the bytes break the format or stop short: then
 * cursor->at stays on the field at fault, below cursor->size. */
bool rt__field_next(rt_cursor *cursor, rt_field *field);

/* The last field of that number, as protobuf reads a field that is not repeated; false when there is none
 * before the end or the first fault. */
bool rt__field_find(const void *bytes, size_t size, uint32_t number, rt_field *field);

#endif
