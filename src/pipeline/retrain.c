#include "base/clock.h"
#include "fetch.h"
#include "retrain_job.h"

#include <stdlib.h>

rt_code rt__retrain_open_dataset(rt_retrain_job *job, rt_error *err)
{
    const rt_retrain_options *o = job->options;
    const rt_dataset_options options = {
        .testing_percentage = o->testing_percentage,
        .validation_percentage = o->validation_percentage,
        .legacy_split = o->split == RT_SPLIT_LEGACY,
        .legacy_labels = o->labels == RT_LABELS_LEGACY,
    };
    char *folder = NULL;
    rt_code code = rt__fetch_images(o, job->log, job->progress, &folder, err);
    if (code == RT_OK)
        code = rt_dataset_open(folder, &options, job->log, &job->dataset, err);
    free(folder);
    return code;
}

rt_code rt__retrain_open_module(rt_retrain_job *job, rt_error *err)
{
    const rt_module_info *info;
    char *path = NULL;
    rt_code code = rt__fetch_module(job->options, job->log, job->progress, &path, err);
    if (code == RT_OK)
        code = rt_module_open(path, &job->options->module, &job->module, err);
    free(path);
    if (code != RT_OK)
        return code;
    info = rt_module_describe(job->module);
    rt_log_line(job->log, RT_INFO, "%s %s: %dx%d pixels to %d features%s%s", info->kind, info->path,
                (int)info->height, (int)info->width, (int)info->feature_size, *info->notice ? "; " : "",
                info->notice);
    return RT_OK;
}

/* What was left out stands at the end, where it is seen. */
static rt_code summarize(rt_retrain_job *job, rt_error *err)
{
    const rt_features *f = &job->features;
    (void)err;
    job->result->n_photos = job->dataset->n_photos;
    job->result->n_classes = job->dataset->n_classes;
    job->result->n_skipped = f->n_skipped;
    if (f->n_skipped)
        rt_log_line(job->log, RT_WARN,
                    "WARNING: %zu of %zu photos could not be read and were left out:", f->n_skipped,
                    f->n_photos);
    for (size_t i = 0; i < f->n_skipped; i++)
        rt_log_line(job->log, RT_WARN, "  %s", f->skipped[i].reason);
    return RT_OK;
}

typedef rt_code retrain_step(rt_retrain_job *job, rt_error *err);

static retrain_step *const steps[RT_N_RETRAIN_STEPS] = {
    [RT_STEP_DATASET] = rt__retrain_open_dataset, [RT_STEP_MODULE] = rt__retrain_open_module,
    [RT_STEP_FEATURES] = rt__retrain_features,    [RT_STEP_DEAL] = rt__retrain_deal,
    [RT_STEP_TRAIN] = rt__retrain_train,          [RT_STEP_TEST] = rt__retrain_test,
    [RT_STEP_WRITE] = rt__retrain_write,          [RT_STEP_SUMMARY] = summarize,
};

double rt__retrain_clock(void)
{
    return 1e-9 * (double)rt__clock_ns(CLOCK_MONOTONIC);
}

void rt__retrain_clear(rt_retrain_job *job)
{
    free(job->test_rows);
    free(job->test_labels);
    free(job->identity);
    rt_evaluation_clear(&job->test);
    rt__train_state_clear(&job->state);
    for (size_t i = 0; i < RT_N_SETS; i++)
        rt__sampler_clear(&job->sets[i]);
    rt__retrain_distort_clear(job);
    rt_features_clear(&job->features);
    rt_module_close(job->module);
    rt_dataset_close(job->dataset);
}

static rt_code run(rt_retrain_job *job, rt_error *err)
{
    rt_code code = rt_retrain_check(job->options, err);
    for (size_t i = 0; i < RT_N_RETRAIN_STEPS && code == RT_OK && !job->result->stopped; i++) {
        double start = rt__retrain_clock();
        code = steps[i](job, err);
        job->seconds[i] = rt__retrain_clock() - start;
    }
    return code;
}

rt_code rt_retrain(const rt_retrain_options *options, const rt_log *log, const rt_progress *progress,
                   rt_retrain_result *result, rt_error *err)
{
    rt_retrain_job job = {.options = options, .log = log, .progress = progress, .result = result};
    bool over = false;
    rt_error seen;
    rt_code code = rt__retrain_meet(&job, &over, &seen);
    if (code == RT_OK && !over)
        code = run(&job, &seen);
    rt__retrain_part(&job, code, &seen);
    rt__retrain_clear(&job);
    if (code != RT_OK && err)
        *err = seen;
    return code;
}

void rt_retrain_result_clear(rt_retrain_result *result)
{
    free(result->json);
    *result = (rt_retrain_result){.json = NULL};
}
