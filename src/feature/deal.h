/* The photos of one run dealt to the processes of dist/comm.h, block by block, to whoever is ready for more.
 *
 * Rank 0 has the list; the others learn paths with their blocks.  Each process stores what it computes in its
 * own file of the packed cache (packed_shards.h) before it reports a block done.  At the start each tells
 * what it has: a photo goes first to who knows its file, and a vector that anybody has is not computed again.
 * Rank 0 ends up knowing of each photo where its vector is, and fetches those that training reads.
 *
 * Rank 0:  new, meet, begin, next and done by all threads, end, fetch, dismiss
 * Others:  new, await, begin, next and done by all threads, end, serve
 * A thread of its own moves the messages from begin on; rank 0's stops at end. */
#ifndef RT_FEATURE_DEAL_H
#define RT_FEATURE_DEAL_H

#include "dist/comm.h"
#include "packed.h"
#include "retrain/feature.h"

typedef struct rt_deal rt_deal;

typedef struct rt_deal_options {
    rt_comm *comm;
    const rt_log *log;        /* also of the other ranks, for what rank 0 can no longer say */
    bool (*stop)(void *user); /* whether a signal came; may be NULL */
    void *user;
    uint32_t flags; /* must be the same for all: a checksum of what they were told to do */
} rt_deal_options;

rt_code rt__deal_new(const rt_deal_options *options, rt_deal **deal, rt_error *err);
void rt__deal_free(rt_deal *deal); /* NULL is allowed */
int rt__deal_rank(const rt_deal *deal);
bool rt__deal_is_helper(const rt_deal *deal); /* not rank 0 */
/* The processes can no longer part in order: one died, or failed while the others wait for it. */
bool rt__deal_is_broken(const rt_deal *deal);
/* The error that ended it was logged already. */
bool rt__deal_is_told(const rt_deal *deal);

/* Not rank 0: waits for work of n_photos photos; *over: there is none. */
rt_code rt__deal_await(rt_deal *deal, size_t *n_photos, bool *over, rt_error *err);
/* The photos that are dealt to it. */
rt_feature_source rt__deal_source(rt_deal *deal, size_t n_photos);
/* Rank 0: waits until all others have opened network and cache. */
rt_code rt__deal_meet(rt_deal *deal, size_t n_photos, rt_error *err);

/* What the pass of this process lends. */
typedef struct rt_deal_counts {
    size_t n_done, n_cached, n_computed, n_read, n_imported;
} rt_deal_counts;
typedef struct rt_deal_pass {
    rt_packed *packed;
    const rt_packed_module *module;
    rt_place *places; /* [n_photos] */
    const rt_feature_source *source;
    void *context;
    void (*report)(void *context, const rt_deal_counts *counts); /* rank 0: what others did */
} rt_deal_pass;
rt_code rt__deal_begin(rt_deal *deal, const rt_deal_pass *pass, rt_error *err);

/* The next photo, or false: no more. */
typedef struct rt_deal_item {
    size_t photo;
    void *block; /* private */
} rt_deal_item;
bool rt__deal_next(rt_deal *deal, rt_deal_item *item);
typedef enum rt_outcome { RT_PHOTO_CACHED, RT_PHOTO_COMPUTED, RT_PHOTO_BAD } rt_outcome;
rt_code rt__deal_done(rt_deal *deal, const rt_deal_item *item, rt_outcome outcome, rt_error *err);
/* Whether another process has the vector; it is noted then. */
bool rt__deal_elsewhere(rt_deal *deal, size_t photo, const uint8_t digest[RT_PHOTO_BYTES]);
/* A thread failed: no more next for any. */
void rt__deal_stop(rt_deal *deal);
/* After the last next, where begin went well.  Rank 0: waits for all; others: counts are what they report. */
rt_code rt__deal_end(rt_deal *deal, rt_code code, const rt_deal_counts *counts, rt_error *err);

/* ---- then ---- */

/* Rank 0: whether photo's vector is with another process, and its CRC-32C. */
bool rt__deal_is_far(const rt_deal *deal, size_t photo, uint32_t *crc);
/* Rank 0: calls take for the vectors of those of the n photos that are far; they are no longer far then. */
typedef rt_code rt_deal_take(void *context, size_t photo, const rt_packed_note *note, const float *values,
                             rt_error *err);
rt_code rt__deal_fetch(rt_deal *deal, const uint32_t *photos, size_t n, rt_deal_take *take, void *context,
                       rt_error *err);
/* Rank 0: the others may go. */
void rt__deal_dismiss(rt_deal *deal);
/* Others: gives vectors until dismissed; after an error, which code and err tell of, reports that before. */
void rt__deal_serve(rt_deal *deal, rt_code code, const rt_error *err);

#endif
