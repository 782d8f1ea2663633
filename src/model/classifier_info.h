/* What a graph that retrain wrote says of itself: the attributes named in export/classifier.h. */
#ifndef RT_MODEL_CLASSIFIER_INFO_H
#define RT_MODEL_CLASSIFIER_INFO_H

#include "graph/graph.h"

typedef struct rt_classifier_info {
    const char *input, *output;  /* tensor names: "Placeholder:0", "final_result:0"   */
    int32_t height, width;       /* of the images, > 0                                */
    float input_mean, input_std; /* as in retrain/module.h: 0 and 255 for [0, 1]      */
    const char *const *labels;   /* one for each element of output                    */
    size_t n_labels;
} rt_classifier_info;

/* Reads the GraphDef at path; strings come from arena.
 *   RT_ENOTFOUND  a graph that says nothing of this: one of retrain.py's
 *   RT_EFORMAT    damaged, or no GraphDef
 *   RT_EIO, RT_ELIMIT, RT_ENOMEM */
rt_code rt__classifier_info_read(const char *path, rt_arena *arena, rt_classifier_info *info, rt_error *err);

/* The same of a graph that is open already. */
rt_code rt__classifier_info_find(const rt_graph *graph, rt_arena *arena, rt_classifier_info *info,
                                 rt_error *err);

#endif
