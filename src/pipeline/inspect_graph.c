/* Graphs, and what stands around them. */
#include "inspect_job.h"

#include "graph/ops.h"
#include "model/bundle.h"
#include "model/classifier_info.h"
#include "model/module.h"
#include "model/saved_model.h"
#include "proto/field.h"
#include "proto/tf_saved_model.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHAPE_TEXT = 160, NUMBER_TEXT = 24, MOST_OUTPUTS = 50 };

static const char *type_of(const rt_node *node, const char *attr)
{
    const rt_attr *type = rt__node_attr(node, attr);
    return type && type->kind == RT_ATTR_TYPE ? rt__dtype_name(type->value.type) : "?";
}

static void print_inputs(const rt_graph *graph, rt_inspect_out *out)
{
    static const char *const columns[] = {"name", "dtype", "shape"};
    rt__out_table(out, "placeholders", columns, 3);
    for (uint32_t i = 0; i < rt__graph_count(graph); i++) {
        const rt_node *node = rt__graph_node(graph, i);
        const rt_attr *shape = rt__node_attr(node, "shape");
        char text[SHAPE_TEXT] = "unknown rank";
        const char *const cells[] = {node->name, type_of(node, "dtype"), text};
        if (strncmp(node->op, "Placeholder", 11) != 0)
            continue;
        if (shape && shape->kind == RT_ATTR_SHAPE)
            rt__shape_text(&shape->value.shape, text, sizeof text);
        rt__out_row(out, cells);
    }
    rt__out_table_end(out);
}

static bool is_variable(const rt_node *node)
{
    return strcmp(node->op, "VarHandleOp") == 0 || strcmp(node->op, "VariableV2") == 0 ||
           strcmp(node->op, "Variable") == 0;
}

/* What stands beside variables and is read by nobody, in every graph of TensorFlow's. */
static bool keeps_variable(const rt_node *node)
{
    static const char *const ops[] = {"Assign", "AssignVariableOp", "ReadVariableOp", "VarIsInitializedOp",
                                      "Const"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (strcmp(node->op, ops[i]) == 0)
            return true;
    return false;
}

/* Nodes that no other reads. */
static rt_code print_outputs(const rt_graph *graph, rt_inspect_out *out, rt_error *err)
{
    static const char *const columns[] = {"name", "op"};
    uint32_t n = rt__graph_count(graph), listed = 0, more = 0;
    bool *read = calloc((size_t)n + 1, sizeof *read);
    if (!read)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        const rt_node *node = rt__graph_node(graph, i);
        for (uint32_t k = 0; k < node->n_inputs + node->n_controls; k++)
            read[node->inputs[k].node] = true;
    }
    rt__out_table(out, "read_by_no_node", columns, 2);
    for (uint32_t i = 0; i < n; i++) {
        const rt_node *node = rt__graph_node(graph, i);
        const char *const cells[] = {node->name, node->op};
        if (read[i] || keeps_variable(node))
            continue;
        if (listed++ < MOST_OUTPUTS)
            rt__out_row(out, cells);
        else
            more++;
    }
    rt__out_table_end(out);
    if (more)
        rt__out_number(out, "more_of_them", more);
    free(read);
    return RT_OK;
}

/* The ops of a graph, or only those we cannot run. */
static rt_code print_ops(const rt_graph *graph, const char *key, bool unknown_only, rt_inspect_out *out,
                         rt_error *err)
{
    uint32_t n = rt__graph_count(graph);
    const char **ops = calloc((size_t)n + 1, sizeof *ops);
    size_t count = 0;
    rt_code code;
    if (!ops)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        const char *op = rt__graph_node(graph, i)->op;
        if (!unknown_only || !rt__op_find(op))
            ops[count++] = op;
    }
    code = rt__inspect_print_counts(key, ops, count, out, err);
    free(ops);
    return code;
}

/* The ops in the functions of a FunctionDefLibrary, which a TensorFlow 2 SavedModel's graph calls. */
static rt_code print_function_ops(const rt_graphdef *def, rt_inspect_out *out, rt_error *err)
{
    enum { FUNCTIONS = 1, NODES = 3, OP = 2 };
    rt_cursor functions = rt__cursor(def->library.bytes, def->library.size);
    rt_arena *arena = rt__arena_new();
    rt_buffer ops = {0};
    rt_field function, node, op;
    uint64_t count = 0;
    rt_code code = arena ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    while (code == RT_OK && rt__field_next(&functions, &function)) {
        rt_cursor nodes = rt__cursor(function.bytes, function.size);
        count += function.number == FUNCTIONS;
        while (function.number == FUNCTIONS && function.wire == RT_WIRE_BYTES &&
               rt__field_next(&nodes, &node)) {
            const char *name;
            if (node.number != NODES || node.wire != RT_WIRE_BYTES ||
                !rt__field_find(node.bytes, node.size, OP, &op) || op.wire != RT_WIRE_BYTES)
                continue;
            name = rt__arena_copy(arena, op.bytes, op.size);
            rt__buffer_add(&ops, &name, name ? sizeof name : SIZE_MAX);
        }
    }
    if (code == RT_OK)
        code = rt__buffer_ok(&ops, err);
    rt__out_number(out, "functions", count);
    if (code == RT_OK && ops.size)
        code = rt__inspect_print_counts("ops_in_functions", (const char **)(void *)ops.bytes,
                                        ops.size / sizeof(const char *), out, err);
    rt__buffer_clear(&ops);
    rt__arena_free(arena);
    return code;
}

static void print_labels(const rt_graph *graph, rt_inspect_out *out)
{
    static const char *const columns[] = {"label"};
    rt_arena *arena = rt__arena_new();
    rt_classifier_info info;
    if (arena && rt__classifier_info_find(graph, arena, &info, NULL) == RT_OK) {
        rt__out_fact(out, "retrained_classifier", "%s, %dx%d pixels -> %s", info.input, (int)info.width,
                     (int)info.height, info.output);
        rt__out_table(out, "labels", columns, 1);
        for (size_t i = 0; i < info.n_labels; i++)
            rt__out_row(out, &info.labels[i]);
        rt__out_table_end(out);
    }
    rt__arena_free(arena);
}

static uint64_t elements_of(const rt_shape *shape)
{
    size_t elements;
    return rt__shape_elements(shape, &elements, NULL) == RT_OK ? elements : 0;
}

/* How much there is of what a graph is made of. */
static void print_sizes(const rt_graph *graph, rt_inspect_out *out)
{
    uint64_t constants = 0, variables = 0, controls = 0;
    for (uint32_t i = 0; i < rt__graph_count(graph); i++) {
        const rt_node *node = rt__graph_node(graph, i);
        const rt_attr *value = rt__node_attr(node, "value"), *shape = rt__node_attr(node, "shape");
        controls += node->n_controls;
        if (strcmp(node->op, "Const") == 0 && value && value->kind == RT_ATTR_TENSOR)
            constants += elements_of(&value->value.tensor.shape);
        if (is_variable(node) && shape && shape->kind == RT_ATTR_SHAPE)
            variables += elements_of(&shape->value.shape);
    }
    rt__out_number(out, "nodes", rt__graph_count(graph));
    rt__out_number(out, "constant_parameters", constants);
    rt__out_number(out, "variable_parameters", variables);
    rt__out_number(out, "control_edges", controls);
}

static rt_code print_def(const rt_graphdef *def, rt_inspect_out *out, rt_error *err)
{
    rt_code code;
    print_sizes(def->graph, out);
    rt__out_number(out, "producer_version", (uint64_t)def->producer);
    print_labels(def->graph, out);
    print_inputs(def->graph, out);
    code = print_outputs(def->graph, out, err);
    if (code == RT_OK)
        code = print_ops(def->graph, "ops", false, out, err);
    return code == RT_OK ? print_function_ops(def, out, err) : code;
}

/* ---- MetaGraphDef ---- */

static void print_tags(const Tf__MetaGraphDef *meta, rt_inspect_out *out)
{
    const Tf__MetaGraphDef__MetaInfoDef *info = meta->meta_info_def;
    rt_buffer tags = {0};
    rt__buffer_text(&tags, "{");
    for (size_t i = 0; info && i < info->n_tags; i++)
        rt__buffer_format(&tags, "%s%s", i ? "," : "", info->tags[i]);
    rt__buffer_text(&tags, "}");
    rt__out_fact(out, "tags", "%s", tags.failed ? "?" : tags.bytes);
    if (info && *info->tensorflow_version)
        rt__out_fact(out, "tensorflow_version", "%s", info->tensorflow_version);
    if (meta->saver_def)
        rt__out_fact(out, "saver", "%s, %s, %s, V%d%s", meta->saver_def->filename_tensor_name,
                     meta->saver_def->save_tensor_name, meta->saver_def->restore_op_name,
                     meta->saver_def->version == 2 ? 2 : 1, meta->saver_def->sharded ? ", sharded" : "");
    for (size_t i = 0; i < meta->n_asset_file_def; i++)
        rt__out_fact(out, "asset", "%s, for %s", meta->asset_file_def[i]->filename,
                     meta->asset_file_def[i]->tensor_info ? meta->asset_file_def[i]->tensor_info->name : "?");
    rt__buffer_clear(&tags);
}

static void print_methods(const Tf__MetaGraphDef *meta, rt_inspect_out *out)
{
    static const char *const columns[] = {"signature", "method"};
    rt__out_table(out, "methods", columns, 2);
    for (size_t i = 0; i < meta->n_signature_def; i++)
        if (meta->signature_def[i]->value && *meta->signature_def[i]->value->method_name)
            rt__out_row(out, (const char *const[]){meta->signature_def[i]->key,
                                                   meta->signature_def[i]->value->method_name});
    rt__out_table_end(out);
}

static void print_ports(const char *signature, const char *side, Tf__TensorInfoEntry *const *ports,
                        size_t count, rt_inspect_out *out)
{
    for (size_t i = 0; i < count; i++) {
        const Tf__TensorInfo *info = ports[i]->value;
        const Tf__TensorShapeProto *shape = info ? info->tensor_shape : NULL;
        rt_buffer text = {0};
        rt__buffer_text(&text, !shape || shape->unknown_rank ? "unknown rank" : "[");
        for (size_t k = 0; shape && !shape->unknown_rank && k < shape->n_dim; k++) {
            rt__buffer_text(&text, k ? "," : "");
            if (shape->dim[k]->size < 0)
                rt__buffer_text(&text, "?");
            else
                rt__buffer_format(&text, "%" PRId64, shape->dim[k]->size);
        }
        rt__buffer_text(&text, shape && !shape->unknown_rank ? "]" : "");
        if (info && !text.failed)
            rt__out_row(out, (const char *const[]){signature, side, ports[i]->key, info->name,
                                                   rt__dtype_name((rt_dtype)info->dtype), text.bytes});
        rt__buffer_clear(&text);
    }
}

static void print_signatures(const Tf__MetaGraphDef *meta, rt_inspect_out *out)
{
    static const char *const columns[] = {"signature", "side", "key", "tensor", "dtype", "shape"};
    rt__out_table(out, "signatures", columns, 6);
    for (size_t i = 0; i < meta->n_signature_def; i++) {
        const Tf__SignatureDef *s = meta->signature_def[i]->value;
        if (!s)
            continue;
        print_ports(meta->signature_def[i]->key, "input", s->inputs, s->n_inputs, out);
        print_ports(meta->signature_def[i]->key, "output", s->outputs, s->n_outputs, out);
    }
    rt__out_table_end(out);
}

static size_t collected(const Tf__CollectionDef *c)
{
    switch (c ? c->kind_case : TF__COLLECTION_DEF__KIND__NOT_SET) {
    case TF__COLLECTION_DEF__KIND_NODE_LIST:
        return c->node_list->n_value;
    case TF__COLLECTION_DEF__KIND_BYTES_LIST:
        return c->bytes_list->n_value;
    case TF__COLLECTION_DEF__KIND_INT64_LIST:
        return c->int64_list->n_value;
    case TF__COLLECTION_DEF__KIND_FLOAT_LIST:
        return c->float_list->n_value;
    default:
        return 0;
    }
}

static void print_collections(const Tf__MetaGraphDef *meta, rt_inspect_out *out)
{
    static const char *const columns[] = {"collection", "#count"};
    rt__out_table(out, "collections", columns, 2);
    for (size_t i = 0; i < meta->n_collection_def; i++) {
        char count[NUMBER_TEXT];
        const char *const cells[] = {meta->collection_def[i]->key, count};
        snprintf(count, sizeof count, "%zu", collected(meta->collection_def[i]->value));
        rt__out_row(out, cells);
    }
    rt__out_table_end(out);
}

static rt_code print_meta(const void *bytes, size_t size, rt_inspect_out *out, rt_error *err)
{
    rt_meta_graph meta;
    rt_code code = rt__meta_graph_read(bytes, size, &meta, err);
    if (code != RT_OK)
        return code;
    print_tags(meta.message, out);
    print_signatures(meta.message, out);
    print_methods(meta.message, out);
    print_collections(meta.message, out);
    code = print_def(&meta.def, out, err);
    rt__graph_free(meta.def.graph);
    return code;
}

static rt_code print_saved_model(const rt_map *file, rt_inspect_out *out, rt_error *err)
{
    enum { META_GRAPHS = 2 };
    rt_cursor c = rt__cursor(file->bytes, file->size);
    rt_field field;
    rt_code code = RT_OK;
    unsigned number = 0;
    while (code == RT_OK && rt__field_next(&c, &field)) {
        char key[NUMBER_TEXT];
        if (field.number != META_GRAPHS || field.wire != RT_WIRE_BYTES)
            continue;
        snprintf(key, sizeof key, "graph_%u", ++number);
        rt__out_open(out, key);
        code = print_meta(field.bytes, field.size, out, err);
        rt__out_close(out);
    }
    return code;
}

static rt_code print_bare(const rt_map *file, rt_inspect_out *out, rt_error *err)
{
    rt_graphdef def;
    rt_code code = rt__graphdef_read(file->bytes, file->size, &def, err);
    if (code != RT_OK)
        return code;
    code = print_def(&def, out, err);
    rt__graph_free(def.graph);
    return code;
}

rt_code rt__inspect_print_graph(const char *path, rt_inspect_out *out, rt_error *err)
{
    rt_map *file = NULL;
    rt_graph_file kind;
    rt_code code = rt__map_open(&file, path, err);
    if (code != RT_OK)
        return code;
    kind = rt__inspect_graph_file(file->bytes, file->size);
    rt__out_path(out, "graph_file", path);
    if (kind == RT_FILE_SAVED_MODEL)
        code = print_saved_model(file, out, err);
    else if (kind == RT_FILE_META_GRAPH)
        code = print_meta(file->bytes, file->size, out, err);
    else
        code = print_bare(file, out, err);
    if (code != RT_OK)
        rt_doing(err, path, "cannot read the graph");
    rt__map_close(file);
    return code;
}

/* ---- variables ---- */

rt_code rt__inspect_print_variables(const char *prefix, rt_inspect_out *out, rt_error *err)
{
    static const char *const columns[] = {"name", "dtype", "shape", "#bytes"};
    rt_bundle *bundle = NULL;
    uint64_t total = 0;
    rt_code code = rt__bundle_open(prefix, &bundle, err);
    if (code != RT_OK)
        return code;
    rt__out_path(out, "checkpoint", prefix);
    rt__out_fact(out, "checkpoint_format", "%s", rt__bundle_format(bundle));
    rt__out_number(out, "n_variables", rt__bundle_count(bundle));
    rt__out_table(out, "variables", columns, 4);
    for (size_t i = 0; i < rt__bundle_count(bundle); i++) {
        const rt_variable *v = rt__bundle_variable(bundle, i);
        char shape[SHAPE_TEXT], bytes[NUMBER_TEXT];
        const char *const cells[] = {v->name, rt__dtype_name(v->dtype), shape, bytes};
        rt__shape_text(&v->shape, shape, sizeof shape);
        snprintf(bytes, sizeof bytes, "%" PRIu64, v->size);
        total += v->size;
        rt__out_row(out, cells);
    }
    rt__out_table_end(out);
    rt__out_number(out, "bytes_of_variables", total);
    rt__bundle_close(bundle);
    return RT_OK;
}

/* ---- the cut ---- */

rt_code rt__inspect_print_cut(const char *path, rt_inspect_out *out, rt_error *err)
{
    rt_module *module = NULL;
    rt_error why;
    rt_code code = rt_module_open(path, NULL, &module, &why);
    if (code == RT_ENOMEM)
        return rt_fail(err, code, "%s", why.cause);
    rt__out_open(out, "as_base_network");
    if (code != RT_OK) {
        bool at_file = code == RT_ENOTFOUND || code == RT_EIO;
        rt__out_fact(out, "not_possible", "%s%s%s", at_file ? rt__out_inside(out, why.path) : "",
                     at_file ? ": " : "", why.cause);
    } else {
        const rt_module_info *info = rt_module_describe(module);
        rt__out_fact(out, "opened_as", "%s", info->kind);
        rt__out_fact(out, "input", "%s", info->input);
        rt__out_fact(out, "feature", "%s", info->feature);
        rt__out_fact(out, "notice", "%s", info->notice);
        rt__out_number(out, "height", (uint64_t)info->height);
        rt__out_number(out, "width", (uint64_t)info->width);
        rt__out_number(out, "features", (uint64_t)info->feature_size);
        rt__out_number(out, "weights", info->weight_count);
        rt__out_number(out, "nodes", rt__graph_count(module->graph));
    }
    if (code != RT_OK)
        code = RT_OK;
    else if ((code = print_ops(module->graph, "unsupported_ops", true, out, err)) == RT_OK)
        code = rt__inspect_print_candidates(path, out, err);
    rt__out_close(out);
    rt_module_close(module);
    return code;
}
