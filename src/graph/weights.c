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

/* The weights and bias of a node, and new ones in their place, to be filled. */
typedef struct renewal {
    const char *old; /* floats, maybe unaligned */
    const double *old_bias;
    float *weights;
    double *bias;
    size_t n_weights, n_bias;
} renewal;

static float old_weight(const renewal *w, size_t i)
{
    float value;
    memcpy(&value, w->old + i * sizeof value, sizeof value);
    return value;
}

static rt_code renew(rt_rewrite *r, uint32_t node, renewal *w, rt_error *err)
{
    const rt_tensor *old = rt__graph_const(r->graph, rt__graph_node(r->graph, node)->inputs[1]);
    rt_edge edge, bias_edge;
    void *data = NULL;
    rt_code code;
    w->old = old->data;
    w->n_weights = rt__tensor_count(old);
    w->old_bias = rt__vector_of(r, node, 2, &w->n_bias);
    code = rt__rewrite_const(r, node, RT_FLOAT, &old->shape, &edge, &data, err);
    w->weights = data;
    if (code == RT_OK)
        code = rt__rewrite_vector(r, node, w->n_bias, &bias_edge, &w->bias, err);
    if (code == RT_OK)
        code = rt__rewrite_set_input(r, node, 1, edge, err);
    return code == RT_OK ? rt__rewrite_set_input(r, node, 2, bias_edge, err) : code;
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
    renewal w;
    size_t channels;
    bool unscaled = true;
    rt_code code;
    rt__vector_of(rewrite, node, 2, &channels);
    for (size_t i = 0; i < channels; i++)
        unscaled = unscaled && scale[i] == 1;
    if (unscaled)
        return shift_bias(rewrite, node, shift, err);
    if ((code = renew(rewrite, node, &w, err)) != RT_OK)
        return code;
    for (size_t at = 0; at < w.n_weights; at += channels)
        for (size_t o = 0; o < channels; o++)
            w.weights[at + o] = (float)((double)old_weight(&w, at + o) * scale[o]);
    for (size_t o = 0; o < channels; o++)
        w.bias[o] = w.old_bias[o] * scale[o] + shift[o];
    return RT_OK;
}

rt_code rt__weights_prescale(rt_rewrite *rewrite, uint32_t node, const double *scale, const double *shift,
                             rt_error *err)
{
    const rt_node *n = rt__graph_node(rewrite->graph, node);
    const rt_shape shape = rt__graph_const(rewrite->graph, n->inputs[1])->shape;
    bool depthwise = strcmp(n->op, "rt.Depthwise") == 0;
    size_t inputs = (size_t)shape.dim[shape.rank - 2], per_input = (size_t)shape.dim[shape.rank - 1];
    renewal w;
    rt_code code = renew(rewrite, node, &w, err);
    if (code != RT_OK)
        return code;
    memcpy(w.bias, w.old_bias, w.n_bias * sizeof *w.bias);
    for (size_t at = 0, i = 0; at < w.n_weights; at += per_input, i = (i + 1) % inputs)
        for (size_t o = 0; o < per_input; o++) {
            double weight = (double)old_weight(&w, at + o);
            w.bias[depthwise ? i * per_input + o : o] += weight * shift[i];
            w.weights[at + o] = (float)(weight * scale[i]);
        }
    return RT_OK;
}
