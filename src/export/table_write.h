/* Writes the sorted table that TensorFlow's .index files are.
 *
 * Layout:
 *   1. data blocks, each: entries, restart offsets (4 bytes each), their number (4 bytes);
 *      then 1 byte compression (0 none) and 4 bytes masked CRC-32C of block and that byte
 *      entry: varint bytes shared with the key before, varint the other key bytes, varint value bytes, key,
 * value
 *   2. an empty metaindex block, 3. the index block: a key between each data block and the next -> offset,
 * size
 *   4. footer, 48 bytes: handles of 2 and 3, zeros, magic 0xdb4775248b80fb57
 * Source: TensorFlow's table_builder.cc, block_builder.cc, format.cc (LevelDB's). */
#ifndef RT_EXPORT_TABLE_WRITE_H
#define RT_EXPORT_TABLE_WRITE_H

#include "base/buffer.h"

typedef struct rt_table_writer {
    rt_buffer *out; /* the caller's; the table is appended */
    size_t start;   /* of the table in it */
    rt_buffer block, restarts, index, index_restarts, last_key;
    uint32_t n_in_block;
} rt_table_writer;

void rt__table_begin(rt_table_writer *table, rt_buffer *out);
/* Keys must come in rising byte order. */
void rt__table_add(rt_table_writer *table, const void *key, size_t key_size, const void *value,
                   size_t value_size);
/* RT_ENOMEM when a buffer failed; frees what the writer holds, not out. */
rt_code rt__table_end(rt_table_writer *table, rt_error *err);

#endif
