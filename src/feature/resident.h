/* How much of a mapped file counts as the process's memory.
 *
 * Linux maps 64 KB around a page that is touched, or the whole folio that holds it, 2 MB at most, and what is
 * mapped counts (ru_maxrss) until the process lets go of it.  So the windows of 2 MB in which something was
 * touched are noted in a table with a place for each remainder of their number: where a window takes the
 * place of another, the process lets go of that one.  A file of no more windows than places, 8 MB, stays as
 * a whole.  The system keeps the pages in its file cache as long as it has memory for them: touching one
 * again costs some microseconds, no reading of the disk.
 */
#ifndef RT_FEATURE_RESIDENT_H
#define RT_FEATURE_RESIDENT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RT_RESIDENT_WINDOWS = 4 };

/* Threads may share it. */
typedef struct rt_resident {
    atomic_uintptr_t windows[RT_RESIDENT_WINDOWS]; /* numbers; 0: none */
    atomic_uintptr_t base;                         /* of the map; 0: not known, and all stays */
    int fd;                                        /* the file's, borrowed; once base is known */
    size_t map_bytes;                              /* likewise */
    pthread_mutex_t lock;                          /* guards changes of the above, and: */
    size_t n_replaced;
} rt_resident;

void rt__resident_init(rt_resident *resident);
void rt__resident_clear(rt_resident *resident);
/* The map is no longer where it was. */
void rt__resident_forget(rt_resident *resident);

/* Bytes of the map and where they should stand in the file: the map is only taken to be there if they do.
 * Nobody writes to the map: pages come back as they are in the file. */
typedef struct rt_resident_page {
    const void *bytes;
    size_t n_bytes; /* at most 64 */
    int fd;
    uint64_t offset;
    size_t map_bytes; /* of the whole map, which begins with the file's first byte */
} rt_resident_page;
void rt__resident_locate(rt_resident *resident, const rt_resident_page *page);
bool rt__resident_located(const rt_resident *resident);

/* Bytes that were read.  They stay where they are, also after others took their place. */
void rt__resident_touch(rt_resident *resident, const void *bytes, size_t size);
/* Copies bytes of the map without touching it. */
void rt__resident_fetch(rt_resident *resident, const void *bytes, size_t size, void *to);

#endif
