/* One row an op of the fused list, and how it reads in TensorFlow 1.x.  A node becomes a chain of ops; the
 * last of them bears the node's name, those before it the name with their op behind. */
#include "tf1_emission.h"

#include "shapes.h"

#include <math.h>
#include <string.h>

/* ---- convolutions and pools ---- */

static rt_edge pad(const rt_tf1_emission *e, const char *part, rt_edge x, const int64_t pads[4])
{
    const int32_t amounts[8] = {0, 0, (int32_t)pads[0], (int32_t)pads[1], (int32_t)pads[2], (int32_t)pads[3],
                                0, 0};
    const int64_t dims[] = {4, 2};
    return rt__tf1_op(e, part, "Pad", (rt_edge[]){x, rt__tf1_int_const(e, "paddings", 2, dims, amounts, 8)},
                      2);
}

/* "SAME", "VALID", or NULL where only a Pad says it. */
static const char *padding_word(const rt_tf1_emission *e, const int64_t *kernel, const int64_t *strides,
                                const int64_t *dilations, const int64_t *pads)
{
    if (pads[0] == 0 && pads[1] == 0 && pads[2] == 0 && pads[3] == 0)
        return "VALID";
    return rt__pads_same(rt__tf1_shape(e, 0), kernel, strides, dilations, pads) ? "SAME" : NULL;
}

static rt_code convolution(const rt_tf1_emission *e, const char *name)
{
    static const int64_t undilated[] = {1, 1};
    size_t count;
    const int64_t *strides = rt__op_ints(e->n, "strides", &count), *pads = rt__op_ints(e->n, "pads", &count);
    const int64_t *dilations = rt__op_ints(e->n, "dilations", &count);
    bool dilated = dilations[0] != 1 || dilations[1] != 1, sum = e->n->n_inputs > 3;
    rt_edge x[2] = {rt__tf1_input(e, 0), {0, 0}}, bias;
    const rt_tensor *w = rt__tf1_weights(e, 1, "weights", &x[1]);
    const char *word;
    if (!w || !rt__tf1_weights(e, 2, "biases", &bias))
        return e->t->b.code;
    word = padding_word(e, w->shape.dim, strides, dilated ? dilations : undilated, pads);
    if (!word)
        x[0] = pad(e, "Pad", x[0], pads);
    x[0] = rt__tf1_op(e, name, name, x, 2);
    rt__builder_text(&e->t->b, x[0].node, "padding", word ? word : "VALID");
    rt__tf1_window(e, x[0], "strides", strides);
    if (dilated)
        rt__tf1_window(e, x[0], "dilations", dilations);
    x[0] =
        rt__tf1_op(e, sum ? "BiasAdd" : rt__tf1_before(e, "BiasAdd"), "BiasAdd", (rt_edge[]){x[0], bias}, 2);
    if (sum)
        x[0] = rt__tf1_op(e, rt__tf1_before(e, "Add"), "Add", (rt_edge[]){x[0], rt__tf1_input(e, 3)}, 2);
    return rt__tf1_finish(e, x[0]);
}

static rt_code emit_conv(const rt_tf1_emission *e)
{
    return convolution(e, "Conv2D");
}

static rt_code emit_depthwise(const rt_tf1_emission *e)
{
    return convolution(e, "DepthwiseConv2dNative");
}

static rt_code emit_pool(const rt_tf1_emission *e)
{
    static const int64_t undilated[] = {1, 1};
    size_t count;
    const int64_t *ksize = rt__op_ints(e->n, "ksize", &count),
                  *strides = rt__op_ints(e->n, "strides", &count);
    const char *kind = rt__op_string(e->n, "kind");
    const char *word = padding_word(e, ksize, strides, undilated, rt__op_ints(e->n, "pads", &count));
    rt_edge x = rt__tf1_input(e, 0);
    if (!word)
        return rt__tf1_fail(e, "its padding is neither SAME nor VALID");
    x = rt__tf1_op(e, NULL, strcmp(kind, "average") == 0 ? "AvgPool" : "MaxPool", &x, 1);
    rt__builder_text(&e->t->b, x.node, "padding", word);
    rt__tf1_window(e, x, "ksize", ksize);
    rt__tf1_window(e, x, "strides", strides);
    return rt__tf1_finish(e, x);
}

/* Whether all that reads the node turns its vector into a map of one pixel again, which is what Mean gives.
 */
static bool read_as_pixel(const rt_tf1_build *t, uint32_t node)
{
    bool any = false;
    for (uint32_t i = 0; i < rt__graph_count(t->fused); i++) {
        const rt_node *n = rt__graph_node(t->fused, i);
        for (uint32_t k = 0; k < n->n_inputs; k++) {
            if (n->inputs[k].node != node)
                continue;
            if (strcmp(n->op, "rt.Reshape") != 0 || t->values[i].shape.rank != 4)
                return false;
            any = true;
        }
    }
    return any;
}

static rt_code emit_global_average(const rt_tf1_emission *e)
{
    const int64_t two = 2;
    rt_edge axes = rt__tf1_int_const(e, "reduction_indices", 1, &two, (const int32_t[]){1, 2}, 2);
    rt_edge mean = rt__tf1_op(e, NULL, "Mean", (rt_edge[]){rt__tf1_input(e, 0), axes}, 2);
    bool keep = read_as_pixel(e->t, e->node);
    rt__builder_bool(&e->t->b, mean.node, "keep_dims", keep);
    e->t->made[e->node] = mean;
    e->t->is_map[e->node] = keep;
    return e->t->b.code;
}

/* ---- the others ---- */

static bool is_pixel(const rt_shape *s)
{
    return s->rank == 4 && s->dim[1] == 1 && s->dim[2] == 1;
}

static rt_code emit_reshape(const rt_tf1_emission *e)
{
    uint32_t source = e->n->inputs[0].node;
    const rt_shape *from = rt__tf1_shape(e, 0), *to = &e->t->values[e->node].shape;
    rt_edge x = rt__tf1_input(e, 0), wanted;
    const int64_t rank = to->rank;
    int32_t dims[RT_MAX_RANK] = {-1};
    if (rt__shape_equal(from, to) || (is_pixel(to) && e->t->is_map[source])) {
        e->t->made[e->node] = x;
        e->t->is_map[e->node] = rt__shape_equal(from, to) && e->t->is_map[source];
        return RT_OK;
    }
    if (is_pixel(from) && to->rank == 2) {
        e->t->made[e->node] = rt__tf1_op(e, NULL, "Squeeze", &x, 1);
        rt__tf1_ints(e, e->t->made[e->node], "squeeze_dims", (int64_t[]){1, 2}, 2);
        return e->t->b.code;
    }
    for (int i = 1; i < to->rank; i++)
        dims[i] = (int32_t)to->dim[i];
    wanted = rt__tf1_int_const(e, "shape", 1, &rank, dims, (size_t)rank);
    e->t->made[e->node] = rt__tf1_op(e, NULL, "Reshape", (rt_edge[]){x, wanted}, 2);
    return e->t->b.code;
}

static rt_code emit_matmul(const rt_tf1_emission *e)
{
    rt_edge x[2] = {rt__tf1_input(e, 0), {0, 0}}, bias;
    if (!rt__tf1_weights(e, 1, "weights", &x[1]) || !rt__tf1_weights(e, 2, "biases", &bias))
        return e->t->b.code;
    x[0] = rt__tf1_op(e, "MatMul", "MatMul", x, 2);
    return rt__tf1_finish(e,
                          rt__tf1_op(e, rt__tf1_before(e, "BiasAdd"), "BiasAdd", (rt_edge[]){x[0], bias}, 2));
}

static rt_code emit_concat(const rt_tf1_emission *e)
{
    rt_edge *inputs = rt__builder_array(&e->t->b, (size_t)e->n->n_inputs + 1, sizeof *inputs);
    const int32_t axis = e->t->values[e->node].shape.rank - 1;
    rt_attr count = {.name = "N", .kind = RT_ATTR_INT, .value.i = e->n->n_inputs};
    for (uint32_t i = 0; inputs && i < e->n->n_inputs; i++)
        inputs[i] = rt__tf1_input(e, i);
    if (!inputs)
        return e->t->b.code;
    inputs[e->n->n_inputs] = rt__tf1_int_const(e, "axis", 0, NULL, &axis, 1);
    e->t->made[e->node] = rt__tf1_op(e, NULL, "ConcatV2", inputs, (size_t)e->n->n_inputs + 1);
    rt__builder_attr(&e->t->b, e->t->made[e->node].node, &count);
    return e->t->b.code;
}

static rt_code emit_add(const rt_tf1_emission *e)
{
    return rt__tf1_finish(e, rt__tf1_op(e, rt__tf1_before(e, "Add"), "Add",
                                        (rt_edge[]){rt__tf1_input(e, 0), rt__tf1_input(e, 1)}, 2));
}

static rt_code emit_mul(const rt_tf1_emission *e)
{
    return rt__tf1_finish(e, rt__tf1_op(e, rt__tf1_before(e, "Mul"), "Mul",
                                        (rt_edge[]){rt__tf1_input(e, 0), rt__tf1_input(e, 1)}, 2));
}

static bool all_are(const float *values, size_t n, float value)
{
    size_t i = 0;
    while (i < n && values[i] == value)
        i++;
    return i == n;
}

static rt_code emit_affine(const rt_tf1_emission *e)
{
    size_t n = 0;
    const float *scale = rt__tf1_floats(e, 1, &n), *shift = scale ? rt__tf1_floats(e, 2, &n) : NULL;
    rt_edge x = rt__tf1_input(e, 0);
    bool adds;
    if (!shift)
        return e->t->b.code;
    adds = !all_are(shift, n, 0);
    if (!adds || !all_are(scale, n, 1)) {
        rt_edge factor = rt__tf1_float_const(e, "scale", scale, n);
        x = rt__tf1_op(e, adds ? "Mul" : rt__tf1_before(e, "Mul"), "Mul", (rt_edge[]){x, factor}, 2);
    }
    if (adds) {
        rt_edge term = rt__tf1_float_const(e, "shift", shift, n);
        x = rt__tf1_op(e, rt__tf1_before(e, "Add"), "Add", (rt_edge[]){x, term}, 2);
    }
    return rt__tf1_finish(e, x);
}

static rt_code emit_softmax(const rt_tf1_emission *e)
{
    rt_edge x = rt__tf1_input(e, 0);
    e->t->made[e->node] = rt__tf1_op(e, NULL, "Softmax", &x, 1);
    return e->t->b.code;
}

static rt_code emit_only_activation(const rt_tf1_emission *e)
{
    return rt__tf1_finish(e, rt__tf1_input(e, 0));
}

static rt_code emit_pad(const rt_tf1_emission *e)
{
    size_t count;
    e->t->made[e->node] = pad(e, NULL, rt__tf1_input(e, 0), rt__op_ints(e->n, "pads", &count));
    return e->t->b.code;
}

/* ---- FakeQuant ---- */

static rt_code emit_clip(const rt_tf1_emission *e, float low, float high)
{
    rt_edge x = rt__tf1_input(e, 0);
    float *bounds = rt__builder_array(&e->t->b, 2, sizeof *bounds);
    if (!bounds)
        return e->t->b.code;
    bounds[0] = low;
    bounds[1] = high;
    x = rt__tf1_op(e, "Minimum", "Minimum", (rt_edge[]){x, rt__tf1_float_const(e, "high", &bounds[1], 1)}, 2);
    e->t->made[e->node] =
        rt__tf1_op(e, NULL, "Maximum", (rt_edge[]){x, rt__tf1_float_const(e, "low", &bounds[0], 1)}, 2);
    e->t->n_clipped++;
    return e->t->b.code;
}

/* Steps between low and high are 2^bits - 1, or one less for a narrow range. */
static rt_code emit_fake_quant(const rt_tf1_emission *e)
{
    float low = rt__op_float(e->n, "low"), high = rt__op_float(e->n, "high"),
          scale = rt__op_float(e->n, "scale");
    int64_t steps = scale > 0 ? (int64_t)lroundf((high - low) / scale) : 255, bits = 2;
    rt_graph_builder *b = &e->t->b;
    rt_edge x = rt__tf1_input(e, 0);
    if (e->t->options->purpose == RT_TF1_UFF)
        return emit_clip(e, low, high);
    while (bits < 16 && ((int64_t)1 << bits) - 1 < steps)
        bits++;
    const rt_attr attrs[] = {
        {.name = "min", .kind = RT_ATTR_FLOAT, .value.f = low},
        {.name = "max", .kind = RT_ATTR_FLOAT, .value.f = high},
        {.name = "num_bits", .kind = RT_ATTR_INT, .value.i = bits},
        {.name = "narrow_range", .kind = RT_ATTR_BOOL, .value.b = steps % 2 == 0},
    };
    x.node = rt__builder_node(b, e->n->name, "FakeQuantWithMinMaxArgs", &x, 1);
    x.output = 0;
    for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++)
        rt__builder_attr(b, x.node, &attrs[i]);
    e->t->made[e->node] = x;
    return b->code;
}

static const struct row {
    const char *op;
    rt_code (*emit)(const rt_tf1_emission *e);
} rows[] = {
    {"rt.Conv", emit_conv},
    {"rt.Depthwise", emit_depthwise},
    {"rt.MatMul", emit_matmul},
    {"rt.Pool", emit_pool},
    {"rt.GlobalAverage", emit_global_average},
    {"rt.Concat", emit_concat},
    {"rt.Add", emit_add},
    {"rt.Mul", emit_mul},
    {"rt.Affine", emit_affine},
    {"rt.Softmax", emit_softmax},
    {"rt.Reshape", emit_reshape},
    {"rt.Activation", emit_only_activation},
    {"rt.Pad", emit_pad},
    {"rt.FakeQuant", emit_fake_quant},
};

rt_code rt__tf1_emit(rt_tf1_build *build, uint32_t node)
{
    const rt_tf1_emission e = {build, rt__graph_node(build->fused, node), node};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].op, e.n->op) == 0)
            return rows[i].emit(&e);
    return rt__tf1_fail(&e, "no form that tools of TensorFlow 1.x take");
}
