#include "checkpoint.h"

#include "base/file.h"
#include "meta_graph.h"
#include "proto/message.h"
#include "proto/tf_saved_model.pb-c.h"

#include <stdlib.h>
#include <string.h>

static bool is_trained(const char *name)
{
    static const char *const names[2] = {"final_retrain_ops/weights/final_weights",
                                         "final_retrain_ops/biases/final_biases"};
    return strcmp(name, names[0]) == 0 || strcmp(name, names[1]) == 0;
}

/* How many constants are one of retrain.py's variables. */
static size_t find_named(const rt_graph *graph, const char *variable_scope, rt_variable_kind *kinds)
{
    static const char head[] = "final_retrain_ops/";
    size_t scope = strlen(variable_scope), n = 0;
    for (uint32_t i = 0; i < rt__graph_count(graph); i++) {
        const rt_node *node = rt__graph_node(graph, i);
        if (strcmp(node->op, "Const") != 0)
            continue;
        if (is_trained(node->name))
            kinds[i] = RT_REF_VARIABLE;
        else if (strncmp(node->name, head, sizeof head - 1) == 0)
            kinds[i] = RT_RANGE_VARIABLE;
        else if (strncmp(node->name, variable_scope, scope) == 0 && node->name[scope] == '/')
            kinds[i] = RT_RESOURCE_VARIABLE;
        n += kinds[i] != RT_NO_VARIABLE;
    }
    return n;
}

static void find_weights(const rt_graph *graph, rt_variable_kind *kinds)
{
    for (uint32_t i = 0; i < rt__graph_count(graph); i++) {
        const rt_tensor *t = strcmp(rt__graph_node(graph, i)->op, "Const") == 0
                                 ? rt__graph_const(graph, (rt_edge){i, 0})
                                 : NULL;
        if (t && t->dtype == RT_FLOAT && t->shape.rank > 0 && t->bytes > 0)
            kinds[i] = RT_REF_VARIABLE;
    }
}

static rt_code unfreeze(rt_graph *graph, const rt_variable_kind *kinds, rt_variables *variables,
                        rt_error *err)
{
    rt_variables v;
    rt_code code = rt__variables_unfreeze(graph, kinds, &v, err);
    if (code != RT_OK)
        return code;
    if ((code = rt__variables_add_saver(&v, err)) == RT_OK)
        *variables = v;
    else
        rt__variables_clear(&v);
    return code;
}

static rt_code variables_of(rt_graph *graph, const char *variable_scope, bool all, rt_variables *variables,
                            rt_error *err)
{
    rt_variable_kind *kinds = calloc((size_t)rt__graph_count(graph) + 1, sizeof *kinds);
    rt_code code;
    if (!kinds)
        return rt_fail(err, RT_ENOMEM, "out of memory for a graph's variables");
    if (find_named(graph, variable_scope, kinds) == 0 && all)
        find_weights(graph, kinds);
    code = unfreeze(graph, kinds, variables, err);
    free(kinds);
    return code;
}

rt_code rt__classifier_variables(rt_graph *classifier, const char *variable_scope, rt_variables *variables,
                                 rt_error *err)
{
    return variables_of(classifier, variable_scope, false, variables, err);
}

rt_code rt__frozen_variables(rt_graph *frozen, rt_variables *variables, rt_error *err)
{
    return variables_of(frozen, "module", true, variables, err);
}

rt_code rt__checkpoint_meta(const rt_variables *variables, rt_buffer *bytes, rt_error *err)
{
    rt_arena *arena = rt__arena_new();
    Tf__MetaGraphDef *message = NULL;
    rt_code code = arena ? rt__meta_graph_message(variables, NULL, arena, &message, err)
                         : rt_fail(err, RT_ENOMEM, "out of memory for a graph's message");
    if (code == RT_OK)
        code = rt__proto_pack(&message->base, bytes, err);
    rt__arena_free(arena);
    return code;
}

static rt_code write_meta(const rt_variables *variables, const char *prefix, rt_error *err)
{
    rt_buffer path = {0}, bytes = {0};
    rt_code code = rt__checkpoint_meta(variables, &bytes, err);
    rt__buffer_format(&path, "%s.meta", prefix);
    if (code == RT_OK && (code = rt__buffer_ok(&path, err)) == RT_OK)
        code = rt__file_write(path.bytes, bytes.bytes, bytes.size, true, err);
    rt__buffer_clear(&path);
    rt__buffer_clear(&bytes);
    return code;
}

/* A protobuf text: what would end the string is escaped. */
static void add_quoted(rt_buffer *text, const char *key, const char *value)
{
    rt__buffer_format(text, "%s: \"", key);
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if (c < ' ')
            rt__buffer_format(text, "\\%03o", c);
        else
            rt__buffer_format(text, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    rt__buffer_text(text, "\"\n");
}

/* Its path is relative, so the folder can move. */
static rt_code write_latest(const char *prefix, rt_error *err)
{
    const char *name = rt__path_name(prefix);
    rt_buffer path = {0}, text = {0};
    rt_code code;
    rt__buffer_add(&path, prefix, (size_t)(name - prefix));
    rt__buffer_text(&path, "checkpoint");
    add_quoted(&text, "model_checkpoint_path", name);
    add_quoted(&text, "all_model_checkpoint_paths", name);
    if ((code = rt__buffer_ok(&path, err)) == RT_OK && (code = rt__buffer_ok(&text, err)) == RT_OK)
        code = rt__file_write(path.bytes, text.bytes, text.size, true, err);
    rt__buffer_clear(&path);
    rt__buffer_clear(&text);
    return code;
}

rt_code rt__checkpoint_write(const rt_variables *variables, const char *prefix, rt_error *err)
{
    rt_code code = rt__variables_write(variables, prefix, err);
    if (code == RT_OK)
        code = write_meta(variables, prefix, err);
    if (code == RT_OK)
        code = write_latest(prefix, err);
    if (code != RT_OK)
        rt_doing(err, prefix, "cannot write the checkpoint");
    return code;
}
