"""The softmax family beyond softmax: log_softmax, softmin, logsumexp, sparsemax, cross_entropy,
their gradients, masks, temperatures, ways through the data, and who else is asked."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import oracle
import pytest
from oracle import mp

import fastact as fa
from fastact import _runtime
from fastact.catalogue import ROW_CATALOGUE

FAMILY = [row.name for row in ROW_CATALOGUE]
every_function = pytest.mark.parametrize("name", FAMILY)
SPREADS = [1, 10, 100, 1000, 10000]
FLOATS = [np.float16, np.float32, np.float64]
# In ULP. In float64 what goes into the logarithm is rounded before.
BOUND = {np.float16: 0.51, np.float32: 0.51, np.float64: 4.0}


def logits(shape, spread, dtype, seed=0):
    rng = np.random.default_rng([seed, int(spread)])
    return rng.uniform(-spread / 2, spread / 2, shape).astype(dtype)


def numbers(x):
    return [mp.mpf(float(value)) for value in np.asarray(x).ravel()]


def exact_log_sum(x, temperature=1):
    """The maximum and the logarithm of the sum beside it, of a row."""
    scaled = [value / mp.mpf(temperature) for value in numbers(x)]
    top = max(scaled)
    first = scaled.index(top)
    rest = mp.fsum(mp.exp(value - top) for i, value in enumerate(scaled) if i != first)
    return top, mp.log1p(rest), scaled


def exact(name, x, temperature=1):
    if name == "softmin":
        return exact("softmax", x, -temperature)
    if name == "sparsemax":
        return oracle.sparsemax([value / mp.mpf(temperature) for value in numbers(x)])
    top, log, scaled = exact_log_sum(x, temperature)
    if name == "logsumexp":
        return [top + log]
    if name == "log_softmax":
        return [(value - top) - log for value in scaled]
    return [mp.exp((value - top) - log) for value in scaled]


def check(got, wanted, bound, what=""):
    got = np.atleast_1d(got).ravel()
    for i, (y, value) in enumerate(zip(got, wanted, strict=True)):
        if abs(value) < mp.mpf(2) ** -1076:  # the sign of what vanishes does not matter
            value = mp.mpf(0)
        error = oracle.ulps(y, value, got.dtype.type)
        assert error <= bound, f"{what}[{i}]: {y!r} instead of {mp.nstr(value, 20)}, {error} ULP"


# ---- values -------------------------------------------------------------------------------------


@every_function
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("spread", SPREADS)
def test_values(name, dtype, spread):
    for n in (1, 2, 3, 7, 8, 9, 31, 33, 64, 70, 257, 513):
        x = logits(n, min(spread, 6e4), dtype, n)
        wanted, bound = exact(name, x), BOUND[dtype]
        if name == "logsumexp" and dtype is np.float64:
            # Relative to what is added: the two may cancel.
            top, log, _ = exact_log_sum(x)
            slack = max(abs(top), log) * mp.mpf(2) ** -52
            assert abs(mp.mpf(float(fa.logsumexp(x))) - wanted[0]) <= slack
            continue
        check(getattr(fa, name)(x), wanted, bound, f"{name} of {n}")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_rows(dtype):
    for n in (4096, 4097, 70001):
        x = logits(n, 20, dtype)
        top, log, _ = exact_log_sum(x)
        check(fa.logsumexp(x), [top + log], BOUND[dtype])
        places = np.array([0, 4095, n - 1, int(x.argmax())])
        wanted = [(mp.mpf(float(x[i])) - top) - log for i in places]
        check(fa.log_softmax(x)[places], wanted, BOUND[dtype])


def test_logsumexp_near_zero_in_float32():
    # Where the maximum and the logarithm cancel, all that the logarithm lacks shows.
    for n in (2, 3, 10, 1000):
        for step in range(40):
            x = (logits(n, 1, np.float32, step) - np.log(n)).astype(np.float32)
            top, log, _ = exact_log_sum(x)
            x += np.float32(-(top + log))
            top, log, _ = exact_log_sum(x)
            error = abs(mp.mpf(float(fa.logsumexp(x))) - (top + log))
            allowed = oracle.ulp_of(top + log, np.float32) / 2 + abs(top) * mp.mpf(2) ** -50
            assert error <= allowed


@pytest.mark.parametrize(
    ("row", "dtype", "wanted"),
    [
        ([20, 0], np.float32, -2.0611537e-09),
        ([40, 0], np.float64, -4.248354255291589e-18),
        ([100, 0], np.float32, -3.8e-44),
    ],
)
def test_a11_the_winner_of_a_wide_gap(row, dtype, wanted):
    got = fa.log_softmax(np.array(row, dtype))[0]
    assert got == dtype(wanted)


@pytest.mark.parametrize("v", [1, 1e4, 1e8, 1e20, 1e36, -1e8])
def test_a12_equal_logits(v):
    np.testing.assert_array_equal(
        fa.log_softmax(np.full(2, v, np.float32)), np.full(2, -np.log(2), np.float32)
    )


@pytest.mark.parametrize("n", [8, 16, 17, 33, 4096])
def test_a53_a57_sums_of_halves_do_not_stall(n):
    got = fa.softmax(np.full(n, 100, np.float16))
    np.testing.assert_array_equal(got, np.full(n, 1 / n).astype(np.float16))
    assert fa.logsumexp(np.zeros(n, np.float16)) == np.float16(np.log(n))


def test_a52_gradient_of_a_long_row_of_halves():
    n = 2**17
    x = logits(n, 4, np.float16)
    got = fa.log_softmax.backward(np.ones(n, np.float16), x).astype(np.float64)
    wanted = 1 - n * fa.softmax(x.astype(np.float64))
    assert np.isfinite(got).all()
    assert np.abs(got - wanted).max() <= 2**-10 * np.abs(wanted).max()


def test_logsumexp_at_the_edges():
    inf, nan = np.inf, np.nan
    for dtype in FLOATS:
        rows = np.array(
            [[-inf, -inf, -inf], [0, inf, -inf], [inf, inf, 1], [nan, inf, 0], [0, nan, -inf]],
            dtype,
        )
        wanted = [-inf, inf, inf, nan, nan]
        np.testing.assert_array_equal(fa.logsumexp(rows), np.array(wanted, dtype))
        np.testing.assert_array_equal(fa.logsumexp(rows.T, axis=0), np.array(wanted, dtype))
        for k, value in enumerate(wanted):
            np.testing.assert_array_equal(fa.logsumexp(rows[k]), dtype(value))
        for shape, axis, left in (((0,), 0, ()), ((3, 0), 1, (3,)), ((0, 3), 1, (0,))):
            got = fa.logsumexp(np.empty(shape, dtype), axis)
            assert np.shape(got) == left
            assert np.isneginf(got).all()


def test_logsumexp_keepdims():
    x = logits((2, 3, 4), 10, np.float32)
    for axis in (0, 1, 2, (0, 2), (1, 2), None):
        kept = fa.logsumexp(x, axis, keepdims=True)
        assert kept.shape == np.sum(x, axis=axis, keepdims=True).shape
        np.testing.assert_array_equal(kept.squeeze(), fa.logsumexp(x, axis))
        out = np.empty(kept.shape, np.float32)
        assert fa.logsumexp(x, axis, keepdims=True, out=out) is out
        np.testing.assert_array_equal(out, kept)


def test_rows_without_a_log_softmax():
    inf, nan = np.inf, np.nan
    for row in ([nan, inf, -inf], [0, nan, 1], [-inf] * 3, [0, inf, 1]):
        assert np.isnan(fa.log_softmax(np.array(row, np.float32))).all()
    np.testing.assert_array_equal(fa.log_softmax([-inf, 0]), [-inf, 0])
    assert np.isnan(fa.softmin([0, -inf])).all()
    np.testing.assert_array_equal(fa.softmin([0, inf]), [1, 0])


# ---- gradients ----------------------------------------------------------------------------------


def exact_backward(name, grad, x):
    p = exact(name if name in ("softmin", "sparsemax") else "softmax", x)
    g = numbers(grad)
    if name == "sparsemax":
        return oracle.sparsemax_backward(g, p)
    if name == "logsumexp":
        return [g[0] * q for q in p], [mp.mpf(0)] * len(p)
    if name == "log_softmax":
        total = mp.fsum(g)
        size = [abs(a) + q * mp.fsum(g, absolute=True) for a, q in zip(g, p, strict=True)]
        return [a - q * total for a, q in zip(g, p, strict=True)], size
    sign = -1 if name == "softmin" else 1
    dot = mp.fsum(a * q for a, q in zip(g, p, strict=True))
    size = [q * mp.fsum((a * r for a, r in zip(g, p, strict=True)), absolute=True) for q in p]
    return [sign * q * (a - dot) for a, q in zip(g, p, strict=True)], size


@every_function
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("spread", SPREADS)
def test_backward(name, dtype, spread):
    # The difference may cancel: beyond the last rounding there is that of its parts.
    unit = mp.mpf(2) ** -49
    for n in (1, 2, 3, 10, 33, 300):
        x = logits(n, spread, dtype, n)
        grad = np.random.default_rng(n).normal(size=() if name == "logsumexp" else n).astype(dtype)
        got = np.atleast_1d(getattr(fa, name).backward(grad, x))
        wanted, size = exact_backward(name, grad, x)
        for y, value, terms in zip(got, wanted, size, strict=True):
            error = max(0, abs(mp.mpf(float(y)) - value) - terms * unit)
            assert error <= 3 * oracle.ulp_of(value, dtype), (name, n, y, value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backward_from_output_of_log_softmax(dtype):
    for n in (1, 2, 10, 33, 300):
        x, grad = logits(n, 30, dtype, n), logits(n, 2, dtype, n + 1)
        y = fa.log_softmax(x)
        total = mp.fsum(numbers(grad))
        size = mp.fsum(numbers(grad), absolute=True)
        for got, g, value in zip(
            fa.log_softmax.backward_from_output(grad, y), numbers(grad), numbers(y), strict=True
        ):
            exact = g - mp.exp(value) * total
            slack = (abs(g) + size) * mp.mpf(2) ** (-31 if dtype is np.float32 else -50)
            assert abs(mp.mpf(float(got)) - exact) <= slack + oracle.ulp_of(exact, dtype)


def test_backward_of_a_sure_winner():
    # 1 - p is the rest, not what a subtraction leaves of it.
    x = np.array([40.0, 0.0], np.float32)
    got = fa.log_softmax.backward(np.array([1, 0], np.float32), x)
    np.testing.assert_array_equal(got, np.float32([4.248354e-18, -4.248354e-18]))
    got = fa.cross_entropy.backward(1.0, x[None], [0])
    np.testing.assert_array_equal(got, np.float32([[-4.248354e-18, 4.248354e-18]]))


def test_gradients_of_logsumexp():
    x, grad = logits((4, 5, 6), 6, np.float64), logits((4, 6), 2, np.float64)
    got = fa.logsumexp.backward(grad, x, 1)
    for i, k in np.ndindex(4, 6):
        wanted = [mp.mpf(grad[i, k]) * p for p in exact("softmax", x[i, :, k])]
        check(got[i, :, k], wanted, 3)
    kept = fa.logsumexp.backward(grad[:, None], x, 1, keepdims=True)
    np.testing.assert_array_equal(kept, got)
    for wrong in (grad[:, None], grad[0], x):
        with pytest.raises(ValueError, match="grad has shape"):
            fa.logsumexp.backward(wrong, x, 1)


@every_function
def test_a51_gradients_of_another_shape(name):
    x = np.ones((1, 16), np.float32)
    with pytest.raises(ValueError, match="shape"):
        getattr(fa, name).backward(np.ones((1, 1, 1), np.float32), x)


# ---- temperature and masks ----------------------------------------------------------------------


@every_function
@pytest.mark.parametrize("dtype", FLOATS)
def test_temperature(name, dtype):
    for temperature in (0.1, 0.7, 3.0, 1000.0):
        x = logits(50, 40, dtype)
        got = getattr(fa, name)(x, temperature=temperature)
        check(got, exact(name, x, temperature), BOUND[dtype] + (dtype is np.float64))


@every_function
def test_temperatures_that_there_are_not(name):
    out = np.full(3, 7.0)
    for wrong in (0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="temperature"):
            getattr(fa, name)(out, temperature=wrong)
    for wrong in ("1", None, [1.0]):
        with pytest.raises(TypeError, match="temperature"):
            getattr(fa, name)(out, temperature=wrong)
    assert (out == 7).all()


@every_function
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(5, 9), (3, 4, 40), (2, 700), (2, 5000), (6, 1)])
def test_masks(name, dtype, shape):
    function = getattr(fa, name)
    x, grad = logits(shape, 20, dtype), logits(shape, 2, dtype, 1)
    mask = np.random.default_rng(0).random(shape) < 0.6
    mask[..., 0, :] = False  # nothing left
    mask[..., -1, 0] = True
    lowest = np.inf if name == "softmin" else -np.inf
    filled = np.where(mask, x, lowest).astype(dtype)
    poisoned = np.where(mask, x, np.nan).astype(dtype)
    some = mask.any(-1, keepdims=True)
    nothing = -np.inf if name in ("log_softmax", "logsumexp") else 0
    got = function(poisoned, where=mask)
    if name == "logsumexp":
        np.testing.assert_array_equal(got, function(filled))
        return
    wanted = np.where(some, function(filled), nothing)
    np.testing.assert_array_equal(got, np.where(mask, wanted, nothing))
    in_place = poisoned.copy()
    for given, out in ((poisoned, np.empty_like(x)), (in_place, in_place)):
        assert function(given, where=mask, out=out) is out
        np.testing.assert_array_equal(out, got)
    back = function.backward(np.where(mask, grad, np.nan).astype(dtype), poisoned, where=mask)
    plain = function.backward(np.where(mask, grad, 0).astype(dtype), filled)
    np.testing.assert_array_equal(back, np.where(mask & some, plain, 0))


@pytest.fixture
def share_rows_from():
    """Set from which length on threads share a row; afterwards it is as it was."""
    before = _runtime._row_limits()["shared_row"]
    yield lambda n: _runtime._set_row_limit("shared_row", n)
    _runtime._set_row_limit("shared_row", before)


@every_function
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(20, 4097), (2, 70001)])
@pytest.mark.parametrize("threads", [1, 2])
def test_long_rows_go_by_chunks(name, dtype, shape, threads, share_rows_from, low_threshold):
    function = getattr(fa, name)
    x, mask = logits(shape, 20, dtype), np.random.default_rng(1).random(shape) < 0.6
    lowest = np.inf if name == "softmin" else -np.inf
    x[0, :4096], mask[0, 4096] = lowest, True  # nothing in the first chunk
    filled = np.where(mask, x, lowest).astype(dtype)
    share_rows_from(2**62)
    with fa.num_threads(1):
        plain = function(x)
    share_rows_from(4097)
    with fa.num_threads(threads):
        strided = function(np.repeat(x, 3, -1)[:, ::3])
        np.testing.assert_array_equal(function(x), plain)
        np.testing.assert_array_equal(strided, plain)
        masked = function(np.where(mask, x, np.nan).astype(dtype), where=mask)
        np.testing.assert_array_equal(masked, function(filled))
        np.testing.assert_array_equal(function(x.T.copy(), 0), plain.T)
        backward = function.backward(plain, np.repeat(x, 3, -1)[:, ::3])
        np.testing.assert_array_equal(backward, function.backward(plain, x))


@pytest.mark.parametrize("infinite", [0, 4500, 9999])
@pytest.mark.parametrize("nan", [None, 1, 4501, 9998])
def test_a_nan_beside_an_infinite_logit(infinite, nan, share_rows_from):
    share_rows_from(5000)
    x = np.zeros(10000, np.float32)
    x[infinite] = np.inf
    if nan is not None:
        x[nan] = np.nan
    wanted = np.inf if nan is None else np.nan
    mask = np.ones(x.shape, bool)
    for got in (fa.logsumexp(x), fa.logsumexp(x, where=mask), fa.logsumexp(x[::-1])):
        np.testing.assert_array_equal(got, wanted)


def test_a_causal_mask_is_a_view():
    x = logits((2, 3, 8, 8), 6, np.float32)
    view = np.broadcast_to(np.tri(8, dtype=bool), x.shape)
    assert view.strides[:2] == (0, 0)
    got = fa.softmax(x, where=np.tri(8, dtype=bool))
    for i in range(8):
        np.testing.assert_array_equal(got[..., i, : i + 1], fa.softmax(x[..., i, : i + 1].copy()))
        assert (got[..., i, i + 1 :] == 0).all()
    np.testing.assert_array_equal(fa.softmax(x, where=view), got)
    column = fa.softmax(x, 2, where=np.tri(8, dtype=bool).T)
    np.testing.assert_array_equal(
        column, fa.softmax(x.swapaxes(2, 3), where=np.tri(8, dtype=bool)).swapaxes(2, 3)
    )


@every_function
def test_wrong_masks(name):
    out = np.full((2, 3), 7.0)
    for wrong in (np.ones((2, 3)), 1, np.ones((2, 3), np.int8)):
        with pytest.raises(TypeError, match="boolean"):
            getattr(fa, name)(out, where=wrong)
    for wrong in (np.ones(2, bool), np.ones((3, 2), bool), np.ones((1, 2, 3), bool)):
        with pytest.raises(ValueError, match="where has shape"):
            getattr(fa, name)(out, where=wrong)
    assert (out == 7).all()


# ---- ways through the data ----------------------------------------------------------------------


def ways(x):
    """The same array, laid out so that every way through it is gone."""
    yield x
    yield np.asfortranarray(x)
    yield np.repeat(x, 2, axis=-1)[..., ::2]
    yield x[..., ::-1].copy()[..., ::-1]
    yield np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0)


@every_function
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "shape", [(3, 5), (40, 4), (9, 33), (70, 10, 3), (2, 300, 9), (2, 3000, 4), (70, 70)]
)
def test_a_row_has_the_same_bits_any_way(name, dtype, shape):
    function = getattr(fa, name)
    x, grad = logits(shape, 9, dtype), logits(shape, 2, dtype, 1)
    for axis in range(x.ndim):
        moved = np.ascontiguousarray(np.moveaxis(x, axis, -1)).reshape(-1, shape[axis])
        rows = np.array([function(row.copy()) for row in moved])
        if name == "logsumexp":
            wanted = rows.reshape(np.moveaxis(x, axis, -1).shape[:-1])
        else:
            wanted = np.moveaxis(rows.reshape(np.moveaxis(x, axis, -1).shape), -1, axis)
        for y in ways(x):
            np.testing.assert_array_equal(function(y, axis), wanted)
        if name == "logsumexp":
            continue
        wanted = function.backward(grad, x, axis)
        for y, g in zip(ways(x), reversed(list(ways(grad))), strict=True):
            np.testing.assert_array_equal(function.backward(g, y, axis), wanted)
            out = np.empty_like(y)
            function.backward(g, y, axis, out=out)
            np.testing.assert_array_equal(out, wanted)


@every_function
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((1, 300_000), 1), ((3, 100_001), 1), ((5000, 70), 0), ((100_000, 9), 0), ((4000, 17), 1)],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_bits_for_any_number_of_threads(name, dtype, shape, axis):
    function = getattr(fa, name)
    x, grad = logits(shape, 30, dtype), logits(shape, 2, dtype, 1)
    results = []
    for threads in (1, 2, 7):
        with fa.num_threads(threads):
            result = [function(x, axis)]
            if name != "logsumexp":
                result.append(function.backward(grad, x, axis))
        results.append([r.tobytes() for r in result])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("shape", [(7, 6, 5, 4, 3), (2, 1, 3, 1, 4)])
def test_more_dimensions_than_the_driver_has(shape):
    x = logits(shape, 9, np.float32)
    turned = x.transpose(3, 0, 4, 2, 1)[:, ::-1]
    for axis in (*range(5), (0, 3), (1, 2, 4)):
        for name in FAMILY:
            function = getattr(fa, name)
            np.testing.assert_array_equal(function(turned, axis), function(turned.copy(), axis))


# ---- who else is asked --------------------------------------------------------------------------


@every_function
def test_a_ufunc_stands_behind(name):
    function = getattr(fa, name)
    assert isinstance(function.ufunc, np.ufunc)
    assert function.ufunc.signature == ("(n)->()" if name == "logsumexp" else "(n)->(n)")
    for kind in "?bBhHiIlLqQefd":
        x = np.array([[0, 1, 1, 0], [1, 1, 0, 1], [0, 0, 0, 1]]).astype(kind)
        for axis in (0, 1):
            got = function.ufunc(x, axis=axis)
            assert got.dtype == function(x, axis).dtype
            np.testing.assert_array_equal(got, function(x, axis))
            grad = got if name == "logsumexp" else x
            if name != "logsumexp":
                np.testing.assert_array_equal(
                    function.backward.ufunc(grad, x, axis=axis), function.backward(grad, x, axis)
                )
    assert np.isneginf(fa.logsumexp.ufunc(np.empty((2, 0)))).all()


def test_a_foreign_array_is_asked_through_the_ufunc():
    class Foreign:
        dtype = np.dtype(np.float32)

        def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
            return ufunc, method, len(inputs), keywords

    answer = fa.softmax(Foreign(), axis=0)
    assert answer == (fa.softmax.ufunc, "__call__", 1, {"axis": 0})
    answer = fa.softmax.backward(Foreign(), Foreign())
    assert answer == (fa.softmax.backward.ufunc, "__call__", 2, {"axis": -1})
    with pytest.raises(TypeError, match="where"):
        fa.softmax(Foreign(), where=[True])


@every_function
def test_b22_a_masked_arrays_mask_counts_and_is_kept(name):
    x = np.ma.array([[1.0, 2, 3], [4, 5, np.nan]], mask=[[0, 0, 1], [0, 0, 1]])
    got = getattr(fa, name)(x)
    assert isinstance(got, np.ma.MaskedArray)
    wanted = getattr(fa, name)(x.data[:, :2].copy())
    if name == "logsumexp":
        np.testing.assert_array_equal(got.data, wanted)
        assert not got.mask.any()
        return
    np.testing.assert_array_equal(got.mask, x.mask)
    np.testing.assert_array_equal(got.data[:, :2], wanted)
    more = getattr(fa, name)(x, where=[True, False, True])
    np.testing.assert_array_equal(more.data[:, 0], 0 if name == "log_softmax" else 1)


class Frame:
    """What is needed of a DataFrame."""

    def __init__(self, values, index=None, columns=None):
        self.values, self.index, self.columns = np.asarray(values), index, columns
        self.shape = self.values.shape
        self.ndim = 2
        self.iloc = None

    def to_numpy(self):
        return self.values

    def __array__(self, dtype=None, copy=None):
        return self.values


def test_a_frame_comes_back_as_a_frame():
    frame = Frame(logits((3, 4), 5, np.float32), index=[7, 8, 9], columns=list("abcd"))
    for axis in (1, 0, -1):
        got = fa.softmax(frame, axis)
        assert type(got) is Frame
        assert (got.index, got.columns) == (frame.index, frame.columns)
        np.testing.assert_array_equal(got.values, fa.softmax(frame.values, axis))


@every_function
def test_pickles(name):
    function = getattr(fa, name)
    for member in (function, function.backward):
        assert pickle.loads(pickle.dumps(member)) is member
    assert function.__name__ == name
    assert function.backward.__name__ == f"{name}.backward"


# ---- cross entropy ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("spread", SPREADS)
def test_losses(dtype, spread):
    x = logits((40, 7), spread, dtype)
    labels = np.arange(40) % 7
    losses = fa.cross_entropy(x, labels, reduction="none")
    for row, label, loss in zip(x, labels, losses, strict=True):
        check(loss, [-exact("log_softmax", row)[label]], BOUND[dtype] + 0.5)
    total = fa.cross_entropy(x, labels, reduction="sum")
    assert total == pytest.approx(losses.sum(dtype=np.float64), rel=1e-6)
    assert fa.cross_entropy(x, labels) == pytest.approx(total / 40, rel=1e-6)
    assert fa.cross_entropy(x.T, labels, axis=0) == fa.cross_entropy(x, labels)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_losses(dtype):
    x = logits((30, 6), 40, dtype)
    labels = np.arange(30) % 6
    each = logits(30, 1, dtype)
    of_sum = fa.cross_entropy.backward(1.0, x, labels, reduction="sum")
    of_mean = fa.cross_entropy.backward(3.0, x, labels)
    of_each = fa.cross_entropy.backward(each, x, labels, reduction="none")
    for i, (row, label) in enumerate(zip(x, labels, strict=True)):
        wanted = exact("softmax", row)
        wanted[label] = mp.expm1(exact("log_softmax", row)[label])
        check(of_sum[i], wanted, 3)
        check(of_mean[i], [value * 3 / 30 for value in wanted], 3)
        check(of_each[i], [value * mp.mpf(float(each[i])) for value in wanted], 3)


@pytest.mark.parametrize("axis", [1, 0])
@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"label_smoothing": 0.1},
        {"label_smoothing": 1.0},
        {"ignore_index": 2},
        {"ignore_index": -100, "label_smoothing": 0.3, "reduction": "sum"},
    ],
)
def test_gradients_are_those_of_the_loss(axis, keywords):
    x = logits((4, 5), 6, np.float64)
    labels = np.arange(x.shape[1 - axis]) % x.shape[axis]
    if keywords.get("ignore_index") == -100:
        labels[1] = -100
    targets = [labels]
    if "ignore_index" not in keywords:
        targets.append(fa.softmax(logits((4, 5), 3, np.float64, 1), axis))
    for target in targets:
        got = fa.cross_entropy.backward(1.0, x, target, axis, **keywords)
        for place in np.ndindex(x.shape):
            more, less = x.copy(), x.copy()
            more[place] += 2**-18
            less[place] -= 2**-18
            slope = 2**17 * (
                fa.cross_entropy(more, target, axis, **keywords)
                - fa.cross_entropy(less, target, axis, **keywords)
            )
            assert got[place] == pytest.approx(slope, abs=1e-9)


def test_losses_at_the_edges():
    x = np.array([[0, -np.inf], [1, 2], [np.nan, 0]], np.float32)
    np.testing.assert_array_equal(
        fa.cross_entropy(x, [1, 0, 0], reduction="none"), np.float32([np.inf, 1.3132616, np.nan])
    )
    assert fa.cross_entropy(x[:1], [0]) == 0
    assert np.isnan(fa.cross_entropy(x[:2], [7, 7], ignore_index=7))
    assert not fa.cross_entropy.backward(1.0, x, [7, 7, 7], ignore_index=7, reduction="sum").any()
    # A probability of 0 costs nothing, even where the logarithm is -inf.
    assert fa.cross_entropy(x[:1], np.array([[1.0, 0.0]])) == 0


def test_wrong_labels_are_errors_before_anything_is_computed():
    x = np.ones((3, 4), np.float32)
    for function in (fa.cross_entropy, lambda *a, **k: fa.cross_entropy.backward(1.0, *a, **k)):
        for labels in ([0, 1, 4], [0, -1, 2]):
            with pytest.raises(IndexError, match="label"):
                function(x, labels)
        for labels in ([0, 1], [[0, 1, 2]], np.zeros((3, 1), int)):
            with pytest.raises(ValueError, match="labels have shape"):
                function(x, labels)
        for labels in ([0.5, 1, 2], ["a", "b", "c"], [True, False, True]):
            with pytest.raises(TypeError, match="labels"):
                function(x, labels)
        for keywords in ({"reduction": "max"}, {"label_smoothing": 2}, {"label_smoothing": -1}):
            with pytest.raises(ValueError, match=next(iter(keywords))):
                function(x, [0, 1, 2], **keywords)
        with pytest.raises(np.exceptions.AxisError):
            function(x, [0, 1, 2], 2)
        with pytest.raises(TypeError, match="axis"):
            function(x, [0, 1, 2], None)


# ---- found by random calls ----------------------------------------------------------------------


def test_worst_float64_found():
    rng = np.random.default_rng(2182)
    n, scale = int(rng.integers(2, 40)), rng.choice([0.1, 1, 3, 10])
    x = (rng.standard_normal((4000, n)) * scale)[3112]
    check(fa.log_softmax(x), exact("log_softmax", x), BOUND[np.float64])  # 3.39 at the winner


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_an_out_of_windows_is_written_as_if_computed_before(name):
    function = getattr(fa, name)
    memory, wanted = np.arange(100.0), np.arange(100.0)
    windows = np.lib.stride_tricks.sliding_window_view(memory, 8, writeable=True)
    expected = np.lib.stride_tricks.sliding_window_view(wanted, 8, writeable=True)
    expected[...] = function(expected.copy())
    assert function(windows, out=windows) is windows
    np.testing.assert_array_equal(memory, wanted)


def test_losses_take_probabilities_in_bfloat16():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    x = logits((3, 4), 3, bfloat16)
    target = np.full((3, 4), 0.25, bfloat16)
    loss = fa.cross_entropy(x, target)
    assert loss == fa.cross_entropy(x, target.astype(np.float64))
    assert fa.cross_entropy.backward(1.0, x, target).dtype == bfloat16


def test_threads_with_small_stacks():
    before = threading.stack_size(128 * 1024)
    try:
        x = logits((200, 17), 9, np.float64)
        wanted, got = fa.log_softmax.backward(x, x), []
        thread = threading.Thread(target=lambda: got.append(fa.log_softmax.backward(x, x)))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    np.testing.assert_array_equal(got[0], wanted)


@pytest.mark.parametrize("keywords", [{}, {"label_smoothing": 0.1}])
@pytest.mark.parametrize("probabilities", [False, True])
def test_losses_have_the_same_bits_for_any_layout(keywords, probabilities):
    x = logits((300, 501), 20, np.float64)
    labels = fa.softmax(x[::-1]) if probabilities else np.arange(300)
    keywords = {**keywords, "reduction": "none"}
    loss = fa.cross_entropy(x, labels, **keywords)
    slopes = fa.cross_entropy.backward(1.0, x, labels, **keywords)
    for y in (np.asfortranarray(x), np.repeat(x, 2, 1)[:, ::2]):
        for given in (labels, np.asfortranarray(labels)):
            np.testing.assert_array_equal(fa.cross_entropy(y, given, **keywords), loss)
            np.testing.assert_array_equal(
                fa.cross_entropy.backward(1.0, y, given, **keywords), slopes
            )


def test_smoothed_gradients_of_long_rows():
    """Relative to themselves: the target's sum is 1, not what adding it up comes to."""
    n, smoothing = 8781, 0.5
    x = logits(n, 3, np.float64)
    got = fa.cross_entropy.backward(1.0, x, 5, label_smoothing=smoothing)
    p = exact("softmax", x)
    for i in (0, 5, int(np.abs(got).argmin()), n - 1):
        target = mp.mpf(smoothing) / n + (1 - mp.mpf(smoothing) if i == 5 else 0)
        size = p[i] + target
        assert abs(mp.mpf(float(got[i])) - (p[i] - target)) <= 4 * mp.mpf(2) ** -52 * size


@pytest.mark.parametrize("gap", [np.inf, 1000.0, 760.0, 751.0, 745.0, 700.0])
def test_many_logits_that_all_but_vanish(gap):
    """In float64 a million of them add up to what shows, or to nothing at all."""
    n = 10**6
    x = np.zeros(n + 1)
    x[1:] = -gap
    rest = mp.mpf(0) if np.isinf(gap) else n * mp.exp(-mp.mpf(gap))
    check(fa.log_softmax(x)[:1], [-mp.log1p(rest)], BOUND[np.float64])
    check(fa.logsumexp(x), [mp.log1p(rest)], BOUND[np.float64])
    assert fa.softmax(x)[0] == 1
