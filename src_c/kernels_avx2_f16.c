/* The float16 kernels for AVX2 with FMA. */
#if defined(__x86_64__) || defined(_M_X64)
#include "target_avx2.h"

#include "real_f16.h"

#include "kernel_set.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
