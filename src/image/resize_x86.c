#include "resize_x86.h"
#include "base/cpu.h"

const rt_resize_loops *rt__resize_fast_loops(void)
{
    return rt__cpu_level() >= RT_CPU_AVX2 ? &rt__resize_avx2 : NULL;
}
