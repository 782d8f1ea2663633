#include "retrain/eval.h"

#include "base/checked.h"
#include "dataset/listing.h"
#include "retrain/dataset.h"

#include <stdlib.h>
#include <string.h>

void rt_eval_defaults(rt_eval_options *options)
{
    *options = (rt_eval_options){.split = {.testing_percentage = 10, .validation_percentage = 10}};
    rt_label_defaults(&options->classifier);
}

/* ---- which label a class folder goes with ---- */

/* The label as the trainer would make it of a folder of that name: one spelling for "No-Glasses" and "no
 * glasses ".  Where nothing would be left it stays as it is. */
static rt_code spell(const char *label, rt_buffer *spelled, rt_error *err)
{
    if (rt__label_make(label, false, spelled, NULL) != RT_OK) {
        rt__buffer_reset(spelled);
        rt__buffer_text(spelled, label);
    }
    return rt__buffer_ok(spelled, err);
}

typedef struct spelled_label {
    char *text;
    size_t index;
} spelled_label;

static int by_text(const void *a, const void *b)
{
    return strcmp(((const spelled_label *)a)->text, ((const spelled_label *)b)->text);
}

static void free_spelled(spelled_label *labels, size_t n)
{
    for (size_t i = 0; labels && i < n; i++)
        free(labels[i].text);
    free(labels);
}

/* In the order of their texts. */
static rt_code spell_labels(const rt_labeller_info *info, spelled_label **result, rt_error *err)
{
    spelled_label *labels = calloc(info->n_labels + 1, sizeof *labels);
    rt_code code = labels ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; code == RT_OK && i < info->n_labels; i++) {
        rt_buffer text = {0};
        code = spell(info->labels[i], &text, err);
        labels[i] = (spelled_label){text.bytes, i};
    }
    if (code == RT_OK)
        qsort(labels, info->n_labels, sizeof *labels, by_text);
    if (code == RT_OK)
        *result = labels;
    else
        free_spelled(labels, info->n_labels);
    return code;
}

static rt_code find_label(const spelled_label *labels, const rt_labeller_info *info, const char *class,
                          size_t *label, rt_error *err)
{
    rt_buffer text = {0};
    const spelled_label *found = NULL;
    rt_code code = spell(class, &text, err);
    if (code == RT_OK)
        found = bsearch(&(spelled_label){text.bytes, 0}, labels, info->n_labels, sizeof *labels, by_text);
    rt__buffer_clear(&text);
    if (code != RT_OK)
        return code;
    *label = found ? found->index : info->n_labels;
    for (size_t i = 0; found && i < 2; i++) {
        const spelled_label *other = i ? found + 1 : found - 1;
        if (other >= labels && other < labels + info->n_labels && by_text(found, other) == 0)
            return rt_fail(err, RT_EFORMAT, "the classifier's labels '%s' and '%s' are spelled alike",
                           info->labels[found->index], info->labels[other->index]);
    }
    return RT_OK;
}

/* label_of[class of the data set] */
static rt_code match_classes(const rt_dataset *set, const rt_labeller_info *info, size_t *label_of,
                             rt_error *err)
{
    spelled_label *labels = NULL;
    rt_buffer missing = {0};
    rt_code code = spell_labels(info, &labels, err);
    for (size_t i = 0; code == RT_OK && i < set->n_classes; i++) {
        code = find_label(labels, info, set->classes[i].label, &label_of[i], err);
        if (code == RT_OK && label_of[i] == info->n_labels)
            rt__buffer_format(&missing, "%s'%s'", missing.size ? ", " : "", set->classes[i].folder);
    }
    if (code == RT_OK && missing.size) {
        code = rt_fail(err, RT_ENOTFOUND, "the classifier has no label for %s; it knows '%s' and %zu more",
                       missing.bytes, info->labels[0], info->n_labels - 1);
        rt_doing(err, set->root, "cannot evaluate");
    }
    rt__buffer_clear(&missing);
    if (labels)
        free_spelled(labels, info->n_labels);
    return code;
}

/* ---- labelling ---- */

static bool is_wanted(rt_eval_set wanted, uint8_t set)
{
    static const rt_set sets[] = {
        [RT_EVAL_TRAINING] = RT_TRAINING, [RT_EVAL_VALIDATION] = RT_VALIDATION, [RT_EVAL_TEST] = RT_TESTING};
    return wanted == RT_EVAL_ALL || sets[wanted] == (rt_set)set;
}

static rt_code list_photos(const rt_dataset *set, rt_eval_set wanted, const size_t *label_of,
                           rt_eval_result *r, rt_error *err)
{
    if (!(r->photos = calloc(set->n_photos + 1, sizeof *r->photos)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < set->n_photos; i++) {
        rt_eval_photo *photo = &r->photos[r->n_photos];
        if (!is_wanted(wanted, set->photos[i].set))
            continue;
        photo->class = label_of[set->photos[i].class_index];
        if (!(photo->path = rt_dataset_path(set, i)))
            return rt_fail(err, RT_ENOMEM, "out of memory");
        r->n_photos++;
    }
    return RT_OK;
}

static rt_code take(rt_eval_result *r, rt_eval_photo *photo, const float *scores,
                    const rt_label_outcome *outcome, rt_error *err)
{
    if (outcome->code != RT_OK) {
        photo->reason = strdup(outcome->reason);
        return photo->reason ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    }
    for (size_t k = 1; k < r->n_labels; k++)
        if (scores[k] > scores[photo->taken_for])
            photo->taken_for = k;
    photo->score = scores[photo->taken_for];
    r->confusion[photo->class * r->n_labels + photo->taken_for]++;
    r->classes[photo->class].n++;
    r->classes[photo->taken_for].predicted++;
    r->classes[photo->class].right += photo->class == photo->taken_for;
    r->n_right += photo->class == photo->taken_for;
    r->n_counted++;
    return RT_OK;
}

/* Some at a time, so that memory does not grow with the number of photos times classes. */
static rt_code label_photos(const rt_progress *progress, rt_eval_result *r, rt_error *err)
{
    enum { AT_A_TIME = 256 };
    float *scores = calloc(AT_A_TIME * r->n_labels, sizeof *scores);
    rt_label_outcome *outcomes = calloc(AT_A_TIME, sizeof *outcomes);
    const char *paths[AT_A_TIME];
    rt_code code = scores && outcomes ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; code == RT_OK && i < r->n_photos; i += AT_A_TIME) {
        size_t n = r->n_photos - i < AT_A_TIME ? r->n_photos - i : AT_A_TIME;
        rt_progress_update(progress, "photos", i, r->n_photos);
        for (size_t k = 0; k < n; k++)
            paths[k] = r->photos[i + k].path;
        code = rt_labeller_run(r->classifier, paths, n, scores, outcomes, err);
        for (size_t k = 0; code == RT_OK && k < n; k++)
            code = take(r, &r->photos[i + k], scores + k * r->n_labels, &outcomes[k], err);
    }
    free(outcomes);
    free(scores);
    return code;
}

static rt_code make_counts(rt_eval_result *r, rt_error *err)
{
    size_t cells;
    if (!rt_mul(&cells, r->n_labels, r->n_labels) || r->n_photos > UINT32_MAX)
        return rt_fail(err, RT_ELIMIT, "%zu labels, %zu photos", r->n_labels, r->n_photos);
    r->classes = calloc(r->n_labels, sizeof *r->classes);
    r->confusion = calloc(cells, sizeof *r->confusion);
    return r->classes && r->confusion ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

static void set_rates(rt_eval_result *r)
{
    for (size_t k = 0; k < r->n_labels; k++) {
        rt_class_score *class = &r->classes[k];
        class->recall = class->n ? (float)class->right / (float)class->n : 0;
        class->precision = class->predicted ? (float)class->right / (float)class->predicted : 0;
    }
}

static rt_code evaluate(const rt_eval_options *options, const rt_dataset *set, rt_eval_result *r,
                        rt_error *err)
{
    const rt_labeller_info *info = rt_labeller_describe(r->classifier);
    size_t *label_of = calloc(set->n_classes, sizeof *label_of);
    rt_code code = label_of ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    r->labels = info->labels;
    r->n_labels = info->n_labels;
    r->notice = info->notice;
    if (code == RT_OK)
        code = match_classes(set, info, label_of, err);
    if (code == RT_OK)
        code = list_photos(set, options->set, label_of, r, err);
    if (code == RT_OK)
        code = make_counts(r, err);
    if (code == RT_OK)
        code = label_photos(&options->progress, r, err);
    free(label_of);
    if (code == RT_OK && r->n_counted == 0) {
        code = r->n_photos ? rt_fail(err, RT_EFORMAT, "none of %zu photos could be read; the first: %s",
                                     r->n_photos, r->photos[0].reason)
                           : rt_fail(err, RT_EFORMAT, "the set has no photos");
        rt_doing(err, set->root, "cannot evaluate");
    }
    if (code == RT_OK)
        set_rates(r);
    return code;
}

rt_code rt_eval(const rt_eval_options *options, rt_eval_result *result, rt_error *err)
{
    rt_eval_result r = {0};
    rt_dataset *set = NULL;
    rt_code code;
    if (!options->image_dir || !*options->image_dir)
        return rt_fail(err, RT_EARG, "name a folder of class folders: --image_dir PHOTOS");
    code = rt_dataset_open(options->image_dir, &options->split, NULL, &set, err);
    if (code == RT_OK)
        code = rt_labeller_open(&options->classifier, &r.classifier, err);
    if (code == RT_OK)
        code = evaluate(options, set, &r, err);
    rt_dataset_close(set);
    if (code == RT_OK)
        *result = r;
    else
        rt_eval_clear(&r);
    return code;
}

void rt_eval_clear(rt_eval_result *r)
{
    for (size_t i = 0; r->photos && i < r->n_photos; i++) {
        free(r->photos[i].path);
        free(r->photos[i].reason);
    }
    free(r->photos);
    free(r->classes);
    free(r->confusion);
    rt_labeller_close(r->classifier);
    *r = (rt_eval_result){0};
}
