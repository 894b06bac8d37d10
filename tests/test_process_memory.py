"""Memory: nothing outside an array is touched, and nothing is kept after a call.

The faults: a loop that reads the whole vector where an array ends in the middle of one, which kills
the process where the next page is not there (numpy #25231); and an error path that forgets a
reference, of which `make leaks` makes a million.
"""

from __future__ import annotations

import ctypes
import importlib
import itertools
import mmap
import sys

import leak_calls
import numpy as np
import pytest
from children import finished_child, run_child
from instruction_sets import once

import fastact as fa
from fastact.catalogue import CATALOGUE, ROW_CATALOGUE

OPERATIONS = ("value", "derivative", "backward", "value_and_derivative")
LONGEST, WIDEST = 300, 9


class Guarded:
    """Elements with a page before and one after them that must not be touched."""

    def __init__(self, dtype, count, fill=0.5):
        page = mmap.PAGESIZE
        size = -(-count * np.dtype(dtype).itemsize // page) * page
        self.memory = mmap.mmap(-1, size + 2 * page)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for guard in (start, start + page + size):
            assert protect(guard, page, 0) == 0
        self.all = np.frombuffer(self.memory, np.uint8, size, page).view(dtype)
        self.all[:] = fill

    def view(self, n, stride, at_end):
        """n elements every `stride` (backwards for a negative one) that touch an end."""
        step = abs(stride)
        reach = (n - 1) * step + 1 if n else 0
        part = self.all[self.all.size - reach :] if at_end else self.all[:reach]
        return part[:: step if stride > 0 else -step]

    def rows(self, rows, n, at_end):
        part = self.all[self.all.size - rows * n :] if at_end else self.all[: rows * n]
        return part.reshape(rows, n)


def go_through(dtype):
    """Call everything on arrays that touch guard pages. It runs in a child: see below."""
    if dtype == "bfloat16":
        dtype = importlib.import_module("ml_dtypes").bfloat16
    integer = np.dtype(dtype).kind == "i"
    result = np.float64 if integer else dtype
    x, kept = (Guarded(dtype, LONGEST * WIDEST) for _ in range(2))
    grad, other, second = (Guarded(result, LONGEST * WIDEST) for _ in range(3))
    strides = [sign * step for step in range(1, WIDEST + 1) for sign in (1, -1)]
    for row in CATALOGUE:
        activation = getattr(fa, row.name)
        for operation in OPERATIONS:
            print(row.name, operation, np.dtype(dtype), flush=True)
            call = activation if operation == "value" else getattr(activation, operation)
            out = kept if row.keeps_integers and operation == "value" else other
            for stride in strides:
                for n in range(LONGEST + 1):
                    for at_end in (True, False):
                        arrays = [x.view(n, stride, at_end)]
                        if operation == "backward":
                            arrays.insert(0, grad.view(n, stride, at_end))
                        if operation == "value_and_derivative":
                            outs = out.view(n, stride, at_end), second.view(n, 1, at_end)
                            call(*arrays, out=outs)
                        else:
                            call(*arrays, out=out.view(n, stride, at_end))
    if integer:
        return
    go_through_gates(dtype, x, kept, (grad, other, second), strides)
    x, grad, out = (Guarded(dtype, 3 * LONGEST) for _ in range(3))
    for row in ROW_CATALOGUE:
        function = getattr(fa, row.name)
        for operation in row.operations:
            print(row.name, operation, np.dtype(dtype), flush=True)
            call = function if operation == "value" else getattr(function, operation)
            for n in range(LONGEST + 1):
                for rows, axis, at_end in itertools.product((1, 3), (0, 1), (True, False)):
                    arrays = [x.rows(rows, n, at_end)]
                    result = out.rows(rows, n, at_end)
                    if operation != "value":
                        arrays.insert(0, grad.rows(rows, n, at_end))
                    if row.reduces:  # one element a row, at the end of memory too
                        short = (n, rows)[axis]
                        if operation == "value":
                            result = out.rows(1, short, at_end)[0]
                        else:
                            arrays[0] = grad.rows(1, short, at_end)[0]
                    call(*arrays, axis=axis, out=result)
    print("jacobian", np.dtype(dtype), flush=True)
    for n in range(41):
        fa.softmax.jacobian(x.rows(3, n, True))


def go_through_gates(dtype, x, other, more, strides):
    """The gated functions, of views that are alike, and prelu, along an axis."""
    gates = fa._activation.gates.items()
    for (name, gate), operation in itertools.product(gates, ("value", "backward")):
        print(name, operation, np.dtype(dtype), flush=True)
        for stride, n, at_end in itertools.product(strides, range(LONGEST + 1), (True, False)):
            arrays = [of.view(n, stride, at_end) for of in (x, other, *more)]
            if operation == "value":
                gate(*arrays[:2], out=arrays[2])
            else:
                gate.backward(arrays[2], *arrays[:2], out=(arrays[3], arrays[4]))
    print("prelu", np.dtype(dtype), flush=True)
    for n, rows, axis in itertools.product(range(1, LONGEST + 1), (1, 3), (0, 1)):
        for at_end in (True, False):
            arrays = [of.rows(rows, n, at_end) for of in (x, more[0], more[1])]
            channels = (rows, n)[axis]
            weights, sums = (of.rows(1, channels, at_end)[0] for of in (other, more[2]))
            fa.prelu(arrays[0], weights, axis, out=arrays[2])
            fa.prelu.backward(arrays[1], arrays[0], weights, axis, out=(arrays[2], sums))


@pytest.mark.skipif(sys.platform != "linux", reason="protects pages as Linux does")
@pytest.mark.parametrize(
    "dtype",
    [
        "float16",
        "bfloat16",
        "float32",
        "float64",
        *(pytest.param(name, marks=once) for name in ("int8", "int64")),
    ],
)
def test_nothing_outside_is_touched(dtype):
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    done = finished_child(
        f"import faulthandler; faulthandler.enable()\n"
        f"import test_process_memory as t\nt.go_through({dtype!r})\nprint('done')\n",
        FASTACT_ISA=fa.runtime_info()["isa"],
    )
    last = done.stdout.strip().splitlines()[-1:]
    assert last == ["done"], f"in {last}: {done.stderr}"


def test_guards_guard():
    """The test above can fail."""
    if sys.platform != "linux":
        pytest.skip("protects pages as Linux does")
    done = finished_child(
        "import ctypes, test_process_memory as t\n"
        "region = t.Guarded('float64', 100)\n"
        "ctypes.memmove(ctypes.create_string_buffer(8), region.all.ctypes.data - 8, 8)\n"
    )
    assert done.returncode < 0


# ---- leaks --------------------------------------------------------------------------------------


@once
@pytest.mark.skipif(not leak_calls.STATUS.exists(), reason="needs /proc")
def test_nothing_is_kept():
    run_child("import leak_calls; leak_calls.main(1000)")


@once
@pytest.mark.skipif(not leak_calls.STATUS.exists(), reason="needs /proc")
@once
@pytest.mark.skipif(not leak_calls.STATUS.exists(), reason="needs /proc")
@pytest.mark.parametrize("what", ["object", "reference", "memory"])
def test_what_is_kept_is_seen(what):
    """The test above can fail."""
    run_child(f"""
import ctypes, leak_calls
kept, malloc = [], ctypes.CDLL(None).malloc
malloc.argtypes, malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
call = {{
    "object": lambda: kept.append(object()),
    "reference": lambda: kept.append(leak_calls.x),
    "memory": lambda: malloc(2000),
}}[{what!r}]
try:
    leak_calls.count({what!r}, call, 1000)
except AssertionError:
    pass
else:
    raise SystemExit("not seen")
""")
