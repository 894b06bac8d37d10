/* Compile what follows for AVX-512 (F, BW, DQ, VL). To be included before anything else, system headers too: the
 * pragma holds for every function after it. */
#define ISA avx512
#define HAS_FMA 1
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#endif
