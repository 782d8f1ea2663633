/* The objects of a TensorFlow 2 SavedModel: functions that have no signature, and the variables they use. */
#ifndef RT_MODEL_SAVED_OBJECTS_H
#define RT_MODEL_SAVED_OBJECTS_H

#include "base/buffer.h"
#include "bundle.h"
#include "saved_model.h"

/* Adds to meta's graph what calls the model's own function on images ("__call__", as hub.KerasLayer does):
 * a Placeholder, a VarHandleOp for each variable it captures (shared_name: the variable's key in the
 * checkpoint), and a PartitionedCall.
 *   bundle   the checkpoint, which says where the variables stand; NULL: there is none
 *   call     the node added; its outputs are the function's
 *   notice   what was chosen is appended
 *   RT_ENOTFOUND  no function takes one batch of images: the cause lists the functions
 *   RT_EFORMAT    the objects contradict each other
 * Source: saved_object_graph.proto, trackable_object_graph.proto; load.py of TensorFlow. */
rt_code rt__saved_objects_call(const rt_meta_graph *meta, const rt_bundle *bundle, uint32_t *call,
                               rt_buffer *notice, rt_error *err);

/* Gives each variable of the graph that a RestoreV2 is assigned to the name it is restored from, as its
 * shared_name.  For graphs whose functions are inlined. */
rt_code rt__name_restored(rt_graph *graph, rt_error *err);

#endif
