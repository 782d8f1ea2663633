/* Rank 0: who gets which photos. */
#include "deal_inside.h"

#include "base/array.h"
#include "features_inside.h"

#include <stdlib.h>
#include <string.h>

/* ---- groups ---- */

static size_t n_groups(const rt_deal *d)
{
    return (size_t)d->o.comm->size + 1;
}

/* 0: nobody knows the photo's file; else the rank and 1 of who does.  A path that cannot be made is no error
 * yet. */
static rt_code group_of(const rt_deal *d, const rt_path_owner *paths, size_t n_paths, size_t i, size_t *group,
                        rt_error *err)
{
    const rt_feature_source *source = d->pass.source;
    char photo[RT_PATH_BYTES], text[RT_PATH_BYTES];
    uint64_t head;
    size_t at;
    rt_code code;
    *group = 0;
    if (n_paths == 0 || source->paths(source->user, i, photo, text, RT_PATH_BYTES, NULL) != RT_OK)
        return RT_OK;
    if ((code = rt__packed_path_head(d->pass.packed, photo, &head, err)) != RT_OK)
        return code;
    at = rt__deal_first(paths, n_paths, sizeof *paths, head);
    if (at < n_paths && paths[at].path == head)
        *group = (size_t)paths[at].rank + 1;
    return RT_OK;
}

static bool allocate(rt_deal *d)
{
    rt_dealer *q = &d->dealer;
    q->order = calloc(d->n_photos + 1, sizeof *q->order);
    q->begin = calloc(n_groups(d) + 1, sizeof *q->begin);
    q->end = calloc(n_groups(d) + 1, sizeof *q->end);
    return q->order && q->begin && q->end;
}

/* A counting sort by group that keeps the order of the list. */
static void sort_groups(rt_deal *d, const uint32_t *groups)
{
    rt_dealer *q = &d->dealer;
    for (size_t i = 0; i < d->n_photos; i++)
        if (groups[i] != UINT32_MAX)
            q->end[groups[i]]++;
    for (size_t g = 0, at = 0; g < n_groups(d); g++) {
        q->begin[g] = at;
        at += q->end[g];
        q->end[g] = q->begin[g];
        q->queued = at;
    }
    for (size_t i = 0; i < d->n_photos; i++)
        if (groups[i] != UINT32_MAX)
            q->order[q->end[groups[i]]++] = (uint32_t)i;
    q->n = q->left = q->queued;
}

rt_code rt__dealer_prepare(rt_deal *d, const rt_path_owner *paths, size_t n_paths, rt_error *err)
{
    const rt_feature_source *source = d->pass.source;
    uint32_t *groups = calloc(d->n_photos + 1, sizeof *groups);
    rt_code code = RT_OK;
    if (!groups || !allocate(d)) {
        free(groups);
        return rt_fail(err, RT_ENOMEM, "out of memory to deal %zu photos", d->n_photos);
    }
    for (size_t i = 0; i < d->n_photos && code == RT_OK; i++) {
        size_t group = UINT32_MAX;
        if (rt__photo_wanted(source, i))
            code = group_of(d, paths, n_paths, i, &group, err);
        groups[i] = (uint32_t)group;
    }
    if (code == RT_OK)
        sort_groups(d, groups);
    free(groups);
    return code;
}

void rt__dealer_clear(rt_dealer *q)
{
    free(q->order);
    free(q->begin);
    free(q->end);
    free(q->again);
}

/* ---- dealing ---- */

static size_t size_of(const rt_dealer *q, size_t group)
{
    return q->end[group] - q->begin[group];
}

/* Blocks become small when little is left, so that all end at about the same time. */
static size_t block_size(const rt_deal *d)
{
    size_t share = d->dealer.queued / (2 * (size_t)d->o.comm->size);
    return share < RT_DEAL_FEW ? RT_DEAL_FEW : share > RT_DEAL_PHOTOS ? RT_DEAL_PHOTOS : share;
}

/* A rank's own photos, then those of nobody, then the last ones of who has most.  With the lock. */
static size_t take(rt_deal *d, int rank, uint32_t *photos)
{
    rt_dealer *q = &d->dealer;
    size_t group = (size_t)rank + 1, n = block_size(d);
    bool steals = false;
    if (size_of(q, group) == 0)
        group = 0;
    if (size_of(q, group) == 0) {
        for (size_t g = 1; g < n_groups(d); g++)
            if (size_of(q, g) > size_of(q, group))
                group = g;
        steals = true;
    }
    n = n < size_of(q, group) ? n : size_of(q, group);
    memcpy(photos, q->order + (steals ? q->end[group] - n : q->begin[group]), n * sizeof *photos);
    if (steals)
        q->end[group] -= n;
    else
        q->begin[group] += n;
    q->queued -= n;
    return n;
}

/* What was computed of the block before is stored before the next.  With the lock, which is given up
 * meanwhile. */
static void store_block(rt_deal *d)
{
    rt_error err;
    d->dealer.n_mine = d->dealer.at_mine = 0;
    pthread_mutex_unlock(&d->lock);
    if (rt__packed_flush(d->pass.packed, &err) != RT_OK)
        rt__deal_fail(d, &err);
    pthread_mutex_lock(&d->lock);
}

/* A photo for rank 0 itself.  With the lock. */
static bool take_one(rt_deal *d, size_t *photo)
{
    rt_dealer *q = &d->dealer;
    if (q->n_again > 0) {
        *photo = q->again[--q->n_again];
        return true;
    }
    if (q->n_mine == 0)
        q->n_mine = take(d, 0, q->mine);
    if (q->at_mine < q->n_mine)
        *photo = q->mine[q->at_mine++];
    else
        return false;
    return true;
}

bool rt__dealer_next(rt_deal *d, rt_deal_item *item)
{
    const rt_dealer *q = &d->dealer;
    bool found = false;
    pthread_mutex_lock(&d->lock);
    while (!d->failed && !d->stopped && !found && q->left > 0) {
        if (q->n_mine && q->at_mine == q->n_mine)
            store_block(d);
        else if (!(found = take_one(d, &item->photo))) /* others may still give some back */
            pthread_cond_wait(&d->changed, &d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    return found;
}

void rt__dealer_done(rt_deal *d)
{
    pthread_mutex_lock(&d->lock);
    if (--d->dealer.left == 0)
        pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

/* ---- what others say ---- */

/* With the lock. */
static rt_code give_back(rt_deal *d, uint32_t photo, rt_error *err)
{
    rt_dealer *q = &d->dealer;
    if (q->n_again == q->room) {
        uint32_t *more = rt__array_grow(q->again, &q->room, 64, sizeof *more);
        if (!more)
            return rt_fail(err, RT_ENOMEM, "out of memory");
        q->again = more;
    }
    q->again[q->n_again++] = photo;
    pthread_cond_broadcast(&d->changed);
    return RT_OK;
}

/* A photo as a block's message has it. */
static bool add_photo(const rt_deal *d, uint32_t photo, rt_buffer *message)
{
    const rt_feature_source *source = d->pass.source;
    char path[RT_PATH_BYTES], text[RT_PATH_BYTES];
    if (source->paths(source->user, photo, path, text, RT_PATH_BYTES, NULL) != RT_OK)
        return false;
    rt__buffer_add(message, &photo, sizeof photo);
    rt__buffer_add(message, path, strlen(path) + 1);
    rt__buffer_add(message, text, strlen(text) + 1);
    return true;
}

static rt_code deal_block(rt_deal *d, int rank, rt_error *err)
{
    uint32_t photos[RT_DEAL_PHOTOS];
    rt_buffer message = {0};
    rt_code code = RT_OK;
    size_t n;
    pthread_mutex_lock(&d->lock);
    n = d->peers[rank].unable ? 0 : take(d, rank, photos);
    for (size_t i = 0; i < n && code == RT_OK; i++)
        if (add_photo(d, photos[i], &message))
            d->peers[rank].n_dealt++;
        else
            code = give_back(d, photos[i], err); /* rank 0 will say what is wrong with it */
    pthread_mutex_unlock(&d->lock);
    if (code == RT_OK)
        code = rt__buffer_ok(&message, err);
    if (code == RT_OK)
        code = rt__deal_send(d, rank, n ? RT_DEAL_BLOCK : RT_DEAL_NONE, message.bytes, message.size, err);
    rt__buffer_clear(&message);
    return code;
}

/* Where rank 0 finds the vector from now on: in a file that it sees too, or with another process. */
static rt_code place_vector(rt_deal *d, const rt_report *r, rt_error *err)
{
    static const uint8_t none[RT_PHOTO_BYTES];
    rt_place *place = &d->pass.places[r->photo];
    bool damaged;
    rt_code code;
    if (r->rank == 0) {
        *place = r->place;
        return RT_OK;
    }
    if (rt__packed_n_files(d->pass.packed) > 1 && memcmp(r->digest, none, sizeof none) != 0) {
        code = rt__packed_find(d->pass.packed, r->digest, place, &damaged, err);
        if (code != RT_OK || place->block)
            return code;
    }
    d->far[r->photo] = (rt_far){r->place, r->crc, r->rank + 1};
    return RT_OK;
}

static rt_code take_report(rt_deal *d, const rt_report *r, rt_deal_counts *counts, rt_error *err)
{
    rt_code code = RT_OK;
    if (r->photo >= d->n_photos || r->rank >= (uint32_t)d->o.comm->size)
        return rt_fail(err, RT_EFORMAT, "a report of photo %u of %zu", r->photo, d->n_photos);
    if (r->outcome != RT_PHOTO_BAD) {
        counts->n_done++;
        counts->n_cached += r->outcome == RT_PHOTO_CACHED;
        counts->n_computed += r->outcome == RT_PHOTO_COMPUTED;
        code = place_vector(d, r, err);
    }
    pthread_mutex_lock(&d->lock);
    if (r->outcome != RT_PHOTO_BAD)
        d->dealer.left--;
    else if (code == RT_OK)
        code = give_back(d, r->photo, err);
    pthread_mutex_unlock(&d->lock);
    return code;
}

static rt_code take_reports(rt_deal *d, const rt_deal_message *m, rt_error *err)
{
    rt_peer *peer = &d->peers[m->from];
    rt_deal_counts counts = {0};
    size_t n = m->size / sizeof(rt_report), n_bad;
    rt_code code = RT_OK;
    for (size_t i = 0; i < n && code == RT_OK; i++) {
        rt_report report;
        memcpy(&report, m->bytes + i * sizeof report, sizeof report);
        code = take_report(d, &report, &counts, err);
    }
    n_bad = n - counts.n_done;
    peer->n_dealt -= n < peer->n_dealt ? n : peer->n_dealt;
    if (code == RT_OK && n_bad == n && n > 1 && !peer->unable) {
        peer->unable = true;
        rt_log_line(
            d->o.log, RT_WARN,
            "WARNING: rank %d (%s) could read none of %zu photos and gets no more: they must be at the "
            "same path there.",
            m->from, peer->host, n);
    }
    if (code == RT_OK)
        d->pass.report(d->pass.context, &counts);
    pthread_mutex_lock(&d->lock);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    return code;
}

static rt_code finish(rt_deal *d, const rt_deal_message *m, rt_error *err)
{
    rt_deal_counts counts;
    if (m->size != sizeof counts)
        return rt__deal_unexpected(m, err);
    memcpy(&counts, m->bytes, sizeof counts);
    d->pass.report(d->pass.context,
                   &(rt_deal_counts){.n_read = counts.n_read, .n_imported = counts.n_imported});
    d->peers[m->from].finished = true;
    return RT_OK;
}

static bool all_finished(const rt_deal *d)
{
    for (int rank = 1; rank < d->o.comm->size; rank++)
        if (!d->peers[rank].finished)
            return false;
    return true;
}

rt_code rt__dealer_serve(rt_deal *d, rt_error *err)
{
    rt_code code = RT_OK;
    bool over = false;
    while (code == RT_OK && !over) {
        rt_deal_message m;
        code = rt__deal_receive(d, RT_DEAL_POLL_MS, &m, err);
        if (code == RT_OK && m.kind == RT_DEAL_WANT)
            code = deal_block(d, m.from, err);
        else if (code == RT_OK && m.kind == RT_DEAL_DONE)
            code = take_reports(d, &m, err);
        else if (code == RT_OK && m.kind == RT_DEAL_FINISHED)
            code = finish(d, &m, err);
        else if (code == RT_OK && m.kind != RT_DEAL_NOTHING)
            code = rt__deal_unexpected(&m, err);
        pthread_mutex_lock(&d->lock);
        over = d->failed || (d->quit && all_finished(d));
        pthread_mutex_unlock(&d->lock);
    }
    return code;
}
