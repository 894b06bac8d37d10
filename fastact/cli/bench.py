"""``bench``: fastact's speed beside that of NumPy's expressions and of the libraries installed."""

from __future__ import annotations

import argparse
import ctypes
import functools
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import fastact
from fastact.cli import charts, peers, style, timing
from fastact.cli.common import (
    FUNCTIONS,
    GATES,
    ROW_FUNCTIONS,
    CommandError,
    chosen,
    directory,
    need,
    processor,
)
from fastact.cli.info import collect

SUMMARY = "time fastact beside NumPy and whichever of seven other libraries is installed"
EXAMPLE = "python -m fastact bench sigmoid mish --quick --json times.json --chart times.png"

SIZES = (1, 64, 4096, 65536, 2**20, 2**24)
QUICK_SIZES = (64, 4096, 2**20)
ROW_LENGTH = 64  # of softmax's rows, logits of a small classifier; prelu's channels
ALONG_AXIS = (*ROW_FUNCTIONS, *(name for name, row in GATES.items() if "axis" in row.arguments))
COPY = "copy"  # what moving the memory takes, in the table of contestants


@dataclass(frozen=True)
class Work:
    """What is timed, other than the function and the size.

    Attributes
    ----------
    operation : str
        "value", "derivative" or "backward".
    dtype : str
    memory : str
        Where results go: one of `peers.MEMORY`.
    inputs : str
        What x holds: one of `peers.INPUTS`.
    """

    operation: str = "value"
    dtype: str = "float32"
    memory: str = "out"
    inputs: str = "normal"


@dataclass(frozen=True)
class Result:
    """The times of one function at one size.

    Attributes
    ----------
    function : str
    shape : tuple of int
        Of the result.
    seconds : dict of str to float
        Seconds per call by contestant.
    """

    function: str
    shape: tuple[int, ...]
    seconds: dict[str, float]

    @property
    def elements(self) -> int:
        """The number of elements of the result; glu's input has two for each."""
        return int(np.prod(self.shape))

    def per_element(self, name: str) -> float | None:
        """Return a contestant's nanoseconds per element.

        Parameters
        ----------
        name : str

        Returns
        -------
        float or None
            None for who has no such function.
        """
        seconds = self.seconds.get(name)
        return None if seconds is None else seconds / self.elements * 1e9

    def ratio(self, names: list[str]) -> float | None:
        """Return how many times as long as fastact the fastest of some contestants takes.

        Parameters
        ----------
        names : list of str

        Returns
        -------
        float or None
            None where none of them has the function.
        """
        first = self.first(names)
        return None if first is None else self.seconds[first] / self.seconds[peers.FASTACT]

    def first(self, names: list[str]) -> str | None:
        """Return the fastest of some contestants.

        Parameters
        ----------
        names : list of str

        Returns
        -------
        str or None
            None where none of them has the function.
        """
        known = [name for name in names if name in self.seconds]
        return min(known, key=lambda name: self.seconds[name], default=None)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument("names", nargs="*", metavar="NAME", help="functions (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer sizes and rounds")
    parser.add_argument(
        "--peer",
        action="append",
        choices=peers.PEERS,
        help="a library to compare with, repeatable (default: all that are installed)",
    )
    for name, choices, help_text in (
        ("operation", ("value", "derivative", "backward"), "what is computed"),
        ("dtype", ("float16", "float32", "float64"), "of what"),
        ("memory", peers.MEMORY, "where results go: into what is there, new arrays, or x"),
        ("inputs", peers.INPUTS, "what x holds"),
    ):
        default = getattr(Work(), name)
        parser.add_argument(
            f"--{name}", choices=choices, default=default, help=f"{help_text} (default: {default})"
        )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="for all contestants (default: fastact's number)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the times as JSON; - is standard output"
    )
    parser.add_argument(
        "--chart", type=Path, metavar="FILE", help="draw the times, as .png, .svg or .pdf"
    )


def shape_of(function: str, size: int) -> tuple[int, ...]:
    """Return the shape of a result of `size` elements.

    Parameters
    ----------
    function : str
    size : int

    Returns
    -------
    tuple of int
        Rows, for a function that has an axis.
    """
    if function not in ALONG_AXIS:
        return (size,)
    return (max(1, size // ROW_LENGTH), min(size, ROW_LENGTH))


def contestants(
    function: str, shape: tuple[int, ...], work: Work, others: list[peers.Peer]
) -> dict[str, timing.Call]:
    """Return the calls that compute a function, by contestant, fastact first.

    Parameters
    ----------
    function : str
    shape : tuple of int
    work : Work
    others : list of Peer

    Returns
    -------
    dict of str to Call
    """
    given = (shape, work.dtype, work.inputs, work.memory, function)
    arrays = peers.Arrays.of(*given)
    makers = {peers.FASTACT: peers.fastact_call, **{peer.name: peer.make for peer in others}}
    calls: dict[str, timing.Call | None] = {}
    for name, make in makers.items():
        if work.memory != "in-place":
            calls[name] = make(work.operation, function, arrays)
            continue
        arrays = peers.Arrays.of(*given)  # nobody goes on with another's results
        call = make(work.operation, function, arrays)
        if call is not None and call.restore is None:
            again = functools.partial(np.copyto, arrays.x, arrays.x.copy())
            call = replace(call, restore=again)
        calls[name] = call
    of_two = work.operation == "backward" or function in GATES
    reads = 2 if of_two and arrays.other.shape == shape else 1  # weights are next to nothing
    calls |= copies(arrays, others, reads)
    return {name: call for name, call in calls.items() if call is not None}


def copies(
    arrays: peers.Arrays, others: list[peers.Peer], reads: int
) -> dict[str, timing.Call | None]:
    """Return calls that read and write as much as a function has to, by who makes them.

    Parameters
    ----------
    arrays : Arrays
    others : list of Peer
    reads : int
        The arrays that the result is made of, 1 or 2.

    Returns
    -------
    dict of str to Call
    """
    x, out = arrays.x, arrays.out
    calls: dict[str, timing.Call | None] = {}
    if reads == 2:
        calls[COPY] = timing.Call(np.add, (arrays.other, x), arrays.into)
    elif out is None:
        calls[COPY] = timing.Call(x.copy)
    else:
        calls[COPY] = timing.Call(np.positive, (x,), arrays.into)
        if out is not x:  # where C sees that there is nothing to do
            given = (out.ctypes.data, x.ctypes.data, x.nbytes)
            calls[f"{COPY} by C"] = timing.Call(ctypes.memmove, given)
    for peer in others:
        if peer.name == "torch" and out is not None:
            calls[f"{COPY} by torch"] = (
                peers.torch_sum(arrays) if reads == 2 else peer.make("value", "identity", arrays)
            )
    return calls


@contextmanager
def limited(threads: int | None) -> Iterator[int]:
    """Limit fastact's threads within the block, and say to how many.

    Parameters
    ----------
    threads : int or None
        None leaves the number as it is.
    """
    if threads is None:
        yield fastact.get_num_threads()
        return
    if threads < 1:
        raise CommandError(f"--threads must be at least 1, not {threads}.", 2)
    with fastact.num_threads(threads):
        yield fastact.get_num_threads()


def measure(
    names: list[str],
    work: Work,
    sizes: tuple[int, ...],
    rounds: int,
    others: list[peers.Peer],
    advance: Any,
    within: float = math.inf,
) -> list[Result]:
    """Time functions at sizes.

    Parameters
    ----------
    names : list of str
    work : Work
    sizes : tuple of int
    rounds : int
    others : list of Peer
    advance : callable
        Called with the function and the size before each is timed.
    within : float
        Contestants that take more than so many times fastact's time are timed in two rounds alone.

    Returns
    -------
    list of Result
    """
    results = []
    for name in names:
        for size in sizes:
            advance(name, size)
            shape = shape_of(name, size)
            with peers.without_gradients():
                calls = contestants(name, shape, work, others)
                seconds = timing.medians(calls, rounds=rounds, within=within)
            # One copy, whoever made it the fastest.
            best = min(of for who, of in seconds.items() if who.startswith(COPY))
            kept = {who: of for who, of in seconds.items() if not who.startswith(COPY)}
            results.append(Result(name, shape, {**kept, COPY: best}))
    return results


def conditions(work: Work, others: list[peers.Peer], threads: int, rounds: int) -> dict[str, Any]:
    """Return what one has to know of a measurement.

    Parameters
    ----------
    work : Work
    others : list of Peer
    threads : int
    rounds : int

    Returns
    -------
    dict
    """
    return {
        **asdict(work),
        "threads": threads,
        "rounds": rounds,
        "statistic": "median",
        "processor": processor(),
        "peers": {peer.name: peer.version for peer in others},
        "fastact": collect(),
    }


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _times(ratio: float | None) -> str:
    """Format a ratio, as rich's markup: green where fastact is ahead, red where it is behind."""
    if ratio is None:
        return "–"
    digits = 0 if ratio >= 9.95 else 1 if ratio >= 1.95 else 2
    text = f"{ratio:.{digits}f}×"
    return f"[green]{text}[/]" if ratio >= 1.05 else f"[red]{text}[/]" if ratio < 0.95 else text


def size_text(size: int) -> str:
    """Return a number of elements as people write it.

    Parameters
    ----------
    size : int

    Returns
    -------
    str
    """
    power = size.bit_length() - 1
    return f"2^{power}" if size == 2**power and power >= 17 else f"{size:,}"


def table(results: list[Result], work: Work, others: list[peers.Peer], threads: int) -> Any:
    """Return the comparison as a table.

    Parameters
    ----------
    results : list of Result
    work : Work
    others : list of Peer
    threads : int

    Returns
    -------
    rich.table.Table
    """
    (rich_table, box) = need("bench", "rich.table", "rich.box")
    names = [peer.name for peer in others]
    shown = rich_table.Table(
        title=f"{work.operation}, ns per element, {work.dtype}, {work.memory}, "
        f"{threads} thread{'s' * (threads != 1)}",
        caption="NumPy and SciPy use one thread. The last columns are times over fastact's, of "
        "NumPy, of the fastest other, and of a copy of as much memory: above 1 fastact is faster.",
        box=box.SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
        title_justify="left",
        caption_justify="left",
    )
    shown.add_column("function", no_wrap=True)
    shown.add_column("size", justify="right", no_wrap=True)
    shown.add_column(peers.FASTACT, justify="right", style="bold", no_wrap=True)
    shown.add_column("NumPy", justify="right", no_wrap=True)
    shown.add_column("fastest", justify="right", no_wrap=True)
    shown.add_column("other", no_wrap=True)
    for what in ("NumPy", "fastest", "copy"):
        shown.add_column(f"vs.\n{what}", justify="right", no_wrap=True)
    before = ""
    for i, result in enumerate(results):
        last = i + 1 == len(results) or results[i + 1].function != result.function
        first = result.first(names)
        shown.add_row(
            "" if result.function == before else result.function,
            size_text(result.elements),
            _number(result.per_element(peers.FASTACT)),
            _number(result.per_element("NumPy")),
            _number(result.per_element(first) if first else None),
            first or "",
            _times(result.ratio(["NumPy"])),
            _times(result.ratio(names)),
            f"{result.ratio([COPY]):.2f}",
            end_section=last,
        )
        before = result.function
    return shown


def as_json(results: list[Result], about: dict[str, Any]) -> str:
    """Return the times as JSON.

    Parameters
    ----------
    results : list of Result
    about : dict
        The conditions.

    Returns
    -------
    str
    """
    rows = [
        {
            **asdict(result),
            "elements": result.elements,
            "bytes": result.elements * np.dtype(about["dtype"]).itemsize,
            "ns_per_element": {name: result.per_element(name) for name in result.seconds},
        }
        for result in results
    ]
    return json.dumps({"conditions": about, "results": rows}, indent=2)


def run(options: argparse.Namespace) -> int:
    """Run the command.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    int
        The exit code.
    """
    known = (*FUNCTIONS, *GATES)
    timed = known if options.operation == "value" else FUNCTIONS
    names = chosen(options.names or timed, known)
    if untimed := [name for name in names if name not in timed]:
        raise CommandError(f"of {untimed[0]} only the value is timed.", 2)
    (console_module, progress) = need("bench", "rich.console", "rich.progress")
    if options.chart is not None:
        need("plot", "matplotlib")
        style.check_format(options.chart)
    printed = options.json == Path("-")
    console = console_module.Console(stderr=printed)  # what is not JSON goes elsewhere
    sizes = QUICK_SIZES if options.quick else SIZES
    rounds = 5 if options.quick else 11
    work = Work(options.operation, options.dtype, options.memory, options.inputs)
    with limited(options.threads) as threads:
        others = peers.installed(threads, options.peer)
        about = conditions(work, others, threads, rounds)
        wanted = options.peer or peers.PEERS
        if absent := [name for name in wanted if name not in {o.name for o in others}]:
            console.print(f"Not installed, left out: {', '.join(absent)}.")
        console.print(
            f"{about['processor']}, {about['fastact']['isa']}; fastact {fastact.__version__}, "
            + ", ".join(f"{peer.name} {peer.version}" for peer in others),
            highlight=False,
        )
        # Refreshed between measurements alone: a thread that draws would be measured too.
        with progress.Progress(console=console, transient=True, auto_refresh=False) as bar:
            task = bar.add_task("", total=len(names) * len(sizes))

            def advance(name: str, size: int) -> None:
                bar.update(task, description=f"{name}, {size_text(size)}", advance=1, refresh=True)

            results = measure(names, work, sizes, rounds, others, advance)
    console.print(table(results, work, others, threads))
    if printed:
        print(as_json(results, about))
    elif options.json is not None:
        directory(options.json.parent)
        options.json.write_text(as_json(results, about) + "\n", encoding="utf-8")
        console.print(f"times: {options.json}", highlight=False, soft_wrap=True)
    if options.chart is not None:
        cores = f"{threads} thread{'s' * (threads != 1)}, {about['processor']}"
        title = f"{work.operation}, {work.dtype}, {cores}"
        charts.draw(options.chart, results, [peers.FASTACT, *(p.name for p in others)], title)
        console.print(f"chart: {options.chart}", highlight=False, soft_wrap=True)
    return 0
