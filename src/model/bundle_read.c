#include "base/checked.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "bundle_inside.h"
#include "proto/message.h"
#include "proto/tf_bundle.pb-c.h"
#include "slice_key.h"
#include "tensor_proto.h"

#include <stdlib.h>
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

/* V1: the values of a row; tensor->dtype and shape are set. */
static rt_code read_packed(const rt_bundle *b, const rt_bundle_entry *entry, const char *name,
                           rt_arena *arena, rt_tensor *tensor, rt_error *err)
{
    const rt_variable *place = &entry->variable;
    ProtobufCMessage *message;
    const Tf__SavedSlice *slice;
    rt_code code = rt__proto_unpack(&tf__saved_tensor_slices__descriptor, entry->packed, entry->packed_size,
                                    arena, &message, err);
    if (code == RT_OK) {
        slice = ((const Tf__SavedTensorSlices *)message)->data;
        code = slice && slice->data ? rt__tensor_fill(slice->data, arena, tensor, err)
                                    : rt_fail(err, RT_EFORMAT, "no values");
    }
    if (code != RT_OK) {
        if (err)
            err->offset =
                (int64_t)place->offset; /* of the block: the message's own means nothing in the file */
        rt_doing(err, b->shards[place->shard].path, "cannot read variable '%s'", name);
    }
    return code;
}

/* One part of a partitioned variable and where it goes. */
typedef struct part {
    int64_t start[RT_MAX_RANK], length[RT_MAX_RANK];
    const rt_bundle_entry *entry;
    const void *elements; /* width bytes each */
} part;

/* A variable that is being put together. */
typedef struct whole {
    const rt_bundle *bundle;
    const rt_variable *variable;
    size_t width; /* of an element; strings are moved as rt_string */
    rt_arena *arena, *scratch;
    uint8_t *elements;
    bool *filled; /* [elements] */
    size_t n_filled;
} whole;

static rt_code find_part(const whole *w, const Tf__TensorSliceProto *slice, part *p, rt_error *err)
{
    const rt_variable *v = w->variable;
    rt_buffer key = {0};
    int64_t asked[RT_MAX_RANK];
    rt_code code;
    if (slice->n_extent != (size_t)v->shape.rank)
        return rt_fail(err, RT_EFORMAT, "a slice of variable '%s' has %zu dimensions", v->name,
                       slice->n_extent);
    for (size_t i = 0; i < slice->n_extent; i++) {
        const Tf__TensorSliceProto__Extent *e = slice->extent[i];
        bool all = e->has_length_case != TF__TENSOR_SLICE_PROTO__EXTENT__HAS_LENGTH_LENGTH;
        p->start[i] = e->start;
        asked[i] = all ? -1 : e->length;
        p->length[i] = all ? v->shape.dim[i] : e->length;
        if (p->start[i] < 0 || p->length[i] < 0 || p->length[i] > v->shape.dim[i] ||
            p->start[i] > v->shape.dim[i] - p->length[i])
            return rt_fail(err, RT_EFORMAT, "a slice of variable '%s' lies outside it", v->name);
    }
    rt__slice_key(&key, v->name, slice->n_extent, p->start, asked);
    if ((code = rt__buffer_ok(&key, err)) != RT_OK)
        return code;
    p->entry = rt__bundle_search(&w->bundle->slices, key.bytes, key.size);
    rt__buffer_clear(&key);
    return p->entry ? RT_OK : rt_fail(err, RT_EFORMAT, "a slice of variable '%s' is missing", v->name);
}

/* V2 says type and shape of each part, V1 of the whole variable only. */
static rt_code check_part(const whole *w, const part *p, rt_error *err)
{
    const rt_variable *v = w->variable, *stored = &p->entry->variable;
    bool agrees = stored->dtype == v->dtype && stored->shape.rank == v->shape.rank;
    for (int i = 0; agrees && i < v->shape.rank; i++)
        agrees = stored->shape.dim[i] == p->length[i];
    return agrees ? RT_OK
                  : rt_fail(err, RT_EFORMAT, "a slice of variable '%s' has another type or shape", v->name);
}

static rt_code read_part(const whole *w, part *p, rt_error *err)
{
    const rt_variable *v = w->variable;
    rt_tensor tensor = {.dtype = v->dtype, .shape.rank = v->shape.rank};
    rt_code code;
    memcpy(tensor.shape.dim, p->length, (size_t)v->shape.rank * sizeof *p->length);
    if (p->entry->packed)
        code = read_packed(w->bundle, p->entry, v->name, v->dtype == RT_STRING ? w->arena : w->scratch,
                           &tensor, err);
    else if ((code = check_part(w, p, err)) == RT_OK)
        code = v->dtype == RT_STRING ? read_strings(w->bundle, &p->entry->variable, w->arena, &tensor, err)
                                     : read_plain(w->bundle, &p->entry->variable, &tensor, err);
    p->elements = tensor.strings ? (const void *)tensor.strings : tensor.data;
    return code;
}

/* Where the run'th row of a part along the last axis begins in the whole, in elements. */
static size_t place_of(const whole *w, const part *p, size_t run)
{
    const rt_shape *shape = &w->variable->shape;
    int last = shape->rank - 1;
    size_t at = (size_t)p->start[last], stride = (size_t)shape->dim[last];
    for (int i = last - 1; i >= 0; i--) {
        at += ((size_t)p->start[i] + run % (size_t)p->length[i]) * stride;
        run /= (size_t)p->length[i];
        stride *= (size_t)shape->dim[i];
    }
    return at;
}

static size_t count_runs(const whole *w, const part *p)
{
    size_t runs = 1;
    for (int i = 0; i < w->variable->shape.rank - 1; i++)
        runs *= (size_t)p->length[i];
    return runs;
}

/* Before the values are read, so that no part is read twice. */
static rt_code claim_place(whole *w, const part *p, rt_error *err)
{
    size_t runs = count_runs(w, p), length = (size_t)p->length[w->variable->shape.rank - 1];
    for (size_t r = 0; length > 0 && r < runs; r++) {
        bool *filled = w->filled + place_of(w, p, r);
        if (memchr(filled, true, length))
            return rt_fail(err, RT_EFORMAT, "two slices of variable '%s' overlap", w->variable->name);
        memset(filled, true, length);
    }
    w->n_filled += runs * length;
    return RT_OK;
}

static rt_code add_part(whole *w, const Tf__TensorSliceProto *slice, rt_error *err)
{
    part p = {.entry = NULL};
    size_t runs, length;
    rt_code code = find_part(w, slice, &p, err);
    if (code == RT_OK)
        code = claim_place(w, &p, err);
    if (code != RT_OK)
        return code;
    runs = count_runs(w, &p);
    length = (size_t)p.length[w->variable->shape.rank - 1];
    if (runs * length == 0)
        return RT_OK;
    if (!(w->scratch = rt__arena_new()))
        return no_memory(w->variable->name, err);
    code = read_part(w, &p, err);
    for (size_t r = 0; code == RT_OK && r < runs; r++)
        memcpy(w->elements + place_of(w, &p, r) * w->width,
               (const uint8_t *)p.elements + r * length * w->width, length * w->width);
    rt__arena_free(w->scratch);
    return code;
}

/* Bytes of all files: more than that no variable has. */
static size_t stored_bytes(const rt_bundle *b)
{
    size_t stored = 0;
    for (uint32_t i = 0; i < b->n_shards; i++)
        stored += b->shards[i].map->size;
    return stored;
}

static rt_code read_sliced(const rt_bundle *b, const rt_bundle_entry *entry, rt_arena *arena,
                           rt_tensor *tensor, rt_error *err)
{
    const rt_variable *v = &entry->variable;
    bool strings = v->dtype == RT_STRING;
    whole w = {.bundle = b,
               .variable = v,
               .width = strings ? sizeof(rt_string) : rt__dtype_size(v->dtype),
               .arena = arena};
    size_t elements, bytes;
    rt_code code = rt__shape_elements(&v->shape, &elements, err);
    if (code != RT_OK)
        return code;
    if (w.width == 0)
        return rt_fail(err, RT_EUNSUPPORTED, "variable '%s' is of type %s", v->name,
                       rt__dtype_name(v->dtype));
    if (v->shape.rank == 0)
        return rt_fail(err, RT_EFORMAT, "the value of variable '%s' is missing", v->name);
    if (!rt_mul(&bytes, elements, w.width) || elements > stored_bytes(b) / (strings ? 1 : w.width))
        return rt_fail(err, RT_EFORMAT, "variable '%s' is larger than the checkpoint", v->name);
    w.elements = rt__arena_alloc(arena, bytes);
    w.filled = calloc(elements + 1, sizeof *w.filled);
    if (!w.elements || !w.filled)
        code = no_memory(v->name, err);
    for (size_t i = 0; code == RT_OK && i < entry->n_slices; i++)
        code = add_part(&w, entry->slices[i], err);
    if (code == RT_OK && w.n_filled != elements)
        code = rt_fail(err, RT_EFORMAT, "the slices of variable '%s' do not cover it", v->name);
    free(w.filled);
    tensor->bytes = strings ? 0 : bytes;
    tensor->data = strings ? NULL : w.elements;
    tensor->strings = strings ? (const rt_string *)(const void *)w.elements : NULL;
    return code;
}

rt_code rt__bundle_read(const rt_bundle *bundle, const rt_variable *variable, rt_arena *arena,
                        rt_tensor *tensor, rt_error *err)
{
    const rt_bundle_entry *entry = (const rt_bundle_entry *)(const void *)variable; /* its first member */
    rt_code code;
    *tensor = (rt_tensor){.dtype = variable->dtype, .shape = variable->shape};
    if (entry->packed)
        code = read_packed(bundle, entry, variable->name, arena, tensor, err);
    else if (variable->sliced)
        code = read_sliced(bundle, entry, arena, tensor, err);
    else if (variable->dtype == RT_STRING)
        code = read_strings(bundle, variable, arena, tensor, err);
    else
        code = read_plain(bundle, variable, tensor, err);
    if (code != RT_OK)
        rt_doing(err,
                 variable->sliced && bundle->index ? bundle->index : bundle->shards[variable->shard].path,
                 "cannot read variable '%s'", variable->name);
    return code;
}
