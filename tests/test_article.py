"""The small programs by which an introduction to activation functions explains them, and what they
have to print: each number against the formula in arbitrary precision, in ULP."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracle
import pytest
from instruction_sets import once
from oracle import mp

import fastact as fa
from fastact.catalogue import CATALOGUE

ROWS = {row.name: row for row in CATALOGUE}
EXAMPLE = Path(__file__).parent.parent / "examples" / "article.py"


def check(name, y, x, exact, what="value"):
    """Assert that y is exact(x) for each x, within what the catalogue promises."""
    y, x = np.atleast_1d(y), np.atleast_1d(x)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    bound = ROWS[name].max_ulp[str(y.dtype)][what]
    for one, at in zip(y.flat, x.flat, strict=True):
        error = oracle.ulps(one, exact(mp.mpf(float(at))), y.dtype.type)
        assert error <= bound, f"{name}({at!r}) = {one!r} is {error:.3f} ULP off"


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return mp.log1p(mp.exp(x))


def leaky(slope):
    exact_slope = mp.mpf(float(slope))
    return lambda x: x if x > 0 else exact_slope * x


# ---- one function after the other ---------------------------------------------------------------


def test_sigmoid_over_ten_points(dtype):
    x = np.linspace(-100, 100, 10, dtype=dtype)
    y = fa.sigmoid(x)
    check("sigmoid", y, x, sigmoid)
    # exp(-100): where exp(100) overflows in float32 the naive form gives 0.
    assert 3.7e-44 < float(y[0]) < 3.8e-44
    assert y[-1] == 1
    assert (np.diff(y) >= 0).all()


def test_tanh_over_ten_points(dtype):
    x = np.linspace(-10, 10, 10, dtype=dtype)
    check("tanh", fa.tanh(x), x, mp.tanh)
    np.testing.assert_array_equal(fa.tanh(-x), -fa.tanh(x))


def test_relu_over_ten_points_and_in_place(dtype):
    x = np.linspace(-1, 1, 10, dtype=dtype)
    y = fa.relu(x)
    check("relu", y, x, lambda x: max(x, mp.mpf(0)))
    assert (x[:5] < 0).all()  # x is still what it was
    assert fa.relu(x, out=x) is x
    np.testing.assert_array_equal(x, y)


def test_relu6_over_twenty_points_and_in_place(dtype):
    x = np.linspace(-5, 10, 20, dtype=dtype)
    y = fa.relu6(x)
    check("relu6", y, x, lambda x: min(max(x, mp.mpf(0)), mp.mpf(6)))
    assert (y.min(), y.max()) == (0, 6)
    assert fa.relu6(x, out=x) is x
    np.testing.assert_array_equal(x, y)


def test_leaky_relu_of_a_number():
    assert fa.leaky_relu(4.0, 2) == 4.0
    assert fa.leaky_relu(-4.0, 2) == -8.0
    assert fa.leaky_relu(-4.0) == -4.0 * 0.01
    assert isinstance(fa.leaky_relu(4.0, 2), float)


@pytest.mark.parametrize("slope", [0.2, 0.01, 0.0, -0.5])
def test_leaky_relu_is_a_maximum(dtype, slope):
    x = np.linspace(-3, 3, 25, dtype=dtype)
    exact_slope = mp.mpf(float(dtype(slope)))
    check("leaky_relu", fa.leaky_relu(x, slope), x, lambda x: max(x, exact_slope * x))


@pytest.mark.parametrize("slope", [0.2, 0.01, 2])
def test_leaky_relu_by_the_absolute_value(dtype, slope):
    x = np.linspace(-3, 3, 25, dtype=dtype)
    a = mp.mpf(float(dtype(slope)))

    def exact(x):
        return (1 + a) * x / 2 + (1 - a) * abs(x) / 2

    y = fa.leaky_relu(x, slope)
    check("leaky_relu", y, x, exact)
    assert fa.leaky_relu(x, slope, out=x) is x
    np.testing.assert_array_equal(x, y)


def test_leaky_relu_with_a_slope_per_channel(dtype):
    images = np.linspace(-2, 1, 2 * 3 * 4 * 4, dtype=dtype).reshape(2, 3, 4, 4)
    slopes = np.array([0.1, 0.25, 1.5], dtype)
    y = fa.leaky_relu(images, slopes.reshape(3, 1, 1))
    for channel, slope in enumerate(slopes):
        check("leaky_relu", y[:, channel], images[:, channel], leaky(slope))


def test_elu_over_fifty_points(dtype):
    x = np.linspace(-50, 50, 50, dtype=dtype)
    y = fa.elu(x, alpha=0.5)
    check("elu", y, x, lambda x: x if x > 0 else mp.expm1(x) / 2)
    assert y[0] == -0.5
    np.testing.assert_array_equal(y[25:], x[25:])


def test_swish_is_x_times_its_sigmoid(dtype):
    x = np.linspace(-20, 20, 41, dtype=dtype)
    check("swish", fa.swish(x), x, lambda x: x * sigmoid(x))
    check("silu", fa.silu(x), x, lambda x: x * sigmoid(x))
    np.testing.assert_array_equal(fa.silu(x), fa.swish(x))
    check("swish", fa.swish(x, 1.5), x, lambda x: x * sigmoid(1.5 * x))


def test_mish_is_x_times_tanh_of_softplus(dtype):
    x = np.linspace(-20, 20, 41, dtype=dtype)
    check("mish", fa.mish(x), x, lambda x: x * mp.tanh(softplus(x)))


def test_identity(dtype):
    x = np.linspace(-20, 20, 41, dtype=dtype)
    np.testing.assert_array_equal(fa.identity(x), x)
    np.testing.assert_array_equal(fa.identity.derivative(x), np.ones_like(x))


# ---- softmax ------------------------------------------------------------------------------------


def check_softmax(p, x, axis):
    """Each probability within the bound of the exact one."""
    bound = fa.softmax.max_ulp[str(p.dtype)]
    p, x = np.moveaxis(p, axis, -1), np.moveaxis(x, axis, -1)
    for index in np.ndindex(x.shape[:-1]):
        exponentials = [mp.exp(mp.mpf(float(value))) for value in x[index]]
        total = mp.fsum(exponentials)
        for got, exponential in zip(p[index], exponentials, strict=True):
            assert oracle.ulps(got, exponential / total, p.dtype.type) <= bound


def test_softmax_of_a_list():
    scores = [3.0, 1.0, 2.0]
    p = fa.softmax(scores)
    assert p.dtype == np.float64
    check_softmax(p, np.array(scores), 0)
    assert p.sum() == pytest.approx(1, abs=2e-16)
    assert scores == [3.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "x", [[1, 2, 3, 4], [[1, 2, 3, 4], [1, 2, 3, 4]]], ids=["one row", "two rows"]
)
def test_softmax_of_integers(x):
    x = np.array(x)
    before = x.copy()
    p = fa.softmax(x)
    assert p.dtype == np.float64
    check_softmax(p, x, -1)
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=0, atol=4e-16)
    np.testing.assert_array_equal(x, before)
    assert x.dtype == before.dtype


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_softmax_along_each_axis_of_three(dtype, axis):
    x = (np.arange(24) * 5 % 13 - 6).astype(dtype).reshape(2, 3, 4)
    before = x.copy()
    p = fa.softmax(x, axis=axis)
    check_softmax(p, x, axis)
    np.testing.assert_array_equal(x, before)


# ---- identities ---------------------------------------------------------------------------------


def test_sigmoid_derivative_is_f_times_one_minus_f(dtype):
    x = np.linspace(-30, 30, 61, dtype=dtype)
    exact = lambda x: sigmoid(x) * (1 - sigmoid(x))  # noqa: E731
    check("sigmoid", fa.sigmoid.derivative(x), x, exact, "derivative")


def test_tanh_derivative_is_one_minus_f_squared(dtype):
    x = np.linspace(-15, 15, 61, dtype=dtype)
    exact = lambda x: 1 - mp.tanh(x) ** 2  # noqa: E731
    check("tanh", fa.tanh.derivative(x), x, exact, "derivative")


def test_tanh_is_a_stretched_sigmoid(dtype):
    x = np.linspace(-15, 15, 61, dtype=dtype)
    check("tanh", fa.tanh(x), x, lambda x: 2 * sigmoid(2 * x) - 1)
    # In floating point the identity loses what the difference cancels, and no more.
    stretched = 2 * fa.sigmoid(2 * x) - 1
    assert np.abs(stretched - fa.tanh(x)).max() <= 2 * np.finfo(dtype).eps


# ---- the example --------------------------------------------------------------------------------


@once
def test_the_example_prints_what_is_true():
    if not EXAMPLE.exists():
        pytest.skip("needs examples/ beside tests/")
    root = str(Path(fa.__path__[0]).parent)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLE)],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for name in ("sigmoid", "tanh", "relu", "relu6", "leaky_relu", "elu", "swish", "mish"):
        assert name in done.stdout
    assert "3.78e-44" in done.stdout
    assert "0.665241" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
