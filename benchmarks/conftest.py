"""Options and the way of measuring that all benchmarks share.

A round is a batch of calls that takes some milliseconds. Before each lies a pause, in which the
threads of whoever ran before stop spinning, and then untimed calls, which wake one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import fastact
from fastact.cli import peers, timing
from fastact.cli.bench import processor
from fastact.cli.info import versions

SIZES = (1, 64, 4096, 65536, 2**20, 2**24)
QUICK_SIZES = (64, 4096, 2**20)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fastact")
    group.addoption("--quick", action="store_true", help="fewer sizes and rounds")
    group.addoption("--threads", type=int, default=2, help="for all contestants (default: 2)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "size" in metafunc.fixturenames:
        sizes = QUICK_SIZES if metafunc.config.getoption("quick") else SIZES
        metafunc.parametrize("size", sizes)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The contestants of a group one after the other, so that they meet the same machine.
    def group(item: pytest.Item) -> tuple[str, ...]:
        given = item.callspec.params if hasattr(item, "callspec") else {}
        what = {name: str(v) for name, v in given.items() if name not in ("contestant", "way")}
        return (item.location[0], item.location[2].partition("[")[0], *sorted(what.values()))

    items.sort(key=group)


@pytest.fixture(scope="session")
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    with fastact.num_threads(request.config.getoption("threads")):
        yield fastact.get_num_threads()


@pytest.fixture
def measure(
    benchmark: Any, request: pytest.FixtureRequest, threads: int
) -> Callable[[timing.Call, np.ndarray], None]:
    """Time a call: ``measure(call, x)``."""
    rounds = 5 if request.config.getoption("quick") else 15

    def run(call: timing.Call, x: np.ndarray) -> None:
        runtime = fastact.runtime_info()
        benchmark.extra_info.update(
            dtype=str(x.dtype),
            shape=list(x.shape),
            bytes=x.nbytes,
            threads=threads,
            isa=runtime["isa"],
            processor=processor(),
            versions={"fastact": fastact.__version__, **versions()},
        )
        with peers.without_gradients():
            timing.warm_up(call)
            calls = timing.calls_per_batch(call.timer(), 0.005)

            def pause(*_: Any, **__: Any) -> None:
                timing.warm_up(call)

            returned = benchmark.pedantic(
                call.function,
                args=call.arguments,
                kwargs=dict(call.keywords),
                rounds=rounds,
                iterations=calls,
                teardown=pause,
            )
        # What was timed must have been computed.
        assert np.isfinite(np.asarray(call.result(returned))).all()

    return run
