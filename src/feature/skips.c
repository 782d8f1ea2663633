#include "skips.h"

#include <stdlib.h>
#include <string.h>

rt_code rt__skips_add(rt_skips *skips, size_t photo, char *reason, rt_error *err)
{
    rt_skipped *list = skips->list;
    bool full = (skips->n & (skips->n - 1)) == 0; /* room doubles */
    if (!reason || (full && !(list = reallocarray(list, skips->n ? 2 * skips->n : 1, sizeof *list)))) {
        free(reason);
        return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    list[skips->n++] = (rt_skipped){photo, reason};
    skips->list = list;
    return RT_OK;
}

void rt__skips_clear(rt_skips *skips)
{
    for (size_t i = 0; i < skips->n; i++)
        free(skips->list[i].reason);
    free(skips->list);
    *skips = (rt_skips){0};
}

static int by_photo(const void *a, const void *b)
{
    size_t left = ((const rt_skipped *)a)->photo, right = ((const rt_skipped *)b)->photo;
    return (left > right) - (left < right);
}

rt_code rt__features_add_skips(rt_features *features, rt_skips *skips, rt_error *err)
{
    size_t n = features->n_skipped + skips->n;
    rt_skipped *all = skips->n ? realloc(features->skipped, n * sizeof *all) : NULL;
    if (skips->n == 0)
        return RT_OK;
    if (!all)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    memcpy(all + features->n_skipped, skips->list, skips->n * sizeof *all);
    qsort(all, n, sizeof *all, by_photo);
    features->skipped = all;
    features->n_skipped = n;
    free(skips->list);
    *skips = (rt_skips){0};
    return RT_OK;
}
