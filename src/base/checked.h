/* Arithmetic that says when it overflows.  The compiler builtins stand here and nowhere else. */
#ifndef RT_BASE_CHECKED_H
#define RT_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool rt_mul(size_t *result, size_t a, size_t b)
{
    return !__builtin_mul_overflow(a, b, result);
}

static inline bool rt_add(size_t *result, size_t a, size_t b)
{
    return !__builtin_add_overflow(a, b, result);
}

static inline bool rt_mul_i64(int64_t *result, int64_t a, int64_t b)
{
    return !__builtin_mul_overflow(a, b, result);
}

static inline bool rt_add_i64(int64_t *result, int64_t a, int64_t b)
{
    return !__builtin_add_overflow(a, b, result);
}

#endif
