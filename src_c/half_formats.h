/* What the two 16-bit formats share. Memory holds their bits as integers, each of their numbers is
 * a float exactly, and the functions are evaluated in double and rounded once, from double: rounded
 * to float first, a result beside the middle of two neighbours would land on it. Both conversions
 * are integer operations, since few processors have them and gcc 12 does not vectorise _Float16.
 *
 * SMALLEST, to be defined before, is the smallest number other than 0. */
#ifndef FASTACT_HALF_FORMATS_H
#define FASTACT_HALF_FORMATS_H

#if defined(__GNUC__) && !defined(__clang__)
/* Computing what follows a clamp for its constant bound beforehand, gcc would replace one minimum
 * by a comparison and as many choices as there are uses of it. */
#pragma GCC optimize("no-tree-pre")
#endif

#include <stdint.h>

/* Every result is rounded as the exact one would be: the working type has to be right far beyond
 * the last bit, and to know on which side of the middle of two neighbours it is. */
#define TIES_MATTER 1

#include "double_arithmetic.h"

typedef uint16_t element;
typedef float real;
typedef uint32_t result; /* an element; half_blocks.h says why it is so wide */

/* Infinite beside any parameter, but not times the largest of them. */
#define LARGEST 0x1p500
#define HALF_FORMAT 1
#define FLOATS 0

INLINE float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

INLINE uint32_t bits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

#endif
