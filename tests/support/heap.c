#include "support/heap.h"

#include "support/wrapped.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SMALL = 2048 /* measuring at each small allocation would take too long */ };

static atomic_size_t first, peak;

static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void *measure(void *memory, size_t size)
{
    size_t now, most = atomic_load(&peak);
    if (size < SMALL)
        return memory;
    now = in_use();
    while (now > most && !atomic_compare_exchange_weak(&peak, &most, now))
        continue;
    return memory;
}

void *__wrap_malloc(size_t size)
{
    return measure(__real_malloc(size), size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return measure(__real_calloc(count, size), count * size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return measure(__real_realloc(memory, size), size);
}

bool heap_is_measured(void)
{
    void *some = malloc(SMALL);
    bool measured = in_use() > 0;
    free(some);
    return measured;
}

void heap_begin(void)
{
    atomic_store(&first, in_use());
    atomic_store(&peak, in_use());
}

size_t heap_peak(void)
{
    return atomic_load(&peak) - atomic_load(&first);
}
