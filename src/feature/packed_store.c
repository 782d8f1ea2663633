#include "packed_inside.h"

#include "base/clock.h"
#include "base/hash.h"

#include <string.h>
#include <time.h>

enum { STORE_NS = 250000000 /* what a kill can lose */, DAY = 86400 };

typedef struct change {
    rt_packed *packed;
    const rt_packed_batch *batch;
    rt_packed_spot where[RT_PACKED_ROWS];
    uint32_t module;
} change;

static rt_code store_module(change *c, rt_kv_txn *txn, rt_packed_counters *counters, rt_error *err)
{
    const rt_packed *p = c->packed;
    uint8_t key[RT_PACKED_KEY];
    rt_buffer value = {0};
    rt_packed_module_record *r;
    rt_packed_search s;
    rt_code code = rt__packed_find_module(p, txn, &s, err);
    int64_t now = (int64_t)time(NULL);
    c->module = s.number;
    if (code != RT_OK || (s.number && now < s.record.used + DAY))
        return code;
    if (!s.number) {
        r = &s.record;
        *r = (rt_packed_module_record){.feature_size = (uint32_t)p->module.feature_size, .made = now};
        memcpy(r->digest, p->module.digest, sizeof r->digest);
        c->module = ++counters->module;
    }
    s.record.used = now;
    rt__buffer_add(&value, &s.record, sizeof s.record);
    rt__buffer_text(&value, p->name);
    if ((code = rt__buffer_ok(&value, err)) == RT_OK)
        code = rt__kv_put(txn, rt__packed_key('M', &c->module, key), (rt_span){value.bytes, value.size}, err);
    rt__buffer_clear(&value);
    return code;
}

static rt_code store_files(const rt_packed_batch *b, rt_kv_txn *txn, rt_error *err)
{
    rt_code code = RT_OK;
    const char *at = b->files.bytes;
    for (size_t left = b->files.size; left > 0 && code == RT_OK;) {
        uint32_t sizes[2];
        memcpy(sizes, at, sizeof sizes);
        at += sizeof sizes;
        code = rt__kv_put(txn, (rt_span){at, sizes[0]}, (rt_span){at + sizes[0], sizes[1]}, err);
        at += sizes[0] + sizes[1];
        left -= sizeof sizes + sizes[0] + sizes[1];
    }
    return code;
}

/* Chooses a row's place: what another process or an earlier row of the batch stored, or else the next of the
 * new block; *is_new tells. */
static rt_code choose(change *c, rt_kv_txn *txn, size_t i, rt_packed_spot next, bool *is_new, rt_error *err)
{
    const rt_packed_note *note = &c->batch->notes[i];
    uint8_t key[RT_PACKED_KEY];
    bool damaged;
    rt_code code;
    for (size_t k = 0; k < i; k++)
        if (memcmp(c->batch->notes[k].photo, note->photo, sizeof note->photo) == 0) {
            c->where[i] = c->where[k];
            return RT_OK;
        }
    code = rt__packed_find_in(c->packed, c->packed->own->kv, txn, c->module, note->photo, &c->where[i],
                              &damaged, err);
    if (code != RT_OK || c->where[i].block)
        return code;
    *is_new = true;
    c->where[i] = next;
    return rt__kv_put(txn, rt__packed_index_key(c->module, note->photo, key), (rt_span){&next, sizeof next},
                      err);
}

static rt_code store_rows(change *c, rt_kv_txn *txn, rt_packed_counters *counters, rt_error *err)
{
    const rt_packed_note *notes[RT_PACKED_ROWS];
    const void *vectors[RT_PACKED_ROWS];
    rt_packed_rows rows = {.module = c->module,
                           .feature_size = c->packed->module.feature_size,
                           .made = (int64_t)time(NULL),
                           .notes = notes,
                           .vectors = vectors};
    rt_code code = RT_OK;
    for (size_t i = 0; i < c->batch->n && code == RT_OK; i++) {
        bool is_new = false;
        code = choose(c, txn, i, (rt_packed_spot){counters->block + 1, (uint32_t)rows.n}, &is_new, err);
        notes[rows.n] = &c->batch->notes[i];
        vectors[rows.n] = c->batch->values + i * rows.feature_size;
        rows.n += is_new;
    }
    if (code != RT_OK || rows.n == 0)
        return code;
    if (counters->block == UINT32_MAX)
        return rt_fail(err, RT_ELIMIT, "has had 4294967295 blocks: delete it, or name another folder");
    return rt__packed_put_block(txn, &rows, ++counters->block, err);
}

static rt_code make_change(void *context, rt_kv_txn *txn, rt_error *err)
{
    change *c = context;
    rt_packed_counters counters, before;
    rt_code code = rt__packed_counters_read(txn, &counters, err);
    before = counters;
    if (code == RT_OK)
        code = store_module(c, txn, &counters, err);
    if (code == RT_OK)
        code = store_files(c->batch, txn, err);
    if (code == RT_OK)
        code = store_rows(c, txn, &counters, err);
    if (code == RT_OK && memcmp(&before, &counters, sizeof before) != 0)
        code = rt__packed_counters_write(txn, &counters, err);
    return code;
}

static rt_code store(rt_packed *p, rt_packed_batch *b, rt_error *err)
{
    change c = {.packed = p, .batch = b};
    rt_code code = rt__buffer_ok(&b->files, err);
    if (code == RT_OK)
        code = rt__kv_write(p->own->kv, make_change, &c, err);
    if (code != RT_OK) {
        rt_doing(err, rt__kv_path(p->own->kv), "cannot write cache");
        return code;
    }
    for (size_t i = 0; i < b->n; i++)
        *b->places[i] = (rt_place){c.where[i].block, (uint16_t)c.where[i].row, 0};
    atomic_store(&p->own->number, c.module);
    return RT_OK;
}

/* Stores what is pending while others go on adding; called with the lock, and left with it. */
static rt_code store_pending(rt_packed *p, rt_error *err)
{
    rt_packed_batch *b = p->pending;
    rt_code code;
    while (!p->spare)
        pthread_cond_wait(&p->stored, &p->lock);
    if (b != p->pending) /* another thread was quicker */
        return RT_OK;
    p->pending = p->spare;
    p->spare = NULL;
    p->pending->n = 0;
    rt__buffer_reset(&p->pending->files);
    p->pending->since_ns = rt__clock_ns(CLOCK_MONOTONIC);
    pthread_mutex_unlock(&p->lock);
    code = store(p, b, err);
    pthread_mutex_lock(&p->lock);
    p->spare = b;
    pthread_cond_broadcast(&p->stored);
    return code;
}

static bool is_due(const rt_packed *p)
{
    const rt_packed_batch *b = p->pending;
    if (b->n == p->batch_rows || b->files.size >= RT_PACKED_BATCH)
        return true;
    return p->spare && rt__clock_ns(CLOCK_MONOTONIC) - b->since_ns >= STORE_NS;
}

rt_code rt__packed_add(rt_packed *p, const rt_packed_row *row, rt_error *err)
{
    size_t row_bytes = p->module.feature_size * sizeof(float);
    rt_packed_note note = {.crc = rt__crc32c(0, row->values, row_bytes), .source = (uint32_t)row->source};
    rt_code code = RT_OK;
    memcpy(note.photo, row->photo, sizeof note.photo);
    pthread_mutex_lock(&p->lock);
    while (p->pending->n == p->batch_rows && code == RT_OK)
        code = store_pending(p, err);
    if (code == RT_OK) {
        rt_packed_batch *b = p->pending;
        if (b->n == 0)
            b->since_ns = rt__clock_ns(CLOCK_MONOTONIC);
        b->notes[b->n] = note;
        b->places[b->n] = row->place;
        memcpy(b->values + b->n * p->module.feature_size, row->values, row_bytes);
        b->n++;
        if (is_due(p))
            code = store_pending(p, err);
    }
    pthread_mutex_unlock(&p->lock);
    return code;
}

static rt_code use_module(rt_packed *p, bool *stale, rt_error *err)
{
    rt_kv_txn *txn;
    rt_packed_search s;
    rt_code code = rt__kv_begin(p->own->kv, &txn, err);
    if (code != RT_OK)
        return code;
    code = rt__packed_find_module(p, txn, &s, err);
    *stale = s.number && (int64_t)time(NULL) >= s.record.used + DAY;
    rt__kv_end(txn);
    return code;
}

rt_code rt__packed_flush(rt_packed *p, rt_error *err)
{
    bool stale = false;
    rt_code code;
    if (!rt__packed_writable(p))
        return RT_OK;
    code = use_module(p, &stale, err);
    pthread_mutex_lock(&p->lock);
    if (code == RT_OK && (stale || p->pending->n || p->pending->files.size))
        code = store_pending(p, err);
    pthread_mutex_unlock(&p->lock);
    return code;
}

rt_code rt__packed_note_file(rt_packed *p, const rt_file_info *file, const char *path, const uint8_t *photo,
                             rt_error *err)
{
    rt_packed_known record = {.size = file->size, .mtime_ns = file->mtime_ns, .ctime_ns = file->ctime_ns};
    uint8_t key[RT_PACKED_KEY];
    rt_span k = rt__packed_file_key(file->device, file->inode, key);
    rt_buffer whole = {0};
    rt_buffer *to;
    rt_code code = RT_OK;
    memcpy(record.photo, photo, sizeof record.photo);
    rt__buffer_format(&whole, "%s%s%s", *path == '/' ? "" : p->folder, *path == '/' ? "" : "/", path);
    pthread_mutex_lock(&p->lock);
    if (p->pending->files.size >= RT_PACKED_BATCH)
        code = store_pending(p, err);
    to = &p->pending->files;
    if (code == RT_OK && !whole.failed) {
        const uint32_t sizes[2] = {(uint32_t)k.size, (uint32_t)(sizeof record + whole.size)};
        rt__buffer_add(to, sizes, sizeof sizes);
        rt__buffer_add(to, k.bytes, k.size);
        rt__buffer_add(to, &record, sizeof record);
        rt__buffer_add(to, whole.bytes, whole.size);
    }
    pthread_mutex_unlock(&p->lock);
    if (code == RT_OK)
        code = rt__buffer_ok(&whole, err);
    rt__buffer_clear(&whole);
    return code;
}
