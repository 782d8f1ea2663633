/* What the files that list, verify and prune the packed cache share. */
#ifndef RT_FEATURE_PACKED_ADMIN_H
#define RT_FEATURE_PACKED_ADMIN_H

#include "packed_records.h"

/* Opens folder/retrain.mdb, which must be there. */
rt_code rt__packed_admin_open(const char *folder, rt_kv **kv, rt_error *err);

/* Numbers of the blocks, rising; owned by the caller. */
rt_code rt__packed_admin_blocks(rt_kv *kv, uint32_t **blocks, size_t *n, rt_error *err);

#endif
