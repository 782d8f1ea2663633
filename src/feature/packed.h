/* The packed cache: vectors of any number of networks and data sets in one file, or in one for each process
 * of a run on several machines (packed_shards.h): one is written to, all are read.
 *
 * A vector is found by what it was made from, the SHA-256 of the photo's bytes and that of the network with
 * its preprocessing; names and places of photos do not matter.  So that a photo need not be read to be known,
 * the cache remembers which file had which content, by device, inode, size and times of the last change.
 *
 * Layout: packed_records.h. */
#ifndef RT_FEATURE_PACKED_H
#define RT_FEATURE_PACKED_H

#include "base/file.h"
#include "packed_records.h"
#include "packed_shards.h"

typedef struct rt_packed rt_packed;

/* Which network. */
typedef struct rt_packed_module {
    uint8_t digest[RT_NETWORK_BYTES];
    size_t feature_size;
    const char *name; /* as the user calls it; told by "cache list" */
    int rank;         /* of the process, which says the file that it writes to */
} rt_packed_module;

/* A new vector, and what is known of its photo. */
typedef struct rt_packed_row {
    const uint8_t *photo; /* its SHA-256 */
    const float *values;  /* copied */
    rt_vector_source source;
    rt_place *place; /* written once it is stored; must be there until then */
} rt_packed_row;

/* The folder's files; errors of rt__kv_open().  module is copied. */
rt_code rt__packed_open(const char *folder, const rt_packed_module *module, rt_packed **packed,
                        rt_error *err);
/* What was added and not flushed is lost. */
void rt__packed_close(rt_packed *packed);
bool rt__packed_writable(const rt_packed *packed);

/* ---- while vectors are collected; threads may call these at once ---- */

/* A photo's file, as it is now. */
typedef struct rt_packed_file {
    uint64_t device, inode, size;
    int64_t mtime_ns, ctime_ns;
    uint32_t path_crc; /* rt__packed_path_crc() */
    uint32_t number;   /* the caller's */
    uint8_t photo[RT_PHOTO_BYTES];
    rt_place place; /* written: where its vector is */
} rt_packed_file;
/* What rt__packed_recall() and rt__packed_find() would give, for many files.  A place of block 0 says no more
 * than that it takes a closer look: the file may have moved, its vector may be damaged, or another file than
 * the one that is written to may have it. */
rt_code rt__packed_known(rt_packed *packed, rt_packed_file *files, size_t n, rt_error *err);
/* CRC-32C of the absolute path. */
uint32_t rt__packed_path_crc(const rt_packed *packed, const char *path);

/* The content of a file where it is known, else *known is false. */
rt_code rt__packed_recall(rt_packed *packed, const rt_file_info *file, const char *path,
                          uint8_t photo[RT_PHOTO_BYTES], bool *known, rt_error *err);
/* Notes what a file holds that was opened at opened_ns (nanoseconds since 1970); not where it had changed a
 * moment before: it could change once more without its times telling. */
rt_code rt__packed_remember(rt_packed *packed, const rt_file_info *file, int64_t opened_ns, const char *path,
                            const uint8_t photo[RT_PHOTO_BYTES], rt_error *err);
/* place->block is 0 where there is none; *damaged, where there was one whose bytes have changed. */
rt_code rt__packed_find(rt_packed *packed, const uint8_t photo[RT_PHOTO_BYTES], rt_place *place,
                        bool *damaged, rt_error *err);
/* Stores it with others, at the latest when the next is added a quarter of a second later. */
rt_code rt__packed_add(rt_packed *packed, const rt_packed_row *row, rt_error *err);
/* Stores all that is left, and that the network was used today. */
rt_code rt__packed_flush(rt_packed *packed, rt_error *err);

/* ---- and then ---- */

/* Points to the vectors in the mapped file, good until the cache is closed; places of block 0 are left alone.
 * Nothing can be added any more. */
typedef struct rt_packed_view {
    const rt_place *places; /* [n] */
    const float **vectors;  /* [n], written */
    uint32_t *crcs;         /* [n], written: CRC-32C of each vector */
    size_t n;
} rt_packed_view;
rt_code rt__packed_view(rt_packed *packed, const rt_packed_view *view, rt_error *err);
/* Ends it: the pointers are no longer good, and vectors can be added again. */
void rt__packed_leave(rt_packed *packed);
/* Copies one of them: see rt__kv_fetch(). */
void rt__packed_fetch(const rt_packed *packed, const float *vector, float *to);

#endif
