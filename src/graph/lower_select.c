/* Ops that take some channels or some places of an image: reversed colours, cropped borders.  They become
 * convolutions with ones and zeros, which take what they take exactly. */
#include "lower.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_CROPPED = 64, MOST_ONES_AND_ZEROS = 1 << 24 };

/* What is taken, of axes height, width, channels. */
typedef struct selection {
    int64_t in[3], start[3], step[3], count[3];
} selection;

static bool is_whole(const selection *s, int axis)
{
    return s->start[axis] == 0 && s->step[axis] == 1 && s->count[axis] == s->in[axis];
}

/* The attributes of a convolution that adds no padding. */
static void conv_attrs(rt_rewrite *r, const int64_t *strides, rt_attr attrs[4])
{
    static const int64_t one[2] = {1, 1}, none[4] = {0};
    attrs[0] = rt__attr_ints(r, "strides", strides ? strides : one, 2);
    attrs[1] = rt__attr_ints(r, "dilations", one, 2);
    attrs[2] = rt__attr_ints(r, "pads", none, 4);
    attrs[3] = rt__attr_string("activation", "");
}

static rt_code filter_inputs(rt_rewrite *r, uint32_t node, const rt_shape *shape, int64_t channels,
                             rt_edge inputs[2], float **filter, rt_error *err)
{
    double *zeros;
    void *data = NULL;
    rt_code code = rt__rewrite_const(r, node, RT_FLOAT, shape, &inputs[0], &data, err);
    if (code == RT_OK)
        code = rt__rewrite_vector(r, node, (size_t)channels, &inputs[1], &zeros, err);
    *filter = data;
    return code;
}

/* Places: channel by channel a window with a single 1 slides over the image. */
static rt_code crop(rt_rewrite *r, uint32_t node, const selection *s, bool last, rt_edge *x, rt_error *err)
{
    rt_edge inputs[3] = {*x, {0, 0}, {0, 0}};
    int64_t kernel[2], left[2];
    rt_shape shape = {.rank = 4, .dim = {0, 0, s->in[2], 1}};
    rt_attr attrs[4];
    float *filter;
    rt_code code;
    for (int i = 0; i < 2; i++) {
        left[i] = s->in[i] - s->start[i] - (s->count[i] - 1) * s->step[i] - 1;
        left[i] = left[i] < s->step[i] ? 0 : left[i]; /* no window reaches there anyway */
        kernel[i] = shape.dim[i] = s->start[i] + left[i] + 1;
        if (s->step[i] < 1 || s->count[i] < 1 || kernel[i] > MOST_CROPPED ||
            s->in[2] > MOST_ONES_AND_ZEROS / (MOST_CROPPED * MOST_CROPPED))
            return rt__node_fail(err, RT_EUNSUPPORTED, rt__graph_node(r->graph, node),
                                 "of these places of an image");
    }
    code = filter_inputs(r, node, &shape, s->in[2], inputs + 1, &filter, err);
    for (int64_t c = 0; code == RT_OK && c < s->in[2]; c++)
        filter[(s->start[0] * kernel[1] + s->start[1]) * s->in[2] + c] = 1;
    if (code != RT_OK)
        return code;
    conv_attrs(r, s->step, attrs);
    x->output = 0;
    if (last)
        return rt__rewrite_replace(r, node, "rt.Depthwise", inputs, 3, attrs, 4, err);
    return rt__rewrite_add(r, node, "rt.Depthwise", inputs, 3, attrs, 4, &x->node, err);
}

/* Channels: the node becomes the product with a matrix of ones and zeros. */
static rt_code pick(rt_rewrite *r, uint32_t node, rt_edge x, int64_t in, const int64_t *channels,
                    int64_t count, rt_error *err)
{
    rt_edge inputs[3] = {x, {0, 0}, {0, 0}};
    rt_shape shape = {.rank = 4, .dim = {1, 1, in, count}};
    rt_attr attrs[4];
    float *filter;
    rt_code code;
    if (in > MOST_ONES_AND_ZEROS / count)
        return rt__node_fail(err, RT_EUNSUPPORTED, rt__graph_node(r->graph, node), "%lld of %lld channels",
                             (long long)count, (long long)in);
    code = filter_inputs(r, node, &shape, count, inputs + 1, &filter, err);
    for (int64_t i = 0; code == RT_OK && i < count; i++)
        filter[channels[i] * count + i] = 1;
    if (code != RT_OK)
        return code;
    conv_attrs(r, NULL, attrs);
    return rt__rewrite_replace(r, node, "rt.Conv", inputs, 3, attrs, 4, err);
}

static rt_code pick_steps(rt_rewrite *r, uint32_t node, rt_edge x, const selection *s, rt_error *err)
{
    int64_t *channels = calloc((size_t)s->count[2] + 1, sizeof *channels);
    rt_code code;
    if (!channels)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (int64_t i = 0; i < s->count[2]; i++)
        channels[i] = s->start[2] + i * s->step[2];
    code = pick(r, node, x, s->in[2], channels, s->count[2], err);
    free(channels);
    return code;
}

static rt_code select_from(rt_rewrite *r, uint32_t node, const selection *s, rt_error *err)
{
    rt_edge x = rt__graph_node(r->graph, node)->inputs[0];
    bool cropped = !is_whole(s, 0) || !is_whole(s, 1), picked = !is_whole(s, 2);
    rt_code code = RT_OK;
    if (s->count[2] < 1)
        return rt__node_fail(err, RT_EUNSUPPORTED, rt__graph_node(r->graph, node), "of no channel");
    if (!cropped && !picked)
        return rt__lower_identity(r, node, err);
    if (cropped)
        code = crop(r, node, s, !picked, &x, err);
    return code == RT_OK && picked ? pick_steps(r, node, x, s, err) : code;
}

/* Axes of TensorFlow's tensor: height, width, channels. */
static const int *image_axes(bool planar)
{
    static const int rows[] = {1, 2, 3}, planes[] = {2, 3, 1};
    return planar ? planes : rows;
}

static rt_code lower_slice(rt_rewrite *r, uint32_t node, const rt_op_call *call, const rt_slice *slice,
                           rt_error *err)
{
    const int *axes = image_axes(r->planar[node]);
    selection s;
    if (slice->rank != 4 || slice->out.rank != 4 || slice->start[0] != 0 || slice->count[0] != 1)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "of a computed value that is no image");
    for (int i = 0; i < 3; i++) {
        s.in[i] = call->in[0].shape.dim[axes[i]];
        s.start[i] = slice->start[axes[i]];
        s.step[i] = slice->step[axes[i]];
        s.count[i] = slice->count[axes[i]];
        if (slice->out.dim[axes[i]] != s.count[i])
            return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "that moves axes of an image");
    }
    return select_from(r, node, &s, err);
}

rt_code rt__lower_slice(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_op_call call;
    rt_slice slice;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code == RT_OK)
        code = rt__slice_of_slice(&call, &slice, err);
    return code == RT_OK ? lower_slice(rewrite, node, &call, &slice, err) : code;
}

rt_code rt__lower_strided_slice(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_op_call call;
    rt_slice slice;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code == RT_OK)
        code = rt__slice_of_strided_slice(&call, &slice, err);
    return code == RT_OK ? lower_slice(rewrite, node, &call, &slice, err) : code;
}

/* Colours the other way round. */
rt_code rt__lower_reverse(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_op_call call;
    int64_t axes[RT_MAX_RANK];
    size_t count;
    int axis = -1;
    selection s;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code == RT_OK)
        code = rt__op_const_ints(&call, 1, axes, RT_MAX_RANK, &count, err);
    if (code == RT_OK && count == 1)
        code = rt__op_axis(call.node, axes[0], call.in[0].shape.rank, &axis, err);
    if (code != RT_OK)
        return code;
    if (call.in[0].shape.rank != 4 || axis != rt__lower_channel_axis(rewrite, call.node->inputs[0]))
        return rt__node_fail(err, RT_EUNSUPPORTED, call.node, "of other axes than an image's channels");
    for (int i = 0; i < 3; i++) {
        s.in[i] = s.count[i] = call.in[0].shape.dim[image_axes(rewrite->planar[node])[i]];
        s.start[i] = i == 2 ? s.in[i] - 1 : 0;
        s.step[i] = i == 2 ? -1 : 1;
    }
    return select_from(rewrite, node, &s, err);
}

rt_code rt__lower_gather(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    rt_op_call call;
    int64_t wanted = 0, *channels, in;
    int axis;
    size_t count;
    rt_code code = rt__lower_begin(rewrite, node, 0, &call, err);
    if (code == RT_OK && call.node->n_inputs > 2)
        code = rt__op_const_int(&call, 2, &wanted, err);
    if (code == RT_OK)
        code = rt__op_axis(call.node, wanted, call.in[0].shape.rank, &axis, err);
    if (code != RT_OK)
        return code;
    if (call.in[0].shape.rank != 4 || !call.constant[1] || call.in[1].shape.rank != 1 ||
        axis != rt__lower_channel_axis(rewrite, call.node->inputs[0]))
        return rt__node_fail(err, RT_EUNSUPPORTED, call.node,
                             "only channels of an image, by constant numbers");
    count = rt__tensor_count(call.constant[1]);
    in = call.in[0].shape.dim[axis];
    if (count < 1 || !(channels = calloc(count, sizeof *channels)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < count && code == RT_OK; i++) {
        channels[i] = rt__tensor_int(call.constant[1], i);
        if (channels[i] < 0 || channels[i] >= in)
            code = rt__node_fail(err, RT_EFORMAT, call.node, "channel %lld of %lld", (long long)channels[i],
                                 (long long)in);
    }
    if (code == RT_OK)
        code = pick(rewrite, node, call.node->inputs[0], in, channels, (int64_t)count, err);
    free(channels);
    return code;
}
