/* Element type float64, evaluated in pairs of doubles. */
#include <float.h>

#include "pair_arithmetic.h"

typedef double element, real, result;

#define TIES_MATTER 0
#define DTYPE f64
#define LARGEST DBL_MAX
#define HALF_FORMAT 0
#define FLOATS 0

INLINE real widen(element x) { return x; }
INLINE result result_of(real y) { return y; }
INLINE result nearest(double y) { return y; }
INLINE result nearest_product(real a, real b) { return a * b; }
