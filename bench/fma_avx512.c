#include "fma_peak.h"

#include <immintrin.h>

/* Twelve sums: more than latency times units of any core, and they fit into 16 registers with two factors. */
double fma_rounds_avx512(long rounds, float *result)
{
    __m512 sum[12], a = _mm512_set1_ps(0.999F), b = _mm512_set1_ps(0.001F), total = _mm512_setzero_ps();
    for (int i = 0; i < 12; i++)
        sum[i] = _mm512_set1_ps((float)i);
    for (long r = 0; r < rounds; r++)
        for (int i = 0; i < 12; i++)
            sum[i] = _mm512_fmadd_ps(sum[i], a, b);
    for (int i = 0; i < 12; i++)
        total = _mm512_add_ps(total, sum[i]);
    _mm512_storeu_ps(result, total);
    return (double)rounds * 12 * 16;
}
