"""Measure how far the results of fastact and of its peers are from the exact ones.

Every library gets the same inputs in one array: runs of neighbours over all floats, many ordinary
numbers, and all neighbours of the places where something happens. The judge is fastact._accuracy,
which encloses the catalogue's formula in interval arithmetic; no contestant has a part in it. A
derivative is the backward pass of torch and JAX with a gradient of 1, and the formula that people
write in NumPy; a library that has no such call is left out. Parameters have their defaults.

    python benchmarks/accuracy_of_peers.py
    python benchmarks/accuracy_of_peers.py silu mish --dtype float32 --json f.json --markdown f.md
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastact
from fastact import _accuracy
from fastact.cli import peers
from fastact.cli.common import (
    ROW_FUNCTIONS,
    ROWS,
    CommandError,
    chosen,
    directory,
    need,
    processor,
)
from fastact.cli.info import collect
from fastact.cli.sweeps import Case
from fastact.cli.timing import Call

Array = NDArray[Any]

COUNTS = {"float32": 1 << 20, "float64": 1 << 16}
OPERATIONS = ("value", "derivative")
ORDINARY = 20.0  # the largest |x| that counts as ordinary
COLUMNS = (
    "function",
    "library",
    f"max ULP, |x| ≤ {ORDINARY:g}",
    "max ULP, all x",
    "worst x",
    "misrounded",
    f"lost, |x| ≤ {ORDINARY:g} / all",
    "subnormals",
    "wrong at",
)
LEGEND = f"""\
- **max ULP**: the largest error, in units in the last place of the exact result; 2^23 = 8.4e6 of
  float32 and 2^52 = 4.5e15 of float64 are an error of some 100 %.
- **lost**: inputs whose result is off by 100 % or more: 0, NaN, of the wrong sign, or at least
  twice what it should be. They make the largest error ∞; that of the others stands in parentheses.
  At the inputs nearest to the root of a derivative that is a small absolute error.
- **worst x**: where that error is; where results are lost, the one of those nearest to 0.
- **misrounded**: results for |x| ≤ {ORDINARY:g} that are not the float nearest to the exact one.
- **subnormals**: inputs that are subnormal or whose exact result is, which no other column counts:
  the largest error there, or the share of them that is lost, as a rule flushed to 0.
- **wrong at**: −∞ and +∞ where the result is not the limit, NaN where it is not NaN. What slope
  relu and its kin have at NaN is a convention.
- **derivative**: the backward pass of torch and JAX with a gradient of 1, the formula that people
  write in NumPy. Kinks are left out: any slope between those on their two sides is as good as
  another.
"""


# ---- the contestants ----------------------------------------------------------------------------


def torch_peer(threads: int) -> peers.Peer:
    """Return PyTorch with its backward passes as derivatives."""
    values = peers.torch_peer(threads)
    torch = importlib.import_module("torch")

    def make(operation: str, name: str, arrays: peers.Arrays) -> Call | None:
        if operation != "derivative":
            return values.make(operation, name, arrays)
        function = peers.torch_function(name)
        if function is None:
            return None
        x, ones = torch.from_numpy(arrays.x).requires_grad_(), torch.ones(arrays.x.shape)
        backward = torch.autograd.grad
        return Call(
            backward,
            (function(x), x, ones.to(x.dtype)),
            result=lambda returned: returned[0].numpy(),
        )

    return dataclasses.replace(values, make=make)


PEERS = {**peers.PEERS, "torch": torch_peer}


def contestants() -> list[peers.Peer]:
    """Return fastact and the peers that are installed, with one thread each."""
    found = [peers.Peer(peers.FASTACT, fastact.__version__, peers.fastact_call)]
    for name, make in PEERS.items():
        try:
            found.append(make(1))
        except ImportError:
            print(f"{name} is not installed: left out.", file=sys.stderr)
    return found


def results_of(peer: peers.Peer, operation: str, name: str, x: Array) -> Array | None:
    """Return what a library computes of x, or None where it has no such function."""
    order = np.random.default_rng(0).permutation(x.size)  # nobody's numbers come sorted
    arrays = peers.Arrays(x[order], np.ones_like(x), np.empty_like(x))
    with np.errstate(all="ignore"):
        call = peer.make(operation, name, arrays)
        if call is None:
            return None
        returned = np.asarray(call.result(call()))
    if returned.dtype != x.dtype:
        raise TypeError(f"{peer.name} returns {returned.dtype} for {x.dtype}")
    results = np.empty_like(x)
    results[order] = returned
    return results


# ---- the judge ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What is found of a library's results at some inputs.

    The largest error is that of the results that are not lost; `worst_x` is where it is, or, where
    there are any, the lost input nearest to 0. At undecided inputs, which are not counted among the
    others, the judge does not know the exact result well enough.
    """

    inputs: int = 0
    lost: int = 0
    misrounded: int = 0
    max_ulp: float = 0.0
    worst_x: float = 0.0
    undecided: int = 0

    def __add__(self, other: Found) -> Found:
        if self.lost and other.lost:
            worst = min(self.worst_x, other.worst_x, key=abs)
        elif self.lost or other.lost:
            worst = self.worst_x if self.lost else other.worst_x
        else:
            worst = self.worst_x if self.max_ulp >= other.max_ulp else other.worst_x
        return Found(
            self.inputs + other.inputs,
            self.lost + other.lost,
            self.misrounded + other.misrounded,
            max(self.max_ulp, other.max_ulp),
            worst,
            self.undecided + other.undecided,
        )


@dataclass(frozen=True)
class Result:
    """What is found of one library, function and operation."""

    case: Case
    operation: str
    library: str
    ordinary: Found  # |x| <= ORDINARY
    all: Found  # all finite x; both without the subnormal ones
    subnormal: Found
    special: dict[str, float]  # the results for infinities and NaN
    wrong_at: tuple[str, ...]  # for which of them they are not the limits

    @property
    def function(self) -> str:
        return self.case.row.name + ("′" if self.operation == "derivative" else "")

    def cells(self) -> tuple[str, ...]:
        """Return what tables show, without function and library."""
        named = {"-inf": "−∞", "inf": "+∞", "nan": "NaN"}
        results = {at: self.special[at] for at in self.wrong_at}
        wrong = [f"{named[at]}: {named.get(str(y), f'{y:g}')}" for at, y in results.items()]
        digits, _, exponent = self.all.worst_x.hex().partition("p")
        worst = f"{digits.rstrip('0').rstrip('.')}p{exponent} ({self.all.worst_x:.4g})"
        return (
            ulps(self.ordinary),
            ulps(self.all),
            worst if self.all.lost or self.all.max_ulp else "",
            share(self.ordinary.misrounded, self.ordinary.inputs),
            f"{self.ordinary.lost:,} / {self.all.lost:,}" if self.all.lost else "",
            subnormals(self.subnormal),
            ", ".join(wrong),
        )


class Judge:
    """The exact results of a function at inputs."""

    def __init__(self, case: Case, bits: Array) -> None:
        self.case = case
        self.bits = bits
        self.x = bits.view(case.dtype)
        self.references = _accuracy.References(case.row, case.parameters, case.dtype)
        limits = np.finfo(case.dtype)
        self.smallest_normal = float(limits.smallest_normal)
        self.smallest = float(limits.smallest_subnormal)
        self.largest = float(limits.max)
        finite = np.isfinite(self.x)
        bounds = np.full((bits.size, 2, 2), np.nan)
        bounds[finite] = self._enclosed(self.x[finite].tolist())
        self.bounds = dict(zip(OPERATIONS, bounds.swapaxes(0, 1), strict=True))

    def _enclosed(self, numbers: list[float]) -> Array:
        """Bounds of the value and the slope, in double where that is enough to know the size."""
        bounds = np.array([self.references.enclose(x, False) for x in numbers])
        low, high = bounds[..., 0], bounds[..., 1]
        with np.errstate(invalid="ignore"):
            clear = high - low <= 2.0**-40 * np.minimum(abs(low), abs(high))
        for i in np.flatnonzero(~clear.all(axis=1)):
            bounds[i] = self.references.enclose(numbers[i])
        return bounds

    def result(self, operation: str, library: str, results: Array) -> Result:
        """Return what is to be known of a library's results."""
        low, high = self.bounds[operation].T
        most = np.maximum(abs(low), abs(high))
        least = np.maximum(np.maximum(low, -high), 0)
        x, size = self.x, abs(self.x)
        nonzero = least > self.smallest / 2  # what the exact result rounds to is not 0
        finite = np.isfinite(x)
        if operation == "derivative":
            finite &= ~np.isin(x, list(self.case.row.kinks_at(self.case.parameters)))
        small_x = (size > 0) & (size < self.smallest_normal)
        small_result = nonzero & (least < self.smallest_normal)
        subnormal = finite & (small_result | (small_x & (most > 0)))
        ordinary = finite & ~subnormal & (size <= ORDINARY)
        beyond = finite & ~subnormal & (size > ORDINARY)

        negative = low < 0
        wrong_sign = np.signbit(results) != negative
        with np.errstate(over="ignore"):
            off = (results == 0) | wrong_sign | (abs(results) >= 2 * most)
        # Where the exact result rounds to 0, that and its neighbour on the right side are not lost;
        # nor is infinity where the exact result is beyond all numbers.
        vanishing = (abs(results) > self.smallest) | ((results != 0) & wrong_sign)
        overflowed = np.isinf(results) & ~wrong_sign & (least >= self.largest)
        lost = np.isnan(results) | np.where(nonzero, off & ~overflowed, vanishing)
        # What vanishes may do so with either sign.
        sign = np.where(negative, -1, 1).astype(results.dtype)
        vanished = finite & ~nonzero & (results == 0)
        results = np.where(vanished, np.copysign(results, sign), results)

        found = [
            self._found(operation, results, where, lost) for where in (ordinary, beyond, subnormal)
        ]
        special = {str(float(x[i])): i for i in np.flatnonzero(~np.isfinite(x))}
        return Result(
            self.case,
            operation,
            library,
            found[0],
            found[0] + found[1],
            found[2],
            {name: float(results[i]) for name, i in special.items()},
            tuple(
                name
                for name, i in special.items()
                if self._compared(operation, results, np.array([i]))["max_ulp"] > 0.5
            ),
        )

    def _found(self, operation: str, results: Array, where: Array, lost: Array) -> Found:
        there = np.flatnonzero(where & lost)
        found = Found()
        if there.size:
            nearest = there[np.argmin(abs(self.x[there]))]
            found = Found(*3 * (there.size,), worst_x=float(self.x[nearest]))
        rest = np.flatnonzero(where & ~lost)
        for begin in range(0, rest.size, _accuracy.BLOCK):
            block = self._compared(operation, results, rest[begin : begin + _accuracy.BLOCK])
            found += Found(
                inputs=block["inputs"],
                misrounded=block["misrounded"],
                max_ulp=round(block["max_ulp"], 5),
                worst_x=self.case.number(block["worst_x"]),
                undecided=block["undecided"],
            )
        return found

    def _compared(self, operation: str, results: Array, at: Array) -> dict[str, Any]:
        self.references.set_inputs(self.bits[at], one_by_one=True)
        return self.references.compare(operation, results[at].view(self.case.unsigned))


def measure(
    names: list[str],
    dtypes: list[str],
    count: int | None,
    others: list[peers.Peer],
    advance: Callable[[str], None],
) -> list[Result]:
    """Compare all contestants with the exact results."""
    found = []
    for dtype in dtypes:
        for name in names:
            row = ROWS[name]
            case = Case(row, {p.name: p.default for p in row.parameters}, dtype)
            advance(f"{name}, {dtype}")
            nan = np.array([np.nan], dtype).view(case.unsigned)
            judge = Judge(case, np.concatenate([case.sampled(count or COUNTS[dtype]), nan]))
            for operation in OPERATIONS:
                for peer in others:
                    results = results_of(peer, operation, name, judge.x)
                    if results is not None:
                        found.append(judge.result(operation, peer.name, results))
    return found


# ---- what is shown ------------------------------------------------------------------------------


def number(value: float) -> str:
    if value >= 1e4:
        return f"{value:.1e}".replace("e+0", "e").replace("e+", "e")
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value else "0"


def ulps(found: Found) -> str:
    if not found.inputs:
        return "–"
    rest = number(found.max_ulp)
    return f"∞ ({rest})" if found.lost else rest


def share(part: int, whole: int) -> str:
    if part in (0, whole):
        return "all" if part else "none"
    percent = 100 * part / whole
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"


def subnormals(found: Found) -> str:
    if not found.inputs:
        return "–"
    return f"{share(found.lost, found.inputs)} lost" if found.lost else number(found.max_ulp)


def sections(results: list[Result]) -> Iterator[tuple[str, str, list[list[tuple[str, ...]]]]]:
    """Yield by dtype and operation the rows of tables, in a list by function.

    Libraries of which the same is found share a row.
    """
    for dtype, operation in dict.fromkeys((r.case.dtype, r.operation) for r in results):
        functions: dict[str, dict[tuple[str, ...], list[str]]] = {}
        for result in results:
            if (result.case.dtype, result.operation) == (dtype, operation):
                rows = functions.setdefault(result.function, {})
                rows.setdefault(result.cells(), []).append(result.library)
        yield (
            dtype,
            operation,
            [
                [(name, ", ".join(libraries), *cells) for cells, libraries in rows.items()]
                for name, rows in functions.items()
            ],
        )


def tables(results: list[Result]) -> Iterator[Any]:
    """Yield the results as rich's tables."""
    (rich_table, box) = need("bench", "rich.table", "rich.box")
    for dtype, operation, functions in sections(results):
        table = rich_table.Table(
            title=f"{dtype}, {operation}s",
            title_justify="left",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
        )
        for title in COLUMNS:
            is_text = title in ("function", "library", "worst x", "wrong at")
            justify = "left" if is_text else "right"
            table.add_column(title, justify=justify, no_wrap=title == "function")
        for rows in functions:
            for i, (name, libraries, *cells) in enumerate(rows):
                style = "bold" if peers.FASTACT in libraries else None
                table.add_row("" if i else name, libraries, *cells, style=style)
            table.add_section()
        yield table


def sentence(results: list[Result], about: dict[str, Any]) -> str:
    """Return where and with what was measured."""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    counts = ", ".join(f"{n:,} of {dtype}" for dtype, n in about["inputs"].items())
    text = (
        f"Measured on {about['processor']} ({about['fastact']['isa']}) with {versions}; the same "
        f"inputs for all, per function about {counts}."
    )
    if undecided := max(result.all.undecided for result in results):
        text += (
            f" Beside the root of a derivative the exact results at up to {undecided} inputs are "
            "not known well enough; these are left out."
        )
    return text


def markdown(results: list[Result], about: dict[str, Any]) -> str:
    """Return the results as a page of GitHub-flavoured Markdown."""
    lines = [
        "# How right fastact and its peers are",
        "",
        sentence(results, about),
        "`python benchmarks/accuracy_of_peers.py` prints these tables.",
        "",
        LEGEND.rstrip(),
    ]
    for dtype, operation, functions in sections(results):
        lines += ["", f"## {dtype}, {operation}s", ""]
        lines.append(f"| {' | '.join(c.replace('|', chr(92) + '|') for c in COLUMNS)} |")
        lines.append("| --- | --- | --: | --: | --- | --: | --: | --: | --- |")
        for rows in functions:
            for i, (name, libraries, *cells) in enumerate(rows):
                names = libraries.replace(peers.FASTACT, f"**{peers.FASTACT}**")
                lines.append(f"| {' | '.join(['' if i else name, names, *cells])} |")
    return "\n".join(lines) + "\n"


def as_json(results: list[Result], about: dict[str, Any]) -> str:
    """Return all figures as JSON."""

    def found_as_dict(found: Found) -> dict[str, Any]:
        known = found.lost or found.max_ulp
        return {
            **asdict(found),
            "worst_x": found.worst_x.hex() if known else None,
        }

    rows = [
        {
            "function": r.case.row.name,
            "parameters": r.case.parameters,
            "dtype": r.case.dtype,
            "operation": r.operation,
            "library": r.library,
            "ordinary": found_as_dict(r.ordinary),
            "all": found_as_dict(r.all),
            "subnormal": found_as_dict(r.subnormal),
            "special": {at: str(y) if not math.isfinite(y) else y for at, y in r.special.items()},
            "wrong_at": r.wrong_at,
        }
        for r in results
    ]
    return json.dumps({"conditions": about, "results": rows}, indent=1, allow_nan=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="functions; by default all")
    parser.add_argument(
        "--dtype", action="append", choices=tuple(COUNTS), help="repeatable; by default both"
    )
    counts = ", ".join(f"{count:,} of {dtype}" for dtype, count in COUNTS.items())
    parser.add_argument(
        "--count", type=int, metavar="N", help=f"inputs per function; by default {counts}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables to a page")
    options = parser.parse_args()
    try:
        names = [name for name in chosen(options.names) if name not in ROW_FUNCTIONS]
        (console_module, progress) = need("bench", "rich.console", "rich.progress")
    except CommandError as error:
        parser.error(str(error))
    dtypes = [d for d in options.dtype or COUNTS if _accuracy.judges(d)]
    console = console_module.Console()
    found = contestants()
    about = {
        "processor": processor(),
        "versions": {peer.name: peer.version for peer in found},
        "inputs": {dtype: options.count or COUNTS[dtype] for dtype in dtypes},
        "ordinary": ORDINARY,
        "fastact": collect(),
    }
    with progress.Progress(console=console, transient=True) as bar:
        task = bar.add_task("", total=len(names) * len(dtypes))
        results = measure(
            names,
            dtypes,
            options.count,
            found,
            lambda text: bar.update(task, description=text, advance=1),
        )
    console.print(sentence(results, about), highlight=False)
    for table in tables(results):
        console.print(table)
    console.print(LEGEND.replace("**", ""), style="dim", highlight=False, markup=False)
    for path, text in (
        (options.json, as_json(results, about)),
        (options.markdown, markdown(results, about)),
    ):
        if path is not None:
            directory(path.parent)
            path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
