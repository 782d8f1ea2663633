#include "manifest.h"

#include "base/file.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* fts_open takes no const and changes nothing. */
static FTS *walk(const char *folder, int (*compare)(const FTSENT **, const FTSENT **))
{
    char *paths[] = {(char *)(uintptr_t)folder, NULL};
    return fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, compare);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

rt_code rt__manifest_list(const char *folder, rt_buffer *text, rt_error *err)
{
    size_t root = strlen(folder);
    FTSENT *entry;
    FTS *files = walk(folder, by_name);
    rt_code code = RT_OK;
    if (!files)
        return rt_fail_errno(err, errno, "cannot list");
    while (code == RT_OK && (entry = fts_read(files))) {
        if (entry->fts_info == FTS_F)
            rt__buffer_format(text, "%lld %s\n", (long long)entry->fts_statp->st_size,
                              entry->fts_path + root + 1);
        else if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS)
            code = rt_fail_errno(err, entry->fts_errno, "cannot list");
    }
    fts_close(files);
    if (code == RT_OK)
        code = rt__buffer_ok(text, err);
    if (code != RT_OK)
        rt_doing(err, folder, "cannot list folder");
    return code;
}

bool rt__manifest_holds(const char *folder, const char *text)
{
    rt_buffer path = {0};
    bool holds = *text != 0;
    while (holds && *text) {
        rt_file_info info;
        char *name;
        unsigned long long size = strtoull(text, &name, 10);
        size_t length = strcspn(name, "\n");
        if (length < 2 || name[0] != ' ') {
            holds = false;
            break;
        }
        rt__buffer_reset(&path);
        rt__buffer_format(&path, "%s/%.*s", folder, (int)length - 1, name + 1);
        holds = !path.failed && rt__file_info(path.bytes, &info, NULL) == RT_OK && info.size == size;
        text = name + length;
        text += *text == '\n';
    }
    rt__buffer_clear(&path);
    return holds;
}

bool rt__folder_looks_whole(const char *folder)
{
    FTS *files = walk(folder, NULL);
    FTSENT *entry;
    bool whole = files != NULL;
    while (whole && (entry = fts_read(files))) {
        if (entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR) {
            whole = false;
        } else if (entry->fts_info == FTS_D) {
            /* fts_children on the folder just met lists it without going on */
            whole = fts_children(files, FTS_NAMEONLY) != NULL || strcmp(entry->fts_name, "assets") == 0;
        }
    }
    if (files)
        fts_close(files);
    return whole;
}

uint64_t rt__folder_bytes(const char *folder)
{
    uint64_t bytes = 0;
    FTS *files = walk(folder, NULL);
    FTSENT *entry;
    while (files && (entry = fts_read(files)))
        if (entry->fts_info == FTS_F)
            bytes += (uint64_t)entry->fts_statp->st_size;
    if (files)
        fts_close(files);
    return bytes;
}
