"""Softmax beside its peers: short rows and long ones, and its gradient."""

from __future__ import annotations

import pytest
from baselines import CONTESTANTS, call

import fastact
from fastact.cli import peers
from fastact.cli.common import ROW_FUNCTIONS
from fastact.cli.timing import Call

SHAPES = [(1, 10), (64, 10), (256, 1000), (8192, 1000), (2**20, 4)]
QUICK = [(1, 10), (256, 1000)]


@pytest.fixture(autouse=True)
def only_quick_shapes(request, shape):
    if request.config.getoption("quick") and shape not in QUICK:
        pytest.skip("not in the quick selection")


def text(shape):
    return " by ".join(map(str, shape))


@pytest.mark.parametrize("contestant", CONTESTANTS)
@pytest.mark.parametrize("shape", SHAPES, ids=text)
@pytest.mark.parametrize("function", ROW_FUNCTIONS)
def test_value(benchmark, measure, threads, contestant, function, shape):
    benchmark.group = f"{function} {text(shape)}"
    arrays = peers.Arrays.normal(shape)
    measure(call(contestant, "value", function, arrays, threads), arrays.x)


@pytest.mark.parametrize("contestant", [peers.FASTACT, "NumPy"])
@pytest.mark.parametrize("shape", SHAPES, ids=text)
@pytest.mark.parametrize("function", ROW_FUNCTIONS)
def test_backward(benchmark, measure, threads, contestant, function, shape):
    benchmark.group = f"{function} backward {text(shape)}"
    arrays = peers.Arrays.normal(shape)
    measure(call(contestant, "backward", function, arrays, threads), arrays.x)


@pytest.mark.parametrize("shape", SHAPES, ids=text)
def test_backward_from_output(benchmark, measure, shape):
    benchmark.group = f"softmax backward {text(shape)}"
    arrays = peers.Arrays.normal(shape)
    function = fastact.softmax.backward_from_output
    given = (arrays.other, fastact.softmax(arrays.x))
    measure(Call(function, given, {"out": arrays.out}), arrays.x)
