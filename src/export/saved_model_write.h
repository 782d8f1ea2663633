/* The retrained graph as a SavedModel that TensorFlow 1 and 2 and TensorFlow Serving load: tag "serve",
 * signature "serving_default", image -> prediction.
 *
 *   FOLDER/saved_model.pb                           SavedModel with one MetaGraphDef
 *   FOLDER/variables/variables.index, .data-...     see bundle_write.h
 * Source: export_model() in hub's retrain.py; saved_model.proto. */
#ifndef RT_EXPORT_SAVED_MODEL_WRITE_H
#define RT_EXPORT_SAVED_MODEL_WRITE_H

#include "variables.h"

/* variables: of rt__classifier_variables(); a NoOp legacy_init_op is added to its graph.
 *   input, output  names of the Placeholder and of the final node
 *   folder         appears whole or not at all; RT_EIO when it is there and not empty */
rt_code rt__saved_model_write(const rt_variables *variables, const char *input, const char *output,
                              size_t n_classes, const char *folder, rt_error *err);

#endif
