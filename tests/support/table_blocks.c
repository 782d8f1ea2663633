#include "table_blocks.h"

#include "base/hash.h"

enum { FOOTER_BYTES = 48, MAGIC_BYTES = 8 };

void table_entry(rt_buffer *block, const void *key, size_t key_size, const void *value, size_t value_size)
{
    rt__buffer_varint(block, 0);
    rt__buffer_varint(block, key_size);
    rt__buffer_varint(block, value_size);
    rt__buffer_add(block, key, key_size);
    rt__buffer_add(block, value, value_size);
}

void table_restarts(rt_buffer *block)
{
    rt__buffer_u32(block, 0);
    rt__buffer_u32(block, 1);
}

void table_block(rt_buffer *table, const void *bytes, size_t size, uint8_t compression, rt_buffer *handle)
{
    size_t start = table->size;
    rt__buffer_varint(handle, start);
    rt__buffer_varint(handle, size);
    rt__buffer_add(table, bytes, size);
    rt__buffer_add(table, &compression, 1);
    rt__buffer_u32(table, rt__crc32c_mask(rt__crc32c(0, table->bytes + start, size + 1)));
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

void table_of_index(rt_buffer *table, const void *bytes, size_t size)
{
    rt_buffer handle = {0};
    table_block(table, bytes, size, TABLE_PLAIN, &handle);
    add_footer(table, &handle);
    rt__buffer_clear(&handle);
}

void table_of_block(rt_buffer *table, const void *bytes, size_t size, uint8_t compression)
{
    rt_buffer handle = {0}, index = {0};
    table_block(table, bytes, size, compression, &handle);
    table_entry(&index, "z", 1, handle.bytes, handle.size);
    table_restarts(&index);
    table_of_index(table, index.bytes, index.size);
    rt__buffer_clear(&handle);
    rt__buffer_clear(&index);
}
