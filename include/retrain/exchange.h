/* retrain/exchange.h - vectors from the packed cache to retrain.py's text files and back. */
#ifndef RETRAIN_EXCHANGE_H
#define RETRAIN_EXCHANGE_H

#include "retrain/pipeline.h"

typedef struct rt_exchange_result {
    size_t n_photos;
    size_t n_done;   /* that are in the packed cache (import), or were written as text (export) */
    size_t n_before; /* import: of these, that were there before */
} rt_exchange_result;

/* For the photos of options->image_dir and the network options->tfhub_module; of the options, those of
 * photos, network and cache count.  Nothing is computed.
 *   folder  of the text files, as --bottleneck_dir is for retrain.py */
rt_code rt_bottlenecks_import(const rt_retrain_options *options, const char *folder, const rt_log *log,
                              const rt_progress *progress, rt_exchange_result *result, rt_error *err);
rt_code rt_bottlenecks_export(const rt_retrain_options *options, const char *folder, const rt_log *log,
                              const rt_progress *progress, rt_exchange_result *result, rt_error *err);

#endif
