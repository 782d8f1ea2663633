#include "label_graph.h"

#include "base/file.h"
#include "model/classifier_info.h"
#include "model/foreign.h"
#include "model/graphdef.h"
#include "model/network.h"

#include <string.h>

/* ---- where the probabilities come out ---- */

static bool reads(const rt_node *node, uint32_t of)
{
    for (uint32_t k = 0; k < node->n_inputs; k++)
        if (node->inputs[k].node == of)
            return true;
    return false;
}

/* On from the classifier's product to what nobody reads: bias, softmax, reshape. */
static uint32_t end_behind(const rt_graph *graph, uint32_t node)
{
    uint32_t n = rt__graph_count(graph);
    for (uint32_t steps = 0; steps < n; steps++) {
        uint32_t reader = 0;
        while (reader < n && !reads(rt__graph_node(graph, reader), node))
            reader++;
        if (reader == n)
            break;
        node = reader;
    }
    return node;
}

static rt_code find_output(rt_network *network, const char *layer, rt_error *err)
{
    rt_classifier_node classifier;
    rt_code code;
    if (layer)
        return rt__network_find(network, layer, "--output_layer", &network->feature, err);
    code = rt__find_classifier(network->graph, &classifier, err);
    if (code == RT_OK)
        network->feature = (rt_edge){end_behind(network->graph, classifier.node), 0};
    return code;
}

/* ---- where the pixels go in, and which ---- */

static rt_code find_input(rt_network *network, const char *layer, rt_error *err)
{
    rt_code code = layer ? rt__network_find(network, layer, "--input_layer", &network->input, err)
                         : rt__network_find_input(network, err);
    if (code == RT_OK)
        rt__network_read_input(network);
    return code;
}

/* retrain.py applies a hub module under this name, and such a module takes 0 .. 1. */
static bool holds_module(const rt_graph *graph)
{
    static const char scope[] = "module_apply_default/";
    for (uint32_t i = 0; i < rt__graph_count(graph); i++)
        if (strncmp(rt__graph_node(graph, i)->name, scope, sizeof scope - 1) == 0)
            return true;
    return false;
}

static void find_range(rt_network *network)
{
    bool unit = true;
    if (holds_module(network->graph) || rt__scales_input(network->graph, network->input, &unit)) {
        network->input_mean = 0;
        network->input_std = unit ? 255 : 1;
        return;
    }
    network->input_mean = network->input_std = 127.5F;
    rt__buffer_text(&network->notice,
                    "the graph does not say which pixels it wants; taken to be -1 .. 1 (else "
                    "say --input_mean, --input_std)");
}

static rt_code fill_network(const rt_label_options *options, rt_network *network, rt_error *err)
{
    const rt_module_options said = {
        .input_height = options->input_height,
        .input_width = options->input_width,
        .input_mean = options->input_mean,
        .input_std = options->input_std,
    };
    rt_code code = find_output(network, options->output_layer, err);
    if (code == RT_OK)
        code = find_input(network, options->input_layer, err);
    if (code != RT_OK)
        return code;
    if (options->input_std == 0)
        find_range(network);
    return rt__network_override(network, &said, err);
}

/* ---- what our own graphs say of themselves ---- */

/* Fills in what the user left open. */
static rt_code ask_graph(const rt_graph *graph, rt_arena *arena, rt_label_options *options, rt_buffer *labels,
                         rt_error *err)
{
    rt_classifier_info info;
    rt_code code = rt__classifier_info_find(graph, arena, &info, err);
    if (code == RT_ENOTFOUND)
        return RT_OK;
    if (code != RT_OK)
        return code;
    for (size_t i = 0; i < info.n_labels && !options->output_layer; i++)
        rt__buffer_format(labels, "%s\n", info.labels[i]);
    if (!options->input_layer)
        options->input_layer = info.input;
    if (!options->output_layer)
        options->output_layer = info.output;
    if (!options->input_height)
        options->input_height = info.height;
    if (!options->input_width)
        options->input_width = info.width;
    if (options->input_std == 0) {
        options->input_mean = info.input_mean;
        options->input_std = info.input_std;
    }
    return rt__buffer_ok(labels, err);
}

static rt_code open_frozen(const rt_map *file, const rt_label_options *said, rt_arena *arena,
                           rt_network *network, rt_buffer *labels, rt_error *err)
{
    rt_label_options options = *said;
    rt_graphdef def;
    rt_code code = rt__graphdef_read(file->bytes, file->size, &def, err);
    if (code != RT_OK)
        return code;
    network->kind = "frozen GraphDef";
    network->graph = def.graph;
    code = ask_graph(network->graph, arena, &options, labels, err);
    return code == RT_OK ? fill_network(&options, network, err) : code;
}

/* ---- files of other programs ---- */

static rt_code open_foreign(const rt_map *file, const rt_label_options *said, rt_network *network,
                            rt_buffer *labels, rt_error *err)
{
    const rt_module_options options = {
        .bottleneck_tensor = said->output_layer,
        .input_height = said->input_height,
        .input_width = said->input_width,
        .input_mean = said->input_mean,
        .input_std = said->input_std,
    };
    rt_edge input = {0, 0};
    rt_code code = rt__onnx_read(file->bytes, file->size, &options, network, labels, err);
    if (code == RT_OK && said->input_layer)
        code = rt__network_find(network, said->input_layer, "--input_layer", &input, err);
    if (code == RT_OK && said->input_layer && input.node != network->input.node)
        code = rt_fail(err, RT_EUNSUPPORTED, "--input_layer %s: the image goes into %s", said->input_layer,
                       rt__graph_node(network->graph, network->input.node)->name);
    if (code != RT_OK)
        return code;
    if (options.input_std == 0 && network->input_std == 0)
        find_range(network);
    return rt__network_override(network, &options, err);
}

static rt_code open_network(const rt_map *file, const rt_label_options *said, rt_arena *arena,
                            rt_network *network, rt_buffer *labels, rt_error *err)
{
    if (rt__is_onnx(file->bytes, file->size))
        return open_foreign(file, said, network, labels, err);
    return open_frozen(file, said, arena, network, labels, err);
}

rt_code rt__label_graph_open(const rt_label_options *options, rt_module **module, rt_buffer *labels,
                             rt_error *err)
{
    rt_network network = {.kind = ""};
    rt_arena *arena = rt__arena_new();
    rt_map *file = NULL;
    rt_code code =
        arena ? rt__map_open(&file, options->graph, err) : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = open_network(file, options, arena, &network, labels, err);
    if (code == RT_OK)
        code = rt__network_finish(&network, options->graph, module, err);
    else
        rt__network_clear(&network);
    rt__map_close(file);
    rt__arena_free(arena);
    if (code != RT_OK)
        rt_doing(err, options->graph, "cannot load graph");
    return code;
}
