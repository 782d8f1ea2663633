/* TF1 Hub modules: tfhub_module.pb, saved_model.pb and variables/ in a folder.
 * Source: native_module.py, image_util.py and module_def.proto of tensorflow_hub. */
#include "proto/hub_module.pb-c.h"
#include "proto/message.h"
#include "reader.h"
#include "saved_model.h"

#include <string.h>

enum { FORMAT_V3 = 3 };

static bool probe(const rt_source *source)
{
    return rt__source_holds(source, "tfhub_module.pb");
}

/* Maps folder/name, reads a message type from it. */
static rt_code check_format(const rt_source *source, rt_arena *arena, rt_error *err)
{
    rt_buffer path = {0};
    rt_map *map = NULL;
    ProtobufCMessage *message;
    rt_code code = rt__path_join(&path, source->path, "tfhub_module.pb")
                       ? rt__map_open(&map, path.bytes, err)
                       : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt__proto_unpack(&hub__module_def__descriptor, map->bytes, map->size, arena, &message, err);
    if (code == RT_OK && ((Hub__ModuleDef *)message)->format != FORMAT_V3)
        code = rt_fail(err, RT_EUNSUPPORTED, "module format %d, only %d is known",
                       (int)((Hub__ModuleDef *)message)->format, FORMAT_V3);
    if (code != RT_OK)
        rt_doing(err, path.bytes, "cannot read the module");
    rt__map_close(map);
    rt__buffer_clear(&path);
    return code;
}

static rt_code read_graph(const rt_source *source, rt_buffer *path, rt_meta_graph *meta, rt_error *err)
{
    rt_map *map = NULL;
    rt_code code = rt__path_join(path, source->path, "saved_model.pb")
                       ? rt__map_open(&map, path->bytes, err)
                       : rt_fail(err, RT_ENOMEM, "out of memory");
    /* The graph without tags is the one for use, {train} the one for fine-tuning. */
    if (code == RT_OK)
        code = rt__saved_model_read(map->bytes, map->size, NULL, 0, meta, err);
    if (code != RT_OK)
        rt_doing(err, path->bytes, "cannot read the module's graph");
    rt__map_close(map);
    return code;
}

/* The size images should have: from the module's own attachment, else from its input's shape. */
static rt_code read_size(const rt_meta_graph *meta, rt_network *network, rt_error *err)
{
    rt_arena *arena = rt__graph_arena(meta->def.graph);
    rt_string bytes;
    rt__network_read_input(network);
    for (size_t i = 0; rt__meta_graph_collected(meta, "hub_module_attachments", i, &bytes); i++) {
        ProtobufCMessage *message;
        const Hub__ModuleAttachment *attachment;
        const Hub__ImageModuleInfo *info;
        rt_code code = rt__proto_unpack(&hub__module_attachment__descriptor, bytes.bytes, bytes.size, arena,
                                        &message, err);
        if (code != RT_OK)
            return code;
        attachment = (const Hub__ModuleAttachment *)message;
        if (strcmp(attachment->key, "image_module_info") != 0)
            continue;
        code = rt__proto_unpack(&hub__image_module_info__descriptor, attachment->value.data,
                                attachment->value.len, arena, &message, err);
        if (code != RT_OK)
            return code;
        info = (const Hub__ImageModuleInfo *)message;
        if (info->default_image_size) {
            network->height = info->default_image_size->height;
            network->width = info->default_image_size->width;
        }
    }
    return RT_OK;
}

static rt_code find_ports(const rt_meta_graph *meta, rt_network *network, rt_error *err)
{
    const char *signature =
        rt__meta_graph_has_signature(meta, "default") ? "default" : "image_feature_vector";
    rt_port images, features;
    rt_code code = rt__meta_graph_input(meta, signature, NULL, &images, err);
    if (code == RT_OK)
        code = rt__meta_graph_output(meta, signature, "default", &features, err);
    if (code == RT_OK)
        code = rt__network_find(network, features.name, "the signature's output", &network->feature, err);
    if (code == RT_OK)
        code = rt__network_find(network, images.name, "the signature's input", &network->input, err);
    rt__buffer_format(&network->notice, "signature '%s'", signature);
    network->input_std = 255;
    network->is_cut = true;
    return code;
}

/* A detector, say: it is cut like a graph that says nothing. */
static bool gives_no_features(const rt_meta_graph *meta)
{
    rt_port port;
    return rt__meta_graph_output(meta, "default", "default", &port, NULL) != RT_OK &&
           rt__meta_graph_output(meta, "image_feature_vector", "default", &port, NULL) != RT_OK;
}

static rt_code open_module(const rt_source *source, rt_network *network, rt_error *err)
{
    /* Without: the weights are constants of the graph. */
    bool stored = rt__source_holds(source, "variables/");
    rt_buffer prefix = {0};
    rt_meta_graph meta;
    rt_code code = read_graph(source, &network->file, &meta, err);
    if (code != RT_OK)
        return code;
    network->kind = rt__reader_hub_module.name;
    network->graph = meta.def.graph;
    code = check_format(source, rt__graph_arena(network->graph), err);
    if (code == RT_OK && !rt__path_join(&prefix, source->path, "variables/variables"))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK && gives_no_features(&meta)) {
        if (stored)
            code = rt__network_freeze(network, prefix.bytes, err);
    } else if (code == RT_OK) {
        if ((code = find_ports(&meta, network, err)) == RT_OK &&
            (code = read_size(&meta, network, err)) == RT_OK && stored)
            code = rt__bundle_open(prefix.bytes, &network->variables, err);
    }
    rt__buffer_clear(&prefix);
    return code;
}

const rt_reader rt__reader_hub_module = {"TF1 Hub module", probe, open_module};
