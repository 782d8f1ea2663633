#include "rsqrt.h"

#include <float.h>
#include <math.h>

#if defined(__x86_64__)

#include <immintrin.h>

float rt__rsqrt_vector(float x)
{
    float estimate, half, rest;
    if (!(x >= FLT_MIN && x <= FLT_MAX))
        return 1 / sqrtf(x);
    estimate = _mm_cvtss_f32(_mm_rsqrt_ss(_mm_set_ss(x)));
    half = estimate * -0.5F;
    rest = x * estimate * estimate - 1;
    return half * rest + estimate;
}

#else

float rt__rsqrt_vector(float x)
{
    return 1 / sqrtf(x);
}

#endif
