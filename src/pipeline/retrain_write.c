#include "base/file.h"
#include "export/classifier.h"
#include "export/frozen.h"
#include "model/module.h"
#include "retrain_job.h"

#include <stdlib.h>
#include <string.h>

/* The folder a file goes to may be missing. */
rt_code rt__retrain_make_folder_of(const char *path, rt_error *err)
{
    const char *name = rt__path_name(path);
    char *folder;
    rt_code code;
    if (name == path)
        return RT_OK;
    if (!(folder = strndup(path, (size_t)(name - path))))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = rt__folder_make(folder, err);
    free(folder);
    return code;
}

rt_code rt__retrain_graph(const rt_retrain_job *job, const rt_head *head, rt_graph **graph, rt_error *err)
{
    const rt_dataset *d = job->dataset;
    const char **labels = calloc(d->n_classes, sizeof *labels);
    rt_classifier_parts parts = {
        .graph = job->module->graph,
        .input = job->module->input,
        .feature = job->module->feature,
        .is_variable = job->module->is_variable,
        .height = job->module->info.height,
        .width = job->module->info.width,
        .weights = head->weights,
        .biases = head->biases,
        .n_features = head->n_features,
        .n_classes = head->n_classes,
        .labels = labels,
        .variable_scope = RT_RETRAIN_VARIABLE_SCOPE,
        .op_scope = "module_apply_default",
        .final_tensor = job->options->final_tensor_name,
    };
    rt_head_ranges ranges;
    bool quantised = false;
    rt_code code = labels ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; labels && i < d->n_classes; i++)
        labels[i] = d->classes[i].label;
    if (code == RT_OK)
        code = rt__retrain_ranges(job, head, &ranges, &quantised, err);
    if (quantised)
        parts.ranges = &ranges;
    if (code == RT_OK)
        code = rt__classifier_graph(&parts, graph, err);
    free(labels);
    return code;
}

static rt_code write_frozen(const rt_graph *graph, const char *path, rt_error *err)
{
    rt_code code = rt__retrain_make_folder_of(path, err);
    return code == RT_OK ? rt__frozen_write(graph, path, err) : code;
}

rt_code rt__retrain_write_graph(const rt_retrain_job *job, const rt_head *head, const char *path,
                                rt_error *err)
{
    rt_graph *graph = NULL;
    rt_code code = rt__retrain_graph(job, head, &graph, err);
    if (code == RT_OK)
        code = write_frozen(graph, path, err);
    rt__graph_free(graph);
    return code;
}

static rt_code write_labels(const rt_retrain_job *job, rt_error *err)
{
    const char *path = job->options->output_labels;
    rt_buffer text = {0};
    rt_code code;
    for (size_t i = 0; i < job->dataset->n_classes; i++)
        rt__buffer_format(&text, "%s\n", job->dataset->classes[i].label);
    code = rt__buffer_ok(&text, err);
    if (code == RT_OK)
        code = rt__retrain_make_folder_of(path, err);
    if (code == RT_OK)
        code = rt__file_write(path, text.bytes, text.size, true, err);
    rt__buffer_clear(&text);
    return code;
}

static rt_code write_json(const rt_retrain_job *job, rt_error *err)
{
    const char *path = job->options->json;
    rt_code code = rt__retrain_json(job, &job->result->json, err);
    if (code != RT_OK || !path || strcmp(path, "-") == 0)
        return code;
    code = rt__retrain_make_folder_of(path, err);
    return code == RT_OK ? rt__file_write(path, job->result->json, strlen(job->result->json), true, err)
                         : code;
}

rt_code rt__retrain_write(rt_retrain_job *job, rt_error *err)
{
    rt_graph *graph = NULL;
    rt_code code = rt__retrain_graph(job, &job->state.head, &graph, err);
    rt_log_line(job->log, RT_INFO, "Save final result to : %s", job->options->output_graph);
    if (rt__retrain_imitates_8_bits(job))
        rt_log_line(job->log, RT_INFO, "The model is instrumented for quantization with TF-Lite");
    if (code == RT_OK)
        code = write_frozen(graph, job->options->output_graph, err);
    if (code == RT_OK)
        code = write_labels(job, err);
    if (code == RT_OK)
        code = rt__retrain_write_variables(job, graph, err);
    rt__graph_free(graph);
    if (code == RT_OK)
        code = write_json(job, err);
    return code;
}
