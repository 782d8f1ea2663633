#include "saved_model.h"

#include "base/buffer.h"
#include "proto/field.h"
#include "proto/message.h"
#include "proto/tf_saved_model.pb-c.h"
#include "tensor_proto.h"

#include <string.h>

/* Fields of SavedModel and MetaGraphDef that are looked at before a graph is chosen and unpacked. */
enum { META_GRAPHS = 2, META_INFO_DEF = 1, TAGS = 4 };

static bool has_tag(const rt_field *info, const char *tag)
{
    rt_cursor c = rt__cursor(info->bytes, info->size);
    rt_field field;
    while (rt__field_next(&c, &field))
        if (field.number == TAGS && field.wire == RT_WIRE_BYTES && field.size == strlen(tag) &&
            memcmp(field.bytes, tag, field.size) == 0)
            return true;
    return false;
}

static size_t count_tags(const rt_field *info)
{
    rt_cursor c = rt__cursor(info->bytes, info->size);
    rt_field field;
    size_t count = 0;
    while (rt__field_next(&c, &field))
        count += field.number == TAGS && field.wire == RT_WIRE_BYTES;
    return count;
}

static bool matches(const rt_field *info, const char *const *tags, size_t n_tags)
{
    for (size_t i = 0; i < n_tags; i++)
        if (!has_tag(info, tags[i]))
            return false;
    return count_tags(info) == n_tags;
}

/* The next graph of a SavedModel and its MetaInfoDef, which may be empty. */
static bool next_graph(rt_cursor *c, rt_field *graph, rt_field *info)
{
    while (rt__field_next(c, graph)) {
        if (graph->number != META_GRAPHS || graph->wire != RT_WIRE_BYTES)
            continue;
        if (!rt__field_find(graph->bytes, graph->size, META_INFO_DEF, info) || info->wire != RT_WIRE_BYTES)
            *info = (rt_field){.bytes = NULL};
        return true;
    }
    return false;
}

/* "{serve}, {serve,gpu}" */
static void list_tags(rt_cursor graphs, rt_buffer *list)
{
    rt_field graph, info, tag;
    while (next_graph(&graphs, &graph, &info)) {
        rt_cursor c = rt__cursor(info.bytes, info.size);
        size_t count = 0;
        rt__buffer_text(list, list->size ? ", {" : "{");
        while (rt__field_next(&c, &tag))
            if (tag.number == TAGS && tag.wire == RT_WIRE_BYTES)
                rt__buffer_format(list, "%s%.*s", count++ ? "," : "", tag.size < 64 ? (int)tag.size : 64,
                                  (const char *)tag.bytes);
        rt__buffer_text(list, "}");
    }
}

/* Finds the bytes of the graph whose tags are the wanted ones. */
static rt_code pick(const void *bytes, size_t size, const char *const *tags, size_t n_tags, rt_field *chosen,
                    rt_error *err)
{
    rt_cursor c = rt__cursor(bytes, size);
    rt_buffer list = {0};
    rt_field info = {.bytes = NULL};
    rt_code code;
    while (next_graph(&c, chosen, &info))
        if (matches(&info, tags, n_tags))
            return RT_OK;
    if (rt__cursor_left(&c) > 0)
        return rt_fail_at(err, RT_EFORMAT, (int64_t)c.at,
                          "the SavedModel is cut off or damaged here (%zu bytes are left of it)",
                          rt__cursor_left(&c));
    list_tags(rt__cursor(bytes, size), &list);
    if (list.size == 0)
        code = rt_fail(err, RT_EFORMAT, "a SavedModel without a graph");
    else
        code = rt_fail(err, RT_ENOTFOUND, "no graph with the tags wanted; there are %s", list.bytes);
    rt__buffer_clear(&list);
    return code;
}

rt_code rt__meta_graph_read(const void *bytes, size_t size, rt_meta_graph *meta, rt_error *err)
{
    ProtobufCMessage *message;
    Tf__MetaGraphDef *chosen;
    rt_graph *graph;
    rt_code code = rt__graph_new(&graph, err);
    if (code != RT_OK)
        return code;
    code =
        rt__proto_unpack(&tf__meta_graph_def__descriptor, bytes, size, rt__graph_arena(graph), &message, err);
    if (code == RT_OK) {
        chosen = (Tf__MetaGraphDef *)message;
        meta->message = chosen;
        code = chosen->graph_def ? rt__graphdef_fill(graph, chosen->graph_def, &meta->def, err)
                                 : rt_fail(err, RT_EFORMAT, "a MetaGraphDef without a graph");
    }
    if (code != RT_OK)
        rt__graph_free(graph);
    return code;
}

/* Finds the first graph with that tag among others, or the only graph. */
static bool pick_nearest(const void *bytes, size_t size, const char *tag, rt_field *chosen)
{
    rt_cursor c = rt__cursor(bytes, size);
    rt_field graph = {.bytes = NULL}, info;
    size_t count = 0;
    for (; next_graph(&c, &graph, &info); count++) {
        *chosen = graph;
        if (has_tag(&info, tag))
            return true;
    }
    return count == 1;
}

static rt_code read_chosen(const void *bytes, const rt_field *field, rt_meta_graph *meta, rt_error *err)
{
    rt_code code = rt__meta_graph_read(field->bytes, field->size, meta, err);
    if (code != RT_OK && err && err->offset >= 0)
        err->offset += field->bytes - (const uint8_t *)bytes;
    return code;
}

rt_code rt__saved_model_read_nearest(const void *bytes, size_t size, const char *tag, rt_meta_graph *meta,
                                     rt_error *err)
{
    rt_field field = {.bytes = NULL};
    rt_code code = pick(bytes, size, &tag, 1, &field, err);
    if (code == RT_ENOTFOUND &&
        (pick(bytes, size, NULL, 0, &field, NULL) == RT_OK || pick_nearest(bytes, size, tag, &field)))
        code = RT_OK;
    return code == RT_OK ? read_chosen(bytes, &field, meta, err) : code;
}

rt_code rt__saved_model_read(const void *bytes, size_t size, const char *const *tags, size_t n_tags,
                             rt_meta_graph *meta, rt_error *err)
{
    rt_field field = {.bytes = NULL};
    rt_code code = pick(bytes, size, tags, n_tags, &field, err);
    return code == RT_OK ? read_chosen(bytes, &field, meta, err) : code;
}

static const Tf__SignatureDef *find_signature(const rt_meta_graph *meta, const char *name)
{
    for (size_t i = 0; i < meta->message->n_signature_def; i++)
        if (strcmp(meta->message->signature_def[i]->key, name) == 0)
            return meta->message->signature_def[i]->value;
    return NULL;
}

bool rt__meta_graph_has_signature(const rt_meta_graph *meta, const char *signature)
{
    return find_signature(meta, signature) != NULL;
}

static rt_code no_signature(const rt_meta_graph *meta, const char *name, rt_error *err)
{
    rt_buffer list = {0};
    rt_code code;
    for (size_t i = 0; i < meta->message->n_signature_def; i++)
        rt__buffer_format(&list, "%s'%s'", i ? ", " : "", meta->message->signature_def[i]->key);
    code = rt_fail(err, RT_ENOTFOUND, "no signature '%s'; there are: %s", name,
                   list.size && !list.failed ? list.bytes : "none");
    rt__buffer_clear(&list);
    return code;
}

static rt_code no_port(const char *what, const char *signature, Tf__TensorInfoEntry *const *ports,
                       size_t count, const char *key, rt_error *err)
{
    rt_buffer list = {0};
    rt_code code;
    for (size_t i = 0; i < count; i++)
        rt__buffer_format(&list, "%s'%s'", i ? ", " : "", ports[i]->key);
    code = rt_fail(err, RT_ENOTFOUND, "signature '%s' has no %s '%s'; there are: %s", signature, what,
                   key ? key : "(the only one)", list.size && !list.failed ? list.bytes : "none");
    rt__buffer_clear(&list);
    return code;
}

static rt_code find_port(const char *what, const char *signature, Tf__TensorInfoEntry *const *ports,
                         size_t count, const char *key, rt_port *port, rt_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const Tf__TensorInfo *info = ports[i]->value;
        bool fits;
        rt_code code;
        if (!info || (key ? strcmp(ports[i]->key, key) != 0 : count != 1))
            continue;
        *port = (rt_port){.key = ports[i]->key, .name = info->name, .dtype = (rt_dtype)info->dtype};
        code = rt__shape_read(info->tensor_shape, &port->shape, &fits, err);
        if (code != RT_OK)
            rt_doing(err, NULL, "cannot read signature '%s'", signature);
        return code;
    }
    return no_port(what, signature, ports, count, key, err);
}

rt_code rt__meta_graph_input(const rt_meta_graph *meta, const char *signature, const char *key, rt_port *port,
                             rt_error *err)
{
    const Tf__SignatureDef *s = find_signature(meta, signature);
    return s ? find_port("input", signature, s->inputs, s->n_inputs, key, port, err)
             : no_signature(meta, signature, err);
}

rt_code rt__meta_graph_output(const rt_meta_graph *meta, const char *signature, const char *key,
                              rt_port *port, rt_error *err)
{
    const Tf__SignatureDef *s = find_signature(meta, signature);
    return s ? find_port("output", signature, s->outputs, s->n_outputs, key, port, err)
             : no_signature(meta, signature, err);
}

size_t rt__meta_graph_outputs(const rt_meta_graph *meta, const char *first, const char **names, size_t room)
{
    size_t count = 0;
    for (int others = 0; others < 2; others++)
        for (size_t i = 0; i < meta->message->n_signature_def; i++) {
            const Tf__SignatureDef *s = meta->message->signature_def[i]->value;
            bool is_first = first && strcmp(meta->message->signature_def[i]->key, first) == 0;
            for (size_t k = 0; s && is_first != others && k < s->n_outputs; k++) {
                const Tf__TensorInfo *info = s->outputs[k]->value;
                if (info && count < room)
                    names[count] = info->name;
                count += info != NULL;
            }
        }
    return count;
}

bool rt__meta_graph_collected(const rt_meta_graph *meta, const char *collection, size_t i, rt_string *value)
{
    for (size_t c = 0; c < meta->message->n_collection_def; c++) {
        const Tf__CollectionDefEntry *entry = meta->message->collection_def[c];
        const Tf__CollectionDef__BytesList *list;
        if (strcmp(entry->key, collection) != 0 || !entry->value ||
            entry->value->kind_case != TF__COLLECTION_DEF__KIND_BYTES_LIST)
            continue;
        list = entry->value->bytes_list;
        if (i >= list->n_value)
            return false;
        *value = (rt_string){(const char *)list->value[i].data, list->value[i].len};
        return true;
    }
    return false;
}
