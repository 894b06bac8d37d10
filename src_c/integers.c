/* The values of the activations that keep integers as integers. For the baseline alone: on any
 * instruction set they wait for memory. */
#include "target_baseline.h"

#include "real_f64.h"

#include "activations.h"
#include "independent.h"
#include "isa.h"

#if defined(__GNUC__)
/* "x < 0" is never true of an unsigned type; the formula is the same for all types all the same. */
#pragma GCC diagnostic ignored "-Wtype-limits"
#endif

#define LOOP(name, formula, type)                                                                  \
    static void name##_value_##type(ptrdiff_t n, char *const *operands)                            \
    {                                                                                              \
        const type *x = (const type *)operands[0];                                                 \
        type *out = (type *)operands[1];                                                           \
        INDEPENDENT                                                                                \
        for (ptrdiff_t i = 0; i < n; i++) out[i] = (type)formula(x[i]);                            \
    }

#define PLAIN(name)
#define PARAMETER(name)
#define TWO_PARAMETERS(name)
#define INTEGER(name, formula)                                                                     \
    LOOP(name, formula, int8_t)                                                                    \
    LOOP(name, formula, int16_t)                                                                   \
    LOOP(name, formula, int32_t)                                                                   \
    LOOP(name, formula, int64_t)                                                                   \
    LOOP(name, formula, uint8_t)                                                                   \
    LOOP(name, formula, uint16_t)                                                                  \
    LOOP(name, formula, uint32_t)                                                                  \
    LOOP(name, formula, uint64_t)

ACTIVATIONS(PLAIN, INTEGER, PARAMETER, TWO_PARAMETERS)

#undef INTEGER
#define INTEGER(name, formula)                                                                     \
    {#name,                                                                                        \
     {[FASTACT_INT8] = name##_value_int8_t, [FASTACT_UINT8] = name##_value_uint8_t,                \
      [FASTACT_INT16] = name##_value_int16_t, [FASTACT_UINT16] = name##_value_uint16_t,            \
      [FASTACT_INT32] = name##_value_int32_t, [FASTACT_UINT32] = name##_value_uint32_t,            \
      [FASTACT_INT64] = name##_value_int64_t, [FASTACT_UINT64] = name##_value_uint64_t}},

const fastact_integer_activation fastact_integer_kernels[] = {
    ACTIVATIONS(PLAIN, INTEGER, PARAMETER, TWO_PARAMETERS){NULL, {NULL}}};
