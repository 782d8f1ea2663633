#include "array.h"

#include "checked.h"

#include <stdlib.h>

void *rt__array_grow(void *array, size_t *room, size_t first, size_t size)
{
    size_t more = first, bytes;
    void *larger;
    if (*room > 0 && !rt_mul(&more, 2, *room))
        return NULL;
    if (!rt_mul(&bytes, more, size) || !(larger = realloc(array, bytes)))
        return NULL;
    *room = more;
    return larger;
}
