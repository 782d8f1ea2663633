/* Unpacks an archive that is not trusted into a folder. */
#ifndef RT_HUB_UNPACK_H
#define RT_HUB_UNPACK_H

#include "retrain/error.h"
#include "retrain/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 means the default given here. */
typedef struct rt_unpack_limits {
    uint64_t bytes;   /* of all files together once unpacked: 16 GiB   */
    uint64_t entries; /* files and folders: 4,000,000                  */
} rt_unpack_limits;

/* Unpacks a tar of any compression libarchive knows (or a zip), file by file.
 *   archive  path of the archive file; told apart by content
 *   folder   an existing folder; nothing is ever written outside it
 *   limits   NULL for all defaults
 *   progress NULL or told bytes of the archive read so far ("unpacking")
 * Only files and folders are taken.  As tensorflow_hub does, a leading "/" is dropped, names are normalised,
 * a name that leads out of the folder is refused and so are links and devices.  Permissions, owners and times
 * are not taken over.  After an error the folder holds what came before it: it is the caller's to remove.
 *   RT_EFORMAT   not an archive, cut off, or with an entry that is refused; err->cause names it
 *   RT_ELIMIT    above limits
 *   RT_EIO, RT_ENOTFOUND, RT_ENOMEM
 * Source: extract_tarfile_to_destination() and merge_relative_path() in hub's file_utils.py. */
rt_code rt__unpack(const char *archive, const char *folder, const rt_unpack_limits *limits,
                   const rt_progress *progress, rt_error *err);

/* Whether a file's bytes begin as a .tar or a .tar.gz does: cheap, and no promise that they are whole. */
bool rt__is_archive(const void *bytes, size_t size);

/* Removes a folder and all in it, without following links; a missing one is fine. */
rt_code rt__folder_remove(const char *folder, rt_error *err);

/* A new private folder below $TMPDIR or /tmp; *folder is owned by the caller (free). */
rt_code rt__folder_temporary(char **folder, rt_error *err);

#endif
