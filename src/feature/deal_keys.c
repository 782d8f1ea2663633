/* What all processes have, told at the start.
 *
 * Files that several see, as on one machine, are told by the lowest rank.  Rank 0 sorts the keys of all
 * vectors and sends them to everybody: 24 bytes a vector in each process, against a question for each photo.
 */
#include "deal_inside.h"

#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

/* ---- which files ---- */

static rt_code number_files(const rt_deal *d, rt_buffer *numbers, rt_error *err)
{
    rt_code code = RT_OK;
    for (size_t i = 0; i < rt__packed_n_files(d->pass.packed) && code == RT_OK; i++) {
        uint64_t id = 0;
        code = rt__packed_file_id(d->pass.packed, i, &id, err);
        rt__buffer_add(numbers, &id, sizeof id);
    }
    return code == RT_OK ? rt__buffer_ok(numbers, err) : code;
}

static bool seen_below(const rt_deal *d, int rank, uint64_t id)
{
    for (int r = 0; r < rank; r++)
        for (size_t i = 0; i < d->peers[r].n_files; i++)
            if (d->peers[r].files[i] == id)
                return true;
    return false;
}

/* ---- rank 0 ---- */

typedef struct collected {
    rt_buffer keys, paths;
} collected;

static rt_code add_paths(collected *all, const void *heads, size_t size, int rank, rt_error *err)
{
    for (size_t at = 0; at + sizeof(uint64_t) <= size; at += sizeof(uint64_t)) {
        rt_path_owner owner = {.rank = (uint64_t)rank};
        memcpy(&owner.path, (const char *)heads + at, sizeof owner.path);
        rt__buffer_add(&all->paths, &owner, sizeof owner);
    }
    return rt__buffer_ok(&all->paths, err);
}

static rt_code tell_own(rt_deal *d, collected *all, rt_error *err)
{
    rt_buffer heads = {0}, numbers = {0};
    rt_code code = number_files(d, &numbers, err);
    for (size_t i = 0; i < rt__packed_n_files(d->pass.packed) && code == RT_OK; i++) {
        code = rt__packed_tell_vectors(d->pass.packed, i, &all->keys, err);
        if (code == RT_OK)
            code = rt__packed_tell_paths(d->pass.packed, i, &heads, err);
    }
    if (code == RT_OK)
        code = add_paths(all, heads.bytes, heads.size, 0, err);
    rt__buffer_clear(&heads);
    d->peers[0].files = (uint64_t *)(void *)numbers.bytes; /* owned by the peer now */
    d->peers[0].n_files = numbers.size / sizeof(uint64_t);
    return code;
}

static rt_code ask_to_tell(rt_deal *d, int rank, rt_error *err)
{
    const rt_peer *peer = &d->peers[rank];
    uint8_t *which = calloc(peer->n_files + 1, 1);
    rt_code code = RT_OK;
    if (!which)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < peer->n_files; i++)
        which[i] = !seen_below(d, rank, peer->files[i]);
    code = rt__deal_send(d, rank, RT_DEAL_TELL, which, peer->n_files, err);
    free(which);
    return code;
}

static rt_code add_keys(collected *all, const rt_deal_message *m, rt_error *err)
{
    for (size_t at = 0; at + sizeof(rt_packed_key_of) <= m->size; at += sizeof(rt_packed_key_of)) {
        rt_packed_key_of key;
        memcpy(&key, m->bytes + at, sizeof key);
        key.rank = (uint32_t)m->from;
        rt__buffer_add(&all->keys, &key, sizeof key);
    }
    return rt__buffer_ok(&all->keys, err);
}

static rt_code hear(rt_deal *d, collected *all, rt_error *err)
{
    int left = d->o.comm->size - 1;
    rt_code code = RT_OK;
    while (left > 0 && code == RT_OK) {
        rt_deal_message m;
        code = rt__deal_receive(d, RT_DEAL_POLL_MS, &m, err);
        if (code != RT_OK || m.kind == RT_DEAL_NOTHING)
            continue;
        if (m.kind == RT_DEAL_KEYS)
            code = add_keys(all, &m, err);
        else if (m.kind == RT_DEAL_PATHS)
            code = add_paths(all, m.bytes, m.size, m.from, err);
        else if (m.kind == RT_DEAL_TOLD)
            left--;
        else
            code = rt__deal_unexpected(&m, err);
    }
    return code;
}

static int compare_keys(const void *a, const void *b)
{
    const rt_packed_key_of *x = a, *y = b;
    if (x->photo != y->photo)
        return x->photo < y->photo ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static int compare_paths(const void *a, const void *b)
{
    const rt_path_owner *x = a, *y = b;
    if (x->path != y->path)
        return x->path < y->path ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static rt_code collect(rt_deal *d, collected *all, rt_error *err)
{
    rt_code code = tell_own(d, all, err);
    for (int rank = 1; rank < d->o.comm->size && code == RT_OK; rank++)
        code = ask_to_tell(d, rank, err);
    if (code == RT_OK)
        code = hear(d, all, err);
    if (code != RT_OK)
        return code;
    if (all->keys.size)
        qsort(all->keys.bytes, all->keys.size / sizeof(rt_packed_key_of), sizeof(rt_packed_key_of),
              compare_keys);
    if (all->paths.size)
        qsort(all->paths.bytes, all->paths.size / sizeof(rt_path_owner), sizeof(rt_path_owner),
              compare_paths);
    return RT_OK;
}

/* ---- the others ---- */

static rt_code post(rt_deal *d, rt_deal_kind kind, rt_buffer *what, rt_error *err)
{
    rt_code code = what->size ? rt__deal_send(d, 0, kind, what->bytes, what->size, err) : RT_OK;
    rt__buffer_clear(what);
    return code;
}

/* In messages of a whole number of entries. */
static rt_code tell_file(rt_deal *d, size_t file, rt_error *err)
{
    const size_t most = RT_DEAL_TELL_BYTES / sizeof(rt_packed_key_of) * sizeof(rt_packed_key_of);
    rt_buffer keys = {0}, heads = {0};
    rt_code code = rt__packed_tell_vectors(d->pass.packed, file, &keys, err);
    for (size_t at = 0; at < keys.size && code == RT_OK; at += most)
        code = rt__deal_send(d, 0, RT_DEAL_KEYS, keys.bytes + at,
                             keys.size - at < most ? keys.size - at : most, err);
    rt__buffer_clear(&keys);
    if (code == RT_OK)
        code = rt__packed_tell_paths(d->pass.packed, file, &heads, err);
    return code == RT_OK ? post(d, RT_DEAL_PATHS, &heads, err) : code;
}

static rt_code tell_asked(rt_deal *d, rt_error *err)
{
    rt_deal_message m = {0};
    uint8_t which[1 + UINT16_MAX];
    size_t n;
    rt_code code = RT_OK;
    while (code == RT_OK && m.kind == RT_DEAL_NOTHING)
        code = rt__deal_receive(d, RT_DEAL_POLL_MS, &m, err);
    if (code == RT_OK && (m.kind != RT_DEAL_TELL || m.size > sizeof which))
        code = m.kind == RT_DEAL_BYE ? rt_fail(err, RT_EIO, "rank 0 ended") : rt__deal_unexpected(&m, err);
    if (code != RT_OK)
        return code;
    n = m.size;
    memcpy(which, m.bytes, n);
    for (size_t i = 0; i < n && code == RT_OK; i++)
        if (which[i])
            code = tell_file(d, i, err);
    return code == RT_OK ? rt__deal_send(d, 0, RT_DEAL_TOLD, NULL, 0, err) : code;
}

static rt_code greet(rt_deal *d, rt_error *err)
{
    rt_hello hello = {0};
    rt_buffer text = {0};
    rt_code code;
    memcpy(hello.host, d->o.comm->host, sizeof hello.host);
    memcpy(hello.network, d->network.digest, sizeof hello.network);
    rt__buffer_add(&text, &hello, sizeof hello);
    code = number_files(d, &text, err);
    if (code == RT_OK)
        code = rt__deal_send(d, 0, RT_DEAL_HELLO, text.bytes, text.size, err);
    rt__buffer_clear(&text);
    return code == RT_OK ? tell_asked(d, err) : code;
}

/* ---- both ---- */

static rt_code share(rt_deal *d, rt_buffer *keys, rt_error *err)
{
    uint64_t n = keys->size / sizeof *d->keys;
    size_t bytes;
    rt_code code = d->o.comm->calls->broadcast(d->o.comm, &n, sizeof n, err);
    if (code != RT_OK)
        return code;
    if (d->o.comm->rank == 0) {
        d->keys = (rt_packed_key_of *)(void *)keys->bytes;
        *keys = (rt_buffer){0};
    } else if (!rt_mul(&bytes, (size_t)n, sizeof *d->keys) || !(d->keys = malloc(bytes + 1))) {
        return rt_fail(err, RT_ENOMEM, "out of memory for the keys of %llu vectors", (unsigned long long)n);
    }
    d->n_keys = (size_t)n;
    return n ? d->o.comm->calls->broadcast(d->o.comm, d->keys, d->n_keys * sizeof *d->keys, err) : RT_OK;
}

rt_code rt__deal_tell(rt_deal *d, rt_path_owner **paths, size_t *n, rt_error *err)
{
    collected all = {{0}, {0}};
    rt_code code = d->o.comm->rank == 0 ? collect(d, &all, err) : greet(d, err);
    if (code == RT_OK)
        code = share(d, &all.keys, err);
    rt__buffer_clear(&all.keys);
    *paths = (rt_path_owner *)(void *)all.paths.bytes;
    *n = all.paths.size / sizeof **paths;
    return code;
}

size_t rt__deal_first(const void *items, size_t n, size_t size, uint64_t number)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t there;
        memcpy(&there, (const char *)items + middle * size, sizeof there);
        if (there < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const rt_packed_key_of *rt__deal_find(const rt_deal *d, uint64_t photo)
{
    size_t low = rt__deal_first(d->keys, d->n_keys, sizeof *d->keys, photo);
    while (low < d->n_keys && d->keys[low].photo == photo && d->keys[low].rank == (uint32_t)d->o.comm->rank)
        low++;
    return low < d->n_keys && d->keys[low].photo == photo ? &d->keys[low] : NULL;
}
