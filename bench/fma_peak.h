/* How fast this core multiplies and adds floats that never leave its registers. */
#ifndef BENCH_FMA_PEAK_H
#define BENCH_FMA_PEAK_H

/* Floating-point operations a second, one thread, the widest registers there are; best of several runs. */
double fma_peak(void);

/* Each makes rounds * 12 chains of one multiply-add as wide as a register; returns how many floats that is.
 */
typedef double fma_rounds(long rounds, float *result);
fma_rounds fma_rounds_avx2, fma_rounds_avx512;

#endif
