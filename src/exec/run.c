#include "plan_state.h"

#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

typedef struct bound_step {
    rt_kernel_args args;
    void *bound; /* the kernel library's */
} bound_step;

struct rt_run {
    const rt_plan *plan;
    void *session;
    float *workspace; /* the plan's buffers, then scratch memory */
    bound_step *steps;
};

static rt_code bind_step(rt_run *run, uint32_t index, rt_error *err)
{
    const rt_plan *plan = run->plan;
    const rt_step *step = &plan->steps[index];
    bound_step *s = &run->steps[index];
    for (uint32_t i = 0; i < step->kernel->n_src; i++)
        s->args.src[i] = run->workspace + rt__value_place(plan, step->src[i]);
    s->args.dst = run->workspace + rt__value_place(plan, step->dst);
    s->args.scratch = run->workspace + plan->workspace_floats;
    if (!step->kernel->bind)
        return RT_OK;
    return step->kernel->bind(step->kernel, &s->args, run->session, &s->bound, err);
}

rt_code rt__run_new(const rt_plan *plan, rt_run **out, rt_error *err)
{
    rt_run *run = calloc(1, sizeof *run);
    size_t bytes, total;
    rt_code code;
    if (!run)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    run->plan = plan;
    run->steps = calloc((size_t)plan->n_steps + 1, sizeof *run->steps);
    if (!rt_mul(&bytes, plan->workspace_floats, sizeof(float)) ||
        !rt_add(&total, bytes, plan->scratch_bytes + RT_KERNEL_ALIGN) || !run->steps ||
        !(run->workspace = aligned_alloc(RT_KERNEL_ALIGN, total / RT_KERNEL_ALIGN * RT_KERNEL_ALIGN))) {
        rt__run_free(run);
        return rt_fail(err, RT_ENOMEM, "no memory for a workspace of %zu floats", plan->workspace_floats);
    }
    /* What fills up a block must be finite before anyone writes there. */
    memset(run->workspace, 0, total / RT_KERNEL_ALIGN * RT_KERNEL_ALIGN);
    code = plan->kernels.session_new(&plan->kernels, &run->session, err);
    for (uint32_t i = 0; i < plan->n_steps && code == RT_OK; i++)
        code = bind_step(run, i, err);
    if (code != RT_OK)
        rt__run_free(run);
    else
        *out = run;
    return code;
}

void rt__run_free(rt_run *run)
{
    if (!run)
        return;
    for (uint32_t i = 0; run->steps && i < run->plan->n_steps; i++)
        if (run->steps[i].bound)
            run->plan->steps[i].kernel->unbind(run->plan->steps[i].kernel, run->steps[i].bound);
    if (run->session)
        run->plan->kernels.session_free(run->session);
    free(run->workspace);
    free(run->steps);
    free(run);
}

float *rt__run_input(rt_run *run)
{
    return run->workspace + rt__value_place(run->plan, run->plan->input);
}

rt_code rt__run_step(rt_run *run, uint32_t index, rt_error *err)
{
    const rt_step *step = &run->plan->steps[index];
    const bound_step *s = &run->steps[index];
    rt_code code = step->kernel->run(step->kernel, &s->args, s->bound, err);
    if (code != RT_OK)
        rt_doing(err, NULL, "cannot run node '%s'", step->name);
    return code;
}

rt_code rt__run_observe(rt_run *run, rt_run_seen *seen, void *user, const float **output, rt_error *err)
{
    const rt_plan *plan = run->plan;
    plan->kernels.session_enter(run->session);
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        const rt_step *step = &plan->steps[i];
        rt_code code = rt__run_step(run, i, err);
        if (code != RT_OK)
            return code;
        seen(user, step->name, run->workspace + rt__value_place(plan, step->dst),
             rt__grid_floats(&plan->values[step->dst].grid));
    }
    *output = run->workspace + rt__value_place(plan, plan->output);
    return RT_OK;
}

rt_code rt__run_execute(rt_run *run, const float **output, rt_error *err)
{
    const rt_plan *plan = run->plan;
    plan->kernels.session_enter(run->session);
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        rt_code code = rt__run_step(run, i, err);
        if (code != RT_OK)
            return code;
    }
    *output = run->workspace + rt__value_place(plan, plan->output);
    return RT_OK;
}
