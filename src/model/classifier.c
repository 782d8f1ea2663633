#include "classifier.h"

#include "network.h"
#include "readers.h"

#include <stdlib.h>
#include <string.h>

/* Chains of nodes that are followed are short in real graphs: a longer one is an attempt to keep us busy. */
enum { MOST_STEPS = 64, MOST_SINKS = 1000, MOST_CLASSIFIERS = 64 };

/* Passes its first input on, or changes it only by constants or to the steps of 8 bits: may stand behind a
 * classifier's product. */
static const char *const behind_classifier[] = {"Softmax", "Sigmoid", "LogSoftmax", "Squeeze",
                                                "Reshape", "BiasAdd", "Identity",   "Add",
                                                "AddV2",   "ArgMax",  "TopKV2",     "FakeQuantWithMinMaxVars",
                                                NULL};
static const char *const makes_probabilities[] = {"Softmax", "Sigmoid", "LogSoftmax", NULL};
/* They tell which score is largest, not the scores. */
static const char *const picks_score[] = {"ArgMax", "TopKV2", NULL};
/* The same value: may stand between the features and a classifier. */
static const char *const before_classifier[] = {"Identity", "PlaceholderWithDefault", "StopGradient", NULL};

typedef struct search {
    const rt_graph *graph;
    uint32_t n;
    rt_readers readers;
    bool *fed;       /* [n] depends on a value that is no image */
    bool *seen;      /* [n] scratch */
    uint32_t *stack; /* [n] scratch */
    unsigned n_found;
    uint32_t most_before; /* nodes before the best one */
    rt_classifier_node best;
} search;

static bool is_op(const rt_node *node, const char *op)
{
    return strcmp(node->op, op) == 0;
}

static bool attr_true(const rt_node *node, const char *name)
{
    const rt_attr *attr = rt__node_attr(node, name);
    return attr && attr->kind == RT_ATTR_BOOL && attr->value.b;
}

/* ---- one classifier ---- */

/* The data input of an addition that is not a constant; others have it first. */
static rt_edge data_input(const rt_graph *graph, const rt_node *node)
{
    bool swapped = node->n_inputs == 2 && (is_op(node, "Add") || is_op(node, "AddV2")) &&
                   rt__graph_const(graph, node->inputs[0]);
    return node->inputs[swapped];
}

/* The constant behind an edge, looked through what only changes how it is stored. */
static const rt_tensor *weights_behind(const rt_graph *graph, rt_edge edge)
{
    static const char *const storage[] = {"Identity", "Dequantize", "Cast", "FakeQuantWithMinMaxVars", NULL};
    for (uint32_t steps = 0; edge.output == 0 && steps < MOST_STEPS; steps++) {
        const rt_node *node = rt__graph_node(graph, edge.node);
        const rt_tensor *tensor = rt__graph_const(graph, edge);
        if (tensor || !rt__op_is_one_of(node->op, storage) || node->n_inputs == 0)
            return tensor;
        edge = node->inputs[0];
    }
    return NULL;
}

static bool as_classifier(const rt_graph *graph, uint32_t index, rt_classifier_node *found)
{
    const rt_node *node = rt__graph_node(graph, index);
    const rt_tensor *weights;
    bool conv = is_op(node, "Conv2D"), transposed = attr_true(node, "transpose_b");
    if ((!conv && !is_op(node, "MatMul")) || node->n_inputs != 2 || attr_true(node, "transpose_a"))
        return false;
    weights = weights_behind(graph, node->inputs[1]);
    if (!weights || weights->shape.rank != (conv ? 4 : 2))
        return false;
    if (conv && (weights->shape.dim[0] != 1 || weights->shape.dim[1] != 1))
        return false;
    found->node = index;
    found->feature = node->inputs[0];
    found->inputs = conv ? weights->shape.dim[2] : weights->shape.dim[transposed];
    found->outputs = conv ? weights->shape.dim[3] : weights->shape.dim[!transposed];
    for (uint32_t steps = 0; steps < MOST_STEPS; steps++) {
        const rt_node *before = rt__graph_node(graph, found->feature.node);
        if (!rt__op_is_one_of(before->op, before_classifier) || before->n_inputs == 0 ||
            found->feature.output != 0)
            break;
        found->feature = before->inputs[0];
    }
    return true;
}

/* Back from what nobody reads. */
static bool classifier_behind(const rt_graph *graph, rt_edge end, rt_classifier_node *found)
{
    *found = (rt_classifier_node){.scores = end};
    for (uint32_t steps = 0; steps < MOST_STEPS; steps++) {
        const rt_node *node = rt__graph_node(graph, end.node);
        if (as_classifier(graph, end.node, found))
            return true;
        if (!rt__op_is_one_of(node->op, behind_classifier) || node->n_inputs == 0)
            return false;
        found->probabilities = found->probabilities || rt__op_is_one_of(node->op, makes_probabilities);
        end = data_input(graph, node);
        if (rt__op_is_one_of(node->op, picks_score))
            found->scores = end;
    }
    return false;
}

/* ---- the best of a graph ---- */

static void search_clear(search *s)
{
    rt__readers_clear(&s->readers);
    free(s->fed);
    free(s->seen);
    free(s->stack);
}

static rt_code search_init(search *s, const rt_graph *graph, rt_error *err)
{
    rt_code code;
    *s = (search){.graph = graph, .n = rt__graph_count(graph)};
    s->fed = calloc((size_t)s->n + 1, sizeof *s->fed);
    s->seen = calloc((size_t)s->n + 1, sizeof *s->seen);
    s->stack = calloc((size_t)s->n + 1, sizeof *s->stack);
    code = rt__readers_find(graph, &s->readers, err);
    if (code == RT_OK && (!s->fed || !s->seen || !s->stack))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    return code;
}

/* A Placeholder for something else than images: whole numbers wider than a pixel, truth values, other shapes.
 */
static bool is_other_feed(const rt_graph *graph, uint32_t index)
{
    enum { LEAST_RANK = 3, MOST_RANK = 4 };
    const rt_node *node = rt__graph_node(graph, index);
    const rt_attr *dtype = rt__node_attr(node, "dtype");
    rt_dtype type = dtype && dtype->kind == RT_ATTR_TYPE ? dtype->value.type : RT_DTYPE_NONE;
    rt_shape shape;
    if (!is_op(node, "Placeholder") && !is_op(node, "PlaceholderV2"))
        return false;
    if (type == RT_STRING) /* photos as files */
        return false;
    return (type != RT_FLOAT && type != RT_UINT8) || (rt__edge_shape(graph, (rt_edge){index, 0}, &shape) &&
                                                      (shape.rank < LEAST_RANK || shape.rank > MOST_RANK));
}

static void find_fed(search *s)
{
    uint32_t top = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (is_other_feed(s->graph, i)) {
            s->fed[i] = true;
            s->stack[top++] = i;
        }
    }
    while (top > 0) {
        uint32_t at = s->stack[--top];
        for (uint32_t r = s->readers.first[at]; r < s->readers.first[at + 1]; r++) {
            uint32_t reader = s->readers.nodes[r];
            if (!s->fed[reader]) {
                s->fed[reader] = true;
                s->stack[top++] = reader;
            }
        }
    }
}

static bool ends_here(const search *s, uint32_t node)
{
    for (uint32_t r = s->readers.first[node]; r < s->readers.first[node + 1]; r++)
        if (!s->fed[s->readers.nodes[r]])
            return false;
    return !s->fed[node];
}

static uint32_t count_before(search *s, uint32_t node)
{
    uint32_t top = 0, count = 0;
    memset(s->seen, 0, s->n * sizeof *s->seen);
    s->stack[top++] = node;
    s->seen[node] = true;
    while (top > 0) {
        const rt_node *at = rt__graph_node(s->graph, s->stack[--top]);
        count++;
        for (uint32_t k = 0; k < at->n_inputs; k++)
            if (!s->seen[at->inputs[k].node]) {
                s->seen[at->inputs[k].node] = true;
                s->stack[top++] = at->inputs[k].node;
            }
    }
    return count;
}

static void consider(search *s, rt_edge end)
{
    rt_classifier_node found;
    uint32_t before;
    if (s->n_found == MOST_CLASSIFIERS || !classifier_behind(s->graph, end, &found))
        return;
    before = count_before(s, found.feature.node);
    if (s->n_found++ == 0 ||
        (found.probabilities != s->best.probabilities ? found.probabilities : before > s->most_before)) {
        s->best = found;
        s->most_before = before;
    }
}

rt_code rt__find_classifier(const rt_graph *graph, const rt_edge *answers, size_t n_answers,
                            rt_classifier_node *found, rt_error *err)
{
    search s;
    unsigned sinks = 0;
    rt_code code = search_init(&s, graph, err);
    for (size_t i = 0; code == RT_OK && i < n_answers; i++)
        consider(&s, answers[i]);
    if (code == RT_OK && s.n_found == 0) {
        find_fed(&s);
        for (uint32_t i = s.n; i-- > 0 && sinks < MOST_SINKS;)
            if (ends_here(&s, i)) {
                sinks++;
                consider(&s, (rt_edge){i, 0});
            }
    }
    if (code == RT_OK && s.n_found == 0)
        code = rt_fail(err, RT_EUNSUPPORTED,
                       "no feature tensor: no classifier (MatMul or 1x1 Conv2D with constant weights) "
                       "stands at the end of the graph; name a tensor with --bottleneck_tensor");
    *found = s.best;
    search_clear(&s);
    return code;
}
