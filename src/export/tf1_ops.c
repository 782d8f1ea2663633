/* One row an op of the fused list, and how it reads in TensorFlow 1.x.  A node becomes a chain of ops; the
 * last of them bears the node's name, those before it the name with their op behind. */
#include "tf1_model.h"

#include "attr_defaults.h"
#include "shapes.h"

#include <math.h>
#include <string.h>

typedef struct emission {
    rt_tf1_build *t;
    const rt_node *n;
    uint32_t node;
} emission;

static rt_code fail(const emission *e, const char *why)
{
    return rt__node_fail(e->t->b.err, RT_EUNSUPPORTED, e->n, "%s", why);
}

static rt_edge input(const emission *e, uint32_t k)
{
    return e->t->made[e->n->inputs[k].node];
}

static const rt_shape *shape_of(const emission *e, uint32_t k)
{
    return &e->t->values[e->n->inputs[k].node].shape;
}

/* ---- building ---- */

/* "node/part", or another name where that is taken. */
static const char *part_name(const emission *e, const char *part)
{
    const char *name = rt__builder_name(&e->t->b, e->n->name, part);
    uint32_t found;
    while (name && (rt__graph_find(e->t->b.graph, name, &found) || rt__graph_find(e->t->fused, name, &found)))
        name = rt__builder_name(&e->t->b, name, "0");
    return name;
}

/* part: NULL for the node's own name. */
static rt_edge op(const emission *e, const char *part, const char *name, const rt_edge *inputs, size_t n)
{
    rt_graph_builder *b = &e->t->b;
    uint32_t node = rt__builder_node(b, part ? part_name(e, part) : e->n->name, name, inputs, n);
    rt__builder_type(b, node, "T", RT_FLOAT);
    if (b->code == RT_OK)
        b->code = rt__attr_add_defaults(b->graph, node, b->err);
    return (rt_edge){node, 0};
}

static void set_ints(const emission *e, rt_edge node, const char *name, const int64_t *values, size_t n)
{
    int64_t *copy = rt__builder_array(&e->t->b, n, sizeof *copy);
    rt_attr attr = {.name = name, .kind = RT_ATTR_LIST_INT, .count = n, .value.ints = copy};
    if (!copy)
        return;
    memcpy(copy, values, n * sizeof *copy);
    rt__builder_attr(&e->t->b, node.node, &attr);
}

/* [1,h,w,1] */
static void set_window(const emission *e, rt_edge node, const char *name, const int64_t *hw)
{
    set_ints(e, node, name, (int64_t[]){1, hw[0], hw[1], 1}, 4);
}

static rt_edge int_const(const emission *e, const char *part, int rank, const int64_t *dims,
                         const int32_t *values, size_t n)
{
    rt_tensor tensor = {.dtype = RT_INT32, .shape.rank = rank, .bytes = n * sizeof *values};
    int32_t *copy = rt__builder_array(&e->t->b, n, sizeof *copy);
    const char *name = part_name(e, part);
    if (!copy || !name)
        return (rt_edge){0, 0};
    memcpy(copy, values, tensor.bytes);
    for (int i = 0; i < rank; i++)
        tensor.shape.dim[i] = dims[i];
    tensor.data = copy;
    return (rt_edge){rt__builder_const(&e->t->b, name, &tensor), 0};
}

/* A vector, or a scalar when all of it is the same. */
static rt_edge float_const(const emission *e, const char *part, const float *values, size_t n)
{
    rt_tensor tensor = {.dtype = RT_FLOAT, .shape = {.rank = 1, .dim = {(int64_t)n}}, .data = values};
    const char *name = part_name(e, part);
    size_t same = 1;
    while (same < n && values[same] == values[0])
        same++;
    if (same == n)
        tensor.shape.rank = 0;
    tensor.bytes = (same == n ? 1 : n) * sizeof *values;
    return (rt_edge){name ? rt__builder_const(&e->t->b, name, &tensor) : 0, 0};
}

/* A constant input as it is, in the new graph. */
static const rt_tensor *weights(const emission *e, uint32_t k, const char *part, rt_edge *made)
{
    const rt_tensor *tensor = k < e->n->n_inputs ? rt__graph_const(e->t->fused, e->n->inputs[k]) : NULL;
    const char *name = part_name(e, part);
    *made = (rt_edge){0, 0};
    if (!tensor || tensor->dtype != RT_FLOAT) {
        e->t->b.code = fail(e, "its weights are no float constant");
        return NULL;
    }
    if (name)
        made->node = rt__builder_const(&e->t->b, name, tensor);
    return e->t->b.code == RT_OK ? tensor : NULL;
}

static float *floats(const emission *e, uint32_t k, size_t *n)
{
    const rt_tensor *tensor = k < e->n->n_inputs ? rt__graph_const(e->t->fused, e->n->inputs[k]) : NULL;
    float *copy;
    if (!tensor || tensor->dtype != RT_FLOAT) {
        e->t->b.code = fail(e, "its weights are no float constant");
        return NULL;
    }
    *n = tensor->bytes / sizeof(float);
    if ((copy = rt__builder_array(&e->t->b, *n, sizeof *copy)) && *n)
        memcpy(copy, tensor->data, tensor->bytes);
    return copy;
}

/* ---- activations ---- */

typedef rt_edge emit_activation(const emission *e, rt_edge x);

static rt_edge relu(const emission *e, rt_edge x)
{
    return op(e, NULL, "Relu", &x, 1);
}

static rt_edge relu6(const emission *e, rt_edge x)
{
    return op(e, NULL, "Relu6", &x, 1);
}

static rt_edge sigmoid(const emission *e, rt_edge x)
{
    return op(e, NULL, "Sigmoid", &x, 1);
}

static rt_edge hyperbolic(const emission *e, rt_edge x)
{
    return op(e, NULL, "Tanh", &x, 1);
}

static rt_edge leaky_relu(const emission *e, rt_edge x)
{
    const rt_attr *given = rt__node_attr(e->n, "alpha");
    rt_attr alpha = {.name = "alpha", .kind = RT_ATTR_FLOAT, .value.f = given ? given->value.f : 0};
    rt_edge out = op(e, NULL, "LeakyRelu", &x, 1);
    rt__builder_attr(&e->t->b, out.node, &alpha);
    return out;
}

static rt_edge elu(const emission *e, rt_edge x)
{
    const rt_attr *alpha = rt__node_attr(e->n, "alpha");
    if (!alpha || alpha->value.f != 1)
        e->t->b.code = fail(e, "an elu whose alpha is not 1");
    return op(e, NULL, "Elu", &x, 1);
}

static rt_edge swish(const emission *e, rt_edge x)
{
    rt_edge gate = op(e, "Sigmoid", "Sigmoid", &x, 1);
    return op(e, NULL, "Mul", (rt_edge[]){x, gate}, 2);
}

/* x * relu6(x + 3) / 6 */
static rt_edge hard_swish(const emission *e, rt_edge x)
{
    static const float three = 3, sixth = 1.0F / 6;
    rt_edge gate = op(e, "Add", "Add", (rt_edge[]){x, float_const(e, "three", &three, 1)}, 2);
    gate = op(e, "Relu6", "Relu6", &gate, 1);
    gate = op(e, "Mul", "Mul", (rt_edge[]){gate, float_const(e, "sixth", &sixth, 1)}, 2);
    return op(e, NULL, "Mul", (rt_edge[]){x, gate}, 2);
}

static const struct activation {
    const char *name;
    emit_activation *emit;
} activations[] = {
    {"relu", relu},       {"relu6", relu6},           {"sigmoid", sigmoid},
    {"tanh", hyperbolic}, {"leaky_relu", leaky_relu}, {"elu", elu},
    {"swish", swish},     {"hard_swish", hard_swish},
};

static const char *wanted_activation(const emission *e)
{
    const rt_attr *attr = rt__node_attr(e->n, "activation");
    return attr && attr->kind == RT_ATTR_STRING ? attr->value.s.bytes : "";
}

/* The name that the op before the activation gets: NULL, the node's own, when no activation follows. */
static const char *before(const emission *e, const char *part)
{
    return *wanted_activation(e) ? part : NULL;
}

static rt_code finish(const emission *e, rt_edge x)
{
    const char *wanted = wanted_activation(e);
    e->t->made[e->node] = x;
    for (size_t i = 0; *wanted && i < sizeof activations / sizeof *activations; i++)
        if (strcmp(activations[i].name, wanted) == 0) {
            e->t->made[e->node] = activations[i].emit(e, x);
            return e->t->b.code;
        }
    return *wanted ? fail(e, "TensorFlow 1.x has no op for its activation") : e->t->b.code;
}

/* ---- convolutions and pools ---- */

static rt_edge pad(const emission *e, const char *part, rt_edge x, const int64_t pads[4])
{
    const int32_t amounts[8] = {0, 0, (int32_t)pads[0], (int32_t)pads[1], (int32_t)pads[2], (int32_t)pads[3],
                                0, 0};
    const int64_t dims[] = {4, 2};
    return op(e, part, "Pad", (rt_edge[]){x, int_const(e, "paddings", 2, dims, amounts, 8)}, 2);
}

/* "SAME", "VALID", or NULL where only a Pad says it. */
static const char *padding_word(const emission *e, const int64_t *kernel, const int64_t *strides,
                                const int64_t *dilations, const int64_t *pads)
{
    if (pads[0] == 0 && pads[1] == 0 && pads[2] == 0 && pads[3] == 0)
        return "VALID";
    return rt__pads_same(shape_of(e, 0), kernel, strides, dilations, pads) ? "SAME" : NULL;
}

static rt_code convolution(const emission *e, const char *name)
{
    static const int64_t undilated[] = {1, 1};
    size_t count;
    const int64_t *strides = rt__op_ints(e->n, "strides", &count), *pads = rt__op_ints(e->n, "pads", &count);
    const int64_t *dilations = rt__op_ints(e->n, "dilations", &count);
    bool dilated = dilations[0] != 1 || dilations[1] != 1, sum = e->n->n_inputs > 3;
    rt_edge x[2] = {input(e, 0), {0, 0}}, bias;
    const rt_tensor *w = weights(e, 1, "weights", &x[1]);
    const char *word;
    if (!w || !weights(e, 2, "biases", &bias))
        return e->t->b.code;
    word = padding_word(e, w->shape.dim, strides, dilated ? dilations : undilated, pads);
    if (!word)
        x[0] = pad(e, "Pad", x[0], pads);
    x[0] = op(e, name, name, x, 2);
    rt__builder_text(&e->t->b, x[0].node, "padding", word ? word : "VALID");
    set_window(e, x[0], "strides", strides);
    if (dilated)
        set_window(e, x[0], "dilations", dilations);
    x[0] = op(e, sum ? "BiasAdd" : before(e, "BiasAdd"), "BiasAdd", (rt_edge[]){x[0], bias}, 2);
    if (sum)
        x[0] = op(e, before(e, "Add"), "Add", (rt_edge[]){x[0], input(e, 3)}, 2);
    return finish(e, x[0]);
}

static rt_code emit_conv(const emission *e)
{
    return convolution(e, "Conv2D");
}

static rt_code emit_depthwise(const emission *e)
{
    return convolution(e, "DepthwiseConv2dNative");
}

static rt_code emit_pool(const emission *e)
{
    static const int64_t undilated[] = {1, 1};
    size_t count;
    const int64_t *ksize = rt__op_ints(e->n, "ksize", &count),
                  *strides = rt__op_ints(e->n, "strides", &count);
    const char *kind = rt__op_string(e->n, "kind");
    const char *word = padding_word(e, ksize, strides, undilated, rt__op_ints(e->n, "pads", &count));
    rt_edge x = input(e, 0);
    if (!word)
        return fail(e, "its padding is neither SAME nor VALID");
    x = op(e, NULL, strcmp(kind, "average") == 0 ? "AvgPool" : "MaxPool", &x, 1);
    rt__builder_text(&e->t->b, x.node, "padding", word);
    set_window(e, x, "ksize", ksize);
    set_window(e, x, "strides", strides);
    return finish(e, x);
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

static rt_code emit_global_average(const emission *e)
{
    const int64_t two = 2;
    rt_edge axes = int_const(e, "reduction_indices", 1, &two, (const int32_t[]){1, 2}, 2);
    rt_edge mean = op(e, NULL, "Mean", (rt_edge[]){input(e, 0), axes}, 2);
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

static rt_code emit_reshape(const emission *e)
{
    uint32_t source = e->n->inputs[0].node;
    const rt_shape *from = shape_of(e, 0), *to = &e->t->values[e->node].shape;
    rt_edge x = input(e, 0), wanted;
    const int64_t rank = to->rank;
    int32_t dims[RT_MAX_RANK] = {-1};
    if (rt__shape_equal(from, to) || (is_pixel(to) && e->t->is_map[source])) {
        e->t->made[e->node] = x;
        e->t->is_map[e->node] = rt__shape_equal(from, to) && e->t->is_map[source];
        return RT_OK;
    }
    if (is_pixel(from) && to->rank == 2) {
        e->t->made[e->node] = op(e, NULL, "Squeeze", &x, 1);
        set_ints(e, e->t->made[e->node], "squeeze_dims", (int64_t[]){1, 2}, 2);
        return e->t->b.code;
    }
    for (int i = 1; i < to->rank; i++)
        dims[i] = (int32_t)to->dim[i];
    wanted = int_const(e, "shape", 1, &rank, dims, (size_t)rank);
    e->t->made[e->node] = op(e, NULL, "Reshape", (rt_edge[]){x, wanted}, 2);
    return e->t->b.code;
}

static rt_code emit_matmul(const emission *e)
{
    rt_edge x[2] = {input(e, 0), {0, 0}}, bias;
    if (!weights(e, 1, "weights", &x[1]) || !weights(e, 2, "biases", &bias))
        return e->t->b.code;
    x[0] = op(e, "MatMul", "MatMul", x, 2);
    return finish(e, op(e, before(e, "BiasAdd"), "BiasAdd", (rt_edge[]){x[0], bias}, 2));
}

static rt_code emit_concat(const emission *e)
{
    rt_edge *inputs = rt__builder_array(&e->t->b, (size_t)e->n->n_inputs + 1, sizeof *inputs);
    const int32_t axis = e->t->values[e->node].shape.rank - 1;
    rt_attr count = {.name = "N", .kind = RT_ATTR_INT, .value.i = e->n->n_inputs};
    for (uint32_t i = 0; inputs && i < e->n->n_inputs; i++)
        inputs[i] = input(e, i);
    if (!inputs)
        return e->t->b.code;
    inputs[e->n->n_inputs] = int_const(e, "axis", 0, NULL, &axis, 1);
    e->t->made[e->node] = op(e, NULL, "ConcatV2", inputs, (size_t)e->n->n_inputs + 1);
    rt__builder_attr(&e->t->b, e->t->made[e->node].node, &count);
    return e->t->b.code;
}

static rt_code emit_add(const emission *e)
{
    return finish(e, op(e, before(e, "Add"), "Add", (rt_edge[]){input(e, 0), input(e, 1)}, 2));
}

static rt_code emit_mul(const emission *e)
{
    return finish(e, op(e, before(e, "Mul"), "Mul", (rt_edge[]){input(e, 0), input(e, 1)}, 2));
}

static bool all_are(const float *values, size_t n, float value)
{
    size_t i = 0;
    while (i < n && values[i] == value)
        i++;
    return i == n;
}

static rt_code emit_affine(const emission *e)
{
    size_t n = 0;
    const float *scale = floats(e, 1, &n), *shift = scale ? floats(e, 2, &n) : NULL;
    rt_edge x = input(e, 0);
    bool adds;
    if (!shift)
        return e->t->b.code;
    adds = !all_are(shift, n, 0);
    if (!adds || !all_are(scale, n, 1)) {
        rt_edge factor = float_const(e, "scale", scale, n);
        x = op(e, adds ? "Mul" : before(e, "Mul"), "Mul", (rt_edge[]){x, factor}, 2);
    }
    if (adds) {
        rt_edge term = float_const(e, "shift", shift, n);
        x = op(e, before(e, "Add"), "Add", (rt_edge[]){x, term}, 2);
    }
    return finish(e, x);
}

static rt_code emit_softmax(const emission *e)
{
    rt_edge x = input(e, 0);
    e->t->made[e->node] = op(e, NULL, "Softmax", &x, 1);
    return e->t->b.code;
}

static rt_code emit_only_activation(const emission *e)
{
    return finish(e, input(e, 0));
}

static rt_code emit_pad(const emission *e)
{
    size_t count;
    e->t->made[e->node] = pad(e, NULL, input(e, 0), rt__op_ints(e->n, "pads", &count));
    return e->t->b.code;
}

/* ---- FakeQuant ---- */

static rt_code emit_clip(const emission *e, float low, float high)
{
    rt_edge x = input(e, 0);
    float *bounds = rt__builder_array(&e->t->b, 2, sizeof *bounds);
    if (!bounds)
        return e->t->b.code;
    bounds[0] = low;
    bounds[1] = high;
    x = op(e, "Minimum", "Minimum", (rt_edge[]){x, float_const(e, "high", &bounds[1], 1)}, 2);
    e->t->made[e->node] = op(e, NULL, "Maximum", (rt_edge[]){x, float_const(e, "low", &bounds[0], 1)}, 2);
    e->t->n_clipped++;
    return e->t->b.code;
}

/* Steps between low and high are 2^bits - 1, or one less for a narrow range. */
static rt_code emit_fake_quant(const emission *e)
{
    float low = rt__op_float(e->n, "low"), high = rt__op_float(e->n, "high"),
          scale = rt__op_float(e->n, "scale");
    int64_t steps = scale > 0 ? (int64_t)lroundf((high - low) / scale) : 255, bits = 2;
    rt_graph_builder *b = &e->t->b;
    rt_edge x = input(e, 0);
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
    rt_code (*emit)(const emission *e);
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
    const emission e = {build, rt__graph_node(build->fused, node), node};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].op, e.n->op) == 0)
            return rows[i].emit(&e);
    return fail(&e, "no form that tools of TensorFlow 1.x take");
}
