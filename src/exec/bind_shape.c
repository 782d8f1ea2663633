/* Ops that compute nothing: the plan arranges memory so that often nothing is moved either. */
#include "bind.h"

/* The layout most of the inputs have, so that most of them need not move. */
static rt_layout common_layout(const rt_op *op)
{
    uint32_t votes[RT_LAYOUT_COUNT] = {0};
    rt_layout best = op->tensors[0].layout;
    for (uint32_t i = 0; i < op->n_tensors; i++)
        if (++votes[op->tensors[i].layout] > votes[best])
            best = op->tensors[i].layout;
    return best;
}

rt_code rt__bind_concat(rt_op *op, rt_bound *bound, rt_error *err)
{
    const rt_grid *first = &op->tensors[0];
    int64_t channels = 0;
    rt_code code;
    for (uint32_t i = 0; i < op->n_tensors; i++) {
        const rt_grid *part = &op->tensors[i];
        if (part->h != first->h || part->w != first->w)
            return rt_fail(err, RT_EFORMAT, "joins %d x %d and %d x %d", first->h, first->w, part->h,
                           part->w);
        channels += part->c;
    }
    if ((code = rt__grid_new(first->h, first->w, channels, &bound->out, err)) != RT_OK)
        return code;
    bound->role = RT_ROLE_JOIN;
    bound->out.layout = common_layout(op);
    return RT_OK;
}

rt_code rt__bind_reshape(rt_op *op, rt_bound *bound, rt_error *err)
{
    const rt_attr *shape = rt__node_attr(op->node, "shape");
    const rt_grid *x = &op->tensors[0];
    int64_t dim[3] = {1, 1, 1};
    rt_code code;
    if (!shape || shape->kind != RT_ATTR_LIST_INT || shape->count < 1 || shape->count > 3)
        return rt_fail(err, RT_EUNSUPPORTED, "a reshape to other than 1, 2 or 3 dimensions");
    for (size_t i = 0; i < shape->count; i++)
        dim[3 - shape->count + i] = shape->value.ints[i];
    if ((code = rt__grid_new(dim[0], dim[1], dim[2], &bound->out, err)) != RT_OK)
        return code;
    if (dim[0] * dim[1] * dim[2] != (int64_t)x->h * x->w * x->c)
        return rt_fail(err, RT_EFORMAT, "[%d,%d,%d] cannot become [%lld,%lld,%lld]", x->h, x->w, x->c,
                       (long long)dim[0], (long long)dim[1], (long long)dim[2]);
    bound->role = RT_ROLE_VIEW;
    return RT_OK;
}
