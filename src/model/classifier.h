/* The classifier at the end of a network. */
#ifndef RT_MODEL_CLASSIFIER_H
#define RT_MODEL_CLASSIFIER_H

#include "graph/graph.h"

/* A MatMul or a 1x1 Conv2D with constant weights. */
typedef struct rt_classifier_node {
    uint32_t node;
    rt_edge feature; /* its data input, looked through Identity and PlaceholderWithDefault */
    rt_edge scores;  /* what it ends in: probabilities, else logits */
    int64_t inputs, outputs;
    bool probabilities; /* a softmax or sigmoid stands behind it */
} rt_classifier_node;

/* Walks back from the answers that the file's signatures name, else from what nobody reads.  What depends on
 * more than an image (a training step's ground truth and its gradients) is left out.  Of several classifiers
 * the one that gives probabilities, then the one with the most of the graph before it.
 *   answers  [n_answers] may be NULL for none
 *   RT_EUNSUPPORTED  there is none */
rt_code rt__find_classifier(const rt_graph *graph, const rt_edge *answers, size_t n_answers,
                            rt_classifier_node *found, rt_error *err);

#endif
