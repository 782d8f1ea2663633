/* Inputs named by URL, or data sets packed in an archive: gets them into a cache folder first. */
#ifndef RT_PIPELINE_FETCH_H
#define RT_PIPELINE_FETCH_H

#include "retrain/pipeline.h"

/* Whether text is a URL of any kind ("scheme://...").  *supported: of one that can be fetched. */
bool rt__is_url(const char *text, bool *supported);

/* Where the module, or the photos, lie on disk: the path itself, or a folder of the cache that it was fetched
 * or unpacked into.  *path is owned by the caller. */
rt_code rt__fetch_module(const rt_retrain_options *options, const rt_log *log, const rt_progress *progress,
                         char **path, rt_error *err);
rt_code rt__fetch_images(const rt_retrain_options *options, const rt_log *log, const rt_progress *progress,
                         char **path, rt_error *err);

#endif
