#include "inspect_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct counted {
    const char *name;
    size_t count;
} counted;

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_count(const void *a, const void *b)
{
    const counted *x = a, *y = b;
    return x->count == y->count ? strcmp(x->name, y->name) : x->count < y->count ? 1 : -1;
}

rt_code rt__inspect_print_counts(const char *key, const char **names, size_t n, rt_inspect_out *out,
                                 rt_error *err)
{
    static const char *const columns[] = {"op", "#count"};
    counted *kinds = calloc(n + 1, sizeof *kinds);
    size_t n_kinds = 0;
    if (!kinds)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if (n == 0 && !out->json) {
        rt__out_fact(out, key, "none");
        free(kinds);
        return RT_OK;
    }
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++)
        if (i > 0 && strcmp(names[i - 1], names[i]) == 0)
            kinds[n_kinds - 1].count++;
        else
            kinds[n_kinds++] = (counted){names[i], 1};
    qsort(kinds, n_kinds, sizeof *kinds, by_count);
    rt__out_table(out, key, columns, 2);
    for (size_t i = 0; i < n_kinds; i++) {
        char count[24];
        snprintf(count, sizeof count, "%zu", kinds[i].count);
        rt__out_row(out, (const char *const[]){kinds[i].name, count});
    }
    rt__out_table_end(out);
    free(kinds);
    return RT_OK;
}
