"""Find the lengths that decide between the ways through rows, for src_c/rows.c.

For each limit times softmax and log_softmax of float32 at row lengths on both sides of it, once
with the limit below the length and once above, the two taking turns, and prints how many times as
fast the way beyond the limit is. The limit belongs where that becomes more than 1; of rows
together, as many as are worth it. log_softmax keeps no exponentials.

    python benchmarks/row_limits.py
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

import fastact
from fastact import _runtime
from fastact.cli import timing

#: For each limit: the lengths of rows, and how many elements there are in all.
LENGTHS: dict[str, tuple[tuple[int, ...], int]] = {
    "short_row": ((8, 16, 24, 32, 48, 64, 80, 96, 128, 192, 256), 2**18),
    "rows_together": ((65, 80, 96, 128, 192, 256, 512, 1000), 2**18),
    "kept_exponentials": ((2**12, 2**13, 2**14, 2**15, 50_257, 2**16, 2**17, 2**18, 2**19), 2**22),
    "shared_row": ((2**16, 2**17, 2**18, 2**19, 2**20, 2**22), 1),
}
EFFECT = {
    "short_row": "along each row rather than side by side",
    "rows_together": "up to 8 rows at once rather than one",
    "kept_exponentials": "computing exponentials twice rather than keeping them",
    "shared_row": "two threads on one row rather than one thread",
}


@contextmanager
def kept_limit(name: str) -> Iterator[None]:
    """Have a limit after the block as it was before."""
    before = _runtime._row_limits()[name]
    try:
        yield
    finally:
        _runtime._set_row_limit(name, before)


def gain(function: fastact.RowFunction, name: str, n: int, rows: int, rounds: int) -> float:
    """Return the time on this side of the limit over that beyond it, the median."""
    x = 3 * np.random.default_rng(n).standard_normal((rows, n), np.float32)
    out = np.empty_like(x)

    def call(value: int) -> None:
        _runtime._set_row_limit(name, value)
        function(x, out=out)

    # Rows go together up to as many as the limit says; the others depend on the length.
    this_side, beyond = (1, 8) if name == "rows_together" else (2**62, 2)
    calls = {"this": timing.Call(call, (this_side,)), "beyond": timing.Call(call, (beyond,))}
    with kept_limit(name):
        found = timing.medians(calls, rounds=rounds)
    return found["this"] / found["beyond"]


def main() -> None:
    """Measure each limit."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", choices=LENGTHS, help="this limit alone")
    options = parser.parse_args()
    in_use = _runtime._row_limits()
    print(f"float32, {fastact.runtime_info()['isa']}; how many times as fast")
    for name, (lengths, elements) in LENGTHS.items():
        if options.only not in (None, name):
            continue
        print(f"\n{name}: {EFFECT[name]}; in use: {in_use[name]:,}")
        print(f"{'length':>10} {'softmax':>12} {'log_softmax':>12}")
        with fastact.num_threads(2 if name == "shared_row" else 1):
            for n in lengths:
                gains = (
                    gain(f, name, n, max(1, elements // n), options.rounds)
                    for f in (fastact.softmax, fastact.log_softmax)
                )
                print(f"{n:>10,}", *(f"{found:12.2f}" for found in gains), flush=True)


if __name__ == "__main__":
    main()
