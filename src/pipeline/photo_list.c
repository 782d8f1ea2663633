#include "photo_list.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 40 };

static rt_code append(rt_photo_list *list, const char *path, rt_error *err)
{
    char *copy = strdup(path);
    if (copy && list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        char **paths = reallocarray(list->paths, capacity, sizeof *paths);
        if (paths) {
            list->paths = paths;
            list->capacity = capacity;
        }
    }
    if (!copy || list->n == list->capacity) {
        free(copy);
        return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    list->paths[list->n++] = copy;
    return RT_OK;
}

static bool is_photo_name(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".gif"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (length > ending && strcasecmp(name + length - ending, endings[i]) == 0)
            return true;
    }
    return false;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static rt_code add_folder(rt_photo_list *list, const char *folder, int depth, rt_error *err);

static rt_code add_entry(rt_photo_list *list, const char *folder, const char *name, int depth, rt_error *err)
{
    rt_buffer path = {0};
    rt_file_info info;
    rt_code code = RT_OK;
    if (!rt__path_join(&path, folder, name))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    else if (rt__file_info(path.bytes, &info, NULL) == RT_OK && info.is_folder)
        code = add_folder(list, path.bytes, depth + 1, err);
    else if (is_photo_name(name)) /* one that cannot be read is told when its turn comes */
        code = append(list, path.bytes, err);
    rt__buffer_clear(&path);
    return code;
}

static rt_code add_folder(rt_photo_list *list, const char *folder, int depth, rt_error *err)
{
    struct dirent **entries = NULL;
    rt_code code = RT_OK;
    int n;
    if (depth > MAX_DEPTH) {
        rt_fail(err, RT_ELIMIT, "more than %d folders inside each other", MAX_DEPTH);
        rt_doing(err, folder, "cannot list photos");
        return RT_ELIMIT;
    }
    if ((n = scandir(folder, &entries, is_visible, by_bytes)) < 0) {
        code = rt_fail_errno(err, errno, "cannot read folder");
        rt_doing(err, folder, "cannot list photos");
        return code;
    }
    for (int i = 0; i < n; i++) {
        if (code == RT_OK)
            code = add_entry(list, folder, entries[i]->d_name, depth, err);
        free(entries[i]);
    }
    free(entries);
    return code;
}

rt_code rt__photo_list_add(rt_photo_list *list, const char *path, rt_error *err)
{
    rt_file_info info;
    size_t before = list->n;
    rt_code code;
    if (rt__file_info(path, &info, NULL) != RT_OK || !info.is_folder)
        return append(list, path, err);
    code = add_folder(list, path, 0, err);
    if (code == RT_OK && list->n == before) {
        code = rt_fail(err, RT_ENOTFOUND, "no photo (.jpg, .jpeg, .png, .gif) in this folder");
        rt_doing(err, path, "cannot list photos");
    }
    return code;
}

void rt__photo_list_clear(rt_photo_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (rt_photo_list){0};
}
