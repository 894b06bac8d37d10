"""Values against the catalogue's formula, in units in the last place."""

from __future__ import annotations

import math

import numpy as np
import oracle
import pytest
from oracle import mp

from fastact.catalogue import CATALOGUE, Row

WITH_PARAMETERS = [row for row in CATALOGUE if row.parameters]

# ---- the oracle itself --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "exact", "expected"),
    [
        (1.0, "1", 0),
        (1.0 + 2**-23, "1", 1),
        (1.0, "1.00000005960464477539", 0.5),
        (1.0 - 2**-24, "1", 0.5),
        (-3.0, "-3.0000005", 2.097152),
        (2.0**-149, "0", 1),
        (0.0, "1e-45", 0.7136),
        (0.0, "-1e-45", math.inf),  # the wrong zero
        (-0.0, "-1e-45", 0.7136),
        (3 * 2.0**-149, "2.802596928649634e-45", 1),
        (2.0**-126, "1.17549421069e-38", 1.0),  # 2^-126 - 2^-149
        (math.inf, "3.4028235677973366e38", 0.5),  # half way to 2^128
        (math.inf, "1e39", 0),
        (math.inf, "3.4028234663852886e38", 1),
        (3.4028234663852886e38, "1e39", 1),
        (math.nan, "1", math.inf),
        (-1.0, "1", math.inf),
    ],
)
def test_ulps_counts_as_defined(y, exact, expected):
    y = np.float32(y)
    assert oracle.ulps(y, mp.mpf(exact), np.float32) == pytest.approx(expected, rel=1e-3, abs=1e-6)
    in_array = oracle.array_ulps(np.array([y]), np.array([float(exact)]))[0]
    assert in_array == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_neighbours_are_the_next_floats(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    around_zero = oracle.neighbours(0.0, 2, dtype)
    assert around_zero.tolist() == [-2 * tiny, -tiny, 0, tiny, 2 * tiny]
    around_one = oracle.neighbours(1.0, 1, dtype)
    assert around_one.tolist() == [np.nextafter(dtype(1), dtype(to)) for to in (0, 1, 2)]


def test_inputs_reach_everywhere(row, dtype):
    x = oracle.inputs(row, dtype, {p.name: p.default for p in row.parameters})
    info = np.finfo(dtype)
    assert len(x) > 1000
    assert np.isfinite(x).all()
    for edge in (info.smallest_subnormal, info.tiny, info.max):
        assert {edge, -edge} <= set(x.tolist())
    for kink in row.kinks_at({p.name: p.default for p in row.parameters}):
        assert set(oracle.neighbours(kink, 3, dtype).tolist()) <= set(x.tolist())


# ---- number by number ---------------------------------------------------------------------------


def test_value_is_within_the_bound(row, activation, parameters, is_default, dtype):
    rounded = oracle.in_dtype(parameters, dtype)
    x = oracle.inputs(row, dtype, rounded, scale=300 if is_default else 60)
    y = activation(x, **parameters)
    assert y.dtype == dtype
    bound = row.max_ulp[dtype.__name__]["value"]
    oracle.check(row, "value", x, y, lambda i: oracle.value(row, x[i], rounded), bound, parameters)


@pytest.mark.parametrize("row", WITH_PARAMETERS, ids=[row.name for row in WITH_PARAMETERS])
def test_random_parameters(row, activation, dtype, rng):
    """Each element with parameters of its own: of any sign and of many sizes."""
    n = 400
    x = (rng.choice([-1, 1], n) * np.exp2(rng.uniform(-20, 8, n))).astype(dtype)
    arrays = {
        p.name: (rng.choice([-1, 1], n) * np.exp2(rng.uniform(-12, 8, n))).astype(dtype)
        for p in row.parameters
    }
    arrays = oracle.allowed(row, arrays)
    y = activation(x, **arrays)
    oracle.check(
        row,
        "value",
        x,
        y,
        lambda i: oracle.value(row, x[i], {name: float(a[i]) for name, a in arrays.items()}),
        row.max_ulp[dtype.__name__]["value"],
        {},
    )


@pytest.mark.parametrize("row", WITH_PARAMETERS, ids=[row.name for row in WITH_PARAMETERS])
@pytest.mark.parametrize("kind", ["value", "derivative"])
def test_huge_times_tiny(row, activation, dtype, kind, rng):
    """x and parameters at opposite ends of the dtype, and their product where things happen."""
    n = 300
    reach = 37 if dtype is np.float32 else 305
    x = 10.0 ** rng.uniform(-reach, reach, n) * rng.choice([-1, 1], n)
    sizes = [1e-3, 1, 30, -math.log(np.finfo(dtype).tiny)]
    products = rng.uniform(-1, 1, n) * rng.choice(sizes, n)
    usable = np.abs(np.log10(np.abs(products / x))) < reach
    x, products = x[usable], products[usable]
    arrays = oracle.allowed(row, {p.name: (products / x).astype(dtype) for p in row.parameters})
    x = x.astype(dtype)
    exact = {
        "value": lambda i, at: oracle.value(row, x[i], at),
        "derivative": lambda i, at: oracle.derivative(row, x[i], at, dtype),
    }[kind]
    oracle.check(
        row,
        kind,
        x,
        activation(x, **arrays) if kind == "value" else activation.derivative(x, **arrays),
        lambda i: exact(i, {name: float(a[i]) for name, a in arrays.items()}),
        row.max_ulp[dtype.__name__][kind],
        {},
    )


# ---- by the million -----------------------------------------------------------------------------


def volume(dtype: type, n: int) -> np.ndarray:
    """Bit patterns evenly spread over all, and numbers where the functions are curved."""
    rng = np.random.default_rng(n)
    if dtype is np.float32:
        bits = np.arange(7, 2**32, 2 * 2**32 // n, np.uint32).view(np.float32)
        bits = bits[np.isfinite(bits)]
    else:
        bits = oracle.random_bits(rng, n // 2, dtype)
    reach = 110 if dtype is np.float32 else 750
    parts = [bits, rng.uniform(-20, 20, n // 4), rng.uniform(-reach, reach, n // 4)]
    return np.concatenate([np.asarray(part, dtype) for part in parts])


WIDER = {np.float32: np.float64, np.float64: np.longdouble}
SLACK = {np.float32: 1e-4, np.float64: 0.01}


# Their exponent is rounded in any type, which shows in the exponential: test_accuracy.py has more.
ROUNDED_EXPONENT = ("gelu", "gelu_tanh", "quick_gelu", "celu")


def million(
    row: Row, dtype: type, n: int, parameters: oracle.Parameters, is_default: bool
) -> tuple[np.ndarray, oracle.Parameters]:
    """Inputs and parameters whose product is exact in the wider type."""
    if dtype is np.float64 and row.name in ROUNDED_EXPONENT:
        pytest.skip("the wider type is not wide enough for its formula")
    if np.finfo(WIDER[dtype]).nmant < np.finfo(dtype).nmant + 11:
        pytest.skip("the C compiler's long double is no wider than double here")
    x = volume(dtype, n)
    if dtype is np.float64 and not is_default:
        x = (x.view(np.int64) & ~np.int64(2**13 - 1)).view(dtype)
        parameters = oracle.in_dtype(parameters, np.float32)
    return x, oracle.in_dtype(parameters, dtype)


def test_reference_for_volume_is_exact_enough(row, parameters, is_default, dtype):
    """What the next test takes for the truth errs by less than its bound leaves room for."""
    x, parameters = million(row, dtype, 400, parameters, is_default)
    reference = oracle.wide(row, x, parameters, WIDER[dtype]).value
    info = np.finfo(dtype)
    for number, wide in zip(x, reference, strict=True):
        if np.isfinite(wide):
            exact = oracle.value(row, number, parameters)
            exponent = max(mp.mag(exact) - 1, int(info.minexp)) if exact else int(info.minexp)
            error = abs(oracle.exactly(wide) - exact)
            assert error <= mp.ldexp(SLACK[dtype], exponent - int(info.nmant))


def test_value_by_the_million(row, activation, parameters, is_default, dtype):
    n = 1_200_000 if dtype is np.float32 and is_default else 100_000
    x, parameters = million(row, dtype, n, parameters, is_default)
    y = activation(x, **parameters)
    reference = oracle.wide(row, x, parameters, WIDER[dtype]).value
    errors = oracle.array_ulps(y, reference)
    worst = int(np.argmax(errors))
    where = f"x = {float(x[worst]).hex()} {parameters or ''}"
    oracle.record(row.name, dtype, "value", float(errors[worst]), where)
    bound = row.max_ulp[dtype.__name__]["value"] + SLACK[dtype]
    assert errors[worst] <= bound, f"{errors[worst]} ULP at {where}: {y[worst]!r}"


# ---- what a bound in ULP lets through -----------------------------------------------------------


def test_saturates_exactly_at_finite_limits(row, activation, parameters, dtype):
    """Far out the value is the limit itself, from where the formula's rounds to it."""
    rounded = oracle.in_dtype(parameters, dtype)
    info = np.finfo(dtype)
    for side, expression in zip((-1, 1), row.at_infinity, strict=True):
        limit = oracle.expression_value(expression, rounded)
        if not math.isfinite(limit):
            continue
        for x in dtype(side) * np.array([1e4, 1e30, info.max], dtype):
            # Not everything saturates as fast as an exponential.
            if abs(oracle.value(row, x, rounded) - limit) <= abs(limit) * mp.mpf(2) ** -60:
                assert activation(x, **parameters) == dtype(limit)


def test_grows_monotonically_where_the_formula_does(row, activation, dtype):
    """Along neighbouring floats, beside every landmark, the results are never further out of
    order than their error bounds allow - for a correct rounding: not at all."""
    bound = row.max_ulp[dtype.__name__]["value"]
    for mark in (0.0, 1.0, 6.0, *oracle.landmarks(dtype)):
        for centre in (mark, -mark):
            x = oracle.neighbours(centre, 50, dtype)
            rising = (
                oracle.derivative(
                    row, float(x[0]), {p.name: float(dtype(p.default)) for p in row.parameters}
                )
                >= 0
            )
            steps = np.diff(oracle.ordinals(activation(x)))
            assert (steps if rising else -steps).min() >= -2 * max(0, bound - 0.5)
