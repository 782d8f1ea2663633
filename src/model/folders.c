/* Folders that hold a graph which does not say what to take as features: archives of the Object Detection
 * API, checkpoints with their graph. Source: exporter.py of the Object Detection API; saver.py of TensorFlow.
 */
#include "reader.h"
#include "saved_model.h"

#include "proto/field.h"
#include "proto/message.h"
#include "proto/tf_saved_model.pb-c.h"

#include <stdio.h>
#include <string.h>

static rt_code out_of_memory(rt_error *err)
{
    return rt_fail(err, RT_ENOMEM, "out of memory");
}

/* ---- frozen_inference_graph.pb ---- */

static bool probe_archive(const rt_source *source)
{
    return rt__source_holds(source, "frozen_inference_graph.pb");
}

static rt_code open_archive(const rt_source *source, rt_network *network, rt_error *err)
{
    rt_buffer path = {0};
    rt_map *map = NULL;
    rt_code code = rt__path_join(&path, source->path, "frozen_inference_graph.pb")
                       ? rt__map_open(&map, path.bytes, err)
                       : out_of_memory(err);
    if (code == RT_OK) {
        const rt_source file = {path.bytes, map};
        code = rt__reader_frozen.open(&file, network, err);
        network->kind = rt__reader_detection_archive.name;
        rt__buffer_text(&network->file, path.bytes);
    }
    if (code != RT_OK)
        rt_doing(err, path.bytes, "cannot load the detector's graph");
    rt__map_close(map);
    rt__buffer_clear(&path);
    return code;
}

const rt_reader rt__reader_detection_archive = {"Object Detection archive", probe_archive, open_archive};

/* ---- PREFIX.meta with PREFIX.index and its data ---- */

static rt_code open_prefix(const char *prefix, const rt_map *meta_file, rt_network *network, rt_error *err)
{
    rt_meta_graph meta;
    rt_code code = rt__meta_graph_read(meta_file->bytes, meta_file->size, &meta, err);
    if (code != RT_OK)
        return code;
    network->kind = rt__reader_checkpoint.name;
    network->graph = meta.def.graph;
    return rt__network_freeze(network, prefix, err);
}

static bool probe_checkpoint(const rt_source *source)
{
    return rt__source_holds(source, "checkpoint");
}

/* model_checkpoint_path: "name" of the text file, relative to its folder unless absolute. */
static rt_code latest_prefix(const rt_source *source, rt_buffer *prefix, rt_error *err)
{
    static const char field[] = "model_checkpoint_path: \"";
    rt_buffer path = {0}, text = {0};
    const char *start, *end;
    rt_code code = rt__path_join(&path, source->path, "checkpoint")
                       ? rt__file_read(&text, path.bytes, 1 << 20, NULL, err)
                       : out_of_memory(err);
    if (code == RT_OK) {
        start = text.bytes ? strstr(text.bytes, field) : NULL;
        end = start ? strchr(start + sizeof field - 1, '"') : NULL;
        if (!end)
            code = rt_fail(err, RT_EFORMAT, "no line model_checkpoint_path: \"...\"");
        else if (start[sizeof field - 1] == '/')
            rt__buffer_add(prefix, start + sizeof field - 1, (size_t)(end - start) - (sizeof field - 1));
        else
            rt__buffer_format(prefix, "%s/%.*s", source->path, (int)(end - start - (int)sizeof field + 1),
                              start + sizeof field - 1);
    }
    if (code == RT_OK)
        code = rt__buffer_ok(prefix, err);
    if (code != RT_OK)
        rt_doing(err, path.bytes, "cannot find the checkpoint");
    rt__buffer_clear(&path);
    rt__buffer_clear(&text);
    return code;
}

static rt_code open_checkpoint(const rt_source *source, rt_network *network, rt_error *err)
{
    rt_buffer prefix = {0}, path = {0};
    rt_map *map = NULL;
    rt_code code = latest_prefix(source, &prefix, err);
    if (code == RT_OK) {
        rt__buffer_format(&path, "%s.meta", prefix.bytes);
        code = path.failed ? out_of_memory(err) : rt__map_open(&map, path.bytes, err);
    }
    if (code == RT_OK)
        rt__buffer_text(&network->file, path.bytes);
    if (code == RT_OK && (code = open_prefix(prefix.bytes, map, network, err)) != RT_OK)
        rt_doing(err, path.bytes, "cannot load the checkpoint");
    rt__map_close(map);
    rt__buffer_clear(&prefix);
    rt__buffer_clear(&path);
    return code;
}

const rt_reader rt__reader_checkpoint = {"checkpoint", probe_checkpoint, open_checkpoint};

/* The .meta file itself: a MetaGraphDef has a graph where a GraphDef has its functions. */
static bool probe_meta_graph(const rt_source *source)
{
    enum { GRAPH_DEF = 2, NODES = 1 };
    rt_field graph, node;
    return source->file && rt__field_find(source->file->bytes, source->file->size, GRAPH_DEF, &graph) &&
           rt__proto_check(&tf__meta_graph_def__descriptor, source->file->bytes, source->file->size, NULL) ==
               RT_OK &&
           graph.wire == RT_WIRE_BYTES && rt__field_find(graph.bytes, graph.size, NODES, &node);
}

static rt_code open_meta_graph(const rt_source *source, rt_network *network, rt_error *err)
{
    static const char ending[] = ".meta";
    size_t length = strlen(source->path);
    rt_buffer prefix = {0};
    rt_code code;
    if (length < sizeof ending || strcmp(source->path + length - (sizeof ending - 1), ending) != 0)
        return rt_fail(err, RT_EUNSUPPORTED,
                       "a checkpoint's graph: its weights are found beside it when it is named "
                       "PREFIX.meta");
    rt__buffer_add(&prefix, source->path, length - (sizeof ending - 1));
    code = prefix.failed ? out_of_memory(err) : open_prefix(prefix.bytes, source->file, network, err);
    rt__buffer_clear(&prefix);
    return code;
}

const rt_reader rt__reader_meta_graph = {"checkpoint", probe_meta_graph, open_meta_graph};
