/* Runs that go on where another was stopped. */
#include "base/buffer.h"
#include "base/file.h"
#include "base/float_text.h"
#include "base/hash.h"
#include "head/state_file.h"
#include "retrain_job.h"

#include <stdlib.h>
#include <string.h>

static bool state_path(const rt_retrain_job *job, rt_buffer *path)
{
    rt__buffer_format(path, "%s.state", job->options->checkpoint_path);
    return !path->failed;
}

static bool stores(const rt_retrain_job *job)
{
    return job->options->checkpoint_path && *job->options->checkpoint_path;
}

static uint32_t checksum_of_set(const rt_sampler *set, uint32_t crc)
{
    crc = rt__crc32c(crc, set->rows, set->n * sizeof *set->rows);
    return rt__crc32c(crc, set->labels, set->n * sizeof *set->labels);
}

/* Whatever the weights after n steps depend on; how many steps are wanted is not among it.  The names are
 * flags or what a reader understands. */
static void identify(const rt_retrain_job *job, rt_buffer *text)
{
    const rt_retrain_options *o = job->options;
    const rt_features *f = &job->features;
    char rate[RT_FLOAT_TEXT];
    uint32_t labels = 0;
    for (size_t i = 0; i < job->dataset->n_classes; i++)
        labels =
            rt__crc32c(labels, job->dataset->classes[i].label, strlen(job->dataset->classes[i].label) + 1);
    rt__float_text(o->learning_rate, rate);
    rt__buffer_format(text, "--tfhub_module=%s\n--seed=%llu\n--learning_rate=%s\n", o->tfhub_module,
                      (unsigned long long)o->seed, rate);
    rt__buffer_format(text, "--train_batch_size=%d\n--validation_batch_size=%d\n--eval_step_interval=%d\n",
                      (int)o->train_batch_size, (int)o->validation_batch_size, (int)o->eval_step_interval);
    rt__buffer_format(
        text, "--flip_left_right=%d\n--random_crop=%d\n--random_scale=%d\n--random_brightness=%d\n",
        o->flip_left_right, (int)o->random_crop, (int)o->random_scale, (int)o->random_brightness);
    rt__buffer_format(text, "--distortion_cache=%d\n--exact=%d\n--fast_decode=%d\n", (int)o->distortion_cache,
                      o->extraction.exact, o->extraction.fast_decode);
    rt__buffer_format(text, "--testing_percentage=%d\n--validation_percentage=%d\n",
                      (int)o->testing_percentage, (int)o->validation_percentage);
    rt__buffer_format(text, "number of classes=%zu\nlabels=%08x\nnumber of photos=%zu\n",
                      job->dataset->n_classes, (unsigned)labels, job->dataset->n_photos);
    rt__buffer_format(
        text, "split of the photos=%08x\nbottleneck values=%08x\n",
        (unsigned)checksum_of_set(&job->sets[RT_VALIDATION], checksum_of_set(&job->sets[RT_TRAINING], 0)),
        (unsigned)f->checksum);
}

static rt_code take_up(rt_retrain_job *job, rt_saved_run *run, const char *path, rt_error *err)
{
    enum { ROOM = 96 };
    uint64_t steps = (uint64_t)job->options->how_many_training_steps;
    char key[ROOM], now[ROOM], then[ROOM];
    if (rt__run_differs(job->identity, run->identity, key, now, then, ROOM))
        return rt_fail(err, RT_EARG,
                       "--resume: the run stored in %s had other data or flags: %s was '%s', and is '%s' now",
                       path, key, then, now);
    if (run->state.step > steps)
        return rt_fail(
            err, RT_EARG,
            "--resume: the run stored in %s is at step %llu, beyond --how_many_training_steps %llu", path,
            (unsigned long long)run->state.step, (unsigned long long)steps);
    if (run->state.head.n_features != job->state.head.n_features ||
        run->state.head.n_classes != job->state.head.n_classes)
        return rt_fail(err, RT_EFORMAT, "--resume: the run stored in %s has another shape", path);
    rt__train_state_clear(&job->state);
    job->state = run->state;
    run->state = (rt_train_state){0};
    job->result->training = run->training;
    job->result->validation = run->validation;
    job->first_step = job->state.step;
    rt_log_line(job->log, RT_INFO, "Going on with the run stored in %s, after %llu of %llu steps.", path,
                (unsigned long long)job->first_step, (unsigned long long)steps);
    return RT_OK;
}

/* One that would be lost by starting anew. */
static void offer(const rt_retrain_job *job, const rt_saved_run *run, const char *path)
{
    char text[8];
    if (run->state.step >= run->steps ||
        rt__run_differs(job->identity, run->identity, text, text, text, sizeof text))
        return;
    rt_log_line(job->log, RT_WARN,
                "A run with these photos and flags was stopped after %llu of %llu steps (%s): --resume would "
                "go on with it. Starting anew.",
                (unsigned long long)run->state.step, (unsigned long long)run->steps, path);
}

static rt_code look(rt_retrain_job *job, const char *path, rt_error *err)
{
    bool resume = job->options->resume;
    rt_saved_run run = {0};
    rt_code code;
    if (!rt__file_exists(path)) {
        if (resume)
            rt_log_line(job->log, RT_INFO, "There is no stopped run in %s to go on with: starting anew.",
                        path);
        return RT_OK;
    }
    /* A damaged one is no reason not to start anew. */
    code = rt__run_read(path, &run, resume ? err : NULL);
    if (code == RT_OK && resume)
        code = take_up(job, &run, path, err);
    else if (code == RT_OK)
        offer(job, &run, path);
    rt__run_clear(&run);
    return resume ? code : RT_OK;
}

rt_code rt__retrain_resume(rt_retrain_job *job, rt_error *err)
{
    rt_buffer path = {0}, text = {0};
    rt_code code;
    if (!stores(job))
        return RT_OK;
    identify(job, &text);
    if ((code = rt__buffer_ok(&text, err)) != RT_OK)
        return code;
    job->identity = text.bytes;
    job->state_stored = rt__retrain_clock();
    code = state_path(job, &path) ? look(job, path.bytes, err) : rt_fail(err, RT_ENOMEM, "out of memory");
    rt__buffer_clear(&path);
    return code;
}

bool rt__retrain_state_is_due(const rt_retrain_job *job)
{
    return stores(job) && rt__retrain_clock() - job->state_stored >= job->options->checkpoint_interval;
}

rt_code rt__retrain_store_state(rt_retrain_job *job, bool durable, rt_error *err)
{
    const rt_saved_run run = {job->identity, (uint64_t)job->options->how_many_training_steps, job->state,
                              job->result->training, job->result->validation};
    rt_buffer path = {0};
    rt_code code;
    if (!stores(job))
        return RT_OK;
    code = state_path(job, &path) ? rt__retrain_make_folder_of(path.bytes, err)
                                  : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt__run_write(path.bytes, &run, durable, err);
    job->state_stored = rt__retrain_clock();
    rt__buffer_clear(&path);
    return code;
}
