/* What the ONNX writer wrote is read back as the same network; damaged models are refused by name. */
#include "export/onnx.h"
#include "model/foreign.h"
#include "onnx.pb-c.h"
#include "support/read_back.h"
#include "support/starve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static rt_buffer write_network(const network *net, const rt_onnx_options *options)
{
    rt_buffer file = {0};
    rt_error err;
    if (rt__onnx_write(net->graph, net->input, net->output, &net->shape, CLASSES, options, &file, NULL,
                       &err) != RT_OK)
        fail_msg("%s", err.cause);
    return file;
}

static void every_opset_comes_back(void **state)
{
    const char *const metadata[] = {"labels", "a\nb\nc\nd\ne", "input", "red, green, blue in 0 .. 1"};
    (void)state;
    for (int opset = 9; opset <= 13; opset++) {
        const rt_onnx_options options = {
            .opset = opset, .dynamic_batch = opset % 2 != 0, .metadata = metadata, .n_metadata = 2};
        const rt_module_options all = {0};
        float wanted[CLASSES], got[CLASSES];
        rt_network read = {.kind = ""};
        rt_buffer labels = {0}, file;
        rt_error err;
        network net;
        small_network(&net);
        run_fused(net.graph, net.input, net.output, wanted);
        file = write_network(&net, &options);
        assert_true(rt__is_onnx(file.bytes, file.size));
        if (rt__onnx_read(file.bytes, file.size, &all, &read, &labels, &err) != RT_OK)
            fail_msg("%s", err.cause);
        assert_int_equal(read.height, 32);
        assert_int_equal(read.width, 48);
        assert_true(read.input_mean == 0 && read.input_std == 255);
        assert_string_equal(labels.bytes, "a\nb\nc\nd\ne\n");
        run_network(&read, got);
        for (int i = 0; i < CLASSES; i++)
            if (!(got[i] - wanted[i] < 1e-6f && wanted[i] - got[i] < 1e-6f))
                fail_msg("opset %d, class %d: %g, want %g", opset, i, (double)got[i], (double)wanted[i]);
        rt__network_clear(&read);
        rt__graph_free(net.graph);
        rt__buffer_clear(&labels);
        rt__buffer_clear(&file);
    }
}

/* ---- damaged models ---- */

static Onnx__Node *node_of(Onnx__Model *model, const char *op)
{
    for (size_t i = 0; i < model->graph->n_node; i++)
        if (strcmp(model->graph->node[i]->op_type, op) == 0)
            return model->graph->node[i];
    fail_msg("no %s", op);
    return NULL;
}

static void rename_text(char **text, const char *to)
{
    if (*text != (const char *)protobuf_c_empty_string)
        free(*text);
    *text = strdup(to);
}

static void unknown_op(Onnx__Model *model)
{
    rename_text(&node_of(model, "Softmax")->op_type, "Strange");
}

static void foreign_domain(Onnx__Model *model)
{
    rename_text(&node_of(model, "Softmax")->domain, "com.example");
}

static void circle(Onnx__Model *model)
{
    rename_text(&node_of(model, "Conv")->input[0], node_of(model, "Softmax")->output[0]);
}

static void nobody_makes_it(Onnx__Model *model)
{
    rename_text(&node_of(model, "Gemm")->input[0], "nowhere");
}

static void made_twice(Onnx__Model *model)
{
    rename_text(&node_of(model, "Gemm")->output[0], node_of(model, "Conv")->output[0]);
}

static void wrong_type(Onnx__Model *model)
{
    model->graph->initializer[0]->data_type = 8;
}

static void short_weights(Onnx__Model *model)
{
    model->graph->initializer[0]->dims[0]++;
}

static void elsewhere(Onnx__Model *model)
{
    model->graph->initializer[0]->data_location = 1;
}

static void far_stride(Onnx__Model *model)
{
    Onnx__Node *conv = node_of(model, "Conv");
    for (size_t i = 0; i < conv->n_attribute; i++)
        if (strcmp(conv->attribute[i]->name, "strides") == 0)
            conv->attribute[i]->ints[0] = 0;
}

static void many_groups(Onnx__Model *model)
{
    Onnx__Node *conv = node_of(model, "Conv");
    for (size_t i = 0; i < conv->n_attribute; i++)
        if (strcmp(conv->attribute[i]->name, "group") == 0)
            conv->attribute[i]->i = 3;
}

static void many_photos(Onnx__Model *model)
{
    model->graph->input[0]->type->tensor_type->shape->dim[0]->dim_value = 8;
}

static void no_image(Onnx__Model *model)
{
    model->graph->input[0]->type->tensor_type->shape->dim[1]->dim_value = 4;
}

static void old_opset(Onnx__Model *model)
{
    model->opset_import[0]->version = 3;
}

static void damage_is_named(void **state)
{
    static const struct {
        void (*damage)(Onnx__Model *model);
        rt_code code;
        const char *cause;
    } cases[] = {
        {unknown_op, RT_EUNSUPPORTED, "(Strange): this operator is not supported"},
        {foreign_domain, RT_EUNSUPPORTED, "(Softmax): an operator of 'com.example'"},
        {circle, RT_EFORMAT, "(Conv): reads 'output_0' before it is made"},
        {nobody_makes_it, RT_EFORMAT, "(Gemm): reads 'nowhere', which nothing makes"},
        {made_twice, RT_EFORMAT, "is made twice"},
        {wrong_type, RT_EUNSUPPORTED, "its type or rank is not one we read"},
        {short_weights, RT_EFORMAT, "its shape and the number of its values disagree"},
        {elsewhere, RT_EUNSUPPORTED, "its values are in another file"},
        {far_stride, RT_EFORMAT, "(Conv): strides 0 and 2"},
        {many_groups, RT_EFORMAT, "(Conv): 3 groups"},
        {many_photos, RT_EUNSUPPORTED, "'input_0' takes several photos at once"},
        {no_image, RT_EUNSUPPORTED, "'input_0' is no image"},
        {old_opset, RT_EUNSUPPORTED, "opset 3"},
    };
    const rt_module_options all = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        network net;
        rt_network read = {.kind = ""};
        rt_buffer labels = {0}, file;
        rt_error err = {0};
        Onnx__Model *model;
        uint8_t *bytes;
        size_t size;
        rt_code code;
        small_network(&net);
        file = write_network(&net, NULL);
        model = onnx__model__unpack(NULL, file.size, (const uint8_t *)file.bytes);
        assert_non_null(model);
        cases[i].damage(model);
        size = onnx__model__get_packed_size(model);
        bytes = malloc(size);
        assert_non_null(bytes);
        onnx__model__pack(model, bytes);
        code = rt__onnx_read(bytes, size, &all, &read, &labels, &err);
        if (code != cases[i].code || !strstr(err.cause, cases[i].cause))
            fail_msg("case %zu: code %d, '%s'", i, (int)code, err.cause);
        rt__network_clear(&read);
        free(bytes);
        onnx__model__free_unpacked(model, NULL);
        rt__graph_free(net.graph);
        rt__buffer_clear(&labels);
        rt__buffer_clear(&file);
    }
}

static void every_cut_is_refused(void **state)
{
    const rt_module_options all = {0};
    network net;
    rt_buffer file;
    (void)state;
    small_network(&net);
    file = write_network(&net, NULL);
    for (size_t size = 0; size < file.size; size++) {
        rt_network read = {.kind = ""};
        rt_buffer labels = {0};
        rt_error err = {0};
        uint8_t *bytes = malloc(size + 1); /* of its own, for the sanitizer */
        assert_non_null(bytes);
        memcpy(bytes, file.bytes, size);
        /* A cut between two fields at the end leaves a whole message. */
        if (rt__onnx_read(bytes, size, &all, &read, &labels, &err) != RT_OK)
            assert_true(*err.cause);
        rt__network_clear(&read);
        rt__buffer_clear(&labels);
        free(bytes);
    }
    rt__graph_free(net.graph);
    rt__buffer_clear(&file);
}

static rt_code read_file(void *file, rt_error *err)
{
    const rt_module_options all = {0};
    const rt_buffer *bytes = file;
    rt_network read = {.kind = ""};
    rt_buffer labels = {0};
    rt_code code = rt__onnx_read(bytes->bytes, bytes->size, &all, &read, &labels, err);
    rt__network_clear(&read);
    rt__buffer_clear(&labels);
    return code;
}

static void memory_may_run_out(void **state)
{
    network net;
    rt_buffer file;
    (void)state;
    small_network(&net);
    file = write_network(&net, NULL);
    assert_true(starve(read_file, &file) > 3);
    rt__graph_free(net.graph);
    rt__buffer_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_opset_comes_back),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
