/* The names of a classifier's classes. */
#ifndef RT_PIPELINE_LABEL_NAMES_H
#define RT_PIPELINE_LABEL_NAMES_H

#include "base/buffer.h"
#include "retrain/label.h"

typedef struct rt_label_names {
    rt_buffer text; /* what names point into */
    const char **names;
    size_t n;
} rt_label_names;

/* names->text holds what the graph itself says (rt__label_graph_open()), a line each, or nothing.  Takes the
 * file options->labels where it is given; where there is neither, /tmp/output_labels.txt.
 *   RT_EFORMAT  not as many labels as n_outputs, or no text file */
rt_code rt__label_names_find(rt_label_names *names, const rt_label_options *options, size_t n_outputs,
                             rt_error *err);
void rt__label_names_clear(rt_label_names *names);

#endif
