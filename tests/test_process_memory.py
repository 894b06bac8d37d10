"""Memory: nothing outside an array is touched, and nothing is kept after a call.

The faults: a loop that reads the whole vector where an array ends in the middle of one, which kills
the process where the next page is not there (numpy #25231); and an error path that forgets a
reference. How many calls the leak test makes is the variable FASTACT_LEAK_CALLS; `make leaks`
makes a million of each kind.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys

import numpy as np
import pytest
from children import finished_child, run_child
from instruction_sets import once

import fastact as fa
from fastact.catalogue import CATALOGUE

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
    if integer or dtype == "float16":
        return
    x, grad, out = (Guarded(dtype, 3 * LONGEST) for _ in range(3))
    print("softmax", np.dtype(dtype), flush=True)
    for n in range(LONGEST + 1):
        for rows in (1, 3):
            for at_end in (True, False):
                a, g, y = (array.rows(rows, n, at_end) for array in (x, grad, out))
                fa.softmax(a, out=y)
                fa.softmax.backward(g, a, out=y)
                fa.softmax.backward_from_output(g, a, out=y)
                fa.softmax.jacobian(a[:, :40])


@pytest.mark.skipif(sys.platform != "linux", reason="protects pages as Linux does")
@pytest.mark.parametrize(
    "dtype",
    [
        "float16",
        "float32",
        "float64",
        *(pytest.param(name, marks=once) for name in ("int8", "int64")),
    ],
)
def test_nothing_outside_is_touched(dtype):
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

CALLS = int(os.environ.get("FASTACT_LEAK_CALLS", "2000"))

LEAKS = """
import array, copy, gc, pickle, resource, sys
import numpy as np, fastact as fa
from fastact import buffers

def size():
    return next(int(line.split()[1]) << 10 for line in open("/proc/self/status")
                if line.startswith("VmRSS:"))

x = np.linspace(-3, 3, 64).reshape(8, 8)
narrow, half, whole = x.astype(np.float32), x.astype(np.float16), x.astype(np.int64)
out, mask, view = np.empty_like(x), x > 0, x[:, ::2]
flat, target = array.array("d", x.ravel()), array.array("d", x.ravel())
fixed = fa.elu.with_parameters(alpha=0.5)
large = np.linspace(-3, 3, 1 << 15)
into = np.empty_like(large)
refused = np.zeros(3, object)

def signal_like():
    with fa.num_threads(1):
        raise KeyError

calls = {
    "value": lambda: fa.mish(x),
    "out": lambda: fa.mish(x, out=out),
    "float32": lambda: fa.elu(narrow, 0.5),
    "float16": lambda: fa.elu(half, alpha=0.5),
    "integers": lambda: fa.relu(whole),
    "view": lambda: fa.mish(view),
    "float": lambda: fa.mish(0.5),
    "list": lambda: fa.mish([0.5, 1.5]),
    "derivative": lambda: fa.mish.derivative(x),
    "backward": lambda: fa.mish.backward(x, x),
    "value_and_derivative": lambda: fa.mish.value_and_derivative(x),
    "ufunc": lambda: fa.elu.ufunc(x, 1.0),
    "where": lambda: fa.mish(x, where=mask, out=out),
    "dtype": lambda: fa.mish(narrow, dtype=np.float64),
    "array parameter": lambda: fa.leaky_relu(x, x),
    "parallel": lambda: fa.relu(large, out=into),
    "softmax": lambda: fa.softmax(x),
    "softmax axis": lambda: fa.softmax(x, axis=0),
    "softmax out": lambda: fa.softmax(x, out=out),
    "softmax backward": lambda: fa.softmax.backward(x, x),
    "softmax jacobian": lambda: fa.softmax.jacobian(x),
    "buffer": lambda: buffers.mish(flat),
    "buffer out": lambda: buffers.elu.derivative(flat, alpha=0.5, out=target),
    "buffer softmax": lambda: buffers.softmax(flat, out=target),
    "fixed": lambda: fixed(x),
    "with_parameters": lambda: fa.elu.with_parameters(alpha=0.5)(x),
    "array fixed": lambda: fa.elu.with_parameters(alpha=x)(x),
    "pickle": lambda: pickle.loads(pickle.dumps(fixed)),
    "copy": lambda: copy.deepcopy(fixed) == fixed,
    "repr": lambda: (repr(fixed), fixed.__doc__, fixed.__signature__, fixed.max_ulp),
    "runtime_info": lambda: fa.runtime_info(),
    "num_threads": lambda: fa.num_threads(1).__enter__,
    "set_num_threads": lambda: fa.set_num_threads(1),
    "object array": lambda: fa.mish(refused),
    "complex": lambda: fa.mish(1j),
    "string": lambda: fa.mish("x"),
    "nothing": lambda: fa.mish(),
    "too many": lambda: fa.mish(x, 1, 2, 3),
    "unknown keyword": lambda: fa.mish(x, nonsense=1),
    "twice": lambda: fa.elu(x, 1.0, alpha=1.0),
    "nan parameter": lambda: fa.elu(x, float("nan")),
    "none parameter": lambda: fa.elu(x, None),
    "large integer": lambda: fa.elu(x, 10**400),
    "shape of out": lambda: fa.mish(x, out=np.empty(3)),
    "dtype of out": lambda: fa.mish(x, out=np.empty((8, 8), int)),
    "shapes": lambda: fa.mish.backward(x, np.empty(3)),
    "unknown fixed": lambda: fa.elu.with_parameters(beta=1),
    "by hand": lambda: fa.Activation(),
    "softmax of strings": lambda: fa.softmax(["a"]),
    "softmax axis out of range": lambda: fa.softmax(x, axis=7),
    "softmax axis of float": lambda: fa.softmax(x, axis=0.5),
    "softmax shape of out": lambda: fa.softmax(x, out=np.empty(3)),
    "softmax masked": lambda: fa.softmax(np.ma.array(x)),
    "buffer of bytes": lambda: buffers.mish(b"abc"),
    "buffer length": lambda: buffers.mish(flat, out=array.array("d", [1.0])),
    "buffer format": lambda: buffers.mish(flat, out=array.array("f", [1.0])),
    "threads": lambda: fa.set_num_threads(0),
    "threads of float": lambda: fa.num_threads(1.5),
    "error in a block": signal_like,
}
kept = [x, narrow, half, whole, out, view, flat, target, large, into, refused, fixed]

def again(call, number):
    for _ in range(number):
        try:
            call()
        except (TypeError, ValueError, KeyError, IndexError, OverflowError):
            pass
    gc.collect()
    return sys.getallocatedblocks(), size(), [sys.getrefcount(value) for value in kept]

number = int(sys.argv[1])
for name, call in calls.items():
    again(call, 200)
    blocks, memory, references = again(call, 1)
    more, larger, now = again(call, number)
    assert now == references, name
    assert more - blocks < number / 10 + 20, (name, more - blocks)
    # What malloc and not Python keeps is seen where the calls are many.
    assert larger - memory < max(1 << 20, number * 4), (name, larger - memory)
    fa.set_num_threads(None)
print(len(calls), "kinds")
"""


@once
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")  # noqa: PTH110
def test_nothing_is_kept():
    printed = run_child(LEAKS.replace("sys.argv[1]", f"{CALLS}"), timeout=24 * 3600)
    assert printed.endswith("kinds")
