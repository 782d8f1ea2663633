/* retrain/feature.h - turns photos into feature vectors ("bottlenecks").
 *
 * Row i depends on photo i alone: neither the number of threads nor the order changes a bit, so caches and
 * machines agree.  Agreement with TensorFlow: doc/numerics.md.
 * Source: run_bottleneck_on_image(), get_or_create_bottleneck() in hub's retrain.py. */
#ifndef RETRAIN_FEATURE_H
#define RETRAIN_FEATURE_H

#include "retrain/error.h"
#include "retrain/image.h"
#include "retrain/log.h"
#include "retrain/module.h"

#include <stdbool.h>

/* How a photo becomes a vector where there is a choice; {0}: the quickest.  Vectors made in different ways
 * are never taken for each other. */
typedef struct rt_extraction {
    /* Convolutions are summed directly, without Winograd's filtering (kernel/winograd.h): about 1e-6 of a
     * vector's largest value from the usual ones, 1.4 times their time where a network has many convolutions
     * of stride 1. */
    bool exact;
    /* Photos are decoded as rt_image_target.fast_decode says: not TensorFlow's pixels. */
    bool fast_decode;
} rt_extraction;

/* One network ready to run on one thread: its plan is shared by clones, its workspace is its own. */
typedef struct rt_extractor rt_extractor;

rt_code rt_extractor_new(const rt_module *module, const rt_extraction *how, rt_extractor **extractor,
                         rt_error *err);
/* A second one for another thread. */
rt_code rt_extractor_clone(const rt_extractor *extractor, rt_extractor **clone, rt_error *err);
void rt_extractor_free(rt_extractor *extractor);
/* How it resizes photos from now on, RT_BILINEAR at first; clones made later do the same. */
void rt_extractor_set_resize(rt_extractor *extractor, rt_resize resize);

/* A photo file's bytes -> feature_size floats.  Errors of rt_image_decode(). */
rt_code rt_extractor_run(rt_extractor *extractor, const uint8_t *bytes, size_t size, float *feature,
                         rt_error *err);

/* ---- many photos, all cores, through the cache ---- */

typedef struct rt_feature_source {
    const void *user;
    /* Writes the path of photo i, and of its bottleneck text file relative to nothing (a full path; "" for no
     * cache), into the buffers of size bytes; RT_ELIMIT when they do not fit.  cache may be NULL. */
    rt_code (*paths)(const void *user, size_t i, char *photo, char *cache, size_t size, rt_error *err);
    size_t n_photos;
    /* NULL: every photo.  The row of one that is not wanted is zero; it is neither skipped nor counted. */
    bool (*wanted)(const void *user, size_t i);
} rt_feature_source;

typedef struct rt_feature_options {
    rt_extraction how;
    size_t n_threads;  /* 0: one for each core */
    bool strict;       /* a photo that cannot be read is an error, not a skip */
    const rt_log *log; /* "100 bottleneck files created." and warnings of bad cache files */
    const rt_progress *progress;
    /* Folder of the packed cache, where all new vectors go then; text files are read, not written.  NULL, or
     * a folder where that cannot be (a network file system; a line says so): text files alone. */
    const char *packed_dir;
    bool
        only_cached; /* computes nothing: vectors that are nowhere are NULL, and neither cached nor skipped */
    const char *module_name; /* what packed_dir notes as the network's name; NULL: its path */
    struct rt_deal
        *deal; /* the program's own, where several processes share the work; NULL: this one alone */
} rt_feature_options;

typedef struct rt_skipped {
    size_t photo;
    char *reason; /* one line with the path */
} rt_skipped;

typedef struct rt_feature_owner rt_feature_owner;

typedef struct rt_features {
    const float **vectors; /* [n_photos], feature_size floats each; a skipped photo's are zero */
    /* [n_photos, feature_size], row-major: what vectors point to; NULL with packed_dir, where they point into
     * the mapped cache. */
    float *values;
    size_t n_photos, feature_size;
    rt_skipped *skipped; /* in rising order of photo */
    size_t n_skipped, n_cached, n_computed;
    size_t n_imported;       /* of n_cached: from text files into the packed cache */
    size_t n_read;           /* photos whose bytes were read: those that were not known by size and times */
    uint32_t checksum;       /* CRC-32C of the CRC-32Cs of the vectors, in order */
    bool many;               /* more in the mapped cache than should be in memory at once */
    rt_feature_owner *owner; /* private */
} rt_features;

/* Copies a vector without making what surrounds it in the mapped cache part of the process's memory; features
 * are rt_features, see rt_vectors.  Worth its while where features->many. */
void rt_features_fetch(const void *features, const float *vector, float *to);

/* The network's plan is made only when a vector is missing from the cache. */
rt_code rt_features_compute(const rt_module *module, const rt_feature_source *source,
                            const rt_feature_options *options, rt_features *features, rt_error *err);
void rt_features_clear(rt_features *features);

#endif
