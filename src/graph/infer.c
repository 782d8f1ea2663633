/* Reading attributes with their defaults, and shapes that several rules share. */
#include "ops.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

rt_code rt__node_fail(rt_error *err, rt_code code, const rt_node *node, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return rt_fail(err, code, "node '%s' (%s): %s", node->name, node->op, text);
}

static const rt_attr_spec *find_spec(const rt_op *op, const char *name)
{
    for (size_t i = 0; i < op->n_attrs; i++)
        if (strcmp(op->attrs[i].fallback.name, name) == 0)
            return &op->attrs[i];
    return NULL;
}

static bool kind_fits(const rt_attr *attr, rt_attr_kind kind)
{
    /* A list without elements does not say of what kind it is. */
    bool empty = attr->kind == RT_ATTR_LIST_STRING && attr->count == 0 && kind >= RT_ATTR_LIST_STRING &&
                 kind <= RT_ATTR_LIST_SHAPE;
    return attr->kind == kind || empty;
}

rt_code rt__op_check(const rt_node *node, rt_error *err)
{
    const rt_op *op = rt__op_find(node->op);
    if (!op)
        return rt__node_fail(err, RT_EUNSUPPORTED, node, "this op is not supported");
    if (node->n_inputs < op->min_inputs || node->n_inputs > op->max_inputs)
        return rt__node_fail(err, RT_EFORMAT, node, "%u inputs", node->n_inputs);
    for (size_t i = 0; i < op->n_attrs; i++) {
        const rt_attr_spec *spec = &op->attrs[i];
        const rt_attr *attr = rt__node_attr(node, spec->fallback.name);
        if (!attr && spec->required)
            return rt__node_fail(err, RT_EFORMAT, node, "attribute '%s' is missing", spec->fallback.name);
        if (attr && !kind_fits(attr, spec->fallback.kind))
            return rt__node_fail(err, RT_EFORMAT, node, "attribute '%s' is of the wrong kind", attr->name);
    }
    return RT_OK;
}

const rt_attr *rt__op_attr(const rt_node *node, const char *name)
{
    static const rt_attr none = {.name = ""};
    const rt_attr *attr = rt__node_attr(node, name);
    const rt_op *op = attr ? NULL : rt__op_find(node->op);
    const rt_attr_spec *spec = op ? find_spec(op, name) : NULL;
    if (attr)
        return attr;
    return spec ? &spec->fallback : &none;
}

int64_t rt__op_int(const rt_node *node, const char *name)
{
    return rt__op_attr(node, name)->value.i;
}

float rt__op_float(const rt_node *node, const char *name)
{
    return rt__op_attr(node, name)->value.f;
}

bool rt__op_bool(const rt_node *node, const char *name)
{
    return rt__op_attr(node, name)->value.b;
}

rt_dtype rt__op_type(const rt_node *node, const char *name)
{
    return rt__op_attr(node, name)->value.type;
}

const char *rt__op_string(const rt_node *node, const char *name)
{
    const char *bytes = rt__op_attr(node, name)->value.s.bytes;
    return bytes ? bytes : "";
}

const int64_t *rt__op_ints(const rt_node *node, const char *name, size_t *count)
{
    const rt_attr *attr = rt__op_attr(node, name);
    *count = attr->count;
    return attr->value.ints;
}

rt_code rt__op_axis(const rt_node *node, int64_t axis, int rank, int *result, rt_error *err)
{
    if (axis < -rank || axis >= rank)
        return rt__node_fail(err, RT_EFORMAT, node, "axis %lld of a tensor of rank %d", (long long)axis,
                             rank);
    *result = (int)(axis < 0 ? axis + rank : axis);
    return RT_OK;
}

rt_code rt__op_broadcast(const rt_node *node, const rt_shape *a, const rt_shape *b, rt_shape *out,
                         rt_error *err)
{
    int rank = a->rank > b->rank ? a->rank : b->rank;
    out->rank = rank;
    for (int i = 0; i < rank; i++) {
        int64_t x = i < rank - a->rank ? 1 : a->dim[i - (rank - a->rank)];
        int64_t y = i < rank - b->rank ? 1 : b->dim[i - (rank - b->rank)];
        if (x != y && x != 1 && y != 1) {
            char ta[160], tb[160];
            return rt__node_fail(err, RT_EFORMAT, node, "shapes %s and %s do not go together",
                                 rt__shape_text(a, ta, sizeof ta), rt__shape_text(b, tb, sizeof tb));
        }
        out->dim[i] = x == 1 ? y : x;
    }
    return RT_OK;
}

/* 1 GiB of floats: more than any network has, less than a small file may ask for. */
static const size_t most_elements = (size_t)1 << 28;

rt_code rt__op_infer(const rt_op_call *call, rt_value *value, rt_error *err)
{
    const rt_op *op = rt__op_find(call->node->op);
    size_t elements;
    rt_code code;
    if (!op)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "this op is not supported");
    *value = (rt_value){.dtype = op->type};
    if (op->type_attr)
        value->dtype = rt__op_type(call->node, op->type_attr);
    else if (op->type == RT_DTYPE_NONE && op->type_input < call->node->n_inputs)
        value->dtype = call->in[op->type_input].dtype;
    if ((code = op->shape(call, &value->shape, err)) != RT_OK)
        return code;
    if (rt__shape_elements(&value->shape, &elements, NULL) != RT_OK || elements > most_elements) {
        char text[200];
        return rt__node_fail(err, RT_ELIMIT, call->node, "its output would have shape %s",
                             rt__shape_text(&value->shape, text, sizeof text));
    }
    return RT_OK;
}
