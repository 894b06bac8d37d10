"""However an array lies in memory, an element's bits are those it has in a contiguous copy.

The examples are drawn from a fixed seed, so a failure here is the same everywhere.
"""

from __future__ import annotations

import numpy as np
import pytest

import fastact as fa
from fastact.catalogue import CATALOGUE

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("low_threshold")  # small arrays go parallel, too


def examples(number):
    return settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        # low_threshold is the same for all examples.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


FLOATS = [np.dtype(np.float32), np.dtype(np.float64)]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-320, 3e38, -1e300, 6.0, -3.0]

activations = st.sampled_from(CATALOGUE)
operations = st.sampled_from(["value", "derivative", "backward", "value_and_derivative"])
shapes = st.one_of(
    st.lists(st.integers(0, 6), max_size=4).map(tuple),
    st.tuples(st.integers(1, 1300)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)


@st.composite
def layouts(draw, shape, dtype, writable=False):
    """A view of this shape somewhere in a larger memory, and that memory; filled with 7."""
    ndim = len(shape)
    steps = draw(st.tuples(*[st.sampled_from([1, 1, 2, 3, -1, -2])] * ndim))
    gaps = draw(st.tuples(*[st.integers(0, 3)] * (2 * ndim)))
    order = draw(st.permutations(range(ndim)))
    dtype = dtype.newbyteorder(draw(st.sampled_from(["=", "=", "=", "S"])))
    offset = draw(st.sampled_from([0, 0, 0, 1, 3, 4])) if dtype.itemsize > 1 else 0

    sizes = [
        gaps[2 * i] + max(n - 1, 0) * abs(step) + 1 + gaps[2 * i + 1]
        for i, (n, step) in enumerate(zip(shape, steps, strict=True))
    ]
    in_memory = [sizes[i] for i in order]
    nbytes = int(np.prod(in_memory)) * dtype.itemsize
    memory = np.zeros(nbytes + offset, np.uint8)[offset:].view(dtype).reshape(in_memory)
    memory[...] = 7
    view = memory.transpose(np.argsort(order))
    for i, (n, step) in enumerate(zip(shape, steps, strict=True)):
        first = gaps[2 * i] + (max(n - 1, 0) * -step if step < 0 else 0)
        positions = first + step * np.arange(n)
        stop = first + step * n
        view = view[
            (slice(None),) * i
            + (slice(first, stop if stop >= 0 else None, step) if n else slice(0, 0),)
        ]
        assert view.shape[i] == len(positions)
    assert view.shape == shape
    if not writable and ndim and draw(st.integers(0, 4)) == 0:
        # An axis of stride 0: all its elements are one and the same.
        axis = draw(st.integers(0, ndim - 1))
        if shape[axis]:
            one = view[(slice(None),) * axis + (slice(0, 1),)]
            view = np.lib.stride_tricks.as_strided(
                one, shape, [0 if i == axis else s for i, s in enumerate(view.strides)]
            )
    note(f"{view.dtype.str} {view.shape} strides {view.strides}")
    return view, memory


def filled(view, seed):
    """Put numbers of every kind into the view."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 5, view.shape)
    special = rng.random(view.shape) < 0.1
    with np.errstate(over="ignore", under="ignore"):
        values = np.where(special, rng.choice(SPECIAL, view.shape), values).astype(view.dtype)
    view[...] = values
    return view


def contiguous(x):
    """The same numbers in an array with nothing unusual."""
    return np.array(x, x.dtype.newbyteorder("="), order="C", copy=True)


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def assert_same(got, expected):
    """The same bits; of NaNs the sign and payload are nobody's."""
    for a, b in zip(as_tuple(got), as_tuple(expected), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        a = a.astype(a.dtype.newbyteorder("="))
        assert a.dtype == b.dtype
        nan = np.isnan(b)
        np.testing.assert_array_equal(np.isnan(a), nan)
        assert np.where(nan, 0, a).tobytes() == np.where(nan, 0, b).tobytes()


def function_of(row, operation):
    activation = getattr(fa, row.name)
    return activation if operation == "value" else getattr(activation, operation)


def drawn_inputs(data, operation, shape, dtype):
    """The arrays that an operation takes before its parameters."""
    seed = data.draw(st.integers(0, 2**20), label="seed")
    return [
        filled(data.draw(layouts(shape, dtype))[0], seed + i)
        for i in range(2 if operation == "backward" else 1)
    ]


@examples(100)
@given(
    row=activations,
    operation=operations,
    shape=shapes,
    dtype=st.sampled_from(FLOATS),
    data=st.data(),
)
def test_any_view_is_as_good_as_a_copy(row, operation, shape, dtype, data):
    arrays = drawn_inputs(data, operation, shape, dtype)
    function = function_of(row, operation)
    assert_same(function(*arrays), function(*map(contiguous, arrays)))


@examples(100)
@given(
    row=activations,
    operation=operations,
    shape=shapes,
    dtype=st.sampled_from(FLOATS),
    data=st.data(),
)
def test_any_out_gets_the_same_and_nothing_beside_it_changes(row, operation, shape, dtype, data):
    arrays = drawn_inputs(data, operation, shape, dtype)
    function = function_of(row, operation)
    expected = as_tuple(function(*map(contiguous, arrays)))
    pairs = [data.draw(layouts(shape, dtype, writable=True)) for _ in expected]
    outs = tuple(view for view, _ in pairs)
    function(*arrays, out=outs)
    assert_same(outs, expected)
    for view, memory in pairs:
        view[...] = 7
        assert (memory == 7).all()


@examples(100)
@given(
    row=st.sampled_from([row for row in CATALOGUE if row.parameters]),
    operation=operations,
    shape=shapes,
    dtype=st.sampled_from(FLOATS),
    data=st.data(),
)
def test_any_view_as_parameter(row, operation, shape, dtype, data):
    arrays = drawn_inputs(data, operation, shape, dtype)
    parameters = []
    for _ in row.parameters:
        # Of the shape of x, or with axes that broadcast, or fewer of them.
        own = tuple(data.draw(st.sampled_from([n, 1])) for n in shape)
        own = own[data.draw(st.integers(0, len(shape))) :]
        view, _ = data.draw(layouts(own, dtype))
        view[...] = np.random.default_rng(len(own)).uniform(-1, 2, own)
        parameters.append(view)
    function = function_of(row, operation)
    whole = [contiguous(np.broadcast_to(p, shape)) for p in parameters]
    expected = function(*map(contiguous, arrays), *whole)
    assert_same(function(*arrays, *parameters), expected)


@examples(100)
@given(
    row=activations,
    operation=operations,
    shape=shapes,
    dtype=st.sampled_from(FLOATS),
    data=st.data(),
)
def test_any_mask(row, operation, shape, dtype, data):
    arrays = drawn_inputs(data, operation, shape, dtype)
    mask, _ = data.draw(layouts(shape, np.dtype(bool)))
    mask[...] = np.random.default_rng(len(shape)).random(shape) < data.draw(st.floats(0, 1))
    function = function_of(row, operation)
    whole = as_tuple(function(*map(contiguous, arrays)))
    outs = tuple(np.full(shape, 5, dtype) for _ in whole)
    function(*arrays, out=outs, where=mask)
    assert_same(outs, tuple(np.where(mask, y, dtype.type(5)) for y in whole))


@examples(100)
@given(
    row=activations,
    operation=operations,
    shape=shapes,
    kind=st.sampled_from("?bBhHiIlLqQ"),
    data=st.data(),
)
def test_any_view_of_integers(row, operation, shape, kind, data):
    view, _ = data.draw(layouts(shape, np.dtype(kind)))
    values = np.random.default_rng(len(shape)).integers(0, 100, shape)
    view[...] = values - 50 if np.dtype(kind).kind == "i" else values
    function = function_of(row, operation)
    grad = (np.full(shape, 0.75),) if operation == "backward" else ()
    expected = function(*grad, view.astype(np.float64))
    if operation == "value" and row.keeps_integers and kind != "?":
        expected = np.asarray(expected).astype(kind)
    got = function(*grad, view)
    assert_same(got, expected)


@examples(100)
@given(
    row=activations,
    operation=operations,
    dtype=st.sampled_from(FLOATS),
    n=st.integers(0, 1500),
    step=st.sampled_from([1, 2, -1, -2]),
    out_step=st.sampled_from([1, 2, -1, -2]),
    shift=st.integers(-20, 20),
)
def test_any_overlap_of_input_and_output(row, operation, dtype, n, step, out_step, shift):
    memory = np.zeros(2 * n + 50, dtype)
    filled(memory, n)
    lengthwise = {s: slice(None, None, s) for s in (1, 2, -1, -2)}
    x = memory[22:][: n * abs(step)][lengthwise[step]]
    y = memory[22 + shift :][: n * abs(out_step)][lengthwise[out_step]]
    function = function_of(row, operation)
    grad = [np.linspace(-1, 1, n).astype(dtype)] if operation == "backward" else []
    expected = as_tuple(function(*grad, x.copy()))
    outs = (y, np.empty(n, dtype))[: len(expected)]
    function(*grad, x, out=outs)
    assert_same(outs, expected)


# ---- softmax ------------------------------------------------------------------------------------


@st.composite
def axes(draw, ndim):
    if ndim == 0:
        return draw(st.sampled_from([None, -1, 0, ()]))
    one = st.integers(-ndim, ndim - 1)
    several = st.lists(st.integers(0, ndim - 1), unique=True, max_size=ndim).map(tuple)
    return draw(st.one_of(st.just(-1), one, several, st.none()))


def softmax_by_rows(method, arrays, axis):
    """One contiguous row after the other."""
    shape = arrays[0].shape
    if not shape:
        return method(*[a.reshape(1) for a in arrays]).reshape(())
    ndim = len(shape)
    whole = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    last = sorted(i % ndim for i in whole)
    order = [i for i in range(ndim) if i not in last] + last
    moved = [np.transpose(contiguous(a), order) for a in arrays]
    length = int(np.prod([shape[i] for i in last]))
    count = int(np.prod([shape[i] for i in order[: ndim - len(last)]]))
    rows = [a.reshape(count, length) for a in moved]
    result = np.empty((count, length), arrays[0].dtype.newbyteorder("="))
    for i in range(count):
        result[i] = method(*[a[i].copy() for a in rows])
    return result.reshape([shape[i] for i in order]).transpose(np.argsort(order))


@examples(150)
@given(
    name=st.sampled_from(["__call__", "backward", "backward_from_output"]),
    shape=st.lists(st.integers(0, 6), max_size=4).map(tuple) | st.tuples(st.integers(1, 3000)),
    dtype=st.sampled_from(FLOATS),
    with_out=st.booleans(),
    data=st.data(),
)
def test_softmax_of_any_view(name, shape, dtype, with_out, data):
    axis = data.draw(axes(len(shape)), label="axis")
    arrays = []
    for i in range(1 if name == "__call__" else 2):
        view, _ = data.draw(layouts(shape, dtype))
        view[...] = np.random.default_rng(i).normal(0, 3, shape)
        arrays.append(view)
    method = getattr(fa.softmax, name)
    expected = softmax_by_rows(method, arrays, axis)
    if not with_out:
        assert_same(method(*arrays, axis=axis), expected)
        return
    view, memory = data.draw(layouts(shape, dtype, writable=True))
    assert method(*arrays, axis=axis, out=view) is view
    assert_same(view, expected)
    view[...] = 7
    assert (memory == 7).all()
