/* Every activation: its value and its derivative as two scalar functions of a `real` x (and its
 * parameter), and at the end the list of their names. Everything else - backward passes, element
 * types, instruction sets, threads, strides - is made from these.
 *
 * A function returns a `number`, the working type: a double for float32, a pair of doubles for
 * float64. A derivative that is a `real` exactly may be returned as one, which spares a backward
 * pass the wider product. e is always an exponential of something that cannot overflow. NaN must
 * come out where NaN goes in: a comparison with NaN is false, so the last branch of each choice
 * carries x.
 *
 * "Worst" is the greatest error, in units in the last place, over all finite float32 inputs against
 * double-precision references, with FMA; what float64 keeps to is in fastact/catalogue.py. */

/* ---- sigmoid ----------------------------------------------------------------------------------
 * f = 1/(1 + e^-x) = (x < 0 ? e : 1)/(1 + e),  e = e^-|x|: no overflow, and the tail keeps its
 * digits.  f' = e/(1 + e)^2: f (1 - f) would cancel for x > 4.
 * Worst: f 0.50110 at -0x1.7e9da8p+4, f' 0.50110 at 0x1.fb61d6p+5. */

INLINE number logistic(number z, number e)
{
    number gate = divide(choose(leading(z) < 0, e, exact(1.0)), plus(e, 1.0));
    return choose(leading(z) < 0, at_scale_of(e, gate), gate);
}

INLINE number sigmoid_value(real x)
{
    return logistic(exact(x), exp_of(at_least(exact(-magnitude(x)), EXP_LOWEST)).value);
}

INLINE number sigmoid_derivative(real x)
{
    number e = exp_of(at_least(exact(-magnitude(x)), EXP_LOWEST)).value;
    return at_scale_of(e, divide(e, square(plus(e, 1.0))));
}

/* ---- tanh -------------------------------------------------------------------------------------
 * |f| = -q/(2 + q),  q = expm1(-2|x|): relatively accurate at 0, saturates by itself.
 * f' = 4e/(1 + e)^2,  e = e^-2|x|: 1 - f^2 would cancel.
 * Worst: f 0.50385 at 0x1.d19680p-4, f' 0.50110 at 0x1.fb61d6p+4. */

INLINE number tanh_value(real x)
{
    number q = exp_of(at_least(exact(-2.0 * magnitude(x)), -80.0)).minus_one;
    return sign_as(divide(negative(q), plus(q, 2.0)), x);
}

INLINE number tanh_derivative(real x)
{
    number e = exp_of(at_least(exact(-2.0 * magnitude(x)), EXP_LOWEST)).value;
    return at_scale_of(e, scaled(4.0, divide(e, square(plus(e, 1.0)))));
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

INLINE number relu_value(real x) { return exact(RELU(x)); }

INLINE real relu_derivative(real x) { return x > 0 ? 1 : x <= 0 ? 0 : x; }

INLINE number relu6_value(real x) { return exact(RELU6(x)); }

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

INLINE number identity_value(real x) { return exact(x); }

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
 * Worst (beta 1): f 0.50138 at -0x1.5ccb22p+4, f' 0.50145 at -0x1.cbbeaap-1. */

/* z = beta x; 0 at x = 0 even for an infinite beta, and infinite for an infinite x or beta. */
INLINE number swish_exponent(real x, real beta)
{
    number z = times(exact(smaller(LARGEST, larger(-LARGEST, x))), beta);
    z = choose(magnitude(x) > LARGEST && beta != 0, exact(x * beta), z);
    return choose(x == 0, exact(x), z);
}

INLINE number gated(real x, number z)
{
    number gate = logistic(z, exp_of(at_least(minus_magnitude(z), EXP_LOWEST)).value);
    /* Where the gate is nothing, an infinite x must not matter. */
    double factor = leading(z) < EXP_LOWEST ? with_sign(1.0, x) : x;
    return at_scale_of(gate, times(gate, factor));
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

INLINE number swish_value(real x, real beta) { return gated(x, swish_exponent(x, beta)); }

INLINE number swish_derivative(real x, real beta)
{
    return gated_derivative(swish_exponent(x, beta));
}

INLINE number silu_value(real x) { return gated(x, exact(x)); }

INLINE number silu_derivative(real x) { return gated_derivative(exact(x)); }

/* ---- mish -------------------------------------------------------------------------------------
 * f = x tanh(log(1 + e^x)) = x m/(m + 2),  m = n(n + 2),  n = e^x.
 * f' = n g/(m + 2)^2,  g = n^3 + 4n^2 + (4x + 6)n + 4(x + 1). With x0 the root of g, d = x - x0,
 * q = expm1(d): g = q (a q^2 + b q + c) + 4 d (1 + n), where both terms have one sign.
 * Worst: f 0.50138 at -0x1.5ce598p+4, f' 0.50182 at -0x1.b0d176p-1. */

INLINE number mish_value(real x)
{
    number bounded = at_least(exact(x), EXP_LOWEST);
    number n = exp_of(at_most(bounded, 40.0)).value;
    number m = multiply(n, plus(n, 2.0));
    return at_scale_of(n, times(divide(m, plus(m, 2.0)), leading(bounded)));
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

/* ---- the list ---------------------------------------------------------------------------------
 * One line per activation: PLAIN without a parameter, INTEGER likewise but keeping integers as
 * integers, PARAMETER with one. */
#define ACTIVATIONS(PLAIN, INTEGER, PARAMETER)                                                     \
    PLAIN(sigmoid)                                                                                 \
    PLAIN(tanh)                                                                                    \
    INTEGER(relu, RELU)                                                                            \
    INTEGER(relu6, RELU6)                                                                          \
    PARAMETER(leaky_relu)                                                                          \
    PARAMETER(elu)                                                                                 \
    PARAMETER(swish)                                                                               \
    PLAIN(silu)                                                                                    \
    PLAIN(identity)                                                                                \
    PLAIN(mish)
