/* Where the images come into a graph that does not say it itself, and which: structure only, no names. */
#include "graph/prune.h"
#include "network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Chains of nodes that are followed are short in real graphs: a longer one is an attempt to keep us busy. */
enum { CHANNELS = 3, MOST_STEPS = 64 };

static bool is_op(const rt_node *node, const char *op)
{
    return strcmp(node->op, op) == 0;
}

bool rt__edge_shape(const rt_graph *graph, rt_edge edge, rt_shape *shape)
{
    const rt_node *node = rt__graph_node(graph, edge.node);
    const rt_attr *attr = rt__node_attr(node, "_output_shapes");
    if (attr && attr->kind == RT_ATTR_LIST_SHAPE && (size_t)edge.output < attr->count) {
        *shape = attr->value.shapes[edge.output];
        return shape->rank != RT_UNKNOWN;
    }
    attr = rt__node_attr(node, "shape");
    if (edge.output != 0 || !attr || attr->kind != RT_ATTR_SHAPE || strncmp(node->op, "Placeholder", 11) != 0)
        return false;
    *shape = attr->value.shape;
    return shape->rank != RT_UNKNOWN;
}

/* ---- the input ---- */

static bool is_planar(const rt_shape *shape)
{
    return shape->rank == 4 && shape->dim[1] == CHANNELS && shape->dim[3] != CHANNELS;
}

void rt__network_read_input(rt_network *network)
{
    rt_shape shape;
    int64_t height, width;
    if (!rt__edge_shape(network->graph, network->input, &shape) || shape.rank != 4)
        return;
    network->planar = is_planar(&shape);
    height = shape.dim[network->planar ? 2 : 1];
    width = shape.dim[network->planar ? 3 : 2];
    network->height = height > INT32_MAX ? INT32_MAX : (int32_t)height;
    network->width = width > INT32_MAX ? INT32_MAX : (int32_t)width;
}

static bool takes_images(const rt_graph *graph, uint32_t index, bool *sized)
{
    const rt_node *node = rt__graph_node(graph, index);
    const rt_attr *dtype = rt__node_attr(node, "dtype");
    rt_shape shape;
    if (!is_op(node, "Placeholder") || !dtype || dtype->kind != RT_ATTR_TYPE || dtype->value.type != RT_FLOAT)
        return false;
    *sized = rt__edge_shape(graph, (rt_edge){index, 0}, &shape);
    return !*sized ||
           (shape.rank == 4 && (shape.dim[3] == CHANNELS || shape.dim[3] == RT_UNKNOWN || is_planar(&shape)));
}

static rt_code no_input(const rt_graph *graph, const char *feature, unsigned count, rt_error *err)
{
    rt_buffer list = {0};
    rt_code code;
    for (uint32_t i = 0; i < rt__graph_count(graph) && list.size < 256; i++) {
        const rt_node *node = rt__graph_node(graph, i);
        const rt_attr *dtype = rt__node_attr(node, "dtype");
        if (is_op(node, "Placeholder"))
            rt__buffer_format(&list, "%s'%s' (%s)", list.size ? ", " : "", node->name,
                              dtype && dtype->kind == RT_ATTR_TYPE ? rt__dtype_name(dtype->value.type) : "?");
    }
    if (list.size == 0)
        code = rt_fail(err, RT_EUNSUPPORTED, "feature tensor '%s' depends on no Placeholder", feature);
    else
        code = rt_fail(err, RT_EUNSUPPORTED, "%s: say which with --input_tensor; there are: %s",
                       count ? "several Placeholders could take the images"
                             : "no Placeholder takes images (float [?,height,width,3])",
                       list.failed ? "too many to list" : list.bytes);
    rt__buffer_clear(&list);
    return code;
}

rt_code rt__network_find_input(rt_network *network, rt_error *err)
{
    rt_graph *needed;
    uint32_t found = 0;
    unsigned sized_count = 0, count = 0;
    rt_code code = rt__graph_prune(network->graph, &network->feature, 1, &needed, NULL, err);
    if (code != RT_OK)
        return code;
    for (uint32_t i = 0; i < rt__graph_count(needed); i++) {
        bool sized;
        if (!takes_images(needed, i, &sized) || (!sized && sized_count))
            continue;
        if (sized && !sized_count)
            count = 0; /* one that says its shape is better than those that do not */
        sized_count += sized;
        count++;
        found = i;
    }
    if (count == 1) {
        network->input.output = 0;
        rt__graph_find(network->graph, rt__graph_node(needed, found)->name, &network->input.node);
    } else {
        code = no_input(needed, rt__graph_node(network->graph, network->feature.node)->name, count, err);
    }
    rt__graph_free(needed);
    return code;
}

/* The only node that reads an edge, and with which of its inputs. */
static const rt_node *only_reader(const rt_graph *graph, rt_edge edge, uint32_t *index, uint32_t *input)
{
    const rt_node *reader = NULL;
    for (uint32_t i = 0; i < rt__graph_count(graph); i++) {
        const rt_node *node = rt__graph_node(graph, i);
        for (uint32_t k = 0; k < node->n_inputs; k++) {
            if (node->inputs[k].node != edge.node || node->inputs[k].output != edge.output)
                continue;
            if (reader)
                return NULL;
            reader = node;
            *index = i;
            *input = k;
        }
    }
    return reader;
}

static bool first_float(const rt_tensor *t, float *value)
{
    if (!t || t->dtype != RT_FLOAT || t->bytes < sizeof *value)
        return false;
    memcpy(value, t->data, sizeof *value);
    return true;
}

/* y = a x + b behind one more node; false when the node does something else. */
static bool follow(const rt_node *node, uint32_t input, float c, double *a, double *b)
{
    double sign = 1;
    if (is_op(node, "Mul")) {
        *a *= c;
        *b *= c;
    } else if (is_op(node, "RealDiv") || is_op(node, "Div")) {
        if (input != 0 || c == 0)
            return false;
        *a /= c;
        *b /= c;
    } else if (is_op(node, "Sub")) {
        if (input == 1)
            sign = -1;
        *a *= sign;
        *b = input == 0 ? *b - c : c - *b;
    } else if (is_op(node, "Add") || is_op(node, "AddV2") || is_op(node, "BiasAdd")) {
        *b += c;
    } else {
        return false;
    }
    return true;
}

/* Moves pixels about, or stores them otherwise: their values stay. */
static bool keeps_values(const rt_node *node, uint32_t input)
{
    static const char *const ops[] = {"Identity",  "Cast",     "Pad",         "Transpose",
                                      "ReverseV2", "GatherV2", "StridedSlice"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (input == 0 && is_op(node, ops[i]))
            return true;
    return false;
}

/* The pixels come as bytes. */
static bool is_bytes(const rt_graph *graph, rt_edge input)
{
    const rt_node *node = rt__graph_node(graph, input.node);
    const rt_attr *type = rt__node_attr(node, is_op(node, "Cast") ? "SrcT" : "dtype");
    return (is_op(node, "Cast") || is_op(node, "Placeholder")) && type && type->kind == RT_ATTR_TYPE &&
           type->value.type == RT_UINT8;
}

/* Whether a x + b is made for x in 0 .. 1: for 0 .. 255 it would lead far from what networks are fed, which
 * is a few units around 0, or pixels less their mean. */
static bool wants_unit(double a, double b)
{
    enum { WIDEST = 8, WIDEST_BYTES = 300 };
    double most = fabs(a * 255 + b);
    return most > (fabs(b) > WIDEST ? WIDEST_BYTES : WIDEST);
}

bool rt__scales_input(const rt_graph *graph, rt_edge input, bool *unit)
{
    double a = 1, b = 0;
    bool scales = is_bytes(graph, input), bytes = scales;
    for (uint32_t steps = 0; steps < MOST_STEPS; steps++) {
        uint32_t index = 0, at = 0;
        const rt_node *node = only_reader(graph, input, &index, &at);
        float c;
        if (!node)
            break;
        if (!keeps_values(node, at)) {
            if (node->n_inputs != 2 || !first_float(rt__graph_const(graph, node->inputs[!at]), &c) ||
                !follow(node, at, c, &a, &b))
                break;
            scales = true;
        }
        input = (rt_edge){index, 0};
    }
    *unit = !bytes && wants_unit(a, b);
    return scales;
}
