#include "kernel_call.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

enum { GUARD = 64 }; /* floats on each side */

static const unsigned char guard_byte = 0xA5;

static void *new_aligned(size_t floats)
{
    size_t bytes = (floats * sizeof(float) + RT_KERNEL_ALIGN - 1) / RT_KERNEL_ALIGN * RT_KERNEL_ALIGN;
    void *memory = aligned_alloc(RT_KERNEL_ALIGN, bytes ? bytes : RT_KERNEL_ALIGN);
    assert_non_null(memory);
    return memory;
}

float pattern(size_t i, int seed)
{
    return (float)((int)((i * 7919 + (size_t)seed * 104729) % 23) - 11) / 8;
}

float *pattern_new(size_t n, int seed)
{
    float *x = new_aligned(n);
    for (size_t i = 0; i < n; i++)
        x[i] = pattern(i, seed);
    return x;
}

float *random_new(size_t n, uint64_t seed)
{
    float *x = new_aligned(n);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        x[i] = (float)(int32_t)(seed >> 40) / 8388608.0F - 1;
    }
    return x;
}

float *relayout(const rt_kernels *kernels, const float *x, const rt_grid *from, const rt_grid *to,
                float filling)
{
    float *y = new_aligned(rt__grid_floats(to));
    int32_t inner = rt__grid_inner(to);
    size_t plane = (size_t)to->h * (size_t)to->w;
    rt_kernel_args args = {.src = {x}, .dst = y};
    rt_kernel *kernel = NULL;
    assert_int_equal(kernels->place(kernels, &(rt_place_spec){*from, *to, 0}, &kernel, NULL), RT_OK);
    assert_int_equal(kernel->run(kernel, &args, NULL, NULL), RT_OK);
    rt__kernel_free(kernel);
    for (int32_t c = to->c; c % inner != 0; c++)
        for (size_t p = 0; p < plane; p++)
            y[((size_t)(c / inner) * plane + p) * (size_t)inner + (size_t)(c % inner)] = filling;
    return y;
}

static void run_once(const rt_kernels *kernels, const rt_kernel *kernel, const rt_kernel_args *args)
{
    void *session = NULL, *bound = NULL;
    rt_error err;
    rt_error_clear(&err);
    assert_int_equal(kernels->session_new(kernels, &session, &err), RT_OK);
    kernels->session_enter(session);
    if (kernel->bind)
        assert_int_equal(kernel->bind(kernel, args, session, &bound, &err), RT_OK);
    assert_int_equal(kernel->run(kernel, args, bound, &err), RT_OK);
    if (kernel->unbind)
        kernel->unbind(kernel, bound);
    kernels->session_free(session);
}

static void check_guards(const float *memory, size_t n)
{
    const unsigned char *front = (const unsigned char *)memory;
    const unsigned char *back = (const unsigned char *)(memory + GUARD + n);
    for (size_t i = 0; i < GUARD * sizeof(float); i++)
        if (front[i] != guard_byte || back[i] != guard_byte)
            fail_msg("wrote outside: byte %zu of a guard", i);
}

float *kernel_call(const rt_kernels *kernels, rt_kernel *kernel, const float *const *inputs,
                   const float *before)
{
    rt_grid rows = kernel->dst;
    size_t n = rt__grid_floats(&kernel->dst);
    float *memory = new_aligned(n + 2 * (size_t)GUARD), *first = new_aligned(n), *src[RT_KERNEL_SOURCES],
          *result;
    rt_kernel_args args = {.dst = memory + GUARD,
                           .scratch = new_aligned(kernel->scratch_bytes / sizeof(float) + 1)};
    rows.layout = RT_LAYOUT_ROWS;
    for (uint32_t i = 0; i < kernel->n_src; i++) {
        rt_grid from = kernel->src[i];
        from.layout = RT_LAYOUT_ROWS;
        args.src[i] = src[i] = relayout(kernels, inputs[i], &from, &kernel->src[i], 7);
    }
    for (int round = 0; round < 2; round++) {
        memset(memory, guard_byte, (n + 2 * (size_t)GUARD) * sizeof(float));
        if (before) {
            float *held = relayout(kernels, before, &rows, &kernel->dst, 0);
            memcpy(args.dst, held, n * sizeof(float));
            free(held);
        }
        run_once(kernels, kernel, &args);
        check_guards(memory, n);
        if (round == 0)
            memcpy(first, args.dst, n * sizeof(float));
        else
            assert_memory_equal(first, args.dst, n * sizeof(float));
    }
    for (size_t i = 0; i < n; i++)
        assert_true(isfinite(args.dst[i]));
    result = relayout(kernels, args.dst, &kernel->dst, &rows, 0);
    for (uint32_t i = 0; i < kernel->n_src; i++)
        free(src[i]);
    free(memory);
    free(first);
    free(args.scratch);
    rt__kernel_free(kernel);
    return result;
}

void check_close(const char *what, const float *is, const float *wanted, size_t n, double tolerance)
{
    double largest = 1e-30;
    for (size_t i = 0; i < n; i++)
        if (fabs((double)wanted[i]) > largest)
            largest = fabs((double)wanted[i]);
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)is[i] - (double)wanted[i]) <= tolerance * largest))
            fail_msg("%s: value %zu is %.9g, wanted %.9g (largest %.3g)", what, i, (double)is[i],
                     (double)wanted[i], largest);
}
