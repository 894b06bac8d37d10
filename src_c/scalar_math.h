/* Branch-free scalar building blocks, written so that the auto-vectoriser turns each into one or
 * two instructions. Contraction is off in this project: a fused multiply-add happens where
 * multiply_add or fmaf (rational.h) says so and nowhere else, which is what makes AVX2, AVX-512 and
 * NEON agree to the bit. */
#ifndef FASTACT_SCALAR_MATH_H
#define FASTACT_SCALAR_MATH_H

#include <math.h> /* fabs, copysign and fma: instructions, not calls */
#include <stdint.h>
#include <string.h>

#include "constants.h"

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline, unused))
#else
#define INLINE static inline
#endif

/* a*b + c: rounded once where the instruction set has it, twice elsewhere (the library's fma would
 * be a call in every loop). */
INLINE double multiply_add(double a, double b, double c)
{
#if HAS_FMA
    return fma(a, b, c);
#else
    return a * b + c;
#endif
}

INLINE uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

INLINE double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The leading 26 bits. */
INLINE double upper_half(double a) { return double_of(bits_of(a) & ~UINT64_C(0x7ffffff)); }

/* The larger and smaller of two; of a NaN and a number, the second operand. Callers put the bound
 * first, so that a NaN passes. This is exactly the machine's max and min. */
INLINE double larger(double a, double b) { return a > b ? a : b; }
INLINE double smaller(double a, double b) { return a < b ? a : b; }

/* The lesser of two where both conditions hold, else the greater. Of conditions on numbers of two
 * types, joined, no vectors are made. */
INLINE double both_or(int first, int second, double lesser, double greater)
{
    return larger(first ? lesser : greater, second ? lesser : greater);
}

/* Two words, for what one is too few for whatever the working type. */
typedef struct {
    double high, low;
} words;

INLINE words exact_sum(double a, double b)
{
    double sum = a + b;
    double part = sum - a;
    return (words){sum, (a - (sum - part)) + (b - part)};
}

/* What expm1(r), |r| <= ln2/2, is made of: expm1(r)/r for what narrows to float, and
 * (expm1(r) - r)/r^2 to the last bit of a double. */
INLINE double expm1_over_r(double r)
{
    double p = EXPM1_DOUBLE_C6;
    p = multiply_add(p, r, EXPM1_DOUBLE_C5);
    p = multiply_add(p, r, EXPM1_DOUBLE_C4);
    p = multiply_add(p, r, EXPM1_DOUBLE_C3);
    p = multiply_add(p, r, EXPM1_DOUBLE_C2);
    p = multiply_add(p, r, EXPM1_DOUBLE_C1);
    return multiply_add(p, r, EXPM1_DOUBLE_C0);
}

INLINE double expm1_beyond_r(double r)
{
    double p = EXPM1_PAIR_C10;
    p = multiply_add(p, r, EXPM1_PAIR_C9);
    p = multiply_add(p, r, EXPM1_PAIR_C8);
    p = multiply_add(p, r, EXPM1_PAIR_C7);
    p = multiply_add(p, r, EXPM1_PAIR_C6);
    p = multiply_add(p, r, EXPM1_PAIR_C5);
    p = multiply_add(p, r, EXPM1_PAIR_C4);
    p = multiply_add(p, r, EXPM1_PAIR_C3);
    p = multiply_add(p, r, EXPM1_PAIR_C2);
    p = multiply_add(p, r, EXPM1_PAIR_C1);
    return multiply_add(p, r, EXPM1_PAIR_C0);
}

/* tanh(r/2)/r for |r| <= ln2/2, u = r^2, for what narrows to float. */
INLINE double tanh_of_half_over_r(double u)
{
    double p = TANH_OF_HALF_DOUBLE_C3;
    p = multiply_add(p, u, TANH_OF_HALF_DOUBLE_C2);
    p = multiply_add(p, u, TANH_OF_HALF_DOUBLE_C1);
    return multiply_add(p, u, TANH_OF_HALF_DOUBLE_C0);
}

/* What log(1 + e) = s (2 + y p), s = e/(2 + e), y = s^2 <= 1/9, has for p: for what narrows to float,
 * and, to the last bit, what comes after its first coefficient, a pair. */
INLINE double log1p_beyond_s(double y)
{
    double p = LOG1P_DOUBLE_C4;
    p = multiply_add(p, y, LOG1P_DOUBLE_C3);
    p = multiply_add(p, y, LOG1P_DOUBLE_C2);
    p = multiply_add(p, y, LOG1P_DOUBLE_C1);
    return multiply_add(p, y, LOG1P_DOUBLE_C0);
}

INLINE double log1p_rest(double y)
{
    double p = LOG1P_PAIR_C10;
    p = multiply_add(p, y, LOG1P_PAIR_C9);
    p = multiply_add(p, y, LOG1P_PAIR_C8);
    p = multiply_add(p, y, LOG1P_PAIR_C7);
    p = multiply_add(p, y, LOG1P_PAIR_C6);
    p = multiply_add(p, y, LOG1P_PAIR_C5);
    p = multiply_add(p, y, LOG1P_PAIR_C4);
    p = multiply_add(p, y, LOG1P_PAIR_C3);
    p = multiply_add(p, y, LOG1P_PAIR_C2);
    return multiply_add(p, y, LOG1P_PAIR_C1);
}

/* The polynomials of gelu: see constants.h. Of those to the last bit the first coefficients are pairs,
 * and only what comes after them is here. */
INLINE double normal_tail_polynomial(double v)
{
    double p = NORMAL_TAIL_DOUBLE_C12;
    p = multiply_add(p, v, NORMAL_TAIL_DOUBLE_C11);
    p = multiply_add(p, v, NORMAL_TAIL_DOUBLE_C10);
    p = multiply_add(p, v, NORMAL_TAIL_DOUBLE_C9);
    p = multiply_add(p, v, NORMAL_TAIL_DOUBLE_C8);
    p = multiply_add(p, v, NORMAL_TAIL_DOUBLE_C7);
    p = multiply_add(p, v, NORMAL_TAIL_DOUBLE_C6);
    p = multiply_add(p, v, NORMAL_TAIL_DOUBLE_C5);
    p = multiply_add(p, v, NORMAL_TAIL_DOUBLE_C4);
    p = multiply_add(p, v, NORMAL_TAIL_DOUBLE_C3);
    p = multiply_add(p, v, NORMAL_TAIL_DOUBLE_C2);
    p = multiply_add(p, v, NORMAL_TAIL_DOUBLE_C1);
    return multiply_add(p, v, NORMAL_TAIL_DOUBLE_C0);
}

INLINE double normal_tail_rest(double v)
{
    double p = NORMAL_TAIL_PAIR_C22;
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C21);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C20);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C19);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C18);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C17);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C16);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C15);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C14);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C13);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C12);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C11);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C10);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C9);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C8);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C7);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C6);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C5);
    p = multiply_add(p, v, NORMAL_TAIL_PAIR_C4);
    return multiply_add(p, v, NORMAL_TAIL_PAIR_C3);
}

INLINE double gelu_slope_polynomial(double v)
{
    double p = GELU_SLOPE_DOUBLE_C11;
    p = multiply_add(p, v, GELU_SLOPE_DOUBLE_C10);
    p = multiply_add(p, v, GELU_SLOPE_DOUBLE_C9);
    p = multiply_add(p, v, GELU_SLOPE_DOUBLE_C8);
    p = multiply_add(p, v, GELU_SLOPE_DOUBLE_C7);
    p = multiply_add(p, v, GELU_SLOPE_DOUBLE_C6);
    p = multiply_add(p, v, GELU_SLOPE_DOUBLE_C5);
    p = multiply_add(p, v, GELU_SLOPE_DOUBLE_C4);
    p = multiply_add(p, v, GELU_SLOPE_DOUBLE_C3);
    p = multiply_add(p, v, GELU_SLOPE_DOUBLE_C2);
    p = multiply_add(p, v, GELU_SLOPE_DOUBLE_C1);
    return multiply_add(p, v, GELU_SLOPE_DOUBLE_C0);
}

INLINE double gelu_slope_rest(double v)
{
    double p = GELU_SLOPE_PAIR_C21;
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C20);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C19);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C18);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C17);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C16);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C15);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C14);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C13);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C12);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C11);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C10);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C9);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C8);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C7);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C6);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C5);
    p = multiply_add(p, v, GELU_SLOPE_PAIR_C4);
    return multiply_add(p, v, GELU_SLOPE_PAIR_C3);
}

/* Likewise of tanh_shrink. */
INLINE double tanh_shrink_polynomial(double y)
{
    double p = TANH_SHRINK_DOUBLE_C6;
    p = multiply_add(p, y, TANH_SHRINK_DOUBLE_C5);
    p = multiply_add(p, y, TANH_SHRINK_DOUBLE_C4);
    p = multiply_add(p, y, TANH_SHRINK_DOUBLE_C3);
    p = multiply_add(p, y, TANH_SHRINK_DOUBLE_C2);
    p = multiply_add(p, y, TANH_SHRINK_DOUBLE_C1);
    return multiply_add(p, y, TANH_SHRINK_DOUBLE_C0);
}

INLINE double tanh_shrink_rest(double y)
{
    double p = TANH_SHRINK_PAIR_C12;
    p = multiply_add(p, y, TANH_SHRINK_PAIR_C11);
    p = multiply_add(p, y, TANH_SHRINK_PAIR_C10);
    p = multiply_add(p, y, TANH_SHRINK_PAIR_C9);
    p = multiply_add(p, y, TANH_SHRINK_PAIR_C8);
    p = multiply_add(p, y, TANH_SHRINK_PAIR_C7);
    p = multiply_add(p, y, TANH_SHRINK_PAIR_C6);
    p = multiply_add(p, y, TANH_SHRINK_PAIR_C5);
    p = multiply_add(p, y, TANH_SHRINK_PAIR_C4);
    p = multiply_add(p, y, TANH_SHRINK_PAIR_C3);
    return multiply_add(p, y, TANH_SHRINK_PAIR_C2);
}

INLINE double magnitude(double x) { return fabs(x); }
INLINE double with_sign(double size, double sign) { return copysign(size, sign); }

/* The same of a float or a double, whichever a `real` is. */
#define REAL_SIZE(x) _Generic((x), float: fabsf, double: fabs)(x)
#define REAL_WITH_SIGN(size, sign) _Generic((size), float: copysignf, double: copysign)(size, sign)

#endif
