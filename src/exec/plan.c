#include "plan.h"

#include "bind.h"
#include "builder.h"

#include <stdlib.h>
#include <string.h>

rt_code rt__count_tensors(const rt_bind_row *row, const rt_node *node, uint32_t *n, rt_error *err)
{
    *n = node->n_inputs > row->n_constants ? node->n_inputs - row->n_constants : 0;
    if (*n < row->min_tensors || *n > row->max_tensors)
        return rt_fail(err, RT_EFORMAT, "%u inputs", (unsigned)node->n_inputs);
    return RT_OK;
}

/* Marks what node reads. */
static rt_code mark_inputs(rt_builder *b, uint32_t index, rt_error *err)
{
    const rt_node *node = rt__graph_node(b->graph, index);
    const rt_bind_row *row = rt__bind_find(node->op);
    uint32_t n;
    rt_code code;
    if (!row)
        return rt_fail(err, RT_EUNSUPPORTED, "no kernel for this op");
    if ((code = rt__count_tensors(row, node, &n, err)) != RT_OK)
        return code;
    for (uint32_t i = 0; i < n; i++) {
        rt_edge edge = rt__bind_tensor(row, node, i);
        if (edge.node >= index || edge.output != 0)
            return rt_fail(err, RT_EFORMAT, "input %u does not come before the node", (unsigned)i);
        b->is_needed[edge.node] = true;
        b->n_readers[edge.node]++;
        if (b->last_use[edge.node] < index)
            b->last_use[edge.node] = index;
    }
    return RT_OK;
}

static void name_node(const rt_builder *b, uint32_t index, rt_error *err)
{
    const rt_node *node = rt__graph_node(b->graph, index);
    rt_doing(err, NULL, "cannot run node '%s' (%s)", node->name, node->op);
}

static rt_code mark(rt_builder *b, rt_error *err)
{
    b->is_needed[b->output.node] = true;
    for (uint32_t i = b->output.node + 1; i-- > 0;) {
        rt_code code;
        if (!b->is_needed[i] || i == b->input.node)
            continue;
        if ((code = mark_inputs(b, i, err)) != RT_OK) {
            name_node(b, i, err);
            return code;
        }
        b->in_order = b->in_order || strcmp(rt__graph_node(b->graph, i)->op, "rt.FakeQuant") == 0;
    }
    b->last_use[b->output.node] = RT_FOREVER;
    return RT_OK;
}

/* The value in a layout that reads as `wanted`, moved if need be. */
static rt_code as_layout(rt_builder *b, uint32_t value, const rt_grid *wanted, const char *name,
                         uint32_t *out, rt_error *err)
{
    rt_plan *plan = b->plan;
    rt_place_spec spec = {.src = plan->values[value].grid};
    uint32_t *moved = &plan->values[value].moved[wanted->layout];
    rt_kernel *kernel;
    rt_code code;
    *out = value;
    if (rt__grid_reads_as(&spec.src, wanted))
        return RT_OK;
    *out = *moved;
    if (*moved != RT_NO_VALUE)
        return RT_OK;
    spec.dst = spec.src;
    spec.dst.layout = wanted->layout;
    if ((code = rt__value_new(plan, &spec.dst, plan->values[value].last_use, out, err)) != RT_OK ||
        (code = plan->kernels.place(&plan->kernels, &spec, &kernel, err)) != RT_OK)
        return code;
    plan->values[value].moved[wanted->layout] = *out;
    plan->n_moves++;
    return rt__step_new(plan, kernel, name, &value, *out, err);
}

/* A value for the result of a kernel that adds to what dst holds: the addend itself when nobody else reads
 * it, a copy otherwise.  A kernel that works in place may also read it as its source. */
static rt_code take_addend(rt_builder *b, uint32_t now, uint32_t addend, uint32_t source,
                           const rt_kernel *kernel, uint32_t *dst, rt_error *err)
{
    rt_plan *plan = b->plan;
    const char *name = rt__graph_node(b->graph, now)->name;
    rt_place_spec spec = {.src = plan->values[addend].grid, .dst = kernel->dst};
    rt_kernel *copy;
    rt_code code;
    bool is_source = plan->values[addend].buffer == rt__buffer_root(plan, plan->values[source].buffer) &&
                     !(kernel->in_place && addend == source);
    if (spec.src.layout == spec.dst.layout && !is_source && rt__value_is_spent(plan, addend, now))
        return rt__value_in(plan, plan->values[addend].buffer, &kernel->dst, b->last_use[now], dst, err);
    if ((code = rt__value_new(plan, &kernel->dst, b->last_use[now], dst, err)) != RT_OK ||
        (code = plan->kernels.place(&plan->kernels, &spec, &copy, err)) != RT_OK)
        return code;
    plan->n_moves++;
    return rt__step_new(plan, copy, name, &addend, *dst, err);
}

static rt_code take_result(rt_builder *b, uint32_t now, const rt_kernel *kernel, const uint32_t *src,
                           uint32_t *dst, rt_error *err)
{
    rt_plan *plan = b->plan;
    for (uint32_t i = 0; kernel->in_place && i < kernel->n_src; i++)
        if (rt__grid_floats(&kernel->src[i]) == rt__grid_floats(&kernel->dst) &&
            rt__value_is_spent(plan, src[i], now))
            return rt__value_in(plan, plan->values[src[i]].buffer, &kernel->dst, b->last_use[now], dst, err);
    return rt__value_new(plan, &kernel->dst, b->last_use[now], dst, err);
}

rt_code rt__add_kernel(rt_builder *b, uint32_t now, const rt_bound *bound, const uint32_t *inputs,
                       uint32_t n_inputs, rt_error *err)
{
    const char *name = rt__graph_node(b->graph, now)->name;
    rt_kernel *kernel = bound->kernel;
    uint32_t src[RT_KERNEL_SOURCES] = {0}, dst;
    rt_code code = RT_OK;
    for (uint32_t i = 0; i < kernel->n_src && code == RT_OK; i++)
        code = as_layout(b, inputs[i], &kernel->src[i], name, &src[i], err);
    if (code == RT_OK && bound->accumulates)
        code = take_addend(b, now, inputs[n_inputs - 1], src[0], kernel, &dst, err);
    else if (code == RT_OK)
        code = take_result(b, now, kernel, src, &dst, err);
    if (code != RT_OK) {
        rt__kernel_free(kernel);
        rt__kernel_free(bound->after);
        return code;
    }
    b->value[now] = dst;
    code = rt__step_new(b->plan, kernel, name, src, dst, err);
    if (code == RT_OK)
        b->plan->steps[b->plan->n_steps - 1].flops = bound->flops;
    if (code == RT_OK && bound->after)
        return rt__step_new(b->plan, bound->after, name, &dst, dst, err);
    rt__kernel_free(bound->after);
    return code;
}

static rt_code add_view(rt_builder *b, uint32_t now, const rt_bound *bound, uint32_t input, rt_error *err)
{
    rt_grid rows = b->plan->values[input].grid;
    rt_code code;
    rows.layout = RT_LAYOUT_ROWS;
    if ((code = as_layout(b, input, &rows, rt__graph_node(b->graph, now)->name, &input, err)) != RT_OK)
        return code;
    return rt__value_in(b->plan, b->plan->values[input].buffer, &bound->out, b->last_use[now], &b->value[now],
                        err);
}

/* Inputs become windows of the result; those that cannot are copied. */
static rt_code add_join(rt_builder *b, uint32_t now, const rt_bound *bound, const uint32_t *inputs,
                        uint32_t n, rt_error *err)
{
    rt_plan *plan = b->plan;
    const char *name = rt__graph_node(b->graph, now)->name;
    rt_place_spec spec = {.dst = bound->out, .offset = 0};
    uint32_t dst;
    rt_code code = rt__value_new(plan, &bound->out, b->last_use[now], &dst, err);
    b->value[now] = dst;
    for (uint32_t i = 0; i < n && code == RT_OK; i++) {
        rt_kernel *kernel;
        spec.src = plan->values[inputs[i]].grid;
        if (!rt__value_join(plan, dst, inputs[i], spec.offset)) {
            if ((code = plan->kernels.place(&plan->kernels, &spec, &kernel, err)) == RT_OK)
                code = rt__step_new(plan, kernel, name, &inputs[i], dst, err);
            plan->n_moves++;
        }
        spec.offset += spec.src.c;
    }
    return code;
}

static rt_code add_op(rt_builder *b, uint32_t now, rt_op *op, const uint32_t *inputs, rt_error *err)
{
    rt_bound bound = {.role = RT_ROLE_KERNEL};
    rt_code code = rt__bind_find(op->node->op)->bind(op, &bound, err);
    if (code != RT_OK)
        return code;
    if (bound.role == RT_ROLE_JOIN)
        return add_join(b, now, &bound, inputs, op->n_tensors, err);
    if (bound.role == RT_ROLE_VIEW)
        return add_view(b, now, &bound, inputs[0], err);
    return rt__add_kernel(b, now, &bound, inputs, op->n_tensors, err);
}

static rt_code add_node(rt_builder *b, uint32_t now, rt_error *err)
{
    rt_op op = {.graph = b->graph,
                .node = rt__graph_node(b->graph, now),
                .kernels = &b->plan->kernels,
                .in_order = b->in_order};
    const rt_bind_row *row = rt__bind_find(op.node->op);
    rt_grid *grids = NULL;
    uint32_t *inputs = NULL;
    rt_code code = rt__count_tensors(row, op.node, &op.n_tensors, err);
    if (code != RT_OK)
        return code;
    grids = calloc(op.n_tensors, sizeof *grids);
    inputs = calloc(op.n_tensors, sizeof *inputs);
    if (!grids || !inputs) {
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    } else {
        for (uint32_t i = 0; i < op.n_tensors; i++) {
            inputs[i] = b->value[rt__bind_tensor(row, op.node, i).node];
            grids[i] = b->plan->values[inputs[i]].grid;
        }
        op.tensors = grids;
        code = add_op(b, now, &op, inputs, err);
    }
    for (int i = 0; i < RT_BIND_CONSTANTS; i++)
        free(op.copies[i]);
    free(grids);
    free(inputs);
    return code;
}

/* The Placeholder's shape: [?, c] or [?, h, w, c]. */
static rt_code add_input(rt_builder *b, rt_error *err)
{
    const rt_attr *attr = rt__node_attr(rt__graph_node(b->graph, b->input.node), "shape");
    const rt_shape *shape = attr && attr->kind == RT_ATTR_SHAPE ? &attr->value.shape : NULL;
    rt_grid grid;
    rt_code code;
    char text[128];
    if (!shape || (shape->rank != 2 && shape->rank != 4))
        return rt_fail(err, RT_EUNSUPPORTED, "an input of shape %s",
                       shape ? rt__shape_text(shape, text, sizeof text) : "unknown");
    if (shape->rank == 2)
        code = rt__grid_new(1, 1, shape->dim[1], &grid, err);
    else
        code = rt__grid_new(shape->dim[1], shape->dim[2], shape->dim[3], &grid, err);
    if (code != RT_OK)
        return code;
    if (shape->rank == 4)
        grid.layout = b->plan->kernels.input;
    code = rt__value_new(b->plan, &grid, b->last_use[b->input.node], &b->plan->input, err);
    b->value[b->input.node] = b->plan->input;
    return code;
}

static rt_code add_output(rt_builder *b, rt_error *err)
{
    rt_plan *plan = b->plan;
    uint32_t value = b->value[b->output.node];
    rt_grid rows = plan->values[value].grid;
    rows.layout = RT_LAYOUT_ROWS;
    plan->output_floats = rt__grid_floats(&rows);
    return as_layout(b, value, &rows, rt__graph_node(b->graph, b->output.node)->name, &plan->output, err);
}

static rt_code build(rt_builder *b, rt_error *err)
{
    rt_code code = mark(b, err);
    if (code != RT_OK)
        return code;
    if ((code = add_input(b, err)) != RT_OK) {
        name_node(b, b->input.node, err);
        return code;
    }
    for (uint32_t i = 0; i <= b->output.node; i++) {
        uint32_t last = i;
        if (!b->is_needed[i] || i == b->input.node)
            continue;
        if ((code = rt__add_chain(b, i, &last, err)) == RT_OK && last == i)
            code = add_node(b, i, err);
        if (code != RT_OK) {
            name_node(b, i, err);
            return code;
        }
        i = last;
    }
    if ((code = add_output(b, err)) != RT_OK)
        return code;
    return rt__storage_assign(b->plan, err);
}

rt_code rt__plan_new_on(const rt_kernels *kernels, const rt_graph *fused, rt_edge input, rt_edge output,
                        rt_plan **out, rt_error *err)
{
    uint32_t n = rt__graph_count(fused);
    rt_plan *plan = calloc(1, sizeof *plan);
    rt_builder b = {.plan = plan, .graph = fused, .input = input, .output = output};
    rt_code code = RT_OK;
    if (!plan) {
        rt_kernels unused = *kernels;
        rt__kernels_clear(&unused);
        return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    plan->kernels = *kernels;
    plan->names = rt__arena_new();
    b.value = malloc((n + 1) * sizeof *b.value);
    b.last_use = calloc((size_t)n + 1, sizeof *b.last_use);
    b.n_readers = calloc((size_t)n + 1, sizeof *b.n_readers);
    b.is_needed = calloc((size_t)n + 1, sizeof *b.is_needed);
    if (!plan->names || !b.value || !b.last_use || !b.n_readers || !b.is_needed)
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    else if (input.node >= n || output.node >= n || input.output != 0 || output.output != 0)
        code = rt_fail(err, RT_EARG, "input or output is no tensor of the graph");
    for (uint32_t i = 0; i < n && code == RT_OK; i++)
        b.value[i] = RT_NO_VALUE;
    if (code == RT_OK)
        code = build(&b, err);
    free(b.value);
    free(b.last_use);
    free(b.n_readers);
    free(b.is_needed);
    if (code != RT_OK)
        rt__plan_free(plan);
    else
        *out = plan;
    return code;
}

rt_code rt__plan_new(const rt_graph *fused, rt_edge input, rt_edge output, rt_plan **plan, rt_error *err)
{
    rt_kernels kernels;
    rt_code code = rt__kernels_init(&kernels, err);
    return code == RT_OK ? rt__plan_new_on(&kernels, fused, input, output, plan, err) : code;
}

rt_code rt__plan_new_exact(const rt_graph *fused, rt_edge input, rt_edge output, rt_plan **plan,
                           rt_error *err)
{
    rt_kernels kernels;
    rt_code code = rt__kernels_init(&kernels, err);
    kernels.conv = kernels.direct_conv;
    return code == RT_OK ? rt__plan_new_on(&kernels, fused, input, output, plan, err) : code;
}

rt_code rt__plan_new_reference(const rt_graph *fused, rt_edge input, rt_edge output, rt_plan **plan,
                               rt_error *err)
{
    rt_kernels kernels;
    rt__kernels_init_reference(&kernels);
    return rt__plan_new_on(&kernels, fused, input, output, plan, err);
}

void rt__plan_free(rt_plan *plan)
{
    if (!plan)
        return;
    for (uint32_t i = 0; i < plan->n_steps; i++)
        rt__kernel_free(plan->steps[i].kernel);
    rt__kernels_clear(&plan->kernels);
    rt__arena_free(plan->names);
    free(plan->buffers);
    free(plan->values);
    free(plan->steps);
    free(plan);
}

bool rt__plan_wants_planar(const rt_plan *plan)
{
    return plan->values[plan->input].grid.layout == RT_LAYOUT_PLANES;
}

size_t rt__plan_input_size(const rt_plan *plan)
{
    return rt__grid_floats(&plan->values[plan->input].grid);
}

size_t rt__plan_output_size(const rt_plan *plan)
{
    return plan->output_floats;
}

rt_plan_stats rt__plan_stats(const rt_plan *plan)
{
    rt_plan_stats stats = {
        .kernels = plan->kernels.name,
        .n_steps = plan->n_steps,
        .n_moves = plan->n_moves,
        .workspace_bytes = plan->workspace_floats * sizeof(float) + plan->scratch_bytes,
    };
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        stats.weight_bytes += plan->steps[i].kernel->weight_bytes;
        stats.flops += plan->steps[i].flops;
    }
    return stats;
}
