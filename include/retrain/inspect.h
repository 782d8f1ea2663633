/* retrain/inspect.h - what is in a file or folder that TensorFlow or retrain wrote.
 *
 * Takes the place of summarize_graph, saved_model_cli show and inspect_checkpoint. */
#ifndef RETRAIN_INSPECT_H
#define RETRAIN_INSPECT_H

#include "retrain/error.h"

#include <stdbool.h>

typedef struct rt_inspect_options {
    const char *path;   /* file, folder, or the prefix of a checkpoint */
    const char *tensor; /* NULL, or the variable or constant whose values are wanted instead */
    const char *output; /* with tensor: a .npy file that gets the values; NULL: a few go into the text */
    bool json;
} rt_inspect_options;

/* Graphs, SavedModels, modules, checkpoints, bottleneck and event files are told apart by content.
 *   text  written on success: lines for people, or one JSON object; give back with free()
 *   RT_ENOTFOUND  no such path or tensor        RT_EFORMAT, RT_EUNSUPPORTED  damaged, or nothing we know
 *   RT_EARG, RT_EIO, RT_ELIMIT, RT_ENOMEM */
rt_code rt_inspect(const rt_inspect_options *options, char **text, rt_error *err);

#endif
