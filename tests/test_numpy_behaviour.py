"""What NumPy's own tests ask of a ufunc, asked of one function of each number of inputs and outputs.

Each has a twin among NumPy's ufuncs, with as many inputs and outputs and loops for float16, float32
and float64. Both are called in the same way; what comes of it must be the same but for the values.
Values are compared with those of plain arrays.
"""

from __future__ import annotations

import array
import contextlib
import itertools
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import fastact as fa


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
        f"out of {dtype}": lambda s, dtype=dtype: (double(s), s.outs(lambda: np.empty((3, 4), dtype)))
        for dtype in ("f2", "f4", "f8", ">f4", ">f8", "g", "F", "D", "i8", "u1", "?", "S8", "U8")
    },
    "out of records": lambda s: (double(s), s.outs(lambda: np.empty((3, 4), "f8,f8"))),
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
            *(">f8", "U8", "S", "i4", int, bool, "m8", "M8[s]", "V8", "nonsense", 5, type(np.dtype("f4"))),
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
        for i, array in enumerate(arrays):
            arrays[i] = LAYOUTS[(first, second, "C")[i]](array)
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
