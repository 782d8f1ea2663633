/* saved_model.pb with variables/, of TensorFlow 1 and 2. Source: loader.py and load.py of TensorFlow's
 * saved_model. */
#include "inline_functions.h"
#include "reader.h"
#include "saved_model_functions.h"

static rt_code out_of_memory(rt_error *err)
{
    return rt_fail(err, RT_ENOMEM, "out of memory");
}

static bool probe(const rt_source *source)
{
    return rt__source_holds(source, "saved_model.pb") ||
           rt__source_holds(source, "saved_model/saved_model.pb");
}

/* Variables are opened where there are any: constants need none. */
static rt_code open_variables(const char *prefix, rt_network *network, rt_error *err)
{
    return rt__bundle_exists(prefix) ? rt__bundle_open(prefix, &network->variables, err) : RT_OK;
}

static rt_code freeze(rt_network *network, rt_error *err)
{
    return network->variables ? rt__freeze_stored(network->graph, network->variables, err) : RT_OK;
}

/* The tensors that the signatures give, those of serving_default first. */
static rt_code take_answers(const rt_meta_graph *meta, rt_network *network, rt_error *err)
{
    static const char first[] = "serving_default";
    size_t n = rt__meta_graph_outputs(meta, NULL, NULL, 0);
    rt_edge *answers = rt__arena_array(rt__graph_arena(network->graph), n, sizeof *answers);
    const char **names = rt__arena_array(rt__graph_arena(network->graph), n, sizeof *names);
    if (!answers || !names)
        return out_of_memory(err);
    rt__meta_graph_outputs(meta, first, names, n);
    for (size_t i = 0; i < n; i++)
        if (rt__graph_find_tensor(network->graph, names[i], &answers[network->n_answers], NULL) == RT_OK)
            network->n_answers++;
    network->answers = answers;
    return RT_OK;
}

/* Takes meta's graph over, also when it fails. */
static rt_code open_tf2(rt_meta_graph *meta, rt_network *network, rt_error *err)
{
    rt_edge vector = {UINT32_MAX, 0};
    rt_code code = rt__saved_model_expand(meta, network->variables, network, &vector, err);
    rt__graph_free(meta->def.graph);
    network->has_vector = vector.node != UINT32_MAX;
    network->vector = vector;
    return code == RT_OK ? freeze(network, err) : code;
}

static rt_code open_tf1(rt_meta_graph *meta, rt_network *network, rt_error *err)
{
    rt_code code;
    network->graph = meta->def.graph;
    code = freeze(network, err);
    return code == RT_OK ? take_answers(meta, network, err) : code;
}

static rt_code open_saved_model(const rt_source *source, rt_network *network, rt_error *err)
{
    const char *inside = rt__source_holds(source, "saved_model.pb") ? "" : "saved_model/";
    rt_buffer path = {0}, prefix = {0};
    rt_meta_graph meta;
    rt_map *map = NULL;
    rt_code code;
    network->kind = rt__reader_saved_model.name;
    rt__buffer_format(&path, "%s/%ssaved_model.pb", source->path, inside);
    rt__buffer_format(&prefix, "%s/%svariables/variables", source->path, inside);
    code = path.failed || prefix.failed ? out_of_memory(err) : open_variables(prefix.bytes, network, err);
    if (code == RT_OK)
        code = rt__map_open(&map, path.bytes, err);
    if (code == RT_OK)
        code = rt__saved_model_read_nearest(map->bytes, map->size, "serve", &meta, err);
    if (code == RT_OK)
        code = rt__meta_graph_is_tf2(&meta) ? open_tf2(&meta, network, err) : open_tf1(&meta, network, err);
    if (code == RT_OK)
        rt__buffer_text(&network->file, path.bytes);
    else
        rt_doing(err, path.bytes ? path.bytes : source->path, "cannot load the SavedModel");
    rt__map_close(map);
    rt__buffer_clear(&path);
    rt__buffer_clear(&prefix);
    return code;
}

const rt_reader rt__reader_saved_model = {"SavedModel", probe, open_saved_model};
