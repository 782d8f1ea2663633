/* The softmax layer on the dense kernels, a block of rows at a time.
 *
 * Few classes: all the time goes into reading the vectors, which are used where they lie, in blocks small
 * enough to be still in the cache when the gradient wants them again.  Many classes: the weights are what
 * does not fit, so blocks are large, and cut into chunks of features that are copied together. */
#include "trainer_state.h"

#include "base/checked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_CLASSES = 32, FEW_ROWS = 16, MANY_ROWS = 128, MANY_CHUNK = 512, ALIGNMENT = 64 };

/* Not touched yet unless it is to be zero: what is not needed costs no memory. */
float *rt__trainer_floats(size_t n, size_t m, bool zero)
{
    size_t bytes;
    float *values;
    if (!rt_mul(&bytes, n, m) || !rt_mul(&bytes, bytes, sizeof(float)) || !rt_add(&bytes, bytes, ALIGNMENT))
        return NULL;
    values = aligned_alloc(ALIGNMENT, bytes / ALIGNMENT * ALIGNMENT);
    if (values != NULL && zero)
        memset(values, 0, n * m * sizeof *values);
    return values;
}

bool rt__trainer_room_new(const rt_trainer *t, rt_trainer_room *room)
{
    room->scores = rt__trainer_floats(t->rows, t->n_classes, true);
    room->copies = t->many ? rt__trainer_floats(t->rows, t->chunk, true) : NULL;
    room->fetched = rt__trainer_floats(t->rows, t->n_features, false);
    room->x = malloc(t->rows * sizeof *room->x);
    return room->scores != NULL && (room->copies != NULL || !t->many) && room->fetched != NULL &&
           room->x != NULL;
}

void rt__trainer_room_free(rt_trainer_room *room)
{
    free(room->scores);
    free(room->copies);
    free(room->fetched);
    free(room->x);
}

static bool allocate(rt_trainer *t)
{
    t->many = t->n_classes > FEW_CLASSES;
    t->rows = t->many ? MANY_ROWS : FEW_ROWS;
    t->chunk = t->many && t->n_features > MANY_CHUNK ? MANY_CHUNK : t->n_features;
    t->stride = (t->n_features + RT_DENSE_LANES - 1) / RT_DENSE_LANES * RT_DENSE_LANES;
    t->weights = rt__trainer_floats(t->n_classes, t->stride, true);
    t->gradient = rt__trainer_floats(t->n_classes, t->stride, true);
    t->biases = rt__trainer_floats(1, t->n_classes, true);
    t->bias_gradient = rt__trainer_floats(1, t->n_classes, true);
    return t->weights != NULL && t->gradient != NULL && t->biases != NULL && t->bias_gradient != NULL &&
           rt__trainer_room_new(t, &t->room);
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
    rt__trainer_room_free(&t->room);
    rt__trainer_shared_free(t->shared);
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

bool rt__trainer_fetches(const rt_batch *batch)
{
    return batch->vectors != NULL && batch->vectors->fetch != NULL;
}

void rt__trainer_fetch(const rt_trainer *t, const rt_batch *batch, size_t first, size_t n, float *to)
{
    const rt_vectors *v = batch->vectors;
    for (size_t i = 0; i < n && rt__trainer_fetches(batch); i++)
        v->fetch(v->user, v->at[row_of(batch, first + i)], to + i * t->n_features);
}

static const float *row_at(const rt_trainer *t, const rt_batch *batch, const rt_trainer_part *part, size_t i)
{
    size_t row = row_of(batch, part->base + i);
    if (rt__trainer_fetches(batch))
        return part->fetched + i * t->n_features;
    return batch->vectors != NULL ? batch->vectors->at[row] : batch->values + row * t->n_features;
}

rt_dense_rows rt__trainer_rows(const rt_trainer *t, rt_trainer_room *room, const rt_batch *batch,
                               const rt_trainer_part *part)
{
    for (size_t i = 0; i < part->n; i++) {
        const float *x = row_at(t, batch, part, part->r0 + i) + part->from;
        room->x[i] = x;
        if (room->copies != NULL) {
            room->x[i] = room->copies + i * t->chunk;
            memcpy(room->copies + i * t->chunk, x, part->length * sizeof *x);
        }
    }
    return (rt_dense_rows){room->x, part->n, part->length, t->n_classes};
}

/* The block of n rows that begins at first, from feature `from` on. */
static rt_dense_rows block(const rt_trainer *t, rt_trainer_room *room, const rt_batch *batch, size_t first,
                           size_t n, size_t from)
{
    size_t left = t->n_features - from;
    const rt_trainer_part part = {first, 0, n, from, left < t->chunk ? left : t->chunk, room->fetched};
    return rt__trainer_rows(t, room, batch, &part);
}

/* scores = x W + b */
static void block_logits(const rt_trainer *t, rt_trainer_room *room, const rt_batch *batch, size_t first,
                         size_t n)
{
    rt__trainer_fetch(t, batch, first, n, room->fetched);
    for (size_t i = 0; i < n; i++)
        memcpy(room->scores + i * t->n_classes, t->biases, t->n_classes * sizeof *t->biases);
    for (size_t from = 0; from < t->n_features; from += t->chunk) {
        rt_dense_rows rows = block(t, room, batch, first, n, from);
        t->kernel.dot(&rows, t->weights + from, t->stride, room->scores, t->n_classes);
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
static void shift(const rt_trainer *t, float *scores, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float *score = scores + i * t->n_classes;
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
static void softmax(const rt_trainer *t, float *scores, size_t n)
{
    shift(t, scores, n);
    t->kernel.exp(scores, n * t->n_classes);
    for (size_t i = 0; i < n; i++) {
        float *score = scores + i * t->n_classes;
        float sum = row_sum(score, t->n_classes);
        for (size_t k = 0; k < t->n_classes; k++)
            score[k] /= sum;
    }
}

static size_t block_rows(const rt_trainer *t, size_t first, size_t n)
{
    return n - first < t->rows ? n - first : t->rows;
}

void rt__trainer_logit_gradient(const rt_trainer *t, float *scores, const uint32_t *labels, size_t n,
                                float share)
{
    softmax(t, scores, n);
    for (size_t i = 0; i < n; i++) {
        float *score = scores + i * t->n_classes;
        score[labels[i]] -= 1.0F;
        for (size_t k = 0; k < t->n_classes; k++)
            score[k] *= share;
    }
}

void rt__trainer_bias_gradient(rt_trainer *t, const float *scores, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < t->n_classes; k++)
            t->bias_gradient[k] += scores[i * t->n_classes + k];
}

void rt_trainer_step(rt_trainer *t, const rt_batch *batch, float learning_rate)
{
    rt_trainer_room *room = &t->room;
    float share = 1.0F / (float)batch->n;
    memset(t->bias_gradient, 0, t->n_classes * sizeof *t->bias_gradient);
    if (rt__trainer_begin_step(t, batch->n)) {
        rt__trainer_shared_step(t, batch, learning_rate);
    } else {
        memset(t->gradient, 0, t->n_classes * t->stride * sizeof *t->gradient);
        for (size_t first = 0, n; first < batch->n; first += n) {
            n = block_rows(t, first, batch->n);
            block_logits(t, room, batch, first, n);
            rt__trainer_logit_gradient(t, room->scores, batch->labels + first, n, share);
            rt__trainer_bias_gradient(t, room->scores, n);
            for (size_t from = 0; from < t->n_features; from += t->chunk) {
                rt_dense_rows rows = block(t, room, batch, first, n, from);
                t->kernel.accumulate(&rows, room->scores, t->n_classes, t->gradient + from, t->stride);
            }
        }
        t->kernel.descend(t->weights, t->gradient, learning_rate, t->n_classes * t->stride);
    }
    t->kernel.descend(t->biases, t->bias_gradient, learning_rate, t->n_classes);
    rt__trainer_end_step(t);
}

/* The rows' losses, log(sum of exp) - own score; scores are logits before and rubble after. */
static double losses(const rt_trainer *t, float *scores, const uint32_t *labels, size_t n)
{
    double loss = 0;
    shift(t, scores, n);
    for (size_t i = 0; i < n; i++)
        loss -= (double)scores[i * t->n_classes + labels[i]];
    t->kernel.exp(scores, n * t->n_classes);
    for (size_t i = 0; i < n; i++)
        loss += log((double)row_sum(scores + i * t->n_classes, t->n_classes));
    return loss;
}

double rt__trainer_block_loss(const rt_trainer *t, rt_trainer_room *room, const rt_batch *batch, size_t first,
                              size_t n, uint32_t *predictions, size_t *right)
{
    block_logits(t, room, batch, first, n);
    *right = 0;
    for (size_t i = 0; i < n; i++) {
        size_t predicted = best_class(room->scores + i * t->n_classes, t->n_classes);
        *right += predicted == batch->labels[first + i];
        if (predictions != NULL)
            predictions[first + i] = (uint32_t)predicted;
    }
    return losses(t, room->scores, batch->labels + first, n);
}

void rt_trainer_evaluate(rt_trainer *t, const rt_batch *batch, rt_score *score, uint32_t *predictions)
{
    double loss = 0;
    size_t right = 0;
    *score = (rt_score){0};
    if (batch->n == 0)
        return;
    if (rt__trainer_shares(t, batch->n)) {
        rt__trainer_shared_evaluate(t, batch, &loss, &right, predictions);
    } else {
        for (size_t first = 0, n, more; first < batch->n; first += n, right += more) {
            n = block_rows(t, first, batch->n);
            loss += rt__trainer_block_loss(t, &t->room, batch, first, n, predictions, &more);
        }
    }
    score->cross_entropy = (float)(loss / (double)batch->n);
    score->accuracy = (float)((double)right / (double)batch->n);
    score->n = batch->n;
}

void rt_trainer_predict(rt_trainer *t, const rt_batch *batch, float *logits, float *probabilities)
{
    float *scores = t->room.scores;
    for (size_t first = 0, n; first < batch->n; first += n) {
        size_t at = first * t->n_classes, bytes;
        n = block_rows(t, first, batch->n);
        bytes = n * t->n_classes * sizeof *scores;
        block_logits(t, &t->room, batch, first, n);
        if (logits != NULL)
            memcpy(logits + at, scores, bytes);
        if (probabilities == NULL)
            continue;
        softmax(t, scores, n);
        memcpy(probabilities + at, scores, bytes);
    }
}
