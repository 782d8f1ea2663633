/* Calls a kernel on inputs given as rows (NHWC), whatever layouts it wants, with guards around its output. */
#ifndef TESTS_KERNEL_CALL_H
#define TESTS_KERNEL_CALL_H

#include "kernel/kernel.h"

/* Input i of a seed; exact in float32, see make_tensorflow_cases.py. */
float pattern(size_t i, int seed);
float *pattern_new(size_t n, int seed);
/* In [-1, 1). */
float *random_new(size_t n, uint64_t seed);

/* The same image in another layout; owned by the caller.  Blocks are filled up with `filling`. */
float *relayout(const rt_kernels *kernels, const float *x, const rt_grid *from, const rt_grid *to,
                float filling);

/* Runs kernel on n inputs laid out as rows, before (may be NULL) being what dst holds first, and returns dst
 * as rows; owned by the caller.  Fails the running test when a byte around dst changes, when filled-up
 * channels are not finite, or when a second run gives other bits.  Frees the kernel. */
float *kernel_call(const rt_kernels *kernels, rt_kernel *kernel, const float *const *inputs,
                   const float *before);

/* Fails the running test, naming `what`, when a value differs by more than tolerance of the largest one. */
void check_close(const char *what, const float *is, const float *wanted, size_t n, double tolerance);

#endif
