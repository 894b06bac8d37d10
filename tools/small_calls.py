"""Call everything on small arrays of many shapes: for a checker that slows a process fiftyfold.

Every result is looked at, so that one which depends on memory that nobody has written is seen.

    valgrind --error-exitcode=9 python tools/small_calls.py
"""

from __future__ import annotations

import numpy as np

import fastact as fa
from fastact import _runtime, buffers
from fastact.catalogue import CATALOGUE, ROW_CATALOGUE

LENGTHS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 511, 513, 1025)
DTYPES = ("float16", "float32", "float64", "int8", "int64", "bool")


def looked_at(*results: np.ndarray) -> None:
    """Compare every byte with itself, in C: memcheck says so where nobody has written it."""
    for result in results:
        assert np.asarray(result).tobytes() == np.asarray(result).tobytes()


def main() -> None:
    """Make the calls, those that are refused included."""
    for cost in fa.runtime_info()["parallel_threshold"]:
        _runtime._set_parallel_threshold(cost, 256)
    count = 0
    for row in CATALOGUE:
        activation, buffer = getattr(fa, row.name), getattr(buffers, row.name)
        for dtype in DTYPES:
            for n in LENGTHS:
                memory = np.linspace(-9, 9, 3 * n + 3).astype(dtype)
                for x in (memory[:n], memory[1 : 3 * n + 1 : 3], memory[:n][::-1]):
                    looked_at(activation(x), activation.derivative(x), activation.backward(x, x))
                    looked_at(*activation.value_and_derivative(x))
                    count += 4
                if dtype in ("float32", "float64"):
                    looked_at(buffer(memory[:n]), buffer.derivative(memory[:n]))
        for wrong in (1j, "x", None, np.zeros(2, object)):
            try:
                activation(wrong)
            except TypeError:
                count += 1
    for dtype in ("float16", "float32", "float64", "int64", "bool"):
        for n in LENGTHS:
            x = np.linspace(-9, 9, 3 * n).astype(dtype).reshape(3, n)
            for of, axis in ((x, -1), (x.T, 0), (x, 0)):
                count += call_rows(of, axis) + call_gates(of, axis)
            if n:
                labels = np.arange(3) % n
                looked_at(fa.cross_entropy(x, labels, reduction="none"))
                looked_at(fa.cross_entropy.backward(1.0, x, labels, label_smoothing=0.1))
            looked_at(fa.softmax.jacobian(x[:, :40]))
            count += 3
    print(count, "calls")


def call_rows(x: np.ndarray, axis: int) -> int:
    """Call every function of rows and its gradients; return how many calls these were."""
    count = 0
    for row in ROW_CATALOGUE:
        function = getattr(fa, row.name)
        y = function(x, axis)
        looked_at(y, function(x, axis, where=x > 0))
        for operation in row.operations:
            if operation != "value":
                looked_at(getattr(function, operation)(y, x, axis))
        count += 1 + len(row.operations)
    return count


def call_gates(x: np.ndarray, axis: int) -> int:
    """Call every gated function and its gradients; return how many calls these were."""
    for gate in fa._activation.gates.values():
        looked_at(gate(x, x), *gate.backward(x, x, x))
    packed, weights = np.concatenate((x, x), axis), np.linspace(0, 1, x.shape[axis])
    looked_at(fa.glu(packed, axis), fa.glu.backward(x, packed, axis))
    looked_at(fa.prelu(x, weights, axis), *fa.prelu.backward(x, x, weights, axis))
    return 2 * len(fa._activation.gates) + 4


if __name__ == "__main__":
    main()
