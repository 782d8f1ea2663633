#include "packed_admin.h"

#include "base/array.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/hash.h"
#include "packed.h"
#include "retrain/bottlenecks.h"

#include <stdlib.h>
#include <string.h>

rt_code rt__packed_admin_files(const char *folder, rt_packed_shards *files, rt_error *err)
{
    rt_code code = rt__packed_shards_list(folder, files, err);
    if (code == RT_OK && files->n == 0)
        code = rt_fail(err, RT_ENOTFOUND, "there is no packed cache in folder %s", folder);
    return code;
}

rt_code rt__packed_admin_open(const char *path, rt_kv **kv, rt_error *err)
{
    rt_packed_counters counters;
    rt_kv_txn *txn;
    rt_kv *opened = NULL;
    rt_code code = rt__kv_open(path, 0, false, &opened, err);
    if (code == RT_OK && (code = rt__kv_begin(opened, &txn, err)) == RT_OK) {
        if ((code = rt__packed_counters_read(txn, &counters, err)) != RT_OK)
            rt_doing(err, path, "cannot read cache");
        rt__kv_end(txn);
    }
    if (code == RT_OK)
        *kv = opened;
    else
        rt__kv_close(opened);
    return code;
}

/* ---- blocks ---- */

typedef struct numbers {
    uint32_t *items;
    size_t n, capacity;
} numbers;

static rt_code add_number(void *context, rt_span key, rt_span value, bool *stop, rt_error *err)
{
    numbers *all = context;
    (void)value;
    (void)stop;
    if (all->n == all->capacity) {
        uint32_t *items = rt__array_grow(all->items, &all->capacity, 256, sizeof *items);
        if (!items)
            return rt_fail(err, RT_ENOMEM, "out of memory");
        all->items = items;
    }
    all->items[all->n++] = rt__packed_number(key);
    return RT_OK;
}

rt_code rt__packed_admin_blocks(rt_kv *kv, uint32_t **blocks, size_t *n, rt_error *err)
{
    numbers all = {0};
    rt_kv_txn *txn;
    rt_code code = rt__kv_begin(kv, &txn, err);
    if (code != RT_OK)
        return code;
    code = rt__kv_each(txn, (rt_span){"B", 1}, NULL, add_number, &all, err);
    rt__kv_end(txn);
    if (code == RT_OK) {
        *blocks = all.items;
        *n = all.n;
    } else {
        free(all.items);
    }
    return code;
}

/* ---- list ---- */

static rt_code add_module(void *context, rt_span key, rt_span value, bool *stop, rt_error *err)
{
    rt_bottleneck_list *list = context;
    rt_bottleneck_module *modules = realloc(list->modules, (list->n_modules + 1) * sizeof *modules), *m;
    rt_packed_module_record record;
    (void)stop;
    if (!modules)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    list->modules = modules;
    m = &modules[list->n_modules];
    if (value.size < sizeof record)
        return rt_fail(err, RT_EFORMAT, "holds a network's record of %zu bytes: delete it", value.size);
    memcpy(&record, value.bytes, sizeof record);
    *m = (rt_bottleneck_module){
        .number = rt__packed_number(key),
        .name = strndup((const char *)value.bytes + sizeof record, value.size - sizeof record),
        .feature_size = record.feature_size,
        .made = record.made,
        .used = record.used,
    };
    rt__hex(record.digest, sizeof record.digest, m->digest);
    list->n_modules++;
    return m->name ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

static rt_code count_vector(void *context, rt_span key, rt_span value, bool *stop, rt_error *err)
{
    rt_bottleneck_list *list = context;
    (void)value;
    (void)stop;
    (void)err;
    for (size_t i = 0; i < list->n_modules; i++)
        list->modules[i].n_vectors += list->modules[i].number == rt__packed_number(key);
    list->n_vectors++;
    return RT_OK;
}

static rt_code fill_list(rt_kv *kv, rt_bottleneck_list *list, rt_error *err)
{
    uint64_t used;
    rt_kv_txn *txn;
    rt_code code = rt__kv_begin(kv, &txn, err);
    if (code != RT_OK)
        return code;
    rt__kv_size(kv, &used, &list->file_bytes);
    if (!(list->path = strdup(rt__kv_path(kv))))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt__kv_each(txn, (rt_span){"M", 1}, NULL, add_module, list, err);
    if (code == RT_OK)
        code = rt__kv_each(txn, (rt_span){"I", 1}, NULL, count_vector, list, err);
    if (code == RT_OK)
        code = rt__kv_count(txn, (rt_span){"F", 1}, &list->n_files, err);
    rt__kv_end(txn);
    return code;
}

static rt_code list_file(const char *path, rt_bottleneck_list *list, rt_error *err)
{
    rt_bottleneck_list l = {.n_parts = 1};
    rt_kv *kv;
    rt_code code = rt__packed_admin_open(path, &kv, err);
    if (code != RT_OK)
        return code;
    code = fill_list(kv, &l, err);
    if (code != RT_OK)
        rt_doing(err, rt__kv_path(kv), "cannot list cache");
    rt__kv_close(kv);
    if (code == RT_OK)
        *list = l;
    else
        rt_bottlenecks_list_clear(&l);
    return code;
}

/* ---- several files ---- */

static rt_bottleneck_module *find_digest(const rt_bottleneck_list *list, const char *digest)
{
    for (size_t i = 0; i < list->n_modules; i++)
        if (strcmp(list->modules[i].digest, digest) == 0)
            return &list->modules[i];
    return NULL;
}

/* Under the number after the last. */
static rt_code move_module(rt_bottleneck_list *all, rt_bottleneck_module *m, rt_error *err)
{
    rt_bottleneck_module *more = realloc(all->modules, (all->n_modules + 1) * sizeof *more);
    uint32_t last = 0;
    if (!more)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    all->modules = more;
    for (size_t i = 0; i < all->n_modules; i++)
        last = more[i].number > last ? more[i].number : last;
    more[all->n_modules] = *m;
    more[all->n_modules++].number = last + 1;
    m->name = NULL;
    return RT_OK;
}

static rt_code add_part(rt_bottleneck_list *all, rt_bottleneck_list *part, rt_error *err)
{
    rt_code code = RT_OK;
    all->n_vectors += part->n_vectors;
    all->n_files += part->n_files;
    all->file_bytes += part->file_bytes;
    all->n_parts++;
    for (size_t i = 0; i < part->n_modules && code == RT_OK; i++) {
        rt_bottleneck_module *m = &part->modules[i], *known = find_digest(all, m->digest);
        if (!known) {
            code = move_module(all, m, err);
            continue;
        }
        known->n_vectors += m->n_vectors;
        known->made = m->made < known->made ? m->made : known->made;
        known->used = m->used > known->used ? m->used : known->used;
    }
    return code;
}

rt_code rt_bottlenecks_list(const char *folder, rt_bottleneck_list *list, rt_error *err)
{
    rt_bottleneck_list all = {0}, part = {0};
    rt_packed_shards files = {0};
    rt_code code = rt__packed_admin_files(folder, &files, err);
    if (code == RT_OK)
        code = list_file(files.paths[0], &all, err);
    for (size_t i = 1; i < files.n && code == RT_OK; i++) {
        code = list_file(files.paths[i], &part, err);
        if (code == RT_OK)
            code = add_part(&all, &part, err);
        rt_bottlenecks_list_clear(&part);
    }
    rt__packed_shards_clear(&files);
    if (code == RT_OK)
        *list = all;
    else
        rt_bottlenecks_list_clear(&all);
    return code;
}

rt_code rt__packed_admin_number(const char *path, const char *digest, uint32_t *number, rt_error *err)
{
    rt_bottleneck_list part = {0};
    rt_code code = list_file(path, &part, err);
    const rt_bottleneck_module *found = code == RT_OK ? find_digest(&part, digest) : NULL;
    *number = found ? found->number : 0;
    rt_bottlenecks_list_clear(&part);
    return code;
}

void rt_bottlenecks_list_clear(rt_bottleneck_list *list)
{
    for (size_t i = 0; i < list->n_modules; i++)
        free(list->modules[i].name);
    free(list->modules);
    free(list->path);
    *list = (rt_bottleneck_list){0};
}
