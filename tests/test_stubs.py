"""The type stubs: written from the catalogue as it is, right where people use them, and strict
where a call is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from instruction_sets import once

import fastact as fa

ROOT = Path(__file__).parent.parent
TOOL = ROOT / "tools" / "write_stubs.py"
CATALOGUE = ROOT / "fastact" / "catalogue.py"

pytestmark = once


def run(command, **environment):
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


# ---- written from the catalogue -----------------------------------------------------------------


def test_stubs_are_not_stale():
    pytest.importorskip("ruff")
    if not (TOOL.exists() and CATALOGUE.exists()):
        pytest.skip("needs the source tree")
    done = run([str(TOOL), "--check"])
    assert done.returncode == 0, done.stderr


def test_a_stale_stub_is_found(tmp_path):
    pytest.importorskip("ruff")
    if not (TOOL.exists() and CATALOGUE.exists()):
        pytest.skip("needs the source tree")
    for folder, names in (
        ("tools", ["write_stubs.py"]),
        ("fastact", ["catalogue.py", "__init__.pyi", "buffers.pyi"]),
        (".", ["pyproject.toml"]),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in names:
            (tmp_path / folder / name).write_bytes((ROOT / folder / name).read_bytes())
    tool = str(tmp_path / "tools" / "write_stubs.py")
    assert run([tool, "--check"]).returncode == 0
    catalogue = tmp_path / "fastact" / "catalogue.py"
    catalogue.write_text(catalogue.read_text().replace('aliases=("expit",)', 'aliases=("gone",)'))
    done = run([tool, "--check"])
    assert done.returncode == 1
    assert "__init__.pyi, buffers.pyi" in done.stderr
    assert run([tool]).returncode == 0
    assert "gone: Final" in (tmp_path / "fastact" / "__init__.pyi").read_text()
    assert run([tool, "--check"]).returncode == 0


# ---- what a type checker makes of them ----------------------------------------------------------

PREAMBLE = """
from array import array
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import fastact as fa
from fastact import buffers

F32 = np.dtype[np.float32]
F64 = np.dtype[np.float64]

single = np.ones((2, 3), np.float32)
double = np.ones(3)
whole = np.ones(3, np.int32)
single_out = np.empty_like(single)
double_out = np.empty(3)
"""

# Each line holds for a type checker and, run, is no error.
RIGHT = """
# An array keeps its shape and dtype, a scalar its type.
assert_type(fa.sigmoid(single), np.ndarray[tuple[int, int], F32])
assert_type(fa.sigmoid(double), np.ndarray[tuple[int], F64])
assert_type(fa.sigmoid(np.float32(1)), np.float32)
assert_type(fa.sigmoid(1.0), np.float64)
assert_type(fa.sigmoid(1), np.float64)
assert_type(fa.sigmoid(whole), np.ndarray[tuple[int], F64])
assert_type(fa.relu(whole), np.ndarray[tuple[int], np.dtype[np.int32]])
assert_type(fa.relu(double), np.ndarray[tuple[int], F64])
assert_type(fa.relu.derivative(whole), np.ndarray[tuple[int], F64])
assert_type(fa.expit(double), np.ndarray[tuple[int], F64])

# A dtype that is asked for, a keyword of a ufunc.
assert_type(fa.tanh(single, dtype=np.float64), np.ndarray[tuple[int, int], F64])
assert_type(fa.tanh(single, order="F", casting="no", subok=False),
            np.ndarray[tuple[int, int], F32])
fa.tanh([1.0, 2.0], dtype="f4")

# out is what is returned.
assert_type(fa.elu(single, alpha=0.5, out=single_out), np.ndarray[tuple[int, int], F32])
assert_type(fa.elu(whole, out=(double_out,), where=whole > 0), np.ndarray[tuple[int], F64])
assert_type(fa.elu(single, out=None), np.ndarray[tuple[int, int], F32])

# Parameters by position and by name; arrays decide on the dtype, too.
assert_type(fa.elu(single, 0.5), np.ndarray[tuple[int, int], F32])
assert_type(fa.elu(single, 2), np.ndarray[tuple[int, int], F32])
assert_type(fa.leaky_relu(single, negative_slope=0.2), np.ndarray[tuple[int, int], F32])
assert_type(fa.swish(double, beta=1.702), np.ndarray[tuple[int], F64])
fa.leaky_relu(single, np.ones(3))
fa.leaky_relu(single, [0.1, 0.2, 0.3])

# The members.
assert_type(fa.elu.derivative(single, alpha=0.5), np.ndarray[tuple[int, int], F32])
assert_type(fa.elu.backward(single, single, 0.5), np.ndarray[tuple[int, int], F32])
assert_type(fa.elu.backward(single, single, out=single), np.ndarray[tuple[int, int], F32])
assert_type(fa.elu.backward(1.0, 1.0), np.float64)
fa.elu.backward(single, double)
value, slope = fa.elu.value_and_derivative(single, 0.5)
assert_type(value, np.ndarray[tuple[int, int], F32])
assert_type(slope, np.ndarray[tuple[int, int], F32])
fa.elu.value_and_derivative(double, out=(double_out, double_out.copy()))

# An activation is a value like others.
steep = fa.swish.with_parameters(beta=1.702)
assert_type(steep, fa.Activation)
assert_type(steep(single), np.ndarray[tuple[int, int], F32])
hidden: list[fa.Activation] = [fa.relu, fa.tanh, fa.elu, steep]
for activation in hidden:
    assert_type(activation(single), np.ndarray[tuple[int, int], F32])
    assert_type(activation.backward(single, single), np.ndarray[tuple[int, int], F32])
assert_type(fa.elu.__name__, str)
assert_type(fa.elu.max_ulp, dict[str, float])
assert_type(fa.elu.ufunc, np.ufunc)

# softmax.
assert_type(fa.softmax(single), np.ndarray[tuple[int, int], F32])
assert_type(fa.softmax(single, axis=(0, 1)), np.ndarray[tuple[int, int], F32])
assert_type(fa.softmax(single, None, out=single_out), np.ndarray[tuple[int, int], F32])
assert_type(fa.softmax(whole), np.ndarray[tuple[int], F64])
assert_type(fa.softmax(single, dtype=np.float64), np.ndarray[tuple[int, int], F64])
assert_type(fa.softmax.backward(single, single, 0), np.ndarray[tuple[int, int], F32])
assert_type(fa.softmax.backward_from_output(double, double), np.ndarray[tuple[int], F64])
assert_type(fa.softmax.jacobian(single), NDArray[np.float32])
fa.softmax([3, 1, 2])

# The rest.
with fa.num_threads(1):
    assert_type(fa.get_num_threads(), int)
fa.set_num_threads(None)
assert_type(fa.runtime_info(), dict[str, Any])
assert_type(fa.__version__, str)

# Buffers.
numbers = array("d", [1.0, -1.0, 0.0])
assert_type(buffers.elu(numbers, 0.5), "array[float]")
assert_type(buffers.elu(numbers, alpha=0.5, out=numbers), "array[float]")
assert_type(buffers.relu(double, out=double_out), np.ndarray[tuple[int], F64])
assert_type(buffers.elu.derivative(numbers, alpha=0.5), "array[float]")
assert_type(buffers.elu.backward(numbers, numbers, alpha=0.5), "array[float]")
assert_type(buffers.elu.with_parameters(alpha=0.5)(numbers), "array[float]")
assert_type(buffers.softmax(numbers), "array[float]")
some: buffers.Function = buffers.mish
some(numbers)
"""

# Each line is an error for a type checker and, run, an error of its own.
WRONG = """
fa.elu(single, beta=0.5)
fa.elu(single, 0.5, 0.5)
fa.elu(single, single_out, single_out)
fa.elu(x=single)
fa.elu()
fa.elu(single, alpha=None)
fa.relu(single, 0.5)
fa.relu(single, alpha=0.5)
fa.relu(single, axis=0)
fa.relu(single, out=[1.0])
fa.relu(single, casting="sometimes")
fa.relu(single, order="Z")
fa.elu.derivative(single, beta=0.5)
fa.elu.backward(single)
fa.elu.backward(single, single, 0.5, single_out)
fa.elu.value_and_derivative(single, out=single_out)
fa.elu.with_parameters(beta=0.5)
fa.relu.with_parameters(alpha=0.5)
fa.swish.with_parameters(beta=1.0)(single, 1.0)
fa.relu.name
fa.relu.__name__ = "other"
fa.Activation("relu")
fa.softmax(single, axis=1.0)
fa.softmax(single, -1, None)
fa.softmax(single, out=[1.0])
fa.softmax.backward(single)
fa.softmax.jacobian(single, axis=None)
fa.set_num_threads("2")
fa.num_threads(1.5).__enter__()
fa.nonsense
buffers.elu(array("d"), beta=0.5)
buffers.elu([1.0])
buffers.relu(array("d"), 0.5)
buffers.elu.backward(array("d"))
buffers.softmax(array("d"), axis=0)
"""


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What mypy says of both, by file and line."""
    pytest.importorskip("mypy")
    if np.lib.NumpyVersion(np.__version__) < "2.3.0":
        pytest.skip("the stubs of this NumPy know less of shapes")
    directory = tmp_path_factory.mktemp("typing")
    files = []
    for name, text in (("right", RIGHT), ("wrong", WRONG)):
        files.append(directory / f"{name}.py")
        files[-1].write_text(PREAMBLE + text)
    parent = Path(fa.__path__[0]).parent
    # mypy finds what is installed by itself, and wants to be told the rest.
    path = {} if parent.name == "site-packages" else {"MYPYPATH": str(parent)}
    options = ["--strict", "--config-file=", "--no-error-summary", "--hide-error-context"]
    done = run(["-m", "mypy", *options, *map(str, files)], **path)
    assert done.returncode in (0, 1), done.stderr
    said = {"right": {}, "wrong": {}}
    for line in done.stdout.splitlines():
        if ": error:" in line:
            file, number, _, message = line.split(":", 3)
            said[Path(file).stem][int(number)] = message
        else:
            assert ": note:" in line, line
    return said


def test_right_usage_passes(checked):
    assert checked["right"] == {}


def test_right_usage_runs():
    exec(compile(PREAMBLE + RIGHT, "right", "exec"), {})


LINES = [line for line in WRONG.splitlines() if line]


@pytest.mark.parametrize("line", LINES)
def test_wrong_usage_is_an_error(checked, line):
    number = (PREAMBLE + WRONG).splitlines().index(line) + 1
    assert number in checked["wrong"], f"mypy takes {line}"


@pytest.mark.parametrize("line", LINES)
def test_wrong_usage_is_an_error_when_run(line):
    names = {}
    exec(PREAMBLE, names)
    with pytest.raises((TypeError, ValueError, AttributeError)):
        exec(line, names)


def test_only_the_wrong_lines_are_errors(checked):
    wrong = (PREAMBLE + WRONG).splitlines()
    assert {wrong[number - 1] for number in checked["wrong"]} <= set(LINES)


def test_package_says_that_it_is_typed():
    for name in ("py.typed", "__init__.pyi", "buffers.pyi"):
        assert (Path(fa.__path__[0]) / name).exists()
    assert np.ndarray is type(fa.sigmoid(np.ones(1)))
