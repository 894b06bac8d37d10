/* The loops over contiguous elements: value, derivative, backward, and value with derivative of
 * every name in the list of activations.h. Plain counted loops, for the auto-vectoriser.
 *
 * An output may be an input (in place), so the pointers are not `restrict`; what holds is
 * INDEPENDENT. */

typedef number scalar_function(real x, real parameter);
typedef result chained_function(real grad, real x, real parameter);

INLINE result narrow(number a) { return nearest(rounded(a)); }

/* grad f', rounded once. Where the slope is exactly 0 (only piecewise linear functions have that)
 * it selects: an infinite or NaN grad does not come through a unit that is off. */
INLINE result chain_number(real grad, number slope)
{
    result product = narrow(at_scale_of(slope, times(slope, grad)));
    return leading(slope) == 0 ? 0 : product;
}

INLINE result chain_real(real grad, real slope)
{
    result product = nearest_product(grad, slope);
    return slope == 0 ? 0 : product;
}

/* Derivatives come as either. */
INLINE number number_itself(number a) { return a; }
#define AS_NUMBER(slope) _Generic((slope), real: exact, number: number_itself)(slope)
#define CHAIN(grad, slope) _Generic((slope), real: chain_real, number: chain_number)(grad, slope)

/* The operands of each loop, by position as fastact_loop has them. */
#define INPUT(i) ((const real *)operands[i])
#define OUTPUT(i) ((result *)operands[i])

INLINE void map_uniform(ptrdiff_t n, char *const *operands, int parameters, scalar_function *f)
{
    const real *x = INPUT(0), parameter = parameters ? *INPUT(1) : 0;
    result *out = OUTPUT(1 + parameters);
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) out[i] = narrow(f(x[i], parameter));
}

INLINE void map_varying(ptrdiff_t n, char *const *operands, scalar_function *f)
{
    const real *x = INPUT(0), *parameter = INPUT(1);
    result *out = OUTPUT(2);
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) out[i] = narrow(f(x[i], parameter[i]));
}

INLINE void backward_uniform(ptrdiff_t n, char *const *operands, int parameters,
                             chained_function *chained)
{
    const real *grad = INPUT(0), *x = INPUT(1), parameter = parameters ? *INPUT(2) : 0;
    result *out = OUTPUT(2 + parameters);
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) out[i] = chained(grad[i], x[i], parameter);
}

INLINE void backward_varying(ptrdiff_t n, char *const *operands, chained_function *chained)
{
    const real *grad = INPUT(0), *x = INPUT(1), *parameter = INPUT(2);
    result *out = OUTPUT(3);
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) out[i] = chained(grad[i], x[i], parameter[i]);
}

INLINE void both_uniform(ptrdiff_t n, char *const *operands, int parameters,
                         scalar_function *f, scalar_function *derivative)
{
    const real *x = INPUT(0), parameter = parameters ? *INPUT(1) : 0;
    result *out = OUTPUT(1 + parameters), *slope = OUTPUT(2 + parameters);
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) {
        result value = narrow(f(x[i], parameter));
        slope[i] = narrow(derivative(x[i], parameter));
        out[i] = value;
    }
}

INLINE void both_varying(ptrdiff_t n, char *const *operands, scalar_function *f,
                         scalar_function *derivative)
{
    const real *x = INPUT(0), *parameter = INPUT(1);
    result *out = OUTPUT(2), *slope = OUTPUT(3);
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) {
        result value = narrow(f(x[i], parameter[i]));
        slope[i] = narrow(derivative(x[i], parameter[i]));
        out[i] = value;
    }
}

/* ---- one function per name and operation ------------------------------------------------------ */

/* LOOP(name, operation, arrays, values, outputs, loop): `arrays` inputs are arrays, the `values`
 * after them one number each. */
#ifndef LOOP
#define LOOP(name, operation, arrays, values, outputs, loop)                                       \
    static void KERNEL(name, operation)(ptrdiff_t n, char *const *o) { loop; }
#endif

/* SLOPES(name, parameters): the derivatives as doubles, where tables.c wants them. */
#ifndef SLOPES
#define SLOPES(name, parameters)
#define SLOPES_OF(name) NULL
#endif

#define PLAIN(name)                                                                                \
    INLINE number name##_f(real x, real unused) { (void)unused; return name##_value(x); }          \
    INLINE number name##_d(real x, real unused)                                                    \
    {                                                                                              \
        (void)unused;                                                                              \
        return AS_NUMBER(name##_derivative(x));                                                    \
    }                                                                                              \
    INLINE result name##_chained(real grad, real x, real unused)                                   \
    {                                                                                              \
        (void)unused;                                                                              \
        return CHAIN(grad, name##_derivative(x));                                                  \
    }                                                                                              \
    UNIFORM_LOOPS(name, 0)

#define INTEGER(name, formula) PLAIN(name)

#define PARAMETER(name)                                                                            \
    INLINE number name##_f(real x, real parameter) { return name##_value(x, parameter); }          \
    INLINE number name##_d(real x, real parameter)                                                 \
    {                                                                                              \
        return AS_NUMBER(name##_derivative(x, parameter));                                         \
    }                                                                                              \
    INLINE result name##_chained(real grad, real x, real parameter)                                \
    {                                                                                              \
        return CHAIN(grad, name##_derivative(x, parameter));                                       \
    }                                                                                              \
    UNIFORM_LOOPS(name, 1)                                                                         \
    VARYING_LOOPS(name)

#define UNIFORM_LOOPS(name, parameters)                                                            \
    LOOP(name, value, 1, parameters, 1, map_uniform(n, o, parameters, name##_f))                   \
    LOOP(name, derivative, 1, parameters, 1, map_uniform(n, o, parameters, name##_d))              \
    LOOP(name, backward, 2, parameters, 1, backward_uniform(n, o, parameters, name##_chained))     \
    LOOP(name, value_and_derivative, 1, parameters, 2,                                             \
         both_uniform(n, o, parameters, name##_f, name##_d))                                       \
    SLOPES(name, parameters)

#define VARYING_LOOPS(name)                                                                        \
    LOOP(name, value_varying, 2, 0, 1, map_varying(n, o, name##_f))                                \
    LOOP(name, derivative_varying, 2, 0, 1, map_varying(n, o, name##_d))                           \
    LOOP(name, backward_varying, 3, 0, 1, backward_varying(n, o, name##_chained))                  \
    LOOP(name, value_and_derivative_varying, 2, 0, 2, both_varying(n, o, name##_f, name##_d))

ACTIVATIONS(PLAIN, INTEGER, PARAMETER)

#undef PLAIN
#undef INTEGER
#undef PARAMETER

/* ---- and the table of them -------------------------------------------------------------------- */

#define PLAIN(name)                                                                                \
    {#name, 0, {{KERNEL(name, value), NULL, NULL}, {KERNEL(name, derivative), NULL, NULL},         \
                {KERNEL(name, backward), NULL, SLOPES_OF(name)},                                   \
                {KERNEL(name, value_and_derivative), NULL, NULL}}},
#define INTEGER(name, formula) PLAIN(name)
#define PARAMETER(name)                                                                            \
    {#name, 1, {{KERNEL(name, value), KERNEL(name, value_varying), NULL},                          \
                {KERNEL(name, derivative), KERNEL(name, derivative_varying), NULL},                \
                {KERNEL(name, backward), KERNEL(name, backward_varying), SLOPES_OF(name)},         \
                {KERNEL(name, value_and_derivative), KERNEL(name, value_and_derivative_varying),   \
                 NULL}}},

static const fastact_activation activations[] = {ACTIVATIONS(PLAIN, INTEGER, PARAMETER)};
