#include "saved_objects.h"

#include "proto/message.h"
#include "proto/tf_objects.pb-c.h"
#include "proto/tf_saved_model.pb-c.h"
#include "tensor_proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3, MOST_NESTED = 64 };

/* The functions that are asked first, in this order. */
static const char *const preferred[] = {"__call__", "call", "serve", "predict", "inference"};

typedef struct objects {
    rt_graph *graph;
    rt_arena *arena;
    const Tf__SavedObjectGraph *saved;
    const char **keys;   /* [saved->n_nodes] a variable's name in the checkpoint, or NULL */
    uint32_t *variables; /* [saved->n_nodes] 1 + its node in graph, or 0                  */
} objects;

/* A function that takes images. */
typedef struct candidate {
    const char *child; /* its name in the root object */
    const char *name;  /* in the library */
    const Tf__SavedConcreteFunction *concrete;
    const Tf__TensorSpecProto *images;
} candidate;

/* ---- what a function takes ---- */

typedef struct arguments {
    uint32_t tensors;
    bool trains; /* an argument is True: "training", in all that is known */
    const Tf__TensorSpecProto *tensor;
} arguments;

static void collect(const Tf__StructuredValue *value, uint32_t depth, arguments *args);

static void collect_list(const Tf__ListValue *list, uint32_t depth, arguments *args)
{
    for (size_t i = 0; list && i < list->n_values; i++)
        collect(list->values[i], depth, args);
}

static void collect(const Tf__StructuredValue *value, uint32_t depth, arguments *args)
{
    if (!value || depth > MOST_NESTED)
        return;
    if (value->kind_case == TF__STRUCTURED_VALUE__KIND_LIST_VALUE) {
        collect_list(value->list_value, depth + 1, args);
    } else if (value->kind_case == TF__STRUCTURED_VALUE__KIND_TUPLE_VALUE) {
        collect_list(value->tuple_value, depth + 1, args);
    } else if (value->kind_case == TF__STRUCTURED_VALUE__KIND_DICT_VALUE) {
        for (size_t i = 0; value->dict_value && i < value->dict_value->n_fields; i++)
            collect(value->dict_value->fields[i]->value, depth + 1, args);
    } else if (value->kind_case == TF__STRUCTURED_VALUE__KIND_TENSOR_SPEC_VALUE) {
        args->tensors++;
        args->tensor = value->tensor_spec_value;
    } else if (value->kind_case == TF__STRUCTURED_VALUE__KIND_BOOL_VALUE) {
        args->trains = args->trains || value->bool_value;
    }
}

static bool takes_images(const Tf__TensorSpecProto *spec)
{
    rt_shape shape;
    bool fits;
    if (!spec || spec->dtype != RT_FLOAT || rt__shape_read(spec->shape, &shape, &fits, NULL) != RT_OK ||
        !fits)
        return false;
    return shape.rank == 4 &&
           (shape.dim[3] == CHANNELS || shape.dim[3] == RT_UNKNOWN || shape.dim[1] == CHANNELS);
}

static const Tf__SavedConcreteFunction *find_concrete(const objects *o, const char *name)
{
    for (size_t i = 0; i < o->saved->n_concrete_functions; i++)
        if (strcmp(o->saved->concrete_functions[i]->key, name) == 0)
            return o->saved->concrete_functions[i]->value;
    return NULL;
}

/* The first concrete function of a child of the root that takes one batch of images. */
static bool try_child(const objects *o, const Tf__ObjectReference *child, candidate *found)
{
    const Tf__SavedObject *object;
    if (child->node_id < 0 || (size_t)child->node_id >= o->saved->n_nodes)
        return false;
    object = o->saved->nodes[child->node_id];
    if (object->kind_case != TF__SAVED_OBJECT__KIND_FUNCTION || !object->function)
        return false;
    for (size_t i = 0; i < object->function->n_concrete_functions; i++) {
        const char *name = object->function->concrete_functions[i];
        const Tf__SavedConcreteFunction *concrete = find_concrete(o, name);
        arguments args = {.tensors = 0};
        if (!concrete)
            continue;
        collect(concrete->canonicalized_input_signature, 0, &args);
        if (args.tensors != 1 || args.trains || !takes_images(args.tensor))
            continue;
        *found = (candidate){child->local_name, name, concrete, args.tensor};
        return true;
    }
    return false;
}

static rt_code no_function(const objects *o, const Tf__SavedObject *root, rt_error *err)
{
    rt_buffer list = {0};
    rt_code code;
    for (size_t i = 0; i < root->n_children; i++) {
        int32_t id = root->children[i]->node_id;
        if (id >= 0 && (size_t)id < o->saved->n_nodes &&
            o->saved->nodes[id]->kind_case == TF__SAVED_OBJECT__KIND_FUNCTION && list.size < 160)
            rt__buffer_format(&list, "%s'%.40s'", list.size ? ", " : "", root->children[i]->local_name);
    }
    code = rt_fail(err, RT_ENOTFOUND,
                   "neither a signature nor a function takes one batch of images (float [?,h,w,3]); its "
                   "functions: %s",
                   list.size && !list.failed ? list.bytes : "none");
    rt__buffer_clear(&list);
    return code;
}

static rt_code choose(const objects *o, candidate *found, rt_error *err)
{
    const Tf__SavedObject *root = o->saved->nodes[0];
    for (size_t k = 0; k < sizeof preferred / sizeof *preferred; k++)
        for (size_t i = 0; i < root->n_children; i++)
            if (strcmp(root->children[i]->local_name, preferred[k]) == 0 &&
                try_child(o, root->children[i], found))
                return RT_OK;
    for (size_t i = 0; i < root->n_children; i++)
        if (try_child(o, root->children[i], found))
            return RT_OK;
    return no_function(o, root, err);
}

/* ---- where the checkpoint keeps the variables ---- */

static int compare_references(const void *a, const void *b)
{
    return strcmp((*(Tf__ObjectReference *const *)a)->local_name,
                  (*(Tf__ObjectReference *const *)b)->local_name);
}

static const char *key_of(const Tf__TrackableObjectGraph__TrackableObject *object)
{
    for (size_t i = 0; i < object->n_attributes; i++)
        if (strcmp(object->attributes[i]->name, "VARIABLE_VALUE") == 0)
            return object->attributes[i]->checkpoint_key;
    return NULL;
}

/* Saved and stored objects are the same where the same names lead to them from the root. */
typedef struct pairs {
    const Tf__SavedObjectGraph *saved;
    Tf__TrackableObjectGraph *stored;
    int64_t *partner; /* [saved->n_nodes] or -1 */
    uint32_t *queue;  /* [saved->n_nodes] */
    uint32_t head, tail;
} pairs;

static void pair(pairs *p, int32_t saved, int32_t stored)
{
    if (saved < 0 || (size_t)saved >= p->saved->n_nodes || p->partner[saved] >= 0 || stored < 0 ||
        (size_t)stored >= p->stored->n_nodes)
        return;
    p->partner[saved] = stored;
    p->queue[p->tail++] = (uint32_t)saved;
}

static void pair_children(pairs *p, uint32_t saved)
{
    const Tf__SavedObject *object = p->saved->nodes[saved];
    Tf__TrackableObjectGraph__TrackableObject *partner = p->stored->nodes[p->partner[saved]];
    if (partner->n_children)
        qsort(partner->children, partner->n_children, sizeof(Tf__ObjectReference *), compare_references);
    for (size_t i = 0; i < object->n_children && partner->n_children; i++) {
        Tf__ObjectReference **child = bsearch(&object->children[i], partner->children, partner->n_children,
                                              sizeof(Tf__ObjectReference *), compare_references);
        if (child)
            pair(p, object->children[i]->node_id, (*child)->node_id);
    }
}

static rt_code pair_all(objects *o, Tf__TrackableObjectGraph *stored, rt_error *err)
{
    size_t n = o->saved->n_nodes;
    pairs p = {.saved = o->saved, .stored = stored};
    p.partner = calloc(n + 1, sizeof *p.partner);
    p.queue = calloc(n + 1, sizeof *p.queue);
    if (!p.partner || !p.queue || n > UINT32_MAX) {
        free(p.partner);
        free(p.queue);
        return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    memset(p.partner, -1, n * sizeof *p.partner);
    pair(&p, 0, 0);
    while (p.head < p.tail)
        pair_children(&p, p.queue[p.head++]);
    for (uint32_t i = 0; i < p.tail; i++)
        o->keys[p.queue[i]] = key_of(stored->nodes[p.partner[p.queue[i]]]);
    free(p.partner);
    free(p.queue);
    return RT_OK;
}

static rt_code find_keys(objects *o, const rt_bundle *bundle, rt_error *err)
{
    const rt_variable *v = bundle ? rt__bundle_find(bundle, "_CHECKPOINTABLE_OBJECT_GRAPH") : NULL;
    ProtobufCMessage *message;
    rt_tensor tensor;
    rt_code code;
    o->keys = rt__arena_array(o->arena, o->saved->n_nodes, sizeof *o->keys);
    o->variables = rt__arena_array(o->arena, o->saved->n_nodes, sizeof *o->variables);
    if (!o->keys || !o->variables)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if (!v)
        return RT_OK;
    code = rt__bundle_read(bundle, v, o->arena, &tensor, err);
    if (code == RT_OK && (tensor.dtype != RT_STRING || tensor.shape.rank != 0))
        code = rt_fail(err, RT_EFORMAT, "the checkpoint's graph of objects is no string");
    if (code == RT_OK)
        code = rt__proto_unpack(&tf__trackable_object_graph__descriptor, tensor.strings[0].bytes,
                                tensor.strings[0].size, o->arena, &message, err);
    return code == RT_OK ? pair_all(o, (Tf__TrackableObjectGraph *)message, err) : code;
}

/* ---- the call ---- */

static rt_code add_node(objects *o, const char *wanted, const char *op, uint32_t *index, rt_error *err)
{
    size_t size = strlen(wanted) + sizeof "_4294967295";
    char *name = rt__arena_alloc(o->arena, size);
    uint32_t taken;
    if (!name)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    snprintf(name, size, "%s", *wanted ? wanted : "unnamed");
    for (uint32_t i = 1; rt__graph_find(o->graph, name, &taken); i++)
        snprintf(name, size, "%s_%u", wanted, i);
    return rt__graph_add(o->graph, name, op, index, err);
}

/* dtype and shape, as a Placeholder and a VarHandleOp have them. */
static rt_code declare(objects *o, uint32_t node, int32_t dtype, const Tf__TensorShapeProto *shape,
                       rt_error *err)
{
    rt_attr type = {.name = "dtype", .kind = RT_ATTR_TYPE, .value.type = (rt_dtype)dtype};
    rt_attr dims = {.name = "shape", .kind = RT_ATTR_SHAPE, .value.shape = {.rank = RT_UNKNOWN}};
    bool fits;
    rt_code code = rt__graph_set_attr(o->graph, node, &type, err);
    if (code == RT_OK)
        code = rt__shape_read(shape, &dims.value.shape, &fits, err);
    return code == RT_OK && fits ? rt__graph_set_attr(o->graph, node, &dims, err) : code;
}

static rt_code add_variable(objects *o, int32_t id, const Tf__SavedVariable *v, rt_edge *edge, rt_error *err)
{
    rt_attr name = {.name = "shared_name", .kind = RT_ATTR_STRING};
    rt_code code;
    if (o->variables[id]) {
        edge->node = o->variables[id] - 1;
        return RT_OK;
    }
    code = add_node(o, v->name, "VarHandleOp", &edge->node, err);
    if (code == RT_OK)
        code = declare(o, edge->node, v->dtype, v->shape, err);
    o->variables[id] = edge->node + 1;
    if (code != RT_OK || !o->keys[id])
        return code;
    name.value.s = (rt_string){o->keys[id], strlen(o->keys[id])};
    return rt__graph_set_attr(o->graph, edge->node, &name, err);
}

static rt_code bind(objects *o, int32_t id, rt_edge *edge, rt_error *err)
{
    const Tf__SavedObject *object;
    *edge = (rt_edge){0, 0};
    if (id < 0 || (size_t)id >= o->saved->n_nodes)
        return rt_fail(err, RT_EFORMAT, "a function captures object %d, which is none", (int)id);
    object = o->saved->nodes[id];
    if (object->kind_case == TF__SAVED_OBJECT__KIND_VARIABLE && object->variable)
        return add_variable(o, id, object->variable, edge, err);
    if (object->kind_case == TF__SAVED_OBJECT__KIND_CONSTANT && object->constant) {
        if (rt__graph_find(o->graph, object->constant->operation, &edge->node))
            return RT_OK;
        return rt_fail(err, RT_EFORMAT, "there is no node for the captured constant '%s'",
                       object->constant->operation);
    }
    /* A table, say: an error only where the features need it. */
    return add_node(o, "captured_resource", "CapturedResource", &edge->node, err);
}

static rt_code add_call(objects *o, const candidate *c, uint32_t *call, rt_error *err)
{
    size_t n = c->concrete->n_bound_inputs;
    rt_attr f = {.name = "f", .kind = RT_ATTR_FUNC, .value.s = {c->name, strlen(c->name)}};
    rt_edge *edges = rt__arena_array(o->arena, n + 1, sizeof *edges);
    const char *images = *c->images->name ? c->images->name : "images";
    rt_code code;
    if (!edges || n >= UINT32_MAX)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = add_node(o, images, "Placeholder", &edges[0].node, err);
    if (code == RT_OK)
        code = declare(o, edges[0].node, c->images->dtype, c->images->shape, err);
    for (size_t i = 0; code == RT_OK && i < n; i++)
        code = bind(o, c->concrete->bound_inputs[i], &edges[1 + i], err);
    if (code == RT_OK)
        code = add_node(o, "PartitionedCall", "PartitionedCall", call, err);
    if (code == RT_OK)
        code = rt__graph_set_attr(o->graph, *call, &f, err);
    return code == RT_OK ? rt__graph_set_inputs(o->graph, *call, edges, (uint32_t)n + 1, NULL, 0, err) : code;
}

rt_code rt__saved_objects_call(const rt_meta_graph *meta, const rt_bundle *bundle, uint32_t *call,
                               rt_buffer *notice, rt_error *err)
{
    const ProtobufCBinaryData *bytes = &meta->message->object_graph_def;
    objects o = {.graph = meta->def.graph, .arena = rt__graph_arena(meta->def.graph)};
    candidate chosen;
    ProtobufCMessage *message;
    rt_code code = rt__proto_unpack(&tf__saved_object_graph__descriptor, bytes->data, bytes->len, o.arena,
                                    &message, err);
    if (code != RT_OK) {
        if (err)
            err->offset = -1; /* it is counted from the message, which the file does not begin with */
        return code;
    }
    o.saved = (const Tf__SavedObjectGraph *)message;
    if (o.saved->n_nodes == 0)
        return rt_fail(err, RT_ENOTFOUND, "it has neither a signature nor objects");
    code = choose(&o, &chosen, err);
    if (code == RT_OK)
        code = find_keys(&o, bundle, err);
    if (code == RT_OK)
        code = add_call(&o, &chosen, call, err);
    if (code == RT_OK)
        rt__buffer_format(notice, "function '%s'; ", chosen.child);
    return code;
}
