"""The chart of `bench`: a panel per function, a line per contestant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from fastact.cli import style
from fastact.cli.common import directory, need


class Times(Protocol):
    """What a chart needs of a result of `bench`."""

    @property
    def function(self) -> str:
        """The function's name."""

    @property
    def elements(self) -> int:
        """The number of elements."""

    def per_element(self, name: str) -> float | None:
        """Return a contestant's nanoseconds per element."""


def draw(
    path: Path,
    results: Sequence[Times],
    names: Sequence[str],
    title: str,
    columns: int = 4,
) -> None:
    """Draw times per element against the number of elements.

    Parameters
    ----------
    path : pathlib.Path
        The file; its suffix is the format.
    results : sequence of Result
    names : sequence of str
        The contestants, in the order in which tables show them.
    title : str
    columns : int
        The most that there are.

    Raises
    ------
    CommandError
        Where matplotlib is not installed.
    """
    with style.settings():
        module, ticker = need("plot", "matplotlib.figure", "matplotlib.ticker")
        functions = list(dict.fromkeys(result.function for result in results))
        columns = min(columns, len(functions))
        height = -(-len(functions) // columns)
        figure = module.Figure(
            figsize=(max(6.0, 2.9 * columns), 2.5 * height + 1.1), layout="constrained"
        )
        figure.suptitle(title, fontsize=11)
        grid = figure.subplots(height, columns, sharex=True, sharey=True, squeeze=False)
        for axes, function in zip(grid.flat, functions, strict=False):
            own = [result for result in results if result.function == function]
            _panel(axes, own, names)
            axes.set_title(function, pad=6)
        for axes in grid.flat[len(functions) :]:
            axes.set_axis_off()
        first = grid[0, 0]
        first.set_xscale("log", base=2)
        first.set_yscale("log")
        first.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        for axes in grid[:, 0]:
            axes.set_ylabel("ns per element")
        for i in range(columns):
            # The lowest panel of each column has the numbers and the label.
            lowest = grid[(len(functions) - 1 - i) // columns, i]
            lowest.set_xlabel("elements")
            lowest.tick_params(labelbottom=True)
        handles: dict[str, Any] = {}
        for axes in grid.flat:
            handles.update(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        shown = {name: handles[name] for name in names if name in handles}
        figure.legend(
            shown.values(), shown, loc="outside lower center", ncols=len(names), fontsize=11
        )
        directory(path.parent)
        style.save(figure, path)


def _panel(axes: Any, results: Sequence[Times], names: Sequence[str]) -> None:
    axes.grid(visible=True, which="major", color="#DDDDDD", linewidth=0.6)
    for name, line, marker in zip(names, style.LINES, style.MARKERS, strict=False):
        points = [(r.elements, r.per_element(name)) for r in results]
        points = [(x, y) for x, y in points if y is not None]
        if points:
            x, y = zip(*points, strict=True)
            axes.plot(x, y, label=name, marker=marker, markersize=4.5, **line)
