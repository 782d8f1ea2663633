/* oneDNN 2.x, C API.  Each primitive is made for one thread: parallelism is a photo a thread (see
 * doc/architecture.md), and oneDNN's own threads collapse when another job holds a core. */
#include "onednn.h"

#include "ref.h"

#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

/* OpenMP's API, which oneDNN runs on; declared here because not every compiler ships omp.h. */
void omp_set_num_threads(int n);

enum { MAX_ARGS = 5, OWN_MEMORIES = 3 };

typedef struct primitive {
    rt_kernel base;
    dnnl_engine_t engine; /* borrowed from rt_kernels.context */
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    dnnl_memory_t packed, bias; /* owned with what they hold; NULL where the op has none */
} primitive;

/* A primitive tied to one workspace. */
typedef struct binding {
    dnnl_stream_t stream; /* borrowed from the session */
    dnnl_exec_arg_t args[MAX_ARGS];
    int n_args;
    dnnl_memory_t own[OWN_MEMORIES];
} binding;

static rt_code fail(dnnl_status_t status, const char *what, rt_error *err)
{
    rt_code code = status == dnnl_out_of_memory ? RT_ENOMEM : RT_EUNSUPPORTED;
    return rt_fail(err, code, "oneDNN cannot %s (status %d)", what, (int)status);
}

/* ---- sessions ---- */

static rt_code session_new(const rt_kernels *kernels, void **session, rt_error *err)
{
    dnnl_stream_t stream;
    dnnl_status_t status;
    if ((status = dnnl_stream_create(&stream, kernels->context, dnnl_stream_in_order)) != dnnl_success)
        return fail(status, "make a stream", err);
    *session = stream;
    return RT_OK;
}

/* The number holds for the calling thread alone; without it a new thread starts helpers of its own. */
static void session_enter(void *session)
{
    (void)session;
    omp_set_num_threads(1);
}

static void session_free(void *session)
{
    if (session)
        dnnl_stream_destroy(session);
}

static void library_clear(rt_kernels *kernels)
{
    dnnl_engine_destroy(kernels->context);
    kernels->context = NULL;
}

/* ---- layouts ---- */

static const dnnl_format_tag_t layout_tags[RT_LAYOUT_COUNT] = {
    [RT_LAYOUT_ROWS] = dnnl_nhwc,
    [RT_LAYOUT_PLANES] = dnnl_nchw,
    [RT_LAYOUT_BLOCK8] = dnnl_nChw8c,
    [RT_LAYOUT_BLOCK16] = dnnl_nChw16c,
};

static dnnl_memory_desc_t describe(const rt_grid *grid, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t desc;
    const dnnl_dims_t dims = {1, grid->c, grid->h, grid->w};
    dnnl_memory_desc_init_by_tag(&desc, 4, dims, dnnl_f32, tag);
    return desc;
}

/* The layout of desc, which has grid's shape; false if it is none of ours. */
static bool find_layout(const dnnl_memory_desc_t *desc, rt_grid *grid)
{
    for (int i = 0; i < RT_LAYOUT_COUNT; i++) {
        dnnl_memory_desc_t ours = describe(grid, layout_tags[i]);
        if (dnnl_memory_desc_equal(&ours, desc)) {
            grid->layout = (rt_layout)i;
            return true;
        }
    }
    return false;
}

/* ---- primitives ---- */

static void primitive_free(rt_kernel *kernel)
{
    primitive *p = (primitive *)kernel;
    dnnl_memory_destroy(p->packed); /* all of these take NULL */
    dnnl_memory_destroy(p->bias);
    dnnl_primitive_destroy(p->primitive);
    dnnl_primitive_desc_destroy(p->desc);
    free(p);
}

static void primitive_unbind(const rt_kernel *kernel, void *bound)
{
    binding *b = bound;
    (void)kernel;
    if (!b)
        return;
    for (int i = 0; i < OWN_MEMORIES; i++)
        dnnl_memory_destroy(b->own[i]);
    free(b);
}

static rt_code primitive_bind(const rt_kernel *kernel, const rt_kernel_args *args, void *session,
                              void **bound, rt_error *err)
{
    const primitive *p = (const primitive *)kernel;
    const struct {
        dnnl_query_t what;
        int arg;
        void *data;
    } owns[OWN_MEMORIES] = {
        {dnnl_query_src_md, DNNL_ARG_SRC, (void *)args->src[0]}, /* only read */
        {dnnl_query_dst_md, DNNL_ARG_DST, args->dst},
        {dnnl_query_scratchpad_md, DNNL_ARG_SCRATCHPAD, args->scratch},
    };
    binding *b = calloc(1, sizeof *b);
    dnnl_status_t status = dnnl_success;
    if (!b)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    b->stream = session;
    for (int i = 0; i < OWN_MEMORIES && status == dnnl_success; i++) {
        const dnnl_memory_desc_t *desc = dnnl_primitive_desc_query_md(p->desc, owns[i].what, 0);
        status = dnnl_memory_create(&b->own[i], desc, p->engine, owns[i].data);
        b->args[b->n_args++] = (dnnl_exec_arg_t){owns[i].arg, b->own[i]};
    }
    if (p->packed)
        b->args[b->n_args++] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, p->packed};
    if (p->bias)
        b->args[b->n_args++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, p->bias};
    if (status != dnnl_success) {
        primitive_unbind(kernel, b);
        return fail(status, "bind memory", err);
    }
    *bound = b;
    return RT_OK;
}

static rt_code primitive_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const primitive *p = (const primitive *)kernel;
    const binding *b = bound;
    dnnl_status_t status = dnnl_primitive_execute(p->primitive, b->stream, b->n_args, b->args);
    (void)args;
    return status == dnnl_success ? RT_OK : fail(status, "run a primitive", err);
}

/* Takes desc over, also when it fails. */
static rt_code primitive_new(const rt_kernels *kernels, dnnl_primitive_desc_t desc, primitive **out,
                             rt_error *err)
{
    primitive *p = calloc(1, sizeof *p);
    dnnl_status_t status;
    if (!p) {
        dnnl_primitive_desc_destroy(desc);
        return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    p->engine = kernels->context;
    p->desc = desc;
    p->base.n_src = 1;
    p->base.bind = primitive_bind;
    p->base.run = primitive_run;
    p->base.unbind = primitive_unbind;
    p->base.free = primitive_free;
    p->base.scratch_bytes =
        dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0));
    if ((status = dnnl_primitive_create(&p->primitive, desc)) != dnnl_success) {
        primitive_free(&p->base);
        return fail(status, "make a primitive", err);
    }
    *out = p;
    return RT_OK;
}

/* Moves weights, laid out as plain, into the layout of p's packed memory. */
static dnnl_status_t pack(primitive *p, const dnnl_memory_desc_t *plain, const float *weights)
{
    const dnnl_memory_desc_t *wanted = dnnl_primitive_desc_query_md(p->desc, dnnl_query_weights_md, 0);
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_memory_t from = NULL;
    dnnl_stream_t stream = NULL;
    dnnl_exec_arg_t args[2];
    dnnl_status_t status = dnnl_stream_create(&stream, p->engine, dnnl_stream_in_order);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&desc, plain, p->engine, wanted, p->engine, NULL);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&reorder, desc);
    if (status == dnnl_success)
        status = dnnl_memory_create(&from, plain, p->engine, (void *)weights);
    if (status == dnnl_success) {
        args[0] = (dnnl_exec_arg_t){DNNL_ARG_FROM, from};
        args[1] = (dnnl_exec_arg_t){DNNL_ARG_TO, p->packed};
        status = dnnl_primitive_execute(reorder, stream, 2, args);
    }
    if (status == dnnl_success)
        status = dnnl_stream_wait(stream);
    dnnl_memory_destroy(from);
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(desc);
    dnnl_stream_destroy(stream);
    return status;
}

static rt_code set_weights(primitive *p, const dnnl_memory_desc_t *plain, const float *weights,
                           const float *bias, int32_t n_bias, rt_error *err)
{
    const dnnl_memory_desc_t *wanted = dnnl_primitive_desc_query_md(p->desc, dnnl_query_weights_md, 0);
    const dnnl_memory_desc_t *bias_desc = dnnl_primitive_desc_query_md(p->desc, dnnl_query_weights_md, 1);
    size_t bias_bytes = (size_t)n_bias * sizeof *bias;
    void *own_bias = NULL;
    dnnl_status_t status = dnnl_memory_create(&p->packed, wanted, p->engine, DNNL_MEMORY_ALLOCATE);
    if (status == dnnl_success)
        status = dnnl_memory_create(&p->bias, bias_desc, p->engine, DNNL_MEMORY_ALLOCATE);
    if (status == dnnl_success)
        status = dnnl_memory_get_data_handle(p->bias, &own_bias);
    if (status == dnnl_success) {
        memcpy(own_bias, bias, bias_bytes);
        status = pack(p, plain, weights);
    }
    p->base.weight_bytes = dnnl_memory_desc_get_size(wanted) + bias_bytes;
    return status == dnnl_success ? RT_OK : fail(status, "pack weights", err);
}

/* As primitive_new for an op with weights, laid out as plain, and n_bias biases. */
static rt_code weighted_new(const rt_kernels *kernels, dnnl_primitive_desc_t desc,
                            const dnnl_memory_desc_t *plain, const float *weights, const float *bias,
                            int32_t n_bias, primitive **out, rt_error *err)
{
    rt_code code = primitive_new(kernels, desc, out, err);
    if (code == RT_OK && (code = set_weights(*out, plain, weights, bias, n_bias, err)) != RT_OK)
        primitive_free(&(*out)->base);
    return code;
}

/* ---- attributes ---- */

static const struct {
    dnnl_alg_kind_t kind; /* dnnl_alg_kind_undef: none */
    float alpha, beta;    /* a relu's and an elu's alpha is the activation's, 0 for a plain relu */
} post_ops[RT_ACTIVATION_COUNT] = {
    [RT_ACTIVATION_NONE] = {dnnl_alg_kind_undef, 0, 0},
    [RT_ACTIVATION_RELU] = {dnnl_eltwise_relu, 0, 0},
    [RT_ACTIVATION_RELU6] = {dnnl_eltwise_clip, 0, 6},
    [RT_ACTIVATION_SIGMOID] = {dnnl_eltwise_logistic, 0, 0},
    [RT_ACTIVATION_TANH] = {dnnl_eltwise_tanh, 0, 0},
    [RT_ACTIVATION_SWISH] = {dnnl_eltwise_swish, 1, 0},
    [RT_ACTIVATION_HARD_SWISH] = {dnnl_eltwise_hardswish, 0, 0},
    [RT_ACTIVATION_LEAKY_RELU] = {dnnl_eltwise_relu, 0, 0},
    [RT_ACTIVATION_ELU] = {dnnl_eltwise_elu, 0, 0},
};

/* What follows the op itself: the sum with dst, then the activation. */
static dnnl_status_t attributes_new(rt_activation activation, bool accumulate, dnnl_primitive_attr_t *out)
{
    dnnl_alg_kind_t kind = post_ops[activation.kind].kind;
    bool own = kind == dnnl_eltwise_relu || kind == dnnl_eltwise_elu;
    float alpha = own ? activation.alpha : post_ops[activation.kind].alpha;
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(out);
    if (status != dnnl_success)
        return status;
    status = dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    if (status == dnnl_success)
        status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success && accumulate)
        status = dnnl_post_ops_append_sum(ops, 1);
    if (status == dnnl_success && kind != dnnl_alg_kind_undef)
        status = dnnl_post_ops_append_eltwise(ops, 1, kind, alpha, post_ops[activation.kind].beta);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(*out, ops);
    dnnl_post_ops_destroy(ops);
    if (status != dnnl_success)
        dnnl_primitive_attr_destroy(*out);
    return status;
}

/* op: one of dnnl's op descriptors. */
static dnnl_status_t desc_new(const rt_kernels *kernels, const_dnnl_op_desc_t op, rt_activation activation,
                              bool accumulate, dnnl_primitive_desc_t *out)
{
    dnnl_primitive_attr_t attributes;
    dnnl_status_t status = attributes_new(activation, accumulate, &attributes);
    if (status != dnnl_success)
        return status;
    status = dnnl_primitive_desc_create(out, op, attributes, kernels->context, NULL);
    dnnl_primitive_attr_destroy(attributes);
    return status;
}

/* TensorFlow leaves out rows that no window reaches; dnnl wants the padding to say so (it may be negative).
 */
static void set_back(const rt_window *w, const rt_grid *src, const rt_grid *dst, dnnl_dims_t back)
{
    back[0] = (dst->h - 1) * w->stride[0] + (w->size[0] - 1) * w->dilation[0] + 1 - src->h - w->front[0];
    back[1] = (dst->w - 1) * w->stride[1] + (w->size[1] - 1) * w->dilation[1] + 1 - src->w - w->front[1];
}

/* ---- convolutions ---- */

/* Speed classes of oneDNN's implementations, by the start of their names. */
typedef enum speed { SPEED_NONE, SPEED_LIBRARY, SPEED_COMPILED } speed;

static speed speed_of(dnnl_primitive_desc_t desc)
{
    const char *name = "";
    if (dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &name) != dnnl_success)
        return SPEED_NONE;
    if (strncmp(name, "jit", 3) == 0 || strncmp(name, "brg", 3) == 0)
        return SPEED_COMPILED;
    return strncmp(name, "ref", 3) == 0 || strncmp(name, "simple", 6) == 0 ? SPEED_NONE : SPEED_LIBRARY;
}

/* The weights of spec as dnnl sees them: [o, i, h, w], or with groups [g, o, i, h, w]. */
static dnnl_memory_desc_t plain_weights(const rt_conv_spec *spec, bool depthwise)
{
    dnnl_memory_desc_t desc;
    const int64_t kh = spec->window.size[0], kw = spec->window.size[1], in = spec->src.c;
    const int64_t out = spec->channels, m = spec->multiplier;
    if (depthwise) {
        const dnnl_dims_t dims = {in, m, 1, kh, kw}, strides = {m, 1, m, kw * out, out};
        dnnl_memory_desc_init_by_strides(&desc, 5, dims, dnnl_f32, strides);
    } else {
        const dnnl_dims_t dims = {out, in, kh, kw}, strides = {1, out, kw * in * out, in * out};
        dnnl_memory_desc_init_by_strides(&desc, 4, dims, dnnl_f32, strides);
    }
    return desc;
}

static dnnl_status_t conv_desc_new(const rt_kernels *kernels, const rt_conv_spec *spec, const rt_grid *dst,
                                   const dnnl_memory_desc_t *plain, dnnl_format_tag_t src_tag,
                                   dnnl_primitive_desc_t *out)
{
    const rt_window *w = &spec->window;
    const dnnl_dims_t strides = {w->stride[0], w->stride[1]}, bias_dims = {spec->channels};
    const dnnl_dims_t dilates = {w->dilation[0] - 1, w->dilation[1] - 1};
    const dnnl_dims_t front = {w->front[0], w->front[1]};
    dnnl_dims_t back = {0};
    dnnl_memory_desc_t src_desc = describe(&spec->src, src_tag);
    dnnl_memory_desc_t dst_desc = describe(dst, dnnl_format_tag_any), weights_desc, bias_desc;
    dnnl_convolution_desc_t op;
    dnnl_status_t status;
    set_back(w, &spec->src, dst, back);
    dnnl_memory_desc_init_by_tag(&weights_desc, plain->ndims, plain->dims, dnnl_f32, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&bias_desc, 1, bias_dims, dnnl_f32, dnnl_a);
    status = dnnl_dilated_convolution_forward_desc_init(&op, dnnl_forward_inference, dnnl_convolution_direct,
                                                        &src_desc, &weights_desc, &bias_desc, &dst_desc,
                                                        strides, dilates, front, back);
    return status == dnnl_success ? desc_new(kernels, &op, spec->activation, spec->accumulate, out) : status;
}

/* The fastest implementation that reads the source as it is, or after a reorder if only that is compiled
 * code; NULL when dnnl has its reference only.  Sets the layouts. */
static dnnl_primitive_desc_t conv_choose(const rt_kernels *kernels, const rt_conv_spec *spec,
                                         const dnnl_memory_desc_t *plain, rt_grid *src, rt_grid *dst)
{
    const dnnl_format_tag_t tags[] = {layout_tags[spec->src.layout], dnnl_format_tag_any, dnnl_nchw};
    dnnl_primitive_desc_t best = NULL, desc;
    speed best_speed = SPEED_NONE;
    for (size_t i = 0; i < sizeof tags / sizeof *tags && best_speed < SPEED_COMPILED; i++) {
        rt_grid in = spec->src, out = *dst;
        if (conv_desc_new(kernels, spec, dst, plain, tags[i], &desc) != dnnl_success)
            continue;
        if (speed_of(desc) > best_speed &&
            find_layout(dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0), &in) &&
            find_layout(dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0), &out)) {
            dnnl_primitive_desc_destroy(best);
            best = desc;
            best_speed = speed_of(desc);
            *src = in;
            *dst = out;
        } else {
            dnnl_primitive_desc_destroy(desc);
        }
    }
    return best;
}

static rt_code conv_new(const rt_kernels *kernels, const rt_conv_spec *spec, bool depthwise,
                        rt_kernel **kernel, rt_error *err)
{
    const dnnl_memory_desc_t plain = plain_weights(spec, depthwise);
    rt_grid src = spec->src;
    rt_grid dst = rt__window_grid(&spec->window, &src, spec->channels);
    dnnl_primitive_desc_t desc;
    primitive *p;
    rt_code code;
    omp_set_num_threads(1); /* implementations are chosen and cut for this many */
    if (!(desc = conv_choose(kernels, spec, &plain, &src, &dst)))
        return (depthwise ? rt__ref_depthwise : rt__ref_conv)(kernels, spec, kernel, err);
    code = weighted_new(kernels, desc, &plain, spec->weights, spec->bias, spec->channels, &p, err);
    if (code != RT_OK)
        return code;
    p->base.src[0] = src;
    p->base.dst = dst;
    *kernel = &p->base;
    return RT_OK;
}

static rt_code conv(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err)
{
    return conv_new(kernels, spec, false, kernel, err);
}

static rt_code depthwise_conv(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                              rt_error *err)
{
    return conv_new(kernels, spec, true, kernel, err);
}

/* A convolution of one pixel. */
static rt_code matmul(const rt_kernels *kernels, const rt_matmul_spec *spec, rt_kernel **kernel,
                      rt_error *err)
{
    const rt_conv_spec point = {
        .src = {1, 1, spec->inputs, RT_LAYOUT_ROWS},
        .channels = spec->outputs,
        .window = {.size = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}},
        .weights = spec->weights,
        .bias = spec->bias,
        .activation = spec->activation,
    };
    return conv(kernels, &point, kernel, err);
}

/* ---- pools ---- */

static rt_code pool(const rt_kernels *kernels, const rt_pool_spec *spec, rt_kernel **kernel, rt_error *err)
{
    const rt_window *w = &spec->window;
    const dnnl_dims_t size = {w->size[0], w->size[1]}, strides = {w->stride[0], w->stride[1]};
    const dnnl_dims_t front = {w->front[0], w->front[1]};
    const dnnl_alg_kind_t kind = spec->average ? dnnl_pooling_avg_exclude_padding : dnnl_pooling_max;
    rt_grid dst = rt__window_grid(w, &spec->src, spec->src.c);
    dnnl_memory_desc_t src_desc = describe(&spec->src, layout_tags[spec->src.layout]);
    dnnl_memory_desc_t dst_desc = describe(&dst, layout_tags[dst.layout]);
    dnnl_dims_t back = {0};
    dnnl_pooling_desc_t op;
    dnnl_primitive_desc_t desc;
    primitive *p;
    rt_code code;
    omp_set_num_threads(1);
    set_back(w, &spec->src, &dst, back);
    if (dnnl_pooling_forward_desc_init(&op, dnnl_forward_inference, kind, &src_desc, &dst_desc, strides, size,
                                       front, back) != dnnl_success ||
        desc_new(kernels, &op, (rt_activation){0}, false, &desc) != dnnl_success)
        return rt__ref_pool(kernels, spec, kernel, err);
    if ((code = primitive_new(kernels, desc, &p, err)) != RT_OK)
        return code;
    p->base.src[0] = spec->src;
    p->base.dst = dst;
    *kernel = &p->base;
    return RT_OK;
}

static rt_code global_average(const rt_kernels *kernels, const rt_grid *src, rt_kernel **kernel,
                              rt_error *err)
{
    const rt_pool_spec spec = {
        .src = *src,
        .average = true,
        .window = {.size = {src->h, src->w}, .stride = {1, 1}, .dilation = {1, 1}},
    };
    return pool(kernels, &spec, kernel, err);
}

/* Elementwise ops, moves and softmax stay in plain C: they are bound by memory or rare. */
rt_code rt__onednn_fill(rt_kernels *kernels, rt_error *err)
{
    dnnl_engine_t engine;
    dnnl_status_t status = dnnl_engine_create(&engine, dnnl_cpu, 0);
    if (status != dnnl_success)
        return fail(status, "make an engine", err);
    kernels->name = "oneDNN";
    kernels->input = RT_LAYOUT_PLANES;
    kernels->context = engine;
    kernels->conv = conv;
    kernels->direct_conv = conv;
    kernels->depthwise = depthwise_conv;
    kernels->matmul = matmul;
    kernels->pool = pool;
    kernels->global_average = global_average;
    kernels->session_new = session_new;
    kernels->session_enter = session_enter;
    kernels->session_free = session_free;
    kernels->clear = library_clear;
    return RT_OK;
}
