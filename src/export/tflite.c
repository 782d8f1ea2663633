#include "tflite.h"

#include "shapes.h"
#include "tflite_metadata.h"
#include "tflite_model.h"
#include "zip_append.h"

#include <string.h>

void rt__tfl_fail(rt_tfl_build *build, rt_code code)
{
    if (build->code == RT_OK)
        build->code = code;
}

void *rt__tfl_room(rt_tfl_build *build, size_t count, size_t size)
{
    void *bytes = build->code == RT_OK ? rt__arena_array(build->arena, count, size) : NULL;
    if (!bytes && build->code == RT_OK)
        rt__tfl_fail(build, rt_fail(build->err, RT_ENOMEM, "out of memory"));
    return bytes;
}

int32_t rt__tfl_tensor(rt_tfl_build *build, const char *name, const char *suffix, rt_tfl_type type,
                       const int64_t *shape, int rank, const void *data, size_t bytes)
{
    size_t a = strlen(name), b = strlen(suffix);
    char *text = rt__tfl_room(build, a + b + 1, 1);
    rt_tfl_tensor *tensor;
    if (!text || build->n_tensors == build->max_tensors || rank > 4) {
        rt__tfl_fail(build, rt_fail(build->err, RT_EUNSUPPORTED, "'%s': %d dimensions, or too many tensors",
                                    name, rank));
        return -1;
    }
    memcpy(text, name, a);
    memcpy(text + a, suffix, b);
    tensor = &build->tensors[build->n_tensors];
    *tensor = (rt_tfl_tensor){.name = text, .type = type, .rank = rank, .data = data, .bytes = bytes};
    for (int i = 0; i < rank; i++)
        tensor->shape[i] = (int32_t)shape[i];
    return (int32_t)build->n_tensors++;
}

rt_tfl_node *rt__tfl_node(rt_tfl_build *build, rt_tfl_op op, uint8_t options_type, const int32_t *inputs,
                          size_t n_inputs, int32_t output)
{
    int32_t *copy = rt__tfl_room(build, n_inputs, sizeof *copy);
    rt_tfl_node *node;
    if (!copy || build->n_nodes == build->max_nodes) {
        rt__tfl_fail(build, RT_ENOMEM);
        return NULL;
    }
    memcpy(copy, inputs, n_inputs * sizeof *copy);
    node = &build->nodes[build->n_nodes++];
    *node = (rt_tfl_node){
        .op = op, .output = output, .inputs = copy, .n_inputs = n_inputs, .options_type = options_type};
    return node;
}

static void add_option(rt_tfl_node *node, rt_tfl_option option)
{
    if (node)
        node->options[node->n_options++] = option;
}

void rt__tfl_option_u8(rt_tfl_node *node, unsigned field, uint8_t value)
{
    add_option(node, (rt_tfl_option){.kind = RT_TFL_U8, .field = field, .value = value});
}

void rt__tfl_option_u32(rt_tfl_node *node, unsigned field, uint32_t value)
{
    add_option(node, (rt_tfl_option){.kind = RT_TFL_U32, .field = field, .value = value});
}

void rt__tfl_option_f32(rt_tfl_node *node, unsigned field, float value)
{
    add_option(node, (rt_tfl_option){.kind = RT_TFL_F32, .field = field, .real = value});
}

static rt_code emit_all(rt_tfl_build *build, const rt_shape *input_shape)
{
    uint32_t count = rt__graph_count(build->graph);
    rt_code code;
    /* An op becomes at most six operators (pads, requantised parts of a concat) and eight tensors. */
    build->max_nodes = 6 * (size_t)count + 8;
    build->max_tensors = 8 * (size_t)count + 8;
    build->nodes = rt__tfl_room(build, build->max_nodes, sizeof *build->nodes);
    build->tensors = rt__tfl_room(build, build->max_tensors, sizeof *build->tensors);
    build->tensor_of = rt__tfl_room(build, count, sizeof *build->tensor_of);
    build->values = rt__tfl_room(build, count, sizeof *build->values);
    if (build->code != RT_OK || (code = rt__fused_shapes(build->graph, build->input, input_shape,
                                                         build->values, build->err)) != RT_OK)
        return build->code != RT_OK ? build->code : code;
    for (uint32_t i = 0; build->code == RT_OK && i < count; i++)
        if (strcmp(rt__graph_node(build->graph, i)->op, "Const") != 0)
            rt__tfl_fail(build, rt__tfl_emit(build, i));
    return build->code;
}

/* The tensor that the user reads. */
static int32_t emit_output(rt_tfl_build *build, rt_edge output)
{
    int32_t last = build->tensor_of[output.node], bytes;
    build->tensors[last].name = "output";
    if (!build->options->ranges || build->options->bytes == RT_TFLITE_INT8)
        return last;
    build->tensors[last].name = "output/int8";
    bytes = rt__tfl_unsigned(build, "output", &build->values[output.node].shape, last);
    rt__tfl_node(build, RT_TFL_QUANTIZE, RT_TFL_QUANTIZE_OPTIONS, &last, 1, bytes);
    return bytes;
}

static rt_code make_metadata(const rt_tflite_options *options, rt_buffer *metadata, rt_error *err)
{
    const char *description = options->description ? options->description : "";
    if (!options->labels)
        return RT_OK;
    if (!options->ranges)
        return rt__tflite_metadata(description, 0, 1, metadata, err);
    return options->bytes == RT_TFLITE_INT8 ? rt__tflite_metadata(description, -128, 127, metadata, err)
                                            : rt__tflite_metadata(description, 0, 255, metadata, err);
}

static rt_code write_file(rt_tfl_build *build, rt_edge output, rt_buffer *file)
{
    const char *labels = build->options->labels;
    rt_buffer metadata = {0};
    int32_t last = emit_output(build, output);
    rt_code code = build->code;
    if (code == RT_OK)
        code = make_metadata(build->options, &metadata, build->err);
    if (code == RT_OK)
        code = rt__tfl_write(build, build->input_tensor, last, &metadata, file);
    if (code == RT_OK && labels)
        code = rt__zip_append(file, RT_TFLITE_LABELS, labels, strlen(labels), build->err);
    rt__buffer_clear(&metadata);
    return code;
}

rt_code rt__tflite_write(const rt_graph *fused, rt_edge input, rt_edge output, const rt_shape *input_shape,
                         const rt_tflite_options *options, rt_buffer *file, rt_error *err)
{
    static const rt_tflite_options defaults = {0};
    rt_tfl_build build = {
        .graph = fused, .options = options ? options : &defaults, .input = input, .err = err};
    rt_code code;
    if (!(build.arena = rt__arena_new()))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = emit_all(&build, input_shape);
    if (code == RT_OK)
        code = write_file(&build, output, file);
    rt__arena_free(build.arena);
    return code;
}
