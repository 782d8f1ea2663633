/* Keys and values in one file that survives crashes: LMDB behind a few calls, so that lmdb.h stands in one
 * file.
 *
 * Any number of processes may share the file; one writes at a time.  A change is there whole or not at all,
 * also after kill -9 and a loss of power (which may undo the last change).  Beside the file stands its lock
 * file, "<path>-lock". */
#ifndef RT_FEATURE_KV_H
#define RT_FEATURE_KV_H

#include "retrain/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rt_kv rt_kv;
/* What was committed when it began, or a change under way.  One thread at a time. */
typedef struct rt_kv_txn rt_kv_txn;

typedef struct rt_span {
    const void *bytes;
    size_t size;
} rt_span;

/* Opens the file, or makes it where its folder can be written to.
 *   map_bytes  room to begin with, grows as it must; 0: a sensible size
 *   to_read    never makes nor writes it
 *   RT_ENOTFOUND     no such file, and none can be made
 *   RT_EFORMAT       not such a file, or a damaged one
 *   RT_EUNSUPPORTED  on a file system of another machine, where LMDB is not safe
 *   RT_EIO, RT_ENOMEM, RT_ELIMIT (more than this machine can address) */
rt_code rt__kv_open(const char *path, size_t map_bytes, bool to_read, rt_kv **kv, rt_error *err);
void rt__kv_close(rt_kv *kv);
/* False where folder or file cannot be written to: reading works all the same. */
bool rt__kv_writable(const rt_kv *kv);
const char *rt__kv_path(const rt_kv *kv);
/* Bytes of the file that hold something, and its size. */
void rt__kv_size(const rt_kv *kv, uint64_t *used, uint64_t *size);

/* What it gives stays where it is until the end.  A thread that holds one must not write. */
rt_code rt__kv_begin(rt_kv *kv, rt_kv_txn **txn, rt_error *err);
void rt__kv_end(rt_kv_txn *txn);

/* value->bytes is NULL where there is no such key. */
rt_code rt__kv_get(rt_kv_txn *txn, rt_span key, rt_span *value, rt_error *err);
/* Calls visit for the keys that begin with prefix, in byte order, from the first that is not below from
 * (NULL: from the first); visit sets *stop to end it. In a change, visit must not change anything. */
typedef rt_code rt_kv_visit(void *context, rt_span key, rt_span value, bool *stop, rt_error *err);
rt_code rt__kv_each(rt_kv_txn *txn, rt_span prefix, const rt_span *from, rt_kv_visit *visit, void *context,
                    rt_error *err);
/* Adds the number of keys that begin with prefix to *n. */
rt_code rt__kv_count(rt_kv_txn *txn, rt_span prefix, uint64_t *n, rt_error *err);

/* Runs change and commits what it did; where the file must grow first, change runs again from the start.
 * Nothing of a change that fails is kept.
 *   RT_EIO  ENOSPC among others: the file is as it was */
typedef rt_code rt_kv_change(void *context, rt_kv_txn *txn, rt_error *err);
rt_code rt__kv_write(rt_kv *kv, rt_kv_change *change, void *context, rt_error *err);
rt_code rt__kv_put(rt_kv_txn *txn, rt_span key, rt_span value, rt_error *err);
/* Room of size bytes for the value, to be filled before anything else is done. */
rt_code rt__kv_reserve(rt_kv_txn *txn, rt_span key, size_t size, void **room, rt_error *err);
/* No error where there is no such key. */
rt_code rt__kv_delete(rt_kv_txn *txn, rt_span key, rt_error *err);

/* Makes a file smaller that has room for more than it holds.  It must not be open here; *in_use when another
 * process has it open: then it stays as it is.  *bytes: its size. */
rt_code rt__kv_compact(const char *path, bool *in_use, uint64_t *bytes, rt_error *err);
/* Its first half: a copy without the room, for when nobody writes. */
rt_code rt__kv_copy(const char *path, const char *to, rt_error *err);

/* Tells of bytes of a value that were read, besides its first, so that of a large file only a part stays in
 * the process's memory: see resident.h.  Threads may call it. */
void rt__kv_touched(rt_kv *kv, const void *bytes, size_t size);
/* Copies bytes of a value, of a view that has not ended, without making them part of the process's memory:
 * quicker than touching them where they are few and lie anywhere in a large file.  Threads may call it. */
void rt__kv_fetch(rt_kv *kv, const void *bytes, size_t size, void *to);

#endif
