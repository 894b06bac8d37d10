/* The working type of float64: an unevaluated sum of two doubles, about 100 bits.
 *
 * Each function is written once, in activations.h, and costs about twice a plain double
 * evaluation here; in return its result is rounded once, at the end. The algorithms are the
 * classical ones (Dekker 1971, Knuth's two-sum, Joldes, Muller and Popescu 2017), without
 * renormalisation, which only repeated cancellation would need. */
#ifndef FASTACT_PAIR_ARITHMETIC_H
#define FASTACT_PAIR_ARITHMETIC_H

#include "scalar_math.h"

/* The value is (high + low) * scale^2. Exponentials, lowered and the deep functions make a scale
 * other than 1, and only at_scale_of and deep_quotient hand it on; arithmetic drops it. low is -0.0
 * rather than 0.0 for an exact value, as only that leaves the sign of a zero in high alone. */
typedef struct {
    double high, low, scale;
} number;

typedef struct {
    number value;     /* e^x */
    number minus_one; /* e^x - 1, accurate relative to itself */
} exponential;

/* See logistic.h. */
#define EXP_IS_QUOTIENT 0

/* Below this x e^x is nothing even times the largest number; also what keeps k within 12 bits. */
#define EXP_LOWEST (-1480.0)

INLINE number pair(double high, double low) { return (number){high, low, 1.0}; }
INLINE number exact(double x) { return pair(x, -0.0); }
INLINE number constant(double high, double low) { return pair(high, low); }
INLINE double leading(number a) { return a.high; }
INLINE double trailing(number a) { return a.low; }
INLINE number negative(number a) { return (number){-a.high, -a.low, a.scale}; }

/* a >= 0 with the sign of another. */
INLINE number sign_as(number a, double sign)
{
    return pair(with_sign(a.high, sign), a.low * with_sign(1.0, sign));
}

INLINE number minus_magnitude(number a)
{
    return pair(-magnitude(a.high), a.high > 0 ? -a.low : a.low);
}

/* Members one by one: as a choice between structs it would not vectorise. */
INLINE number choose(int condition, number a, number b)
{
    return (number){condition ? a.high : b.high, condition ? a.low : b.low,
                    condition ? a.scale : b.scale};
}

INLINE number two_sum(double a, double b)
{
    words sum = exact_sum(a, b);
    return pair(sum.high, sum.low);
}

#if !HAS_FMA
/* Split by their bits: Veltkamp's multiplication would overflow for large numbers. The parts are
 * multiplied by `raise` meanwhile, lower = 1/raise. */
INLINE number split_product(double a, double b, double raise, double lower)
{
    double product = a * b;
    double a_high = upper_half(a), b_high = upper_half(b);
    double a_low = raise * (a - a_high), b_low = b - b_high;
    a_high *= raise;
    double rest = ((a_high * b_high - raise * product) + a_high * b_low + a_low * b_high)
                  + a_low * b_low;
    return pair(product, lower * rest);
}
#endif

INLINE number two_product(double a, double b)
{
#if HAS_FMA
    double product = a * b;
    return pair(product, fma(a, b, -product));
#else
    return split_product(a, b, 1.0, 1.0);
#endif
}

/* The same where the product may be small, since it is of numbers that a user gives: the parts of
 * their product would be subnormal, and each rounded. */
INLINE number two_product_of_any(double a, double b)
{
#if HAS_FMA
    return two_product(a, b);
#else
    double size = magnitude(a * b);
    int small = size < 0x1p-900 && size > 0;
    return split_product(a, b, small ? 0x1p200 : 1.0, small ? 0x1p-200 : 1.0);
#endif
}

INLINE number add(number a, number b)
{
    number sum = two_sum(a.high, b.high);
    return pair(sum.high, sum.low + (a.low + b.low));
}

INLINE number multiply(number a, number b)
{
    number product = two_product(a.high, b.high);
    return pair(product.high,
                product.low + multiply_add(a.high, b.low, a.low * b.high));
}

/* The same of numbers that may be small, as in two_product_of_any. */
INLINE number multiply_any(number a, number b)
{
    number product = two_product_of_any(a.high, b.high);
    return pair(product.high,
                product.low + multiply_add(a.high, b.low, a.low * b.high));
}

INLINE number plus(number a, double b)
{
    number sum = two_sum(a.high, b);
    return pair(sum.high, sum.low + a.low);
}

INLINE number times(number a, double b)
{
    number product = two_product_of_any(a.high, b);
    return pair(product.high, multiply_add(a.low, b, product.low));
}

/* A power of two, not above |a| and more than an eighth of it as far as there are such powers. Its
 * exponent's bits are even, so that those of two have a mean. */
INLINE double even_binade(double a)
{
    double binade = double_of(bits_of(a) & UINT64_C(0x7fe0000000000000));
    return smaller(0x1p1021, larger(0x1p-1021, binade));
}

/* a/power, for such a power: its reciprocal has the exponent that is opposite. */
INLINE double over_power(double a, double power)
{
    return a * double_of((UINT64_C(2046) << 52) - bits_of(power));
}

/* a b c, where b c may be beyond all doubles, or below: their powers of two come in at the end. An
 * a below 2^-2100 is a tail's end, below which there is nothing. It is nothing as well, as it should
 * be unless b c is beyond all doubles. */
INLINE number times_both(number a, double b, double c)
{
    double of_b = even_binade(b), of_c = even_binade(c);
    number product = multiply(a, two_product(over_power(b, of_b), over_power(c, of_c)));
    double scale = a.scale * double_of((bits_of(of_b) >> 1) + (bits_of(of_c) >> 1));
    double most = both_or(a.scale < 0x1p-600, magnitude(a.high) < 0x1p-800, 0x1p-200, 0x1p1021);
    product.scale = smaller(most, scale);
    return product;
}

INLINE number scaled(double power_of_two, number a)
{
    return pair(power_of_two * a.high, power_of_two * a.low);
}

INLINE number square(number a)
{
    number product = two_product(a.high, a.high);
    return pair(product.high, multiply_add(2.0 * a.high, a.low, product.low));
}

/* By one reciprocal: a second division per element would cost more than all the rest. */
INLINE number divide(number a, number b)
{
    double reciprocal = 1.0 / b.high;
    double quotient = a.high * reciprocal;
    number product = two_product(quotient, b.high);
    double rest = (a.high - product.high) - product.low;
    rest = multiply_add(-quotient, b.low, rest + a.low);
    return pair(quotient, rest * reciprocal);
}

/* Beyond the bound low would be as large as an ulp of the discarded high: drop it too. */
INLINE number at_least(number a, double bound)
{
    return pair(larger(bound, a.high), a.high < bound ? -0.0 : a.low);
}

INLINE number at_most(number a, double bound)
{
    return pair(smaller(bound, a.high), a.high > bound ? -0.0 : a.low);
}

INLINE number difference(double a, double b) { return two_sum(a, -b); }

/* x minus a root of three words, to full accuracy right beside the root too: there the high words
 * cancel, and the middle word of the root and the low word of x are all that is left, or cancel in
 * their turn. */
INLINE number from_root(number x, double high, double middle, double low)
{
    number coarse = two_sum(x.high, -high);
    number medium = two_sum(coarse.high, -middle);
    number fine = two_sum(medium.high, x.low);
    return pair(fine.high, fine.low + (medium.low + (coarse.low - low)));
}

/* The last step of whatever is proportional to e in the far tail: there the exponential is kept a
 * power of two too large (yet still nothing beside 1, so no formula notices), which comes in after
 * the one rounding. So subnormal results come out right, and so does the product of a tail below
 * all doubles with a huge x or gradient. */
INLINE number at_scale_of(number e, number a) { return (number){a.high, a.low, e.scale}; }
/* a, which is times such a power of two squared. */
INLINE number lowered(double power_of_two, number a)
{
    return (number){a.high, a.low, power_of_two};
}

INLINE void put(number a, double *high, double *low)
{
    *high = leading(a);
    *low = trailing(a);
}

INLINE void accumulate_one(double *high, double *low, double term)
{
    number sum = two_sum(*high, term);
    *high = sum.high;
    *low += sum.low;
}

/* The one rounding at the end. Where the sum is a zero, high has its sign; where it is a NaN, high
 * has overflowed properly (or is the NaN) and low is inf - inf. */
INLINE double rounded(number a)
{
    double sum = a.high + a.low;
    return (magnitude(sum) > 0 ? sum : a.high) * a.scale * a.scale;
}

/* e^x by x = k ln2 + r, |r| <= ln2/2, e^x = 2^k (1 + expm1(r)). k*LN2_HIGH is exact. What r loses
 * in rounding is carried along: its effect is that of a small step d in r, (1 + r) d. For high in
 * [EXP_LOWEST, 700] and low within an ulp of it. */
INLINE exponential exp_of(number x)
{
    double shifted = multiply_add(x.high, LOG2_E, ROUND_TO_INTEGER);
    double k = shifted - ROUND_TO_INTEGER;
    double coarse = multiply_add(-k, LN2_HIGH, x.high);
    double correction = multiply_add(-k, LN2_LOW, x.low);
    double r = coarse + correction;
    double r_low = (coarse - r) + correction;

    /* Two plain choices rather than one nested: those vectorise everywhere. */
    double raise = (k < -700.0 ? 600.0 : 0.0) + (k < -1400.0 ? 700.0 : 0.0);
    double tail = (k < -700.0 ? 0x1p-300 : 1.0) * (k < -1400.0 ? 0x1p-350 : 1.0);
    double scale = double_of((bits_of(shifted + raise) << 52) + bits_of(1.0));

    double rest = multiply_add(r * r, expm1_beyond_r(r), multiply_add(r_low, r, r_low));
    double expm1_high = r + rest;
    double expm1_low = (r - expm1_high) + rest;
    double exp_high = 1.0 + expm1_high;
    double exp_low = (expm1_high - (exp_high - 1.0)) + expm1_low;
    return (exponential){
        {scale * exp_high, scale * exp_low, tail},
        add(two_sum(scale, -1.0), pair(scale * expm1_high, scale * expm1_low)),
    };
}

/* a/by, `by` being known to the compiler, and so is its reciprocal. */
INLINE number over(number a, double by) { return divide(a, exact(by)); }

/* sqrt(x^2 + b), brought to where x^2 neither overflows nor vanishes. */
INLINE number root_of_sum(double x, double b)
{
    int large = (magnitude(x) > 0x1p450) | (b > 0x1p900);
    int small = (magnitude(x) < 0x1p-400) & (b < 0x1p-800);
    double raise = (large ? 0x1p-600 : 1.0) * (small ? 0x1p500 : 1.0);
    double lower = (large ? 0x1p600 : 1.0) * (small ? 0x1p-500 : 1.0);
    number sum = plus(square(exact(raise * x)), raise * (raise * b));
    double root = sqrt(sum.high);
    number product = two_product(root, root);
    double rest = ((sum.high - product.high) - product.low) + sum.low;
    return pair(lower * root, lower * (root > 0 ? rest * (0.5 / root) : 0.0));
}

/* Results up to 1 that may be below all doubles, and yet something times a large gradient: their
 * scale keeps them, and them between 2^-900 and 1. */
INLINE number deep_square(number a)
{
    double size = magnitude(a.high);
    double raise = (size < 0x1p-400 ? 0x1p400 : 1.0) * (size < 0x1p-800 ? 0x1p400 : 1.0);
    number result = square(scaled(raise, a));
    result.scale = (size < 0x1p-400 ? 0x1p-400 : 1.0) * (size < 0x1p-800 ? 0x1p-400 : 1.0);
    return result;
}

/* 1/a^2, a >= 1 */
INLINE number deep_square_of_reciprocal(number a)
{
    double scale = (a.high > 0x1p400 ? 0x1p-400 : 1.0) * (a.high > 0x1p800 ? 0x1p-400 : 1.0);
    number result = square(divide(exact(1.0), scaled(scale, a)));
    result.scale = scale;
    return result;
}

/* a/b for 0 <= a <= b; the scale of a stays. */
INLINE number deep_quotient(number a, number b)
{
    int deep = 0x1p400 * a.high < b.high, very = 0x1p600 * a.high < 0x1p-600 * b.high;
    double raise = (deep ? 0x1p200 : 1.0) * (very ? 0x1p400 : 1.0);
    double scale = (deep ? 0x1p-200 : 1.0) * (very ? 0x1p-400 : 1.0);
    number result = divide(scaled(raise, a), scaled(scale, b));
    result.scale = scale * a.scale;
    return result;
}

/* 2x, which may be beyond all doubles. */
INLINE number twice(double x)
{
    int large = x > 0x1p1000;
    return (number){(large ? 0.5 : 2.0) * x, -0.0, large ? 2.0 : 1.0};
}

INLINE double visible(double x) { return x; }

/* What x has to be multiplied by for all functions of it to have room for two words. */
#define RAISE 0x1p200
INLINE double raise_of(double x) { return magnitude(x) < 0x1p-800 ? RAISE : 1.0; }

INLINE number just_below(number a) { return a; }

/* As far as -t^2/2 is at least EXP_LOWEST; and x of gelu_tanh as far as e^z is anything. */
#define TAIL_END 54.4
#define GELU_TANH_END 30.0

/* The polynomials of gelu and of tanh_shrink; see constants.h. */
INLINE number normal_tail_of(number v)
{
    number p = add(multiply(exact(normal_tail_rest(v.high)), v), constant(NORMAL_TAIL_PAIR_C2));
    p = add(multiply(p, v), constant(NORMAL_TAIL_PAIR_C1));
    return add(multiply(p, v), constant(NORMAL_TAIL_PAIR_C0));
}

INLINE number gelu_slope_of(number v)
{
    number p = add(multiply(exact(gelu_slope_rest(v.high)), v), constant(GELU_SLOPE_PAIR_C2));
    p = add(multiply(p, v), constant(GELU_SLOPE_PAIR_C1));
    return add(multiply(p, v), constant(GELU_SLOPE_PAIR_C0));
}

INLINE number tanh_shrink_of(number y)
{
    number p = add(multiply(exact(tanh_shrink_rest(y.high)), y), constant(TANH_SHRINK_PAIR_C1));
    return add(multiply(p, y), constant(TANH_SHRINK_PAIR_C0));
}

/* log(1 + e) for e from 0 to 1: what is beyond the first two terms is a 400th of it at most, and
 * need not be a pair. */
INLINE number log_of_1_plus(number e)
{
    number s = divide(e, plus(e, 2.0)), y = square(s);
    number p = plus(constant(LOG1P_PAIR_C0), y.high * log1p_rest(y.high));
    return multiply(s, plus(multiply(y, p), 2.0));
}

/* d/by, reciprocal = 1/by. */
INLINE number divided(number d, double by, double reciprocal)
{
    double quotient = d.high * reciprocal;
    number product = two_product(quotient, by);
    double rest = ((d.high - product.high) - product.low) + d.low;
    return pair(quotient, d.high - d.high == 0 ? rest * reciprocal : 0.0);
}

/* What exp_below_0 counts in, so that the exponential of a subnormal softmax is an ordinary number,
 * and from where on down its result is nothing: e^-780 is, 10^14 times over. */
#define EXP_UNIT 0x1p128
#define EXP_NOTHING (-780.0)

/* EXP_UNIT e^d for d <= 0 as one double, within an ulp: d and r are pairs, as an error there grows
 * with d, and the rest is not. */
INLINE double exp_below_0(number d, int precise, double nothing)
{
    (void)precise;
    double low = d.high > nothing ? d.low : 0.0;
    double high = larger(nothing, d.high);
    double shifted = multiply_add(high, LOG2_E, ROUND_TO_INTEGER);
    double k = shifted - ROUND_TO_INTEGER;
    double coarse = multiply_add(-k, LN2_HIGH, high);
    double correction = multiply_add(-k, LN2_LOW, low);
    double r = coarse + correction;
    double r_low = (coarse - r) + correction;
    /* 1 + (r + (r_low + r^2 p)), where 1 + r would lose of r what r_low was kept for. */
    double one_and_r = 1.0 + r;
    double lost = (1.0 - one_and_r) + r;
    double e = one_and_r + (lost + multiply_add(r * r, expm1_beyond_r(r), r_low));
    double scaled_e = double_of(bits_of(e) + (bits_of(shifted + 128.0) << 52));
    return d.high <= nothing ? 0.0 : scaled_e;
}

#endif
