"""Write the README's table of functions and error bounds from the catalogue.

Usage: python tools/write_tables.py [--check]

With --check nothing is written; the exit status says whether the table is up to date.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "fastact"))

# The module alone: the table can be written before anything is compiled.
from catalogue import CATALOGUE, Row  # noqa: E402

README = ROOT / "README.md"
BEGIN = "<!-- bounds: written by tools/write_tables.py -->\n"
END = "<!-- end of bounds -->\n"
HEAD = """\
| function | f(x) | float32: f, f' | float64: f, f' |
| --- | --- | --- | --- |
"""


def line(row: Row) -> str:
    """Return a function's line of the table."""
    parameters = "".join(f", {p.name}={p.default:g}" for p in row.parameters)
    bounds = [
        f"{bound['value']:g}, {bound['derivative']:g}"
        for bound in (row.max_ulp["float32"], row.max_ulp["float64"])
    ]
    return f"| `{row.name}(x{parameters})` | `{row.formula}` | {' | '.join(bounds)} |\n"


def with_table(text: str) -> str:
    """Return the README's text with the table as the catalogue has it."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    if not tail:
        raise SystemExit(f"{README.name} misses the marks {BEGIN.strip()!r} and {END.strip()!r}")
    return head + BEGIN + HEAD + "".join(map(line, CATALOGUE)) + END + tail


def main() -> int:
    """Write or check the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    check = parser.parse_args().check
    text = README.read_text(encoding="utf-8")
    updated = with_table(text)
    if check:
        if updated != text:
            print("README.md's table is not what the catalogue says: run make stubs")
        return int(updated != text)
    README.write_text(updated, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
