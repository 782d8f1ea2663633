/* Networks in other programs' formats as bases for retraining. */
#include "foreign.h"

#include "reader.h"

static bool is_onnx(const rt_source *source)
{
    return source->file && rt__is_onnx(source->file->bytes, source->file->size);
}

static bool is_tflite(const rt_source *source)
{
    return source->file && rt__is_tflite(source->file->bytes, source->file->size);
}

typedef rt_code read_foreign(const void *bytes, size_t size, const rt_module_options *options,
                             rt_network *network, rt_buffer *labels, rt_error *err);

/* The file's output is its answer: a classifier's scores, or the vector it was made for. */
static rt_code open_with(read_foreign *read, const rt_source *source, rt_network *network, rt_error *err)
{
    rt_module_options whole = *network->options;
    rt_buffer labels = {0};
    rt_edge *answer;
    rt_code code;
    whole.bottleneck_tensor = NULL; /* cut when all of it is there */
    code = read(source->file->bytes, source->file->size, &whole, network, &labels, err);
    rt__buffer_clear(&labels);
    if (code != RT_OK)
        return code;
    if (!(answer = rt__arena_alloc(rt__graph_arena(network->graph), sizeof *answer)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    *answer = network->vector = network->feature;
    network->answers = answer;
    network->n_answers = 1;
    network->has_vector = true;
    return RT_OK;
}

static rt_code open_onnx(const rt_source *source, rt_network *network, rt_error *err)
{
    return open_with(rt__onnx_read, source, network, err);
}

static rt_code open_tflite(const rt_source *source, rt_network *network, rt_error *err)
{
    return open_with(rt__tflite_read, source, network, err);
}

const rt_reader rt__reader_onnx = {"ONNX model", is_onnx, open_onnx};
const rt_reader rt__reader_tflite = {"TensorFlow Lite model", is_tflite, open_tflite};
