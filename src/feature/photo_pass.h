/* A pass over many photos, as the thread that makes one of their vectors sees it. */
#ifndef RT_FEATURE_PHOTO_PASS_H
#define RT_FEATURE_PHOTO_PASS_H

#include "deal.h"
#include "features_inside.h"
#include "skips.h"
#include "text_store.h"

#include <pthread.h>

enum { RT_PASS_WARNINGS = 10 };

/* Of a thread. */
typedef struct rt_pass_worker {
    char photo[RT_PATH_BYTES], cache[RT_PATH_BYTES]; /* cache "": no text file */
    rt_extractor *extractor;                         /* NULL until a vector is missing */
    rt_text_reader text;
    rt_buffer bytes;
    float *values; /* [feature_size] */
    size_t n_read, n_imported;
} rt_pass_worker;

typedef struct rt_pass {
    const rt_module *module;
    const rt_feature_source *source;
    const rt_feature_options *options;
    rt_features *out;
    rt_feature_owner *owner;
    rt_text_store *text;
    rt_packed_module network; /* for packed */
    bool keeps_text;          /* new vectors go to text files */
    rt_pass_worker *workers;

    pthread_mutex_t plan_lock; /* guards first */
    rt_extractor *first;       /* owns the plan; one of the workers' */

    pthread_mutex_t lock; /* guards what follows, and calls of log and progress */
    size_t n_wanted, n_done, n_damaged;
    rt_skips skips;
    int64_t shown_ns; /* when progress was last told */
} rt_pass;

/* The vector of photo i, whose paths are in w: out of the cache, then *hit, or computed and stored.
 * *bad tells a photo that cannot be used from a failure of ours. */
rt_code rt__pass_photo(rt_pass *pass, rt_pass_worker *w, size_t i, bool *hit, bool *bad, rt_error *err);

#endif
