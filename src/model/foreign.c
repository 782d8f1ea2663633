/* Networks in other programs' formats as bases for retraining. */
#include "foreign.h"

#include "reader.h"

static bool is_onnx(const rt_source *source)
{
    return source->file && rt__is_onnx(source->file->bytes, source->file->size);
}

static rt_code open_onnx(const rt_source *source, rt_network *network, rt_error *err)
{
    rt_module_options whole = *network->options;
    rt_buffer labels = {0};
    rt_code code;
    whole.bottleneck_tensor = NULL; /* cut when all of it is there */
    code = rt__onnx_read(source->file->bytes, source->file->size, &whole, network, &labels, err);
    rt__buffer_clear(&labels);
    return code;
}

const rt_reader rt__reader_onnx = {"ONNX model", is_onnx, open_onnx};
