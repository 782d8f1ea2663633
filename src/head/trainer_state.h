/* Inside of a trainer: what trainer.c does alone and trainer_shared.c with threads. */
#ifndef RT_HEAD_TRAINER_STATE_H
#define RT_HEAD_TRAINER_STATE_H

#include "base/team.h"
#include "kernel/dense.h"
#include "trainer.h"

#include <stdbool.h>
#include <stdint.h>

enum { RT_TRAINER_LOSSES = 256 };

/* One thread's. */
typedef struct rt_trainer_room {
    float *scores;   /* [rows, n_classes]             */
    float *copies;   /* [rows, chunk], NULL for few classes */
    float *fetched;  /* [rows, n_features]; of vectors that must be copied */
    const float **x; /* rows pointers                 */
} rt_trainer_room;

/* What threads work on together; a portion is the rows between two waits for each other. */
typedef struct rt_trainer_shared {
    rt_team *team;
    rt_trainer_room *rooms; /* one a thread */
    float *scores;          /* [portion, n_classes]  */
    float *fetched;         /* [portion, n_features] */
    size_t portion;
    double *losses; /* [RT_TRAINER_LOSSES]: of blocks  */
    size_t *right;  /* [RT_TRAINER_LOSSES]: likewise   */
    /* Which way of a step is quicker now, alone (0) or shared (1): see rt__trainer_begin_step(). */
    uint64_t n_steps;
    double began; /* 0: a step that is not timed */
    double least[2];
} rt_trainer_shared;

struct rt_trainer {
    rt_dense kernel;
    size_t n_features, n_classes;
    size_t stride;        /* floats from one class's weights to the next's */
    size_t rows, chunk;   /* of a block; a dot product is summed chunk by chunk */
    bool many;            /* classes */
    float *weights;       /* [n_classes, stride]           */
    float *gradient;      /* [n_classes, stride]           */
    float *biases;        /* [n_classes]                   */
    float *bias_gradient; /* [n_classes]                   */
    rt_trainer_room room;
    rt_trainer_shared *shared; /* NULL: alone */
};

/* Rows r0 .. r0 + n - 1 counted from row `base` of the batch, `length` features from `from` on; copied
 * together where many classes will read them.
 *   fetched  rows from base on, where the batch's vectors must be copied */
typedef struct rt_trainer_part {
    size_t base, r0, n, from, length;
    const float *fetched;
} rt_trainer_part;
rt_dense_rows rt__trainer_rows(const rt_trainer *t, rt_trainer_room *room, const rt_batch *batch,
                               const rt_trainer_part *part);
/* Whether the batch's vectors must be copied. */
bool rt__trainer_fetches(const rt_batch *batch);
/* Copies rows first .. first + n - 1 to `to`, where they must be copied. */
void rt__trainer_fetch(const rt_trainer *t, const rt_batch *batch, size_t first, size_t n, float *to);

/* scores [n, n_classes]: from logits to (softmax - one_hot) * share, the gradient of the batch's mean loss.
 */
void rt__trainer_logit_gradient(const rt_trainer *t, float *scores, const uint32_t *labels, size_t n,
                                float share);
/* bias_gradient += the sum over the rows. */
void rt__trainer_bias_gradient(rt_trainer *t, const float *scores, size_t n);
/* The loss of a block, and how many are right; predictions may be NULL. */
double rt__trainer_block_loss(const rt_trainer *t, rt_trainer_room *room, const rt_batch *batch, size_t first,
                              size_t n, uint32_t *predictions, size_t *right);

float *rt__trainer_floats(size_t n, size_t m, bool zero);
bool rt__trainer_room_new(const rt_trainer *t, rt_trainer_room *room);
void rt__trainer_room_free(rt_trainer_room *room);

/* Whether threads are there and could pay for n rows. */
bool rt__trainer_shares(const rt_trainer *t, size_t n);
/* Whether they pay for the step that begins now.  Other programs may have taken the cores, so both ways are
 * timed now and then; as both give the same bytes, this may depend on a clock. */
bool rt__trainer_begin_step(rt_trainer *t, size_t n);
void rt__trainer_end_step(rt_trainer *t);
void rt__trainer_shared_step(rt_trainer *t, const rt_batch *batch, float learning_rate);
void rt__trainer_shared_evaluate(rt_trainer *t, const rt_batch *batch, double *loss, size_t *right,
                                 uint32_t *predictions);
void rt__trainer_shared_free(rt_trainer_shared *shared);

#endif
