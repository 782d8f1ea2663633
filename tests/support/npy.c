#include "npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Points behind "'key': " in the header, or NULL. */
static const char *value_of(const char *header, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s': ", key);
    const char *at = strstr(header, quoted);
    return at != NULL ? at + strlen(quoted) : NULL;
}

static bool read_dims(const char *shape, struct npy *out)
{
    out->count = 1;
    if (*shape++ != '(')
        return false;
    while (*shape != ')') {
        char *end;
        if (out->rank == NPY_MOST_DIMS)
            return false;
        unsigned long long dim = strtoull(shape, &end, 10);
        if (end == shape)
            return false;
        out->dims[out->rank++] = (size_t)dim;
        out->count *= (size_t)dim;
        shape = end + strspn(end, ", ");
    }
    return true;
}

static bool read_header(const char *header, struct npy *out)
{
    const char *type = value_of(header, "descr"), *order = value_of(header, "fortran_order");
    const char *shape = value_of(header, "shape");
    if (type == NULL || order == NULL || shape == NULL || strncmp(order, "False", 5) != 0)
        return false;
    if (sscanf(type, "'%7[^']'", out->dtype) != 1 || !read_dims(shape, out))
        return false;
    out->bytes = out->count * (size_t)strtoul(out->dtype + 2, NULL, 10);
    return true;
}

static bool read_file(FILE *file, struct npy *out)
{
    unsigned char start[10];
    char header[65536];
    if (fread(start, 1, sizeof start, file) != sizeof start || memcmp(start, "\x93NUMPY\x01\x00", 8) != 0)
        return false;
    size_t length = start[8] | (size_t)start[9] << 8;
    if (fread(header, 1, length, file) != length)
        return false;
    header[length] = 0;
    if (!read_header(header, out))
        return false;
    out->data = malloc(out->bytes > 0 ? out->bytes : 1);
    return out->data != NULL && fread(out->data, 1, out->bytes, file) == out->bytes;
}

bool npy_read(const char *path, struct npy *out)
{
    *out = (struct npy){0};
    FILE *file = fopen(path, "rb");
    bool ok = file != NULL && read_file(file, out);
    if (file != NULL)
        fclose(file);
    if (!ok) {
        fprintf(stderr, "cannot read %s as a .npy file\n", path);
        npy_free(out);
    }
    return ok;
}

void npy_free(struct npy *array)
{
    free(array->data);
    *array = (struct npy){0};
}
