/* Many files looked up at once, in the order in which the cache has them: what is near in the cache is
 * touched one behind the other and, of a large cache, let into the process's memory once. */
#include "packed_inside.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

typedef struct search {
    rt_packed *packed;
    rt_kv_txn *txn;
    uint32_t module;
    rt_packed_file **files; /* those that are left */
    size_t n;
} search;

uint32_t rt__packed_path_crc(const rt_packed *p, const char *path)
{
    uint32_t crc = 0;
    if (*path != '/')
        crc = rt__crc32c(rt__crc32c(0, p->folder, strlen(p->folder)), "/", 1);
    return rt__crc32c(crc, path, strlen(path));
}

/* A thing to look up of each file: under which key, in which order, and what its value says.  False: that the
 * file is no longer looked for. */
typedef struct lookup {
    rt_span (*key)(const search *s, const rt_packed_file *file, uint8_t key[RT_PACKED_KEY]);
    int (*order)(const void *a, const void *b);
    bool (*take)(const search *s, rt_packed_file *file, rt_span value);
} lookup;

static rt_code look_up(search *s, const lookup *how, rt_error *err)
{
    size_t n = 0;
    qsort(s->files, s->n, sizeof *s->files, how->order);
    for (size_t i = 0; i < s->n; i++) {
        rt_packed_file *file = s->files[i];
        uint8_t key[RT_PACKED_KEY];
        rt_span value;
        rt_code code = rt__kv_get(s->txn, how->key(s, file, key), &value, err);
        if (code != RT_OK)
            return code;
        if (how->take(s, file, value))
            s->files[n++] = file;
    }
    s->n = n;
    return RT_OK;
}

/* ---- the content of each file ---- */

static rt_span file_key(const search *s, const rt_packed_file *file, uint8_t key[RT_PACKED_KEY])
{
    (void)s;
    return rt__packed_file_key(file->device, file->inode, key);
}

static int by_inode(const void *a, const void *b)
{
    const rt_packed_file *x = *(rt_packed_file *const *)a, *y = *(rt_packed_file *const *)b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return (x->inode > y->inode) - (x->inode < y->inode);
}

/* Whether the record is of the file as it is now, and of where it is now: a file that moved is noted anew by
 * who looks it up alone. */
static bool recognize(const search *s, rt_packed_file *file, rt_span value)
{
    const rt_packed_known now = {.size = file->size, .mtime_ns = file->mtime_ns, .ctime_ns = file->ctime_ns};
    rt_span path;
    return rt__packed_recognize(value, &now, file->photo, &path) &&
           (rt__crc32c(0, path.bytes, path.size) == file->path_crc || !rt__packed_writable(s->packed) ||
            !rt__packed_left(file->device, file->inode, path));
}

/* ---- the place of each content ---- */

static rt_span photo_key(const search *s, const rt_packed_file *file, uint8_t key[RT_PACKED_KEY])
{
    return rt__packed_index_key(s->module, file->photo, key);
}

static int by_photo(const void *a, const void *b)
{
    const rt_packed_file *x = *(rt_packed_file *const *)a, *y = *(rt_packed_file *const *)b;
    return memcmp(x->photo, y->photo, sizeof x->photo);
}

static bool take_place(const search *s, rt_packed_file *file, rt_span value)
{
    rt_packed_spot spot;
    (void)s;
    if (!value.bytes || value.size != sizeof spot)
        return false;
    memcpy(&spot, value.bytes, sizeof spot);
    if (spot.row > UINT16_MAX)
        return false;
    file->place = (rt_place){spot.block, (uint16_t)spot.row, 0};
    return true;
}

/* ---- whether each vector is whole ---- */

static int by_place(const void *a, const void *b)
{
    const rt_packed_file *x = *(rt_packed_file *const *)a, *y = *(rt_packed_file *const *)b;
    if (x->place.block != y->place.block)
        return x->place.block < y->place.block ? -1 : 1;
    return (x->place.row > y->place.row) - (x->place.row < y->place.row);
}

static rt_code check_all(search *s, rt_error *err)
{
    rt_packed_parts parts = {0};
    uint32_t block = 0;
    qsort(s->files, s->n, sizeof *s->files, by_place);
    for (size_t i = 0; i < s->n; i++) {
        rt_packed_file *file = s->files[i];
        uint8_t key[RT_PACKED_KEY];
        rt_span value;
        if (file->place.block != block) {
            rt_code code = rt__kv_get(s->txn, rt__packed_key('B', &file->place.block, key), &value, err);
            if (code != RT_OK)
                return code;
            block = file->place.block;
            if (!value.bytes || !rt__packed_parts(value, &parts))
                parts.head.n_rows = 0;
        }
        if (!rt__packed_holds(s->packed, s->packed->own->kv, &parts, file->place.row, file->photo))
            file->place.block = 0;
    }
    return RT_OK;
}

rt_code rt__packed_known(rt_packed *p, rt_packed_file *files, size_t n, rt_error *err)
{
    static const lookup steps[] = {{file_key, by_inode, recognize}, {photo_key, by_photo, take_place}};
    search s = {.packed = p, .module = (uint32_t)atomic_load(&p->own->number), .n = n};
    rt_code code;
    for (size_t i = 0; i < n; i++)
        files[i].place = (rt_place){0};
    if (!s.module || n == 0)
        return RT_OK;
    if (!(s.files = calloc(n, sizeof(rt_packed_file *))))
        return rt_fail(err, RT_ENOMEM, "out of memory for %zu photos", n);
    for (size_t i = 0; i < n; i++)
        s.files[i] = &files[i];
    if ((code = rt__kv_begin(p->own->kv, &s.txn, err)) == RT_OK) {
        for (size_t i = 0; i < sizeof steps / sizeof *steps && code == RT_OK; i++)
            code = look_up(&s, &steps[i], err);
        if (code == RT_OK)
            code = check_all(&s, err);
        rt__kv_end(s.txn);
    }
    free(s.files);
    return code;
}
