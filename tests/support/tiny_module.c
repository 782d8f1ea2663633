#include "tiny_module.h"

#include "base/file.h"
#include "export/bundle_write.h"
#include "export/graphdef_write.h"
#include "proto/hub_module.pb-c.h"
#include "proto/message.h"
#include "proto/tf_saved_model.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(rt_code code, const rt_error *err)
{
    char text[1024];
    if (code == RT_OK)
        return;
    fprintf(stderr, "%s\n", rt_error_text(err, text, sizeof text));
    abort();
}

uint32_t tiny_node(rt_graph *graph, const char *name, const char *op, const rt_edge *inputs,
                   uint32_t n_inputs)
{
    rt_error err;
    uint32_t node;
    must(rt__graph_add(graph, name, op, &node, &err), &err);
    must(rt__graph_set_inputs(graph, node, inputs, n_inputs, NULL, 0, &err), &err);
    return node;
}

static void set(rt_graph *graph, uint32_t node, const rt_attr *attr)
{
    rt_error err;
    must(rt__graph_set_attr(graph, node, attr, &err), &err);
}

void tiny_type(rt_graph *graph, uint32_t node, const char *name, rt_dtype type)
{
    set(graph, node, &(rt_attr){.name = name, .kind = RT_ATTR_TYPE, .value.type = type});
}

void tiny_shape(rt_graph *graph, uint32_t node, const char *name, int rank, const int64_t *dims)
{
    rt_attr attr = {.name = name, .kind = RT_ATTR_SHAPE, .value.shape = {.rank = rank}};
    for (int i = 0; i < rank; i++)
        attr.value.shape.dim[i] = dims[i];
    set(graph, node, &attr);
}

void tiny_text(rt_graph *graph, uint32_t node, const char *name, const char *text)
{
    set(graph, node, &(rt_attr){.name = name, .kind = RT_ATTR_STRING, .value.s = {text, strlen(text)}});
}

static rt_tensor eighths(rt_arena *arena, int rank, const int64_t *dims)
{
    rt_tensor tensor = {.dtype = RT_FLOAT, .shape = {.rank = rank}};
    size_t elements = 1;
    float *values;
    for (int i = 0; i < rank; i++) {
        tensor.shape.dim[i] = dims[i];
        elements *= (size_t)dims[i];
    }
    values = rt__arena_array(arena, elements, sizeof *values);
    for (size_t i = 0; i < elements; i++)
        values[i] = (float)i / 8;
    tensor.bytes = elements * sizeof *values;
    tensor.data = values;
    return tensor;
}

uint32_t tiny_const(rt_graph *graph, const char *name, int rank, const int64_t *dims)
{
    rt_tensor tensor = eighths(rt__graph_arena(graph), rank, dims);
    rt_error err;
    uint32_t node;
    must(rt__graph_add_const(graph, name, &tensor, &node, &err), &err);
    return node;
}

static const int64_t weight_dims[4] = {1, 1, 3, TINY_FEATURES};

static rt_edge add_weights(rt_graph *graph, bool variables)
{
    uint32_t handle, read;
    if (!variables)
        return (rt_edge){tiny_const(graph, "net/weights", 4, weight_dims), 0};
    handle = tiny_node(graph, "net/weights", "VarHandleOp", NULL, 0);
    tiny_type(graph, handle, "dtype", RT_FLOAT);
    tiny_shape(graph, handle, "shape", 4, weight_dims);
    tiny_text(graph, handle, "shared_name", "net/weights");
    read = tiny_node(graph, "net/Conv2D/ReadVariableOp", "ReadVariableOp", &(rt_edge){handle, 0}, 1);
    tiny_type(graph, read, "dtype", RT_FLOAT);
    return (rt_edge){read, 0};
}

rt_graph *tiny_graph(bool variables)
{
    static const int32_t places[2] = {1, 2};
    static const int64_t ones[4] = {1, 1, 1, 1}, image[4] = {RT_UNKNOWN, TINY_HEIGHT, TINY_WIDTH, 3};
    const rt_tensor axes = {
        .dtype = RT_INT32, .shape = {.rank = 1, .dim = {2}}, .bytes = sizeof places, .data = places};
    rt_graph *graph;
    rt_error err;
    rt_edge x[2], pooled[2];
    must(rt__graph_new(&graph, &err), &err);
    x[0] = (rt_edge){tiny_node(graph, "images", "Placeholder", NULL, 0), 0};
    tiny_type(graph, x[0].node, "dtype", RT_FLOAT);
    tiny_shape(graph, x[0].node, "shape", 4, image);
    x[1] = add_weights(graph, variables);
    pooled[0] = (rt_edge){tiny_node(graph, "net/Conv2D", "Conv2D", x, 2), 0};
    tiny_type(graph, pooled[0].node, "T", RT_FLOAT);
    tiny_text(graph, pooled[0].node, "padding", "SAME");
    set(graph, pooled[0].node,
        &(rt_attr){.name = "strides", .kind = RT_ATTR_LIST_INT, .count = 4, .value.ints = ones});
    pooled[0] = (rt_edge){tiny_node(graph, "net/Relu", "Relu", pooled, 1), 0};
    tiny_type(graph, pooled[0].node, "T", RT_FLOAT);
    must(rt__graph_add_const(graph, "net/axes", &axes, &pooled[1].node, &err), &err);
    pooled[1].output = 0;
    tiny_type(graph, tiny_node(graph, "net/features", "Mean", pooled, 2), "T", RT_FLOAT);
    return graph;
}

/* ---- the files ---- */

static void write_file(const char *folder, const char *name, const void *bytes, size_t size)
{
    rt_buffer path = {0};
    rt_error err;
    rt__path_join(&path, folder, name);
    must(rt__file_write(path.bytes, bytes, size, false, &err), &err);
    rt__buffer_clear(&path);
}

static Tf__TensorInfoEntry *port(rt_arena *arena, const char *key, const char *name)
{
    Tf__TensorInfoEntry *entry = rt__arena_alloc(arena, sizeof *entry);
    Tf__TensorInfo *info = rt__arena_alloc(arena, sizeof *info);
    tf__tensor_info_entry__init(entry);
    tf__tensor_info__init(info);
    entry->key = rt__arena_string(arena, key);
    entry->value = info;
    info->name = rt__arena_string(arena, name);
    info->dtype = RT_FLOAT;
    return entry;
}

static void add_signature(Tf__MetaGraphDef *meta, rt_arena *arena)
{
    Tf__SignatureDefEntry *entry = rt__arena_alloc(arena, sizeof *entry);
    Tf__SignatureDef *signature = rt__arena_alloc(arena, sizeof *signature);
    tf__signature_def_entry__init(entry);
    tf__signature_def__init(signature);
    entry->key = rt__arena_string(arena, "default");
    entry->value = signature;
    signature->n_inputs = signature->n_outputs = 1;
    signature->inputs = rt__arena_alloc(arena, sizeof *signature->inputs);
    signature->outputs = rt__arena_alloc(arena, sizeof *signature->outputs);
    signature->inputs[0] = port(arena, "images", "images:0");
    signature->outputs[0] = port(arena, "default", "net/features:0");
    meta->n_signature_def = 1;
    meta->signature_def = rt__arena_alloc(arena, sizeof *meta->signature_def);
    meta->signature_def[0] = entry;
}

/* The attachment image_module_info: {1: "image_module_info", 2: {1: {1: height, 2: width}}}. */
static void add_image_info(Tf__MetaGraphDef *meta, rt_arena *arena)
{
    static const uint8_t size[] = {0x0a, 4, 0x08, TINY_HEIGHT, 0x10, TINY_WIDTH};
    Hub__ModuleAttachment attachment = HUB__MODULE_ATTACHMENT__INIT;
    Tf__CollectionDefEntry *entry = rt__arena_alloc(arena, sizeof *entry);
    Tf__CollectionDef *collection = rt__arena_alloc(arena, sizeof *collection);
    Tf__CollectionDef__BytesList *list = rt__arena_alloc(arena, sizeof *list);
    rt_buffer bytes = {0};
    rt_error err;
    attachment.key = rt__arena_string(arena, "image_module_info");
    attachment.value = (ProtobufCBinaryData){sizeof size, rt__arena_alloc(arena, sizeof size)};
    memcpy(attachment.value.data, size, sizeof size);
    must(rt__proto_pack(&attachment.base, &bytes, &err), &err);
    tf__collection_def_entry__init(entry);
    tf__collection_def__init(collection);
    tf__collection_def__bytes_list__init(list);
    entry->key = rt__arena_string(arena, "hub_module_attachments");
    entry->value = collection;
    collection->kind_case = TF__COLLECTION_DEF__KIND_BYTES_LIST;
    collection->bytes_list = list;
    list->n_value = 1;
    list->value = rt__arena_alloc(arena, sizeof *list->value);
    list->value[0] =
        (ProtobufCBinaryData){bytes.size, (uint8_t *)rt__arena_copy(arena, bytes.bytes, bytes.size)};
    meta->n_collection_def = 1;
    meta->collection_def = rt__arena_alloc(arena, sizeof *meta->collection_def);
    meta->collection_def[0] = entry;
    rt__buffer_clear(&bytes);
}

static void write_saved_model(const char *folder, const rt_graph *graph, const tiny_options *options)
{
    Tf__SavedModel saved = TF__SAVED_MODEL__INIT;
    Tf__MetaGraphDef meta = TF__META_GRAPH_DEF__INIT, *only = &meta;
    Tf__MetaGraphDef__MetaInfoDef info = TF__META_GRAPH_DEF__META_INFO_DEF__INIT;
    rt_arena *arena = rt__arena_new();
    rt_buffer bytes = {0};
    rt_error err;
    info.n_tags = options->n_tags;
    info.tags = rt__arena_array(arena, options->n_tags, sizeof *info.tags);
    for (size_t i = 0; i < options->n_tags; i++)
        info.tags[i] = rt__arena_string(arena, options->tags[i]);
    meta.meta_info_def = &info;
    must(rt__graphdef_message(graph, RT_GRAPH_PRODUCER, arena, &meta.graph_def, &err), &err);
    if (!options->no_signature)
        add_signature(&meta, arena);
    if (!options->no_image_info)
        add_image_info(&meta, arena);
    saved.n_meta_graphs = 1;
    saved.meta_graphs = &only;
    must(rt__proto_pack(&saved.base, &bytes, &err), &err);
    write_file(folder, "saved_model.pb", bytes.bytes, bytes.size);
    rt__buffer_clear(&bytes);
    rt__arena_free(arena);
}

static void write_variables(const char *folder, const tiny_options *options)
{
    rt_arena *arena = rt__arena_new();
    rt_named_tensor variable = {options->variable ? options->variable : "net/weights",
                                eighths(arena, 4, weight_dims)};
    rt_buffer path = {0};
    rt_error err;
    if (options->variable_type != RT_DTYPE_NONE)
        variable.tensor.dtype = options->variable_type;
    rt__path_join(&path, folder, "variables");
    must(rt__folder_make(path.bytes, &err), &err);
    rt__path_join(&path, folder, "variables/variables");
    must(rt__bundle_write(path.bytes, &variable, 1, &err), &err);
    rt__buffer_clear(&path);
    rt__arena_free(arena);
}

void tiny_module_write(const char *folder, rt_graph *graph, const tiny_options *options)
{
    static const uint8_t format[2] = {0x08, 3};
    rt_graph *own = graph ? NULL : tiny_graph(true);
    write_file(folder, "tfhub_module.pb", format, sizeof format);
    write_saved_model(folder, graph ? graph : own, options);
    write_variables(folder, options);
    rt__graph_free(own);
}
