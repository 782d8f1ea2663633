/* Reads NumPy's .npy files, version 1.0, C order, little-endian. */
#ifndef TESTS_SUPPORT_NPY_H
#define TESTS_SUPPORT_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NPY_MOST_DIMS = 8 };

struct npy {
    char dtype[8]; /* "<f4", "|u1", ... as in the file */
    size_t rank;
    size_t dims[NPY_MOST_DIMS];
    size_t count; /* elements */
    size_t bytes; /* of all elements */
    void *data;   /* owned; aligned for any type */
};

/* Whole file or nothing: false, with a line on stderr, when it is missing, cut short or of another kind. */
bool npy_read(const char *path, struct npy *out);
void npy_free(struct npy *array); /* a zeroed one is fine */

#endif
