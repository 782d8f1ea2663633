/* What stands in the packed cache's file (kv.h).  Numbers in keys are big-endian, in values in the machine's
 * order:
 *   2. "N"                       rt_packed_counters: numbers are never used twice
 *   3. "M" module(4)             rt_packed_module_record, then the name
 *   4. "B" block(4)              a block: rt_packed_block, its rt_packed_notes, then its vectors
 *   5. "I" module(4) photo(32)   rt_packed_spot: in which block, as which row
 *   6. "F" device(8) inode(8)    rt_packed_known, then the photo's absolute path when it was seen last
 * A block is never changed: it is replaced when photos are pruned.  Vectors are float32, one behind the
 * other, aligned to 64 bytes; each has its CRC-32C, checked when it is looked up. */
#ifndef RT_FEATURE_PACKED_RECORDS_H
#define RT_FEATURE_PACKED_RECORDS_H

#include "kv.h"

enum { RT_PHOTO_BYTES = 32, RT_NETWORK_BYTES = 32 }; /* SHA-256 */

/* Where a vector is in its file. */
typedef struct rt_packed_spot {
    uint32_t block; /* from 1; 0: nowhere */
    uint32_t row;
} rt_packed_spot;

/* Where it is among all files: file 0 is the one that is written to. */
typedef struct rt_place {
    uint32_t block; /* from 1; 0: nowhere */
    uint16_t row, file;
} rt_place;

typedef enum rt_vector_source { RT_SOURCE_COMPUTED, RT_SOURCE_TEXT } rt_vector_source;

typedef struct rt_packed_counters {
    uint32_t block, module; /* the last ones given */
} rt_packed_counters;

typedef struct rt_packed_module_record {
    uint8_t digest[RT_NETWORK_BYTES];
    uint32_t feature_size, reserved;
    int64_t made, used; /* seconds since 1970; used is renewed once a day */
} rt_packed_module_record;

typedef struct rt_packed_block {
    uint32_t magic, module;
    uint32_t feature_size, n_rows;
    int64_t made; /* seconds since 1970 */
    uint32_t crc; /* CRC-32C of this head with crc 0, and of the notes */
    uint32_t reserved[5];
} rt_packed_block;

typedef struct rt_packed_note {
    uint8_t photo[RT_PHOTO_BYTES];
    uint32_t crc;    /* CRC-32C of the vector */
    uint32_t source; /* an rt_vector_source */
} rt_packed_note;

typedef struct rt_packed_known {
    uint64_t size;
    int64_t mtime_ns, ctime_ns;
    uint8_t photo[RT_PHOTO_BYTES];
} rt_packed_known;

enum { RT_PACKED_KEY = 48 };
/* Keys, into the caller's buffer. */
rt_span rt__packed_key(char kind, const uint32_t *number, uint8_t key[RT_PACKED_KEY]);
rt_span rt__packed_index_key(uint32_t module, const uint8_t photo[RT_PHOTO_BYTES],
                             uint8_t key[RT_PACKED_KEY]);
rt_span rt__packed_file_key(uint64_t device, uint64_t inode, uint8_t key[RT_PACKED_KEY]);
uint32_t rt__packed_number(rt_span key); /* of an "M" or "B" */

/* A block's parts; false where the value cannot be one. */
typedef struct rt_packed_parts {
    rt_packed_block head;
    const uint8_t *notes, *vectors;
} rt_packed_parts;
bool rt__packed_parts(rt_span value, rt_packed_parts *parts);
rt_packed_note rt__packed_note(const rt_packed_parts *parts, uint32_t row);
const uint8_t *rt__packed_vector(const rt_packed_parts *parts, uint32_t row);
/* Whether head and notes are as they were written. */
bool rt__packed_intact(const rt_packed_parts *parts);

bool rt__packed_row_intact(const rt_packed_parts *parts, uint32_t row);

typedef struct rt_packed_rows {
    uint32_t module;
    size_t feature_size, n;
    int64_t made;
    const rt_packed_note *const *notes; /* [n] */
    const void *const *vectors;         /* [n] */
} rt_packed_rows;
rt_code rt__packed_put_block(rt_kv_txn *txn, const rt_packed_rows *rows, uint32_t block, rt_error *err);

/* Zero in a file that is new; RT_EFORMAT where the file belongs to something else. */
rt_code rt__packed_counters_read(rt_kv_txn *txn, rt_packed_counters *counters, rt_error *err);
rt_code rt__packed_counters_write(rt_kv_txn *txn, const rt_packed_counters *counters, rt_error *err);

#endif
