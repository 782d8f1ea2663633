/* What computes features shares with what uses them. */
#ifndef RT_FEATURE_FEATURES_INSIDE_H
#define RT_FEATURE_FEATURES_INSIDE_H

#include "packed.h"
#include "retrain/feature.h"

static inline bool rt__photo_wanted(const rt_feature_source *source, size_t i)
{
    return !source->wanted || source->wanted(source->user, i);
}

/* What the vectors of a result lie in. */
struct rt_feature_owner {
    rt_packed *packed; /* NULL: all in rt_features.values */
    rt_place *places;  /* [n_photos]; block 0: not in the cache, its vector is zero or memory of its own */
    float *zero;       /* [feature_size] */
};

/* Points to the vectors in the mapped cache; crcs as in rt_packed_view. */
rt_code rt__features_view(rt_features *features, uint32_t *crcs, rt_error *err);

/* Fetches those of the n photos that are with other processes into the cache of this one, rank 0.  Until then
 * their vectors are NULL. */
rt_code rt__features_gather(rt_features *features, struct rt_deal *deal, const uint32_t *photos, size_t n,
                            rt_error *err);

#endif
