#include "arena.h"

#include "checked.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16, CHUNK_BYTES = 64 * 1024 };

typedef struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
} chunk;

struct rt_arena {
    chunk *chunks; /* the first one is filled */
    size_t bytes;
};

rt_arena *rt__arena_new(void)
{
    return calloc(1, sizeof(rt_arena));
}

void rt__arena_free(rt_arena *arena)
{
    if (!arena)
        return;
    for (chunk *c = arena->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(arena);
}

static chunk *add_chunk(rt_arena *arena, size_t size)
{
    size_t total;
    chunk *c;
    if (!rt_add(&total, sizeof(chunk), size) || !(c = calloc(1, total)))
        return NULL;
    c->used = 0;
    c->size = size;
    arena->bytes += total;
    /* A block made to measure goes behind the first chunk, so that the room left in that one stays in use. */
    if (arena->chunks && size != CHUNK_BYTES) {
        c->next = arena->chunks->next;
        arena->chunks->next = c;
    } else {
        c->next = arena->chunks;
        arena->chunks = c;
    }
    return c;
}

void *rt__arena_alloc(rt_arena *arena, size_t size)
{
    chunk *c = arena->chunks;
    size_t padded;
    void *result;
    if (!rt_add(&padded, size, ALIGNMENT - 1))
        return NULL;
    padded &= ~(size_t)(ALIGNMENT - 1);
    if (padded == 0)
        padded = ALIGNMENT;
    if (!c || c->size - c->used < padded) {
        c = add_chunk(arena, padded > CHUNK_BYTES / 4 ? padded : CHUNK_BYTES);
        if (!c)
            return NULL;
    }
    result = c->bytes + c->used;
    c->used += padded;
    return result; /* zero since calloc(), which need not touch what is fresh from the system */
}

void *rt__arena_array(rt_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    return rt_mul(&bytes, count, size) ? rt__arena_alloc(arena, bytes) : NULL;
}

char *rt__arena_copy(rt_arena *arena, const void *bytes, size_t length)
{
    char *copy;
    if (length == SIZE_MAX || !(copy = rt__arena_alloc(arena, length + 1)))
        return NULL;
    if (length)
        memcpy(copy, bytes, length);
    return copy;
}

char *rt__arena_string(rt_arena *arena, const char *text)
{
    return rt__arena_copy(arena, text, strlen(text));
}

size_t rt__arena_bytes(const rt_arena *arena)
{
    return arena->bytes;
}
