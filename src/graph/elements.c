/* Elements of constants: whatever their type and alignment. */
#include "ops.h"

#include <math.h>
#include <string.h>

float rt__tensor_float(const rt_tensor *tensor, size_t i)
{
    float value;
    memcpy(&value, (const char *)tensor->data + i * sizeof value, sizeof value);
    return value;
}

static double half_value(uint16_t bits)
{
    int exponent = (bits >> 10) & 31;
    double fraction = bits & 1023, value;
    if (exponent == 31)
        value = fraction != 0 ? NAN : INFINITY;
    else
        value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return bits & 0x8000 ? -value : value;
}

static double bfloat_value(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return (double)value;
}

double rt__tensor_double(const rt_tensor *tensor, size_t i)
{
    double value;
    uint16_t bits;
    if (tensor->dtype == RT_FLOAT)
        return (double)rt__tensor_float(tensor, i);
    if (tensor->dtype == RT_DOUBLE) {
        memcpy(&value, (const char *)tensor->data + i * sizeof value, sizeof value);
        return value;
    }
    if (tensor->dtype != RT_HALF && tensor->dtype != RT_BFLOAT16)
        return (double)rt__tensor_int(tensor, i);
    memcpy(&bits, (const char *)tensor->data + i * sizeof bits, sizeof bits);
    return tensor->dtype == RT_HALF ? half_value(bits) : bfloat_value(bits);
}

static bool is_signed(rt_dtype dtype)
{
    return dtype == RT_INT8 || dtype == RT_INT16 || dtype == RT_INT32 || dtype == RT_INT64 ||
           dtype == RT_QINT8 || dtype == RT_QINT16 || dtype == RT_QINT32;
}

int64_t rt__tensor_int(const rt_tensor *tensor, size_t i)
{
    size_t size = rt__dtype_size(tensor->dtype);
    uint64_t bits = 0;
    if (size == 0)
        return 0;
    memcpy(&bits, (const char *)tensor->data + i * size, size < sizeof bits ? size : sizeof bits);
    if (is_signed(tensor->dtype) && size < sizeof bits) {
        uint64_t sign = (uint64_t)1 << (8 * size - 1);
        bits = (bits ^ sign) - sign;
    }
    return (int64_t)bits;
}

void rt__store_int(rt_dtype dtype, void *data, size_t i, int64_t value)
{
    size_t size = rt__dtype_size(dtype);
    memcpy((char *)data + i * size, &value, size < sizeof value ? size : sizeof value);
}

size_t rt__tensor_count(const rt_tensor *tensor)
{
    size_t count = 0;
    return rt__shape_elements(&tensor->shape, &count, NULL) == RT_OK ? count : 0;
}

static bool is_integer(rt_dtype dtype)
{
    return dtype == RT_INT32 || dtype == RT_INT64 || dtype == RT_INT16 || dtype == RT_INT8 ||
           dtype == RT_UINT8 || dtype == RT_UINT16 || dtype == RT_UINT32;
}

rt_code rt__op_const_ints(const rt_op_call *call, uint32_t input, int64_t *ints, size_t most, size_t *count,
                          rt_error *err)
{
    const rt_tensor *tensor = call->constant[input];
    if (!tensor)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "input %u is computed, want a constant",
                             input);
    if (!is_integer(tensor->dtype) || tensor->shape.rank > 2)
        return rt__node_fail(err, RT_EFORMAT, call->node, "input %u holds no list of integers", input);
    *count = rt__tensor_count(tensor);
    if (*count > most)
        return rt__node_fail(err, RT_EFORMAT, call->node,
                             "input %u has %zu elements, at most %zu can be used", input, *count, most);
    for (size_t i = 0; i < *count; i++)
        ints[i] = rt__tensor_int(tensor, i);
    return RT_OK;
}

rt_code rt__op_const_int(const rt_op_call *call, uint32_t input, int64_t *value, rt_error *err)
{
    size_t count;
    rt_code code = rt__op_const_ints(call, input, value, 1, &count, err);
    if (code == RT_OK && count != 1)
        code = rt__node_fail(err, RT_EFORMAT, call->node, "input %u is empty, want a number", input);
    return code;
}
