#include "retrain/label.h"

#include "base/file.h"
#include "base/pool.h"
#include "label_graph.h"
#include "label_names.h"
#include "retrain/feature.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_GRAPH "/tmp/output_graph.pb"

struct rt_labeller {
    rt_module *module;
    rt_extractor *network; /* photo -> scores, the graph's output taken as a feature vector; only cloned */
    size_t n_threads;
    rt_label_names names;
    rt_labeller_info info;
};

void rt_label_defaults(rt_label_options *options)
{
    *options = (rt_label_options){.graph = DEFAULT_GRAPH};
}

/* ---- opening ---- */

rt_code rt_labeller_open(const rt_label_options *options, rt_labeller **labeller, rt_error *err)
{
    rt_labeller *new = calloc(1, sizeof *new);
    rt_code code = new ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt__label_graph_open(options, &new->module, &new->names.text, err);
    if (code == RT_OK)
        code = rt__label_names_find(&new->names, options,
                                    (size_t)rt_module_describe(new->module)->feature_size, err);
    if (code == RT_OK)
        code = rt_extractor_new(new->module, &options->extraction, &new->network, err);
    if (code != RT_OK) {
        rt_labeller_close(new);
        return code;
    }
    rt_extractor_set_resize(new->network, options->resize);
    new->n_threads = options->threads > 0 ? (size_t)options->threads : rt__cpu_count();
    new->info.n_labels = new->names.n;
    new->info.labels = new->names.names;
    new->info.notice = rt_module_describe(new->module)->notice;
    *labeller = new;
    return RT_OK;
}

void rt_labeller_close(rt_labeller *labeller)
{
    if (!labeller)
        return;
    rt_extractor_free(labeller->network);
    rt__label_names_clear(&labeller->names);
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
