#include "deal_inside.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

rt_code rt__deal_new(const rt_deal_options *options, rt_deal **deal, rt_error *err)
{
    rt_deal *d = calloc(1, sizeof *d);
    if (d)
        d->peers = calloc((size_t)options->comm->size, sizeof *d->peers);
    if (!d || !d->peers) {
        free(d);
        return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    d->o = *options;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    *deal = d;
    return RT_OK;
}

void rt__deal_free(rt_deal *d)
{
    if (!d)
        return;
    for (int rank = 0; rank < d->o.comm->size; rank++)
        free(d->peers[rank].files);
    free(d->peers);
    free(d->keys);
    free(d->far);
    rt__buffer_clear(&d->in);
    rt__dealer_clear(&d->dealer);
    rt__helper_clear(&d->helper);
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->changed);
    free(d);
}

bool rt__deal_is_helper(const rt_deal *d)
{
    return d->o.comm->rank != 0;
}

int rt__deal_rank(const rt_deal *d)
{
    return d->o.comm->rank;
}

bool rt__deal_is_broken(const rt_deal *d)
{
    return d->broken;
}

bool rt__deal_is_told(const rt_deal *d)
{
    return d->told;
}

/* ---- meeting ---- */

rt_code rt__deal_await(rt_deal *d, size_t *n_photos, bool *over, rt_error *err)
{
    rt_deal_message m = {0};
    rt_code code = RT_OK;
    rt_go go;
    *over = false;
    while (code == RT_OK && m.kind == RT_DEAL_NOTHING)
        code = rt__deal_receive(d, RT_DEAL_POLL_MS, &m, err);
    if (code != RT_OK)
        return code;
    if ((*over = d->bye = m.kind == RT_DEAL_BYE))
        return RT_OK;
    if (m.kind != RT_DEAL_GO || m.size != sizeof go + sizeof d->peers[0].host)
        return rt__deal_unexpected(&m, err);
    memcpy(&go, m.bytes, sizeof go);
    memcpy(d->peers[0].host, m.bytes + sizeof go, sizeof d->peers[0].host);
    if (go.flags != d->o.flags)
        return rt_fail(err, RT_EARG, "it was given other photos, network or cache folder than rank 0");
    *n_photos = d->n_photos = (size_t)go.n_photos;
    return RT_OK;
}

rt_feature_source rt__deal_source(rt_deal *d, size_t n_photos)
{
    return (rt_feature_source){.user = d, .paths = rt__helper_paths, .n_photos = n_photos};
}

static rt_code welcome(rt_deal *d, const rt_deal_message *m, rt_error *err)
{
    rt_peer *peer = &d->peers[m->from];
    size_t size = m->size > sizeof(rt_hello) ? m->size - sizeof(rt_hello) : 0;
    if (m->kind != RT_DEAL_HELLO || m->size < sizeof(rt_hello) || peer->files)
        return rt__deal_unexpected(m, err);
    memcpy(peer->host, m->bytes, sizeof peer->host);
    peer->host[sizeof peer->host - 1] = 0;
    memcpy(peer->network, m->bytes + offsetof(rt_hello, network), sizeof peer->network);
    if (!(peer->files = malloc(size + 1)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    memcpy(peer->files, m->bytes + sizeof(rt_hello), size);
    peer->n_files = size / sizeof *peer->files;
    return RT_OK;
}

rt_code rt__deal_meet(rt_deal *d, size_t n_photos, rt_error *err)
{
    const rt_go go = {.n_photos = n_photos, .flags = d->o.flags};
    int left = d->o.comm->size - 1;
    rt_buffer text = {0};
    rt_code code;
    d->n_photos = n_photos;
    memcpy(d->peers[0].host, d->o.comm->host, sizeof d->peers[0].host);
    rt__buffer_add(&text, &go, sizeof go);
    rt__buffer_add(&text, d->peers[0].host, sizeof d->peers[0].host);
    if ((code = rt__buffer_ok(&text, err)) == RT_OK)
        code = rt__deal_send_all(d, RT_DEAL_GO, text.bytes, text.size, err);
    rt__buffer_clear(&text);
    while (left > 0 && code == RT_OK) {
        rt_deal_message m;
        code = rt__deal_receive(d, RT_DEAL_POLL_MS, &m, err);
        if (code != RT_OK || m.kind == RT_DEAL_NOTHING)
            continue;
        code = welcome(d, &m, err);
        left--;
    }
    return code;
}

/* ---- the pass ---- */

static void *serve(void *context)
{
    rt_deal *d = context;
    rt_error err;
    rt_code code = d->o.comm->rank == 0 ? rt__dealer_serve(d, &err) : rt__helper_serve(d, &err);
    if (code != RT_OK)
        rt__deal_fail(d, &err);
    return NULL;
}

static rt_code check_networks(const rt_deal *d, rt_error *err)
{
    for (int rank = 1; rank < d->o.comm->size; rank++)
        if (memcmp(d->peers[rank].network, d->network.digest, RT_NETWORK_BYTES) != 0)
            return rt_fail(err, RT_EARG,
                           "rank %d (%s) has another network at that path, or another version "
                           "of this program",
                           rank, d->peers[rank].host);
    return RT_OK;
}

rt_code rt__deal_begin(rt_deal *d, const rt_deal_pass *pass, rt_error *err)
{
    rt_path_owner *paths = NULL;
    size_t n_paths = 0;
    rt_code code = RT_OK;
    d->pass = *pass;
    d->network = *pass->module;
    if (!(d->far = calloc(d->n_photos + 1, sizeof *d->far)))
        return rt_fail(err, RT_ENOMEM, "out of memory to deal %zu photos", d->n_photos);
    if (d->o.comm->rank == 0)
        code = check_networks(d, err);
    if (code == RT_OK && (code = rt__deal_tell(d, &paths, &n_paths, err)) != RT_OK && d->o.comm->rank == 0)
        d->broken = true; /* others wait where no message reaches them */
    if (code == RT_OK && d->o.comm->rank == 0)
        code = rt__dealer_prepare(d, paths, n_paths, err);
    free(paths);
    if (code == RT_OK && pthread_create(&d->thread, NULL, serve, d) != 0)
        code = rt_fail(err, RT_ENOMEM, "cannot start a thread");
    d->serving = code == RT_OK;
    return code;
}

bool rt__deal_next(rt_deal *d, rt_deal_item *item)
{
    return d->o.comm->rank == 0 ? rt__dealer_next(d, item) : rt__helper_next(d, item);
}

rt_code rt__deal_done(rt_deal *d, const rt_deal_item *item, rt_outcome outcome, rt_error *err)
{
    if (d->o.comm->rank != 0)
        return rt__helper_done(d, item, outcome, err);
    rt__dealer_done(d);
    return RT_OK;
}

bool rt__deal_elsewhere(rt_deal *d, size_t photo, const uint8_t digest[RT_PHOTO_BYTES])
{
    const rt_packed_key_of *key = rt__deal_find(d, rt__packed_head(digest));
    if (!key)
        return false;
    d->far[photo] = (rt_far){key->place, key->crc, key->rank + 1};
    return true;
}

void rt__deal_stop(rt_deal *d)
{
    pthread_mutex_lock(&d->lock);
    d->stopped = true;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static rt_code join(rt_deal *d, rt_error *err)
{
    pthread_join(d->thread, NULL);
    d->serving = false;
    if (d->failed && err)
        *err = d->error;
    return d->failed ? d->error.code : RT_OK;
}

rt_code rt__deal_end(rt_deal *d, rt_code code, const rt_deal_counts *counts, rt_error *err)
{
    if (d->o.comm->rank == 0) {
        rt_code joined;
        pthread_mutex_lock(&d->lock);
        d->quit = true;
        pthread_mutex_unlock(&d->lock);
        if (code != RT_OK && err)
            rt__deal_fail(d, err);
        joined = join(d, err);
        return code == RT_OK ? joined : code;
    }
    return code == RT_OK ? rt__helper_post(d, RT_DEAL_FINISHED, counts, sizeof *counts, err) : code;
}

/* ---- then ---- */

void rt__deal_dismiss(rt_deal *d)
{
    const int64_t most_ns = INT64_C(60000000000), start = rt__clock_ns(CLOCK_MONOTONIC);
    int left = d->o.comm->size - 1;
    if (d->broken || rt__deal_send_all(d, RT_DEAL_BYE, NULL, 0, NULL) != RT_OK)
        return;
    d->o.stop = NULL;
    d->stopping_ns = 0;
    d->called = false;
    while (left > 0) {
        rt_deal_message m;
        rt_error seen;
        rt_code code = rt__deal_receive(d, RT_DEAL_POLL_MS, &m, &seen);
        if (d->broken || (code != RT_OK && code == RT_ENOMEM) ||
            rt__clock_ns(CLOCK_MONOTONIC) - start > most_ns)
            break;
        left = 0;
        for (int rank = 1; rank < d->o.comm->size; rank++)
            left += !d->peers[rank].gone;
    }
    d->broken = d->broken || left > 0;
}

static rt_code report(rt_deal *d, const rt_error *err)
{
    return d->serving ? rt__helper_post(d, RT_DEAL_FAILED, err, sizeof *err, NULL)
                      : rt__deal_send(d, 0, RT_DEAL_FAILED, err, sizeof *err, NULL);
}

static rt_code wait_for_bye(rt_deal *d, rt_error *err)
{
    if (!d->serving)
        return rt__helper_serve(d, err);
    pthread_mutex_lock(&d->lock);
    while (!d->bye && !d->failed)
        pthread_cond_wait(&d->changed, &d->lock);
    pthread_mutex_unlock(&d->lock);
    return join(d, err);
}

void rt__deal_serve(rt_deal *d, rt_code code, const rt_error *err)
{
    rt_error seen;
    bool failed = code != RT_OK && !d->broken && report(d, err) != RT_OK;
    if (!failed && (code = wait_for_bye(d, &seen)) != RT_OK && !d->broken)
        failed = report(d, &seen) != RT_OK || rt__helper_serve(d, &seen) != RT_OK;
    d->broken = d->broken || failed;
    if (!d->broken)
        d->broken = rt__deal_send(d, 0, RT_DEAL_GONE, NULL, 0, NULL) != RT_OK;
}
