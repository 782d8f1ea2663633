/* What was exported is read back by our own readers and gives the source's probabilities. */
#ifndef RT_PIPELINE_EXPORT_PROOF_H
#define RT_PIPELINE_EXPORT_PROOF_H

#include "export_job.h"

/* Tells the log how near the two are on probe images: drawn ones, or the photos of options->probe_photos,
 * else of sample_photos.
 *   path   the file or folder that stands for the export
 *   says   whether it says itself which pixels it wants; else it takes them in [0, 1]
 *   loose  probabilities may differ (8 bits): half of the top classes must be the same
 *   RT_EUNSUPPORTED  they differ, in size, in labels or in probabilities; and the errors of reading */
rt_code rt__export_prove(const rt_export_job *job, const char *path, bool says, bool loose, rt_error *err);

#endif
