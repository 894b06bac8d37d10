"""What the callables of _activation.pyx and _rows.pyx share: being called without a tuple and a
dict per call, and what there is to know of two arrays before the short way is gone."""

cimport numpy as cnp
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_GET_SIZE

from fastact cimport _kernels

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        Py_ssize_t tp_vectorcall_offset
        unsigned long tp_flags
        void *tp_call
    const unsigned long Py_TPFLAGS_HAVE_VECTORCALL
    Py_ssize_t PyVectorcall_NARGS(size_t nargsf)
    void *PyVectorcall_Call
    void PyType_Modified(PyTypeObject *type)

cdef extern from "numpy/arrayobject.h":
    cnp.ndarray PyArray_EMPTY(int ndim, cnp.npy_intp *dims, int typenum, int fortran)
    int PyArray_FLAGS(cnp.ndarray array) nogil

ctypedef object (*vectorcall_function)(object, PyObject *const *, size_t, PyObject *)

cdef enum:
    # Below this many elements taking the GIL again costs more than others gain by it.
    KEEP_GIL_BELOW = 2048


cdef inline void call_through_vectorcall(type kind, Py_ssize_t offset) noexcept:
    """Have instances of `kind` called by the function that they hold at an offset. The slot is set
    by hand since Cython has no way to say it."""
    cdef PyTypeObject *slots = <PyTypeObject *>kind
    slots.tp_vectorcall_offset = offset
    slots.tp_call = PyVectorcall_Call
    slots.tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL
    PyType_Modified(slots)


cdef inline tuple by_position(PyObject *const *args, Py_ssize_t given):
    """The positional arguments of a vectorcall."""
    cdef list values = []
    cdef Py_ssize_t i
    for i in range(given):
        values.append(<object>args[i])
    return tuple(values)


cdef inline dict by_name(PyObject *const *args, Py_ssize_t given, PyObject *names):
    """The others by their names."""
    cdef dict values = {}
    cdef Py_ssize_t i
    if names != NULL:
        for i in range(PyTuple_GET_SIZE(<tuple>names)):
            values[(<tuple>names)[i]] = <object>args[given + i]
    return values


cdef inline int floating_element(int type_num, int bfloat16_type) noexcept:
    """The floating element type of a dtype, or -1; bfloat16_type is -1 while there is none."""
    if type_num == cnp.NPY_FLOAT:
        return _kernels.FASTACT_FLOAT32
    if type_num == cnp.NPY_DOUBLE:
        return _kernels.FASTACT_FLOAT64
    if type_num == cnp.NPY_FLOAT16:
        return _kernels.FASTACT_FLOAT16
    return _kernels.FASTACT_BFLOAT16 if type_num == bfloat16_type and type_num >= 0 else -1


cdef inline bint alike(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Whether two arrays have one dtype and one shape."""
    cdef int i
    if cnp.PyArray_TYPE(b) != cnp.PyArray_TYPE(a) or cnp.PyArray_NDIM(b) != cnp.PyArray_NDIM(a):
        return False
    for i in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_DIMS(a)[i] != cnp.PyArray_DIMS(b)[i]:
            return False
    return True


cdef inline void extent(cnp.ndarray a, char **low, char **high) noexcept:
    """The memory that an array with elements lies in."""
    cdef int i
    cdef Py_ssize_t reach
    low[0] = high[0] = <char *>cnp.PyArray_DATA(a)
    for i in range(cnp.PyArray_NDIM(a)):
        reach = (cnp.PyArray_DIMS(a)[i] - 1) * cnp.PyArray_STRIDES(a)[i]
        if reach < 0:
            low[0] += reach
        else:
            high[0] += reach
    high[0] += cnp.PyArray_ITEMSIZE(a)


cdef inline bint overlaps(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Whether two arrays may share memory."""
    cdef char *first[2]
    cdef char *second[2]
    extent(a, &first[0], &first[1])
    extent(b, &second[0], &second[1])
    return first[0] < second[1] and second[0] < first[1]


cdef inline bint shows_twice(cnp.ndarray a) noexcept:
    """Whether an array may show an element at two places: broadcast ones do, and windows. It does
    not where each dimension steps over all that lies within it."""
    cdef int i, j
    cdef Py_ssize_t step, other, within
    if PyArray_FLAGS(a) & (cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_F_CONTIGUOUS):
        return False
    for i in range(cnp.PyArray_NDIM(a)):
        step = abs(cnp.PyArray_STRIDES(a)[i])
        within = cnp.PyArray_ITEMSIZE(a)
        for j in range(cnp.PyArray_NDIM(a)):
            other = abs(cnp.PyArray_STRIDES(a)[j])
            if cnp.PyArray_DIMS(a)[j] > 1 and (other < step or (other == step and j < i)):
                within += (cnp.PyArray_DIMS(a)[j] - 1) * other
        if cnp.PyArray_DIMS(a)[i] > 1 and step < within:
            return True
    return False
