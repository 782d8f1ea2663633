/* Quantised constants. */
#include "op_rules.h"

#include "quantize.h"

#include <math.h>
#include <string.h>

static rt_code init(const rt_op_call *call, float min, float max, bool divides, rt_quant *quant,
                    rt_error *err)
{
    int64_t bits = rt__op_int(call->node, "num_bits");
    if (call->in[0].dtype != RT_FLOAT || !rt__quant_valid(min, max, bits))
        return rt__node_fail(err, RT_EFORMAT, call->node, "%lld bits for %g .. %g on type %s",
                             (long long)bits, (double)min, (double)max, rt__dtype_name(call->in[0].dtype));
    rt__quant_init(quant, min, max, bits, rt__op_bool(call->node, "narrow_range"), divides);
    return RT_OK;
}

/* The range in inputs 1 and 2, element i. */
static rt_code read_range(const rt_op_call *call, size_t i, bool divides, rt_quant *quant, rt_error *err)
{
    float range[2];
    for (uint32_t k = 0; k < 2; k++) {
        const rt_tensor *t = call->constant[1 + k];
        if (t->dtype != RT_FLOAT || rt__tensor_count(t) <= i)
            return rt__node_fail(err, RT_EFORMAT, call->node, "input %u is no range of floats", 1 + k);
        range[k] = rt__tensor_float(t, i);
    }
    return init(call, range[0], range[1], divides, quant, err);
}

static void apply(const rt_quant *quant, const rt_tensor *in, float *out)
{
    size_t count = rt__tensor_count(in);
    for (size_t i = 0; i < count; i++)
        out[i] = rt__quant_apply(quant, rt__tensor_float(in, i));
}

rt_code rt__eval_fake_quant_vars(const rt_op_call *call, void *const *data, const rt_value *out,
                                 rt_error *err)
{
    rt_quant quant;
    rt_code code = read_range(call, 0, true, &quant, err);
    (void)out;
    if (code == RT_OK)
        apply(&quant, call->constant[0], data[0]);
    return code;
}

rt_code rt__eval_fake_quant_args(const rt_op_call *call, void *const *data, const rt_value *out,
                                 rt_error *err)
{
    rt_quant quant;
    rt_code code =
        init(call, rt__op_float(call->node, "min"), rt__op_float(call->node, "max"), false, &quant, err);
    (void)out;
    if (code == RT_OK)
        apply(&quant, call->constant[0], data[0]);
    return code;
}

rt_code rt__eval_fake_quant_channels(const rt_op_call *call, void *const *data, const rt_value *out,
                                     rt_error *err)
{
    const rt_tensor *in = call->constant[0];
    size_t channels = in->shape.rank > 0 ? (size_t)in->shape.dim[in->shape.rank - 1] : 0;
    size_t count = rt__tensor_count(in);
    rt_code code = RT_OK;
    (void)out;
    if (channels == 0)
        return rt__node_fail(err, RT_EFORMAT, call->node, "on a tensor without channels");
    for (size_t c = 0; code == RT_OK && c < channels; c++) {
        rt_quant quant;
        code = read_range(call, c, false, &quant, err);
        for (size_t i = c; code == RT_OK && i < count; i += channels)
            ((float *)data[0])[i] = rt__quant_apply(&quant, rt__tensor_float(in, i));
    }
    return code;
}

/* What a quantised number is worth: (number + offset) * scale + start. */
typedef struct decoding {
    float offset, scale, start;
} decoding;

/* Source: TensorFlow's dequantize_op.cc and QuantizedToFloatStruct; axis -1 only. */
static rt_code find_decoding(const rt_op_call *call, float min, float max, decoding *d, rt_error *err)
{
    const char *mode = rt__op_string(call->node, "mode");
    bool is_signed = call->in[0].dtype == RT_QINT8 || call->in[0].dtype == RT_QINT16;
    int bits = 8 * (int)rt__dtype_size(call->in[0].dtype);
    float steps = (float)((1 << bits) - 1), lowest = is_signed ? -(float)(1 << (bits - 1)) : 0;
    float highest = is_signed ? -lowest - 1 : steps;
    *d = (decoding){0};
    if (strcmp(mode, "MIN_FIRST") == 0) {
        d->scale = (max - min) / steps;
        d->start = (max == min ? min : roundf(min / d->scale) * d->scale) - lowest * d->scale;
    } else if (strcmp(mode, "MIN_COMBINED") == 0) {
        d->scale = (max - min) / steps;
        d->offset = is_signed ? (steps + 1) / 2 : 0;
        d->start = min;
    } else if (strcmp(mode, "SCALED") == 0) {
        float below = is_signed ? min / (lowest + (rt__op_bool(call->node, "narrow_range") ? 1 : 0)) : 0;
        float above = max / highest;
        d->scale = is_signed && below > above ? below : above;
    } else {
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "mode '%s'", mode);
    }
    return RT_OK;
}

rt_code rt__eval_dequantize(const rt_op_call *call, void *const *data, const rt_value *out, rt_error *err)
{
    const rt_tensor *in = call->constant[0], *min = call->constant[1], *max = call->constant[2];
    size_t count = rt__tensor_count(in);
    decoding d;
    rt_code code;
    if (out->dtype != RT_FLOAT || rt__op_int(call->node, "axis") != -1 ||
        !(in->dtype == RT_QUINT8 || in->dtype == RT_QINT8 || in->dtype == RT_QUINT16 ||
          in->dtype == RT_QINT16))
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "from %s to %s", rt__dtype_name(in->dtype),
                             rt__dtype_name(out->dtype));
    if (min->dtype != RT_FLOAT || max->dtype != RT_FLOAT || rt__tensor_count(min) != 1 ||
        rt__tensor_count(max) != 1)
        return rt__node_fail(err, RT_EFORMAT, call->node, "its range is not made of two floats");
    code = find_decoding(call, rt__tensor_float(min, 0), rt__tensor_float(max, 0), &d, err);
    for (size_t i = 0; code == RT_OK && i < count; i++)
        ((float *)data[0])[i] = ((float)rt__tensor_int(in, i) + d.offset) * d.scale + d.start;
    return code;
}
