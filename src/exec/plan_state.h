/* Inside a plan: values, the buffers they live in, the steps that make them. */
#ifndef RT_EXEC_PLAN_STATE_H
#define RT_EXEC_PLAN_STATE_H

#include "kernel/kernel.h"
#include "plan.h"

#define RT_NO_STEP  UINT32_MAX
#define RT_FOREVER  UINT32_MAX
#define RT_NO_VALUE UINT32_MAX

/* Memory for values that are never needed apart: a concat's inputs are windows of its buffer, and an op that
 * is the last to read a buffer may write its result there. */
typedef struct rt_buffer {
    size_t floats;
    uint32_t parent;                /* the buffer this one is a window of; itself if it is none */
    size_t start;                   /* floats from the parent's start */
    uint32_t last_use;              /* last node that reads any of it, RT_FOREVER for the output */
    uint32_t first_step, last_step; /* when it holds something; set at the end of planning */
    size_t at;                      /* floats from the workspace's start; likewise */
} rt_buffer;

/* A tensor in one layout; fills its buffer. */
typedef struct rt_value {
    rt_grid grid;
    uint32_t buffer;
    uint32_t last_use;               /* as in rt_buffer */
    uint32_t moved[RT_LAYOUT_COUNT]; /* the same tensor in other layouts, or RT_NO_VALUE */
} rt_value;

typedef struct rt_step {
    rt_kernel *kernel;                    /* owned */
    const char *name;                     /* node it was made for; owned by the plan's names */
    uint32_t src[RT_KERNEL_SOURCES], dst; /* values */
    double flops;                         /* multiplications and additions, 0 for what is not counted */
} rt_step;

struct rt_plan {
    rt_kernels kernels;
    rt_arena *names;
    rt_buffer *buffers;
    rt_value *values;
    rt_step *steps;
    uint32_t n_buffers, n_values, n_steps;
    uint32_t input, output; /* values */
    size_t workspace_floats, scratch_bytes;
    size_t output_floats;
    uint32_t n_moves;
};

/* As rt__plan_new() on any kernels.  Takes them over, also when it fails. */
rt_code rt__plan_new_on(const rt_kernels *kernels, const rt_graph *fused, rt_edge input, rt_edge output,
                        rt_plan **plan, rt_error *err);

/* Runs one step; for benchmarks. */
rt_code rt__run_step(rt_run *run, uint32_t index, rt_error *err);

/* ---- storage.c ---- */

uint32_t rt__buffer_root(const rt_plan *plan, uint32_t buffer);
/* Floats from the workspace's start. */
size_t rt__value_place(const rt_plan *plan, uint32_t value);

/* A value in a buffer of its own, or in the buffer given. */
rt_code rt__value_new(rt_plan *plan, const rt_grid *grid, uint32_t last_use, uint32_t *value, rt_error *err);
rt_code rt__value_in(rt_plan *plan, uint32_t buffer, const rt_grid *grid, uint32_t last_use, uint32_t *value,
                     rt_error *err);
/* Whether node `now` may write over the value: nothing later reads its buffer, which is no window. */
bool rt__value_is_spent(const rt_plan *plan, uint32_t value, uint32_t now);
/* Makes the value's buffer the window of whole's at channel offset; false if that cannot be. */
bool rt__value_join(rt_plan *plan, uint32_t whole, uint32_t part, int32_t offset);

/* Takes the kernel over, also when it fails. */
rt_code rt__step_new(rt_plan *plan, rt_kernel *kernel, const char *name, const uint32_t *src, uint32_t dst,
                     rt_error *err);
/* Lifetimes from the steps, then a place in the workspace for each buffer. */
rt_code rt__storage_assign(rt_plan *plan, rt_error *err);

#endif
