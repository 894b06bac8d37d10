/* Element type float32, evaluated in double. */
#include <float.h>

#include "double_arithmetic.h"

typedef float real;

#define DTYPE f32
#define LARGEST ((double)FLT_MAX)
