"""The kernels over buffers: ``array.array``, ``memoryview``, ctypes arrays, shared memory.

No ndarray is made on the way. Every activation is here by its name, with ``derivative`` and
``backward``, and so is a row-wise ``softmax``. A function takes contiguous float32 (format "f") or
float64 ("d") buffers and ``out`` of the same format and shape, which may be x itself; without
``out`` it returns an ``array.array``, which has one dimension. Parameters are numbers, by position
or name.

From Cython the same kernels can be called without the GIL: see ``buffers.pxd``.

Examples
--------
>>> from array import array
>>> from fastact import buffers
>>> x = array("f", [-1.0, 0.0, 2.0])
>>> buffers.relu(x)
array('f', [0.0, 0.0, 2.0])
>>> buffers.elu.derivative(x, alpha=0.5, out=x)
array('f', [0.1839397..., 0.5, 1.0])
>>> buffers.softmax(array("d", [0.0, 0.0]))
array('d', [0.5, 0.5])
"""

from cpython cimport array as carray
from cpython.buffer cimport Py_buffer, PyBUF_READ, PyBUF_WRITE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.memoryview cimport PyMemoryView_FromMemory, PyMemoryView_GET_BUFFER
from cython cimport floating
from libc.string cimport memset

from fastact cimport _kernels
from fastact._kernels cimport fastact_call, fastact_row_call

import array
import sys

from fastact import _docstrings
from fastact._kernels import OPERATIONS
from fastact.catalogue import CATALOGUE

# What may stand before a format's letter: ctypes, for one, always says which byte order it has.
cdef str NATIVE = "@=<" if sys.byteorder == "little" else "@=>!"


cdef class Function:
    """An operation of an activation over buffers; see the module for what it takes."""

    def __init__(self):
        raise TypeError("buffer functions are not made by hand: use fastact.buffers.sigmoid and "
                        "the like")

    def __dealloc__(self):
        PyMem_Free(self.calls[0])
        PyMem_Free(self.calls[1])

    @property
    def __doc__(self):
        """What the function computes."""
        inputs = ("grad", "x")[2 - self.arrays:]
        names = ", ".join([*inputs, *[f"{n}={v}" for n, v in self.parameters.items()]])
        what = {
            "value": f"{self.row.summary}.\n\nf(x) = {self.row.formula}",
            "derivative": f"The derivative of {self.row.name}.\n\nf'(x) = {self.row.derivative}",
            "backward": f"The backward pass of {self.row.name}.\n\n"
                        f"grad f'(x), f'(x) = {self.row.derivative}",
        }[OPERATIONS[self.operation]]
        return f"{self.__name__}({names}, *, out=None)\n\n{what}\n"

    @property
    def parameters(self):
        """The parameters and their default values."""
        return dict(self.values)

    def with_parameters(self, **parameters):
        """Return the function with other default values of its parameters.

        Parameters
        ----------
        **parameters : float
            Values by name.

        Returns
        -------
        Function

        Raises
        ------
        TypeError
            For a name that is no parameter of this function.
        ValueError
            For NaN, and for a number out of its range.

        Examples
        --------
        >>> from array import array
        >>> from fastact import buffers
        >>> buffers.leaky_relu.with_parameters(negative_slope=0.5)(array("d", [-1.0]))
        array('d', [-0.5])
        """
        return make(self.row, self.operation, completed(self, (), parameters))

    def __call__(self, *args, out=None, **parameters):
        if len(args) < self.arrays:
            needed = "a buffer, x" if self.arrays == 1 else "two buffers, grad and x"
            raise TypeError(f"{self.__name__}() takes {needed}; {len(args)} were given")
        cdef Function function = self
        if len(args) > self.arrays or parameters:
            function = make(self.row, self.operation,
                            completed(self, args[self.arrays:], parameters))
        views = [view_of(self.__name__, buffer) for buffer in args[:self.arrays]]
        first, last = views[0], views[self.arrays - 1]
        check_alike(self.__name__, first, last)
        out, target = output(self.__name__, out, first)
        if first.nbytes == 0:
            return out
        if format_of(self.__name__, first) == "f":
            with_format[float](function, flat(first), flat(last), flat(target))
        else:
            with_format[double](function, flat(first), flat(last), flat(target))
        return out

    def __repr__(self):
        return f"<buffer function {self.__name__!r}>"

    def __reduce__(self):
        return _find, (self.row.name, OPERATIONS[self.operation], self.values)

    def __eq__(self, other):
        if not isinstance(other, Function):
            return NotImplemented
        return identity(self) == identity(other)

    def __hash__(self):
        return hash(identity(self))

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


cdef tuple identity(Function function):
    """What two functions have in common that compute the same."""
    return function.row.name, function.operation, *function.values.values()


cdef set_up(Function function, row, int operation, dict parameters):
    cdef int i, element
    function.row = row
    function.operation = operation
    function.arrays = 2 if operation == _kernels.FASTACT_BACKWARD else 1
    function.__name__ = _docstrings.member_name(row, OPERATIONS[operation])
    function.values = parameters
    for i, (parameter, value) in enumerate(zip(row.parameters, parameters.values())):
        if value != value:
            raise ValueError(f"{function.__name__}: a parameter must be a number, not nan")
        if not parameter.takes(value):
            raise ValueError(f"{function.__name__}: {parameter.name} must be {parameter.domain}, "
                             f"not {value}")
        if row.ascending and i > 0 and value < function.wide[i - 1]:
            raise ValueError(f"{function.__name__}: {parameter.name} must not be less than the "
                             "parameter before it")
        function.wide[i] = value
        _kernels.round_to(_kernels.FASTACT_FLOAT32, function.wide[i], &function.narrow[i])
    for i, element in enumerate((_kernels.FASTACT_FLOAT32, _kernels.FASTACT_FLOAT64)):
        function.calls[i] = PyMem_Malloc(sizeof(fastact_call))
        if function.calls[i] == NULL:
            raise MemoryError
        _kernels.bind(<fastact_call *>function.calls[i], row, operation, element, element)


cdef dict completed(Function function, tuple given, dict named):
    """The parameters of a call."""
    cdef double number
    complete = dict(function.values)
    if len(given) > len(complete):
        raise TypeError(
            f"{function.__name__}() takes at most {function.arrays + len(complete)} positional "
            "arguments; an output buffer is given by name: out=")
    by_position = dict(zip(complete, given))
    for name in named:
        if name not in complete:
            accepted = ", ".join(complete) or "none"
            raise TypeError(f"{function.__name__} has no parameter {name!r}; it has: {accepted}")
        if name in by_position:
            raise TypeError(f"{function.__name__}() got {name!r} by position and by name")
    complete.update(by_position, **named)
    for name, value in complete.items():
        number = value  # unlike float(value) it takes no string
        complete[name] = number
    return complete


cdef str format_of(str function, view):
    kind = view.format.lstrip(NATIVE)
    if kind not in ("f", "d"):
        advice = "; memoryview(...).cast('d') makes such of bytes" if kind == "B" else ""
        raise TypeError(f"{function} takes buffers of format 'f' (float32) or 'd' (float64), not "
                        f"{view.format!r}{advice}")
    return kind


cdef view_of(str function, buffer):
    """The buffer that an object offers, if it is one that the kernels can read."""
    try:
        view = memoryview(buffer)
    except TypeError:
        raise TypeError(f"{function} takes buffers, such as array.array('d', ...), not "
                        f"{type(buffer).__name__}") from None
    format_of(function, view)
    if not view.c_contiguous:
        raise ValueError(f"{function}: the buffers must be contiguous: copy this one")
    return view


cdef check_alike(str function, first, second):
    if format_of(function, first) != format_of(function, second):
        raise TypeError(f"{function}: the buffers must be of one format, not {first.format!r} and "
                        f"{second.format!r}")
    if first.shape != second.shape:
        raise ValueError(f"{function}: the buffers must have one shape, not {first.shape} and "
                         f"{second.shape}")


cdef tuple output(str function, out, first):
    """What to return for an input, and a view of it to write to."""
    if out is None:
        out = carray.clone(array.array(format_of(function, first)),
                           first.nbytes // first.itemsize, zero=False)
        return out, memoryview(out)
    target = view_of(function, out)
    if target.readonly:
        raise ValueError(f"{function}: out is read-only")
    check_alike(function, first, target)
    return out, target


cdef flat(view):
    """The same elements as a view of one dimension."""
    if view.ndim == 1:
        return view
    cdef Py_buffer *buffer = PyMemoryView_GET_BUFFER(view)
    return PyMemoryView_FromMemory(
        <char *>buffer.buf, buffer.len, PyBUF_READ if buffer.readonly else PyBUF_WRITE
    ).cast(view.format.lstrip(NATIVE))


cdef with_format(Function function, const floating[::1] first, const floating[::1] last,
                 floating[::1] out):
    with nogil:
        if function.arrays == 2:
            apply_backward(function, first, last, out)
        else:
            apply(function, last, out)


cdef int check(Py_ssize_t n, Py_ssize_t other, const char *input, const char *out,
               Py_ssize_t item) except -1 nogil:
    if n != other:
        with gil:
            raise ValueError(f"the buffers must have one length, not {n} and {other}")
    if input != out and input < out + n * item and out < input + n * item:
        with gil:
            raise ValueError("out overlaps an input without being it: copy the input first")
    if (<size_t>input | <size_t>out) % item != 0:
        with gil:
            raise ValueError(f"the buffers must be aligned to their elements of {item} bytes")
    return 0


cdef int run(Function function, Py_ssize_t n, const floating *grad, const floating *x,
             floating *out) except -1 nogil:
    cdef char *operands[8]
    cdef Py_ssize_t strides[8]
    cdef fastact_call *bound = <fastact_call *>function.calls[0 if floating is float else 1]
    cdef int i, count = 0
    if function.arrays == 2:
        operands[count], strides[count] = <char *>grad, sizeof(floating)
        count += 1
    operands[count], strides[count] = <char *>x, sizeof(floating)
    count += 1
    for i in range(bound.parameters):
        if floating is float:
            operands[count] = <char *>&function.narrow[i]
        else:
            operands[count] = <char *>&function.wide[i]
        strides[count] = 0
        count += 1
    operands[count], strides[count] = <char *>out, sizeof(floating)
    return _kernels.apply(bound, n, operands, strides)


cdef int check_kind(Function function, int arrays) except -1 nogil:
    if function is None or function.arrays != arrays:
        with gil:
            if function is None:
                raise TypeError("function must be one of fastact.buffers, not None")
            raise TypeError("a backward function takes grad and x: call apply_backward"
                            if arrays == 1 else "not a backward function: call apply")
    return 0


cdef int apply(Function function, const floating[::1] x, floating[::1] out) except -1 nogil:
    """The value or derivative of each element."""
    cdef Py_ssize_t n = x.shape[0]
    check_kind(function, 1)
    if n == 0 and out.shape[0] == 0:
        return 0
    check(n, out.shape[0], <const char *>&x[0], <const char *>&out[0], sizeof(floating))
    return run(function, n, <const floating *>NULL, &x[0], &out[0])


cdef int apply_backward(Function function, const floating[::1] grad, const floating[::1] x,
                        floating[::1] out) except -1 nogil:
    """grad times the derivative at x."""
    cdef Py_ssize_t n = x.shape[0]
    check_kind(function, 2)
    if n == 0 and grad.shape[0] == 0 and out.shape[0] == 0:
        return 0
    check(n, grad.shape[0], <const char *>&x[0], <const char *>&x[0], sizeof(floating))
    check(n, out.shape[0], <const char *>&x[0], <const char *>&out[0], sizeof(floating))
    check(n, out.shape[0], <const char *>&grad[0], <const char *>&out[0], sizeof(floating))
    return run(function, n, &grad[0], &x[0], &out[0])


cdef int softmax_rows(const floating[:, ::1] x, floating[:, ::1] out) except -1 nogil:
    """softmax of each row."""
    if x.shape[0] != out.shape[0] or x.shape[1] != out.shape[1]:
        with gil:
            raise ValueError("out must have the shape of x")
    if x.shape[0] == 0 or x.shape[1] == 0:
        return 0
    return run_rows(x.shape[0], x.shape[1], &x[0, 0], &out[0, 0])


cdef int run_rows(Py_ssize_t rows, Py_ssize_t n, const floating *x,
                  floating *out) except -1 nogil:
    cdef fastact_row_call call
    cdef int operand
    check(rows * n, rows * n, <const char *>x, <const char *>out, sizeof(floating))
    memset(&call, 0, sizeof(call))
    call.kernel = _kernels.FASTACT_SOFTMAX
    call.element = _kernels.FASTACT_FLOAT32 if floating is float else _kernels.FASTACT_FLOAT64
    call.outer, call.n, call.inner = rows, n, 1
    call.operands[0], call.operands[2] = <char *>x, <char *>out
    for operand in range(3):
        call.strides[operand][0] = n * sizeof(floating)
        call.strides[operand][1] = sizeof(floating)
    call.temperature = 1.0
    return _kernels.apply_rows(&call)


def softmax(x, *, out=None):
    """Softmax of each row of a buffer: along its last dimension.

    Parameters
    ----------
    x : buffer
        Contiguous, of format "f" or "d", of one or more dimensions.
    out : buffer, optional
        Of the same format and shape; may be x. Without it the result is an ``array.array`` of one
        dimension, row after row.

    Returns
    -------
    buffer
        `out`, or the new array.

    Raises
    ------
    TypeError
        For another format.
    ValueError
        For buffers that are not contiguous, of another shape, or read-only.

    Examples
    --------
    >>> from array import array
    >>> from fastact import buffers
    >>> rows = memoryview(array("d", [0, 0, 5, 5])).cast("B").cast("d", (2, 2))
    >>> buffers.softmax(rows)
    array('d', [0.5, 0.5, 0.5, 0.5])
    """
    view = view_of("softmax", x)
    if view.ndim == 0:
        raise ValueError("softmax: the buffer must have a dimension")
    out, target = output("softmax", out, view)
    if view.nbytes == 0:
        return out
    if format_of("softmax", view) == "f":
        rows_with_format[float](view.shape[view.ndim - 1], flat(view), flat(target))
    else:
        rows_with_format[double](view.shape[view.ndim - 1], flat(view), flat(target))
    return out


cdef rows_with_format(Py_ssize_t n, const floating[::1] x, floating[::1] out):
    with nogil:
        run_rows(x.shape[0] // n, n, &x[0], &out[0])


cdef Function make(row, int operation, dict parameters):
    cdef Function made = Function.__new__(Function)
    set_up(made, row, operation, parameters)
    if operation == _kernels.FASTACT_VALUE:
        made.derivative = make(row, _kernels.FASTACT_DERIVATIVE, parameters)
        made.backward = make(row, _kernels.FASTACT_BACKWARD, parameters)
    return made


def _find(name, operation, parameters):
    """Return a function by name: what a pickle calls."""
    cdef Function found = globals()[name]
    if found.values != parameters:
        found = make(found.row, _kernels.FASTACT_VALUE, parameters)
    return found if operation == "value" else getattr(found, operation)


__all__ = ["Function", "softmax"]

for _row in CATALOGUE:
    _function = make(_row, _kernels.FASTACT_VALUE, {p.name: p.default for p in _row.parameters})
    for _name in (_row.name, *_row.aliases):
        globals()[_name] = _function
        __all__.append(_name)
del _row, _function, _name
