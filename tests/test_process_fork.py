"""fork: no thread of fastact exists in the child, and none may be waited for there.

The fault: libgomp hangs in a child of fork at its first region, for ever, if the parent had one
(pytorch #17199, xgboost #7044, OpenBLAS #294).
"""

from __future__ import annotations

import multiprocessing
import os

import numpy as np
import pytest
from children import run_child
from instruction_sets import once

import fastact as fa

pytestmark = [
    once,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

PREPARE = """
import multiprocessing, os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forking where there are threads
import numpy as np, fastact as fa

x = np.linspace(-5, 5, 1 << 20)
rows = x.reshape(-1, 64)

def results():
    return fa.mish(x).tobytes() + fa.softmax(rows).tobytes() + fa.relu(x[::2]).tobytes()

with fa.num_threads(1):
    expected = results()
assert results() == expected

def ends_well(child):
    return os.waitpid(child, 0)[1] == 0

def work(i):
    return results() == expected
"""


def run_forking(program):
    # Waiting for threads that fork does not copy is for ever: then the time is up.
    assert run_child(PREPARE + program, timeout=60, OMP_NUM_THREADS="3").endswith("done")


def test_child_grandchild_and_parent_again():
    run_forking("""
child = os.fork()
if child == 0:
    ok = results() == expected and results() == expected
    grandchild = os.fork()
    if grandchild == 0:
        os._exit(0 if results() == expected else 3)
    os._exit(0 if ok and ends_well(grandchild) else 3)
assert ends_well(child)
assert results() == expected
print("done")
""")


def test_fork_while_another_thread_is_inside_a_call():
    """The child finds the team taken, its lock held, and nobody to give them back."""
    run_forking("""
big = np.linspace(-5, 5, 1 << 22)
stop = threading.Event()
def calls():
    while not stop.is_set():
        fa.mish(big)
threads = [threading.Thread(target=calls) for _ in range(2)]
for thread in threads: thread.start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        os._exit(0 if results() == expected else 3)
    assert ends_well(child)
stop.set()
for thread in threads: thread.join()
assert results() == expected
print("done")
""")


def test_threads_in_the_child():
    run_forking("""
child = os.fork()
if child == 0:
    found = []
    threads = [threading.Thread(target=lambda: found.append(results())) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    with fa.num_threads(2):
        found.append(results())
    os._exit(0 if found == [expected] * 5 else 3)
assert ends_well(child)
print("done")
""")


def test_fork_in_the_handler_of_a_signal_during_a_call():
    """The child is in the middle of a call whose other half nobody will compute."""
    run_forking("""
import signal
children = []
def fork(*_):
    child = os.fork()
    if child == 0 and sys.argv[1:] == ["exit"]:
        os._exit(0 if results() == expected else 3)
    children.append(child)
signal.signal(signal.SIGALRM, fork)
def long_call():
    y = np.zeros(1 << 25)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    fa.mish.derivative(y, out=y)
    assert (y == fa.mish.derivative(0.0)).all()
sys.argv[1:] = ["exit"]
long_call()
while not children: fa.mish(x)
assert ends_well(children.pop())
sys.argv[1:] = []
try:
    long_call()
except RuntimeError as error:
    assert children == [0] and "forked" in str(error)  # only the child cannot go on
    os._exit(0 if results() == expected else 3)
while not children: fa.mish(x)
if children == [0]:  # a fast machine: the call was over before the handler ran
    os._exit(0)
assert ends_well(children.pop())
print("done")
""")


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_multiprocessing(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    # An activation pickles by its name, so that a pool can call it.
    run_forking(f"""
if __name__ == "__main__":
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        assert all((y == fa.mish(x)).all() for y in pool.map(fa.mish, [x] * 4))
        if {method!r} == "fork":
            assert pool.map(work, range(4)) == [True] * 4
    assert results() == expected
    print("done")
""")


def test_fork_of_this_process():
    """As above in a process that has done all sorts of things: the tests' own."""
    x = np.linspace(-5, 5, 1 << 18)
    expected = fa.mish(x)
    child = os.fork()
    if child == 0:
        os._exit(0 if (fa.mish(x) == expected).all() else 3)
    assert os.waitpid(child, 0)[1] == 0
