"""Gated functions: of whole arrays, of views into a packed one, and as people write them."""

from __future__ import annotations

import numpy as np
import pytest

import fastact
from fastact.catalogue import GATE_CATALOGUE
from fastact.cli import peers
from fastact.cli.timing import Call

WAYS = ["whole arrays", "views", "NumPy", "torch"]
WIDTH = 1024  # of the gate: half of a packed row


def written(way, activation, gate, value):
    """A call of value and activation, each an expression of its own."""
    function = peers.numpy_expression(activation)
    if way == "torch":
        torch = pytest.importorskip("torch")
        function = peers.torch_function(activation)
        gate, value = torch.from_numpy(gate), torch.from_numpy(value)
    call = peers.gated_call(function, gate, value)
    if call is None:
        pytest.skip(f"{way} has no {activation}")
    return call


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("operation", ["value", "backward"])
@pytest.mark.parametrize(
    "row", [r for r in GATE_CATALOGUE if r.name != "prelu"], ids=lambda r: r.name
)
def test_gate(benchmark, measure, threads, row, operation, way, size):
    benchmark.group = f"{row.name} {operation} {size}"
    packed = peers.Arrays.normal((max(1, size // WIDTH), 2 * min(size, WIDTH))).x
    half = packed.shape[1] // 2
    gate, value = packed[:, half:], packed[:, :half]
    if way != "views":
        gate, value = gate.copy(), value.copy()
    if way in ("NumPy", "torch"):
        if operation != "value":
            pytest.skip("values alone")
        measure(written(way, row.activation, gate, value), gate)
        return
    function = fastact._activation.gates[row.name]
    grad, outs = np.ones_like(gate.copy()), (np.empty(gate.shape, "f"), np.empty(gate.shape, "f"))
    if operation == "value":
        measure(Call(function, (gate, value), {"out": outs[0]}), gate)
    else:
        call = Call(function.backward, (grad, gate, value), {"out": outs}, lambda both: both[0])
        measure(call, gate)
