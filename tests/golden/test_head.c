/* The head against 50 steps of TensorFlow on real bottlenecks, from TensorFlow's initial weights. */
#include "retrain/head.h"
#include "support/npy.h"
#include "support/shared.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

enum { FEATURES = 256, CLASSES = 5, STEPS = 50, BATCH = 100 };

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.9g is not %.9g", a, b);
}

typedef struct golden {
    struct npy values, labels, batches, weights, biases;
    rt_trainer *trainer;
    rt_head head; /* read back from the trainer */
    uint32_t rows[BATCH], classes[BATCH];
} golden;

static void read_golden(struct npy *array, const char *name, const char *type, size_t count)
{
    char relative[200], path[1000];
    snprintf(relative, sizeof relative, "reference/golden/%s", name);
    assert_true(npy_read(shared_path(path, sizeof path, relative), array));
    assert_string_equal(array->dtype, type);
    assert_int_equal(array->count, count);
}

static int set_up(void **state)
{
    golden *g = calloc(1, sizeof *g);
    rt_head head;
    assert_non_null(g);
    read_golden(&g->values, "bottlenecks_mobilenet_v1_025_224.npy", "<f4", 750 * FEATURES);
    read_golden(&g->labels, "head/labels.npy", "<i4", 750);
    read_golden(&g->batches, "head/batch_indices.npy", "<i4", STEPS * BATCH);
    read_golden(&g->weights, "head/initial_weights.npy", "<f4", FEATURES * CLASSES);
    read_golden(&g->biases, "head/initial_biases.npy", "<f4", CLASSES);
    head = (rt_head){FEATURES, CLASSES, g->weights.data, g->biases.data};
    assert_int_equal(rt_trainer_new(&head, &g->trainer, NULL), RT_OK);
    assert_int_equal(rt_head_init(&g->head, FEATURES, CLASSES, 1, NULL), RT_OK);
    *state = g;
    return 0;
}

static int tear_down(void **state)
{
    golden *g = *state;
    npy_free(&g->values);
    npy_free(&g->labels);
    npy_free(&g->batches);
    npy_free(&g->weights);
    npy_free(&g->biases);
    rt_trainer_free(g->trainer);
    rt_head_clear(&g->head);
    free(g);
    return 0;
}

static rt_batch step_batch(golden *g, size_t step)
{
    const int32_t *indices = g->batches.data, *labels = g->labels.data;
    for (size_t i = 0; i < BATCH; i++) {
        g->rows[i] = (uint32_t)indices[step * BATCH + i];
        g->classes[i] = (uint32_t)labels[g->rows[i]];
    }
    return (rt_batch){g->values.data, g->rows, g->classes, BATCH, NULL};
}

static void check_near(const float *got, const char *name, size_t count, double tolerance)
{
    struct npy wanted;
    read_golden(&wanted, name, "<f4", count);
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - (double)((const float *)wanted.data)[i]);
        if (!(difference <= tolerance))
            fail_msg("%s: value %zu is %.9g, TensorFlow's %.9g", name, i, (double)got[i],
                     (double)((const float *)wanted.data)[i]);
    }
    npy_free(&wanted);
}

static void fifty_steps_are_tensorflows(void **state)
{
    golden *g = *state;
    struct npy rows;
    const float *wanted;
    read_golden(&rows, "head/loss_and_accuracy.npy", "<f4", STEPS * 4);
    wanted = rows.data;
    for (size_t step = 0; step < STEPS; step++, wanted += 4) {
        rt_batch batch = step_batch(g, step);
        rt_score before, after;
        rt_trainer_evaluate(g->trainer, &batch, &before, NULL);
        rt_trainer_step(g->trainer, &batch, 0.01F);
        rt_trainer_evaluate(g->trainer, &batch, &after, NULL);
        assert_near((double)before.cross_entropy, (double)wanted[0], 1e-6);
        assert_near((double)before.accuracy, (double)wanted[1], 1e-7);
        assert_near((double)after.cross_entropy, (double)wanted[2], 1e-6);
        assert_near((double)after.accuracy, (double)wanted[3], 1e-7);
        rt_trainer_read(g->trainer, &g->head);
        if (step + 1 == 1)
            check_near(g->head.weights, "head/weights_after_step_1.npy", FEATURES * CLASSES, 1e-7);
        if (step + 1 == 10)
            check_near(g->head.weights, "head/weights_after_step_10.npy", FEATURES * CLASSES, 1e-7);
    }
    check_near(g->head.weights, "head/final_weights.npy", FEATURES * CLASSES, 1e-7);
    check_near(g->head.biases, "head/final_biases.npy", CLASSES, 1e-7);
    npy_free(&rows);
}

static void score_on_all_photos_is_tensorflows(void **state)
{
    golden *g = *state;
    uint32_t labels[750];
    rt_score score;
    for (size_t i = 0; i < 750; i++)
        labels[i] = (uint32_t)((const int32_t *)g->labels.data)[i];
    for (size_t step = 0; step < STEPS; step++) {
        rt_batch batch = step_batch(g, step);
        rt_trainer_step(g->trainer, &batch, 0.01F);
    }
    rt_trainer_evaluate(g->trainer, &(rt_batch){g->values.data, NULL, labels, 750, NULL}, &score, NULL);
    assert_near((double)score.cross_entropy, 0.8146104216575623, 1e-6); /* golden/head/README.json */
    assert_near((double)score.accuracy, 0.7986666560173035, 1e-7);
}

static void first_logits_and_softmax_are_tensorflows(void **state)
{
    golden *g = *state;
    rt_batch batch = step_batch(g, 0);
    float logits[BATCH * CLASSES], probabilities[BATCH * CLASSES];
    rt_trainer_predict(g->trainer, &batch, logits, probabilities);
    check_near(logits, "head/step0_logits.npy", BATCH * CLASSES, 1e-7);
    check_near(probabilities, "head/step0_softmax.npy", BATCH * CLASSES, 1e-7);
}

static void first_gradient_is_tensorflows(void **state)
{
    golden *g = *state;
    rt_batch batch = step_batch(g, 0);
    float weights[FEATURES * CLASSES], biases[CLASSES];
    rt_trainer_step(g->trainer, &batch, 1.0F); /* so that the gradient is what went away */
    rt_trainer_read(g->trainer, &g->head);
    for (size_t i = 0; i < FEATURES * CLASSES; i++)
        weights[i] = ((const float *)g->weights.data)[i] - g->head.weights[i];
    for (size_t i = 0; i < CLASSES; i++)
        biases[i] = ((const float *)g->biases.data)[i] - g->head.biases[i];
    check_near(weights, "head/step0_grad_weights.npy", FEATURES * CLASSES, 2e-7);
    check_near(biases, "head/step0_grad_biases.npy", CLASSES, 1e-7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fifty_steps_are_tensorflows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(score_on_all_photos_is_tensorflows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(first_logits_and_softmax_are_tensorflows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(first_gradient_is_tensorflows, set_up, tear_down),
    };
    shared_or_skip("reference/golden/head", "the head against TensorFlow");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
