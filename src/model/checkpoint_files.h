/* Which files are a checkpoint's. */
#ifndef RT_MODEL_CHECKPOINT_FILES_H
#define RT_MODEL_CHECKPOINT_FILES_H

#include "base/file.h"

/* Whether a file is the text `checkpoint`, in which TensorFlow's Saver notes its latest checkpoint. */
bool rt__checkpoint_is_list(const rt_map *file);

/* The prefix, as rt__bundle_open() wants it, of the checkpoint that path means: the prefix itself, one of its
 * files (PREFIX.index, PREFIX.data-0000I-of-0000N, a V1 table), a file `checkpoint`, a folder with one, or a
 * folder with a single checkpoint.  The files need not all be there.
 *   RT_ENOTFOUND  none of these
 *   RT_EARG       several checkpoints in the folder
 *   RT_EFORMAT    a `checkpoint` that names none
 * Source: checkpoint_state.proto and checkpoint_management.py of TensorFlow. */
rt_code rt__checkpoint_prefix(const char *path, rt_buffer *prefix, rt_error *err);

/* The prefix that a graph's file is named after: PREFIX.meta.  RT_EUNSUPPORTED for another name. */
rt_code rt__checkpoint_of_graph(const char *path, rt_buffer *prefix, rt_error *err);

/* The file with a checkpoint's graph: PREFIX.meta, else the only .pb file in its folder.  RT_ENOTFOUND. */
rt_code rt__checkpoint_graph(const char *prefix, rt_buffer *path, rt_error *err);

#endif
