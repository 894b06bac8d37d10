/* References for a block of inputs, each with a proof of how exact it is, and the comparison of
 * results with them.
 *
 * What is to be known of a float32 (or narrower) result, an enclosure in double tells for all but a
 * few inputs: those beside the root of a derivative, or where an intermediate overflows. They, all
 * of float64, and the proofs over whole blocks take quadruple precision, which the C library has on
 * Linux. */
#define _GNU_SOURCE /* expf128 and its kin */
#include "accuracy.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GLIBC__) && !defined(__clang__) && defined(__HAVE_FLOAT128) && __HAVE_FLOAT128
#define HAS_QUAD 1
#else
#define HAS_QUAD 0
#endif

/* What is inlined with a constant format runs twice as fast. */
#if defined(__GNUC__)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE static inline
#endif

/* The bits say how narrow a reference has to be relative to its size: to speak for a whole block, and
 * to count at all, which beside the root of a slope is the harder. Or, since the largest gradient
 * times the slope must then be far below the smallest number, absolutely. */
typedef struct {
    int size, mantissa, min_exponent, max_exponent, narrow_bits, decided_bits, absolute_bits;
} format;

static const format formats[] = {
    [ACCURACY_FLOAT16] = {2, 10, -14, 15, 34, 30, 300},
    [ACCURACY_BFLOAT16] = {2, 7, -126, 127, 34, 30, 300},
    [ACCURACY_FLOAT32] = {4, 23, -126, 127, 34, 30, 300},
    [ACCURACY_FLOAT64] = {8, 52, -1022, 1023, 64, 55, 2200},
};

/* Only where a result of a segment is not what the exact one rounds to is it looked at closely. */
enum { SEGMENT = 256, SEGMENTS = (ACCURACY_BLOCK + SEGMENT - 1) / SEGMENT };

static const accuracy_found nothing_found = {.smallest = INFINITY, .largest = -INFINITY};

/* 2^n, or the nearest to it that a double has. */
ALWAYS_INLINE double power_of_2(int n)
{
    if (n < -1074) return 0;
    if (n > 1023) return INFINITY;
    uint64_t bits = n < -1022 ? UINT64_C(1) << (n + 1074) : (uint64_t)(n + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

static double read_half(const format *f, const char *x, ptrdiff_t i)
{
    uint16_t bits;
    memcpy(&bits, x + 2 * i, 2);
    int exponent = (bits & 0x7fff) >> f->mantissa, fraction = bits & ((1 << f->mantissa) - 1);
    double size = exponent > f->max_exponent - f->min_exponent + 1
                      ? (fraction ? (double)NAN : (double)INFINITY)
                  : exponent == 0
                      ? fraction * power_of_2(f->min_exponent - f->mantissa)
                      : (fraction + (1 << f->mantissa))
                            * power_of_2(f->min_exponent - f->mantissa + exponent - 1);
    return bits & 0x8000 ? -size : size;
}

/* The bits of a number that the format has. */
static uint16_t half_bits(const format *f, double x)
{
    int infinite = f->max_exponent - f->min_exponent + 2, exponent;
    unsigned sign = signbit(x) ? 0x8000 : 0;
    double size = fabs(x);
    if (size != size) return (uint16_t)(sign | infinite << f->mantissa | 1);
    if (size > DBL_MAX) return (uint16_t)(sign | infinite << f->mantissa);
    frexp(size, &exponent);
    exponent = size == 0 || exponent - 1 < f->min_exponent ? f->min_exponent : exponent - 1;
    /* The leading bit of a normal number adds one to the exponent's field. */
    unsigned fraction = (unsigned)(size * power_of_2(f->mantissa - exponent));
    return (uint16_t)(sign | (((unsigned)(exponent - f->min_exponent) << f->mantissa) + fraction));
}

struct accuracy_references {
    accuracy_formula formula;
    const format *format;
    ptrdiff_t n, lead;
    _Alignas(64) char x[8 * ACCURACY_BLOCK];
    char grad[8 * ACCURACY_BLOCK];
    struct accuracy_block *operations[ACCURACY_OPERATIONS];
    char rounded[ACCURACY_OPERATIONS][8 * ACCURACY_BLOCK]; /* what the exact results round to */
    char mirrored_x[8 * ACCURACY_BLOCK];
    char results[8 * ACCURACY_BLOCK], mirrored_results[8 * ACCURACY_BLOCK];
    char first_results[ACCURACY_OPERATIONS][8 * ACCURACY_BLOCK]; /* of the first subject */
};

/* ---- in double -------------------------------------------------------------------------------- */

typedef double wide_double;
#define wide wide_double
#define OF(name) name##_double
#define M(function) function
#define UNIT DBL_EPSILON
#define SMALLEST 0x1p-1074
#define LARGEST DBL_MAX
#define PI 3.14159265358979323846

static inline int exponent_double(double a)
{
    uint64_t bits;
    memcpy(&bits, &a, sizeof bits);
    return (int)(bits >> 52 & 0x7ff) - 1023;
}

static inline double power_of_2_double(int n) { return power_of_2(n); }
static inline int sign_double(double a) { return signbit(a) != 0; }

ALWAYS_INLINE double read_double(const format *f, const char *x, ptrdiff_t i)
{
    float number;
    if (f->size == 2) return read_half(f, x, i);
    memcpy(&number, x + 4 * i, 4);
    return number;
}

ALWAYS_INLINE void write_double(const format *f, char *x, ptrdiff_t i, double number)
{
    float single = (float)number;
    uint16_t half;
    if (f->size == 4) {
        memcpy(x + 4 * i, &single, 4);
        return;
    }
    half = half_bits(f, number);
    memcpy(x + 2 * i, &half, 2);
}

ALWAYS_INLINE double rounded_to_double(const format *f, double a)
{
    if (f->size == 4) return (float)a;
    int exponent = exponent_double(a);
    if (exponent < f->min_exponent) exponent = f->min_exponent;
    double rounded = nearbyint(a * power_of_2(f->mantissa - exponent))
                     * power_of_2(exponent - f->mantissa);
    return fabs(rounded) < power_of_2(f->max_exponent + 1) ? rounded : copysign(INFINITY, a);
}

#include "enclosure.h"
#include "comparison.h"

#undef wide
#undef OF
#undef M
#undef UNIT
#undef SMALLEST
#undef LARGEST
#undef PI

/* ---- in quadruple precision ------------------------------------------------------------------- */

#if HAS_QUAD

typedef _Float128 wide_quad;
#define wide wide_quad
#define OF(name) name##_quad
#define M(function) function##f128
#define UNIT 0x1p-112f128
#define SMALLEST 0x1p-16494f128
#define LARGEST __FLT128_MAX__
#define PI 3.14159265358979323846264338327950288419716939937511f128

static inline int exponent_quad(wide_quad a)
{
    uint64_t words[2];
    memcpy(words, &a, sizeof words);
    return (int)(words[1] >> 48 & 0x7fff) - 16383; /* little-endian, as all this is built for */
}

static inline wide_quad power_of_2_quad(int n)
{
    uint64_t words[2] = {0, (uint64_t)(n + 16383) << 48};
    wide_quad power;
    memcpy(&power, words, sizeof power);
    return power;
}

static inline int sign_quad(wide_quad a)
{
    uint64_t words[2];
    memcpy(words, &a, sizeof words);
    return (int)(words[1] >> 63);
}

static inline wide_quad read_quad(const format *f, const char *x, ptrdiff_t i)
{
    double number;
    (void)f;
    memcpy(&number, x + 8 * i, 8);
    return number;
}

static inline void write_quad(const format *f, char *x, ptrdiff_t i, wide_quad number)
{
    double narrow = (double)number;
    (void)f;
    memcpy(x + 8 * i, &narrow, 8);
}

static inline wide_quad rounded_to_quad(const format *f, wide_quad a)
{
    (void)f;
    return (double)a;
}

#include "enclosure.h"
#include "comparison.h"

#undef wide
#undef OF
#undef M

static double down(wide_quad a)
{
    double near = (double)a;
    return near <= a ? near : nextafter(near, -INFINITY);
}

static range_double outwards(range_quad a) { return (range_double){down(a.low), -down(-a.high)}; }

#endif

int accuracy_judges(int element) { return HAS_QUAD || element != ACCURACY_FLOAT64; }

/* ---- the references of a block ---------------------------------------------------------------- */

struct accuracy_block {
    union {
        references_double of_double;
#if HAS_QUAD
        references_quad of_quad;
#endif
    };
};

accuracy_references *accuracy_new(const accuracy_formula *formula, int element)
{
    accuracy_references *r = calloc(1, sizeof *r);
    struct accuracy_block *blocks = calloc(ACCURACY_OPERATIONS, sizeof *blocks);
    if (!r || !blocks) {
        free(r);
        free(blocks);
        return NULL;
    }
    r->formula = *formula;
    r->format = &formats[element];
    for (int i = 0; i < ACCURACY_OPERATIONS; i++) r->operations[i] = blocks + i;
    return r;
}

void accuracy_free(accuracy_references *r)
{
    if (r) free(r->operations[0]);
    free(r);
}

/* Whether the bounds round to two numbers of the format. */
static int is_torn(const format *f, range_double a)
{
    return rounded_to_double(f, a.low) != rounded_to_double(f, a.high);
}

/* In double, and where that does not decide in quadruple precision: for halves, which are to be the
 * nearest, it must also say which that is. */
static void enclose_once_double(const accuracy_formula *formula, const format *f, double x,
                                range_double *value, range_double *slope)
{
    enclose_double(formula, point_double(x), 0, value, slope);
    int torn = f->size == 2 && (is_torn(f, *value) || is_torn(f, *slope));
    if (is_narrow_double(f, *value) && is_narrow_double(f, *slope) && !torn) return;
#if HAS_QUAD
    range_quad better_value, better_slope;
    enclose_well_quad(formula, f, point_quad(x), &better_value, &better_slope);
    *value = outwards(better_value);
    *slope = outwards(better_slope);
#else
    enclose_double(formula, point_double(x), 1, value, slope);
#endif
}

static proof_double proof_in_double(const accuracy_formula *formula, const format *f, double first,
                                    double last)
{
#if HAS_QUAD
    proof_quad p = prove_quad(formula, f, first, last);
    return (proof_double){p.value_is_constant, p.value_is_linear, p.slope_is_constant,
                          (double)p.centre, outwards(p.value), outwards(p.slope)};
#else
    return prove_double(formula, f, first, last);
#endif
}

#if HAS_QUAD
static void enclose_once_quad(const accuracy_formula *formula, const format *f, wide_quad x,
                              range_quad *value, range_quad *slope)
{
    enclose_well_quad(formula, f, point_quad(x), value, slope);
}
#endif

#define wide wide_double
#define OF(name) name##_double
#define PROOF proof_in_double
#include "references.h"
#undef wide
#undef OF
#undef PROOF

#if HAS_QUAD
#define wide wide_quad
#define OF(name) name##_quad
#define PROOF prove_quad
#include "references.h"
#undef wide
#undef OF
#undef PROOF
#endif

void accuracy_set_inputs(accuracy_references *r, ptrdiff_t n, ptrdiff_t lead, const void *x,
                         const void *grad, int one_by_one)
{
    size_t bytes = (size_t)n * r->format->size;
    r->n = n;
    r->lead = lead;
    memcpy(r->x, x, bytes);
    if (grad) memcpy(r->grad, grad, bytes);
#if HAS_QUAD
    if (r->format->size == 8) {
        set_quad(r, r->format, grad != NULL, one_by_one);
        return;
    }
#endif
    if (r->format->size == 4)
        set_double(r, &formats[ACCURACY_FLOAT32], grad != NULL, one_by_one);
    else
        set_double(r, r->format, grad != NULL, 1);
}

static void add_found(accuracy_found *to, const accuracy_found *part)
{
    to->compared += part->compared;
    to->misrounded += part->misrounded;
    to->undecided += part->undecided;
    if (part->smallest < to->smallest) to->smallest = part->smallest;
    if (part->largest > to->largest) to->largest = part->largest;
    if (part->max_ulp > to->max_ulp) {
        to->max_ulp = part->max_ulp;
        to->worst_x = part->worst_x;
        to->worst_grad = part->worst_grad;
    }
}

/* From one input to the next; sign and size of floats as those of integers, a zero as the other. */
#define COUNT_ORDER(bits, integer)                                                                 \
    {                                                                                              \
        const bits *y = results, sign = (bits)((bits)1 << (8 * sizeof(bits) - 1));                 \
        ptrdiff_t falls = 0, rises = 0;                                                            \
        for (ptrdiff_t i = 1; i < n; i++) {                                                        \
            integer before = (integer)(y[i - 1] & sign ? (bits)(sign - y[i - 1]) : y[i - 1]);      \
            integer after = (integer)(y[i] & sign ? (bits)(sign - y[i]) : y[i]);                   \
            falls += after < before;                                                               \
            rises += after > before;                                                               \
        }                                                                                          \
        found->falls += (uint64_t)falls;                                                           \
        found->rises += (uint64_t)rises;                                                           \
        return;                                                                                    \
    }

static void count_order(const format *f, ptrdiff_t n, const void *results, accuracy_found *found)
{
    switch (f->size) {
    case 2: COUNT_ORDER(uint16_t, int16_t)
    case 4: COUNT_ORDER(uint32_t, int32_t)
    default: COUNT_ORDER(uint64_t, int64_t)
    }
}

void accuracy_compare(const accuracy_references *r, int operation, const void *results,
                      accuracy_found *found)
{
    const struct accuracy_block *references = r->operations[operation];
    const char *rounded = r->rounded[operation], *y = results;
    ptrdiff_t size = r->format->size;
    /* A backward pass has gradients at random. */
    if (operation != ACCURACY_BACKWARD) count_order(r->format, r->n, results, found);
    for (ptrdiff_t begin = 0; begin < r->n; begin += SEGMENT) {
        ptrdiff_t end = begin + SEGMENT < r->n ? begin + SEGMENT : r->n;
        int all_rounded = memcmp(y + begin * size, rounded + begin * size,
                                 (size_t)((end - begin) * size)) == 0;
#if HAS_QUAD
        if (size == 8) {
            if (all_rounded)
                add_found(found, &references->of_quad.of_rounded[begin / SEGMENT]);
            else
                compare_quad(r, r->format, &references->of_quad, begin, end, rounded, y, found);
            continue;
        }
#endif
        if (all_rounded)
            add_found(found, &references->of_double.of_rounded[begin / SEGMENT]);
        else
            compare_double(r, r->format, &references->of_double, begin, end, rounded, y, found);
    }
}

void accuracy_enclose(const accuracy_formula *formula, double x, int wide, double *bounds)
{
    range_double value, slope;
#if HAS_QUAD
    if (wide) {
        range_quad wide_value, wide_slope;
        enclose_quad(formula, point_quad(x), 1, &wide_value, &wide_slope);
        value = outwards(wide_value);
        slope = outwards(wide_slope);
    } else
#endif
        enclose_double(formula, point_double(x), wide, &value, &slope);
    bounds[0] = value.low;
    bounds[1] = value.high;
    bounds[2] = slope.low;
    bounds[3] = slope.high;
}

/* ---- inputs ----------------------------------------------------------------------------------- */

static uint64_t infinity_of(const format *f)
{
    return (uint64_t)(f->max_exponent - f->min_exponent + 2) << f->mantissa;
}

#define FILL(bits)                                                                                 \
    for (ptrdiff_t i = 0; i < n; i++) {                                                            \
        uint64_t place = first_place + (uint64_t)i, nan = place - not_nan;                         \
        uint64_t number = place <= infinity ? sign + (infinity - place) : place - infinity - 1;    \
        ((bits *)x)[i] =                                                                           \
            (bits)(place < not_nan ? number : infinity + 1 + (nan >> 1) + sign * (nan & 1));       \
    }

void accuracy_fill(int element, uint64_t first_place, ptrdiff_t n, void *x)
{
    const format *f = &formats[element];
    uint64_t infinity = infinity_of(f), not_nan = 2 * (infinity + 1);
    uint64_t sign = UINT64_C(1) << (8 * f->size - 1);
    switch (f->size) {
    case 2: FILL(uint16_t) break;
    case 4: FILL(uint32_t) break;
    default: FILL(uint64_t) break;
    }
}

/* Bits that look random, after the generator splitmix64; of 0, which would stay 0, those of -1. */
static inline uint64_t mixed(uint64_t x)
{
    x = (x ? x : UINT64_MAX) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x;
}

#define FILL_GRADIENTS(bits)                                                                       \
    for (ptrdiff_t i = 0; i < n; i++) {                                                            \
        uint64_t random = mixed(((const bits *)x)[i]) >> (64 - 8 * sizeof(bits));                  \
        uint64_t finite = random ^ UINT64_C(1) << f->mantissa;                                     \
        ((bits *)grad)[i] = (bits)((random & infinity) == infinity ? finite : random);             \
    }

void accuracy_fill_gradients(int element, ptrdiff_t n, const void *x, void *grad)
{
    const format *f = &formats[element];
    uint64_t infinity = infinity_of(f);
    switch (f->size) {
    case 2: FILL_GRADIENTS(uint16_t) break;
    case 4: FILL_GRADIENTS(uint32_t) break;
    default: FILL_GRADIENTS(uint64_t) break;
    }
}

/* ---- sweeps ----------------------------------------------------------------------------------- */

static void flip_signs(const format *f, ptrdiff_t n, char *x)
{
    for (ptrdiff_t i = 0; i < n; i++) x[i * f->size + f->size - 1] ^= (char)0x80;
}

/* f(-x) beside f(x), for x >= 0. */
#define COMPARE_SIDES(bits)                                                                        \
    {                                                                                              \
        const bits *at = (const bits *)x, *right = (const bits *)results;                          \
        const bits *left = (const bits *)mirrored, sign = (bits)((bits)1 << (8 * sizeof(bits) - 1)); \
        ptrdiff_t odd = 0, even = 0;                                                               \
        for (ptrdiff_t i = 0; i < n; i++) {                                                        \
            odd += at[i] < sign && left[i] != (bits)(right[i] ^ sign);                             \
            even += at[i] < sign && left[i] != right[i];                                           \
        }                                                                                          \
        *not_odd += (uint64_t)odd;                                                                 \
        *not_even += (uint64_t)even;                                                               \
        return;                                                                                    \
    }

static void compare_sides(const format *f, ptrdiff_t n, const char *x, const char *results,
                          const char *mirrored, uint64_t *not_odd, uint64_t *not_even)
{
    switch (f->size) {
    case 2: COMPARE_SIDES(uint16_t)
    case 4: COMPARE_SIDES(uint32_t)
    default: COMPARE_SIDES(uint64_t)
    }
}

static uint64_t bits_at(const format *f, const char *x, ptrdiff_t i)
{
    uint64_t bits = 0;
    memcpy(&bits, x + i * f->size, f->size);
    return bits;
}

/* How many floats lie from one result to the other. */
static uint64_t steps_apart(const format *f, uint64_t a, uint64_t b)
{
    uint64_t sign = UINT64_C(1) << (8 * f->size - 1);
    uint64_t from = a & sign ? sign - (a ^ sign) : sign + a;
    uint64_t to = b & sign ? sign - (b ^ sign) : sign + b;
    return from > to ? from - to : to - from;
}

static void compare_sets(const format *f, ptrdiff_t n, const char *results, const char *first,
                         uint64_t *differ, uint64_t *most_apart)
{
    if (memcmp(results, first, (size_t)n * f->size) == 0) return;
    for (ptrdiff_t i = 0; i < n; i++) {
        uint64_t steps = steps_apart(f, bits_at(f, results, i), bits_at(f, first, i));
        *differ += steps > 0;
        if (steps > *most_apart) *most_apart = steps;
    }
}

typedef struct {
    void *const *values;
    int count;
} given_parameters;

static void run(accuracy_kernel *kernel, ptrdiff_t n, char *grad, char *x,
                const given_parameters *parameters, char *results)
{
    char *operands[3 + ACCURACY_PARAMETERS];
    int count = 0;
    if (grad) operands[count++] = grad;
    operands[count++] = x;
    for (int i = 0; i < parameters->count; i++) operands[count++] = parameters->values[i];
    operands[count] = results;
    kernel(n, operands);
}

static void sweep_one(accuracy_references *r, const given_parameters *parameters, int operation,
                      int is_first, accuracy_subject *s)
{
    const format *f = r->format;
    ptrdiff_t skipped = r->lead * f->size, n = r->n - r->lead;
    char *first = r->first_results[operation], *results = is_first ? first : r->results;
    accuracy_kernel *kernel = s->kernels[operation];
    run(kernel, r->n, operation == ACCURACY_BACKWARD ? r->grad : NULL, r->x, parameters, results);
    accuracy_compare(r, operation, results, &s->found[operation]);
    if (!is_first)
        compare_sets(f, n, results + skipped, first + skipped, &s->differ[operation],
                     &s->most_apart[operation]);
    int no_right_side = r->x[r->n * f->size - 1] & 0x80; /* the last x is negative */
    if (operation == ACCURACY_BACKWARD || no_right_side) return;
    run(kernel, r->n, NULL, r->mirrored_x, parameters, r->mirrored_results);
    compare_sides(f, n, r->x + skipped, results + skipped, r->mirrored_results + skipped,
                  &s->not_odd[operation], &s->not_even[operation]);
}

void accuracy_sweep(accuracy_references *r, ptrdiff_t n, ptrdiff_t lead, const void *x,
                    const void *grad, void *const *parameters, int parameter_count,
                    accuracy_subject *subjects, int count)
{
    given_parameters given = {parameters, parameter_count};
    accuracy_set_inputs(r, n, lead, x, grad, 0);
    memcpy(r->mirrored_x, r->x, (size_t)n * r->format->size);
    flip_signs(r->format, n, r->mirrored_x);
    for (int i = 0; i < count; i++)
        for (int operation = 0; operation < ACCURACY_OPERATIONS - !grad; operation++)
            sweep_one(r, &given, operation, i == 0, &subjects[i]);
}
