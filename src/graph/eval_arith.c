/* Arithmetic on constants, in the type TensorFlow would use and operation by operation: what is folded here
 * has the bits that TensorFlow computes. */
#include "op_rules.h"

#include "base/rsqrt.h"

#include <math.h>
#include <string.h>

static float neg_f(float x)
{
    return -x;
}

static int64_t neg_i(int64_t x)
{
    return (int64_t)(0 - (uint64_t)x);
}

static float relu_f(float x)
{
    return x > 0 ? x : 0;
}

static float relu6_f(float x)
{
    return x > 0 ? (x < 6 ? x : 6) : 0;
}

static float elu_f(float x)
{
    return x < 0 ? expm1f(x) : x;
}

static float rsqrt_f(float x)
{
    return 1 / sqrtf(x);
}

static float sigmoid_f(float x)
{
    return 1 / (1 + expf(-x));
}

static float square_f(float x)
{
    return x * x;
}

static int64_t mul_i(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

static int64_t square_i(int64_t x)
{
    return mul_i(x, x);
}

static float add_f(float a, float b)
{
    return a + b;
}

static int64_t add_i(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static float sub_f(float a, float b)
{
    return a - b;
}

static int64_t sub_i(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static float mul_f(float a, float b)
{
    return a * b;
}

static float div_f(float a, float b)
{
    return a / b;
}

static float max_f(float a, float b)
{
    return a > b ? a : b;
}

static int64_t max_i(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static float min_f(float a, float b)
{
    return a < b ? a : b;
}

static int64_t min_i(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static float squared_difference_f(float a, float b)
{
    return (a - b) * (a - b);
}

static float floor_div_f(float a, float b)
{
    return floorf(a / b);
}

static int64_t floor_div_i(int64_t a, int64_t b)
{
    if (b == 0 || b == -1)
        return b ? neg_i(a) : 0;
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static float floor_mod_f(float a, float b)
{
    float rest = fmodf(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static int64_t floor_mod_i(int64_t a, int64_t b)
{
    return sub_i(a, mul_i(floor_div_i(a, b), b));
}

static const struct unary {
    const char *op;
    float (*floats)(float);
    int64_t (*ints)(int64_t); /* NULL: not for integers */
    float (*vectors)(float);  /* what whole vectors of floats get in networks that round; NULL: the same */
} unaries[] = {
    {"Elu", elu_f, NULL, NULL},
    {"Exp", expf, NULL, NULL},
    {"Log", logf, NULL, NULL},
    {"Neg", neg_f, neg_i, NULL},
    {"Relu", relu_f, NULL, NULL},
    {"Relu6", relu6_f, NULL, NULL},
    {"Round", rintf, NULL, NULL},
    {"Rsqrt", rsqrt_f, NULL, rt__rsqrt_vector},
    {"Sigmoid", sigmoid_f, NULL, NULL},
    {"Sqrt", sqrtf, NULL, NULL},
    {"Square", square_f, square_i, NULL},
    {"Tanh", tanhf, NULL, NULL},
};

static const struct binary {
    const char *op;
    float (*floats)(float, float);
    int64_t (*ints)(int64_t, int64_t);
} binaries[] = {
    {"Add", add_f, add_i},
    {"AddV2", add_f, add_i},
    {"FloorDiv", floor_div_f, floor_div_i},
    {"FloorMod", floor_mod_f, floor_mod_i},
    {"Maximum", max_f, max_i},
    {"Minimum", min_f, min_i},
    {"Mul", mul_f, mul_i},
    {"Pow", powf, NULL},
    {"RealDiv", div_f, NULL},
    {"SquaredDifference", squared_difference_f, NULL},
    {"Sub", sub_f, sub_i},
};

static bool is_integer(rt_dtype dtype)
{
    return dtype == RT_INT32 || dtype == RT_INT64;
}

static rt_code bad_type(const rt_op_call *call, rt_dtype dtype, rt_error *err)
{
    return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "on constants of type %s", rt__dtype_name(dtype));
}

rt_code rt__eval_unary(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    const rt_tensor *in = call->constant[0];
    const struct unary *row = unaries;
    size_t count = rt__tensor_count(in), in_vectors = 0;
    while (strcmp(row->op, call->node->op) != 0)
        row++; /* ops.c gives this rule to no op that has no row here */
    if (row->vectors && call->rounds)
        in_vectors = count / RT_RSQRT_VECTOR * RT_RSQRT_VECTOR;
    if (out->dtype == RT_FLOAT)
        for (size_t i = 0; i < count; i++)
            ((float *)data[0])[i] = (i < in_vectors ? row->vectors : row->floats)(rt__tensor_float(in, i));
    else if (is_integer(out->dtype) && row->ints)
        for (size_t i = 0; i < count; i++)
            rt__store_int(out->dtype, data[0], i, row->ints(rt__tensor_int(in, i)));
    else
        return bad_type(call, out->dtype, err);
    return RT_OK;
}

/* Where two broadcast inputs stand while the output is walked in order. */
typedef struct broadcast {
    int rank;
    int64_t extent[RT_MAX_RANK], index[RT_MAX_RANK];
    size_t step[2][RT_MAX_RANK], at[2];
} broadcast;

static void broadcast_init(broadcast *b, const rt_op_call *call, const rt_shape *out)
{
    *b = (broadcast){.rank = out->rank};
    memcpy(b->extent, out->dim, sizeof b->extent);
    for (int input = 0; input < 2; input++) {
        const rt_shape *in = &call->in[input].shape;
        size_t step = 1;
        for (int i = in->rank - 1; i >= 0; i--) {
            b->step[input][i + out->rank - in->rank] = in->dim[i] == 1 ? 0 : step;
            step *= (size_t)in->dim[i];
        }
    }
}

static void broadcast_next(broadcast *b)
{
    for (int i = b->rank - 1; i >= 0; i--) {
        b->at[0] += b->step[0][i];
        b->at[1] += b->step[1][i];
        if (++b->index[i] < b->extent[i])
            return;
        b->at[0] -= b->step[0][i] * (size_t)b->extent[i];
        b->at[1] -= b->step[1][i] * (size_t)b->extent[i];
        b->index[i] = 0;
    }
}

rt_code rt__eval_binary(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    const rt_tensor *a = call->constant[0], *b = call->constant[1];
    const struct binary *row = binaries;
    size_t count;
    broadcast walk;
    rt_code code = rt__shape_elements(&out->shape, &count, err);
    while (strcmp(row->op, call->node->op) != 0)
        row++;
    broadcast_init(&walk, call, &out->shape);
    if (code != RT_OK)
        return code;
    if (a->dtype != b->dtype)
        return rt__node_fail(err, RT_EFORMAT, call->node, "one input is %s, the other %s",
                             rt__dtype_name(a->dtype), rt__dtype_name(b->dtype));
    if (out->dtype == RT_FLOAT)
        for (size_t i = 0; i < count; i++, broadcast_next(&walk))
            ((float *)data[0])[i] =
                row->floats(rt__tensor_float(a, walk.at[0]), rt__tensor_float(b, walk.at[1]));
    else if (is_integer(out->dtype) && row->ints)
        for (size_t i = 0; i < count; i++, broadcast_next(&walk))
            rt__store_int(out->dtype, data[0], i,
                          row->ints(rt__tensor_int(a, walk.at[0]), rt__tensor_int(b, walk.at[1])));
    else
        return bad_type(call, out->dtype, err);
    return RT_OK;
}

static bool is_real(rt_dtype dtype)
{
    return dtype == RT_FLOAT || dtype == RT_DOUBLE || dtype == RT_HALF || dtype == RT_BFLOAT16;
}

/* What a real number becomes as an integer; NaN and numbers out of range become 0. */
static int64_t to_integer(double value)
{
    return fabs(value) < 9e18 ? (int64_t)value : 0;
}

rt_code rt__eval_cast(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    const rt_tensor *in = call->constant[0];
    size_t count = rt__tensor_count(in), size = rt__dtype_size(out->dtype);
    bool whole = !is_real(out->dtype) && size <= 8 && out->dtype != RT_COMPLEX64;
    if (in->dtype == out->dtype) {
        memcpy(data[0], in->data ? in->data : "", in->bytes);
        return RT_OK;
    }
    if (rt__dtype_size(in->dtype) == 0 || in->dtype == RT_COMPLEX64 || in->dtype == RT_COMPLEX128 ||
        !(out->dtype == RT_FLOAT || out->dtype == RT_DOUBLE || (whole && size > 0)))
        return bad_type(call, in->dtype, err);
    for (size_t i = 0; i < count; i++) {
        double value = rt__tensor_double(in, i);
        if (out->dtype == RT_FLOAT)
            ((float *)data[0])[i] = (float)value;
        else if (out->dtype == RT_DOUBLE)
            ((double *)data[0])[i] = value;
        else if (out->dtype == RT_BOOL)
            rt__store_int(RT_BOOL, data[0], i, value != 0);
        else
            rt__store_int(out->dtype, data[0], i,
                          is_real(in->dtype) ? to_integer(value) : rt__tensor_int(in, i));
    }
    return RT_OK;
}
