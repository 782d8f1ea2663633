/* Bare GraphDefs whose weights are constants.  They say neither where images come in, nor how these are
 * scaled, nor what to take as features: that is found by structure and told in the notice. */
#include "graphdef.h"
#include "proto/field.h"
#include "proto/message.h"
#include "proto/tf_graph.pb-c.h"
#include "reader.h"

#include <string.h>

enum { NODES = 1 }; /* field of GraphDef */

/* A GraphDef has nodes: other messages may be GraphDefs to the letter, but have none where its are. */
static bool probe(const rt_source *source)
{
    rt_field first;
    return source->file && rt__field_find(source->file->bytes, source->file->size, NODES, &first) &&
           rt__proto_check(&tf__graph_def__descriptor, source->file->bytes, source->file->size, NULL) ==
               RT_OK;
}

static rt_code find_feature(rt_network *network, const rt_module_options *options, rt_error *err)
{
    const rt_graph *graph = network->graph;
    rt_classifier_node classifier;
    rt_code code;
    if (options->bottleneck_tensor) {
        rt__buffer_format(&network->notice, "features from %s", options->bottleneck_tensor);
        return rt__network_find(network, options->bottleneck_tensor, "--bottleneck_tensor", &network->feature,
                                err);
    }
    code = rt__find_classifier(graph, &classifier, err);
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

static rt_code find_input(rt_network *network, const rt_module_options *options, rt_error *err)
{
    rt_code code = options->input_tensor ? rt__network_find(network, options->input_tensor, "--input_tensor",
                                                            &network->input, err)
                                         : rt__network_find_input(network, err);
    if (code == RT_OK)
        rt__network_read_input(network);
    return code;
}

static void find_scaling(rt_network *network, const rt_module_options *options)
{
    rt_buffer *notice = &network->notice;
    bool unit;
    rt__buffer_text(notice, "; images in ");
    rt__edge_name(network->graph, network->input, notice);
    if (options->input_std != 0)
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

static rt_code open_graph(const rt_source *source, const rt_module_options *options, rt_network *network,
                          rt_error *err)
{
    rt_graphdef def;
    rt_code code = rt__graphdef_read(source->file->bytes, source->file->size, &def, err);
    if (code != RT_OK)
        return code;
    network->kind = rt__reader_frozen.name;
    network->graph = def.graph;
    code = find_feature(network, options, err);
    if (code == RT_OK)
        code = find_input(network, options, err);
    if (code == RT_OK)
        find_scaling(network, options);
    return code;
}

const rt_reader rt__reader_frozen = {"frozen GraphDef", probe, open_graph};
