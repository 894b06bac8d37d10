/* The float16 kernels for AVX-512 (F, BW, DQ, VL). */
#if defined(__x86_64__) || defined(_M_X64)
#include "target_avx512.h"

#include "real_f16.h"

#include "kernel_set.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
