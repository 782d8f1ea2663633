#include "base/buffer.h"
#include "feature/cache_text.h"
#include "retrain_job.h"

#include <stdlib.h>
#include <string.h>

/* The module as retrain.py has it in the names of its files, and whatever else the user said that changes the
 * vectors, which retrain.py cannot be told. */
void rt__retrain_module_name(const rt_retrain_options *o, rt_buffer *module)
{
    rt__buffer_text(module, o->tfhub_module);
    if (o->module.bottleneck_tensor)
        rt__buffer_format(module, "~%s", o->module.bottleneck_tensor);
    if (o->module.input_tensor)
        rt__buffer_format(module, "~from~%s", o->module.input_tensor);
    if (o->module.input_height)
        rt__buffer_format(module, "~%dx%d", (int)o->module.input_height, (int)o->module.input_width);
    if (o->module.input_std != 0)
        rt__buffer_format(module, "~%.9g~%.9g", (double)o->module.input_mean, (double)o->module.input_std);
    if (o->extraction.exact)
        rt__buffer_text(module, "~exact");
    if (o->extraction.fast_decode)
        rt__buffer_text(module, "~fast_decode");
}

static rt_code path_of_photo(const rt_retrain_job *job, size_t i, char *path, size_t size, rt_error *err)
{
    if (rt_dataset_path_into(job->dataset, i, path, size) < size)
        return RT_OK;
    return rt_fail(err, RT_ELIMIT, "path of more than %zu bytes: %.80s/.../%.80s", size - 1,
                   job->dataset->root, job->dataset->photos[i].name);
}

static rt_code paths_of_photo(const void *user, size_t i, char *photo, char *cache, size_t size,
                              rt_error *err)
{
    const rt_retrain_job *job = user;
    const rt_photo *p = &job->dataset->photos[i];
    rt_buffer module = {0};
    rt_code code = path_of_photo(job, i, photo, size, err);
    if (code == RT_OK && !cache)
        return RT_OK;
    if (code == RT_OK) {
        rt__retrain_module_name(job->options, &module);
        code = rt__buffer_ok(&module, err);
    }
    if (code == RT_OK)
        code = rt__cache_path(job->options->bottleneck_dir, job->dataset->classes[p->class_index].folder,
                              p->name, module.bytes, cache, size, err);
    rt__buffer_clear(&module);
    return code;
}

rt_feature_source rt__retrain_photos(const rt_retrain_job *job)
{
    return (rt_feature_source){.user = job, .paths = paths_of_photo, .n_photos = job->dataset->n_photos};
}

static bool is_measured_on(const void *user, size_t i)
{
    const rt_retrain_job *job = user;
    return job->dataset->photos[i].set != RT_TRAINING;
}

rt_code rt__retrain_features(rt_retrain_job *job, rt_error *err)
{
    const rt_distortion distortion = rt__retrain_distortion(job->options);
    rt_feature_source source = rt__retrain_photos(job);
    rt_buffer module = {0};
    rt_feature_options options = {
        .how = job->options->extraction,
        .n_threads = (size_t)job->options->threads,
        .strict = job->options->strict,
        .log = job->log,
        .progress = job->progress,
    };
    rt_code code;
    rt__retrain_module_name(job->options, &module);
    if ((code = rt__buffer_ok(&module, err)) != RT_OK)
        return code;
    if (job->options->bottleneck_cache == RT_CACHE_PACKED)
        options.packed_dir = job->options->bottleneck_dir;
    options.module_name = module.bytes;
    options.deal = job->deal;
    if (rt_distortion_any(&distortion))
        source.wanted = is_measured_on;
    code = rt_features_compute(job->module, &source, &options, &job->features, err);
    if (code == RT_OK && rt_distortion_any(&distortion))
        code = rt__retrain_distort(job, err);
    rt__buffer_clear(&module);
    return code;
}
