/* The calibration table of TensorRT's INT8.
 *
 *   1. a line "TRT-5105-EntropyCalibration2": the version, four digits, and the method
 *   2. a line for each tensor: its name in the ONNX file, ": ", and the bits of a float32 in 8 hexadecimal
 * digits: one step, a 127th of the magnitude that becomes 127
 *
 * A tensor that is not in it stays in FP16 or FP32.
 *
 * Source: the tables that NVIDIA's samples and DeepStream come with. */
#include "export_job.h"

#include "calibrate.h"
#include "graph/fused.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct table {
    const float *magnitudes; /* one for each node of the fold */
    rt_buffer *text;
} table;

static void add_line(void *user, const char *tensor, uint32_t node)
{
    table *t = user;
    float step = t->magnitudes[node] / 127;
    uint32_t bits;
    memcpy(&bits, &step, sizeof bits);
    if (step > 0) /* a tensor that is always 0 says nothing of its range */
        rt__buffer_format(t->text, "%s: %08" PRIx32 "\n", tensor, bits);
}

static rt_code measure(const rt_export_job *job, float **magnitudes, rt_error *err)
{
    rt_photo_list photos = {0};
    rt_folded f = {0};
    rt_code code = rt__photo_list_add(&photos, job->options->int8_photos, err);
    if (code == RT_OK && (code = rt__export_fold(job, true, &f, err)) == RT_OK &&
        !(*magnitudes = calloc(rt__graph_count(f.graph), sizeof **magnitudes)))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt__calibrate_magnitudes(f.graph, f.input, f.output, job->info->height, job->info->width,
                                        &photos, &job->options->progress, *magnitudes, err);
    rt__graph_free(f.graph);
    rt__photo_list_clear(&photos);
    return code;
}

rt_code rt__export_int8(const rt_export_job *job, rt_buffer *file, rt_buffer *text, rt_error *err)
{
    float *magnitudes = NULL;
    rt_code code = measure(job, &magnitudes, err);
    table t = {magnitudes, text};
    rt__buffer_text(text, "TRT-5105-EntropyCalibration2\n");
    if (code == RT_OK)
        code = rt__export_onnx_bytes(job, &(rt_export_onnx_how){.told = add_line, .user = &t}, file, err);
    free(magnitudes);
    return code == RT_OK ? rt__buffer_ok(text, err) : code;
}
