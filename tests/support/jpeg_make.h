/* Drawn JPEG files, of kinds that photos have and of kinds they hardly have. */
#ifndef SUPPORT_JPEG_MAKE_H
#define SUPPORT_JPEG_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum jpeg_colours { JPEG_COLOURS, JPEG_GRAY, JPEG_INK } jpeg_colours;

typedef struct jpeg_kind {
    const char *name;
    jpeg_colours colours;
    int across, down; /* sampling factors of the first component; the others have 1 */
    bool progressive;
    unsigned restart; /* blocks between restart markers; 0: none */
} jpeg_kind;

/* A file of width x height, owned by the caller; a ramp, with noise of that seed on it where it is not 0. The
 * image is made line by line: however large, it takes little memory. */
uint8_t *jpeg_make(const jpeg_kind *kind, int32_t width, int32_t height, uint64_t seed, size_t *size);

#endif
