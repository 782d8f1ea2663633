/* Tensors of activations and weights, float or 8-bit: all that differs between the two kinds of file. */
#include "tflite_model.h"

#include <math.h>
#include <string.h>

static void set_quant(rt_tfl_build *b, int32_t tensor, const float *scales, const int64_t *zeros, size_t n,
                      int32_t axis)
{
    rt_tfl_tensor *t;
    if (tensor < 0)
        return;
    t = &b->tensors[tensor];
    t->scales = scales;
    t->zeros = zeros;
    t->n_scales = n;
    t->axis = axis;
}

/* One scale and zero point so that low, high and 0 fit into -128 .. 127 and 0 is exact. */
static void quant_of_range(rt_tflite_range range, float *scale, int64_t *zero)
{
    double low = fmin((double)range.low, 0), high = fmax((double)range.high, 0), step = (high - low) / 255;
    double point;
    if (!(step > 1e-12))
        step = 1e-12;
    point = nearbyint(-128 - low / step);
    *scale = (float)step;
    *zero = point < -128 ? -128 : point > 127 ? 127 : (int64_t)point;
}

int32_t rt__tfl_activation(rt_tfl_build *b, const char *name, const char *suffix, const rt_shape *shape,
                           rt_tflite_range range)
{
    float *scale;
    int64_t *zero;
    int32_t tensor;
    if (!b->options->ranges)
        return rt__tfl_tensor(b, name, suffix, RT_TFL_FLOAT32, shape->dim, shape->rank, NULL, 0);
    tensor = rt__tfl_tensor(b, name, suffix, RT_TFL_INT8, shape->dim, shape->rank, NULL, 0);
    scale = rt__tfl_room(b, 1, sizeof *scale);
    zero = rt__tfl_room(b, 1, sizeof *zero);
    if (!zero)
        return -1;
    quant_of_range(range, scale, zero);
    set_quant(b, tensor, scale, zero, 1, 0);
    return tensor;
}

int32_t rt__tfl_like(rt_tfl_build *b, const char *name, const char *suffix, const rt_shape *shape,
                     int32_t like)
{
    rt_tfl_type type = b->options->ranges ? RT_TFL_INT8 : RT_TFL_FLOAT32;
    int32_t tensor = rt__tfl_tensor(b, name, suffix, type, shape->dim, shape->rank, NULL, 0);
    if (tensor >= 0 && like >= 0) {
        const rt_tfl_tensor *source = &b->tensors[like];
        set_quant(b, tensor, source->scales, source->zeros, source->n_scales, source->axis);
    }
    return tensor;
}

int32_t rt__tfl_unsigned(rt_tfl_build *b, const char *name, const rt_shape *shape, int32_t like)
{
    int32_t tensor = rt__tfl_like(b, name, "", shape, like);
    int64_t *zero = rt__tfl_room(b, 1, sizeof *zero);
    if (!zero || tensor < 0)
        return -1;
    *zero = b->tensors[tensor].zeros[0] + 128;
    b->tensors[tensor].zeros = zero;
    b->tensors[tensor].type = RT_TFL_UINT8;
    return tensor;
}

bool rt__tfl_same_quant(const rt_tfl_build *b, int32_t x, int32_t y)
{
    const rt_tfl_tensor *a = &b->tensors[x], *c = &b->tensors[y];
    return a->n_scales == c->n_scales &&
           (a->n_scales == 0 || (a->scales[0] == c->scales[0] && a->zeros[0] == c->zeros[0]));
}

/* How far apart two values of the same channel stand, and how many channels there are. */
static void channels_of(const int64_t *shape, int rank, int axis, size_t *channels, size_t *inner)
{
    *channels = axis < 0 ? 1 : (size_t)shape[axis];
    *inner = 1;
    for (int i = axis < 0 ? 0 : axis + 1; i < rank; i++)
        *inner *= (size_t)shape[i];
}

int32_t rt__tfl_weights(rt_tfl_build *b, const char *name, const int64_t *shape, int rank,
                        const float *values, int axis)
{
    size_t channels, inner, n = 1;
    float *scales;
    int64_t *zeros;
    int8_t *bytes;
    int32_t tensor;
    for (int i = 0; i < rank; i++)
        n *= (size_t)shape[i];
    if (!b->options->ranges)
        return rt__tfl_tensor(b, name, "/weights", RT_TFL_FLOAT32, shape, rank, values, n * sizeof *values);
    channels_of(shape, rank, axis, &channels, &inner);
    scales = rt__tfl_room(b, channels, sizeof *scales);
    zeros = rt__tfl_room(b, channels, sizeof *zeros);
    if (!(bytes = rt__tfl_room(b, n, 1)))
        return -1;
    for (size_t i = 0; i < n; i++) {
        float *scale = &scales[i / inner % channels];
        *scale = fmaxf(*scale, fabsf(values[i]));
    }
    for (size_t c = 0; c < channels; c++)
        scales[c] = scales[c] > 0 ? scales[c] / 127 : 1.0f;
    for (size_t i = 0; i < n; i++) {
        float step = nearbyintf(values[i] / scales[i / inner % channels]);
        bytes[i] = (int8_t)fmaxf(-127, fminf(127, step));
    }
    tensor = rt__tfl_tensor(b, name, "/weights", RT_TFL_INT8, shape, rank, bytes, n);
    set_quant(b, tensor, scales, zeros, channels, axis < 0 ? 0 : axis);
    return tensor;
}

int32_t rt__tfl_bias(rt_tfl_build *b, const char *name, const float *values, size_t n, int32_t input,
                     int32_t weights)
{
    const int64_t shape = (int64_t)n;
    const rt_tfl_tensor *w;
    float *scales;
    int64_t *zeros;
    int32_t *steps, tensor;
    double input_scale;
    if (!b->options->ranges)
        return rt__tfl_tensor(b, name, "/bias", RT_TFL_FLOAT32, &shape, 1, values, n * sizeof *values);
    if (b->code != RT_OK || input < 0 || weights < 0)
        return -1;
    w = &b->tensors[weights];
    input_scale = (double)b->tensors[input].scales[0];
    scales = rt__tfl_room(b, n, sizeof *scales);
    zeros = rt__tfl_room(b, n, sizeof *zeros);
    if (!(steps = rt__tfl_room(b, n, sizeof *steps)))
        return -1;
    for (size_t i = 0; i < n; i++) {
        double scale = input_scale * (double)w->scales[w->n_scales > 1 ? i : 0];
        double step = nearbyint((double)values[i] / scale);
        scales[i] = (float)scale;
        steps[i] = (int32_t)fmax(-2147483647.0, fmin(2147483647.0, step));
    }
    tensor = rt__tfl_tensor(b, name, "/bias", RT_TFL_INT32, &shape, 1, steps, n * sizeof *steps);
    set_quant(b, tensor, scales, zeros, w->n_scales > 1 ? n : 1, 0);
    return tensor;
}
