/* Results beside references whose bounds are of the type `wide`; included after enclosure.h, once for
 * each such type. */

/* The exact results of one operation at a block of inputs - one for all of them where `uniform` - and
 * what is found where all results are what the exact ones round to. */
typedef struct {
    int uniform;
    OF(range) exact[ACCURACY_BLOCK];
    char decided[ACCURACY_BLOCK];
    accuracy_found of_rounded[SEGMENTS];
} OF(references);

/* How far a result is from the exact value, which is NaN where that is to be the result: in units of
 * 2^(max(exponent of the exact value, least exponent) - mantissa bits); beyond the
 * largest number infinity stands for the power of two that would come next. A result of the wrong
 * sign, even a zero, is infinitely wrong. */
ALWAYS_INLINE double OF(ulps)(const format *f, wide result, OF(range) exact)
{
    wide top = OF(power_of_2)(f->max_exponent + 1);
    if (exact.low != exact.low) return result != result ? 0 : INFINITY;
    if (result != result) return INFINITY;
    if (exact.low > 0 ? OF(sign)(result) : exact.high < 0 && !OF(sign)(result)) return INFINITY;
    if (result > top) result = top;
    if (result < -top) result = -top;
    wide low = exact.low < -top ? -top : exact.low > top ? top : exact.low;
    wide high = exact.high > top ? top : exact.high < -top ? -top : exact.high;
    wide middle = low / 2 + high / 2;
    int exponent = OF(exponent)(middle);
    if (exponent < f->min_exponent) exponent = f->min_exponent;
    if (exponent > f->max_exponent) exponent = f->max_exponent;
    wide error = M(fabs)(result - middle) + (high - low) / 2;
    return (double)(error * OF(power_of_2)(f->mantissa - exponent));
}

/* An exact value known well enough. */
ALWAYS_INLINE int OF(is_within)(const format *f, OF(range) a, int relative_bits)
{
    wide size = a.high > -a.low ? a.high : -a.low, width = a.high - a.low;
    if (a.low == a.high) return 1;
    return width >= 0 && width < INFINITY
           && (width <= size * OF(power_of_2)(-relative_bits)
               || width <= OF(power_of_2)(-f->absolute_bits));
}

ALWAYS_INLINE int OF(is_narrow)(const format *f, OF(range) a)
{
    return OF(is_within)(f, a, f->narrow_bits);
}

ALWAYS_INLINE int OF(is_decided)(const format *f, OF(range) a)
{
    return OF(is_within)(f, a, f->decided_bits);
}

/* With a closer look at overflows where one is needed. */
static inline void OF(enclose_well)(const accuracy_formula *formula, const format *f, OF(range) x,
                             OF(range) *value, OF(range) *slope)
{
    OF(enclose)(formula, x, 0, value, slope);
    if (!OF(is_narrow)(f, *value) || !OF(is_narrow)(f, *slope))
        OF(enclose)(formula, x, 1, value, slope);
}

/* ---- what holds for a whole block -------------------------------------------------------------- */

/* f(x) = f(c) + f'(y) (x - c) for some y between x and the centre c: with the range of the slope
 * over the block, that encloses the value wherever f is nearly linear. */
typedef struct {
    int value_is_constant, value_is_linear, slope_is_constant;
    wide centre;
    OF(range) value, slope; /* of the whole block; the value at the centre if it is linear */
} OF(proof);

ALWAYS_INLINE OF(range) OF(on_line)(const OF(proof) *p, wide x)
{
    return OF(sum)(p->value, OF(product)(p->slope, OF(sum)(OF(point)(x), OF(point)(-p->centre))));
}

static inline OF(proof) OF(prove)(const accuracy_formula *formula, const format *f, wide first,
                                  wide last)
{
    OF(proof) p = {0};
    OF(range) there;
    if (!(first < last) || first == -INFINITY || last == INFINITY) return p;
    OF(enclose)(formula, (OF(range)){first, last}, 1, &p.value, &p.slope);
    p.slope_is_constant = OF(is_narrow)(f, p.slope);
    p.value_is_constant = OF(is_narrow)(f, p.value);
    if (p.value_is_constant) return p;
    p.centre = (double)(first / 2 + last / 2); /* as a double has it, too */
    OF(enclose_well)(formula, f, OF(point)(p.centre), &p.value, &there);
    p.value_is_linear = OF(is_narrow)(f, OF(on_line)(&p, first))
                        && OF(is_narrow)(f, OF(on_line)(&p, last))
                        && OF(is_narrow)(f, p.value);
    return p;
}

/* ---- a block of references ---------------------------------------------------------------------- */

static void OF(note_error)(const accuracy_references *r, ptrdiff_t i, double error,
                           accuracy_found *found)
{
    found->max_ulp = error;
    memcpy(&found->worst_x, r->x + i * r->format->size, r->format->size);
    memcpy(&found->worst_grad, r->grad + i * r->format->size, r->format->size);
}

/* Sets reference i, and notes what is found of its rounded value. */
ALWAYS_INLINE void OF(refer)(const accuracy_references *r, const format *f,
                             OF(references) *references, char *rounded, ptrdiff_t i,
                             OF(range) exact, int decided)
{
    accuracy_found *found = &references->of_rounded[i / SEGMENT];
    wide y = OF(rounded_to)(f, exact.low / 2 + exact.high / 2);
    references->exact[i] = exact;
    references->decided[i] = (char)decided;
    OF(write)(f, rounded, i, y);
    if (i < r->lead) return;
    if (y < found->smallest) found->smallest = (double)y;
    if (y > found->largest) found->largest = (double)y;
    found->compared += decided;
    found->undecided += !decided;
    double error = OF(ulps)(f, y, exact);
    if (decided && error > found->max_ulp) OF(note_error)(r, i, error, found);
}

/* The same for a whole block, whose exact value is one. */
static void OF(refer_all)(const accuracy_references *r, const format *f,
                          OF(references) *references, char *rounded, OF(range) exact)
{
    OF(refer)(r, f, references, rounded, r->lead, exact, 1);
    accuracy_found found = references->of_rounded[r->lead / SEGMENT];
    for (ptrdiff_t i = 0; i < r->n; i++)
        memmove(rounded + i * f->size, rounded + r->lead * f->size, f->size);
    for (ptrdiff_t begin = 0; begin < r->n; begin += SEGMENT) {
        ptrdiff_t end = begin + SEGMENT < r->n ? begin + SEGMENT : r->n;
        found.compared = (uint64_t)(end - begin) - (begin == 0 ? r->lead : 0);
        references->of_rounded[begin / SEGMENT] = found;
    }
    references->exact[0] = exact;
    references->decided[0] = 1;
    references->uniform = 1;
}

/* Results that are not all what the exact ones round to. */
ALWAYS_INLINE void OF(compare)(const accuracy_references *r, const format *f,
                               const OF(references) *references, ptrdiff_t begin, ptrdiff_t end,
                               const char *rounded, const char *results, accuracy_found *found)
{
    for (ptrdiff_t i = begin < r->lead ? r->lead : begin; i < end; i++) {
        ptrdiff_t k = references->uniform ? 0 : i;
        wide y = OF(read)(f, results, i);
        if (y < found->smallest) found->smallest = (double)y;
        if (y > found->largest) found->largest = (double)y;
        found->compared += references->decided[k];
        found->undecided += !references->decided[k];
        if (!references->decided[k]) continue;
        OF(range) exact = references->exact[k];
        if (memcmp(results + i * f->size, rounded + i * f->size, f->size) != 0)
            found->misrounded += exact.low == exact.low && y != OF(read)(f, rounded, i)
                                 && y != OF(rounded_to)(f, exact.low)
                                 && y != OF(rounded_to)(f, exact.high);
        double error = OF(ulps)(f, y, exact);
        if (error > found->max_ulp) OF(note_error)(r, i, error, found);
    }
}
