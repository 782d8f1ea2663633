/* The training loop: draw a batch, take a step, measure now and then.
 *
 * Everything a run is at between two steps stands in rt_train_state: stored and given back, the run goes on
 * as if it had never stopped.  Batches, validation and initial weights are drawn from streams of their own,
 * so how often a run is measured does not change what it learns. */
#ifndef RT_HEAD_TRAIN_H
#define RT_HEAD_TRAIN_H

#include "sampler.h"

#include <stdbool.h>

typedef struct rt_train_options {
    uint64_t steps;                /* 0 is allowed: the head as drawn */
    float learning_rate;           /* >= 0 */
    int32_t train_batch_size;      /* > 0, or -1: every photo each step      */
    int32_t validation_batch_size; /* >= 0 (0: no validation), or -1: every photo each time */
    uint64_t eval_step_interval;   /* > 0 */
    size_t n_threads;              /* 0: one for each core; the result does not depend on them */
} rt_train_options;

typedef struct rt_train_data {
    const float *values;          /* [.., n_features], or else .. */
    const rt_sampler *training;   /* at least one photo */
    const rt_sampler *validation; /* without photos: validation scores have n = 0 */
    const rt_vectors *vectors;    /* .. where they lie */
} rt_train_data;

typedef struct rt_train_state {
    uint64_t step; /* steps done: the next one's number */
    rt_rng training, validation;
    rt_head head; /* owned */
} rt_train_state;

rt_code rt__train_state_init(rt_train_state *state, size_t n_features, size_t n_classes, uint64_t seed,
                             rt_error *err);
void rt__train_state_clear(rt_train_state *state);

/* What a hook may look at; good for the call. */
typedef struct rt_train_step {
    uint64_t number;            /* from 0 */
    const rt_batch *batch;      /* its rows may be copies of the vectors, one behind the other */
    const rt_batch *validation; /* for evaluated: what was measured on; NULL for the others */
    rt_trainer *trainer;        /* has the weights as they are now; may be used to evaluate and predict */
    rt_train_state *state;      /* private: its head is that of the last sync; use rt__train_sync() */
} rt_train_step;

/* The state as it is now, weights included. */
const rt_train_state *rt__train_sync(const rt_train_step *step);

/* Each may be NULL; an error ends the run.  In order for a step: make, before, (the step),
 * evaluated, after. */
typedef struct rt_train_hooks {
    void *user;
    /* Makes the vectors of the step's batch, where they are no rows of data->values: batch comes with the
     * rows (photos) and labels that were drawn; values and rows are to be replaced by vectors of these photos
     * in the same order, good until the next call.  Random numbers come from rng alone: it is part of the
     * state, so that a run that goes on draws the same. */
    rt_code (*make)(void *user, rt_rng *rng, rt_batch *batch, rt_error *err);
    rt_code (*before)(void *user, const rt_train_step *step, rt_error *err);
    /* Each eval_step_interval steps and after the last: training is measured after the step, on its batch. */
    rt_code (*evaluated)(void *user, const rt_train_step *step, const rt_score *training,
                         const rt_score *validation, rt_error *err);
    rt_code (*after)(void *user, const rt_train_step *step, rt_error *err);
    bool (*should_stop)(void *user); /* asked before each step */
} rt_train_hooks;

/* Calls need with the rows that rt__train() will read: drawn ahead, with copies of the generators.  made: the
 * vectors of training batches come from a hook. */
typedef void rt_train_need(void *user, const uint32_t *rows, size_t n);
rt_code rt__train_rows(const rt_train_options *options, const rt_train_data *data,
                       const rt_train_state *state, bool made, rt_train_need *need, void *user,
                       rt_error *err);

/* Goes on from state->step up to options->steps, or until should_stop() says so; state is then what was
 * reached, also after an error of a hook.  hooks may be NULL.
 *   RT_EARG  an option out of range, no training photo        RT_ENOMEM, RT_ELIMIT; errors of the hooks */
rt_code rt__train(const rt_train_options *options, const rt_train_data *data, const rt_train_hooks *hooks,
                  rt_train_state *state, rt_error *err);

#endif
