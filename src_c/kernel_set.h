/* Turns one element type (included before: a real_*.h) and one instruction set (included before: a
 * target_*.h) into a table of kernels, fastact_kernels_<isa>_<dtype>. */
#include "fastact.h"
#include "independent.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
/* sigmoid_value_avx2_f32 and so on: the instruction set stands in the name so that a disassembly
 * of the whole library can be read. */
#define KERNEL(name, operation) JOIN(JOIN(JOIN(name, operation), ISA), DTYPE)

#include "activations.h"
#if HALF_FORMAT
#include "half_blocks.h"
#endif
#include "elementwise.h"
#include "rowwise.h"
#if HALF_FORMAT
#define BY_SLOPES KERNEL(backward, by_slopes)
#else
#define BY_SLOPES NULL
#endif

static int KERNEL(round, parameter)(double x, void *out)
{
    element rounded_x = (element)nearest(x);
    memcpy(out, &rounded_x, sizeof rounded_x);
    return isinf(widen(rounded_x)) && !isinf(x);
}

const fastact_kernel_set JOIN(JOIN(fastact_kernels, ISA), DTYPE) = {
    sizeof activations / sizeof *activations, activations, row_kernels,
    KERNEL(round, parameter), BY_SLOPES,
};
