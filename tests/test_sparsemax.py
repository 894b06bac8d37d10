"""sparsemax against exact arithmetic: values, the support, gradients; rows at the edges; the same
bits any way. test_row_functions has what it shares with its family."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import oracle
import pytest
from oracle import mp

import fastact as fa
from fastact.catalogue import ROW_CATALOGUE

BOUND = next(row.max_ulp for row in ROW_CATALOGUE if row.name == "sparsemax")
SPREADS = [0.1, 1, 3, 10, 100, 1e3, 1e4]
LENGTHS = [*range(1, 36), 63, 64, 65, 100, 255, 256, 257, 1000, 4097, 5000]


@pytest.fixture(params=["float16", "bfloat16", "float32", "float64"])
def floating(request) -> np.dtype:
    if request.param == "bfloat16":
        return np.dtype(pytest.importorskip("ml_dtypes").bfloat16)
    return np.dtype(request.param)


def logits(n: int, spread: float, floating: Any, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, n, int(10 * spread)])
    return rng.uniform(-spread / 2, spread / 2, n).astype(floating)


def numbers(x: np.ndarray, over: float = 1.0) -> list[Any]:
    with mp.workprec(2500):
        return [mp.mpf(float(value)) / mp.mpf(over) for value in x]


def unit_in_the_last_place(value: Any, floating: np.dtype) -> Any:
    """Of a number's binade, subnormal ones having the least; of the 16-bit types too."""
    digits, lowest = {
        "float16": (11, -14),
        "bfloat16": (8, -126),
        "float32": (24, -126),
        "float64": (53, -1022),
    }[floating.name]
    power = lowest if value == 0 else max(lowest, mp.frexp(abs(value))[1] - 1)
    return mp.ldexp(1, power - digits + 1)


def check(got: np.ndarray, wanted: list[Any], slack: list[Any] | None = None) -> None:
    """Within the bound, and 0 where the exact number is."""
    bound = BOUND[got.dtype.name]
    for i, (y, value) in enumerate(zip(got, wanted, strict=True)):
        if value == 0:
            assert y == 0, (i, y)
        off = abs(mp.mpf(float(y)) - value) - (slack[i] if slack else 0)
        error = off / unit_in_the_last_place(value, got.dtype)
        assert error <= bound, (i, y, mp.nstr(value, 20), mp.nstr(error, 5))


# ---- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize("spread", SPREADS)
def test_values(floating, spread):
    for n in LENGTHS:
        x = logits(n, spread, floating)
        check(fa.sparsemax(x), oracle.sparsemax(numbers(x)))


@pytest.mark.parametrize("temperature", [2.0, 0.1, 0.37, 1e-3, 1e3])
@pytest.mark.parametrize("spread", [0.1, 3, 100])
def test_temperatures(floating, spread, temperature):
    for n in (1, 2, 17, 33, 300):
        x = logits(n, spread, floating)
        wanted = oracle.sparsemax(numbers(x, temperature))
        check(fa.sparsemax(x, temperature=temperature), wanted)
    for wrong in (-1.0, 0.0):
        with pytest.raises(ValueError, match="temperature"):
            fa.sparsemax([1.0], temperature=wrong)


def exact_threshold(x: np.ndarray) -> Any:
    """Of a row of any length, from sums of whole numbers of 2^-1100."""
    one = 1 << 1100
    total, threshold = 0, None
    for k, value in enumerate(sorted(x.tolist(), reverse=True), 1):
        numerator, denominator = value.as_integer_ratio()
        whole = numerator * (one // denominator)
        total += whole
        if one + k * whole <= total:
            break
        threshold = total - one, k
    assert threshold is not None
    with mp.workprec(2500):
        return mp.mpf(threshold[0]) / threshold[1] / one


@pytest.mark.parametrize("spread", [1e-5, 1e-2, 8])
@pytest.mark.parametrize("name", ["float32", "float64"])
def test_a_long_row(name, spread):
    x = logits(2**18 + 9, spread, np.dtype(name))
    y = fa.sparsemax(x)
    threshold = exact_threshold(x)
    with mp.workprec(2500):
        nearest = np.abs(x - float(threshold)).argsort()[:300]
        np.testing.assert_array_equal(
            np.delete(y > 0, nearest), np.delete(x > float(threshold), nearest)
        )
        places = np.unique(np.concatenate([np.flatnonzero(y)[:1000], nearest]))
        wanted = [max(mp.mpf(float(x[i])) - threshold, mp.mpf(0)) for i in places]
    check(y[places], wanted)


@pytest.mark.parametrize("temperature", [1.0, 3.0, 0.5])
def test_an_element_at_the_threshold_is_outside(floating, temperature):
    """Numbers of few bits, of which many are the threshold itself."""
    rng = np.random.default_rng(3)
    ties = 0
    for n in (2, 3, 4, 5, 6, 8, 17, 40):
        for _ in range(30):
            x = (rng.integers(-8, 9, n) / 8 * temperature).astype(floating)
            z = numbers(x, temperature)
            wanted = oracle.sparsemax(z)
            y = fa.sparsemax(x, temperature=temperature)
            check(y, wanted)
            np.testing.assert_array_equal(y == 0, [p == 0 for p in wanted])
            threshold = max(z) - max(wanted)
            ties += any(abs(value - threshold) < 1e-60 for value in z)
    assert ties > 10
    for row, wanted in (([0, -0.25, -0.25, -0.5], [0.5, 0.25, 0.25, 0]), ([1, 0], [1, 0])):
        np.testing.assert_array_equal(
            fa.sparsemax(np.array(row, floating)), np.array(wanted, floating)
        )


def test_supports_of_one_and_of_all(floating):
    for n in (1, 2, 7, 16, 33, 300):
        x = np.full(n, -2.75, floating)
        np.testing.assert_array_equal(fa.sparsemax(x), np.full(n, 1 / n).astype(floating))
        x[n // 2] = -1.75  # 1 more is enough
        np.testing.assert_array_equal(fa.sparsemax(x), np.arange(n) == n // 2)
        close = logits(n, 0.5 / n, floating)
        assert (fa.sparsemax(close) > 0).all()


def test_small_numbers_beside_a_large_one(floating):
    """What is left of them is far below the last digit of a double beside the large one."""
    least = float(np.finfo(np.float32).tiny) if floating != np.float16 else 2.0**-14
    tiny = [p for p in (1e-3, 1e-6, 1e-20, 1e-30, least) if p >= least]
    for p in tiny:
        for row in ([1, p], [1, p, 0], [1, p / 2, -p], [0.5, 0.5, p], [1 - 2.0**-8, p, p]):
            x = np.array(row, floating)
            if floating == np.float64 and p < 1e-15 and len(row) == 3:
                continue  # the sum has two words, and the results as much of them as there is
            check(fa.sparsemax(x), oracle.sparsemax(numbers(x)))


def test_sums_are_1(floating):
    last = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
    for n in (1, 2, 3, 50, 1000, 5000):
        for spread in (0.01, 1, 50):
            y = fa.sparsemax(logits(n, spread, floating)).astype(np.float64)
            # Each is off by half an ulp of itself, in no direction; of float16 some are subnormal.
            rest = n * 2.0**-25 if floating == np.float16 else 0
            assert abs(math.fsum(y) - 1) <= 2 * last[floating.name] + rest


def test_order_is_kept(floating):
    x = np.sort(logits(2000, 0.5, floating))
    assert (np.diff(fa.sparsemax(x).astype(np.float64)) >= 0).all()


# ---- the edges ----------------------------------------------------------------------------------


def assert_same_numbers(got: np.ndarray, wanted: np.ndarray) -> None:
    """As float64, since NumPy does not take two NaN of bfloat16 for the same."""
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got.astype(np.float64), wanted.astype(np.float64))


def edges(floating: np.dtype) -> dict[str, tuple[list[float], list[float]]]:
    inf, nan = math.inf, math.nan
    largest = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38}.get(floating.name)
    largest = largest or float(np.finfo(floating).max)
    least = {"float16": 2.0**-24, "bfloat16": 2.0**-133}.get(floating.name)
    least = least or float(np.finfo(floating).smallest_subnormal)
    return {
        "all -inf": ([-inf] * 3, [nan] * 3),
        "one -inf": ([-inf], [nan]),
        "+inf": ([0, inf, 1], [nan] * 3),
        "+inf and -inf": ([inf, -inf], [nan] * 2),
        "nan": ([0, nan, -9], [nan] * 3),
        "nan among -inf": ([-inf, nan], [nan] * 2),
        "-inf beside a number": ([-inf, 3], [0, 1]),
        "-inf beside two": ([2, -inf, 2], [0.5, 0, 0.5]),
        "lowest": ([-largest, -largest], [0.5, 0.5]),
        "lowest and -inf": ([-largest, -inf], [1, 0]),
        "highest": ([largest] * 4, [0.25] * 4),
        "both ends": ([largest, -largest, least], [1, 0, 0]),
        "a huge one and tiny ones": ([3e4, least, -least], [1, 0, 0]),
        "zeros": ([0.0, -0.0], [0.5, 0.5]),
        "subnormals": ([least, -least], [0.5, 0.5]),
    }


@pytest.mark.parametrize("name", edges(np.dtype(float)))
def test_rows_at_the_edges(floating, name):
    row, wanted = (np.array(values, floating) for values in edges(floating)[name])
    around = logits(len(row), 1, floating)
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        # Alone, and as one of many along either axis: the others are what they are without it.
        assert_same_numbers(fa.sparsemax(row), wanted)
        rows = np.stack([around, row] * 9)
        expected = np.stack([fa.sparsemax(around), wanted] * 9)
        assert_same_numbers(fa.sparsemax(rows), expected)
        assert_same_numbers(fa.sparsemax(rows.T.copy(), axis=0), expected.T)
        grad = np.ones(len(row), floating)
        undefined = np.isnan(wanted.astype(float)).any()
        for got in (
            fa.sparsemax.backward(grad, row),
            fa.sparsemax.backward_from_output(grad, wanted),
        ):
            np.testing.assert_array_equal(
                got.astype(float), [math.nan if undefined else 0] * len(row)
            )


@pytest.mark.parametrize("stranger", [math.nan, math.inf])
def test_nan_and_inf_at_every_position(floating, stranger):
    for n in range(1, 71):
        x = np.tile(logits(n, 5, floating), (n, 1))
        np.fill_diagonal(x, stranger)
        assert np.isnan(fa.sparsemax(x).astype(float)).all()
        assert np.isnan(fa.sparsemax(x, axis=0).astype(float)).all()
    x = logits(9001, 5, floating)
    for place in (0, 4095, 4096, 9000):
        y = x.copy()
        y[place] = stranger
        assert np.isnan(fa.sparsemax(y).astype(float)).all()


@pytest.mark.parametrize("temperature", [5e-324, 1e-310, 1e-300, 1e300, 1.7e308])
@pytest.mark.parametrize("name", ["float32", "float64"])
def test_the_most_extreme_temperatures(name, temperature):
    size = np.finfo(name).max if temperature > 1 else temperature
    for row in ([3, 1, 2], [1, 1], [0.25] * 40, [0.5, 0.25, -0.5, -1, -0.75]):
        for scale in (1.0, float(size) / 4):
            x = (np.array(row) * scale).astype(name)
            wanted = oracle.sparsemax(numbers(x, temperature))
            check(fa.sparsemax(x, temperature=temperature), wanted)


def test_an_empty_axis(floating):
    for shape, axis in (((0,), -1), ((3, 0), 1), ((0, 3), 1), ((0, 3), 0), ((2, 0, 4), (1, 2))):
        y = fa.sparsemax(np.empty(shape, floating), axis)
        assert (y.shape, y.dtype) == (shape, floating)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_rows_that_take_many_passes(name):
    """Each pass leaves out one element, or but a few: there is an end all the same."""
    n = 400
    for row in (
        1 - 2.0 ** np.arange(0, -n, -1.0),
        -(2.0 ** np.arange(0, -n, -1.0)),
        2.0 ** np.arange(0, -n, -1.0),
        1 / np.arange(1.0, n),
        np.r_[0, np.full(n, -0.5), np.full(n, -0.75), np.full(n, -0.99)],
        np.cumsum(np.r_[0, -1 / np.arange(1.0, n) ** 2]) / 2,
    ):
        for x in (row.astype(name), (1e-30 * row).astype(name), row[::-1].astype(name)):
            for temperature in (1.0, 1e-25):
                y = fa.sparsemax(x, temperature=temperature)
                assert abs(math.fsum(y.tolist()) - 1) <= 4 * np.finfo(name).eps
                wanted = oracle.sparsemax(numbers(x, temperature))
                close = [max(mp.mpf(2) ** -50, abs(p)) for p in wanted]
                for a, p, size in zip(y.tolist(), wanted, close, strict=True):
                    assert abs(a - p) <= size * mp.mpf(float(np.finfo(name).eps))


def test_very_long_rows():
    x = np.full(1 << 24, 3e38, np.float32)
    assert (fa.sparsemax(x) == 2.0**-24).all()
    x[12345] = np.nextafter(np.float32(3e38), np.float32(np.inf))
    y = fa.sparsemax(x)
    assert y[12345] == y.sum() == 1


# ---- gradients ----------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [1.0, 2.0, 0.1])
@pytest.mark.parametrize("spread", [0.1, 1, 10, 1e3])
def test_gradients(floating, spread, temperature):
    for n in (*range(1, 36, 3), 64, 257, 1000, 5000):
        x, grad = logits(n, spread, floating), logits(n, 4, floating, 1)
        grad[n // 2] *= floating.type(64)
        y = fa.sparsemax(x, temperature=temperature)
        p = oracle.sparsemax(numbers(x, temperature))
        for given, support, function in (
            (x, p, fa.sparsemax.backward),
            (y, numbers(y), fa.sparsemax.backward_from_output),
        ):
            got = function(grad, given, temperature=temperature)
            wanted, size = oracle.sparsemax_backward(numbers(grad), support)
            wanted = [value / mp.mpf(temperature) for value in wanted]
            check(got, wanted, [value * mp.mpf(2) ** -100 / temperature for value in size])


def test_gradients_of_one_and_of_equal_ones(floating):
    x = logits(300, 1, floating)
    assert not fa.sparsemax.backward(np.full(300, 0.7).astype(floating), x).any()
    grad = np.array([3, math.nan, math.inf], floating)
    for function, given in (
        (fa.sparsemax.backward, [5, 0, 1]),
        (fa.sparsemax.backward_from_output, [1, 0, 0]),
    ):
        # Beside the support no gradient shows, whatever it is; in it a NaN makes all NaN.
        np.testing.assert_array_equal(function(grad, np.array(given, floating)), [0, 0, 0])
        got = function(grad[::-1].copy(), np.array([0.5, 0.5, 0], floating)).astype(float)
        np.testing.assert_array_equal(got, [math.nan, math.nan, 0])
    got = fa.sparsemax.backward_from_output(
        np.ones(3, floating), np.array([1, math.nan, 0], floating)
    )
    assert np.isnan(got.astype(float)).all()


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_largest_gradients(name):
    largest = np.finfo(name).max
    grad = np.array([largest, -largest, largest, largest, -largest, -largest], name)
    for function, given in (
        (fa.sparsemax.backward, np.zeros(6, name)),
        (fa.sparsemax.backward_from_output, np.full(6, 1 / 6, name)),
    ):
        np.testing.assert_array_equal(function(grad, given), grad)
        assert not function(np.full(6, largest, name), given).any()


# ---- ways ---------------------------------------------------------------------------------------


def results(x, grad, axis):
    y = fa.sparsemax(x, axis)
    return [
        y,
        fa.sparsemax.backward(grad, x, axis),
        fa.sparsemax.backward_from_output(grad, y, axis),
        fa.sparsemax(x, axis, where=grad > -1, temperature=0.3),
    ]


@pytest.mark.parametrize("spread", [0.01, 1, 30])
@pytest.mark.parametrize(
    ("shape", "axis"), [((1, 300_000), 1), ((300_000,), 0), ((5000, 70), 0), ((3000, 17), 1)]
)
def test_same_bits_for_any_number_of_threads(floating, shape, axis, spread, low_threshold):
    n = math.prod(shape)
    x, grad = (logits(n, s, floating).reshape(shape) for s in (spread, 4))
    found = []
    for threads in (1, 2, 3, 7):
        with fa.num_threads(threads):
            found.append([a.tobytes() for a in results(x, grad, axis)])
    assert found[0] == found[1] == found[2] == found[3]


@pytest.mark.parametrize("shape", [(6, 33), (70, 9), (3, 4, 130), (2, 9000), (9000, 3)])
def test_same_bits_for_any_axis_and_layout(floating, shape):
    n = math.prod(shape)
    x, grad = (logits(n, spread, floating).reshape(shape) for spread in (2, 4))
    for axis in (*range(len(shape)), (0, len(shape) - 1), None):
        wanted = results(x, grad, axis)
        for lay in (
            np.asfortranarray,
            lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
            lambda a: a[::-1, ..., ::-1].copy()[::-1, ..., ::-1],
        ):
            for got, expected in zip(results(lay(x), lay(grad), axis), wanted, strict=True):
                np.testing.assert_array_equal(got, expected)
    # An axis is what rows are that stand alone.
    alone = np.stack([fa.sparsemax(row.copy()) for row in x.reshape(-1, shape[-1])])
    np.testing.assert_array_equal(fa.sparsemax(x).reshape(alone.shape), alone)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 1), None])
def test_out(floating, axis):
    x, grad = logits(200, 3, floating).reshape(10, 20), logits(200, 4, floating, 1).reshape(10, 20)
    wanted, slopes = results(x, grad, axis)[:2]
    for make in (
        lambda: np.full((10, 20), 7, floating),
        lambda: np.full((20, 10), 7, floating).T,
        lambda: np.full((10, 40), 7, floating)[:, ::-2],
        lambda: x.copy(),
    ):
        out = make()
        assert fa.sparsemax(x, axis, out=out) is out
        np.testing.assert_array_equal(out, wanted)
        assert fa.sparsemax.backward(grad, x, axis, out=out) is out
        np.testing.assert_array_equal(out, slopes)
    for shift in (-7, -1, 0, 1, 20):
        memory = np.resize(x, 260)
        given = memory[30:230].reshape(10, 20)
        expected = fa.sparsemax(given.copy(), axis)
        out = memory[30 + shift : 230 + shift].reshape(10, 20)
        fa.sparsemax(given, axis, out=out)
        np.testing.assert_array_equal(out, expected)


def test_masks(floating):
    x, grad = (
        logits(9 * 40, 3, floating).reshape(9, 40),
        logits(9 * 40, 4, floating, 1).reshape(9, 40),
    )
    mask = np.random.default_rng(0).random(x.shape) < 0.5
    mask[3] = False
    y = fa.sparsemax(np.where(mask, x, np.array(math.nan, floating)), where=mask)
    back = fa.sparsemax.backward(grad, x, where=mask)
    from_output = fa.sparsemax.backward_from_output(grad, y, where=mask)
    for k in range(9):
        some = mask[k]
        assert not y[k][~some].any()
        assert not back[k][~some].any()
        if some.any():
            check(y[k][some], oracle.sparsemax(numbers(x[k][some])))
            np.testing.assert_array_equal(
                back[k][some] != 0, (y[k][some] > 0) & ((y[k][some] > 0).sum() > 1)
            )
    np.testing.assert_array_equal(from_output, back)


# ---- others -------------------------------------------------------------------------------------


def test_names():
    assert fa.get("sparsemax") is fa.get("keras:sparsemax") is fa.sparsemax
    assert fa.sparsemax.max_ulp == BOUND


def test_entmax_agrees():
    entmax, torch = pytest.importorskip("entmax"), pytest.importorskip("torch")
    for spread in (0.1, 3, 100):
        x = logits(40 * 70, spread, np.float64).reshape(40, 70)
        theirs = entmax.sparsemax(torch.from_numpy(x), dim=-1).numpy()
        np.testing.assert_allclose(fa.sparsemax(x), theirs, rtol=0, atol=1e-13)
