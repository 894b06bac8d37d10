"""Derivatives against the numerical derivative of the catalogue's formula, and what is made of
them: backward passes, and value and derivative together."""

from __future__ import annotations

import math

import numpy as np
import oracle
import pytest
from oracle import mp

from fastact.catalogue import CATALOGUE

KINKED = [row for row in CATALOGUE if row.kinks]
# Slopes that are the same number on whole intervals: only those can be exactly 0 at a finite x.
PIECEWISE_LINEAR = [row for row in CATALOGUE if row.max_ulp["float32"]["derivative"] == 0.5]


def ids(rows):
    return [row.name for row in rows]


# ---- the oracle itself --------------------------------------------------------------------------


@pytest.mark.parametrize("x", [-700.5, -88.25, -1.28, -1e-30, 0.0, 1e-30, 3.0, 40.0, 700.5, 1e30])
def test_oracle_keeps_its_digits_in_the_tails(x):
    """Against closed forms, whose exponential has a relative error only."""
    by_name = {row.name: row for row in CATALOGUE}
    e = mp.exp(-abs(mp.mpf(x)))
    closed = {
        "sigmoid": e / (1 + e) ** 2,
        "tanh": 4 * e**2 / (1 + e**2) ** 2,
        "silu": (e * (1 + x + e) if x < 0 else 1 + (1 + x) * e) / (1 + e) ** 2,
    }
    for name, exact in closed.items():
        slope = oracle.derivative(by_name[name], x, {})
        assert abs(slope - exact) <= abs(exact) * mp.mpf(2) ** -70 + mp.mpf(2) ** -1130


def test_oracle_does_not_look_across_a_kink(dtype):
    elu = next(row for row in CATALOGUE if row.name == "elu")
    below, at, above = oracle.neighbours(0.0, 1, dtype)
    slopes = [float(oracle.derivative(elu, x, {"alpha": 0.25})) for x in (below, at, above)]
    assert slopes == [0.25, 0.25, 1.0]


def test_roots_of_the_derivative_are_among_the_inputs():
    silu, mish = (next(row for row in CATALOGUE if row.name == name) for name in ("silu", "mish"))
    for row, root in ((silu, -1.278464542761074), (mish, -1.192431214515495)):
        found = oracle.slope_roots(row, {})
        assert found == pytest.approx([root], abs=1e-15)
        assert {found[0], math.nextafter(found[0], 0)} <= set(
            oracle.inputs(row, np.float64, {}).tolist()
        )


# ---- derivatives --------------------------------------------------------------------------------


def test_derivative_is_within_the_bound(row, activation, parameters, is_default, dtype):
    rounded = oracle.in_dtype(parameters, dtype)
    x = oracle.inputs(row, dtype, rounded, scale=150 if is_default else 30)
    bound = row.max_ulp[dtype.__name__]["derivative"]
    oracle.check(
        row,
        "derivative",
        x,
        activation.derivative(x, **parameters),
        lambda i: oracle.derivative(row, x[i], rounded, dtype),
        bound,
        parameters,
    )


@pytest.mark.parametrize("row", KINKED, ids=ids(KINKED))
def test_derivative_at_a_kink_is_the_documented_one(row, activation, dtype):
    parameters = {p.name: 0.375 for p in row.parameters}
    for kink, documented in row.kinks_at(parameters).items():
        x = np.array([kink, -kink if kink == 0 else kink], dtype)
        assert activation.derivative(x, **parameters).tolist() == [dtype(documented)] * 2
        gradients = np.array([-2.5, 4.0], dtype)
        got = activation.backward(gradients, x, **parameters)
        for number, gradient in zip(got, gradients, strict=True):
            exact = mp.mpf(float(gradient)) * documented
            assert oracle.ulps(number, exact, dtype) <= (0.501 if exact else 0)


@pytest.mark.parametrize("row", KINKED, ids=ids(KINKED))
def test_derivative_beside_a_kink_is_that_side_s(row, activation, dtype):
    parameters = {p.name: 0.375 for p in row.parameters}
    for kink in row.kinks_at(parameters):
        below, _, above = oracle.neighbours(kink, 1, dtype)
        sides = [oracle.derivative(row, x, parameters) for x in (below, above)]
        if row in PIECEWISE_LINEAR:
            assert sides == [
                oracle.derivative(row, kink + side / 4, parameters) for side in (-1, 1)
            ]
        got = activation.derivative(np.array([below, above]), **parameters)
        for slope, exact in zip(got, sides, strict=True):
            assert oracle.ulps(slope, exact, dtype) <= 0.501


# ---- by the million -----------------------------------------------------------------------------


def curved(row, parameters, n: int, rng: np.random.Generator) -> np.ndarray:
    """float32 inputs where the functions bend, but 1e-4 away from roots of the derivative, which
    the wide evaluation cannot resolve (the exact one does)."""
    parts = [rng.uniform(-reach, reach, n // 4) for reach in (4, 25, 110)]
    sizes = np.exp2(rng.uniform(-40, 8, n // 4))
    parts.append(sizes * rng.choice([-1, 1], sizes.size))
    x = np.concatenate(parts) / max(1, *map(abs, parameters.values()), 1)
    for root in oracle.slope_roots(row, parameters):
        x = x[np.abs(x / root - 1) > 1e-4]
    return x.astype(np.float32)


def test_reference_for_volume_is_exact_enough(row, parameters, rng):
    rounded = oracle.in_dtype(parameters, np.float32)
    x = curved(row, rounded, 400, rng)
    reference = oracle.wide(row, x, rounded, np.float64).slope
    for number, slope in zip(x, reference, strict=True):
        exact = oracle.derivative(row, number, rounded)
        assert abs(mp.mpf(float(slope)) - exact) <= abs(exact) * mp.mpf(2e-11) + 1e-300


def test_derivative_by_the_million(row, activation, parameters, is_default, rng):
    rounded = oracle.in_dtype(parameters, np.float32)
    x = curved(row, rounded, 1_000_000 if is_default else 60_000, rng)
    slopes = oracle.wide(row, x, rounded, np.float64).slope
    gradients = oracle.random_bits(rng, x.size, np.float32)
    bound = row.max_ulp["float32"]["derivative"] + 3e-4
    for what, got, exact in (
        ("derivative", activation.derivative(x, **parameters), slopes),
        ("backward", activation.backward(gradients, x, **parameters), slopes * gradients),
    ):
        errors = oracle.array_ulps(got, exact)
        if what == "backward":  # the sign of a product with 0 is nobody's concern
            errors[(exact == 0) & (got == 0)] = 0
        worst = int(np.argmax(errors))
        where = f"x = {float(x[worst]).hex()} {parameters or ''}"
        if what == "backward":
            where += f" grad = {float(gradients[worst]).hex()}"
        oracle.record(row.name, np.float32, what, float(errors[worst]), where)
        assert errors[worst] <= bound, f"{what}: {errors[worst]} ULP at {where}: {got[worst]!r}"


# ---- backward passes ----------------------------------------------------------------------------


def gradients_for(x: np.ndarray) -> np.ndarray:
    """A gradient for each x: ordinary ones, and any that the dtype has."""
    dtype = x.dtype.type
    info = np.finfo(dtype)
    rng = np.random.default_rng(x.size)
    gradients = rng.standard_normal(x.size).astype(dtype)
    every_third = np.arange(0, x.size, 3)
    gradients[every_third] = oracle.random_bits(rng, every_third.size, dtype)
    special = [info.max, -info.max, 1e30, 3e38, info.tiny, info.smallest_subnormal, 0.0, -1e-40]
    every_seventh = np.arange(0, x.size, 7)
    gradients[every_seventh] = np.resize(np.array(special, dtype), every_seventh.size)
    return gradients


def test_backward_is_rounded_once(row, activation, parameters, is_default, dtype):
    """grad f'(x) is as exact as f'(x) is, also where f'(x) alone is too small for the dtype
    and the gradient brings the product back into its range."""
    rounded = oracle.in_dtype(parameters, dtype)
    x = oracle.inputs(row, dtype, rounded, scale=100 if is_default else 24)
    bound = row.max_ulp[dtype.__name__]["derivative"]
    if dtype is np.float64:
        bound += 0.5
        slopes = activation.derivative(x, **parameters)
        x = x[(np.abs(slopes) >= np.finfo(dtype).tiny) | (slopes == 0) & (row in PIECEWISE_LINEAR)]
    gradients = gradients_for(x)
    oracle.check(
        row,
        "backward",
        x,
        activation.backward(gradients, x, **parameters),
        lambda i: mp.mpf(float(gradients[i])) * oracle.derivative(row, x[i], rounded, dtype),
        bound,
        parameters,
    )


@pytest.mark.parametrize("side", [-1, 1])
def test_no_gradient_comes_through_a_flat_end(row, activation, parameters, dtype, side):
    """Where the slope has come near enough to 0, the largest gradient gives 0 too."""
    end = row.slope_at_infinity[side > 0]
    if oracle.expression_value(end, parameters) != 0:
        return
    info = np.finfo(dtype)
    rounded = oracle.in_dtype(parameters, dtype)
    for x in dtype(side) * np.array([1e5, 1e30, info.max, math.inf], dtype):
        slope = abs(oracle.derivative(row, float(x), rounded)) if np.isfinite(x) else 0
        for size in (dtype(1), info.max, -info.max):
            if slope * abs(float(size)) < float(info.smallest_subnormal) / 4:
                assert activation.backward(size, x, **parameters) == 0


@pytest.mark.parametrize("row", PIECEWISE_LINEAR, ids=ids(PIECEWISE_LINEAR))
@pytest.mark.parametrize("gradient", [math.inf, -math.inf, math.nan])
def test_a_slope_of_0_selects(row, activation, dtype, gradient):
    """A unit that is off passes nothing on, not even NaN; elsewhere the gradient is multiplied."""
    parameters = {p.name: 0.0 for p in row.parameters}
    x = np.array([-math.inf, -3.0, -1e-30, -0.0, 0.0, 1e-30, 3.0, 6.0, 7.0, math.inf], dtype)
    slopes = activation.derivative(x, **parameters)
    got = activation.backward(np.full(x.shape, gradient, dtype), x, **parameters)
    expected = np.where(slopes == 0, 0, gradient)
    np.testing.assert_array_equal(got, expected)
    assert not np.signbit(got[slopes == 0]).any()


def test_backward_of_nan(row, activation, parameters, dtype):
    """A NaN x gives NaN whatever the gradient: not the slope of either side."""
    gradients = np.array([1, 0, -0.0, 1e-40, math.inf, -math.inf, math.nan], dtype)
    x = np.full(gradients.shape, math.nan, dtype)
    assert np.isnan(activation.backward(gradients, x, **parameters)).all()


def test_gradient_of_0(row, activation, parameters, dtype):
    """Nothing times any slope is nothing, at the infinities too."""
    if math.isinf(oracle.expression_value(row.slope_at_infinity[1], parameters)):
        pytest.skip("its slope is infinite itself")
    x = np.array([-math.inf, -700, -3, 0, 0.5, 3, 700, math.inf], dtype)
    got = activation.backward(np.zeros(x.shape, dtype), x, **parameters)
    np.testing.assert_array_equal(got, 0)


def test_gradient_of_infinity_and_nan(row, activation, parameters, dtype):
    """Where the slope is not 0, an infinite gradient keeps its sign times the slope's, and NaN
    remains NaN."""
    x = np.array([-2.5, 0.5, 2.5], dtype)
    slopes = activation.derivative(x, **parameters)
    x, slopes = x[slopes != 0], slopes[slopes != 0]
    for gradient in (math.inf, -math.inf, math.nan):
        got = activation.backward(np.full(x.shape, gradient, dtype), x, **parameters)
        np.testing.assert_array_equal(got, slopes * dtype(gradient))


# ---- value and derivative at once ---------------------------------------------------------------


def test_value_and_derivative_has_the_bits_of_both(row, activation, parameters, dtype):
    rounded = oracle.in_dtype(parameters, dtype)
    x = oracle.inputs(row, dtype, rounded, scale=60)
    x = np.concatenate([x, np.array([math.nan, math.inf, -math.inf, -0.0], dtype)])
    y, slope = activation.value_and_derivative(x, **parameters)
    bits = oracle.integer_of(dtype)
    for got, alone in (
        (y, activation(x, **parameters)),
        (slope, activation.derivative(x, **parameters)),
    ):
        numbers = ~np.isnan(alone)
        assert (np.isnan(got) == ~numbers).all()
        assert (got.view(bits) == alone.view(bits))[numbers].all()
