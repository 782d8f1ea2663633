#include "packed_shards.h"

#include "base/file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static const char start[] = "retrain.", end[] = ".mdb";

/* The number in "retrain.N.mdb", -1 for retrain.mdb, or -2: none of ours. */
static long number_of(const char *name)
{
    enum { DIGITS = 9 };
    size_t digits;
    if (strcmp(name, RT_PACKED_NAME) == 0)
        return -1;
    if (strncmp(name, start, sizeof start - 1) != 0)
        return -2;
    name += sizeof start - 1;
    digits = strspn(name, "0123456789");
    return digits > 0 && digits <= DIGITS && strcmp(name + digits, end) == 0 ? strtol(name, NULL, 10) : -2;
}

static int compare(const void *a, const void *b)
{
    long x = number_of(rt__path_name(*(char *const *)a)), y = number_of(rt__path_name(*(char *const *)b));
    return (x > y) - (x < y);
}

static rt_code add(rt_packed_shards *shards, const char *folder, const char *name, rt_error *err)
{
    char **paths = realloc(shards->paths, (shards->n + 1) * sizeof *paths);
    rt_buffer path = {0};
    if (paths)
        shards->paths = paths;
    if (!paths || !rt__path_join(&path, folder, name)) {
        rt__buffer_clear(&path);
        return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    shards->paths[shards->n++] = path.bytes;
    return RT_OK;
}

rt_code rt__packed_shards_list(const char *folder, rt_packed_shards *shards, rt_error *err)
{
    DIR *list = opendir(folder);
    rt_code code = RT_OK;
    for (struct dirent *entry; list && code == RT_OK && (entry = readdir(list));)
        if (number_of(entry->d_name) >= -1)
            code = add(shards, folder, entry->d_name, err);
    if (list)
        closedir(list);
    if (shards->n)
        qsort(shards->paths, shards->n, sizeof *shards->paths, compare);
    return code;
}

void rt__packed_shards_clear(rt_packed_shards *shards)
{
    for (size_t i = 0; i < shards->n; i++)
        free(shards->paths[i]);
    free(shards->paths);
    *shards = (rt_packed_shards){0};
}

const char *rt__packed_shard_name(rt_buffer *name, int rank)
{
    rt__buffer_reset(name);
    if (rank == 0)
        rt__buffer_text(name, RT_PACKED_NAME);
    else
        rt__buffer_format(name, "%s%d%s", start, rank, end);
    return name->failed ? NULL : name->bytes;
}
