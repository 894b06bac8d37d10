/* Element type float64, evaluated in pairs of doubles. */
#include <float.h>

#include "pair_arithmetic.h"

typedef double real;

#define DTYPE f64
#define LARGEST DBL_MAX
