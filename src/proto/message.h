/* protobuf messages that are not trusted: checked, unpacked into an arena, packed.
 *
 * The message types are those of the .proto files here, compiled by protoc-c; fields they do not name stay
 * with the message as unknown fields and are written back. */
#ifndef RT_PROTO_MESSAGE_H
#define RT_PROTO_MESSAGE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "retrain/error.h"

struct ProtobufCMessage;
struct ProtobufCMessageDescriptor;

enum { RT_PROTO_DEPTH = 100 }; /* nested messages: protobuf's own ceiling */

/* Whether bytes are a message of that type, before anything is allocated for it.
 *   RT_EFORMAT  cut off or no such message; err->offset is counted from `bytes`
 *   RT_ELIMIT   nested deeper than RT_PROTO_DEPTH, above 2 GiB, or more than 4 GiB once unpacked */
rt_code rt__proto_check(const struct ProtobufCMessageDescriptor *type, const void *bytes, size_t size,
                        rt_error *err);

/* Checks, then unpacks into the arena: the message lives as long as that and is not freed by itself.  Strings
 * hold no 0 before their end.  RT_ENOMEM besides the errors above. */
rt_code rt__proto_unpack(const struct ProtobufCMessageDescriptor *type, const void *bytes, size_t size,
                         rt_arena *arena, struct ProtobufCMessage **message, rt_error *err);

/* Appends the message's bytes. */
rt_code rt__proto_pack(const struct ProtobufCMessage *message, rt_buffer *buffer, rt_error *err);

#endif
