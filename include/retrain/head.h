/* retrain/head.h - the softmax layer that is trained on feature vectors.
 *
 * logits = x W + b, loss = mean over the batch of -log softmax(logits)[label], plain gradient descent.
 * Everything is float32 and summed in one fixed order, whatever the processor or the number of threads: the
 * same vectors, labels and seed give the same bytes on every machine.
 * Source: add_final_retrain_ops(), add_evaluation_step() in hub's retrain.py. */
#ifndef RETRAIN_HEAD_H
#define RETRAIN_HEAD_H

#include "retrain/error.h"

typedef struct rt_head {
    size_t n_features, n_classes;
    float *weights; /* [n_features, n_classes], row-major: TensorFlow's layout */
    float *biases;  /* [n_classes] */
} rt_head;

/* Weights drawn from a truncated normal of deviation 0.001, biases 0.  Give back with rt_head_clear().
 *   RT_EARG  no feature or no class        RT_ELIMIT, RT_ENOMEM */
rt_code rt_head_init(rt_head *head, size_t n_features, size_t n_classes, uint64_t seed, rt_error *err);
void rt_head_clear(rt_head *head);

/* Vectors that lie anywhere: by row number, n_features floats each.  fetch, where it is not NULL, copies one
 * of them, so that those of a large file need not be in memory to be used: nothing else reads them then. */
typedef struct rt_vectors {
    const float *const *at;
    void (*fetch)(const void *user, const float *vector, float *to); /* threads may call it */
    const void *user;
} rt_vectors;

/* Vectors by row number: rows may repeat, labels[i] is the class of rows[i]. */
typedef struct rt_batch {
    const float *values;       /* the whole matrix, [.., n_features] */
    const uint32_t *rows;      /* n row numbers; NULL: rows 0 .. n - 1 */
    const uint32_t *labels;    /* n classes, each < n_classes */
    size_t n;                  /* > 0 for a step */
    const rt_vectors *vectors; /* where the rows are instead; NULL: in values */
} rt_batch;

typedef struct rt_score {
    float cross_entropy; /* mean                          */
    float accuracy;      /* 0 .. 1; ties go to the lower class as in argmax */
    size_t n;            /* 0: nothing was measured, and the others are 0   */
} rt_score;

/* A head's weights in the layout the kernels want, with scratch memory; one thread at a time. */
typedef struct rt_trainer rt_trainer;

/* Starts from a copy of head.  RT_EARG for a head without features or classes; RT_ELIMIT, RT_ENOMEM. */
rt_code rt_trainer_new(const rt_head *head, rt_trainer **trainer, rt_error *err);
void rt_trainer_free(rt_trainer *trainer);

/* Copies the weights as they are now into head, which has the trainer's shape, or from it. */
void rt_trainer_read(const rt_trainer *trainer, rt_head *head);
void rt_trainer_write(rt_trainer *trainer, const rt_head *head);

/* One step: weights and biases -= learning_rate * gradient of the loss on the batch. */
void rt_trainer_step(rt_trainer *trainer, const rt_batch *batch, float learning_rate);
/* predictions (n classes) may be NULL. */
void rt_trainer_evaluate(rt_trainer *trainer, const rt_batch *batch, rt_score *score, uint32_t *predictions);
/* logits and probabilities are [n, n_classes] each; either may be NULL, and so may batch->labels. */
void rt_trainer_predict(rt_trainer *trainer, const rt_batch *batch, float *logits, float *probabilities);

/* ---- how well a head does, class by class ---- */

typedef struct rt_class_score {
    uint32_t n;         /* photos of this class                      */
    uint32_t predicted; /* photos taken for it                       */
    uint32_t right;     /* photos of it that were taken for it       */
    float precision;    /* right / predicted; 0 where nothing was    */
    float recall;       /* right / n; 0 where there is no such photo */
} rt_class_score;

/* Start from {0}; what it holds is its own, give back with rt_evaluation_clear(). */
typedef struct rt_evaluation {
    rt_score score;
    size_t n_classes;
    rt_class_score *classes; /* [n_classes] */
    uint32_t *confusion;     /* [n_classes, n_classes]: photos of the row's class taken for the column's */
    uint32_t *predictions;   /* [score.n], in the batch's order */
} rt_evaluation;

/* n_threads: 0 for one for each core; the result does not depend on them.  A batch without photos gives
 * counts of 0.  RT_EARG for a label that is no class; RT_ELIMIT, RT_ENOMEM. */
rt_code rt_evaluate(const rt_head *head, const rt_batch *batch, size_t n_threads, rt_evaluation *evaluation,
                    rt_error *err);
void rt_evaluation_clear(rt_evaluation *evaluation);

#endif
