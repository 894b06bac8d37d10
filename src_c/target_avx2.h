/* Compile what follows for AVX2 with FMA. To be included before anything else, system headers too: the
 * pragma holds for every function after it. */
#define ISA avx2
#define HAS_FMA 1
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC target("avx2,fma")
#endif
