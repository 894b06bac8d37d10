/* The tables that isa.c hands to the drivers. */
#ifndef FASTACT_ISA_H
#define FASTACT_ISA_H

#include "fastact.h"

/* The kernels in use for a floating element type. */
const fastact_kernel_set *fastact_kernels(int element);

/* The kernels of activations that keep integers; ends with a row without a name. */
extern const fastact_integer_activation fastact_integer_kernels[];

#endif
