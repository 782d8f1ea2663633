/* Compressed blocks: the bytes as the compressed data block of a table; and compressed by snappy they must
 * give what the plain block gives. */
#include "base/hash.h"
#include "fuzz.h"
#include "model/table.h"
#include "support/table_blocks.h"

#include <snappy-c.h>
#include <stdlib.h>

static rt_code visit(void *context, const rt_table_row *row, rt_error *err)
{
    uint32_t *sum = context;
    (void)err;
    *sum = rt__crc32c(*sum, row->key, row->key_size);
    *sum = rt__crc32c(*sum, row->value, row->value_size);
    return RT_OK;
}

/* The code, and in *sum a checksum over all rows seen. */
static rt_code walk(const void *bytes, size_t size, uint8_t compression, uint32_t *sum)
{
    rt_buffer table = {0};
    rt_error err;
    rt_code code;
    *sum = 0;
    table_of_block(&table, bytes, size, compression);
    code = rt__table_walk(table.bytes, table.size, visit, sum, &err);
    if (code != RT_OK && (err.code != code || err.cause[0] == 0))
        abort();
    rt__buffer_clear(&table);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size_t length = snappy_max_compressed_length(size);
    char *compressed = malloc(length);
    uint32_t plain_sum, sum;
    if (!compressed || snappy_compress((const char *)bytes, size, compressed, &length) != SNAPPY_OK)
        abort();
    walk(bytes, size, TABLE_SNAPPY, &sum);
    if (walk(bytes, size, TABLE_PLAIN, &plain_sum) != walk(compressed, length, TABLE_SNAPPY, &sum) ||
        sum != plain_sum)
        abort();
    free(compressed);
    return 0;
}
