/* INDEPENDENT before a loop: no iteration touches what another one reads or writes. Weaker than
 * `restrict`, as an output may be an input (in place). */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif
