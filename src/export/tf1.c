#include "tf1.h"

#include "shapes.h"
#include "tf1_model.h"

#include <string.h>

/* The Placeholder, told what the graph is told by retrain: see classifier.h. */
static void add_input(rt_tf1_build *t, rt_edge input, const rt_shape *shape)
{
    static const float range[2] = {0, 1};
    rt_graph_builder *b = &t->b;
    const rt_node *node = rt__graph_node(t->fused, input.node);
    uint32_t made = rt__builder_node(b, node->name, "Placeholder", NULL, 0);
    const rt_attr attrs[] = {
        {.name = "_retrain_height", .kind = RT_ATTR_INT, .value.i = shape->dim[1]},
        {.name = "_retrain_width", .kind = RT_ATTR_INT, .value.i = shape->dim[2]},
        {.name = "_retrain_range", .kind = RT_ATTR_LIST_FLOAT, .count = 2, .value.floats = range},
    };
    rt__builder_type(b, made, "dtype", RT_FLOAT);
    rt__builder_shape(
        b, made, "shape",
        &(rt_shape){.rank = 4, .dim = {RT_UNKNOWN, shape->dim[1], shape->dim[2], shape->dim[3]}});
    for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++)
        rt__builder_attr(b, made, &attrs[i]);
    t->made[input.node] = (rt_edge){made, 0};
}

static void describe_output(rt_tf1_build *t, rt_edge output)
{
    size_t n = t->options->n_labels;
    rt_string *strings = rt__builder_array(&t->b, n, sizeof *strings);
    const rt_attr attr = {
        .name = "_retrain_labels", .kind = RT_ATTR_LIST_STRING, .count = n, .value.strings = strings};
    for (size_t i = 0; strings && i < n; i++) {
        size_t length = strlen(t->options->labels[i]);
        char *copy = rt__builder_array(&t->b, length + 1, 1);
        if (!copy)
            return;
        memcpy(copy, t->options->labels[i], length);
        strings[i] = (rt_string){copy, length};
    }
    rt__builder_attr(&t->b, t->made[output.node].node, &attr);
}

static rt_code emit_all(rt_tf1_build *t, rt_edge input, rt_edge output, const rt_shape *shape)
{
    uint32_t count = rt__graph_count(t->fused);
    t->values = rt__builder_array(&t->b, count, sizeof *t->values);
    t->made = rt__builder_array(&t->b, count, sizeof *t->made);
    t->is_map = rt__builder_array(&t->b, count, sizeof *t->is_map);
    if (t->b.code == RT_OK)
        t->b.code = rt__fused_shapes(t->fused, input, shape, t->values, t->b.err);
    if (t->b.code == RT_OK)
        add_input(t, input, shape);
    for (uint32_t i = 0; t->b.code == RT_OK && i < count; i++)
        if (i != input.node && strcmp(rt__graph_node(t->fused, i)->op, "Const") != 0)
            t->b.code = rt__tf1_emit(t, i);
    if (t->b.code == RT_OK && t->options->labels)
        describe_output(t, output);
    return t->b.code;
}

rt_code rt__tf1_graph(rt_graph *fused, rt_edge input, rt_edge output, const rt_shape *input_shape,
                      const rt_tf1_options *options, rt_graph **graph, size_t *n_clipped, rt_error *err)
{
    rt_tf1_build t = {.fused = fused, .options = options, .b = {.err = err}};
    t.b.code = rt__graph_derive(fused, &t.b.graph, err);
    if (t.b.code != RT_OK)
        return t.b.code;
    if (emit_all(&t, input, output, input_shape) == RT_OK)
        *graph = t.b.graph;
    else
        rt__graph_free(t.b.graph);
    if (n_clipped)
        *n_clipped = t.n_clipped;
    return t.b.code;
}
