/* Functions are put in the place of their calls; what calls itself, multiplies or does not fit is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "graph/graph.h"
#include "model/inline_functions.h"
#include "model/saved_objects.h"
#include "proto/message.h"
#include "support/tiny_module.h"
#include "tf_function.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 8 };

/* "name = Op(input, input)"; op "call:F" is a PartitionedCall of F. */
typedef struct line {
    const char *name, *op;
    const char *inputs[MOST];
} line;

typedef struct function {
    const char *name;
    const char *arguments[MOST];
    line body[MOST];
    const char *outputs[MOST]; /* tensors of the body */
} function;

static size_t count(const char *const *texts)
{
    size_t n = 0;
    while (n < MOST && texts[n])
        n++;
    return n;
}

static void add_node(Tf__FunctionDef *def, const line *l)
{
    Tf__NodeDef *node = calloc(1, sizeof *node);
    tf__node_def__init(node);
    node->name = strdup(l->name);
    node->op = strdup(strncmp(l->op, "call:", 5) == 0 ? "PartitionedCall" : l->op);
    node->n_input = count(l->inputs);
    node->input = calloc(MOST, sizeof *node->input);
    for (size_t i = 0; i < node->n_input; i++)
        node->input[i] = strdup(l->inputs[i]);
    if (strncmp(l->op, "call:", 5) == 0) {
        node->n_attr = 1;
        node->attr = calloc(1, sizeof *node->attr);
        node->attr[0] = calloc(1, sizeof **node->attr);
        tf__attr_entry__init(node->attr[0]);
        node->attr[0]->key = strdup("f");
        node->attr[0]->value = calloc(1, sizeof(Tf__AttrValue));
        tf__attr_value__init(node->attr[0]->value);
        node->attr[0]->value->value_case = TF__ATTR_VALUE__VALUE_FUNC;
        node->attr[0]->value->func = calloc(1, sizeof(Tf__NameAttrList));
        tf__name_attr_list__init(node->attr[0]->value->func);
        node->attr[0]->value->func->name = strdup(l->op + 5);
    }
    def->node_def[def->n_node_def++] = node;
}

static Tf__ArgDef *argument(const char *name)
{
    Tf__ArgDef *arg = calloc(1, sizeof *arg);
    tf__arg_def__init(arg);
    arg->name = strdup(name);
    arg->type = RT_FLOAT;
    return arg;
}

static Tf__FunctionDef *build(const function *f)
{
    Tf__FunctionDef *def = calloc(1, sizeof *def);
    tf__function_def__init(def);
    def->signature = calloc(1, sizeof *def->signature);
    tf__op_def__init(def->signature);
    def->signature->name = strdup(f->name);
    def->signature->input_arg = calloc(MOST, sizeof(Tf__ArgDef *));
    def->signature->output_arg = calloc(MOST, sizeof(Tf__ArgDef *));
    def->ret = calloc(MOST, sizeof *def->ret);
    def->node_def = calloc(MOST, sizeof *def->node_def);
    for (size_t i = 0; i < count(f->arguments); i++)
        def->signature->input_arg[def->signature->n_input_arg++] = argument(f->arguments[i]);
    for (size_t i = 0; i < MOST && f->body[i].name; i++)
        add_node(def, &f->body[i]);
    for (size_t i = 0; i < count(f->outputs); i++) {
        char name[16];
        snprintf(name, sizeof name, "out%zu", i);
        def->signature->output_arg[def->signature->n_output_arg++] = argument(name);
        def->ret[i] = calloc(1, sizeof **def->ret);
        tf__ret_entry__init(def->ret[i]);
        def->ret[i]->key = strdup(name);
        def->ret[i]->value = strdup(f->outputs[i]);
        def->n_ret++;
    }
    return def;
}

/* Appends a function to the bytes of a library. */
static void add_function(rt_buffer *library, const function *f)
{
    rt_buffer bytes = {0};
    Tf__FunctionDef *def = build(f);
    assert_int_equal(rt__proto_pack(&def->base, &bytes, NULL), RT_OK);
    rt__buffer_add(library, "\x0a", 1);
    for (size_t left = bytes.size; true; left >>= 7) {
        char byte = (char)((left & 127) | (left > 127 ? 128 : 0));
        rt__buffer_add(library, &byte, 1);
        if (left <= 127)
            break;
    }
    rt__buffer_add(library, bytes.bytes, bytes.size);
    rt__buffer_clear(&bytes);
    tf__function_def__free_unpacked(def, NULL);
}

/* x -> call of the function `main` -> y, all outputs needed. */
typedef struct model {
    rt_graph *graph;
    rt_functions *functions;
    rt_buffer library;
    uint32_t x, call, reader;
} model;

static void model_new(model *m, const function *functions, size_t n)
{
    rt_attr f = {.name = "f", .kind = RT_ATTR_FUNC, .value.s = {"main", 4}};
    rt_edge in;
    *m = (model){.graph = NULL};
    for (size_t i = 0; i < n; i++)
        add_function(&m->library, &functions[i]);
    assert_int_equal(rt__graph_new(&m->graph, NULL), RT_OK);
    m->x = tiny_node(m->graph, "x", "Placeholder", NULL, 0);
    in = (rt_edge){m->x, 0};
    m->call = tiny_node(m->graph, "call", "StatefulPartitionedCall", &in, 1);
    assert_int_equal(rt__graph_set_attr(m->graph, m->call, &f, NULL), RT_OK);
    in = (rt_edge){m->call, 0};
    m->reader = tiny_node(m->graph, "reader", "Relu", &in, 1);
}

static rt_code model_inline(model *m, rt_error *err)
{
    rt_edge out = {m->reader, 0};
    rt_code code = rt__functions_new((rt_string){m->library.bytes, m->library.size},
                                     rt__graph_arena(m->graph), &m->functions, err);
    return code == RT_OK ? rt__inline_functions(m->graph, m->functions, &out, 1, err) : code;
}

static void model_clear(model *m)
{
    rt__functions_free(m->functions);
    rt__graph_free(m->graph);
    rt__buffer_clear(&m->library);
}

static void refused(const function *functions, size_t n, rt_code code, const char *words)
{
    model m;
    rt_error err;
    model_new(&m, functions, n);
    assert_int_equal(model_inline(&m, &err), code);
    if (!strstr(err.cause, words))
        fail_msg("'%s' is not in: %s", words, err.cause);
    model_clear(&m);
}

/* The name of the node that input of node reads; "" and a number for an output other than the first. */
static const char *reads(const model *m, const char *node, uint32_t input)
{
    uint32_t index = 0;
    assert_true(rt__graph_find(m->graph, node, &index));
    assert_true(input < rt__graph_node(m->graph, index)->n_inputs);
    return rt__graph_node(m->graph, rt__graph_node(m->graph, index)->inputs[input].node)->name;
}

static void nested_calls_become_one_graph(void **state)
{
    static const function functions[] = {
        {"main",
         {"a"},
         {{"twice", "call:twice", {"a"}}, {"sum", "AddV2", {"twice:output:1", "twice:output:0"}}},
         {"sum:z:0"}},
        {"twice", {"v"}, {{"neg", "Neg", {"v"}}, {"done", "NoOp", {"^neg"}}}, {"neg:y:0", "v"}},
    };
    model m;
    rt_error err;
    uint32_t index;
    (void)state;
    model_new(&m, functions, 2);
    if (model_inline(&m, &err) != RT_OK)
        fail_msg("%s", err.cause);
    assert_string_equal(reads(&m, "reader", 0), "call/sum");
    assert_string_equal(reads(&m, "call", 0), "call/sum");
    assert_string_equal(reads(&m, "call/sum", 0), "x");
    assert_string_equal(reads(&m, "call/sum", 1), "call/twice/neg");
    assert_string_equal(reads(&m, "call/twice/neg", 0), "x");
    assert_string_equal(rt__graph_node(m.graph, m.call)->op, "Identity");
    assert_true(rt__graph_find(m.graph, "call/twice", &index));
    assert_string_equal(rt__graph_node(m.graph, index)->op, "IdentityN");
    assert_string_equal(rt__graph_node(m.graph, rt__edge_behind(m.graph, (rt_edge){index, 1}).node)->name,
                        "x");
    model_clear(&m);
}

static void outputs_are_counted_by_their_names(void **state)
{
    static const function functions[] = {
        {"main",
         {"a"},
         {{"norm", "FusedBatchNormV3", {"a"}},
          {"parts", "Split", {"a", "norm:batch_variance:0"}},
          {"both", "IdentityN", {"a", "parts:output:2"}},
          {"last", "Neg", {"both:output:1"}}},
         {"last:y:0"}},
    };
    model m;
    uint32_t index = 0;
    (void)state;
    model_new(&m, functions, 1);
    assert_int_equal(model_inline(&m, NULL), RT_OK);
    assert_true(rt__graph_find(m.graph, "call/parts", &index));
    assert_int_equal(rt__graph_node(m.graph, index)->inputs[1].output, 2);
    assert_true(rt__graph_find(m.graph, "call/last", &index));
    assert_string_equal(reads(&m, "call/last", 0), "call/parts"); /* looked through IdentityN */
    assert_int_equal(rt__graph_node(m.graph, index)->inputs[0].output, 2);
    model_clear(&m);
}

/* What is not needed is not even looked for. */
static void only_needed_calls_are_followed(void **state)
{
    static const function functions[] = {{"main", {"a"}, {{"y", "Neg", {"a"}}}, {"y:y:0"}}};
    rt_attr missing = {.name = "f", .kind = RT_ATTR_FUNC, .value.s = {"missing", 7}};
    rt_edge in;
    model m;
    uint32_t other;
    (void)state;
    model_new(&m, functions, 1);
    in = (rt_edge){m.x, 0};
    other = tiny_node(m.graph, "saver", "StatefulPartitionedCall", &in, 1);
    assert_int_equal(rt__graph_set_attr(m.graph, other, &missing, NULL), RT_OK);
    assert_int_equal(model_inline(&m, NULL), RT_OK);
    assert_string_equal(rt__graph_node(m.graph, other)->op, "StatefulPartitionedCall");
    model_clear(&m);
}

static void a_function_that_calls_itself_is_refused(void **state)
{
    static const function direct[] = {{"main", {"a"}, {{"again", "call:main", {"a"}}}, {"again:output:0"}}};
    static const function roundabout[] = {{"main", {"a"}, {{"b", "call:f", {"a"}}}, {"b:output:0"}},
                                          {"f", {"a"}, {{"c", "call:g", {"a"}}}, {"c:output:0"}},
                                          {"g", {"a"}, {{"d", "call:f", {"a"}}}, {"d:output:0"}}};
    static const function by_its_name[] = {{"main", {"a"}, {{"again", "main", {"a"}}}, {"again:out0:0"}}};
    (void)state;
    refused(direct, 1, RT_EUNSUPPORTED, "function 'main' calls itself");
    refused(roundabout, 3, RT_EUNSUPPORTED, "function 'f' calls itself");
    refused(by_its_name, 1, RT_EUNSUPPORTED, "function 'main' calls itself");
}

enum { CHAIN = 120, LETTERS = 16 };

/* Names of a chain of functions, and the ops that call them. */
static char names[CHAIN][LETTERS], calls[CHAIN][LETTERS];

static void name_chain(void)
{
    for (int i = 0; i < CHAIN; i++) {
        snprintf(names[i], LETTERS, "f%d", i);
        snprintf(calls[i], LETTERS, "call:f%d", i);
    }
    snprintf(names[0], LETTERS, "main");
}

/* 26 functions, each calling the next one twice: 2^26 bodies. */
static void calls_that_multiply_are_refused(void **state)
{
    enum { COUNT = 26 };
    static function functions[COUNT];
    (void)state;
    name_chain();
    for (int i = 0; i < COUNT; i++) {
        const char *op = i + 1 < COUNT ? calls[i + 1] : "Neg";
        functions[i] =
            (function){names[i], {"a"}, {{"l", op, {"a"}}, {"r", op, {"l:output:0"}}}, {"r:output:0"}};
    }
    refused(functions, COUNT, RT_ELIMIT, "more than 1000000 nodes");
}

static void calls_nested_too_deep_are_refused(void **state)
{
    static function functions[CHAIN];
    (void)state;
    name_chain();
    for (int i = 0; i < CHAIN; i++) {
        const char *op = i + 1 < CHAIN ? calls[i + 1] : "Neg";
        functions[i] = (function){names[i], {"a"}, {{"n", op, {"a"}}}, {"n:output:0"}};
    }
    refused(functions, CHAIN, RT_ELIMIT, "more than 100 deep");
}

static void what_does_not_fit_is_refused(void **state)
{
    static const function missing[] = {{"main", {"a"}, {{"b", "call:gone", {"a"}}}, {"b:output:0"}}};
    static const function too_many[] = {{"main", {"a", "b"}, {{"c", "Neg", {"a"}}}, {"c:y:0"}}};
    static const function no_input[] = {{"main", {"a"}, {{"c", "Neg", {"q:y:0"}}}, {"c:y:0"}}};
    static const function no_output[] = {{"main", {"a"}, {{"c", "Neg", {"a"}}}, {"q:y:0"}}};
    static const function twice[] = {{"main", {"a"}, {{"c", "Neg", {"a"}}}, {"c:y:0"}},
                                     {"main", {"a"}, {{"c", "Neg", {"a"}}}, {"c:y:0"}}};
    static const function same_name[] = {
        {"main", {"a"}, {{"c", "Neg", {"a"}}, {"c", "Neg", {"a"}}}, {"c:y:0"}}};
    static const function beyond[] = {
        {"main", {"a"}, {{"b", "call:f", {"a"}}, {"c", "Neg", {"b:output:1"}}}, {"c:y:0"}},
        {"f", {"a"}, {{"c", "Neg", {"a"}}}, {"c:y:0"}}};
    static const function circle[] = {
        {"main",
         {"a"},
         {{"b", "IdentityN", {"c:output:0"}}, {"c", "IdentityN", {"b:output:0"}}},
         {"c:output:0"}}};
    (void)state;
    refused(missing, 1, RT_ENOTFOUND, "there is no function 'gone'");
    refused(too_many, 1, RT_EFORMAT, "1 inputs, and function 'main' takes 2");
    refused(no_input, 1, RT_EFORMAT, "node 'c': there is nothing for its input 'q:y:0'");
    refused(no_output, 1, RT_EFORMAT, "nothing for its output 'q:y:0'");
    refused(twice, 2, RT_EFORMAT, "two functions are named 'main'");
    refused(same_name, 1, RT_EFORMAT, "two nodes are named 'c'");
    refused(beyond, 2, RT_EFORMAT, "reads output 1 of 'call/b', which has 1");
    refused(circle, 1, RT_EFORMAT, "reads output 0 of");
}

/* If and While are not calls: they stay, and are an error only where they are needed. */
static void what_chooses_or_repeats_stays(void **state)
{
    static const function functions[] = {
        {"main", {"a"}, {{"choice", "StatelessIf", {"a", "a"}}}, {"choice:output:0"}}};
    model m;
    (void)state;
    model_new(&m, functions, 1);
    assert_int_equal(model_inline(&m, NULL), RT_OK);
    assert_string_equal(reads(&m, "reader", 0), "call/choice");
    model_clear(&m);
}

static void variables_are_named_by_what_restores_them(void **state)
{
    static const rt_string keys[] = {{"a/KEY", 5}, {"b/KEY", 5}};
    rt_tensor tensor = {.dtype = RT_STRING, .shape = {.rank = 1, .dim = {2}}, .strings = keys};
    rt_graph *graph;
    rt_edge in[3];
    uint32_t variable, restore, text;
    (void)state;
    assert_int_equal(rt__graph_new(&graph, NULL), RT_OK);
    variable = tiny_node(graph, "v", "VarHandleOp", NULL, 0);
    tiny_text(graph, variable, "shared_name", "v");
    assert_int_equal(rt__graph_add_const(graph, "names", &tensor, &text, NULL), RT_OK);
    in[0] = in[1] = in[2] = (rt_edge){text, 0};
    restore = tiny_node(graph, "restore", "RestoreV2", in, 3);
    in[0] = (rt_edge){restore, 1};
    in[0].node = tiny_node(graph, "same", "Identity", in, 1);
    in[1] = (rt_edge){in[0].node, 0};
    in[0] = (rt_edge){variable, 0};
    tiny_node(graph, "assign", "AssignVariableOp", in, 2);
    assert_int_equal(rt__name_restored(graph, NULL), RT_OK);
    assert_string_equal(rt__node_attr(rt__graph_node(graph, variable), "shared_name")->value.s.bytes,
                        "b/KEY");
    rt__graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_calls_become_one_graph),
        cmocka_unit_test(outputs_are_counted_by_their_names),
        cmocka_unit_test(only_needed_calls_are_followed),
        cmocka_unit_test(a_function_that_calls_itself_is_refused),
        cmocka_unit_test(calls_that_multiply_are_refused),
        cmocka_unit_test(calls_nested_too_deep_are_refused),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(what_chooses_or_repeats_stays),
        cmocka_unit_test(variables_are_named_by_what_restores_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
