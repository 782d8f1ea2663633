#include "cache.h"

#include "base/file.h"
#include "lock.h"
#include "manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool list_holds(const char *folder, const char *list_path, bool *has_list)
{
    rt_buffer list = {0};
    bool holds = false;
    *has_list = rt__file_read(&list, list_path, (size_t)1 << 30, NULL, NULL) == RT_OK;
    if (*has_list)
        holds = list.size > 0 && rt__manifest_holds(folder, list.bytes);
    rt__buffer_clear(&list);
    return holds;
}

/* path: root/name */
static bool entry_is_whole(const char *path, bool is_module)
{
    rt_buffer other = {0};
    rt_file_info info;
    bool whole, has_list;
    rt__buffer_format(&other, "%s.files.txt", path);
    whole = !other.failed && list_holds(path, other.bytes, &has_list);
    if (!other.failed && !has_list)
        whole = rt__folder_looks_whole(path);
    if (whole && is_module) {
        rt__path_join(&other, path, "saved_model.pb");
        whole = !other.failed && rt__file_info(other.bytes, &info, NULL) == RT_OK && info.size > 0;
    }
    rt__buffer_clear(&other);
    return whole;
}

bool rt__cache_has(const char *root, const rt_cache_entry *entry)
{
    rt_buffer path = {0};
    bool has;
    rt__path_join(&path, root, entry->name);
    has = !path.failed && rt__file_exists(path.bytes) && entry_is_whole(path.bytes, entry->is_module);
    rt__buffer_clear(&path);
    return has;
}

/* The archive lies inside the temporary folder while it comes, so that whoever waits sees that folder grow.
 */
static rt_code fetch_and_unpack(const rt_cache *cache, const rt_cache_entry *entry, const char *temporary,
                                rt_error *err)
{
    rt_buffer file = {0}, inside = {0}, model = {0};
    rt_code code = rt__folder_make(temporary, err);
    rt__path_join(&file, temporary, "archive");
    rt__path_join(&inside, temporary, "unpacked");
    rt__path_join(&model, inside.bytes ? inside.bytes : "", "saved_model.pb");
    if (code == RT_OK)
        code = rt__buffer_ok(&model, err);
    if (code == RT_OK && (code = entry->fetch(cache, entry->source, file.bytes, err)) == RT_OK &&
        (code = rt__folder_make(inside.bytes, err)) == RT_OK)
        code = rt__unpack(file.bytes, inside.bytes, &cache->limits, cache->progress, err);
    if (code == RT_EFORMAT)
        rt_doing(err, NULL, "%s does not appear to be a valid %s", entry->handle,
                 entry->is_module ? "module" : "archive");
    if (code == RT_OK && entry->is_module && !rt__file_exists(model.bytes)) {
        code = rt_fail(err, RT_EFORMAT, "the archive holds no saved_model.pb");
        rt_doing(err, entry->handle, "not a valid module");
    }
    if (code == RT_OK)
        unlink(file.bytes);
    rt__buffer_clear(&file);
    rt__buffer_clear(&inside);
    rt__buffer_clear(&model);
    return code;
}

static rt_code write_beside(const char *path, const char *ending, const rt_buffer *content, rt_error *err)
{
    rt_buffer file = {0};
    rt_code code;
    rt__buffer_format(&file, "%s%s", path, ending);
    if ((code = rt__buffer_ok(&file, err)) == RT_OK && (code = rt__buffer_ok(content, err)) == RT_OK)
        code = rt__file_write(file.bytes, content->bytes, content->size, false, err);
    rt__buffer_clear(&file);
    return code;
}

static void describe(const rt_cache_entry *entry, rt_buffer *text)
{
    char host[256] = "", moment[64];
    time_t now = time(NULL);
    struct tm local;
    gethostname(host, sizeof host - 1);
    localtime_r(&now, &local);
    strftime(moment, sizeof moment, "%Y-%m-%d %H:%M:%S", &local);
    rt__buffer_format(text, "Module: %s\nDownload Time: %s\nDownloader Hostname: %s (PID:%ld)", entry->handle,
                      moment, host, (long)getpid());
}

/* Puts temporary/unpacked in path's place with the two files beside it. */
static rt_code move_into_place(const rt_cache_entry *entry, const char *temporary, const char *path,
                               rt_error *err)
{
    rt_buffer inside = {0}, list = {0}, descriptor = {0};
    rt_code code;
    rt__path_join(&inside, temporary, "unpacked");
    describe(entry, &descriptor);
    if ((code = rt__buffer_ok(&inside, err)) == RT_OK &&
        (code = rt__manifest_list(inside.bytes, &list, err)) == RT_OK &&
        (code = write_beside(path, ".descriptor.txt", &descriptor, err)) == RT_OK &&
        (code = rt__folder_remove(path, err)) == RT_OK &&
        (code = write_beside(path, ".files.txt", &list, err)) == RT_OK && rename(inside.bytes, path) != 0) {
        code = rt_fail_errno(err, errno, "cannot move the unpacked folder into place");
        rt_doing(err, path, "cannot use cache");
    }
    rt__buffer_clear(&inside);
    rt__buffer_clear(&list);
    rt__buffer_clear(&descriptor);
    return code;
}

/* Returns with the lock held, or without it when another process has filled the entry meanwhile. */
static rt_code take_lock(const rt_cache *cache, const rt_cache_entry *entry, rt_lock *lock, const char *path,
                         rt_error *err)
{
    for (;;) {
        rt_code code = rt__lock_try(lock, err);
        if (code != RT_OK || lock->held)
            return code;
        if ((code = rt__lock_wait(lock, path, entry->handle, cache, err)) != RT_OK)
            return code;
        if (entry_is_whole(path, entry->is_module))
            return RT_OK;
    }
}

static rt_code fill(const rt_cache *cache, const rt_cache_entry *entry, const char *path, rt_error *err)
{
    rt_lock lock;
    rt_code code = rt__lock_init(&lock, path, err);
    if (code == RT_OK)
        code = take_lock(cache, entry, &lock, path, err);
    /* The entry may have come between our first look and the lock. */
    if (code == RT_OK && lock.held && !entry_is_whole(path, entry->is_module)) {
        if (rt__file_exists(path))
            rt_log_line(cache->log, RT_WARN, "%s has lost files, fetching %s again", path, entry->handle);
        code = fetch_and_unpack(cache, entry, lock.temporary.bytes, err);
        if (code == RT_OK)
            code = move_into_place(entry, lock.temporary.bytes, path, err);
    }
    rt__lock_clear(&lock);
    return code;
}

rt_code rt__cache_get(const rt_cache *cache, const rt_cache_entry *entry, char **folder, rt_error *err)
{
    rt_buffer path = {0};
    rt_code code = rt__folder_make(cache->root, err);
    rt__path_join(&path, cache->root, entry->name);
    if (code == RT_OK)
        code = rt__buffer_ok(&path, err);
    if (code == RT_OK && !entry_is_whole(path.bytes, entry->is_module))
        code = fill(cache, entry, path.bytes, err);
    if (code == RT_OK)
        *folder = path.bytes;
    else
        rt__buffer_clear(&path);
    return code;
}
