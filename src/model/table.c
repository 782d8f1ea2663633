#include "table.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/hash.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>

enum {
    FOOTER_BYTES = 48,
    TRAILER_BYTES = 5, /* behind each block: type, checksum */
    NO_COMPRESSION = 0,
    SNAPPY = 1,
    MAX_KEY_BYTES = 64 * 1024,
    MAX_BLOCK_BYTES = 1 << 30
};

#define TABLE_MAGIC UINT64_C(0xdb4775248b80fb57)

typedef struct handle {
    uint64_t offset, size;
} handle;

/* Where a walk stands: two levels, the index block and one data block at a time. */
typedef struct walk {
    const uint8_t *bytes;
    size_t size;
    rt_table_visit *visit;
    void *context;
    rt_buffer last_key; /* of the row before, over all blocks */
    uint64_t rows;
} walk;

typedef struct block {
    const uint8_t *bytes; /* the entries */
    size_t size;
    int64_t offset;  /* in the file */
    uint8_t *owned;  /* memory of an uncompressed copy, or NULL */
    rt_buffer key;   /* of the entry read last */
    rt_cursor entry; /* over the entries */
} block;

static bool read_handle(rt_cursor *c, handle *h)
{
    return rt__cursor_varint(c, &h->offset) && rt__cursor_varint(c, &h->size);
}

static rt_code uncompress(block *b, const uint8_t *bytes, size_t size, rt_error *err)
{
    size_t length;
    if (snappy_uncompressed_length((const char *)bytes, size, &length) != SNAPPY_OK)
        return rt_fail_at(err, RT_EFORMAT, b->offset, "damaged snappy block");
    if (length > MAX_BLOCK_BYTES)
        return rt_fail_at(err, RT_ELIMIT, b->offset, "block of %zu bytes, at most %d are read", length,
                          MAX_BLOCK_BYTES);
    if (!(b->owned = malloc(length + 1)))
        return rt_fail(err, RT_ENOMEM, "out of memory for a block of %zu bytes", length);
    if (snappy_uncompress((const char *)bytes, size, (char *)b->owned, &length) != SNAPPY_OK)
        return rt_fail_at(err, RT_EFORMAT, b->offset, "damaged snappy block");
    b->bytes = b->owned;
    b->size = length;
    return RT_OK;
}

/* Cuts off the restart points, which only matter for searching. */
static rt_code cut_restarts(block *b, rt_error *err)
{
    uint32_t restarts;
    rt_cursor tail;
    if (b->size < 4)
        return rt_fail_at(err, RT_EFORMAT, b->offset, "block of %zu bytes", b->size);
    tail = rt__cursor(b->bytes + b->size - 4, 4);
    rt__cursor_u32(&tail, &restarts);
    if (restarts > (b->size - 4) / 4)
        return rt_fail_at(err, RT_EFORMAT, b->offset, "block of %zu bytes with %u restart points", b->size,
                          restarts);
    b->size -= 4 + 4 * (size_t)restarts;
    b->entry = rt__cursor(b->bytes, b->size);
    return RT_OK;
}

static void close_block(block *b)
{
    free(b->owned);
    rt__buffer_clear(&b->key);
}

static rt_code open_block(const walk *w, handle h, block *b, rt_error *err)
{
    uint32_t stored;
    rt_cursor crc;
    rt_code code = RT_OK;
    *b = (block){.offset = (int64_t)h.offset};
    if (h.offset > w->size || h.size > w->size - h.offset || w->size - h.offset - h.size < TRAILER_BYTES)
        return rt_fail_at(err, RT_EFORMAT, (int64_t)w->size,
                          "a block of %llu bytes at %llu lies beyond the end (%zu): the file is cut off",
                          (unsigned long long)h.size, (unsigned long long)h.offset, w->size);
    b->bytes = w->bytes + h.offset;
    b->size = (size_t)h.size;
    crc = rt__cursor(b->bytes + b->size + 1, 4);
    rt__cursor_u32(&crc, &stored);
    if (rt__crc32c_mask(rt__crc32c(0, b->bytes, b->size + 1)) != stored)
        return rt_fail_at(err, RT_EFORMAT, b->offset, "a block's checksum is wrong: the file is damaged");
    if (b->bytes[b->size] == SNAPPY)
        code = uncompress(b, b->bytes, b->size, err);
    else if (b->bytes[b->size] != NO_COMPRESSION)
        code = rt_fail_at(err, RT_EUNSUPPORTED, b->offset, "a block has compression %u",
                          (unsigned)b->bytes[b->size]);
    if (code == RT_OK)
        code = cut_restarts(b, err);
    if (code != RT_OK)
        close_block(b);
    return code;
}

static rt_code bad_entry(const block *b, rt_error *err)
{
    return rt_fail_at(err, RT_EFORMAT, b->offset, "damaged entry at byte %zu of a block", b->entry.at);
}

/* Reads one entry: a key that shares its beginning with the one before, and a value. */
static rt_code next_entry(block *b, const uint8_t **value, size_t *value_size, rt_error *err)
{
    uint64_t shared, rest, size;
    const uint8_t *tail;
    if (!rt__cursor_varint(&b->entry, &shared) || !rt__cursor_varint(&b->entry, &rest) ||
        !rt__cursor_varint(&b->entry, &size) || shared > b->key.size || rest > SIZE_MAX || size > SIZE_MAX ||
        !rt__cursor_bytes(&b->entry, (size_t)rest, &tail) ||
        !rt__cursor_bytes(&b->entry, (size_t)size, value))
        return bad_entry(b, err);
    if (shared + rest > MAX_KEY_BYTES)
        return rt_fail_at(err, RT_ELIMIT, b->offset, "key of %llu bytes",
                          (unsigned long long)(shared + rest));
    b->key.size = (size_t)shared;
    rt__buffer_add(&b->key, tail, (size_t)rest);
    *value_size = (size_t)size;
    return rt__buffer_ok(&b->key, err);
}

/* Keys rise strictly over the whole table, so that blocks cannot be visited twice. */
static rt_code check_order(walk *w, const block *b, rt_error *err)
{
    const rt_buffer *last = &w->last_key;
    size_t both = last->size < b->key.size ? last->size : b->key.size;
    int order = both ? memcmp(last->bytes, b->key.bytes, both) : 0;
    if (w->rows++ > 0 && (order > 0 || (order == 0 && last->size >= b->key.size)))
        return rt_fail_at(err, RT_EFORMAT, b->offset, "keys are not in rising order");
    rt__buffer_reset(&w->last_key);
    rt__buffer_add(&w->last_key, b->key.bytes, b->key.size);
    return rt__buffer_ok(&w->last_key, err);
}

static rt_code walk_block(walk *w, handle h, rt_error *err)
{
    block b;
    rt_code code = open_block(w, h, &b, err);
    if (code != RT_OK)
        return code;
    while (code == RT_OK && rt__cursor_left(&b.entry) > 0) {
        rt_table_row row = {.offset = b.offset, .in_file = b.owned == NULL};
        code = next_entry(&b, &row.value, &row.value_size, err);
        if (code == RT_OK)
            code = check_order(w, &b, err);
        row.key = (const uint8_t *)b.key.bytes;
        row.key_size = b.key.size;
        if (code == RT_OK)
            code = w->visit(w->context, &row, err);
    }
    close_block(&b);
    return code;
}

static rt_code walk_index(walk *w, handle index, rt_error *err)
{
    block b;
    rt_code code = open_block(w, index, &b, err);
    if (code != RT_OK)
        return code;
    while (code == RT_OK && rt__cursor_left(&b.entry) > 0) {
        const uint8_t *value;
        size_t size;
        handle h;
        code = next_entry(&b, &value, &size, err);
        if (code == RT_OK) {
            rt_cursor c = rt__cursor(value, size);
            code = read_handle(&c, &h) ? walk_block(w, h, err) : bad_entry(&b, err);
        }
    }
    close_block(&b);
    return code;
}

int rt__table_probe(const void *bytes, size_t size)
{
    uint64_t magic;
    rt_cursor c;
    if (size < FOOTER_BYTES)
        return 0;
    c = rt__cursor((const uint8_t *)bytes + size - 8, 8);
    return rt__cursor_u64(&c, &magic) && magic == TABLE_MAGIC;
}

rt_code rt__table_walk(const void *bytes, size_t size, rt_table_visit *visit, void *context, rt_error *err)
{
    walk w = {.bytes = bytes, .size = size, .visit = visit, .context = context};
    handle metaindex, index;
    rt_cursor footer;
    rt_code code;
    if (!rt__table_probe(bytes, size))
        return rt_fail_at(err, RT_EFORMAT, (int64_t)size,
                          "does not end as a table does: cut off, or not a checkpoint's index");
    footer = rt__cursor(w.bytes + size - FOOTER_BYTES, FOOTER_BYTES - 8);
    if (!read_handle(&footer, &metaindex) || !read_handle(&footer, &index))
        return rt_fail_at(err, RT_EFORMAT, (int64_t)(size - FOOTER_BYTES), "damaged footer");
    code = walk_index(&w, index, err);
    rt__buffer_clear(&w.last_key);
    return code;
}
