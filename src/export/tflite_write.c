/* The FlatBuffer of a finished build.  Field numbers are schema.fbs's. */
#include "tflite_metadata.h"
#include "tflite_model.h"

#include <stdlib.h>
#include <string.h>

enum { SCHEMA_VERSION = 3, BUFFER_ALIGNMENT = 16, MAX_CODES = 64, PLACEHOLDER_CODE = 127 };

/* Operator versions: those that first took what we write (TensorFlow Lite's op_version.cc). */
static uint32_t op_version(rt_tfl_op op, bool quantised)
{
    static const struct {
        rt_tfl_op op;
        uint32_t plain, quantised;
    } rows[] = {
        {RT_TFL_CONV_2D, 1, 3},
        {RT_TFL_DEPTHWISE_CONV_2D, 1, 3},
        {RT_TFL_FULLY_CONNECTED, 1, 4},
        {RT_TFL_ADD, 1, 2},
        {RT_TFL_AVERAGE_POOL_2D, 1, 2},
        {RT_TFL_MAX_POOL_2D, 1, 2},
        {RT_TFL_CONCATENATION, 1, 2},
        {RT_TFL_SOFTMAX, 1, 2},
        {RT_TFL_MEAN, 1, 2},
        {RT_TFL_PAD, 1, 2},
        {RT_TFL_LOGISTIC, 1, 2},
        {RT_TFL_TANH, 1, 2},
        {RT_TFL_MUL, 1, 2},
        {RT_TFL_RELU, 1, 2},
        {RT_TFL_RELU6, 1, 2},
        {RT_TFL_LEAKY_RELU, 1, 2},
        {RT_TFL_QUANTIZE, 1, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].op == op)
            return quantised ? rows[i].quantised : rows[i].plain;
    return 1;
}

static rt_fb_ref write_quant(rt_fb *fb, const rt_tfl_tensor *t)
{
    rt_fb_ref scales, zeros;
    if (t->n_scales == 0)
        return 0;
    scales = rt__fb_vector(fb, t->scales, t->n_scales, sizeof(float), 4);
    zeros = rt__fb_vector(fb, t->zeros, t->n_scales, sizeof(int64_t), 8);
    rt__fb_table_begin(fb);
    rt__fb_add_ref(fb, 2, scales);
    rt__fb_add_ref(fb, 3, zeros);
    rt__fb_add_u32(fb, 6, (uint32_t)t->axis);
    return rt__fb_table_end(fb);
}

/* buffer 0 is the empty one of all tensors without data */
static rt_fb_ref write_tensor(rt_fb *fb, const rt_tfl_tensor *t, uint32_t buffer)
{
    rt_fb_ref name = rt__fb_string(fb, t->name);
    rt_fb_ref shape = rt__fb_vector(fb, t->shape, (size_t)t->rank, sizeof(int32_t), 4);
    rt_fb_ref quant = write_quant(fb, t);
    rt__fb_table_begin(fb);
    rt__fb_add_ref(fb, 0, shape);
    rt__fb_add_u32(fb, 2, buffer);
    rt__fb_add_ref(fb, 3, name);
    rt__fb_add_ref(fb, 4, quant);
    rt__fb_add_u8(fb, 1, (uint8_t)t->type);
    return rt__fb_table_end(fb);
}

static rt_fb_ref write_options(rt_fb *fb, const rt_tfl_node *n)
{
    rt__fb_table_begin(fb);
    for (size_t i = 0; i < n->n_options; i++) {
        const rt_tfl_option *o = &n->options[i];
        if (o->kind == RT_TFL_U8)
            rt__fb_add_u8(fb, o->field, (uint8_t)o->value);
        else if (o->kind == RT_TFL_U32)
            rt__fb_add_u32(fb, o->field, o->value);
        else
            rt__fb_add_f32(fb, o->field, o->real);
    }
    return rt__fb_table_end(fb);
}

static rt_fb_ref write_node(rt_fb *fb, const rt_tfl_node *n, uint32_t code)
{
    rt_fb_ref inputs = rt__fb_vector(fb, n->inputs, n->n_inputs, sizeof(int32_t), 4);
    rt_fb_ref outputs = rt__fb_vector(fb, &n->output, 1, sizeof(int32_t), 4);
    rt_fb_ref options = n->options_type ? write_options(fb, n) : 0;
    rt__fb_table_begin(fb);
    rt__fb_add_u32(fb, 0, code);
    rt__fb_add_ref(fb, 1, inputs);
    rt__fb_add_ref(fb, 2, outputs);
    rt__fb_add_ref(fb, 4, options);
    if (n->options_type)
        rt__fb_add_u8(fb, 3, n->options_type);
    return rt__fb_table_end(fb);
}

typedef struct code_table {
    rt_tfl_op ops[MAX_CODES];
    size_t n;
} code_table;

static uint32_t code_of(code_table *codes, rt_tfl_op op)
{
    size_t i = 0;
    while (i < codes->n && codes->ops[i] != op)
        i++;
    if (i == codes->n)
        codes->ops[codes->n++] = op; /* rt_tfl_op has fewer values than MAX_CODES */
    return (uint32_t)i;
}

static rt_fb_ref write_codes(rt_fb *fb, const code_table *codes, bool quantised)
{
    rt_fb_ref refs[MAX_CODES];
    for (size_t i = 0; i < codes->n; i++) {
        uint32_t op = (uint32_t)codes->ops[i];
        rt__fb_table_begin(fb);
        rt__fb_add_u32(fb, 2, op_version(codes->ops[i], quantised));
        rt__fb_add_u32(fb, 3, op);
        rt__fb_add_u8(fb, 0, (uint8_t)(op < PLACEHOLDER_CODE ? op : PLACEHOLDER_CODE));
        refs[i] = rt__fb_table_end(fb);
    }
    return rt__fb_refs(fb, refs, codes->n);
}

static rt_fb_ref write_buffer(rt_fb *fb, const void *data, size_t bytes)
{
    rt_fb_ref vector = bytes ? rt__fb_vector(fb, data, bytes, 1, BUFFER_ALIGNMENT) : 0;
    rt__fb_table_begin(fb);
    rt__fb_add_ref(fb, 0, vector);
    return rt__fb_table_end(fb);
}

/* Buffer 0, then one for each constant in the order of tensors, then the metadata's. */
static rt_fb_ref write_buffers(const rt_tfl_build *b, rt_fb *fb, const rt_buffer *metadata, rt_fb_ref *refs)
{
    size_t n = 0;
    refs[n++] = write_buffer(fb, NULL, 0);
    for (size_t i = 0; i < b->n_tensors; i++)
        if (b->tensors[i].data)
            refs[n++] = write_buffer(fb, b->tensors[i].data, b->tensors[i].bytes);
    if (metadata->size)
        refs[n++] = write_buffer(fb, metadata->bytes, metadata->size);
    return rt__fb_refs(fb, refs, n);
}

static rt_fb_ref write_metadata(rt_fb *fb, uint32_t buffer)
{
    rt_fb_ref name = rt__fb_string(fb, RT_TFLITE_METADATA), entry;
    rt__fb_table_begin(fb);
    rt__fb_add_ref(fb, 0, name);
    rt__fb_add_u32(fb, 1, buffer);
    entry = rt__fb_table_end(fb);
    return rt__fb_refs(fb, &entry, 1);
}

static rt_fb_ref write_tensor_map(rt_fb *fb, const char *name, int32_t tensor)
{
    rt_fb_ref text = rt__fb_string(fb, name), map;
    rt__fb_table_begin(fb);
    rt__fb_add_ref(fb, 0, text);
    rt__fb_add_u32(fb, 1, (uint32_t)tensor);
    map = rt__fb_table_end(fb);
    return rt__fb_refs(fb, &map, 1);
}

/* What signature runners call: TensorFlow's default name. */
static rt_fb_ref write_signatures(rt_fb *fb, int32_t input, int32_t output)
{
    rt_fb_ref inputs = write_tensor_map(fb, "input", input);
    rt_fb_ref outputs = write_tensor_map(fb, "output", output);
    rt_fb_ref key = rt__fb_string(fb, "serving_default"), signature;
    rt__fb_table_begin(fb);
    rt__fb_add_ref(fb, 0, inputs);
    rt__fb_add_ref(fb, 1, outputs);
    rt__fb_add_ref(fb, 2, key);
    signature = rt__fb_table_end(fb);
    return rt__fb_refs(fb, &signature, 1);
}

static rt_fb_ref write_subgraph(const rt_tfl_build *b, rt_fb *fb, rt_fb_ref *refs, int32_t input,
                                int32_t output, code_table *codes, uint32_t *n_buffers)
{
    rt_fb_ref tensors, nodes, name, inputs, outputs, subgraph;
    *n_buffers = 1;
    for (size_t i = 0; i < b->n_tensors; i++)
        refs[i] = write_tensor(fb, &b->tensors[i], b->tensors[i].data ? (*n_buffers)++ : 0);
    tensors = rt__fb_refs(fb, refs, b->n_tensors);
    for (size_t i = 0; i < b->n_nodes; i++)
        refs[i] = write_node(fb, &b->nodes[i], code_of(codes, b->nodes[i].op));
    nodes = rt__fb_refs(fb, refs, b->n_nodes);
    name = rt__fb_string(fb, "main");
    inputs = rt__fb_vector(fb, &input, 1, sizeof input, 4);
    outputs = rt__fb_vector(fb, &output, 1, sizeof output, 4);
    rt__fb_table_begin(fb);
    rt__fb_add_ref(fb, 0, tensors);
    rt__fb_add_ref(fb, 1, inputs);
    rt__fb_add_ref(fb, 2, outputs);
    rt__fb_add_ref(fb, 3, nodes);
    rt__fb_add_ref(fb, 4, name);
    subgraph = rt__fb_table_end(fb);
    return rt__fb_refs(fb, &subgraph, 1);
}

rt_code rt__tfl_write(rt_tfl_build *b, int32_t input, int32_t output, const rt_buffer *metadata,
                      rt_buffer *file)
{
    size_t most = b->n_tensors + b->n_nodes + 3;
    rt_fb_ref *refs = rt__tfl_room(b, most, sizeof *refs);
    rt_fb_ref subgraphs, codes, buffers, entries, signatures, description, model;
    code_table table = {.n = 0};
    rt_fb fb = {0};
    uint32_t n_buffers = 0;
    rt_code code;
    if (!refs)
        return b->code;
    subgraphs = write_subgraph(b, &fb, refs, input, output, &table, &n_buffers);
    codes = write_codes(&fb, &table, b->options->ranges != NULL);
    buffers = write_buffers(b, &fb, metadata, refs);
    entries = metadata->size ? write_metadata(&fb, n_buffers) : 0;
    signatures = write_signatures(&fb, input, output);
    description = rt__fb_string(&fb, b->options->description ? b->options->description : "retrain");
    rt__fb_table_begin(&fb);
    rt__fb_add_u32(&fb, 0, SCHEMA_VERSION);
    rt__fb_add_ref(&fb, 1, codes);
    rt__fb_add_ref(&fb, 2, subgraphs);
    rt__fb_add_ref(&fb, 3, description);
    rt__fb_add_ref(&fb, 4, buffers);
    rt__fb_add_ref(&fb, 6, entries);
    rt__fb_add_ref(&fb, 7, signatures);
    model = rt__fb_table_end(&fb);
    code = rt__fb_finish(&fb, model, "TFL3", file, b->err);
    rt__fb_clear(&fb);
    return code;
}
