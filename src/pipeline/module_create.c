#include "retrain/create.h"

#include "base/file.h"
#include "export/hub_module_write.h"
#include "hub/pack.h"
#include "hub/unpack.h"
#include "model/module.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), tail = strlen(ending);
    return length > tail && strcmp(text + length - tail, ending) == 0;
}

static bool is_archive_name(const char *path)
{
    return ends_with(path, ".tar.gz") || ends_with(path, ".tgz");
}

static rt_code check(const rt_create_options *o, rt_error *err)
{
    rt_code code;
    if (!o->source || !*o->source || !o->output || !*o->output)
        return rt_fail(err, RT_EARG,
                       "name a network and the module to write: retrain module create SOURCE "
                       "DEST");
    if (!rt__file_exists(o->output))
        return rt__file_check_writable(o->output, err);
    code = rt_fail(err, RT_EIO, "is there already: name a new %s",
                   is_archive_name(o->output) ? "file" : "folder");
    rt_doing(err, o->output, "cannot write module");
    return code;
}

/* ---- the files ---- */

static rt_code put_file(const char *folder, const rt_packed_file *file, rt_error *err)
{
    rt_buffer path = {0};
    size_t length = strlen(file->name);
    rt_code code;
    if (!rt__path_join(&path, folder, file->name))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    else if (file->name[length - 1] == '/')
        code = rt__folder_make(path.bytes, err);
    else
        code = rt__file_write(path.bytes, file->bytes, file->size, true, err);
    rt__buffer_clear(&path);
    return code;
}

/* Into a folder beside the wanted one, which gets its name at the end. */
static rt_code write_folder(const char *output, const rt_packed_file *files, size_t n_files, rt_error *err)
{
    rt_buffer folder = {0};
    size_t length = strlen(output);
    rt_code code;
    while (length > 1 && output[length - 1] == '/')
        length--;
    rt__buffer_add(&folder, output, length);
    rt__buffer_format(&folder, ".%ld.tmp", (long)getpid());
    if ((code = rt__buffer_ok(&folder, err)) == RT_OK) {
        code = rt__folder_make(folder.bytes, err);
        for (size_t i = 0; code == RT_OK && i < n_files; i++)
            code = put_file(folder.bytes, &files[i], err);
        if (code == RT_OK && rename(folder.bytes, output) != 0)
            code = rt_fail_errno(err, errno, "cannot rename the finished folder");
        if (code != RT_OK)
            rt__folder_remove(folder.bytes, NULL);
    }
    rt__buffer_clear(&folder);
    return code;
}

static rt_code write_files(const rt_module *module, const char *output, size_t *size, rt_error *err)
{
    const rt_module_info *info = &module->info;
    const rt_hub_module_parts parts = {.graph = module->graph,
                                       .input = module->input,
                                       .feature = module->feature,
                                       .height = info->height,
                                       .width = info->width,
                                       .feature_size = info->feature_size};
    rt_buffer graph = {0}, format = {0};
    rt_code code = rt__hub_module_write(&parts, &graph, err);
    rt__hub_module_format(&format);
    if (code == RT_OK && (code = rt__buffer_ok(&format, err)) == RT_OK) {
        const rt_packed_file files[] = {{"assets/", NULL, 0},
                                        {"saved_model.pb", graph.bytes, graph.size},
                                        {"tfhub_module.pb", format.bytes, format.size}};
        *size = graph.size;
        code = (is_archive_name(output) ? rt__pack : write_folder)(output, files, 3, err);
    }
    rt__buffer_clear(&graph);
    rt__buffer_clear(&format);
    return code;
}

rt_code rt_module_create(const rt_create_options *options, rt_error *err)
{
    const rt_module_info *info;
    rt_module *module = NULL;
    size_t size = 0;
    rt_code code = check(options, err);
    if (code != RT_OK || (code = rt_module_open(options->source, &options->module, &module, err)) != RT_OK)
        return code;
    info = rt_module_describe(module);
    rt_log_line(&options->log, RT_INFO, "%s: %s, %dx%d pixels to %d features%s%s", info->path, info->kind,
                (int)info->width, (int)info->height, (int)info->feature_size, *info->notice ? "; " : "",
                info->notice);
    code = write_files(module, options->output, &size, err);
    if (code == RT_OK)
        rt_log_line(&options->log, RT_INFO, "wrote %s, a graph of %zu bytes", options->output, size);
    else
        rt_doing(err, options->output, "cannot write module");
    rt_module_close(module);
    return code;
}
