/* A classifier opened so that its probabilities take the place of a module's feature vector. */
#ifndef RT_PIPELINE_LABEL_GRAPH_H
#define RT_PIPELINE_LABEL_GRAPH_H

#include "base/buffer.h"
#include "retrain/label.h"
#include "retrain/module.h"

/* What the user says takes precedence, then what the graph carries, then what its structure tells.
 *   module  written on success only
 *   labels  gets the labels the graph carries, a line each; nothing when it carries none */
rt_code rt__label_graph_open(const rt_label_options *options, rt_module **module, rt_buffer *labels,
                             rt_error *err);

#endif
