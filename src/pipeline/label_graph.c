#include "label_graph.h"

#include "base/file.h"
#include "model/classifier.h"
#include "model/classifier_info.h"
#include "model/foreign.h"
#include "model/network.h"

#include <string.h>

/* ---- where the probabilities come out ---- */

static rt_code find_output(rt_network *network, const char *layer, rt_error *err)
{
    rt_classifier_node classifier;
    rt_code code;
    if (layer)
        return rt__network_find(network, layer, "--output_layer", &network->feature, err);
    code = rt__find_classifier(network->graph, network->answers, network->n_answers, &classifier, err);
    if (code == RT_OK)
        network->feature = classifier.scores;
    else if (code == RT_EUNSUPPORTED)
        rt_fail(err, code,
                "no classifier (MatMul or 1x1 Conv2D with constant weights) stands at the end of the graph: "
                "name the layer with --output_layer");
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

static rt_code open_tensorflows(const rt_label_options *said, rt_network *network, rt_buffer *labels,
                                rt_error *err)
{
    static const rt_module_options nothing_said;
    rt_label_options options = *said;
    rt_arena *arena = rt__arena_new();
    rt_code code = arena ? rt__network_open(options.graph, &nothing_said, network, err)
                         : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = ask_graph(network->graph, arena, &options, labels, err);
    if (code == RT_OK)
        code = fill_network(&options, network, err);
    rt__arena_free(arena);
    return code;
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
    rt_code code = (rt__is_onnx(file->bytes, file->size) ? rt__onnx_read : rt__tflite_read)(
        file->bytes, file->size, &options, network, labels, err);
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

rt_code rt__label_graph_open(const rt_label_options *options, rt_module **module, rt_buffer *labels,
                             rt_error *err)
{
    rt_network network = {.kind = ""};
    rt_file_info info;
    rt_map *file = NULL;
    rt_code code = rt__file_info(options->graph, &info, err);
    if (code == RT_OK && !info.is_folder)
        code = rt__map_open(&file, options->graph, err);
    if (code == RT_OK)
        code = file && (rt__is_onnx(file->bytes, file->size) || rt__is_tflite(file->bytes, file->size))
                   ? open_foreign(file, options, &network, labels, err)
                   : open_tensorflows(options, &network, labels, err);
    if (code == RT_OK)
        code = rt__network_finish(&network, options->graph, module, err);
    if (code != RT_OK)
        rt_doing(err, network.file.size ? network.file.bytes : options->graph, "cannot load graph");
    rt__network_clear(&network);
    rt__map_close(file);
    return code;
}
