#include "fused.h"

#include "prune.h"
#include "rewrite.h"

#include <string.h>

/* In this order. */
static rt_visit *const passes[] = {
    rt__pass_fold,   rt__pass_gate,     rt__pass_lower,      rt__pass_reshape,  rt__pass_pad,
    rt__pass_affine, rt__pass_prescale, rt__pass_activation, rt__pass_residual, rt__pass_round,
};

/* What the image's shape is in the source: channels first only if it says so. */
static void describe_input(rt_rewrite *r, int32_t height, int32_t width)
{
    const rt_node *node = rt__graph_node(r->graph, r->input.node);
    const rt_attr *dtype = rt__node_attr(node, "dtype"), *shape = rt__node_attr(node, "shape");
    r->input_value = (rt_value){RT_FLOAT, {.rank = 4, .dim = {1, height, width, 3}}};
    if (dtype && dtype->kind == RT_ATTR_TYPE)
        r->input_value.dtype = dtype->value.type;
    if (shape && shape->kind == RT_ATTR_SHAPE && shape->value.shape.rank == 4 &&
        shape->value.shape.dim[1] == 3 && shape->value.shape.dim[3] != 3) {
        r->input_planar = true;
        r->input_value.shape = (rt_shape){.rank = 4, .dim = {1, 3, height, width}};
    }
}

/* What TensorFlow 2 spells a branch or a loop with, besides functions. */
static rt_code check_flow(const rt_node *node, rt_error *err)
{
    static const struct {
        const char *op, *does;
    } flows[] = {
        {"Case", "chooses"},           {"If", "chooses"},
        {"StatelessCase", "chooses"},  {"StatelessIf", "chooses"},
        {"StatelessWhile", "repeats"}, {"While", "repeats"},
    };
    for (size_t i = 0; i < sizeof flows / sizeof *flows; i++)
        if (strcmp(node->op, flows[i].op) == 0)
            return rt__node_fail(err, RT_EUNSUPPORTED, node,
                                 "it %s what is computed while the network runs, which is not supported",
                                 flows[i].does);
    return RT_OK;
}

rt_code rt__rewrite_begin(rt_rewrite *r, rt_graph *graph, rt_edge input, rt_edge output, int32_t height,
                          int32_t width, rt_error *err)
{
    rt_code code;
    *r = (rt_rewrite){0};
    if (height < 1 || width < 1 || height > 65535 || width > 65535)
        return rt_fail(err, RT_EARG, "an image of %d x %d pixels", (int)height, (int)width);
    code = rt__graph_prune_from(graph, input, &output, 1, &r->graph, &r->input, &r->output, err);
    if (code == RT_OK)
        describe_input(r, height, width);
    /* Passes trust what they made themselves: a file may not bring it along. */
    for (uint32_t i = 0; code == RT_OK && i < rt__graph_count(r->graph); i++) {
        const rt_node *node = rt__graph_node(r->graph, i);
        if (strncmp(node->op, "rt.", 3) == 0)
            code = rt__node_fail(err, RT_EUNSUPPORTED, node, "this op is not supported");
        else
            code = check_flow(node, err);
        r->rounds = r->rounds || strncmp(node->op, "FakeQuant", 9) == 0;
    }
    if (code != RT_OK)
        rt__rewrite_clear(r);
    return code;
}

static rt_code fuse(rt_graph *graph, const rt_edge ends[2], int32_t height, int32_t width, bool sums,
                    rt_graph **fused, rt_edge *fused_input, rt_edge *fused_output, rt_error *err)
{
    rt_rewrite r;
    rt_code code = rt__rewrite_begin(&r, graph, ends[0], ends[1], height, width, err);
    for (size_t i = 0; code == RT_OK && i < sizeof passes / sizeof *passes; i++)
        if (sums || passes[i] != rt__pass_residual)
            code = rt__rewrite_run(&r, passes[i], err);
    if (code == RT_OK) {
        *fused = r.graph;
        *fused_input = r.input;
        *fused_output = r.output;
        r.graph = NULL;
    }
    rt__rewrite_clear(&r);
    return code;
}

rt_code rt__graph_fuse(rt_graph *graph, rt_edge input, rt_edge output, int32_t height, int32_t width,
                       rt_graph **fused, rt_edge *fused_input, rt_edge *fused_output, rt_error *err)
{
    const rt_edge ends[] = {input, output};
    return fuse(graph, ends, height, width, true, fused, fused_input, fused_output, err);
}

rt_code rt__graph_fuse_plain(rt_graph *graph, rt_edge input, rt_edge output, int32_t height, int32_t width,
                             rt_graph **fused, rt_edge *fused_input, rt_edge *fused_output, rt_error *err)
{
    const rt_edge ends[] = {input, output};
    return fuse(graph, ends, height, width, false, fused, fused_input, fused_output, err);
}

/* A pass that only follows types and shapes. */
static rt_code keep(rt_rewrite *rewrite, uint32_t node, rt_error *err)
{
    (void)rewrite;
    (void)node;
    (void)err;
    return RT_OK;
}

rt_code rt__graph_output_shape(rt_graph *graph, rt_edge input, rt_edge output, int32_t height, int32_t width,
                               rt_shape *shape, rt_error *err)
{
    /* Few graphs compute a shape, and computing all else that is constant takes far longer than following. */
    static rt_visit *const attempts[] = {keep, rt__pass_fold};
    rt_code code = RT_EARG;
    for (size_t i = 0; code != RT_OK && code != RT_ENOMEM && i < sizeof attempts / sizeof *attempts; i++) {
        rt_rewrite r;
        if ((code = rt__rewrite_begin(&r, graph, input, output, height, width, err)) != RT_OK)
            return code;
        code = rt__rewrite_run(&r, attempts[i], err);
        *shape = r.output_value.shape;
        rt__rewrite_clear(&r);
    }
    return code;
}
