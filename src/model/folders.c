/* Archives of the Object Detection API: a folder whose graph does not say what to take as features.
 * Source: exporter.py of the Object Detection API. */
#include "reader.h"

static rt_code out_of_memory(rt_error *err)
{
    return rt_fail(err, RT_ENOMEM, "out of memory");
}

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
    if (code == RT_OK) {
        code = rt__network_hold(network, map, err);
        map = NULL;
    }
    if (code != RT_OK)
        rt_doing(err, path.bytes, "cannot load the detector's graph");
    rt__map_close(map);
    rt__buffer_clear(&path);
    return code;
}

const rt_reader rt__reader_detection_archive = {"Object Detection archive", probe_archive, open_archive};
