#include "checkpoint_build.h"

#include "base/hash.h"
#include "model/slice_key.h"
#include "table_blocks.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>

enum { VARINT = 0, BYTES = 2, FIXED = 5, MOST_ROWS = 16 };

/* ---- protobuf's wire format ---- */

static void put_number(rt_buffer *message, unsigned field, int64_t value)
{
    rt__buffer_varint(message, field << 3 | VARINT);
    rt__buffer_varint(message, (uint64_t)value);
}

static void put_bytes(rt_buffer *message, unsigned field, const void *bytes, size_t size)
{
    rt__buffer_varint(message, field << 3 | BYTES);
    rt__buffer_varint(message, size);
    rt__buffer_add(message, bytes, size);
}

/* Puts a message into another and clears it. */
static void put_message(rt_buffer *message, unsigned field, rt_buffer *inner)
{
    put_bytes(message, field, inner->bytes, inner->size);
    rt__buffer_clear(inner);
}

static void put_shape(rt_buffer *message, unsigned field, int rank, const int64_t *dims)
{
    rt_buffer shape = {0};
    for (int i = 0; i < rank; i++) {
        rt_buffer dim = {0};
        put_number(&dim, 1, dims[i]);
        put_message(&shape, 2, &dim);
    }
    put_message(message, field, &shape);
}

static void put_slice(rt_buffer *message, unsigned field, const built_slice *s)
{
    rt_buffer slice = {0};
    for (int i = 0; i < s->rank; i++) {
        rt_buffer extent = {0};
        if (s->start[i])
            put_number(&extent, 1, s->start[i]);
        if (s->length[i] >= 0)
            put_number(&extent, 2, s->length[i]);
        put_message(&slice, 1, &extent);
    }
    put_message(message, field, &slice);
}

/* How many of slices, from the first on, are of the same variable. */
static size_t of_one_variable(const built_slice *slices, size_t n)
{
    size_t same = 1;
    while (same < n && strcmp(slices[same].name, slices[0].name) == 0)
        same++;
    return same;
}

/* ---- rows ---- */

typedef struct built_row {
    rt_buffer key, value; /* owned */
} built_row;

static int by_key(const void *a, const void *b)
{
    const built_row *x = a, *y = b;
    size_t both = x->key.size < y->key.size ? x->key.size : y->key.size;
    int order = both ? memcmp(x->key.bytes, y->key.bytes, both) : 0;
    return order ? order : (x->key.size > y->key.size) - (x->key.size < y->key.size);
}

/* Sorts and clears the rows. */
static void write_rows(rt_buffer *table, built_row *rows, size_t n, bool compressed)
{
    rt_buffer block = {0};
    qsort(rows, n, sizeof *rows, by_key);
    for (size_t i = 0; i < n; i++) {
        table_entry(&block, rows[i].key.bytes, rows[i].key.size, rows[i].value.bytes, rows[i].value.size);
        rt__buffer_clear(&rows[i].key);
        rt__buffer_clear(&rows[i].value);
    }
    table_restarts(&block);
    if (compressed) {
        size_t length = snappy_max_compressed_length(block.size);
        char *bytes = malloc(length);
        if (!bytes || snappy_compress(block.bytes, block.size, bytes, &length) != SNAPPY_OK)
            abort();
        table_of_block(table, bytes, length, TABLE_SNAPPY);
        free(bytes);
    } else {
        table_of_block(table, block.bytes, block.size, TABLE_PLAIN);
    }
    rt__buffer_clear(&block);
}

/* ---- V1: SavedTensorSlices messages ---- */

static void put_values(rt_buffer *slice, const built_slice *s)
{
    enum { FLOATS = 5, STRINGS = 8 };
    rt_buffer tensor = {0};
    if (s->texts)
        for (size_t i = 0; i < s->n; i++)
            put_bytes(&tensor, STRINGS, s->texts[i], strlen(s->texts[i]));
    else
        put_bytes(&tensor, FLOATS, s->values, s->n * sizeof *s->values);
    put_message(slice, 3, &tensor);
}

static void v1_list(rt_buffer *row, const built_slice *slices, size_t n)
{
    rt_buffer list = {0};
    for (size_t i = 0, same; i < n; i += same) {
        rt_buffer variable = {0};
        same = of_one_variable(slices + i, n - i);
        put_bytes(&variable, 1, slices[i].name, strlen(slices[i].name));
        put_shape(&variable, 2, slices[i].rank, slices[i].shape);
        put_number(&variable, 3, slices[i].texts ? RT_STRING : RT_FLOAT);
        for (size_t k = i; k < i + same; k++)
            put_slice(&variable, 4, &slices[k]);
        put_message(&list, 1, &variable);
    }
    put_message(row, 1, &list);
}

void built_v1(rt_buffer *table, const built_slice *slices, size_t n, bool compressed)
{
    built_row rows[MOST_ROWS] = {{.key = {0}}};
    size_t n_rows = 1;
    v1_list(&rows[0].value, slices, n);
    for (size_t i = 0; i < n; i++) {
        built_row *row = &rows[n_rows];
        rt_buffer slice = {0};
        if (slices[i].not_stored)
            continue;
        rt__slice_key(&row->key, slices[i].name, (size_t)slices[i].rank, slices[i].start, slices[i].length);
        put_bytes(&slice, 1, slices[i].name, strlen(slices[i].name));
        put_slice(&slice, 2, &slices[i]);
        put_values(&slice, &slices[i]);
        put_message(&row->value, 2, &slice);
        n_rows++;
    }
    write_rows(table, rows, n_rows, compressed);
}

/* ---- V2: BundleEntryProto messages ---- */

static void v2_part(built_row *row, rt_buffer *data, const built_slice *s)
{
    size_t bytes = s->n * sizeof *s->values;
    int64_t dims[2];
    for (int i = 0; i < s->rank; i++)
        dims[i] = s->length[i] < 0 ? s->shape[i] : s->length[i];
    rt__slice_key(&row->key, s->name, (size_t)s->rank, s->start, s->length);
    put_number(&row->value, 1, RT_FLOAT);
    put_shape(&row->value, 2, s->rank, dims);
    put_number(&row->value, 4, (int64_t)data->size);
    put_number(&row->value, 5, (int64_t)bytes);
    rt__buffer_varint(&row->value, 6 << 3 | FIXED);
    rt__buffer_u32(&row->value, rt__crc32c_mask(rt__crc32c(0, s->values, bytes)));
    rt__buffer_add(data, s->values, bytes);
}

void built_v2(rt_buffer *index, rt_buffer *data, const built_slice *slices, size_t n)
{
    static const char unused[64] = {0};
    built_row rows[MOST_ROWS] = {{.key = {0}}};
    size_t n_rows = 1;
    put_number(&rows[0].value, 1, 1); /* one data file */
    for (size_t i = 0, same; i < n; i += same) {
        built_row *whole = &rows[n_rows++];
        same = of_one_variable(slices + i, n - i);
        rt__buffer_text(&whole->key, slices[i].name);
        put_number(&whole->value, 1, RT_FLOAT);
        put_shape(&whole->value, 2, slices[i].rank, slices[i].shape);
        for (size_t k = i; k < i + same; k++)
            put_slice(&whole->value, 7, &slices[k]);
        for (size_t k = i; k < i + same; k++)
            if (!slices[k].not_stored)
                v2_part(&rows[n_rows++], data, &slices[k]);
    }
    rt__buffer_add(data, unused, sizeof unused);
    write_rows(index, rows, n_rows, false);
}
