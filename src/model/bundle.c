#include "base/array.h"
#include "base/checked.h"
#include "bundle_inside.h"
#include "proto/message.h"
#include "proto/tf_bundle.pb-c.h"
#include "table.h"
#include "tensor_proto.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ENTRIES = 1000000, MAX_SHARDS = 100000, LITTLE_ENDIAN_DATA = 0, BUNDLE_VERSION = 1 };

/* An open that is under way. */
typedef struct opening {
    rt_bundle *bundle;
    const char *prefix;
    bool has_header;
} opening;

static rt_code no_memory(rt_error *err)
{
    return rt_fail(err, RT_ENOMEM, "out of memory for a checkpoint's index");
}

rt_code rt__bundle_shards(rt_bundle *b, uint32_t count, rt_error *err)
{
    b->shards = rt__arena_array(b->arena, count, sizeof *b->shards);
    b->n_shards = b->shards ? count : 0;
    return b->shards ? RT_OK : no_memory(err);
}

rt_code rt__bundle_map(rt_bundle *b, uint32_t shard, const char *path, rt_error *err)
{
    rt_code code;
    if (!path || !(b->shards[shard].path = rt__arena_string(b->arena, path)))
        return no_memory(err);
    if ((code = rt__map_open(&b->shards[shard].map, path, err)) != RT_OK)
        rt_doing(err, path, "cannot read the checkpoint's data");
    return code;
}

static rt_code open_shards(rt_bundle *b, const char *prefix, uint32_t count, rt_error *err)
{
    rt_buffer path = {0};
    rt_code code = rt__bundle_shards(b, count, err);
    for (uint32_t i = 0; code == RT_OK && i < count; i++) {
        rt__buffer_reset(&path);
        rt__buffer_format(&path, "%s.data-%05u-of-%05u", prefix, i, count);
        code = rt__bundle_map(b, i, path.failed ? NULL : path.bytes, err);
    }
    rt__buffer_clear(&path);
    return code;
}

rt_code rt__bundle_check_version(const Tf__VersionDef *version, rt_error *err)
{
    return version && version->min_consumer > BUNDLE_VERSION
               ? rt_fail(err, RT_EUNSUPPORTED, "checkpoint version %d, at most %d is known",
                         (int)version->min_consumer, BUNDLE_VERSION)
               : RT_OK;
}

static rt_code read_header(opening *o, const rt_table_row *row, rt_error *err)
{
    ProtobufCMessage *message;
    const Tf__BundleHeaderProto *header;
    rt_code code = rt__proto_unpack(&tf__bundle_header_proto__descriptor, row->value, row->value_size,
                                    o->bundle->arena, &message, err);
    if (code != RT_OK)
        return code;
    header = (const Tf__BundleHeaderProto *)message;
    if (header->endianness != LITTLE_ENDIAN_DATA)
        return rt_fail(err, RT_EUNSUPPORTED, "the checkpoint was written on a big-endian machine");
    if ((code = rt__bundle_check_version(header->version, err)) != RT_OK)
        return code;
    if (header->num_shards < 0 || header->num_shards > MAX_SHARDS)
        return rt_fail_at(err, RT_EFORMAT, row->offset, "%d data files", (int)header->num_shards);
    o->has_header = true;
    return open_shards(o->bundle, o->prefix, (uint32_t)header->num_shards, err);
}

static rt_code check_place(const rt_bundle *b, const rt_variable *v, const char *name, rt_error *err)
{
    size_t elements, bytes, width = rt__dtype_size(v->dtype);
    const rt_shard *shard;
    rt_code code = rt__shape_elements(&v->shape, &elements, err);
    if (code != RT_OK)
        return code;
    if (width && (!rt_mul(&bytes, elements, width) || bytes != v->size))
        return rt_fail(err, RT_EFORMAT, "variable '%s' has %llu bytes, its shape and type want %zu", name,
                       (unsigned long long)v->size, bytes);
    if (v->shard >= b->n_shards)
        return rt_fail(err, RT_EFORMAT, "variable '%s' is in data file %u of %u", name, v->shard,
                       b->n_shards);
    shard = &b->shards[v->shard];
    if (v->offset > shard->map->size || v->size > shard->map->size - v->offset) {
        code =
            rt_fail_at(err, RT_EFORMAT, (int64_t)shard->map->size,
                       "variable '%s' wants %llu bytes at %llu, the file ends at %zu: it is cut off, or of "
                       "another checkpoint",
                       name, (unsigned long long)v->size, (unsigned long long)v->offset, shard->map->size);
        rt_doing(err, shard->path, "cannot read the checkpoint's data");
    }
    return code;
}

/* A variable in parts is not stored itself: its place means nothing, its size is what it will be. */
static rt_code set_size(rt_variable *v, rt_error *err)
{
    size_t elements, bytes;
    rt_code code = rt__shape_elements(&v->shape, &elements, err);
    v->shard = 0;
    v->offset = 0;
    if (code != RT_OK)
        return code;
    if (!rt_mul(&bytes, elements, rt__dtype_size(v->dtype)))
        return rt_fail(err, RT_ELIMIT, "variable '%s' has %zu elements", v->name, elements);
    v->size = bytes;
    return RT_OK;
}

static bool grow(rt_bundle_list *list)
{
    rt_bundle_entry *entries = rt__array_grow(list->entries, &list->capacity, 64, sizeof *entries);
    if (!entries)
        return false;
    list->entries = entries;
    return true;
}

rt_code rt__bundle_append(rt_bundle *b, rt_bundle_list *list, const void *key, size_t size,
                          rt_bundle_entry **entry, rt_error *err)
{
    char *name;
    if (b->variables.count + b->slices.count >= MAX_ENTRIES)
        return rt_fail(err, RT_ELIMIT, "more than %d variables", MAX_ENTRIES);
    if (!(name = rt__arena_copy(b->arena, key, size)) || (list->count == list->capacity && !grow(list)))
        return no_memory(err);
    *entry = &list->entries[list->count++];
    **entry = (rt_bundle_entry){.variable.name = name, .key_size = size};
    return RT_OK;
}

static const char *shown_name(const rt_variable *v)
{
    return *v->name ? v->name : "a slice";
}

rt_code rt__bundle_set_type(rt_bundle_entry *entry, int32_t dtype, const Tf__TensorShapeProto *shape,
                            rt_error *err)
{
    rt_variable *v = &entry->variable;
    bool fits;
    rt_code code = rt__shape_read(shape, &v->shape, &fits, err);
    v->dtype = (rt_dtype)dtype;
    if (code == RT_OK && !fits)
        code = rt_fail(err, RT_EUNSUPPORTED, "variable '%s' has %zu dimensions", shown_name(v), shape->n_dim);
    if (!shape)
        v->shape.rank = 0;
    return code;
}

static rt_code fill_entry(rt_bundle *b, const Tf__BundleEntryProto *m, rt_bundle_entry *entry, rt_error *err)
{
    rt_variable *v = &entry->variable;
    const char *shown = shown_name(v);
    rt_code code = rt__bundle_set_type(entry, m->dtype, m->shape, err);
    v->crc = m->crc32c;
    v->sliced = m->n_slices > 0;
    entry->n_slices = m->n_slices;
    entry->slices = m->slices;
    if (code != RT_OK)
        return code;
    if (m->shard_id < 0 || m->offset < 0 || m->size < 0)
        return rt_fail(err, RT_EFORMAT, "variable '%s' has a negative place", shown);
    v->shard = (uint32_t)m->shard_id;
    v->offset = (uint64_t)m->offset;
    v->size = (uint64_t)m->size;
    return v->sliced ? set_size(v, err) : check_place(b, v, shown, err);
}

static rt_code read_entry(opening *o, const rt_table_row *row, rt_error *err)
{
    rt_bundle *b = o->bundle;
    /* The parts of a partitioned variable have binary keys, which start with the number 0. */
    bool is_slice = row->key[0] == 0;
    ProtobufCMessage *message;
    rt_bundle_entry *entry;
    rt_code code = rt__proto_unpack(&tf__bundle_entry_proto__descriptor, row->value, row->value_size,
                                    b->arena, &message, err);
    if (code != RT_OK)
        return code;
    if (is_slice && ((const Tf__BundleEntryProto *)message)->n_slices > 0)
        return rt_fail(err, RT_EFORMAT, "a slice that is stored in slices");
    if (!is_slice && memchr(row->key, 0, row->key_size))
        return rt_fail(err, RT_EFORMAT, "a variable's name holds a 0 byte");
    code = rt__bundle_append(b, is_slice ? &b->slices : &b->variables, row->key, row->key_size, &entry, err);
    return code == RT_OK ? fill_entry(b, (const Tf__BundleEntryProto *)message, entry, err) : code;
}

static rt_code visit(void *context, const rt_table_row *row, rt_error *err)
{
    opening *o = context;
    rt_code code;
    if (o->has_header != (row->key_size > 0))
        return rt_fail_at(err, RT_EFORMAT, row->offset, "a table, but not the index of a checkpoint");
    code = o->has_header ? read_entry(o, row, err) : read_header(o, row, err);
    if (code != RT_OK && err && !*err->path)
        err->offset = row->offset; /* the message's own offsets mean nothing in the file */
    return code;
}

static bool has_index(const char *prefix)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s.index", prefix);
    return length > 0 && length < PATH_MAX && rt__file_exists(path);
}

bool rt__bundle_exists(const char *prefix)
{
    return has_index(prefix) || rt__bundle_is_v1(prefix);
}

static rt_code open_v2(rt_bundle *bundle, const char *prefix, rt_error *err)
{
    opening o = {.bundle = bundle, .prefix = prefix};
    rt_buffer path = {0};
    rt_map *index = NULL;
    rt_code code;
    bundle->format = "V2";
    rt__buffer_format(&path, "%s.index", prefix);
    if (path.failed || !(bundle->index = rt__arena_string(bundle->arena, path.bytes)))
        code = no_memory(err);
    else
        code = rt__map_open(&index, path.bytes, err);
    if (code == RT_OK)
        code = rt__table_walk(index->bytes, index->size, visit, &o, err);
    if (code == RT_OK && !o.has_header)
        code = rt_fail(err, RT_EFORMAT, "an empty table, not the index of a checkpoint");
    if (code != RT_OK)
        rt_doing(err, path.failed ? NULL : path.bytes, "cannot read the checkpoint's index");
    rt__map_close(index);
    rt__buffer_clear(&path);
    return code;
}

rt_code rt__bundle_open(const char *prefix, rt_bundle **bundle, rt_error *err)
{
    rt_bundle *b = calloc(1, sizeof *b);
    rt_code code;
    if (!b || !(b->arena = rt__arena_new()))
        code = no_memory(err);
    else if (has_index(prefix))
        code = open_v2(b, prefix, err);
    else {
        code = rt__bundle_open_v1(b, prefix, err);
        if (code == RT_ENOTFOUND && b->n_shards == 0) /* neither: the index is what is missed today */
            code = open_v2(b, prefix, err);
    }
    if (code == RT_OK)
        *bundle = b;
    else
        rt__bundle_close(b);
    return code;
}

const char *rt__bundle_format(const rt_bundle *bundle)
{
    return bundle->format;
}

void rt__bundle_close(rt_bundle *bundle)
{
    if (!bundle)
        return;
    for (uint32_t i = 0; i < bundle->n_shards; i++)
        rt__map_close(bundle->shards[i].map);
    free(bundle->variables.entries);
    free(bundle->slices.entries);
    rt__arena_free(bundle->arena);
    free(bundle);
}

size_t rt__bundle_count(const rt_bundle *bundle)
{
    return bundle->variables.count;
}

const rt_variable *rt__bundle_variable(const rt_bundle *bundle, size_t index)
{
    return &bundle->variables.entries[index].variable;
}

const rt_bundle_entry *rt__bundle_search(const rt_bundle_list *list, const void *key, size_t size)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const rt_bundle_entry *e = &list->entries[middle];
        size_t both = e->key_size < size ? e->key_size : size;
        int order = memcmp(e->variable.name, key, both);
        if (order == 0 && e->key_size == size)
            return e;
        if (order < 0 || (order == 0 && e->key_size < size))
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const rt_variable *rt__bundle_find(const rt_bundle *bundle, const char *name)
{
    const rt_bundle_entry *entry = rt__bundle_search(&bundle->variables, name, strlen(name));
    return entry ? &entry->variable : NULL;
}
