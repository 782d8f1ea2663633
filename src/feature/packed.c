#include "packed_inside.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- opening ---- */

static rt_code visit_module(void *context, rt_span key, rt_span value, bool *stop, rt_error *err)
{
    rt_packed_search *s = context;
    (void)err;
    if (value.size < sizeof s->record || memcmp(value.bytes, s->digest, RT_NETWORK_BYTES) != 0)
        return RT_OK;
    memcpy(&s->record, value.bytes, sizeof s->record);
    s->number = rt__packed_number(key);
    *stop = true;
    return RT_OK;
}

rt_code rt__packed_find_module(const rt_packed *p, rt_kv_txn *txn, rt_packed_search *s, rt_error *err)
{
    uint8_t key[RT_PACKED_KEY];
    *s = (rt_packed_search){.digest = p->module.digest};
    return rt__kv_each(txn, rt__packed_key('M', NULL, key), NULL, visit_module, s, err);
}

static rt_code look_around(const rt_packed *p, rt_packed_part *file, rt_error *err)
{
    rt_packed_counters counters;
    rt_kv_txn *txn;
    rt_packed_search s;
    rt_code code = rt__kv_begin(file->kv, &txn, err);
    if (code != RT_OK)
        return code;
    code = rt__packed_counters_read(txn, &counters, err);
    if (code == RT_OK)
        code = rt__packed_find_module(p, txn, &s, err);
    if (code == RT_OK)
        atomic_store(&file->number, s.number);
    else
        rt_doing(err, rt__kv_path(file->kv), "cannot read cache");
    rt__kv_end(txn);
    return code;
}

static rt_packed_batch *new_batch(const rt_packed *p)
{
    rt_packed_batch *b = calloc(1, sizeof *b);
    if (b && !(b->values = malloc(p->batch_rows * p->module.feature_size * sizeof *b->values))) {
        free(b);
        b = NULL;
    }
    return b;
}

static void free_batch(rt_packed_batch *b)
{
    if (!b)
        return;
    rt__buffer_clear(&b->files);
    free(b->values);
    free(b);
}

static bool allocate(rt_packed *p)
{
    size_t rows = RT_PACKED_BATCH / (p->module.feature_size * sizeof(float));
    p->batch_rows = rows < 1 ? 1 : rows > RT_PACKED_ROWS ? RT_PACKED_ROWS : rows;
    p->name = strdup(p->module.name);
    p->folder = getcwd(NULL, 0);
    p->pending = new_batch(p);
    p->spare = new_batch(p);
    return p->name && p->folder && p->pending && p->spare;
}

static rt_code open_own(rt_packed *p, const char *folder, rt_error *err)
{
    rt_buffer name = {0}, path = {0};
    rt_code code = RT_OK;
    if (!rt__packed_shard_name(&name, p->module.rank) || !rt__path_join(&path, folder, name.bytes))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt__kv_open(path.bytes, 0, false, &p->own->kv, err);
    rt__buffer_clear(&name);
    rt__buffer_clear(&path);
    if (code != RT_OK)
        return code;
    p->n_files = 1;
    return look_around(p, p->own, err);
}

/* One that another process is only about to make, or that is gone by now, holds nothing. */
static rt_code open_other(rt_packed *p, const char *path, rt_error *err)
{
    rt_packed_part *file = &p->files[p->n_files];
    rt_error seen;
    rt_code code;
    if (strcmp(rt__path_name(path), rt__path_name(rt__kv_path(p->own->kv))) == 0)
        return RT_OK;
    if (p->n_files == UINT16_MAX)
        return rt_fail(err, RT_ELIMIT, "%s is one of more than %d files of vectors", path, UINT16_MAX);
    code = rt__kv_open(path, 0, true, &file->kv, &seen);
    if (code == RT_ENOTFOUND)
        return RT_OK;
    if (code != RT_OK) {
        if (err)
            *err = seen;
        return code;
    }
    p->n_files++;
    return look_around(p, file, err);
}

/* The file that is written to may not be there yet, so that there is room for one more. */
static rt_code open_files(rt_packed *p, const char *folder, rt_error *err)
{
    rt_packed_shards found = {0};
    rt_code code = rt__packed_shards_list(folder, &found, err);
    if (code == RT_OK && !(p->files = p->own = calloc(found.n + 1, sizeof *p->files)))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = open_own(p, folder, err);
    for (size_t i = 0; i < found.n && code == RT_OK; i++)
        code = open_other(p, found.paths[i], err);
    rt__packed_shards_clear(&found);
    return code;
}

rt_code rt__packed_open(const char *folder, const rt_packed_module *module, rt_packed **packed, rt_error *err)
{
    rt_packed *p = calloc(1, sizeof *p);
    rt_code code;
    if (!p)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->stored, NULL);
    p->module = *module;
    code = allocate(p) ? open_files(p, folder, err) : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        *packed = p;
    else
        rt__packed_close(p);
    return code;
}

void rt__packed_close(rt_packed *p)
{
    if (!p)
        return;
    rt__packed_leave(p);
    for (size_t i = 0; i < p->n_files; i++)
        rt__kv_close(p->files[i].kv);
    free(p->files);
    free_batch(p->pending);
    free_batch(p->spare);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->stored);
    free(p->name);
    free(p->folder);
    free(p);
}

bool rt__packed_writable(const rt_packed *p)
{
    return rt__kv_writable(p->own->kv);
}

/* ---- files ---- */

bool rt__packed_left(uint64_t device, uint64_t inode, rt_span path)
{
    char *seen = strndup(path.bytes, path.size);
    rt_file_info there;
    bool left = seen && (rt__file_info(seen, &there, NULL) != RT_OK || there.device != device ||
                         there.inode != inode);
    free(seen);
    return left;
}

bool rt__packed_recognize(rt_span record, const rt_packed_known *now, uint8_t photo[RT_PHOTO_BYTES],
                          rt_span *path)
{
    rt_packed_known seen;
    if (!record.bytes || record.size < sizeof seen)
        return false;
    memcpy(&seen, record.bytes, sizeof seen);
    if (seen.size != now->size || seen.mtime_ns != now->mtime_ns || seen.ctime_ns != now->ctime_ns)
        return false;
    memcpy(photo, seen.photo, sizeof seen.photo);
    *path = (rt_span){(const char *)record.bytes + sizeof seen, record.size - sizeof seen};
    return true;
}

/* Whether the photo left the path where it was seen last. */
static bool has_moved(const rt_packed *p, const rt_file_info *file, const char *path, rt_span old)
{
    size_t prefix = *path == '/' ? 0 : strlen(p->folder) + 1;
    if (old.size == prefix + strlen(path) &&
        memcmp((const char *)old.bytes + prefix, path, strlen(path)) == 0 &&
        (prefix == 0 || memcmp(old.bytes, p->folder, prefix - 1) == 0))
        return false;
    return rt__packed_left(file->device, file->inode, old);
}

static rt_code recall(rt_packed *p, rt_kv *kv, const rt_file_info *file, const char *path,
                      uint8_t photo[RT_PHOTO_BYTES], bool *known, rt_error *err)
{
    const rt_packed_known now = {.size = file->size, .mtime_ns = file->mtime_ns, .ctime_ns = file->ctime_ns};
    uint8_t key[RT_PACKED_KEY];
    rt_kv_txn *txn;
    rt_span value, old;
    bool moved = false;
    rt_code code = rt__kv_begin(kv, &txn, err);
    *known = false;
    if (code != RT_OK)
        return code;
    code = rt__kv_get(txn, rt__packed_file_key(file->device, file->inode, key), &value, err);
    if (code == RT_OK && rt__packed_recognize(value, &now, photo, &old)) {
        *known = true;
        moved = rt__packed_writable(p) && has_moved(p, file, path, old);
    }
    rt__kv_end(txn);
    return code == RT_OK && moved ? rt__packed_note_file(p, file, path, photo, err) : code;
}

rt_code rt__packed_recall(rt_packed *p, const rt_file_info *file, const char *path,
                          uint8_t photo[RT_PHOTO_BYTES], bool *known, rt_error *err)
{
    rt_code code = RT_OK;
    *known = false;
    for (size_t i = 0; i < p->n_files && code == RT_OK && !*known; i++)
        code = recall(p, p->files[i].kv, file, path, photo, known, err);
    return code;
}

rt_code rt__packed_remember(rt_packed *p, const rt_file_info *file, int64_t opened_ns, const char *path,
                            const uint8_t photo[RT_PHOTO_BYTES], rt_error *err)
{
    const int64_t second = 1000000000;
    /* A clock tick of the kernel, or the seconds in which some file systems count. */
    int64_t grain = file->ctime_ns % second == 0 ? 2 * second : second / 50;
    if (!rt__packed_writable(p) || opened_ns - file->ctime_ns < grain)
        return RT_OK;
    return rt__packed_note_file(p, file, path, photo, err);
}

/* ---- vectors ---- */

bool rt__packed_holds(const rt_packed *p, rt_kv *kv, const rt_packed_parts *parts, uint32_t row,
                      const uint8_t *photo)
{
    rt_packed_note note;
    bool intact;
    if (parts->head.n_rows <= row || row > UINT16_MAX || parts->head.feature_size != p->module.feature_size)
        return false;
    note = rt__packed_note(parts, row);
    intact = memcmp(note.photo, photo, sizeof note.photo) == 0 && rt__packed_row_intact(parts, row);
    rt__kv_touched(kv, parts->notes + row * sizeof note, sizeof note);
    rt__kv_touched(kv, rt__packed_vector(parts, row), p->module.feature_size * sizeof(float));
    return intact;
}

rt_code rt__packed_find_in(const rt_packed *p, rt_kv *kv, rt_kv_txn *txn, uint32_t module,
                           const uint8_t *photo, rt_packed_spot *spot, bool *damaged, rt_error *err)
{
    uint8_t key[RT_PACKED_KEY];
    rt_packed_parts parts;
    rt_packed_spot found;
    rt_span value;
    rt_code code = rt__kv_get(txn, rt__packed_index_key(module, photo, key), &value, err);
    *spot = (rt_packed_spot){0};
    *damaged = false;
    if (code != RT_OK || !value.bytes)
        return code;
    *damaged = true;
    if (value.size != sizeof found)
        return RT_OK;
    memcpy(&found, value.bytes, sizeof found);
    code = rt__kv_get(txn, rt__packed_key('B', &found.block, key), &value, err);
    if (code == RT_OK && value.bytes && rt__packed_parts(value, &parts) &&
        rt__packed_holds(p, kv, &parts, found.row, photo)) {
        *spot = found;
        *damaged = false;
    }
    return code;
}

/* Another process may have brought the network into a file that did not have it. */
static rt_code look_again(rt_packed *p, rt_packed_part *file, rt_error *err)
{
    return file == p->own || atomic_load(&file->number) ? RT_OK : look_around(p, file, err);
}

static rt_code find(rt_packed *p, size_t index, const uint8_t *photo, rt_place *place, bool *damaged,
                    rt_error *err)
{
    rt_packed_part *file = &p->files[index];
    rt_packed_spot spot = {0};
    rt_kv_txn *txn;
    rt_code code = look_again(p, file, err);
    if (code != RT_OK || !atomic_load(&file->number))
        return code;
    if ((code = rt__kv_begin(file->kv, &txn, err)) != RT_OK)
        return code;
    code = rt__packed_find_in(p, file->kv, txn, (uint32_t)atomic_load(&file->number), photo, &spot, damaged,
                              err);
    rt__kv_end(txn);
    if (code == RT_OK && spot.block)
        *place = (rt_place){spot.block, (uint16_t)spot.row, (uint16_t)index};
    return code;
}

rt_code rt__packed_find(rt_packed *p, const uint8_t photo[RT_PHOTO_BYTES], rt_place *place, bool *damaged,
                        rt_error *err)
{
    rt_code code = RT_OK;
    *place = (rt_place){0};
    *damaged = false;
    for (size_t i = 0; i < p->n_files && code == RT_OK && !place->block; i++) {
        bool bad = false;
        code = find(p, i, photo, place, &bad, err);
        *damaged = (*damaged || bad) && !place->block;
    }
    return code;
}

/* ---- looking at many ---- */

static rt_code view_block(const rt_packed_part *file, uint32_t block, rt_packed_parts *parts, rt_error *err)
{
    uint8_t key[RT_PACKED_KEY];
    rt_span value;
    rt_code code = rt__kv_get(file->view, rt__packed_key('B', &block, key), &value, err);
    if (code == RT_OK && (!value.bytes || !rt__packed_parts(value, parts))) {
        code = rt_fail(err, RT_EIO, "another process pruned it while this one ran: run again");
        rt_doing(err, rt__kv_path(file->kv), "cannot read cache");
    }
    return code;
}

static void view_row(rt_packed_part *file, const float *vector, size_t bytes)
{
    uintptr_t at = (uintptr_t)vector;
    file->low = at < file->low ? at : file->low;
    file->high = at + bytes > file->high ? at + bytes : file->high;
}

rt_code rt__packed_view(rt_packed *p, const rt_packed_view *view, rt_error *err)
{
    rt_packed_parts parts = {0};
    rt_place seen = {0};
    rt_code code = RT_OK;
    for (size_t i = 0; i < p->n_files && code == RT_OK; i++) {
        code = rt__kv_begin(p->files[i].kv, &p->files[i].view, err);
        p->files[i].low = UINTPTR_MAX;
    }
    for (size_t i = 0; i < view->n && code == RT_OK; i++) {
        const rt_place *place = &view->places[i];
        rt_packed_part *file = &p->files[place->file];
        if (!place->block)
            continue;
        if (place->block != seen.block || place->file != seen.file)
            code = view_block(file, place->block, &parts, err);
        seen = *place;
        if (code != RT_OK)
            break;
        view->vectors[i] = (const float *)(const void *)rt__packed_vector(&parts, place->row);
        view->crcs[i] = rt__packed_note(&parts, place->row).crc;
        rt__kv_touched(file->kv, parts.notes + place->row * sizeof(rt_packed_note), sizeof(rt_packed_note));
        view_row(file, view->vectors[i], p->module.feature_size * sizeof(float));
    }
    return code;
}

void rt__packed_leave(rt_packed *p)
{
    for (size_t i = 0; i < p->n_files; i++) {
        rt__kv_end(p->files[i].view);
        p->files[i].view = NULL;
    }
}

void rt__packed_fetch(const rt_packed *p, const float *vector, float *to)
{
    uintptr_t at = (uintptr_t)vector;
    size_t i = 0, bytes = p->module.feature_size * sizeof *vector;
    while (i < p->n_files && (at < p->files[i].low || at >= p->files[i].high))
        i++;
    if (i < p->n_files)
        rt__kv_fetch(p->files[i].kv, vector, bytes, to);
    else
        memcpy(to, vector, bytes); /* none of the cache's */
}
