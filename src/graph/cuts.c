#include "cuts.h"

#include "base/checked.h"
#include "rewrite.h"

#include <string.h>

/* Values one by one: a cut between them and what they read would give the same network. */
static const char *const one_by_one[] = {
    "BiasAdd",
    "FusedBatchNorm",
    "FusedBatchNormV2",
    "FusedBatchNormV3",
    "Relu",
    "Relu6",
    "LeakyRelu",
    "Elu",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "Add",
    "AddV2",
    "Sub",
    "Mul",
    "RealDiv",
    "Maximum",
    "Minimum",
    "Rsqrt",
    "Identity",
    "StopGradient",
    "FakeQuantWithMinMaxVars",
    "FakeQuantWithMinMaxArgs",
    "Squeeze",
    "PlaceholderWithDefault",
    "BatchNormWithGlobalNormalization",
    NULL,
};
static const char *const same_value[] = {"Identity", "StopGradient", "PlaceholderWithDefault", NULL};

/* What is kept of a node while the graph is followed. */
typedef struct row {
    const char *name, *op;
    rt_value value;
    uint64_t multiply_adds; /* its own */
    uint32_t last_reader;   /* 0: none */
    bool live;              /* depends on the image */
} row;

typedef struct follower {
    rt_rewrite rewrite; /* first: visits get a pointer to it */
    row *rows;          /* [n] */
    uint32_t n;
    bool fold;
} follower;

/* ---- what a node costs ---- */

/* Dimensions of the weights that each element of the output is a sum over. */
typedef struct cost_rule {
    const char *op;
    unsigned summed; /* bits: dimension 0, 1, ... */
} cost_rule;

static uint64_t cost_of(const rt_op_call *call, const rt_value *out)
{
    static const cost_rule rules[] = {
        {"Conv2D", 7}, {"DepthwiseConv2dNative", 3}, {"MatMul", 1}, {"MatMul", 2}};
    size_t cost;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        bool transposed = strcmp(call->node->op, "MatMul") == 0 && rt__op_bool(call->node, "transpose_b");
        if (strcmp(call->node->op, rules[i].op) != 0 || (transposed && rules[i].summed == 1))
            continue;
        if (rt__shape_elements(&out->shape, &cost, NULL) != RT_OK)
            return 0;
        for (int d = 0; d < call->in[1].shape.rank; d++)
            if (rules[i].summed >> d & 1 && !rt_mul(&cost, cost, (size_t)call->in[1].shape.dim[d]))
                return 0;
        return cost;
    }
    return 0;
}

static rt_code visit(rt_rewrite *rewrite, uint32_t index, rt_error *err)
{
    follower *f = (follower *)rewrite;
    const rt_node *node = rt__graph_node(rewrite->graph, index);
    row *r = &f->rows[index];
    rt_op_call call;
    rt_code code = rt__rewrite_call(rewrite, index, &call, err);
    if (code != RT_OK)
        return code;
    r->name = node->name;
    r->op = node->op;
    r->value = rewrite->values[index];
    r->live = index == rewrite->input.node;
    for (uint32_t k = 0; k < node->n_inputs; k++) {
        row *input;
        if (node->inputs[k].node >= f->n) /* a constant that was folded */
            continue;
        input = &f->rows[node->inputs[k].node];
        r->live = r->live || input->live;
        input->last_reader = index;
    }
    if (r->live && node->n_inputs > 1)
        r->multiply_adds = cost_of(&call, &r->value);
    return f->fold ? rt__pass_fold(rewrite, index, err) : RT_OK;
}

/* ---- the cuts among the rows ---- */

/* The next row from which alone the rest is computed; n: none. */
static uint32_t next_cut(const follower *f, uint32_t at, uint32_t *read_until)
{
    for (; at < f->n; at++) {
        bool cut = f->rows[at].live && *read_until <= at;
        if (f->rows[at].live && f->rows[at].last_reader > *read_until)
            *read_until = f->rows[at].last_reader;
        if (cut)
            return at;
    }
    return f->n;
}

static bool all_between(const follower *f, uint32_t first, uint32_t last, const char *const *ops)
{
    for (uint32_t i = first + 1; i <= last; i++)
        if (f->rows[i].live && !rt__op_is_one_of(f->rows[i].op, ops))
            return false;
    return true;
}

static bool is_map_or_vector(const row *r)
{
    return r->value.dtype == RT_FLOAT && (r->value.shape.rank == 2 || r->value.shape.rank == 4);
}

static rt_code take(const row *r, uint64_t multiply_adds, rt_arena *arena, rt_cut *cut, rt_error *err)
{
    *cut = (rt_cut){rt__arena_string(arena, r->name), rt__arena_string(arena, r->op), r->value.shape,
                    multiply_adds};
    return cut->name && cut->op ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

static rt_code collect(const follower *f, rt_arena *arena, rt_cut **cuts, size_t *n_cuts, rt_error *err)
{
    rt_cut *list = rt__arena_array(arena, f->n, sizeof *list);
    uint32_t read_until = 0, before = 0, next;
    uint64_t spent = 0;
    size_t n = 0;
    rt_code code = list ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    for (uint32_t at = next_cut(f, 0, &read_until); code == RT_OK && at < f->n; at = next) {
        for (uint32_t i = before; i <= at; i++)
            spent += f->rows[i].multiply_adds;
        before = at + 1;
        next = next_cut(f, at + 1, &read_until);
        /* The name in front of what only passes a value on is kept, else that at the end of a chain. */
        while (next < f->n && all_between(f, at, next, same_value))
            next = next_cut(f, next + 1, &read_until);
        if (spent > 0 && is_map_or_vector(&f->rows[at]) &&
            (next == f->n || !all_between(f, at, next, one_by_one)))
            code = take(&f->rows[at], spent, arena, &list[n++], err);
    }
    *cuts = list;
    *n_cuts = n;
    return code;
}

rt_code rt__graph_cuts(rt_graph *graph, rt_edge input, rt_edge output, int32_t height, int32_t width,
                       rt_arena *arena, rt_cut **cuts, size_t *n_cuts, rt_error *err)
{
    rt_code code = RT_EARG;
    /* As in rt__graph_output_shape(): few graphs compute a shape. */
    for (int fold = 0; fold < 2 && code != RT_OK && code != RT_ENOMEM; fold++) {
        follower f = {.fold = fold};
        if ((code = rt__rewrite_begin(&f.rewrite, graph, input, output, height, width, err)) != RT_OK)
            return code;
        f.n = rt__graph_count(f.rewrite.graph);
        f.rows = rt__arena_array(arena, f.n, sizeof *f.rows);
        code = f.rows ? rt__rewrite_run(&f.rewrite, visit, err) : rt_fail(err, RT_ENOMEM, "out of memory");
        if (code == RT_OK)
            code = collect(&f, arena, cuts, n_cuts, err);
        rt__rewrite_clear(&f.rewrite);
    }
    return code;
}
