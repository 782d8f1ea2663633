#include "hub_module_write.h"

#include "attr_defaults.h"
#include "graphdef_write.h"
#include "proto/hub_module.pb-c.h"
#include "proto/message.h"
#include "proto/tf_graph.pb-c.h"
#include "proto/tf_saved_model.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT_V3 = 3, CHANNELS = 3 };

static rt_code no_memory(rt_error *err)
{
    return rt_fail(err, RT_ENOMEM, "out of memory for the module's graph");
}

/* ---- the graph ---- */

/* Notes for TensorFlow's placer, which name nodes that may be cut away, and those of its exporters. */
static bool is_note(const rt_attr *attr)
{
    return strcmp(attr->name, "_class") == 0 || strcmp(attr->name, "_output_shapes") == 0;
}

static rt_code copy_node(rt_graph *graph, const rt_node *from, rt_error *err)
{
    rt_attr *attrs = rt__arena_array(rt__graph_arena(graph), from->n_attrs, sizeof *attrs);
    uint32_t count = 0, index;
    rt_code code = attrs ? rt__graph_add(graph, from->name, from->op, &index, err) : no_memory(err);
    if (code != RT_OK)
        return code;
    for (uint32_t i = 0; i < from->n_attrs; i++)
        if (!is_note(&from->attrs[i]))
            attrs[count++] = from->attrs[i];
    rt__graph_set_attrs(graph, index, attrs, count);
    return rt__attr_add_defaults(graph, index, err);
}

/* The same nodes under the same numbers, without devices and notes. */
static rt_code plain_copy(rt_graph *from, rt_graph **graph, rt_error *err)
{
    uint32_t count = rt__graph_count(from);
    rt_code code = rt__graph_derive(from, graph, err);
    if (code != RT_OK)
        return code;
    for (uint32_t i = 0; code == RT_OK && i < count; i++)
        code = copy_node(*graph, rt__graph_node(from, i), err);
    for (uint32_t i = 0; code == RT_OK && i < count; i++) {
        const rt_node *node = rt__graph_node(from, i);
        code = rt__graph_set_inputs(*graph, i, node->inputs, node->n_inputs, NULL, 0, err);
    }
    if (code != RT_OK)
        rt__graph_free(*graph);
    return code;
}

/* ---- signatures ---- */

/* A TensorInfo and what it points to. */
typedef struct port {
    Tf__TensorInfoEntry entry, *entries[1];
    Tf__TensorInfo info;
    Tf__TensorShapeProto shape;
    Tf__TensorShapeProto__Dim dims[RT_MAX_RANK], *dim_list[RT_MAX_RANK];
    char *name;
} port;

static rt_code fill_port(port *p, const char *key, const rt_graph *graph, rt_edge edge, const rt_shape *shape,
                         rt_arena *arena, rt_error *err)
{
    enum { OUTPUT_DIGITS = 16 };
    const char *node = rt__graph_node(graph, edge.node)->name;
    size_t size = strlen(node) + OUTPUT_DIGITS;
    if (!(p->name = rt__arena_alloc(arena, size)))
        return no_memory(err);
    snprintf(p->name, size, "%s:%d", node, (int)edge.output);
    tf__tensor_info_entry__init(&p->entry);
    tf__tensor_info__init(&p->info);
    tf__tensor_shape_proto__init(&p->shape);
    p->entries[0] = &p->entry;
    p->entry.key = (char *)(uintptr_t)key;
    p->entry.value = &p->info;
    p->info.name = p->name;
    p->info.dtype = RT_FLOAT;
    p->info.tensor_shape = &p->shape;
    p->shape.n_dim = (size_t)shape->rank;
    p->shape.dim = p->dim_list;
    for (int i = 0; i < shape->rank; i++) {
        tf__tensor_shape_proto__dim__init(&p->dims[i]);
        p->dims[i].size = shape->dim[i];
        p->dim_list[i] = &p->dims[i];
    }
    return RT_OK;
}

enum { MOST_SIGNATURES = 3 };

typedef struct signatures {
    port images, feature, scores;
    size_t n;
    Tf__SignatureDef signature[MOST_SIGNATURES];
    Tf__SignatureDefEntry entry[MOST_SIGNATURES], *entries[MOST_SIGNATURES];
} signatures;

static void add_signature(signatures *s, const char *key, port *output)
{
    size_t i = s->n++;
    tf__signature_def__init(&s->signature[i]);
    tf__signature_def_entry__init(&s->entry[i]);
    s->signature[i].inputs = s->images.entries;
    s->signature[i].outputs = output->entries;
    s->signature[i].n_inputs = s->signature[i].n_outputs = 1;
    s->entry[i].key = (char *)(uintptr_t)key;
    s->entry[i].value = &s->signature[i];
    s->entries[i] = &s->entry[i];
}

static rt_code fill_signatures(signatures *s, const rt_hub_module_parts *parts, const rt_graph *graph,
                               rt_arena *arena, rt_error *err)
{
    const rt_shape images = {.rank = 4, .dim = {RT_UNKNOWN, parts->height, parts->width, CHANNELS}};
    const rt_shape feature = {.rank = 2, .dim = {RT_UNKNOWN, parts->feature_size}};
    const rt_shape scores = {.rank = 2, .dim = {RT_UNKNOWN, parts->n_scores}};
    rt_code code = fill_port(&s->images, "images", graph, parts->input, &images, arena, err);
    if (code == RT_OK && parts->feature_size)
        code = fill_port(&s->feature, "default", graph, parts->feature, &feature, arena, err);
    if (code == RT_OK && parts->n_scores)
        code = fill_port(&s->scores, "default", graph, parts->scores, &scores, arena, err);
    if (code != RT_OK)
        return code;
    add_signature(s, "default", parts->n_scores ? &s->scores : &s->feature);
    if (parts->n_scores)
        add_signature(s, "image_classification", &s->scores);
    if (parts->feature_size)
        add_signature(s, "image_feature_vector", &s->feature);
    return RT_OK;
}

/* ---- the attachment ---- */

typedef struct attachment {
    rt_buffer bytes;
    ProtobufCBinaryData value;
    Tf__CollectionDef__BytesList list;
    Tf__CollectionDef collection;
    Tf__CollectionDefEntry entry, *entries[1];
} attachment;

static rt_code fill_attachment(attachment *a, int32_t height, int32_t width, rt_error *err)
{
    static char key[] = "image_module_info", collection[] = "hub_module_attachments";
    Hub__ImageSize size = HUB__IMAGE_SIZE__INIT;
    Hub__ImageModuleInfo info = HUB__IMAGE_MODULE_INFO__INIT;
    Hub__ModuleAttachment message = HUB__MODULE_ATTACHMENT__INIT;
    rt_buffer inside = {0};
    rt_code code;
    size.height = height;
    size.width = width;
    info.default_image_size = &size;
    code = rt__proto_pack(&info.base, &inside, err);
    message.key = key;
    message.value = (ProtobufCBinaryData){inside.size, (uint8_t *)inside.bytes};
    if (code == RT_OK)
        code = rt__proto_pack(&message.base, &a->bytes, err);
    rt__buffer_clear(&inside);
    tf__collection_def__bytes_list__init(&a->list);
    tf__collection_def__init(&a->collection);
    tf__collection_def_entry__init(&a->entry);
    a->value = (ProtobufCBinaryData){a->bytes.size, (uint8_t *)a->bytes.bytes};
    a->list.n_value = 1;
    a->list.value = &a->value;
    a->collection.kind_case = TF__COLLECTION_DEF__KIND_BYTES_LIST;
    a->collection.bytes_list = &a->list;
    a->entry.key = collection;
    a->entry.value = &a->collection;
    a->entries[0] = &a->entry;
    return code;
}

/* ---- the whole ---- */

static rt_code pack(const rt_graph *graph, const signatures *s, const attachment *a, rt_arena *arena,
                    rt_buffer *bytes, rt_error *err)
{
    Tf__SavedModel model = TF__SAVED_MODEL__INIT;
    Tf__MetaGraphDef meta = TF__META_GRAPH_DEF__INIT, *metas[1] = {&meta};
    Tf__MetaGraphDef__MetaInfoDef info = TF__META_GRAPH_DEF__META_INFO_DEF__INIT;
    rt_code code = rt__graphdef_message(graph, RT_GRAPH_PRODUCER, arena, &meta.graph_def, err);
    if (code != RT_OK)
        return code;
    meta.meta_info_def = &info;
    meta.n_signature_def = s->n;
    meta.signature_def = (Tf__SignatureDefEntry **)(uintptr_t)s->entries;
    meta.n_collection_def = 1;
    meta.collection_def = (Tf__CollectionDefEntry **)(uintptr_t)a->entries;
    model.n_meta_graphs = 1;
    model.meta_graphs = metas;
    return rt__proto_pack(&model.base, bytes, err);
}

rt_code rt__hub_module_write(const rt_hub_module_parts *parts, rt_buffer *saved_model, rt_error *err)
{
    rt_arena *arena = rt__arena_new();
    rt_graph *graph = NULL;
    signatures *s = arena ? rt__arena_alloc(arena, sizeof *s) : NULL;
    attachment a = {.bytes = {0}};
    rt_code code = s ? plain_copy(parts->graph, &graph, err) : no_memory(err);
    if (code == RT_OK) {
        if ((code = fill_signatures(s, parts, graph, arena, err)) == RT_OK &&
            (code = fill_attachment(&a, parts->height, parts->width, err)) == RT_OK)
            code = pack(graph, s, &a, arena, saved_model, err);
        rt__graph_free(graph);
    }
    rt__buffer_clear(&a.bytes);
    rt__arena_free(arena);
    if (code != RT_OK)
        rt_doing(err, NULL, "cannot put the module together");
    return code;
}

void rt__hub_module_format(rt_buffer *bytes)
{
    static const char format[2] = {1 << 3, FORMAT_V3}; /* field 1, a varint */
    rt__buffer_add(bytes, format, sizeof format);
}
