#include "meta_graph.h"

#include "graphdef_write.h"
#include "proto/message.h"
#include "proto/tf_graph.pb-c.h"
#include "proto/tf_saved_model.pb-c.h"

#include <string.h>

/* Where the parts of the message come from; after the first failure it gives NULL. */
typedef struct maker {
    rt_arena *arena;
    const rt_graph *graph;
    rt_code code;
    rt_error *err;
} maker;

static void *make(maker *m, size_t count, size_t size)
{
    void *memory = m->code == RT_OK ? rt__arena_array(m->arena, count, size) : NULL;
    if (m->code == RT_OK && !memory)
        m->code = rt_fail(m->err, RT_ENOMEM, "out of memory for a graph's message");
    return memory;
}

static char *node_name(const maker *m, uint32_t node)
{
    return (char *)(uintptr_t)rt__graph_node(m->graph, node)->name;
}

/* "name:0" */
static char *tensor_name(maker *m, uint32_t node)
{
    const char *name = node_name(m, node);
    size_t length = strlen(name);
    char *text = make(m, length + 3, 1);
    if (text) {
        memcpy(text, name, length);
        memcpy(text + length, ":0", 3);
    }
    return text;
}

static Tf__SaverDef *make_saver(maker *m, const rt_variables *v)
{
    Tf__SaverDef *saver = make(m, 1, sizeof *saver);
    if (!saver)
        return NULL;
    tf__saver_def__init(saver);
    saver->filename_tensor_name = tensor_name(m, v->save_path);
    saver->save_tensor_name = tensor_name(m, v->save_done);
    saver->restore_op_name = node_name(m, v->restore);
    saver->max_to_keep = 5;
    saver->keep_checkpoint_every_n_hours = 10000;
    saver->version = 2; /* SaverDef.V2 */
    return saver;
}

/* ---- collections ---- */

static void set_variable(maker *m, const rt_unfrozen_variable *v, ProtobufCBinaryData *value)
{
    Tf__VariableDef def = TF__VARIABLE_DEF__INIT;
    rt_buffer bytes = {0};
    def.variable_name = tensor_name(m, v->variable);
    def.initializer_name = node_name(m, v->assign);
    def.snapshot_name = tensor_name(m, v->read);
    def.initial_value_name = tensor_name(m, v->initial);
    def.is_resource = v->is_resource;
    def.trainable = v->is_trained;
    if (m->code == RT_OK)
        m->code = rt__proto_pack(&def.base, &bytes, m->err);
    value->len = bytes.size;
    value->data = make(m, bytes.size, 1);
    if (value->data)
        memcpy(value->data, bytes.bytes, bytes.size);
    rt__buffer_clear(&bytes);
}

static Tf__CollectionDefEntry *make_collection(maker *m, const char *key)
{
    Tf__CollectionDefEntry *entry = make(m, 1, sizeof *entry);
    Tf__CollectionDef *value = make(m, 1, sizeof *value);
    if (!entry || !value)
        return NULL;
    tf__collection_def_entry__init(entry);
    tf__collection_def__init(value);
    entry->key = (char *)(uintptr_t)key;
    entry->value = value;
    return entry;
}

/* Those variables that are trained, or all. */
static Tf__CollectionDefEntry *make_variables(maker *m, const char *key, const rt_variables *v, bool all)
{
    Tf__CollectionDefEntry *entry = make_collection(m, key);
    Tf__CollectionDef__BytesList *list = make(m, 1, sizeof *list);
    ProtobufCBinaryData *values = make(m, v->n, sizeof *values);
    if (!entry || !list || !values)
        return NULL;
    tf__collection_def__bytes_list__init(list);
    list->value = values;
    for (size_t i = 0; i < v->n; i++)
        if (all || v->variables[i].is_trained)
            set_variable(m, &v->variables[i], &values[list->n_value++]);
    entry->value->kind_case = TF__COLLECTION_DEF__KIND_BYTES_LIST;
    entry->value->bytes_list = list;
    return entry;
}

static Tf__CollectionDefEntry *make_main_op(maker *m, uint32_t node)
{
    Tf__CollectionDefEntry *entry = make_collection(m, "saved_model_main_op");
    Tf__CollectionDef__NodeList *list = make(m, 1, sizeof *list);
    char **names = make(m, 1, sizeof *names);
    if (!entry || !list || !names)
        return NULL;
    tf__collection_def__node_list__init(list);
    names[0] = node_name(m, node);
    list->value = names;
    list->n_value = 1;
    entry->value->kind_case = TF__COLLECTION_DEF__KIND_NODE_LIST;
    entry->value->node_list = list;
    return entry;
}

static void set_collections(maker *m, const rt_variables *v, const rt_serving *serving,
                            Tf__MetaGraphDef *meta)
{
    enum { MOST = 3 };
    meta->collection_def = make(m, MOST, sizeof *meta->collection_def);
    if (!meta->collection_def)
        return;
    meta->collection_def[meta->n_collection_def++] = make_variables(m, "variables", v, true);
    meta->collection_def[meta->n_collection_def++] = make_variables(m, "trainable_variables", v, false);
    if (serving)
        meta->collection_def[meta->n_collection_def++] = make_main_op(m, serving->main_op);
}

/* ---- the signature ---- */

static Tf__TensorShapeProto *make_shape(maker *m, const rt_shape *shape)
{
    Tf__TensorShapeProto *proto = make(m, 1, sizeof *proto);
    size_t rank = (size_t)shape->rank;
    Tf__TensorShapeProto__Dim *dims = make(m, rank, sizeof *dims);
    Tf__TensorShapeProto__Dim **pointers = make(m, rank, sizeof *pointers);
    if (!proto || !dims || !pointers)
        return NULL;
    tf__tensor_shape_proto__init(proto);
    proto->n_dim = rank;
    proto->dim = pointers;
    for (size_t i = 0; i < rank; i++) {
        tf__tensor_shape_proto__dim__init(&dims[i]);
        dims[i].size = shape->dim[i];
        pointers[i] = &dims[i];
    }
    return proto;
}

static Tf__TensorInfoEntry **make_port(maker *m, const char *key, uint32_t node, const rt_shape *shape)
{
    Tf__TensorInfoEntry **entries = make(m, 1, sizeof *entries), *entry = make(m, 1, sizeof *entry);
    Tf__TensorInfo *info = make(m, 1, sizeof *info);
    if (!entries || !entry || !info)
        return NULL;
    tf__tensor_info_entry__init(entry);
    tf__tensor_info__init(info);
    info->name = tensor_name(m, node);
    info->dtype = RT_FLOAT;
    info->tensor_shape = make_shape(m, shape);
    entry->key = (char *)(uintptr_t)key;
    entry->value = info;
    entries[0] = entry;
    return entries;
}

static void set_signature(maker *m, const rt_serving *s, Tf__MetaGraphDef *meta)
{
    static char key[] = "serving_default", method[] = "tensorflow/serving/predict";
    Tf__SignatureDefEntry *entry = make(m, 1, sizeof *entry);
    Tf__SignatureDef *signature = make(m, 1, sizeof *signature);
    meta->signature_def = make(m, 1, sizeof *meta->signature_def);
    if (!entry || !signature || !meta->signature_def)
        return;
    tf__signature_def_entry__init(entry);
    tf__signature_def__init(signature);
    signature->inputs = make_port(m, s->input_key, s->input, &s->input_shape);
    signature->outputs = make_port(m, s->output_key, s->output, &s->output_shape);
    signature->n_inputs = signature->n_outputs = 1;
    signature->method_name = method;
    entry->key = key;
    entry->value = signature;
    meta->signature_def[meta->n_signature_def++] = entry;
}

rt_code rt__meta_graph_message(const rt_variables *variables, const rt_serving *serving, rt_arena *arena,
                               Tf__MetaGraphDef **message, rt_error *err)
{
    maker m = {arena, variables->graph, RT_OK, err};
    Tf__MetaGraphDef *meta = make(&m, 1, sizeof *meta);
    Tf__MetaGraphDef__MetaInfoDef *info = make(&m, 1, sizeof *info);
    char **tags = make(&m, 1, sizeof *tags);
    if (!meta || !info || !tags)
        return m.code;
    tf__meta_graph_def__init(meta);
    tf__meta_graph_def__meta_info_def__init(info);
    meta->meta_info_def = info;
    info->tags = tags;
    if (serving)
        tags[info->n_tags++] = (char *)(uintptr_t)serving->tag;
    meta->saver_def = make_saver(&m, variables);
    set_collections(&m, variables, serving, meta);
    if (serving)
        set_signature(&m, serving, meta);
    if (m.code == RT_OK)
        m.code = rt__graphdef_message(variables->graph, RT_GRAPH_PRODUCER, arena, &meta->graph_def, err);
    *message = meta;
    return m.code;
}
