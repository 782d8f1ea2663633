#include "fma_peak.h"

#include "base/cpu.h"

#include <stddef.h>
#include <time.h>

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Without FMA: one multiplication and one addition, as compilers make them. */
static double rounds_plain(long rounds, float *result)
{
    float sum[16];
    for (int i = 0; i < 16; i++)
        sum[i] = (float)i;
    for (long r = 0; r < rounds; r++)
        for (int i = 0; i < 16; i++)
            sum[i] = sum[i] * 0.999F + 0.001F;
    for (int i = 0; i < 16; i++)
        result[i] = sum[i];
    return (double)rounds * 16;
}

double fma_peak(void)
{
    static fma_rounds *const levels[] = {
        [RT_CPU_PLAIN] = rounds_plain,
#if defined(__x86_64__)
        [RT_CPU_AVX2] = fma_rounds_avx2,
        [RT_CPU_AVX512] = fma_rounds_avx512,
#endif
    };
    fma_rounds *rounds = levels[rt__cpu_level()];
    double best = 0;
    for (int i = 0; i < 20; i++) {
        volatile float kept[16]; /* so that the sums are needed */
        float result[16];
        double start = cpu_seconds(), floats = rounds(1000000, result), speed;
        for (size_t j = 0; j < 16; j++)
            kept[j] = result[j];
        (void)kept;
        speed = 2 * floats / (cpu_seconds() - start);
        best = speed > best ? speed : best;
    }
    return best;
}
