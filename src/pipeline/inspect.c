#include "retrain/inspect.h"

#include "inspect_job.h"

#include "hub/unpack.h"
#include "model/bundle.h"
#include "model/checkpoint_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which they are asked: the sure ones first. */
static rt_inspect_probe *const probes[] = {
    rt__inspect_probe_folder,     rt__inspect_probe_checkpoint_file,
    rt__inspect_probe_list,       rt__inspect_probe_events,
    rt__inspect_probe_bottleneck, rt__inspect_probe_saved_model,
    rt__inspect_probe_tflite,     rt__inspect_probe_onnx,
    rt__inspect_probe_meta_graph, rt__inspect_probe_graph,
};

static rt_code identify(rt_inspected *thing, rt_error *err)
{
    rt_code code;
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
        if (probes[i](thing)) {
            code = rt__buffer_ok(&thing->graph, err);
            return code == RT_OK ? rt__buffer_ok(&thing->prefix, err) : code;
        }
    code = rt__checkpoint_prefix(thing->path, &thing->prefix, err);
    if (code == RT_EARG || code == RT_EFORMAT) /* a folder of checkpoints, but which? */
        return code;
    return rt_fail(err, RT_EUNSUPPORTED,
                   "none of: GraphDef, SavedModel, MetaGraphDef, TF1 Hub module, checkpoint, ONNX or "
                   "TensorFlow Lite model, "
                   "bottleneck file, event file");
}

/* What to open as a base network: a SavedModel's file stands for its folder. */
static rt_code print_cut(const rt_inspected *thing, rt_inspect_out *out, rt_error *err)
{
    const char *name = rt__path_name(thing->path);
    rt_buffer folder = {0};
    rt_code code;
    if (strcmp(name, "saved_model.pb") != 0)
        return rt__inspect_print_cut(thing->path, out, err);
    if (name == thing->path)
        rt__buffer_text(&folder, "./");
    else
        rt__buffer_add(&folder, thing->path, (size_t)(name - thing->path));
    code = rt__buffer_ok(&folder, err);
    if (code == RT_OK)
        code = rt__inspect_print_cut(folder.bytes, out, err);
    rt__buffer_clear(&folder);
    return code;
}

/* Variables that cannot be read do not keep a graph from being shown. */
static rt_code print_variables(const rt_inspected *thing, rt_inspect_out *out, rt_error *err)
{
    rt_error why;
    rt_code code = rt__inspect_print_variables(thing->prefix.bytes, out, &why);
    if (code == RT_OK)
        return code;
    if (thing->graph.size == 0 || code == RT_ENOMEM) {
        if (err)
            *err = why;
        return code;
    }
    rt__out_fact(out, "variables_not_read", "%s: %s", why.path, why.cause);
    return RT_OK;
}

static rt_code print_all(const rt_inspected *thing, rt_inspect_out *out, rt_error *err)
{
    rt_code code = RT_OK;
    rt__out_fact(out, "what", "%s%s", thing->what, out->folder ? ", in an archive" : "");
    if (thing->file)
        rt__out_number(out, "bytes", thing->file->size);
    if (thing->print)
        code = thing->print(thing, out, err);
    if (code == RT_OK && thing->graph.size)
        code = rt__inspect_print_graph(thing->graph.bytes, out, err);
    if (code == RT_OK && thing->prefix.size)
        code = print_variables(thing, out, err);
    if (code == RT_OK && (thing->graph.size || thing->is_model))
        code = print_cut(thing, out, err);
    if (code == RT_OK && thing->file)
        code = rt__inspect_print_targets(thing->path, out, err);
    return code;
}

static void clear(rt_inspected *thing)
{
    rt__buffer_clear(&thing->graph);
    rt__buffer_clear(&thing->prefix);
}

static rt_code inspect(const rt_inspect_options *o, const char *path, const rt_map *file, rt_inspect_out *out,
                       rt_error *err)
{
    rt_inspected thing = {.path = path, .file = file};
    rt_code code = identify(&thing, err);
    if (code == RT_OK) {
        rt__out_begin(out);
        if (!o->tensor)
            rt__out_fact(out, "path", "%s", o->path);
        code = o->tensor ? rt__inspect_tensor(&thing, o->tensor, o->output, out, err)
                         : print_all(&thing, out, err);
        rt__out_end(out);
    }
    clear(&thing);
    return code == RT_OK ? rt__buffer_ok(&out->text, err) : code;
}

/* An archive is unpacked for as long as it is looked at. */
static rt_code inspect_archive(const rt_inspect_options *o, rt_inspect_out *out, rt_error *err)
{
    char *folder, inside[sizeof err->path];
    rt_code code = rt__folder_temporary(&folder, err);
    if (code != RT_OK)
        return code;
    out->folder = folder;
    code = rt__unpack(o->path, folder, NULL, NULL, err);
    if (code == RT_OK)
        code = inspect(o, folder, NULL, out, err);
    if (code != RT_OK && err) {
        snprintf(inside, sizeof inside, "%s", rt__out_inside(out, err->path));
        snprintf(err->path, sizeof err->path, "%s", strcmp(inside, folder) == 0 ? "" : inside);
    }
    rt__folder_remove(folder, NULL);
    free(folder);
    return code;
}

rt_code rt_inspect(const rt_inspect_options *options, char **text, rt_error *err)
{
    rt_inspect_out out = {.json = options->json};
    rt_file_info info = {.is_folder = true};
    rt_map *file = NULL;
    rt_code code = RT_OK;
    if (options->output && !options->tensor)
        return rt_fail(err, RT_EARG, "--output goes with --tensor only");
    if (!rt__bundle_exists(options->path) || rt__file_exists(options->path)) /* a prefix is no file */
        code = rt__file_info(options->path, &info, err);
    if (code == RT_OK && !info.is_folder)
        code = rt__map_open(&file, options->path, err);
    if (code == RT_OK)
        code = file && rt__is_archive(file->bytes, file->size)
                   ? inspect_archive(options, &out, err)
                   : inspect(options, options->path, file, &out, err);
    if (code != RT_OK) {
        rt_doing(err, options->path, "cannot inspect");
        rt__buffer_clear(&out.text);
    }
    *text = out.text.bytes;
    rt__map_close(file);
    return code;
}
