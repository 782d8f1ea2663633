/* Sorted tables put together block by block, with checksums that are right whatever is in the blocks. */
#ifndef TESTS_SUPPORT_TABLE_BLOCKS_H
#define TESTS_SUPPORT_TABLE_BLOCKS_H

#include "base/buffer.h"

enum { TABLE_PLAIN, TABLE_SNAPPY };

/* Appends an entry that shares nothing with the one before. */
void table_entry(rt_buffer *block, const void *key, size_t key_size, const void *value, size_t value_size);
/* Appends the restart points: one, at the first entry. */
void table_restarts(rt_buffer *block);
/* Appends a block to a table, with its trailer; *handle is what an index or a footer says of it. */
void table_block(rt_buffer *table, const void *bytes, size_t size, uint8_t compression, rt_buffer *handle);
/* The whole table around one data block. */
void table_of_block(rt_buffer *table, const void *bytes, size_t size, uint8_t compression);
/* The whole table around an index block and nothing else. */
void table_of_index(rt_buffer *table, const void *bytes, size_t size);

#endif
