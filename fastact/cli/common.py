"""What the commands share: how they fail, what they import, which functions they know."""

from __future__ import annotations

import difflib
import importlib
import platform
import shutil
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastact
from fastact.catalogue import CATALOGUE, GATE_CATALOGUE, ROW_CATALOGUE, Row

if TYPE_CHECKING:
    from fastact import Activation

#: The functions of rows that the commands show.
ROW_FUNCTIONS = tuple(row.name for row in ROW_CATALOGUE if row.shown)

ROWS = {row.name: row for row in CATALOGUE}

FUNCTIONS = (*ROWS, *ROW_FUNCTIONS)

#: The gated functions, glu and prelu among them, by name.
GATES = {row.name: row for row in GATE_CATALOGUE}


class CommandError(Exception):
    """A command cannot go on; the message is for the user.

    Parameters
    ----------
    message : str
        One sentence.
    status : int
        The exit code.
    """

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def need(extra: str, *modules: str) -> list[Any]:
    """Import what a command cannot do without.

    Parameters
    ----------
    extra : str
        The extra of fastact that installs it.
    *modules : str
        Names to import.

    Returns
    -------
    list of module

    Raises
    ------
    CommandError
        Where one is not installed.
    """
    try:
        return [importlib.import_module(module) for module in modules]
    except ModuleNotFoundError as error:
        missing = error.name or modules[0]
        raise CommandError(
            f'{missing.partition(".")[0]} is not installed; pip install "fastact[{extra}]" '
            "brings it."
        ) from None


def activation(name: str) -> Activation:
    """Return an elementwise activation by the name of its row.

    Parameters
    ----------
    name : str

    Returns
    -------
    Activation
    """
    found: Activation = getattr(fastact, name)
    return found


def row_function(name: str) -> Any:
    """Return a function of rows by its name.

    Parameters
    ----------
    name : str

    Returns
    -------
    callable
    """
    return getattr(fastact, name)


def defaults(row: Row) -> tuple[float, ...]:
    """Return the default values of an activation's parameters.

    Parameters
    ----------
    row : Row

    Returns
    -------
    tuple of float
    """
    return tuple(parameter.default for parameter in row.parameters)


def chosen(names: Iterable[str], functions: tuple[str, ...] = FUNCTIONS) -> list[str]:
    """Return the functions that a user has named, each once, aliases under their own name.

    Parameters
    ----------
    names : iterable of str
        Nothing stands for all functions.
    functions : tuple of str
        All of them.

    Returns
    -------
    list of str

    Raises
    ------
    CommandError
        For a name that is none, with those that are near.
    """
    known = {name: name for name in functions}
    known.update({alias: row.name for row in CATALOGUE for alias in row.aliases})
    result: dict[str, None] = {}
    for name in names:
        if name.lower() not in known:
            near = difflib.get_close_matches(name.lower(), known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
            raise CommandError(f"there is no function {name!r}; {hint}", 2)
        result[known[name.lower()]] = None
    return list(result) or list(functions)


def directory(path: Path) -> Path:
    """Return a directory, made where it is not there.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    pathlib.Path

    Raises
    ------
    CommandError
        Where it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"cannot make the directory {path}: {error.strerror}.") from None
    return path


def terminal_width() -> int | None:
    """Return how many columns the terminal has that stdout is; None where it is none.

    Returns
    -------
    int or None
    """
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def fitted(line: str, indent: int) -> str:
    """Return a line broken to the terminal's width, or as it is where stdout is none.

    Parameters
    ----------
    line : str
    indent : int
        Of the lines after the first.

    Returns
    -------
    str
    """
    width = terminal_width()
    if width is None or len(line) <= width:
        return line
    return textwrap.fill(
        line, max(width, 2 * indent), subsequent_indent=" " * indent, break_long_words=False
    )


def processor() -> str:
    """Return the name of the processor.

    Returns
    -------
    str
    """
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
