/* Padding arithmetic of convolutions and pools.
 * Source: TensorFlow's GetWindowedOutputSizeVerbose: SAME puts the odd row behind. */
#include "ops.h"

#include <string.h>

bool rt__op_planar(const rt_node *node)
{
    return strcmp(rt__op_string(node, "data_format"), "NCHW") == 0;
}

/* Reads the spatial pair of a list of four; the batch's and the channels' must be 1. */
static rt_code read_pair(const rt_node *node, const char *name, int64_t pair[2], rt_error *err)
{
    size_t count;
    const int64_t *list = rt__op_ints(node, name, &count);
    int first = rt__op_planar(node) ? 2 : 1, channel = rt__op_planar(node) ? 1 : 3;
    if (count != 4)
        return rt__node_fail(err, RT_EFORMAT, node, "'%s' has %zu elements, want 4", name, count);
    if (list[0] != 1 || list[channel] != 1)
        return rt__node_fail(err, RT_EUNSUPPORTED, node, "'%s' over batch or channels", name);
    for (int i = 0; i < 2; i++) {
        pair[i] = list[first + i];
        if (pair[i] < 1 || pair[i] > INT32_MAX)
            return rt__node_fail(err, RT_EFORMAT, node, "'%s' holds %lld", name, (long long)pair[i]);
    }
    return RT_OK;
}

static rt_code explicit_pads(const rt_node *node, int64_t pads[4], rt_error *err)
{
    size_t count;
    const int64_t *list = rt__op_ints(node, "explicit_paddings", &count);
    int first = rt__op_planar(node) ? 4 : 2;
    if (count != 8)
        return rt__node_fail(err, RT_EFORMAT, node, "'explicit_paddings' has %zu elements, want 8", count);
    for (int i = 0; i < 8; i++) {
        bool spatial = i >= first && i < first + 4;
        if (list[i] < 0 || list[i] > INT32_MAX || (!spatial && list[i] != 0))
            return rt__node_fail(err, RT_EFORMAT, node, "'explicit_paddings' holds %lld", (long long)list[i]);
    }
    for (int i = 0; i < 4; i++)
        pads[i] = list[first + i];
    return RT_OK;
}

static void same_pads(rt_op_window *w, int axis, int64_t in, int64_t extent)
{
    int64_t out = (in + w->stride[axis] - 1) / w->stride[axis];
    int64_t total = (out - 1) * w->stride[axis] + extent - in;
    total = total > 0 ? total : 0;
    w->pads[2 * axis] = total / 2;
    w->pads[2 * axis + 1] = total - total / 2;
}

static rt_code slide(const rt_op_call *call, rt_op_window *w, rt_error *err)
{
    const char *padding = rt__op_string(call->node, "padding");
    bool same = strcmp(padding, "SAME") == 0;
    int first = rt__op_planar(call->node) ? 2 : 1;
    memset(w->pads, 0, sizeof w->pads);
    if (strcmp(padding, "EXPLICIT") == 0) {
        rt_code code = explicit_pads(call->node, w->pads, err);
        if (code != RT_OK)
            return code;
    } else if (!same && strcmp(padding, "VALID") != 0) {
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "padding '%s'", padding);
    }
    for (int i = 0; i < 2; i++) {
        int64_t in = call->in[0].shape.dim[first + i];
        int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
        if (same)
            same_pads(w, i, in, extent);
        w->out[i] = in + w->pads[2 * i] + w->pads[2 * i + 1] - extent;
        if (in < 1 || w->out[i] < 0)
            return rt__node_fail(err, RT_EFORMAT, call->node, "a window of %lld over %lld pixels",
                                 (long long)extent, (long long)in);
        w->out[i] = w->out[i] / w->stride[i] + 1;
    }
    return RT_OK;
}

static rt_code check_image(const rt_op_call *call, rt_error *err)
{
    const char *format = rt__op_string(call->node, "data_format");
    if (strcmp(format, "NHWC") != 0 && strcmp(format, "NCHW") != 0)
        return rt__node_fail(err, RT_EUNSUPPORTED, call->node, "data_format '%s'", format);
    if (call->in[0].shape.rank != 4)
        return rt__node_fail(err, RT_EFORMAT, call->node, "its input has rank %d, want 4",
                             call->in[0].shape.rank);
    for (int i = 0; i < 4; i++)
        if (call->in[0].shape.dim[i] > INT32_MAX)
            return rt__node_fail(err, RT_ELIMIT, call->node, "dimension %d is %lld", i,
                                 (long long)call->in[0].shape.dim[i]);
    return RT_OK;
}

rt_code rt__op_window(const rt_op_call *call, const int64_t kernel[2], rt_op_window *window, rt_error *err)
{
    rt_code code = check_image(call, err);
    for (int i = 0; i < 2; i++) {
        window->kernel[i] = kernel[i];
        if (kernel[i] < 1 || kernel[i] > 65536)
            return rt__node_fail(err, RT_EFORMAT, call->node, "a kernel of %lld", (long long)kernel[i]);
    }
    if (code == RT_OK)
        code = read_pair(call->node, "strides", window->stride, err);
    if (code == RT_OK)
        code = read_pair(call->node, "dilations", window->dilation, err);
    return code == RT_OK ? slide(call, window, err) : code;
}

rt_code rt__op_pool_window(const rt_op_call *call, rt_op_window *window, rt_error *err)
{
    rt_code code = check_image(call, err);
    window->dilation[0] = window->dilation[1] = 1;
    if (code == RT_OK)
        code = read_pair(call->node, "ksize", window->kernel, err);
    if (code == RT_OK)
        code = read_pair(call->node, "strides", window->stride, err);
    return code == RT_OK ? slide(call, window, err) : code;
}
