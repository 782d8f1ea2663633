#include "base/file.h"
#include "base/hash.h"
#include "retrain_job.h"

#include <stdio.h>
#include <string.h>

/* Names of files on Linux may have 255 bytes. */
enum { MAX_NAME = 255 };

/* What stands behind the photo's name in its cache file's: the module as retrain.py writes it, and whatever
 * else the user said that changes the vectors, which retrain.py cannot be told. */
static void add_module_name(const rt_retrain_options *o, rt_buffer *name)
{
    const char *text = o->tfhub_module, *scheme = strstr(text, "://");
    size_t start = name->size;
    if (scheme) {
        rt__buffer_add(name, text, (size_t)(scheme - text));
        rt__buffer_text(name, "~");
        text = scheme + 3;
    }
    rt__buffer_text(name, text);
    if (o->module.bottleneck_tensor)
        rt__buffer_format(name, "~%s", o->module.bottleneck_tensor);
    if (o->module.input_tensor)
        rt__buffer_format(name, "~from~%s", o->module.input_tensor);
    if (o->module.input_height)
        rt__buffer_format(name, "~%dx%d", (int)o->module.input_height, (int)o->module.input_width);
    if (o->module.input_std != 0)
        rt__buffer_format(name, "~%.9g~%.9g", (double)o->module.input_mean, (double)o->module.input_std);
    for (size_t i = start; !name->failed && i < name->size; i++)
        if (strchr("/:\\", name->bytes[i]))
            name->bytes[i] = '~';
}

/* A name too long for the file system gives way to its digest. */
static rt_code shorten(rt_buffer *name, rt_error *err)
{
    uint8_t digest[RT_SHA1_BYTES];
    char hex[2 * RT_SHA1_BYTES + 1];
    rt_code code = rt__sha1(name->bytes, name->size, digest, err);
    if (code != RT_OK)
        return code;
    rt__hex(digest, sizeof digest, hex);
    rt__buffer_reset(name);
    rt__buffer_text(name, hex);
    return RT_OK;
}

static rt_code fill(char *to, size_t size, const char *folder, const char *class_folder, const char *name,
                    rt_error *err)
{
    size_t length = strlen(folder);
    const char *slash = length && folder[length - 1] == '/' ? "" : "/";
    int written = snprintf(to, size, "%s%s%s/%s", folder, slash, class_folder, name);
    if (written < 0 || (size_t)written >= size)
        return rt_fail(err, RT_ELIMIT, "path of more than %zu bytes: %s/%.40s...", size - 1, class_folder,
                       name);
    return RT_OK;
}

static rt_code paths_of_photo(const void *user, size_t i, char *photo, char *cache, size_t size,
                              rt_error *err)
{
    const rt_retrain_job *job = user;
    const rt_photo *p = &job->dataset->photos[i];
    const char *class_folder = job->dataset->classes[p->class_index].folder;
    rt_buffer name = {0};
    rt_code code = fill(photo, size, job->dataset->root, class_folder, p->name, err);
    if (code == RT_OK) {
        rt__buffer_format(&name, "%s_", p->name);
        add_module_name(job->options, &name);
        code = rt__buffer_ok(&name, err);
    }
    if (code == RT_OK && name.size + strlen(".txt") > MAX_NAME)
        code = shorten(&name, err);
    if (code == RT_OK) {
        rt__buffer_text(&name, ".txt");
        code = rt__buffer_ok(&name, err);
    }
    if (code == RT_OK)
        code = fill(cache, size, job->options->bottleneck_dir, class_folder, name.bytes, err);
    rt__buffer_clear(&name);
    return code;
}

rt_code rt__retrain_features(rt_retrain_job *job, rt_error *err)
{
    const rt_feature_source source = {job, paths_of_photo, job->dataset->n_photos};
    const rt_feature_options options = {
        .n_threads = (size_t)job->options->threads,
        .strict = job->options->strict,
        .log = job->log,
        .progress = job->progress,
    };
    return rt_features_compute(job->module, &source, &options, &job->features, err);
}
