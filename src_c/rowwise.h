/* Softmax and its relatives: p_i = e^(x_i - m)/sum, m the maximum of a row; and sparsemax.
 *
 * A kernel goes through a tile: `width` rows of length n. Either each of them is contiguous, and the
 * loops run along one after the other, or the rows lie side by side, each element beside the same
 * element of the next row, and the loops run across them. Each kernel is written once, over pieces
 * of contiguous elements - a block of a row, or one element of each row - and compiled for both.
 * Several rows also where the loops run along them: what comes down to one number of a row is a chain
 * of steps that wait for one another, and those of many rows take hardly longer than of one.
 *
 * x - m is taken in the working type: rounded to float32 it would cost |x - m| ULP, which is where
 * the 60 to 80 ULP of float32 softmaxes come from. Exponentials are kept where the driver has room
 * for them, and otherwise computed again, to the same bits.
 *
 * A sum has the same bits in any tile, thread and vector width: within a chunk of the axis element
 * i goes to accumulator i modulo LANES, these are added up in a fixed tree, and chunks in their
 * order. The maximum needs no such care. A NaN may be lost by the maximum; it comes back through
 * the sum, which makes the whole row NaN, as does any +inf (inf - inf) and a row of -inf alone. */

enum { LANES = FASTACT_ROW_LANES, BLOCK = 256, WIDTH = FASTACT_ROW_WIDTH };
_Static_assert(BLOCK % LANES == 0, "only the last block of a row is filled up");

/* What a state holds of each row. Sums are in two words, exponentials count in EXP_UNIT. sparsemax
 * has its threshold where others have the origin, and counts its support as winners. */
enum { MAXIMUM, ORIGIN, SUM, SUM_LOW, DOT, DOT_LOW, WINNERS, FIELDS };
_Static_assert((int)FIELDS == (int)FASTACT_ROW_FIELDS, "as fastact.h says");

/* ---- pieces ----------------------------------------------------------------------------------- */

/* Loops over the pieces of a row, or of all rows: i is the first of their elements along the axis. */
#define EACH_PIECE_OF_ROW(begin, end)                                                              \
    for (ptrdiff_t i = (begin), length = 0;                                                        \
         i < (end) && (length = across ? t->width : (end) - i < BLOCK ? (end) - i : BLOCK) > 0;    \
         i += across ? 1 : length)
#define EACH_PIECE(begin, end)                                                                     \
    for (ptrdiff_t row = 0; row < (across ? 1 : t->width); row++) EACH_PIECE_OF_ROW (begin, end)

/* The row that element j of a piece belongs to. */
#define ROW(j) (across ? (j) : row)

INLINE element *piece(int across, const fastact_tile *t, int operand, ptrdiff_t row, ptrdiff_t i)
{
    char *at = t->operands[operand] + (across ? i : row) * t->steps[operand];
    return (element *)at + (across ? row : i);
}

/* What stands there for each row, which is no element. */
INLINE double *of_row(int across, const fastact_tile *t, int operand, int words, ptrdiff_t row)
{
    char *at = t->operands[operand];
    return across ? (double *)at + words * row : (double *)(at + row * t->steps[operand]);
}

INLINE double *kept_at(int across, const fastact_tile *t, ptrdiff_t row, ptrdiff_t i)
{
    return t->kept + (across ? i * t->width : row * (t->n + LANES) + i);
}

/* The numbers of a piece: where they are or, of a 16-bit type, in `room`. */
INLINE const real *numbers(ptrdiff_t length, const element *from, real *room)
{
#if HALF_FORMAT
    widen_all(length, from, room);
    return room;
#else
    (void)length, (void)room;
    return from;
#endif
}

/* Where to write the results of a piece; they are settled once they are all there. */
INLINE result *results(element *to, result *room)
{
#if HALF_FORMAT
    (void)to;
    return room;
#else
    (void)room;
    return to;
#endif
}

INLINE void settle(ptrdiff_t length, const result *y, element *to)
{
#if HALF_FORMAT
    for (ptrdiff_t j = 0; j < length; j++) to[j] = (element)y[j];
#else
    (void)length, (void)y, (void)to;
#endif
}

/* While exponentials are computed, memory can bring the next row; its own prefetcher stops at each
 * page. Rows of 1000 and of 16384 float32 in memory, two threads: 1.09 and 0.98 ns per element
 * without, 0.83 and 0.78 with (benchmarks/softmax_table.py). */
INLINE void fetch_ahead(const fastact_tile *t, ptrdiff_t row, ptrdiff_t i, ptrdiff_t length)
{
    enum { FAR = 4096 }; /* bytes: what is wanted so much later goes to the second cache */
    ptrdiff_t size = sizeof(element);
    for (int k = 0; k < FASTACT_ROW_OPERANDS; k++) {
        ptrdiff_t ahead = t->ahead[k];
        if (!ahead) continue;
        const char *next = t->operands[k] + row * t->steps[k] + ahead;
        fetch_all(next + i * size, length * size, ahead > FAR || ahead < -FAR);
    }
}

/* x - m over the temperature. */
INLINE number below_maximum(const fastact_tile *t, int scaled, double x, double m)
{
    number d = difference(x, m);
    return scaled ? divided(d, t->temperature, t->reciprocal) : d;
}

INLINE void exponentials(int across, const fastact_tile *t, ptrdiff_t row, ptrdiff_t length,
                         const real *x, const double *m, int precise, double *e)
{
    double nothing = EXP_NOTHING;
    HIDE(nothing);
    if (t->temperature == 1.0) {
        INDEPENDENT
        for (ptrdiff_t j = 0; j < length; j++)
            e[j] = exp_below_0(below_maximum(t, 0, x[j], m[ROW(j)]), precise, nothing);
    } else {
        INDEPENDENT
        for (ptrdiff_t j = 0; j < length; j++)
            e[j] = exp_below_0(below_maximum(t, 1, x[j], m[ROW(j)]), precise, nothing);
    }
}

/* Those of the piece at i: kept ones or, computed again, in `room`. */
INLINE const double *exponentials_of(int across, const fastact_tile *t, ptrdiff_t row, ptrdiff_t i,
                                     ptrdiff_t length, const double *m, double *room)
{
    real x_room[BLOCK];
    if (t->kept) return kept_at(across, t, row, i);
    const real *x = numbers(length, piece(across, t, 0, row, i), x_room);
    exponentials(across, t, row, length, x, m, 0, room);
    return room;
}

/* ---- first: the maxima ------------------------------------------------------------------------ */

enum { MANY = 32 };

/* Of a row those of every MANYth element. */
INLINE void maxima_of_lanes(const fastact_tile *t, ptrdiff_t row, ptrdiff_t begin, ptrdiff_t end,
                            real sign, real *lane)
{
    real room[BLOCK];
    const int across = 0;
    for (int k = 0; k < MANY; k++) lane[k] = -(real)INFINITY;
    EACH_PIECE_OF_ROW (begin, end) {
        const real *x = numbers(length, piece(across, t, 0, row, i), room);
        ptrdiff_t j = 0;
        for (; j + MANY <= length; j += MANY)
            for (int k = 0; k < MANY; k++)
                lane[k] = sign * x[j + k] > lane[k] ? sign * x[j + k] : lane[k];
        if (j < length && length >= MANY) { /* some of them again */
            for (int k = 0; k < MANY; k++) {
                real again = sign * x[length - MANY + k];
                lane[k] = again > lane[k] ? again : lane[k];
            }
        } else {
            for (int k = 0; j < length; j++, k++)
                lane[k] = sign * x[j] > lane[k] ? sign * x[j] : lane[k];
        }
    }
}

INLINE void maxima_along(const fastact_tile *t, ptrdiff_t begin, ptrdiff_t end, real sign, double *m)
{
    real lanes[FASTACT_ROWS_ALONG][MANY];
    for (ptrdiff_t row = 0; row < t->width; row++)
        maxima_of_lanes(t, row, begin, end, sign, lanes[row]);
#define HALVE(half)                                                                                \
    for (ptrdiff_t row = 0; row < t->width; row++)                                                 \
        for (int k = 0; k < (half); k++)                                                           \
            lanes[row][k] =                                                                        \
                lanes[row][k + (half)] > lanes[row][k] ? lanes[row][k + (half)] : lanes[row][k];
    HALVE(16) HALVE(8) HALVE(4) HALVE(2) HALVE(1)
#undef HALVE
    for (ptrdiff_t row = 0; row < t->width; row++) m[row] = sign * lanes[row][0];
}

/* The gradient at the first of the greatest. */
INLINE double origin_along(const fastact_tile *t, ptrdiff_t row, ptrdiff_t begin, ptrdiff_t end,
                           double m)
{
    real room[BLOCK];
    const int across = 0;
    ptrdiff_t winner = begin;
    EACH_PIECE_OF_ROW (begin, end) {
        const real *x = numbers(length, piece(across, t, 0, row, i), room);
        int found = 0;
        for (ptrdiff_t j = 0; j < length; j++) found |= x[j] == m;
        if (!found) continue;
        for (winner = i; x[winner - i] != m;) winner++;
        break;
    }
    return *numbers(1, piece(across, t, 1, row, winner), room);
}

INLINE void find_maxima(int across, const fastact_tile *t, ptrdiff_t begin, ptrdiff_t end,
                        double *state, int with_origin)
{
    double *m = state + MAXIMUM * t->width, *origin = state + ORIGIN * t->width;
    /* Of a negative temperature the least is the greatest. */
    real sign = t->temperature < 0 ? -1 : 1;
    for (ptrdiff_t j = SUM * t->width; j < FIELDS * t->width; j++) state[j] = 0.0;
    if (!across) {
        maxima_along(t, begin, end, sign, m);
        for (ptrdiff_t row = 0; row < t->width; row++)
            origin[row] = with_origin ? origin_along(t, row, begin, end, m[row]) : 0.0;
        return;
    }
    real greatest[WIDTH], first[WIDTH], room[WIDTH], grad_room[WIDTH];
    for (ptrdiff_t j = 0; j < t->width; j++) greatest[j] = -(real)INFINITY, first[j] = 0;
    EACH_PIECE(begin, end) {
        const real *x = numbers(length, piece(across, t, 0, row, i), room);
        if (with_origin) {
            const real *grad = numbers(length, piece(across, t, 1, row, i), grad_room);
            INDEPENDENT
            for (ptrdiff_t j = 0; j < length; j++) {
                int better = sign * x[j] > greatest[j] || i == 0;
                first[j] = better ? grad[j] : first[j];
                greatest[j] = sign * x[j] > greatest[j] ? sign * x[j] : greatest[j];
            }
        } else {
            INDEPENDENT
            for (ptrdiff_t j = 0; j < length; j++)
                greatest[j] = sign * x[j] > greatest[j] ? sign * x[j] : greatest[j];
        }
    }
    for (ptrdiff_t j = 0; j < t->width; j++) m[j] = sign * greatest[j], origin[j] = first[j];
}

INLINE void find_none(const fastact_tile *t, double *state)
{
    for (ptrdiff_t j = 0; j < FIELDS * t->width; j++) state[j] = 0.0;
}

/* ---- second: the sums ------------------------------------------------------------------------- */

typedef struct {
    double high[LANES * WIDTH], low[LANES * WIDTH];
} accumulator;

_Static_assert((int)FASTACT_ROWS_ALONG <= (int)WIDTH, "so many rows have room");

/* How many of them a tile uses: the others would add nothing but zeros. */
INLINE ptrdiff_t lanes_of(int across, const fastact_tile *t)
{
    return across && t->n < LANES ? t->n : LANES;
}

INLINE void clear(int across, int exactly, const fastact_tile *t, accumulator *sum)
{
    for (ptrdiff_t k = 0; k < lanes_of(across, t) * (across ? WIDTH : t->width); k++) {
        if (exactly) sum->low[k] = 0.0;
        put(exact(0.0), &sum->high[k], &sum->low[k]);
    }
}

/* Adds the terms of the piece at i, of a row as many as whole vectors have; of the `rest` those
 * that are 1 are counted instead. */
INLINE void accumulate(int across, accumulator *sum, ptrdiff_t row, ptrdiff_t i, ptrdiff_t length,
                       const double *terms, double *winners, int rest)
{
#define ADD(k, j)                                                                                  \
    do {                                                                                           \
        int wins = rest && terms[k] == EXP_UNIT;                                                   \
        if (rest) won[j] += wins ? 1.0 : 0.0;                                                      \
        accumulate_one(&high[j], &low[j], wins ? 0.0 : terms[k]);                                  \
    } while (0)
    if (across) {
        double *high = sum->high + i % LANES * WIDTH, *low = sum->low + i % LANES * WIDTH;
        double *won = winners;
        INDEPENDENT
        for (ptrdiff_t j = 0; j < length; j++) ADD(j, j);
        return;
    }
    double high[LANES], low[LANES], won[LANES] = {0};
    memcpy(high, sum->high + row * LANES, sizeof high);
    memcpy(low, sum->low + row * LANES, sizeof low);
    /* The pragma because the compiler unrolls all steps before it thinks of vectors. */
    for (ptrdiff_t k = 0; k < length; k += LANES)
#pragma omp simd
        for (int j = 0; j < LANES; j++) ADD(k + j, j);
    memcpy(sum->high + row * LANES, high, sizeof high);
    memcpy(sum->low + row * LANES, low, sizeof low);
    for (int j = 0; rest && j < LANES; j++) winners[row] += won[j];
#undef ADD
}

INLINE void add_words(double *high, double *low, double more_high, double more_low)
{
    words sum = exact_sum(*high, more_high);
    *high = sum.high;
    *low = sum.low + (*low + more_low);
}

/* In as many words as the working type has or, `exactly`, in two. */
INLINE void add_to(int exactly, double *high, double *low, const double *more_high,
                   const double *more_low)
{
    if (exactly) add_words(high, low, *more_high, *more_low);
    else put(add(constant(*high, *low), constant(*more_high, *more_low)), high, low);
}

/* Adds up the accumulators in a fixed tree. */
INLINE void add_up_along(int exactly, const fastact_tile *t, accumulator *sum)
{
    _Static_assert(LANES == 16, "the loops have numbers for bounds, so that none remains");
#define HALVE(half)                                                                                \
    for (ptrdiff_t row = 0; row < t->width; row++) {                                               \
        double *h = sum->high + row * LANES, *l = sum->low + row * LANES;                          \
        for (int k = 0; k < (half); k++)                                                           \
            add_to(exactly, &h[k], &l[k], &h[k + (half)], &l[k + (half)]);                         \
    }
    HALVE(8) HALVE(4) HALVE(2) HALVE(1)
#undef HALVE
}

INLINE void add_up_across(int exactly, const fastact_tile *t, accumulator *sum)
{
    ptrdiff_t lanes = lanes_of(1, t);
    for (ptrdiff_t half = LANES / 2; half; half /= 2) {
        for (ptrdiff_t k = 0; k + half < lanes; k++) {
            double *h = sum->high + k * WIDTH, *l = sum->low + k * WIDTH;
            INDEPENDENT
            for (ptrdiff_t j = 0; j < t->width; j++)
                add_to(exactly, &h[j], &l[j], &h[j + half * WIDTH], &l[j + half * WIDTH]);
        }
        if (lanes > half) lanes = half;
    }
}

/* Adds a chunk's sums to those of the rows. */
INLINE void add_sums(int across, int exactly, const fastact_tile *t, accumulator *sum, double *high,
                     double *low)
{
    if (across) add_up_across(exactly, t, sum);
    else add_up_along(exactly, t, sum);
    for (ptrdiff_t j = 0; j < t->width; j++) {
        ptrdiff_t k = across ? j : j * LANES;
        add_to(exactly, &high[j], &low[j], &sum->high[k], &sum->low[k]);
    }
}

/* What is to be summed up: exponentials; the same without those that are 1, which are counted, as
 * the rest may be too small to show beside them; and something with the gradient. */
enum { NO_SUM, ALL, REST };
enum { NO_DOT, RELATIVE, GRADIENT, PRODUCT, BELOW_0 };

/* Gradients are taken relative to the winner's, half: its own difference then does not cancel where
 * its p is near 1, and none overflows. */
INLINE number half_difference(double a, double b) { return difference(0.5 * a, 0.5 * b); }

/* grad x where x < 0, and what its rounding loses: nothing of an infinite one. */
INLINE void products_below_0(ptrdiff_t length, const real *x, const real *grad, double *terms,
                             double *lost)
{
    INDEPENDENT
    for (ptrdiff_t j = 0; j < length; j++) {
        number product = times(exact(x[j]), grad[j]);
        double not_below = x[j] >= 0 ? 0.0 : x[j];
        double low = magnitude(leading(product)) <= 0x1p1023 ? trailing(product) : 0.0;
        terms[j] = x[j] < 0 ? leading(product) : not_below;
        lost[j] = x[j] < 0 ? low : 0.0;
    }
}

INLINE void sum_up(int across, const fastact_tile *t, ptrdiff_t begin, ptrdiff_t end,
                   double *state, int which, int dot, int precise)
{
    const double *m = state + MAXIMUM * t->width, *origin = state + ORIGIN * t->width;
    double *winners = state + WINNERS * t->width;
    accumulator sum, dots;
    double room[BLOCK], terms[BLOCK];
    real x_room[BLOCK], grad_room[BLOCK];
    if (which) clear(across, 0, t, &sum);
    if (dot) clear(across, 0, t, &dots);
    EACH_PIECE(begin, end) {
        const real *x = numbers(length, piece(across, t, 0, row, i), x_room), *grad = x;
        double *e = t->kept ? kept_at(across, t, row, i) : room;
        if (dot) grad = numbers(length, piece(across, t, 1, row, i), grad_room);
        if (!across && which) fetch_ahead(t, row, i, length); /* else memory is the slower one */
        if (which) {
            /* A row's elements beside whole vectors would be computed one by one: fill them up. */
            real last[LANES] = {0};
            ptrdiff_t beside = across ? 0 : length % LANES, whole = length - beside;
            for (ptrdiff_t j = 0; j < beside; j++) last[j] = x[whole + j];
            for (ptrdiff_t j = 0; j < length; j += j < whole ? whole : LANES)
                exponentials(across, t, row, j < whole ? whole : LANES, j < whole ? x + j : last,
                             m, precise, e + j);
            for (ptrdiff_t j = length; beside && j < whole + LANES; j++) e[j] = 0.0;
            accumulate(across, &sum, row, i, length, e, winners, which == REST);
        }
        if (dot == BELOW_0) {
            products_below_0(length, x, grad, terms, room);
            for (ptrdiff_t j = length; !across && j % LANES; j++) terms[j] = room[j] = 0.0;
            accumulate(across, &dots, row, i, length, terms, winners, 0);
            if (sizeof(real) == sizeof(double)) /* a narrower product is a double */
                accumulate(across, &dots, row, i, length, room, winners, 0);
        } else if (dot) {
            INDEPENDENT
            for (ptrdiff_t j = 0; j < length; j++)
                terms[j] =
                    dot == RELATIVE ? e[j] * (1.0 / EXP_UNIT)
                                          * rounded(half_difference(grad[j], origin[ROW(j)]))
                    : dot == PRODUCT ? (double)x[j] * grad[j]
                                     : grad[j];
            for (ptrdiff_t j = length; !across && j % LANES; j++) terms[j] = 0.0;
            accumulate(across, &dots, row, i, length, terms, winners, 0);
        }
    }
    if (which) add_sums(across, 0, t, &sum, state + SUM * t->width, state + SUM_LOW * t->width);
    if (dot) add_sums(across, 0, t, &dots, state + DOT * t->width, state + DOT_LOW * t->width);
}

/* ---- what follows for each row ---------------------------------------------------------------- */

INLINE number sum_of(const fastact_tile *t, const double *state, int which, ptrdiff_t j)
{
    return constant(state[which * t->width + j], state[(which + 1) * t->width + j]);
}

/* The sum of the exponentials beside the first of those that are 1. */
INLINE number rest_of(const fastact_tile *t, const double *state, ptrdiff_t j)
{
    double others = state[WINNERS * t->width + j] - 1.0;
    return plus(scaled(1.0 / EXP_UNIT, sum_of(t, state, SUM, j)), others);
}

INLINE double reciprocal_of(number sum) { return rounded(divide(exact(1.0), sum)); }

/* log(1 + s) for s >= 0, within two ulps: 1 + s = 2^k f with f from sqrt(1/2) to sqrt(2), log f =
 * 2 artanh z, z = (f - 1)/(f + 1), where f - 1 is s itself if k is 0. */
INLINE double log1p_of(number rest)
{
    double s = rounded(rest), u = 1.0 + s;
    uint64_t power = (bits_of(u) - bits_of(0x1.6a09e667f3bcdp-1)) >> 52;
    double k = double_of(power | bits_of(0x1p52)) - 0x1p52;
    double f_less_1 = double_of(bits_of(u) - (power << 52)) - 1.0;
    f_less_1 = power ? f_less_1 : s;
    double lost = power ? (s - (u - 1.0)) / u : 0.0;
    double z = f_less_1 / (f_less_1 + 2.0), w = z * z;
    double p = 2.0 / 23;
    p = multiply_add(p, w, 2.0 / 21);
    p = multiply_add(p, w, 2.0 / 19);
    p = multiply_add(p, w, 2.0 / 17);
    p = multiply_add(p, w, 2.0 / 15);
    p = multiply_add(p, w, 2.0 / 13);
    p = multiply_add(p, w, 2.0 / 11);
    p = multiply_add(p, w, 2.0 / 9);
    p = multiply_add(p, w, 2.0 / 7);
    p = multiply_add(p, w, 2.0 / 5);
    p = multiply_add(p, w, 2.0 / 3);
    double small = multiply_add(k, LN2_LOW, lost) + z * w * p;
    return (k * LN2_HIGH + (2.0 * z + small)) + (s - s); /* NaN stays NaN */
}

INLINE void find_logs(const fastact_tile *t, const double *state, double *logs)
{
    for (ptrdiff_t j = 0; j < t->width; j++)
        logs[j] = log1p_of(rest_of(t, state, j));
}

/* ---- third: the results ----------------------------------------------------------------------- */

/* p or, with `factors`, p times the second operand, which has one element a row. */
INLINE void write_softmax(int across, const fastact_tile *t, ptrdiff_t begin, ptrdiff_t end,
                          const double *state, int factors)
{
    double reciprocal[WIDTH], room[BLOCK];
    result y_room[BLOCK];
    for (ptrdiff_t j = 0; j < t->width; j++) {
        reciprocal[j] = reciprocal_of(sum_of(t, state, SUM, j));
        if (factors) reciprocal[j] *= *of_row(across, t, 1, 1, j) * t->reciprocal;
    }
    EACH_PIECE(begin, end) {
        const double *e = exponentials_of(across, t, row, i, length, state + MAXIMUM * t->width, room);
        element *out = piece(across, t, 2, row, i);
        result *y = results(out, y_room);
        INDEPENDENT
        for (ptrdiff_t j = 0; j < length; j++) y[j] = nearest(e[j] * reciprocal[ROW(j)]);
        settle(length, y, out);
    }
}

/* (x - m) - log(sum) */
INLINE void write_log_softmax(int across, const fastact_tile *t, ptrdiff_t begin, ptrdiff_t end,
                              const double *state)
{
    const double *m = state + MAXIMUM * t->width;
    double logs[WIDTH];
    real x_room[BLOCK];
    result y_room[BLOCK];
    find_logs(t, state, logs);
    EACH_PIECE(begin, end) {
        const real *x = numbers(length, piece(across, t, 0, row, i), x_room);
        element *out = piece(across, t, 2, row, i);
        result *y = results(out, y_room);
        if (t->temperature == 1.0) {
            INDEPENDENT
            for (ptrdiff_t j = 0; j < length; j++)
                y[j] = narrow(plus(below_maximum(t, 0, x[j], m[ROW(j)]), -logs[ROW(j)]));
        } else {
            INDEPENDENT
            for (ptrdiff_t j = 0; j < length; j++)
                y[j] = narrow(plus(below_maximum(t, 1, x[j], m[ROW(j)]), -logs[ROW(j)]));
        }
        settle(length, y, out);
    }
}

/* m + log(sum), one for each row. Infinite it is m, unless there is a NaN: then the state remembers,
 * should another part of the row come after it. */
INLINE void write_logsumexp(int across, const fastact_tile *t, ptrdiff_t begin, ptrdiff_t end,
                            double *state)
{
    const double *m = state + MAXIMUM * t->width;
    double logs[WIDTH], *seen = state + ORIGIN * t->width;
    find_logs(t, state, logs);
    for (ptrdiff_t j = 0; j < t->width; j++) {
        number value = plus(divided(exact(m[j]), t->temperature, t->reciprocal), logs[j]);
        if (isinf(m[j])) {
            for (ptrdiff_t i = begin; i < end; i++)
                if (isnan(widen(*piece(across, t, 0, j, i)))) seen[j] = NAN;
            value = exact(m[j] * t->reciprocal + seen[j]);
        }
        *piece(across, t, 2, j, 0) = (element)narrow(value);
    }
}

INLINE void write_sum(int across, const fastact_tile *t, const double *state)
{
    for (ptrdiff_t j = 0; j < t->width; j++) {
        number sum = sum_of(t, state, DOT, j);
        double *words_of_row = of_row(across, t, 2, 2, j);
        words_of_row[0] = leading(sum);
        words_of_row[1] = trailing(sum);
    }
}

/* m and log(sum) as doubles: their sum may be small where both are not. */
INLINE void write_log_parts(int across, const fastact_tile *t, const double *state)
{
    double logs[WIDTH];
    find_logs(t, state, logs);
    for (ptrdiff_t j = 0; j < t->width; j++) {
        double *parts = of_row(across, t, 2, 2, j);
        parts[0] = state[MAXIMUM * t->width + j];
        parts[1] = logs[j];
    }
}

/* p_i (g_i - sum_j p_j g_j) over the temperature, from x or, where `from_output`, from y = p: then
 * as the formula says, whether the rounded y_i add up to 1 or not. */
INLINE void write_softmax_backward(int across, const fastact_tile *t, ptrdiff_t begin,
                                   ptrdiff_t end, const double *state, int from_output)
{
    const double *origin = state + ORIGIN * t->width;
    double reciprocal[WIDTH], dot_high[WIDTH], dot_low[WIDTH], room[BLOCK];
    real y_room[BLOCK], grad_room[BLOCK];
    result dx_room[BLOCK];
    for (ptrdiff_t j = 0; j < t->width; j++) {
        number dot = negative(sum_of(t, state, DOT, j));
        if (!from_output) {
            reciprocal[j] = reciprocal_of(sum_of(t, state, SUM, j));
            dot = times(dot, reciprocal[j] * EXP_UNIT);
        }
        put(dot, &dot_high[j], &dot_low[j]);
    }
    EACH_PIECE(begin, end) {
        const real *grad = numbers(length, piece(across, t, 1, row, i), grad_room);
        element *out = piece(across, t, 2, row, i);
        result *dx = results(out, dx_room);
        if (from_output) {
            const real *y = numbers(length, piece(across, t, 0, row, i), y_room);
            INDEPENDENT
            for (ptrdiff_t j = 0; j < length; j++) {
                number less_dot = plus(constant(dot_high[ROW(j)], dot_low[ROW(j)]), grad[j]);
                dx[j] = narrow(times(times(less_dot, y[j]), t->reciprocal));
            }
        } else {
            const double *m = state + MAXIMUM * t->width;
            const double *e = exponentials_of(across, t, row, i, length, m, room);
            INDEPENDENT
            for (ptrdiff_t j = 0; j < length; j++) {
                number half = add(half_difference(grad[j], origin[ROW(j)]),
                                  constant(dot_high[ROW(j)], dot_low[ROW(j)]));
                half = times(times(half, e[j] * reciprocal[ROW(j)]), t->reciprocal);
                dx[j] = narrow(scaled(2.0, half));
            }
        }
        settle(length, dx, out);
    }
}

/* g_i - p_i sum_j g_j over the temperature, as g_i (1 - p_i) - p_i (the sum of the others): 1 - p_i
 * is the rest over the sum where p_i may be near 1. */
INLINE void write_log_softmax_backward(int across, const fastact_tile *t, ptrdiff_t begin,
                                       ptrdiff_t end, const double *state)
{
    double reciprocal[WIDTH], complement[WIDTH], total_high[WIDTH], total_low[WIDTH], room[BLOCK];
    real grad_room[BLOCK];
    result dx_room[BLOCK];
    for (ptrdiff_t j = 0; j < t->width; j++) {
        number rest = rest_of(t, state, j);
        number total = negative(sum_of(t, state, DOT, j));
        double one_over = reciprocal_of(plus(rest, 1.0));
        reciprocal[j] = one_over * (1.0 / EXP_UNIT);
        complement[j] = rounded(times(rest, one_over));
        put(total, &total_high[j], &total_low[j]);
    }
    EACH_PIECE(begin, end) {
        const real *grad = numbers(length, piece(across, t, 1, row, i), grad_room);
        const double *m = state + MAXIMUM * t->width;
        const double *e = exponentials_of(across, t, row, i, length, m, room);
        element *out = piece(across, t, 2, row, i);
        result *dx = results(out, dx_room);
        INDEPENDENT
        for (ptrdiff_t j = 0; j < length; j++) {
            double p = e[j] * reciprocal[ROW(j)];
            double rest = complement[ROW(j)]; /* read for all, or the compiler makes no vectors */
            double less = e[j] == EXP_UNIT ? rest : 1.0 - p;
            number others = plus(constant(total_high[ROW(j)], total_low[ROW(j)]), grad[j]);
            number value = add(times(exact(less), grad[j]), times(others, p));
            dx[j] = narrow(times(value, t->reciprocal));
        }
        settle(length, dx, out);
    }
}

/* The same from y = log p. */
INLINE void write_log_softmax_backward_from_output(int across, const fastact_tile *t,
                                                   ptrdiff_t begin, ptrdiff_t end,
                                                   const double *state)
{
    real y_room[BLOCK], grad_room[BLOCK];
    result dx_room[BLOCK];
    double nothing = EXP_NOTHING;
    HIDE(nothing);
    EACH_PIECE(begin, end) {
        const real *y = numbers(length, piece(across, t, 0, row, i), y_room);
        const real *grad = numbers(length, piece(across, t, 1, row, i), grad_room);
        element *out = piece(across, t, 2, row, i);
        result *dx = results(out, dx_room);
        INDEPENDENT
        for (ptrdiff_t j = 0; j < length; j++) {
            double p = exp_below_0(exact(y[j]), 0, nothing) * (1.0 / EXP_UNIT);
            number total = times(negative(sum_of(t, state, DOT, ROW(j))), p);
            dx[j] = narrow(times(plus(total, grad[j]), t->reciprocal));
        }
        settle(length, dx, out);
    }
}

/* ---- sparsemax ---------------------------------------------------------------------------------
 * p_i = max(x_i - threshold, 0)/T, the nearest point to x/T whose coordinates are not negative and
 * add up to 1; the threshold is (the sum of the support - T)/k, the support being the k elements
 * above it.
 *
 * By Michelot's iteration (1986), which is Newton's method from below. The maximum less T is not above
 * the threshold, which it is if the maximum is all the support. And if a bound is not above it, nor is
 * (the sum of what is above that bound - T)/k, which is no lower. A pass over the same elements finds
 * the same bound, and then it is the threshold: so there is an end, since each pass but the last two
 * leaves out some element. It comes soon, since k times what the p add up to beyond 1 falls to a
 * quarter or less in each pass.
 *
 * What is left of x_i - threshold may be small, however large both are. So all is relative to the
 * maximum, in two words, of which x - m has no more, and in units of a power of two near T, in which
 * no sum over a support overflows. Which elements are above a bound is settled once, to the last bit,
 * as a bound between two neighbours of the element type: then one comparison finds out. */

/* T times this is between 1 and 4, or less if T is subnormal. */
INLINE double unit_of(const fastact_tile *t)
{
    uint64_t power = bits_of(t->temperature) >> 52;
    return double_of((power < 2046 ? 2046 - power : 1) << 52);
}

/* The same for gradients: no sum of them overflows in this unit. */
#define GRADIENT_UNIT (sizeof(real) == sizeof(double) ? 0x1p-40 : 1.0)

/* A sum over k. Its first word is the quotient to the last bit, so that the second one is nothing
 * where it is exact; k and half of the word have a product without rounding. */
INLINE words mean_of(words sum, double k)
{
    double high = sum.high / k, upper = upper_half(high);
    double rest = ((sum.high - k * upper) - k * (high - upper)) + sum.low;
    return (words){high, rest / k};
}

INLINE words relative_threshold(const fastact_tile *t, const double *state, ptrdiff_t j)
{
    words sum = exact_sum(state[SUM * t->width + j], -t->temperature * unit_of(t));
    sum.low += state[SUM_LOW * t->width + j];
    return mean_of(sum, larger(1.0, state[WINNERS * t->width + j]));
}

INLINE words above(words threshold, double x, double m, double unit)
{
    words d = exact_sum(x, -m);
    words p = exact_sum(d.high * unit, -threshold.high);
    return (words){p.high, p.low + (d.low * unit - threshold.low)};
}

INLINE double next_below(double x)
{
    uint64_t bits = bits_of(x);
    return x == 0 ? -0x1p-1074 : double_of(x > 0 ? bits - 1 : bits + 1);
}

/* Raises the bound, which is NaN for a row that has no p. */
INLINE int raise_bound(const fastact_tile *t, double *state)
{
    const double *m = state + MAXIMUM * t->width, unit = unit_of(t);
    double *bound = state + ORIGIN * t->width;
    int raised = 0;
    for (ptrdiff_t j = 0; j < t->width; j++) {
        words threshold = relative_threshold(t, state, j);
        words at = exact_sum(m[j], threshold.high / unit);
        double exactly = at.high + (at.low + threshold.low / unit);
        if (m[j] > at.high && isinf(at.high)) exactly = at.high; /* below all numbers */
        /* One of the two elements beside the threshold: is it above? */
        double x = (real)exactly;
        words p = above(threshold, x, m[j], unit);
        if (p.high + p.low > 0) x = next_below(x);
        raised |= x > bound[j];
        if (!(x <= bound[j])) bound[j] = x;
    }
    for (ptrdiff_t j = SUM * t->width; raised && j < FIELDS * t->width; j++) state[j] = 0.0;
    return raised;
}

INLINE void find_first_bounds(int across, const fastact_tile *t, ptrdiff_t begin, ptrdiff_t end,
                              double *state)
{
    find_maxima(across, t, begin, end, state, 0);
    for (ptrdiff_t j = 0; j < t->width; j++) state[ORIGIN * t->width + j] = -INFINITY;
}

/* A NaN is not out. */
INLINE void add_if_above(double bound, double x, double m, double unit, double *count, double *high,
                         double *low)
{
    int out = x <= bound;
    words d = exact_sum(x, -m);
    *count += out ? 0.0 : 1.0;
    add_words(high, low, out ? 0.0 : d.high * unit, out ? 0.0 : d.low * unit);
}

INLINE void add_gradient_if_above(double bound, double x, double grad, double *high, double *low)
{
    add_words(high, low, x <= bound ? 0.0 : grad * GRADIENT_UNIT, 0.0);
}

/* The sums of what is above the bound, and of the gradients there. Few elements may be: a group of a
 * row in which none is takes no more than finding that out. */
INLINE void sum_up_support(int across, const fastact_tile *t, ptrdiff_t begin, ptrdiff_t end,
                           double *state, int gradients)
{
    const double *m = state + MAXIMUM * t->width, *bound = state + ORIGIN * t->width, unit = unit_of(t);
    double *count = state + WINNERS * t->width;
    accumulator sum, dots;
    real x_room[BLOCK], grad_room[BLOCK];
    clear(across, 1, t, &sum);
    if (gradients) clear(across, 1, t, &dots);
    EACH_PIECE(begin, end) {
        const real *x = numbers(length, piece(across, t, 0, row, i), x_room), *grad = x;
        if (gradients) grad = numbers(length, piece(across, t, 1, row, i), grad_room);
        if (across) {
            ptrdiff_t lane = i % LANES * WIDTH;
            INDEPENDENT
            for (ptrdiff_t j = 0; j < length; j++)
                add_if_above(bound[j], x[j], m[j], unit, &count[j], &sum.high[lane + j],
                             &sum.low[lane + j]);
            if (!gradients) continue;
            INDEPENDENT
            for (ptrdiff_t j = 0; j < length; j++)
                add_gradient_if_above(bound[j], x[j], grad[j], &dots.high[lane + j],
                                      &dots.low[lane + j]);
            continue;
        }
        double lane_count[LANES] = {0}, *high = sum.high + row * LANES, *low = sum.low + row * LANES;
        double *dot_high = dots.high + row * LANES, *dot_low = dots.low + row * LANES;
        const double greatest = m[row], bound_of = bound[row];
        for (ptrdiff_t k = 0; k < length; k += LANES) {
            real last[LANES], last_grad[LANES];
            const real *some = x + k, *some_grad = grad + k;
            if (k + LANES > length) {
                for (int j = 0; j < LANES; j++) {
                    last[j] = k + j < length ? some[j] : -(real)INFINITY;
                    last_grad[j] = k + j < length ? some_grad[j] : 0;
                }
                some = last, some_grad = last_grad;
            }
            int any = 0; /* or just at the bound */
#pragma omp simd reduction(| : any)
            for (int j = 0; j < LANES; j++) any |= !(some[j] < (real)bound_of);
            if (!any) continue;
#pragma omp simd
            for (int j = 0; j < LANES; j++)
                add_if_above(bound_of, some[j], greatest, unit, &lane_count[j], &high[j], &low[j]);
            if (!gradients) continue;
#pragma omp simd
            for (int j = 0; j < LANES; j++)
                add_gradient_if_above(bound_of, some[j], some_grad[j], &dot_high[j], &dot_low[j]);
        }
        for (int j = 0; j < LANES; j++) count[row] += lane_count[j];
    }
    add_sums(across, 1, t, &sum, state + SUM * t->width, state + SUM_LOW * t->width);
    if (gradients) add_sums(across, 1, t, &dots, state + DOT * t->width, state + DOT_LOW * t->width);
}

INLINE void write_sparsemax(int across, const fastact_tile *t, ptrdiff_t begin, ptrdiff_t end,
                            const double *state)
{
    const double *m = state + MAXIMUM * t->width, *bound = state + ORIGIN * t->width, unit = unit_of(t);
    const double by = t->temperature * unit, reciprocal = 1.0 / by;
    double high[WIDTH], low[WIDTH];
    real x_room[BLOCK];
    result y_room[BLOCK];
    for (ptrdiff_t j = 0; j < t->width; j++) {
        words threshold = relative_threshold(t, state, j);
        high[j] = threshold.high, low[j] = threshold.low;
    }
    EACH_PIECE(begin, end) {
        const real *x = numbers(length, piece(across, t, 0, row, i), x_room);
        element *out = piece(across, t, 2, row, i);
        result *y = results(out, y_room);
        INDEPENDENT
        for (ptrdiff_t j = 0; j < length; j++) {
            words p = above((words){high[ROW(j)], low[ROW(j)]}, x[j], m[ROW(j)], unit);
            double over = rounded(divided(plus(exact(p.high), p.low), by, reciprocal));
            y[j] = nearest(x[j] <= bound[ROW(j)] ? 0.0 : larger(0.0, over));
        }
        settle(length, y, out);
    }
}

/* The gradient less its mean over the support, over the temperature; nothing beside the support. From
 * y the support is what is above 0; then a NaN among them shows in their sum alone. */
INLINE void write_sparsemax_backward(int across, const fastact_tile *t, ptrdiff_t begin,
                                     ptrdiff_t end, const double *state)
{
    const double unit = unit_of(t), by = t->temperature * unit, reciprocal = 1.0 / by;
    double high[WIDTH], low[WIDTH], bound[WIDTH];
    real x_room[BLOCK], grad_room[BLOCK];
    result dx_room[BLOCK];
    for (ptrdiff_t j = 0; j < t->width; j++) {
        words sum = {state[DOT * t->width + j], state[DOT_LOW * t->width + j]};
        words mean = mean_of(sum, larger(1.0, state[WINNERS * t->width + j]));
        double nothing = isnan(state[SUM * t->width + j]) ? NAN : 0.0;
        high[j] = mean.high * (0.5 / GRADIENT_UNIT) + nothing;
        low[j] = mean.low * (0.5 / GRADIENT_UNIT);
        bound[j] = state[ORIGIN * t->width + j] + nothing;
    }
    EACH_PIECE(begin, end) {
        const real *x = numbers(length, piece(across, t, 0, row, i), x_room);
        const real *grad = numbers(length, piece(across, t, 1, row, i), grad_room);
        element *out = piece(across, t, 2, row, i);
        result *dx = results(out, dx_room);
        INDEPENDENT
        for (ptrdiff_t j = 0; j < length; j++) {
            words half = exact_sum(0.5 * grad[j], -high[ROW(j)]);
            number over = divided(plus(exact(half.high), half.low - low[ROW(j)]), by, reciprocal);
            double value = rounded(scaled(2.0, scaled(unit, over)));
            dx[j] = nearest(x[j] <= bound[ROW(j)] ? 0.0 : value);
        }
        settle(length, dx, out);
    }
}

/* ---- the kernels ------------------------------------------------------------------------------ */

#define STEP(name, step, ...)                                                                      \
    static void KERNEL(name, step##_along)(const fastact_tile *t, ptrdiff_t begin, ptrdiff_t end,  \
                                           double *state)                                          \
    {                                                                                              \
        const int across = 0;                                                                      \
        (void)begin, (void)end, (void)across;                                                      \
        __VA_ARGS__;                                                                               \
    }                                                                                              \
    static void KERNEL(name, step##_across)(const fastact_tile *t, ptrdiff_t begin, ptrdiff_t end, \
                                            double *state)                                         \
    {                                                                                              \
        const int across = 1;                                                                      \
        (void)begin, (void)end, (void)across;                                                      \
        __VA_ARGS__;                                                                               \
    }

STEP(no, maxima, find_none(t, state))
STEP(plain, maxima, find_maxima(across, t, begin, end, state, 0))
STEP(origin, maxima, find_maxima(across, t, begin, end, state, 1))

STEP(softmax, sums, sum_up(across, t, begin, end, state, ALL, NO_DOT, 0))
STEP(softmax, write, write_softmax(across, t, begin, end, state, 0))
STEP(log_softmax, sums, sum_up(across, t, begin, end, state, REST, NO_DOT, 0))
STEP(log_softmax, write, write_log_softmax(across, t, begin, end, state))
STEP(logsumexp, sums, sum_up(across, t, begin, end, state, REST, NO_DOT, 1))
STEP(logsumexp, write, write_logsumexp(across, t, begin, end, state))
STEP(log_parts, write, write_log_parts(across, t, state))
STEP(sum_below_0, sums, sum_up(across, t, begin, end, state, NO_SUM, BELOW_0, 0))
STEP(sum_below_0, write, write_sum(across, t, state))
STEP(softmax_backward, sums, sum_up(across, t, begin, end, state, ALL, RELATIVE, 0))
STEP(softmax_backward, write, write_softmax_backward(across, t, begin, end, state, 0))
STEP(softmax_backward_from_output, sums, sum_up(across, t, begin, end, state, NO_SUM, PRODUCT, 0))
STEP(softmax_backward_from_output, write, write_softmax_backward(across, t, begin, end, state, 1))
STEP(log_softmax_backward, sums, sum_up(across, t, begin, end, state, REST, GRADIENT, 0))
STEP(log_softmax_backward, write, write_log_softmax_backward(across, t, begin, end, state))
STEP(log_softmax_backward_from_output, sums,
     sum_up(across, t, begin, end, state, NO_SUM, GRADIENT, 0))
STEP(log_softmax_backward_from_output, write,
     write_log_softmax_backward_from_output(across, t, begin, end, state))
STEP(logsumexp_backward, write, write_softmax(across, t, begin, end, state, 1))
STEP(sparsemax, maxima, find_first_bounds(across, t, begin, end, state))
STEP(sparsemax, sums, sum_up_support(across, t, begin, end, state, 0))
STEP(sparsemax, write, write_sparsemax(across, t, begin, end, state))
STEP(sparsemax_backward, sums, sum_up_support(across, t, begin, end, state, 1))
STEP(sparsemax_backward, write, write_sparsemax_backward(across, t, begin, end, state))

static int KERNEL(sparsemax, again)(const fastact_tile *t, double *state)
{
    return raise_bound(t, state);
}

/* Takes up what another part of the same rows has found. */
static void KERNEL(row, merge)(const fastact_tile *t, double *rows, const double *part)
{
    for (ptrdiff_t j = 0; j < t->width; j++) {
        double *m = rows + MAXIMUM * t->width + j, *origin = rows + ORIGIN * t->width + j;
        double other = part[MAXIMUM * t->width + j];
        if (t->temperature < 0 ? other < *m : other > *m) {
            *m = other;
            *origin = part[ORIGIN * t->width + j];
        }
        for (int which = SUM; which <= DOT; which += 2) {
            ptrdiff_t high = which * t->width + j, low = (which + 1) * t->width + j;
            add_to(1, &rows[high], &rows[low], &part[high], &part[low]);
        }
        rows[WINNERS * t->width + j] += part[WINNERS * t->width + j];
    }
}

#define KERNELS_OF(maxima_name, sums_name, write_name)                                             \
    KERNELS_AGAIN(maxima_name, sums_name, write_name, NULL)
#define KERNELS_AGAIN(maxima_name, sums_name, write_name, again)                                   \
    {{{KERNEL(maxima_name, maxima_along), KERNEL(maxima_name, maxima_across)},                     \
      {KERNEL(sums_name, sums_along), KERNEL(sums_name, sums_across)},                             \
      {KERNEL(write_name, write_along), KERNEL(write_name, write_across)}},                        \
     KERNEL(row, merge),                                                                           \
     again}

static const fastact_row_kernels row_kernels[FASTACT_ROW_KERNELS] = {
    [FASTACT_SOFTMAX] = KERNELS_OF(plain, softmax, softmax),
    [FASTACT_LOG_SOFTMAX] = KERNELS_OF(plain, log_softmax, log_softmax),
    [FASTACT_LOGSUMEXP] = KERNELS_OF(plain, logsumexp, logsumexp),
    [FASTACT_LOG_PARTS] = KERNELS_OF(plain, log_softmax, log_parts),
    [FASTACT_SUM_BELOW_0] = KERNELS_OF(no, sum_below_0, sum_below_0),
    [FASTACT_SOFTMAX_BACKWARD] = KERNELS_OF(origin, softmax_backward, softmax_backward),
    [FASTACT_SOFTMAX_BACKWARD_FROM_OUTPUT] =
        KERNELS_OF(no, softmax_backward_from_output, softmax_backward_from_output),
    [FASTACT_LOG_SOFTMAX_BACKWARD] = KERNELS_OF(plain, log_softmax_backward, log_softmax_backward),
    [FASTACT_LOG_SOFTMAX_BACKWARD_FROM_OUTPUT] =
        KERNELS_OF(no, log_softmax_backward_from_output, log_softmax_backward_from_output),
    [FASTACT_LOGSUMEXP_BACKWARD] = KERNELS_OF(plain, softmax, logsumexp_backward),
    [FASTACT_SPARSEMAX] = KERNELS_AGAIN(sparsemax, sparsemax, sparsemax, KERNEL(sparsemax, again)),
    [FASTACT_SPARSEMAX_BACKWARD] =
        KERNELS_AGAIN(sparsemax, sparsemax_backward, sparsemax_backward, KERNEL(sparsemax, again)),
    [FASTACT_SPARSEMAX_BACKWARD_FROM_OUTPUT] =
        KERNELS_OF(no, sparsemax_backward, sparsemax_backward),
};
