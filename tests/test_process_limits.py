"""Limits: where the system gives no more threads or memory, a call makes do or says so.

The faults: libgomp ends the process where it cannot create a thread (smcpp #50, Protenix #110), and
a library that has half of its memory leaks that half.
"""

from __future__ import annotations

import sys

import pytest
from children import finished_child, run_child
from instruction_sets import once

import fastact as fa

pytestmark = [
    once,
    pytest.mark.skipif(sys.platform != "linux", reason="sets the limits of Linux"),
]
needs_openmp = pytest.mark.skipif(not fa.runtime_info()["openmp"], reason="no OpenMP here")

PREPARE = """
import gc, os, resource, sys
import numpy as np, fastact as fa

x = np.linspace(-5, 5, 1 << 17, dtype=np.float32)  # enough for eight threads
y = np.empty_like(x)
with fa.num_threads(1):
    expected = fa.mish(x)

def threads():
    return len(os.listdir("/proc/self/task"))

def limit(what, value):
    resource.setrlimit(what, (value, resource.getrlimit(what)[1]))

def size(what="VmSize:"):
    return next(int(line.split()[1]) << 10 for line in open("/proc/self/status")
                if line.startswith(what))

def right():
    fa.mish(x, out=y)
    return (y == expected).all()
"""


@needs_openmp
@pytest.mark.parametrize("allowed", [0, 1, 2, 3, 5, 8])
def test_number_of_processes(allowed):
    """RLIMIT_NPROC counts the threads of a user, root's excepted: the child becomes somebody whom
    nobody else is. Without that right nothing can be said but that no thread is to be had."""
    printed = run_child(
        PREPARE
        + f"""
allowed = {allowed}
try:
    os.setuid(54_321 + allowed)
    limit(resource.RLIMIT_NPROC, threads() + allowed)
except PermissionError:
    allowed = 0
    limit(resource.RLIMIT_NPROC, 1)
before = threads()
assert all(right() for _ in range(3))
assert threads() - before <= allowed
print(threads() - before if allowed > 1 else 1)
limit(resource.RLIMIT_NPROC, resource.getrlimit(resource.RLIMIT_NPROC)[1])
assert all(right() for _ in range(260))  # and now there are more to be had
assert threads() - before == 7, threads()
""",
        OMP_NUM_THREADS="8",
    )
    assert int(printed) >= 1


@needs_openmp
def test_threads_that_others_take_meanwhile():
    """The limit comes when there is a team already, and the team is to grow."""
    run_child(
        PREPARE
        + """
before = threads()
with fa.num_threads(2):
    assert right()
os.setuid(54_320) if os.getuid() == 0 else None
limit(resource.RLIMIT_NPROC, threads() + 2 if os.getuid() == 54_320 else 1)
for n in (3, 6, 2, 8):
    with fa.num_threads(n):
        assert all(right() for _ in range(260))
assert threads() - before <= 3
""",
        OMP_NUM_THREADS="8",
    )


@needs_openmp
@pytest.mark.parametrize("stack", ["", "4M", "100M"])
def test_address_space_for_threads(stack):
    """Each thread wants its stack, and libgomp something beside it: wherever the limit lies, a call
    ends well. In steps of a part of a stack, up to where all eight threads fit."""
    program = (
        PREPARE
        + """
before = threads()
limit(resource.RLIMIT_AS, size() + int(sys.argv[1]))
right(), right()
ok = right()
os._exit(threads() - before if ok else 99)
"""
    )
    megabyte = 1 << 20
    seen = set()
    variables = {"OMP_NUM_THREADS": "8", "MALLOC_ARENA_MAX": "1"}
    if stack:
        variables["OMP_STACKSIZE"] = stack
    largest = {"": 100, "4M": 60, "100M": 1000}[stack]
    for room in (0, 1, *range(2, largest, largest // 9)):
        done = finished_child(program.replace("sys.argv[1]", str(room * megabyte)), **variables)
        assert 0 <= done.returncode <= 7, (room, done.returncode, done.stderr)
        seen.add(done.returncode)
    assert {0, 7} <= seen  # the limits went from too little to enough


def test_memory():
    """A result that does not fit is a MemoryError; nothing of it stays, and the next call works."""
    run_child(
        PREPARE
        + """
from fastact import buffers
import array
big = np.zeros(1 << 24)
rows, half = big.reshape(-1, 64), big.astype(np.float32)
flat, whole = array.array("d", [0.0]) * (1 << 24), big.astype(np.int64)
assert right()
calls = {
    "value": lambda: fa.mish(big),
    "derivative": lambda: fa.elu.derivative(big, alpha=0.5),
    "backward": lambda: fa.mish.backward(big, big),
    "both": lambda: fa.mish.value_and_derivative(big),
    "ufunc": lambda: fa.mish.ufunc(big),
    "strided": lambda: fa.mish(big.reshape(4096, -1)[:, ::-1]),
    "of integers": lambda: fa.mish(whole),
    "to float64": lambda: fa.mish(half, dtype=np.float64),
    "float32": lambda: (fa.relu(half), fa.relu(half), fa.relu(half)),
    "softmax": lambda: fa.softmax(rows),
    "softmax, other axis": lambda: fa.softmax(rows, axis=0),
    "softmax backward": lambda: fa.softmax.backward(rows, rows),
    "jacobian": lambda: fa.softmax.jacobian(rows),
    "ufunc of rows of integers": lambda: fa.logsumexp.ufunc(whole.reshape(-1, 64)),
    "buffer": lambda: buffers.mish(flat),
}
# The result fits only once where two are needed, and not at all where one is.
room = size() + (100 << 20)
limit(resource.RLIMIT_AS, room)
def fails(name, call):
    try:
        call()
    except MemoryError:
        return
    raise AssertionError(name + " found memory")

for name, call in calls.items():
    fails(name, call)  # the first time may import what the error needs
    gc.collect()
    before = sys.getrefcount(big), sys.getrefcount(rows), size("VmRSS:"), sys.getallocatedblocks()
    for _ in range(3):
        fails(name, call)
    after = sys.getrefcount(big), sys.getrefcount(rows), size("VmRSS:"), sys.getallocatedblocks()
    assert after[:2] == before[:2], name
    assert after[2] < before[2] + (8 << 20), (name, before, after)
    assert after[3] < before[3] + 100, (name, before, after)
    assert right(), name
""",
        MIMALLOC_ARENA_RESERVE="0",  # free-threaded Python takes a gigabyte for later otherwise
    )


@needs_openmp
def test_no_memory_for_the_table_of_a_16_bit_call():
    """What a call allocates for itself may fail, too: then it goes another way."""
    run_child(
        PREPARE
        + """
x = np.linspace(-5, 5, 1 << 20).astype(np.float16)
expected, y = fa.mish(x).tobytes(), np.empty_like(x)
for room in (0, 1 << 12, 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20):
    limit(resource.RLIMIT_AS, size() + room)
    y[:] = 0
    fa.mish(x, out=y)
    limit(resource.RLIMIT_AS, resource.getrlimit(resource.RLIMIT_AS)[1])
    assert y.tobytes() == expected, room
"""
    )
