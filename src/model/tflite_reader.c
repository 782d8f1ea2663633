/* TensorFlow Lite models: FlatBuffer in, TensorFlow's nodes out.
 *
 * 1. Tensors are listed; each is made by one operator, or given, or constant.
 * 2. From the output back, the operators that it needs are marked.
 * 3. These are turned one by one in the order of the file, which is the order of execution. */
#include "foreign.h"
#include "tflite_import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC_AT = 4, MAX_CODE = 127, BYTES_PER_BYTE = 32, BYTES_FREE = 64 << 20, MAX_SIDE = 16384 };

bool rt__is_tflite(const void *bytes, size_t size)
{
    return size >= MAGIC_AT + 4 && memcmp((const uint8_t *)bytes + MAGIC_AT, "TFL3", 4) == 0;
}

static rt_code check_whole(rt_tfl_import *t)
{
    if (!t->flat->damaged || t->im.b.code != RT_OK)
        return t->im.b.code;
    return t->im.b.code =
               rt_fail_at(t->im.b.err, RT_EFORMAT, (int64_t)t->flat->offset,
                          "what should stand here leads out of the file: it is cut off or damaged");
}

/* Zeroed memory that is gone after reading. */
static void *room(rt_tfl_import *t, size_t count, size_t size)
{
    void *memory = t->im.b.code == RT_OK ? rt__arena_array(t->scratch, count, size) : NULL;
    if (!memory && t->im.b.code == RT_OK)
        rt__import_stop(&t->im, RT_ENOMEM, "out of memory");
    return memory;
}

/* ---- tables of the file ---- */

static rt_code read_codes(rt_tfl_import *t, const rt_flat_table *model)
{
    rt_flat_vector list = rt__flat_list(model, 1, 4);
    int32_t *codes = room(t, list.count, sizeof *codes);
    for (size_t i = 0; codes && i < list.count; i++) {
        rt_flat_table row = rt__flat_item(&list, i);
        int32_t old = rt__flat_u8(&row, 0, 0), new = rt__flat_i32(&row, 3, 0);
        codes[i] = new > old ? new : old; /* files before 2020 have the old field only */
    }
    t->codes = codes;
    t->n_codes = list.count;
    return check_whole(t);
}

static rt_code read_name(rt_tfl_import *t, const rt_flat_table *tensor, const char **name)
{
    rt_flat_vector text = rt__flat_list(tensor, 3, 1);
    char *copy;
    /* Names may overlap in the file: not so much memory for little bytes. */
    if (rt__arena_bytes(t->scratch) > t->most_bytes)
        return rt__import_stop(&t->im, RT_ELIMIT, "its tensors take more than %zu bytes", t->most_bytes);
    copy = room(t, text.count + 1, 1);
    if (copy && text.count)
        memcpy(copy, text.elements, text.count);
    *name = copy;
    return t->im.b.code;
}

static rt_code read_tensor(rt_tfl_import *t, const rt_flat_vector *buffers, const rt_flat_table *tensor,
                           rt_tfl_value *v)
{
    rt_flat_vector shape = rt__flat_list(tensor, 0, 4);
    rt_flat_table quant = rt__flat_sub(tensor, 4), buffer;
    rt_code code = read_name(t, tensor, &v->name);
    if (code != RT_OK)
        return code;
    if (shape.count > RT_MAX_RANK)
        return rt__import_stop(&t->im, RT_EUNSUPPORTED, "tensor '%.100s' has %zu dimensions", v->name,
                               shape.count);
    v->shape.rank = (int)shape.count;
    for (size_t i = 0; i < shape.count; i++)
        v->shape.dim[i] = rt__flat_i32_at(&shape, i);
    buffer = rt__flat_item(buffers, (uint32_t)rt__flat_i32(tensor, 2, 0));
    v->type = rt__flat_u8(tensor, 1, 0);
    v->data = rt__flat_list(&buffer, 0, 1);
    v->scales = rt__flat_list(&quant, 2, 4);
    v->zeros = rt__flat_list(&quant, 3, 8);
    v->axis = rt__flat_i32(&quant, 6, 0);
    v->constant = v->known = v->data.count > 0;
    return check_whole(t);
}

static rt_code read_tensors(rt_tfl_import *t, const rt_flat_table *model)
{
    rt_flat_vector buffers = rt__flat_list(model, 4, 4), list = rt__flat_list(&t->subgraph, 0, 4);
    rt_code code = RT_OK;
    t->values = room(t, list.count, sizeof *t->values);
    t->n_values = t->values ? list.count : 0;
    for (size_t i = 0; code == RT_OK && i < t->n_values; i++) {
        rt_flat_table tensor = rt__flat_item(&list, i);
        code = read_tensor(t, &buffers, &tensor, &t->values[i]);
    }
    return code == RT_OK ? check_whole(t) : code;
}

/* Tensor i of a list of indices; NULL for one left out or impossible. */
static rt_tfl_value *value_at(const rt_tfl_import *t, const rt_flat_vector *indices, size_t i)
{
    int32_t index = i < indices->count ? rt__flat_i32_at(indices, i) : -1;
    return index >= 0 && (size_t)index < t->n_values ? &t->values[index] : NULL;
}

/* ---- what the output needs ---- */

static rt_code mark(rt_tfl_import *t, const rt_tfl_value *output, bool *wanted)
{
    bool *needed = room(t, t->n_values, sizeof *needed);
    size_t n_inputs = 0;
    if (!needed)
        return t->im.b.code;
    for (size_t i = 0; i < t->operators.count; i++) {
        rt_flat_table op = rt__flat_item(&t->operators, i);
        rt_flat_vector outputs = rt__flat_list(&op, 2, 4), inputs = rt__flat_list(&op, 1, 4);
        n_inputs += inputs.count;
        if (n_inputs > t->flat->size) /* lists may overlap: not so much work for few bytes */
            return rt__import_stop(&t->im, RT_ELIMIT,
                                   "its operators have more inputs than the file has bytes");
        for (size_t k = 0; k < outputs.count; k++) {
            rt_tfl_value *v = value_at(t, &outputs, k);
            if (!v || v->constant || v->maker)
                return rt__import_stop(&t->im, RT_EFORMAT,
                                       "operator %zu makes a tensor that is not there, or is made already",
                                       i);
            v->maker = i + 1;
        }
    }
    needed[output - t->values] = true;
    for (size_t i = t->operators.count; i-- > 0;) {
        rt_flat_table op = rt__flat_item(&t->operators, i);
        rt_flat_vector outputs = rt__flat_list(&op, 2, 4), inputs = rt__flat_list(&op, 1, 4);
        for (size_t k = 0; k < outputs.count; k++)
            wanted[i] = wanted[i] || needed[value_at(t, &outputs, k) - t->values];
        for (size_t k = 0; wanted[i] && k < inputs.count; k++) {
            const rt_tfl_value *v = value_at(t, &inputs, k);
            if (!v && rt__flat_i32_at(&inputs, k) != -1)
                return rt__import_stop(&t->im, RT_EFORMAT, "operator %zu reads tensor %d of %zu", i,
                                       rt__flat_i32_at(&inputs, k), t->n_values);
            if (v && v->maker > i)
                return rt__import_stop(
                    &t->im, RT_EFORMAT,
                    "operator %zu reads '%.80s' before it is made: they go in a circle or are out of order",
                    i, v->name);
            if (v)
                needed[v - t->values] = true;
        }
    }
    return check_whole(t);
}

/* ---- the image ---- */

/* A dimension that the file leaves open, -1 in the shape's signature, is the user's. */
static rt_code read_side(rt_tfl_import *t, const rt_flat_vector *signature, const rt_tfl_value *v,
                         size_t axis, int32_t said, int32_t *side)
{
    bool open = axis < signature->count && rt__flat_i32_at(signature, axis) == -1;
    int64_t size = said ? said : open ? 0 : v->shape.dim[axis];
    if (!open && size != v->shape.dim[axis])
        return rt__import_stop(&t->im, RT_EUNSUPPORTED, "input '%.80s' takes %lldx%lld pixels and no others",
                               v->name, (long long)v->shape.dim[1], (long long)v->shape.dim[2]);
    if (size < 1)
        return rt__import_stop(
            &t->im, RT_EUNSUPPORTED,
            "input '%.80s' does not say how large its images are: say it with --input_height and "
            "--input_width",
            v->name);
    if (size > MAX_SIDE)
        return rt__import_stop(&t->im, RT_ELIMIT, "input '%.80s' takes %lld pixels a side", v->name,
                               (long long)size);
    *side = (int32_t)size;
    return RT_OK;
}

static rt_code place_image(rt_tfl_import *t, const rt_module_options *options, rt_network *network,
                           rt_tfl_value **image)
{
    rt_flat_vector inputs = rt__flat_list(&t->subgraph, 1, 4), tensors = rt__flat_list(&t->subgraph, 0, 4),
                   signature;
    rt_tfl_value *v = value_at(t, &inputs, 0);
    rt_flat_table tensor;
    rt_code code;
    if (!v || v->constant || v->maker)
        return rt__import_stop(&t->im, RT_EFORMAT, "the model has no input");
    tensor = rt__flat_item(&tensors, (size_t)(v - t->values));
    signature = rt__flat_list(&tensor, 7, 4);
    if (v->shape.rank != 4 || v->shape.dim[0] != 1 || v->shape.dim[3] != 3)
        return rt__import_stop(&t->im, RT_EUNSUPPORTED, "input '%.100s' is no image: want [1,h,w,3]",
                               v->name);
    if ((code = read_side(t, &signature, v, 1, options->input_height, &network->height)) != RT_OK ||
        (code = read_side(t, &signature, v, 2, options->input_width, &network->width)) != RT_OK)
        return code;
    v->shape.dim[1] = network->height;
    v->shape.dim[2] = network->width;
    v->known = true;
    v->edge = network->input = rt__import_placeholder(&t->im, v->name, network->height, network->width);
    *image = v;
    return t->im.b.code;
}

/* ---- how pixels are scaled ---- */

/* 8 bits hold the pixels themselves, or these less 128. */
static rt_code take_steps(rt_tfl_import *t, rt_tfl_value *v, rt_network *network)
{
    float low, high, scale;
    if (!rt__tfl_range(v, &low, &high))
        return rt__import_stop(&t->im, RT_EUNSUPPORTED,
                               "input '%.100s' has type %u, want floats or 8 bits with a scale", v->name,
                               v->type);
    scale = rt__flat_f32_at(&v->scales, 0);
    network->input_std = 1 / scale;
    network->input_mean = -low / scale;
    v->edge = rt__import_fake_quant(&t->im, "retrain_pixels", v->edge, low, high);
    return t->im.b.code;
}

static void take_normalization(const rt_flat_table *model, rt_network *network)
{
    rt_flat_vector means, stds;
    if (!rt__tfl_normalization(model, &means, &stds))
        return;
    for (size_t i = 0; i < 3; i++) {
        float mean = rt__flat_f32_at(&means, means.count >= 3 ? i : 0);
        float std = rt__flat_f32_at(&stds, means.count >= 3 ? i : 0);
        if (!isfinite(mean) || !isfinite(std) || !(std > 0))
            return;
        network->input_means[i] = mean;
        network->input_stds[i] = std;
    }
    network->input_mean = network->input_means[0];
    network->input_std = network->input_stds[0];
    if (means.count < 3)
        network->input_stds[0] = 0; /* one for all */
}

static rt_code find_scaling(rt_tfl_import *t, const rt_flat_table *model, const rt_module_options *options,
                            rt_tfl_value *image, rt_network *network)
{
    if (image->type != RT_TFLR_FLOAT32)
        return take_steps(t, image, network);
    if (options->input_std == 0)
        take_normalization(model, network);
    return RT_OK;
}

/* ---- the whole ---- */

static rt_code turn_operator(rt_tfl_import *t, size_t i)
{
    rt_flat_table op = rt__flat_item(&t->operators, i);
    rt_flat_vector inputs = rt__flat_list(&op, 1, 4), outputs = rt__flat_list(&op, 2, 4);
    size_t index = (uint32_t)rt__flat_i32(&op, 0, 0);
    rt_tfl_call call = {.t = t, .options = rt__flat_sub(&op, 4), .n_in = inputs.count};
    if (index >= t->n_codes)
        return rt__import_stop(&t->im, RT_EFORMAT, "operator %zu is of kind %zu, but there are %zu", i, index,
                               t->n_codes);
    call.out = value_at(t, &outputs, 0);
    call.name = *call.out->name ? call.out->name : "tensor";
    call.in = room(t, inputs.count, sizeof *call.in);
    for (size_t k = 0; call.in && k < inputs.count; k++) {
        call.in[k] = value_at(t, &inputs, k);
        if (call.in[k] && !call.in[k]->known)
            return rt__import_stop(&t->im, RT_EUNSUPPORTED,
                                   "operator %zu reads '%.80s', which is no image and not computed from one",
                                   i, call.in[k]->name);
    }
    if (t->im.b.code == RT_OK && rt__tfl_turn(&call, t->codes[index]) == RT_OK)
        call.out->known = true;
    return check_whole(t);
}

static rt_code find_output(rt_tfl_import *t, const char *name, rt_tfl_value **output)
{
    rt_flat_vector outputs = rt__flat_list(&t->subgraph, 2, 4);
    *output = name ? NULL : value_at(t, &outputs, 0);
    for (size_t i = 0; name && i < t->n_values; i++)
        if (strcmp(t->values[i].name, name) == 0)
            *output = &t->values[i];
    if (!*output)
        return name ? rt__import_stop(&t->im, RT_ENOTFOUND, "there is no tensor '%.100s'", name)
                    : rt__import_stop(&t->im, RT_EFORMAT, "the model has no output");
    return RT_OK;
}

static rt_code read_model(rt_tfl_import *t, const rt_module_options *options, rt_network *network)
{
    rt_flat_table model = rt__flat_root(t->flat);
    rt_flat_vector subgraphs = rt__flat_list(&model, 2, 4);
    rt_tfl_value *output, *image = NULL;
    bool *wanted;
    rt_code code;
    t->subgraph = rt__flat_item(&subgraphs, 0);
    t->operators = rt__flat_list(&t->subgraph, 3, 4);
    if ((code = check_whole(t)) != RT_OK)
        return code;
    if (t->operators.count == 0)
        return rt__import_stop(&t->im, RT_EFORMAT, "the model has no operators");
    if ((code = read_codes(t, &model)) != RT_OK || (code = read_tensors(t, &model)) != RT_OK ||
        (code = find_output(t, options->bottleneck_tensor, &output)) != RT_OK)
        return code;
    if (!(wanted = room(t, t->operators.count, sizeof *wanted)))
        return t->im.b.code;
    if ((code = mark(t, output, wanted)) != RT_OK ||
        (code = place_image(t, options, network, &image)) != RT_OK ||
        (code = find_scaling(t, &model, options, image, network)) != RT_OK)
        return code;
    for (size_t i = 0; code == RT_OK && i < t->operators.count; i++)
        if (wanted[i])
            code = turn_operator(t, i);
    if (code == RT_OK && (!output->known || output->constant))
        return rt__import_stop(&t->im, RT_EUNSUPPORTED, "output '%.100s' is not computed from the image",
                               output->name);
    network->feature = output->edge;
    return code;
}

rt_code rt__tflite_read(const void *bytes, size_t size, const rt_module_options *options, rt_network *network,
                        rt_buffer *labels, rt_error *err)
{
    rt_flat flat = {.bytes = bytes, .size = size};
    rt_tfl_import t = {.im.b.err = err, .flat = &flat, .most_bytes = BYTES_FREE + BYTES_PER_BYTE * size};
    const uint8_t *text;
    size_t n;
    rt_code code = rt__graph_new(&network->graph, err);
    network->kind = "TensorFlow Lite model";
    if (code != RT_OK)
        return code;
    t.im.b.graph = network->graph;
    if (!(t.scratch = rt__arena_new()))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = read_model(&t, options, network);
    rt__arena_free(t.scratch);
    if (code == RT_OK && !options->bottleneck_tensor && rt__tfl_labels(bytes, size, &text, &n) &&
        !memchr(text, 0, n)) {
        rt__buffer_add(labels, text, n);
        if (n && text[n - 1] != '\n')
            rt__buffer_text(labels, "\n");
        code = rt__buffer_ok(labels, err);
    }
    return code;
}
