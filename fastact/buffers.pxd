# fastact's kernels for other Cython code: no header of fastact is needed.
#
#     from fastact cimport buffers
#     from fastact import buffers as functions
#
#     cdef buffers.Function elu = functions.elu.with_parameters(alpha=0.5)
#     with nogil:
#         buffers.apply(elu, x, out)                  # x, out: float[::1] or double[::1]
#         buffers.apply_backward(elu_backward, grad, x, out)
#         buffers.softmax_rows(logits, out)           # float[:, ::1] or double[:, ::1]
#
# The lengths are checked: the functions raise ValueError (taking the GIL for that alone).

from cython cimport floating

cdef class Function:
    cdef readonly str __name__
    cdef readonly Function derivative
    cdef readonly Function backward
    cdef dict values
    cdef object row
    cdef int operation
    cdef int arrays
    cdef void *calls[2]
    cdef double wide[4]
    cdef float narrow[4]

cdef int apply(Function function, const floating[::1] x, floating[::1] out) except -1 nogil
cdef int apply_backward(Function function, const floating[::1] grad, const floating[::1] x,
                        floating[::1] out) except -1 nogil
cdef int softmax_rows(const floating[:, ::1] x, floating[:, ::1] out) except -1 nogil
