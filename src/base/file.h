/* Files: read whole, mapped, or written so that they appear whole or not at all. */
#ifndef RT_BASE_FILE_H
#define RT_BASE_FILE_H

#include "buffer.h"
#include "retrain/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { RT_PATH_BYTES = 4096 /* room for a path: Linux's PATH_MAX */ };

/* A file mapped read-only. */
typedef struct rt_map {
    const uint8_t *bytes; /* NULL for an empty file */
    size_t size;
} rt_map;

rt_code rt__map_open(rt_map **map, const char *path, rt_error *err); /* sets err->path itself */
void rt__map_close(rt_map *map);

/* Appends a whole file to a buffer; RT_ELIMIT above most bytes (0: no limit).  One open, one fstat, one read:
 * use it for many small files, where mapping costs more than reading.  Fills *info where it is not NULL. */
typedef struct rt_file_info {
    uint64_t size;
    int64_t mtime_ns; /* last change of content, nanoseconds since 1970 */
    int64_t ctime_ns; /* last change of content, name or rights; cannot be set by hand */
    uint64_t device, inode;
    bool is_folder;
} rt_file_info;
rt_code rt__file_read(rt_buffer *buffer, const char *path, size_t most, rt_file_info *info, rt_error *err);
rt_code rt__file_info(const char *path, rt_file_info *info, rt_error *err); /* follows links */
bool rt__file_exists(const char *path);
/* Whether it lies, or would lie, on a file system of another machine. */
bool rt__file_is_remote(const char *path);

/* Writes a temporary file beside path and renames it over path.  After a failure path is as it was and the
 * temporary file is gone.  durable: fsync before the rename (for results; a cache entry does not need it). */
rt_code rt__file_write(const char *path, const void *bytes, size_t size, bool durable, rt_error *err);

/* The same piece by piece, for what is too large to hold twice. */
typedef struct rt_writer {
    int fd;
    rt_buffer path, temporary;
    uint64_t bytes; /* written so far */
} rt_writer;
rt_code rt__writer_open(rt_writer *writer, const char *path, rt_error *err);
rt_code rt__writer_add(rt_writer *writer, const void *bytes, size_t size, rt_error *err);
/* Renames into place when code is RT_OK and all goes well, else removes the temporary file; frees. */
rt_code rt__writer_close(rt_writer *writer, rt_code code, bool durable, rt_error *err);

/* Makes a folder and those above it; one that is there already is fine. */
rt_code rt__folder_make(const char *path, rt_error *err);

/* False also when it cannot be listed. */
bool rt__folder_is_empty(const char *path);

/* Whether a file could be written at path: the nearest existing folder above it is writable and path is not
 * a folder, or path is a writable file.  Creates nothing. */
rt_code rt__file_check_writable(const char *path, rt_error *err);

/* "folder/name" in the buffer, replacing what it held; no doubled slash. */
const char *rt__path_join(rt_buffer *buffer, const char *folder, const char *name);
/* Behind the last slash. */
const char *rt__path_name(const char *path);

#endif
