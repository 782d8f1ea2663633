/* Ops on each float, and softmax. */
#include "bind.h"

rt_code rt__bind_activation(rt_op *op, rt_bound *bound, rt_error *err)
{
    rt_activation_spec spec = {.src = op->tensors[0]};
    rt_code code = rt__arg_activation(op, &spec.activation, err);
    bound->out = spec.src;
    return code == RT_OK ? op->kernels->activation(op->kernels, &spec, &bound->kernel, err) : code;
}

rt_code rt__bind_add(rt_op *op, rt_bound *bound, rt_error *err)
{
    rt_activation_spec spec = {.src = op->tensors[0]};
    const rt_grid *a = &op->tensors[0], *b = &op->tensors[1];
    rt_code code = rt__arg_activation(op, &spec.activation, err);
    if (code != RT_OK)
        return code;
    if (a->h != b->h || a->w != b->w || a->c != b->c)
        return rt_fail(err, RT_EUNSUPPORTED, "adds [%d,%d,%d] and [%d,%d,%d]", a->h, a->w, a->c, b->h, b->w,
                       b->c);
    bound->out = spec.src;
    return op->kernels->add(op->kernels, &spec, &bound->kernel, err);
}

rt_code rt__bind_mul(rt_op *op, rt_bound *bound, rt_error *err)
{
    rt_mul_spec spec = {.src = op->tensors[0]};
    const rt_grid *a = &op->tensors[0], *b = &op->tensors[1];
    rt_code code = rt__arg_activation(op, &spec.activation, err);
    if (code != RT_OK)
        return code;
    spec.gate = b->h == 1 && b->w == 1 && (a->h > 1 || a->w > 1);
    if (a->c != b->c || (!spec.gate && (a->h != b->h || a->w != b->w)))
        return rt_fail(err, RT_EUNSUPPORTED, "multiplies [%d,%d,%d] and [%d,%d,%d]", a->h, a->w, a->c, b->h,
                       b->w, b->c);
    bound->out = spec.src;
    return op->kernels->mul(op->kernels, &spec, &bound->kernel, err);
}

rt_code rt__bind_affine_spec(rt_op *op, rt_affine_spec *spec, rt_bound *bound, rt_error *err)
{
    const int64_t c = op->tensors[0].c;
    rt_code code;
    *spec = (rt_affine_spec){.src = op->tensors[0]};
    bound->out = spec->src;
    if ((code = rt__arg_activation(op, &spec->activation, err)) != RT_OK ||
        (code = rt__arg_constant(op, 0, 1, &c, &spec->scale, err)) != RT_OK)
        return code;
    return rt__arg_constant(op, 1, 1, &c, &spec->shift, err);
}

rt_code rt__bind_affine(rt_op *op, rt_bound *bound, rt_error *err)
{
    rt_affine_spec spec;
    rt_code code = rt__bind_affine_spec(op, &spec, bound, err);
    return code == RT_OK ? op->kernels->affine(op->kernels, &spec, &bound->kernel, err) : code;
}

rt_code rt__bind_fake_quant(rt_op *op, rt_bound *bound, rt_error *err)
{
    rt_fake_quant_spec spec = {.src = op->tensors[0]};
    const struct {
        const char *name;
        float *value;
    } attributes[] = {{"low", &spec.low},         {"high", &spec.high},       {"scale", &spec.scale},
                      {"inverse", &spec.inverse}, {"divisor", &spec.divisor}, {"zero", &spec.zero}};
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        rt_code code = rt__arg_float(op, attributes[i].name, attributes[i].value, err);
        if (code != RT_OK)
            return code;
    }
    bound->out = spec.src;
    return op->kernels->fake_quant(op->kernels, &spec, &bound->kernel, err);
}

rt_code rt__bind_softmax(rt_op *op, rt_bound *bound, rt_error *err)
{
    bound->out = op->tensors[0];
    return op->kernels->softmax(op->kernels, &op->tensors[0], &bound->kernel, err);
}
