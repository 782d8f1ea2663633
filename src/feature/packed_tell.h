/* What a process tells the others of its packed cache. */
#ifndef RT_FEATURE_PACKED_TELL_H
#define RT_FEATURE_PACKED_TELL_H

#include "packed.h"

/* The first bytes of a digest stand for it where a mistake would be noticed. */
uint64_t rt__packed_head(const uint8_t *digest);

size_t rt__packed_n_files(const rt_packed *packed);
/* The same number for two processes that see the same file while nobody writes to it, and hardly ever for
 * others. */
rt_code rt__packed_file_id(const rt_packed *packed, size_t file, uint64_t *id, rt_error *err);

/* A vector of the network. */
typedef struct rt_packed_key_of {
    uint64_t photo; /* head of its SHA-256 */
    rt_place place;
    uint32_t crc;  /* of the vector */
    uint32_t rank; /* whose place it is */
} rt_packed_key_of;

/* Appends all of a file's; rank is left 0. */
rt_code rt__packed_tell_vectors(const rt_packed *packed, size_t file, rt_buffer *keys, rt_error *err);
/* Appends the head of the SHA-256 of the path of each photo that is known without reading it. */
rt_code rt__packed_tell_paths(const rt_packed *packed, size_t file, rt_buffer *heads, rt_error *err);
/* The same of one path, which may be relative. */
rt_code rt__packed_path_head(const rt_packed *packed, const char *path, uint64_t *head, rt_error *err);

/* What is known of a stored vector and, where values is not NULL, the vector itself.
 *   RT_EFORMAT  it is gone or damaged */
rt_code rt__packed_get(rt_packed *packed, const rt_place *place, rt_packed_note *note, float *values,
                       rt_error *err);

#endif
