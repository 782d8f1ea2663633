#include "table_write.h"

#include "base/hash.h"

#include <string.h>

enum { BLOCK_BYTES = 256 * 1024, RESTART_INTERVAL = 16, FOOTER_HANDLES = 40 };

#define TABLE_MAGIC 0xdb4775248b80fb57u

void rt__table_begin(rt_table_writer *table, rt_buffer *out)
{
    *table = (rt_table_writer){.out = out, .start = out->size};
}

static void add_entry(rt_buffer *block, rt_buffer *restarts, uint32_t n, const rt_buffer *last,
                      const void *key, size_t key_size, const void *value, size_t value_size)
{
    size_t shared = 0, most = last->size < key_size ? last->size : key_size;
    if (n % RESTART_INTERVAL == 0)
        rt__buffer_u32(restarts, (uint32_t)block->size);
    else
        while (shared < most && last->bytes[shared] == ((const char *)key)[shared])
            shared++;
    rt__buffer_varint(block, shared);
    rt__buffer_varint(block, key_size - shared);
    rt__buffer_varint(block, value_size);
    rt__buffer_add(block, (const char *)key + shared, key_size - shared);
    rt__buffer_add(block, value, value_size);
}

/* Ends a block and appends it; handle: where it stands and how long it is, as two varints. */
static void put_block(rt_table_writer *table, rt_buffer *block, rt_buffer *restarts, rt_buffer *handle)
{
    const char no_compression = 0;
    size_t offset = table->out->size - table->start;
    uint32_t n_restarts = (uint32_t)(restarts->size / 4), crc;
    if (n_restarts == 0) { /* an empty block still has one restart, at 0 */
        rt__buffer_u32(restarts, 0);
        n_restarts = 1;
    }
    if (!restarts->failed)
        rt__buffer_add(block, restarts->bytes, restarts->size);
    rt__buffer_u32(block, n_restarts);
    if (block->failed || restarts->failed) {
        table->out->failed = true;
        return;
    }
    rt__buffer_varint(handle, offset);
    rt__buffer_varint(handle, block->size);
    crc = rt__crc32c(rt__crc32c(0, block->bytes, block->size), &no_compression, 1);
    rt__buffer_add(table->out, block->bytes, block->size);
    rt__buffer_add(table->out, &no_compression, 1);
    rt__buffer_u32(table->out, rt__crc32c_mask(crc));
    rt__buffer_reset(block);
    rt__buffer_reset(restarts);
}

/* Shortens last_key, the key of a block that is done, to the shortest text that is not below it and is below
 * next (NULL: the end of the table).  Source: FindShortestSeparator, FindShortSuccessor of LevelDB. */
static void shorten_last_key(rt_table_writer *table, const char *next, size_t next_size)
{
    rt_buffer *last = &table->last_key;
    size_t at = 0;
    if (next) {
        while (at < last->size && at < next_size && last->bytes[at] == next[at])
            at++;
        if (at >= last->size || at >= next_size || (uint8_t)last->bytes[at] + 1 >= (uint8_t)next[at])
            return;
    } else {
        while (at < last->size && (uint8_t)last->bytes[at] == 0xff)
            at++;
        if (at == last->size)
            return;
    }
    last->bytes[at] = (char)(last->bytes[at] + 1);
    last->size = at + 1;
}

/* The index entry of a block waits until the key behind the block is known. */
static void end_data_block(rt_table_writer *table, const char *next, size_t next_size)
{
    rt_buffer handle = {0}, no_key = {0};
    if (table->n_in_block == 0)
        return;
    put_block(table, &table->block, &table->restarts, &handle);
    if (handle.bytes && table->last_key.bytes) {
        shorten_last_key(table, next, next_size);
        /* every index entry is a restart: no_key shares nothing */
        add_entry(&table->index, &table->index_restarts, 0, &no_key, table->last_key.bytes,
                  table->last_key.size, handle.bytes, handle.size);
    }
    table->n_in_block = 0;
    rt__buffer_clear(&handle);
}

void rt__table_add(rt_table_writer *table, const void *key, size_t key_size, const void *value,
                   size_t value_size)
{
    if (table->block.size >= BLOCK_BYTES)
        end_data_block(table, key, key_size);
    add_entry(&table->block, &table->restarts, table->n_in_block, &table->last_key, key, key_size, value,
              value_size);
    table->n_in_block++;
    rt__buffer_reset(&table->last_key);
    rt__buffer_add(&table->last_key, key, key_size);
}

rt_code rt__table_end(rt_table_writer *table, rt_error *err)
{
    rt_buffer handles = {0};
    rt_code code;
    end_data_block(table, NULL, 0);
    put_block(table, &table->block, &table->restarts, &handles);
    put_block(table, &table->index, &table->index_restarts, &handles);
    while (!handles.failed && handles.size < FOOTER_HANDLES)
        rt__buffer_add(&handles, "", 1);
    if (!handles.failed)
        rt__buffer_add(table->out, handles.bytes, handles.size);
    rt__buffer_u64(table->out, TABLE_MAGIC);
    code = rt__buffer_ok(table->out, err);
    if (code == RT_OK)
        code = rt__buffer_ok(&handles, err);
    if (code == RT_OK)
        code = rt__buffer_ok(&table->last_key, err);
    rt__buffer_clear(&handles);
    rt__buffer_clear(&table->block);
    rt__buffer_clear(&table->restarts);
    rt__buffer_clear(&table->index);
    rt__buffer_clear(&table->index_restarts);
    rt__buffer_clear(&table->last_key);
    return code;
}
