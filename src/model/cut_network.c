/* Graphs that say neither where images come in, nor how these are scaled, nor what to take as features: that
 * is found by structure and told in the notice. */
#include "classifier.h"
#include "detector.h"
#include "graph/fused.h"
#include "network.h"

#include <string.h>

/* A network without a classifier at its end: cut behind its backbone. */
static rt_code find_detector(rt_network *network, const rt_module_options *options, rt_error *err)
{
    rt_detector found;
    rt_code code = rt__find_detector(network->graph, &found, err);
    if (code != RT_OK)
        return code;
    network->feature = found.feature;
    rt__buffer_text(&network->notice, "features from ");
    rt__edge_name(network->graph, found.feature, &network->notice);
    rt__buffer_text(&network->notice, ", the backbone's widest map that a head reads");
    if (options->input_tensor)
        return RT_OK;
    network->input = found.input;
    network->height = found.height;
    network->width = found.width;
    network->planar = found.planar;
    return RT_OK;
}

/* A graph that reads or sizes photos itself: the images come out of what sizes them, not out of a
 * Placeholder.
 */
static bool take_pixels(rt_network *network, bool with_size)
{
    rt_detector found;
    if (rt__find_detector(network->graph, &found, NULL) != RT_OK || (with_size && found.height == 0) ||
        strcmp(rt__graph_node(network->graph, found.input.node)->op, "Placeholder") == 0)
        return false;
    network->input = found.input;
    network->height = found.height;
    network->width = found.width;
    network->planar = found.planar;
    return true;
}

static rt_code find_input(rt_network *network, const rt_module_options *options, rt_error *err)
{
    rt_code code;
    if (options->input_tensor)
        code = rt__network_find(network, options->input_tensor, "--input_tensor", &network->input, err);
    else
        code = rt__network_find_input(network, err);
    if (code == RT_OK)
        rt__network_read_input(network);
    if (code == RT_ENOMEM || options->input_tensor || (code == RT_OK && network->height > 0))
        return code;
    return take_pixels(network, code == RT_OK) ? RT_OK : code;
}

/* Whether a convolution classifies each place of a map: a detector's head, which does not end a network. */
static bool has_many_places(const rt_network *network, const rt_module_options *options,
                            const rt_classifier_node *classifier)
{
    enum { ANY_SIDE = 224 }; /* for a graph that leaves the size open */
    rt_network tried = {.graph = network->graph, .feature = classifier->feature};
    rt_shape shape;
    if (strcmp(rt__graph_node(network->graph, classifier->node)->op, "Conv2D") != 0 ||
        find_input(&tried, options, NULL) != RT_OK)
        return false;
    if (options->input_height) {
        tried.height = options->input_height;
        tried.width = options->input_width;
    }
    return rt__graph_output_shape(network->graph, tried.input, tried.feature,
                                  tried.height > 0 ? tried.height : ANY_SIDE,
                                  tried.width > 0 ? tried.width : ANY_SIDE, &shape, NULL) == RT_OK &&
           shape.rank == 4 && shape.dim[1] * shape.dim[2] * shape.dim[3] > classifier->inputs;
}

static rt_code find_feature(rt_network *network, const rt_module_options *options, bool *detected,
                            rt_error *err)
{
    const rt_graph *graph = network->graph;
    rt_classifier_node classifier;
    rt_code code;
    if (options->bottleneck_tensor) {
        rt__buffer_format(&network->notice, "features from %s", options->bottleneck_tensor);
        return rt__network_find_features(network, options->bottleneck_tensor, err);
    }
    code = rt__find_classifier(graph, network->answers, network->n_answers, &classifier, err);
    if (code == RT_EUNSUPPORTED && network->has_vector) {
        network->feature = network->vector;
        rt__buffer_text(&network->notice, "features from ");
        rt__edge_name(graph, network->feature, &network->notice);
        rt__buffer_text(&network->notice, ", the signature's only result");
        return RT_OK;
    }
    if (code == RT_EUNSUPPORTED || (code == RT_OK && has_many_places(network, options, &classifier))) {
        *detected = true;
        return find_detector(network, options, err);
    }
    if (code != RT_OK)
        return code;
    network->feature = classifier.feature;
    rt__buffer_text(&network->notice, "features from ");
    rt__edge_name(graph, classifier.feature, &network->notice);
    rt__buffer_format(&network->notice, ", the input of the classifier %s (%s to %lld classes)",
                      rt__graph_node(graph, classifier.node)->name,
                      rt__graph_node(graph, classifier.node)->op, (long long)classifier.outputs);
    return RT_OK;
}

/* What a module says of itself holds where the user says nothing else. */
static rt_code override_module(rt_network *network, const rt_module_options *options, rt_error *err)
{
    rt_code code = RT_OK;
    if (options->bottleneck_tensor) {
        rt__buffer_format(&network->notice, "; features from %s", options->bottleneck_tensor);
        code = rt__network_find_features(network, options->bottleneck_tensor, err);
    }
    if (code == RT_OK && options->input_tensor) {
        code = rt__network_find(network, options->input_tensor, "--input_tensor", &network->input, err);
        if (code == RT_OK)
            rt__network_read_input(network);
    }
    return code;
}

static void find_scaling(rt_network *network, const rt_module_options *options)
{
    rt_buffer *notice = &network->notice;
    bool unit;
    rt__buffer_text(notice, "; images in ");
    rt__edge_name(network->graph, network->input, notice);
    if (options->input_std != 0 || network->input_std != 0)
        return;
    if (rt__scales_input(network->graph, network->input, &unit)) {
        network->input_mean = 0;
        network->input_std = unit ? 255 : 1;
        rt__buffer_format(notice, ", scaled by the graph itself from %s", unit ? "0 .. 1" : "0 .. 255");
    } else {
        network->input_mean = network->input_std = 127.5f;
        rt__buffer_text(notice, ", taken to be wanted in -1 .. 1 (else say --input_mean, --input_std)");
    }
}

rt_code rt__network_cut(rt_network *network, const rt_module_options *options, rt_error *err)
{
    bool detected = false;
    rt_code code;
    if (network->is_cut)
        return override_module(network, options, err);
    code = find_feature(network, options, &detected, err);
    if (code == RT_OK && (!detected || options->input_tensor))
        code = find_input(network, options, err);
    if (code == RT_OK)
        find_scaling(network, options);
    return code;
}
