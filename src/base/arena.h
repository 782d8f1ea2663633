/* An arena: many small objects that live and die together. */
#ifndef RT_BASE_ARENA_H
#define RT_BASE_ARENA_H

#include <stddef.h>

typedef struct rt_arena rt_arena;

rt_arena *rt__arena_new(void); /* NULL when memory is out */
void rt__arena_free(rt_arena *arena);

/* size bytes, zeroed, aligned to 16; NULL when memory is out.  size 0 gives a pointer all the same. */
void *rt__arena_alloc(rt_arena *arena, size_t size);
/* count * size, NULL also when that overflows. */
void *rt__arena_array(rt_arena *arena, size_t count, size_t size);
/* A copy of length bytes with a 0 behind them. */
char *rt__arena_copy(rt_arena *arena, const void *bytes, size_t length);
char *rt__arena_string(rt_arena *arena, const char *text);
/* Bytes taken from the system so far. */
size_t rt__arena_bytes(const rt_arena *arena);

#endif
