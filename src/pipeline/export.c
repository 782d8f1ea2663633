#include "retrain/export.h"

#include "base/file.h"
#include "export_job.h"
#include "label_graph.h"

static rt_code (*const formats[])(const rt_export_job *job, rt_error *err) = {
    [RT_EXPORT_ONNX] = rt__export_onnx,
    [RT_EXPORT_TFLITE] = rt__export_tflite,
    [RT_EXPORT_FROZEN] = rt__export_frozen,
    [RT_EXPORT_JETSON] = rt__export_jetson,
};

void rt_export_defaults(rt_export_options *options)
{
    *options = (rt_export_options){.format = RT_EXPORT_ONNX};
    rt_label_defaults(&options->source);
}

static rt_code check(const rt_export_options *o, rt_error *err)
{
    bool onnx = o->format == RT_EXPORT_ONNX;
    if (!o->output || !*o->output)
        return rt_fail(err, RT_EARG, "name the file to write: retrain export --format onnx GRAPH OUT");
    if (o->sample_photos && o->format != RT_EXPORT_TFLITE)
        return rt_fail(err, RT_EARG, "--quantize goes with --format tflite only");
    if (o->int8_photos && o->format != RT_EXPORT_JETSON)
        return rt_fail(err, RT_EARG, "--int8_calibration goes with --target jetson only");
    if (!o->sample_photos && o->bytes != RT_BYTES_UINT8)
        return rt_fail(err, RT_EARG, "--quantized_type goes with --quantize only");
    if (!onnx && (o->opset || o->dynamic_batch))
        return rt_fail(err, RT_EARG, "--opset and --dynamic_batch go with --format onnx only");
    if (o->frozen_for && o->format != RT_EXPORT_FROZEN)
        return rt_fail(err, RT_EARG, "--for goes with --format frozen only");
    if (o->format == RT_EXPORT_JETSON)
        return RT_OK;
    return rt__file_check_writable(o->output, err);
}

rt_code rt_export(const rt_export_options *options, rt_error *err)
{
    rt_export_job job = {.options = options};
    rt_code code = check(options, err);
    if (code != RT_OK)
        return code;
    code = rt__label_graph_open(&options->source, &job.module, &job.labels.text, err);
    if (code == RT_OK) {
        job.info = rt_module_describe(job.module);
        rt_log_line(&options->log, RT_INFO, "%s: %dx%d pixels to %d probabilities%s%s", job.info->path,
                    (int)job.info->width, (int)job.info->height, (int)job.info->feature_size,
                    *job.info->notice ? "; " : "", job.info->notice);
        code = rt__label_names_find(&job.labels, &options->source, (size_t)job.info->feature_size, err);
    }
    if (code == RT_OK)
        code = formats[options->format](&job, err);
    rt__label_names_clear(&job.labels);
    rt_module_close(job.module);
    return code;
}
