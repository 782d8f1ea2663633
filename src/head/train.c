#include "train.h"

#include "base/checked.h"
#include "base/pool.h"
#include "streams.h"
#include "trainer.h"

#include <stdlib.h>

rt_code rt__train_state_init(rt_train_state *state, size_t n_features, size_t n_classes, uint64_t seed,
                             rt_error *err)
{
    rt_train_state fresh = {0};
    rt_code code = rt_head_init(&fresh.head, n_features, n_classes, seed, err);
    if (code != RT_OK)
        return code;
    rt__rng_seed(&fresh.training, seed, RT_STREAM_TRAINING);
    rt__rng_seed(&fresh.validation, seed, RT_STREAM_VALIDATION);
    *state = fresh;
    return RT_OK;
}

void rt__train_state_clear(rt_train_state *state)
{
    rt_head_clear(&state->head);
    *state = (rt_train_state){0};
}

const rt_train_state *rt__train_sync(const rt_train_step *step)
{
    rt_trainer_read(step->trainer, &step->state->head);
    return step->state;
}

enum { MOST_GATHERED = 1 << 24 /* bytes of a batch */ };

/* Where batches of one set come from. */
typedef struct source {
    const float *values;
    const rt_vectors *vectors;
    const rt_sampler *sampler;
    uint32_t *rows, *labels; /* room for one batch; NULL: every photo each time */
    float *gathered;   /* [n, n_features]: a batch whose vectors must be fetched, which are then fetched */
    size_t n_features; /* once for all that is done with them; NULL: no such batch, or a huge one */
    size_t n;
} source;

typedef struct run {
    const rt_train_options *options;
    const rt_train_hooks *hooks;
    rt_train_state *state;
    rt_trainer *trainer;
    source training, validation;
} run;

static rt_code source_init(source *s, const rt_train_data *data, const rt_sampler *sampler,
                           int32_t batch_size, rt_error *err)
{
    *s = (source){.values = data->values,
                  .vectors = data->vectors,
                  .sampler = sampler,
                  .n = batch_size < 0 ? sampler->n : (size_t)batch_size};
    if (batch_size < 0)
        return RT_OK;
    s->rows = malloc((s->n + 1) * sizeof *s->rows);
    s->labels = malloc((s->n + 1) * sizeof *s->labels);
    if (s->rows == NULL || s->labels == NULL)
        return rt_fail(err, RT_ENOMEM, "no memory for a batch of %zu photos", s->n);
    return RT_OK;
}

static rt_code source_gathers(source *s, size_t n_features, rt_error *err)
{
    size_t bytes;
    if (s->rows == NULL || s->vectors == NULL || s->vectors->fetch == NULL ||
        !rt_mul(&bytes, s->n, n_features) || !rt_mul(&bytes, bytes, sizeof(float)) || bytes > MOST_GATHERED)
        return RT_OK;
    s->n_features = n_features;
    s->gathered = malloc(bytes + 1);
    return s->gathered != NULL ? RT_OK : rt_fail(err, RT_ENOMEM, "no memory for a batch of %zu photos", s->n);
}

static void gather(const source *s, rt_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++)
        s->vectors->fetch(s->vectors->user, s->vectors->at[batch->rows[i]], s->gathered + i * s->n_features);
    batch->values = s->gathered;
    batch->rows = NULL;
    batch->vectors = NULL;
}

static void source_clear(source *s)
{
    free(s->rows);
    free(s->labels);
    free(s->gathered);
}

static rt_batch source_batch(const source *s, rt_rng *rng)
{
    rt_batch batch = {s->values, s->sampler->rows, s->sampler->labels, s->n, s->vectors};
    if (s->rows == NULL)
        return batch;
    batch.n = rt__sampler_draw(s->sampler, rng, s->n, s->rows, s->labels);
    batch.rows = s->rows;
    batch.labels = s->labels;
    if (s->gathered != NULL)
        gather(s, &batch);
    return batch;
}

static rt_code check(const rt_train_options *o, const rt_train_data *data, const rt_train_state *state,
                     rt_error *err)
{
    if (!(o->learning_rate >= 0))
        return rt_fail(err, RT_EARG, "learning rate %g is below 0", (double)o->learning_rate);
    if (o->train_batch_size < -1 || o->train_batch_size == 0)
        return rt_fail(err, RT_EARG, "training batch of %d photos", o->train_batch_size);
    if (o->validation_batch_size < -1)
        return rt_fail(err, RT_EARG, "validation batch of %d photos", o->validation_batch_size);
    if (o->eval_step_interval == 0)
        return rt_fail(err, RT_EARG, "evaluation each 0 steps");
    if (data->training->n == 0 && state->step < o->steps)
        return rt_fail(err, RT_EARG, "there is no photo to train on");
    return RT_OK;
}

static bool is_measured(const rt_train_options *o, uint64_t step)
{
    return step % o->eval_step_interval == 0 || step + 1 == o->steps;
}

static rt_code evaluate(run *r, const rt_train_step *step, rt_error *err)
{
    rt_train_step measured = *step;
    rt_score training, validation;
    rt_batch batch;
    if (!is_measured(r->options, step->number))
        return RT_OK;
    batch = source_batch(&r->validation, &r->state->validation);
    rt_trainer_evaluate(r->trainer, step->batch, &training, NULL);
    rt_trainer_evaluate(r->trainer, &batch, &validation, NULL);
    if (r->hooks->evaluated == NULL)
        return RT_OK;
    measured.validation = &batch;
    return r->hooks->evaluated(r->hooks->user, &measured, &training, &validation, err);
}

static rt_code take_step(run *r, rt_error *err)
{
    const rt_train_hooks *hooks = r->hooks;
    const rt_rng kept = r->state->training;
    rt_batch batch = source_batch(&r->training, &r->state->training);
    rt_train_step step = {r->state->step, &batch, NULL, r->trainer, r->state};
    rt_code code = RT_OK;
    if (hooks->make != NULL)
        code = hooks->make(hooks->user, &r->state->training, &batch, err);
    if (code == RT_OK && hooks->before != NULL)
        code = hooks->before(hooks->user, &step, err);
    if (code != RT_OK) {
        r->state->training = kept; /* the step was not taken: a resumed run draws the same batch */
        return code;
    }
    rt_trainer_step(r->trainer, &batch, r->options->learning_rate);
    r->state->step++;
    if ((code = evaluate(r, &step, err)) != RT_OK)
        return code;
    return hooks->after == NULL ? RT_OK : hooks->after(hooks->user, &step, err);
}

static size_t largest_batch(const run *r)
{
    return r->training.n > r->validation.n ? r->training.n : r->validation.n;
}

static bool goes_on(const run *r)
{
    return r->state->step < r->options->steps &&
           (r->hooks->should_stop == NULL || !r->hooks->should_stop(r->hooks->user));
}

rt_code rt__train(const rt_train_options *options, const rt_train_data *data, const rt_train_hooks *hooks,
                  rt_train_state *state, rt_error *err)
{
    const rt_train_hooks none = {0};
    run r = {.options = options, .hooks = hooks == NULL ? &none : hooks, .state = state};
    rt_code code = check(options, data, state, err);
    if (code != RT_OK)
        return code;
    if ((code = source_init(&r.training, data, data->training, options->train_batch_size, err)) != RT_OK)
        goto done;
    code = source_init(&r.validation, data, data->validation, options->validation_batch_size, err);
    if (code == RT_OK && r.hooks->make == NULL)
        code = source_gathers(&r.training, state->head.n_features, err);
    if (code == RT_OK)
        code = source_gathers(&r.validation, state->head.n_features, err);
    if (code != RT_OK)
        goto done;
    if ((code = rt_trainer_new(&state->head, &r.trainer, err)) != RT_OK ||
        (code = rt__trainer_share(r.trainer, options->n_threads ? options->n_threads : rt__cpu_count(),
                                  largest_batch(&r), err)) != RT_OK)
        goto done;
    while (code == RT_OK && goes_on(&r))
        code = take_step(&r, err);
    rt_trainer_read(r.trainer, &state->head);
done:
    rt_trainer_free(r.trainer);
    source_clear(&r.training);
    source_clear(&r.validation);
    if (code != RT_OK)
        rt_doing(err, NULL, "cannot train");
    return code;
}

static void need_batch(const source *s, rt_rng *rng, rt_train_need *need, void *user)
{
    rt_batch batch = source_batch(s, rng);
    need(user, batch.rows, batch.n);
}

rt_code rt__train_rows(const rt_train_options *options, const rt_train_data *data,
                       const rt_train_state *state, bool made, rt_train_need *need, void *user, rt_error *err)
{
    source training = {0}, validation = {0};
    rt_rng training_rng = state->training, validation_rng = state->validation;
    rt_code code = check(options, data, state, err);
    if (code == RT_OK)
        code = source_init(&training, data, data->training, options->train_batch_size, err);
    if (code == RT_OK)
        code = source_init(&validation, data, data->validation, options->validation_batch_size, err);
    for (uint64_t step = state->step; code == RT_OK && step < options->steps; step++) {
        if (!made && (training.rows || step == state->step))
            need_batch(&training, &training_rng, need, user);
        if (is_measured(options, step))
            need_batch(&validation, &validation_rng, need, user);
    }
    source_clear(&training);
    source_clear(&validation);
    return code;
}
