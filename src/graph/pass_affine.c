/* A scale and shift of channels becomes part of what makes its input: another one, or the weights of a
 * convolution or product.  Batch norms, biases and arithmetic with constants all come here. */
#include "weights.h"

#include <string.h>

/* a(b(x)): b's vectors are made new, so that what else reads them is left alone. */
static rt_code compose(rt_rewrite *r, uint32_t outer, uint32_t inner, rt_error *err)
{
    size_t count, inner_count;
    const double *scale = rt__vector_of(r, outer, 1, &count), *shift = rt__vector_of(r, outer, 2, &count);
    const double *s = rt__vector_of(r, inner, 1, &inner_count), *t = rt__vector_of(r, inner, 2, &inner_count);
    rt_edge scale_edge, shift_edge;
    double *new_scale, *new_shift;
    rt_code code = rt__rewrite_vector(r, inner, count, &scale_edge, &new_scale, err);
    if (code == RT_OK)
        code = rt__rewrite_vector(r, inner, count, &shift_edge, &new_shift, err);
    for (size_t i = 0; code == RT_OK && i < count; i++) {
        new_scale[i] = scale[i] * s[i];
        new_shift[i] = scale[i] * t[i] + shift[i];
    }
    if (code == RT_OK)
        code = rt__rewrite_set_input(r, inner, 1, scale_edge, err);
    return code == RT_OK ? rt__rewrite_set_input(r, inner, 2, shift_edge, err) : code;
}

static bool does_nothing(const rt_rewrite *r, uint32_t node)
{
    size_t count;
    const double *scale = rt__vector_of(r, node, 1, &count), *shift = rt__vector_of(r, node, 2, &count);
    for (size_t i = 0; i < count; i++)
        if (scale[i] != 1 || shift[i] != 0)
            return false;
    return true;
}

/* The node makes the tensor for one reader alone, and nothing was done to it yet. */
static bool is_open(const rt_rewrite *r, rt_edge x)
{
    const rt_node *n = rt__graph_node(r->graph, x.node);
    return rt__rewrite_readers(r, x.node) == 1 && rt__attr_is(n, "activation", "");
}

rt_code rt__pass_affine(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node), *source;
    size_t count;
    rt_edge x;
    rt_code code;
    if (strcmp(n->op, "rt.Affine") != 0)
        return RT_OK;
    x = n->inputs[0];
    source = rt__graph_node(rewrite->graph, x.node);
    if (does_nothing(rewrite, node)) {
        rt__rewrite_forward(rewrite, node, x.node);
        return RT_OK;
    }
    if (!is_open(rewrite, x))
        return RT_OK;
    if (strcmp(source->op, "rt.Affine") == 0)
        code = compose(rewrite, node, x.node, err);
    else if (rt__has_weights(source))
        code = rt__weights_postscale(rewrite, x.node, rt__vector_of(rewrite, node, 1, &count),
                                     rt__vector_of(rewrite, node, 2, &count), err);
    else
        return RT_OK;
    rt__rewrite_forward(rewrite, node, x.node);
    return code;
}
