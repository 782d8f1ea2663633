#include "exec/plan.h"

#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

/* ---- hand-made fused graphs ---- */

typedef struct network {
    rt_graph *graph;
    rt_edge input, output;
    int n_names;
} network;

static float random_float(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(*seed >> 40) / 8388608.0F - 1;
}

static const char *new_name(network *n, const char *stem)
{
    char text[40];
    snprintf(text, sizeof text, "%s_%d", stem, n->n_names++);
    return rt__arena_string(rt__graph_arena(n->graph), text);
}

static rt_edge add_node(network *n, const char *op, const rt_edge *inputs, uint32_t n_inputs)
{
    uint32_t index = 0;
    assert_int_equal(rt__graph_add(n->graph, new_name(n, "node"), op, &index, NULL), RT_OK);
    assert_int_equal(rt__graph_set_inputs(n->graph, index, inputs, n_inputs, NULL, 0, NULL), RT_OK);
    return (rt_edge){index, 0};
}

static network network_new(int64_t h, int64_t w, int64_t c)
{
    network n = {0};
    rt_attr shape = {.name = "shape", .kind = RT_ATTR_SHAPE, .value.shape = {4, {RT_UNKNOWN, h, w, c}}};
    assert_int_equal(rt__graph_new(&n.graph, NULL), RT_OK);
    n.input = add_node(&n, "Placeholder", NULL, 0);
    assert_int_equal(rt__graph_set_attr(n.graph, n.input.node, &shape, NULL), RT_OK);
    return n;
}

static void set_ints(network *n, rt_edge node, const char *name, const int64_t *values, size_t count)
{
    int64_t *copy = rt__arena_array(rt__graph_arena(n->graph), count, sizeof *copy);
    rt_attr attr = {.name = name, .kind = RT_ATTR_LIST_INT, .count = count, .value.ints = copy};
    memcpy(copy, values, count * sizeof *copy);
    assert_int_equal(rt__graph_set_attr(n->graph, node.node, &attr, NULL), RT_OK);
}

static void set_text(network *n, rt_edge node, const char *name, const char *value)
{
    rt_attr attr = {.name = name, .kind = RT_ATTR_STRING, .value.s = {value, strlen(value)}};
    assert_int_equal(rt__graph_set_attr(n->graph, node.node, &attr, NULL), RT_OK);
}

static void set_float(network *n, rt_edge node, const char *name, float value)
{
    rt_attr attr = {.name = name, .kind = RT_ATTR_FLOAT, .value.f = value};
    assert_int_equal(rt__graph_set_attr(n->graph, node.node, &attr, NULL), RT_OK);
}

static rt_edge constant(network *n, int rank, const int64_t *dim, float scale)
{
    rt_tensor tensor = {.dtype = RT_FLOAT, .shape = {.rank = rank}};
    uint64_t seed = (uint64_t)n->n_names;
    size_t count = 1;
    char *bytes;
    uint32_t index;
    for (int i = 0; i < rank; i++) {
        tensor.shape.dim[i] = dim[i];
        count *= (size_t)dim[i];
    }
    /* Off by one byte: weights in a file stand anywhere. */
    bytes = rt__arena_alloc(rt__graph_arena(n->graph), count * sizeof(float) + 1);
    bytes++;
    for (size_t i = 0; i < count; i++) {
        float value = random_float(&seed) * scale;
        memcpy(bytes + i * sizeof value, &value, sizeof value);
    }
    tensor.bytes = count * sizeof(float);
    tensor.data = bytes;
    assert_int_equal(rt__graph_add_const(n->graph, new_name(n, "const"), &tensor, &index, NULL), RT_OK);
    return (rt_edge){index, 0};
}

/* A k x k convolution with SAME padding and relu. */
static rt_edge conv(network *n, rt_edge x, int64_t in, int64_t out, int64_t k, const rt_edge *addend)
{
    rt_edge filter = constant(n, 4, (int64_t[]){k, k, in, out}, 2 / sqrtf((float)(k * k * in)));
    rt_edge bias = constant(n, 1, &out, 1);
    rt_edge node = add_node(n, "rt.Conv", (rt_edge[]){x, filter, bias, addend ? *addend : x}, addend ? 4 : 3);
    set_ints(n, node, "pads", (int64_t[]){k / 2, k / 2, k / 2, k / 2}, 4);
    set_text(n, node, "activation", "relu");
    return node;
}

static rt_edge depthwise(network *n, rt_edge x, int64_t c, int64_t stride)
{
    rt_edge filter = constant(n, 4, (int64_t[]){3, 3, c, 1}, 0.5F), bias = constant(n, 1, &c, 1);
    rt_edge node = add_node(n, "rt.Depthwise", (rt_edge[]){x, filter, bias}, 3);
    set_ints(n, node, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    set_ints(n, node, "strides", (int64_t[]){stride, stride}, 2);
    set_text(n, node, "activation", "relu6");
    return node;
}

static rt_edge join(network *n, const rt_edge *parts, uint32_t count)
{
    return add_node(n, "rt.Concat", parts, count);
}

/* ---- running them ---- */

static void fill_input(const rt_plan *plan, float *input, size_t pixels, size_t channels, uint64_t seed)
{
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++)
            input[rt__plan_wants_planar(plan) ? c * pixels + p : p * channels + c] = random_float(&seed);
}

typedef struct job {
    const rt_plan *plan;
    size_t pixels, channels;
    float *first; /* rt__plan_output_size floats, of photo 0 */
    bool is_same; /* every run of photo 0 gave the same bits */
} job;

/* Photos 0, 1, 2, 0, 1, 2, 0. */
static void *run_photos(void *context)
{
    job *j = context;
    size_t bytes = rt__plan_output_size(j->plan) * sizeof(float);
    rt_run *run = NULL;
    j->is_same = true;
    if (rt__run_new(j->plan, &run, NULL) != RT_OK)
        abort();
    for (int i = 0; i < 7; i++) {
        const float *output;
        fill_input(j->plan, rt__run_input(run), j->pixels, j->channels, (uint64_t)(i % 3));
        if (rt__run_execute(run, &output, NULL) != RT_OK)
            abort();
        if (i == 0)
            memcpy(j->first, output, bytes);
        else if (i % 3 == 0)
            j->is_same = j->is_same && memcmp(j->first, output, bytes) == 0;
    }
    rt__run_free(run);
    return NULL;
}

/* Plans n on both kernel tables and compares; photos on two threads must give the same bits.  Frees n. */
static rt_plan_stats check_network(network *n, double tolerance)
{
    rt_plan *reference = NULL, *fast = NULL;
    const rt_shape shape = rt__node_attr(rt__graph_node(n->graph, n->input.node), "shape")->value.shape;
    job jobs[3];
    pthread_t threads[2];
    size_t size;
    double largest = 0;
    rt_plan_stats stats;
    rt_error err;
    rt_error_clear(&err);
    if (rt__plan_new_reference(n->graph, n->input, n->output, &reference, &err) != RT_OK ||
        rt__plan_new(n->graph, n->input, n->output, &fast, &err) != RT_OK)
        fail_msg("%s: %s", err.message, err.cause);
    rt__graph_free(n->graph); /* plans keep nothing of it */
    size = rt__plan_output_size(reference);
    assert_int_equal(rt__plan_output_size(fast), size);
    assert_int_equal(rt__plan_input_size(fast), rt__plan_input_size(reference));
    for (int i = 0; i < 3; i++)
        jobs[i] = (job){i == 2 ? reference : fast, (size_t)(shape.dim[1] * shape.dim[2]),
                        (size_t)shape.dim[3], calloc(size, sizeof(float)), false};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_photos, &jobs[i]), 0);
    run_photos(&jobs[2]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_true(jobs[i].is_same);
    assert_memory_equal(jobs[0].first, jobs[1].first, size * sizeof(float));
    for (size_t i = 0; i < size; i++)
        largest = fmax(largest, fabs((double)jobs[2].first[i]));
    assert_true(largest > 0);
    for (size_t i = 0; i < size; i++)
        if (!(fabs((double)jobs[0].first[i] - (double)jobs[2].first[i]) <= tolerance * largest))
            fail_msg("float %zu of %zu is %.9g, plain C says %.9g", i, size, (double)jobs[0].first[i],
                     (double)jobs[2].first[i]);
    stats = rt__plan_stats(fast);
    for (int i = 0; i < 3; i++)
        free(jobs[i].first);
    rt__plan_free(reference);
    rt__plan_free(fast);
    return stats;
}

static size_t count_threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    size_t n = 0;
    if (folder == NULL)
        abort();
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(folder);
    return n;
}

/* Sets the context, a run, to NULL when its execution started threads. */
static void *run_and_count(void *context)
{
    rt_run **run = context;
    const float *output;
    size_t before = count_threads();
    if (rt__run_execute(*run, &output, NULL) != RT_OK)
        abort();
    if (count_threads() != before)
        *run = NULL;
    return NULL;
}

/* A kernel library's own threads would fight over the cores with those that each run a photo. */
static void a_run_on_another_thread_starts_no_threads(void **state)
{
    network n = network_new(64, 64, 3);
    rt_plan *plan = NULL;
    rt_run *run = NULL, *kept;
    pthread_t thread;
    (void)state;
    n.output = conv(&n, depthwise(&n, conv(&n, n.input, 3, 32, 3, NULL), 32, 1), 32, 64, 1, NULL);
    assert_int_equal(rt__plan_new(n.graph, n.input, n.output, &plan, NULL), RT_OK);
    assert_int_equal(rt__run_new(plan, &run, NULL), RT_OK);
    rt__graph_free(n.graph);
    kept = run;
    assert_int_equal(pthread_create(&thread, NULL, run_and_count, &run), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_non_null(run);
    rt__run_free(kept);
    rt__plan_free(plan);
}

static void residuals_add_in_place(void **state)
{
    network n = network_new(16, 16, 3);
    rt_edge a = conv(&n, n.input, 3, 16, 3, NULL), b = conv(&n, a, 16, 48, 1, NULL);
    rt_edge c = conv(&n, depthwise(&n, b, 48, 1), 48, 16, 1, &a), d = conv(&n, c, 16, 16, 3, &c);
    rt_plan_stats stats;
    (void)state;
    n.output = add_node(&n, "rt.GlobalAverage", &d, 1);
    stats = check_network(&n, 2e-6);
    if (strcmp(stats.kernels, "reference") != 0)
        assert_int_equal(stats.n_moves, 1); /* d adds c to a product of c */
}

/* Blocks of separable convolutions become a step each where there are kernels for them: with a stem in front,
 * in place, and where the block's input is read again. */
static void separable_blocks_agree(void **state)
{
    network n = network_new(23, 18, 3);
    const int64_t c = 3;
    rt_edge scale = constant(&n, 1, &c, 2), shift = constant(&n, 1, &c, 1), a, b, d, first;
    (void)state;
    a = add_node(&n, "rt.Affine", (rt_edge[]){n.input, scale, shift}, 3);
    a = conv(&n, a, 3, 8, 3, NULL);
    set_ints(&n, a, "strides", (int64_t[]){2, 2}, 2);
    a = conv(&n, depthwise(&n, a, 8, 1), 8, 16, 1, NULL);
    b = conv(&n, depthwise(&n, conv(&n, a, 16, 48, 1, NULL), 48, 1), 48, 16, 1, &a);
    d = conv(&n, depthwise(&n, conv(&n, b, 16, 24, 1, NULL), 24, 1), 24, 16, 1, &b);
    d = conv(&n, depthwise(&n, d, 16, 2), 16, 8, 1, NULL);
    first = conv(&n, depthwise(&n, b, 16, 2), 16, 8, 1, NULL);
    n.output = join(&n, (rt_edge[]){d, first}, 2);
    assert_true(check_network(&n, 4e-6).n_steps >= 5);
}

/* What lies inside a block and is read elsewhere, or by nodes that are not neighbours, is kept. */
static void what_is_read_inside_a_block_is_kept(void **state)
{
    network n = network_new(12, 10, 16);
    rt_edge a = conv(&n, n.input, 16, 24, 1, NULL), b = depthwise(&n, a, 24, 1), c, d, e;
    (void)state;
    c = conv(&n, b, 24, 16, 1, NULL);
    d = conv(&n, b, 24, 16, 1, &c);   /* b is read twice */
    e = conv(&n, d, 16, 16, 3, NULL); /* d is read behind the block it begins */
    a = depthwise(&n, d, 16, 1);
    b = conv(&n, e, 16, 16, 1, NULL); /* between a and its reader */
    c = conv(&n, a, 16, 16, 1, &b);
    n.output = join(&n, (rt_edge[]){c, b, d, e}, 4);
    check_network(&n, 4e-6);
}

static void an_addend_somebody_else_reads_is_kept(void **state)
{
    network n = network_new(9, 11, 3);
    rt_edge a = conv(&n, n.input, 3, 16, 3, NULL), b = conv(&n, a, 16, 16, 1, &a), c, d;
    (void)state;
    c = add_node(&n, "rt.Add", (rt_edge[]){a, b}, 2);
    d = add_node(&n, "rt.Add", (rt_edge[]){c, c}, 2);
    n.output = join(&n, (rt_edge[]){d, a, c}, 3);
    check_network(&n, 2e-6);
}

static void concat_is_free_when_channels_allow(void **state)
{
    network n = network_new(12, 12, 3);
    rt_edge a = conv(&n, n.input, 3, 32, 3, NULL), b = conv(&n, a, 32, 16, 1, NULL);
    rt_edge c = conv(&n, a, 32, 48, 3, NULL), inner = join(&n, (rt_edge[]){b, c}, 2), outer;
    rt_plan_stats stats;
    (void)state;
    outer = join(&n, (rt_edge[]){conv(&n, inner, 64, 32, 1, NULL), inner, conv(&n, b, 16, 16, 3, NULL)}, 3);
    outer = conv(&n, outer, 112, 32, 1, NULL);
    n.output = add_node(&n, "rt.GlobalAverage", &outer, 1);
    stats = check_network(&n, 5e-6);
    if (strcmp(stats.kernels, "reference") != 0)
        assert_int_equal(stats.n_moves, 0);
}

static void concat_copies_what_does_not_fit(void **state)
{
    network n = network_new(7, 9, 3);
    rt_edge a = conv(&n, n.input, 3, 5, 3, NULL), b = conv(&n, n.input, 3, 11, 1, NULL);
    rt_edge c = join(&n, (rt_edge[]){a, b, a, n.input}, 4), d = join(&n, (rt_edge[]){c, b}, 2);
    rt_edge e = conv(&n, d, 35, 16, 3, NULL), pool = add_node(&n, "rt.Pool", &d, 1);
    (void)state;
    set_text(&n, pool, "kind", "max");
    set_ints(&n, pool, "ksize", (int64_t[]){3, 3}, 2);
    set_ints(&n, pool, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    n.output = join(&n, (rt_edge[]){e, pool, c}, 3);
    check_network(&n, 2e-6);
}

static void in_place_ops_spare_what_is_read_later(void **state)
{
    network n = network_new(8, 8, 3);
    rt_edge a = conv(&n, n.input, 3, 16, 3, NULL), b, c, quant, affine;
    (void)state;
    b = add_node(&n, "rt.Activation", &a, 1);
    set_text(&n, b, "activation", "swish");
    affine =
        add_node(&n, "rt.Affine",
                 (rt_edge[]){b, constant(&n, 1, (int64_t[]){16}, 1), constant(&n, 1, (int64_t[]){16}, 1)}, 3);
    set_text(&n, affine, "activation", "tanh");
    c = join(&n, (rt_edge[]){a, b}, 2);
    quant = add_node(&n, "rt.FakeQuant", &c, 1);
    set_float(&n, quant, "low", -1);
    set_float(&n, quant, "high", 1);
    set_float(&n, quant, "scale", 1.0F / 64);
    set_float(&n, quant, "inverse", 64);
    set_float(&n, quant, "divisor", 1);
    set_float(&n, quant, "zero", 64);
    n.output = join(&n, (rt_edge[]){quant, c, affine, a}, 4);
    check_network(&n, 0.02);
}

static void rows_follow_reshapes(void **state)
{
    network n = network_new(6, 5, 3);
    rt_edge a = conv(&n, n.input, 3, 12, 3, NULL), flat, product, pad;
    (void)state;
    pad = add_node(&n, "rt.Pad", &a, 1);
    set_ints(&n, pad, "pads", (int64_t[]){1, 0, 2, 1}, 4);
    flat = add_node(&n, "rt.Reshape", &pad, 1);
    set_ints(&n, flat, "shape", (int64_t[]){7 * 8 * 12}, 1);
    product = add_node(&n, "rt.MatMul",
                       (rt_edge[]){flat, constant(&n, 2, (int64_t[]){7 * 8 * 12, 10}, 0.1F),
                                   constant(&n, 1, (int64_t[]){10}, 1)},
                       3);
    n.output = add_node(&n, "rt.Softmax", &product, 1);
    check_network(&n, 5e-6);
}

static void pooled_rows_need_no_copy(void **state)
{
    network n = network_new(6, 5, 3);
    rt_edge a = conv(&n, n.input, 3, 16, 3, NULL), pooled = add_node(&n, "rt.GlobalAverage", &a, 1), flat;
    rt_edge both;
    (void)state;
    flat = add_node(&n, "rt.Reshape", &pooled, 1);
    set_ints(&n, flat, "shape", (int64_t[]){16}, 1);
    both = join(&n, (rt_edge[]){flat, flat, pooled}, 3);
    n.output = add_node(
        &n, "rt.MatMul",
        (rt_edge[]){both, constant(&n, 2, (int64_t[]){48, 3}, 1), constant(&n, 1, (int64_t[]){3}, 1)}, 3);
    check_network(&n, 5e-6);
}

static void output_may_be_read_on_the_way(void **state)
{
    network n = network_new(10, 10, 3);
    rt_edge a = conv(&n, n.input, 3, 16, 3, NULL), b = conv(&n, a, 16, 8, 3, NULL);
    (void)state;
    conv(&n, b, 8, 8, 3, &b); /* stands behind the output and is not run */
    n.output = a;
    assert_int_equal(check_network(&n, 2e-6).n_steps <= 2, 1);
    n = network_new(10, 10, 3);
    n.output = n.input;
    check_network(&n, 0);
}

static void errors_name_node_and_op(void **state)
{
    network n = network_new(10, 10, 3);
    rt_edge a = conv(&n, n.input, 3, 16, 3, NULL), strange = add_node(&n, "rt.Strange", &a, 1), deep;
    rt_plan *plan = NULL;
    rt_error err;
    (void)state;
    assert_int_equal(rt__plan_new(n.graph, n.input, strange, &plan, &err), RT_EUNSUPPORTED);
    assert_string_equal(err.message, "cannot run node 'node_4' (rt.Strange)");
    deep = conv(&n, a, 17, 8, 3, NULL);
    assert_int_equal(rt__plan_new(n.graph, n.input, deep, &plan, &err), RT_EFORMAT);
    assert_string_equal(err.cause, "a filter for 17 channels on 16");
    deep = add_node(&n, "rt.Add", (rt_edge[]){a, n.input}, 2);
    assert_int_equal(rt__plan_new(n.graph, n.input, deep, &plan, &err), RT_EUNSUPPORTED);
    deep = add_node(&n, "rt.Activation", &a, 1);
    set_text(&n, deep, "activation", "selu");
    assert_int_equal(rt__plan_new(n.graph, n.input, deep, &plan, &err), RT_EUNSUPPORTED);
    assert_string_equal(err.cause, "activation 'selu'");
    assert_null(plan);
    rt__graph_free(n.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_on_another_thread_starts_no_threads),
        cmocka_unit_test(residuals_add_in_place),
        cmocka_unit_test(separable_blocks_agree),
        cmocka_unit_test(what_is_read_inside_a_block_is_kept),
        cmocka_unit_test(an_addend_somebody_else_reads_is_kept),
        cmocka_unit_test(concat_is_free_when_channels_allow),
        cmocka_unit_test(concat_copies_what_does_not_fit),
        cmocka_unit_test(in_place_ops_spare_what_is_read_later),
        cmocka_unit_test(rows_follow_reshapes),
        cmocka_unit_test(pooled_rows_need_no_copy),
        cmocka_unit_test(output_may_be_read_on_the_way),
        cmocka_unit_test(errors_name_node_and_op),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
