#include "support/starve.h"

#include "support/wrapped.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_ALLOCATIONS = 100000 };

static size_t until_failure; /* 0: none fails */

static bool fails(void)
{
    return until_failure > 0 && --until_failure == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

size_t starve(starve_work *work, void *context)
{
    for (size_t k = 1; k < MOST_ALLOCATIONS; k++) {
        rt_error err;
        rt_code code;
        rt_error_clear(&err);
        until_failure = k;
        code = work(context, &err);
        until_failure = 0;
        if (code == RT_OK)
            return k - 1;
        if (code != RT_ENOMEM || err.code != RT_ENOMEM) {
            fprintf(stderr, "allocation %zu fails, and it says %d: %s\n", k, (int)code, err.cause);
            abort();
        }
    }
    fprintf(stderr, "it fails however late an allocation does\n");
    abort();
}
