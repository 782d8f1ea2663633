/* V1 checkpoints: sorted tables, one or PREFIX-0000I-of-0000N.  A table's first row (its key is empty) says
 * which variables there are and in which slices they are stored; each of the others holds a slice's values,
 * under the key that V2 has for parts too. */
#include "base/checked.h"
#include "bundle_inside.h"
#include "proto/message.h"
#include "proto/tf_bundle.pb-c.h"
#include "slice_key.h"
#include "table.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { SHARD_DIGITS = 5 };

/* ---- the files of a prefix ---- */

/* RT_ENOTFOUND, or RT_ENOMEM. */
static rt_code find_table(const char *path, rt_error *err)
{
    rt_map *map = NULL;
    rt_file_info info;
    rt_code code = rt__file_info(path, &info, NULL);
    if (code == RT_OK && !info.is_folder)
        code = rt__map_open(&map, path, err);
    if (code != RT_ENOMEM && !(map && rt__table_probe(map->bytes, map->size)))
        code = rt_fail(err, RT_ENOTFOUND, "no checkpoint of that name");
    rt__map_close(map);
    return code;
}

/* Whether text is "-NNNNN-of-NNNNN" and nothing more; question marks may stand for the first number. */
static bool shard_ending(const char *text, uint32_t *count)
{
    static const char middle[] = "-of-";
    enum { COUNT = 1 + SHARD_DIGITS + sizeof middle - 1 };
    if (strlen(text) != COUNT + SHARD_DIGITS || strspn(text + 1, "?0123456789") != SHARD_DIGITS ||
        *text != '-' || strncmp(text + 1 + SHARD_DIGITS, middle, sizeof middle - 1) != 0 ||
        strspn(text + COUNT, "0123456789") != SHARD_DIGITS)
        return false;
    *count = (uint32_t)strtoul(text + COUNT, NULL, 10);
    return *count > 0;
}

/* PREFIX-?????-of-00002 -> the length of PREFIX, 2. */
static bool cut_ending(const char *path, size_t *length, uint32_t *count)
{
    enum { ENDING = 1 + SHARD_DIGITS + 4 + SHARD_DIGITS };
    size_t size = strlen(path);
    if (size <= ENDING || !shard_ending(path + size - ENDING, count))
        return false;
    *length = size - ENDING;
    return true;
}

/* How many files PREFIX-0000I-of-0000N there should be, by those tables in the folder. */
static rt_code count_shards(const char *prefix, size_t length, uint32_t *count, rt_error *err)
{
    const char *name = rt__path_name(prefix);
    size_t folder = (size_t)(name - prefix), rest = length - folder;
    rt_buffer path = {0};
    uint32_t found;
    rt_code code = RT_ENOTFOUND;
    DIR *list;
    *count = 0;
    rt__buffer_add(&path, prefix, folder);
    list = path.failed || rest == 0 ? NULL : opendir(folder ? path.bytes : ".");
    for (struct dirent *entry; code != RT_ENOMEM && list && (entry = readdir(list));) {
        if (strncmp(entry->d_name, name, rest) != 0 || !shard_ending(entry->d_name + rest, &found) ||
            found <= *count)
            continue;
        rt__buffer_reset(&path);
        rt__buffer_format(&path, "%.*s%s", (int)folder, prefix, entry->d_name);
        if (!path.failed && (code = find_table(path.bytes, NULL)) == RT_OK)
            *count = found;
    }
    if (list)
        closedir(list);
    if (path.failed || code == RT_ENOMEM)
        code = rt_fail(err, RT_ENOMEM, "out of memory for a folder's names");
    else
        code = *count ? RT_OK : rt_fail(err, RT_ENOTFOUND, "no checkpoint of that name");
    rt__buffer_clear(&path);
    return code;
}

/* Where V1's files are: one of the name prefix (*count 0), or *count of them behind its first *length bytes.
 */
static rt_code find_files(const char *prefix, size_t *length, uint32_t *count, rt_error *err)
{
    rt_code code;
    if (cut_ending(prefix, length, count))
        return count_shards(prefix, *length, count, err);
    *count = 0;
    *length = strlen(prefix);
    code = find_table(prefix, err);
    return code == RT_ENOTFOUND ? count_shards(prefix, *length, count, err) : code;
}

size_t rt__bundle_base(const char *prefix)
{
    size_t length = strlen(prefix);
    uint32_t count;
    return cut_ending(prefix, &length, &count) ? length : strlen(prefix);
}

bool rt__bundle_is_v1(const char *prefix)
{
    size_t length;
    uint32_t count;
    return find_files(prefix, &length, &count, NULL) == RT_OK;
}

/* ---- rows ---- */

typedef struct opening {
    rt_bundle *bundle;
    uint32_t shard;
    bool has_meta; /* of this shard */
} opening;

static rt_code add_variable(opening *o, const Tf__SavedSliceMeta *meta, rt_error *err)
{
    rt_bundle *b = o->bundle;
    rt_bundle_entry *entry;
    rt_variable *v;
    size_t elements, bytes;
    rt_code code;
    if (!*meta->name)
        return rt_fail(err, RT_EFORMAT, "a variable without a name");
    code = rt__bundle_append(b, &b->variables, meta->name, strlen(meta->name), &entry, err);
    if (code == RT_OK)
        code = rt__bundle_set_type(entry, meta->type, meta->shape, err);
    if (code != RT_OK)
        return code;
    v = &entry->variable;
    entry->n_slices = meta->n_slice;
    entry->slices = meta->slice;
    v->shard = o->shard;
    if ((code = rt__shape_elements(&v->shape, &elements, err)) != RT_OK)
        return code;
    if (!rt_mul(&bytes, elements, rt__dtype_size(v->dtype)))
        return rt_fail(err, RT_ELIMIT, "variable '%s' has %zu elements", v->name, elements);
    v->size = bytes;
    return RT_OK;
}

static rt_code read_meta(opening *o, const rt_table_row *row, rt_error *err)
{
    ProtobufCMessage *message;
    const Tf__SavedTensorSliceMeta *meta;
    rt_code code = rt__proto_unpack(&tf__saved_tensor_slices__descriptor, row->value, row->value_size,
                                    o->bundle->arena, &message, err);
    if (code == RT_ENOMEM || code == RT_ELIMIT)
        return code;
    meta = code == RT_OK ? ((const Tf__SavedTensorSlices *)message)->meta : NULL;
    if (!meta)
        return rt_fail(
            err, RT_EFORMAT,
            "a table, but not a V1 checkpoint's: its first row does not list variables (the index of "
            "a V2 checkpoint is named PREFIX.index)");
    code = rt__bundle_check_version(meta->versions, err);
    for (size_t i = 0; code == RT_OK && i < meta->n_tensor; i++)
        code = add_variable(o, meta->tensor[i], err);
    o->has_meta = true;
    return code;
}

/* Values stay where they are in the file, unless their block was compressed. */
static rt_code add_slice(opening *o, const rt_table_row *row, rt_error *err)
{
    rt_bundle *b = o->bundle;
    rt_bundle_entry *entry;
    rt_code code;
    if (row->key[0] != 0)
        return rt_fail(err, RT_EFORMAT, "a table, but not a V1 checkpoint's: the key of a row is no slice's");
    if ((code = rt__bundle_append(b, &b->slices, row->key, row->key_size, &entry, err)) != RT_OK)
        return code;
    entry->variable.shard = o->shard;
    entry->variable.offset = (uint64_t)row->offset;
    entry->packed = row->value;
    entry->packed_size = row->value_size;
    if (!row->in_file)
        entry->packed = (const uint8_t *)rt__arena_copy(b->arena, row->value, row->value_size);
    return entry->packed ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory for a checkpoint's values");
}

static rt_code visit(void *context, const rt_table_row *row, rt_error *err)
{
    opening *o = context;
    rt_code code;
    if (o->has_meta != (row->key_size > 0))
        return rt_fail_at(err, RT_EFORMAT, row->offset,
                          "a table, but not a V1 checkpoint's: its first row does not list variables");
    code = o->has_meta ? add_slice(o, row, err) : read_meta(o, row, err);
    if (code != RT_OK && err)
        err->offset = row->offset; /* the message's own offsets mean nothing in the file */
    return code;
}

static rt_code read_shard(rt_bundle *b, uint32_t shard, rt_error *err)
{
    opening o = {.bundle = b, .shard = shard};
    const rt_map *map = b->shards[shard].map;
    rt_code code = rt__table_walk(map->bytes, map->size, visit, &o, err);
    if (code == RT_OK && !o.has_meta)
        code = rt_fail(err, RT_EFORMAT, "an empty table, not a checkpoint");
    if (code != RT_OK)
        rt_doing(err, b->shards[shard].path, "cannot read the checkpoint");
    return code;
}

/* ---- all shards together ---- */

static int by_key(const void *a, const void *b)
{
    const rt_bundle_entry *x = a, *y = b;
    size_t both = x->key_size < y->key_size ? x->key_size : y->key_size;
    int order = memcmp(x->variable.name, y->variable.name, both);
    return order ? order : (x->key_size > y->key_size) - (x->key_size < y->key_size);
}

static void sort(rt_bundle_list *list)
{
    if (list->count)
        qsort(list->entries, list->count, sizeof *list->entries, by_key);
}

/* Entries of one name, each of another shard, become the first of them. */
static rt_code join(rt_bundle *b, const rt_bundle_entry *same, size_t count, rt_bundle_entry *to,
                    rt_error *err)
{
    rt_bundle_entry whole = same[0];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (same[i].variable.dtype != whole.variable.dtype ||
            !rt__shape_equal(&same[i].variable.shape, &whole.variable.shape))
            return rt_fail(err, RT_EFORMAT, "variable '%s' has two types or shapes", whole.variable.name);
        n += same[i].n_slices;
    }
    if (count > 1) {
        if (!(whole.slices = rt__arena_array(b->arena, n, sizeof *whole.slices)))
            return rt_fail(err, RT_ENOMEM, "out of memory for a checkpoint's slices");
        whole.n_slices = 0;
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < same[i].n_slices; k++)
                whole.slices[whole.n_slices++] = same[i].slices[k];
    }
    *to = whole;
    return RT_OK;
}

static rt_code join_variables(rt_bundle *b, rt_error *err)
{
    rt_bundle_list *list = &b->variables;
    size_t kept = 0;
    rt_code code = RT_OK;
    for (size_t i = 0, same; code == RT_OK && i < list->count; i += same) {
        for (same = 1; i + same < list->count && by_key(&list->entries[i], &list->entries[i + same]) == 0;)
            same++;
        code = join(b, &list->entries[i], same, &list->entries[kept++], err);
    }
    list->count = kept;
    return code;
}

/* A variable that is stored whole gets its values at once; any other is put together when it is read. */
static rt_code find_values(rt_bundle *b, rt_bundle_entry *entry, rt_error *err)
{
    int64_t start[RT_MAX_RANK] = {0}, length[RT_MAX_RANK];
    rt_variable *v = &entry->variable;
    const rt_bundle_entry *slice;
    rt_buffer key = {0};
    rt_code code;
    for (int i = 0; i < RT_MAX_RANK; i++)
        length[i] = -1;
    rt__slice_key(&key, v->name, (size_t)v->shape.rank, start, length);
    if ((code = rt__buffer_ok(&key, err)) == RT_OK) {
        slice = rt__bundle_search(&b->slices, key.bytes, key.size);
        v->sliced = slice == NULL;
        if (slice) {
            v->shard = slice->variable.shard;
            v->offset = slice->variable.offset;
            entry->packed = slice->packed;
            entry->packed_size = slice->packed_size;
            v->size = v->dtype == RT_STRING ? slice->packed_size : v->size;
        }
    }
    rt__buffer_clear(&key);
    return code;
}

static rt_code settle(rt_bundle *b, rt_error *err)
{
    rt_code code;
    sort(&b->variables);
    sort(&b->slices);
    for (size_t i = 1; i < b->slices.count; i++)
        if (by_key(&b->slices.entries[i - 1], &b->slices.entries[i]) == 0)
            return rt_fail(err, RT_EFORMAT, "a slice is stored in two files");
    code = join_variables(b, err);
    for (size_t i = 0; code == RT_OK && i < b->variables.count; i++)
        code = find_values(b, &b->variables.entries[i], err);
    return code;
}

static rt_code open_files(rt_bundle *b, const char *prefix, size_t length, uint32_t count, rt_error *err)
{
    rt_buffer path = {0};
    rt_code code = rt__bundle_shards(b, count ? count : 1, err);
    for (uint32_t i = 0; code == RT_OK && i < b->n_shards; i++) {
        rt__buffer_reset(&path);
        rt__buffer_add(&path, prefix, length);
        if (count)
            rt__buffer_format(&path, "-%05u-of-%05u", i, count);
        code = rt__bundle_map(b, i, path.failed ? NULL : path.bytes, err);
        if (code == RT_OK)
            code = read_shard(b, i, err);
    }
    rt__buffer_clear(&path);
    return code;
}

rt_code rt__bundle_open_v1(rt_bundle *bundle, const char *prefix, rt_error *err)
{
    size_t length;
    uint32_t count;
    rt_code code = find_files(prefix, &length, &count, err);
    bundle->format = "V1";
    if (code == RT_OK && (code = open_files(bundle, prefix, length, count, err)) == RT_OK)
        code = settle(bundle, err);
    if (code != RT_OK)
        rt_doing(err, prefix, "cannot read the checkpoint");
    return code;
}
