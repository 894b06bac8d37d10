"""Find from how many elements on calls should run on two threads, for src_c/parallel.c.

For each kind of function ("cheap", "exponential") times one thread against two, the two taking
turns, at sizes from 2^10 to 2^20, in two ways: "in a row", calls one after the other, whose second
thread still spins when the next call comes; and "alone", a call after a pause, which has to wake
it. Prints how many times as fast two threads are, and from which size on they win at every size.

Run it on an otherwise idle machine: a call that waits for a thread which another program keeps
from running gains nothing at any size.

    python benchmarks/parallel_threshold.py
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import fastact
from fastact import _runtime
from fastact.catalogue import CATALOGUE
from fastact.cli import peers, timing

POWERS = range(10, 21)
KINDS = ("cheap", "exponential")
WAYS = ("in a row", "alone")
BATCH = 0.002  # seconds


@contextmanager
def always_parallel(kind: str) -> Iterator[None]:
    """Have every call of a kind go parallel within the block, if two threads are allowed."""
    before = fastact.runtime_info()["parallel_threshold"][kind]
    _runtime._set_parallel_threshold(kind, 2)
    try:
        yield
    finally:
        _runtime._set_parallel_threshold(kind, before)


def gains(function: str, dtype: str, size: int, rounds: int) -> dict[str, float]:
    """Return the median time on one thread over that on two, in each way."""
    call = peers.fastact_call("value", function, peers.Arrays.normal((size,), dtype))
    assert call is not None
    timer = call.timer()
    with fastact.num_threads(1):
        number = timing.calls_per_batch(timer, BATCH)
    samples: dict[tuple[str, int], list[float]] = {(w, n): [] for w in WAYS for n in (1, 2)}
    for _ in range(rounds):
        for threads in (1, 2):
            with fastact.num_threads(threads):
                time.sleep(timing.PAUSE)
                samples["alone", threads].append(timer.timeit(1))
                timing.warm_up(call)
                samples["in a row", threads].append(timer.timeit(number) / number)
    medians = {key: statistics.median(taken) for key, taken in samples.items()}
    return {way: medians[way, 1] / medians[way, 2] for way in WAYS}


def first_winner(by_size: dict[int, float]) -> str:
    """Return the smallest size from which on every gain is above 1."""
    found = "none"
    for size in sorted(by_size, reverse=True):
        if by_size[size] <= 1.0:
            break
        found = f"2^{size.bit_length() - 1} = {size:,}"
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    options = parser.parse_args()
    with fastact.num_threads(2):
        if fastact.get_num_threads() < 2:
            print("This process may use only one thread.", file=sys.stderr)
            return 1
    info = fastact.runtime_info()
    print(f"{options.dtype}, {info['isa']}; time on one thread over that on two, the median")
    print("and the least of the functions of a kind")
    for kind in KINDS:
        functions = [row.name for row in CATALOGUE if row.cost == kind]
        print(f"\n{kind}: {', '.join(functions)}")
        print(f"{'elements':>10}", *(f"{way:>16}" for way in WAYS))
        found: dict[str, dict[int, float]] = {way: {} for way in WAYS}
        with always_parallel(kind):
            for power in POWERS:
                size = 2**power
                measured = [gains(f, options.dtype, size, options.rounds) for f in functions]
                cells = []
                for way in WAYS:
                    values = [gain[way] for gain in measured]
                    found[way][size] = statistics.median(values)
                    cells.append(f"{found[way][size]:9.2f} {min(values):6.2f}")
                print(f"{size:>10,}", *cells, flush=True)
        for way in WAYS:
            print(f"two threads win {way} from: {first_winner(found[way])}")
        print(f"in use: {info['parallel_threshold'][kind]:,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
