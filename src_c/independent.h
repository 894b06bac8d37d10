#include <stddef.h>

/* INDEPENDENT before a loop: no iteration touches what another one reads or writes. Weaker than
 * `restrict`, as an output may be an input (in place). */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif

/* UNROLL before a loop of a few iterations: all of them, before anything else is done to it. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 8")
#else
#define UNROLL
#endif

/* HIDE(x) keeps from the compiler what x is. A clamp to a bound that it knows becomes a comparison
 * and a choice for each use, one to a bound that it does not know is a minimum or maximum. */
#if defined(__GNUC__)
#define HIDE(x) __asm__("" : "+m"(x))
#else
#define HIDE(x) (void)(x)
#endif

/* Has the processor bring a line of memory nearer meanwhile, to be read: into its first cache or, as
 * that waits for some twenty lines at most, the second. */
#if defined(__GNUC__)
#define FETCH(at) __builtin_prefetch(at)
#define FETCH_TO_SECOND(at) __builtin_prefetch(at, 0, 2)
#else
#define FETCH(at) (void)(at)
#define FETCH_TO_SECOND(at) (void)(at)
#endif

enum { CACHE_LINE = 64 };

static inline void fetch_all(const char *at, ptrdiff_t bytes, int to_second)
{
    if (to_second)
        for (ptrdiff_t b = 0; b < bytes; b += CACHE_LINE) FETCH_TO_SECOND(at + b);
    else
        for (ptrdiff_t b = 0; b < bytes; b += CACHE_LINE) FETCH(at + b);
}
