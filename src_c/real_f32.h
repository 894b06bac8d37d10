/* Element type float32, evaluated in double. */
#include <float.h>

#define TIES_MATTER 0

#include "double_arithmetic.h"

typedef float element, real, result;

#define DTYPE f32
#define LARGEST ((double)FLT_MAX)
#define HALF_FORMAT 0
#define FLOATS 1

INLINE real widen(element x) { return x; }
INLINE result result_of(real y) { return y; }
INLINE result nearest(double y) { return (float)y; }
INLINE result nearest_product(real a, real b) { return a * b; }
