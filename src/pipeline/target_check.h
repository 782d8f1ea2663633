/* A classifier held against targets: what export would write is made once, in memory. */
#ifndef RT_PIPELINE_TARGET_CHECK_H
#define RT_PIPELINE_TARGET_CHECK_H

#include "base/file.h"
#include "export/target.h"
#include "export_job.h"

enum { RT_CAUSE_SIZE = 512 }; /* of rt_error's cause */

/* The classifier in one form. */
typedef struct rt_form {
    bool made;
    rt_buffer file;   /* ONNX or TensorFlow Lite */
    rt_graph *graph;  /* TensorFlow */
    rt_buffer causes; /* why it cannot be made, a line each; empty: it can */
} rt_form;

typedef struct rt_target_subject {
    const rt_map *file;
    rt_target_form own; /* the file's own form */
    rt_graph *graph;    /* of a TensorFlow graph */
    bool *needed;       /* its nodes that the classifier needs; NULL: all count */
    rt_export_options options;
    rt_export_job job;         /* module NULL: no classifier was found, or none that can be run */
    char cause[RT_CAUSE_SIZE]; /* why */
    rt_form forms[3];          /* by rt_target_form */
} rt_target_subject;

/* Opens a file, and the classifier in it where there is one that can be run.  Clear the subject in any case.
 */
rt_code rt__target_subject_open(const rt_label_options *source, rt_target_subject *subject, rt_error *err);
void rt__target_subject_clear(rt_target_subject *subject);

/* Puts what would not run into the report, which is initialised.
 *   exported  looked at as an export would write it, otherwise as the file is */
rt_code rt__target_look(rt_target_subject *subject, const rt_target *target, bool exported,
                        rt_target_report *report, rt_error *err);

/* Says which targets take an ONNX file that is about to be written, and why others do not.
 *   RT_EUNSUPPORTED  wants_tensorrt, and no TensorRT takes it */
rt_code rt__target_say(const rt_log *log, const rt_buffer *onnx, bool wants_tensorrt, rt_error *err);

#endif
