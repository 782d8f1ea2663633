#include "resident.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    WINDOW_BITS = 21,
    /* Pages that were read on the way, in the tree of keys, are not noted: now and then all is let go of. */
    WHOLE_EVERY = 256,
    MOST_COMPARED = 64
};

void rt__resident_init(rt_resident *r)
{
    pthread_mutex_init(&r->lock, NULL);
    rt__resident_forget(r);
}

void rt__resident_clear(rt_resident *r)
{
    pthread_mutex_destroy(&r->lock);
}

void rt__resident_forget(rt_resident *r)
{
    pthread_mutex_lock(&r->lock);
    atomic_store(&r->base, 0);
    r->n_replaced = 0;
    for (size_t i = 0; i < RT_RESIDENT_WINDOWS; i++)
        atomic_store(&r->windows[i], 0);
    pthread_mutex_unlock(&r->lock);
}

void rt__resident_locate(rt_resident *r, const rt_resident_page *page)
{
    uint8_t found[MOST_COMPARED];
    size_t n = page->n_bytes < sizeof found ? page->n_bytes : sizeof found;
    if (pread(page->fd, found, n, (off_t)page->offset) != (ssize_t)n || memcmp(found, page->bytes, n) != 0)
        return;
    pthread_mutex_lock(&r->lock);
    if (!rt__resident_located(r)) {
        r->fd = page->fd;
        r->map_bytes = page->map_bytes;
        atomic_store(&r->base, (uintptr_t)page->bytes - (uintptr_t)page->offset);
    }
    pthread_mutex_unlock(&r->lock);
}

bool rt__resident_located(const rt_resident *r)
{
    return atomic_load(&r->base) != 0;
}

/* Only of what is the map's. */
static void let_go(const rt_resident *r, uintptr_t base, uintptr_t from, uintptr_t to)
{
    from = from < base ? base : from;
    to = to > base + r->map_bytes ? base + r->map_bytes : to;
    if (from < to)
        madvise((void *)from, to - from, MADV_DONTNEED);
}

static void replace(rt_resident *r, atomic_uintptr_t *place, uintptr_t window)
{
    uintptr_t base, old;
    pthread_mutex_lock(&r->lock);
    base = atomic_load(&r->base);
    old = base ? atomic_exchange(place, window) : 0;
    if (old && old != window) {
        if (++r->n_replaced % WHOLE_EVERY == 0)
            let_go(r, base, base, base + r->map_bytes);
        else
            let_go(r, base, old << WINDOW_BITS, (old + 1) << WINDOW_BITS);
    }
    pthread_mutex_unlock(&r->lock);
}

void rt__resident_touch(rt_resident *r, const void *bytes, size_t size)
{
    uintptr_t first = (uintptr_t)bytes >> WINDOW_BITS;
    uintptr_t last = ((uintptr_t)bytes + (size ? size - 1 : 0)) >> WINDOW_BITS;
    for (uintptr_t window = first; window <= last; window++) {
        atomic_uintptr_t *place = &r->windows[window % RT_RESIDENT_WINDOWS];
        if (atomic_load_explicit(place, memory_order_relaxed) != window)
            replace(r, place, window);
    }
}

void rt__resident_fetch(rt_resident *r, const void *bytes, size_t size, void *to)
{
    uintptr_t base = atomic_load(&r->base), at = (uintptr_t)bytes;
    if (base && at >= base && at - base < r->map_bytes &&
        pread(r->fd, to, size, (off_t)(at - base)) == (ssize_t)size)
        return;
    memcpy(to, bytes, size);
    rt__resident_touch(r, bytes, size);
}
