/* What an open bundle is inside: shared by bundle.c (index) and bundle_read.c (values). */
#ifndef RT_MODEL_BUNDLE_INSIDE_H
#define RT_MODEL_BUNDLE_INSIDE_H

#include "base/file.h"
#include "bundle.h"

struct Tf__TensorSliceProto;

typedef struct rt_shard {
    rt_map *map;
    char *path; /* in the arena */
} rt_shard;

typedef struct rt_bundle_entry {
    rt_variable variable; /* of a slice: its name is the whole key, with zero bytes in it */
    size_t key_size;
    size_t n_slices;
    struct Tf__TensorSliceProto **slices;
} rt_bundle_entry;

/* Growing list, sorted because the table is. */
typedef struct rt_bundle_list {
    rt_bundle_entry *entries;
    size_t count, capacity;
} rt_bundle_list;

struct rt_bundle {
    rt_arena *arena;
    rt_shard *shards;
    uint32_t n_shards;
    rt_bundle_list variables, slices;
};

const rt_bundle_entry *rt__bundle_search(const rt_bundle_list *list, const void *key, size_t size);

#endif
