/* Every rank but 0: works on blocks of photos, one ahead, and gives vectors to rank 0. */
#include "deal_inside.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

static void free_block(rt_deal_block *b)
{
    rt__buffer_clear(&b->message);
    free(b);
}

void rt__helper_clear(rt_helper *h)
{
    for (rt_deal_block *b = h->blocks, *next; b; b = next) {
        next = b->next;
        free_block(b);
    }
    for (size_t i = 0; i < h->n_out; i++)
        rt__buffer_clear(&h->out[i]);
    free(h->out);
}

/* ---- for the threads that work ---- */

/* The first block with photos to hand out, or NULL.  With the lock. */
static rt_deal_block *open_block(const rt_helper *h)
{
    rt_deal_block *b = h->blocks;
    while (b && b->at == b->n)
        b = b->next;
    return b;
}

bool rt__helper_next(rt_deal *d, rt_deal_item *item)
{
    rt_helper *h = &d->helper;
    rt_deal_block *b;
    pthread_mutex_lock(&d->lock);
    while (!(b = open_block(h)) && !h->no_more && !d->failed && !d->bye && !d->stopped)
        pthread_cond_wait(&d->changed, &d->lock);
    if (d->failed || d->bye || d->stopped)
        b = NULL;
    if (b)
        *item = (rt_deal_item){b->reports[b->at++].photo, b};
    pthread_mutex_unlock(&d->lock);
    return b != NULL;
}

rt_code rt__helper_paths(const void *user, size_t i, char *photo, char *cache, size_t size, rt_error *err)
{
    rt_deal *d = (rt_deal *)(uintptr_t)user; /* which only its lock changes */
    rt_code code = rt_fail(err, RT_EARG, "photo %zu was not dealt here", i);
    pthread_mutex_lock(&d->lock);
    for (const rt_deal_block *b = d->helper.blocks; b && code != RT_OK; b = b->next)
        for (size_t k = 0; k < b->n && code != RT_OK; k++) {
            if (b->reports[k].photo != i)
                continue;
            code = RT_OK;
            strncpy(photo, b->photos[k], size - 1)[size - 1] = 0;
            if (cache)
                strncpy(cache, b->texts[k], size - 1)[size - 1] = 0;
        }
    pthread_mutex_unlock(&d->lock);
    return code;
}

rt_code rt__helper_post(rt_deal *d, rt_deal_kind kind, const void *bytes, size_t size, rt_error *err)
{
    rt_helper *h = &d->helper;
    rt_buffer message = {0};
    rt_code code;
    rt__buffer_u32(&message, (uint32_t)kind);
    rt__buffer_add(&message, bytes, size);
    code = rt__buffer_ok(&message, err);
    pthread_mutex_lock(&d->lock);
    if (code == RT_OK && h->n_out == h->room) {
        rt_buffer *out = rt__array_grow(h->out, &h->room, 8, sizeof *out);
        if (out)
            h->out = out;
        else
            code = rt_fail(err, RT_ENOMEM, "out of memory");
    }
    if (code == RT_OK)
        h->out[h->n_out++] = message;
    else
        rt__buffer_clear(&message);
    pthread_mutex_unlock(&d->lock);
    return code;
}

/* What rank 0 is told of a photo whose vector is stored here or known to be elsewhere. */
static rt_code complete(const rt_deal *d, rt_report *r, rt_error *err)
{
    const rt_far *far = &d->far[r->photo];
    rt_packed_note note;
    rt_code code;
    if (r->outcome == RT_PHOTO_BAD)
        return RT_OK;
    if (far->owner) {
        r->place = far->place;
        r->rank = far->owner - 1;
        r->crc = far->crc;
        return RT_OK;
    }
    r->place = d->pass.places[r->photo];
    r->rank = (uint32_t)d->o.comm->rank;
    if ((code = rt__packed_get(d->pass.packed, &r->place, &note, NULL, err)) != RT_OK)
        return code;
    r->crc = note.crc;
    memcpy(r->digest, note.photo, sizeof r->digest);
    return RT_OK;
}

/* All photos of the block are done: what was computed is stored before rank 0 hears of it. */
static rt_code report_block(rt_deal *d, rt_deal_block *b, rt_error *err)
{
    rt_code code = rt__packed_flush(d->pass.packed, err);
    for (size_t i = 0; i < b->n && code == RT_OK; i++)
        code = complete(d, &b->reports[i], err);
    return code == RT_OK ? rt__helper_post(d, RT_DEAL_DONE, b->reports, b->n * sizeof *b->reports, err)
                         : code;
}

static void unlink_block(rt_helper *h, const rt_deal_block *b)
{
    rt_deal_block **link = &h->blocks;
    while (*link != b)
        link = &(*link)->next;
    *link = b->next;
}

rt_code rt__helper_done(rt_deal *d, const rt_deal_item *item, rt_outcome outcome, rt_error *err)
{
    rt_deal_block *b = item->block;
    rt_code code;
    bool last;
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < b->n; i++)
        if (b->reports[i].photo == item->photo)
            b->reports[i].outcome = outcome;
    last = --b->left == 0;
    if (last)
        unlink_block(&d->helper, b);
    pthread_mutex_unlock(&d->lock);
    if (!last)
        return RT_OK;
    code = report_block(d, b, err);
    free_block(b);
    return code;
}

/* ---- the thread that moves messages ---- */

static bool read_text(const char **at, const char *end, const char **text)
{
    const char *stop = memchr(*at, 0, (size_t)(end - *at));
    *text = *at;
    *at = stop ? stop + 1 : end;
    return stop != NULL;
}

static bool read_block(rt_deal_block *b, size_t n_photos)
{
    const char *at = b->message.bytes, *end = at + b->message.size;
    while (at < end) {
        rt_report *r = &b->reports[b->n];
        if (b->n == RT_DEAL_PHOTOS || (size_t)(end - at) < sizeof r->photo)
            return false;
        memcpy(&r->photo, at, sizeof r->photo);
        at += sizeof r->photo;
        if (r->photo >= n_photos || !read_text(&at, end, &b->photos[b->n]) ||
            !read_text(&at, end, &b->texts[b->n]))
            return false;
        b->n++;
    }
    b->left = b->n;
    return true;
}

static rt_code add_block(rt_deal *d, const rt_deal_message *m, rt_error *err)
{
    rt_deal_block *b = calloc(1, sizeof *b), **last = &d->helper.blocks;
    if (!b)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    rt__buffer_add(&b->message, m->bytes, m->size);
    if (b->message.failed || !read_block(b, d->n_photos) || b->n == 0) {
        bool empty = !b->message.failed && b->n == 0 && m->size == 0;
        free_block(b);
        return empty ? RT_OK : rt__deal_unexpected(m, err);
    }
    pthread_mutex_lock(&d->lock);
    while (*last)
        last = &(*last)->next;
    *last = b;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    return RT_OK;
}

/* Posted messages, and a question for more where no block is left untouched. */
static rt_code send_posted(rt_deal *d, rt_error *err)
{
    rt_helper *h = &d->helper;
    const rt_deal_block *open;
    rt_code code = RT_OK;
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < h->n_out; i++) {
        if (code == RT_OK)
            code = d->o.comm->calls->send(d->o.comm, 0, h->out[i].bytes, h->out[i].size, err);
        rt__buffer_clear(&h->out[i]);
    }
    h->n_out = 0;
    open = open_block(h);
    while (open && open->at > 0)
        open = open->next;
    if (code == RT_OK && !open && !h->asked && !h->no_more && !d->failed && !d->stopped) {
        h->asked = true;
        code = rt__deal_send(d, 0, RT_DEAL_WANT, NULL, 0, err);
    }
    pthread_mutex_unlock(&d->lock);
    return code;
}

static rt_code give_vectors(rt_deal *d, const rt_deal_message *m, rt_error *err)
{
    size_t n = m->size / sizeof(rt_order), size = d->network.feature_size * sizeof(float);
    float *values = malloc(size);
    rt_buffer reply = {0};
    rt_code code = values ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < n && code == RT_OK; i++) {
        rt_packed_note note;
        rt_order order;
        memcpy(&order, m->bytes + i * sizeof order, sizeof order);
        code = rt__packed_get(d->pass.packed, &order.place, &note, values, err);
        if (code != RT_OK)
            break;
        rt__buffer_add(&reply, &order.photo, sizeof order.photo);
        rt__buffer_add(&reply, &note, sizeof note);
        rt__buffer_add(&reply, values, size);
    }
    if (code == RT_OK)
        code = rt__buffer_ok(&reply, err);
    if (code == RT_OK)
        code = rt__deal_send(d, 0, RT_DEAL_VECTORS, reply.bytes, reply.size, err);
    rt__buffer_clear(&reply);
    free(values);
    return code;
}

static rt_code handle(rt_deal *d, const rt_deal_message *m, rt_error *err)
{
    if (m->kind == RT_DEAL_FETCH)
        return give_vectors(d, m, err);
    if (m->kind != RT_DEAL_NONE && m->kind != RT_DEAL_BLOCK && m->kind != RT_DEAL_BYE)
        return m->kind == RT_DEAL_NOTHING ? RT_OK : rt__deal_unexpected(m, err);
    pthread_mutex_lock(&d->lock);
    d->helper.asked = false;
    d->helper.no_more = d->helper.no_more || m->kind == RT_DEAL_NONE;
    d->bye = m->kind == RT_DEAL_BYE;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    return m->kind == RT_DEAL_BLOCK ? add_block(d, m, err) : RT_OK;
}

/* A failure is told to rank 0, which then says bye. */
rt_code rt__helper_serve(rt_deal *d, rt_error *err)
{
    rt_code code = RT_OK;
    while (code == RT_OK && !d->bye) {
        rt_deal_message m;
        code = send_posted(d, err);
        if (code == RT_OK)
            code = rt__deal_receive(d, RT_DEAL_POLL_MS, &m, err);
        if (code == RT_OK)
            code = handle(d, &m, err);
    }
    return code;
}
