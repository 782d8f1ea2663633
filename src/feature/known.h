/* Which photos the packed cache knows, and has vectors of, without reading any: by the shares of all photos
 * that threads look up, each in the order of the cache. */
#ifndef RT_FEATURE_KNOWN_H
#define RT_FEATURE_KNOWN_H

#include "packed.h"
#include "retrain/feature.h"

typedef struct rt_known {
    rt_packed *packed;
    const rt_feature_source *source;
    size_t n_threads;
    rt_place *places;                         /* [source->n_photos], zero; written for those that are known */
    void (*found)(void *user, size_t n_more); /* threads call it */
    void *user;
} rt_known;

/* Photos that are not found this way may be known all the same, to who looks closer: those that moved, for
 * one. */
rt_code rt__known_find(const rt_known *known, rt_error *err);

#endif
