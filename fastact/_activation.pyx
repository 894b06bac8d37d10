"""The elementwise face of fastact: callables that behave as ufuncs do.

Behind each stands a real ``numpy.ufunc``; whatever is out of the ordinary goes to it.  Plain arrays
and scalars take a shorter way to the same kernels: that is what makes a call on ten numbers cheap.
"""

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_AsDouble, PyLong_CheckExact
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.ref cimport Py_INCREF, PyObject
from cpython.tuple cimport PyTuple_GET_SIZE
from libc.string cimport memset

from fastact cimport _kernels
from fastact._calls cimport (
    KEEP_GIL_BELOW,
    PyArray_EMPTY,
    PyArray_FLAGS,
    PyVectorcall_NARGS,
    alike,
    by_name,
    by_position,
    call_through_vectorcall,
    floating_element,
    overlaps,
    shows_twice,
    vectorcall_function,
)
from fastact._kernels cimport fastact_call

import contextlib
import inspect
import numbers
import sys
import threading

import numpy as np

from fastact import _docstrings
from fastact._kernels import OPERATIONS
from fastact.catalogue import CATALOGUE, GATE_CATALOGUE

cnp.import_array()
cnp.import_umath()

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef extern from "numpy/arrayobject.h":
    cnp.ndarray PyArray_NewLikeArray(cnp.ndarray prototype, cnp.NPY_ORDER order,
                                     void *descr, int subok)
    cnp.ndarray PyArray_NewFromDescr(type subtype, cnp.dtype descr, int nd, cnp.npy_intp *dims,
                                     cnp.npy_intp *strides, void *data, int flags, PyObject *obj)
    object PyArray_FromScalar(object scalar, void *descr)
    object PyArray_Scalar(void *data, cnp.dtype descr, object base)
    object PyArray_ToScalar(void *data, cnp.ndarray array)

cdef enum:
    MAX_PARAMETERS = 4
    WEAK = -1

# What a call gives for a parameter: an array, or a number where there is none. Python's numbers are
# WEAK and give way to any array; one of NumPy's has an element type.
cdef struct parameter:
    PyObject *array
    double number
    int element

cdef str OUT = "out"
cdef type np_float16 = np.float16
cdef type np_float32 = np.float32
cdef type np_float64 = np.float64
cdef cnp.dtype FLOAT64 = np.dtype(np.float64)

cdef dict INTEGERS = {
    cnp.NPY_BOOL: _kernels.FASTACT_BOOL,
    cnp.NPY_BYTE: _kernels.FASTACT_INT8,
    cnp.NPY_UBYTE: _kernels.FASTACT_UINT8,
    cnp.NPY_SHORT: _kernels.FASTACT_INT16,
    cnp.NPY_USHORT: _kernels.FASTACT_UINT16,
    cnp.NPY_INT: _kernels.FASTACT_INT32,
    cnp.NPY_UINT: _kernels.FASTACT_UINT32,
    cnp.NPY_LONG: _kernels.FASTACT_INT64 if sizeof(long) == 8 else _kernels.FASTACT_INT32,
    cnp.NPY_ULONG: _kernels.FASTACT_UINT64 if sizeof(long) == 8 else _kernels.FASTACT_UINT32,
    cnp.NPY_LONGLONG: _kernels.FASTACT_INT64,
    cnp.NPY_ULONGLONG: _kernels.FASTACT_UINT64,
}
cdef dict FLOATS = {
    cnp.NPY_FLOAT: _kernels.FASTACT_FLOAT32,
    cnp.NPY_DOUBLE: _kernels.FASTACT_FLOAT64,
    cnp.NPY_FLOAT16: _kernels.FASTACT_FLOAT16,
}

# The type number of ml_dtypes.bfloat16, which NumPy does not know until that package is imported;
# -1 before the ufuncs have loops for it.
cdef int bfloat16_type = -1
cdef object bfloat16 = None  # the dtype
cdef object finding_bfloat16 = threading.Lock()


cdef void ufunc_loop(char **operands, const cnp.npy_intp *dimensions, const cnp.npy_intp *strides,
                     void *data) noexcept nogil:
    _kernels.apply_in_ufunc(<const fastact_call *>data, dimensions[0], operands,
                            <const Py_ssize_t *>strides)


cdef dict loops_in_order(int inputs):
    """The element types of a ufunc's loops, in the order of the loops. For the dtypes of several
    inputs NumPy takes the first loop to which they cast safely: integers come first, so that none
    of them becomes a float narrower than float64, and float16 before the wider floats. For a single
    one it takes the loop of that dtype; but Polars reads the list and takes the first that a Series
    casts to."""
    if inputs > 1:
        return {**INTEGERS, **dict(sorted(FLOATS.items(), key=lambda pair: pair[1]))}
    return {**FLOATS, **INTEGERS}


cdef int element_of_results(row, int operation, int element):
    """The element type of the results: that of x, or float64."""
    if element < _kernels.FASTACT_FLOATS or (
        row.keeps_integers and operation == _kernels.FASTACT_VALUE
        and element != _kernels.FASTACT_BOOL
    ):
        return element
    return _kernels.FASTACT_FLOAT64


cdef object make_ufunc(row, int operation):
    """The numpy.ufunc of one operation. What is allocated here lives as long as the process, as
    the ufunc does."""
    cdef int capacity = len(row.inputs) * len(INTEGERS) + len(FLOATS), count = 0, operands = 0
    cdef int first = operation == _kernels.FASTACT_BACKWARD, arrays = first + len(row.inputs)
    cdef int element, computed_in, computed_type, place, i
    cdef cnp.PyUFuncGenericFunction *functions = <cnp.PyUFuncGenericFunction *>PyMem_Malloc(
        capacity * sizeof(cnp.PyUFuncGenericFunction))
    cdef void **data = <void **>PyMem_Malloc(capacity * sizeof(void *))
    cdef char *types = <char *>PyMem_Malloc(capacity * _kernels.FASTACT_MAX_OPERANDS)
    cdef fastact_call *calls = <fastact_call *>PyMem_Malloc(capacity * sizeof(fastact_call))
    if functions == NULL or data == NULL or types == NULL or calls == NULL:
        raise MemoryError
    for type_num, element in loops_in_order(len(row.parameters) + arrays).items():
        computed_in = element_of_results(row, operation, element)
        computed_type = type_num if computed_in == element else cnp.NPY_DOUBLE
        # Of several arrays any may be the one of integers; then the others are float64.
        for place in range(first, first + 1 if computed_in == element else arrays):
            if _kernels.bind(&calls[count], row, operation, element, computed_in) < 0:
                raise ImportError(f"{row.name}: the catalogue says that it keeps integers, "
                                  "src_c/activations.h does not")
            operands = calls[count].inputs + calls[count].outputs
            calls[count].elements[first] = computed_in
            calls[count].elements[place] = element
            for i in range(operands):
                types[count * operands + i] = computed_type
            types[count * operands + place] = type_num
            functions[count] = ufunc_loop
            data[count] = &calls[count]
            count += 1
    name = row.name if operation == _kernels.FASTACT_VALUE else (
        f"{row.name}_{OPERATIONS[operation]}")
    # Kept by the module for good: the ufunc only points to them.
    names = (name.encode(), _docstrings.ufunc_text(row, OPERATIONS[operation]).encode())
    kept_alive.append(names)
    ufunc = cnp.PyUFunc_FromFuncAndData(
        functions, data, types, count, calls[0].inputs, calls[0].outputs, cnp.PyUFunc_None,
        names[0], names[1], 0)
    # Here a pickle finds it: at once where NumPy lets a ufunc say its module (2.2), else by search.
    globals()[name] = ufunc
    with contextlib.suppress(AttributeError):
        ufunc.__module__ = __name__
    return ufunc


cdef list kept_alive = []


cdef inline bint is_plain(cnp.ndarray a, int flags) noexcept:
    """Whether an array has these flags, and elements as the processor reads them."""
    cdef int needed = flags | cnp.NPY_ARRAY_ALIGNED
    return PyArray_FLAGS(a) & needed == needed and cnp.PyArray_ISNOTSWAPPED(a)


cdef inline bint same_strides(cnp.ndarray a, cnp.ndarray b) noexcept:
    cdef int i
    for i in range(cnp.PyArray_NDIM(a)):
        if (cnp.PyArray_STRIDES(a)[i] != cnp.PyArray_STRIDES(b)[i]
                and cnp.PyArray_DIMS(a)[i] > 1):
            return False
    return True


cdef inline bint repeats(cnp.ndarray a) noexcept:
    """Whether an array shows an element twice, as broadcast ones do."""
    cdef int i
    for i in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_STRIDES(a)[i] == 0 and cnp.PyArray_DIMS(a)[i] > 1:
            return True
    return False


cdef inline bint in_c_order(cnp.ndarray a) noexcept:
    """Whether strides fall, those of what repeats aside: NumPy's results are then in C order."""
    cdef int i
    cdef Py_ssize_t stride, least = PY_SSIZE_T_MAX
    for i in range(cnp.PyArray_NDIM(a)):
        stride = cnp.PyArray_STRIDES(a)[i]
        if stride == 0 or cnp.PyArray_DIMS(a)[i] == 1:
            continue
        if stride < 0 or stride > least:
            return False
        least = stride
    return True


cdef inline bint overlaps_partly(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Whether two arrays of one shape may share memory otherwise than element by element."""
    if cnp.PyArray_DATA(a) == cnp.PyArray_DATA(b) and same_strides(a, b):
        return False
    return overlaps(a, b)


cdef inline bint spreads_over(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Whether a has b's dtype and broadcasts to b's shape."""
    cdef int i, added = cnp.PyArray_NDIM(b) - cnp.PyArray_NDIM(a)
    if cnp.PyArray_TYPE(a) != cnp.PyArray_TYPE(b) or added < 0 or not is_plain(a, 0):
        return False
    for i in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_DIMS(a)[i] not in (1, cnp.PyArray_DIMS(b)[added + i]):
            return False
    return True


cdef inline void spread(cnp.ndarray a, int dimensions, Py_ssize_t *strides) noexcept:
    """The strides, 0 until now, with which a is broadcast to so many dimensions."""
    cdef int i, added = dimensions - cnp.PyArray_NDIM(a)
    for i in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_DIMS(a)[i] != 1:
            strides[added + i] = cnp.PyArray_STRIDES(a)[i]


cdef inline cnp.ndarray empty_like(cnp.ndarray a):
    return PyArray_NewLikeArray(a, cnp.NPY_KEEPORDER, NULL, 0)


cdef inline cnp.ndarray array_of(PyObject *value):
    """An array as it is, one of no dimension for a scalar of float32 or float16, else None."""
    if cnp.PyArray_CheckExact(<object>value):
        return <cnp.ndarray>value
    if type(<object>value) is np_float32 or type(<object>value) is np_float16:
        return PyArray_FromScalar(<object>value, NULL)
    return None


cdef inline object of_no_dimension(cnp.ndarray a):
    """The scalar that such an array is returned as."""
    return PyArray_ToScalar(cnp.PyArray_DATA(a), a)


cdef cnp.ndarray part(cnp.ndarray x, int axis, Py_ssize_t begin, Py_ssize_t length):
    """A view of so much of an array along an axis."""
    cdef Py_ssize_t shape[_kernels.FASTACT_MAX_DIMENSIONS]
    cdef int i
    for i in range(cnp.PyArray_NDIM(x)):
        shape[i] = cnp.PyArray_DIMS(x)[i]
    shape[axis] = length
    cdef cnp.dtype dtype = <cnp.dtype>cnp.PyArray_DESCR(x)
    Py_INCREF(dtype)  # which the view takes
    cdef cnp.ndarray view = PyArray_NewFromDescr(
        cnp.ndarray, dtype, cnp.PyArray_NDIM(x), <cnp.npy_intp *>shape, cnp.PyArray_STRIDES(x),
        <char *>cnp.PyArray_DATA(x) + begin * cnp.PyArray_STRIDES(x)[axis],
        PyArray_FLAGS(x) & cnp.NPY_ARRAY_WRITEABLE, NULL)
    cnp.set_array_base(view, x)
    return view


def halves(cnp.ndarray x, int axis):
    """Return the first and second half along an axis, as views: slices take twice as long."""
    cdef Py_ssize_t middle = cnp.PyArray_DIMS(x)[axis] // 2
    return part(x, axis, 0, middle), part(x, axis, middle, middle)


cdef class Operation:
    """One operation of an activation - its value, derivative, backward pass, or value and
    derivative - as a callable that behaves as a ufunc does.

    Not to be made by hand: an `Activation` has them.
    """

    cdef vectorcall_function vectorcall
    cdef object numpy_ufunc
    cdef object row
    cdef int operation
    cdef tuple inputs  # the names of what comes before the parameters
    cdef int arrays    # and their number
    cdef bint gated    # whether two arrays take the place of x
    cdef int outputs
    cdef int open_parameters
    cdef tuple names        # of the parameters that a call may give
    cdef tuple slots        # their places among all parameters
    cdef tuple values       # of all parameters, where the call does not give them
    cdef bint plain_values  # whether these are all numbers
    cdef double numbers[MAX_PARAMETERS]
    cdef double least[MAX_PARAMETERS]  # what each may be,
    cdef bint positive[MAX_PARAMETERS]  # that itself excluded
    cdef bint ascending
    cdef fastact_call calls[_kernels.FASTACT_ELEMENTS]  # by element type

    def __init__(self):
        raise TypeError(f"{type(self).__name__} objects are not made by hand: "
                        "use fastact.sigmoid and the like")

    def __call__(self, *args, **kwargs):
        return self.long_way(args, kwargs)

    cdef setup(self, row, int operation, object ufunc, dict fixed):
        """Fill a new object; `fixed` are parameters that calls may no longer give."""
        cdef int i, element
        self.vectorcall = call
        self.numpy_ufunc = ufunc
        self.row = row
        self.operation = operation
        self.inputs = row.inputs
        if operation == _kernels.FASTACT_BACKWARD:
            self.inputs = ("grad", *row.inputs)
        self.arrays = len(self.inputs)
        self.gated = len(row.inputs) > 1
        self.outputs = ufunc.nout
        self.values = tuple(fixed.get(p.name, p.default) for p in row.parameters)
        self.names = tuple(p.name for p in row.parameters if p.name not in fixed)
        self.slots = tuple(i for i, p in enumerate(row.parameters) if p.name not in fixed)
        self.open_parameters = len(self.names)
        self.ascending = row.ascending
        for i, parameter_row in enumerate(row.parameters):
            self.least[i] = parameter_row.least
            self.positive[i] = parameter_row.domain == "positive"
        self.plain_values = all(type(value) in (int, float) for value in self.values)
        if self.plain_values:
            for i, value in enumerate(self.values):
                self.numbers[i] = value
        for element in range(_kernels.FASTACT_ELEMENTS):
            _kernels.bind(&self.calls[element], row, operation, element,
                          element_of_results(row, operation, element))

    # ---- the short way: plain arrays and scalars --------------------------------------------

    cdef bint read_arguments(self, PyObject *const *args, Py_ssize_t given, PyObject *kwnames,
                             parameter *parameters, PyObject **out) except -1:
        """Read the arguments of a call into parameters and out; False where the short way
        cannot serve it."""
        cdef Py_ssize_t i, j, named
        cdef PyObject *value
        cdef object key
        if given < self.arrays or given > self.arrays + self.open_parameters:
            return False
        if not self.plain_values:
            return False
        for i in range(len(self.values)):
            parameters[i].number = self.numbers[i]
            parameters[i].array = NULL
            parameters[i].element = WEAK
        for i in range(self.arrays, given):
            if not read_parameter(args[i], &parameters[<Py_ssize_t>self.slots[i - self.arrays]]):
                return False
        if kwnames == NULL:
            return True
        named = PyTuple_GET_SIZE(<tuple>kwnames)
        for i in range(named):
            # Keywords are interned, so identity finds them; what it misses goes the long way.
            key = (<tuple>kwnames)[i]
            value = args[given + i]
            if key is OUT:
                if <object>value is not None:
                    out[0] = value
                continue
            for j in range(given - self.arrays, self.open_parameters):
                if key is self.names[j]:
                    if not read_parameter(value, &parameters[<Py_ssize_t>self.slots[j]]):
                        return False
                    break
            else:
                return False
        return True

    cdef object short_way(self, PyObject *const *args, parameter *parameters,
                          PyObject *given_out):
        """The result for plain arrays or scalars, or None where the long way has to serve them."""
        cdef cnp.ndarray x, grad = None, out = None, second = None
        cdef fastact_call *bound
        cdef char *operands[_kernels.FASTACT_MAX_OPERANDS]
        cdef double rounded[MAX_PARAMETERS]  # memory for whatever the element type
        cdef int i, element, computed_in, contiguity, count = 0
        cdef int kind  # of the result's elements
        cdef bint varying = False  # whether a parameter is an array

        if self.gated:
            return self.short_way_of_arrays(args, parameters, given_out)
        x = array_of(args[0])
        if x is None:
            return self.of_floats(args, parameters) if given_out == NULL else None
        kind = cnp.PyArray_TYPE(x)
        element = floating_element(kind, bfloat16_type)
        if element < 0 and self.arrays == 1 and given_out == NULL:
            element = INTEGERS.get(kind, -1)
        if element < 0 or not is_plain(x, 0):
            return None
        bound = &self.calls[element]
        computed_in = bound.computed_in
        if computed_in != element:
            kind = cnp.NPY_DOUBLE
        # Of both orders, or of neither, C alone counts.
        contiguity = PyArray_FLAGS(x) & (cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_F_CONTIGUOUS)
        if contiguity & cnp.NPY_ARRAY_C_CONTIGUOUS:
            contiguity = cnp.NPY_ARRAY_C_CONTIGUOUS
        operands[count] = <char *>cnp.PyArray_DATA(x)
        count += 1
        if self.arrays == 2:
            grad = x
            x = array_of(args[1])
            if x is None or not (alike(grad, x) and is_plain(x, 0)):
                return None
            contiguity &= PyArray_FLAGS(x)
            operands[count] = <char *>cnp.PyArray_DATA(x)
            count += 1

        for i in range(bound.parameters):
            if parameters[i].array != NULL:
                if not (computed_in == element
                        and spreads_over(<cnp.ndarray>parameters[i].array, x)):
                    return None
                varying = True
                operands[count] = <char *>cnp.PyArray_DATA(<cnp.ndarray>parameters[i].array)
            elif not self.takes(i, parameters[i].number):
                return None  # refused there
            elif not gives_way(&parameters[i], computed_in):
                return None  # x does
            elif computed_in == _kernels.FASTACT_FLOAT64:
                operands[count] = <char *>&parameters[i].number
            elif _kernels.round_to(computed_in, parameters[i].number, &rounded[i]):
                return None  # it overflows: NumPy warns of that
            else:
                operands[count] = <char *>&rounded[i]
            count += 1
        if self.ascending and self.falls(parameters):
            return None  # refused there

        if given_out != NULL:
            if self.outputs == 2 or not cnp.PyArray_CheckExact(<object>given_out):
                return None
            out = <cnp.ndarray>given_out
            if not (alike(x, out) and is_plain(out, cnp.NPY_ARRAY_WRITEABLE)
                    and not shows_twice(out) and not overlaps_partly(x, out)
                    and (grad is None or not overlaps_partly(grad, out))):
                return None
            for i in range(bound.parameters):
                if parameters[i].array != NULL and overlaps(<cnp.ndarray>parameters[i].array, out):
                    return None
            contiguity &= PyArray_FLAGS(out)
        elif contiguity & cnp.NPY_ARRAY_C_CONTIGUOUS or (contiguity and not varying):
            out = PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), kind,
                                contiguity == cnp.NPY_ARRAY_F_CONTIGUOUS)
        elif grad is not None and (cnp.PyArray_IS_C_CONTIGUOUS(grad)
                                   or cnp.PyArray_IS_C_CONTIGUOUS(x)):
            # Of two orders NumPy chooses that of C.
            out = PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), kind, 0)
        elif grad is None and not varying and in_c_order(x):
            out = PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), kind, 0)
        elif varying or repeats(x) or (grad is not None and not same_strides(grad, x)):
            return None  # NumPy chooses the order of the result
        elif computed_in == element:
            out = empty_like(x)
        else:
            Py_INCREF(FLOAT64)  # which the call takes
            out = PyArray_NewLikeArray(x, cnp.NPY_KEEPORDER, <void *>FLOAT64, 0)
        operands[count] = <char *>cnp.PyArray_DATA(out)
        count += 1
        if self.outputs == 2:
            second = empty_like(out)
            operands[count] = <char *>cnp.PyArray_DATA(second)

        if contiguity and not varying and computed_in == element:
            self.run_contiguous(bound, cnp.PyArray_SIZE(x), operands)
        else:
            self.run_shaped(bound, args, x, parameters, out, second, operands)
        if cnp.PyArray_NDIM(out) == 0 and given_out == NULL:
            return of_no_dimension(out) if second is None else (of_no_dimension(out),
                                                                of_no_dimension(second))
        return out if second is None else (out, second)

    cdef object short_way_of_arrays(self, PyObject *const *args, parameter *parameters,
                                    PyObject *given_out):
        """The same for a gated function: arrays of one shape, or that broadcast to one of them."""
        cdef cnp.ndarray whole, array, out = None, second = None
        cdef fastact_call *bound
        cdef char *operands[_kernels.FASTACT_MAX_OPERANDS]
        cdef int i, element
        cdef int contiguity = cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_F_CONTIGUOUS
        cdef bint c_order = True, one_order = True
        if not cnp.PyArray_CheckExact(<object>args[0]):
            return self.of_floats(args, parameters) if given_out == NULL else None
        whole = <cnp.ndarray>args[0]
        for i in range(self.arrays):
            if not cnp.PyArray_CheckExact(<object>args[i]):
                return None
            array = <cnp.ndarray>args[i]
            if cnp.PyArray_NDIM(array) == 0 or not is_plain(array, 0):
                return None
            if spreads_over(whole, array):
                whole = array
        element = floating_element(cnp.PyArray_TYPE(whole), bfloat16_type)
        if element < 0:
            return None
        bound = &self.calls[element]
        for i in range(self.arrays):
            array = <cnp.ndarray>args[i]
            if not spreads_over(array, whole):
                return None
            operands[i] = <char *>cnp.PyArray_DATA(array)
            contiguity &= PyArray_FLAGS(array) if alike(array, whole) else 0
            c_order &= in_c_order(array)
            one_order &= alike(array, whole) and same_strides(array, whole)
        if contiguity & cnp.NPY_ARRAY_C_CONTIGUOUS:
            contiguity = cnp.NPY_ARRAY_C_CONTIGUOUS  # of both orders C alone counts

        if given_out != NULL:
            if self.outputs == 2:
                if type(<object>given_out) is not tuple or PyTuple_GET_SIZE(
                        <tuple>given_out) != 2:
                    return None
                first_out, second_out = <tuple>given_out
                if not (cnp.PyArray_CheckExact(first_out) and cnp.PyArray_CheckExact(second_out)):
                    return None
                out, second = first_out, second_out
                if not self.may_take(args, whole, second) or overlaps(out, second):
                    return None
                contiguity &= PyArray_FLAGS(second)
            elif not cnp.PyArray_CheckExact(<object>given_out):
                return None
            else:
                out = <cnp.ndarray>given_out
            if not self.may_take(args, whole, out):
                return None
            contiguity &= PyArray_FLAGS(out)
        elif contiguity or c_order:
            out = PyArray_EMPTY(cnp.PyArray_NDIM(whole), cnp.PyArray_DIMS(whole),
                                cnp.PyArray_TYPE(whole),
                                contiguity == cnp.NPY_ARRAY_F_CONTIGUOUS)
        elif one_order and not repeats(whole):
            out = empty_like(whole)
        else:
            return None  # NumPy chooses the order of the results
        if self.outputs == 2 and second is None:
            second = empty_like(out)
        operands[self.arrays] = <char *>cnp.PyArray_DATA(out)
        if second is not None:
            operands[self.arrays + 1] = <char *>cnp.PyArray_DATA(second)

        if contiguity:
            self.run_contiguous(bound, cnp.PyArray_SIZE(whole), operands)
        else:
            self.run_shaped(bound, args, whole, parameters, out, second, operands)
        return out if second is None else (out, second)

    cdef bint may_take(self, PyObject *const *args, cnp.ndarray whole, cnp.ndarray out) noexcept:
        """Whether an output is plain, and meets no input otherwise than element by element."""
        cdef int i
        cdef cnp.ndarray array
        if not (alike(whole, out) and is_plain(out, cnp.NPY_ARRAY_WRITEABLE)) or shows_twice(out):
            return False
        for i in range(self.arrays):
            array = <cnp.ndarray>args[i]
            if overlaps_partly(array, out) if alike(array, out) else overlaps(array, out):
                return False
        return True

    cdef inline bint takes(self, int i, double number) noexcept:
        """Whether a parameter may be that; NaN it may not. A comparison with the smallest number
        would serve for both, but raise a flag."""
        return number > self.least[i] if self.positive[i] else number >= self.least[i]

    cdef bint falls(self, parameter *parameters) noexcept:
        """Whether a parameter is larger than the one after it, both being numbers."""
        cdef int i
        for i in range(len(self.values) - 1):
            if (parameters[i].array == NULL and parameters[i + 1].array == NULL
                    and parameters[i].number > parameters[i + 1].number):
                return True
        return False

    cdef int run_contiguous(self, fastact_call *bound, Py_ssize_t n, char **operands) except -1:
        if n < KEEP_GIL_BELOW:
            _kernels.apply_contiguous(bound, n, operands)
        else:
            with nogil:
                _kernels.apply_contiguous(bound, n, operands)

    cdef int run_shaped(self, fastact_call *bound, PyObject *const *args, cnp.ndarray whole,
                        parameter *parameters, cnp.ndarray out, cnp.ndarray second,
                        char **operands) except -1:
        """Run on arrays that broadcast to one of them, the whole."""
        cdef Py_ssize_t strides[_kernels.FASTACT_MAX_OPERANDS * _kernels.FASTACT_MAX_DIMENSIONS]
        cdef Py_ssize_t *shape = <Py_ssize_t *>cnp.PyArray_DIMS(whole)
        cdef int dimensions = cnp.PyArray_NDIM(whole), count = 0, i
        cdef cnp.ndarray array
        memset(strides, 0, (bound.inputs + bound.outputs) * dimensions * sizeof(Py_ssize_t))
        for i in range(self.arrays):
            spread(array_of(args[i]), dimensions, strides + count * dimensions)
            count += 1
        for i in range(bound.parameters):
            if parameters[i].array != NULL:
                spread(<cnp.ndarray>parameters[i].array, dimensions, strides + count * dimensions)
            count += 1
        for array in (out, second):
            if array is not None:
                spread(array, dimensions, strides + count * dimensions)
                count += 1
        if cnp.PyArray_SIZE(whole) < KEEP_GIL_BELOW:
            _kernels.apply_shaped(bound, dimensions, shape, operands, strides)
        else:
            with nogil:
                _kernels.apply_shaped(bound, dimensions, shape, operands, strides)

    cdef object of_floats(self, PyObject *const *args, parameter *parameters):
        """The result for Python's own floats, or None where one is something else."""
        cdef double values[_kernels.FASTACT_MAX_OPERANDS]
        cdef char *operands[_kernels.FASTACT_MAX_OPERANDS]
        cdef fastact_call *bound = &self.calls[_kernels.FASTACT_FLOAT64]
        cdef int i, inputs = bound.inputs
        for i in range(self.arrays):
            # numpy.float64 is a float too; other subclasses may mean something by it.
            if not (PyFloat_CheckExact(<object>args[i]) or type(<object>args[i]) is np_float64):
                return None
            values[i] = PyFloat_AS_DOUBLE(<object>args[i])
        for i in range(bound.parameters):
            # Python's own floats give way to one of float32 as well.
            if (parameters[i].array != NULL or not self.takes(i, parameters[i].number)
                    or parameters[i].element == _kernels.FASTACT_FLOAT32):
                return None
            values[self.arrays + i] = parameters[i].number
        if self.ascending and self.falls(parameters):
            return None
        for i in range(inputs + self.outputs):
            operands[i] = <char *>&values[i]
        _kernels.apply_contiguous(bound, 1, operands)
        value = PyArray_Scalar(&values[inputs], FLOAT64, None)
        if self.outputs == 1:
            return value
        return value, PyArray_Scalar(&values[inputs + 1], FLOAT64, None)

    # ---- the long way: everything else ------------------------------------------------------

    cdef Operation variant(self, dict kwargs):
        """The operation that a call means by a keyword of the row's, which is taken out."""
        cdef Operation found = self
        for keyword, names in self.row.variants.items():
            if keyword not in kwargs:
                continue
            value = kwargs.pop(keyword)
            if not isinstance(value, str) or value not in names:
                raise ValueError(f"{self.__name__}() got {keyword} = {value!r}; it can be "
                                 f"{' or '.join(map(repr, names))}")
            if names[value] != self.row.name:
                found = _find(names[value], OPERATIONS[self.operation], {})
        return found

    cdef object long_way(self, tuple args, dict kwargs):
        """Complete the parameters and hand the call to the ufunc."""
        other = self.variant(kwargs)
        if other is not self:
            return other(*args, **kwargs)
        if len(args) > self.arrays + self.open_parameters:
            raise TypeError(
                f"{self.__name__}() takes at most {self.arrays + self.open_parameters} positional "
                f"arguments ({', '.join(self.inputs + self.names)}) but {len(args)} were given; an "
                "output array is given by name: out="
            )
        if len(args) < self.arrays:
            raise TypeError(
                f"{self.__name__}() misses the positional argument {self.inputs[len(args)]!r}")
        if self.outputs == 2 and kwargs.get("out", OUT) is None:
            kwargs["out"] = (None, None)  # as a ufunc wants to be told
        values = list(self.values)
        for slot, name, value in zip(self.slots, self.names, args[self.arrays:]):
            if name in kwargs:
                raise TypeError(f"{self.__name__}() got {name!r} by position and by name")
            values[slot] = value
        for slot, name in zip(self.slots, self.names):
            if name in kwargs:
                values[slot] = kwargs.pop(name)
        for parameter, value, default in zip(self.row.parameters, values, self.values):
            if value is not default:
                check_parameter(self.__name__, parameter, value)
        check_order(self.__name__, self.row, values)
        inputs = [*args[:self.arrays], *values]
        for i in range(self.arrays - len(self.row.inputs), self.arrays):
            if (len(inputs) > 1 and type(inputs[i]) is int and kwargs.get("signature") is None):
                # Beside anything else NumPy takes an int for what it can be cast to: the first loop
                # of integers, that of int8, would be found for it.
                inputs[i] = float(inputs[i])
        if find_bfloat16() and any([is_bfloat16(value) for value in inputs]):
            if kwargs.get("signature") is None and (
                    kwargs.get("dtype") is None or kwargs["dtype"] == bfloat16):
                inputs = numbers_as_bfloat16(inputs)
                # Named, as a ufunc that met bfloat16 before it had the loop remembers another.
                if all([is_bfloat16(value) for value in inputs]):
                    kwargs["dtype"] = bfloat16
        try:
            result = self.numpy_ufunc(*inputs, **kwargs)
            _kernels.raise_set_aside(NULL)
            return result
        except TypeError:
            for value in inputs:
                check_dtype(self.__name__, value)
            raise

    # ---- what a ufunc tells of itself -------------------------------------------------------

    @property
    def ufunc(self):
        """The numpy.ufunc behind it; x and all parameters are its inputs."""
        find_bfloat16()
        return self.numpy_ufunc

    @property
    def __name__(self):
        """The name; of a member with its activation's before it."""
        return _docstrings.member_name(self.row, OPERATIONS[self.operation])

    @property
    def __qualname__(self):
        """The name within fastact."""
        return self.__name__

    @property
    def __module__(self):
        return "fastact"

    @property
    def __doc__(self):
        return _docstrings.text(self.row, OPERATIONS[self.operation], self.parameters)

    @property
    def __signature__(self):
        kinds = inspect.Parameter
        parameters = [kinds(name, kinds.POSITIONAL_ONLY) for name in self.inputs]
        parameters += [kinds(name, kinds.POSITIONAL_OR_KEYWORD, default=default)
                       for name, default in self.parameters.items()]
        keywords = {"out": None if self.outputs == 1 else (None, None), "where": True,
                    "casting": "same_kind", "order": "K", "dtype": None, "subok": True,
                    "signature": None,
                    **{keyword: next(iter(names)) for keyword, names in self.row.variants.items()}}
        parameters += [kinds(name, kinds.KEYWORD_ONLY, default=default)
                       for name, default in keywords.items()]
        return inspect.Signature(parameters)

    @property
    def parameters(self):
        """The parameters that a call may give, with their default values."""
        return {name: self.values[slot] for slot, name in zip(self.slots, self.names)}

    @property
    def formula(self):
        """The function as a Python expression in x and the parameters."""
        return self.row.operations[OPERATIONS[self.operation]]

    @property
    def max_ulp(self):
        """The bound of the error in units in the last place, by dtype."""
        operation = OPERATIONS[self.operation]
        return {dtype: self.row.bound(dtype, operation) for dtype in self.row.max_ulp}

    @property
    def nin(self):
        """The number of inputs of the ufunc: arrays and parameters."""
        return self.numpy_ufunc.nin

    @property
    def nout(self):
        """The number of outputs."""
        return self.numpy_ufunc.nout

    @property
    def nargs(self):
        """The number of inputs and outputs of the ufunc."""
        return self.numpy_ufunc.nargs

    @property
    def types(self):
        """The dtypes the ufunc has loops for, as ``numpy.ufunc.types`` gives them."""
        return self.numpy_ufunc.types

    @property
    def fixed(self):
        """The parameters that `with_parameters` has fixed."""
        return {p.name: value for p, value in zip(self.row.parameters, self.values)
                if p.name not in self.names}

    def __repr__(self):
        fixed = ", ".join(f"{name}={value!r}" for name, value in self.fixed.items())
        return f"<activation {self.__name__!r}{' with ' if fixed else ''}{fixed}>"

    def __reduce__(self):
        return _find, (self.row.name, OPERATIONS[self.operation], self.fixed)

    def __eq__(self, other):
        if self is other:
            return True
        if not isinstance(other, Operation):
            return NotImplemented
        # Arrays as parameters have no one answer to ==: then only the same object is equal.
        return (self.plain_values and (<Operation>other).plain_values
                and self.identity() == (<Operation>other).identity())

    def __hash__(self):
        return hash(self.identity() if self.plain_values else id(self))

    cdef tuple identity(self):
        return self.row.name, self.operation, self.names, self.values

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


cdef class Activation(Operation):
    """An activation function: called, it gives its value; its members give the rest.

    An activation behaves as a ``numpy.ufunc`` does: it broadcasts, and takes ``out``, ``where``,
    ``dtype``, ``casting``, ``order``, ``subok`` and ``signature``. Its parameters are scalars or
    arrays, by position after x or by name. The objects are made by fastact: `fastact.sigmoid`,
    `fastact.elu` and so on.

    Attributes
    ----------
    derivative : Operation
        ``derivative(x, *parameters)``: f'(x).
    backward : Operation
        ``backward(grad, x, *parameters)``: grad f'(x), rounded once.
    value_and_derivative : Operation
        ``value_and_derivative(x, *parameters)``: both, in one pass over x.
    ufunc : numpy.ufunc
        The ufunc behind it; x and all parameters are its inputs.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.elu(np.array([-1.0, 0.0, 2.0]), alpha=0.5)
    array([-0.31606028,  0.        ,  2.        ])
    >>> fa.elu.parameters
    {'alpha': 1.0}
    """

    cdef readonly Operation derivative
    cdef readonly Operation backward
    cdef readonly Operation value_and_derivative

    @property
    def __doc__(self):
        # The docstring of this class hides the property that it would inherit.
        return _docstrings.text(self.row, "value", self.parameters)

    def with_parameters(self, **parameters):
        """Return the activation with some or all of its parameters fixed.

        Parameters
        ----------
        **parameters : float or array_like
            Values by name. The result no longer takes these as arguments.

        Returns
        -------
        Activation
            Pickles, and has the same members.

        Raises
        ------
        TypeError
            For a name that is no parameter of this activation, or is fixed already, and for a
            value that is no number.
        ValueError
            For a scalar that is NaN or out of its range.

        Examples
        --------
        >>> import fastact as fa
        >>> steep = fa.swish.with_parameters(beta=1.702)
        >>> steep
        <activation 'swish' with beta=1.702>
        >>> float(steep(2.0) - fa.swish(2.0, 1.702))
        0.0
        """
        other = self.variant(parameters)
        if other is not self:
            return other.with_parameters(**parameters)
        known = {parameter.name: parameter for parameter in self.row.parameters}
        for name, value in parameters.items():
            if name not in self.names:
                accepted = ", ".join(self.names) or "none"
                raise TypeError(f"{self.__name__} has no parameter {name!r} to fix; "
                                f"it has: {accepted}")
            check_parameter(self.__name__, known[name], value)
            check_dtype(self.__name__, value)
        fixed = {**self.fixed, **parameters}
        if len(fixed) == len(known):
            check_order(self.__name__, self.row, [fixed[name] for name in known])
        return _find(self.row.name, "value", {**self.fixed, **parameters})


cdef class Gate(Operation):
    """A gated function of two arrays, as `fastact.swiglu`: called, it gives its value.

    It behaves as a ``numpy.ufunc`` does. Not to be made by hand.

    Attributes
    ----------
    backward : Operation
        ``backward(grad, gate, value)``: both gradients, in one pass.
    ufunc : numpy.ufunc
        The ufunc behind it.
    """

    cdef readonly Operation backward

    @property
    def __doc__(self):
        # As in Activation.
        return _docstrings.text(self.row, "value", {})


cdef inline bint gives_way(parameter *number, int element) noexcept:
    """Whether a number leaves arrays of an element type as they are."""
    return (number.element == WEAK or number.element == element
            or (number.element == _kernels.FASTACT_FLOAT32
                and element == _kernels.FASTACT_FLOAT64))


cdef inline bint read_parameter(PyObject *value, parameter *read) except -1:
    """Read a plain number or an array of some dimension; False for anything else."""
    if PyFloat_CheckExact(<object>value):
        read.number = PyFloat_AS_DOUBLE(<object>value)
        return True
    if type(<object>value) is np_float64:
        read.number = PyFloat_AS_DOUBLE(<object>value)
        read.element = _kernels.FASTACT_FLOAT64
        return True
    if type(<object>value) is np_float32:
        read.number = <double>(<object>value)
        read.element = _kernels.FASTACT_FLOAT32
        return True
    if PyLong_CheckExact(<object>value):
        try:
            read.number = PyLong_AsDouble(<object>value)
        except OverflowError:
            return False
        return True
    if cnp.PyArray_CheckExact(<object>value) and cnp.PyArray_NDIM(<cnp.ndarray>value) > 0:
        read.array = value
        return True
    return False


cdef check_parameter(str function, parameter, value):
    """Refuse a scalar parameter that means nothing."""
    name = parameter.name
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if value is None:
        raise TypeError(f"{function}() got {name} = None; a parameter must be a number or an array")
    if not isinstance(value, numbers.Real):
        return
    if value != value:
        raise ValueError(f"{function}() got {name} = nan; a parameter must be a number")
    if not parameter.takes(value):
        raise ValueError(f"{function}() got {name} = {value}; it must be {parameter.domain}")


cdef check_order(str function, row, values):
    """Refuse scalar parameters in the wrong order."""
    if not row.ascending:
        return
    pairs = [(p.name, v[()] if isinstance(v, np.ndarray) and v.ndim == 0 else v)
             for p, v in zip(row.parameters, values)]
    for (name, value), (next_name, next_value) in zip(pairs, pairs[1:]):
        if (isinstance(value, numbers.Real) and isinstance(next_value, numbers.Real)
                and value > next_value):
            raise ValueError(f"{function}() got {name} = {value} and {next_name} = {next_value}; "
                             f"{name} must not be larger")


cpdef check_dtype(str function, value):
    """Refuse a dtype that no function has loops for, by its name."""
    if cnp.PyArray_CheckExact(value) and floating_element(
            cnp.PyArray_TYPE(<cnp.ndarray>value), bfloat16_type) >= 0:
        return
    if isinstance(value, np.ndarray):
        dtype = value.dtype
    elif hasattr(type(value), "__array_ufunc__") and not isinstance(value, np.generic):
        return  # not for NumPy to say, and a lazy array would be computed by the attempt
    else:
        try:
            dtype = np.asanyarray(value).dtype
        except Exception:
            return
    kind = dtype.kind
    if kind in "?biu" or (kind == "f" and dtype.itemsize <= 8):
        return
    if find_bfloat16() and dtype.num == bfloat16_type:
        return
    raise TypeError(
        f"{function} does not support dtype {dtype}; it takes bool, integers, float16, "
        "float32, float64 and ml_dtypes.bfloat16"
    )


cdef bint find_bfloat16() except -1:
    """Give every ufunc a loop for bfloat16 once there is such a dtype; return whether there is.
    fastact imports nothing for it: who has a bfloat16 array has imported ml_dtypes."""
    global bfloat16, bfloat16_type
    cdef Operation operation
    if bfloat16_type >= 0:
        return True
    scalar = getattr(sys.modules.get("ml_dtypes"), "bfloat16", None)
    if scalar is None:
        return False
    with finding_bfloat16:
        if bfloat16_type < 0:
            bfloat16 = np.dtype(scalar)
            type_num = bfloat16.num
            for operation in operations():
                kept_alive.append(operation)  # the loop's data is a part of it
                cnp.PyUFunc_RegisterLoopForType(
                    operation.numpy_ufunc, type_num, ufunc_loop, NULL,
                    &operation.calls[_kernels.FASTACT_BFLOAT16])
            bfloat16_type = type_num
    return True


cdef bint is_bfloat16(value) except -1:
    dtype = getattr(value, "dtype", None)
    return isinstance(dtype, np.dtype) and dtype.num == bfloat16_type


cdef list numbers_as_bfloat16(list inputs):
    """Python's numbers as bfloat16 if all else is bfloat16: NumPy lets them give way to its own
    dtypes, but takes them and one that it did not define to float32."""
    cdef cnp.ndarray number
    python = [type(value) in (int, float) for value in inputs]
    for value, plain in zip(inputs, python):
        if not plain and not is_bfloat16(value):
            return inputs
    if all(python) or not any(python):
        return inputs
    rounded = []
    for value, plain in zip(inputs, python):
        if plain:
            number = PyArray_EMPTY(0, NULL, bfloat16_type, False)
            _kernels.round_to(_kernels.FASTACT_BFLOAT16, value, cnp.PyArray_DATA(number))
            value = number
        rounded.append(value)
    return rounded


cdef object call(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    """What calling an Operation does: the short way if it can be gone, else the long way."""
    cdef Operation operation = <Operation>self
    cdef Py_ssize_t given = PyVectorcall_NARGS(nargsf)
    cdef parameter parameters[MAX_PARAMETERS]
    cdef PyObject *out = NULL
    if operation.read_arguments(args, given, kwnames, parameters, &out):
        result = operation.short_way(args, parameters, out)
        if result is not None:
            return result
    return operation.long_way(by_position(args, given), by_name(args, given, kwnames))


cdef Operation make(type kind, row, int operation, ufunc, dict fixed):
    cdef Operation made = kind.__new__(kind)
    made.setup(row, operation, ufunc, fixed)
    return made


cdef Activation make_activation(row, tuple ufuncs, dict fixed):
    cdef Activation made = make(Activation, row, _kernels.FASTACT_VALUE, ufuncs[0], fixed)
    made.derivative = make(Operation, row, _kernels.FASTACT_DERIVATIVE, ufuncs[1], fixed)
    made.backward = make(Operation, row, _kernels.FASTACT_BACKWARD, ufuncs[2], fixed)
    made.value_and_derivative = make(
        Operation, row, _kernels.FASTACT_VALUE_AND_DERIVATIVE, ufuncs[3], fixed)
    return made


def operations():
    """Yield every operation once."""
    for activation in dict.fromkeys(activations.values()):
        yield activation
        yield activation.derivative
        yield activation.backward
        yield activation.value_and_derivative
    for gate in gates.values():
        yield gate
        yield gate.backward


def _find(name, operation, fixed):
    """Return an operation by name: what a pickle calls."""
    cdef Activation found
    if name in gates:
        return gates[name] if operation == "value" else gates[name].backward
    found = activations[name]
    if fixed:
        members = (found, found.derivative, found.backward, found.value_and_derivative)
        found = make_activation(
            found.row, tuple([member.ufunc for member in members]), fixed)
    return found if operation == "value" else getattr(found, operation)


def _address_of_call(Operation operation, dtype):
    """Return the address of a bound call on elements of a dtype, for code that is compiled while
    the program runs. It stays valid as long as the process lives."""
    cdef fastact_call *bound = <fastact_call *>PyMem_Malloc(sizeof(fastact_call))
    cdef int element = {**INTEGERS, **FLOATS}[dtype.num]
    if bound == NULL:
        raise MemoryError
    if _kernels.bind(bound, operation.row, operation.operation, element, element) < 0:
        PyMem_Free(bound)
        raise TypeError(f"{operation.__name__} has no kernel for {dtype}")
    return <size_t>bound


def _make_all():
    made = {}
    for row in CATALOGUE:
        if len(row.parameters) > MAX_PARAMETERS:
            raise ImportError(f"{row.name}: more than {MAX_PARAMETERS} parameters; raise "
                              "MAX_PARAMETERS here and the lengths in buffers.pxd")
        if _kernels.parameter_count(row.name) != len(row.parameters):
            raise ImportError(f"{row.name}: the catalogue and src_c/activations.h differ in the "
                              "number of parameters")
        ufuncs = tuple([make_ufunc(row, operation)
                        for operation in range(_kernels.FASTACT_OPERATIONS)])
        made[row.name] = make_activation(row, ufuncs, {})
        for alias in row.aliases:
            made[alias] = made[row.name]
    return made


def _make_gate(row):
    cdef Gate made = make(Gate, row, _kernels.FASTACT_VALUE,
                          make_ufunc(row, _kernels.FASTACT_VALUE), {})
    made.backward = make(Operation, row, _kernels.FASTACT_BACKWARD,
                         make_ufunc(row, _kernels.FASTACT_BACKWARD), {})
    return made


#: Every activation by its names.
activations = _make_all()

#: Every gated function of two arrays, and what glu does with its two halves.
gates = {row.name: _make_gate(row) for row in GATE_CATALOGUE if row.name != "prelu"}

cdef Operation sample = activations["identity"]
cdef Py_ssize_t vectorcall_offset = <char *>&sample.vectorcall - <char *><PyObject *>sample
call_through_vectorcall(Operation, vectorcall_offset)
call_through_vectorcall(Activation, vectorcall_offset)
call_through_vectorcall(Gate, vectorcall_offset)
find_bfloat16()
