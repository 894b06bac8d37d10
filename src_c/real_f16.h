/* Element type float16 (IEEE 754 binary16), evaluated in double. */
#define SMALLEST 0x1p-24

#include "half_formats.h"

#define DTYPE f16

INLINE real widen(element x)
{
    int32_t size = x & 0x7fff;
    int32_t normal = (size << 13) + (112 << 23); /* the exponents' biases differ by 112 */
    int32_t bits = size < 0x7c00 ? normal : normal + (112 << 23);
    float subnormal = (float)size * 0x1p-24f;
    return copysignf(size < 0x400 ? subnormal : float_of((uint32_t)bits),
                     float_of((uint32_t)x << 16));
}

/* Added to 0.5, a subnormal leaves its number of steps in the low bits of the sum. */
INLINE result result_of(real y)
{
    float size = fabsf(y);
    uint32_t bits = bits_of_float(size);
    uint32_t biases_differ = bits < 0x7f800000u ? 112 << 10 : 224 << 10;
    uint32_t steps = bits_of_float(size + 0.5f) - bits_of_float(0.5f);
    uint32_t number = size < 0x1p-14f ? steps : (bits >> 13) - biases_differ;
    return number | (bits_of_float(y) >> 16 & 0x8000);
}

/* y as a float whose last bit is set if y has any bit beyond it: as far from the middle of two
 * elements as y, and on the same side. */
INLINE float to_odd(double y)
{
    const uint64_t beyond = ((uint64_t)1 << 29) - 1;
    uint64_t bits = bits_of(y);
    return (float)double_of((bits | ((bits & beyond) + beyond)) & ~beyond);
}

/* Added to 2^23 times the smallest step of its binade, |y| leaves its number of steps, rounded to
 * nearest and even, in the low bits of the sum. The bits of an element are its number of steps and,
 * for each binade below, 2^10 more. */
INLINE result nearest_of_float(float y)
{
    float size = fabsf(y);
    float binade = float_of(bits_of_float(size * 0x1p13f) & 0x7f800000u);
    float steps_to_bits = binade < 0x1p29f ? binade : 0x1p29f;
    steps_to_bits = steps_to_bits > 0x1p-1f ? steps_to_bits : 0x1p-1f;
    float sum = (size > 0x1p16f ? 0x1p16f : size) + steps_to_bits;
    uint32_t below = (bits_of_float(steps_to_bits) - bits_of_float(0x1p-1f)) >> 13;
    uint32_t number = bits_of_float(sum) - bits_of_float(steps_to_bits) + below;
    number = y == y ? number : 0x7e00;
    return number | (bits_of_float(y) >> 16 & 0x8000);
}

INLINE result nearest(double y) { return nearest_of_float(to_odd(y)); }

/* A product of two elements is a float exactly. */
INLINE result nearest_product(real a, real b) { return nearest_of_float(a * b); }
