"""Calls made of random bytes, and what must hold of each: for the fuzzer and for its corpus.

The bytes choose a function and an operation, parameters, a dtype, a shape, strides and offset of
every array, where the result goes, and keywords; what is left of them are the elements. Then:

- whether it is an error, and of which class, is as with a ufunc of NumPy's own;
- so are shape, dtype and the order of the axes of the result;
- its bits are those that the same elements give one after the other in an array of their own;
- inputs stay as they were, and so does all memory around an output.
"""

from __future__ import annotations

import warnings

import numpy as np

import fastact as fa
from fastact.catalogue import CATALOGUE, GATE_CATALOGUE, ROW_CATALOGUE

OPERATIONS = ("value", "derivative", "backward", "value_and_derivative")
DTYPES = ("f4", "f8", "f2", "i4", "?", "u1", "i8", ">f4", ">f8", "i2", "u8", "g", "F", "O")
ERRORS = (TypeError, ValueError)


class Bytes:
    """Choices out of bytes; when they have come to their end, always the first."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, below: int) -> int:
        self.at += 1
        return self.data[self.at - 1] % below if self.at <= len(self.data) else 0

    def choice(self, options):
        return options[self.number(len(options))]

    def rest(self) -> bytes:
        return self.data[self.at :]


def view(source: Bytes, shape: tuple[int, ...], dtype: str, elements: bytes) -> np.ndarray:
    """An array of some strides and offset in memory that holds the elements again and again."""
    size = np.dtype(dtype).itemsize
    kind, offset = (
        source.number(8),
        source.choice((0, 1, 3)) * (1 if source.number(8) == 7 else size),
    )
    steps = [source.choice((1, 1, 2, 3)) for _ in shape]
    whole = tuple(n * step for n, step in zip(shape, steps, strict=True))
    count = int(np.prod(whole, dtype=int))
    memory = np.zeros(count * size + offset + 16, np.uint8)
    if elements and dtype != "O":
        again = -(-memory.size // len(elements))
        memory[:] = np.frombuffer(elements * again, np.uint8, memory.size)
    if dtype == "?":
        memory &= 1
    if dtype == "O":
        array = np.full(count, 0.5, object).reshape(whole)
    else:
        array = memory[offset : offset + count * size].view(dtype).reshape(whole)
    array = array[(..., *(slice(None, None, step) for step in steps))]
    if kind & 1 and shape and shape[0] == shape[-1]:
        array = array.swapaxes(0, -1)
    if kind & 2 and shape:
        array = array[::-1]
    if kind == 4 and shape and shape[0]:
        array = np.broadcast_to(array[:1], shape)
    return array


def outcome(call, *arguments, **keywords):
    """What a call returns, or the error's class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with np.errstate(all="ignore"):
            try:
                return call(*arguments, **keywords), None
            except ERRORS as error:
                return None, next(kind for kind in ERRORS if isinstance(error, kind))


def bits(array: np.ndarray) -> bytes:
    """The bits in native order, all NaNs taken for one."""
    array = np.array(array, array.dtype.newbyteorder("="), order="C")
    if array.dtype.kind == "f":
        array[np.isnan(array)] = np.nan
    return array.tobytes()


def order(array: np.ndarray) -> list[int]:
    return [n for n, length in zip(array.strides, array.shape, strict=True) if length > 1]


def memory_of(array: np.ndarray) -> np.ndarray:
    """The bytes that an array is a view of."""
    while array.base is not None:
        array = array.base
    return array.view(np.uint8)


def check_around(array: np.ndarray, before: np.ndarray) -> None:
    """All memory around an array's elements is what it was before."""
    memory = memory_of(array)
    own = np.zeros(memory.size, bool)
    start = array.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    shape, strides = (*array.shape, array.itemsize), (*array.strides, 1)
    np.lib.stride_tricks.as_strided(own[start:], shape, strides)[...] = True
    assert (memory[~own] == before[~own]).all()


@np.errstate(all="ignore")
def check(data: bytes) -> None:
    """Make the call that the bytes say; an AssertionError where something does not hold."""
    source = Bytes(data)
    row, operation = source.choice((*CATALOGUE, "rows", "gates")), source.choice(OPERATIONS)
    if isinstance(row, str):
        {"rows": check_rows, "gates": check_gates}[row](source, operation)
        return
    activation = getattr(fa, row.name)
    call = activation if operation == "value" else getattr(activation, operation)
    dtype, keyword = source.choice(DTYPES), source.number(16)
    shape = tuple(source.choice((3, 1, 2, 7, 0, 17, 40, 5)) for _ in range(source.number(4)))
    parameters = source.choice(row.parameter_sets()) if row.parameters else {}
    kinds = [source.number(3) for _ in range(3)]
    elements = source.rest()[16:]
    arrays = [view(source, shape, dtype, elements) for _ in range(1 + (operation == "backward"))]

    # The ufunc of NumPy's that is compared with has as many inputs and outputs.
    if operation == "value_and_derivative":
        model, outs = np.modf, 2
    elif operation == "backward":
        model, outs = np.arctan2, 1
    else:
        model, outs = np.tanh, 1
    keywords: dict = {}
    wide = np.dtype(np.float64 if np.dtype(dtype).kind in "?biuO" else dtype)
    if keyword in (1, 2, 3):
        keywords["dtype"] = ("f4", "f8", "f2")[keyword - 1]
    if keyword == 4:
        keywords["order"] = "F"
    if keyword == 5:
        keywords["casting"] = "no"
    if keyword == 6:
        keywords["where"] = np.resize(np.array([True, False, True]), shape)
    out = None
    if kinds[0] or keyword == 6:
        dtype_of_out = source.choice((wide.str, wide.str, wide.str, "f8", "f4", "i4"))
        shape_of_out = shape if source.number(8) else (*shape, 2)
        out = tuple(view(source, shape_of_out, dtype_of_out, b"\x11") for _ in range(outs))
        if kinds[0] == 2 and shape_of_out == shape and outs == 1 and keyword != 6:
            out = (arrays[-1],)
    if dtype == "O":  # NumPy's functions call methods of the objects
        assert outcome(call, *arrays, **parameters)[1] is TypeError
        return

    inputs = [array.copy() for array in arrays]
    around = [memory_of(array).copy() for array in out or ()]
    given = {} if out is None else {"out": out if outs == 2 else out[0]}
    result, error = outcome(call, *arrays, **parameters, **given, **keywords)

    # As NumPy does, on the same arrays or, where they have been written to, on copies.
    twins = arrays if out is None else [array.copy() for array in inputs]
    fresh = {}
    if out is not None:
        fresh = [np.full_like(array, 0) for array in out]
        for one, other in zip(out, fresh, strict=True):
            other.flags.writeable = one.flags.writeable
        fresh = {"out": tuple(fresh) if outs == 2 else fresh[0]}
    expected, expected_error = outcome(model, *twins, **fresh, **keywords)
    integers = np.dtype(dtype).kind in "?biu"
    keeps = row.keeps_integers and operation == "value" and integers
    if dtype in ("g", "F"):  # a longdouble may be made a narrower number, where one is asked for
        assert error or (dtype == "g" and "dtype" in keywords), (row.name, dtype)
        return
    # NumPy's own functions make a narrow float of a narrow integer; here it is float64.
    if not integers:
        assert error is expected_error, (row.name, operation, error, expected_error, keywords)
    if error is not None:
        for array, before in zip(arrays, inputs, strict=True):
            assert bits(array) == bits(before)
        return
    results = result if isinstance(result, tuple) else (result,)
    if not integers and out is None:
        models = expected if isinstance(expected, tuple) else (expected,)
        for one, other in zip(results, models, strict=True):
            assert one.shape == other.shape
            assert one.dtype == other.dtype, (row.name, dtype, one.dtype, other.dtype, keywords)
            if not parameters:  # another input, which may decide between two orders
                assert order(one) == order(other), (row.name, one.strides, other.strides, keywords)
            assert type(one) is type(other)

    # The same elements one after the other.
    computed_in = np.dtype(keywords.get("dtype", np.float64 if integers and not keeps else dtype))
    flat = [
        np.array(array, order="C").ravel().astype(
            array.dtype.newbyteorder("=") if keeps or (integers and "dtype" not in keywords)
            else computed_in.newbyteorder("="), copy=False)
        for array in inputs
    ]  # fmt: skip
    if keeps and "dtype" in keywords:
        return
    plain, _ = outcome(call, *flat, **parameters)
    plains = plain if isinstance(plain, tuple) else (plain,)
    mask = np.broadcast_to(keywords.get("where", True), shape)
    for i, (one, other) in enumerate(zip(results, plains, strict=True)):
        wanted = np.broadcast_to(np.asarray(other).reshape(shape), np.shape(one))
        if out is not None:
            assert one is out[i]
            with np.errstate(all="ignore"):
                wanted = wanted.astype(one.dtype, casting="unsafe")
        where = np.broadcast_to(mask, wanted.shape)
        assert bits(np.asarray(one)[where]) == bits(wanted[where]), (row.name, operation, dtype)
    for array, before in zip(arrays, inputs, strict=True):
        if not any(np.may_share_memory(array, one) for one in results):
            assert bits(array) == bits(before)
    for array, before in zip(out or (), around, strict=True):
        check_around(array, before)


def check_rows(source: Bytes, operation: str) -> None:
    """The same of the functions of rows, whose axis is an error as numpy.sum's is."""
    dtype = source.choice(("f4", "f8", "f2", "i4", ">f4", ">f8"))
    shape = tuple(source.choice((3, 1, 2, 7, 0, 17, 40, 5)) for _ in range(source.number(4)))
    axis = source.choice((-1, 0, 1, 2, -2, -4, 3, None, (0, 1), (0, 0), 0.5))
    row = source.choice(ROW_CATALOGUE)
    if operation == "value_and_derivative":
        operation = "backward_from_output"
    if operation not in row.operations:
        operation = "value"
    function = getattr(fa, row.name)
    call = function if operation == "value" else getattr(function, operation)
    keywords: dict = {}
    if source.number(4) == 3:
        keywords["temperature"] = source.choice((0.5, 3.0))
    if source.number(4) == 3:
        keywords["where"] = np.resize(np.array([True, False, True, True, False]), shape)
    if row.reduces and operation == "value" and source.number(2):
        keywords["keepdims"] = True
    model, expected = outcome(
        np.sum, np.zeros(shape), axis=axis, keepdims=keywords.get("keepdims", False)
    )
    reduced = np.shape(model)
    elements = source.rest()[16:]
    arrays = [view(source, shape, dtype, elements)]
    if operation != "value":
        arrays.insert(0, view(source, reduced if row.reduces else shape, dtype, elements))
    inputs = [array.copy() for array in arrays]
    if source.number(2):
        wanted = reduced if row.reduces and operation == "value" else shape
        out = view(source, wanted, source.choice(("f8", ">f8", "f4")), b"\x11")
        if out.flags.writeable:
            keywords["out"] = out
    result, error = outcome(call, *arrays, axis=axis, **keywords)
    if shape:
        assert error is expected, (row.name, operation, axis, shape, error, expected)
    if error is not None:
        return
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    last = {a % len(shape) for a in axes} if shape else set()
    order = sorted(range(len(shape)), key=lambda i: i in last)
    length = int(np.prod([shape[i] for i in last], dtype=int))
    count = int(np.prod([shape[i] for i in order[: len(shape) - len(last)]], dtype=int))

    def rows(array, *, of_one=False):
        """The rows one after the other; or what there is one of for each."""
        array = np.array(array, array.dtype.newbyteorder("="), order="C")
        return array.ravel() if of_one else array.transpose(order).reshape(count, length)

    given = {"temperature": keywords.get("temperature", 1.0)}
    if "where" in keywords:
        given["where"] = rows(keywords["where"])
    one = row.reduces and operation != "value"
    plain = call(*[rows(a, of_one=one and i == 0) for i, a in enumerate(inputs)], **given)
    got = rows(np.asarray(result), of_one=row.reduces and operation == "value")
    assert bits(got) == bits(plain.astype(got.dtype)), (row.name, operation, axis, shape, dtype)
    for array, before in zip(arrays, inputs, strict=True):
        assert bits(array) == bits(before)


def one_after_the_other(name: str, call, arrays: list[np.ndarray], axis: int):
    """What a gated function gives for the same elements one after the other."""
    if name == "glu":
        *grad, x = arrays
        halves = np.split(x, 2, axis)
        flat = call(*(g.ravel() for g in grad), np.concatenate([half.ravel() for half in halves]))
        if not grad:
            return flat.reshape(halves[0].shape)
        return np.concatenate([part.reshape(halves[0].shape) for part in np.split(flat, 2)], axis)
    if name == "prelu":
        *grad, x, weight = arrays
        after = 0 if weight.size == 1 else x.ndim - 1 - axis % x.ndim
        slopes = np.broadcast_to(weight.reshape(-1, *(1,) * after), x.shape or 1)
        flat = call(*(g.ravel() for g in grad), x.ravel(), slopes.ravel(), axis=0)
        # A weight's gradient has the bits of any layout, of this order.
        return (flat[0], call(*arrays, axis=axis)[1]) if grad else flat
    return call(*(array.ravel() for array in np.broadcast_arrays(*arrays)))


def check_gates(source: Bytes, operation: str) -> None:
    """The same of gated functions, of glu along an axis and of prelu, whose errors are told from
    the shapes."""
    row, backward = source.choice(GATE_CATALOGUE), operation not in ("value", "derivative")
    call = getattr(fa, row.name).backward if backward else getattr(fa, row.name)
    dtype = source.choice(("f4", "f8", "f2", "i4", ">f4", ">f8", "?", "u1", "O"))
    shape = tuple(source.choice((4, 1, 2, 6, 0, 16, 40, 7)) for _ in range(source.number(4)))
    axis = source.choice((-1, 0, 1, 2, -2, -4, 3, 0.5))
    kind, where_to, of_out, wrong = (source.number(n) for n in (5, 4, 8, 8))
    elements = source.rest()[16:]
    within = isinstance(axis, int) and -len(shape) <= axis < len(shape)
    along = shape[axis] if within else 3
    arranged = row.name in ("glu", "prelu")
    axis_error = None if within else ValueError if isinstance(axis, int) else TypeError

    # What it is called with, the shape of the result, and the error that it must be.
    arrays, error, given = [view(source, shape, dtype, elements)], None, {}
    result = shape
    if row.name == "glu":
        given = {"axis": axis}
        error = axis_error or (ValueError if along % 2 else None)
        if error is None:
            result = tuple(n // 2 if i == axis % len(shape) else n for i, n in enumerate(shape))
    elif row.name == "prelu":
        given = {"axis": axis}
        of_weight = ((along,), (), (1,), (along + 1,), (1, along))[kind]
        weight = view(source, of_weight, dtype, elements)
        arrays.append(weight)
        number = weight.size == 1 and 0 in (weight.ndim, len(shape))
        if weight.ndim > 1 or (number and dtype != "O" and (weight != weight).all()):
            error = ValueError
        elif weight.size != 1:
            error = axis_error or (None if weight.size == along else ValueError)
    else:
        of_value = (shape, tuple(1 for _ in shape), shape[1:], (), (*shape, 3))[kind]
        arrays.append(view(source, of_value, dtype, elements))
        broadcast, error = outcome(np.broadcast_shapes, shape, of_value)
        result = broadcast if error is None else shape
    if backward:
        grad = view(source, (*result, 2) if wrong == 7 else result, dtype, elements)
        arrays.insert(0, grad)
        if arranged:
            error = error or (ValueError if wrong == 7 else None)
        elif error is None:
            broadcast, error = outcome(np.broadcast_shapes, np.shape(grad), result)
            result = broadcast if error is None else result
    if dtype == "O":
        assert outcome(call, *arrays, **given)[1] is TypeError, (row.name, operation)
        return

    # Where the results go.
    shapes = [result]
    if backward and row.name == "glu":
        shapes = [shape]
    elif backward:
        shapes = [result, arrays[2].shape if row.name == "prelu" else result]
    outs: list = [None] * len(shapes)
    if where_to:
        for i, of in enumerate(shapes):
            if len(shapes) == 1 or where_to == 1 or i == where_to - 2:
                of = (*of, 2) if of_out == 7 else of
                outs[i] = view(source, of, source.choice(("f8", ">f8", "f4")), b"\x11")
                outs[i].flags.writeable &= of_out != 6
                # A ufunc repeats a result over a larger out, glu and prelu do not.
                repeats = arranged or outcome(np.broadcast_to, np.empty(shapes[i]), of)[1]
                if not outs[i].flags.writeable or (of != shapes[i] and repeats):
                    error = error or ValueError
    inputs = [array.copy() for array in arrays]
    around = [None if out is None else memory_of(out).copy() for out in outs]
    if where_to:
        given["out"] = outs[0] if len(outs) == 1 else tuple(outs)
    got, found = outcome(call, *arrays, **given)
    what = (row.name, operation, dtype, shape, axis, [a.shape for a in arrays], given.get("out"))
    assert found is error, (what, found, error)
    for array, before in zip(arrays, inputs, strict=True):
        assert bits(array) == bits(before), what
    if error is not None:
        return

    plain = [np.array(a, a.dtype.newbyteorder("="), order="C") for a in inputs]
    wanted = one_after_the_other(row.name, call, plain, axis)
    results, expected = (r if isinstance(r, tuple) else (r,) for r in (got, wanted))
    computed_in = np.dtype("f8" if np.dtype(dtype).kind in "?biu" else dtype).newbyteorder("=")
    over = [out.shape for out in outs if out is not None and not arranged]
    for one, other, of, out in zip(results, expected, shapes, outs, strict=True):
        assert one is out if out is not None else one.dtype == computed_in, what
        assert np.shape(one) == np.broadcast_shapes(of, *over), what
        repeated = np.broadcast_to(np.reshape(other, of), np.shape(one))
        assert bits(np.asarray(one)) == bits(repeated.astype(one.dtype)), what
    for out, before in zip(outs, around, strict=True):
        if out is not None:
            check_around(out, before)
