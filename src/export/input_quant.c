#include "input_quant.h"

#include "graph/graph_builder.h"

#include <math.h>
#include <string.h>

typedef struct range {
    float low, high;
} range;

static float multiplied(float x, float constant)
{
    return x * constant;
}

static float added(float x, float constant)
{
    return x + constant;
}

static float subtracted(float x, float constant)
{
    return x - constant;
}

static float subtracted_from(float x, float constant)
{
    return constant - x;
}

static const struct {
    const char *op;
    float (*apply[2])(float x, float constant); /* pixels are the first input, the second */
} steps[] = {
    {"Mul", {multiplied, multiplied}},
    {"Add", {added, added}},
    {"AddV2", {added, added}},
    {"Sub", {subtracted, subtracted_from}},
};

/* The node that reads node's first output; false when none or several do. */
static bool only_reader(const rt_graph *graph, uint32_t node, uint32_t *reader, uint32_t *port)
{
    size_t found = 0;
    for (uint32_t i = 0; i < rt__graph_count(graph); i++) {
        const rt_node *n = rt__graph_node(graph, i);
        for (uint32_t k = 0; k < n->n_inputs; k++)
            if (n->inputs[k].node == node) {
                *reader = i;
                *port = k;
                found++;
            }
    }
    return found == 1;
}

static bool scalar(const rt_graph *graph, rt_edge edge, float *value)
{
    const rt_tensor *t = rt__graph_const(graph, edge);
    if (!t || t->dtype != RT_FLOAT || t->bytes != sizeof *value)
        return false;
    memcpy(value, t->data, sizeof *value);
    return true;
}

/* What a step makes of a range; false when it is none of those above. */
static bool follow(const rt_graph *graph, uint32_t node, uint32_t port, range *r)
{
    const rt_node *n = rt__graph_node(graph, node);
    float constant, a, b;
    if (n->n_inputs != 2 || !scalar(graph, n->inputs[1 - port], &constant))
        return false;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (strcmp(n->op, steps[i].op) == 0) {
            a = steps[i].apply[port](r->low, constant);
            b = steps[i].apply[port](r->high, constant);
            *r = (range){fminf(a, b), fmaxf(a, b)};
            return isfinite(r->low) && isfinite(r->high) && r->low < r->high;
        }
    return false;
}

static uint32_t add_scalar(rt_graph_builder *b, const char *scope, const char *name, float value)
{
    float *data = rt__builder_array(b, 1, sizeof *data);
    const rt_tensor tensor = {.dtype = RT_FLOAT, .bytes = sizeof *data, .data = data};
    if (data)
        *data = value;
    return rt__builder_const(b, rt__builder_name(b, scope, name), &tensor);
}

/* Between node and its reader's input port. */
static rt_code insert(rt_graph *graph, uint32_t node, uint32_t reader, uint32_t port, range r, rt_error *err)
{
    enum { MOST_INPUTS = 8 };
    rt_graph_builder b = {.graph = graph, .err = err};
    const char *name = rt__graph_node(graph, node)->name;
    const rt_attr bits = {.name = "num_bits", .kind = RT_ATTR_INT, .value.i = 8};
    rt_edge inputs[3] = {{node, 0}, {0, 0}, {0, 0}}, changed[MOST_INPUTS];
    const rt_node *n = rt__graph_node(graph, reader);
    uint32_t quant, count = n->n_inputs;
    if (count > MOST_INPUTS)
        return RT_OK;
    memcpy(changed, n->inputs, count * sizeof *changed);
    inputs[1].node = add_scalar(&b, name, "act_quant/min", fminf(r.low, 0));
    inputs[2].node = add_scalar(&b, name, "act_quant/max", fmaxf(r.high, 0));
    quant = rt__builder_node(&b, rt__builder_name(&b, name, "act_quant/FakeQuantWithMinMaxVars"),
                             "FakeQuantWithMinMaxVars", inputs, 3);
    rt__builder_attr(&b, quant, &bits);
    rt__builder_bool(&b, quant, "narrow_range", false);
    changed[port] = (rt_edge){quant, 0};
    rt__builder_controls(&b, reader, changed, count, NULL, 0);
    return b.code;
}

rt_code rt__quantise_input(rt_graph *graph, uint32_t input, rt_error *err)
{
    range r = {0, 1};
    uint32_t node, next, port;
    rt_code code = RT_OK;
    if (!only_reader(graph, input, &node, &port))
        return RT_OK;
    while (code == RT_OK && follow(graph, node, port, &r) && only_reader(graph, node, &next, &port) &&
           strncmp(rt__graph_node(graph, next)->op, "FakeQuant", 9) != 0) {
        code = insert(graph, node, next, port, r, err);
        node = next;
    }
    return code;
}
