"""Measure everything that the page of results shows, into benchmarks/results/times/: half an hour.

    python benchmarks/report.py [NAME ...]

Each file is measured in a process of its own. What was measured since the kernels were built is
not measured again: an interrupted run goes on where it was. Only when all are there do they replace
the files in benchmarks/results/times/, so that what is shown comes from one run. NAME measures
some files alone, into build/times/. The machine must be idle.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import records
from loop_cycles import gigahertz, machine_code

from fastact.cli import bench, peers
from fastact.cli.common import FUNCTIONS, GATES, ROWS

MADE = records.ROOT / "build" / "times"
BENCHMARKS = Path(__file__).parent
WITHIN = 3.0  # times fastact's time; who takes longer is timed in two rounds alone
HEADLINE = ("sigmoid", "tanh", "silu", "relu", "gelu", "mish")
IN_CACHE, LARGE = 4096, 2**20


@dataclass(frozen=True)
class Part:
    """What a process measures beside the peers.

    Attributes
    ----------
    work : bench.Work
    threads : int
    functions : tuple of str
    sizes : tuple of int
    rounds : int
        Those of the largest size are fewer.
    peer : str or None
        The only one in the process; None: all.
    """

    work: bench.Work = field(default_factory=bench.Work)
    threads: int = 2
    functions: tuple[str, ...] = FUNCTIONS
    sizes: tuple[int, ...] = bench.SIZES
    rounds: int = 5
    peer: str | None = None


def parts() -> dict[str, Part]:
    """Return what is measured beside the peers, by the name of the file."""
    every = (*FUNCTIONS, *GATES)
    found = {
        "value-float32-2": Part(functions=every),
        "value-float32-1": Part(threads=1, functions=every),
        "value-float64-2": Part(bench.Work(dtype="float64"), functions=every),
        "backward-float32-2": Part(bench.Work("backward")),
        "derivative-float32-2": Part(bench.Work("derivative"), functions=tuple(ROWS)),
    }
    for inputs in peers.INPUTS:
        work = bench.Work(inputs=inputs)
        some = (*HEADLINE, "elu", "softplus")
        found[f"inputs-{inputs}"] = Part(work, functions=some, sizes=(IN_CACHE, LARGE))
    for peer in peers.PEERS:
        found[records.alone(peer)] = Part(functions=HEADLINE, sizes=(LARGE,), peer=peer, rounds=9)
    return found


PARTS = parts()
#: What has a program of its own, and that program's arguments.
OTHERS = {
    "scaling": ["scaling.py"],
    "whole-programs": ["whole_programs.py"],
    "loop-cycles": ["loop_cycles.py"],
}


def measure(part: Part, path: Path) -> bool:
    """Measure a part in this process, and write it.

    Parameters
    ----------
    part : Part
    path : pathlib.Path

    Returns
    -------
    bool
        False where the only peer is not installed.
    """

    def advance(name: str, size: int) -> None:
        if sys.stderr.isatty():
            print(f"\r  {name} {bench.size_text(size):20}", end="\r", file=sys.stderr)

    with bench.limited(part.threads) as threads:
        others = peers.installed(threads, None if part.peer is None else [part.peer])
        if part.peer and not others:
            return False
        about = bench.conditions(part.work, others, threads, part.rounds)
        before = gigahertz()
        results = []
        for sizes, rounds in (
            (tuple(size for size in part.sizes if size <= LARGE), part.rounds),
            (tuple(size for size in part.sizes if size > LARGE), 3),
        ):
            names = list(part.functions)
            with np.errstate(all="ignore"):  # warnings take NumPy's expressions their time
                results += bench.measure(names, part.work, sizes, rounds, others, advance, WITHIN)
    about |= {"rounds_of_largest": 3, "two_rounds_beyond": WITHIN}
    about |= {"gigahertz": [before, gigahertz()]}
    order = {name: i for i, name in enumerate(part.functions)}
    results.sort(key=lambda result: (order[result.function], result.elements))
    rows = [
        {
            "function": result.function,
            "shape": result.shape,
            "elements": result.elements,
            "ns_per_element": {
                name: records.rounded(1e9 * seconds / result.elements)
                for name, seconds in result.seconds.items()
            },
        }
        for result in results
    ]
    records.write(path, about, rows)
    return True


def is_new(path: Path) -> bool:
    """Return whether a file was written since the kernels were built."""
    kernels = machine_code.kernels_path()
    return path.exists() and path.stat().st_mtime > kernels.stat().st_mtime


def run_all(names: list[str]) -> int:
    """Measure what is not there, each in a process of its own.

    Parameters
    ----------
    names : list of str
        Nothing stands for all.

    Returns
    -------
    int
        The exit code.
    """
    chosen = names or [*PARTS, *OTHERS]
    environment = {**os.environ, "PYTHONPATH": str(records.ROOT)}
    absent = []
    for i, name in enumerate(chosen, 1):
        path = MADE / f"{name}.json"
        print(f"[{i:2}/{len(chosen)}] {name:24}", end="", flush=True)
        if is_new(path):
            print("is there")
            continue
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        program = (
            [str(BENCHMARKS / OTHERS[name][0])] if name in OTHERS else [__file__, "--part", name]
        )
        begin = time.monotonic()
        with (MADE / f"{name}.log").open("w", encoding="utf-8") as log:
            done = subprocess.run(
                [sys.executable, *program, "--json", str(path)], env=environment, stdout=log
            )
        print(f"{time.monotonic() - begin:6.0f} s" if path.exists() else "nothing: see its .log")
        if done.returncode == 0 and not path.exists():
            absent.append(name)
        elif done.returncode:
            return done.returncode
    if absent:
        print(f"not installed: {', '.join(absent)}")
    if not names:
        records.TIMES.mkdir(parents=True, exist_ok=True)
        for name in chosen:
            path = MADE / f"{name}.json"
            if path.exists():
                shutil.copyfile(path, records.TIMES / path.name)
                path.unlink()
        print(f"all of them are in {records.TIMES.relative_to(records.ROOT)}/")
    return 0


def main() -> int:
    """Measure all, or one part."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*PARTS, *OTHERS]))
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        measure(PARTS[options.part], options.json)
        return 0
    if unknown := set(options.names) - {*PARTS, *OTHERS}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    return run_all(options.names)


if __name__ == "__main__":
    sys.exit(main())
