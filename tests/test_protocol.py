"""Objects that are not plain arrays are treated as NumPy's ufuncs treat them, for every number of
inputs and outputs: each call is compared with that of a ufunc of NumPy on the same objects."""

from __future__ import annotations

import numpy as np
import pytest
from instruction_sets import once

import fastact as fa

pytestmark = once

X = np.array([[-1.5, 0.0, 2.0], [3.0, -0.5, 1.0]])
GRAD = np.array([[1.0, 2.0, 3.0], [-1.0, -2.0, 0.5]])


# A function of fastact, one of NumPy with as many inputs and outputs, and what comes after x.
ARITIES = {
    "one input": (fa.sigmoid, np.tanh, ()),
    "one input, derivative": (fa.mish.derivative, np.tanh, ()),
    "a number as parameter": (fa.elu, np.logaddexp, (0.5,)),
    "an array as parameter": (fa.leaky_relu, np.logaddexp, (np.array([0.1, 0.2, 0.3]),)),
    "two inputs": (fa.silu.backward, np.logaddexp, (X,)),
    "two outputs": (fa.tanh.value_and_derivative, np.modf, ()),
}
every_arity = pytest.mark.parametrize(
    ("ours", "numpys", "rest"), ARITIES.values(), ids=[name.replace(" ", "-") for name in ARITIES]
)


def both(ours, numpys, *arguments, **keywords):
    """What two calls come to: the types of the results, or of the exception."""
    outcomes = []
    for function in (ours, numpys):
        try:
            results = function(*arguments, **keywords)
        except Exception as error:
            outcomes.append((type(error), []))
        else:
            results = results if isinstance(results, tuple) else (results,)
            outcomes.append(([type(result) for result in results], results))
    return outcomes


def assert_same_bits(got, expected):
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    assert got.tobytes() == expected.tobytes()


def assert_values(ours, results, *arguments):
    expected = ours(*arguments)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for got, wanted in zip(results, expected, strict=True):
        assert_same_bits(got, wanted)


# ---- __array_ufunc__ ----------------------------------------------------------------------------


class Recorder:
    """Takes over every ufunc and tells what it was asked."""

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        kinds = [type(value) for value in inputs]
        return ufunc, method, kinds, {name: type(value) for name, value in keywords.items()}


@every_arity
@pytest.mark.parametrize("keywords", [{}, {"where": X > 0}, {"dtype": "f4"}, {"casting": "safe"}])
def test_an_object_that_takes_over_is_asked_the_same(ours, numpys, rest, keywords):
    for arguments in [(Recorder(), *rest), *([(X, Recorder())] if rest else [])]:
        mine = ours(*arguments, **keywords)
        theirs = numpys(*arguments, **keywords)
        assert mine[0] is ours.ufunc
        assert mine[1:] == theirs[1:]
        assert len(mine[2]) == ours.nin


@every_arity
def test_an_out_that_takes_over_is_asked(ours, numpys, rest):
    for out in [Recorder(), (Recorder(),), (np.empty_like(X), Recorder())]:
        outcomes = both(ours, numpys, X, *rest, out=out)
        assert outcomes[0][0] == outcomes[1][0]
        if outcomes[0][1]:
            assert outcomes[0][1][0] is ours.ufunc
            assert outcomes[0][1][1:] == outcomes[1][1][1:]


@pytest.mark.parametrize("ours", [fa.elu, fa.swish.derivative], ids=["value", "derivative"])
def test_a_parameter_by_name_is_passed_on(ours):
    (name,) = ours.parameters
    assert ours(Recorder(), **{name: 0.5}) == ours(Recorder(), 0.5)
    kinds = ours(X, **{name: Recorder()})[2]
    assert kinds == [np.ndarray, Recorder]
    # Left out, it is there all the same: the ufunc has no defaults.
    assert ours(Recorder())[2] == [Recorder, float]


class Refuser:
    __array_ufunc__ = None


class Passer:
    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return NotImplemented


class Failing:
    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        raise LookupError("not this one")


@every_arity
@pytest.mark.parametrize("kind", [Refuser, Passer, Failing])
def test_an_object_that_declines(ours, numpys, rest, kind):
    for arguments in [(kind(), *rest), *([(X, kind())] if rest else [])]:
        mine, theirs = both(ours, numpys, *arguments)
        assert mine == theirs
        assert mine[0] is (LookupError if kind is Failing else TypeError)
    mine, theirs = both(ours, numpys, X, *rest, out=(kind(),) * ours.nout)
    assert mine == theirs


class First(Recorder):
    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return "first"


class Second(First):
    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return "second"


def test_who_is_asked_first():
    # From left to right, but a subclass before its base.
    for a, b in [(First(), Second()), (Second(), First()), (First(), X), (X, Second())]:
        assert fa.silu.backward(a, b) == np.logaddexp(a, b)
        assert fa.elu(a, b) == np.logaddexp(a, b)


# ---- subclasses of ndarray ----------------------------------------------------------------------


class Tagged(np.ndarray):
    """Passes on a tag, and counts what it was asked to wrap."""

    tag = None
    wrapped = ()

    def __array_finalize__(self, parent):
        self.tag = getattr(parent, "tag", None)

    def __array_wrap__(self, array, context=None, return_scalar=False):
        made = super().__array_wrap__(array, context, return_scalar)
        if isinstance(made, Tagged):
            ufunc, arguments, output = context
            made.wrapped = (ufunc.nin, len(arguments), output, return_scalar)
            made.tag = self.tag
        return made


class Preferred(Tagged):
    __array_priority__ = 5.0


class Overriding(np.ndarray):
    """Computes as its base does, and marks the result."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **keywords):
        inputs = [v.view(np.ndarray) if isinstance(v, Overriding) else v for v in inputs]
        if out:
            keywords["out"] = tuple(value.view(np.ndarray) for value in out)
        results = getattr(ufunc, method)(*inputs, **keywords)
        if ufunc.nout == 1:
            return results.view(Overriding)
        return tuple(result.view(Overriding) for result in results)


def tagged(array, kind=Tagged):
    made = array.view(kind)
    made.tag = "mine"
    return made


@every_arity
def test_a_subclass_is_kept(ours, numpys, rest):
    for kind in (Tagged, Preferred, Overriding):
        x = tagged(X, kind)
        mine, theirs = both(ours, numpys, x, *rest)
        assert mine[0] == theirs[0] == [kind] * ours.nout
        assert_values(ours, mine[1], X, *rest)
        for got, wanted in zip(mine[1], theirs[1], strict=True):
            assert getattr(got, "tag", None) == getattr(wanted, "tag", None)
            assert getattr(got, "wrapped", None) == getattr(wanted, "wrapped", None)


@every_arity
def test_a_subclass_is_not_kept_without_subok(ours, numpys, rest):
    mine, theirs = both(ours, numpys, tagged(X), *rest, subok=False)
    assert mine[0] == theirs[0] == [np.ndarray] * ours.nout
    assert_values(ours, mine[1], X, *rest)


@every_arity
def test_a_scalar_of_a_subclass(ours, numpys, rest):
    rest = rest and (0.5,)
    mine, theirs = both(ours, numpys, tagged(np.array(0.25)), *rest)
    assert mine[0] == theirs[0]
    assert [np.shape(result) for result in mine[1]] == [np.shape(result) for result in theirs[1]]


@every_arity
def test_an_out_of_a_subclass(ours, numpys, rest):
    for kind in (Tagged, Overriding):
        outs = [tuple(tagged(np.empty_like(X), kind) for _ in range(ours.nout)) for _ in range(2)]
        mine = ours(X, *rest, out=outs[0])
        theirs = numpys(X, *rest, out=outs[1])
        mine, theirs = (r if isinstance(r, tuple) else (r,) for r in (mine, theirs))
        assert [type(a) for a in mine] == [type(a) for a in theirs] == [kind] * ours.nout
        same = [a is b for a, b in zip(mine, outs[0], strict=True)]
        assert same == [a is b for a, b in zip(theirs, outs[1], strict=True)]
        assert_values(ours, outs[0], X, *rest)


def test_the_class_with_the_higher_priority_gives_the_type():
    for ours in (fa.silu.backward, fa.leaky_relu):
        for a, b in [
            (tagged(GRAD), tagged(X, Preferred)),
            (tagged(GRAD, Preferred), tagged(X)),
            (GRAD, tagged(X)),
            (tagged(GRAD), X),
        ]:
            mine, theirs = both(ours, np.logaddexp, a, b)
            assert mine[0] == theirs[0]
            assert_values(ours, mine[1], GRAD, X)


# ---- objects that can be converted, and want to wrap what becomes of them -----------------------


class Wrapping:
    """Converts itself, and wraps the result."""

    __array_priority__ = 1.0

    def __init__(self, array, context=None):
        self.array = array
        self.context = context

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype, copy=copy)

    def __array_wrap__(self, array, context=None, return_scalar=False):
        ufunc, arguments, output = context
        return type(self)(array, (ufunc.nin, len(arguments), output, return_scalar))


class WrappingFirst(Wrapping):
    __array_priority__ = 2.0


@every_arity
def test_an_object_wraps_what_becomes_of_it(ours, numpys, rest):
    mine, theirs = both(ours, numpys, Wrapping(X), *rest)
    assert mine[0] == theirs[0] == [Wrapping] * ours.nout
    assert [result.context for result in mine[1]] == [result.context for result in theirs[1]]
    assert_values(ours, mine[1], X, *rest)
    if rest:
        for other in (Wrapping(X), WrappingFirst(X)):
            mine, theirs = both(ours, numpys, Wrapping(GRAD), other)
            assert mine[0] == theirs[0] == [type(other)]
            assert_values(ours, mine[1], GRAD, X)


class OnlyInterface:
    """Has its numbers by the array interface alone."""

    def __init__(self, array):
        self.array = array
        self.__array_interface__ = array.__array_interface__


@every_arity
def test_an_object_with_the_array_interface(ours, numpys, rest):
    mine, theirs = both(ours, numpys, OnlyInterface(X), *rest)
    assert mine[0] == theirs[0] == [np.ndarray] * ours.nout
    assert_values(ours, mine[1], X, *rest)
