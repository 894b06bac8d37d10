/* A formula and its derivative at a number, or over a range of numbers, in interval arithmetic: the
 * exact result is certainly within the bounds.
 *
 * Included once for each floating type `wide`, with OF(name) to name things by and M(function) for
 * the mathematical library's functions of that type; UNIT is the distance from 1 to the next wide,
 * SMALLEST a subnormal, LARGEST the largest number, PI the number nearest to pi. Bounds are widened
 * after each operation instead of rounding outwards: by two units for arithmetic (half of one would
 * do), for a library function by more than twice the largest error that the library's manual knows of
 * (3 units; 5 of erfc). */

typedef struct {
    wide low, high;
} OF(range);

#define range OF(range)

static const range OF(everything) = {-INFINITY, INFINITY};
#define EVERYTHING OF(everything)
#define ARITHMETIC_UNITS 2
#define FUNCTION_UNITS 8
#define ERFC_UNITS 12

static inline range OF(point)(wide x) { return (range){x, x}; }
#define point OF(point)

static inline int OF(is)(range a, wide number) { return a.low == number && a.high == number; }
#define is OF(is)

/* A result has the sign of the exact one, also where it has vanished. */
static inline range OF(widened)(wide low, wide high, int units)
{
    wide relative = units * UNIT;
    if (!(low <= high)) return EVERYTHING; /* a NaN */
    int positive = !OF(sign)(low), not_positive = OF(sign)(high);
    /* What has overflowed is at least the largest number. */
    if (low > LARGEST) low = LARGEST;
    if (high < -LARGEST) high = -LARGEST;
    low = low - M(fabs)(low) * relative - units * SMALLEST;
    high = high + M(fabs)(high) * relative + units * SMALLEST;
    if (positive & (low < 0)) low = 0;
    if (not_positive & (high > 0)) high = -(wide)0;
    return (range){low, high};
}
#define widened OF(widened)

static inline range OF(meet)(range a, range b)
{
    return (range){a.low > b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
}
#define meet OF(meet)

static inline range OF(hull)(range a, range b)
{
    return (range){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}

/* ---- operations --------------------------------------------------------------------------------- */

static inline range OF(negative)(range a) { return (range){-a.high, -a.low}; }
#define negative OF(negative)

/* That two numbers have such a sum exactly: the error of a sum is the difference of the smaller of
 * them and of what the sum has beyond the larger, neither of which is rounded. */
static inline int OF(is_exact)(wide a, wide b, wide sum) { return sum - a == b && sum - b == a; }

static inline range OF(sum)(range a, range b)
{
    if (is(a, 0)) return b;
    if (is(b, 0)) return a;
    if (a.low == a.high && b.low == b.high && OF(is_exact)(a.low, b.low, a.low + b.low))
        return point(a.low + b.low);
    return widened(a.low + b.low, a.high + b.high, ARITHMETIC_UNITS);
}
#define sum OF(sum)

/* 0 times infinity, a bound that stands for an overflow, is 0. */
static inline wide OF(part)(wide a, wide b)
{
    if (a == 0 || b == 0) return OF(sign)(a) != OF(sign)(b) ? -(wide)0 : 0;
    return a * b;
}

static inline range OF(product)(range a, range b)
{
    if (is(a, 0) || is(b, 0)) return point(0);
    if (is(a, 1)) return b;
    if (is(b, 1)) return a;
    wide p = OF(part)(a.low, b.low), q = OF(part)(a.low, b.high);
    wide r = OF(part)(a.high, b.low), s = OF(part)(a.high, b.high);
    wide low = p < q ? p : q, high = p < q ? q : p;
    if (r < low) low = r;
    if (s < low) low = s;
    if (r > high) high = r;
    if (s > high) high = s;
    /* Comparisons do not see the sign of what has vanished. */
    if (low == 0 && (OF(sign)(p) || OF(sign)(q) || OF(sign)(r) || OF(sign)(s))) low = -(wide)0;
    if (high == 0 && !(OF(sign)(p) && OF(sign)(q) && OF(sign)(r) && OF(sign)(s))) high = 0;
    return widened(low, high, ARITHMETIC_UNITS);
}
#define product OF(product)

/* The same by a number, without asking for its sign. */
static inline range OF(multiple)(range a, wide factor)
{
    wide p = a.low * factor, q = a.high * factor;
    if (is(a, 0) || factor == 0) return point(0);
    if (p == 0 && q == 0) return (range){-SMALLEST, SMALLEST}; /* both have vanished */
    return widened(p < q ? p : q, p < q ? q : p, ARITHMETIC_UNITS);
}

static inline range OF(quotient)(range a, range b)
{
    if (is(a, 0) && (b.low > 0 || b.high < 0)) return a;
    if (b.high < 0) a = negative(a), b = negative(b);
    if (!(b.low > 0)) return EVERYTHING;
    /* By 2 it is exact, unless the result is subnormal. */
    if (is(b, 2) && a.low == a.high && a.low / 2 * 2 == a.low) return point(a.low / 2);
    return widened(a.low / (a.low < 0 ? b.low : b.high), a.high / (a.high < 0 ? b.high : b.low),
                   ARITHMETIC_UNITS);
}
#define quotient OF(quotient)

static inline range OF(magnitude)(range a)
{
    if (a.low >= 0) return a;
    if (a.high <= 0) return negative(a);
    return (range){0, -a.low > a.high ? -a.low : a.high};
}

static inline range OF(squared)(range a)
{
    a = OF(magnitude)(a);
    return widened(a.low * a.low, a.high * a.high, ARITHMETIC_UNITS);
}
#define squared OF(squared)

static inline range OF(root)(range a)
{
    return a.low >= 0 ? widened(M(sqrt)(a.low), M(sqrt)(a.high), ARITHMETIC_UNITS) : EVERYTHING;
}

/* A rising function of the library. */
static inline range OF(rising)(wide (*f)(wide), range a)
{
    wide low = f(a.low);
    return widened(low, a.high == a.low ? low : f(a.high), FUNCTION_UNITS);
}

static inline range OF(exponential)(range a) { return OF(rising)(M(exp), a); }

static inline range OF(log_of_1_plus)(range a)
{
    return a.low > -1 ? OF(rising)(M(log1p), a) : EVERYTHING;
}

/* a - tanh(a) = a c/(1 + c), where tanh(a) = a/(1 + c), c = a^2/(3 + a^2/(5 + ...)): there nothing
 * cancels. After so many of its terms the fraction is right to more digits than a wide has. */
static wide OF(less_tanh)(wide a)
{
    wide square = a * a, c = 0;
    if (M(fabs)(a) > 3) return a - M(tanh)(a);
    for (int odd = 59; odd > 1; odd -= 2) c = square / (odd + c);
    return a * (c / (1 + c));
}

static inline range OF(erfc_of)(range a)
{
    return widened(M(erfc)(a.high), M(erfc)(a.low), ERFC_UNITS);
}

/* -2/sqrt(pi) e^(-a^2) */
static inline range OF(slope_of_erfc)(range a)
{
    range factor = quotient(point(-2), OF(root)(widened(PI, PI, ARITHMETIC_UNITS)));
    return product(factor, OF(exponential)(negative(squared(a))));
}

/* 1/cosh^2 */
static inline range OF(slope_of_tanh)(range a)
{
    range root = OF(rising)(M(cosh), OF(magnitude)(a));
    if (root.low < 1) root.low = 1;
    return quotient(point(1), squared(root));
}

/* ---- a number with its slope ------------------------------------------------------------------ */

/* `relative` is slope/value, kept where `careful`: only it survives where value and slope overflow
 * both, as those of 1 + exp(-x) do and those of 1/(1 + exp(-x)) must not. */
typedef struct {
    range value, slope, relative;
} OF(node);

#define node OF(node)

/* b/(a + b) for two of one sign. */
static range OF(share)(range a, range b)
{
    range share = quotient(point(1), sum(point(1), quotient(a, b)));
    return meet(share, (range){0, 1});
}

static node OF(added)(const node *a, const node *b, int careful)
{
    node r = {sum(a->value, b->value), sum(a->slope, b->slope), EVERYTHING};
    int one_sign = (a->value.low >= 0 && b->value.low >= 0)
                   || (a->value.high <= 0 && b->value.high <= 0);
    if (careful && one_sign)
        r.relative = sum(product(OF(share)(b->value, a->value), a->relative),
                         product(OF(share)(a->value, b->value), b->relative));
    return r;
}

static node OF(multiplied)(const node *a, const node *b)
{
    return (node){product(a->value, b->value),
                  sum(product(a->slope, b->value), product(a->value, b->slope)),
                  sum(a->relative, b->relative)};
}

static node OF(divided)(const node *a, const node *b)
{
    range value = quotient(a->value, b->value);
    range rest = sum(a->slope, negative(product(value, b->slope)));
    return (node){value, quotient(rest, b->value), sum(a->relative, negative(b->relative))};
}

static node OF(log1p_of)(const node *a, int careful)
{
    node r = {OF(log_of_1_plus)(a->value), quotient(a->slope, sum(point(1), a->value)), EVERYTHING};
    if (careful && a->value.low > 0)
        r.slope = meet(r.slope, product(OF(share)(point(1), a->value), a->relative));
    return r;
}

static node OF(stepped)(const accuracy_step *step, const node *nodes, range x, int careful)
{
    const node *a = &nodes[step->operands[0]], *b = &nodes[step->operands[1]];
    const node *c = &nodes[step->operands[2]];
    switch (step->kind) {
    case ACCURACY_X: return (node){x, point(1), EVERYTHING};
    case ACCURACY_CONSTANT: return (node){point((wide)step->constant), point(0), point(0)};
    case ACCURACY_PI: return (node){widened(PI, PI, ARITHMETIC_UNITS), point(0), point(0)};
    case ACCURACY_NEGATE: return (node){negative(a->value), negative(a->slope), a->relative};
    case ACCURACY_ADD: return OF(added)(a, b, careful);
    case ACCURACY_MULTIPLY: return OF(multiplied)(a, b);
    case ACCURACY_DIVIDE: return OF(divided)(a, b);
    case ACCURACY_SQUARE:
        return (node){squared(a->value), product(point(2), product(a->value, a->slope)),
                      product(point(2), a->relative)};
    case ACCURACY_ABSOLUTE: {
        range sign = a->value.low >= 0 ? point(1) : a->value.high <= 0 ? point(-1) : (range){-1, 1};
        return (node){OF(magnitude)(a->value), product(sign, a->slope), a->relative};
    }
    case ACCURACY_SQRT: {
        range root = OF(root)(a->value);
        return (node){root, quotient(a->slope, product(point(2), root)),
                      quotient(a->relative, point(2))};
    }
    case ACCURACY_EXP: {
        range e = OF(exponential)(a->value);
        return (node){e, product(e, a->slope), a->slope};
    }
    case ACCURACY_EXPM1:
        return (node){OF(rising)(M(expm1), a->value),
                      product(OF(exponential)(a->value), a->slope), EVERYTHING};
    case ACCURACY_LOG1P: return OF(log1p_of)(a, careful);
    case ACCURACY_TANH:
        return (node){meet(OF(rising)(M(tanh), a->value), (range){-1, 1}),
                      product(OF(slope_of_tanh)(a->value), a->slope), EVERYTHING};
    case ACCURACY_LESS_TANH: {
        range curved = meet(OF(rising)(M(tanh), a->value), (range){-1, 1});
        return (node){OF(rising)(OF(less_tanh), a->value), product(squared(curved), a->slope),
                      EVERYTHING};
    }
    case ACCURACY_SOFTSIGN: {
        range size = sum(point(1), OF(magnitude)(a->value));
        return (node){quotient(a->value, size), quotient(a->slope, squared(size)), EVERYTHING};
    }
    case ACCURACY_ERFC:
        return (node){OF(erfc_of)(a->value), product(OF(slope_of_erfc)(a->value), a->slope),
                      EVERYTHING};
    case ACCURACY_GREATER:
        return (node){{a->value.low > b->value.high, a->value.high > b->value.low}, point(0),
                      point(0)};
    case ACCURACY_GREATER_EQUAL:
        return (node){{a->value.low >= b->value.high, a->value.high >= b->value.low}, point(0),
                      point(0)};
    default: /* ACCURACY_CHOOSE */
        if (is(a->value, 1)) return *b;
        if (is(a->value, 0)) return *c;
        /* Between the two branches the function may jump: no slope is too steep. */
        return (node){OF(hull)(b->value, c->value), EVERYTHING, EVERYTHING};
    }
}

/* The value and the slope over a range of finite x. Not careful is faster, and as exact unless
 * something overflows. */
static void OF(enclose)(const accuracy_formula *formula, range x, int careful, range *value,
                        range *slope)
{
    node nodes[ACCURACY_STEPS];
    for (int i = 0; i < formula->steps; i++) {
        node n = OF(stepped)(&formula->step[i], nodes, x, careful);
        if (careful) {
            /* Nothing is known of it at a zero of the value, and 0 times nothing is not 0. */
            if (n.relative.low > -INFINITY || n.relative.high < INFINITY)
                n.slope = meet(n.slope, product(n.value, n.relative));
            n.relative = meet(n.relative, quotient(n.slope, n.value));
        }
        nodes[i] = n;
    }
    *value = nodes[formula->steps - 1].value;
    *slope = nodes[formula->steps - 1].slope;
    for (int i = 0; i < formula->kinks; i++) {
        range there = point((wide)formula->kink_slope[i]);
        if (is(x, (wide)formula->kink[i]))
            *slope = there;
        else if (x.low <= formula->kink[i] && formula->kink[i] <= x.high)
            *slope = OF(hull)(*slope, there);
    }
}

#undef range
#undef EVERYTHING
#undef ARITHMETIC_UNITS
#undef FUNCTION_UNITS
#undef ERFC_UNITS
#undef point
#undef is
#undef widened
#undef meet
#undef negative
#undef sum
#undef product
#undef quotient
#undef squared
#undef node
