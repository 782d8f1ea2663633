/* What an open bundle is inside: shared by bundle.c (V2's index), bundle_v1.c (V1's tables) and bundle_read.c
 * (values). */
#ifndef RT_MODEL_BUNDLE_INSIDE_H
#define RT_MODEL_BUNDLE_INSIDE_H

#include "base/file.h"
#include "bundle.h"

struct Tf__TensorSliceProto;
struct Tf__TensorShapeProto;
struct Tf__VersionDef;

typedef struct rt_shard {
    rt_map *map;
    char *path; /* in the arena */
} rt_shard;

typedef struct rt_bundle_entry {
    rt_variable variable; /* first; of a slice: its name is the whole key, with zero bytes in it */
    size_t key_size;
    size_t n_slices;
    struct Tf__TensorSliceProto **slices;
    /* V1: the values, a SavedTensorSlices message in a shard or in the arena.  NULL in V2, and for a variable
     * that is stored in parts. */
    const uint8_t *packed;
    size_t packed_size;
} rt_bundle_entry;

/* Growing list, sorted by key once the bundle is open. */
typedef struct rt_bundle_list {
    rt_bundle_entry *entries;
    size_t count, capacity;
} rt_bundle_list;

struct rt_bundle {
    rt_arena *arena;
    rt_shard *shards;
    uint32_t n_shards;
    rt_bundle_list variables, slices;
    const char *format; /* static text */
    const char *index;  /* V2: path of the index, in the arena; what is wrong with the parts of a variable
                           stands there */
};

/* Appends an entry of that key, which is copied into the arena.
 *   RT_ELIMIT  too many of them */
rt_code rt__bundle_append(rt_bundle *bundle, rt_bundle_list *list, const void *key, size_t size,
                          rt_bundle_entry **entry, rt_error *err);
/* Sets what a message says of an entry's type and shape.  RT_EUNSUPPORTED for too many dimensions. */
rt_code rt__bundle_set_type(rt_bundle_entry *entry, int32_t dtype, const struct Tf__TensorShapeProto *shape,
                            rt_error *err);
/* RT_EUNSUPPORTED for a version we do not know. */
rt_code rt__bundle_check_version(const struct Tf__VersionDef *version, rt_error *err);
/* Makes room for count shards, then maps one file. */
rt_code rt__bundle_shards(rt_bundle *bundle, uint32_t count, rt_error *err);
rt_code rt__bundle_map(rt_bundle *bundle, uint32_t shard, const char *path, rt_error *err);

/* Fills an empty bundle from V1's files. */
rt_code rt__bundle_open_v1(rt_bundle *bundle, const char *prefix, rt_error *err);
/* Whether there are such files. */
bool rt__bundle_is_v1(const char *prefix);

const rt_bundle_entry *rt__bundle_search(const rt_bundle_list *list, const void *key, size_t size);

#endif
