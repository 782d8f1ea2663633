/* Arrays that grow. */
#ifndef RT_BASE_ARRAY_H
#define RT_BASE_ARRAY_H

#include <stddef.h>

/* The array, moved to where it has room for twice as many items of `size` bytes, `first` where it had none.
 * NULL: there is no memory for them, and array and *room are as they were. */
void *rt__array_grow(void *array, size_t *room, size_t first, size_t size);

#endif
