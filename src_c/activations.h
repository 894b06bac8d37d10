/* Every activation: its value and its derivative as two scalar functions of a `real` x (and its
 * parameters), and at the end the list of their names. Everything else - backward passes, element
 * types, instruction sets, threads, strides - is made from these.
 *
 * A function returns a `number`, the working type: a double for float32, a pair of doubles for
 * float64. What is a number of the element type exactly may be returned as a `real`, which needs no
 * rounding and, of a derivative, spares a backward pass the wider product. e is always an
 * exponential of something that cannot overflow. NaN must come out where NaN goes in: a comparison
 * with NaN is false, so the last branch of each choice carries x.
 *
 * "Worst" is the greatest error, in units in the last place, over all finite float32 inputs against
 * double-precision references, with FMA; what float64 keeps to is in fastact/catalogue.py. */

#include "logistic.h"
#include "rational.h"

/* ---- sigmoid ----------------------------------------------------------------------------------
 * f = 1/(1 + e^-x).  f' = e/(1 + e)^2,  e = e^x: f (1 - f) would cancel for x > 4.
 * Worst: f 0.50098 at -0x1.cp-22, f' 0.50053 at -0x1.2cba7p+6. */

INLINE number sigmoid_value(real x) { return logistic(exact(bounded(x)), bounded_descent(x)); }

INLINE number sigmoid_derivative(real x)
{
    return logistic_slope(exact(bounded(x)), bounded_descent(x));
}

/* ---- tanh -------------------------------------------------------------------------------------
 * f = (e - 1)/(e + 1),  e = e^2x: with e - 1 accurate relative to itself f is so at 0.
 * f' = 4e/(1 + e)^2: 1 - f^2 would cancel.
 * Worst: f 0.50223 at -0x1.f939fcp-10, f' 0.50053 at -0x1.2cba7p+5. */

INLINE number tanh_value(real x)
{
    return tanh_of_half(exact(bounded(2 * x)), bounded_descent(2 * x));
}

INLINE number tanh_derivative(real x)
{
    number slope = logistic_slope(exact(bounded(2 * x)), bounded_descent(2 * x));
    return at_scale_of(slope, scaled(4.0, slope));
}

/* ---- relu, relu6, leaky_relu, identity --------------------------------------------------------
 * Exact. Written so that -0 and NaN pass. The formulas of the first two stand as macros because
 * integers use them too. */

#if defined(__clang__)
/* Where a conversion of x follows, clang (14 to 22) takes x < 0 ? 0 : x for a maximum, which it then
 * computes as x <= 0 ? 0 : x: -0 would be lost. It sees none in this. */
#define RELU(x) ((x) > 0 ? (x) : (x) < 0 ? 0 : (x))
#else
#define RELU(x) ((x) < 0 ? 0 : (x))
#endif
#define RELU6(x) ((x) > 6 ? 6 : RELU(x))

INLINE real relu_value(real x) { return RELU(x); }

INLINE real relu_derivative(real x) { return x > 0 ? 1 : x <= 0 ? 0 : x; }

INLINE real relu6_value(real x) { return RELU6(x); }

INLINE real relu6_derivative(real x)
{
    real below_six = x < 6 ? 1 : 0;
    return x > 0 ? below_six : x <= 0 ? 0 : x;
}

/* slope * x is exact in the working type of float32 and rounded once in float64, as x is. With
 * slope 0 this is relu, at -inf too. */
INLINE number leaky_relu_value(real x, real negative_slope)
{
    real scaled = negative_slope == 0 ? 0 : negative_slope * x;
    return exact(x < 0 ? scaled : x);
}

INLINE real leaky_relu_derivative(real x, real negative_slope)
{
    return x <= 0 ? negative_slope : x > 0 ? 1 : x;
}

INLINE real identity_value(real x) { return x; }

INLINE real identity_derivative(real x) { return x == x ? 1 : x; }

/* ---- elu --------------------------------------------------------------------------------------
 * f = x < 0 ? alpha expm1(x) : x: exp(x) - 1 would cancel.  f' = x <= 0 ? alpha e^x : 1.
 * Worst (alpha 1): f 0.50359 at -0x1.07e7d6p-4, f' 0.50110 at -0x1.a56d58p+2. */

INLINE number elu_value(real x, real alpha)
{
    number q = exp_of(at_least(at_most(exact(x), 0.0), -80.0)).minus_one;
    return choose(x < 0, times(q, alpha), exact(x));
}

INLINE number elu_derivative(real x, real alpha)
{
    number e = exp_of(at_least(at_most(exact(x), 0.0), EXP_LOWEST)).value;
    return choose(x <= 0, at_scale_of(e, times(e, alpha)), exact(x > 0 ? 1 : x));
}

/* ---- swish, silu ------------------------------------------------------------------------------
 * f = x sigmoid(z), z = beta x as an exact product: rounded, it would cost |z| ULP.
 * f' = e (1 + z + e)/(1 + e)^2, e = e^z. Its root x0 is that of 1 + z + e; written as
 * d + e^x0 expm1(d), d = z - x0, the two terms have one sign and nothing cancels beside the root.
 * Worst (beta 1): f 0.50071 at -0x1.6ee254p+3, f' 0.50145 at -0x1.cbbeaap-1. */

/* x times the logistic function of z. */
INLINE number gated(number x, number z, number descent)
{
    number gate = logistic(z, descent);
    return at_scale_of(gate, times(gate, leading(x)));
}

INLINE number gated_derivative(number z)
{
    number d = from_root(at_least(at_most(z, 50.0), EXP_LOWEST), SILU_DERIVATIVE_ROOT);
    exponential exp_d = exp_of(d);
    number exp_root = constant(SILU_DERIVATIVE_ROOT_EXP);
    number e = multiply(exp_root, exp_d.value);
    number one_plus_z_plus_e = add(d, multiply(exp_root, exp_d.minus_one));
    number quotient = divide(multiply(e, one_plus_z_plus_e), square(plus(e, 1.0)));
    return at_scale_of(exp_d.value, quotient);
}

INLINE number swish_value(real x, real beta)
{
    number z = exponent(x, beta);
    return gated(factor(x, z), bounded_number(z), descent_of(z));
}

INLINE number swish_derivative(real x, real beta)
{
    return gated_derivative(exponent(x, beta));
}

INLINE number silu_value(real x)
{
    number from_below = from_lowest(x);
    return gated(from_below, bounded_also_above(from_below, x), bounded_descent(x));
}

INLINE number silu_derivative(real x) { return gated_derivative(exact(x)); }

/* ---- mish -------------------------------------------------------------------------------------
 * f = x tanh(log(1 + e^x)) = x m/(m + 2),  m = n(n + 2),  n = e^x.
 * f' = n g/(m + 2)^2,  g = n^3 + 4n^2 + (4x + 6)n + 4(x + 1). With x0 the root of g, d = x - x0,
 * q = expm1(d): g = q (a q^2 + b q + c) + 4 d (1 + n), where both terms have one sign.
 * Worst: f 0.50138 at -0x1.5ce598p+4, f' 0.50182 at -0x1.b0d176p-1. */

INLINE number mish_value(real x)
{
    number from_below = from_lowest(x);
    number n = exp_of(at_most(from_below, 40.0)).value;
    number m = multiply(n, plus(n, 2.0));
    return at_scale_of(n, times(divide(m, plus(m, 2.0)), leading(from_below)));
}

INLINE number mish_derivative(real x)
{
    number d = from_root(at_least(at_most(exact(x), 40.0), EXP_LOWEST), MISH_DERIVATIVE_ROOT);
    exponential exp_d = exp_of(d);
    number q = exp_d.minus_one;
    number n = multiply(constant(MISH_DERIVATIVE_ROOT_EXP), exp_d.value);
    number bracket = add(multiply(constant(MISH_DERIVATIVE_A), q), constant(MISH_DERIVATIVE_B));
    bracket = add(multiply(bracket, q), constant(MISH_DERIVATIVE_C));
    number g = add(multiply(q, bracket), scaled(4.0, multiply(d, plus(n, 1.0))));
    number m_plus_2 = plus(multiply(n, plus(n, 2.0)), 2.0);
    return at_scale_of(exp_d.value, divide(multiply(n, g), square(m_plus_2)));
}

/* ---- softplus, log_sigmoid --------------------------------------------------------------------
 * f = max(x, 0) + log(1 + e)/beta,  e = e^-|z|, z = beta x: nothing overflows, and both tails keep
 * their digits.  f' = sigmoid(z).
 * log_sigmoid(x) = -softplus(-x) = min(x, 0) - log(1 + e). */

/* The result where a parameter is not less than 0, else NaN. */
INLINE number given_not_negative(real parameter, number result)
{
    return choose(parameter >= 0, result, exact(NAN));
}

INLINE real real_given_not_negative(real parameter, real result)
{
    return parameter >= 0 ? result : (real)NAN;
}

INLINE number softplus_value(real x, real beta)
{
    number z = exponent(x, beta);
    number log = log_of_1_plus_exp(descent_of(z));
    number tail = divided(log, beta, 1.0 / beta);
    number value = choose(x < 0, at_scale_of(log, tail), add(exact(x), tail));
    return given_not_negative(beta, value);
}

INLINE number softplus_derivative(real x, real beta)
{
    number z = exponent(x, beta);
    return given_not_negative(beta, logistic_of_descent(descent_of(z), leading(z) < 0));
}

INLINE number log_sigmoid_value(real x)
{
    number tail = negative(log_of_1_plus_exp(bounded_descent(x)));
    return choose(x < 0, add(exact(x), tail), tail);
}

INLINE number log_sigmoid_derivative(real x)
{
    return logistic_of_descent(bounded_descent(x), x > 0);
}

/* ---- softsign ---------------------------------------------------------------------------------
 * f = x/(1 + |x|).  f' = (1/(1 + |x|))^2, squared last: (1 + |x|)^2 would overflow where the
 * derivative is still a number. */

INLINE number softsign_value(real x) { return over_1_plus(x); }

INLINE number softsign_derivative(real x)
{
    return deep_square_of_reciprocal(plus(exact(magnitude(x)), 1.0));
}

/* ---- hard_sigmoid, hard_swish, hard_tanh ------------------------------------------------------
 * The line (x + w/2)/w between its ends 0 and 1, that times x (w = 6), and x between two bounds.
 * x + w/2 is exact where it is small; x/w + 1/2 would cancel there. */

INLINE number hard_sigmoid_value(real x, real width)
{
    return hard_gate(x, width > 0 ? (double)width : NAN);
}

INLINE number hard_sigmoid_derivative(real x, real width)
{
    double raise = width < 0x1p-900 ? 0x1p200 : 1.0;
    number quotient = deep_quotient(exact(1.0), exact(raise * width));
    number inside = choose(raise > 1, scaled(raise, quotient), quotient);
    number outside = exact(x == x ? (real)0.0 : x);
    number slope = choose(2.0 * magnitude(x) < width, inside, outside);
    return choose(width > 0, slope, exact(NAN));
}

INLINE number hard_swish_value(real x) { return hard_gated(x); }

INLINE number hard_swish_derivative(real x)
{
    number inside = over(plus(exact(2.0 * x), 3.0), 6.0);
    return choose(magnitude(x) < 3, inside, exact(x >= 3 ? 1 : x <= -3 ? 0 : x));
}

INLINE real hard_tanh_value(real x, real min_val, real max_val)
{
    return x < min_val ? min_val : x > max_val ? max_val : x;
}

INLINE real hard_tanh_derivative(real x, real min_val, real max_val)
{
    real below = x < max_val ? 1 : x >= max_val ? 0 : x + max_val; /* NaN */
    return x <= min_val ? 0 : below;
}

/* ---- soft_shrink, hard_shrink, threshold, relu_squared ----------------------------------------
 * Comparisons, and at most one operation on x, which is rounded once. */

/* Whether |x| > lambd; NaN if x is. */
INLINE real is_beyond(real x, real lambd)
{
    real inside = x == x ? 0 : x;
    return real_given_not_negative(lambd, REAL_SIZE(x) > lambd ? 1 : inside);
}

/* An infinite lambd leaves nothing of any x: inf - inf must not happen. */
INLINE number soft_shrink_value(real x, real lambd)
{
    const real infinite = INFINITY;
    real least = lambd == infinite ? 0 : lambd, most = lambd == infinite ? 0 : infinite;
    real size = REAL_SIZE(x);
    size = most < size ? most : size;
    real beyond = size < least ? least : size;
    return given_not_negative(lambd, exact(REAL_WITH_SIGN(beyond - least, x)));
}

INLINE real soft_shrink_derivative(real x, real lambd) { return is_beyond(x, lambd); }

INLINE real hard_shrink_value(real x, real lambd)
{
    real zero = REAL_WITH_SIGN((real)0, x);
    return real_given_not_negative(lambd, REAL_SIZE(x) <= lambd ? zero : x);
}

INLINE real hard_shrink_derivative(real x, real lambd) { return is_beyond(x, lambd); }

INLINE real threshold_value(real x, real threshold, real value)
{
    return x <= threshold ? value : x;
}

INLINE real threshold_derivative(real x, real threshold, real value)
{
    (void)value;
    return x <= threshold ? 0 : x > threshold ? 1 : x + threshold; /* NaN */
}

/* Of float32 and float64 the product of two reals is the result itself. */
INLINE number relu_squared_value(real x)
{
    real size = RELU(x);
    return exact(TIES_MATTER ? (double)size * size : size * size);
}

INLINE number relu_squared_derivative(real x) { return twice(x <= 0 ? 0 : x); }

/* ---- tanh_shrink ------------------------------------------------------------------------------
 * f = x - tanh(x), which is about x^3/3: near 0 a polynomial times x^3, as the difference would
 * cancel.  f' = tanh(x)^2, near 0 just below x^2. */

INLINE number tanh_shrink_value(real x)
{
    number y = square(exact(x));
    number near = times(multiply(y, tanh_shrink_of(y)), x);
    return choose(magnitude(x) < 0.6, near, add(exact(x), negative(tanh_value(x))));
}

INLINE number tanh_shrink_derivative(real x)
{
    return deep_square(just_below(tanh_value(x)));
}

/* ---- selu, celu -------------------------------------------------------------------------------
 * elu with a scale, whose constants are doubles; elu of x/alpha, times alpha. Where x/alpha is so
 * small that celu is x, it may be too small to be divided. */

#define SELU_SCALE 1.0507009873554804934193349852946
#define SELU_ALPHA 1.6732632423543772848170429916717

INLINE number selu_value(real x)
{
    number q = exp_of(at_least(at_most(exact(x), 0.0), -80.0)).minus_one;
    number limit = multiply(exact(SELU_SCALE), exact(SELU_ALPHA));
    return choose(x < 0, multiply_any(q, limit), times(exact(x), SELU_SCALE));
}

INLINE number selu_derivative(real x)
{
    number e = exp_of(at_least(at_most(exact(x), 0.0), EXP_LOWEST)).value;
    number limit = multiply(exact(SELU_SCALE), exact(SELU_ALPHA));
    return choose(x <= 0, at_scale_of(e, multiply(e, limit)), exact(x > 0 ? SELU_SCALE : x));
}

INLINE exponential celu_exponential(real x, real alpha)
{
    number z = divided(at_most(exact(x), 0.0), alpha, 1.0 / alpha);
    return exp_of(at_least(z, EXP_LOWEST));
}

INLINE int celu_is_x(real x, real alpha) { return magnitude(x) <= 0x1p-60 * (double)alpha; }

INLINE number celu_value(real x, real alpha)
{
    number curved = times(celu_exponential(x, alpha).minus_one, alpha);
    number below_0 = choose(celu_is_x(x, alpha), exact(x), curved);
    return given_not_negative(alpha, choose(x < 0, below_0, exact(x)));
}

INLINE number celu_derivative(real x, real alpha)
{
    number e = celu_exponential(x, alpha).value;
    number below_0 = choose(celu_is_x(x, alpha), exact(1.0), e);
    return given_not_negative(alpha, choose(x < 0, below_0, exact(x >= 0 ? 1 : x)));
}

/* ---- squareplus -------------------------------------------------------------------------------
 * f = (x + s)/2, s = sqrt(x^2 + b); with h = (|x| + s)/2 it is h, or b/(4h) where x < 0 and the sum
 * would cancel.  f' = (1 + x/s)/2 = f/s. */

INLINE number squareplus_parts(real x, real b, number root, double lower)
{
    number h = add(scaled(0.5, root), exact(0.5 * magnitude(x)));
    number falling = scaled(0.25, divide(exact(b), scaled(lower * lower, h)));
    return choose(x < 0, lowered(lower, falling), h);
}

INLINE number squareplus_value(real x, real b)
{
    number value = squareplus_parts(x, b, root_of_sum(x, b), 1.0);
    number relu = exact(RELU(x)), infinite = exact(x == x ? b : x);
    return choose(b == 0, relu, choose(b > LARGEST, infinite, value));
}

INLINE number squareplus_derivative(real x, real b)
{
    number root = root_of_sum(x, b);
    /* Where b/(4h) would have few digits, and times a large gradient yet shows. */
    double lower = LARGEST > 0x1p500 && 0x1p800 * b < magnitude(x) ? 0x1p-300 : 1.0;
    number slope = deep_quotient(squareplus_parts(x, b, root, lower), root);
    real half = x == x ? (real)0.5 : x;
    real not_negative = x > 0 ? (real)1.0 : half;
    number step = exact(x < 0 ? (real)0.0 : not_negative);
    number at_ends = choose(b > LARGEST, exact(half), slope);
    int is_step = ((magnitude(x) > LARGEST) & (b <= LARGEST)) | (b == 0);
    return choose(is_step, step, at_ends);
}

/* ---- gelu, gelu_tanh, quick_gelu --------------------------------------------------------------
 * gelu: f = x Phi(x) = max(x, 0) - t Phi(-t), t = |x|, Phi(-t) = e^(-t^2/2) times a polynomial in
 * 1/(t + 5): right as far as there are numbers, where 1 + erf(x/sqrt(2)) is 0 from x = -9 on.
 * f'(-t) = Phi(-t) - t phi(t) has a root t0: it is e^(-t^2/2) (t0 - t) times another such polynomial.
 * f'(t) = 1 - f'(-t).
 * gelu_tanh: f = x sigmoid(z), z = 2 sqrt(2/pi) (x + 0.044715 x^3), which is x (1 + tanh(z/2))/2.
 * f' = e g/(1 + e)^2, e = e^z, g = 1 + e + x z'. With x0 the root of g, d = x - x0,
 * Q = x^2 + x x0 + x0^2, that is g = e^z0 expm1(d (a + b Q)) + d (a + 3 b Q), a sum of one sign.
 * quick_gelu: swish with beta 1.702.
 * Worst: gelu f 0.50304 at -0x1.19ef3cp+1, f' 0.50254 at -0x1.93f806p-1. */

INLINE number tail_distance(real x) { return at_most(exact(visible(magnitude(x))), TAIL_END); }
INLINE number normal_density(number t) { return exp_of(scaled(-0.5, square(t))).value; }

INLINE number gelu_value(real x)
{
    number t = tail_distance(x), e = normal_density(t);
    number w = divide(exact(1.0), plus(t, TAIL_SHIFT));
    number tail = multiply(multiply(e, w), normal_tail_of(plus(w, -TAIL_CENTRE)));
    number part = times(tail, -smaller(TAIL_END, magnitude(x)));
    return choose(x < 0, at_scale_of(e, part), add(exact(x), part));
}

INLINE number gelu_derivative(real x)
{
    number t = tail_distance(x), e = normal_density(t);
    number w = divide(exact(1.0), plus(t, TAIL_SHIFT));
    number beyond_root = from_root(t, GELU_DERIVATIVE_ROOT);
    number part = multiply(multiply(e, beyond_root), gelu_slope_of(plus(w, -TAIL_CENTRE)));
    return choose(x < 0, at_scale_of(e, negative(part)), plus(part, 1.0));
}

INLINE number gelu_tanh_value(real x)
{
    number from_below = at_least(exact(x), -GELU_TANH_END);
    number bounded = at_most(from_below, GELU_TANH_END);
    number slope = add(multiply(constant(GELU_TANH_CUBIC), square(bounded)),
                       constant(GELU_TANH_SLOPE));
    number z = multiply(bounded, slope);
    return gated(from_below, z, descent_of(z));
}

INLINE number gelu_tanh_derivative(real x)
{
    number bounded = at_most(at_least(exact(x), -30.0), 9.0);
    number d = from_root(bounded, GELU_TANH_DERIVATIVE_ROOT);
    number squares = add(multiply(bounded, add(bounded, constant(GELU_TANH_ROOT))),
                         constant(GELU_TANH_ROOT_SQUARE));
    number cubic = multiply(constant(GELU_TANH_CUBIC), squares);
    number rise = multiply(d, add(cubic, constant(GELU_TANH_SLOPE)));
    number linear = multiply(d, add(multiply(cubic, exact(3.0)), constant(GELU_TANH_SLOPE)));
    exponential exp_rise = exp_of(at_least(rise, EXP_LOWEST));
    number e = multiply(constant(GELU_TANH_ROOT_EXP), exp_rise.value);
    number g = add(multiply(constant(GELU_TANH_ROOT_EXP), exp_rise.minus_one), linear);
    return at_scale_of(exp_rise.value, divide(multiply(e, g), square(plus(e, 1.0))));
}

INLINE number quick_gelu_value(real x)
{
    number from_below = from_lowest(x);
    number z = times(bounded_also_above(from_below, x), 1.702);
    return gated(from_below, z, descent_of(z));
}

INLINE number quick_gelu_derivative(real x) { return gated_derivative(times(exact(x), 1.702)); }

/* ---- the list ---------------------------------------------------------------------------------
 * One line per activation: PLAIN without a parameter, INTEGER likewise but keeping integers as
 * integers, PARAMETER with one, TWO_PARAMETERS with two. */
#define ACTIVATIONS(PLAIN, INTEGER, PARAMETER, TWO_PARAMETERS)                                     \
    PLAIN(sigmoid)                                                                                 \
    PLAIN(tanh)                                                                                    \
    INTEGER(relu, RELU)                                                                            \
    INTEGER(relu6, RELU6)                                                                          \
    PARAMETER(leaky_relu)                                                                          \
    PARAMETER(elu)                                                                                 \
    PARAMETER(swish)                                                                               \
    PLAIN(silu)                                                                                    \
    PLAIN(identity)                                                                                \
    PLAIN(mish)                                                                                    \
    PARAMETER(softplus)                                                                            \
    PLAIN(log_sigmoid)                                                                             \
    PLAIN(gelu)                                                                                    \
    PLAIN(gelu_tanh)                                                                               \
    PLAIN(quick_gelu)                                                                              \
    PLAIN(selu)                                                                                    \
    PARAMETER(celu)                                                                                \
    PLAIN(softsign)                                                                                \
    PARAMETER(hard_sigmoid)                                                                        \
    PLAIN(hard_swish)                                                                              \
    TWO_PARAMETERS(hard_tanh)                                                                      \
    PLAIN(tanh_shrink)                                                                             \
    PARAMETER(soft_shrink)                                                                         \
    PARAMETER(hard_shrink)                                                                         \
    TWO_PARAMETERS(threshold)                                                                      \
    PARAMETER(squareplus)                                                                          \
    PLAIN(relu_squared)

/* ---- gated functions --------------------------------------------------------------------------
 * f(gate) value, f being an activation from above: one line for each. */
#define GATES(GATE)                                                                                \
    GATE(glu, sigmoid)                                                                             \
    GATE(swiglu, silu)                                                                             \
    GATE(geglu, gelu)                                                                              \
    GATE(reglu, relu)
