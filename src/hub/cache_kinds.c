#include "cache.h"

#include "base/file.h"
#include "base/hash.h"
#include "handle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Keeps the first address's failure: the others are only tried because of it. */
static rt_code fetch_handle(const rt_cache *cache, const void *source, const char *file, rt_error *err)
{
    rt_download_options options = cache->download;
    rt_buffer address = {0};
    rt_error first, later;
    rt_code code = RT_ENOTFOUND;
    options.progress = cache->progress;
    options.log = cache->log;
    rt_error_clear(&first);
    for (unsigned i = 0; rt__handle_address(source, i, &address) && !address.failed; i++) {
        if (i > 0)
            rt_log_line(cache->log, RT_WARN, "%s, trying another address", i > 1 ? later.cause : first.cause);
        rt_log_line(cache->log, RT_INFO, "Downloading %s", address.bytes);
        code = rt__download(address.bytes, file, &options, i ? &later : &first);
        if (code == RT_OK)
            break;
    }
    rt__buffer_clear(&address);
    if (code != RT_OK && err)
        *err = first;
    return code == RT_OK ? RT_OK : first.code;
}

/* Adds what the user can do by hand. */
static void explain_by_hand(const rt_cache *cache, const rt_cache_entry *entry, rt_error *err)
{
    rt_buffer text = {0}, address = {0};
    if (!entry->is_module) {
        rt__handle_web_address(entry->source, &address);
        rt__buffer_format(&text, "; without a network: fetch %s elsewhere, and give the file as --image_dir",
                          address.failed ? "" : address.bytes);
    } else if (rt__handle_address(entry->handle, 0, &address)) {
        rt__buffer_format(&text,
                          "; without a network: fetch %s elsewhere, then unpack it into %s/%s, or give the "
                          ".tar.gz itself as --tfhub_module",
                          address.failed ? "" : address.bytes, cache->root, entry->name);
    }
    if (err && text.bytes && !text.failed) {
        size_t used = strlen(err->cause);
        snprintf(err->cause + used, sizeof err->cause - used, "%s", text.bytes);
    }
    rt__buffer_clear(&text);
    rt__buffer_clear(&address);
}

/* tensorflow_hub's own default, which is read but never written. */
static char *hub_default_folder(const rt_cache_entry *entry)
{
    const char *temporary = getenv("TMPDIR");
    rt_buffer root = {0}, path = {0};
    rt__buffer_format(&root, "%s/tfhub_modules", temporary && *temporary ? temporary : "/tmp");
    if (!root.failed && rt__cache_has(root.bytes, entry))
        rt__path_join(&path, root.bytes, entry->name);
    rt__buffer_clear(&root);
    return path.bytes;
}

rt_code rt__cache_module(const rt_cache *cache, const char *handle, char **folder, rt_error *err)
{
    char name[41];
    rt_cache_entry entry = {
        .handle = handle, .name = name, .is_module = true, .fetch = fetch_handle, .source = handle};
    rt_code code = rt__handle_folder(handle, name, err);
    if (code != RT_OK)
        return code;
    if (!rt__cache_has(cache->root, &entry) && (*folder = hub_default_folder(&entry)))
        return RT_OK;
    code = rt__cache_get(cache, &entry, folder, err);
    if (code == RT_EIO || code == RT_ENOTFOUND)
        explain_by_hand(cache, &entry, err);
    return code;
}

static rt_code fetch_url(const rt_cache *cache, const void *source, const char *file, rt_error *err)
{
    rt_download_options options = cache->download;
    rt_buffer address = {0};
    rt_code code;
    options.progress = cache->progress;
    options.log = cache->log;
    rt__handle_web_address(source, &address);
    rt_log_line(cache->log, RT_INFO, "Downloading %s", address.failed ? "" : address.bytes);
    if ((code = rt__buffer_ok(&address, err)) == RT_OK)
        code = rt__download(address.bytes, file, &options, err);
    rt__buffer_clear(&address);
    return code;
}

/* A file on disk needs no copy: a link to it is all that unpacking wants. */
static rt_code fetch_file(const rt_cache *cache, const void *source, const char *file, rt_error *err)
{
    (void)cache;
    return symlink(source, file) == 0 ? RT_OK : rt_fail_errno(err, errno, "cannot link the archive");
}

/* A file that changes gets another entry: its name, size and time of change are the key. */
static rt_code file_key(const char *path, rt_buffer *key, rt_error *err)
{
    rt_file_info info;
    char *full;
    rt_code code = rt__file_info(path, &info, err);
    if (code != RT_OK)
        return code;
    if (!(full = realpath(path, NULL)))
        return rt_fail_errno(err, errno, "cannot open");
    rt__buffer_format(key, "%s\n%llu\n%lld", full, (unsigned long long)info.size, (long long)info.mtime_ns);
    free(full);
    return rt__buffer_ok(key, err);
}

rt_code rt__cache_images(const rt_cache *cache, const char *source, char **folder, rt_error *err)
{
    char name[41];
    char *full = NULL;
    bool is_url = rt__handle_is_url(source);
    rt_buffer key = {0};
    rt_cache_entry entry = {
        .handle = source, .name = name, .fetch = is_url ? fetch_url : fetch_file, .source = source};
    rt_code code = RT_OK;
    if (is_url)
        rt__buffer_text(&key, source);
    else if ((code = file_key(source, &key, err)) == RT_OK && (full = realpath(source, NULL)))
        entry.source = full;
    if (code == RT_OK && (code = rt__buffer_ok(&key, err)) == RT_OK)
        code = rt__handle_folder(key.bytes, name, err);
    if (code == RT_OK)
        code = rt__cache_get(cache, &entry, folder, err);
    if (is_url && (code == RT_EIO || code == RT_ENOTFOUND))
        explain_by_hand(cache, &entry, err);
    rt__buffer_clear(&key);
    free(full);
    return code;
}

static rt_code user_cache(const char *what, char **root, rt_error *err)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    rt_buffer path = {0};
    if (base && base[0] == '/')
        rt__buffer_format(&path, "%s/retrain/%s", base, what);
    else if (home && *home)
        rt__buffer_format(&path, "%s/.cache/retrain/%s", home, what);
    else
        return rt_fail(err, RT_ENOTFOUND,
                       "neither XDG_CACHE_HOME nor HOME is set: name a cache folder with "
                       "TFHUB_CACHE_DIR");
    *root = path.bytes;
    return rt__buffer_ok(&path, err);
}

rt_code rt__cache_modules_root(const char *flag, char **root, rt_error *err)
{
    const char *environment = getenv("TFHUB_CACHE_DIR");
    const char *chosen = environment && *environment ? environment : flag;
    if (!chosen || !*chosen)
        return user_cache("modules", root, err);
    *root = strdup(chosen);
    return *root ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

rt_code rt__cache_images_root(char **root, rt_error *err)
{
    return user_cache("images", root, err);
}
