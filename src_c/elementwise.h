/* The loops over contiguous elements: value, derivative, backward, and value with derivative of
 * every name in the list of activations.h, value and backward of its gated functions. Plain counted
 * loops, for the auto-vectoriser.
 *
 * An output may be an input (in place), so the pointers are not `restrict`; what holds is
 * INDEPENDENT. */

/* Of x and the parameters, of which there are at most two. */
typedef result scalar_function(real x, real first, real second);
typedef result chained_function(real grad, real x, real first, real second);

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

/* Values and derivatives come as either: a real is one that the element type has. */
INLINE number number_itself(number a) { return a; }
#define IS_REAL(a) _Generic((a), real: 1, number: 0)
#define AS_NUMBER(a) _Generic((a), real: exact, number: number_itself)(a)
#define AS_RESULT(a) _Generic((a), real: result_of, number: narrow)(a)
#define CHAIN(grad, slope) _Generic((slope), real: chain_real, number: chain_number)(grad, slope)

/* The operands of each loop, by position as fastact_loop has them. */
#define INPUT(i) ((const real *)operands[i])
#define OUTPUT(i) ((result *)operands[i])

/* Parameters that are one value each, or arrays, from operand i on; a missing one is not used. */
#define ONE_VALUE(i, parameters)                                                                   \
    const real first = (parameters) > 0 ? *INPUT(i) : 0;                                           \
    const real second = (parameters) > 1 ? *INPUT((i) + 1) : 0
#define ARRAYS(i, parameters)                                                                      \
    const real *first = INPUT(i);                                                                  \
    const real *second = (parameters) > 1 ? INPUT((i) + 1) : first

/* out[i] = y, which is an expression of i, for each element. A function is a long chain of
 * operations that wait for one another; a processor begins with the next elements meanwhile only
 * where their operations stand close by. So four elements, each APART from the next, share an
 * iteration, and the compiler shuffles their operations together. How often it comes round is a
 * number, or the compiler would provide for what remains. Not where the chain is short, nor of 16-bit
 * elements, which go by tables where they are many (tables.c). */
enum { STREAMS = 4, APART = FASTACT_TOGETHER / STREAMS };

#define EACH_ELEMENT(short_chain, y)                                                               \
    ptrdiff_t done = 0;                                                                            \
    const int together = !HALF_FORMAT && !(short_chain);                                           \
    for (; together && n - done >= STREAMS * APART; done += STREAMS * APART) {                     \
        INDEPENDENT                                                                                \
        for (ptrdiff_t j = 0; j < APART; j++) {                                                    \
            result of_stream[STREAMS];                                                             \
            UNROLL                                                                                 \
            for (ptrdiff_t k = 0, i = done + j; k < STREAMS; k++, i += APART) of_stream[k] = y;    \
            UNROLL                                                                                 \
            for (ptrdiff_t k = 0, i = done + j; k < STREAMS; k++, i += APART)                      \
                out[i] = of_stream[k];                                                             \
        }                                                                                          \
    }                                                                                              \
    INDEPENDENT                                                                                    \
    for (ptrdiff_t i = done; i < n; i++) out[i] = y

INLINE void map_uniform(ptrdiff_t n, char *const *operands, int parameters, scalar_function *f)
{
    const real *x = INPUT(0);
    ONE_VALUE(1, parameters);
    result *out = OUTPUT(1 + parameters);
    EACH_ELEMENT(0, f(x[i], first, second));
}

INLINE void map_varying(ptrdiff_t n, char *const *operands, int parameters, scalar_function *f)
{
    const real *x = INPUT(0);
    ARRAYS(1, parameters);
    result *out = OUTPUT(1 + parameters);
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) out[i] = f(x[i], first[i], second[i]);
}

/* A slope that is a real has been chosen rather than computed. */
INLINE void backward_uniform(ptrdiff_t n, char *const *operands, int parameters,
                             int slope_is_real, chained_function *chained)
{
    const real *grad = INPUT(0), *x = INPUT(1);
    ONE_VALUE(2, parameters);
    result *out = OUTPUT(2 + parameters);
    EACH_ELEMENT(slope_is_real, chained(grad[i], x[i], first, second));
}

INLINE void backward_varying(ptrdiff_t n, char *const *operands, int parameters,
                             chained_function *chained)
{
    const real *grad = INPUT(0), *x = INPUT(1);
    ARRAYS(2, parameters);
    result *out = OUTPUT(2 + parameters);
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) out[i] = chained(grad[i], x[i], first[i], second[i]);
}

INLINE void both_uniform(ptrdiff_t n, char *const *operands, int parameters,
                         scalar_function *f, scalar_function *derivative)
{
    const real *x = INPUT(0);
    ONE_VALUE(1, parameters);
    result *out = OUTPUT(1 + parameters), *slope = OUTPUT(2 + parameters);
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) {
        result value = f(x[i], first, second);
        slope[i] = derivative(x[i], first, second);
        out[i] = value;
    }
}

INLINE void both_varying(ptrdiff_t n, char *const *operands, int parameters, scalar_function *f,
                         scalar_function *derivative)
{
    const real *x = INPUT(0);
    ARRAYS(1, parameters);
    result *out = OUTPUT(1 + parameters), *slope = OUTPUT(2 + parameters);
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) {
        result value = f(x[i], first[i], second[i]);
        slope[i] = derivative(x[i], first[i], second[i]);
        out[i] = value;
    }
}

/* ---- gated functions: f(gate) value ------------------------------------------------------------ */

/* At an infinite gate f is its limit: nothing, rather than the next to nothing that an exponential
 * leaves of it, and so NaN beside another infinity. */
INLINE number at_limit(real gate, number f)
{
    double keep = both_or(magnitude(gate) > LARGEST, magnitude(leading(f)) < 0x1p-100, 0.0, 1.0);
    return at_scale_of(f, scaled(keep, f));
}

/* f value, rounded once. Where f(x) is all but linear beside 0, a pair of it may have no room beside
 * 0 for its second word: `raise` takes it away from there, and the value comes down instead. */
INLINE result product_number(real value, real gate, number f, double raise, number slope)
{
    (void)slope;
    double lower = both_or(raise > 1, magnitude(leading(f)) < 0x1p-500, 1.0 / RAISE, 1.0);
    number limit = at_limit(gate, f);
    return narrow(at_scale_of(limit, times(limit, lower * value)));
}

/* Of a function whose slopes are reals, f is one too. */
INLINE real as_real(number f, double raise)
{
    return (raise > 1 ? 1.0 / RAISE : 1.0) * leading(f);
}

/* A gate of a slope that is exactly 0 is off, and 0 beside it; an infinite value comes to nothing. */
INLINE result product_real(real value, real gate, number f, double raise, real slope)
{
    (void)gate;
    real finite = magnitude(value) > LARGEST ? with_sign(1.0, value) : value;
    return nearest_product(as_real(f, raise), slope == 0 ? finite : value);
}

INLINE result gradient_real(real grad, real gate, number f, double raise, real slope)
{
    (void)gate;
    result product = nearest_product(as_real(f, raise), grad);
    return slope == 0 ? 0 : product;
}

/* grad value f', rounded once. A slope that is a real is 0 or 1, or NaN. */
INLINE result gate_gradient_number(real grad, real value, real gate, number slope)
{
    return narrow(times_both(at_limit(gate, slope), grad, value));
}

INLINE result gate_gradient_real(real grad, real value, real gate, real slope)
{
    (void)gate;
    result product = nearest_product(grad, value * slope);
    return slope == 0 ? 0 : product;
}

/* By the type of the derivative. */
#define PRODUCT(value, gate, f, raise, slope)                                                      \
    _Generic((slope), real: product_real, number: product_number)(value, gate, f, raise, slope)
#define GRADIENT_OF_VALUE(grad, gate, f, raise, slope)                                             \
    _Generic((slope), real: gradient_real, number: product_number)(grad, gate, f, raise, slope)
#define GRADIENT_OF_GATE(grad, value, gate, slope)                                                 \
    _Generic((slope), real: gate_gradient_real, number: gate_gradient_number)(grad, value, gate,   \
                                                                              slope)

typedef result gated_function(real grad_or_value, real gate);
typedef result gate_gradient_function(real grad, real gate, real value);

INLINE void map_gate(ptrdiff_t n, char *const *operands, gated_function *product)
{
    const real *gate = INPUT(0), *value = INPUT(1);
    result *out = OUTPUT(2);
    EACH_ELEMENT(0, product(value[i], gate[i]));
}

INLINE void backward_gate(ptrdiff_t n, char *const *operands, gate_gradient_function *of_gate,
                          gated_function *of_value)
{
    const real *grad = INPUT(0), *gate = INPUT(1), *value = INPUT(2);
    result *grad_gate = OUTPUT(3), *grad_value = OUTPUT(4);
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) {
        result first = of_gate(grad[i], gate[i], value[i]);
        grad_value[i] = of_value(grad[i], gate[i]);
        grad_gate[i] = first;
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

/* The functions of the loops' form, from those of activations.h, given what these take. */
#define FUNCTIONS(name, ...)                                                                       \
    INLINE result name##_f(real x, real first, real second)                                        \
    {                                                                                              \
        (void)first, (void)second;                                                                 \
        return AS_RESULT(name##_value(__VA_ARGS__));                                               \
    }                                                                                              \
    INLINE result name##_d(real x, real first, real second)                                        \
    {                                                                                              \
        (void)first, (void)second;                                                                 \
        return AS_RESULT(name##_derivative(__VA_ARGS__));                                          \
    }                                                                                              \
    INLINE number name##_slope(real x, real first, real second)                                    \
    {                                                                                              \
        (void)first, (void)second;                                                                 \
        return AS_NUMBER(name##_derivative(__VA_ARGS__));                                          \
    }                                                                                              \
    INLINE result name##_chained(real grad, real x, real first, real second)                       \
    {                                                                                              \
        (void)first, (void)second;                                                                 \
        return CHAIN(grad, name##_derivative(__VA_ARGS__));                                        \
    }

#define PLAIN(name)                                                                                \
    FUNCTIONS(name, x)                                                                             \
    UNIFORM_LOOPS(name, 0, 0)

#define INTEGER(name, formula) PLAIN(name)

#define PARAMETER(name)                                                                            \
    FUNCTIONS(name, x, first)                                                                      \
    UNIFORM_LOOPS(name, 1, 0, 0)                                                                   \
    VARYING_LOOPS(name, 1)

#define TWO_PARAMETERS(name)                                                                       \
    FUNCTIONS(name, x, first, second)                                                              \
    UNIFORM_LOOPS(name, 2, 0, 0, 0)                                                                \
    VARYING_LOOPS(name, 2)

/* The last are anything that the derivative may be given, to be asked for its type. */
#define UNIFORM_LOOPS(name, parameters, ...)                                                       \
    LOOP(name, value, 1, parameters, 1, map_uniform(n, o, parameters, name##_f))                   \
    LOOP(name, derivative, 1, parameters, 1, map_uniform(n, o, parameters, name##_d))              \
    LOOP(name, backward, 2, parameters, 1,                                                         \
         backward_uniform(n, o, parameters, IS_REAL(name##_derivative(__VA_ARGS__)),               \
                          name##_chained))                                                         \
    LOOP(name, value_and_derivative, 1, parameters, 2,                                             \
         both_uniform(n, o, parameters, name##_f, name##_d))                                       \
    SLOPES(name, parameters)

#define VARYING_LOOPS(name, parameters)                                                            \
    LOOP(name, value_varying, 1 + parameters, 0, 1, map_varying(n, o, parameters, name##_f))       \
    LOOP(name, derivative_varying, 1 + parameters, 0, 1, map_varying(n, o, parameters, name##_d))  \
    LOOP(name, backward_varying, 2 + parameters, 0, 1,                                             \
         backward_varying(n, o, parameters, name##_chained))                                       \
    LOOP(name, value_and_derivative_varying, 1 + parameters, 0, 2,                                 \
         both_varying(n, o, parameters, name##_f, name##_d))

ACTIVATIONS(PLAIN, INTEGER, PARAMETER, TWO_PARAMETERS)

#define GATE(name, f)                                                                              \
    INLINE result name##_product(real value, real gate)                                            \
    {                                                                                              \
        const double raise = raise_of(gate);                                                       \
        const real x = raise * gate;                                                               \
        return PRODUCT(value, gate, AS_NUMBER(f##_value(x)), raise, f##_derivative(x));            \
    }                                                                                              \
    INLINE result name##_gradient_of_value(real grad, real gate)                                   \
    {                                                                                              \
        const double raise = raise_of(gate);                                                       \
        const real x = raise * gate;                                                               \
        return GRADIENT_OF_VALUE(grad, gate, AS_NUMBER(f##_value(x)), raise, f##_derivative(x));   \
    }                                                                                              \
    INLINE result name##_gradient_of_gate(real grad, real gate, real value)                        \
    {                                                                                              \
        const real x = raise_of(gate) * gate;                                                      \
        return GRADIENT_OF_GATE(grad, value, gate, f##_derivative(x));                             \
    }                                                                                              \
    LOOP(name, value, 2, 0, 1, map_gate(n, o, name##_product))                                     \
    LOOP(name, backward, 3, 0, 2,                                                                  \
         backward_gate(n, o, name##_gradient_of_gate, name##_gradient_of_value))

GATES(GATE)

#undef GATE
#undef PLAIN
#undef PARAMETER
#undef TWO_PARAMETERS

/* ---- and the table of them -------------------------------------------------------------------- */

#define NO_VARYING(name, operation) NULL
#define VARYING(name, operation) KERNEL(name, operation##_varying)
#define OPERATIONS(name, parameters, varying, ...)                                                 \
    {#name, 1, parameters,                                                                         \
     {{KERNEL(name, value), varying(name, value), NULL, IS_REAL(name##_value(__VA_ARGS__))},       \
      {KERNEL(name, derivative), varying(name, derivative), NULL,                                  \
       IS_REAL(name##_derivative(__VA_ARGS__))},                                                   \
      {KERNEL(name, backward), varying(name, backward), SLOPES_OF(name), 0},                       \
      {KERNEL(name, value_and_derivative), varying(name, value_and_derivative), NULL, 0}}},
#define PLAIN(name) OPERATIONS(name, 0, NO_VARYING, 0)
#define PARAMETER(name) OPERATIONS(name, 1, VARYING, 0, 0)
#define TWO_PARAMETERS(name) OPERATIONS(name, 2, VARYING, 0, 0, 0)
#define GATE(name, f)                                                                              \
    {#name, 2, 0, {[FASTACT_VALUE] = {KERNEL(name, value), NULL, NULL, 0},                         \
                   [FASTACT_BACKWARD] = {KERNEL(name, backward), NULL, NULL, 0}}},

static const fastact_activation activations[] = {
    ACTIVATIONS(PLAIN, INTEGER, PARAMETER, TWO_PARAMETERS) GATES(GATE)};
