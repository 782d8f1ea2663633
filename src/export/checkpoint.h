/* A TensorFlow checkpoint of the retrained graph, as Saver.save() leaves it:
 *
 *   PREFIX.meta                 MetaGraphDef: the graph with its variables and its saver
 *   PREFIX.index                what is in the data file (see bundle_write.h)
 *   PREFIX.data-00000-of-00001  the variables' values
 *   checkpoint                  beside them: text that names PREFIX as the latest one */
#ifndef RT_EXPORT_CHECKPOINT_H
#define RT_EXPORT_CHECKPOINT_H

#include "variables.h"

/* The graph of rt__classifier_graph() with its variables and a saver: the constants under variable_scope as
 * resources, the trained layer's as VariableV2. */
rt_code rt__classifier_variables(rt_graph *classifier, const char *variable_scope, rt_variables *variables,
                                 rt_error *err);

/* The same of any frozen graph: retrain.py's names tell its variables; in another one every constant of
 * floats but single numbers becomes a VariableV2. */
rt_code rt__frozen_variables(rt_graph *frozen, rt_variables *variables, rt_error *err);

/* Each file appears whole or not at all, "checkpoint" last. */
rt_code rt__checkpoint_write(const rt_variables *variables, const char *prefix, rt_error *err);

/* Appends the MetaGraphDef. */
rt_code rt__checkpoint_meta(const rt_variables *variables, rt_buffer *bytes, rt_error *err);

#endif
