"""glu and prelu: views of arrays, arranged for functions of the catalogue.

Gated functions of two arrays, such as swiglu, need no arrangement: they are ufuncs.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from fastact import _activation, _rows  # type: ignore[attr-defined]
from fastact.catalogue import GATE_CATALOGUE

_ROWS = {row.name: row for row in GATE_CATALOGUE}
_glu, _leaky_relu = _activation.gates["glu"], _activation.activations["leaky_relu"]


def _array(name: str, x: Any) -> Any:
    """Return an array that has views: x, or what NumPy makes of it."""
    # Dask's arrays have that, and pandas's have not.
    if type(x) is not np.ndarray and not hasattr(type(x), "__array_function__"):
        x = np.asarray(x)
    _activation.check_dtype(name, x)
    return x


def _axis(name: str, axis: Any, dimensions: int) -> int:
    if type(axis) is int and -dimensions <= axis < dimensions:  # in a quarter of the time
        return axis % dimensions
    try:
        axis = operator.index(axis)
    except TypeError:
        raise TypeError(f"{name}: axis must be an integer, not {type(axis).__name__}") from None
    return int(normalize_axis_index(axis, dimensions))


def _halves(x: Any, axis: int) -> tuple[Any, Any]:
    """Return the first and second half along an axis, as views."""
    if type(x) is np.ndarray:
        halves: tuple[Any, Any] = _activation.halves(x, axis)
        return halves
    middle = x.shape[axis] // 2
    if axis == x.ndim - 1:
        return x[..., :middle], x[..., middle:]
    before = (slice(None),) * axis
    return x[*before, :middle], x[*before, middle:]


def _dtype(arrays: list[Any]) -> np.dtype[Any]:
    """Return the dtype of a backward pass of [x, grad, ...], as the ufuncs have it."""
    if arrays[0].dtype.kind in "?biu":
        return np.dtype(np.float64)
    # Python's numbers give way to any array, to bfloat16 as well.
    return np.result_type(*(a for a in arrays if type(a) not in (bool, int, float)))


def _check_shape(name: str, what: str, given: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if given != wanted:
        raise ValueError(f"{name}: {what} has shape {given}, it must have {wanted}")


def _check_out(name: str, out: Any, wanted: tuple[int, ...]) -> None:
    for given in out if isinstance(out, tuple) else (out,):
        if given is not None:
            shape = given.shape if isinstance(given, np.ndarray) else np.shape(given)
            _check_shape(name, "out", shape, wanted)


def _check_grad(name: str, grad: Any, shape: tuple[int, ...]) -> None:
    try:
        fits = np.broadcast_shapes(np.shape(grad), shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{name}: grad has shape {np.shape(grad)}, which does not broadcast to that of the "
            f"result, {shape}"
        )


class _Arrangement:
    """A function that is not made by hand either."""

    __slots__ = ()
    __name__: str

    @property
    def formula(self) -> str:
        """The function as people read it."""
        return _ROWS[self.__name__].formula

    @property
    def max_ulp(self) -> dict[str, float]:
        """The bound of the error in units in the last place, by dtype."""
        return dict(_ROWS[self.__name__].max_ulp)

    def __repr__(self) -> str:
        return f"<activation {self.__name__!r}>"

    def __reduce__(self) -> str:
        return self.__name__


class Glu(_Arrangement):
    """The gated linear unit: the first half of x, gated by the second [1]_.

    a*sigmoid(b), a and b being the halves of x along the axis.

    Parameters
    ----------
    x : array_like
        Bool, integer, float16, float32, float64 or ml_dtypes.bfloat16, of an even length along the
        axis. Its halves are read where they are.
    axis : int, default -1
        The axis to halve.
    out : ndarray, optional
        Where to put the result; may be a part of x.
    **keywords
        where, casting, order, dtype, subok and signature, as for any `numpy.ufunc`.

    Returns
    -------
    ndarray
        Of half of x's shape; of x's dtype, float64 for integers.

    Raises
    ------
    TypeError
        For a dtype that is not supported, an axis that is no integer, and where `casting` does not
        allow `out` or `dtype`.
    ValueError
        For an odd length along the axis, and an `out` of another shape or that is read-only.
    numpy.exceptions.AxisError
        For an axis that x does not have.

    See Also
    --------
    glu.backward : The gradient with respect to x.
    swiglu : Of two arrays, gated by silu; geglu by gelu, reglu by relu.

    Notes
    -----
    The gate is the second half, as in PyTorch, JAX and Keras. `max_ulp` has the bounds of the
    error.

    References
    ----------
    .. [1] Y. N. Dauphin, A. Fan, M. Auli and D. Grangier, 'Language Modeling with Gated
       Convolutional Networks', 2017.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.glu([1.0, 2.0, 0.0, 3.0])
    array([0.5       , 1.90514825])
    """

    __slots__ = ()
    __name__ = __qualname__ = "glu"

    def __call__(  # noqa: D102 - the class has it
        self, x: Any, axis: Any = -1, *, out: Any = None, **keywords: Any
    ) -> Any:
        value, gate, _ = self._read("glu", x, axis)
        if out is not None:
            _check_out("glu", out, value.shape)
        return _glu(gate, value, out=out, **keywords)

    def backward(self, grad: Any, x: Any, axis: Any = -1, *, out: Any = None) -> Any:
        """Return the gradient with respect to x.

        grad*sigmoid(b) in its first half and grad*a*sigmoid(b)*sigmoid(-b) in its second.

        Parameters
        ----------
        grad : array_like
            The gradient with respect to glu(x); broadcasts to its shape.
        x : array_like
            As for `glu`.
        axis : int, default -1
            As for `glu`.
        out : ndarray, optional
            Where to put the result, of x's shape; may be x itself.

        Returns
        -------
        ndarray
            Of x's shape and dtype, float64 for integers.

        Raises
        ------
        TypeError
            For a dtype that is not supported, and an axis that is no integer.
        ValueError
            For an odd length along the axis, and shapes that do not fit.
        numpy.exceptions.AxisError
            For an axis that x does not have.

        Examples
        --------
        >>> import fastact as fa
        >>> fa.glu.backward([1.0, 1.0], [1.0, 2.0, 0.0, 3.0])
        array([0.5       , 0.95257413, 0.25      , 0.09035332])
        """
        name = "glu.backward"
        value, gate, (x, axis) = self._read(name, x, axis)
        _check_grad(name, grad, value.shape)
        if out is None and type(x) is not np.ndarray:
            gradients = _glu.backward(grad, gate, value)[::-1]
            library: Any = np.ma if isinstance(x, np.ma.MaskedArray) else np
            return library.concatenate(gradients, axis)
        if out is None:
            out = np.empty_like(x, _dtype([x, grad if np.isscalar(grad) else np.asarray(grad)]))
        elif not isinstance(out, np.ndarray):
            raise TypeError(f"{name}: out must be an ndarray, not {type(out).__name__}")
        _check_shape(name, "out", out.shape, x.shape)
        first, second = _halves(out, axis)
        _glu.backward(grad, gate, value, out=(second, first))
        return out

    def _read(self, name: str, x: Any, axis: Any) -> tuple[Any, Any, tuple[Any, int]]:
        """Return the halves of x, x as an array, and the axis counted from the front."""
        x = _array(name, x)
        axis = _axis(name, axis, x.ndim)
        if x.shape[axis] % 2:
            raise ValueError(
                f"{name}: x has length {x.shape[axis]} along axis {axis}; it must be even, as x is "
                "halved there"
            )
        return *_halves(x, axis), (x, axis)


class Prelu(_Arrangement):
    """leaky_relu with slopes that are learned, one for all or one for each channel [1]_.

    x if x >= 0 else weight*x

    Parameters
    ----------
    x : array_like
        Bool, integer, float16, float32, float64 or ml_dtypes.bfloat16, of any shape.
    weight : array_like
        The slope for x < 0: a number, or an array of one dimension with one element for all of x or
        as many as x has along the axis.
    axis : int, default 1
        The axis that the weights run along: of the channels in (batch, channels, ...).
    out : ndarray, optional
        Where to put the result; may be x itself.
    **keywords
        where, casting, order, dtype, subok and signature, as for any `numpy.ufunc`.

    Returns
    -------
    ndarray or scalar
        Of x's shape; of the dtype of x and the weights, float64 where x is of integers.

    Raises
    ------
    TypeError
        For a dtype that is not supported, an axis that is no integer, and where `casting` does not
        allow `out` or `dtype`.
    ValueError
        For weights of another length than x has along the axis, or of several dimensions, for a
        number that is NaN and for an `out` of another shape or that is read-only.
    numpy.exceptions.AxisError
        For an axis that x does not have, unless one weight is for all.

    See Also
    --------
    prelu.backward : The gradients with respect to x and the weights.
    leaky_relu : With slopes that broadcast with x.

    Notes
    -----
    The result is the exact one, rounded.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, 'Delving Deep into Rectifiers: Surpassing Human-Level
       Performance on ImageNet Classification', 2015.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.prelu([[-1.0, -1.0, 2.0]], [0.5, 0.25, 0.5])
    array([[-0.5 , -0.25,  2.  ]])
    """

    __slots__ = ()
    __name__ = __qualname__ = "prelu"

    def __call__(  # noqa: D102 - the class has it
        self, x: Any, weight: Any, axis: Any = 1, *, out: Any = None, **keywords: Any
    ) -> Any:
        x, slopes, _ = self._read("prelu", x, weight, axis)
        if out is not None:
            _check_out("prelu", out, x.shape)
        return _leaky_relu(x, slopes, out=out, **keywords)

    def backward(
        self, grad: Any, x: Any, weight: Any, axis: Any = 1, *, out: Any = (None, None)
    ) -> tuple[Any, Any]:
        """Return the gradients with respect to x and the weights.

        grad*(1 if x > 0 else weight), and of each weight the sum of grad*x over all x < 0 that it
        is the slope of.

        Parameters
        ----------
        grad : array_like
            The gradient with respect to prelu(x, weight); broadcasts to x's shape.
        x : array_like
            As for `prelu`.
        weight : array_like
            As for `prelu`.
        axis : int, default 1
            As for `prelu`.
        out : tuple of ndarray, optional
            Where to put the two; either may be None, and an input.

        Returns
        -------
        grad_x : ndarray or scalar
            Of x's shape.
        grad_weight : ndarray or scalar
            Of the weights' shape. Added up in double or better, to the same bits for any layout and
            number of threads.

        Raises
        ------
        TypeError
            For a dtype that is not supported, and an axis that is no integer.
        ValueError
            As for `prelu`, and for a grad that does not fit.
        numpy.exceptions.AxisError
            For an axis that x does not have, unless one weight is for all.

        Examples
        --------
        >>> import fastact as fa
        >>> grad_x, grad_weight = fa.prelu.backward(1.0, [[-1.0, -2.0, 2.0]], [0.5, 0.25, 0.5])
        >>> grad_x
        array([[0.5 , 0.25, 1.  ]])
        >>> grad_weight
        array([-1., -2.,  0.])
        """
        name = "prelu.backward"
        x, slopes, axis = self._read(name, np.asarray(x), weight, axis)
        grad = grad if np.isscalar(grad) else np.asarray(grad)
        _activation.check_dtype(name, grad)
        _check_grad(name, grad, x.shape)
        dtype = _dtype([x, grad, slopes])
        shape = np.shape(weight)
        grad_x, grad_weight = out
        for given, wanted in ((grad_x, x.shape), (grad_weight, shape)):
            if given is None:
                continue
            if not isinstance(given, np.ndarray):
                raise TypeError(f"{name}: out must be two arrays, not {type(given).__name__}")
            _check_shape(name, "out", given.shape, wanted)
            if not given.flags.writeable:
                raise ValueError(f"{name}: out is read-only")
            if not np.can_cast(dtype, given.dtype, "same_kind"):
                raise TypeError(f"{name}: {dtype} cannot be cast to out's dtype {given.dtype}")
        # First, as grad_x may be put where x or grad is.
        sums = _rows.sum_below_0(grad, x, axis, dtype).reshape(shape)
        grad_x = _leaky_relu.backward(grad, x, slopes, out=grad_x)
        if grad_weight is None:
            return grad_x, sums[()]
        grad_weight[...] = sums
        return grad_x, grad_weight

    def _read(self, name: str, x: Any, weight: Any, axis: Any) -> tuple[Any, Any, int | None]:
        """Return x, the weights as an array that broadcasts with it, and the axis that they run
        along; None where one is for all."""
        x = _array(name, x)
        weights = np.asarray(weight)
        _activation.check_dtype(name, weights)
        if x.ndim == 0 and weights.shape == (1,):  # broadcast with it, that is a number too
            weight = weights = weights[0]
        if weights.ndim == 0:
            if weights != weights:
                raise ValueError(f"{name}() got weight = nan; a weight must be a number")
            return x, weight if np.isscalar(weight) else weights[()], None
        if weights.ndim > 1:
            raise ValueError(
                f"{name}: weight has shape {weights.shape}; it must be a number or of one "
                "dimension. leaky_relu takes slopes that broadcast with x"
            )
        if weights.size == 1:
            return x, weights.reshape((1,) * x.ndim), None
        axis = _axis(name, axis, x.ndim)
        if weights.size != x.shape[axis]:
            raise ValueError(
                f"{name}: weight has {weights.size} elements, x has {x.shape[axis]} along axis "
                f"{axis}; give one weight for each or one for all, and name the axis that they run "
                "along: axis="
            )
        return x, weights.reshape((-1,) + (1,) * (x.ndim - axis - 1)), axis


for _kind in (Glu, Prelu):
    _kind.__call__.__doc__ = _kind.__doc__
    _kind.__module__ = "fastact"
    for _function in (_kind.__call__, _kind.backward):
        _function.__annotations__ = {}  # in signatures they are noise; the stubs say more
del _kind, _function

glu = Glu()
prelu = Prelu()

#: Every function of the catalogue's gates by its name.
gated = {**_activation.gates, "glu": glu, "prelu": prelu}
