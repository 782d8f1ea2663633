/* What the files that list, verify and prune the packed cache share. */
#ifndef RT_FEATURE_PACKED_ADMIN_H
#define RT_FEATURE_PACKED_ADMIN_H

#include "packed_records.h"
#include "packed_shards.h"

/* The folder's files; RT_ENOTFOUND where there is none. */
rt_code rt__packed_admin_files(const char *folder, rt_packed_shards *files, rt_error *err);
/* Opens one of them. */
rt_code rt__packed_admin_open(const char *path, rt_kv **kv, rt_error *err);

/* The number in this file of the network with that digest, as in rt_bottleneck_module; 0: it has none. */
rt_code rt__packed_admin_number(const char *path, const char *digest, uint32_t *number, rt_error *err);

/* Numbers of the blocks, rising; owned by the caller. */
rt_code rt__packed_admin_blocks(rt_kv *kv, uint32_t **blocks, size_t *n, rt_error *err);

#endif
