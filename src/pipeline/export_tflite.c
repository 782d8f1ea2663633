/* TensorFlow Lite, float or 8-bit. */
#include "export_job.h"

#include "calibrate.h"
#include "export/tflite.h"
#include "export_measure.h"

#include <stdlib.h>

static rt_code find_ranges(const rt_export_job *job, const rt_folded *f, rt_tflite_range **ranges,
                           rt_error *err)
{
    rt_photo_list photos = {0};
    rt_code code = rt__export_samples(job, &photos, err);
    if (code == RT_OK && !(*ranges = calloc(rt__graph_count(f->graph), sizeof **ranges)))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt__calibrate(f->graph, f->input, f->output, job->info->height, job->info->width, &photos,
                             &job->options->progress, *ranges, err);
    rt__photo_list_clear(&photos);
    return code;
}

static rt_code describe(const rt_export_job *job, rt_buffer *text, rt_error *err)
{
    rt__buffer_format(text, "Tells %zu classes of photos apart; made by retrain.", job->labels.n);
    return rt__buffer_ok(text, err);
}

rt_code rt__export_tflite_bytes(const rt_export_job *job, rt_buffer *file, rt_error *err)
{
    bool quantise = job->options->sample_photos != NULL;
    rt_tflite_range *ranges = NULL;
    rt_buffer labels = {0}, description = {0};
    rt_folded f = {0};
    rt_code code = rt__export_labels(job, &labels, err);
    if (code == RT_OK)
        code = describe(job, &description, err);
    if (code == RT_OK)
        code = rt__export_fold(job, quantise, &f, err);
    if (code == RT_OK && quantise)
        code = find_ranges(job, &f, &ranges, err);
    if (code == RT_OK) {
        const rt_tflite_options options = {.description = description.bytes,
                                           .labels = labels.bytes,
                                           .ranges = ranges,
                                           .bytes = job->options->bytes == RT_BYTES_INT8 ? RT_TFLITE_INT8
                                                                                         : RT_TFLITE_UINT8};
        code = rt__tflite_write(f.graph, f.input, f.output, &f.shape, &options, file, err);
    }
    rt__graph_free(f.graph);
    free(ranges);
    rt__buffer_clear(&labels);
    rt__buffer_clear(&description);
    return code;
}

rt_code rt__export_tflite(const rt_export_job *job, rt_error *err)
{
    rt_buffer file = {0};
    rt_code code = rt__export_tflite_bytes(job, &file, err);
    if (code == RT_OK)
        code = rt__export_write(job, &file, err);
    if (code == RT_OK && job->options->sample_photos)
        code = rt__export_measure(job, err);
    rt__buffer_clear(&file);
    return code;
}
