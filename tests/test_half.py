"""float16 and bfloat16: every input, rounded as the exact result would be."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import oracle
import pytest
from oracle import mp

import fastact
from fastact.catalogue import CATALOGUE

WITH_PARAMETERS = [row for row in CATALOGUE if row.parameters]
KINDS = ("value", "derivative")
BITS = np.arange(65536).astype(np.uint16)


@dataclass(frozen=True)
class Format:
    dtype: np.dtype
    mantissa: int
    least_exponent: int

    def wide(self, x: np.ndarray) -> np.ndarray:
        """The elements as float64, exactly."""
        with np.errstate(invalid="ignore"):  # a signalling NaN
            return x.astype(np.float32).astype(np.float64)

    def of_float64(self, x: Any) -> np.ndarray:
        """float64 numbers that are elements, or beyond the largest."""
        x = np.asarray(x, np.float64)
        with np.errstate(over="ignore"):
            if self.dtype == np.float16:
                return x.astype(np.float16)
            return (x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).view(self.dtype)

    def steps(self, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sizes in units of the smallest step of their binade, and the step's exponent."""
        exponent = np.maximum(np.frexp(size)[1] - 1, self.least_exponent) - self.mantissa
        return np.ldexp(size, -exponent), exponent

    def nearest(self, y: np.ndarray) -> np.ndarray:
        steps, exponent = self.steps(np.abs(y))
        rounded = np.ldexp(np.rint(steps), exponent)
        return self.of_float64(np.copysign(rounded, y).astype(np.float64))

    def near_a_tie(self, y: np.ndarray) -> np.ndarray:
        steps, _ = self.steps(np.abs(y))
        return np.abs(steps - np.floor(steps) - 0.5) < 2**-12

    def nearest_to_exact(self, exact: Any, sign: float) -> np.ndarray:
        size = abs(exact)
        exponent = self.least_exponent
        if size:
            exponent = max(mp.mag(size) - 1, exponent)
        steps = mp.ldexp(size, self.mantissa - exponent)
        whole = int(mp.floor(steps))
        half = mp.mpf(1) / 2
        up = steps - whole > half or (steps - whole == half and whole % 2 == 1)
        number = float(mp.ldexp(whole + up, exponent - self.mantissa))
        if exact:
            sign = -1.0 if exact < 0 else 1.0
        return self.of_float64(math.copysign(number, sign))


@pytest.fixture(params=["float16", "bfloat16"])
def half(request) -> Format:
    if request.param == "float16":
        return Format(np.dtype(np.float16), 10, -14)
    return Format(np.dtype(pytest.importorskip("ml_dtypes").bfloat16), 7, -126)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """The same dtype, the same bits; one NaN is like another."""
    nan = np.isnan(a) & np.isnan(b)
    return a.dtype == b.dtype and bool(
        np.all(nan | (np.asarray(a).view(np.uint16) == np.asarray(b).view(np.uint16)))
    )


def rounded(parameters: dict[str, float], half: Format) -> dict[str, float]:
    return {
        name: float(half.nearest(np.array([value], np.longdouble))[0])
        for name, value in parameters.items()
    }


def every(half: Format, what: str) -> np.ndarray:
    """The finite elements, or those that are not a number."""
    exponent = (BITS >> half.mantissa) & ((1 << (15 - half.mantissa)) - 1)
    special = exponent == (1 << (15 - half.mantissa)) - 1
    nan = special & (BITS & ((1 << half.mantissa) - 1) != 0)
    return BITS[{"finite": ~special, "nan": nan}[what]].view(half.dtype)


def numbers(half: Format, n: int, seed: int = 1) -> np.ndarray:
    x = np.random.default_rng(seed).normal(0, 3, n)
    return half.nearest(x.astype(np.longdouble))


def members(activation: Any) -> dict[str, Any]:
    return {
        "value": activation,
        "derivative": activation.derivative,
        "backward": activation.backward,
        "value_and_derivative": activation.value_and_derivative,
    }


def as_tuple(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


# ---- every input --------------------------------------------------------------------------------


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double is a double here")
@pytest.mark.parametrize("kind", KINDS)
def test_every_input_is_correctly_rounded(row, activation, parameters, half, kind):
    x = every(half, "finite")
    y = members(activation)[kind](x, **parameters)
    assert y.dtype == half.dtype
    exactly = rounded(parameters, half)
    inputs = half.wide(x)
    wide = oracle.wide(row, inputs, exactly, np.longdouble)
    wide = wide.value if kind == "value" else wide.slope
    expected = half.nearest(wide)
    wrong = (y.view(np.uint16) != expected.view(np.uint16)) & ~((y == 0) & (expected == 0))
    # Here the sign of a zero matters, too.
    wrong |= (y == 0) & (np.signbit(y) != np.signbit(expected)) & (wide != 0)
    for i in np.flatnonzero(wrong | half.near_a_tie(wide)):
        if kind == "value":
            exact = oracle.value(row, inputs[i], exactly)
        else:
            exact = oracle.derivative(row, inputs[i], exactly, np.float32)
        right = half.nearest_to_exact(exact, float(np.copysign(1, wide[i])))
        assert y[i].view(np.uint16) == right.view(np.uint16), (
            f"{row.name} {kind} at {inputs[i].hex()} {exactly}: {y[i]!r}, not {right!r}"
        )
        wrong[i] = False
    assert not wrong.any(), (inputs[wrong][:5], y[wrong][:5], expected[wrong][:5])


def test_backward_is_the_exact_product_rounded_once(row, activation, parameters, half, rng):
    n = 300
    # Any bits as grad; x from where there is something to multiply.
    finite = every(half, "finite")
    grad = rng.choice(finite, n)
    x = np.concatenate([numbers(half, n // 2), rng.choice(finite, n // 2)])
    got = activation.backward(grad, x, **parameters)
    assert got.dtype == half.dtype
    exactly = rounded(parameters, half)
    largest = mp.ldexp(2, 15 if half.dtype == np.float16 else 127)
    for g, point, y in zip(half.wide(grad), half.wide(x), half.wide(got), strict=True):
        exact = mp.mpf(g) * oracle.derivative(row, point, exactly, np.float32)
        size = min(abs(exact), largest)
        exponent = max(mp.mag(size) - 1 if size else half.least_exponent, half.least_exponent)
        error = abs(min(abs(mp.mpf(float(y))), largest) - size)
        assert error <= mp.ldexp(0.5 + 2**-20, exponent - half.mantissa), (g, point, y)
        assert not exact or (exact < 0) == bool(np.signbit(y))


@pytest.mark.parametrize("significand", [1.0, 1.25, 1.5, 1.9375])
def test_every_gradient_times_a_slope_of_any_size(half, significand):
    """A product of two elements is a double exactly."""
    grad = every(half, "finite")
    wide = half.wide(grad)
    below_0 = np.full_like(grad, -1)
    exponents = range(half.least_exponent - half.mantissa, 128, 11)
    for slope in half.wide(half.of_float64(np.ldexp(significand, exponents))):
        if 0 < slope < math.inf:
            got = fastact.leaky_relu.backward(grad, below_0, float(slope))
            assert same_bits(got, half.nearest(wide * slope)), slope


@pytest.mark.parametrize("kind", KINDS)
def test_not_a_number_and_infinity(row, activation, parameters, half, kind):
    nan = every(half, "nan")
    exactly = rounded(parameters, half)
    with np.errstate(all="raise"):
        results = members(activation)[kind](nan, **parameters)
        gradients = activation.backward(np.ones_like(nan), nan, **parameters)
        infinite = half.of_float64([-np.inf, np.inf])
        got = members(activation)[kind](infinite, **parameters)
    assert np.isnan(results).all()
    assert np.isnan(gradients).all()
    limits = row.at_infinity if kind == "value" else row.slope_at_infinity
    expected = [oracle.expression_value(limit, exactly) for limit in limits]
    assert same_bits(got, half.nearest(np.array(expected, np.longdouble))) or (
        got.astype(np.float64).tolist() == expected
    )


def test_zeros_keep_their_sign(row, activation, half):
    x = half.of_float64([-0.0, 0.0])
    expected = activation(x.astype(np.float64))
    got = activation(x).astype(np.float64)
    assert np.signbit(got).tolist() == np.signbit(expected).tolist()


@pytest.mark.parametrize("row", [r for r in CATALOGUE if "0" in r.kinks], ids=lambda row: row.name)
def test_what_is_off_stays_off(row, activation, half):
    """A slope of exactly 0 selects, whatever the gradient is."""
    if row.name not in ("relu", "relu6", "relu_squared"):
        pytest.skip("its slope is not 0")
    grad = half.of_float64([np.inf, np.nan, -np.inf])
    assert activation.backward(grad, half.of_float64([-1.0, -2.0, 0.0])).tolist() == [0, 0, 0]


# ---- the ways to call it ------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["value", "derivative", "backward", "value_and_derivative"])
def test_wherever_an_element_stands(row, activation, half, operation, low_threshold):
    """In place, strided, in any length, by one thread or two: the same bits."""
    function = members(activation)[operation]
    inputs = [numbers(half, 5000, seed) for seed in range(function.nin - len(row.parameters))]
    expected = as_tuple(function(*inputs))

    def check(got: Any, part: slice = slice(None)) -> None:
        for a, b in zip(as_tuple(got), expected, strict=True):
            assert same_bits(np.asarray(a), b[part])

    for threads in (1, 2):
        with fastact.num_threads(threads):
            check(function(*inputs))
    for n in range(71):
        check(function(*[x[:n] for x in inputs]), slice(n))
        check(function(*[x[n : n + 1] for x in inputs]), slice(n, n + 1))
    check(function(*[x[n] for x in inputs]), n)
    check(function(*[x[1::3] for x in inputs]), slice(1, None, 3))
    check(function(*[x[::-1] for x in inputs]), slice(None, None, -1))
    transposed = as_tuple(function(*[x.reshape(50, 100).T for x in inputs]))
    check(tuple(y.T.reshape(-1) for y in transposed))
    outs = tuple(np.empty_like(x) for x in expected)
    check(function(*inputs, out=outs if len(outs) > 1 else outs[0]))
    check(outs)
    wider = tuple(np.zeros(5000, np.float32) for _ in expected)
    function(*inputs, out=wider if len(wider) > 1 else wider[0])
    for a, b in zip(wider, expected, strict=True):
        assert a.tolist() == b.astype(np.float32).tolist()
    mask = np.arange(5000) % 3 == 0
    function(*inputs, out=outs if len(outs) > 1 else outs[0], where=mask)
    check(outs)
    if len(expected) == 1:
        for i, x in enumerate(inputs):
            copies = [x.copy() for x in inputs]
            function(*copies, out=copies[i])
            check(copies[i])
    swapped = [x.astype(x.dtype.newbyteorder()) for x in inputs]
    check(function(*swapped))


@pytest.mark.parametrize("threads", [1, 2])
def test_so_many_that_results_are_looked_up(row, activation, parameters, half, threads, rng):
    """From four times as many elements as there are numbers on, each number is computed once."""
    n = 4 * 65536 + 3
    x = rng.integers(0, 65536, n).astype(np.uint16).view(half.dtype)
    number = x.view(np.uint16).copy()
    few = {
        name: as_tuple(members(activation)[name](BITS.view(half.dtype), **parameters))
        for name in ("value", "derivative", "value_and_derivative")
    }
    around = np.zeros((n, 2), half.dtype)
    around[:, 1] = x
    square = x[: 512 * 512].reshape(512, 512)
    with fastact.num_threads(threads):
        for name, expected in few.items():
            function = members(activation)[name]
            for given, numbers_given in (
                (x, number),
                (x[::-1], number[::-1]),
                (around[:, 1], number),
                (square.T, square.T.view(np.uint16)),
            ):
                got = as_tuple(function(given, **parameters))
                for a, b in zip(got, expected, strict=True):
                    assert a.view(np.uint16).tobytes() == b.view(np.uint16)[numbers_given].tobytes()
        grad = rng.integers(0, 65536, n).astype(np.uint16).view(half.dtype)
        pulled_back = activation.backward(grad, x, **parameters)
        for part in np.array_split(np.arange(n), 5):
            few_at_once = activation.backward(grad[part], x[part], **parameters)
            assert same_bits(pulled_back[part], few_at_once)
        into = np.empty((512, 512), half.dtype)
        activation(square.T, out=into, **parameters)
        activation(x, out=x, **parameters)
    value = few["value"][0].view(np.uint16)
    assert x.tobytes() == value[number].tobytes()
    assert (into.view(np.uint16) == value[number[: 512 * 512].reshape(512, 512).T]).all()


def test_value_and_derivative_are_those(row, activation, parameters, half):
    x = BITS.view(half.dtype)
    value, derivative = activation.value_and_derivative(x, **parameters)
    assert same_bits(value, activation(x, **parameters))
    assert same_bits(derivative, activation.derivative(x, **parameters))


def test_the_ufunc_gives_the_same_bits(row, activation, parameters, half):
    x = BITS.view(half.dtype)
    # NumPy's promotion takes a Python number and bfloat16 to float32.
    given = [np.asarray(half.of_float64(v)) for v in rounded(parameters, half).values()]
    assert same_bits(activation(x, **parameters), activation.ufunc(x, *given))
    grad = np.roll(x, 777)
    assert same_bits(
        activation.backward(grad, x, **parameters), activation.backward.ufunc(grad, x, *given)
    )
    # The short way does not take a stride.
    assert same_bits(activation(x, **parameters)[::2], activation(x[::2], **parameters))


@pytest.mark.parametrize("row", WITH_PARAMETERS, ids=[row.name for row in WITH_PARAMETERS])
def test_parameters(row, activation, half, rng):
    """As arrays, and as numbers that lie between two of the dtype."""
    x = numbers(half, 200)
    values = oracle.allowed_first(row, numbers(half, 200, 5))
    together = activation(x, values)
    assert together.dtype == half.dtype
    for i in range(200):
        assert same_bits(together[i : i + 1], activation(x[i : i + 1], float(values[i])))
    assert same_bits(
        activation(x[:, None], values[None, :5]),
        np.stack([activation(x, float(v)) for v in values[:5]], 1),
    )
    for value in (
        *rng.normal(0, 1, 20).tolist(),
        1 + 2.0**-8 + 2.0**-40,
        1 + 2.0**-11 + 2.0**-40,
        3,
    ):
        value = oracle.allowed_first(row, value)
        exactly = half.nearest(np.array([value], np.longdouble))[0]
        expected = activation(x, np.full(200, exactly))
        assert same_bits(activation(x, value), expected)
        assert same_bits(activation(x[::-1], value)[::-1], expected)
    fixed = activation.with_parameters(**{row.parameters[0].name: 0.5})
    assert same_bits(fixed(x), activation(x, 0.5))
    assert same_bits(fixed(x[::-1])[::-1], activation(x, 0.5))


@pytest.mark.parametrize("row", WITH_PARAMETERS, ids=[row.name for row in WITH_PARAMETERS])
def test_a_parameter_that_overflows_warns_as_numpy_does(activation):
    x = np.ones(3, np.float16)
    given = {**activation.parameters, list(activation.parameters)[-1]: 1e6}
    with pytest.warns(RuntimeWarning, match="overflow"):
        short = activation(x, **given)
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert same_bits(short, activation.ufunc(x, *given.values()))


def test_no_warning_and_no_flag(row, activation, half):
    x = BITS.view(half.dtype)
    with np.errstate(all="raise"):
        for operation, function in members(activation).items():
            inputs = [x, x] if operation == "backward" else [x]
            function(*inputs)
            function(*[a[::3] for a in inputs])


def test_integers_and_wider_floats_are_as_ever(row, activation, half):
    activation(numbers(half, 3))
    assert activation.derivative(np.ones(3, np.int8)).dtype == np.float64
    assert activation(np.ones(3, np.float32)).dtype == np.float32
    assert activation(np.ones(3)).dtype == np.float64
    assert "e" * activation.nin in {types.split("->")[0] for types in activation.types} or (
        activation.nin == 1 and "e->e" in activation.types
    )


def test_promotion(activation, half):
    """With other dtypes as NumPy's own functions of two."""
    x = numbers(half, 5)
    backward = activation.backward
    for other in (np.float16, np.float32, np.float64):
        expected = np.add(x, np.ones(5, other)).dtype
        assert backward(x, np.ones(5, other)).dtype == expected
        assert backward(np.ones(5, other), x).dtype == expected
    assert backward(1.0, x).dtype == half.dtype
    assert backward(x, x).dtype == half.dtype
    assert activation(x[0]).dtype == half.dtype
    assert activation(np.array(x[0])).dtype == half.dtype


def test_dtype_keyword(row, activation, half):
    x = numbers(half, 20)
    for wider in (np.float32, np.float64):
        # Parameters are rounded to the dtype of the loop, not to that of x.
        parameters = {p.name: 0.1 for p in row.parameters}
        got = activation(x, **parameters, dtype=wider)
        assert got.dtype == wider
        assert got.tolist() == activation(x.astype(wider), **parameters).tolist()
    assert same_bits(activation(x, dtype=half.dtype), activation(x))
    assert activation(np.ones(3), dtype=np.float16).dtype == np.float16


# ---- bfloat16 comes with ml_dtypes --------------------------------------------------------------


@pytest.mark.parametrize("first", ["fastact", "ml_dtypes"])
def test_either_may_be_imported_first(run_python, first):
    pytest.importorskip("ml_dtypes")
    second = {"fastact": "ml_dtypes", "ml_dtypes": "fastact"}[first]
    program = f"""
import {first}
import sys
if {first!r} == "fastact":
    assert "ml_dtypes" not in sys.modules
import {second}
import fastact as fa, ml_dtypes, numpy as np
before = fa.elu.types
x = np.ones(3, ml_dtypes.bfloat16)
print(fa.elu(x).dtype, fa.elu.ufunc(x, x).dtype, fa.elu.derivative(x[::2]).dtype)
assert fa.elu.types == before
"""
    assert run_python(program).split() == ["bfloat16"] * 3


def test_threads_may_find_it_at_once(run_python):
    pytest.importorskip("ml_dtypes")
    program = """
import threading
import fastact as fa, ml_dtypes, numpy as np
x = np.ones(3, ml_dtypes.bfloat16)
barrier = threading.Barrier(8)
seen = []
def work():
    barrier.wait()
    seen.append(str(fa.sigmoid(x).dtype))
threads = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
print(*seen)
"""
    assert run_python(program).split() == ["bfloat16"] * 8


def test_other_small_dtypes_are_numpys_affair(activation):
    """They cast safely to float32."""
    small = pytest.importorskip("ml_dtypes").float8_e4m3
    assert activation(np.ones(3, small)).dtype == np.float32


def test_python_threads_share_the_kernels(half):
    x = numbers(half, 100_000)
    expected = fastact.mish(x)
    results: list[Any] = [None] * 4

    def work(i: int) -> None:
        results[i] = fastact.mish(x)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(same_bits(result, expected) for result in results)


def test_a_ufunc_used_before_it_had_the_loop(run_python):
    """NumPy remembers what it did with bfloat16 then: the functions must not."""
    pytest.importorskip("ml_dtypes")
    program = """
import numpy as np, fastact
early = fastact.silu.ufunc, fastact.elu.derivative.ufunc
import ml_dtypes
x = np.linspace(-3, 3, 8).astype(ml_dtypes.bfloat16)
early[0](x), early[1](x, x[:1])
for y in (fastact.silu(x), fastact.silu(x[::2]), fastact.silu(x[0]),
          fastact.silu(x, where=x > 0, out=np.zeros_like(x)), fastact.elu.derivative(x[::2]),
          fastact.silu(x, dtype=ml_dtypes.bfloat16), fastact.silu.backward(x, x[::-1])):
    print(y.dtype)
print(fastact.silu(x, dtype=np.float32).dtype, fastact.elu(x, np.float32(1)).dtype)
"""
    assert run_python(program).split() == ["bfloat16"] * 7 + ["float32"] * 2
