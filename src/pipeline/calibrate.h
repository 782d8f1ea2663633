/* The ranges of a network's tensors over sample photos: what 8-bit quantisation needs. */
#ifndef RT_PIPELINE_CALIBRATE_H
#define RT_PIPELINE_CALIBRATE_H

#include "export/tflite.h"
#include "photo_list.h"
#include "retrain/log.h"

/* fused: of rt__graph_fuse_plain(), for images of height x width in [0, 1].  ranges: one for each node of it,
 * written on success.  At most 200 photos are run, spread evenly over the list; unreadable ones are left out.
 *   RT_ENOTFOUND  no photo could be read */
rt_code rt__calibrate(const rt_graph *fused, rt_edge input, rt_edge output, int32_t height, int32_t width,
                      const rt_photo_list *photos, const rt_progress *progress, rt_tflite_range *ranges,
                      rt_error *err);

/* The same photos for symmetric 8 bits: the magnitude of each node that becomes 127, by entropy (entropy.h);
 * the input's is 1.  Each photo is run twice. */
rt_code rt__calibrate_magnitudes(const rt_graph *fused, rt_edge input, rt_edge output, int32_t height,
                                 int32_t width, const rt_photo_list *photos, const rt_progress *progress,
                                 float *magnitudes, rt_error *err);

#endif
