"""Instructions per element of every kernel: a number that is the same in every run, as no time is.

``python benchmarks/instruction_counts.py`` counts them under valgrind, for the instruction sets
that it knows (it knows no AVX-512), and prints what has changed since ``results/instructions.json``
was written; ``--write`` writes that anew, for the compiler at hand. A test fails where a count has
grown by more than 5 %.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import fastact
from fastact.catalogue import CATALOGUE, ROW_CATALOGUE
from fastact.cli.common import activation, row_function

RECORD = Path(__file__).parent / "results" / "instructions.json"
ISAS = ("baseline", "avx2")
DTYPES = ("float16", "float32", "float64")
ELEMENTS = 4096
ROWS = 4

Counts = dict[str, dict[str, float]]  # by instruction set and kernel


def calls() -> None:
    """Call every kernel for as many elements: what is counted."""
    with fastact.num_threads(1):
        for dtype in DTYPES:
            x = np.linspace(-8, 8, ELEMENTS).astype(dtype)
            out = np.empty_like(x), np.empty_like(x)
            for row in CATALOGUE:
                function = activation(row.name)
                function(x, out=out[0])
                function.derivative(x, out=out[0])
                function.backward(x, x, out=out[0])
                function.value_and_derivative(x, out=out)
            for axis, shape in ((-1, (ROWS, -1)), (0, (-1, ROWS * 16))):
                matrix, result = x.reshape(shape), out[0].reshape(shape)
                for one in ROW_CATALOGUE:
                    rows = row_function(one.name)
                    given = matrix[:, 0] if axis else matrix[0]
                    if one.reduces:
                        rows(matrix, axis=axis)
                        rows.backward(given, matrix, axis=axis, out=result)
                        continue
                    rows(matrix, axis=axis, out=result)
                    rows.backward(matrix, matrix, axis=axis, out=result)
                    if "backward_from_output" in one.operations:
                        rows.backward_from_output(matrix, matrix, axis=axis, out=result)


def count(isa: str) -> dict[str, float]:
    """Return the instructions per element of every kernel of an instruction set, by its symbol.

    Parameters
    ----------
    isa : str

    Returns
    -------
    dict of str to float
        What a kernel calls is counted with it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts"
        subprocess.run(
            [
                "valgrind",
                "--tool=callgrind",
                "--collect-atstart=no",
                f"--toggle-collect=*_{isa}_*f*",
                f"--callgrind-out-file={path}",
                *(sys.executable, __file__, "--calls"),
            ],
            env={**os.environ, "FASTACT_ISA": isa, "PYTHONMALLOC": "malloc"},
            capture_output=True,
            check=True,
        )
        return read(path.read_text(), isa)


def read(text: str, isa: str) -> dict[str, float]:
    """Return the same from what callgrind wrote.

    Parameters
    ----------
    text : str
    isa : str

    Returns
    -------
    dict of str to float
    """
    names: dict[str, str] = {}  # by the number that stands for a name from its second time on
    found: dict[str, int] = {}
    kernel = re.compile(rf"(\w+)_{isa}_(b?f\d+)")
    callee = caller = called = None
    for line in text.splitlines():
        if match := re.match(r"(c?)fn=\((\d+)\)(?: (\S+))?", line):
            inner, number, name = match.groups()
            names.setdefault(number, name)
            callee, caller = (number, caller) if inner else (None, number)
        elif line.startswith("calls="):
            called = callee
        elif called is not None:
            # Only whoever is not itself a kernel calls the whole of one.
            outer, whole = kernel.match(names[caller or called]), kernel.match(names[called])
            if whole and not outer:
                symbol = f"{whole[1]} {whole[2]}"
                found[symbol] = found.get(symbol, 0) + int(line.split()[1])
            called = None
    per_element = {symbol: round(total / ELEMENTS, 3) for symbol, total in sorted(found.items())}
    # Less is what hands on to another kernel, or is called once for a row.
    return {symbol: number for symbol, number in per_element.items() if number > 0.1}


def can_count() -> bool:
    """Return whether this machine can."""
    return shutil.which("valgrind") is not None


def recorded() -> dict[str, Any]:
    """Return what was recorded: the compiler and its flags, and the counts."""
    content: dict[str, Any] = json.loads(RECORD.read_text())
    return content


def here() -> dict[str, str]:
    """Return what the counts depend on."""
    runtime = fastact.runtime_info()
    return {"compiler": runtime["compiler"], "flags": runtime["compile_flags"]}


def changes(now: Counts, before: Counts) -> list[tuple[float, str]]:
    """Return by how much kernels have grown, as (ratio, kernel), the largest first.

    Parameters
    ----------
    now : dict
    before : dict

    Returns
    -------
    list of tuple
    """
    grown = [
        (counts[kernel] / before[isa][kernel], f"{kernel} {isa}")
        for isa, counts in now.items()
        for kernel in counts
        if kernel in before.get(isa, {})
    ]
    return sorted(grown, reverse=True)


def main() -> int:
    """Count, and compare or record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="record the counts")
    parser.add_argument("--calls", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.calls:
        calls()
        return 0
    if not can_count():
        print("valgrind is not installed.", file=sys.stderr)
        return 1
    available = fastact.runtime_info()["isa_available"]
    now = {isa: count(isa) for isa in ISAS if isa in available}
    if options.write:
        record = {**here(), "elements": ELEMENTS, "counts": now}
        RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
        return 0
    before = recorded()
    if {key: before[key] for key in here()} != here():
        print(f"recorded with {before['compiler']} {before['flags']}: not to be compared")
        return 1
    for ratio, kernel in changes(now, before["counts"]):
        if abs(ratio - 1) > 0.005:
            print(f"{ratio:6.3f}  {kernel}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
