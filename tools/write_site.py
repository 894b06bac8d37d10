"""Write the sources of the documentation's pages: what is in docs/, and a page for each function.

usage: python tools/write_site.py DIRECTORY

`make docs` has Sphinx build what this writes. The pages of functions, the gallery, the table of
names and the reference come from the catalogue, the docstrings and the files with measurements, so
that a new function has all of them without a line here. Markdown files are copied; links in them to
files that are no pages become plain text, and comments like ``<!-- build: picture relu relu6 -->``
become what they name.
"""

from __future__ import annotations

import ast
import functools
import html
import inspect
import json
import math
import re
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from latex2mathml import converter
from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import NumpyDocstring

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import oracle  # noqa: E402
import write_performance  # noqa: E402
import write_tables  # noqa: E402

import fastact  # noqa: E402
from fastact import _names, buffers  # noqa: E402
from fastact.catalogue import (  # noqa: E402
    CATALOGUE,
    GATE_CATALOGUE,
    ROW_CATALOGUE,
    Gate,
    Row,
    RowFunction,
)
from fastact.cli import formula, peers, plot, style  # noqa: E402

MEMBERS = ("derivative", "backward", "value_and_derivative")
ACCURACY = ROOT / "docs" / "accuracy"
ROWS = {row.name: row for row in CATALOGUE}
EVERY_ROW = (*CATALOGUE, *ROW_CATALOGUE, *GATE_CATALOGUE)
#: Files outside docs/ that are pages too.
MORE_PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
}


# ---- small parts of pages -----------------------------------------------------------------------


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table of cells; what begins with > in the head has numbers at the right."""
    return write_tables.table(" | ".join(head), map(" | ".join, rows))


def mathml(latex: str, display: str = "inline") -> str:
    """Return LaTeX as MathML."""

    def text(match: re.Match[str]) -> str:
        word = match[1].replace(r"\_prime", "′").replace(r"\_", "_")
        return rf"\text{{{word}}}"

    # Letter by letter, a name would be a product; and bars that are no pair stand apart.
    latex = re.sub(r"\\mathrm\{([^{}]*)\}", text, latex)
    latex = re.sub(r"\|([^|]+)\|", r"\\left|\1\\right|", latex)
    return converter.convert(latex, display=display)


def expression(text: str) -> str:
    """Return an expression of the catalogue as MathML, or as code where there is no way to."""
    text = re.sub(r"inf/\d", "inf", text)  # what makes a test of such a limit exact
    try:
        shown = mathml(formula.latex("", text).removeprefix(" = "))
    except (SyntaxError, ValueError):
        return f"`{text}`"
    return shown.replace("<mtext>inf</mtext>", "<mi>∞</mi>").replace("|", "&#124;")


def number(text: str) -> str:
    """Return a limit or a slope as MathML; of a product of numbers also what it amounts to."""
    if "*" in text and not re.search("[a-z]", text):
        return f"{expression(text)} ≈ {_short(Row.evaluate(text, {}))}"
    return expression(text)


def equation(left: str, text: str) -> str:
    """Return an equation on a line of its own."""
    try:
        shown = mathml(formula.latex(left, text), "block")
    except (SyntaxError, ValueError):
        word = re.sub(r"\\text|[{}]", "", left)
        shown = f"<p><code>{html.escape(f'{word} = {text}')}</code></p>"
    return f'<div class="formula">{shown}</div>\n'


def picture(name: str, alt: str, depth: int = 0) -> str:
    """Return a picture, as Sphinx copies and checks it."""
    path = f"{'../' * depth}_pictures/{name}.svg"
    image = f"```{{image}} {path}\n:alt: {alt}\n:class: picture\n```\n"
    return f":::{{container}} wide\n{image}:::\n"


def hexadecimal(text: str) -> str:
    """Return a number in hexadecimal, with its decimal value."""
    decimal = f"{float.fromhex(text):.6g}".replace("-", "−")  # at which no line breaks
    return f"`{text}` ({decimal})"


# ---- pictures -----------------------------------------------------------------------------------


def save(figure: Any, path: Path) -> None:
    """Write a figure without a background, which is the page's."""
    figure.savefig(path, metadata={"Date": None}, transparent=True, dpi=160)


def errors(row: Row) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return x and there the errors in ULP, in float32 with default parameters."""
    low, high = row.plot_range
    # Beyond the picture of the function, where the tails are. At equal steps a division may happen
    # to be exact everywhere.
    steps = (np.arange(503) + np.random.default_rng(0).random(503)) / 503
    x = (4 * low + 4 * (high - low) * steps).astype(np.float32)
    given = {p.name: p.default for p in row.parameters}
    exact = oracle.in_dtype(given, np.float32)
    function = getattr(fastact, row.name)
    results = {"value": function(x), "derivative": function.derivative(x)}
    expected = {
        "value": [oracle.value(row, float(a), exact) for a in x],
        "derivative": [oracle.derivative(row, float(a), exact, np.float32) for a in x],
    }
    found = {
        what: np.array(
            [oracle.ulps(*pair, np.float32) for pair in zip(y, expected[what], strict=True)]
        )
        for what, y in results.items()
    }
    if (naive := peers.numpy_expression(row.name)) is not None:
        with np.errstate(all="ignore"):
            y = naive(x)
        pairs = zip(y, expected["value"], strict=True)
        found["NumPy"] = np.array([oracle.ulps(*pair, np.float32) for pair in pairs])
    return x, found


def draw_errors(row: Row) -> Any:
    """Draw the errors of value and derivative over the range, and those of NumPy's expression."""
    from matplotlib.figure import Figure

    x, found = errors(row)
    figure = Figure(figsize=(9.2, 3.3), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for panel, what, title in (
        (axes[0], "value", "$f(x)$"),
        (axes[1], "derivative", f"${plot.PRIME}$"),
    ):
        lines = [(what, "fastact", style.LINES[0], "o")]
        if what == "value" and "NumPy" in found:
            lines.insert(0, ("NumPy", "NumPy's expression", style.LINES[1], "x"))
        for key, label, line, marker in lines:
            shown = np.clip(found[key], 1e-3, 2.0**24)
            panel.plot(
                x,
                shown,
                marker,
                color=line["color"],
                markersize=2.6,
                label=label,
                mew=0.7,
                rasterized=True,
            )  # a thousand marks are smaller as dots of a picture
        bound = row.bound("float32", what)
        panel.axhline(bound, color=style.BLACK, linewidth=0.9, linestyle=(0, (5, 4)))
        panel.annotate(
            f"bound {bound:g}",
            (1, bound),
            (-4, 4),
            panel.get_yaxis_transform(),
            "offset points",
            ha="right",
        )
        panel.set_yscale("log")
        panel.set_title(title)
        panel.set_xlabel("$x$")
    axes[0].set_ylabel("error in ULP, float32")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, markerscale=2.5)
    return figure


def write_pictures(where: Path) -> None:
    """Draw every picture."""
    where.mkdir(parents=True)
    with style.settings(), warnings.catch_warnings():
        for row in CATALOGUE:
            save(plot.draw_function(row), where / f"{row.name}.svg")
            save(plot.draw_small(row.name), where / f"{row.name}-small.svg")
            save(draw_errors(row), where / f"{row.name}-errors.svg")
        for rows in ROW_CATALOGUE:
            save(plot.draw_row_function(rows.name), where / f"{rows.name}.svg")
            save(plot.draw_small(rows.name), where / f"{rows.name}-small.svg")
        write_performance.draw(where)


# ---- what a function is good for ----------------------------------------------------------------


def _from(condition: np.ndarray, x: np.ndarray) -> float | None:
    """Return from which x on, outwards, a condition holds; None where it does not at the end."""
    if not condition[-1]:
        return None
    false = np.flatnonzero(~condition)
    return float(x[false[-1] + 1]) if len(false) else float(x[0])


def properties(row: Row) -> Iterator[str]:
    """Yield sentences on range, slope, saturation and cost, found by looking at the function."""
    function = getattr(fastact, row.name)
    x = np.linspace(-40, 40, 80001)
    y, slope = function.value_and_derivative(x)
    defaults = plot.Curve(row, {p.name: p.default for p in row.parameters}, "")
    limits = [defaults.evaluate(text) for text in row.at_infinity]
    slopes = [defaults.evaluate(text) for text in row.slope_at_infinity]
    low, high = min(y.min(), *limits), max(y.max(), *limits)
    of = " with the default parameters" if row.parameters else ""
    yield f"Values from {_short(low)} to {_short(high)}{of}; " + (
        "positive and negative ones." if low < 0 < high else "of one sign: their mean is not 0."
    )
    steepest = max(slope.max(), *slopes)
    yield f"The slope lies between {_short(min(slope.min(), *slopes))} and {_short(steepest)}."
    for side, sign in (("negative", -1), ("positive", 1)):
        outwards, tail = x[::sign], slope[::sign]
        if (start := _from(tail == 0, outwards)) is not None and abs(start) < 20:
            yield (
                f"The slope is 0 for x {'<' if sign < 0 else '>'} {_short(round(start, 2))}: a "
                "unit whose inputs all lie there gets no gradient and learns nothing (it is dead)."
            )
        elif (start := _from(abs(tail) < 0.01, outwards)) is not None:
            yield (
                f"It saturates for {side} x: the slope is below 0.01 from "
                f"{_short(round(start, 2))} on, and gradients fade."
            )
    falling = (slope < 0) & (abs(x) < 30)
    if falling.any() and (slope > 0).any():
        lowest = float(y[falling].min())
        yield f"Not monotone: it falls as low as {_short(lowest)} and comes back."
    jumps = sorted(kink for kink, *_ in defaults.jumps())
    if jumps:
        beside = function(np.nextafter(jumps, [[-math.inf], [math.inf]]))
        what = (
            "It jumps, and its slope,"
            if (np.diff(beside, axis=0) > 1e-9).any()
            else "The slope jumps"
        )
        yield f"{what} at {' and '.join(map(_short, jumps))}."
    else:
        yield "Its slope is continuous."
    yield {
        "cheap": "Cheap: on large arrays it costs what moving the memory does.",
        "exponential": "Costs an exponential for each element.",
    }.get(row.cost, f"Costs: {row.cost}.")


def _short(value: float) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{round(value, 4) + 0.0:.4g}"
    return text.replace("-", "−")


# ---- measurements -------------------------------------------------------------------------------


_SHOWN = {"value": "f", "derivative": "f′"}


def accuracy_of(row: Row) -> str:
    """Return the table of bounds, largest errors and worst inputs."""
    path = ACCURACY / f"{row.name}.json"
    if not path.exists():
        bounds = [[dtype, *(f"{row.bound(dtype, of):g}" for of in _SHOWN)] for dtype in row.max_ulp]
        return table(("dtype", *(f">bound of {of}" for of in _SHOWN.values())), bounds) + (
            "\nThe tests hold these bounds at a sample of all inputs, at every float16 and "
            "bfloat16 and beside what is special; the largest error and where it lies stand here "
            "once every float32 has been tried.\n"
        )
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    lines = []
    for dtype in row.max_ulp:
        own = [r for r in results if r["dtype"] == dtype]
        for operation, shown in _SHOWN.items():
            cells = [dtype, shown, f"{row.bound(dtype, operation):g}"]
            found = [
                (of[operation]["max_ulp"], of[operation]["worst_x"], result["parameters"])
                for result in own
                for of in result["found"].values()
            ]
            if found:
                error, where, parameters = max(found, key=lambda one: one[0])
                given = "".join(f", {name} = {value:g}" for name, value in parameters.items())
                inputs = "all" if all(r["all"] for r in own) else f"{own[0]['inputs']:,}"
                cells += [f"{error:.4f}", f"{hexadecimal(where)}{given}" if error else "", inputs]
            else:
                cells += ["", "", "not yet"]
            lines.append(cells)
    return table(("dtype", "of", ">bound", ">largest found", "at x", ">inputs tried"), lines)


@functools.cache
def kept_times() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return on what times were measured, and the results; none where none are kept."""
    path = write_performance.records.times("value-float32-1")
    return write_performance.records.read(path) if path.exists() else ({}, [])


def contestants(results: list[dict[str, Any]]) -> list[str]:
    """Return whose times there are."""
    return list(dict.fromkeys(peer for result in results for peer in result["ns_per_element"]))


def cells(result: dict[str, Any], known: list[str]) -> list[str]:
    """Return a result's times, empty for whom there is none."""
    times = result["ns_per_element"]
    number = write_performance.number
    return [number(times[peer]) if peer in times else "" for peer in known]


def cores(about: dict[str, Any]) -> str:
    """Return the number of threads and the processor."""
    threads = about["threads"]
    return f"{threads} thread{'s' * (threads != 1)}, {about['processor']}"


def times_of(name: str) -> str:
    """Return the table of times beside the peers, or how to get it where none are kept."""
    about, results = kept_times()
    own = [result for result in results if result["function"] == name]
    if not own:
        return f"`python -m fastact bench {name}` measures it beside its peers on your machine.\n"
    known = contestants(own)
    lines = [[f"{result['elements']:,}", *cells(result, known)] for result in own]
    versions = ", ".join(f"{peer} {version}" for peer, version in about["peers"].items())
    # Of the largest: a row of one of the smaller may be the whole.
    rows = f" in rows of {own[-1]['shape'][-1]}" if len(own[-1]["shape"]) > 1 else ""
    return (
        f"Nanoseconds per element of float32{rows}, {cores(about)}, {about['fastact']['isa']}; "
        f"fastact {about['fastact']['version']}, {versions}.\n\n"
        + table(["elements", *(f">{peer}" for peer in known)], lines)
        + "\n[How it is measured](../benchmarks.md); `python -m fastact bench "
        f"{name}` measures it on your machine.\n"
    )


def errors_of_all() -> str:
    """Return the largest errors of all libraries on ordinary float32 inputs."""
    data = json.loads((ACCURACY / "peers.json").read_text(encoding="utf-8"))
    own = [result for result in data["results"] if result["dtype"] == "float32"]
    libraries = list(dict.fromkeys(result["library"] for result in own))
    cells: dict[str, dict[str, str]] = {}
    for result in own:
        name = result["function"] + ("'" if result["operation"] == "derivative" else "")
        lost = result["all"]["lost"] / result["all"]["inputs"]
        error = f"{result['ordinary']['max_ulp']:.2g}".replace("e+0", "e")
        cells.setdefault(name, {})[result["library"]] = (
            f"{error}, {100 * lost:.2g}\N{NO-BREAK SPACE}%" if lost else error
        )
    lines = [
        [f"`{name}`", *(of.get(library, "") for library in libraries)] for name, of in cells.items()
    ]
    return table(["", *(f">{library}" for library in libraries)], lines)


def times_of_all() -> str:
    """Return the times of all functions on a large array."""
    about, results = kept_times()
    if not results:
        return ""
    largest = max(result["elements"] for result in results)
    known = contestants(results)
    lines = []
    for result in results:
        if result["elements"] == largest:
            times, name = result["ns_per_element"], result["function"]
            others = [t for peer, t in times.items() if peer not in ("fastact", "copy")]
            ratio = times["fastact"] / min(others)
            link = f"[{name}](../functions/{name}.md)"
            lines.append([link, f"{ratio:.2f}", *cells(result, known)])
    return (
        f"Nanoseconds per element of results of {largest:,} float32 numbers, {cores(about)} "
        f"({about['fastact']['isa']}); `ratio` is fastact's time over that of the fastest "
        "other.\n\n" + table(["", ">ratio", *(f">{peer}" for peer in known)], lines)
    )


# ---- names --------------------------------------------------------------------------------------


def names_of(function: str) -> str:
    """Return the table of a function's names in other frameworks."""
    lines = []
    for entry in _names.entries():
        if entry.function != function or _names.provided(entry) is None:
            continue
        for framework, names in entry.names.items():
            given = ", ".join(f"{name} = {value:g}" for name, value in entry.parameters.items())
            if framework != "fastact":
                spelt = ", ".join(f"`{name}`" for name in names.split())
                remark = entry.remark
                lines.append([_names.FRAMEWORKS[framework][0], spelt, given, remark])
    lines.sort(key=lambda line: line[0].lower())
    if not lines:
        return ""
    columns = list(zip(("framework", "name", "default parameters", ""), *lines, strict=True))
    head, *lines = zip(*(column for column in columns if any(column[1:])), strict=True)
    return table(head, lines) + (
        f'\n`fa.get("{function}")`, `fa.get("keras:...")`: '
        "[functions by the names of other frameworks](../names.md).\n"
    )


def all_names() -> str:
    """Return the table of all names that fastact.get knows."""
    frameworks = [name for name in _names.FRAMEWORKS if name != "fastact"]
    heads = [_names.FRAMEWORKS[framework][0] for framework in frameworks]
    provided, missing, remarks = [], [], []
    for entry in _names.entries():
        if "fastact" in entry.names:
            continue
        cells = [", ".join(f"`{n}`" for n in entry.names.get(f, "").split()) for f in frameworks]
        if (found := _names.provided(entry)) is None:
            words = [f"`{entry.instead}`"] if entry.instead else []
            words += [entry.remark] if entry.remark else []
            words += ["not yet"] if entry.function else []
            missing.append([*cells, "; ".join(words)])
            continue
        given = "".join(f", {k}={v:g}" for k, v in entry.parameters.items())
        own = f"`{entry.function}(x{given})`" if given else f"`{found.__name__}`"
        if entry.function in {row.name for row in EVERY_ROW}:
            own = f"[{own}](functions/{entry.function}.md)"
        else:
            own = f"[{own}](api.md)"
        provided.append([own, *cells])
        if entry.remark:
            pairs = zip(heads, cells, strict=True)
            names = "; ".join(f"{head} {cell}" for head, cell in pairs if cell)
            remarks.append(f"- {names}: {entry.remark}.")
    text = table(("fastact", *heads), provided) + "\n" + "\n".join(remarks) + "\n"
    if missing:
        text += (
            "\n## Known, but not provided\n\nFor these `fa.get` raises a ValueError that says "
            "what to write instead.\n\n" + table((*heads, "instead"), missing)
        )
    return text


# ---- the pages ----------------------------------------------------------------------------------


def reference(name: str, value: Any, kind: str = "function") -> str:
    """Return a docstring as Sphinx describes an object."""
    text = inspect.getdoc(value) or ""
    try:
        signature = str(inspect.signature(value))
    except (TypeError, ValueError):
        signature = ""
    # NumPy's keywords are in every signature; the docstring explains them.
    signature = re.sub(r", casting=.*\)$", ", ...)", signature)
    signature = re.sub(r" -> .*", "", signature).replace("(self, ", "(")
    first, _, rest = text.partition("\n\n")
    if first.startswith(f"{name}("):
        text = rest
    # The source of a function is on its page.
    text = re.sub(r"\nReferences\n-+\n(.|\n)*?(?=\n\w+\n-+\n|\Z)", "\n", text).replace(" [1]_", "")
    # In every signature, and explained there.
    text = re.sub(r"\n(where, casting, .*)\n    As for any `numpy.ufunc`\.", r"", text)
    config = Config(napoleon_use_rtype=False, napoleon_use_admonition_for_examples=False)
    body = str(NumpyDocstring(text, config, what=kind))
    lines = [f".. py:{kind}:: {name}{'' if kind == 'class' else signature}", ""]
    lines += [f"   {line}".rstrip() for line in body.splitlines()]
    return "```{eval-rst}\n" + "\n".join(lines) + "\n```\n"


_ABOUT_ERRORS = """\
Errors in units in the last place (ULP) against the exact values, in float32. Points at the lower
edge are exact to a thousandth, those at the upper one have no right digit.
"""

_ABOUT_KEYWORDS = """\
Where `...` stands, `where`, `casting`, `order`, `dtype`, `subok` and `signature` may be given, as
for any `numpy.ufunc`.
"""


def folded(name: str, value: Any) -> list[str]:
    """Return a description to be unfolded."""
    begin = f"```{{raw}} html\n<details><summary><code>{name}</code></summary>\n```\n"
    return [begin, reference(name, value), "```{raw} html\n</details>\n```\n"]


def function_page(row: Row) -> str:
    """Return the page of an elementwise activation."""
    function = getattr(fastact, row.name)
    limits = [
        f"f → {number(limit)}, f′ → {number(slope)}"
        for limit, slope in zip(row.at_infinity, row.slope_at_infinity, strict=True)
    ]
    kinks = [f"f′({expression(x)}) = {number(slope)}" for x, slope in row.kinks.items()]
    facts = [
        ["at −∞", limits[0]],
        ["at +∞", limits[1]],
        ["of NaN", "NaN"],
        ["at kinks", ", ".join(kinks) or "none"],
        ["integers", "stay integers" if row.keeps_integers else "become float64"],
    ]
    if row.aliases:
        facts.append(["also called", ", ".join(f"`fa.{alias}`" for alias in row.aliases)])
    facts.append(["source", row.source])
    parts = [
        f"# {row.name}\n",
        f"{row.summary}.\n",
        equation("f(x)", row.formula) + equation("f′(x)", row.derivative),
        picture(row.name, f"{row.name} and its derivative", 1),
        table(("", ""), facts),
    ]
    if row.parameters:
        rows = [
            [f"`{p.name}`", f"{p.default:g}", p.domain, f"{p.summary}."] for p in row.parameters
        ]
        parts += [
            "## Parameters\n",
            table(("name", ">default", "may be", ""), rows),
            "Each is a number, or an array that broadcasts with x.\n",
        ]
    parts += ["## When to use it\n", f"{row.use}\n"]
    parts += ["\n".join(f"- {line}" for line in properties(row)) + "\n"]
    if row.notes:
        parts.append(f"{row.notes}\n")
    parts += [
        "## How right it is\n",
        picture(f"{row.name}-errors", f"errors of {row.name} in ULP", 1),
        _ABOUT_ERRORS,
        accuracy_of(row),
        "[How that is known](../accuracy.md).\n",
    ]
    parts += ["## How fast it is\n", times_of(row.name)]
    if names := names_of(row.name):
        parts += ["## Names elsewhere\n", names]
    parts += [
        "## Reference\n",
        _ABOUT_KEYWORDS,
        reference(row.name, function),
    ]
    for member in MEMBERS:
        parts += folded(f"{row.name}.{member}", getattr(function, member))
    return "\n".join(parts)


def row_page(row: RowFunction) -> str:
    """Return the page of a function of rows."""
    function = getattr(fastact, row.name)
    parts = [f"# {row.name}\n", f"{row.summary}.\n"]
    lefts = {
        "value": "y",
        "backward": r"\text{backward}",
        "backward_from_output": r"\text{backward from output}",
    }
    parts += [equation(lefts[name], text) for name, text in row.operations.items()]
    parts.append(
        "p is softmax(x), y what the function returned; sums and maxima are those of a row.\n"
    )
    parts.append(picture(row.name, f"{row.name} of three logits", 1))
    parts += ["## When to use it\n", f"{row.use} {row.notes}\n", f"Source: {row.source}.\n"]
    bounds = [[dtype, f"{bound:g}"] for dtype, bound in row.max_ulp.items()]
    parts += ["## How right it is\n", table(("dtype", ">bound in ULP"), bounds)]
    parts.append("## How fast it is\n")
    if row.shown:
        parts.append(times_of(row.name))
    parts.append(
        "[The softmax family beside its peers, in many shapes](../explanation/comparison.md).\n"
    )
    if names := names_of(row.name):
        parts += ["## Names elsewhere\n", names]
    parts += ["## Reference\n", reference(row.name, function)]
    members = [name for name in row.operations if name != "value"]
    members += ["jacobian"] * hasattr(function, "jacobian")
    for member in members:
        parts += folded(f"{row.name}.{member}", getattr(function, member))
    return "\n".join(parts)


def gate_page(row: Gate) -> str:
    """Return the page of a gated function, or of prelu."""
    function = getattr(fastact, row.name)
    parts = [f"# {row.name}\n", f"{row.summary}.\n"]
    names = ("a", "b") if row.name == "glu" else row.arguments.split(", ")[:2]
    slopes = row.operations["backward"].replace("'(", "_prime(")  # a name as Python reads it
    gradients = [ast.unparse(part) for part in ast.parse(slopes, mode="eval").body.elts]
    lefts = [rf"\text{{grad}}_{{\text{{{name}}}}}" for name in names]
    parts.append(equation("y", row.formula) + "".join(map(equation, lefts, gradients)))
    other = "with one weight for all" if row.name == "prelu" else "where what it multiplies is 1"
    shown = (
        f"{row.name} {other} is [{row.activation}]({row.activation}.md), here with its derivative."
    )
    parts += [picture(row.activation, row.activation, 1), f"{shown}\n"]
    parts += ["## When to use it\n", f"{row.use} {row.notes}\n", f"Source: {row.source}.\n"]
    bounds = [[dtype, f"{bound:g}"] for dtype, bound in row.max_ulp.items()]
    parts += ["## How right it is\n", table(("dtype", ">bound in ULP"), bounds)]
    about = {
        "glu": "An element is one of the result, for which two of x are read.",
        "prelu": "Each number of a row has a weight of its own.",
    }
    product = f"Elsewhere it is {row.activation} and a product, in JAX and numba one loop."
    parts += ["## How fast it is\n", times_of(row.name), f"{about.get(row.name, product)}\n"]
    if names := names_of(row.name):
        parts += ["## Names elsewhere\n", names]
    parts += ["## Reference\n", reference(row.name, function)]
    parts += folded(f"{row.name}.backward", function.backward)
    return "\n".join(parts)


def gallery() -> str:
    """Return the page of all pictures."""
    figures = [
        f"```{{figure}} _pictures/{row.name}-small.svg\n:alt: {row.name}\n:class: picture\n"
        f":target: functions/{row.name}.html\n\n[{row.name}](functions/{row.name}.md)\n```\n"
        for row in (*CATALOGUE, *ROW_CATALOGUE)
    ]
    rest = ", ".join(f"[{row.name}](functions/{row.name}.md)" for row in GATE_CATALOGUE)
    return (
        "# Gallery\n\nBlue, solid: the function. Orange, dashed: its derivative, with a ring where "
        "only a limit lies and a disc where the value does. Each picture leads to its page.\n\n"
        f":::{{container}} gallery\n{''.join(figures)}:::\n\nOf two arrays: {rest}.\n"
    )


def functions_index() -> str:
    """Return the page that lists the functions."""
    pages = "\n".join(row.name for row in EVERY_ROW)
    lines = [
        [f"[{row.name}]({row.name}.md)", row.summary, expression(row.formula)] for row in EVERY_ROW
    ]
    return (
        "# Functions\n\n"
        + table(("function", "", "f(x)"), lines)
        + "\nMore, such as cross_entropy, stands in the [reference](../api.md).\n"
        + f"\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"
    )


def api() -> str:
    """Return the reference of what has no page of its own."""
    own = {row.name for row in (*ROW_CATALOGUE, *GATE_CATALOGUE)}
    parts = ["# Reference\n", "The functions have [pages of their own](functions/index.md).\n"]
    for name in fastact.__all__:
        value = getattr(fastact, name)
        if name in own or not callable(value) or isinstance(value, fastact.Activation):
            continue
        kind = "class" if name == "Activation" else "function"
        parts += [f"## {name}\n", reference(name, value, kind)]
        if name == "Activation":
            members = fastact.Activation.with_parameters
            parts.append(reference("Activation.with_parameters", members, "method"))
        elif hasattr(value, "backward"):
            parts.append(reference(f"{name}.backward", value.backward))
    parts += ["## fastact.buffers\n", "[What it is for](buffers.md).\n"]
    parts += [reference("buffers.softmax", buffers.softmax)]
    return "\n".join(parts)


# ---- the copied pages ---------------------------------------------------------------------------


def built(text: str, depth: int) -> str:
    """Return what a comment in a page so many folders deep stands for."""
    what, *words = text.split()
    if what == "picture":
        return "\n".join(picture(name, f"{name} and its derivative", depth) for name in words)
    if what == "include":
        return (ROOT / words[0]).read_text(encoding="utf-8")
    if what == "names":
        return all_names()
    if what == "accuracy":
        return errors_of_all()
    if what == "times":
        return times_of_all()
    if what == "scaling":
        alt = "time per element over the number of elements, on one thread and two"
        shown = write_performance.scaling()
        return picture("scaling", alt, depth) if shown else write_performance.missing("scaling")
    if what == "performance":
        return write_performance.SECTIONS[words[0]]()
    raise SystemExit(f"nothing is built for {text!r}")


def staged(text: str, source: Path, target: Path, pages: dict[Path, Path]) -> str:
    """Return a Markdown file as a page: its links lead to pages, its comments are carried out."""

    def link(match: re.Match[str]) -> str:
        shown, address = match[1], match[2]
        if "://" in address or address.startswith("#"):
            return match[0]
        path, _, anchor = address.partition("#")
        page = pages.get((source.parent / path).resolve())
        if page is None:
            return shown if shown.startswith("`") else f"`{shown}`"
        up = "../" * (len(target.parts) - 1)
        return f"[{shown}]({up}{page.as_posix()}{'#' * bool(anchor)}{anchor})"

    text = re.sub(r"\[([^\]\[]+)\]\(([^)\s]+)\)", link, text)
    # The empty line that ends a doctest is none of the page's.
    text = re.sub(r"(?m)^(```python\n(?:(?!```).*\n)*?)\n```$", r"\1```", text)
    depth = len(target.parts) - 1
    return re.sub(r"<!-- build: (.*?) -->", lambda match: built(match[1], depth), text)


def main() -> None:
    """Write everything."""
    (where,) = map(Path, sys.argv[1:])
    shutil.rmtree(where, ignore_errors=True)
    docs = ROOT / "docs"
    pages = {path: path.relative_to(docs) for path in docs.rglob("*.md")}
    pages |= {ROOT / source: Path(target) for source, target in MORE_PAGES.items()}
    for source, target in pages.items():
        path = where / target
        path.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        path.write_text(staged(text, source, target, pages), encoding="utf-8")
    shutil.copy(docs / "conf.py", where)
    shutil.copy(ROOT / "fastact" / "_version.py", where)
    shutil.copytree(docs / "_static", where / "_static")
    written = {"gallery": gallery(), "functions/index": functions_index(), "api": api()}
    written |= {f"functions/{row.name}": function_page(row) for row in CATALOGUE}
    written |= {f"functions/{row.name}": row_page(row) for row in ROW_CATALOGUE}
    written |= {f"functions/{row.name}": gate_page(row) for row in GATE_CATALOGUE}
    (where / "functions").mkdir()
    for name, text in written.items():
        (where / f"{name}.md").write_text(text, encoding="utf-8")
    write_pictures(where / "_pictures")


if __name__ == "__main__":
    main()
