#include "message.h"

#include "base/checked.h"
#include "field.h"

#include <protobuf-c/protobuf-c.h>
#include <string.h>

#define MAX_MESSAGE_BYTES  ((size_t)INT32_MAX)
#define MAX_UNPACKED_BYTES ((size_t)4 << 30)

/* What an element costs beside its own bytes: pointers, rounding up in the arena. */
enum { ELEMENT_OVERHEAD = 64 };

typedef struct check {
    const uint8_t *start; /* of the outermost message */
    size_t unpacked;      /* bytes it will take, a little more rather than less */
    rt_error *err;
} check;

/* The wire type a value of that type is written with. */
static unsigned wire_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return RT_WIRE_64;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return RT_WIRE_32;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return RT_WIRE_BYTES;
    default:
        return RT_WIRE_VARINT;
    }
}

/* Repeated numbers are written packed or one by one, and read either way. */
static bool is_packed(const ProtobufCFieldDescriptor *d, const rt_field *field)
{
    return d->label == PROTOBUF_C_LABEL_REPEATED && field->wire == RT_WIRE_BYTES &&
           wire_of(d->type) != RT_WIRE_BYTES;
}

static rt_code check_packed(const check *c, const ProtobufCMessageDescriptor *type,
                            const ProtobufCFieldDescriptor *d, const rt_field *field, int64_t offset)
{
    rt_cursor values = rt__cursor(field->bytes, field->size);
    unsigned wire = wire_of(d->type);
    uint64_t value;
    bool whole = wire == RT_WIRE_VARINT || field->size % (wire == RT_WIRE_64 ? 8 : 4) == 0;
    while (whole && wire == RT_WIRE_VARINT && rt__cursor_left(&values) > 0)
        whole = rt__cursor_varint(&values, &value);
    return whole ? RT_OK
                 : rt_fail_at(c->err, RT_EFORMAT, offset, "%s.%s ends within a number", type->short_name,
                              d->name);
}

static rt_code check_fault(const check *c, const ProtobufCMessageDescriptor *type, const rt_cursor *at,
                           int64_t offset)
{
    return rt_fail_at(c->err, RT_EFORMAT, offset,
                      "the %s that should stand here is cut off or damaged (%zu bytes are left of it)",
                      type->short_name, rt__cursor_left(at));
}

static rt_code check_message(check *c, const ProtobufCMessageDescriptor *type, const uint8_t *bytes,
                             size_t size, unsigned depth);

static rt_code check_field(check *c, const ProtobufCMessageDescriptor *type, const rt_field *field,
                           int64_t offset, unsigned depth)
{
    const ProtobufCFieldDescriptor *d = protobuf_c_message_descriptor_get_field(type, field->number);
    size_t cost = field->size;
    if (d && is_packed(d, field)) {
        rt_code code = check_packed(c, type, d, field, offset);
        if (code != RT_OK)
            return code;
        if (!rt_mul(&cost, cost, 8)) /* a varint of one byte becomes eight */
            cost = SIZE_MAX;
    } else if (d && field->wire != wire_of(d->type)) {
        return rt_fail_at(c->err, RT_EFORMAT, offset, "%s.%s has wire type %u instead of %u",
                          type->short_name, d->name, field->wire, wire_of(d->type));
    }
    if (!rt_add(&c->unpacked, c->unpacked, cost) || !rt_add(&c->unpacked, c->unpacked, ELEMENT_OVERHEAD) ||
        c->unpacked > MAX_UNPACKED_BYTES)
        return rt_fail_at(c->err, RT_ELIMIT, offset, "more than %zu bytes once unpacked", MAX_UNPACKED_BYTES);
    if (d && d->type == PROTOBUF_C_TYPE_STRING && field->size && memchr(field->bytes, 0, field->size))
        return rt_fail_at(c->err, RT_EFORMAT, offset, "%s.%s holds a 0 byte", type->short_name, d->name);
    if (d && d->type == PROTOBUF_C_TYPE_MESSAGE)
        return check_message(c, d->descriptor, field->bytes, field->size, depth + 1);
    return RT_OK;
}

static rt_code check_message(check *c, const ProtobufCMessageDescriptor *type, const uint8_t *bytes,
                             size_t size, unsigned depth)
{
    rt_cursor cursor = rt__cursor(bytes, size);
    rt_field field;
    int64_t offset = (int64_t)(bytes - c->start);
    if (depth > RT_PROTO_DEPTH)
        return rt_fail_at(c->err, RT_ELIMIT, offset, "messages nested deeper than %d", RT_PROTO_DEPTH);
    c->unpacked += type->sizeof_message;
    while (rt__field_next(&cursor, &field)) {
        rt_code code = check_field(c, type, &field, offset, depth);
        if (code != RT_OK)
            return code;
        offset = (int64_t)(bytes - c->start) + (int64_t)cursor.at;
    }
    return rt__cursor_left(&cursor) ? check_fault(c, type, &cursor, offset) : RT_OK;
}

rt_code rt__proto_check(const ProtobufCMessageDescriptor *type, const void *bytes, size_t size, rt_error *err)
{
    check c = {.start = bytes, .err = err};
    if (size > MAX_MESSAGE_BYTES)
        return rt_fail(err, RT_ELIMIT, "%zu bytes, protobuf allows %zu", size, MAX_MESSAGE_BYTES);
    return check_message(&c, type, bytes, size, 1);
}

static void *arena_alloc(void *arena, size_t size)
{
    return rt__arena_alloc(arena, size);
}

static void arena_free(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer;
}

rt_code rt__proto_unpack(const ProtobufCMessageDescriptor *type, const void *bytes, size_t size,
                         rt_arena *arena, ProtobufCMessage **message, rt_error *err)
{
    static const uint8_t nothing = 0;
    ProtobufCAllocator allocator = {arena_alloc, arena_free, arena};
    rt_code code = rt__proto_check(type, bytes, size, err);
    if (code != RT_OK)
        return code;
    /* What was checked is well formed, so that only memory can be missing. */
    *message = protobuf_c_message_unpack(type, &allocator, size, size ? bytes : &nothing);
    return *message ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory for a %s", type->short_name);
}

rt_code rt__proto_pack(const ProtobufCMessage *message, rt_buffer *buffer, rt_error *err)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *to = (uint8_t *)rt__buffer_reserve(buffer, size);
    if (to) {
        protobuf_c_message_pack(message, to);
        buffer->size += size;
        buffer->bytes[buffer->size] = 0;
    }
    return rt__buffer_ok(buffer, err);
}
