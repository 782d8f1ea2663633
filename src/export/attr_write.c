#include "attr_write.h"

#include "proto/message.h"
#include "proto/tf_graph.pb-c.h"

#include <string.h>

/* Where the parts of messages come from: once it has failed everything is NULL, and one look at failed at the
 * end is enough. */
typedef struct maker {
    rt_arena *arena;
    bool failed;
} maker;

static void *make(maker *m, size_t count, size_t size)
{
    void *memory = m->failed ? NULL : rt__arena_array(m->arena, count, size);
    m->failed = m->failed || !memory;
    return memory;
}

/* protobuf-c wants to own what it packs and does not write to it. */
static ProtobufCBinaryData borrowed(const void *bytes, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)bytes};
}

static Tf__TensorShapeProto *make_shape(maker *m, const rt_shape *shape)
{
    Tf__TensorShapeProto *proto = make(m, 1, sizeof *proto);
    size_t rank = shape->rank > 0 ? (size_t)shape->rank : 0;
    Tf__TensorShapeProto__Dim *dims = make(m, rank, sizeof *dims);
    Tf__TensorShapeProto__Dim **pointers = make(m, rank, sizeof *pointers);
    if (m->failed)
        return NULL;
    tf__tensor_shape_proto__init(proto);
    proto->unknown_rank = shape->rank == RT_UNKNOWN;
    proto->n_dim = rank;
    proto->dim = pointers;
    for (size_t i = 0; i < rank; i++) {
        tf__tensor_shape_proto__dim__init(&dims[i]);
        dims[i].size = shape->dim[i];
        pointers[i] = &dims[i];
    }
    return proto;
}

static ProtobufCBinaryData *make_strings(maker *m, const rt_string *strings, size_t count)
{
    ProtobufCBinaryData *data = make(m, count, sizeof *data);
    for (size_t i = 0; data && i < count; i++)
        data[i] = borrowed(strings[i].bytes, strings[i].size);
    return data;
}

static void *copy_of(maker *m, const void *data, size_t size)
{
    void *copy = make(m, 1, size);
    if (copy)
        memcpy(copy, data, size);
    return copy;
}

/* A single element goes where TensorFlow's make_tensor_proto() puts it: OpenCV reads the axis of a ConcatV2
 * there and nowhere else.  False for a type that has its place in tensor_content alone. */
static bool set_single(maker *m, const rt_tensor *tensor, Tf__TensorProto *proto)
{
    size_t elements;
    if (rt__shape_elements(&tensor->shape, &elements, NULL) != RT_OK || elements != 1 ||
        tensor->bytes != rt__dtype_size(tensor->dtype))
        return false;
    switch (tensor->dtype) {
    case RT_FLOAT:
        proto->float_val = copy_of(m, tensor->data, sizeof(float));
        proto->n_float_val = 1;
        return true;
    case RT_DOUBLE:
        proto->double_val = copy_of(m, tensor->data, sizeof(double));
        proto->n_double_val = 1;
        return true;
    case RT_INT32:
        proto->int_val = copy_of(m, tensor->data, sizeof(int32_t));
        proto->n_int_val = 1;
        return true;
    case RT_INT64:
        proto->int64_val = copy_of(m, tensor->data, sizeof(int64_t));
        proto->n_int64_val = 1;
        return true;
    default:
        return false;
    }
}

static Tf__TensorProto *make_tensor(maker *m, const rt_tensor *tensor)
{
    Tf__TensorProto *proto = make(m, 1, sizeof *proto);
    size_t elements = 0;
    if (m->failed)
        return NULL;
    tf__tensor_proto__init(proto);
    proto->dtype = (int32_t)tensor->dtype;
    proto->tensor_shape = make_shape(m, &tensor->shape);
    if (tensor->dtype == RT_STRING) {
        rt__shape_elements(&tensor->shape, &elements, NULL);
        proto->n_string_val = elements;
        proto->string_val = make_strings(m, tensor->strings, elements);
    } else if (!set_single(m, tensor, proto)) {
        proto->tensor_content = borrowed(tensor->data, tensor->bytes);
    }
    return proto;
}

static void fill_bools(maker *m, const rt_attr *attr, Tf__AttrValue__ListValue *list)
{
    list->b = make(m, attr->count, sizeof *list->b);
    list->n_b = attr->count;
    for (size_t i = 0; !m->failed && i < attr->count; i++)
        list->b[i] = attr->value.bools[i];
}

static void fill_types(maker *m, const rt_attr *attr, Tf__AttrValue__ListValue *list)
{
    list->type = make(m, attr->count, sizeof *list->type);
    list->n_type = attr->count;
    for (size_t i = 0; !m->failed && i < attr->count; i++)
        list->type[i] = (int32_t)attr->value.types[i];
}

static void fill_shapes(maker *m, const rt_attr *attr, Tf__AttrValue__ListValue *list)
{
    list->shape = make(m, attr->count, sizeof *list->shape);
    list->n_shape = attr->count;
    for (size_t i = 0; !m->failed && i < attr->count; i++)
        list->shape[i] = make_shape(m, &attr->value.shapes[i]);
}

static Tf__AttrValue__ListValue *make_list(maker *m, const rt_attr *attr)
{
    Tf__AttrValue__ListValue *list = make(m, 1, sizeof *list);
    if (m->failed)
        return NULL;
    tf__attr_value__list_value__init(list);
    switch (attr->kind) {
    case RT_ATTR_LIST_INT:
        list->i = (int64_t *)(uintptr_t)attr->value.ints;
        list->n_i = attr->count;
        break;
    case RT_ATTR_LIST_FLOAT:
        list->f = (float *)(uintptr_t)attr->value.floats;
        list->n_f = attr->count;
        break;
    case RT_ATTR_LIST_BOOL:
        fill_bools(m, attr, list);
        break;
    case RT_ATTR_LIST_TYPE:
        fill_types(m, attr, list);
        break;
    case RT_ATTR_LIST_SHAPE:
        fill_shapes(m, attr, list);
        break;
    default:
        list->s = make_strings(m, attr->value.strings, attr->count);
        list->n_s = attr->count;
    }
    return list;
}

static void fill_value(maker *m, const rt_attr *attr, Tf__AttrValue *value)
{
    switch (attr->kind) {
    case RT_ATTR_STRING:
        value->value_case = TF__ATTR_VALUE__VALUE_S;
        value->s = borrowed(attr->value.s.bytes, attr->value.s.size);
        break;
    case RT_ATTR_INT:
        value->value_case = TF__ATTR_VALUE__VALUE_I;
        value->i = attr->value.i;
        break;
    case RT_ATTR_FLOAT:
        value->value_case = TF__ATTR_VALUE__VALUE_F;
        value->f = attr->value.f;
        break;
    case RT_ATTR_BOOL:
        value->value_case = TF__ATTR_VALUE__VALUE_B;
        value->b = attr->value.b;
        break;
    case RT_ATTR_TYPE:
        value->value_case = TF__ATTR_VALUE__VALUE_TYPE;
        value->type = (int32_t)attr->value.type;
        break;
    case RT_ATTR_SHAPE:
        value->value_case = TF__ATTR_VALUE__VALUE_SHAPE;
        value->shape = make_shape(m, &attr->value.shape);
        break;
    case RT_ATTR_TENSOR:
        value->value_case = TF__ATTR_VALUE__VALUE_TENSOR;
        value->tensor = make_tensor(m, &attr->value.tensor);
        break;
    default:
        value->value_case = TF__ATTR_VALUE__VALUE_LIST;
        value->list = make_list(m, attr);
    }
}

/* Kinds that are kept as the bytes they were. */
static rt_code read_back(const rt_attr *attr, rt_arena *arena, Tf__AttrEntry *entry, rt_error *err)
{
    bool func = attr->kind == RT_ATTR_FUNC;
    ProtobufCMessage *message;
    rt_code code = rt__proto_unpack(func ? &tf__name_attr_list__descriptor : &tf__attr_value__descriptor,
                                    attr->raw.bytes, attr->raw.size, arena, &message, err);
    if (code != RT_OK)
        return code;
    if (func) {
        entry->value->value_case = TF__ATTR_VALUE__VALUE_FUNC;
        entry->value->func = (Tf__NameAttrList *)message;
    } else {
        entry->value = (Tf__AttrValue *)message;
    }
    return RT_OK;
}

rt_code rt__attr_write(const rt_attr *attr, rt_arena *arena, Tf__AttrEntry **entry, rt_error *err)
{
    maker m = {.arena = arena};
    Tf__AttrEntry *e = make(&m, 1, sizeof *e);
    Tf__AttrValue *value = make(&m, 1, sizeof *value);
    rt_code code = RT_OK;
    if (!m.failed) {
        tf__attr_entry__init(e);
        tf__attr_value__init(value);
        e->key = (char *)(uintptr_t)attr->name;
        e->value = value;
        if (attr->kind == RT_ATTR_RAW || attr->kind == RT_ATTR_FUNC)
            code = read_back(attr, arena, e, err);
        else
            fill_value(&m, attr, value);
    }
    *entry = e;
    return m.failed ? rt_fail(err, RT_ENOMEM, "out of memory for attributes") : code;
}
