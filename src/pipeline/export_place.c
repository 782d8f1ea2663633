#include "export_place.h"

#include "base/file.h"
#include "hub/unpack.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Without the slashes at its end. */
static size_t length_of(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return length;
}

rt_code rt__place_check(rt_place_kind kind, const char *wanted, rt_error *err)
{
    rt_file_info info;
    rt_code code;
    if (kind == RT_PLACE_PREFIX && !*rt__path_name(wanted)) {
        code = rt_fail(err, RT_EARG, "ends in a slash: name the beginning of the files' names");
        rt_doing(err, wanted, "cannot write checkpoint");
        return code;
    }
    if (kind != RT_PLACE_FOLDER || rt__file_info(wanted, &info, NULL) != RT_OK)
        return rt__file_check_writable(wanted, err);
    if (info.is_folder && rt__folder_is_empty(wanted))
        return RT_OK;
    code = rt_fail(err, RT_EIO, "%s: name a new folder, or an empty one",
                   info.is_folder ? "not empty" : "is a file");
    rt_doing(err, wanted, "cannot write folder");
    return code;
}

rt_code rt__place_open(rt_place *place, rt_place_kind kind, const char *wanted, rt_error *err)
{
    const char *name = rt__path_name(wanted);
    rt_code code;
    *place = (rt_place){.kind = kind, .wanted = wanted};
    if (kind == RT_PLACE_PREFIX) {
        rt__buffer_format(&place->folder, "%.*s%s.%ld.tmp", (int)(name - wanted), wanted, name,
                          (long)getpid());
        rt__buffer_format(&place->path, "%s/%s", place->folder.bytes ? place->folder.bytes : "", name);
    } else {
        rt__buffer_format(&place->path, "%.*s.%ld.tmp", (int)length_of(wanted), wanted, (long)getpid());
    }
    if ((code = rt__buffer_ok(&place->folder, err)) != RT_OK ||
        (code = rt__buffer_ok(&place->path, err)) != RT_OK || kind == RT_PLACE_FILE)
        return code;
    return rt__folder_make(kind == RT_PLACE_PREFIX ? place->folder.bytes : place->path.bytes, err);
}

static rt_code rename_it(const char *from, const char *to, rt_error *err)
{
    rt_code code;
    if (rename(from, to) == 0)
        return RT_OK;
    code = rt_fail_errno(err, errno, "cannot give what is finished its name");
    rt_doing(err, to, "cannot write");
    return code;
}

/* One file of the folder goes beside the wanted prefix. */
static rt_code move_file(const rt_place *place, const char *name, rt_error *err)
{
    size_t length = (size_t)(rt__path_name(place->wanted) - place->wanted);
    rt_buffer from = {0}, to = {0};
    rt_code code;
    rt__buffer_format(&from, "%s/%s", place->folder.bytes, name);
    rt__buffer_format(&to, "%.*s%s", (int)length, place->wanted, name);
    if ((code = rt__buffer_ok(&from, err)) == RT_OK && (code = rt__buffer_ok(&to, err)) == RT_OK)
        code = rename_it(from.bytes, to.bytes, err);
    rt__buffer_clear(&from);
    rt__buffer_clear(&to);
    return code;
}

/* "checkpoint", which names the others, at the end. */
static rt_code move_files(const rt_place *place, rt_error *err)
{
    static const char latest[] = "checkpoint";
    DIR *list = opendir(place->folder.bytes);
    const struct dirent *entry;
    rt_code code = list ? RT_OK : rt_fail_errno(err, errno, "cannot list what was written");
    while (code == RT_OK && (entry = readdir(list)))
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, latest) != 0)
            code = move_file(place, entry->d_name, err);
    if (list)
        closedir(list);
    return code == RT_OK ? move_file(place, latest, err) : code;
}

rt_code rt__place_close(rt_place *place, rt_code code, rt_error *err)
{
    if (code == RT_OK && place->kind == RT_PLACE_PREFIX)
        code = move_files(place, err);
    else if (code == RT_OK)
        code = rename_it(place->path.bytes, place->wanted, err);
    if (place->kind == RT_PLACE_PREFIX && place->folder.bytes)
        rt__folder_remove(place->folder.bytes, NULL);
    if (code != RT_OK && place->kind == RT_PLACE_FOLDER && place->path.bytes)
        rt__folder_remove(place->path.bytes, NULL);
    if (code != RT_OK && place->kind == RT_PLACE_FILE && place->path.bytes)
        unlink(place->path.bytes);
    rt__buffer_clear(&place->path);
    rt__buffer_clear(&place->folder);
    return code;
}
