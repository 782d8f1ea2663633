/* The softmax layer on the dense kernels, a block of rows at a time.
 *
 * Few classes: all the time goes into reading the vectors, which are used where they lie, in blocks small
 * enough to be still in the cache when the gradient wants them again.  Many classes: the weights are what
 * does not fit, so blocks are large, and cut into chunks of features that are copied together. */
#include "trainer.h"

#include "base/checked.h"
#include "kernel/dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_CLASSES = 32, FEW_ROWS = 16, MANY_ROWS = 128, MANY_CHUNK = 512, ALIGNMENT = 64 };

struct rt_trainer {
    rt_dense kernel;
    size_t n_features, n_classes;
    size_t stride;        /* floats from one class's weights to the next's */
    size_t rows, chunk;   /* of a block; a dot product is summed chunk by chunk */
    float *weights;       /* [n_classes, stride]           */
    float *gradient;      /* [n_classes, stride]           */
    float *biases;        /* [n_classes]                   */
    float *bias_gradient; /* [n_classes]                   */
    float *scores;        /* [rows, n_classes]             */
    float *copies;        /* [rows, chunk], NULL for few classes */
    float *fetched;       /* [rows, n_features]; of vectors that must be copied */
    const float **x;      /* rows pointers                 */
};

/* Not touched yet: what is not needed costs no memory. */
static float *room(size_t n, size_t m)
{
    size_t bytes;
    if (!rt_mul(&bytes, n, m) || !rt_mul(&bytes, bytes, sizeof(float)) || !rt_add(&bytes, bytes, ALIGNMENT))
        return NULL;
    return aligned_alloc(ALIGNMENT, bytes / ALIGNMENT * ALIGNMENT);
}

static float *floats(size_t n, size_t m)
{
    float *values = room(n, m);
    if (values != NULL)
        memset(values, 0, n * m * sizeof *values);
    return values;
}

static bool allocate(rt_trainer *t)
{
    bool many = t->n_classes > FEW_CLASSES;
    t->rows = many ? MANY_ROWS : FEW_ROWS;
    t->chunk = many && t->n_features > MANY_CHUNK ? MANY_CHUNK : t->n_features;
    t->stride = (t->n_features + RT_DENSE_LANES - 1) / RT_DENSE_LANES * RT_DENSE_LANES;
    t->weights = floats(t->n_classes, t->stride);
    t->gradient = floats(t->n_classes, t->stride);
    t->biases = floats(1, t->n_classes);
    t->bias_gradient = floats(1, t->n_classes);
    t->scores = floats(t->rows, t->n_classes);
    t->copies = many ? floats(t->rows, t->chunk) : NULL;
    t->fetched = room(t->rows, t->n_features);
    t->x = malloc(t->rows * sizeof *t->x);
    return t->weights != NULL && t->gradient != NULL && t->biases != NULL && t->bias_gradient != NULL &&
           t->scores != NULL && (t->copies != NULL || !many) && t->fetched != NULL && t->x != NULL;
}

rt_code rt_trainer_new(const rt_head *head, rt_trainer **trainer, rt_error *err)
{
    return rt__trainer_new(head, RT_CPU_AVX512, trainer, err);
}

rt_code rt__trainer_new(const rt_head *head, rt_cpu_level most, rt_trainer **trainer, rt_error *err)
{
    rt_trainer *t;
    if (head->n_features == 0 || head->n_classes == 0)
        return rt_fail(err, RT_EARG, "a head of %zu features and %zu classes", head->n_features,
                       head->n_classes);
    if (head->n_features > SIZE_MAX - RT_DENSE_LANES)
        return rt_fail(err, RT_ELIMIT, "%zu features", head->n_features);
    t = calloc(1, sizeof *t);
    if (t == NULL)
        return rt_fail(err, RT_ENOMEM, "no memory for a trainer");
    rt__dense_init(&t->kernel, most);
    t->n_features = head->n_features;
    t->n_classes = head->n_classes;
    if (!allocate(t)) {
        rt_trainer_free(t);
        return rt_fail(err, RT_ENOMEM, "no memory to train %zu features and %zu classes", head->n_features,
                       head->n_classes);
    }
    rt_trainer_write(t, head);
    *trainer = t;
    return RT_OK;
}

void rt_trainer_free(rt_trainer *t)
{
    if (t == NULL)
        return;
    free(t->weights);
    free(t->gradient);
    free(t->biases);
    free(t->bias_gradient);
    free(t->scores);
    free(t->copies);
    free(t->fetched);
    free(t->x);
    free(t);
}

void rt_trainer_read(const rt_trainer *t, rt_head *head)
{
    for (size_t k = 0; k < t->n_classes; k++)
        for (size_t j = 0; j < t->n_features; j++)
            head->weights[j * t->n_classes + k] = t->weights[k * t->stride + j];
    memcpy(head->biases, t->biases, t->n_classes * sizeof *t->biases);
}

void rt_trainer_write(rt_trainer *t, const rt_head *head)
{
    for (size_t k = 0; k < t->n_classes; k++)
        for (size_t j = 0; j < t->n_features; j++)
            t->weights[k * t->stride + j] = head->weights[j * t->n_classes + k];
    memcpy(t->biases, head->biases, t->n_classes * sizeof *t->biases);
}

static size_t row_of(const rt_batch *batch, size_t i)
{
    return batch->rows == NULL ? i : batch->rows[i];
}

static bool fetches(const rt_batch *batch)
{
    return batch->vectors != NULL && batch->vectors->fetch != NULL;
}

/* Where row i of the block is that begins at first; fetched by block_logits(). */
static const float *row_at(const rt_trainer *t, const rt_batch *batch, size_t first, size_t i)
{
    size_t row = row_of(batch, first + i);
    if (fetches(batch))
        return t->fetched + i * t->n_features;
    return batch->vectors != NULL ? batch->vectors->at[row] : batch->values + row * t->n_features;
}

/* The block's rows from feature `from` on; copied together where many classes will read them. */
static rt_dense_rows block(rt_trainer *t, const rt_batch *batch, size_t first, size_t n, size_t from)
{
    size_t left = t->n_features - from;
    rt_dense_rows rows = {t->x, n, left < t->chunk ? left : t->chunk, t->n_classes};
    for (size_t i = 0; i < n; i++) {
        const float *x = row_at(t, batch, first, i) + from;
        t->x[i] = x;
        if (t->copies != NULL) {
            t->x[i] = t->copies + i * t->chunk;
            memcpy(t->copies + i * t->chunk, x, rows.length * sizeof *x);
        }
    }
    return rows;
}

/* scores = x W + b */
static void block_logits(rt_trainer *t, const rt_batch *batch, size_t first, size_t n)
{
    const rt_vectors *v = batch->vectors;
    for (size_t i = 0; i < n && fetches(batch); i++)
        v->fetch(v->user, v->at[row_of(batch, first + i)], t->fetched + i * t->n_features);
    for (size_t i = 0; i < n; i++)
        memcpy(t->scores + i * t->n_classes, t->biases, t->n_classes * sizeof *t->biases);
    for (size_t from = 0; from < t->n_features; from += t->chunk) {
        rt_dense_rows rows = block(t, batch, first, n, from);
        t->kernel.dot(&rows, t->weights + from, t->stride, t->scores, t->n_classes);
    }
}

static size_t best_class(const float *score, size_t n_classes)
{
    size_t best = 0;
    for (size_t k = 1; k < n_classes; k++)
        if (score[k] > score[best])
            best = k;
    return best;
}

/* scores -= their row's largest, so that exp() cannot overflow */
static void shift(rt_trainer *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float *score = t->scores + i * t->n_classes;
        float most = score[best_class(score, t->n_classes)];
        for (size_t k = 0; k < t->n_classes; k++)
            score[k] -= most;
    }
}

static float row_sum(const float *score, size_t n_classes)
{
    float sum = 0;
    for (size_t k = 0; k < n_classes; k++)
        sum += score[k];
    return sum;
}

/* scores = softmax(scores) */
static void softmax(rt_trainer *t, size_t n)
{
    shift(t, n);
    t->kernel.exp(t->scores, n * t->n_classes);
    for (size_t i = 0; i < n; i++) {
        float *score = t->scores + i * t->n_classes;
        float sum = row_sum(score, t->n_classes);
        for (size_t k = 0; k < t->n_classes; k++)
            score[k] /= sum;
    }
}

static size_t block_rows(const rt_trainer *t, size_t first, size_t n)
{
    return n - first < t->rows ? n - first : t->rows;
}

/* scores = gradient of the batch's mean loss with respect to the logits: (softmax - one_hot) / n */
static void logit_gradient(rt_trainer *t, const uint32_t *labels, size_t n, float share)
{
    softmax(t, n);
    for (size_t i = 0; i < n; i++) {
        float *score = t->scores + i * t->n_classes;
        score[labels[i]] -= 1.0F;
        for (size_t k = 0; k < t->n_classes; k++) {
            score[k] *= share;
            t->bias_gradient[k] += score[k];
        }
    }
}

void rt_trainer_step(rt_trainer *t, const rt_batch *batch, float learning_rate)
{
    float share = 1.0F / (float)batch->n;
    memset(t->gradient, 0, t->n_classes * t->stride * sizeof *t->gradient);
    memset(t->bias_gradient, 0, t->n_classes * sizeof *t->bias_gradient);
    for (size_t first = 0, n; first < batch->n; first += n) {
        n = block_rows(t, first, batch->n);
        block_logits(t, batch, first, n);
        logit_gradient(t, batch->labels + first, n, share);
        for (size_t from = 0; from < t->n_features; from += t->chunk) {
            rt_dense_rows rows = block(t, batch, first, n, from);
            t->kernel.accumulate(&rows, t->scores, t->n_classes, t->gradient + from, t->stride);
        }
    }
    t->kernel.descend(t->weights, t->gradient, learning_rate, t->n_classes * t->stride);
    t->kernel.descend(t->biases, t->bias_gradient, learning_rate, t->n_classes);
}

/* Adds the rows' losses, log(sum of exp) - own score; scores are logits before and rubble after. */
static double block_loss(rt_trainer *t, const uint32_t *labels, size_t n)
{
    double loss = 0;
    shift(t, n);
    for (size_t i = 0; i < n; i++)
        loss -= (double)t->scores[i * t->n_classes + labels[i]];
    t->kernel.exp(t->scores, n * t->n_classes);
    for (size_t i = 0; i < n; i++)
        loss += log((double)row_sum(t->scores + i * t->n_classes, t->n_classes));
    return loss;
}

void rt_trainer_evaluate(rt_trainer *t, const rt_batch *batch, rt_score *score, uint32_t *predictions)
{
    double loss = 0;
    size_t right = 0;
    *score = (rt_score){0};
    if (batch->n == 0)
        return;
    for (size_t first = 0, n; first < batch->n; first += n) {
        n = block_rows(t, first, batch->n);
        block_logits(t, batch, first, n);
        for (size_t i = 0; i < n; i++) {
            size_t predicted = best_class(t->scores + i * t->n_classes, t->n_classes);
            right += predicted == batch->labels[first + i];
            if (predictions != NULL)
                predictions[first + i] = (uint32_t)predicted;
        }
        loss += block_loss(t, batch->labels + first, n);
    }
    score->cross_entropy = (float)(loss / (double)batch->n);
    score->accuracy = (float)((double)right / (double)batch->n);
    score->n = batch->n;
}

void rt_trainer_predict(rt_trainer *t, const rt_batch *batch, float *logits, float *probabilities)
{
    for (size_t first = 0, n; first < batch->n; first += n) {
        size_t at = first * t->n_classes, bytes;
        n = block_rows(t, first, batch->n);
        bytes = n * t->n_classes * sizeof *t->scores;
        block_logits(t, batch, first, n);
        if (logits != NULL)
            memcpy(logits + at, t->scores, bytes);
        if (probabilities == NULL)
            continue;
        softmax(t, n);
        memcpy(probabilities + at, t->scores, bytes);
    }
}
