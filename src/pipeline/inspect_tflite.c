/* TensorFlow Lite models. Source: schema.fbs of TensorFlow, version 3. */
#include "inspect_job.h"

#include "base/float_text.h"
#include "model/flat.h"
#include "model/foreign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT = 24 };

/* Fields by their place in the schema's tables. */
enum {
    MODEL_VERSION = 0,
    MODEL_CODES = 1,
    MODEL_GRAPHS = 2,
    MODEL_DESCRIPTION = 3,
    MODEL_BUFFERS = 4,
    MODEL_METADATA = 6,
    BUFFER_DATA = 0,
    METADATA_NAME = 0,
    CODE_OLD = 0,
    CODE_CUSTOM = 1,
    CODE_NEW = 3,
    GRAPH_TENSORS = 0,
    GRAPH_INPUTS = 1,
    GRAPH_OUTPUTS = 2,
    GRAPH_OPERATORS = 3,
    OPERATOR_CODE = 0,
    TENSOR_SHAPE = 0,
    TENSOR_TYPE = 1,
    TENSOR_BUFFER = 2,
    TENSOR_NAME = 3,
    TENSOR_QUANTIZATION = 4,
    TENSOR_SIGNATURE = 7,
    QUANTIZATION_SCALE = 2,
    QUANTIZATION_ZERO = 3
};

/* BuiltinOperator; 127 stands for numbers that need the newer field. */
static const char *const op_names[] = {"ADD",
                                       "AVERAGE_POOL_2D",
                                       "CONCATENATION",
                                       "CONV_2D",
                                       "DEPTHWISE_CONV_2D",
                                       "DEPTH_TO_SPACE",
                                       "DEQUANTIZE",
                                       "EMBEDDING_LOOKUP",
                                       "FLOOR",
                                       "FULLY_CONNECTED",
                                       "HASHTABLE_LOOKUP",
                                       "L2_NORMALIZATION",
                                       "L2_POOL_2D",
                                       "LOCAL_RESPONSE_NORMALIZATION",
                                       "LOGISTIC",
                                       "LSH_PROJECTION",
                                       "LSTM",
                                       "MAX_POOL_2D",
                                       "MUL",
                                       "RELU",
                                       "RELU_N1_TO_1",
                                       "RELU6",
                                       "RESHAPE",
                                       "RESIZE_BILINEAR",
                                       "RNN",
                                       "SOFTMAX",
                                       "SPACE_TO_DEPTH",
                                       "SVDF",
                                       "TANH",
                                       "CONCAT_EMBEDDINGS",
                                       "SKIP_GRAM",
                                       "CALL",
                                       "CUSTOM",
                                       "EMBEDDING_LOOKUP_SPARSE",
                                       "PAD",
                                       "UNIDIRECTIONAL_SEQUENCE_RNN",
                                       "GATHER",
                                       "BATCH_TO_SPACE_ND",
                                       "SPACE_TO_BATCH_ND",
                                       "TRANSPOSE",
                                       "MEAN",
                                       "SUB",
                                       "DIV",
                                       "SQUEEZE",
                                       "UNIDIRECTIONAL_SEQUENCE_LSTM",
                                       "STRIDED_SLICE",
                                       "BIDIRECTIONAL_SEQUENCE_RNN",
                                       "EXP",
                                       "TOPK_V2",
                                       "SPLIT",
                                       "LOG_SOFTMAX",
                                       "DELEGATE",
                                       "BIDIRECTIONAL_SEQUENCE_LSTM",
                                       "CAST",
                                       "PRELU",
                                       "MAXIMUM",
                                       "ARG_MAX",
                                       "MINIMUM",
                                       "LESS",
                                       "NEG",
                                       "PADV2",
                                       "GREATER",
                                       "GREATER_EQUAL",
                                       "LESS_EQUAL",
                                       "SELECT",
                                       "SLICE",
                                       "SIN",
                                       "TRANSPOSE_CONV",
                                       "SPARSE_TO_DENSE",
                                       "TILE",
                                       "EXPAND_DIMS",
                                       "EQUAL",
                                       "NOT_EQUAL",
                                       "LOG",
                                       "SUM",
                                       "SQRT",
                                       "RSQRT",
                                       "SHAPE",
                                       "POW",
                                       "ARG_MIN",
                                       "FAKE_QUANT",
                                       "REDUCE_PROD",
                                       "REDUCE_MAX",
                                       "PACK",
                                       "LOGICAL_OR",
                                       "ONE_HOT",
                                       "LOGICAL_AND",
                                       "LOGICAL_NOT",
                                       "UNPACK",
                                       "REDUCE_MIN",
                                       "FLOOR_DIV",
                                       "REDUCE_ANY",
                                       "SQUARE",
                                       "ZEROS_LIKE",
                                       "FILL",
                                       "FLOOR_MOD",
                                       "RANGE",
                                       "RESIZE_NEAREST_NEIGHBOR",
                                       "LEAKY_RELU",
                                       "SQUARED_DIFFERENCE",
                                       "MIRROR_PAD",
                                       "ABS",
                                       "SPLIT_V",
                                       "UNIQUE",
                                       "CEIL",
                                       "REVERSE_V2",
                                       "ADD_N",
                                       "GATHER_ND",
                                       "COS",
                                       "WHERE",
                                       "RANK",
                                       "ELU",
                                       "REVERSE_SEQUENCE",
                                       "MATRIX_DIAG",
                                       "QUANTIZE",
                                       "MATRIX_SET_DIAG",
                                       "ROUND",
                                       "HARD_SWISH",
                                       "IF",
                                       "WHILE",
                                       "NON_MAX_SUPPRESSION_V4",
                                       "NON_MAX_SUPPRESSION_V5",
                                       "SCATTER_ND",
                                       "SELECT_V2",
                                       "DENSIFY",
                                       "SEGMENT_SUM",
                                       "BATCH_MATMUL",
                                       "PLACEHOLDER_FOR_GREATER_OP_CODES",
                                       "CUMSUM",
                                       "CALL_ONCE",
                                       "BROADCAST_TO",
                                       "RFFT2D",
                                       "CONV_3D",
                                       "IMAG",
                                       "REAL",
                                       "COMPLEX_ABS",
                                       "HASHTABLE",
                                       "HASHTABLE_FIND",
                                       "HASHTABLE_IMPORT",
                                       "HASHTABLE_SIZE",
                                       "REDUCE_ALL",
                                       "CONV_3D_TRANSPOSE",
                                       "VAR_HANDLE",
                                       "READ_VARIABLE",
                                       "ASSIGN_VARIABLE",
                                       "BROADCAST_ARGS",
                                       "RANDOM_STANDARD_NORMAL",
                                       "BUCKETIZE",
                                       "RANDOM_UNIFORM",
                                       "MULTINOMIAL",
                                       "GELU",
                                       "DYNAMIC_UPDATE_SLICE",
                                       "RELU_0_TO_1",
                                       "UNSORTED_SEGMENT_PROD",
                                       "UNSORTED_SEGMENT_MAX",
                                       "UNSORTED_SEGMENT_SUM",
                                       "ATAN2",
                                       "UNSORTED_SEGMENT_MIN",
                                       "SIGN",
                                       "BITCAST",
                                       "BITWISE_XOR",
                                       "RIGHT_SHIFT",
                                       "STABLEHLO_LOGISTIC",
                                       "STABLEHLO_ADD",
                                       "STABLEHLO_DIVIDE",
                                       "STABLEHLO_MULTIPLY",
                                       "STABLEHLO_MAXIMUM",
                                       "STABLEHLO_RESHAPE",
                                       "STABLEHLO_CLAMP",
                                       "STABLEHLO_CONCATENATE",
                                       "STABLEHLO_BROADCAST_IN_DIM",
                                       "STABLEHLO_CONVOLUTION",
                                       "STABLEHLO_SLICE",
                                       "STABLEHLO_CUSTOM_CALL",
                                       "STABLEHLO_REDUCE",
                                       "STABLEHLO_ABS",
                                       "STABLEHLO_AND",
                                       "STABLEHLO_COSINE",
                                       "STABLEHLO_EXPONENTIAL",
                                       "STABLEHLO_FLOOR",
                                       "STABLEHLO_LOG",
                                       "STABLEHLO_MINIMUM",
                                       "STABLEHLO_NEGATE",
                                       "STABLEHLO_OR",
                                       "STABLEHLO_POWER",
                                       "STABLEHLO_REMAINDER",
                                       "STABLEHLO_RSQRT",
                                       "STABLEHLO_SELECT",
                                       "STABLEHLO_SUBTRACT",
                                       "STABLEHLO_TANH",
                                       "STABLEHLO_SCATTER",
                                       "STABLEHLO_COMPARE",
                                       "STABLEHLO_CONVERT",
                                       "STABLEHLO_DYNAMIC_SLICE",
                                       "STABLEHLO_DYNAMIC_UPDATE_SLICE",
                                       "STABLEHLO_PAD",
                                       "STABLEHLO_IOTA",
                                       "STABLEHLO_DOT_GENERAL",
                                       "STABLEHLO_REDUCE_WINDOW",
                                       "STABLEHLO_SORT",
                                       "STABLEHLO_WHILE",
                                       "STABLEHLO_GATHER",
                                       "STABLEHLO_TRANSPOSE",
                                       "DILATE",
                                       "STABLEHLO_RNG_BIT_GENERATOR",
                                       "REDUCE_WINDOW"};

/* TensorType */
static const char *const type_names[] = {
    "float", "half",   "int32",      "uint8",  "int64",    "string",  "bool",   "int16",  "complex64",
    "int8",  "double", "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4",
};

static const char *name_of(const char *const *names, size_t n, int32_t number)
{
    return number >= 0 && (size_t)number < n ? names[number] : "unknown";
}

/* A text of the file, in an arena; never NULL. */
static const char *text_of(const rt_flat_table *table, unsigned field, rt_arena *arena)
{
    rt_flat_vector text = rt__flat_list(table, field, 1);
    const char *copy = text.elements ? rt__arena_copy(arena, text.elements, text.count) : "";
    return copy ? copy : "";
}

/* The shape, with the dimensions that stay open where the file tells them. */
static void add_shape(const rt_flat_table *tensor, rt_buffer *text)
{
    rt_flat_vector shape = rt__flat_list(tensor, TENSOR_SHAPE, 4),
                   open = rt__flat_list(tensor, TENSOR_SIGNATURE, 4);
    rt__buffer_text(text, "[");
    for (size_t i = 0; i < shape.count; i++) {
        int32_t dim = rt__flat_i32_at(open.count == shape.count ? &open : &shape, i);
        rt__buffer_text(text, i ? "," : "");
        if (dim < 0)
            rt__buffer_text(text, "?");
        else
            rt__buffer_format(text, "%" PRId32, dim);
    }
    rt__buffer_text(text, "]");
}

/* "0.0078125, zero 128" */
static void add_steps(const rt_flat_table *tensor, rt_buffer *text)
{
    rt_flat_table quantization = rt__flat_sub(tensor, TENSOR_QUANTIZATION);
    rt_flat_vector scale = rt__flat_list(&quantization, QUANTIZATION_SCALE, 4),
                   zero = rt__flat_list(&quantization, QUANTIZATION_ZERO, 8);
    char step[RT_FLOAT_TEXT];
    rt__buffer_text(text, "");
    if (scale.count == 0 || zero.count == 0)
        return;
    rt__float_text(rt__flat_f32_at(&scale, 0), step);
    rt__buffer_format(text, "steps of %s, zero %" PRId64, step, rt__flat_i64_at(&zero, 0));
}

static void print_ports(const rt_flat_table *graph, unsigned field, const char *key, rt_arena *arena,
                        rt_inspect_out *out)
{
    static const char *const columns[] = {"name", "dtype", "shape", "quantized"};
    rt_flat_vector ports = rt__flat_list(graph, field, 4), tensors = rt__flat_list(graph, GRAPH_TENSORS, 4);
    rt__out_table(out, key, columns, 4);
    for (size_t i = 0; i < ports.count; i++) {
        int32_t number = rt__flat_i32_at(&ports, i);
        rt_buffer shape = {0}, steps = {0};
        rt_flat_table tensor;
        if (number < 0 || (size_t)number >= tensors.count)
            continue;
        tensor = rt__flat_item(&tensors, (size_t)number);
        add_shape(&tensor, &shape);
        add_steps(&tensor, &steps);
        if (!shape.failed && !steps.failed)
            rt__out_row(out, (const char *const[]){text_of(&tensor, TENSOR_NAME, arena),
                                                   name_of(type_names, sizeof type_names / sizeof *type_names,
                                                           rt__flat_u8(&tensor, TENSOR_TYPE, 0)),
                                                   shape.bytes, steps.bytes});
        rt__buffer_clear(&shape);
        rt__buffer_clear(&steps);
    }
    rt__out_table_end(out);
}

/* The name of an operator's code: a custom one has its own. */
static const char *op_of(const rt_flat_vector *codes, uint32_t index, rt_arena *arena)
{
    rt_flat_table code;
    int32_t old, new;
    const char *custom;
    if (index >= codes->count)
        return "unknown";
    code = rt__flat_item(codes, index);
    old = rt__flat_u8(&code, CODE_OLD, 0);
    new = rt__flat_i32(&code, CODE_NEW, 0);
    custom = text_of(&code, CODE_CUSTOM, arena);
    return *custom ? custom : name_of(op_names, sizeof op_names / sizeof *op_names, new > old ? new : old);
}

static rt_code print_ops(const rt_flat_table *model, const rt_flat_table *graph, rt_arena *arena,
                         rt_inspect_out *out, rt_error *err)
{
    rt_flat_vector codes = rt__flat_list(model, MODEL_CODES, 4),
                   operators = rt__flat_list(graph, GRAPH_OPERATORS, 4);
    const char **ops = calloc(operators.count + 1, sizeof *ops);
    rt_code code;
    if (!ops)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < operators.count; i++) {
        rt_flat_table op = rt__flat_item(&operators, i);
        ops[i] = op_of(&codes, (uint32_t)rt__flat_i32(&op, OPERATOR_CODE, 0), arena);
    }
    rt__out_number(out, "operators", operators.count);
    code = rt__inspect_print_counts("ops", ops, operators.count, out, err);
    free(ops);
    return code;
}

static void print_head(const rt_flat_table *model, rt_arena *arena, rt_inspect_out *out)
{
    static const char *const columns[] = {"name"};
    rt_flat_vector metadata = rt__flat_list(model, MODEL_METADATA, 4);
    rt__out_number(out, "schema_version", (uint32_t)rt__flat_i32(model, MODEL_VERSION, 0));
    rt__out_fact(out, "description", "%s", text_of(model, MODEL_DESCRIPTION, arena));
    rt__out_table(out, "metadata", columns, 1);
    for (size_t i = 0; i < metadata.count; i++) {
        rt_flat_table row = rt__flat_item(&metadata, i);
        rt__out_row(out, (const char *const[]){text_of(&row, METADATA_NAME, arena)});
    }
    rt__out_table_end(out);
}

static rt_code print_model(rt_flat *flat, rt_arena *arena, rt_inspect_out *out, rt_error *err)
{
    rt_flat_table model = rt__flat_root(flat), graph;
    rt_flat_vector graphs = rt__flat_list(&model, MODEL_GRAPHS, 4);
    rt_code code = RT_OK;
    print_head(&model, arena, out);
    rt__out_number(out, "subgraphs", graphs.count);
    if (graphs.count) {
        graph = rt__flat_item(&graphs, 0);
        rt__out_number(out, "tensors", rt__flat_list(&graph, GRAPH_TENSORS, 4).count);
        print_ports(&graph, GRAPH_INPUTS, "inputs", arena, out);
        print_ports(&graph, GRAPH_OUTPUTS, "outputs", arena, out);
        code = print_ops(&model, &graph, arena, out, err);
    }
    if (code == RT_OK && flat->damaged)
        code = rt_fail_at(err, RT_EFORMAT, (int64_t)flat->offset,
                          "what should stand here leads out of the file: it is cut off or damaged");
    return code;
}

static rt_code print_tflite(const rt_inspected *thing, rt_inspect_out *out, rt_error *err)
{
    rt_flat flat = {.bytes = thing->file->bytes, .size = thing->file->size};
    rt_arena *arena = rt__arena_new();
    rt_code code = arena ? print_model(&flat, arena, out, err) : rt_fail(err, RT_ENOMEM, "out of memory");
    rt__arena_free(arena);
    return code;
}

/* ---- one constant ---- */

/* TensorType -> TensorFlow's. */
static rt_dtype dtype_of(uint8_t type)
{
    static const rt_dtype types[] = {
        RT_FLOAT,  RT_HALF,     RT_INT32,     RT_UINT8,  RT_INT64,  RT_STRING,
        RT_BOOL,   RT_INT16,    RT_COMPLEX64, RT_INT8,   RT_DOUBLE, RT_COMPLEX128,
        RT_UINT64, RT_RESOURCE, RT_VARIANT,   RT_UINT32, RT_UINT16,
    };
    return type < sizeof types / sizeof *types ? types[type] : RT_DTYPE_NONE;
}

static rt_code read_constant(const rt_flat_table *model, const rt_flat_table *found, const char *name,
                             rt_tensor *tensor, rt_error *err)
{
    rt_flat_vector buffers = rt__flat_list(model, MODEL_BUFFERS, 4),
                   shape = rt__flat_list(found, TENSOR_SHAPE, 4), data;
    uint32_t number = (uint32_t)rt__flat_i32(found, TENSOR_BUFFER, 0);
    rt_flat_table buffer;
    size_t elements, width;
    rt_code code;
    *tensor =
        (rt_tensor){.dtype = dtype_of(rt__flat_u8(found, TENSOR_TYPE, 0)), .shape.rank = (int)shape.count};
    width = rt__dtype_size(tensor->dtype);
    if (width == 0 || shape.count > RT_MAX_RANK)
        return rt_fail(err, RT_EUNSUPPORTED, "tensor '%s': type %s, %zu dimensions", name,
                       rt__dtype_name(tensor->dtype), shape.count);
    if (number >= buffers.count)
        return rt_fail(err, RT_EFORMAT, "tensor '%s' is in buffer %u of %zu", name, number, buffers.count);
    buffer = rt__flat_item(&buffers, number);
    data = rt__flat_list(&buffer, BUFFER_DATA, 1);
    for (size_t i = 0; i < shape.count; i++)
        tensor->shape.dim[i] = rt__flat_i32_at(&shape, i);
    if ((code = rt__shape_elements(&tensor->shape, &elements, err)) != RT_OK)
        return code;
    if (data.count == 0 && elements)
        return rt_fail(err, RT_ENOTFOUND, "tensor '%s' is no constant", name);
    if (data.count / width != elements || data.count % width)
        return rt_fail(err, RT_EFORMAT, "tensor '%s' has %zu bytes, its shape and type want %zu values", name,
                       data.count, elements);
    tensor->data = data.elements;
    tensor->bytes = data.count;
    return RT_OK;
}

static rt_code find_constant(const rt_inspected *thing, const char *name, rt_arena *arena, rt_tensor *tensor,
                             rt_error *err)
{
    rt_flat flat = {.bytes = thing->file->bytes, .size = thing->file->size};
    rt_flat_table model = rt__flat_root(&flat), graph, found;
    rt_flat_vector list = rt__flat_list(&model, MODEL_GRAPHS, 4);
    (void)arena; /* values stay where they are in the file */
    if (list.count) {
        graph = rt__flat_item(&list, 0);
        list = rt__flat_list(&graph, GRAPH_TENSORS, 4);
    }
    for (size_t i = 0; i < list.count; i++) {
        rt_flat_vector text;
        found = rt__flat_item(&list, i);
        text = rt__flat_list(&found, TENSOR_NAME, 1);
        if (text.count == strlen(name) && (!text.count || memcmp(text.elements, name, text.count) == 0))
            return read_constant(&model, &found, name, tensor, err);
    }
    return rt_fail(err, RT_ENOTFOUND, "no tensor '%s'", name);
}

bool rt__inspect_probe_tflite(rt_inspected *thing)
{
    if (!thing->file || !rt__is_tflite(thing->file->bytes, thing->file->size))
        return false;
    thing->what = "TensorFlow Lite model";
    thing->print = print_tflite;
    thing->is_model = true;
    thing->find_tensor = find_constant;
    return true;
}
