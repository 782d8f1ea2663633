/* A folder of unpacked archives that several processes fill, ours and tensorflow_hub's alike.
 *
 * Layout (resolver.py of tensorflow_hub 0.12), for an entry named N:
 *   N/                 the unpacked archive; there only when complete, since it is renamed into place
 *   N.descriptor.txt   "Module: <handle>\nDownload Time: <time>\nDownloader Hostname: <host> (PID:<n>)"
 *   N.lock             "<host>.<pid>.<uuid>" while somebody fills it
 *   N.<uuid>.tmp/      what that somebody has so far
 *   N.files.txt        ours alone: "<bytes> <path>" a line; an entry that lost files is fetched again
 * An entry that tensorflow_hub made has no files.txt: it is good when saved_model.pb is there and no folder
 * in it is empty (cleaners of /tmp remove old files and leave the folders). assets/ may be empty. */
#ifndef RT_HUB_CACHE_H
#define RT_HUB_CACHE_H

#include "download.h"
#include "unpack.h"

#include <stdbool.h>

typedef struct rt_cache {
    const char *root; /* made when missing */
    const rt_log *log;
    const rt_progress *progress;
    rt_download_options download;
    rt_unpack_limits limits;
    unsigned poll_ms;       /* how often a lock of another process is looked at: 1000 */
    unsigned stale_seconds; /* a lock whose folder did not grow for so long is taken over: 600; one of a
                               process of this machine that has ended is taken over at once */
} rt_cache;

/* What to do when an entry is missing: get the archive's file to `file`. */
typedef rt_code rt_cache_fetch(const rt_cache *cache, const void *source, const char *file, rt_error *err);

typedef struct rt_cache_entry {
    const char *handle; /* as typed: named in messages and in the descriptor */
    const char *name;   /* folder name in the cache */
    bool is_module;     /* must hold saved_model.pb to count as whole */
    rt_cache_fetch *fetch;
    const void *source; /* for fetch */
} rt_cache_entry;

/* *folder: root/name, owned by the caller (free). */
rt_code rt__cache_get(const rt_cache *cache, const rt_cache_entry *entry, char **folder, rt_error *err);

/* Whether root/name is there and whole. */
bool rt__cache_has(const char *root, const rt_cache_entry *entry);

/* ---- what is kept in caches ---- */

/* A module by URL.  Looks first into the cache, then into tensorflow_hub's default folder, then fetches from
 * the handle's addresses in turn. When none answers, err->cause says what to fetch by hand and where to put
 * it. */
rt_code rt__cache_module(const rt_cache *cache, const char *handle, char **folder, rt_error *err);

/* An image set: a URL of an archive, or an archive file on disk. */
rt_code rt__cache_images(const rt_cache *cache, const char *source, char **folder, rt_error *err);

/* Where modules go: TFHUB_CACHE_DIR, else flag (NULL or "": none), else <user's cache>/retrain/modules, where
 * the user's cache is $XDG_CACHE_HOME or $HOME/.cache; image sets: <user's cache>/retrain/images.
 * *root is owned by the caller (free). */
rt_code rt__cache_modules_root(const char *flag, char **root, rt_error *err);
rt_code rt__cache_images_root(char **root, rt_error *err);

#endif
