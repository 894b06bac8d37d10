"""Print a digest of what every kernel returns on a fixed sample of inputs, a line each.

Two processors with fused multiply-add print the same lines; what differs is a kernel, an element
type and an operation to look at. NaNs count as one value.

    FASTACT_ISA=avx2 python tools/result_digests.py > here
    diff here there
"""

from __future__ import annotations

import hashlib
import sys

import numpy as np

import fastact as fa
from fastact.catalogue import CATALOGUE

OPERATIONS = ("value", "derivative", "backward", "value_and_derivative")
COUNT = 200_000


def sample(dtype: str) -> np.ndarray:
    """Return numbers of all magnitudes, from their bits, and those where functions bend."""
    width = np.dtype(dtype).itemsize
    if width == 2:
        return np.arange(1 << 16, dtype=np.uint16).view(dtype)
    counter = np.arange(COUNT, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits = (counter >> np.uint64(32)).astype(np.uint32) if width == 4 else counter
    ordinary = np.arange(-COUNT // 2, COUNT // 2).astype(dtype) / np.array(5000, dtype)
    return np.concatenate([bits.view(dtype), ordinary])


def digest(*results: np.ndarray) -> str:
    """Return a digest of the bits of arrays, all NaNs taken for one."""
    found = hashlib.sha256()
    for result in results:
        found.update(np.where(np.isnan(result), result.dtype.type(np.nan), result).tobytes())
    return found.hexdigest()[:16]


def main() -> None:
    """Print the lines."""
    print(fa.runtime_info()["machine"], fa.runtime_info()["isa"], file=sys.stderr)
    for dtype in ("float16", "float32", "float64"):
        x = sample(dtype)
        gradients = x[::-1].copy()
        for row in CATALOGUE:
            for parameters in row.parameter_sets():
                values = [np.array(value, dtype)[()] for value in parameters.values()]
                for operation in OPERATIONS:
                    call = getattr(fa, row.name)
                    call = call if operation == "value" else getattr(call, operation)
                    arrays = (gradients, x) if operation == "backward" else (x,)
                    with np.errstate(all="ignore"):
                        results = call(*arrays, *map(float, values))
                    if not isinstance(results, tuple):
                        results = (results,)
                    given = ",".join(f"{value:g}" for value in values)
                    print(f"{row.name}({given})", operation, dtype, digest(*results))
        if dtype == "float16":
            continue
        finite = x[np.abs(x) < 100]
        for n in (1, 2, 7, 64, 1000, 5000):
            rows = finite[: len(finite) // n * n].reshape(-1, n)
            back = rows[::-1].copy()
            print("softmax", n, dtype, digest(fa.softmax(rows), fa.softmax.backward(back, rows)))


if __name__ == "__main__":
    main()
