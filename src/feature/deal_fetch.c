/* Vectors from other processes to rank 0: from each at once, a message of them at a time. */
#include "deal_inside.h"

#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

typedef struct wanted {
    uint32_t owner, photo; /* owner: its rank */
} wanted;

typedef struct fetch {
    rt_deal *deal;
    wanted *all; /* by owner; [n] */
    size_t n, n_done;
    size_t *next, *end; /* [size]: what was not asked for yet of each rank's */
    rt_deal_take *take;
    void *context;
} fetch;

bool rt__deal_is_far(const rt_deal *d, size_t photo, uint32_t *crc)
{
    *crc = d->far[photo].crc;
    return d->far[photo].owner != 0;
}

static int compare(const void *a, const void *b)
{
    const wanted *x = a, *y = b;
    if (x->owner != y->owner)
        return x->owner < y->owner ? -1 : 1;
    return (x->photo > y->photo) - (x->photo < y->photo);
}

static rt_code list(fetch *f, const uint32_t *photos, size_t n, rt_error *err)
{
    size_t size = (size_t)f->deal->o.comm->size, bytes;
    f->all = rt_mul(&bytes, n + 1, sizeof *f->all) ? malloc(bytes) : NULL;
    f->next = calloc(size, sizeof *f->next);
    f->end = calloc(size, sizeof *f->end);
    if (!f->all || !f->next || !f->end)
        return rt_fail(err, RT_ENOMEM, "out of memory to fetch %zu vectors", n);
    for (size_t i = 0; i < n; i++)
        if (f->deal->far[photos[i]].owner)
            f->all[f->n++] = (wanted){f->deal->far[photos[i]].owner - 1, photos[i]};
    if (f->n)
        qsort(f->all, f->n, sizeof *f->all, compare);
    for (size_t i = 0; i < f->n; i++) {
        if (f->end[f->all[i].owner] == 0)
            f->next[f->all[i].owner] = i;
        f->end[f->all[i].owner] = i + 1;
    }
    return RT_OK;
}

static rt_code ask(fetch *f, int rank, rt_error *err)
{
    rt_order orders[RT_DEAL_FETCHED];
    size_t n = 0;
    while (n < RT_DEAL_FETCHED && f->next[rank] < f->end[rank]) {
        uint32_t photo = f->all[f->next[rank]++].photo;
        orders[n++] = (rt_order){photo, f->deal->far[photo].place};
    }
    return n ? rt__deal_send(f->deal, rank, RT_DEAL_FETCH, orders, n * sizeof *orders, err) : RT_OK;
}

static rt_code take_vectors(fetch *f, const rt_deal_message *m, float *values, rt_error *err)
{
    size_t size = f->deal->network.feature_size * sizeof *values;
    rt_code code = RT_OK;
    for (size_t at = 0; at < m->size && code == RT_OK;) {
        uint32_t photo;
        rt_packed_note note;
        if (m->size - at < sizeof photo + sizeof note + size)
            return rt__deal_unexpected(m, err);
        memcpy(&photo, m->bytes + at, sizeof photo);
        memcpy(&note, m->bytes + at + sizeof photo, sizeof note);
        memcpy(values, m->bytes + at + sizeof photo + sizeof note, size);
        at += sizeof photo + sizeof note + size;
        if (photo >= f->deal->n_photos || !f->deal->far[photo].owner)
            return rt__deal_unexpected(m, err);
        f->deal->far[photo].owner = 0;
        f->n_done++;
        code = f->take(f->context, photo, &note, values, err);
    }
    return code == RT_OK ? ask(f, m->from, err) : code;
}

static rt_code exchange(fetch *f, rt_error *err)
{
    float *values = malloc(f->deal->network.feature_size * sizeof *values);
    rt_code code = values ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    for (int rank = 0; rank < f->deal->o.comm->size && code == RT_OK; rank++)
        code = ask(f, rank, err);
    while (code == RT_OK && f->n_done < f->n) {
        rt_deal_message m;
        code = rt__deal_receive(f->deal, RT_DEAL_POLL_MS, &m, err);
        if (code == RT_OK && m.kind != RT_DEAL_NOTHING)
            code =
                m.kind == RT_DEAL_VECTORS ? take_vectors(f, &m, values, err) : rt__deal_unexpected(&m, err);
    }
    free(values);
    return code;
}

rt_code rt__deal_fetch(rt_deal *d, const uint32_t *photos, size_t n, rt_deal_take *take, void *context,
                       rt_error *err)
{
    fetch f = {.deal = d, .take = take, .context = context};
    rt_code code = list(&f, photos, n, err);
    if (code == RT_OK && f.n)
        code = exchange(&f, err);
    free(f.all);
    free(f.next);
    free(f.end);
    return code;
}
