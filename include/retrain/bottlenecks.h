/* retrain/bottlenecks.h - looks into the packed cache of vectors, and tidies it: one file or, after runs of
 * several processes, some, which count as one.
 *
 * folder is what --bottleneck_dir names.  RT_ENOTFOUND where it has no packed cache; RT_EFORMAT where that is
 * damaged as a whole, with what to do. */
#ifndef RETRAIN_BOTTLENECKS_H
#define RETRAIN_BOTTLENECKS_H

#include "retrain/error.h"
#include "retrain/log.h"

#include <stdbool.h>

typedef struct rt_bottleneck_module {
    uint32_t number;       /* in this cache: of several files none need have that number */
    char *name;            /* as the user named the network when it was new */
    char digest[65];       /* of network and preprocessing, hexadecimal */
    uint32_t feature_size; /* floats of a vector */
    uint64_t n_vectors;
    int64_t made, used; /* seconds since 1970, used to the day */
} rt_bottleneck_module;

typedef struct rt_bottleneck_list {
    char *path;     /* of the first file */
    size_t n_parts; /* files */
    rt_bottleneck_module *modules;
    size_t n_modules;
    uint64_t n_vectors, n_files; /* n_files: photo files that are known without reading them */
    uint64_t file_bytes;
} rt_bottleneck_list;

rt_code rt_bottlenecks_list(const char *folder, rt_bottleneck_list *list, rt_error *err);
void rt_bottlenecks_list_clear(rt_bottleneck_list *list);

typedef struct rt_bottleneck_check {
    uint64_t n_vectors;  /* all that the index names */
    uint64_t n_damaged;  /* of these: whose bytes are not what was written */
    uint64_t n_lost;     /* of these: where there is nothing */
    uint64_t n_repaired; /* taken out of the index, so that they are computed again */
} rt_bottleneck_check;

/* Reads every vector and compares its checksum.  repair: takes out what is not whole. */
rt_code rt_bottlenecks_verify(const char *folder, bool repair, const rt_progress *progress,
                              rt_bottleneck_check *check, rt_error *err);

typedef struct rt_bottleneck_prune {
    const char *module; /* its number or name; NULL: of any */
    int32_t older_than; /* days since a vector was made; 0: any age */
    bool gone;          /* photos that are at none of the places where they were seen */
    bool dry_run;       /* only counts */
} rt_bottleneck_prune;

typedef struct rt_bottleneck_pruned {
    uint64_t n_vectors, n_pruned;
    uint64_t bytes_before, bytes_after; /* of the file */
    bool in_use;                        /* by another process: the file could not be made smaller */
} rt_bottleneck_pruned;

/* Removes the vectors that all of what is given applies to, and makes the file smaller.
 *   RT_EARG  nothing is given        RT_ENOTFOUND  no such module in it */
rt_code rt_bottlenecks_prune(const char *folder, const rt_bottleneck_prune *what,
                             rt_bottleneck_pruned *pruned, rt_error *err);

#endif
