/* The working type of the narrow element types: a plain double.
 *
 * A float32 function evaluated in double and narrowed once is within 0.51 ULP without any
 * compensation: double's 29 spare bits swallow every rounding on the way, its exponent range
 * swallows float32's subnormals and overflows, and its results stay exact far below float32's
 * range, so that a backward pass may multiply them by the largest gradient. */
#ifndef FASTACT_DOUBLE_ARITHMETIC_H
#define FASTACT_DOUBLE_ARITHMETIC_H

#include "scalar_math.h"

typedef double number;
typedef struct {
    number value;     /* e^x */
    number minus_one; /* e^x - 1, accurate relative to itself */
} exponential;

/* logistic.h says what that is good for; it does not meet ties. */
#define EXP_IS_QUOTIENT (!TIES_MATTER)

/* Where e^x is certainly nothing beside 1e-45/1.2e77, the smallest result over the largest product of
 * a gradient and a value that it is the gate of. */
#define EXP_LOWEST (-300.0)

INLINE number exact(double x) { return x; }
INLINE number constant(double high, double low) { (void)low; return high; }
INLINE double leading(number a) { return a; }
INLINE double trailing(number a) { (void)a; return 0.0; }
INLINE number choose(int condition, number a, number b) { return condition ? a : b; }
INLINE number sign_as(number a, double sign) { return with_sign(a, sign); }
INLINE number negative(number a) { return -a; }
INLINE number minus_magnitude(number a) { return -magnitude(a); }
INLINE number add(number a, number b) { return a + b; }
INLINE number plus(number a, double b) { return a + b; }
INLINE number multiply(number a, number b) { return a * b; }
INLINE number multiply_any(number a, number b) { return a * b; }
INLINE number times(number a, double b) { return a * b; }
INLINE number times_both(number a, double b, double c) { return a * (b * c); }
INLINE number scaled(double power_of_two, number a) { return power_of_two * a; }
INLINE number square(number a) { return a * a; }
INLINE number divide(number a, number b) { return a / b; }
INLINE number at_least(number a, double bound) { return larger(bound, a); }
INLINE number at_most(number a, double bound) { return smaller(bound, a); }
INLINE number difference(double a, double b) { return a - b; }
INLINE number from_root(number x, double high, double middle, double low)
{
    (void)low;
    return (x - high) - middle;
}

/* e^x may come times a power of two where the working type has no range to spare (see
 * pair_arithmetic.h); a double has plenty for what narrows to float. */
INLINE number at_scale_of(number e, number a) { (void)e; return a; }
INLINE number lowered(double power_of_two, number a) { return power_of_two * power_of_two * a; }

/* Keeps a number in two words, or in as many as it has. */
INLINE void put(number a, double *high, double *low)
{
    (void)low;
    *high = a;
}

INLINE void accumulate_one(double *high, double *low, double term)
{
    (void)low;
    *high += term;
}

INLINE double rounded(number a) { return a; }

/* expm1(r), |r| <= ln2/2, and what of it shows beside 1. */
typedef struct {
    double itself, beside_one;
} small_exponential;

#if TIES_MATTER

/* Where x is so small that e^x - 1 - x is lost beside x, or e^x - 1 beside 1, a result may seem to
 * stand in the middle of two neighbours where the exact one stands beside it. There a 2^-50 takes
 * the place of what is lost, with its sign; for larger x that is nothing. Not needed where no x and
 * no product of x and a parameter is so small. */
#define SMALL_X (SMALLEST * SMALLEST < 0x1p-50)

/* r^2, or as much of it as shows beside r. */
INLINE double visible_square(double r)
{
    return SMALL_X ? larger(0x1p-50 * magnitude(r), r * r) : r * r;
}

INLINE double visible_beside_one(double p)
{
    return SMALL_X ? p + larger(-0x1p-50, smaller(0x1p-50, 0x1p300 * p)) : p;
}

INLINE small_exponential expm1_of(double r)
{
    double p = EXPM1_PAIR_C8;
    p = multiply_add(p, r, EXPM1_PAIR_C7);
    p = multiply_add(p, r, EXPM1_PAIR_C6);
    p = multiply_add(p, r, EXPM1_PAIR_C5);
    p = multiply_add(p, r, EXPM1_PAIR_C4);
    p = multiply_add(p, r, EXPM1_PAIR_C3);
    p = multiply_add(p, r, EXPM1_PAIR_C2);
    p = multiply_add(p, r, EXPM1_PAIR_C1);
    p = multiply_add(p, r, EXPM1_PAIR_C0);
    p = multiply_add(p, visible_square(r), r);
    return (small_exponential){p, visible_beside_one(p)};
}

#else

INLINE small_exponential expm1_of(double r)
{
    double p = expm1_over_r(r) * r;
    return (small_exponential){p, p};
}

#endif

/* e^x by x = k ln2 + r, |r| <= ln2/2, e^x = 2^k (1 + expm1(r)). A one-word ln2 is off by 1e-14 at
 * most here, which the narrowing does not see. For x in [EXP_LOWEST, 700]. */
INLINE exponential exp_of(number x)
{
    double shifted = multiply_add(x, LOG2_E, ROUND_TO_INTEGER);
    double k = shifted - ROUND_TO_INTEGER;
    double r = multiply_add(-k, LN2, x);
    double scale = double_of((bits_of(shifted) << 52) + bits_of(1.0));
    small_exponential p = expm1_of(r);
    return (exponential){multiply_add(scale, p.beside_one, scale),
                         multiply_add(scale, p.itself, scale - 1.0)};
}

/* a/by, `by` being known to the compiler: a product, but where a tie has to be met exactly. */
INLINE number over(number a, double by) { return TIES_MATTER ? a / by : a * (1.0 / by); }

/* sqrt(x^2 + b) */
INLINE number root_of_sum(double x, double b) { return sqrt(x * x + b); }

/* Numbers that may be so small or large that those of pair_arithmetic.h take care. */
INLINE number deep_square(number a) { return a * a; }
INLINE number deep_square_of_reciprocal(number a) { return (1.0 / a) * (1.0 / a); }
INLINE number deep_quotient(number a, number b) { return a / b; }
INLINE number twice(double x) { return 2.0 * x; }

/* x, but with a size that shows beside 1 where it decides about a tie; x is to be no factor. */
INLINE double visible(double x)
{
#if TIES_MATTER
    return SMALL_X ? with_sign(larger(0x1p-40, magnitude(x)), x) : x;
#else
    return x;
#endif
}

/* What x has to be multiplied by for all functions of it to have room, a power of two. */
#define RAISE 1.0
INLINE double raise_of(double x) { (void)x; return 1.0; }

/* a, which is all but that number of the element type or middle of two that is next above it. */
INLINE number just_below(number a) { return TIES_MATTER ? a * (1.0 - 0x1p-44) : a; }

/* As far as -t^2/2 is at least EXP_LOWEST; and x of gelu_tanh as far as e^z is anything. */
#define TAIL_END 24.0
#define GELU_TANH_END 17.0

/* The polynomials of gelu and of tanh_shrink; see constants.h. */
INLINE number normal_tail_of(number v)
{
    if (!TIES_MATTER) return normal_tail_polynomial(v);
    double p = multiply_add(normal_tail_rest(v), v, constant(NORMAL_TAIL_PAIR_C2));
    p = multiply_add(p, v, constant(NORMAL_TAIL_PAIR_C1));
    return multiply_add(p, v, constant(NORMAL_TAIL_PAIR_C0));
}

INLINE number gelu_slope_of(number v)
{
    if (!TIES_MATTER) return gelu_slope_polynomial(v);
    double p = multiply_add(gelu_slope_rest(v), v, constant(GELU_SLOPE_PAIR_C2));
    p = multiply_add(p, v, constant(GELU_SLOPE_PAIR_C1));
    return multiply_add(p, v, constant(GELU_SLOPE_PAIR_C0));
}

INLINE number tanh_shrink_of(number y)
{
    if (!TIES_MATTER) return tanh_shrink_polynomial(y);
    double p = multiply_add(tanh_shrink_rest(y), y, constant(TANH_SHRINK_PAIR_C1));
    return multiply_add(p, y, constant(TANH_SHRINK_PAIR_C0));
}

/* log(1 + e) for e from 0 to 1: no power of two has to be split off. */
INLINE number log_of_1_plus(number e)
{
    double s = e / (2.0 + e), y = s * s;
    double p = multiply_add(log1p_rest(y), y, constant(LOG1P_PAIR_C0));
    return multiply_add(s * y, p, 2.0 * s);
}

/* d/by, reciprocal = 1/by. */
INLINE number divided(number d, double by, double reciprocal) { (void)by; return d * reciprocal; }

/* What exp_below_0 counts in, and from where on down its result is nothing. */
#define EXP_UNIT 1.0
#define EXP_NOTHING EXP_LOWEST

/* e^d for d <= 0, to 2^-32 of itself, or to 2^-52 where it is to be `precise`. The polynomial's
 * value is near 1, so that k may be added to its exponent as it is. */
INLINE double exp_below_0(number d, int precise, double nothing)
{
    d = larger(nothing, d);
    double shifted = multiply_add(d, LOG2_E, ROUND_TO_INTEGER);
    double k = shifted - ROUND_TO_INTEGER;
    double r = multiply_add(-k, LN2, d);
    double p = precise ? multiply_add(expm1_beyond_r(r), r, 1.0) : expm1_over_r(r);
    p = multiply_add(p, r, 1.0);
    return double_of(bits_of(p) + (bits_of(shifted) << 52));
}

#endif
