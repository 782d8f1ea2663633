#include "packed_admin.h"

#include "base/buffer.h"
#include "retrain/bottlenecks.h"

#include <string.h>

enum { DELETE_BYTES = 1 << 16 /* of keys, in one change */ };

typedef struct check {
    rt_kv *kv;
    rt_kv_txn *txn;
    const rt_progress *progress;
    rt_bottleneck_check *result;
    uint64_t n_all;
    rt_buffer bad; /* keys of index entries to be taken out, each of the same size */
} check;

typedef enum state { WHOLE, DAMAGED, LOST } state;

static rt_code judge(const check *c, rt_span key, rt_span value, state *is, rt_error *err)
{
    const uint8_t *photo = (const uint8_t *)key.bytes + key.size - RT_PHOTO_BYTES;
    uint8_t block_key[RT_PACKED_KEY];
    rt_packed_parts parts;
    rt_packed_note note;
    rt_packed_spot place;
    rt_code code;
    *is = LOST;
    if (value.size != sizeof place)
        return RT_OK;
    memcpy(&place, value.bytes, sizeof place);
    code = rt__kv_get(c->txn, rt__packed_key('B', &place.block, block_key), &value, err);
    if (code != RT_OK || !value.bytes)
        return code;
    *is = DAMAGED;
    if (!rt__packed_parts(value, &parts) || parts.head.n_rows <= place.row)
        return RT_OK;
    note = rt__packed_note(&parts, place.row);
    if (parts.head.module == rt__packed_number(key) && memcmp(note.photo, photo, RT_PHOTO_BYTES) == 0 &&
        rt__packed_row_intact(&parts, place.row))
        *is = WHOLE;
    rt__kv_touched(c->kv, rt__packed_vector(&parts, place.row), parts.head.feature_size * sizeof(float));
    return RT_OK;
}

static rt_code visit(void *context, rt_span key, rt_span value, bool *stop, rt_error *err)
{
    check *c = context;
    state is = LOST;
    rt_code code = RT_OK;
    (void)stop;
    if (key.size == 5 + RT_PHOTO_BYTES)
        code = judge(c, key, value, &is, err);
    if (code != RT_OK)
        return code;
    c->result->n_vectors++;
    c->result->n_damaged += is == DAMAGED;
    c->result->n_lost += is == LOST;
    if (is != WHOLE && key.size == 5 + RT_PHOTO_BYTES)
        rt__buffer_add(&c->bad, key.bytes, key.size);
    if (c->result->n_vectors % 1024 == 0)
        rt_progress_update(c->progress, "vectors", c->result->n_vectors, c->n_all);
    return RT_OK;
}

typedef struct removal {
    const char *keys;
    size_t size;
} removal;

static rt_code remove_keys(void *context, rt_kv_txn *txn, rt_error *err)
{
    const removal *r = context;
    rt_code code = RT_OK;
    for (size_t at = 0; at < r->size && code == RT_OK; at += 5 + RT_PHOTO_BYTES)
        code = rt__kv_delete(txn, (rt_span){r->keys + at, 5 + RT_PHOTO_BYTES}, err);
    return code;
}

static rt_code take_out(check *c, rt_error *err)
{
    const size_t most = DELETE_BYTES / (5 + RT_PHOTO_BYTES) * (5 + RT_PHOTO_BYTES);
    rt_code code = rt__buffer_ok(&c->bad, err);
    for (size_t at = 0; at < c->bad.size && code == RT_OK; at += most) {
        removal r = {c->bad.bytes + at, c->bad.size - at < most ? c->bad.size - at : most};
        code = rt__kv_write(c->kv, remove_keys, &r, err);
        if (code == RT_OK)
            c->result->n_repaired += r.size / (5 + RT_PHOTO_BYTES);
    }
    return code;
}

static rt_code verify_file(const char *path, bool repair, const rt_progress *progress,
                           rt_bottleneck_check *result, rt_error *err)
{
    check c = {.progress = progress, .result = result, .n_all = result->n_vectors};
    rt_code code = rt__packed_admin_open(path, &c.kv, err);
    if (code != RT_OK)
        return code;
    if ((code = rt__kv_begin(c.kv, &c.txn, err)) == RT_OK) {
        code = rt__kv_count(c.txn, (rt_span){"I", 1}, &c.n_all, err);
        if (code == RT_OK)
            code = rt__kv_each(c.txn, (rt_span){"I", 1}, NULL, visit, &c, err);
        rt__kv_end(c.txn);
    }
    if (code == RT_OK && repair)
        code = take_out(&c, err);
    rt__buffer_clear(&c.bad);
    rt__kv_close(c.kv);
    return code;
}

rt_code rt_bottlenecks_verify(const char *folder, bool repair, const rt_progress *progress,
                              rt_bottleneck_check *result, rt_error *err)
{
    rt_packed_shards files = {0};
    rt_code code = rt__packed_admin_files(folder, &files, err);
    *result = (rt_bottleneck_check){0};
    for (size_t i = 0; i < files.n && code == RT_OK; i++)
        code = verify_file(files.paths[i], repair, progress, result, err);
    rt__packed_shards_clear(&files);
    return code;
}
