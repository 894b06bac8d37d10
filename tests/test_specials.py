"""NaN, infinities, zeros, subnormals, the largest numbers, integers; and that a call leaves the
floating-point environment as it found it, whatever it found."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import gc
import hashlib
import math
import platform
import sys

import numpy as np
import oracle
import pytest

import fastact
from fastact import _runtime, buffers
from fastact.catalogue import CATALOGUE

OPERATIONS = ("value", "derivative", "backward", "value_and_derivative")
LENGTHS = range(1, 71)


def run(activation, operation, x, parameters, grad=None):
    """One operation as a list of arrays."""
    if operation == "value":
        return [activation(x, **parameters)]
    if operation == "backward":
        grad = np.full(x.shape, 1.5, x.dtype) if grad is None else grad
        return [activation.backward(grad, x, **parameters)]
    done = getattr(activation, operation)(x, **parameters)
    return list(done) if isinstance(done, tuple) else [done]


def assert_same_bits(got, expected):
    """The same numbers and zeros; a NaN may be any NaN."""
    assert got.dtype == expected.dtype
    bits = oracle.integer_of(got.dtype.type)
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(got), ~numbers)
    np.testing.assert_array_equal(got.view(bits)[numbers], expected.view(bits)[numbers])


# ---- NaN ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nan_at_every_position_of_every_length(row, activation, dtype, operation):
    """NaN comes out where NaN goes in, and its neighbours have the bits they have without it."""
    parameters = {p.name: p.default for p in row.parameters}
    ordinary = np.resize(np.array([-2.5, 0.75, 7.0, -0.1], dtype), 70)
    expected = run(activation, operation, ordinary, parameters)
    for n in LENGTHS:
        # All positions of one length at once, each in a row of its own: a row starts where the
        # vector loop may be anywhere in its stride; then each row alone, as an array.
        x = np.tile(ordinary[:n], (n, 1))
        np.fill_diagonal(x, math.nan)
        together = run(activation, operation, x, parameters)
        for got, alone in zip(together, expected, strict=True):
            wanted = np.tile(alone[:n], (n, 1))
            np.fill_diagonal(wanted, math.nan)
            assert_same_bits(got, wanted)
        for position in {0, n // 2, n - 1}:
            for part, alone in zip(
                run(activation, operation, x[position], parameters), expected, strict=True
            ):
                wanted = alone[:n].copy()
                wanted[position] = math.nan
                assert_same_bits(part, wanted)


def test_nan_of_any_payload_and_sign(row, activation, parameters, dtype):
    unsigned = {np.float32: np.uint32, np.float64: np.uint64}[dtype]
    quiet = np.array([math.nan], dtype).view(unsigned)[0]
    signalling = np.array([math.inf], dtype).view(unsigned)[0] + unsigned(1)
    sign = unsigned(1) << unsigned(8 * np.dtype(dtype).itemsize - 1)
    x = np.array(
        [quiet, quiet | sign, quiet + unsigned(12345), signalling, signalling | sign], unsigned
    ).view(dtype)
    for operation in OPERATIONS:
        for result in run(activation, operation, x, parameters):
            assert np.isnan(result).all()


def test_nan_gradient(row, activation, dtype):
    parameters = {p.name: p.default for p in row.parameters}
    x = np.array([-0.5, 0.5, 2.0], dtype)
    slopes = activation.derivative(x, **parameters)
    got = activation.backward(np.full(3, math.nan, dtype), x, **parameters)
    np.testing.assert_array_equal(np.isnan(got), slopes != 0)


# ---- limits -------------------------------------------------------------------------------------


def sign_near_the_end(row, side, parameters, of_slope):
    """The sign from which the limit is reached; plus for what is exactly 0 all the way."""
    near = side * 300.0
    exact = (
        oracle.derivative(row, near, parameters)
        if of_slope
        else oracle.value(row, near, parameters)
    )
    return exact < 0


@pytest.mark.parametrize("side", [-1, 1])
def test_limits(row, activation, parameters, dtype, side):
    """An infinite x gives the limit, with the sign from which it is reached."""
    rounded = oracle.in_dtype(parameters, dtype)
    for n in (1, 2, 7, 33):
        x = np.full(n, side * math.inf, dtype)
        y, slope = activation.value_and_derivative(x, **parameters)
        for expressions, of_slope, both in (
            (row.at_infinity, False, (y, activation(x, **parameters))),
            (row.slope_at_infinity, True, (slope, activation.derivative(x, **parameters))),
        ):
            limit = oracle.expression_value(expressions[side > 0], rounded)
            for got in both:
                assert got.tolist() == [dtype(limit)] * n
                if limit == 0:
                    negative = sign_near_the_end(row, side, rounded, of_slope)
                    assert np.signbit(got).tolist() == [negative] * n


def test_limits_agree_with_the_formula(row, parameters):
    """The catalogue's limits are those of its formula."""
    for side, value, slope in zip((-1, 1), row.at_infinity, row.slope_at_infinity, strict=True):
        far = side * 1e200  # far enough for what tends to its limit as 1/x does
        for expression, exact in (
            (value, oracle.value(row, far, parameters)),
            (slope, oracle.derivative(row, far, parameters)),
        ):
            limit = oracle.expression_value(expression, parameters)
            if math.isinf(limit):
                assert abs(exact) > 9999
                assert (exact < 0) == (limit < 0)
            else:
                # The limit as a double.
                assert abs(exact - limit) <= 1e-100 + abs(limit) * 2**-52


@pytest.mark.parametrize("infinite", [math.inf, -math.inf])
def test_infinite_parameters_give_the_limit(dtype, infinite):
    """An infinite parameter is what a growing one tends to; never NaN for a number."""
    x = np.array([-3.0, -1e-30, -0.0, 0.0, 1e-30, 3.0], dtype)
    away = np.array([-math.inf, -3.0, -1e-30, 1e-30, 3.0, math.inf], dtype)
    relu = fastact.relu(away) if infinite > 0 else -fastact.relu(-away)
    side = away > 0 if infinite > 0 else away < 0
    np.testing.assert_array_equal(fastact.swish(away, infinite), np.where(side, relu, 0))
    np.testing.assert_array_equal(fastact.swish.derivative(away, infinite), side)
    np.testing.assert_array_equal(fastact.swish(x[2:4], infinite), [0, 0])
    np.testing.assert_array_equal(fastact.swish.derivative(x[2:4], infinite), [0.5, 0.5])
    for function in (fastact.leaky_relu, fastact.elu):
        expected = np.where(x < 0, -infinite, x)
        np.testing.assert_array_equal(function(x, infinite), expected)
        np.testing.assert_array_equal(
            function.derivative(x, infinite), np.where(x <= 0, infinite, 1)
        )


@pytest.mark.parametrize("shrink", [fastact.soft_shrink, fastact.hard_shrink])
def test_negative_lambd_in_an_array_gives_nan(dtype, shrink):
    """Of a number alone it is a ValueError."""
    x = np.array([-math.inf, -3.0, -0.0, 0.5, 3.0, math.nan], dtype)
    lambd = np.full(x.size, -0.5, dtype)
    for result in (shrink(x, lambd), shrink.derivative(x, lambd), shrink.backward(x, x, lambd)):
        assert np.isnan(result).all()


def test_slopes_beside_bounds_that_are_not_a_number(dtype):
    x, nan = np.array([-3.0, 0.5], dtype), np.full(2, math.nan, dtype)
    assert np.isnan(fastact.threshold.derivative(x, nan, x)).all()
    got = fastact.hard_tanh.derivative(x, np.full(2, -1, dtype), nan)
    np.testing.assert_array_equal(got, [0, math.nan])


@pytest.mark.parametrize("shrink", [fastact.soft_shrink, fastact.hard_shrink])
def test_infinite_lambd_leaves_nothing_but_the_sign(dtype, shrink):
    x = np.array([-math.inf, -3.0, -1e-30, -0.0, 0.0, 1e-30, 3.0, math.inf, math.nan], dtype)
    for lambd in (math.inf, np.full(x.size, math.inf, dtype)):
        got = shrink(x, lambd)
        np.testing.assert_array_equal(got[:-1], np.zeros(x.size - 1, dtype))
        np.testing.assert_array_equal(np.signbit(got[:-1]), np.signbit(x[:-1]))
        assert np.isnan(got[-1])
        np.testing.assert_array_equal(shrink.derivative(x, lambd), np.where(np.isnan(x), np.nan, 0))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "name",
    ["swish", "softplus", "celu", "squareplus", "hard_sigmoid", "soft_shrink", "hard_shrink"],
)
def test_nan_among_parameters_gives_nan(dtype, name, operation):
    """At 0 too, where any number would give the same. (One NaN for all is a ValueError.)"""
    activation = getattr(fastact, name)
    x = np.array([-math.inf, -3.0, -0.0, 0.0, 1e-30, 3.0], dtype)
    given = {parameter: np.full(x.size, math.nan, dtype) for parameter in activation.parameters}
    for result in run(activation, operation, x, given):
        assert np.isnan(result).all()


def test_infinite_parameters_of_those_that_may_not_be_negative(dtype):
    """The limit, too: an infinitely sharp bend, or one that is infinitely wide."""
    x = np.array([-math.inf, -3.0, -1e-30, -0.0, 0.0, 1e-30, 3.0, math.inf], dtype)
    step = np.where(x == 0, 0.5, x > 0)
    np.testing.assert_array_equal(fastact.softplus(x, math.inf), fastact.relu(x))
    np.testing.assert_array_equal(fastact.softplus.derivative(x, math.inf), step)
    np.testing.assert_array_equal(fastact.celu(x, math.inf), x)
    np.testing.assert_array_equal(fastact.celu.derivative(x, math.inf), np.ones(x.size))
    np.testing.assert_array_equal(fastact.squareplus(x, math.inf), np.full(x.size, math.inf))
    np.testing.assert_array_equal(fastact.squareplus.derivative(x, math.inf), np.full(x.size, 0.5))
    np.testing.assert_array_equal(fastact.squareplus(x, 0), fastact.relu(x))
    np.testing.assert_array_equal(fastact.squareplus.derivative(x, 0), step)
    np.testing.assert_array_equal(fastact.hard_sigmoid(x, math.inf), np.full(x.size, 0.5))
    np.testing.assert_array_equal(fastact.hard_sigmoid.derivative(x, math.inf), np.zeros(x.size))
    for function in (fastact.soft_shrink, fastact.hard_shrink):
        np.testing.assert_array_equal(function(x, math.inf), np.zeros(x.size))
        np.testing.assert_array_equal(function.derivative(x, math.inf), np.zeros(x.size))
        np.testing.assert_array_equal(function(x, 0), x)
    np.testing.assert_array_equal(fastact.hard_tanh(x, -math.inf, math.inf), x)
    np.testing.assert_array_equal(fastact.threshold(x, math.inf, 7), np.full(x.size, 7))
    np.testing.assert_array_equal(fastact.threshold(x[1:], -math.inf, 7), x[1:])


@pytest.mark.parametrize(
    ("x", "value"),
    [
        (-10.0, "-7.6198530241605260659e-23"),
        (-14.0, "-1.0911030936519768926e-43"),
        (-30.0, "-1.4720142e-196"),
        (-38.4, None),
        (-38.5, None),
    ],
)
def test_gelu_is_right_to_the_smallest_number(x, value):
    exact = oracle.value({row.name: row for row in CATALOGUE}["gelu"], x, {})
    if value is not None:
        assert oracle.mp.almosteq(exact, oracle.mp.mpf(value), 1e-7)
    assert oracle.ulps(fastact.gelu(x), exact, np.float64) <= 1
    assert fastact.gelu(x) < 0
    if x > -14.2:
        assert oracle.ulps(fastact.gelu(np.float32(x)), exact, np.float32) <= 0.51


@pytest.mark.parametrize("b", [0.1, 4.0, 1e-200])
@pytest.mark.parametrize("x", ["-0x1.0fbfc4b5933c1p+1019", "-0x1p+511", "-0x1.8p+499", "-0x1p+900"])
def test_slopes_of_squareplus_below_all_numbers(x, b):
    """Beside a gradient near the largest number they show."""
    x, grad = float.fromhex(x), float.fromhex("-0x1.59514a1f40be2p+1021")
    with oracle.PRECISION, oracle.mp.workprec(200):
        root = oracle.mp.sqrt(oracle.mp.mpf(x) ** 2 + b)
        exact = grad * b / (2 * root * (root - x))
    result = fastact.squareplus.backward(grad, x, b)
    if abs(exact) < oracle.mp.ldexp(1, -1080):
        assert result == 0
    else:
        assert oracle.ulps(result, exact, np.float64) <= 1.001


def test_hard_sigmoid_of_any_width(dtype):
    """Widths whose halves and reciprocals are no numbers of the dtype, too."""
    info = np.finfo(dtype)
    row = {row.name: row for row in CATALOGUE}["hard_sigmoid"]
    tiny = float(info.smallest_subnormal)
    for width in (tiny, 3 * tiny, float(info.tiny), 0.1, 5.0, float(info.max)):
        given = oracle.in_dtype({"width": width}, dtype)
        places = np.array([-1.0, -0.5, -0.3, 0.0, 1e-3, 0.25, 0.49, 0.5, 1.0]) * given["width"]
        for x in places.astype(dtype):
            whole = oracle.mp.mpf(given["width"])
            slope = 1 / whole if abs(2 * oracle.mp.mpf(float(x))) < whole else 0
            exact_ones = (("value", oracle.value(row, x, given)), ("derivative", slope))
            for operation, exact in exact_ones:
                y = run(fastact.hard_sigmoid, operation, np.array([x]), given)[0]
                assert oracle.ulps(y[0], exact, dtype) <= row.bound(info.dtype.name, operation)


def test_celu_of_a_tiny_alpha_is_relu_and_of_a_huge_one_x(dtype):
    x = np.array([-math.inf, -3.0, -1e-30, 0.0, 2.0], dtype)
    tiny = np.finfo(dtype).smallest_subnormal
    np.testing.assert_array_equal(fastact.celu(x, float(tiny))[1:], np.maximum(x[1:], -tiny))
    huge = float(np.finfo(dtype).max)
    np.testing.assert_array_equal(fastact.celu(x[1:], huge), x[1:])
    assert fastact.celu(x, huge)[0] == -huge


# ---- zeros, subnormals, the largest -------------------------------------------------------------


def test_zeros(row, activation, parameters, dtype):
    """At both zeros the value is the formula's; where that is 0, an odd function and every other
    that is 0 there keep the sign of x - for every length, at every position - unless it is a square
    or what was given in place of x."""
    at_zero = oracle.value(row, 0.0, oracle.in_dtype(parameters, dtype))
    for n in LENGTHS:
        for zero in (0.0, -0.0):
            y = activation(np.full(n, zero, dtype), **parameters)
            bound = row.max_ulp[dtype.__name__]["value"]
            assert all(oracle.ulps(number, at_zero, dtype) <= bound for number in {*y})
            if at_zero == 0:
                positive = row.name == "relu_squared" or (
                    row.name == "threshold" and parameters["threshold"] >= 0
                )
                assert np.signbit(y).tolist() == [np.signbit(zero) and not positive] * n


def test_relu_of_a_negative_number_is_plus_zero(dtype):
    for function in (
        fastact.relu,
        fastact.relu6,
        fastact.leaky_relu.with_parameters(negative_slope=0.0),
    ):
        for n in LENGTHS:
            y = function(np.full(n, -1.0, dtype))
            assert y.tolist() == [0.0] * n
            assert not np.signbit(y).any()


def test_edges_of_the_dtype(row, activation, parameters, dtype):
    """The subnormals, the smallest normals, the largest: value, slope and sign."""
    rounded = oracle.in_dtype(parameters, dtype)
    x = oracle.edges(dtype)
    for operation, exact in (
        ("value", lambda i: oracle.value(row, x[i], rounded)),
        ("derivative", lambda i: oracle.derivative(row, x[i], rounded, dtype)),
    ):
        oracle.check(
            row,
            operation,
            x,
            run(activation, operation, x, parameters)[0],
            exact,
            row.max_ulp[dtype.__name__][operation],
            parameters,
        )


def test_subnormal_results_are_not_flushed(row, activation, dtype):
    """Wherever the exact value is subnormal, so is the result: where the function itself dies
    away, or, since it is about a x near 0, where x is subnormal."""
    parameters = {p.name: float(dtype(p.default)) for p in row.parameters}
    info = np.finfo(dtype)
    ends = -np.linspace(-math.log(info.tiny) + 8, -math.log(info.smallest_subnormal), 200)
    near_zero = np.linspace(8 * info.smallest_subnormal, info.tiny / 2, 50)
    x = np.concatenate([ends, ends / 2, near_zero, -near_zero]).astype(dtype)
    exact = [oracle.value(row, number, parameters) for number in x]
    subnormal = np.array([info.smallest_subnormal <= abs(e) < info.tiny for e in exact])
    y = np.abs(activation(x, **parameters))
    assert ((y[subnormal] > 0) & (y[subnormal] <= info.tiny)).all()
    if row.name in ("sigmoid", "tanh", "silu", "mish", "gelu", "softplus"):
        assert subnormal.any() or row.name == "sigmoid"


def test_neighbours_do_not_matter(row, activation, parameters, dtype):
    """Ordinary values beside NaN, infinities, huge and subnormal ones have the bits that they
    have alone, in every operation."""
    info = np.finfo(dtype)
    ends = np.array(oracle.landmarks(dtype))
    ordinary = np.concatenate([np.linspace(-9, 9, 37), ends, -ends]).astype(dtype)
    strange = [math.nan, math.inf, -math.inf, 1e30, -1e30, info.max, -info.max]
    strange += [info.smallest_subnormal, -info.smallest_subnormal, info.tiny / 2, -700, 700, -0.0]
    for operation in OPERATIONS:
        alone = run(activation, operation, ordinary, parameters)
        for stranger in strange:
            for first in (0, 1):
                mixed = np.full(2 * ordinary.size, stranger, dtype)
                mixed[first::2] = ordinary
                gradients = np.full(mixed.shape, 1.5, dtype)
                gradients[1 - first :: 2] = stranger
                for got, wanted in zip(
                    run(activation, operation, mixed, parameters, gradients), alone, strict=True
                ):
                    assert_same_bits(got[first::2].copy(), wanted)


# ---- integers -----------------------------------------------------------------------------------

INTEGERS = ["?", "b", "B", "h", "H", "i", "I", "l", "L", "q", "Q"]


def extremes(dtype):
    if dtype.kind == "b":
        return np.array([False, True, True, False, True])
    info = np.iinfo(dtype)
    few = [0, 1, 2, 5, 6, 7, 100, info.max - 1, info.max]
    if info.min < 0:
        few += [-1, -2, -5, -6, -7, -100, info.min + 1, info.min]
    return np.array(few, dtype)


@pytest.mark.one_of_each_kind
@pytest.mark.parametrize("code", INTEGERS)
def test_integers_are_computed_as_float64(row, activation, parameters, code):
    x = extremes(np.dtype(code))
    as_float = x.astype(np.float64)
    keeps = row.keeps_integers and code != "?"
    for operation in OPERATIONS:
        if operation == "value" and keeps:
            continue
        grad = np.linspace(-1, 1, x.size)
        for got, wanted in zip(
            run(activation, operation, x, parameters, grad),
            run(activation, operation, as_float, parameters, grad),
            strict=True,
        ):
            assert got.dtype == np.float64
            assert_same_bits(got, wanted)


@pytest.mark.parametrize("code", INTEGERS[1:])
def test_kept_integers(code):
    """relu and relu6 of integers are integers, at the ends of every type too."""
    kept = [row for row in CATALOGUE if row.keeps_integers]
    assert kept
    dtype = np.dtype(code)
    for row in kept:
        for x in (extremes(dtype), np.resize(extremes(dtype), 1000), extremes(dtype)[::2]):
            y = getattr(fastact, row.name)(x)
            assert y.dtype == dtype
            # The formula in Python's own integers.
            assert y.tolist() == [eval(row.formula, {}, {"x": int(n)}) for n in x]


def test_gradient_of_integers_is_float64(row, activation, dtype):
    """Whatever x is, a gradient never becomes an integer."""
    x = np.array([-3, 0, 1, 7])
    got = activation.backward(np.array([2, 2, 2, 2]), x)
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, activation.backward(np.full(4, 2.0), x.astype(float)))


# ---- quiet --------------------------------------------------------------------------------------

NOISY = [-math.inf, -1e30, -1000, -745.1, -104, -88, -1e-40, -0.0, 0, 1e-40, 3, 88, 1000, 1e30]
NOISY += [math.inf, math.nan]


def test_no_floating_point_warning(row, activation, parameters, dtype):
    """Nothing raises under errstate(all='raise'), at any length and position."""
    with np.errstate(over="ignore"):
        cycle = np.array(NOISY).astype(dtype)
    with np.errstate(all="raise"):
        for n in range(1, 34):
            for start in (0, 5, 11):
                x = np.resize(np.roll(cycle, start), n)
                for operation in OPERATIONS:
                    run(activation, operation, x, parameters, np.roll(x, 1))
                activation(x[::2], **parameters)
                activation.ufunc(x, *parameters.values())
                activation(x.reshape(1, -1).T, **parameters)
        activation(cycle[0], **parameters)


def dense(dtype):
    """Every exponent there is, with few and with many bits set, of both signs: subnormals,
    infinities and quiet and signalling NaN of several payloads too; in no order."""
    unsigned = {np.float32: np.uint32, np.float64: np.uint64}[dtype]
    bits, stored = 8 * np.dtype(dtype).itemsize, np.finfo(dtype).nmant
    exponents = np.arange(1 << (bits - 1 - stored), dtype=unsigned) << unsigned(stored)
    highest = 1 << (stored - 1)
    fractions = np.array([0, 1, 12345, highest, highest + 12345, 2 * highest - 1], unsigned)
    patterns = (exponents[:, None] | fractions).ravel()
    patterns = np.concatenate([patterns, patterns | unsigned(1 << (bits - 1))])
    return np.random.default_rng(0).permutation(patterns).view(dtype)


def test_no_input_at_all_warns(row, activation, parameters_of, dtype):
    x = dense(dtype)
    grad = x[::-1].copy()
    sets = parameters_of(row)
    sets += [
        oracle.allowed(row, {p.name: number for p in row.parameters})
        for number in (math.inf, -math.inf, 1e30, -1e30, 1e-37)
        if row.parameters
    ]
    everywhere = np.where(np.isnan(x), dtype(1), x)
    with np.errstate(all="raise"):
        for operation in OPERATIONS:
            member = activation if operation == "value" else getattr(activation, operation)
            inputs = (grad, x) if operation == "backward" else (x,)
            for parameters in sets:
                run(activation, operation, x, parameters, grad)
                run(activation, operation, x[::3], parameters, grad[::3])
                run(activation, operation, x[:1200].reshape(3, 400)[:, ::2], parameters)
                member.ufunc(*inputs, *parameters.values())
            if row.parameters:
                arrays = oracle.allowed(row, {p.name: everywhere for p in row.parameters})
                run(activation, operation, x, arrays, grad)
            for some in range(0, x.size, 41):
                run(activation, operation, x[some], sets[0], grad[some])


def test_no_row_at_all_warns(dtype):
    x = dense(dtype)
    softmax = fastact.softmax
    with np.errstate(all="raise"):
        for n in (1, 2, 3, 8, 17, 63, 512, 513, 1500):
            whole = x[: x.size // n * n].reshape(-1, n)
            for rows in (whole, np.where(np.isfinite(whole), whole, dtype(0))):
                grad = rows[::-1, ::-1].copy()
                y = softmax(rows)
                softmax.backward(grad, rows)
                softmax.backward_from_output(grad, y)
                softmax.backward_from_output(grad, rows)
                softmax.jacobian(rows[:40, :70])
                softmax(rows, axis=0)
                softmax(rows[:, ::-2], axis=None)


@pytest.mark.one_of_each_kind
@pytest.mark.parametrize("code", INTEGERS)
def test_no_floating_point_warning_for_integers(activation, code):
    with np.errstate(all="raise"):
        activation(extremes(np.dtype(code)))
        activation.derivative(extremes(np.dtype(code)))


def test_no_floating_point_warning_from_softmax(dtype):
    with np.errstate(over="ignore"):
        cycle = np.array(NOISY).astype(dtype)
    with np.errstate(all="raise"):
        for n in range(1, 34):
            for start in (0, 5, 11):
                x = np.resize(np.roll(cycle, start), n)
                y = fastact.softmax(x)
                fastact.softmax.backward(x, x)
                fastact.softmax.backward_from_output(x, y)
                fastact.softmax.jacobian(x)


# ---- the floating-point environment -------------------------------------------------------------

GLIBC_X86 = sys.platform == "linux" and platform.machine() == "x86_64"
MXCSR_AT = 28  # in glibc's fenv_t for x86-64
FTZ_AND_DAZ, UPWARD, STICKY = 0x8040, 0x4000, 0x3F


class Environment:
    """glibc's fegetenv and fesetenv, as far as the SSE control register goes."""

    def __init__(self):
        self.libm = ctypes.CDLL(ctypes.util.find_library("m"))

    def get(self):
        state = ctypes.create_string_buffer(64)
        self.libm.fegetenv(state)
        return int.from_bytes(state.raw[MXCSR_AT : MXCSR_AT + 4], sys.byteorder)

    def set(self, mxcsr):
        state = ctypes.create_string_buffer(64)
        self.libm.fegetenv(state)
        state[MXCSR_AT : MXCSR_AT + 4] = mxcsr.to_bytes(4, sys.byteorder)
        self.libm.fesetenv(state)


@pytest.fixture
def environment():
    if not GLIBC_X86:
        pytest.skip("reads the control register through glibc on x86-64")
    environment = Environment()
    before = environment.get()
    # What a collection finalises may compute, and raise a flag between two readings.
    gc.disable()
    yield environment
    gc.enable()
    environment.set(before)


@pytest.mark.parametrize(
    "setting", [0, UPWARD, FTZ_AND_DAZ], ids=["default", "upward", "flush-to-zero"]
)
def test_environment_neither_matters_nor_changes(
    row, activation, dtype, environment, setting, low_threshold, rng
):
    """In any rounding mode and with subnormals flushed a call gives the same bits, and leaves
    the modes and the sticky flags as they were."""
    parameters = {p.name: p.default for p in row.parameters}
    x = oracle.inputs(row, dtype, oracle.in_dtype(parameters, dtype), scale=40)
    gradients = oracle.random_bits(rng, x.size, dtype)
    for n in (1, 7, x.size):
        for operation in OPERATIONS:
            wanted = run(activation, operation, x[:n], parameters, gradients[:n])
            clean = (environment.get() & ~STICKY) | setting
            environment.set(clean)
            got = run(activation, operation, x[:n], parameters, gradients[:n])
            after = environment.get()
            environment.set(clean & ~(UPWARD | FTZ_AND_DAZ))
            assert after == clean, f"{operation}: MXCSR was {clean:#x} and is {after:#x}"
            for one, other in zip(got, wanted, strict=True):
                assert_same_bits(one, other)


@pytest.mark.parametrize("setting", [UPWARD, FTZ_AND_DAZ], ids=["upward", "flush-to-zero"])
def test_environment_neither_matters_nor_changes_for_softmax(
    dtype, environment, setting, low_threshold, rng
):
    x = rng.normal(0, 60, (5, 33)).astype(dtype)
    gradients = rng.normal(size=x.shape).astype(dtype)
    calls = [
        lambda: fastact.softmax(x),
        lambda: fastact.softmax.backward(gradients, x),
        lambda: fastact.softmax.backward_from_output(gradients, x),
        lambda: fastact.softmax.jacobian(x),
    ]
    for call in calls:
        wanted = call()
        clean = (environment.get() & ~STICKY) | setting
        environment.set(clean)
        got = call()
        after = environment.get()
        environment.set(clean & ~setting)
        assert after == clean
        assert_same_bits(got, wanted)


@pytest.mark.parametrize("raised", [STICKY, 0x21, 0x18])
def test_flags_that_are_up_stay_up(row, activation, dtype, environment, low_threshold, raised):
    """The short way, buffers and softmax neither raise nor lower one. (What goes through a ufunc
    has NumPy lower them first, as in np.add.)"""
    x = np.array(NOISY[1:-2] * 100, np.float64)
    with np.errstate(over="ignore"):
        x = x.astype(dtype)
    grad, y, rows = x[::-1].copy(), np.empty_like(x), x.reshape(100, -1)
    of_buffers = getattr(buffers, row.name)
    calls = [
        lambda operation=operation: run(activation, operation, x, {}, grad)
        for operation in OPERATIONS
    ]
    calls += [
        lambda: of_buffers(x, out=y),
        lambda: of_buffers.derivative(x, out=y),
        lambda: of_buffers.backward(grad, x, out=y),
        lambda: buffers.softmax(rows),
        lambda: fastact.softmax(rows),
        lambda: fastact.softmax.backward(rows, rows),
        lambda: fastact.softmax(rows[:, ::2]),
        lambda: fastact.softmax(rows, axis=0),
        lambda: fastact.softmax.backward(rows, rows, axis=0),
    ]
    for number, call in enumerate(calls):
        wanted = (environment.get() & ~STICKY) | raised
        environment.set(wanted)
        call()
        assert environment.get() == wanted, number


TRAPS = 0x0F80  # the bits that keep an exception (but an inexact result) from being a signal


def operations_of_everything(dtype):
    x = dense(dtype)[:3001]
    grad = x[::-1].copy()
    rows = np.where(np.isfinite(x), x, dtype(0))[:3000].reshape(-1, 60) * dtype(1e-30)
    for row in CATALOGUE:
        for operation in OPERATIONS:
            yield functools.partial(run, getattr(fastact, row.name), operation, x, {}, grad)
    yield lambda: [fastact.softmax(rows), fastact.softmax.backward(rows, rows)]


def bits_in(setting, traps=0):
    """A digest of every operation called where the control register is so."""
    environment, digest = Environment(), hashlib.sha256()
    plain = environment.get() & ~STICKY
    for cost in fastact.runtime_info()["parallel_threshold"]:
        _runtime._set_parallel_threshold(cost, 16)
    for call in (*operations_of_everything(np.float32), *operations_of_everything(np.float64)):
        environment.set((plain | setting) & ~traps)
        results = call()
        after = environment.get()
        environment.set(plain)
        assert after == (plain | setting) & ~traps
        for y in results:
            digest.update(np.where(np.isnan(y), y.dtype.type(np.nan), y).tobytes())
    return digest.hexdigest()


def test_workers_that_begin_in_another_environment(run_python):
    """A thread inherits the control register of who starts it, the workers too; and an exception
    that the caller wants as a signal is none inside."""
    if not GLIBC_X86:
        pytest.skip("sets the control register through glibc on x86-64")
    printed = {
        run_python(
            "import test_specials\n"
            f"first = test_specials.bits_in({setting}, {traps})\n"
            "print(first, test_specials.bits_in(0))\n",
            OMP_NUM_THREADS="3",
            FASTACT_NUM_THREADS="3",
        )
        for setting, traps in ((0, 0), (FTZ_AND_DAZ | UPWARD, 0), (FTZ_AND_DAZ | 0x6000, TRAPS))
    }
    assert len(printed) == 1
    first, again = printed.pop().split()
    assert first == again


def test_control_register_of_every_thread(run_python):
    """Threads that were there before the import keep theirs through it and through calls of
    their own and of others; those that come after have the one of who started them."""
    if not GLIBC_X86:
        pytest.skip("reads the control register through glibc on x86-64")
    printed = run_python(
        """
import ctypes, ctypes.util, sys, threading
import numpy as np
libm = ctypes.CDLL(ctypes.util.find_library("m"))
def control(new=None):
    state = ctypes.create_string_buffer(64)
    libm.fegetenv(state)
    if new is not None:
        state[28:32] = new.to_bytes(4, sys.byteorder)
        libm.fesetenv(state)
    return int.from_bytes(state.raw[28:32], sys.byteorder) & ~0x3F
def calls():
    for x in (np.linspace(-200, 200, 300_000), np.linspace(-90, 90, 300_000, dtype=np.float32)):
        for array in (x, x[::2], x.reshape(-1, 100)):
            fastact.mish.derivative(array), fastact.softmax(array)
            fastact.elu.backward(array, array), fastact.relu.value_and_derivative(array)
def early(setting, found):
    control(setting)
    ready.wait()
    imported.wait()
    found.append(control())
    calls()
    found.append(control())
settings = [0x1F80, 0x9FC0, 0x5F80, 0x7F80]
found = [[] for _ in settings]
ready, imported = threading.Barrier(len(settings) + 1), threading.Event()
threads = [threading.Thread(target=early, args=pair) for pair in zip(settings, found)]
for thread in threads: thread.start()
ready.wait()
import fastact
from fastact import buffers
before = control()
calls()
imported.set()
for thread in threads: thread.join()
late = []
def after():
    late.append(control())
    calls()
    late.append(control())
thread = threading.Thread(target=after)
thread.start()
thread.join()
assert found == [[setting] * 2 for setting in settings], found
print(before, control(), *late)
""",
        OMP_NUM_THREADS="2",
    )
    assert printed.split() == [str(0x1F80)] * 4


def test_import_leaves_the_environment_alone(run_python):
    """No start-up code that flushes subnormals came along, as crtfastmath.o would.

    In bits, as a process that flushes them takes them for 0 in a comparison too.
    """
    printed = run_python(
        "import numpy as np\n"
        "def bits(): return (np.float32(1e-40) * np.float32(1)).view(np.int32).item()\n"
        "before = bits()\n"
        "import fastact\n"
        "imported = bits()\n"
        "fastact.sigmoid(np.ones(100_000, np.float32))\n"
        "fastact.softmax(np.ones((1000, 100)))\n"
        "print(before, imported, bits(), (np.float64(5e-324) * 1).view(np.int64).item())\n"
    )
    assert printed.split() == ["71362", "71362", "71362", "1"]


def test_control_register_after_import(run_python):
    if not GLIBC_X86:
        pytest.skip("reads the control register through glibc on x86-64")
    printed = run_python(
        "import numpy, test_specials\n"
        "from test_specials import Environment\n"
        "print(Environment().get() & ~0x3F)\n"
    )
    assert int(printed) == 0x1F80
