/* The floating-point environment around a call: default rounding, subnormals kept and no trap
 * inside, whatever the caller has set; the caller's control and sticky flags untouched after.
 * Two control-register moves, some nanoseconds; fegetenv and fesetenv would take a hundred. */
#ifndef FASTACT_FP_ENVIRONMENT_H
#define FASTACT_FP_ENVIRONMENT_H

/* Before a function that computes between fp_enter and fp_leave: inlined, its arithmetic could move
 * across them. */
#if defined(__GNUC__)
#define OUT_OF_LINE __attribute__((noinline))
#else
#define OUT_OF_LINE
#endif

#if defined(__x86_64__) && defined(__GNUC__)

typedef unsigned int fp_environment;

static inline fp_environment fp_enter(void)
{
    fp_environment callers = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(0x1f80);
    return callers;
}

static inline void fp_leave(fp_environment callers) { __builtin_ia32_ldmxcsr(callers); }

#elif defined(__aarch64__) && defined(__GNUC__)

typedef struct {
    unsigned long control, status;
} fp_environment;

static inline fp_environment fp_enter(void)
{
    fp_environment callers;
    __asm__ volatile("mrs %0, fpcr" : "=r"(callers.control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(callers.status));
    __asm__ volatile("msr fpcr, %0" : : "r"(0UL));
    return callers;
}

static inline void fp_leave(fp_environment callers)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(callers.control));
    __asm__ volatile("msr fpsr, %0" : : "r"(callers.status));
}

#else

#include <fenv.h>

typedef fenv_t fp_environment;

static inline fp_environment fp_enter(void)
{
    fenv_t callers;
    feholdexcept(&callers);
    fesetround(FE_TONEAREST);
    return callers;
}

static inline void fp_leave(fp_environment callers) { fesetenv(&callers); }

#endif
#endif
