/* ONNX models. */
#include "inspect_job.h"

#include "model/foreign.h"
#include "proto/message.h"
#include "proto/onnx.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT = 24 };

/* TensorProto.DataType */
static const char *type_name(int32_t type)
{
    static const char *const names[] = {"undefined", "float",  "uint8",     "int8",       "uint16",  "int16",
                                        "int32",     "int64",  "string",    "bool",       "half",    "double",
                                        "uint32",    "uint64", "complex64", "complex128", "bfloat16"};
    return type >= 0 && (size_t)type < sizeof names / sizeof *names ? names[type] : "unknown";
}

/* "[1,3,224,224]", "[batch,3,?,?]" */
static void add_shape(const Onnx__TensorShape *shape, rt_buffer *text)
{
    rt__buffer_text(text, shape ? "[" : "unknown rank");
    for (size_t i = 0; shape && i < shape->n_dim; i++) {
        const Onnx__Dimension *dim = shape->dim[i];
        rt__buffer_text(text, i ? "," : "");
        if (dim->value_case == ONNX__DIMENSION__VALUE_DIM_VALUE)
            rt__buffer_format(text, "%" PRId64, dim->dim_value);
        else
            rt__buffer_text(text, dim->value_case == ONNX__DIMENSION__VALUE_DIM_PARAM && *dim->dim_param
                                      ? dim->dim_param
                                      : "?");
    }
    rt__buffer_text(text, shape ? "]" : "");
}

static bool is_initializer(const Onnx__Graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (strcmp(graph->initializer[i]->name, name) == 0)
            return true;
    return false;
}

/* Old files list initializers among the inputs; nobody feeds those. */
static void print_ports(const Onnx__Graph *graph, const char *key, Onnx__ValueInfo *const *ports, size_t n,
                        rt_inspect_out *out)
{
    static const char *const columns[] = {"name", "dtype", "shape"};
    rt__out_table(out, key, columns, 3);
    for (size_t i = 0; i < n; i++) {
        const Onnx__TensorType *type = ports[i]->type ? ports[i]->type->tensor_type : NULL;
        rt_buffer shape = {0};
        if (ports == graph->input && is_initializer(graph, ports[i]->name))
            continue;
        add_shape(type ? type->shape : NULL, &shape);
        if (!shape.failed)
            rt__out_row(out, (const char *const[]){ports[i]->name, type_name(type ? type->elem_type : 0),
                                                   shape.bytes});
        rt__buffer_clear(&shape);
    }
    rt__out_table_end(out);
}

static void print_initializers(const Onnx__Graph *graph, rt_inspect_out *out)
{
    static const char *const columns[] = {"name", "dtype", "shape"};
    uint64_t parameters = 0;
    rt__out_table(out, "initializers", columns, 3);
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const Onnx__Tensor *t = graph->initializer[i];
        rt_buffer shape = {0};
        uint64_t elements = 1;
        rt__buffer_text(&shape, "[");
        for (size_t k = 0; k < t->n_dims; k++) {
            rt__buffer_format(&shape, "%s%" PRId64, k ? "," : "", t->dims[k]);
            elements *= (uint64_t)t->dims[k];
        }
        rt__buffer_text(&shape, "]");
        parameters += elements;
        if (!shape.failed)
            rt__out_row(out, (const char *const[]){t->name, type_name(t->data_type), shape.bytes});
        rt__buffer_clear(&shape);
    }
    rt__out_table_end(out);
    rt__out_number(out, "parameters", parameters);
}

static void print_head(const Onnx__Model *model, rt_inspect_out *out)
{
    static const char *const opsets[] = {"domain", "#version"}, *const metadata[] = {"key", "value"};
    rt__out_number(out, "ir_version", (uint64_t)model->ir_version);
    rt__out_fact(out, "producer", "%s %s", model->producer_name, model->producer_version);
    rt__out_table(out, "opsets", opsets, 2);
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const Onnx__OperatorSet *set = model->opset_import[i];
        char version[NUMBER_TEXT];
        snprintf(version, sizeof version, "%" PRId64, set->version);
        rt__out_row(out, (const char *const[]){*set->domain ? set->domain : "ai.onnx", version});
    }
    rt__out_table_end(out);
    rt__out_table(out, "metadata", metadata, 2);
    for (size_t i = 0; i < model->n_metadata_props; i++)
        rt__out_row(out,
                    (const char *const[]){model->metadata_props[i]->key, model->metadata_props[i]->value});
    rt__out_table_end(out);
}

static rt_code print_nodes(const Onnx__Graph *graph, rt_inspect_out *out, rt_error *err)
{
    const char **ops = calloc(graph->n_node + 1, sizeof *ops);
    rt_code code;
    if (!ops)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < graph->n_node; i++)
        ops[i] = graph->node[i]->op_type;
    rt__out_number(out, "nodes", graph->n_node);
    code = rt__inspect_print_counts("ops", ops, graph->n_node, out, err);
    free(ops);
    return code;
}

static rt_code print_onnx(const rt_inspected *thing, rt_inspect_out *out, rt_error *err)
{
    rt_arena *arena = rt__arena_new();
    ProtobufCMessage *message = NULL;
    const Onnx__Graph *graph;
    rt_code code = arena ? rt__proto_unpack(&onnx__model__descriptor, thing->file->bytes, thing->file->size,
                                            arena, &message, err)
                         : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK) {
        graph = ((const Onnx__Model *)message)->graph;
        print_head((const Onnx__Model *)message, out);
        print_ports(graph, "inputs", graph->input, graph->n_input, out);
        print_ports(graph, "outputs", graph->output, graph->n_output, out);
        code = print_nodes(graph, out, err);
        print_initializers(graph, out);
    }
    rt__arena_free(arena);
    return code;
}

/* ---- one initializer ---- */

/* TensorProto.DataType -> the same of TensorFlow's. */
static rt_dtype dtype_of(int32_t type)
{
    static const rt_dtype types[] = {
        [1] = RT_FLOAT,   [2] = RT_UINT8,   [3] = RT_INT8,       [4] = RT_UINT16,      [5] = RT_INT16,
        [6] = RT_INT32,   [7] = RT_INT64,   [9] = RT_BOOL,       [10] = RT_HALF,       [11] = RT_DOUBLE,
        [12] = RT_UINT32, [13] = RT_UINT64, [14] = RT_COMPLEX64, [15] = RT_COMPLEX128, [16] = RT_BFLOAT16,
    };
    return type > 0 && (size_t)type < sizeof types / sizeof *types ? types[type] : RT_DTYPE_NONE;
}

/* The values where raw_data does not hold them; those of narrow types always stand there. */
static const void *typed_values(const Onnx__Tensor *t, rt_dtype dtype, size_t *n)
{
    *n = dtype == RT_FLOAT    ? t->n_float_data
         : dtype == RT_DOUBLE ? t->n_double_data
         : dtype == RT_INT32  ? t->n_int32_data
         : dtype == RT_INT64  ? t->n_int64_data
                              : 0;
    return dtype == RT_FLOAT    ? (const void *)t->float_data
           : dtype == RT_DOUBLE ? (const void *)t->double_data
           : dtype == RT_INT32  ? (const void *)t->int32_data
                                : (const void *)t->int64_data;
}

static rt_code read_initializer(const Onnx__Tensor *t, rt_tensor *tensor, rt_error *err)
{
    size_t elements, n, width;
    rt_code code;
    *tensor = (rt_tensor){.dtype = dtype_of(t->data_type), .shape.rank = (int)t->n_dims};
    width = rt__dtype_size(tensor->dtype);
    if (width == 0 || t->n_dims > RT_MAX_RANK || t->data_location != 0)
        return rt_fail(err, RT_EUNSUPPORTED, "initializer '%s': values of type %s, %zu dimensions%s", t->name,
                       type_name(t->data_type), t->n_dims, t->data_location ? ", in another file" : "");
    memcpy(tensor->shape.dim, t->dims, t->n_dims * sizeof *t->dims);
    if ((code = rt__shape_elements(&tensor->shape, &elements, err)) != RT_OK)
        return code;
    tensor->data = typed_values(t, tensor->dtype, &n);
    if (t->raw_data.len) {
        tensor->data = t->raw_data.data;
        n = t->raw_data.len / width;
    }
    if (n != elements || (t->raw_data.len && t->raw_data.len % width))
        return rt_fail(err, RT_EFORMAT, "initializer '%s' has %zu values, its shape wants %zu", t->name, n,
                       elements);
    tensor->bytes = n * width;
    return RT_OK;
}

static rt_code find_initializer(const rt_inspected *thing, const char *name, rt_arena *arena,
                                rt_tensor *tensor, rt_error *err)
{
    ProtobufCMessage *message;
    const Onnx__Graph *graph;
    rt_code code = rt__proto_unpack(&onnx__model__descriptor, thing->file->bytes, thing->file->size, arena,
                                    &message, err);
    if (code != RT_OK)
        return code;
    graph = ((const Onnx__Model *)message)->graph;
    for (size_t i = 0; graph && i < graph->n_initializer; i++)
        if (strcmp(graph->initializer[i]->name, name) == 0)
            return read_initializer(graph->initializer[i], tensor, err);
    return rt_fail(err, RT_ENOTFOUND, "no initializer '%s'", name);
}

bool rt__inspect_probe_onnx(rt_inspected *thing)
{
    if (!thing->file || !rt__is_onnx(thing->file->bytes, thing->file->size))
        return false;
    thing->what = "ONNX model";
    thing->print = print_onnx;
    thing->is_model = true;
    thing->find_tensor = find_initializer;
    return true;
}
