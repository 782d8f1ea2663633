/* ONNX's layers with weights or windows. */
#include "onnx_import.h"

#include "base/checked.h"

#include <string.h>

/* Input 0 must be a map of the image. */
static rt_code want_map(const rt_onnx_call *call)
{
    const rt_onnx_value *x = call->in[0];
    char text[160];
    if (x->constant || x->shape.rank != 4 || !x->channels_last)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "its input is %s, want a computed map [1,c,h,w]",
                                  x->constant ? "a constant" : rt__shape_text(&x->shape, text, sizeof text));
    return RT_OK;
}

static void set_map(rt_onnx_call *call, rt_edge edge, int64_t channels, const int64_t out[2])
{
    call->out->edge = edge;
    call->out->channels_last = true;
    call->out->shape = (rt_shape){.rank = 4, .dim = {1, channels, out[0], out[1]}};
}

/* ---- windows ---- */

static rt_code read_pair(const rt_onnx_call *call, const char *name, int64_t pair[2])
{
    size_t n;
    const int64_t *values = rt__onnx_get_ints(call, name, &n);
    if (values && n != 2)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "%s has %zu numbers, want height and width", name,
                                  n);
    pair[0] = values ? values[0] : 1;
    pair[1] = values ? values[1] : 1;
    return RT_OK;
}

/* As TensorFlow's SAME; lower: the odd pixel comes first. */
static void same_pads(rt_import_window *w, bool lower)
{
    for (int i = 0; i < 2; i++) {
        int64_t out = (w->in[i] + w->stride[i] - 1) / w->stride[i];
        int64_t all = (out - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1 - w->in[i];
        all = all > 0 ? all : 0;
        w->pads[2 * i] = lower ? all - all / 2 : all / 2;
        w->pads[2 * i + 1] = all - w->pads[2 * i];
    }
}

static rt_code read_pads(const rt_onnx_call *call, rt_import_window *w)
{
    char text[16];
    const char *automatic = rt__onnx_get_text(call, "auto_pad", text, sizeof text);
    size_t n;
    const int64_t *pads = rt__onnx_get_ints(call, "pads", &n);
    if (strcmp(automatic, "SAME_UPPER") == 0 || strcmp(automatic, "SAME_LOWER") == 0) {
        same_pads(w, strcmp(automatic, "SAME_LOWER") == 0);
        return RT_OK;
    }
    if (*automatic && strcmp(automatic, "NOTSET") != 0 && strcmp(automatic, "VALID") != 0)
        return rt__onnx_call_fail(call, RT_EFORMAT, "auto_pad '%s'", automatic);
    if (!pads || strcmp(automatic, "VALID") == 0)
        return RT_OK;
    if (n != 4)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "pads has %zu numbers, want 4", n);
    w->pads[0] = pads[0];
    w->pads[1] = pads[2];
    w->pads[2] = pads[1];
    w->pads[3] = pads[3];
    return RT_OK;
}

/* Rounding up: as many pixels more at the end as the last window wants, if it begins inside. */
static void round_up(rt_import_window *w)
{
    for (int i = 0; i < 2; i++) {
        int64_t padded = w->in[i] + w->pads[2 * i] + w->pads[2 * i + 1];
        int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1, over = (padded - extent) % w->stride[i];
        int64_t begins = padded - extent - over + w->stride[i];
        if (over > 0 && begins < w->in[i] + w->pads[2 * i])
            w->pads[2 * i + 1] += w->stride[i] - over;
    }
}

/* kernel: height, width */
static rt_code read_window(const rt_onnx_call *call, const int64_t kernel[2], rt_import_window *w,
                           int64_t out[2])
{
    const rt_shape *in = &call->in[0]->shape;
    rt_code code;
    *w = (rt_import_window){.kernel = {kernel[0], kernel[1]}, .in = {in->dim[2], in->dim[3]}};
    if ((code = read_pair(call, "strides", w->stride)) != RT_OK ||
        (code = read_pair(call, "dilations", w->dilation)) != RT_OK)
        return code;
    if (!rt__import_window_out(w, out) && (w->stride[0] < 1 || w->stride[1] < 1))
        return rt__onnx_call_fail(call, RT_EFORMAT, "strides %lld and %lld", (long long)w->stride[0],
                                  (long long)w->stride[1]);
    if ((code = read_pads(call, w)) != RT_OK)
        return code;
    if (rt__import_window_out(w, out) && rt__onnx_get_int(call, "ceil_mode", 0))
        round_up(w);
    if (!rt__import_window_out(w, out))
        return rt__onnx_call_fail(call, RT_EFORMAT, "a window of %lldx%lld does not fit %lldx%lld pixels",
                                  (long long)kernel[0], (long long)kernel[1], (long long)w->in[0],
                                  (long long)w->in[1]);
    return RT_OK;
}

/* ---- convolution ---- */

typedef struct filter {
    int64_t outputs, inputs, group; /* inputs: of each group */
    int64_t kernel[2];
    bool depthwise;
} filter;

static rt_code read_filter(const rt_onnx_call *call, filter *f)
{
    int64_t channels = call->in[0]->shape.dim[1];
    const rt_onnx_const *w = call->in[1] ? call->in[1]->constant : NULL;
    if (!w || !w->floats || w->shape.rank != 4 || w->n == 0)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "its weights are no constant floats [m,c,h,w]");
    *f = (filter){.outputs = w->shape.dim[0],
                  .inputs = w->shape.dim[1],
                  .group = rt__onnx_get_int(call, "group", 1),
                  .kernel = {w->shape.dim[2], w->shape.dim[3]}};
    if (f->group < 1 || f->group > f->outputs || f->outputs % f->group != 0 || channels % f->group != 0 ||
        channels / f->group != f->inputs)
        return rt__onnx_call_fail(call, RT_EFORMAT, "%lld groups of %lld channels, but its input has %lld",
                                  (long long)f->group, (long long)f->inputs, (long long)channels);
    f->depthwise = f->inputs == 1 && f->group == channels && channels > 1;
    return RT_OK;
}

/* [m,c/g,h,w] -> [h,w,c,m], zeros between groups; depthwise [h,w,c,m/c]. */
static float *turn_filter(rt_onnx_call *call, const filter *f, int64_t dims[4])
{
    const float *w = call->in[1]->constant->floats;
    size_t area = (size_t)(f->kernel[0] * f->kernel[1]), per_group = (size_t)(f->outputs / f->group);
    size_t inputs = (size_t)f->inputs, wide, count;
    float *turned;
    dims[0] = f->kernel[0];
    dims[1] = f->kernel[1];
    dims[2] = call->in[0]->shape.dim[1];
    dims[3] = f->depthwise ? f->outputs / f->group : f->outputs;
    wide = (size_t)dims[3];
    if (!rt_mul(&count, area, (size_t)dims[2]) || !rt_mul(&count, count, wide) ||
        !(turned = rt__onnx_room(call, count)))
        return NULL;
    for (size_t o = 0; o < (size_t)f->outputs; o++)
        for (size_t i = 0; i < inputs; i++)
            for (size_t k = 0; k < area; k++) {
                size_t channel = o / per_group * inputs + i, to = f->depthwise ? o % per_group : o;
                turned[(k * (size_t)dims[2] + channel) * wide + to] = w[(o * inputs + i) * area + k];
            }
    return turned;
}

static rt_code copy_floats(rt_onnx_call *call, size_t input, size_t n, const float **copy)
{
    const float *from;
    float *to;
    rt_code code = rt__onnx_floats(call, input, n, &from);
    if (code != RT_OK)
        return code;
    if (!(to = rt__onnx_room(call, n)))
        return call->o->im.b.code;
    memcpy(to, from, n * sizeof *to);
    *copy = to;
    return RT_OK;
}

rt_code rt__onnx_conv(rt_onnx_call *call)
{
    const float *bias = NULL;
    rt_import_window window;
    int64_t dims[4], out[2];
    float *turned;
    filter f;
    rt_code code = want_map(call);
    if (code != RT_OK || (code = read_filter(call, &f)) != RT_OK ||
        (code = read_window(call, f.kernel, &window, out)) != RT_OK)
        return code;
    if (call->n_in > 2 && call->in[2] && (code = copy_floats(call, 2, (size_t)f.outputs, &bias)) != RT_OK)
        return code;
    if (!(turned = turn_filter(call, &f, dims)))
        return call->o->im.b.code != RT_OK ? call->o->im.b.code
                                           : rt__onnx_call_fail(call, RT_ELIMIT, "its weights overflow");
    set_map(call,
            rt__import_conv(&call->o->im, call->name, call->in[0]->edge, turned, dims, bias, &window,
                            f.depthwise),
            f.outputs, out);
    return call->o->im.b.code;
}

/* ---- products ---- */

/* Row r of the file's weights is row *.. of ours, where the input was flattened from a map. */
static size_t turned_row(const rt_onnx_value *x, size_t r)
{
    size_t area = (size_t)(x->map[1] * x->map[2]);
    return area ? r % area * (size_t)x->map[0] + r / area : r;
}

/* transposed: the file has [m,k] */
static rt_code product(rt_onnx_call *call, bool transposed, float alpha, float beta)
{
    const rt_onnx_value *x = call->in[0];
    const rt_onnx_const *w = call->in[1] ? call->in[1]->constant : NULL;
    const float *bias = NULL;
    float *turned, *biases = NULL;
    int64_t k, m;
    rt_code code;
    if (x->constant || x->shape.rank != 2 || !w || !w->floats || w->shape.rank != 2)
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "want a computed vector and constant weights");
    k = w->shape.dim[transposed ? 1 : 0];
    m = w->shape.dim[transposed ? 0 : 1];
    if (k != x->shape.dim[1] || k < 1 || m < 1)
        return rt__onnx_call_fail(call, RT_EFORMAT, "weights for %lld values, but its input has %lld",
                                  (long long)k, (long long)x->shape.dim[1]);
    if (!(turned = rt__onnx_room(call, w->n)) || !(biases = rt__onnx_room(call, (size_t)m)))
        return call->o->im.b.code;
    for (size_t r = 0; r < (size_t)k; r++)
        for (size_t c = 0; c < (size_t)m; c++)
            turned[turned_row(x, r) * (size_t)m + c] =
                alpha * w->floats[transposed ? c * (size_t)k + r : r * (size_t)m + c];
    if (call->n_in > 2 && call->in[2]) {
        bool one = call->in[2]->constant && call->in[2]->constant->n == 1;
        if ((code = rt__onnx_floats(call, 2, one ? 1 : (size_t)m, &bias)) != RT_OK)
            return code;
        for (size_t c = 0; c < (size_t)m; c++)
            biases[c] = beta * bias[one ? 0 : c];
    }
    call->out->edge =
        rt__import_matmul(&call->o->im, call->name, x->edge, turned, k, m, bias ? biases : NULL);
    call->out->shape = (rt_shape){.rank = 2, .dim = {1, m}};
    return call->o->im.b.code;
}

rt_code rt__onnx_gemm(rt_onnx_call *call)
{
    if (rt__onnx_get_int(call, "transA", 0))
        return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "with transA");
    return product(call, rt__onnx_get_int(call, "transB", 0) != 0, rt__onnx_get_float(call, "alpha", 1),
                   rt__onnx_get_float(call, "beta", 1));
}

rt_code rt__onnx_matmul(rt_onnx_call *call)
{
    return product(call, false, 1, 0);
}

/* ---- batch norm ---- */

rt_code rt__onnx_batch_norm(rt_onnx_call *call)
{
    const rt_onnx_value *x = call->in[0];
    static const char *const suffixes[] = {"/gamma", "/beta", "/mean", "/variance"};
    const rt_attr epsilon = {
        .name = "epsilon", .kind = RT_ATTR_FLOAT, .value.f = rt__onnx_get_float(call, "epsilon", 1e-5f)};
    rt_import *im = &call->o->im;
    rt_edge inputs[5] = {x->edge};
    rt_code code = want_map(call);
    if (code == RT_OK && rt__onnx_get_int(call, "training_mode", 0))
        code = rt__onnx_call_fail(call, RT_EUNSUPPORTED, "in training mode: export the model for inference");
    for (size_t i = 1; code == RT_OK && i < 5; i++) {
        const float *values;
        if ((code = copy_floats(call, i, (size_t)x->shape.dim[1], &values)) == RT_OK)
            inputs[i] = rt__import_floats(im, call->name, suffixes[i - 1], values, &x->shape.dim[1], 1);
    }
    if (code != RT_OK)
        return code;
    call->out->edge = rt__import_op(im, call->name, "", "FusedBatchNormV3", inputs, 5);
    rt__builder_type(&im->b, call->out->edge.node, "U", RT_FLOAT);
    rt__builder_attr(&im->b, call->out->edge.node, &epsilon);
    rt__builder_bool(&im->b, call->out->edge.node, "is_training", false);
    rt__builder_text(&im->b, call->out->edge.node, "data_format", "NHWC");
    call->out->shape = x->shape;
    call->out->channels_last = true;
    return im->b.code;
}

/* ---- pools ---- */

static rt_code pool(rt_onnx_call *call, const char *op)
{
    rt_import *im = &call->o->im;
    bool average = strcmp(op, "AvgPool") == 0, counted = rt__onnx_get_int(call, "count_include_pad", 0) != 0;
    rt_edge x = call->in[0]->edge;
    rt_import_window w;
    int64_t kernel[2], out[2];
    rt_code code = want_map(call);
    if (code == RT_OK && !rt__onnx_get(call, "kernel_shape"))
        code = rt__onnx_call_fail(call, RT_EFORMAT, "kernel_shape is missing");
    if (code == RT_OK)
        code = read_pair(call, "kernel_shape", kernel);
    if (code == RT_OK)
        code = read_window(call, kernel, &w, out);
    if (code == RT_OK && (w.dilation[0] != 1 || w.dilation[1] != 1))
        code = rt__onnx_call_fail(call, RT_EUNSUPPORTED, "with dilations");
    if (code == RT_OK && average && counted && rt__onnx_get_int(call, "ceil_mode", 0))
        code = rt__onnx_call_fail(call, RT_EUNSUPPORTED, "with both ceil_mode and count_include_pad");
    if (code != RT_OK)
        return code;
    if (average && counted) {
        x = rt__import_pad(im, call->name, "/padded", x, w.pads);
        w.in[0] += w.pads[0] + w.pads[1];
        w.in[1] += w.pads[2] + w.pads[3];
        memset(w.pads, 0, sizeof w.pads);
    }
    set_map(call, rt__import_pool(im, call->name, op, x, &w), call->in[0]->shape.dim[1], out);
    return im->b.code;
}

rt_code rt__onnx_max_pool(rt_onnx_call *call)
{
    return pool(call, "MaxPool");
}

rt_code rt__onnx_average_pool(rt_onnx_call *call)
{
    return pool(call, "AvgPool");
}

rt_code rt__onnx_global_average(rt_onnx_call *call)
{
    static const int64_t one[2] = {1, 1};
    rt_code code = want_map(call);
    if (code == RT_OK)
        set_map(call, rt__import_mean(&call->o->im, call->name, call->in[0]->edge, true),
                call->in[0]->shape.dim[1], one);
    return code == RT_OK ? call->o->im.b.code : code;
}

rt_code rt__onnx_global_max(rt_onnx_call *call)
{
    static const int64_t one[2] = {1, 1};
    const rt_shape *in = &call->in[0]->shape;
    rt_code code = want_map(call);
    rt_import_window w = {.kernel = {in->dim[2], in->dim[3]},
                          .stride = {1, 1},
                          .dilation = {1, 1},
                          .in = {in->dim[2], in->dim[3]}};
    if (code == RT_OK)
        set_map(call, rt__import_pool(&call->o->im, call->name, "MaxPool", call->in[0]->edge, &w), in->dim[1],
                one);
    return code == RT_OK ? call->o->im.b.code : code;
}

/* Over height and width only. */
rt_code rt__onnx_reduce_mean(rt_onnx_call *call)
{
    const rt_onnx_value *x = call->in[0];
    const int64_t *axes;
    size_t n;
    bool keep = rt__onnx_get_int(call, "keepdims", 1) != 0, seen[4] = {false};
    int channel = x->channels_last ? 1 : 3;
    rt_code code = rt__onnx_ints(call, 1, "axes", &axes, &n);
    if (code != RT_OK)
        return code;
    for (size_t i = 0; i < n && x->shape.rank == 4; i++)
        if (axes[i] >= -4 && axes[i] < 4)
            seen[axes[i] < 0 ? axes[i] + 4 : axes[i]] = true;
    for (int i = 0; i < 4; i++)
        if (x->shape.rank != 4 || seen[i] != (i != 0 && i != channel))
            return rt__onnx_call_fail(call, RT_EUNSUPPORTED, "only over height and width");
    call->out->edge = rt__import_mean(&call->o->im, call->name, x->edge, keep);
    call->out->channels_last = keep && x->channels_last;
    call->out->shape = (rt_shape){.rank = 2, .dim = {1, x->shape.dim[channel]}};
    if (keep) {
        call->out->shape = (rt_shape){.rank = 4, .dim = {1, 1, 1, 1}};
        call->out->shape.dim[channel] = x->shape.dim[channel];
    }
    return call->o->im.b.code;
}
