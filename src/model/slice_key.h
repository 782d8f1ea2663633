/* The key under which a bundle stores one part of a partitioned variable. */
#ifndef RT_MODEL_SLICE_KEY_H
#define RT_MODEL_SLICE_KEY_H

#include "base/buffer.h"

/* Replaces what key held.
 *   start, length  [rank]; length -1 for a whole axis
 * Source: EncodeTensorNameSlice() in TensorFlow's naming.cc, ordered_code.cc. */
void rt__slice_key(rt_buffer *key, const char *name, size_t rank, const int64_t *start,
                   const int64_t *length);

#endif
