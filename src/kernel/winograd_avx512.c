/* Winograd's convolutions in AVX-512.  Compiled with -mavx512f. */
#include <immintrin.h>

#define LANES             16
#define VEC               __m512
#define VEC_OP(op)        _mm512_##op##_ps
#define VEC_BROADCAST(at) _mm512_set1_ps(*(at))
#define ROWS              12
#define EACH_ROW(DO)      DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define FIND              rt__winograd_find_avx512

#include "winograd_simd.h"
