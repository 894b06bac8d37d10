"""Every activation beside its peers: values; derivative and backward beside NumPy's expression."""

from __future__ import annotations

import pytest
from baselines import CONTESTANTS, call

from fastact.catalogue import CATALOGUE
from fastact.cli import peers

FUNCTIONS = [row.name for row in CATALOGUE]


@pytest.mark.parametrize("contestant", CONTESTANTS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_value(benchmark, measure, threads, contestant, function, size):
    benchmark.group = f"{function} {size}"
    arrays = peers.Arrays.normal((size,))
    measure(call(contestant, "value", function, arrays, threads), arrays.x)


@pytest.mark.parametrize("contestant", [peers.FASTACT, "NumPy"])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("operation", ["derivative", "backward"])
def test_gradient(benchmark, measure, threads, contestant, operation, function, size):
    benchmark.group = f"{function} {operation} {size}"
    arrays = peers.Arrays.normal((size,))
    measure(call(contestant, operation, function, arrays, threads), arrays.x)
