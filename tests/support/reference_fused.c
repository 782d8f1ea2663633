#include "reference.h"

#include <math.h>
#include <string.h>

static ref_window read_window(const ref_node *n, const ref_value *filter)
{
    ref_window w;
    for (size_t i = 0; i < 2; i++) {
        w.kernel[i] = filter ? filter->shape.dim[i] : ref_at(n, "ksize", i, 0);
        w.stride[i] = ref_at(n, "strides", i, 1);
        w.dilation[i] = ref_at(n, "dilations", i, 1);
        w.before[i] = ref_at(n, "pads", 2 * i, 0);
        w.after[i] = ref_at(n, "pads", 2 * i + 1, 0);
    }
    return w;
}

/* Adds what may be added, then activates. */
static ref_value finish(const ref_node *n, ref_value y, const ref_value *bias, const ref_value *addend)
{
    for (size_t i = 0; i < y.count; i++) {
        double x = y.data[i] + (bias ? bias->data[i % bias->count] : 0) + (addend ? addend->data[i] : 0);
        y.data[i] = ref_activate(ref_string(n, "activation", ""), ref_float(n, "alpha", 0), x);
    }
    return y;
}

static ref_value run_conv(const ref_node *n)
{
    ref_window w = read_window(n, n->in[1]);
    ref_value y = ref_conv(n->in[0], n->in[1], &w, strcmp(n->node->op, "rt.Depthwise") == 0);
    return finish(n, y, n->in[2], n->node->n_inputs == 4 ? n->in[3] : NULL);
}

static ref_value run_matmul(const ref_node *n)
{
    return finish(n, ref_matmul(n->in[0], n->in[1], false), n->in[2], NULL);
}

static ref_value run_pool(const ref_node *n)
{
    ref_window w = read_window(n, NULL);
    return ref_pool(n->in[0], &w, strcmp(ref_string(n, "kind", ""), "max") == 0);
}

static ref_value run_global_average(const ref_node *n)
{
    int64_t channels = n->in[0]->shape.dim[3];
    ref_value y = ref_new(&(rt_shape){.rank = 2, .dim = {1, channels}});
    for (size_t i = 0; i < n->in[0]->count; i++)
        y.data[i % y.count] += n->in[0]->data[i] * (double)channels / (double)n->in[0]->count;
    return y;
}

static ref_value run_concat(const ref_node *n)
{
    rt_shape shape = n->in[0]->shape;
    size_t pixels = n->in[0]->count / (size_t)shape.dim[shape.rank - 1], at = 0;
    ref_value y;
    for (uint32_t i = 1; i < n->node->n_inputs; i++)
        shape.dim[shape.rank - 1] += n->in[i]->shape.dim[shape.rank - 1];
    y = ref_new(&shape);
    for (size_t p = 0; p < pixels; p++)
        for (uint32_t i = 0; i < n->node->n_inputs; i++) {
            size_t run = n->in[i]->count / pixels;
            memcpy(y.data + at, n->in[i]->data + p * run, run * sizeof(double));
            at += run;
        }
    return y;
}

static ref_value copy_of(const ref_value *x)
{
    ref_value y = ref_new(&x->shape);
    memcpy(y.data, x->data, x->count * sizeof *x->data);
    return y;
}

static ref_value run_add(const ref_node *n)
{
    return finish(n, copy_of(n->in[0]), NULL, n->in[1]);
}

static ref_value run_mul(const ref_node *n)
{
    ref_value y = copy_of(n->in[0]);
    for (size_t i = 0; i < y.count; i++)
        y.data[i] *= n->in[1]->data[i % n->in[1]->count];
    return finish(n, y, NULL, NULL);
}

static ref_value run_affine(const ref_node *n)
{
    ref_value y = copy_of(n->in[0]);
    for (size_t i = 0; i < y.count; i++)
        y.data[i] *= n->in[1]->data[i % n->in[1]->count];
    return finish(n, y, n->in[2], NULL);
}

static ref_value run_activation(const ref_node *n)
{
    return finish(n, copy_of(n->in[0]), NULL, NULL);
}

static ref_value run_softmax(const ref_node *n)
{
    return ref_softmax(n->in[0]);
}

static ref_value run_reshape(const ref_node *n)
{
    const rt_attr *attr = rt__node_attr(n->node, "shape");
    ref_value y = copy_of(n->in[0]);
    y.shape = (rt_shape){.rank = (int)attr->count + 1, .dim = {1}};
    for (size_t i = 0; i < attr->count; i++)
        y.shape.dim[i + 1] = attr->value.ints[i];
    return y;
}

static ref_value run_pad(const ref_node *n)
{
    const ref_value *x = n->in[0];
    int64_t top = ref_at(n, "pads", 0, 0), left = ref_at(n, "pads", 2, 0), c = x->shape.dim[3];
    rt_shape shape = x->shape;
    ref_value y;
    shape.dim[1] += top + ref_at(n, "pads", 1, 0);
    shape.dim[2] += left + ref_at(n, "pads", 3, 0);
    y = ref_new(&shape);
    for (int64_t i = 0; i < x->shape.dim[1]; i++)
        memcpy(y.data + ((i + top) * shape.dim[2] + left) * c, x->data + i * x->shape.dim[2] * c,
               (size_t)(x->shape.dim[2] * c) * sizeof(double));
    return y;
}

static ref_value run_quant(const ref_node *n)
{
    float low = (float)ref_float(n, "low", 0), high = (float)ref_float(n, "high", 0);
    float scale = (float)ref_float(n, "scale", 0), inverse = (float)ref_float(n, "inverse", 0);
    float zero = (float)ref_float(n, "zero", 0), divisor = (float)ref_float(n, "divisor", 1);
    ref_value y = copy_of(n->in[0]);
    for (size_t i = 0; i < y.count; i++) {
        float x = fminf(fmaxf((float)y.data[i], low), high);
        y.data[i] = (double)(floorf((x - low) * inverse / divisor - zero + 0.5f) * scale);
    }
    return y;
}

const ref_op ref_fused_ops[] = {
    {"rt.Conv", run_conv},
    {"rt.Depthwise", run_conv},
    {"rt.MatMul", run_matmul},
    {"rt.Pool", run_pool},
    {"rt.GlobalAverage", run_global_average},
    {"rt.Concat", run_concat},
    {"rt.Add", run_add},
    {"rt.Mul", run_mul},
    {"rt.Affine", run_affine},
    {"rt.FakeQuant", run_quant},
    {"rt.Activation", run_activation},
    {"rt.Softmax", run_softmax},
    {"rt.Reshape", run_reshape},
    {"rt.Pad", run_pad},
    {NULL, NULL},
};
