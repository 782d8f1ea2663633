/* A sum becomes the last step of the convolution that makes one of its terms. */
#include "rewrite.h"

#include <string.h>

/* A convolution whose output nothing but the sum reads. */
static bool is_open(const rt_rewrite *r, rt_edge x)
{
    uint32_t conv;
    const rt_node *n = rt__graph_node(r->graph, x.node);
    return rt__rewrite_sole(r, x, "rt.Conv", &conv) && n->n_inputs == 3 && rt__attr_is(n, "activation", "");
}

/* Of two convolutions the later one takes the sum: by then the other term is there. */
static int choose(const rt_rewrite *r, const rt_edge terms[2])
{
    bool open[2] = {is_open(r, terms[0]), is_open(r, terms[1])};
    if (open[0] && open[1])
        return terms[1].node > terms[0].node;
    return open[0] ? 0 : open[1] ? 1 : -1;
}

rt_code rt__pass_residual(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node), *conv;
    rt_edge inputs[4];
    int own;
    rt_code code;
    if (strcmp(n->op, "rt.Add") != 0)
        return RT_OK;
    own = choose(rewrite, n->inputs);
    if (own < 0)
        return RT_OK;
    conv = rt__graph_node(rewrite->graph, n->inputs[own].node);
    memcpy(inputs, conv->inputs, 3 * sizeof *inputs);
    inputs[3] = n->inputs[1 - own];
    code = rt__graph_set_inputs(rewrite->graph, n->inputs[own].node, inputs, 4, NULL, 0, err);
    for (uint32_t i = 0; code == RT_OK && i < n->n_attrs; i++)
        code = rt__graph_set_attr(rewrite->graph, n->inputs[own].node, &n->attrs[i], err);
    rt__rewrite_forward(rewrite, node, n->inputs[own].node);
    return code;
}
