/* A checkpoint of TensorFlow's, in either format.
 *   V2 ("tensor bundle")  PREFIX.index, a sorted table of what there is, and PREFIX.data-0000I-of-0000N, the
 * bytes V1                    PREFIX, or PREFIX-0000I-of-0000N: sorted tables with the values in them */
#ifndef RT_MODEL_BUNDLE_H
#define RT_MODEL_BUNDLE_H

#include "graph/graph.h"

typedef struct rt_bundle rt_bundle; /* read only once open; threads may share it */

typedef struct rt_variable {
    const char *name;
    rt_dtype dtype;
    rt_shape shape;
    uint32_t shard;
    uint64_t offset; /* in the shard's file; of V1 the block's */
    uint64_t size;   /* bytes: what dtype and shape want; of strings those stored */
    uint32_t crc;    /* V2: of its bytes, masked */
    bool sliced;     /* stored in parts: partitioned variables */
} rt_variable;

/* Maps the files and checks every entry's place; the values of V2 are checked when they are asked for. Errors
 * name the file at fault.
 *   prefix  as in the file `checkpoint`; of a V1 checkpoint in parts also PREFIX-?????-of-0000N
 *   RT_ENOTFOUND  a file is missing
 *   RT_EFORMAT    damaged or cut off
 * Source: tensor_bundle.proto, tensor_bundle.cc, saved_tensor_slice.proto, tensor_slice_reader.cc of
 * TensorFlow. */
rt_code rt__bundle_open(const char *prefix, rt_bundle **bundle, rt_error *err);
void rt__bundle_close(rt_bundle *bundle); /* NULL is allowed */

/* Whether files of a checkpoint of that prefix are there: cheap, and no promise that they are whole. */
bool rt__bundle_exists(const char *prefix);

/* The length of the prefix that names the graph's file: without the -?????-of-0000N of a V1 checkpoint. */
size_t rt__bundle_base(const char *prefix);

const char *rt__bundle_format(const rt_bundle *bundle); /* "V1" or "V2" */
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
