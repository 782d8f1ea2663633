#include "export/onnx.h"
#include "onnx.pb-c.h"
#include "support/fused_network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static const int64_t pads[] = {0, 1, 2, 3};

static Onnx__Model *write_and_read(const network *net, const rt_onnx_options *options)
{
    rt_buffer file = {0};
    rt_error err;
    Onnx__Model *model;
    if (rt__onnx_write(net->graph, net->input, net->output, &net->shape, 5, options, &file, NULL, &err) !=
        RT_OK)
        fail_msg("%s", err.cause);
    model = onnx__model__unpack(NULL, file.size, (const uint8_t *)file.bytes);
    assert_non_null(model);
    rt__buffer_clear(&file);
    return model;
}

static const Onnx__Attribute *attribute(const Onnx__Node *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(node->attribute[i]->name, name) == 0)
            return node->attribute[i];
    return NULL;
}

static const float *initializer(const Onnx__Model *model, const char *name)
{
    for (size_t i = 0; i < model->graph->n_initializer; i++)
        if (strcmp(model->graph->initializer[i]->name, name) == 0)
            return (const float *)(const void *)model->graph->initializer[i]->raw_data.data;
    return NULL;
}

static void the_default_is_what_old_parsers_take(void **state)
{
    static const char *const ops[] = {"BatchNormalization", "Conv",    "Clip", "Conv",   "Clip",
                                      "GlobalAveragePool",  "Flatten", "Gemm", "Softmax"};
    network net;
    Onnx__Model *model;
    (void)state;
    network_build(&net, pads);
    model = write_and_read(&net, NULL);
    assert_int_equal(model->ir_version, 3);
    assert_int_equal(model->opset_import[0]->version, 9);
    assert_int_equal(model->graph->n_node, sizeof ops / sizeof *ops);
    for (size_t i = 0; i < model->graph->n_node; i++)
        assert_string_equal(model->graph->node[i]->op_type, ops[i]);
    assert_int_equal(model->graph->n_input, model->graph->n_initializer + 1);
    for (size_t i = 0; i < model->graph->n_initializer; i++)
        assert_string_equal(model->graph->input[i + 1]->name, model->graph->initializer[i]->name);
    assert_string_equal(model->graph->input[0]->name, "input_0");
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(model->graph->input[0]->type->tensor_type->shape->dim[i]->dim_value,
                         ((int[]){1, 3, 32, 48})[i]);
    assert_string_equal(model->graph->output[0]->name, "output_0");
    assert_string_equal(model->graph->node[8]->output[0], "output_0");
    assert_int_equal(model->graph->output[0]->type->tensor_type->shape->dim[1]->dim_value, 5);
    onnx__model__free_unpacked(model, NULL);
    rt__graph_free(net.graph);
}

/* OpenCV asks which of the two numbers is there. */
static void a_number_that_is_0_is_written_too(void **state)
{
    network net;
    Onnx__Model *model;
    const Onnx__Attribute *epsilon;
    (void)state;
    network_build(&net, pads);
    model = write_and_read(&net, NULL);
    epsilon = attribute(model->graph->node[0], "epsilon");
    assert_int_equal(epsilon->number_case, ONNX__ATTRIBUTE__NUMBER_F);
    assert_true(epsilon->f == 0);
    onnx__model__free_unpacked(model, NULL);
    rt__graph_free(net.graph);
}

static void weights_and_pads_are_turned(void **state)
{
    network net;
    Onnx__Model *model;
    const float *w, *d;
    (void)state;
    network_build(&net, pads);
    model = write_and_read(&net, NULL);
    w = initializer(model, "conv/weights");
    d = initializer(model, "depthwise/weights");
    /* element (h,w,i,o) of [3,3,3,4] holds its own index */
    for (int h = 0; h < 3; h++)
        for (int v = 0; v < 3; v++)
            for (int i = 0; i < 3; i++)
                for (int o = 0; o < 4; o++)
                    assert_true(w[((o * 3 + i) * 3 + h) * 3 + v] == (float)(((h * 3 + v) * 3 + i) * 4 + o));
    for (int h = 0; h < 3; h++)
        for (int v = 0; v < 3; v++)
            for (int c = 0; c < 8; c++)
                assert_true(d[(c * 3 + h) * 3 + v] == (float)((h * 3 + v) * 8 + c));
    assert_int_equal(attribute(model->graph->node[3], "group")->i, 4);
    for (size_t i = 0; i < 4; i++) /* top 0, bottom 1, left 2, right 3 */
        assert_int_equal(attribute(model->graph->node[1], "pads")->ints[i], ((int[]){0, 2, 1, 3})[i]);
    assert_true(attribute(model->graph->node[2], "max")->f == 6);
    onnx__model__free_unpacked(model, NULL);
    rt__graph_free(net.graph);
}

static void an_affine_of_the_input_joins_the_modules_own(void **state)
{
    network net;
    Onnx__Model *model;
    const rt_onnx_options options = {.input_scale = {0.25f, 0.5f, 2}, .input_shift = {3, 4, 5}};
    const float *scale, *shift;
    (void)state;
    network_build(&net, pads); /* own affine: scale 0 1 2, shift 0 1 2 */
    model = write_and_read(&net, &options);
    assert_string_equal(model->graph->node[1]->op_type, "Conv"); /* still one BatchNormalization */
    scale = initializer(model, "affine/scale");
    shift = initializer(model, "affine/shift");
    assert_true(scale[0] == 0 && scale[1] == 0.5f && scale[2] == 4);
    assert_true(shift[0] == 0 && shift[1] == 5 && shift[2] == 12);
    onnx__model__free_unpacked(model, NULL);
    rt__graph_free(net.graph);
}

static void newer_opsets_have_their_own_forms(void **state)
{
    network net;
    Onnx__Model *model;
    (void)state;
    network_build(&net, pads);
    model = write_and_read(&net, &(rt_onnx_options){.opset = 13, .dynamic_batch = true, .input_name = "x"});
    assert_true(model->ir_version >= 4);
    assert_int_equal(model->graph->n_input, 1);
    assert_string_equal(model->graph->input[0]->type->tensor_type->shape->dim[0]->dim_param, "N");
    assert_int_equal(model->graph->node[2]->n_input, 3); /* Clip takes its bounds as inputs */
    assert_int_equal(model->graph->node[2]->n_attribute, 0);
    onnx__model__free_unpacked(model, NULL);
    rt__graph_free(net.graph);
}

static void what_has_no_onnx_form_is_named(void **state)
{
    network net;
    rt_buffer file = {0};
    rt_error err;
    (void)state;
    network_build(&net, pads);
    rt__graph_set_op(net.graph, net.output.node, "rt.Strange");
    assert_int_equal(rt__onnx_write(net.graph, net.input, net.output, &net.shape, 5, NULL, &file, NULL, &err),
                     RT_EUNSUPPORTED);
    assert_non_null(strstr(err.cause, "node 'final_result' (rt.Strange)"));
    assert_int_equal(rt__onnx_write(net.graph, net.input, net.output, &net.shape, 5,
                                    &(rt_onnx_options){.opset = 8}, &file, NULL, &err),
                     RT_EARG);
    assert_int_equal(file.size, 0);
    rt__graph_free(net.graph);
}

/* ---- what cannot be said ---- */

typedef struct refusals {
    size_t n;
    char last[300];
} refusals;

static void count_refusal(void *user, const char *cause)
{
    refusals *r = user;
    r->n++;
    snprintf(r->last, sizeof r->last, "%s", cause);
}

static rt_edge add_node(network *net, const char *name, const char *op, rt_edge input, const rt_attr *attrs,
                        size_t n)
{
    rt_edge node = {0, 0};
    assert_int_equal(rt__graph_add(net->graph, name, op, &node.node, NULL), RT_OK);
    assert_int_equal(rt__graph_set_inputs(net->graph, node.node, &input, 1, NULL, 0, NULL), RT_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(rt__graph_set_attr(net->graph, node.node, &attrs[i], NULL), RT_OK);
    return node;
}

/* Placeholder, then zeros round the image, twice. */
static void unsayable(network *net)
{
    static const int64_t around[] = {1, 1, 1, 1};
    const rt_attr attr = {.name = "pads", .kind = RT_ATTR_LIST_INT, .count = 4, .value.ints = around};
    *net = (network){.shape = {.rank = 4, .dim = {1, 4, 4, 3}}};
    assert_int_equal(rt__graph_new(&net->graph, NULL), RT_OK);
    assert_int_equal(rt__graph_add(net->graph, "x", "Placeholder", &net->input.node, NULL), RT_OK);
    net->output =
        add_node(net, "warp", "rt.Pad", add_node(net, "blur", "rt.Pad", net->input, &attr, 1), &attr, 1);
}

/* Placeholder, relu, one zero round it, a max pool of 3 in steps of 2. */
static void zeros_before_a_max_pool_are_the_pools_own(void **state)
{
    static const int64_t around[] = {1, 1, 1, 1}, none[] = {0, 0, 0, 0}, three[] = {3, 3}, two[] = {2, 2};
    const rt_attr relu = {.name = "activation", .kind = RT_ATTR_STRING, .value.s = {"relu", 4}};
    const rt_attr pad = {.name = "pads", .kind = RT_ATTR_LIST_INT, .count = 4, .value.ints = around};
    const rt_attr pool[] = {
        {.name = "kind", .kind = RT_ATTR_STRING, .value.s = {"max", 3}},
        {.name = "ksize", .kind = RT_ATTR_LIST_INT, .count = 2, .value.ints = three},
        {.name = "strides", .kind = RT_ATTR_LIST_INT, .count = 2, .value.ints = two},
        {.name = "pads", .kind = RT_ATTR_LIST_INT, .count = 4, .value.ints = none},
    };
    network net = {.shape = {.rank = 4, .dim = {1, 8, 8, 3}}};
    rt_edge x;
    Onnx__Model *model;
    (void)state;
    assert_int_equal(rt__graph_new(&net.graph, NULL), RT_OK);
    assert_int_equal(rt__graph_add(net.graph, "x", "Placeholder", &net.input.node, NULL), RT_OK);
    x = add_node(&net, "r", "rt.Activation", net.input, &relu, 1);
    x = add_node(&net, "p", "rt.Pad", x, &pad, 1);
    net.output = add_node(&net, "m", "rt.Pool", x, pool, 4);
    model = write_and_read(&net, NULL);
    assert_int_equal(model->graph->n_node, 2);
    assert_string_equal(model->graph->node[1]->op_type, "MaxPool");
    for (int i = 0; i < 4; i++)
        assert_int_equal(attribute(model->graph->node[1], "pads")->ints[i], 1);
    onnx__model__free_unpacked(model, NULL);
    rt__graph_free(net.graph);
}

static void every_node_without_a_form_is_named(void **state)
{
    refusals told = {0};
    const rt_onnx_options options = {.refused = count_refusal, .refused_user = &told};
    rt_buffer file = {0};
    rt_error err;
    network net;
    (void)state;
    unsayable(&net);
    assert_int_equal(
        rt__onnx_write(net.graph, net.input, net.output, &net.shape, 5, &options, &file, NULL, &err),
        RT_EUNSUPPORTED);
    assert_int_equal(told.n, 2);
    assert_non_null(strstr(told.last, "node 'warp' (rt.Pad)"));
    assert_string_equal(err.cause, "2 nodes of the network cannot be said in ONNX");
    assert_int_equal(file.size, 0);
    assert_int_equal(rt__onnx_write(net.graph, net.input, net.output, &net.shape, 5, NULL, &file, NULL, &err),
                     RT_EUNSUPPORTED);
    assert_non_null(strstr(err.cause, "node 'blur' (rt.Pad)"));
    assert_int_equal(file.size, 0);
    rt__graph_free(net.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_what_old_parsers_take),
        cmocka_unit_test(a_number_that_is_0_is_written_too),
        cmocka_unit_test(every_node_without_a_form_is_named),
        cmocka_unit_test(zeros_before_a_max_pool_are_the_pools_own),
        cmocka_unit_test(weights_and_pads_are_turned),
        cmocka_unit_test(an_affine_of_the_input_joins_the_modules_own),
        cmocka_unit_test(newer_opsets_have_their_own_forms),
        cmocka_unit_test(what_has_no_onnx_form_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
