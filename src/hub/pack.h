/* Writes a .tar.gz, as modules are handed out. */
#ifndef RT_HUB_PACK_H
#define RT_HUB_PACK_H

#include "retrain/error.h"

#include <stddef.h>

typedef struct rt_packed_file {
    const char *name; /* ending in "/": a folder */
    const void *bytes;
    size_t size;
} rt_packed_file;

/* The archive appears whole or not at all; the same files give the same bytes. */
rt_code rt__pack(const char *archive, const rt_packed_file *files, size_t n_files, rt_error *err);

#endif
