"""Arrays of any shape and strides: what the ufunc gives for a contiguous copy, in the same order of
memory as the ufunc would choose, and into whatever array is given."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from instruction_sets import once

import fastact

pytestmark = pytest.mark.one_of_each_kind

VIEWS = {
    "columns": lambda a: a[:, :, :3],
    "every second": lambda a: a[:, :, ::2],
    "reversed": lambda a: a[:, :, ::-1],
    "all reversed": lambda a: a[::-1, ::-1, ::-1],
    "rows": lambda a: a[1:, ::2],
    "one column": lambda a: a[..., 0],
    "one row": lambda a: a[:, 1],
    "transposed": lambda a: a.transpose(2, 0, 1),
    "transposed columns": lambda a: a[:, 1:, ::2].T,
    "Fortran order": lambda a: np.asfortranarray(a)[1:, :, :],
    "a new axis": lambda a: a[:, None, :, ::2],
    "an axis of one": lambda a: a[:1, :, 1:],
    "empty": lambda a: a[:0, :, ::2],
    "no columns": lambda a: a[:, :, :0],
    "broadcast": lambda a: np.broadcast_to(a[:, :1], a.shape),
}
SHAPES = [(3, 5, 7), (2, 9, 300), (40, 3, 5), (2, 70, 130)]
OPERATIONS = ("value", "derivative", "backward", "value_and_derivative")


def order_of_memory(a):
    """The strides that mean something."""
    return [s for s, n in zip(a.strides, a.shape, strict=True) if n > 1] if a.size else []


def calls(activation, operation, x, grad, **keywords):
    """The result by the short way, and that of the ufunc; both as tuples."""
    member = activation if operation == "value" else getattr(activation, operation)
    arrays = (grad, x) if operation == "backward" else (x,)
    parameters = [x.dtype.type(value) for value in member.parameters.values()]
    pair = member(*arrays, **keywords), member.ufunc(*arrays, *parameters, **keywords)
    return [result if isinstance(result, tuple) else (result,) for result in pair]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("view", VIEWS)
def test_results(row, activation, dtype, view, threads, low_threshold, rng):
    for shape in SHAPES:
        x = VIEWS[view](rng.normal(0, 4, shape).astype(dtype))
        grads = (rng.normal(size=x.shape).astype(dtype), x)
        for operation in OPERATIONS:
            for grad in grads if operation == "backward" else grads[:1]:
                with fastact.num_threads(threads):
                    got, wanted = calls(activation, operation, x, grad)
                for one, other in zip(got, wanted, strict=True):
                    assert one.tobytes() == other.tobytes()
                    assert order_of_memory(one) == order_of_memory(other)


@once
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("out_view", ["every second", "all reversed", "transposed", "C order"])
def test_out_of_any_layout(dtype, view, out_view, low_threshold, rng):
    for shape in SHAPES:
        x = VIEWS[view](rng.normal(0, 4, shape).astype(dtype))
        grad = np.asfortranarray(rng.normal(size=x.shape).astype(dtype))
        around = np.full([2 * n for n in x.shape], 7, dtype)
        within = tuple(slice(n) for n in x.shape)
        if out_view == "every second":
            within = (slice(None, None, 2),) * x.ndim
        elif out_view == "all reversed":
            within = tuple(slice(n - 1, None, -1) if n else slice(0) for n in x.shape)
        elif out_view == "transposed":
            around = np.full([2 * n for n in x.shape[::-1]], 7, dtype).T
        out = around[within]
        for activation in (fastact.silu, fastact.relu, fastact.elu):
            for operation in OPERATIONS[:3]:
                (got,), (wanted,) = calls(activation, operation, x, grad, out=out)
                assert got is wanted is out
                (fresh,), _ = calls(activation, operation, x.copy(), grad.copy())
                np.testing.assert_array_equal(out, fresh)
        outside = np.ones(around.shape, bool)
        outside[within] = False
        assert (around[outside] == 7).all()


@pytest.mark.parametrize("view", [name for name in VIEWS if name != "broadcast"])
def test_in_place(row, activation, dtype, view, low_threshold, rng):
    base = rng.normal(0, 4, (4, 6, 90)).astype(dtype)
    x = VIEWS[view](base)
    wanted = activation(x.copy())
    assert activation(x, out=x) is x
    np.testing.assert_array_equal(x, wanted)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (np.s_[1:, ::2], np.s_[:-1, ::2]),
        (np.s_[:-1, ::2], np.s_[1:, ::2]),
        (np.s_[::-1, ::2], np.s_[:, ::2]),
        (np.s_[:, ::-1], np.s_[:, :]),
        (np.s_[:, 0:40:2], np.s_[:, 1:41:2]),
        (np.s_[:, 0:20], np.s_[:, 10:30]),
    ],
)
def test_overlapping_out_is_as_if_the_input_had_been_copied(dtype, source, target, low_threshold):
    base = np.linspace(-4, 4, 41 * 50).astype(dtype).reshape(50, 41)
    for function in (fastact.silu, fastact.mish.derivative, fastact.relu):
        x = base.copy()
        wanted = function(x[source].copy())
        function(x[source], out=x[target])
        np.testing.assert_array_equal(x[target], wanted)


def test_dimensions_of_every_number(dtype):
    for dimensions in range(1, 65):
        x = np.linspace(-2, 2, 24).astype(dtype).reshape(*(1,) * (dimensions - 1), 24)
        if dimensions >= 4:
            x = x.reshape(2, *(1,) * (dimensions - 3), 3, 4)
        view = x[..., ::-2]
        got = fastact.silu(view)
        assert got.shape == view.shape
        np.testing.assert_array_equal(got, fastact.silu(view.copy()))


def test_an_out_that_shows_an_element_twice(dtype):
    """As for any ufunc: what is written last stays."""
    memory = np.zeros(3, dtype)
    out = np.lib.stride_tricks.as_strided(memory, (4, 3), (0, memory.itemsize), writeable=True)
    x = np.arange(12, dtype=dtype).reshape(4, 3)
    fastact.relu(x, out=out)
    np.testing.assert_array_equal(memory, x[-1])


@once
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("view", VIEWS)
def test_parameters_of_any_shape(dtype, view, threads, low_threshold, rng):
    """Of a row, of a column, of all, in either order: over many boxes and in rows of their own."""
    for shape in SHAPES:
        x = VIEWS[view](rng.normal(0, 4, shape).astype(dtype))
        grad = np.asfortranarray(rng.normal(size=x.shape).astype(dtype))
        whole = rng.normal(size=x.shape).astype(dtype)
        slopes = [whole, np.asfortranarray(whole), whole[..., :1], whole[:1]]
        slopes += [rng.normal(size=x.shape[-1:]).astype(dtype)] if x.ndim > 1 else []
        for slope in slopes:
            with fastact.num_threads(threads):
                got = (
                    fastact.leaky_relu(x, slope),
                    fastact.elu.backward(grad, x, slope),
                    *fastact.swish.value_and_derivative(x, slope),
                    fastact.leaky_relu(x, slope, out=np.empty_like(grad)),
                    fastact.elu(x, slope, out=np.empty(x.shape, dtype)),
                    fastact.elu(x, slope, out=slope.copy()) if slope.shape == x.shape else 0,
                )
            wanted = (
                fastact.leaky_relu.ufunc(x, slope),
                fastact.elu.backward.ufunc(grad, x, slope),
                *fastact.swish.value_and_derivative.ufunc(x, slope),
                fastact.leaky_relu.ufunc(x, slope, out=np.empty_like(grad)),
                fastact.elu.ufunc(x, slope, out=np.empty(x.shape, dtype)),
                fastact.elu.ufunc(x, slope) if slope.shape == x.shape else 0,
            )
            for one, other in zip(got[:-1], wanted[:-1], strict=True):
                assert one.tobytes() == other.tobytes()
                assert order_of_memory(one) == order_of_memory(other)
            assert np.asarray(got[-1]).tobytes() == np.asarray(wanted[-1]).tobytes()


@pytest.mark.parametrize("shape", [(5, 1), (1, 5), (4, 1, 3), (1, 3, 1), (2, 3, 1, 5), (1, 1)])
def test_broadcast_inputs(shape, low_threshold):
    """Computed by the driver, with the order of memory that NumPy's result has."""
    small = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    full = tuple(40 if n == 1 else n for n in shape)
    for axes in itertools.permutations(range(len(shape))):
        for x in (np.broadcast_to(small, full), np.broadcast_to(small[::-1], full)):
            x = x.transpose(axes)
            got = fastact.sigmoid(x)
            np.testing.assert_array_equal(got, fastact.sigmoid(x.copy()))
            assert got.strides == np.tanh(x).strides
            value, slope = fastact.sigmoid.value_and_derivative(x)
            np.testing.assert_array_equal(slope, fastact.sigmoid.derivative(x.copy()))
            np.testing.assert_array_equal(value, got)
