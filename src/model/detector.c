#include "detector.h"

#include "graph/fused.h"
#include "network.h"
#include "readers.h"

#include <stdlib.h>
#include <string.h>

/* Ops whose output is a feature map when an input is one. */
static const char *const map_ops[] = {
    "Conv2D",
    "DepthwiseConv2dNative",
    "FusedBatchNorm",
    "FusedBatchNormV2",
    "BiasAdd",
    "FusedBatchNormV3",
    "Relu",
    "BatchNormWithGlobalNormalization",
    "Relu6",
    "LeakyRelu",
    "Elu",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "MaxPool",
    "AvgPool",
    "ConcatV2",
    "Concat",
    "Add",
    "AddV2",
    "Sub",
    "Mul",
    "RealDiv",
    "Maximum",
    "Minimum",
    "Pad",
    "PadV2",
    "MirrorPad",
    "Identity",
    "StopGradient",
    "FakeQuantWithMinMaxVars",
    "Rsqrt",
    "FakeQuantWithMinMaxArgs",
    "CheckNumerics",
    NULL,
};
/* They read a map's shape, not the map. */
static const char *const shape_ops[] = {"Shape", "Rank", "Size", "ShapeN", NULL};
static const char *const convolutions[] = {"Conv2D", "DepthwiseConv2dNative", NULL};
/* y = a x + c for constants a, c. */
static const char *const affine_ops[] = {"Mul", "Sub", "Add", "AddV2", "RealDiv", "Div", "BiasAdd", NULL};

/* Nodes of a head that are followed. */
enum { MOST_BEHIND = 1000 };

enum { UNKNOWN, SEARCHING, NO_MAP, MAP };

typedef struct search {
    rt_graph *graph;
    uint32_t n;
    uint8_t *state; /* [n] whether a node's output is a feature map                     */
    rt_readers readers;
    uint32_t *stack; /* [n]                                                              */
    bool *behind;    /* [n] behind the root                                              */
    uint32_t *depth; /* [n] convolutions behind the root up to and with this node        */
    bool planar;     /* the root's data_format is NCHW                                   */
} search;

static bool is_planar(const rt_node *node)
{
    const rt_attr *format = rt__node_attr(node, "data_format");
    return format && format->kind == RT_ATTR_STRING && strcmp(format->value.s.bytes, "NCHW") == 0;
}

static bool is_convolution(const search *s, uint32_t node)
{
    return rt__op_is_one_of(rt__graph_node(s->graph, node)->op, convolutions);
}

/* ---- the search's tables ---- */

static void search_clear(search *s)
{
    free(s->state);
    rt__readers_clear(&s->readers);
    free(s->stack);
    free(s->behind);
    free(s->depth);
}

static rt_code search_init(search *s, rt_graph *graph, rt_error *err)
{
    rt_code code;
    *s = (search){.graph = graph, .n = rt__graph_count(graph)};
    s->state = calloc((size_t)s->n + 1, sizeof *s->state);
    s->stack = calloc((size_t)s->n + 1, sizeof *s->stack);
    s->behind = calloc((size_t)s->n + 1, sizeof *s->behind);
    s->depth = calloc((size_t)s->n + 1, sizeof *s->depth);
    code = rt__readers_find(graph, &s->readers, err);
    if (code == RT_OK && (!s->state || !s->stack || !s->behind || !s->depth))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    return code;
}

/* Decides a node whose inputs are decided as far as they can be; a cycle has no map on it. */
static uint8_t decide(const search *s, uint32_t index)
{
    const rt_node *node = rt__graph_node(s->graph, index);
    if (is_convolution(s, index))
        return MAP;
    for (uint32_t k = 0; k < node->n_inputs; k++)
        if (node->inputs[k].output == 0 && s->state[node->inputs[k].node] == MAP)
            return MAP;
    return NO_MAP;
}

/* Sets state of index and of all it depends on through map_ops; a node stands in the stack once. */
static void find_map(search *s, uint32_t index)
{
    uint32_t top = 0;
    s->stack[top++] = index;
    s->state[index] = SEARCHING;
    while (top > 0) {
        uint32_t at = s->stack[top - 1], next = UINT32_MAX;
        const rt_node *node = rt__graph_node(s->graph, at);
        bool passes = rt__op_is_one_of(node->op, map_ops) && !is_convolution(s, at);
        for (uint32_t k = 0; passes && next == UINT32_MAX && k < node->n_inputs; k++)
            if (s->state[node->inputs[k].node] == UNKNOWN)
                next = node->inputs[k].node;
        if (next != UINT32_MAX) {
            s->state[next] = SEARCHING;
            s->stack[top++] = next;
            continue;
        }
        s->state[at] = passes || is_convolution(s, at) ? decide(s, at) : NO_MAP;
        top--;
    }
}

/* ---- the backbone ---- */

/* Marks all maps behind root; returns how many there are. */
static uint32_t mark_behind(search *s, uint32_t root)
{
    uint32_t top = 0, count = 0;
    memset(s->behind, 0, s->n * sizeof *s->behind);
    s->stack[top++] = root;
    s->behind[root] = true;
    while (top > 0) {
        uint32_t at = s->stack[--top];
        count++;
        for (uint32_t r = s->readers.first[at]; r < s->readers.first[at + 1]; r++) {
            uint32_t reader = s->readers.nodes[r];
            if (s->state[reader] == MAP && !s->behind[reader]) {
                s->behind[reader] = true;
                s->stack[top++] = reader;
            }
        }
    }
    return count;
}

/* The convolution that reads no feature map and leads to the most of them. */
static bool find_root(search *s, uint32_t *root)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        const rt_node *node = rt__graph_node(s->graph, i);
        uint32_t count;
        if (!is_convolution(s, i) || node->n_inputs != 2 || s->state[node->inputs[0].node] == MAP)
            continue;
        count = mark_behind(s, i);
        if (count > most) {
            most = count;
            *root = i;
        }
    }
    if (most)
        mark_behind(s, *root);
    return most > 0;
}

/* How many of a map's readers are of the backbone, and whether anything else reads it. */
static uint32_t count_readers(const search *s, uint32_t node, bool *leaves)
{
    uint32_t count = 0;
    *leaves = s->readers.first[node] == s->readers.first[node + 1];
    for (uint32_t r = s->readers.first[node]; r < s->readers.first[node + 1]; r++) {
        if (s->behind[s->readers.nodes[r]])
            count++;
        else if (!rt__op_is_one_of(rt__graph_node(s->graph, s->readers.nodes[r])->op, shape_ops))
            *leaves = true;
    }
    return count;
}

/* Whether nobody reads a map that is no convolution's raw result: a backbone's end rather than a head's. */
static bool ends_backbone(const search *s, uint32_t node)
{
    static const char *const raw[] = {"Conv2D", "DepthwiseConv2dNative", "BiasAdd", NULL};
    if (s->readers.first[node] != s->readers.first[node + 1])
        return false;
    while (strcmp(rt__graph_node(s->graph, node)->op, "Identity") == 0)
        node = rt__graph_node(s->graph, node)->inputs[0].node;
    return !rt__op_is_one_of(rt__graph_node(s->graph, node)->op, raw);
}

/* From where the backbone is left back to where the head branches off. */
static uint32_t branch_point(const search *s, uint32_t exit, uint32_t root)
{
    uint32_t at = exit;
    bool leaves;
    for (uint32_t steps = 0; at != root && steps < s->n; steps++) {
        const rt_node *node = rt__graph_node(s->graph, at);
        uint32_t before = UINT32_MAX;
        for (uint32_t k = 0; k < node->n_inputs && before == UINT32_MAX; k++)
            if (s->behind[node->inputs[k].node])
                before = node->inputs[k].node;
        if (before == UINT32_MAX || count_readers(s, at, &leaves) > 1)
            break;
        at = before;
    }
    return at;
}

/* Whether nothing behind a map branches again: a head's tower, or the last map of a backbone. */
static bool only_heads_behind(search *s, uint32_t map)
{
    uint32_t at = map, top = 0, seen = 0;
    bool leaves;
    s->stack[top++] = map;
    while (top > 0 && seen++ < MOST_BEHIND) {
        at = s->stack[--top];
        if (at != map && count_readers(s, at, &leaves) > 1)
            return false;
        for (uint32_t r = s->readers.first[at]; r < s->readers.first[at + 1]; r++)
            if (s->behind[s->readers.nodes[r]] && top < s->n)
                s->stack[top++] = s->readers.nodes[r];
    }
    return top == 0;
}

/* The next map back from a branch point that others read too; UINT32_MAX: none. */
static uint32_t branch_before(const search *s, uint32_t map, uint32_t root)
{
    const rt_node *node = rt__graph_node(s->graph, map);
    for (uint32_t k = 0; map != root && k < node->n_inputs; k++)
        if (s->behind[node->inputs[k].node])
            return branch_point(s, node->inputs[k].node, root);
    return UINT32_MAX;
}

/* Convolutions from the root on, in graph order: exact for a topological order, else near enough to break a
 * tie between maps of equally many channels. */
static void measure_depth(search *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        const rt_node *node = rt__graph_node(s->graph, i);
        uint32_t deepest = 0;
        for (uint32_t k = 0; s->behind[i] && k < node->n_inputs; k++)
            if (s->behind[node->inputs[k].node] && s->depth[node->inputs[k].node] > deepest)
                deepest = s->depth[node->inputs[k].node];
        s->depth[i] = deepest + (uint32_t)is_convolution(s, i);
    }
}

typedef struct choice {
    uint32_t node, depth;
    int64_t channels;
} choice;

static bool better(const choice *a, const choice *b)
{
    return a->channels != b->channels ? a->channels > b->channels : a->depth > b->depth;
}

static bool is_head(const rt_detector *found, uint32_t node)
{
    size_t i = 0;
    while (i < found->n_heads && found->heads[i].node != node)
        i++;
    return i < found->n_heads;
}

static rt_code consider(search *s, rt_detector *found, uint32_t node, choice *best, choice *second)
{
    choice c = {.node = node, .depth = s->depth[node]};
    rt_shape shape;
    /* Any size will do where the graph leaves it free: channels do not depend on it. */
    rt_code code = rt__graph_output_shape(s->graph, found->input, (rt_edge){node, 0},
                                          found->height ? found->height : 320,
                                          found->width ? found->width : 320, &shape, NULL);
    if (code == RT_ENOMEM)
        return code;
    if (code != RT_OK || shape.rank != 4 || is_head(found, node))
        return RT_OK;
    if (found->n_heads < RT_MOST_HEADS)
        found->heads[found->n_heads++] = (rt_edge){node, 0};
    c.channels = shape.dim[s->planar ? 1 : 3];
    if (better(&c, best)) {
        *second = *best;
        *best = c;
    } else if (better(&c, second)) {
        *second = c;
    }
    return RT_OK;
}

/* A map that a head reads; where that is a tower of the head's own, the map in front of it as well. */
static rt_code consider_exit(search *s, rt_detector *found, uint32_t exit, uint32_t root, choice *best,
                             choice *second)
{
    uint32_t map = ends_backbone(s, exit) ? exit : branch_point(s, exit, root);
    rt_code code = consider(s, found, map, best, second);
    if (code != RT_OK || map == exit || !only_heads_behind(s, map))
        return code;
    map = branch_before(s, map, root);
    return map == UINT32_MAX ? RT_OK : consider(s, found, map, best, second);
}

static rt_code choose_feature(search *s, uint32_t root, rt_detector *found, rt_error *err)
{
    choice best = {.node = UINT32_MAX}, second = {.node = UINT32_MAX};
    rt_code code = RT_OK;
    measure_depth(s);
    for (uint32_t i = 0; i < s->n && code == RT_OK; i++) {
        bool leaves = false;
        if (s->behind[i])
            count_readers(s, i, &leaves);
        if (leaves)
            code = consider_exit(s, found, i, root, &best, &second);
    }
    if (code != RT_OK)
        return rt_fail(err, code, "out of memory");
    if (best.node == UINT32_MAX)
        return rt_fail(
            err, RT_EUNSUPPORTED,
            "no feature map that can be run stands behind the first convolution '%s'; name a tensor with "
            "--bottleneck_tensor",
            rt__graph_node(s->graph, root)->name);
    found->feature = (rt_edge){best.node, 0};
    found->shallower = (rt_edge){second.node == UINT32_MAX ? best.node : second.node, 0};
    return RT_OK;
}

/* ---- the image ---- */

/* Pads an image or puts its colours into another order, by constants. */
static bool is_rearranged(const search *s, const rt_node *node)
{
    static const char *const ops[] = {"Pad", "ReverseV2", "StridedSlice", "GatherV2", NULL};
    static const char *const masks[] = {"shrink_axis_mask", "new_axis_mask"};
    if (!rt__op_is_one_of(node->op, ops) || node->n_inputs < 2)
        return false;
    for (uint32_t i = 1; i < node->n_inputs; i++)
        if (!rt__graph_const(s->graph, node->inputs[i]))
            return false;
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        const rt_attr *mask = rt__node_attr(node, masks[i]);
        if (mask && mask->kind == RT_ATTR_INT && mask->value.i != 0)
            return false;
    }
    return true;
}

/* Back from the first convolution over what only scales and shifts by constants, or rearranges. */
static rt_edge find_pixels(const search *s, uint32_t root)
{
    rt_edge edge = rt__graph_node(s->graph, root)->inputs[0];
    for (uint32_t steps = 0; edge.output == 0 && steps < s->n; steps++) {
        const rt_node *node = rt__graph_node(s->graph, edge.node);
        bool affine = node->n_inputs == 2 && rt__op_is_one_of(node->op, affine_ops);
        if (affine && rt__graph_const(s->graph, node->inputs[1]))
            edge = node->inputs[0];
        else if (affine && rt__graph_const(s->graph, node->inputs[0]))
            edge = node->inputs[1];
        else if (strcmp(node->op, "Identity") == 0 && node->n_inputs == 1)
            edge = node->inputs[0];
        else if (is_rearranged(s, node))
            edge = node->inputs[0];
        else
            break;
    }
    return edge;
}

static bool take_size(rt_detector *found, int64_t height, int64_t width)
{
    if (height <= 0 || width <= 0 || height > INT32_MAX || width > INT32_MAX)
        return false;
    found->height = (int32_t)height;
    found->width = (int32_t)width;
    return true;
}

static bool size_of_resize(const search *s, const rt_node *node, rt_detector *found)
{
    const rt_tensor *size;
    int32_t sides[2];
    if (strncmp(node->op, "Resize", 6) != 0 || node->n_inputs < 2)
        return false;
    size = rt__graph_const(s->graph, node->inputs[1]);
    if (!size || size->dtype != RT_INT32 || size->bytes != sizeof sides)
        return false;
    memcpy(sides, size->data, sizeof sides);
    return take_size(found, sides[0], sides[1]);
}

/* The tensor's own static shape, or that of the elements it is stacked from. */
static bool size_of_shape(const search *s, rt_edge edge, rt_detector *found)
{
    const rt_attr *element = rt__node_attr(rt__graph_node(s->graph, edge.node), "element_shape");
    rt_shape shape;
    for (uint32_t steps = 0; steps < s->n && edge.output == 0; steps++) {
        const rt_node *node = rt__graph_node(s->graph, edge.node);
        if (node->n_inputs != 1 || (strcmp(node->op, "Cast") != 0 && strcmp(node->op, "Identity") != 0))
            break;
        edge = node->inputs[0];
    }
    if (element && element->kind == RT_ATTR_SHAPE && element->value.shape.rank == 3)
        return take_size(found, element->value.shape.dim[0], element->value.shape.dim[1]);
    return rt__edge_shape(s->graph, edge, &shape) && shape.rank == 4 &&
           take_size(found, shape.dim[s->planar ? 2 : 1], shape.dim[s->planar ? 3 : 2]);
}

/* Else the nearest resizing to a constant size that the pixels come from, through loops and all. */
static void find_size(search *s, rt_detector *found)
{
    uint32_t head = 0, tail = 0;
    if (size_of_shape(s, found->input, found))
        return;
    memset(s->behind, 0, s->n * sizeof *s->behind);
    s->stack[tail++] = found->input.node;
    s->behind[found->input.node] = true;
    while (head < tail) {
        const rt_node *node = rt__graph_node(s->graph, s->stack[head++]);
        if (size_of_resize(s, node, found))
            return;
        for (uint32_t k = 0; k < node->n_inputs; k++)
            if (!s->behind[node->inputs[k].node]) {
                s->behind[node->inputs[k].node] = true;
                s->stack[tail++] = node->inputs[k].node;
            }
    }
}

rt_code rt__find_detector(rt_graph *graph, rt_detector *found, rt_error *err)
{
    search s;
    uint32_t root = 0;
    rt_code code = search_init(&s, graph, err);
    *found = (rt_detector){.height = 0};
    for (uint32_t i = 0; code == RT_OK && i < s.n; i++)
        if (s.state[i] == UNKNOWN)
            find_map(&s, i);
    if (code == RT_OK && !find_root(&s, &root))
        code = rt_fail(err, RT_EUNSUPPORTED,
                       "no feature tensor: the graph has neither a classifier at its end nor a "
                       "convolution; name a tensor with --bottleneck_tensor");
    if (code == RT_OK) {
        s.planar = is_planar(rt__graph_node(graph, root));
        found->planar = s.planar;
        found->input = find_pixels(&s, root);
        find_size(&s, found);
        mark_behind(&s, root);
        code = choose_feature(&s, root, found, err);
    }
    search_clear(&s);
    return code;
}
