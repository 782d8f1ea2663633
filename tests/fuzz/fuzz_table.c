/* Sorted tables: as they are, and as a table's data block or index block with checksums that are right, which
 * nothing would find by chance. */
#include "fuzz.h"
#include "model/table.h"
#include "support/table_blocks.h"

#include <stdlib.h>

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

static void walk_block(const uint8_t *bytes, size_t size)
{
    rt_buffer table = {0};
    table_of_block(&table, bytes, size, TABLE_PLAIN);
    walk(table.bytes, table.size);
    rt__buffer_clear(&table);
}

static void walk_index(const uint8_t *bytes, size_t size)
{
    rt_buffer table = {0};
    table_of_index(&table, bytes, size);
    walk(table.bytes, table.size);
    rt__buffer_clear(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    walk(bytes, size);
    walk_block(bytes, size);
    walk_index(bytes, size);
    return 0;
}
