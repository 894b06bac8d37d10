"""Time per element against the number of elements, 1 to 2^27, on one thread and on two.

    python benchmarks/scaling.py [--largest POWER] [--rounds N] [--json FILE]

At every size one thread and two take turns. float32, into memory that is there; softmax of rows of
64.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import records

import fastact
from fastact.cli import timing
from fastact.cli.bench import COPY, ROW_LENGTH, size_text
from fastact.cli.common import processor

FUNCTIONS = ("relu", "sigmoid", "mish", "softmax")
THREADS = (1, 2)


def sizes(largest: int) -> list[int]:
    """Return the powers of 2, and from 128 on numbers between them."""
    powers = [2**power for power in range(largest + 1)]
    return sorted([*powers, *(3 * size // 2 for size in powers[7:-1])])


def measure(x: Any, out: Any, rounds: int) -> list[dict[str, Any]]:
    """Time the functions of so many elements.

    Parameters
    ----------
    x, out : ndarray
    rounds : int

    Returns
    -------
    list of dict
        One per function and number of threads.
    """
    found: dict[tuple[str, int], list[float]] = {}
    rows = x.size % ROW_LENGTH == 0
    arrays = dict.fromkeys((*FUNCTIONS, COPY), (x, out))
    if rows:
        arrays["softmax"] = x.reshape(-1, ROW_LENGTH), out.reshape(-1, ROW_LENGTH)
    else:
        del arrays["softmax"]
    calls = {
        name: timing.Call(getattr(fastact, name, np.positive), given[:1], {"out": given[1]})
        for name, given in arrays.items()
    }
    for _ in range(rounds):
        for threads in THREADS:
            with fastact.num_threads(threads):
                for name, seconds in timing.medians(calls, rounds=1).items():
                    found.setdefault((name, threads), []).append(seconds)
    return [
        {
            "function": name,
            "elements": x.size,
            "threads": threads,
            "ns_per_element": records.rounded(1e9 * float(np.median(taken)) / x.size),
        }
        for (name, threads), taken in found.items()
    ]


def main() -> None:
    """Measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--largest", type=int, default=27, metavar="POWER", help="of 2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=records.times("scaling"))
    options = parser.parse_args()
    largest = 2**options.largest
    x = np.random.default_rng(0).standard_normal(largest, np.float32)
    x *= 3
    out = np.zeros_like(x)
    results = []
    for size in sizes(options.largest):
        rounds = options.rounds if size < 2**20 else min(3, options.rounds)
        results += measure(x[:size], out[:size], rounds)
        shown = (f"{r['function']} {r['ns_per_element']}" for r in results if r["elements"] == size)
        print(size_text(size), *shown, sep="  ", flush=True)
    runtime = fastact.runtime_info()
    about = {
        "processor": processor(),
        "rounds": options.rounds,
        **{key: runtime[key] for key in ("isa", "version", "compiler", "parallel_threshold")},
    }
    records.write(options.json, about, results)


if __name__ == "__main__":
    main()
