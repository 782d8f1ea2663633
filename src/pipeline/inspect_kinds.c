/* What a path is: told by content, and for a folder by the files in it. */
#include "inspect_job.h"

#include "model/bundle.h"
#include "model/checkpoint_files.h"
#include "proto/field.h"
#include "proto/message.h"
#include "proto/tf_graph.pb-c.h"
#include "proto/tf_saved_model.pb-c.h"

#include <stdio.h>
#include <string.h>

static bool holds(const char *folder, const char *name)
{
    rt_buffer path = {0};
    bool found = rt__path_join(&path, folder, name) && rt__file_exists(path.bytes);
    rt__buffer_clear(&path);
    return found;
}

/* Sets prefix to folder/name when there is a checkpoint of that name. */
static void set_prefix(rt_inspected *thing, const char *folder, const char *name)
{
    if (rt__path_join(&thing->prefix, folder, name) && !rt__bundle_exists(thing->prefix.bytes))
        rt__buffer_reset(&thing->prefix);
}

/* The graph may be missing: the variables are shown all the same. */
static void set_checkpoint_graph(rt_inspected *thing)
{
    if (thing->prefix.size)
        rt__checkpoint_graph(thing->prefix.bytes, &thing->graph, NULL);
}

static bool checkpoint_folder(rt_inspected *thing)
{
    if (rt__checkpoint_prefix(thing->path, &thing->prefix, NULL) != RT_OK)
        return false;
    thing->what = "folder of checkpoints";
    set_checkpoint_graph(thing);
    return true;
}

bool rt__inspect_probe_folder(rt_inspected *thing)
{
    static const struct {
        const char *mark, *what, *graph, *prefix;
    } kinds[] = {
        {"tfhub_module.pb", "TF1 Hub module", "saved_model.pb", "variables/variables"},
        {"frozen_inference_graph.pb", "Object Detection archive", "frozen_inference_graph.pb", "model.ckpt"},
        {"saved_model.pb", "SavedModel", "saved_model.pb", "variables/variables"},
        {"saved_model/saved_model.pb", "SavedModel", "saved_model/saved_model.pb",
         "saved_model/variables/variables"},
    };
    rt_file_info info;
    if (rt__file_info(thing->path, &info, NULL) != RT_OK || !info.is_folder)
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!holds(thing->path, kinds[i].mark))
            continue;
        thing->what = kinds[i].what;
        rt__path_join(&thing->graph, thing->path, kinds[i].graph);
        set_prefix(thing, thing->path, kinds[i].prefix);
        return true;
    }
    return checkpoint_folder(thing);
}

/* A prefix, or one of the checkpoint's files; but `checkpoint` is told of by itself. */
bool rt__inspect_probe_checkpoint_file(rt_inspected *thing)
{
    if (rt__checkpoint_is_list(thing->file) ||
        rt__checkpoint_prefix(thing->path, &thing->prefix, NULL) != RT_OK)
        return false;
    thing->what = "checkpoint";
    set_checkpoint_graph(thing);
    return true;
}

/* ---- messages ---- */

static bool inside(const void *bytes, size_t size, uint32_t number, rt_field *field)
{
    return rt__field_find(bytes, size, number, field) && field->wire == RT_WIRE_BYTES;
}

static bool is_message(const ProtobufCMessageDescriptor *type, const void *bytes, size_t size)
{
    return rt__proto_check(type, bytes, size, NULL) == RT_OK;
}

/* Whether field 1 is there more than once, as nodes are. */
static bool repeats_first(const void *bytes, size_t size)
{
    rt_cursor c = rt__cursor(bytes, size);
    rt_field field;
    size_t count = 0;
    while (count < 2 && rt__field_next(&c, &field))
        count += field.number == 1;
    return count > 1;
}

/* The three look alike on the wire; what tells them apart is what field 1 is and how deep the nodes lie. */
rt_graph_file rt__inspect_graph_file(const void *bytes, size_t size)
{
    enum { NODES = 1, SCHEMA = 1, META_GRAPHS = 2, GRAPH_DEF = 2 };
    rt_field first, meta, graph, node;
    bool has_first = rt__field_find(bytes, size, SCHEMA, &first);
    if ((!has_first || first.wire == RT_WIRE_VARINT) && inside(bytes, size, META_GRAPHS, &meta) &&
        inside(meta.bytes, meta.size, GRAPH_DEF, &graph) && inside(graph.bytes, graph.size, NODES, &node) &&
        is_message(&tf__saved_model__descriptor, bytes, size))
        return RT_FILE_SAVED_MODEL;
    if (!repeats_first(bytes, size) && inside(bytes, size, GRAPH_DEF, &graph) &&
        inside(graph.bytes, graph.size, NODES, &node) &&
        is_message(&tf__meta_graph_def__descriptor, bytes, size))
        return RT_FILE_META_GRAPH;
    if (has_first && first.wire == RT_WIRE_BYTES && is_message(&tf__graph_def__descriptor, bytes, size))
        return RT_FILE_GRAPH;
    return RT_FILE_NO_GRAPH;
}

static bool probe_message(rt_inspected *thing, rt_graph_file wanted, const char *what)
{
    if (!thing->file || rt__inspect_graph_file(thing->file->bytes, thing->file->size) != wanted)
        return false;
    thing->what = what;
    rt__buffer_text(&thing->graph, thing->path);
    return true;
}

bool rt__inspect_probe_saved_model(rt_inspected *thing)
{
    rt_buffer folder = {0};
    if (!probe_message(thing, RT_FILE_SAVED_MODEL, "SavedModel"))
        return false;
    rt__buffer_add(&folder, thing->path, (size_t)(rt__path_name(thing->path) - thing->path));
    if (!folder.failed)
        set_prefix(thing, folder.size ? folder.bytes : ".", "variables/variables");
    rt__buffer_clear(&folder);
    return true;
}

bool rt__inspect_probe_meta_graph(rt_inspected *thing)
{
    if (!probe_message(thing, RT_FILE_META_GRAPH, "MetaGraphDef"))
        return false;
    if (rt__checkpoint_of_graph(thing->path, &thing->prefix, NULL) == RT_OK &&
        !rt__bundle_exists(thing->prefix.bytes))
        rt__buffer_reset(&thing->prefix);
    return true;
}

bool rt__inspect_probe_graph(rt_inspected *thing)
{
    return probe_message(thing, RT_FILE_GRAPH, "GraphDef");
}
