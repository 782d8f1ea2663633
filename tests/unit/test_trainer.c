/* The head's arithmetic against double precision, over shapes that take each of its ways. */
#include "base/hash.h"
#include "base/rng.h"
#include "head/trainer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.9g is not %.9g", a, b);
}

typedef struct problem {
    size_t n_features, n_classes, n;
    float *values; /* [n / 2 + 1, n_features]: rows repeat */
    uint32_t *rows, *labels;
    rt_head head;
} problem;

static problem problem_new(size_t n_features, size_t n_classes, size_t n)
{
    problem p = {n_features, n_classes, n, NULL, NULL, NULL, {0}};
    size_t n_rows = n / 2 + 1;
    rt_rng rng;
    rt__rng_seed(&rng, 5, n_features);
    p.values = malloc(n_rows * n_features * sizeof *p.values);
    p.rows = malloc(n * sizeof *p.rows);
    p.labels = malloc(n * sizeof *p.labels);
    assert_true(p.values != NULL && p.rows != NULL && p.labels != NULL);
    for (size_t i = 0; i < n_rows * n_features; i++)
        p.values[i] = (float)(2 * rt__rng_unit(&rng));
    for (size_t i = 0; i < n; i++) {
        p.rows[i] = (uint32_t)rt__rng_below(&rng, n_rows);
        p.labels[i] = (uint32_t)rt__rng_below(&rng, n_classes);
    }
    assert_int_equal(rt_head_init(&p.head, n_features, n_classes, 3, NULL), RT_OK);
    for (size_t i = 0; i < n_features * n_classes; i++)
        p.head.weights[i] *= 100; /* so that the probabilities are not all alike */
    for (size_t k = 0; k < n_classes; k++)
        p.head.biases[k] = (float)rt__rng_unit(&rng);
    return p;
}

static void problem_clear(problem *p)
{
    free(p->values);
    free(p->rows);
    free(p->labels);
    rt_head_clear(&p->head);
}

static rt_batch problem_batch(const problem *p)
{
    return (rt_batch){p->values, p->rows, p->labels, p->n, NULL};
}

static double double_logit(const problem *p, const double *weights, const double *biases, size_t i, size_t k)
{
    double logit = biases[k];
    for (size_t j = 0; j < p->n_features; j++)
        logit += (double)p->values[p->rows[i] * p->n_features + j] * weights[j * p->n_classes + k];
    return logit;
}

/* The mean loss as the formula has it; safe for the small logits here. */
static double double_loss(const problem *p, const double *weights, const double *biases)
{
    double loss = 0;
    for (size_t i = 0; i < p->n; i++) {
        double sum = 0;
        for (size_t k = 0; k < p->n_classes; k++)
            sum += exp(double_logit(p, weights, biases, i, k));
        loss += log(sum) - double_logit(p, weights, biases, i, p->labels[i]);
    }
    return loss / (double)p->n;
}

static double slope(const problem *p, double *weights, double *biases, double *where)
{
    const double step = 1e-5, kept = *where;
    double above, below;
    *where = kept + step;
    above = double_loss(p, weights, biases);
    *where = kept - step;
    below = double_loss(p, weights, biases);
    *where = kept;
    return (above - below) / (2 * step);
}

static void check_gradient(size_t n_features, size_t n_classes, size_t n, size_t every)
{
    problem p = problem_new(n_features, n_classes, n);
    rt_batch batch = problem_batch(&p);
    size_t count = n_features * n_classes;
    double *weights = malloc(count * sizeof *weights), *biases = malloc(n_classes * sizeof *biases);
    rt_trainer *trainer;
    rt_head after;
    rt_score score;
    assert_true(weights != NULL && biases != NULL);
    for (size_t i = 0; i < count; i++)
        weights[i] = (double)p.head.weights[i];
    for (size_t k = 0; k < n_classes; k++)
        biases[k] = (double)p.head.biases[k];
    assert_int_equal(rt_trainer_new(&p.head, &trainer, NULL), RT_OK);
    assert_int_equal(rt_head_init(&after, n_features, n_classes, 0, NULL), RT_OK);
    rt_trainer_evaluate(trainer, &batch, &score, NULL);
    assert_near((double)score.cross_entropy, double_loss(&p, weights, biases), 1e-6);
    rt_trainer_step(trainer, &batch, 1.0F);
    rt_trainer_read(trainer, &after);
    for (size_t i = 0; i < count; i += every)
        assert_near((double)(p.head.weights[i] - after.weights[i]), slope(&p, weights, biases, weights + i),
                    5e-7);
    for (size_t k = 0; k < n_classes; k += every)
        assert_near((double)(p.head.biases[k] - after.biases[k]), slope(&p, weights, biases, biases + k),
                    5e-7);
    rt_head_clear(&after);
    rt_trainer_free(trainer);
    free(weights);
    free(biases);
    problem_clear(&p);
}

static void gradient_is_the_losss_slope(void **state)
{
    (void)state;
    check_gradient(1, 1, 1, 1);
    check_gradient(7, 3, 5, 1);
    check_gradient(37, 12, 40, 17);
    check_gradient(600, 40, 150, 9001); /* blocks of rows, chunks of features */
}

static void score_counts_predictions(void **state)
{
    problem p = problem_new(37, 12, 200);
    rt_batch batch = problem_batch(&p);
    uint32_t predictions[200];
    float *probabilities = malloc((p.n / 2 + 1) * p.n_classes * sizeof *probabilities);
    size_t right = 0;
    rt_trainer *trainer;
    rt_score score;
    (void)state;
    assert_non_null(probabilities);
    assert_int_equal(rt_trainer_new(&p.head, &trainer, NULL), RT_OK);
    rt_trainer_evaluate(trainer, &batch, &score, predictions);
    rt_trainer_predict(trainer, &(rt_batch){p.values, NULL, NULL, p.n / 2 + 1, NULL}, NULL, probabilities);
    for (size_t i = 0; i < p.n; i++) {
        const float *row = probabilities + p.rows[i] * p.n_classes;
        float sum = 0;
        for (size_t k = 0; k < p.n_classes; k++) {
            assert_true(row[k] <= row[predictions[i]]);
            sum += row[k];
        }
        assert_near((double)sum, 1, 1e-6);
        right += predictions[i] == p.labels[i];
    }
    assert_int_equal(score.n, 200);
    assert_near((double)score.accuracy, (double)right / 200, 1e-7);
    rt_trainer_evaluate(trainer, &(rt_batch){p.values, p.rows, p.labels, 0, NULL}, &score, NULL);
    assert_int_equal(score.n, 0);
    assert_true(score.accuracy == 0 && score.cross_entropy == 0);
    free(probabilities);
    rt_trainer_free(trainer);
    problem_clear(&p);
}

static void equal_logits_go_to_the_lower_class(void **state)
{
    float weights[2 * 3] = {0}, biases[3] = {0, 1, 1}, x[2] = {1, 2}, probabilities[3];
    rt_head head = {2, 3, weights, biases};
    uint32_t label = 2, prediction;
    rt_trainer *trainer;
    rt_score score;
    (void)state;
    assert_int_equal(rt_trainer_new(&head, &trainer, NULL), RT_OK);
    rt_trainer_evaluate(trainer, &(rt_batch){x, NULL, &label, 1, NULL}, &score, &prediction);
    assert_int_equal(prediction, 1);
    assert_true(score.accuracy == 0);
    rt_trainer_predict(trainer, &(rt_batch){x, NULL, NULL, 1, NULL}, NULL, probabilities);
    assert_true(probabilities[1] == probabilities[2]);
    rt_trainer_free(trainer);
}

static void huge_logits_do_not_overflow(void **state)
{
    float weights[1 * 3] = {1000, 0, -1000}, biases[3] = {0}, x[1] = {50}, probabilities[3];
    rt_head head = {1, 3, weights, biases};
    uint32_t label = 2;
    rt_trainer *trainer;
    rt_score score;
    (void)state;
    assert_int_equal(rt_trainer_new(&head, &trainer, NULL), RT_OK);
    rt_trainer_predict(trainer, &(rt_batch){x, NULL, NULL, 1, NULL}, NULL, probabilities);
    assert_true(probabilities[0] == 1 && probabilities[1] == 0 && probabilities[2] == 0);
    rt_trainer_evaluate(trainer, &(rt_batch){x, NULL, &label, 1, NULL}, &score, NULL);
    assert_near((double)score.cross_entropy, 100000, 1);
    rt_trainer_free(trainer);
}

static void batch_size_does_not_touch_a_row(void **state)
{
    problem p = problem_new(523, 40, 300);
    size_t n = p.n / 2 + 1;
    float *all = malloc(n * p.n_classes * sizeof *all), one[40];
    rt_trainer *trainer;
    (void)state;
    assert_non_null(all);
    assert_int_equal(rt_trainer_new(&p.head, &trainer, NULL), RT_OK);
    rt_trainer_predict(trainer, &(rt_batch){p.values, NULL, NULL, n, NULL}, NULL, all);
    for (size_t i = 0; i < n; i++) {
        rt_trainer_predict(trainer, &(rt_batch){p.values + i * p.n_features, NULL, NULL, 1, NULL}, NULL, one);
        assert_memory_equal(one, all + i * p.n_classes, sizeof one);
    }
    free(all);
    rt_trainer_free(trainer);
    problem_clear(&p);
}

typedef struct far {
    const float *values; /* what is said to be at address p is p - 1 bytes behind */
    size_t bytes, n_fetched;
} far;

static void fetch_far(const void *user, const float *vector, float *to)
{
    far *f = (far *)(uintptr_t)user;
    f->n_fetched++;
    memcpy(to, (const char *)f->values + ((uintptr_t)vector - 1), f->bytes);
}

/* Vectors that cannot be read where they are said to lie train to the same bytes, and each is fetched once.
 */
static void vectors_are_fetched_once_and_used_nowhere_else(void **state)
{
    static const size_t n_classes[] = {7, 40};
    (void)state;
    for (size_t c = 0; c < sizeof n_classes / sizeof *n_classes; c++) {
        problem p = problem_new(523, n_classes[c], 150);
        size_t n_rows = p.n / 2 + 1, n_bytes = 523 * n_classes[c] * sizeof(float);
        far f = {p.values, p.n_features * sizeof(float), 0};
        const float **at = calloc(n_rows, sizeof *at);
        const rt_vectors vectors = {at, fetch_far, &f};
        rt_batch near = problem_batch(&p), away = near;
        rt_trainer *trainers[2];
        rt_head heads[2];
        for (size_t i = 0; i < n_rows; i++)
            at[i] = (const float *)(uintptr_t)(i * f.bytes + 1);
        away.values = NULL;
        away.vectors = &vectors;
        for (int k = 0; k < 2; k++) {
            assert_int_equal(rt_head_init(&heads[k], p.n_features, p.n_classes, 3, NULL), RT_OK);
            assert_int_equal(rt_trainer_new(&p.head, &trainers[k], NULL), RT_OK);
            rt_trainer_step(trainers[k], k ? &away : &near, 0.05F);
            rt_trainer_read(trainers[k], &heads[k]);
            rt_trainer_free(trainers[k]);
        }
        assert_int_equal(f.n_fetched, p.n);
        assert_memory_equal(heads[0].weights, heads[1].weights, n_bytes);
        rt_head_clear(&heads[0]);
        rt_head_clear(&heads[1]);
        free(at);
        problem_clear(&p);
    }
}

/* The checksum of the weights after 20 steps from 0, without a function of the C library on the way. */
static uint32_t trained_checksum(size_t n_features, size_t n_classes, rt_cpu_level level)
{
    problem p = problem_new(n_features, n_classes, 150);
    rt_batch batch = problem_batch(&p);
    size_t bytes = n_features * n_classes * sizeof *p.head.weights;
    rt_trainer *trainer;
    uint32_t checksum;
    memset(p.head.weights, 0, bytes);
    memset(p.head.biases, 0, n_classes * sizeof *p.head.biases);
    assert_int_equal(rt__trainer_new(&p.head, level, &trainer, NULL), RT_OK);
    for (int i = 0; i < 20; i++)
        rt_trainer_step(trainer, &batch, 0.05F);
    rt_trainer_read(trainer, &p.head);
    checksum = rt__crc32c(0, p.head.weights, bytes);
    rt_trainer_free(trainer);
    problem_clear(&p);
    return checksum;
}

static void every_machine_trains_to_the_same_bytes(void **state)
{
    (void)state;
    for (int level = RT_CPU_PLAIN; level <= RT_CPU_AVX512; level++) {
        assert_int_equal(trained_checksum(523, 7, (rt_cpu_level)level), 0x164f4887);
        assert_int_equal(trained_checksum(523, 40, (rt_cpu_level)level), 0xd4571547);
    }
}

static void initial_weights_are_a_truncated_normal(void **state)
{
    rt_head a, b, other;
    double sum = 0, squares = 0;
    size_t count = 300 * 20;
    (void)state;
    assert_int_equal(rt_head_init(&a, 300, 20, 1, NULL), RT_OK);
    assert_int_equal(rt_head_init(&b, 300, 20, 1, NULL), RT_OK);
    assert_int_equal(rt_head_init(&other, 300, 20, 2, NULL), RT_OK);
    assert_memory_equal(a.weights, b.weights, count * sizeof *a.weights);
    assert_memory_not_equal(a.weights, other.weights, count * sizeof *a.weights);
    for (size_t i = 0; i < count; i++) {
        double w = (double)a.weights[i];
        assert_true(fabs(w) <= 0.002 + 1e-9);
        sum += w;
        squares += w * w;
    }
    assert_near(sum / (double)count, 0, 5e-5);
    /* a normal cut off at two deviations keeps 0.8796 of its deviation */
    assert_near(sqrt(squares / (double)count), 0.8796e-3, 2e-5);
    for (size_t k = 0; k < 20; k++)
        assert_true(a.biases[k] == 0);
    rt_head_clear(&a);
    rt_head_clear(&b);
    rt_head_clear(&other);
}

static void impossible_shapes_are_refused(void **state)
{
    rt_head head;
    rt_error err;
    (void)state;
    assert_int_equal(rt_head_init(&head, 0, 5, 0, &err), RT_EARG);
    assert_int_equal(rt_head_init(&head, 5, 0, 0, &err), RT_EARG);
    assert_int_equal(rt_head_init(&head, SIZE_MAX / 2, 5, 0, &err), RT_ELIMIT);
}

/* ---- threads ---- */

static void copy_row(const void *user, const float *vector, float *to)
{
    memcpy(to, vector, *(const size_t *)user * sizeof *to);
}

typedef struct outcome {
    rt_head head;
    rt_score score;
    uint32_t *predictions;
} outcome;

static outcome six_steps(const problem *p, const rt_batch *batch, size_t n_threads)
{
    outcome o = {.predictions = calloc(p->n, sizeof *o.predictions)};
    rt_trainer *trainer;
    assert_non_null(o.predictions);
    assert_int_equal(rt_trainer_new(&p->head, &trainer, NULL), RT_OK);
    assert_int_equal(rt__trainer_share(trainer, n_threads, p->n, NULL), RT_OK);
    for (int i = 0; i < 6; i++) /* the first four alone and shared in turns */
        rt_trainer_step(trainer, batch, 0.1F);
    rt_trainer_evaluate(trainer, batch, &o.score, o.predictions);
    assert_int_equal(rt_head_init(&o.head, p->n_features, p->n_classes, 0, NULL), RT_OK);
    rt_trainer_read(trainer, &o.head);
    rt_trainer_free(trainer);
    return o;
}

static void check_threads(size_t n_features, size_t n_classes, size_t n, bool fetched)
{
    problem p = problem_new(n_features, n_classes, n);
    size_t n_rows = n / 2 + 1;
    const float **at = calloc(n_rows, sizeof *at);
    const rt_vectors vectors = {at, fetched ? copy_row : NULL, &n_features};
    const rt_batch batch = {NULL, p.rows, p.labels, n, &vectors};
    outcome alone;
    assert_non_null(at);
    for (size_t i = 0; i < n_rows; i++)
        at[i] = p.values + i * n_features;
    alone = six_steps(&p, &batch, 1);
    for (size_t threads = 2; threads < 8; threads += 3) {
        outcome shared = six_steps(&p, &batch, threads);
        assert_memory_equal(shared.head.weights, alone.head.weights, n_features * n_classes * sizeof(float));
        assert_memory_equal(shared.head.biases, alone.head.biases, n_classes * sizeof(float));
        assert_memory_equal(shared.predictions, alone.predictions, n * sizeof *alone.predictions);
        assert_memory_equal(&shared.score.cross_entropy, &alone.score.cross_entropy, sizeof(float));
        rt_head_clear(&shared.head);
        free(shared.predictions);
    }
    rt_head_clear(&alone.head);
    free(alone.predictions);
    free(at);
    problem_clear(&p);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    check_threads(1283, 5, 601, false); /* features beyond whole vectors, rows beyond whole portions */
    check_threads(1283, 5, 601, true);
    check_threads(640, 32, 256, false);
    check_threads(700, 101, 300, false); /* many classes, and chunks of features */
    check_threads(700, 101, 300, true);
    check_threads(64, 1001, 100, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_is_the_losss_slope),
        cmocka_unit_test(score_counts_predictions),
        cmocka_unit_test(equal_logits_go_to_the_lower_class),
        cmocka_unit_test(huge_logits_do_not_overflow),
        cmocka_unit_test(batch_size_does_not_touch_a_row),
        cmocka_unit_test(vectors_are_fetched_once_and_used_nowhere_else),
        cmocka_unit_test(every_machine_trains_to_the_same_bytes),
        cmocka_unit_test(initial_weights_are_a_truncated_normal),
        cmocka_unit_test(impossible_shapes_are_refused),
        cmocka_unit_test(threads_change_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
