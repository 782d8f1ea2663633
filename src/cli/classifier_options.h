/* The flags that say how a classifier is used: the same rows in the table of every command that takes one.
 *   GROUP      headline of the first row, or NULL
 *   AT(field)  where that field of the command's rt_label_options stands in its arguments */
#ifndef RT_CLI_CLASSIFIER_OPTIONS_H
#define RT_CLI_CLASSIFIER_OPTIONS_H

#include "options.h"
#include "retrain/dataset.h"
#include "retrain/label.h"
#include "retrain/pipeline.h"

#include <float.h>

/* clang-format off */
#define RT_CLASSIFIER_GRAPH_ROW(GROUP, AT) \
    {"graph", GROUP, RT_OPTION_TEXT, "FILE", 0, 0, AT(graph), NULL, \
     "A retrained graph, or another classifier: frozen graph, SavedModel, checkpoint, ONNX, TFLite."}

#define RT_CLASSIFIER_ROWS(GROUP, AT) \
    {"labels", GROUP, RT_OPTION_TEXT, "FILE", 0, 0, AT(labels), \
     "those the graph carries, else /tmp/output_labels.txt", "Names of the classes, one a line."}, \
    {"input_layer", NULL, RT_OPTION_TEXT, "NAME", 0, 0, AT(input_layer), "from the graph", \
     "Layer that takes the pixels."}, \
    {"output_layer", NULL, RT_OPTION_TEXT, "NAME", 0, 0, AT(output_layer), "from the graph", \
     "Layer that gives the probabilities."}, \
    {"input_height", NULL, RT_OPTION_INT, "N", 1, 16384, AT(input_height), "from the graph", \
     "Height of the photo in pixels as the graph takes it."}, \
    {"input_width", NULL, RT_OPTION_INT, "N", 1, 16384, AT(input_width), "from the graph", "Its width."}, \
    {"input_mean", NULL, RT_OPTION_REAL, "X", -FLT_MAX, FLT_MAX, AT(input_mean), "from the graph", \
     "The graph gets (pixel - mean) / std of pixels from 0 to 255."}, \
    {"input_std", NULL, RT_OPTION_REAL, "X", 1e-6, FLT_MAX, AT(input_std), "from the graph", \
     "See --input_mean."}

#define RT_THREADS_ROW(GROUP, AT) \
    {"threads", GROUP, RT_OPTION_INT, "N", 0, 1024, AT(threads), "one for each core", "Threads."}
#define RT_EXACT_ROW(GROUP, AT) \
    {"exact", GROUP, RT_OPTION_SWITCH, NULL, 0, 0, AT(extraction.exact), NULL, \
     "Sum convolutions directly, where Winograd's way would be quicker: differs by about 1e-6."}
#define RT_FAST_DECODE_ROW(GROUP, AT) \
    {"fast_decode", GROUP, RT_OPTION_SWITCH, NULL, 0, 0, AT(extraction.fast_decode), NULL, \
     "Decode JPEG photos at 1/2, 1/4 or 1/8 of their size where that is no smaller than what the network " \
     "takes; for classifiers trained with it."}
/* How a folder's photos are dealt to the sets of a run.
 *   OPTIONS, SPLIT  where the rt_dataset_options and the rt_split stand */
#define RT_SPLIT_ROWS(OPTIONS, SPLIT) \
    {"testing_percentage", NULL, RT_OPTION_INT, "PERCENT", 0, 100, \
     (OPTIONS) + offsetof(rt_dataset_options, testing_percentage), NULL, \
     "How many photos the run kept for its final test."}, \
    {"validation_percentage", NULL, RT_OPTION_INT, "PERCENT", 0, 100, \
     (OPTIONS) + offsetof(rt_dataset_options, validation_percentage), NULL, \
     "How many it kept to watch the training."}, \
    {"split", NULL, RT_OPTION_CHOICE, "stable|legacy", 0, 0, SPLIT, NULL, \
     "stable: photos go to sets by class and name. legacy: as in retrain.py, by the path as it was " \
     "spelled."}
/* clang-format on */

#endif
