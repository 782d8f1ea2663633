/* Vectors of distorted photos, on all cores.
 *
 * A vector depends on the photo and its own draw alone: neither the number of threads nor what else is asked
 * for changes a bit of it. */
#ifndef RT_FEATURE_DISTORTER_H
#define RT_FEATURE_DISTORTER_H

#include "retrain/feature.h"
#include "retrain/image.h"
#include "skips.h"

typedef struct rt_distorter rt_distorter;

typedef struct rt_distorter_options {
    rt_extraction how;
    size_t n_threads;    /* 0: one for each core */
    size_t budget_bytes; /* of decoded photos kept from one call to the next; see photo_store.h */
    bool strict;         /* a photo that cannot be read is an error even where it could be skipped */
    const rt_progress *progress;
} rt_distorter_options;

/* module and source are borrowed while it lives; of source the photos' paths are used, not the cache's. */
rt_code rt__distorter_new(const rt_module *module, const rt_feature_source *source,
                          const rt_distorter_options *options, rt_distorter **distorter, rt_error *err);
void rt__distorter_free(rt_distorter *distorter);

/* What is wanted: n_each vectors of each of n photos. */
typedef struct rt_distorted {
    const uint32_t *photos;          /* [n], numbers of the source's photos */
    const rt_distortion_draw *draws; /* [n, n_each] */
    float *values;                   /* [n, n_each, feature_size], written */
    size_t n, n_each;                /* n_each 0: the photos are only read and kept */
    const char *what;                /* told to progress, photo by photo; NULL: nothing is */
} rt_distorted;

/* Each photo is decoded once at most, not at all where it was kept by an earlier call.
 *   skips  where not NULL, a photo that cannot be used is no error (unless strict) but noted here, its rows
 *          zero; start from {0} */
rt_code rt__distorter_run(rt_distorter *distorter, const rt_distorted *wanted, rt_skips *skips,
                          rt_error *err);

/* Photos that are in memory. */
size_t rt__distorter_kept(const rt_distorter *distorter);

#endif
