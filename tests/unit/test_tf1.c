#include "export/tf1.h"
#include "support/fused_network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static const char *const labels[] = {"a", "b", "c", "d", "e"};

static rt_graph *make(const int64_t pads[4])
{
    const rt_tf1_options options = {.purpose = RT_TF1_UFF, .labels = labels, .n_labels = 5};
    network net;
    rt_graph *graph;
    rt_error err;
    network_build(&net, pads);
    if (rt__tf1_graph(net.graph, net.input, net.output, &net.shape, &options, &graph, NULL, &err) != RT_OK)
        fail_msg("%s", err.cause);
    rt__graph_free(net.graph); /* the new one holds on to what it needs */
    return graph;
}

static const rt_node *node(const rt_graph *graph, const char *name)
{
    uint32_t index = 0;
    if (!rt__graph_find(graph, name, &index))
        fail_msg("no node '%s'", name);
    return rt__graph_node(graph, index);
}

static const char *text(const rt_node *n, const char *attr)
{
    return rt__node_attr(n, attr)->value.s.bytes;
}

static void ops_are_those_of_tensorflow_1(void **state)
{
    static const int64_t same[] = {0, 1, 0, 1}; /* of 32 x 48 in steps of two */
    static const char *const ops[] = {
        "Placeholder",           "Mul",     "Add",   "Conv2D", "BiasAdd", "Relu6",   "Pad",
        "DepthwiseConv2dNative", "BiasAdd", "Relu6", "Mean",   "MatMul",  "BiasAdd", "Softmax"};
    rt_graph *graph = make(same);
    size_t seen = 0;
    (void)state;
    for (uint32_t i = 0; i < rt__graph_count(graph); i++) {
        const char *op = rt__graph_node(graph, i)->op;
        if (strcmp(op, "Const") == 0)
            continue;
        assert_true(seen < sizeof ops / sizeof *ops);
        assert_string_equal(op, ops[seen++]);
    }
    assert_int_equal(seen, sizeof ops / sizeof *ops);
    rt__graph_free(graph);
}

/* Converters look for weights right behind the op, and OpenCV for a padding word and a data_format. */
static void windows_are_spelled_as_tensorflow_does(void **state)
{
    static const int64_t same[] = {0, 1, 0, 1};
    rt_graph *graph = make(same);
    const rt_node *conv = node(graph, "conv/Conv2D");
    (void)state;
    assert_string_equal(text(conv, "padding"), "SAME");
    assert_string_equal(text(conv, "data_format"), "NHWC");
    assert_int_equal(rt__node_attr(conv, "strides")->count, 4);
    assert_int_equal(rt__node_attr(conv, "strides")->value.ints[1], 2);
    assert_null(rt__node_attr(conv, "dilations"));
    assert_null(rt__node_attr(conv, "explicit_paddings"));
    assert_string_equal(rt__graph_node(graph, conv->inputs[1].node)->op, "Const");
    assert_string_equal(rt__graph_node(graph, node(graph, "conv/BiasAdd")->inputs[1].node)->op, "Const");
    assert_string_equal(node(graph, "conv")->op, "Relu6");
    assert_string_equal(text(node(graph, "depthwise/DepthwiseConv2dNative"), "padding"), "VALID");
    rt__graph_free(graph);
}

static void pads_that_no_word_says_are_a_pad(void **state)
{
    static const int64_t pads[] = {0, 1, 2, 3};
    rt_graph *graph = make(pads);
    const rt_node *pad = node(graph, "conv/Pad"), *conv = node(graph, "conv/Conv2D");
    const rt_tensor *amounts = rt__graph_const(graph, pad->inputs[1]);
    (void)state;
    assert_string_equal(text(conv, "padding"), "VALID");
    assert_string_equal(rt__graph_node(graph, conv->inputs[0].node)->name, "conv/Pad");
    assert_int_equal(amounts->dtype, RT_INT32);
    assert_int_equal(amounts->shape.dim[0], 4);
    assert_memory_equal(amounts->data, ((int32_t[]){0, 0, 0, 1, 2, 3, 0, 0}), 32);
    rt__graph_free(graph);
}

static void the_graph_says_how_to_use_it(void **state)
{
    static const int64_t pads[] = {0, 1, 0, 1};
    rt_graph *graph = make(pads);
    const rt_node *input = node(graph, "Placeholder");
    const rt_attr *names = rt__node_attr(node(graph, "final_result"), "_retrain_labels");
    const rt_shape *shape = &rt__node_attr(input, "shape")->value.shape;
    (void)state;
    assert_true(rt__shape_equal(shape, &(rt_shape){.rank = 4, .dim = {RT_UNKNOWN, 32, 48, 3}}));
    assert_int_equal(rt__node_attr(input, "_retrain_height")->value.i, 32);
    assert_int_equal(rt__node_attr(input, "_retrain_width")->value.i, 48);
    assert_int_equal(names->count, 5);
    assert_string_equal(names->value.strings[4].bytes, "e");
    rt__graph_free(graph);
}

/* ---- what the small network does not have ---- */

typedef struct small {
    rt_graph *graph;
    rt_edge input, output;
    rt_shape shape;
} small;

static void begin(small *s)
{
    *s = (small){.shape = {.rank = 4, .dim = {1, 4, 4, 2}}};
    assert_int_equal(rt__graph_new(&s->graph, NULL), RT_OK);
    assert_int_equal(rt__graph_add(s->graph, "x", "Placeholder", &s->input.node, NULL), RT_OK);
}

static void then(small *s, const char *op, const rt_attr *attrs, size_t n)
{
    assert_int_equal(rt__graph_add(s->graph, "y", op, &s->output.node, NULL), RT_OK);
    assert_int_equal(rt__graph_set_inputs(s->graph, s->output.node, &s->input, 1, NULL, 0, NULL), RT_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(rt__graph_set_attr(s->graph, s->output.node, &attrs[i], NULL), RT_OK);
}

static rt_code finish(const small *s, rt_tf1_for purpose, rt_graph **graph, size_t *n_clipped, rt_error *err)
{
    const rt_tf1_options options = {.purpose = purpose};
    rt_code code = rt__tf1_graph(s->graph, s->input, s->output, &s->shape, &options, graph, n_clipped, err);
    rt__graph_free(s->graph);
    return code;
}

static const rt_attr quant[] = {
    {.name = "low", .kind = RT_ATTR_FLOAT, .value.f = -1},
    {.name = "high", .kind = RT_ATTR_FLOAT, .value.f = 1},
    {.name = "inverse", .kind = RT_ATTR_FLOAT, .value.f = 127},
    {.name = "divisor", .kind = RT_ATTR_FLOAT, .value.f = 1},
    {.name = "zero", .kind = RT_ATTR_FLOAT, .value.f = 127},
    {.name = "scale", .kind = RT_ATTR_FLOAT, .value.f = 1.0F / 127},
};

static void fake_quant_stays_for_converters_and_is_a_clip_for_uff(void **state)
{
    rt_graph *graph;
    size_t n_clipped;
    rt_error err;
    small s;
    (void)state;
    begin(&s);
    then(&s, "rt.FakeQuant", quant, 6);
    assert_int_equal(finish(&s, RT_TF1_PLAIN, &graph, &n_clipped, &err), RT_OK);
    assert_string_equal(node(graph, "y")->op, "FakeQuantWithMinMaxArgs");
    assert_int_equal(rt__node_attr(node(graph, "y"), "num_bits")->value.i, 8);
    assert_true(rt__node_attr(node(graph, "y"), "narrow_range")->value.b); /* 254 steps */
    assert_int_equal(n_clipped, 0);
    rt__graph_free(graph);
    begin(&s);
    then(&s, "rt.FakeQuant", quant, 6);
    assert_int_equal(finish(&s, RT_TF1_UFF, &graph, &n_clipped, &err), RT_OK);
    assert_string_equal(node(graph, "y")->op, "Maximum");
    assert_string_equal(node(graph, "y/Minimum")->op, "Minimum");
    assert_int_equal(n_clipped, 1);
    rt__graph_free(graph);
}

static void what_has_no_form_is_named(void **state)
{
    static const int64_t size[] = {3, 3}, step[] = {1, 1}, pads[] = {2, 0, 2, 0};
    const rt_attr attrs[] = {
        {.name = "kind", .kind = RT_ATTR_STRING, .value.s = {"max", 3}},
        {.name = "ksize", .kind = RT_ATTR_LIST_INT, .count = 2, .value.ints = size},
        {.name = "strides", .kind = RT_ATTR_LIST_INT, .count = 2, .value.ints = step},
        {.name = "pads", .kind = RT_ATTR_LIST_INT, .count = 4, .value.ints = pads},
    };
    rt_graph *graph;
    rt_error err;
    small s;
    (void)state;
    begin(&s);
    then(&s, "rt.Pool", attrs, 4);
    assert_int_equal(finish(&s, RT_TF1_UFF, &graph, NULL, &err), RT_EUNSUPPORTED);
    assert_string_equal(err.cause, "node 'y' (rt.Pool): its padding is neither SAME nor VALID");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ops_are_those_of_tensorflow_1),
        cmocka_unit_test(windows_are_spelled_as_tensorflow_does),
        cmocka_unit_test(pads_that_no_word_says_are_a_pad),
        cmocka_unit_test(the_graph_says_how_to_use_it),
        cmocka_unit_test(fake_quant_stays_for_converters_and_is_a_clip_for_uff),
        cmocka_unit_test(what_has_no_form_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
