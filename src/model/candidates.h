/* Where a network could be cut, for people to choose from. */
#ifndef RT_MODEL_CANDIDATES_H
#define RT_MODEL_CANDIDATES_H

#include "graph/cuts.h"
#include "network.h"

typedef struct rt_candidate {
    rt_cut cut;
    int64_t features; /* numbers a photo, averaged over places where it is a map */
    size_t found;     /* number in the order in which they were found */
    bool chosen;      /* one of the network's own features */
} rt_candidate;

/* The cuts on the ways to the classifier's scores, to the maps that heads read, or to the feature that the
 * file itself gives, the cheapest first.  Ways with an op that is not known are left out.
 *   network  read, cut and with its size known
 *   list     lives in arena */
rt_code rt__network_candidates(rt_network *network, rt_arena *arena, rt_candidate **list, size_t *n_list,
                               rt_error *err);

#endif
