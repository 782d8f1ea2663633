/* Modules and graphs as they should not be: each is refused with a message that names what is wrong. */
#include "base/file.h"
#include "export/graphdef_write.h"
#include "model/bundle.h"
#include "model/graphdef.h"
#include "model/module.h"
#include "support/tiny_module.h"
#include "support/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

enum { PATH = 600 };

static int new_tree(void **state)
{
    *state = tree_new();
    return 0;
}

static int remove_tree(void **state)
{
    tree_remove(*state);
    return 0;
}

/* The module must be refused with that code, and its one-line message must hold the words. */
static void refused(const char *path, const rt_module_options *options, rt_code code, const char *words)
{
    rt_module *module = NULL;
    rt_error err;
    char text[1200];
    rt_code got = rt_module_open(path, options, &module, &err);
    if (got != code)
        fail_msg("code %d instead of %d: %s", got, code, got ? rt_error_text(&err, text, sizeof text) : "");
    if (!strstr(rt_error_text(&err, text, sizeof text), words))
        fail_msg("'%s' is not in: %s", words, text);
    assert_null(strchr(text, '\n'));
    assert_null(module);
}

static rt_module *opened(const char *path, const rt_module_options *options)
{
    rt_module *module;
    rt_error err;
    char text[1200];
    if (rt_module_open(path, options, &module, &err) != RT_OK)
        fail_msg("%s", rt_error_text(&err, text, sizeof text));
    return module;
}

static void write_graph(const char *tree, const char *name, const rt_graph *graph)
{
    rt_buffer bytes = {0};
    assert_int_equal(rt__graphdef_write(graph, RT_GRAPH_PRODUCER, &bytes, NULL), RT_OK);
    tree_file(tree, name, bytes.bytes, bytes.size);
    rt__buffer_clear(&bytes);
}

/* Writes the graph as x.pb, frees it, and has it refused. */
static void graph_refused(const char *tree, rt_graph *graph, const rt_module_options *options, rt_code code,
                          const char *words)
{
    char path[PATH];
    write_graph(tree, "x.pb", graph);
    rt__graph_free(graph);
    refused(tree_path(path, sizeof path, tree, "x.pb"), options, code, words);
}

/* The tiny network with constants and a classifier behind it. */
static rt_graph *classifier_graph(void)
{
    rt_graph *graph = tiny_graph(false);
    rt_edge in[2] = {{0, 0}, {tiny_const(graph, "head/weights", 2, (int64_t[]){TINY_FEATURES, 2}), 0}};
    assert_true(rt__graph_find(graph, "net/features", &in[0].node));
    in[0].node = tiny_node(graph, "head/MatMul", "MatMul", in, 2);
    tiny_type(graph, in[0].node, "T", RT_FLOAT);
    tiny_type(graph, tiny_node(graph, "result", "Softmax", in, 1), "T", RT_FLOAT);
    return graph;
}

/* ---- hub modules ---- */

static void a_module_opens(void **state)
{
    rt_module *module;
    uint32_t weights;
    tiny_module_write(*state, NULL, &(tiny_options){.no_signature = false});
    module = opened(*state, NULL);
    assert_int_equal(module->info.height, TINY_HEIGHT);
    assert_int_equal(module->info.width, TINY_WIDTH);
    assert_int_equal(module->info.feature_size, TINY_FEATURES);
    assert_int_equal(module->info.weight_count, 15);
    assert_true(rt__graph_find(module->graph, "net/weights", &weights));
    assert_true(module->is_variable[weights]);
    assert_string_equal(rt__graph_node(module->graph, weights)->op, "Const");
    assert_true(rt__graph_find(module->graph, "net/Conv2D/ReadVariableOp", &weights));
    assert_string_equal(rt__graph_node(module->graph, weights)->op, "Identity");
    rt_module_close(module);
    rt_module_close(NULL);
}

static void the_input_says_its_size_without_an_attachment(void **state)
{
    rt_module *module;
    tiny_module_write(*state, NULL, &(tiny_options){.no_image_info = true});
    module = opened(*state, NULL);
    assert_int_equal(module->info.height, TINY_HEIGHT);
    assert_int_equal(module->info.width, TINY_WIDTH);
    rt_module_close(module);
}

/* A detector, say, has no output with features: the module is cut like any graph. */
static void a_module_without_a_feature_signature_is_cut_behind_its_backbone(void **state)
{
    rt_module *module;
    tiny_module_write(*state, NULL, &(tiny_options){.no_signature = true});
    module = opened(*state, NULL);
    assert_int_equal(module->info.feature_size, TINY_FEATURES);
    assert_int_equal(module->info.height, TINY_HEIGHT);
    assert_non_null(strstr(module->info.notice, "the backbone's widest map"));
    rt_module_close(module);
}

static void modules_that_lack_something_are_refused(void **state)
{
    static const char *const train[] = {"train"};
    char path[PATH];
    refused(*state, NULL, RT_ENOTFOUND, "no model in this folder");
    tiny_module_write(*state, NULL, &(tiny_options){.tags = train, .n_tags = 1});
    refused(*state, NULL, RT_ENOTFOUND, "{train}");
    tiny_module_write(*state, NULL, &(tiny_options){.variable = "other/weights"});
    refused(*state, NULL, RT_EFORMAT, "'net/weights'");
    tiny_module_write(*state, NULL, &(tiny_options){.variable_type = RT_INT32});
    refused(*state, NULL, RT_EFORMAT, "float in the graph and int32 in the checkpoint");
    tree_text(*state, "tfhub_module.pb", "\x08\x07");
    refused(*state, NULL, RT_EUNSUPPORTED, "module format 7");
    tree_text(*state, "tfhub_module.pb", "\x08\x03");
    assert_int_equal(remove(tree_path(path, sizeof path, *state, "saved_model.pb")), 0);
    refused(*state, NULL, RT_ENOTFOUND, "saved_model.pb");
}

static void a_graph_of_another_shape_than_its_checkpoint_is_refused(void **state)
{
    rt_graph *graph = tiny_graph(true);
    uint32_t handle;
    assert_true(rt__graph_find(graph, "net/weights", &handle));
    tiny_shape(graph, handle, "shape", 4, (int64_t[]){1, 1, 3, 6});
    tiny_module_write(*state, graph, &(tiny_options){.no_signature = false});
    rt__graph_free(graph);
    refused(*state, NULL, RT_EFORMAT, "[1,1,3,6] in the graph and [1,1,3,5] in the checkpoint");
}

static void read_file(const char *tree, const char *name, rt_buffer *bytes)
{
    char path[PATH];
    assert_int_equal(rt__file_read(bytes, tree_path(path, sizeof path, tree, name), 0, NULL, NULL), RT_OK);
}

/* Puts the file there with one byte turned over. */
static void damage(const char *tree, const char *name, const rt_buffer *bytes, size_t at)
{
    bytes->bytes[at] ^= 0x40;
    tree_file(tree, name, bytes->bytes, bytes->size);
    bytes->bytes[at] ^= 0x40;
}

static void damaged_data_is_refused(void **state)
{
    static const char data[] = "variables/variables.data-00000-of-00001";
    rt_buffer bytes = {0};
    char path[PATH];
    tiny_module_write(*state, NULL, &(tiny_options){.no_signature = false});
    read_file(*state, data, &bytes);
    tree_file(*state, data, bytes.bytes, 40);
    refused(*state, NULL, RT_EFORMAT,
            "variables.data-00000-of-00001 @40: variable 'net/weights' wants 60 bytes");
    damage(*state, data, &bytes, 7);
    refused(*state, NULL, RT_EFORMAT, "the checksum of variable 'net/weights' is wrong");
    assert_int_equal(remove(tree_path(path, sizeof path, *state, data)), 0);
    refused(*state, NULL, RT_ENOTFOUND, data);
    rt__buffer_clear(&bytes);
}

static void a_damaged_index_is_refused(void **state)
{
    static const char index[] = "variables/variables.index";
    rt_buffer bytes = {0};
    char path[PATH];
    tiny_module_write(*state, NULL, &(tiny_options){.no_signature = false});
    read_file(*state, index, &bytes);
    for (size_t at = 0; at < 60; at++) {
        damage(*state, index, &bytes, at);
        refused(*state, NULL, RT_EFORMAT, index);
    }
    for (size_t size = 0; size < bytes.size; size += 9) {
        tree_file(*state, index, bytes.bytes, size);
        refused(*state, NULL, RT_EFORMAT, index);
    }
    assert_int_equal(remove(tree_path(path, sizeof path, *state, index)), 0);
    refused(*state, NULL, RT_ENOTFOUND, index);
    rt__buffer_clear(&bytes);
}

static void a_module_whose_graph_is_cut_off_is_refused(void **state)
{
    rt_buffer bytes = {0};
    tiny_module_write(*state, NULL, &(tiny_options){.no_signature = false});
    read_file(*state, "saved_model.pb", &bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        tree_file(*state, "saved_model.pb", bytes.bytes, size);
        refused(*state, NULL, RT_EFORMAT, "saved_model.pb");
    }
    rt__buffer_clear(&bytes);
}

/* ---- bare graphs ---- */

static void a_bare_graph_opens(void **state)
{
    rt_graph *graph = classifier_graph();
    rt_module *module;
    char path[PATH];
    write_graph(*state, "x.pb", graph);
    rt__graph_free(graph);
    module = opened(tree_path(path, sizeof path, *state, "x.pb"), NULL);
    assert_string_equal(module->info.feature, "net/features:0");
    assert_int_equal(module->info.feature_size, TINY_FEATURES);
    assert_true(module->info.input_mean == 127.5f && module->info.input_std == 127.5f);
    assert_non_null(strstr(module->info.notice, "head/MatMul"));
    rt_module_close(module);
}

static void what_cannot_be_cut_is_refused(void **state)
{
    rt_graph *graph;
    uint32_t node;
    graph = tiny_graph(false);
    assert_true(rt__graph_find(graph, "net/Conv2D", &node));
    rt__graph_set_op(graph, node, "Bewilder");
    graph_refused(*state, graph, NULL, RT_EUNSUPPORTED, "--bottleneck_tensor");
    graph_refused(*state, classifier_graph(), &(rt_module_options){.bottleneck_tensor = "net/feature"},
                  RT_ENOTFOUND, "net/features");
    graph_refused(*state, classifier_graph(), &(rt_module_options){.input_tensor = "image"}, RT_ENOTFOUND,
                  "--input_tensor");
    graph_refused(*state, classifier_graph(),
                  &(rt_module_options){.input_tensor = "head/weights", .input_height = 1, .input_width = 1},
                  RT_EUNSUPPORTED, "does not depend");
    graph = classifier_graph();
    assert_true(rt__graph_find(graph, "images", &node));
    tiny_type(graph, node, "dtype", RT_UINT8);
    graph_refused(*state, graph, NULL, RT_EUNSUPPORTED, "'images' (uint8)");
    graph = classifier_graph();
    assert_true(rt__graph_find(graph, "images", &node));
    tiny_shape(graph, node, "shape", RT_UNKNOWN, NULL);
    graph_refused(*state, graph, NULL, RT_EUNSUPPORTED, "--input_size");
    graph = classifier_graph();
    assert_true(rt__graph_find(graph, "net/Relu", &node));
    rt__graph_set_op(graph, node, "Bewilder");
    graph_refused(*state, graph, NULL, RT_EUNSUPPORTED, "'net/Relu' (Bewilder)");
}

static void variables_without_a_checkpoint_are_refused(void **state)
{
    graph_refused(*state, tiny_graph(true), &(rt_module_options){.bottleneck_tensor = "net/features"},
                  RT_EUNSUPPORTED, "'net/weights' is a variable (VarHandleOp)");
}

static void broken_wiring_is_refused(void **state)
{
    rt_graph *graph = classifier_graph();
    rt_edge in[2];
    uint32_t relu, conv;
    char path[PATH];
    assert_true(rt__graph_find(graph, "net/Relu", &relu));
    assert_true(rt__graph_find(graph, "net/Conv2D", &conv));
    in[0] = (rt_edge){relu, 0};
    in[1] = rt__graph_node(graph, conv)->inputs[1];
    assert_int_equal(rt__graph_set_inputs(graph, conv, in, 2, NULL, 0, NULL), RT_OK);
    graph_refused(*state, graph, NULL, RT_EFORMAT, "(a cycle)");
    /* Two nodes named "a"; an input that is nowhere; a control input before a data input. */
    tree_file(*state, "x.pb",
              "\x0a\x06\x0a\x01"
              "a\x12\x01"
              "X\x0a\x06\x0a\x01"
              "a\x12\x01"
              "Y",
              16);
    refused(tree_path(path, sizeof path, *state, "x.pb"), NULL, RT_EFORMAT, "two nodes are named 'a'");
    tree_file(*state, "x.pb",
              "\x0a\x09\x0a\x01"
              "a\x12\x01"
              "X\x1a\x01"
              "b",
              11);
    refused(path, NULL, RT_EFORMAT, "no node for its input 'b'");
    tree_file(*state, "x.pb",
              "\x0a\x0d\x0a\x01"
              "a\x12\x01"
              "X\x1a\x02^a\x1a\x01"
              "a",
              15);
    refused(path, NULL, RT_EFORMAT, "behind a control input");
    tree_file(*state, "x.pb",
              "\x0a\x03\x0a\x01"
              "a",
              5);
    refused(path, NULL, RT_EFORMAT, "has no op");
}

static void a_tensor_of_another_size_than_its_shape_is_refused(void **state)
{
    static const float value = 1;
    const rt_tensor wrong = {
        .dtype = RT_FLOAT, .shape = {.rank = 1, .dim = {9}}, .bytes = sizeof value, .data = &value};
    const rt_tensor huge = {.dtype = RT_FLOAT, .shape = {.rank = 2, .dim = {INT32_MAX, INT32_MAX}}};
    rt_graph *graph = classifier_graph();
    uint32_t node;
    assert_int_equal(rt__graph_add_const(graph, "bad", &wrong, &node, NULL), RT_OK);
    graph_refused(*state, graph, NULL, RT_EFORMAT, "attribute 'value' of node 'bad'");
    graph = classifier_graph();
    assert_int_equal(rt__graph_add_const(graph, "big", &huge, &node, NULL), RT_OK);
    graph_refused(*state, graph, NULL, RT_ELIMIT, "'big'");
}

static void files_that_are_no_graph_are_refused(void **state)
{
    char path[PATH];
    tree_path(path, sizeof path, *state, "x.pb");
    refused(path, NULL, RT_ENOTFOUND, "x.pb");
    tree_text(*state, "x.pb", "");
    refused(path, NULL, RT_EFORMAT, "empty");
    tree_text(*state, "x.pb", "This is a text, not a network.\n");
    refused(path, NULL, RT_EFORMAT, "neither");
    tree_text(*state, "x.pb", "\x1f\x8b not really gzip");
    refused(path, NULL, RT_EFORMAT, "x.pb");
}

/* Puts what the buffer holds into a field of a message. */
static void wrap(rt_buffer *bytes, uint8_t tag)
{
    rt_buffer outer = {0};
    rt__buffer_add(&outer, &tag, 1);
    rt__buffer_varint(&outer, bytes->size);
    rt__buffer_add(&outer, bytes->bytes, bytes->size);
    rt__buffer_clear(bytes);
    *bytes = outer;
}

static void messages_nested_without_end_are_refused(void **state)
{
    rt_buffer bytes = {0};
    char path[PATH];
    for (int i = 0; i < 100; i++) { /* func { attr { value { func { ... */
        wrap(&bytes, 0x12);
        wrap(&bytes, 0x12);
        wrap(&bytes, 0x52);
    }
    wrap(&bytes, 0x12);
    wrap(&bytes, 0x2a);
    wrap(&bytes, 0x0a);
    tree_file(*state, "x.pb", bytes.bytes, bytes.size);
    rt__buffer_clear(&bytes);
    refused(tree_path(path, sizeof path, *state, "x.pb"), NULL, RT_EFORMAT, "nested deeper than 100");
}

static void a_graph_cut_anywhere_is_refused_or_without_classifier(void **state)
{
    rt_graph *graph = classifier_graph();
    rt_buffer bytes = {0};
    rt_module *module = NULL;
    char path[PATH];
    rt_error err;
    assert_int_equal(rt__graphdef_write(graph, RT_GRAPH_PRODUCER, &bytes, &err), RT_OK);
    rt__graph_free(graph);
    tree_path(path, sizeof path, *state, "x.pb");
    for (size_t size = 0; size + 8 < bytes.size; size++) {
        rt_code code;
        tree_file(*state, "x.pb", bytes.bytes, size);
        code = rt_module_open(path, NULL, &module, &err);
        if (code == RT_OK) { /* cut between the last nodes */
            rt_module_close(module);
            continue;
        }
        assert_true(code == RT_EFORMAT || code == RT_EUNSUPPORTED);
        assert_string_equal(err.path, path);
        if (code == RT_EFORMAT && size > 0)
            assert_true(err.offset >= 0 && err.offset <= (int64_t)size);
    }
    rt__buffer_clear(&bytes);
}

/* ---- what is read ---- */

static void short_forms_of_tensors_are_filled_up(void **state)
{
    /* node { name: "c" op: "Const" attr { key: "value" value { tensor {
     *   dtype: 1 shape { dim { size: 2 } dim { size: 3 } } float_val: 1.5 float_val: 2 } } } } */
    static const uint8_t tensor[] = {0x08, 1,    0x12, 8, 0x12, 2,    0x08, 2, 0x12, 2, 0x08,
                                     3,    0x2a, 8,    0, 0,    0xc0, 0x3f, 0, 0,    0, 0x40};
    const float expected[6] = {1.5f, 2, 2, 2, 2, 2};
    rt_buffer bytes = {0};
    rt_graphdef def;
    rt_error err;
    const rt_tensor *t;
    (void)state;
    rt__buffer_add(&bytes,
                   "\x0a\x2d\x0a\x01"
                   "c\x12\x05"
                   "Const\x2a\x21\x0a\x05value\x12\x18\x42\x16",
                   25);
    rt__buffer_add(&bytes, tensor, sizeof tensor);
    if (rt__graphdef_read(bytes.bytes, bytes.size, &def, &err) != RT_OK)
        fail_msg("%s at %lld", err.cause, (long long)err.offset);
    t = rt__graph_const(def.graph, (rt_edge){0, 0});
    assert_non_null(t);
    assert_int_equal(t->shape.rank, 2);
    assert_memory_equal(t->data, expected, sizeof expected);
    rt__graph_free(def.graph);
    rt__buffer_clear(&bytes);
}

static bool same_node(const rt_node *a, const rt_node *b)
{
    bool same = strcmp(a->name, b->name) == 0 && strcmp(a->op, b->op) == 0 && a->n_inputs == b->n_inputs &&
                a->n_controls == b->n_controls && a->n_attrs == b->n_attrs &&
                strcmp(a->device, b->device) == 0;
    for (uint32_t i = 0; same && i < a->n_inputs + a->n_controls; i++)
        same = a->inputs[i].node == b->inputs[i].node && a->inputs[i].output == b->inputs[i].output;
    return same;
}

/* Every kind of attribute, controls and later outputs survive being written and read. */
static void graphs_are_read_as_they_are_written(void **state)
{
    static const rt_shape shapes[2] = {{.rank = 0}, {.rank = 2, .dim = {RT_UNKNOWN, 7}}};
    static const rt_dtype types[2] = {RT_HALF, RT_STRING};
    static const float floats[2] = {1.5f, -2};
    static const bool bools[3] = {true, false, true};
    static const int64_t ints[2] = {-1, INT64_MAX};
    static const rt_string strings[2] = {{"\0\xff", 2}, {"", 0}};
    const rt_attr attrs[] = {
        {.name = "s", .kind = RT_ATTR_STRING, .value.s = {"a\0b", 3}},
        {.name = "i", .kind = RT_ATTR_INT, .value.i = INT64_MIN},
        {.name = "f", .kind = RT_ATTR_FLOAT, .value.f = 0.25f},
        {.name = "b", .kind = RT_ATTR_BOOL, .value.b = true},
        {.name = "t", .kind = RT_ATTR_TYPE, .value.type = RT_QINT8},
        {.name = "h", .kind = RT_ATTR_SHAPE, .value.shape = {.rank = RT_UNKNOWN}},
        {.name = "ls", .kind = RT_ATTR_LIST_STRING, .count = 2, .value.strings = strings},
        {.name = "li", .kind = RT_ATTR_LIST_INT, .count = 2, .value.ints = ints},
        {.name = "lf", .kind = RT_ATTR_LIST_FLOAT, .count = 2, .value.floats = floats},
        {.name = "lb", .kind = RT_ATTR_LIST_BOOL, .count = 3, .value.bools = bools},
        {.name = "lt", .kind = RT_ATTR_LIST_TYPE, .count = 2, .value.types = types},
        {.name = "lh", .kind = RT_ATTR_LIST_SHAPE, .count = 2, .value.shapes = shapes},
        {.name = "fn", .kind = RT_ATTR_FUNC, .raw = {"\x0a\x01g", 3}},
        {.name = "ph", .kind = RT_ATTR_RAW, .raw = {"\x4a\x02xy", 4}},
    };
    rt_graph *graph = classifier_graph();
    rt_buffer first = {0}, second = {0};
    rt_graphdef def;
    rt_edge edges[3] = {{0, 2}, {1, 0}, {2, RT_CONTROL}};
    uint32_t odd = tiny_node(graph, "odd", "Bewilder", NULL, 0);
    (void)state;
    rt__graph_set_device(graph, odd, "/device:CPU:0");
    rt__graph_set_attrs(graph, odd, attrs, sizeof attrs / sizeof *attrs);
    assert_int_equal(rt__graph_set_inputs(graph, odd, edges, 2, edges + 2, 1, NULL), RT_OK);
    assert_int_equal(rt__graphdef_write(graph, 27, &first, NULL), RT_OK);
    assert_int_equal(rt__graphdef_read(first.bytes, first.size, &def, NULL), RT_OK);
    assert_int_equal(def.producer, 27);
    assert_int_equal(rt__graph_count(def.graph), rt__graph_count(graph));
    for (uint32_t i = 0; i < rt__graph_count(graph); i++)
        assert_true(same_node(rt__graph_node(def.graph, i), rt__graph_node(graph, i)));
    for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++)
        assert_int_equal(rt__graph_node(def.graph, odd)->attrs[i].kind, attrs[i].kind);
    assert_int_equal(rt__graphdef_write(def.graph, 27, &second, NULL), RT_OK);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.bytes, second.bytes, first.size);
    rt__graph_free(def.graph);
    rt__graph_free(graph);
    rt__buffer_clear(&first);
    rt__buffer_clear(&second);
}

#define WITH_TREE(name) cmocka_unit_test_setup_teardown(name, new_tree, remove_tree)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TREE(a_module_opens),
        WITH_TREE(the_input_says_its_size_without_an_attachment),
        WITH_TREE(a_module_without_a_feature_signature_is_cut_behind_its_backbone),
        WITH_TREE(modules_that_lack_something_are_refused),
        WITH_TREE(a_graph_of_another_shape_than_its_checkpoint_is_refused),
        WITH_TREE(damaged_data_is_refused),
        WITH_TREE(a_damaged_index_is_refused),
        WITH_TREE(a_module_whose_graph_is_cut_off_is_refused),
        WITH_TREE(a_bare_graph_opens),
        WITH_TREE(what_cannot_be_cut_is_refused),
        WITH_TREE(variables_without_a_checkpoint_are_refused),
        WITH_TREE(broken_wiring_is_refused),
        WITH_TREE(a_tensor_of_another_size_than_its_shape_is_refused),
        WITH_TREE(files_that_are_no_graph_are_refused),
        WITH_TREE(messages_nested_without_end_are_refused),
        WITH_TREE(a_graph_cut_anywhere_is_refused_or_without_classifier),
        cmocka_unit_test(short_forms_of_tensors_are_filled_up),
        cmocka_unit_test(graphs_are_read_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
