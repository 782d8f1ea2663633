/* How much memory of its own a piece of work needs.  The program must be linked with heap.c and with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc: when the library allocates, the heap is measured as a
 * whole, with what shared libraries have taken from it. */
#ifndef TESTS_SUPPORT_HEAP_H
#define TESTS_SUPPORT_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* False where the allocator does not tell, as a sanitizer's. */
bool heap_is_measured(void);
/* Begins anew. */
void heap_begin(void);
/* The most that was in use at one time since, above what was in use then. */
size_t heap_peak(void);

#endif
