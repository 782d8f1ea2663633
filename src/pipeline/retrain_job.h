/* A run of retrain between its steps: what each step leaves for the next. */
#ifndef RT_PIPELINE_RETRAIN_JOB_H
#define RT_PIPELINE_RETRAIN_JOB_H

#include "base/buffer.h"
#include "export/classifier.h"
#include "feature/deal.h"
#include "head/train.h"
#include "retrain/dataset.h"
#include "retrain/feature.h"
#include "retrain/image.h"
#include "retrain/pipeline.h"

/* Where the module's variables are in the graph that is written, as hub.Module names them. */
#define RT_RETRAIN_VARIABLE_SCOPE "module"

typedef enum rt_retrain_step_number {
    RT_STEP_DATASET,
    RT_STEP_MODULE,
    RT_STEP_FEATURES,
    RT_STEP_DEAL,
    RT_STEP_TRAIN,
    RT_STEP_TEST,
    RT_STEP_WRITE,
    RT_STEP_SUMMARY,
    RT_N_RETRAIN_STEPS
} rt_retrain_step_number;

typedef struct rt_retrain_summaries rt_retrain_summaries;
/* Distorted photos to train on. */
typedef struct rt_retrain_distorted rt_retrain_distorted;

typedef struct rt_retrain_job {
    const rt_retrain_options *options; /* borrowed, as are the next two */
    const rt_log *log;
    const rt_progress *progress;
    rt_dataset *dataset;
    rt_module *module;
    rt_features features; /* a vector for each photo of the data set; zero for training photos if .. */
    rt_retrain_distorted *distorted; /* .. distorted ones are trained on; else NULL */
    rt_sampler sets[RT_N_SETS];      /* the photos of each set that could be read */
    rt_train_state state;
    uint64_t first_step;               /* where this run began: above 0 when it went on with another */
    char *identity;                    /* what the training depends on, see head/state_file.h; owned */
    double state_stored;               /* when, in seconds of a clock that only runs forward */
    rt_retrain_summaries *summaries;   /* while training; NULL: none are wanted */
    uint32_t *test_rows, *test_labels; /* the photos of the final test, test.score.n of them */
    rt_evaluation test;
    double seconds[RT_N_RETRAIN_STEPS]; /* what each step took */
    rt_comm *comm;                      /* with other processes, until their vectors are here; NULL: none */
    rt_deal *deal;                      /* of the photos to them; NULL likewise */
    rt_retrain_result *result;          /* the caller's */
} rt_retrain_job;

/* Begins with the processes that were started together; those but the first only help it, and are done when
 * *over is true. */
rt_code rt__retrain_meet(rt_retrain_job *job, bool *over, rt_error *err);
/* Fetches from the others what training and test will read, and lets them go. */
rt_code rt__retrain_gather(rt_retrain_job *job, const rt_train_options *training, const rt_train_data *data,
                           rt_error *err);
/* Parts with them; code and err are what the run came to so far. */
void rt__retrain_part(rt_retrain_job *job, rt_code code, const rt_error *err);

/* The steps, in order. */
rt_code rt__retrain_open_dataset(rt_retrain_job *job, rt_error *err);
rt_code rt__retrain_open_module(rt_retrain_job *job, rt_error *err);
rt_code rt__retrain_features(rt_retrain_job *job, rt_error *err);
rt_code rt__retrain_deal(rt_retrain_job *job, rt_error *err);
rt_code rt__retrain_train(rt_retrain_job *job, rt_error *err);
rt_code rt__retrain_test(rt_retrain_job *job, rt_error *err);
rt_code rt__retrain_write(rt_retrain_job *job, rt_error *err);

/* Gives back what the steps left in it. */
void rt__retrain_clear(rt_retrain_job *job);

/* The data set's photos and their bottleneck files; user is the job. */
rt_feature_source rt__retrain_photos(const rt_retrain_job *job);

/* The network as the names of text files have it, appended. */
void rt__retrain_module_name(const rt_retrain_options *options, rt_buffer *name);

/* The photos' vectors, for batches. */
rt_vectors rt__retrain_vectors(const rt_retrain_job *job);
/* The photos of the final test, *n of them, and their classes; the caller frees both, also after an error. */
rt_code rt__retrain_draw_test(const rt_retrain_job *job, uint32_t **rows, uint32_t **labels, size_t *n,
                              rt_error *err);

/* What the flags ask for, checked or not. */
rt_distortion rt__retrain_distortion(const rt_retrain_options *options);
/* Part of the features step: makes job->distorted.  Training photos that cannot be read are added to
 * features.skipped. */
rt_code rt__retrain_distort(rt_retrain_job *job, rt_error *err);
void rt__retrain_distort_clear(rt_retrain_job *job);
/* Replaces the training photos that were drawn by vectors of distorted ones: see rt_train_hooks.make. */
rt_code rt__retrain_distorted_batch(rt_retrain_job *job, rt_rng *rng, rt_batch *batch, rt_error *err);

/* The run as one JSON document, owned by the caller. */
rt_code rt__retrain_json(const rt_retrain_job *job, char **text, rt_error *err);

/* Whether the network's graph rounds to 8 bits on its way, as "quantops" networks do. */
bool rt__retrain_imitates_8_bits(const rt_retrain_job *job);
/* The ranges of a trained layer whose network imitates 8 bits, over all photos; *wanted is false for
 * other networks. */
rt_code rt__retrain_ranges(const rt_retrain_job *job, const rt_head *head, rt_head_ranges *ranges,
                           bool *wanted, rt_error *err);
/* The head with the weights that the written graph multiplies with, where they are not those of
 * job->state.head; give back with rt_head_clear(). */
rt_code rt__retrain_rounded_head(const rt_retrain_job *job, rt_head *rounded, rt_error *err);

/* The classifier as it is in head; the caller gives it back with rt__graph_free(). */
rt_code rt__retrain_graph(const rt_retrain_job *job, const rt_head *head, rt_graph **graph, rt_error *err);
/* Writes it, frozen. */
rt_code rt__retrain_write_graph(const rt_retrain_job *job, const rt_head *head, const char *path,
                                rt_error *err);

/* Writes what TensorFlow can go on with: the checkpoint, and the SavedModel where one is wanted. */
rt_code rt__retrain_write_variables(const rt_retrain_job *job, rt_graph *classifier, rt_error *err);

/* Finds out what the training depends on, and takes up one that was stopped where --resume is given. */
rt_code rt__retrain_resume(rt_retrain_job *job, rt_error *err);
/* Whether the state was stored long enough ago. */
bool rt__retrain_state_is_due(const rt_retrain_job *job);
/* Stores how far the training is, which is in job->state.  durable: it must outlast a loss of power. */
rt_code rt__retrain_store_state(rt_retrain_job *job, bool durable, rt_error *err);
/* Seconds of a clock that only runs forward. */
double rt__retrain_clock(void);

/* Makes the folder that a file goes to. */
rt_code rt__retrain_make_folder_of(const char *path, rt_error *err);

#endif
