"""Gated functions and prelu: values and gradients against arbitrary precision, and what holds of
every function here - dtypes, layouts, outputs, threads, errors."""

from __future__ import annotations

import copy
import ctypes
import ctypes.util
import gc
import inspect
import itertools
import math
import pickle
import platform
import re
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import oracle
import pytest
from oracle import mp

import fastact as fa
from fastact import _activation
from fastact.catalogue import CATALOGUE, GATE_CATALOGUE

ROWS = {row.name: row for row in GATE_CATALOGUE}
ACTIVATIONS = {row.name: row for row in CATALOGUE}
GATES = {row.name: row for row in GATE_CATALOGUE if row.name != "prelu"}
PAIRS = ["swiglu", "geglu", "reglu"]
DTYPES = ["float16", "bfloat16", "float32", "float64"]
every_gate = pytest.mark.parametrize("name", GATES)
every_pair = pytest.mark.parametrize("name", PAIRS)
every_dtype = pytest.mark.parametrize("kind", DTYPES)


def dtype_of(kind):
    if kind == "bfloat16":
        return np.dtype(pytest.importorskip("ml_dtypes").bfloat16)
    return np.dtype(kind)


def value_of(name, gate, value, **keywords):
    """Of two arrays, glu too, which packs them itself."""
    if name != "glu":
        return getattr(fa, name)(gate, value, **keywords)
    return fa.glu(np.concatenate([value, gate], -1), **keywords)


def gradients_of(name, grad, gate, value):
    """With respect to gate and value."""
    if name != "glu":
        return getattr(fa, name).backward(grad, gate, value)
    of_value, of_gate = np.split(fa.glu.backward(grad, np.concatenate([value, gate], -1)), 2, -1)
    return of_gate, of_value


def same_bits(a, b):
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    assert a.tobytes() == b.tobytes()


# ---- the truth ----------------------------------------------------------------------------------


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def erfc(x):
    return oracle._erfc_of_number(x)


def normal_density(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def normal(x):
    return erfc(-x / mp.sqrt(2)) / 2


# From the definitions, with 1 - sigmoid(x) as sigmoid(-x); the precision bears the cancellation
# beside the roots of slopes.
TRUTH = {
    "glu": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "swiglu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
    "geglu": (lambda x: x * normal(x), lambda x: normal(x) + x * normal_density(x)),
    "reglu": (lambda x: x if x > 0 else mp.mpf(0), lambda x: mp.mpf(x > 0)),
}


def exactly(name, *numbers):
    """f(gate) value or, given grad, gate and value, the two gradients."""
    f, slope = TRUTH[name]
    with oracle.PRECISION, mp.workprec(400):
        if len(numbers) == 2:
            gate, value = map(mp.mpf, numbers)
            return f(gate) * value
        grad, gate, value = map(mp.mpf, numbers)
        return grad * value * slope(gate), grad * f(gate)


def test_the_truth_is_that_of_the_activations():
    for name, (f, slope) in TRUTH.items():
        row = ACTIVATIONS[ROWS[name].activation]
        for x in (-30.5, -1.25, -1e-9, 1e-9, 0.75, 1.0, 12.0):
            with oracle.PRECISION, mp.workprec(400):
                exact = f(mp.mpf(x)), slope(mp.mpf(x))
            wanted = oracle.value(row, x, {}), oracle.derivative(row, x, {})
            for one, other in zip(exact, wanted, strict=True):
                assert abs(one - other) <= abs(other) * mp.ldexp(1, -75)


# ---- values and gradients -----------------------------------------------------------------------

EXPONENTS = {"float16": (-24, 15), "bfloat16": (-133, 127), "float32": (-149, 127)}
ROOTS = [-1.2784645427610738, -0.7517915246935645]  # of silu' and gelu'


def triples(kind, count=900):
    """Ordinary numbers, tails, the whole range of exponents, and what lies beside roots and ends;
    three arrays."""
    rng = np.random.default_rng(27)
    low, high = EXPONENTS.get(kind, (-1074, 1023))
    dtype = dtype_of(kind)

    def whole(n):
        numbers = np.ldexp(rng.uniform(1, 1.99, n), rng.integers(low, high + 1, n))
        return (numbers * rng.choice([-1, 1], n)).astype(dtype)

    tail = {"float16": 20.0, "float64": 760.0}.get(kind, 110.0)
    beside = np.array(ROOTS).astype(dtype)
    gates = [
        rng.normal(0, 2, count).astype(dtype),
        rng.uniform(-tail, tail, count).astype(dtype),
        (rng.uniform(-1, 1, count) * (3 * tail) ** 0.5).astype(dtype),  # gelu's
        whole(count),
        np.repeat(beside, 8),
        np.repeat(np.array([-1, 1, -(2.0**low), 2.0**low, 0, 2.0**high]).astype(dtype), 8),
    ]
    gate = np.concatenate(gates)
    value, grad = (
        np.where(rng.random(gate.size) < 0.5, rng.normal(size=gate.size).astype(dtype), any_size)
        for any_size in (whole(gate.size), whole(gate.size))
    )
    # The largest, and the smallest, of all three together.
    ends = np.array([-(2.0**high), -(2.0**low), 2.0**low, 2.0**high]).astype(dtype)
    corners = np.array(list(itertools.product(ends, repeat=3))).T.astype(dtype)
    return [np.concatenate(pair) for pair in zip((grad, gate, value), corners, strict=True)]


def beyond_the_end(name, grad, gate, value):
    """Where src_c/pair_arithmetic.h says that a gradient is taken for nothing and is not: the
    product of grad and value is beyond all doubles, and the slope far below."""
    with oracle.PRECISION:
        slope = abs(TRUTH[name][1](mp.mpf(gate)))
        product = abs(mp.mpf(grad) * mp.mpf(value))
        return bool(slope < mp.ldexp(1, -2090) and slope * product > mp.ldexp(1, -1080))


def check(got, exact, kind, bound, what):
    worst = 0.0
    for i, (y, wanted) in enumerate(zip(got, exact, strict=True)):
        error = oracle.ulps_of_name(y, wanted, kind)
        if error > bound and abs(wanted) < mp.ldexp(1, -1200) and y == 0:
            continue  # of what vanishes the sign does not matter
        assert error <= bound, f"{what(i)}: {y!r} instead of {mp.nstr(wanted, 20)}, {error} ULP"
        worst = max(worst, error)
    return worst


@every_dtype
@every_gate
def test_values_and_gradients(name, kind):
    grad, gate, value = triples(kind)
    bound = ROWS[name].max_ulp[kind]
    numbers = [a.astype(np.float64).tolist() for a in (grad, gate, value)]
    results = [value_of(name, gate, value), *gradients_of(name, grad, gate, value)]
    exact = [exactly(name, b, c) for _, b, c in zip(*numbers, strict=True)]
    gradients = [exactly(name, *abc) for abc in zip(*numbers, strict=True)]
    wanted = [exact, [a for a, _ in gradients], [b for _, b in gradients]]
    left_out = [
        kind == "float64" and beyond_the_end(name, *abc) for abc in zip(*numbers, strict=True)
    ]
    for what, result, truth in zip(("value", "of gate", "of value"), results, wanted, strict=True):
        assert result.dtype == dtype_of(kind)
        kept = [i for i, out in enumerate(left_out) if not (out and what == "of gate")]
        met = check(
            [result[i] for i in kept],
            [truth[i] for i in kept],
            kind,
            bound,
            lambda k, kept=kept, what=what: f"{name} {what} at {[n[kept[k]] for n in numbers]}",
        )
        key = (name, kind, what)
        oracle.met[key] = max(oracle.met.get(key, (0.0, "")), (met, ""))
    assert sum(left_out) < 5


@every_gate
def test_reglu_and_friends_in_float64_beside_0(name):
    """A gate of one word only, times a value that brings it back."""
    gate = np.ldexp(np.linspace(-2, 2, 41), np.arange(-1074, -1033)) * 1.3
    gate = np.concatenate([gate, [5e-324, -5e-324, 1e-310, 2.3e-308]])
    value = np.full(gate.shape, 1.7e300)
    grad = np.full(gate.shape, -3e299)
    got = value_of(name, gate, value)
    check(got, [exactly(name, g, 1.7e300) for g in gate.tolist()], "float64", 1.5, str)
    got = gradients_of(name, grad, gate, value)[1]
    wanted = [exactly(name, -3e299, g, 1.7e300)[1] for g in gate.tolist()]
    check(got, wanted, "float64", 1.5, str)


SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0]


def limit_of(name, gate):
    """f and f' at a special gate, as floats; their sizes elsewhere do not matter."""
    if math.isinf(gate):
        at = {"glu": (0.0, 1.0), "reglu": (0.0, math.inf)}.get(name, (-0.0, math.inf))
        slopes = {"glu": (0.0, 0.0), "reglu": (0.0, 1.0)}.get(name, (-0.0, 1.0))
        return at[gate > 0], slopes[gate > 0]
    if math.isnan(gate):
        return gate, gate
    f, slope = (float(part(mp.mpf(gate))) for part in TRUTH[name])
    return (math.copysign(f, gate) if gate == 0 and name != "glu" else f), slope


def is_like(y, wanted):
    """Alike as far as it is 0, infinite or NaN, signs too."""
    y = float(y)
    if math.isnan(wanted):
        return math.isnan(y)
    if wanted == 0 or math.isinf(wanted):
        return y == wanted and math.copysign(1, y) == math.copysign(1, wanted)
    return math.isfinite(y) and y * wanted > 0


@every_dtype
@every_gate
def test_specials(name, kind):
    """A limit where there is one, else NaN; a relu that is off lets nothing through."""
    combinations = list(itertools.product(SPECIAL, repeat=3))
    grad, gate, value = np.array(combinations).T.astype(dtype_of(kind))
    with np.errstate(all="raise"):
        y = value_of(name, gate, value)
        of_gate, of_value = gradients_of(name, grad, gate, value)
    for i, (g, b, v) in enumerate(combinations):
        f, slope = limit_of(name, b)
        off = name == "reglu" and b <= 0
        wanted = f * (math.copysign(1, v) if off and math.isinf(v) else v)
        assert is_like(y[i], wanted), (name, b, v, y[i])
        assert is_like(of_value[i], 0.0 if off else g * f), (name, g, b, of_value[i])
        assert is_like(of_gate[i], 0.0 if off else g * v * slope), (name, g, b, v, of_gate[i])


@pytest.mark.parametrize("name", ["swiglu", "geglu"])
def test_far_below_0_nothing_comes_through(name):
    """The largest gradient and value do not bring back what an exponential was cut off at."""
    for dtype in (np.float32, np.float64):
        most = np.finfo(dtype).max
        gate = -np.logspace(1.2, 30, 50).astype(dtype)
        of_gate, of_value = gradients_of(name, np.full_like(gate, most), gate, gate * 0 + most)
        assert (of_gate[gate < -3000] == 0).all()
        assert (of_value[gate < -3000] == 0).all()
        for g, y in zip(gate.tolist(), of_gate, strict=True):
            if not beyond_the_end(name, float(most), g, float(most)):
                wanted = exactly(name, float(most), g, float(most))[0]
                assert oracle.ulps(y, wanted, dtype) <= 1.5 or abs(wanted) < mp.ldexp(1, -1080)


# ---- as a ufunc is ------------------------------------------------------------------------------

VIEWS = {
    "halves": lambda a: (a[..., :9], a[..., 9:18]),
    "every second": lambda a: (a[:, :, ::2], a[:, :, 1::2]),
    "reversed": lambda a: (a[:, ::-1, ::-1], a[:, ::-1]),
    "transposed": lambda a: (a.transpose(2, 0, 1), a.transpose(2, 0, 1)),
    "two orders": lambda a: (a, np.asfortranarray(a)),
    "Fortran order": lambda a: (np.asfortranarray(a), np.asfortranarray(a)),
    "one row": lambda a: (a, a[:1, :1]),
    "one gate": lambda a: (a[0, 0], a),
    "of fewer dimensions": lambda a: (a[0], a),
    "an axis of one": lambda a: (a[:, :, :1], a),
    "both broadcast": lambda a: (a[:, :, :1], a[:, :1]),
    "empty": lambda a: (a[:0], a[:0]),
    "no columns": lambda a: (a[:, :, :0], a[:1, :, :0]),
}


def big_enough(rng, dtype, shape=(4, 50, 18)):
    return rng.normal(0, 3, shape).astype(dtype)


@every_dtype
@every_pair
@pytest.mark.parametrize("view", VIEWS)
def test_layouts(name, kind, view, rng, low_threshold):
    """The same bits for any layout as for contiguous copies, and the ufunc's order of memory."""
    function = getattr(fa, name)
    for shape in ((4, 50, 18), (3, 2, 260)):
        gate, value = VIEWS[view](big_enough(rng, dtype_of(kind), shape))
        grad = rng.normal(size=np.broadcast_shapes(gate.shape, value.shape)).astype(gate.dtype)
        plain = [np.ascontiguousarray(np.broadcast_to(a, grad.shape)) for a in (gate, value)]
        for threads in (1, 3):
            with fa.num_threads(threads):
                y, dx = function(gate, value), function.backward(grad, gate, value)
            bare = function.ufunc(gate, value), *function.backward.ufunc(grad, gate, value)
            for got, wanted, other in zip(
                (y, *dx), (function(*plain), *function.backward(grad, *plain)), bare, strict=True
            ):
                assert got.tobytes() == wanted.tobytes()
                assert got.tobytes() == other.tobytes()
                if got.size:
                    strides = [s for s, n in zip(got.strides, got.shape, strict=True) if n > 1]
                    others = [s for s, n in zip(other.strides, got.shape, strict=True) if n > 1]
                    assert strides == others


OUTPUTS = {
    "C": lambda s, t: np.empty(s, t),
    "F": lambda s, t: np.empty(s, t, "F"),
    "columns": lambda s, t: np.empty((*s[:-1], 2 * s[-1]), t)[..., : s[-1]],
    "every second": lambda s, t: np.empty((*s[:-1], 2 * s[-1]), t)[..., ::2],
    "reversed": lambda s, t: np.empty(s, t)[::-1, :, ::-1],
    "transposed": lambda s, t: np.empty(s[::-1], t).T,
    "swapped": lambda s, t: np.empty(s, np.dtype(t).newbyteorder("S")),
    "unaligned": lambda s, t: np.frombuffer(
        bytearray(math.prod(s) * np.dtype(t).itemsize + 1), t, math.prod(s), 1
    ).reshape(s),
}


@every_pair
@pytest.mark.parametrize("layout", OUTPUTS)
def test_outputs_of_any_layout(name, layout, dtype, rng):
    function = getattr(fa, name)
    x = big_enough(rng, dtype)
    gate, value = x[..., :9], x[..., 9:]
    grad = rng.normal(size=gate.shape).astype(dtype)
    out = OUTPUTS[layout](gate.shape, dtype)
    assert function(gate, value, out=out) is out
    assert out.astype(dtype).tobytes() == function(gate, value).tobytes()
    outs = tuple(OUTPUTS[layout](gate.shape, dtype) for _ in range(2))
    got = function.backward(grad, gate, value, out=outs)
    assert all(one is other for one, other in zip(got, outs, strict=True))
    for one, other in zip(got, function.backward(grad, gate, value), strict=True):
        assert one.astype(dtype).tobytes() == other.tobytes()


@every_pair
def test_outputs_that_overlap_the_inputs(name, dtype, rng, low_threshold):
    """As if these had been copied first, shift by shift."""
    function = getattr(fa, name)
    n = 300
    for shift, step in itertools.product(range(-3, 4), (1, 2)):
        memory = rng.normal(size=3 * n + 20).astype(dtype)

        def views(memory, step=step, shift=shift):
            grad, gate, value = (memory[8 + i * n : 8 + (i + 1) * n : step] for i in range(3))
            outs = [memory[8 + shift + i * n : 8 + shift + (i + 1) * n : step] for i in (0, 1)]
            return grad, gate, value, *outs

        copied = [a.copy() for a in views(memory)[:3]]
        wanted = [function(*copied[1:]), *function.backward(*copied)]
        for place in (0, 1):
            own = memory.copy()
            _, gate, value, *outs = views(own)
            same_bits(function(gate, value, out=outs[place]), wanted[0])
        own = memory.copy()
        grad, gate, value, first, second = views(own)
        for got, other in zip(
            function.backward(grad, gate, value, out=(first, second)), wanted[1:], strict=True
        ):
            same_bits(got, other)
        own = memory.copy()
        grad, gate, value, *_ = views(own)
        function.backward(grad, gate, value, out=(value, grad))
        same_bits(value, wanted[1])
        same_bits(grad, wanted[2])


@every_pair
def test_integers_give_float64(name):
    function = getattr(fa, name)
    for kind, other in itertools.product("?bBhHiIlLqQ", "?bBhHiIlLqQefd"):
        a = np.array([-2, 0, 1, 3]).astype(kind)
        b = np.array([1, 2, 0, 4]).astype(other)
        wide = a.astype(np.float64), b.astype(np.float64)
        grad = np.array([1.0, -2.0, 0.5, 3.0])
        for got, wanted in (
            (function(a, b), function(*wide)),
            (function(b, a), function(*wide[::-1])),
            *zip(function.backward(grad, a, b), function.backward(grad, *wide), strict=True),
            *zip(function.backward(grad, b, a), function.backward(grad, *wide[::-1]), strict=True),
        ):
            same_bits(got, wanted)
    assert function(3, 2).dtype == np.float64
    assert function([1, 2], 2).dtype == np.float64
    many = np.arange(100_000) % 11 - 5
    same_bits(function(many, many[::-1]), function(many * 1.0, many[::-1] * 1.0))


@every_pair
def test_mixed_floats_and_scalars(name):
    function = getattr(fa, name)
    x = np.linspace(-2, 2, 5)
    for one, other in itertools.product("efd", repeat=2):
        assert function(x.astype(one), x.astype(other)).dtype == np.result_type(one, other)
    assert function(x.astype("f"), 2.0).dtype == np.float32
    assert function(2, x.astype("e")).dtype == np.float16
    assert type(function(1.5, 2.0)) is np.float64
    assert [type(g) for g in function.backward(1.0, 1.5, 2.0)] == [np.float64] * 2
    same_bits(np.array(function(1.5, -2.0)), function(np.array([1.5]), np.array([-2.0]))[0, ...])
    assert function(np.float32(1.5), np.float32(2)).dtype == np.float32
    assert function(np.array(1.5), np.array([2.0, 3.0])).shape == (2,)


@every_pair
def test_keywords_of_ufuncs(name):
    function = getattr(fa, name)
    gate, value = np.linspace(-2, 2, 6), np.arange(6.0)
    where = gate > 0
    y = function(gate, value, where=where, out=np.full(6, 7.0))
    assert (y == np.where(where, function(gate, value), 7.0)).all()
    outs = function.backward(1.0, gate, value, where=where, out=(np.full(6, 7.0), np.full(6, 8.0)))
    for got, wanted, kept in zip(outs, function.backward(1.0, gate, value), (7, 8), strict=True):
        assert (got == np.where(where, wanted, kept)).all()
    assert function(gate, value, dtype=np.float32).dtype == np.float32
    assert function(gate.reshape(2, 3), value.reshape(2, 3), order="F").flags.f_contiguous
    assert function(gate, value, out=(y,)) is y
    assert function(gate, value, out=None).shape == (6,)
    narrow = np.empty(6, np.float32)
    assert function(gate, value, out=narrow) is narrow
    with pytest.raises(TypeError):
        function(gate, value, out=narrow, casting="safe")
    with pytest.raises(TypeError, match=r"gate, value.*out="):
        function(gate, value, y)
    with pytest.raises(TypeError, match="misses the positional argument 'value'"):
        function(gate)


@every_pair
def test_what_is_refused(name):
    function = getattr(fa, name)
    x = np.ones(4)
    for wrong in (
        x.astype(complex),
        x.astype(np.longdouble),
        x.astype(object),
        np.array(["a"] * 4),
    ):
        out = np.full(4, 5.0)
        for call, member in (
            (lambda wrong=wrong, out=out: function(wrong, x, out=out), name),
            (lambda wrong=wrong, out=out: function(x, wrong, out=out), name),
            (
                lambda wrong=wrong, out=out: function.backward(x, wrong, x, out=(out, out.copy())),
                f"{name}.backward",
            ),
        ):
            with pytest.raises(TypeError, match=f"{member} does not support dtype {wrong.dtype}"):
                call()
        assert (out == 5).all()
    out = np.full(4, 5.0)
    with pytest.raises(ValueError, match="broadcast"):
        function(x, np.ones(3), out=out)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        function(x, x, out=out)
    whole = np.full(4, 5, np.int64)
    with pytest.raises(TypeError):
        function(x, x, out=whole)
    assert (out == 5).all()
    assert (whole == 5).all()


def test_what_the_ufuncs_tell():
    for name in PAIRS:
        function = getattr(fa, name)
        assert (function.nin, function.nout) == (2, 1)
        assert (function.backward.nin, function.backward.nout) == (3, 2)
        assert isinstance(function.ufunc, np.ufunc)
        assert function.__name__ == name
        assert function.backward.__name__ == f"{name}.backward"
        assert function.formula == ROWS[name].formula
        assert function.max_ulp == ROWS[name].max_ulp
        assert str(inspect.signature(function)).startswith("(gate, value, /, *, out=None")
        assert "out=(None, None)" in str(inspect.signature(function.backward))
        assert repr(function) == f"<activation {name!r}>"
        assert pickle.loads(pickle.dumps(function.ufunc)) is function.ufunc


def test_other_libraries_are_asked():
    dask = pytest.importorskip("dask.array")
    gate, value = np.linspace(-2, 2, 12).reshape(3, 4), np.arange(12.0).reshape(3, 4)
    lazy = [dask.from_array(a, chunks=2) for a in (gate, value)]
    for name in PAIRS:
        y = getattr(fa, name)(*lazy)
        assert isinstance(y, dask.Array)
        same_bits(y.compute(), getattr(fa, name)(gate, value))
    same_bits(fa.glu(lazy[0]).compute(), fa.glu(gate))
    masked = np.ma.masked_less(gate, -1)
    for y in (fa.swiglu(masked, value), fa.glu(masked), fa.glu.backward(1.0, masked)):
        assert isinstance(y, np.ma.MaskedArray)
        assert y.mask.any()
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(gate, columns=list("abcd"))
    y = fa.swiglu(frame, frame)
    assert list(y.columns) == list("abcd")
    same_bits(fa.glu(frame), fa.glu(gate))


# ---- glu ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 6), (2, 10), (6, 4, 2)])
def test_b24_the_first_half_is_gated_by_the_second(shape, dtype, rng):
    x = rng.normal(0, 2, shape).astype(dtype)
    for axis in range(-x.ndim, x.ndim):
        a, b = np.split(x, 2, axis)
        y = fa.glu(x, axis)
        same_bits(y, _activation.gates["glu"](b.copy(), a.copy()))
        np.testing.assert_allclose(y, a / (1 + np.exp(-b)), rtol=1e-5)
        grad = rng.normal(size=y.shape).astype(dtype)
        gx = fa.glu.backward(grad, x, axis)
        of_gate, of_value = _activation.gates["glu"].backward(grad, b.copy(), a.copy())
        same_bits(gx, np.concatenate([of_value, of_gate], axis))
    with pytest.raises(ValueError, match=r"length 5 along axis 1; it must be even"):
        fa.glu(np.ones((2, 5)))
    with pytest.raises(ValueError, match=r"glu.backward: x has length 5 along axis 0"):
        fa.glu.backward(np.ones((2, 2)), np.ones((5, 2)), 0)
    a, b = np.split(rng.normal(size=(2, 10)), 2, -1)
    for name in PAIRS:
        packed = np.concatenate([a, b], -1)
        same_bits(getattr(fa, name)(packed[:, :5], packed[:, 5:]), getattr(fa, name)(a, b))


def test_halves_are_not_copied():
    x = np.ones((1000, 2000))
    out, gx = np.empty((1000, 1000)), np.empty_like(x)
    fa.glu(x, out=out)
    for call in (lambda: fa.glu(x, out=out), lambda: fa.glu.backward(1.0, x, out=gx)):
        tracemalloc.start()
        call()
        assert tracemalloc.get_traced_memory()[1] < x.nbytes / 50
        tracemalloc.stop()


def test_glu_takes_what_there_is():
    assert fa.glu(np.ones((3, 0))).shape == (3, 0)
    assert fa.glu([0, 0]).dtype == np.float64
    assert fa.glu.backward(1, [1, 2]).dtype == np.float64
    assert fa.glu.backward(1.0, np.ones(4, np.float32)).dtype == np.float32
    assert fa.glu.backward(np.float64(1), np.ones(4, np.float32)).dtype == np.float64
    bfloat16 = dtype_of("bfloat16")
    assert fa.glu(np.ones(4, bfloat16)).dtype == bfloat16
    assert fa.glu.backward(2.0, np.ones(4, bfloat16)).dtype == bfloat16
    for out in (np.empty(2, np.float32), np.empty(4, np.float64)[::2]):
        assert fa.glu(np.ones(4, np.float32), out=out) is out
    x = np.linspace(-2, 2, 8)
    grad = np.linspace(1, 2, 4)
    wanted = fa.glu.backward(grad, x)
    same_bits(fa.glu.backward(grad, x.copy(), out=x), wanted)
    y = fa.glu(x, dtype=np.float32, where=np.array([True, False, True, True]), out=np.ones(4, "f"))
    assert y.dtype == np.float32
    assert y[1] == 1


def test_glu_in_place_and_overlapping(dtype, rng):
    grad = rng.normal(size=(3, 16)).astype(dtype)
    for shift in range(-4, 5):
        for call in (fa.glu, lambda x, **k: fa.glu.backward(grad, x, **k)):
            memory = rng.normal(size=(3, 40)).astype(dtype)
            x = memory[:, 4:36]
            wanted = call(x.copy())
            out = memory[:, 4 + shift : 4 + shift + wanted.shape[1]]
            same_bits(call(x, out=out).copy(), wanted)


def test_what_glu_refuses():
    x = np.ones((2, 4))
    for axis in (2, -3):
        with pytest.raises(np.exceptions.AxisError):
            fa.glu(x, axis)
        with pytest.raises(np.exceptions.AxisError):
            fa.glu.backward(1.0, x, axis)
    with pytest.raises(np.exceptions.AxisError):
        fa.glu(1.0)
    for axis in (1.0, None, (1,)):
        with pytest.raises(TypeError, match="glu: axis must be an integer"):
            fa.glu(x, axis)
    for wrong in (x.astype(complex), x.astype(object), x.astype(np.longdouble)):
        with pytest.raises(TypeError, match="glu does not support dtype"):
            fa.glu(wrong)
        with pytest.raises(TypeError, match=r"glu.backward does not support dtype"):
            fa.glu.backward(np.ones((2, 2)), wrong)
    out = np.full((3, 2), 5.0)
    with pytest.raises(ValueError, match="out has shape"):
        fa.glu(x, out=out)
    with pytest.raises(ValueError, match="out has shape"):
        fa.glu.backward(1.0, x, out=out)
    with pytest.raises(ValueError, match="grad has shape"):
        fa.glu.backward(np.ones((3, 2)), x)
    with pytest.raises(ValueError, match="grad has shape"):
        fa.glu.backward(np.ones((3, 2, 2)), x)
    with pytest.raises(TypeError, match="must be an ndarray"):
        fa.glu.backward(1.0, x, out=[1.0])
    whole = np.full((2, 4), 5)
    with pytest.raises(TypeError):
        fa.glu.backward(1.0, x, out=whole)
    assert (out == 5).all()
    assert (whole == 5).all()


# ---- prelu --------------------------------------------------------------------------------------


def sums_below_0(grad, x, axis):
    """The gradient of the weights, exactly rounded sums of exact products."""
    moved = np.moveaxis(np.asarray(x, np.float64), axis, 0)
    grads = np.moveaxis(np.asarray(grad, np.float64), axis, 0)
    with oracle.PRECISION:
        return [
            mp.fsum(mp.mpf(g) * mp.mpf(a) for g, a in zip(gs.flat, xs.flat, strict=True) if a < 0)
            for gs, xs in zip(grads, moved, strict=True)
        ]


def test_a49_the_slope_varies_along_axis_1(dtype, rng):
    x = rng.normal(size=(2, 3, 4, 3)).astype(dtype)
    grad = rng.normal(size=x.shape).astype(dtype)
    weight = np.array([0.25, -0.5, 2.0], dtype)
    for axis, along in ((1, (1, 3, 1, 1)), (-3, (1, 3, 1, 1)), (3, (1, 1, 1, 3))):
        slopes = weight.reshape(along)
        same_bits(fa.prelu(x, weight, axis), np.where(x < 0, slopes * x, x))
        gx, gw = fa.prelu.backward(grad, x, weight, axis)
        same_bits(gx, np.where(x <= 0, slopes * grad, grad))
        wanted = sums_below_0(grad, x, axis)
        assert gw.shape == weight.shape
        assert gw.dtype == dtype
        for got, exact in zip(gw, wanted, strict=True):
            assert oracle.ulps(got, exact, dtype) <= 2
    same_bits(fa.prelu(x, weight), fa.prelu(x, weight, 1))


@every_dtype
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((7, 3), 1),
        ((7, 3), 0),
        ((2, 5, 40), 1),
        ((4, 6, 3, 9), 1),
        ((3, 5, 1, 1), 1),
        ((900,), 0),
        ((5000, 2), 1),
        ((3, 9000), 0),
        ((2, 3, 5), -1),
    ],
)
def test_gradients_of_prelu(kind, shape, axis, rng):
    dtype = dtype_of(kind)
    x, grad = rng.normal(size=shape).astype(dtype), rng.normal(size=shape).astype(dtype)
    weight = rng.normal(size=shape[axis]).astype(dtype)
    gx, gw = fa.prelu.backward(grad, x, weight, axis)
    along = [-1 if i == axis % len(shape) else 1 for i in range(len(shape))]
    same_bits(gx, fa.leaky_relu.backward(grad, x, weight.reshape(along)))
    same_bits(fa.prelu(x, weight, axis), fa.leaky_relu(x, weight.reshape(along)))
    for got, exact, column in zip(gw, sums_below_0(grad, x, axis), range(shape[axis]), strict=True):
        # What double loses, beside what rounding to the dtype does.
        products = np.take(x.astype(float) * grad.astype(float), column, axis)
        slack = abs(products).sum() * 2.0**-50
        unit = oracle.ulp_of(exact, dtype.type) if kind != "bfloat16" else abs(exact) * 2**-7
        assert abs(mp.mpf(float(got)) - exact) <= 0.51 * unit + slack
    # One weight for all.
    for one in (weight[0], weight[:1], float(weight[0])):
        gx, gw = fa.prelu.backward(grad, x, one)
        assert gw.shape == np.shape(one)
        assert gx.dtype == gw.dtype == dtype
        same_bits(gx, fa.leaky_relu.backward(grad, x, dtype.type(weight[0])))
        total = mp.fsum(sums_below_0(grad, x, 0))
        slack = abs(x.astype(float) * grad.astype(float)).sum() * 2.0**-50
        unit = oracle.ulp_of(total, dtype.type) if kind != "bfloat16" else abs(total) * 2**-7
        assert abs(mp.mpf(float(gw.reshape(())[()])) - total) <= 0.51 * unit + slack


def test_the_gradient_of_weights_selects():
    """Nothing of where the slope is 1: an infinite or NaN grad does not come through."""
    x = np.array([[-2.0, 0.0, 3.0], [-1.0, -0.0, math.inf]])
    grad = np.array([[0.5, math.nan, math.inf], [2.0, math.inf, math.nan]])
    with np.errstate(all="raise"):
        gw = fa.prelu.backward(grad, x, [0.1, 0.2, 0.3])[1]
        assert gw.tolist() == [-3.0, 0.0, 0.0]
        for bad_x, bad_grad in ((math.nan, 1.0), (-1.0, math.nan), (-math.inf, 0.0)):
            assert np.isnan(fa.prelu.backward([[bad_grad]], [[bad_x]], [0.1])[1]).all()
        assert fa.prelu.backward([[1.0]], [[-math.inf]], [0.1])[1] == -math.inf
        half = fa.prelu.backward(*np.full((2, 9000, 1), -60000, np.float16), np.float16([0.5]))
        assert half[1] == math.inf


@pytest.mark.parametrize("shape", [(64, 33, 5, 7), (70_001, 3), (2, 3, 300_000), (600_000,)])
def test_c8_the_same_bits_for_any_threads_and_layout(shape, rng, low_threshold):
    axis = min(1, len(shape) - 1)
    for kind in DTYPES:
        dtype = dtype_of(kind)
        x, grad = rng.normal(size=shape).astype(dtype), rng.normal(size=shape).astype(dtype)
        weight = rng.normal(size=shape[axis]).astype(dtype)
        shared = dtype.type(0.25)
        with fa.num_threads(1):
            wanted = fa.prelu.backward(grad, x, weight, axis)[1]
            of_all = fa.prelu.backward(grad, x, shared)[1]
        layouts = {
            "C": lambda a: a,
            "F": np.asfortranarray,
            "columns": lambda a: np.repeat(a, 2, -1)[..., ::2],
            "reversed": lambda a: a[..., ::-1].copy()[..., ::-1],
            "channels last": lambda a: np.moveaxis(np.moveaxis(a, axis, -1).copy(), -1, axis),
        }
        for layout in layouts.values():
            views = layout(grad), layout(x)
            for threads in (1, 2, 3, 8) if layout is layouts["C"] else (2,):
                with fa.num_threads(threads):
                    same_bits(fa.prelu.backward(*views, weight, axis)[1], wanted)
                    assert fa.prelu.backward(*views, shared)[1] == of_all


def test_prelu_takes_what_there_is():
    assert fa.prelu(-4, 0.25) == -1
    assert fa.prelu(np.float32(-4), 0.25).dtype == np.float32
    assert fa.prelu(np.array(-4.0), [0.25]).shape == ()
    assert fa.prelu([-1, 2], 0.5).tolist() == [-0.5, 2.0]  # of one dimension, shared
    assert fa.prelu(np.ones((0, 3)), [1, 2, 3]).shape == (0, 3)
    assert (
        fa.prelu(np.array([[-2, 3]], np.int8), np.array([0.5, 1], np.float16)).dtype == np.float64
    )
    gx, gw = fa.prelu.backward(np.ones((0, 3)), np.ones((0, 3)), np.ones(3, np.float32))
    assert gx.shape == (0, 3)
    assert gw.tolist() == [0, 0, 0]
    gx, gw = fa.prelu.backward(np.ones((2, 0, 3)), np.ones((2, 0, 3)), np.ones(0))
    assert gw.shape == (0,)
    gx, gw = fa.prelu.backward(2, [[-1, 2], [-3, 4]], [1, 2])
    assert (gx.dtype, gw.dtype) == (np.float64, np.float64)
    assert gw.tolist() == [-8.0, 0.0]
    x = np.linspace(-2, 2, 12).reshape(3, 4)
    grad, weight = np.cos(x), np.linspace(-1, 1, 4)
    wanted = fa.prelu.backward(grad, x, weight)
    own, into = x.copy(), np.empty(8)[::2]
    got = fa.prelu.backward(grad, own, weight, out=(own, into))
    assert got[0] is own
    assert got[1] is into
    same_bits(own, wanted[0])
    same_bits(into.copy(), wanted[1])
    out = np.empty((4, 3)).T
    assert fa.prelu(x, weight, out=out) is out
    same_bits(out.copy(order="C"), fa.prelu(x, weight))


def test_what_prelu_refuses():
    x = np.ones((2, 3, 4))
    out = np.full(x.shape, 5.0)
    for call in (
        lambda w, **k: fa.prelu(x, w, out=out, **k),
        lambda w, **k: fa.prelu.backward(x, x, w, out=(out, None), **k),
    ):
        with pytest.raises(ValueError, match=r"weight has 4 elements, x has 3 along axis 1.*axis="):
            call(np.ones(4))
        with pytest.raises(ValueError, match="weight has shape"):
            call(np.ones((3, 1, 1)))
        with pytest.raises(ValueError, match="weight = nan"):
            call(math.nan)
        with pytest.raises(np.exceptions.AxisError):
            call(np.ones(3), axis=3)
        with pytest.raises(TypeError, match="axis must be an integer"):
            call(np.ones(3), axis=1.0)
        with pytest.raises(TypeError, match=r"prelu(.backward)? does not support dtype complex128"):
            call(np.ones(3, complex))
    with pytest.raises(ValueError, match=r"prelu\(\) got weight = nan"):
        fa.prelu(0.5, [math.nan])
    with pytest.raises(np.exceptions.AxisError):
        fa.prelu(np.ones(3), np.ones(3))
    with pytest.raises(TypeError, match="prelu does not support dtype object"):
        fa.prelu(x.astype(object), 0.5, out=out)
    with pytest.raises(ValueError, match="grad has shape"):
        fa.prelu.backward(np.ones((5, 1, 1)), x, 0.5)
    with pytest.raises(ValueError, match="out has shape"):
        fa.prelu(x, 0.5, out=np.empty((5, 2, 3, 4)))
    with pytest.raises(ValueError, match="out has shape"):
        fa.prelu.backward(x, x, np.ones(3), out=(out, np.ones(4)))
    with pytest.raises(TypeError, match="cannot be cast"):
        fa.prelu.backward(x, x, np.ones(3), out=(out, np.ones(3, int)))
    frozen = np.ones(3)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        fa.prelu.backward(x, x, np.ones(3), out=(out, frozen))
    assert (out == 5).all()


# ---- threads, flags, names ----------------------------------------------------------------------


@every_gate
def test_the_same_bits_for_any_threads(name, rng, low_threshold):
    for kind in DTYPES:
        x = rng.normal(0, 4, (3, 40_000)).astype(dtype_of(kind))
        grad, gate, value = x
        with fa.num_threads(1):
            wanted = value_of(name, gate, value), *gradients_of(name, grad, gate, value)
        for threads in range(2, 9):
            with fa.num_threads(threads):
                got = value_of(name, gate, value), *gradients_of(name, grad, gate, value)
            for one, other in zip(got, wanted, strict=True):
                same_bits(one, other)
        # Wherever an element stands.
        for i in (0, 1, 17, 4095, 39_999):
            at = slice(i, i + 1)
            same_bits(value_of(name, gate[at], value[at]), wanted[0][at])


@pytest.mark.skipif(
    not (sys.platform == "linux" and platform.machine() == "x86_64"),
    reason="reads the control register through glibc on x86-64",
)
@pytest.mark.parametrize("setting", [0, 0x4000, 0x8040], ids=["default", "upward", "flush-to-zero"])
def test_environment_neither_matters_nor_changes(setting, dtype, rng):
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    state = ctypes.create_string_buffer(64)

    def mxcsr():
        libm.fegetenv(state)
        return int.from_bytes(state.raw[28:32], "little")

    def set_mxcsr(bits):
        libm.fegetenv(state)
        state[28:32] = bits.to_bytes(4, "little")
        libm.fesetenv(state)

    before = mxcsr()
    x = np.concatenate([rng.normal(0, 300, 994), [np.inf, -np.inf, np.nan, 5e-324, 0.0, 1e300]])
    with np.errstate(all="ignore"):
        x = x.astype(dtype).reshape(10, 100)
    weight = rng.normal(size=100).astype(dtype)
    calls = [lambda: (fa.glu(x),), lambda: (fa.glu.backward(x[:, 50:], x),)]
    calls += [lambda: (fa.prelu(x, weight),), lambda: fa.prelu.backward(x, x, weight)]
    for name in PAIRS:
        function = getattr(fa, name)
        calls += [
            lambda function=function: (function(x, x[::-1]),),
            lambda function=function: function.backward(x, x[::-1], x),
            lambda function=function: (function(x[:, :50], x[:, 50:]),),
        ]
    gc.disable()
    try:
        for number, call in enumerate(calls):
            wanted = call()
            clean = before & ~0x3F | setting
            set_mxcsr(clean)
            got = call()
            after = mxcsr()
            set_mxcsr(before)
            assert after == clean, number
            for one, other in zip(got, wanted, strict=True):
                same_bits(one, other)
    finally:
        set_mxcsr(before)
        gc.enable()


def test_names_and_pickles():
    assert fa.get("GLU") is fa.glu
    assert fa.get("PReLU") is fa.prelu
    assert fa.get("onnx:SwiGLU") is fa.swiglu
    assert fa.get("keras:glu") is fa.get("jax:glu") is fa.glu
    for row in GATE_CATALOGUE:
        function = getattr(fa, row.name)
        assert fa.get(row.name) is function
        assert row.name in fa.__all__
        assert repr(function) == f"<activation {row.name!r}>"
        for same in (
            pickle.loads(pickle.dumps(function)),
            copy.copy(function),
            copy.deepcopy(function),
        ):
            assert same is function
        assert function.formula == row.formula
        assert function.max_ulp == row.max_ulp
        if row.name in PAIRS:
            assert pickle.loads(pickle.dumps(function.backward)) is function.backward


def test_catalogue_and_c_agree():
    header = Path(__file__).parent.parent / "src_c" / "activations.h"
    if not header.exists():
        pytest.skip("needs the source tree: src_c/")
    listed = re.findall(
        r"^ +GATE\((\w+), (\w+)\)", header.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert listed == [(row.name, row.activation) for row in GATES.values()]


# ---- beside others ------------------------------------------------------------------------------


def test_torch_agrees(rng):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    f = {"swiglu": functional.silu, "geglu": functional.gelu, "reglu": functional.relu}
    gate, value, grad = (torch.tensor(a, requires_grad=True) for a in rng.normal(size=(3, 4, 50)))
    for name, activation in f.items():
        y = activation(gate) * value
        wanted = torch.autograd.grad(y, (gate, value), grad)
        np.testing.assert_allclose(
            getattr(fa, name)(gate.detach().numpy(), value.detach().numpy()),
            y.detach().numpy(),
            rtol=1e-12,
        )
        arrays = [t.detach().numpy() for t in (grad, gate, value)]
        for got, other in zip(getattr(fa, name).backward(*arrays), wanted, strict=True):
            np.testing.assert_allclose(got, other.numpy(), rtol=1e-10, atol=1e-15)
    x = torch.tensor(rng.normal(size=(2, 6, 4, 8)), requires_grad=True)
    numbers = x.detach().numpy()
    for axis in (0, 1, -1):
        y = functional.glu(x, axis)
        half = torch.tensor(rng.normal(size=y.shape))
        (wanted,) = torch.autograd.grad(y, x, half)
        np.testing.assert_allclose(fa.glu(numbers, axis), y.detach().numpy(), rtol=1e-12)
        got = fa.glu.backward(half.numpy(), numbers, axis)
        np.testing.assert_allclose(got, wanted.numpy(), rtol=1e-10, atol=1e-15)
    for size in (1, 6):
        weight = torch.tensor(rng.normal(size=size), requires_grad=True)
        y = functional.prelu(x, weight)
        full = torch.tensor(rng.normal(size=y.shape))
        wanted = torch.autograd.grad(y, (x, weight), full)
        np.testing.assert_array_equal(fa.prelu(numbers, weight.detach().numpy()), y.detach())
        got = fa.prelu.backward(full.numpy(), numbers, weight.detach().numpy())
        for one, other in zip(got, wanted, strict=True):
            np.testing.assert_allclose(one, other.numpy(), rtol=1e-12, atol=1e-12)
