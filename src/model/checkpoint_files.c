#include "checkpoint_files.h"

#include "bundle.h"
#include "table.h"

#include <dirent.h>
#include <string.h>

static const char latest_key[] = "model_checkpoint_path";

static rt_code out_of_memory(rt_error *err)
{
    return rt_fail(err, RT_ENOMEM, "out of memory");
}

/* ---- the text `checkpoint` ---- */

/* Behind "model_checkpoint_path" and its colon, at the quotation mark; NULL when text begins otherwise. */
static const char *value_of_latest(const char *text)
{
    if (strncmp(text, latest_key, sizeof latest_key - 1) != 0)
        return NULL;
    text += sizeof latest_key - 1;
    text += strspn(text, " \t");
    if (*text != ':')
        return NULL;
    text++;
    return text + strspn(text, " \t");
}

bool rt__checkpoint_is_list(const rt_map *file)
{
    return file && file->size >= sizeof latest_key &&
           memcmp(file->bytes, latest_key, sizeof latest_key - 1) == 0;
}

static bool is_octal(char digit)
{
    return digit >= '0' && digit <= '7';
}

/* One character of a text in protobuf's notation, where other bytes than ASCII are written "\303". */
static const char *add_unescaped(const char *text, rt_buffer *out)
{
    static const char letters[] = "nrt", bytes[] = "\n\r\t";
    const char *letter;
    char byte;
    if (*text != '\\' || !text[1]) {
        rt__buffer_add(out, text, 1);
        return text + 1;
    }
    text++;
    if (is_octal(*text)) {
        unsigned value = 0;
        for (int digits = 0; digits < 3 && is_octal(*text); digits++)
            value = value * 8 + (unsigned)(*text++ - '0');
        byte = (char)value;
        rt__buffer_add(out, &byte, 1);
        return text;
    }
    letter = strchr(letters, *text);
    rt__buffer_add(out, letter ? &bytes[letter - letters] : text, 1);
    return text + 1;
}

/* The first line that names the latest checkpoint. */
static bool latest_name(const char *text, rt_buffer *name)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        const char *value = value_of_latest(line += *line == '\n');
        if (!value || (*value != '"' && *value != '\''))
            continue;
        rt__buffer_reset(name);
        for (const char *at = value + 1; *at && *at != '\n';) {
            if (*at == *value)
                return name->size > 0;
            at = add_unescaped(at, name);
        }
    }
    return false;
}

/* folder is the part of path in front of its last name, "" or with a slash behind it. */
static rt_code read_list(const char *path, const char *folder, rt_buffer *prefix, rt_error *err)
{
    enum { MOST_BYTES = 1 << 20 };
    rt_buffer text = {0}, name = {0};
    rt_code code = rt__file_read(&text, path, MOST_BYTES, NULL, err);
    if (code == RT_OK && !latest_name(text.bytes ? text.bytes : "", &name))
        code = rt_fail(err, RT_EFORMAT, "no line model_checkpoint_path: \"...\"");
    if (code == RT_OK)
        rt__buffer_format(prefix, "%s%s", *name.bytes == '/' ? "" : folder, name.bytes);
    if (code == RT_OK)
        code = rt__buffer_ok(prefix, err);
    if (code != RT_OK)
        rt_doing(err, path, "cannot find the checkpoint");
    rt__buffer_clear(&text);
    rt__buffer_clear(&name);
    return code;
}

/* ---- names ---- */

static bool ends_with(const char *name, const char *ending, size_t *length)
{
    size_t size = strlen(name), tail = strlen(ending);
    *length = size > tail ? size - tail : 0;
    return *length && strcmp(name + *length, ending) == 0;
}

/* Whether a file of that name is part of a checkpoint, and how long the prefix is. */
static bool part_of_checkpoint(const char *name, size_t *length)
{
    const char *data = strstr(name, ".data-");
    *length = data ? (size_t)(data - name) : 0;
    return *length || ends_with(name, ".index", length) || ends_with(name, ".meta", length);
}

static rt_code set_prefix(rt_buffer *prefix, const char *path, size_t length, rt_error *err)
{
    rt__buffer_reset(prefix);
    rt__buffer_add(prefix, path, length);
    return rt__buffer_ok(prefix, err);
}

/* ---- folders without the text `checkpoint` ---- */

/* Names one after the other, each with its final 0. */
typedef struct names {
    rt_buffer text;
    size_t count;
} names;

static void add_once(names *n, const char *name, size_t length)
{
    for (size_t at = 0; at < n->text.size; at += strlen(n->text.bytes + at) + 1)
        if (strlen(n->text.bytes + at) == length && strncmp(n->text.bytes + at, name, length) == 0)
            return;
    rt__buffer_add(&n->text, name, length);
    rt__buffer_add(&n->text, "", 1);
    n->count++;
}

/* Those a folder's files belong to; more than a few are not gathered. */
static void find_checkpoints(const char *folder, names *found)
{
    enum { MOST = 8 };
    DIR *list = opendir(*folder ? folder : ".");
    size_t length;
    for (struct dirent *entry; list && found->count < MOST && (entry = readdir(list));)
        if (part_of_checkpoint(entry->d_name, &length))
            add_once(found, entry->d_name, length);
    if (list)
        closedir(list);
}

static rt_code only_checkpoint(const char *folder, rt_buffer *prefix, rt_error *err)
{
    names found = {.count = 0};
    rt_code code;
    find_checkpoints(folder, &found);
    if (found.text.failed)
        code = out_of_memory(err);
    else if (found.count == 1) {
        rt__buffer_format(prefix, "%s%s", folder, found.text.bytes);
        code = rt__buffer_ok(prefix, err);
    } else if (found.count == 0)
        code = rt_fail(err, RT_ENOTFOUND, "no checkpoint here");
    else
        code =
            rt_fail(err, RT_EARG,
                    "several checkpoints here, '%s' and '%s' among them, and no file `checkpoint` that says "
                    "which is the latest: name one",
                    found.text.bytes, found.text.bytes + strlen(found.text.bytes) + 1);
    rt__buffer_clear(&found.text);
    return code;
}

static rt_code prefix_in_folder(const char *path, rt_buffer *prefix, rt_error *err)
{
    rt_buffer list = {0}, folder = {0};
    size_t length = strlen(path);
    rt_code code;
    rt__buffer_format(&folder, "%s%s", path, length && path[length - 1] == '/' ? "" : "/");
    if (folder.failed || !rt__path_join(&list, path, "checkpoint"))
        code = out_of_memory(err);
    else if (rt__file_exists(list.bytes))
        code = read_list(list.bytes, folder.bytes, prefix, err);
    else
        code = only_checkpoint(folder.bytes, prefix, err);
    rt__buffer_clear(&list);
    rt__buffer_clear(&folder);
    return code;
}

/* ---- what a path means ---- */

static rt_code prefix_of_list(const char *path, rt_buffer *prefix, rt_error *err)
{
    rt_buffer folder = {0};
    rt_code code;
    rt__buffer_add(&folder, path, (size_t)(rt__path_name(path) - path));
    code = rt__buffer_ok(&folder, err);
    if (code == RT_OK)
        code = read_list(path, folder.size ? folder.bytes : "", prefix, err);
    rt__buffer_clear(&folder);
    return code;
}

/* Data files hold bytes that only their index can tell from others. */
static bool is_data(const char *path, rt_buffer *prefix)
{
    const char *mark = strstr(rt__path_name(path), ".data-");
    return mark && mark > path && set_prefix(prefix, path, (size_t)(mark - path), NULL) == RT_OK &&
           rt__bundle_exists(prefix->bytes);
}

static rt_code prefix_of_file(const char *path, const rt_map *file, rt_buffer *prefix, rt_error *err)
{
    size_t length;
    if (rt__checkpoint_is_list(file))
        return prefix_of_list(path, prefix, err);
    if (rt__table_probe(file->bytes, file->size))
        return set_prefix(prefix, path, ends_with(path, ".index", &length) ? length : strlen(path), err);
    if (ends_with(path, ".index", &length))
        return rt_fail_at(err, RT_EFORMAT, (int64_t)file->size,
                          "does not end as a table does: cut off, or not a checkpoint's index");
    if (is_data(path, prefix))
        return RT_OK;
    rt__buffer_reset(prefix);
    return rt_fail(err, RT_ENOTFOUND, "no file of a checkpoint");
}

rt_code rt__checkpoint_prefix(const char *path, rt_buffer *prefix, rt_error *err)
{
    rt_file_info info;
    rt_map *file = NULL;
    rt_code code = rt__file_info(path, &info, NULL);
    rt__buffer_reset(prefix);
    if (code == RT_OK && info.is_folder)
        return prefix_in_folder(path, prefix, err);
    if (code == RT_OK && (code = rt__map_open(&file, path, err)) == RT_OK)
        code = prefix_of_file(path, file, prefix, err);
    else
        code = rt_fail(err, RT_ENOTFOUND, "no checkpoint of that name");
    rt__map_close(file);
    if (code == RT_ENOTFOUND && rt__bundle_exists(path))
        return set_prefix(prefix, path, strlen(path), err);
    return code;
}

rt_code rt__checkpoint_of_graph(const char *path, rt_buffer *prefix, rt_error *err)
{
    size_t length;
    return ends_with(path, ".meta", &length)
               ? set_prefix(prefix, path, length, err)
               : rt_fail(
                     err, RT_EUNSUPPORTED,
                     "a checkpoint's graph: its weights are found beside it when it is named PREFIX.meta");
}

/* ---- graphs ---- */

/* The only .pb file of the folder prefix stands in. */
static bool only_graph(const char *prefix, rt_buffer *path)
{
    size_t folder = (size_t)(rt__path_name(prefix) - prefix), length, found = 0;
    DIR *list;
    rt__buffer_reset(path);
    rt__buffer_add(path, prefix, folder);
    list = path->failed ? NULL : opendir(folder ? path->bytes : ".");
    for (struct dirent *entry; list && (entry = readdir(list));) {
        if (!ends_with(entry->d_name, ".pb", &length) || found++)
            continue;
        rt__buffer_text(path, entry->d_name);
    }
    if (list)
        closedir(list);
    return found == 1 && !path->failed;
}

rt_code rt__checkpoint_graph(const char *prefix, rt_buffer *path, rt_error *err)
{
    size_t length = rt__bundle_base(prefix);
    rt__buffer_reset(path);
    rt__buffer_format(path, "%.*s.meta", (int)length, prefix);
    if (path->failed)
        return out_of_memory(err);
    if (rt__file_exists(path->bytes) || only_graph(prefix, path))
        return RT_OK;
    rt_fail(err, RT_ENOTFOUND,
            "there is no graph beside the checkpoint: neither %.*s.meta nor a .pb file alone in its folder",
            (int)(length - (size_t)(rt__path_name(prefix) - prefix)), rt__path_name(prefix));
    rt__buffer_reset(path);
    return RT_ENOTFOUND;
}
