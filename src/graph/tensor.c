#include "graph.h"

#include "base/checked.h"

#include <stdio.h>

static const struct dtype_row {
    const char *name;
    size_t size;
} dtypes[] = {
    [RT_FLOAT] = {"float", 4},         [RT_DOUBLE] = {"double", 8},   [RT_INT32] = {"int32", 4},
    [RT_UINT8] = {"uint8", 1},         [RT_INT16] = {"int16", 2},     [RT_INT8] = {"int8", 1},
    [RT_STRING] = {"string", 0},       [RT_INT64] = {"int64", 8},     [RT_BOOL] = {"bool", 1},
    [RT_COMPLEX64] = {"complex64", 8}, [RT_QINT8] = {"qint8", 1},     [RT_QUINT8] = {"quint8", 1},
    [RT_QINT32] = {"qint32", 4},       [RT_QINT16] = {"qint16", 2},   [RT_QUINT16] = {"quint16", 2},
    [RT_BFLOAT16] = {"bfloat16", 2},   [RT_UINT16] = {"uint16", 2},   [RT_COMPLEX128] = {"complex128", 16},
    [RT_HALF] = {"half", 2},           [RT_UINT32] = {"uint32", 4},   [RT_UINT64] = {"uint64", 8},
    [RT_RESOURCE] = {"resource", 0},   [RT_VARIANT] = {"variant", 0},
};

static const struct dtype_row *row_of(rt_dtype dtype)
{
    size_t number = (size_t)dtype;
    return number < sizeof dtypes / sizeof *dtypes && dtypes[number].name ? &dtypes[number] : NULL;
}

size_t rt__dtype_size(rt_dtype dtype)
{
    const struct dtype_row *row = row_of(dtype);
    return row ? row->size : 0;
}

const char *rt__dtype_name(rt_dtype dtype)
{
    const struct dtype_row *row = row_of(dtype);
    return row ? row->name : "unknown";
}

rt_code rt__shape_elements(const rt_shape *shape, size_t *elements, rt_error *err)
{
    size_t product = 1;
    if (shape->rank < 0)
        return rt_fail(err, RT_EFORMAT, "shape of unknown rank");
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 0)
            return rt_fail(err, RT_EFORMAT, "dimension %d is %lld", i, (long long)shape->dim[i]);
        if (!rt_mul(&product, product, (size_t)shape->dim[i]))
            return rt_fail(err, RT_ELIMIT, "shape overflows at dimension %d", i);
    }
    *elements = product;
    return RT_OK;
}

bool rt__shape_equal(const rt_shape *a, const rt_shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

char *rt__shape_text(const rt_shape *shape, char *text, size_t size)
{
    size_t at = 0;
    if (shape->rank < 0) {
        snprintf(text, size, "unknown rank");
        return text;
    }
    at += (size_t)snprintf(text, size, "[");
    for (int i = 0; i < shape->rank && at < size; i++) {
        const char *comma = i ? "," : "";
        if (shape->dim[i] < 0)
            at += (size_t)snprintf(text + at, size - at, "%s?", comma);
        else
            at += (size_t)snprintf(text + at, size - at, "%s%lld", comma, (long long)shape->dim[i]);
    }
    if (at < size)
        snprintf(text + at, size - at, "]");
    return text;
}
