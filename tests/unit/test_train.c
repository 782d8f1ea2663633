/* Drawing photos, the training loop and its state, and the evaluation class by class. */
#include "base/pool.h"
#include "head/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

enum { FEATURES = 19, CLASSES = 4, ROWS = 90, STEPS = 57 };

/* Rows of class k are near 1 in the features j with j % CLASSES == k: easy to learn.  Classes 0, 1 and 3 have
 * photos to validate on, class 2 has not. */
typedef struct world {
    float values[ROWS * FEATURES];
    rt_sampler training, validation;
} world;

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    uint32_t rows[2][ROWS], labels[2][ROWS];
    size_t n[2] = {0, 0};
    rt_rng rng;
    assert_non_null(w);
    rt__rng_seed(&rng, 1, 100);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t label = i < 60 ? 0 : i % CLASSES; /* most are of class 0 */
        size_t set = i % 5 == 0 && label != 2;
        for (size_t j = 0; j < FEATURES; j++)
            w->values[i * FEATURES + j] = (float)(rt__rng_unit(&rng) * 0.8 + (j % CLASSES == label ? 1 : 0));
        rows[set][n[set]] = i;
        labels[set][n[set]++] = label;
    }
    assert_int_equal(rt__sampler_init(&w->training, rows[0], labels[0], n[0], CLASSES, NULL), RT_OK);
    assert_int_equal(rt__sampler_init(&w->validation, rows[1], labels[1], n[1], CLASSES, NULL), RT_OK);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    rt__sampler_clear(&w->training);
    rt__sampler_clear(&w->validation);
    free(w);
    return 0;
}

static void draws_are_balanced_over_classes_that_have_photos(void **state)
{
    enum { DRAWS = 60000 };
    world *w = *state;
    uint32_t *rows = malloc(DRAWS * sizeof *rows), *labels = malloc(DRAWS * sizeof *labels);
    size_t by_class[CLASSES] = {0}, by_row[ROWS] = {0};
    rt_rng rng;
    assert_true(rows != NULL && labels != NULL);
    rt__rng_seed(&rng, 9, 0);
    assert_int_equal(w->validation.n_filled, CLASSES - 1);
    assert_int_equal(rt__sampler_draw(&w->validation, &rng, DRAWS, rows, labels), DRAWS);
    for (size_t i = 0; i < DRAWS; i++) {
        by_class[labels[i]]++;
        by_row[rows[i]]++;
    }
    for (size_t k = 0; k < CLASSES; k++) /* five deviations of a binomial: 5 * sqrt(60000 / 3 * 2 / 3) */
        assert_in_range(by_class[k] + 600, k == 2 ? 600 : 20000, k == 2 ? 600 : 20000 + 1200);
    for (size_t i = 0; i < w->validation.n; i++)
        assert_true(by_row[w->validation.rows[i]] > 0);
    free(rows);
    free(labels);
}

static void sampler_holds_every_photo_once_by_class(void **state)
{
    const uint32_t rows[] = {10, 11, 12, 13, 14}, labels[] = {3, 1, 3, 0, 1};
    const uint32_t by_class[] = {13, 11, 14, 10, 12}, class_of[] = {0, 1, 1, 3, 3};
    uint32_t row, label;
    rt_sampler s;
    rt_rng rng;
    (void)state;
    assert_int_equal(rt__sampler_init(&s, rows, labels, 5, 4, NULL), RT_OK);
    assert_int_equal(s.n, 5);
    assert_memory_equal(s.rows, by_class, sizeof by_class);
    assert_memory_equal(s.labels, class_of, sizeof class_of);
    assert_int_equal(s.n_filled, 3);
    rt__sampler_clear(&s);
    assert_int_equal(rt__sampler_init(&s, rows, labels, 5, 3, NULL), RT_EARG);
    assert_int_equal(rt__sampler_init(&s, rows, labels, 0, 3, NULL), RT_OK);
    rt__rng_seed(&rng, 9, 0);
    assert_int_equal(rt__sampler_draw(&s, &rng, 1, &row, &label), 0);
    rt__sampler_clear(&s);
}

static const rt_train_options usual = {
    .steps = STEPS,
    .learning_rate = 0.5F,
    .train_batch_size = 20,
    .validation_batch_size = 10,
    .eval_step_interval = 10,
};

static rt_train_state train(const world *w, const rt_train_options *options, const rt_train_hooks *hooks)
{
    rt_train_data data = {w->values, &w->training, &w->validation, NULL};
    rt_train_state state;
    assert_int_equal(rt__train_state_init(&state, FEATURES, CLASSES, 7, NULL), RT_OK);
    assert_int_equal(rt__train(options, &data, hooks, &state, NULL), RT_OK);
    return state;
}

static void check_same_state(const rt_train_state *a, const rt_train_state *b)
{
    assert_true(a->step == b->step);
    assert_memory_equal(&a->training, &b->training, sizeof a->training);
    assert_memory_equal(&a->validation, &b->validation, sizeof a->validation);
    assert_memory_equal(a->head.weights, b->head.weights, FEATURES * CLASSES * sizeof(float));
    assert_memory_equal(a->head.biases, b->head.biases, CLASSES * sizeof(float));
}

static void training_learns(void **state)
{
    world *w = *state;
    rt_train_options options = usual;
    rt_train_state s;
    rt_evaluation e;
    options.steps = 300;
    s = train(w, &options, NULL);
    assert_int_equal(
        rt_evaluate(&s.head,
                    &(rt_batch){w->values, w->training.rows, w->training.labels, w->training.n, NULL}, 0, &e,
                    NULL),
        RT_OK);
    assert_true(e.score.accuracy > 0.97F);
    rt_evaluation_clear(&e);
    rt__train_state_clear(&s);
}

typedef struct diary {
    uint64_t before, after, evaluated, stop_at;
    uint64_t numbers[STEPS];
    rt_score training[STEPS], validation[STEPS];
} diary;

static rt_code note_before(void *user, const rt_train_step *step, rt_error *err)
{
    diary *d = user;
    (void)err;
    assert_true(step->number == d->before++);
    return RT_OK;
}

static rt_code note_after(void *user, const rt_train_step *step, rt_error *err)
{
    diary *d = user;
    (void)err;
    assert_true(step->number == d->after++);
    assert_true(rt__train_sync(step)->step == step->number + 1);
    return RT_OK;
}

static rt_code note_scores(void *user, const rt_train_step *step, const rt_score *training,
                           const rt_score *validation, rt_error *err)
{
    diary *d = user;
    (void)err;
    d->numbers[d->evaluated] = step->number;
    d->training[d->evaluated] = *training;
    d->validation[d->evaluated++] = *validation;
    return RT_OK;
}

static bool stop_there(void *user)
{
    diary *d = user;
    return d->after == d->stop_at;
}

static rt_train_hooks diary_hooks(diary *d)
{
    return (rt_train_hooks){
        .user = d, .evaluated = note_scores, .after = note_after, .should_stop = stop_there};
}

static void scores_come_each_interval_and_at_the_end(void **state)
{
    const uint64_t numbers[] = {0, 10, 20, 30, 40, 50, 56};
    diary d = {.stop_at = STEPS};
    rt_train_hooks hooks = diary_hooks(&d);
    rt_train_state s;
    hooks.before = note_before;
    s = train(*state, &usual, &hooks);
    assert_true(d.before == STEPS && d.after == STEPS && s.step == STEPS);
    assert_true(d.evaluated == 7);
    assert_memory_equal(d.numbers, numbers, sizeof numbers);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(d.training[i].n, 20);
        assert_int_equal(d.validation[i].n, 10);
    }
    assert_true(d.training[6].cross_entropy < d.training[0].cross_entropy);
    rt__train_state_clear(&s);
}

static void measuring_does_not_change_what_is_learnt(void **state)
{
    rt_train_options often = usual, never = usual;
    rt_train_state a, b;
    often.eval_step_interval = 1;
    never.eval_step_interval = 1000;
    never.validation_batch_size = 0;
    a = train(*state, &often, NULL);
    b = train(*state, &never, NULL);
    assert_memory_equal(a.head.weights, b.head.weights, FEATURES * CLASSES * sizeof(float));
    rt__train_state_clear(&a);
    rt__train_state_clear(&b);
}

static void stopped_run_goes_on_to_the_same_end(void **state)
{
    world *w = *state;
    rt_train_data data = {w->values, &w->training, &w->validation, NULL};
    diary whole = {.stop_at = STEPS};
    rt_train_hooks hooks = diary_hooks(&whole);
    rt_train_state wanted = train(w, &usual, &hooks);
    for (uint64_t stop = 0; stop <= STEPS; stop += 3) {
        diary d = {.stop_at = stop};
        rt_train_state s;
        hooks.user = &d;
        s = train(w, &usual, &hooks);
        assert_true(s.step == stop);
        d.stop_at = STEPS;
        assert_int_equal(rt__train(&usual, &data, &hooks, &s, NULL), RT_OK);
        check_same_state(&s, &wanted);
        assert_true(d.evaluated == whole.evaluated);
        assert_memory_equal(d.validation, whole.validation, sizeof d.validation);
        rt__train_state_clear(&s);
    }
    rt__train_state_clear(&wanted);
}

/* Vectors made for each step, as for distorted photos: the photo's own and noise. */
typedef struct workshop {
    diary diary; /* first: its hooks get the workshop */
    uint64_t made, fail_at;
    float values[20 * FEATURES];
} workshop;

static rt_code make_noisy(void *user, rt_rng *rng, rt_batch *batch, rt_error *err)
{
    workshop *shop = user;
    for (size_t i = 0; i < batch->n * FEATURES; i++)
        shop->values[i] =
            batch->values[batch->rows[i / FEATURES] * FEATURES + i % FEATURES] + (float)rt__rng_unit(rng);
    batch->values = shop->values;
    batch->rows = NULL;
    return shop->made++ == shop->fail_at ? rt_fail(err, RT_EIO, "no photo") : RT_OK;
}

static void vectors_made_for_a_step_do_not_depend_on_stops(void **state)
{
    world *w = *state;
    rt_train_data data = {w->values, &w->training, &w->validation, NULL};
    workshop whole = {.diary = {.stop_at = STEPS}, .fail_at = STEPS};
    rt_train_hooks hooks = diary_hooks(&whole.diary);
    rt_train_state wanted, plain = train(w, &usual, NULL), s;
    hooks.make = make_noisy;
    wanted = train(w, &usual, &hooks);
    assert_true(whole.made == STEPS);
    assert_memory_not_equal(wanted.head.weights, plain.head.weights, FEATURES * CLASSES * sizeof(float));
    for (uint64_t fail = 0; fail < STEPS; fail += 7) {
        workshop shop = {.diary = {.stop_at = STEPS}, .fail_at = fail};
        rt_error err;
        hooks.user = &shop;
        assert_int_equal(rt__train_state_init(&s, FEATURES, CLASSES, 7, NULL), RT_OK);
        assert_int_equal(rt__train(&usual, &data, &hooks, &s, &err), RT_EIO);
        assert_string_equal(err.cause, "no photo");
        assert_true(s.step == fail);
        assert_int_equal(rt__train(&usual, &data, &hooks, &s, NULL), RT_OK);
        check_same_state(&s, &wanted);
        rt__train_state_clear(&s);
    }
    rt__train_state_clear(&plain);
    rt__train_state_clear(&wanted);
}

static rt_code refuse_third(void *user, const rt_train_step *step, rt_error *err)
{
    (void)user;
    return step->number == 2 ? rt_fail(err, RT_EIO, "disk full") : RT_OK;
}

static void hooks_error_ends_the_run_between_two_steps(void **state)
{
    world *w = *state;
    rt_train_data data = {w->values, &w->training, &w->validation, NULL};
    rt_train_hooks hooks = {.before = refuse_third};
    rt_train_state s, wanted = train(w, &usual, NULL);
    rt_error err;
    assert_int_equal(rt__train_state_init(&s, FEATURES, CLASSES, 7, NULL), RT_OK);
    assert_int_equal(rt__train(&usual, &data, &hooks, &s, &err), RT_EIO);
    assert_string_equal(err.cause, "disk full");
    assert_true(s.step == 2);
    assert_int_equal(rt__train(&usual, &data, NULL, &s, &err), RT_OK);
    check_same_state(&s, &wanted);
    rt__train_state_clear(&s);
    rt__train_state_clear(&wanted);
}

typedef struct runs {
    const world *w;
    rt_train_state states[6];
} runs;

static rt_code train_once(void *context, size_t worker, size_t item, rt_error *err)
{
    runs *r = context;
    rt_train_data data = {r->w->values, &r->w->training, &r->w->validation, NULL};
    rt_code code = rt__train_state_init(&r->states[item], FEATURES, CLASSES, 7, err);
    (void)worker;
    return code == RT_OK ? rt__train(&usual, &data, NULL, &r->states[item], err) : code;
}

static void runs_beside_each_other_give_the_same_bytes(void **state)
{
    runs r = {.w = *state};
    assert_int_equal(rt__pool_run(2, 6, train_once, &r, NULL), RT_OK);
    for (size_t i = 1; i < 6; i++)
        check_same_state(&r.states[i], &r.states[0]);
    for (size_t i = 0; i < 6; i++)
        rt__train_state_clear(&r.states[i]);
}

static void every_photo_can_be_a_batch(void **state)
{
    world *w = *state;
    rt_train_options options = usual;
    diary d = {.stop_at = STEPS};
    rt_train_hooks hooks = diary_hooks(&d);
    rt_train_state s;
    options.train_batch_size = options.validation_batch_size = -1;
    s = train(w, &options, &hooks);
    assert_int_equal(d.training[0].n, w->training.n);
    assert_int_equal(d.validation[0].n, w->validation.n);
    rt__train_state_clear(&s);
}

static void impossible_runs_are_refused(void **state)
{
    world *w = *state;
    rt_sampler none;
    rt_train_data data = {w->values, &w->training, &w->validation, NULL}, empty = data;
    rt_train_options options[5] = {usual, usual, usual, usual, usual};
    rt_train_state s;
    options[0].learning_rate = -0.01F;
    options[1].learning_rate = NAN;
    options[2].train_batch_size = 0;
    options[3].validation_batch_size = -2;
    options[4].eval_step_interval = 0;
    assert_int_equal(rt__train_state_init(&s, FEATURES, CLASSES, 7, NULL), RT_OK);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(rt__train(&options[i], &data, NULL, &s, NULL), RT_EARG);
    assert_int_equal(rt__sampler_init(&none, NULL, NULL, 0, CLASSES, NULL), RT_OK);
    empty.training = &none;
    assert_int_equal(rt__train(&usual, &empty, NULL, &s, NULL), RT_EARG);
    assert_true(s.step == 0);
    rt__sampler_clear(&none);
    rt__train_state_clear(&s);
}

static void evaluation_counts_by_class(void **state)
{
    /* one feature a class: a row is taken for the class whose feature is 1 */
    float weights[3 * 3] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, biases[3] = {0};
    const float values[] = {1, 0, 0, 0, 1, 0};
    const uint32_t rows[] = {0, 0, 1, 1, 1, 0}, labels[] = {0, 1, 1, 1, 0, 0}, taken[] = {0, 0, 1, 1, 1, 0};
    const uint32_t confusion[] = {2, 1, 0, 1, 2, 0, 0, 0, 0};
    rt_head head = {3, 3, weights, biases};
    rt_evaluation e;
    const uint32_t wrong[] = {3};
    (void)state;
    assert_int_equal(rt_evaluate(&head, &(rt_batch){values, rows, labels, 6, NULL}, 0, &e, NULL), RT_OK);
    assert_int_equal(e.score.n, 6);
    assert_true(fabsf(e.score.accuracy - 4.0F / 6) < 1e-6F);
    assert_memory_equal(e.predictions, taken, sizeof taken);
    assert_memory_equal(e.confusion, confusion, sizeof confusion);
    assert_int_equal(e.classes[0].n, 3);
    assert_int_equal(e.classes[0].predicted, 3);
    assert_int_equal(e.classes[0].right, 2);
    assert_true(fabsf(e.classes[1].recall - 2.0F / 3) < 1e-6F);
    assert_true(fabsf(e.classes[1].precision - 2.0F / 3) < 1e-6F);
    assert_true(e.classes[2].n == 0 && e.classes[2].predicted == 0 && e.classes[2].recall == 0);
    rt_evaluation_clear(&e);
    assert_int_equal(rt_evaluate(&head, &(rt_batch){values, rows, wrong, 1, NULL}, 0, &e, NULL), RT_EARG);
    assert_int_equal(rt_evaluate(&head, &(rt_batch){values, rows, labels, 0, NULL}, 0, &e, NULL), RT_OK);
    assert_int_equal(e.score.n, 0);
    rt_evaluation_clear(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_are_balanced_over_classes_that_have_photos),
        cmocka_unit_test(sampler_holds_every_photo_once_by_class),
        cmocka_unit_test(training_learns),
        cmocka_unit_test(scores_come_each_interval_and_at_the_end),
        cmocka_unit_test(measuring_does_not_change_what_is_learnt),
        cmocka_unit_test(stopped_run_goes_on_to_the_same_end),
        cmocka_unit_test(vectors_made_for_a_step_do_not_depend_on_stops),
        cmocka_unit_test(hooks_error_ends_the_run_between_two_steps),
        cmocka_unit_test(runs_beside_each_other_give_the_same_bytes),
        cmocka_unit_test(every_photo_can_be_a_batch),
        cmocka_unit_test(impossible_runs_are_refused),
        cmocka_unit_test(evaluation_counts_by_class),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
