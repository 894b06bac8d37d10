/* Element type bfloat16 (the upper half of a float32), evaluated in double. */
#define SMALLEST 0x1p-133

#include "half_formats.h"

#define DTYPE bf16

INLINE real widen(element x) { return float_of((uint32_t)x << 16); }

/* ml_dtypes warns of a signalling NaN. */
INLINE result result_of(real y) { return bits_of_float(y) >> 16 | (y == y ? 0 : 0x40); }

/* Adding 2^52 times the smallest step of its binade rounds y to steps, to nearest and even; the
 * sum less that is an element, which conversion to float changes no more. Times 1.5, for that of a
 * negative y to have the same exponent. */
INLINE result nearest(double y)
{
    double binade = double_of(bits_of(y * 0x1p45) & (uint64_t)0x7ff << 52);
    double steps_to_bits = 1.5 * larger(0x1p-81, smaller(0x1p1000, binade));
    double stepped = (y + steps_to_bits) - steps_to_bits;
    double with_zeros_sign = double_of(bits_of(stepped) | (bits_of(y) & (uint64_t)1 << 63));
    return bits_of_float((float)with_zeros_sign) >> 16;
}

/* A product of two elements is a float exactly where it is none of the subnormal ones. There 2^60
 * times it is, and added to 1.5 * 2^-50 leaves its number of steps in the low bits of the sum; beside
 * an a above 2^60 such a product is 0. */
INLINE result nearest_product(real a, real b)
{
    float product = a * b, size = fabsf(product), factor = fabsf(a);
    float raised = (factor > 0x1p60f ? 0x1p60f : factor) * 0x1p60f * fabsf(b);
    uint32_t bits = bits_of_float(size);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    uint32_t steps = bits_of_float(raised + 0x1.8p-50f) - bits_of_float(0x1.8p-50f);
    uint32_t number = size < 0x1p-126f ? steps : product == product ? rounded : 0x7fc0;
    return number | (bits_of_float(product) >> 16 & 0x8000);
}
