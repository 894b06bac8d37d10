"""An activation behaves as a NumPy ufunc does; where the value is not the point, NumPy's own
functions are asked what that means."""

from __future__ import annotations

import contextlib
import copy
import gc
import inspect
import itertools
import pickle
import re
import sys
import tracemalloc
from array import array
from pathlib import Path

import numpy as np
import pytest
from instruction_sets import once

import fastact as fa
import fastact.buffers
from fastact.catalogue import CATALOGUE

pytestmark = pytest.mark.one_of_each_kind

OPERATIONS = ("value", "derivative", "backward", "value_and_derivative")
every_operation = pytest.mark.parametrize("operation", OPERATIONS)
WITH_PARAMETERS = [row for row in CATALOGUE if row.parameters]
with_parameters = pytest.mark.parametrize("row", WITH_PARAMETERS, ids=lambda row: row.name)


def member(activation, operation):
    return activation if operation == "value" else getattr(activation, operation)


def inputs(operation, x):
    """What an operation takes before its parameters."""
    return (np.asarray(x) * 0.75 + 1, x) if operation == "backward" else (x,)


def call(activation, operation, x, *parameters, **keywords):
    return member(activation, operation)(*inputs(operation, x), *parameters, **keywords)


def outputs(result):
    return result if isinstance(result, tuple) else (result,)


def other_values(row):
    """For each parameter a value that is not its default, exact in float32."""
    return {p.name: 0.25 + 0.5 * i for i, p in enumerate(row.parameters)}


def numbers(shape, dtype=np.float64):
    """Numbers of both signs, with 0 among them."""
    n = int(np.prod(shape))
    return ((np.arange(n) - n // 3) * 0.37).astype(dtype).reshape(shape)


def assert_same_bits(got, expected):
    for a, b in zip(outputs(got), outputs(expected), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def outcome(function, *args, **keywords):
    """What a call comes to, apart from the values."""
    try:
        results = outputs(function(*args, **keywords))
    except Exception as error:
        # NumPy's UFuncTypeErrors are private: what one can catch is TypeError.
        return next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")
    return [
        (type(y), y.dtype, y.shape, getattr(y, "strides", None), np.ma.getmaskarray(y).tolist())
        for y in results
    ]


# ---- parameters ---------------------------------------------------------------------------------


@every_operation
@with_parameters
def test_parameters_by_position_and_by_name(row, activation, dtype, operation):
    x = numbers(23, dtype)
    given = other_values(row)
    by_name = call(activation, operation, x, **given)
    assert_same_bits(call(activation, operation, x, *given.values()), by_name)
    assert_same_bits(call(activation.with_parameters(**given), operation, x), by_name)
    ufunc = member(activation, operation).ufunc
    assert_same_bits(ufunc(*inputs(operation, x), *map(dtype, given.values())), by_name)
    # Names that are not interned are found as well.
    spelt = {"".join(list(name)): value for name, value in given.items()}
    assert_same_bits(call(activation, operation, x, **spelt), by_name)


@every_operation
def test_defaults(row, activation, dtype, operation):
    x = numbers(23, dtype)
    defaults = activation.parameters
    assert defaults == {p.name: p.default for p in row.parameters}
    assert_same_bits(call(activation, operation, x, **defaults), call(activation, operation, x))


@every_operation
@with_parameters
def test_array_parameters_broadcast(row, activation, dtype, operation):
    x = numbers((2, 3, 5), dtype)
    for i, parameter in enumerate(row.parameters):
        channels = np.array([0.25, 0.5, 1.0], dtype)
        given = {parameter.name: channels[:, np.newaxis]}
        got = outputs(call(activation, operation, x, **given))
        for channel, slope in enumerate(channels):
            alone = call(activation, operation, x[:, channel], **{parameter.name: slope})
            assert_same_bits(tuple(y[:, channel] for y in got), alone)
        # The parameter can also be what is larger.
        one = x[1, 1, :1]
        wide = outputs(call(activation, operation, one, *[1.0] * i, channels))
        assert [y.shape for y in wide] == [(3,)] * len(wide)


def test_slope_per_channel_is_prelu():
    images = numbers((2, 3, 4, 4), np.float32)
    slopes = np.array([0.0, 0.25, 0.5], np.float32)
    y = fa.leaky_relu(images, slopes[:, np.newaxis, np.newaxis])
    expected = np.where(images >= 0, images, slopes[None, :, None, None] * images)
    np.testing.assert_array_equal(y, expected)
    assert y.dtype == np.float32


@every_operation
@with_parameters
def test_parameters_are_rounded_to_the_dtype_on_every_way(row, activation, operation):
    x = numbers(40, np.float32)
    given = {p.name: 0.1 + i for i, p in enumerate(row.parameters)}
    short = call(activation, operation, x, **given)
    assert_same_bits(call(activation, operation, np.repeat(x, 2)[::2], **given), short)
    rounded = {name: np.float32(value) for name, value in given.items()}
    assert_same_bits(call(activation, operation, x, **rounded), short)


@every_operation
@with_parameters
def test_nan_parameter_is_refused(row, activation, operation):
    x = numbers(5)
    out = np.full(5, 7.0)
    outs = {"out": (out, out.copy()) if operation == "value_and_derivative" else out}
    for parameter, nan in itertools.product(
        row.parameters, (float("nan"), np.float32("nan"), np.float64("nan"))
    ):
        with pytest.raises(ValueError, match=rf"{row.name}.*{parameter.name}.*nan"):
            call(activation, operation, x, **{parameter.name: nan}, **outs)
        with pytest.raises(ValueError, match=parameter.name):
            call(activation, operation, x[::2], **{parameter.name: nan})
        with pytest.raises(ValueError, match=parameter.name):
            call(activation, operation, 1.0, **{parameter.name: nan})
        with pytest.raises(ValueError, match=parameter.name):
            activation.with_parameters(**{parameter.name: nan})
    assert (out == 7).all()


WITH_RANGE = [(row, p) for row in CATALOGUE for p in row.parameters if p.domain != "any number"]


@every_operation
@pytest.mark.parametrize(("row", "parameter"), WITH_RANGE, ids=lambda it: it.name)
def test_parameter_out_of_its_range_is_refused(row, parameter, operation):
    """Before anything is written, on every way; what an array holds is its own affair."""
    activation = getattr(fa, row.name)
    x, out = numbers(5), np.full(5, 7.0)
    outs = {"out": (out, out.copy()) if operation == "value_and_derivative" else out}
    wrong = [-1.0, -5, -1e-300, -float("inf"), np.float64(-2), np.array(-0.5)]
    wrong += [0.0, 0, -0.0, np.float32(0)] if parameter.domain == "positive" else []
    for value in wrong:
        given = {parameter.name: value}
        for values in (x, x[::2], 1.5, [1.0]):
            keywords = outs if values is x else {}
            with pytest.raises(ValueError, match=rf"{row.name}.*{parameter.name}.*must be"):
                call(activation, operation, values, **given, **keywords)
        with pytest.raises(ValueError, match=parameter.domain):
            activation.with_parameters(**given)
        if operation != "value_and_derivative":
            buffered = member(getattr(fa.buffers, row.name), operation)
            with pytest.raises(ValueError, match=parameter.domain):
                buffered(*(array("d", v) for v in inputs(operation, x)), float(value))
    assert (out == 7).all()
    for value in (parameter.default, 5e-324, float("inf")):
        for y in outputs(call(activation, operation, x, **{parameter.name: value})):
            assert not np.isnan(y).any()
    array_valued = call(activation, operation, x, **{parameter.name: np.full(5, -1.0)})
    assert outputs(array_valued)[0].shape == x.shape


@every_operation
def test_bounds_in_the_wrong_order_are_refused(operation):
    x = numbers(5)
    function = member(fa.hard_tanh, operation)
    for values in (x, x[::2], 1.5):
        for given in ((2.0, 1.0), (2.0,), (np.float32(3), 2), (np.array(2.0), 1.0)):
            with pytest.raises(ValueError, match=r"min_val = \S+ and max_val"):
                function(*inputs(operation, values), *given)
        with pytest.raises(ValueError, match="max_val"):
            function(*inputs(operation, values), max_val=-1.5)
    with pytest.raises(ValueError, match="min_val must not be larger"):
        fa.hard_tanh.with_parameters(min_val=1.0, max_val=0.5)
    with pytest.raises(ValueError, match="min_val must not be larger"):
        member(fa.hard_tanh.with_parameters(min_val=2.0), operation)(*inputs(operation, x), 1.0)
    fixed = fa.hard_tanh.with_parameters(min_val=2.0)
    assert_same_bits(
        call(fixed, operation, x, max_val=3.0), function(*inputs(operation, x), 2.0, 3.0)
    )
    if operation != "value_and_derivative":
        with pytest.raises(ValueError, match="max_val"):
            member(fa.buffers.hard_tanh, operation)(
                *(array("d", v) for v in inputs(operation, x)), 2.0, 1.0
            )
    lower = np.array([-1.0, 3.0, 0.0, -2.0, 0.5])
    assert outputs(function(*inputs(operation, x), lower, 1.0))[0].shape == x.shape


@every_operation
@with_parameters
def test_parameter_given_twice(row, activation, operation):
    name = row.parameters[0].name
    with pytest.raises(TypeError, match=f"{name}.*by position and by name"):
        call(activation, operation, numbers(3), 0.5, **{name: 0.5})


# ---- with_parameters ----------------------------------------------------------------------------


@with_parameters
def test_with_parameters(row, activation):
    given = other_values(row)
    fixed = activation.with_parameters(**given)
    assert isinstance(fixed, fa.Activation)
    assert fixed.parameters == {}
    assert fixed.fixed == given
    assert fixed.__name__ == row.name
    assert fixed.ufunc is activation.ufunc
    assert list(fixed.__signature__.parameters)[:2] == ["x", "out"]
    described = ", ".join(f"{name}={value!r}" for name, value in given.items())
    assert repr(fixed) == f"<activation {row.name!r} with {described}>"
    assert f"{next(iter(given))} :" not in fixed.__doc__
    assert activation.fixed == {}  # itself it stays as it was
    name = row.parameters[0].name
    for error in (
        lambda: fixed(1.0, **{name: 1.0}),
        lambda: fixed.derivative(np.ones(3), **{name: 1.0}),
        lambda: fixed(1.0, 1.0),
        lambda: fixed.with_parameters(**{name: 1.0}),
    ):
        with pytest.raises(TypeError):
            error()


def test_with_parameters_fixes_one_of_several():
    several = [row for row in CATALOGUE if len(row.parameters) > 1]
    assert several
    for row in several:
        first, *rest = other_values(row).items()
        fixed = getattr(fa, row.name).with_parameters(**dict([first]))
        assert list(fixed.parameters) == [name for name, _ in rest]
        x = numbers(9)
        whole = getattr(fa, row.name)(x, **other_values(row))
        assert_same_bits(fixed(x, *(value for _, value in rest)), whole)
        assert_same_bits(fixed.with_parameters(**dict(rest))(x), whole)


@with_parameters
def test_array_valued_fixed_parameters(row, activation):
    given = {p.name: np.array([0.25, 1.0, 1.5], np.float32) for p in row.parameters}
    fixed = activation.with_parameters(**given)
    x = numbers((4, 3), np.float32)
    for operation in OPERATIONS:
        expected = call(activation, operation, x, **given)
        assert_same_bits(call(fixed, operation, x), expected)
        again = pickle.loads(pickle.dumps(fixed))
        assert_same_bits(call(again, operation, x), expected)


def test_with_parameters_refuses_what_is_none(row, activation):
    known = ", ".join(p.name for p in row.parameters) or "none"
    with pytest.raises(TypeError, match=f"{row.name}.*'nonsense'.*{known}"):
        activation.with_parameters(nonsense=1.0)
    with pytest.raises(TypeError):
        activation.with_parameters(x=1.0)
    for parameter in row.parameters:
        for value in ("0.5", 1j, None, object()):
            with pytest.raises(TypeError, match=row.name):
                activation.with_parameters(**{parameter.name: value})
    assert activation.with_parameters() is activation


# ---- wrong calls --------------------------------------------------------------------------------


@every_operation
def test_surplus_position_names_out(row, activation, operation):
    x = numbers(5)
    out = np.full(5, 7.0)
    with pytest.raises(TypeError, match=r"out="):
        call(activation, operation, x, *activation.parameters.values(), out)
    assert (out == 7).all()


@every_operation
def test_missing_inputs(activation, operation):
    function = member(activation, operation)
    with pytest.raises(TypeError, match="'grad'" if operation == "backward" else "'x'"):
        function()
    with pytest.raises(TypeError, match="'x'"):
        function(*([np.ones(3)] if operation == "backward" else []))
    with pytest.raises(TypeError, match="positional"):
        function(x=np.ones(3))


@every_operation
def test_unknown_keyword(row, activation, operation):
    for x in (numbers(5), numbers(5)[::2], 1.0, [1.0]):
        with pytest.raises(TypeError, match="nonsense"):
            call(activation, operation, x, nonsense=1)
        with pytest.raises(TypeError, match="axis"):
            call(activation, operation, x, axis=0)


UNSUPPORTED = [
    np.ones(2, np.complex64),
    np.ones(2, np.complex128),
    np.ones(2, object),
    np.array(["a", "b"]),
    np.array([b"a"]),
    np.array(["2020-01-01"], "datetime64[D]"),
    np.ones(2, "timedelta64[s]"),
    np.zeros(2, "V8"),
    np.zeros(2, [("a", "f4")]),
]
if np.dtype(np.longdouble).itemsize > 8:
    UNSUPPORTED.append(np.ones(2, np.longdouble))


@pytest.mark.parametrize("x", UNSUPPORTED, ids=lambda x: str(x.dtype))
@every_operation
def test_unsupported_dtype_names_function_and_dtype(row, activation, operation, x):
    name = member(activation, operation).__name__
    match = re.escape(name) + ".*" + re.escape(str(x.dtype))
    arguments = [x] * len(inputs(operation, 1.0))
    with pytest.raises(TypeError, match=match):
        member(activation, operation)(*arguments)
    # Only one of the inputs is wrong.
    for i in range(len(arguments)):
        mixed = [x if i == j else np.ones(x.shape) for j in range(len(arguments))]
        with pytest.raises(TypeError, match=match):
            member(activation, operation)(*mixed)
    for parameter in row.parameters:
        with pytest.raises(TypeError, match=match):
            call(activation, operation, np.ones(x.shape), **{parameter.name: x})


@pytest.mark.parametrize("x", ["a", None, 1j, Ellipsis, {"a": 1}, b"a"], ids=repr)
def test_unsupported_object(activation, x):
    with pytest.raises(TypeError):
        activation(x)


# ---- out ----------------------------------------------------------------------------------------


def new_outs(operation, make):
    return tuple(make() for _ in range(2 if operation == "value_and_derivative" else 1))


def as_argument(outs):
    return outs if len(outs) == 2 else outs[0]


@every_operation
def test_out_is_returned_whatever_its_layout(row, activation, dtype, operation):
    x = numbers((5, 6), dtype)
    expected = call(activation, operation, x)
    for make in (
        lambda: np.full((5, 6), 7, dtype),
        lambda: np.full((5, 6), 7, dtype, order="F"),
        lambda: np.full((6, 5), 7, dtype).T,
        lambda: np.full((5, 6), 7, dtype)[::-1, ::-1],
        lambda: np.full((5, 12), 7, dtype)[:, ::2],
        lambda: np.full((9, 6, 3), 7, dtype)[2:7, :, 1],
        lambda: np.full((5, 6), 7, np.dtype(dtype).newbyteorder()),
        lambda: np.frombuffer(bytearray(30 * x.itemsize + 1), dtype, 30, 1).reshape(5, 6),
    ):
        outs = new_outs(operation, make)
        results = outputs(call(activation, operation, x, out=as_argument(outs)))
        assert all(a is b for a, b in zip(results, outs, strict=True))
        assert_same_bits(tuple(y.astype(dtype) for y in outs), expected)
        # A tuple is what NumPy takes for any number of outputs.
        outs = new_outs(operation, make)
        results = outputs(call(activation, operation, x, out=outs))
        assert all(a is b for a, b in zip(results, outs, strict=True))
        assert_same_bits(tuple(y.astype(dtype) for y in outs), expected)


@every_operation
def test_out_leaves_its_surroundings_alone(activation, dtype, operation):
    for n in (0, 1, 2, 3, 7, 8, 9, 31, 64, 100):
        memories = new_outs(operation, lambda: np.full(n + 40, 7, dtype))  # noqa: B023
        outs = tuple(memory[20 : n + 20] for memory in memories)
        call(activation, operation, numbers(n, dtype), out=as_argument(outs))
        for memory in memories:
            assert (memory[:20] == 7).all()
            assert (memory[n + 20 :] == 7).all()


@every_operation
def test_out_none(activation, operation):
    x = numbers(4)
    expected = call(activation, operation, x)
    assert_same_bits(call(activation, operation, x, out=None), expected)
    assert_same_bits(
        call(activation, operation, x, out=tuple(None for _ in outputs(expected))), expected
    )


def test_one_of_two_outs(activation):
    x = numbers(6)
    value, derivative = activation.value_and_derivative(x)
    out = np.empty(6)
    for i, outs in enumerate([(out, None), (None, out)]):
        got = activation.value_and_derivative(x, out=outs)
        assert got[i] is out
        assert_same_bits(got, (value, derivative))


@every_operation
def test_in_place(row, activation, dtype, operation):
    for n in (1, 5, 64, 1000):
        original = numbers(n, dtype)
        expected = outputs(call(activation, operation, original))
        views = (
            lambda: original.copy(),  # noqa: B023
            lambda: np.repeat(original, 3)[::3],  # noqa: B023
            lambda: original[::-1].copy()[::-1],  # noqa: B023
        )
        for i, view in itertools.product(range(len(expected)), views):
            x = view()
            outs = list(new_outs(operation, lambda: np.empty(n, dtype)))  # noqa: B023
            outs[i] = x
            grad = original * 0.75 + 1
            arguments = (grad, x) if operation == "backward" else (x,)
            member(activation, operation)(*arguments, out=as_argument(tuple(outs)))
            assert_same_bits(tuple(outs), expected)
        if operation == "backward":
            grad = original * 0.75 + 1
            assert activation.backward(grad, original, out=grad) is grad
            assert_same_bits(grad, expected)


@every_operation
@pytest.mark.parametrize("shift", [-1000, -9, -1, 1, 8, 1000])
def test_out_that_overlaps_by_a_shift(activation, dtype, operation, shift, low_threshold):
    # NumPy copies no input that is read before it is written when gone through in order. Threads
    # do not go in order.
    n = 3000
    memory = numbers(n + 2000, dtype)
    x = memory[1000 : n + 1000]
    expected = call(activation, operation, x.copy())
    overlapping = memory[1000 + shift : n + 1000 + shift]
    outs = (overlapping, np.empty(n, dtype))[: len(outputs(expected))]
    call(activation, operation, x, out=as_argument(outs))
    assert_same_bits(outs, expected)


@every_operation
def test_out_reversed_over_its_input(activation, dtype, operation):
    x = numbers(301, dtype)
    expected = call(activation, operation, x)
    outs = (x[::-1], np.empty(301, dtype))[: len(outputs(expected))]
    call(activation, operation, x, out=as_argument(outs))
    assert_same_bits(outs, expected)


def test_transposed_over_its_input(activation, dtype):
    x = numbers((40, 40), dtype)
    expected = activation(x)
    activation(x, out=x.T)
    assert_same_bits(x.T, expected)


@every_operation
def test_wrong_out_is_an_error_and_nothing_is_written(activation, operation):
    x = numbers((4, 5))
    number = 2 if operation == "value_and_derivative" else 1
    reference = np.modf if number == 2 else np.tanh
    read_only = np.full((4, 5), 7.0)
    read_only.flags.writeable = False
    for wrong in (
        np.full((5, 4), 7.0),
        np.full((4, 4), 7.0),
        np.full(20, 7.0),
        np.full((), 7.0),
        np.full((4, 5), 7),
        np.full((4, 5), True),
        read_only,
        [[7.0] * 5] * 4,
        7.0,
        "out",
    ):
        before = copy.deepcopy(wrong)
        outs = (wrong, np.empty((4, 5)))[:number]
        expected = outcome(reference, x, out=as_argument(outs))
        assert expected in (TypeError, ValueError)
        function = member(activation, operation)
        assert outcome(function, *inputs(operation, x), out=as_argument(outs)) is expected
        assert np.array_equal(np.asarray(wrong), np.asarray(before))
    for outs in ((), (np.empty((4, 5)),) * (number + 1)):
        with pytest.raises((TypeError, ValueError)):
            call(activation, operation, x, out=outs)


def test_two_outputs_take_no_single_out(activation):
    with pytest.raises(TypeError):
        activation.value_and_derivative(numbers(3), out=np.empty(3))


def test_out_broadcasts_as_numpy_does(activation):
    x = numbers(4)
    out = np.empty((3, 4))
    assert activation(x, out=out) is out
    assert_same_bits(out, np.broadcast_to(activation(x), (3, 4)))


# ---- the keywords of a ufunc --------------------------------------------------------------------


@every_operation
def test_where(activation, dtype, operation):
    x = numbers((6, 7), dtype)
    whole = outputs(call(activation, operation, x))
    for mask in (
        np.arange(42).reshape(6, 7) % 3 == 0,
        np.arange(7) % 2 == 1,
        True,
        False,
        np.zeros((6, 1), bool),
    ):
        outs = new_outs(operation, lambda: np.full((6, 7), 7, dtype))
        call(activation, operation, x, out=as_argument(outs), where=mask)
        for y, complete in zip(outs, whole, strict=True):
            np.testing.assert_array_equal(y, np.where(mask, complete, dtype(7)))
    with pytest.raises(TypeError):
        call(activation, operation, x, where=np.ones((6, 7)), out=as_argument(outs))
    with pytest.raises(ValueError):
        call(activation, operation, x, where=np.ones(5, bool), out=as_argument(outs))


def test_where_in_place(activation):
    x = numbers(50)
    mask = np.arange(50) % 2 == 0
    expected = np.where(mask, activation(x), x)
    activation(x, out=x, where=mask)
    assert_same_bits(x, expected)


@every_operation
def test_dtype_keyword(activation, operation):
    for x in (numbers(9), numbers(9, np.float32), numbers(9, np.int16)):
        for wanted in (np.float32, np.float64, "f4", np.dtype("f8")):
            got = outputs(call(activation, operation, x, dtype=wanted))
            assert {y.dtype for y in got} == {np.dtype(wanted)}
    for wrong in (np.longdouble, np.complex128, "U1", object):
        with pytest.raises(TypeError):
            call(activation, operation, numbers(3), dtype=wrong)


@pytest.mark.parametrize("casting", ["no", "equiv", "safe", "same_kind", "unsafe", "nonsense"])
@pytest.mark.parametrize("from_dtype", ["f4", "f8", ">f8", "i8"])
def test_casting_is_numpys(activation, casting, from_dtype):
    x = numbers(6).astype(from_dtype)
    if x.dtype.kind == "i" and (casting in ("no", "equiv") or activation(x).dtype == x.dtype):
        pytest.skip("np.tanh has no loop for integers")
    # A parameter is a Python float, as the 1.0 is.
    similar = np.tanh if activation.nin == 1 else lambda x, **k: np.arctan2(x, 1.0, **k)
    for to in (None, "f4", "f8", ">f4", "i8", "c16"):
        out = None if to is None else np.zeros(6, to)
        assert outcome(activation, x, out=out, casting=casting) == outcome(
            similar, x, out=out, casting=casting
        )
    for wanted in ("f4", "f8"):
        assert outcome(activation, x, dtype=wanted, casting=casting) == outcome(
            similar, x, dtype=wanted, casting=casting
        )


@pytest.mark.parametrize("order", ["C", "F", "A", "K", "Z"])
@every_operation
def test_order_is_numpys(activation, order, operation):
    base = numbers((3, 4, 5), np.float32)
    for x in (base, np.asfortranarray(base), base.transpose(1, 2, 0), base[:, ::2], base[::-1]):
        got = outcome(lambda x, order: call(activation, operation, x, order=order), x, order=order)
        if operation == "backward":
            expected = outcome(lambda x, order: np.arctan2(x * 0.75, x, order=order), x, order)
        else:
            expected = outcome(np.tanh, x, order=order)
        assert got == (
            expected * 2 if operation == "value_and_derivative" and order != "Z" else expected
        )


def test_default_layout_is_numpys(activation, dtype):
    base = numbers((3, 4, 5), dtype)
    for x in (base, np.asfortranarray(base), base.transpose(2, 0, 1), base[:, 1:3], base[::-1].T):
        assert outcome(activation, x) == outcome(np.tanh, x)


def test_signature_keyword(row, activation):
    x = numbers(5, np.float32)
    letters = "d" * activation.nin + "->d"
    assert activation(x, signature=letters).dtype == np.float64
    assert activation(x, signature=("d",) * (activation.nin + 1)).dtype == np.float64
    with pytest.raises(TypeError):
        activation(x, signature="g" * activation.nin + "->g")


# ---- subclasses ---------------------------------------------------------------------------------


class Tagged(np.ndarray):
    """A subclass that keeps what it was tagged with."""

    def __array_finalize__(self, parent):
        self.tag = getattr(parent, "tag", None)


@every_operation
def test_subclass_is_kept_unless_subok_is_false(activation, operation):
    x = numbers((2, 3)).view(Tagged)
    x.tag = "mine"
    for y in outputs(member(activation, operation)(*[x] * len(inputs(operation, 1.0)))):
        assert type(y) is Tagged
        assert y.tag == "mine"
    arguments = [x] * len(inputs(operation, 1.0))
    for y in outputs(member(activation, operation)(*arguments, subok=False)):
        assert type(y) is np.ndarray


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_matrix(activation):
    x = np.matrix([[1.0, -2.0], [0.0, 3.0]])
    assert outcome(activation, x) == outcome(np.tanh, x)
    assert type(activation(x)) is np.matrix
    assert type(activation(x, subok=False)) is np.ndarray


@every_operation
def test_masked_arrays_keep_their_mask(activation, operation):
    x = np.ma.array([1.0, -2.0, 3.0], mask=[False, True, False])
    result = member(activation, operation)(*[x] * len(inputs(operation, 1.0)))
    for y in outputs(result):
        assert isinstance(y, np.ma.MaskedArray)
        assert np.ma.getmaskarray(y).tolist() == [False, True, False]
    assert outcome(activation, x) == outcome(np.tanh, x)


def test_memmap(activation, dtype, tmp_path):
    path = tmp_path / "numbers"
    x = numbers(1000, dtype)
    x.tofile(path)
    for mode in ("r", "r+", "c"):
        mapped = np.memmap(path, dtype, mode)
        assert outcome(activation, mapped) == outcome(np.tanh, mapped)
        assert_same_bits(np.asarray(activation(mapped)), activation(x))
    target = np.memmap(path, dtype, "r+")
    assert activation(x, out=target) is target
    target.flush()
    assert_same_bits(np.fromfile(path, dtype), activation(x))
    with pytest.raises(ValueError, match="read-only"):
        activation(x, out=np.memmap(path, dtype, "r"))


# ---- all kinds of x -----------------------------------------------------------------------------


@every_operation
def test_scalars(activation, operation):
    for x in (0.5, np.float64(0.5), np.float32(0.5), np.array(0.5), np.array(0.5, np.float32)):
        grad = np.asarray(x).dtype.type(1.375)
        grad = float(grad) if isinstance(x, float) and type(x) is float else grad
        arguments = (grad, x) if operation == "backward" else (x,)
        got = outputs(member(activation, operation)(*arguments))
        expected = outcome(np.tanh, x)
        assert outcome(member(activation, operation), *arguments) == expected * len(got)
        as_array = tuple(np.atleast_1d(argument) for argument in arguments)
        for y, one in zip(got, outputs(member(activation, operation)(*as_array)), strict=True):
            assert_same_bits(np.atleast_1d(y), one)


def test_lists_and_tuples(activation):
    for x in ([1.0, -2.0], (0.5,), [[1.0, 2.0], [3.0, 4.0]], [np.float32(1)], []):
        assert outcome(activation, x) == outcome(np.tanh, x)
        assert_same_bits(activation(x), activation(np.array(x)))
    with pytest.raises(ValueError):
        activation([[1.0], [1.0, 2.0]])


@every_operation
def test_zero_dimensional_out(activation, dtype, operation):
    outs = new_outs(operation, lambda: np.full((), 7, dtype))
    got = outputs(call(activation, operation, np.array(-0.5, dtype), out=as_argument(outs)))
    assert all(a is b for a, b in zip(got, outs, strict=True))
    assert_same_bits(outs, call(activation, operation, np.array(-0.5, dtype)))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0, 2), (2, 0)])
@every_operation
def test_empty(activation, dtype, operation, shape):
    x = np.empty(shape, dtype)
    for y in outputs(call(activation, operation, x)):
        assert y.shape == shape
        assert y.dtype == dtype
    outs = new_outs(operation, lambda: np.empty(shape, dtype))
    assert all(
        a is b
        for a, b in zip(
            outputs(call(activation, operation, x, out=as_argument(outs))), outs, strict=True
        )
    )


@every_operation
def test_integers_are_computed_as_float64(row, activation, operation):
    for kind in "?bBhHiIlLqQ":
        x = np.array([0, 1, 3]).astype(kind)
        got = member(activation, operation)(*[x] * len(inputs(operation, 1.0)))
        expected = member(activation, operation)(
            *[x.astype(np.float64)] * len(inputs(operation, 1.0))
        )
        if row.keeps_integers and operation == "value" and kind != "?":
            expected = expected.astype(kind)
        assert_same_bits(got, expected)


@every_operation
@with_parameters
def test_integers_do_not_make_integers_of_parameters(row, activation, operation):
    x = np.array([-3, 0, 2], np.int8)
    given = other_values(row)
    grad = (np.array([2.0, -1.0, 0.5]),) if operation == "backward" else ()
    function = member(activation, operation)
    assert_same_bits(function(*grad, x, **given), function(*grad, x.astype(np.float64), **given))


@every_operation
def test_byte_swapped(activation, dtype, operation):
    x = numbers(600, dtype)
    swapped = x.astype(np.dtype(dtype).newbyteorder())
    assert not swapped.dtype.isnative
    got = call(activation, operation, swapped)
    assert_same_bits(got, call(activation, operation, x))
    assert all(y.dtype.isnative for y in outputs(got))


@every_operation
def test_unaligned(activation, dtype, operation):
    x = numbers(600, dtype)
    for offset in (1, 2, 3):
        memory = np.zeros(x.nbytes + offset, np.uint8)
        memory[offset:] = x.view(np.uint8)
        unaligned = memory[offset:].view(dtype)
        assert not unaligned.flags.aligned
        assert_same_bits(call(activation, operation, unaligned), call(activation, operation, x))
    packed = np.zeros(x.size, [("c", "S1"), ("v", dtype)])
    packed["v"] = x
    assert_same_bits(call(activation, operation, packed["v"]), call(activation, operation, x))


@every_operation
def test_read_only_input(activation, dtype, operation):
    x = numbers(100, dtype)
    expected = call(activation, operation, x)
    x.flags.writeable = False
    assert_same_bits(call(activation, operation, x), expected)
    assert_same_bits(call(activation, operation, np.frombuffer(x.tobytes(), dtype)), expected)
    once = np.broadcast_to(x[:1], (50,))
    assert_same_bits(call(activation, operation, once), call(activation, operation, once.copy()))


@every_operation
def test_arguments_are_left_unchanged(row, activation, dtype, operation):
    x = numbers(50, dtype)
    before = x.copy()
    parameters = {p.name: np.full(50, 0.5, dtype) for p in row.parameters}
    call(activation, operation, x, **parameters)
    assert_same_bits(x, before)
    assert all((value == 0.5).all() for value in parameters.values())


# ---- the dtype of the result --------------------------------------------------------------------


@with_parameters
@pytest.mark.parametrize(
    ("kind", "strong"),
    [
        (float, False),
        (int, False),
        (bool, False),
        (np.float32, False),
        (np.float16, False),
        (np.float64, True),
        (np.int64, True),
        (np.array, True),
    ],
)
def test_promotion_is_that_of_nep_50(row, activation, kind, strong):
    x = numbers(5, np.float32)
    name = row.parameters[0].name
    value = kind(1.0)
    for operation in OPERATIONS:
        for y in outputs(call(activation, operation, x, **{name: value})):
            assert y.dtype == (np.float64 if strong else np.float32)
    assert activation(x, value).dtype == np.arctan2(x, value).dtype
    assert activation(x.astype(np.float64), value).dtype == np.float64
    assert activation(np.float32(1), value).dtype == np.arctan2(np.float32(1), value).dtype


def test_backward_promotes(activation):
    single, double = numbers(5, np.float32), numbers(5)
    assert activation.backward(single, single).dtype == np.float32
    assert activation.backward(1.0, single).dtype == np.float32
    assert activation.backward(single, double).dtype == np.float64
    assert activation.backward(double, single).dtype == np.float64
    assert activation.backward(np.float64(1), single).dtype == np.float64
    expected = activation.backward(double, single.astype(np.float64))
    assert_same_bits(activation.backward(double, single), expected)


def test_backward_broadcasts(activation, dtype):
    grad, x = numbers((4, 1), dtype), numbers(5, dtype)
    whole = activation.backward(np.repeat(grad, 5, axis=1), np.tile(x, (4, 1)))
    assert_same_bits(activation.backward(grad, x), whole)
    with pytest.raises(ValueError, match="broadcast"):
        activation.backward(np.ones(4, dtype), np.ones(5, dtype))


# ---- other libraries' arrays --------------------------------------------------------------------


class Foreign:
    """An array of another library, which answers to ufuncs itself."""

    def __init__(self):
        self.asked = []

    def __array_ufunc__(self, ufunc, method, *arguments, **keywords):
        self.asked.append((ufunc, method, arguments, keywords))
        return "answered"

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("it must not be made an ndarray")


@every_operation
def test_array_ufunc_is_asked(row, activation, operation):
    x = Foreign()
    arguments = (2.0, x) if operation == "backward" else (x,)
    assert member(activation, operation)(*arguments, where=True) == "answered"
    ((ufunc, method, given, keywords),) = x.asked
    assert ufunc is member(activation, operation).ufunc
    assert method == "__call__"
    assert given == (*arguments, *(p.default for p in row.parameters))
    assert keywords == {"where": True}


def test_array_ufunc_of_out_is_asked(activation):
    out = Foreign()
    assert activation(np.ones(3), out=out) == "answered"
    assert out.asked[0][3]["out"] == (out,)


def test_errors_of_array_ufunc_are_passed_on(activation):
    class Refusing(Foreign):
        def __array_ufunc__(self, *_, **__):
            raise TypeError("not with me")

    class Silent(Foreign):
        def __array_ufunc__(self, *_, **__):
            return NotImplemented

    class Never(Foreign):
        __array_ufunc__ = None

    with pytest.raises(TypeError, match="not with me"):
        activation(Refusing())
    with pytest.raises(TypeError, match="NotImplemented"):
        activation(Silent())
    with pytest.raises(TypeError, match="does not support ufuncs"):
        activation(Never())


def test_array_protocol(activation):
    class Convertible:
        def __array__(self, dtype=None, copy=None):
            return np.array([1.0, -1.0], np.float32)

    assert_same_bits(activation(Convertible()), activation(np.array([1.0, -1.0], np.float32)))


# ---- attributes ---------------------------------------------------------------------------------


def test_attributes(row, activation):
    assert isinstance(activation, fa.Activation)
    assert activation.__name__ == activation.__qualname__ == row.name
    assert activation.__module__ == "fastact"
    assert activation.formula == row.formula
    assert activation.derivative.formula == row.derivative
    assert activation.max_ulp == {d: b["value"] for d, b in row.max_ulp.items()}
    for operation in OPERATIONS[1:]:
        expected = {dtype: row.bound(dtype, operation) for dtype in row.max_ulp}
        assert member(activation, operation).max_ulp == expected
    slopes = activation.derivative.max_ulp
    assert slopes == {d: b["derivative"] for d, b in row.max_ulp.items()}
    assert all(activation.backward.max_ulp[d] > bound for d, bound in slopes.items())
    assert repr(activation) == f"<activation {row.name!r}>"


@every_operation
def test_ufunc_behind(row, activation, operation):
    function = member(activation, operation)
    ufunc = function.ufunc
    assert isinstance(ufunc, np.ufunc)
    assert function.nin == ufunc.nin == len(inputs(operation, 1.0)) + len(row.parameters)
    assert function.nout == ufunc.nout == 1 + (operation == "value_and_derivative")
    assert function.nargs == ufunc.nargs == ufunc.nin + ufunc.nout
    assert function.types == ufunc.types
    assert ufunc.__name__ == (row.name if operation == "value" else f"{row.name}_{operation}")
    assert row.name in ufunc.__doc__
    # Integers first: NumPy takes the first loop to which all inputs can be cast. A single one has
    # its own loop; Polars takes the first of the list that it can cast to.
    kinds = "".join(types[len(inputs(operation, 1.0)) - 1] for types in ufunc.types)
    assert kinds == ("fde?bBhHiIlLqQ" if ufunc.nin == 1 else "?bBhHiIlLqQefd")
    assert {types.split("->")[1] for types in ufunc.types if types[0] in "dfe"} <= {
        "e",
        "f",
        "d",
        "ee",
        "ff",
        "dd",
    }
    assert not hasattr(function, "nonsense")


@every_operation
def test_signature(row, activation, operation):
    function = member(activation, operation)
    signature = inspect.signature(function)
    assert signature == function.__signature__
    names = ["grad", "x"] if operation == "backward" else ["x"]
    names += [p.name for p in row.parameters]
    kinds = inspect.Parameter
    parameters = list(signature.parameters.values())
    assert [p.name for p in parameters if p.kind is not kinds.KEYWORD_ONLY] == names
    assert {p.name: p.default for p in parameters if p.kind is kinds.POSITIONAL_OR_KEYWORD} == (
        activation.parameters
    )
    keywords = {p.name: p.default for p in parameters if p.kind is kinds.KEYWORD_ONLY}
    usual = ["out", "where", "casting", "order", "dtype", "subok", "signature"]
    assert list(keywords) == [*usual, *row.variants]
    # The defaults are what they say.
    x = numbers(5)
    if operation == "value_and_derivative":
        assert keywords["out"] == (None, None)
    assert keywords.pop("signature") is None  # which NumPy refuses beside a dtype
    assert_same_bits(call(activation, operation, x, **keywords), call(activation, operation, x))


@every_operation
def test_gelu_hands_on_to_its_approximation(operation):
    x = numbers(50, np.float32)
    expected = call(fa.gelu_tanh, operation, x)
    assert_same_bits(call(fa.gelu, operation, x, approximate="tanh"), expected)
    assert_same_bits(
        call(fa.gelu, operation, x, approximate="tanh", order="K"),
        expected,
    )
    assert_same_bits(call(fa.gelu, operation, x, approximate="none"), call(fa.gelu, operation, x))
    for wrong in ("erf", None, 1, ["tanh"]):
        with pytest.raises(ValueError, match=r"gelu.*approximate = .*'none' or 'tanh'"):
            call(fa.gelu, operation, x, approximate=wrong)
    with pytest.raises(TypeError):
        call(fa.gelu_tanh, operation, x, approximate="tanh")
    assert fa.gelu.with_parameters(approximate="tanh") is fa.gelu_tanh
    assert fa.gelu.with_parameters(approximate="none") is fa.gelu


@every_operation
def test_attributes_cannot_be_set(activation, operation):
    function = member(activation, operation)
    for name in ("__name__", "__doc__", "ufunc", "parameters", "nonsense", "derivative"):
        with pytest.raises(AttributeError):
            setattr(function, name, None)
    function.parameters["nonsense"] = 1.0  # a copy
    assert "nonsense" not in function.parameters


def test_activations_are_not_made_by_hand():
    for kind in (fa.Activation, type(fa.tanh.derivative)):
        with pytest.raises(TypeError, match="fastact"):
            kind()
        # Nor by going round __init__: an error, not a crash.
        with pytest.raises(TypeError):
            kind.__new__(kind)(1.0)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@every_operation
def test_identity_after_pickle(activation, operation, protocol):
    function = member(activation, operation)
    assert pickle.loads(pickle.dumps(function, protocol)) is function


@every_operation
def test_identity_after_copy(activation, operation):
    function = member(activation, operation)
    assert copy.copy(function) is function
    assert copy.deepcopy([function])[0] is function
    assert {function: 1}[function] == 1
    assert function == function
    assert function != fa.softmax


@with_parameters
@every_operation
def test_pickle_of_fixed_parameters(row, activation, operation):
    fixed = member(activation.with_parameters(**other_values(row)), operation)
    again = pickle.loads(pickle.dumps(fixed))
    assert repr(again) == repr(fixed)
    assert again.fixed == other_values(row)
    x = numbers(9)
    assert_same_bits(again(*inputs(operation, x)), fixed(*inputs(operation, x)))
    assert copy.deepcopy(fixed) is fixed


def test_cloudpickle(activation):
    cloudpickle = pytest.importorskip("cloudpickle")
    function = pickle.loads(cloudpickle.dumps(lambda x: activation(x)))
    assert_same_bits(function(numbers(5)), activation(numbers(5)))


# ---- the catalogue ------------------------------------------------------------------------------


def test_every_name_of_a_row_is_the_same_object(row, activation):
    for alias in row.aliases:
        assert getattr(fa, alias) is activation
    assert activation.__name__ == row.name


def test_names_are_unique():
    names = [name for row in CATALOGUE for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() for name in names)


def test_catalogue_and_c_agree():
    header = Path(__file__).parent.parent / "src_c" / "activations.h"
    if not header.exists():
        pytest.skip("needs the source tree: src_c/")
    text = header.read_text(encoding="utf-8")
    kinds = ("PLAIN", "PARAMETER", "TWO_PARAMETERS")
    listed = re.findall(rf"^ +({'|'.join(kinds)}|INTEGER)\((\w+)", text, re.MULTILINE)
    assert sorted(listed) == sorted(
        ("INTEGER" if row.keeps_integers else kinds[len(row.parameters)], row.name)
        for row in CATALOGUE
    )


def test_import_star():
    names = {}
    exec("from fastact import *", names)
    del names["__builtins__"]
    assert set(names) == set(fa.__all__)
    assert len(fa.__all__) == len(set(fa.__all__))
    for row in CATALOGUE:
        for name in (row.name, *row.aliases):
            assert names[name] is getattr(fa, name)
    activations = {name for name, value in names.items() if isinstance(value, fa.Activation)}
    assert activations == {name for row in CATALOGUE for name in (row.name, *row.aliases)}


# ---- nothing is kept ----------------------------------------------------------------------------


def ways_to_call(row, activation, operation):
    """Calls that succeed and calls that fail, by every way through the code."""
    x = numbers(64, np.float32)
    out = new_outs(operation, lambda: np.empty(64, np.float32))
    alpha = np.float32(0.5)
    parameters = {p.name: 0.5 for p in row.parameters}
    arrays = {p.name: np.full(64, 0.5, np.float32) for p in row.parameters}
    small = new_outs(operation, lambda: np.empty(3, np.float32))
    grad = [np.ones(64, np.float32)] if operation == "backward" else []
    function = member(activation, operation)
    calls = [
        lambda: function(*grad, x),
        lambda: function(*grad, x, out=as_argument(out)),
        lambda: function(*grad, x, **parameters),
        lambda: function(*grad, x, *parameters.values()),
        lambda: function(*grad, x, **arrays),
        lambda: function(*grad, x[::2] if not grad else x, *[alpha] * len(parameters)),
        lambda: function(*[1.5] * (len(grad) + 1)),
        lambda: function(*grad, x, dtype=np.float64),
        lambda: function(*grad, x, out=as_argument(small)),
        lambda: function(*grad, x, nonsense=alpha),
        lambda: function(*grad, x, *parameters.values(), out),
        lambda: function(*grad, x.astype(complex)),
        lambda: function(*grad, x, *[float("nan")] * len(parameters)),
        lambda: function(),
        lambda: activation.with_parameters(**parameters),
        lambda: activation.with_parameters(nonsense=x),
        lambda: (function.__doc__, function.__signature__, repr(function), function.types),
    ]
    watched = [
        x,
        *out,
        *small,
        alpha,
        *grad,
        *arrays.values(),
        function,
        activation,
        function.ufunc,
    ]
    return calls, watched


@once
@every_operation
def test_reference_counts_stay_flat(row, activation, operation):
    calls, watched = ways_to_call(row, activation, operation)

    def run(times):
        for call_it in calls:
            for _ in range(times):
                with contextlib.suppress(TypeError, ValueError):
                    call_it()

    def growth(rounds):
        gc.collect()
        memory = tracemalloc.get_traced_memory()[0]
        run(rounds)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - memory

    rounds = 60
    run(3)
    before = [sys.getrefcount(thing) for thing in watched]
    tracemalloc.start()
    try:
        growth(rounds)
        # The smallest object, lost once a round, comes to more every time; the interpreter's own
        # caches grow now and then.
        assert any(growth(rounds) < rounds * 16 for _ in range(5))
    finally:
        tracemalloc.stop()
    # Fewer is no leak: what other tests left behind may go meanwhile.
    after = [sys.getrefcount(thing) for thing in watched]
    assert all(now <= then for now, then in zip(after, before, strict=True))


# ---- the methods that every ufunc of two inputs has ---------------------------------------------


def one_after_the_other(function, numbers):
    """What accumulate is defined as."""
    results = [numbers[0]]
    for number in numbers[1:]:
        results.append(function(results[-1], number))
    return np.array(results)


BINARY = [
    pytest.param(operation, id=operation.__name__)
    for row in CATALOGUE
    for operation in (
        *(
            [getattr(fa, row.name)]
            if len(row.parameters) == 1 and row.parameters[0].domain == "any number"
            else []
        ),
        *([] if row.parameters else [getattr(fa, row.name).backward]),
    )
]


@pytest.mark.parametrize("n", [1, 2, 7, 600, 1500])
@pytest.mark.parametrize("operation", BINARY)
def test_accumulate_and_reduce(operation, n, low_threshold):
    """Each step needs the one before: no tile and no second thread may run ahead."""
    numbers = np.random.default_rng(n).normal(1, 1, n)
    expected = one_after_the_other(operation, numbers)
    for values in (numbers, np.repeat(numbers, 2)[::2], numbers[::-1].copy()[::-1]):
        np.testing.assert_array_equal(operation.ufunc.accumulate(values), expected)
        assert operation.ufunc.reduce(values) == expected[-1]
    columns = np.stack([numbers, numbers], axis=1)
    np.testing.assert_array_equal(operation.ufunc.reduce(columns), [expected[-1]] * 2)


@pytest.mark.parametrize("operation", BINARY)
def test_at(operation):
    numbers = np.array([-1.0, 0.5, 2.0])
    expected = numbers.copy()
    for i, number in ((0, 0.25), (2, 3.0), (0, -2.0)):
        expected[i] = operation(expected[i], number)
    operation.ufunc.at(numbers, [0, 2, 0], [0.25, 3.0, -2.0])
    np.testing.assert_array_equal(numbers, expected)


# ---- equality -----------------------------------------------------------------------------------


def test_equality_is_that_of_what_is_computed(row, activation):
    if not row.parameters:
        assert activation != activation.derivative
        return
    name = row.parameters[0].name
    one, other = (activation.with_parameters(**{name: 0.25}) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one
    assert one != activation
    assert one != activation.with_parameters(**{name: 0.5})
    assert one != one.derivative
    assert one != 0.25
    slopes = np.array([0.25, 0.5])
    array = activation.with_parameters(**{name: slopes})
    assert array == array
    assert array != activation.with_parameters(**{name: slopes})


def test_a_parameter_that_is_none_or_a_nan_of_no_dimension_is_named():
    for row in CATALOGUE:
        for parameter in row.parameters:
            function = getattr(fa, row.name)
            with pytest.raises(TypeError, match=f"{parameter.name} = None"):
                function(np.ones(3), **{parameter.name: None})
            with pytest.raises(ValueError, match=f"{parameter.name} = nan"):
                function(np.ones(3), **{parameter.name: np.array(np.nan)})


def test_a_parameter_beyond_float32_warns_in_every_layout():
    x = np.linspace(-2, 2, 5, dtype=np.float32)
    for values in (x, np.repeat(x, 2)[::2]):
        with pytest.warns(RuntimeWarning, match="overflow"):
            assert fa.elu(values, 1e300)[0] == -np.inf


SCALARS = [0.5, np.float16(0.5), np.float32(0.5), np.float64(0.5)]
NO_DIMENSION = [np.array(0.5, dtype) for dtype in ("f2", "f4", "f8", ">f4")]
SMALL = [np.array([-1.0, 0.5], dtype) for dtype in ("f2", "f4", "f8")]


def same_as_of_ufunc(got, wanted):
    assert type(got) is type(wanted)
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("x", [*SCALARS, *NO_DIMENSION, *SMALL], ids=repr)
def test_scalars_and_arrays_of_no_dimension_are_as_for_the_ufunc(x):
    """Types and dtypes too, however they are mixed: most go a shorter way than the ufunc's."""
    for parameter in (*SCALARS, *NO_DIMENSION):
        same_as_of_ufunc(fa.elu(x, parameter), fa.elu.ufunc(x, parameter))
    for grad in (*SCALARS, *NO_DIMENSION, *SMALL):
        same_as_of_ufunc(fa.tanh.backward(grad, x), fa.tanh.backward.ufunc(grad, x))
    both = fa.tanh.value_and_derivative
    for got, wanted in zip(both(x), both.ufunc(x), strict=True):
        same_as_of_ufunc(got, wanted)
    for dtype in ("f4", "f8"):
        out = np.empty(np.shape(x), dtype)
        if np.can_cast(np.asarray(x).dtype, dtype):
            assert fa.tanh(x, out=out) is out
            same_as_of_ufunc(out, fa.tanh.ufunc(x, out=np.empty_like(out)))


LAYOUTS = {
    "whole": lambda x: x,
    "column": lambda x: x[:, :, 3],
    "columns": lambda x: x[:, 1:4, :70],
    "transposed": lambda x: x.T,
    "columns, transposed": lambda x: x[:, :, :99].transpose(1, 2, 0),
    "steps": lambda x: x[::-2, ::-1, ::2],
    "broadcast": lambda x: np.broadcast_to(x[:, :1], x.shape),
    "empty": lambda x: x[:0],
    "no dimension": lambda x: x[0, 0, 0, ...],
    "swapped": lambda x: x.astype(x.dtype.newbyteorder()),
}


@pytest.mark.parametrize("dtype", "?bBhHiIlLqQ")
@pytest.mark.parametrize("lay_out", LAYOUTS.values(), ids=LAYOUTS)
def test_integers_of_any_layout_are_as_for_the_ufunc(dtype, lay_out, low_threshold):
    signs = [-1, 1] if dtype in "bhilq" else [1]
    rng = np.random.default_rng(1)
    x = lay_out((rng.integers(0, 100, (4, 5, 130)) * rng.choice(signs, 130)).astype(dtype))
    for function, *parameters in (
        (fa.relu,), (fa.relu6,), (fa.sigmoid,), (fa.relu.derivative,),
        (fa.elu, 0.5), (fa.elu, np.float32(0.5)), (fa.elu, np.ones(x.shape[-1:], dtype)),
    ):  # fmt: skip
        got, wanted = function(x, *parameters), function.ufunc(x, *parameters)
        same_as_of_ufunc(got, wanted)
        assert got.strides == wanted.strides
    both = fa.mish.value_and_derivative
    for got, wanted in zip(both(x), both.ufunc(x), strict=True):
        same_as_of_ufunc(got, wanted)
        assert got.strides == wanted.strides


@pytest.mark.parametrize("x", [np.float32(-1), np.float16(-1), np.array(-1, "f4")], ids=repr)
def test_scalars_are_let_go(x):
    """No reference to an argument or a result is kept."""
    before = sys.getrefcount(x), sys.getrefcount(x.dtype)
    for _ in range(100):
        fa.elu.backward(x, x, np.float32(0.5))
        fa.elu.value_and_derivative(x)
    assert (sys.getrefcount(x), sys.getrefcount(x.dtype)) == before
