#include "saved_model_functions.h"

#include "graph/prune.h"
#include "inline_functions.h"
#include "proto/tf_saved_model.pb-c.h"
#include "saved_objects.h"
#include "tensor_proto.h"

#include <stdlib.h>
#include <string.h>

/* The signatures that are taken before others, in this order. */
static const char *const preferred[] = {"serving_default", "default", "image_feature_vector", "serve"};

/* What is to be computed. */
typedef struct wanted {
    rt_edge *tensors; /* [count] of meta's graph, from its arena */
    rt_shape *shapes; /* [count] as far as they are known; rank RT_UNKNOWN otherwise */
    rt_dtype *types;  /* [count] */
    size_t count;
} wanted;

bool rt__meta_graph_is_tf2(const rt_meta_graph *meta)
{
    for (uint32_t i = 0; i < rt__graph_count(meta->def.graph); i++) {
        const char *op = rt__graph_node(meta->def.graph, i)->op;
        if (strcmp(op, "StatefulPartitionedCall") == 0 || strcmp(op, "PartitionedCall") == 0)
            return true;
    }
    return meta->message->object_graph_def.len > 0 && meta->def.library.size > 0;
}

/* ---- which signature ---- */

static bool takes_images(const Tf__SignatureDef *signature)
{
    for (size_t i = 0; i < signature->n_inputs; i++) {
        const Tf__TensorInfo *info = signature->inputs[i]->value;
        rt_shape shape;
        bool fits;
        if (info && info->dtype == RT_FLOAT &&
            rt__shape_read(info->tensor_shape, &shape, &fits, NULL) == RT_OK && fits &&
            (shape.rank == RT_UNKNOWN || shape.rank == 4))
            return true;
    }
    return false;
}

static bool has_results(const Tf__SignatureDef *signature)
{
    for (size_t i = 0; i < signature->n_outputs; i++)
        if (!signature->outputs[i]->value || signature->outputs[i]->value->dtype == 0)
            return false; /* a signature that only says what to run, as __saved_model_init_op does */
    return signature->n_inputs > 0 && signature->n_outputs > 0;
}

static const Tf__SignatureDefEntry *choose_signature(const rt_meta_graph *meta)
{
    const Tf__MetaGraphDef *message = meta->message;
    const Tf__SignatureDefEntry *best = NULL;
    size_t best_rank = SIZE_MAX;
    for (size_t i = 0; i < message->n_signature_def; i++) {
        const Tf__SignatureDefEntry *entry = message->signature_def[i];
        size_t count = sizeof preferred / sizeof *preferred, rank = 0;
        if (!entry->value || !has_results(entry->value))
            continue;
        while (rank < count && strcmp(entry->key, preferred[rank]) != 0)
            rank++;
        if (!takes_images(entry->value))
            rank += count + 1; /* a string of bytes to decode, say: better than nothing */
        if (rank < best_rank) {
            best = entry;
            best_rank = rank;
        }
    }
    return best;
}

static rt_code wanted_new(rt_arena *arena, size_t count, wanted *w, rt_error *err)
{
    w->tensors = rt__arena_array(arena, count, sizeof *w->tensors);
    w->shapes = rt__arena_array(arena, count, sizeof *w->shapes);
    w->types = rt__arena_array(arena, count, sizeof *w->types);
    w->count = count;
    return w->tensors && w->shapes && w->types ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

static rt_code want_signature(const rt_meta_graph *meta, const Tf__SignatureDefEntry *entry, wanted *w,
                              rt_error *err)
{
    const Tf__SignatureDef *signature = entry->value;
    rt_code code = wanted_new(rt__graph_arena(meta->def.graph), signature->n_outputs, w, err);
    for (size_t i = 0; code == RT_OK && i < w->count; i++) {
        const Tf__TensorInfo *info = signature->outputs[i]->value;
        bool fits;
        w->types[i] = (rt_dtype)info->dtype;
        code = rt__graph_find_tensor(meta->def.graph, info->name, &w->tensors[i], err);
        if (code == RT_OK)
            code = rt__shape_read(info->tensor_shape, &w->shapes[i], &fits, err);
    }
    if (code != RT_OK)
        rt_doing(err, NULL, "cannot use signature '%s'", entry->key);
    return code;
}

static rt_code want_call(const rt_meta_graph *meta, const rt_bundle *bundle, rt_functions *functions,
                         rt_buffer *notice, wanted *w, rt_error *err)
{
    const rt_function *f;
    const rt_attr *attr;
    uint32_t call = 0;
    rt_code code = rt__saved_objects_call(meta, bundle, &call, notice, err);
    if (code != RT_OK)
        return code;
    attr = rt__node_attr(rt__graph_node(meta->def.graph, call), "f");
    code = rt__functions_read(functions, attr->value.s.bytes, &f, err);
    if (code == RT_OK)
        code = wanted_new(rt__graph_arena(meta->def.graph), f->n_outputs, w, err);
    for (uint32_t i = 0; code == RT_OK && i < f->n_outputs; i++) {
        w->tensors[i] = (rt_edge){call, (int32_t)i};
        w->shapes[i] = (rt_shape){.rank = RT_UNKNOWN};
        w->types[i] = f->output_types[i];
        rt__edge_shape(f->body, f->outputs[i], &w->shapes[i]);
    }
    return code;
}

/* ---- what is left of the graph ---- */

/* The node that restores the variables, if there is one. */
static bool find_restore(const rt_meta_graph *meta, rt_edge *restore)
{
    const Tf__SaverDef *saver = meta->message->saver_def;
    restore->output = 0;
    return saver && *saver->restore_op_name &&
           rt__graph_find_tensor(meta->def.graph, saver->restore_op_name, restore, NULL) == RT_OK;
}

static rt_code inline_all(const rt_meta_graph *meta, rt_functions *functions, const wanted *w, rt_error *err)
{
    rt_edge *needed = calloc(w->count + 1, sizeof *needed);
    size_t count = w->count;
    rt_code code;
    if (!needed)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if (count)
        memcpy(needed, w->tensors, count * sizeof *needed);
    count += find_restore(meta, &needed[count]);
    code = rt__inline_functions(meta->def.graph, functions, needed, count, err);
    if (code == RT_OK)
        code = rt__name_restored(meta->def.graph, err);
    free(needed);
    return code;
}

/* The only result that is one vector or map a photo. */
static size_t find_vector(const wanted *w)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < w->count; i++) {
        int rank = w->shapes[i].rank;
        if (w->types[i] != RT_FLOAT || (rank != 2 && rank != 4))
            continue;
        if (found != SIZE_MAX)
            return SIZE_MAX;
        found = i;
    }
    return found;
}

static rt_code keep_wanted(const rt_meta_graph *meta, const wanted *w, rt_network *network, rt_edge *vector,
                           rt_error *err)
{
    rt_edge *kept = calloc(w->count + 1, sizeof *kept);
    size_t at = find_vector(w);
    rt_code code;
    if (!kept)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = rt__graph_prune(meta->def.graph, w->tensors, w->count, &network->graph, kept, err);
    *vector = (rt_edge){UINT32_MAX, 0};
    if (code == RT_OK && at != SIZE_MAX)
        *vector = kept[at];
    free(kept);
    return code;
}

rt_code rt__saved_model_expand(const rt_meta_graph *meta, const rt_bundle *bundle, rt_network *network,
                               rt_edge *vector, rt_error *err)
{
    const Tf__SignatureDefEntry *entry = choose_signature(meta);
    rt_functions *functions = NULL;
    wanted w = {.count = 0};
    rt_code code = rt__functions_new(meta->def.library, rt__graph_arena(meta->def.graph), &functions, err);
    if (code == RT_OK && entry)
        code = want_signature(meta, entry, &w, err);
    else if (code == RT_OK)
        code = want_call(meta, bundle, functions, &network->notice, &w, err);
    if (code == RT_OK && entry)
        rt__buffer_format(&network->notice, "signature '%s'; ", entry->key);
    if (code == RT_OK)
        code = inline_all(meta, functions, &w, err);
    if (code == RT_OK)
        code = keep_wanted(meta, &w, network, vector, err);
    rt__functions_free(functions);
    return code;
}
