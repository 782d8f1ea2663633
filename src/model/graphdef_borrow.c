/* A GraphDef whose large tensors stay where the file has them.
 *
 * protobuf-c copies every byte it unpacks.  So each node is unpacked from a copy of its message that lacks
 * the bytes of a large tensor, which are then pointed to. */
#include "graphdef.h"

#include "proto/field.h"
#include "proto/message.h"
#include "proto/tf_graph.pb-c.h"

/* Fields of GraphDef, NodeDef, AttrEntry, AttrValue, TensorProto. */
enum { NODES = 1, ATTRS = 5, VALUE = 2, TENSOR = 8, CONTENT = 4 };
enum { LARGE = 4096 }; /* bytes worth the trouble */

typedef struct borrower {
    rt_arena *arena;
    rt_buffer without, attr, value, tensor; /* scratch: a node and what is in it, without the bytes */
    rt_error *err;
} borrower;

/* The only field of that number, which holds bytes. */
static bool find_only(const rt_field *in, uint32_t number, rt_field *found)
{
    rt_cursor c = rt__cursor(in->bytes, in->size);
    rt_field field;
    unsigned count = 0;
    while (rt__field_next(&c, &field))
        if (field.number == number) {
            *found = field;
            count++;
        }
    return count == 1 && found->wire == RT_WIRE_BYTES;
}

/* From the outermost to the innermost message: an attribute, its value, its tensor, the tensor's bytes. */
enum { LEVELS = 3 };
static const uint32_t path[LEVELS] = {VALUE, TENSOR, CONTENT};

static bool find_content(const rt_field *attr, rt_field chain[LEVELS])
{
    for (int i = 0; i < LEVELS; i++)
        if (!find_only(i ? &chain[i - 1] : attr, path[i], &chain[i]))
            return false;
    return chain[LEVELS - 1].size >= LARGE;
}

static void put_bytes(rt_buffer *to, uint32_t number, const void *bytes, size_t size)
{
    rt__buffer_varint(to, (uint64_t)number << 3 | RT_WIRE_BYTES);
    rt__buffer_varint(to, size);
    rt__buffer_add(to, bytes, size);
}

/* Appends a message's fields as they stand, `old` replaced by `new`, or left out where that is NULL. */
static void put_fields(rt_buffer *to, const rt_field *message, const rt_field *old, const rt_buffer *new)
{
    rt_cursor c = rt__cursor(message->bytes, message->size);
    rt_field field;
    for (size_t start = 0; rt__field_next(&c, &field); start = c.at)
        if (field.wire != RT_WIRE_BYTES || field.bytes != old->bytes)
            rt__buffer_add(to, message->bytes + start, c.at - start);
        else if (new)
            put_bytes(to, old->number, new->bytes, new->size);
}

/* Appends the attribute to b->without, its tensor's bytes left out. */
static void put_attr_without(borrower *b, const rt_field *attr, const rt_field chain[LEVELS])
{
    rt__buffer_reset(&b->tensor);
    rt__buffer_reset(&b->value);
    rt__buffer_reset(&b->attr);
    put_fields(&b->tensor, &chain[1], &chain[2], NULL);
    put_fields(&b->value, &chain[0], &chain[1], &b->tensor);
    put_fields(&b->attr, attr, &chain[0], &b->value);
    put_bytes(&b->without, ATTRS, b->attr.bytes, b->attr.size);
}

/* One node; only its first large tensor is borrowed: no op has two. */
static rt_code unpack_node(borrower *b, const rt_field *node, Tf__NodeDef **def)
{
    rt_cursor c = rt__cursor(node->bytes, node->size);
    rt_field field, chain[LEVELS], content = {.bytes = NULL};
    ProtobufCMessage *message;
    size_t n_attrs = 0, borrowed = 0;
    rt_code code;
    rt__buffer_reset(&b->without);
    for (size_t start = 0; rt__field_next(&c, &field); start = c.at) {
        bool attr = field.number == ATTRS && field.wire == RT_WIRE_BYTES;
        if (attr && !content.bytes && find_content(&field, chain)) {
            borrowed = n_attrs;
            content = chain[LEVELS - 1];
            put_attr_without(b, &field, chain);
        } else {
            rt__buffer_add(&b->without, node->bytes + start, c.at - start);
        }
        n_attrs += attr;
    }
    if ((code = rt__buffer_ok(&b->without, b->err)) != RT_OK ||
        (code = rt__buffer_ok(&b->attr, b->err)) != RT_OK ||
        (code = rt__buffer_ok(&b->value, b->err)) != RT_OK ||
        (code = rt__buffer_ok(&b->tensor, b->err)) != RT_OK)
        return code;
    code = rt__proto_unpack(&tf__node_def__descriptor, b->without.bytes, b->without.size, b->arena, &message,
                            b->err);
    if (code != RT_OK)
        return code;
    *def = (Tf__NodeDef *)message;
    /* A value that is something else besides a tensor may have become that. */
    if (content.bytes && (*def)->attr[borrowed]->value->value_case == TF__ATTR_VALUE__VALUE_TENSOR)
        (*def)->attr[borrowed]->value->tensor->tensor_content =
            (ProtobufCBinaryData){content.size, (uint8_t *)(uintptr_t)content.bytes};
    return RT_OK;
}

static size_t count_nodes(rt_cursor c)
{
    rt_field field;
    size_t n = 0;
    while (rt__field_next(&c, &field))
        n += field.number == NODES;
    return n;
}

/* All fields but the nodes as a GraphDef, then the nodes one by one. */
static rt_code unpack(borrower *b, const uint8_t *bytes, size_t size, Tf__GraphDef **def)
{
    rt_cursor c = rt__cursor(bytes, size);
    size_t n = count_nodes(c);
    Tf__NodeDef **nodes = rt__arena_array(b->arena, n, sizeof *nodes);
    ProtobufCMessage *message;
    rt_buffer others = {0};
    rt_field field;
    rt_code code = nodes ? RT_OK : rt_fail(b->err, RT_ENOMEM, "out of memory for %zu nodes", n);
    n = 0;
    for (size_t start = 0; code == RT_OK && rt__field_next(&c, &field); start = c.at) {
        if (field.number == NODES)
            code = unpack_node(b, &field, &nodes[n++]);
        else
            rt__buffer_add(&others, bytes + start, c.at - start);
    }
    if (code == RT_OK && (code = rt__buffer_ok(&others, b->err)) == RT_OK)
        code = rt__proto_unpack(&tf__graph_def__descriptor, others.bytes, others.size, b->arena, &message,
                                b->err);
    if (code == RT_OK) {
        *def = (Tf__GraphDef *)message;
        (*def)->n_node = n;
        (*def)->node = nodes;
    }
    rt__buffer_clear(&others);
    return code;
}

rt_code rt__graphdef_borrow(const void *bytes, size_t size, rt_graphdef *def, rt_error *err)
{
    borrower b = {.err = err};
    Tf__GraphDef *message = NULL;
    rt_graph *graph;
    /* What was checked is well formed, and a fault is told with its place in the whole. */
    rt_code code = rt__proto_check(&tf__graph_def__descriptor, bytes, size, err);
    if (code != RT_OK || (code = rt__graph_new(&graph, err)) != RT_OK)
        return code;
    b.arena = rt__graph_arena(graph);
    code = unpack(&b, bytes, size, &message);
    if (code == RT_OK)
        code = rt__graphdef_fill(graph, message, def, err);
    if (code != RT_OK)
        rt__graph_free(graph);
    rt__buffer_clear(&b.without);
    rt__buffer_clear(&b.attr);
    rt__buffer_clear(&b.value);
    rt__buffer_clear(&b.tensor);
    return code;
}
