#include "packed_admin.h"

#include "base/buffer.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/hash.h"
#include "packed.h"
#include "retrain/bottlenecks.h"

#include <stdlib.h>
#include <string.h>

rt_code rt__packed_admin_open(const char *folder, rt_kv **kv, rt_error *err)
{
    rt_packed_counters counters;
    rt_buffer path = {0};
    rt_kv_txn *txn;
    rt_kv *opened = NULL;
    rt_code code =
        rt__path_join(&path, folder, RT_PACKED_NAME) ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK && !rt__file_exists(path.bytes))
        code = rt_fail(err, RT_ENOTFOUND, "there is no packed cache in folder %s", folder);
    if (code == RT_OK)
        code = rt__kv_open(path.bytes, 0, &opened, err);
    if (code == RT_OK && (code = rt__kv_begin(opened, &txn, err)) == RT_OK) {
        if ((code = rt__packed_counters_read(txn, &counters, err)) != RT_OK)
            rt_doing(err, path.bytes, "cannot read cache");
        rt__kv_end(txn);
    }
    rt__buffer_clear(&path);
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
        size_t capacity = all->capacity ? 2 * all->capacity : 256, bytes;
        uint32_t *items = rt_mul(&bytes, capacity, sizeof *items) ? realloc(all->items, bytes) : NULL;
        if (!items)
            return rt_fail(err, RT_ENOMEM, "out of memory");
        all->items = items;
        all->capacity = capacity;
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

rt_code rt_bottlenecks_list(const char *folder, rt_bottleneck_list *list, rt_error *err)
{
    rt_bottleneck_list l = {0};
    rt_kv *kv;
    rt_code code = rt__packed_admin_open(folder, &kv, err);
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

void rt_bottlenecks_list_clear(rt_bottleneck_list *list)
{
    for (size_t i = 0; i < list->n_modules; i++)
        free(list->modules[i].name);
    free(list->modules);
    free(list->path);
    *list = (rt_bottleneck_list){0};
}
