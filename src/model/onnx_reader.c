/* ONNX models: protobuf in, TensorFlow's nodes out.
 *
 * 1. The tensors' names are sorted; each is made by one node, or given, or an initializer.
 * 2. From the output back, the nodes that it needs are marked.
 * 3. These are turned one by one in the order of the file, which ONNX wants topological. */
#include "foreign.h"
#include "onnx_import.h"

#include "proto/field.h"
#include "proto/message.h"

#include <stdlib.h>
#include <string.h>

enum { IR_VERSION = 1, GRAPH = 7, MAX_OPSET = 25, BYTES_PER_BYTE = 32, BYTES_FREE = 64 << 20 };

/* A ModelProto begins with its version as a number, where a GraphDef has a node, and has a graph where a
 * SavedModel has none; maybe one that is cut off. */
bool rt__is_onnx(const void *bytes, size_t size)
{
    rt_cursor cursor = rt__cursor(bytes, size);
    rt_field field;
    uint64_t key;
    if (!rt__field_next(&cursor, &field) || field.number != IR_VERSION || field.wire != RT_WIRE_VARINT)
        return false;
    while (rt__field_next(&cursor, &field))
        if (field.number == GRAPH && field.wire == RT_WIRE_BYTES)
            return true;
    return rt__cursor_varint(&cursor, &key) && key == (GRAPH << 3 | RT_WIRE_BYTES);
}

/* ---- tensors by name ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const rt_onnx_value *)a)->name, ((const rt_onnx_value *)b)->name);
}

static rt_onnx_value *find_value(const rt_onnx_import *o, const char *name)
{
    const rt_onnx_value key = {.name = name};
    return o->n_values ? bsearch(&key, o->values, o->n_values, sizeof *o->values, by_name) : NULL;
}

static rt_code list_values(rt_onnx_import *o)
{
    const Onnx__Graph *g = o->graph;
    size_t most = g->n_initializer + g->n_input;
    for (size_t i = 0; i < g->n_node; i++)
        most += g->node[i]->n_output;
    if (!(o->values = rt__arena_array(o->scratch, most, sizeof *o->values)))
        return rt__import_stop(&o->im, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < g->n_initializer; i++)
        o->values[o->n_values++].name = g->initializer[i]->name;
    qsort(o->values, o->n_values, sizeof *o->values, by_name);
    most = o->n_values;
    for (size_t i = 0; i < g->n_input; i++) { /* old files list initializers among the inputs */
        const rt_onnx_value key = {.name = g->input[i]->name};
        if (!most || !bsearch(&key, o->values, most, sizeof *o->values, by_name))
            o->values[o->n_values++].name = g->input[i]->name;
    }
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < g->node[i]->n_output; k++)
            if (*g->node[i]->output[k])
                o->values[o->n_values++].name = g->node[i]->output[k];
    qsort(o->values, o->n_values, sizeof *o->values, by_name);
    for (size_t i = 1; i < o->n_values; i++)
        if (strcmp(o->values[i - 1].name, o->values[i].name) == 0)
            return rt__import_stop(&o->im, RT_EFORMAT, "tensor '%.100s' is made twice", o->values[i].name);
    return RT_OK;
}

/* ---- what the output needs ---- */

static rt_code mark_input(rt_onnx_import *o, size_t node, const char *name, bool *needed)
{
    const Onnx__Node *n = o->graph->node[node];
    const rt_onnx_value *value = find_value(o, name);
    if (!value)
        return rt__import_fail(&o->im, RT_EFORMAT, n->name, n->op_type, "reads '%.80s', which nothing makes",
                               name);
    if (value->maker > node)
        return rt__import_fail(
            &o->im, RT_EFORMAT, n->name, n->op_type,
            "reads '%.60s' before it is made: the nodes go in a circle or are out of order", name);
    needed[value - o->values] = true;
    return RT_OK;
}

/* needed: of each value; wanted: of each node */
static rt_code mark(rt_onnx_import *o, const rt_onnx_value *output, bool *needed, bool *wanted)
{
    const Onnx__Graph *g = o->graph;
    rt_code code = RT_OK;
    needed[output - o->values] = true;
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < g->node[i]->n_output; k++)
            if (*g->node[i]->output[k])
                find_value(o, g->node[i]->output[k])->maker = i + 1;
    for (size_t i = g->n_node; i-- > 0;) {
        const Onnx__Node *node = g->node[i];
        for (size_t k = 0; k < node->n_output; k++)
            if (*node->output[k])
                wanted[i] = wanted[i] || needed[find_value(o, node->output[k]) - o->values];
        for (size_t k = 0; wanted[i] && code == RT_OK && k < node->n_input; k++)
            if (*node->input[k])
                code = mark_input(o, i, node->input[k], needed);
    }
    return code;
}

static rt_code read_initializers(rt_onnx_import *o, const bool *needed)
{
    for (size_t i = 0; i < o->graph->n_initializer; i++) {
        rt_onnx_value *value = find_value(o, o->graph->initializer[i]->name);
        rt_code code = RT_OK;
        if (needed[value - o->values])
            code = rt__onnx_const_read(o, o->graph->initializer[i], &value->constant);
        if (code != RT_OK)
            return code;
        value->known = true;
    }
    return RT_OK;
}

/* ---- the image ---- */

/* Dimension i of an input; 0 where it is open. */
static int64_t dimension(const Onnx__ValueInfo *info, size_t i)
{
    const Onnx__Dimension *d = info->type->tensor_type->shape->dim[i];
    return d->value_case == ONNX__DIMENSION__VALUE_DIM_VALUE && d->dim_value > 0 ? d->dim_value : 0;
}

static bool is_image(const Onnx__ValueInfo *info)
{
    return info->type && info->type->tensor_type && info->type->tensor_type->shape &&
           info->type->tensor_type->shape->n_dim == 4 && (dimension(info, 1) == 3 || dimension(info, 3) == 3);
}

static rt_code find_image(rt_onnx_import *o, const bool *needed, const Onnx__ValueInfo **image)
{
    *image = NULL;
    for (size_t i = 0; i < o->graph->n_input; i++) {
        const Onnx__ValueInfo *info = o->graph->input[i];
        rt_onnx_value *value = find_value(o, info->name);
        if (value->known || !needed[value - o->values])
            continue;
        if (!is_image(info))
            return rt__import_stop(&o->im, RT_EUNSUPPORTED,
                                   "input '%.100s' is no image: want [1,3,h,w] or [1,h,w,3]", info->name);
        if (*image)
            return rt__import_stop(&o->im, RT_EUNSUPPORTED, "a second image is wanted in '%.100s'",
                                   info->name);
        *image = info;
    }
    return *image ? RT_OK : rt__import_stop(&o->im, RT_EUNSUPPORTED, "its output depends on no image");
}

static rt_code place_image(rt_onnx_import *o, const Onnx__ValueInfo *info, const rt_module_options *options,
                           rt_network *network)
{
    rt_onnx_value *value = find_value(o, info->name);
    bool planar = dimension(info, 1) == 3;
    int64_t height = dimension(info, planar ? 2 : 1), width = dimension(info, planar ? 3 : 2);
    if (dimension(info, 0) > 1)
        return rt__import_stop(&o->im, RT_EUNSUPPORTED,
                               "input '%.100s' takes several photos at once: save the model for one",
                               info->name);
    height = options->input_height ? options->input_height : height;
    width = options->input_width ? options->input_width : width;
    if (height < 1 || width < 1)
        return rt__import_stop(
            &o->im, RT_EUNSUPPORTED,
            "input '%.100s' does not say how large its images are: say it with --input_height and "
            "--input_width",
            info->name);
    if (height > INT16_MAX || width > INT16_MAX)
        return rt__import_stop(&o->im, RT_ELIMIT, "input '%.100s' takes larger images than we make",
                               info->name);
    network->height = (int32_t)height;
    network->width = (int32_t)width;
    value->known = true;
    value->channels_last = planar;
    value->shape = planar ? (rt_shape){.rank = 4, .dim = {1, 3, height, width}}
                          : (rt_shape){.rank = 4, .dim = {1, height, width, 3}};
    value->edge = network->input = rt__import_placeholder(&o->im, info->name, height, width);
    return o->im.b.code;
}

/* ---- how pixels are scaled ---- */

static const char *metadata(const Onnx__Model *model, const char *key)
{
    for (size_t i = 0; i < model->n_metadata_props; i++)
        if (strcmp(model->metadata_props[i]->key, key) == 0)
            return model->metadata_props[i]->value;
    return NULL;
}

/* What models trained with PyTorch want, in 0 .. 255. */
static void take_imagenet(rt_network *network)
{
    static const float mean[] = {0.485f, 0.456f, 0.406f}, deviation[] = {0.229f, 0.224f, 0.225f};
    for (int i = 0; i < 3; i++) {
        network->input_means[i] = 255 * mean[i];
        network->input_stds[i] = 255 * deviation[i];
    }
    network->input_mean = network->input_means[1];
    network->input_std = network->input_stds[1];
}

static void find_scaling(const Onnx__Model *model, bool planar, const rt_module_options *options,
                         rt_network *network)
{
    const char *said = metadata(model, "input");
    bool ours = strcmp(model->producer_name, "retrain") == 0, unit;
    if (options->input_std != 0)
        return;
    if (ours && said && strstr(said, "in 0 .. 1")) {
        network->input_std = 255;
    } else if (ours && said && strstr(said, "imagenet")) {
        take_imagenet(network);
    } else if (planar && !rt__scales_input(network->graph, network->input, &unit)) {
        take_imagenet(network);
        rt__buffer_text(
            &network->notice,
            "the file does not say which pixels it wants; taken to be ImageNet's, less mean by deviation "
            "(else say --input_mean, --input_std)");
    }
}

/* ---- the whole ---- */

static rt_code turn_node(rt_onnx_import *o, const Onnx__Node *node)
{
    rt_onnx_call call = {.o = o, .node = node, .n_in = node->n_input};
    for (size_t k = 0; k < node->n_output && !call.out; k++)
        call.out = *node->output[k] ? find_value(o, node->output[k]) : NULL;
    call.name = call.out->name; /* a wanted node has one */
    if (call.out != (*node->output[0] ? find_value(o, node->output[0]) : NULL))
        return rt__onnx_call_fail(&call, RT_EUNSUPPORTED, "without its first output");
    if (!(call.in = rt__arena_array(o->scratch, node->n_input, sizeof *call.in)))
        return rt__import_stop(&o->im, RT_ENOMEM, "out of memory");
    for (size_t k = 0; k < node->n_input; k++) {
        call.in[k] = *node->input[k] ? find_value(o, node->input[k]) : NULL;
        if (call.in[k] && !call.in[k]->known)
            return rt__onnx_call_fail(&call, RT_EUNSUPPORTED,
                                      "reads '%.80s', which is not the first output of its node",
                                      call.in[k]->name);
    }
    if (rt__onnx_turn(&call) == RT_OK)
        call.out->known = true;
    return o->im.b.code;
}

static rt_code turn(rt_onnx_import *o, const Onnx__Model *model, const rt_onnx_value *output,
                    const rt_module_options *options, rt_network *network)
{
    const Onnx__Graph *g = o->graph;
    const Onnx__ValueInfo *image;
    bool *needed = rt__arena_array(o->scratch, o->n_values, sizeof *needed);
    bool *wanted = rt__arena_array(o->scratch, g->n_node, sizeof *wanted);
    rt_code code = needed && wanted ? mark(o, output, needed, wanted)
                                    : (rt__import_stop(&o->im, RT_ENOMEM, "out of memory"));
    if (code != RT_OK || (code = read_initializers(o, needed)) != RT_OK ||
        (code = find_image(o, needed, &image)) != RT_OK ||
        (code = place_image(o, image, options, network)) != RT_OK)
        return code;
    for (size_t i = 0; code == RT_OK && i < g->n_node; i++)
        if (wanted[i])
            code = turn_node(o, g->node[i]);
    if (code != RT_OK)
        return code;
    if (!output->known)
        return rt__import_stop(&o->im, RT_EUNSUPPORTED, "output '%.100s' is not the first of its node",
                               output->name);
    if (output->constant || output->map[0])
        return rt__import_stop(&o->im, RT_EUNSUPPORTED, "output '%.100s' holds no probabilities",
                               output->name);
    network->feature = output->edge;
    find_scaling(model, dimension(image, 1) == 3, options, network);
    return RT_OK;
}

static rt_code find_output(rt_onnx_import *o, const rt_module_options *options, const rt_onnx_value **output)
{
    const char *name = options->bottleneck_tensor;
    if (!name && o->graph->n_output == 0)
        return rt__import_stop(&o->im, RT_EFORMAT, "the graph has no output");
    name = name ? name : o->graph->output[0]->name;
    *output = find_value(o, name);
    return *output ? RT_OK : rt__import_stop(&o->im, RT_ENOTFOUND, "there is no tensor '%.100s'", name);
}

static rt_code check_model(rt_onnx_import *o, const Onnx__Model *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *domain = model->opset_import[i]->domain;
        if (!*domain || strcmp(domain, "ai.onnx") == 0)
            o->opset = model->opset_import[i]->version;
    }
    if (!model->graph || model->graph->n_node == 0)
        return rt__import_stop(&o->im, RT_EFORMAT, "the model has no graph with nodes");
    if (o->opset < 7 || o->opset > MAX_OPSET)
        return o->im.b.code = rt_fail(o->im.b.err, RT_EUNSUPPORTED, "ONNX opset %lld: 7 to %d are read",
                                      (long long)o->opset, MAX_OPSET);
    o->graph = model->graph;
    return RT_OK;
}

static rt_code read_model(rt_onnx_import *o, const Onnx__Model *model, const rt_module_options *options,
                          rt_network *network, rt_buffer *labels)
{
    const rt_onnx_value *output;
    const char *text = metadata(model, "labels");
    rt_code code = check_model(o, model);
    if (code != RT_OK || (code = list_values(o)) != RT_OK ||
        (code = find_output(o, options, &output)) != RT_OK)
        return code;
    if (text && !options->bottleneck_tensor)
        rt__buffer_format(labels, "%s\n", text);
    return turn(o, model, output, options, network);
}

rt_code rt__onnx_read(const void *bytes, size_t size, const rt_module_options *options, rt_network *network,
                      rt_buffer *labels, rt_error *err)
{
    rt_onnx_import o = {.im.b.err = err, .most_bytes = BYTES_FREE + BYTES_PER_BYTE * size};
    ProtobufCMessage *message;
    rt_code code = rt__graph_new(&network->graph, err);
    network->kind = "ONNX model";
    if (code != RT_OK)
        return code;
    o.im.b.graph = network->graph;
    if (!(o.scratch = rt__arena_new()))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = rt__proto_unpack(&onnx__model__descriptor, bytes, size, o.scratch, &message, err);
    if (code == RT_OK)
        code = read_model(&o, (const Onnx__Model *)message, options, network, labels);
    if (code == RT_OK)
        code = rt__buffer_ok(labels, err);
    rt__arena_free(o.scratch);
    return code;
}
