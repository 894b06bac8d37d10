"""``list``: what there is, as a table or for a program."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from fastact import _names
from fastact.catalogue import CATALOGUE, GATE_CATALOGUE, ROW_CATALOGUE, Gate, Row, RowFunction
from fastact.cli.common import CommandError, fitted, terminal_width

SUMMARY = "list the functions with their formulas, parameters and bounds of the error"
EXAMPLE = "python -m fastact list --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help="those whose names or summaries have all of these"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with all that is known")


def selected(words: list[str]) -> list[Row | RowFunction | Gate]:
    """Return what the words select.

    Parameters
    ----------
    words : list of str
        None for everything.

    Returns
    -------
    list of Row, RowFunction or Gate

    Raises
    ------
    CommandError
        Where that is nothing.
    """
    found = []
    for row in (*CATALOGUE, *ROW_CATALOGUE, *GATE_CATALOGUE):
        elsewhere = [name for names in _names.names_of(row.name).values() for name in names]
        text = " ".join((row.name, row.summary, *elsewhere)).lower()
        if all(word.lower() in text for word in words):
            found.append(row)
    if not found:
        raise CommandError(f"there is no function of which {' '.join(words)!r} is said.", 2)
    return found


def _cells(row: Row | RowFunction | Gate) -> tuple[str, ...]:
    aliases = row.aliases if isinstance(row, Row) else ()
    if isinstance(row, Row):
        given = "".join(f", {p.name}={p.default:g}" for p in row.parameters)
        bounds = {dtype: max(of.values()) for dtype, of in row.max_ulp.items()}
        arguments = f"x{given}"
    else:
        bounds = row.max_ulp
        arguments = row.arguments if isinstance(row, Gate) else "x, axis=-1"
    return (
        f"{row.name}({arguments})",
        row.formula,
        *(f"{bounds[dtype]:g}" for dtype in ("float32", "float64")),
        ", ".join(aliases),
    )


def _as_data(row: Row | RowFunction | Gate) -> dict[str, Any]:
    kind = {Row: "elementwise", RowFunction: "rows", Gate: "gated"}[type(row)]
    return {**asdict(row), "kind": kind, "names": _names.names_of(row.name)}


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
    rows = selected(options.words)
    if options.json:
        print(json.dumps([_as_data(row) for row in rows], indent=2))
        return 0
    table = [("function", "f(x)", "ULP float32", "float64", "also"), *map(_cells, rows)]
    print("\n".join(_lines(table, terminal_width())))
    return 0


def _lines(table: list[tuple[str, ...]], width: int | None) -> Iterator[str]:
    """Yield a table's lines, the formulas on lines of their own where it is wider than this."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    narrow = width is not None and sum(widths) + 2 * len(widths) - 2 > width
    for cells in table:
        shown = [f"{c:<{w}}" for c, w in zip(cells, widths, strict=True)]
        formula = shown.pop(1).rstrip() if narrow else ""
        yield "  ".join(shown).rstrip()
        if formula:
            yield fitted(f"    {formula}", 8)
