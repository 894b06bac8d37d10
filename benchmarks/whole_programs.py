"""What replacing the activations alone makes of whole programs that people run with NumPy.

Each program is timed as it is written without fastact, with its activations replaced and nothing
else, and with activations that compute nothing: what then remains is not theirs, and no library of
activations can make it faster. The versions take turns.

    python benchmarks/whole_programs.py [--threads N] [--json FILE]
"""

from __future__ import annotations

import argparse
import functools
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import records
import threadpoolctl
from numpy.typing import NDArray
from sklearn import datasets, exceptions, neural_network
from sklearn.neural_network import _base

import fastact
from fastact.cli import network, peers, timing
from fastact.cli.common import processor
from fastact.cli.info import versions

Array = NDArray[Any]
Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Activations:
    """What a program calls its activations by."""

    sigmoid: Function
    tanh: Function
    relu: Function
    softmax: Function


WRITTEN = Activations(
    *(peers.numpy_expression(name) for name in ("sigmoid", "tanh", "relu", "softmax"))
)
REPLACED = Activations(fastact.sigmoid, fastact.tanh, fastact.relu, fastact.softmax)


@functools.cache
def halves(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return an array of what an activation might return."""
    return np.full(shape, 0.5, dtype)


def nothing(x: Array) -> Array:
    """Return what is there already, and so small that a program does not run away with it."""
    return halves(x.shape, x.dtype)


NONE = Activations(*4 * (nothing,))
VERSIONS = {"written": WRITTEN, "replaced": REPLACED, "none": NONE}


def digits() -> dict[str, timing.Call]:
    """The classifier of the demo, 1,437 images of digits at once."""
    images = network.Digits.load().train
    generator = np.random.default_rng(0)
    trained = network.Network(fastact.relu, network.Settings(), generator)
    return {
        name: timing.Call(trained.forward, (images, use.relu, use.softmax))
        for name, use in VERSIONS.items()
    }


def recurrent(
    step: Callable[[Activations, Array, Array, Any, Any], Any], gates: int, first: Any
) -> dict[str, timing.Call]:
    """A loop over 200 steps, hidden size 256, 32 sequences at once."""
    hidden, batch, steps = 256, 32, 200
    generator = np.random.default_rng(1)
    weights = [
        (generator.standard_normal((hidden, gates * hidden)) / 16).astype(np.float32)
        for _ in range(2)
    ]
    inputs = generator.standard_normal((steps, batch, hidden)).astype(np.float32)

    def loop(use: Activations) -> Array:
        state = first(batch, hidden)
        for x in inputs:
            state = step(use, x @ weights[0], weights[1], state, hidden)
        return state if isinstance(state, np.ndarray) else state[0]

    return {name: timing.Call(loop, (use,)) for name, use in VERSIONS.items()}


def lstm_step(use: Activations, at: Array, weights: Array, state: Any, hidden: int) -> Any:
    """Hochreiter and Schmidhuber's step: three gates and a candidate, side by side."""
    h, c = state
    gates = at + h @ weights
    opened = use.sigmoid(gates[:, : 3 * hidden])
    i, f, o = (opened[:, k * hidden : (k + 1) * hidden] for k in range(3))
    c = f * c + i * use.tanh(gates[:, 3 * hidden :])
    return o * use.tanh(c), c


def gru_step(use: Activations, at: Array, weights: Array, h: Any, hidden: int) -> Any:
    """Cho's step: two gates and a candidate."""
    of_h = h @ weights
    opened = use.sigmoid(at[:, : 2 * hidden] + of_h[:, : 2 * hidden])
    reset, update = opened[:, :hidden], opened[:, hidden:]
    candidate = use.tanh(at[:, 2 * hidden :] + reset * of_h[:, 2 * hidden :])
    return update * h + (1 - update) * candidate


def lstm() -> dict[str, timing.Call]:
    """A loop over an LSTM."""

    def first(batch: int, hidden: int) -> tuple[Array, Array]:
        return np.zeros((batch, hidden), np.float32), np.zeros((batch, hidden), np.float32)

    return recurrent(lstm_step, 4, first)


def gru() -> dict[str, timing.Call]:
    """A loop over a GRU."""
    return recurrent(gru_step, 3, lambda batch, hidden: np.zeros((batch, hidden), np.float32))


def scikit_learn(activation: str) -> dict[str, timing.Call]:
    """predict_proba of an MLPClassifier, its table of activations replaced."""
    images, labels = datasets.load_digits(return_X_y=True)
    model = neural_network.MLPClassifier((256, 128), activation=activation, max_iter=30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        model.fit(images / 16, labels)
    many = np.tile(images / 16, (8, 1))

    def with_table(table: dict[str, Any]) -> Array:
        before = dict(_base.ACTIVATIONS)
        _base.ACTIVATIONS.update(table)
        try:
            return model.predict_proba(many)  # type: ignore[no-any-return]
        finally:
            _base.ACTIVATIONS.update(before)

    replaced = {
        "logistic": lambda x: fastact.sigmoid(x, out=x),
        "tanh": lambda x: fastact.tanh(x, out=x),
        "relu": lambda x: fastact.relu(x, out=x),
        "softmax": lambda x: fastact.softmax(x, out=x),
    }
    none = dict.fromkeys(replaced, lambda x: x)
    return {
        name: timing.Call(with_table, (table,))
        for name, table in (("written", {}), ("replaced", replaced), ("none", none))
    }


PROGRAMS: dict[str, Callable[[], dict[str, timing.Call]]] = {
    "digits classifier, relu, 1,437 images": digits,
    "LSTM, hidden 256, batch 32, 200 steps": lstm,
    "GRU, hidden 256, batch 32, 200 steps": gru,
    "MLPClassifier(256, 128).predict_proba, logistic": lambda: scikit_learn("logistic"),
    "MLPClassifier(256, 128).predict_proba, tanh": lambda: scikit_learn("tanh"),
    "MLPClassifier(256, 128).predict_proba, relu": lambda: scikit_learn("relu"),
}


@dataclass(frozen=True)
class Result:
    """The seconds that a program takes."""

    program: str
    written: float
    replaced: float
    none: float

    @property
    def share(self) -> float:
        """The part of the program as written that its activations take."""
        return 1 - self.none / self.written

    @property
    def gain(self) -> float:
        """How many times as fast it is with fastact."""
        return self.written / self.replaced


def measure(rounds: int) -> list[Result]:
    """Time all programs, each result checked against that of the program as written."""
    results = []
    for program, make in PROGRAMS.items():
        calls = make()
        np.testing.assert_allclose(calls["replaced"](), calls["written"](), rtol=1e-3, atol=1e-5)
        results.append(Result(program, **timing.medians(calls, rounds=rounds, batch=0.05)))
    return results


def markdown(results: list[Result], about: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    how = f"medians of {about['rounds']} rounds in turns; {about['threads']} threads"
    where = f"{about['processor']} ({about['isa']}); NumPy {about['versions']['numpy']}"
    lines = [
        f"Milliseconds, {how}, {where}.",
        "",
        "| program | as written | with fastact | faster | share of the activations |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {r.program} | {1e3 * r.written:.2f} | {1e3 * r.replaced:.2f} | {r.gain:.2f}× "
        f"| {100 * r.share:.0f} % |"
        for r in results
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", type=Path, default=records.times("whole-programs"))
    options = parser.parse_args()
    with threadpoolctl.threadpool_limits(options.threads), fastact.num_threads(options.threads):
        about = {
            "rounds": options.rounds,
            "threads": options.threads,
            "processor": processor(),
            "isa": fastact.runtime_info()["isa"],
            "versions": {name.lower(): version for name, version in versions().items()},
        }
        results = measure(options.rounds)
    print(markdown(results, about))
    rows = [{**asdict(r), "share": r.share, "gain": r.gain} for r in results]
    records.write(options.json, about, rows)


if __name__ == "__main__":
    main()
