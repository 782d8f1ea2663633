/* An export under way: private to export*.c. */
#ifndef RT_PIPELINE_EXPORT_JOB_H
#define RT_PIPELINE_EXPORT_JOB_H

#include "export/onnx.h"
#include "label_names.h"
#include "model/module.h"
#include "retrain/export.h"

typedef struct rt_export_job {
    const rt_export_options *options;
    rt_module *module; /* the classifier: its "feature" is the probabilities */
    const rt_module_info *info;
    rt_label_names labels;
} rt_export_job;

/* The ONNX file of the job's classifier.  What the runtime feeds is x; the network gets x * scale + shift of
 * it per channel, both NULL for x in [0, 1]. */
rt_code rt__export_onnx_bytes(const rt_export_job *job, const float *scale, const float *shift,
                              rt_buffer *file, rt_error *err);

rt_code rt__export_onnx(const rt_export_job *job, rt_error *err);
rt_code rt__export_tflite(const rt_export_job *job, rt_error *err);
rt_code rt__export_frozen(const rt_export_job *job, rt_error *err);
rt_code rt__export_jetson(const rt_export_job *job, rt_error *err);

#endif
