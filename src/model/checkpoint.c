/* Checkpoints with their graph, from any of their files. Source: saver.py of TensorFlow. */
#include "checkpoint_files.h"
#include "proto/field.h"
#include "proto/message.h"
#include "proto/tf_saved_model.pb-c.h"
#include "reader.h"
#include "saved_model.h"
#include "table.h"

#include <string.h>

/* A MetaGraphDef has a graph where a GraphDef has its functions. */
static bool is_meta_graph(const rt_map *file)
{
    enum { GRAPH_DEF = 2, NODES = 1 };
    rt_field graph, node;
    return rt__field_find(file->bytes, file->size, GRAPH_DEF, &graph) && graph.wire == RT_WIRE_BYTES &&
           rt__field_find(graph.bytes, graph.size, NODES, &node) &&
           rt__proto_check(&tf__meta_graph_def__descriptor, file->bytes, file->size, NULL) == RT_OK;
}

static rt_code read_graph(const rt_map *file, rt_network *network, rt_error *err)
{
    rt_meta_graph meta;
    rt_code code = is_meta_graph(file) ? rt__meta_graph_read(file->bytes, file->size, &meta, err)
                                       : rt__graphdef_read(file->bytes, file->size, &meta.def, err);
    if (code == RT_OK)
        network->graph = meta.def.graph;
    return code;
}

static rt_code open_prefix(const char *prefix, const rt_map *graph, rt_network *network, rt_error *err)
{
    rt_code code = read_graph(graph, network, err);
    network->kind = rt__reader_checkpoint.name;
    return code == RT_OK ? rt__network_freeze(network, prefix, err) : code;
}

/* What names no checkpoint, or several, is told when it is opened. */
static bool probe_checkpoint(const rt_source *source)
{
    const rt_map *file = source->file;
    rt_buffer prefix = {0};
    rt_code code;
    if (file && !strstr(rt__path_name(source->path), ".data-"))
        return rt__checkpoint_is_list(file) || rt__table_probe(file->bytes, file->size);
    code = rt__checkpoint_prefix(source->path, &prefix, NULL);
    rt__buffer_clear(&prefix);
    return code == RT_OK || code == RT_EFORMAT || code == RT_EARG;
}

static rt_code open_checkpoint(const rt_source *source, rt_network *network, rt_error *err)
{
    rt_buffer prefix = {0}, path = {0};
    rt_map *graph = NULL;
    rt_code code = rt__checkpoint_prefix(source->path, &prefix, err);
    if (code == RT_OK && (code = rt__checkpoint_graph(prefix.bytes, &path, err)) == RT_OK)
        code = rt__map_open(&graph, path.bytes, err);
    if (code == RT_OK)
        rt__buffer_text(&network->file, path.bytes);
    if (code == RT_OK && (code = open_prefix(prefix.bytes, graph, network, err)) != RT_OK)
        rt_doing(err, path.bytes, "cannot load the checkpoint");
    rt__map_close(graph);
    rt__buffer_clear(&prefix);
    rt__buffer_clear(&path);
    return code;
}

const rt_reader rt__reader_checkpoint = {"checkpoint", probe_checkpoint, open_checkpoint};

/* ---- PREFIX.meta itself ---- */

static bool probe_meta_graph(const rt_source *source)
{
    return source->file && is_meta_graph(source->file);
}

static rt_code open_meta_graph(const rt_source *source, rt_network *network, rt_error *err)
{
    rt_buffer prefix = {0};
    rt_code code = rt__checkpoint_of_graph(source->path, &prefix, err);
    if (code == RT_OK)
        code = open_prefix(prefix.bytes, source->file, network, err);
    rt__buffer_clear(&prefix);
    return code;
}

const rt_reader rt__reader_meta_graph = {"checkpoint", probe_meta_graph, open_meta_graph};
