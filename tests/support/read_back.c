#include "read_back.h"

#include "exec/plan.h"
#include "graph/fused.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t pads[] = {0, 1, 2, 3};

static void must(rt_code code, const rt_error *err)
{
    if (code == RT_OK)
        return;
    fprintf(stderr, "%s\n", err ? err->cause : "out of memory");
    abort();
}

static void fill(float *pixels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pixels[i] = (float)(i * 37 % 101) * 1e-4f;
}

void run_fused(const rt_graph *fused, rt_edge input, rt_edge output, float scores[CLASSES])
{
    rt_plan *plan;
    rt_run *run;
    const float *result;
    rt_error err;
    must(rt__plan_new_reference(fused, input, output, &plan, &err), &err);
    if (rt__plan_output_size(plan) != CLASSES || rt__plan_wants_planar(plan))
        abort();
    must(rt__run_new(plan, &run, &err), &err);
    fill(rt__run_input(run), rt__plan_input_size(plan));
    must(rt__run_execute(run, &result, &err), &err);
    memcpy(scores, result, CLASSES * sizeof *scores);
    rt__run_free(run);
    rt__plan_free(plan);
}

void run_network(const rt_network *n, float scores[CLASSES])
{
    rt_graph *fused;
    rt_edge input, output;
    rt_error err;
    must(rt__graph_fuse(n->graph, n->input, n->feature, n->height, n->width, &fused, &input, &output, &err),
         &err);
    run_fused(fused, input, output, scores);
    rt__graph_free(fused);
}

void small_network(network *net)
{
    rt_attr shape = {.name = "shape", .kind = RT_ATTR_SHAPE};
    network_build(net, pads);
    shape.value.shape = net->shape;
    must(rt__graph_set_attr(net->graph, net->input.node, &shape, NULL), NULL);
    for (uint32_t i = 0; i < rt__graph_count(net->graph); i++) {
        const rt_tensor *t = rt__graph_const(net->graph, (rt_edge){i, 0});
        float *values = t ? (float *)(uintptr_t)t->data : NULL; /* the test's own memory */
        for (size_t k = 0; values && k < t->bytes / sizeof(float); k++)
            values[k] = (float)((k * 13 + i) % 17) / 34 - 0.2f;
    }
}
