"""What the test files share: every activation of the catalogue, its parameters, both dtypes.

A test that asks for `row`, `activation` or `parameters` runs once for each row of the catalogue
(and each of its sets of parameters), one that asks for `dtype` once for each floating dtype.
Marked with `one_of_each_kind` it runs for some rows only: its subject is code that knows no
function, but how many parameters one has and the like.
"""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import children
import numpy as np
import pytest

import fastact
from fastact import _runtime
from fastact.catalogue import CATALOGUE, Row


def kind_of(row: Row) -> tuple[int, bool, str, bool]:
    """What else than a formula makes a difference between rows."""
    return len(row.parameters), row.keeps_integers, row.cost, bool(row.variants)


ONE_OF_EACH_KIND = tuple({kind_of(row): row for row in reversed(CATALOGUE)}.values())


def pytest_configure() -> None:
    # A shell has what it starts in the background ignore Ctrl-C, and so would the tests' children.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def set_id(parameters: dict[str, float]) -> str:
    return ",".join(f"{name}={value:g}" for name, value in parameters.items())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marked = {
        name.strip()
        for mark in metafunc.definition.iter_markers("parametrize")
        for name in (mark.args[0].split(",") if isinstance(mark.args[0], str) else mark.args[0])
    }
    wanted = set(metafunc.fixturenames) - marked
    of_kinds = metafunc.definition.get_closest_marker("one_of_each_kind")
    rows = ONE_OF_EACH_KIND if of_kinds else CATALOGUE
    if "parameters" in wanted:
        pairs = [(row, parameters) for row in rows for parameters in row.parameter_sets()]
        ids = [f"{row.name}({set_id(parameters)})" for row, parameters in pairs]
        metafunc.parametrize(("row", "parameters"), pairs, ids=ids)
    elif "row" in wanted:
        metafunc.parametrize("row", rows, ids=[row.name for row in rows])
    if "dtype" in wanted:
        metafunc.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


@pytest.fixture
def row() -> Row:
    """A row of the catalogue; every one in turn."""
    raise AssertionError("pytest_generate_tests gives it")


@pytest.fixture
def parameters() -> dict[str, float]:
    """Values of all parameters of the row, by name; every set in turn."""
    raise AssertionError("pytest_generate_tests gives it")


@pytest.fixture
def is_default(row: Row, parameters: dict[str, float]) -> bool:
    """Whether these are the parameters that a call without any has."""
    return all(p.default == parameters[p.name] for p in row.parameters)


@pytest.fixture
def parameters_of() -> Callable[[Row], list[dict[str, float]]]:
    """The sets of parameters of a row, for a test that wants them all at once."""
    return Row.parameter_sets


@pytest.fixture
def dtype() -> type:
    """np.float32, then np.float64."""
    raise AssertionError("pytest_generate_tests gives it")


@pytest.fixture
def activation(row: Row) -> fastact.Activation:
    """The object of `row`."""
    return getattr(fastact, row.name)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in every run."""
    return np.random.default_rng(314159)


@pytest.fixture
def low_threshold() -> Iterator[None]:
    """Small arrays go parallel, too."""
    before = fastact.runtime_info()["parallel_threshold"]
    for cost in before:
        _runtime._set_parallel_threshold(cost, 2)
    yield
    for cost, elements in before.items():
        _runtime._set_parallel_threshold(cost, elements)


@pytest.fixture(scope="session")
def run_python() -> Callable[..., str]:
    """Run a program in a process of its own, which can import what lies beside the tests, with
    further environment variables; returns what it prints. Warnings are errors there, too."""

    def run(program: str, **environment: str) -> str:
        inherited = {name: os.environ[name] for name in children.VARIABLES if name in os.environ}
        done = children.finished_child(
            program, options=("-W", "error"), timeout=300, **{**inherited, **environment}
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def from_file() -> Callable[[Path], ModuleType]:
    """Imports a module that is on no path: ``from_file(path)``."""

    def load(path: Path) -> ModuleType:
        spec = importlib.util.spec_from_file_location(path.name.partition(".")[0], path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--max-ulp", action="store_true", help="print the largest errors that the tests met"
    )


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if not config.getoption("--max-ulp"):
        return
    import oracle

    terminalreporter.section(f"largest errors in ULP, {fastact.runtime_info()['isa']}")
    for (name, dtype, what), (error, where) in sorted(oracle.met.items()):
        terminalreporter.write_line(f"{name:<12} {dtype:<8} {what:<22} {error:8.4f}  {where}")
