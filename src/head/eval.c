#include "base/checked.h"
#include "base/pool.h"
#include "trainer.h"

#include <stdlib.h>

static rt_code check_labels(const rt_head *head, const rt_batch *batch, rt_error *err)
{
    for (size_t i = 0; i < batch->n; i++)
        if (batch->labels[i] >= head->n_classes)
            return rt_fail(err, RT_EARG, "photo %zu has class %u of %zu", i, batch->labels[i],
                           head->n_classes);
    return batch->n <= UINT32_MAX ? RT_OK : rt_fail(err, RT_ELIMIT, "%zu photos", batch->n);
}

static void count(rt_evaluation *e, const uint32_t *labels)
{
    for (size_t i = 0; i < e->score.n; i++)
        e->confusion[labels[i] * e->n_classes + e->predictions[i]]++;
    for (size_t k = 0; k < e->n_classes; k++) {
        rt_class_score *class = e->classes + k;
        for (size_t other = 0; other < e->n_classes; other++) {
            class->n += e->confusion[k * e->n_classes + other];
            class->predicted += e->confusion[other * e->n_classes + k];
        }
        class->right = e->confusion[k * e->n_classes + k];
        if (class->predicted > 0)
            class->precision = (float)class->right / (float)class->predicted;
        if (class->n > 0)
            class->recall = (float)class->right / (float)class->n;
    }
}

rt_code rt_evaluate(const rt_head *head, const rt_batch *batch, size_t n_threads, rt_evaluation *evaluation,
                    rt_error *err)
{
    rt_evaluation e = {.n_classes = head->n_classes};
    rt_trainer *trainer = NULL;
    size_t cells;
    rt_code code = check_labels(head, batch, err);
    if (code != RT_OK)
        return code;
    if (!rt_mul(&cells, e.n_classes, e.n_classes))
        return rt_fail(err, RT_ELIMIT, "%zu classes", e.n_classes);
    if ((code = rt_trainer_new(head, &trainer, err)) != RT_OK)
        return code;
    code = rt__trainer_share(trainer, n_threads ? n_threads : rt__cpu_count(), batch->n, err);
    if (code != RT_OK) {
        rt_trainer_free(trainer);
        return code;
    }
    e.classes = calloc(e.n_classes, sizeof *e.classes);
    e.confusion = calloc(cells, sizeof *e.confusion);
    e.predictions = calloc(batch->n + 1, sizeof *e.predictions);
    if (e.classes == NULL || e.confusion == NULL || e.predictions == NULL) {
        rt_evaluation_clear(&e);
        code = rt_fail(err, RT_ENOMEM, "no memory to evaluate %zu classes", head->n_classes);
    } else {
        rt_trainer_evaluate(trainer, batch, &e.score, e.predictions);
        count(&e, batch->labels);
        *evaluation = e;
    }
    rt_trainer_free(trainer);
    return code;
}

void rt_evaluation_clear(rt_evaluation *e)
{
    free(e->classes);
    free(e->confusion);
    free(e->predictions);
    *e = (rt_evaluation){0};
}
