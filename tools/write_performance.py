"""The parts of docs/performance.md that come from what was measured, benchmarks/results/times/.

tools/write_site.py asks for them by name. What has not been measured says how to.
"""

from __future__ import annotations

import functools
import html
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import records  # noqa: E402
import write_tables  # noqa: E402

from fastact.catalogue import CATALOGUE  # noqa: E402
from fastact.cli import charts, peers  # noqa: E402
from fastact.cli.bench import COPY, SIZES, size_text  # noqa: E402

VALUE, VALUE_64 = "value-float32-2", "value-float64-2"
BACKWARD, DERIVATIVE = "backward-float32-2", "derivative-float32-2"
#: The files that are shown whole, and what is in them.
TABLES = {
    VALUE: "Value, float32, 2 threads",
    "value-float32-1": "Value, float32, 1 thread",
    VALUE_64: "Value, float64, 2 threads",
    BACKWARD: "Backward, float32, 2 threads",
    DERIVATIVE: "Derivative, float32, 2 threads",
}
TORCH, ONNX = "torch", "ONNX Runtime"
NOISE = 1.05  # up to here another is hardly faster
MARK, SLIGHT = "▲", "△"
SHORT = {ONNX: "ORT"}  # in narrow cells
LARGE = (2**20, 2**24)
COSTLY = tuple(row.name for row in CATALOGUE if row.cost == "exponential")


@dataclass(frozen=True)
class Time:
    """What a function takes at a size, beside the others: nanoseconds per element."""

    function: str
    elements: int
    times: dict[str, float]

    @property
    def own(self) -> float:
        """The time of fastact."""
        return self.times[peers.FASTACT]

    @property
    def best(self) -> str | None:
        """The fastest of the others; None where there is none."""
        others = {name: t for name, t in self.times.items() if name not in (peers.FASTACT, COPY)}
        return min(others, key=lambda name: others[name], default=None)

    @property
    def ratio(self) -> float | None:
        """The time of fastact over that of the fastest other."""
        return None if self.best is None else self.own / self.times[self.best]

    def per_element(self, name: str) -> float | None:
        """Return the time of one, as charts want it."""
        return self.times.get(name)


@functools.cache
def times(name: str) -> tuple[Time, ...]:
    """Return the results in a file; none where it is not there."""
    if not (path := records.times(name)).exists():
        return ()
    results = records.read(path)[1]
    return tuple(Time(r["function"], r["elements"], r["ns_per_element"]) for r in results)


@functools.cache
def by_place(name: str) -> dict[tuple[str, int], Time]:
    """Return the results in a file by function and size."""
    return {(time.function, time.elements): time for time in times(name)}


def about(name: str) -> dict[str, Any]:
    """Return the conditions of a file."""
    return records.read(records.times(name))[0]


def missing(*names: str) -> str:
    """Return how to measure what is not there; nothing where all is."""
    absent = [name for name in names if not records.times(name).exists()]
    if not absent:
        return ""
    return f"Not measured yet: `make bench-report` measures {', '.join(absent)}.\n"


def number(value: float) -> str:
    """Return a number in three digits, and never in powers of ten."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


# ---- tables -------------------------------------------------------------------------------------


def mark(ratio: float) -> str:
    """Return the mark of a ratio to who is fastest: nothing where that is fastact."""
    return "" if ratio <= 1 else f"{SLIGHT} " if ratio <= NOISE else f"{MARK} "


def cell(text: str, behind: bool = False, tag: str = "td") -> str:
    """Return a cell of a table."""
    return f'<{tag} class="behind">{text}</{tag}>' if behind else f"<{tag}>{text}</{tag}>"


def table(head: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "") -> str:
    """Return a table whose cells are HTML: the first of a row is its head."""
    lines = [f'```{{raw}} html\n<div class="wide"><table class="times docutils {kind}">']
    lines.append(f"<thead><tr>{''.join(cell(html.escape(h), tag='th') for h in head)}</tr></thead>")
    lines += [
        "<tbody>",
        *(f"<tr>{''.join(row)}</tr>" for row in rows),
        "</tbody></table></div>\n```",
    ]
    return "\n".join(lines) + "\n"


def head_of(text: str) -> str:
    """Return the head of a row."""
    return f'<th scope="row">{html.escape(text)}</th>'


def compared(time: Time | None) -> str:
    """Return the cell of a function at a size."""
    if time is None:
        return cell("")
    copy = f"{100 * time.times[COPY] / time.own:.0f} %"
    own = f"<small>{number(time.own)} ns, {copy}</small>"
    if time.ratio is None:
        return cell(f"–{own}")
    best = time.best or ""
    other = f"<small>{SHORT.get(best, best)} {number(time.times[best])}</small>"
    ratio = f"{time.ratio:.2f}" if time.ratio >= 0.1 else f"{time.ratio:.3f}"
    return cell(f"<b>{mark(time.ratio)}{ratio}</b>{own}{other}", time.ratio > 1)


def whole(name: str) -> str:
    """Return all results of a file, to be unfolded."""
    if text := missing(name):
        return text
    places = by_place(name)
    sizes = sorted({size for _, size in places})
    functions = dict.fromkeys(function for function, _ in places)
    rows = ([head_of(f), *(compared(places.get((f, size))) for size in sizes)] for f in functions)
    conditions = about(name)
    versions = ", ".join(f"{peer} {version}" for peer, version in conditions["peers"].items())
    return (
        "```{raw} html\n<details><summary>"
        f"{len(functions)} functions, {len(sizes)} sizes</summary>\n```\n"
        + table(["", *map(size_text, sizes)], rows)
        + f"\n{conditions['processor']}, {conditions['fastact']['isa']}; medians of "
        f"{conditions['rounds']} rounds; fastact {conditions['fastact']['version']} built by "
        f"{conditions['fastact']['compiler']}; {versions}.\n\n"
        "```{raw} html\n</details>\n```\n"
    )


def tables() -> str:
    """Return all tables, each under its title."""
    return "\n".join(f"### {title}\n\n{whole(name)}" for name, title in TABLES.items())


def summary() -> str:
    """Return in how many functions fastact is first, by file and size."""
    rows = []
    for name, title in TABLES.items():
        cells = [head_of(title)]
        for size in SIZES:
            ratios = [t.ratio for t in times(name) if t.elements == size and t.ratio is not None]
            if not ratios:
                cells.append(cell("–"))
                continue
            first = sum(ratio <= 1 for ratio in ratios)
            near = sum(1 < ratio <= NOISE for ratio in ratios)
            behind = len(ratios) - first
            sign = "" if not behind else f"{SLIGHT} " if behind == near else f"{MARK} "
            middle = f"<small>median {statistics.median(ratios):.2f}</small>"
            cells.append(cell(f"<b>{sign}{first} of {len(ratios)}</b>{middle}", behind > 0))
        rows.append(cells)
    return table(["first in", *map(size_text, SIZES)], rows) + "\n" + missing(*TABLES)


# ---- what was aimed at --------------------------------------------------------------------------

Ratios = dict[tuple[str, int], float]
BEST = ""  # the fastest peer, whoever that is


def over(
    file: str, functions: Iterable[str], sizes: Iterable[int], rival: str, rivals_file: str = ""
) -> Ratios:
    """Return fastact's times over those of a contestant, where both have been measured."""
    found: Ratios = {}
    for function in functions:
        for size in sizes:
            own = by_place(file).get((function, size))
            other = by_place(rivals_file or file).get((function, size))
            if own is None or other is None:
                continue
            who = rival or other.best
            if who in other.times:
                found[function, size] = own.own / other.times[who]
    return found


def over_own(file: str, size: int, other: int) -> Ratios:
    """Return the times at a size over those of the same functions at another."""
    places = by_place(file)
    return {
        (function, size): time.own / places[function, other].own
        for (function, elements), time in places.items()
        if elements == size and (function, other) in places
    }


def functions_of(file: str) -> list[str]:
    """Return the functions in a file."""
    return list(dict.fromkeys(time.function for time in times(file)))


@dataclass(frozen=True)
class Target:
    """What was aimed at before anything was measured.

    Attributes
    ----------
    what : str
    rival : str
    most : float
        The ratio of fastact's time to the rival's that is not to be exceeded.
    ratios : callable
        Returns those that were measured.
    """

    what: str
    rival: str
    most: float
    ratios: Callable[[], Ratios]


def value(*functions: str, rival: str = BEST) -> Callable[[], Ratios]:
    """Return the ratios of values of float32 on large arrays."""
    return lambda: over(VALUE, functions, LARGE, rival)


MOVING = ("relu", "relu6", "leaky_relu")
TARGETS = (
    Target(", ".join(MOVING), "fastest peer", 1.0, value(*MOVING)),
    Target(", ".join(MOVING), "a copy", 1.1, value(*MOVING, rival=COPY)),
    Target("sigmoid, silu", ONNX, 1.35, value("sigmoid", "silu", rival=ONNX)),
    Target("sigmoid, silu", TORCH, 0.8, value("sigmoid", "silu", rival=TORCH)),
    Target("tanh", ONNX, 1.9, value("tanh", rival=ONNX)),
    Target("tanh", TORCH, 0.3, value("tanh", rival=TORCH)),
    Target("elu", "fastest peer", 0.35, value("elu")),
    Target("mish", "fastest peer", 0.25, value("mish")),
    Target("softplus", "fastest peer", 0.35, value("softplus")),
    Target("gelu", "fastest peer", 1.0, value("gelu")),
    Target(
        "derivative",
        "torch's backward",
        0.6,
        lambda: over(DERIVATIVE, functions_of(DERIVATIVE), LARGE, TORCH, BACKWARD),
    ),
    Target(
        "backward",
        "torch's backward",
        0.6,
        lambda: over(BACKWARD, functions_of(BACKWARD), LARGE, TORCH),
    ),
    Target(
        "float64, with an exponential",
        "fastest peer",
        0.7,
        lambda: over(VALUE_64, COSTLY, LARGE[:1], BEST),
    ),
    Target("an element of 65,536", "itself at 2^20", 1.15, lambda: over_own(VALUE, 65536, 2**20)),
    Target(
        "4,096 elements",
        "fastest peer",
        1.0,
        lambda: over(VALUE, functions_of(VALUE), [4096], BEST),
    ),
    Target(
        "everything above and below",
        "fastest peer",
        1.0,
        lambda: {
            (f"{time.function}, {TABLES[file].lower()}", time.elements): time.ratio
            for file in TABLES
            for time in times(file)
            if time.ratio is not None
        },
    ),
)


def measured(ratios: Ratios, most: float) -> str:
    """Return ratios in words: each where they are few, else how many and the largest."""
    names = list(dict.fromkeys(function for function, _ in ratios))
    if len(names) <= 3:
        shown = []
        for name in names:
            own = (f"{ratio:.2f}" for (function, _), ratio in ratios.items() if function == name)
            shown.append(f"{name} {' and '.join(own)}" if len(names) > 1 else " and ".join(own))
        return ", ".join(shown)
    worst, size = max(ratios, key=lambda place: ratios[place])
    within = sum(ratio <= most for ratio in ratios.values())
    return (
        f"{within} of {len(ratios)}; most {ratios[worst, size]:.2f}, {worst} at {size_text(size)}"
    )


def targets() -> str:
    """Return what was aimed at, and what came of it."""
    rows = []
    for target in TARGETS:
        head = head_of(target.what)
        row = [cell(f"{target.most:g}"), cell(target.rival)]
        if not (ratios := target.ratios()):
            rows.append([head, cell(""), *row, cell("not measured")])
            continue
        worst = max(ratios.values())
        missed = worst > target.most
        percent = 100 * (worst / target.most - 1)
        result = f"<b>{MARK} missed by {percent:.0f} %</b>" if missed else "<b>met</b>"
        rows.append([head, cell(result, missed), *row, cell(measured(ratios, target.most))])
    return table(["of", "", "at most", "against", "measured"], rows, "words")


# ---- the rest -----------------------------------------------------------------------------------


def loops() -> str:
    """Return how far fastact is from what its instructions take, in the first cache."""
    if text := missing("loop-cycles", VALUE):
        return text
    conditions, kernels = records.read(records.times("loop-cycles"))
    found = {kernel["kernel"]: kernel for kernel in kernels}
    measured = about(VALUE)
    clocks = [clock for clock in measured.get("gigahertz", ()) if clock]
    clock = max(clocks, default=conditions["gigahertz"])
    isa = measured["fastact"]["isa"]
    rows = []
    for time in times(VALUE):
        kernel = found.get(f"{time.function}_value_{isa}_f32")
        if kernel is None or time.elements != 4096:
            continue
        cycles = time.own * clock
        shares = [f"{100 * kernel[key] / cycles:.0f} %" for key in ("ports", "simulated")]
        numbers = [f"{n:.2f}" for n in (cycles, kernel["ports"], kernel["simulated"])]
        rows.append([head_of(time.function), *map(cell, [*numbers, *shares])])
    model = next(kernel["model"] for name, kernel in found.items() if name.endswith(f"{isa}_f32"))
    head = ["", "cycles, measured", "ports", "simulated", "share of ports", "share of simulated"]
    return (
        table(head, rows)
        + f"\nCycles per element at 4,096 elements of float32, one thread, {isa}, "
        f"at {clock:.2f} GHz; the model is that of LLVM {conditions['llvm']} for {model}.\n"
    )


def inputs() -> str:
    """Return how the time depends on what is in the array."""
    if text := missing(*(f"inputs-{name}" for name in peers.INPUTS)):
        return text
    files = {name: by_place(f"inputs-{name}") for name in peers.INPUTS}
    rows = [
        [
            head_of(f"{function}, {size_text(size)}"),
            *(compared(of[function, size]) for of in files.values()),
        ]
        for function, size in files["normal"]
    ]
    return table(["", *peers.INPUTS], rows)


def alone() -> str:
    """Return the ratio to each peer where it was the only one in its process, and beside it the
    ratio where all were in one."""
    files = {peer: times(records.alone(peer)) for peer in peers.PEERS}
    functions = dict.fromkeys(time.function for own in files.values() for time in own)
    if not functions or not times(VALUE):
        return "Not measured yet: `make bench-report` does.\n"
    rows = []
    for function in functions:
        cells = [head_of(function)]
        for peer, own in files.items():
            ratios = [
                time.own / time.times[peer]
                for time in (*own, *times(VALUE))
                if time.function == function and time.elements == 2**20 and peer in time.times
            ]
            if len(ratios) < 2:
                cells.append(cell(""))
                continue
            text = f"<b>{mark(ratios[0])}{ratios[0]:.2f}</b><small>together {ratios[1]:.2f}</small>"
            cells.append(cell(text, ratios[0] > 1))
        rows.append(cells)
    return table(["", *files], rows)


def programs() -> str:
    """Return what replacing activations makes of whole programs."""
    if text := missing("whole-programs"):
        return text
    conditions, results = records.read(records.times("whole-programs"))
    lines = [
        f"{r['program']} | {1e3 * r['written']:.2f} | {1e3 * r['replaced']:.2f} | "
        f"{r['gain']:.2f}× | {100 * max(0, r['share']):.0f} %"
        for r in results
    ]
    head = "program | >as written | >with fastact | >faster | >share of the activations"
    return (
        write_tables.table(head, lines)
        + f"\nMilliseconds, medians of {conditions['rounds']} rounds in turns, "
        f"{conditions['threads']} threads, {conditions['processor']}; NumPy "
        f"{conditions['versions']['numpy']}.\n"
    )


@functools.cache
def scaling() -> list[Time]:
    """Return the times over the sizes, the numbers of threads as contestants."""
    if missing("scaling"):
        return []
    found: dict[tuple[str, int], dict[str, float]] = {}
    copies: dict[int, float] = {}
    for result in records.read(records.times("scaling"))[1]:
        size, threads = result["elements"], result["threads"]
        if result["function"] != COPY:
            own = found.setdefault((result["function"], size), {})
            own["1 thread" if threads == 1 else f"{threads} threads"] = result["ns_per_element"]
        elif threads == 1:
            copies[size] = result["ns_per_element"]
    return [
        Time(function, size, {**of, "copy, 1 thread": copies[size]})
        for (function, size), of in found.items()
    ]


def draw(where: Path) -> None:
    """Draw the times over the sizes, where they have been measured."""
    if results := scaling():
        names = list(dict.fromkeys(name for result in results for name in result.times))
        names.sort(key=lambda name: name.startswith(COPY))
        charts.draw(where / "scaling.svg", results, names, "float32", columns=2)


def steps() -> str:
    """Return where the time per element rises by over a fifth, from two sizes to two others."""
    if text := missing("scaling"):
        return text
    found = []
    functions: dict[str, list[Time]] = {}
    for result in scaling():
        functions.setdefault(result.function, []).append(result)
    for function, results in functions.items():
        results.sort(key=lambda result: result.elements)
        for threads in ("1 thread", "2 threads"):
            for i in range(2, len(results) - 1):
                before = max(result.times[threads] for result in results[i - 2 : i])
                here = min(result.times[threads] for result in results[i : i + 2])
                if here > 1.2 * before:
                    sizes = (
                        f"{size_text(results[i - 1].elements)} to {size_text(results[i].elements)}"
                    )
                    found.append(f"{function} | {threads} | {sizes} | {before:.3g} | {here:.3g}")
    if not found:
        return "Nowhere.\n"
    return write_tables.table("function | threads | from | >ns | >ns then", found)


#: Where memory ends, in GB/s: of two channels, of a socket with eight, and of two with twelve.
BANDWIDTHS = {"a desktop, 50 GB/s": 50, "a server, 200 GB/s": 200, "two sockets, 900 GB/s": 900}
MOVED = 12  # bytes for an element of float32: read, and of the result fetched and written


def cores() -> str:
    """Return how many cores are busy before memory is."""
    if text := missing("scaling"):
        return text
    rows = []
    for function in dict.fromkeys(result.function for result in scaling()):
        (cached,) = (r for r in scaling() if r.function == function and r.elements == 4096)
        taken = cached.times["1 thread"]
        wanted = MOVED / taken
        counts = [f"{max(1, limit / wanted):.0f}" for limit in BANDWIDTHS.values()]
        rows.append(" | ".join([function, f"{taken:.2f}", f"{wanted:.0f}", *counts]))
    head = ["function", ">ns, in cache", ">GB/s of a core", *(f">{name}" for name in BANDWIDTHS)]
    return write_tables.table(" | ".join(head), rows)


SECTIONS: dict[str, Callable[[], str]] = {
    section.__name__: section
    for section in (summary, targets, loops, inputs, alone, programs, steps, cores, tables)
}
