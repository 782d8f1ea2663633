#include "retrain/label.h"

#include "base/file.h"
#include "base/pool.h"
#include "label_graph.h"
#include "retrain/feature.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_GRAPH  "/tmp/output_graph.pb"
#define DEFAULT_LABELS "/tmp/output_labels.txt"

struct rt_labeller {
    rt_module *module;
    rt_extractor *network; /* photo -> scores, the graph's output taken as a feature vector; only cloned */
    size_t n_threads;
    rt_buffer label_text; /* what labels point into */
    const char **labels;
    rt_labeller_info info;
};

void rt_label_defaults(rt_label_options *options)
{
    *options = (rt_label_options){.graph = DEFAULT_GRAPH};
}

/* ---- labels ---- */

/* Points labels at the lines of the text, whose line ends become 0; what the last line lacks does not matter.
 */
static rt_code cut_lines(rt_labeller *labeller, rt_error *err)
{
    char *text = labeller->label_text.bytes;
    size_t n = 0;
    for (const char *c = text; c && *c; n++) {
        c += strcspn(c, "\n");
        c += *c == '\n';
    }
    if (!(labeller->labels = calloc(n + 1, sizeof *labeller->labels)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    labeller->info.labels = labeller->labels;
    labeller->info.n_labels = n;
    for (size_t i = 0; i < n; i++) {
        size_t length = strcspn(text, "\n");
        labeller->labels[i] = text;
        text[length] = 0;
        if (length && text[length - 1] == '\r')
            text[length - 1] = 0;
        text += length + 1;
    }
    return RT_OK;
}

static rt_code read_label_file(rt_labeller *labeller, const char *path, rt_error *err)
{
    rt_code code = rt__file_read(&labeller->label_text, path, 64 << 20, NULL, err);
    if (code == RT_OK && memchr(labeller->label_text.bytes, 0, labeller->label_text.size))
        code = rt_fail(err, RT_EFORMAT, "is not a text file");
    if (code != RT_OK)
        rt_doing(err, path, "cannot read labels");
    return code;
}

static rt_code find_labels(rt_labeller *labeller, const rt_label_options *options, rt_error *err)
{
    const char *path = options->labels;
    size_t outputs = (size_t)rt_module_describe(labeller->module)->feature_size;
    rt_code code = RT_OK;
    if (!path && labeller->label_text.size == 0)
        path = DEFAULT_LABELS;
    if (path) {
        rt__buffer_reset(&labeller->label_text);
        code = read_label_file(labeller, path, err);
    }
    if (code == RT_OK)
        code = cut_lines(labeller, err);
    if (code == RT_OK && labeller->info.n_labels != outputs) {
        code = rt_fail(err, RT_EFORMAT, "%zu labels, but the graph has %zu outputs: another graph's labels?",
                       labeller->info.n_labels, outputs);
        rt_doing(err, path ? path : options->graph, "cannot use labels");
    }
    return code;
}

/* ---- opening ---- */

rt_code rt_labeller_open(const rt_label_options *options, rt_labeller **labeller, rt_error *err)
{
    rt_labeller *new = calloc(1, sizeof *new);
    rt_code code = new ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt__label_graph_open(options, &new->module, &new->label_text, err);
    if (code == RT_OK)
        code = find_labels(new, options, err);
    if (code == RT_OK)
        code = rt_extractor_new(new->module, &new->network, err);
    if (code != RT_OK) {
        rt_labeller_close(new);
        return code;
    }
    new->n_threads = options->threads > 0 ? (size_t)options->threads : rt__cpu_count();
    new->info.notice = rt_module_describe(new->module)->notice;
    *labeller = new;
    return RT_OK;
}

void rt_labeller_close(rt_labeller *labeller)
{
    if (!labeller)
        return;
    rt_extractor_free(labeller->network);
    free(labeller->labels);
    rt__buffer_clear(&labeller->label_text);
    rt_module_close(labeller->module);
    free(labeller);
}

const rt_labeller_info *rt_labeller_describe(const rt_labeller *labeller)
{
    return &labeller->info;
}

/* ---- running ---- */

typedef struct worker {
    rt_extractor *extractor; /* made on the thread that uses it, as it wants */
    rt_buffer bytes;         /* the photo's file */
} worker;

typedef struct job {
    const rt_labeller *labeller;
    const char *const *paths;
    float *scores;
    rt_label_outcome *outcomes;
    worker *workers;
} job;

static rt_code label_photo(void *context, size_t worker_index, size_t item, rt_error *err)
{
    job *j = context;
    worker *w = &j->workers[worker_index];
    size_t n_labels = j->labeller->info.n_labels;
    float *scores = j->scores + item * n_labels;
    rt_label_outcome *outcome = &j->outcomes[item];
    rt_error seen;
    rt_code code = RT_OK;
    if (!w->extractor)
        code = rt_extractor_clone(j->labeller->network, &w->extractor, err);
    if (code != RT_OK)
        return code;
    rt__buffer_reset(&w->bytes);
    code = rt__file_read(&w->bytes, j->paths[item], 0, NULL, &seen);
    if (code == RT_OK)
        code = rt_extractor_run(w->extractor, (const uint8_t *)w->bytes.bytes, w->bytes.size, scores, &seen);
    *outcome = (rt_label_outcome){.code = code};
    if (code == RT_ENOMEM)
        return rt_fail(err, code, "out of memory");
    if (code != RT_OK) {
        memset(scores, 0, n_labels * sizeof *scores);
        rt_doing(&seen, j->paths[item], "cannot read photo");
        rt_error_text(&seen, outcome->reason, sizeof outcome->reason);
    }
    return RT_OK;
}

rt_code rt_labeller_run(const rt_labeller *labeller, const char *const *paths, size_t n, float *scores,
                        rt_label_outcome *outcomes, rt_error *err)
{
    size_t n_workers = labeller->n_threads < n ? labeller->n_threads : n;
    job j = {labeller, paths, scores, outcomes, calloc(n_workers + 1, sizeof *j.workers)};
    rt_code code;
    if (!j.workers)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = n ? rt__pool_run(n_workers, n, label_photo, &j, err) : RT_OK;
    for (size_t i = 0; i < n_workers; i++) {
        rt__buffer_clear(&j.workers[i].bytes);
        rt_extractor_free(j.workers[i].extractor);
    }
    free(j.workers);
    return code;
}
