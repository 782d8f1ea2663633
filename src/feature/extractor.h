/* Inside of feature/: what the files of this folder share. */
#ifndef RT_FEATURE_EXTRACTOR_H
#define RT_FEATURE_EXTRACTOR_H

#include "base/hash.h"
#include "retrain/feature.h"
#include "retrain/image.h"

/* Tells networks apart that were given the same name: CRC-32C of nodes, constants and preprocessing, fast
 * decoding included.  The same file gives the same digest in every run. */
uint32_t rt__network_digest(const rt_module *module, const rt_extraction *how);

/* The same as a SHA-256 that also knows attributes, edges, and how this version computes; not the nodes'
 * names, so that a module and its archive are one network.  With how it tells vectors of one photo apart. */
rt_code rt__network_identity(const rt_module *module, const rt_extraction *how,
                             uint8_t digest[RT_SHA256_BYTES], rt_error *err);

/* What it reads photos for; lives as long as the extractor. */
const rt_image_target *rt__extractor_target(const rt_extractor *extractor);

/* Pixels, distorted, to a vector.  draw was made for the module's height and width. */
rt_code rt__extractor_distorted(rt_extractor *extractor, const rt_image *image,
                                const rt_distortion_draw *draw, float *feature, rt_error *err);

#endif
