#include "export_measure.h"

#include "retrain/eval.h"

#include <stdlib.h>

enum { MOST_PHOTOS = 200 };

/* ---- which photos ---- */

static rt_code add_training_photos(const rt_dataset *set, rt_photo_list *photos, rt_error *err)
{
    rt_code code = RT_OK;
    for (size_t i = 0; code == RT_OK && i < set->n_photos; i++) {
        char *path;
        if (set->photos[i].set != RT_TRAINING)
            continue;
        path = rt_dataset_path(set, i);
        code = path ? rt__photo_list_add(photos, path, err) : rt_fail(err, RT_ENOMEM, "out of memory");
        free(path);
    }
    return code;
}

rt_code rt__export_samples(const rt_export_job *job, rt_photo_list *photos, rt_error *err)
{
    const rt_export_options *o = job->options;
    rt_dataset *set = NULL;
    rt_code code = rt_dataset_open(o->sample_photos, &o->split, NULL, &set, err);
    if (code == RT_ENOMEM || code == RT_EARG)
        return code;
    if (code == RT_OK)
        code = add_training_photos(set, photos, err);
    rt_dataset_close(set);
    if (photos->n == 0)
        code = rt__photo_list_add(photos, o->sample_photos, err);
    return code;
}

/* ---- class folders: accuracy ---- */

static rt_label_options finished_file(const rt_export_job *job)
{
    rt_label_options file;
    rt_label_defaults(&file);
    file.graph = job->place;
    file.threads = job->options->source.threads;
    return file;
}

static double accuracy(const rt_eval_result *r)
{
    return 100 * (double)r->n_right / (double)r->n_counted;
}

static double agreement(const rt_eval_result *a, const rt_eval_result *b)
{
    size_t same = 0;
    for (size_t i = 0; i < a->n_photos; i++)
        same += !a->photos[i].reason && a->photos[i].taken_for == b->photos[i].taken_for;
    return 100 * (double)same / (double)a->n_counted;
}

static rt_code evaluate(const rt_export_job *job, const rt_label_options *classifier, rt_eval_result *result,
                        rt_error *err)
{
    rt_eval_options o;
    rt_eval_defaults(&o);
    o.classifier = *classifier;
    o.image_dir = job->options->sample_photos;
    o.set = RT_EVAL_TEST;
    o.split = job->options->split;
    o.progress = job->options->progress;
    return rt_eval(&o, result, err);
}

/* *done: false where the photos are no class folders of this classifier, or too few for a test set. */
static rt_code compare_accuracy(const rt_export_job *job, bool *done, rt_error *err)
{
    const rt_label_options file = finished_file(job);
    rt_eval_result plain = {0}, rounded = {0};
    rt_code code = evaluate(job, &job->options->source, &plain, err);
    *done = code != RT_ENOTFOUND && code != RT_EFORMAT;
    if (!*done)
        return RT_OK;
    if (code == RT_OK && (code = evaluate(job, &file, &rounded, err)) == RT_OK)
        rt_log_line(
            &job->options->log, RT_INFO,
            "accuracy on %zu test photos: %.1f%% in float32, %.1f%% in 8 bits; the same label on %.1f%%",
            plain.n_counted, accuracy(&plain), accuracy(&rounded), agreement(&plain, &rounded));
    rt_eval_clear(&plain);
    rt_eval_clear(&rounded);
    return code;
}

/* ---- any photos: agreement ---- */

/* first: the most likely label of each photo, n_labels for one that cannot be read. */
static rt_code label_photos(const rt_label_options *classifier, const char *const *paths, size_t n,
                            size_t *first, rt_error *err)
{
    rt_label_outcome *outcomes = calloc(n, sizeof *outcomes);
    rt_labeller *labeller = NULL;
    float *scores = NULL;
    size_t n_labels;
    rt_code code = rt_labeller_open(classifier, &labeller, err);
    if (code != RT_OK)
        goto done;
    n_labels = rt_labeller_describe(labeller)->n_labels;
    if (!outcomes || !(scores = calloc(n * n_labels, sizeof *scores)))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt_labeller_run(labeller, paths, n, scores, outcomes, err);
    for (size_t i = 0; code == RT_OK && i < n; i++) {
        const float *row = scores + i * n_labels;
        first[i] = outcomes[i].code == RT_OK ? 0 : n_labels;
        for (size_t k = 1; first[i] < n_labels && k < n_labels; k++)
            first[i] = row[k] > row[first[i]] ? k : first[i];
    }
done:
    rt_labeller_close(labeller);
    free(scores);
    free(outcomes);
    return code;
}

static void report(const rt_export_job *job, const size_t *plain, const size_t *rounded, size_t n)
{
    size_t n_read = 0, same = 0;
    for (size_t i = 0; i < n; i++) {
        n_read += plain[i] < job->labels.n;
        same += plain[i] < job->labels.n && plain[i] == rounded[i];
    }
    if (n_read)
        rt_log_line(&job->options->log, RT_INFO, "8 bits choose the label of float32 on %.1f%% of %zu photos",
                    100 * (double)same / (double)n_read, n_read);
}

static rt_code compare_labels(const rt_export_job *job, rt_error *err)
{
    const rt_label_options file = finished_file(job);
    size_t plain[MOST_PHOTOS], rounded[MOST_PHOTOS], n;
    const char *paths[MOST_PHOTOS];
    rt_photo_list photos = {0};
    rt_code code = rt__photo_list_add(&photos, job->options->sample_photos, err);
    n = photos.n < MOST_PHOTOS ? photos.n : MOST_PHOTOS;
    for (size_t i = 0; i < n; i++)
        paths[i] = photos.paths[i * photos.n / n];
    if (code == RT_OK && (code = label_photos(&job->options->source, paths, n, plain, err)) == RT_OK &&
        (code = label_photos(&file, paths, n, rounded, err)) == RT_OK)
        report(job, plain, rounded, n);
    rt__photo_list_clear(&photos);
    return code;
}

rt_code rt__export_measure(const rt_export_job *job, rt_error *err)
{
    bool done;
    rt_code code = compare_accuracy(job, &done, err);
    if (code == RT_OK && !done)
        code = compare_labels(job, err);
    return code;
}
