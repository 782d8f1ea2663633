/* The meaning of each dense kernel, in plain C. */
#include "dense_parts.h"

#include <stdint.h>
#include <string.h>

/* The lanes in halves, the order every level keeps. */
static float lane_sum(float lane[RT_DENSE_LANES])
{
    for (size_t half = RT_DENSE_LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return lane[0];
}

static float dot_product(const float *restrict x, const float *restrict w, size_t length)
{
    float lane[RT_DENSE_LANES] = {0};
    size_t whole = length - length % RT_DENSE_LANES;
    for (size_t j = 0; j < whole; j += RT_DENSE_LANES)
        for (size_t l = 0; l < RT_DENSE_LANES; l++)
            lane[l] += x[j + l] * w[j + l];
    for (size_t j = whole; j < length; j++)
        lane[j - whole] += x[j] * w[j];
    return lane_sum(lane);
}

static void ref_dot(const rt_dense_rows *rows, const float *w, size_t w_stride, float *out, size_t out_stride)
{
    for (size_t i = 0; i < rows->n; i++)
        for (size_t k = 0; k < rows->n_outputs; k++)
            out[i * out_stride + k] += dot_product(rows->x[i], w + k * w_stride, rows->length);
}

static void add_scaled(float *restrict sum, const float *restrict x, float scale, size_t length)
{
    for (size_t j = 0; j < length; j++)
        sum[j] += scale * x[j];
}

static void ref_accumulate(const rt_dense_rows *rows, const float *d, size_t d_stride, float *sum,
                           size_t sum_stride)
{
    for (size_t i = 0; i < rows->n; i++)
        for (size_t k = 0; k < rows->n_outputs; k++)
            add_scaled(sum + k * sum_stride, rows->x[i], d[i * d_stride + k], rows->length);
}

static void ref_descend(float *restrict w, const float *restrict step, float rate, size_t n)
{
    for (size_t j = 0; j < n; j++)
        w[j] -= rate * step[j];
}

static float power_of_two(int32_t exponent) /* -126 .. 127 */
{
    uint32_t bits = (uint32_t)(exponent + 127) << 23;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float exp_one(float v)
{
    float k, r, p;
    if (!(v >= RT_EXP_LEAST))
        return v < RT_EXP_LEAST ? 0 : v;
    k = v * RT_EXP_LOG2E + RT_EXP_ROUND - RT_EXP_ROUND;
    r = v - k * RT_EXP_LN2_HIGH - k * RT_EXP_LN2_LOW;
    p = ((((RT_EXP_C0 * r + RT_EXP_C1) * r + RT_EXP_C2) * r + RT_EXP_C3) * r + RT_EXP_C4) * r + RT_EXP_C5;
    p = p * (r * r) + r + 1.0F;
    return p * power_of_two((int32_t)k);
}

static void ref_exp(float *v, size_t n)
{
    for (size_t j = 0; j < n; j++)
        v[j] = exp_one(v[j]);
}

void rt__dense_fill_ref(rt_dense *dense)
{
    *dense = (rt_dense){"plain C", ref_dot, ref_accumulate, ref_descend, ref_exp};
}
