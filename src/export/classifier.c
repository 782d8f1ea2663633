#include "classifier.h"

#include "attr_defaults.h"
#include "base/checked.h"
#include "input_quant.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3 };

static const char placeholder[] = "Placeholder";

/* A graph under construction, and where the network's nodes went. */
typedef struct builder {
    const rt_classifier_parts *parts;
    rt_graph *graph;
    rt_arena *arena;
    uint32_t *new_index; /* [nodes of parts->graph] */
    rt_error *err;
} builder;

static rt_code no_memory(rt_error *err)
{
    return rt_fail(err, RT_ENOMEM, "out of memory for the retrained graph");
}

/* ---- names ---- */

static bool is_name(const char *text)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/>\\";
    return *text && strchr(first, *text) && text[strspn(text, rest)] == 0;
}

static rt_code check_parts(const rt_classifier_parts *p, rt_error *err)
{
    const char *const scopes[2] = {p->variable_scope, p->op_scope};
    if (!is_name(p->final_tensor))
        return rt_fail(err, RT_EARG,
                       "'%s' cannot be the name of a TensorFlow node: letters, digits and ._-/ are "
                       "possible",
                       p->final_tensor);
    for (int i = 0; i < 2; i++)
        if (*scopes[i] && !is_name(scopes[i]))
            return rt_fail(err, RT_EARG, "'%s' cannot be the name of a TensorFlow scope", scopes[i]);
    return RT_OK;
}

/* scope/name, in the new graph's arena; NULL when memory is out. */
static const char *scoped(builder *b, uint32_t node)
{
    const rt_classifier_parts *p = b->parts;
    const char *name = rt__graph_node(p->graph, node)->name;
    const char *scope = p->is_variable[node] ? p->variable_scope : p->op_scope;
    size_t size = strlen(scope) + strlen(name) + 2;
    char *text;
    if (node == p->input.node)
        return placeholder;
    if (!*scope)
        return name;
    if ((text = rt__arena_alloc(b->arena, size)))
        snprintf(text, size, "%s/%s", scope, name);
    return text;
}

/* ---- the network's nodes ---- */

/* "loc:@NODE" must name NODE as it is called now; a place beside a node that is gone is no wish any more. */
static rt_code move_class(builder *b, const rt_attr *from, rt_attr *to)
{
    static const char prefix[] = "loc:@";
    enum { PREFIX = sizeof prefix - 1 };
    rt_string *strings = rt__arena_array(b->arena, from->count, sizeof *strings);
    if (!strings)
        return no_memory(b->err);
    *to = *from;
    to->count = 0;
    to->value.strings = strings;
    for (size_t i = 0; i < from->count; i++) {
        rt_string s = from->value.strings[i];
        uint32_t node;
        const char *name;
        char *text;
        if (s.size > PREFIX && memcmp(s.bytes, prefix, PREFIX) == 0) {
            if (!rt__graph_find(b->parts->graph, s.bytes + PREFIX, &node))
                continue;
            if (!(name = scoped(b, node)) || !(text = rt__arena_alloc(b->arena, PREFIX + strlen(name) + 1)))
                return no_memory(b->err);
            s.size = (size_t)sprintf(text, "%s%s", prefix, name);
            s.bytes = text;
        }
        strings[to->count++] = s;
    }
    return RT_OK;
}

static rt_code copy_attrs(builder *b, const rt_node *from, uint32_t to)
{
    rt_attr *attrs = rt__arena_array(b->arena, from->n_attrs, sizeof *attrs);
    uint32_t count = 0;
    if (!attrs)
        return no_memory(b->err);
    for (uint32_t i = 0; i < from->n_attrs; i++) {
        const rt_attr *attr = &from->attrs[i];
        /* A note of TensorFlow's exporters, which importing takes away again. */
        if (strcmp(attr->name, "_output_shapes") == 0)
            continue;
        attrs[count] = *attr;
        if (strcmp(attr->name, "_class") == 0 && attr->kind == RT_ATTR_LIST_STRING) {
            rt_code code = move_class(b, attr, &attrs[count]);
            if (code != RT_OK)
                return code;
            if (attrs[count].count == 0)
                continue;
        }
        count++;
    }
    rt__graph_set_attrs(b->graph, to, attrs, count);
    return rt__attr_add_defaults(b->graph, to, b->err);
}

static rt_code copy_node(builder *b, uint32_t index)
{
    const rt_node *from = rt__graph_node(b->parts->graph, index);
    const char *name = scoped(b, index);
    rt_code code =
        name ? rt__graph_add(b->graph, name, from->op, &b->new_index[index], b->err) : no_memory(b->err);
    if (code != RT_OK)
        return code;
    rt__graph_set_device(b->graph, b->new_index[index], from->device);
    return copy_attrs(b, from, b->new_index[index]);
}

static rt_code copy_inputs(builder *b, uint32_t index)
{
    const rt_node *from = rt__graph_node(b->parts->graph, index);
    rt_edge *inputs;
    rt_code code;
    if (from->n_inputs == 0)
        return RT_OK;
    if (!(inputs = malloc(from->n_inputs * sizeof *inputs)))
        return no_memory(b->err);
    for (uint32_t i = 0; i < from->n_inputs; i++)
        inputs[i] = (rt_edge){b->new_index[from->inputs[i].node], from->inputs[i].output};
    code = rt__graph_set_inputs(b->graph, b->new_index[index], inputs, from->n_inputs, NULL, 0, b->err);
    free(inputs);
    return code;
}

/* retrain.py's order: the image, the module's variables, its other nodes. */
static rt_code copy_network(builder *b)
{
    const rt_classifier_parts *p = b->parts;
    uint32_t count = rt__graph_count(p->graph);
    rt_code code = copy_node(b, p->input.node);
    for (int variables = 1; variables >= 0; variables--)
        for (uint32_t i = 0; code == RT_OK && i < count; i++)
            if (i != p->input.node && p->is_variable[i] == (variables == 1))
                code = copy_node(b, i);
    for (uint32_t i = 0; code == RT_OK && i < count; i++)
        code = copy_inputs(b, i);
    return code;
}

/* ---- the trained layer ---- */

static rt_attr type_attr(const char *name)
{
    return (rt_attr){.name = name, .kind = RT_ATTR_TYPE, .value.type = RT_FLOAT};
}

/* Adds a node with inputs and attributes; *out is its output. */
static rt_code add(builder *b, const char *name, const char *op, const rt_edge *inputs, uint32_t n_inputs,
                   const rt_attr *attrs, size_t n_attrs, rt_edge *out)
{
    rt_code code = rt__graph_add(b->graph, name, op, &out->node, b->err);
    out->output = 0;
    if (code == RT_OK)
        code = rt__graph_set_inputs(b->graph, out->node, inputs, n_inputs, NULL, 0, b->err);
    for (size_t i = 0; code == RT_OK && i < n_attrs; i++)
        code = rt__graph_set_attr(b->graph, out->node, &attrs[i], b->err);
    return code == RT_OK ? rt__attr_add_defaults(b->graph, out->node, b->err) : code;
}

/* A trained variable, frozen, and the Identity that reads it. */
static rt_code add_variable(builder *b, const char *name, const char *read_name, const rt_string *place,
                            const rt_shape *shape, const float *values, rt_edge *read)
{
    const rt_attr attrs[2] = {
        type_attr("T"), {.name = "_class", .kind = RT_ATTR_LIST_STRING, .count = 1, .value.strings = place}};
    rt_tensor tensor = {.dtype = RT_FLOAT, .shape = *shape};
    rt_edge constant = {0, 0};
    size_t elements;
    rt_code code = rt__shape_elements(shape, &elements, b->err);
    if (code != RT_OK)
        return code;
    tensor.bytes = elements * sizeof *values;
    if (!(tensor.data = rt__arena_copy(b->arena, values, tensor.bytes)))
        return no_memory(b->err);
    code = rt__graph_add_const(b->graph, name, &tensor, &constant.node, b->err);
    return code == RT_OK ? add(b, read_name, "Identity", &constant, 1, attrs, 2, read) : code;
}

#define LAYER "final_retrain_ops/Wx_plus_b/"

/* FakeQuantWithMinMaxVars behind *edge; its range stands in two variables. */
static rt_code add_fake_quant(builder *b, const char *const names[5], float min, float max, bool narrow,
                              rt_edge *edge)
{
    const rt_shape scalar = {.rank = 0};
    const float range[2] = {min, max};
    const rt_attr attrs[2] = {{.name = "num_bits", .kind = RT_ATTR_INT, .value.i = 8},
                              {.name = "narrow_range", .kind = RT_ATTR_BOOL, .value.b = narrow}};
    rt_edge inputs[3] = {*edge, {0, 0}, {0, 0}};
    rt_code code = RT_OK;
    for (int i = 0; code == RT_OK && i < 2; i++) {
        rt_string *place = rt__arena_alloc(b->arena, sizeof *place);
        size_t size = strlen(names[i]) + sizeof "loc:@";
        char *text = rt__arena_alloc(b->arena, size);
        if (!place || !text)
            return no_memory(b->err);
        *place = (rt_string){text, (size_t)snprintf(text, size, "loc:@%s", names[i])};
        code = add_variable(b, names[i], names[2 + i], place, &scalar, &range[i], &inputs[1 + i]);
    }
    return code == RT_OK ? add(b, names[4], "FakeQuantWithMinMaxVars", inputs, 3, attrs, 2, edge) : code;
}

#define QUANT_NAMES(scope)                                                                        \
    {                                                                                             \
        LAYER scope "/min", LAYER scope "/max", LAYER scope "/min/read", LAYER scope "/max/read", \
            LAYER scope "/FakeQuantWithMinMaxVars"                                                \
    }

static rt_code quantise_weights(builder *b, rt_edge *weights)
{
    static const char *const names[5] = QUANT_NAMES("weights_quant");
    const rt_head_ranges *r = b->parts->ranges;
    return r ? add_fake_quant(b, names, r->weights_min, r->weights_max, true, weights) : RT_OK;
}

static rt_code quantise_features(builder *b, rt_edge *features)
{
    static const char *const names[5] = QUANT_NAMES("input_quant");
    const rt_head_ranges *r = b->parts->ranges;
    return r ? add_fake_quant(b, names, r->features_min, r->features_max, false, features) : RT_OK;
}

static rt_code quantise_logits(builder *b, rt_edge *logits)
{
    static const char *const names[5] = QUANT_NAMES("act_quant");
    const rt_head_ranges *r = b->parts->ranges;
    return r ? add_fake_quant(b, names, r->logits_min, r->logits_max, false, logits) : RT_OK;
}

static rt_code add_head(builder *b, rt_edge *result)
{
    static const char weights_class[] = "loc:@final_retrain_ops/weights/final_weights";
    static const char biases_class[] = "loc:@final_retrain_ops/biases/final_biases";
    static const rt_string weights_place = {weights_class, sizeof weights_class - 1};
    static const rt_string biases_place = {biases_class, sizeof biases_class - 1};
    const rt_classifier_parts *p = b->parts;
    const int64_t n = (int64_t)p->n_features, k = (int64_t)p->n_classes;
    const rt_shape weights = {.rank = 2, .dim = {n, k}}, biases = {.rank = 1, .dim = {k}};
    const rt_attr t = type_attr("T"), open[2] = {type_attr("dtype"),
                                                 {.name = "shape",
                                                  .kind = RT_ATTR_SHAPE,
                                                  .value.shape = {.rank = 2, .dim = {RT_UNKNOWN, n}}}};
    const rt_edge feature = {b->new_index[p->feature.node], p->feature.output};
    rt_edge product[2], sum[2], total;
    rt_code code = add(b, "input/BottleneckInputPlaceholder", "PlaceholderWithDefault", &feature, 1, open, 2,
                       &product[0]);
    if (code == RT_OK)
        code = add_variable(b, "final_retrain_ops/weights/final_weights",
                            "final_retrain_ops/weights/final_weights/read", &weights_place, &weights,
                            p->weights, &product[1]);
    if (code == RT_OK)
        code = add_variable(b, "final_retrain_ops/biases/final_biases",
                            "final_retrain_ops/biases/final_biases/read", &biases_place, &biases, p->biases,
                            &sum[1]);
    if (code == RT_OK)
        code = quantise_features(b, &product[0]);
    if (code == RT_OK)
        code = quantise_weights(b, &product[1]);
    if (code == RT_OK)
        code = add(b, LAYER "MatMul", "MatMul", product, 2, &t, 1, &sum[0]);
    if (code == RT_OK)
        code = add(b, LAYER "add", "AddV2", sum, 2, &t, 1, &total);
    if (code == RT_OK)
        code = quantise_logits(b, &total);
    return code == RT_OK ? add(b, p->final_tensor, "Softmax", &total, 1, &t, 1, result) : code;
}

/* ---- what the graph says of itself ---- */

static rt_code describe_input(builder *b, uint32_t node)
{
    static const float range[2] = {0, 1};
    const rt_classifier_parts *p = b->parts;
    const rt_attr attrs[] = {
        type_attr("dtype"),
        {.name = "shape",
         .kind = RT_ATTR_SHAPE,
         .value.shape = {.rank = 4, .dim = {RT_UNKNOWN, p->height, p->width, CHANNELS}}},
        {.name = "_retrain_height", .kind = RT_ATTR_INT, .value.i = p->height},
        {.name = "_retrain_width", .kind = RT_ATTR_INT, .value.i = p->width},
        {.name = "_retrain_range", .kind = RT_ATTR_LIST_FLOAT, .count = 2, .value.floats = range},
    };
    rt_code code = RT_OK;
    for (size_t i = 0; code == RT_OK && i < sizeof attrs / sizeof *attrs; i++)
        code = rt__graph_set_attr(b->graph, node, &attrs[i], b->err);
    return code;
}

static rt_code describe_output(builder *b, uint32_t node)
{
    const rt_classifier_parts *p = b->parts;
    size_t count = p->n_classes;
    rt_string *strings = rt__arena_array(b->arena, count, sizeof *strings);
    rt_attr attr = {
        .name = "_retrain_labels", .kind = RT_ATTR_LIST_STRING, .count = count, .value.strings = strings};
    if (!strings)
        return no_memory(b->err);
    for (size_t i = 0; i < count; i++) {
        strings[i] = (rt_string){rt__arena_string(b->arena, p->labels[i]), strlen(p->labels[i])};
        if (!strings[i].bytes)
            return no_memory(b->err);
    }
    return rt__graph_set_attr(b->graph, node, &attr, b->err);
}

rt_code rt__classifier_graph(const rt_classifier_parts *parts, rt_graph **graph, rt_error *err)
{
    builder b = {.parts = parts, .err = err};
    rt_edge result;
    rt_code code = check_parts(parts, err);
    if (code == RT_OK)
        code = rt__graph_derive(parts->graph, &b.graph, err);
    if (code != RT_OK)
        return code;
    b.arena = rt__graph_arena(b.graph);
    b.new_index = calloc((size_t)rt__graph_count(parts->graph) + 1, sizeof *b.new_index);
    code = b.new_index ? copy_network(&b) : no_memory(err);
    if (code == RT_OK)
        code = describe_input(&b, b.new_index[parts->input.node]);
    if (code == RT_OK)
        code = add_head(&b, &result);
    if (code == RT_OK)
        code = describe_output(&b, result.node);
    if (code == RT_OK && parts->ranges)
        code = rt__quantise_input(b.graph, b.new_index[parts->input.node], err);
    free(b.new_index);
    if (code == RT_OK) {
        *graph = b.graph;
    } else {
        rt_doing(err, NULL, "cannot put the retrained graph together");
        rt__graph_free(b.graph);
    }
    return code;
}
