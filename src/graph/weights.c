#include "weights.h"

#include <string.h>

const double *rt__vector_of(const rt_rewrite *rewrite, uint32_t node, uint32_t input, size_t *count)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node);
    const rt_tensor *tensor = rt__graph_const(rewrite->graph, n->inputs[input]);
    *count = (size_t)tensor->shape.dim[0];
    return tensor->data; /* from the arena: aligned */
}

bool rt__has_weights(const rt_node *node)
{
    return strcmp(node->op, "rt.Conv") == 0 || strcmp(node->op, "rt.Depthwise") == 0 ||
           strcmp(node->op, "rt.MatMul") == 0;
}

/* Gives node a copy of its weights to change, and a copy of its bias. */
static rt_code copy_weights(rt_rewrite *r, uint32_t node, float **weights, double **bias, size_t *n_weights,
                            size_t *n_bias, rt_error *err)
{
    const rt_tensor *old = rt__graph_const(r->graph, rt__graph_node(r->graph, node)->inputs[1]);
    const double *old_bias = rt__vector_of(r, node, 2, n_bias);
    rt_edge edge, bias_edge;
    void *data = NULL;
    rt_code code = rt__rewrite_const(r, node, RT_FLOAT, &old->shape, &edge, &data, err);
    if (code == RT_OK)
        code = rt__rewrite_vector(r, node, *n_bias, &bias_edge, bias, err);
    if (code == RT_OK)
        code = rt__rewrite_set_input(r, node, 1, edge, err);
    if (code == RT_OK)
        code = rt__rewrite_set_input(r, node, 2, bias_edge, err);
    if (code != RT_OK)
        return code;
    *n_weights = rt__tensor_count(old);
    *weights = data;
    if (old->bytes)
        memcpy(data, old->data, old->bytes);
    if (*n_bias)
        memcpy(*bias, old_bias, *n_bias * sizeof **bias);
    return RT_OK;
}

static rt_code shift_bias(rt_rewrite *r, uint32_t node, const double *shift, rt_error *err)
{
    size_t count;
    const double *old = rt__vector_of(r, node, 2, &count);
    double *bias;
    rt_edge edge;
    rt_code code = rt__rewrite_vector(r, node, count, &edge, &bias, err);
    for (size_t i = 0; code == RT_OK && i < count; i++)
        bias[i] = old[i] + shift[i];
    return code == RT_OK ? rt__rewrite_set_input(r, node, 2, edge, err) : code;
}

/* In all three kinds of weights the output channel is the fastest index. */
rt_code rt__weights_postscale(rt_rewrite *rewrite, uint32_t node, const double *scale, const double *shift,
                              rt_error *err)
{
    float *weights;
    double *bias;
    size_t n_weights, n_bias;
    bool unscaled = true;
    rt_code code;
    rt__vector_of(rewrite, node, 2, &n_bias);
    for (size_t i = 0; i < n_bias; i++)
        unscaled = unscaled && scale[i] == 1;
    if (unscaled)
        return shift_bias(rewrite, node, shift, err);
    if ((code = copy_weights(rewrite, node, &weights, &bias, &n_weights, &n_bias, err)) != RT_OK)
        return code;
    for (size_t at = 0; at < n_weights; at += n_bias)
        for (size_t o = 0; o < n_bias; o++)
            weights[at + o] = (float)((double)weights[at + o] * scale[o]);
    for (size_t o = 0; o < n_bias; o++)
        bias[o] = bias[o] * scale[o] + shift[o];
    return RT_OK;
}

rt_code rt__weights_prescale(rt_rewrite *rewrite, uint32_t node, const double *scale, const double *shift,
                             rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node);
    const rt_shape shape = rt__graph_const(rewrite->graph, n->inputs[1])->shape;
    bool depthwise = strcmp(n->op, "rt.Depthwise") == 0;
    size_t inputs = (size_t)shape.dim[shape.rank - 2], per_input = (size_t)shape.dim[shape.rank - 1];
    float *weights;
    double *bias;
    size_t n_weights, n_bias;
    rt_code code = copy_weights(rewrite, node, &weights, &bias, &n_weights, &n_bias, err);
    for (size_t at = 0, i = 0; code == RT_OK && at < n_weights; at += per_input, i = (i + 1) % inputs)
        for (size_t o = 0; o < per_input; o++) {
            double weight = (double)weights[at + o];
            bias[depthwise ? i * per_input + o : o] += weight * shift[i];
            weights[at + o] = (float)(weight * scale[i]);
        }
    return code;
}
