/* Compile what follows for the processor's ABI baseline: SSE2 on x86-64, NEON on aarch64. */
#define ISA baseline
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define HAS_FMA 1
#else
#define HAS_FMA 0
#endif
