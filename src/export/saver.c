/* The ops of a Saver: SaveV2 and RestoreV2 with all that belongs to them. */
#include "graph/graph_builder.h"
#include "variables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 48 };

/* wanted, or wanted_1 and so on: a name that no node has, and no scope of a node's name. */
static const char *free_scope(rt_graph_builder *b, const char *wanted)
{
    char *text = rt__builder_array(b, ROOM, 1);
    bool taken = text != NULL;
    if (text)
        snprintf(text, ROOM, "%s", wanted);
    for (unsigned i = 1; taken; i++) {
        size_t length = strlen(text);
        taken = false;
        for (uint32_t k = 0; !taken && k < rt__graph_count(b->graph); k++) {
            const char *name = rt__graph_node(b->graph, k)->name;
            taken = strncmp(name, text, length) == 0 && (name[length] == 0 || name[length] == '/');
        }
        if (taken)
            snprintf(text, ROOM, "%s_%u", wanted, i);
    }
    return text;
}

static uint32_t add_strings(rt_graph_builder *b, const char *name, const rt_string *strings, size_t n)
{
    const rt_tensor tensor = {
        .dtype = RT_STRING, .shape = {.rank = 1, .dim = {(int64_t)n}}, .strings = strings};
    return rt__builder_const(b, name, &tensor);
}

/* save/filename/input -> save/filename -> save/Const; returns the last. */
static uint32_t add_path(rt_graph_builder *b, const char *scope)
{
    static const rt_string model = {"model", 5};
    static const char *const names[2] = {"filename", "Const"};
    const rt_tensor tensor = {.dtype = RT_STRING, .strings = &model};
    const rt_shape scalar = {.rank = 0};
    uint32_t node = rt__builder_const(b, rt__builder_name(b, scope, "filename/input"), &tensor);
    for (int i = 0; i < 2; i++) {
        const rt_edge input = {node, 0};
        node = rt__builder_node(b, rt__builder_name(b, scope, names[i]), "PlaceholderWithDefault", &input, 1);
        rt__builder_type(b, node, "dtype", RT_STRING);
        rt__builder_shape(b, node, "shape", &scalar);
    }
    return node;
}

/* The names, slices and types that both ops want. */
typedef struct listing {
    const char *scope;
    rt_string *names, *slices;
    rt_attr types;
} listing;

static listing list(rt_graph_builder *b, const rt_variables *v, const char *scope)
{
    rt_dtype *types = rt__builder_array(b, v->n, sizeof *types);
    listing l = {scope,
                 rt__builder_array(b, v->n, sizeof *l.names),
                 rt__builder_array(b, v->n, sizeof *l.slices),
                 {.name = "dtypes", .kind = RT_ATTR_LIST_TYPE, .count = v->n, .value.types = types}};
    for (size_t i = 0; b->code == RT_OK && i < v->n; i++) {
        l.names[i] = (rt_string){v->variables[i].stored.name, strlen(v->variables[i].stored.name)};
        l.slices[i] = (rt_string){"", 0};
        types[i] = v->variables[i].stored.tensor.dtype;
    }
    return l;
}

static void add_save(rt_graph_builder *b, rt_variables *v, const listing *l)
{
    rt_edge *inputs = rt__builder_array(b, v->n + 3, sizeof *inputs);
    const rt_edge path = {v->save_path, 0};
    rt_edge done = {0, RT_CONTROL};
    if (!inputs)
        return;
    inputs[0] = path;
    inputs[1].node = add_strings(b, rt__builder_name(b, l->scope, "SaveV2/tensor_names"), l->names, v->n);
    inputs[2].node =
        add_strings(b, rt__builder_name(b, l->scope, "SaveV2/shape_and_slices"), l->slices, v->n);
    for (size_t i = 0; i < v->n; i++)
        inputs[3 + i] = (rt_edge){v->variables[i].read, 0};
    done.node = rt__builder_node(b, rt__builder_name(b, l->scope, "SaveV2"), "SaveV2", inputs, v->n + 3);
    rt__builder_attr(b, done.node, &l->types);
    v->save_done =
        rt__builder_node(b, rt__builder_name(b, l->scope, "control_dependency"), "Identity", &path, 1);
    rt__builder_controls(b, v->save_done, &path, 1, &done, 1);
    rt__builder_type(b, v->save_done, "T", RT_STRING);
}

/* restored: output of RestoreV2 -> the op that puts it into the variable. */
static uint32_t add_assign(rt_graph_builder *b, const char *scope, size_t i, const rt_unfrozen_variable *v,
                           rt_edge restored)
{
    char text[ROOM];
    rt_edge inputs[2] = {{v->variable, 0}, restored};
    uint32_t node;
    if (v->is_resource) {
        snprintf(text, sizeof text, "Identity_%zu", i);
        inputs[1] =
            (rt_edge){rt__builder_node(b, rt__builder_name(b, scope, text), "Identity", &restored, 1), 0};
        rt__builder_type(b, inputs[1].node, "T", v->stored.tensor.dtype);
    }
    snprintf(text, sizeof text, v->is_resource ? "AssignVariableOp_%zu" : "Assign_%zu", i);
    node = rt__builder_node(b, rt__builder_name(b, scope, text),
                            v->is_resource ? "AssignVariableOp" : "Assign", inputs, 2);
    rt__builder_type(b, node, v->is_resource ? "dtype" : "T", v->stored.tensor.dtype);
    return node;
}

static void add_restore(rt_graph_builder *b, rt_variables *v, const listing *l)
{
    rt_edge inputs[3] = {{v->save_path, 0}, {0, 0}, {0, 0}};
    rt_edge *assigned = rt__builder_array(b, v->n, sizeof *assigned);
    uint32_t restore;
    inputs[1].node = add_strings(b, rt__builder_name(b, l->scope, "RestoreV2/tensor_names"), l->names, v->n);
    inputs[2].node =
        add_strings(b, rt__builder_name(b, l->scope, "RestoreV2/shape_and_slices"), l->slices, v->n);
    restore = rt__builder_node(b, rt__builder_name(b, l->scope, "RestoreV2"), "RestoreV2", inputs, 3);
    rt__builder_attr(b, restore, &l->types);
    for (size_t i = 0; b->code == RT_OK && i < v->n; i++)
        assigned[i] = (rt_edge){add_assign(b, l->scope, i, &v->variables[i], (rt_edge){restore, (int32_t)i}),
                                RT_CONTROL};
    v->restore = rt__builder_node(b, rt__builder_name(b, l->scope, "restore_all"), "NoOp", NULL, 0);
    rt__builder_controls(b, v->restore, NULL, 0, assigned, v->n);
}

static void add_init(rt_graph_builder *b, rt_variables *v)
{
    rt_edge *assigned = rt__builder_array(b, v->n, sizeof *assigned);
    for (size_t i = 0; assigned && i < v->n; i++)
        assigned[i] = (rt_edge){v->variables[i].assign, RT_CONTROL};
    v->init = rt__builder_node(b, free_scope(b, "init"), "NoOp", NULL, 0);
    rt__builder_controls(b, v->init, NULL, 0, assigned, v->n);
}

rt_code rt__variables_add_saver(rt_variables *variables, rt_error *err)
{
    rt_graph_builder b = {.graph = variables->graph, .err = err};
    const char *scope = free_scope(&b, "save");
    listing l = list(&b, variables, scope);
    if (b.code == RT_OK)
        variables->save_path = add_path(&b, scope);
    if (b.code == RT_OK)
        add_save(&b, variables, &l);
    if (b.code == RT_OK)
        add_restore(&b, variables, &l);
    add_init(&b, variables);
    return b.code;
}
