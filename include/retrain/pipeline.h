/* retrain/pipeline.h - the whole run: photos and a pretrained network in, a classifier out.
 *
 * Source of the flags, their defaults and the order of work: hub's retrain.py. */
#ifndef RETRAIN_PIPELINE_H
#define RETRAIN_PIPELINE_H

#include "retrain/error.h"
#include "retrain/feature.h"
#include "retrain/head.h"
#include "retrain/log.h"
#include "retrain/module.h"

#include <stdbool.h>

typedef enum rt_split { RT_SPLIT_STABLE, RT_SPLIT_LEGACY } rt_split;
typedef enum rt_labels { RT_LABELS_UTF8, RT_LABELS_LEGACY } rt_labels;
/* Where vectors are kept: packed in one file, or retrain.py's text files, which are read in any case. */
typedef enum rt_bottleneck_cache { RT_CACHE_PACKED, RT_CACHE_TEXT } rt_bottleneck_cache;
typedef enum rt_load_format { RT_LOAD_AUTO, RT_LOAD_COMPRESSED, RT_LOAD_UNCOMPRESSED } rt_load_format;

/* How a run is asked to stop, from a signal for instance: only the training can stop and be gone on with, so
 * only between begin() and end() is asked() called, before each step. */
typedef struct rt_stop {
    void (*begin)(void *user);
    bool (*asked)(void *user);
    void (*end)(void *user);
    void *user;
} rt_stop;

/* retrain.py's flags by their names, then ours.  Texts are borrowed for the run; NULL: not given. */
typedef struct rt_retrain_options {
    const char *image_dir;
    int32_t testing_percentage, validation_percentage; /* together below 100 */
    rt_split split;
    rt_labels labels;

    const char *tfhub_module;
    rt_module_options module;    /* what the user says about a bare graph */
    const char *tfhub_cache_dir; /* NULL: see hub/cache.h */
    rt_load_format tfhub_model_load_format;

    int32_t how_many_training_steps; /* 0: the head as drawn */
    float learning_rate;
    int32_t train_batch_size, validation_batch_size, test_batch_size; /* -1: every photo of the set */
    int32_t eval_step_interval;
    bool print_misclassified_test_images;
    uint64_t seed;

    bool flip_left_right;
    int32_t random_crop, random_scale, random_brightness; /* percent */
    int32_t distortion_cache; /* distortions of each photo, made once; 0: anew in each step */

    rt_extraction extraction; /* how photos become vectors */
    const char *bottleneck_dir;
    rt_bottleneck_cache bottleneck_cache;
    const char *output_graph, *output_labels;
    const char *final_tensor_name;
    const char *intermediate_output_graphs_dir;
    int32_t intermediate_store_frequency; /* steps; 0: never */
    const char *summaries_dir, *checkpoint_path, *saved_model_dir;

    int32_t summary_interval; /* steps from one summary of train/ to the next; 0: eval_step_interval */
    /* How far the training is, in checkpoint_path.state: stored each checkpoint_interval seconds (0: after
     * each step), when it is stopped and at its end. */
    int32_t checkpoint_interval;
    bool resume;         /* go on from there */
    const rt_stop *stop; /* NULL: never */

    int32_t threads;  /* 0: one for each core */
    bool strict;      /* a photo that cannot be read ends the run */
    const char *json; /* the result as JSON in this file; NULL or "-": only in rt_retrain_result */
} rt_retrain_options;

/* Fills in retrain.py's defaults and ours. */
void rt_retrain_defaults(rt_retrain_options *options);

/* Values, ranges, combinations and whether every file could be written; does nothing else.
 *   RT_EARG          a flag is missing, out of range or contradicts another
 *   RT_EUNSUPPORTED  a flag whose work this version cannot do; the cause says what to do instead
 *   RT_EIO ...       a path that cannot be written */
rt_code rt_retrain_check(const rt_retrain_options *options, rt_error *err);

/* False in a process that mpirun started with others and that is not the first: it leaves what is to be said
 * to that one. */
bool rt_retrain_speaks(void);

/* What a run came to.  Start from {0}; give back with rt_retrain_result_clear(). */
typedef struct rt_retrain_result {
    size_t n_photos, n_classes, n_skipped;
    rt_score training, validation; /* last measured; n is 0 where nothing was */
    rt_score test;
    bool helped;    /* this process worked for another, which has the result: nothing else is set */
    bool told;      /* the error was logged already */
    bool stopped;   /* as asked: there is no test, nothing but the state was written, and json is NULL */
    uint64_t steps; /* done */
    char *json;     /* the run and its result as one JSON document; owned */
} rt_retrain_result;

/* Checks the options, then runs; log gets retrain.py's lines, progress "bottlenecks" and "training",
 * with distortions also "photos" or "distorted photos".  Inputs
 * are opened before anything is written, and each output appears whole or not at all.
 *   RT_EARG  see rt_retrain_check(); other codes: of the stage that failed */
rt_code rt_retrain(const rt_retrain_options *options, const rt_log *log, const rt_progress *progress,
                   rt_retrain_result *result, rt_error *err);
void rt_retrain_result_clear(rt_retrain_result *result);

#endif
