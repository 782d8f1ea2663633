#include "packed_records.h"

#include "base/checked.h"
#include "base/hash.h"

#include <string.h>

enum {
    MAGIC = 0x314b4252, /* "RBK1" in little-endian */
    PAGE_HEAD = 16,     /* LMDB's, before a value that has pages of its own .. */
    OWN_PAGES = 4096,   /* .. as any has that is so large */
    ALIGNMENT = 64
};

static const char version_text[] = "retrain bottlenecks 1";

static void put_number(uint8_t *to, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(number >> (24 - 8 * i));
}

rt_span rt__packed_key(char kind, const uint32_t *number, uint8_t key[RT_PACKED_KEY])
{
    key[0] = (uint8_t)kind;
    if (!number)
        return (rt_span){key, 1};
    put_number(key + 1, *number);
    return (rt_span){key, 5};
}

rt_span rt__packed_index_key(uint32_t module, const uint8_t photo[RT_PHOTO_BYTES], uint8_t key[RT_PACKED_KEY])
{
    rt__packed_key('I', &module, key);
    memcpy(key + 5, photo, RT_PHOTO_BYTES);
    return (rt_span){key, 5 + RT_PHOTO_BYTES};
}

rt_span rt__packed_file_key(uint64_t device, uint64_t inode, uint8_t key[RT_PACKED_KEY])
{
    key[0] = 'F';
    put_number(key + 1, (uint32_t)(device >> 32));
    put_number(key + 5, (uint32_t)device);
    put_number(key + 9, (uint32_t)(inode >> 32));
    put_number(key + 13, (uint32_t)inode);
    return (rt_span){key, 17};
}

uint32_t rt__packed_number(rt_span key)
{
    const uint8_t *p = key.bytes;
    return key.size < 5 ? 0 : (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
}

/* From the start of a block to its vectors. */
static bool vectors_at(size_t n_rows, size_t *at)
{
    return rt_mul(at, n_rows, sizeof(rt_packed_note)) &&
           rt_add(at, *at, PAGE_HEAD + sizeof(rt_packed_block) + ALIGNMENT - 1) &&
           (*at = *at / ALIGNMENT * ALIGNMENT - PAGE_HEAD, true);
}

static bool block_size(size_t n_rows, size_t feature_size, size_t *at, size_t *size)
{
    return vectors_at(n_rows, at) && rt_mul(size, n_rows, feature_size) &&
           rt_mul(size, *size, sizeof(float)) && rt_add(size, *size, *at);
}

bool rt__packed_parts(rt_span value, rt_packed_parts *parts)
{
    size_t at, size;
    if (value.size < sizeof parts->head)
        return false;
    memcpy(&parts->head, value.bytes, sizeof parts->head);
    if (parts->head.magic != MAGIC || !block_size(parts->head.n_rows, parts->head.feature_size, &at, &size) ||
        size > value.size)
        return false;
    parts->notes = (const uint8_t *)value.bytes + sizeof parts->head;
    parts->vectors = (const uint8_t *)value.bytes + at;
    return true;
}

rt_packed_note rt__packed_note(const rt_packed_parts *parts, uint32_t row)
{
    rt_packed_note note;
    memcpy(&note, parts->notes + row * sizeof note, sizeof note);
    return note;
}

const uint8_t *rt__packed_vector(const rt_packed_parts *parts, uint32_t row)
{
    return parts->vectors + (size_t)row * parts->head.feature_size * sizeof(float);
}

static uint32_t head_crc(const rt_packed_block *head, const uint8_t *notes)
{
    rt_packed_block plain = *head;
    plain.crc = 0;
    return rt__crc32c(rt__crc32c(0, &plain, sizeof plain), notes, head->n_rows * sizeof(rt_packed_note));
}

bool rt__packed_intact(const rt_packed_parts *parts)
{
    return parts->head.crc == head_crc(&parts->head, parts->notes);
}

bool rt__packed_row_intact(const rt_packed_parts *parts, uint32_t row)
{
    return rt__packed_note(parts, row).crc ==
           rt__crc32c(0, rt__packed_vector(parts, row), parts->head.feature_size * sizeof(float));
}

rt_code rt__packed_put_block(rt_kv_txn *txn, const rt_packed_rows *rows, uint32_t block, rt_error *err)
{
    rt_packed_block head = {.magic = MAGIC,
                            .module = rows->module,
                            .feature_size = (uint32_t)rows->feature_size,
                            .n_rows = (uint32_t)rows->n,
                            .made = rows->made};
    size_t row_bytes = rows->feature_size * sizeof(float), at, size;
    uint8_t key[RT_PACKED_KEY];
    void *room;
    uint8_t *to;
    rt_code code;
    if (rows->n > UINT32_MAX || rows->feature_size > UINT32_MAX ||
        !block_size(rows->n, rows->feature_size, &at, &size))
        return rt_fail(err, RT_ELIMIT, "%zu vectors of %zu floats at once", rows->n, rows->feature_size);
    size = size < OWN_PAGES ? (size_t)OWN_PAGES : size;
    if ((code = rt__kv_reserve(txn, rt__packed_key('B', &block, key), size, &room, err)) != RT_OK)
        return code;
    to = room;
    memset(to, 0, at);
    memset(to + at, 0, size - at);
    for (size_t i = 0; i < rows->n; i++) {
        memcpy(to + sizeof head + i * sizeof(rt_packed_note), rows->notes[i], sizeof(rt_packed_note));
        memcpy(to + at + i * row_bytes, rows->vectors[i], row_bytes);
    }
    head.crc = head_crc(&head, to + sizeof head);
    memcpy(to, &head, sizeof head);
    return RT_OK;
}

/* ---- numbers that are never used twice ---- */

rt_code rt__packed_counters_read(rt_kv_txn *txn, rt_packed_counters *counters, rt_error *err)
{
    uint8_t key[RT_PACKED_KEY];
    rt_span version, value;
    rt_code code = rt__kv_get(txn, rt__packed_key('V', NULL, key), &version, err);
    *counters = (rt_packed_counters){0};
    if (code == RT_OK)
        code = rt__kv_get(txn, rt__packed_key('N', NULL, key), &value, err);
    if (code != RT_OK || (!version.bytes && !value.bytes))
        return code;
    if (!version.bytes || version.size != sizeof version_text - 1 ||
        memcmp(version.bytes, version_text, version.size) != 0 || value.size != sizeof *counters)
        return rt_fail(err, RT_EFORMAT,
                       "is no cache of vectors that this version knows: delete it or name another folder");
    memcpy(counters, value.bytes, sizeof *counters);
    return RT_OK;
}

rt_code rt__packed_counters_write(rt_kv_txn *txn, const rt_packed_counters *counters, rt_error *err)
{
    const rt_span version = {version_text, sizeof version_text - 1};
    uint8_t key[RT_PACKED_KEY];
    rt_code code = rt__kv_put(txn, rt__packed_key('V', NULL, key), version, err);
    return code == RT_OK
               ? rt__kv_put(txn, rt__packed_key('N', NULL, key), (rt_span){counters, sizeof *counters}, err)
               : code;
}
