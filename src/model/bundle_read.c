#include "base/checked.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "bundle_inside.h"
#include "proto/tf_bundle.pb-c.h"
#include "slice_key.h"

#include <string.h>

static rt_code no_memory(const char *name, rt_error *err)
{
    return rt_fail(err, RT_ENOMEM, "out of memory for variable '%s'", name);
}

static const uint8_t *bytes_of(const rt_bundle *b, const rt_variable *v)
{
    return v->size ? b->shards[v->shard].map->bytes + v->offset : NULL;
}

static rt_code damaged(const rt_bundle *b, const rt_variable *v, rt_error *err)
{
    const char *path = b->shards[v->shard].path;
    rt_code code = rt_fail_at(err, RT_EFORMAT, (int64_t)v->offset,
                              "the checksum of variable '%s' is wrong: the file is damaged",
                              *v->name ? v->name : "(a slice)");
    rt_doing(err, path, "cannot read the checkpoint's data");
    return code;
}

static rt_code read_plain(const rt_bundle *b, const rt_variable *v, rt_tensor *tensor, rt_error *err)
{
    const uint8_t *bytes = bytes_of(b, v);
    if (rt__dtype_size(v->dtype) == 0)
        return rt_fail(err, RT_EUNSUPPORTED, "variable '%s' is of type %s", v->name,
                       rt__dtype_name(v->dtype));
    if (rt__crc32c_mask(rt__crc32c(0, bytes, (size_t)v->size)) != v->crc)
        return damaged(b, v, err);
    tensor->bytes = (size_t)v->size;
    tensor->data = bytes;
    return RT_OK;
}

/* The checksum runs over the lengths as fixed numbers, not as they are stored. */
static uint32_t length_crc(uint32_t crc, uint64_t length)
{
    uint8_t bytes[8];
    size_t count = length > UINT32_MAX ? 8 : 4;
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(length >> (8 * i));
    return rt__crc32c(crc, bytes, count);
}

/* Lengths as varints, the checksum of the lengths, then the strings without anything between them. */
static rt_code read_strings(const rt_bundle *b, const rt_variable *v, rt_arena *arena, rt_tensor *tensor,
                            rt_error *err)
{
    rt_cursor c = rt__cursor(bytes_of(b, v), (size_t)v->size);
    size_t elements = 0;
    const uint8_t *bytes;
    rt_string *strings;
    uint32_t crc = 0, stored;
    rt__shape_elements(&v->shape, &elements, NULL);
    if (elements > v->size) /* each takes a byte for its length */
        return damaged(b, v, err);
    if (!(strings = rt__arena_array(arena, elements, sizeof *strings)))
        return no_memory(v->name, err);
    for (size_t i = 0; i < elements; i++) {
        uint64_t length;
        if (!rt__cursor_varint(&c, &length) || length > v->size)
            return damaged(b, v, err);
        crc = length_crc(crc, length);
        strings[i].size = (size_t)length;
    }
    if (!rt__cursor_bytes(&c, 4, &bytes))
        return damaged(b, v, err);
    memcpy(&stored, bytes, sizeof stored);
    if (stored != rt__crc32c_mask(crc))
        return damaged(b, v, err);
    crc = rt__crc32c(crc, bytes, 4);
    for (size_t i = 0; i < elements; i++) {
        if (!rt__cursor_bytes(&c, strings[i].size, &bytes))
            return damaged(b, v, err);
        if (!(strings[i].bytes = rt__arena_copy(arena, bytes, strings[i].size)))
            return no_memory(v->name, err);
        crc = rt__crc32c(crc, bytes, strings[i].size);
    }
    tensor->strings = strings;
    return rt__cursor_left(&c) == 0 && rt__crc32c_mask(crc) == v->crc ? RT_OK : damaged(b, v, err);
}

/* One part of a partitioned variable and where it goes. */
typedef struct part {
    int64_t start[RT_MAX_RANK], length[RT_MAX_RANK];
    const uint8_t *bytes;
} part;

static rt_code find_part(const rt_bundle *b, const rt_variable *whole, const Tf__TensorSliceProto *slice,
                         part *p, rt_error *err)
{
    rt_buffer key = {0};
    const rt_bundle_entry *entry;
    int64_t asked[RT_MAX_RANK];
    rt_tensor tensor;
    rt_code code;
    if (slice->n_extent != (size_t)whole->shape.rank)
        return rt_fail(err, RT_EFORMAT, "a slice of variable '%s' has %zu dimensions", whole->name,
                       slice->n_extent);
    for (size_t i = 0; i < slice->n_extent; i++) {
        const Tf__TensorSliceProto__Extent *e = slice->extent[i];
        bool all = e->has_length_case != TF__TENSOR_SLICE_PROTO__EXTENT__HAS_LENGTH_LENGTH;
        p->start[i] = e->start;
        asked[i] = all ? -1 : e->length;
        p->length[i] = all ? whole->shape.dim[i] : e->length;
        if (p->start[i] < 0 || p->length[i] < 0 || p->length[i] > whole->shape.dim[i] ||
            p->start[i] > whole->shape.dim[i] - p->length[i])
            return rt_fail(err, RT_EFORMAT, "a slice of variable '%s' lies outside it", whole->name);
    }
    rt__slice_key(&key, whole->name, slice->n_extent, p->start, asked);
    if ((code = rt__buffer_ok(&key, err)) != RT_OK)
        return code;
    entry = rt__bundle_search(&b->slices, key.bytes, key.size);
    rt__buffer_clear(&key);
    if (!entry)
        return rt_fail(err, RT_EFORMAT, "a slice of variable '%s' is missing", whole->name);
    code = read_plain(b, &entry->variable, &tensor, err);
    for (int i = 0; code == RT_OK && i < whole->shape.rank; i++)
        if (entry->variable.dtype != whole->dtype || entry->variable.shape.rank != whole->shape.rank ||
            entry->variable.shape.dim[i] != p->length[i])
            code =
                rt_fail(err, RT_EFORMAT, "a slice of variable '%s' has another type or shape", whole->name);
    if (code == RT_OK)
        p->bytes = tensor.data;
    return code;
}

/* Copies a part to its place, a run along the last axis at a time; returns its elements. */
static size_t copy_part(const part *p, const rt_shape *shape, size_t width, uint8_t *to)
{
    int last = shape->rank - 1;
    size_t run = (size_t)p->length[last] * width, runs = 1;
    for (int i = 0; i < last; i++)
        runs *= (size_t)p->length[i];
    for (size_t r = 0; run > 0 && r < runs; r++) {
        size_t rest = r, at = 0, stride = (size_t)shape->dim[last];
        for (int i = last - 1; i >= 0; i--) {
            at += ((size_t)p->start[i] + rest % (size_t)p->length[i]) * stride;
            rest /= (size_t)p->length[i];
            stride *= (size_t)shape->dim[i];
        }
        memcpy(to + (at + (size_t)p->start[last]) * width, p->bytes + r * run, run);
    }
    return runs * (size_t)p->length[last];
}

static rt_code read_sliced(const rt_bundle *b, const rt_bundle_entry *entry, rt_arena *arena,
                           rt_tensor *tensor, rt_error *err)
{
    const rt_variable *v = &entry->variable;
    size_t width = rt__dtype_size(v->dtype), elements, bytes, stored = 0, copied = 0;
    uint8_t *to;
    rt_code code = rt__shape_elements(&v->shape, &elements, err);
    if (code != RT_OK)
        return code;
    for (uint32_t i = 0; i < b->n_shards; i++)
        stored += b->shards[i].map->size;
    if (width == 0 || v->shape.rank == 0)
        return rt_fail(err, RT_EUNSUPPORTED, "variable '%s' is stored in slices of type %s", v->name,
                       rt__dtype_name(v->dtype));
    if (!rt_mul(&bytes, elements, width) || bytes > stored)
        return rt_fail(err, RT_EFORMAT, "variable '%s' is larger than the checkpoint", v->name);
    if (!(to = rt__arena_alloc(arena, bytes)))
        return no_memory(v->name, err);
    for (size_t i = 0; code == RT_OK && copied <= elements && i < entry->n_slices; i++) {
        part p;
        code = find_part(b, v, entry->slices[i], &p, err);
        if (code == RT_OK)
            copied += copy_part(&p, &v->shape, width, to);
    }
    if (code == RT_OK && copied != elements)
        code = rt_fail(err, RT_EFORMAT, "the slices of variable '%s' do not cover it", v->name);
    tensor->bytes = bytes;
    tensor->data = to;
    return code;
}

rt_code rt__bundle_read(const rt_bundle *bundle, const rt_variable *variable, rt_arena *arena,
                        rt_tensor *tensor, rt_error *err)
{
    *tensor = (rt_tensor){.dtype = variable->dtype, .shape = variable->shape};
    if (variable->sliced)
        return read_sliced(bundle,
                           rt__bundle_search(&bundle->variables, variable->name, strlen(variable->name)),
                           arena, tensor, err);
    if (variable->dtype == RT_STRING)
        return read_strings(bundle, variable, arena, tensor, err);
    return read_plain(bundle, variable, tensor, err);
}
