/* A scale and shift in front of a convolution or product becomes part of its weights, as with the pixels'
 * normalisation.  Padding adds zeros behind the shift, so a shift stays where there is padding. */
#include "weights.h"

#include <string.h>

static bool pads(const rt_node *node)
{
    size_t count;
    const int64_t *list = rt__op_ints(node, "pads", &count);
    for (size_t i = 0; i < count; i++)
        if (list[i] != 0)
            return true;
    return false;
}

static bool shifts(const double *shift, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (shift[i] != 0)
            return true;
    return false;
}

rt_code rt__pass_prescale(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node);
    const double *scale, *shift;
    uint32_t affine;
    size_t count;
    rt_edge x;
    rt_code code;
    if (!rt__has_weights(n) || !rt__rewrite_sole(rewrite, n->inputs[0], "rt.Affine", &affine))
        return RT_OK;
    scale = rt__vector_of(rewrite, affine, 1, &count);
    shift = rt__vector_of(rewrite, affine, 2, &count);
    if (!rt__attr_is(rt__graph_node(rewrite->graph, affine), "activation", "") ||
        (pads(n) && shifts(shift, count)))
        return RT_OK;
    x = rt__graph_node(rewrite->graph, affine)->inputs[0];
    code = rt__weights_prescale(rewrite, node, scale, shift, err);
    return code == RT_OK ? rt__rewrite_set_input(rewrite, node, 0, x, err) : code;
}
