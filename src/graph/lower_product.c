/* Products of two computed tensors: squeeze and excite, gates. */
#include "lower.h"

/* One number a channel: [n,1,1,c], as the gate of squeeze and excite is. */
static bool is_gate(const rt_shape *gate, const rt_shape *x, int channel)
{
    if (gate->rank != x->rank || x->rank != 4)
        return false;
    for (int i = 0; i < x->rank; i++)
        if (gate->dim[i] != (i == 0 || i == channel ? x->dim[i] : 1))
            return false;
    return true;
}

rt_code rt__lower_product(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_op_call call;
    rt_edge inputs[2];
    const rt_shape *a, *b;
    char ta[160], tb[160];
    bool planar, same;
    int channel;
    rt_code code = rt__lower_begin(rewrite, node, 1, &call, err);
    if (code == RT_OK)
        code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code != RT_OK)
        return code;
    a = &call.in[0].shape;
    b = &call.in[1].shape;
    inputs[0] = call.node->inputs[0];
    inputs[1] = call.node->inputs[1];
    planar = rt__lower_is_planar(rewrite, inputs[0]);
    same = planar == rt__lower_is_planar(rewrite, inputs[1]);
    channel = rt__lower_channel_axis(rewrite, inputs[0]);
    if (same && !rt__shape_equal(a, b) && is_gate(a, b, channel)) {
        inputs[0] = call.node->inputs[1];
        inputs[1] = call.node->inputs[0];
    } else if (!same || (!rt__shape_equal(a, b) && !is_gate(b, a, channel))) {
        return rt__node_fail(
            err, RT_EUNSUPPORTED, call.node,
            "of computed values %s and %s: only of equal shapes, or with one number a channel",
            rt__shape_text(a, ta, sizeof ta), rt__shape_text(b, tb, sizeof tb));
    }
    return rt__rewrite_replace(rewrite, node, "rt.Mul", inputs, 2, NULL, 0, err);
}
