/* What a SavedModel computes for images, where its network stands in functions. */
#ifndef RT_MODEL_SAVED_MODEL_FUNCTIONS_H
#define RT_MODEL_SAVED_MODEL_FUNCTIONS_H

#include "bundle.h"
#include "network.h"
#include "saved_model.h"

/* Whether the network stands in functions, as TensorFlow 2 saves it. */
bool rt__meta_graph_is_tf2(const rt_meta_graph *meta);

/* Chooses a signature ("serving_default", else one that takes images), or where there is none the model's own
 * function; inlines functions, names variables as the checkpoint does and drops what the signature does not
 * need.
 *   bundle   the checkpoint; NULL: there is none
 *   network  its graph is set and its notice begun; the caller frees meta's graph
 *   vector   the tensor that is the signature's only result, if it is one feature vector or map a photo; node
 *            UINT32_MAX otherwise
 *   RT_ENOTFOUND, RT_EFORMAT, RT_EUNSUPPORTED, RT_ELIMIT */
rt_code rt__saved_model_expand(const rt_meta_graph *meta, const rt_bundle *bundle, rt_network *network,
                               rt_edge *vector, rt_error *err);

#endif
