/* Photos that could not be used, as they are found. */
#ifndef RT_FEATURE_SKIPS_H
#define RT_FEATURE_SKIPS_H

#include "retrain/feature.h"

/* Start from {0}.  One thread at a time. */
typedef struct rt_skips {
    rt_skipped *list; /* owned, and so are the reasons */
    size_t n;
} rt_skips;

/* Takes reason over, also when it fails; NULL, or no room: RT_ENOMEM. */
rt_code rt__skips_add(rt_skips *skips, size_t photo, char *reason, rt_error *err);
void rt__skips_clear(rt_skips *skips);

/* Moves what skips holds into features->skipped, in its order; skips is empty then. */
rt_code rt__features_add_skips(rt_features *features, rt_skips *skips, rt_error *err);

#endif
