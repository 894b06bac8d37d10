"""The softmax family: functions of rows along any axes of an array.

A `RowFunction` reads its arguments, brings arrays of any kind to one dtype, and describes them to
the C driver as rows between outer and inner dimensions; nothing is copied for a layout, but for
several axes that are not one in memory. Whole plain arrays take a shorter way to the same driver.
"""

cimport numpy as cnp
from cpython.long cimport PyLong_AsLong, PyLong_CheckExact
from cpython.mem cimport PyMem_Malloc
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_GET_SIZE
from libc.math cimport INFINITY
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from fastact cimport _kernels
from fastact._calls cimport (
    KEEP_GIL_BELOW,
    PyArray_EMPTY,
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
from fastact._kernels cimport fastact_call, fastact_environment, fastact_row_call

import inspect
import operator
import sys

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from fastact import _docstrings
from fastact.catalogue import CATALOGUE, ROW_CATALOGUE

cnp.import_array()
cnp.import_umath()

cdef extern from "numpy/arrayobject.h":
    object PyUFunc_FromFuncAndDataAndSignature(
        cnp.PyUFuncGenericFunction *functions, void **data, char *types, int count, int nin,
        int nout, int identity, const char *name, const char *doc, int unused,
        const char *signature)

cdef enum:
    RESULT = 2
    MASK = 3
    MOST_DIMENSIONS = 64

cdef str AXIS = "axis"
cdef str OUT = "out"

# By the name of the function that has a kernel and the operation: the kernel. softmin is softmax at
# the temperature -1.
cdef dict KERNELS = {
    ("softmax", "value"): _kernels.FASTACT_SOFTMAX,
    ("softmax", "backward"): _kernels.FASTACT_SOFTMAX_BACKWARD,
    ("softmax", "backward_from_output"): _kernels.FASTACT_SOFTMAX_BACKWARD_FROM_OUTPUT,
    ("log_softmax", "value"): _kernels.FASTACT_LOG_SOFTMAX,
    ("log_softmax", "backward"): _kernels.FASTACT_LOG_SOFTMAX_BACKWARD,
    ("log_softmax", "backward_from_output"): _kernels.FASTACT_LOG_SOFTMAX_BACKWARD_FROM_OUTPUT,
    ("logsumexp", "value"): _kernels.FASTACT_LOGSUMEXP,
    ("logsumexp", "backward"): _kernels.FASTACT_LOGSUMEXP_BACKWARD,
    ("sparsemax", "value"): _kernels.FASTACT_SPARSEMAX,
    ("sparsemax", "backward"): _kernels.FASTACT_SPARSEMAX_BACKWARD,
    ("sparsemax", "backward_from_output"): _kernels.FASTACT_SPARSEMAX_BACKWARD_FROM_OUTPUT,
}

# The type number of ml_dtypes.bfloat16 once somebody has given an array of it, else -1.
cdef int bfloat16_type = -1


cdef int element_of(int type_num) noexcept:
    return floating_element(type_num, bfloat16_type)


# ---- the driver ---------------------------------------------------------------------------------

cdef int run_call(fastact_row_call *call) except -1:
    """Run it, without the GIL where it takes a while."""
    if call.outer * call.n * call.inner < KEEP_GIL_BELOW:
        return _kernels.apply_rows(call)
    with nogil:
        return _kernels.apply_rows(call)


cdef struct layout:
    # Of x, grad, result and mask, dimension by dimension.
    int dimensions
    Py_ssize_t shape[MOST_DIMENSIONS]
    Py_ssize_t strides[4][MOST_DIMENSIONS]


cdef bint follows(layout *all, int outer, int inner) noexcept:
    """Whether no array jumps between the end of a dimension and the next index of another."""
    cdef int i
    for i in range(4):
        if all.strides[i][outer] != all.strides[i][inner] * all.shape[inner]:
            return False
    return True


cdef void keep_dimension(layout *all, int to, int origin) noexcept:
    cdef int i
    all.shape[to] = all.shape[origin]
    for i in range(4):
        all.strides[i][to] = all.strides[i][origin]


cdef void merge_dimensions(layout *all) noexcept:
    """Make one of dimensions that are one in memory."""
    cdef int d, last = 0
    for d in range(1, all.dimensions):
        if follows(all, last, d):
            all.shape[d] *= all.shape[last]
        else:
            last += 1
        keep_dimension(all, last, d)
    if all.dimensions:
        all.dimensions = last + 1


cdef void sort_dimensions(layout *all) noexcept:
    """Bring dimensions into the order in which the result has them in memory."""
    cdef int d, end, spare = MOST_DIMENSIONS - 1
    for end in range(1, all.dimensions):
        d = end
        while d > 0 and abs(all.strides[RESULT][d]) > abs(all.strides[RESULT][d - 1]):
            keep_dimension(all, spare, d)
            keep_dimension(all, d, d - 1)
            keep_dimension(all, d - 1, spare)
            d -= 1


cdef bint run(int kernel, int element, double temperature, list arrays, tuple axes) except -1:
    """Run a kernel on [x, grad, result, mask] (None where there is none) along some axes; False if
    these are not one in memory. The axes of what has one element a row are of length 1."""
    cdef layout rows
    cdef layout axis
    cdef layout *to
    cdef fastact_row_call call
    cdef cnp.ndarray array
    cdef Py_ssize_t step
    cdef Py_ssize_t index[MOST_DIMENSIONS]
    cdef int d, i, extra, ndim = (<cnp.ndarray>arrays[0]).ndim
    rows.dimensions = axis.dimensions = 0
    for d in range(ndim):
        if (<cnp.ndarray>arrays[0]).shape[d] == 1:
            continue
        to = &axis if d in axes else &rows
        to.shape[to.dimensions] = (<cnp.ndarray>arrays[0]).shape[d]
        for i in range(4):
            array = arrays[i]
            to.strides[i][to.dimensions] = (
                0 if array is None or array.shape[d] == 1 else cnp.PyArray_STRIDES(array)[d])
        to.dimensions += 1
    merge_dimensions(&axis)
    if axis.dimensions > 1:
        return False
    sort_dimensions(&rows)
    merge_dimensions(&rows)

    memset(&call, 0, sizeof(call))
    call.kernel, call.element, call.temperature = kernel, element, temperature
    call.outer = call.inner = call.n = 1
    if axis.dimensions:
        call.n = axis.shape[0]
    # The last two dimensions are the driver's; one alone is the inner one if it is inside the axis.
    cdef int outer = rows.dimensions - 2, inner = rows.dimensions - 1
    if rows.dimensions == 1 and (axis.dimensions == 0
                                 or abs(rows.strides[0][0]) > abs(axis.strides[0][0])):
        outer, inner = 0, -1
    if outer >= 0:
        call.outer = rows.shape[outer]
    if inner >= 0:
        call.inner = rows.shape[inner]
    for i in range(4):
        array = arrays[i]
        for d, which in enumerate((outer, 0, inner)):
            if d == 1:
                step = axis.strides[i][0] if axis.dimensions else 0
                if step == 0 and array is not None and call.n == 1:
                    step = cnp.PyArray_ITEMSIZE(array)
            else:
                step = rows.strides[i][<int>which] if which >= 0 else 0
            if i == MASK:
                call.mask_strides[d] = step
            else:
                call.strides[i][d] = step
        if array is not None and i == MASK:
            call.mask = <char *>cnp.PyArray_DATA(array)
        elif array is not None:
            call.operands[i] = <char *>cnp.PyArray_DATA(array)

    # What dimensions are left count here.
    extra = max(rows.dimensions - 2, 0)
    memset(index, 0, sizeof(index))
    while True:
        run_call(&call)
        d = extra - 1
        while d >= 0:
            index[d] += 1
            step = 1 if index[d] < rows.shape[d] else 1 - rows.shape[d]
            for i in range(3):
                if call.operands[i] != NULL:
                    call.operands[i] += step * rows.strides[i][d]
            if call.mask != NULL:
                call.mask += step * rows.strides[MASK][d]
            if step == 1:
                break
            index[d] = 0
            d -= 1
        if d < 0:
            return True


# ---- arrays -------------------------------------------------------------------------------------

cdef bint find_bfloat16(dtype) except -1:
    """Whether it is ml_dtypes.bfloat16; fastact imports nothing for it."""
    scalar = getattr(sys.modules.get("ml_dtypes"), "bfloat16", None)
    if scalar is None or dtype != scalar:
        return False
    if bfloat16_type < 0:
        give_loops(np.dtype(scalar).num)
    return True


cdef give_loops(int type_num):
    """Give every ufunc a loop for bfloat16."""
    global bfloat16_type
    cdef RowFunction function
    cdef int types[3]
    for value in functions.values():
        for function in (value, *[m for m in (<RowFunction>value).members.values()
                                  if isinstance(m, RowFunction)]):
            types[0] = types[1] = types[2] = type_num
            if function.takes_keepdims and function.arrays == 2:
                types[0] = cnp.NPY_DOUBLE
            cnp.PyUFunc_RegisterLoopForType(
                function.ufunc, type_num, ufunc_loop, types,
                new_loop_data(function, type_num, _kernels.FASTACT_BFLOAT16))
    bfloat16_type = type_num


cdef as_array(str name, value):
    """Return value as a plain ndarray of a supported dtype, or raise."""
    array = np.asarray(value)
    if array.dtype.kind == "O" and hasattr(value, "to_numpy"):  # columns with missing values
        array = value.to_numpy(dtype=np.float64, na_value=np.nan)
    if (array.dtype.kind not in "?biuf" or array.dtype.itemsize > 8) and not find_bfloat16(
            array.dtype):
        raise TypeError(
            f"{name} does not support dtype {array.dtype}; it takes bool, integers, float16, "
            "float32, float64 and ml_dtypes.bfloat16")
    return array


cdef result_dtype(str name, list arrays, dtype):
    """Return the floating dtype to compute in."""
    if dtype is None:
        # One rule for integers everywhere in fastact: float64.
        floats = [np.dtype(np.float64) if a.dtype.kind in "?biu" else a.dtype for a in arrays]
        dtype = np.result_type(*floats)
    dtype = np.dtype(dtype)
    if element_of(dtype.num) < 0 and not find_bfloat16(dtype):
        raise TypeError(f"{name}: dtype must be float16, float32, float64 or ml_dtypes.bfloat16, "
                        f"not {dtype}")
    for array in arrays:
        if not np.can_cast(array.dtype, dtype, "same_kind"):
            raise TypeError(f"{name}: {array.dtype} cannot be cast to {dtype}")
    return dtype.newbyteorder("=")


cdef bint may_be_written(list arrays, cnp.ndarray out) except -1:
    """Whether out either lies elsewhere or is an array itself, element by element."""
    if shows_twice(out):
        return False
    for array in arrays:
        if array is None:
            continue
        same = (cnp.PyArray_DATA(<cnp.ndarray>array) == cnp.PyArray_DATA(out)
                and array.dtype == out.dtype and array.strides == (<object>out).strides)
        if not same and np.may_share_memory(array, out):
            return False
    return True


cdef check_out(str name, out, tuple shape, dtype):
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name}: out must be an ndarray, not {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"{name}: out has shape {out.shape}, the result has shape {shape}")
    if not out.flags.writeable:
        raise ValueError(f"{name}: out is read-only")
    if not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(f"{name}: a result of dtype {dtype} cannot be cast to out's dtype "
                        f"{out.dtype}")


cdef as_mask(str name, where, tuple shape):
    """Return where= as an array of x's shape, without a copy, or None for all of x."""
    if where is True:
        return None
    mask = np.asarray(where)
    if mask.dtype != np.bool_:
        raise TypeError(f"{name}: where must be boolean, not {mask.dtype}; compare with something "
                        "to make a mask: where=mask != 0")
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        raise ValueError(f"{name}: where has shape {mask.shape}, which does not broadcast to x's "
                         f"shape {shape}") from None


cdef double as_temperature(str name, value) except? -1:
    cdef double temperature
    try:
        temperature = value
    except TypeError:
        raise TypeError(f"{name}: temperature must be a number, not "
                        f"{type(value).__name__}") from None
    if not 0 < temperature < np.inf:
        raise ValueError(f"{name}: temperature must be a positive finite number, not {value!r}")
    return temperature


cdef bint answers_ufuncs(value) except -1:
    """Whether it is for somebody else than NumPy to say what a ufunc does with it."""
    answer = getattr(type(value), "__array_ufunc__", None)
    return answer is not None and answer is not np.ndarray.__array_ufunc__ and (
        not isinstance(value, np.generic))


cdef bint is_frame(value) except -1:
    """Whether it is a DataFrame or Series of pandas or alike."""
    return hasattr(value, "iloc") and hasattr(value, "to_numpy") and hasattr(value, "index")


# ---- the functions ------------------------------------------------------------------------------

cdef class RowFunction:
    """A function of the rows of an array, or its gradient; see `fastact.softmax`.

    Not to be made by hand: `fastact.softmax` and its relatives are there, with their members.
    """

    cdef vectorcall_function vectorcall
    cdef readonly object ufunc
    cdef object row
    cdef str operation
    cdef tuple inputs
    cdef int kernel
    cdef int arrays
    cdef double sign           # of the temperature
    cdef bint one_result       # of each row
    cdef bint takes_keepdims
    cdef dict members

    def __init__(self):
        raise TypeError("functions of rows are not made by hand: use fastact.softmax and the like")

    def __call__(self, *args, **kwargs):
        return self.long_way(args, kwargs)

    # ---- the short way: whole plain arrays ------------------------------------------------------

    cdef object short_way(self, PyObject *const *args, Py_ssize_t given, PyObject *kwnames):
        """The result for whole plain arrays, or None where the long way has to serve them."""
        cdef cnp.ndarray x, grad = None, out = None
        cdef fastact_row_call call
        cdef long axis = -1
        cdef int i, ndim, element
        cdef Py_ssize_t size
        cdef PyObject *given_axis = NULL
        cdef PyObject *given_out = NULL
        if given > self.arrays:
            given_axis = args[self.arrays]
        if given < self.arrays or given > self.arrays + 1 or self.one_result or (
                self.takes_keepdims):
            return None
        if kwnames != NULL:
            for i in range(PyTuple_GET_SIZE(<tuple>kwnames)):
                # Keywords are interned, so identity finds them; what it misses goes the long way.
                key = (<tuple>kwnames)[i]
                if key is OUT:
                    given_out = args[given + i]
                elif key is AXIS and given_axis == NULL:
                    given_axis = args[given + i]
                else:
                    return None
        if given_axis != NULL:
            if not PyLong_CheckExact(<object>given_axis):
                return None
            try:
                axis = PyLong_AsLong(<object>given_axis)
            except OverflowError:
                return None
        if not cnp.PyArray_CheckExact(<object>args[self.arrays - 1]):
            return None
        x = <cnp.ndarray>args[self.arrays - 1]
        element = element_of(cnp.PyArray_TYPE(x))
        ndim = cnp.PyArray_NDIM(x)
        if axis < 0:
            axis += ndim
        if element < 0 or axis < 0 or axis >= ndim or not cnp.PyArray_ISCARRAY_RO(x):
            return None
        if self.arrays == 2:
            if not cnp.PyArray_CheckExact(<object>args[0]):
                return None
            grad = <cnp.ndarray>args[0]
            if not is_alike(x, grad):
                return None
        if given_out != NULL and <object>given_out is not None:
            if not cnp.PyArray_CheckExact(<object>given_out):
                return None
            out = <cnp.ndarray>given_out
            if not (is_alike(x, out) and cnp.PyArray_ISWRITEABLE(out) and lies_apart(x, out)
                    and (grad is None or lies_apart(grad, out))):
                return None
        else:
            out = PyArray_EMPTY(ndim, cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)

        memset(&call, 0, sizeof(call))
        call.kernel, call.element, call.temperature = self.kernel, element, self.sign
        call.outer = call.inner = 1
        call.n = cnp.PyArray_DIMS(x)[axis]
        for i in range(axis):
            call.outer *= cnp.PyArray_DIMS(x)[i]
        for i in range(axis + 1, ndim):
            call.inner *= cnp.PyArray_DIMS(x)[i]
        size = cnp.PyArray_ITEMSIZE(x)
        for i in range(3):
            call.strides[i][0] = call.n * call.inner * size
            call.strides[i][1] = call.inner * size
            call.strides[i][2] = size
        call.operands[0] = <char *>cnp.PyArray_DATA(x)
        call.operands[1] = <char *>cnp.PyArray_DATA(grad) if grad is not None else NULL
        call.operands[2] = <char *>cnp.PyArray_DATA(out)
        run_call(&call)
        return out

    # ---- the long way: everything else ----------------------------------------------------------

    cdef object long_way(self, tuple args, dict kwargs):
        """Read the arguments, and find out who is to answer."""
        named = dict(zip((*self.inputs, "axis"), args))
        if len(args) > len(self.inputs) + 1:
            raise TypeError(
                f"{self.__name__}() takes at most {len(self.inputs) + 1} positional arguments "
                f"({', '.join(self.inputs)}, axis) but {len(args)} were given; an output array is "
                "given by name: out=")
        options = {"axis": -1, "temperature": 1.0, "out": None, "dtype": None, "where": True}
        if self.takes_keepdims:
            options["keepdims"] = False
        for name, value in kwargs.items():
            if name not in options and name not in self.inputs:
                raise TypeError(f"{self.__name__}() has no argument {name!r}; it has "
                                f"{', '.join([*self.inputs, *options])}")
            if name in named:
                raise TypeError(f"{self.__name__}() got {name!r} by position and by name")
            named[name] = value
        for name in self.inputs:
            if name not in named:
                raise TypeError(f"{self.__name__}() misses the argument {name!r}")
        options.update(named)
        values = [options.pop(name) for name in self.inputs]

        cdef object x = values[len(values) - 1]
        if type(x) is not np.ndarray:
            if any([isinstance(value, np.ma.MaskedArray) for value in values]):
                return self.of_masked(values, options)
            if is_frame(x):
                return self.of_frame(values, options)
            if answers_ufuncs(x):
                return self.of_others(values, options)
        elif any([isinstance(value, np.ma.MaskedArray) for value in values]):
            return self.of_masked(values, options)
        result = self._of_arrays([as_array(self.__name__, value) for value in values], **options)
        if (isinstance(x, np.ndarray) and type(x) is not np.ndarray and options["out"] is None
                and not self.one_result):
            return x.__array_wrap__(result, None, False)
        return result

    cdef of_masked(self, list values, dict options):
        """A masked array's mask counts as where=, and the result has it."""
        masks = [np.ma.getmaskarray(value) for value in values]
        x = values[len(values) - 1]
        masked = masks[len(masks) - 1]
        if len(masks) == 2 and masks[0].shape == masked.shape:
            masked = masked | masks[0]
        where = as_mask(self.__name__, options["where"], masked.shape)
        options["where"] = ~masked if where is None else where & ~masked
        out = options["out"]
        if isinstance(out, np.ma.MaskedArray):
            options["out"] = out.data
        result = self._of_arrays(
            [as_array(self.__name__, np.ma.getdata(value)) for value in values], **options)
        if self.one_result:
            axes = axes_of(options["axis"], max(np.ndim(x), 1))
            masked = masked.reshape(masked.shape or (1,)).all(
                axis=axes, keepdims=bool(options["keepdims"])).reshape(np.shape(result))
        if out is None:
            return np.ma.MaskedArray(result, mask=masked)
        if isinstance(out, np.ma.MaskedArray):
            out.mask = masked
        return out

    cdef of_frame(self, list values, dict options):
        """A DataFrame comes back as one along axis 1 or 0, a Series as a Series."""
        x = values[len(values) - 1]
        if options["where"] is not True:
            options["where"] = np.asarray(options["where"])
        result = self._of_arrays(
            [as_array(self.__name__, value) for value in values], **options)
        if options["out"] is not None or np.ndim(result) == 0:
            return result
        if np.ndim(result) < np.ndim(x):
            left = x.index if options["axis"] in (1, -1) else x.columns
            return type(x.iloc[:, 0])(result, index=left) if x.shape[1] else result
        if np.shape(result) != x.shape:
            return result
        if np.ndim(x) == 1:
            return type(x)(result, index=x.index, name=x.name)
        return type(x)(result, index=x.index, columns=x.columns)

    cdef of_others(self, list values, dict options):
        """Arrays of other libraries, which answer to ufuncs themselves."""
        xarray = sys.modules.get("xarray")
        x = values[len(values) - 1]
        if options["where"] is not True:
            raise TypeError(f"{self.__name__} takes no where= for {type(x).__name__}: it goes "
                            "through a ufunc with a signature, which has none")
        if xarray is not None and isinstance(x, xarray.DataArray):
            axis = operator.index(options["axis"])
            core = [x.dims[axis]]
            keywords = {"temperature": options["temperature"], "dtype": options["dtype"]}
            cores = [core] * len(values)
            if self.takes_keepdims and not self.one_result:
                cores = [[], core]
            result = xarray.apply_ufunc(
                self, *values, input_core_dims=cores, kwargs=keywords, dask="allowed",
                output_core_dims=[[] if self.one_result else core], keep_attrs=True)
            return result if self.one_result else result.transpose(*x.dims)
        temperature = as_temperature(self.__name__, options["temperature"])
        floats = []
        for value in values:
            dtype = getattr(value, "dtype", None)
            if isinstance(dtype, np.dtype) and dtype.kind in "?biu":
                value = value.astype(np.float64)
            floats.append(value)
        if temperature != 1 and self.operation != "value":
            raise TypeError(f"{self.__name__} takes no temperature= for {type(x).__name__}: divide "
                            "x and the result by it")
        if temperature != 1:
            floats = [floats[0] / temperature]
        keywords = {"axis": options["axis"]}
        if self.takes_keepdims and not self.one_result:
            keywords = {"axes": [(), options["axis"], options["axis"]]}
        if options["out"] is not None:
            keywords["out"] = options["out"]
        if options["dtype"] is not None:
            keywords["dtype"] = options["dtype"]
        if self.one_result and options["keepdims"]:
            keywords["keepdims"] = True
        return self.ufunc(*floats, **keywords)

    def _of_arrays(self, list arrays, *, axis, temperature, out, dtype, where, keepdims=False):
        """The result for plain arrays."""
        name = self.__name__
        x = arrays[len(arrays) - 1]
        shape = x.shape
        dtype = result_dtype(name, arrays, dtype)
        degrees = self.sign * as_temperature(name, temperature)
        axes = axes_of(axis, x.ndim or 1)
        mask = as_mask(name, where, shape)
        # With a dimension at least, and where there is one element a row with those of length 1.
        whole = shape or (1,)
        kept = tuple([1 if i in axes else n for i, n in enumerate(whole)])
        # The shape of what has one element a row, as the caller sees it.
        reduced = () if not shape else kept if keepdims else tuple(
            [n for i, n in enumerate(whole) if i not in axes])
        given = [np.require(a, dtype, ["A"]).reshape(whole) for a in arrays[len(arrays) - 1:]]
        cdef object grad = None
        if len(arrays) == 2:
            wanted = whole
            if self.takes_keepdims:  # one element a row
                wanted = kept
                if arrays[0].shape != reduced:
                    raise ValueError(f"{name}: grad has shape {arrays[0].shape}, the result of "
                                     f"logsumexp has shape {reduced}")
            elif arrays[0].shape != shape:
                raise ValueError(f"{name}: the arrays must have one shape, not {arrays[0].shape} "
                                 f"and {shape}")
            grad = np.require(arrays[0], np.float64 if self.takes_keepdims else dtype,
                              ["A"]).reshape(wanted)
        if mask is not None:
            mask = mask.reshape(whole)
        result_shape = reduced if self.one_result else shape
        if out is not None:
            check_out(name, out, result_shape, dtype)
        direct = (
            out is not None and out.dtype == dtype and type(out) is np.ndarray
            and out.flags.aligned and out.size > 0
            and may_be_written([given[0], grad, mask], out)
        )
        target_shape = kept if self.one_result else whole
        if direct:
            target = out.reshape(target_shape, copy=False) if out.shape != target_shape else out
        elif self.one_result:
            target = np.empty(target_shape, dtype)
        else:
            target = np.empty_like(given[0])
        if given[0].size == 0 and self.one_result:
            target.fill(-np.inf)
        elif given[0].size > 0:
            target = self.run_along(axes, [given[0], grad, target, mask], degrees, dtype)
        if direct:
            if not np.may_share_memory(target, out):
                np.copyto(out, target.reshape(out.shape))
            return out
        result = target.reshape(result_shape)
        if out is None:
            return result if result_shape else result[()]
        np.copyto(out, result, casting="same_kind")
        return out

    cdef run_along(self, tuple axes, list arrays, double temperature, dtype):
        """Fill the result, or return another array with it."""
        cdef int element = element_of(dtype.num)
        if run(self.kernel, element, temperature, arrays, axes):
            return arrays[RESULT]
        # Several axes, which are not one in memory: copies in which they are.
        order = [i for i in range(arrays[0].ndim) if i not in axes] + list(axes)
        copies = [None if a is None else np.ascontiguousarray(a.transpose(order)) for a in arrays]
        if not run(self.kernel, element, temperature, copies,
                   tuple(range(len(order) - len(axes), len(order)))):
            raise AssertionError("contiguous axes are one")
        return copies[RESULT].transpose(sorted(range(len(order)), key=order.__getitem__))

    # ---- what it tells of itself ----------------------------------------------------------------

    def __getattr__(self, name):
        try:
            return self.members[name]
        except KeyError:
            raise AttributeError(f"{self!r} has no attribute {name!r}") from None

    def __dir__(self):
        return sorted([*object.__dir__(self), *self.members])

    @property
    def __name__(self):
        """The name; of a member with its function's before it."""
        return _docstrings.member_name(self.row, self.operation)

    @property
    def __qualname__(self):
        """The name within fastact."""
        return self.__name__

    @property
    def __module__(self):
        return "fastact"

    @property
    def __doc__(self):
        return _docstrings.row_text(self.row, self.operation)

    @property
    def __signature__(self):
        kinds = inspect.Parameter
        parameters = [kinds(name, kinds.POSITIONAL_OR_KEYWORD) for name in self.inputs]
        parameters.append(kinds("axis", kinds.POSITIONAL_OR_KEYWORD, default=-1))
        keywords = {"keepdims": False} if self.takes_keepdims else {}
        keywords |= {"temperature": 1.0, "out": None, "dtype": None, "where": True}
        parameters += [kinds(name, kinds.KEYWORD_ONLY, default=default)
                       for name, default in keywords.items()]
        return inspect.Signature(parameters)

    @property
    def formula(self):
        """The function as people read it."""
        return self.row.operations[self.operation]

    @property
    def max_ulp(self):
        """The bound of the error in units in the last place, by dtype."""
        return dict(self.row.max_ulp)

    def __repr__(self):
        return f"<activation {self.__name__!r}>"

    def __reduce__(self):
        return _find, (self.row.name, self.operation)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


cdef inline bint is_alike(cnp.ndarray x, cnp.ndarray other) noexcept:
    """Whether it is contiguous as x is, of its dtype and shape."""
    return alike(x, other) and cnp.PyArray_ISCARRAY_RO(other)


cdef inline bint lies_apart(cnp.ndarray a, cnp.ndarray out) noexcept:
    """Whether out is a contiguous array itself, or lies elsewhere."""
    return cnp.PyArray_DATA(a) == cnp.PyArray_DATA(out) or not overlaps(a, out)


cdef axes_of(axis, int ndim):
    """Return the axes, ascending."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted(normalize_axis_tuple(axis if isinstance(axis, tuple) else (axis,), ndim,
                                             "axis")))


cdef object call(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    """What calling a RowFunction does: the short way if it can be gone, else the long way."""
    cdef RowFunction function = <RowFunction>self
    cdef Py_ssize_t given = PyVectorcall_NARGS(nargsf)
    result = function.short_way(args, given, kwnames)
    if result is not None:
        return result
    return function.long_way(by_position(args, given), by_name(args, given, kwnames))


cdef RowFunction make(row, str operation):
    cdef RowFunction made = RowFunction.__new__(RowFunction)
    made.vectorcall = call
    made.row = row
    made.operation = operation
    made.inputs = {"value": ("x",), "backward": ("grad", "x"),
                   "backward_from_output": ("grad", "y")}[operation]
    made.arrays = len(made.inputs)
    made.kernel = KERNELS[row.computed_as, operation]
    made.sign = -1.0 if row.name == "softmin" else 1.0
    made.one_result = row.reduces and operation == "value"
    made.takes_keepdims = row.reduces
    made.ufunc = make_ufunc(made)
    made.members = {}
    if operation == "value":
        made.members = {name: make(row, name) for name in row.operations if name != "value"}
    return made


def _find(name, operation):
    """Return a function by name: what a pickle calls."""
    return functions[name] if operation == "value" else getattr(functions[name], operation)


# ---- the ufuncs behind them ---------------------------------------------------------------------

cdef struct loop_data:
    int kernel
    int element
    int arrays
    double temperature
    bint one_gradient
    bint one_result
    bint converts       # x is of an integer type, which this call brings to float64
    fastact_call conversion


cdef void ufunc_loop(char **operands, const cnp.npy_intp *dimensions, const cnp.npy_intp *steps,
                     void *data) noexcept nogil:
    """Rows of a gufunc: [grad,] x and the result; outer steps first, then those along the axis."""
    cdef loop_data *what = <loop_data *>data
    cdef fastact_row_call call
    cdef int x = what.arrays - 1, result = what.arrays, core = what.arrays + 1
    cdef Py_ssize_t i
    memset(&call, 0, sizeof(call))
    call.kernel, call.element, call.temperature = what.kernel, what.element, what.temperature
    call.outer, call.n, call.inner = dimensions[0], dimensions[1], 1
    if what.arrays == 2:
        call.operands[1], call.strides[1][0] = operands[0], steps[0]
        if not what.one_gradient:
            call.strides[1][1] = steps[core]
            core += 1
    call.operands[0], call.strides[0][0] = operands[x], steps[x]
    call.strides[0][1] = steps[core]
    call.operands[2], call.strides[2][0] = operands[result], steps[result]
    if not what.one_result:
        call.strides[2][1] = steps[core + 1]
    if call.n == 0 and what.one_result:
        for i in range(call.outer):
            _kernels.round_to(what.element, -INFINITY, operands[result] + i * steps[result])
        return
    if what.converts and not convert(what, &call):
        _kernels.set_aside(1)
        return
    # Rows side by side, as along the first axis, are inner ones.
    if 0 < call.strides[0][0] < call.strides[0][1]:
        call.inner, call.outer = call.outer, 1
        for i in range(3):
            call.strides[i][2] = call.strides[i][0]
    _kernels.apply_rows_in_ufunc(&call)
    if call.operands[0] != operands[x] and what.one_result:
        free(call.operands[0])


cdef bint convert(loop_data *what, fastact_row_call *call) noexcept nogil:
    """Bring integers to float64: where the result will be or, of one element, in a new place.
    False where there is no memory for that."""
    cdef Py_ssize_t k, size = sizeof(double)
    cdef char *pair[2]
    cdef Py_ssize_t strides[2]
    cdef char *place = call.operands[2]
    cdef Py_ssize_t outer = call.strides[2][0], along = call.strides[2][1]
    if what.one_result:
        outer, along = call.n * size, size
        place = <char *>malloc(max(call.outer * call.n * size, 1))
        if place == NULL:
            return False
    strides[0], strides[1] = call.strides[0][1], along
    for k in range(call.outer):
        pair[0], pair[1] = call.operands[0] + k * call.strides[0][0], place + k * outer
        _kernels.apply_in_ufunc(&what.conversion, call.n, pair, strides)
    call.operands[0], call.strides[0][0], call.strides[0][1] = place, outer, along
    return True


cdef object make_ufunc(RowFunction function):
    """The numpy.ufunc of a function. What is allocated here lives as long as the process."""
    integers = [np.dtype(c) for c in "?bBhHiIlLqQ"]
    types_of_x = [d.num for d in integers] + [cnp.NPY_FLOAT16, cnp.NPY_FLOAT, cnp.NPY_DOUBLE]
    cdef int count = len(types_of_x), nin = function.arrays, i, k = 0
    cdef cnp.PyUFuncGenericFunction *functions = <cnp.PyUFuncGenericFunction *>PyMem_Malloc(
        count * sizeof(cnp.PyUFuncGenericFunction))
    cdef void **data = <void **>PyMem_Malloc(count * sizeof(void *))
    cdef char *types = <char *>PyMem_Malloc(count * (nin + 1))
    if functions == NULL or data == NULL or types == NULL:
        raise MemoryError
    one_gradient = function.takes_keepdims and nin == 2
    # NumPy takes the first loop to which the inputs cast safely: integers come first, so that none
    # of them becomes a float narrower than float64.
    for i, type_num in enumerate(types_of_x):
        computed_in = cnp.NPY_DOUBLE if i < len(integers) else type_num
        functions[i] = ufunc_loop
        data[i] = new_loop_data(function, type_num, element_of(computed_in))
        if nin == 2:
            types[k] = cnp.NPY_DOUBLE if one_gradient else computed_in
            k += 1
        types[k], types[k + 1] = type_num, computed_in
        k += 2
    core = "(n)->()" if function.one_result else "(n)->(n)" if nin == 1 else (
        "(),(n)->(n)" if one_gradient else "(n),(n)->(n)")
    names = (function.__name__.replace(".", "_").encode(),
             f"{function.__name__} along the last axis; see fastact.".encode(), core.encode())
    kept_alive.append(names)
    return PyUFunc_FromFuncAndDataAndSignature(
        functions, data, types, count, nin, 1, cnp.PyUFunc_None, names[0], names[1], 0, names[2])


cdef list kept_alive = []


cdef loop_data *new_loop_data(RowFunction function, int type_num, int element) except NULL:
    cdef loop_data *what = <loop_data *>PyMem_Malloc(sizeof(loop_data))
    if what == NULL:
        raise MemoryError
    memset(what, 0, sizeof(loop_data))
    what.kernel, what.element, what.arrays = function.kernel, element, function.arrays
    what.temperature = function.sign
    what.one_result = function.one_result
    what.one_gradient = function.takes_keepdims and function.arrays == 2
    dtype = np.dtype(cnp.PyArray_DescrFromType(type_num))
    if dtype.kind in "?biu":
        identity = next(row for row in CATALOGUE if row.name == "identity")
        first = {"b": _kernels.FASTACT_BOOL, "i": _kernels.FASTACT_INT8,
                 "u": _kernels.FASTACT_UINT8}[dtype.kind]
        what.converts = True
        _kernels.bind(&what.conversion, identity, _kernels.FASTACT_VALUE,
                      first + dtype.itemsize.bit_length() - 1, _kernels.FASTACT_FLOAT64)
    return what


cdef class Quiet:
    """A block in which NumPy computes as the kernels do: no warning, no trace in the caller's
    floating-point environment, and nothing that depends on it."""

    cdef fastact_environment callers
    cdef object ignoring

    def __enter__(self):
        self.ignoring = np.errstate(all="ignore")
        self.ignoring.__enter__()
        _kernels.enter(&self.callers)

    def __exit__(self, *error):
        _kernels.leave(&self.callers)
        self.ignoring.__exit__(*error)


# ---- what is made of them -----------------------------------------------------------------------

def jacobian(x, axis=-1, *, dtype=None):
    """Return the matrices of dp_i/dx_j.

    diag(p) - p p^T, p = softmax(x); 1 - p_i without cancellation.

    Parameters
    ----------
    x : array_like
        The logits.
    axis : int, default -1
        The axis of length n.
    dtype : dtype, optional
        That of the computation and the result; without it x's, or float64 for integers.

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
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name} does not take masked arrays: fill the masked entries with -inf "
                        "(x.filled(-np.inf)) to leave them out")
    array = as_array(name, x)
    dtype = result_dtype(name, [array], dtype)
    axes = axes_of(axis, array.ndim or 1)
    with Quiet():
        rows = np.moveaxis(array.astype(dtype).reshape(array.shape or (1,)), axes[0], -1)
        rows = rows.astype(np.float64)
        p = softmax(rows)
        result = -(p[..., :, None] * p[..., None, :])
        diagonal = np.arange(rows.shape[rows.ndim - 1])
        result[..., diagonal, diagonal] = -p * np.expm1(log_softmax(rows))
        return result.astype(dtype)


cdef log_parts(x, int axis):
    """Return the maxima along an axis and the logarithms of the sums beside them, in float64: of
    x's shape, but of length 1 along the axis."""
    shape = [1 if i == axis else n for i, n in enumerate(x.shape)]
    parts = np.empty((*shape, 2))
    run(_kernels.FASTACT_LOG_PARTS, element_of(x.dtype.num), 1.0,
        [x, None, parts[..., 0], None], (axis,))
    return parts[..., 0], parts[..., 1]


def total(a, axis):
    """Return the sums along an axis, which stays, to the same bits for any layout."""
    rows = np.ascontiguousarray(np.moveaxis(a, axis, -1))
    return np.expand_dims(rows.sum(-1), axis)


def sum_below_0(grad, x, axis, dtype):
    """Return the sums of grad*x where x < 0, one for each index of an axis or one for all if it is
    None: added up in float64, to the same bits for any layout, and brought to a dtype."""
    x = np.require(x, dtype, ["A"])
    grad = np.broadcast_to(np.asarray(grad, dtype), x.shape)
    if axis is None:
        x, grad, axis = x[None], grad[None], 0
    if x.size == 0:
        return np.zeros(x.shape[axis], dtype)
    # The axes inside it are rows or, where there are none, those outside.
    cdef bint has_inside = x[(slice(1),) * (axis + 1)].size > 1
    axes = tuple(range(axis + 1, x.ndim) if has_inside else range(axis))
    sums = np.zeros([*(1 if i in axes else n for i, n in enumerate(x.shape)), 2])
    arrays = [x, np.require(grad, dtype, ["A"]), sums[..., 0], None]
    find_bfloat16(dtype)
    cdef int element = element_of(dtype.num)
    with Quiet():
        if not run(_kernels.FASTACT_SUM_BELOW_0, element, 1.0, arrays, axes):
            copies = [np.ascontiguousarray(x), np.ascontiguousarray(grad), sums[..., 0], None]
            run(_kernels.FASTACT_SUM_BELOW_0, element, 1.0, copies, axes)
        high, low = np.moveaxis(sums.reshape(-1, x.shape[axis], 2), -1, 0)
        while len(high) > 1:  # each with one of the other half, as long as there are two
            half = len(high) // 2
            a, b = high[:half], high[half:2 * half]
            both = a + b
            part = both - a
            lost = (a - (both - part)) + (b - part) + low[:half] + low[half:2 * half]
            high = np.concatenate([both, high[2 * half:]])
            low = np.concatenate([lost, low[2 * half:]])
        # Of an infinite sum the low word is NaN.
        return np.where(np.isfinite(high[0]), high[0] + low[0], high[0]).astype(dtype)


class CrossEntropy:
    """Return the cross entropy of labels and softmax(logits): what a classifier is trained on.

    -log(softmax(logits))[label] for each row, with the logarithm taken where nothing is lost: for
    a sure winner too.

    Parameters
    ----------
    logits : array_like
        Bool, integer, float16, float32, float64 or ml_dtypes.bfloat16, of one dimension or more.
    labels : array_like
        Integers from 0 to n - 1, of the logits' shape without `axis`; or floating probabilities of
        the logits' shape.
    axis : int, default -1
        The axis of the n classes.
    label_smoothing : float, default 0.0
        How much of the labels' weight is spread evenly over all classes; 0 to 1.
    reduction : {'mean', 'sum', 'none'}, default 'mean'
        What becomes of the rows' losses.
    ignore_index : int, optional
        A label whose rows do not count.

    Returns
    -------
    ndarray or scalar
        Of the logits' dtype, float64 for integers. The mean over no row at all is NaN.

    Raises
    ------
    IndexError
        For a label that is none of the classes, before anything is computed.
    TypeError
        For an unsupported dtype.
    ValueError
        For labels of another shape, and for a smoothing or reduction that there is not.
    numpy.exceptions.AxisError
        For an axis that the logits do not have.

    See Also
    --------
    cross_entropy.backward : The gradient with respect to the logits.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.cross_entropy([[20.0, 0.0], [0.0, 0.0]], [0, 1], reduction="none")
    array([2.06115362e-09, 6.93147181e-01])
    """

    __slots__ = ()
    __name__ = __qualname__ = "cross_entropy"

    def __call__(self, logits, labels, axis=-1, *, label_smoothing=0.0, reduction="mean",
                 ignore_index=None):
        x, labels, axis, valid = self._read("cross_entropy", logits, labels, axis,
                                            label_smoothing, reduction, ignore_index)
        with Quiet():
            m, log = log_parts(x, axis)
            if labels.dtype.kind == "f":
                losses = self._targets(labels, x.shape[axis], label_smoothing)
                losses = total(np.where(losses == 0, 0.0, losses * (log - (x - m))), axis)
                losses = losses.squeeze(axis)
            else:
                picked = np.take_along_axis(x, labels, axis).astype(np.float64)
                losses = log - (picked - m)
                if label_smoothing:
                    mean = total(log - (x - m), axis) / x.shape[axis]
                    losses = (1.0 - label_smoothing) * losses + label_smoothing * mean
                losses = np.where(valid, losses, 0.0).squeeze(axis)
            if reduction != "none":
                losses = losses.sum()
            if reduction == "mean":
                losses = losses / np.count_nonzero(valid)
            return np.asarray(losses, x.dtype)[()]

    def backward(self, grad, logits, labels, axis=-1, *, label_smoothing=0.0, reduction="mean",
                 ignore_index=None):
        """Return the gradient with respect to the logits, from the logits.

        grad (softmax(logits) - target), over the number of rows for the mean.

        Parameters
        ----------
        grad : array_like
            The gradient with respect to the loss: a scalar, or one for each row where the
            reduction is 'none'.
        logits : array_like
            As for `cross_entropy`.
        labels : array_like
            As for `cross_entropy`.
        axis : int, default -1
            As for `cross_entropy`.
        label_smoothing : float, default 0.0
            As for `cross_entropy`.
        reduction : {'mean', 'sum', 'none'}, default 'mean'
            As for `cross_entropy`.
        ignore_index : int, optional
            A label whose rows have a gradient of 0.

        Returns
        -------
        ndarray
            Of the logits' shape and dtype, float64 for integers.

        Raises
        ------
        IndexError
            For a label that is none of the classes, before anything is computed.
        TypeError
            For an unsupported dtype.
        ValueError
            For labels or a grad of another shape.
        numpy.exceptions.AxisError
            For an axis that the logits do not have.

        Examples
        --------
        >>> import fastact as fa
        >>> fa.cross_entropy.backward(1.0, [[0.0, 0.0]], [1])
        array([[ 0.5, -0.5]])
        """
        name = "cross_entropy.backward"
        x, labels, axis, valid = self._read(name, logits, labels, axis, label_smoothing, reduction,
                                            ignore_index)
        grad = np.asarray(grad, np.float64)
        each = tuple([n for i, n in enumerate(x.shape) if i != axis])
        if grad.shape not in ((), each) or (grad.shape and reduction != "none"):
            raise ValueError(f"{name}: grad has shape {grad.shape}, the loss has shape "
                             f"{each if reduction == 'none' else ()}")
        with Quiet():
            weights = np.broadcast_to(grad, each)
            weights = np.where(valid, np.expand_dims(weights, axis), 0.0)
            if reduction == "mean":
                weights = weights / np.count_nonzero(valid)
            if labels.dtype.kind == "f" or label_smoothing:
                whole = 1.0
                if labels.dtype.kind == "f":
                    whole = (1.0 - label_smoothing) * total(labels, axis) + label_smoothing
                else:
                    labels = np.arange(x.shape[axis]).reshape(
                        [-1 if i == axis else 1 for i in range(x.ndim)]) == labels
                target = self._targets(labels, x.shape[axis], label_smoothing)
                p = softmax(x, axis, dtype=np.float64)
                return np.where(weights == 0, 0.0, weights * (
                    p * whole - target)).astype(x.dtype)
            out = np.empty_like(x)
            if x.size:
                run(_kernels.FASTACT_LOGSUMEXP_BACKWARD, element_of(x.dtype.num), 1.0,
                    [x, weights, out, None], (axis,))
                # p - 1 where the label is: with the logarithm nothing cancels.
                m, log = log_parts(x, axis)
                picked = np.take_along_axis(x, labels, axis).astype(np.float64)
                np.put_along_axis(out, labels, weights * np.expm1((picked - m) - log), axis)
                if ignore_index is not None:
                    np.copyto(out, 0, where=~valid)
            return out

    def _read(self, name, logits, labels, axis, label_smoothing, reduction, ignore_index):
        """Return logits, labels, axis, and which rows count; labels as take_along_axis wants."""
        x = as_array(name, logits)
        if not hasattr(axis, "__index__"):
            raise TypeError(f"{name}: axis must be an integer, not {type(axis).__name__}")
        if x.ndim == 0:
            raise ValueError(f"{name}: logits must have a dimension of classes")
        axis = axes_of(axis, x.ndim)[0]
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"{name}: reduction must be 'mean', 'sum' or 'none', not "
                             f"{reduction!r}")
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"{name}: label_smoothing must be from 0 to 1, not "
                             f"{label_smoothing!r}")
        x = np.require(x, result_dtype(name, [x], None), ["A"])
        each = tuple([n for i, n in enumerate(x.shape) if i != axis])
        labels = np.asarray(labels)
        if find_bfloat16(labels.dtype):
            labels = labels.astype(np.float64)
        if labels.size == 0 and labels.shape == each:
            labels = labels.astype(np.intp)
        if labels.dtype.kind == "f" and labels.shape == x.shape:
            if ignore_index is not None:
                raise ValueError(f"{name}: ignore_index goes with integer labels")
            return x, labels.astype(np.float64), axis, np.ones(
                [1 if i == axis else n for i, n in enumerate(x.shape)], bool)
        if labels.dtype.kind not in "iu":
            raise TypeError(f"{name}: labels must be integers, or probabilities of the logits' "
                            f"shape {x.shape}; not {labels.dtype} of shape {labels.shape}")
        if labels.shape != each:
            raise ValueError(f"{name}: labels have shape {labels.shape}, the logits without the "
                             f"axis of classes have {each}")
        valid = np.ones(each, bool) if ignore_index is None else labels != ignore_index
        wrong = valid & ((labels < 0) | (labels >= x.shape[axis]))
        if wrong.any():
            raise IndexError(f"{name}: label {labels[wrong][0]} is none of the {x.shape[axis]} "
                             "classes; a label to leave out is given as ignore_index")
        labels = np.where(valid, labels, 0).astype(np.intp)
        return x, np.expand_dims(labels, axis), axis, np.expand_dims(valid, axis)

    def _targets(self, labels, n, label_smoothing):
        return (1.0 - label_smoothing) * labels.astype(np.float64) + label_smoothing / n

    def __repr__(self):
        return "<activation 'cross_entropy'>"

    def __reduce__(self):
        return "cross_entropy"


CrossEntropy.__call__.__doc__ = CrossEntropy.__doc__
CrossEntropy.__module__ = "fastact"
cross_entropy = CrossEntropy()

#: Every function of rows by its name.
functions = {row.name: make(row, "value") for row in ROW_CATALOGUE}

softmax = functions["softmax"]
log_softmax = functions["log_softmax"]
(<RowFunction>softmax).members["jacobian"] = jacobian

cdef RowFunction sample = softmax
call_through_vectorcall(
    RowFunction, <char *>&sample.vectorcall - <char *><PyObject *>sample)
