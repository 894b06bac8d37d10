"""The functions over typed memoryviews beside the ways that go by an ndarray."""

from __future__ import annotations

from array import array

import numpy as np
import pytest

import fastact
from fastact import buffers
from fastact.catalogue import CATALOGUE
from fastact.cli import peers
from fastact.cli.timing import Call

WAYS = ["buffers", "ndarray over the buffer", "ndarray"]


def make(way, name, operation, given, out):
    function = getattr(buffers if way == "buffers" else fastact, name)
    if operation != "value":
        function = getattr(function, operation)
    if way == "buffers":
        return Call(function, given, {"out": out}, result=lambda _: out)
    if way == "ndarray":
        arrays = [np.frombuffer(buffer, np.float32) for buffer in (*given, out)]
        return Call(function, tuple(arrays[:-1]), {"out": arrays[-1]}, result=lambda _: out)

    def run(*inputs, out):
        views = [np.frombuffer(buffer, np.float32) for buffer in (*inputs, out)]
        function(*views[:-1], out=views[-1])

    return Call(run, given, {"out": out}, result=lambda _: out)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [row.name for row in CATALOGUE])
@pytest.mark.parametrize("operation", ["value", "derivative", "backward"])
# The ways differ in what a call costs, not an element.
@pytest.mark.parametrize("length", [1, 64, 4096])
def test_elementwise(benchmark, measure, request, way, operation, name, length):
    if request.config.getoption("quick") and operation != "value":
        pytest.skip("not in the quick selection")
    benchmark.group = f"buffers {name} {operation} {length}"
    arrays = peers.Arrays.normal((length,))
    x, grad, out = (array("f", a.tolist()) for a in (arrays.x, arrays.other, arrays.out))
    given = (grad, x) if operation == "backward" else (x,)
    measure(make(way, name, operation, given, out), arrays.x)


@pytest.mark.parametrize("way", ["buffers", "ndarray"])
@pytest.mark.parametrize("shape", [(1, 10), (64, 10), (256, 1000)], ids=str)
def test_softmax(benchmark, measure, way, shape):
    benchmark.group = f"buffers softmax {shape[0]} by {shape[1]}"
    arrays = peers.Arrays.normal(shape)
    function = buffers.softmax if way == "buffers" else fastact.softmax
    measure(Call(function, (arrays.x,), {"out": arrays.out}), arrays.x)
