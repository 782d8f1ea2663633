/* retrain/label.h - what is on a photo, said by a retrained graph.
 *
 * Runs our own output graphs, which carry what they need, those of the real retrain.py and other frozen
 * classifiers.  Source of the flags: TensorFlow's label_image.py. */
#ifndef RETRAIN_LABEL_H
#define RETRAIN_LABEL_H

#include "retrain/error.h"
#include "retrain/feature.h"
#include "retrain/image.h"
#include "retrain/log.h"

typedef struct rt_label_options {
    const char *graph;  /* whatever rt_module_open() opens, with a classifier at its end */
    const char *labels; /* a label a line; NULL: those in the graph, else /tmp/output_labels.txt */
    const char *input_layer, *output_layer; /* NULL: found */
    int32_t input_height, input_width;      /* 0: from the graph */
    float input_mean, input_std;            /* the graph gets (pixel - mean) / std; std 0: from the graph */
    int32_t threads;                        /* 0: one for each core */
    rt_resize resize;
    rt_extraction extraction;
} rt_label_options;

void rt_label_defaults(rt_label_options *options);

typedef struct rt_labeller rt_labeller;

typedef struct rt_labeller_info {
    size_t n_labels;
    const char *const *labels;
    const char *notice; /* how the graph is used, and what of that is a guess */
} rt_labeller_info;     /* lives as long as the labeller */

/* *labeller is written on success only.
 *   RT_ENOTFOUND  no such graph, labels or layer
 *   RT_EFORMAT    not a graph; more or fewer labels than outputs
 *   RT_EUNSUPPORTED, RT_EARG, RT_ELIMIT, RT_EIO, RT_ENOMEM */
rt_code rt_labeller_open(const rt_label_options *options, rt_labeller **labeller, rt_error *err);
void rt_labeller_close(rt_labeller *labeller); /* NULL is allowed */
const rt_labeller_info *rt_labeller_describe(const rt_labeller *labeller);

/* How a photo fared. */
typedef struct rt_label_outcome {
    rt_code code;
    char reason[512]; /* one line naming the photo, unless code is RT_OK */
} rt_label_outcome;

/* Classifies n photos on all threads, which are started for the call: many photos at once are cheaper.
 *   scores    [n, n_labels]; a failed photo's row is zero
 *   outcomes  [n]
 * Fails only when memory is out; a bad photo is an outcome. */
rt_code rt_labeller_run(const rt_labeller *labeller, const char *const *paths, size_t n, float *scores,
                        rt_label_outcome *outcomes, rt_error *err);

#endif
