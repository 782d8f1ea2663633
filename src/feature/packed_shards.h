/* The files of a folder's packed cache: retrain.mdb and, where several processes worked on a run
 * (dist/comm.h), retrain.N.mdb of the one with number N.  Each process writes to one of them and reads all.
 */
#ifndef RT_FEATURE_PACKED_SHARDS_H
#define RT_FEATURE_PACKED_SHARDS_H

#include "base/buffer.h"

#define RT_PACKED_NAME "retrain.mdb"

/* Start from {0}; give back with rt__packed_shards_clear(). */
typedef struct rt_packed_shards {
    char **paths; /* retrain.mdb first, then by number */
    size_t n;
} rt_packed_shards;

/* Those that are there; none where there is no folder. */
rt_code rt__packed_shards_list(const char *folder, rt_packed_shards *shards, rt_error *err);
void rt__packed_shards_clear(rt_packed_shards *shards);

/* The name of a process's own file, in the folder; replaces what the buffer held.  NULL when memory is out.
 */
const char *rt__packed_shard_name(rt_buffer *name, int rank);

#endif
