/* TensorFlow's formats with variables, and hub modules. */
#include "export_job.h"

#include "base/file.h"
#include "export/checkpoint.h"
#include "export/hub_module_write.h"
#include "export/saved_model_write.h"
#include "model/classifier.h"

rt_code rt__export_saved_model(const rt_export_job *job, rt_error *err)
{
    const rt_module *m = job->module;
    rt_variables variables;
    rt_code code = rt__frozen_variables(m->graph, &variables, err);
    if (code != RT_OK)
        return code;
    code = rt__saved_model_write(&variables, rt__graph_node(m->graph, m->input.node)->name,
                                 rt__graph_node(m->graph, m->feature.node)->name, job->labels.n, job->place,
                                 err);
    rt__variables_clear(&variables);
    return code;
}

rt_code rt__export_checkpoint(const rt_export_job *job, rt_error *err)
{
    rt_variables variables;
    rt_code code = rt__frozen_variables(job->module->graph, &variables, err);
    if (code != RT_OK)
        return code;
    code = rt__checkpoint_write(&variables, job->place, err);
    rt__variables_clear(&variables);
    return code;
}

/* ---- hub modules ---- */

/* What the classifier's last layer reads, where that is a vector. */
static rt_code find_feature(const rt_export_job *job, rt_hub_module_parts *parts, rt_error *err)
{
    const rt_module *m = job->module;
    rt_classifier_node found;
    rt_shape shape;
    rt_code code = rt__find_classifier(m->graph, &m->feature, 1, &found, err);
    if (code == RT_OK)
        code = rt__graph_output_shape(m->graph, m->input, found.feature, job->info->height, job->info->width,
                                      &shape, err);
    if (code == RT_OK && shape.rank == 2 && shape.dim[1] <= INT32_MAX) {
        parts->feature = found.feature;
        parts->feature_size = (int32_t)shape.dim[1];
    }
    return code == RT_EUNSUPPORTED ? RT_OK : code;
}

static rt_code put(const rt_export_job *job, const char *name, const rt_buffer *content, rt_error *err)
{
    rt_buffer path = {0};
    rt_code code = rt__buffer_ok(content, err);
    if (code == RT_OK && !rt__path_join(&path, job->place, name))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt__file_write(path.bytes, content->bytes, content->size, true, err);
    rt__buffer_clear(&path);
    return code;
}

rt_code rt__export_hub_module(const rt_export_job *job, rt_error *err)
{
    const rt_module *m = job->module;
    rt_hub_module_parts parts = {.graph = m->graph,
                                 .input = m->input,
                                 .height = job->info->height,
                                 .width = job->info->width,
                                 .scores = m->feature,
                                 .n_scores = job->info->feature_size};
    rt_buffer graph = {0}, format = {0}, assets = {0};
    rt_code code = find_feature(job, &parts, err);
    if (code == RT_OK)
        code = rt__hub_module_write(&parts, &graph, err);
    rt__hub_module_format(&format);
    if (code == RT_OK)
        code = rt__path_join(&assets, job->place, "assets") ? rt__folder_make(assets.bytes, err)
                                                            : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK && (code = put(job, "saved_model.pb", &graph, err)) == RT_OK)
        code = put(job, "tfhub_module.pb", &format, err);
    rt__buffer_clear(&graph);
    rt__buffer_clear(&format);
    rt__buffer_clear(&assets);
    return code;
}
