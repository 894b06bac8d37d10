/* Element type bfloat16 (the upper half of a float32), evaluated in double. */
#define SMALLEST 0x1p-133

#include "half_formats.h"

#define DTYPE bf16

INLINE real widen(element x) { return float_of((uint32_t)x << 16); }

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

/* In double, since a float may lose bits of a product that is subnormal. */
INLINE result nearest_product(real a, real b) { return nearest((double)a * b); }
