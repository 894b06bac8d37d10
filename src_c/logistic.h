/* What takes one exponential and one division: the logistic function and its relatives.
 *
 * Where a double is the working type and no tie has to be met, the exponential is a quotient: by
 * x = k ln2 + r, e^x = 2^k (1 + t)/(1 - t), t = tanh(r/2). That is odd, so a polynomial in r^2 with
 * half the terms of e^r's, and it divides what is divided anyway: up to a third of the time is saved.
 * Nothing that it comes to is beyond a double, so e^z will do for any z. Elsewhere it is e^-|z|, whose
 * powers of two pairs know how to keep (pair_arithmetic.h). */
#ifndef FASTACT_LOGISTIC_H
#define FASTACT_LOGISTIC_H

/* Below, a bounded z or x is what an exponential has range for, 700 on either side: mostly it is
 * within EXP_LOWEST and -EXP_LOWEST. The descent of it is -|z|, not below EXP_LOWEST. Some functions
 * are given both: each way uses one of them. */
INLINE number descent_of(number z) { return at_least(minus_magnitude(z), EXP_LOWEST); }

#if EXP_IS_QUOTIENT

/* x, as far as it matters to an exponential. Bounded before it is widened, which costs half. */
INLINE real bounded_below(real x)
{
    const real lowest = EXP_LOWEST;
    return lowest > x ? lowest : x;
}

INLINE real bounded(real x)
{
    const real highest = -EXP_LOWEST;
    return bounded_below(highest < x ? highest : x);
}

INLINE number from_lowest(real x) { return exact(bounded_below(x)); }
INLINE number bounded_descent(real x) { return exact(bounded_below(-fabsf(x))); }
INLINE number bounded_number(number z) { return at_most(at_least(z, EXP_LOWEST), -EXP_LOWEST); }

INLINE number bounded_also_above(number from_below, real x)
{
    (void)x;
    return at_most(from_below, -EXP_LOWEST);
}

/* beta x, where an infinite factor is one that is beyond all others but for 0. */
INLINE number exponent(real x, real beta)
{
    return smaller(0x1p200, larger(-0x1p200, x)) * smaller(0x1p700, larger(-0x1p700, beta));
}

/* An infinite x as a number beyond all float32, and yet nothing times e^EXP_LOWEST. */
INLINE number factor(real x, number z)
{
    (void)z;
    return smaller(0x1p200, larger(-0x1p200, x));
}

/* e^x = scale (1 + t)/(1 - t) = over/under, for |x| up to 700. */
typedef struct {
    double scale, t, over, under;
} quotient;

INLINE quotient exp_of_quotient(double x)
{
    double shifted = multiply_add(x, LOG2_E, ROUND_TO_INTEGER);
    double k = shifted - ROUND_TO_INTEGER;
    double r = multiply_add(-k, LN2, x);
    double scale = double_of((bits_of(shifted) << 52) + bits_of(1.0));
    double t = tanh_of_half_over_r(r * r) * r;
    return (quotient){scale, t, multiply_add(scale, t, scale), 1.0 - t};
}

/* e^z/(1 + e^z), of a bounded z. */
INLINE number logistic(number z, number descent)
{
    (void)descent;
    quotient e = exp_of_quotient(z);
    return e.over / (e.under + e.over);
}

/* (falling ? e^z : 1)/(1 + e^z), of a bounded z <= 0. */
INLINE number logistic_of_descent(number z, int falling)
{
    quotient e = exp_of_quotient(z);
    return choose(falling, e.over, e.under) / (e.under + e.over);
}

/* e^z/(1 + e^z)^2, of a bounded z. */
INLINE number logistic_slope(number z, number descent)
{
    (void)descent;
    quotient e = exp_of_quotient(z);
    return e.over * e.under / square(e.under + e.over);
}

/* tanh(z/2) = (e^z - 1)/(e^z + 1), of a bounded z; relatively accurate at 0. */
INLINE number tanh_of_half(number z, number descent)
{
    (void)descent;
    quotient e = exp_of_quotient(z);
    double more = e.scale + 1.0, less = e.scale - 1.0;
    return sign_as(multiply_add(more, e.t, less) / multiply_add(less, e.t, more), z);
}

/* log(1 + e^z) for a bounded z <= 0: log(1 + e) = 2 atanh(e/(2 + e)). */
INLINE number log_of_1_plus_exp(number z)
{
    quotient e = exp_of_quotient(z);
    double s = e.over / multiply_add(2.0, e.under, e.over), y = s * s;
    return multiply_add(s * y, log1p_beyond_s(y), 2.0 * s);
}

#else

INLINE real bounded(real x) { return x; }
INLINE number from_lowest(real x) { return exact(larger(EXP_LOWEST, x)); }
INLINE number bounded_descent(real x) { return exact(larger(EXP_LOWEST, -magnitude(x))); }
INLINE number bounded_number(number z) { return z; }

INLINE number bounded_also_above(number from_below, real x)
{
    (void)from_below;
    return exact(x);
}

/* beta x; 0 at x = 0 even for an infinite beta, and infinite for an infinite x or beta. */
INLINE number exponent(real x, real beta)
{
    number z = times(exact(smaller(LARGEST, larger(-LARGEST, x))), beta);
    z = choose(magnitude(x) > LARGEST && beta != 0, exact(x * beta), z);
    return choose(x == 0 && beta == beta, exact(x), z);
}

/* Where e^z is nothing, an infinite x must not matter. */
INLINE number factor(real x, number z)
{
    return exact(leading(z) < EXP_LOWEST ? with_sign(1.0, x) : x);
}

INLINE number logistic_of_descent(number z, int falling)
{
    number e = exp_of(z).value;
    number gate = divide(choose(falling, e, exact(1.0)), plus(e, 1.0));
    return choose(falling, at_scale_of(e, gate), gate);
}

INLINE number logistic(number z, number descent)
{
    return logistic_of_descent(descent, leading(z) < 0);
}

INLINE number logistic_slope(number z, number descent)
{
    (void)z;
    number e = exp_of(descent).value;
    return at_scale_of(e, divide(e, square(plus(e, 1.0))));
}

/* -q/(2 + q), q = expm1(-|z|), with the sign of z. */
INLINE number tanh_of_half(number z, number descent)
{
    number q = exp_of(descent).minus_one;
    return sign_as(divide(negative(q), plus(q, 2.0)), leading(z));
}

INLINE number log_of_1_plus_exp(number z)
{
    number e = exp_of(z).value;
    return at_scale_of(e, log_of_1_plus(e));
}

#endif

#endif
