#include "dense_parts.h"

void rt__dense_init(rt_dense *dense, rt_cpu_level most)
{
    rt_cpu_level level = rt__cpu_level();
    if (level > most)
        level = most;
    rt__dense_fill_ref(dense);
#if defined(__x86_64__)
    if (level >= RT_CPU_AVX2)
        rt__dense_fill_avx2(dense);
    if (level >= RT_CPU_AVX512)
        rt__dense_fill_avx512(dense);
#endif
}
