#include "cpu.h"

#include <stdbool.h>

#if defined(__x86_64__)

rt_cpu_level rt__cpu_level(void)
{
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (!avx2)
        return RT_CPU_PLAIN;
    return avx512 ? RT_CPU_AVX512 : RT_CPU_AVX2;
}

#else

rt_cpu_level rt__cpu_level(void)
{
    return RT_CPU_PLAIN;
}

#endif
