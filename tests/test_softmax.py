"""The face of softmax: axes, dtypes, out, errors. test_softmax_values has the values."""

from __future__ import annotations

import copy
import inspect
import itertools
import pickle
import re

import numpy as np
import pytest

import fastact as fa

METHODS = ("__call__", "backward", "backward_from_output")
every_method = pytest.mark.parametrize("method", METHODS)


def inputs(method, x):
    x = np.asarray(x)
    if method == "__call__":
        return (x,)
    grad = np.linspace(-1, 2, x.size).reshape(x.shape)
    return (grad.astype(x.dtype if x.dtype.kind == "f" else float), x)


def call(method, x, *args, **keywords):
    return getattr(fa.softmax, method)(*inputs(method, x), *args, **keywords)


def numbers(shape, dtype=np.float64):
    n = int(np.prod(shape))
    return ((np.arange(n) * 7 % 11 - 4) * 0.5).astype(dtype).reshape(shape)


def by_rows(method, arrays, axis):
    """The same row by row: an axis, several of them or all made the last one."""
    ndim = arrays[0].ndim
    whole = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    last = sorted(i % ndim for i in whole)
    order = [i for i in range(ndim) if i not in last] + last
    moved = [a.transpose(order) for a in arrays]
    lead = moved[0].shape[: ndim - len(last)]
    out = np.empty(moved[0].shape, arrays[0].dtype)
    for index in np.ndindex(lead):
        rows = [m[index] for m in moved]
        result = getattr(fa.softmax, method)(*[np.array(row).ravel() for row in rows])
        out[index] = result.reshape(rows[0].shape)
    return out.transpose(np.argsort(order))


# ---- axis ---------------------------------------------------------------------------------------


@every_method
def test_every_axis(method, dtype):
    x = numbers((2, 3, 4, 5), dtype)
    arrays = inputs(method, x)
    one = range(-4, 4)
    several = [t for n in range(1, 5) for t in itertools.combinations(range(4), n)]
    for axis in (*one, *several, (-1, 0), (2, -4), None):
        got = call(method, x, axis)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, by_rows(method, arrays, axis))
        np.testing.assert_array_equal(call(method, x, axis=axis), got)
    np.testing.assert_array_equal(call(method, x), by_rows(method, arrays, -1))
    np.testing.assert_array_equal(call(method, x, (3, 1)), call(method, x, (1, 3)))
    np.testing.assert_array_equal(call(method, x, (0, 1, 2, 3)), call(method, x, None))
    np.testing.assert_array_equal(call(method, x, np.int64(1)), call(method, x, 1))


def test_sums_to_one_along_the_axis(dtype):
    x = numbers((3, 4, 5), dtype)
    for axis in (0, 1, 2, (0, 2), (0, 1), None):
        sums = fa.softmax(x, axis).sum(axis=axis, dtype=np.float64)
        np.testing.assert_allclose(sums, 1, rtol=4 * np.finfo(dtype).eps)


def test_two_axes_that_are_not_side_by_side(dtype):
    # Reshaping without a transpose first gives something that does not even sum to one.
    x = np.arange(1, 9).reshape(2, 2, 2).astype(dtype)
    expected = [[[0.00483724, 0.01314897]] * 2, [[0.26410418, 0.71790961]] * 2]
    np.testing.assert_allclose(fa.softmax(x, axis=(0, 2)), expected, atol=6e-9, rtol=1e-6)


@every_method
def test_axis_out_of_range(method):
    x = np.ones((2, 3))
    for axis in (2, -3, (0, 2), (-3,)):
        with pytest.raises(np.exceptions.AxisError):
            call(method, x, axis)
    for axis in (1, -2):
        with pytest.raises(np.exceptions.AxisError):
            call(method, np.float64(1), axis)
    with pytest.raises(ValueError, match="repeated"):
        call(method, x, (0, 0))
    with pytest.raises(ValueError, match="repeated"):
        call(method, x, (1, -1))


@every_method
def test_axis_that_is_no_integer(method):
    for axis in (1.0, np.float32(0), "0", [0, 1], (0, 1.0), 1j, object()):
        with pytest.raises(TypeError):
            call(method, np.ones((2, 3)), axis)


@every_method
def test_zero_dimensions(method):
    # 1 is also what softmax gives, so that it can be a gradient's y.
    for x, kind in ((1.0, np.float64), (np.float32(1), np.float32), (np.array(1.0), np.float64)):
        for axis in (-1, 0, None, ()):
            got = call(method, x, axis)
            assert type(got) is kind
            assert got == (1 if method == "__call__" else 0)
    out = np.full((), 7.0)
    assert call(method, np.array(1.0), out=out) is out
    assert out == (1 if method == "__call__" else 0)


@every_method
@pytest.mark.parametrize("shape", [(0,), (10, 0), (0, 3), (4, 0, 5), (0, 0)])
def test_empty(method, dtype, shape):
    x = np.empty(shape, dtype)
    for axis in (*range(-len(shape), len(shape)), tuple(range(len(shape))), None):
        got = call(method, x, axis)
        assert got.shape == shape
        assert got.dtype == dtype
        out = np.empty(shape, dtype)
        assert call(method, x, axis, out=out) is out
    with pytest.raises(np.exceptions.AxisError):
        call(method, x, len(shape))


def test_length_one():
    np.testing.assert_array_equal(fa.softmax(numbers((3, 1, 2)), axis=1), np.ones((3, 1, 2)))
    np.testing.assert_array_equal(fa.softmax(numbers((2, 3)), axis=()), np.ones((2, 3)))


# ---- dtypes -------------------------------------------------------------------------------------


@every_method
def test_integers_are_computed_as_float64(method):
    for kind in "?bBhHiIlLqQ":
        x = np.array([[0, 1, 1], [1, 0, 0]]).astype(kind)
        got = call(method, x)
        assert got.dtype == np.float64
        np.testing.assert_array_equal(got, call(method, x.astype(np.float64)))
    # What unsigned integers have no room for.
    wide = np.array([0, 2**64 - 1], np.uint64)
    np.testing.assert_array_equal(fa.softmax(wide), [0, 1])
    np.testing.assert_array_equal(
        fa.softmax(np.array([0, 255], np.uint8)), fa.softmax([0.0, 255.0])
    )


@every_method
def test_float16_is_rounded_once(method):
    x = numbers((3, 4), np.float16)
    got = call(method, x)
    assert got.dtype == np.float16
    arrays = [a.astype(np.float64) for a in inputs(method, x)]
    np.testing.assert_array_equal(got, getattr(fa.softmax, method)(*arrays).astype(np.float16))


@every_method
def test_dtype_keyword(method):
    for x in (numbers((2, 3)), numbers((2, 3), np.float32), np.arange(6).reshape(2, 3)):
        for wanted in (np.float16, np.float32, np.float64, "f4", np.dtype("f8")):
            got = call(method, x, dtype=wanted)
            assert got.dtype == wanted
            arrays = [a.astype(wanted) for a in inputs(method, x)]
            np.testing.assert_array_equal(got, getattr(fa.softmax, method)(*arrays))
    for wrong in (np.int64, np.complex128, np.longdouble, "U1"):
        if np.dtype(wrong) != np.float64:
            with pytest.raises(TypeError, match=r"softmax.*dtype must be float16, float32"):
                call(method, numbers(3), dtype=wrong)


def test_gradients_take_the_wider_dtype():
    single, double = numbers(4, np.float32), numbers(4)
    for method in (fa.softmax.backward, fa.softmax.backward_from_output):
        assert method(single, single).dtype == np.float32
        assert method(single, double).dtype == np.float64
        assert method(double, single).dtype == np.float64
        assert method(np.arange(4), single).dtype == np.float64


@every_method
def test_unsupported(method):
    for x in (
        np.ones(2, complex),
        np.ones(2, object),
        np.array(["a"]),
        np.array(["2020-01-01"], "M8[D]"),
        np.ones(2, "m8[s]"),
        np.zeros(2, "V8"),
        np.ones(2, np.longdouble),
    ):
        if x.dtype.itemsize == 8 and x.dtype.kind == "f":
            continue
        with pytest.raises(TypeError, match="softmax.*" + re.escape(str(x.dtype))):
            getattr(fa.softmax, method)(*[x] * len(inputs(method, 1.0)))
    for x in ("a", None, 1j, object()):
        with pytest.raises(TypeError):
            getattr(fa.softmax, method)(*[x] * len(inputs(method, 1.0)))
    with pytest.raises(ValueError):
        fa.softmax([[1.0], [1.0, 2.0]])


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_subclasses_keep_their_type():
    class Own(np.ndarray):
        pass

    for x in (numbers((2, 3)).view(Own), np.matrix(numbers((2, 3)))):
        got = fa.softmax(x)
        assert type(got) is type(x)
        np.testing.assert_array_equal(np.asarray(got), fa.softmax(numbers((2, 3))))


def test_lists():
    for x in ([3.0, 1.0, 2.0], (1, 2), [[1, 2], [3, 4]], []):
        np.testing.assert_array_equal(fa.softmax(x), fa.softmax(np.array(x, float)))


# ---- layouts ------------------------------------------------------------------------------------


@every_method
def test_layout_of_the_input_does_not_matter(method, dtype):
    x = numbers((6, 8), dtype)
    arrays = inputs(method, x)
    layouts = (
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
        lambda a: a.T.copy().T,
        lambda a: a.astype(a.dtype.newbyteorder()),
        lambda a: np.frombuffer(b"x" + a.tobytes(), a.dtype, a.size, 1).reshape(a.shape),
    )
    for axis in (-1, 0, None):
        expected = call(method, x, axis)
        for layout in layouts:
            got = getattr(fa.softmax, method)(*map(layout, arrays), axis)
            assert got.dtype == dtype
            assert got.dtype.isnative
            np.testing.assert_array_equal(got, expected)
    once = np.broadcast_to(x[0], (6, 8))
    np.testing.assert_array_equal(fa.softmax(once), np.tile(fa.softmax(x[0]), (6, 1)))


@every_method
def test_arguments_are_left_unchanged(method, dtype):
    for axis in (-1, 0, None):
        arrays = inputs(method, numbers((3, 4), dtype))
        before = [a.copy() for a in arrays]
        for a in arrays:
            a.flags.writeable = False
        getattr(fa.softmax, method)(*arrays, axis)
        for a, b in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(a, b)


# ---- out ----------------------------------------------------------------------------------------


@every_method
def test_out(method, dtype):
    x = numbers((4, 5), dtype)
    makers = (
        lambda: np.full((4, 5), 7, dtype),
        lambda: np.full((5, 4), 7, dtype).T,
        lambda: np.full((8, 5), 7, dtype)[::-2],
        lambda: np.full((4, 5), 7, np.dtype(dtype).newbyteorder()),
        lambda: np.frombuffer(bytearray(20 * x.itemsize + 1), dtype, 20, 1).reshape(4, 5),
        lambda: np.full((4, 5), 7, np.float64),
    )
    for axis, make in itertools.product((-1, 0, (0, 1)), makers):
        out = make()
        assert call(method, x, axis, out=out) is out
        np.testing.assert_array_equal(out, call(method, x, axis))
    # Of another dtype as `same_kind` allows it.
    for other in (np.float16, np.float32):
        out = np.full((4, 5), 7, other)
        call(method, x, out=out)
        np.testing.assert_array_equal(out, call(method, x).astype(other))


@every_method
def test_in_place(method, dtype):
    for axis in (-1, 0, None):
        for which in range(len(inputs(method, 1.0))):
            arrays = list(inputs(method, numbers((4, 5), dtype)))
            expected = call(method, arrays[-1].copy(), axis)
            assert getattr(fa.softmax, method)(*arrays, axis, out=arrays[which]) is arrays[which]
            np.testing.assert_array_equal(arrays[which], expected)


@every_method
def test_out_that_overlaps(method, dtype):
    for axis, shift in itertools.product((-1, 0), (-7, -1, 1, 5)):
        memory = numbers(60, dtype)
        x = memory[10:40].reshape(5, 6)
        expected = call(method, x.copy(), axis)
        out = memory[10 + shift : 40 + shift].reshape(5, 6)
        call(method, x, axis, out=out)
        np.testing.assert_array_equal(out, expected)
    square = numbers((5, 5), dtype)
    expected = call(method, square.copy())
    call(method, square, out=square.T)
    np.testing.assert_array_equal(square.T, expected)


@every_method
def test_wrong_out_is_an_error_and_nothing_is_written(method):
    x = numbers((2, 3))
    read_only = np.full((2, 3), 7.0)
    read_only.flags.writeable = False
    for axis in (-1, 0):
        for out, error in (
            (np.full((3, 2), 7.0), ValueError),
            (np.full((4, 2, 3), 7.0), ValueError),
            (np.full(3, 7.0), ValueError),
            (np.full((2, 3), 7), TypeError),
            (np.full((2, 3), True), TypeError),
            (read_only, ValueError),
            ([[7.0] * 3] * 2, TypeError),
            ((np.full((2, 3), 7.0),), TypeError),
        ):
            before = copy.deepcopy(out)
            with pytest.raises(error, match="softmax"):
                call(method, x, axis, out=out)
            assert np.array_equal(out, before)


@every_method
def test_nothing_is_written_where_the_input_is_wrong(method):
    out = np.full((2, 3), 7.0)
    for x, axis in ((np.ones((2, 3), complex), -1), (np.ones((2, 3)), 2), (np.ones((2, 3)), 1.0)):
        with pytest.raises((TypeError, ValueError)):
            call(method, x, axis, out=out)
    assert (out == 7).all()


# ---- gradients ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS[1:])
def test_gradient_of_another_shape(method):
    function = getattr(fa.softmax, method)
    for grad, x in (((3,), (4,)), ((1, 3), (3,)), ((), (3,)), ((2, 3), (3, 2))):
        with pytest.raises(ValueError, match="shape"):
            function(np.ones(grad), np.ones(x))


def test_gradients_agree_with_the_jacobian():
    x = numbers((4, 6))
    grad = inputs("backward", x)[0]
    p = fa.softmax(x)
    jacobian = fa.softmax.jacobian(x)
    assert jacobian.shape == (4, 6, 6)
    expected = np.einsum("rij,ri->rj", jacobian, grad)
    np.testing.assert_allclose(fa.softmax.backward(grad, x), expected, atol=1e-15, rtol=1e-12)
    np.testing.assert_allclose(
        fa.softmax.backward_from_output(grad, p), expected, atol=1e-15, rtol=1e-12
    )


def test_jacobian(dtype):
    x = numbers((2, 3, 4), dtype)
    for axis in range(-3, 3):
        jacobian = fa.softmax.jacobian(x, axis)
        n = x.shape[axis]
        lead = [x.shape[i] for i in range(3) if i != axis % 3]
        assert jacobian.shape == (*lead, n, n)
        assert jacobian.dtype == dtype
        p = np.moveaxis(fa.softmax(x.astype(np.float64), axis), axis, -1)
        expected = p[..., :, None] * np.eye(n) - p[..., :, None] * p[..., None, :]
        np.testing.assert_allclose(jacobian, expected, rtol=1e-5, atol=1e-7)
        # Symmetric to the last bit, rows and columns that sum to nothing.
        np.testing.assert_array_equal(jacobian, np.swapaxes(jacobian, -1, -2))
    np.testing.assert_array_equal(fa.softmax.jacobian(x), fa.softmax.jacobian(x, axis=-1))
    assert fa.softmax.jacobian(x, dtype=np.float64).dtype == np.float64
    assert fa.softmax.jacobian([1, 2]).dtype == np.float64


def test_jacobian_of_nothing_and_of_one():
    assert fa.softmax.jacobian(np.empty((0, 3))).shape == (0, 3, 3)
    assert fa.softmax.jacobian(np.empty((3, 0))).shape == (3, 0, 0)
    assert fa.softmax.jacobian(np.empty((3, 0)), axis=0).shape == (0, 3, 3)
    np.testing.assert_array_equal(fa.softmax.jacobian(2.0), [[0]])
    np.testing.assert_array_equal(fa.softmax.jacobian([2.0]), [[0]])


def test_jacobian_errors():
    for axis in (None, (0,), 1.0, "0"):
        with pytest.raises(TypeError, match="axis"):
            fa.softmax.jacobian(np.ones((2, 3)), axis)
    with pytest.raises(np.exceptions.AxisError):
        fa.softmax.jacobian(np.ones((2, 3)), 2)
    with pytest.raises(TypeError, match="complex"):
        fa.softmax.jacobian(np.ones(3, complex))
    with pytest.raises(TypeError, match="masked"):
        fa.softmax.jacobian(np.ma.array([1.0]))
    with pytest.raises(TypeError, match="float32, float64"):
        fa.softmax.jacobian([1.0], dtype=int)


# ---- the object ---------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_identity_after_pickle_and_copy(protocol):
    assert pickle.loads(pickle.dumps(fa.softmax, protocol)) is fa.softmax
    assert copy.copy(fa.softmax) is fa.softmax
    assert copy.deepcopy(fa.softmax) is fa.softmax
    x = numbers(3)
    for method in METHODS[1:]:
        again = pickle.loads(pickle.dumps(getattr(fa.softmax, method), protocol))
        np.testing.assert_array_equal(again(x, x), getattr(fa.softmax, method)(x, x))


def test_attributes():
    assert fa.softmax.__name__ == "softmax"
    assert repr(fa.softmax) == "<activation 'softmax'>"
    tail = "axis=-1, *, temperature=1.0, out=None, dtype=None, where=True)"
    assert str(inspect.signature(fa.softmax)) == f"(x, {tail}"
    assert str(inspect.signature(fa.softmax.backward)) == f"(grad, x, {tail}"
    with pytest.raises(AttributeError):
        fa.softmax.nonsense = 1


def test_wrong_calls():
    for wrong in (
        lambda: fa.softmax(),
        lambda: fa.softmax([1.0], -1, None),
        lambda: fa.softmax([1.0], nonsense=1),
        lambda: fa.softmax.backward([1.0]),
        lambda: fa.softmax.backward([1.0], [1.0], -1, None),
    ):
        with pytest.raises(TypeError):
            wrong()
