#include "attr_proto.h"

#include "proto/message.h"
#include "proto/tf_graph.pb-c.h"

#include <stdlib.h>
#include <string.h>

static rt_code no_memory(rt_error *err)
{
    return rt_fail(err, RT_ENOMEM, "out of memory for attributes");
}

/* A copy with a 0 behind it, which protobuf-c's bytes do not have. */
static rt_code read_string(const ProtobufCBinaryData *from, rt_expansion *expansion, rt_string *string,
                           rt_error *err)
{
    *string = (rt_string){rt__arena_copy(expansion->arena, from->data, from->len), from->len};
    return string->bytes ? RT_OK : no_memory(err);
}

/* The message's bytes: written again by protobuf-c, so that unknown fields are in it. */
static rt_code read_raw(const ProtobufCMessage *message, rt_expansion *expansion, rt_attr *attr,
                        rt_error *err)
{
    rt_buffer bytes = {0};
    rt_code code = rt__proto_pack(message, &bytes, err);
    if (code == RT_OK) {
        attr->raw = (rt_string){rt__arena_copy(expansion->arena, bytes.bytes, bytes.size), bytes.size};
        if (!attr->raw.bytes)
            code = no_memory(err);
    }
    rt__buffer_clear(&bytes);
    return code;
}

static rt_code read_as_raw(const Tf__AttrValue *value, rt_expansion *expansion, rt_attr *attr, rt_error *err)
{
    attr->kind = RT_ATTR_RAW;
    attr->count = 0;
    return read_raw(&value->base, expansion, attr, err);
}

static rt_code read_list_string(const Tf__AttrValue__ListValue *list, rt_expansion *expansion, rt_attr *attr,
                                rt_error *err)
{
    rt_string *strings = rt__arena_array(expansion->arena, list->n_s, sizeof *strings);
    if (!strings)
        return no_memory(err);
    for (size_t i = 0; i < list->n_s; i++) {
        rt_code code = read_string(&list->s[i], expansion, &strings[i], err);
        if (code != RT_OK)
            return code;
    }
    attr->kind = RT_ATTR_LIST_STRING;
    attr->count = list->n_s;
    attr->value.strings = strings;
    return RT_OK;
}

static rt_code read_list_bool(const Tf__AttrValue__ListValue *list, rt_expansion *expansion, rt_attr *attr,
                              rt_error *err)
{
    bool *bools = rt__arena_array(expansion->arena, list->n_b, sizeof *bools);
    if (!bools)
        return no_memory(err);
    for (size_t i = 0; i < list->n_b; i++)
        bools[i] = list->b[i];
    attr->kind = RT_ATTR_LIST_BOOL;
    attr->count = list->n_b;
    attr->value.bools = bools;
    return RT_OK;
}

static rt_code read_list_type(const Tf__AttrValue__ListValue *list, rt_expansion *expansion, rt_attr *attr,
                              rt_error *err)
{
    rt_dtype *types = rt__arena_array(expansion->arena, list->n_type, sizeof *types);
    if (!types)
        return no_memory(err);
    for (size_t i = 0; i < list->n_type; i++)
        types[i] = (rt_dtype)list->type[i];
    attr->kind = RT_ATTR_LIST_TYPE;
    attr->count = list->n_type;
    attr->value.types = types;
    return RT_OK;
}

static rt_code read_list_shape(const Tf__AttrValue *value, rt_expansion *expansion, rt_attr *attr,
                               rt_error *err)
{
    const Tf__AttrValue__ListValue *list = value->list;
    rt_shape *shapes = rt__arena_array(expansion->arena, list->n_shape, sizeof *shapes);
    if (!shapes)
        return no_memory(err);
    for (size_t i = 0; i < list->n_shape; i++) {
        bool fits;
        rt_code code = rt__shape_read(list->shape[i], &shapes[i], &fits, err);
        if (code != RT_OK)
            return code;
        if (!fits)
            return read_as_raw(value, expansion, attr, err);
    }
    attr->kind = RT_ATTR_LIST_SHAPE;
    attr->count = list->n_shape;
    attr->value.shapes = shapes;
    return RT_OK;
}

static rt_code read_list(const Tf__AttrValue *value, rt_expansion *expansion, rt_attr *attr, rt_error *err)
{
    const Tf__AttrValue__ListValue *l = value->list;
    int kinds = !!l->n_s + !!l->n_i + !!l->n_f + !!l->n_b + !!l->n_type + !!l->n_shape;
    if (kinds > 1 || l->n_tensor || l->n_func)
        return read_as_raw(value, expansion, attr, err);
    if (l->n_i) {
        attr->kind = RT_ATTR_LIST_INT;
        attr->count = l->n_i;
        attr->value.ints = l->i;
        return RT_OK;
    }
    if (l->n_f) {
        attr->kind = RT_ATTR_LIST_FLOAT;
        attr->count = l->n_f;
        attr->value.floats = l->f;
        return RT_OK;
    }
    if (l->n_b)
        return read_list_bool(l, expansion, attr, err);
    if (l->n_type)
        return read_list_type(l, expansion, attr, err);
    if (l->n_shape)
        return read_list_shape(value, expansion, attr, err);
    return read_list_string(l, expansion, attr, err);
}

static rt_code read_shape(const Tf__AttrValue *value, rt_expansion *expansion, rt_attr *attr, rt_error *err)
{
    bool fits;
    rt_code code = rt__shape_read(value->shape, &attr->value.shape, &fits, err);
    attr->kind = RT_ATTR_SHAPE;
    return code == RT_OK && !fits ? read_as_raw(value, expansion, attr, err) : code;
}

static rt_code read_tensor(const Tf__AttrValue *value, rt_expansion *expansion, rt_attr *attr, rt_error *err)
{
    bool fits;
    rt_code code = rt__tensor_read(value->tensor, expansion, &attr->value.tensor, &fits, err);
    attr->kind = RT_ATTR_TENSOR;
    return code == RT_OK && !fits ? read_as_raw(value, expansion, attr, err) : code;
}

static rt_code read_func(const Tf__AttrValue *value, rt_expansion *expansion, rt_attr *attr, rt_error *err)
{
    attr->kind = RT_ATTR_FUNC;
    attr->value.s = (rt_string){value->func->name, strlen(value->func->name)};
    return read_raw(&value->func->base, expansion, attr, err);
}

static rt_code read_value(const Tf__AttrValue *value, rt_expansion *expansion, rt_attr *attr, rt_error *err)
{
    switch (value->value_case) {
    case TF__ATTR_VALUE__VALUE_S:
        attr->kind = RT_ATTR_STRING;
        return read_string(&value->s, expansion, &attr->value.s, err);
    case TF__ATTR_VALUE__VALUE_I:
        attr->kind = RT_ATTR_INT;
        attr->value.i = value->i;
        return RT_OK;
    case TF__ATTR_VALUE__VALUE_F:
        attr->kind = RT_ATTR_FLOAT;
        attr->value.f = value->f;
        return RT_OK;
    case TF__ATTR_VALUE__VALUE_B:
        attr->kind = RT_ATTR_BOOL;
        attr->value.b = value->b;
        return RT_OK;
    case TF__ATTR_VALUE__VALUE_TYPE:
        attr->kind = RT_ATTR_TYPE;
        attr->value.type = (rt_dtype)value->type;
        return RT_OK;
    case TF__ATTR_VALUE__VALUE_SHAPE:
        return read_shape(value, expansion, attr, err);
    case TF__ATTR_VALUE__VALUE_TENSOR:
        return read_tensor(value, expansion, attr, err);
    case TF__ATTR_VALUE__VALUE_LIST:
        return read_list(value, expansion, attr, err);
    case TF__ATTR_VALUE__VALUE_FUNC:
        return read_func(value, expansion, attr, err);
    default: /* a placeholder inside a function, or nothing */
        return read_as_raw(value, expansion, attr, err);
    }
}

rt_code rt__attr_read(const Tf__AttrEntry *entry, rt_expansion *expansion, rt_attr *attr, rt_error *err)
{
    rt_code code = RT_OK;
    *attr = (rt_attr){.name = entry->key, .kind = RT_ATTR_RAW, .raw = {"", 0}};
    if (entry->value)
        code = read_value(entry->value, expansion, attr, err);
    return code;
}
