/* Loops over 16-bit elements: block by block they are made floats, go through the loops of
 * elementwise.h and come back. All in one loop, the vectoriser would take as many elements at once
 * as 16-bit ones fill a register, which are four registers of doubles for each number on the way.
 * So the loops write each result in the 32 bits of a float, and here it becomes 16. */

enum { HALF_BLOCK = 512 };

INLINE void widen_all(ptrdiff_t n, const element *from, real *to)
{
    for (ptrdiff_t i = 0; i < n; i++) to[i] = widen(from[i]);
}

/* One of it serves all kernels. */
#if defined(__clang__)
#define ONE_FUNCTION __attribute__((noinline))
#elif defined(__GNUC__)
#define ONE_FUNCTION __attribute__((noinline, noclone))
#else
#define ONE_FUNCTION
#endif

ONE_FUNCTION static void KERNEL(in, blocks)(ptrdiff_t n, char *const *operands, int arrays,
                                            int values, int outputs, fastact_loop *loop)
{
    union {
        _Alignas(64) real inputs[HALF_BLOCK];
        result outputs[HALF_BLOCK];
    } blocks[FASTACT_MAX_OPERANDS];
    char *of_block[FASTACT_MAX_OPERANDS];
    int inputs = arrays + values;
    for (int k = 0; k < inputs + outputs; k++) of_block[k] = (char *)&blocks[k];
    for (int k = arrays; k < inputs; k++)
        widen_all(1, (const element *)operands[k], blocks[k].inputs);
    for (ptrdiff_t begin = 0; begin < n; begin += HALF_BLOCK) {
        ptrdiff_t length = n - begin < HALF_BLOCK ? n - begin : HALF_BLOCK;
        for (int k = 0; k < arrays; k++)
            widen_all(length, (const element *)operands[k] + begin, blocks[k].inputs);
        loop(length, of_block);
        for (int k = inputs; k < inputs + outputs; k++) {
            element *out = (element *)operands[k] + begin;
            for (ptrdiff_t i = 0; i < length; i++) out[i] = (element)blocks[k].outputs[i];
        }
    }
}

#define LOOP(name, operation, arrays, values, outputs, loop)                                       \
    static void KERNEL(name, operation##_of_block)(ptrdiff_t n, char *const *o) { loop; }          \
    static void KERNEL(name, operation)(ptrdiff_t n, char *const *o)                               \
    {                                                                                              \
        KERNEL(in, blocks)(n, o, arrays, values, outputs, KERNEL(name, operation##_of_block));     \
    }

/* ---- for tables.c ----------------------------------------------------------------------------- */

INLINE void slopes_uniform(ptrdiff_t n, const real *x, real first, real second, double *slopes,
                           number (*slope)(real x, real first, real second))
{
    for (ptrdiff_t i = 0; i < n; i++) slopes[i] = rounded(slope(x[i], first, second));
}

/* Operands: x, parameters, and the slopes as doubles. */
#define SLOPES(name, parameters)                                                                   \
    static void KERNEL(name, slopes)(ptrdiff_t n, char *const *o)                                  \
    {                                                                                              \
        real x[HALF_BLOCK];                                                                        \
        real first = parameters > 0 ? widen(*(const element *)o[1]) : 0;                           \
        real second = parameters > 1 ? widen(*(const element *)o[2]) : 0;                          \
        for (ptrdiff_t begin = 0; begin < n; begin += HALF_BLOCK) {                                \
            ptrdiff_t length = n - begin < HALF_BLOCK ? n - begin : HALF_BLOCK;                    \
            widen_all(length, (const element *)o[0] + begin, x);                                   \
            slopes_uniform(length, x, first, second, (double *)o[1 + parameters] + begin,          \
                           name##_slope);                                                          \
        }                                                                                          \
    }
#define SLOPES_OF(name) KERNEL(name, slopes)

/* Operands: grad, x, the slopes of all numbers, and out. As chain_number has it; functions whose
 * derivative is a real are too cheap for tables. */
static void KERNEL(backward, by_slopes)(ptrdiff_t n, char *const *operands)
{
    const element *grad = (const element *)operands[0], *x = (const element *)operands[1];
    const double *table = (const double *)operands[2];
    element *out = (element *)operands[3];
    real grads[HALF_BLOCK];
    double slopes[HALF_BLOCK];
    result products[HALF_BLOCK];
    for (ptrdiff_t begin = 0; begin < n; begin += HALF_BLOCK) {
        ptrdiff_t length = n - begin < HALF_BLOCK ? n - begin : HALF_BLOCK;
        for (ptrdiff_t i = 0; i < length; i++) slopes[i] = table[x[begin + i]];
        widen_all(length, grad + begin, grads);
        for (ptrdiff_t i = 0; i < length; i++) {
            result product = nearest(slopes[i] * grads[i]);
            products[i] = slopes[i] == 0 ? 0 : product;
        }
        for (ptrdiff_t i = 0; i < length; i++) out[begin + i] = (element)products[i];
    }
}
