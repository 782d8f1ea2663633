#include "extractor.h"

#include "base/buffer.h"
#include "base/hash.h"
#include "model/module.h"

#include <string.h>

/* A constant by its checksum: weights are many, and a change of them by accident is what is to be seen. */
static void add_tensor(rt_buffer *b, const rt_tensor *tensor)
{
    rt__buffer_u32(b, (uint32_t)tensor->dtype);
    for (int i = 0; i < tensor->shape.rank; i++)
        rt__buffer_u64(b, (uint64_t)tensor->shape.dim[i]);
    rt__buffer_u64(b, tensor->bytes);
    if (tensor->data)
        rt__buffer_u32(b, rt__crc32c(0, tensor->data, tensor->bytes));
}

static void add_shape(rt_buffer *b, const rt_shape *shape)
{
    rt__buffer_u32(b, (uint32_t)shape->rank);
    for (int i = 0; i < shape->rank; i++)
        rt__buffer_u64(b, (uint64_t)shape->dim[i]);
}

/* Those that say how something is computed: numbers, and words like "SAME". */
static void add_attr(rt_buffer *b, const rt_attr *attr)
{
    rt__buffer_add(b, attr->name, strlen(attr->name) + 1);
    rt__buffer_u32(b, (uint32_t)attr->kind);
    rt__buffer_u64(b, attr->count);
    if (attr->kind == RT_ATTR_STRING)
        rt__buffer_add(b, attr->value.s.bytes, attr->value.s.size);
    else if (attr->kind == RT_ATTR_INT)
        rt__buffer_u64(b, (uint64_t)attr->value.i);
    else if (attr->kind == RT_ATTR_FLOAT)
        rt__buffer_add(b, &attr->value.f, sizeof attr->value.f);
    else if (attr->kind == RT_ATTR_BOOL)
        rt__buffer_u32(b, attr->value.b);
    else if (attr->kind == RT_ATTR_TYPE)
        rt__buffer_u32(b, (uint32_t)attr->value.type);
    else if (attr->kind == RT_ATTR_SHAPE)
        add_shape(b, &attr->value.shape);
    else if (attr->kind == RT_ATTR_TENSOR)
        add_tensor(b, &attr->value.tensor);
    else if (attr->kind == RT_ATTR_LIST_INT)
        rt__buffer_add(b, attr->value.ints, attr->count * sizeof *attr->value.ints);
    else if (attr->kind == RT_ATTR_LIST_FLOAT)
        rt__buffer_add(b, attr->value.floats, attr->count * sizeof *attr->value.floats);
}

static void add_node(rt_buffer *b, const rt_node *node)
{
    rt__buffer_add(b, node->op, strlen(node->op) + 1);
    rt__buffer_u32(b, node->n_inputs);
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        rt__buffer_u32(b, node->inputs[i].node);
        rt__buffer_u32(b, (uint32_t)node->inputs[i].output);
    }
    rt__buffer_u32(b, node->n_attrs);
    for (uint32_t i = 0; i < node->n_attrs; i++)
        add_attr(b, &node->attrs[i]);
}

/* What is as usual adds nothing, so that vectors made before there was a choice stay known. */
static void add_extraction(rt_buffer *b, const rt_extraction *how)
{
    if (how->exact)
        rt__buffer_text(b, "exact\n");
    if (how->fast_decode)
        rt__buffer_text(b, "fast_decode\n");
}

rt_code rt__network_identity(const rt_module *module, const rt_extraction *how,
                             uint8_t digest[RT_SHA256_BYTES], rt_error *err)
{
    const rt_module_info *info = &module->info;
    rt_buffer b = {0};
    rt_code code;
    /* Changes with what photo and network come to: decoding, resizing, arithmetic. */
    rt__buffer_text(&b, "retrain features 2\n");
    add_extraction(&b, how);
    rt__buffer_u32(&b, (uint32_t)info->height);
    rt__buffer_u32(&b, (uint32_t)info->width);
    rt__buffer_u32(&b, (uint32_t)info->feature_size);
    rt__buffer_add(&b, &info->input_mean, sizeof info->input_mean);
    rt__buffer_add(&b, &info->input_std, sizeof info->input_std);
    rt__buffer_u32(&b, module->input.node);
    rt__buffer_u32(&b, module->feature.node);
    rt__buffer_u32(&b, (uint32_t)module->feature.output);
    for (uint32_t i = 0; i < rt__graph_count(module->graph); i++)
        add_node(&b, rt__graph_node(module->graph, i));
    code = rt__buffer_ok(&b, err);
    if (code == RT_OK)
        code = rt__sha256(b.bytes, b.size, digest, err);
    rt__buffer_clear(&b);
    return code;
}
