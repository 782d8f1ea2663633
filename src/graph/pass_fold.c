/* What can be computed from constants becomes a constant. */
#include "op_rules.h"
#include "rewrite.h"

#include "base/checked.h"

#include <string.h>

enum { MOST_OUTPUTS = 64 };
static const size_t most_bytes = (size_t)1 << 30; /* of all constants: a small file may ask for any size */

static bool can_fold(const rt_op *op, const rt_op_call *call)
{
    if (!op->eval || call->node->n_inputs == 0)
        return false;
    for (uint32_t i = 0; i < call->node->n_inputs && !op->shape_only; i++)
        if (!call->constant[i])
            return false;
    return true;
}

/* The elements of the input serve in another shape: large weights are not copied. */
static rt_code share(rt_rewrite *r, uint32_t node, const rt_tensor *source, rt_error *err)
{
    rt_tensor tensor = *source;
    rt_edge edge;
    void *data;
    rt_code code;
    uint32_t index;
    tensor.shape = r->values[node].shape;
    code = rt__rewrite_const(r, node, RT_UINT8, &(rt_shape){.rank = 1, .dim = {0}}, &edge, &data, err);
    if (code != RT_OK)
        return code;
    index = edge.node;
    code = rt__rewrite_set_attrs(r, index,
                                 (rt_attr[]){
                                     {.name = "dtype", .kind = RT_ATTR_TYPE, .value.type = tensor.dtype},
                                     {.name = "value", .kind = RT_ATTR_TENSOR, .value.tensor = tensor},
                                 },
                                 2, err);
    rt__rewrite_forward(r, node, index);
    return code;
}

static rt_code compute(rt_rewrite *r, uint32_t node, const rt_op *op, const rt_op_call *call, rt_error *err)
{
    const rt_value *value = &r->values[node];
    int64_t outputs = op->count_attr ? rt__op_int(call->node, op->count_attr) : 1;
    void *data[MOST_OUTPUTS];
    rt_edge first = {0, 0}, edge;
    size_t count, bytes;
    rt_code code = rt__shape_elements(&value->shape, &count, err);
    if (code != RT_OK || rt__dtype_size(value->dtype) == 0)
        return code; /* strings and the like stay as they are */
    if (outputs < 1 || outputs > MOST_OUTPUTS || !rt_mul(&bytes, count, rt__dtype_size(value->dtype)) ||
        !rt_mul(&bytes, bytes, (size_t)outputs) || bytes > most_bytes - r->folded)
        return rt__node_fail(err, RT_ELIMIT, call->node, "%lld constants of %zu elements", (long long)outputs,
                             count);
    r->folded += bytes;
    for (int64_t i = 0; i < outputs; i++) {
        if ((code = rt__rewrite_const(r, node, value->dtype, &value->shape, &edge, &data[i], err)) != RT_OK)
            return code;
        first = i ? first : edge;
    }
    /* Adding nodes moved them. */
    rt_op_call fresh;
    if ((code = rt__rewrite_call(r, node, &fresh, err)) == RT_OK && count > 0)
        code = op->eval(&fresh, data, value, err);
    r->spread[node] = op->count_attr != NULL;
    rt__rewrite_forward(r, node, first.node);
    return code;
}

rt_code rt__pass_fold(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_op_call call;
    const rt_op *op;
    rt_code code = rt__rewrite_call(rewrite, node, &call, err);
    if (code != RT_OK)
        return code;
    op = rt__op_find(call.node->op);
    if (!can_fold(op, &call))
        return RT_OK;
    if (op->eval == rt__eval_copy && call.constant[0]->data)
        return share(rewrite, node, call.constant[0], err);
    return compute(rewrite, node, op, &call, err);
}
