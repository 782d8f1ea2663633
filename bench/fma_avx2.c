#include "fma_peak.h"

#include <immintrin.h>

/* Twelve sums: more than latency times units of any core, and they fit into 16 registers with two factors. */
double fma_rounds_avx2(long rounds, float *result)
{
    __m256 sum[12], a = _mm256_set1_ps(0.999F), b = _mm256_set1_ps(0.001F), total = _mm256_setzero_ps();
    for (int i = 0; i < 12; i++)
        sum[i] = _mm256_set1_ps((float)i);
    for (long r = 0; r < rounds; r++)
        for (int i = 0; i < 12; i++)
            sum[i] = _mm256_fmadd_ps(sum[i], a, b);
    for (int i = 0; i < 12; i++)
        total = _mm256_add_ps(total, sum[i]);
    _mm256_storeu_ps(result, total);
    return (double)rounds * 12 * 8;
}
