/* A checkpoint in TensorFlow's V2 format ("tensor bundle"): PREFIX.index, a sorted table of what there is,
 * and PREFIX.data-0000I-of-0000N, the bytes. */
#ifndef RT_MODEL_BUNDLE_H
#define RT_MODEL_BUNDLE_H

#include "graph/graph.h"

typedef struct rt_bundle rt_bundle; /* read only once open; threads may share it */

typedef struct rt_variable {
    const char *name;
    rt_dtype dtype;
    rt_shape shape;
    uint32_t shard;
    uint64_t offset, size; /* in the shard's file; inside it, and what dtype and shape want */
    uint32_t crc;          /* of its bytes, masked */
    bool sliced;           /* stored in parts: partitioned variables */
} rt_variable;

/* Maps the index and the data files and checks every entry's place; contents are checked when they are asked
 * for.  Errors name the file at fault.
 *   RT_ENOTFOUND  a file is missing
 *   RT_EFORMAT    damaged or cut off
 * Source: tensor_bundle.proto, tensor_bundle.cc of TensorFlow. */
rt_code rt__bundle_open(const char *prefix, rt_bundle **bundle, rt_error *err);
void rt__bundle_close(rt_bundle *bundle); /* NULL is allowed */

/* In rising byte order of their names. */
size_t rt__bundle_count(const rt_bundle *bundle);
const rt_variable *rt__bundle_variable(const rt_bundle *bundle, size_t index);
/* NULL when there is none. */
const rt_variable *rt__bundle_find(const rt_bundle *bundle, const char *name);

/* The value of a variable, its checksum verified.  It points into the mapped file, or, where it must be put
 * together (strings, slices), into arena.
 *   RT_EFORMAT       the bytes are damaged; err->path and err->offset say where
 *   RT_EUNSUPPORTED  a type without a size */
rt_code rt__bundle_read(const rt_bundle *bundle, const rt_variable *variable, rt_arena *arena,
                        rt_tensor *tensor, rt_error *err);

#endif
