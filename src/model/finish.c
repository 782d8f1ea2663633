/* From what a reader found to the module that the others are promised. */
#include "append.h"
#include "graph/prune.h"
#include "module.h"
#include "network.h"

#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3 };

/* The Placeholder says what the module takes, whatever the file said of batches. */
static rt_code declare_input(rt_graph *graph, uint32_t input, int32_t height, int32_t width, rt_error *err)
{
    rt_attr *attrs = rt__arena_array(rt__graph_arena(graph), 2, sizeof *attrs);
    if (!attrs)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    attrs[0] = (rt_attr){.name = "dtype", .kind = RT_ATTR_TYPE, .value.type = RT_FLOAT};
    attrs[1] = (rt_attr){.name = "shape",
                         .kind = RT_ATTR_SHAPE,
                         .value.shape = {.rank = 4, .dim = {RT_UNKNOWN, height, width, CHANNELS}}};
    rt__graph_set_attrs(graph, input, attrs, 2);
    return RT_OK;
}

/* What reads `from` shall read `to`; nodes from `first` on are left alone. */
static rt_code reconnect(rt_graph *graph, rt_edge from, rt_edge to, uint32_t first, rt_error *err)
{
    for (uint32_t i = 0; i < first; i++) {
        const rt_node *node = rt__graph_node(graph, i);
        rt_edge *inputs;
        rt_code code;
        bool reads = false;
        for (uint32_t k = 0; k < node->n_inputs; k++)
            reads = reads || (node->inputs[k].node == from.node && node->inputs[k].output == from.output);
        if (!reads)
            continue;
        if (!(inputs = malloc(node->n_inputs * sizeof *inputs)))
            return rt_fail(err, RT_ENOMEM, "out of memory");
        for (uint32_t k = 0; k < node->n_inputs; k++) {
            bool same = node->inputs[k].node == from.node && node->inputs[k].output == from.output;
            inputs[k] = same ? to : node->inputs[k];
        }
        code = rt__graph_set_inputs(graph, i, inputs, node->n_inputs, NULL, 0, err);
        free(inputs);
        if (code != RT_OK)
            return code;
    }
    return RT_OK;
}

/* The first value, or all as a vector. */
static rt_code numbers(rt_graph *graph, const float *values, bool each, rt_tensor *tensor, rt_error *err)
{
    size_t bytes = (each ? CHANNELS : 1) * sizeof *values;
    *tensor = (rt_tensor){.dtype = RT_FLOAT, .shape = {.rank = each, .dim = {CHANNELS}}, .bytes = bytes};
    tensor->data = rt__arena_copy(rt__graph_arena(graph), values, bytes);
    return tensor->data ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

/* By one number for all colours, or one for each. */
static rt_code scale_pixels(rt_graph *graph, const rt_network *network, rt_edge *x, rt_error *err)
{
    bool each = network->input_stds[0] != 0;
    rt_tensor factor, shift;
    float factors[CHANNELS], shifts[CHANNELS];
    rt_code code;
    for (int i = 0; i < CHANNELS; i++) {
        float std = each ? network->input_stds[i] : network->input_std;
        factors[i] = 255 / std;
        shifts[i] = (each ? network->input_means[i] : network->input_mean) / std;
    }
    code = numbers(graph, factors, each, &factor, err);
    if (code == RT_OK && (each || network->input_std != 255))
        code = rt__append_with_const(graph, "Mul", "retrain_input/Mul", "retrain_input/Mul/y", *x, &factor, x,
                                     err);
    if (code == RT_OK)
        code = numbers(graph, shifts, each, &shift, err);
    if (code == RT_OK && (each || network->input_mean != 0))
        code = rt__append_with_const(graph, "Sub", "retrain_input/Sub", "retrain_input/Sub/y", *x, &shift, x,
                                     err);
    return code;
}

/* (255 x - mean) / std = x * (255 / std) - mean / std; and channels first where the network wants them so. */
static rt_code adapt_input(rt_graph *graph, const rt_network *network, rt_edge input, rt_error *err)
{
    static const int32_t channels_first[4] = {0, 3, 1, 2};
    uint32_t first = rt__graph_count(graph);
    rt_edge adapted = input;
    rt_code code = scale_pixels(graph, network, &adapted, err);
    if (network->planar && code == RT_OK)
        code =
            rt__append_with_ints(graph, "Transpose", "retrain_input/transpose",
                                 "retrain_input/transpose/perm", "Tperm", channels_first, 4, &adapted, err);
    return code == RT_OK ? reconnect(graph, input, adapted, first, err) : code;
}

static uint64_t count_weights(const rt_graph *graph)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < rt__graph_count(graph); i++) {
        const rt_node *node = rt__graph_node(graph, i);
        const rt_tensor *t = strcmp(node->op, "Const") == 0 ? rt__graph_const(graph, (rt_edge){i, 0}) : NULL;
        if (t && t->dtype != RT_INT32 && t->dtype != RT_INT64 && rt__dtype_size(t->dtype))
            count += t->bytes / rt__dtype_size(t->dtype);
    }
    return count;
}

/* Prunes for good, after what was put in: that also brings it into order.  features: [RT_MOST_FEATURES] */
static rt_code make_graph(rt_network *network, rt_module *m, rt_edge *features, rt_error *err)
{
    rt_graph *cut = NULL;
    rt_edge input, all[RT_MOST_FEATURES];
    size_t n = 1 + network->n_more;
    rt_code code;
    all[0] = network->feature;
    memcpy(all + 1, network->more, network->n_more * sizeof *all);
    code = rt__graph_prune_from(network->graph, network->input, all, n, &cut, &input, all, err);
    if (code == RT_OK)
        code = declare_input(cut, input.node, network->height, network->width, err);
    if (code == RT_OK)
        code = adapt_input(cut, network, input, err);
    if (code == RT_OK)
        code = rt__graph_prune(cut, all, n, &m->graph, features, err);
    if (code == RT_OK && !rt__graph_find(m->graph, rt__graph_node(cut, input.node)->name, &m->input.node))
        code = rt_fail(err, RT_EUNSUPPORTED, "feature tensor '%s' does not depend on the images of '%s'",
                       rt__graph_node(network->graph, network->feature.node)->name,
                       rt__graph_node(network->graph, network->input.node)->name);
    rt__graph_free(cut);
    return code;
}

static void close_bundle(void *bundle)
{
    rt__bundle_close(bundle);
}

static rt_code freeze(rt_network *network, rt_module *m, rt_error *err)
{
    bool *is_variable =
        rt__arena_alloc(rt__graph_arena(m->graph), (size_t)rt__graph_count(m->graph) + RT_MOST_APPENDED);
    rt_bundle *bundle = network->variables;
    rt_code code;
    if (!is_variable)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = rt__freeze(m->graph, bundle, is_variable, err);
    m->is_variable = is_variable;
    network->variables = NULL;
    if (bundle && code == RT_OK)
        return rt__graph_hold(m->graph, bundle, close_bundle, err);
    rt__bundle_close(bundle);
    return code;
}

static rt_code describe(const rt_network *network, const char *path, rt_module *m, rt_error *err)
{
    rt_arena *arena = rt__graph_arena(m->graph);
    rt_buffer name = {0};
    rt_module_info *info = &m->info;
    *info = (rt_module_info){.feature_size = info->feature_size,
                             .path = rt__arena_string(arena, path),
                             .kind = network->kind,
                             .height = network->height,
                             .width = network->width,
                             .input_mean = network->input_mean,
                             .input_std = network->input_std,
                             .weight_count = count_weights(m->graph)};
    rt__edge_name(network->graph, network->input, &name);
    info->input = name.failed ? NULL : rt__arena_string(arena, name.bytes);
    rt__buffer_reset(&name);
    rt__edge_name(network->graph, network->feature, &name);
    for (size_t i = 0; i < network->n_more; i++) {
        rt__buffer_text(&name, ",");
        rt__edge_name(network->graph, network->more[i], &name);
    }
    info->feature = name.failed ? NULL : rt__arena_string(arena, name.bytes);
    info->notice = network->notice.failed
                       ? NULL
                       : rt__arena_string(arena, network->notice.bytes ? network->notice.bytes : "");
    rt__buffer_clear(&name);
    return info->path && info->input && info->feature && info->notice
               ? RT_OK
               : rt_fail(err, RT_ENOMEM, "out of memory");
}

rt_code rt__network_finish(rt_network *network, const char *path, rt_module **module, rt_error *err)
{
    rt_edge features[RT_MOST_FEATURES];
    rt_module *m = calloc(1, sizeof *m);
    rt_code code = m ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = make_graph(network, m, features, err);
    if (code == RT_OK)
        code = freeze(network, m, err);
    if (code == RT_OK)
        code = rt__make_vector(network, features, m, err);
    if (code == RT_OK)
        code = describe(network, path, m, err);
    if (code == RT_OK)
        *module = m;
    else
        rt_module_close(m);
    return code;
}
