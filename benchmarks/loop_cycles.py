"""Cycles per element of every kernel's main loop as llvm-mca has them: the floor in cache.

    python benchmarks/loop_cycles.py [--json FILE] [NAME ...]

The loop is read from the built extension. Two numbers come of it, both without a miss of a cache:
"ports", what the loop takes where nothing waits but for a free execution unit, which is the least
that these instructions can take; and "simulated", with results that are waited for and a scheduler
of limited size. Models differ: the newest llvm-mca on the PATH is asked for this processor, and for
another with the same instruction set where its model has none of it.
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

import machine_code  # noqa: E402
import numpy as np  # noqa: E402
import records  # noqa: E402

import fastact  # noqa: E402
from fastact.catalogue import CATALOGUE  # noqa: E402
from fastact.cli.common import chosen, processor  # noqa: E402

DTYPES = {"f32": np.float32, "f64": np.float64}
ITERATIONS = 100
# Whose model has AVX-512 in every llvm-mca.
INSTEAD = "icelake-server"

# Additions of which each waits for the one before: one a cycle on every processor. Not of a
# constant, which some do without an addition.
_CLOCK = """
#include <stdio.h>
#include <time.h>
#define TEN(x) x x x x x x x x x x
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}
int main(void)
{
    unsigned long sum = 0, one = 1;
    double best = 0;
    for (int round = 0; round < 20; round++) {
        double begin = now();
        for (int i = 0; i < 100000; i++)
            __asm__ volatile(TEN(TEN("add %1, %0\\n\\t")) : "+r"(sum) : "r"(one));
        double rate = 1e7 / (now() - begin);
        if (rate > best) best = rate;
    }
    printf("%.4f\\n", best * 1e-9);
    return sum == 0;
}
"""


def gigahertz() -> float | None:
    """Return the clock that one core has now; None without a compiler, or other than x86-64."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None or not machine_code.X86:
        return None
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "clock"
        command = [compiler, "-O1", "-x", "c", "-", "-o", str(program)]
        machine_code.output(*command, given=_CLOCK)
        time.sleep(0.05)
        return float(machine_code.output(str(program))[0])


@functools.cache
def mca() -> str | None:
    """Return the newest llvm-mca; None without one."""
    found = {}
    for folder in map(Path, os.get_exec_path()):
        for path in folder.glob("llvm-mca*") if folder.is_dir() else ():
            if version := re.search(r"LLVM version (\d+)", "\n".join(_about(path))):
                found[int(version[1])] = str(path)
    return found[max(found)] if found else None


def _about(program: str | Path) -> list[str]:
    return machine_code.output(str(program), "--version")


def can_count() -> bool:
    """Return whether this machine can."""
    return machine_code.X86 and shutil.which("objdump") is not None and mca() is not None


def main_loop(code: list[machine_code.Instruction]) -> list[machine_code.Instruction]:
    """Return the loop of a kernel that long arrays go through: that which writes the most.

    Of those whose every instruction has its turn in each iteration.

    Parameters
    ----------
    code : list of Instruction
        Of the whole kernel.

    Returns
    -------
    list of Instruction
    """
    straight = [
        loop
        for loop in machine_code.loops(code)
        if not any(one.target in range(loop[0].address + 1, loop[-1].address + 1) for one in loop)
    ]
    return max(straight, key=machine_code.bytes_stored)


def assembly(loop: list[machine_code.Instruction]) -> str:
    """Return a loop as an assembler reads it.

    Parameters
    ----------
    loop : list of Instruction

    Returns
    -------
    str
    """
    lines = [
        f"{one.mnemonic} {'again' if one.target else one.operands.partition('#')[0]}"
        for one in loop
    ]
    return "\n".join(["again:", *lines]) + "\n"


def cycles(loop: list[machine_code.Instruction], itemsize: int) -> dict[str, Any]:
    """Return what llvm-mca makes of a loop.

    Parameters
    ----------
    loop : list of Instruction
    itemsize : int
        Of a result, in bytes.

    Returns
    -------
    dict
        The elements of an iteration, the processor of the model, and by "ports" and "simulated" the
        cycles per element.
    """
    elements = machine_code.bytes_stored(loop) // itemsize
    for model in ("native", INSTEAD):
        command = [str(mca()), f"-mcpu={model}", f"-iterations={ITERATIONS}"]
        done = subprocess.run(command, input=assembly(loop), capture_output=True, text=True)
        if done.returncode == 0:
            break
    found = dict(re.findall(r"^(Total Cycles|Block RThroughput): +([\d.]+)$", done.stdout, re.M))
    if done.returncode or len(found) < 2:
        raise SystemExit(done.stderr)
    return {
        "elements": elements,
        "model": host() if model == "native" else model,
        "ports": round(float(found["Block RThroughput"]) / elements, 4),
        "simulated": round(float(found["Total Cycles"]) / ITERATIONS / elements, 4),
    }


def host() -> str:
    """Return what llvm-mca calls this processor."""
    return next(line.split()[-1] for line in _about(str(mca())) if "Host CPU" in line)


def measure(names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the cycles of the value of functions, by the symbol of the kernel.

    Parameters
    ----------
    names : list of str

    Returns
    -------
    dict
    """
    wanted = {
        f"{name}_value_{isa}_{element}": np.dtype(dtype).itemsize
        for name in names
        for isa in machine_code.REGISTERS
        for element, dtype in DTYPES.items()
    }
    code: dict[str, list[machine_code.Instruction]] = {name: [] for name in wanted}
    for name, instruction in machine_code.instructions():
        if name in wanted:
            code[name].append(instruction)
    return {name: cycles(main_loop(code[name]), size) for name, size in wanted.items()}


def main() -> int:
    """Read, ask, and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="functions (default: all)")
    parser.add_argument("--json", type=Path, default=records.times("loop-cycles"))
    options = parser.parse_args()
    if not can_count():
        print("Needs x86-64, objdump and llvm-mca.", file=sys.stderr)
        return 1
    elementwise = tuple(row.name for row in CATALOGUE)
    results = measure(chosen(options.names, elementwise))
    for name, found in results.items():
        print(f"{name:40}", *(f"{key} {value}" for key, value in found.items()))
    runtime = fastact.runtime_info()
    about = {
        "processor": processor(),
        "gigahertz": gigahertz(),
        "compiler": runtime["compiler"],
        "flags": runtime["compile_flags"],
        "llvm": next(line.split()[-1] for line in _about(str(mca())) if "version" in line),
    }
    records.write(options.json, about, [{"kernel": name, **of} for name, of in results.items()])
    return 0


if __name__ == "__main__":
    sys.exit(main())
