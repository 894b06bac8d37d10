"""softmax, its backward passes and its Jacobian against exact arithmetic; special rows; the same
bits wherever a row stands."""

from __future__ import annotations

import functools
import math
from array import array
from typing import Any

import numpy as np
import oracle
import pytest
from oracle import mp

import fastact
from fastact import buffers, softmax

SPREADS = [1, 10, 100, 1000, 10000]
LENGTHS = range(1, 71)
# Around one block of exponentials, and around what is kept of a row.
LONG = [511, 512, 513, 1000, 4096, 4097, 5000]
# In ULP; in float64 the exponentials are rounded once before the quotient is, and in a product of
# two probabilities both are.
BOUND = {np.float32: 0.51, np.float64: 2.0}
BOUND_OF_PRODUCTS = {np.float32: 0.51, np.float64: 3.0}
# What a sum of products may be off, against the sum of their magnitudes.
SUM_ERROR = {np.float32: mp.mpf(2) ** -49, np.float64: mp.mpf(2) ** -50}


def logits(n: int, spread: float, dtype: type, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([n, int(spread), seed])
    return rng.uniform(-spread / 2, spread / 2, n).astype(dtype)


def gradients(n: int, dtype: type) -> np.ndarray:
    """Ordinary ones, with a few that are far from ordinary."""
    rng = np.random.default_rng(n)
    grad = rng.normal(size=n)
    grad[rng.integers(0, n, n // 8)] *= 1e6
    grad[rng.integers(0, n, n // 8)] = 0
    return grad.astype(dtype)


def numbers(x: np.ndarray) -> list[Any]:
    return [mp.mpf(float(number)) for number in x]


@functools.cache
def _exact(row: tuple[float, ...]) -> list[Any]:
    top = mp.mpf(max(row))
    exponentials = [mp.exp(mp.mpf(number) - top) for number in row]
    total = mp.fsum(exponentials)
    return [e / total for e in exponentials]


def exact(x: np.ndarray) -> list[Any]:
    """The softmax of a row of finite numbers."""
    return _exact(tuple(x.tolist()))


def exact_backward(
    grad: np.ndarray, p: list[Any], counts: list[int] | None = None
) -> tuple[list[Any], list[Any]]:
    """p (grad - sum p grad), and by how much more than its rounding each may be off: that
    difference may cancel, and its parts are computed in the working precision; and in float64 a
    p that is subnormal has lost digits before a large gradient comes (without FMA the parts of
    its exact product are lost, too). `counts` are how often each is in the row; else once."""
    counts = counts or [1] * len(p)
    products = [c * g * q for c, g, q in zip(counts, numbers(grad), p, strict=True)]
    dot, size = mp.fsum(products), mp.fsum(products, absolute=True)
    exact = [q * (g - dot) for g, q in zip(numbers(grad), p, strict=True)]
    slack = [q * size * SUM_ERROR[grad.dtype.type] for q in p]
    if grad.dtype == np.float64:
        digit = 4 * mp.mpf(float(np.finfo(np.float64).smallest_subnormal))
        slack = [more + digit * abs(g - dot) for more, g in zip(slack, numbers(grad), strict=True)]
    return exact, slack


def check(what: str, got: np.ndarray, wanted: list[Any], slack: list[Any] | None = None) -> None:
    dtype = got.dtype.type
    bound = (BOUND if what == "value" else BOUND_OF_PRODUCTS)[dtype]
    for i, (y, value) in enumerate(zip(got, wanted, strict=True)):
        if slack is None:
            error = oracle.ulps(y, value, dtype)
            oracle.record("softmax", dtype, what, error, f"n = {len(wanted)}")
        else:
            beyond = max(0, abs(mp.mpf(float(y)) - value) - slack[i])
            error = float(beyond / oracle.ulp_of(value, dtype))
            oracle.record("softmax", dtype, what, error, f"n = {len(wanted)}, beyond the sum's")
        assert error <= bound, (
            f"{what}, n = {len(wanted)}, {i}: {y!r} instead of {mp.nstr(value, 20)}, {error} ULP"
        )


# ---- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize("spread", SPREADS)
def test_every_length(dtype, spread):
    for n in LENGTHS:
        x = logits(n, spread, dtype)
        check("value", softmax(x), exact(x))


@pytest.mark.parametrize("n", LONG)
def test_long_rows(dtype, n):
    for spread in (4, 200):
        x = logits(n, spread, dtype)
        check("value", softmax(x), exact(x))


def test_results_that_are_subnormal_or_vanish(dtype):
    """A float32 logit 88 below the highest, a float64 one 709 below."""
    info = np.finfo(dtype)
    depths = np.linspace(-math.log(info.tiny) - 3, -math.log(info.smallest_subnormal) + 3, 200)
    x = np.concatenate([[1.5], 1.5 - depths]).astype(dtype)
    p = softmax(x)
    check("value", p, exact(x))
    assert ((p > 0) & (p < info.tiny)).sum() > 50
    assert (p == 0).sum() > 2


def test_far_logits_beside_each_other(dtype):
    """A shift that the dtype can represent changes no bit, however large: x - max is exact."""
    x = (np.arange(-40, 40) / 4).astype(dtype)
    expected = softmax(x)
    for shift in (2.0**10, -(2.0**10), 2.0**20):
        np.testing.assert_array_equal(softmax(x + dtype(shift)), expected)


# Rows as long as one likes are exact when few different numbers are in them: n of each.
HUGE = [7, 513, 4097, 65_537, (1 << 20) + 1]


def of_few(n: int, values: np.ndarray, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """A row of n of these numbers, shuffled, and which of them each is."""
    which = np.random.default_rng(n).permutation(np.arange(n) % len(values))
    return values.astype(dtype)[which], which


def exact_of_few(values: np.ndarray, which: np.ndarray) -> list[Any]:
    """The softmax at each of the numbers."""
    counts = np.bincount(which, minlength=len(values)).tolist()
    # What no element is may be greater than all that are.
    top = max(mp.mpf(float(v)) for v, c in zip(values, counts, strict=True) if c)
    exponentials = [mp.exp(x - top) for x in numbers(values)]
    total = mp.fsum(count * e for count, e in zip(counts, exponentials, strict=True))
    return [e / total for e in exponentials]


@pytest.mark.parametrize("n", HUGE)
@pytest.mark.parametrize("spread", [1, 10, 80, 1e3, 1e4])
def test_rows_of_any_length_and_offset(dtype, n, spread):
    """Each element against exact arithmetic, and what they add up to, added up in float64."""
    offsets = [0, 1e4, -1e6, 3e38, -3e38] if n < 1 << 16 else [-1e6]
    if dtype is np.float64 and n < 1 << 16:
        offsets.append(1.7e308)
    for offset in offsets:
        values = np.random.default_rng(n).uniform(-0.5, 0.5, 23) * spread + offset
        values = values.astype(dtype)
        x, which = of_few(n, values, dtype)
        p = softmax(x)
        wanted = exact_of_few(values, which)
        present, first = np.unique(which, return_index=True)
        assert (p == p[first][np.searchsorted(present, which)]).all()
        check("value", p[first], [wanted[k] for k in present])
        off = 1e-6 if dtype is np.float32 else 1e-15 * math.sqrt(n)
        assert abs(p.astype(np.float64).sum() - 1) <= off


def test_the_widest_rows(dtype):
    """Differences that the dtype has no room for, and offsets at which the logits themselves are
    rounded."""
    largest = np.finfo(dtype).max
    for row in (
        [largest, -largest, largest / 2, 0, largest],
        [-largest, -largest, np.nextafter(-largest, dtype(0))],
        [largest, largest, np.nextafter(largest, dtype(0))],
        [16777216 + 0.3 * i for i in range(60)],
        [-1e6 - 0.37 * i for i in range(60)],
        [1e-40 * i for i in range(60)],
    ):
        x = np.array(row, dtype)
        check("value", softmax(x), exact(x))


def test_integers(rng):
    for kind in (np.int8, np.uint8, np.int32, np.int64):
        for n in (1, 2, 17, 100):
            x = rng.integers(0, 100, n).astype(kind)
            p = softmax(x)
            assert p.dtype == np.float64
            check("value", p, exact(x.astype(np.float64)))


def test_sums_of_results_that_are_all_rounded_the_same_way():
    """n equal logits: as far from 1 as half an ulp of 1/n times n; never further, and so for
    n equal losers beside a winner."""
    rng = np.random.default_rng(4)
    lengths = [*range(1, 2050), *np.exp2(rng.uniform(11, 22, 40)).astype(int), 1 << 22]
    row = np.full(1 << 22, -2.75, np.float32)
    for n in lengths:
        p = softmax(row[:n])
        assert (p == p[0]).all()
        assert abs(float(p[0]) * n - 1) <= 2.0**-24
        assert abs(p.sum(dtype=np.float64) - 1) <= 1e-6
    for depth in rng.uniform(0, 25, 50):
        row = np.full(rng.integers(2, 70_000), -depth, np.float32)
        row[row.size // 2] = 0
        assert abs(softmax(row).sum(dtype=np.float64) - 1) <= 1e-6


@pytest.mark.parametrize("n", [1, 2, 3, 50, 100, 1000, 5000, 50_000])
def test_sums_to_1(dtype, n):
    for spread in (0, 5, 50):
        total = math.fsum(softmax(logits(n, spread, dtype)).tolist())
        # Each entry is off by half an ulp of itself, in no direction.
        assert abs(total - 1) <= 8 * float(np.finfo(dtype).eps) * math.sqrt(1 / n) + (
            float(np.finfo(dtype).eps) / 2
        )


def test_order_is_kept(dtype):
    x = np.sort(logits(2000, 30, dtype))
    assert (np.diff(softmax(x)) >= 0).all()


# ---- backward passes ----------------------------------------------------------------------------


@pytest.mark.parametrize("spread", [1, 30, 1000])
@pytest.mark.parametrize("lengths", [[*range(1, 40, 2)], [70, 512, 513], [5000]], ids=str)
def test_backward(dtype, spread, lengths):
    for n in lengths:
        x, grad = logits(n, spread, dtype), gradients(n, dtype)
        check("backward", softmax.backward(grad, x), *exact_backward(grad, exact(x)))


@pytest.mark.parametrize("spread", [1, 30, 1000])
@pytest.mark.parametrize("lengths", [[*range(1, 40, 2)], [70, 512, 513], [5000]], ids=str)
def test_backward_from_output(dtype, spread, lengths):
    """Exact for the output it is given, whatever that is."""
    for n in lengths:
        y, grad = softmax(logits(n, spread, dtype)), gradients(n, dtype)
        got = softmax.backward_from_output(grad, y)
        check("backward_from_output", got, *exact_backward(grad, numbers(y)))


@pytest.mark.parametrize("n", HUGE)
@pytest.mark.parametrize("size", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("function", ["backward", "backward_from_output"])
def test_large_gradients_that_cancel(dtype, n, size, function):
    """sum p grad is a millionth of its parts and fewer: nothing is left of it where float32
    products or sums are in it."""
    values = np.repeat(np.array([0.5, -1.25, 3.0, -80.0]), 5).astype(dtype)
    grads = np.tile(np.array([size, -size, 0.0, 1.0, -0.3]), 4).astype(dtype)
    _, which = of_few(n, values, dtype)
    x, grad = values[which], grads[which]
    y = softmax(x)
    given = x if function == "backward" else y
    got = getattr(softmax, function)(grad, given)

    present, first = np.unique(which, return_index=True)
    p = exact_of_few(values, which) if function == "backward" else None
    p = [p[k] for k in present] if p else numbers(y[first])
    wanted, slack = exact_backward(grads[present], p, np.bincount(which)[present].tolist())
    check(function, got[first], wanted, slack)
    assert (got == got[first][np.searchsorted(present, which)]).all()
    if dtype is np.float32 and n > 1000:
        # Whether this can fail: with the sum in float32 it does.
        poor = float(np.cumsum(y * grad, dtype=np.float32)[-1])
        errors = [
            (abs(q * (g - poor) - value) - more) / oracle.ulp_of(value, dtype)
            for q, g, value, more in zip(p, numbers(grads[present]), wanted, slack, strict=True)
        ]
        assert max(errors) > BOUND_OF_PRODUCTS[dtype]


def test_backward_of_equal_gradients_is_nothing(dtype):
    """p (g - g sum p) vanishes; what is left is rounding, in the working precision."""
    x = logits(100, 10, dtype)
    got = softmax.backward(np.full(100, 3.0, dtype), x)
    assert np.abs(got).max() < 2.0 ** (-49 if dtype is np.float32 else -50)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 33])
@pytest.mark.parametrize("spread", [1, 30, 300])
def test_jacobian(dtype, n, spread):
    x = logits(n, spread, dtype)
    p = exact(x)
    jacobian = softmax.jacobian(x)
    assert jacobian.shape == (n, n)
    for i in range(n):
        # 1 - p_i as the sum of the others: the exact numbers may not cancel either
        rest = mp.fsum(p[:i] + p[i + 1 :])
        check("jacobian", jacobian[i], [p[i] * (rest if j == i else -p[j]) for j in range(n)])


def test_jacobian_of_a_certain_winner(dtype):
    """p (1 - p) for p within an ulp of 1 or beyond: as small as the others are."""
    for gap in (5, 16, 20, 36, 40, 80):
        for winner in range(3):
            x = np.full(3, -gap, dtype)
            x[winner] = 0
            others = 2 * mp.exp(-gap)
            diagonal = softmax.jacobian(x)[winner, winner]
            wanted = others / (1 + others) ** 2
            assert oracle.ulps(diagonal, wanted, dtype) <= BOUND_OF_PRODUCTS[dtype]


def test_jacobian_of_long_rows():
    """Longer than what is kept of a row; not every entry is looked at."""
    x = logits(4100, 10, np.float32)
    p = exact(x)
    jacobian = softmax.jacobian(x)
    for i in (0, 511, 512, int(np.argmax(x)), 4099):
        columns = [*range(0, 4100, 97), i]
        rest = mp.fsum(p[:i] + p[i + 1 :])
        wanted = [p[i] * (rest if j == i else -p[j]) for j in columns]
        check("jacobian", jacobian[i, columns], wanted)


def test_jacobian_agrees_with_backward(dtype, rng):
    x = rng.normal(size=(2, 3, 5)).astype(dtype)
    grad = rng.normal(size=x.shape).astype(dtype)
    product = np.einsum("...ij,...j->...i", softmax.jacobian(x), grad)
    np.testing.assert_allclose(
        product, softmax.backward(grad, x), rtol=0, atol=8 * np.finfo(dtype).eps
    )


# ---- special rows -------------------------------------------------------------------------------


def special_rows(dtype: type) -> dict[str, tuple[list[float], list[float]]]:
    largest, nan, inf = float(np.finfo(dtype).max), math.nan, math.inf
    return {
        "all -inf": ([-inf] * 3, [nan] * 3),
        "one -inf": ([-inf], [nan]),
        "+inf": ([0, inf, 1], [nan] * 3),
        "two +inf": ([inf, inf], [nan] * 2),
        "+inf and -inf": ([inf, -inf], [nan] * 2),
        "nan": ([0, nan, 1], [nan] * 3),
        "nan first": ([nan, 5], [nan] * 2),
        "nan and inf": ([nan, inf, -inf], [nan] * 3),
        "nan among -inf": ([-inf, nan], [nan] * 2),
        "-inf beside a number": ([-inf, 3], [0, 1]),
        "-inf beside two": ([2, -inf, 2], [0.5, 0, 0.5]),
        "lowest": ([-largest, -largest], [0.5, 0.5]),
        "lowest and -inf": ([-largest, -inf], [1, 0]),
        "highest": ([largest] * 4, [0.25] * 4),
        "both ends": ([largest, -largest], [1, 0]),
        "a number and the lowest": ([0, -largest], [1, 0]),
        "one": ([-12345.0], [1]),
        "zeros": ([0.0, -0.0], [0.5, 0.5]),
        "subnormals": ([1e-40, -1e-40], [0.5, 0.5]),
    }


@pytest.mark.parametrize("name", special_rows(np.float64))
def test_special_rows(dtype, name):
    row, expected = special_rows(dtype)[name]
    x = np.array(row, dtype)
    np.testing.assert_array_equal(softmax(x), np.array(expected, dtype))
    # In the middle of a matrix the rows around it are what they are without it.
    ordinary = logits(len(row), 3, dtype)
    matrix = np.stack([ordinary, x, ordinary])
    around = softmax(ordinary)
    np.testing.assert_array_equal(softmax(matrix), [around, np.array(expected, dtype), around])
    # The other passes: NaN for a row that is NaN, and never for one that is not.
    grad = np.ones(len(row), dtype)
    for result in (softmax.backward(grad, x), softmax.jacobian(x)):
        assert np.isnan(result).all() == math.isnan(expected[0])
        assert np.isnan(result).any() == math.isnan(expected[0])


@pytest.mark.parametrize("stranger", [math.nan, math.inf])
def test_nan_and_inf_at_every_position(dtype, stranger):
    for n in LENGTHS:
        x = np.tile(logits(n, 5, dtype), (n, 1))
        np.fill_diagonal(x, stranger)
        assert np.isnan(softmax(x)).all()


def test_minus_inf_at_every_position(dtype):
    """A masked entry gets exactly 0 and the others what they get without it."""
    for n in range(2, 71):
        x = np.tile(logits(n, 5, dtype), (n, 1))
        np.fill_diagonal(x, -math.inf)
        p = softmax(x)
        assert (np.diagonal(p) == 0).all()
        for i in {0, n // 2, n - 1}:
            check("value", np.delete(p[i], i), exact(np.delete(x[i], i)))


def test_masked_entries_have_no_gradient(dtype):
    x = np.array([1, -math.inf, 2], dtype)
    grad = np.array([1, 5, -1], dtype)
    got = softmax.backward(grad, x)
    assert got[1] == 0
    np.testing.assert_array_equal(got[::2], softmax.backward(grad[::2], x[::2]))
    jacobian = softmax.jacobian(x)
    assert (jacobian[1] == 0).all()
    assert (jacobian[:, 1] == 0).all()


# ---- the same bits ------------------------------------------------------------------------------


def passes(x: np.ndarray, grad: np.ndarray) -> list[np.ndarray]:
    y = softmax(x)
    results = [y, softmax.backward(grad, x), softmax.backward_from_output(grad, y)]
    if x.shape[-1] < 100:
        results.append(softmax.jacobian(x))
    return results


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 16, 33, 70, 513, 4097])
def test_a_row_has_the_same_bits_anywhere(dtype, n, low_threshold, rng):
    rows = 9
    x = rng.normal(0, 20, (rows, n)).astype(dtype)
    grad = rng.normal(size=x.shape).astype(dtype)
    with fastact.num_threads(1):
        expected = passes(x, grad)
    with fastact.num_threads(2):
        for got, wanted in zip(passes(x, grad), expected, strict=True):
            np.testing.assert_array_equal(got, wanted)
    for k in range(rows):
        for got, wanted in zip(passes(x[k], grad[k]), expected, strict=True):
            np.testing.assert_array_equal(got, wanted[k])
    # Starting at every offset from a cache line.
    memory = np.empty((2, x.size + 16), dtype)
    for offset in range(1, 16):
        moved_x, moved_grad = memory[:, offset : offset + x.size].reshape(2, rows, n)
        moved_x[...], moved_grad[...] = x, grad
        for got, wanted in zip(passes(moved_x, moved_grad)[:2], expected, strict=False):
            np.testing.assert_array_equal(got, wanted)


def test_layouts_and_ways(dtype, rng):
    x = rng.normal(0, 20, (6, 33)).astype(dtype)
    grad = rng.normal(size=x.shape).astype(dtype)
    expected = passes(x, grad)
    wide_x, wide_grad = (np.repeat(a, 2, axis=1)[:, ::2] for a in (x, grad))
    turned_x, turned_grad = (np.asfortranarray(a) for a in (x, grad))
    for a, b in ((wide_x, wide_grad), (turned_x, turned_grad), (x[::-1].copy()[::-1], grad)):
        for got, wanted in zip(passes(a, b), expected, strict=True):
            np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(softmax(x.T, axis=0), expected[0].T)
    np.testing.assert_array_equal(softmax.backward(grad.T, x.T, axis=0), expected[1].T)
    in_place = x.copy()
    assert softmax(in_place, out=in_place) is in_place
    np.testing.assert_array_equal(in_place, expected[0])
    for into in (0, 1):
        both = [grad.copy(), x.copy()]
        softmax.backward(*both, out=both[into])
        np.testing.assert_array_equal(both[into], expected[1])
    code = {np.float32: "f", np.float64: "d"}[dtype]
    for k in range(len(x)):
        got = buffers.softmax(array(code, x[k].tobytes()))
        np.testing.assert_array_equal(np.frombuffer(got, dtype), expected[0][k])


def test_result_does_not_depend_on_the_order_beyond_rounding(dtype, rng):
    """Exact bounds hold for any order of a row; the winner may stand anywhere."""
    x = logits(37, 60, dtype)
    p = exact(x)
    for _ in range(5):
        order = rng.permutation(37)
        check("value", softmax(x[order]), [p[i] for i in order])


def test_backward_of_a_sure_winner(dtype):
    """The winner's own gradient must not cancel against the dot product."""
    got = softmax.backward(np.array([0, 1], dtype), np.array([0, 60], dtype))
    p = mp.exp(-60) / (1 + mp.exp(-60))
    exact = p * (1 - p)
    assert abs(mp.mpf(float(got[1])) / exact - 1) < 4 * float(np.finfo(dtype).eps)
    assert got[0] == -got[1]


@pytest.mark.parametrize("function", ["backward", "backward_from_output"])
@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_backward_of_the_largest_gradients(dtype, function, signs):
    largest = np.finfo(dtype).max
    given = np.zeros(2, dtype) if function == "backward" else np.full(2, 0.5, dtype)
    grad = np.array(signs, dtype) * largest
    got = getattr(fastact.softmax, function)(grad, given)
    expected = np.zeros(2, dtype) if signs[0] == signs[1] else grad / 2
    np.testing.assert_array_equal(got, expected)
