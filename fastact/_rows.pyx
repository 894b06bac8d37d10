"""Softmax and its gradients: functions of rows, over typed memoryviews."""

cimport numpy as cnp
from cython cimport floating

from fastact cimport _kernels

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    bint PyArray_SAMESHAPE(cnp.ndarray a, cnp.ndarray b) nogil


def _run(int kernel, first, second, out):
    """Choose between the dtypes; the arrays are contiguous, two-dimensional and of one dtype."""
    if cnp.PyArray_TYPE(<cnp.ndarray>first) == cnp.NPY_FLOAT:
        with_dtype[float](kernel, first, second, out)
    else:
        with_dtype[double](kernel, first, second, out)


cdef with_dtype(int kernel, const floating[:, ::1] first, const floating[:, ::1] second,
                floating[:, ::1] out):
    """The kernel on the rows of `first` and, where it takes two arrays, of `second`."""
    if first.shape[0] == 0 or first.shape[1] == 0:
        return
    with nogil:
        _kernels.apply_rows(
            kernel, _kernels.FASTACT_FLOAT32 if floating is float else _kernels.FASTACT_FLOAT64,
            first.shape[0], first.shape[1], &first[0, 0], &second[0, 0], &out[0, 0])


def _as_array(name, value):
    """Return value as an ndarray of a supported dtype, or raise."""
    if type(value) is np.ndarray and cnp.PyArray_TYPE(<cnp.ndarray>value) in (
            cnp.NPY_FLOAT, cnp.NPY_DOUBLE):
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} does not take masked arrays: fill the masked entries with -inf "
                        "(x.filled(-np.inf)) to leave them out")
    array = np.asarray(value)
    if array.dtype.kind not in "?biuf" or array.dtype.itemsize > 8:
        raise TypeError(f"{name} does not support dtype {array.dtype}; it takes bool, integers, "
                        "float16, float32 and float64")
    return array


def _result_dtype(name, arrays, dtype):
    """Return float32 or float64."""
    if dtype is None:
        # One rule for integers everywhere in fastact: float64.
        floats = [a.dtype if a.dtype.kind == "f" else np.float64 for a in arrays]
        dtype = np.result_type(np.float32, *floats)
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"{name}: dtype must be float32 or float64, not {dtype}")
    for array in arrays:
        if not np.can_cast(array.dtype, dtype, "same_kind"):
            raise TypeError(f"{name}: {array.dtype} cannot be cast to {dtype}")
    return dtype.newbyteorder("=")


cdef inline bint is_plain(object array, int type_num) noexcept:
    """Whether it is an ndarray whose rows lie one after the other as the kernels want them."""
    return (
        cnp.PyArray_CheckExact(array) and cnp.PyArray_TYPE(<cnp.ndarray>array) == type_num
        and cnp.PyArray_NDIM(<cnp.ndarray>array) > 0
        and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>array)
    )


cdef bint all_plain(list arrays, object out):
    """Whether the rows of the arrays can be used as they are, with no copy and no other axis."""
    cdef cnp.ndarray first = <cnp.ndarray>arrays[0]
    cdef int type_num = cnp.PyArray_TYPE(first)
    if type_num != cnp.NPY_FLOAT and type_num != cnp.NPY_DOUBLE:
        return False
    if not is_plain(first, type_num) or cnp.PyArray_SIZE(first) == 0:
        return False
    for array in arrays if out is None else [*arrays, out]:
        if not is_plain(array, type_num) or not PyArray_SAMESHAPE(first, <cnp.ndarray>array):
            return False
    return out is None or (
        cnp.PyArray_ISWRITEABLE(<cnp.ndarray>out) and may_be_written(arrays, out))


cdef bint may_be_written(list arrays, cnp.ndarray out):
    """Whether a kernel may write contiguous `out` while it reads the arrays: each either lies
    elsewhere or is `out`, from its first byte to its last, as a kernel has read an element before
    it writes it."""
    cdef cnp.ndarray array
    for array in arrays:
        if (cnp.PyArray_DATA(array) != cnp.PyArray_DATA(out)
                or cnp.PyArray_TYPE(array) != cnp.PyArray_TYPE(out)
                or not cnp.PyArray_ISCARRAY_RO(array)) and np.may_share_memory(array, out):
            return False
    return True


cdef run_plain(int kernel, cnp.ndarray first, cnp.ndarray second, cnp.ndarray out):
    """The kernel on the rows of plain arrays, without the price of three memoryviews."""
    cdef Py_ssize_t n = cnp.PyArray_DIMS(first)[cnp.PyArray_NDIM(first) - 1]
    cdef Py_ssize_t rows = cnp.PyArray_SIZE(first) // n
    cdef int element = (_kernels.FASTACT_FLOAT32 if cnp.PyArray_TYPE(first) == cnp.NPY_FLOAT
                        else _kernels.FASTACT_FLOAT64)
    with nogil:
        _kernels.apply_rows(kernel, element, rows, n, cnp.PyArray_DATA(first),
                            cnp.PyArray_DATA(second), cnp.PyArray_DATA(out))


class _Rows:
    """The rows of arrays of one shape along some axes, and the way back."""

    def __init__(self, shape, axis):
        self.shape = shape or (1,)
        ndim = len(self.shape)
        axes = range(ndim) if axis is None else normalize_axis_tuple(
            axis if isinstance(axis, tuple) else (axis,), ndim, "axis")
        self.last = sorted(axes)
        self.order = [i for i in range(ndim) if i not in self.last] + self.last
        self.moved = [self.shape[i] for i in self.order]
        self.lead = self.moved[:ndim - len(self.last)]
        self.length = math.prod([self.shape[i] for i in self.last])
        self.count = math.prod(self.lead)
        self.in_order = self.order == list(range(ndim))

    def of(self, array, dtype):
        """Return the rows of an array, contiguous: itself where it is so already."""
        array = array.reshape(self.shape).transpose(self.order)
        array = np.require(array, dtype, ["C", "A"])
        return array.reshape(self.count, self.length)

    def back(self, rows):
        """Return rows as an array of the original order of axes."""
        # Not numpy.argsort, which leaves a floating-point flag raised.
        return rows.reshape(self.moved).transpose(
            sorted(range(len(self.order)), key=self.order.__getitem__))


def _check_out(name, out, shape, dtype):
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name}: out must be an ndarray, not {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"{name}: out has shape {out.shape}, the result has shape {shape}")
    if not out.flags.writeable:
        raise ValueError(f"{name}: out is read-only")
    if not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(f"{name}: a result of dtype {dtype} cannot be cast to out's dtype "
                        f"{out.dtype}")


def _apply(name, int kernel, arrays, axis, out, dtype):
    """Run a kernel whose result has the shape of its inputs."""
    if axis == -1 and dtype is None and type(axis) is int and all_plain(arrays, out):
        result = np.empty_like(arrays[0]) if out is None else out
        run_plain(kernel, arrays[0], arrays[len(arrays) - 1], result)
        return result
    shape = arrays[0].shape
    for array in arrays[1:]:
        if array.shape != shape:
            raise ValueError(f"{name}: the arrays must have one shape, not {shape} and "
                             f"{array.shape}")
    dtype = _result_dtype(name, arrays, dtype)
    rows = _Rows(shape, axis)
    if out is not None:
        _check_out(name, out, shape, dtype)
    # Straight into out where it lies as the rows do.
    direct = (
        out is not None and rows.in_order and out.dtype == dtype and type(out) is np.ndarray
        and out.flags.c_contiguous and out.flags.aligned and may_be_written(arrays, out)
    )
    given = [rows.of(array, dtype) for array in arrays]
    result = out.reshape(rows.count, rows.length) if direct else np.empty_like(given[0])
    _run(kernel, given[0], given[len(given) - 1], result)
    if direct:
        return out
    result = rows.back(result).reshape(shape)
    if out is None:
        return result if shape else result[()]
    np.copyto(out, result, casting="same_kind")
    return out


class Softmax:
    """Return the exponentials of x over their sum along an axis: probabilities.

    p = exp(x - max(x))/sum(exp(x - max(x))). A row with NaN or +inf, or of -inf alone, gives NaN.

    Parameters
    ----------
    x : array_like
        Bool, integer, float16, float32 or float64, of any shape.
    axis : int, tuple of int or None, default -1
        The axis along which the result sums to 1; None for all of x.
    out : ndarray, optional
        Where to put the result; may be x.
    dtype : dtype, optional
        float32 or float64: that of the computation and the result. Without it float32 for float16
        and float32, else float64.

    Returns
    -------
    ndarray or scalar
        Of x's shape.

    Raises
    ------
    TypeError
        For an unsupported dtype or a masked array, and for an axis that is not an integer.
    ValueError
        For an `out` that is read-only or of another shape.
    numpy.exceptions.AxisError
        For an axis that x does not have.

    See Also
    --------
    softmax.backward : The gradient, from x.
    softmax.backward_from_output : The gradient, from the result.
    softmax.jacobian : The matrix of derivatives.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.softmax([3.0, 1.0, 2.0])
    array([0.66524096, 0.09003057, 0.24472847])
    >>> fa.softmax([[1, 2], [3, 3]], axis=0)
    array([[0.11920292, 0.26894142],
           [0.88079708, 0.73105858]])
    """

    __slots__ = ()
    __name__ = __qualname__ = "softmax"

    def __call__(self, x, axis=-1, *, out=None, dtype=None):
        return _apply("softmax", _kernels.FASTACT_SOFTMAX, [_as_array("softmax", x)], axis, out,
                      dtype)

    def backward(self, grad, x, axis=-1, *, out=None, dtype=None):
        """Return the gradient with respect to x, from x.

        p (grad - sum(p grad)), p = softmax(x), the sum taken in a wider type than the dtype.

        Parameters
        ----------
        grad : array_like
            The gradient with respect to softmax(x); of x's shape.
        x : array_like
            What softmax was called on.
        axis : int, tuple of int or None, default -1
            The axis softmax was taken along.
        out : ndarray, optional
            Where to put the result; may be grad or x.
        dtype : dtype, optional
            float32 or float64.

        Returns
        -------
        ndarray
            Of x's shape.

        Raises
        ------
        ValueError
            For arrays of different shapes.
        TypeError
            For an unsupported dtype.
        numpy.exceptions.AxisError
            For an axis that x does not have.

        Examples
        --------
        >>> import fastact as fa
        >>> fa.softmax.backward([1.0, 0.0], [0.0, 0.0])
        array([ 0.25, -0.25])
        """
        name = "softmax.backward"
        return _apply(name, _kernels.FASTACT_SOFTMAX_BACKWARD,
                      [_as_array(name, grad), _as_array(name, x)], axis, out, dtype)

    def backward_from_output(self, grad, y, axis=-1, *, out=None, dtype=None):
        """Return the gradient with respect to x, from y = softmax(x).

        y (grad - sum(y grad)): faster than `backward`, but it inherits the rounding of y.

        Parameters
        ----------
        grad : array_like
            The gradient with respect to y; of y's shape.
        y : array_like
            What softmax returned.
        axis : int, tuple of int or None, default -1
            The axis softmax was taken along.
        out : ndarray, optional
            Where to put the result; may be grad or y.
        dtype : dtype, optional
            float32 or float64.

        Returns
        -------
        ndarray
            Of y's shape.

        Raises
        ------
        ValueError
            For arrays of different shapes.
        TypeError
            For an unsupported dtype.
        numpy.exceptions.AxisError
            For an axis that y does not have.

        Examples
        --------
        >>> import fastact as fa
        >>> fa.softmax.backward_from_output([1.0, 0.0], [0.5, 0.5])
        array([ 0.25, -0.25])
        """
        name = "softmax.backward_from_output"
        return _apply(name, _kernels.FASTACT_SOFTMAX_BACKWARD_FROM_OUTPUT,
                      [_as_array(name, grad), _as_array(name, y)], axis, out, dtype)

    def jacobian(self, x, axis=-1, *, dtype=None):
        """Return the matrices of dp_i/dx_j.

        diag(p) - p p^T, p = softmax(x); 1 - p_i without cancellation.

        Parameters
        ----------
        x : array_like
            The logits.
        axis : int, default -1
            The axis of length n.
        dtype : dtype, optional
            float32 or float64.

        Returns
        -------
        ndarray
            The axes of x other than `axis`, then i and j, both of length n.

        Raises
        ------
        TypeError
            For an unsupported dtype, and for an axis that is not an integer.
        numpy.exceptions.AxisError
            For an axis that x does not have.

        Examples
        --------
        >>> import fastact as fa
        >>> fa.softmax.jacobian([0.0, 0.0])
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
        """
        name = "softmax.jacobian"
        if not hasattr(axis, "__index__"):
            raise TypeError(f"{name}: axis must be an integer, not {type(axis).__name__}")
        array = _as_array(name, x)
        dtype = _result_dtype(name, [array], dtype)
        rows = _Rows(array.shape, axis)
        given = rows.of(array, dtype)
        out = np.empty((rows.count, rows.length * rows.length), dtype)
        _run(_kernels.FASTACT_SOFTMAX_JACOBIAN, given, given, out)
        return out.reshape(*rows.lead, rows.length, rows.length)

    def __repr__(self):
        return "<activation 'softmax'>"

    def __reduce__(self):
        return "softmax"


Softmax.__call__.__doc__ = Softmax.__doc__
Softmax.__module__ = "fastact"
softmax = Softmax()
