"""What docs/accuracy says was measured: complete, within the bounds, in the tables; and every worst
input found keeps to its bound, against arbitrary precision."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracle
import pytest
from instruction_sets import once

import fastact
from fastact.catalogue import CATALOGUE

ROOT = Path(__file__).parent.parent
DATA = ROOT / "docs" / "accuracy"
TOOL = ROOT / "tools" / "write_tables.py"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="there is no docs/accuracy here")

ISA = fastact.runtime_info()["isa"]


def results_of(row):
    return json.loads((DATA / f"{row.name}.json").read_text())["results"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_worst_inputs(row, activation, dtype):
    """Those that were found with any instruction set; with this one the error is the recorded."""
    kind = (
        np.dtype(dtype).type if dtype != "bfloat16" else pytest.importorskip("ml_dtypes").bfloat16
    )
    for result in results_of(row):
        if result["dtype"] != dtype:
            continue
        given = result["parameters"]
        rounded = oracle.in_dtype(given, kind)
        for isa, operations in result["found"].items():
            for operation, found in operations.items():
                x, grad = (float.fromhex(found[key]) for key in ("worst_x", "worst_grad"))
                if operation == "value":
                    exact = oracle.value(row, x, rounded)
                    y = activation(kind(x), **given)
                else:
                    exact = oracle.derivative(row, x, rounded, np.float64)
                    y = activation.derivative(kind(x), **given)
                if operation == "backward":
                    exact *= grad
                    y = activation.backward(kind(grad), kind(x), **given)
                error = oracle.ulps_of_name(y, exact, dtype)
                assert error <= row.bound(dtype, operation), (given, operation, x.hex(), grad.hex())
                if isa == ISA:  # what is recorded has the width of its reference in it
                    assert found["max_ulp"] - 1.1e-3 <= error <= found["max_ulp"] + 2e-5


@once
def test_order_symmetry_and_range_over_all_float32(row):
    """What docs/accuracy.md says of them, where the exact functions are so."""
    for result in results_of(row):
        if result["dtype"] != "float32":
            continue
        given = oracle.in_dtype(result["parameters"], np.float32)
        for operations in result["found"].values():
            found = operations["value"]
            if oracle.never(row, given, -1):
                assert found["falls"] == 0
            if oracle.never(row, given, 1):
                assert found["rises"] == 0
            if oracle.never(row, given, -1) or oracle.never(row, given, 1):
                ends = [
                    float(np.float32(oracle.expression_value(end, given)))
                    for end in row.at_infinity
                ]
                reached = [float.fromhex(found[side]) for side in ("smallest", "largest")]
                assert sorted(ends) == reached
            for operation in ("value", "derivative"):
                found = operations[operation]
                assert found["not_odd"] == 0 or not oracle.is_odd(row, given, operation)
                assert found["not_even"] == 0 or not oracle.is_even(row, given, operation)


@once
def test_tables_are_not_stale():
    if not TOOL.exists():
        pytest.skip("the tools are not here")
    done = subprocess.run([sys.executable, str(TOOL), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def checkout(tmp_path):
    """As much of a checkout as the tool needs."""
    if not TOOL.exists():
        pytest.skip("the tools are not here")
    for part in ("tools/write_tables.py", "fastact/catalogue.py", "README.md", "docs/accuracy.md"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, tmp_path / part)
    shutil.copytree(DATA, tmp_path / "docs" / "accuracy")
    return tmp_path


def run_tool(checkout, *words):
    command = [sys.executable, str(checkout / "tools" / "write_tables.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def spoil(checkout, change):
    path = checkout / "docs" / "accuracy" / f"{CATALOGUE[0].name}.json"
    data = json.loads(path.read_text())
    change(data["results"])
    path.write_text(json.dumps(data))


@once
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda results: results[-1]["found"]["baseline"]["value"].update(max_ulp=1.01), "1.01"),
        (lambda results: results.pop(), "nothing is measured"),
        (lambda results: results[0].update(all=False), "not all inputs"),
        (lambda results: results[0]["found"].pop("baseline"), "with and without FMA"),
        (lambda results: results[0]["found"]["baseline"]["value"].update(misrounded=1), "nearest"),
        (lambda results: results[2]["found"]["avx2"]["value"].update(differ=1), "another FMA"),
        (lambda results: results[2]["found"]["avx2"]["value"].update(undecided=1), "undecided"),
    ],
)
def test_the_tool_refuses_data_that_break_a_promise(checkout, change, complaint):
    assert run_tool(checkout, "--check").returncode == 0
    spoil(checkout, change)
    done = run_tool(checkout)
    assert done.returncode == 1
    assert complaint in done.stderr


@once
def test_the_tool_says_what_is_missing_and_writes_what_is_stale(checkout):
    path = checkout / "README.md"
    text = path.read_text()
    path.write_text(text.replace("| float32:", "| something else:", 1))
    assert run_tool(checkout, "--check").returncode == 1
    assert run_tool(checkout).returncode == 0
    assert path.read_text() == text
    (checkout / "docs" / "accuracy" / "mish.json").unlink()
    done = run_tool(checkout)
    assert done.returncode == 1
    assert "mish.json is missing: run make accuracy" in done.stderr
