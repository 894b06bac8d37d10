"""Write the tables of error bounds and measured errors: in README.md and docs/accuracy.md.

Usage: python tools/write_tables.py [--check]

The bounds are the catalogue's; what was measured is docs/accuracy/*.json, as `make accuracy` writes
it. Wrong data stop the tool: a measured error beyond its bound, or a function, dtype or set of
parameters that nobody has measured. With --check nothing is written; the exit status says whether
the tables are up to date.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "fastact"))

# The module alone: the tables can be written before anything is compiled.
from catalogue import CATALOGUE, Row  # noqa: E402

DATA = ROOT / "docs" / "accuracy"
HALVES = ("float16", "bfloat16")
DTYPES = (*HALVES, "float32", "float64")
OPERATIONS = ("value", "derivative", "backward")
NAMES = {"value": "f", "derivative": "f'", "backward": "grad f'"}

Result = dict[str, Any]


# ---- the data -----------------------------------------------------------------------------------


def load() -> dict[str, list[Result]]:
    """Return the results by function."""
    data = {}
    for row in CATALOGUE:
        path = DATA / f"{row.name}.json"
        if not path.exists():
            raise SystemExit(f"{path.relative_to(ROOT)} is missing: run make accuracy")
        data[row.name] = json.loads(path.read_text(encoding="utf-8"))["results"]
    return data


def result_of(results: Iterable[Result], parameters: dict[str, float], dtype: str) -> Result:
    """Return the result for a set of parameters and a dtype."""
    for result in results:
        if result["parameters"] == parameters and result["dtype"] == dtype:
            return result
    raise SystemExit(f"nothing is measured for {parameters or 'the function'} in {dtype}")


def each(data: dict[str, list[Result]]) -> Iterator[tuple[Row, dict[str, float], str, Result]]:
    """Walk the results in the order of the catalogue."""
    for row in CATALOGUE:
        for parameters in row.parameter_sets():
            for dtype in DTYPES:
                yield row, parameters, dtype, result_of(data[row.name], parameters, dtype)


def complaint(row: Row, dtype: str, result: Result) -> str:
    """Return which promise a result breaks; an empty string for none."""
    if not (result["all"] or (dtype == "float64" and result["inputs"] >= 10_000_000)):
        return "not all inputs are measured; run make accuracy"
    if "baseline" not in result["found"] or len(result["found"]) < 2:
        return "instruction sets with and without FMA are to be measured beside each other"
    for isa, operations in result["found"].items():
        for operation, found in operations.items():
            what = f"{operation} {isa}"
            bound = row.bound(dtype, operation)
            if not found["max_ulp"] <= bound:
                return f"{what}: {found['max_ulp']} ULP, but the catalogue promises {bound}"
            if found["undecided"] > (10 if dtype == "float64" else 0):
                return f"{what}: {found['undecided']} inputs are left undecided"
            if dtype in HALVES and operation != "backward" and found["misrounded"]:
                return f"{what}: {found['misrounded']} results are not the nearest"
            if isa != "baseline" and found["differ"]:
                return f"{what}: {found['differ']} results differ from those of another FMA"
    return ""


def check_promises(data: dict[str, list[Result]]) -> None:
    """Stop where what was measured breaks a promise of docs/accuracy.md."""
    for row, parameters, dtype, result in each(data):
        if reason := complaint(row, dtype, result):
            raise SystemExit(f"{row.name} {parameters or ''} {dtype} {reason}")


# ---- the tables ---------------------------------------------------------------------------------


def title(row: Row, parameters: dict[str, float]) -> str:
    """Return a function with its parameters, as it is called."""
    return f"{row.name}({', '.join(['x', *(f'{k}={v:g}' for k, v in parameters.items())])})"


def largest(results: Iterable[Result], operation: str) -> float:
    """Return the largest error of all instruction sets."""
    return max(
        operations[operation]["max_ulp"]
        for result in results
        for operations in result["found"].values()
    )


def table(head: str, lines: Iterable[str]) -> str:
    """Return a Markdown table, numbers at the right."""
    columns = head.split(" | ")
    rule = " | ".join("---:" if name.startswith(">") else "---" for name in columns)
    names = " | ".join(name.removeprefix(">") for name in columns)
    return "\n".join([f"| {names} |", f"| {rule} |", *(f"| {line} |" for line in lines)]) + "\n"


def overview(data: dict[str, list[Result]]) -> str:
    """The README's: every function, with its bounds and the largest error of all sweeps."""
    lines = []
    for row in CATALOGUE:
        parameters = {p.name: p.default for p in row.parameters}
        cells = [f"`{title(row, parameters)}`", f"`{row.formula}`"]
        for dtype in ("float32", "float64"):
            results = [r for r in data[row.name] if r["dtype"] == dtype]
            errors = [f"{largest(results, operation):.3f}" for operation in OPERATIONS[:2]]
            bounds = {f"{row.bound(dtype, operation):g}" for operation in OPERATIONS[:2]}
            cells.append(f"{', '.join(errors)} (≤ {max(bounds)})")
        lines.append(" | ".join(cells))
    return table("function | f(x) | float32: f, f' | float64: f, f'", lines)


def errors(data: dict[str, list[Result]], dtype: str) -> str:
    """Every sweep of a dtype: the largest errors, and where."""
    lines = []
    for row, parameters, its_dtype, result in each(data):
        if its_dtype != dtype:
            continue
        name = f"`{title(row, parameters)}`"
        for operation in OPERATIONS:
            groups: dict[tuple[Any, ...], list[str]] = {}
            for isa, operations in result["found"].items():
                found = operations[operation]
                error = found["max_ulp"]
                worst = f"`{found['worst_x']}`" if error > 1e-4 else ""
                if worst and operation == "backward":
                    worst += f", grad `{found['worst_grad']}`"
                wrong = found["misrounded"] / found["inputs"]
                share = f"{100 * wrong:.2g} %" if wrong else "none"
                groups.setdefault((f"{error:.4f}", worst, share), []).append(isa)
            for (error, worst, share), isas in groups.items():
                kernels = "all" if len(isas) == len(result["found"]) else ", ".join(isas)
                lines.append(
                    f"{name} | {NAMES[operation]} | {kernels} | {error} | "
                    f"{row.bound(dtype, operation):g} | {worst} | {share}"
                )
                name = ""
    return table("function | of | kernels | >max ULP | >bound | at x | >misrounded", lines)


def halves(data: dict[str, list[Result]]) -> str:
    """Of float16 and bfloat16 how many results there were, and how many are not the nearest."""
    lines = []
    for dtype in HALVES:
        results = [result for _, _, its_dtype, result in each(data) if its_dtype == dtype]
        for operation in OPERATIONS:
            found = [ops[operation] for result in results for ops in result["found"].values()]
            lines.append(
                f"{dtype} | {NAMES[operation]} | {len(results)} | "
                f"{sum(one['inputs'] for one in found):,} | "
                f"{sum(one['misrounded'] for one in found):,} | "
                f"{max(one['max_ulp'] for one in found):.5f}"
            )
    head = "dtype | of | >functions and parameters | >results, all kernels | >misrounded | >max ULP"
    return table(head, lines)


def differences(data: dict[str, list[Result]]) -> str:
    """How the kernels without FMA differ from those with it."""
    lines = []
    for row in CATALOGUE:
        for dtype in DTYPES:
            results = [r for r in data[row.name] if r["dtype"] == dtype]
            cells = []
            for operation in OPERATIONS:
                found = [result["found"]["baseline"][operation] for result in results]
                differ = sum(one["differ"] for one in found)
                share = 100 * differ / sum(one["inputs"] for one in found)
                apart = max(one["most_apart"] for one in found)
                cells.append(f"{share:.2g} %, {apart}" if differ else "none")
            if any(cell != "none" for cell in cells):
                lines.append(f"`{row.name}` | {dtype} | {' | '.join(cells)}")
    return table("function | dtype | >f | >f' | >grad f'", lines)


def structure(data: dict[str, list[Result]]) -> str:
    """What the exhaustive float32 sweeps say of order, symmetry and range."""
    lines = []
    for row, parameters, dtype, result in each(data):
        if dtype != "float32":
            continue
        for operation in OPERATIONS[:2]:
            found = [operations[operation] for operations in result["found"].values()]
            says = []
            if not any(one["falls"] for one in found):
                says.append("never falls")
            if not any(one["rises"] for one in found):
                says.append("never rises")
            if not any(one["not_odd"] for one in found):
                says.append("odd")
            if not any(one["not_even"] for one in found):
                says.append("even")
            low = min(float.fromhex(one["smallest"]) for one in found)
            high = max(float.fromhex(one["largest"]) for one in found)
            lines.append(
                f"`{title(row, parameters)}` | {NAMES[operation]} | {low:.9g} | {high:.9g} | "
                f"{', '.join(says)}"
            )
    return table("function | of | >smallest | >largest | over all pairs of neighbours", lines)


# ---- the files ----------------------------------------------------------------------------------


def with_sections(path: Path, sections: dict[str, str]) -> str:
    """Return the text of a file with what stands between the marks of each section replaced."""
    text = path.read_text(encoding="utf-8")
    for name, new in sections.items():
        begin = f"<!-- {name}: written by tools/write_tables.py -->\n"
        end = f"<!-- end of {name} -->\n"
        head, found, rest = text.partition(begin)
        _, found_end, tail = rest.partition(end)
        if not (found and found_end):
            raise SystemExit(f"{path.name} misses the marks {begin.strip()!r} and {end.strip()!r}")
        text = f"{head}{begin}{new}{end}{tail}"
    return text


def main() -> int:
    """Write or check the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether they are up to date")
    check = parser.parse_args().check
    data = load()
    check_promises(data)
    sections = {
        ROOT / "README.md": {"bounds": overview(data)},
        ROOT / "docs" / "accuracy.md": {
            "float32": errors(data, "float32"),
            "float64": errors(data, "float64"),
            "halves": halves(data),
            "differences": differences(data),
            "structure": structure(data),
        },
    }
    stale = []
    for path, of_path in sections.items():
        updated = with_sections(path, of_path)
        if updated == path.read_text(encoding="utf-8"):
            continue
        stale.append(path.name)
        if not check:
            path.write_text(updated, encoding="utf-8")
    if check and stale:
        print(f"the tables of {' and '.join(stale)} are stale: run tools/write_tables.py")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
