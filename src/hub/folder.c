#include "unpack.h"

#include "base/buffer.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

rt_code rt__folder_remove(const char *folder, rt_error *err)
{
    char *paths[] = {(char *)(uintptr_t)folder, NULL}; /* fts_open takes no const and changes nothing */
    rt_code code = RT_OK;
    FTSENT *entry;
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk)
        return rt_fail_errno(err, errno, "cannot remove");
    while (code == RT_OK && (entry = fts_read(walk))) {
        int removed = 0;
        if (entry->fts_info == FTS_D)
            continue;
        if (entry->fts_info == FTS_NS && entry->fts_errno == ENOENT)
            continue;
        removed = entry->fts_info == FTS_DP ? rmdir(entry->fts_accpath) : unlink(entry->fts_accpath);
        if (removed != 0 && errno != ENOENT) {
            code = rt_fail_errno(err, errno, "cannot remove");
            rt_doing(err, entry->fts_path, "cannot remove folder");
        }
    }
    fts_close(walk);
    return code;
}

rt_code rt__folder_temporary(char **folder, rt_error *err)
{
    const char *root = getenv("TMPDIR");
    rt_buffer path = {0};
    rt_code code;
    rt__buffer_format(&path, "%s/retrain-XXXXXX", root && *root ? root : "/tmp");
    if ((code = rt__buffer_ok(&path, err)) != RT_OK)
        return code;
    if (!mkdtemp(path.bytes)) {
        code = rt_fail_errno(err, errno, "cannot make a temporary folder");
        rt_doing(err, path.bytes, "cannot unpack");
        rt__buffer_clear(&path);
        return code;
    }
    *folder = path.bytes;
    return RT_OK;
}
