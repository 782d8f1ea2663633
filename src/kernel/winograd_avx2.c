/* Winograd's convolutions in AVX2.  Compiled with -mavx2 -mfma. */
#include <immintrin.h>

#define LANES             8
#define VEC               __m256
#define VEC_OP(op)        _mm256_##op##_ps
#define VEC_BROADCAST(at) _mm256_broadcast_ss(at)
#define ROWS              6
#define EACH_ROW(DO)      DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#define FIND              rt__winograd_find_avx2

#include "winograd_simd.h"
