#include "packed_admin.h"

#include "base/array.h"
#include "base/buffer.h"
#include "base/file.h"
#include "retrain/bottlenecks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY = 86400, BLOCKS_AT_ONCE = 16 };

/* The photos that are where they were seen: the first 8 bytes of each one's SHA-256, rising.  Two that agree
 * in these keep a vector that might go. */
typedef struct present {
    uint64_t *photos;
    size_t n, capacity;
    rt_buffer gone; /* keys of "F" records of files that are not there, of 17 bytes each */
} present;

typedef struct prune {
    rt_kv *kv;
    const rt_bottleneck_prune *what;
    rt_bottleneck_pruned *pruned;
    uint32_t module; /* 0: any */
    int64_t before;  /* vectors made before it, seconds since 1970 */
    present present;
} prune;

/* ---- photos that are there ---- */

static uint64_t head_of(const uint8_t *photo)
{
    uint64_t head;
    memcpy(&head, photo, sizeof head);
    return head;
}

static bool is_there(rt_span key, const char *path)
{
    uint8_t now[RT_PACKED_KEY];
    rt_file_info info;
    rt_span seen;
    if (rt__file_info(path, &info, NULL) != RT_OK)
        return false;
    seen = rt__packed_file_key(info.device, info.inode, now);
    return seen.size == key.size && memcmp(seen.bytes, key.bytes, key.size) == 0;
}

static rt_code add_present(present *p, const uint8_t *photo, rt_error *err)
{
    if (p->n == p->capacity) {
        uint64_t *photos = rt__array_grow(p->photos, &p->capacity, 1024, sizeof *photos);
        if (!photos)
            return rt_fail(err, RT_ENOMEM, "out of memory for %zu photos", p->n);
        p->photos = photos;
    }
    p->photos[p->n++] = head_of(photo);
    return RT_OK;
}

static rt_code look_at_file(void *context, rt_span key, rt_span value, bool *stop, rt_error *err)
{
    present *p = context;
    rt_packed_known record;
    rt_code code = RT_OK;
    char *path;
    (void)stop;
    if (value.size < sizeof record)
        return RT_OK;
    memcpy(&record, value.bytes, sizeof record);
    if (!(path = strndup((const char *)value.bytes + sizeof record, value.size - sizeof record)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if (is_there(key, path))
        code = add_present(p, record.photo, err);
    else
        rt__buffer_add(&p->gone, key.bytes, key.size);
    free(path);
    return code;
}

static int compare_heads(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static rt_code find_present(prune *p, rt_error *err)
{
    rt_kv_txn *txn;
    rt_code code = rt__kv_begin(p->kv, &txn, err);
    if (code != RT_OK)
        return code;
    code = rt__kv_each(txn, (rt_span){"F", 1}, NULL, look_at_file, &p->present, err);
    rt__kv_end(txn);
    return code == RT_OK ? rt__buffer_ok(&p->present.gone, err) : code;
}

static bool is_gone(const present *p, const uint8_t *photo)
{
    uint64_t head = head_of(photo);
    return p->n == 0 || !bsearch(&head, p->photos, p->n, sizeof *p->photos, compare_heads);
}

/* ---- blocks ---- */

static bool applies(const prune *p, const rt_packed_block *head, const rt_packed_note *note)
{
    return (!p->module || head->module == p->module) && head->made < p->before &&
           (!p->what->gone || is_gone(&p->present, note->photo));
}

typedef struct change {
    prune *prune;
    const uint32_t *blocks;
    size_t n;
    uint64_t n_vectors, n_pruned;
} change;

/* A block's rows that the index still names, and which of them stay. */
typedef struct sorted_block {
    rt_packed_parts parts;
    uint8_t *copy;
    rt_packed_note *notes;
    const rt_packed_note **stay;
    const void **vectors;
    size_t n_stay, n_dead;
} sorted_block;

static void clear_block(sorted_block *b)
{
    free(b->copy);
    free(b->notes);
    free(b->stay);
    free(b->vectors);
}

/* Copies the block, since changes move what they are made to. */
static rt_code copy_block(rt_span value, sorted_block *b, rt_error *err)
{
    size_t n;
    *b = (sorted_block){0};
    if (!(b->copy = malloc(value.size)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    memcpy(b->copy, value.bytes, value.size);
    if (!rt__packed_parts((rt_span){b->copy, value.size}, &b->parts) || !rt__packed_intact(&b->parts))
        return rt_fail(err, RT_EFORMAT,
                       "has a damaged block: 'retrain cache verify --repair' first, or delete it");
    n = b->parts.head.n_rows;
    b->notes = calloc(n + 1, sizeof *b->notes);
    b->stay = calloc(n + 1, sizeof *b->stay);
    b->vectors = calloc(n + 1, sizeof *b->vectors);
    return b->notes && b->stay && b->vectors ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

static rt_code sort_row(change *c, rt_kv_txn *txn, uint32_t block, uint32_t row, sorted_block *b,
                        rt_error *err)
{
    const rt_packed_block *head = &b->parts.head;
    uint8_t key[RT_PACKED_KEY];
    rt_packed_spot place = {0};
    rt_span index, value;
    rt_code code;
    b->notes[row] = rt__packed_note(&b->parts, row);
    index = rt__packed_index_key(head->module, b->notes[row].photo, key);
    if ((code = rt__kv_get(txn, index, &value, err)) != RT_OK)
        return code;
    if (value.bytes && value.size == sizeof place)
        memcpy(&place, value.bytes, sizeof place);
    if (place.block != block || place.row != row) {
        b->n_dead++;
        return RT_OK;
    }
    c->n_vectors++;
    if (!applies(c->prune, head, &b->notes[row])) {
        b->stay[b->n_stay] = &b->notes[row];
        b->vectors[b->n_stay++] = rt__packed_vector(&b->parts, row);
        return RT_OK;
    }
    c->n_pruned++;
    b->n_dead++;
    return c->prune->what->dry_run ? RT_OK : rt__kv_delete(txn, index, err);
}

/* What stays of a block goes into a new one, in the order it had. */
static rt_code replace_block(rt_kv_txn *txn, uint32_t block, const sorted_block *b, rt_error *err)
{
    const rt_packed_rows rows = {.module = b->parts.head.module,
                                 .feature_size = b->parts.head.feature_size,
                                 .n = b->n_stay,
                                 .made = b->parts.head.made,
                                 .notes = b->stay,
                                 .vectors = b->vectors};
    uint8_t key[RT_PACKED_KEY];
    rt_packed_counters counters;
    rt_code code = rt__kv_delete(txn, rt__packed_key('B', &block, key), err);
    if (code != RT_OK || rows.n == 0)
        return code;
    if ((code = rt__packed_counters_read(txn, &counters, err)) != RT_OK)
        return code;
    counters.block++;
    code = rt__packed_put_block(txn, &rows, counters.block, err);
    for (uint32_t i = 0; i < rows.n && code == RT_OK; i++) {
        const rt_packed_spot place = {counters.block, i};
        code = rt__kv_put(txn, rt__packed_index_key(rows.module, rows.notes[i]->photo, key),
                          (rt_span){&place, sizeof place}, err);
    }
    return code == RT_OK ? rt__packed_counters_write(txn, &counters, err) : code;
}

static rt_code prune_block(change *c, rt_kv_txn *txn, uint32_t block, rt_error *err)
{
    uint8_t key[RT_PACKED_KEY];
    sorted_block b = {0};
    rt_span value;
    rt_code code = rt__kv_get(txn, rt__packed_key('B', &block, key), &value, err);
    if (code != RT_OK || !value.bytes)
        return code;
    code = copy_block(value, &b, err);
    for (uint32_t row = 0; code == RT_OK && row < b.parts.head.n_rows; row++)
        code = sort_row(c, txn, block, row, &b, err);
    if (code == RT_OK && b.n_dead && !c->prune->what->dry_run)
        code = replace_block(txn, block, &b, err);
    clear_block(&b);
    return code;
}

static rt_code prune_blocks(void *context, rt_kv_txn *txn, rt_error *err)
{
    change *c = context;
    rt_code code = RT_OK;
    c->n_vectors = c->n_pruned = 0;
    for (size_t i = 0; i < c->n && code == RT_OK; i++)
        code = prune_block(c, txn, c->blocks[i], err);
    return code;
}

static rt_code prune_all(prune *p, rt_error *err)
{
    uint32_t *blocks = NULL;
    size_t n = 0;
    rt_code code = rt__packed_admin_blocks(p->kv, &blocks, &n, err);
    for (size_t i = 0; i < n && code == RT_OK; i += BLOCKS_AT_ONCE) {
        change c = {.prune = p, .blocks = blocks + i, .n = n - i < BLOCKS_AT_ONCE ? n - i : BLOCKS_AT_ONCE};
        code = rt__kv_write(p->kv, prune_blocks, &c, err);
        p->pruned->n_vectors += c.n_vectors;
        p->pruned->n_pruned += c.n_pruned;
    }
    free(blocks);
    return code;
}

/* ---- what else goes ---- */

static rt_code stop_at_first(void *context, rt_span key, rt_span value, bool *stop, rt_error *err)
{
    (void)key;
    (void)value;
    (void)err;
    *(bool *)context = *stop = true;
    return RT_OK;
}

/* The record of a network that has no vector left. */
static rt_code remove_module(const prune *p, rt_kv_txn *txn, rt_error *err)
{
    uint8_t key[RT_PACKED_KEY];
    bool any = false;
    rt_code code = rt__kv_each(txn, rt__packed_key('I', &p->module, key), NULL, stop_at_first, &any, err);
    return code == RT_OK && !any ? rt__kv_delete(txn, rt__packed_key('M', &p->module, key), err) : code;
}

static rt_code remove_rest(void *context, rt_kv_txn *txn, rt_error *err)
{
    const prune *p = context;
    const size_t key_bytes = 17;
    rt_code code = RT_OK;
    for (size_t at = 0; at + key_bytes <= p->present.gone.size && code == RT_OK; at += key_bytes)
        code = rt__kv_delete(txn, (rt_span){p->present.gone.bytes + at, key_bytes}, err);
    return code == RT_OK && p->module ? remove_module(p, txn, err) : code;
}

/* The digest of the network that the user names, by its number in the list or its name. */
static rt_code find_digest(const char *folder, const char *wanted, char digest[65], rt_error *err)
{
    rt_bottleneck_list list = {0};
    const rt_bottleneck_module *found = NULL;
    rt_code code = rt_bottlenecks_list(folder, &list, err);
    for (size_t i = 0; code == RT_OK && i < list.n_modules; i++) {
        char text[16];
        snprintf(text, sizeof text, "%u", list.modules[i].number);
        if (strcmp(wanted, text) == 0 || (!found && strcmp(wanted, list.modules[i].name) == 0))
            found = &list.modules[i];
    }
    if (found)
        memcpy(digest, found->digest, sizeof found->digest);
    else if (code == RT_OK)
        code = rt_fail(err, RT_ENOTFOUND, "no network '%s' in %s; 'retrain cache list' names them", wanted,
                       list.path);
    rt_bottlenecks_list_clear(&list);
    return code;
}

static rt_code open_file(prune *p, const char *path, rt_error *err)
{
    rt_code code = rt__packed_admin_open(path, &p->kv, err);
    if (code == RT_OK && !p->what->dry_run && !rt__kv_writable(p->kv))
        code = rt_fail(err, RT_EIO, "%s cannot be written to", rt__kv_path(p->kv));
    return code;
}

/* A photo may be known in another file than that of its vector. */
static rt_code find_all_present(prune *p, const rt_packed_shards *files, rt_error *err)
{
    rt_code code = RT_OK;
    for (size_t i = 0; i < files->n && code == RT_OK; i++) {
        code = open_file(p, files->paths[i], err);
        if (code == RT_OK)
            code = find_present(p, err);
        rt__kv_close(p->kv);
        p->kv = NULL;
    }
    if (code == RT_OK && p->present.n)
        qsort(p->present.photos, p->present.n, sizeof *p->present.photos, compare_heads);
    return code;
}

static rt_code prune_file(prune *p, const char *path, const char *digest, rt_error *err)
{
    uint64_t used, before = 0, after;
    rt_code code = RT_OK;
    if (digest && (code = rt__packed_admin_number(path, digest, &p->module, err)) != RT_OK)
        return code;
    if ((code = open_file(p, path, err)) == RT_OK) {
        rt__kv_size(p->kv, &used, &before);
        if (!digest || p->module)
            code = prune_all(p, err);
        if (code == RT_OK && !p->what->dry_run)
            code = rt__kv_write(p->kv, remove_rest, p, err);
        if (code != RT_OK)
            rt_doing(err, path, "cannot prune cache");
    }
    rt__kv_close(p->kv);
    p->kv = NULL;
    after = before;
    if (code == RT_OK && !p->what->dry_run) {
        bool in_use = false;
        code = rt__kv_compact(path, &in_use, &after, err);
        p->pruned->in_use = p->pruned->in_use || in_use;
    }
    p->pruned->bytes_before += before;
    p->pruned->bytes_after += after;
    return code;
}

rt_code rt_bottlenecks_prune(const char *folder, const rt_bottleneck_prune *what,
                             rt_bottleneck_pruned *pruned, rt_error *err)
{
    prune p = {.what = what, .pruned = pruned};
    rt_packed_shards files = {0};
    char digest[65];
    rt_code code = RT_OK;
    *pruned = (rt_bottleneck_pruned){0};
    if (!what->module && !what->older_than && !what->gone)
        return rt_fail(err, RT_EARG, "say what to prune: --module, --older_than or --gone");
    p.before = what->older_than ? (int64_t)time(NULL) - (int64_t)what->older_than * DAY : INT64_MAX;
    code = rt__packed_admin_files(folder, &files, err);
    if (code == RT_OK && what->module)
        code = find_digest(folder, what->module, digest, err);
    if (code == RT_OK && what->gone)
        code = find_all_present(&p, &files, err);
    for (size_t i = 0; i < files.n && code == RT_OK; i++)
        code = prune_file(&p, files.paths[i], what->module ? digest : NULL, err);
    rt__packed_shards_clear(&files);
    free(p.present.photos);
    rt__buffer_clear(&p.present.gone);
    return code;
}
