/* retrain/create.h - a TF1 Hub module out of any network that can be opened.
 *
 * What it gives is what retrain.py of TensorFlow Hub and hub.Module take: images in [0, 1] in, a feature
 * vector out, weights inside the graph. */
#ifndef RETRAIN_CREATE_H
#define RETRAIN_CREATE_H

#include "retrain/log.h"
#include "retrain/module.h"

typedef struct rt_create_options {
    const char *source;       /* as for rt_module_open() */
    rt_module_options module; /* what the user says about a bare graph */
    const char *output;       /* a new folder, or a new file ending in .tar.gz or .tgz */
    rt_log log;
} rt_create_options;

/* Writes the module; it appears whole or not at all.
 *   RT_EIO  output is there already, or cannot be written
 *   others  as rt_module_open() */
rt_code rt_module_create(const rt_create_options *options, rt_error *err);

#endif
