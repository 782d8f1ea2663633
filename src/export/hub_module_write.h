/* A network as a TF1 Hub module: what stands in its files.
 *
 *   FOLDER/tfhub_module.pb   ModuleDef, format 3
 *   FOLDER/saved_model.pb    SavedModel with one MetaGraphDef without tags; weights are constants, so there
 * is no variables/
 *
 * Signatures take images, float [?,height,width,3] in [0,1], and give default, float [?,n]:
 *   of a network     "default" and "image_feature_vector": its features
 *   of a classifier  "default" and "image_classification": its probabilities; "image_feature_vector": what
 * its last layer reads, if that is a vector The size also stands in the attachment image_module_info. Source:
 * native_module.py, image_util.py, module_def.proto and image_module_info.proto of tensorflow_hub. */
#ifndef RT_EXPORT_HUB_MODULE_WRITE_H
#define RT_EXPORT_HUB_MODULE_WRITE_H

#include "base/buffer.h"
#include "graph/graph.h"

typedef struct rt_hub_module_parts {
    rt_graph *graph;       /* frozen, pruned, in topological order */
    rt_edge input;         /* its Placeholder, float [?,height,width,3] in [0, 1] */
    rt_edge feature;       /* float [?, feature_size] */
    int32_t height, width; /* of the images */
    int32_t feature_size;  /* 0: none; for a classifier only */
    rt_edge scores;        /* float [?, n_scores] */
    int32_t n_scores;      /* 0: no classifier */
} rt_hub_module_parts;

/* Appends the bytes of saved_model.pb; parts is borrowed for the call. */
rt_code rt__hub_module_write(const rt_hub_module_parts *parts, rt_buffer *saved_model, rt_error *err);

/* Appends the bytes of tfhub_module.pb. */
void rt__hub_module_format(rt_buffer *bytes);

#endif
