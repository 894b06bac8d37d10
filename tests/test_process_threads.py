"""Threads: those of the callers, those of fastact, and how many there are of both."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from children import run_child
from instruction_sets import once

import fastact as fa

TASKS = Path("/proc/self/task")
pytestmark = [
    once,
    pytest.mark.skipif(not fa.runtime_info()["openmp"], reason="built without OpenMP"),
]
needs_tasks = pytest.mark.skipif(not TASKS.exists(), reason="needs /proc")

COUNT = """
import os, threading, time
import numpy as np, fastact as fa

def threads():
    return len(os.listdir("/proc/self/task"))

class Peak(threading.Thread):
    "The largest number of threads of this process, its own apart, within a block."
    def __enter__(self):
        self.value, self.over = 0, threading.Event()
        self.start()
        return self
    def run(self):
        while not self.over.wait(0.002):
            self.value = max(self.value, threads() - 1)
    def __exit__(self, *_):
        self.over.set()
        self.join()

x = np.linspace(-5, 5, 1 << 20, dtype=np.float32)
with fa.num_threads(1):
    expected = fa.mish(x)

def right(_=None):
    return (fa.mish(x) == expected).all()
"""


@needs_tasks
def test_callers_share_one_team():
    """libgomp keeps a team for every thread that calls: 16 callers of 4 threads would be 64."""
    printed = run_child(
        COUNT
        + """
wrong = []
def work():
    for _ in range(50):
        if not right():
            wrong.append(1)
callers = [threading.Thread(target=work) for _ in range(16)]
with Peak() as peak:
    for caller in callers: caller.start()
    for caller in callers: caller.join()
assert not wrong
while threads() > 4:  # a thread that has been joined goes a little later
    time.sleep(0.001)
print(peak.value)
""",
        OMP_NUM_THREADS="4",
    )
    # The main thread, the callers, the workers of one of them.
    assert int(printed) <= 1 + 16 + 3


POOLS = {
    "concurrent.futures": """
from concurrent.futures import ThreadPoolExecutor
with Peak() as peak, ThreadPoolExecutor(4) as pool:
    assert all(pool.map(right, range(100)))
""",
    "concurrent.futures, processes": """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
with Peak() as peak, ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
    assert all((y == expected).all() for y in pool.map(fa.mish, [x] * 4))
""",
    "joblib, threads": """
import joblib
with Peak() as peak:
    done = joblib.Parallel(4, backend="threading")(joblib.delayed(right)() for _ in range(100))
assert all(done)
""",
    "joblib, loky": """
import joblib
with Peak() as peak:
    done = joblib.Parallel(2)(joblib.delayed(fa.mish)(x) for _ in range(8))
    seen = joblib.Parallel(2)(joblib.delayed(fa.get_num_threads)() for _ in range(2))
assert all((y == expected).all() for y in done)
# loky divides the processors among its processes and tells OpenMP.
assert seen == [max(1, fa.get_num_threads() // 2)] * 2, seen
""",
    "dask": """
import dask.array
with Peak() as peak, dask.config.set(scheduler="threads", num_workers=4):
    y = fa.mish(dask.array.from_array(np.tile(x, 16), chunks=1 << 20)).compute()
assert (y == np.tile(expected, 16)).all()
""",
}


@needs_tasks
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("pool", POOLS)
def test_pools(pool):
    """Each worker of a pool that brings a team of its own makes a machine of threads out of it."""
    module = pool.split(",")[0]
    pytest.importorskip(module)
    variables = {} if pool == "joblib, loky" else {"OMP_NUM_THREADS": "4"}
    printed = run_child(COUNT + POOLS[pool] + "print(peak.value)\n", **variables)
    # The main thread, four of the pool and the few that run it, and three workers; not 4 times 4.
    assert int(printed) <= 1 + 4 + 4 + 3


def test_a_team_grows_and_is_used_in_part():
    printed = run_child(
        COUNT
        + """
for n in (2, 5, 3, 8, 2, 1, 8):
    with fa.num_threads(n):
        for _ in range(20):
            assert right()
print(threads() if os.path.isdir("/proc/self/task") else 8)
""",
        OMP_NUM_THREADS="8",
    )
    assert int(printed) == 8  # the caller and seven workers


@needs_tasks
def test_workers_sleep_between_calls():
    """A pool that spins takes the processors from the rest of the program: libgomp's own does for
    milliseconds, Intel's for 200. What the workers burn after a call is counted by the system."""
    printed = run_child(
        COUNT
        + """
def state_and_time(task):
    path = f"/proc/self/task/{task}/"
    state = open(path + "stat").read().rpartition(")")[2].split()[0]
    return state, int(open(path + "schedstat").read().split()[0])

before = set(os.listdir("/proc/self/task"))
assert right()
workers = set(os.listdir("/proc/self/task")) - before
assert len(workers) == 3, workers
at_end = {task: state_and_time(task)[1] for task in workers}
while any(state_and_time(task)[0] != "S" for task in workers):
    time.sleep(0.001)
asleep = {task: state_and_time(task)[1] for task in workers}
time.sleep(0.3)
assert {task: state_and_time(task)[1] for task in workers} == asleep
print(max(asleep[task] - at_end[task] for task in workers))
""",
        OMP_NUM_THREADS="4",
    )
    assert int(printed) < 10_000_000  # ns of processor time


@needs_tasks
def test_signals_are_not_for_the_workers():
    """A signal that a worker takes is one that nobody handles: sigwait in the program would wait
    for it for ever."""
    run_child(
        COUNT
        + """
import signal
before = set(os.listdir("/proc/self/task"))
assert right()
for task in set(os.listdir("/proc/self/task")) - before:
    for line in open(f"/proc/self/task/{task}/status"):
        if line.startswith("SigBlk:"):
            blocked = int(line.split()[1], 16)
            for name in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1):
                assert blocked >> (name - 1) & 1, (task, name)
assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])  # of the caller, as before
""",
        OMP_NUM_THREADS="4",
    )


# ---- whose number of threads it is --------------------------------------------------------------


@pytest.fixture
def two():
    """At least two threads, so that one is something else."""
    if fa.get_num_threads() < 2:
        pytest.skip("one thread is all there is here")


def test_num_threads_is_the_tasks_own(two):
    """A number kept per thread would be seen by every task that an event loop runs meanwhile."""
    before = fa.get_num_threads()

    async def limited(entered, left):
        with fa.num_threads(1):
            entered.set()
            await left.wait()
            return fa.get_num_threads()

    async def main():
        entered, left = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(limited(entered, left))
        await entered.wait()
        meanwhile = fa.get_num_threads()
        with fa.num_threads(1):
            inherited = await asyncio.create_task(number_of_threads())
            elsewhere = await asyncio.to_thread(fa.get_num_threads)
        left.set()
        return await task, meanwhile, inherited, elsewhere, fa.get_num_threads()

    async def number_of_threads():
        return fa.get_num_threads()

    assert asyncio.run(main()) == (1, before, 1, 1, before)


def test_num_threads_follows_a_context(two):
    before = fa.get_num_threads()
    with fa.num_threads(1):
        context = contextvars.copy_context()
    assert fa.get_num_threads() == before
    assert context.run(fa.get_num_threads) == 1


def test_one_block_shared_by_threads(two):
    """The object may be made once and entered by many."""
    limit, before = fa.num_threads(1), fa.get_num_threads()
    inside, done = threading.Barrier(8), []

    def work():
        for _ in range(50):
            with limit, limit:
                inside.wait()
                within = fa.get_num_threads()
            done.append((within, fa.get_num_threads()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(done) == {(1, before)}
    assert len(done) == 400


@needs_tasks
def test_the_block_binds_what_a_call_does():
    """Not only the number that is told: with one thread there is no team."""
    printed = run_child(
        COUNT
        + """
before = threads()
calls = [right, lambda: fa.mish.ufunc(x), lambda: fa.mish(x[::2]), lambda: fa.mish(x, where=True),
         lambda: fa.softmax(x.reshape(-1, 64)), lambda: fa.mish.backward(x, x)]
with fa.num_threads(1):
    for call in calls: call()
assert threads() == before
for call in calls: call()
print(threads() - before)
""",
        OMP_NUM_THREADS="4",
    )
    assert printed == "3"


def test_threadpoolctl_limits_the_thread_that_asks(two):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    before, found = fa.get_num_threads(), []

    def limited():
        with threadpoolctl.threadpool_limits(1, user_api="openmp"):
            found.append(fa.get_num_threads())
            inside.wait()
            left.wait()

    inside, left = threading.Barrier(2), threading.Event()
    thread = threading.Thread(target=limited)
    thread.start()
    inside.wait()
    found.append(fa.get_num_threads())
    left.set()
    thread.join()
    assert found == [1, before]


# ---- what the environment says ------------------------------------------------------------------


@pytest.mark.parametrize("nonsense", ["", "0", "-3", "many", "2x", "99999999999999999999"])
def test_nonsense_in_openmps_variable_is_no_request(nonsense):
    """libgomp says so and goes on with all processors of the host: the quota must bind still."""
    printed = run_child(
        "import fastact as fa; i = fa.runtime_info(); print(i['num_threads_from'])",
        OMP_NUM_THREADS=nonsense,
    )
    assert printed in ("processors in the affinity mask", "cgroup quota")


@pytest.mark.parametrize("text", ["3", " 3 ", "3,2", "+3"])
def test_openmps_variable_as_openmp_reads_it(text):
    printed = run_child(
        "import fastact as fa; i = fa.runtime_info()\n"
        "print(i['num_threads'], i['num_threads_from'])",
        OMP_NUM_THREADS=text,
    )
    assert printed == "3 OMP_NUM_THREADS"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity masks here")
def test_affinity_that_changes_between_calls():
    """More threads than processors are allowed is what makes containers crawl (xgboost #7653)."""
    run_child(
        COUNT
        + """
allowed = sorted(os.sched_getaffinity(0))
for mask in (allowed, allowed[:1], allowed[-1:], allowed):
    os.sched_setaffinity(0, mask)
    assert fa.get_num_threads() == len(mask)
    assert right()
    # A worker stays within the mask of its caller.
    for task in os.listdir("/proc/self/task"):
        if int(task) != os.getpid() and fa.get_num_threads() > 1:
            assert os.sched_getaffinity(int(task)) <= set(mask)
"""
    )


@pytest.mark.parametrize(
    "variables",
    [
        {"OMP_THREAD_LIMIT": "2"},
        {"OMP_DYNAMIC": "true"},
        {"OMP_MAX_ACTIVE_LEVELS": "0"},
        {"OMP_PROC_BIND": "close", "OMP_PLACES": "cores"},
        {"OMP_WAIT_POLICY": "active"},
        {"OMP_STACKSIZE": "64k"},
        {"OMP_STACKSIZE": "1g"},
        {"OMP_STACKSIZE": "nonsense"},
    ],
    ids=str,
)
def test_other_variables_of_openmp(variables):
    run_child(COUNT + "assert all(map(right, range(20)))", OMP_NUM_THREADS="4", **variables)


def test_calls_from_threads_that_python_does_not_know():
    """Threads of a C program take the GIL only if they must, and end without a trace."""
    run_child(
        COUNT
        + """
import ctypes
with fa.num_threads(2):
    right()  # from now on a call asks the context
libc = ctypes.CDLL(None, use_errno=True)
START = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
wrong = []
@START
def start(_):
    if not right():
        wrong.append(1)
    return None
for _ in range(5):
    handle = ctypes.c_ulong()
    assert libc.pthread_create(ctypes.byref(handle), None, start, None) == 0
    assert libc.pthread_join(handle, None) == 0
assert not wrong
""",
        OMP_NUM_THREADS="3",
    )


def test_results_do_not_depend_on_who_calls():
    """Serial and parallel calls at once give the same bits."""
    x = np.linspace(-9, 9, 1 << 18)
    with fa.num_threads(1):
        expected = fa.mish(x).tobytes()
    found = []

    def work(n):
        with fa.num_threads(n):
            found.extend(fa.mish(x).tobytes() == expected for _ in range(20))

    threads = [threading.Thread(target=work, args=(1 + i % 3,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [True] * 120
