/* Which instruction set the kernels of this process use: the best that the processor has, or the
 * one that is asked for by name. */
#include "isa.h"

#include <string.h>

#if defined(__x86_64__) || defined(_M_X64)
#define X86 1
#else
#define X86 0
#endif

#define DECLARE(isa)                                                                               \
    extern const fastact_kernel_set fastact_kernels_##isa##_f16, fastact_kernels_##isa##_bf16,     \
        fastact_kernels_##isa##_f32, fastact_kernels_##isa##_f64;
#define KERNELS(isa)                                                                               \
    {[FASTACT_FLOAT16] = &fastact_kernels_##isa##_f16,                                             \
     [FASTACT_BFLOAT16] = &fastact_kernels_##isa##_bf16,                                           \
     [FASTACT_FLOAT32] = &fastact_kernels_##isa##_f32,                                             \
     [FASTACT_FLOAT64] = &fastact_kernels_##isa##_f64}
DECLARE(baseline)
#if X86
DECLARE(avx2)
DECLARE(avx512)
#endif

static int always(void) { return 1; }

#if X86 && defined(__GNUC__)
static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

static int has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
           && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

/* From the least to the best. */
static const struct {
    const char *name;
    int (*runs_here)(void);
    const fastact_kernel_set *kernels[FASTACT_FLOATS];
} isas[] = {
    {"baseline", always, KERNELS(baseline)},
#if X86 && defined(__GNUC__)
    {"avx2", has_avx2, KERNELS(avx2)},
    {"avx512", has_avx512, KERNELS(avx512)},
#endif
};

enum { ISAS = sizeof isas / sizeof *isas };

static int active = 0;

int fastact_select_isa(const char *request)
{
    int best = -1;
    for (int i = 0; i < ISAS; i++) {
        int wanted = !request || !*request || strcmp(request, isas[i].name) == 0;
        if (wanted && isas[i].runs_here()) best = i;
    }
    if (best < 0) return -1;
    active = best;
    return 0;
}

const char *fastact_isa(void) { return isas[active].name; }

const char *fastact_available_isa(int i)
{
    for (int k = 0; k < ISAS; k++)
        if (isas[k].runs_here() && i-- == 0) return isas[k].name;
    return NULL;
}

const fastact_kernel_set *fastact_kernels(int element) { return isas[active].kernels[element]; }

fastact_loop *fastact_loop_of(const char *isa, int index, int operation, int element)
{
    for (int i = 0; i < ISAS; i++)
        if (strcmp(isa, isas[i].name) == 0 && isas[i].runs_here())
            return isas[i].kernels[element]->activations[index].operations[operation].uniform;
    return NULL;
}

static const fastact_kernel_set *any(void) { return isas[0].kernels[FASTACT_FLOAT32]; }

const char *fastact_activation_name(int i) { return any()->activations[i].name; }
int fastact_activation_arrays(int i) { return any()->activations[i].arrays; }
int fastact_activation_parameters(int i) { return any()->activations[i].parameters; }

int fastact_find(const char *name)
{
    for (int i = 0; i < any()->count; i++)
        if (strcmp(name, any()->activations[i].name) == 0) return i;
    return -1;
}

const char *fastact_compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}

const char *fastact_compile_flags(void)
{
#ifdef FASTACT_COMPILE_FLAGS
    return FASTACT_COMPILE_FLAGS;
#else
    return "";
#endif
}
