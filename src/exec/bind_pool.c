/* Ops over neighbouring pixels without weights. */
#include "bind.h"

#include <string.h>

static rt_code pool_kind(const rt_op *op, bool *average, rt_error *err)
{
    rt_string kind;
    rt_code code = rt__arg_string(op, "kind", &kind, err);
    if (code != RT_OK)
        return code;
    *average = kind.size == 7 && memcmp(kind.bytes, "average", 7) == 0;
    if (!*average && (kind.size != 3 || memcmp(kind.bytes, "max", 3) != 0))
        return rt_fail(err, RT_EUNSUPPORTED, "pool '%.*s'", (int)kind.size, kind.bytes);
    return RT_OK;
}

rt_code rt__bind_pool(rt_op *op, rt_bound *bound, rt_error *err)
{
    rt_pool_spec spec = {.src = op->tensors[0]};
    const rt_window *window = &spec.window;
    rt_code code = pool_kind(op, &spec.average, err);
    if (code != RT_OK || (code = rt__arg_integers(op, "ksize", 2, 1, 1, spec.window.size, err)) != RT_OK ||
        (code = rt__arg_window(op, &spec.src, &spec.window, err)) != RT_OK)
        return code;
    for (int axis = 0; axis < 2; axis++)
        if (window->dilation[axis] != 1 || window->front[axis] >= window->size[axis] ||
            window->back[axis] >= window->size[axis])
            return rt_fail(err, RT_EUNSUPPORTED, "a pool with a window of padding only");
    if ((code = rt__grid_new(rt__window_out(window, 0, spec.src.h), rt__window_out(window, 1, spec.src.w),
                             spec.src.c, &bound->out, err)) != RT_OK)
        return code;
    return op->kernels->pool(op->kernels, &spec, &bound->kernel, err);
}

rt_code rt__bind_global_average(rt_op *op, rt_bound *bound, rt_error *err)
{
    bound->out = (rt_grid){1, 1, op->tensors[0].c, RT_LAYOUT_ROWS};
    return op->kernels->global_average(op->kernels, &op->tensors[0], &bound->kernel, err);
}

rt_code rt__bind_pad(rt_op *op, rt_bound *bound, rt_error *err)
{
    rt_pad_spec spec = {.src = op->tensors[0]};
    int32_t pads[4];
    rt_code code = rt__arg_integers(op, "pads", 4, 0, 0, pads, err);
    if (code != RT_OK ||
        (code = rt__grid_new((int64_t)spec.src.h + pads[0] + pads[1], (int64_t)spec.src.w + pads[2] + pads[3],
                             spec.src.c, &bound->out, err)) != RT_OK)
        return code;
    for (int axis = 0; axis < 2; axis++) {
        spec.front[axis] = pads[2 * axis];
        spec.back[axis] = pads[2 * axis + 1];
    }
    return op->kernels->pad(op->kernels, &spec, &bound->kernel, err);
}
