/* What -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc makes of the library's allocations: they call __wrap_*,
 * which heap.c or starve.c has, and the C library's are __real_*. */
#ifndef TESTS_SUPPORT_WRAPPED_H
#define TESTS_SUPPORT_WRAPPED_H

#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

#endif
