"""``demo``: the activations at work: values, a classifier trained with each, and its speed."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastact
from fastact.catalogue import CATALOGUE, Row
from fastact.cli import peers, plot, timing
from fastact.cli.common import ROWS, activation, need
from fastact.cli.network import Digits, Network, Settings

SUMMARY = "show values, train a digit classifier with each activation, time it, draw all"
EXAMPLE = "python -m fastact demo --quick"

INPUTS = (-math.inf, -6.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 10.0, math.inf)
SEEDS = 3

Array = NDArray[Any]


@dataclass(frozen=True)
class Trained:
    """What came of training with one activation.

    Attributes
    ----------
    name : str
    accuracies : list of float
        On the held-out images, by seed.
    seconds : float
        Per seed.
    network : Network
        That of the last seed.
    """

    name: str
    accuracies: list[float]
    seconds: float
    network: Network

    @property
    def accuracy(self) -> float:
        """The mean accuracy."""
        return float(np.mean(self.accuracies))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    parser.add_argument(
        "--quick", action="store_true", help="one seed, three epochs, fewer rounds, one picture"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=plot.DIRECTORY,
        metavar="DIR",
        help="where the pictures go (default: %(default)s)",
    )


def _number(value: float) -> str:
    """Format a value in at most eight characters."""
    text = f"{value:.4g}" if abs(value) >= 0.01 or value == 0.0 else f"{value:.1e}"
    return text.replace("-", "−")


# ---- values -------------------------------------------------------------------------------------


def _abreast(width: int) -> Iterator[list[Row]]:
    """Yield the activations whose columns, two each, fit beside each other into a width."""
    rows: list[Row] = []
    taken = 0
    for row in CATALOGUE:
        needed = max(8, len(row.name)) + 10
        if rows and taken + needed > width:
            yield rows
            rows, taken = [], 0
        rows.append(row)
        taken += needed
    yield rows


def value_tables(width: int) -> Iterator[Any]:
    """Yield tables of the value and derivative of each activation, as wide as the terminal takes.

    Parameters
    ----------
    width : int

    Yields
    ------
    rich.table.Table or str
        An empty line after each table.
    """
    table, box = need("demo", "rich.table", "rich.box")
    x = np.array(INPUTS)
    for rows in _abreast(width - 6):
        shown = table.Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
        shown.add_column("x", justify="right", style="bold", no_wrap=True)
        columns = []
        for row in rows:
            value, derivative = activation(row.name).value_and_derivative(x)
            shown.add_column(row.name, justify="right", no_wrap=True, min_width=8)
            shown.add_column("f′", justify="right", no_wrap=True, min_width=8, style="cyan")
            columns += [value, derivative]
        for i, given in enumerate(INPUTS):
            shown.add_row(_number(given), *(_number(float(column[i])) for column in columns))
        yield shown
        yield ""


def softmax_table() -> Any:
    """Return a table of softmax, whose rows are the dozen inputs, three at a time.

    Returns
    -------
    rich.table.Table
    """
    table, box = need("demo", "rich.table", "rich.box")
    finite = np.clip(INPUTS, -10.0, 10.0)  # +inf among the logits of a row makes it NaN
    logits = np.stack([finite[0:4], finite[4:8], finite[8:12]], axis=1)
    probabilities = fastact.softmax(logits)
    slopes = fastact.softmax.jacobian(logits).diagonal(axis1=-2, axis2=-1)
    shown = table.Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    for heading, style in (("x", "bold"), ("p", "none"), ("∂p/∂x", "cyan")):
        for i in range(logits.shape[1]):
            indexed = heading.replace("x", f"x{'₁₂₃'[i]}").replace("p", f"p{'₁₂₃'[i]}")
            shown.add_column(indexed, justify="right", style=style, no_wrap=True, min_width=7)
    for rows in zip(logits, probabilities, slopes, strict=True):
        shown.add_row(*(_number(float(value)) for row in rows for value in row))
    return shown


# ---- training -----------------------------------------------------------------------------------


@contextlib.contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Keep NumPy's matrix products to one thread within the block, where that can be asked for.

    Those of this network are too small to share. And OpenBLAS's threads spin for a tenth of a
    second when they have nothing to do: on few processors all others, fastact's among them, wait
    for the ones that wait.
    """
    if importlib.util.find_spec("threadpoolctl") is None:
        yield
        return
    with importlib.import_module("threadpoolctl").threadpool_limits(1, user_api="blas"):
        yield


def train_all(
    digits: Digits, settings: Settings, seeds: int, advance: Callable[[str], None]
) -> list[Trained]:
    """Train a network with each activation.

    Parameters
    ----------
    digits : Digits
    settings : Settings
    seeds : int
        Networks per activation.
    advance : callable
        Called with the activation's name after each epoch.

    Returns
    -------
    list of Trained
    """
    results = []
    with _one_blas_thread():
        for row in CATALOGUE:
            accuracies = []
            begin = time.perf_counter()
            for seed in range(seeds):
                generator = np.random.default_rng(seed)
                network = Network(activation(row.name), settings, generator)
                for _ in network.train(digits.train, digits.train_labels):
                    advance(row.name)
                accuracies.append(network.accuracy(digits.test, digits.test_labels))
            seconds = (time.perf_counter() - begin) / seeds
            results.append(Trained(row.name, accuracies, seconds, network))
    return results


def accuracy_table(results: list[Trained]) -> Any:
    """Return the accuracies as a table.

    Parameters
    ----------
    results : list of Trained

    Returns
    -------
    rich.table.Table
    """
    table, box = need("demo", "rich.table", "rich.box")
    shown = table.Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("hidden activation", no_wrap=True)
    shown.add_column("test accuracy", justify="right", style="bold")
    shown.add_column("by seed", no_wrap=True)
    shown.add_column("seconds per network", justify="right")
    best = max(result.accuracy for result in results)
    for result in results:
        mean = f"{result.accuracy:.1%}"
        shown.add_row(
            result.name,
            f"[green]{mean}[/]" if result.accuracy == best else mean,
            "  ".join(f"{accuracy:.1%}" for accuracy in result.accuracies),
            f"{result.seconds:.2f}",
        )
    return shown


# ---- the forward pass ---------------------------------------------------------------------------


def _torch_forward(network: Network, name: str, images: Array) -> timing.Call | None:
    """Return the forward pass in PyTorch, or None where it is missing or has no such function."""
    torch = importlib.import_module("torch")
    functional = torch.nn.functional
    layer = peers.torch_function(name)
    if layer is None:
        return None
    weights = [torch.from_numpy(weight.T.copy()) for weight in network.weights]
    biases = [torch.from_numpy(bias) for bias in network.biases]

    def forward(signal: Any) -> Any:
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            signal = layer(functional.linear(signal, weight, bias))
        return torch.softmax(functional.linear(signal, weights[-1], biases[-1]), -1)

    return timing.Call(forward, (torch.from_numpy(images),), result=lambda tensor: tensor.numpy())


def forward_calls(trained: Trained, images: Array, with_torch: bool) -> dict[str, timing.Call]:
    """Return the forward pass of a network as each contestant does it.

    Parameters
    ----------
    trained : Trained
    images : ndarray
    with_torch : bool

    Returns
    -------
    dict of str to Call
    """
    network = trained.network
    calls: dict[str, timing.Call | None] = {
        peers.FASTACT: timing.Call(network.forward, (images, network.activation, fastact.softmax))
    }
    expression, softmax = (peers.numpy_expression(name) for name in (trained.name, "softmax"))
    if expression is not None and softmax is not None:
        calls["NumPy"] = timing.Call(network.forward, (images, expression, softmax))
    if with_torch:
        calls["torch"] = _torch_forward(network, trained.name, images)
    return {name: call for name, call in calls.items() if call is not None}


def forward_table(results: list[Trained], images: Array, rounds: int) -> Any:
    """Time the forward pass of each network, on one thread, and return a table.

    Parameters
    ----------
    results : list of Trained
    images : ndarray
    rounds : int

    Returns
    -------
    rich.table.Table
    """
    table, box = need("demo", "rich.table", "rich.box")
    with_torch = importlib.util.find_spec("torch") is not None
    if with_torch:
        with peers.interrupts_later():
            peers.torch_peer(1)
    shown = table.Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("hidden activation", no_wrap=True)
    others = ["NumPy", "torch"] if with_torch else ["NumPy"]
    shown.add_column("fastact µs", justify="right", style="bold")
    for name in others:
        shown.add_column(f"{name} µs", justify="right")
        shown.add_column(f"{name} / fastact", justify="right")
    for result in results:
        with _one_blas_thread(), fastact.num_threads(1), peers.without_gradients():
            times = timing.medians(forward_calls(result, images, with_torch), rounds=rounds)
        own = times[peers.FASTACT]
        cells = [f"{own * 1e6:,.0f}"]
        for name in others:
            if name in times:
                cells += [f"{times[name] * 1e6:,.0f}", f"{times[name] / own:.2f}×"]
            else:
                cells += ["–", "–"]
        shown.add_row(result.name, *cells)
    return shown


# ---- all of it ----------------------------------------------------------------------------------


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
    console_module, progress = need("demo", "rich.console", "rich.progress")
    begin = time.perf_counter()
    digits = Digits.load()
    console = console_module.Console(highlight=False)
    runtime = fastact.runtime_info()
    threads = runtime["num_threads"]
    console.print(
        f"fastact {fastact.__version__}, {runtime['isa']}, {threads} "
        f"thread{'s' * (threads != 1)}; NumPy {np.__version__}"
    )

    console.rule("Values and derivatives", align="left")
    for shown in value_tables(console.width):
        console.print(shown)
    parameters = "; ".join(
        f"{row.name}: {', '.join(f'{p.name} = {p.default:g}' for p in row.parameters)}"
        for row in CATALOGUE
        if row.parameters
    )
    console.print(f"Parameters at their defaults: {parameters}.\n")
    console.print(softmax_table())
    console.print("\nsoftmax takes rows, here of three logits each: p₁ + p₂ + p₃ = 1.")

    settings = Settings()
    seeds, rounds = SEEDS, 9
    if options.quick:
        settings, seeds, rounds = replace(settings, epochs=3), 1, 2
    console.rule("A classifier of handwritten digits", align="left")
    sizes = " → ".join(str(n) for n in (64, *settings.hidden, 10))
    console.print(
        f"{len(digits.train):,} images of scikit-learn's digits to learn from, the last fifth "
        f"({len(digits.test)}) held out. Layers {sizes}, forward and backward through fastact, "
        f"softmax with cross-entropy at the end. For each activation {seeds} "
        f"network{'s' * (seeds != 1)} and the same settings: {settings.epochs} epochs of Adam, "
        f"batches of {settings.batch}, rate {settings.rate:g} falling to 0, weight decay "
        f"{settings.decay:g}, noise {settings.noise:g} on the images."
    )
    columns = [
        progress.TextColumn("{task.description:<12}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
    ]
    with progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("training", total=len(ROWS) * seeds * settings.epochs)
        results = train_all(
            digits, settings, seeds, lambda name: bar.update(task, advance=1, description=name)
        )
    console.print(accuracy_table(results))
    console.print(
        "identity is the baseline: with it the layers amount to one linear map, so the others "
        "show what a bend between the layers is worth."
    )

    console.rule("The same forward pass, timed", align="left")
    images = digits.test if options.quick else np.concatenate([digits.train, digits.test])
    shown = forward_table(results, images, rounds)
    console.print(
        f"{len(images):,} images through the trained network, matrix products included; "
        f"float32, one thread each, medians of {rounds} rounds in turns."
    )
    console.print(shown)

    console.rule("Pictures", align="left")
    if importlib.util.find_spec("matplotlib") is None:
        console.print('None drawn: matplotlib is not installed; pip install "fastact[plot]".')
    else:
        names = [] if options.quick else [*ROWS, "softmax"]
        with console.status("drawing"):
            *_, sheet = plot.write(names, options.output, "png", overview=True)
        console.print(
            f"{sheet} shows all functions on one sheet"
            + (f"; {options.output}/ has one picture of each." if names else "."),
            soft_wrap=True,
        )
    console.print(f"{time.perf_counter() - begin:.0f} s in all.")
    return 0
