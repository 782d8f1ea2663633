#include "onnx.h"

#include "base/checked.h"
#include "onnx_model.h"
#include "proto/message.h"

#include <string.h>

enum { TYPE_FLOAT = 1, ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_INTS = 7, MAX_ATTRIBUTES = 8 };

void rt__onnx_fail(rt_onnx_build *build, rt_code code)
{
    if (build->code == RT_OK)
        build->code = code;
}

static void *room(rt_onnx_build *build, size_t count, size_t size)
{
    void *bytes = build->code == RT_OK ? rt__arena_array(build->arena, count, size) : NULL;
    if (!bytes && build->code == RT_OK)
        rt__onnx_fail(build, rt_fail(build->err, RT_ENOMEM, "out of memory"));
    return bytes;
}

const char *rt__onnx_name(rt_onnx_build *build, const char *name, const char *suffix)
{
    size_t a = strlen(name), b = strlen(suffix);
    char *text = room(build, a + b + 1, 1);
    if (text) {
        memcpy(text, name, a);
        memcpy(text + a, suffix, b);
    }
    return text;
}

Onnx__Node *rt__onnx_node(rt_onnx_build *build, const char *op, const char *name, const char *const *inputs,
                          size_t n_inputs)
{
    Onnx__Node *node = room(build, 1, sizeof *node);
    char **names = room(build, n_inputs + 1, sizeof *names);
    Onnx__Attribute **attributes = room(build, MAX_ATTRIBUTES, sizeof(*attributes));
    if (!attributes || build->n_nodes == build->max_nodes) {
        rt__onnx_fail(build, RT_ENOMEM);
        return NULL;
    }
    onnx__node__init(node);
    /* protobuf-c's strings are not const; packing only reads them. */
    for (size_t i = 0; i < n_inputs; i++)
        names[i] = (char *)(uintptr_t)inputs[i];
    names[n_inputs] = (char *)(uintptr_t)name;
    node->op_type = (char *)(uintptr_t)op;
    node->name = (char *)(uintptr_t)name;
    node->input = names;
    node->n_input = n_inputs;
    node->output = names + n_inputs;
    node->n_output = 1;
    node->attribute = attributes;
    build->sources[build->n_nodes] = build->emitting;
    build->nodes[build->n_nodes++] = node;
    return node;
}

static Onnx__Attribute *add_attribute(rt_onnx_build *build, Onnx__Node *node, const char *name, int32_t type)
{
    Onnx__Attribute *attribute = room(build, 1, sizeof *attribute);
    if (!attribute)
        return NULL;
    onnx__attribute__init(attribute);
    attribute->name = (char *)(uintptr_t)name;
    attribute->type = type;
    node->attribute[node->n_attribute++] = attribute;
    return attribute;
}

void rt__onnx_attr_ints(rt_onnx_build *build, Onnx__Node *node, const char *name, const int64_t *values,
                        size_t n)
{
    Onnx__Attribute *attribute = add_attribute(build, node, name, ATTRIBUTE_INTS);
    int64_t *copy = room(build, n, sizeof *copy);
    if (!copy)
        return;
    memcpy(copy, values, n * sizeof *copy);
    attribute->ints = copy;
    attribute->n_ints = n;
}

void rt__onnx_attr_int(rt_onnx_build *build, Onnx__Node *node, const char *name, int64_t value)
{
    Onnx__Attribute *attribute = add_attribute(build, node, name, ATTRIBUTE_INT);
    if (!attribute)
        return;
    attribute->number_case = ONNX__ATTRIBUTE__NUMBER_I;
    attribute->i = value;
}

void rt__onnx_attr_float(rt_onnx_build *build, Onnx__Node *node, const char *name, float value)
{
    Onnx__Attribute *attribute = add_attribute(build, node, name, ATTRIBUTE_FLOAT);
    if (!attribute)
        return;
    attribute->number_case = ONNX__ATTRIBUTE__NUMBER_F;
    attribute->f = value;
}

const char *rt__onnx_tensor(rt_onnx_build *build, const char *name, const char *suffix, const int64_t *dims,
                            size_t n_dims, float **data)
{
    Onnx__Tensor *tensor = room(build, 1, sizeof *tensor);
    int64_t *shape = room(build, n_dims, sizeof *shape);
    size_t n = 1;
    for (size_t i = 0; i < n_dims; i++)
        if (!rt_mul(&n, n, (size_t)dims[i]))
            rt__onnx_fail(build, rt_fail(build->err, RT_ELIMIT, "weights of '%s' overflow", name));
    if (!*data)
        *data = room(build, n, sizeof(float));
    name = rt__onnx_name(build, name, suffix);
    if (build->code != RT_OK || build->n_tensors == build->max_tensors) {
        rt__onnx_fail(build, RT_ENOMEM);
        return NULL;
    }
    onnx__tensor__init(tensor);
    if (n_dims) /* a scalar has none */
        memcpy(shape, dims, n_dims * sizeof *shape);
    tensor->dims = shape;
    tensor->n_dims = n_dims;
    tensor->data_type = TYPE_FLOAT;
    tensor->name = (char *)(uintptr_t)name;
    tensor->raw_data = (ProtobufCBinaryData){n * sizeof(float), (uint8_t *)*data};
    build->tensors[build->n_tensors++] = tensor;
    return name;
}

/* ---- the model around the nodes ---- */

static Onnx__ValueInfo *value_info(rt_onnx_build *build, const char *name, const int64_t *dims, size_t n_dims,
                                   bool dynamic_batch)
{
    Onnx__ValueInfo *info = room(build, 1, sizeof *info);
    Onnx__Type *type = room(build, 1, sizeof *type);
    Onnx__TensorType *tensor = room(build, 1, sizeof *tensor);
    Onnx__TensorShape *shape = room(build, 1, sizeof *shape);
    Onnx__Dimension *values = room(build, n_dims, sizeof *values);
    Onnx__Dimension **pointers = room(build, n_dims, sizeof(*pointers));
    if (!pointers)
        return NULL;
    onnx__value_info__init(info);
    onnx__type__init(type);
    onnx__tensor_type__init(tensor);
    onnx__tensor_shape__init(shape);
    for (size_t i = 0; i < n_dims; i++) {
        onnx__dimension__init(&values[i]);
        values[i].value_case = ONNX__DIMENSION__VALUE_DIM_VALUE;
        values[i].dim_value = dims[i];
        pointers[i] = &values[i];
    }
    if (dynamic_batch) {
        values[0].value_case = ONNX__DIMENSION__VALUE_DIM_PARAM;
        values[0].dim_param = "N";
    }
    info->name = (char *)(uintptr_t)name;
    info->type = type;
    type->tensor_type = tensor;
    tensor->elem_type = TYPE_FLOAT;
    tensor->shape = shape;
    shape->dim = pointers;
    shape->n_dim = n_dims;
    return info;
}

/* Before IR 4 an initializer must be named among the inputs; TensorRT up to 7 relies on it. */
static Onnx__ValueInfo **graph_inputs(rt_onnx_build *build, const rt_shape *shape, bool list_initializers,
                                      size_t *n_inputs)
{
    const int64_t image[] = {1, shape->dim[3], shape->dim[1], shape->dim[2]};
    const char *name = build->options->input_name ? build->options->input_name : "input_0";
    Onnx__ValueInfo **inputs = room(build, build->n_tensors + 1, sizeof(*inputs));
    if (!inputs)
        return NULL;
    inputs[0] = value_info(build, name, image, 4, build->options->dynamic_batch);
    *n_inputs = 1;
    for (size_t i = 0; list_initializers && i < build->n_tensors; i++)
        inputs[(*n_inputs)++] = value_info(build, build->tensors[i]->name, build->tensors[i]->dims,
                                           build->tensors[i]->n_dims, false);
    return inputs;
}

static void set_metadata(rt_onnx_build *build, Onnx__Model *model)
{
    size_t n = build->options->n_metadata;
    Onnx__StringPair *pairs = room(build, n, sizeof *pairs);
    Onnx__StringPair **pointers = room(build, n, sizeof(*pointers));
    if (!pointers)
        return;
    for (size_t i = 0; i < n; i++) {
        onnx__string_pair__init(&pairs[i]);
        pairs[i].key = (char *)(uintptr_t)build->options->metadata[2 * i];
        pairs[i].value = (char *)(uintptr_t)build->options->metadata[2 * i + 1];
        pointers[i] = &pairs[i];
    }
    model->metadata_props = pointers;
    model->n_metadata_props = n;
}

static int64_t ir_version(int opset)
{
    static const int64_t versions[] = {[9] = 3, [10] = 5, [11] = 6, [12] = 7, [13] = 7};
    return versions[opset];
}

static rt_code pack_model(rt_onnx_build *build, const rt_shape *input_shape, int64_t output_size,
                          const char *output_name, rt_buffer *file)
{
    Onnx__Model model = ONNX__MODEL__INIT;
    Onnx__Graph graph = ONNX__GRAPH__INIT;
    Onnx__OperatorSet set = ONNX__OPERATOR_SET__INIT, *sets = &set;
    const int64_t scores[] = {1, output_size};
    Onnx__ValueInfo *output = value_info(build, output_name, scores, 2, build->options->dynamic_batch);
    model.ir_version = ir_version(build->opset);
    graph.input = graph_inputs(build, input_shape, model.ir_version < 4, &graph.n_input);
    set_metadata(build, &model);
    if (build->code != RT_OK)
        return build->code;
    set.version = build->opset;
    model.producer_name = "retrain";
    model.opset_import = &sets;
    model.n_opset_import = 1;
    model.graph = &graph;
    graph.name = "retrain";
    graph.node = build->nodes;
    graph.n_node = build->n_nodes;
    graph.initializer = build->tensors;
    graph.n_initializer = build->n_tensors;
    graph.output = &output;
    graph.n_output = 1;
    return rt__proto_pack(&model.base, file, build->err);
}

static bool has_affine(const rt_onnx_options *options)
{
    return options->input_scale[0] != 0 || options->input_scale[1] != 0 || options->input_scale[2] != 0;
}

/* Whether every reader of the input is an rt.Affine, which can take the options' affine into itself. */
static bool only_affine_reads(const rt_graph *graph, rt_edge input)
{
    for (uint32_t i = 0; i < rt__graph_count(graph); i++) {
        const rt_node *node = rt__graph_node(graph, i);
        for (uint32_t k = 0; k < node->n_inputs; k++)
            if (node->inputs[k].node == input.node && strcmp(node->op, "rt.Affine") != 0)
                return false;
    }
    return true;
}

static void name_input(rt_onnx_build *build)
{
    const char *name = build->options->input_name ? build->options->input_name : "input_0";
    build->names[build->input.node] = name;
    if (!has_affine(build->options))
        return;
    if (only_affine_reads(build->graph, build->input))
        build->affine_pending = true;
    else
        build->names[build->input.node] = rt__onnx_affine(
            build, "input_affine", name, build->options->input_scale, build->options->input_shift, 3);
}

/* The last node's output takes the name the user asked for. */
static rt_code name_output(rt_onnx_build *build, rt_edge output, const char *name)
{
    const rt_node *node = rt__graph_node(build->graph, output.node);
    Onnx__Node *last = build->n_nodes ? build->nodes[build->n_nodes - 1] : NULL;
    if (!last || strcmp(last->output[0], build->names[output.node]) != 0)
        return rt_fail(build->err, RT_EUNSUPPORTED, "the output '%s' (%s) is not the last of the graph",
                       node->name, node->op);
    last->output[0] = (char *)(uintptr_t)name;
    return RT_OK;
}

/* A node that cannot be said: with someone to tell, the others are looked at all the same. */
static void refuse(rt_onnx_build *build, uint32_t node, const char *cause)
{
    build->options->refused(build->options->refused_user, cause);
    build->names[node] = rt__graph_node(build->graph, node)->name;
    build->n_refused++;
}

static void emit(rt_onnx_build *build, uint32_t node)
{
    rt_error *err = build->err, why = {0};
    rt_code code;
    if (!build->options->refused) {
        rt__onnx_fail(build, rt__onnx_emit(build, node));
        return;
    }
    build->err = &why;
    code = rt__onnx_emit(build, node);
    build->err = err;
    if (code == RT_EUNSUPPORTED && build->code == RT_OK)
        refuse(build, node, why.cause);
    else if (code != RT_OK)
        rt__onnx_fail(build, rt_fail(err, code, "%s", why.cause));
}

static rt_code emit_all(rt_onnx_build *build, const rt_shape *input_shape)
{
    uint32_t count = rt__graph_count(build->graph);
    /* An op becomes at most four ONNX nodes (swish: convolution, sigmoid, product) and four tensors. */
    build->max_nodes = build->max_tensors = 4 * (size_t)count + 8;
    build->nodes = room(build, build->max_nodes, sizeof(*build->nodes));
    build->sources = room(build, build->max_nodes, sizeof *build->sources);
    build->tensors = room(build, build->max_tensors, sizeof(*build->tensors));
    build->names = room(build, count, sizeof(*build->names));
    build->is_map = room(build, count, sizeof *build->is_map);
    build->values = room(build, count, sizeof *build->values);
    if (build->code == RT_OK)
        rt__onnx_fail(build,
                      rt__fused_shapes(build->graph, build->input, input_shape, build->values, build->err));
    build->emitting = build->input.node;
    if (build->code == RT_OK)
        name_input(build);
    for (uint32_t i = 0; build->code == RT_OK && i < count; i++) {
        build->emitting = i;
        if (i != build->input.node && strcmp(rt__graph_node(build->graph, i)->op, "Const") != 0)
            emit(build, i);
    }
    if (build->code == RT_OK && build->n_refused)
        rt__onnx_fail(build,
                      rt_fail(build->err, RT_EUNSUPPORTED, "%zu node%s of the network cannot be said in ONNX",
                              build->n_refused, build->n_refused == 1 ? "" : "s"));
    return build->code;
}

static void tell(const rt_onnx_build *build)
{
    const rt_onnx_options *o = build->options;
    if (!o->told)
        return;
    o->told(o->user, o->input_name ? o->input_name : "input_0", build->input.node);
    for (size_t i = 0; i < build->n_nodes; i++)
        o->told(o->user, build->nodes[i]->output[0], build->sources[i]);
}

rt_code rt__onnx_write(const rt_graph *fused, rt_edge input, rt_edge output, const rt_shape *input_shape,
                       int64_t output_size, const rt_onnx_options *options, rt_buffer *file,
                       size_t *n_fake_quant, rt_error *err)
{
    static const rt_onnx_options defaults = {0};
    rt_onnx_build build = {
        .graph = fused, .options = options ? options : &defaults, .input = input, .err = err};
    const char *output_name = build.options->output_name ? build.options->output_name : "output_0";
    rt_code code;
    build.opset = build.options->opset ? build.options->opset : 9;
    if (build.opset < 9 || build.opset > 13)
        return rt_fail(err, RT_EARG, "ONNX opset %d: 9 to 13 can be written", build.opset);
    if (!(build.arena = rt__arena_new()))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if ((code = emit_all(&build, input_shape)) == RT_OK &&
        (code = name_output(&build, output, output_name)) == RT_OK)
        code = pack_model(&build, input_shape, output_size, output_name, file);
    if (code == RT_OK)
        tell(&build);
    if (n_fake_quant)
        *n_fake_quant = build.n_fake_quant;
    rt__arena_free(build.arena);
    return code;
}
