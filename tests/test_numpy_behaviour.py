"""What NumPy's own tests ask of a ufunc, asked of a function of each number of inputs and outputs.

Each has a twin among NumPy's ufuncs, with as many inputs and outputs and loops for float16, float32
and float64. Both are called in the same way; what comes of it must be the same but for the values.
Values are compared with those of plain arrays.
"""

from __future__ import annotations

import array
import contextlib
import itertools
import pickle
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import fastact as fa
from fastact.catalogue import CATALOGUE


@dataclass(frozen=True)
class Subject:
    """A function of fastact and its twin."""

    name: str
    function: Any
    twin: np.ufunc

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self.function(*args, **keywords)

    @property
    def nin(self) -> int:
        return self.twin.nin

    @property
    def nout(self) -> int:
        return self.twin.nout

    def arrays(self, shape: Any = (3, 4), dtype: Any = np.float64) -> list[np.ndarray]:
        """One array for each input, all different."""
        n = int(np.prod(shape))
        return [
            ((np.arange(n) - n // 3) * 0.375 + i + 0.25).astype(dtype).reshape(shape)
            for i in range(self.nin)
        ]

    def outs(self, make: Callable[[], Any]) -> dict[str, Any]:
        """The keyword `out`, of one new thing for each output."""
        return {"out": make() if self.nout == 1 else (make(), make())}


SUBJECTS = [
    Subject("value of 1", fa.sigmoid, np.cbrt),
    Subject("derivative", fa.mish.derivative, np.cbrt),
    Subject("value of 2", fa.elu, np.copysign),
    Subject("backward of 2", fa.silu.backward, np.copysign),
    Subject("backward of 3", fa.elu.backward, np._core.umath.clip),
    Subject("both of 1", fa.mish.value_and_derivative, np.modf),
    Subject("both of 2", fa.elu.value_and_derivative, np.divmod),
]
every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def outcome(function, args, keywords):
    """What a call comes to, but for the values and the wording of errors."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            results = as_tuple(function(*args, **keywords))
        except Exception as error:
            # NumPy's UFuncTypeErrors are private: what one can catch is TypeError.
            return next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")
    given = as_tuple(keywords.get("out"))
    return {
        "results": [
            {
                "type": type(y),
                "dtype": y.dtype,
                "shape": y.shape,
                "strides": [s for s, n in zip(y.strides, y.shape, strict=True) if n > 1]
                if y.size
                else None,
                "is out": [y is out for out in given],
                "writeable": y.flags.writeable,
                "mask": np.ma.getmaskarray(y).tolist(),
            }
            for y in results
        ],
        "warnings": [kind.category for kind in caught],
    }


def plain(value):
    """The same numbers in an array with nothing unusual."""
    array = np.asarray(value)
    return np.array(array, array.dtype.newbyteorder("="), order="C")


def assert_same_bits(got, expected):
    for a, b in zip(as_tuple(got), as_tuple(expected), strict=True):
        assert plain(a).dtype == plain(b).dtype
        assert np.shape(a) == np.shape(b)
        assert plain(a).tobytes() == plain(b).tobytes()


# ---- calls as NumPy understands them ------------------------------------------------------------
#
# Each entry makes the arguments of one call for a subject: those before the keywords, and the
# keywords. It is asked twice, since a call may write to what it is given.

MASK = np.array([True, False, True, True])


def swapped(dtype):
    return np.dtype(dtype).newbyteorder()


def read_only(array):
    array.flags.writeable = False
    return array


def unaligned(shape=(3, 4), dtype=np.float64):
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.zeros(size + 1, np.uint8)[1:].view(dtype).reshape(shape)


def packed(array):
    """As a field of records of an odd size."""
    records = np.zeros(array.shape, [("letter", "S1"), ("number", array.dtype)])
    records["number"] = array
    return records["number"]


class Tagged(np.ndarray):
    """A subclass with something of its own."""

    def __array_finalize__(self, parent):
        self.tag = getattr(parent, "tag", "none")


class Prior(Tagged):
    """One that goes before another."""

    __array_priority__ = 15.0


class Convertible:
    """Something that is an array only when asked."""

    def __array__(self, dtype=None, copy=None):
        return np.linspace(-1, 1, 4)


def double(subject):
    return subject.arrays()


CALLS: dict[str, Callable[[Subject], tuple[Any, dict[str, Any]]]] = {
    # ---- out
    "nothing": lambda s: (double(s), {}),
    "out is None": lambda s: (double(s), {"out": None}),
    "out of None": lambda s: (double(s), {"out": (None,) * s.nout}),
    "out by itself": lambda s: (double(s), {"out": np.empty((3, 4))}),
    "out in a tuple": lambda s: (double(s), {"out": tuple(np.empty((s.nout, 3, 4)))}),
    "the first out": lambda s: (double(s), {"out": (np.empty((3, 4)), *[None] * (s.nout - 1))}),
    "the last out": lambda s: (double(s), {"out": (*[None] * (s.nout - 1), np.empty((3, 4)))}),
    "too many outs": lambda s: (double(s), {"out": (np.empty((3, 4)),) * (s.nout + 1)}),
    "an empty tuple": lambda s: (double(s), {"out": ()}),
    "a list as out": lambda s: (double(s), s.outs(list)),
    "a list of out": lambda s: (double(s), {"out": [np.empty((3, 4))] * s.nout}),
    "a number as out": lambda s: (double(s), s.outs(lambda: np.float64(1))),
    "Ellipsis as out": lambda s: (double(s), {"out": ...}),
    "Ellipsis in a tuple": lambda s: (double(s), {"out": (...,) * s.nout}),
    "Ellipsis, numbers": lambda s: ([np.float64(0.5)] * s.nin, {"out": ...}),
    "read-only out": lambda s: (double(s), s.outs(lambda: read_only(np.empty((3, 4))))),
    "a smaller out": lambda s: (double(s), s.outs(lambda: np.empty(4))),
    "an out of one": lambda s: (double(s), s.outs(lambda: np.empty((1, 1)))),
    "an out of no dimension": lambda s: (double(s), s.outs(lambda: np.empty(()))),
    "a transposed out": lambda s: (double(s), s.outs(lambda: np.empty((4, 3)))),
    "a larger out": lambda s: (double(s), s.outs(lambda: np.empty((2, 3, 4)))),
    "an out that broadcasts": lambda s: (s.arrays((1, 4)), s.outs(lambda: np.empty((3, 4)))),
    "an out that shows one": lambda s: (
        double(s),
        s.outs(lambda: np.broadcast_to(np.empty(4), (3, 4))),
    ),
    "an out in Fortran order": lambda s: (
        double(s),
        s.outs(lambda: np.empty((3, 4), order="F")) | {"order": "C"},
    ),
    **{
        f"out of {dtype}": lambda s, dtype=dtype: (
            double(s),
            s.outs(lambda: np.empty((3, 4), dtype)),
        )
        for dtype in (
            "f2",
            "f4",
            "f8",
            ">f4",
            ">f8",
            "g",
            "F",
            "D",
            "O",
            "i8",
            "u1",
            "?",
            "S8",
            "U8",
            "m8[s]",
        )
    },
    "out of records": lambda s: (double(s), s.outs(lambda: np.empty((3, 4), "f8,f8"))),
    "an out for numbers": lambda s: ([np.float32(0.5)] * s.nin, s.outs(lambda: np.empty((), "f4"))),
    "an out for Python's numbers": lambda s: ([0.5] * s.nin, s.outs(lambda: np.empty(2, "f4"))),
    "an unaligned out": lambda s: (double(s), s.outs(unaligned)),
    "a packed out": lambda s: (double(s), s.outs(lambda: packed(np.zeros((3, 4))))),
    "an out of a subclass": lambda s: (double(s), s.outs(lambda: np.empty((3, 4)).view(Tagged))),
    "an out of a subclass, not subok": lambda s: (
        double(s),
        s.outs(lambda: np.empty((3, 4)).view(Tagged)) | {"subok": False},
    ),
    # ---- where
    **{
        f"where is {where!r}": lambda s, where=where: (
            double(s),
            s.outs(lambda: np.zeros((3, 4))) | {"where": where},
        )
        for where in (True, False, None, 1, 0.5, "x", [True, False, True, True], (), [[]])
    },
    **{
        f"where of {name}": lambda s, mask=mask: (
            double(s),
            s.outs(lambda: np.zeros((3, 4))) | {"where": mask},
        )
        for name, mask in {
            "the shape": np.arange(12).reshape(3, 4) % 5 < 2,
            "a row": MASK,
            "a column": MASK[:3, None],
            "no dimension": np.array(True),
            "np.bool": np.False_,
            "bytes": MASK.astype(np.uint8),
            "numbers": MASK.astype(float),
            "objects": MASK.astype(object),
            "another shape": np.ones(3, bool),
            "more dimensions": np.ones((2, 3, 4), bool),
            "every second": np.ones(8, bool)[::2],
            "a subclass": MASK.view(Tagged),
        }.items()
    },
    "where without out": lambda s: (double(s), {"where": MASK}),
    "where without out, all": lambda s: (double(s), {"where": True}),
    "where, and out is meant to be none": lambda s: (
        double(s),
        {"where": MASK, "out": (None,) * s.nout},
    ),
    "where larger than out": lambda s: (
        s.arrays((1, 4)),
        s.outs(lambda: np.zeros((1, 4))) | {"where": np.ones((3, 4), bool)},
    ),
    "where makes it larger": lambda s: (
        s.arrays(4),
        s.outs(lambda: np.zeros((3, 4))) | {"where": np.ones((3, 1), bool)},
    ),
    "where of numbers": lambda s: (
        [np.float64(0.5)] * s.nin,
        s.outs(lambda: np.zeros(())) | {"where": np.array(False)},
    ),
    # ---- keywords that are none
    "a keyword too many": lambda s: (double(s), {"nonsense": 1}),
    "axis": lambda s: (double(s), {"axis": 0}),
    "axes": lambda s: (double(s), {"axes": [0]}),
    "keepdims": lambda s: (double(s), {"keepdims": True}),
    "extobj": lambda s: (double(s), {"extobj": [8192, 0, None]}),
    "order is a number": lambda s: (double(s), {"order": 1}),
    "subok is a number": lambda s: (double(s), {"subok": 1}),
    "subok is a word": lambda s: (double(s), {"subok": "no"}),
    "out and Out": lambda s: (double(s), {"Out": np.empty((3, 4))}),
    # ---- dtype, signature
    **{
        f"dtype={dtype!r}": lambda s, dtype=dtype: (double(s), {"dtype": dtype})
        for dtype in (
            *(None, "e", "f4", "d", "float32", float, np.float32, np.floating, np.dtype("f8")),
            *(
                ">f8",
                "U8",
                "S",
                "i4",
                int,
                bool,
                "m8",
                "M8[s]",
                "V8",
                "nonsense",
                5,
                type(np.dtype("f4")),
            ),
        )
    },
    **{
        f"signature {name}": lambda s, make=make: (double(s), {"signature": make(s)})
        for name, make in {
            "in letters": lambda s: "f" * s.nin + "->" + "f" * s.nout,
            "of doubles": lambda s: "d" * s.nin + "->" + "d" * s.nout,
            "of letters": lambda s: ("e",) * (s.nin + s.nout),
            "of types": lambda s: (np.float32,) * (s.nin + s.nout),
            "of dtypes": lambda s: (np.dtype("f8"),) * (s.nin + s.nout),
            "of swapped dtypes": lambda s: (swapped("f8"),) * (s.nin + s.nout),
            "of the outputs": lambda s: (None,) * s.nin + (np.float32,) * s.nout,
            "of the inputs": lambda s: (np.float32,) * s.nin + (None,) * s.nout,
            "of None": lambda s: (None,) * (s.nin + s.nout),
            "of one letter": lambda s: "f",
            "of one type": lambda s: (np.float32,),
            "too long": lambda s: (np.float32,) * (s.nin + s.nout + 1),
            "of text": lambda s: "U" * s.nin + "->" + "U" * s.nout,
            "without an arrow": lambda s: "f" * (s.nin + s.nout),
            "is None": lambda s: None,
            "is empty": lambda s: "",
            "is a number": lambda s: 3,
        }.items()
    },
    "dtype and signature": lambda s: (double(s), {"dtype": "f4", "signature": "f"}),
    "sig": lambda s: (double(s), {"sig": "f" * s.nin + "->" + "f" * s.nout}),
    # ---- broadcasting
    "shapes that broadcast": lambda s: ([np.ones((3, 1)), np.ones(4), np.ones(())][: s.nin], {}),
    "shapes that do not": lambda s: ([np.ones(3), np.ones(4), np.ones(5)][: s.nin], {}),
    "shapes that are empty": lambda s: ([np.ones((0, 1)), np.ones(4), np.ones(())][: s.nin], {}),
    "an empty one and one of one": lambda s: ([np.ones(0), np.ones(1), np.ones(1)][: s.nin], {}),
    # ---- numbers, lists, and what else becomes an array
    **{
        f"of {name}": lambda s, make=make: ([make() for _ in range(s.nin)], {})
        for name, make in {
            "a Python float": lambda: 0.5,
            "np.float16": lambda: np.float16(0.5),
            "np.float32": lambda: np.float32(0.5),
            "np.float64": lambda: np.float64(0.5),
            "no dimension": lambda: np.array(0.5),
            "float32 of no dimension": lambda: np.array(0.5, np.float32),
            "swapped of no dimension": lambda: np.array(0.5, ">f4"),
            "a list": lambda: [0.5, -1.0],
            "a tuple": lambda: (0.5, -1.0),
            "nested lists": lambda: [[0.5], [1.5]],
            "an empty list": list,
            "np.float32 in a list": lambda: [np.float32(0.5)],
            "arrays in a list": lambda: [np.ones(2, np.float32), np.ones(2)],
            "a ragged list": lambda: [[0.5], [1.5, 2.5]],
            "an array.array": lambda: array.array("f", [0.5, 1.5]),
            "a memoryview": lambda: memoryview(array.array("d", [0.5, 1.5])),
            "__array__": Convertible,
            "a generator": lambda: (x for x in [0.5]),
            "a set": lambda: {0.5},
            "None": lambda: None,
            "a type": lambda: float,
            "text": lambda: "0.5",
            "bytes": lambda: b"0.5",
            "dates": lambda: np.array(["2020-01-01"], "M8[D]"),
            "records": lambda: np.zeros(2, "f4,f4"),
        }.items()
    },
    # ---- subclasses
    "a subclass": lambda s: ([a.view(Tagged) for a in double(s)], {}),
    "a subclass, not subok": lambda s: ([a.view(Tagged) for a in double(s)], {"subok": False}),
    "a subclass at the end": lambda s: ([*double(s)[:-1], double(s)[-1].view(Tagged)], {}),
    "subclasses by priority": lambda s: (
        [a.view(kind) for a, kind in zip(double(s), (Tagged, Prior, Tagged), strict=False)],
        {},
    ),
    "a subclass of no dimension": lambda s: ([np.array(0.5).view(Tagged)] * s.nin, {}),
    "a masked array": lambda s: ([np.ma.array(a, mask=a > 1) for a in double(s)], {}),
    "a recarray's field": lambda s: (
        [np.rec.fromarrays([a.ravel()], names="a").a for a in double(s)],
        {},
    ),
}


# Where the twin is something else than a ufunc of real numbers, or stricter than there is need.
DIFFERENT = {
    ("backward of 3", "dtype='m8'"): TypeError,
    ("backward of 3", "of dates"): TypeError,
    ("backward of 3", "of a set"): TypeError,
    ("both of 1", "out is None"): "nothing",
    ("both of 2", "out is None"): "nothing",
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_comes_to_what_it_comes_to_in_numpy(name):
    for subject in SUBJECTS:
        expected = DIFFERENT.get((subject.name, name), name)
        if isinstance(expected, str):
            expected = outcome(subject.twin, *CALLS[expected](subject))
        assert outcome(subject, *CALLS[name](subject)) == expected, subject.name


def test_the_comparison_sees_what_differs():
    assert outcome(np.cbrt, [1.0], {}) != outcome(np.cbrt, [np.ones(1)], {})
    assert outcome(np.cbrt, [np.ones(1)], {}) != outcome(np.cbrt, [np.ones(1, "f4")], {})
    assert outcome(np.cbrt, [np.ones((2, 2))], {}) != outcome(np.cbrt, [np.ones((2, 2)).T], {})
    assert outcome(np.cbrt, ["a"], {}) is TypeError
    out = np.ones(2)
    assert outcome(np.cbrt, [np.ones(2)], {}) != outcome(np.cbrt, [np.ones(2)], {"out": out})
    assert outcome(np.sqrt, [np.ones(2)], {}) != outcome(np.sqrt, [-np.ones(2)], {})


# ---- layouts and orders -------------------------------------------------------------------------

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "C": lambda a: a,
    "Fortran": np.asfortranarray,
    "transposed": lambda a: a.transpose(1, 2, 0),
    "every second": lambda a: a[..., ::2],
    "reversed": lambda a: a[::-1, :, ::-1],
    "columns": lambda a: a[:, :, 1:3],
    "one column": lambda a: a[..., 0],
    "broadcast": lambda a: np.broadcast_to(a[:, :1], a.shape),
    "one number": lambda a: np.broadcast_to(a[0, 0, 0], a.shape),
    "windows": lambda a: np.lib.stride_tricks.sliding_window_view(a.ravel(), 7),
    "unaligned": lambda a: like(a, unaligned(a.shape, a.dtype)),
    "swapped": lambda a: a.astype(swapped(a.dtype)),
    "a field of packed records": packed,
    "a field, transposed": lambda a: packed(a).T,
    "read-only": lambda a: read_only(a.copy()),
    "an axis of one": lambda a: a[:1, :, 2:],
    "empty": lambda a: a[:, :0],
    "64 dimensions": lambda a: a.reshape(*(1,) * 61, *a.shape)[..., ::-1],
}


def like(array, other):
    other[...] = array
    return other


@pytest.mark.parametrize("order", ["C", "F", "A", "K", "c", None, "Z", ""])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_and_orders(layout, order, dtype):
    for subject in SUBJECTS:
        arrays = [LAYOUTS[layout](a) for a in subject.arrays((3, 5, 4), dtype)]
        keywords = {"order": order}
        expected = outcome(subject.twin, arrays, keywords)
        assert outcome(subject, arrays, keywords) == expected, subject.name
        if expected is not ValueError:
            got = subject(*arrays, **keywords)
            assert_same_bits(got, subject(*map(plain, arrays)))


@pytest.mark.parametrize("first", list(LAYOUTS)[:11])
def test_inputs_of_different_layout(first, dtype):
    """The order of the result is that of them all."""
    for subject, second in itertools.product(SUBJECTS, list(LAYOUTS)[:11]):
        arrays = subject.arrays((3, 3, 3), dtype)
        layouts = (LAYOUTS[name] for name in (first, second, "C"))
        arrays = [layout(a) for layout, a in zip(layouts, arrays, strict=False)]
        try:
            np.broadcast(*arrays)
        except ValueError:
            continue
        assert outcome(subject, arrays, {}) == outcome(subject.twin, arrays, {}), subject.name
        whole = map(plain, np.broadcast_arrays(*arrays))
        assert_same_bits(subject(*arrays), subject(*whole))


# ---- dtypes -------------------------------------------------------------------------------------

CASTINGS = ["no", "equiv", "safe", "same_kind", "same_value", "unsafe", "nonsense", None, 4]
FLOATING = ["f2", "f4", "f8", ">f2", ">f4", ">f8"]


@pytest.mark.parametrize("casting", CASTINGS)
@pytest.mark.parametrize("kind", FLOATING)
def test_casting(kind, casting):
    for subject, to in itertools.product(SUBJECTS, (*FLOATING, "g", "i4", "F", "S9")):
        arrays = subject.arrays(5, kind)
        calls = [subject.outs(lambda to=to: np.zeros(5, to))]
        calls += [{**keywords, "dtype": "f4"} for keywords in calls]
        if to in FLOATING:  # for others there may be loops
            calls.append({"dtype": np.dtype(to).newbyteorder("=")})
        for keywords in calls:
            keywords["casting"] = casting
            expected = outcome(subject.twin, arrays, keywords)
            got = outcome(subject, arrays, keywords)
            if casting == "same_value" and isinstance(expected, dict) != isinstance(got, dict):
                continue  # the values decide
            assert got == expected, (subject.name, keywords)


NUMBERS = {
    **{f"Python {n!r}": n for n in (3, 300, 2**62, 2**63, 2**64, -(2**70), 0.5, True)},
    **{f"np.{kind}": np.dtype(kind).type(1) for kind in ("int8", "float16", "float32", "float64")},
    **{f"array of {kind}": np.ones(1, kind) for kind in ("?", "i1", "u2", "i4", "u8")},
    **{f"array of {kind}": np.ones(1, kind) for kind in ("f2", "f4", "f8", ">f4")},
    "float32 of no dimension": np.array(1, "f4"),
    "a list of int": [1],
    "a list of float": [1.0],
}


def promoted(x, *others):
    """NumPy's promotion, with one rule more: integers are computed as float64, and x that is one
    decides for it whatever stands beside it. Python's own int gives way as it does anywhere."""
    x, *others = (np.asarray(n) if isinstance(n, list) else n for n in (x, *others))
    if type(x) is not int and np.asarray(x).dtype.kind in "biu":
        return np.dtype(np.float64)
    # Beside integers alone, an int of Python is to be thought of as a float.
    x = float(x) if type(x) is int else x
    others = [float(n) if type(n) is int else n for n in others]
    dtype = np.result_type(x, *others)
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


@pytest.mark.parametrize("x", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("other", NUMBERS.values(), ids=NUMBERS)
def test_promotion(x, other):
    if type(other) is int and other > 1e9:
        other = 2**31
    for function, args, others in (
        (fa.elu, (x, other), (other,)),
        (fa.elu.derivative, (x, other), (other,)),
        (fa.elu.value_and_derivative, (x, other), (other,)),
        (fa.silu.backward, (other, x), (other,)),
        (fa.elu.backward, (other, x), (other, 1.0)),
        (fa.elu.backward, (other, x, np.float32(1)), (other, np.float32(1))),
        (fa.elu.backward, (other, x, np.ones(1)), (other, np.float64(1))),
    ):
        dtype = promoted(x, *others)
        with np.errstate(over="ignore"):  # a Python int may be too much for float16
            results = as_tuple(function(*args))
        assert {np.asarray(y).dtype for y in results} == {dtype}, (function, args)


@pytest.mark.parametrize("x", [300, -(2**31), 2**63 - 1, 2**63, 2**64, -(2**70)])
def test_a_python_int_of_any_size(x, dtype):
    """As a float beside anything else; alone it is an integer, and what no integer dtype holds is
    an object, which np.tanh does not take either."""
    one = np.ones(2, dtype)
    assert fa.elu(x) == fa.elu(float(x))
    assert_same_bits(fa.elu(x, one), fa.elu(float(x), one))
    assert_same_bits(fa.silu.backward(one, x), fa.silu.backward(one, float(x)))
    assert_same_bits(fa.elu.backward(one, x, 2), fa.elu.backward(one, float(x), 2.0))
    assert_same_bits(fa.leaky_relu(one, x), fa.leaky_relu(one, float(x)))
    assert fa.elu.value_and_derivative(x) == fa.elu.value_and_derivative(float(x))
    with pytest.raises(OverflowError, match="too large to convert to float"):
        fa.elu(10**400)
    if -(2**63) <= x < 2**64:
        assert fa.sigmoid(x) == fa.sigmoid(float(x))
        assert fa.relu(x) == max(x, 0)
        assert fa.relu(x).dtype == np.asarray(x).dtype
    else:
        for function in (fa.sigmoid, fa.relu):
            with pytest.raises(TypeError, match=f"{function.__name__}.*object"):
                function(x)


# ---- errors leave everything as it was ----------------------------------------------------------

FAILURES: dict[str, Callable[[Subject], tuple[Any, dict[str, Any]]]] = {
    "complex": lambda s: ([*double(s)[:-1], double(s)[-1] * 1j], {}),
    "object": lambda s: ([*double(s)[:-1], double(s)[-1].astype(object)], {}),
    "text": lambda s: ([*double(s)[:-1], "1.0"], {}),
    "shapes": lambda s: ([*double(s)[:-1], np.ones((5, 4))], {}),
    "casting": lambda s: ([a.astype(">f4") for a in double(s)], {"casting": "no"}),
    "where": lambda s: (double(s), {"where": np.ones((3, 4))}),
    "the shape of where": lambda s: (double(s), {"where": np.ones(3, bool)}),
    "a keyword": lambda s: (double(s), {"nonsense": 1}),
    "an order": lambda s: (double(s), {"order": "Z"}),
    "dtype": lambda s: (double(s), {"dtype": "i8"}),
    "signature": lambda s: (double(s), {"signature": ("g",) * (s.nin + s.nout)}),
    "too few": lambda s: ([], {}),
    "too many": lambda s: ([*double(s), 1.0], {}),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_leaves_out_as_it_was(failure):
    for subject, view in itertools.product(
        SUBJECTS, (lambda a: a[:3], lambda a: a[::2], lambda a: a[:3].astype("f4"))
    ):
        args, keywords = FAILURES[failure](subject)
        keywords |= subject.outs(lambda view=view: view(np.full((6, 4), 7.0)))
        with pytest.raises((TypeError, ValueError)):
            subject(*args, **keywords)
        assert all((out == 7).all() for out in as_tuple(keywords["out"])), subject.name


@pytest.mark.parametrize(
    "wrong",
    [np.zeros(4), np.zeros((3, 4), int), read_only(np.zeros((3, 4))), np.zeros((4, 3)), "out", 1.0],
    ids=["shape", "dtype", "read-only", "transposed", "text", "number"],
)
def test_one_wrong_out_leaves_the_other_as_it_was(wrong):
    for subject in SUBJECTS:
        if subject.nout == 2:
            for place in range(2):
                outs = [np.full((3, 4), 7.0)] * 2
                outs[place] = wrong
                with pytest.raises((TypeError, ValueError)):
                    subject(*double(subject), out=tuple(outs))
                assert (outs[1 - place] == 7).all()


def test_no_reference_is_lost():
    """Of what every call uses; test_activation looks at the arguments, and at memory."""
    watched = [None, np.dtype("f4"), np.dtype("f8"), (), "out", np.ndarray, 0.5, fa]
    for subject in SUBJECTS:
        single = [a.astype("f4") for a in double(subject)]
        failures = [failure(subject) for failure in FAILURES.values()]
        ways = [
            (double(subject), {}),
            (double(subject), {"out": None}),
            (double(subject), subject.outs(lambda: np.empty((3, 4)))),
            ([a[::2] for a in single], {}),
            ([0.5] * subject.nin, {}),
            (single, {"dtype": np.float64}),
            (single, {"order": "C", "casting": "same_kind", "subok": True}),
            *(
                (args, keywords | subject.outs(lambda: np.empty((3, 4))))
                for args, keywords in failures
            ),
        ]
        before = [sys.getrefcount(thing) for thing in watched]
        for args, keywords in ways:
            for _ in range(500):
                with contextlib.suppress(TypeError, ValueError):
                    subject(*args, **keywords)
        growth = np.array([sys.getrefcount(thing) for thing in watched]) - before
        assert (growth < 100).all(), (subject.name, growth)


# ---- the protocols ------------------------------------------------------------------------------


def calls_of(function, ufunc, make, keywords):
    """What an operand is asked for in a call, which `make` makes with a list to write to."""
    asked: list[Any] = []
    args = make(asked)
    result = outcome_of_any(function, args, keywords(asked))
    return result, [
        tuple("the ufunc" if part is ufunc else part for part in question) for question in asked
    ]


def outcome_of_any(function, args, keywords):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            results = function(*args, **keywords)
        except Exception as error:
            return type(error)
    return [type(y) for y in as_tuple(results)], [kind.category for kind in caught]


def wrapper(name, base=np.ndarray, priority=0.0, answer=None):
    """A class of arrays that says how its results are wrapped."""

    def wrap(self, array, context=None, return_scalar=False):
        ufunc, args, place = context
        self.asked.append((name, ufunc, len(args), place, type(array), array.shape, return_scalar))
        return answer(array) if answer else array.view(type(self)) if base is np.ndarray else self

    members = {"__array_wrap__": wrap, "__array_priority__": priority, "asked": None}
    if base is object:
        members["__array__"] = lambda self, dtype=None, copy=None: np.linspace(-1, 1, 4)
    else:
        members["__array_finalize__"] = lambda self, parent: setattr(
            self, "asked", getattr(parent, "asked", [])
        )
    return type(name, (base,), members)


def made(kind, asked):
    one = np.linspace(-1, 1, 4).view(kind) if issubclass(kind, np.ndarray) else kind()
    one.asked = asked
    return one


def fail(array):
    raise RuntimeError("it does not wrap")


WRAPPERS = {
    "subclasses": [wrapper("A")],
    "by priority": [wrapper("A"), wrapper("B", priority=1.0), wrapper("C", priority=-1.0)],
    "no array": [wrapper("D", object)],
    "no array, by priority": [wrapper("D", object, 2.0), wrapper("B", priority=1.0)],
    "answers otherwise": [wrapper("E", answer=lambda array: "anything")],
    "answers None": [wrapper("F", answer=lambda array: None)],
    "fails": [wrapper("G", answer=fail)],
    "none": [type("H", (np.ndarray,), {"__array_wrap__": None})],
    "of old": [
        type("I", (np.ndarray,), {"__array_wrap__": lambda self, array: array.view(np.ndarray)})
    ],
}


@pytest.mark.parametrize("kinds", WRAPPERS.values(), ids=WRAPPERS)
@pytest.mark.parametrize("where", ["inputs", "last input", "outputs", "first output", "no subok"])
def test_results_are_wrapped_as_numpys(kinds, where):
    for subject in SUBJECTS:

        def make(asked, subject=subject):
            arrays = [np.linspace(-1, 1, 4) for _ in range(subject.nin)]
            wrapped = [made(kind, asked) for kind, _ in zip(itertools.cycle(kinds), arrays)]
            if where == "last input":
                return arrays[:-1] + wrapped[-1:]
            return arrays if "output" in where else wrapped

        def keywords(asked, subject=subject):
            if where == "outputs":
                return subject.outs(lambda: made(kinds[0], asked))
            if where == "first output":
                return {"out": (made(kinds[0], asked), *[None] * (subject.nout - 1))}
            return {"subok": False} if where == "no subok" else {}

        got = calls_of(subject, subject.function.ufunc, make, keywords)
        assert got == calls_of(subject.twin, subject.twin, make, keywords), subject.name


def overriding(name, base=object, answer=None):
    """A class of arrays that answers to ufuncs itself."""

    def array_ufunc(self, ufunc, method, *inputs, **keywords):
        outs = keywords.get("out")
        self.asked.append(
            (name, ufunc, method, len(inputs), sorted(keywords), outs and [type(y) for y in outs])
        )
        if answer is not None:
            return answer(self, ufunc, inputs, keywords)
        return f"{name} answers"

    return type(name, (base,), {"__array_ufunc__": array_ufunc, "asked": []})


def plainly(self, ufunc, inputs, keywords):
    """Compute with the arrays that are within."""
    inputs = [np.linspace(-1, 1, 4) if type(n) is type(self) else n for n in inputs]
    keywords = {k: v for k, v in keywords.items() if k not in ("out", "where")}
    return ufunc(*inputs, **keywords)


def by_ndarray(self, ufunc, inputs, keywords):
    inputs = [n.view(np.ndarray) if isinstance(n, np.ndarray) else n for n in inputs]
    if "out" in keywords:
        keywords["out"] = tuple(
            y.view(np.ndarray) if isinstance(y, np.ndarray) else y for y in keywords["out"]
        )
    return np.ndarray.__array_ufunc__(np.ones(1), ufunc, "__call__", *inputs, **keywords)


FIRST = overriding("J")
OVERRIDES = {
    "one": [FIRST],
    "two kinds": [FIRST, overriding("K")],
    "a subclass of it": [FIRST, overriding("L", FIRST)],
    "gives way": [overriding("M", answer=lambda *_: NotImplemented)],
    "one gives way": [overriding("M", answer=lambda *_: NotImplemented), FIRST],
    "computes": [overriding("N", answer=plainly)],
    "as an ndarray": [overriding("O", np.ndarray, by_ndarray)],
    "fails": [overriding("P", answer=lambda *_: fail(None))],
    "never": [type("Q", (), {"__array_ufunc__": None})],
    "answers None": [overriding("R", answer=lambda *_: None)],
}


@pytest.mark.parametrize("kinds", OVERRIDES.values(), ids=OVERRIDES)
@pytest.mark.parametrize("place", ["inputs", "last input", "out", "where", "out and where"])
def test_others_are_asked_as_by_numpys(kinds, place):
    for subject in SUBJECTS:

        def make(asked, subject=subject):
            arrays = [np.linspace(-1, 1, 4) for _ in range(subject.nin)]
            others = [made(kind, asked) for kind, _ in zip(itertools.cycle(kinds), arrays)]
            if place == "last input":
                return arrays[:-1] + others[-1:]
            return others if place == "inputs" else arrays

        def keywords(asked, subject=subject):
            given = {"order": "C"}
            if "out" in place:
                given |= subject.outs(lambda: made(kinds[-1], asked))
            if "where" in place:
                given["where"] = made(kinds[0], asked)
            return given

        got = calls_of(subject, subject.function.ufunc, make, keywords)
        assert got == calls_of(subject.twin, subject.twin, make, keywords), subject.name


def test_calls_within_calls():
    """What NumPy asks in the midst of a call may call fastact itself."""

    class Busy(np.ndarray):
        def __array_finalize__(self, parent):
            fa.elu(np.linspace(-1, 1, 5000), np.linspace(1, 2, 5000))
            fa.sigmoid(0.5)

        def __array_wrap__(self, array, context=None, return_scalar=False):
            fa.softmax(np.linspace(-1, 1, 5000))
            return fa.relu(array.view(np.ndarray)).view(Busy)

    class Reading:
        def __array__(self, dtype=None, copy=None):
            return fa.tanh(np.linspace(-1, 1, 4))

    x = np.linspace(-1, 1, 4)
    for subject in SUBJECTS:
        expected = subject(*[fa.tanh(x)] * subject.nin)
        assert_same_bits(subject(*[Reading() for _ in range(subject.nin)]), expected)
        busy = subject(*[fa.tanh(x).view(Busy) for _ in range(subject.nin)])
        assert_same_bits(busy, tuple(map(fa.relu, as_tuple(expected))))
        assert {type(y) for y in as_tuple(busy)} == {Busy}


# ---- floating-point errors ----------------------------------------------------------------------


class Reports(list):
    def __call__(self, *report):
        self.append(report)


@pytest.mark.parametrize("n", [1, 5, 20_000])
@pytest.mark.parametrize("mode", ["ignore", "warn", "raise", "call", "print"])
def test_errors_of_casting_are_numpys(mode, n, capfd):
    """A float64 too large for an out of float32 is reported as for any ufunc, wherever it is."""
    large = np.ones(n)
    twin = np.copysign
    for function, args, outs in (
        (fa.relu, (), 1),
        (fa.elu, (1.0,), 1),
        (fa.relu.value_and_derivative, (), 2),
        (fa.elu.value_and_derivative, (1.0,), 2),
    ):
        for place in (0, n // 2, n - 1):
            large[:] = 1
            large[place] = 1e300
            reports = Reports()
            results = []
            for call, given in ((function, (large, *args)), (twin, (large, 1.0))):
                out = [np.zeros(n, "f4") for _ in range(outs if call is function else 1)]
                keywords = {"out": tuple(out)}
                with np.errstate(over=mode, call=reports):
                    try:
                        with warnings.catch_warnings(record=True) as caught:
                            warnings.simplefilter("always")
                            call(*given, **keywords)
                        results.append([w.category for w in caught])
                    except FloatingPointError as error:
                        results.append(str(error).split(" in ")[0])
            assert results[0] == results[1]
            assert len(reports) == (2 if mode == "call" else 0)
            assert len(set(reports)) <= 1
    assert ("overflow" in capfd.readouterr().err) == (mode == "print")


def test_nothing_else_is_reported(dtype):
    with np.errstate(all="raise"):
        for subject in SUBJECTS:
            for layout in ("C", "every second", "reversed", "swapped", "unaligned", "broadcast"):
                for scale in (0, 1e-30, 1, 1e3, 1e30, np.inf, np.nan):
                    with np.errstate(all="ignore"):
                        arrays = [a * dtype(scale) for a in subject.arrays((3, 5, 4), dtype)]
                    arrays[-1] = np.nan_to_num(arrays[-1])
                    subject(*[LAYOUTS[layout](a) for a in arrays])


# ---- what else a ufunc has ----------------------------------------------------------------------

METHODS: dict[str, Callable[[Any, Subject], Any]] = {
    "reduce": lambda ufunc, s: ufunc.reduce(np.ones((3, 4))),
    "reduce along an axis": lambda ufunc, s: ufunc.reduce(np.ones((3, 4)), axis=1, keepdims=True),
    "reduce of nothing": lambda ufunc, s: ufunc.reduce(np.ones((0, 4))),
    "reduce along two": lambda ufunc, s: ufunc.reduce(np.ones((3, 4)), axis=(0, 1)),
    "accumulate": lambda ufunc, s: ufunc.accumulate(np.ones((3, 4)), axis=1),
    "reduceat": lambda ufunc, s: ufunc.reduceat(np.ones(8), [0, 4, 1]),
    "outer": lambda ufunc, s: ufunc.outer(np.ones(3), np.ones(4)),
    "at": lambda ufunc, s: ufunc.at(np.ones(3), [0, 0], *[np.ones(2)] * (s.nin - 1)),
    "resolve_dtypes": lambda ufunc, s: ufunc.resolve_dtypes(
        (*[np.dtype("f4")] * s.nin, *[None] * s.nout)
    ),
    "attributes": lambda ufunc, s: (
        *(ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.identity, ufunc.signature, type(ufunc)),
        *(isinstance(ufunc.__doc__, str), len(ufunc.types) == ufunc.ntypes, bool(ufunc.__name__)),
    ),
}


@pytest.mark.parametrize("method", METHODS)
def test_methods_of_the_ufunc(method):
    def described(ufunc, subject):
        try:
            result = METHODS[method](ufunc, subject)
        except Exception as error:
            return next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")
        return [
            (part.dtype, part.shape) if isinstance(part, np.ndarray | np.generic) else part
            for part in as_tuple(result)
        ]

    for subject in SUBJECTS:
        got = described(subject.function.ufunc, subject)
        assert got == described(subject.twin, subject), subject.name


def test_the_ufuncs_pickle(run_python):
    """As Dask sends them to its workers."""
    operations = [
        operation
        for row in CATALOGUE
        for f in (getattr(fa, row.name),)
        for operation in (f, f.derivative, f.backward, f.value_and_derivative)
    ]
    for protocol, operation in itertools.product(range(pickle.HIGHEST_PROTOCOL + 1), operations):
        assert pickle.loads(pickle.dumps(operation.ufunc, protocol)) is operation.ufunc
    pickled = pickle.dumps([operation.ufunc for operation in operations])
    names = run_python(f"import pickle; print([f.__name__ for f in pickle.loads({pickled!r})])")
    assert names == f"{[operation.ufunc.__name__ for operation in operations]}\n"


def test_values_of_the_methods():
    x, y = np.linspace(-2, 2, 5), np.linspace(0.5, 2, 3)
    np.testing.assert_array_equal(fa.elu.ufunc.outer(x, y), fa.elu(x[:, None], y))
    values = x.copy()
    fa.sigmoid.ufunc.at(values, [0, 2, 0])
    assert_same_bits(values[[0, 2]], np.array([fa.sigmoid(fa.sigmoid(x[0])), fa.sigmoid(x[2])]))
    assert_same_bits(values[[1, 3, 4]], x[[1, 3, 4]])
    pieces = fa.elu.ufunc.reduceat(x, [0, 3, 1])
    assert_same_bits(
        pieces,
        np.array([fa.elu(fa.elu(x[0], x[1]), x[2]), x[3], fa.elu.ufunc.reduce(x[1:])]),
    )
