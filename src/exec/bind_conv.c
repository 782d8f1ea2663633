/* Ops with weights. */
#include "bind.h"

#include <stdlib.h>

/* The addend, tensor 1, must have the shape of out. */
static rt_code check_addend(const rt_op *op, const rt_grid *out, rt_error *err)
{
    const rt_grid *addend = &op->tensors[1];
    if (op->n_tensors > 1 && (addend->h != out->h || addend->w != out->w || addend->c != out->c))
        return rt_fail(err, RT_EUNSUPPORTED, "adds [%d,%d,%d] to [%d,%d,%d]", addend->h, addend->w, addend->c,
                       out->h, out->w, out->c);
    return RT_OK;
}

/* All of spec but the weights' values; shape is that of the filter. */
static rt_code conv_spec(const rt_op *op, rt_conv_spec *spec, rt_shape *shape, rt_grid *out, rt_error *err)
{
    rt_code code = rt__arg_constant_shape(op, 0, 4, shape, err);
    if (code != RT_OK)
        return code;
    for (int axis = 0; axis < 2; axis++) {
        if (shape->dim[axis] < 1 || shape->dim[axis] > 1 << 12)
            return rt_fail(err, RT_EUNSUPPORTED, "a filter of %lld x %lld", (long long)shape->dim[0],
                           (long long)shape->dim[1]);
        spec->window.size[axis] = (int32_t)shape->dim[axis];
    }
    spec->src = op->tensors[0];
    spec->accumulate = op->n_tensors > 1;
    if ((code = rt__arg_window(op, &spec->src, &spec->window, err)) != RT_OK ||
        (code = rt__arg_activation(op, &spec->activation, err)) != RT_OK)
        return code;
    if (shape->dim[2] != spec->src.c)
        return rt_fail(err, RT_EFORMAT, "a filter for %lld channels on %d", (long long)shape->dim[2],
                       spec->src.c);
    return rt__grid_new(rt__window_out(&spec->window, 0, spec->src.h),
                        rt__window_out(&spec->window, 1, spec->src.w), shape->dim[3], out, err);
}

static rt_code bind_any(rt_op *op, rt_conv_spec *spec, const rt_shape *shape, const rt_grid *out,
                        rt_bound *bound, rt_error *err)
{
    const int64_t channels = spec->channels;
    rt_code code = check_addend(op, out, err);
    if (code == RT_OK)
        code = rt__arg_constant(op, 0, 4, shape->dim, &spec->weights, err);
    if (code == RT_OK)
        code = rt__arg_constant(op, 1, 1, &channels, &spec->bias, err);
    bound->accumulates = spec->accumulate;
    bound->out = *out;
    return code;
}

/* oneDNN's pointwise kernels add the channels one after the other with FMA, as TensorFlow does, but start
 * with the bias: it is added afterwards. */
static rt_code pointwise_in_order(const rt_op *op, const rt_conv_spec *spec, rt_bound *bound, rt_error *err)
{
    size_t n = (size_t)spec->channels;
    float *zeros = calloc(n, sizeof *zeros), *ones = malloc(n * sizeof *ones);
    rt_conv_spec sums = *spec;
    rt_affine_spec rest = {.scale = ones, .shift = spec->bias, .activation = spec->activation};
    rt_code code;
    if (!zeros || !ones) {
        code = rt_fail(err, RT_ENOMEM, "out of memory");
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        ones[i] = 1;
    sums.bias = zeros;
    sums.activation = (rt_activation){0};
    if ((code = op->kernels->direct_conv(op->kernels, &sums, &bound->kernel, err)) != RT_OK)
        goto done;
    rest.src = bound->kernel->dst;
    if ((code = op->kernels->affine(op->kernels, &rest, &bound->after, err)) != RT_OK)
        rt__kernel_free(bound->kernel);
done:
    free(zeros);
    free(ones);
    return code;
}

/* Whether it is worth the time, and possible, to round as TensorFlow does. */
static bool wants_order(const rt_op *op, const rt_conv_spec *spec)
{
    return op->in_order && !spec->accumulate && spec->multiplier <= 1;
}

rt_code rt__bind_conv_spec(rt_op *op, rt_conv_spec *spec, rt_bound *bound, rt_error *err)
{
    rt_shape shape;
    rt_grid out;
    rt_code code;
    *spec = (rt_conv_spec){0};
    if ((code = conv_spec(op, spec, &shape, &out, err)) != RT_OK)
        return code;
    spec->channels = out.c;
    bound->flops = 2.0 * out.h * out.w * out.c * (double)(shape.dim[0] * shape.dim[1] * shape.dim[2]);
    return bind_any(op, spec, &shape, &out, bound, err);
}

rt_code rt__bind_conv(rt_op *op, rt_bound *bound, rt_error *err)
{
    rt_conv_spec spec;
    rt_code code = rt__bind_conv_spec(op, &spec, bound, err);
    if (code != RT_OK)
        return code;
    if (wants_order(op, &spec) && spec.window.size[0] == 1 && spec.window.size[1] == 1)
        return pointwise_in_order(op, &spec, bound, err);
    if (wants_order(op, &spec) && spec.src.c <= 4)
        return op->kernels->ordered_conv(op->kernels, &spec, &bound->kernel, err);
    return (op->in_order ? op->kernels->direct_conv : op->kernels->conv)(op->kernels, &spec, &bound->kernel,
                                                                         err);
}

rt_code rt__bind_depthwise_spec(rt_op *op, rt_conv_spec *spec, rt_bound *bound, rt_error *err)
{
    rt_shape shape;
    rt_grid out;
    rt_code code;
    *spec = (rt_conv_spec){0};
    if ((code = conv_spec(op, spec, &shape, &out, err)) != RT_OK)
        return code;
    spec->multiplier = out.c; /* the filter's last dimension, in [1, 2^31] */
    if ((code = rt__grid_new(out.h, out.w, (int64_t)spec->src.c * spec->multiplier, &out, err)) != RT_OK)
        return code;
    spec->channels = out.c;
    bound->flops = 2.0 * out.h * out.w * out.c * (double)(shape.dim[0] * shape.dim[1]);
    return bind_any(op, spec, &shape, &out, bound, err);
}

rt_code rt__bind_depthwise(rt_op *op, rt_bound *bound, rt_error *err)
{
    rt_conv_spec spec;
    rt_code code = rt__bind_depthwise_spec(op, &spec, bound, err);
    if (code != RT_OK)
        return code;
    if (wants_order(op, &spec))
        return op->kernels->ordered_depthwise(op->kernels, &spec, &bound->kernel, err);
    return op->kernels->depthwise(op->kernels, &spec, &bound->kernel, err);
}

rt_code rt__bind_matmul(rt_op *op, rt_bound *bound, rt_error *err)
{
    const rt_grid *x = &op->tensors[0];
    rt_matmul_spec spec = {.inputs = x->c};
    rt_shape shape;
    rt_grid out;
    rt_code code = rt__arg_constant_shape(op, 0, 2, &shape, err);
    if (code != RT_OK || (code = rt__arg_activation(op, &spec.activation, err)) != RT_OK)
        return code;
    if (x->h != 1 || x->w != 1 || shape.dim[0] != x->c)
        return rt_fail(err, RT_EFORMAT, "[%d,%d,%d] times [%lld,%lld]", x->h, x->w, x->c,
                       (long long)shape.dim[0], (long long)shape.dim[1]);
    if ((code = rt__grid_new(1, 1, shape.dim[1], &out, err)) != RT_OK ||
        (code = rt__arg_constant(op, 0, 2, shape.dim, &spec.weights, err)) != RT_OK ||
        (code = rt__arg_constant(op, 1, 1, &shape.dim[1], &spec.bias, err)) != RT_OK)
        return code;
    spec.outputs = out.c;
    bound->out = out;
    bound->flops = 2.0 * spec.inputs * spec.outputs;
    return op->kernels->matmul(op->kernels, &spec, &bound->kernel, err);
}
