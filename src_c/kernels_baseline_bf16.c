/* The bfloat16 kernels for the processor's ABI baseline (SSE2 on x86-64, NEON on aarch64). */
#include "target_baseline.h"

#include "real_bf16.h"

#include "kernel_set.h"
