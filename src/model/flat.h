/* Reading a FlatBuffer that is not trusted: every offset is checked against the bytes.
 *
 *   table:  4 bytes distance back to its vtable, then its fields
 *   vtable: 2 bytes its size, 2 bytes the table's, 2 bytes for each field: place in the table, 0 if absent
 *   vector: 4 bytes count, then the elements; reference: 4 bytes distance forward
 * What leads out of the bytes reads as absent and is remembered: ask `damaged` when all is read.
 * Source: flatbuffers' internals.md. */
#ifndef RT_MODEL_FLAT_H
#define RT_MODEL_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rt_flat {
    const uint8_t *bytes;
    size_t size;
    bool damaged;
    size_t offset; /* of the first thing that leads out */
} rt_flat;

typedef struct rt_flat_table {
    rt_flat *flat; /* NULL: absent, and so are all its fields */
    size_t at, vtable, vtable_size;
} rt_flat_table;

typedef struct rt_flat_vector {
    rt_flat *flat;
    const uint8_t *elements; /* unaligned; NULL when absent or empty */
    size_t count;
} rt_flat_vector;

rt_flat_table rt__flat_root(rt_flat *flat);
rt_flat_table rt__flat_sub(const rt_flat_table *table, unsigned field);
/* Elements of size bytes each; 4 for references. */
rt_flat_vector rt__flat_list(const rt_flat_table *table, unsigned field, size_t size);
rt_flat_table rt__flat_item(const rt_flat_vector *vector, size_t i); /* of a vector of tables */
uint8_t rt__flat_u8(const rt_flat_table *table, unsigned field, uint8_t otherwise);
int32_t rt__flat_i32(const rt_flat_table *table, unsigned field, int32_t otherwise);
float rt__flat_f32(const rt_flat_table *table, unsigned field, float otherwise);

/* Element i of a vector of that type; i < count. */
int32_t rt__flat_i32_at(const rt_flat_vector *vector, size_t i);
int64_t rt__flat_i64_at(const rt_flat_vector *vector, size_t i);
float rt__flat_f32_at(const rt_flat_vector *vector, size_t i);

#endif
