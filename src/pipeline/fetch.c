#include "fetch.h"

#include "base/file.h"
#include "hub/cache.h"
#include "hub/handle.h"

#include <stdlib.h>
#include <string.h>

bool rt__is_url(const char *text, bool *supported)
{
    *supported = rt__handle_is_url(text);
    return strstr(text, "://") != NULL;
}

static rt_code copy(const char *text, char **path, rt_error *err)
{
    return (*path = strdup(text)) ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

rt_code rt__fetch_module(const rt_retrain_options *options, const rt_log *log, const rt_progress *progress,
                         char **path, rt_error *err)
{
    rt_cache cache = {.log = log, .progress = progress};
    char *root = NULL;
    rt_code code;
    if (!rt__handle_is_url(options->tfhub_module))
        return copy(options->tfhub_module, path, err);
    if (options->tfhub_model_load_format == RT_LOAD_UNCOMPRESSED)
        rt_log_line(
            log, RT_WARN,
            "--tfhub_model_load_format UNCOMPRESSED: the module is fetched as an archive, into the cache");
    code = rt__cache_modules_root(options->tfhub_cache_dir, &root, err);
    cache.root = root;
    if (code == RT_OK)
        code = rt__cache_module(&cache, options->tfhub_module, path, err);
    free(root);
    if (code != RT_OK)
        rt_doing(err, options->tfhub_module, "cannot get module");
    return code;
}

rt_code rt__fetch_images(const rt_retrain_options *options, const rt_log *log, const rt_progress *progress,
                         char **path, rt_error *err)
{
    const char *source = options->image_dir;
    rt_cache cache = {.log = log, .progress = progress};
    rt_file_info info;
    rt_error seen;
    char *root = NULL;
    rt_code code;
    /* What is neither there nor a URL is the data set's to complain about. */
    if (!rt__handle_is_url(source) && (rt__file_info(source, &info, NULL) != RT_OK || info.is_folder))
        return copy(source, path, err);
    code = rt__cache_images_root(&root, err);
    cache.root = root;
    if (code == RT_OK && (code = rt__cache_images(&cache, source, path, &seen)) != RT_OK) {
        /* The file at fault is a copy in the cache that is gone by now. */
        rt_fail(err, code, "%s", seen.cause);
        rt_doing(err, source, "cannot get photos from an archive");
    }
    free(root);
    return code;
}
