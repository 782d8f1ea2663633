#include "retrain_summaries.h"

#include "base/checked.h"
#include "base/file.h"
#include "export/checkpoint.h"
#include "export/events.h"
#include "export/graphdef_write.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OUR_ENDING ".retrain"

enum { N_SUMMARIES = 14, FLUSH_SECONDS = 5 };

struct rt_retrain_summaries {
    rt_events *train, *validation;
    float *logits, *probabilities; /* [n_values] */
    size_t n_values;
    double flushed;
};

static double wall_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- files ---- */

/* Files of an earlier run, in a folder that may be missing. */
static void remove_ours(const char *folder)
{
    static const char start[] = "events.out.tfevents.";
    DIR *open_folder = opendir(folder);
    rt_buffer path = {0};
    const struct dirent *entry;
    while (open_folder && (entry = readdir(open_folder)))
        if (strncmp(entry->d_name, start, sizeof start - 1) == 0 && strstr(entry->d_name, OUR_ENDING) &&
            rt__path_join(&path, folder, entry->d_name))
            unlink(path.bytes);
    if (open_folder)
        closedir(open_folder);
    rt__buffer_clear(&path);
}

static rt_code open_file(const rt_retrain_job *job, const char *name, rt_events **events, rt_error *err)
{
    rt_buffer folder = {0};
    rt_code code = RT_OK;
    if (!rt__path_join(&folder, job->options->summaries_dir, name))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK && job->first_step == 0)
        remove_ours(folder.bytes);
    if (code == RT_OK)
        code = rt__events_open(folder.bytes, OUR_ENDING, wall_time(), events, err);
    rt__buffer_clear(&folder);
    return code;
}

/* With variables instead of constants: the graph without its weights. */
static rt_code add_graph(const rt_retrain_job *job, rt_events *events, rt_error *err)
{
    rt_buffer graph_def = {0}, meta = {0};
    rt_variables variables = {0};
    rt_graph *graph = NULL;
    rt_code code = rt__retrain_graph(job, &job->state.head, &graph, err);
    if (code == RT_OK)
        code = rt__classifier_variables(graph, RT_RETRAIN_VARIABLE_SCOPE, &variables, err);
    if (code == RT_OK)
        code = rt__graphdef_write(variables.graph, RT_GRAPH_PRODUCER, &graph_def, err);
    if (code == RT_OK)
        code = rt__checkpoint_meta(&variables, &meta, err);
    if (code == RT_OK)
        code = rt__events_graph(events, wall_time(), graph_def.bytes, graph_def.size, err);
    if (code == RT_OK)
        code = rt__events_meta_graph(events, wall_time(), meta.bytes, meta.size, err);
    rt__buffer_clear(&graph_def);
    rt__buffer_clear(&meta);
    rt__variables_clear(&variables);
    rt__graph_free(graph);
    return code;
}

rt_code rt__summaries_open(rt_retrain_job *job, rt_error *err)
{
    rt_retrain_summaries *s;
    rt_code code;
    if (!job->options->summaries_dir || !*job->options->summaries_dir)
        return RT_OK;
    if (!(s = calloc(1, sizeof *s)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    job->summaries = s;
    s->flushed = rt__retrain_clock();
    code = open_file(job, "train", &s->train, err);
    if (code == RT_OK)
        code = open_file(job, "validation", &s->validation, err);
    return code == RT_OK ? add_graph(job, s->train, err) : code;
}

rt_code rt__summaries_close(rt_retrain_job *job, rt_error *err)
{
    rt_retrain_summaries *s = job->summaries;
    rt_code train, validation;
    if (!s)
        return RT_OK;
    train = rt__events_close(s->train, err);
    validation = rt__events_close(s->validation, train == RT_OK ? err : NULL);
    free(s->logits);
    free(s->probabilities);
    free(s);
    job->summaries = NULL;
    return train == RT_OK ? validation : train;
}

/* ---- values ---- */

static rt_code make_room(rt_retrain_summaries *s, size_t n, size_t n_classes, rt_error *err)
{
    size_t values, bytes;
    float *logits, *probabilities;
    if (!rt_mul(&values, n, n_classes) || !rt_mul(&bytes, values, sizeof(float)))
        return rt_fail(err, RT_ELIMIT, "a batch of %zu photos is too large for summaries", n);
    if (values <= s->n_values)
        return RT_OK;
    if ((logits = realloc(s->logits, bytes)))
        s->logits = logits;
    if ((probabilities = realloc(s->probabilities, bytes)))
        s->probabilities = probabilities;
    if (!logits || !probabilities)
        return rt_fail(err, RT_ENOMEM, "out of memory for summaries");
    s->n_values = values;
    return RT_OK;
}

static rt_summary scalar(const char *tag, float value)
{
    return (rt_summary){.tag = tag, .kind = RT_SUMMARY_SCALAR, .scalar = value};
}

static rt_summary histogram(const char *tag, const float *values, size_t n)
{
    return (rt_summary){.tag = tag, .kind = RT_SUMMARY_HISTOGRAM, .values = values, .n_values = n};
}

/* variable_summaries(): tags are those of mean, deviation, maximum, minimum and histogram. */
static void describe(const char *const tags[5], const float *values, size_t n, rt_summary *out)
{
    float mean, deviation, max, min;
    rt__summary_moments(values, n, &mean, &deviation, &max, &min);
    out[0] = scalar(tags[0], mean);
    out[1] = scalar(tags[1], deviation);
    out[2] = scalar(tags[2], max);
    out[3] = scalar(tags[3], min);
    out[4] = histogram(tags[4], values, n);
}

#define TAGS(variable)                                           \
    {                                                            \
        "final_retrain_ops/" variable "/summaries/mean_1",       \
            "final_retrain_ops/" variable "/summaries/stddev_1", \
            "final_retrain_ops/" variable "/summaries/max_1",    \
            "final_retrain_ops/" variable "/summaries/min_1",    \
            "final_retrain_ops/" variable "/summaries/histogram" \
    }

/* In the order of retrain.py's graph. */
static rt_code add(rt_retrain_job *job, rt_events *events, const rt_train_step *step, const rt_batch *batch,
                   const rt_score *score, rt_error *err)
{
    static const char *const weights[5] = TAGS("weights"), *const biases[5] = TAGS("biases");
    const rt_head *head = &rt__train_sync(step)->head;
    rt_retrain_summaries *s = job->summaries;
    size_t n = batch->n * head->n_classes;
    rt_summary all[N_SUMMARIES];
    rt_code code = make_room(s, batch->n, head->n_classes, err);
    if (code != RT_OK)
        return code;
    rt_trainer_predict(step->trainer, batch, s->logits, s->probabilities);
    describe(weights, head->weights, head->n_features * head->n_classes, all);
    describe(biases, head->biases, head->n_classes, all + 5);
    all[10] = histogram("final_retrain_ops/Wx_plus_b/pre_activations", s->logits, n);
    all[11] = histogram("activations", s->probabilities, n);
    all[12] = scalar("cross_entropy_1", score->cross_entropy);
    all[13] = scalar("accuracy_1", score->accuracy);
    return rt__events_add(events, wall_time(), (int64_t)step->number, all, N_SUMMARIES, err);
}

rt_code rt__summaries_train(rt_retrain_job *job, const rt_train_step *step, rt_error *err)
{
    const rt_retrain_options *o = job->options;
    uint64_t interval = (uint64_t)(o->summary_interval ? o->summary_interval : o->eval_step_interval);
    rt_score score;
    if (!job->summaries ||
        (step->number % interval != 0 && step->number + 1 != (uint64_t)o->how_many_training_steps))
        return RT_OK;
    rt_trainer_evaluate(step->trainer, step->batch, &score, NULL);
    return add(job, job->summaries->train, step, step->batch, &score, err);
}

rt_code rt__summaries_validation(rt_retrain_job *job, const rt_train_step *step, const rt_score *score,
                                 rt_error *err)
{
    rt_retrain_summaries *s = job->summaries;
    double now = rt__retrain_clock();
    rt_code code;
    if (!s || score->n == 0)
        return RT_OK;
    code = add(job, s->validation, step, step->validation, score, err);
    if (code != RT_OK || now - s->flushed < FLUSH_SECONDS)
        return code;
    s->flushed = now;
    code = rt__events_flush(s->train, err);
    return code == RT_OK ? rt__events_flush(s->validation, err) : code;
}

/* ---- the final test ---- */

/* A cell of a Markdown table. */
static void add_cell(rt_buffer *text, const char *label)
{
    rt__buffer_text(text, " ");
    for (; *label; label++)
        rt__buffer_format(text, strchr("|\\`*_<>", *label) ? "\\%c" : "%c", *label);
    rt__buffer_text(text, " |");
}

static void add_confusion(const rt_retrain_job *job, rt_buffer *text)
{
    size_t n = job->dataset->n_classes;
    rt__buffer_text(text, "| photos of, taken for |");
    for (size_t k = 0; k < n; k++)
        add_cell(text, job->dataset->classes[k].label);
    rt__buffer_text(text, "\n|---|");
    for (size_t k = 0; k < n; k++)
        rt__buffer_text(text, "--:|");
    for (size_t i = 0; i < n; i++) {
        rt__buffer_text(text, "\n|");
        add_cell(text, job->dataset->classes[i].label);
        for (size_t k = 0; k < n; k++)
            rt__buffer_format(text, " %u |", (unsigned)job->test.confusion[i * n + k]);
    }
    rt__buffer_text(text, "\n");
}

/* "-" where nothing was to be measured. */
static void add_rate(rt_buffer *text, uint32_t right, uint32_t of)
{
    if (of)
        rt__buffer_format(text, " %.1f%% |", 100.0 * right / of);
    else
        rt__buffer_text(text, " - |");
}

static void add_classes(const rt_retrain_job *job, rt_buffer *text)
{
    rt__buffer_text(text, "| class | photos | recall | precision |\n|---|--:|--:|--:|");
    for (size_t i = 0; i < job->dataset->n_classes; i++) {
        const rt_class_score *score = &job->test.classes[i];
        rt__buffer_text(text, "\n|");
        add_cell(text, job->dataset->classes[i].label);
        rt__buffer_format(text, " %u |", (unsigned)score->n);
        add_rate(text, score->right, score->n);
        add_rate(text, score->right, score->predicted);
    }
    rt__buffer_text(text, "\n");
}

rt_code rt__summaries_test(const rt_retrain_job *job, rt_error *err)
{
    enum { MOST_CLASSES = 100 };
    const char *folder = job->options->summaries_dir;
    rt_buffer confusion = {0}, classes = {0};
    rt_events *events = NULL;
    rt_code code, closed;
    if (!folder || !*folder || job->test.score.n == 0)
        return RT_OK;
    if (job->dataset->n_classes <= MOST_CLASSES)
        add_confusion(job, &confusion);
    add_classes(job, &classes);
    code = rt__buffer_ok(&confusion, err);
    if (code == RT_OK && (code = rt__buffer_ok(&classes, err)) == RT_OK)
        code = open_file(job, "test", &events, err);
    if (code == RT_OK) {
        const rt_summary all[] = {
            scalar("cross_entropy_1", job->test.score.cross_entropy),
            scalar("accuracy_1", job->test.score.accuracy),
            {.tag = "classes", .kind = RT_SUMMARY_TEXT, .text = classes.bytes},
            {.tag = "confusion_matrix", .kind = RT_SUMMARY_TEXT, .text = confusion.bytes},
        };
        code =
            rt__events_add(events, wall_time(), (int64_t)job->state.step, all, confusion.bytes ? 4 : 3, err);
    }
    closed = rt__events_close(events, code == RT_OK ? err : NULL);
    rt__buffer_clear(&confusion);
    rt__buffer_clear(&classes);
    return code == RT_OK ? closed : code;
}
