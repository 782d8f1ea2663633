#include "base/clock.h"
#include "base/file.h"
#include "head/streams.h"
#include "report/lines.h"
#include "retrain_job.h"
#include "retrain_summaries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- dealing the photos ---- */

static const char *const set_names[RT_N_SETS] = {"training", "validation", "testing"};

/* Row and class of each photo of a set that could be read; returns how many. */
static size_t collect(const rt_retrain_job *job, uint8_t set, uint32_t *rows, uint32_t *labels)
{
    const rt_features *f = &job->features;
    size_t n = 0, skipped = 0;
    for (size_t i = 0; i < job->dataset->n_photos; i++) {
        if (skipped < f->n_skipped && f->skipped[skipped].photo == i) {
            skipped++;
            continue;
        }
        if (job->dataset->photos[i].set != set)
            continue;
        rows[n] = (uint32_t)i;
        labels[n++] = job->dataset->photos[i].class_index;
    }
    return n;
}

/* Without a photo to train on a class cannot be learned; without one to measure on, it is not measured. */
static rt_code check_classes(const rt_retrain_job *job, uint8_t set, const uint32_t *labels, size_t n,
                             rt_error *err)
{
    const rt_dataset *d = job->dataset;
    bool wanted = set == RT_TRAINING || (set == RT_VALIDATION ? job->options->validation_percentage
                                                              : job->options->testing_percentage) > 0;
    size_t at = 0;
    for (uint32_t c = 0; wanted && c < d->n_classes; c++) {
        bool found = at < n && labels[at] == c;
        while (at < n && labels[at] == c)
            at++;
        if (!found && set == RT_TRAINING)
            return rt_fail(
                err, RT_EFORMAT,
                "Label %s has no images in the category training: folder '%s' needs photos that can "
                "be read (%zu are there)",
                d->classes[c].label, d->classes[c].folder, d->classes[c].n_photos);
        if (!found)
            rt_log_line(job->log, RT_WARN,
                        "WARNING: Label %s has no images in the category %s, it is not measured there.",
                        d->classes[c].label, set_names[set]);
    }
    return RT_OK;
}

rt_code rt__retrain_deal(rt_retrain_job *job, rt_error *err)
{
    size_t n = job->dataset->n_photos;
    uint32_t *rows = calloc(n, sizeof *rows), *labels = calloc(n, sizeof *labels);
    rt_code code = rows && labels ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    for (uint8_t set = 0; set < RT_N_SETS && code == RT_OK; set++) {
        size_t n_set = collect(job, set, rows, labels);
        code = check_classes(job, set, labels, n_set, err);
        if (code == RT_OK)
            code = rt__sampler_init(&job->sets[set], rows, labels, n_set, job->dataset->n_classes, err);
    }
    free(rows);
    free(labels);
    return code;
}

/* ---- training ---- */

static void say(const rt_retrain_job *job, const char *line)
{
    rt_log_line(job->log, RT_INFO, "%s", line);
}

enum { LINE = 512 };

static char *now_text(char text[RT_TIME_TEXT])
{
    return rt__line_time(text, RT_TIME_TEXT, rt__clock_ns(CLOCK_REALTIME) / 1000);
}

static rt_code evaluated(void *user, const rt_train_step *step, const rt_score *training,
                         const rt_score *validation, rt_error *err)
{
    rt_retrain_job *job = user;
    char line[LINE], now[RT_TIME_TEXT];
    say(job, rt__line_train_accuracy(line, LINE, now_text(now), step->number, training->accuracy));
    say(job, rt__line_cross_entropy(line, LINE, now_text(now), step->number, training->cross_entropy));
    if (validation->n)
        say(job, rt__line_validation_accuracy(line, LINE, now_text(now), step->number, validation->accuracy,
                                              validation->n));
    job->result->training = *training;
    job->result->validation = *validation;
    return rt__summaries_validation(job, step, validation, err);
}

static rt_code store_intermediate(const rt_retrain_job *job, const rt_train_step *step, rt_error *err)
{
    uint64_t every = (uint64_t)job->options->intermediate_store_frequency;
    rt_buffer path = {0};
    char name[64];
    rt_code code;
    if (!every || step->number == 0 || step->number % every)
        return RT_OK;
    snprintf(name, sizeof name, "intermediate_%llu.pb", (unsigned long long)step->number);
    if (!rt__path_join(&path, job->options->intermediate_output_graphs_dir, name)) {
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    } else {
        rt_log_line(job->log, RT_INFO, "Save intermediate result to : %s", path.bytes);
        code = rt__retrain_write_graph(job, &rt__train_sync(step)->head, path.bytes, err);
    }
    rt__buffer_clear(&path);
    return code;
}

static rt_code before(void *user, const rt_train_step *step, rt_error *err)
{
    return rt__summaries_train(user, step, err);
}

static rt_code after(void *user, const rt_train_step *step, rt_error *err)
{
    rt_retrain_job *job = user;
    rt_code code = store_intermediate(job, step, err);
    rt_progress_update(job->progress, "training", step->number + 1,
                       (uint64_t)job->options->how_many_training_steps);
    if (code == RT_OK && rt__retrain_state_is_due(job)) {
        rt__train_sync(step);
        code = rt__retrain_store_state(job, false, err);
    }
    return code;
}

static bool should_stop(void *user)
{
    const rt_retrain_job *job = user;
    const rt_stop *stop = job->options->stop;
    return stop && stop->asked(stop->user);
}

static rt_code make_batch(void *user, rt_rng *rng, rt_batch *batch, rt_error *err)
{
    return rt__retrain_distorted_batch(user, rng, batch, err);
}

rt_vectors rt__retrain_vectors(const rt_retrain_job *job)
{
    const rt_features *f = &job->features;
    return (rt_vectors){f->vectors, f->many ? rt_features_fetch : NULL, f};
}

/* Trains; a stop that is asked for is no error. */
static rt_code train(rt_retrain_job *job, const rt_train_options *options, rt_error *err)
{
    rt_vectors vectors = rt__retrain_vectors(job);
    const rt_train_data data = {NULL, &job->sets[RT_TRAINING], &job->sets[RT_VALIDATION], &vectors};
    const rt_train_hooks hooks = {
        .user = job,
        .make = job->distorted ? make_batch : NULL,
        .before = before,
        .evaluated = evaluated,
        .after = after,
        .should_stop = should_stop,
    };
    const rt_stop *stop = job->options->stop;
    rt_code code = rt__retrain_gather(job, options, &data, err);
    if (code != RT_OK)
        return code;
    vectors = rt__retrain_vectors(job);
    if (stop)
        stop->begin(stop->user);
    code = rt__train(options, &data, &hooks, &job->state, err);
    if (stop)
        stop->end(stop->user);
    job->result->steps = job->state.step;
    job->result->stopped = code == RT_OK && job->state.step < options->steps;
    return code == RT_OK ? rt__retrain_store_state(job, job->result->stopped, err) : code;
}

rt_code rt__retrain_train(rt_retrain_job *job, rt_error *err)
{
    const rt_retrain_options *o = job->options;
    const rt_train_options options = {
        .steps = (uint64_t)o->how_many_training_steps,
        .learning_rate = o->learning_rate,
        .train_batch_size = o->train_batch_size,
        .validation_batch_size = o->validation_batch_size,
        .eval_step_interval = (uint64_t)o->eval_step_interval,
        .n_threads = (size_t)o->threads,
    };
    rt_code code =
        rt__train_state_init(&job->state, job->features.feature_size, job->dataset->n_classes, o->seed, err);
    rt_code closed;
    if (code == RT_OK)
        code = rt__retrain_resume(job, err);
    if (code == RT_OK)
        code = rt__summaries_open(job, err);
    if (code == RT_OK)
        code = train(job, &options, err);
    closed = rt__summaries_close(job, code == RT_OK ? err : NULL);
    return code == RT_OK ? closed : code;
}

/* ---- the final test ---- */

static void list_misclassified(const rt_retrain_job *job)
{
    char line[LINE];
    say(job, "=== MISCLASSIFIED TEST IMAGES ===");
    for (size_t i = 0; i < job->test.score.n; i++) {
        uint32_t predicted = job->test.predictions[i];
        char *path =
            predicted == job->test_labels[i] ? NULL : rt_dataset_path(job->dataset, job->test_rows[i]);
        if (path)
            say(job, rt__line_misclassified(line, LINE, path, job->dataset->classes[predicted].label));
        free(path);
    }
}

/* What retrain.py does not tell: the weak classes, and what they are taken for. */
static rt_code list_classes(const rt_retrain_job *job, rt_error *err)
{
    enum { MOST_CLASSES = 100, MOST_COLUMNS = 20, MOST_CONFUSIONS = 5 };
    size_t n = job->dataset->n_classes, width, n_worst;
    rt_line_class *classes = calloc(n, sizeof *classes);
    rt_line_confusion worst[MOST_CONFUSIONS];
    char line[LINE];
    if (!classes)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const rt_class_score *score = &job->test.classes[i];
        classes[i] =
            (rt_line_class){job->dataset->classes[i].label, score->n, score->predicted, score->right};
    }
    width = rt__line_label_width(classes, n);
    if (n <= MOST_CLASSES)
        say(job, rt__line_class_head(line, LINE, width));
    for (size_t i = 0; i < n && n <= MOST_CLASSES; i++)
        say(job, rt__line_class(line, LINE, width, &classes[i]));
    if (n <= MOST_COLUMNS)
        say(job, rt__line_matrix_head(line, LINE, width, n));
    for (size_t i = 0; i < n && n <= MOST_COLUMNS; i++)
        say(job, rt__line_matrix_row(line, LINE, width, classes[i].label, i, job->test.confusion + i * n, n));
    n_worst = rt__line_confusions(job->test.confusion, n, worst, MOST_CONFUSIONS);
    for (size_t i = 0; i < n_worst; i++)
        say(job, rt__line_confusion(line, LINE, classes, &worst[i]));
    free(classes);
    return RT_OK;
}

rt_code rt__retrain_draw_test(const rt_retrain_job *job, uint32_t **rows, uint32_t **labels, size_t *n,
                              rt_error *err)
{
    const rt_sampler *set = &job->sets[RT_TESTING];
    int32_t wanted = job->options->test_batch_size;
    rt_rng rng;
    *n = wanted < 0 ? set->n : (size_t)wanted;
    *rows = calloc(*n + 1, sizeof **rows);
    *labels = calloc(*n + 1, sizeof **labels);
    if (!*rows || !*labels)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if (wanted < 0) {
        memcpy(*rows, set->rows, *n * sizeof **rows);
        memcpy(*labels, set->labels, *n * sizeof **labels);
    } else {
        rt__rng_seed(&rng, job->options->seed, RT_STREAM_TESTING);
        *n = rt__sampler_draw(set, &rng, *n, *rows, *labels);
    }
    return RT_OK;
}

rt_code rt__retrain_test(rt_retrain_job *job, rt_error *err)
{
    const rt_vectors vectors = rt__retrain_vectors(job);
    rt_batch batch = {.vectors = &vectors};
    rt_head rounded = {0};
    char line[LINE];
    rt_code code = rt__retrain_draw_test(job, &job->test_rows, &job->test_labels, &batch.n, err);
    if (code != RT_OK)
        return code;
    batch.rows = job->test_rows;
    batch.labels = job->test_labels;
    code = rt__retrain_rounded_head(job, &rounded, err);
    if (code == RT_OK)
        code = rt_evaluate(rounded.weights ? &rounded : &job->state.head, &batch,
                           (size_t)job->options->threads, &job->test, err);
    rt_head_clear(&rounded);
    if (code != RT_OK)
        return code;
    job->result->test = job->test.score;
    if (batch.n == 0) {
        rt_log_line(job->log, RT_WARN, "WARNING: There is no photo to test on; the accuracy is not known.");
        return RT_OK;
    }
    say(job, rt__line_test_accuracy(line, LINE, job->test.score.accuracy, batch.n));
    if (job->options->print_misclassified_test_images)
        list_misclassified(job);
    code = list_classes(job, err);
    return code == RT_OK ? rt__summaries_test(job, err) : code;
}
