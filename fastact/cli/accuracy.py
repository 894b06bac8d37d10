"""``accuracy``: how far the results are from the exact ones, in units in the last place.

The exact values come from the catalogue's formulas in interval arithmetic; every kernel of this
machine is compared with them in one pass. With ``--output`` a sweep can be interrupted and taken
up again.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import fastact
from fastact import _accuracy
from fastact.cli.common import ROW_FUNCTIONS, ROWS, CommandError, chosen, directory, need, processor
from fastact.cli.sweeps import (
    Case,
    Found,
    merged,
    piece_of_all,
    piece_of_sample,
    sweep,
)

SUMMARY = "measure the error of every kernel, in units in the last place"
EXAMPLE = "python -m fastact accuracy silu --dtype float32 --exhaustive"

DTYPES = ("float16", "bfloat16", "float32", "float64")
_SAMPLE = {"float32": 1 << 19, "float64": 1 << 16}
_LARGE_SAMPLE = 11_000_000  # of float64, which nobody can exhaust
_SAMPLE_PIECE = {"float32": 1 << 16, "float64": 1 << 13}
_SAVE_EVERY = 20.0  # seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument("names", nargs="*", metavar="NAME", help="functions; by default all")
    parser.add_argument(
        "--dtype", action="append", choices=DTYPES, help="a dtype, repeatable; by default all"
    )
    parser.add_argument(
        "--isa", action="append", help="an instruction set, repeatable; by default all"
    )
    parser.add_argument(
        "--exhaustive",
        action="store_true",
        help="every float32 there is (minutes per function), and eleven million of float64",
    )
    parser.add_argument(
        "--offset", type=natural_number, default=0, help="another number samples other inputs"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIRECTORY",
        help="write NAME.json there; what is there already is not swept again",
    )


def natural_number(text: str) -> int:
    """Return a number that argparse has read.

    Parameters
    ----------
    text : str

    Returns
    -------
    int
    """
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def cases_of(name: str, dtypes: Iterable[str]) -> list[Case]:
    """Return what is to be swept of a function.

    Parameters
    ----------
    name : str
    dtypes : iterable of str

    Returns
    -------
    list of Case
    """
    row = ROWS[name]
    return [Case(row, given, dtype) for given in row.parameter_sets() for dtype in dtypes]


def build() -> str:
    """Return a name for the compiled code that is measured.

    Returns
    -------
    str
        The beginning of a hash: it says whether results are of this build.
    """
    digest = hashlib.sha256()
    for module in ("_kernels", "_accuracy"):
        spec = importlib.util.find_spec(f"fastact.{module}")
        if spec is not None and spec.origin is not None:
            digest.update(Path(spec.origin).read_bytes())
    return digest.hexdigest()[:16]


def hexadecimal(number: float) -> str:
    """Return a number as `float.hex` does, without the zeros at the end of its fraction.

    Parameters
    ----------
    number : float

    Returns
    -------
    str
    """
    mantissa, mark, exponent = number.hex().partition("p")
    return f"{mantissa.rstrip('0').rstrip('.')}{mark}{exponent}" if mark else mantissa


class Sweep:
    """The sweep of one case by all threads, piece by piece.

    Parameters
    ----------
    case : Case
    isas : list of str
    exhaustive : bool
    offset : int
    """

    def __init__(self, case: Case, isas: list[str], exhaustive: bool, offset: int = 0) -> None:
        self.case = case
        self.isas = isas
        self.offset = offset
        self.found: Found | None = None
        self.seconds = 0.0
        self._threads = threading.local()
        self.all = case.bits == 16 or (exhaustive and case.dtype == "float32")
        if self.all:
            self.pieces = case.all_pieces()
        else:
            count = _LARGE_SAMPLE if exhaustive else _SAMPLE[case.dtype]
            self.sample = case.sampled(count, offset)
            starts = range(0, self.sample.size, _SAMPLE_PIECE[case.dtype])
            self.pieces = [(begin, min(begin + starts.step, self.sample.size)) for begin in starts]
        self.waiting = list(range(len(self.pieces)))

    @property
    def inputs(self) -> int:
        """The number of inputs of all pieces."""
        return sum(end - begin for begin, end in self.pieces)

    def _run(self, index: int) -> Found:
        """Sweep a piece, in a thread."""
        if not hasattr(self._threads, "references"):
            self._threads.references = _accuracy.References(
                self.case.row, self.case.parameters, self.case.dtype
            )
        begin, end = self.pieces[index]
        piece = (
            piece_of_all(self.case, begin, end)
            if self.all
            else piece_of_sample(self.sample, begin, end)
        )
        return sweep(self._threads.references, self.case, self.isas, piece)

    def run(self, workers: int, advance: Callable[[int], None], save: Callable[[], None]) -> None:
        """Sweep what is waiting.

        Parameters
        ----------
        workers : int
            Threads.
        advance : callable
            Told the number of inputs of each piece that is done.
        save : callable
            Called now and then, and when interrupted.
        """
        started, saved, before = time.monotonic(), time.monotonic(), self.seconds
        running: dict[Future[Found], int] = {}
        queue = list(self.waiting)
        with ThreadPoolExecutor(workers) as pool:
            try:
                while queue or running:
                    while queue and len(running) < 2 * workers:
                        index = queue.pop(0)
                        running[pool.submit(self._run, index)] = index
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        index = running.pop(future)
                        # Together, or an interrupt between them has the piece counted twice.
                        self.found, self.waiting = (
                            merged(self.found, future.result()),
                            [other for other in self.waiting if other != index],
                        )
                        advance(self.pieces[index][1] - self.pieces[index][0])
                    self.seconds = before + time.monotonic() - started
                    if time.monotonic() - saved > _SAVE_EVERY:
                        save()
                        saved = time.monotonic()
            except BaseException:
                for future in running:
                    future.cancel()
                save()
                raise

    # ---- as data ----------------------------------------------------------------------------

    @property
    def plan(self) -> dict[str, Any]:
        """What is swept: results are of the same plan or of another measurement."""
        return {
            "parameters": self.case.parameters,
            "dtype": self.case.dtype,
            "all": self.all,
            "inputs": self.inputs,
            "offset": 0 if self.all else self.offset,
        }

    def as_data(self) -> dict[str, Any]:
        """Return what is found, for JSON: inputs as hexadecimal numbers.

        Returns
        -------
        dict
        """
        shown: Found = {}
        for isa, operations in (self.found or {}).items():
            shown[isa] = {}
            for operation, found in operations.items():
                shown[isa][operation] = {
                    **found,
                    **{
                        key: hexadecimal(self.case.number(found[key]))
                        for key in ("worst_x", "worst_grad")
                    },
                    **{key: hexadecimal(found[key]) for key in ("smallest", "largest")},
                    "max_ulp": round(found["max_ulp"], 5),
                }
        return {**self.plan, "seconds": round(self.seconds, 1), "found": shown}

    def state(self) -> dict[str, Any]:
        """Return what `resume` takes.

        Returns
        -------
        dict
        """
        return {
            "plan": self.plan,
            "found": self.found,
            "waiting": self.waiting,
            "seconds": self.seconds,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on where a sweep of the same plan was interrupted; another's state changes nothing.

        Parameters
        ----------
        state : dict
        """
        if state["plan"] == self.plan:
            self.found = state["found"]
            self.waiting = state["waiting"]
            self.seconds = state["seconds"]


class Record:
    """The file of a function's results, and beside it the one of a sweep that is not done.

    Parameters
    ----------
    path : pathlib.Path or None
        None: nothing is written.
    name : str
    """

    def __init__(self, path: Path | None, name: str) -> None:
        self.path = path and path / f"{name}.json"
        self.partial = path and path / f".{name}.partial.json"
        self.about = {
            "function": name,
            "build": build(),
            "fastact": fastact.__version__,
            "processor": processor(),
            "compiler": fastact.runtime_info()["compiler"],
            "flags": fastact.runtime_info()["compile_flags"],
        }
        self.results: list[dict[str, Any]] = []
        if self.path is not None and self.path.exists():
            self.results = json.loads(self.path.read_text(encoding="utf-8"))["results"]

    def take(self, sweep: Sweep) -> dict[str, Any] | None:
        """Return the results of a plan, where this build's are there already.

        Parameters
        ----------
        sweep : Sweep

        Returns
        -------
        dict or None
        """
        for result in self.results:
            same = all(result[key] == value for key, value in sweep.plan.items())
            complete = set(result["found"]) >= set(sweep.isas)
            if same and complete and result["build"] == self.about["build"]:
                return result
        return None

    def check_that_nothing_is_lost(self, sweep: Sweep) -> None:
        """Refuse to replace results of more inputs or more instruction sets.

        Parameters
        ----------
        sweep : Sweep

        Raises
        ------
        CommandError
        """
        for old in self.results:
            if any(old[key] != sweep.plan[key] for key in ("parameters", "dtype")):
                continue
            if old["inputs"] > 2 * sweep.inputs or not set(old["found"]) <= set(sweep.isas):
                raise CommandError(
                    f"{self.path} has {sweep.case}, {sweep.case.dtype}, for {old['inputs']:,} "
                    f"inputs and {', '.join(old['found'])}: more than this would measure. Choose "
                    "another directory.",
                    2,
                )

    def load(self, sweep: Sweep) -> None:
        """Have a sweep go on where it was interrupted.

        Parameters
        ----------
        sweep : Sweep
        """
        if self.partial is None or not self.partial.exists():
            return
        try:
            state = json.loads(self.partial.read_text(encoding="utf-8"))
        except ValueError:  # not ours, or older than whole files
            return
        if state["build"] == self.about["build"] and state["isas"] == sweep.isas:
            sweep.resume(state)

    def save_partial(self, sweep: Sweep) -> None:
        """Write down how far a sweep is.

        Parameters
        ----------
        sweep : Sweep
        """
        if self.partial is not None:
            state = {"build": self.about["build"], "isas": sweep.isas, **sweep.state()}
            write_whole(self.partial, json.dumps(state))

    def add(self, sweep: Sweep) -> dict[str, Any]:
        """Write down the results of a sweep, in place of those that were there.

        Parameters
        ----------
        sweep : Sweep

        Returns
        -------
        dict
        """
        new = {"build": self.about["build"], **sweep.as_data()}
        key = ("parameters", "dtype")
        self.results = [old for old in self.results if any(old[name] != new[name] for name in key)]
        self.results.append(new)
        self.results.sort(key=lambda result: DTYPES.index(result["dtype"]))
        if self.path is not None and self.partial is not None:
            data = {**self.about, "results": self.results}
            write_whole(self.path, json.dumps(data, indent=1) + "\n")
            self.partial.unlink(missing_ok=True)
        return new


def write_whole(path: Path, text: str) -> None:
    """Write a file that is there as a whole or as it was, also where this is interrupted.

    Parameters
    ----------
    path : pathlib.Path
    text : str
    """
    new = path.with_name(f"{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


# ---- what is shown -------------------------------------------------------------------------------


def alike(result: dict[str, Any], operation: str) -> list[tuple[list[str], dict[str, Any]]]:
    """Return what is found of an operation, instruction sets of which the same is found together.

    Parameters
    ----------
    result : dict
    operation : str

    Returns
    -------
    list of (list of str, dict)
    """
    groups: list[tuple[list[str], dict[str, Any]]] = []
    shown = ("max_ulp", "worst_x", "worst_grad", "misrounded")
    for isa, operations in result["found"].items():
        found = operations[operation]
        for isas, other in groups:
            if all(found[key] == other[key] for key in shown):
                isas.append(isa)
                break
        else:
            groups.append(([isa], found))
    return groups


def share(found: dict[str, Any]) -> str:
    """Return the share of results that are not the nearest float.

    Parameters
    ----------
    found : dict

    Returns
    -------
    str
    """
    if not found["misrounded"]:
        return "none"
    return f"{100 * found['misrounded'] / found['inputs']:.2g} %"


def print_result(console: Any, new_table: Any, case: Case, result: dict[str, Any]) -> bool:
    """Print the results of a case.

    Parameters
    ----------
    console : rich.console.Console
    new_table : callable
        `rich.table.Table`.
    case : Case
    result : dict

    Returns
    -------
    bool
        Whether all of them keep to the bounds of the catalogue.
    """
    table = new_table(box=None, header_style="dim", pad_edge=False)
    for title in ("  of", "kernels", "max ULP", "misrounded", "at x"):
        table.add_column(title, justify="right" if title in ("max ULP", "misrounded") else "left")
    right, undecided = True, 0
    for operation in _accuracy.OPERATIONS:
        for isas, found in alike(result, operation):
            within = found["max_ulp"] <= case.row.bound(case.dtype, operation)
            right &= within
            where = ""
            if found["max_ulp"]:
                where = found["worst_x"]
                if operation == "backward":
                    where += f", grad {found['worst_grad']}"
            undecided = max(undecided, found["undecided"])
            table.add_row(
                f"  {operation}",
                "all" if len(isas) == len(result["found"]) else ", ".join(isas),
                f"{found['max_ulp']:.4f}",
                share(found),
                where,
                style=None if within else "bold red",
            )
    inputs = f"all {1 << case.bits:,} inputs" if result["all"] else f"{result['inputs']:,} inputs"
    console.print(f"\n[bold]{case}[/bold], {case.dtype}, {inputs}", highlight=False)
    console.print(table)
    if undecided:
        console.print(f"  {undecided} inputs beside a root of the slope are left undecided.")
    return right


def known_dtypes(asked: list[str] | None) -> list[str]:
    """Return the dtypes to sweep.

    Parameters
    ----------
    asked : list of str or None

    Returns
    -------
    list of str

    Raises
    ------
    CommandError
        For one that this build or environment lacks.
    """
    reasons = {
        dtype: f"{dtype} needs quadruple precision, which is there on Linux with glibc and gcc"
        for dtype in DTYPES
        if not _accuracy.judges(dtype)
    }
    if importlib.util.find_spec("ml_dtypes") is None:
        reasons["bfloat16"] = "bfloat16 needs ml_dtypes: pip install ml_dtypes"
    for dtype in asked or ():
        if dtype in reasons:
            raise CommandError(f"{reasons[dtype]}.")
    return list(dict.fromkeys(asked or [dtype for dtype in DTYPES if dtype not in reasons]))


def known_isas(asked: list[str] | None) -> list[str]:
    """Return the instruction sets to sweep, the best first.

    Parameters
    ----------
    asked : list of str or None

    Returns
    -------
    list of str

    Raises
    ------
    CommandError
        For one that cannot run here.
    """
    available = fastact.runtime_info()["isa_available"]
    for isa in asked or ():
        if isa not in available:
            raise CommandError(f"there is no {isa!r} here; there is {', '.join(available)}.", 2)
    return [isa for isa in reversed(available) if not asked or isa in asked]


def run(options: argparse.Namespace) -> int:
    """Run the command.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    int
        The exit code: 0, or 1 where an error is beyond the catalogue's bound.
    """
    names = [name for name in chosen(options.names) if name not in ROW_FUNCTIONS]
    for name in options.names:
        if name.lower() in ROW_FUNCTIONS:
            raise CommandError(f"{name} takes rows, not numbers: its tests measure it.", 2)
    (console_module, progress, tables) = need(
        "bench", "rich.console", "rich.progress", "rich.table"
    )
    dtypes, isas = known_dtypes(options.dtype), known_isas(options.isa)
    output = None if options.output is None else directory(options.output)
    console = console_module.Console()
    console.print(
        f"{processor()}, {', '.join(isas)}; fastact {fastact.__version__}", highlight=False
    )
    workers = os.cpu_count() or 1
    right = True
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
    )
    for name in names:
        record = Record(output, name)
        with progress.Progress(*columns, console=console, transient=True) as bar:
            for case in cases_of(name, dtypes):
                sweep = Sweep(case, isas, options.exhaustive, options.offset)
                result = record.take(sweep)
                if result is None:
                    record.check_that_nothing_is_lost(sweep)
                    result = _swept(sweep, record, workers, bar)
                right &= print_result(bar.console, tables.Table, case, result)
    if not right:
        console.print("Beyond the bounds of the catalogue where red.", style="bold red")
    return 0 if right else 1


def _swept(sweep: Sweep, record: Record, workers: int, bar: Any) -> dict[str, Any]:
    record.load(sweep)
    done = sweep.inputs - sum(
        end - begin for begin, end in map(sweep.pieces.__getitem__, sweep.waiting)
    )
    task = bar.add_task(f"{sweep.case}, {sweep.case.dtype}", total=sweep.inputs, completed=done)
    try:
        sweep.run(
            workers,
            lambda inputs: bar.update(task, advance=inputs),
            lambda: record.save_partial(sweep),
        )
    except KeyboardInterrupt:
        lost = "what this function has so far is lost; --output DIRECTORY would keep it"
        kept = "the same command goes on from here"
        bar.console.print(f"Interrupted: {kept if record.path else lost}.")
        raise
    bar.remove_task(task)
    return record.add(sweep)
