/* Softmax and its relatives on rows of contiguous elements: p_i = e^(x_i - m)/sum, m the maximum.
 *
 * x - m is taken in the working type: rounded to float32 it would cost |x - m| ULP, which is where
 * the 60 to 80 ULP of float32 softmaxes come from. A row is gone through in blocks, so that the
 * exponentials of a row that fits are computed once and those of a longer one again, to the same
 * bits, rather than stored in memory.
 *
 * Sums run in LANES fixed accumulators that are added up in a fixed tree: the same bits whatever
 * the vector width. The maximum needs no such care. A NaN may be lost by the maximum; it comes back
 * through the sum, which makes the whole row NaN, as does any +inf (inf - inf) and a row of -inf
 * alone. */

enum { LANES = 8, BLOCK = 512, KEPT = 4096 };

typedef struct {
    double high[LANES], low[LANES];
} accumulator;

INLINE void clear(accumulator *sum)
{
    for (int j = 0; j < LANES; j++) sum->high[j] = sum->low[j] = 0.0;
}

INLINE number lane(const accumulator *sum, int j) { return constant(sum->high[j], sum->low[j]); }

INLINE number total(const accumulator *sum)
{
    return add(add(add(lane(sum, 0), lane(sum, 4)), add(lane(sum, 2), lane(sum, 6))),
               add(add(lane(sum, 1), lane(sum, 5)), add(lane(sum, 3), lane(sum, 7))));
}

INLINE real maximum(ptrdiff_t n, const real *x)
{
    real lane[2 * LANES];
    for (int j = 0; j < 2 * LANES; j++) lane[j] = -(real)INFINITY;
    ptrdiff_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES)
        for (int j = 0; j < 2 * LANES; j++) lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
    for (; i < n; i++) lane[0] = x[i] > lane[0] ? x[i] : lane[0];
    for (int j = 1; j < 2 * LANES; j++) lane[0] = lane[j] > lane[0] ? lane[j] : lane[0];
    return lane[0];
}

/* e^(x - m), settled in a double. */
INLINE void exponentials(ptrdiff_t n, const real *x, real m, double *e)
{
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++)
        e[i] = rounded(exp_of(at_least(difference(x[i], m), EXP_LOWEST)).value);
}

/* The pragma because the compiler unrolls eight steps before it thinks of vectors. */
INLINE void accumulate(accumulator *sum, ptrdiff_t n, const double *terms)
{
    accumulator local = *sum;
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
#pragma omp simd
        for (int j = 0; j < LANES; j++)
            accumulate_one(&local.high[j], &local.low[j], terms[i + j]);
    for (int j = 0; i < n; i++, j++) accumulate_one(&local.high[j], &local.low[j], terms[i]);
    *sum = local;
}

/* One row's exponentials, block by block, with their sum. */
typedef struct {
    const real *x;
    ptrdiff_t n;
    real m;
    number reciprocal; /* of the sum */
    double *kept;      /* BLOCK or, for a row of at most KEPT, all exponentials */
    int whole;
} row;

INLINE row start_row(ptrdiff_t n, const real *x, double *kept)
{
    row r = {x, n, maximum(n, x), exact(0.0), kept, n <= KEPT};
    accumulator sum;
    clear(&sum);
    for (ptrdiff_t i = 0; i < n; i += BLOCK) {
        ptrdiff_t length = n - i < BLOCK ? n - i : BLOCK;
        double *e = r.whole ? kept + i : kept;
        exponentials(length, x + i, r.m, e);
        accumulate(&sum, length, e);
    }
    r.reciprocal = divide(exact(1.0), total(&sum));
    return r;
}

/* The exponentials of block [i, i + length), computed again where they were not kept. */
INLINE const double *block_of(const row *r, ptrdiff_t i, ptrdiff_t length)
{
    if (r->whole) return r->kept + i;
    exponentials(length, r->x + i, r->m, r->kept);
    return r->kept;
}

static void KERNEL(softmax, value)(ptrdiff_t rows, ptrdiff_t n, const void *first,
                                   const void *unused, void *out)
{
    double kept[KEPT];
    (void)unused;
    for (ptrdiff_t k = 0; k < rows; k++) {
        real *y = (real *)out + k * n;
        row r = start_row(n, (const real *)first + k * n, kept);
        for (ptrdiff_t i = 0; i < n; i += BLOCK) {
            ptrdiff_t length = n - i < BLOCK ? n - i : BLOCK;
            const double *e = block_of(&r, i, length);
            INDEPENDENT
            for (ptrdiff_t j = 0; j < length; j++)
                y[i + j] = narrow(times(r.reciprocal, e[j]));
        }
    }
}

/* The first of the greatest. */
INLINE ptrdiff_t winner_of(ptrdiff_t n, const real *x, real m)
{
    ptrdiff_t winner = 0;
    while (winner < n - 1 && x[winner] < m) winner++;
    return winner;
}

/* dx_i = p_i (g_i - sum_j p_j g_j). Each g is taken relative to the winner's, half: the winner's
 * own difference then does not cancel when its p is near 1, and none overflows. */
INLINE number half_difference(real a, real b) { return difference((real)0.5 * a, (real)0.5 * b); }

INLINE void add_to_dot(accumulator *dot, ptrdiff_t n, const double *p, const real *grad, real origin,
                       double *weighted)
{
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++)
        weighted[i] = p[i] * rounded(half_difference(grad[i], origin));
    accumulate(dot, n, weighted);
}

INLINE real pulled_back(number p, real grad, real origin, number dot)
{
    number half = multiply(p, add(half_difference(grad, origin), negative(dot)));
    return narrow(scaled(2.0, half));
}

/* From the input. */
static void KERNEL(softmax, backward)(ptrdiff_t rows, ptrdiff_t n, const void *first,
                                      const void *second, void *out)
{
    double kept[KEPT], p[BLOCK], weighted[BLOCK];
    for (ptrdiff_t k = 0; k < rows; k++) {
        const real *grad = (const real *)first + k * n, *x = (const real *)second + k * n;
        real *dx = (real *)out + k * n;
        row r = start_row(n, x, kept);
        real origin = grad[winner_of(n, x, r.m)];
        accumulator sum;
        clear(&sum);
        for (ptrdiff_t i = 0; i < n; i += BLOCK) {
            ptrdiff_t length = n - i < BLOCK ? n - i : BLOCK;
            const double *e = block_of(&r, i, length);
            for (ptrdiff_t j = 0; j < length; j++) p[j] = rounded(times(r.reciprocal, e[j]));
            add_to_dot(&sum, length, p, grad + i, origin, weighted);
        }
        number dot = total(&sum);
        for (ptrdiff_t i = 0; i < n; i += BLOCK) {
            ptrdiff_t length = n - i < BLOCK ? n - i : BLOCK;
            const double *e = block_of(&r, i, length);
            INDEPENDENT
            for (ptrdiff_t j = 0; j < length; j++)
                dx[i + j] = pulled_back(times(r.reciprocal, e[j]), grad[i + j], origin, dot);
        }
    }
}

/* The same from the output, as the formula says, whether the rounded y_i add up to 1 or not. */
static void KERNEL(softmax, backward_from_output)(ptrdiff_t rows, ptrdiff_t n, const void *first,
                                                  const void *second, void *out)
{
    double weighted[BLOCK];
    for (ptrdiff_t k = 0; k < rows; k++) {
        const real *grad = (const real *)first + k * n, *y = (const real *)second + k * n;
        real *dx = (real *)out + k * n;
        accumulator sum;
        clear(&sum);
        for (ptrdiff_t i = 0; i < n; i += BLOCK) {
            ptrdiff_t length = n - i < BLOCK ? n - i : BLOCK;
            for (ptrdiff_t j = 0; j < length; j++)
                weighted[j] = (double)y[i + j] * grad[i + j];
            accumulate(&sum, length, weighted);
        }
        number dot = total(&sum);
        INDEPENDENT
        for (ptrdiff_t i = 0; i < n; i++)
            dx[i] = narrow(times(plus(negative(dot), grad[i]), y[i]));
    }
}

/* J_ij = p_i (delta_ij - p_j): n by n for each row. 1 - p_i is the sum of the others over the sum
 * of all, since for a winner with p near 1 it would cancel. */
static void KERNEL(softmax, jacobian)(ptrdiff_t rows, ptrdiff_t n, const void *first,
                                      const void *unused, void *out)
{
    double kept[KEPT], column[BLOCK];
    (void)unused;
    for (ptrdiff_t k = 0; k < rows; k++) {
        const real *x = (const real *)first + k * n;
        real *jacobian = (real *)out + k * n * n;
        row r = start_row(n, x, kept);
        ptrdiff_t winner = winner_of(n, x, r.m);
        accumulator sum;
        clear(&sum);
        for (ptrdiff_t i = 0; i < n; i += BLOCK) {
            ptrdiff_t length = n - i < BLOCK ? n - i : BLOCK;
            const double *e = block_of(&r, i, length);
            for (ptrdiff_t j = 0; j < length; j++) column[j] = i + j == winner ? 0.0 : e[j];
            accumulate(&sum, length, column);
        }
        number others = multiply(total(&sum), r.reciprocal);
        for (ptrdiff_t i = 0; i < n; i++) {
            double e_i;
            exponentials(1, x + i, r.m, &e_i);
            number p_i = times(r.reciprocal, e_i);
            for (ptrdiff_t b = 0; b < n; b += BLOCK) {
                ptrdiff_t length = n - b < BLOCK ? n - b : BLOCK;
                const double *e = block_of(&r, b, length);
                INDEPENDENT
                for (ptrdiff_t j = 0; j < length; j++)
                    jacobian[i * n + b + j] =
                        narrow(negative(multiply(p_i, times(r.reciprocal, e[j]))));
            }
            number rest = i == winner ? others : plus(negative(p_i), 1.0);
            jacobian[i * n + i] = narrow(multiply(p_i, rest));
        }
    }
}

static fastact_row_kernel *const row_kernels[FASTACT_ROW_KERNELS] = {
    KERNEL(softmax, value),
    KERNEL(softmax, backward),
    KERNEL(softmax, backward_from_output),
    KERNEL(softmax, jacobian),
};
