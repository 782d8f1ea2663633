/* Reads a sorted table: LevelDB's file format, as TensorFlow's checkpoints use it. */
#ifndef RT_MODEL_TABLE_H
#define RT_MODEL_TABLE_H

#include "retrain/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct rt_table_row {
    const uint8_t *key; /* not empty but for the first row; no 0 behind it */
    size_t key_size;
    const uint8_t *value;
    size_t value_size;
    int in_file;    /* the value lies in the bytes walked over and stays, since its block is not compressed */
    int64_t offset; /* of the block it stands in, for messages */
} rt_table_row;

/* Sees one row; its bytes are gone after the call.  An error ends the walk. */
typedef rt_code rt_table_visit(void *context, const rt_table_row *row, rt_error *err);

/* Whether the bytes end as a sorted table does. */
int rt__table_probe(const void *bytes, size_t size);

/* Visits all rows in rising order of their keys.  Blocks may be compressed with snappy; their checksums are
 * verified.
 *   RT_EFORMAT      err->offset says where
 *   RT_EUNSUPPORTED a compression that is neither none nor snappy
 *   RT_ELIMIT       a block above 1 GiB, a key above 64 KiB
 *   RT_ENOMEM, and what visit returns
 * Source: doc/table_format.md of leveldb; table_format.txt of TensorFlow. */
rt_code rt__table_walk(const void *bytes, size_t size, rt_table_visit *visit, void *context, rt_error *err);

#endif
