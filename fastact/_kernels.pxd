# What the other extensions may know of the C core: its types, and functions that reach the one
# copy of it, which is linked into _kernels.

cdef extern from "fastact.h" nogil:
    enum:
        FASTACT_VALUE
        FASTACT_DERIVATIVE
        FASTACT_BACKWARD
        FASTACT_VALUE_AND_DERIVATIVE
        FASTACT_OPERATIONS
        FASTACT_FLOAT16
        FASTACT_BFLOAT16
        FASTACT_FLOAT32
        FASTACT_FLOAT64
        FASTACT_FLOATS
        FASTACT_ELEMENTS
        FASTACT_INT8
        FASTACT_INT16
        FASTACT_INT32
        FASTACT_INT64
        FASTACT_UINT8
        FASTACT_UINT16
        FASTACT_UINT32
        FASTACT_UINT64
        FASTACT_BOOL
        FASTACT_MAX_OPERANDS
        FASTACT_MAX_DIMENSIONS
        FASTACT_ROW_OPERANDS
        FASTACT_SOFTMAX
        FASTACT_LOG_SOFTMAX
        FASTACT_LOGSUMEXP
        FASTACT_LOG_PARTS
        FASTACT_SUM_BELOW_0
        FASTACT_SOFTMAX_BACKWARD
        FASTACT_SOFTMAX_BACKWARD_FROM_OUTPUT
        FASTACT_LOG_SOFTMAX_BACKWARD
        FASTACT_LOG_SOFTMAX_BACKWARD_FROM_OUTPUT
        FASTACT_LOGSUMEXP_BACKWARD
        FASTACT_SPARSEMAX
        FASTACT_SPARSEMAX_BACKWARD
        FASTACT_SPARSEMAX_BACKWARD_FROM_OUTPUT

    ctypedef void fastact_loop(Py_ssize_t n, char **operands)
    ctypedef int fastact_question() except -1 nogil

    ctypedef struct fastact_call:
        int inputs
        int parameters
        int outputs
        int computed_in
        int elements[8]

    ctypedef struct fastact_row_call:
        int kernel
        int element
        Py_ssize_t outer
        Py_ssize_t n
        Py_ssize_t inner
        char *operands[3]
        Py_ssize_t strides[3][3]
        const char *mask
        Py_ssize_t mask_strides[3]
        double temperature

    ctypedef struct fastact_environment:
        double room[8]

cdef int bind(fastact_call *call, row, int operation, int x_element,
              int computed_in) except -2
cdef fastact_loop *loop_of(str isa, str name, int operation, int element) except NULL
cdef int parameter_count(str name) except -1
# Where a call is stopped, the question that stopped it has set an exception: -1 passes that on. A
# ufunc's loop cannot raise one.
cdef int apply(const fastact_call *call, Py_ssize_t n, char **operands,
               const Py_ssize_t *strides) except -1 nogil
cdef void apply_in_ufunc(const fastact_call *call, Py_ssize_t n, char **operands,
                         const Py_ssize_t *strides) noexcept nogil
cdef void set_aside(int status) noexcept with gil
cdef int raise_set_aside(void *unused) except -1 with gil
cdef int apply_contiguous(const fastact_call *call, Py_ssize_t n,
                          char **operands) except -1 nogil
cdef int apply_shaped(const fastact_call *call, int dimensions, const Py_ssize_t *shape,
                      char **operands, const Py_ssize_t *strides) except -1 nogil
cdef int apply_rows(const fastact_row_call *call) except -1 nogil
cdef void apply_rows_in_ufunc(const fastact_row_call *call) noexcept nogil

cdef void enter(fastact_environment *callers) noexcept nogil
cdef void leave(const fastact_environment *callers) noexcept nogil

cdef bint round_to(int element, double x, void *out) noexcept nogil

cdef void threads_init(int requested, int fallback_limit) noexcept
cdef void set_num_threads(int n) noexcept
cdef int get_num_threads() noexcept
cdef void ask_whether_to_stop(fastact_question *ask) noexcept
cdef void ask_for_threads(fastact_question *ask) noexcept
cdef long openmp_version() noexcept
cdef str isa()
cdef list available_isas()
cdef str compiler()
cdef str compile_flags()
cdef dict parallel_thresholds()
cdef set_parallel_threshold(str cost, Py_ssize_t elements)
cdef dict row_limits()
cdef set_row_limit(str name, Py_ssize_t value)
