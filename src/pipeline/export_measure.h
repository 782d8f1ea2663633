/* What 8 bits cost: the written file against its source, on photos. */
#ifndef RT_PIPELINE_EXPORT_MEASURE_H
#define RT_PIPELINE_EXPORT_MEASURE_H

#include "export_job.h"
#include "photo_list.h"

/* The photos of job->options->sample_photos that ranges may come from: of class folders those that the run
 * trained on, else all. */
rt_code rt__export_samples(const rt_export_job *job, rt_photo_list *photos, rt_error *err);

/* Says in a line of the log how well the file at job->place and its source do: the accuracy of both on the
 * test photos of class folders, else on how many of 200 photos they agree. */
rt_code rt__export_measure(const rt_export_job *job, rt_error *err);

#endif
