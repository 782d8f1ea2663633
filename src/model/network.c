#include "network.h"

#include <math.h>
#include <string.h>

enum { MAX_SIDE = 16384 };

void rt__network_clear(rt_network *network)
{
    rt__graph_free(network->graph);
    rt__bundle_close(network->variables);
    rt__buffer_clear(&network->notice);
    rt__buffer_clear(&network->file);
    *network = (rt_network){.graph = NULL};
}

static void close_map(void *map)
{
    rt__map_close(map);
}

rt_code rt__network_hold(rt_network *network, rt_map *file, rt_error *err)
{
    return rt__graph_hold(network->graph, file, close_map, err);
}

void rt__edge_name(const rt_graph *graph, rt_edge edge, rt_buffer *buffer)
{
    rt__buffer_format(buffer, "%s:%d", rt__graph_node(graph, edge.node)->name, (int)edge.output);
}

rt_code rt__network_find(const rt_network *network, const char *name, const char *option, rt_edge *edge,
                         rt_error *err)
{
    rt_code code = rt__graph_find_tensor(network->graph, name, edge, err);
    if (code != RT_OK)
        rt_doing(err, NULL, "cannot use %s", option);
    return code;
}

rt_code rt__network_find_features(rt_network *network, const char *names, rt_error *err)
{
    static const char option[] = "--bottleneck_tensor";
    rt_buffer name = {0};
    rt_code code = RT_OK;
    network->n_more = 0;
    for (size_t i = 0; code == RT_OK && names; i++) {
        const char *comma = strchr(names, ',');
        rt__buffer_reset(&name);
        rt__buffer_add(&name, names, comma ? (size_t)(comma - names) : strlen(names));
        names = comma ? comma + 1 : NULL;
        code = rt__buffer_ok(&name, err);
        if (code == RT_OK && i == RT_MOST_FEATURES)
            code = rt_fail(err, RT_ELIMIT, "%s: at most %d tensors", option, RT_MOST_FEATURES);
        if (code == RT_OK)
            code = rt__network_find(network, name.bytes, option,
                                    i ? &network->more[i - 1] : &network->feature, err);
        network->n_more = i;
    }
    rt__buffer_clear(&name);
    return code;
}

rt_code rt__network_override(rt_network *network, const rt_module_options *options, rt_error *err)
{
    if (options->input_height < 0 || options->input_width < 0 || options->input_height > MAX_SIDE ||
        options->input_width > MAX_SIDE)
        return rt_fail(err, RT_EARG, "input size %dx%d, 1 to %d pixels are possible", options->input_height,
                       options->input_width, MAX_SIDE);
    if (!isfinite(options->input_mean) || !isfinite(options->input_std))
        return rt_fail(err, RT_EARG, "input mean %g and deviation %g are no numbers to scale by",
                       (double)options->input_mean, (double)options->input_std);
    if (options->input_height)
        network->height = options->input_height;
    if (options->input_width)
        network->width = options->input_width;
    if (options->input_std != 0) {
        network->input_mean = options->input_mean;
        network->input_std = options->input_std;
        network->input_stds[0] = 0;
    }
    if (network->height <= 0 || network->width <= 0)
        return rt_fail(err, RT_EUNSUPPORTED,
                       "the graph does not say how large its images are: say it with --input_size");
    if (network->height > MAX_SIDE || network->width > MAX_SIDE)
        return rt_fail(err, RT_EUNSUPPORTED, "images of %dx%d pixels, at most %d a side are possible",
                       network->height, network->width, MAX_SIDE);
    return RT_OK;
}

rt_code rt__network_freeze(rt_network *network, const char *prefix, rt_error *err)
{
    rt_code code = rt__bundle_open(prefix, &network->variables, err);
    if (code == RT_OK)
        code = rt__freeze_stored(network->graph, network->variables, err);
    return code;
}
