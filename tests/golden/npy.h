/* Reads the little-endian .npy files (version 1.0, C order) of the goldens. */
#ifndef RT_TESTS_NPY_H
#define RT_TESTS_NPY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct npy {
    char type[4]; /* as numpy writes it: "<f4", "<i4", "|u1" */
    int rank;
    size_t shape[8], count; /* count: product of shape */
    void *values;           /* owned: free() */
} npy;

/* The text behind key's colon, which numpy writes as "'key': ". */
static inline const char *npy_field(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    return at == NULL ? NULL : at + strlen(key);
}

static inline int npy_header(npy *array, const char *header)
{
    const char *type = npy_field(header, "'descr': '"), *order = npy_field(header, "'fortran_order': ");
    const char *shape = npy_field(header, "'shape': (");
    if (type == NULL || order == NULL || shape == NULL || strncmp(order, "False", 5) != 0)
        return 0;
    memcpy(array->type, type, 3);
    array->count = 1;
    while (*shape != ')' && array->rank < 8) {
        char *end;
        array->shape[array->rank] = strtoul(shape, &end, 10);
        array->count *= array->shape[array->rank++];
        shape = end + strspn(end, ", ");
    }
    return 1;
}

/* 1 on success; 0 (and values NULL) when the file is not there or is something else. */
static inline int npy_read(npy *array, const char *path)
{
    unsigned char start[10];
    char header[4096] = "";
    size_t length, bytes;
    FILE *file = fopen(path, "rb");
    memset(array, 0, sizeof *array);
    if (file == NULL)
        return 0;
    if (fread(start, 1, sizeof start, file) == sizeof start && memcmp(start, "\x93NUMPY\1", 7) == 0) {
        length = start[8] + 256U * start[9];
        if (length < sizeof header && fread(header, 1, length, file) == length && npy_header(array, header)) {
            bytes = array->count * (size_t)(array->type[2] - '0');
            array->values = malloc(bytes + 1);
            if (array->values != NULL && fread(array->values, 1, bytes, file) != bytes) {
                free(array->values);
                array->values = NULL;
            }
        }
    }
    fclose(file);
    return array->values != NULL;
}

/* As npy_read, for a file below $RETRAIN_SHARED/reference/golden. */
static inline int npy_read_golden(npy *array, const char *name)
{
    char path[1024];
    const char *shared = getenv("RETRAIN_SHARED");
    snprintf(path, sizeof path, "%s/reference/golden/%s", shared == NULL ? "../shared" : shared, name);
    return npy_read(array, path);
}

#endif
