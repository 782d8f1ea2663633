#include "packed_tell.h"

#include "base/hash.h"
#include "packed_inside.h"

#include <string.h>

uint64_t rt__packed_head(const uint8_t *digest)
{
    uint64_t head;
    memcpy(&head, digest, sizeof head);
    return head;
}

size_t rt__packed_n_files(const rt_packed *p)
{
    return p->n_files;
}

static rt_code head_of(const void *bytes, size_t size, uint64_t *head, rt_error *err)
{
    uint8_t digest[RT_SHA256_BYTES];
    rt_code code = rt__sha256(bytes, size, digest, err);
    if (code == RT_OK)
        *head = rt__packed_head(digest);
    return code;
}

rt_code rt__packed_file_id(const rt_packed *p, size_t file, uint64_t *id, rt_error *err)
{
    const char *path = rt__kv_path(p->files[file].kv);
    rt_buffer text = {0};
    rt_file_info info;
    rt_code code = rt__file_info(path, &info, err);
    if (code != RT_OK)
        return code;
    rt__buffer_format(&text, "%s %llu %llu %lld %lld", rt__path_name(path), (unsigned long long)info.inode,
                      (unsigned long long)info.size, (long long)info.mtime_ns, (long long)info.ctime_ns);
    code = rt__buffer_ok(&text, err);
    if (code == RT_OK)
        code = head_of(text.bytes, text.size, id, err);
    rt__buffer_clear(&text);
    return code;
}

/* ---- what a file holds ---- */

typedef struct telling {
    uint32_t module;
    uint16_t file;
    rt_buffer *out;
} telling;

static rt_code tell_block(void *context, rt_span key, rt_span value, bool *stop, rt_error *err)
{
    const telling *t = context;
    rt_packed_parts parts;
    (void)stop;
    (void)err;
    if (!rt__packed_parts(value, &parts) || parts.head.module != t->module || !rt__packed_intact(&parts))
        return RT_OK;
    for (uint32_t row = 0; row < parts.head.n_rows && row <= UINT16_MAX; row++) {
        rt_packed_note note = rt__packed_note(&parts, row);
        const rt_packed_key_of k = {.photo = rt__packed_head(note.photo),
                                    .place = {rt__packed_number(key), (uint16_t)row, t->file},
                                    .crc = note.crc};
        rt__buffer_add(t->out, &k, sizeof k);
    }
    return RT_OK;
}

static rt_code tell_path(void *context, rt_span key, rt_span value, bool *stop, rt_error *err)
{
    const telling *t = context;
    uint64_t head;
    rt_code code;
    (void)key;
    (void)stop;
    if (value.size < sizeof(rt_packed_known))
        return RT_OK;
    code = head_of((const char *)value.bytes + sizeof(rt_packed_known), value.size - sizeof(rt_packed_known),
                   &head, err);
    if (code == RT_OK)
        rt__buffer_add(t->out, &head, sizeof head);
    return code;
}

static rt_code tell(const rt_packed *p, size_t file, const char *kind, rt_kv_visit *visit, rt_buffer *out,
                    rt_error *err)
{
    const rt_packed_part *f = &p->files[file];
    telling t = {(uint32_t)atomic_load(&f->number), (uint16_t)file, out};
    rt_kv_txn *txn;
    rt_code code = rt__kv_begin(f->kv, &txn, err);
    if (code != RT_OK)
        return code;
    code = rt__kv_each(txn, (rt_span){kind, 1}, NULL, visit, &t, err);
    rt__kv_end(txn);
    return code == RT_OK ? rt__buffer_ok(out, err) : code;
}

rt_code rt__packed_tell_vectors(const rt_packed *p, size_t file, rt_buffer *keys, rt_error *err)
{
    return atomic_load(&p->files[file].number) ? tell(p, file, "B", tell_block, keys, err) : RT_OK;
}

rt_code rt__packed_tell_paths(const rt_packed *p, size_t file, rt_buffer *heads, rt_error *err)
{
    return tell(p, file, "F", tell_path, heads, err);
}

rt_code rt__packed_path_head(const rt_packed *p, const char *path, uint64_t *head, rt_error *err)
{
    rt_buffer whole = {0};
    rt_code code;
    rt__buffer_format(&whole, "%s%s%s", *path == '/' ? "" : p->folder, *path == '/' ? "" : "/", path);
    code = rt__buffer_ok(&whole, err);
    if (code == RT_OK)
        code = head_of(whole.bytes, whole.size, head, err);
    rt__buffer_clear(&whole);
    return code;
}

/* ---- one vector ---- */

rt_code rt__packed_get(rt_packed *p, const rt_place *place, rt_packed_note *note, float *values,
                       rt_error *err)
{
    uint8_t key[RT_PACKED_KEY];
    rt_packed_parts parts;
    rt_kv_txn *txn;
    rt_span value;
    rt_kv *kv;
    rt_code code;
    if (place->file >= p->n_files)
        return rt_fail(err, RT_EARG, "no file %u of %zu", place->file, p->n_files);
    kv = p->files[place->file].kv;
    if ((code = rt__kv_begin(kv, &txn, err)) != RT_OK)
        return code;
    code = rt__kv_get(txn, rt__packed_key('B', &place->block, key), &value, err);
    if (code == RT_OK &&
        (!value.bytes || !rt__packed_parts(value, &parts) || parts.head.n_rows <= place->row ||
         parts.head.feature_size != p->module.feature_size ||
         (values && !rt__packed_row_intact(&parts, place->row))))
        code = rt_fail(err, RT_EFORMAT,
                       "%s has a damaged vector: 'retrain cache verify --repair' there takes it out",
                       rt__kv_path(kv));
    if (code == RT_OK) {
        *note = rt__packed_note(&parts, place->row);
        if (values) {
            memcpy(values, rt__packed_vector(&parts, place->row), p->module.feature_size * sizeof *values);
            rt__kv_touched(kv, rt__packed_vector(&parts, place->row),
                           p->module.feature_size * sizeof *values);
        }
    }
    rt__kv_end(txn);
    return code;
}
