"""No kernel takes more instructions than it did, by more than 5 %: what no noise hides."""

from __future__ import annotations

from pathlib import Path

import pytest
from instruction_sets import once

import fastact
from fastact.catalogue import CATALOGUE

TOOL = Path(__file__).parent.parent / "benchmarks" / "instruction_counts.py"
pytestmark = [once, pytest.mark.skipif(not TOOL.exists(), reason="the benchmarks are not here")]

ALLOWED = 1.05


@pytest.fixture(scope="module")
def tool(from_file):
    return from_file(TOOL)


@pytest.mark.parametrize("isa", ["baseline", "avx2"])
def test_no_kernel_has_grown(tool, isa):
    recorded = tool.recorded()
    if {key: recorded[key] for key in tool.here()} != tool.here():
        pytest.skip(f"recorded with {recorded['compiler']}, {recorded['flags']}")
    if not tool.can_count():
        pytest.skip("needs valgrind")
    if isa not in fastact.runtime_info()["isa_available"]:
        pytest.skip("not for this processor")
    counts = tool.count(isa)
    for row in CATALOGUE:
        for operation in ("value", "derivative", "backward", "value_and_derivative"):
            assert counts[f"{row.name}_{operation} f32"] > 0.1
    grown = tool.changes({isa: counts}, recorded["counts"])
    assert len(grown) > 300
    assert [(ratio, kernel) for ratio, kernel in grown if ratio > ALLOWED] == [], (
        "if that is meant, python benchmarks/instruction_counts.py --write records it"
    )


def test_growth_is_seen(tool):
    before = {"avx2": {"relu_value f32": 1.0, "tanh_value f32": 8.0, "gone f32": 1.0}}
    now = {"avx2": {"relu_value f32": 1.1, "tanh_value f32": 8.0, "new f32": 9.0}}
    assert tool.changes(now, before) == [(1.1, "relu_value f32 avx2"), (1.0, "tanh_value f32 avx2")]
