/* Zeros round the input of a max pool.  Old parsers take no Pad here, but the pool's own padding says the
 * same where no value is below 0: it is never counted, and zeros are never above what a window holds besides.
 */
#include "graph/ops.h"
#include "onnx_model.h"

#include <string.h>

/* Whether a node's values are never below 0. */
static bool is_rectified(const rt_graph *graph, uint32_t node)
{
    static const char *const activations[] = {"relu", "relu6", "sigmoid"};
    const rt_attr *attr = rt__node_attr(rt__graph_node(graph, node), "activation");
    if (!attr || attr->kind != RT_ATTR_STRING)
        return false;
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (strcmp(attr->value.s.bytes, activations[i]) == 0)
            return true;
    return false;
}

/* A max pool of which each window reaches into the image. */
static bool takes_over(const rt_node *pool, const int64_t *pads)
{
    size_t count;
    const int64_t *ksize, *own;
    if (strcmp(pool->op, "rt.Pool") != 0 || strcmp(rt__op_string(pool, "kind"), "max") != 0)
        return false;
    ksize = rt__op_ints(pool, "ksize", &count);
    own = rt__op_ints(pool, "pads", &count);
    for (int i = 0; i < 4; i++)
        if (own[i] + pads[i] >= ksize[i / 2])
            return false;
    return true;
}

bool rt__onnx_pad_joins(const rt_onnx_build *build, uint32_t pad)
{
    const rt_node *n = rt__graph_node(build->graph, pad);
    size_t count, readers = 0;
    const int64_t *pads = rt__op_ints(n, "pads", &count);
    if (!is_rectified(build->graph, n->inputs[0].node))
        return false;
    for (uint32_t i = 0; i < rt__graph_count(build->graph); i++) {
        const rt_node *reader = rt__graph_node(build->graph, i);
        for (uint32_t k = 0; k < reader->n_inputs; k++)
            if (reader->inputs[k].node == pad && !takes_over(reader, pads))
                return false;
            else
                readers += reader->inputs[k].node == pad;
    }
    return readers > 0;
}

rt_code rt__onnx_pool_pads(const rt_onnx_build *build, uint32_t pool, int64_t pads[4])
{
    const rt_node *n = rt__graph_node(build->graph, pool),
                  *before = rt__graph_node(build->graph, n->inputs[0].node);
    size_t count, more_count;
    const int64_t *own = rt__op_ints(n, "pads", &count), *more = NULL;
    if (count != 4)
        return rt_fail(build->err, RT_EUNSUPPORTED, "node '%s' (%s): attribute pads is missing", n->name,
                       n->op);
    if (strcmp(before->op, "rt.Pad") == 0)
        more = rt__op_ints(before, "pads", &more_count);
    for (int i = 0; i < 4; i++)
        pads[i] = own[i] + (more ? more[i] : 0);
    return RT_OK;
}
