/* Lines and quotients: functions so cheap that to widen and narrow would be most of what they cost.
 * A float32 stays one where there is an fma, in two words as far as the one rounding at the end needs
 * them; elsewhere they are computed in the working type. */
#ifndef FASTACT_RATIONAL_H
#define FASTACT_RATIONAL_H

#define FLOATS_WILL_DO (FLOATS && HAS_FMA)

/* The width of a line, and its half, brought to where reciprocals keep their digits. An infinite width
 * has no ends: any other with x = 0 in its place does. */
typedef struct {
    double raise, whole, half, end;
} line;

INLINE line line_of(double width, double small, double large, double factor)
{
    double finite = width > LARGEST ? 1.0 : width;
    double raise = (finite < small ? factor : 1.0) * (finite > large ? 1.0 / factor : 1.0);
    double whole = raise * finite, half = 0.5 * whole;
    return (line){raise, whole, half, width > LARGEST ? 0.0 : half};
}

#if FLOATS_WILL_DO

typedef struct {
    float high, low;
} two_floats;

/* (x + w/2)/w between its ends 0 and 1 */
INLINE two_floats hard_gate_of(float x, double width)
{
    line l = line_of(width, 0x1p-60, 0x1p60, 0x1p100);
    const float raise = (float)l.raise, half = (float)l.half, end = (float)l.end;
    const float over = (float)(1.0 / l.whole), over_low = (float)(1.0 / l.whole - over);
    float raised = raise * x;
    float not_above = end < raised ? end : raised;
    float inside = -end > not_above ? -end : not_above;
    float sum = half + inside, lost = inside - (sum - half);
    float low = fmaf(sum, over_low, lost * over);
    float high = fmaf(sum, over, low);
    return (two_floats){high, fmaf(sum, over, -high) + low};
}

INLINE number hard_gate(float x, double width) { return exact(hard_gate_of(x, width).high); }

/* x times that, for a width of 6 */
INLINE number hard_gated(float x)
{
    two_floats gate = hard_gate_of(x, 6.0);
    float below_3 = fmaf(x, gate.high, x * gate.low);
    float above = x < 3 ? below_3 : x;
    return exact(x <= -3 ? 0.0f : above);
}

/* x/(1 + |x|) */
INLINE number over_1_plus(float x)
{
    const float largest = 0x1p60f, one = 1.0f;
    float size = fabsf(x);
    size = largest < size ? largest : size;
    float greater = one > size ? one : size, lesser = one < size ? one : size;
    float sum = one + size, lost = lesser - (sum - greater);
    float reciprocal = one / sum;
    float rest = fmaf(-reciprocal, lost, fmaf(-reciprocal, sum, one));
    return exact(copysignf(fmaf(size, reciprocal, size * (reciprocal * rest)), x));
}

#else

INLINE number hard_gate(double x, double width)
{
    line l = line_of(width, 0x1p-900, 0x1p900, 0x1p200);
    return over(plus(at_most(at_least(exact(l.raise * x), -l.end), l.end), l.half), l.whole);
}

INLINE number hard_gated(real x)
{
    return choose(x > -3, times(hard_gate(visible(x), 6.0), x), exact(x <= -3 ? 0 : x));
}

/* |x| is bounded so that inf/inf cannot happen. */
INLINE number over_1_plus(real x)
{
    number size = at_most(exact(magnitude(x)), 0x1p1000);
    return sign_as(divide(size, plus(size, 1.0)), x);
}

#endif

#endif
