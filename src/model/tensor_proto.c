#include "tensor_proto.h"

#include "base/checked.h"
#include "proto/tf_graph.pb-c.h"

#include <string.h>

rt_code rt__shape_read(const Tf__TensorShapeProto *message, rt_shape *shape, bool *fits, rt_error *err)
{
    *fits = true;
    *shape = (rt_shape){.rank = RT_UNKNOWN};
    if (!message || message->unknown_rank)
        return RT_OK;
    for (size_t i = 0; i < message->n_dim; i++)
        if (message->dim[i]->size < RT_UNKNOWN)
            return rt_fail(err, RT_EFORMAT, "dimension %zu is %lld", i, (long long)message->dim[i]->size);
    if (message->n_dim > RT_MAX_RANK) {
        *fits = false;
        return RT_OK;
    }
    shape->rank = (int)message->n_dim;
    for (size_t i = 0; i < message->n_dim; i++)
        shape->dim[i] = message->dim[i]->size;
    return RT_OK;
}

/* The values of a TensorProto's own field for a type: `width` bytes each in memory, `parts` of them to an
 * element (two for complex numbers). */
typedef struct values {
    const void *first;
    size_t count, width, parts;
} values;

static values values_of(const Tf__TensorProto *m, rt_dtype dtype)
{
    switch (dtype) {
    case RT_FLOAT:
        return (values){m->float_val, m->n_float_val, sizeof *m->float_val, 1};
    case RT_DOUBLE:
        return (values){m->double_val, m->n_double_val, sizeof *m->double_val, 1};
    case RT_COMPLEX64:
        return (values){m->scomplex_val, m->n_scomplex_val, sizeof *m->scomplex_val, 2};
    case RT_COMPLEX128:
        return (values){m->dcomplex_val, m->n_dcomplex_val, sizeof *m->dcomplex_val, 2};
    case RT_INT64:
        return (values){m->int64_val, m->n_int64_val, sizeof *m->int64_val, 1};
    case RT_BOOL:
        return (values){m->bool_val, m->n_bool_val, sizeof *m->bool_val, 1};
    case RT_HALF:
    case RT_BFLOAT16:
        return (values){m->half_val, m->n_half_val, sizeof *m->half_val, 1};
    case RT_UINT32:
        return (values){m->uint32_val, m->n_uint32_val, sizeof *m->uint32_val, 1};
    case RT_UINT64:
        return (values){m->uint64_val, m->n_uint64_val, sizeof *m->uint64_val, 1};
    default: /* int32 and what is narrower, quantised types too */
        return (values){m->int_val, m->n_int_val, sizeof *m->int_val, 1};
    }
}

static rt_code take(rt_expansion *expansion, size_t count, size_t size, void **memory, rt_error *err)
{
    size_t bytes;
    if (!rt_mul(&bytes, count, size) || bytes > expansion->left)
        return rt_fail(err, RT_ELIMIT, "tensors written short expand to more than %zu bytes",
                       RT_EXPANSION_BYTES);
    if (!(*memory = rt__arena_alloc(expansion->arena, bytes)))
        return rt_fail(err, RT_ENOMEM, "out of memory for a tensor of %zu bytes", bytes);
    expansion->left -= bytes;
    return RT_OK;
}

/* Fills the tensor from a values field.  Only the low bytes of a value are kept: TensorFlow sign-extends an
 * int8 to int32 on the way out. */
static rt_code expand(const Tf__TensorProto *m, size_t elements, rt_expansion *expansion, rt_tensor *tensor,
                      rt_error *err)
{
    values v = values_of(m, tensor->dtype);
    size_t width = rt__dtype_size(tensor->dtype);
    size_t part = width / v.parts, given = v.count / v.parts;
    void *memory;
    unsigned char *to;
    rt_code code;
    if (v.count % v.parts != 0)
        return rt_fail(err, RT_EFORMAT, "half a complex number");
    if (given >= elements && part == v.width) {
        tensor->data = v.first;
        return RT_OK;
    }
    if ((code = take(expansion, elements, width, &memory, err)) != RT_OK)
        return code;
    tensor->data = to = memory;
    if (given == 0)
        return RT_OK; /* zeros, as the arena gives them */
    for (size_t i = 0; i < elements * v.parts; i++) {
        size_t from = i < given * v.parts ? i : (given - 1) * v.parts + i % v.parts;
        memcpy(to + i * part, (const unsigned char *)v.first + from * v.width, part);
    }
    return RT_OK;
}

static rt_code read_strings(const Tf__TensorProto *m, size_t elements, rt_expansion *expansion,
                            rt_tensor *tensor, rt_error *err)
{
    void *memory;
    rt_string *strings;
    rt_code code = take(expansion, elements, sizeof *strings, &memory, err);
    if (code != RT_OK)
        return code;
    strings = memory;
    for (size_t i = 0; i < elements; i++) {
        const ProtobufCBinaryData *from = i < m->n_string_val ? &m->string_val[i] : NULL;
        if (from)
            strings[i] = (rt_string){rt__arena_copy(expansion->arena, from->data, from->len), from->len};
        else
            strings[i] = i ? strings[i - 1] : (rt_string){"", 0};
        if (!strings[i].bytes)
            return rt_fail(err, RT_ENOMEM, "out of memory for a string");
    }
    tensor->strings = strings;
    return RT_OK;
}

rt_code rt__tensor_read(const Tf__TensorProto *m, rt_expansion *expansion, rt_tensor *tensor, bool *fits,
                        rt_error *err)
{
    size_t width = rt__dtype_size((rt_dtype)m->dtype), elements;
    rt_code code;
    *tensor = (rt_tensor){.dtype = (rt_dtype)m->dtype};
    if ((code = rt__shape_read(m->tensor_shape, &tensor->shape, fits, err)) != RT_OK || !*fits)
        return code;
    if (!m->tensor_shape)
        tensor->shape.rank = 0;
    if ((code = rt__shape_elements(&tensor->shape, &elements, err)) != RT_OK)
        return code;
    if (tensor->dtype == RT_STRING && m->tensor_content.len == 0)
        return read_strings(m, elements, expansion, tensor, err);
    if (width == 0) {
        *fits = false;
        return RT_OK;
    }
    if (!rt_mul(&tensor->bytes, elements, width))
        return rt_fail(err, RT_ELIMIT, "tensor of %zu elements", elements);
    if (elements == 0)
        return RT_OK;
    if (m->tensor_content.len == 0)
        return expand(m, elements, expansion, tensor, err);
    if (m->tensor_content.len != tensor->bytes)
        return rt_fail(err, RT_EFORMAT, "tensor holds %zu bytes, its shape and type want %zu",
                       m->tensor_content.len, tensor->bytes);
    tensor->data = m->tensor_content.data;
    return RT_OK;
}

rt_code rt__tensor_fill(const Tf__TensorProto *m, rt_arena *arena, rt_tensor *tensor, rt_error *err)
{
    rt_expansion expansion = {arena, SIZE_MAX}; /* no more is taken than the message's values need */
    values v = values_of(m, tensor->dtype);
    size_t width = rt__dtype_size(tensor->dtype), elements, given;
    rt_code code = rt__shape_elements(&tensor->shape, &elements, err);
    if (code != RT_OK)
        return code;
    if (width == 0 && tensor->dtype != RT_STRING)
        return rt_fail(err, RT_EUNSUPPORTED, "values of type %s", rt__dtype_name(tensor->dtype));
    given = tensor->dtype == RT_STRING ? m->n_string_val : v.count / v.parts;
    if (given != elements)
        return rt_fail(err, RT_EFORMAT, "%zu values of type %s, its shape wants %zu", given,
                       rt__dtype_name(tensor->dtype), elements);
    if (tensor->dtype == RT_STRING)
        return read_strings(m, elements, &expansion, tensor, err);
    tensor->bytes = elements * width; /* no overflow: the message holds as many */
    return elements ? expand(m, elements, &expansion, tensor, err) : RT_OK;
}
