#include "dense_parts.h"

static bool always(void)
{
    return true;
}

#ifdef RT_DENSE_X86
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") != 0;
}
#endif

/* In rising order; a later one overwrites what an earlier one filled in. */
static const struct {
    rt_dense_level level;
    bool (*runs)(void);
    void (*fill)(rt_dense *dense);
} levels[] = {
    {RT_DENSE_REF, always, rt__dense_fill_ref},
#ifdef RT_DENSE_X86
    {RT_DENSE_AVX2, has_avx2, rt__dense_fill_avx2},
    {RT_DENSE_AVX512, has_avx512, rt__dense_fill_avx512},
#endif
};

bool rt__dense_init_level(rt_dense *dense, rt_dense_level level)
{
    bool found = false;
    for (size_t i = 0; i < sizeof levels / sizeof *levels && levels[i].level <= level; i++) {
        found = levels[i].runs();
        if (found)
            levels[i].fill(dense);
        found = found && levels[i].level == level;
    }
    return found;
}

void rt__dense_init(rt_dense *dense)
{
    rt__dense_init_level(dense, RT_N_DENSE_LEVELS);
}
