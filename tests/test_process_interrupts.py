"""Signals: Ctrl-C ends a long call, and handlers run while it goes on.

The fault: native code that runs for minutes is deaf to Ctrl-C until it is done (scikit-learn #9136,
Corrfunc #12, numpy #20148).
"""

from __future__ import annotations

import signal

import pytest
from children import run_child
from instruction_sets import once

pytestmark = [
    once,
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers"),
]

# A call takes a second or so; the arrays take no memory before they are written.
PREPARE = """
import array, os, signal, threading, time
import numpy as np, fastact as fa
from fastact import buffers

N = 1 << 26
x, out = np.zeros(N), np.zeros(N)
small = np.linspace(-5, 5, 1 << 17)
with fa.num_threads(1):
    expected = fa.mish(small)

def right():
    return (fa.mish(small) == expected).all()

calls = {
    "whole arrays": lambda: fa.mish.derivative(x, out=out),
    "in place": lambda: fa.mish.derivative(out, out=out),
    "views": lambda: fa.mish.derivative(x.reshape(8192, -1)[:, 1:],
                                        out=out.reshape(8192, -1)[:, 1:]),
    "strides": lambda: fa.mish.derivative(x[::-1], out=out),
    "ufunc": lambda: fa.mish.derivative.ufunc(x, out=out),
    "keywords": lambda: fa.mish.derivative(x, out=out, casting="safe"),
    "integers": lambda: fa.mish.derivative(x.view(np.int64), out=out),
    "softmax": lambda: fa.softmax(x.reshape(-1, 64), out=out.reshape(-1, 64)),
    "long rows": lambda: fa.softmax(x.reshape(64, -1), out=out.reshape(64, -1)),
    "buffers": lambda: buffers.mish.derivative(x, out=out),
    "rows of buffers": lambda: buffers.softmax(x.reshape(-1, 64), out=out.reshape(-1, 64)),
}
"""

CALLS = (
    "whole arrays",
    "in place",
    "views",
    "strides",
    "ufunc",
    "keywords",
    "integers",
    "softmax",
    "long rows",
    "buffers",
    "rows of buffers",
)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("call", CALLS)
def test_interrupt(call, threads):
    """The exception comes out of the call itself, some of `out` is written and some is not, and all
    is well after."""
    run_child(
        PREPARE
        + f"""
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.02)
try:
    calls[{call!r}]()
except KeyboardInterrupt:
    pass
else:
    raise AssertionError("not interrupted")
assert (out[:: N // 1024] == 0).any(), "it went to the end first"
for _ in range(3):
    assert right()
""",
        FASTACT_ISA="baseline",
        OMP_NUM_THREADS=f"{threads}",
    )


def test_interrupt_by_a_process():
    """What Ctrl-C is: SIGINT from outside, into whichever thread the system chooses."""
    run_child(
        PREPARE
        + """
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
def press():
    time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGINT)
for _ in range(3):
    out[:] = 0
    thread = threading.Thread(target=press)
    thread.start()
    try:
        calls["whole arrays"]()
        raise AssertionError("not interrupted")
    except KeyboardInterrupt:
        pass
    thread.join()
    assert (out[:: N // 1024] == 0).any()
    assert right()
""",
        FASTACT_ISA="baseline",
        OMP_NUM_THREADS="2",
    )


@pytest.mark.parametrize("threads", [1, 3])
def test_handler_that_calls(threads):
    """The handler runs in the middle of a call, whose team it cannot have."""
    run_child(
        PREPARE
        + """
handled = []
def handler(*_):
    with fa.num_threads(2):
        handled.append(right())
    if len(handled) < 4:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
signal.signal(signal.SIGALRM, handler)
x, out = x[: N // 4], out[: N // 4]
signal.setitimer(signal.ITIMER_REAL, 0.01)
calls["whole arrays"]()
while len(handled) < 4: right()
assert all(handled), handled
assert (out == fa.mish.derivative(0.0)).all()  # a handler that returns changes nothing
""",
        FASTACT_ISA="baseline",
        OMP_NUM_THREADS=f"{threads}",
    )


def test_handler_that_is_interrupted_in_a_call():
    """The exception of the inner call ends the outer one, too."""
    run_child(
        PREPARE
        + """
other = np.zeros(N)
def handler(*_):
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    fa.mish(x, out=other)
    raise AssertionError("not interrupted")
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.02)
try:
    calls["whole arrays"]()
    raise AssertionError("not interrupted")
except KeyboardInterrupt:
    pass
assert right()
""",
        FASTACT_ISA="baseline",
        OMP_NUM_THREADS="2",
    )


def test_calls_of_other_threads_go_on():
    """Signals are for the main thread: a call elsewhere is not cut short by what it raises."""
    run_child(
        PREPARE
        + """
x, out = x[: N // 4], out[: N // 4]
over = threading.Event()
def work():
    calls["whole arrays"]()
    over.set()
thread = threading.Thread(target=work)
signal.signal(signal.SIGALRM, signal.default_int_handler)
interrupted = False
try:
    thread.start()
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    while True: time.sleep(1)
except KeyboardInterrupt:
    interrupted = True
over.wait()
assert interrupted and (out == fa.mish.derivative(0.0)).all()
""",
        FASTACT_ISA="baseline",
        OMP_NUM_THREADS="2",
    )
