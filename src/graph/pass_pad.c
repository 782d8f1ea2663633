/* Zeros round a convolution's input become the convolution's own padding. */
#include "rewrite.h"

#include <string.h>

rt_code rt__pass_pad(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node), *pad;
    const int64_t *own, *more;
    int64_t pads[4];
    size_t n_own, n_more;
    rt_code code;
    if (strcmp(n->op, "rt.Conv") != 0 && strcmp(n->op, "rt.Depthwise") != 0)
        return RT_OK;
    pad = rt__graph_node(rewrite->graph, n->inputs[0].node);
    if (strcmp(pad->op, "rt.Pad") != 0)
        return RT_OK;
    own = rt__op_ints(n, "pads", &n_own);
    more = rt__op_ints(pad, "pads", &n_more);
    for (int i = 0; i < 4; i++)
        pads[i] = own[i] + more[i];
    const rt_attr attr = rt__attr_ints(rewrite, "pads", pads, 4);
    if (!attr.value.ints)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = rt__graph_set_attr(rewrite->graph, node, &attr, err);
    return code == RT_OK ? rt__rewrite_set_input(rewrite, node, 0, pad->inputs[0], err) : code;
}
