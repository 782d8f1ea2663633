#include "retrain/exchange.h"

#include "base/file.h"
#include "feature/text_store.h"
#include "retrain_job.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static rt_code check(const rt_retrain_options *o, const char *folder, rt_error *err)
{
    if (!o->image_dir || !*o->image_dir)
        return rt_fail(err, RT_EARG, "--image_dir is missing: the photos the text files are of");
    if (!o->tfhub_module || !*o->tfhub_module)
        return rt_fail(err, RT_EARG, "--tfhub_module is empty; name the network the vectors are of");
    if (!folder || !*folder)
        return rt_fail(err, RT_EARG, "name the folder of text files");
    return RT_OK;
}

static rt_code path_without_text(const void *user, size_t i, char *photo, char *cache, size_t size,
                                 rt_error *err)
{
    const rt_feature_source *whole = user;
    if (cache)
        cache[0] = 0;
    return whole->paths(whole->user, i, photo, NULL, size, err);
}

/* Collects what the cache has, or gets from text files in job->options->bottleneck_dir. */
static rt_code collect(rt_retrain_job *job, const char *packed_dir, bool with_text, rt_error *err)
{
    rt_feature_options options = {
        .how = job->options->extraction,
        .n_threads = (size_t)job->options->threads,
        .log = job->log,
        .progress = job->progress,
        .packed_dir = packed_dir,
        .only_cached = true,
    };
    rt_feature_source with, without;
    rt_buffer name = {0};
    rt_code code = rt__retrain_open_dataset(job, err);
    if (code == RT_OK)
        code = rt__retrain_open_module(job, err);
    if (code != RT_OK)
        return code;
    rt__retrain_module_name(job->options, &name);
    if ((code = rt__buffer_ok(&name, err)) == RT_OK) {
        options.module_name = name.bytes;
        with = rt__retrain_photos(job);
        without = (rt_feature_source){.user = &with, .paths = path_without_text, .n_photos = with.n_photos};
        code = rt_features_compute(job->module, with_text ? &with : &without, &options, &job->features, err);
    }
    rt__buffer_clear(&name);
    return code;
}

rt_code rt_bottlenecks_import(const rt_retrain_options *options, const char *folder, const rt_log *log,
                              const rt_progress *progress, rt_exchange_result *result, rt_error *err)
{
    rt_retrain_options from = *options;
    rt_retrain_job job = {.options = &from, .log = log, .progress = progress};
    rt_code code = check(options, folder, err);
    from.bottleneck_dir = folder;
    if (code == RT_OK)
        code = collect(&job, options->bottleneck_dir, true, err);
    if (code == RT_OK)
        *result = (rt_exchange_result){job.features.n_photos, job.features.n_cached,
                                       job.features.n_cached - job.features.n_imported};
    rt__retrain_clear(&job);
    return code;
}

/* ---- export ---- */

typedef struct export_to {
    rt_text_store *store;
    rt_text_reader reader;
    float *values; /* [feature_size] */
} export_to;

static rt_code export_photo(const rt_retrain_job *job, export_to *to, size_t i, rt_error *err)
{
    const rt_feature_source source = rt__retrain_photos(job);
    char photo[RT_PATH_BYTES], text[RT_PATH_BYTES];
    rt_file_info info;
    rt_code code = source.paths(source.user, i, photo, text, RT_PATH_BYTES, err);
    if (code == RT_OK)
        code = rt__file_info(photo, &info, err);
    if (code != RT_OK)
        return code;
    rt_features_fetch(&job->features, job->features.vectors[i], to->values);
    return rt__text_store_keep(to->store, &to->reader, photo, text, to->values, &info, err);
}

static rt_code export_all(rt_retrain_job *job, rt_exchange_result *result, rt_error *err)
{
    const rt_features *f = &job->features;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const rt_text_options options = {job->module, job->options->extraction, f->feature_size, job->log, &lock};
    export_to to = {.values = calloc(f->feature_size, sizeof(float))};
    size_t skipped = 0;
    rt_code code =
        to.values ? rt__text_store_new(&options, &to.store, err) : rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < f->n_photos && code == RT_OK; i++) {
        bool bad = skipped < f->n_skipped && f->skipped[skipped].photo == i;
        skipped += bad;
        if (bad || !f->vectors[i])
            continue;
        code = export_photo(job, &to, i, err);
        result->n_done += code == RT_OK;
        rt_progress_update(job->progress, "text files", i + 1, f->n_photos);
    }
    rt__buffer_clear(&to.reader.text);
    rt__text_store_close(to.store);
    free(to.values);
    return code;
}

rt_code rt_bottlenecks_export(const rt_retrain_options *options, const char *folder, const rt_log *log,
                              const rt_progress *progress, rt_exchange_result *result, rt_error *err)
{
    rt_retrain_options to = *options;
    rt_retrain_job job = {.options = &to, .log = log, .progress = progress};
    rt_code code = check(options, folder, err);
    to.bottleneck_dir = folder;
    if (code == RT_OK)
        code = collect(&job, options->bottleneck_dir, false, err);
    if (code == RT_OK) {
        *result = (rt_exchange_result){.n_photos = job.features.n_photos};
        code = export_all(&job, result, err);
    }
    rt__retrain_clear(&job);
    return code;
}
