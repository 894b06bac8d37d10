"""How the pictures look: for print, and for those who see few colours or none.

Okabe and Ito's palette, in an order in which neighbours differ in lightness too; every line also
has a dash pattern of its own. Nothing here changes the settings of a program that uses matplotlib:
they hold within a ``with`` block, and pyplot is never imported.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastact.cli.common import CommandError, need

BLUE, ORANGE, GREEN, PURPLE, BLACK = "#0072B2", "#D55E00", "#009E73", "#AA4499", "#000000"
AMBER = "#E69F00"
GREY = "#767676"

Line = dict[str, Any]  # as matplotlib's plot takes it

#: The first line, the second, ... Each thinner than the one before, so that both are seen where
#: two run together.
LINES: tuple[Line, ...] = (
    {"color": BLUE, "linestyle": "solid", "linewidth": 2.4},
    {"color": ORANGE, "linestyle": (0, (7, 2, 1.5, 2)), "linewidth": 1.9},
    {"color": GREEN, "linestyle": (0, (1.5, 1.5)), "linewidth": 1.6},
    {"color": PURPLE, "linestyle": (0, (4, 1.5)), "linewidth": 1.4},
    {"color": BLACK, "linestyle": (0, (7, 2, 1.5, 2, 1.5, 2)), "linewidth": 1.2},
    {"color": AMBER, "linestyle": "solid", "linewidth": 1.1},
)
ASYMPTOTE: Line = {"color": BLACK, "linestyle": (0, (5, 4)), "linewidth": 0.9}
MARKERS = ("o", "s", "^", "D", "v", "P")
FORMATS = ("png", "svg", "pdf")

_SETTINGS = {
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "font.family": "STIXGeneral",  # comes with matplotlib, and its mathematics matches
    "mathtext.fontset": "stix",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlepad": 12,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.handlelength": 2.8,
    "svg.hashsalt": "fastact",  # the same picture, the same bytes
}


def point(line: Line, filled: bool = True) -> Line:
    """Return how a point on a line looks: a disc, or a ring for a value that is only approached.

    Parameters
    ----------
    line : dict
    filled : bool

    Returns
    -------
    dict
    """
    return {
        "color": line["color"],
        "marker": "o",
        "markersize": 5.5,
        "markeredgewidth": 1.4,
        "markerfacecolor": line["color"] if filled else "white",
        "linestyle": "none",
        "zorder": 4 if filled else 4.1,
    }


@contextlib.contextmanager
def settings() -> Iterator[None]:
    """Have matplotlib draw in this style within the block, and as before after it.

    Raises
    ------
    CommandError
        Where matplotlib is not installed.
    """
    (matplotlib,) = need("plot", "matplotlib")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def save(figure: Any, path: Path) -> None:
    """Write a figure to a file, without the date of the day.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : pathlib.Path
        Its suffix is the format.
    """
    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    figure.savefig(path, metadata=dated.get(path.suffix, {}), facecolor="white")


def check_format(path: Path) -> None:
    """Refuse a file name whose suffix is no format of pictures.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    CommandError
    """
    if path.suffix.lstrip(".") not in FORMATS:
        endings = ", ".join(f".{ending}" for ending in FORMATS)
        raise CommandError(f"{path}: the name of a picture ends with one of {endings}.", 2)
