/* Images that a classifier is tried on: drawn ones, the same on every machine, or photos. */
#ifndef RT_PIPELINE_PROBE_H
#define RT_PIPELINE_PROBE_H

#include "base/buffer.h"

/* Drawing 0 .. of a network's own size, so that no resizing comes between: input is [3,h,w] where planar,
 * else [h,w,3], in [0, 1].  ppm, if not NULL, gets the same as a file. */
void rt__probe_draw(unsigned drawing, int32_t height, int32_t width, bool planar, float *input,
                    rt_buffer *ppm);

/* A photo as the trainer sees it.  RT_EFORMAT and the like for one that cannot be read. */
rt_code rt__probe_photo(const char *path, int32_t height, int32_t width, bool planar, float *input,
                        rt_error *err);

#endif
