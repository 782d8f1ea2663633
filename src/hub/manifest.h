/* The list of files of an unpacked archive, kept beside its folder: "<bytes> <path>\n" a line. */
#ifndef RT_HUB_MANIFEST_H
#define RT_HUB_MANIFEST_H

#include "base/buffer.h"

#include <stdbool.h>

/* Appends the list of all files below folder, sorted. */
rt_code rt__manifest_list(const char *folder, rt_buffer *text, rt_error *err);

/* Whether every file of the list is below folder with its size; further files do not matter. */
bool rt__manifest_holds(const char *folder, const char *text);

/* Whether a folder that came without a list looks whole: it is not empty, and no folder in it is, but
 * assets/. */
bool rt__folder_looks_whole(const char *folder);

/* Bytes of all files below folder; 0 when it is not there. */
uint64_t rt__folder_bytes(const char *folder);

#endif
