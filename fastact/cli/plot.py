"""``plot``: a picture of each function and its derivative, and one sheet of all."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastact
from fastact.catalogue import CATALOGUE, Row
from fastact.cli import formula, style
from fastact.cli.common import (
    ROW_FUNCTIONS,
    ROWS,
    activation,
    chosen,
    directory,
    need,
    row_function,
)

SUMMARY = "draw functions, their derivatives, kinks and asymptotes"
EXAMPLE = "python -m fastact plot mish softmax -o pictures --format svg"

DIRECTORY = Path("plots")
OVERVIEW = "overview"
OVERVIEW_COLUMNS = 4

_POINTS = 801
_FAR = 2.0**20  # where f is its asymptote to within what can be drawn

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A function at some values of its parameters.

    Attributes
    ----------
    row : Row
    parameters : dict of str to float
        All of them.
    varied : str
        The parameter that differs between the curves of a picture; "" for none.
    """

    row: Row
    parameters: dict[str, float]
    varied: str

    @property
    def label(self) -> str:
        """The varied parameter and its value, typeset."""
        if not self.varied:
            return ""
        value = self.parameters[self.varied]
        default = {p.name: p.default for p in self.row.parameters}[self.varied] == value
        text = f"${formula.name(self.varied)} = {value:g}$"
        return f"{text} (default)" if default else text

    @property
    def _function(self) -> fastact.Activation:
        return activation(self.row.name).with_parameters(**self.parameters)

    def value(self, x: Array) -> Array:
        """Return f(x)."""
        return np.asarray(self._function(x))

    def derivative(self, x: Array) -> Array:
        """Return f'(x)."""
        return np.asarray(self._function.derivative(x))

    def evaluate(self, expression: str) -> float:
        """Return what an expression of the catalogue in the parameters amounts to."""
        return self.row.evaluate(expression, self.parameters)

    def asymptote(self, side: int) -> tuple[float, float] | None:
        """Return slope and intercept of the asymptote at -inf or +inf.

        None where there is no such line, or where the curve lies on it from some x on, which is
        then nothing to approach.
        """
        limit = self.evaluate(self.row.at_infinity[side])
        slope = self.evaluate(self.row.slope_at_infinity[side])
        if math.isfinite(limit):
            slope, intercept = 0.0, limit
        else:
            far = math.copysign(_FAR, side - 0.5)
            intercept = round(float(self.value(np.array([far]))[0]) - slope * far, 6)
            if abs(intercept) > 1e3:
                return None
        edge = np.array([self.row.plot_range[side]])
        if self.value(edge)[0] == slope * edge[0] + intercept:
            return None
        return slope, intercept + 0.0

    def jumps(self) -> Iterator[tuple[float, float, float, float]]:
        """Yield x, the limits of f' from the left and the right, and f'(x), where these differ."""
        for x, slope in self.row.kinks_at(self.parameters).items():
            beside = self.derivative(np.nextafter([x, x], [-np.inf, np.inf]))
            if abs(beside[1] - beside[0]) > 1e-9:
                yield x, float(beside[0]), float(beside[1]), slope


def curves(row: Row) -> list[Curve]:
    """Return the curves that show a function: one for each telling value of a parameter.

    Parameters
    ----------
    row : Row

    Returns
    -------
    list of Curve
        The most telling first.
    """
    given = {parameter.name: parameter.default for parameter in row.parameters}
    for parameter in row.parameters:
        if parameter.shown:
            name = parameter.name
            return [Curve(row, {**given, name: value}, name) for value in parameter.shown]
    return [Curve(row, given, "")]


def _segments(curve: Curve) -> list[Array]:
    """Return x over the plot's range, cut at the kinks."""
    low, high = curve.row.plot_range
    kinks = curve.row.kinks_at(curve.parameters)
    ends = [low, *sorted(x for x in kinks if low < x < high), high]
    inside = ((np.nextafter(a, b), np.nextafter(b, a)) for a, b in pairwise(ends))
    return [np.linspace(a, b, _POINTS) for a, b in inside]


# ---- axes ---------------------------------------------------------------------------------------


def _cross(axes: Any, x_label: str = "$x$") -> None:
    """Lay the axes through zero, with tips; `_finish` puts the numbers."""
    low, high = axes.get_ylim()
    low, high = min(low, 0.0), max(high, 0.0)
    axes.set_ylim(low - 0.07 * (high - low), high + 0.07 * (high - low))
    left, right = axes.get_xlim()
    axes.set_xlim(left, right + 0.03 * (right - left))
    for side in ("left", "bottom"):
        axes.spines[side].set_position("zero")
        axes.spines[side].set_color(style.GREY)
    tip = {"color": style.GREY, "clip_on": False, "markersize": 4.5}
    at_the_end = axes.get_yaxis_transform()
    axes.plot(1, 0, ">", transform=at_the_end, **tip)
    axes.plot(0, 1, "^", transform=axes.get_xaxis_transform(), **tip)
    axes.annotate(x_label, (1, 0), (7, 0), at_the_end, "offset points", va="center")
    axes.tick_params(color=style.GREY, length=3)


# Where a number may stand beside its tick: offset in points, then alignment.
_BESIDE_Y = (
    ((-6, 0), "right", "center"),
    ((6, 0), "left", "center"),
    ((-6, 8), "right", "center"),
    ((6, 8), "left", "center"),
    ((-6, -8), "right", "center"),
    ((6, -8), "left", "center"),
)
_BESIDE_X = (
    ((0, -6), "center", "top"),
    ((0, 4), "center", "bottom"),
    ((7, -6), "center", "top"),
    ((-7, -6), "center", "top"),
    ((7, 4), "center", "bottom"),
    ((-7, 4), "center", "bottom"),
)


def _finish(figure: Any) -> None:
    """Put the numbers of crossed axes where no curve runs through them."""
    ticker, effects = need("plot", "matplotlib.ticker", "matplotlib.patheffects")
    crossed = [a for a in figure.axes if a.axison and a.spines["left"].get_position() == "zero"]
    for axes in crossed:
        for axis, most in ((axes.xaxis, 7), (axes.yaxis, 5)):
            axis.set_major_locator(ticker.MaxNLocator(most, steps=[1, 2, 5, 10]))
            axis.set_ticklabels([])
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout stays what it is now
    halo = [effects.withStroke(linewidth=2.0, foreground="white")]
    for axes in crossed:
        taken = _drawn(axes)
        for axis, places in ((axes.xaxis, _BESIDE_X), (axes.yaxis, _BESIDE_Y)):
            low, high = sorted(axis.get_view_interval())
            ticks = np.array([t for t in axis.get_majorticklocs() if low <= t <= high])
            # Both zeros would lie on the cross.
            for half in (ticks[ticks < 0], ticks[ticks > 0]):
                ends = [(t, 0) if axis is axes.xaxis else (0, t) for t in half]
                texts = [f"{t:g}".replace("-", "−") for t in half]
                _put(axes, list(zip(texts, ends, strict=True)), places, taken, halo)


def _drawn(axes: Any) -> Array:
    """Return points, in pixels, close together on all that is drawn."""
    points = [np.empty((0, 2))]
    for line in axes.lines:
        corners = line.get_transform().transform(line.get_xydata())
        corners = corners[np.isfinite(corners).all(axis=1)]
        for a, b in pairwise(corners):
            steps = 2 + int(np.abs(b - a).max() / 3)
            points.append(np.linspace(a, b, steps))
        points.append(corners)
    return np.concatenate(points)


def _put(axes: Any, labels: list[tuple[str, Any]], places: Any, taken: Array, halo: Any) -> None:
    """Write the numbers of half an axis on its freer side, except for those that are free only
    elsewhere."""

    def write(text: str, at: Any, place: Any) -> Any:
        offset, horizontal, vertical = place
        return axes.annotate(
            text,
            at,
            offset,
            textcoords="offset points",
            ha=horizontal,
            va=vertical,
            fontsize=9,
            path_effects=halo,
            zorder=2.7,
        )

    def covered(text: str, at: Any, place: Any) -> int:
        label = write(text, at, place)
        count: int = label.get_window_extent().padded(3).count_contains(taken)
        label.remove()
        return count

    counts = np.array([[covered(*label, place) for place in places] for label in labels])
    if not labels:
        return
    # The first two places are the two sides of the axis.
    sides = (counts[:, :2] > 0).sum(axis=0)
    order = [1, 0, *range(2, len(places))] if sides[1] < sides[0] else range(len(places))
    for label, count in zip(labels, counts, strict=True):
        write(*label, places[min(order, key=lambda place: count[place])])


def _draw_value(axes: Any, curve: Curve, line: style.Line, marked: bool = True) -> None:
    x = np.concatenate(_segments(curve))
    y = curve.value(x)
    # Where f jumps there is no line.
    gaps = np.flatnonzero((np.diff(x) < 1e-9) & (abs(np.diff(y)) > 1e-6)) + 1
    x, y = np.insert(x, gaps, np.nan), np.insert(y, gaps, np.nan)
    axes.plot(x, y, label=curve.label, zorder=3, **line)
    for side, edge in enumerate(curve.row.plot_range):
        found = curve.asymptote(side)
        if found is not None:
            slope, intercept = found
            ends = np.array([0.0, edge])
            axes.plot(ends, slope * ends + intercept, zorder=2.6, **style.ASYMPTOTE)
    if marked:
        kinks = np.array([kink for kink, *_ in curve.jumps()])
        at = curve.value(kinks)
        axes.plot(kinks, at, **style.point(line))
        for outwards in (-np.inf, np.inf):
            limits = curve.value(np.nextafter(kinks, outwards))
            jumps = abs(limits - at) > 1e-6
            axes.plot(kinks[jumps], limits[jumps], **style.point(line, filled=False))


def _draw_derivative(axes: Any, curve: Curve, line: style.Line) -> None:
    for x in _segments(curve):
        axes.plot(x, curve.derivative(x), zorder=3, **line)
    for kink, left, right, at in curve.jumps():
        for limit in (left, right):
            # A last bit apart: the limit is the value.
            if not math.isclose(limit, at, abs_tol=1e-9):
                axes.plot(kink, limit, **style.point(line, filled=False))
        axes.plot(kink, at, **style.point(line))


# ---- figures ------------------------------------------------------------------------------------

PRIME = "f\\hspace{0.08}′(x)"


def draw_function(row: Row) -> Any:
    """Draw a function and its derivative, side by side.

    Parameters
    ----------
    row : Row

    Returns
    -------
    matplotlib.figure.Figure
    """
    (module,) = need("plot", "matplotlib.figure")
    family = curves(row)
    figure = module.Figure(figsize=(9.2, 4.4), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.08, wspace=0.06)
    figure.suptitle(f"{row.name}:  {row.summary}", fontsize=14)
    left, right = figure.subplots(1, 2)
    for curve, line in zip(family, style.LINES, strict=False):
        _draw_value(left, curve, line)
        _draw_derivative(right, curve, line)
    for axes, symbol, text in ((left, "f(x)", row.formula), (right, PRIME, row.derivative)):
        axes.set_title(formula.typeset(symbol, text), pad=10, va="bottom")
        axes.set_xlim(*row.plot_range)
        _cross(axes)
    handles, texts = left.get_legend_handles_labels()
    asymptotes = any(curve.asymptote(side) for curve in family for side in (0, 1))
    jumps = any(True for curve in family for _ in curve.jumps())
    more = _key(style.LINES[0], asymptotes, jumps)
    handles, texts = [*handles, *more.values()], [*texts, *more]
    if handles:
        figure.legend(handles, texts, loc="outside lower center", ncols=3, columnspacing=2.5)
    _finish(figure)
    return figure


def _key(line: style.Line, asymptotes: bool, jumps: bool) -> dict[str, Any]:
    """Return handles that explain the marks, by their texts."""
    (lines,) = need("plot", "matplotlib.lines")
    handles = {}
    if asymptotes:
        handles["asymptote of $f$"] = lines.Line2D([], [], **style.ASYMPTOTE)
    if jumps:
        handles["at a kink"] = lines.Line2D([], [], **style.point(line))
        open_point = lines.Line2D([], [], **style.point(line, filled=False))
        handles["limit from one side"] = open_point
    return handles


def draw_row_function(name: str) -> Any:
    """Draw a function of rows against one of three logits; softmax with bars besides.

    Parameters
    ----------
    name : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    if name == "softmax":
        return draw_softmax()
    (module,) = need("plot", "matplotlib.figure")
    figure = module.Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    _row_curves(axes, name)
    axes.set_title(f"{name} of three logits, at {_OTHERS}", pad=10, va="bottom")
    _finish(figure)
    return figure


def draw_softmax() -> Any:
    """Draw softmax: three logits before and after, and the probabilities against one logit.

    Returns
    -------
    matplotlib.figure.Figure
    """
    (module,) = need("plot", "matplotlib.figure")
    figure = module.Figure(figsize=(11.0, 4.2), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.08, wspace=0.04)
    figure.suptitle("softmax:  Logits to probabilities", fontsize=14)
    before, after, against = figure.subplots(1, 3, width_ratios=(1, 1, 1.6))
    _softmax_bars(before, after)
    _row_curves(against, "softmax")
    against.set_title(f"the same $p_i$ against $x_1$, at {_OTHERS}", pad=10, va="bottom")
    _finish(figure)
    return figure


_LOGITS = np.array([2.0, 1.0, -1.0])
_OTHERS = ", ".join(f"$x_{i + 1} = {_LOGITS[i]:g}$" for i in (1, 2))
_HATCHES = ("", "///", "...")


def _softmax_bars(before: Any, after: Any) -> None:
    logits = [f"$x_{i + 1}$" for i in range(len(_LOGITS))]
    probabilities = [f"$p_{i + 1}$" for i in range(len(_LOGITS))]
    for axes, names, heights, title in (
        (before, logits, _LOGITS, "before: three logits $x_i$"),
        (
            after,
            probabilities,
            fastact.softmax(_LOGITS),
            r"after: $p_i = e^{\,x_i} \,/ \, (e^{\,x_1} + e^{\,x_2} + e^{\,x_3})$",
        ),
    ):
        bars = axes.bar(
            names,
            heights,
            width=0.62,
            color=[line["color"] for line in style.LINES[: len(names)]],
            edgecolor="white",
            hatch=_HATCHES[: len(names)],
        )
        texts = [f"{height:.3g}".replace("-", "−") for height in heights]
        axes.bar_label(bars, texts, padding=3)
        axes.set_title(title, pad=10, va="bottom")
        axes.axhline(0, color=style.GREY, linewidth=0.8)
        for side in ("bottom", "left"):
            axes.spines[side].set_visible(False)
        axes.tick_params(axis="x", length=0, labelsize=12)
        axes.set_yticks([])  # the bars carry their numbers
        axes.margins(y=0.14)
    after.set_ylim(0, 1)


def _row_curves(axes: Any, name: str) -> None:
    """Draw what a function makes of three logits against the first of them."""
    x = np.linspace(-5.0, 7.0, _POINTS)
    logits = np.stack([x, np.full_like(x, _LOGITS[1]), np.full_like(x, _LOGITS[2])], axis=-1)
    y = row_function(name)(logits)
    if y.ndim == 1:
        axes.plot(x, y, label="$y$", zorder=3, **style.LINES[0])
        axes.plot(x, logits.max(axis=-1), zorder=2.6, label="largest logit", **style.ASYMPTOTE)
        place = "upper left"
    else:
        probabilities = (y >= 0).all()
        place = "center right" if probabilities else "lower center"
        for i, (of, line) in enumerate(zip(y.T, style.LINES, strict=False)):
            label = f"${'p' if probabilities else 'y'}_{i + 1}$"
            axes.plot(x, of, label=label, zorder=3, **line)
        for end in (0.0, 1.0) if probabilities else (0.0,):
            axes.plot(x[[0, -1]], [end, end], zorder=2.6, **style.ASYMPTOTE)
    axes.set_xlim(x[0], x[-1])
    _cross(axes, "$x_1$")
    axes.legend(loc=place)


def _draw_both(axes: Any, row: Row) -> None:
    curve = curves(row)[0]
    _draw_value(axes, curve, style.LINES[0], marked=False)
    _draw_derivative(axes, curve, style.LINES[1])
    axes.set_xlim(*row.plot_range)
    _cross(axes)
    shown = curve.label.replace(" (default)", "")
    axes.set_title(f"{row.name},  {shown}" if shown else row.name, pad=10)


def draw_small(name: str) -> Any:
    """Draw a function and its derivative into one small picture, as on the sheet of all.

    Parameters
    ----------
    name : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    (module,) = need("plot", "matplotlib.figure")
    figure = module.Figure(figsize=(3.2, 2.6), layout="constrained")
    if name in ROWS:
        _draw_both(figure.subplots(), ROWS[name])
    else:
        _draw_three_logits(figure.subplots(), name)
    _finish(figure)
    return figure


def _draw_three_logits(axes: Any, name: str) -> None:
    _row_curves(axes, name)
    axes.set_title(f"{name} of three logits", pad=10)


def draw_overview() -> Any:
    """Draw all functions on one sheet.

    Returns
    -------
    matplotlib.figure.Figure
    """
    module, lines = need("plot", "matplotlib.figure", "matplotlib.lines")
    cells = len(CATALOGUE) + len(ROW_FUNCTIONS) + 1
    height = -(-cells // OVERVIEW_COLUMNS)
    figure = module.Figure(figsize=(11.7, 2.6 * height + 0.3), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)
    grid = list(figure.subplots(height, OVERVIEW_COLUMNS).flat)
    value, derivative = style.LINES[0], style.LINES[1]
    for axes, row in zip(grid, CATALOGUE, strict=False):
        _draw_both(axes, row)
    softmax, *rest = grid[len(CATALOGUE) :]
    _draw_three_logits(softmax, "softmax")
    for axes in rest:
        axes.set_axis_off()
    handles = {
        "$f(x)$": lines.Line2D([], [], **value),
        f"${PRIME}$": lines.Line2D([], [], **derivative),
        **_key(derivative, asymptotes=True, jumps=True),
    }
    rest[0].legend(handles.values(), handles, loc="center", fontsize=12, labelspacing=0.8)
    _finish(figure)
    return figure


def write(names: list[str], where: Path, suffix: str, overview: bool) -> Iterator[Path]:
    """Draw functions into files, one after the other as they are asked for.

    Parameters
    ----------
    names : list of str
    where : pathlib.Path
        The directory; made where it is not there.
    suffix : str
        "png" or "svg".
    overview : bool
        Whether to draw the sheet of all as well.

    Yields
    ------
    pathlib.Path
        Each file when it is there.

    Raises
    ------
    CommandError
        Where matplotlib is not installed.
    """
    with style.settings():
        directory(where)
        for name in [*names, OVERVIEW] if overview else names:
            if name == OVERVIEW:
                figure = draw_overview()
            elif name in ROWS:
                figure = draw_function(ROWS[name])
            else:
                figure = draw_softmax()
            path = where / f"{name}.{suffix}"
            style.save(figure, path)
            yield path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="functions (default: all, and a sheet of all)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=DIRECTORY, metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument("--format", choices=("png", "svg"), default="png", help="default: png")


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
    names = chosen(options.names)
    for path in write(names, options.output, options.format, overview=not options.names):
        print(path, flush=True)
    return 0
