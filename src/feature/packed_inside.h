/* What packed.c and packed_store.c share. */
#ifndef RT_FEATURE_PACKED_INSIDE_H
#define RT_FEATURE_PACKED_INSIDE_H

#include "packed.h"

#include "base/buffer.h"

#include <pthread.h>
#include <stdatomic.h>

enum { RT_PACKED_ROWS = 1024, RT_PACKED_BATCH = 1 << 22 /* bytes */ };

/* What was added and is to be stored. */
typedef struct rt_packed_batch {
    size_t n;
    rt_packed_note notes[RT_PACKED_ROWS];
    rt_place *places[RT_PACKED_ROWS];
    float *values;
    rt_buffer files; /* keys and values of "F" records, each behind its two sizes */
    int64_t since_ns;
} rt_packed_batch;

/* A file of the cache. */
typedef struct rt_packed_part {
    rt_kv *kv;
    atomic_uint_fast32_t number; /* of the module; 0: it is not in the file yet */
    rt_kv_txn *view;
    uintptr_t low, high; /* where the vectors that are viewed lie */
} rt_packed_part;

struct rt_packed {
    rt_packed_part *files; /* [n_files]: own, then those that are only read */
    size_t n_files;
    rt_packed_part *own;
    rt_packed_module module;
    char *name, *folder; /* folder: the present one, for relative paths */
    size_t batch_rows;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t stored;
    rt_packed_batch *pending, *spare; /* spare is NULL while a thread stores it */
};

typedef struct rt_packed_search {
    const uint8_t *digest;
    uint32_t number;
    rt_packed_module_record record;
} rt_packed_search;

/* number 0: the file does not have the module yet. */
rt_code rt__packed_find_module(const rt_packed *packed, rt_kv_txn *txn, rt_packed_search *search,
                               rt_error *err);
/* What the index has for a photo, where its vector is good. */
rt_code rt__packed_find_in(const rt_packed *packed, rt_kv *kv, rt_kv_txn *txn, uint32_t module,
                           const uint8_t *photo, rt_packed_spot *spot, bool *damaged, rt_error *err);
/* Whether the row is the photo's, and its vector whole. */
bool rt__packed_holds(const rt_packed *packed, rt_kv *kv, const rt_packed_parts *parts, uint32_t row,
                      const uint8_t *photo);
/* Whether a file's record is of the file as it is now, which `now` says but for the photo.  Then *path is
 * where it was seen last, not terminated. */
bool rt__packed_recognize(rt_span record, const rt_packed_known *now, uint8_t photo[RT_PHOTO_BYTES],
                          rt_span *path);
/* Whether another file than this, or none, is now where path says it was seen last. */
bool rt__packed_left(uint64_t device, uint64_t inode, rt_span path);
/* Adds what a file holds to what is to be stored. */
rt_code rt__packed_note_file(rt_packed *packed, const rt_file_info *file, const char *path,
                             const uint8_t *photo, rt_error *err);

#endif
