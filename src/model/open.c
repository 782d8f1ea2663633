#include "graph/graph.h"
#include "hub/unpack.h"
#include "module.h"
#include "proto/message.h"
#include "proto/tf_graph.pb-c.h"
#include "proto/tf_saved_model.pb-c.h"
#include "reader.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which they are asked. */
static const rt_reader *const readers[] = {
    &rt__reader_hub_module,  &rt__reader_detection_archive,
    &rt__reader_saved_model, &rt__reader_checkpoint,
    &rt__reader_onnx,        &rt__reader_tflite,
    &rt__reader_meta_graph,  &rt__reader_frozen,
};

enum { N_READERS = sizeof readers / sizeof *readers };

bool rt__source_holds(const rt_source *source, const char *name)
{
    char path[PATH_MAX];
    int length = source->file ? -1 : snprintf(path, sizeof path, "%s/%s", source->path, name);
    return length > 0 && length < PATH_MAX && rt__file_exists(path);
}

static const rt_reader *choose(const rt_source *source)
{
    for (size_t i = 0; i < N_READERS; i++)
        if (readers[i]->probe(source))
            return readers[i];
    return NULL;
}

/* The file is not what any reader knows: what it is nearest to is told. */
static rt_code unknown_file(const rt_source *source, rt_error *err)
{
    rt_error graph;
    if (source->file->size == 0)
        return rt_fail(err, RT_EFORMAT, "the file is empty");
    if (rt__proto_check(&tf__saved_model__descriptor, source->file->bytes, source->file->size, NULL) == RT_OK)
        return rt_fail(err, RT_EUNSUPPORTED, "a SavedModel's graph: name the folder it stands in");
    if (rt__proto_check(&tf__graph_def__descriptor, source->file->bytes, source->file->size, &graph) == RT_OK)
        return rt_fail(err, RT_EFORMAT, "a message without nodes, not a GraphDef");
    return rt_fail_at(err, RT_EFORMAT, graph.offset,
                      "neither a .tar.gz of a TF1 Hub module nor a frozen GraphDef: %s", graph.cause);
}

static rt_code read_source(const rt_source *source, rt_network *network, rt_error *err)
{
    const rt_reader *reader = choose(source);
    if (reader)
        return reader->open(source, network, err);
    if (source->file)
        return unknown_file(source, err);
    return rt_fail(
        err, RT_ENOTFOUND,
        "no model in this folder: a TF1 Hub module has tfhub_module.pb and saved_model.pb, a SavedModel "
        "saved_model.pb, a detector frozen_inference_graph.pb, a checkpoint the file checkpoint");
}

/* Names a file inside the archive instead of where it was unpacked to. */
static void name_in_archive(const char *path, const char *folder, rt_error *err)
{
    char inside[sizeof err->path];
    size_t length = strlen(folder);
    if (!err || strncmp(err->path, folder, length) != 0)
        return;
    memcpy(inside, err->path, sizeof inside);
    snprintf(err->path, sizeof err->path, "%.120s (%.120s)", path, inside + length + 1);
}

/* Maps keep the unpacked files alive, so that the folder can go as soon as they are open. */
static rt_code read_archive(const char *path, rt_network *network, rt_error *err)
{
    char *folder;
    rt_code code = rt__folder_temporary(&folder, err);
    if (code != RT_OK)
        return code;
    code = rt__unpack(path, folder, NULL, NULL, err);
    if (code == RT_OK) {
        rt_source source = {.path = folder};
        code = read_source(&source, network, err);
        if (code != RT_OK)
            name_in_archive(path, folder, err);
        rt__buffer_reset(&network->file);
    }
    rt__folder_remove(folder, NULL);
    free(folder);
    return code;
}

rt_code rt__network_open(const char *path, const rt_module_options *options, rt_network *network,
                         rt_error *err)
{
    rt_source source = {.path = path};
    rt_file_info info;
    rt_map *file = NULL;
    rt_code code = rt__file_info(path, &info, err);
    *network = (rt_network){.options = options, .kind = ""};
    if (code == RT_OK && !info.is_folder)
        code = rt__map_open(&file, path, err);
    else if (code == RT_ENOTFOUND && rt__bundle_exists(path)) /* the prefix of a checkpoint is no file */
        code = RT_OK;
    source.file = file;
    if (code == RT_OK)
        code = file && rt__is_archive(file->bytes, file->size) ? read_archive(path, network, err)
                                                               : read_source(&source, network, err);
    if (code == RT_OK && file) {
        code = rt__network_hold(network, file, err);
        file = NULL;
    }
    if (code != RT_OK)
        rt__network_clear(network);
    rt__map_close(file);
    return code;
}

rt_code rt_module_open(const char *path, const rt_module_options *options, rt_module **module, rt_error *err)
{
    static const rt_module_options all_to_be_found;
    rt_network network;
    rt_code code;
    if (!options)
        options = &all_to_be_found;
    code = rt__network_open(path, options, &network, err);
    if (code == RT_OK)
        code = rt__network_cut(&network, options, err);
    if (code == RT_OK)
        code = rt__network_override(&network, options, err);
    if (code == RT_OK)
        code = rt__network_finish(&network, path, module, err);
    if (code != RT_OK)
        rt_doing(err, network.file.size ? network.file.bytes : path, "cannot load module");
    rt__network_clear(&network);
    return code;
}

void rt_module_close(rt_module *module)
{
    if (!module)
        return;
    rt__graph_free(module->graph);
    free(module);
}

const rt_module_info *rt_module_describe(const rt_module *module)
{
    return &module->info;
}
