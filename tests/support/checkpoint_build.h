/* Checkpoints small enough to be written for one test, right or wrong in one place. */
#ifndef TESTS_SUPPORT_CHECKPOINT_BUILD_H
#define TESTS_SUPPORT_CHECKPOINT_BUILD_H

#include "base/buffer.h"
#include "graph/graph.h"

/* A part of a float or string variable as it is stored; rows of one variable stand together. */
typedef struct built_slice {
    const char *name;
    int rank;
    int64_t shape[2], start[2], length[2]; /* length -1: the whole axis */
    const float *values;
    const char *const *texts; /* instead of values: strings */
    size_t n;
    bool not_stored; /* listed, but without a row */
} built_slice;

/* A V1 table of these slices; compressed: its data block, with snappy. */
void built_v1(rt_buffer *table, const built_slice *slices, size_t n, bool compressed);
/* V2: the index and the data of one file.  Every slice is stored as a part; only floats.
 * Behind the values stand 64 bytes that nobody asks for. */
void built_v2(rt_buffer *index, rt_buffer *data, const built_slice *slices, size_t n);

#endif
