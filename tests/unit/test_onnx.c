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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_what_old_parsers_take),
        cmocka_unit_test(a_number_that_is_0_is_written_too),
        cmocka_unit_test(weights_and_pads_are_turned),
        cmocka_unit_test(an_affine_of_the_input_joins_the_modules_own),
        cmocka_unit_test(newer_opsets_have_their_own_forms),
        cmocka_unit_test(what_has_no_onnx_form_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
