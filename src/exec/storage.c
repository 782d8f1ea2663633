/* Where values live.  Buffers are placed largest first, each at the lowest place that is free while it lives.
 */
#include "plan_state.h"

#include "base/checked.h"

#include <stdlib.h>

/* Floats buffers start at multiples of. */
static const size_t grain = RT_KERNEL_ALIGN / sizeof(float);

uint32_t rt__buffer_root(const rt_plan *plan, uint32_t buffer)
{
    while (plan->buffers[buffer].parent != buffer)
        buffer = plan->buffers[buffer].parent;
    return buffer;
}

size_t rt__value_place(const rt_plan *plan, uint32_t value)
{
    uint32_t buffer = plan->values[value].buffer;
    size_t at = 0;
    for (; plan->buffers[buffer].parent != buffer; buffer = plan->buffers[buffer].parent)
        at += plan->buffers[buffer].start;
    return at + plan->buffers[buffer].at;
}

/* Room for one more element; counts grow by one, so powers of two are where memory runs out. */
static void *grow(void *array, uint32_t count, size_t size, rt_error *err)
{
    size_t bytes;
    void *larger = array;
    if ((count & (count - 1)) != 0)
        return array;
    if (!rt_mul(&bytes, count ? 2 * (size_t)count : 1, size) || !(larger = realloc(array, bytes)))
        rt_fail(err, RT_ENOMEM, "out of memory");
    return larger;
}

rt_code rt__value_in(rt_plan *plan, uint32_t buffer, const rt_grid *grid, uint32_t last_use, uint32_t *value,
                     rt_error *err)
{
    uint32_t root = rt__buffer_root(plan, buffer);
    rt_value *values = grow(plan->values, plan->n_values, sizeof *values, err);
    if (!values)
        return RT_ENOMEM;
    plan->values = values;
    values[plan->n_values] = (rt_value){.grid = *grid, .buffer = buffer, .last_use = last_use};
    for (int i = 0; i < RT_LAYOUT_COUNT; i++)
        values[plan->n_values].moved[i] = RT_NO_VALUE;
    if (plan->buffers[root].last_use < last_use)
        plan->buffers[root].last_use = last_use;
    *value = plan->n_values++;
    return RT_OK;
}

rt_code rt__value_new(rt_plan *plan, const rt_grid *grid, uint32_t last_use, uint32_t *value, rt_error *err)
{
    rt_buffer *buffers = grow(plan->buffers, plan->n_buffers, sizeof *buffers, err);
    if (!buffers)
        return RT_ENOMEM;
    plan->buffers = buffers;
    buffers[plan->n_buffers] = (rt_buffer){.floats = rt__grid_floats(grid),
                                           .parent = plan->n_buffers,
                                           .last_use = last_use,
                                           .first_step = RT_NO_STEP};
    return rt__value_in(plan, plan->n_buffers++, grid, last_use, value, err);
}

bool rt__value_is_spent(const rt_plan *plan, uint32_t value, uint32_t now)
{
    const rt_buffer *buffer = &plan->buffers[plan->values[value].buffer];
    return &plan->buffers[buffer->parent] == buffer && buffer->last_use <= now;
}

bool rt__value_join(rt_plan *plan, uint32_t whole, uint32_t part, int32_t offset)
{
    const rt_value *to = &plan->values[whole], *from = &plan->values[part];
    rt_buffer *buffer = &plan->buffers[from->buffer], *root;
    size_t start;
    /* The input stays by itself: its place must be aligned.  A view may be shorter than its buffer. */
    if (buffer->parent != from->buffer || buffer->floats != rt__grid_floats(&from->grid) ||
        from->buffer == plan->values[plan->input].buffer ||
        from->buffer == rt__buffer_root(plan, to->buffer) ||
        !rt__grid_window(&to->grid, &from->grid, offset, &start))
        return false;
    root = &plan->buffers[rt__buffer_root(plan, to->buffer)];
    buffer->parent = to->buffer;
    buffer->start = start;
    if (root->last_use < buffer->last_use)
        root->last_use = buffer->last_use;
    return true;
}

rt_code rt__step_new(rt_plan *plan, rt_kernel *kernel, const char *name, const uint32_t *src, uint32_t dst,
                     rt_error *err)
{
    rt_step *steps = grow(plan->steps, plan->n_steps, sizeof *steps, err), *step;
    if (!steps) {
        rt__kernel_free(kernel);
        return RT_ENOMEM;
    }
    plan->steps = steps;
    step = &steps[plan->n_steps++];
    *step = (rt_step){.kernel = kernel, .dst = dst};
    for (uint32_t i = 0; i < kernel->n_src; i++)
        step->src[i] = src[i];
    if (plan->scratch_bytes < kernel->scratch_bytes)
        plan->scratch_bytes = kernel->scratch_bytes;
    if (!(step->name = rt__arena_string(plan->names, name)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    return RT_OK;
}

static void touch(rt_plan *plan, uint32_t value, uint32_t step)
{
    rt_buffer *buffer = &plan->buffers[rt__buffer_root(plan, plan->values[value].buffer)];
    if (buffer->first_step == RT_NO_STEP || buffer->first_step > step)
        buffer->first_step = step;
    if (buffer->last_step < step)
        buffer->last_step = step;
}

static bool meet(const rt_buffer *a, const rt_buffer *b)
{
    return a->first_step <= b->last_step && b->first_step <= a->last_step;
}

/* Lowest place where buffer disturbs none of the n placed ones. */
static size_t find_place(const rt_buffer *buffer, rt_buffer *const *placed, uint32_t n)
{
    size_t at = 0;
    for (uint32_t i = 0; i < n;) {
        const rt_buffer *other = placed[i++];
        if (meet(buffer, other) && at < other->at + other->floats && other->at < at + buffer->floats) {
            at = (other->at + other->floats + grain - 1) / grain * grain;
            i = 0; /* others may stand there */
        }
    }
    return at;
}

static int larger_first(const void *a, const void *b)
{
    const rt_buffer *const *x = a, *const *y = b;
    if ((*x)->floats != (*y)->floats)
        return (*x)->floats > (*y)->floats ? -1 : 1;
    return (*x) < (*y) ? -1 : *x > *y; /* one plan for one graph, whatever qsort does */
}

rt_code rt__storage_assign(rt_plan *plan, rt_error *err)
{
    rt_buffer **roots = calloc(plan->n_buffers, sizeof(rt_buffer *));
    uint32_t n = 0;
    if (!roots)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    touch(plan, plan->input, 0);
    for (uint32_t s = 0; s < plan->n_steps; s++) {
        for (uint32_t i = 0; i < plan->steps[s].kernel->n_src; i++)
            touch(plan, plan->steps[s].src[i], s);
        touch(plan, plan->steps[s].dst, s);
    }
    touch(plan, plan->output, plan->n_steps);
    for (uint32_t i = 0; i < plan->n_buffers; i++)
        if (plan->buffers[i].parent == i && plan->buffers[i].first_step != RT_NO_STEP)
            roots[n++] = &plan->buffers[i];
    qsort(roots, n, sizeof *roots, larger_first);
    for (uint32_t i = 0; i < n; i++) {
        roots[i]->at = find_place(roots[i], roots, i);
        if (plan->workspace_floats < roots[i]->at + roots[i]->floats)
            plan->workspace_floats = roots[i]->at + roots[i]->floats;
    }
    plan->workspace_floats = (plan->workspace_floats + grain - 1) / grain * grain;
    free(roots);
    return RT_OK;
}
