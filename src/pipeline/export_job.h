/* An export under way: private to export*.c. */
#ifndef RT_PIPELINE_EXPORT_JOB_H
#define RT_PIPELINE_EXPORT_JOB_H

#include "export/onnx.h"
#include "graph/fused.h"
#include "label_names.h"
#include "model/module.h"
#include "retrain/export.h"

typedef struct rt_export_job {
    const rt_export_options *options;
    rt_module *module; /* the classifier: its "feature" is the probabilities */
    const rt_module_info *info;
    rt_label_names labels;
    const char *place; /* where to write: a file, a folder or a prefix, which get their name when proven */
} rt_export_job;

typedef struct rt_folded {
    rt_graph *graph; /* owned */
    rt_edge input, output;
    rt_shape shape; /* of the input */
} rt_folded;

/* plain: additions stay nodes of their own. */
rt_code rt__export_fold(const rt_export_job *job, bool plain, rt_folded *folded, rt_error *err);
/* The labels, one a line, and a 0 behind. */
rt_code rt__export_labels(const rt_export_job *job, rt_buffer *text, rt_error *err);
/* The finished file goes to its place. */
rt_code rt__export_write(const rt_export_job *job, const rt_buffer *file, rt_error *err);

/* The ONNX file of the job's classifier.  What the runtime feeds is x; the network gets x * scale + shift of
 * it per channel, both NULL for x in [0, 1].  told, user: rt_onnx_options's, of the plain fold. */
typedef struct rt_export_onnx_how {
    const float *scale, *shift;
    void (*told)(void *user, const char *tensor, uint32_t node);
    void *user;
    void (*refused)(void *refused_user, const char *cause); /* rt_onnx_options's; NULL: into the log */
    void *refused_user;
} rt_export_onnx_how;

rt_code rt__export_onnx_bytes(const rt_export_job *job, const rt_export_onnx_how *how, rt_buffer *file,
                              rt_error *err);

/* The same file for pixels in [0, 1], and the table by which TensorRT runs it in 8 bits (export_int8.c). */
rt_code rt__export_int8(const rt_export_job *job, rt_buffer *file, rt_buffer *table, rt_error *err);

/* Its TensorFlow Lite file. */
rt_code rt__export_tflite_bytes(const rt_export_job *job, rt_buffer *file, rt_error *err);

rt_code rt__export_onnx(const rt_export_job *job, rt_error *err);
rt_code rt__export_tflite(const rt_export_job *job, rt_error *err);
rt_code rt__export_frozen(const rt_export_job *job, rt_error *err);
rt_code rt__export_jetson(const rt_export_job *job, rt_error *err);
rt_code rt__export_saved_model(const rt_export_job *job, rt_error *err);
rt_code rt__export_hub_module(const rt_export_job *job, rt_error *err);
rt_code rt__export_checkpoint(const rt_export_job *job, rt_error *err);

#endif
