/* A step shared by threads: the sums that one number is made of are never split, so that the bytes are those
 * of one thread.  Logits are dealt by rows, or by classes where these are many; the gradient by features, or
 * by classes, each thread going through the rows in their order. */
#include "trainer_state.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PORTION = 256,   /* rows from one wait to the next at least; a multiple of a block's */
    GROUP = 16,      /* rows whose exponentials are one item */
    ITEMS_EACH = 3,  /* items a thread, so that one that began late does less */
    LEAST_SLICE = 16 /* classes or features of an item: whole vectors */
};

/* Products of one pair of numbers from which on threads pay: measured by bench/bench_train. */
static const double least_products = 4e6;

/* Of so many steps the first ones are timed, in turns alone and shared. */
enum { TRY_EVERY = 64, TRIES = 4 };

typedef struct portion {
    rt_trainer *t;
    const rt_batch *batch;
    size_t first, n;   /* rows of the batch */
    size_t slice;      /* classes or features of an item */
    float share, rate; /* 1 / rows of the batch; learning rate */
    bool begins, ends; /* is the first, the last of its step */
    uint32_t *predictions;
} portion;

static size_t at_most(size_t value, size_t most)
{
    return value < most ? value : most;
}

static size_t slice_of(const rt_trainer *t, size_t n)
{
    size_t items = ITEMS_EACH * rt__team_size(t->shared->team), slice = (n + items - 1) / items;
    return (slice + LEAST_SLICE - 1) / LEAST_SLICE * LEAST_SLICE;
}

static size_t items_of(size_t n, size_t slice)
{
    return (n + slice - 1) / slice;
}

static void fetch_item(void *context, size_t worker, size_t item)
{
    const portion *p = context;
    size_t at = item * GROUP;
    (void)worker;
    rt__trainer_fetch(p->t, p->batch, p->first + at, at_most(GROUP, p->n - at),
                      p->t->shared->fetched + at * p->t->n_features);
}

/* ---- logits ---- */

/* Rows r0 .. r0 + n - 1 of the portion, n at most a block's, for n_classes classes from k0 on. */
static void make_logits(const portion *p, size_t worker, size_t r0, size_t n, size_t k0, size_t n_classes)
{
    rt_trainer *t = p->t;
    float *scores = t->shared->scores + r0 * t->n_classes + k0;
    for (size_t i = 0; i < n; i++)
        memcpy(scores + i * t->n_classes, t->biases + k0, n_classes * sizeof *scores);
    for (size_t from = 0; from < t->n_features; from += t->chunk) {
        const rt_trainer_part part = {p->first,          r0, n, from, at_most(t->chunk, t->n_features - from),
                                      t->shared->fetched};
        rt_dense_rows rows = rt__trainer_rows(t, &t->shared->rooms[worker], p->batch, &part);
        rows.n_outputs = n_classes;
        t->kernel.dot(&rows, t->weights + k0 * t->stride + from, t->stride, scores, t->n_classes);
    }
}

static void logits_of_rows(void *context, size_t worker, size_t item)
{
    const portion *p = context;
    size_t r0 = item * p->t->rows;
    make_logits(p, worker, r0, at_most(p->t->rows, p->n - r0), 0, p->t->n_classes);
}

static void logits_of_classes(void *context, size_t worker, size_t item)
{
    const portion *p = context;
    size_t k0 = item * p->slice, n = at_most(p->slice, p->t->n_classes - k0);
    for (size_t r0 = 0; r0 < p->n; r0 += p->t->rows)
        make_logits(p, worker, r0, at_most(p->t->rows, p->n - r0), k0, n);
}

static void logit_gradient_item(void *context, size_t worker, size_t item)
{
    const portion *p = context;
    size_t at = item * GROUP;
    (void)worker;
    rt__trainer_logit_gradient(p->t, p->t->shared->scores + at * p->t->n_classes,
                               p->batch->labels + p->first + at, at_most(GROUP, p->n - at), p->share);
}

/* ---- the gradient, and the step along it ---- */

typedef struct area {
    size_t k0, n_classes, j0, n_features;
} area;

static void add_rows(const portion *p, size_t worker, size_t r0, const area *a)
{
    rt_trainer *t = p->t;
    for (size_t done = 0; done < a->n_features; done += t->chunk) {
        const rt_trainer_part part = {p->first,
                                      r0,
                                      at_most(t->rows, p->n - r0),
                                      a->j0 + done,
                                      at_most(t->chunk, a->n_features - done),
                                      t->shared->fetched};
        rt_dense_rows rows = rt__trainer_rows(t, &t->shared->rooms[worker], p->batch, &part);
        rows.n_outputs = a->n_classes;
        t->kernel.accumulate(&rows, t->shared->scores + r0 * t->n_classes + a->k0, t->n_classes,
                             t->gradient + a->k0 * t->stride + a->j0 + done, t->stride);
    }
}

static void make_sums(const portion *p, size_t worker, const area *a)
{
    rt_trainer *t = p->t;
    for (size_t k = a->k0; k < a->k0 + a->n_classes && p->begins; k++)
        memset(t->gradient + k * t->stride + a->j0, 0, a->n_features * sizeof *t->gradient);
    for (size_t r0 = 0; r0 < p->n; r0 += t->rows)
        add_rows(p, worker, r0, a);
    for (size_t k = a->k0; k < a->k0 + a->n_classes && p->ends; k++)
        t->kernel.descend(t->weights + k * t->stride + a->j0, t->gradient + k * t->stride + a->j0, p->rate,
                          a->n_features);
}

static void sums_of_features(void *context, size_t worker, size_t item)
{
    const portion *p = context;
    size_t j0 = item * p->slice;
    make_sums(p, worker, &(area){0, p->t->n_classes, j0, at_most(p->slice, p->t->n_features - j0)});
}

static void sums_of_classes(void *context, size_t worker, size_t item)
{
    const portion *p = context;
    size_t k0 = item * p->slice;
    make_sums(p, worker, &(area){k0, at_most(p->slice, p->t->n_classes - k0), 0, p->t->n_features});
}

static void do_portion(portion *p)
{
    rt_trainer *t = p->t;
    rt_team *team = t->shared->team;
    if (rt__trainer_fetches(p->batch))
        rt__team_run(team, items_of(p->n, GROUP), fetch_item, p);
    p->slice = slice_of(t, t->many ? t->n_classes : t->n_features);
    if (t->many)
        rt__team_run(team, items_of(t->n_classes, p->slice), logits_of_classes, p);
    else
        rt__team_run(team, items_of(p->n, t->rows), logits_of_rows, p);
    rt__team_run(team, items_of(p->n, GROUP), logit_gradient_item, p);
    rt__trainer_bias_gradient(t, t->shared->scores, p->n);
    if (t->many)
        rt__team_run(team, items_of(t->n_classes, p->slice), sums_of_classes, p);
    else
        rt__team_run(team, items_of(t->n_features, p->slice), sums_of_features, p);
}

void rt__trainer_shared_step(rt_trainer *t, const rt_batch *batch, float learning_rate)
{
    portion p = {.t = t, .batch = batch, .share = 1.0F / (float)batch->n, .rate = learning_rate};
    for (p.first = 0; p.first < batch->n; p.first += p.n) {
        p.n = at_most(t->shared->portion, batch->n - p.first);
        p.begins = p.first == 0;
        p.ends = p.first + p.n == batch->n;
        do_portion(&p);
    }
}

/* ---- measuring ---- */

static void loss_item(void *context, size_t worker, size_t item)
{
    const portion *p = context;
    rt_trainer *t = p->t;
    size_t first = p->first + item * t->rows;
    t->shared->losses[item] = rt__trainer_block_loss(t, &t->shared->rooms[worker], p->batch, first,
                                                     at_most(t->rows, p->batch->n - first), p->predictions,
                                                     &t->shared->right[item]);
}

/* Blocks are one thread's, and their losses summed in their order. */
void rt__trainer_shared_evaluate(rt_trainer *t, const rt_batch *batch, double *loss, size_t *right,
                                 uint32_t *predictions)
{
    portion p = {.t = t, .batch = batch, .predictions = predictions};
    size_t n_blocks = items_of(batch->n, t->rows), n;
    for (size_t block = 0; block < n_blocks; block += n) {
        n = at_most(RT_TRAINER_LOSSES, n_blocks - block);
        p.first = block * t->rows;
        rt__team_run(t->shared->team, n, loss_item, &p);
        for (size_t i = 0; i < n; i++) {
            *loss += t->shared->losses[i];
            *right += t->shared->right[i];
        }
    }
}

/* ---- threads ---- */

static bool pays(const rt_trainer *t, size_t n)
{
    return (double)n * (double)t->n_classes * (double)t->n_features >= least_products;
}

bool rt__trainer_shares(const rt_trainer *t, size_t n)
{
    return t->shared != NULL && pays(t, n);
}

static double seconds(void)
{
    return 1e-9 * (double)rt__clock_ns(CLOCK_MONOTONIC);
}

bool rt__trainer_begin_step(rt_trainer *t, size_t n)
{
    rt_trainer_shared *s = t->shared;
    uint64_t turn;
    if (s != NULL)
        s->began = 0;
    if (!rt__trainer_shares(t, n))
        return false;
    turn = s->n_steps % TRY_EVERY;
    if (turn == 0)
        s->least[0] = s->least[1] = INFINITY;
    s->began = seconds();
    return turn < TRIES ? turn % 2 == 1 : s->least[1] < s->least[0];
}

void rt__trainer_end_step(rt_trainer *t)
{
    rt_trainer_shared *s = t->shared;
    uint64_t turn;
    double took;
    if (s == NULL || s->began <= 0)
        return;
    turn = s->n_steps++ % TRY_EVERY;
    took = seconds() - s->began;
    if (turn < TRIES && took < s->least[turn % 2])
        s->least[turn % 2] = took;
}

/* Rows that are worth a wait, in whole blocks. */
static size_t portion_of(const rt_trainer *t)
{
    double rows = least_products / ((double)t->n_classes * (double)t->n_features);
    return rows > PORTION ? items_of((size_t)rows, PORTION) * PORTION : PORTION;
}

static bool allocate(const rt_trainer *t, rt_trainer_shared *s)
{
    size_t n = rt__team_size(s->team);
    bool done;
    s->portion = portion_of(t);
    s->rooms = calloc(n, sizeof *s->rooms);
    s->scores = rt__trainer_floats(s->portion, t->n_classes, false);
    s->fetched = rt__trainer_floats(s->portion, t->n_features, false);
    s->losses = calloc(RT_TRAINER_LOSSES, sizeof *s->losses);
    s->right = calloc(RT_TRAINER_LOSSES, sizeof *s->right);
    done = s->rooms && s->scores && s->fetched && s->losses && s->right;
    for (size_t i = 0; i < n && done; i++)
        done = rt__trainer_room_new(t, &s->rooms[i]);
    return done;
}

rt_code rt__trainer_share(rt_trainer *t, size_t n_threads, size_t n, rt_error *err)
{
    rt_trainer_shared *s;
    rt_code code;
    if (t->shared != NULL || n_threads < 2 || !pays(t, n))
        return RT_OK;
    if (!(s = calloc(1, sizeof *s)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = rt__team_new(n_threads, &s->team, err);
    if (code == RT_OK && !allocate(t, s))
        code = rt_fail(err, RT_ENOMEM, "no memory to train on %zu threads", n_threads);
    if (code == RT_OK)
        t->shared = s;
    else
        rt__trainer_shared_free(s);
    return code;
}

void rt__trainer_shared_free(rt_trainer_shared *s)
{
    size_t n;
    if (s == NULL)
        return;
    n = s->team != NULL ? rt__team_size(s->team) : 0;
    rt__team_free(s->team);
    for (size_t i = 0; i < n && s->rooms != NULL; i++)
        rt__trainer_room_free(&s->rooms[i]);
    free(s->rooms);
    free(s->scores);
    free(s->fetched);
    free(s->losses);
    free(s->right);
    free(s);
}
