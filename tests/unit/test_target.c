#include "export/onnx.h"
#include "export/target.h"
#include "export/tf1.h"
#include "export/tflite.h"
#include "support/fused_network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static const int64_t pads[] = {0, 1, 0, 1};

static bool takes(const char *target, const char *op)
{
    const rt_target *t = rt__target_find(target);
    assert_non_null(t);
    return rt__target_takes_onnx(t->column, op);
}

static void every_target_is_found_by_its_name(void **state)
{
    size_t n;
    const rt_target *targets = rt__targets(&n);
    (void)state;
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(rt__target_find(targets[i].name), &targets[i]);
        assert_true(strlen(targets[i].source) > 20);
    }
    assert_null(rt__target_find("tensorrt-3"));
    assert_null(rt__target_find(""));
}

/* What operators.md of each version says, where versions differ. */
static void tables_say_what_their_sources_say(void **state)
{
    (void)state;
    assert_true(takes("tensorrt-5.1", "Conv") && takes("tensorrt-10", "Conv"));
    assert_true(takes("tensorrt-5.1", "Tanh") && !takes("tensorrt-5.0", "Tanh"));
    assert_true(takes("tensorrt-6", "Resize") && !takes("tensorrt-5.1", "Resize"));
    assert_true(takes("tensorrt-7", "Tile") && !takes("tensorrt-6", "Tile"));
    assert_true(takes("tensorrt-6", "Dropout") && !takes("tensorrt-7", "Dropout"));
    assert_true(takes("tensorrt-8.0", "Celu") && !takes("tensorrt-7", "Celu"));
    assert_true(takes("tensorrt-8.2", "Einsum") && !takes("tensorrt-8.0", "Einsum"));
    assert_true(takes("tensorrt-8.4", "Dropout") && !takes("tensorrt-8.4", "HardSwish"));
    assert_true(takes("tensorrt-8.5", "HardSwish") && !takes("tensorrt-8.5", "Hardmax"));
    assert_true(takes("tensorrt-10", "Hardmax") && !takes("tensorrt-10", "NonZeroes"));
    assert_true(takes("opencv-onnx", "Gemm") && !takes("opencv-onnx", "Loop"));
}

static void the_common_list_is_taken_by_all(void **state)
{
    static const char *const ops[] = {"Conv",
                                      "BatchNormalization",
                                      "Relu",
                                      "Clip",
                                      "MaxPool",
                                      "AveragePool",
                                      "GlobalAveragePool",
                                      "Concat",
                                      "Add",
                                      "Flatten",
                                      "Gemm",
                                      "Softmax",
                                      "Sigmoid",
                                      "Mul",
                                      "LeakyRelu"};
    size_t n;
    const rt_target *targets = rt__targets(&n);
    (void)state;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof ops / sizeof *ops && targets[i].form == RT_FORM_ONNX; k++)
            if (!rt__target_takes_onnx(targets[i].column, ops[k]))
                fail_msg("%s: %s", targets[i].name, ops[k]);
}

static void rows_of_operators_are_in_order(void **state)
{
    const char *since;
    (void)state;
    assert_string_equal(rt__target_tflite_op(0, 1, &since), "ADD");
    assert_string_equal(rt__target_tflite_op(117, 1, &since), "HARD_SWISH");
    assert_string_equal(rt__target_tflite_op(3, 5, &since), "CONV_2D");
    assert_memory_equal(since, "2.4 ", 4);
    assert_null(rt__target_tflite_op(32, 1, &since)); /* CUSTOM */
    assert_null(rt__target_tflite_op(100000, 1, &since));
    rt__target_tflite_op(3, 99, &since);
    assert_string_equal(since, "");
}

/* ---- files ---- */

static void check(rt_target_form form, const char *name, const void *bytes, size_t size,
                  rt_target_report *report)
{
    const rt_target *target = rt__target_find(name);
    rt_error err;
    rt_code code;
    assert_int_equal(rt__target_report_init(report, &err), RT_OK);
    code = form == RT_FORM_ONNX ? rt__target_check_onnx(target, bytes, size, report, &err)
                                : rt__target_check_tflite(target, bytes, size, report, &err);
    if (code != RT_OK)
        fail_msg("%s: %s", name, err.cause);
}

static void onnx_file(const rt_onnx_options *options, rt_buffer *file)
{
    network net;
    rt_error err;
    network_build(&net, pads);
    if (rt__onnx_write(net.graph, net.input, net.output, &net.shape, 5, options, file, NULL, &err) != RT_OK)
        fail_msg("%s", err.cause);
    rt__graph_free(net.graph);
}

static void what_we_write_is_taken_by_every_parser(void **state)
{
    rt_buffer file = {0};
    size_t n;
    const rt_target *targets = rt__targets(&n);
    (void)state;
    onnx_file(NULL, &file);
    for (size_t i = 0; i < n; i++) {
        rt_target_report report;
        if (targets[i].form != RT_FORM_ONNX)
            continue;
        check(RT_FORM_ONNX, targets[i].name, file.bytes, file.size, &report);
        assert_int_equal(report.n, 0);
        assert_int_equal(report.n_nodes, 9);
        rt__target_report_clear(&report);
    }
    rt__buffer_clear(&file);
}

static void a_newer_file_is_refused_by_older_parsers(void **state)
{
    const rt_onnx_options options = {.opset = 13, .dynamic_batch = true};
    rt_buffer file = {0};
    rt_target_report report;
    (void)state;
    onnx_file(&options, &file);
    check(RT_FORM_ONNX, "tensorrt-5.1", file.bytes, file.size, &report);
    assert_int_equal(report.n, 3); /* operator set, initializers, batch */
    assert_string_equal(report.problems[0].reason, "operator set 13, and it takes 7 to 9");
    assert_string_equal(report.problems[2].node, "input_0");
    rt__target_report_clear(&report);
    check(RT_FORM_ONNX, "tensorrt-8.2", file.bytes, file.size, &report);
    assert_int_equal(report.n, 0);
    rt__target_report_clear(&report);
    rt__buffer_clear(&file);
}

static void a_file_of_another_kind_is_refused(void **state)
{
    static const char text[] = "These are no weights.";
    rt_target_report report;
    rt_error err;
    (void)state;
    assert_int_equal(rt__target_report_init(&report, &err), RT_OK);
    assert_int_equal(rt__target_check_onnx(rt__target_find("tensorrt-6"), text, sizeof text, &report, &err),
                     RT_EFORMAT);
    assert_int_equal(rt__target_check_onnx(rt__target_find("tensorrt-6"), text, 0, &report, &err),
                     RT_EFORMAT);
    assert_int_equal(rt__target_check_tflite(rt__target_find("tflite"), text, sizeof text, &report, &err),
                     RT_EFORMAT);
    rt__target_report_clear(&report);
}

static void tflite_file(rt_buffer *file)
{
    const rt_tflite_options options = {0};
    network net;
    rt_error err;
    network_build(&net, pads);
    if (rt__tflite_write(net.graph, net.input, net.output, &net.shape, &options, file, &err) != RT_OK)
        fail_msg("%s", err.cause);
    rt__graph_free(net.graph);
}

static void tensorflow_lite_says_which_runtime_it_needs(void **state)
{
    rt_buffer file = {0};
    rt_target_report report;
    (void)state;
    tflite_file(&file);
    check(RT_FORM_TFLITE, "tflite", file.bytes, file.size, &report);
    assert_int_equal(report.n, 0);
    assert_true(report.n_nodes >= 7);
    assert_string_equal(report.needs, "1.6"); /* MEAN */
    rt__target_report_clear(&report);
    rt__buffer_clear(&file);
}

/* Nothing is read outside the file, however it is cut; sanitizers watch. */
static void a_cut_tensorflow_lite_file_is_read_or_refused(void **state)
{
    rt_buffer file = {0};
    rt_error err;
    (void)state;
    tflite_file(&file);
    for (size_t size = 0; size < file.size; size += size < 2000 ? 1 : 97) {
        char *cut = malloc(size + 1);
        rt_target_report report;
        rt_code code;
        memcpy(cut, file.bytes, size);
        assert_int_equal(rt__target_report_init(&report, &err), RT_OK);
        code = rt__target_check_tflite(rt__target_find("tflite"), cut, size, &report, &err);
        assert_true(code == RT_OK || code == RT_EFORMAT);
        rt__target_report_clear(&report);
        free(cut);
    }
    rt__buffer_clear(&file);
}

/* ---- graphs ---- */

static rt_graph *graph_for_uff(const int64_t paddings[4])
{
    const rt_tf1_options options = {.purpose = RT_TF1_UFF};
    network net;
    rt_graph *graph;
    rt_error err;
    network_build(&net, paddings);
    if (rt__tf1_graph(net.graph, net.input, net.output, &net.shape, &options, &graph, NULL, &err) != RT_OK)
        fail_msg("%s", err.cause);
    rt__graph_free(net.graph);
    return graph;
}

static void check_graph(const char *target, const rt_graph *graph, const bool *needed,
                        rt_target_report *report)
{
    rt_error err;
    assert_int_equal(rt__target_report_init(report, &err), RT_OK);
    assert_int_equal(rt__target_check_graph(rt__target_find(target), graph, needed, report, &err), RT_OK);
}

static void a_graph_for_uff_is_taken_by_uff_and_opencv(void **state)
{
    static const int64_t even[] = {1, 1, 1, 1}, uneven[] = {1, 0, 1, 0};
    rt_target_report report;
    rt_graph *graph = graph_for_uff(even);
    (void)state;
    check_graph("uff", graph, NULL, &report);
    assert_int_equal(report.n, 0);
    assert_true(report.n_nodes > 14);
    rt__target_report_clear(&report);
    check_graph("opencv-tf", graph, NULL, &report);
    assert_int_equal(report.n, 0);
    rt__target_report_clear(&report);
    rt__graph_free(graph);
    graph = graph_for_uff(uneven);
    check_graph("uff", graph, NULL, &report);
    assert_int_equal(report.n, 2);
    assert_string_equal(report.problems[0].node, "conv/Pad");
    assert_string_equal(report.problems[0].op, "Pad");
    rt__target_report_clear(&report);
    rt__graph_free(graph);
}

static void a_node_that_is_not_taken_is_named_if_it_counts(void **state)
{
    rt_graph *graph;
    rt_target_report report;
    const bool needed[] = {true, false};
    uint32_t node;
    (void)state;
    assert_int_equal(rt__graph_new(&graph, NULL), RT_OK);
    assert_int_equal(rt__graph_add(graph, "x", "Placeholder", &node, NULL), RT_OK);
    assert_int_equal(rt__graph_add(graph, "sum", "AddV2", &node, NULL), RT_OK);
    check_graph("uff", graph, NULL, &report);
    assert_int_equal(report.n, 1);
    assert_string_equal(report.problems[0].node, "sum");
    assert_string_equal(report.problems[0].op, "AddV2");
    assert_non_null(strstr(report.problems[0].remedy, "--for uff"));
    rt__target_report_clear(&report);
    check_graph("uff", graph, needed, &report);
    assert_int_equal(report.n, 0);
    assert_int_equal(report.n_nodes, 1);
    rt__target_report_clear(&report);
    rt__graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_target_is_found_by_its_name),
        cmocka_unit_test(tables_say_what_their_sources_say),
        cmocka_unit_test(the_common_list_is_taken_by_all),
        cmocka_unit_test(rows_of_operators_are_in_order),
        cmocka_unit_test(what_we_write_is_taken_by_every_parser),
        cmocka_unit_test(a_newer_file_is_refused_by_older_parsers),
        cmocka_unit_test(a_file_of_another_kind_is_refused),
        cmocka_unit_test(tensorflow_lite_says_which_runtime_it_needs),
        cmocka_unit_test(a_cut_tensorflow_lite_file_is_read_or_refused),
        cmocka_unit_test(a_graph_for_uff_is_taken_by_uff_and_opencv),
        cmocka_unit_test(a_node_that_is_not_taken_is_named_if_it_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
