#include "reference.h"

#include <math.h>
#include <string.h>

static double *at(const ref_value *x, int64_t n, int64_t h, int64_t w, int64_t c)
{
    return &x->data[((n * x->shape.dim[1] + h) * x->shape.dim[2] + w) * x->shape.dim[3] + c];
}

static int64_t out_size(const ref_value *x, const ref_window *w, int axis)
{
    int64_t extent = (w->kernel[axis] - 1) * w->dilation[axis] + 1;
    return (x->shape.dim[1 + axis] + w->before[axis] + w->after[axis] - extent) / w->stride[axis] + 1;
}

/* The pixel under tap k of the window at position o; false in the padding. */
static bool under(const ref_value *x, const ref_window *w, int axis, int64_t o, int64_t k, int64_t *pixel)
{
    *pixel = o * w->stride[axis] - w->before[axis] + k * w->dilation[axis];
    return *pixel >= 0 && *pixel < x->shape.dim[1 + axis];
}

static double conv_at(const ref_value *x, const ref_value *filter, const ref_window *w, bool depthwise,
                      const int64_t o[3])
{
    int64_t cin = filter->shape.dim[2], last = filter->shape.dim[3];
    int64_t from = depthwise ? o[2] / last : 0, to = depthwise ? from + 1 : cin;
    double sum = 0;
    for (int64_t i = 0; i < w->kernel[0]; i++)
        for (int64_t j = 0; j < w->kernel[1]; j++) {
            int64_t h, v;
            if (!under(x, w, 0, o[0], i, &h) || !under(x, w, 1, o[1], j, &v))
                continue;
            for (int64_t c = from; c < to; c++)
                sum += *at(x, 0, h, v, c) * *at(filter, i, j, c, depthwise ? o[2] % last : o[2]);
        }
    return sum;
}

ref_value ref_conv(const ref_value *x, const ref_value *filter, const ref_window *w, bool depthwise)
{
    int64_t channels = filter->shape.dim[3] * (depthwise ? filter->shape.dim[2] : 1);
    ref_value y = ref_new(&(rt_shape){.rank = 4, .dim = {1, out_size(x, w, 0), out_size(x, w, 1), channels}});
    for (int64_t i = 0; i < y.shape.dim[1]; i++)
        for (int64_t j = 0; j < y.shape.dim[2]; j++)
            for (int64_t c = 0; c < channels; c++)
                *at(&y, 0, i, j, c) = conv_at(x, filter, w, depthwise, (int64_t[]){i, j, c});
    return y;
}

static double pool_at(const ref_value *x, const ref_window *w, bool max, const int64_t o[3])
{
    double sum = 0, most = -INFINITY, count = 0;
    for (int64_t i = 0; i < w->kernel[0]; i++)
        for (int64_t j = 0; j < w->kernel[1]; j++) {
            int64_t h, v;
            if (!under(x, w, 0, o[0], i, &h) || !under(x, w, 1, o[1], j, &v))
                continue;
            sum += *at(x, 0, h, v, o[2]);
            most = fmax(most, *at(x, 0, h, v, o[2]));
            count++;
        }
    return max ? most : sum / count;
}

ref_value ref_pool(const ref_value *x, const ref_window *w, bool max)
{
    ref_value y =
        ref_new(&(rt_shape){.rank = 4, .dim = {1, out_size(x, w, 0), out_size(x, w, 1), x->shape.dim[3]}});
    for (int64_t i = 0; i < y.shape.dim[1]; i++)
        for (int64_t j = 0; j < y.shape.dim[2]; j++)
            for (int64_t c = 0; c < y.shape.dim[3]; c++)
                *at(&y, 0, i, j, c) = pool_at(x, w, max, (int64_t[]){i, j, c});
    return y;
}

ref_value ref_matmul(const ref_value *a, const ref_value *b, bool transpose_b)
{
    int64_t rows = a->shape.dim[0], k = a->shape.dim[1], columns = b->shape.dim[transpose_b ? 0 : 1];
    ref_value y = ref_new(&(rt_shape){.rank = 2, .dim = {rows, columns}});
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            for (int64_t m = 0; m < k; m++)
                y.data[i * columns + j] +=
                    a->data[i * k + m] * b->data[transpose_b ? j * k + m : m * columns + j];
    return y;
}

ref_value ref_softmax(const ref_value *x)
{
    ref_value y = ref_new(&x->shape);
    double sum = 0;
    for (size_t i = 0; i < x->count; i++)
        sum += exp(x->data[i]);
    for (size_t i = 0; i < x->count; i++)
        y.data[i] = exp(x->data[i]) / sum;
    return y;
}

ref_value ref_channels_last(const ref_value *x)
{
    int64_t c = x->shape.dim[1], h = x->shape.dim[2], w = x->shape.dim[3];
    ref_value y = ref_new(&(rt_shape){.rank = 4, .dim = {1, h, w, c}});
    for (int64_t i = 0; i < c; i++)
        for (int64_t j = 0; j < h * w; j++)
            y.data[j * c + i] = x->data[i * h * w + j];
    return y;
}

ref_value ref_channels_first(const ref_value *x)
{
    int64_t h = x->shape.dim[1], w = x->shape.dim[2], c = x->shape.dim[3];
    ref_value y = ref_new(&(rt_shape){.rank = 4, .dim = {1, c, h, w}});
    for (int64_t i = 0; i < c; i++)
        for (int64_t j = 0; j < h * w; j++)
            y.data[i * h * w + j] = x->data[j * c + i];
    return y;
}

/* ---- TensorFlow's ops ---- */

static bool is_planar(const ref_node *n)
{
    return strcmp(ref_string(n, "data_format", "NHWC"), "NCHW") == 0;
}

static ref_window read_window(const ref_node *n, const ref_value *x, const ref_value *filter)
{
    const char *padding = ref_string(n, "padding", "");
    size_t first = is_planar(n) ? 2 : 1;
    ref_window w;
    for (size_t i = 0; i < 2; i++) {
        int64_t size = x->shape.dim[1 + i], extent, total;
        w.kernel[i] = filter ? filter->shape.dim[i] : ref_at(n, "ksize", first + i, 0);
        w.stride[i] = ref_at(n, "strides", first + i, 1);
        w.dilation[i] = ref_at(n, "dilations", first + i, 1);
        extent = (w.kernel[i] - 1) * w.dilation[i] + 1;
        total = ((size + w.stride[i] - 1) / w.stride[i] - 1) * w.stride[i] + extent - size;
        total = strcmp(padding, "SAME") == 0 && total > 0 ? total : 0;
        w.before[i] = total / 2 + ref_at(n, "explicit_paddings", 2 * (first + i), 0);
        w.after[i] = total - total / 2 + ref_at(n, "explicit_paddings", 2 * (first + i) + 1, 0);
    }
    return w;
}

/* Channels last on the way in and back on the way out. */
static ref_value run_image(const ref_node *n, ref_value (*run)(const ref_node *, const ref_value *))
{
    ref_value last = {0}, y, back;
    if (!is_planar(n))
        return run(n, n->in[0]);
    last = ref_channels_last(n->in[0]);
    y = run(n, &last);
    back = ref_channels_first(&y);
    ref_free(&last);
    ref_free(&y);
    return back;
}

static ref_value conv(const ref_node *n, const ref_value *x)
{
    ref_window w = read_window(n, x, n->in[1]);
    return ref_conv(x, n->in[1], &w, strcmp(n->node->op, "Conv2D") != 0);
}

static ref_value pool(const ref_node *n, const ref_value *x)
{
    ref_window w = read_window(n, x, NULL);
    return ref_pool(x, &w, strcmp(n->node->op, "MaxPool") == 0);
}

static ref_value bias(const ref_node *n, const ref_value *x)
{
    ref_value y = ref_new(&x->shape);
    for (size_t i = 0; i < x->count; i++)
        y.data[i] = x->data[i] + n->in[1]->data[i % n->in[1]->count];
    return y;
}

static ref_value norm(const ref_node *n, const ref_value *x)
{
    bool fused = strncmp(n->node->op, "Fused", 5) == 0;
    const double *gamma = n->in[fused ? 1 : 4]->data, *beta = n->in[fused ? 2 : 3]->data;
    const double *mean = n->in[fused ? 3 : 1]->data, *variance = n->in[fused ? 4 : 2]->data;
    double epsilon = fused ? ref_float(n, "epsilon", 0.0001) : ref_float(n, "variance_epsilon", 0);
    bool scaled = fused || ref_int(n, "scale_after_normalization", 0);
    ref_value y = ref_new(&x->shape);
    for (size_t i = 0; i < x->count; i++) {
        size_t c = i % n->in[1]->count;
        y.data[i] = (x->data[i] - mean[c]) / sqrt(variance[c] + epsilon) * (scaled ? gamma[c] : 1) + beta[c];
    }
    return y;
}

static ref_value run_conv(const ref_node *n)
{
    return run_image(n, conv);
}

static ref_value run_pool(const ref_node *n)
{
    return run_image(n, pool);
}

static ref_value run_bias(const ref_node *n)
{
    return n->in[0]->shape.rank == 4 ? run_image(n, bias) : bias(n, n->in[0]);
}

static ref_value run_norm(const ref_node *n)
{
    return run_image(n, norm);
}

static ref_value run_matmul(const ref_node *n)
{
    return ref_matmul(n->in[0], n->in[1], ref_int(n, "transpose_b", 0));
}

static ref_value run_softmax(const ref_node *n)
{
    return ref_softmax(n->in[0]);
}

/* Over height and width, wherever they stand. */
static ref_value run_mean(const ref_node *n)
{
    bool first = n->in[1]->data[0] == 2, keep = ref_int(n, "keep_dims", 0);
    int64_t channels = n->in[0]->shape.dim[first ? 1 : 3];
    int64_t pixels = (int64_t)n->in[0]->count / channels;
    rt_shape shape = {.rank = 2, .dim = {1, channels}};
    ref_value y;
    if (keep)
        shape = first ? (rt_shape){.rank = 4, .dim = {1, channels, 1, 1}}
                      : (rt_shape){.rank = 4, .dim = {1, 1, 1, channels}};
    y = ref_new(&shape);
    for (int64_t c = 0; c < channels; c++)
        for (int64_t p = 0; p < pixels; p++)
            y.data[c] += n->in[0]->data[first ? c * pixels + p : p * channels + c] / (double)pixels;
    return y;
}

static ref_value run_pad(const ref_node *n)
{
    const ref_value *x = n->in[0];
    const double *p = n->in[1]->data;
    rt_shape shape = x->shape;
    ref_value y;
    for (int i = 0; i < 4; i++)
        shape.dim[i] += (int64_t)p[2 * i] + (int64_t)p[2 * i + 1];
    y = ref_new(&shape);
    for (int64_t i = 0; i < x->shape.dim[1]; i++)
        for (int64_t j = 0; j < x->shape.dim[2]; j++)
            for (int64_t c = 0; c < x->shape.dim[3]; c++)
                *at(&y, 0, i + (int64_t)p[2], j + (int64_t)p[4], c + (int64_t)p[6]) = *at(x, 0, i, j, c);
    return y;
}

const ref_op ref_image_ops[] = {
    {"Conv2D", run_conv},
    {"DepthwiseConv2dNative", run_conv},
    {"MaxPool", run_pool},
    {"AvgPool", run_pool},
    {"BiasAdd", run_bias},
    {"FusedBatchNorm", run_norm},
    {"FusedBatchNormV2", run_norm},
    {"FusedBatchNormV3", run_norm},
    {"BatchNormWithGlobalNormalization", run_norm},
    {"MatMul", run_matmul},
    {"Softmax", run_softmax},
    {"Mean", run_mean},
    {"Pad", run_pad},
    {NULL, NULL},
};
