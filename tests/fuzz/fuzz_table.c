/* Sorted tables: as they are, and as a table's data block, compressed data block or index block with
 * checksums that are right, which nothing would find by chance. */
#include "base/buffer.h"
#include "base/hash.h"
#include "fuzz.h"
#include "model/table.h"

#include <stdlib.h>
#include <string.h>

enum { PLAIN, SNAPPY, FOOTER_BYTES = 48, MAGIC_BYTES = 8 };

static rt_code visit(void *context, const rt_table_row *row, rt_error *err)
{
    uint64_t *sum = context;
    (void)err;
    for (size_t i = 0; i < row->key_size; i++)
        *sum += row->key[i];
    for (size_t i = 0; i < row->value_size; i++)
        *sum += row->value[i];
    return RT_OK;
}

static void walk(const void *bytes, size_t size)
{
    uint64_t sum = 0;
    rt_error err;
    rt_code code = rt__table_walk(bytes, size, visit, &sum, &err);
    if (code != RT_OK && (err.code != code || err.cause[0] == 0))
        abort();
}

/* Appends a block with its trailer; *handle is what an index or a footer says of it. */
static void add_block(rt_buffer *table, const void *bytes, size_t size, uint8_t compression,
                      rt_buffer *handle)
{
    size_t start = table->size;
    rt__buffer_varint(handle, start);
    rt__buffer_varint(handle, size);
    rt__buffer_add(table, bytes, size);
    rt__buffer_add(table, &compression, 1);
    rt__buffer_u32(table, rt__crc32c_mask(rt__crc32c(0, table->bytes + start, size + 1)));
}

/* An index block of one entry: key "z", the handle. */
static void add_index(rt_buffer *table, const rt_buffer *handle, rt_buffer *index_handle)
{
    rt_buffer block = {0};
    rt__buffer_add(&block, "\0\1", 2);
    rt__buffer_varint(&block, handle->size);
    rt__buffer_add(&block, "z", 1);
    rt__buffer_add(&block, handle->bytes, handle->size);
    rt__buffer_u32(&block, 0);
    rt__buffer_u32(&block, 1);
    add_block(table, block.bytes, block.size, PLAIN, index_handle);
    rt__buffer_clear(&block);
}

static void add_footer(rt_buffer *table, const rt_buffer *index_handle)
{
    static const char zeros[FOOTER_BYTES] = {0};
    size_t start = table->size;
    rt__buffer_add(table, zeros, 2); /* of the metaindex, which nobody reads */
    rt__buffer_add(table, index_handle->bytes, index_handle->size);
    rt__buffer_add(table, zeros, FOOTER_BYTES - MAGIC_BYTES - (table->size - start));
    rt__buffer_u64(table, UINT64_C(0xdb4775248b80fb57));
}

static void walk_block(const uint8_t *bytes, size_t size, uint8_t compression, int is_index)
{
    rt_buffer table = {0}, handle = {0}, index = {0};
    add_block(&table, bytes, size, compression, is_index ? &index : &handle);
    if (!is_index)
        add_index(&table, &handle, &index);
    add_footer(&table, &index);
    walk(table.bytes, table.size);
    rt__buffer_clear(&table);
    rt__buffer_clear(&handle);
    rt__buffer_clear(&index);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    walk(bytes, size);
    walk_block(bytes, size, PLAIN, 0);
    walk_block(bytes, size, PLAIN, 1);
    walk_block(bytes, size, SNAPPY, 0);
    return 0;
}
